//! Effects to threads to notices. The only place that spawns.
//!
//! Each kind of work has one slot: one running, one waiting, the newest wins and the running one is asked to stop.
//! [`perform`] carries out any effect on the calling thread; the slots and the tests call the same.

mod among;
mod compare;
mod export;
mod grep;
mod hasher;
mod recorder;
mod replay;
mod stats;
mod task;

pub use recorder::Journal;

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use regex::Regex;
use tokio::sync::mpsc::UnboundedSender;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::heap;
use crate::model::Fault;
use crate::model::RecordIx;
use crate::model::Source;
use crate::model::Span;
use crate::model::Summary;
use crate::model::Trajectory;
use crate::model::Verdict;
use crate::review::Line;
use crate::store::Skipped;
use crate::store::Store;
use crate::text::clean_line;
use crate::text::human;
use crate::theme::Depth;
use crate::theme::Highlighter;
use crate::theme::Theme;
use crate::ui::clipboard;
use crate::ui::clipboard::ClipboardEnv;
use crate::ui::data::Arranged;
use crate::ui::data::Backing;
use crate::ui::data::Marked;
use crate::ui::data::Order;
use crate::ui::data::Outline;
use crate::ui::data::Rows;
use crate::ui::data::arrange;
use crate::ui::data::desk::Heard;
use crate::ui::data::queues;
use crate::ui::effect::Among;
use crate::ui::effect::ArrangeJob;
use crate::ui::effect::Effect;
use crate::ui::effect::FileJob;
use crate::ui::effect::FindJob;
use crate::ui::effect::PageJob;
use crate::ui::effect::PageUse;
use crate::ui::effect::PatchJob;
use crate::ui::effect::ReplayJob;
use crate::ui::event::Generation;
use crate::ui::event::Notice;
use crate::ui::event::Rebuilt;
use crate::ui::event::RowHit;
use crate::ui::event::StatsNews;
use crate::ui::event::Tone;
use crate::ui::judge::Judge;
use crate::ui::judge::Marker;
use crate::ui::judge::judgements;
use crate::ui::page::FilePage;
use crate::ui::page::Judgements;
use crate::ui::page::Page;
use crate::ui::page::PageHit;
use crate::ui::page::PageOptions;
use crate::ui::page::PageText;
use crate::ui::page::PatchPage;
use crate::ui::page::Subject;
use crate::ui::page::WhyPage;
use crate::ui::tasks::hasher::Hasher;
use crate::ui::tasks::recorder::Recorder;
use crate::ui::tasks::replay::Replayer;
use crate::verify::replays::Replays;
use crate::workspace::BaseFiles;
use crate::workspace::History;
use crate::workspace::repositories::Repositories;

/// What work needs from the outside.
#[derive(Debug)]
pub struct Env {
    /// The inputs.
    pub store: Arc<Store>,
    /// Folder of the user's themes.
    pub themes: PathBuf,
    /// Colours of this terminal.
    pub depth: Depth,
    /// Where copies go.
    pub clipboard: ClipboardEnv,
    /// The filters.
    pub judge: Arc<Judge>,
    /// Where decisions go.
    pub journal: Journal,
    /// Where repositories are.
    pub repositories: Repositories,
    /// How records are replayed.
    pub replays: Replays,
}

/// The background threads.
#[derive(Debug)]
pub struct Tasks {
    slots: Vec<Slot>,
    summarizer: Summarizer,
    marker: Marker,
    store: Arc<Store>,
    recorder: Recorder,
    hasher: Hasher,
    replayer: Replayer,
    notices: UnboundedSender<Notice>,
    env: Arc<Env>,
}

impl Tasks {
    /// Starts the threads; their answers go to `notices`.
    pub fn new(env: Env, notices: &UnboundedSender<Notice>) -> Self {
        let env = Arc::new(env);
        let summarizer = Summarizer::new(&env.store, notices);
        let (store, sender) = (Arc::clone(&env.store), notices.clone());
        let marker = Marker::new(&store, &env.judge, move |judging, marks| {
            sender.send(Notice::Marks(judging, marks)).is_ok()
        });
        let slots = (0..Kind::COUNT)
            .map(|_| Slot::new(&env, notices, &summarizer))
            .collect();
        let sender = notices.clone();
        let hasher = Hasher::new(&env, move |notice| {
            // nobody listens any more when the program ends
            let _gone = sender.send(notice);
        });
        let sender = notices.clone();
        let replayer = Replayer::new(&env, move |notice| {
            // nobody listens any more when the program ends
            let _gone = sender.send(notice);
        });
        let sender = notices.clone();
        let recorder = Recorder::new(&env, move |notice| {
            // nobody listens any more when the program ends; the lines are written all the same
            let _gone = sender.send(notice);
        });
        Self {
            slots,
            summarizer,
            marker,
            store,
            recorder,
            hasher,
            replayer,
            notices: notices.clone(),
            env,
        }
    }

    /// Waits until all decisions are on the disk, or cannot be, or the time is over; returns those that are not.
    pub fn finish(&self, patience: Duration) -> Vec<Line> {
        self.env.journal.finish(patience)
    }

    fn stop(&self, kind: Kind) {
        if let Some(slot) = self.slots.get(kind as usize) {
            slot.stop();
        }
    }

