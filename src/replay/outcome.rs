//! What a replay found: by call, of the final patch, of the whole record.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::model::Text;
use crate::model::Verdict;
use crate::review::RecordRef;

/// What came of a call, beside what was recorded.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum StepVerdict {
    /// The same, byte for byte.
    Match,
    /// The same but for what no two runs share: path prefixes, host names, process numbers, times, addresses, names of
    /// temporary files, totals of `ls`.
    MatchNormalised,
    /// The same lines in another order.
    Reordered,
    /// Something else.
    Drift,
    /// The same or other text, and another exit status.
    ExitCode,
    /// It did not end in its time; the recorded one did.
    Timeout,
    /// It failed because there is no network.
    NeedsNetwork,
    /// It cannot be done here: a browser, a kernel of notebooks, another agent, a tool that is not known.
    NotReplayable,
    /// It changes and shows nothing: thinking, planning, finishing.
    NoOp,
}

impl StepVerdict {
    /// All verdicts, in the order in which legends and tables show them.
    pub const ALL: [Self; 9] = [
        Self::Match,
        Self::MatchNormalised,
        Self::Reordered,
        Self::Drift,
        Self::ExitCode,
        Self::Timeout,
        Self::NeedsNetwork,
        Self::NotReplayable,
        Self::NoOp,
    ];

    /// The word used in JSON, queries and on screens.
    pub fn name(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::MatchNormalised => "match-normalised",
            Self::Reordered => "reordered",
            Self::Drift => "drift",
            Self::ExitCode => "exit-code",
            Self::Timeout => "timeout",
            Self::NeedsNetwork => "needs-network",
            Self::NotReplayable => "not-replayable",
            Self::NoOp => "no-op",
        }
    }

    /// Whether the workspace may differ from the recorded one behind such a call.
    pub fn diverges(self) -> bool {
        matches!(
            self,
            Self::Drift | Self::ExitCode | Self::Timeout | Self::NeedsNetwork | Self::NotReplayable
        )
    }

    /// Whether the call ran and showed what was recorded.
    pub fn is_reproduced(self) -> bool {
        matches!(self, Self::Match | Self::MatchNormalised | Self::Reordered)
    }
}

/// One call, run again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallReplay {
    /// The step, from 0 over all steps of the trajectory.
    pub step: usize,
    /// The call's place in its step, from 0.
    pub call: usize,
    /// The tool's name, verbatim.
    pub tool: Text,
    /// What came of it.
    pub verdict: StepVerdict,
    /// Why, in words: the first line that differs, both exit codes, what cannot be replayed. Null where it matches.
    pub why: Option<String>,
    /// An earlier call diverged: this one may have run in another workspace than the recorded one.
    pub after_divergence: bool,
    /// The exit status that it has now; null where the tool has none.
    pub exit_code: Option<i64>,
    /// What it showed, as the agent would have seen it. Null where it is the recorded text, byte for byte.
    pub observation: Option<Text>,
}

/// From what a workspace was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BaseKind {
    /// A repository at the task's base commit.
    Repository,
    /// An archive that was given for it.
    Archive,
    /// The image that the task names.
    Image,
    /// What the trajectory itself shows of its files: incomplete, and known to be.
    Rebuilt,
    /// Nothing: an empty folder.
    Empty,
}

impl BaseKind {
    /// The word used in JSON and on screens.
    pub fn name(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::Archive => "archive",
            Self::Image => "image",
            Self::Rebuilt => "rebuilt",
            Self::Empty => "empty",
        }
    }
}

/// How alike two things are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Same {
    /// Byte for byte.
    Exact,
    /// But for what does not count: hunk headers, index lines, modes.
    Normalised,
    /// Not.
    Differs,
}

impl Same {
    /// The word used in JSON and on screens.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Normalised => "normalised",
            Self::Differs => "differs",
        }
    }
}

/// One file of the final patches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileReplay {
    /// Its path below the repository.
    pub path: String,
    /// Whether the file that results is the one that the recorded patch makes; null where that cannot be told: the base
    /// is not known, or the recorded patch does not apply to it.
    pub same: Option<bool>,
}

/// The final patch of the replay beside the recorded one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PatchReplay {
    /// The patch of the replay.
    pub patch: Text,
    /// By its text; null where no patch was recorded.
    pub text: Option<Same>,
    /// By the files that result: of both patches, ordered by path.
    pub files: Vec<FileReplay>,
}

/// What the task's own check says of the replayed workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verified {
    /// By what: `published`, `strict`, or the command that was run.
    pub by: String,
    /// What it says.
    pub verdict: Verdict,
    /// Why, in words.
    pub why: String,
    /// How often it accepted, where it was run several times.
    pub accepted: usize,
    /// How often it was run.
    pub runs: usize,
}

impl Verified {
    /// Whether it was run several times and did not always say the same.
    pub fn is_flaky(&self) -> bool {
        self.accepted != 0 && self.accepted != self.runs
    }
}

/// One record, replayed: a line of a results file. Names and meanings are stable; fields may be added. It holds nothing of
/// the machine, the time or the tier, so that the same replay gives the same bytes wherever it ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordReplay {
    /// The version of these lines.
    pub v: u64,
    /// Which record.
    pub record: RecordRef,
    /// From what the workspace was made.
    pub base: BaseKind,
    /// What is not as it was when it was recorded, in words: parts of the base that are unknown, preparation that failed.
    pub notes: Vec<String>,
    /// The calls, in order.
    pub calls: Vec<CallReplay>,
    /// The step of the first call that diverged.
    pub first_divergence: Option<usize>,
    /// The final patch; null where the workspace is no repository or the replay was stopped before its end.
    pub patch: Option<PatchReplay>,
    /// What the task's check says; empty where it has none or none was asked for.
    pub verified: Vec<Verified>,
    /// Why it could not be replayed, or not to its end.
    pub error: Option<String>,
}

impl RecordReplay {
    /// The version that is written, and the latest that is understood.
    pub const VERSION: u64 = 1;

    /// A record that could not be replayed at all, and why.
    pub fn failed(record: RecordRef, why: impl Into<String>) -> Self {
        Self {
            v: Self::VERSION,
            record,
            base: BaseKind::Empty,
            notes: Vec::new(),
            calls: Vec::new(),
            first_divergence: None,
            patch: None,
            verified: Vec::new(),
            error: Some(why.into()),
        }
    }

    /// How many calls have this verdict.
    pub fn count(&self, verdict: StepVerdict) -> usize {
        let is_it = |call: &&CallReplay| call.verdict == verdict;
        self.calls.iter().filter(is_it).count()
    }

    /// Whether every call that can show something showed what was recorded, to the end.
    pub fn is_reproduced(&self) -> bool {
        self.error.is_none() && self.first_divergence.is_none()
    }
}
