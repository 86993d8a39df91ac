//! Files that were shown: the range, and the file's own text freed of line numbers and headers, where that is certain.

use crate::model::Action;
use crate::model::Text;
use crate::model::View;
use crate::read::understand::args::first_str;
use crate::read::understand::args::line_range;
use crate::read::understand::args::path_of;
use crate::read::understand::observed::bare_output;
use crate::read::understand::shell::Output;
use crate::read::understand::shell::ViewPlan;
use crate::read::understand::tools::Tool;

/// What stands before the numbered lines of a whole view or of the snippet after an edit.
pub(super) const SNIPPET_MARK: &str = "result of running `cat -n` on ";

/// Lines with consecutive numbers, the numbers taken off.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) first_line: usize,
    /// The lines joined by `\n`, without one at the end.
    pub(super) text: String,
}

/// The view of a viewing tool or an editor; `None` for other tools and views without a path.
pub(super) fn tool_view(action: &Action, tool: Tool) -> Option<View> {
    let is_view = match tool {
        Tool::View => true,
        Tool::Editor => first_str(&action.args, &["command"]).map(str::trim) == Some("view"),
        _ => false,
    };
    let args = &action.args;
    let path = path_of(args).or_else(|| args.as_str().map(str::to_owned))?;
    if !is_view || path.is_empty() {
        return None;
    }
    let range = line_range(args);
    let mut view = View {
        path,
        first_line: range.map(|(start, _)| start),
        ..View::default()
    };
    let Some(output) = sound_output(action) else {
        return Some(view);
    };
    let listing = numbered_after(output, SNIPPET_MARK).or_else(|| numbered(output));
    if let Some(listing) = listing {
        view.first_line = Some(listing.first_line);
        view.text = Some(listing.text.into());
    }
    Some(view)
}

/// The view that a shell command shows.
pub(super) fn shell_view(plan: ViewPlan, action: &Action) -> View {
    let mut view = View {
        path: plan.path,
        first_line: plan.first_line,
        ..View::default()
    };
    let observation = action.observation.as_ref();
    let Some(output) =
        sound_output(action).filter(|output| !output.is_empty() && !is_complaint(output))
    else {
        view.first_line = view.first_line.filter(|_| plan.output != Output::Other);
        return view;
    };
    match plan.output {
        Output::Other => {}
        Output::Numbered => {
            if let Some(listing) = numbered(output) {
                view.first_line = Some(listing.first_line);
                view.text = Some(listing.text.into());
            }
        }
        // Of an output that was cut nobody knows where.
        Output::Lines if observation.is_some_and(|o| o.truncated == Some(true)) => {}
        Output::Lines => view.text = Some(shared(output, action)),
    }
    view
}

/// The output as a text of its own, or the observation's text itself when it is all of it.
fn shared(output: &str, action: &Action) -> Text {
    if output.contains('\r') {
        return output.replace("\r\n", "\n").into();
    }
    let whole = action.first_text();
    match whole {
        Some(whole) if whole.len() == output.len() => whole.clone(),
        _ => output.into(),
    }
}

/// What the action printed, unless it failed.
fn sound_output(action: &Action) -> Option<&str> {
    let observation = action.observation.as_ref()?;
    if observation.is_error == Some(true) || observation.exit_code.is_some_and(|code| code != 0) {
        return None;
    }
    observation.first_text().map(|text| bare_output(text))
}

/// Whether the output is a program's complaint about the file, where no exit status tells.
fn is_complaint(output: &str) -> bool {
    let line = output.lines().next().unwrap_or_default();
    [
        "cat: ",
        "sed: ",
        "head: ",
        "tail: ",
        "nl: ",
        "ls: ",
        "bash: ",
        "/bin/sh: ",
        "sh: ",
    ]
    .iter()
    .any(|program| line.starts_with(program))
}

/// The numbered lines after the line that holds `mark`.
pub(super) fn numbered_after(text: &str, mark: &str) -> Option<Listing> {
    let at = memchr::memmem::find(text.as_bytes(), mark.as_bytes())?;
    let rest = text.get(at..)?;
    let (_, body) = rest.split_once('\n')?;
    numbered(body)
}

/// The lines from the start of `text` on that have consecutive numbers, as `cat -n`, `nl -ba` and Claude Code (`12→`)
/// write them; `None` when the first line has none. What follows them (notes, reminders) is left out.
pub(super) fn numbered(text: &str) -> Option<Listing> {
    let mut first_line = None;
    let mut expected = 0;
    let mut out = String::new();
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let Some((number, body)) =
            numbered_line(line).filter(|(number, _)| first_line.is_none() || *number == expected)
        else {
            break;
        };
        if first_line.is_some() {
            out.push('\n');
        }
        first_line.get_or_insert(number);
        expected = number.saturating_add(1);
        out.push_str(body);
    }
    Some(Listing {
        first_line: first_line?,
        text: out,
    })
}

/// The number and the text of `   12<tab>text` or `   12→text`.
fn numbered_line(line: &str) -> Option<(usize, &str)> {
    let start = line.trim_start_matches(' ');
    let digits = start.bytes().take_while(u8::is_ascii_digit).count();
    let number = start.get(..digits)?.parse().ok()?;
    let rest = start.get(digits..)?;
    let body = rest.strip_prefix('\t').or_else(|| rest.strip_prefix('→'))?;
    Some((number, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn lists(text: &str, expected: Option<(usize, &str)>) {
        let listing = numbered(text).map(|listing| (listing.first_line, listing.text));
        assert_eq!(
            listing,
            expected.map(|(line, text)| (line, text.to_owned())),
            "{text:?}"
        );
    }

    #[test]
    fn numbers_are_taken_off() {
        lists("     1\ta\n     2\t\n     3\t\tc", Some((1, "a\n\n\tc")));
        lists(
            "    12→a\n    13→b\n\n<system-reminder>x",
            Some((12, "a\nb")),
        );
        lists("     7\ta\r\n     8\tb\r\n", Some((7, "a\nb")));
        lists("     1\ta\n     9\tb\n", Some((1, "a")));
        lists("no numbers", None);
        lists("", None);
        lists("99999999999999999999999\ta", None);
        lists(
            "18446744073709551615\ta\n18446744073709551615\tb",
            Some((usize::MAX, "a\nb")),
        );
    }
}
