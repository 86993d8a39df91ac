//! `terminal` (and the early `execute_bash`) of OpenHands' software-agent-sdk: a bash on a terminal, cleared by `clear`.

use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::replay::shell::args;
use crate::replay::shell::console::Clearing;
use crate::replay::shell::console::Console;
use crate::replay::shell::console::Make;
use crate::replay::shell::openhands::Form;
use crate::replay::shell::openhands::message;
use crate::replay::shell::openhands::several;
use crate::replay::shell::state;
use crate::replay::shell::turn;
use crate::replay::shell::turn::Recorded;
use crate::replay::shell::turn::Refusal;
use crate::replay::shell::turn::Seen;
use crate::replay::shell::turn::Turn;
use crate::replay::shell::turn::Turns;
use crate::replay::shell::turn::Words;
use crate::replay::tool::Call;
use crate::replay::tool::Did;
use crate::replay::tool::Reply;
use crate::replay::tool::Saved;
use crate::replay::tool::Tool;
use crate::sandbox::Sandbox;

const ADVICE: &str = "You may wait longer to see additional output by sending empty command '', send other commands to \
                      interact with the current process, send keys (\"C-c\", \"C-z\", \"C-d\") to interrupt/kill the \
                      previous command before sending your new command, or use the timeout parameter in terminal for \
                      future commands.";

const WORDS: Words = Words {
    advice: ADVICE,
    advice_refused: ADVICE,
    fails_on_comments: false,
};

const RESET: &str = "Terminal session has been reset. All previous environment variables and session state have been \
                     cleared.";

/// Characters of a text behind which its middle is cut.
const LONGEST: usize = 30_000;

const NOTICE: &str = "<response clipped><NOTE>Due to the max output limit, only part of the full response has been shown \
                      to you.</NOTE>";

/// How long a command that is left running may take to end when the next call interrupts it.
const INTERRUPT: Duration = Duration::from_secs(2);

/// What differs between versions of the SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edition {
    /// Lines and columns: 1000 by 1000, and 200 by 256 in later versions.
    pub rows: u16,
    /// See `rows`.
    pub columns: u16,
    /// Every call takes a terminal from a pool: a command that is left running is interrupted by the next call.
    pub is_pooled: bool,
}

impl Edition {
    /// Of the versions that the records of 2025 and of the first half of 2026 are from (1.17 and before).
    pub const WIDE: Self = Self {
        rows: 1000,
        columns: 1000,
        is_pooled: false,
    };

    /// Of later versions.
    pub const NARROW: Self = Self {
        rows: 200,
        columns: 256,
        is_pooled: false,
    };
}

/// The tool.
pub struct Terminal {
    cwd: String,
    form: Form,
    edition: Edition,
    console: Option<Console>,
    turns: Turns,
}

impl Terminal {
    /// Of a shell that starts in `cwd`, with replies in `form`. The shell is started by the first call.
    pub fn new(cwd: impl Into<String>, form: Form, edition: Edition) -> Self {
        Self {
            cwd: cwd.into(),
            form,
            edition,
            console: None,
            turns: Turns::default(),
        }
    }

    /// The shell, started if there is none. It is put back by the caller.
    fn take_console(
        &mut self,
        sandbox: &mut dyn Sandbox,
        live: &mut dyn FnMut(&[u8]),
        cancel: &Cancel,
    ) -> Result<Console> {
        if let Some(console) = self.console.take() {
            return Ok(console);
        }
        let make = Make {
            rows: self.edition.rows,
            columns: self.edition.columns,
            clearing: Clearing::Program,
            opening: "set +H; ",
            which: r#"$(command -v python || echo "")"#,
            skips_torn: true,
        };
        Console::start(make, &self.cwd, sandbox, live, cancel)
    }

    /// Ends the shell; the next call gets a new one in the first one's folder.
    fn reset(&mut self) {
        if let Some(console) = &mut self.console {
            console.kill();
        }
        self.console = None;
        self.turns = Turns::default();
    }

