//! An attempt as a row of `output.jsonl`, and in short.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::error::Error;
use crate::error::Result;
use crate::model::Ended;
use crate::model::Fault;
use crate::model::Source;
use crate::model::TaskKind;
use crate::model::Text;
use crate::model::Trajectory;
use crate::model::Verdict;
use crate::read;
use crate::read::Layout;
use crate::read::PartRole;
use crate::read::RawPart;
use crate::read::RawRecord;
use crate::read::Shape;
use crate::rollout::Agent;
use crate::rollout::CallForm;
use crate::rollout::course::Brief;
use crate::rollout::course::Course;
use crate::rollout::history::agent;
use crate::rollout::settings::Settings;
use crate::rollout::settings::task_hash;

/// An attempt in short: a line of `hgview rollout --json`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Done {
    /// The task.
    pub instance_id: String,
    /// Which attempt of it, from 1.
    pub attempt: usize,
    /// What the task asks for.
    pub task_type: TaskKind,
    /// What ended it.
    pub ended_by: Ended,
    /// That in words; null where the model ended it.
    pub error: Option<String>,
    /// Turns of the model.
    pub steps: usize,
    /// Tokens read, over all turns; 0 where the endpoint does not tell.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// US dollars; null where they are not known.
    pub cost: Option<f64>,
    /// Seconds that it took.
    pub seconds: f64,
    /// Whether there is a patch.
    pub has_patch: bool,
    /// What the filter says of it; null where none was asked.
    pub verdict: Option<Verdict>,
}

impl Done {
    /// Tokens read and written; `None` where the endpoint does not tell, as every answer takes some.
    pub fn tokens(&self) -> Option<u64> {
        let all = self.prompt_tokens.saturating_add(self.completion_tokens);
        (all > 0 || self.steps == 0).then_some(all)
    }
}

/// What an attempt leaves in its workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Left {
    /// The final patch.
    pub(super) patch: Text,
    /// The function that was asked for, where one was.
    pub(super) answer: Option<Text>,
}

/// All that a row tells.
pub(super) struct Row<'a> {
    pub(super) agent: &'a Agent<'a>,
    pub(super) settings: &'a Settings,
    pub(super) task: &'a Trajectory,
    pub(super) number: usize,
    pub(super) brief: &'a Brief,
    pub(super) began: &'a str,
    pub(super) took: Duration,
    pub(super) course: Course,
    pub(super) left: Left,
    /// What is not as the task has it, in words; how the sandbox walls off.
    pub(super) details: Value,
}

impl Row<'_> {
    /// The line, without its end, and the attempt in short.
    ///
    /// # Errors
    /// *internal* when it is no JSON.
    pub(super) fn into_line(self) -> Result<(Vec<u8>, Done)> {
        let task = self.task.task.as_ref();
        let instance = task
            .and_then(|task| task.instance.clone())
            .unwrap_or_default();
        let sum = self.course.metrics.sum();
        let done = Done {
            instance_id: self.task.id.clone(),
            attempt: self.number,
            task_type: task.map(|task| task.kind).unwrap_or_default(),
            ended_by: self.course.ended,
            error: self.course.error.clone(),
            steps: self.course.steps,
            prompt_tokens: sum.prompt_tokens,
            completion_tokens: sum.completion_tokens,
            cost: sum.cost,
            seconds: self.took.as_secs_f64(),
            has_patch: !self.left.patch.trim().is_empty(),
            verdict: None,
        };
        let metadata = self.metadata();
        let mut result = json!({"git_patch": &*self.left.patch});
        if let (Some(answer), Some(fields)) = (&self.left.answer, result.as_object_mut()) {
            fields.insert("generated_function".to_owned(), json!(&**answer));
        }
        let history = self.course.history.into_events();
        let row = json!({
            "instance_id": done.instance_id, "attempt": done.attempt, "ended_by": done.ended_by,
            "test_result": result, "instruction": self.brief.task, "metadata": metadata,
            "history_length": history.len(), "history": history, "metrics": self.course.metrics.whole(),
            "error": done.error, "instance": &*instance, "raw_completions": self.course.talk.into_raw(),
        });
        let line = serde_json::to_vec(&row)
            .map_err(|err| Error::internal("a row is no JSON").caused_by(err))?;
        Ok((line, done))
    }

    fn metadata(&self) -> Value {
        let mut config: Map<String, Value> = self.agent.sampling.clone();
        config.insert("model".to_owned(), json!(self.agent.model));
        let is_native = self.agent.form == CallForm::Native;
        config.insert("native_tool_calling".to_owned(), json!(is_native));
        json!({"agent_class": agent(), "llm_config": config, "max_iterations": self.agent.limits.steps,
            "start_time": self.began, "settings": self.settings.to_value(),
            "task_sha256": task_hash(self.task), "details": self.details})
    }
}

/// A line of an output as its readers see it.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn parsed(line: &[u8]) -> Result<Arc<Trajectory>, Fault> {
    let raw = RawRecord {
        source: Source::default(),
        layout: Layout::Rows,
        shape: Shape::Lines,
        parts: vec![RawPart {
            name: String::new(),
            role: PartRole::Main,
            start: 0,
            bytes: line.to_vec(),
        }],
    };
    read::parse(raw).map(Arc::new)
}
