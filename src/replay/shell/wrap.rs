//! The texts around the output of a command, in the spellings of producers that start a shell for each call.

use std::borrow::Cow;

use crate::model::Action;
use crate::read::understand;
use crate::replay::shell::plain::Scaffold;

/// The text that was recorded for a call.
fn recorded(action: &Action) -> Option<&str> {
    let observation = action.observation.as_ref()?;
    observation.first_text().map(|text| &**text)
}

/// Whether the record says that a command was stopped because it took too long.
pub(super) fn was_stopped(action: &Action) -> bool {
    const SIGNS: [&str; 6] = [
        "Command timed out after",
        "command timed out after",
        "The last command <command>",
        "timed out after",
        "EXECUTION TIMED OUT",
        "exceeded the timeout",
    ];
    let code = action
        .observation
        .as_ref()
        .and_then(|observation| observation.exit_code);
    let is_left = code.is_some_and(|code| code == 124 || code < 0);
    is_left && recorded(action).is_some_and(|text| SIGNS.iter().any(|sign| text.contains(sign)))
}

/// How a recorded call came to run nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::replay) enum NeverRan {
    /// A person or a rule was against it: nothing changed.
    Refused,
    /// The producer's own sandbox stopped it, who knows where.
    Stopped,
}

/// Whether a recorded call was kept from running, by what stands at the beginning of its observation.
pub(in crate::replay) fn never_ran(action: &Action) -> Option<NeverRan> {
    let observation = action.observation.as_ref()?;
    if understand::was_refused(observation) {
        return Some(NeverRan::Refused);
    }
    let text = observation.first_text()?;
    text.starts_with("failed in sandbox")
        .then_some(NeverRan::Stopped)
}

/// The reply of a scaffold to an output.
pub(super) fn reply(
    scaffold: Scaffold,
    action: &Action,
    output: &str,
    code: Option<i64>,
) -> String {
    let recorded = recorded(action);
    match scaffold {
        Scaffold::MiniSweAgent => mini(output, code, recorded),
        Scaffold::ClaudeCode => claude(output, code, recorded),
        Scaffold::Codex => codex(output, code, recorded),
        Scaffold::SweAgent => swe_agent(output, recorded),
        Scaffold::Other => like(output.into(), recorded).into_owned(),
    }
}

/// `text` with the blank end that the recorded one has: readers and producers strip it.
fn like<'a>(text: Cow<'a, str>, recorded: Option<&str>) -> Cow<'a, str> {
    let is_stripped = recorded.is_some_and(|recorded| recorded.trim_end() == recorded);
    match text {
        text if !is_stripped => text,
        Cow::Borrowed(text) => text.trim_end().into(),
        Cow::Owned(text) => text.trim_end().to_owned().into(),
    }
}

/// The first and the last `count` characters.
fn ends(text: &str, count: usize) -> (&str, &str) {
    let head = text
        .char_indices()
        .nth(count)
        .map_or(text.len(), |(at, _)| at);
    let tail = text
        .char_indices()
        .nth_back(count.saturating_sub(1))
        .map_or(0, |(at, _)| at);
    (
        text.get(..head).unwrap_or_default(),
        text.get(tail..).unwrap_or_default(),
    )
}

/// mini-swe-agent: the output; behind 10 000 characters the message, with its middle left out.
fn mini(output: &str, code: Option<i64>, recorded: Option<&str>) -> String {
    /// Characters from which on an output is too long, and those that are shown at each end.
    const LONGEST: usize = 10_000;
    const WARNING: &str = "The output of your last command was too long.\n\
        Please try a different command that produces less output.\n\
        If you're looking at a file you can try use head, tail or sed to view a smaller number of lines selectively.\n\
        If you're using grep or find and it produced too much output, you can use a more selective search pattern.\n\
        If you really need to see something from the full command's output, you can redirect output to a file and \
        then search in that file.";
    if let Some(submission) = submission(output, code) {
        return submission.to_owned();
    }
    let code = code.unwrap_or(-1);
    let len = output.chars().count();
    let is_message = recorded.is_some_and(|text| text.starts_with("<returncode>"));
    if len < LONGEST {
        return if is_message {
            format!("<returncode>{code}</returncode>\n<output>\n{output}</output>")
        } else {
            like(output.into(), recorded).into_owned()
        };
    }
    let (head, tail) = ends(output, LONGEST / 2);
    format!(
        "<returncode>{code}</returncode>\n<warning>\n{WARNING}\n</warning><output_head>\n{head}\n</output_head>\n\
         <elided_chars>\n{} characters elided\n</elided_chars>\n<output_tail>\n{tail}\n</output_tail>",
        len - LONGEST
    )
}