    /// Hands work over. Effects of the terminal itself are not for here and are ignored.
    pub fn submit(&self, effect: Effect) {
        match effect {
            Effect::Summarize(range, order) => self.summarizer.want(range, &order),
            Effect::Mark(judging, range, order) => {
                self.marker.want(judging, range, &order, self.store.len());
            }
            Effect::MarkAll(judging, changed) => {
                self.marker.all(judging, &changed, self.store.len());
            }
            Effect::GoOn => {
                // nobody listens any more when the program ends
                let _gone = self.notices.send(Notice::GoOn);
            }
            Effect::Rest => drop(std::thread::spawn(heap::give_back)),
            Effect::Discard(old) => drop(std::thread::spawn(move || drop(old))),
            Effect::Record(lines) => self.recorder.submit(lines),
            Effect::Hash(ixs) => self.hasher.submit(ixs),
            Effect::Replay(generation, ask) => self.replayer.submit(generation, ask),
            Effect::StopReplay => self.replayer.stop(),
            Effect::StopFind => self.stop(Kind::Find),
            Effect::StopGrep => self.stop(Kind::Grep),
            Effect::StopStats => self.stop(Kind::Stats),
            Effect::StopCheck => self.stop(Kind::Check),
            effect => {
                let slot = Kind::of(&effect).and_then(|kind| self.slots.get(kind as usize));
                if let Some(slot) = slot {
                    slot.submit(effect);
                }
            }
        }
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        for slot in &self.slots {
            slot.close();
        }
        self.summarizer.close();
        self.marker.close();
        if let Some(slot) = self.slots.get_mut(Kind::Export as usize) {
            // it clears its temporary files away
            slot.join();
        }
    }
}

/// Kinds of work that do not wait for each other.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Scan,
    Arrange,
    FindRows,
    Open,
    Preview,
    Pages,
    Ink,
    InkPreview,
    Find,
    Theme,
    Copy,
    Patch,
    File,
    Why,
    Desk,
    Queues,
    Export,
    Grep,
    Compare,
    Stats,
    Replays,
    Check,
    Census,
}

impl Kind {
    const COUNT: usize = 23;

    fn of(effect: &Effect) -> Option<Self> {
        Some(match effect {
            Effect::Scan | Effect::Refresh => Self::Scan,
            Effect::Arrange(_) => Self::Arrange,
            Effect::FindRows(..) | Effect::CheckSides => Self::FindRows,
            Effect::Open(..) => Self::Open,
            Effect::Preview(..) => Self::Preview,
            Effect::Pages(_) | Effect::ComparePage(_) | Effect::ReplayPages(_) => Self::Pages,
            Effect::Others(..)
            | Effect::Attempts(..)
            | Effect::Compare(..)
            | Effect::RunPairs(..)
            | Effect::CompareRuns(..) => Self::Compare,
            Effect::Ink(..) => Self::Ink,
            Effect::InkPreview(..) => Self::InkPreview,
            Effect::Find(_) | Effect::FindInPage(..) | Effect::FindAmong(..) => Self::Find,
            Effect::Grep(_) => Self::Grep,
            Effect::Patch(_) => Self::Patch,
            Effect::File(_) => Self::File,
            Effect::Why(..) => Self::Why,
            Effect::LoadTheme(_) | Effect::WarmColours(_) => Self::Theme,
            Effect::OpenDesk(_) => Self::Desk,
            Effect::ReadReplays => Self::Replays,
            Effect::RunCheck(..) => Self::Check,
            Effect::CountAttempts(..) => Self::Census,
            Effect::CountQueues(..) => Self::Queues,
            Effect::Export(_) => Self::Export,
            Effect::Stats(_) => Self::Stats,
            Effect::Copy(..)
            | Effect::CopyName(..)
            | Effect::CopyRecord(_)
            | Effect::PageText(..) => Self::Copy,
            _ => return None,
        })
    }
}

/// Carries out an effect on this thread; answers go to `say` as they come.
pub fn perform(effect: Effect, env: &Env, cancel: &Cancel, say: &mut dyn FnMut(Notice)) {
    match effect {
        Effect::Scan => scan(env, cancel, say),
        Effect::Refresh => refresh(env, cancel, say),
        Effect::Summarize(range, order) => {
            let all = env.store.len();
            let ixs = range.filter_map(|place| order.record(place, all));
            let rows = ixs.map(|ix| (ix, env.store.summarize(ix))).collect();
            say(Notice::Summaries(rows));
        }
        Effect::Arrange(job) => arranged(&job, env, cancel, say),
        effect @ (Effect::FindRows(..)
        | Effect::Find(_)
        | Effect::FindInPage(..)
        | Effect::FindAmong(..)
        | Effect::Grep(_)) => look_for(effect, env, cancel, say),
        Effect::Open(generation, ix) => {
            let content = env.store.load(ix).map(|trajectory| {
                let outline = Outline::of(&trajectory, env.judge.chosen(), cancel);
                let outline = Arc::new(outline);
                (trajectory, outline)
            });
            say(Notice::Opened(generation, ix, content));
        }
        Effect::Preview(generation, ix, options) => {
            preview(generation, ix, &options, env, cancel, say);
        }
        effect @ (Effect::Mark(..)
        | Effect::MarkAll(..)
        | Effect::Patch(_)
        | Effect::RunCheck(..)
        | Effect::Why(..)) => judge_for(effect, env, cancel, say),
        Effect::Pages(jobs) => pages(jobs, env, cancel, say),
        Effect::ReplayPages(jobs) => replay::pages(jobs, cancel, say),
        Effect::ReadReplays => replay::results(env, say),
        effect @ (Effect::Ink(..) | Effect::InkPreview(..) | Effect::WarmColours(_)) => {
            colour(effect, cancel, say);
        }
        Effect::File(job) => say(Notice::File(job.key, file(&job, env, cancel))),
        Effect::CheckSides => check_sides(env, say),
        Effect::LoadTheme(name) => load_theme(&name, env, say),
        Effect::PageText(job, what) => page_text(&job, what, env, cancel, say),
        Effect::Copy(text, what) => copy(&text, what, env, say),
        Effect::CopyName(ix, is_reference) => copy_name(ix, is_reference, env, say),
        Effect::CopyRecord(ix) => copy_record(ix, env, say),
        Effect::GoOn => say(Notice::GoOn),
        Effect::Discard(old) => drop(old),
        Effect::Rest => heap::give_back(),
        effect @ (Effect::Attempts(..) | Effect::CountAttempts(..)) => {
            task::run(effect, cancel, say);
        }
        effect @ (Effect::Others(..)
        | Effect::Compare(..)
        | Effect::ComparePage(_)
        | Effect::RunPairs(..)
        | Effect::CompareRuns(..)) => compare::run(effect, env, cancel, say),
        effect @ (Effect::OpenDesk(_)
        | Effect::CountQueues(..)
        | Effect::Hash(_)
        | Effect::Record(_)
        | Effect::Export(_)) => on_desk(effect, env, cancel, say),
        Effect::Stats(job) => stats::run(&job, env, cancel, say),
        // a replay lives between its questions, on a thread of its own; the rest belongs to the owner of the terminal
        Effect::Replay(..)
        | Effect::StopReplay
        | Effect::StopFind
        | Effect::StopGrep
        | Effect::StopStats
        | Effect::StopCheck
        | Effect::External(..)
        | Effect::Mouse(_)
        | Effect::Follow(_)
        | Effect::Redraw
        | Effect::Suspend
        | Effect::Quit => {}
    }
}

