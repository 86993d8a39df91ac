//! The screens as they are drawn, and what keys and the mouse do to them, over the samples and without a terminal.

mod compare;
mod decisions;
mod exports;
mod files;
mod flags;
mod grep;
mod keys;
mod looks;
mod patches;
mod queries;
mod replays;
mod soak;
mod stats;

pub(crate) use looks::snapshot;
pub(crate) use soak::check_cells;
pub(crate) use soak::is_drawable;