/// What mini-swe-agent takes for the agent's answer: the rest behind a first line that says so.
fn submission(output: &str, code: Option<i64>) -> Option<&str> {
    const WORDS: [&str; 2] = [
        "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT",
        "MINI_SWE_AGENT_FINAL_OUTPUT",
    ];
    let (first, rest) = match output.trim_start().split_once('\n') {
        Some((first, rest)) => (first, rest),
        None => (output.trim_start(), ""),
    };
    (code == Some(0) && WORDS.contains(&first.trim())).then_some(rest)
}

/// Claude Code: blank lines in front and blanks behind go; a failure is told first.
fn claude(output: &str, code: Option<i64>, recorded: Option<&str>) -> String {
    const SILENT: &str = "(Bash completed with no output)";
    const LONGEST: usize = 30_000;
    let mut text = output;
    while let Some((line, rest)) = text.split_once('\n')
        && line.trim().is_empty()
    {
        text = rest;
    }
    let text = text.trim_end();
    let text = match text.chars().count() {
        len if len > LONGEST => {
            let (head, _) = ends(text, LONGEST);
            let lines = text
                .get(head.len()..)
                .unwrap_or_default()
                .matches('\n')
                .count()
                + 1;
            Cow::from(format!("{head}\n\n... [{lines} lines truncated] ..."))
        }
        _ => text.into(),
    };
    match code {
        Some(0) if text.is_empty() && recorded == Some(SILENT) => SILENT.to_owned(),
        None | Some(0) => text.into_owned(),
        // older versions show what a failing command printed without its status
        _ if recorded.is_some_and(|text| !text.contains("Exit code ")) => text.into_owned(),
        Some(code) if text.is_empty() => format!("Exit code {code}"),
        Some(code) => format!("Exit code {code}\n{text}"),
    }
}

/// Codex: the output; where the record has lines of status before it, the same lines with the status of now.
fn codex(output: &str, code: Option<i64>, recorded: Option<&str>) -> String {
    let Some((header, _)) = recorded.and_then(header_of) else {
        return like(output.into(), recorded).into_owned();
    };
    let mut text = String::new();
    for line in header.lines() {
        let status = ["Exit code: ", "Process exited with code "];
        let is_status = status.iter().find(|start| line.starts_with(**start));
        if let (Some(start), Some(code)) = (is_status, code) {
            text.push_str(start);
            text.push_str(&code.to_string());
        } else {
            text.push_str(line);
        }
        text.push('\n');
    }
    text + &like(output.into(), recorded)
}

/// The lines of status in front of an output, with the line `Output:`, and the output.
fn header_of(text: &str) -> Option<(&str, &str)> {
    const LINES: [&str; 8] = [
        "Exit code: ",
        "Wall time: ",
        "Chunk ID: ",
        "Process exited with code ",
        "Process running with session ID ",
        "Original token count: ",
        "Total output lines: ",
        "Warning: ",
    ];
    let mut at = 0;
    for line in text.split_inclusive('\n').take(12) {
        at += line.len();
        if line.trim_end() == "Output:" {
            return text.split_at_checked(at);
        }
        if !LINES.iter().any(|start| line.starts_with(start)) {
            return None;
        }
    }
    None
}

