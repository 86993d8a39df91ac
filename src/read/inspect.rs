//! Inspect samples: `.json` logs and the members of `.eval` archives; one sample is one trajectory.
//!
//! The messages make the steps; events give times, tokens and sub-agents, and the messages where a log has dropped them.
//! Long texts stand once under `attachments` and are put back wherever they are referred to. The log around the sample
//! (model, solver, run) comes as the record's header. Schema: `inspect_ai.log` 0.3.x of both generations.

mod attachments;
mod events;
mod messages;
mod score;

use crate::model::Fault;
use crate::model::Format;
use crate::model::Stamp;
use crate::model::Step;
use crate::model::Task;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::Doc;
use crate::read::Layout;
use crate::read::Probe;
use crate::read::Reader;
use crate::read::Shape;
use crate::read::common::content_parts;
use crate::read::common::f64_at;
use crate::read::common::parts_text;
use crate::read::common::str_at;
use crate::read::common::take;
use crate::read::common::take_array;
use crate::read::common::u64_at;

pub(super) const READER: Reader = Reader {
    format: Format::Inspect,
    sniff,
    parse,
    head: None,
    sketch: None,
};

fn sniff(probe: &Probe<'_>) -> Option<Layout> {
    let first = probe.values.first()?;
    if is_log(first) {
        let samples = first.get("samples").and_then(Value::as_array);
        let has_samples = samples.is_some_and(|samples| !samples.is_empty());
        return match probe.shape {
            Shape::Object if has_samples => Some(Layout::Samples),
            Shape::Object => Some(Layout::Whole),
            _ => None,
        };
    }
    if !is_sample(first) {
        return None;
    }
    match probe.shape {
        Shape::Object => Some(Layout::Whole),
        Shape::Events => None,
        Shape::Lines | Shape::Array | Shape::Table => Some(Layout::Rows),
    }
}

/// A log, or the header or journal start of one.
fn is_log(value: &Value) -> bool {
    let Some(eval) = value.get("eval").filter(|eval| eval.is_object()) else {
        return false;
    };
    let is_eval = str_at(eval, "task").is_some() && str_at(eval, "model").is_some();
    is_eval
        && (value.get("plan").is_some_and(Value::is_object) || str_at(value, "status").is_some())
}

fn is_sample(value: &Value) -> bool {
    let has = |key: &str| value.get(key).is_some();
    let is_list = |key: &str| value.get(key).is_some_and(Value::is_array);
    has("id")
        && value.get("epoch").is_some_and(Value::is_number)
        && has("input")
        && has("target")
        && (is_list("messages") || is_list("events"))
}

fn parse(mut doc: Doc) -> Result<Trajectory, Fault> {
    let mut value = doc.take_value();
    let mut header = doc.header.take();
    if is_log(&value) {
        let mut samples = take_array(&mut value, "samples").into_iter();
        match samples.next() {
            Some(sample) => {
                header = Some(value);
                value = sample;
            }
            None => return Ok(without_samples(doc, &value)),
        }
    }
    if !value.is_object() {
        return Err(Fault::new("an Inspect sample was expected"));
    }
    Ok(sample(doc, value, &header.unwrap_or_default()))
}

/// A run that failed or was stopped before any sample was logged.
fn without_samples(mut doc: Doc, log: &Value) -> Trajectory {
    let mut trajectory = doc.begin(Format::Inspect, "log without samples");
    read_header(&mut trajectory, log);
    let status = str_at(log, "status").unwrap_or("started");
    trajectory.outcome.exit_status = Some(status.to_owned());
    if let Some(error) = log.get("error") {
        trajectory.outcome.error = score::error_words(error);
    }
    let text = trajectory.outcome.error.clone().unwrap_or_default();
    trajectory.steps.push(Step {
        ts: log.pointer("/eval/created").and_then(Stamp::parse),
        ..Step::context(status, text)
    });
    trajectory
}

