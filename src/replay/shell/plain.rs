//! Shells that are started anew for each call: mini-swe-agent, Claude Code, Codex, SWE-agent, tools of chat data sets.
//!
//! A command runs in a `bash` of its own, output and errors in one stream. What is kept between calls (nothing, the
//! folder, the whole state) is written down by the shell itself when it ends. Readers take some wrappers off recorded
//! outputs and leave others; a reply is wrapped as the recorded one is.

use std::time::Duration;
use std::time::Instant;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::model::Action;
use crate::replay::shell::args;
use crate::replay::shell::state;
use crate::replay::shell::wrap;
use crate::replay::tool::Call;
use crate::replay::tool::Did;
use crate::replay::tool::Reply;
use crate::replay::tool::Saved;
use crate::replay::tool::Tool;
use crate::sandbox::Exit;
use crate::sandbox::Heard;
use crate::sandbox::Launch;
use crate::sandbox::Sandbox;
use crate::sandbox::Streams;

/// The longest wait in one piece, so that a cancelled replay stops soon.
const GLANCE: Duration = Duration::from_millis(50);

/// Whose shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scaffold {
    /// mini-swe-agent's `bash`: nothing is kept.
    MiniSweAgent,
    /// Claude Code's `Bash`: the folder is kept.
    ClaudeCode,
    /// Codex' `shell`, `exec_command` and `local_shell`: nothing is kept, calls name their folder.
    Codex,
    /// SWE-agent's shell: everything is kept.
    SweAgent,
    /// A `bash` tool of another producer: everything is kept.
    Other,
}

impl Scaffold {
    /// How long a call may take that sets no limit itself.
    fn limit(self) -> Duration {
        Duration::from_secs(match self {
            Self::MiniSweAgent | Self::SweAgent => 30,
            Self::ClaudeCode | Self::Other => 120,
            Self::Codex => 10,
        })
    }

