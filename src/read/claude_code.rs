//! Claude Code sessions: JSON lines that form a tree, one model response over several rows.
//!
//! The main line is the path to the newest message; other ways the session went are branches, sub-agents are children.
//! Rows of one response (same `message.id`) are one step and its usage counts once. Every row ends up somewhere: rows
//! that are no conversation are context steps. Where the tree comes from is `tree`, what a row says is `row`, what a
//! tool's structured result says is `result`.

mod children;
mod result;
mod row;
mod session;
mod tree;

use crate::model::Fault;
use crate::model::Format;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::Doc;
use crate::read::Layout;
use crate::read::Probe;
use crate::read::Reader;
use crate::read::Row;
use crate::read::Shape;
use crate::read::common::str_at;

pub(super) const READER: Reader = Reader {
    format: Format::ClaudeCode,
    sniff,
    parse,
    head: None,
    sketch: None,
};

fn sniff(probe: &Probe<'_>) -> Option<Layout> {
    if matches!(probe.shape, Shape::Table | Shape::Events) {
        return None;
    }
    probe
        .values
        .iter()
        .any(is_session_row)
        .then_some(Layout::Session)
}

/// Whether a value is a row that only Claude Code writes. Sessions open with odd rows, so these count as well.
fn is_session_row(value: &Value) -> bool {
    let Some(kind) = str_at(value, "type") else {
        return false;
    };
    let has = |key: &str| value.get(key).is_some();
    let in_session = str_at(value, "sessionId").is_some();
    match kind {
        "user" | "assistant" => {
            has("parentUuid") && has("uuid") && value.get("message").is_some_and(Value::is_object)
        }
        "summary" => has("leafUuid") && has("summary"),
        "file-history-snapshot" => has("messageId") && has("snapshot"),
        "queue-operation" => has("operation") && in_session,
        "permission-mode" | "last-prompt" | "custom-title" | "ai-title" | "agent-name"
        | "agent-setting" | "mode" | "pr-link" | "tag" => in_session && !has("payload"),
        _ => has("uuid") && has("parentUuid") && in_session,
    }
}

fn parse(mut doc: Doc) -> Result<Trajectory, Fault> {
    let rows: Vec<Row> = std::mem::take(&mut doc.rows);
    if rows.is_empty() {
        return Err(Fault::new("empty: no session row"));
    }
    let siblings = std::mem::take(&mut doc.siblings);
    let mut trajectory = doc.begin(Format::ClaudeCode, "session");
    let is_side = |row: &Row| row.value.get("isSidechain").and_then(Value::as_bool) == Some(true);
    let is_told = |row: &Row| row.value.get("uuid").is_some();
    let is_agent_file =
        rows.iter().any(is_side) && rows.iter().filter(|row| is_told(row)).all(is_side);
    if is_agent_file {
        trajectory.source.variant = Some("agent".to_owned());
    }
    let (side, main): (Vec<Row>, Vec<Row>) = rows
        .into_iter()
        .partition(|row| !is_agent_file && is_side(row));
    if is_agent_file && let Some(agent) = main.iter().find_map(|row| str_at(&row.value, "agentId"))
    {
        trajectory.id = format!("agent-{agent}");
    }
    let started = session::build(&mut trajectory, main);
    children::add(&mut trajectory, side, siblings, started);
    Ok(trajectory)
}

#[cfg(test)]
mod tests;
