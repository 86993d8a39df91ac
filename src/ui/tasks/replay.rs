//! Replays: a thread of their own that owns the session, asked one thing at a time; what runs can be stopped at once.

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::mpsc::Sender;
use std::time::Duration;
use std::time::Instant;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::model::Action;
use crate::model::RecordIx;
use crate::model::Trajectory;
use crate::read::understand;
use crate::replay::BaseKind;
use crate::replay::CallRef;
use crate::replay::Event;
use crate::replay::RecordReplay;
use crate::replay::Staged;
use crate::replay::Stopped;
use crate::replay::Until;
use crate::replay::results;
use crate::replay::results::Origin;
use crate::replay::results::Results;
use crate::replay::results::Writer;
use crate::review::Moment;
use crate::review::Place;
use crate::sandbox::unproved;
use crate::text::clean_line;
use crate::ui::effect::ReplayAsk;
use crate::ui::effect::ReplayJob;
use crate::ui::effect::ReplayPage;
use crate::ui::effect::ReplayTo;
use crate::ui::event::CallRow;
use crate::ui::event::Generation;
use crate::ui::event::Notice;
use crate::ui::event::ReplayNews;
use crate::ui::event::Replayable;
use crate::ui::page::Page;
use crate::ui::tasks::Env;
use crate::ui::tasks::replay::console::Console;

mod console;
mod files;

/// The thread that replays.
#[derive(Debug)]
pub(super) struct Replayer {
    asked: Sender<(Generation, ReplayAsk)>,
    running: Arc<Mutex<Cancel>>,
}

impl Replayer {
    /// Starts the thread; it answers through `say`, and ends, with its sandbox, when the replayer is dropped.
    pub(super) fn new(env: &Arc<Env>, say: impl Fn(Notice) + Send + 'static) -> Self {
        let (asked, asks) = mpsc::channel();
        let running = Arc::new(Mutex::new(Cancel::new()));
        let (env, current) = (Arc::clone(env), Arc::clone(&running));
        std::thread::spawn(move || {
            let mut bench = Bench::default();
            while let Some((generation, ask)) = bench.wait(&asks, &say) {
                let cancel = Cancel::new();
                *current.lock().unwrap_or_else(PoisonError::into_inner) = cancel.clone();
                let mut tell = |news| say(Notice::Replay(generation, news));
                let answer = AssertUnwindSafe(|| {
                    bench.answer(generation, ask, &env, &cancel, &mut tell);
                });
                if catch_unwind(answer).is_err() {
                    bench = Bench::default();
                    tell(ReplayNews::Refused(
                        "the replay failed inside hgview".to_owned(),
                    ));
                }
            }
        });
        Self { asked, running }
    }

    /// Takes a question; returns at once.
    pub(super) fn submit(&self, generation: Generation, ask: ReplayAsk) {
        if matches!(ask, ReplayAsk::Open(_) | ReplayAsk::Close) {
            self.stop();
        }
        // the thread ends only with us
        let _sent = self.asked.send((generation, ask));
    }

    /// Stops what runs.
    pub(super) fn stop(&self) {
        let running = self.running.lock();
        running.unwrap_or_else(PoisonError::into_inner).cancel();
    }
}

impl Drop for Replayer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The replay that is open, and the shell in its sandbox.
#[derive(Default)]
struct Bench {
    open: Option<Open>,
    console: Option<Console>,
}

struct Open {
    generation: Generation,
    place: Place,
    staged: Staged,
    /// When its first call was run, from the beginning on.
    began: Option<(Moment, Instant)>,
}

fn now() -> (Moment, Instant) {
    (Moment::now(), Instant::now())
}

impl Bench {
    /// How often a shell is asked for news while nothing is typed.
    const LOOK: Duration = Duration::from_millis(8);

