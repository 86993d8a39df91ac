//! Compares what a call shows now with what was recorded.
//!
//! Records keep observations in several ways: with the closing lines of the harness or without, with a heading or the
//! exit status pulled out, cut in the middle. What was put around an output counts only where both sides have it. Then
//! lines are compared as they are, and those that differ once more without what no two runs share
//! ([`normal::normalised`]). Time is linear in the texts, which may be long.

mod lack;
mod network;
mod normal;

use std::borrow::Cow;
use std::collections::HashMap;

use crate::model::Action;
use crate::model::Observation;
use crate::model::Part;
use crate::read::understand;
use crate::replay::Did;
use crate::replay::Reply;
use crate::replay::StepVerdict;
use crate::replay::verdict::normal::Frame;

/// Characters of a line that a reason quotes.
const QUOTED: usize = 100;

/// What came of a call, and why it is that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What came of it.
    pub verdict: StepVerdict,
    /// Why, in words; `None` where it matches.
    pub why: Option<String>,
}

impl Judged {
    fn plain(verdict: StepVerdict) -> Self {
        Self { verdict, why: None }
    }

    fn because(verdict: StepVerdict, why: impl Into<String>) -> Self {
        Self {
            verdict,
            why: Some(why.into()),
        }
    }
}

impl Judged {
    /// The same with what the call lacks here, where it shows something else. `is_partial` says that the workspace is
    /// only what the record shows.
    #[must_use]
    pub fn explained(mut self, action: &Action, reply: &Reply, is_partial: bool) -> Self {
        if !matches!(self.verdict, StepVerdict::Drift | StepVerdict::ExitCode) {
            return self;
        }
        let recorded = action.observation.as_ref().map(text_of).unwrap_or_default();
        if let Some(lack) = lack::lack(&recorded, &reply.text, is_partial) {
            let first = self.why.take().map(|why| format!("; {why}"));
            self.why = Some(lack + &first.unwrap_or_default());
        }
        self
    }
}

/// Compares a reply with the observation that `action` has. `roots` are the names that the workspace's folder goes by, in
/// the record and now: absolute paths without a slash at the end.
pub fn judge(action: &Action, reply: &Reply, roots: &[String]) -> Judged {
    match &reply.did {
        Did::Nothing => return Judged::plain(StepVerdict::NoOp),
        Did::Refused(why) => return Judged::because(StepVerdict::NoOp, *why),
        Did::NotReplayable(why) => return Judged::because(StepVerdict::NotReplayable, why),
        Did::Ran | Did::TimedOut => {}
    }
    let Some(observation) = &action.observation else {
        let why = "the record ends before its observation: nothing to compare with";
        return Judged::because(StepVerdict::NoOp, why);
    };
    let has_image = |part: &Part| matches!(part, Part::Image { .. });
    if observation.parts.iter().any(has_image) {
        return Judged::because(StepVerdict::NotReplayable, "it showed an image");
    }
    let recorded = text_of(observation);
    let (recorded, now) = match echoless(action, &recorded) {
        Some(output) => (output, understand::bare_output(&reply.text).trim_end()),
        None => unwrapped(&recorded, &reply.text),
    };
    let alike = alike(recorded, now, &Frame::new(roots));
    by_text_and_status(action, observation, reply, (recorded, now), alike)
}

/// How two texts are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Alike {
    Same,
    Normalised,
    Reordered,
    /// The first line that differs, from 0.
    Differs(usize),
}