/// Colours code, or gets ready to.
fn colour(effect: Effect, cancel: &Cancel, say: &mut dyn FnMut(Notice)) {
    match effect {
        Effect::Ink(key, jobs, highlighter) => each(jobs, cancel, |job| {
            let ink = job.run(&highlighter, cancel);
            say(Notice::Inked(key, ink, Arc::clone(&highlighter)));
        }),
        Effect::InkPreview(generation, jobs, highlighter) => each(jobs, cancel, |job| {
            let ink = job.run(&highlighter, cancel);
            let highlighter = Arc::clone(&highlighter);
            say(Notice::PreviewInked(generation, ink, highlighter));
        }),
        Effect::WarmColours(highlighter) => highlighter.warm(),
        _ => {}
    }
}

/// Arranges the list; in pieces, where that takes its time.
fn arranged(job: &ArrangeJob, env: &Env, cancel: &Cancel, say: &mut dyn FnMut(Notice)) {
    let backing = Backing {
        store: &env.store,
        answers: &job.answers,
        judging: job.judging,
    };
    let mut tell = |arranged| say(Notice::Arranged(job.generation, arranged));
    let keep = (job.keep, &job.me);
    if let Some(arranged) = arrange(&job.rows, &backing, &job.how, keep, cancel, &mut tell) {
        tell(arranged);
    }
}

/// What searches.
fn look_for(effect: Effect, env: &Env, cancel: &Cancel, say: &mut dyn FnMut(Notice)) {
    match effect {
        Effect::FindRows(generation, pattern, rows, order) => {
            if let Some(places) = find_rows(&pattern, &rows, &order, cancel) {
                say(Notice::RowsFound(generation, Arc::new(places)));
            }
        }
        Effect::Find(job) => find(&job, env, cancel, say),
        Effect::FindInPage(generation, text, pattern) => {
            let hits = find_in_page(&text, &pattern, cancel);
            say(Notice::Hits(generation, hits, true));
        }
        Effect::FindAmong(rows, pattern) => among::find(&rows, &pattern, cancel, say),
        Effect::Grep(job) => grep::grep(&job, env, cancel, say),
        _ => {}
    }
}

/// Says which side files know none of the records.
fn check_sides(env: &Env, say: &mut dyn FnMut(Notice)) {
    // all rows were summarised: they need not be again
    env.store.keep();
    for path in env.store.side_summary().unmatched {
        let name = path.to_string_lossy();
        let text = format!("{} knows none of these records", clean_line(&name));
        say(Notice::Say(Tone::Warning, text));
    }
}

/// What needs the filters.
fn judge_for(effect: Effect, env: &Env, cancel: &Cancel, say: &mut dyn FnMut(Notice)) {
    let all = env.store.len();
    match effect {
        Effect::Mark(judging, range, order) => {
            let ixs = range.filter_map(|place| order.record(place, all));
            say(Notice::Marks(judging, marks(ixs, env, cancel)));
        }
        Effect::MarkAll(judging, _) => {
            let ixs = (0..all).map(RecordIx);
            say(Notice::Marks(judging, marks(ixs, env, cancel)));
        }
        Effect::Patch(job) => say(Notice::Patch(job.key, patch(&job, env, cancel))),
        Effect::Why(generation, ix, options) => {
            say(Notice::Why(generation, why(ix, &options, env, cancel)));
        }
        Effect::RunCheck(judging, generation, ix, options) => {
            let run = env
                .judge
                .run(&env.store, ix, env.replays.programs(), cancel);
            if let Ok(Some(marks)) = run {
                say(Notice::Marks(judging, vec![marks]));
            }
            if !cancel.is_cancelled() {
                // of a record that cannot be read this says so
                say(Notice::Why(generation, why(ix, &options, env, cancel)));
            }
        }
        _ => {}
    }
}

fn pages(jobs: Vec<PageJob>, env: &Env, cancel: &Cancel, say: &mut dyn FnMut(Notice)) {
    each(jobs, cancel, |job| {
        let page = build(env, &job, cancel);
        say(Notice::Page(job.key, Box::new(page)));
    });
}

fn find_in_page(text: &PageText, pattern: &Regex, cancel: &Cancel) -> Vec<RowHit> {
    let hits = text.find(pattern, cancel).into_iter();
    let hit = |hit: PageHit| RowHit {
        row: 0,
        place: hit.place,
    };
    hits.map(hit).collect()
}

/// Patches longer than this are shown before they are judged.
const QUICK_PATCH_BYTES: usize = 1 << 20;

