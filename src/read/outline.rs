//! The fields of a record, and of the objects in its long lists, found without building values.
//!
//! Strict where the parser is strict and stricter where that is simpler: what is unusual (invalid UTF-8, escaped or
//! repeated keys, deep nesting, anything that is no JSON) has no outline, and the record is read whole. What is stepped
//! over is checked but for control characters and lone surrogates in texts, which the lenient parser repairs in place.

use std::borrow::Cow;
use std::ops::Range;

use crate::model::Value;
use crate::read::stops::Stops;

/// Where producers keep the steps of a record.
const LISTS: [&str; 5] = [
    "history",
    "messages",
    "trajectory",
    "conversations",
    "conversation",
];

/// Below the parser's own limit.
const MAX_DEPTH: u32 = 100;

/// A field of an object: where its key stands, without quotes, and its value as written.
#[derive(Debug, Clone, PartialEq)]
struct Field {
    key: Range<usize>,
    raw: Range<usize>,
}

/// An element of a list.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    text: &'a str,
    raw: &'a str,
    fields: &'a [Field],
}

impl<'a> Item<'a> {
    /// As written.
    pub fn whole(&self) -> &'a str {
        self.raw
    }

    /// Whether it is an object with this key.
    pub fn has(&self, key: &str) -> bool {
        self.keys().any(|other| other == key)
    }

    /// Its keys in order; none where it is no object.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> {
        let text = self.text;
        let keys = self.fields.iter();
        keys.map(|field| text.get(field.key.clone()).unwrap_or_default())
    }

    /// Whether a key stands twice in it.
    pub fn repeats(&self) -> bool {
        let mut keys = self.keys().enumerate();
        keys.any(|(nth, key)| self.keys().take(nth).any(|before| before == key))
    }

    /// The value under the key as written, quotes included; `None` when there is none or more than one.
    pub fn raw(&self, key: &str) -> Option<&'a str> {
        let mut found = self.fields.iter().filter(|field| {
            let other = self.text.get(field.key.clone());
            other == Some(key)
        });
        let first = found.next()?;
        let is_only = found.next().is_none();
        self.text.get(first.raw.clone()).filter(|_| is_only)
    }

    /// Whether the value under the key is this text, written plainly.
    pub(super) fn is(&self, key: &str, text: &str) -> bool {
        self.text(key) == Some(text)
    }

    /// The text under the key as written, without its quotes; `None` for other values.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.raw(key)?.strip_prefix('"')?.strip_suffix('"')
    }
}

/// A field of the record.
#[derive(Debug, Clone, PartialEq)]
struct Member {
    field: Field,
    /// The elements, where it is a list of steps: as written, and the place of their fields.
    items: Option<Vec<(Range<usize>, Range<usize>)>>,
}

/// Where everything that an outline tells stands in the bytes of its record.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Places {
    members: Vec<Member>,
    /// The fields of all items.
    fields: Vec<Field>,
}

/// A record that is one object.
#[derive(Debug)]
pub(super) struct Outline<'a> {
    text: &'a str,
    places: Cow<'a, Places>,
}

/// A list of steps that was parted in two.
#[derive(Debug, Default)]
pub(super) struct Parted<'a> {
    /// The elements that stay, as written.
    pub(super) kept: Vec<&'a str>,
    /// Those that do not.
    pub(super) spared: Vec<Item<'a>>,
}

/// What becomes of a field of the record.
#[derive(Debug)]
pub(super) enum Take<'a> {
    /// It stays.
    Whole,
    /// It becomes a list of these elements.
    Items(&'a [&'a str]),
    /// It becomes null.
    Null,
    /// It becomes a list of nothing.
    Empty,
}

