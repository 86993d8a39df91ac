//! A trajectory as behaviour is read from it: its actions in order, each with its component, the files it changes and
//! what it checks. Made once; flags and figures read it. Linear in the trajectory.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::behave::code::Purpose;
use crate::behave::code::purpose;
use crate::behave::command::Part;
use crate::behave::command::parts;
use crate::behave::component::Around;
use crate::behave::component::code_of;
use crate::behave::component::component_of;
use crate::behave::component::of_part;
use crate::behave::component::of_removal;
use crate::behave::file::Role;
use crate::behave::file::base_name;
use crate::behave::file::is_same_file;
use crate::behave::file::role_in;
use crate::behave::task::Ask;
use crate::behave::task::ask;
use crate::behave::task::prompt;
use crate::cancel::Cancel;
use crate::model::Action;
use crate::model::ActionClass;
use crate::model::Component;
use crate::model::Edit;
use crate::model::EditOp;
use crate::model::Observation;
use crate::model::Part as Piece;
use crate::model::StepKind;
use crate::model::Trajectory;
use crate::read::understand;

/// How much of an observation is searched at its beginning, and as much at its end.
pub(in crate::behave) const SEEN_BYTES: usize = 256 << 10;

/// What an action finds out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::behave) enum Check {
    /// Nothing.
    None,
    /// That something parses, compiles or can be imported; or it only says so.
    Empty,
    /// That something works: tests, a reproduction, a snippet, a type checker.
    Real,
}

/// A change of a file.
#[derive(Debug, Clone)]
pub(in crate::behave) struct Change<'a> {
    /// The file, as the agent named it.
    pub(in crate::behave) path: Cow<'a, str>,
    /// What the file is to the task.
    pub(in crate::behave) role: Role,
    /// The agent made the file, now or before.
    pub(in crate::behave) is_own: bool,
    /// It was told to have failed.
    pub(in crate::behave) has_failed: bool,
    /// Removes the file.
    pub(in crate::behave) is_removal: bool,
    /// The edit, where its texts may be known.
    pub(in crate::behave) edit: Option<&'a Edit>,
}

/// An action and what was found out about it.
#[derive(Debug)]
pub(in crate::behave) struct Act<'a> {
    /// The step it belongs to.
    pub(in crate::behave) step: usize,
    /// How often a person had spoken before.
    pub(in crate::behave) turn: usize,
    /// The action.
    pub(in crate::behave) action: &'a Action,
    /// Its command's parts; empty for what is no command.
    pub(in crate::behave) parts: Vec<Part>,
    /// What it does.
    pub(in crate::behave) component: Component,
    /// What it finds out.
    pub(in crate::behave) check: Check,
    /// It runs a test program.
    pub(in crate::behave) is_test: bool,
    /// It runs code: tests, scripts, snippets, programs of the workspace.
    pub(in crate::behave) runs_code: bool,
    /// It failed, by its status or by the end of its output.
    pub(in crate::behave) has_failed: bool,
    /// The files it changes.
    pub(in crate::behave) changes: Vec<Change<'a>>,
}

impl Act<'_> {
    /// Whether it changes the solution, successfully as far as is known.
    pub(in crate::behave) fn edits_source(&self) -> bool {
        self.changes
            .iter()
            .any(|change| change.role == Role::Source && !change.has_failed)
    }
}

/// The trajectory.
#[derive(Debug)]
pub(in crate::behave) struct Course<'a> {
    /// As it was read.
    pub(in crate::behave) trajectory: &'a Trajectory,
    /// What is asked for.
    pub(in crate::behave) ask: Ask,
    /// All actions in order.
    pub(in crate::behave) acts: Vec<Act<'a>>,
    /// The step with which the attempt ended by itself; `None` where it was cut off or nobody knows.
    pub(in crate::behave) finished: Option<usize>,
}

impl<'a> Course<'a> {
    /// Reads the trajectory; what is left out when cancelled is not there.
    pub(in crate::behave) fn of(trajectory: &'a Trajectory, cancel: &Cancel) -> Self {
        let prompt = prompt(trajectory);
        let ask = ask(trajectory, &prompt);
        let mut files = Files::default();
        let mut acts: Vec<Act<'a>> = Vec::new();
        let (mut has_edited, mut turn) = (false, 0);
        for (step, at) in trajectory.steps.iter().zip(0..) {
            if cancel.is_cancelled() {
                break;
            }
            if step.kind != StepKind::Agent {
                turn += usize::from(step.kind == StepKind::User);
                continue;
            }
            for action in &step.actions {
                let mut act = act(action, at, (ask, &prompt), has_edited, &mut files);
                act.turn = turn;
                has_edited |= act.changes.iter().any(|change| !change.has_failed);
                acts.push(act);
            }
        }
        let finished = finished(trajectory);
        Self {
            trajectory,
            ask,
            acts,
            finished,
        }
    }

