//! Statistics over many records: what agents do, how often they are accepted, how much of everything, by any group.
//!
//! [`collect`] reads records in parallel and keeps [`Facts`] of each; [`Stats::of`] puts facts together, for any grouping
//! and without reading anything again; [`Stats::doc`] makes a page of it that [`lines`], [`markdown`] and [`html`] draw,
//! and [`csv`] gives the numbers of one part. Only `collect` touches the store. Of
//! many machines each keeps the facts of its share, and [`gather`] puts them together.

mod collect;
mod csv;
mod doc;
mod draw;
mod facts;
mod group;
mod html;
mod lines;
mod markdown;
mod measure;
mod numbers;
mod partial;
mod report;
mod sections;
mod tally;

pub use collect::Check;
pub use collect::Collected;
pub use collect::Examined;
pub use collect::Sources;
pub use collect::collect;
pub use collect::examine_each;
pub use csv::csv;
pub use doc::Doc;
pub use doc::SectionKind;
pub use draw::Glyphs;
pub use facts::Facts;
pub use group::GroupBy;
pub use group::Selection;
pub use html::html;
pub use lines::Line;
pub use lines::Look;
pub use lines::Piece;
pub use lines::Tint;
pub use lines::lines;
pub use markdown::markdown;
pub use partial::PartialAsked;
pub use partial::PartialLine;
pub use partial::SHARES;
pub use partial::gather;
pub use report::Stats;

#[cfg(test)]
mod tests;
