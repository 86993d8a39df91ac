//! JSON written again as this program writes it, from text to text: no blanks, one spelling of each escape, all else as it
//! stands. What parsing and writing would give, without building values.

use crate::read::stops::Stops;

/// Objects with more keys are left to the parser: each key is compared with those before it.
const MAX_KEYS: usize = 64;

/// Writes `json` to `out`, which must be JSON by the walk of an outline. Tells `tally` the bytes of each text that is a
/// value, but of those under keys for which `is_skipped`. `None`, with something in `out`, where the parser has to say what
/// it is: control characters, lone surrogates, keys with escapes or twice, numbers with exponents.
pub(super) fn rewrite(
    json: &str,
    is_skipped: &dyn Fn(&str) -> bool,
    tally: &mut dyn FnMut(usize),
    out: &mut Vec<u8>,
) -> Option<()> {
    let mut rewriter = Rewriter::of(json, is_skipped, tally, out)?;
    rewriter.white();
    rewriter.value(true)?;
    rewriter.white();
    let is_end = rewriter.at == json.len();
    rewriter.flush();
    is_end.then_some(())
}

/// Writes what stands between the quotes of `text` to `out`, likewise; the bytes that it means.
pub fn rewrite_text(text: &str, out: &mut Vec<u8>) -> Option<usize> {
    let mut nobody = |_| ();
    let mut rewriter = Rewriter::of(text, &|_| false, &mut nobody, out)?;
    rewriter.copied = 1;
    let len = (rewriter.peek() == Some(b'"')).then(|| rewriter.string())??;
    let is_end = rewriter.at == text.len();
    rewriter.at -= 1;
    rewriter.flush();
    is_end.then_some(len)
}

struct Rewriter<'a, 'b> {
    text: &'a str,
    at: usize,
    /// What stands before it is written.
    copied: usize,
    stops: Stops<'a>,
    /// The keys of the objects around this place.
    keys: Vec<&'a str>,
    is_skipped: &'b dyn Fn(&str) -> bool,
    tally: &'b mut dyn FnMut(usize),
    out: &'b mut Vec<u8>,
}

impl<'a, 'b> Rewriter<'a, 'b> {
    /// At the beginning of a text that can be rewritten.
    fn of(
        text: &'a str,
        is_skipped: &'b dyn Fn(&str) -> bool,
        tally: &'b mut dyn FnMut(usize),
        out: &'b mut Vec<u8>,
    ) -> Option<Self> {
        // the least of all bytes is found many at a time
        if text.bytes().min().is_some_and(|least| least < 0x20) {
            return None;
        }
        Some(Self {
            text,
            at: 0,
            copied: 0,
            stops: Stops::of(text.as_bytes()),
            keys: Vec::new(),
            is_skipped,
            tally,
            out,
        })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Writes what was stepped over as it stands.
    fn flush(&mut self) {
        let bytes = self.text.as_bytes().get(self.copied..self.at);
        self.out.extend_from_slice(bytes.unwrap_or_default());
        self.copied = self.at;
    }

    /// Leaves out blanks.
    #[inline]
    fn white(&mut self) {
        if self.peek() == Some(b' ') {
            self.flush();
            while self.peek() == Some(b' ') {
                self.at += 1;
            }
            self.copied = self.at;
        }
    }

    /// Steps over a value; its texts count where `is_told`.
    fn value(&mut self, is_told: bool) -> Option<()> {
        match self.peek()? {
            b'"' => {
                let len = self.string()?;
                if is_told {
                    (self.tally)(len);
                }
                Some(())
            }
            b'{' => self.object(is_told),
            b'[' => self.elements(b']', |this| this.value(is_told)),
            first => {
                let rest = self.text.as_bytes().get(self.at..)?;
                let is_end = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ');
                let len = rest.iter().position(is_end).unwrap_or(rest.len());
                let is_number = first == b'-' || first.is_ascii_digit();
                let scalar = rest.get(..len)?;
                if is_number && scalar.iter().any(|byte| matches!(byte, b'e' | b'E')) {
                    return None;
                }
                self.at += len;
                Some(())
            }
        }
    }

    fn object(&mut self, is_told: bool) -> Option<()> {
        let base = self.keys.len();
        self.elements(b'}', |this| {
            let key = this.key()?;
            let known = this.keys.get(base..)?;
            if known.len() >= MAX_KEYS || known.contains(&key) {
                return None;
            }
            this.keys.push(key);
            this.white();
            if this.peek()? != b':' {
                return None;
            }
            this.at += 1;
            this.white();
            let is_told = is_told && !(this.is_skipped)(key);
            this.value(is_told)
        })?;
        self.keys.truncate(base);
        Some(())
    }

    /// A key, which has to be written plainly.
    fn key(&mut self) -> Option<&'a str> {
        let start = self.at + 1;
        let end = self.stops.first_from(start)?;
        if self.peek()? != b'"' || self.text.as_bytes().get(end) != Some(&b'"') {
            return None;
        }
        let key = self.text.get(start..end)?;
        self.at = end + 1;
        // the parser takes such an object for a number or a value in disguise
        (!key.starts_with("$serde_json::private::")).then_some(key)
    }

