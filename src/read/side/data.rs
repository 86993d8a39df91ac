//! What side files say, by instance id, and joining it to trajectories.
//!
//! A trajectory's own label stands unless a file was given by hand (`--with`). Files that were merely found must
//! agree with each other, else the label stays unknown and a note says who said what. Absent stays absent.

use std::collections::HashMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::ContentHash;
use crate::model::Fault;
use crate::model::Format;
use crate::model::Note;
use crate::model::Outcome;
use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Text;
use crate::model::Trajectory;
use crate::read;
use crate::read::RawRecord;
use crate::read::json;
use crate::read::side::ScoreOf;
use crate::read::side::report;
use crate::read::side::score_row;

/// How far below its own folder a task file that was merely found reaches. Tasks of several data sets share their ids
/// (SWE-bench, its subsets, localisation sets), so that a far one is likely to be another run's.
const TASK_LEVELS: usize = 2;

/// A side file that was joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideFile {
    /// Where it lies.
    pub path: PathBuf,
    /// What it is.
    pub format: Format,
    /// Rows with an id that it holds.
    pub ids: usize,
    /// Lines of a score file that are no scores: torn, without a name, not finite.
    pub unread: usize,
    /// Given by hand: its labels override those of the records.
    pub is_explicit: bool,
    /// The folder of the run that it is about; `None` when it was not found by walking.
    pub scope: Option<PathBuf>,
}

impl SideFile {
    /// Whether it can be about a trajectory of this file, as far as places and names tell.
    fn covers(&self, data: &Path, stem: &str) -> bool {
        if self.is_explicit {
            return true;
        }
        // `other.report.json` is about `other.jsonl`
        let name = self.name();
        let named_after = name.strip_suffix(".report.json");
        let is_in_scope = self.scope.as_ref().is_none_or(|scope| {
            data.strip_prefix(scope).is_ok_and(|below| {
                self.format != Format::Task || below.components().count() <= 1 + TASK_LEVELS
            })
        });
        self.path != data && is_in_scope && named_after.is_none_or(|named| named == stem)
    }

    fn name(&self) -> String {
        self.path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    }
}

#[derive(Debug, Clone, Default)]
struct SideRow {
    file: usize,
    outcome: Outcome,
    cost: Option<f64>,
    task: Option<Task>,
    patch: Option<Text>,
    remarks: Vec<String>,
}

/// What side files say, by instance id.
#[derive(Debug, Clone, Default)]
pub struct SideData {
    files: Vec<SideFile>,
    rows: HashMap<String, Vec<SideRow>>,
    /// Scores by the record's content.
    by_hash: HashMap<ContentHash, Vec<SideRow>>,
}

impl SideData {
    /// Starts a file; the records that follow belong to it.
    pub fn begin_file(&mut self, path: &Path, format: Format, is_explicit: bool) {
        self.files.push(SideFile {
            path: path.to_path_buf(),
            format,
            ids: 0,
            unread: 0,
            is_explicit,
            scope: None,
        });
    }

    /// Says which folder the file that was begun last is about.
    pub fn set_scope(&mut self, scope: PathBuf) {
        if let Some(file) = self.files.last_mut() {
            file.scope = Some(scope);
        }
    }

