//! Chat messages to steps: the part that data sets, mini-swe-agent and ADP conversations share.
//!
//! One assistant message is one agent step. Calls come from `tool_calls`, `function_call` or `tool_use` parts; only a
//! conversation that has none of these anywhere may have its calls in the text (assistant messages only). Results join
//! by call id, else in order; in text protocols the message after a call is its result. Prefixes that a training
//! format puts before a result (`OBSERVATION:`, `EXECUTION RESULT of […]:`) are taken off.

use std::collections::HashMap;

use crate::model::Action;
use crate::model::Observation;
use crate::model::Part;
use crate::model::Span;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Text;
use crate::model::Value;
use crate::read::common;
use crate::read::json;
use crate::read::mini_swe_agent;
use crate::read::swe_agent;
use crate::read::text_calls;

/// How a conversation writes its calls; told from all its messages before the first is read.
#[derive(Debug, Clone, Copy, Default)]
struct Style {
    /// Some message has structured calls, so text that looks like a call is talk.
    has_tool_calls: bool,
    /// Fenced blocks of assistant messages are commands.
    is_fenced: bool,
}

/// What the messages turned out to hold; names the variant.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    tool_calls: bool,
    tags: bool,
    fences: bool,
    executes: bool,
    from_value: bool,
    ai: bool,
}

/// Where a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::read) enum Place {
    /// It made the newest step.
    Step,
    /// It became the result of this action of this step.
    Result(usize, usize),
}

/// Builds steps from messages.
#[derive(Debug, Default)]
pub(in crate::read) struct Conversation {
    steps: Vec<Step>,
    style: Style,
    seen: Seen,
    /// Calls by id, newest last.
    by_id: HashMap<String, Vec<(usize, usize)>>,
    /// The newest step with actions.
    calling: Option<usize>,
    /// Actions of that step before this one have their results.
    answered: usize,
}

/// A call before it is an action.
struct Call {
    id: Option<String>,
    tool: String,
    args: Value,
}

