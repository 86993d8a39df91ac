//! Searching all trajectories: which steps say what a pattern looks for.
//!
//! The bytes of a record are looked at before it is parsed: most patterns contain a text that every match must contain,
//! and a record without it is not read any further ([`prefilter`]). What is found is told in the order of the records,
//! a step at a time.

mod places;
mod prefilter;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use rayon::iter::IntoParallelRefIterator as _;
use rayon::iter::ParallelIterator as _;
use regex::Regex;
use regex::RegexBuilder;
use regex_syntax::ast::Ast;
use regex_syntax::ast::ClassSetItem;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::model::Fault;
use crate::model::RecordIx;
use crate::model::Step;
use crate::model::Trajectory;
use crate::search::prefilter::Prefilter;
use crate::store::Sieve;
use crate::store::Store;
use crate::store::Stretch;

/// What of a step is searched.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// What was said to the model: system and user texts, and rows of context.
    Prompts,
    /// What the model wrote and thought.
    Thoughts,
    /// Its calls: tool names, commands and all other arguments.
    Actions,
    /// What came back.
    Observations,
    /// The files it saw and changed: their paths, and the texts that were written into them.
    Files,
    /// The final patch, and an answer that was handed in.
    Patches,
}

impl Place {
    /// All of them, in the order in which they stand in a step.
    pub const ALL: [Self; 6] = [
        Self::Prompts,
        Self::Thoughts,
        Self::Actions,
        Self::Files,
        Self::Observations,
        Self::Patches,
    ];

    /// The word for it in options, JSON and prompts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prompts => "prompts",
            Self::Thoughts => "thoughts",
            Self::Actions => "actions",
            Self::Observations => "observations",
            Self::Files => "files",
            Self::Patches => "patches",
        }
    }
}

/// How upper and lower case are taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Case {
    /// They matter when the pattern has an upper-case letter.
    #[default]
    Smart,
    /// They matter.
    Sensitive,
    /// They do not matter.
    Insensitive,
}

/// What to look for, and where.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    prefilter: Prefilter,
    places: Vec<Place>,
}

impl Pattern {
    /// Bytes that a compiled pattern may take.
    const SIZE_LIMIT: usize = 16 << 20;

    /// A regular expression, or the text itself where `is_literal`. `^` and `$` stand for the ends of lines. `places` that
    /// are empty mean all of them.
    ///
    /// # Errors
    /// *user* when it is no regular expression, with the place at which it stops being one.
    pub fn new(text: &str, is_literal: bool, case: Case, places: &[Place]) -> Result<Self> {
        let is_insensitive = match case {
            Case::Smart => !has_upper_case(text, is_literal),
            Case::Sensitive => false,
            Case::Insensitive => true,
        };
        let source = if is_literal {
            regex::escape(text)
        } else {
            text.to_owned()
        };
        let regex = RegexBuilder::new(&source)
            .case_insensitive(is_insensitive)
            .multi_line(true)
            .size_limit(Self::SIZE_LIMIT)
            .build()
            .map_err(|why| {
                Error::user(format!("`{text}` is no regular expression: {why}"))
                    .hint("--fixed-strings takes it as it stands")
            })?;
        let mut places = places.to_vec();
        if places.is_empty() {
            places = Place::ALL.to_vec();
        }
        Ok(Self {
            regex,
            prefilter: Prefilter::new(&source, is_insensitive),
            places,
        })
    }

    /// The pattern as it is matched.
    pub fn regex(&self) -> &Regex {
        &self.regex
    }

    /// The steps of a trajectory that match, then its patch; those of its children after it.
    pub fn hits(&self, trajectory: &Trajectory, cancel: &Cancel) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.collect(trajectory, &mut Vec::new(), cancel, &mut hits);
        hits
    }

    fn collect(
        &self,
        trajectory: &Trajectory,
        children: &mut Vec<usize>,
        cancel: &Cancel,
        hits: &mut Vec<Hit>,
    ) {
        for step in &trajectory.steps {
            if cancel.is_cancelled() {
                return;
            }
            let mut found = Found::default();
            places::of_step(step, &self.places, &mut |place, text| {
                found.look(&self.regex, place, text);
            });
            hits.extend(found.hit(children, Some(step.idx)));
        }
        let mut found = Found::default();
        places::of_record(trajectory, &self.places, &mut |place, text| {
            found.look(&self.regex, place, text);
        });
        hits.extend(found.hit(children, None));
        for (ix, child) in trajectory.children.iter().enumerate() {
            children.push(ix);
            self.collect(&child.trajectory, children, cancel, hits);
            children.pop();
        }
    }
}

