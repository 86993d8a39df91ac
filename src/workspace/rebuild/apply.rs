//! Edits of every dialect: where they land, and what the file is afterwards.

use crate::diff::DiffTag;
use crate::diff::Hunk;
use crate::model::Action;
use crate::model::Edit;
use crate::model::EditOp;
use crate::model::Format;
use crate::model::Value;
use crate::patch::parse_patch;
use crate::read::understand;
use crate::workspace::arena::LineText;
use crate::workspace::arena::Proof;
use crate::workspace::arena::is_same_line;
use crate::workspace::arena::lines_of;
use crate::workspace::arena::pieces_of;
use crate::workspace::evidence;
use crate::workspace::evidence::Shown;
use crate::workspace::evidence::Stretch;
use crate::workspace::evidence::stretches;
use crate::workspace::history::FileHistory;
use crate::workspace::history::TouchKind;
use crate::workspace::rebuild::Rebuild;
use crate::workspace::rebuild::whole;
use crate::workspace::track::Mismatch;
use crate::workspace::track::Track;

/// Lines replaced: place, number, what stands there now.
type Splice = (usize, usize, Vec<Option<LineText>>);

impl Rebuild<'_> {
    /// Makes a change that was made part of a file, and of the one that it becomes.
    pub(super) fn edit(
        &mut self,
        step: usize,
        action: &Action,
        edit: &Edit,
        file: usize,
        moved: Option<usize>,
    ) {
        let kind = self.kind_of(edit, file);
        self.touch(file, step, kind);
        if let Some(before) = edit.before.as_ref().filter(|_| edit.op != EditOp::Create) {
            self.take(file, step, &whole(before), Proof::Shown);
        }
        self.on_track(file, |track, _| {
            track.edits.insert(step);
        });
        self.change(step, action, edit, file);
        let Some(moved) = moved.filter(|moved| *moved != file) else {
            return;
        };
        self.touch(file, step, TouchKind::Deleted);
        self.touch(moved, step, TouchKind::Created);
        let history = &mut self.history;
        let state = history.files.get_mut(file).map(|file| {
            let state = (file.track.table().clone(), file.track.exists());
            file.track.delete(step + 1);
            state
        });
        if let (Some(state), Some(target)) = (state, history.files.get_mut(moved)) {
            target.track.edits.insert(step);
            target.track.become_copy(step + 1, state);
        }
    }

    fn on_track<T>(
        &mut self,
        file: usize,
        work: impl FnOnce(&mut Track, &mut crate::workspace::arena::Arena) -> T,
    ) -> Option<T> {
        let history = &mut self.history;
        let file: &mut FileHistory = history.files.get_mut(file)?;
        Some(work(&mut file.track, &mut history.arena))
    }

    fn kind_of(&mut self, edit: &Edit, file: usize) -> TouchKind {
        let found = self.history.files.get_mut(file);
        let exists = found.as_ref().and_then(|file| file.track.exists());
        let is_new = found.is_some_and(|file| file.touches.is_empty() && !file.track.is_broken);
        match edit.op {
            EditOp::Delete => TouchKind::Deleted,
            EditOp::Create if exists != Some(true) => {
                // an editor makes no file that is there
                if is_new && exists.is_none() {
                    self.on_track(file, |track, _| track.set_exists(false));
                }
                TouchKind::Created
            }
            EditOp::Write if exists == Some(false) => TouchKind::Created,
            _ => TouchKind::Changed,
        }
    }

    fn change(&mut self, step: usize, action: &Action, edit: &Edit, file: usize) {
        let is_editor = action.shell.is_none();
        let text = edit.after.as_ref().or_else(|| {
            let is_whole = matches!(edit.op, EditOp::Create | EditOp::Write);
            edit.new.as_ref().filter(|_| is_whole)
        });
        if edit.op == EditOp::Delete {
            self.on_track(file, |track, _| track.delete(step + 1));
            return;
        }
        if let Some(text) = text {
            let lines = lines_of(text);
            self.on_track(file, |track, arena| {
                // an editor that makes a file goes back no further than to what it made
                let is_made = edit.op == EditOp::Create;
                if is_editor && !is_made {
                    track.remember();
                }
                track.write(arena, step, &lines);
                if is_editor && is_made {
                    track.remember();
                }
            });
            return;
        }
        if edit.op == EditOp::Undo {
            let is_done = self.on_track(file, |track, _| track.undo(step + 1));
            if is_done != Some(true) {
                self.lose(file, step);
            }
            return;
        }
        if is_editor {
            self.on_track(file, |track, _| track.remember());
        }
        let is_placed = match edit.op {
            EditOp::Insert => self.insert(step, action, edit, file),
            _ if edit.diff.is_some() => self.hunks(step, action, edit, file),
            EditOp::StrReplace => self.replace(step, action, edit, file),
            _ => false,
        };
        if !is_placed {
            self.strand(step, edit, file);
        }
    }

    /// The file is another one from this step on, nobody knows which.
    pub(super) fn lose(&mut self, file: usize, step: usize) {
        self.on_track(file, |track, arena| track.forget(arena, step + 1));
    }

    /// A change of which nobody knows where it landed: what it put in is all that is known.
    fn strand(&mut self, step: usize, edit: &Edit, file: usize) {
        let hunk_lines = || -> Option<Vec<Option<LineText>>> {
            let files = parse_patch(edit.diff.as_deref()?);
            let hunk = files.first()?.hunks.first()?;
            let lines = hunk
                .lines
                .iter()
                .filter(|line| line.tag != DiffTag::Removed);
            Some(
                lines
                    .map(|line| Some(LineText::alone(line.text.trim_end_matches('\r'))))
                    .collect(),
            )
        };
        let lines = hunk_lines().or_else(|| {
            let mut lines: Vec<Option<LineText>> = pieces_of(edit.new.as_ref()?)
                .into_iter()
                .map(Some)
                .collect();
            // the first and the last line may be parts of lines
            for end in [0, lines.len().saturating_sub(1)] {
                if let Some(line) = lines.get_mut(end) {
                    *line = None;
                }
            }
            Some(lines)
        });
        match lines.filter(|lines| lines.iter().any(Option::is_some)) {
            Some(lines) => {
                self.on_track(file, |track, arena| track.island(arena, step, lines));
            }
            None => self.lose(file, step),
        }
    }

    fn splice(&mut self, file: usize, step: usize, changes: Vec<Splice>) -> bool {
        self.on_track(file, |track, arena| track.splice(arena, step, changes)) == Some(true)
    }

    fn texts(&mut self, file: usize, at: usize, count: usize) -> Vec<Option<LineText>> {
        let texts = self.on_track(file, |track, arena| {
            let texts = track.texts(arena, at, count);
            texts.into_iter().map(Option::<&LineText>::cloned).collect()
        });
        texts.unwrap_or_default()
    }

    /// One text in the place of another.
    fn replace(&mut self, step: usize, action: &Action, edit: &Edit, file: usize) -> bool {
        let (Some(old), Some(new)) = (&edit.old, &edit.new) else {
            return false;
        };
        if old.is_empty() {
            return false;
        }
        let is_all = ["replace_all", "replaceAll"]
            .into_iter()
            .any(|key| action.args.get(key).is_some_and(is_true));
        if is_all {
            return self.replace_all(step, old, new, file);
        }
        let (old, new) = (pieces_of(old), pieces_of(new));
        let at = shown_at(action, &new).or_else(|| self.told_at(edit, file, &old, &new));
        let at = at.or_else(|| self.find(step, file, &old));
        let Some(at) = at else { return false };
        self.agree(step, file, at, &old);
        let inner = old.get(1..old.len().saturating_sub(1)).unwrap_or_default();
        let inner = Shown {
            first: at + 1,
            lines: inner.iter().cloned().map(Some).collect(),
            total: None,
        };
        if !inner.lines.is_empty() {
            self.take(file, step, &inner, Proof::Shown);
        }
        let current = self.texts(file, at, old.len());
        let changes = replacement(&old, &new, &current);
        let place = |(from, removed, lines): Splice| (at + from, removed, lines);
        self.splice(file, step, changes.into_iter().map(place).collect())
    }

    fn replace_all(&mut self, step: usize, old: &str, new: &str, file: usize) -> bool {
        let all = self
            .on_track(file, |track, arena| track.all(arena))
            .flatten();
        let Some(all) = all else { return false };
        let mut text = String::new();
        for line in &all {
            text.push_str(line.as_str());
            text.push('\n');
        }
        let after = lines_of(&text.replace(old, new).into());
        self.on_track(file, |track, arena| track.write(arena, step, &after))
            .is_some()
    }

    /// Where the edit says it is. That may be the line where its texts begin, or the first that differs: where these are
    /// two, what is known of the file has to tell.
    fn told_at(
        &mut self,
        edit: &Edit,
        file: usize,
        old: &[LineText],
        new: &[LineText],
    ) -> Option<usize> {
        let at = edit.line?.checked_sub(1)?;
        let same = old
            .iter()
            .zip(new)
            .take_while(|(a, b)| a.as_str() == b.as_str())
            .count();
        if same == 0 {
            return Some(at);
        }
        let mut fitting = Vec::new();
        for at in [Some(at), at.checked_sub(same)].into_iter().flatten() {
            let current = self.texts(file, at, old.len());
            let fits = |(nth, text): (usize, &Option<LineText>)| {
                text.as_ref()
                    .is_some_and(|text| fits(text.as_str(), old, nth))
            };
            if current.iter().enumerate().all(fits) {
                fitting.push(at);
            }
        }
        match fitting.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    /// Where the old text stands, when that is certain: in one place of what is known.
    fn find(&mut self, step: usize, file: usize, old: &[LineText]) -> Option<usize> {
        let (found, is_all) = self.on_track(file, |track, arena| {
            let known = track.known(arena);
            let is_all = track.table().total(arena) == Some(known.len());
            (places(&known, old), is_all)
        })?;
        match found.as_slice() {
            [one] => Some(*one),
            [] if is_all => {
                // the editor found it: the file is another one than it seemed
                let mismatch = Mismatch {
                    line: 0,
                    last: 0,
                    is_seed: false,
                };
                self.disagree(file, step, mismatch, Proof::Shown);
                None
            }
            _ => None,
        }
    }

    /// Forgets what is known of the file where the old text cannot stand at `at`.
    fn agree(&mut self, step: usize, file: usize, at: usize, old: &[LineText]) {
        let current = self.texts(file, at, old.len());
        let wrong = current.iter().enumerate().find(|(nth, text)| {
            text.as_ref()
                .is_some_and(|text| !fits(text.as_str(), old, *nth))
        });
        if let Some((nth, Some(text))) = wrong {
            // told as the line of which the old text is a part: it is that line that does not agree
            let other = LineText::alone(&format!("{}\u{0}", text.as_str()));
            let shown = Shown {
                first: at + nth,
                lines: vec![Some(other)],
                total: None,
            };
            let found = self.on_track(file, |track, arena| {
                track.learn(arena, step, &shown, Proof::Shown)
            });
            if let Some(Err(mismatch)) = found {
                self.disagree(file, step, mismatch, Proof::Shown);
            }
        }
    }

    /// Lines put in before a line, or at the end where none is named.
    fn insert(&mut self, step: usize, action: &Action, edit: &Edit, file: usize) -> bool {
        let Some(new) = &edit.new else { return false };
        let Some(at) = edit.line.and_then(|line| line.checked_sub(1)) else {
            let lines = lines_of(new).into_iter().map(Some).collect();
            self.on_track(file, |track, arena| track.append(arena, step, lines));
            return true;
        };
        let mut lines = pieces_of(new);
        if lines.last().is_some_and(|line| line.as_str().is_empty()) {
            // some editors put in an empty line for the break at the end of the text, some do not
            let last = at + lines.len() - 1;
            let below = self.texts(file, at, 1).pop().flatten();
            match is_empty_line_put_in(action, last, below.as_ref()) {
                Some(true) => {}
                Some(false) => {
                    lines.pop();
                }
                None => return false,
            }
        }
        let lines = lines.into_iter().map(Some).collect();
        self.splice(file, step, vec![(at, 0, lines)])
    }

    /// The hunks of a patch.
    fn hunks(&mut self, step: usize, action: &Action, edit: &Edit, file: usize) -> bool {
        let Some(diff) = edit.diff.as_deref() else {
            return false;
        };
        if edit.op == EditOp::StrReplace
            && edit.old.is_none()
            && let Some((at, removed)) = unseen_range(diff)
        {
            let lines: Vec<Option<LineText>> =
                edit.new.iter().flat_map(lines_of).map(Some).collect();
            return self.splice(file, step, vec![(at, removed, lines)]);
        }
        let files = parse_patch(diff);
        let [part] = files.as_slice() else {
            return false;
        };
        let format = self.trajectory.source.format;
        let is_told =
            edit.op != EditOp::Patch || matches!(format, Some(Format::ClaudeCode | Format::Codex));
        let is_told = is_told && action.shell.is_none();
        let mut changes = Vec::new();
        let mut done = 0;
        for hunk in &part.hunks {
            let old: Vec<LineText> = hunk_side(hunk, DiffTag::Added);
            let at = if hunk.has_numbers() && is_told {
                Some(hunk.old_start.saturating_sub(usize::from(!old.is_empty())))
            } else {
                self.find_hunk(file, hunk, &old, done)
            };
            let Some(at) = at else { return false };
            let lines = old.iter().cloned().map(Some).collect();
            if !old.is_empty() {
                self.take(
                    file,
                    step,
                    &Shown {
                        first: at,
                        lines,
                        total: None,
                    },
                    Proof::Shown,
                );
            }
            done = at + old.len();
            changes.extend(hunk_changes(hunk, at));
        }
        let is_sorted = changes.is_sorted_by(|a, b| a.0 + a.1 <= b.0);
        !changes.is_empty() && is_sorted && self.splice(file, step, changes)
    }

    /// Where a hunk without trusted numbers belongs, when that is certain.
    fn find_hunk(
        &mut self,
        file: usize,
        hunk: &Hunk,
        old: &[LineText],
        done: usize,
    ) -> Option<usize> {
        let is_telling = old.iter().any(|line| line.as_str().trim().len() > 1);
        if !is_telling {
            return None;
        }
        let nominal = hunk.old_start.checked_sub(1).filter(|_| hunk.has_numbers());
        self.on_track(file, |track, arena| {
            let known = track.known(arena);
            let found = whole_places(&known, old);
            let below: Vec<usize> = found.iter().copied().filter(|at| *at >= done).collect();
            match below.as_slice() {
                [one] => Some(*one),
                several => nominal.filter(|at| several.contains(at)),
            }
        })
        .flatten()
    }
}