impl Conversation {
    /// Starts a conversation whose messages are `messages`, looking at all of them to tell how calls are written.
    pub(in crate::read) fn new<'a>(messages: impl Iterator<Item = &'a Value> + Clone) -> Self {
        Self {
            style: Style {
                has_tool_calls: messages.clone().any(has_structured_calls),
                is_fenced: is_fenced(messages),
            },
            ..Self::default()
        }
    }

    /// Adds a message; `span` are its bytes where messages are rows of their own.
    pub(in crate::read) fn push(&mut self, message: Value, span: Option<Span>) -> Place {
        let mut message = match message {
            Value::String(text) => json::parse_embedded(text),
            other => other,
        };
        if message.get("from").is_some() && message.get("role").is_none() {
            self.seen.from_value = true;
        }
        let role = role_of(&message).to_ascii_lowercase();
        let before = self.steps.len();
        let place = match role.as_str() {
            "system" | "developer" => self.add_said(StepKind::System, &mut message),
            "user" | "human" => self.push_user(&mut message),
            "assistant" | "ai" | "gpt" | "model" | "bot" | "agent" | "function_call" => {
                self.seen.ai |= role == "ai";
                self.push_agent(&mut message, &role)
            }
            "tool" | "function" | "observation" | "environment" | "ipython" | "tool_response"
            | "function_response" => self.push_result(&mut message, &role),
            _ => self.push_unknown(message, &role),
        };
        for step in self.steps.iter_mut().skip(before) {
            step.raw_range = span;
        }
        place
    }

    /// The steps so far, for readers that add what only they know.
    pub(in crate::read) fn steps_mut(&mut self) -> &mut Vec<Step> {
        &mut self.steps
    }

    /// Adds a step that comes from elsewhere than a message.
    pub(in crate::read) fn push_step(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// The layout's name, and the steps.
    pub(in crate::read) fn finish(self) -> (&'static str, Vec<Step>) {
        let seen = self.seen;
        let variant = if seen.ai && seen.fences {
            "nebius"
        } else if seen.tool_calls {
            "tool-calls"
        } else if seen.tags {
            "text-calls"
        } else if seen.fences {
            "fenced"
        } else if seen.executes {
            "codeact"
        } else if seen.from_value {
            "sharegpt"
        } else {
            "plain"
        };
        (variant, self.steps)
    }

    fn add_said(&mut self, kind: StepKind, message: &mut Value) -> Place {
        let (text, attachments) = common::text_and_attachments(take_content(message));
        let mut step = Step::new(kind);
        step.text = text;
        step.attachments = attachments;
        self.steps.push(step);
        Place::Step
    }

    fn push_unknown(&mut self, mut message: Value, role: &str) -> Place {
        let label = if role.is_empty() { "message" } else { role };
        let (text, attachments) = common::text_and_attachments(take_content(&mut message));
        let text = match text {
            Some(text) => text,
            None => message.to_string().into(),
        };
        let mut step = Step::context(label, text);
        step.attachments = attachments;
        self.steps.push(step);
        Place::Step
    }

    fn push_user(&mut self, message: &mut Value) -> Place {
        let content = take_content(message);
        let content = match content {
            Value::Array(parts) if parts.iter().any(|part| part_is(part, "tool_result")) => {
                match self.push_result_parts(parts) {
                    (Some(place), rest) if rest.is_empty() => return place,
                    (_, rest) => Value::Array(rest),
                }
            }
            other => other,
        };
        let parts = common::content_parts(content);
        let style = self.style;
        if let Some(tool) = self.awaiting() {
            let is_marked = parts.iter().any(|part| match part {
                Part::Text { text } => is_marked_result(text),
                _ => false,
            });
            let is_answer = !style.has_tool_calls && tool != "finish";
            if is_marked || is_answer {
                if let Ok(place) = self.attach(None, observation_of(parts.clone())) {
                    return place;
                }
            }
        }
        let mut step = Step::new(StepKind::User);
        step.text = common::parts_text(&parts);
        step.attachments = parts.into_iter().filter(|part| !is_text(part)).collect();
        self.steps.push(step);
        Place::Step
    }

    /// Attaches the `tool_result` parts of a message and gives back the others, and the place of the last result.
    fn push_result_parts(&mut self, parts: Vec<Value>) -> (Option<Place>, Vec<Value>) {
        let mut rest = Vec::new();
        let mut place = None;
        for mut part in parts {
            if !part_is(&part, "tool_result") {
                rest.push(part);
                continue;
            }
            let id = common::take_str(&mut part, "tool_use_id");
            let mut observation =
                observation_of(common::content_parts(common::take(&mut part, "content")));
            observation.is_error = part.get("is_error").and_then(Value::as_bool);
            place = Some(self.attach_or_keep(id.as_deref(), observation, "tool_result"));
        }
        (place, rest)
    }

    fn push_result(&mut self, message: &mut Value, role: &str) -> Place {
        let id = common::take_str(message, "tool_call_id");
        let mut observation = observation_of(common::content_parts(take_content(message)));
        observation.is_error = message.get("is_error").and_then(Value::as_bool);
        self.attach_or_keep(id.as_deref(), observation, role)
    }

    fn attach_or_keep(&mut self, id: Option<&str>, observation: Observation, label: &str) -> Place {
        match self.attach(id, observation) {
            Ok(place) => place,
            Err(observation) => {
                let text = common::parts_text(&observation.parts).unwrap_or_default();
                let mut step = Step::context(label, text);
                let rest = observation.parts.into_iter();
                step.attachments = rest.filter(|part| !is_text(part)).collect();
                self.steps.push(step);
                Place::Step
            }
        }
    }

    /// The tool of the first unanswered call, when the newest step has one.
    fn awaiting(&mut self) -> Option<&str> {
        let newest = self.steps.len().checked_sub(1)?;
        if self.calling != Some(newest) {
            return None;
        }
        let action = self.first_unanswered()?;
        let step = self.steps.get(newest)?;
        step.actions.get(action).map(|action| action.tool.as_str())
    }

    /// The first call of the newest calling step that has no result.
    fn first_unanswered(&mut self) -> Option<usize> {
        let actions = &self.steps.get(self.calling?)?.actions;
        while actions.get(self.answered)?.observation.is_some() {
            self.answered += 1;
        }
        Some(self.answered)
    }

    /// Like [`common::attach`], with the calls indexed by id. An id that no open call has falls back on the order.
    fn attach(&mut self, id: Option<&str>, observation: Observation) -> Result<Place, Observation> {
        let known = id.and_then(|id| self.by_id.get_mut(id)).and_then(Vec::pop);
        let place = known.or_else(|| {
            let action = self.first_unanswered()?;
            Some((self.calling?, action))
        });
        let slot = place.and_then(|(step, action)| {
            let slot = self.steps.get_mut(step)?.actions.get_mut(action)?;
            slot.observation.is_none().then_some((slot, step, action))
        });
        match slot {
            Some((slot, step, action)) => {
                slot.observation = Some(observation);
                Ok(Place::Result(step, action))
            }
            None => Err(observation),
        }
    }

    fn push_agent(&mut self, message: &mut Value, role: &str) -> Place {
        let mut calls = take_calls(message);
        let mut step = Step::new(StepKind::Agent);
        let content = take_agent_content(message, &mut calls, &mut step);
        self.seen.tool_calls |= !calls.is_empty();
        let (text, attachments) = common::text_and_attachments(content);
        step.attachments = attachments;
        let mut text = text.map(|text| split_think(text, &mut step.reasoning));
        if calls.is_empty() && !self.style.has_tool_calls {
            if let Some((rest, found)) = text
                .as_deref()
                .and_then(|text| self.calls_in_text(text, role == "ai" || role == "function_call"))
            {
                text = Some(rest.into());
                calls = found;
            }
        }
        let text = text.filter(|text| !text.is_empty());
        if calls.is_empty() {
            step.text = text;
        } else {
            step.thought = text;
        }
        let ix = self.steps.len();
        for (place, call) in calls.into_iter().enumerate() {
            if let Some(id) = &call.id {
                self.by_id.entry(id.clone()).or_default().push((ix, place));
            }
            step.actions
                .push(Action::new(call.id, call.tool, call.args));
        }
        if !step.actions.is_empty() {
            self.calling = Some(ix);
            self.answered = 0;
        }
        self.steps.push(step);
        Place::Step
    }

    /// The calls that a message makes in its text, with the text around them.
    fn calls_in_text(&mut self, text: &str, is_call: bool) -> Option<(String, Vec<Call>)> {
        let (rest, tagged) = text_calls::split_calls(text);
        if !tagged.is_empty() {
            self.seen.tags = true;
            let calls = tagged.into_iter().map(|(tool, args)| Call {
                id: None,
                tool,
                args,
            });
            return Some((rest, calls.collect()));
        }
        let block = text_calls::fenced_command(text)?;
        let is_execute = block.lang.starts_with("execute");
        if !is_execute && !self.style.is_fenced && !is_call {
            return None;
        }
        let around = block.around();
        let tool = if is_execute {
            block.lang
        } else if text_calls::is_shell_lang(&block.lang) {
            "bash".to_owned()
        } else {
            swe_agent::tool_of(&block.command).to_owned()
        };
        self.seen.executes |= is_execute;
        self.seen.fences |= !is_execute;
        let key = if matches!(
            tool.as_str(),
            "execute" | "execute_ipython" | "execute_browse"
        ) {
            "code"
        } else {
            "command"
        };
        let args = serde_json::json!({ key: block.command });
        Some((
            around,
            vec![Call {
                id: None,
                tool,
                args,
            }],
        ))
    }
}

