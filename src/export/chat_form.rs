//! A trajectory as chat messages: the recorded ones where a record carries some, else made from its steps.
//!
//! Recorded messages are passed on verbatim (a table's null fields aside). Made messages follow `OpenAI`'s form: one
//! assistant message a response with all its calls, one `tool` message a result. Every message knows its step, so that
//! masks find their turn. What a message cannot say is a [`Loss`].

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::export::Loss;
use crate::export::Refusal;
use crate::export::Subject;
use crate::export::chat_form::once::Once;
use crate::model::Action;
use crate::model::Format;
use crate::model::Observation;
use crate::model::Part;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Trajectory;
use crate::read::Verbatim;
use crate::read::json::parse_embedded;
use crate::review::Mask;

mod once;

/// A message and the step that it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// The message.
    pub message: Value,
    /// `idx` of its step; `None` where recorded messages and steps could not be matched.
    pub step: Option<usize>,
}

impl Turn {
    /// The message's role.
    pub fn role(&self) -> &str {
        self.message
            .get("role")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Its text; text parts joined.
    pub fn text(&self) -> String {
        content_text(self.message.get("content").unwrap_or(&Value::Null))
    }

    /// Its calls: id, name, arguments as an object where they are one.
    pub fn calls(&self) -> Vec<(String, String, Value)> {
        let calls = self.message.get("tool_calls").and_then(Value::as_array);
        calls
            .into_iter()
            .flatten()
            .map(|call| {
                let text = |value: Option<&Value>| {
                    value.and_then(Value::as_str).unwrap_or_default().to_owned()
                };
                let function = call.get("function").unwrap_or(call);
                let arguments = match function.get("arguments") {
                    Some(Value::String(text)) => parse_embedded(text.clone()),
                    Some(other) => other.clone(),
                    None => json!({}),
                };
                (text(call.get("id")), text(function.get("name")), arguments)
            })
            .collect()
    }
}

/// A conversation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chat {
    /// Its messages in order.
    pub turns: Vec<Turn>,
    /// The tools' descriptions, `OpenAI`'s form; empty where the record has none.
    pub tools: Vec<Value>,
    /// What the messages do not say of the record.
    pub losses: Vec<Loss>,
}

impl Chat {
    /// Takes the messages alone.
    pub fn take_messages(&mut self) -> Vec<Value> {
        let turns = std::mem::take(&mut self.turns);
        turns.into_iter().map(|turn| turn.message).collect()
    }

    /// Leaves out the turns of dropped steps and marks each turn of the assistant with whether it is trained on
    /// (`key`), where any step has a mask.
    ///
    /// # Errors
    /// When the record has masks and its messages could not be matched with its steps.
    pub fn apply_masks(&mut self, subject: &Subject<'_>, key: &str) -> Result<(), Refusal> {
        if subject.masks.is_empty() {
            return Ok(());
        }
        if self.turns.iter().any(|turn| turn.step.is_none()) {
            return Err(Refusal::new(
                "has step masks, and its recorded messages do not match its steps",
            ));
        }
        let mask = |turn: &Turn| turn.step.map_or(Mask::Train, |step| subject.mask(step));
        self.turns.retain(|turn| mask(turn) != Mask::Drop);
        for turn in &mut self.turns {
            let is_trained = turn.role() == "assistant" && mask(turn) == Mask::Train;
            if let Some(fields) = turn.message.as_object_mut() {
                fields.insert(key.to_owned(), json!(is_trained));
            }
        }
        Ok(())
    }
}

/// The text of content: itself, or its text parts joined by line breaks.
pub(super) fn content_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| match part {
                Value::String(text) => Some(text.as_str()),
                part => part.get("text").and_then(Value::as_str),
            });
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// See [`Subject::recorded`].
pub(super) fn recorded(subject: &mut Subject<'_>) -> Result<Chat, Refusal> {
    // what is no JSON is told as what it is to those who parse nothing else
    if let Ok(Some(once)) = once::read(subject) {
        let (trajectory, value) = match once? {
            Once::Chat(chat) => return Ok(chat),
            Once::Record(trajectory, value) => (trajectory, value),
        };
        let is_chat = trajectory.source.format == Some(Format::Chat);
        return match find(&value, is_chat) {
            Some(mut chat) => {
                match_steps(&mut chat, &trajectory, true);
                Ok(chat)
            }
            None => rebuilt(&trajectory, &value),
        };
    }
    let value = subject.value()?;
    let is_chat = subject.trajectory()?.source.format == Some(Format::Chat);
    match find(value, is_chat) {
        Some(mut chat) => {
            match_steps(&mut chat, subject.trajectory()?, true);
            Ok(chat)
        }
        None => rebuilt(subject.trajectory()?, value),
    }
}