impl<'a> Outline<'a> {
    /// Reads the outline of a record; `None` when it is no object or anything about it is unusual.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        Self::of_text(std::str::from_utf8(bytes).ok()?)
    }

    /// The same of a text.
    pub(super) fn of_text(text: &'a str) -> Option<Self> {
        let mut walk = Walk::of(text);
        let mut places = Places::default();
        walk.white();
        let Places { members, fields } = &mut places;
        walk.object(|walk, key| {
            let start = walk.at;
            let is_list = LISTS.contains(&text.get(key.clone())?) && walk.peek() == Some(b'[');
            let items = if is_list {
                Some(walk.items(fields)?)
            } else {
                walk.value(1)?;
                None
            };
            let raw = start..walk.at;
            let field = Field { key, raw };
            members.push(Member { field, items });
            Some(())
        })?;
        walk.white();
        (walk.at == text.len()).then_some(Self {
            text,
            places: Cow::Owned(places),
        })
    }

    /// The outline of a record of which it was read before.
    pub(super) fn again(bytes: &'a [u8], places: &'a Places) -> Option<Self> {
        Some(Self {
            text: std::str::from_utf8(bytes).ok()?,
            places: Cow::Borrowed(places),
        })
    }

    /// What to read it by again.
    pub(super) fn into_places(self) -> Places {
        self.places.into_owned()
    }

    fn get(&self, place: &Range<usize>) -> &'a str {
        self.text.get(place.clone()).unwrap_or_default()
    }

    fn member(&self, key: &str) -> Option<&Member> {
        let mut members = self.places.members.iter();
        members.find(|member| self.get(&member.field.key) == key)
    }

    /// Whether the record has this key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.member(key).is_some()
    }

    /// The value under the key as written: of several the first.
    pub(super) fn raw(&self, key: &str) -> Option<&'a str> {
        Some(self.get(&self.member(key)?.field.raw))
    }

    /// Whether the value under the key is written with this letter first.
    pub(super) fn starts_with(&self, key: &str, first: char) -> bool {
        let mut members = self.places.members.iter();
        members.any(|Member { field, .. }| {
            self.get(&field.key) == key && self.get(&field.raw).starts_with(first)
        })
    }

    /// The elements of a list of steps; `None` when there is no such list.
    pub(super) fn items(&self, key: &str) -> Option<impl Iterator<Item = Item<'_>>> {
        let items = self.member(key)?.items.as_ref()?.iter();
        Some(items.map(|(raw, fields)| Item {
            text: self.text,
            raw: self.get(raw),
            fields: self.places.fields.get(fields.clone()).unwrap_or_default(),
        }))
    }

    /// The elements of a list of steps without those that can be spared. The first few of these stay, so that the list
    /// still tells its format. `None` when none could be spared.
    pub(super) fn without(
        &self,
        key: &str,
        mut is_spare: impl FnMut(usize, &Item<'_>) -> bool,
    ) -> Option<Parted<'_>> {
        const SHOWN: usize = 3;
        let mut spare = 0;
        let mut parted = Parted::default();
        for (ix, item) in self.items(key)?.enumerate() {
            let is_spare = is_spare(ix, &item);
            spare += usize::from(is_spare);
            if !is_spare || spare <= SHOWN {
                parted.kept.push(item.raw);
            } else {
                parted.spared.push(item);
            }
        }
        (!parted.spared.is_empty()).then_some(parted)
    }

    /// Builds the record with what `take` leaves of it; `None` when that does not parse or a key stands twice.
    pub(super) fn build<'b>(&self, mut take: impl FnMut(&str) -> Take<'b>) -> Option<Value> {
        let mut fields = serde_json::Map::new();
        for Member { field, .. } in &self.places.members {
            let key = self.get(&field.key);
            let value = match take(key) {
                Take::Whole => serde_json::from_str(self.get(&field.raw)).ok()?,
                Take::Null => Value::Null,
                Take::Empty => Value::Array(Vec::new()),
                Take::Items(items) => {
                    let items = items.iter().map(|raw| serde_json::from_str(raw).ok());
                    Value::Array(items.collect::<Option<_>>()?)
                }
            };
            if fields.insert(key.to_owned(), value).is_some() {
                return None;
            }
        }
        Some(Value::Object(fields))
    }
}

/// The text of the only element of a list, where that is an object with `"type": "text"`, quotes included.
pub(super) fn only_text(list: &str) -> Option<&str> {
    let mut fields = Vec::new();
    let items = Walk::of(list).items(&mut fields)?;
    let [(raw, _)] = items.as_slice() else {
        return None;
    };
    let item = Item {
        text: list,
        raw: list.get(raw.clone())?,
        fields: &fields,
    };
    let is_text = item.is("type", "text") && !item.repeats();
    let found = fields
        .iter()
        .find(|field| list.get(field.key.clone()) == Some("text"))?;
    list.get(found.raw.clone())
        .filter(|text| is_text && text.starts_with('"'))
}

/// The record without the middles of very long texts in results of calls; `None` when there are none or the record has
/// no outline. What a row of the list says of a result stands at its ends.
pub(super) fn without_middles(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() < LONG_BYTES {
        return None;
    }
    let outline = Outline::of(bytes)?;
    let base = outline.text.as_ptr().addr();
    let mut kept = Vec::new();
    let mut copied = 0;
    for item in LISTS
        .into_iter()
        .filter_map(|key| outline.items(key))
        .flatten()
    {
        if item.raw.len() < LONG_BYTES || !is_result(&item) {
            continue;
        }
        let start = item.raw.as_ptr().addr() - base;
        for middle in middles(item.raw) {
            kept.extend_from_slice(bytes.get(copied..start + middle.start)?);
            copied = start + middle.end;
        }
    }
    if copied == 0 {
        return None;
    }
    kept.extend_from_slice(bytes.get(copied..)?);
    Some(kept)
}

