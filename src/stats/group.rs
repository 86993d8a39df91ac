//! What records are grouped by.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::FlagKind;
use crate::model::Format;
use crate::model::TaskKind;
use crate::model::Text;
use crate::stats::facts::Facts;
use crate::stats::facts::FlagSet;

/// What records are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// The task's repository.
    Repo,
    /// The task.
    Task,
    /// What the task asks for.
    TaskType,
    /// The model.
    Model,
    /// The producer family.
    Format,
    /// Whether the attempt solved its task.
    Resolved,
    /// The effective outcome: what people decided, else the verdict.
    Outcome,
    /// What people decided.
    Decision,
    /// What the published rules say.
    Published,
    /// What the strict rules say.
    Strict,
    /// What was observed; a record is in the group of each of its flags.
    Flag,
    /// The file or folder.
    Path,
}

impl GroupBy {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 12] = [
        Self::Repo,
        Self::Task,
        Self::TaskType,
        Self::Model,
        Self::Format,
        Self::Resolved,
        Self::Outcome,
        Self::Decision,
        Self::Published,
        Self::Strict,
        Self::Flag,
        Self::Path,
    ];

    /// The word on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Repo => "repo",
            Self::Task => "task",
            Self::TaskType => "task_type",
            Self::Model => "model",
            Self::Format => "format",
            Self::Resolved => "resolved",
            Self::Outcome => "outcome",
            Self::Decision => "decision",
            Self::Published => "published",
            Self::Strict => "strict",
            Self::Flag => "flag",
            Self::Path => "path",
        }
    }

    /// Whether its groups tell what blind mode hides: verdicts, outcomes, what people decided.
    pub fn tells_verdicts(self) -> bool {
        matches!(
            self,
            Self::Resolved | Self::Outcome | Self::Decision | Self::Published | Self::Strict
        )
    }

    /// What it is, in words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Repo => "the task's repository",
            Self::Task => "the task",
            Self::TaskType => "what the task asks for",
            Self::Model => "the model",
            Self::Format => "the producer family",
            Self::Resolved => "whether the attempt solved its task",
            Self::Outcome => "what people decided, else the verdict",
            Self::Decision => "what people decided",
            Self::Published => "what the published rules say",
            Self::Strict => "what the strict rules say",
            Self::Flag => "each flag; a record may be in several groups",
            Self::Path => "the file or folder",
        }
    }

    /// The grouping with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.name() == name)
    }

    /// The values of a record: one, or for flags one for each; `None` where it does not say.
    pub(super) fn values(self, facts: &Facts, flags: FlagSet) -> Vec<Option<Text>> {
        let subject = &facts.subject;
        let said = &facts.said;
        vec![match self {
            Self::Repo => subject.repo.clone(),
            Self::Task => subject.task.clone(),
            Self::TaskType => subject.task_kind.map(|kind| TaskKind::name(kind).into()),
            Self::Model => subject.model.clone(),
            Self::Format => subject.format.map(|format| Format::name(format).into()),
            Self::Resolved => said
                .resolved
                .map(|is_resolved| if is_resolved { "resolved" } else { "failed" }.into()),
            Self::Outcome => Some(said.outcome.name().into()),
            Self::Decision => Some(said.people.name().into()),
            Self::Published => Some(said.published.name().into()),
            Self::Strict => Some(said.strict.name().into()),
            Self::Flag => return flag_values(flags),
            Self::Path => Some(subject.path.clone()),
        }]
    }
}

fn flag_values(flags: FlagSet) -> Vec<Option<Text>> {
    let own = FlagKind::ALL.into_iter().filter(|flag| flags.has(*flag));
    let mut values: Vec<Option<Text>> = own.map(|flag| Some(flag.name().into())).collect();
    if values.is_empty() {
        values.push(Some("no flag".into()));
    }
    values
}

/// The values that a group's records share, one for each thing that is grouped by; empty for all records.
pub(super) type Key = Vec<Option<Text>>;

/// The groups of a record.
pub(super) fn keys(by: &[GroupBy], facts: &Facts, flags: FlagSet) -> Vec<Key> {
    let mut keys = vec![Key::new()];
    for by in by {
        let values = by.values(facts, flags);
        let longer = keys.iter().flat_map(|key| {
            values.iter().map(|value| {
                let mut key = key.clone();
                key.push(value.clone());
                key
            })
        });
        keys = longer.collect();
    }
    keys
}

/// A group's name for people: its values, `-` for one that is not known.
pub(super) fn words(key: &Key) -> String {
    let values = key.iter().map(|value| value.as_deref().unwrap_or("-"));
    values.collect::<Vec<_>>().join(" · ")
}

/// Some of the records: a group of some grouping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// What records are grouped by.
    pub by: Vec<GroupBy>,
    /// The values that they share.
    pub key: Key,
}

impl Selection {
    /// The records with one value.
    pub fn of(by: GroupBy, value: impl Into<Text>) -> Self {
        Self {
            by: vec![by],
            key: vec![Some(value.into())],
        }
    }

    /// `repo a/b, flag loop`.
    pub fn words(&self) -> String {
        let parts = self.by.iter().zip(&self.key);
        let part = |(by, value): (&GroupBy, &Option<Text>)| {
            format!("{} {}", by.name(), value.as_deref().unwrap_or("-"))
        };
        parts.map(part).collect::<Vec<_>>().join(", ")
    }
}
