//! What the end of a command's output says about success, where no exit status does: the summary of a test run, a
//! Python traceback.
//!
//! Only the very end counts: a summary in the middle of an output is something that was shown, not what came of the
//! command. Knows the words of the common test programs and nothing of actions.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Captures;
use regex::Regex;

use crate::model::Observation;
use crate::read::understand::fixed_regex as fixed;
use crate::read::understand::observed::bare_output;

/// How much of the end of an output is read; deep tracebacks are long.
const TAIL_BYTES: usize = 16 << 10;
/// How many closing lines may follow a summary (timings, hints how to run again).
const CLOSING_LINES: usize = 12;

/// How many tests a run passed and failed, as its summary counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestCounts {
    /// Tests that passed.
    pub passed: usize,
    /// Tests that failed, errors included.
    pub failed: usize,
}

/// The counts of the test run with whose summary the output ends (pytest, unittest, cargo, jest and vitest); `None`
/// when it ends otherwise or the summary counts nothing (go). Of several test binaries the last one's.
pub fn test_counts(observation: &Observation) -> Option<TestCounts> {
    let text = observation.first_text()?;
    summary(&ending(text))?.counts
}

/// Whether the output ends with failed tests or with an exception that nobody caught.
pub(super) fn ends_in_failure(text: &str) -> bool {
    let may_be = ["ail", "FAIL", "rror", "Traceback"]
        .into_iter()
        .any(|word| memchr::memmem::find(tail_of(text).as_bytes(), word.as_bytes()).is_some());
    if !may_be {
        return false;
    }
    let end = ending(text);
    match summary(&end) {
        Some(summary) => summary.is_failure,
        None => is_uncaught(&end),
    }
}

/// What a test run says at its end.
struct Summary {
    is_failure: bool,
    counts: Option<TestCounts>,
}

fn tail_of(text: &str) -> &str {
    let at = text.floor_char_boundary(text.len().saturating_sub(TAIL_BYTES));
    text.get(at..).unwrap_or_default()
}

/// The end of the output without the harness's words, colours and closing prompts.
fn ending(text: &str) -> String {
    static COLOUR: LazyLock<Regex> = LazyLock::new(|| fixed(r"\x1b\[[0-9;]*[A-Za-z]|\r"));
    static PROMPT: LazyLock<Regex> =
        LazyLock::new(|| fixed(r"(?:\s*(?:bash-\$|\[Jupyter [^\]\n]*\]))+\s*\z"));
    let bare = bare_output(tail_of(text));
    let plain = match memchr::memchr2(b'\x1b', b'\r', bare.as_bytes()) {
        Some(_) => COLOUR.replace_all(bare, ""),
        None => Cow::Borrowed(bare),
    };
    // the pattern is slow, and what it takes away ends like this
    let end = plain.trim_end();
    if end.ends_with("bash-$") || end.ends_with(']') {
        return PROMPT.replace(&plain, "").trim_end().to_owned();
    }
    end.to_owned()
}

fn summary(end: &str) -> Option<Summary> {
    let last = end.lines().next_back()?;
    if let Some(counts) = pytest(last) {
        return Some(Summary {
            is_failure: counts.failed > 0,
            counts: Some(counts),
        });
    }
    let mut closing = end
        .lines()
        .rev()
        .filter(|line| !line.trim().is_empty())
        .take(CLOSING_LINES);
    let line = closing.find(|line| !is_closing(line))?;
    unittest(line, end)
        .or_else(|| cargo(line))
        .or_else(|| jest(line))
        .or_else(|| go(line))
}

/// Whether the line is one of those that test programs write after their summary.
fn is_closing(line: &str) -> bool {
    const OPENINGS: [&str; 9] = [
        "error: test failed, to rerun",
        "error: 1 target failed:",
        "Snapshots:",
        "Time:",
        "Ran all test suites",
        "Start at ",
        "Duration ",
        "Destroying test database",
        "exit status ",
    ];
    let line = line.trim();
    OPENINGS.iter().any(|opening| line.starts_with(opening))
}

/// `==== 1 failed, 22 passed in 0.52s ====`, the frame left out by `-q`.
fn pytest(line: &str) -> Option<TestCounts> {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        fixed(
            r"\A=*[ \t]*((?:[0-9]+ (?:failed|passed|skipped|deselected|xfailed|xpassed|warnings?|errors?|rerun|subtests? passed)(?:, )?)+) in [0-9.]+ ?s(?:econds?)?(?: \([0-9:]+\))?[ \t]*=*\z",
        )
    });
    let line = line.trim();
    let found = line.contains(" in ").then(|| LINE.captures(line))??;
    let mut counts = TestCounts {
        passed: 0,
        failed: 0,
    };
    for item in found.get(1)?.as_str().split(", ") {
        let (number, word) = item.split_once(' ')?;
        let number: usize = number.parse().ok()?;
        match word {
            "passed" => counts.passed = number,
            "failed" | "error" | "errors" => counts.failed = counts.failed.saturating_add(number),
            _ => {}
        }
    }
    Some(counts)
}

