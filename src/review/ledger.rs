//! All decisions of a place: the fold of every reviewer's journal, by the content of the records.
//!
//! Lines are facts that add up in any order: a line that is read twice counts once, an undo that is read before what it
//! takes back takes it back all the same. So merging is concatenating, and reading a journal again that has grown costs
//! what was added. A line that is applied costs the events of one record at most.

mod pieces;

use std::collections::HashMap;
use std::collections::HashSet;
use std::fs::File;
use std::io::ErrorKind;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::path::Path;
use std::path::PathBuf;

use crate::model::ContentHash;
use crate::model::Text;
use crate::review::Change;
use crate::review::Event;
use crate::review::Line;
use crate::review::Moment;
use crate::review::Place;
use crate::review::RecordRef;
use crate::review::State;
use crate::review::ledger::pieces::Grown;
use crate::review::ledger::pieces::Odd;
use crate::review::ledger::pieces::Piece;
use crate::review::place;

/// What was passed over in a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TroubleKind {
    /// The last line is incomplete: a crash, or somebody is writing it right now.
    Torn,
    /// Behind half a line stood a whole one, which was read.
    Joined,
    /// Lines of this later version; a later hgview reads them.
    Future(u64),
    /// Lines that are something else; why the first of them is.
    Foreign(String),
    /// The file cannot be read, and why.
    Unreadable(String),
}

/// What was passed over in a journal; everything stays in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The journal.
    pub file: PathBuf,
    /// What it is.
    pub kind: TroubleKind,
    /// The first of the lines, from 1; at most [`Trouble::LISTED`].
    pub lines: Vec<usize>,
    /// How many lines there are.
    pub count: usize,
}

impl Trouble {
    /// How many line numbers are kept.
    pub const LISTED: usize = 20;
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(first) = self.lines.first() {
            write!(f, ":{first}")?;
        }
        match &self.kind {
            TroubleKind::Torn => write!(f, ": the last line is torn"),
            TroubleKind::Joined => write!(f, ": a line begins with the remains of a torn one"),
            TroubleKind::Future(v) => write!(f, ": a line of version {v}, for a later hgview"),
            TroubleKind::Foreign(why) => write!(f, ": no decision: {why}"),
            TroubleKind::Unreadable(why) => write!(f, ": cannot be read: {why}"),
        }?;
        match self.count {
            0 | 1 => Ok(()),
            count => write!(f, " (and {} more lines)", count - 1),
        }
    }
}

/// A decision on a record that has since been made anew: shown, and not inherited.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stale<'a> {
    /// Who decided.
    pub reviewer: &'a Text,
    /// The record as it was.
    pub record: &'a RecordRef,
    /// What was said of it.
    pub state: &'a State,
}

/// All decisions of a place.
#[derive(Debug, Default)]
pub struct Ledger {
    records: Vec<Record>,
    by_hash: HashMap<ContentHash, u32>,
    /// Records by id and whole path.
    by_name: HashMap<(Text, Text), Vec<u32>>,
    ids: HashSet<Text>,
    tracks: Vec<Track>,
    track_of: HashMap<(u32, u32), u32>,
    reviewers: Vec<Reviewer>,
    by_reviewer: HashMap<Text, u32>,
    dirty: Vec<u32>,
    sources: HashMap<PathBuf, Source>,
    texts: HashSet<Text>,
    last_named: Option<Names>,
    troubles: Vec<Trouble>,
}

/// The path of a record as its journal's folder has it, and the whole one.
#[derive(Debug)]
struct Names {
    dir: PathBuf,
    path: Text,
    whole: Text,
}

#[derive(Debug)]
struct Record {
    reference: RecordRef,
    tracks: Vec<u32>,
}

/// What one reviewer did to one record.
#[derive(Debug)]
struct Track {
    record: u32,
    reviewer: u32,
    /// By moment, each once.
    events: Vec<Done>,
    state: State,
    is_dirty: bool,
}