fn by_text_and_status(
    action: &Action,
    observation: &Observation,
    reply: &Reply,
    (recorded, now): (&str, &str),
    alike: Alike,
) -> Judged {
    let was_running = observation.exit_code.is_some_and(|code| code < 0);
    let is_running = reply.exit_code.is_some_and(|code| code < 0);
    let is_text = matches!(alike, Alike::Same | Alike::Normalised);
    let has_hung = reply.did == Did::TimedOut || (is_running && observation.exit_code.is_some());
    let had_ended =
        observation.exit_code.is_some_and(|code| code >= 0) || recorded.trim().is_empty();
    let is_timeout = reply.did == Did::TimedOut && had_ended;
    if has_hung && !was_running && (is_timeout || !is_text) {
        let why = "it did not end in its time; the recorded one did";
        return Judged::because(StepVerdict::Timeout, why);
    }
    let status = observation.exit_code.zip(reply.exit_code);
    let other_status = status.filter(|(then, now)| then != now);
    let first = match alike {
        Alike::Differs(line) => Some(first_other(line, recorded, now)),
        _ => None,
    };
    if (other_status.is_some() || first.is_some())
        && let Some(why) = network::failure(action, reply.exit_code, recorded, now)
    {
        return Judged::because(StepVerdict::NeedsNetwork, why);
    }
    if let Some((then, now)) = other_status {
        let why = format!("exit status {now}, recorded {then}");
        let why = [Some(why), first].into_iter().flatten();
        let why: Vec<String> = why.collect();
        return Judged::because(StepVerdict::ExitCode, why.join("; "));
    }
    match (alike, first) {
        (Alike::Same, _) => Judged::plain(StepVerdict::Match),
        (Alike::Normalised, _) => Judged::plain(StepVerdict::MatchNormalised),
        (Alike::Reordered, _) => {
            Judged::because(StepVerdict::Reordered, "the same lines in another order")
        }
        (Alike::Differs(_), why) => Judged {
            verdict: StepVerdict::Drift,
            why,
        },
    }
}

/// All texts of an observation, a line break between them.
fn text_of(observation: &Observation) -> Cow<'_, str> {
    let mut texts = observation.parts.iter().filter_map(|part| match part {
        Part::Text { text } => Some(&**text),
        _ => None,
    });
    let first = texts.next().unwrap_or_default();
    let rest: Vec<&str> = texts.collect();
    if rest.is_empty() {
        return Cow::Borrowed(first);
    }
    let all: Vec<&str> = std::iter::once(first).chain(rest).collect();
    Cow::Owned(all.join("\n"))
}

/// Both texts without what only one of them has around the output, and without blanks at the end.
fn unwrapped<'a>(recorded: &'a str, now: &'a str) -> (&'a str, &'a str) {
    let (recorded, now) = (headless(recorded).trim_end(), headless(now).trim_end());
    let bare = |text: &'a str| understand::bare_output(text).trim_end();
    let (recorded_bare, now_bare) = (bare(recorded), bare(now));
    let is_wrapped = |text: &str, bare: &str| text.len() != bare.len();
    if is_wrapped(recorded, recorded_bare) == is_wrapped(now, now_bare) {
        (recorded, now)
    } else {
        (recorded_bare, now_bare)
    }
}

/// The output in what the shell of the first `OpenHands` showed: the typed command before it, interpreter and prompt
/// behind it. `None` where it is not such a text.
fn echoless<'a>(action: &Action, recorded: &'a str) -> Option<&'a str> {
    /// Lines behind an output.
    const MOST_LINES: usize = 4;
    let text = headless(recorded);
    let (output, rest) = text.rsplit_once("[Python Interpreter: ")?;
    if rest.lines().count() > MOST_LINES {
        return None;
    }
    let command = action.shell.as_ref().map_or("", |shell| shell.cmd.trim());
    let output = output.strip_prefix(command).unwrap_or(output);
    Some(output.trim_start_matches(['\r', '\n']).trim_end())
}

/// The text without the heading under which a conversation shows a result.
fn headless(text: &str) -> &str {
    let rest = text
        .strip_prefix("OBSERVATION:")
        .or_else(|| text.strip_prefix("Observation:"))
        .or_else(|| {
            let (tool, rest) = text
                .strip_prefix("EXECUTION RESULT of [")?
                .split_once("]:")?;
            (!tool.contains('\n')).then_some(rest)
        });
    rest.map_or(text, |rest| rest.strip_prefix(['\n', ' ']).unwrap_or(rest))
}