/// `Ran 5 tests in 0.1s`, then `OK (skipped=1)` or `FAILED (failures=1, errors=2)`.
fn unittest(line: &str, end: &str) -> Option<Summary> {
    static VERDICT: LazyLock<Regex> =
        LazyLock::new(|| fixed(r"\A(OK|FAILED)(?: \(([a-z ]+=[0-9]+(?:, [a-z ]+=[0-9]+)*)\))?\z"));
    static RAN: LazyLock<Regex> = LazyLock::new(|| fixed(r"(?m)^Ran ([0-9]+) tests? in [0-9.]+s"));
    let line = line.trim();
    let may_be = line.starts_with("OK") || line.starts_with("FAILED");
    let found = may_be.then(|| VERDICT.captures(line))??;
    let ran = RAN.captures_iter(end).last()?;
    let ran: usize = number(&ran, 1)?;
    let (mut failed, mut aside) = (0_usize, 0_usize);
    let items = found.get(2).map_or("", |items| items.as_str());
    for (name, count) in items.split(", ").filter_map(|item| item.split_once('=')) {
        let count: usize = count.parse().ok()?;
        let sum = match name {
            "failures" | "errors" | "unexpected successes" => &mut failed,
            _ => &mut aside,
        };
        *sum = sum.saturating_add(count);
    }
    Some(Summary {
        is_failure: found.get(1)?.as_str() == "FAILED",
        counts: Some(TestCounts {
            passed: ran.saturating_sub(failed).saturating_sub(aside),
            failed,
        }),
    })
}

/// `test result: FAILED. 3 passed; 1 failed; 0 ignored; …`.
fn cargo(line: &str) -> Option<Summary> {
    static LINE: LazyLock<Regex> =
        LazyLock::new(|| fixed(r"\Atest result: (ok|FAILED)\. ([0-9]+) passed; ([0-9]+) failed;"));
    let line = line.trim();
    let may_be = line.starts_with("test result: ");
    let found = may_be.then(|| LINE.captures(line))??;
    Some(Summary {
        is_failure: found.get(1)?.as_str() == "FAILED",
        counts: Some(TestCounts {
            passed: number(&found, 2)?,
            failed: number(&found, 3)?,
        }),
    })
}

/// `Tests:       1 failed, 2 passed, 3 total` of jest, `Tests  1 failed | 2 passed (3)` of vitest.
fn jest(line: &str) -> Option<Summary> {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        fixed(r"\ATests:?[ \t]+((?:[0-9]+ [a-z]+(?:, | \| )?)+)(?:\([0-9]+\)| \([0-9]+\))?\z")
    });
    let line = line.trim();
    let found = line.starts_with("Tests").then(|| LINE.captures(line))??;
    let items = found.get(1)?.as_str();
    let count = |word: &str| {
        items.split([',', '|']).find_map(|item| {
            let (number, name) = item.trim().split_once(' ')?;
            (name.trim() == word).then(|| number.parse::<usize>().ok())?
        })
    };
    let (passed, failed) = (count("passed"), count("failed"));
    passed.or(failed)?;
    let failed = failed.unwrap_or(0);
    Some(Summary {
        is_failure: failed > 0,
        counts: Some(TestCounts {
            passed: passed.unwrap_or(0),
            failed,
        }),
    })
}

/// `FAIL` alone or with the package and the time.
fn go(line: &str) -> Option<Summary> {
    static LINE: LazyLock<Regex> =
        LazyLock::new(|| fixed(r"\AFAIL(?:\t\S+(?:\t[0-9.]+s| \[(?:build|setup) failed\]))?\z"));
    let line = line.trim_end();
    (line.starts_with("FAIL") && LINE.is_match(line)).then_some(Summary {
        is_failure: true,
        counts: None,
    })
}

fn number(found: &Captures<'_>, group: usize) -> Option<usize> {
    found.get(group)?.as_str().parse().ok()
}

