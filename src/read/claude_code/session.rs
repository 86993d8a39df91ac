//! Builds steps from the rows of one session or sub-agent: merges responses, joins results, lays out lines.

use std::collections::HashMap;
use std::collections::HashSet;
use std::hash::DefaultHasher;
use std::hash::Hash as _;
use std::hash::Hasher as _;

use super::result;
use super::row;
use super::row::Says;
use super::tree;
use crate::model::Action;
use crate::model::Child;
use crate::model::ChildKind;
use crate::model::Note;
use crate::model::Observation;
use crate::model::Stamp;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Tokens;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::Row;
use crate::read::common::content_parts;
use crate::read::common::str_at;
use crate::read::common::take;
use crate::read::common::take_str;
use crate::read::common::text_and_attachments;
use crate::read::common::u64_at;
use crate::read::json::parse_embedded;

/// Which call (step and action) of a main line started the agent of that id.
pub(super) type Started = HashMap<String, (usize, usize)>;

/// Fills `trajectory` from the rows of one agent's session; branches become its children. Gives the agents that results
/// of the main line name.
pub(super) fn build(trajectory: &mut Trajectory, rows: Vec<Row>) -> Started {
    let tree::Lines { of_row, forks } = tree::lines(&rows);
    read_head(trajectory, &rows);
    let mut builder = Builder {
        lines: forks.iter().map(|_| Vec::new()).collect(),
        ..Builder::default()
    };
    if let Some(first) = rows.first() {
        builder.open(first);
    }
    let mut place_of_row: Vec<(usize, usize)> = Vec::with_capacity(rows.len());
    let mut repeats = 0_usize;
    for (row, line) in rows.into_iter().zip(&of_row) {
        if let Some(line) = *line {
            builder.push(row, line);
        } else {
            repeats += 1;
        }
        let line = line.unwrap_or(0);
        let steps = builder.lines.get(line).map_or(0, Vec::len);
        place_of_row.push((line, steps.saturating_sub(1)));
    }
    if repeats > 0 {
        trajectory
            .notes
            .push(Note::new(format!("{repeats} repeated rows left out")));
    }
    if trajectory.model.is_none() {
        trajectory.model = builder.model.take();
    }
    let started = std::mem::take(&mut builder.started);
    let mut lines = builder.lines.into_iter().map(finish_line);
    trajectory.steps = lines.next().unwrap_or_default();
    trajectory.instruction = instruction(&trajectory.steps);
    let mut at_steps: Vec<Option<usize>> = vec![None];
    for (line, steps) in lines.enumerate() {
        let fork = forks
            .get(line + 1)
            .copied()
            .flatten()
            .and_then(|row| place_of_row.get(row))
            .copied();
        // a branch of a branch stands where the first one left the main line
        let at_step = fork.and_then(|(line, step)| {
            if line == 0 {
                Some(step)
            } else {
                at_steps.get(line).copied().flatten()
            }
        });
        at_steps.push(at_step);
        if steps.is_empty() {
            continue;
        }
        let branch_id = format!("branch {}", line + 1);
        trajectory
            .children
            .push(branch(trajectory, steps, &branch_id, at_step));
    }
    started
}

fn branch(
    parent: &Trajectory,
    mut steps: Vec<Step>,
    branch_id: &str,
    at_step: Option<usize>,
) -> Child {
    for step in &mut steps {
        step.branch_id = Some(branch_id.to_owned());
    }
    let title = title(&steps).unwrap_or_else(|| branch_id.to_owned());
    let trajectory = Trajectory {
        source: parent.source.clone(),
        run_id: parent.run_id.clone(),
        model: parent.model.clone(),
        agent: parent.agent.clone(),
        instruction: instruction(&steps).or_else(|| parent.instruction.clone()),
        steps,
        ..Trajectory::default()
    };
    Child {
        kind: ChildKind::Branch,
        title,
        at_step,
        trajectory,
    }
}

