//! A replay in progress: call after call in a sandbox, forward and back.
//!
//! A [`Session`] knows the recorded calls in order and a position among them: that many were run. [`Session::next`] runs
//! one more and compares; [`Session::back`] forgets the last. Behind each call the changed files and the state of the
//! tools are kept, within a bound of memory: going back starts another sandbox from what was kept, and runs again what
//! lies between that and the position. What was stopped in the midst of a call goes on from before it, so that stopping
//! harms nothing. A sandbox is started when the first call needs one, never before the recorded calls were looked
//! through.

mod marks;
mod show;

use std::sync::Arc;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::model::Action;
use crate::model::Text;
use crate::model::Trajectory;
use crate::replay::BaseKind;
use crate::replay::Call;
use crate::replay::CallReplay;
use crate::replay::Ground;
use crate::replay::PatchReplay;
use crate::replay::RecordReplay;
use crate::replay::Reply;
use crate::replay::Saved;
use crate::replay::StepVerdict;
use crate::replay::Tool;
use crate::replay::session::marks::Mark;
use crate::replay::session::marks::Marks;
use crate::replay::verdict;
use crate::review::RecordRef;
use crate::sandbox::Backend;
use crate::sandbox::Proof;
use crate::sandbox::Sandbox;
use crate::sandbox::Spec;
use crate::sandbox::Tier;

pub use show::Changed;
pub use show::ShellHere;
pub use show::What;

/// Bytes of an observation that a result keeps; tools of producers cut theirs far below.
const MOST_TEXT: usize = 1 << 20;

/// How a replay goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How long one call may take.
    pub patience: Duration,
    /// Bytes that may be kept for going back; nothing is kept for 0, and going back then runs everything again.
    pub keep_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            patience: Duration::from_mins(5),
            keep_bytes: 512 << 20,
        }
    }
}

/// Where a call stands in its trajectory; ordered as the calls are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallRef {
    /// The step, from 0.
    pub step: usize,
    /// The call's place in its step, from 0.
    pub call: usize,
}

/// What happens while calls run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event<'a> {
    /// A sandbox is started and prepared.
    Starts,
    /// A call begins.
    Begins(CallRef),
    /// A running command wrote this; raw bytes, for an emulator or a cleaner.
    Bytes(&'a [u8]),
    /// A call ended.
    Ended(&'a CallReplay),
}

/// How far to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// All calls of the steps before this one, so that the workspace is as it was when the step began.
    Step(usize),
    /// This call, by its place among all calls; it is run.
    Call(usize),
    /// The first call that diverges from here on; it is run.
    Divergence,
    /// The last call.
    End,
}

/// Why a run stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It came to where it was to go.
    There,
    /// No call is left.
    AtEnd,
    /// Somebody asked it to stop; it can go on.
    Cancelled,
    /// Something failed: [`Session::error`].
    Failed,
}

/// A replay in progress. One value is used by one thread at a time.
pub struct Session {
    record: RecordRef,
    trajectory: Arc<Trajectory>,
    ground: Box<dyn Ground>,
    tool: Box<dyn Tool>,
    backend: Arc<dyn Backend>,
    options: Options,
    calls: Vec<CallRef>,
    done: Vec<CallReplay>,
    marks: Marks,
    sandbox: Option<Box<dyn Sandbox>>,
    proofs: Vec<Proof>,
    notes: Vec<String>,
    error: Option<String>,
    patch: Option<PatchReplay>,
}

impl Session {
    /// A replay of all calls of `trajectory`, those before its first response too, and none of its children's. Looks the
    /// calls and the workspace through and starts nothing.
    ///
    /// # Errors
    /// *input* when there is nothing to run, or the workspace cannot be one.
    pub fn new(
        record: RecordRef,
        trajectory: Arc<Trajectory>,
        ground: Box<dyn Ground>,
        tool: Box<dyn Tool>,
        backend: Arc<dyn Backend>,
        options: Options,
    ) -> Result<Self> {
        let calls: Vec<CallRef> = trajectory
            .steps
            .iter()
            .enumerate()
            .flat_map(|(step, found)| {
                (0..found.actions.len()).map(move |call| CallRef { step, call })
            })
            .collect();
        if calls.is_empty() {
            return Err(Error::input("it has no calls to run"));
        }
        check(ground.spec())?;
        Ok(Self {
            notes: notes_of(&trajectory),
            record,
            trajectory,
            ground,
            tool,
            backend,
            options,
            calls,
            done: Vec::new(),
            marks: Marks::new(options.keep_bytes),
            sandbox: None,
            proofs: Vec::new(),
            error: None,
            patch: None,
        })
    }

