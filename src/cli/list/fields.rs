//! The fields of a row by name: which were asked for, and what has to be found out for them.

use clap::builder::PossibleValuesParser;
use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeMap as _;

use crate::cli::list::ListRow;
use crate::query::sort::SortKey;

/// A field of a row of `hgview list --json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Field {
    Id,
    Nth,
    Task,
    TaskType,
    Attempt,
    Format,
    Variant,
    Outcome,
    Steps,
    Actions,
    FailedActions,
    Verdicts,
    Decision,
    Decisions,
    Replay,
    Flags,
    Tokens,
    TokensDetail,
    Cost,
    Duration,
    Model,
    PatchLines,
    Children,
    Path,
    Member,
    Row,
    ByteRange,
    Fault,
}

impl Field {
    /// In the order of the schema.
    pub(in crate::cli) const ALL: [Self; 28] = [
        Self::Id,
        Self::Nth,
        Self::Task,
        Self::TaskType,
        Self::Attempt,
        Self::Format,
        Self::Variant,
        Self::Outcome,
        Self::Steps,
        Self::Actions,
        Self::FailedActions,
        Self::Verdicts,
        Self::Decision,
        Self::Decisions,
        Self::Replay,
        Self::Flags,
        Self::Tokens,
        Self::TokensDetail,
        Self::Cost,
        Self::Duration,
        Self::Model,
        Self::PatchLines,
        Self::Children,
        Self::Path,
        Self::Member,
        Self::Row,
        Self::ByteRange,
        Self::Fault,
    ];

    /// Its name in JSON.
    pub(in crate::cli) fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Nth => "nth",
            Self::Task => "task",
            Self::TaskType => "task_type",
            Self::Attempt => "attempt",
            Self::Format => "format",
            Self::Variant => "variant",
            Self::Outcome => "outcome",
            Self::Steps => "steps",
            Self::Actions => "actions",
            Self::FailedActions => "failed_actions",
            Self::Verdicts => "verdicts",
            Self::Decision => "decision",
            Self::Decisions => "decisions",
            Self::Replay => "replay",
            Self::Flags => "flags",
            Self::Tokens => "tokens",
            Self::TokensDetail => "tokens_detail",
            Self::Cost => "cost",
            Self::Duration => "duration",
            Self::Model => "model",
            Self::PatchLines => "patch_lines",
            Self::Children => "children",
            Self::Path => "path",
            Self::Member => "member",
            Self::Row => "row",
            Self::ByteRange => "byte_range",
            Self::Fault => "fault",
        }
    }

    /// The names of all, for `--fields`.
    pub(in crate::cli) fn names() -> PossibleValuesParser {
        Self::ALL.map(Self::name).to_vec().into()
    }

    /// The fields with these names, each once.
    pub(super) fn named(names: &[String]) -> Vec<Self> {
        let mut fields = Vec::new();
        for name in names {
            let known = Self::ALL.into_iter().find(|field| field.name() == name);
            fields.extend(known.filter(|field| !fields.contains(field)));
        }
        fields
    }

    /// Whether only all steps of a record tell it, with what came of their actions.
    fn is_of_steps(self) -> bool {
        matches!(
            self,
            Self::Variant | Self::Actions | Self::FailedActions | Self::Duration | Self::Children
        )
    }
}

/// What has to be found out of each record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is asked for by itself")]
pub(super) struct Wanted {
    /// All that its row has: else as little as [`crate::store::Store::sketch`] reads.
    pub(super) whole_row: bool,
    /// What both filters say.
    pub(super) verdicts: bool,
    /// What people decided and flagged.
    pub(super) people: bool,
    /// What came of replays.
    pub(super) replays: bool,
    /// Flags of behaviour.
    pub(super) flags: bool,
}

impl Wanted {
    /// For the table as it is when nobody says what it is to show.
    pub(super) const TABLE: Self = Self {
        flags: false,
        ..Self::ALL
    };
    /// For all fields.
    pub(super) const ALL: Self = Self {
        whole_row: true,
        verdicts: true,
        people: true,
        replays: true,
        flags: true,
    };

    /// For these fields.
    pub(super) fn of(fields: &[Field]) -> Self {
        let has = |field: Field| fields.contains(&field);
        Self {
            whole_row: fields.iter().any(|field| field.is_of_steps()),
            verdicts: has(Field::Verdicts),
            people: has(Field::Decision) || has(Field::Decisions) || has(Field::Flags),
            replays: has(Field::Replay),
            flags: has(Field::Flags),
        }
    }

    /// And for an order.
    pub(super) fn and_order(self, key: SortKey) -> Self {
        Self {
            whole_row: self.whole_row || matches!(key, SortKey::Failures | SortKey::Duration),
            verdicts: self.verdicts || matches!(key, SortKey::Published | SortKey::Strict),
            people: self.people || key == SortKey::Decision,
            replays: self.replays || key == SortKey::Replay,
            ..self
        }
    }
}

/// Some fields of a row, in an order of their own.
pub(super) struct Picked<'a> {
    pub(super) row: &'a ListRow,
    pub(super) keys: &'a [Field],
}

impl Serialize for Picked<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let row = self.row;
        let mut fields = serializer.serialize_map(Some(self.keys.len()))?;
        for key in self.keys {
            let name = key.name();
            match key {
                Field::Id => fields.serialize_entry(name, &row.id)?,
                Field::Nth => fields.serialize_entry(name, &row.nth)?,
                Field::Task => fields.serialize_entry(name, &row.task)?,
                Field::TaskType => fields.serialize_entry(name, &row.task_type)?,
                Field::Attempt => fields.serialize_entry(name, &row.attempt)?,
                Field::Format => fields.serialize_entry(name, &row.format)?,
                Field::Variant => fields.serialize_entry(name, &row.variant)?,
                Field::Outcome => fields.serialize_entry(name, &row.outcome)?,
                Field::Steps => fields.serialize_entry(name, &row.steps)?,
                Field::Actions => fields.serialize_entry(name, &row.actions)?,
                Field::FailedActions => fields.serialize_entry(name, &row.failed_actions)?,
                Field::Verdicts => fields.serialize_entry(name, &row.verdicts)?,
                Field::Decision => fields.serialize_entry(name, &row.decision)?,
                Field::Decisions => fields.serialize_entry(name, &row.decisions)?,
                Field::Replay => fields.serialize_entry(name, &row.replay)?,
                Field::Flags => fields.serialize_entry(name, &row.flags)?,
                Field::Tokens => fields.serialize_entry(name, &row.tokens)?,
                Field::TokensDetail => fields.serialize_entry(name, &row.tokens_detail)?,
                Field::Cost => fields.serialize_entry(name, &row.cost)?,
                Field::Duration => fields.serialize_entry(name, &row.duration)?,
                Field::Model => fields.serialize_entry(name, &row.model)?,
                Field::PatchLines => fields.serialize_entry(name, &row.patch_lines)?,
                Field::Children => fields.serialize_entry(name, &row.children)?,
                Field::Path => fields.serialize_entry(name, &row.path)?,
                Field::Member => fields.serialize_entry(name, &row.member)?,
                Field::Row => fields.serialize_entry(name, &row.row)?,
                Field::ByteRange => fields.serialize_entry(name, &row.byte_range)?,
                Field::Fault => fields.serialize_entry(name, &row.fault)?,
            }
        }
        fields.end()
    }
}