fn alike(recorded: &str, now: &str, frame: &Frame) -> Alike {
    if recorded == now {
        return Alike::Same;
    }
    let differs = match by_lines(recorded, now, frame) {
        Alike::Differs(line) => line,
        found => return found,
    };
    match cut(recorded, now, frame) {
        Some(found) => found,
        None => Alike::Differs(differs),
    }
}

/// Compares two texts line by line, then as bags of lines.
fn by_lines(recorded: &str, now: &str, frame: &Frame) -> Alike {
    let (mut then, mut here) = (lines(recorded), lines(now));
    let mut at = 0;
    loop {
        match (then.next(), here.next()) {
            (None, None) => return Alike::Normalised,
            (Some(a), Some(b)) if a == b || frame.are_alike(a, b) => at += 1,
            _ => break,
        }
    }
    if is_reordered(recorded, now, frame) {
        return Alike::Reordered;
    }
    Alike::Differs(at)
}

/// Lines without the carriage return of a terminal.
fn lines(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    let lines = text.split('\n');
    lines.map(|line| line.strip_suffix('\r').unwrap_or(line))
}

/// Whether both have the same lines, in whatever order. Lines that are in both as they are need no second look.
fn is_reordered(recorded: &str, now: &str, frame: &Frame) -> bool {
    let mut count: HashMap<&str, i64> = HashMap::new();
    let mut total = 0_i64;
    for line in lines(recorded) {
        *count.entry(line).or_default() += 1;
        total += 1;
    }
    for line in lines(now) {
        *count.entry(line).or_default() -= 1;
        total -= 1;
    }
    if total != 0 {
        return false;
    }
    let mut rest: HashMap<String, i64> = HashMap::new();
    for (line, surplus) in count.into_iter().filter(|(_, surplus)| *surplus != 0) {
        *rest.entry(frame.normalised(line).into_owned()).or_default() += surplus;
    }
    rest.values().all(|surplus| *surplus == 0)
}

/// Compares with a recorded text out of which something was cut that the text of now still has; `None` where nothing was,
/// or what is left differs. Lines that were cut through are not compared.
fn cut(recorded: &str, now: &str, frame: &Frame) -> Option<Alike> {
    const MIDDLE: &str = "[... Observation truncated due to length ...]";
    const END: &str = "<response clipped>";
    if now.contains(MIDDLE) || now.contains(END) {
        return None;
    }
    let (head, tail) = recorded
        .split_once(MIDDLE)
        .or_else(|| Some((recorded.split_once(END)?.0, "")))?;
    let is_alike = |(a, b): (&str, &str)| a == b || frame.are_alike(a, b);
    let head = head.strip_suffix('\n').unwrap_or(head);
    let tail = tail.strip_prefix('\n').unwrap_or(tail);
    let whole_head = head.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let whole_tail = tail.split_once('\n').map_or("", |(_, whole)| whole);
    if head.len() + tail.len() > now.len() || whole_head.is_empty() {
        return None;
    }
    let begins = lines(whole_head).zip(lines(now)).all(is_alike);
    let ends = whole_tail.is_empty() || lines(whole_tail).rev().zip(lines(now).rev()).all(is_alike);
    (begins && ends).then_some(Alike::Normalised)
}

/// Which line is the first that differs, with both its forms.
fn first_other(line: usize, recorded: &str, now: &str) -> String {
    let quote = |text: &str| {
        let Some(found) = lines(text).nth(line) else {
            return "nothing".to_owned();
        };
        let mut quoted: String = found.chars().take(QUOTED).collect();
        if quoted.len() < found.len() {
            quoted.push('…');
        }
        format!("`{quoted}`")
    };
    let number = line.saturating_add(1);
    format!(
        "line {number}: {}, recorded {}",
        quote(now),
        quote(recorded)
    )
}

#[cfg(test)]
mod tests;