    /// How many calls were run.
    pub fn position(&self) -> usize {
        self.done.len()
    }

    /// All calls in order.
    pub fn calls(&self) -> &[CallRef] {
        &self.calls
    }

    /// The calls that were run, up to the position.
    pub fn done(&self) -> &[CallReplay] {
        &self.done
    }

    /// The recorded call at a place among all calls.
    pub fn action(&self, at: usize) -> Option<&Action> {
        let CallRef { step, call } = *self.calls.get(at)?;
        self.trajectory.steps.get(step)?.actions.get(call)
    }

    /// The trajectory.
    pub fn trajectory(&self) -> &Arc<Trajectory> {
        &self.trajectory
    }

    /// From what the workspace is made.
    pub fn base(&self) -> BaseKind {
        self.ground.kind()
    }

    /// How the sandbox walls off.
    pub fn tier(&self) -> Tier {
        self.backend.tier()
    }

    /// What holds of the sandbox's limits; empty before the first was started.
    pub fn proofs(&self) -> &[Proof] {
        &self.proofs
    }

    /// What is not as it was when it was recorded, in words, as far as it is known by now.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Why it cannot go on. Going back clears it.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// The step of the first call up to the position that diverged.
    pub fn first_divergence(&self) -> Option<usize> {
        let found = self.done.iter().find(|call| call.verdict.diverges());
        found.map(|call| call.step)
    }