/// The role of a message in any spelling; empty when it has none.
pub(in crate::read) fn role_of(message: &Value) -> &str {
    common::str_at(message, "role")
        .or_else(|| common::str_at(message, "from"))
        .unwrap_or_default()
}

/// Whether a value looks like a message: a role and something said or called.
pub(in crate::read) fn is_message(value: &Value) -> bool {
    const SAID: [&str; 7] = [
        "content",
        "text",
        "value",
        "system_prompt",
        "tool_calls",
        "function_call",
        "reasoning_content",
    ];
    !role_of(value).is_empty() && SAID.iter().any(|key| value.get(key).is_some())
}

/// The text of a message, borrowed; of a list of parts the first text.
pub(in crate::read) fn text_of(message: &Value) -> Option<&str> {
    ["content", "text", "value", "system_prompt"]
        .into_iter()
        .filter_map(|key| message.get(key))
        .find_map(|content| match content {
            Value::String(text) => Some(text.as_str()),
            Value::Array(parts) => parts.iter().find_map(|part| common::str_at(part, "text")),
            _ => None,
        })
}

fn take_content(message: &mut Value) -> Value {
    ["content", "text", "value", "system_prompt"]
        .into_iter()
        .map(|key| common::take(message, key))
        .find(|content| !content.is_null())
        .unwrap_or_default()
}

