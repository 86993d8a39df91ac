//! What actions mean: class, command, edited file with its change, viewed file. The same for every format.
//!
//! Readers hand over tools and arguments verbatim; here they get their meaning, by tables of the tools of all
//! producers and by a careful reading of shell commands. Only what the reader left open is filled, nothing is filled
//! that is not certain, and the verbatim texts stay as they are. Linear in the record; nothing here fails.

mod args;
mod change;
mod edits;
mod listing;
mod meaning;
mod observed;
mod prompt;
mod script;
mod shell;
mod skills;
mod tools;
mod verdict;
mod window;

use std::sync::LazyLock;

use regex::Regex;

use crate::diff::Hunk;
use crate::diff::diff_texts;
use crate::diff::unified;
use crate::model::Action;
use crate::model::ActionClass;
use crate::model::Edit;
use crate::model::EditOp;
use crate::model::Observation;
use crate::model::StepKind;
use crate::model::Text;
use crate::model::Trajectory;
use crate::model::View;
use crate::read::understand::args::first_str;
use crate::read::understand::shell::Reading;
use crate::read::understand::tools::Tool;
use crate::read::understand::window::Windows;

pub use change::Change;
pub use change::change_of;
pub use meaning::asked_range;
pub use meaning::meaning;
pub use meaning::step_meaning;
pub use meaning::without_root;
pub(in crate::read) use prompt::injected;
pub(in crate::read) use prompt::kind_of;
pub use prompt::statement_excerpt;
pub use script::Command;
pub use script::HereDoc;
pub use script::Join;
pub use script::Redirect;
pub use script::Word;
pub use script::split_loosely;
pub use shell::PlainCommand;
pub use shell::plain_commands;
pub use verdict::TestCounts;
pub use verdict::test_counts;

/// Fills class, shell, edits and view of every action, and what its observation says in words only (exit status,
/// error, truncation, working folder), as far as the reader left them open. Children are not entered.
pub fn understand(trajectory: &mut Trajectory) {
    let mut windows = Windows::default();
    for step in &mut trajectory.steps {
        for action in &mut step.actions {
            understand_action(action, &mut windows);
        }
    }
}

/// Fills what a row of the list counts: class and failure of every action, as [`understand`] does. Children are not
/// entered.
pub(super) fn grade(trajectory: &mut Trajectory) {
    for action in trajectory
        .steps
        .iter_mut()
        .flat_map(|step| &mut step.actions)
    {
        grade_action(action);
    }
}

/// Fills class, command and what the observation says of success; returns what was found on the way.
fn grade_action(action: &mut Action) -> (Tool, Option<Reading>) {
    let tool = tools::tool_of(action);
    if action.shell.is_none() && tool.runs_commands() {
        action.shell = shell::call_of(action);
    }
    let reading = shell::read(action, tool);
    if action.class == ActionClass::Other {
        action.class = reading
            .as_ref()
            .map_or_else(|| tools::class_of(action, tool), |r| r.class);
    }
    observed::fill_success(action);
    (tool, reading)
}

/// `windows` is what was shown of files before.
fn understand_action(action: &mut Action, windows: &mut Windows) {
    let (tool, reading) = grade_action(action);
    observed::fill_truncated(action);
    let is_windowed = reading.is_none() && (tool == Tool::Python || tools::is_windowed(action));
    let (found_edits, found_view) = match reading {
        Some(reading) => {
            let view = reading.view.map(|plan| listing::shell_view(plan, action));
            (reading.edits, view)
        }
        None if tool == Tool::Python => skills::understand(action, windows),
        None if is_windowed => window::understand(action, windows),
        None => (
            edits::edits_of(action, tool),
            listing::tool_view(action, tool),
        ),
    };
    if action.view.is_none() {
        action.view = found_view;
    }
    fill_edits(action, found_edits);
    edits::fill_from_observation(action);
    if !is_windowed {
        windows.note(action);
    }
}

