//! A parsed record, where it came from, and what is wrong with it.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::model::Ended;
use crate::model::Outcome;
use crate::model::ROLLOUT_AGENT;
use crate::model::Span;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Task;
use crate::model::Text;
use crate::model::Totals;
use crate::model::approx_value_bytes;

/// The producer family of a record.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// OpenHands V0: evaluation rows, event folders, exports, feedback.
    #[serde(rename = "openhands-v0")]
    OpenHandsV0,
    /// OpenHands V1 (software-agent-sdk): rows, event folders, completion logs.
    #[serde(rename = "openhands-v1")]
    OpenHandsV1,
    /// SWE-agent `.traj`, 0.x and 1.x.
    SweAgent,
    /// mini-swe-agent v0 lists and v1.1 files.
    MiniSweAgent,
    /// Chat rows of data sets.
    Chat,
    /// ATIF trajectories (Harbor and others).
    Atif,
    /// Inspect samples.
    Inspect,
    /// Claude Code sessions.
    ClaudeCode,
    /// Codex rollouts.
    Codex,
    /// ADP standardised and sft rows.
    Adp,
    /// A prediction: a patch without its trajectory.
    Prediction,
    /// An evaluation report without its trajectory.
    Report,
    /// A task row.
    Task,
    /// A row of verdicts about a trajectory.
    Verdict,
}

impl Format {
    /// The word used in JSON, columns and queries.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenHandsV0 => "openhands-v0",
            Self::OpenHandsV1 => "openhands-v1",
            Self::SweAgent => "swe-agent",
            Self::MiniSweAgent => "mini-swe-agent",
            Self::Chat => "chat",
            Self::Atif => "atif",
            Self::Inspect => "inspect",
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::Adp => "adp",
            Self::Prediction => "prediction",
            Self::Report => "report",
            Self::Task => "task",
            Self::Verdict => "verdict",
        }
    }

    /// Whether such records belong to trajectories rather than being some: reports, predictions, tasks, verdicts.
    pub fn is_side(self) -> bool {
        matches!(
            self,
            Self::Prediction | Self::Report | Self::Task | Self::Verdict
        )
    }
}

/// Where a record lies.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Source {
    /// The file or folder, as it was given or found.
    pub path: PathBuf,
    /// The member inside an archive, where the path is one.
    pub member: Option<String>,
    /// The record's place in its file, from 0. People are told it from 1: [`Source::place`].
    pub row: usize,
    /// The record's bytes in the decompressed file; the whole file for folders' first file and the like.
    pub byte_range: Option<Span>,
    /// The producer family; `None` where the record could not be told.
    pub format: Option<Format>,
    /// The layout inside the family: `pairs`, `flattened`, `1.1`, `xml`, …
    pub variant: Option<String>,
}

impl Source {
    /// The record's number for people: its place in its file, from 1.
    pub fn number(&self) -> usize {
        self.row.saturating_add(1)
    }

    /// Where it lies, for people: `path`, `path:member`, and `:N` behind for all but the first record of a file.
    pub fn place(&self) -> String {
        match self.row {
            0 => self.file(),
            _ => format!("{}:{}", self.file(), self.number()),
        }
    }

    /// What one writes to say which record, and which step of it, is meant: `path:N#id@K`, `path:member:N#id@K` in
    /// archives. `N` counts the records of the file from 1 and is always there; `K` is the step's number, from 0.
    /// `id` is the trajectory's. Not escaped: the screen and its copies clean it.
    pub fn reference(&self, id: &str, step: Option<usize>) -> String {
        self.child_reference(id, &[], step)
    }

    /// The same of a step of a child, a sub-agent's say: `path:N#id/C@K`, `path:N#id/C/D@K` for the child of a child.
    /// `children` are the indices on the way to it, from 0; `C` and `D` count from 1.
    pub fn child_reference(&self, id: &str, children: &[usize], step: Option<usize>) -> String {
        let step = step.map_or_else(String::new, |step| format!("@{step}"));
        let child = child_path(children);
        format!("{}:{}#{id}{child}{step}", self.file(), self.number())
    }

    fn file(&self) -> String {
        match &self.member {
            Some(member) => format!("{}:{member}", self.path.display()),
            None => self.path.display().to_string(),
        }
    }

    /// The name of a record that has none of its own: file stem (or member stem), then `#` and the record's number
    /// for all but the first.
    pub fn fallback_id(&self) -> String {
        let name = self
            .member
            .as_deref()
            .map_or(self.path.as_path(), std::path::Path::new);
        let stem = name
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        let stem = stem.split_once('.').map_or(stem.as_str(), |(head, _)| head);
        let stem = match stem {
            "" => "record",
            // what standard input is called as a path
            "-" if self.member.is_none() => "stdin",
            stem => stem,
        };
        if self.row == 0 {
            stem.to_owned()
        } else {
            format!("{stem}#{}", self.number())
        }
    }
}

