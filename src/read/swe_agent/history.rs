//! The `history` of a `.traj` file: the prompt before the first action, the structured calls, whole runs where a file
//! has nothing else. Items of demonstrations are counted, never read.

use std::collections::VecDeque;

use crate::model::Action;
use crate::model::Note;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Text;
use crate::model::Value;
use crate::read::chat::message::observation_of;
use crate::read::common;
use crate::read::json;
use crate::read::swe_agent::action_of_text;

/// How many items of the assistant may lie between two steps that the trajectory has: failed formats are queried again
/// and their items may stay in the history.
const LOOK_AHEAD: usize = 8;

/// The items of a history, demonstrations taken out.
pub(super) struct History {
    items: VecDeque<Value>,
    demos: usize,
}

/// What an assistant's item adds to a step.
#[derive(Default)]
pub(super) struct Called {
    /// Its structured calls; empty where it has none.
    pub(super) actions: Vec<Action>,
    /// Its thinking blocks.
    pub(super) reasoning: Option<Text>,
}

impl History {
    pub(super) fn new(items: Vec<Value>) -> Self {
        let is_demo = |item: &Value| {
            item.get("is_demo").and_then(Value::as_bool) == Some(true)
                || common::str_at(item, "message_type") == Some("demonstration")
        };
        let all = items.len();
        let items: VecDeque<Value> = items.into_iter().filter(|item| !is_demo(item)).collect();
        let demos = all - items.len();
        Self { items, demos }
    }

    /// Takes what was said before the first response.
    pub(super) fn take_prompt(&mut self) -> Vec<Step> {
        let mut prompt = Vec::new();
        while self.items.front().is_some_and(|item| !is_response(item)) {
            prompt.extend(self.items.pop_front().map(step_of_said));
        }
        self.items.retain(is_response);
        prompt
    }

    /// Takes the calls of the next response that did `action`; nothing when none of the next few did.
    pub(super) fn take_call(&mut self, action: &str) -> Called {
        let did = |item: &Value| common::str_at(item, "action") == Some(action);
        let Some(ahead) = self.items.iter().take(LOOK_AHEAD).position(did) else {
            return Called::default();
        };
        self.items.drain(..ahead);
        self.items.pop_front().map(called_of).unwrap_or_default()
    }

    /// Reads the whole history as steps.
    pub(super) fn into_steps(self, notes: &mut Vec<Note>) -> Vec<Step> {
        self.note_demos(notes);
        let mut steps: Vec<Step> = Vec::new();
        for mut item in self.items {
            if is_response(&item) {
                steps.push(step_of_response(item));
                continue;
            }
            let open = steps
                .last_mut()
                .and_then(|step| step.actions.iter_mut().find(|a| a.observation.is_none()));
            match open {
                Some(action) => {
                    let parts = common::content_parts(common::take(&mut item, "content"));
                    action.observation = Some(observation_of(parts));
                }
                None => steps.push(step_of_said(item)),
            }
        }
        steps
    }

    /// Says how much was left out.
    pub(super) fn note_demos(&self, notes: &mut Vec<Note>) {
        if self.demos > 0 {
            let what = format!(
                "demonstration in the prompt left out: {} messages",
                self.demos
            );
            notes.push(Note::new(what));
        }
    }
}

fn is_response(item: &Value) -> bool {
    common::str_at(item, "role") == Some("assistant")
}

fn step_of_said(mut item: Value) -> Step {
    let role = common::take_str(&mut item, "role").unwrap_or_default();
    let (text, attachments) = common::text_and_attachments(common::take(&mut item, "content"));
    let kind = match role.as_str() {
        "system" => StepKind::System,
        "user" => StepKind::User,
        _ => StepKind::Context,
    };
    let mut step = Step::new(kind);
    step.label = (kind == StepKind::Context).then_some(role);
    step.text = text;
    step.attachments = attachments;
    step
}

fn step_of_response(mut item: Value) -> Step {
    let said = common::take_text(&mut item, "thought");
    let action = common::take_str(&mut item, "action").unwrap_or_default();
    let (content, _) = common::text_and_attachments(common::take(&mut item, "content"));
    let called = called_of(item);
    let mut step = Step::new(StepKind::Agent);
    step.reasoning = called.reasoning;
    step.actions = called.actions;
    if step.actions.is_empty() && !action.trim().is_empty() {
        step.actions.push(action_of_text(&action));
    }
    let said = said.or(content);
    if step.actions.is_empty() {
        step.text = said;
    } else {
        step.thought = said;
    }
    step
}

fn called_of(mut item: Value) -> Called {
    let calls = common::take_array(&mut item, "tool_calls");
    let actions = calls.into_iter().filter_map(|mut call| {
        let id = common::take_str(&mut call, "id");
        let mut function = common::take(&mut call, "function");
        let tool = common::take_str(&mut function, "name")?;
        let args = match common::take(&mut function, "arguments") {
            Value::String(text) => json::parse_embedded(text),
            args => args,
        };
        Some(Action::new(id, tool, args))
    });
    let actions = actions.collect();
    let blocks = common::take_array(&mut item, "thinking_blocks");
    let thoughts: Vec<String> = blocks
        .into_iter()
        .filter_map(|mut block| common::take_str(&mut block, "thinking"))
        .collect();
    let reasoning = (!thoughts.is_empty()).then(|| thoughts.join("\n").into());
    Called { actions, reasoning }
}
