//! ADP (agent data protocol): standardised rows (`content` of `class_` elements) and their training form (`system`,
//! `conversations`). Raw ADP rows are those of their source data set.
//!
//! There are no call ids: results join in order within a run of actions. `details` are texts; labels in them count.

use std::collections::VecDeque;

use crate::model::Action;
use crate::model::Fault;
use crate::model::Format;
use crate::model::Observation;
use crate::model::Part;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Text;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::Doc;
use crate::read::Layout;
use crate::read::Probe;
use crate::read::Reader;
use crate::read::Shape;
use crate::read::chat::conversation::Conversation;
use crate::read::chat::labels;
use crate::read::common;
use crate::read::text_calls;

/// The reader of ADP rows.
pub(super) const READER: Reader = Reader {
    format: Format::Adp,
    sniff,
    parse,
    head: None,
    sketch: None,
};

fn sniff(probe: &Probe<'_>) -> Option<Layout> {
    let is_row = |value: &Value| is_std(value) || is_sft(value);
    match probe.shape {
        Shape::Object => is_row(probe.values.first()?).then_some(Layout::Whole),
        Shape::Lines | Shape::Array | Shape::Table => probe
            .values
            .iter()
            .take(3)
            .any(is_row)
            .then_some(Layout::Rows),
        Shape::Events => None,
    }
}

fn is_std(value: &Value) -> bool {
    let content = value.get("content").and_then(Value::as_array);
    content.is_some_and(|items| {
        items
            .iter()
            .any(|item| common::str_at(item, "class_").is_some())
    })
}

/// Training rows name their speakers as `ShareGPT` does; ADP's own have an id and a system text, and no tool schemas.
fn is_sft(value: &Value) -> bool {
    let turns = value.get("conversations").and_then(Value::as_array);
    let is_turn = |turn: &Value| turn.get("from").is_some() && turn.get("value").is_some();
    value.get("id").is_some()
        && value.get("system").is_some_and(Value::is_string)
        && value.get("tools").is_none()
        && turns.is_some_and(|turns| !turns.is_empty() && turns.iter().all(is_turn))
}

fn parse(mut doc: Doc) -> Result<Trajectory, Fault> {
    let mut row = doc.take_value();
    let is_std = row.get("content").is_some_and(Value::is_array);
    let mut trajectory = doc.begin(Format::Adp, if is_std { "std" } else { "sft" });
    if is_std {
        trajectory.steps = read_std(common::take_array(&mut row, "content"));
        let mut details = common::take(&mut row, "details");
        // elements have no place for it; our own export keeps it here
        if let Some(system) = common::take_text(&mut details, "system") {
            let step = Step::with_text(StepKind::System, system);
            trajectory.steps.insert(0, step);
        }
        labels::fill(&mut trajectory, &mut details);
    } else {
        let turns = common::take_array(&mut row, "conversations");
        if turns.is_empty() && row.get("conversations").is_none() {
            return Err(Fault::new("neither content nor conversations in this row"));
        }
        trajectory.steps = read_sft(common::take_text(&mut row, "system"), turns);
    }
    let id = common::take_str(&mut row, "id").filter(|id| !id.is_empty());
    if let Some(id) = id {
        // the id is the source row's; it names the task where it has the shape of an instance id
        let is_instance = id.contains("__") && !id.contains('/');
        if is_instance && trajectory.task_id.is_none() {
            trajectory.task_id = Some(id);
        } else {
            trajectory.run_id.get_or_insert(id);
        }
    }
    Ok(trajectory)
}

fn read_sft(system: Option<Text>, turns: Vec<Value>) -> Vec<Step> {
    let mut conversation = Conversation::new(turns.iter());
    if let Some(system) = system {
        conversation.push_step(Step::with_text(StepKind::System, system));
    }
    for turn in turns {
        conversation.push(turn, None);
    }
    conversation.finish().1
}

/// Builds steps from standardised elements.
#[derive(Default)]
struct Standard {
    steps: Vec<Step>,
    /// Actions of the present run of actions that have no result yet, oldest first: step and action.
    open: VecDeque<(usize, usize)>,
    /// The element before was an action.
    is_in_run: bool,
    /// Some results are marked as the environment's, so what the user says is no result.
    has_environment: bool,
}

fn read_std(content: Vec<Value>) -> Vec<Step> {
    let has_environment = content
        .iter()
        .any(|item| common::str_at(item, "source") == Some("environment"));
    let mut standard = Standard {
        has_environment,
        ..Standard::default()
    };
    for item in content {
        standard.add(item);
    }
    standard.steps
}

