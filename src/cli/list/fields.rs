//! The fields of a row by name: which were asked for, and what has to be found out for them.

use clap::ValueEnum;
use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeMap as _;

use crate::cli::list::ListRow;
use crate::query::sort::SortKey;

/// A field of a row of `hgview list --json`, called as it is there, in the order of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[value(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
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
    /// The fields that were asked for, each once.
    pub(super) fn each(asked: &[Self]) -> Vec<Self> {
        let mut fields = Vec::new();
        for field in asked {
            fields.extend(Some(*field).filter(|field| !fields.contains(field)));
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
            match key {
                Field::Id => fields.serialize_entry(key, &row.id)?,
                Field::Nth => fields.serialize_entry(key, &row.nth)?,
                Field::Task => fields.serialize_entry(key, &row.task)?,
                Field::TaskType => fields.serialize_entry(key, &row.task_type)?,
                Field::Attempt => fields.serialize_entry(key, &row.attempt)?,
                Field::Format => fields.serialize_entry(key, &row.format)?,
                Field::Variant => fields.serialize_entry(key, &row.variant)?,
                Field::Outcome => fields.serialize_entry(key, &row.outcome)?,
                Field::Steps => fields.serialize_entry(key, &row.steps)?,
                Field::Actions => fields.serialize_entry(key, &row.actions)?,
                Field::FailedActions => fields.serialize_entry(key, &row.failed_actions)?,
                Field::Verdicts => fields.serialize_entry(key, &row.verdicts)?,
                Field::Decision => fields.serialize_entry(key, &row.decision)?,
                Field::Decisions => fields.serialize_entry(key, &row.decisions)?,
                Field::Replay => fields.serialize_entry(key, &row.replay)?,
                Field::Flags => fields.serialize_entry(key, &row.flags)?,
                Field::Tokens => fields.serialize_entry(key, &row.tokens)?,
                Field::TokensDetail => fields.serialize_entry(key, &row.tokens_detail)?,
                Field::Cost => fields.serialize_entry(key, &row.cost)?,
                Field::Duration => fields.serialize_entry(key, &row.duration)?,
                Field::Model => fields.serialize_entry(key, &row.model)?,
                Field::PatchLines => fields.serialize_entry(key, &row.patch_lines)?,
                Field::Children => fields.serialize_entry(key, &row.children)?,
                Field::Path => fields.serialize_entry(key, &row.path)?,
                Field::Member => fields.serialize_entry(key, &row.member)?,
                Field::Row => fields.serialize_entry(key, &row.row)?,
                Field::ByteRange => fields.serialize_entry(key, &row.byte_range)?,
                Field::Fault => fields.serialize_entry(key, &row.fault)?,
            }
        }
        fields.end()
    }
}
