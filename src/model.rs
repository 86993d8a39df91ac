//! The common model: what every reader produces and every screen, command and exporter reads.
//!
//! Plain data without I/O. The JSON form of these types (`hgview show --json`) is a contract: field names follow
//! the words of the field and change only with a new schema version. Absent is not false: whatever a format does
//! not say is `None`, never a zero.

mod action;
mod ended;
mod flag;
mod ids;
mod json;
mod outcome;
mod step;
mod summary;
mod task;
mod time;
mod trajectory;
mod verdict;

pub use action::{Action, ActionClass, Edit, EditOp, Observation, Part, ShellCall, View};
pub use ended::{Ended, ROLLOUT_AGENT};
pub use flag::{Component, Flag, FlagKind};
pub use ids::{ContentHash, LineIx, LineNo, RecordIx, Span, StepIx};
pub use json::{Value, approx_value_bytes};
pub use outcome::{Outcome, Tokens, Totals};
pub use step::{Step, StepKind};
pub use summary::{KindMark, Summary};
pub use task::{Task, TaskKind};
pub use time::Stamp;
pub use trajectory::{Child, ChildKind, Fault, Format, Note, Source, Trajectory, child_path};
pub use verdict::Verdict;

/// Text shared between the model, the screen's pages and the search, without copies.
pub type Text = std::sync::Arc<str>;
