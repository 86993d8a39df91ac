//! One call of OpenHands' shell tools: what is typed, how long is waited, and which part of the screen is the answer.
//!
//! The original looks at the screen every half second; here the screen is looked at as output comes, so that a command
//! takes as long as it takes. Where the record says that a command was given up as silent or too slow, as long is waited;
//! where it says that it ended, it gets all the time there is.

use std::time::Duration;
use std::time::Instant;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::model::Observation;
use crate::replay::shell::console::Console;
use crate::replay::shell::console::GLANCE;
use crate::replay::shell::console::Prompt;
use crate::replay::shell::keys;
use crate::replay::shell::script;
use crate::replay::tool::Did;
use crate::sandbox::Heard;

/// How long the screen must rest behind a text of several commands before it counts as the end of the last.
const REST: Duration = Duration::from_millis(30);

/// How long a command gets to end after `C-c` when the replay's patience is over.
const LAST_CHANCE: Duration = Duration::from_secs(1);

/// What the record says became of a call; seconds as the producer wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Recorded {
    /// Nothing is recorded.
    Unknown,
    /// It ended, or was refused.
    Over,
    /// It was still running when nothing new had come for so many seconds.
    Quiet(String),
    /// It was still running after so many seconds.
    Slow(String),
    /// It was still running; which of the two is not recorded.
    Running,
    /// It was not executed, since another was still running.
    Refused,
    /// The shell ended, and the next call had a new one.
    Renewed,
    /// It was ended after so many seconds, since nobody waited any longer.
    Ended(String),
}

/// What is told of a command that was ended since nobody waited any longer, before and behind the seconds.
const ENDED: [&str; 2] = [
    "[The command was still running after ",
    " seconds and was ended.]",
];

/// The same as it stands behind an output. The seconds are rounded up, so that a replay waits as long.
pub(super) fn ended_after(patience: Duration) -> String {
    let [before, behind] = ENDED;
    format!("\n{before}{}{behind}", patience.as_secs_f64().ceil())
}

/// The seconds of such a note at the end of a text.
fn seconds_of_end(text: &str) -> Option<&str> {
    let [before, behind] = ENDED;
    let (_, seconds) = text.trim_end().strip_suffix(behind)?.rsplit_once(before)?;
    seconds.parse::<u32>().is_ok().then_some(seconds)
}

/// With what begins what is told of a shell that ended and gave way to another.
pub(super) const RENEWED: &str = "[The shell ended: ";

impl Recorded {
    /// Reads it off an observation.
    pub(super) fn of(observation: Option<&Observation>) -> Self {
        let Some(observation) = observation else {
            return Self::Unknown;
        };
        let text = observation.first_text().map_or("", |text| text);
        let seconds = |before: &str| {
            let (_, rest) = text.rsplit_once(before)?;
            let (seconds, _) = rest.split_once(" seconds")?;
            seconds.parse::<f64>().ok().map(|_| seconds.to_owned())
        };
        if text.starts_with(RENEWED) {
            Self::Renewed
        } else if let Some(label) = seconds_of_end(text) {
            Self::Ended(label.to_owned())
        } else if let Some(label) = seconds("\n[The command has no new output after ") {
            Self::Quiet(label)
        } else if let Some(label) = seconds("\n[The command timed out after ") {
            Self::Slow(label)
        } else if text.contains("\" is NOT executed. The previous command is still running") {
            Self::Refused
        } else if observation.exit_code == Some(-1) && !text.contains("No previous running command")
        {
            Self::Running
        } else {
            Self::Over
        }
    }
}

/// A call.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) command: &'a str,
    pub(super) is_input: bool,
    /// The limit that the call itself sets, as the producer would write it.
    pub(super) limit: Option<String>,
    pub(super) recorded: Recorded,
    pub(super) patience: Duration,
}

/// How the last command stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Status {
    #[default]
    Over,
    /// It may still run.
    Left,
}