    /// The place in `acts` of the last successful change of the solution.
    pub(in crate::behave) fn last_edit(&self) -> Option<usize> {
        self.acts.iter().rposition(Act::edits_source)
    }

    /// The actions behind the last successful change of the solution; `None` where there was none.
    pub(in crate::behave) fn after_last_edit(&self) -> Option<&[Act<'a>]> {
        self.acts.get(self.last_edit()? + 1..)
    }
}

/// The step with which the attempt ended by itself.
fn finished(trajectory: &Trajectory) -> Option<usize> {
    const CUT: [&str; 12] = [
        "cost",
        "context",
        "limit",
        "max_",
        "maximum",
        "timeout",
        "error",
        "stuck",
        "abort",
        "interrupt",
        "killed",
        "format",
    ];
    let status = trajectory
        .outcome
        .exit_status
        .as_deref()
        .unwrap_or_default()
        .to_lowercase();
    if CUT.iter().any(|word| status.contains(word)) || trajectory.outcome.error.is_some() {
        return None;
    }
    let at = trajectory
        .steps
        .iter()
        .rposition(|step| step.kind == StepKind::Agent)?;
    let last = trajectory.steps.get(at)?;
    let hands_in = last
        .actions
        .iter()
        .any(|action| action.class == ActionClass::Finish);
    let says_last = last.actions.is_empty() && understand::last_words(trajectory).is_some();
    (hands_in || says_last || status.starts_with("submit")).then_some(at)
}

/// The files that are known: those the agent made, and those it saw or changed that were there.
#[derive(Debug, Default)]
struct Files {
    own: HashMap<String, Vec<String>>,
    seen: HashMap<String, Vec<String>>,
}

impl Files {
    /// Files of one name that are told apart.
    const MOST_OF_A_NAME: usize = 32;

    fn has(files: &HashMap<String, Vec<String>>, path: &str) -> bool {
        let same = files.get(base_name(path));
        same.is_some_and(|same| same.iter().any(|known| is_same_file(known, path)))
    }

    fn add(files: &mut HashMap<String, Vec<String>>, path: &str) {
        if path.is_empty() || Self::has(files, path) {
            return;
        }
        let same = files.entry(base_name(path).to_owned()).or_default();
        if same.len() < Self::MOST_OF_A_NAME {
            same.push(path.to_owned());
        }
    }

    fn is_own(&self, path: &str) -> bool {
        Self::has(&self.own, path)
    }

    /// Whether a file written as a whole is a new one, as far as the trajectory tells.
    fn is_new(&self, path: &str) -> bool {
        !Self::has(&self.seen, path)
    }
}

fn act<'a>(
    action: &'a Action,
    step: usize,
    (ask, prompt): (Ask, &str),
    has_edited: bool,
    files: &mut Files,
) -> Act<'a> {
    let command = action.shell.as_ref().filter(|shell| !shell.is_input);
    let parts = command.map(|shell| parts(&shell.cmd)).unwrap_or_default();
    let has_failed = has_failed(action);
    note_files(action, &parts, has_failed, files);
    let known = &*files;
    // a file is the agent's own already while it makes it
    let is_made = |path: &str| makes(action, &parts, path) && known.is_new(path);
    let is_own = |path: &str| known.is_own(path) || is_made(path);
    let role_of = |path: &str| role_in(path, is_own(path), prompt, ask.is_repository);
    let is_named = |word: &str| has_word(prompt, word);
    let around = Around {
        ask,
        role: &role_of,
        is_own: &is_own,
        has_edited,
        is_named: &is_named,
    };
    let component = component_of(action, &parts, &around);
    let (check, is_test, runs_code) = checks(action, &parts, &around);
    let changes = changes(action, &parts, has_failed, &around);
    for change in changes
        .iter()
        .filter(|change| !change.has_failed && !change.is_removal)
    {
        if change.is_own {
            Files::add(&mut files.own, &change.path);
        } else {
            Files::add(&mut files.seen, &change.path);
        }
    }
    Act {
        step,
        turn: 0,
        action,
        parts,
        component,
        check,
        is_test,
        runs_code,
        has_failed,
        changes,
    }
}

