//! What a shell command does, as far as it can be told: looks, searches, writes a file, ends the attempt.
//!
//! Anything doubtful stays a command. A leading `cd` and other preparations are read past.

mod writes;

use crate::model::Action;
use crate::model::ActionClass;
use crate::model::Edit;
use crate::model::ShellCall;
use crate::model::Value;
use crate::patch::find_begin_patch;
use crate::read::understand::args::f64_of;
use crate::read::understand::args::first_str;
use crate::read::understand::args::is_true;
use crate::read::understand::edits::edits_of_begin_patch;
use crate::read::understand::script::Command;
use crate::read::understand::script::Join;
use crate::read::understand::script::Word;
use crate::read::understand::script::split;
use crate::read::understand::shell::writes::file_writes;
use crate::read::understand::tools::Tool;

/// What a command was found to do.
#[derive(Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) class: ActionClass,
    pub(super) edits: Vec<Edit>,
    pub(super) view: Option<ViewPlan>,
}

/// A file that a command shows, and how its output is to be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ViewPlan {
    pub(super) path: String,
    /// The 1-based line with which the output begins; `None` where it is not known.
    pub(super) first_line: Option<usize>,
    pub(super) output: Output,
}

/// What the output of a looking command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    /// The file's lines.
    Lines,
    /// The file's lines, each with its number.
    Numbered,
    /// Something else: a folder's listing, lines that were filtered.
    Other,
}

/// A simple command of a script, for those who ask what it may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlainCommand {
    /// The program and its arguments, quotes taken off.
    pub words: Vec<String>,
    /// A word holds a variable or a pattern, so that its value is not known.
    pub has_open: bool,
    /// The files that it writes by redirections; `None` for one whose name is not known.
    pub outputs: Vec<Option<String>>,
    /// The text of its here-document; the inner `None` when the shell would still put values into it.
    pub input: Option<Option<String>>,
    /// The folder that the script went to before it, as seen from where the script starts.
    folder: Option<String>,
}

impl PlainCommand {
    /// A path of the command as seen from where the script starts.
    pub fn inside(&self, path: &str) -> String {
        joined(self.folder.as_deref(), path)
    }
}

/// Cuts a script into its simple commands, in order. `None` when
/// it is more than plain commands, or nobody knows where a `cd` leads.
pub fn plain_commands(script: &str) -> Option<Vec<PlainCommand>> {
    let mut folder = None;
    let mut plain = Vec::new();
    for command in split(script)? {
        if matches!(command.program(), "cd" | "pushd") {
            if !enter(&mut folder, &command) {
                return None;
            }
            continue;
        }
        if command.program() == "popd" {
            return None;
        }
        let writes = command.redirects.iter().filter(|redirect| {
            redirect.mark != "<"
                && redirect
                    .target
                    .text
                    .bytes()
                    .any(|byte| !byte.is_ascii_digit())
        });
        plain.push(PlainCommand {
            words: command.words.iter().map(|word| word.text.clone()).collect(),
            has_open: command.words.iter().any(|word| word.is_open),
            outputs: writes
                .map(|redirect| {
                    let target = &redirect.target;
                    (!target.is_open).then(|| target.text.clone())
                })
                .collect(),
            input: command.heredoc.map(|heredoc| heredoc.body),
            folder: folder.clone(),
        });
    }
    Some(plain)
}

/// The command of a shell action; `None` when the arguments hold none.
pub(super) fn call_of(action: &Action) -> Option<ShellCall> {
    let args = &action.args;
    let command = ["command", "cmd", "keystrokes", "script", "code"]
        .into_iter()
        .find_map(|key| args.get(key));
    let input = first_str(args, &["chars", "input"]).filter(|_| command.is_none());
    let (cmd, is_keys) = match (command, input) {
        (Some(Value::Array(words)), _) => (unwrapped(words)?, false),
        (Some(Value::String(text)), _) => (text.clone(), args.get("keystrokes").is_some()),
        (_, Some(text)) => (text.to_owned(), false),
        _ => (args.as_str()?.to_owned(), false),
    };
    let is_input =
        input.is_some() || is_true(args, "is_input") || (is_keys && !cmd.ends_with('\n'));
    let cmd = if is_keys {
        cmd.strip_suffix('\n').unwrap_or(&cmd)
    } else {
        cmd.as_str()
    };
    let millis = f64_of(args, "timeout_ms").or_else(|| {
        // Claude Code counts in milliseconds, everybody else in seconds.
        (action.tool == "Bash")
            .then(|| f64_of(args, "timeout"))
            .flatten()
    });
    let seconds = ["timeout", "timeout_s", "timeout_seconds"]
        .into_iter()
        .find_map(|key| f64_of(args, key));
    Some(ShellCall {
        cmd: cmd.into(),
        cwd: first_str(args, &["workdir", "cwd", "working_directory"])
            .filter(|cwd| !cwd.is_empty())
            .map(str::to_owned),
        timeout_s: millis.map(|ms| ms / 1000.0).or(seconds),
        is_input,
    })
}

