//! Reads a trajectory from the first step to the last and makes the history of its files.

mod apply;

use std::collections::BTreeSet;
use std::collections::HashMap;

use crate::cancel::Cancel;
use crate::diff::DiffTag;
use crate::model::Action;
use crate::model::ActionClass;
use crate::model::Edit;
use crate::model::EditOp;
use crate::model::Text;
use crate::model::Trajectory;
use crate::patch::FilePatch;
use crate::patch::PatchKind;
use crate::patch::parse_patch;
use crate::read::understand;
use crate::workspace::BaseFiles;
use crate::workspace::arena::LineText;
use crate::workspace::arena::Proof;
use crate::workspace::arena::lines_of;
use crate::workspace::evidence;
use crate::workspace::evidence::Shown;
use crate::workspace::history::Contradiction;
use crate::workspace::history::FileHistory;
use crate::workspace::history::History;
use crate::workspace::history::TouchKind;
use crate::workspace::names::Names;
use crate::workspace::reach::Reach;
use crate::workspace::reach::reach;
use crate::workspace::track::Mismatch;
use crate::workspace::track::Track;

/// More files than this are not kept apart; no trajectory touches so many.
const MAX_FILES: usize = 1 << 15;

/// The files that an action names.
#[derive(Debug, Default)]
struct Named {
    view: Option<usize>,
    /// By edit: the file, and the one it becomes.
    edits: Vec<(Option<usize>, Option<usize>)>,
}

struct Rebuild<'a> {
    trajectory: &'a Trajectory,
    names: Names,
    history: History,
    /// Files by their names without folders.
    by_name: HashMap<String, Vec<usize>>,
    /// Steps with an action that may have changed anything.
    movers: BTreeSet<usize>,
    /// What did not agree with the patch or the repository.
    misfits: Vec<Contradiction>,
}

/// Makes the history. What the patch and the repository say of the files in `distrusted` is not used; a file about which
/// they do not agree with the trajectory is told beside the history.
pub(super) fn rebuild(
    trajectory: &Trajectory,
    base: Option<&dyn BaseFiles>,
    distrusted: &BTreeSet<String>,
    cancel: &Cancel,
) -> (History, Vec<Contradiction>) {
    let patch = trajectory
        .final_patch
        .as_deref()
        .map(parse_patch)
        .unwrap_or_default();
    let mut work = Rebuild {
        trajectory,
        names: Names::of(trajectory, &patch),
        history: History::empty(trajectory.steps.len()),
        by_name: HashMap::new(),
        movers: BTreeSet::new(),
        misfits: Vec::new(),
    };
    let named = work.name_all(&patch);
    work.seed(&patch, base, distrusted);
    work.names = Names::of(trajectory, &patch);
    let mut nth = named.iter();
    for (step, actions) in trajectory
        .steps
        .iter()
        .map(|step| &step.actions)
        .enumerate()
    {
        if cancel.is_cancelled() {
            return (work.history, Vec::new());
        }
        for action in actions {
            if let Some(named) = nth.next() {
                work.act(step, action, named);
            }
            work.names.follow(action);
        }
    }
    work.end(&patch, distrusted);
    let history = &mut work.history;
    history.files.retain(|file| !file.touches.is_empty());
    history.files.sort_by(|a, b| a.path.cmp(&b.path));
    let by_path = history.files.iter().enumerate();
    history.by_path = by_path.map(|(ix, file)| (file.path.clone(), ix)).collect();
    (work.history, work.misfits)
}