fn sample(mut doc: Doc, mut value: Value, header: &Value) -> Trajectory {
    let mut attachments = attachments::Attachments::of(&mut value);
    let is_old = value.get("events").is_none() && value.get("transcript").is_some();
    let pool = take_pool(&mut value);
    let variant = match (is_old, pool.is_empty()) {
        (true, _) => "transcript",
        (false, true) => "sample",
        (false, false) => "condensed sample",
    };
    let mut trajectory = doc.begin(Format::Inspect, variant);
    read_header(&mut trajectory, header);
    read_identity(&mut trajectory, &value, header);
    let raw_events = if is_old {
        value
            .get_mut("transcript")
            .map(|t| take_array(t, "events"))
            .unwrap_or_default()
    } else {
        take_array(&mut value, "events")
    };
    let mut told = take_messages(&mut value, &pool);
    for message in &mut told {
        attachments.resolve(message);
    }
    let main_ids = messages::ids(&told);
    let mut events = events::read(raw_events, &pool, &main_ids);
    if told.is_empty() {
        told = std::mem::take(&mut events.conversation);
        for message in &mut told {
            attachments.resolve(message);
        }
    }
    let main = messages::build(told);
    trajectory.steps = main.steps;
    events.apply(&mut trajectory, &main.message_ids, &mut attachments);
    if trajectory.model.is_none() {
        trajectory.model = value
            .pointer("/output/model")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .or(main.model);
    }
    read_task(&mut trajectory, &mut value, &mut attachments);
    score::read(&mut trajectory, &mut value, header);
    trajectory.totals.duration_s = f64_at(&value, "total_time");
    if attachments.is_spent() {
        trajectory.notes.push(crate::model::Note::new(
            "attachments too large to put back everywhere",
        ));
    }
    trajectory
}

/// The messages that condensed parts refer to by number.
fn take_pool(value: &mut Value) -> Vec<Value> {
    let pool = value
        .get_mut("events_data")
        .map(|data| take_array(data, "messages"))
        .unwrap_or_default();
    if pool.is_empty() {
        take_array(value, "message_pool")
    } else {
        pool
    }
}

/// The sample's messages; given as ranges of the pool in condensed samples.
fn take_messages(value: &mut Value, pool: &[Value]) -> Vec<Value> {
    let told = take_array(value, "messages");
    let refs = if told.iter().all(Value::is_array) {
        told
    } else {
        return told;
    };
    let refs = if refs.is_empty() {
        ["messages_refs", "message_refs"]
            .into_iter()
            .map(|key| take_array(value, key))
            .find(|refs| !refs.is_empty())
            .unwrap_or_default()
    } else {
        refs
    };
    let mut budget = pool.len().saturating_mul(2);
    events::in_pool(&refs, pool, &mut budget).cloned().collect()
}

fn read_header(trajectory: &mut Trajectory, header: &Value) {
    let Some(eval) = header.get("eval") else {
        return;
    };
    let text = |key: &str| str_at(eval, key).map(str::to_owned);
    trajectory.model = text("model").filter(|model| model != "none/none");
    trajectory.run_id = text("run_id").or_else(|| text("eval_id"));
    let solvers = header.pointer("/plan/steps").and_then(Value::as_array);
    let last_solver = solvers
        .and_then(|steps| steps.last())
        .and_then(|step| str_at(step, "solver"));
    trajectory.agent = text("solver").or_else(|| last_solver.map(str::to_owned));
}

/// Rows of one sample differ by epoch; the first keeps the plain id.
fn read_identity(trajectory: &mut Trajectory, value: &Value, header: &Value) {
    let id = match value.get("id") {
        Some(Value::String(id)) => Some(id.clone()),
        Some(Value::Number(id)) => Some(id.to_string()),
        _ => None,
    };
    let epoch = u64_at(value, "epoch").unwrap_or(1);
    if let Some(id) = id {
        trajectory.id = if epoch > 1 {
            format!("{id}#{epoch}")
        } else {
            id.clone()
        };
        trajectory.task_id = Some(id);
    }
    let run = trajectory
        .run_id
        .take()
        .or_else(|| str_at(value, "uuid").map(str::to_owned));
    let epochs = header
        .pointer("/eval/config/epochs")
        .and_then(Value::as_u64);
    let has_epochs = epoch > 1 || epochs.is_some_and(|epochs| epochs > 1);
    trajectory.attempt = has_epochs.then_some(epoch);
    trajectory.run_id = match (run, has_epochs) {
        (Some(run), true) => Some(format!("{run} epoch {epoch}")),
        (None, true) => Some(format!("epoch {epoch}")),
        (run, false) => run,
    };
}

fn read_task(
    trajectory: &mut Trajectory,
    value: &mut Value,
    attachments: &mut attachments::Attachments,
) {
    let mut input = take(value, "input");
    attachments.resolve(&mut input);
    let statement = match input {
        Value::Array(items) => {
            let user = items
                .into_iter()
                .filter(|m| str_at(m, "role") == Some("user"));
            let parts = user.flat_map(|mut message| content_parts(take(&mut message, "content")));
            parts_text(&parts.collect::<Vec<_>>())
        }
        input => parts_text(&content_parts(input)),
    };
    let mut metadata = take(value, "metadata");
    attachments.resolve(&mut metadata);
    let mut task = Task::from_instance(metadata);
    task.id.clone_from(&trajectory.task_id);
    if task.statement.is_none() {
        task.statement.clone_from(&statement);
    }
    trajectory.task = Some(task);
    trajectory.instruction = statement;
}

#[cfg(test)]
mod tests;
