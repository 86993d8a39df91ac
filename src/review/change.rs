//! What one event says of one record: only what it sets; everything else stays as it was.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

use crate::model::Text;
use crate::model::Verdict;

/// What a person says of a trajectory. That nobody said anything is its absence.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// It belongs into the set.
    Accept,
    /// It does not.
    Reject,
    /// Looked at, and not to be decided by this person.
    Skip,
}

impl Choice {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 3] = [Self::Accept, Self::Reject, Self::Skip];

    /// The word used in JSON, columns and queries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Skip => "skip",
        }
    }

    /// The word in a sentence: `accepted by ada`.
    pub fn past(self) -> &'static str {
        match self {
            Self::Accept => "accepted",
            Self::Reject => "rejected",
            Self::Skip => "skipped",
        }
    }

    /// What it says of the attempt: a skip says nothing.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Accept => Verdict::Accept,
            Self::Reject => Verdict::Reject,
            Self::Skip => Verdict::Unjudged,
        }
    }
}

/// What training does with a step.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Mask {
    /// Its response is learned.
    Train,
    /// It is read and not learned.
    Context,
    /// It is left out.
    Drop,
}

impl Mask {
    /// All of them, in the order in which a key goes through them.
    pub const ALL: [Self; 3] = [Self::Train, Self::Context, Self::Drop];

    /// The word used in JSON and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Context => "context",
            Self::Drop => "drop",
        }
    }

    /// The mask with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mask| mask.name() == name)
    }
}

/// What an event does to a field: in JSON an absent key keeps it, `null` clears it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Field<T> {
    /// The field stays as it was.
    #[default]
    Keep,
    /// The field is empty from now on.
    Clear,
    /// The field has this value from now on.
    Set(T),
}

impl<T> Field<T> {
    /// Whether the field stays as it was.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The value that is set.
    pub fn set(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// Does to `target` what it says.
    pub fn apply(&self, target: &mut Option<T>)
    where
        T: Clone,
    {
        match self {
            Self::Keep => {}
            Self::Clear => *target = None,
            Self::Set(value) => *target = Some(value.clone()),
        }
    }
}

impl<T> From<Option<T>> for Field<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::Set)
    }
}

impl<T: Serialize> Serialize for Field<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.set().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<T>::deserialize(deserializer).map(Self::from)
    }
}

/// What the automatic filter said when the person decided; `None` where it was not shown (blind mode) or had not run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Seen {
    /// By the published rules.
    #[serde(default)]
    pub published: Option<Verdict>,
    /// By the strict rules.
    #[serde(default)]
    pub strict: Option<Verdict>,
}

impl Seen {
    /// Whether no verdict was seen.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// What one event sets on one record. [`Change::default`] sets nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    /// The decision. Setting it also replaces reason, verdicts seen and adjudication by those of this event; clearing it
    /// clears them.
    pub decision: Field<Choice>,
    /// Why, in a word of the taxonomy or one's own.
    pub reason: Field<Text>,
    /// All tags from now on.
    pub tags: Option<Vec<Text>>,
    /// A note.
    pub note: Field<Text>,
    /// Masks of steps (from 0); `None` takes the step's mask away. Steps that are not named keep theirs.
    pub masks: BTreeMap<usize, Option<Mask>>,
    /// Whether it is flagged for another look.
    pub flag: Option<bool>,
    /// Seconds that the person spent on it since the last event; never negative.
    pub secs: f64,
    /// What the filter said when this was decided.
    pub seen: Seen,
    /// The reviewers whose dispute this decision settles.
    pub adjudicates: Vec<Text>,
}

impl Change {
    /// A decision and nothing else.
    pub fn decide(choice: Choice) -> Self {
        Self {
            decision: Field::Set(choice),
            ..Self::default()
        }
    }

    /// Takes the decision back, with its reason.
    pub fn clear() -> Self {
        Self {
            decision: Field::Clear,
            ..Self::default()
        }
    }

    /// Gives the reason of a decision that was made before.
    pub fn reason(reason: &str) -> Self {
        Self {
            reason: Field::Set(reason.into()),
            ..Self::default()
        }
    }

    /// Whether it gives a reason and does nothing else.
    pub fn is_reason(&self) -> bool {
        let rest = Self {
            reason: Field::Keep,
            ..self.clone()
        };
        self.reason.set().is_some() && rest == Self::default()
    }

    /// Sets the flag or takes it away.
    pub fn flag(is_flagged: bool) -> Self {
        Self {
            flag: Some(is_flagged),
            ..Self::default()
        }
    }

    /// Sets all tags.
    pub fn tags(tags: Vec<Text>) -> Self {
        Self {
            tags: Some(tags),
            ..Self::default()
        }
    }

    /// Sets the note, or takes it away where it is empty.
    pub fn note(note: &str) -> Self {
        let note = Some(note).filter(|note| !note.trim().is_empty());
        Self {
            note: note.map(Text::from).into(),
            ..Self::default()
        }
    }

    /// Masks steps, or takes their masks away.
    pub fn mask(steps: impl IntoIterator<Item = usize>, mask: Option<Mask>) -> Self {
        Self {
            masks: steps.into_iter().map(|step| (step, mask)).collect(),
            ..Self::default()
        }
    }

    /// Whether it sets nothing but perhaps the time spent.
    pub fn is_empty(&self) -> bool {
        let idle = Self {
            secs: self.secs,
            ..Self::default()
        };
        *self == idle
    }
}
