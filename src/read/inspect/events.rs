//! Events of a sample: when steps happened and what they cost, the conversation where messages are missing, sub-agents.
//!
//! A sub-agent is a stretch of events with model calls of its own: events nested in a tool or subtask event (old logs),
//! or below a tool's span (new ones). Agents that hand over write into the main conversation; these are no children.

use std::collections::HashMap;
use std::collections::HashSet;

use super::attachments::Attachments;
use super::messages;
use super::score;
use crate::model::Child;
use crate::model::ChildKind;
use crate::model::Stamp;
use crate::model::StepKind;
use crate::model::Tokens;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::common::f64_at;
use crate::read::common::str_at;
use crate::read::common::take;
use crate::read::common::take_array;

/// What the events of a sample gave.
pub(super) struct Events {
    models: Vec<ModelCall>,
    tools: HashMap<String, ToolRun>,
    groups: Vec<Group>,
    /// All messages of the main line in the order in which model calls saw and wrote them.
    pub(super) conversation: Vec<Value>,
}

struct ModelCall {
    message_id: Option<String>,
    first_call: Option<String>,
    ts: Option<Stamp>,
    latency_s: Option<f64>,
    tokens: Option<Tokens>,
}

struct ToolRun {
    duration_s: Option<f64>,
    completed: Option<Stamp>,
}

/// The events of one sub-agent.
struct Group {
    name: String,
    call_id: Option<String>,
    ts: Option<Stamp>,
    messages: Vec<Value>,
    models: Vec<ModelCall>,
}

/// Messages of the pool that ranges name (`[[0,6],[8,9]]`, ends excluded), as long as `budget` lasts: ranges may name
/// the same messages again and again.
pub(super) fn in_pool<'a>(
    refs: &'a [Value],
    pool: &'a [Value],
    budget: &'a mut usize,
) -> impl Iterator<Item = &'a Value> {
    let range = |range: &Value| {
        let end = |ix: usize| {
            range
                .get(ix)
                .and_then(Value::as_u64)
                .and_then(|n| usize::try_from(n).ok())
        };
        pool.get(end(0)?..end(1)?.min(pool.len()))
    };
    let named = refs.iter().filter_map(range).flatten();
    named.take_while(move |_| {
        let has_room = *budget > 0;
        *budget = budget.saturating_sub(1);
        has_room
    })
}

/// Reads all events; `main_ids` are the messages and calls of the main conversation.
pub(super) fn read(raw: Vec<Value>, pool: &[Value], main_ids: &HashSet<String>) -> Events {
    let spans = Spans::of(&raw);
    let mut reader = EventReader {
        pool,
        budget: pool.len().saturating_mul(64).max(1 << 20),
        main: Collector::default(),
        tools: HashMap::new(),
        groups: Vec::new(),
        by_span: HashMap::new(),
    };
    for event in raw {
        reader.push(event, &spans, main_ids);
    }
    let by_span = reader
        .groups
        .into_iter()
        .filter(|group| !group.models.is_empty());
    Events {
        groups: by_span.collect(),
        conversation: reader.main.messages,
        models: reader.main.models,
        tools: reader.tools,
    }
}

/// The tree of spans, and which call each tool span belongs to.
#[derive(Default)]
struct Spans {
    /// For each span its outermost tool (or called agent) span, if it is in one.
    root: HashMap<String, String>,
    name: HashMap<String, String>,
    call: HashMap<String, String>,
}

impl Spans {
    fn of(events: &[Value]) -> Self {
        let mut spans = Self::default();
        // tool events and tool spans come in the same order for each tool
        let mut waiting: HashMap<(String, String), Vec<String>> = HashMap::new();
        for event in events {
            if str_at(event, "event") == Some("tool") {
                let Some(id) = str_at(event, "id") else {
                    continue;
                };
                if let Some(span) = str_at(event, "agent_span_id") {
                    spans.call.insert(span.to_owned(), id.to_owned());
                }
                let text = |key: &str| str_at(event, key).unwrap_or_default().to_owned();
                waiting
                    .entry((text("span_id"), text("function")))
                    .or_default()
                    .push(id.to_owned());
            }
        }
        for ids in waiting.values_mut() {
            ids.reverse();
        }
        for event in events {
            if str_at(event, "event") != Some("span_begin") {
                continue;
            }
            let Some(id) = str_at(event, "id").map(str::to_owned) else {
                continue;
            };
            let parent = str_at(event, "parent_id").unwrap_or_default().to_owned();
            let name = str_at(event, "name").unwrap_or_default().to_owned();
            let is_tool = str_at(event, "type") == Some("tool");
            if is_tool && !spans.call.contains_key(&id) {
                let ids = waiting.get_mut(&(parent.clone(), name.clone()));
                spans
                    .call
                    .extend(ids.and_then(Vec::pop).map(|call| (id.clone(), call)));
            }
            let outer = spans.root.get(&parent).cloned();
            let is_called = is_tool || spans.call.contains_key(&id);
            if let Some(root) = outer.or_else(|| is_called.then(|| id.clone())) {
                spans.root.insert(id.clone(), root);
            }
            spans.name.insert(id, name);
        }
        spans
    }
}