/// Takes the edits found in the arguments where the reader has none; fills the gaps of the reader's where they are the
/// same ones.
fn fill_edits(action: &mut Action, found: Vec<Edit>) {
    if action.edits.is_empty() {
        action.edits = found;
        return;
    }
    if action.edits.len() != found.len() {
        return;
    }
    for (edit, found) in action.edits.iter_mut().zip(found) {
        if edit.path != found.path {
            continue;
        }
        let gaps = [
            (&mut edit.old, found.old),
            (&mut edit.new, found.new),
            (&mut edit.diff, found.diff),
            (&mut edit.after, found.after),
        ];
        for (gap, text) in gaps {
            if gap.is_none() {
                *gap = text;
            }
        }
        edit.line = edit.line.or(found.line);
        if edit.moved_to.is_none() {
            edit.moved_to = found.moved_to;
        }
    }
}

/// The change of an edit as a unified diff: the producer's own, else made from its texts; `None` when none are known.
/// Texts too long to compare within reason are not compared.
pub fn edit_diff(edit: &Edit) -> Option<String> {
    const CONTEXT: usize = 3;
    const MAX_BYTES: usize = 4 << 20;
    if let Some(diff) = &edit.diff {
        return Some(diff.to_string());
    }
    let (old, new, line) = match (&edit.before, &edit.after, &edit.old, &edit.new) {
        (Some(before), Some(after), _, _) => (before.as_ref(), after.as_ref(), 1),
        (_, _, None, None) => return None,
        (_, _, old, new) => (
            old.as_deref().unwrap_or_default(),
            new.as_deref().unwrap_or_default(),
            edit.line.unwrap_or(1),
        ),
    };
    if old.len() + new.len() > MAX_BYTES {
        return None;
    }
    let path = edit.path.trim_start_matches('/');
    let mut hunks = diff_texts(old, new, CONTEXT, line);
    let is_whole = matches!(edit.op, EditOp::Create | EditOp::Write | EditOp::Delete);
    if !is_whole && edit.before.is_none() {
        without_claims(edit, &mut hunks);
    }
    let mut diff = unified(path, &hunks);
    // A file that is changed in part was there before and is there afterwards.
    if !is_whole {
        diff = diff
            .replacen("--- /dev/null\n", &format!("--- a/{path}\n"), 1)
            .replacen("+++ /dev/null\n", &format!("+++ b/{path}\n"), 1);
    }
    Some(diff).filter(|diff| !diff.is_empty())
}

/// Takes from the hunks of a changed part what is not known: their numbers where place or old text are missing, and how
/// the file ends.
fn without_claims(edit: &Edit, hunks: &mut [Hunk]) {
    for line in hunks.iter_mut().flat_map(|hunk| &mut hunk.lines) {
        line.no_newline = false;
    }
    let is_partial = edit.old.is_none() && edit.op != EditOp::Insert;
    if !is_partial && edit.line.is_some() {
        return;
    }
    for hunk in hunks {
        (hunk.old_start, hunk.new_start) = (0, 0);
        hunk.renumber();
        if is_partial {
            hunk.heading = match edit.line {
                Some(line) => format!("(the old text from line {line} on was not recorded)"),
                None => "(the old text was not recorded)".to_owned(),
            };
        }
    }
}

/// The numbered lines of a file that the answer to an edit shows: the snippet of an editor, the window of SWE-agent.
/// `None` where it shows none, or where the edit failed.
pub fn shown_after(action: &Action) -> Option<View> {
    let edit = action.edits.first().filter(|_| !action.has_error())?;
    let observation = action.observation.as_ref()?;
    let mut view = View {
        path: edit.path.clone(),
        ..View::default()
    };
    if let Some(window) = window::shown(observation) {
        window.path().clone_into(&mut view.path);
        window.fill(&mut view);
        return Some(view);
    }
    let listing = listing::numbered_after(observation.first_text()?, listing::SNIPPET_MARK)?;
    view.first_line = Some(listing.first_line);
    view.text = Some(listing.text.into());
    Some(view)
}

/// The agent's last words: the message of a finishing action of its last step, or that step's message when it calls
/// nothing. Words beside any other call are no last words; the run just ended there.
pub fn last_words(trajectory: &Trajectory) -> Option<Text> {
    const KEYS: [&str; 9] = [
        "message",
        "final_thought",
        "final_answer",
        "result",
        "answer",
        "summary",
        "thought",
        "content",
        "text",
    ];
    let last = trajectory
        .steps
        .iter()
        .rev()
        .find(|step| step.kind == StepKind::Agent)?;
    if last.actions.is_empty() {
        let said = last.text.as_ref().or(last.thought.as_ref());
        return said.filter(|text| !text.trim().is_empty()).cloned();
    }
    let finish = last
        .actions
        .iter()
        .rev()
        .find(|action| action.class == ActionClass::Finish && action.shell.is_none())?;
    first_str(&finish.args, &KEYS)
        .filter(|text| !text.trim().is_empty())
        .map(Text::from)
}

