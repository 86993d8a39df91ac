//! Guessing a record's id from its first kilobytes, without parsing it.

use crate::read::json;

/// The fields that name a record, the best first.
const KEYS: [&str; 8] = [
    "instance_id",
    "task_id",
    "traj_id",
    "trajectory_id",
    "session_id",
    "sessionId",
    "question_id",
    "id",
];

/// The id among the members of the object that `head` begins with, as far as `head` reaches.
pub(super) fn id(head: &[u8]) -> Option<String> {
    let mut best: Option<(usize, String)> = None;
    let mut depth = 0_u32;
    let mut key: Option<&[u8]> = None;
    let mut at = 0;
    while let Some(&byte) = head.get(at) {
        match byte {
            b'"' => {
                let Some(end) = string_end(head, at + 1) else {
                    break;
                };
                let text = head.get(at + 1..end).unwrap_or_default();
                at = end;
                if depth == 1 {
                    if let Some(name) = key.take() {
                        offer(&mut best, name, text, true);
                    } else {
                        key = Some(text);
                    }
                }
            }
            b'{' | b'[' => {
                depth += 1;
                if depth == 1 && byte == b'[' {
                    return None;
                }
                if depth == 2 {
                    key = None;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'0'..=b'9' | b't' | b'f' | b'n' | b'-' if depth == 1 => {
                let rest = head.get(at..).unwrap_or_default();
                let len = rest
                    .iter()
                    .take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b))
                    .count();
                if let Some(name) = key.take() {
                    offer(&mut best, name, rest.get(..len).unwrap_or_default(), false);
                }
                at += len.saturating_sub(1);
            }
            _ => {}
        }
        if best.as_ref().is_some_and(|(rank, _)| *rank == 0) {
            break;
        }
        at += 1;
        if depth == 0 && at > 0 && byte == b'}' {
            break;
        }
    }
    best.map(|(_, id)| id)
}

fn string_end(head: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr::memchr2(b'"', b'\\', head.get(at..)?)?;
        if head.get(at) == Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

fn offer(best: &mut Option<(usize, String)>, name: &[u8], text: &[u8], is_string: bool) {
    let Some(rank) = KEYS.iter().position(|key| key.as_bytes() == name) else {
        return;
    };
    let is_number = text.first().is_some_and(u8::is_ascii_digit);
    let is_better = best.as_ref().is_none_or(|(other, _)| rank < *other);
    if !is_better || text.is_empty() || text.len() > 512 || !(is_string || is_number) {
        return;
    }
    let text = String::from_utf8_lossy(text);
    let text = if text.contains('\\') {
        let quoted = format!("\"{text}\"");
        let value = json::parse_lenient(quoted.as_bytes(), 0, &mut Vec::new());
        let unescaped = value.ok().and_then(|v| v.as_str().map(str::to_owned));
        unescaped.unwrap_or_else(|| text.into_owned())
    } else {
        text.into_owned()
    };
    *best = Some((rank, text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(head: &str, want: Option<&str>) {
        assert_eq!(id(head.as_bytes()).as_deref(), want, "{head}");
    }

    #[test]
    fn ids_are_found_without_parsing() {
        check(r#"{"id": 7, "a": {"instance_id": "inner"}}"#, Some("7"));
        check(
            r#"{"x":"\"id\": no","instance_id":"a__b-1","history":[{"#,
            Some("a__b-1"),
        );
        check(
            r#"{"id":"z","messages":[{"id":"m"}],"task_id":"t"}"#,
            Some("t"),
        );
        check(r#"{"id":"\u0061b"}"#, Some("ab"));
        check(r#"{"id":null,"n":1}"#, None);
        check(r#"{"id":"cut of"#, None);
        check(r#"[{"id":"x"}]"#, None);
        check("not json", None);
        check(r#"{"a":["b","id","c"],"id":"r"}"#, Some("r"));
    }
}
