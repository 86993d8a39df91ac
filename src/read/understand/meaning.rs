//! The one line that step lists show for an action.

use std::fmt::Write as _;

use crate::model::Action;
use crate::model::ActionClass;
use crate::model::Edit;
use crate::model::EditOp;
use crate::model::Step;
use crate::model::Value;
use crate::model::View;
use crate::read::understand::args::first_str;
use crate::read::understand::args::line_range;
use crate::read::understand::args::path_of;
use crate::read::understand::args::unquoted;
use crate::read::understand::change::changed_lines;
use crate::read::understand::skills;
use crate::read::understand::tools::typed;
use crate::text::clean_line;
use crate::text::clip_start;
use crate::text::excerpt;
use crate::text::width;

/// The cells of the longest line; lists cut it to their own width.
const MAX_CELLS: usize = 160;

/// Says in one clean line what an action does: `view src/a.py 10–40`, `edit src/a.py +3 −1`, `$ pytest -q`. Paths are
/// shortened, nothing of the record passes unclean. Never empty. Compares the texts of edits: bounded, but too much for
/// every frame.
pub fn meaning(action: &Action) -> String {
    let line = match action.class {
        ActionClass::Edit if !action.edits.is_empty() => edits_line(&action.edits),
        ActionClass::View if action.view.is_some() => {
            action.view.as_ref().map(|view| view_line(view, action))
        }
        ActionClass::Search if action.shell.is_none() => search_line(action),
        ActionClass::Finish => Some(said_or(
            "finish",
            action,
            &["message", "final_thought", "result", "summary"],
            "/outputs/content",
        )),
        ActionClass::Think => Some(said("think", action, &["thought", "content"])),
        ActionClass::Delegate => Some(said_or(
            "delegate",
            action,
            &["description", "message", "task", "prompt"],
            "/inputs/task",
        )),
        ActionClass::Web if action.shell.is_none() => Some(web_line(action)),
        ActionClass::Plan => Some(plan_line(action)),
        _ => None,
    };
    let line = line.or_else(|| {
        let shell = action.shell.as_ref()?;
        let mark = if shell.is_input { "> " } else { "$ " };
        Some(format!("{mark}{}", command_excerpt(&shell.cmd)))
    });
    line.unwrap_or_else(|| general(action))
}

/// The meaning of the action that gave a step its class; empty where the step has none.
pub fn step_meaning(step: &Step) -> String {
    let class = step.class();
    let weightiest = step
        .actions
        .iter()
        .find(|action| Some(action.class) == class);
    weightiest.map(meaning).unwrap_or_default()
}

/// The command without a leading change of folder, which lists show often and nobody reads.
fn command_excerpt(cmd: &str) -> String {
    let bare = cmd
        .trim_start()
        .strip_prefix("cd ")
        .and_then(|rest| rest.split_once("&&"))
        .filter(|(folder, _)| !folder.contains(['\n', ';', '|']))
        .map(|(_, command)| command.trim_start());
    match bare.filter(|command| !command.is_empty()) {
        Some(command) => excerpt(command, MAX_CELLS),
        None if cmd.trim().is_empty() => "(nothing)".to_owned(),
        None => excerpt(cmd, MAX_CELLS),
    }
}

/// The lines of a file that an action asked for, from 1; no last line means up to the end. `None` where it asked for no
/// range.
pub fn asked_range(action: &Action) -> Option<(usize, Option<usize>)> {
    line_range(&action.args)
}

