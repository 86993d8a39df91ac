//! The screens as they are drawn, and what keys and the mouse do to them, over the samples and without a terminal.

mod decisions;
mod exports;
mod keys;
mod looks;
mod patches;
mod soak;
mod stats;

pub(crate) use looks::snapshot;
pub(crate) use soak::check_cells;
pub(crate) use soak::is_drawable;