/// The first line of what is said first.
pub(super) fn title(steps: &[Step]) -> Option<String> {
    let spoken = steps.iter().filter(|step| step.kind != StepKind::Context);
    let text = spoken
        .filter_map(|step| step.text.as_ref().or(step.thought.as_ref()))
        .find(|text| !text.trim().is_empty())?;
    let line = text.trim_start().lines().next()?;
    Some(line.chars().take(80).collect())
}

/// The first prompt; a session that a slash command opens has it in the expanded command.
fn instruction(steps: &[Step]) -> Option<crate::model::Text> {
    let first_agent = steps.iter().position(|step| step.kind == StepKind::Agent);
    let before = steps
        .get(..first_agent.unwrap_or(steps.len()))
        .unwrap_or_default();
    let prompt = before.iter().find(|step| step.kind == StepKind::User);
    let meta = || {
        before
            .iter()
            .rfind(|step| step.label.as_deref() == Some("meta"))
    };
    let later = || steps.iter().find(|step| step.kind == StepKind::User);
    prompt
        .or_else(meta)
        .or_else(later)
        .and_then(|step| step.text.clone())
}

fn read_head(trajectory: &mut Trajectory, rows: &[Row]) {
    let first = |key: &str| {
        rows.iter()
            .find_map(|row| str_at(&row.value, key))
            .map(str::to_owned)
    };
    trajectory.run_id = first("sessionId");
    trajectory.agent = Some(match first("version") {
        Some(version) => format!("Claude Code {version}"),
        None => "Claude Code".to_owned(),
    });
}

/// A step that is still being collected.
#[derive(Default)]
struct Draft {
    step: Step,
    texts: Vec<String>,
    reasoning: Vec<String>,
    /// Hashes of the blocks so far: resumed sessions repeat rows under new ids.
    seen: HashSet<u64>,
}

#[derive(Default)]
struct Builder {
    lines: Vec<Vec<Draft>>,
    responses: HashMap<String, (usize, usize)>,
    calls: HashMap<String, (usize, usize, usize)>,
    model: Option<String>,
    started: Started,
}

impl Builder {
    /// Says where the session runs, which the model has no field for.
    fn open(&mut self, first: &Row) {
        let words: Vec<String> = [
            ("cwd", "folder"),
            ("gitBranch", "branch"),
            ("version", "version"),
        ]
        .into_iter()
        .filter_map(|(key, word)| Some(format!("{word} {}", str_at(&first.value, key)?)))
        .collect();
        if words.is_empty() {
            return;
        }
        let mut step = Step::context("session", words.join("\n"));
        step.raw_range = Some(first.span);
        self.add(0, step);
    }

    fn add(&mut self, line: usize, step: Step) -> Option<usize> {
        let drafts = self.lines.get_mut(line)?;
        drafts.push(Draft {
            step,
            ..Draft::default()
        });
        drafts.len().checked_sub(1)
    }

    fn push(&mut self, row: Row, line: usize) {
        match row::says(&row.value) {
            Says::Response(_) => self.push_response(row, line),
            Says::Results(_) | Says::Prompt => self.push_user(row, line),
            Says::Nothing if str_at(&row.value, "type") == Some("user") => {
                self.push_user(row, line);
            }
            Says::Nothing => {
                let mut step = row::context(&row.value);
                step.ts = row.value.get("timestamp").and_then(Stamp::parse);
                step.raw_range = Some(row.span);
                self.add(line, step);
            }
        }
    }