/// SWE-agent: the output, its head when it is very long, or a sentence where there is none.
fn swe_agent(output: &str, recorded: Option<&str>) -> String {
    const SILENT: &str = "Your command ran successfully and did not produce any output.";
    const LONGEST: usize = 100_000;
    if output.trim().is_empty() && recorded.is_some_and(|text| text.trim() == SILENT) {
        return recorded.unwrap_or(SILENT).to_owned();
    }
    let len = output.chars().count();
    if len > LONGEST {
        let (head, _) = ends(output, LONGEST);
        return format!(
            "{head}<response clipped><NOTE>Observations should not exceeded {LONGEST} characters. {} characters were \
             elided. Please try a different command that produces less output or use head/tail/grep/redirect the output \
             to a file. Do not use interactive pagers.</NOTE>",
            len - LONGEST
        );
    }
    like(output.into(), recorded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Observation;
    use crate::model::Value;

    #[track_caller]
    fn check(scaffold: Scaffold, recorded: &str, output: &str, code: Option<i64>, text: &str) {
        let mut action = Action::new(None, "bash", Value::Null);
        action.observation = Some(Observation::text(recorded));
        assert_eq!(reply(scaffold, &action, output, code), text);
    }

    #[test]
    fn replies_are_wrapped_like_the_recorded_ones() {
        let mini = Scaffold::MiniSweAgent;
        check(mini, "x\n", "a\n", Some(0), "a\n");
        check(mini, "x", "a\n", Some(0), "a");
        check(
            mini,
            "<returncode>0</returncode>\n<output>\nx",
            "a\n",
            Some(2),
            "<returncode>2</returncode>\n<output>\na\n</output>",
        );
        check(
            mini,
            "",
            "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT\ndiff\n",
            Some(0),
            "diff\n",
        );
        check(
            mini,
            "",
            "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT\ndiff\n",
            Some(1),
            "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT\ndiff",
        );
        let claude = Scaffold::ClaudeCode;
        check(claude, "x", "\n \n  a\nb\n\n", Some(0), "  a\nb");
        check(claude, "Exit code 1\nx", "a\n", Some(2), "Exit code 2\na");
        check(claude, "Exit code 1", "", Some(2), "Exit code 2");
        check(claude, "boom", "bang\n", Some(2), "bang");
        check(
            claude,
            "(Bash completed with no output)",
            "",
            Some(0),
            "(Bash completed with no output)",
        );
        let codex = Scaffold::Codex;
        check(codex, "x\n", "a\n", Some(0), "a\n");
        check(
            codex,
            "Exit code: 0\nWall time: 0.1 seconds\nOutput:\nx\n",
            "a\n",
            Some(3),
            "Exit code: 3\nWall time: 0.1 seconds\nOutput:\na\n",
        );
        check(codex, "Output of it:\n", "a\n", Some(3), "a\n");
        check(
            Scaffold::SweAgent,
            "Your command ran successfully and did not produce any output.",
            "",
            Some(0),
            "Your command ran successfully and did not produce any output.",
        );
        check(Scaffold::Other, "x", "a \n", Some(0), "a");
    }

    #[test]
    fn refusals_are_seen() {
        let of = |text: &str| {
            let mut action = Action::new(None, "shell", Value::Null);
            action.observation = Some(Observation::text(text));
            never_ran(&action)
        };
        assert_eq!(of("patch rejected by user"), Some(NeverRan::Refused));
        assert_eq!(of("exec command rejected by user"), Some(NeverRan::Refused));
        assert_eq!(
            of("failed in sandbox MacosSeatbelt"),
            Some(NeverRan::Stopped)
        );
        assert_eq!(of("it says: patch rejected by user"), None);
    }

    #[test]
    fn long_outputs_lose_their_middle() {
        let output = "é".repeat(10_001);
        let text = mini(&output, Some(0), None);
        assert!(text.contains("\n1 characters elided\n"));
        assert!(text.contains(&format!(
            "<output_head>\n{}\n</output_head>",
            "é".repeat(5000)
        )));
        assert!(text.ends_with(&format!(
            "<output_tail>\n{}\n</output_tail>",
            "é".repeat(5000)
        )));
    }
}