/// Whether the last line is the exception of a traceback above it.
fn is_uncaught(end: &str) -> bool {
    const HEADING: &str = "Traceback (most recent call last)";
    let (above, last) = end.rsplit_once('\n').unwrap_or(("", end));
    let Some(name) = exception_of(last) else {
        return false;
    };
    // The compiler's complaints come without a heading.
    if matches!(name, "SyntaxError" | "IndentationError" | "TabError") {
        return above.lines().any(|line| line.starts_with("  File \""));
    }
    let Some(at) = memchr::memmem::rfind(above.as_bytes(), HEADING.as_bytes()) else {
        return false;
    };
    let start = memchr::memrchr(b'\n', above.as_bytes().get(..at).unwrap_or_default())
        .map_or(0, |at| at + 1);
    let before = above.get(start..at).unwrap_or_default().trim();
    let mut frames = above.get(at..).unwrap_or_default().lines().skip(1);
    if before.is_empty() {
        return frames.all(|line| line.is_empty() || line.starts_with(' '));
    }
    // IPython names the exception before the heading and writes its frames as it likes.
    before == name
}

/// The name in `Name`, `Name:` or `package.Name: words`.
fn exception_of(line: &str) -> Option<&str> {
    let is_inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    let (name, rest) = match line.find(|c| !is_inside(c)) {
        Some(end) => line.split_at_checked(end)?,
        None => (line, ""),
    };
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_said = |words: &str| words.is_empty() || words.starts_with(char::is_whitespace);
    let is_closed = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_said);
    (is_name && is_closed).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn ends(text: &str, failure: bool, counts: Option<(usize, usize)>) {
        assert_eq!(ends_in_failure(text), failure, "{text:?}");
        let told = test_counts(&Observation::text(text)).map(|told| (told.passed, told.failed));
        assert_eq!(told, counts, "{text:?}");
    }

    #[test]
    fn summaries_of_test_runs() {
        ends(
            "F..\n=== 1 failed, 22 passed, 3 warnings in 3.05s ===\n",
            true,
            Some((22, 1)),
        );
        ends(
            "\x1b[31m== \x1b[1m2 errors\x1b[0m in 61.20s (0:01:01) ==\x1b[0m\r\n",
            true,
            Some((0, 2)),
        );
        ends("4 passed in 0.1s", false, Some((4, 0)));
        ends(
            "OBSERVATION:\n= 1 failed in 1s =\n(Open file: n/a)\n(Current directory: /w)\nbash-$",
            true,
            Some((0, 1)),
        );
        ends(
            "Ran 6 tests in 0.1s\n\nFAILED (failures=1, errors=1, skipped=1)\nDestroying test database for alias 'default'...",
            true,
            Some((3, 2)),
        );
        ends("Ran 1 test in 0.1s\n\nOK\n", false, Some((1, 0)));
        ends(
            "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\nerror: test failed, to rerun pass `--lib`\n",
            true,
            Some((3, 1)),
        );
        ends(
            "--- FAIL: TestA (0.00s)\nFAIL\nexit status 1\nFAIL\tx/y\t0.01s\nFAIL\n",
            true,
            None,
        );
        ends(
            "Tests:       1 failed, 2 passed, 3 total\nSnapshots:   0 total\nTime:        2.1 s\nRan all test suites.",
            true,
            Some((2, 1)),
        );
        ends(
            "      Tests  2 passed (2)\n   Start at  10:00\n   Duration  1s",
            false,
            Some((2, 0)),
        );
    }

    #[test]
    fn uncaught_exceptions() {
        let traceback = "out\nTraceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    f()\n";
        ends(&format!("{traceback}ValueError: no"), true, None);
        ends(&format!("{traceback}a.b.OwnError\n"), true, None);
        ends(
            &format!("{traceback}KeyError: 1\nand on it goes"),
            false,
            None,
        );
        ends(&format!("{traceback}KeyError: 1\ndone"), false, None);
        ends(
            "  File \"a.py\", line 1\n    x x\n      ^\nSyntaxError: invalid syntax",
            true,
            None,
        );
        ends(
            "-----\nNameError    Traceback (most recent call last)\nCell In[1], line 1\n----> 1 x\n\nNameError: name 'x'\n[Jupyter current working directory: /w]",
            true,
            None,
        );
    }

    #[test]
    fn what_stands_elsewhere_is_no_verdict() {
        ends("= 1 failed in 1s =\nthen all was well", false, None);
        ends("grep: 3 failed", false, None);
        ends("FAILED (failures=1)", false, None);
        ends("FAILURE", false, None);
        ends("ValueError: said the log", false, None);
        ends("1 failed, 2 passed", false, None);
        ends("", false, None);
    }
}