    /// The next question. A shell that is open is listened to meanwhile.
    fn wait(
        &mut self,
        asks: &Receiver<(Generation, ReplayAsk)>,
        say: &impl Fn(Notice),
    ) -> Option<(Generation, ReplayAsk)> {
        loop {
            let (Some(console), Some(open)) = (&mut self.console, &self.open) else {
                return asks.recv().ok();
            };
            if let Some(frame) = console.listen() {
                say(Notice::Replay(open.generation, ReplayNews::Console(frame)));
            }
            if console.is_over() {
                self.console = None;
                continue;
            }
            match asks.recv_timeout(Self::LOOK) {
                Ok(ask) => return Some(ask),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    fn answer(
        &mut self,
        generation: Generation,
        ask: ReplayAsk,
        env: &Env,
        cancel: &Cancel,
        tell: &mut dyn FnMut(ReplayNews),
    ) {
        if let ReplayAsk::Open(record) = ask {
            *self = Self::default();
            match open(generation, record, env, cancel) {
                Ok((opened, about)) => {
                    self.open = Some(opened);
                    tell(ReplayNews::Opened(Box::new(about)));
                }
                Err(error) => tell(ReplayNews::Refused(words(&error))),
            }
            return;
        }
        let Some(open) = self
            .open
            .as_mut()
            .filter(|open| open.generation == generation)
        else {
            return;
        };
        match ask {
            ReplayAsk::Open(_) => {}
            ReplayAsk::Close => *self = Self::default(),
            ReplayAsk::Run(to) => run(open, to, env, cancel, tell),
            ReplayAsk::Back => {
                let was_run = open.staged.session.back();
                let why = (!was_run).then(|| "no call was run yet".to_owned());
                tell(ReplayNews::Stands(open.staged.session.position(), why));
            }
            ReplayAsk::Restart => {
                while open.staged.session.back() {}
                tell(ReplayNews::Stands(0, None));
            }
            ReplayAsk::Changes => match open.staged.session.patch(cancel) {
                Ok(Some(made)) => tell(ReplayNews::Changes(
                    open.staged.session.position(),
                    made.patch,
                )),
                Ok(None) => tell(ReplayNews::Failed(
                    "the workspace is no repository".to_owned(),
                )),
                Err(error) => tell(ReplayNews::Failed(words(&error))),
            },
            ReplayAsk::Folder(path) => {
                let found = files::folder(&mut open.staged, &path, cancel);
                tell(ReplayNews::Folder(
                    path,
                    found.map_err(|error| words(&error)),
                ));
            }
            ReplayAsk::File(path) => {
                let text = files::text(&mut open.staged, &path, cancel);
                tell(ReplayNews::File(path, text.map_err(|error| words(&error))));
            }
            ReplayAsk::Console(rows, columns) => {
                match open.staged.session.shell_here(rows, columns, cancel) {
                    Ok(shell) => self.console = Some(Console::new(shell, rows, columns)),
                    Err(error) => tell(ReplayNews::Failed(words(&error))),
                }
            }
            ReplayAsk::Size(rows, columns) => {
                if let Some(console) = &mut self.console {
                    console.size(rows, columns);
                }
            }
            ReplayAsk::Type(bytes) => {
                if let Some(console) = &mut self.console {
                    console.write(&bytes);
                }
            }
            ReplayAsk::EndConsole => self.console = None,
        }
    }
}

/// An error with what to try.
fn words(error: &Error) -> String {
    let mut text = error.to_string();
    for hint in error.hints() {
        text.push('\n');
        text.push_str(hint);
    }
    text
}

fn open(
    generation: Generation,
    ix: RecordIx,
    env: &Env,
    cancel: &Cancel,
) -> Result<(Open, Replayable)> {
    let trajectory = env
        .store
        .load(ix)
        .map_err(|fault| Error::input(fault.unread("the record")))?;
    let place = env.journal.place(&env.store)?;
    let record = place.reference(&env.store, ix, &trajectory.id)?;
    let earlier = Results::load(place.reads()).whole(record.sha256)?;
    let staged = env
        .replays
        .stage
        .open(record, Arc::clone(&trajectory), cancel)?;
    let session = &staged.session;
    let calls = session.calls().iter().map(|at| {
        let steps = trajectory.steps.get(at.step);
        let action = steps.and_then(|step| step.actions.get(at.call));
        row(*at, action)
    });
    let refused = staged.chosen.refused.iter();
    let about = Replayable {
        calls: calls.collect(),
        tier: session.tier(),
        unproved: unproved(&staged.chosen.proofs).cloned().collect(),
        refused: refused
            .map(|(tier, why)| format!("no {} sandbox here: {why}", tier.name()))
            .collect(),
        base: base_words(session.base()).to_owned(),
        earlier: earlier.map(Arc::new),
        trajectory,
    };
    let open = Open {
        generation,
        place,
        staged,
        began: None,
    };
    Ok((open, about))
}

/// From what a workspace is made, in words.
fn base_words(base: BaseKind) -> &'static str {
    match base {
        BaseKind::Repository => "the repository's commit",
        BaseKind::Archive => "an archive",
        BaseKind::Image => "the task's image",
        BaseKind::Rebuilt => "rebuilt from the trajectory",
        BaseKind::Empty => "an empty workspace",
    }
}

fn row(at: CallRef, action: Option<&Action>) -> CallRow {
    let nothing = Action::default();
    let action = action.unwrap_or(&nothing);
    CallRow {
        place: at,
        class: action.class,
        meaning: clean_line(&understand::meaning(action)).into_owned(),
        exit_code: action.observation.as_ref().and_then(|seen| seen.exit_code),
    }
}

/// Runs calls and tells what happens.
fn run(
    open: &mut Open,
    to: ReplayTo,
    env: &Env,
    cancel: &Cancel,
    tell: &mut dyn FnMut(ReplayNews),
) {
    let session = &mut open.staged.session;
    if session.position() == 0 || open.began.is_none() {
        open.began = Some(now());
    }
    let mut live = Live::default();
    let mut at = session.position();
    let mut hear = |event: Event<'_>| match event {
        Event::Starts => tell(ReplayNews::Preparing("starting the sandbox".to_owned())),
        Event::Begins(_) => {
            live = Live::default();
            tell(ReplayNews::Began(at));
        }
        Event::Bytes(bytes) => {
            if let Some(text) = live.add(bytes) {
                tell(ReplayNews::Wrote(at, text));
            }
        }
        Event::Ended(call) => {
            tell(ReplayNews::Ended(at, Arc::new(call.clone())));
            at += 1;
        }
    };
    let stopped = match to {
        ReplayTo::Next => session.run(Until::Call(session.position()), &mut hear, cancel),
        ReplayTo::Call(call) => session.run(Until::Call(call), &mut hear, cancel),
        ReplayTo::Divergence => session.run(Until::Divergence, &mut hear, cancel),
        ReplayTo::End => session.run(Until::End, &mut hear, cancel),
    };
    let why = match stopped {
        Stopped::AtEnd if to == ReplayTo::Divergence => Some("no call diverged".to_owned()),
        Stopped::There | Stopped::AtEnd => None,
        Stopped::Cancelled => Some("stopped".to_owned()),
        Stopped::Failed => {
            let why = session.error().unwrap_or("the sandbox failed");
            tell(ReplayNews::Failed(why.to_owned()));
            None
        }
    };
    if stopped == Stopped::AtEnd && to == ReplayTo::End {
        tell(ReplayNews::Preparing(
            "comparing patches, verifying".to_owned(),
        ));
        let (result, saved) = conclude(open, env, cancel);
        tell(ReplayNews::Finished(Arc::new(result), saved));
    }
    tell(ReplayNews::Stands(open.staged.session.position(), why));
}

/// The result of a whole replay, checked, and whether it was written down: what was stopped meanwhile is not.
fn conclude(open: &mut Open, env: &Env, cancel: &Cancel) -> (RecordReplay, Result<(), String>) {
    let result = env.replays.conclude(&mut open.staged, cancel);
    if cancel.is_cancelled() {
        return (result, Err("stopped".to_owned()));
    }
    let session = &open.staged.session;
    let (at, began) = open.began.unwrap_or_else(now);
    let saved = env.replays.options().and_then(|options| {
        let origin = Origin {
            options,
            at,
            took_s: began.elapsed().as_secs_f64(),
            tier: Some(session.tier()),
            proofs: session.proofs().to_vec(),
        };
        let (line, run) = results::lines_of(&result, &origin)?;
        let mut writer = Writer::open(&open.place, results::NAME)?;
        writer.append(&line, &run)?;
        writer.sync()
    });
    (result, saved.map_err(|error| error.to_string()))
}

/// The end of what a call writes, told now and then.
#[derive(Default)]
struct Live {
    tail: Vec<u8>,
    told: Option<Instant>,
}

impl Live {
    const TAIL: usize = 16 << 10;
    const EVERY: Duration = Duration::from_millis(30);