/// Builds the preview of a record with what the filters say; of a large patch that comes later.
fn preview(
    generation: Generation,
    ix: RecordIx,
    options: &PageOptions,
    env: &Env,
    cancel: &Cancel,
    say: &mut dyn FnMut(Notice),
) {
    let mut tell = |page| say(Notice::Previewed(generation, Box::new(page)));
    let trajectory = match env.store.load(ix) {
        Ok(trajectory) => trajectory,
        Err(fault) => return tell(Err(fault)),
    };
    let patch_bytes = trajectory
        .final_patch
        .as_ref()
        .map_or(0, |patch| patch.len());
    if patch_bytes > QUICK_PATCH_BYTES {
        tell(Ok(Page::preview(&trajectory, None, options)));
    }
    let page = preview_page(env, ix, options, cancel);
    if !cancel.is_cancelled() {
        tell(page);
    }
}

/// The preview of a record with what the filters say, unless that is hidden.
fn preview_page(
    env: &Env,
    ix: RecordIx,
    options: &PageOptions,
    cancel: &Cancel,
) -> Result<Page, Fault> {
    let trajectory = env.store.load(ix)?;
    let judged = || env.judge.judge(&env.store, ix, cancel).ok();
    let checked = if options.is_blind { None } else { judged() };
    let judged = checked.as_deref().map(judgements).filter(is_telling);
    Ok(Page::preview(&trajectory, judged, options))
}

/// Whether a preview gains by it: of what no filter knows a task there is nothing to tell.
fn is_telling(judged: &Judgements<'_>) -> bool {
    let verdicts = judged.both().map(|(_, judgement)| judgement.verdict);
    verdicts.iter().any(|verdict| *verdict != Verdict::Unjudged)
}

fn marks(ixs: impl Iterator<Item = RecordIx>, env: &Env, cancel: &Cancel) -> Vec<Marked> {
    ixs.filter_map(|ix| env.judge.marks(&env.store, ix, cancel))
        .collect()
}

fn patch(
    job: &PatchJob,
    env: &Env,
    cancel: &Cancel,
) -> Result<(Arc<Trajectory>, Box<PatchPage>), Fault> {
    let trajectory = env.store.load(job.record)?;
    let judged = || env.judge.judge(&env.store, job.record, cancel).ok();
    let checked = if job.options.is_blind { None } else { judged() };
    let page = PatchPage::new(
        &trajectory,
        checked.as_deref().map(judgements),
        job.shows_reference,
        &job.options,
        cancel,
    );
    Ok((trajectory, Box::new(page)))
}

fn file(job: &FileJob, env: &Env, cancel: &Cancel) -> Result<Rebuilt, Fault> {
    let root = env.store.load(job.record)?;
    let trajectory = root
        .descendant(&job.children)
        .ok_or_else(|| Fault::new("there is no such child"))?;
    let mut remark = None;
    let history = if let Some(history) = &job.history {
        Arc::clone(history)
    } else {
        let snapshot = env.repositories.of(&root, cancel);
        let base = match &snapshot {
            Some(Ok(snapshot)) => Some(&**snapshot as &dyn BaseFiles),
            Some(Err(why)) => {
                remark = Some(format!("the repository tells nothing: {why}"));
                None
            }
            None => None,
        };
        Arc::new(History::with_base(trajectory, base, cancel))
    };
    let mut page = FilePage::new(&history, trajectory, &job.wish, &job.options, cancel);
    page.remarks.extend(remark);
    Ok(Rebuilt {
        page: Box::new(page),
        trajectory: root,
        history,
    })
}

fn why(
    ix: RecordIx,
    options: &PageOptions,
    env: &Env,
    cancel: &Cancel,
) -> Result<Arc<WhyPage>, Fault> {
    let checked = env.judge.judge(&env.store, ix, cancel)?;
    let trajectory = env.store.load(ix)?;
    let mut flags = env.judge.flags(&env.store, ix, cancel)?;
    flags.extend(checked.flags.iter().cloned());
    Ok(Arc::new(WhyPage::new(
        &trajectory,
        judgements(&checked),
        &flags,
        options,
    )))
}

fn copy_record(ix: RecordIx, env: &Env, say: &mut dyn FnMut(Notice)) {
    match env.store.load_bytes(ix) {
        Ok(bytes) => copy(&String::from_utf8_lossy(&bytes), "record", env, say),
        Err(fault) => {
            say(Notice::Say(Tone::Error, fault.unread("the record")));
        }
    }
}

/// Decisions, queues and exports.
fn on_desk(effect: Effect, env: &Env, cancel: &Cancel, say: &mut dyn FnMut(Notice)) {
    match effect {
        Effect::OpenDesk(reading) => {
            if !reading.is_again && !env.journal.has_new_files(&env.store) {
                return;
            }
            match env.journal.read(&env.store) {
                Ok(mut journals) => {
                    let heard = Heard::of(&reading, &mut journals, &env.store, cancel);
                    if !cancel.is_cancelled() {
                        say(Notice::DeskOpened(Box::new((journals, heard))));
                    }
                }
                Err(err) => say(Notice::Say(Tone::Error, err.to_string())),
            }
        }
        Effect::CountQueues(job) => {
            let backing = Backing {
                store: &env.store,
                answers: &job.answers,
                judging: job.judging,
            };
            if let Some(counts) = queues::count(&job.rows, &backing, &job.queues, &job.me, cancel) {
                say(Notice::QueuesCounted(Box::new(counts)));
            }
        }
        Effect::Hash(ixs) => each(ixs, cancel, |ix| {
            say(Notice::Hashed(ix, env.store.content_hash(ix)));
        }),
        Effect::Record(lines) => env.journal.write_down(&lines, say),
        Effect::Export(job) => export::run(&job, env, cancel, say),
        _ => {}
    }
}

