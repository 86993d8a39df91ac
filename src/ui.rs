//! The terminal program.
//!
//! Parts in the order in which they may import each other: `event < action < command < keymap < effect < layout <
//! page < widget < view < overlay < app < tasks < run`. `clipboard` is used by `tasks` alone.

pub mod action;
pub mod clipboard;
pub mod command;
pub mod event;
pub mod keymap;
pub mod overlay;
pub mod widget;
