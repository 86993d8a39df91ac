//! Makes tasks of the four types from repositories, lists them, checks them, and writes the state from which they begin.
//!
//! A [`Seed`] is a repository that was opened and indexed; a [`Maker`] finds the [`Draft`]s of its type in it. Whatever
//! is chosen from them, in which order, and under which ids depends on the seeds, the options and the seed of chance
//! alone: never on the number of threads, the clock or what was made before.

pub mod base;
pub mod build;
pub mod check;
pub mod dep_search;
pub mod describe;
mod difficulty;
mod draft;
mod func_gen;
pub mod func_localize;
pub mod issue_localize;
mod known;
pub mod licence;
pub mod materialize;
mod place;
pub mod prompt;
mod sample;
mod seed;
pub mod source;

pub use difficulty::Difficulty;
pub use difficulty::depth;
pub use draft::Draft;
pub use draft::Drafts;
pub use draft::Fields;
pub use draft::LeftOut;
pub use draft::Maker;
pub use func_gen::FuncGen;
pub use known::KnownRepositories;
pub use place::PlaceRole;
pub use place::TaskPlace;
pub use place::places;
pub use seed::Seed;