#[derive(Debug)]
struct Done {
    at: Moment,
    is_active: bool,
    change: Change,
}

#[derive(Debug)]
struct Reviewer {
    name: Text,
    groups: HashMap<Moment, Group>,
    /// What can be taken back, the last at the end; may hold groups that are no longer active.
    undo: Vec<Moment>,
    /// What can be done again, the last at the end; may hold groups that are active again.
    redo: Vec<Moment>,
    decided: usize,
    last_at: Option<Moment>,
}

/// Everything that a reviewer did at one moment.
#[derive(Debug)]
struct Group {
    tracks: Vec<u32>,
    is_active: bool,
    /// When it was last undone or redone.
    turned_at: Option<Moment>,
    is_own: bool,
    /// All that was done is that a reason was given.
    is_reason: bool,
}

/// How far a journal was read.
#[derive(Debug, Default, Clone, Copy)]
struct Source {
    bytes: u64,
    lines: usize,
}

impl Ledger {
    /// Reads all journals of a place. What cannot be read is in [`Ledger::troubles`].
    pub fn load(place: &Place) -> Self {
        let mut ledger = Self::default();
        ledger.refresh(place);
        ledger
    }

    /// Reads what has been added to the journals since, also by others, and folders that the place has got since. Returns
    /// whether anything was new.
    pub fn refresh(&mut self, place: &Place) -> bool {
        self.troubles.retain(|trouble| {
            !matches!(trouble.kind, TroubleKind::Torn | TroubleKind::Unreadable(_))
        });
        let mut grown: Vec<Grown> = Vec::new();
        for dir in place.reads() {
            for file in self.journals(dir) {
                grown.extend(self.read_file(file, dir, place.is_own(dir)));
            }
        }
        let (mut pieces, mut odd) = (Vec::new(), Vec::new());
        for (ix, file) in grown.iter().enumerate() {
            let (bytes, lines) = pieces::cut(ix, file, &mut pieces, &mut odd);
            let source = self.sources.entry(file.path.clone()).or_default();
            source.bytes += bytes as u64;
            source.lines += lines;
        }
        // by time, so that undo finds what was last, whatever the order of files
        pieces.sort_by_key(|piece| piece.at);
        let is_new = self.take_pieces(&mut pieces, &grown, &mut odd);
        odd.sort_by_key(|odd| (odd.file, odd.number));
        for odd in odd {
            if let Some(file) = grown.get(odd.file) {
                self.trouble(&file.path, odd.kind, Some(odd.number));
            }
        }
        self.refold();
        is_new
    }

    /// Takes in a line that the caller made, saved or not. Reading it again later changes nothing.
    pub fn apply(&mut self, line: &Line, place: &Place) {
        self.take(line.clone(), place.dir(), true);
        self.refold();
    }

    /// What a reviewer says of a record; `None` when never anything.
    pub fn state(&self, record: ContentHash, reviewer: &str) -> Option<&State> {
        let key = (
            *self.by_hash.get(&record)?,
            *self.by_reviewer.get(reviewer)?,
        );
        let track = self.tracks.get(*self.track_of.get(&key)? as usize)?;
        Some(&track.state)
    }

    /// What everybody says of a record, in the order in which they first spoke; empty states left out.
    pub fn states(&self, record: ContentHash) -> impl Iterator<Item = (&Text, &State)> {
        let record = self
            .by_hash
            .get(&record)
            .and_then(|ix| self.records.get(*ix as usize));
        let tracks = record
            .map(|record| record.tracks.as_slice())
            .unwrap_or_default();
        tracks.iter().filter_map(|ix| {
            let track = self
                .tracks
                .get(*ix as usize)
                .filter(|track| !track.state.is_empty())?;
            Some((
                &self.reviewers.get(track.reviewer as usize)?.name,
                &track.state,
            ))
        })
    }

    /// Whether the reviewer has decided on the record, a skip included.
    pub fn is_decided(&self, record: ContentHash, reviewer: &str) -> bool {
        self.state(record, reviewer).is_some_and(State::is_decided)
    }