    fn push_response(&mut self, row: Row, line: usize) {
        let Row {
            mut value, span, ..
        } = row;
        let id = row::response_id(&value).map(str::to_owned);
        let ts = value.get("timestamp").and_then(Stamp::parse);
        let mut message = take(&mut value, "message");
        let known = id.as_ref().and_then(|id| self.responses.get(id)).copied();
        let place = known.or_else(|| {
            let mut step = Step::new(StepKind::Agent);
            step.ts = ts;
            step.raw_range = Some(span);
            step.group_id.clone_from(&id);
            Some((line, self.add(line, step)?))
        });
        let Some((line, at)) = place else { return };
        self.responses.extend(id.map(|id| (id, (line, at))));
        if self.model.is_none() {
            self.model = take_str(&mut message, "model");
        }
        let usage = message.get("usage").and_then(tokens);
        let content = match take(&mut message, "content") {
            Value::Array(items) => items,
            Value::Null => Vec::new(),
            other => vec![other],
        };
        let mut results = Vec::new();
        let Some(draft) = self
            .lines
            .get_mut(line)
            .and_then(|drafts| drafts.get_mut(at))
        else {
            return;
        };
        // rows are written while the response streams: the newest count is the whole one
        let is_newer = |new: &Tokens| draft.step.tokens.is_none_or(|old| new.output >= old.output);
        if let Some(usage) = usage.filter(is_newer) {
            draft.step.tokens = Some(usage);
        }
        for item in content {
            if row::is_call(&item) {
                let call = call(item);
                let slot = (line, at, draft.step.actions.len());
                let is_new = call
                    .call_id
                    .as_ref()
                    .is_none_or(|id| !self.calls.contains_key(id));
                if is_new {
                    self.calls.extend(call.call_id.clone().map(|id| (id, slot)));
                    draft.step.actions.push(call);
                }
            } else if row::is_result(&item) {
                results.push(item);
            } else {
                draft.block(item);
            }
        }
        for item in results {
            self.push_result(item, Value::Null, ts, None, Some(span), line);
        }
    }