/// Whether the text has the word by itself.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, found)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text
            .get(at + found.len()..)
            .and_then(|text| text.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

fn has_failed(action: &Action) -> bool {
    action.has_error()
        || action
            .observation
            .as_ref()
            .filter(|_| action.shell.is_some() || action.class == ActionClass::Shell)
            .is_some_and(understand::ends_in_failure)
}

/// Learns which files were there: what was shown without an error.
fn note_files(action: &Action, parts: &[Part], has_failed: bool, files: &mut Files) {
    if has_failed {
        return;
    }
    let view = action.view.as_ref().map(|view| view.path.as_str());
    let shown = parts
        .iter()
        .filter(|part| {
            matches!(
                part.program(),
                "cat" | "head" | "tail" | "nl" | "sed" | "grep" | "less"
            ) && part.outputs.is_empty()
        })
        .flat_map(|part| {
            part.operands()
                .filter(|word| word.contains('.') && !word.contains(' '))
        });
    for path in view.into_iter().chain(shown) {
        if !files.is_own(path) {
            Files::add(&mut files.seen, path);
        }
    }
    for part in parts.iter().filter(|part| part.program() == "touch") {
        for path in part.operands() {
            if files.is_new(path) {
                Files::add(&mut files.own, path);
            }
        }
    }
}

/// Whether the action makes the file, if it is not there yet.
fn makes(action: &Action, parts: &[Part], path: &str) -> bool {
    let by_edit = action
        .edits
        .iter()
        .any(|edit| matches!(edit.op, EditOp::Create | EditOp::Write) && edit.path == path);
    by_edit
        || parts.iter().any(|part| {
            part.outputs.iter().any(|output| output == path)
                || (part.program() == "cp" && part.operands().last() == Some(path))
                || (part.program() == "tee" && part.operands().any(|file| file == path))
        })
}

/// What the action checks, whether by a test program, and whether it runs code.
fn checks(action: &Action, parts: &[Part], around: &Around<'_>) -> (Check, bool, bool) {
    let (mut check, mut is_test, mut runs_code) = (Check::None, false, false);
    if let Some(code) = code_of(action).filter(|_| action.class == ActionClass::Shell) {
        let purpose = purpose(code).0;
        check = check_of(purpose);
        is_test = understand::is_test_command(code.trim_start_matches(['!', '%']));
        runs_code = purpose == Purpose::Runs || is_test;
    }
    for part in parts {
        let own = part_check(part, around);
        check = check.max(own);
        if understand::is_test_command(&part.line()) {
            is_test = true;
            runs_code = true;
        }
        runs_code |= runs(part);
    }
    if !around.ask.is_puzzle && is_test {
        check = Check::Real;
    }
    (check, is_test, runs_code)
}

fn check_of(purpose: Purpose) -> Check {
    match purpose {
        Purpose::Runs => Check::Real,
        Purpose::IsEmptyCheck | Purpose::Says => Check::Empty,
        Purpose::Looks | Purpose::Writes => Check::None,
    }
}

fn part_check(part: &Part, around: &Around<'_>) -> Check {
    if let Some(code) = part.code() {
        return check_of(purpose(code).0);
    }
    if matches!(part.program(), "py_compile" | "compileall")
        || part
            .module()
            .is_some_and(|module| matches!(module, "py_compile" | "compileall"))
    {
        return Check::Empty;
    }
    if matches!(
        part.program(),
        "cat" | "tee" | "echo" | "printf" | "sed" | "perl" | ">" | "awk"
    ) {
        return Check::None;
    }
    match of_part(part, around) {
        Some(Component::Verification) => Check::Real,
        _ => Check::None,
    }
}

/// Whether the command runs code of the workspace or of the agent's own.
fn runs(part: &Part) -> bool {
    if let Some(code) = part.code() {
        return matches!(purpose(code).0, Purpose::Runs | Purpose::IsEmptyCheck);
    }
    let script = part.operands().next().unwrap_or_default();
    match part.program() {
        "python" | "node" | "ruby" | "php" | "perl" | "java" | "Rscript" | "bash" | "sh"
        | "deno" | "coverage" => {
            let module = part.module();
            (script.contains('.') && module.is_none() && script != "setup.py")
                || module.is_some_and(|module| {
                    !matches!(
                        module,
                        "pip" | "venv" | "py_compile" | "compileall" | "json.tool"
                    )
                })
        }
        "go" | "cargo" | "npm" | "dotnet" => matches!(script, "run" | "test" | "bench"),
        _ => part.written.starts_with("./"),
    }
}

/// The files that the action changes.
fn changes<'a>(
    action: &'a Action,
    parts: &[Part],
    has_failed: bool,
    around: &Around<'_>,
) -> Vec<Change<'a>> {
    let change = |path: Cow<'a, str>, edit: Option<&'a Edit>, is_removal, has_failed| Change {
        role: changed_role(&path, is_removal, around),
        is_own: (around.is_own)(&path),
        has_failed,
        is_removal,
        edit,
        path,
    };
    // of several commands any may have failed; what writes a file seldom does
    let does_more = parts
        .iter()
        .any(|part| part.outputs.is_empty() && !edits_only(part));
    let has_failed = has_failed && !does_more;
    if !action.edits.is_empty() {
        let edits = action.edits.iter();
        return edits
            .map(|edit| {
                let is_removal = edit.op == EditOp::Delete;
                change(
                    Cow::Borrowed(edit.path.as_str()),
                    Some(edit),
                    is_removal,
                    has_failed,
                )
            })
            .collect();
    }
    if action.class == ActionClass::Edit {
        let path = action
            .args
            .get("path")
            .and_then(crate::model::Value::as_str);
        return path
            .map(|path| change(Cow::Borrowed(path), None, false, has_failed))
            .into_iter()
            .collect();
    }
    let code = code_of(action).filter(|_| action.class == ActionClass::Shell);
    let mut found: Vec<(String, bool)> = Vec::new();
    if let Some((Purpose::Writes, Some(path))) = code.map(purpose) {
        found.push((path.to_owned(), false));
    }
    for part in parts {
        part_changes(part, &mut found);
    }
    found
        .into_iter()
        .filter(|(path, _)| !path.is_empty() && !path.starts_with("/dev/"))
        .map(|(path, is_removal)| change(Cow::Owned(path), None, is_removal, has_failed))
        .collect()
}