/// Collects one conversation from model calls: each message once, in the order of first sight.
#[derive(Default)]
struct Collector {
    messages: Vec<Value>,
    seen: HashSet<String>,
    models: Vec<ModelCall>,
}

impl Collector {
    fn hear(&mut self, message: &Value) {
        if self.seen.insert(messages::key(message)) {
            self.messages.push(message.clone());
        }
    }
}

struct EventReader<'a> {
    pool: &'a [Value],
    budget: usize,
    main: Collector,
    tools: HashMap<String, ToolRun>,
    groups: Vec<Group>,
    by_span: HashMap<String, (usize, Collector)>,
}

impl EventReader<'_> {
    fn push(&mut self, mut event: Value, spans: &Spans, main_ids: &HashSet<String>) {
        match str_at(&event, "event") {
            Some("model") => {
                let root = str_at(&event, "span_id")
                    .and_then(|span| spans.root.get(span))
                    .cloned();
                let output = event.pointer("/output/choices/0/message");
                let is_main = output.is_some_and(|message| is_of(message, main_ids));
                if let Some(root) = root.filter(|_| !is_main) {
                    self.push_to_span(&root, event, spans);
                } else {
                    let mut main = std::mem::take(&mut self.main);
                    self.model(&mut main, event);
                    self.main = main;
                }
            }
            Some("tool") => {
                let nested = take_array(&mut event, "events");
                let id = str_at(&event, "id").map(str::to_owned);
                let name = str_at(&event, "function").unwrap_or("tool").to_owned();
                let run = ToolRun {
                    duration_s: f64_at(&event, "working_time"),
                    completed: event.get("completed").and_then(Stamp::parse),
                };
                self.tools.extend(id.clone().map(|id| (id, run)));
                self.nested(
                    &name,
                    id,
                    event.get("timestamp").and_then(Stamp::parse),
                    nested,
                    main_ids,
                );
            }
            Some("subtask") => {
                let nested = take_array(&mut event, "events");
                let name = str_at(&event, "name").unwrap_or("subtask").to_owned();
                self.nested(
                    &name,
                    None,
                    event.get("timestamp").and_then(Stamp::parse),
                    nested,
                    main_ids,
                );
            }
            _ => {}
        }
    }

    fn push_to_span(&mut self, root: &str, event: Value, spans: &Spans) {
        let known = self.by_span.remove(root);
        let (ix, mut collector) = known.unwrap_or_else(|| {
            self.groups.push(Group {
                name: spans.name.get(root).cloned().unwrap_or_default(),
                call_id: spans.call.get(root).cloned(),
                ts: event.get("timestamp").and_then(Stamp::parse),
                messages: Vec::new(),
                models: Vec::new(),
            });
            (self.groups.len() - 1, Collector::default())
        });
        self.model(&mut collector, event);
        if let Some(group) = self.groups.get_mut(ix) {
            group.messages.append(&mut collector.messages);
            group.models.append(&mut collector.models);
        }
        self.by_span.insert(root.to_owned(), (ix, collector));
    }

    /// Events inside an event, at any depth, as one sub-agent; tools called in it give their times.
    fn nested(
        &mut self,
        name: &str,
        call_id: Option<String>,
        ts: Option<Stamp>,
        events: Vec<Value>,
        main_ids: &HashSet<String>,
    ) {
        let mut collector = Collector::default();
        let mut stack: Vec<Value> = events.into_iter().rev().collect();
        while let Some(mut event) = stack.pop() {
            match str_at(&event, "event") {
                Some("model") => {
                    let output = event.pointer("/output/choices/0/message");
                    if !output.is_some_and(|message| is_of(message, main_ids)) {
                        self.model(&mut collector, event);
                    }
                }
                Some("tool" | "subtask") => {
                    let run = ToolRun {
                        duration_s: f64_at(&event, "working_time"),
                        completed: event.get("completed").and_then(Stamp::parse),
                    };
                    self.tools
                        .extend(str_at(&event, "id").map(|id| (id.to_owned(), run)));
                    stack.extend(take_array(&mut event, "events").into_iter().rev());
                }
                _ => {}
            }
        }
        if !collector.models.is_empty() {
            self.groups.push(Group {
                name: name.to_owned(),
                call_id,
                ts,
                messages: collector.messages,
                models: collector.models,
            });
        }
    }

    fn model(&mut self, collector: &mut Collector, mut event: Value) {
        let input = take_array(&mut event, "input");
        for message in &input {
            collector.hear(message);
        }
        let refs = take_array(&mut event, "input_refs");
        for message in in_pool(&refs, self.pool, &mut self.budget) {
            collector.hear(message);
        }
        let mut output = take(&mut event, "output");
        let usage = output.get("usage").and_then(score::tokens);
        let latency_s = f64_at(&output, "time").or_else(|| f64_at(&event, "working_time"));
        let choice = take_array(&mut output, "choices").into_iter().next();
        let message = choice
            .map(|mut choice| take(&mut choice, "message"))
            .filter(Value::is_object);
        let Some(message) = message else { return };
        collector.hear(&message);
        collector.models.push(ModelCall {
            message_id: str_at(&message, "id").map(str::to_owned),
            first_call: message
                .pointer("/tool_calls/0/id")
                .and_then(Value::as_str)
                .map(str::to_owned),
            ts: event.get("timestamp").and_then(Stamp::parse),
            latency_s,
            tokens: usage,
        });
    }
}