    fn push_user(&mut self, row: Row, line: usize) {
        let Row {
            mut value, span, ..
        } = row;
        let ts = value.get("timestamp").and_then(Stamp::parse);
        let cwd = str_at(&value, "cwd").map(str::to_owned);
        let mut detail = ["toolUseResult", "mcpMeta"]
            .into_iter()
            .map(|key| take(&mut value, key))
            .find(|detail| !detail.is_null())
            .unwrap_or_default();
        let content = value
            .get_mut("message")
            .map(|message| take(message, "content"))
            .unwrap_or_default();
        let items = match content {
            Value::Array(items) => items,
            Value::Null => Vec::new(),
            other => vec![other],
        };
        // the structured result does not say which of several it belongs to
        if items.iter().filter(|item| row::is_result(item)).count() > 1 {
            detail = Value::Null;
        }
        let mut said: Vec<(Option<&'static str>, Vec<Value>)> = Vec::new();
        for item in items {
            if row::is_result(&item) {
                self.push_result(item, detail.take(), ts, cwd.clone(), Some(span), line);
                continue;
            }
            let text = item.as_str().or_else(|| str_at(&item, "text"));
            let label = match (text, said.last()) {
                (Some(text), _) => row::label(&value, text),
                // an image belongs to the text around it
                (None, Some((label, _))) => *label,
                (None, None) => row::label(&value, ""),
            };
            match said.last_mut() {
                Some((last, items)) if *last == label => items.push(item),
                _ => said.push((label, vec![item])),
            }
        }
        for (label, items) in said {
            let (text, attachments) = text_and_attachments(Value::Array(items));
            let kind = if label.is_some() {
                StepKind::Context
            } else {
                StepKind::User
            };
            let step = Step {
                kind,
                label: label.map(str::to_owned),
                text,
                attachments,
                ts,
                raw_range: Some(span),
                ..Step::default()
            };
            self.add(line, step);
        }
    }

    fn push_result(
        &mut self,
        mut item: Value,
        detail: Value,
        ts: Option<Stamp>,
        cwd: Option<String>,
        span: Option<crate::model::Span>,
        line: usize,
    ) {
        let id = take_str(&mut item, "tool_use_id");
        let mut observation = Observation {
            parts: content_parts(take(&mut item, "content")),
            is_error: item.get("is_error").and_then(Value::as_bool),
            cwd,
            ts,
            ..Observation::default()
        };
        let place = id.as_ref().and_then(|id| self.calls.get(id)).copied();
        if let (Some(agent), Some((0, step, action))) = (str_at(&detail, "agentId"), place) {
            self.started
                .entry(agent.to_owned())
                .or_insert((step, action));
        }
        let action = place.and_then(|(line, step, action)| {
            let draft = self.lines.get_mut(line)?.get_mut(step)?;
            draft.step.actions.get_mut(action)
        });
        match action {
            Some(action) if action.observation.is_none() => {
                result::apply(action, &mut observation, detail);
                action.observation = Some(observation);
            }
            other => {
                // a resumed session repeats results; only a different one is news
                if other.is_some_and(|action| same_parts(action, &observation)) {
                    return;
                }
                let mut step = Step::context("tool_result", id.unwrap_or_default());
                if let Some(text) = crate::read::common::parts_text(&observation.parts) {
                    step.text = Some(text);
                }
                step.attachments = observation.parts;
                step.attachments
                    .retain(|part| !matches!(part, crate::model::Part::Text { .. }));
                step.ts = ts;
                step.raw_range = span;
                self.add(line, step);
            }
        }
    }
}

fn same_parts(action: &Action, other: &Observation) -> bool {
    action
        .observation
        .as_ref()
        .is_some_and(|seen| seen.parts == other.parts)
}

impl Draft {
    /// Adds a content block of a response that is no call.
    fn block(&mut self, mut item: Value) {
        let mut hasher = DefaultHasher::new();
        item.hash(&mut hasher);
        if !self.seen.insert(hasher.finish()) {
            return;
        }
        let kind = str_at(&item, "type").unwrap_or_default().to_owned();
        match kind.as_str() {
            "thinking" => self
                .reasoning
                .extend(take_str(&mut item, "thinking").filter(|text| !text.is_empty())),
            "redacted_thinking" => self.reasoning.push("(redacted)".to_owned()),
            _ => {
                let (text, attachments) = text_and_attachments(item);
                self.texts.extend(text.map(|text| text.to_string()));
                self.step.attachments.extend(attachments);
            }
        }
    }
}

fn finish_line(drafts: Vec<Draft>) -> Vec<Step> {
    let finish = |draft: Draft| {
        let Draft {
            mut step,
            texts,
            reasoning,
            ..
        } = draft;
        if step.kind == StepKind::Agent {
            let text = (!texts.is_empty()).then(|| texts.join("\n").into());
            if step.actions.is_empty() {
                step.text = text;
            } else {
                step.thought = text;
            }
            step.reasoning = (!reasoning.is_empty()).then(|| reasoning.join("\n").into());
        }
        step
    };
    drafts.into_iter().map(finish).collect()
}

fn call(mut item: Value) -> Action {
    let args = match take(&mut item, "input") {
        Value::String(text) => parse_embedded(text),
        args => args,
    };
    let id = take_str(&mut item, "id");
    Action::new(id, take_str(&mut item, "name").unwrap_or_default(), args)
}

/// `input_tokens` is what the cache did not serve; the model counts all.
fn tokens(usage: &Value) -> Option<Tokens> {
    let read = u64_at(usage, "cache_read_input_tokens");
    let write = u64_at(usage, "cache_creation_input_tokens");
    let fresh = u64_at(usage, "input_tokens");
    let parts = [fresh, read, write];
    let input = parts
        .iter()
        .flatten()
        .fold(0_u64, |sum, n| sum.saturating_add(*n));
    let tokens = Tokens {
        input: parts.iter().any(Option::is_some).then_some(input),
        output: u64_at(usage, "output_tokens"),
        cache_read: read,
        cache_write: write,
        reasoning: None,
    };
    (tokens != Tokens::default()).then_some(tokens)
}
