//! What programs print, made readable: results of test runners, tracebacks, positions of matches and compilers.
//!
//! Each line is told on its own, so that any line of a long output can be drawn without those before it. Rules ask
//! for the exact shape that a runner prints; a line that merely mentions a failure stays plain.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::text::Ink as AnsiInk;
use crate::text::Lines;
use crate::text::ansi_line;
use crate::text::has_escapes;
use crate::theme::Role;
use crate::ui::page::LandmarkKind;
use crate::ui::page::block::OutputTint;

/// Bytes at each end of a text that are searched for landmarks and diffs.
const SCAN_BYTES: usize = 1 << 20;

/// Landmarks kept of one text.
const MAX_LANDMARKS: usize = 1000;

/// Lines longer than this are no line of a test report.
const MAX_LINE_BYTES: usize = 1000;

/// Changes of ink kept of one text; a screen dump of colours beyond that is drawn in its own lines' colours only.
const MAX_INKS: usize = 1 << 18;

type Marks = Vec<(Range<usize>, Role)>;

/// What stands out in a clean line of output: byte ranges, ascending, not overlapping.
pub(super) fn marks(line: &str) -> Marks {
    if line.len() > MAX_LINE_BYTES || line.trim_start().is_empty() {
        return Marks::new();
    }
    for rule in RULES {
        if let Some(marks) = rule(line) {
            return marks;
        }
    }
    Marks::new()
}

/// Rules in the order in which they are asked; the first that knows the line decides.
const RULES: &[fn(&str) -> Option<Marks>] = &[
    traceback,
    exception,
    pytest_rule,
    pytest_result,
    pytest_progress,
    pytest_error,
    unittest,
    cargo,
    go,
    jest,
    position,
];

fn whole(line: &str, role: Role) -> Option<Marks> {
    Some(vec![(0..line.len(), role)])
}

macro_rules! pattern {
    ($name:ident, $text:literal) => {
        static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($text).expect("a literal pattern compiles"));
    };
}