/// The numbers of the steps that match in any of their texts, in order; sub-agents are not looked at.
pub fn matching_steps(trajectory: &Trajectory, regex: &Regex, cancel: &Cancel) -> Vec<usize> {
    let steps = trajectory.steps.iter();
    let steps = steps.take_while(|_| !cancel.is_cancelled());
    let matches = |step: &&Step| {
        let mut is_hit = false;
        places::of_step(step, &Place::ALL, &mut |_, text| {
            is_hit = is_hit || regex.is_match(text);
        });
        is_hit
    };
    steps.filter(matches).map(|step| step.idx).collect()
}

/// Whether letters of the pattern that stand for themselves are upper-case; those of escapes (`\S`, `\pL`), of group
/// names and flags are not.
fn has_upper_case(text: &str, is_literal: bool) -> bool {
    if is_literal {
        return text.chars().any(char::is_uppercase);
    }
    let Ok(ast) = regex_syntax::ast::parse::Parser::new().parse(text) else {
        return true;
    };
    let looked = regex_syntax::ast::visit(&ast, UpperCase::default());
    looked.is_ok_and(|has_upper| has_upper)
}

/// Looks for upper-case letters in a pattern.
#[derive(Default)]
struct UpperCase(bool);

impl UpperCase {
    fn see(&mut self, literal: &regex_syntax::ast::Literal) {
        // a letter by its number is meant as it is, in either case
        let is_written = matches!(
            literal.kind,
            regex_syntax::ast::LiteralKind::Verbatim | regex_syntax::ast::LiteralKind::Meta
        );
        self.0 |= is_written && literal.c.is_uppercase();
    }
}

impl regex_syntax::ast::Visitor for UpperCase {
    type Output = bool;
    type Err = ();

    fn finish(self) -> std::result::Result<bool, ()> {
        Ok(self.0)
    }

    fn visit_pre(&mut self, ast: &Ast) -> std::result::Result<(), ()> {
        if let Ast::Literal(literal) = ast {
            self.see(literal);
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> std::result::Result<(), ()> {
        match item {
            ClassSetItem::Literal(literal) => self.see(literal),
            ClassSetItem::Range(range) => {
                self.see(&range.start);
                self.see(&range.end);
            }
            _ => {}
        }
        Ok(())
    }
}

/// A step that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The sub-agents on the way to it, from the outside in; empty for the trajectory itself.
    pub children: Vec<usize>,
    /// The step, from 0; `None` for the final patch.
    pub step: Option<usize>,
    /// Where in the step the first match is.
    pub place: Place,
    /// The line of the first match, cut where it is long. Not cleaned.
    pub excerpt: String,
    /// Bytes of `excerpt` that match; empty where the match is.
    pub matched: Range<usize>,
    /// Matches in the step.
    pub count: usize,
}

/// What was found in a step so far.
#[derive(Default)]
struct Found {
    first: Option<(Place, String, Range<usize>)>,
    count: usize,
}

impl Found {
    fn look(&mut self, regex: &Regex, place: Place, text: &str) {
        let mut matches = regex.find_iter(text);
        let Some(first) = matches.next() else { return };
        self.count += 1 + matches.count();
        if self.first.is_none() {
            let (line, within) = excerpt(text, first.range());
            self.first = Some((place, line, within));
        }
    }

    fn hit(self, children: &[usize], step: Option<usize>) -> Option<Hit> {
        let (place, excerpt, matched) = self.first?;
        Some(Hit {
            children: children.to_vec(),
            step,
            place,
            excerpt,
            matched,
            count: self.count,
        })
    }
}

/// The line of a match without the blanks before it, and at most so much of it around the match as fits a wide screen.
fn excerpt(text: &str, hit: Range<usize>) -> (String, Range<usize>) {
    const BEFORE: usize = 80;
    const LONGEST: usize = 320;
    let line_start = text
        .get(..hit.start)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |at| at + 1);
    let line_end = text
        .get(hit.start..)
        .and_then(|after| after.find('\n'))
        .map_or(text.len(), |at| hit.start + at);
    // the end of a line is `\r\n`, too
    let has_return = line_end < text.len()
        && text
            .get(hit.start..line_end)
            .is_some_and(|rest| rest.ends_with('\r'));
    let line_end = line_end - usize::from(has_return);
    let blanks = text
        .get(line_start..hit.start)
        .map_or(0, |before| before.len() - before.trim_start().len());
    let mut start = line_start + blanks;
    if hit.start - start > BEFORE {
        start = text.ceil_char_boundary(hit.start - BEFORE);
    }
    let end = text
        .floor_char_boundary(line_end.min(start.saturating_add(LONGEST)))
        .max(hit.start);
    let has_front = start > line_start + blanks;
    let front = if has_front { "…" } else { "" };
    let back = if end < line_end { "…" } else { "" };
    let shown = text.get(start..end).unwrap_or_default();
    let shift = |at: usize| at.min(end) - start + front.len();
    (
        format!("{front}{shown}{back}"),
        shift(hit.start)..shift(hit.end),
    )
}

