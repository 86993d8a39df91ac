//! Pure text: what may reach a terminal, how wide it is, where it wraps, and which lines it has.
//!
//! Everything that comes from a trajectory passes [`clean`] (or [`ansi_line`]) before it is drawn or printed. Widths
//! follow the very tables of the screen library, so that what is measured here is what is drawn there. Knows nothing
//! of files, models or widgets; no function panics on any text and none is worse than linear in it.

mod ansi;
mod clean;
pub mod human;
mod lines;
mod width;
mod wrap;

pub use ansi::{AnsiColor, Ink, ansi_line, has_escapes, with_sgr};
pub use clean::{clean, clean_line, excerpt, is_hidden};
pub use lines::Lines;
pub use width::{clip, clip_start, expand_tabs, skip_cells, width};
pub use wrap::{wrap_points, wrapped};