/// The script of `bash -lc SCRIPT`, else the words as one would type them.
fn unwrapped(words: &[Value]) -> Option<String> {
    let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
    if let [shell, flag, script] = words.as_slice()
        && matches!(shell.rsplit('/').next(), Some("bash" | "sh" | "zsh"))
        && flag.starts_with('-')
        && flag.ends_with('c')
    {
        return Some((*script).to_owned());
    }
    (!words.is_empty()).then(|| shell_words::join(words))
}

/// Reads the command of a shell action; `None` when the action is no command. A command of which nothing special can
/// be told is a reading too, of class shell.
pub(super) fn read(action: &Action, tool: Tool) -> Option<Reading> {
    let shell = action.shell.as_ref().filter(|_| tool == Tool::Shell)?;
    let plain = || Reading {
        class: ActionClass::Shell,
        edits: Vec::new(),
        view: None,
    };
    if shell.is_input {
        return Some(plain());
    }
    Some(read_script(&shell.cmd).unwrap_or_else(plain))
}

fn read_script(script: &str) -> Option<Reading> {
    if is_finish(script) {
        return Some(Reading {
            class: ActionClass::Finish,
            edits: Vec::new(),
            view: None,
        });
    }
    // Patches are long and hold everything that makes a script doubtful; they are taken before it is cut up.
    if script.contains("apply_patch")
        && let Some(patch) = find_begin_patch(script)
    {
        let edits = edits_of_begin_patch(patch);
        if !edits.is_empty() {
            return Some(Reading {
                class: ActionClass::Edit,
                edits,
                view: None,
            });
        }
    }
    let commands = split(script)?;
    let mut folder = None;
    let mut parts: Vec<&Command> = Vec::new();
    let mut has_noise = false;
    for command in &commands {
        match command.program() {
            "cd" | "pushd" if command.redirects.is_empty() && command.join != Join::Pipe => {
                if parts.is_empty() && !enter(&mut folder, command) {
                    return None;
                }
            }
            "set" | "export" | "source" | "." | "conda" | "true" | ":" | "unset" | "alias"
            | "mkdir" | "pwd" | "echo" | "clear"
                if command.join != Join::Pipe && is_quiet(command) =>
            {
                has_noise |= matches!(command.program(), "pwd" | "echo" | "conda" | "source" | ".");
            }
            _ if is_assignment(command) => {}
            _ => parts.push(command),
        }
    }
    let first = parts.first()?;
    if let Some(edits) = file_writes(&parts, folder.as_deref()) {
        return Some(Reading {
            class: ActionClass::Edit,
            edits,
            view: None,
        });
    }
    let class = look_class(first)?;
    if !parts.iter().skip(1).all(|part| {
        if part.join == Join::Pipe {
            is_filter(part)
        } else {
            look_class(part).is_some()
        }
    }) {
        return None;
    }
    let is_piped = parts.get(1).is_some_and(|part| part.join == Join::Pipe);
    let is_grepped = is_piped
        && parts
            .get(1)
            .is_some_and(|part| matches!(part.program(), "grep" | "egrep" | "rg"));
    let class = if is_grepped {
        ActionClass::Search
    } else {
        class
    };
    let view = (class == ActionClass::View && !has_noise)
        .then(|| view_plan(&parts, folder.as_deref()))
        .flatten();
    Some(Reading {
        class,
        edits: Vec::new(),
        view,
    })
}

/// Whether the script hands in the work.
fn is_finish(script: &str) -> bool {
    let line = script.trim();
    line == "submit"
        || (line.contains("echo") && line.contains("COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"))
}

/// Follows a `cd`; false when nobody knows where it leads.
fn enter(folder: &mut Option<String>, command: &Command) -> bool {
    *folder = match command.words.get(1) {
        None => None,
        Some(word) if word.is_open || word.text == "-" => return false,
        Some(word) => Some(joined(folder.as_deref(), &word.text)),
    };
    true
}

/// `path` as seen from where the script started.
fn joined(folder: Option<&str>, path: &str) -> String {
    match folder {
        Some(folder) if path == "." => folder.to_owned(),
        Some(folder) if !path.starts_with('/') => {
            let path = path.strip_prefix("./").unwrap_or(path);
            format!("{}/{path}", folder.trim_end_matches('/'))
        }
        _ => path.to_owned(),
    }
}

