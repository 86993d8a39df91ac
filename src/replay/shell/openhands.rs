//! `execute_bash` of OpenHands 0.40 (`openhands/runtime/utils/bash.py`): one bash on a terminal of 1000 by 1000.

use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::replay::shell::args;
use crate::replay::shell::console::Clearing;
use crate::replay::shell::console::Console;
use crate::replay::shell::console::Make;
use crate::replay::shell::console::Prompt;
use crate::replay::shell::state;
use crate::replay::shell::turn::RENEWED;
use crate::replay::shell::turn::Recorded;
use crate::replay::shell::turn::Refusal;
use crate::replay::shell::turn::Seen;
use crate::replay::shell::turn::Turn;
use crate::replay::shell::turn::Turns;
use crate::replay::shell::turn::Words;
use crate::replay::shell::turn::ended_after;
use crate::replay::tool::Call;
use crate::replay::tool::Did;
use crate::replay::tool::Reply;
use crate::replay::tool::Saved;
use crate::replay::tool::Tool;
use crate::sandbox::Exit;
use crate::sandbox::Sandbox;

const MAKE: Make = Make {
    rows: 1000,
    columns: 1000,
    clearing: Clearing::Key,
    opening: "",
    which: r#"$(which python 2>/dev/null || echo "")"#,
    skips_torn: false,
};

const WORDS: Words = Words {
    advice: "You may wait longer to see additional output by sending empty command '', send other commands to interact \
             with the current process, or send keys to interrupt/kill the command.",
    advice_refused: "You may wait longer to see additional output of the previous command by sending empty command '', \
                     send other commands to interact with the current process, or send keys (\"C-c\", \"C-z\", \"C-d\") \
                     to interrupt/kill the previous command before sending your new command.",
    fails_on_comments: true,
};

/// What the runtime runs before the agent's first call.
const FIRST: [&str; 2] = [
    "git config --global user.name \"openhands\" && git config --global user.email \"openhands@all-hands.dev\"",
    "alias git=\"git --no-pager\"",
];

/// Characters of an observation behind which its middle is cut.
const LONGEST: usize = 30_000;

/// Which text of an observation is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The content of an event: what the command printed.
    Content,
    /// The message that the agent read: with notes about folder and exit status, and cut.
    Message,
}

/// What the call that ran last showed, in the parts that an event keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// The event's text: what the command printed, or why it did not run.
    pub content: String,
    /// What the agent reads: the text with notes, cut where it is long.
    pub message: String,
    /// What is noted before the text.
    pub prefix: String,
    /// What is noted behind it.
    pub suffix: String,
    /// The shell's folder behind the command, where a prompt told it.
    pub dir: Option<String>,
    /// The Python of that moment.
    pub python: Option<String>,
    /// The exit status; -1 while the command runs on, `None` where the call is an error itself.
    pub exit_code: Option<i64>,
}

/// The tool.
pub struct OpenHands {
    cwd: String,
    form: Form,
    console: Option<Console>,
    turns: Turns,
    shown: Shown,
}

impl OpenHands {
    /// Of a shell that starts in `cwd`, with replies in `form`. The shell is started by the first call.
    pub fn new(cwd: impl Into<String>, form: Form) -> Self {
        Self {
            cwd: cwd.into(),
            form,
            console: None,
            turns: Turns::default(),
            shown: Shown::default(),
        }
    }

    /// What the call that ran last showed; nothing before the first.
    pub fn shown(&self) -> &Shown {
        &self.shown
    }

    /// The shell, started if there is none, with what the runtime does first. It is put back by the caller.
    fn take_console(
        &mut self,
        sandbox: &mut dyn Sandbox,
        live: &mut dyn FnMut(&[u8]),
        cancel: &Cancel,
    ) -> Result<Console> {
        if let Some(console) = self.console.take() {
            return Ok(console);
        }
        let mut console = Console::start(MAKE, &self.cwd, sandbox, live, cancel)?;
        for command in FIRST {
            let turn = Turn {
                command,
                is_input: false,
                limit: None,
                recorded: Recorded::Over,
                patience: state::PATIENCE,
            };
            // what it shows is not the agent's; git may not be there
            drop(self.turns.run(&turn, &WORDS, &mut console, live, cancel)?);
        }
        Ok(console)
    }

    /// The reply in this tool's form; keeps what was shown.
    fn reply(&mut self, outcome: Result<Seen, Refusal>) -> Reply {
        let mut did = Did::Ran;
        self.shown = match outcome {
            Ok(seen) => {
                let code = seen.prompt.as_ref().map_or(-1, |prompt| prompt.exit_code);
                let message = cut_middle(&message(&seen, code));
                did = seen.did;
                let (dir, python) = match seen.prompt {
                    Some(prompt) => (prompt.dir, prompt.python),
                    None => (None, None),
                };
                Shown {
                    content: seen.content,
                    message,
                    prefix: seen.prefix,
                    suffix: seen.suffix,
                    dir,
                    python,
                    exit_code: Some(code),
                }
            }
            Err(refusal) => refused(&refusal),
        };
        Reply {
            text: match self.form {
                Form::Content => self.shown.content.clone(),
                Form::Message => self.shown.message.clone(),
            },
            exit_code: self.shown.exit_code,
            did,
        }
    }
}