    /// What stands between a bracket and `close`, parted by commas.
    fn elements(&mut self, close: u8, mut each: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.at += 1;
        self.white();
        if self.peek()? == close {
            self.at += 1;
            return Some(());
        }
        loop {
            self.white();
            each(self)?;
            self.white();
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b',' => {}
                byte if byte == close => return Some(()),
                _ => return None,
            }
        }
    }

    /// A text; the bytes that it means.
    fn string(&mut self) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut len = 0;
        self.at += 1;
        loop {
            let stop = self.stops.first_from(self.at)?;
            len += stop - self.at;
            self.at = stop;
            if *bytes.get(stop)? == b'"' {
                self.at += 1;
                return Some(len);
            }
            len += match bytes.get(stop + 1)? {
                b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't' => {
                    self.at += 2;
                    1
                }
                b'/' => {
                    self.instead(2, "/");
                    1
                }
                b'u' => self.unicode()?,
                _ => return None,
            };
        }
    }

    /// Writes something else for the next `len` bytes.
    fn instead(&mut self, len: usize, by: &str) {
        self.flush();
        self.out.extend_from_slice(by.as_bytes());
        self.at += len;
        self.copied = self.at;
    }

    /// An escape by number, or two of them that are one character; the bytes that it means.
    fn unicode(&mut self) -> Option<usize> {
        let unit = |at: usize| {
            let digits = self.text.get(at..at + 6)?.strip_prefix("\\u")?;
            u32::from_str_radix(digits, 16).ok()
        };
        let first = unit(self.at)?;
        let (code, len) = match first {
            0xD800..=0xDBFF => {
                let second =
                    unit(self.at + 6).filter(|second| (0xDC00..=0xDFFF).contains(second))?;
                (0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00), 12)
            }
            _ => (first, 6),
        };
        // a half of a pair alone is no character
        let letter = char::from_u32(code)?;
        match letter {
            '"' => self.instead(len, "\\\""),
            '\\' => self.instead(len, "\\\\"),
            '\u{8}' => self.instead(len, "\\b"),
            '\t' => self.instead(len, "\\t"),
            '\n' => self.instead(len, "\\n"),
            '\u{c}' => self.instead(len, "\\f"),
            '\r' => self.instead(len, "\\r"),
            '\0'..'\x20' => self.instead(len, &format!("\\u{code:04x}")),
            letter => self.instead(len, letter.encode_utf8(&mut [0; 4])),
        }
        Some(letter.len_utf8())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;
    use serde_json::Value;
    use serde_json::json;

    use super::*;

    fn rewritten(text: &str) -> Option<(String, usize)> {
        let (mut out, mut bytes) = (Vec::new(), 0);
        rewrite(text, &|key| key == "id", &mut |len| bytes += len, &mut out)?;
        Some((String::from_utf8(out).unwrap(), bytes))
    }

    fn texts(value: &Value) -> usize {
        match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(texts).sum(),
            Value::Object(fields) => {
                let told = fields.iter().filter(|(key, _)| *key != "id");
                told.map(|(_, field)| texts(field)).sum()
            }
            _ => 0,
        }
    }

    /// It is what parsing and writing gives.
    #[track_caller]
    fn same(text: &str) {
        let value: Value = serde_json::from_str(text).unwrap();
        let want = (value.to_string(), texts(&value));
        assert_eq!(rewritten(text), Some(want), "{text}");
    }

    #[test]
    fn it_is_what_parsing_and_writing_gives() {
        same(r#"{"a":[1,-0.50,12345678901234567890123,true,false,null,{}, [ ] ,"x"]}"#);
        same(
            r#" { "role" : "user" , "content" : [ { "type" : "text" } ] , "id" : {"x":"not told"} } "#,
        );
        same(
            r#""\" \\ \/ \b\f\n\r\t \u0009\u000a\u0000\u001F\u007f\u00e9\u2028\ud83d\uDE00\u0022\u005c""#,
        );
        same(r#"{"é":"ü😀","":""}"#);
        same(r#"{"a":{"b":1},"b":{"b":2}}"#);
    }

    #[test]
    fn what_the_parser_has_to_say_is_left_to_it() {
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"\u0061":1}"#,
            r#"{"$serde_json::private::Number":"1"}"#,
            "1e5",
            "[-2E+3]",
            r#""\ud800""#,
            r#""\ud800\u0041""#,
            r#""\udc00""#,
            "\"\t\"",
            "[1,\n2]",
            "[1",
            "[1}",
            "",
        ] {
            assert_eq!(rewritten(text), None, "{text}");
        }
    }

    #[track_caller]
    fn check_text(text: &str, want: Option<(&str, usize)>) {
        let mut out = b"before ".to_vec();
        let len = rewrite_text(text, &mut out);
        let out = String::from_utf8(out).unwrap();
        let found = len.map(|len| (out.strip_prefix("before ").unwrap(), len));
        assert_eq!(found, want, "{text}");
    }

    #[test]
    fn a_text_is_written_without_its_quotes() {
        check_text(r#""""#, Some(("", 0)));
        check_text(r#""plain""#, Some(("plain", 5)));
        check_text(r#""\u00e9\/\"\\""#, Some((r#"é/\"\\"#, 5)));
        for text in [
            "",
            "plain",
            "7",
            "\"open",
            r#""two" "#,
            r#""\ud800""#,
            "\"\t\"",
        ] {
            check_text(text, None);
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec(("[a-d]{0,2}|id", inner), 0..5).prop_map(|fields| json!(
                    fields.into_iter().collect::<serde_json::Map<_, _>>()
                )),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_was_written_stays(value in value()) {
            let text = value.to_string();
            prop_assert_eq!(rewritten(&text), Some((text.clone(), texts(&value))));
            let mut escaped = String::new();
            for letter in text.chars() {
                if letter.is_ascii() {
                    escaped.push(letter);
                    continue;
                }
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    write!(escaped, "\\u{unit:04X}").unwrap();
                }
            }
            prop_assert_eq!(rewritten(&escaped), Some((text, texts(&value))));
        }
    }
}