fn is_assignment(command: &Command) -> bool {
    !command.words.is_empty()
        && command.words.iter().all(|word| {
            word.text.split_once('=').is_some_and(|(name, _)| {
                !name.is_empty()
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            })
        })
}

/// Whether the command's output goes to no file.
fn is_quiet(command: &Command) -> bool {
    command.heredoc.is_none()
        && command.redirects.iter().all(|redirect| {
            redirect.mark == "<" || redirect.is_aside || redirect.target.text == "/dev/null"
        })
}

fn look_class(command: &Command) -> Option<ActionClass> {
    if !is_quiet(command) {
        return None;
    }
    let word = |ix: usize| command.words.get(ix).map(|word| word.text.as_str());
    match command.program() {
        "cat" | "head" | "tail" | "ls" | "nl" | "less" | "more" | "tree" | "file" | "stat"
        | "wc" => Some(ActionClass::View),
        "sed" if sed_prints(command) => Some(ActionClass::View),
        "grep" | "egrep" | "fgrep" | "rg" | "ag" | "ack" | "fd" | "locate" => {
            Some(ActionClass::Search)
        }
        "find" if is_plain_find(command) => Some(ActionClass::Search),
        "git" if matches!(word(1), Some("grep" | "ls-files")) => Some(ActionClass::Search),
        _ => None,
    }
}

fn sed_prints(command: &Command) -> bool {
    let is_in_place = |word: &Word| {
        word.text.starts_with("--in-place")
            || (word.text.starts_with('-')
                && !word.text.starts_with("--")
                && word.text.contains('i'))
    };
    let writes = |word: &Word| {
        let text = word.text.trim_end_matches(['}', ' ']);
        !word.text.starts_with('/')
            && (text.contains(" w ") || text.contains("/w ") || text.ends_with("/e"))
    };
    !command
        .words
        .iter()
        .any(|word| is_in_place(word) || writes(word))
}

/// Programs that other ones may run and still only look.
fn is_looking_program(program: &str) -> bool {
    matches!(
        program,
        "grep" | "ls" | "cat" | "head" | "wc" | "egrep" | "rg"
    )
}

/// A find that runs and removes nothing but looks.
fn is_plain_find(command: &Command) -> bool {
    let mut words = command.words.iter().map(|word| word.text.as_str());
    while let Some(word) = words.next() {
        match word {
            "-delete" | "-ok" | "-okdir" | "-fprint" | "-fprintf" | "-fls" | "-fprint0" => {
                return false;
            }
            "-exec" | "-execdir" if !words.next().is_some_and(is_looking_program) => return false,
            _ => {}
        }
    }
    true
}

fn is_filter(command: &Command) -> bool {
    let word = |ix: usize| command.words.get(ix).map(|word| word.text.as_str());
    is_quiet(command)
        && match command.program() {
            "head" | "tail" | "sort" | "uniq" | "wc" | "grep" | "egrep" | "fgrep" | "rg"
            | "cut" | "tr" | "nl" | "cat" | "less" | "more" | "column" | "rev" | "tac" | "fold"
            | "expand" => true,
            "sed" => sed_prints(command),
            "awk" => !command
                .words
                .iter()
                .any(|word| word.text.contains(['>', '|']) || word.text.contains("system")),
            "xargs" => command
                .words
                .iter()
                .skip(1)
                .map(|word| word.text.as_str())
                .find(|word| !word.starts_with('-'))
                .is_some_and(is_looking_program),
            "git" => word(1) == Some("grep"),
            _ => false,
        }
}

/// How the one file is shown; `None` when it is not one file, or not certain.
fn view_plan(parts: &[&Command], folder: Option<&str>) -> Option<ViewPlan> {
    let (first, rest) = parts.split_first()?;
    let (mut plan, is_all) = shown(first)?;
    plan.path = joined(folder, &plan.path);
    let Some((filter, more)) = rest.split_first() else {
        return Some(plan);
    };
    if filter.join != Join::Pipe {
        return None;
    }
    // Of a pipe only the whole file cut to a stretch is certain.
    let is_cut = more.is_empty() && is_all && plan.output != Output::Other;
    let cut = is_cut.then(|| stretch(filter)).flatten();
    match cut {
        Some(Stretch::From(start)) if plan.output == Output::Lines => plan.first_line = Some(start),
        Some(_) => plan.first_line = None,
        None => plan.output = Output::Other,
    }
    Some(plan)
}