/// Texts below this stay whole.
const LONG_BYTES: usize = 512 << 10;
/// What stays of the beginning and the end of a text, as written: an escape may be six times as long as what it means.
const END_BYTES: usize = 128 << 10;

/// Whether an element of a list of steps is surely the result of a call and nothing else.
fn is_result(item: &Item<'_>) -> bool {
    item.is("role", "tool")
        || item.is("kind", "ObservationEvent")
        || (item.text("observation").is_some() && !item.has("action") && !item.has("role"))
}

/// The middles of the long texts in a value.
fn middles(raw: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut walk = Walk::of(raw);
    loop {
        let rest = raw.as_bytes().get(walk.at..).unwrap_or_default();
        let Some(quote) = memchr::memchr(b'"', rest) else {
            return found;
        };
        walk.at += quote;
        let start = walk.at;
        if walk.string().is_none() {
            return found;
        }
        if walk.at - start > LONG_BYTES
            && let Some(from) = safe_cut(raw, start + END_BYTES)
            && let Some(to) = safe_cut(raw, walk.at - END_BYTES)
        {
            found.push(from..to);
        }
    }
}

/// The first place from `at` on that is surely not inside an escape, a pair of them or a character.
fn safe_cut(raw: &str, at: usize) -> Option<usize> {
    const PAIR_BYTES: usize = 12;
    const REACH: usize = 4096;
    (at..at + REACH).find(|at| {
        let before = raw.as_bytes().get(at - PAIR_BYTES..*at);
        raw.is_char_boundary(*at) && before.is_some_and(|before| !before.contains(&b'\\'))
    })
}

/// A place in JSON text. Each method steps over what it names, or gives `None` when that is not there.
struct Walk<'a> {
    text: &'a str,
    at: usize,
    stops: Stops<'a>,
}