/// What a changed file is; cleaning up is no change of the solution.
fn changed_role(path: &str, is_removal: bool, around: &Around<'_>) -> Role {
    let role = (around.role)(path);
    let is_cleaning = is_removal
        && (role == Role::Source || (around.is_own)(path))
        && of_removal(path, around) == Component::Execution;
    if is_cleaning { Role::Scratch } else { role }
}

fn edits_only(part: &Part) -> bool {
    matches!(
        part.program(),
        "cd" | "sed" | "perl" | "patch" | "rm" | "tee" | "mkdir" | "cat" | "echo"
    ) || (part.program() == "git" && part.has(&["apply"]))
}

/// Files that a command changes, and whether it removes them.
fn part_changes(part: &Part, found: &mut Vec<(String, bool)>) {
    if let Some(code) = part.code() {
        if let (Purpose::Writes, path) = purpose(code) {
            found.push((path.unwrap_or("(a file)").to_owned(), false));
        }
        return;
    }
    match part.program() {
        "sed" | "perl"
            if part.args().any(|arg| {
                arg.starts_with("-i") || arg == "-pi" || arg.starts_with("--in-place")
            }) =>
        {
            found.extend(part.operands().last().map(|path| (path.to_owned(), false)));
        }
        "echo" | "printf" | "cat" | ">" | "awk" | "sed" => {
            found.extend(part.outputs.iter().map(|path| (path.clone(), false)));
        }
        "tee" => found.extend(part.operands().map(|path| (path.to_owned(), false))),
        "rm" | "unlink" => found.extend(part.operands().map(|path| (path.to_owned(), true))),
        "mv" | "cp" => found.extend(part.operands().last().map(|path| (path.to_owned(), false))),
        _ => {}
    }
}

/// The texts of an observation as far as they are searched: beginnings and ends of the long ones, [`SEEN_BYTES`] each.
pub(in crate::behave) fn seen(observation: &Observation) -> impl Iterator<Item = &str> {
    observation
        .parts
        .iter()
        .filter_map(|part| match part {
            Piece::Text { text } => Some(both_ends(text)),
            _ => None,
        })
        .flatten()
}

/// A text, or its beginning and its end where it is long.
pub(in crate::behave) fn both_ends(text: &str) -> impl Iterator<Item = &str> {
    let (head, tail) = if text.len() <= 2 * SEEN_BYTES {
        (text, "")
    } else {
        let head = text.floor_char_boundary(SEEN_BYTES);
        let tail = text.floor_char_boundary(text.len() - SEEN_BYTES);
        (
            text.get(..head).unwrap_or_default(),
            text.get(tail..).unwrap_or_default(),
        )
    };
    [head, tail].into_iter().filter(|text| !text.is_empty())
}