impl Standard {
    fn add(&mut self, mut item: Value) {
        let class = common::take_str(&mut item, "class_").unwrap_or_default();
        let is_in_run = std::mem::take(&mut self.is_in_run);
        match class.as_str() {
            "api_action" => {
                let tool = common::take_str(&mut item, "function").unwrap_or_default();
                let args = common::take(&mut item, "kwargs");
                self.add_action(&mut item, tool, args, is_in_run);
            }
            "code_action" => {
                let tool = common::take_str(&mut item, "language").unwrap_or_default();
                let key = if text_calls::is_shell_lang(&tool) {
                    "command"
                } else {
                    "code"
                };
                let args = serde_json::json!({ key: common::take(&mut item, "content") });
                self.add_action(&mut item, tool, args, is_in_run);
            }
            "message_action" => {
                let mut step = Step::new(StepKind::Agent);
                step.thought = common::take_text(&mut item, "description");
                step.text = common::take_text(&mut item, "content");
                self.open.clear();
                self.steps.push(step);
            }
            "text_observation" => {
                let source = common::take_str(&mut item, "source").unwrap_or_default();
                let parts = common::content_parts(common::take(&mut item, "content"));
                self.add_observation(&source, parts);
            }
            "web_observation" => {
                let parts = web_parts(&mut item);
                self.add_observation("environment", parts);
            }
            _ => {
                let label = if class.is_empty() {
                    "element"
                } else {
                    class.as_str()
                };
                self.steps.push(Step::context(label, item.to_string()));
            }
        }
    }

    /// An action right after an action that says nothing of its own belongs to the same response.
    fn add_action(&mut self, item: &mut Value, tool: String, args: Value, is_in_run: bool) {
        let thought = common::take_text(item, "description");
        let action = Action::new(None, tool, args);
        self.is_in_run = true;
        if !is_in_run {
            self.open.clear();
        }
        match self.steps.last_mut() {
            Some(step) if is_in_run && thought.is_none() => step.actions.push(action),
            _ => {
                let mut step = Step::new(StepKind::Agent);
                step.thought = thought;
                step.actions.push(action);
                self.steps.push(step);
            }
        }
        let ix = self.steps.len().saturating_sub(1);
        let place = self
            .steps
            .last()
            .map_or(0, |step| step.actions.len().saturating_sub(1));
        self.open.push_back((ix, place));
    }

    fn add_observation(&mut self, source: &str, parts: Vec<Part>) {
        let is_result = source != "user" || (!self.has_environment && !self.is_awaiting_finish());
        let open = if is_result {
            self.open.pop_front()
        } else {
            None
        };
        let action = open.and_then(|(step, action)| {
            self.steps
                .get_mut(step)
                .and_then(|step| step.actions.get_mut(action))
        });
        if let Some(action) = action {
            action.observation = Some(Observation {
                parts,
                ..Observation::default()
            });
            return;
        }
        let mut step = if source == "user" {
            Step::new(StepKind::User)
        } else {
            let mut step = Step::new(StepKind::Context);
            step.label = Some(
                if source.is_empty() {
                    "observation"
                } else {
                    source
                }
                .to_owned(),
            );
            step
        };
        step.text = common::parts_text(&parts);
        step.attachments = parts
            .into_iter()
            .filter(|part| !matches!(part, Part::Text { .. }))
            .collect();
        self.steps.push(step);
    }

    fn is_awaiting_finish(&self) -> bool {
        let open = self.open.front().copied();
        let action = open.and_then(|(step, action)| self.steps.get(step)?.actions.get(action));
        action.is_some_and(|action| action.tool == "finish")
    }
}

/// A page as the agent saw it: its accessibility tree (its source where there is none), address and picture.
fn web_parts(item: &mut Value) -> Vec<Part> {
    let text = ["axtree", "html"]
        .into_iter()
        .find_map(|key| common::take_text(item, key));
    let mut parts: Vec<Part> = text.map(|text| Part::Text { text }).into_iter().collect();
    if let Some(url) = common::take_text(item, "url") {
        let label = format!("web page {url}");
        parts.push(Part::Ref { label });
    }
    let image = common::take(item, "image_observation");
    if let Value::Object(_) = image {
        parts.extend(common::content_parts(
            serde_json::json!([{ "type": "image", "image": image.get("content") }]),
        ));
    }
    parts
}

#[cfg(test)]
mod tests;
