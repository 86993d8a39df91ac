//! A process in a sandbox: how it is started, what is heard of it, how it ends.

use std::time::Duration;

use crate::error::Result;

/// What a process reads from and writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// A terminal of its own, of the sandbox's making: the process leads its session, and what is written to it is typed.
    Terminal {
        /// Lines of the terminal.
        rows: u16,
        /// Columns of the terminal.
        columns: u16,
    },
    /// Standard output and standard error in one pipe, in the order of writing; standard input is empty.
    Pipe,
}

/// A program to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The program (looked for on the sandbox's `PATH` if it has no `/`) and its arguments.
    pub argv: Vec<String>,
    /// Where it starts; an absolute path in the sandbox.
    pub cwd: String,
    /// Added to the sandbox's environment.
    pub env: Vec<(String, String)>,
    /// Where its input and output go.
    pub streams: Streams,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal, whoever sent it.
    Signal(i32),
    /// Killed by us because it reached a bound; the words say which.
    Bound(String),
}

impl Exit {
    /// The code as a shell tells it: a signal counts 128 more than its number.
    pub fn code(&self) -> i32 {
        match self {
            Self::Code(code) => *code,
            Self::Signal(signal) => 128 + signal,
            Self::Bound(_) => 137,
        }
    }
}

/// What was heard of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// It wrote something.
    Bytes,
    /// It wrote nothing while one waited.
    Silence,
    /// It has ended, and everything that it wrote has been read.
    End(Exit),
}

/// A process that was started in a sandbox. Dropping the value lets it run on; it dies with its sandbox.
pub trait Process: Send {
    /// Types `bytes` at its terminal; everything, or an error.
    ///
    /// # Errors
    /// *limit* when it reads nothing any more, has ended, or has no terminal.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;

    /// Gives its terminal another size; what runs on it is told (`SIGWINCH`).
    ///
    /// # Errors
    /// *limit* when it has no terminal or has ended.
    fn resize(&mut self, rows: u16, columns: u16) -> Result<()>;

    /// Appends what it has written to `into`, as it came, waiting up to `wait` for the first byte.
    ///
    /// # Errors
    /// *limit* when the sandbox died under it.
    fn read(&mut self, into: &mut Vec<u8>, wait: Duration) -> Result<Heard>;

    /// Kills it and what it started in its session or process group; it is heard of as ended soon after.
    fn kill(&mut self);
}