    /// Adds one record of the file that was begun last. A run report adds a row for each of its ids.
    ///
    /// # Errors
    /// The fault of a record that does not parse; the file's other records can still be added.
    pub fn add(&mut self, raw: RawRecord) -> Result<(), Fault> {
        if raw.source.format == Some(Format::Report) {
            let value = match raw.parts.first() {
                Some(part) => json::parse_lenient(&part.bytes, part.start, &mut Vec::new())?,
                None => return Err(Fault::new("empty: no JSON value")),
            };
            let ids = report::ids_of_run(&value);
            if !ids.is_empty() {
                for (id, is_resolved) in ids {
                    let outcome = Outcome {
                        resolved: Some(is_resolved),
                        ..Outcome::default()
                    };
                    let row = SideRow {
                        outcome,
                        ..SideRow::default()
                    };
                    self.insert(id.to_owned(), row);
                }
                return Ok(());
            }
        }
        let trajectory = read::parse(raw)?;
        if trajectory.source.format.is_some_and(Format::is_side)
            && let Some(id) = trajectory.task_id
        {
            let is_verdict = trajectory.source.format == Some(Format::Verdict);
            let notes = trajectory.notes.into_iter().filter(|_| is_verdict);
            let row = SideRow {
                file: 0,
                outcome: trajectory.outcome,
                cost: trajectory.totals.cost,
                task: trajectory.task,
                patch: trajectory.final_patch,
                remarks: notes.map(|note| note.what).collect(),
            };
            self.insert(id, row);
        }
        Ok(())
    }

    /// Adds a line of a score file, the one that was begun last.
    pub fn add_score(&mut self, line: &[u8]) {
        let Ok((whose, score)) = score_row(line) else {
            if let Some(file) = self.files.last_mut() {
                file.unread += 1;
            }
            return;
        };
        let mut row = SideRow::default();
        row.outcome.reward = Some(score);
        match whose {
            ScoreOf::Id(id) => self.insert(id, row),
            ScoreOf::Content(hash) => {
                let row = self.own(row);
                self.by_hash.entry(hash).or_default().push(row);
            }
        }
    }

    fn insert(&mut self, id: String, row: SideRow) {
        let row = self.own(row);
        self.rows.entry(id).or_default().push(row);
    }

    /// Counts a row as one of the file that was begun last.
    fn own(&mut self, mut row: SideRow) -> SideRow {
        row.file = self.files.len().saturating_sub(1);
        if let Some(file) = self.files.last_mut() {
            file.ids += 1;
        }
        row
    }

    /// The patches that it may bring, in no order.
    pub fn patches(&self) -> impl Iterator<Item = &str> {
        let rows = self.rows.values().flatten();
        rows.filter_map(|row| row.patch.as_deref())
    }

    /// Whether rows are told by the content of the records: then [`apply`] wants to know it.
    pub fn knows_contents(&self) -> bool {
        !self.by_hash.is_empty()
    }

    /// The files, in the order in which they were added.
    pub fn files(&self) -> &[SideFile] {
        &self.files
    }

    /// How many instances, or records told by their content, are known.
    pub fn ids(&self) -> usize {
        self.rows.len() + self.by_hash.len()
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.ids() == 0
    }

    /// Puts the files and rows of `other` after its own.
    pub fn extend(&mut self, other: Self) {
        let shift = self.files.len();
        self.files.extend(other.files);
        let shifted = |rows: Vec<SideRow>| {
            rows.into_iter().map(move |row| SideRow {
                file: row.file + shift,
                ..row
            })
        };
        for (id, rows) in other.rows {
            self.rows.entry(id).or_default().extend(shifted(rows));
        }
        for (hash, rows) in other.by_hash {
            self.by_hash.entry(hash).or_default().extend(shifted(rows));
        }
    }

    /// Places in [`SideData::files`] of those that know the trajectory's instance and can be about it.
    pub fn files_about(&self, trajectory: &Trajectory, hash: Option<ContentHash>) -> Vec<usize> {
        let said = rows_about(&[self], trajectory, hash);
        said.iter().map(|said| said.row.file).collect()
    }

    /// Rows of the instance: the exact id first, then without what producers put behind it.
    fn find(&self, id: &str) -> &[SideRow] {
        let mut rows = names_of(id).filter_map(|name| self.rows.get(name));
        rows.next().map_or(&[], Vec::as_slice)
    }
}

/// The names by which an instance may be known: its id, then that without what producers put behind it.
pub fn names_of(id: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(id), |name| without_suffix(name))
}