fn edits_line(edits: &[Edit]) -> Option<String> {
    let first = edits.first()?;
    let verb = match first.op {
        EditOp::Create => "create",
        EditOp::Write => "write",
        EditOp::Delete => "delete",
        EditOp::Undo => "undo",
        EditOp::StrReplace | EditOp::Insert | EditOp::Patch => "edit",
    };
    let mut line = format!("{verb} {}", short_path(&first.path));
    if let Some(moved) = &first.moved_to {
        line.extend([" → ", short_path(moved).as_str()]);
    }
    if edits.iter().any(|edit| edit.path != first.path) {
        let mut paths: Vec<&str> = edits.iter().map(|edit| edit.path.as_str()).collect();
        paths.sort_unstable();
        paths.dedup();
        push(&mut line, format_args!(" and {} more", paths.len() - 1));
    }
    let counts: Vec<(usize, usize)> = edits.iter().filter_map(changed_lines).collect();
    if !counts.is_empty() {
        let added: usize = counts.iter().map(|(added, _)| added).sum();
        let removed: usize = counts.iter().map(|(_, removed)| removed).sum();
        if added > 0 || first.op != EditOp::Delete {
            push(&mut line, format_args!(" +{added}"));
        }
        // What was replaced is not always known.
        let is_known = edits
            .iter()
            .all(|edit| edit.old.is_some() || edit.diff.is_none() || edit.op != EditOp::StrReplace);
        let is_whole = matches!(first.op, EditOp::Create | EditOp::Write);
        if removed > 0 || (is_known && !is_whole) {
            push(&mut line, format_args!(" −{removed}"));
        }
    }
    Some(line)
}

fn push(line: &mut String, part: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    line.write_fmt(part).unwrap_or_default();
}

fn view_line(view: &View, action: &Action) -> String {
    let mut line = format!("view {}", short_path(&view.path));
    let asked = line_range(&action.args);
    let shown = view
        .first_line
        .zip(view.text.as_ref())
        .map(|(first, text)| (first, first.saturating_add(text.lines().count().max(1) - 1)));
    match (shown, asked) {
        // A whole file needs no range.
        (Some((1, last)), None) if view.total_lines.is_none_or(|total| total == last) => {}
        (Some((first, last)), _) | (None, Some((first, Some(last)))) => {
            push(&mut line, format_args!(" {first}–{last}"));
        }
        (None, Some((first, None))) if first > 1 => push(&mut line, format_args!(" {first}–")),
        _ => {}
    }
    line
}

fn search_line(action: &Action) -> Option<String> {
    const WHAT: [&str; 9] = [
        "pattern",
        "search_term",
        "query",
        "regex",
        "file_name",
        "search_query",
        "term",
        "name",
        "glob",
    ];
    let calls = skills::calls_of(action);
    let (what, place) = match calls.first().and_then(skills::Call::search) {
        Some(search) => search,
        None => (
            first_str(&action.args, &WHAT)?,
            first_str(
                &action.args,
                &["path", "dir", "directory", "dir_path", "include"],
            ),
        ),
    };
    let mut line = format!("search \"{}\"", excerpt(what, 60));
    if let Some(place) = place.filter(|place| !place.is_empty()) {
        line.extend([" in ", short_path(unquoted(place)).as_str()]);
    }
    Some(line)
}

/// The tool with its address, query or text, and the element it works on.
fn web_line(action: &Action) -> String {
    let line = said(
        &action.tool,
        action,
        &["url", "query", "text", "code", "element_id"],
    );
    let element = ["element_id", "bid", "index"]
        .into_iter()
        .find_map(|key| action.args.get(key));
    let element = match element {
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(id))
            if first_str(&action.args, &["url", "query", "text", "code"]).is_some() =>
        {
            excerpt(id, 40)
        }
        _ => return line,
    };
    format!("{line} [{element}]")
}

/// The tool with how far the plan is and what comes now: `update_plan 2/5: Refactor the sheet`; else what it says.
fn plan_line(action: &Action) -> String {
    let lists = ["plan", "todos", "task_list", "newTodos"];
    let list = lists
        .iter()
        .find_map(|key| action.args.get(key)?.as_array());
    let Some(items) = list.filter(|items| !items.is_empty()) else {
        return said(&action.tool, action, &["command", "subject", "plan"]);
    };
    let status = |item: &Value| first_str(item, &["status"]).map(str::to_ascii_lowercase);
    let is = |item: &&Value, words: &[&str]| {
        status(item).is_some_and(|status| words.contains(&status.as_str()))
    };
    let done = |item: &&Value| is(item, &["completed", "done"]);
    let count = items.iter().filter(done).count();
    let mut line = format!("{} {count}/{}", excerpt(&action.tool, 40), items.len());
    let now = items.iter().find(|item| is(item, &["in_progress"]));
    let now = now.or_else(|| items.iter().find(|item| !done(item)));
    let what = now.and_then(|item| first_str(item, &["step", "content", "title", "subject"]));
    if let Some(what) = what {
        push(&mut line, format_args!(": {}", excerpt(what, MAX_CELLS)));
    }
    line
}

