//! Chat messages to steps: the part that data sets, mini-swe-agent and ADP conversations share.
//!
//! One assistant message is one agent step. Calls come from `tool_calls`, `function_call` or `tool_use` parts; only a
//! conversation that has none of these anywhere may have its calls in the text (assistant messages only). Results join
//! by call id, else in order; in text protocols the message after a call is its result. Prefixes that a training
//! format puts before a result (`OBSERVATION:`, `EXECUTION RESULT of […]:`) are taken off.

use std::collections::BTreeSet;
use std::collections::HashMap;

use crate::model::Action;
use crate::model::Observation;
use crate::model::Part;
use crate::model::Span;
use crate::model::Stamp;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Value;
use crate::read::RESULT_DIVIDER;
use crate::read::chat::message::Call;
use crate::read::chat::message::has_structured_calls;
use crate::read::chat::message::is_agent;
use crate::read::chat::message::is_marked_result;
use crate::read::chat::message::is_text;
use crate::read::chat::message::json_calls;
use crate::read::chat::message::observation_of;
use crate::read::chat::message::part_is;
use crate::read::chat::message::role_of;
use crate::read::chat::message::split_think;
use crate::read::chat::message::take_agent_content;
use crate::read::chat::message::take_calls;
use crate::read::chat::message::take_content;
use crate::read::chat::message::text_of;
use crate::read::common;
use crate::read::json;
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

/// How calls were found to be written; the first of those seen names the variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Nebius,
    ToolCalls,
    Tags,
    Fences,
    Executes,
    FromValue,
}

impl Way {
    fn variant(self) -> &'static str {
        match self {
            Self::Nebius => "nebius",
            Self::ToolCalls => "tool-calls",
            Self::Tags => "text-calls",
            Self::Fences => "fenced",
            Self::Executes => "codeact",
            Self::FromValue => "sharegpt",
        }
    }
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
    seen: BTreeSet<Way>,
    /// Calls by id, newest last.
    by_id: HashMap<String, Vec<(usize, usize)>>,
    /// The newest step with actions.
    calling: Option<usize>,
    /// Actions of that step before this one have their results.
    answered: usize,
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
            self.seen.insert(Way::FromValue);
        }
        let role = role_of(&message).to_ascii_lowercase();
        let ts = message.get("timestamp").and_then(Stamp::parse);
        let before = self.steps.len();
        let place = match role.as_str() {
            "system" | "developer" => self.add_said(StepKind::System, &mut message),
            "user" | "human" => self.push_user(&mut message),
            role if is_agent(role) => self.push_agent(&mut message, role),
            "tool" | "function" | "observation" | "environment" | "ipython" | "tool_response"
            | "function_response" => self.push_result(&mut message, &role),
            _ => self.push_unknown(message, &role),
        };
        for step in self.steps.iter_mut().skip(before) {
            step.raw_range = span;
            step.ts = ts;
        }
        if let Place::Result(step, action) = place
            && let Some(step) = self.steps.get_mut(step)
            && let Some(action) = step.actions.get_mut(action)
            && let Some(observation) = &mut action.observation
        {
            observation.ts = ts;
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
        let variant = self.seen.first().map_or("plain", |way| way.variant());
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
            if (is_marked || is_answer)
                && let Ok(place) = self.attach(None, observation_of(parts.clone()))
            {
                return place;
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
        let parts = common::content_parts(take_content(message));
        if id.is_none()
            && let [Part::Text { text }] = parts.as_slice()
            && let Some(place) = self.push_divided(text, role)
        {
            return place;
        }
        let mut observation = observation_of(parts);
        observation.is_error = message.get("is_error").and_then(Value::as_bool);
        self.attach_or_keep(id.as_deref(), observation, role)
    }

    /// Attaches the results of several calls that one message holds; `None` when it is a single one.
    fn push_divided(&mut self, text: &str, role: &str) -> Option<Place> {
        let count = text.matches(RESULT_DIVIDER).count() + 1;
        let first = self.first_unanswered()?;
        let actions = self.steps.get(self.calling?)?.actions.get(first..)?;
        if count < 2 || actions.len() < count {
            return None;
        }
        let mut place = None;
        for piece in text.split(RESULT_DIVIDER) {
            let parts = common::content_parts(Value::String(piece.to_owned()));
            place = Some(self.attach_or_keep(None, observation_of(parts), role));
        }
        place
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
        if !calls.is_empty() {
            self.seen.insert(Way::ToolCalls);
        }
        let (text, attachments) = common::text_and_attachments(content);
        step.attachments = attachments;
        let mut text = text.map(|text| split_think(text, &mut step.reasoning));
        if calls.is_empty()
            && role == "function_call"
            && let Some((rest, found)) = text.as_deref().and_then(json_calls)
        {
            self.seen.insert(Way::FromValue);
            text = Some(rest.into());
            calls = found;
        }
        if calls.is_empty()
            && !self.style.has_tool_calls
            && let Some(said) = text.as_deref()
            && let Some((rest, found)) = self.calls_in_text(said, role)
        {
            text = Some(rest.into());
            calls = found;
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
    fn calls_in_text(&mut self, text: &str, role: &str) -> Option<(String, Vec<Call>)> {
        let (rest, tagged) = text_calls::split_calls(text);
        if !tagged.is_empty() {
            self.seen.insert(Way::Tags);
            let calls = tagged.into_iter().map(|(tool, args)| Call {
                id: None,
                tool,
                args,
            });
            return Some((rest, calls.collect()));
        }
        let block = text_calls::fenced_command(text)?;
        let is_execute = block.lang.starts_with("execute");
        if !is_execute && !self.style.is_fenced && !matches!(role, "ai" | "function_call") {
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
        self.seen.insert(match role {
            _ if is_execute => Way::Executes,
            "ai" => Way::Nebius,
            _ => Way::Fences,
        });
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
