//! A command of ours in a sandbox, to its end.

use std::time::Duration;
use std::time::Instant;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::sandbox::Exit;
use crate::sandbox::Heard;
use crate::sandbox::Launch;
use crate::sandbox::Sandbox;

/// How often it is looked whether a command should stop.
const LOOK: Duration = Duration::from_millis(100);

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// How it ended; `None` when its time was over and it was killed.
    pub exit: Option<Exit>,
    /// What it wrote, from the beginning.
    pub output: Vec<u8>,
    /// It wrote more than that.
    pub is_cut: bool,
}

impl Ran {
    /// Whether it ended by itself and well.
    pub fn is_ok(&self) -> bool {
        self.exit == Some(Exit::Code(0))
    }

    /// What it wrote, decoded lossily.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
}

/// Runs a command to its end, or until `patience` is over; of its output the first `most` bytes are kept.
///
/// # Errors
/// *input* when there is no such program; *limit* when the sandbox died or it was cancelled.
pub fn run_command(
    sandbox: &mut dyn Sandbox,
    launch: &Launch,
    (patience, most): (Duration, usize),
    cancel: &Cancel,
) -> Result<Ran> {
    let start = Instant::now();
    let mut process = sandbox.spawn(launch)?;
    let mut ran = Ran {
        exit: None,
        output: Vec::new(),
        is_cut: false,
    };
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let left = patience.saturating_sub(start.elapsed());
        let heard = process.read(&mut bytes, LOOK.min(left.max(Duration::from_millis(1))))?;
        let room = most - ran.output.len();
        ran.is_cut |= bytes.len() > room;
        ran.output
            .extend_from_slice(bytes.get(..room).unwrap_or(&bytes));
        if let Heard::End(exit) = heard {
            ran.exit = Some(exit);
            return Ok(ran);
        }
        if cancel.is_cancelled() || left.is_zero() {
            process.kill();
            return if cancel.is_cancelled() {
                Err(Error::limit("cancelled"))
            } else {
                Ok(ran)
            };
        }
    }
}