/// The file that a command shows, and whether it shows all of it.
fn shown(command: &Command) -> Option<(ViewPlan, bool)> {
    if command.words.iter().any(|word| word.is_open)
        || !command.redirects.iter().all(|r| r.is_aside)
    {
        return None;
    }
    let flags: Vec<&str> = command
        .words
        .iter()
        .skip(1)
        .map(|word| word.text.as_str())
        .filter(|w| w.starts_with('-'))
        .collect();
    let program = command.program();
    let (path, first_line, output, is_all) = match program {
        "cat" | "nl" => {
            let [path] = operands(command, 0)?.try_into().ok()?;
            let is_numbered = match (program, flags.as_slice()) {
                ("cat", []) => false,
                ("cat", ["-n" | "--number"]) | ("nl", ["-ba"]) => true,
                _ => return None,
            };
            let output = if is_numbered {
                Output::Numbered
            } else {
                Output::Lines
            };
            (path, Some(1), output, true)
        }
        "head" | "tail" => {
            let (path, count) = counted(command)?;
            let first_line = match (program, count.strip_prefix('+')) {
                ("head", _) if count.starts_with('-') => return None,
                ("head", _) => Some(1),
                (_, Some(start)) => Some(start.parse().ok()?),
                _ => None,
            };
            (path, first_line, Output::Lines, false)
        }
        "sed" => {
            let [script, path] = operands(command, 0)?.try_into().ok()?;
            let ["-n"] = flags.as_slice() else {
                return None;
            };
            (path, Some(sed_start(script)?), Output::Lines, false)
        }
        "ls" | "tree" | "file" | "stat" | "wc" => {
            let paths = operands(command, 0)?;
            let path = match paths.as_slice() {
                [] => ".",
                [path] => path,
                _ => return None,
            };
            (path, None, Output::Other, false)
        }
        _ => return None,
    };
    let plan = ViewPlan {
        path: path.to_owned(),
        first_line,
        output,
    };
    Some((plan, is_all))
}

/// The words that are no flags, after the program and `skip` more.
fn operands(command: &Command, skip: usize) -> Option<Vec<&str>> {
    let words = command.words.get(1 + skip..)?;
    Some(
        words
            .iter()
            .map(|word| word.text.as_str())
            .filter(|word| !word.starts_with('-'))
            .collect(),
    )
}

/// File and count of head and tail: `-n 5 f`, `-n5 f`, `-5 f`, `f`.
fn counted(command: &Command) -> Option<(&str, &str)> {
    let words: Vec<&str> = command
        .words
        .iter()
        .skip(1)
        .map(|word| word.text.as_str())
        .collect();
    let (path, count) = match words.as_slice() {
        [path] if !path.starts_with('-') => (*path, "10"),
        ["-n", count, path] | [path, "-n", count] => (*path, *count),
        [flag, path] => {
            let flag = flag.strip_prefix('-')?;
            (*path, flag.strip_prefix('n').unwrap_or(flag))
        }
        _ => return None,
    };
    let digits = count.trim_start_matches(['+', '-']);
    (digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.is_empty()
        && !path.starts_with('-'))
    .then_some((path, count))
}

/// The first line of `3p`, `3,9p` or `3,$p`.
fn sed_start(script: &str) -> Option<usize> {
    let range = script.trim().strip_suffix('p')?;
    let (start, end) = range.split_once(',').unwrap_or((range, "1"));
    let is_end = end == "$" || end.parse::<usize>().is_ok();
    start.parse().ok().filter(|_| is_end)
}

/// A part of a file that a filter lets through.
enum Stretch {
    /// From this 1-based line on.
    From(usize),
    /// The end of the file; its first line is not known.
    End,
}

/// What `head`, `tail` and `sed -n 'a,bp'` let through; `None` for all other filters.
fn stretch(filter: &Command) -> Option<Stretch> {
    let words: Vec<&str> = filter.words.iter().map(|word| word.text.as_str()).collect();
    match words.as_slice() {
        ["head"] => Some(Stretch::From(1)),
        ["head", flag] if flag.starts_with('-') && !flag.starts_with("-c") => {
            Some(Stretch::From(1))
        }
        ["head", "-n", count] if !count.starts_with('-') => Some(Stretch::From(1)),
        ["sed", "-n", script] => sed_start(script).map(Stretch::From),
        ["tail", "-n", count] => match count.strip_prefix('+') {
            Some(start) => start.parse().ok().map(Stretch::From),
            None => Some(Stretch::End),
        },
        ["tail", flag] if flag.starts_with('-') && !flag.starts_with("-c") => Some(Stretch::End),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