pattern!(FRAME, r#"^\s*File ("[^"]+", line \d+)(?:, in .+)?$"#);
pattern!(
    RAISED,
    r"^(?:E\s+)?((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Warning|Failure|Timeout|DoesNotExist))(?::|$)"
);
pattern!(
    COUNT,
    r"\b(\d+) (passed|failed|errors?|skipped|xfailed|xpassed|deselected|warnings?|ignored|total|rerun)\b"
);
pattern!(
    RESULT,
    r"^(?:(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\s+(\S+)|(\S*::\S.*?)\s+(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b.*)"
);
pattern!(PROGRESS, r"^(\S+\.py) ([.FEsxX]+)(?:\s+\[\s*\d+%\])?$");
pattern!(DOTS, r"^([.FEsxX]{2,})(?:\s+\[\s*\d+%\])?$");
pattern!(
    PLACE,
    r"^(?:\s*-->\s+)?((?:[A-Za-z]:)?[^\s:'(]*[./][^\s:'(]*:\d+(?::\d+)?)(?::|-|\s|$)"
);
pattern!(CARGO_TEST, r"^test (.+) \.\.\. (ok|FAILED|ignored)\b");
pattern!(GO_TEST, r"^\s*--- (PASS|FAIL|SKIP): (\S+)");
pattern!(
    DJANGO_TEST,
    r"^(.*) \.\.\. (ok|FAIL|ERROR|skipped.*|expected failure)$"
);

fn traceback(line: &str) -> Option<Marks> {
    if line.contains("Traceback (most recent call last)") {
        return whole(line, Role::Strong);
    }
    let places = FRAME.captures(line)?.get(1)?;
    Some(vec![(places.range(), Role::Location)])
}

fn exception(line: &str) -> Option<Marks> {
    if line.starts_with("thread '") && line.contains(" panicked at ") || line.starts_with("panic: ")
    {
        return whole(line, Role::Exception);
    }
    RAISED.captures(line)?;
    whole(line, Role::Exception)
}

/// Whole lines of `=` and `_` with a title, and the summary among them.
fn pytest_rule(line: &str) -> Option<Marks> {
    let trimmed = line.trim_end();
    if trimmed.starts_with("____") && trimmed.ends_with("____") && trimmed.contains(' ') {
        return whole(line, Role::TestFail);
    }
    let is_rule = trimmed.starts_with("==") && trimmed.ends_with("==");
    let is_quiet = trimmed.contains(" in ") && trimmed.ends_with('s') && COUNT.is_match(trimmed);
    let is_js = trimmed.starts_with("Tests:") || trimmed.starts_with("Test Suites:");
    let is_rust = trimmed.starts_with("test result:");
    if !(is_rule
        || is_js
        || is_rust
        || (is_quiet && trimmed.starts_with(|c: char| c.is_ascii_digit())))
    {
        return None;
    }
    let counts = count_marks(line);
    if counts.is_empty() && is_rule {
        return whole(line, Role::Strong);
    }
    Some(counts)
}

fn count_marks(line: &str) -> Marks {
    COUNT
        .captures_iter(line)
        .filter_map(|found| {
            let whole = found.get(0)?;
            let is_none = found.get(1)?.as_str().bytes().all(|digit| digit == b'0');
            let role = match found.get(2)?.as_str() {
                _ if is_none => Role::Dim,
                "passed" | "xpassed" => Role::TestPass,
                "failed" | "error" | "errors" => Role::TestFail,
                "total" => return None,
                _ => Role::Warning,
            };
            Some((whole.range(), role))
        })
        .collect()
}

fn word_role(word: &str) -> Role {
    match word {
        "PASSED" | "XPASS" | "PASS" | "ok" | "OK" => Role::TestPass,
        "FAILED" | "FAIL" | "ERROR" => Role::TestFail,
        _ => Role::Warning,
    }
}

fn pytest_result(line: &str) -> Option<Marks> {
    let found = RESULT.captures(line)?;
    if let Some(word) = found.get(1) {
        let name = found.get(2)?;
        let is_test = name.as_str().contains("::") || name.as_str().contains(".py");
        return is_test.then(|| {
            vec![
                (word.range(), word_role(word.as_str())),
                (name.range(), Role::Location),
            ]
        });
    }
    let word = found.get(4)?;
    Some(vec![(word.range(), word_role(word.as_str()))])
}

fn pytest_progress(line: &str) -> Option<Marks> {
    let letters = match PROGRESS.captures(line) {
        Some(found) => found.get(2)?,
        None => DOTS.captures(line)?.get(1)?,
    };
    let mut marks = Marks::new();
    for (ix, letter) in letters.as_str().char_indices() {
        let role = match letter {
            '.' => Role::TestPass,
            'F' | 'E' => Role::TestFail,
            _ => Role::Warning,
        };
        let at = letters.start() + ix;
        match marks.last_mut() {
            Some((range, same)) if *same == role => range.end = at + 1,
            _ => marks.push((at..at + 1, role)),
        }
    }
    Some(marks)
}

fn pytest_error(line: &str) -> Option<Marks> {
    if line.starts_with("E   ") {
        return whole(line, Role::TestFail);
    }
    if line.starts_with(">   ") {
        return whole(line, Role::Strong);
    }
    None
}

fn unittest(line: &str) -> Option<Marks> {
    if let Some(found) = DJANGO_TEST.captures(line) {
        let word = found.get(2)?;
        return Some(vec![(word.range(), word_role(word.as_str()))]);
    }
    let is_head = ["FAIL: ", "ERROR: "]
        .iter()
        .any(|head| line.starts_with(head) && line.contains('(') && line.trim_end().ends_with(')'));
    let is_failed = line.starts_with("FAILED (") && line.trim_end().ends_with(')');
    if is_head || is_failed {
        return whole(line, Role::TestFail);
    }
    let is_ok = line.trim_end() == "OK" || line.starts_with("OK (");
    if is_ok {
        return whole(line, Role::TestPass);
    }
    let is_count = line.starts_with("Ran ") && line.contains(" test") && line.contains(" in ");
    if is_count {
        whole(line, Role::Strong)
    } else {
        None
    }
}

fn cargo(line: &str) -> Option<Marks> {
    if let Some(found) = CARGO_TEST.captures(line) {
        let word = found.get(2)?;
        return Some(vec![(word.range(), word_role(word.as_str()))]);
    }
    if line.starts_with("error[E") || line.starts_with("error: ") {
        return whole(line, Role::Error);
    }
    if line.starts_with("warning: ") {
        return whole(line, Role::Warning);
    }
    None
}

fn go(line: &str) -> Option<Marks> {
    if let Some(found) = GO_TEST.captures(line) {
        let word = found.get(1)?;
        return Some(vec![(word.range(), word_role(word.as_str()))]);
    }
    match line.trim_end() {
        "PASS" => return whole(line, Role::TestPass),
        "FAIL" => return whole(line, Role::TestFail),
        _ => {}
    }
    let heads = [("ok  ", 2), ("FAIL ", 4), ("PASS ", 4)];
    let (_, len) = heads.into_iter().find(|(head, _)| line.starts_with(head))?;
    let word = line.get(..len)?;
    Some(vec![(0..len, word_role(word))])
}

fn jest(line: &str) -> Option<Marks> {
    let text = line.trim_start();
    let at = line.len() - text.len();
    let role = match text.chars().next()? {
        '✓' | '✔' => Role::TestPass,
        '✕' | '✗' | '✖' | '×' => Role::TestFail,
        '●' if text.contains(" › ") => return whole(line, Role::TestFail),
        '○' => Role::Warning,
        _ => return None,
    };
    let len = text.chars().next().map_or(0, char::len_utf8);
    Some(vec![(at..at + len, role)])
}

/// `path:line:` of grep, compilers and pytest; says nothing about URLs and clock times.
fn position(line: &str) -> Option<Marks> {
    let place = PLACE.captures(line)?.get(1)?;
    if place.as_str().contains("://") {
        return None;
    }
    let mut marks = vec![(place.range(), Role::Location)];
    let rest = line.get(place.end()..).unwrap_or_default();
    if let Some(name) = rest.strip_prefix(": ").filter(|name| RAISED.is_match(name)) {
        marks.push((line.len() - name.len()..line.len(), Role::Exception));
    }
    Some(marks)
}

/// Looks over a printed text: colours of its own, diffs in it, failures worth a jump. One pass at most, and only over
/// the ends of a text of megabytes but for the escape sequences.
pub(super) fn look_over(lines: &Lines) -> (OutputTint, Vec<(usize, LandmarkKind)>) {
    let inks = has_escapes(lines.text()).then(|| line_inks(lines));
    let mut tint = OutputTint {
        inks,
        ..OutputTint::default()
    };
    let mut landmarks = Vec::new();
    let len = lines.text().len();
    let head_end = if len <= 2 * SCAN_BYTES {
        lines.len()
    } else {
        lines.at_offset(SCAN_BYTES)
    };
    let tail = lines
        .at_offset(len.saturating_sub(SCAN_BYTES))
        .max(head_end);
    let tail = if head_end == lines.len() {
        lines.len()
    } else {
        tail
    };
    scan(lines, 0..head_end, &mut tint, &mut landmarks);
    scan(lines, tail..lines.len(), &mut tint, &mut landmarks);
    (tint, landmarks)
}

fn scan(
    lines: &Lines,
    range: Range<usize>,
    tint: &mut OutputTint,
    landmarks: &mut Vec<(usize, LandmarkKind)>,
) {
    let mut row = range.start;
    let mut diff_from = None;
    while row < range.end {
        let raw = lines.get(row);
        if is_diff_head(raw) {
            diff_from.get_or_insert(row);
            row += 1;
            continue;
        }
        if let Some(rows) = hunk_rows(lines, row, range.end) {
            let start = diff_from.take().unwrap_or(row);
            match tint.diffs.last_mut() {
                Some(last) if last.end == start => last.end = row + rows,
                _ => tint.diffs.push(start..row + rows),
            }
            landmarks.push((row, LandmarkKind::Hunk));
            row += rows;
            continue;
        }
        diff_from = None;
        if landmarks.len() < MAX_LANDMARKS
            && let Some(kind) = landmark(raw, tint.inks.is_some())
        {
            landmarks.push((row, kind));
        }
        row += 1;
    }
}

fn is_diff_head(line: &str) -> bool {
    [
        "diff --git ",
        "index ",
        "--- ",
        "+++ ",
        "new file mode ",
        "deleted file mode ",
        "similarity index ",
        "rename ",
    ]
    .iter()
    .any(|head| line.starts_with(head))
}

/// The rows of the hunk that starts at `row`, heading included; `None` where no hunk starts.
fn hunk_rows(lines: &Lines, row: usize, end: usize) -> Option<usize> {
    let heading = lines.get(row).strip_prefix("@@ -")?;
    let (old, rest) = heading.split_once(" +")?;
    let (new, _) = rest.split_once(" @@")?;
    let count = |side: &str| -> Option<usize> {
        match side.split_once(',') {
            Some((_, count)) => count.parse().ok(),
            None => side.parse::<usize>().ok().map(|_| 1),
        }
    };
    let (mut old, mut new) = (count(old)?, count(new)?);
    let mut at = row + 1;
    while at < end && (old > 0 || new > 0) {
        match lines.get(at).as_bytes().first() {
            Some(b'+') => new = new.saturating_sub(1),
            Some(b'-') => old = old.saturating_sub(1),
            Some(b' ') | None => {
                old = old.saturating_sub(1);
                new = new.saturating_sub(1);
            }
            Some(b'\\') => {}
            Some(_) => break,
        }
        at += 1;
    }
    Some(at - row)
}

fn landmark(raw: &str, has_escapes: bool) -> Option<LandmarkKind> {
    if raw.len() > MAX_LINE_BYTES {
        return None;
    }
    let found = if has_escapes && raw.contains('\x1b') {
        let (runs, _) = ansi_line(raw, AnsiInk::default());
        marks(&runs.into_iter().map(|(text, _)| text).collect::<String>())
    } else {
        marks(raw)
    };
    found.iter().find_map(|(_, role)| match role {
        Role::Exception => Some(LandmarkKind::Exception),
        Role::TestFail => Some(LandmarkKind::TestFail),
        _ => None,
    })
}

/// The ink with which each line starts, as (line, ink) where it changes. Looks at escape sequences only, not at the
/// text between them.
fn line_inks(lines: &Lines) -> Vec<(usize, AnsiInk)> {
    let text = lines.text();
    let mut inks: Vec<(usize, AnsiInk)> = Vec::new();
    let mut ink = AnsiInk::default();
    let mut noted = ink;
    let mut next_start = 0;
    let mut row = 0;
    for at in memchr::memchr_iter(0x1b, text.as_bytes()) {
        if at >= next_start {
            if ink != noted {
                inks.push((row + 1, ink));
                noted = ink;
                if inks.len() >= MAX_INKS {
                    break;
                }
            }
            row = lines.at_offset(at);
            next_start = lines.offset(row + 1);
        }
        ink = after_sequence(text.get(at..).unwrap_or_default(), ink);
    }
    if ink != noted {
        inks.push((row + 1, ink));
    }
    inks
}

/// The ink after the sequence that `text` starts with.
fn after_sequence(text: &str, ink: AnsiInk) -> AnsiInk {
    let Some(params) = text.strip_prefix("\x1b[") else {
        return if text.starts_with("\x1bc") {
            AnsiInk::default()
        } else {
            ink
        };
    };
    let end = params
        .bytes()
        .take(64)
        .position(|byte| !matches!(byte, b'0'..=b'9' | b';' | b':'));
    match end.and_then(|end| params.get(..=end)) {
        Some("m" | "0m") => AnsiInk::default(),
        Some(sequence) if sequence.ends_with('m') => {
            ansi_line(text.get(..sequence.len() + 2).unwrap_or_default(), ink).1
        }
        _ => ink,
    }
}
