//! What observations say in words only: exit status, failure, truncation, working folder; and the output itself
//! without the harness's words around it.

use std::sync::LazyLock;

use regex::Regex;

use crate::model::Action;
use crate::model::ActionClass;
use crate::model::Observation;
use crate::read::understand::fixed_regex as fixed;
use crate::read::understand::verdict;

/// How much of the end of an output is searched for the harness's closing lines.
const TAIL_BYTES: usize = 2048;
/// How much of its beginning.
const HEAD_BYTES: usize = 512;

/// Closing lines with an exit status.
static EXIT_AT_END: LazyLock<Regex> = LazyLock::new(|| {
    fixed(
        r"(?m)^\[(?:Command finished with exit code|The command completed with exit code|Process exited with code|exit code:?) (-?[0-9]+)\.?\]",
    )
});

static CWD: LazyLock<Regex> = LazyLock::new(|| {
    fixed(r"(?m)^(?:\[Current working directory: ([^\]\n]+)\]|\(Current directory: ([^)\n]+)\))")
});

static CUT: LazyLock<Regex> = LazyLock::new(|| {
    fixed(concat!(
        r"<response clipped>|\[\.\.\. Observation truncated|<elided_chars>",
        r"|\d+ (?:lines?|characters|chars|tokens|bytes) (?:were )?(?:omitted|truncated|elided)",
        r"|Output too long|output was too long|\[(?:\.\.\. )?[Oo]utput truncated",
    ))
});

/// Whether the text opens with what an editor or harness answers when it did not do what it was asked.
fn is_refusal(text: &str) -> bool {
    const OPENINGS: [&str; 11] = [
        "ERROR:",
        "<error>",
        "<tool_use_error>",
        "No replacement was performed",
        "Invalid `",
        "Your proposed edit has introduced",
        "Error: No replacement",
        "Error: File not found",
        "Error: String not found",
        "apply_patch verification failed",
        "String to replace not found",
    ];
    if let Some(rest) = text.strip_prefix("The path ") {
        return rest
            .find(char::is_whitespace)
            .filter(|end| *end > 0)
            .and_then(|end| rest.get(end..))
            .is_some_and(|rest| rest.starts_with(" does not exist"));
    }
    if let Some(rest) = text.strip_prefix("Text ") {
        const MAX_CHARS: usize = 200;
        let line = rest.lines().next().unwrap_or_default();
        return line
            .split_once(" not found in displayed lines")
            .is_some_and(|(quoted, _)| quoted.chars().count() <= MAX_CHARS);
    }
    OPENINGS.iter().any(|opening| text.starts_with(opening))
}

/// The first lines of a text, as long as those before them are headings of a tool: short, with a capital at the front.
fn opening_lines(text: &str, most: usize) -> impl Iterator<Item = &str> {
    const MAX_CHARS: usize = 81;
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let (line, below) = match text.split_once('\n') {
            Some((line, below)) => (line, Some(below)),
            None => (text, None),
        };
        let is_heading = line.starts_with(|c: char| c.is_ascii_uppercase())
            && line.chars().nth(MAX_CHARS).is_none();
        rest = below.filter(|_| is_heading);
        Some(line)
    })
    .take(most)
}

/// The exit status in the opening lines.
fn opening_status(head: &str) -> Option<&str> {
    const LINES: usize = 5;
    const WORDS: [&str; 4] = [
        "Exit code: ",
        "Exit code ",
        "Process exited with code ",
        "Error: Exit code ",
    ];
    let is_number = |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    if let Some(rest) = head.trim_start().strip_prefix("<returncode>")
        && let Some((code, _)) = rest.split_once("</returncode>")
        && is_number(code)
    {
        return Some(code);
    }
    opening_lines(head, LINES).find_map(|line| {
        let code = WORDS.iter().find_map(|word| line.strip_prefix(word))?;
        Some(code.trim_end()).filter(|code| is_number(code))
    })
}

