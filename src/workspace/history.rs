//! The history of a workspace: its files, when they were touched, and each of them at any moment.
//!
//! Moments count the steps that are done: 0 is before the first step, `k + 1` after step `k`.

use std::collections::BTreeSet;
use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::diff::Hunk;
use crate::model::Trajectory;
use crate::workspace::BaseFiles;
use crate::workspace::arena::Arena;
use crate::workspace::compare::changes;
use crate::workspace::rebuild;
use crate::workspace::state::FileState;
use crate::workspace::track::Track;

/// What a step did to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TouchKind {
    /// It looked at it.
    Seen,
    /// A command may have changed it; what it did is not told.
    Perhaps,
    /// It changed it.
    Changed,
    /// It made it.
    Created,
    /// It removed it.
    Deleted,
}

/// A step that has to do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Touch {
    /// The step, from 0.
    pub step: usize,
    /// What it did.
    pub kind: TouchKind,
}

/// What became of a file up to a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// Not touched yet.
    Untouched,
    /// Looked at.
    Seen,
    /// Changed before.
    Changed,
    /// Changed by the very last step.
    ChangedHere,
    /// Made by the agent.
    Created,
    /// Removed.
    Deleted,
}

/// What was told that does not agree with what was known of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Contradiction {
    /// The file.
    pub path: String,
    /// The step that showed it; `None` for the final patch.
    pub step: Option<usize>,
    /// The line, from 1, where it is about one.
    pub line: Option<usize>,
    /// In words.
    pub what: String,
}

/// A file of the workspace.
#[derive(Debug)]
pub struct FileHistory {
    /// Its name: relative to the repository's root, absolute where it lies outside.
    pub path: String,
    /// The steps that touched it, ascending, one row a step.
    pub touches: Vec<Touch>,
    pub(super) track: Track,
}

impl FileHistory {
    /// What became of it up to a moment.
    pub fn kind_at(&self, moment: usize) -> FileKind {
        let after = self.touches.partition_point(|touch| touch.step < moment);
        let upto = self.touches.get(..after).unwrap_or_default();
        let last = upto
            .iter()
            .rev()
            .find(|touch| touch.kind != TouchKind::Seen);
        let was_made = upto.iter().any(|touch| touch.kind == TouchKind::Created);
        match last {
            Some(touch) if touch.kind == TouchKind::Deleted => FileKind::Deleted,
            Some(touch) if touch.step + 1 == moment && touch.kind != TouchKind::Created => {
                FileKind::ChangedHere
            }
            Some(_) if was_made => FileKind::Created,
            Some(_) => FileKind::Changed,
            None if upto.is_empty() => FileKind::Untouched,
            None => FileKind::Seen,
        }
    }

    /// The first and the last step that touched it.
    pub fn span(&self) -> Option<(usize, usize)> {
        Some((self.touches.first()?.step, self.touches.last()?.step))
    }

    pub(super) fn touch(&mut self, step: usize, kind: TouchKind) {
        match self.touches.last_mut().filter(|last| last.step == step) {
            Some(last) => last.kind = last.kind.max(kind),
            None => self.touches.push(Touch { step, kind }),
        }
    }
}

/// Every file that a trajectory names, and all that it tells of them.
#[derive(Debug)]
pub struct History {
    pub(super) files: Vec<FileHistory>,
    pub(super) by_path: HashMap<String, usize>,
    pub(super) arena: Arena,
    pub(super) contradictions: Vec<Contradiction>,
    pub(super) steps: usize,
}

impl History {
    /// Reads a trajectory; its children are not entered. Linear in its texts and in what its edits change. Files of
    /// steps after a cancellation are left as they were then.
    pub fn of(trajectory: &Trajectory, cancel: &Cancel) -> Self {
        Self::with_base(trajectory, None, cancel)
    }

    /// The same with the files of the repository as they were before the first step, which fill in what the trajectory
    /// does not tell. Where it tells otherwise, it is believed, and the repository is not.
    pub fn with_base(
        trajectory: &Trajectory,
        base: Option<&dyn BaseFiles>,
        cancel: &Cancel,
    ) -> Self {
        /// How often files are read again without what turned out not to fit.
        const TRIES: usize = 3;
        let mut distrusted = BTreeSet::new();
        let mut told = Vec::new();
        for attempt in 0..=TRIES {
            let (mut history, misfits) = rebuild::rebuild(trajectory, base, &distrusted, cancel);
            let before = distrusted.len();
            distrusted.extend(misfits.iter().map(|misfit| misfit.path.clone()));
            // what follows from the first is no news
            for misfit in misfits {
                if !told
                    .iter()
                    .any(|found: &Contradiction| found.path == misfit.path)
                {
                    told.push(misfit);
                }
            }
            if distrusted.len() == before || attempt == TRIES || cancel.is_cancelled() {
                told.append(&mut history.contradictions);
                told.sort_by(|a, b| (&a.path, a.step, a.line).cmp(&(&b.path, b.step, b.line)));
                told.dedup();
                history.contradictions = told;
                return history;
            }
        }
        Self::empty(trajectory.steps.len())
    }

    pub(super) fn empty(steps: usize) -> Self {
        Self {
            files: Vec::new(),
            by_path: HashMap::new(),
            arena: Arena::default(),
            contradictions: Vec::new(),
            steps,
        }
    }

    /// The files, by their names.
    pub fn files(&self) -> impl Iterator<Item = &FileHistory> {
        self.files.iter()
    }

    /// How many steps there are: the last moment.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// What was told that does not agree with what was known.
    pub fn contradictions(&self) -> &[Contradiction] {
        &self.contradictions
    }

    /// The file of this name, or the one whose name ends in it, when there is but one.
    pub fn file(&self, path: &str) -> Option<&FileHistory> {
        let path = path.trim_start_matches("./");
        if let Some(ix) = self.by_path.get(path) {
            return self.files.get(*ix);
        }
        let ends = |long: &str, short: &str| {
            long.strip_suffix(short)
                .is_some_and(|front| front.ends_with('/'))
        };
        let mut found = self
            .files
            .iter()
            .filter(|file| ends(&file.path, path) || ends(path, &file.path));
        let file = found.next()?;
        found.next().is_none().then_some(file)
    }

    /// A file at a moment; `None` where no file has the name.
    pub fn file_at(&self, path: &str, moment: usize) -> Option<FileState> {
        let (table, exists) = self.file(path)?.track.at(&self.arena, moment);
        Some(FileState::of(&table, &self.arena, exists))
    }

    /// What changed in a file between two moments.
    pub fn diff(&self, path: &str, from: usize, to: usize, context: usize) -> Option<Vec<Hunk>> {
        let (old, new) = (self.file_at(path, from)?, self.file_at(path, to)?);
        Some(changes(&old, &new, context))
    }

    /// What a step changed in a file.
    pub fn change(&self, path: &str, step: usize, context: usize) -> Option<Vec<Hunk>> {
        self.diff(path, step, step.saturating_add(1), context)
    }

    /// The step that wrote line `number` (from 1) of a file at a moment.
    pub fn blame(&self, path: &str, moment: usize, number: usize) -> Option<usize> {
        self.file_at(path, moment)?.blame(number)
    }
}