/// See [`Subject::chat`].
pub(super) fn chat(subject: &mut Subject<'_>) -> Result<Chat, Refusal> {
    match once::read(subject)? {
        Some(once) => match once? {
            Once::Chat(chat) => Ok(chat),
            Once::Record(trajectory, value) => chosen(&trajectory, &value),
        },
        None => chosen(subject.trajectory()?, subject.value()?),
    }
}

/// The recorded messages where they say what the steps say, else those made from the steps.
fn chosen(trajectory: &Trajectory, value: &Value) -> Result<Chat, Refusal> {
    let is_chat = trajectory.source.format == Some(Format::Chat);
    let Some(mut chat) = find(value, is_chat) else {
        return rebuilt(trajectory, value);
    };
    if match_steps(&mut chat, trajectory, is_chat) || is_chat {
        return Ok(chat);
    }
    let mut made = rebuilt(trajectory, value)?;
    made.losses.push(Loss::of(
        "recorded messages do not say what the steps say; made from the steps",
    ));
    Ok(made)
}

/// The messages that a record carries, in `OpenAI`'s form: `raw_completions`, a completion log, a chat row. Other
/// formats have messages, too, with roles and calls of their own.
fn find(value: &Value, is_chat: bool) -> Option<Chat> {
    let raw = value.get("raw_completions").map(opened);
    if let Some(raw) = &raw
        && let Some(messages) = message_list(raw.get("messages"))
    {
        return Some(chat_of(messages, tool_list(raw)));
    }
    let is_log = value.pointer("/response/choices").is_some();
    if is_log {
        let mut messages = message_list(value.get("messages"))?;
        if let Some(answer) = value.pointer("/response/choices/0/message")
            && answer.is_object()
        {
            messages.push(answer.clone());
        }
        let tools = tool_list(value);
        let tools = if tools.is_empty() {
            value.get("kwargs").map(tool_list).unwrap_or_default()
        } else {
            tools
        };
        return Some(chat_of(messages, tools));
    }
    if !is_chat {
        return None;
    }
    if value.is_array() {
        return Some(chat_of(message_list(Some(value))?, Vec::new()));
    }
    once::MESSAGES
        .into_iter()
        .find_map(|key| message_list(value.get(key)))
        .map(|messages| chat_of(messages, tool_list(value)))
}

/// JSON in a text is opened.
fn opened(value: &Value) -> Value {
    match value {
        Value::String(text) => parse_embedded(text.clone()),
        other => other.clone(),
    }
}

/// A list of messages in `OpenAI`'s form; `None` for any other spelling, which its reader knows better.
fn message_list(value: Option<&Value>) -> Option<Vec<Value>> {
    let Value::Array(items) = opened(value?) else {
        return None;
    };
    let messages: Vec<Value> = items.iter().map(opened).collect();
    if messages.is_empty() || !messages.iter().all(is_message) {
        return None;
    }
    Some(cleaned(messages))
}

/// Messages without the null fields of a table.
fn cleaned(mut messages: Vec<Value>) -> Vec<Value> {
    if is_table(&messages) {
        for message in &mut messages {
            drop_nulls(message);
            if let Some(fields) = message.as_object_mut() {
                fields.entry("content").or_insert(Value::Null);
            }
        }
    }
    messages
}

fn is_message(message: &Value) -> bool {
    const ROLES: [&str; 5] = ["system", "developer", "user", "assistant", "tool"];
    let role = message.get("role").and_then(Value::as_str);
    role.is_some_and(|role| ROLES.contains(&role))
        && ["content", "tool_calls"]
            .iter()
            .any(|key| message.get(key).is_some())
}