/// Whether the text says in its opening or in one of its lines that the command still runs.
fn still_runs(text: &str) -> bool {
    const LINES: usize = 4;
    let is_waiting = |rest: &str| {
        rest.starts_with("has no new output after") || rest.starts_with("timed out after")
    };
    let says = |line: &str| line.strip_prefix("[The command ").is_some_and(is_waiting);
    text.split('\n').any(says)
        || opening_lines(text, LINES)
            .any(|line| line.starts_with("Process running with session ID"))
}

/// Fills whether and how the action failed, as far as the reader left it open.
pub(super) fn fill_success(action: &mut Action) {
    let class = action.class;
    let is_command = action.shell.is_some() || class == ActionClass::Shell;
    let Some(observation) = &mut action.observation else {
        return;
    };
    let Some(text) = observation.first_text().cloned() else {
        return;
    };
    let head = text
        .get(..text.floor_char_boundary(HEAD_BYTES))
        .unwrap_or_default();
    let tail = text
        .get(text.floor_char_boundary(text.len().saturating_sub(TAIL_BYTES))..)
        .unwrap_or_default();
    if is_command {
        fill_status(observation, without_heading(head), tail);
    }
    if observation.is_error.is_none()
        && matches!(class, ActionClass::Edit | ActionClass::View)
        && !is_command
        && is_refusal(without_heading(head))
    {
        observation.is_error = Some(true);
    }
    // An exit status outranks what the output looks like.
    if class == ActionClass::Shell
        && observation.exit_code.is_none()
        && observation.is_error.is_none()
        && verdict::ends_in_failure(&text)
    {
        observation.is_error = Some(true);
    }
}

/// Fills whether the observation says that it was cut.
pub(super) fn fill_truncated(action: &mut Action) {
    if let Some(observation) = &mut action.observation
        && observation.truncated.is_none()
        && observation.first_text().is_some_and(|text| says_cut(text))
    {
        observation.truncated = Some(true);
    }
}

/// Whether the text says that it was cut. It may be long: its rare words are looked for before the pattern is.
fn says_cut(text: &str) -> bool {
    const WORDS: [&str; 5] = ["clipped>", "runcated", "elided", "omitted", "too long"];
    let has = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    WORDS.into_iter().any(has) && CUT.is_match(text)
}

fn fill_status(observation: &mut Observation, head: &str, tail: &str) {
    let last = |regex: &Regex, text: &str| {
        let found = regex.captures_iter(text).last()?;
        found
            .iter()
            .skip(1)
            .flatten()
            .next()
            .map(|group| group.as_str().to_owned())
    };
    // patterns are slow over outputs full of brackets: the words that they cannot do without are looked for first
    let has = |text: &str, word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes());
    let with = |text, words: &[&str]| -> &str {
        let is_there = words.iter().any(|word| has(text, word).is_some());
        if is_there { text } else { "" }
    };
    if observation.exit_code.is_none() {
        let at_end = last(&EXIT_AT_END, with(tail, &["exit"]));
        let code = at_end.or_else(|| opening_status(head).map(str::to_owned));
        let is_running = || still_runs(tail) || still_runs(head);
        observation.exit_code = code
            .and_then(|code| code.parse().ok())
            .or_else(|| is_running().then_some(-1));
    }
    if observation.cwd.is_none() {
        observation.cwd = last(
            &CWD,
            with(tail, &["[Current working", "(Current directory"]),
        );
    }
}

/// The text after `OBSERVATION:` or `EXECUTION RESULT of [tool]:`.
fn without_heading(text: &str) -> &str {
    static HEADING: LazyLock<Regex> = LazyLock::new(|| {
        fixed(r"\A\s*(?:OBSERVATION:|EXECUTION RESULT of \[[^\]\n]*\]:)[ \t]*\r?\n?")
    });
    let may_have = text.trim_ascii_start().starts_with(['O', 'E']);
    match may_have.then(|| HEADING.find(text)).flatten() {
        Some(found) => text.get(found.end()..).unwrap_or_default(),
        None => text,
    }
}