/// Does jobs one after the other until cancelled.
fn each<J>(jobs: Vec<J>, cancel: &Cancel, mut work: impl FnMut(J)) {
    for job in jobs {
        if cancel.is_cancelled() {
            return;
        }
        work(job);
    }
}

fn find_rows(pattern: &Regex, rows: &Rows, order: &Order, cancel: &Cancel) -> Option<Vec<usize>> {
    let all = rows.len();
    let is_hit = |place: &usize| {
        let row = order.record(*place, all).and_then(|ix| rows.get(ix));
        row.is_some_and(|row| {
            let texts = [Some(row.id.as_str()), row.model.as_deref()];
            texts
                .into_iter()
                .flatten()
                .any(|text| pattern.is_match(text))
        })
    };
    let mut places = Vec::new();
    for place in 0..order.len(all) {
        if place.is_multiple_of(1024) && cancel.is_cancelled() {
            return None;
        }
        if is_hit(&place) {
            places.push(place);
        }
    }
    Some(places)
}

fn page_text(
    job: &PageJob,
    what: PageUse,
    env: &Env,
    cancel: &Cancel,
    say: &mut dyn FnMut(Notice),
) {
    let text = build(env, job, cancel).text();
    match what {
        PageUse::Copy => copy(&text, "step", env, say),
        PageUse::Editor => say(Notice::External(text, true)),
        PageUse::Pager => say(Notice::External(text, false)),
    }
}

fn load_theme(name: &str, env: &Env, say: &mut dyn FnMut(Notice)) {
    match Theme::load(name, env.depth, &env.themes) {
        Ok(theme) => {
            let highlighter = Arc::new(Highlighter::new(&theme));
            say(Notice::Theme(Box::new(theme), highlighter));
        }
        Err(err) => say(Notice::Say(Tone::Error, err.to_string())),
    }
}

fn scan(env: &Env, cancel: &Cancel, say: &mut dyn FnMut(Notice)) {
    let mut last = None;
    let labels = env.store.side_summary().generation;
    let result = env.store.scan(cancel, &mut |progress| {
        last = Some(progress);
        say(Notice::Scanned {
            records: progress.records,
            bytes: (progress.bytes_done, progress.bytes_total),
            is_complete: progress.is_complete,
        });
    });
    if let Err(err) = result {
        say(Notice::Say(Tone::Error, err.to_string()));
    }
    if !cancel.is_cancelled() {
        let bytes = last.map_or((0, 0), |p| (p.bytes_done, p.bytes_total));
        say(Notice::Scanned {
            records: env.store.len(),
            bytes,
            is_complete: true,
        });
        if env.store.side_summary().generation != labels {
            env.judge.forget();
            say(Notice::Relabelled);
        }
        let skipped = env.store.skipped();
        if !skipped.is_empty() {
            say(Notice::Log(left_out(&skipped)));
        }
    }
}

/// The files of the inputs that are no trajectories, the first of them by name.
fn left_out(skipped: &[Skipped]) -> String {
    const NAMED: usize = 20;
    let mut text = format!(
        "{} files are no trajectories and were left out",
        human::count(skipped.len())
    );
    for file in skipped.iter().take(NAMED) {
        let name = file.path.to_string_lossy();
        text.extend([
            "
",
            &*clean_line(&name),
            ": ",
            &file.why,
        ]);
    }
    if skipped.len() > NAMED {
        text.push_str("\n…");
    }
    text
}

fn refresh(env: &Env, cancel: &Cancel, say: &mut dyn FnMut(Notice)) {
    let labels = env.store.side_summary().generation;
    match env.store.refresh(cancel, &mut |_| {}) {
        Ok(refresh) => {
            say(Notice::Refreshed(refresh));
            if env.store.side_summary().generation != labels {
                env.judge.forget();
                say(Notice::Relabelled);
            }
        }
        Err(err) => say(Notice::Say(Tone::Error, err.to_string())),
    }
}

fn build(env: &Env, job: &PageJob, cancel: &Cancel) -> Page {
    match (job.raw, job.subject) {
        (None, Subject::Place(nth)) => task::place(env, &job.trajectory, nth, &job.options, cancel),
        (None, Subject::Attempt(ix)) => task::attempt(env, job, ix, cancel),
        (None, _) => Page::telling(
            &job.trajectory,
            &job.path,
            job.subject,
            &job.told,
            &job.options,
        ),
        (Some((ix, span)), _) => {
            let (title, text) = match raw_text(env, ix, span) {
                Ok((title, text)) => (title, text),
                Err(fault) => ("the record cannot be read".to_owned(), fault.to_string()),
            };
            Page::of_text(&title, text.into(), "json", &job.options)
        }
    }
}

/// The bytes of a step where they are known, else of the record; JSON is laid out for reading.
fn raw_text(env: &Env, ix: RecordIx, span: Option<Span>) -> Result<(String, String), Fault> {
    const PRETTY_BYTES: usize = 8 << 20;
    let entry = env.store.entry(ix);
    let start = entry
        .and_then(|entry| entry.span)
        .map_or(0, |span| span.start);
    let bytes = env.store.load_bytes(ix)?;
    let of_step = span.and_then(|span| {
        let from = usize::try_from(span.start.checked_sub(start)?).ok()?;
        let to = usize::try_from(span.end.checked_sub(start)?).ok()?;
        bytes.get(from..to).filter(|bytes| !bytes.is_empty())
    });
    let (what, bytes) = match of_step {
        Some(bytes) => ("bytes of the step's first row", bytes),
        None => ("bytes of the record", bytes.as_slice()),
    };
    let text = String::from_utf8_lossy(bytes);
    let title = format!("{what}, {}", human::bytes(bytes.len() as u64));
    let pretty = (bytes.len() <= PRETTY_BYTES)
        .then(|| crate::read::json::pretty(bytes))
        .flatten();
    Ok((title, pretty.unwrap_or_else(|| text.into_owned())))
}