/// Whether the action runs tests: pytest and its kin, test targets of build tools.
pub fn is_test_run(action: &Action) -> bool {
    action
        .shell
        .as_ref()
        .is_some_and(|shell| !shell.is_input && is_test_command(&shell.cmd))
}

/// Whether the observation ends with failed tests or with an exception that nobody caught, whatever its exit status:
/// that of a pipe is its last command's.
pub fn ends_in_failure(observation: &Observation) -> bool {
    let text = observation.first_text();
    text.is_some_and(|text| verdict::ends_in_failure(text))
}

/// With what `hgview rollout` begins its answer to a call that it did not run.
pub const NEVER_RAN: &str = "The call was not run: ";

/// Whether a person or a rule kept the call from running, by what its observation begins with: it changed nothing.
pub fn was_refused(observation: &Observation) -> bool {
    const STARTS: [&str; 13] = [
        "The user doesn't want to ",
        "Error: The user doesn't want to ",
        "exec command rejected by user",
        "patch rejected by user",
        "patch rejected: ",
        "rejected: rejected by user",
        "Permission to use ",
        "aborted by user",
        "Action rejected: ",
        "The action has been rejected by the user",
        "User rejected the action",
        "The user declined this operation.",
        NEVER_RAN,
    ];
    let text = observation.first_text();
    text.is_some_and(|text| STARTS.iter().any(|start| text.starts_with(start)))
}

/// The output of a tool without what the harness wrote around it: headings, return codes, closing lines in brackets.
pub fn bare_output(text: &str) -> &str {
    observed::bare_output(text)
}

/// Whether one of the commands of a script runs tests.
pub fn is_test_command(script: &str) -> bool {
    static TEST: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r#"(?xm)
            (?: ^ | [;&|(`] | \bdo\b | \bthen\b ) \s*
            (?: \w+=\S* \s+ | (?: sudo | time | exec | command | nohup | xvfb-run ) (?:\s+-\S+)* \s+
              | timeout \s+ (?:-\S+\s+)* \S+ \s+ | (?: uv | poetry | pdm | hatch | pipenv | coverage ) \s+ run \s+ (?:-[-\w]*=?\S*\s+)*
              | (?: npx | bunx | pnpm\s+exec | bundle\s+exec ) \s+ (?:-\S+\s+)*
              | \S*python[\d.]* \s+ (?: -[A-LN-Za-ln-z] \S* \s+ (?: [^-\s]\S* \s+ )? )*? -m \s+ | \S*python[\d.]* \s+ )*
            (?: \S*\b(?: pytest | py\.test | tox | nox | nosetests | unittest | runtests\.py | run_tests\.\w+ | trial )
              | (?:\./)? (?: bin/test | setup\.py \s+ test | runtests | test\.sh | run_tests )
              | (?: \S*manage\.py | \S*django-admin ) \s+ test
              | (?: npm | pnpm | yarn | bun ) (?: \s+ -\S+ )* (?: \s+ run | \s+ workspace\s+\S+ )? \s+ (?: t | test\S* )
              | (?: jest | vitest | mocha | karma | ava | rspec | phpunit | ctest | bats )
              | cargo (?: \s+ \+\S+ )? \s+ (?: test | nextest )
              | (?: go | dotnet | swift | deno | bazel | flutter | mix | zig\s+build ) \s+ test
              | (?: mvn | \./mvnw | gradle | \./gradlew | sbt | make | rake | ninja ) (?: \s+ -\S+ )* \s+ \S*(?: test | check | verify )\S*
            ) (?: $ | [\s;&|)`:"'] )
        "#;
        fixed_regex(pattern)
    });
    TEST.is_match(script)
}

/// A regular expression that is part of the program.
#[expect(
    clippy::expect_used,
    reason = "each pattern is a constant that a test runs"
)]
fn fixed_regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is fixed and valid")
}

#[cfg(test)]
mod tests;
