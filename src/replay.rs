//! Runs the recorded actions of a trajectory again in a sandbox and says, call by call, whether the same came of them.
//!
//! A [`Tool`] does to the letter what the producer's tool does with a call; its [`Reply`] is compared with the recorded
//! observation and gives a [`StepVerdict`]. The whole of it is a [`RecordReplay`], the line of a results file. Behind the
//! first divergence the calls go on, but are marked: they ran in a workspace that was no longer the recorded one. Which
//! verdict the task's filter gives to the final patch is added by the caller: verifiers stand to the right of this module.

mod base;
pub mod edit;
mod ground;
mod outcome;
mod patch;
pub mod results;
mod screen;
mod session;
mod shell;
mod stage;
mod tool;
mod toolbox;
mod verdict;

pub use base::Base;
pub use base::BaseChange;
pub use base::BaseSources;
pub use base::Bounds;
pub use base::Finished;
pub use base::Outgoing;
pub use base::Place;
pub use base::Preparations;
pub use base::Ran;
pub use base::Workspace;
pub use base::answer_files;
pub use base::commit_message;
pub use base::localize_targets;
pub use base::run_command;
pub use base::write_out;
pub use ground::Ground;
pub use outcome::BaseKind;
pub use outcome::CallReplay;
pub use outcome::FileReplay;
pub use outcome::PatchReplay;
pub use outcome::RecordReplay;
pub use outcome::Same;
pub use outcome::StepVerdict;
pub use outcome::Verified;
pub use screen::Screen;
pub use session::CallRef;
pub use session::Changed;
pub use session::Event;
pub use session::Options;
pub use session::Session;
pub use session::ShellHere;
pub use session::Stopped;
pub use session::Until;
pub use session::What;
pub use shell::Edition;
pub use shell::Form;
pub use shell::HeredocPatch;
pub use shell::OpenHands;
pub use shell::Plain;
pub use shell::Scaffold;
pub use shell::Shown;
pub use shell::Terminal;
pub use shell::WithPatches;
pub use shell::cut_middle;
pub use stage::Stage;
pub use stage::Staged;
pub use tool::Call;
pub use tool::Did;
pub use tool::Reply;
pub use tool::Saved;
pub use tool::Tool;
pub use toolbox::Toolbox;
pub use verdict::Judged;
pub use verdict::judge;