    fn keeps(self) -> Keeps {
        match self {
            Self::MiniSweAgent | Self::Codex => Keeps::Nothing,
            Self::ClaudeCode => Keeps::Folder,
            Self::SweAgent | Self::Other => Keeps::State,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeps {
    Nothing,
    Folder,
    State,
}

/// The tool.
pub struct Plain {
    scaffold: Scaffold,
    /// Where calls run that do not say it.
    cwd: String,
    /// What the last call left, as a script.
    state: Vec<u8>,
}

/// What a command did.
struct Ran {
    output: Vec<u8>,
    exit: Option<Exit>,
}

impl Plain {
    /// Of shells that start in `cwd`.
    pub fn new(scaffold: Scaffold, cwd: impl Into<String>) -> Self {
        Self {
            scaffold,
            cwd: cwd.into(),
            state: Vec::new(),
        }
    }

    /// What is run for `command`.
    fn script(&self, command: &str, sandbox: &mut dyn Sandbox) -> Result<String> {
        let file = state::FILE;
        let dump = match self.scaffold.keeps() {
            Keeps::Nothing => return Ok(command.to_owned()),
            Keeps::Folder => r#"printf 'cd -- %q\n' "$PWD""#,
            Keeps::State => state::DUMP,
        };
        if !self.state.is_empty() {
            let written = sandbox.files().write(file, &self.state, None);
            written.map_err(|error| {
                Error::limit("the state of the shell cannot be kept").caused_by(error)
            })?;
        }
        let before = if self.state.is_empty() {
            String::new()
        } else {
            format!(". {file} 2>/dev/null; ")
        };
        // one line: bash tells the numbers of lines in its errors
        Ok(format!(
            "shopt -s expand_aliases; {before}hgview_exit() {{ hgview_code=$?; {{ {dump}; }} >{file} 2>/dev/null; \
             exit $hgview_code; }}; trap hgview_exit EXIT; eval {}",
            shell_words::quote(command)
        ))
    }

    /// Reads what the shell left.
    fn keep(&mut self, sandbox: &mut dyn Sandbox) {
        if self.scaffold.keeps() == Keeps::Nothing {
            return;
        }
        let files = sandbox.files();
        if let Ok(state) = files.read(state::FILE, 16 << 20) {
            self.state = state;
            drop(files.remove(state::FILE));
        }
    }

    fn run_script(
        &self,
        script: &str,
        call: &Call<'_>,
        sandbox: &mut dyn Sandbox,
        live: &mut dyn FnMut(&[u8]),
        cancel: &Cancel,
    ) -> Result<Ran> {
        let own = args::seconds(call.action).map(Duration::try_from_secs_f64);
        let limit = own
            .and_then(Result::ok)
            .unwrap_or_else(|| self.scaffold.limit());
        // a command that ended when it was recorded gets all the time there is
        let limit = if wrap::was_stopped(call.action) {
            limit.min(call.patience)
        } else {
            call.patience
        };
        let dir = call
            .action
            .shell
            .as_ref()
            .and_then(|shell| shell.cwd.clone());
        let cwd = match self.scaffold {
            Scaffold::Codex => dir.map_or_else(|| self.cwd.clone(), |dir| below(&self.cwd, &dir)),
            _ => self.cwd.clone(),
        };
        let mut process = sandbox.spawn(&Launch {
            argv: ["bash", "-c", script].map(str::to_owned).to_vec(),
            cwd,
            env: Vec::new(),
            streams: Streams::Pipe,
        })?;
        let until = Instant::now() + limit;
        let mut output = Vec::new();
        loop {
            let from = output.len();
            let wait = until.saturating_duration_since(Instant::now()).min(GLANCE);
            let heard = process.read(&mut output, wait)?;
            live(output.get(from..).unwrap_or_default());
            if let Heard::End(exit) = heard {
                return Ok(Ran {
                    output,
                    exit: Some(exit),
                });
            }
            if Instant::now() >= until || cancel.is_cancelled() {
                process.kill();
                if cancel.is_cancelled() {
                    return Err(Error::limit("the replay was stopped"));
                }
                return Ok(Ran { output, exit: None });
            }
        }
    }
}

impl Tool for Plain {
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
        if args::is_reset(call.action) {
            self.state.clear();
        }
        let script = self.script(&command, sandbox)?;
        let ran = self.run_script(&script, call, sandbox, live, cancel)?;
        self.keep(sandbox);
        let output = String::from_utf8_lossy(&ran.output);
        let code = ran.exit.as_ref().map(|exit| i64::from(exit.code()));
        let text = wrap::reply(self.scaffold, call.action, &output, code);
        let was_stopped = wrap::was_stopped(call.action);
        Ok(Reply {
            text,
            exit_code: exit_code(self.scaffold, call.action, code),
            did: if code.is_none() && !was_stopped {
                Did::TimedOut
            } else {
                Did::Ran
            },
        })
    }

    fn save(&mut self, _sandbox: &mut dyn Sandbox) -> Result<Saved> {
        Ok(Saved {
            state: self.state.clone(),
            lost: Vec::new(),
        })
    }

    fn restore(&mut self, saved: &Saved, _sandbox: &mut dyn Sandbox) -> Result<()> {
        self.state.clone_from(&saved.state);
        Ok(())
    }
}

/// A folder that a call names, from `cwd` on.
pub(super) fn below(cwd: &str, dir: &str) -> String {
    match dir.trim_start_matches("./") {
        "" | "." => cwd.to_owned(),
        dir if dir.starts_with('/') => dir.to_owned(),
        dir => format!("{}/{dir}", cwd.trim_end_matches('/')),
    }
}

/// The exit status as the producer tells it: not at all where it told none of a success.
fn exit_code(scaffold: Scaffold, action: &Action, code: Option<i64>) -> Option<i64> {
    let recorded = action
        .observation
        .as_ref()
        .and_then(|observation| observation.exit_code);
    match scaffold {
        Scaffold::MiniSweAgent | Scaffold::Codex => code.or(recorded),
        // these tell the status of failures only
        _ => code.filter(|code| *code != 0 || recorded.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_calls_begin_where_the_shell_does() {
        for (dir, expected) in [
            ("", "/w"),
            (".", "/w"),
            ("./", "/w"),
            ("./a", "/w/a"),
            ("a/b", "/w/a/b"),
            ("/x", "/x"),
        ] {
            assert_eq!(below("/w", dir), expected);
        }
    }
}