/// The id without its last suffix: `_0` (ADP), `.lm_rewrite__<hash>` (SWE-smith tasks), `.<hash>` or `.<hash>_1`
/// (trajectory ids). Other numbers stay: `owner__name-35093_21661` is a Hybrid-Gym instance, not an attempt.
fn without_suffix(id: &str) -> Option<&str> {
    if let Some(head) = id.strip_suffix("_0") {
        return Some(head);
    }
    let (head, tail) = id.rsplit_once('.')?;
    if tail.starts_with("lm_rewrite__") {
        return Some(head);
    }
    let hash = match tail.split_once('_') {
        Some((hash, count)) if count.bytes().all(|b| b.is_ascii_digit()) => hash,
        Some(_) => return None,
        None => tail,
    };
    let is_hash = hash.len() >= 6
        && hash
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    (is_hash && !head.is_empty()).then_some(head)
}

/// A row with the file that said it.
struct Said<'a> {
    row: &'a SideRow,
    file: &'a SideFile,
    /// The file is named after the trajectory's file: `output.report.json` beside `output.jsonl`.
    is_near: bool,
    /// The row names the record's content, not its id.
    is_exact: bool,
}

/// Joins what `sides` say about the trajectory's instance; earlier ones are asked first. `hash` is the record's content,
/// for sides that [`SideData::knows_contents`]. Returns whether any file knows the instance.
pub fn apply(sides: &[&SideData], trajectory: &mut Trajectory, hash: Option<ContentHash>) -> bool {
    let said = rows_about(sides, trajectory, hash);
    if said.is_empty() {
        return false;
    }
    let mut notes = Vec::new();
    join_label(&said, trajectory, &mut notes);
    join_reward(&said, trajectory, &mut notes);
    for Said { row, .. } in &said {
        let outcome = &mut trajectory.outcome;
        fill(&mut outcome.exit_status, row.outcome.exit_status.as_ref());
        fill(&mut outcome.error, row.outcome.error.as_ref());
        fill(&mut trajectory.totals.cost, row.cost.as_ref());
        if let Some(task) = &row.task {
            join_task(trajectory, task);
        }
    }
    if trajectory.final_patch.is_none() {
        trajectory.final_patch = agreed_patch(&said);
    }
    for Said { row, file, .. } in &said {
        let remarks = row.remarks.iter();
        notes.extend(remarks.map(|remark| format!("{}: {remark}", file.name())));
    }
    trajectory.notes.extend(notes.into_iter().map(Note::new));
    true
}

fn rows_about<'a>(
    sides: &[&'a SideData],
    trajectory: &Trajectory,
    hash: Option<ContentHash>,
) -> Vec<Said<'a>> {
    let stem = stem_of(&trajectory.source.path);
    let mut names: Vec<&str> = Vec::new();
    for name in [trajectory.task_id.as_deref(), Some(trajectory.id.as_str())] {
        names.extend(name.filter(|name| !name.is_empty()));
    }
    let mut said = Vec::new();
    for side in sides {
        let rows = names
            .iter()
            .map(|name| side.find(name))
            .find(|rows| !rows.is_empty());
        let exact = hash.and_then(|hash| side.by_hash.get(&hash));
        let exact = exact.into_iter().flatten().map(|row| (row, true));
        let by_id = rows.unwrap_or_default().iter().map(|row| (row, false));
        for (row, is_exact) in exact.chain(by_id) {
            let Some(file) = side.files.get(row.file) else {
                continue;
            };
            if file.covers(&trajectory.source.path, &stem) {
                said.push(Said {
                    row,
                    file,
                    is_near: file.name().starts_with(&stem),
                    is_exact,
                });
            }
        }
    }
    // stable: within the same rank, the order in which the files were given
    said.sort_by_key(|said| (!said.file.is_explicit, !said.is_exact, !said.is_near));
    said
}

/// The file's name up to its first dot.
fn stem_of(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.and_then(|name| name.split('.').next().map(str::to_owned))
        .unwrap_or_default()
}