impl<'a> Walk<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            stops: Stops::of(text.as_bytes()),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn white(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn byte(&mut self, want: u8) -> Option<()> {
        (self.peek()? == want).then(|| self.at += 1)
    }

    fn word(&mut self, want: &str) -> Option<()> {
        let rest = self.text.as_bytes().get(self.at..)?;
        rest.starts_with(want.as_bytes())
            .then(|| self.at += want.len())
    }

    /// A text; whether it holds no escapes.
    fn string(&mut self) -> Option<bool> {
        self.byte(b'"')?;
        let (end, is_plain) = self.stops.end_of_text(self.at)?;
        self.at = end;
        Some(is_plain)
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn number(&mut self) -> Option<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    fn value(&mut self, depth: u32) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'{' | b'[' if depth >= MAX_DEPTH => None,
            b'{' => self.object(|walk, _| walk.value(depth + 1)),
            b'[' => self.elements(|walk| walk.value(depth + 1)),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number(),
        }
    }

    fn colon(&mut self) -> Option<()> {
        self.white();
        self.byte(b':')?;
        self.white();
        Some(())
    }

    fn pairs(&mut self, pair: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.between(b'{', b'}', pair)
    }

    fn elements(&mut self, element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.between(b'[', b']', element)
    }

    /// What stands between brackets, parted by commas.
    fn between(
        &mut self,
        open: u8,
        close: u8,
        mut each: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.byte(open)?;
        self.white();
        if self.byte(close).is_some() {
            return Some(());
        }
        loop {
            self.white();
            each(self)?;
            self.white();
            if self.byte(close).is_some() {
                return Some(());
            }
            self.byte(b',')?;
        }
    }

    /// An object whose keys are written plainly; `each` steps over the values and gets the places of the keys.
    fn object(
        &mut self,
        mut each: impl FnMut(&mut Self, Range<usize>) -> Option<()>,
    ) -> Option<()> {
        self.pairs(|walk| {
            let start = walk.at;
            if !walk.string()? {
                return None;
            }
            let key = start + 1..walk.at - 1;
            // the parser takes such an object for a number or a value in disguise
            let name = walk.text.get(key.clone())?;
            if name.starts_with("$serde_json::private::") {
                return None;
            }
            walk.colon()?;
            each(walk, key)
        })
    }

    /// A list; puts the fields of the objects in it into `fields`.
    fn items(&mut self, fields: &mut Vec<Field>) -> Option<Vec<(Range<usize>, Range<usize>)>> {
        let mut items = Vec::new();
        self.elements(|walk| {
            let (start, first) = (walk.at, fields.len());
            if walk.peek() == Some(b'{') {
                walk.object(|walk, key| {
                    let start = walk.at;
                    walk.value(3)?;
                    let raw = start..walk.at;
                    fields.push(Field { key, raw });
                    Some(())
                })?;
            } else {
                walk.value(2)?;
            }
            items.push((start..walk.at, first..fields.len()));
            Some(())
        })?;
        Some(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn refused(text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        let shown = String::from_utf8_lossy(text);
        assert!(Outline::of(text).is_none(), "{shown}");
    }

    #[test]
    fn what_is_unusual_has_no_outline() {
        for text in [
            "",
            "[]",
            "7",
            "{",
            "{}x",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{\"a\":NaN}",
            "{\"a\":-Infinity}",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":1e}",
            "{\"a\":+1}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u00g0\"}",
            "{\"a\":\"cut",
            "{\"a\":\"\\",
            "{\"a\" 1}",
            "{\"\\u0061\":1}",
            "{\"a\":[1,]}",
            "{\"a\":[1 2]}",
            "{\"a\":tru}",
            "{a:1}",
            "{\"$serde_json::private::Number\":\"1\"}",
            "{\"a\":[{\"$serde_json::private::Number\":\"x\"}]}",
            "{\"a\":{\"\\u0024serde_json::private::Number\":\"x\"}}",
            "{\"history\":[{\"\\u0061\":1}]}",
        ] {
            refused(text);
        }
        refused(b"{\"a\":\"\xff\"}");
        refused(b"\xef\xbb\xbf{}");
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
        refused(deep);
    }

    #[track_caller]
    fn same(text: &str) {
        let outline = Outline::of(text.as_bytes()).expect(text);
        let built = outline.build(|_| Take::Whole);
        assert_eq!(built, serde_json::from_str(text).ok(), "{text}");
    }

    #[test]
    fn the_whole_of_an_outline_is_the_record() {
        same("{}");
        same(" { \"a\" : [ 1 , -0.5e+3 , { \"b\" : [ ] } ] , \"c\" : null }\n");
        same(
            r#"{"history":[{"a":"\"\\\n\u00e9"},[],7,"x",{}],"big":123456789012345678901234567890}"#,
        );
        same(r#"{"t":true,"f":false,"é":"ü"}"#);
    }

    #[test]
    fn long_results_lose_their_middles_only() {
        let long = format!(
            "head{}tail",
            "é\"\\\n\u{1f600}plain words go here".repeat(60_000)
        );
        let record = |role: &str| {
            let said =
                json!({"role": role, "content": [{"type": "text", "text": long}], "x": "short"});
            json!({"id": "a", "messages": [{"role": "user", "content": "do"}, said]}).to_string()
        };
        let whole = record("tool");
        for spelled in [whole.clone(), whole.replace('\u{1f600}', "\\ud83d\\ude00")] {
            let short = without_middles(spelled.as_bytes()).unwrap();
            assert!(short.len() < 400_000, "{}", short.len());
            let value: Value = serde_json::from_slice(&short).unwrap();
            let text = value["messages"][1]["content"][0]["text"].as_str().unwrap();
            assert_eq!(text.get(..20_000), long.get(..20_000));
            assert!(long.ends_with(text.get(text.len() - 20_000..).unwrap()));
            assert_eq!(value["messages"][1]["x"], "short");
        }
        assert_eq!(without_middles(record("user").as_bytes()), None);
        assert_eq!(without_middles(b"{}"), None);
    }

    #[test]
    fn a_key_that_stands_twice_is_not_built() {
        let outline = Outline::of(br#"{"a":1,"a":2}"#).unwrap();
        assert_eq!(outline.build(|_| Take::Whole), None);
    }

    #[test]
    fn spare_items_leave_but_for_the_first() {
        let items: Vec<_> = (0..9).map(|n| json!({"n": n, "odd": n % 2 == 1})).collect();
        let text = json!({"messages": items, "tools": [1], "gone": 1}).to_string();
        let outline = Outline::of(text.as_bytes()).unwrap();
        let parted = outline
            .without("messages", |_, item| item.raw("odd") == Some("true"))
            .unwrap();
        let spared: Vec<_> = parted
            .spared
            .iter()
            .filter_map(|item| item.raw("n"))
            .collect();
        assert_eq!(spared, ["7"]);
        let built = outline.build(|key| match key {
            "messages" => Take::Items(&parted.kept),
            "tools" => Take::Empty,
            _ => Take::Null,
        });
        let numbers: Vec<u64> = built.as_ref().unwrap()["messages"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|item| item["n"].as_u64())
            .collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 8]);
        assert_eq!(built.unwrap()["gone"], Value::Null);
        assert!(outline.without("messages", |_, _| false).is_none());
        assert!(outline.without("tools", |_, _| true).is_none());
    }
}