    /// Runs the next call and says what came of it. `None` at the end, when it was stopped, and when the sandbox failed
    /// ([`Session::error`]); the position then stays.
    pub fn next(
        &mut self,
        live: &mut dyn FnMut(Event<'_>),
        cancel: &Cancel,
    ) -> Option<&CallReplay> {
        let at = self.position();
        let call = *self.calls.get(at)?;
        if self.error.is_some() || !self.is_ready(live, cancel) {
            return None;
        }
        live(Event::Begins(call));
        let reply = match self.run_call(at, live, cancel) {
            Ok(reply) if !cancel.is_cancelled() => reply,
            // half a call leaves files that nobody recorded
            Ok(_) => {
                self.sandbox = None;
                return None;
            }
            Err(error) => {
                self.sandbox = None;
                if !cancel.is_cancelled() {
                    self.error = Some(error.to_string());
                }
                return None;
            }
        };
        let judged = self.judge(at, &reply)?;
        self.done.push(judged);
        self.patch = None;
        self.keep(cancel);
        let last = self.done.last()?;
        live(Event::Ended(last));
        Some(last)
    }

    /// Runs calls until one is reached.
    pub fn run(
        &mut self,
        until: Until,
        live: &mut dyn FnMut(Event<'_>),
        cancel: &Cancel,
    ) -> Stopped {
        loop {
            let Some(coming) = self.calls.get(self.position()) else {
                return Stopped::AtEnd;
            };
            let is_there = match until {
                Until::Step(step) => coming.step >= step,
                Until::Call(call) => self.position() > call,
                Until::Divergence | Until::End => false,
            };
            if is_there {
                return Stopped::There;
            }
            if cancel.is_cancelled() {
                return Stopped::Cancelled;
            }
            let verdict = self.next(live, cancel).map(|call| call.verdict);
            match verdict {
                Some(verdict) if until == Until::Divergence && verdict.diverges() => {
                    return Stopped::There;
                }
                Some(_) => {}
                None if self.error.is_some() => return Stopped::Failed,
                None => return Stopped::Cancelled,
            }
        }
    }

    /// Forgets the last call; the workspace is again as it was before it, from the next call on. False at the beginning.
    pub fn back(&mut self) -> bool {
        let was_run = self.done.pop().is_some();
        if was_run || self.error.is_some() {
            self.sandbox = None;
            self.error = None;
            self.patch = None;
            self.marks.forget_after(self.position());
        }
        was_run
    }

    /// The patch of the workspace as it stands at the position, beside the recorded one; `None` where the workspace is no
    /// repository.
    ///
    /// # Errors
    /// *limit* when the sandbox fails or it is stopped.
    pub fn patch(&mut self, cancel: &Cancel) -> Result<Option<PatchReplay>> {
        if self.patch.is_none() {
            self.ready(cancel)?;
            let Some(sandbox) = &mut self.sandbox else {
                return Err(stopped());
            };
            let made = self.ground.patch(sandbox.as_mut(), cancel);
            // making it stages files: what comes next must not see that
            self.sandbox = None;
            self.patch = made?;
        }
        Ok(self.patch.clone())
    }

    /// What came of it, up to the position. The patch is made where all calls were run. Where it was stopped before, the
    /// result says so; it is valid all the same.
    pub fn result(&mut self, cancel: &Cancel) -> RecordReplay {
        let (all, run) = (self.calls.len(), self.position());
        let mut patch = None;
        let mut error = self.error.clone();
        if run < all {
            error.get_or_insert_with(|| format!("stopped after {run} of {all} calls"));
        } else if error.is_none() {
            match self.patch(cancel) {
                Ok(made) => patch = made,
                Err(why) => error = Some(format!("no final patch: {why}")),
            }
        }
        RecordReplay {
            v: RecordReplay::VERSION,
            base: self.ground.kind(),
            first_divergence: self.first_divergence(),
            record: self.record.clone(),
            notes: self.notes.clone(),
            calls: self.done.clone(),
            patch,
            verified: Vec::new(),
            error,
        }
    }

    /// Sees to it that a sandbox stands at the position; false when it was stopped or failed.
    fn is_ready(&mut self, live: &mut dyn FnMut(Event<'_>), cancel: &Cancel) -> bool {
        if self.sandbox.is_none() {
            live(Event::Starts);
        }
        match self.ready(cancel) {
            Ok(()) => true,
            Err(error) => {
                self.sandbox = None;
                if !cancel.is_cancelled() {
                    self.error = Some(error.to_string());
                }
                false
            }
        }
    }

    fn ready(&mut self, cancel: &Cancel) -> Result<()> {
        if self.sandbox.is_some() {
            return Ok(());
        }
        let (mut at, mark) = match self.marks.at_or_before(self.position()) {
            Some((at, mark)) => (at, Some(mark.clone())),
            None => (0, None),
        };
        let mut sandbox = self.start(mark.as_ref(), cancel)?;
        self.proofs = sandbox.proofs().to_vec();
        let saved = if let Some(mark) = &mark {
            (*mark.saved).clone()
        } else {
            let notes = self.ground.prepare(sandbox.as_mut(), cancel)?;
            self.note(notes);
            Saved::default()
        };
        let lost = saved
            .lost
            .iter()
            .map(|lost| format!("lost when going back: {lost}"));
        self.note(lost);
        self.tool.restore(&saved, sandbox.as_mut())?;
        self.sandbox = Some(sandbox);
        if mark.is_none() {
            self.mark(0);
        }
        while at < self.position() {
            self.run_call(at, &mut |_| {}, cancel)?;
            if cancel.is_cancelled() {
                self.sandbox = None;
                return Err(stopped());
            }
            at += 1;
        }
        Ok(())
    }

    /// A sandbox where a mark was made; an unprepared one without.
    fn start(&self, mark: Option<&Mark>, cancel: &Cancel) -> Result<Box<dyn Sandbox>> {
        let mut spec = self.ground.spec().clone();
        if let Some(mark) = mark {
            spec.layer = Some(Arc::clone(&mark.layer));
        }
        self.backend.start(&spec, cancel)
    }

    fn note(&mut self, notes: impl IntoIterator<Item = String>) {
        for note in notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }

    fn run_call(
        &mut self,
        at: usize,
        live: &mut dyn FnMut(Event<'_>),
        cancel: &Cancel,
    ) -> Result<Reply> {
        let Some(CallRef { step, call }) = self.calls.get(at).copied() else {
            return Ok(Reply::nothing());
        };
        let trajectory = Arc::clone(&self.trajectory);
        let found = trajectory.steps.get(step);
        let Some(action) = found.and_then(|step| step.actions.get(call)) else {
            return Ok(Reply::nothing());
        };
        if action.child.is_some() {
            return Ok(Reply::not_replayable("another agent did this work"));
        }
        let Some(sandbox) = &mut self.sandbox else {
            return Err(stopped());
        };
        let call = Call {
            action,
            step,
            patience: self.options.patience,
        };
        let mut bytes = |bytes: &[u8]| live(Event::Bytes(bytes));
        self.tool.run(&call, sandbox.as_mut(), &mut bytes, cancel)
    }

    fn judge(&self, at: usize, reply: &Reply) -> Option<CallReplay> {
        let action = self.action(at)?;
        let is_partial = matches!(self.ground.kind(), BaseKind::Rebuilt | BaseKind::Empty);
        let found = verdict::judge(action, reply, &self.ground.roots());
        let found = found.explained(action, reply, is_partial);
        let CallRef { step, call } = *self.calls.get(at)?;
        let is_told = found.verdict != StepVerdict::Match && !reply.text.is_empty();
        Some(CallReplay {
            step,
            call,
            tool: action.tool.as_str().into(),
            verdict: found.verdict,
            why: found.why,
            after_divergence: self.first_divergence().is_some(),
            exit_code: reply.exit_code,
            observation: is_told.then(|| kept(&reply.text)),
        })
    }

    /// Keeps how things stand at the position.
    fn keep(&mut self, cancel: &Cancel) {
        if self.options.keep_bytes > 0 && !cancel.is_cancelled() {
            self.mark(self.position());
        }
    }

    /// Keeps how things stand. Where that is not possible (too much changed, a dead sandbox), nothing is kept, and going
    /// back runs the calls again.
    fn mark(&mut self, at: usize) {
        let Some(sandbox) = &mut self.sandbox else {
            return;
        };
        if self.options.keep_bytes == 0 {
            return;
        }
        let Ok(saved) = self.tool.save(sandbox.as_mut()) else {
            return;
        };
        let known = self.marks.last().map(|mark| Arc::clone(&mark.layer));
        if let Ok(layer) = sandbox.layer(known.as_deref()) {
            self.marks.add(at, layer, saved);
        }
    }
}

/// What is known to be missing before anything runs.
fn notes_of(trajectory: &Trajectory) -> Vec<String> {
    let calls: usize = trajectory
        .children
        .iter()
        .map(|child| child.trajectory.action_count())
        .sum();
    let count = trajectory.children.len();
    let note = format!(
        "the {calls} calls of {count} trajectories inside this one (other agents, branches) are not replayed"
    );
    (calls > 0).then_some(note).into_iter().collect()
}

/// Whether a sandbox can be made of it, as far as that can be told without making one.
fn check(spec: &Spec) -> Result<()> {
    for (ix, tree) in spec.trees.iter().enumerate() {
        let parts: Vec<&str> = tree.at.split('/').skip(1).collect();
        let is_plain = |part: &&str| !part.is_empty() && *part != "." && *part != "..";
        if !tree.at.starts_with('/') || !parts.iter().all(is_plain) {
            return Err(Error::input(format!(
                "{} is no place for a workspace",
                tree.at
            )));
        }
        if let Some(lower) = tree.lower.as_ref().filter(|lower| !lower.is_dir()) {
            let lower = lower.display();
            return Err(Error::input(format!("{lower} is no folder")));
        }
        let is_inside = |other: &str| {
            let rest = tree.at.strip_prefix(other);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mut others = spec.trees.iter().enumerate();
        if let Some((_, other)) = others.find(|(at, other)| *at != ix && is_inside(&other.at)) {
            let what = format!("{} lies inside {}", tree.at, other.at);
            return Err(Error::input(what));
        }
    }
    Ok(())
}

fn stopped() -> Error {
    Error::limit("it was stopped")
}

/// A text that a result keeps: all of it, or its beginning and its end.
fn kept(text: &str) -> Text {
    if text.len() <= MOST_TEXT {
        return text.into();
    }
    let head = text.get(..text.floor_char_boundary(MOST_TEXT / 2));
    let tail = text.get(text.ceil_char_boundary(text.len() - MOST_TEXT / 2)..);
    let (head, tail) = (head.unwrap_or_default(), tail.unwrap_or_default());
    let out = text.len() - head.len() - tail.len();
    format!("{head}\n[… {out} bytes left out by hgview …]\n{tail}").into()
}

#[cfg(test)]
mod tests;