/// What a call shows during which the shell ended: the next one gets a new shell.
fn renewed(exit: &Exit, dir: &str) -> Seen {
    let why = match exit {
        Exit::Code(code) => format!("it exited with status {code}"),
        Exit::Signal(signal) => format!("signal {signal} killed it"),
        Exit::Bound(why) => why.clone(),
    };
    Seen {
        content: format!(
            "{RENEWED}{why}. A new one is started in {dir}: variables, functions and running commands of the old one are \
             gone.]"
        ),
        prompt: Some(Prompt {
            start: 0,
            end: 0,
            exit_code: i64::from(exit.code()),
            dir: Some(dir.to_owned()),
            python: None,
        }),
        ..Seen::default()
    }
}

/// What a call shows that was not done.
fn refused(refusal: &Refusal) -> Shown {
    let (content, exit_code) = match refusal {
        Refusal::NothingToRead => (
            "ERROR: No previous running command to retrieve logs from.".to_owned(),
            Some(-1),
        ),
        Refusal::NothingToFeed => (
            "ERROR: No previous running command to interact with.".to_owned(),
            Some(-1),
        ),
        Refusal::Several(pieces) => (format!("ERROR: {}", several(pieces)), None),
        Refusal::NoCommand => ("'str' object has no attribute 'kind'".to_owned(), None),
    };
    // what has no exit status is an event of an error
    let message = match exit_code {
        Some(_) => content.clone(),
        None => cut_middle(&content) + "\n[Error occurred in processing last action]",
    };
    Shown {
        content,
        message,
        exit_code,
        ..Shown::default()
    }
}

/// The words about several commands in one call.
pub(super) fn several(pieces: &[String]) -> String {
    let numbered = pieces
        .iter()
        .enumerate()
        .map(|(ix, piece)| format!("({}) {piece}", ix + 1));
    let numbered: Vec<String> = numbered.collect();
    format!(
        "Cannot execute multiple commands at once.\nPlease run each command separately OR chain them into a single \
         command via && or ;\nProvided commands:\n{}",
        numbered.join("\n")
    )
}

/// The whole text that the agent read, before it is cut.
pub(super) fn message(seen: &Seen, code: i64) -> String {
    let prompt = seen.prompt.as_ref();
    let told = |what: &str, value: Option<&String>| {
        value.map_or_else(String::new, |value| format!("\n[{what}: {value}]"))
    };
    let dir = told(
        "Current working directory",
        prompt.and_then(|prompt| prompt.dir.as_ref()),
    );
    let python = told(
        "Python interpreter",
        prompt.and_then(|prompt| prompt.python.as_ref()),
    );
    let end = match code {
        -1 => String::new(),
        code => format!("\n[Command finished with exit code {code}]"),
    };
    [
        &seen.prefix,
        &seen.content,
        &seen.suffix,
        &dir,
        &python,
        &end,
    ]
    .map(String::as_str)
    .concat()
}

/// A long text without its middle, as `OpenHands` keeps and shows it.
pub fn cut_middle(text: &str) -> String {
    let len = text.chars().count();
    if len <= LONGEST {
        return text.to_owned();
    }
    let half = LONGEST / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(len - half).collect();
    format!("{head}\n[... Observation truncated due to length ...]\n{tail}")
}

impl Tool for OpenHands {
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
        let turn = Turn {
            command: &command,
            is_input: args::is_input(call.action),
            limit: args::limit(call.action),
            recorded: Recorded::of(call.action.observation.as_ref()),
            patience: call.patience,
        };
        let mut console = self.take_console(sandbox, live, cancel)?;
        let mut outcome = self.turns.run(&turn, &WORDS, &mut console, live, cancel)?;
        // a record tells what became of its shell: that of OpenHands stays dead
        let is_ours = matches!(
            turn.recorded,
            Recorded::Unknown | Recorded::Renewed | Recorded::Ended(_)
        );
        if let Some(exit) = console.ended().filter(|_| is_ours)
            && matches!(&outcome, Ok(seen) if seen.did != Did::TimedOut)
        {
            self.cwd = self.turns.dir.take().unwrap_or_else(|| self.cwd.clone());
            outcome = Ok(renewed(exit, &self.cwd));
            self.turns.forget();
        } else if console.is_dead() && matches!(&outcome, Ok(seen) if seen.did == Did::TimedOut) {
            // killed by us: the next call gets a new shell where this one stood
            self.cwd = self.turns.dir.clone().unwrap_or_else(|| self.cwd.clone());
        } else {
            self.console = Some(console);
        }
        if let Ok(seen) = &mut outcome
            && is_ours
            && seen.did == Did::TimedOut
        {
            let waited = match &turn.recorded {
                Recorded::Ended(label) => label.parse().map_or(turn.patience, Duration::from_secs),
                _ => turn.patience,
            };
            seen.content
                .push_str(&ended_after(waited.min(turn.patience)));
        }
        Ok(self.reply(outcome))
    }

    fn save(&mut self, sandbox: &mut dyn Sandbox) -> Result<Saved> {
        let dir = self.turns.dir.as_deref().unwrap_or(&self.cwd);
        state::save(self.console.as_mut(), self.turns.is_left(), dir, sandbox)
    }

    fn restore(&mut self, saved: &Saved, sandbox: &mut dyn Sandbox) -> Result<()> {
        self.console = None;
        self.turns = Turns::default();
        let cancel = Cancel::new();
        let mut console = self.take_console(sandbox, &mut |_| {}, &cancel)?;
        state::restore(&mut console, saved, sandbox)?;
        self.console = Some(console);
        Ok(())
    }
}
