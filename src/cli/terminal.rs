//! What the commands need to know of the terminal: is there one, how wide, in colour. Asked once, at the start.

use std::io::IsTerminal as _;

use crate::cli::args::When;

/// Facts about the process's streams.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, two for each stream"
)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Terminal {
    /// Standard output is one.
    pub(super) stdout: bool,
    /// Standard error is one.
    pub(super) stderr: bool,
    /// Use colour on standard output.
    pub(super) color: bool,
    /// Use colour on standard error.
    pub(super) stderr_color: bool,
    /// Cells of a line; `None` when lines may be as long as they are.
    pub(super) width: Option<usize>,
}

impl Terminal {
    /// Asks the process and its environment. `COLUMNS` wins over the terminal's own size; colours follow `NO_COLOR`
    /// and `TERM=dumb` unless `when` decides.
    pub(super) fn of_process(when: When) -> Self {
        let (stdout, stderr) = (
            std::io::stdout().is_terminal(),
            std::io::stderr().is_terminal(),
        );
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let allowed = !is_set("NO_COLOR") && !is_dumb();
        let color = |is_terminal: bool| match when {
            When::Auto => is_terminal && allowed,
            When::Always => true,
            When::Never => false,
        };
        let columns = std::env::var("COLUMNS")
            .ok()
            .and_then(|text| text.parse().ok());
        let size = || {
            let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
            (stdout && size.ws_col > 0).then_some(usize::from(size.ws_col))
        };
        Self {
            stdout,
            stderr,
            color: color(stdout),
            stderr_color: color(stderr),
            width: columns.filter(|cells| *cells > 0).or_else(size),
        }
    }
}

/// Whether the terminal says that it can do nothing.
pub(super) fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}
