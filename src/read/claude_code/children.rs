//! Sub-agents of a session: rows of a side chain inside its file, and `agent-<id>.jsonl` files beside it.
//!
//! They are linked to the call that started them by the agent's id in the call's result, by the call's id on their
//! rows, or by the prompt; without any of these they stand where their first row falls in time.

use std::collections::HashMap;

use super::session;
use super::session::Started;
use crate::model::Child;
use crate::model::ChildKind;
use crate::model::Format;
use crate::model::Source;
use crate::model::Stamp;
use crate::model::StepKind;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::PartRole;
use crate::read::Row;
use crate::read::Sibling;
use crate::read::common::str_at;

/// Groups side-chain rows of the main file by agent, or by root where they name none.
pub(super) fn add_inline(trajectory: &mut Trajectory, rows: Vec<Row>, started: &Started) {
    let mut groups: Vec<(String, Vec<Row>)> = Vec::new();
    let mut by_agent: HashMap<String, usize> = HashMap::new();
    let mut by_uuid: HashMap<String, usize> = HashMap::new();
    for row in rows {
        let agent = str_at(&row.value, "agentId").map(str::to_owned);
        let parent = str_at(&row.value, "parentUuid")
            .and_then(|uuid| by_uuid.get(uuid))
            .copied();
        let known = match &agent {
            Some(agent) => by_agent.get(agent).copied(),
            None => parent,
        };
        let ix = known.unwrap_or_else(|| {
            groups.push((agent.clone().unwrap_or_default(), Vec::new()));
            groups.len() - 1
        });
        by_agent.extend(agent.map(|agent| (agent, ix)));
        by_uuid.extend(str_at(&row.value, "uuid").map(|uuid| (uuid.to_owned(), ix)));
        if let Some((_, rows)) = groups.get_mut(ix) {
            rows.push(row);
        }
    }
    let mut calls = Calls::of(trajectory, started);
    for (agent, rows) in groups {
        add(trajectory, &mut calls, &agent, rows, None, "");
    }
}

/// Adds the agent files that the store found beside the session.
pub(super) fn add_files(trajectory: &mut Trajectory, siblings: Vec<Sibling>, started: &Started) {
    let mut metas: HashMap<String, Value> = HashMap::new();
    let mut files = Vec::new();
    for mut sibling in siblings {
        let stem = sibling
            .name
            .split('.')
            .next()
            .unwrap_or_default()
            .to_owned();
        if sibling.role == PartRole::Child {
            files.push((stem, sibling));
        } else {
            let value = sibling.rows.first_mut().map(|row| row.value.take());
            metas.extend(value.map(|value| (stem, value)));
        }
    }
    let mut calls = Calls::of(trajectory, started);
    for (stem, file) in files {
        if file.rows.is_empty() {
            continue;
        }
        let told = file
            .rows
            .iter()
            .find_map(|row| str_at(&row.value, "agentId"));
        let agent = told.map_or_else(
            || stem.trim_start_matches("agent-").to_owned(),
            str::to_owned,
        );
        let meta = metas.remove(&stem);
        add(
            trajectory,
            &mut calls,
            &agent,
            file.rows,
            meta.as_ref(),
            &file.name,
        );
    }
}

/// The calls that may have started an agent.
struct Calls {
    by_agent: HashMap<String, (usize, usize)>,
    by_id: HashMap<String, (usize, usize)>,
    by_prompt: HashMap<String, (usize, usize)>,
    /// Times of the steps, to place agents that no call names.
    stamps: Vec<(Stamp, usize)>,
}

impl Calls {
    fn of(trajectory: &Trajectory, started: &Started) -> Self {
        let mut calls = Self {
            by_agent: started.clone(),
            by_id: HashMap::new(),
            by_prompt: HashMap::new(),
            stamps: Vec::new(),
        };
        for (at, step) in trajectory.steps.iter().enumerate() {
            calls.stamps.extend(step.ts.map(|ts| (ts, at)));
            for (ix, action) in step.actions.iter().enumerate() {
                let place = (at, ix);
                calls
                    .by_id
                    .extend(action.call_id.clone().map(|id| (id, place)));
                if let Some(prompt) = str_at(&action.args, "prompt") {
                    calls
                        .by_prompt
                        .entry(prompt.trim().to_owned())
                        .or_insert(place);
                }
            }
        }
        calls.stamps.sort_unstable_by_key(|(ts, at)| (ts.ms, *at));
        calls
    }

    /// The newest step that is not after `ts`.
    fn step_at(&self, ts: Stamp) -> Option<usize> {
        let end = self.stamps.partition_point(|(stamp, _)| stamp.ms <= ts.ms);
        self.stamps.get(end.checked_sub(1)?).map(|(_, at)| *at)
    }
}

fn add(
    trajectory: &mut Trajectory,
    calls: &mut Calls,
    agent: &str,
    rows: Vec<Row>,
    meta: Option<&Value>,
    file: &str,
) {
    let started_by = rows.iter().find_map(|row| {
        ["parentToolUseID", "parent_tool_use_id", "toolUseID"]
            .into_iter()
            .find_map(|key| calls.by_id.get(str_at(&row.value, key)?).copied())
    });
    let first_ts = rows
        .iter()
        .find_map(|row| row.value.get("timestamp").and_then(Stamp::parse));
    let mut child = Trajectory {
        source: child_source(trajectory, file),
        ..Trajectory::default()
    };
    if !agent.is_empty() {
        child.id = format!("agent-{agent}");
    }
    session::build(&mut child, rows);
    let prompt = child.steps.iter().find(|step| step.kind == StepKind::User);
    let prompt = prompt.and_then(|step| step.text.as_deref()).map(str::trim);
    let place = calls
        .by_agent
        .get(agent)
        .copied()
        .or(started_by)
        .or_else(|| calls.by_prompt.get(prompt?).copied());
    let ix = trajectory.children.len();
    let call =
        place.and_then(|(step, action)| trajectory.steps.get_mut(step)?.actions.get_mut(action));
    let described = call
        .as_ref()
        .and_then(|call| str_at(&call.args, "description"))
        .map(str::to_owned);
    if let Some(call) = call
        && call.child.is_none()
    {
        call.child = Some(ix);
    }
    let kind = meta.and_then(|meta| str_at(meta, "agentType"));
    let what = meta
        .and_then(|meta| str_at(meta, "description"))
        .map(str::to_owned)
        .or(described)
        .or_else(|| session::title(&child.steps));
    let title = match (kind, what) {
        (Some(kind), Some(what)) => format!("{kind}: {what}"),
        (Some(kind), None) => kind.to_owned(),
        (None, Some(what)) => what,
        (None, None) => format!("agent {agent}"),
    };
    let at_step = place
        .map(|(step, _)| step)
        .or_else(|| calls.step_at(first_ts?));
    trajectory.children.push(Child {
        kind: ChildKind::SubAgent,
        title,
        at_step,
        trajectory: child,
    });
}

fn child_source(parent: &Trajectory, file: &str) -> Source {
    let mut source = Source {
        format: Some(Format::ClaudeCode),
        variant: Some("agent".to_owned()),
        ..parent.source.clone()
    };
    if !file.is_empty() {
        source.path.set_file_name(file);
        source.byte_range = None;
    }
    source
}
