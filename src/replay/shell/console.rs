//! A bash on a terminal, and what OpenHands sees of it through tmux: typed keys, the captured screen, prompts that tell
//! the state of the shell.

use std::time::Duration;
use std::time::Instant;

use serde::Deserialize;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::replay::screen::Screen;
use crate::replay::shell::keys;
use crate::sandbox::Exit;
use crate::sandbox::Heard;
use crate::sandbox::Launch;
use crate::sandbox::Process;
use crate::sandbox::Sandbox;
use crate::sandbox::Streams;

const BEGIN: &str = "###PS1JSON###";
const END: &str = "###PS1END###";

/// Lines that tmux keeps of what scrolled out.
const HISTORY: usize = 10_000;

/// The longest wait in one piece, so that a cancelled replay stops soon.
pub(super) const GLANCE: Duration = Duration::from_millis(50);

/// How long nothing must have come before a key that is a signal is typed.
const BREATH: Duration = Duration::from_millis(10);

/// How long a shell may take to show its first prompt, and a cleared screen its prompt again.
const START: Duration = Duration::from_secs(20);
const REDRAW: Duration = Duration::from_secs(2);

/// How a screen is cleared after a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clearing {
    /// By the key `C-l` (OpenHands 0.x).
    Key,
    /// By running `clear` (the SDK).
    Program,
}

/// What sets one family's consoles apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Make {
    /// Lines and columns of the terminal.
    pub(super) rows: u16,
    pub(super) columns: u16,
    pub(super) clearing: Clearing,
    /// What is typed in front of the prompt's set-up.
    pub(super) opening: &'static str,
    /// The command that finds the Python interpreter for the prompt.
    pub(super) which: &'static str,
    /// A prompt that another one interrupts does not count.
    pub(super) skips_torn: bool,
}

impl Make {
    /// What is typed at a new shell, to the letter.
    fn setup(&self) -> String {
        let fields = [
            ("pid", "$!"),
            ("exit_code", "$?"),
            ("username", r"\u"),
            ("hostname", r"\h"),
            ("working_dir", "$(pwd)"),
        ];
        let mut json: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!(r#"  \"{name}\": \"{value}\""#))
            .collect();
        let which = self.which.replace('"', r#"\\""#);
        json.push(format!(r#"  \"py_interpreter_path\": \"{which}\""#));
        let prompt = format!("\n{BEGIN}\n{{\n{}\n}}\n{END}\n", json.join(",\n"));
        format!(
            "{}export PROMPT_COMMAND='export PS1=\"{prompt}\"'; export PS2=\"\"",
            self.opening
        )
    }
}

/// A prompt on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prompt {
    /// Its bytes in the captured text.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Of the command before it; -1 if it says nothing that is a number.
    pub(super) exit_code: i64,
    pub(super) dir: Option<String>,
    pub(super) python: Option<String>,
}

#[derive(Deserialize)]
struct Fields {
    exit_code: Option<String>,
    working_dir: Option<String>,
    py_interpreter_path: Option<String>,
}

/// The prompts in a captured text, in order.
pub(super) fn prompts(text: &str, skips_torn: bool) -> Vec<Prompt> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(BEGIN)) {
        let start = from + at;
        let inner = start + BEGIN.len();
        let is_line_start = start == 0 || text.as_bytes().get(start - 1) == Some(&b'\n');
        if !is_line_start {
            from = inner;
            continue;
        }
        let rest = text.get(inner..).unwrap_or_default();
        let Some(len) = rest.find(END) else { break };
        let json = rest.get(..len).unwrap_or_default();
        if skips_torn && json.contains(BEGIN) {
            from = inner;
            continue;
        }
        let end = inner + len + END.len();
        if let Ok(fields) = serde_json::from_str::<Fields>(json) {
            let code = fields
                .exit_code
                .as_deref()
                .and_then(|code| code.trim().parse().ok());
            found.push(Prompt {
                start,
                end,
                exit_code: code.unwrap_or(-1),
                dir: fields.working_dir.filter(|dir| !dir.is_empty()),
                python: fields.py_interpreter_path.filter(|path| !path.is_empty()),
            });
        }
        from = end;
    }
    found
}

/// The running shell.
pub(super) struct Console {
    process: Box<dyn Process>,
    screen: Screen,
    make: Make,
    ended: Option<Exit>,
    bytes: Vec<u8>,
    /// Ends of prompts among the bytes so far, and the last bytes, in which the next may have begun.
    pub(super) markers: usize,
    tail: Vec<u8>,
    /// The screen is being cleared; with the number of markers before.
    clearing: Option<usize>,
    /// Questions of programs that were answered.
    pub(super) answered: usize,
}

impl Console {
    /// Starts a shell in `cwd` and sets its prompt.
    ///
    /// # Errors
    /// *limit* when it shows no prompt in time, *input* when there is no `bash`.
    pub(super) fn start(
        make: Make,
        cwd: &str,
        sandbox: &mut dyn Sandbox,
        live: &mut dyn FnMut(&[u8]),
        cancel: &Cancel,
    ) -> Result<Self> {
        let env = [
            ("TERM", "tmux-256color"),
            ("TERM_PROGRAM", "tmux"),
            ("TERM_PROGRAM_VERSION", "3.3a"),
        ];
        let process = sandbox.spawn(&Launch {
            argv: vec!["/bin/bash".to_owned()],
            cwd: cwd.to_owned(),
            env: env
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            streams: Streams::Terminal {
                rows: make.rows,
                columns: make.columns,
            },
        })?;
        let mut console = Self {
            process,
            screen: Screen::new(make.rows, make.columns, HISTORY),
            make,
            ended: None,
            bytes: Vec::new(),
            markers: 0,
            tail: Vec::new(),
            clearing: None,
            answered: 0,
        };
        console.type_line(&make.setup())?;
        let until = Instant::now() + START;
        while !console.screen.last_line_is(END) {
            let heard = console.hear(GLANCE, live)?;
            let is_over = matches!(heard, Heard::End(_)) || Instant::now() >= until;
            if is_over || cancel.is_cancelled() {
                return Err(Error::limit("the shell of the replay shows no prompt"));
            }
        }
        console.clear()?;
        Ok(console)
    }