fn find(job: &FindJob, env: &Env, cancel: &Cancel, say: &mut dyn FnMut(Notice)) {
    const EVERY: Duration = Duration::from_millis(50);
    let mut hits = Vec::new();
    let mut told = Instant::now();
    for (row, (path, subject)) in job.rows.iter().enumerate() {
        if cancel.is_cancelled() {
            return;
        }
        let besides = job.outline.told(path, *subject);
        let page = match *subject {
            Subject::Place(nth) => task::place(env, &job.trajectory, nth, &job.options, cancel),
            subject => Page::telling(&job.trajectory, path, subject, &besides, &job.options),
        };
        hits.extend(
            page.find(&job.pattern, cancel)
                .into_iter()
                .map(|hit| RowHit {
                    row,
                    place: hit.place,
                }),
        );
        if told.elapsed() >= EVERY && !hits.is_empty() {
            say(Notice::Hits(
                job.generation,
                std::mem::take(&mut hits),
                false,
            ));
            told = Instant::now();
        }
    }
    say(Notice::Hits(job.generation, hits, true));
}

/// A record's id, or its reference `path:N#id`, N from 1.
pub fn name_of(ix: RecordIx, is_reference: bool, env: &Env) -> String {
    let id = env.store.summarize(ix).id;
    if !is_reference {
        return id;
    }
    env.store.entry(ix).map_or(id.clone(), |entry| {
        let source = Source {
            path: entry.path.to_path_buf(),
            member: entry.member.map(|member| member.to_string()),
            row: entry.row,
            ..Source::default()
        };
        source.reference(&id, None)
    })
}

fn copy_name(ix: RecordIx, is_reference: bool, env: &Env, say: &mut dyn FnMut(Notice)) {
    let what = if is_reference { "reference" } else { "id" };
    copy(&name_of(ix, is_reference, env), what, env, say);
}

fn copy(text: &str, what: &str, env: &Env, say: &mut dyn FnMut(Notice)) {
    if text.is_empty() {
        say(Notice::Say(
            Tone::Warning,
            format!("there is no {what} to copy here"),
        ));
        return;
    }
    let mut terminal = Vec::new();
    let report = clipboard::copy(text, &env.clipboard, &mut terminal);
    if !terminal.is_empty() {
        say(Notice::Terminal(terminal));
    }
    for why in report.failed.iter().filter(|_| report.is_copied) {
        say(Notice::Log(format!("copying, tried before: {why}")));
    }
    let notice = if report.is_copied {
        Notice::Say(Tone::Success, format!("copied the {what} {}", report.how))
    } else {
        Notice::Say(
            Tone::Error,
            format!("the {what} was not copied: {}", report.how),
        )
    };
    say(notice);
}

/// Lowers the priority of this thread (on Linux it is the thread's): keys, drawing and what is looked at go first.
fn stand_back() {
    let _is_lower = rustix::process::nice(10);
}

/// What the last worker that failed said.
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Keeps what a failing worker says, for the log of messages; called by the panic hook.
pub fn remember_panic(text: String) {
    *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = text;
}

fn last_panic() -> String {
    std::mem::take(&mut *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner))
}

/// What is said in the place of answers that do not come because the work failed inside hgview: nothing may wait for
/// ever.
fn answers_of_failure(effect: &Effect) -> Vec<Notice> {
    let fault = || Fault::new("reading it failed inside hgview");
    match effect {
        Effect::Open(generation, ix) => vec![Notice::Opened(*generation, *ix, Err(fault()))],
        Effect::Preview(generation, ..) => {
            vec![Notice::Previewed(*generation, Box::new(Err(fault())))]
        }
        Effect::Pages(jobs) => {
            let page = |job: &PageJob| {
                let what = "this page failed inside hgview";
                let page = Page::of_text(what, "".into(), "json", &job.options);
                Notice::Page(job.key, Box::new(page))
            };
            jobs.iter().map(page).collect()
        }
        Effect::Arrange(job) => vec![Notice::Arranged(job.generation, Arranged::default())],
        Effect::Find(job) => vec![Notice::Hits(job.generation, Vec::new(), true)],
        Effect::Stats(job) => vec![Notice::Stats(Box::new(StatsNews::failed(job.generation)))],
        Effect::FindInPage(generation, ..) => vec![Notice::Hits(*generation, Vec::new(), true)],
        Effect::FindAmong(Among::Results(generation, ..), _) => {
            vec![Notice::ResultsFound(*generation, Vec::new())]
        }
        Effect::FindAmong(Among::Attempts(opened, generation, _), _) => {
            vec![Notice::StepsFound(*opened, *generation, Vec::new())]
        }
        Effect::Patch(job) => vec![Notice::Patch(job.key, Err(fault()))],
        Effect::File(job) => vec![Notice::File(job.key, Err(fault()))],
        Effect::Why(generation, ..) => vec![Notice::Why(*generation, Err(fault()))],
        Effect::Compare(generation, _) => vec![Notice::Compared(*generation, Err((0, fault())))],
        Effect::ComparePage(job) => {
            let what = "this page failed inside hgview";
            let page = Page::of_text(what, "".into(), "json", &job.options);
            vec![Notice::Page(job.key, Box::new(page))]
        }
        Effect::ReplayPages(jobs) => {
            let page = |job: &ReplayJob| {
                let what = "this page failed inside hgview";
                let page = Page::of_text(what, "".into(), "json", &job.options);
                Notice::Page(job.key, Box::new(page))
            };
            jobs.iter().map(page).collect()
        }
        Effect::Export(job) => {
            let failed = Err(Error::internal("the export failed inside hgview"));
            vec![Notice::Exported(Box::new(job.answer(failed)))]
        }
        _ => Vec::new(),
    }
}

