//! hgview: look at coding-agent trajectories, see why the filter decided, decide, replay, export.
//!
//! Module order (a module imports only from its left; tested by `tests/it/structure.rs`):
//! `error < cancel < heap < text < model < shard < config < theme < diff < patch < python < query < read < store < workspace < search <
//! review < behave < sandbox < replay < verify < select < compare < stats < columns < endpoint < tasks < rollout < export < ui < cli < main`.

pub mod behave;
pub mod cancel;
pub mod cli;
pub mod columns;
pub mod compare;
pub mod config;
pub mod diff;
pub mod endpoint;
pub mod error;
pub mod export;
pub mod heap;
pub mod model;
pub mod patch;
pub mod python;
pub mod query;
pub mod read;
pub mod replay;
pub mod review;
pub mod rollout;
pub mod sandbox;
pub mod search;
pub mod select;
pub mod shard;
pub mod stats;
pub mod store;
pub mod tasks;
pub mod text;
pub mod theme;
pub mod ui;
pub mod verify;
pub mod workspace;
