//! Finding one's way among many records: sort keys and fuzzy narrowing, and the query language of `--where`, `F` and
//! queues; the same for the screen and the commands.
//!
//! A query goes from text through `lex` and [`parse`] to a tree ([`ast`]), through `check` to a [`Query`] whose names
//! and types are known, and is evaluated against a [`Record`], of which it asks only what it needs, the cheapest first.
//! Pure: what a record is, and what reading it costs, is known elsewhere; the tables [`FIELDS`] and [`STEP_FIELDS`] say
//! what may be asked.

pub mod ast;
mod check;
mod complete;
mod error;
mod eval;
mod explain;
mod field;
pub mod fuzzy;
mod lex;
mod parse;
pub mod sort;
mod value;

pub use check::MOST_BYTES;
pub use check::Query;
pub use complete::Candidate;
pub use complete::Completion;
pub use complete::complete;
pub use error::QueryError;
pub use error::distance;
pub use eval::Record;
pub use eval::Step;
pub use eval::Value;
pub use explain::Explained;
pub use field::Cost;
pub use field::FIELDS;
pub use field::Fact;
pub use field::Field;
pub use field::Kind;
pub use field::Name;
pub use field::Param;
pub use field::Replay;
pub use field::STEP_FIELDS;
pub use field::Unit;
pub use field::Words;
pub use parse::parse;

#[cfg(test)]
mod tests;