/// `/1/2`: the child of a child as references name it, from indices that count from 0. Empty for no child.
pub fn child_path(children: &[usize]) -> String {
    let numbers = children.iter().map(|ix| ix.saturating_add(1).to_string());
    numbers
        .flat_map(|number| ["/".to_owned(), number])
        .collect()
}

/// Something a reader noticed and went on: a repaired number, a line that is cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Note {
    /// What, in words.
    pub what: String,
    /// Where in the source, in bytes.
    pub byte: Option<u64>,
}

impl Note {
    /// A note without a place.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            byte: None,
        }
    }

    /// A note about the byte `byte` of the source.
    pub fn at(what: impl Into<String>, byte: u64) -> Self {
        Self {
            what: what.into(),
            byte: Some(byte),
        }
    }
}

/// Why a record could not be read. It is a row of the list like any other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fault {
    /// The reason in words.
    pub why: String,
    /// The byte of the decompressed source at which reading stopped making sense.
    pub byte: Option<u64>,
}

impl Fault {
    /// A fault of the record as a whole.
    pub fn new(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            byte: None,
        }
    }

    /// A fault at a byte of the decompressed source.
    pub fn at(why: impl Into<String>, byte: u64) -> Self {
        Self {
            why: why.into(),
            byte: Some(byte),
        }
    }

    /// One line: `what` (a record, or nothing) cannot be read, and why. It says so once, also where the reason does.
    pub fn unread(&self, what: &str) -> String {
        const WORDS: &str = "cannot be read";
        let why = self.to_string();
        let line = match why.strip_prefix("cannot be read: ") {
            Some(rest) => format!("{what} {WORDS}: {rest}"),
            None if !why.contains(WORDS) => format!("{what} {WORDS}: {why}"),
            None if what.is_empty() => why,
            None => format!("{what}: {why}"),
        };
        line.trim_start().to_owned()
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.byte {
            Some(byte) => write!(f, "{} (byte {byte})", self.why),
            None => f.write_str(&self.why),
        }
    }
}

/// What a child trajectory is to its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChildKind {
    /// Work handed to another agent.
    SubAgent,
    /// A way the session did not go on: an edited prompt, a retry.
    Branch,
    /// Another try of the same harness run.
    Attempt,
    /// The run goes on in another file.
    Continuation,
}

impl ChildKind {
    /// The word for it, the same in JSON and on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::SubAgent => "sub-agent",
            Self::Branch => "branch",
            Self::Attempt => "attempt",
            Self::Continuation => "continuation",
        }
    }
}

/// A trajectory inside another.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Child {
    /// What it is to the parent.
    pub kind: ChildKind,
    /// One line for the list.
    pub title: String,
    /// The parent's step after which it stands.
    pub at_step: Option<usize>,
    /// The child.
    pub trajectory: Trajectory,
}

/// A parsed record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Trajectory {
    /// Where it lies.
    pub source: Source,
    /// What rows call it: the task id where there is one, else the producer's id, else the file's name and row.
    pub id: String,
    /// The task's `instance_id`; reports and verdicts join by it.
    pub task_id: Option<String>,
    /// The producer's id of the run, session or attempt.
    pub run_id: Option<String>,
    /// Its number among the attempts that the run made at the task, from 1.
    pub attempt: Option<u64>,
    /// The model.
    pub model: Option<String>,
    /// The agent or scaffold, with its version where known.
    pub agent: Option<String>,
    /// What the agent was asked, as it was asked.
    pub instruction: Option<Text>,
    /// The task, where the record or a side file has it.
    pub task: Option<Task>,
    /// The steps in order.
    pub steps: Vec<Step>,
    /// The patch at the end.
    pub final_patch: Option<Text>,
    /// What the run handed in beside the patch: the text of a generated function.
    pub answer: Option<Text>,
    /// The agent's last words.
    pub finish: Option<Text>,
    /// How it ended.
    pub outcome: Outcome,
    /// What it cost.
    pub totals: Totals,
    /// Sub-agents, branches not taken, other attempts.
    pub children: Vec<Child>,
    /// What the reader noticed.
    pub notes: Vec<Note>,
}

impl Trajectory {
    /// The steps that are model responses; this is the number that lists call "steps".
    pub fn agent_steps(&self) -> usize {
        self.steps
            .iter()
            .filter(|step| step.kind == StepKind::Agent)
            .count()
    }

