//! SWE-agent `.traj` files, 0.x and 1.x: whole runs, history-only demonstrations, and retry runs with attempts.
//!
//! Steps come from `trajectory`; the prompt before them from `history`, whose calls also give the exact arguments of a
//! 1.x step. The prompts that each step repeats (`messages`, `query`) are dropped unread. Demonstrations in the history
//! are none of the agent's doing: they are left out, with a note. An action without a structured call keeps its whole
//! text as `{"command": …}` under the name of SWE-agent's command, or `bash`.

use crate::model::Action;
use crate::model::Child;
use crate::model::ChildKind;
use crate::model::Fault;
use crate::model::Format;
use crate::model::Observation;
use crate::model::Source;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Task;
use crate::model::Text;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::Doc;
use crate::read::Layout;
use crate::read::Probe;
use crate::read::Reader;
use crate::read::Shape;
use crate::read::common;
use crate::read::json;

use history::History;

mod history;

/// The reader of SWE-agent's files.
pub(super) const READER: Reader = Reader {
    format: Format::SweAgent,
    sniff,
    parse,
    head: None,
    sketch: None,
};

/// SWE-agent's own commands; anything else that an agent types goes to the shell.
const COMMANDS: [&str; 24] = [
    "open",
    "goto",
    "scroll_up",
    "scroll_down",
    "create",
    "edit",
    "insert",
    "append",
    "search_dir",
    "search_file",
    "find_file",
    "search",
    "filemap",
    "view_image",
    "submit",
    "review_on_submit",
    "exit_forfeit",
    "exit_cost",
    "exit_context",
    "exit_format",
    "exit_error",
    "str_replace_editor",
    "undo_edit",
    "think",
];

/// The tool of an action that is only a text.
pub(super) fn tool_of(action: &str) -> &str {
    let word = action.split_whitespace().next().unwrap_or_default();
    if COMMANDS.contains(&word) {
        word
    } else {
        "bash"
    }
}

fn sniff(probe: &Probe<'_>) -> Option<Layout> {
    let first = probe.values.first()?;
    match probe.shape {
        Shape::Object => is_run(first).then_some(Layout::Whole),
        Shape::Lines | Shape::Array | Shape::Table => probe
            .values
            .iter()
            .take(3)
            .any(is_run)
            .then_some(Layout::Rows),
        Shape::Events => None,
    }
}

fn is_run(value: &Value) -> bool {
    let list = |key: &str| value.get(key).and_then(Value::as_array);
    let is_step = |step: &Value| {
        let has = |key: &str| step.get(key).is_some();
        common::str_at(step, "action").is_some()
            && has("observation")
            && (has("thought") || has("response"))
    };
    let is_attempt = |attempt: &Value| {
        let has = |key: &str| attempt.get(key).is_some_and(Value::is_array);
        has("trajectory") || has("history")
    };
    let is_item = |item: &Value| {
        item.get("role").is_some()
            && item.get("content").is_some()
            && (item.get("message_type").is_some() || item.get("agent").is_some())
    };
    let any = |items: Option<&Vec<Value>>, is: &dyn Fn(&Value) -> bool| {
        items.is_some_and(|items| items.iter().any(is))
    };
    any(list("trajectory"), &is_step)
        || any(list("attempts"), &is_attempt)
        || (any(list("history"), &is_item) && value.get("test_result").is_none())
}

fn parse(mut doc: Doc) -> Result<Trajectory, Fault> {
    let main = doc.begin(Format::SweAgent, "1.x");
    let mut run = doc.take_value();
    if !["trajectory", "history", "attempts"]
        .iter()
        .any(|key| run.get(key).is_some())
    {
        return Err(Fault::new("neither trajectory nor history in this file"));
    }
    let attempts = common::take_array(&mut run, "attempts");
    if attempts.is_empty() {
        return Ok(read_run(main, run));
    }
    let source = main.source.clone();
    let mut trajectory = read_attempts(main, run, attempts, &source);
    trajectory.source.variant = Some("retry".to_owned());
    Ok(trajectory)
}