    /// How many records the reviewer has decided on, those of other data of the same place included.
    pub fn decided(&self, reviewer: &str) -> usize {
        self.reviewer(reviewer)
            .map_or(0, |reviewer| reviewer.decided)
    }

    /// All records that anybody said anything about, in the order in which they came up.
    pub fn records(&self) -> impl Iterator<Item = &RecordRef> {
        self.records.iter().map(|record| &record.reference)
    }

    /// Whether anybody said anything about a record of this id.
    pub fn knows_id(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// All reviewers, by name.
    pub fn reviewers(&self) -> Vec<&Text> {
        let mut names: Vec<&Text> = self
            .reviewers
            .iter()
            .map(|reviewer| &reviewer.name)
            .collect();
        names.sort();
        names
    }

    /// Decisions on what this record was before it was made anew: same id, file and place there, other content. A record
    /// that `is_present` elsewhere in the data was merely moved, and is not what this one was. `is_only` says that no
    /// other record of the data has this id; then the place in the file does not matter. Empty when the record itself
    /// was decided on.
    pub fn stale<'a>(
        &'a self,
        record: &RecordRef,
        place: &Place,
        is_only: bool,
        is_present: impl Fn(ContentHash) -> bool,
    ) -> Vec<Stale<'a>> {
        if self.states(record.sha256).next().is_some() {
            return Vec::new();
        }
        let key = (record.id.clone(), whole_name(place.dir(), &record.path));
        let named = self
            .by_name
            .get(&key)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let mut found = Vec::new();
        for other in named.iter().filter_map(|ix| self.records.get(*ix as usize)) {
            let reference = &other.reference;
            let is_same_place = is_only || reference.nth == record.nth;
            if reference.sha256 == record.sha256 || !is_same_place || is_present(reference.sha256) {
                continue;
            }
            found.extend(
                self.states(reference.sha256)
                    .map(|(reviewer, state)| Stale {
                        reviewer,
                        record: reference,
                        state,
                    }),
            );
        }
        found
    }

    /// When the reviewer last did anything.
    pub fn last_at(&self, reviewer: &str) -> Option<Moment> {
        self.reviewer(reviewer)?.last_at
    }

    /// What undo would take back: what the reviewer did last here and has not taken back.
    pub fn undoable(&self, reviewer: &str) -> Option<Moment> {
        self.reviewer(reviewer)?.undo.last().copied()
    }

    /// What redo would do again: what was last taken back, until something else is done.
    pub fn redoable(&self, reviewer: &str) -> Option<Moment> {
        self.reviewer(reviewer)?.redo.last().copied()
    }

    /// Whether what the reviewer did at `reason` gave a reason, and nothing else, to just the records that were changed `to`
    /// that end before: to the one who did it both are one.
    pub fn adds_reason(&self, reviewer: &str, to: Moment, reason: Moment) -> bool {
        let groups = self.reviewer(reviewer).map(|reviewer| &reviewer.groups);
        let group = |moment| groups.and_then(|groups| groups.get(&moment));
        let (Some(before), Some(after)) = (group(to), group(reason)) else {
            return false;
        };
        to < reason && after.is_reason && before.tracks == after.tracks
    }

    /// The records that were changed at a moment: what undo and redo are about.
    pub fn changed_at(&self, reviewer: &str, moment: Moment) -> Vec<&RecordRef> {
        let group = self
            .reviewer(reviewer)
            .and_then(|reviewer| reviewer.groups.get(&moment));
        let tracks = group
            .map(|group| group.tracks.as_slice())
            .unwrap_or_default();
        let of_track = |ix: &u32| {
            let track = self.tracks.get(*ix as usize)?;
            Some(&self.records.get(track.record as usize)?.reference)
        };
        tracks.iter().filter_map(of_track).collect()
    }

    /// What was passed over, for a message.
    pub fn troubles(&self) -> &[Trouble] {
        &self.troubles
    }

    fn reviewer(&self, name: &str) -> Option<&Reviewer> {
        self.reviewers.get(*self.by_reviewer.get(name)? as usize)
    }

    /// The journals of a folder, by name.
    fn journals(&mut self, dir: &Path) -> Vec<PathBuf> {
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(err) if matches!(err.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Vec::new();
            }
            Err(err) => {
                self.trouble(dir, TroubleKind::Unreadable(err.to_string()), None);
                return Vec::new();
            }
        };
        let is_journal = |path: &PathBuf| {
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            let rest = name
                .as_deref()
                .and_then(|name| name.strip_prefix("decisions."));
            rest.is_some_and(|rest| rest.strip_suffix(".jsonl").is_some())
        };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let mut found: Vec<PathBuf> = paths.filter(is_journal).collect();
        found.sort();
        found
    }

    /// Reads what a file has more than before.
    fn read_file(&mut self, path: PathBuf, dir: &Path, is_own: bool) -> Option<Grown> {
        let mut source = self.sources.get(&path).copied().unwrap_or_default();
        match read_behind(&path, &mut source) {
            Ok(bytes) => {
                self.sources.insert(path.clone(), source);
                Some(Grown {
                    path,
                    dir: dir.into(),
                    is_own,
                    bytes,
                    lines: source.lines,
                })
            }
            Err(err) => {
                self.trouble(&path, TroubleKind::Unreadable(err.to_string()), None);
                None
            }
        }
    }

    /// Takes lines in, some thousands at a time: while they are taken in the next are parsed.
    fn take_pieces(
        &mut self,
        pieces: &mut [Piece<'_>],
        files: &[Grown],
        odd: &mut Vec<Odd>,
    ) -> bool {
        const AT_ONCE: usize = 1 << 15;
        let mut is_new = false;
        let mut parsed: Vec<Vec<(usize, Result<Line, Odd>)>> = Vec::new();
        for block in pieces.chunks_mut(AT_ONCE).map(Some).chain([None]) {
            let ready = std::mem::take(&mut parsed);
            let take = || {
                for (file, line) in ready.into_iter().flatten() {
                    match (line, files.get(file)) {
                        (Ok(line), Some(file)) => {
                            is_new |= self.take(line, &file.dir, file.is_own);
                        }
                        (Ok(_), None) => {}
                        (Err(wrong), _) => odd.push(wrong),
                    }
                }
            };
            ((), parsed) = rayon::join(take, || block.map(pieces::parse).unwrap_or_default());
        }
        is_new
    }

    /// Counts a trouble; the first of a kind in a file says why.
    fn trouble(&mut self, file: &Path, kind: TroubleKind, line: Option<usize>) {
        let same = |other: &TroubleKind| match (other, &kind) {
            (TroubleKind::Foreign(_), TroubleKind::Foreign(_)) => true,
            (a, b) => a == b,
        };
        let known = self.troubles.iter_mut().rev();
        let mut known = known
            .take_while(|trouble| trouble.file == file)
            .filter(|trouble| same(&trouble.kind));
        if let Some(trouble) = known.next() {
            trouble.count += 1;
            if trouble.lines.len() < Trouble::LISTED {
                trouble.lines.extend(line);
            }
            return;
        }
        self.troubles.push(Trouble {
            file: file.to_path_buf(),
            kind,
            lines: line.into_iter().collect(),
            count: 1,
        });
    }

    /// Takes a line in; `false` when it was known.
    fn take(&mut self, line: Line, dir: &Path, is_own: bool) -> bool {
        let reviewer = self.reviewer_ix(&line.reviewer);
        match line.event {
            Event::Change { record, change } => {
                let track = self.track_ix(record, dir, reviewer);
                self.change(track, line.at, change, is_own)
            }
            Event::Undo(moment) => self.turn(reviewer, line.at, moment, false),
            Event::Redo(moment) => self.turn(reviewer, line.at, moment, true),
        }
    }

    fn reviewer_ix(&mut self, name: &Text) -> u32 {
        if let Some(ix) = self.by_reviewer.get(name) {
            return *ix;
        }
        let ix = narrow(self.reviewers.len());
        self.by_reviewer.insert(name.clone(), ix);
        self.reviewers.push(Reviewer {
            name: name.clone(),
            groups: HashMap::new(),
            undo: Vec::new(),
            redo: Vec::new(),
            decided: 0,
            last_at: None,
        });
        ix
    }

    fn track_ix(&mut self, reference: RecordRef, dir: &Path, reviewer: u32) -> u32 {
        let record = match self.by_hash.get(&reference.sha256) {
            Some(ix) => *ix,
            None => self.add_record(reference, dir),
        };
        if let Some(ix) = self.track_of.get(&(record, reviewer)) {
            return *ix;
        }
        let ix = narrow(self.tracks.len());
        self.track_of.insert((record, reviewer), ix);
        if let Some(record) = self.records.get_mut(record as usize) {
            record.tracks.push(ix);
        }
        self.tracks.push(Track {
            record,
            reviewer,
            events: Vec::new(),
            state: State::default(),
            is_dirty: false,
        });
        ix
    }

    fn add_record(&mut self, reference: RecordRef, dir: &Path) -> u32 {
        let ix = narrow(self.records.len());
        let (path, whole) = self.names(&reference.path, dir);
        self.by_hash.insert(reference.sha256, ix);
        self.ids.insert(reference.id.clone());
        self.by_name
            .entry((reference.id.clone(), whole))
            .or_default()
            .push(ix);
        self.records.push(Record {
            reference: RecordRef { path, ..reference },
            tracks: Vec::new(),
        });
        ix
    }

    /// A path and its whole form, kept once. Records of one file mostly follow each other.
    fn names(&mut self, path: &Text, dir: &Path) -> (Text, Text) {
        if let Some(last) = &self.last_named
            && last.path == *path
            && last.dir.as_os_str() == dir.as_os_str()
        {
            return (last.path.clone(), last.whole.clone());
        }
        let path = self.interned(path);
        let whole = self.interned(&whole_name(dir, &path));
        self.last_named = Some(Names {
            dir: dir.to_path_buf(),
            path: path.clone(),
            whole: whole.clone(),
        });
        (path, whole)
    }

    /// The same text, kept once: reasons and paths repeat.
    fn interned(&mut self, text: &Text) -> Text {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        self.texts.insert(text.clone());
        text.clone()
    }

    fn change(&mut self, track_ix: u32, at: Moment, mut change: Change, is_own: bool) -> bool {
        if let crate::review::Field::Set(reason) = &mut change.reason {
            *reason = self.interned(reason);
        }
        let Some(track) = self.tracks.get_mut(track_ix as usize) else {
            return false;
        };
        let Err(place) = track.events.binary_search_by_key(&at, |done| done.at) else {
            return false;
        };
        let Some(reviewer) = self.reviewers.get_mut(track.reviewer as usize) else {
            return false;
        };
        let group = reviewer
            .groups
            .entry(at)
            .or_insert_with(|| Group::new(is_own));
        if group.tracks.is_empty() && group.is_active && is_own {
            reviewer.undo.push(at);
            reviewer.redo.clear();
        }
        group.is_own |= is_own;
        group.is_reason &= change.is_reason();
        group.tracks.push(track_ix);
        reviewer.last_at = reviewer.last_at.max(Some(at));
        let is_active = group.is_active;
        let is_last = place == track.events.len();
        if is_last && is_active && !track.is_dirty {
            let before = track.state.is_decided();
            track.state.apply(at, &change);
            reviewer.count(before, track.state.is_decided());
        } else {
            mark(&mut self.dirty, track, track_ix);
        }
        if track.events.is_empty() {
            // most records are decided on once
            track.events.reserve_exact(1);
        }
        track.events.insert(
            place,
            Done {
                at,
                is_active,
                change,
            },
        );
        true
    }

    /// Undoes or redoes everything of a moment. The latest word counts, in whatever order the words come.
    fn turn(&mut self, reviewer: u32, at: Moment, moment: Moment, is_active: bool) -> bool {
        let Some(reviewer) = self.reviewers.get_mut(reviewer as usize) else {
            return false;
        };
        reviewer.last_at = reviewer.last_at.max(Some(at));
        let group = reviewer
            .groups
            .entry(moment)
            .or_insert_with(|| Group::new(false));
        if group.turned_at >= Some(at) {
            return false;
        }
        group.turned_at = Some(at);
        if group.is_active == is_active {
            return true;
        }
        group.is_active = is_active;
        for ix in &group.tracks {
            let Some(track) = self.tracks.get_mut(*ix as usize) else {
                continue;
            };
            if let Ok(place) = track.events.binary_search_by_key(&moment, |done| done.at)
                && let Some(done) = track.events.get_mut(place)
            {
                done.is_active = is_active;
            }
            mark(&mut self.dirty, track, *ix);
        }
        if group.is_own {
            let stack = if is_active {
                &mut reviewer.undo
            } else {
                &mut reviewer.redo
            };
            stack.push(moment);
        }
        reviewer.trim();
        true
    }

    /// Folds the tracks again that changed other than at their end.
    fn refold(&mut self) {
        for ix in std::mem::take(&mut self.dirty) {
            let Some(track) = self.tracks.get_mut(ix as usize) else {
                continue;
            };
            let before = track.state.is_decided();
            let mut state = State::default();
            for done in &track.events {
                if done.is_active {
                    state.apply(done.at, &done.change);
                } else {
                    state.add_time(&done.change);
                }
            }
            track.state = state;
            track.is_dirty = false;
            let after = track.state.is_decided();
            if let Some(reviewer) = self.reviewers.get_mut(track.reviewer as usize) {
                reviewer.count(before, after);
            }
        }
    }
}