/// Which records are searched.
#[derive(Debug, Clone)]
pub enum Records {
    /// All, also those that a scan is still finding: the search goes on until the scan is complete.
    All,
    /// These, in this order.
    These(Arc<Vec<u32>>),
}

/// A record with steps that match, or that could not be searched.
#[derive(Debug)]
pub struct Answer {
    /// The record.
    pub record: RecordIx,
    /// The trajectory, and what was found in it; at least one hit. The fault of a record that cannot be read.
    pub found: Result<(Arc<Trajectory>, Vec<Hit>), Fault>,
}

/// How far a search is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Records that were searched.
    pub records: usize,
    /// Records that there are so far.
    pub of: usize,
}

/// What a search tells while it runs.
#[derive(Debug)]
pub enum Told {
    /// A record with hits or a fault; in the order of the records.
    Answer(Answer),
    /// So far it is; after every few megabytes.
    Progress(Progress),
}

/// What is found is told this late at most, as far as batches can be made for it.
const PATIENCE: Duration = Duration::from_millis(40);

/// A search that has caught up with a scan sleeps so long: the scan has all cores meanwhile.
const NAP: Duration = Duration::from_millis(4);

/// Bytes of a stretch: reads are few, and the first answers come soon.
const STRETCH_BYTES: u64 = 512 << 10;

/// Searches records with all cores. `tell` gets what is found at once, and answers `false` to stop.
pub fn run(
    store: &Store,
    pattern: &Pattern,
    records: &Records,
    cancel: &Cancel,
    tell: &mut dyn FnMut(Told) -> bool,
) {
    let sieve = Sieve::new(&pattern.prefilter);
    run_with(store, pattern, &sieve, records, cancel, tell);
}

/// Scans a store, and searches all that the scan finds while it goes on: files are read once for both. `tell` as in
/// [`run`]; when it stops the search, the scan stops, too.
///
/// # Errors
/// As [`Store::scan`].
pub fn run_scanning(
    store: &Store,
    pattern: &Pattern,
    cancel: &Cancel,
    tell: &mut dyn FnMut(Told) -> bool,
) -> Result<()> {
    let sieve = Sieve::new(&pattern.prefilter);
    // of its own: the caller's says whether the caller gave up, and nothing else
    let is_over = Cancel::new();
    let searcher = std::thread::current();
    std::thread::scope(|scope| {
        let scan = || {
            let scanned = if pattern.prefilter.is_all() {
                store.scan(&is_over, &mut |_| {})
            } else {
                store.scan_through(&sieve, &is_over, &mut |_| {})
            };
            searcher.unpark();
            scanned
        };
        let scanned = scope.spawn(scan);
        run_with(store, pattern, &sieve, &Records::All, cancel, tell);
        is_over.cancel();
        let failed = |_panic| Err(Error::internal("the scan failed"));
        scanned.join().unwrap_or_else(failed)
    })
}

fn run_with(
    store: &Store,
    pattern: &Pattern,
    sieve: &Sieve<'_>,
    records: &Records,
    cancel: &Cancel,
    tell: &mut dyn FnMut(Told) -> bool,
) {
    let shared = Shared {
        store,
        pattern,
        sieve,
        buffers: Buffers::default(),
        joined: Mutex::default(),
        cancel,
    };
    let threads = crate::store::threads();
    let (mut batch, mut done) = (2 * threads, 0);
    while !cancel.is_cancelled() {
        let Some((known, places)) = next(store, records, done) else {
            return;
        };
        let began = Instant::now();
        let (stretches, taken) = store.stretches(&places, STRETCH_BYTES, batch);
        let found = shared.search_all(stretches);
        done += taken;
        // threads wait for each other as rarely as whoever looks at the answers allows
        batch = if began.elapsed() > PATIENCE {
            (batch / 2).max(threads)
        } else {
            (2 * batch).min(64 * threads)
        };
        for answer in found.into_iter().flatten() {
            if cancel.is_cancelled() || !tell(Told::Answer(answer)) {
                return;
            }
        }
        let progress = Progress {
            records: done,
            of: known,
        };
        if !tell(Told::Progress(progress)) {
            return;
        }
    }
}

