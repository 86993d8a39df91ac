//! A record without the middles of what calls showed: its row of the list says nothing of them.
//!
//! What a row says of a result stands at its ends: a status, a refusal, the summary of a test run, the exception that
//! nobody caught. Texts are cut as they are written, so that they are neither unescaped nor copied. How much of the end
//! is needed is told by what stands there.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::model::Format;
use crate::read::outline::Item;
use crate::read::outline::LONG_TEXT;
use crate::read::outline::Outline;
use crate::read::understand;

/// Families whose readers look at results nowhere but where [`without_quiet`] leaves them.
pub(super) const FORMATS: [Format; 3] = [Format::Chat, Format::OpenHandsV0, Format::OpenHandsV1];

/// Bytes of the beginning of a result that may be looked at: [`understand::HEAD_BYTES`], and what readers take off
/// before (`EXECUTION RESULT of […]:`).
const HEAD: usize = understand::HEAD_BYTES + 192;
/// Bytes of the end in which a status may stand.
const STATUS: usize = understand::TAIL_BYTES + 64;
/// Bytes of the end in which a test run or an exception may be told.
const VERDICT: usize = understand::VERDICT_BYTES + 64;
/// Bytes of the end, as written, that a last line has to stand in.
const LAST_LINE: usize = 512;
/// A middle that is shorter stays.
const WORTH: usize = 512;

/// Results of any family from this length on lose their middles.
const HUGE_BYTES: usize = 512 << 10;
/// What stays of their beginnings and ends, as written: an escape may be six times as long as what it means.
const END_BYTES: usize = 128 << 10;

/// The record without the middles of results in which nothing stands that its row says, where its reader is one of
/// [`FORMATS`]; `None` when there are none.
pub(super) fn without_quiet(outline: &Outline<'_>) -> Option<Vec<u8>> {
    shortened(outline, |list, item, text| {
        if !is_answer(outline, list, item) {
            return None;
        }
        let json = outline.text();
        if !is_said(json.get(..text.start - 1)?) {
            return None;
        }
        let raw = json.get(text.clone())?;
        let middle = quiet_middle(raw)?;
        // what several calls showed may stand in one text
        let is_one = item.text("tool_call_id").is_some()
            || memchr::memmem::find(raw.get(middle.clone())?.as_bytes(), b"tool_response")
                .is_none();
        is_one.then_some(middle)
    })
}

/// The record without the middles of huge texts in results of calls; `None` when there are none or the record has no
/// outline.
pub(super) fn without_middles(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() < HUGE_BYTES {
        return None;
    }
    let outline = Outline::of(bytes)?;
    shortened(&outline, |_, item, text| {
        if text.len() < HUGE_BYTES || !is_result(item) {
            return None;
        }
        let raw = outline.text().get(text.clone())?;
        let from = safe_after(raw, END_BYTES)?;
        let to = safe_before(raw, raw.len().checked_sub(END_BYTES)?)?;
        (from < to).then_some(from..to)
    })
}