/// A retry run: the file repeats the chosen attempt at its top; where it does not, the last attempt that submitted
/// stands for the run. The other attempts are children.
fn read_attempts(
    main: Trajectory,
    mut run: Value,
    mut attempts: Vec<Value>,
    source: &Source,
) -> Trajectory {
    let has_steps = |run: &Value| {
        let list = run.get("trajectory").or_else(|| run.get("history"));
        list.and_then(Value::as_array)
            .is_some_and(|steps| !steps.is_empty())
    };
    let chosen = if has_steps(&run) {
        let steps = run.get("trajectory");
        attempts
            .iter()
            .position(|attempt| attempt.get("trajectory") == steps)
    } else {
        let submitted = attempts.iter().rposition(|attempt| {
            let patch = attempt.pointer("/info/submission").and_then(Value::as_str);
            patch.is_some_and(|patch| !patch.is_empty())
        });
        let chosen = submitted.unwrap_or(attempts.len() - 1);
        if let (Some(attempt), Some(fields)) = (attempts.get_mut(chosen), run.as_object_mut()) {
            for key in ["trajectory", "history"] {
                fields.insert(key.to_owned(), common::take(attempt, key));
            }
            for key in ["info", "environment", "replay_config"] {
                if fields.get(key).is_none_or(Value::is_null) {
                    fields.insert(key.to_owned(), common::take(attempt, key));
                }
            }
        }
        Some(chosen)
    };
    let mut trajectory = read_run(main, run);
    for (ix, attempt) in attempts.into_iter().enumerate() {
        if Some(ix) == chosen {
            continue;
        }
        let begun = Trajectory {
            source: source.clone(),
            ..Trajectory::default()
        };
        trajectory.children.push(Child {
            kind: ChildKind::Attempt,
            title: format!("attempt {}", ix + 1),
            at_step: None,
            trajectory: read_run(begun, attempt),
        });
    }
    trajectory
}

fn read_run(mut trajectory: Trajectory, mut run: Value) -> Trajectory {
    let mut config = match common::take(&mut run, "replay_config") {
        Value::String(text) => json::parse_embedded(text),
        other => other,
    };
    let steps = common::take_array(&mut run, "trajectory");
    let mut history = History::new(common::take_array(&mut run, "history"));
    let variant = if steps.is_empty() {
        "history"
    } else if steps
        .iter()
        .any(|step| step.get("state").is_some_and(Value::is_string))
    {
        "0.x"
    } else {
        "1.x"
    };
    trajectory.source.variant = Some(variant.to_owned());
    if steps.is_empty() {
        trajectory.steps = history.into_steps(&mut trajectory.notes);
    } else {
        trajectory.steps = history.take_prompt();
        for step in steps {
            read_step(&mut trajectory.steps, step, &mut history);
        }
        history.note_demos(&mut trajectory.notes);
    }
    let mut info = common::take(&mut run, "info");
    fill_info(&mut trajectory, &mut info);
    fill_task(
        &mut trajectory,
        &mut config,
        common::str_at(&run, "environment"),
    );
    trajectory
}

fn read_step(steps: &mut Vec<Step>, mut raw: Value, history: &mut History) {
    for key in ["messages", "query"] {
        common::take(&mut raw, key);
    }
    let response = common::take_text(&mut raw, "response");
    let said = common::take_text(&mut raw, "thought").or(response);
    let action = common::take_str(&mut raw, "action").unwrap_or_default();
    let observation = read_observation(&mut raw);
    let mut step = Step::new(StepKind::Agent);
    let found = history.take_call(&action);
    step.reasoning = found.reasoning;
    step.actions = found.actions;
    if step.actions.is_empty() && !action.trim().is_empty() {
        step.actions.push(action_of_text(&action));
    }
    if let Some(first) = step.actions.first_mut() {
        first.observation = observation;
        step.thought = said;
        steps.push(step);
        return;
    }
    // a response without an action: what came back is the harness's complaint about it
    step.text = said;
    steps.push(step);
    if let Some(text) = observation.and_then(|o| common::parts_text(&o.parts)) {
        steps.push(Step::context("format error", text));
    }
}