    /// A command that the last call left running is interrupted, where calls share a pool.
    fn take_from_pool(&mut self, live: &mut dyn FnMut(&[u8])) -> Result<()> {
        if let Some(console) = self.console.as_mut().filter(|_| self.turns.is_left()) {
            turn::interrupt(console, INTERRUPT, live)?;
            console.clear()?;
        }
        self.turns.forget();
        Ok(())
    }

    fn reply(&self, outcome: Result<Seen, Refusal>, was_reset: bool) -> Reply {
        let before = if was_reset {
            format!("{RESET}\n\n")
        } else {
            String::new()
        };
        match outcome {
            Ok(mut seen) => {
                let code = seen.prompt.as_ref().map_or(-1, |prompt| prompt.exit_code);
                seen.content = before + &cut_middle(&seen.content);
                let is_error = seen
                    .suffix
                    .contains("\" is NOT executed. The previous command is still running");
                Reply {
                    text: match self.form {
                        Form::Content => seen.content.clone(),
                        Form::Message => headed(&message(&seen, code), is_error),
                    },
                    exit_code: Some(code),
                    did: seen.did,
                }
            }
            Err(refusal) => {
                let text = before + &refused(&refusal);
                Reply::text(match self.form {
                    Form::Content => text,
                    Form::Message => headed(&text, true),
                })
            }
        }
    }
}

fn refused(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NothingToRead => "No previous running command to retrieve logs from.".to_owned(),
        Refusal::NothingToFeed => "No previous running command to interact with.".to_owned(),
        Refusal::Several(pieces) => several(pieces),
        Refusal::NoCommand => String::new(),
    }
}

/// The message of an observation, with the header of errors.
fn headed(text: &str, is_error: bool) -> String {
    let header = if is_error {
        "[An error occurred during execution.]\n"
    } else {
        ""
    };
    format!("{header}{}", cut_middle(text))
}

/// A long text without its middle.
fn cut_middle(text: &str) -> String {
    let len = text.chars().count();
    if len <= LONGEST {
        return text.to_owned();
    }
    let room = LONGEST - NOTICE.chars().count();
    let tail = room / 2;
    let head: String = text.chars().take(room - tail).collect();
    let tail: String = text.chars().skip(len - tail).collect();
    format!("{head}{NOTICE}{tail}")
}

impl Tool for Terminal {
    fn run(
        &mut self,
        call: &Call<'_>,
        sandbox: &mut dyn Sandbox,
        live: &mut dyn FnMut(&[u8]),
        cancel: &Cancel,
    ) -> Result<Reply> {
        let Some(command) = args::command(call.action) else {
            return Ok(Reply::not_replayable("the call has no command"));
        };
        let is_reset = args::is_reset(call.action);
        if is_reset {
            self.reset();
            if command.trim().is_empty() {
                return Ok(Reply {
                    exit_code: Some(0),
                    ..Reply::text(RESET)
                });
            }
        }
        if self.edition.is_pooled {
            self.take_from_pool(live)?;
        }
        let turn = Turn {
            command: &command,
            is_input: args::is_input(call.action) && !is_reset,
            limit: args::limit(call.action),
            recorded: Recorded::of(call.action.observation.as_ref()),
            patience: call.patience,
        };
        let mut console = self.take_console(sandbox, live, cancel)?;
        let outcome = self.turns.run(&turn, &WORDS, &mut console, live, cancel)?;
        if console.is_dead() && matches!(&outcome, Ok(seen) if seen.did == Did::TimedOut) {
            // killed by us: the next call gets a new shell where this one stood
            self.cwd = self.turns.dir.clone().unwrap_or_else(|| self.cwd.clone());
        } else {
            self.console = Some(console);
        }
        Ok(self.reply(outcome, is_reset))
    }

    fn save(&mut self, sandbox: &mut dyn Sandbox) -> Result<Saved> {
        let dir = self.turns.dir.as_deref().unwrap_or(&self.cwd);
        state::save(self.console.as_mut(), self.turns.is_left(), dir, sandbox)
    }

    fn restore(&mut self, saved: &Saved, sandbox: &mut dyn Sandbox) -> Result<()> {
        self.reset();
        let mut console = self.take_console(sandbox, &mut |_| {}, &Cancel::new())?;
        state::restore(&mut console, saved, sandbox)?;
        self.console = Some(console);
        Ok(())
    }
}
