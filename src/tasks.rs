//! Makes tasks of the four types from repositories, lists them, checks them, and writes the state from which they begin.
//!
//! A [`Seed`] is a repository that was opened and indexed; a [`Maker`] finds the [`Draft`]s of its type in it. Whatever
//! is chosen from them, in which order, and under which ids depends on the seeds, the options and the seed of chance
//! alone: never on the number of threads, the clock or what was made before.

mod draft;
mod known;
mod seed;

pub use draft::Draft;
pub use draft::Drafts;
pub use draft::Fields;
pub use draft::LeftOut;
pub use draft::Maker;
pub use known::KnownRepositories;
pub use seed::Seed;