fn read_observation(raw: &mut Value) -> Option<Observation> {
    let content = common::take(raw, "observation");
    if content.is_null() {
        return None;
    }
    let state = match common::take(raw, "state") {
        Value::String(text) => json::parse_embedded(text),
        other => other,
    };
    Some(Observation {
        parts: common::content_parts(content),
        duration_s: common::f64_at(raw, "execution_time"),
        cwd: common::str_at(&state, "working_dir").map(str::to_owned),
        ..Observation::default()
    })
}

/// The action of a text. The editor of 1.x is typed like a command; its words are read back into arguments.
fn action_of_text(action: &str) -> Action {
    let tool = tool_of(action);
    let args = editor_args(tool, action);
    let args = args.unwrap_or_else(|| serde_json::json!({ "command": action }));
    Action::new(None, tool, args)
}

/// The arguments of `str_replace_editor COMMAND PATH --key 'value' …`, with the text itself as `action`.
fn editor_args(tool: &str, action: &str) -> Option<Value> {
    if tool != "str_replace_editor" {
        return None;
    }
    let mut words = shell_words::split(action)
        .ok()?
        .into_iter()
        .skip(1)
        .peekable();
    let mut args = serde_json::Map::new();
    args.insert("command".to_owned(), Value::String(words.next()?));
    args.insert("path".to_owned(), Value::String(words.next()?));
    while let Some(word) = words.next() {
        let key = word.strip_prefix("--")?;
        let mut values = Vec::new();
        while words
            .peek()
            .is_some_and(|word| !word.starts_with("--") || values.is_empty())
        {
            values.extend(words.next());
        }
        args.insert(key.to_owned(), Value::String(values.join(" ")));
    }
    args.insert("action".to_owned(), Value::String(action.to_owned()));
    Some(Value::Object(args))
}

fn fill_info(trajectory: &mut Trajectory, info: &mut Value) {
    let stats = common::take(info, "model_stats");
    trajectory.totals.cost = common::f64_at(&stats, "instance_cost");
    trajectory.totals.tokens.input = common::u64_at(&stats, "tokens_sent");
    trajectory.totals.tokens.output = common::u64_at(&stats, "tokens_received");
    trajectory.final_patch = common::take_str(info, "submission").map(Text::from);
    trajectory.outcome.exit_status = common::take_str(info, "exit_status");
    let version = common::str_at(info, "swe_agent_version");
    trajectory.agent = Some(match version {
        Some(version) => format!("SWE-agent {version}"),
        None => "SWE-agent".to_owned(),
    });
}

/// Task and model, from the run's configuration where it tells, else from the names of environment and file.
fn fill_task(trajectory: &mut Trajectory, config: &mut Value, environment: Option<&str>) {
    let text = |path: &str| {
        let text = config.pointer(path).and_then(Value::as_str);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    trajectory.model = text("/agent/model/name");
    let is_instance = |name: &String| name.contains("__") && !name.contains('/');
    trajectory.task_id = text("/problem_statement/id")
        .or_else(|| text("/agent/name"))
        .filter(is_instance)
        .or_else(|| environment.map(str::to_owned).filter(is_instance))
        .or_else(|| stem_of(&trajectory.source).filter(is_instance));
    let commit = text("/env/repo/base_commit")
        .filter(|commit| commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()));
    let statement = text("/problem_statement/text");
    if commit.is_some() || statement.is_some() {
        trajectory.task = Some(Task {
            base_commit: commit,
            statement: statement.map(Text::from),
            ..Task::default()
        });
    }
}

/// The name of the file or member without `.traj` and what follows it.
fn stem_of(source: &Source) -> Option<String> {
    let path = source
        .member
        .as_deref()
        .map_or(source.path.as_path(), std::path::Path::new);
    let name = path.file_name()?.to_string_lossy();
    name.split_once(".traj").map(|(stem, _)| stem.to_owned())
}

#[cfg(test)]
mod tests;