impl Rebuild<'_> {
    /// Gives every file that is named anywhere its place, so that what happens before it is named reaches it, too.
    fn name_all(&mut self, patch: &[FilePatch]) -> Vec<Named> {
        let mut all = Vec::new();
        let trajectory = self.trajectory;
        for action in trajectory.steps.iter().flat_map(|step| &step.actions) {
            let mut named = Named::default();
            let view = action.view.as_ref().filter(|view| view.text.is_some());
            named.view = view.and_then(|view| self.file_of(&view.path, action));
            for edit in &action.edits {
                let file = self.file_of(&edit.path, action);
                let moved = edit
                    .moved_to
                    .as_ref()
                    .and_then(|path| self.file_of(path, action));
                named.edits.push((file, moved));
            }
            all.push(named);
            self.names.follow(action);
        }
        for path in patch
            .iter()
            .flat_map(|file| [&file.old_path, &file.new_path])
            .flatten()
        {
            if let Some(name) = self.names.in_repository(path) {
                self.place(name);
            }
        }
        all
    }

    fn file_of(&mut self, path: &str, action: &Action) -> Option<usize> {
        let name = self.names.resolve(path, action)?;
        self.place(name)
    }

    fn place(&mut self, path: String) -> Option<usize> {
        if let Some(ix) = self.history.by_path.get(&path) {
            return Some(*ix);
        }
        let ix = self.history.files.len();
        if ix >= MAX_FILES {
            return None;
        }
        let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
        self.by_name.entry(name).or_default().push(ix);
        self.history.by_path.insert(path.clone(), ix);
        let track = Track::new(&mut self.history.arena);
        self.history.files.push(FileHistory {
            path,
            touches: Vec::new(),
            track,
        });
        Some(ix)
    }

    /// What repository and patch say of the files before the first step.
    fn seed(
        &mut self,
        patch: &[FilePatch],
        base: Option<&dyn BaseFiles>,
        distrusted: &BTreeSet<String>,
    ) {
        let history = &mut self.history;
        for file in &mut history.files {
            let is_inside = !file.path.starts_with(['/', '~']);
            let Some(base) = base.filter(|_| is_inside && !distrusted.contains(&file.path)) else {
                continue;
            };
            match base.base_file(&file.path) {
                Ok(Some(text)) => {
                    let shown = whole(&text);
                    // nothing is known yet that it could contradict
                    let _agrees = file.track.learn(&mut history.arena, 0, &shown, Proof::Base);
                    file.track.set_exists(true);
                }
                Ok(None) => file.track.set_exists(false),
                Err(_) => {}
            }
        }
        for part in patch {
            let named = part.old_path.as_ref().or(part.new_path.as_ref());
            let name = named.and_then(|named| self.names.in_repository(named));
            let Some(name) = name.filter(|name| !distrusted.contains(name)) else {
                continue;
            };
            let Some(file) = self.history.by_path.get(&name).copied() else {
                continue;
            };
            let track = match self.history.files.get_mut(file) {
                Some(file) => &mut file.track,
                None => continue,
            };
            if part.kind == PatchKind::Added {
                track.set_exists(false);
                continue;
            }
            let mut misfit = None;
            for shown in side(part, DiffTag::Added) {
                let result = track.learn(&mut self.history.arena, 0, &shown, Proof::Patch);
                misfit = misfit.or(result.err());
            }
            if let Some(misfit) = misfit {
                self.misfits.push(Contradiction {
                    path: name,
                    step: None,
                    line: Some(misfit.line + 1),
                    what: "the final patch was not made from the repository's file".to_owned(),
                });
            }
        }
    }

    /// What the final patch says of the files after the last step.
    fn end(&mut self, patch: &[FilePatch], distrusted: &BTreeSet<String>) {
        let last = self.trajectory.steps.len();
        for part in patch {
            let Some(name) = self.names.in_repository(part.path()) else {
                continue;
            };
            let Some(file) = self.history.by_path.get(&name).copied() else {
                continue;
            };
            if distrusted.contains(&name) {
                continue;
            }
            if part.kind == PatchKind::Deleted {
                if let Some(file) = self.history.files.get_mut(file)
                    && file.track.exists() != Some(false)
                {
                    file.track.delete(last);
                }
                continue;
            }
            self.made_by_nobody(file, part);
            for shown in side(part, DiffTag::Removed) {
                self.take(file, last, &shown, Proof::Patch);
            }
        }
    }

    /// A file of the patch that no step is told to have touched: some command did.
    fn made_by_nobody(&mut self, file: usize, part: &FilePatch) {
        let steps = self.trajectory.steps.len();
        let (first, last) = (self.movers.first().copied(), self.movers.last().copied());
        let History { files, arena, .. } = &mut self.history;
        let Some(found) = files.get_mut(file).filter(|found| found.touches.is_empty()) else {
            return;
        };
        if part.kind == PatchKind::Added && found.track.exists() == Some(false) {
            for step in [first, last].into_iter().flatten() {
                found.track.forget(arena, step + 1);
            }
            if first.is_none() {
                found.track.forget(arena, steps);
            }
        }
        if let Some(step) = last.or(steps.checked_sub(1)) {
            found.touch(step, TouchKind::Perhaps);
        }
    }

    fn act(&mut self, step: usize, action: &Action, named: &Named) {
        if action
            .observation
            .as_ref()
            .is_some_and(understand::was_refused)
        {
            return;
        }
        if let (Some(file), Some(shown)) = (named.view, evidence::of_view(action)) {
            self.touch(file, step, TouchKind::Seen);
            self.take(file, step, &shown, Proof::Shown);
        }
        let done = outcome(action);
        for (edit, (file, moved)) in action.edits.iter().zip(&named.edits) {
            let is_done = done.map(|done| done || wrote_all_the_same(action, edit));
            match (file, is_done) {
                (_, Some(false)) if action.shell.is_none() => {}
                (Some(file), Some(true)) => self.edit(step, action, edit, *file, *moved),
                (Some(file), _) => self.forget(*file, step),
                (None, _) => self.forget_named(&edit.path, step),
            }
        }
        let is_one_file = named
            .edits
            .first()
            .is_some_and(|first| named.edits.iter().all(|edit| edit == first));
        if let Some((Some(file), None)) = named
            .edits
            .first()
            .filter(|_| is_one_file && done == Some(true))
            && let Some(view) = understand::shown_after(action)
            && let Some(shown) = evidence::of_snippet(&view)
        {
            self.take(*file, step, &shown, Proof::Shown);
        }
        self.suspect(step, action, named);
    }

    /// Forgets what the action may have changed without telling.
    fn suspect(&mut self, step: usize, action: &Action, named: &Named) {
        let is_look = matches!(
            action.class,
            ActionClass::View
                | ActionClass::Search
                | ActionClass::Think
                | ActionClass::Plan
                | ActionClass::Finish
        );
        let found = {
            let script = |path: &str| {
                let name = self.names.resolve(path, action)?;
                let file = self.history.files.get(*self.history.by_path.get(&name)?)?;
                let lines = file.track.all(&self.history.arena)?;
                let mut text = String::new();
                for line in &lines {
                    text.push_str(line.as_str());
                    text.push('\n');
                }
                Some(text)
            };
            reach(action, &script)
        };
        if !is_look || !found.is_empty() {
            self.movers.insert(step);
        }
        let told: BTreeSet<usize> = named
            .edits
            .iter()
            .flat_map(|(file, moved)| [*file, *moved])
            .flatten()
            .collect();
        // the rest of a command that may change anything adds nothing
        let found = if found.contains(&Reach::Anything) {
            vec![Reach::Anything]
        } else {
            found
        };
        for reach in found {
            for file in self.reached(&reach, action) {
                if !told.contains(&file) {
                    self.unlearn(file, step);
                }
            }
        }
    }

    fn reached(&self, reach: &Reach, action: &Action) -> Vec<usize> {
        match reach {
            Reach::Anything => (0..self.history.files.len()).collect(),
            Reach::Named(paths) => paths
                .iter()
                .flat_map(|path| self.inside(path, action))
                .collect(),
            Reach::Operands(words) => words
                .iter()
                .flat_map(|word| self.operand(word, action))
                .collect(),
            Reach::Mentioned(text) => {
                let mentions = |(name, files): (&String, &Vec<usize>)| {
                    let finder = memchr::memmem::find(text.as_bytes(), name.as_bytes());
                    finder.map(|_| files.clone())
                };
                self.by_name.iter().filter_map(mentions).flatten().collect()
            }
        }
    }

    /// The file of this name, if it is one; where nobody knows the folder, those that are called so.
    fn operand(&self, word: &str, action: &Action) -> Vec<usize> {
        if let Some(name) = self.names.resolve(word, action) {
            return self
                .history
                .by_path
                .get(&name)
                .copied()
                .into_iter()
                .collect();
        }
        let name = word.rsplit('/').next().unwrap_or(word);
        self.by_name.get(name).cloned().unwrap_or_default()
    }

    /// The file of this name, or all files of the folder.
    fn inside(&self, path: &str, action: &Action) -> Vec<usize> {
        let is_dot = matches!(path.trim_end_matches('/'), "." | "");
        let name = self.names.resolve(path, action);
        if let Some(file) = name
            .as_ref()
            .and_then(|name| self.history.by_path.get(name))
        {
            return vec![*file];
        }
        if name
            .as_ref()
            .is_some_and(|name| self.names.holds_root(name))
        {
            return (0..self.history.files.len()).collect();
        }
        let Some(name) = name.filter(|_| !is_dot) else {
            // nobody knows which folder that is, or it is the root: a name of its own may still tell
            let file = path.rsplit('/').next().unwrap_or(path);
            return match self.by_name.get(file) {
                Some(files) => files.clone(),
                None => (0..self.history.files.len()).collect(),
            };
        };
        let folder = format!("{name}/");
        let files = self.history.files.iter().enumerate();
        files
            .filter(|(_, file)| file.path.starts_with(&folder))
            .map(|(ix, _)| ix)
            .collect()
    }

    fn forget_named(&mut self, path: &str, step: usize) {
        let name = path.rsplit('/').next().unwrap_or(path);
        for file in self.by_name.get(name).cloned().unwrap_or_default() {
            self.forget(file, step);
        }
    }

    /// After this step, which was to edit it, nothing is known of a file.
    fn forget(&mut self, file: usize, step: usize) {
        if let Some(file) = self.history.files.get_mut(file) {
            file.track.edits.insert(step);
        }
        self.unlearn(file, step);
    }

    /// After this step nothing is known of a file.
    fn unlearn(&mut self, file: usize, step: usize) {
        self.lose(file, step);
        // what was never touched before is not touched by a guess
        if let Some(file) = self.history.files.get_mut(file)
            && !file.touches.is_empty()
        {
            file.touch(step, TouchKind::Perhaps);
        }
    }

    fn touch(&mut self, file: usize, step: usize, kind: TouchKind) {
        if let Some(file) = self.history.files.get_mut(file) {
            file.touch(step, kind);
        }
    }

    /// Takes what was shown of a file. Where it does not agree with what is known, something changed the file since that
    /// was told: what was shown is believed.
    fn take(&mut self, file: usize, step: usize, shown: &Shown, proof: Proof) {
        let History { files, arena, .. } = &mut self.history;
        let Some(found) = files.get_mut(file) else {
            return;
        };
        let Err(mismatch) = found.track.learn(arena, step, shown, proof) else {
            return;
        };
        self.disagree(file, step, mismatch, proof);
        let History { files, arena, .. } = &mut self.history;
        if let Some(found) = files.get_mut(file)
            && proof == Proof::Shown
        {
            // nothing is left that it could contradict
            let _agrees = found.track.learn(arena, step, shown, proof);
        }
    }

    /// Looks for the steps that may be to blame, and forgets what was known since the first of them.
    fn disagree(&mut self, file: usize, step: usize, mismatch: Mismatch, proof: Proof) {
        let last_step = self.trajectory.steps.len();
        let History { files, arena, .. } = &mut self.history;
        let Some(found) = files.get_mut(file) else {
            return;
        };
        if mismatch.last == usize::MAX {
            found.track.forget(arena, (step + 1).min(last_step));
            return;
        }
        let contradiction = Contradiction {
            path: found.path.clone(),
            step: (step < last_step).then_some(step),
            line: Some(mismatch.line + 1),
            what: match (proof, mismatch.is_seed) {
                (Proof::Shown, false) => "it is shown otherwise than it was known to be".to_owned(),
                (Proof::Shown, true) => {
                    "it is shown otherwise than repository or final patch say it was".to_owned()
                }
                _ => "the final patch says otherwise than the steps".to_owned(),
            },
        };
        if mismatch.is_seed || proof != Proof::Shown {
            self.misfits.push(contradiction);
        } else {
            self.history.contradictions.push(contradiction);
        }
        let History { files, arena, .. } = &mut self.history;
        let Some(found) = files.get_mut(file) else {
            return;
        };
        let between = |set: &BTreeSet<usize>| {
            let mut range = set
                .range(mismatch.last.saturating_add(1)..=step.max(mismatch.last.saturating_add(1)));
            let first = range.next().copied();
            (first, range.next_back().copied().or(first))
        };
        let (mover, last_mover) = between(&self.movers);
        let (edit, last_edit) = between(&found.track.edits);
        let from = mover.into_iter().chain(edit).min().unwrap_or(step);
        let to = last_mover
            .into_iter()
            .chain(last_edit)
            .max()
            .unwrap_or(step);
        let (from, to) = (from.min(step), to.min(step));
        if from >= last_step {
            return;
        }
        found
            .track
            .doubt(arena, from, to.min(last_step.saturating_sub(1)));
    }
}