/// What came of a call, in the parts of which the producers make their texts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) content: String,
    pub(super) prefix: String,
    pub(super) suffix: String,
    /// What the prompt told; none while a command runs.
    pub(super) prompt: Option<Prompt>,
    pub(super) did: Did,
}

/// Why a call was not done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no command whose output could be read.
    NothingToRead,
    /// There is none that could be given input.
    NothingToFeed,
    /// Several commands at once.
    Several(Vec<String>),
    /// A text without a command.
    NoCommand,
}

/// The words in which one family differs from another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    /// How the notes about a running command go on.
    pub(super) advice: &'static str,
    /// The same, in the note about a command that was not executed.
    pub(super) advice_refused: &'static str,
    /// A text without a command is an error; else it is typed.
    pub(super) fails_on_comments: bool,
}

enum Ending {
    Prompt,
    Quiet(String),
    Slow(String),
    OutOfPatience,
}

/// What stays between two calls.
#[derive(Debug, Default)]
pub(super) struct Turns {
    status: Status,
    /// What earlier calls already showed of the running command.
    shown: String,
    /// The folder of the last prompt.
    pub(super) dir: Option<String>,
}

impl Turns {
    /// Whether the last command may still run.
    pub(super) fn is_left(&self) -> bool {
        self.status == Status::Left
    }

    /// Forgets the last command.
    pub(super) fn forget(&mut self) {
        self.status = Status::Over;
        self.shown.clear();
    }

    /// Runs a call.
    pub(super) fn run(
        &mut self,
        turn: &Turn<'_>,
        words: &Words,
        console: &mut Console,
        live: &mut dyn FnMut(&[u8]),
        cancel: &Cancel,
    ) -> Result<Result<Seen, Refusal>> {
        let command = turn.command.trim();
        if !self.is_left() {
            if command.is_empty() {
                return Ok(Err(Refusal::NothingToRead));
            }
            if turn.is_input {
                return Ok(Err(Refusal::NothingToFeed));
            }
        }
        let pieces = script::split(command);
        if pieces.len() > 1 {
            return Ok(Err(Refusal::Several(pieces)));
        }
        console.settle(live)?;
        let started = Instant::now();
        let deadline = started + turn.patience;
        let is_new = !turn.is_input && !command.is_empty();
        if self.is_left() && is_new {
            // the record went on at a prompt: the command before had ended by then
            while turn.recorded == Recorded::Over && !console.is_prompting() && !console.is_dead() {
                if Instant::now() >= deadline || cancel.is_cancelled() {
                    break;
                }
                console.hear(GLANCE, live)?;
            }
            if !console.is_prompting() {
                return Ok(Ok(self.refused(command, words, console)));
            }
        }
        let before = console.capture();
        let known = console.prompts(&before).len();
        let escaped = if is_new {
            script::escape(command)
        } else {
            Ok(command.to_owned())
        };
        let command = match escaped {
            Ok(escaped) => escaped,
            Err(_) if words.fails_on_comments => return Ok(Err(Refusal::NoCommand)),
            Err(_) => command.to_owned(),
        };
        if !command.is_empty() {
            console.type_keys(&command, !is_key(&command), live)?;
        }
        let ending = Self::wait(turn, &command, known, started, console, live, cancel)?;
        self.finish(&command, ending, words, console, live)
    }

    /// The note that a command is not executed while another runs.
    fn refused(&mut self, command: &str, words: &Words, console: &Console) -> Seen {
        let text = console.capture();
        let raw = between(&text, &console.prompts(&text), false);
        let (content, prefix) = self.output(
            command,
            raw,
            Some("[Below is the output of the previous command.]\n"),
        );
        Seen {
            content,
            prefix,
            suffix: format!(
                "\n[Your command \"{command}\" is NOT executed. The previous command is still running - You CANNOT \
                 send new commands until the previous command is completed. By setting `is_input` to `true`, you can \
                 interact with the current process: {}]",
                words.advice_refused
            ),
            ..Seen::default()
        }
    }