/// Takes the content of an assistant message, with its reasoning and `tool_use` parts sorted out of it.
fn take_agent_content(message: &mut Value, calls: &mut Vec<Call>, step: &mut Step) -> Value {
    step.reasoning = ["reasoning_content", "reasoning", "thinking"]
        .into_iter()
        .find_map(|key| common::take_text(message, key));
    let content = take_content(message);
    let Value::Array(parts) = content else {
        return content;
    };
    let mut rest = Vec::new();
    for mut part in parts {
        if part_is(&part, "tool_use") {
            calls.extend(call_of(&mut part));
        } else if part_is(&part, "thinking") || part_is(&part, "reasoning") {
            let thought = ["thinking", "reasoning", "text"]
                .into_iter()
                .find_map(|key| common::take_text(&mut part, key));
            step.reasoning = step.reasoning.take().or(thought);
        } else {
            rest.push(part);
        }
    }
    Value::Array(rest)
}

fn part_is(part: &Value, kind: &str) -> bool {
    common::str_at(part, "type") == Some(kind)
}

fn is_text(part: &Part) -> bool {
    matches!(part, Part::Text { .. })
}

/// Takes the structured calls of a message: a list, a text that holds one, or the older single `function_call`.
fn take_calls(message: &mut Value) -> Vec<Call> {
    let list = match common::take(message, "tool_calls") {
        Value::String(text) => json::parse_embedded(text),
        other => other,
    };
    let mut calls: Vec<Call> = match list {
        Value::Array(items) => items
            .into_iter()
            .filter_map(|item| match item {
                Value::String(text) => call_of(&mut json::parse_embedded(text)),
                mut item => call_of(&mut item),
            })
            .collect(),
        mut item @ Value::Object(_) => call_of(&mut item).into_iter().collect(),
        _ => Vec::new(),
    };
    if calls.is_empty() {
        let mut single = common::take(message, "function_call");
        calls.extend(call_of(&mut single));
    }
    calls
}

/// A call in any spelling: `{id, function{name, arguments}}`, `{id, name, arguments | input | args}`.
fn call_of(item: &mut Value) -> Option<Call> {
    if !item.is_object() {
        return None;
    }
    let id = ["id", "call_id", "tool_call_id"]
        .into_iter()
        .find_map(|key| common::take_str(item, key))
        .filter(|id| !id.is_empty());
    let mut function = match common::take(item, "function") {
        Value::String(name) => {
            return Some(Call {
                id,
                tool: name,
                args: take_args(item),
            });
        }
        Value::Null => item.take(),
        function => function,
    };
    let tool = ["name", "tool_name", "tool"]
        .into_iter()
        .find_map(|key| common::take_str(&mut function, key))
        .unwrap_or_default();
    let args = take_args(&mut function);
    Some(Call { id, tool, args })
}

fn take_args(function: &mut Value) -> Value {
    let args = ["arguments", "input", "args", "parameters"]
        .into_iter()
        .map(|key| common::take(function, key))
        .find(|args| !args.is_null());
    match args {
        Some(Value::String(text)) => json::parse_embedded(text),
        Some(args) => args,
        None => Value::Null,
    }
}