impl Group {
    fn new(is_own: bool) -> Self {
        Self {
            tracks: Vec::new(),
            is_active: true,
            turned_at: None,
            is_own,
            is_reason: true,
        }
    }
}

impl Reviewer {
    fn count(&mut self, before: bool, after: bool) {
        self.decided += usize::from(after);
        self.decided -= usize::from(before);
    }

    /// Takes from the ends of the stacks what is no longer to be undone or redone.
    fn trim(&mut self) {
        let is_active =
            |moment: &Moment| self.groups.get(moment).is_some_and(|group| group.is_active);
        while self.undo.last().is_some_and(|moment| !is_active(moment)) {
            self.undo.pop();
        }
        while self.redo.last().is_some_and(is_active) {
            self.redo.pop();
        }
    }
}

fn mark(dirty: &mut Vec<u32>, track: &mut Track, ix: u32) {
    if !track.is_dirty {
        track.is_dirty = true;
        dirty.push(ix);
    }
}

/// The bytes behind those that were read; from the start again when the file has become shorter.
fn read_behind(file: &Path, source: &mut Source) -> std::io::Result<Vec<u8>> {
    // opening a pipe would wait for somebody to write into it
    if !std::fs::metadata(file)?.is_file() {
        return Err(std::io::Error::other("not a file"));
    }
    let mut opened = File::open(file)?;
    let len = opened.metadata()?.len();
    if len < source.bytes {
        *source = Source::default();
    }
    opened.seek(SeekFrom::Start(source.bytes))?;
    let mut bytes = Vec::with_capacity(usize::try_from(len - source.bytes).unwrap_or(0));
    opened.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn whole_name(dir: &Path, path: &str) -> Text {
    place::whole_path(dir, path).to_string_lossy().into()
}

/// Indexes are kept in 32 bits: 4 billion lines do not fit into memory anyway.
fn narrow(ix: usize) -> u32 {
    u32::try_from(ix).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