fn join_label(said: &[Said<'_>], trajectory: &mut Trajectory, notes: &mut Vec<String>) {
    let outcome = &mut trajectory.outcome;
    let by_hand = said
        .iter()
        .find(|s| s.file.is_explicit && s.row.outcome.resolved.is_some());
    if let Some(Said { row, file, .. }) = by_hand {
        outcome.resolved = row.outcome.resolved;
        outcome.label_source = Some(file.name());
        return;
    }
    if outcome.resolved.is_some() {
        return;
    }
    let labels: Vec<&Said<'_>> = said
        .iter()
        .filter(|s| s.row.outcome.resolved.is_some())
        .collect();
    let near: Vec<&Said<'_>> = labels.iter().copied().filter(|s| s.is_near).collect();
    let labels = if near.is_empty() { labels } else { near };
    if let Some(first) = labels.first() {
        let other = labels
            .iter()
            .find(|s| s.row.outcome.resolved != first.row.outcome.resolved);
        if let Some(other) = other {
            notes.push(format!(
                "reports disagree about resolved: {} and {}",
                first.file.name(),
                other.file.name()
            ));
        } else {
            outcome.resolved = first.row.outcome.resolved;
            outcome.label_source = Some(first.file.name());
        }
    }
}

/// The reward of the first file that knows one. One that was given by hand overrides the record's own, unless its rows
/// for this record disagree: whose scores they are is not known then.
fn join_reward(said: &[Said<'_>], trajectory: &mut Trajectory, notes: &mut Vec<String>) {
    let outcome = &mut trajectory.outcome;
    let mut graded = said.iter().filter(|s| s.row.outcome.reward.is_some());
    let Some(first) = graded.next() else {
        return;
    };
    if outcome.reward.is_some() && !first.file.is_explicit {
        return;
    }
    let of_it: Vec<&Said<'_>> = graded
        .filter(|s| s.row.file == first.row.file && s.is_exact == first.is_exact)
        .filter(|s| s.file.path == first.file.path)
        .collect();
    let is_torn = of_it
        .iter()
        .any(|s| s.row.outcome.reward != first.row.outcome.reward);
    if is_torn {
        let (count, name) = (of_it.len() + 1, first.file.name());
        notes.push(if first.is_exact {
            format!("{count} rows of {name} name this record with different scores")
        } else {
            format!(
                "{count} rows of {name} name this id with different scores; rows with `sha256` tell attempts apart"
            )
        });
        return;
    }
    outcome.reward = first.row.outcome.reward;
    outcome
        .label_source
        .get_or_insert_with(|| first.file.name());
}

fn join_task(trajectory: &mut Trajectory, from: &Task) {
    let task = trajectory.task.get_or_insert_with(Task::default);
    if task.kind == TaskKind::Other {
        task.kind = from.kind;
    }
    fill(&mut task.id, from.id.as_ref());
    fill(&mut task.repo, from.repo.as_ref());
    fill(&mut task.base_commit, from.base_commit.as_ref());
    fill(&mut task.statement, from.statement.as_ref());
    fill(&mut task.gold_patch, from.gold_patch.as_ref());
    fill::<Arc<_>>(&mut task.instance, from.instance.as_ref());
    fill(&mut trajectory.task_id, from.id.as_ref());
}

/// The patch of the predictions, where all of the same rank have the same one.
fn agreed_patch(said: &[Said<'_>]) -> Option<Text> {
    let mut patches = said
        .iter()
        .filter_map(|s| Some((s.file.is_explicit, s.is_near, s.row.patch.as_ref()?)));
    let (is_explicit, is_near, first) = patches.next()?;
    let is_agreed = patches
        .filter(|(explicit, near, _)| (*explicit, *near) == (is_explicit, is_near))
        .all(|(_, _, patch)| patch == first);
    is_agreed.then(|| first.clone())
}

fn fill<T: Clone>(place: &mut Option<T>, from: Option<&T>) {
    if place.is_none() {
        *place = from.cloned();
    }
}