/// All of a file.
fn whole(text: &Text) -> Shown {
    let lines: Vec<Option<LineText>> = lines_of(text).into_iter().map(Some).collect();
    Shown {
        first: 0,
        total: Some(lines.len()),
        lines,
    }
}

/// One side of a file's patch: the lines that are not of the other, hunk by hunk.
fn side(part: &FilePatch, other: DiffTag) -> Vec<Shown> {
    if part.is_damaged || part.is_binary {
        return Vec::new();
    }
    let is_all = matches!(
        (part.kind, other),
        (PatchKind::Added, DiffTag::Removed) | (PatchKind::Deleted, DiffTag::Added)
    );
    let numbered = part.hunks.iter().filter(|hunk| hunk.has_numbers());
    let shown = numbered.filter_map(|hunk| {
        let lines = hunk.lines.iter().filter(|line| line.tag != other);
        let lines: Vec<Option<LineText>> = lines
            .map(|line| Some(LineText::alone(line.text.trim_end_matches('\r'))))
            .collect();
        let start = if other == DiffTag::Added {
            hunk.old_start
        } else {
            hunk.new_start
        };
        let first = start.checked_sub(1).filter(|_| !lines.is_empty())?;
        let total = (is_all && part.hunks.len() == 1 && first == 0).then_some(lines.len());
        Some(Shown {
            first,
            lines,
            total,
        })
    });
    shown.collect()
}

/// Whether an action did what it was asked; `None` where nobody knows.
fn outcome(action: &Action) -> Option<bool> {
    let observation = action.observation.as_ref()?;
    if observation.exit_code.is_some_and(|code| code < 0) {
        return None;
    }
    Some(!action.has_error())
}

/// Whether a command that failed wrote the file that it begins with writing: a shell that cannot write says so by name.
fn wrote_all_the_same(action: &Action, edit: &Edit) -> bool {
    let text = action.first_text();
    let Some((shell, text)) = action.shell.as_ref().zip(text) else {
        return false;
    };
    let is_first = action
        .edits
        .first()
        .is_some_and(|first| std::ptr::eq(first, edit));
    let begins = shell.cmd.trim_start();
    let begins = begins
        .strip_prefix("cd ")
        .and_then(|rest| rest.split_once("&&"))
        .map_or(begins, |(_, rest)| rest.trim_start());
    let name = edit.path.rsplit('/').next().unwrap_or(&edit.path);
    edit.op == EditOp::Write
        && is_first
        && begins.starts_with("cat ")
        && !text.contains(&format!("{name}: "))
        && !text.contains("No such file or directory\n")
}