/// Tables give every message the same fields, null where it has none.
fn is_table(messages: &[Value]) -> bool {
    let Some(first) = messages.first().and_then(Value::as_object) else {
        return false;
    };
    let is_alike = |message: &Value| {
        let fields = message.as_object();
        fields.is_some_and(|fields| fields.keys().eq(first.keys()))
    };
    first.len() > 2 && messages.len() > 1 && messages.iter().all(is_alike)
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// The tools' descriptions. A schema has no use for nulls: they come from tables whose columns are the union of all.
fn tool_list(value: &Value) -> Vec<Value> {
    value.get("tools").map(tools_in).unwrap_or_default()
}

/// The tools' descriptions, in a list or a text of one.
pub(super) fn tools_in(value: &Value) -> Vec<Value> {
    let Value::Array(items) = opened(value) else {
        return Vec::new();
    };
    let mut tools: Vec<Value> = items.iter().map(opened).collect();
    tools.iter_mut().for_each(drop_nulls);
    tools
}

/// The tools' descriptions beside messages that are passed on; `None` where they do not parse.
pub(super) fn tools_as_written(found: &Verbatim<'_>) -> Option<Vec<Value>> {
    match found.tools() {
        Some(raw) => Some(tools_in(&serde_json::from_str(raw).ok()?)),
        None => Some(Vec::new()),
    }
}

fn chat_of(messages: Vec<Value>, tools: Vec<Value>) -> Chat {
    let turns = messages.into_iter();
    Chat {
        turns: turns
            .map(|message| Turn {
                message,
                step: None,
            })
            .collect(),
        tools,
        losses: Vec::new(),
    }
}

/// Gives each message its step. Messages and steps match when there are as many answers as responses; where results are
/// told apart from what the user says, also as many other messages as other steps, and the same tools in order.
/// `is_lenient` asks for the answers only. Changes nothing unless they match.
fn match_steps(chat: &mut Chat, trajectory: &Trajectory, is_lenient: bool) -> bool {
    let of_kind = |wanted: &dyn Fn(StepKind) -> bool| -> Vec<&Step> {
        let steps = trajectory.steps.iter();
        steps.filter(|step| wanted(step.kind)).collect()
    };
    let agents = of_kind(&|kind| kind == StepKind::Agent);
    let said = of_kind(&|kind| matches!(kind, StepKind::System | StepKind::User));
    let answers: Vec<&Turn> = chat
        .turns
        .iter()
        .filter(|turn| turn.role() == "assistant")
        .collect();
    if answers.len() != agents.len() {
        return false;
    }
    let others = chat
        .turns
        .iter()
        .filter(|turn| !matches!(turn.role(), "assistant" | "tool"))
        .count();
    let is_strict = others == said.len()
        && answers.iter().zip(&agents).all(|(turn, step)| {
            let calls = turn.calls();
            let tools = calls.iter().map(|(_, tool, _)| tool.as_str());
            tools.eq(step.actions.iter().map(|action| action.tool.as_str()))
        });
    if !is_strict && !is_lenient {
        return false;
    }
    let (mut agents, mut said) = (agents.into_iter(), said.into_iter());
    let mut current = trajectory.steps.first().map_or(0, |step| step.idx);
    for turn in &mut chat.turns {
        let next = match turn.role() {
            "assistant" => agents.next(),
            "tool" => None,
            _ if is_strict => said.next(),
            _ => None,
        };
        if let Some(step) = next {
            current = step.idx;
        }
        turn.step = Some(current);
    }
    true
}

/// Makes messages from the steps; the tools' descriptions are the record's.
fn rebuilt(trajectory: &Trajectory, value: &Value) -> Result<Chat, Refusal> {
    let mut chat = Chat {
        tools: tools_of(value),
        ..Chat::default()
    };
    let mut lost = Lost::default();
    for step in &trajectory.steps {
        match step.kind {
            StepKind::System => chat.say("system", step, &mut lost),
            StepKind::User => chat.say("user", step, &mut lost),
            StepKind::Agent => chat.answer(step, &mut lost),
            StepKind::Context => lost.context += 1,
        }
    }
    if chat.turns.is_empty() {
        return Err(Refusal::new("has no messages"));
    }
    lost.children = trajectory.children.len();
    chat.losses = lost.told(chat.tools.is_empty());
    Ok(chat)
}

fn tools_of(value: &Value) -> Vec<Value> {
    let raw = value.get("raw_completions").map(opened);
    let agent = value.pointer("/agent/tool_definitions");
    let of_agent = agent.map(|tools| json!({ "tools": tools }));
    [raw.as_ref(), of_agent.as_ref(), Some(value)]
        .into_iter()
        .flatten()
        .map(tool_list)
        .find(|tools| {
            let is_function = |tool: &Value| tool.get("function").is_some();
            !tools.is_empty() && tools.iter().all(is_function)
        })
        .unwrap_or_default()
}

/// What messages cannot say, counted.
#[derive(Debug, Default)]
struct Lost {
    context: usize,
    images: usize,
    outcomes: usize,
    odd_arguments: usize,
    ids: usize,
    children: usize,
    both_texts: usize,
}

impl Lost {
    fn told(&self, has_no_tools: bool) -> Vec<Loss> {
        let mut losses = Vec::new();
        for (what, count) in [
            (
                "context rows (condensations, state, hooks) are gone",
                self.context,
            ),
            ("images and references became words", self.images),
            (
                "exit codes and error flags of results are gone",
                self.outcomes,
            ),
            (
                "arguments that are no object were wrapped",
                self.odd_arguments,
            ),
            ("call ids were made up", self.ids),
            (
                "sub-agents, branches and other attempts are gone",
                self.children,
            ),
            (
                "thought and text of one response were joined",
                self.both_texts,
            ),
        ] {
            if count > 0 {
                losses.push(Loss::counted(what, count));
            }
        }
        if has_no_tools {
            losses.push(Loss::of("the record has no descriptions of its tools"));
        }
        losses.push(Loss::of("times, cost and tokens of steps are gone"));
        losses
    }
}

impl Chat {
    fn say(&mut self, role: &str, step: &Step, lost: &mut Lost) {
        let mut parts: Vec<Part> = Vec::new();
        parts.extend(step.text.clone().map(|text| Part::Text { text }));
        parts.extend(step.attachments.iter().cloned());
        let message = json!({"role": role, "content": content_of(&parts, lost)});
        self.push(message, step);
    }

    fn answer(&mut self, step: &Step, lost: &mut Lost) {
        let texts = [&step.thought, &step.text];
        let texts: Vec<&str> = texts.into_iter().flatten().map(|text| &**text).collect();
        lost.both_texts += usize::from(texts.len() > 1);
        lost.images += step.attachments.len();
        let mut message = Map::new();
        message.insert("role".to_owned(), json!("assistant"));
        message.insert("content".to_owned(), json!(texts.join("\n\n")));
        if let Some(reasoning) = &step.reasoning {
            message.insert("reasoning_content".to_owned(), json!(reasoning));
        }
        let ids: Vec<String> = step
            .actions
            .iter()
            .enumerate()
            .map(|(ix, action)| call_id(action, step.idx, ix, lost))
            .collect();
        if !step.actions.is_empty() {
            let calls = step.actions.iter().zip(&ids).map(|(action, id)| {
                let arguments = arguments_of(action, lost).to_string();
                json!({
                    "id": id,
                    "type": "function",
                    "function": {"name": action.tool, "arguments": arguments},
                })
            });
            message.insert("tool_calls".to_owned(), Value::Array(calls.collect()));
        }
        self.push(Value::Object(message), step);
        for (action, id) in step.actions.iter().zip(ids) {
            if let Some(observation) = &action.observation {
                let content = observed(observation, lost);
                self.push(
                    json!({"role": "tool", "tool_call_id": id, "name": action.tool, "content": content}),
                    step,
                );
            }
        }
    }

    fn push(&mut self, message: Value, step: &Step) {
        self.turns.push(Turn {
            message,
            step: Some(step.idx),
        });
    }
}

fn call_id(action: &Action, step: usize, ix: usize, lost: &mut Lost) -> String {
    action.call_id.clone().unwrap_or_else(|| {
        lost.ids += 1;
        format!("call_{step}_{ix}")
    })
}

/// The arguments as an object: formats that ask for one get anything else under `input`.
pub(super) fn object_of(args: &Value) -> Value {
    match args {
        Value::Object(_) => args.clone(),
        Value::Null => json!({}),
        other => json!({ "input": other }),
    }
}

fn arguments_of(action: &Action, lost: &mut Lost) -> Value {
    if !action.args.is_object() && !action.args.is_null() {
        lost.odd_arguments += 1;
    }
    object_of(&action.args)
}

fn observed(observation: &Observation, lost: &mut Lost) -> Value {
    if observation.exit_code.is_some() || observation.is_error.is_some() {
        lost.outcomes += 1;
    }
    content_of(&observation.parts, lost)
}

/// Content of parts: a text for one text, a list for more; pixels are not in the model.
fn content_of(parts: &[Part], lost: &mut Lost) -> Value {
    match parts {
        [] => json!(""),
        [Part::Text { text }] => json!(text),
        parts => Value::Array(parts.iter().map(|part| part_of(part, lost)).collect()),
    }
}

fn part_of(part: &Part, lost: &mut Lost) -> Value {
    match part {
        Part::Text { text } => json!({"type": "text", "text": text}),
        Part::Image { at: Some(at), .. } => {
            json!({"type": "image_url", "image_url": {"url": at}})
        }
        other => {
            lost.images += 1;
            json!({"type": "text", "text": in_words(other)})
        }
    }
}

/// What stands for a part in a format of texts.
pub(super) fn in_words(part: &Part) -> String {
    match part {
        Part::Text { text } => text.to_string(),
        Part::Image { media_type, at, .. } => {
            let what = at.as_deref().or(media_type.as_deref()).unwrap_or("image");
            format!("[image: {what}]")
        }
        Part::Ref { label } => format!("[{label}]"),
    }
}

#[cfg(test)]
mod tests;