/// The place of the new text in the snippet that the editor shows, when it stands there exactly once.
fn shown_at(action: &Action, new: &[LineText]) -> Option<usize> {
    let view = understand::shown_after(action)?;
    let shown = evidence::of_snippet(&view)?;
    let is_telling = new.iter().any(|line| !line.as_str().trim().is_empty());
    if !is_telling {
        return None;
    }
    let fits_at = |at: &usize| {
        (0..new.len()).all(|nth| match shown.lines.get(at + nth) {
            Some(Some(line)) => fits(line.as_str(), new, nth),
            // an empty line at the end of a snippet is left out
            None => {
                nth > 0
                    && nth + 1 == new.len()
                    && new.last().is_some_and(|last| last.as_str().is_empty())
            }
            Some(None) => false,
        })
    };
    let mut found = (0..shown.lines.len()).filter(fits_at);
    match (found.next(), found.next()) {
        (Some(at), None) => Some(shown.first + at),
        _ => None,
    }
}

fn is_true(value: &Value) -> bool {
    value.as_bool() == Some(true)
        || value
            .as_str()
            .is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// Whether a line of the file may hold the `nth` line of a text that is replaced.
fn fits(line: &str, old: &[LineText], nth: usize) -> bool {
    let Some(part) = old.get(nth).map(LineText::as_str) else {
        return false;
    };
    let (is_first, is_last) = (nth == 0, nth + 1 == old.len());
    match (is_first, is_last) {
        (true, true) => line.contains(part),
        (true, false) => line.ends_with(part) || line.trim_end().ends_with(part.trim_end()),
        (false, true) => line.starts_with(part),
        (false, false) => is_same_line(line, part),
    }
}

/// The places at which a text may stand that is replaced; two are enough to know that it is not certain.
fn places(known: &[(usize, &LineText)], old: &[LineText]) -> Vec<usize> {
    search(known, old.len(), |window| {
        window
            .iter()
            .enumerate()
            .all(|(nth, (_, text))| fits(text.as_str(), old, nth))
    })
}

/// The places at which these lines stand.
fn whole_places(known: &[(usize, &LineText)], old: &[LineText]) -> Vec<usize> {
    search(known, old.len(), |window| {
        window
            .iter()
            .zip(old)
            .all(|((_, text), old)| text.is_same(old))
    })
}

fn search(
    known: &[(usize, &LineText)],
    len: usize,
    is_it: impl Fn(&[(usize, &LineText)]) -> bool,
) -> Vec<usize> {
    const MOST: usize = 64;
    if len == 0 {
        return Vec::new();
    }
    let is_joined = |window: &[(usize, &LineText)]| match (window.first(), window.last()) {
        (Some((first, _)), Some((last, _))) => last - first + 1 == len,
        _ => false,
    };
    let found = known
        .windows(len)
        .filter(|window| is_it(window) && is_joined(window));
    found
        .filter_map(|window| window.first().map(|(at, _)| *at))
        .take(MOST)
        .collect()
}

/// What becomes of the lines that hold the old text, places from its first line on. `current` is what is known of them.
fn replacement(old: &[LineText], new: &[LineText], current: &[Option<LineText>]) -> Vec<Splice> {
    let known: Option<Vec<LineText>> = current.iter().cloned().collect();
    let prefix_and_suffix = ends(old, current);
    let (prefix, suffix) = prefix_and_suffix;
    let last = new.len().saturating_sub(1);
    let line = |(nth, text): (usize, &LineText)| {
        let front = if nth == 0 {
            prefix.clone()?
        } else {
            String::new()
        };
        let back = if nth == last {
            suffix.clone()?
        } else {
            String::new()
        };
        if front.is_empty() && back.is_empty() {
            return Some(text.clone());
        }
        Some(LineText::alone(&format!("{front}{}{back}", text.as_str())))
    };
    let lines: Vec<Option<LineText>> = new.iter().enumerate().map(line).collect();
    let all: Option<Vec<LineText>> = lines.iter().cloned().collect();
    let found = match (known, all) {
        (Some(known), Some(all)) => stretches(&known, &all),
        _ => partial_stretches(old, new),
    };
    let splice = |stretch: Stretch| {
        let added = lines.get(stretch.new_at..stretch.new_at + stretch.new_len);
        (
            stretch.old_at,
            stretch.old_len,
            added.unwrap_or_default().to_vec(),
        )
    };
    found.into_iter().map(splice).collect()
}

/// What stands before the old text in its first line, and behind it in its last.
fn ends(old: &[LineText], current: &[Option<LineText>]) -> (Option<String>, Option<String>) {
    let text = |line: Option<&Option<LineText>>| {
        line.and_then(Option::as_ref)
            .map(|line| line.as_str().to_owned())
    };
    let (first, last) = (text(current.first()), text(current.last()));
    match old {
        [one] => {
            let part = one.as_str();
            let Some(line) = first else {
                return (None, None);
            };
            let mut found = line.match_indices(part).map(|(at, _)| at);
            match (found.next(), found.next()) {
                (Some(at), None) => (
                    line.get(..at).map(str::to_owned),
                    line.get(at + part.len()..).map(str::to_owned),
                ),
                _ => (None, None),
            }
        }
        [head, .., tail] => (
            first.and_then(|line| line.strip_suffix(head.as_str()).map(str::to_owned)),
            last.and_then(|line| line.strip_prefix(tail.as_str()).map(str::to_owned)),
        ),
        [] => (None, None),
    }
}

/// The changed stretches where not all lines are known: first and last line may be longer than what is told of them.
fn partial_stretches(old: &[LineText], new: &[LineText]) -> Vec<Stretch> {
    let all = Stretch {
        old_at: 0,
        old_len: old.len(),
        new_at: 0,
        new_len: new.len(),
    };
    if old.len() < 2 || new.len() < 2 {
        return vec![all];
    }
    let marked = |lines: &[LineText]| -> Vec<String> {
        let last = lines.len() - 1;
        let mark = |(nth, line): (usize, &LineText)| {
            let mark = match nth {
                0 => 'a',
                nth if nth == last => 'z',
                _ => 'm',
            };
            format!("{mark}{}", line.as_str())
        };
        lines.iter().enumerate().map(mark).collect()
    };
    stretches(&marked(old), &marked(new))
}

/// Whether the editor's answer shows an empty line at `at` (from 0) that the text did not bring; `None` where it does
/// not tell. `below` is the line that stood there.
fn is_empty_line_put_in(action: &Action, at: usize, below: Option<&LineText>) -> Option<bool> {
    let view = understand::shown_after(action)?;
    let shown = evidence::of_snippet(&view)?;
    let line = shown.lines.get(at.checked_sub(shown.first)?)?.as_ref()?;
    if !line.as_str().is_empty() {
        return Some(false);
    }
    let below = below.filter(|below| !below.as_str().is_empty());
    below.map(|_| true)
}

/// The place and number of the lines that a range edit replaced whose old lines were not recorded.
fn unseen_range(diff: &str) -> Option<(usize, usize)> {
    let head = diff.lines().find(|line| line.starts_with("@@ -"))?;
    head.contains("were not recorded").then_some(())?;
    let (start, rest) = head.strip_prefix("@@ -")?.split_once(',')?;
    let (removed, _) = rest.split_once(' ')?;
    let start: usize = start.parse().ok()?;
    Some((start.checked_sub(1)?, removed.parse().ok()?))
}

fn hunk_side(hunk: &Hunk, other: DiffTag) -> Vec<LineText> {
    let lines = hunk.lines.iter().filter(|line| line.tag != other);
    lines
        .map(|line| LineText::alone(line.text.trim_end_matches('\r')))
        .collect()
}

/// The changed stretches of a hunk whose old lines begin at `at`.
fn hunk_changes(hunk: &Hunk, at: usize) -> Vec<Splice> {
    let mut found: Vec<Splice> = Vec::new();
    let mut place = at;
    let mut is_open = false;
    for line in &hunk.lines {
        if line.tag == DiffTag::Same {
            place += 1;
            is_open = false;
            continue;
        }
        if !is_open {
            found.push((place, 0, Vec::new()));
            is_open = true;
        }
        let Some((_, removed, lines)) = found.last_mut() else {
            continue;
        };
        if line.tag == DiffTag::Removed {
            *removed += 1;
            place += 1;
        } else {
            lines.push(Some(LineText::alone(line.text.trim_end_matches('\r'))));
        }
    }
    found
}