/// A thread with a mailbox for one effect. It starts with the first one: most kinds of work are never asked for.
#[derive(Debug)]
struct Slot {
    mailbox: Arc<Mailbox>,
    worker: Worker,
    thread: OnceLock<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Mailbox {
    state: Mutex<MailboxState>,
    ready: Condvar,
}

#[derive(Debug, Default)]
struct MailboxState {
    waiting: Option<Effect>,
    running: Option<Cancel>,
    is_closed: bool,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, MailboxState> {
        // the state is replaced as a whole: a panic elsewhere cannot leave it half changed
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn new(env: &Arc<Env>, notices: &UnboundedSender<Notice>, summarizer: &Summarizer) -> Self {
        Self {
            mailbox: Arc::default(),
            worker: Worker {
                env: Arc::clone(env),
                notices: notices.clone(),
                queue: Arc::clone(&summarizer.queue),
            },
            thread: OnceLock::new(),
        }
    }

    fn submit(&self, mut effect: Effect) {
        let mut state = self.mailbox.lock();
        if let (Effect::OpenDesk(new), Some(Effect::OpenDesk(old))) = (&mut effect, &state.waiting)
        {
            new.is_again |= old.is_again;
        }
        // a scan is never given up for a refresh: the refresh waits; journals are read to their end
        if !matches!(effect, Effect::Refresh | Effect::OpenDesk(_))
            && let Some(running) = &state.running
        {
            running.cancel();
        }
        // nor is one that has not begun: it will find what a refresh would
        let is_scan_due = matches!(state.waiting, Some(Effect::Scan));
        if !(is_scan_due && matches!(effect, Effect::Refresh)) {
            state.waiting = Some(effect);
        }
        drop(state);
        self.mailbox.ready.notify_one();
        self.thread.get_or_init(|| {
            let (mailbox, worker) = (Arc::clone(&self.mailbox), self.worker.clone());
            std::thread::spawn(move || worker.work(&mailbox))
        });
    }

    fn stop(&self) {
        let mut state = self.mailbox.lock();
        state.waiting = None;
        if let Some(running) = &state.running {
            running.cancel();
        }
    }

    fn close(&self) {
        self.stop();
        self.mailbox.lock().is_closed = true;
        self.mailbox.ready.notify_one();
    }

    /// Waits until a closed slot has stopped.
    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // a panic in there was told by the hook
            drop(thread.join());
        }
    }
}

/// What the thread of a slot works with.
#[derive(Debug, Clone)]
struct Worker {
    env: Arc<Env>,
    notices: UnboundedSender<Notice>,
    queue: Arc<Queue>,
}

impl Worker {
    /// Carries out what comes into the mailbox until that is closed.
    fn work(&self, mailbox: &Mailbox) {
        let mut has_made_way = false;
        while let Some((effect, cancel)) = next(mailbox) {
            let mut say = |notice: Notice| {
                let makes_way = self.say(notice);
                if makes_way && !has_made_way {
                    has_made_way = true;
                    self.queue.wait_for_first_screen();
                    stand_back();
                }
            };
            let unanswered = answers_of_failure(&effect);
            let done = catch_unwind(AssertUnwindSafe(|| {
                perform(effect, &self.env, &cancel, &mut say);
            }));
            if done.is_err() {
                for notice in unanswered {
                    say(notice);
                }
                say(Notice::Say(
                    Tone::Error,
                    "something failed inside hgview; M has what it said".to_owned(),
                ));
                say(Notice::Log(last_panic()));
            }
            mailbox.lock().running = None;
        }
    }

    /// Hands an answer on; says whether the work has to make way for the first screen, which has the processors to
    /// itself.
    fn say(&self, notice: Notice) -> bool {
        let mut makes_way = matches!(notice, Notice::Theme(..));
        match &notice {
            Notice::Scanned {
                records,
                is_complete,
                ..
            } => {
                self.queue.grow(*records, *is_complete);
                makes_way = *records >= Summarizer::FIRST_ROWS && !is_complete;
            }
            Notice::Refreshed(refresh) => {
                let len = self.env.store.len();
                self.queue.changed(len, &refresh.changed);
            }
            Notice::Relabelled => self.queue.restart(),
            _ => {}
        }
        // nobody listens any more: the program is ending
        let _gone = self.notices.send(notice);
        makes_way
    }
}