/// The record without what `middle` finds in the long texts of the elements of its lists: it gets the key of the list,
/// the element and the place of the text, and answers with a part of the text. A line break stands for what is gone.
fn shortened(
    outline: &Outline<'_>,
    mut middle: impl FnMut(&str, &Item<'_>, &Range<usize>) -> Option<Range<usize>>,
) -> Option<Vec<u8>> {
    let bytes = outline.text().as_bytes();
    let mut kept = Vec::new();
    let mut copied = 0;
    for (list, items) in outline.lists() {
        for item in items {
            for text in outline.long_texts(&item) {
                let Some(middle) = middle(list, &item, text) else {
                    continue;
                };
                kept.extend_from_slice(bytes.get(copied..text.start + middle.start)?);
                kept.extend_from_slice(b"\\n");
                copied = text.start + middle.end;
            }
        }
    }
    if copied == 0 {
        return None;
    }
    kept.extend_from_slice(bytes.get(copied..)?);
    Some(kept)
}

/// Whether an element of a list of steps is surely the result of a call and nothing else.
fn is_result(item: &Item<'_>) -> bool {
    item.is("role", "tool")
        || item.is("kind", "ObservationEvent")
        || (item.text("observation").is_some() && !item.has("action") && !item.has("role"))
}

/// Whether it is one of a kind, and in a place, where a reader of [`FORMATS`] looks for nothing but a result.
fn is_answer(outline: &Outline<'_>, list: &str, item: &Item<'_>) -> bool {
    const SEEN: [&str; 9] = [
        "run",
        "run_ipython",
        "read",
        "write",
        "edit",
        "think",
        "browse",
        "mcp",
        "task_tracking",
    ];
    if !is_result(item) {
        return false;
    }
    if item.has("role") {
        return list != "history" && !outline.has("history") && !outline.has("info");
    }
    let kind = item.text("observation");
    item.has("kind") || kind.is_some_and(|kind| SEEN.contains(&kind))
}

/// Whether the JSON before a text ends with one of the keys of what a result says.
fn is_said(before: &str) -> bool {
    let key = before.trim_ascii_end().strip_suffix(':');
    key.is_some_and(|before| {
        let before = before.trim_ascii_end();
        ["\"content\"", "\"text\"", "\"output\""]
            .iter()
            .any(|key| before.ends_with(key))
    })
}

/// The part of a result, as written, at which a row does not look; `None` where it looks at all of it or nearly so.
pub(super) fn quiet_middle(raw: &str) -> Option<Range<usize>> {
    if raw.len() < LONG_TEXT {
        return None;
    }
    let from = head_end(raw)?;
    let status_at = tail_start(raw, STATUS)?;
    let (head, tail) = (raw.get(..from)?, raw.get(status_at..)?);
    let to = if !is_loud(head) && !is_loud(tail) && ends_quietly(tail) {
        safe_before(raw, raw.len().checked_sub(LAST_LINE)?)?
    } else if is_wrapped(head) {
        return None;
    } else if has_status(tail) {
        status_at
    } else {
        tail_start(raw, VERDICT)?
    };
    (to > from + WORTH).then_some(from..to)
}

/// Whether a text, as written, holds any of the words with which harnesses tell how a command ended, or escapes that may
/// hide them.
fn is_loud(raw: &str) -> bool {
    static LOUD: LazyLock<Regex> = LazyLock::new(|| {
        understand::fixed_regex(
            r"exit|The command |Process running|returncode|output>|tool_response|\[Command |\[Current |\[Python |\[Process |\(Open file|\(Current dir|bash-\$|\[Jupyter |\\u00[2-7]",
        )
    });
    LOUD.is_match(raw)
}

/// Whether what readers take off the front of a result may reach behind this beginning, or be hidden by escapes.
fn is_wrapped(head: &str) -> bool {
    let has = |word: &str| memchr::memmem::find(head.as_bytes(), word.as_bytes()).is_some();
    has("returncode") || has(r"\u00")
}

/// Whether the end tells an exit status in words that outrank whatever else stands there, and no other behind it.
fn has_status(tail: &str) -> bool {
    /// Fewer than those in which a status is looked for, however they are written.
    const NEAR: usize = 1 << 10;
    static STATUS: LazyLock<Regex> = LazyLock::new(|| {
        understand::fixed_regex(
            r"[^\\]\\n\[(?:Command finished with exit code|The command completed with exit code) -?[0-9]{1,9}\.?\]",
        )
    });
    let end = tail.get(tail.ceil_char_boundary(tail.len().saturating_sub(NEAR))..);
    let end = end.unwrap_or_default();
    let rest = STATUS
        .find_iter(end)
        .last()
        .and_then(|told| end.get(told.end()..));
    rest.is_some_and(|rest| !rest.contains("exit") && !rest.contains(r"\u00"))
}

/// Whether the last line is whole and neither the summary of a test run nor an exception.
fn ends_quietly(tail: &str) -> bool {
    let whole = || {
        let at = safe_before(tail, tail.len().checked_sub(LAST_LINE)?)?;
        let text: String = serde_json::from_str(&format!("\"{}\"", tail.get(at..)?)).ok()?;
        let (_, last) = text.trim_end().rsplit_once('\n')?;
        Some(understand::says_no_verdict(last))
    };
    whole().unwrap_or(false)
}

/// The first safe place behind so many bytes of what a text means.
fn head_end(raw: &str) -> Option<usize> {
    let mut at = HEAD;
    loop {
        let wanted = HEAD + spent(raw.get(..raw.ceil_char_boundary(at))?);
        if wanted <= at {
            return safe_after(raw, at);
        }
        at = wanted;
    }
}

/// The last safe place with so many bytes of what a text means behind it; its beginning where it is shorter.
fn tail_start(raw: &str, bytes: usize) -> Option<usize> {
    let mut len = bytes;
    loop {
        let Some(at) = raw.len().checked_sub(len) else {
            return Some(0);
        };
        let at = raw.floor_char_boundary(at);
        let wanted = bytes + spent(raw.get(at..)?);
        if wanted <= len {
            return safe_before(raw, at);
        }
        len = wanted;
    }
}

/// How many bytes of a text as written mean nothing, at most: an escape is up to six bytes long.
fn spent(raw: &str) -> usize {
    const ESCAPE: usize = 5;
    ESCAPE * memchr::memchr_iter(b'\\', raw.as_bytes()).count()
}

/// How far a safe place is looked for.
const REACH: usize = 256;

/// The first safe place from `at` on.
fn safe_after(raw: &str, at: usize) -> Option<usize> {
    (at..at.saturating_add(REACH)).find(|at| is_safe(raw, *at))
}

/// The last safe place up to `at`.
fn safe_before(raw: &str, at: usize) -> Option<usize> {
    (at.saturating_sub(REACH)..=at)
        .rev()
        .find(|at| is_safe(raw, *at))
}

/// Whether a place is surely not inside an escape, a pair of them or a character.
fn is_safe(raw: &str, at: usize) -> bool {
    const PAIR_BYTES: usize = 12;
    let start = at.saturating_sub(PAIR_BYTES);
    let before = raw.as_bytes().get(start..at);
    raw.is_char_boundary(at) && before.is_some_and(|before| !before.contains(&b'\\'))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use serde_json::json;

    use super::*;

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

    fn without_quiet(record: &[u8]) -> Option<Vec<u8>> {
        super::without_quiet(&Outline::of(record).unwrap())
    }

    /// A record with one result of a call.
    fn record(content: &str) -> String {
        let said = json!({"role": "tool", "tool_call_id": "c", "content": content});
        json!({"messages": [{"role": "user", "content": "do"}, said]}).to_string()
    }

    /// How many bytes of a result stay; `None` when all of them do.
    fn kept(content: &str) -> Option<usize> {
        let short = without_quiet(record(content).as_bytes())?;
        let value: Value = serde_json::from_slice(&short).unwrap();
        let text = value["messages"][1]["content"].as_str().unwrap();
        assert!(text.starts_with(content.get(..600).unwrap()), "{text}");
        assert!(
            content.ends_with(text.get(text.len() - 80..).unwrap()),
            "{text}"
        );
        Some(text.len())
    }

    #[test]
    fn how_much_stays_is_told_by_the_end() {
        let plain = "    moor = [\"quay\", 'é'] # and on it goes\n".repeat(2_000);
        let quiet = kept(&format!("{plain}    return lagoon(keel)\n")).unwrap();
        assert!(quiet < 2_000, "{quiet}");
        let told = kept(&format!("{plain}[The command completed with exit code 2.]")).unwrap();
        assert!((2_000..5_000).contains(&told), "{told}");
        for end in [
            "ValueError: no",
            "= 1 failed in 1s =",
            "done",
            "FAILED (failures=1)",
            "Process running with session ID 7",
            "[Command finished with exit code unknown]",
        ] {
            let whole = kept(&format!("{plain}{end}")).unwrap();
            assert!((16_000..40_000).contains(&whole), "{end}: {whole}");
        }
        let short = plain.get(..1_000).unwrap();
        assert_eq!(kept(short), None, "a short one");
        let opened = format!("[The command has no new output after 3 seconds.]\n{plain}x y");
        assert!(
            kept(&opened).unwrap() > 16_000,
            "what stands first must not come last"
        );
    }

    #[test]
    fn only_what_calls_showed_is_cut() {
        let long = "    moor = keel # and on it goes\n".repeat(500) + "    return x\n";
        let cut = |row: Value| without_quiet(row.to_string().as_bytes()).is_some();
        let said = |role: &str| json!({"role": role, "tool_call_id": "c", "content": long});
        assert!(cut(json!({"messages": [said("tool")]})));
        assert!(!cut(json!({"messages": [said("user")]})));
        assert!(!cut(json!({"messages": [said("assistant")]})));
        assert!(!cut(json!({"messages": [said("tool")], "info": {}})));
        assert!(!cut(json!({"history": [said("tool")]})));
        let other = json!({"role": "tool", "tool_call_id": "c", "name": long, "content": "x"});
        assert!(!cut(json!({"messages": [other]})));
        let several = format!("{long}\n</tool_response>\n<tool_response>\n{long}");
        let unnamed = |content: &str| json!({"messages": [{"role": "tool", "content": content}]});
        assert!(cut(unnamed(&long)));
        assert!(!cut(unnamed(&several)));
        let seen = |kind: &str| json!({"history": [{"id": 1, "observation": kind, "content": long, "extras": {}}]});
        assert!(cut(seen("run")));
        assert!(!cut(seen("delegate")));
        let event = json!({"kind": "ObservationEvent", "observation": {"content": [{"type": "text", "text": long}]}});
        assert!(cut(json!({"history": [event]})));
    }
}