/// How many records there are so far, and those after the first `done`; waits for a scan that has not found more yet.
/// `None` when there are no more.
fn next(store: &Store, records: &Records, done: usize) -> Option<(usize, Vec<usize>)> {
    /// Places that are looked at for one batch of stretches.
    const MOST: usize = 1 << 16;
    match records {
        Records::These(places) => {
            let rest = places.get(done..)?;
            let rest = rest.get(..MOST).unwrap_or(rest);
            let rest = rest
                .iter()
                .map(|record| *record as usize)
                .collect::<Vec<_>>();
            (!rest.is_empty()).then_some((places.len(), rest))
        }
        Records::All => loop {
            // asked first: what is found between the two questions is not lost
            let is_complete = store.is_complete();
            let known = store.len();
            if known > done {
                let end = known.min(done.saturating_add(MOST));
                return Some((known, (done..end).collect()));
            }
            if is_complete {
                return None;
            }
            // whoever scans for this search alone wakes it at the end
            std::thread::park_timeout(NAP);
        },
    }
}

/// Room to read into, used again and again.
#[derive(Default)]
struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    /// A buffer that grew over this is given back to the system.
    const KEPT_BYTES: usize = 8 << 20;

    fn with<T>(&self, work: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let mut buffer = self.lock().pop().unwrap_or_default();
        let done = work(&mut buffer);
        if buffer.len() <= Self::KEPT_BYTES {
            self.lock().push(buffer);
        }
        done
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the threads of a search share.
struct Shared<'a> {
    store: &'a Store,
    pattern: &'a Pattern,
    sieve: &'a Sieve<'a>,
    buffers: Buffers,
    /// Which side files hold a patch that matches.
    joined: Mutex<HashMap<usize, bool>>,
    cancel: &'a Cancel,
}

impl Shared<'_> {
    /// Searches stretches, with all cores where there is anything to be read.
    fn search_all(&self, mut stretches: Vec<Stretch>) -> Vec<Vec<Answer>> {
        stretches.retain(|stretch| !self.is_ruled_out(stretch));
        if let [alone] = stretches.as_slice() {
            return vec![self.search(alone)];
        }
        if stretches.is_empty() {
            return Vec::new();
        }
        let found = stretches.par_iter().map(|stretch| self.search(stretch));
        found.collect()
    }

    /// Whether a scan has seen that nothing in a stretch can match.
    fn is_ruled_out(&self, stretch: &Stretch) -> bool {
        stretch.is_ruled_out(self.sieve)
            && !self.pattern.prefilter.is_all()
            && !self.may_join_patch(stretch)
    }

    /// Whether a patch that a side file brings may match: it stands in no byte of the record.
    fn may_join_patch(&self, stretch: &Stretch) -> bool {
        let pattern = self.pattern;
        let matches = |patch: &str| pattern.regex.is_match(patch);
        pattern.places.contains(&Place::Patches)
            && stretch.records().next().is_some_and(|first| {
                let joined = &self.joined;
                self.store.may_join_patch(first, joined, &matches)
            })
    }

    fn search(&self, stretch: &Stretch) -> Vec<Answer> {
        if self.cancel.is_cancelled() {
            return Vec::new();
        }
        let candidates = self.candidates(stretch);
        candidates
            .into_iter()
            .filter_map(|ix| self.look(ix))
            .collect()
    }

    /// The records of a stretch that have to be parsed.
    fn candidates(&self, stretch: &Stretch) -> Vec<RecordIx> {
        if self.pattern.prefilter.is_all() || self.may_join_patch(stretch) {
            return stretch.records().collect();
        }
        let sift = |buffer: &mut Vec<u8>| self.store.sift(stretch, buffer, self.sieve);
        self.buffers.with(sift)
    }

    fn look(&self, record: RecordIx) -> Option<Answer> {
        if self.cancel.is_cancelled() {
            return None;
        }
        let found = self.store.load_once(record).map(|trajectory| {
            let hits = self.pattern.hits(&trajectory, self.cancel);
            (trajectory, hits)
        });
        let is_told = found.as_ref().map_or(true, |(_, hits)| !hits.is_empty());
        is_told.then_some(Answer { record, found })
    }
}

#[cfg(test)]
mod tests;