/// As [`said`]; where none of the keys is there, the text that the pointer leads to.
fn said_or(verb: &str, action: &Action, keys: &[&str], pointer: &str) -> String {
    let inner = action.args.pointer(pointer).and_then(Value::as_str);
    match (first_str(&action.args, keys), inner) {
        (None, Some(words)) => format!("{verb}: {}", excerpt(words, MAX_CELLS)),
        _ => said(verb, action, keys),
    }
}

/// `verb: words`, or the verb alone.
fn said(verb: &str, action: &Action, keys: &[&str]) -> String {
    let verb = excerpt(verb, 40);
    let words = first_str(&action.args, keys)
        .or_else(|| action.args.as_str())
        .unwrap_or_default();
    let words = excerpt(words, MAX_CELLS);
    match (verb.is_empty(), words.is_empty()) {
        (_, true) => {
            if verb.is_empty() {
                "call".to_owned()
            } else {
                verb
            }
        }
        (true, _) => words,
        _ => format!("{verb}: {words}"),
    }
}

/// The tool and the first argument that is short enough to say something.
fn general(action: &Action) -> String {
    let tool = excerpt(&action.tool, 60);
    let tool = if tool.is_empty() {
        "call".to_owned()
    } else {
        tool
    };
    if let Some(typed) = typed(action) {
        return excerpt(typed, MAX_CELLS);
    }
    if let Some(path) = path_of(&action.args) {
        return format!("{tool} {}", short_path(&path));
    }
    let text = action.args.as_str().or_else(|| {
        action
            .args
            .as_object()?
            .values()
            .find_map(|value| value.as_str().filter(|text| !text.trim().is_empty()))
    });
    match text {
        Some(text) => format!("{tool} {}", excerpt(text, MAX_CELLS)),
        None => tool,
    }
}

/// A path as lists show it: clean, without the folder in which sandboxes keep the repository, and so long that the file
/// name stays: what is too much leaves at the left.
fn short_path(path: &str) -> String {
    const DEPTH: usize = 4;
    const PATH_CELLS: usize = 40;
    let bare = without_root(path);
    let parts: Vec<&str> = bare.split('/').filter(|part| !part.is_empty()).collect();
    let shown = if parts.len() > DEPTH {
        let end = parts.get(parts.len() - DEPTH + 1..).unwrap_or_default();
        format!("…/{}", clean_line(&end.join("/")))
    } else {
        excerpt(bare, MAX_CELLS)
    };
    if width(&shown) <= PATH_CELLS {
        return shown;
    }
    // Whole folders go first, then the beginning of the file name.
    let mut rest = shown.trim_start_matches("…/");
    while let Some((_, inner)) = rest.split_once('/') {
        rest = inner;
        if width(rest) + 2 <= PATH_CELLS {
            return format!("…/{rest}");
        }
    }
    clip_start(rest, PATH_CELLS).into_owned()
}

/// The path inside the repository: without `/workspace/name/`, `/testbed/`, `/repo/`, and without the folder that
/// SWE-agent names `/owner__name/`.
pub fn without_root(path: &str) -> &str {
    let inside = |root: &str| path.strip_prefix(root);
    let rest = inside("/testbed/")
        .or_else(|| inside("/repo/"))
        .or_else(|| Some(inside("/workspace/")?.split_once('/')?.1))
        .or_else(|| {
            let (folder, rest) = inside("/")?.split_once('/')?;
            folder.contains("__").then_some(rest)
        });
    rest.filter(|rest| !rest.is_empty()).unwrap_or(path)
}