    /// Waits until a prompt shows that the command has ended, or a limit is reached.
    fn wait(
        turn: &Turn<'_>,
        typed: &str,
        known: usize,
        started: Instant,
        console: &mut Console,
        live: &mut dyn FnMut(&[u8]),
        cancel: &Cancel,
    ) -> Result<Ending> {
        let limits = Limits::of(turn, started);
        // several commands that could not be told apart: the first prompt is not the last
        let may_go_on = script::is_unclear(typed) || keys::sent(typed).contains(&b'\r');
        let answered = console.answered;
        let mut changed = Instant::now();
        let mut has_answered = typed.is_empty();
        let mut markers = console.markers;
        loop {
            let is_over = has_answered && {
                let may_have_more = console.markers > markers;
                markers = console.markers;
                let has_more =
                    |console: &Console| console.prompts(&console.capture()).len() > known;
                console.is_prompting() || (may_have_more && has_more(console))
            };
            if is_over {
                let is_late = Instant::now() >= limits.patience;
                // an answer to a program that has ended is read by the shell
                let must_rest = may_go_on || console.answered > answered;
                if !must_rest || is_late || console.hear(REST, live)? != Heard::Bytes {
                    return Ok(Ending::Prompt);
                }
                // the echo of what comes next may stand behind the prompt already
                markers = 0;
                continue;
            }
            if let Some(ending) = limits.reached(changed, console.is_dead()) {
                return Ok(ending);
            }
            if cancel.is_cancelled() {
                return Err(Error::limit("the replay was stopped"));
            }
            if console.hear(limits.pause(changed), live)? == Heard::Bytes {
                has_answered = true;
                changed = Instant::now();
            }
        }
    }

    fn finish(
        &mut self,
        command: &str,
        ending: Ending,
        words: &Words,
        console: &mut Console,
        live: &mut dyn FnMut(&[u8]),
    ) -> Result<Result<Seen, Refusal>> {
        let text = console.capture();
        let prompts = console.prompts(&text);
        let note = match ending {
            Ending::Prompt => return self.over(command, &text, prompts, console).map(Ok),
            Ending::Quiet(seconds) => format!("has no new output after {seconds} seconds"),
            Ending::Slow(seconds) => format!("timed out after {seconds} seconds"),
            Ending::OutOfPatience => {
                let raw = between(&text, &prompts, false);
                let (content, prefix) = self.output(
                    command,
                    raw,
                    Some("[Below is the output of the previous command.]\n"),
                );
                self.give_up(console, live)?;
                return Ok(Ok(Seen {
                    content,
                    prefix,
                    did: Did::TimedOut,
                    ..Seen::default()
                }));
            }
        };
        self.status = Status::Left;
        let raw = between(&text, &prompts, false);
        let (content, prefix) = self.output(
            command,
            raw,
            Some("[Below is the output of the previous command.]\n"),
        );
        Ok(Ok(Seen {
            content,
            prefix,
            suffix: format!("\n[The command {note}. {}]", words.advice),
            ..Seen::default()
        }))
    }

    /// The command has ended.
    fn over(
        &mut self,
        command: &str,
        text: &str,
        mut prompts: Vec<Prompt>,
        console: &mut Console,
    ) -> Result<Seen> {
        let is_cut = prompts.len() == 1;
        let raw = between(text, &prompts, is_cut);
        let mut lost = String::new();
        if is_cut {
            let lines = python_lines(&raw);
            lost = format!(
                "[Previous command outputs are truncated. Showing the last {lines} lines of the output below.]\n"
            );
        }
        let prompt = prompts.pop();
        let code = prompt.as_ref().map_or(-1, |prompt| prompt.exit_code);
        let suffix = if is_key(command) {
            let key = command
                .chars()
                .last()
                .map(char::to_uppercase)
                .into_iter()
                .flatten();
            let key: String = key.collect();
            format!("\n[The command completed with exit code {code}. CTRL+{key} was sent.]")
        } else {
            format!("\n[The command completed with exit code {code}.]")
        };
        let had_shown = !self.shown.is_empty();
        let (content, _) = self.output(command, raw, None);
        self.forget();
        if let Some(dir) = prompt.as_ref().and_then(|prompt| prompt.dir.clone()) {
            self.dir = Some(dir);
        }
        console.clear()?;
        Ok(Seen {
            content,
            prefix: if had_shown { String::new() } else { lost },
            suffix,
            prompt,
            did: Did::Ran,
        })
    }

