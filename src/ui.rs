//! The terminal program.
//!
//! Parts in the order in which they may import each other: `event < action < command < keymap < effect < layout <
//! page < widget < view < overlay < app < tasks < run`.

pub mod action;
pub mod page;