/// Waits for an effect; `None` when the mailbox is closed.
fn next(mailbox: &Mailbox) -> Option<(Effect, Cancel)> {
    let mut state = mailbox.lock();
    loop {
        if state.is_closed {
            return None;
        }
        if let Some(effect) = state.waiting.take() {
            let cancel = Cancel::new();
            state.running = Some(cancel.clone());
            return Some((effect, cancel));
        }
        state = mailbox
            .ready
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

/// Summarises all records in the background on every core, at low priority, the wanted ones first.
#[derive(Debug)]
struct Summarizer {
    queue: Arc<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<QueueState>,
    ready: Condvar,
    /// The first screen is there.
    shown: Condvar,
}

#[derive(Debug, Default)]
struct QueueState {
    wanted: VecDeque<RecordIx>,
    /// In sight, and not even their ids are known.
    unseen: Vec<RecordIx>,
    /// To be summarised again, whether in sight or not.
    changed: VecDeque<RecordIx>,
    /// Moves on when what was summarised before is out of date.
    epoch: u64,
    next: usize,
    len: usize,
    /// All records are known.
    is_complete: bool,
    /// Summaries that were sent.
    sent: usize,
    is_closed: bool,
}

/// What a summarising thread does next.
#[derive(Debug)]
struct Turn {
    ix: Option<RecordIx>,
    /// The last one that somebody waits for: send what there is.
    is_last_wanted: bool,
    /// Ids to look up before anything else.
    unseen: Vec<RecordIx>,
    epoch: u64,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn grow(&self, len: usize, is_complete: bool) {
        let mut state = self.lock();
        state.len = state.len.max(len);
        state.is_complete |= is_complete;
        drop(state);
        self.ready.notify_all();
        self.shown.notify_all();
    }

    fn sent(&self, rows: usize) {
        self.lock().sent += rows;
        self.shown.notify_all();
    }

    /// Waits until there are summaries for a whole screen, or all there will be; not long where these take their time.
    fn wait_for_first_screen(&self) {
        const LONGEST: Duration = Duration::from_millis(150);
        let is_awaited = |state: &mut QueueState| {
            let wanted = if state.is_complete {
                state.len.min(Summarizer::FIRST_ROWS)
            } else {
                Summarizer::FIRST_ROWS
            };
            state.sent < wanted && !state.is_closed
        };
        let _state = self
            .shown
            .wait_timeout_while(self.lock(), LONGEST, is_awaited);
    }

    fn changed(&self, len: usize, changed: &[RecordIx]) {
        let mut state = self.lock();
        state.changed.extend(changed.iter().copied());
        state.epoch += u64::from(!changed.is_empty());
        drop(state);
        self.grow(len, false);
    }

    /// Puts records back whose summaries are not worth sending.
    fn again(&self, ixs: impl Iterator<Item = RecordIx>) {
        self.lock().changed.extend(ixs);
    }

    /// Waits for something to do; `None` when the program ends. Comes back at once with nothing to do when `is_owing`
    /// says that summaries are still to be sent.
    fn turn(&self, is_owing: bool) -> Option<Turn> {
        let mut state = self.lock();
        loop {
            if state.is_closed {
                return None;
            }
            let is_last_wanted = state.wanted.len() == 1;
            let ix = Self::take(&mut state);
            if ix.is_some() || is_owing {
                return Some(Turn {
                    ix,
                    is_last_wanted,
                    unseen: std::mem::take(&mut state.unseen),
                    epoch: state.epoch,
                });
            }
            state = self
                .ready
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn restart(&self) {
        let mut state = self.lock();
        state.next = 0;
        state.epoch += 1;
        drop(state);
        self.ready.notify_all();
    }

    /// The next record to summarise, or `None` when there is nothing to do now.
    fn take(state: &mut QueueState) -> Option<RecordIx> {
        let first = state
            .wanted
            .pop_front()
            .or_else(|| state.changed.pop_front());
        if first.is_some() {
            return first;
        }
        (state.next < state.len).then(|| {
            state.next += 1;
            RecordIx(state.next - 1)
        })
    }
}

impl Summarizer {
    const BATCH: usize = 64;
    /// So many batches a thread are what the first screen waits for; the rest can wait for keys and drawing.
    const FIRST_SCREEN: usize = 4;
    /// So many records are more than any first screen shows.
    const FIRST_ROWS: usize = 64;
    const EVERY: Duration = Duration::from_millis(8);

    fn new(store: &Arc<Store>, notices: &UnboundedSender<Notice>) -> Self {
        let queue = Arc::new(Queue::default());
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        for _ in 0..threads {
            let (queue, store, notices) = (Arc::clone(&queue), Arc::clone(store), notices.clone());
            std::thread::spawn(move || {
                Self::work(&queue, &store, &notices);
            });
        }
        Self { queue }
    }

    fn work(queue: &Queue, store: &Store, notices: &UnboundedSender<Notice>) {
        let mut batch: Vec<(RecordIx, Summary)> = Vec::new();
        let mut epoch = 0;
        let mut since = Instant::now();
        let mut sent = 0_usize;
        while let Some(turn) = queue.turn(!batch.is_empty()) {
            if !turn.unseen.is_empty() {
                let peek = |ix: RecordIx| Some((ix, store.peek_id(ix)?));
                let ids = turn.unseen.into_iter().filter_map(peek).collect();
                if notices.send(Notice::Peeked(ids)).is_err() {
                    return;
                }
            }
            if turn.epoch != epoch {
                // what is not sent yet may be out of date
                queue.again(batch.drain(..).map(|(ix, _)| ix));
                epoch = turn.epoch;
            }
            if let Some(ix) = turn.ix {
                let row = catch_unwind(AssertUnwindSafe(|| store.summarize(ix)));
                let row = row.unwrap_or_else(|_| {
                    let fault = Fault::new("reading it failed inside hgview");
                    Summary::of_fault(format!("record {}", ix.0 + 1), None, fault)
                });
                batch.push((ix, row));
            }
            let is_due = batch.len() >= Self::BATCH || since.elapsed() >= Self::EVERY;
            if (turn.ix.is_none() || turn.is_last_wanted || is_due) && !batch.is_empty() {
                let rows = batch.len();
                if notices
                    .send(Notice::Summaries(std::mem::take(&mut batch)))
                    .is_err()
                {
                    return;
                }
                queue.sent(rows);
                since = Instant::now();
                sent += 1;
                if sent == Self::FIRST_SCREEN {
                    stand_back();
                }
            }
        }
    }

    /// Puts the records of a range of the list first, in place of those that were wanted before.
    fn want(&self, range: std::ops::Range<usize>, order: &crate::ui::data::Order) {
        let mut state = self.queue.lock();
        let len = state.len;
        state.wanted = range.filter_map(|place| order.record(place, len)).collect();
        drop(state);
        self.queue.ready.notify_all();
    }

    fn close(&self) {
        self.queue.lock().is_closed = true;
        self.queue.ready.notify_all();
        self.queue.shown.notify_all();
    }
}