    /// What is new on the screen, without the echo of the command; and the prefix, if earlier output was left out.
    fn output(&mut self, command: &str, raw: String, prefix: Option<&str>) -> (String, String) {
        let is_continued = !self.shown.is_empty();
        let new = raw
            .strip_prefix(self.shown.as_str())
            .unwrap_or(&raw)
            .trim_start();
        let command = command.trim_start();
        let content = new.strip_prefix(command).unwrap_or(new).trim().to_owned();
        self.shown = raw;
        let prefix = prefix.filter(|_| is_continued).unwrap_or_default();
        (content, prefix.to_owned())
    }

    /// Interrupts what runs; kills the shell if that does not help.
    fn give_up(&mut self, console: &mut Console, live: &mut dyn FnMut(&[u8])) -> Result<()> {
        if interrupt(console, LAST_CHANCE, live)? {
            console.clear()?;
        } else {
            console.kill();
        }
        self.forget();
        Ok(())
    }
}

/// Sends `C-c` and waits for a prompt; whether it came.
pub(super) fn interrupt(
    console: &mut Console,
    wait: Duration,
    live: &mut dyn FnMut(&[u8]),
) -> Result<bool> {
    if console.is_dead() {
        return Ok(false);
    }
    let until = Instant::now() + wait;
    console.type_keys("C-c", false, live)?;
    console.hear(GLANCE, live)?;
    while !console.is_prompting() && !console.is_dead() && Instant::now() < until {
        console.hear(GLANCE, live)?;
    }
    Ok(console.is_prompting())
}

/// When waiting ends.
struct Limits {
    quiet: Option<(Duration, String)>,
    slow: Option<(Instant, String)>,
    patience: Instant,
    /// The record says that the command was left running: there is nothing wrong if our own patience ends first.
    is_left: bool,
}

impl Limits {
    fn of(turn: &Turn<'_>, started: Instant) -> Self {
        /// Seconds of silence after which the producers give up, where nothing else is said.
        const SILENCE: &str = "30";
        let span = |label: &str| {
            Duration::try_from_secs_f64(label.parse().unwrap_or(0.0)).unwrap_or(Duration::MAX)
        };
        let slow = |label: &str| {
            started
                .checked_add(span(label))
                .map(|at| (at, label.to_owned()))
        };
        let quiet = |label: &str| Some((span(label), label.to_owned()));
        let (quiet, slow) = match (&turn.recorded, &turn.limit) {
            (Recorded::Quiet(label), _) => (quiet(label), None),
            (Recorded::Slow(label), _) | (Recorded::Running | Recorded::Unknown, Some(label)) => {
                (None, slow(label))
            }
            (Recorded::Running | Recorded::Unknown, None) => (quiet(SILENCE), None),
            // in the run its own limit would have come first, had it been shorter
            (Recorded::Over | Recorded::Refused | Recorded::Renewed | Recorded::Ended(_), _) => {
                (None, None)
            }
        };
        let patience = match &turn.recorded {
            Recorded::Ended(label) => turn.patience.min(span(label)),
            _ => turn.patience,
        };
        Self {
            quiet,
            slow,
            patience: started + patience,
            is_left: matches!(
                turn.recorded,
                Recorded::Quiet(_) | Recorded::Slow(_) | Recorded::Running
            ),
        }
    }

