//! One row of the list: what is kept of every record when its text is not.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::ActionClass;
use crate::model::Fault;
use crate::model::Format;
use crate::model::Outcome;
use crate::model::Source;
use crate::model::StepKind;
use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Text;
use crate::model::Tokens;
use crate::model::Totals;
use crate::model::Trajectory;

/// One mark of a sparkline: what a stretch of steps mostly did, and whether something failed in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct KindMark {
    /// The most frequent class of the stretch; `None` where no action was taken.
    pub class: Option<ActionClass>,
    /// An action of the stretch failed.
    pub has_error: bool,
}

/// The facts of one record that lists, sorting and filters need.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Summary {
    /// See [`Trajectory::id`].
    pub id: String,
    /// See [`Trajectory::task_id`].
    pub task_id: Option<String>,
    /// What the task asks for, where the task is known.
    pub task_kind: Option<TaskKind>,
    /// See [`Trajectory::attempt`].
    pub attempt: Option<u64>,
    /// The task's repository, `owner/name`.
    pub repo: Option<String>,
    /// Producer family.
    pub format: Option<Format>,
    /// Layout inside the family.
    pub variant: Option<String>,
    /// Whether the attempt solved its task.
    pub resolved: Option<bool>,
    /// Graded reward.
    pub reward: Option<f64>,
    /// The producer's word for the end.
    pub exit_status: Option<String>,
    /// The run's error, first line.
    pub error: Option<String>,
    /// Model responses.
    pub steps: usize,
    /// Calls.
    pub actions: usize,
    /// Calls that failed.
    pub failed_actions: usize,
    /// Seconds.
    pub duration_s: Option<f64>,
    /// Tokens.
    pub tokens: Tokens,
    /// US dollars.
    pub cost: Option<f64>,
    /// The model.
    pub model: Option<String>,
    /// Sub-agents, branches, attempts.
    pub children: usize,
    /// Lines of the final patch that add or remove; `None` without a patch.
    pub patch_lines: Option<usize>,
    /// Step classes, at most [`Summary::MARKS`] of them.
    pub marks: Vec<KindMark>,
    /// Why the record could not be read; everything else is then empty.
    pub fault: Option<Fault>,
}

impl Summary {
    /// The longest sparkline that is kept.
    pub const MARKS: usize = 32;

    /// The row of a parsed record.
    pub fn of(trajectory: &Trajectory) -> Self {
        let failed = trajectory
            .steps
            .iter()
            .flat_map(|s| &s.actions)
            .filter(|a| a.has_error())
            .count();
        Self {
            id: trajectory.id.clone(),
            task_id: trajectory.task_id.clone(),
            task_kind: trajectory.task.as_ref().map(|t| t.kind),
            attempt: trajectory.attempt,
            repo: trajectory.task.as_ref().and_then(|t| t.repo.clone()),
            format: trajectory.source.format,
            variant: trajectory.source.variant.clone(),
            resolved: trajectory.outcome.resolved,
            reward: trajectory.outcome.reward,
            exit_status: trajectory.outcome.exit_status.clone(),
            error: trajectory
                .outcome
                .error
                .as_deref()
                .map(|e| e.lines().next().unwrap_or_default().to_owned()),
            steps: trajectory.agent_steps(),
            actions: trajectory.action_count(),
            failed_actions: failed,
            duration_s: trajectory.totals.duration_s,
            tokens: trajectory.totals.tokens,
            cost: trajectory.totals.cost,
            model: trajectory.model.clone(),
            children: trajectory.children.len(),
            patch_lines: trajectory.final_patch.as_deref().map(changed_lines),
            marks: marks(trajectory),
            fault: None,
        }
    }

    /// A trajectory that says what side files may add to, or make otherwise, and nothing else; the row has no more.
    pub fn as_labelled(&self, source: Source) -> Trajectory {
        let task = self.task_kind.map(|kind| Task {
            kind,
            repo: self.repo.clone(),
            ..Task::default()
        });
        Trajectory {
            source,
            id: self.id.clone(),
            task_id: self.task_id.clone(),
            task,
            outcome: Outcome {
                resolved: self.resolved,
                reward: self.reward,
                exit_status: self.exit_status.clone(),
                error: self.error.clone(),
                label_source: None,
            },
            totals: Totals {
                cost: self.cost,
                ..Totals::default()
            },
            final_patch: self.patch_lines.map(|_| Text::default()),
            ..Trajectory::default()
        }
    }

    /// Takes over what side files made of [`Summary::as_labelled`].
    pub fn take_labels(&mut self, labelled: &Trajectory) {
        let of = Self::of(labelled);
        self.task_id = of.task_id;
        self.task_kind = of.task_kind;
        self.repo = of.repo;
        self.resolved = of.resolved;
        self.reward = of.reward;
        self.exit_status = of.exit_status;
        self.error = of.error;
        self.cost = of.cost;
        // a patch that was there before is only known by its length
        self.patch_lines = self.patch_lines.or(of.patch_lines);
    }

    /// The row without what only the whole of a record tells: actions, children, time, the variant of the format.
    #[must_use]
    pub fn sketched(self) -> Self {
        Self {
            variant: None,
            actions: 0,
            failed_actions: 0,
            duration_s: None,
            children: 0,
            marks: Vec::new(),
            ..self
        }
    }

    /// Whether it is a task without an attempt at it, as [`Trajectory::is_task`].
    pub fn is_task(&self) -> bool {
        self.format == Some(Format::Task)
    }

    /// Whether it may be an attempt at a task: rows of side files are none.
    pub fn is_attempt(&self) -> bool {
        !self.format.is_some_and(Format::is_side)
    }

    /// The task that it is, or is about: its own word for it, else its id.
    pub fn task_name(&self) -> &str {
        self.task_id.as_deref().unwrap_or(&self.id)
    }

    /// The row of a record that could not be read; `id` is its file's name and row.
    pub fn of_fault(id: String, format: Option<Format>, fault: Fault) -> Self {
        Self {
            id,
            format,
            fault: Some(fault),
            ..Self::default()
        }
    }
}

fn changed_lines(patch: &str) -> usize {
    patch
        .lines()
        .filter(|line| {
            (line.starts_with('+') && !line.starts_with("+++"))
                || (line.starts_with('-') && !line.starts_with("---"))
        })
        .count()
}

fn marks(trajectory: &Trajectory) -> Vec<KindMark> {
    let steps: Vec<_> = trajectory
        .steps
        .iter()
        .filter(|s| s.kind == StepKind::Agent)
        .collect();
    let per_mark = steps.len().div_ceil(Summary::MARKS).max(1);
    steps
        .chunks(per_mark)
        .map(|chunk| {
            let mut counts = [0_usize; ActionClass::ALL.len()];
            for class in chunk.iter().filter_map(|s| s.class()) {
                counts[class as usize] += 1;
            }
            let best = ActionClass::ALL
                .into_iter()
                .filter(|c| counts[*c as usize] > 0)
                .max_by_key(|c| counts[*c as usize]);
            KindMark {
                class: best,
                has_error: chunk.iter().any(|s| s.has_error()),
            }
        })
        .collect()
}