    /// Reads what the shell wrote, plays it, and answers what it asks of its terminal.
    pub(super) fn hear(&mut self, wait: Duration, live: &mut dyn FnMut(&[u8])) -> Result<Heard> {
        if let Some(exit) = &self.ended {
            return Ok(Heard::End(exit.clone()));
        }
        self.bytes.clear();
        let heard = self.process.read(&mut self.bytes, wait)?;
        if !self.bytes.is_empty() {
            live(&self.bytes);
            self.count_markers();
            self.screen.feed(&self.bytes);
            let replies = self.screen.take_replies();
            if !replies.is_empty() && heard == Heard::Bytes {
                self.answered += 1;
                self.process.write(&replies)?;
            }
        }
        if let Heard::End(exit) = &heard {
            self.ended = Some(exit.clone());
        }
        Ok(heard)
    }

    fn count_markers(&mut self) {
        self.tail.extend_from_slice(&self.bytes);
        self.markers += memchr::memmem::find_iter(&self.tail, END).count();
        // one byte less than a marker: what was counted is not counted again
        let keep = self.tail.len().min(END.len() - 1);
        self.tail.drain(..self.tail.len() - keep);
    }

    /// Whether the shell has ended.
    pub(super) fn is_dead(&self) -> bool {
        self.ended.is_some()
    }

    /// How the shell ended, if it has.
    pub(super) fn ended(&self) -> Option<&Exit> {
        self.ended.as_ref()
    }

    /// The captured screen; a shell that ended took it along.
    pub(super) fn capture(&self) -> String {
        if self.is_dead() {
            String::new()
        } else {
            self.screen.capture()
        }
    }

    /// The prompts on a captured screen.
    pub(super) fn prompts(&self, text: &str) -> Vec<Prompt> {
        prompts(text, self.make.skips_torn)
    }

    /// Whether the screen ends in a prompt.
    pub(super) fn is_prompting(&self) -> bool {
        !self.is_dead() && self.screen.last_line_is(END)
    }

    /// Types keys as `tmux send-keys` does, and Enter if asked for.
    pub(super) fn type_keys(
        &mut self,
        text: &str,
        enter: bool,
        live: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        let mut bytes = keys::sent(text);
        // a signal that reaches bash between showing its prompt and reading is only seen with the next key
        while keys::is_signal(&bytes) && self.hear(BREATH, live)? == Heard::Bytes {}
        if enter {
            bytes.push(b'\r');
        }
        self.write(&bytes)
    }

    /// Types a line as it stands.
    pub(super) fn type_line(&mut self, line: &str) -> Result<()> {
        self.write(format!("{line}\r").as_bytes())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if self.is_dead() || bytes.is_empty() {
            return Ok(());
        }
        self.process.write(bytes)
    }

    /// Asks for a cleared screen; it is clear when [`Console::settle`] was called.
    pub(super) fn clear(&mut self) -> Result<()> {
        self.clearing = Some(self.markers);
        match self.make.clearing {
            Clearing::Key => self.write(b"\x0c"),
            Clearing::Program => self.type_line("clear"),
        }
    }

    /// Waits until a screen that is being cleared shows its prompt again, and forgets what scrolled out.
    pub(super) fn settle(&mut self, live: &mut dyn FnMut(&[u8])) -> Result<()> {
        let Some(before) = self.clearing.take() else {
            return Ok(());
        };
        let until = Instant::now() + REDRAW;
        while !(self.markers > before && self.is_prompting()) && Instant::now() < until {
            if matches!(self.hear(GLANCE, live)?, Heard::End(_)) {
                break;
            }
        }
        self.screen.clear_history();
        Ok(())
    }

    /// Ends the shell and what it runs.
    pub(super) fn kill(&mut self) {
        self.process.kill();
        self.ended = Some(Exit::Signal(9));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_found() {
        let prompt = |code: &str| {
            format!("{BEGIN}\n{{\"exit_code\": \"{code}\", \"working_dir\": \"/w\"}}\n{END}")
        };
        let text = format!("x\n{}\nmiddle\n{}", prompt("0"), prompt("3"));
        let found = prompts(&text, false);
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[1].exit_code, found[1].dir.as_deref()),
            (3, Some("/w"))
        );
        assert_eq!(text.get(found[0].end..found[1].start), Some("\nmiddle\n"));
        let torn = format!("{BEGIN}\n{{\n{}", prompt("1"));
        assert_eq!(prompts(&torn, false).len(), 0);
        assert_eq!(prompts(&torn, true).len(), 1);
        assert_eq!(prompts(&format!("x{}", prompt("0")), false).len(), 0);
        assert_eq!(prompts(&format!("{BEGIN} no json {END}"), false).len(), 0);
    }
}