    /// The limit that is reached. A dead shell is quiet for ever: nothing is waited for.
    fn reached(&self, changed: Instant, is_dead: bool) -> Option<Ending> {
        let now = Instant::now();
        let is_out = now >= self.patience;
        match (&self.quiet, &self.slow) {
            (Some((span, label)), _)
                if is_dead || changed.elapsed() >= *span || (is_out && self.is_left) =>
            {
                Some(Ending::Quiet(label.clone()))
            }
            (_, Some((at, label))) if is_dead || now >= *at || (is_out && self.is_left) => {
                Some(Ending::Slow(label.clone()))
            }
            _ if is_dead => Some(Ending::Quiet("30".to_owned())),
            _ if is_out => Some(Ending::OutOfPatience),
            _ => None,
        }
    }

    /// How long to wait for output before limits are looked at again.
    fn pause(&self, changed: Instant) -> Duration {
        let now = Instant::now();
        let quiet = self
            .quiet
            .as_ref()
            .and_then(|(span, _)| changed.checked_add(*span));
        let ends = [
            quiet,
            self.slow.as_ref().map(|(at, _)| *at),
            Some(self.patience),
        ];
        let next = ends
            .into_iter()
            .flatten()
            .map(|end| end.saturating_duration_since(now))
            .min();
        next.unwrap_or(GLANCE)
            .clamp(Duration::from_millis(1), GLANCE)
    }
}

/// Whether a text is a key with control: `C-` and one character.
fn is_key(command: &str) -> bool {
    let command = command.trim();
    command.starts_with("C-") && command.chars().count() == 3
}

/// The text between the prompts and behind the last; or in front of the only one, when the one before is lost.
fn between(text: &str, prompts: &[Prompt], is_cut: bool) -> String {
    let behind = |prompt: &Prompt| text.get(prompt.end + 1..).unwrap_or_default();
    match prompts {
        [] => text.to_owned(),
        [only] if is_cut => text.get(..only.start).unwrap_or_default().to_owned(),
        [only] => behind(only).to_owned(),
        [.., last] => {
            let mut all = String::new();
            for pair in prompts.windows(2) {
                if let [one, next] = pair {
                    all.push_str(text.get(one.end + 1..next.start).unwrap_or_default());
                    all.push('\n');
                }
            }
            all.push_str(behind(last));
            all
        }
    }
}

/// Lines as Python's `splitlines` counts them; a screen has no other line ends than `\n`.
fn python_lines(text: &str) -> usize {
    text.lines().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, exit_code: Option<i64>, expected: &Recorded) {
        let observation = Observation {
            exit_code,
            ..Observation::text(text)
        };
        assert_eq!(&Recorded::of(Some(&observation)), expected, "{text:?}");
    }

    #[test]
    fn records_tell_what_became_of_a_call() {
        assert_eq!(Recorded::of(None), Recorded::Unknown);
        check("ok", Some(0), &Recorded::Over);
        check("ok", None, &Recorded::Over);
        check("out", Some(-1), &Recorded::Running);
        let note = ended_after(Duration::from_millis(7_300));
        check(
            &format!("out{note}\n"),
            Some(-1),
            &Recorded::Ended("8".into()),
        );
        check(&format!("{note} or so"), Some(-1), &Recorded::Running);
        check(
            "ERROR: No previous running command to interact with.",
            Some(-1),
            &Recorded::Over,
        );
        check(
            "\n[The command has no new output after 30 seconds. You may",
            Some(-1),
            &Recorded::Quiet("30".into()),
        );
        check(
            "x\n[The command timed out after 1.5 seconds. You may",
            None,
            &Recorded::Slow("1.5".into()),
        );
        check(
            "\n[Your command \"ls\" is NOT executed. The previous command is still running - You",
            Some(-1),
            &Recorded::Refused,
        );
    }

    #[test]
    fn keys_are_told_from_commands() {
        assert!(is_key("C-c"));
        assert!(is_key(" C-d "));
        assert!(!is_key("C-cc"));
        assert!(!is_key("ls"));
    }
}
