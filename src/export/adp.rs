//! `adp`: standardised rows of the agent data protocol.
//!
//! ADP knows no call ids: results follow their calls in order, so a call without a result gets an empty one where a later
//! call of its step has one. The system prompt has no place among the elements and stands in `details`.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::export::Context;
use crate::export::Exporter;
use crate::export::Form;
use crate::export::Loss;
use crate::export::MaskPlace;
use crate::export::Refusal;
use crate::export::Rendered;
use crate::export::Subject;
use crate::export::chat_form::in_words;
use crate::export::chat_form::object_of;
use crate::export::steps::words;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Trajectory;

/// The exporter.
pub(super) const EXPORTER: Exporter = Exporter {
    name: "adp",
    about: "standardised rows of the agent data protocol",
    extension: "jsonl",
    form: Form::Lines,
    masks: MaskPlace::Nowhere,
    tells_verdict: false,
    render,
};

fn render(subject: &mut Subject<'_>, _: &Context) -> Result<Rendered, Refusal> {
    let trajectory = subject.trajectory()?;
    let mut row = Row::default();
    for step in &trajectory.steps {
        row.add(step);
    }
    if row.content.is_empty() {
        return Err(Refusal::new("has no messages"));
    }
    let details = details(trajectory, &row.system);
    let mut losses = row.losses(trajectory);
    losses.push(Loss::of("call ids, times, cost and tokens are gone"));
    let id = trajectory.task_id.as_ref().unwrap_or(&trajectory.id);
    let row = json!({"id": id, "content": row.content, "details": details});
    Ok(Rendered::row(row, losses))
}

/// What is known of the run; all values are texts, truths as Python prints them.
fn details(trajectory: &Trajectory, system: &[String]) -> Map<String, Value> {
    let mut details = Map::new();
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            details.insert(key.to_owned(), json!(value));
        }
    };
    let truth = |value: bool| if value { "True" } else { "False" }.to_owned();
    put("instance_id", trajectory.task_id.clone());
    put("run_id", trajectory.run_id.clone());
    put("model", trajectory.model.clone());
    put("agent", trajectory.agent.clone());
    put("resolved", trajectory.outcome.resolved.map(truth));
    put("exit_status", trajectory.outcome.exit_status.clone());
    put(
        "model_patch",
        trajectory.final_patch.as_deref().map(str::to_owned),
    );
    put(
        "system",
        Some(system.join("\n\n")).filter(|text| !text.is_empty()),
    );
    details
}

#[derive(Default)]
struct Row {
    content: Vec<Value>,
    system: Vec<String>,
    context: usize,
    images: usize,
    reasonings: usize,
    outcomes: usize,
    fillers: usize,
    odd_arguments: usize,
    late_system: usize,
}

impl Row {
    fn add(&mut self, step: &Step) {
        let text = || step.text.as_deref().unwrap_or_default().to_owned();
        match step.kind {
            StepKind::System => {
                self.late_system +=
                    usize::from(!self.content.is_empty() || !self.system.is_empty());
                self.system.push(text());
            }
            StepKind::User => {
                self.close();
                let mut said: Vec<String> = vec![text()];
                said.extend(step.attachments.iter().map(in_words));
                self.images += step.attachments.len();
                said.retain(|text| !text.is_empty());
                self.observe("user", None, &said.join("\n"));
            }
            StepKind::Agent => self.answer(step),
            StepKind::Context => self.context += 1,
        }
    }

    /// Answers a call that has no result, before anything else could be taken for one.
    fn close(&mut self) {
        let last = self.content.last();
        if last.is_some_and(|last| last.get("class_").and_then(Value::as_str) == Some("api_action"))
        {
            self.fillers += 1;
            self.observe("environment", None, "");
        }
    }

    fn observe(&mut self, source: &str, name: Option<&str>, content: &str) {
        self.content.push(json!({
            "class_": "text_observation",
            "content": content,
            "name": name,
            "source": source,
        }));
    }

    fn answer(&mut self, step: &Step) {
        self.close();
        self.reasonings += usize::from(step.reasoning.is_some());
        self.images += step.attachments.len();
        if step.actions.is_empty() {
            self.content.push(json!({
                "class_": "message_action",
                "content": step.text.as_deref().unwrap_or_default(),
                "description": step.thought,
            }));
            return;
        }
        let texts = [&step.thought, &step.text];
        let thought: Vec<&str> = texts.into_iter().flatten().map(|text| &**text).collect();
        let thought = thought.join("\n\n");
        for (ix, action) in step.actions.iter().enumerate() {
            self.odd_arguments += usize::from(!action.args.is_object() && !action.args.is_null());
            let about = Some(&thought).filter(|text| ix == 0 && !text.is_empty());
            self.content.push(json!({
                "class_": "api_action",
                "function": action.tool,
                "kwargs": object_of(&action.args),
                "description": about,
            }));
        }
        let answered = step
            .actions
            .iter()
            .rposition(|action| action.observation.is_some())
            .map_or(0, |last| last + 1);
        for action in step.actions.iter().take(answered) {
            let content = if let Some(seen) = &action.observation {
                self.outcomes += usize::from(seen.exit_code.is_some() || seen.is_error.is_some());
                words(seen)
            } else {
                self.fillers += 1;
                String::new()
            };
            self.observe("environment", Some(&action.tool), &content);
        }
    }

    fn losses(&self, trajectory: &Trajectory) -> Vec<Loss> {
        [
            (
                "context rows (condensations, state, hooks) are gone",
                self.context,
            ),
            ("images and references became words", self.images),
            ("reasoning is gone", self.reasonings),
            (
                "exit codes and error flags of results are gone",
                self.outcomes,
            ),
            ("calls without a result got an empty one", self.fillers),
            (
                "arguments that are no object were wrapped",
                self.odd_arguments,
            ),
            (
                "system prompts in the middle moved to the start",
                self.late_system,
            ),
            (
                "sub-agents, branches and other attempts are gone",
                trajectory.children.len(),
            ),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| Loss::counted(what, count))
        .collect()
    }
}