/// The output of a tool without what the harness wrote around it: headings, return codes, closing lines in brackets.
pub(super) fn bare_output(text: &str) -> &str {
    static OPENING: LazyLock<Regex> = LazyLock::new(|| {
        fixed(concat!(
            r"\A\s*<returncode>-?\d+</returncode>\s*<output>\r?\n?",
            r"|\A(?:Chunk ID: [^\n]*\n)?(?:Exit code: -?\d+\r?\n|Wall time: [^\n]*\n|Process exited with code -?\d+\n|Original token count: \d+\n){1,4}(?:Output:\r?\n)?",
        ))
    });
    const OPENINGS: [&str; 5] = [
        "Chunk ID: ",
        "Exit code: ",
        "Wall time: ",
        "Process exited with code ",
        "Original token count: ",
    ];
    const CLOSINGS: [&str; 9] = [
        "[Command finished with",
        "[The command completed with",
        "[The command has no",
        "[Current working directory",
        "[Python interpreter",
        "[exit code",
        "[Process exited",
        "(Open file: ",
        "(Current directory: ",
    ];
    let mut output = without_heading(text);
    let may_open = output.trim_start().starts_with("<returncode>")
        || OPENINGS.iter().any(|word| output.starts_with(word));
    if let Some(opening) = may_open.then(|| OPENING.find(output)).flatten() {
        output = output.get(opening.end()..).unwrap_or_default();
    }
    if let Some(body) = output.trim_end().strip_suffix("</output>") {
        output = body;
    }
    let tail_at = output.floor_char_boundary(output.len().saturating_sub(TAIL_BYTES));
    let tail = output.get(tail_at..).unwrap_or_default();
    let starts = memchr::memchr_iter(b'\n', tail.as_bytes()).map(|at| at + 1);
    let closing = std::iter::once(0).chain(starts).find(|at| {
        let line = tail.get(*at..).unwrap_or_default();
        line.starts_with(['[', '(']) && CLOSINGS.iter().any(|word| line.starts_with(word))
    });
    if let Some(closing) = closing {
        output = output.get(..tail_at + closing).unwrap_or_default();
    }
    let output = output.strip_suffix('\n').unwrap_or(output);
    output.strip_suffix('\r').unwrap_or(output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ShellCall;

    fn seen(text: &str) -> Observation {
        let mut action = Action {
            class: ActionClass::Shell,
            shell: Some(ShellCall::default()),
            observation: Some(Observation::text(text)),
            ..Action::default()
        };
        fill_success(&mut action);
        fill_truncated(&mut action);
        action.observation.expect("it was given")
    }

    #[test]
    fn exit_statuses_in_words() {
        let cases = [
            ("out\n[Command finished with exit code 2]", Some(2)),
            (
                "out\n[The command completed with exit code 0.]\n[Current working directory: /w]",
                Some(0),
            ),
            (
                "<returncode>1</returncode>\n<output>\nx\n</output>",
                Some(1),
            ),
            ("Exit code: 3\nWall time: 0.1 seconds\nOutput:\nx", Some(3)),
            (
                "Chunk ID: ab\nWall time: 0.1 seconds\nProcess exited with code 0\nOutput:\n",
                Some(0),
            ),
            ("Exit code 1\nTraceback", Some(1)),
            ("[exit code: 7]", Some(7)),
            (
                "OBSERVATION:\nout\n[The command completed with exit code 127.]",
                Some(127),
            ),
            (
                "x\n[The command has no new output after 30 seconds. Wait]",
                Some(-1),
            ),
            ("the log said: exit code: 3 here", None),
            ("plain", None),
            ("", None),
        ];
        for (text, code) in cases {
            assert_eq!(seen(text).exit_code, code, "{text:?}");
        }
        assert_eq!(
            seen("x\n[The command completed with exit code 0.]\n[Current working directory: /w x]")
                .cwd
                .as_deref(),
            Some("/w x")
        );
        assert_eq!(
            seen("x\n(Open file: n/a)\n(Current directory: /w)\nbash-$")
                .cwd
                .as_deref(),
            Some("/w")
        );
    }

    #[test]
    fn failed_tests_are_errors_where_no_status_is_known() {
        assert_eq!(seen("== 1 failed in 1s ==").is_error, Some(true));
        assert_eq!(seen("== 1 passed in 1s ==").is_error, None);
        let known = "== 1 failed in 1s ==\n[The command completed with exit code 0.]";
        assert_eq!(seen(known).is_error, None);
    }

    #[test]
    fn cut_outputs_are_told() {
        for text in [
            "a<response clipped><NOTE>b",
            "… 120 lines omitted …",
            "[... Observation truncated due to length ...]",
        ] {
            assert_eq!(seen(text).truncated, Some(true), "{text}");
        }
        assert_eq!(seen("all of it").truncated, None);
    }

    #[test]
    fn refusals_are_errors_of_editors_only() {
        let mut action = Action {
            class: ActionClass::Edit,
            observation: Some(Observation::text(
                "OBSERVATION:\nNo replacement was performed, old_str `x` …",
            )),
            ..Action::default()
        };
        fill_success(&mut action);
        assert_eq!(action.observation.and_then(|o| o.is_error), Some(true));
        assert_eq!(seen("ERROR: x").is_error, None);
    }

    #[test]
    fn the_output_itself() {
        let cases = [
            (
                "a\nb\n[The command completed with exit code 0.]\n[Current working directory: /w]\n",
                "a\nb",
            ),
            ("OBSERVATION:\na\n", "a"),
            (
                "EXECUTION RESULT of [execute_bash]:\na\n[Command finished with exit code 0]",
                "a",
            ),
            (
                "<returncode>0</returncode>\n<output>\na\nb\n</output>",
                "a\nb",
            ),
            ("Exit code: 0\nWall time: 1 seconds\nOutput:\na\n", "a"),
            ("a\r\n", "a"),
            ("[1, 2]\n", "[1, 2]"),
        ];
        for (text, expected) in cases {
            assert_eq!(bare_output(text), expected, "{text:?}");
        }
    }

    /// Texts of pieces in every order, for comparing a matcher with the pattern that it stands for.
    fn texts() -> impl Iterator<Item = String> {
        const PIECES: [&str; 22] = [
            "Chunk ID: ab",
            "Wall time: 0.1 seconds",
            "\n",
            "\n",
            " ",
            "Exit code: 3",
            "Exit code 1x",
            "Exit code -7",
            "Process exited with code 0",
            "Process running with session ID 4",
            "Error: Exit code ",
            "<returncode>",
            "-1",
            "</returncode>",
            "[The command ",
            "has no new output after",
            "timed out after",
            "The path ",
            "/é ",
            "does not exist",
            "Text ",
            " not found in displayed lines",
        ];
        let mut state = 7_usize;
        let mut next = move |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % below
        };
        (0..40_000).map(move |round| {
            let mut text: String = (0..=next(7)).map(|_| PIECES[next(PIECES.len())]).collect();
            if round % 50 == 0 {
                text.insert_str(text.find('\n').unwrap_or(0), &"É".repeat(70 + next(140)));
            }
            text
        })
    }

    #[track_caller]
    fn stands_for(pattern: &str, matcher: impl Fn(&str) -> Option<String>) {
        let pattern = fixed(pattern);
        let mut hits = 0;
        for text in texts() {
            let found = pattern.captures(&text);
            let found = found.map(|found| {
                let mut groups = found.iter().skip(1).flatten();
                groups
                    .next()
                    .map_or(String::new(), |group| group.as_str().to_owned())
            });
            hits += u32::from(found.is_some());
            assert_eq!(matcher(&text), found, "{text:?}");
        }
        assert!(hits > 50, "{hits}");
    }

    #[test]
    fn matchers_do_what_their_patterns_say() {
        stands_for(
            r"(?m)\A(?:\s*<returncode>(-?[0-9]+)</returncode>|(?:[A-Z][^\n]{0,80}\n){0,4}?(?:Exit code:? |Process exited with code |Error: Exit code )(-?[0-9]+)\s*$)",
            |text| opening_status(text).map(str::to_owned),
        );
        stands_for(
            r"(?m)^\[The command (?:has no new output after|timed out after)|\A(?:[A-Z][^\n]{0,80}\n){0,3}?Process running with session ID",
            |text| still_runs(text).then(String::new),
        );
        stands_for(
            r"\A(?:ERROR:|The path \S+ does not exist|Text .{0,200} not found in displayed lines)",
            |text| is_refusal(text).then(String::new),
        );
    }
}