/// Whether a message is one of the main conversation: by its id, or by its calls in old logs.
fn is_of(message: &Value, ids: &HashSet<String>) -> bool {
    let by_id = str_at(message, "id").is_some_and(|id| ids.contains(id));
    let call = message.pointer("/tool_calls/0/id").and_then(Value::as_str);
    by_id || call.is_some_and(|id| ids.contains(id))
}

impl Events {
    /// Fills times and tokens of the steps and adds the sub-agents.
    pub(super) fn apply(
        self,
        trajectory: &mut Trajectory,
        message_ids: &[Option<String>],
        attachments: &mut Attachments,
    ) {
        time_steps(trajectory, message_ids, &self.models, &self.tools);
        let places = Places::of(trajectory);
        for group in self.groups {
            add_child(trajectory, group, &self.tools, &places, attachments);
        }
    }
}

/// Where calls and moments lie in the main line.
struct Places {
    of_call: HashMap<String, (usize, usize)>,
    stamps: Vec<(i64, usize)>,
}

impl Places {
    fn of(trajectory: &Trajectory) -> Self {
        let mut places = Self {
            of_call: HashMap::new(),
            stamps: Vec::new(),
        };
        for (at, step) in trajectory.steps.iter().enumerate() {
            places.stamps.extend(step.ts.map(|ts| (ts.ms, at)));
            let calls = step.actions.iter().enumerate();
            let ids = calls.filter_map(|(ix, action)| Some((action.call_id.clone()?, (at, ix))));
            places.of_call.extend(ids);
        }
        places.stamps.sort_unstable();
        places
    }

    /// The newest step that began by then.
    fn step_at(&self, ts: Stamp) -> Option<usize> {
        let end = self.stamps.partition_point(|(ms, _)| *ms <= ts.ms);
        self.stamps.get(end.checked_sub(1)?).map(|(_, at)| *at)
    }
}

fn time_steps(
    trajectory: &mut Trajectory,
    message_ids: &[Option<String>],
    models: &[ModelCall],
    tools: &HashMap<String, ToolRun>,
) {
    let mut by_id: HashMap<&str, usize> = HashMap::new();
    for (ix, model) in models.iter().enumerate() {
        for id in [&model.message_id, &model.first_call].into_iter().flatten() {
            by_id.entry(id).or_insert(ix);
        }
    }
    let has_all = trajectory.agent_steps() == models.len();
    let mut nth = 0;
    for (step, message_id) in trajectory.steps.iter_mut().zip(message_ids) {
        if step.kind != StepKind::Agent {
            continue;
        }
        let call = step
            .actions
            .first()
            .and_then(|action| action.call_id.as_deref());
        let told = [message_id.as_deref(), call];
        let ix = told
            .into_iter()
            .flatten()
            .find_map(|id| by_id.get(id))
            .copied();
        let ix = ix.or_else(|| has_all.then_some(nth));
        nth += 1;
        if let Some(model) = ix.and_then(|ix| models.get(ix)) {
            step.ts = model.ts;
            step.latency_s = model.latency_s;
            step.tokens = model.tokens;
        }
        for action in &mut step.actions {
            let run = action.call_id.as_deref().and_then(|id| tools.get(id));
            if let (Some(run), Some(observation)) = (run, &mut action.observation) {
                observation.duration_s = run.duration_s;
                observation.ts = run.completed;
            }
        }
    }
}

fn add_child(
    trajectory: &mut Trajectory,
    group: Group,
    tools: &HashMap<String, ToolRun>,
    places: &Places,
    attachments: &mut Attachments,
) {
    let Group {
        name,
        call_id,
        ts,
        mut messages,
        models,
    } = group;
    for message in &mut messages {
        attachments.resolve(message);
    }
    let conversation = messages::build(messages);
    let mut child = Trajectory {
        source: trajectory.source.clone(),
        run_id: trajectory.run_id.clone(),
        model: conversation.model.or_else(|| trajectory.model.clone()),
        agent: Some(name.clone()),
        steps: conversation.steps,
        ..Trajectory::default()
    };
    time_steps(&mut child, &conversation.message_ids, &models, tools);
    let ix = trajectory.children.len();
    let place = call_id.and_then(|id| places.of_call.get(&id)).copied();
    let call = place.and_then(|(at, ix)| trajectory.steps.get_mut(at)?.actions.get_mut(ix));
    if let Some(call) = call {
        call.child.get_or_insert(ix);
    }
    let at_step = place.map(|(at, _)| at).or_else(|| places.step_at(ts?));
    trajectory.children.push(Child {
        kind: ChildKind::SubAgent,
        title: name,
        at_step,
        trajectory: child,
    });
}