    /// Takes bytes; gives the cleaned end of all of them when it is time to show it.
    fn add(&mut self, bytes: &[u8]) -> Option<String> {
        self.tail.extend_from_slice(bytes);
        let over = self.tail.len().saturating_sub(Self::TAIL);
        self.tail.drain(..over);
        if self.told.is_some_and(|told| told.elapsed() < Self::EVERY) {
            return None;
        }
        self.told = Some(Instant::now());
        let text = String::from_utf8_lossy(&self.tail);
        Some(crate::text::clean(&text).into_owned())
    }
}

/// Reads what lies beside the data of earlier replays.
pub(super) fn results(env: &Env, say: &mut dyn FnMut(Notice)) {
    // where no place can be told, the journals say so
    let Ok(place) = env.journal.place(&env.store) else {
        return;
    };
    let results = Results::load(place.reads());
    for passed in results.passed() {
        say(Notice::Log(passed.to_string()));
    }
    say(Notice::Replays(results.into_briefs()));
}

/// Builds pages until it is cancelled.
pub(super) fn pages(jobs: Vec<ReplayJob>, cancel: &Cancel, say: &mut dyn FnMut(Notice)) {
    for job in jobs {
        if let Some(page) = page(&job, cancel).filter(|_| !cancel.is_cancelled()) {
            say(Notice::Page(job.key, Box::new(page)));
        }
    }
}

/// Builds a page; `None` when cancelled.
fn page(job: &ReplayJob, cancel: &Cancel) -> Option<Page> {
    let options = &job.options;
    let nothing = Action::default();
    let action = |trajectory: &Trajectory, place: CallRef| -> Action {
        let step = trajectory.steps.get(place.step);
        let action = step.and_then(|step| step.actions.get(place.call));
        action.unwrap_or(&nothing).clone()
    };
    Some(match &job.what {
        ReplayPage::Recorded(trajectory, place) => {
            Page::of_recorded(&action(trajectory, *place), options)
        }
        ReplayPage::Actual(trajectory, place, call) => {
            Page::of_actual(&action(trajectory, *place), call, options)
        }
        ReplayPage::Difference(trajectory, place, call) => {
            Page::of_replayed(&action(trajectory, *place), call, options)
        }
        ReplayPage::Result(trajectory, result) => {
            Page::of_replay(trajectory, result, options, cancel)?
        }
        ReplayPage::File(path, text, what) => Page::of_workspace_file(path, text, *what, options),
        ReplayPage::Changes(patch) => Page::of_changes(patch, options),
    })
}
