//! The shell tools of all producers, as a replay runs them.

mod args;
mod console;
mod heredoc;
mod keys;
mod openhands;
mod plain;
mod script;
mod state;
mod terminal;
mod turn;
mod wrap;

#[cfg(test)]
mod tests;

pub use heredoc::HeredocPatch;
pub use heredoc::WithPatches;
pub use openhands::Form;
pub use openhands::OpenHands;
pub use openhands::Shown;
pub use openhands::cut_middle;
pub use plain::Plain;
pub use plain::Scaffold;
pub use terminal::Edition;
pub use terminal::Terminal;
pub(in crate::replay) use wrap::NeverRan;
pub(in crate::replay) use wrap::never_ran;