fn has_structured_calls(message: &Value) -> bool {
    let has_list = |key: &str| match message.get(key) {
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::String(text)) => text.trim_start().starts_with("[{"),
        Some(Value::Object(_)) => true,
        _ => false,
    };
    has_list("tool_calls")
        || has_list("function_call")
        || matches!(message.get("content"), Some(Value::Array(parts))
            if parts.iter().any(|part| part_is(part, "tool_use")))
}

/// Whether commands are fenced: the prompt asks for it, or what follows a fenced block is marked as a result.
fn is_fenced<'a>(messages: impl Iterator<Item = &'a Value>) -> bool {
    let mut has_fence = false;
    for message in messages {
        let text = text_of(message).unwrap_or_default();
        match role_of(message) {
            "ai" if text.contains("```") => return true,
            "assistant" | "gpt" => has_fence = text.contains("\n```") || text.starts_with("```"),
            "system" if asks_for_fences(text) => return true,
            "user" | "human" => {
                if has_fence && (is_marked_result(text) || text.contains("\n(Current directory:")) {
                    return true;
                }
                has_fence = false;
            }
            _ => {}
        }
    }
    false
}

fn asks_for_fences(prompt: &str) -> bool {
    [
        "mswea_bash_command",
        "bash code block",
        "_DISCUSSION AND COMMAND",
        "fields; discussion and command",
    ]
    .iter()
    .any(|mark| prompt.contains(mark))
}

/// Whether a text says of itself that it is the result of a call.
pub(in crate::read) fn is_marked_result(text: &str) -> bool {
    result_prefix(text).is_some()
        || text.starts_with("<returncode>")
        || text.starts_with("<exception>")
}

/// The length of the prefix that marks a result.
fn result_prefix(text: &str) -> Option<usize> {
    for mark in ["OBSERVATION:", "Observation:"] {
        if let Some(rest) = text.strip_prefix(mark) {
            let white = rest.starts_with(['\n', ' ']);
            return Some(mark.len() + usize::from(white));
        }
    }
    let body = text.strip_prefix("EXECUTION RESULT of [")?;
    let (tool, rest) = body.split_once("]:")?;
    if tool.len() > 128 || tool.contains('\n') {
        return None;
    }
    let rest = rest.strip_prefix('\n').unwrap_or(rest);
    Some(text.len() - rest.len())
}

/// A result without its prefix; mini-swe-agent's wrapper is opened.
pub(in crate::read) fn observation_of(parts: Vec<Part>) -> Observation {
    let mut observation = Observation {
        parts,
        ..Observation::default()
    };
    let Some(Part::Text { text }) = observation.parts.iter_mut().find(|part| is_text(part)) else {
        return observation;
    };
    if let Some(len) = result_prefix(text) {
        let bare: Text = text.get(len..).unwrap_or_default().into();
        *text = bare;
    }
    let (code, output) = mini_swe_agent::unwrap_result(text);
    if let Some(output) = output.map(Text::from) {
        *text = output;
    }
    observation.exit_code = code;
    observation.parts.retain(|part| match part {
        Part::Text { text } => !text.is_empty(),
        _ => true,
    });
    observation
}

/// Splits a `<think>` block off the start of a message into `reasoning`; also one whose opening tag the chat template
/// wrote and the record left out.
fn split_think(text: Text, reasoning: &mut Option<Text>) -> Text {
    let trimmed = text.trim_start();
    let body = trimmed.strip_prefix("<think>").unwrap_or(trimmed);
    let Some((thought, rest)) = body.split_once("</think>") else {
        return text;
    };
    if thought.contains("<think>") {
        return text;
    }
    let thought = thought.trim();
    if reasoning.is_none() && !thought.is_empty() {
        *reasoning = Some(thought.into());
    } else if reasoning
        .as_deref()
        .is_some_and(|known| known.trim() != thought)
        && !thought.is_empty()
    {
        // two different reasonings: the one in the text stays in the text
        return text;
    }
    rest.trim_start().into()
}