    /// What its run is called; `None` where that tells no more than the attempt's number.
    pub fn run_name(&self) -> Option<&str> {
        let attempt = self.attempt.map(|attempt| attempt.to_string());
        let id = self.run_id.as_deref();
        id.filter(|id| Some(*id) != attempt.as_deref())
    }

    /// Whether `hgview rollout` made it.
    pub fn is_rollout(&self) -> bool {
        let agent = self.agent.as_deref().unwrap_or_default();
        let version = agent.strip_prefix(ROLLOUT_AGENT);
        version.is_some_and(|version| version.starts_with(' '))
    }

    /// The end of an attempt of `hgview rollout` that failed through no fault of the model's.
    pub fn failure(&self) -> Option<Ended> {
        let ended = Ended::named(self.outcome.exit_status.as_deref()?)?;
        (self.is_rollout() && ended.is_failure()).then_some(ended)
    }

    /// All calls of all responses.
    pub fn action_count(&self) -> usize {
        self.steps.iter().map(|step| step.actions.len()).sum()
    }

    /// Whether it is a task without an attempt at it.
    pub fn is_task(&self) -> bool {
        self.source.format == Some(Format::Task)
    }

    /// The child of a child that `path` leads to, from the outside in; the trajectory itself for an empty path.
    pub fn descendant(&self, path: &[usize]) -> Option<&Self> {
        path.iter().try_fold(self, |outer, ix| {
            outer.children.get(*ix).map(|child| &child.trajectory)
        })
    }

    /// The bytes it occupies; an estimate, for the cache's bound.
    pub fn approx_bytes(&self) -> usize {
        let texts = [
            &self.instruction,
            &self.final_patch,
            &self.answer,
            &self.finish,
        ];
        size_of::<Self>()
            + texts.into_iter().flatten().map(|t| t.len()).sum::<usize>()
            + self.steps.iter().map(Step::approx_bytes).sum::<usize>()
            + self
                .children
                .iter()
                .map(|child| child.trajectory.approx_bytes())
                .sum::<usize>()
            + self
                .task
                .as_ref()
                .and_then(|t| t.instance.as_ref())
                .map_or(0, |v| approx_value_bytes(v))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(member: Option<&str>, row: usize, place: &str, reference: &str, id: &str) {
        let source = Source {
            path: "runs/all.jsonl".into(),
            member: member.map(str::to_owned),
            row,
            ..Source::default()
        };
        assert_eq!(source.place(), place);
        assert_eq!(
            source.reference("o__r-1", Some(4)),
            format!("{reference}@4")
        );
        assert_eq!(source.reference("o__r-1", None), reference);
        assert_eq!(
            source.child_reference("o__r-1", &[1, 0], Some(4)),
            format!("{reference}/2/1@4")
        );
        assert_eq!(source.fallback_id(), id);
    }

    #[test]
    fn people_count_records_from_1() {
        let path = "runs/all.jsonl";
        check(None, 0, path, "runs/all.jsonl:1#o__r-1", "all");
        check(
            None,
            2,
            "runs/all.jsonl:3",
            "runs/all.jsonl:3#o__r-1",
            "all#3",
        );
        check(
            Some("b.traj"),
            0,
            "runs/all.jsonl:b.traj",
            "runs/all.jsonl:b.traj:1#o__r-1",
            "b",
        );
        check(
            Some("b.jsonl"),
            1,
            "runs/all.jsonl:b.jsonl:2",
            "runs/all.jsonl:b.jsonl:2#o__r-1",
            "b#2",
        );
    }

    #[test]
    fn a_record_cannot_be_read_once() {
        #[track_caller]
        fn check(why: &str, what: &str, want: &str) {
            assert_eq!(Fault::new(why).unread(what), want);
        }
        check("torn", "", "cannot be read: torn");
        check("torn", "record 3", "record 3 cannot be read: torn");
        check("cannot be read: no file", "", "cannot be read: no file");
        check(
            "cannot be read: no file",
            "record 3",
            "record 3 cannot be read: no file",
        );
        check("a cannot be read: b", "", "a cannot be read: b");
        check(
            "a cannot be read: b",
            "record 3",
            "record 3: a cannot be read: b",
        );
    }

    #[test]
    fn kinds_of_children_are_called_as_in_json() {
        for kind in [
            ChildKind::SubAgent,
            ChildKind::Branch,
            ChildKind::Attempt,
            ChildKind::Continuation,
        ] {
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("\"{}\"", kind.name()));
        }
    }
}
