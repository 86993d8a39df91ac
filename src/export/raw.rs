//! `raw`: the very bytes of the chosen records, a line each.
//!
//! Records that are stored over several lines (pretty-printed files, event folders) are laid onto one: white space
//! between their tokens becomes blanks, event lines become a list, and that is told as a loss. Everything else is a copy.

use crate::export::Body;
use crate::export::Context;
use crate::export::Exporter;
use crate::export::Form;
use crate::export::Loss;
use crate::export::MaskPlace;
use crate::export::Refusal;
use crate::export::Rendered;
use crate::export::Subject;

/// The exporter.
pub(super) const EXPORTER: Exporter = Exporter {
    name: "raw",
    about: "the very bytes of the chosen records, a line each",
    extension: "jsonl",
    form: Form::Bytes,
    masks: MaskPlace::Nowhere,
    tells_verdict: false,
    render,
};

fn render(subject: &mut Subject<'_>, context: &Context) -> Result<Rendered, Refusal> {
    // only a tokenizer wants to see the bytes
    if context.counter.is_estimate()
        && let Some(line) = subject.unread_line()
    {
        return Ok(Rendered {
            body: Body::Stored(line),
            losses: Vec::new(),
        });
    }
    let bytes = subject.take_bytes()?;
    if memchr::memchr2(b'\n', b'\r', &bytes).is_none() {
        subject.keep_line();
        return Ok(Rendered::bytes(bytes, Vec::new()));
    }
    let line = one_line(&bytes);
    let loss = Loss::of("line breaks between its tokens became blanks, rows a list");
    Ok(Rendered::bytes(line, vec![loss]))
}

/// JSON of several lines on one; several values as a list.
fn one_line(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 2);
    out.push(b'[');
    let (mut depth, mut values) = (0_usize, 0_usize);
    let (mut is_string, mut is_escaped) = (false, false);
    let mut was_white = true;
    for &byte in bytes {
        if is_string {
            out.push(byte);
            if is_escaped {
                is_escaped = false;
            } else if byte == b'\\' {
                is_escaped = true;
            } else if byte == b'"' {
                is_string = false;
            }
            continue;
        }
        let is_white = byte.is_ascii_whitespace();
        if !is_white && depth == 0 && (was_white || matches!(byte, b'{' | b'[' | b'"')) {
            if values > 0 {
                out.push(b',');
            }
            values += 1;
        }
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => is_string = true,
            _ => {}
        }
        out.push(if is_white { b' ' } else { byte });
        was_white = is_white;
    }
    if values == 1 {
        return out
            .trim_ascii_end()
            .get(1..)
            .unwrap_or_default()
            .trim_ascii()
            .to_vec();
    }
    out.push(b']');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &str) {
        assert_eq!(String::from_utf8(one_line(text.as_bytes())).unwrap(), want);
    }

    #[test]
    fn several_lines_become_one() {
        check(
            "{\n  \"a\": \"x\\n \\\" y\",\r\n \"b\": 1.50\n}\n",
            "{   \"a\": \"x\\n \\\" y\",   \"b\": 1.50 }",
        );
        check("{\"a\":1}\n{\"b\":\"}\"}\n", "[{\"a\":1} ,{\"b\":\"}\"} ]");
        check("[1,\n2]", "[1, 2]");
        check("1\n2", "[1 ,2]");
    }
}
