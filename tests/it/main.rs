//! Integration tests: one binary, one module a topic. `structure` checks that every file here is listed.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed"
)]

#[path = "../../examples/make_samples/samples.rs"]
mod make_samples;

mod behaviour;
mod bench;
mod cli_agree;
mod cli_compare;
mod cli_dataset;
mod cli_export;
mod cli_index;
mod cli_list;
mod cli_mark;
mod cli_open;
mod cli_other;
mod cli_query;
mod cli_replay;
mod cli_sandbox;
mod cli_search;
mod cli_shares;
mod cli_show;
mod cli_stats;
mod cli_tasks;
mod cli_tasks_check;
mod cli_tasks_endpoint;
mod cli_tasks_sources;
mod cli_verify;
mod cluster;
mod conformance;
mod corpus;
mod crash;
mod dice;
mod driver;
mod engines;
mod export;
mod faults;
mod heads;
mod journal;
mod program;
mod properties;
mod pty;
mod replay_base;
mod rollout;
mod samples;
mod sandbox;
mod sandbox_engine;
#[cfg(target_os = "linux")]
mod sandbox_landlock;
mod screens;
mod soak;
mod structure;
mod terminal;
