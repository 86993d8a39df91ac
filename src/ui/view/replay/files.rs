//! The files of the workspace where the replay stands: folders listed as they are opened, one file read.

mod draw;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;

use regex::Regex;

use crate::model::Text;
use crate::replay::What;
use crate::ui::action::Action;
use crate::ui::action::Landmark;
use crate::ui::action::Motion;
use crate::ui::action::Toward;
use crate::ui::effect::Effect;
use crate::ui::effect::ReplayAsk;
use crate::ui::event::FolderFound;
use crate::ui::event::Generation;
use crate::ui::event::PageKey;
use crate::ui::event::RowHit;
use crate::ui::layout;
use crate::ui::page::Place;
use crate::ui::view::Cx;
use crate::ui::view::panes::Focus;
use crate::ui::view::panes::Sides as _;
use crate::ui::view::replay::Lower;
use crate::ui::view::replay::ReplayView;
use crate::ui::widget::cursor::Cursor;
use crate::ui::widget::hits::Hits;

/// A row of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Row {
    /// A folder, and whether it is open.
    Folder(String, bool),
    /// A file.
    File(String),
    /// What is wrong with the folder above, or that it is being read.
    Note(String, String),
}

impl Row {
    /// Its path below the workspace.
    fn path(&self) -> &str {
        match self {
            Self::Folder(path, _) | Self::File(path) | Self::Note(path, _) => path,
        }
    }
}

/// What is known of the workspace's files.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// By path below the workspace: whether each entry is a folder, by name, folders first; or why it cannot be told.
    listed: HashMap<String, Result<Vec<(String, bool)>, String>>,
    open: BTreeSet<String>,
    changed: BTreeMap<String, What>,
    rows: Vec<Row>,
    cursor: Cursor,
    /// The file that is to be shown.
    chosen: Option<String>,
    /// Its text, or why there is none.
    text: Option<Result<Text, String>>,
    /// The page of that text, as it was asked for last.
    page: Option<PageKey>,
    find: Option<Hits<Place, Place>>,
    find_generation: Generation,
}

impl Files {
    /// The replay stands elsewhere: what is open and chosen stays, and is read again.
    pub(super) fn forget(&mut self) {
        self.listed.clear();
        self.text = None;
    }

    /// What has to be read next.
    fn wanted(&self) -> Option<ReplayAsk> {
        let folders = std::iter::once("").chain(self.open.iter().map(String::as_str));
        let is_new = |folder: &&str| !self.listed.contains_key(*folder);
        if let Some(folder) = folders.into_iter().find(is_new) {
            return Some(ReplayAsk::Folder(folder.to_owned()));
        }
        let file = self.chosen.as_ref().filter(|_| self.text.is_none())?;
        Some(ReplayAsk::File(file.clone()))
    }

    /// Takes what lies in a folder. With the workspace itself the first file that the calls wrote is opened, where none
    /// is chosen.
    pub(super) fn listed(&mut self, folder: String, found: Result<FolderFound, String>) {
        let entries = found.map(|found| {
            if folder.is_empty() {
                self.changed = found.changed;
            }
            let mut entries = found.entries;
            self.add_removed(&folder, &mut entries);
            entries
        });
        let is_first = folder.is_empty() && self.chosen.is_none();
        self.listed.insert(folder, entries);
        if is_first {
            let written =
                |(path, what): (&String, &What)| (*what == What::Written).then(|| path.clone());
            if let Some(path) = self.changed.iter().find_map(written) {
                self.choose(&path);
            }
        }
        self.lay_out();
    }

    /// Adds the files that the calls removed: the folder itself does not tell them any more.
    fn add_removed(&self, folder: &str, entries: &mut Vec<(String, bool)>) {
        let below = if folder.is_empty() {
            String::new()
        } else {
            format!("{folder}/")
        };
        let inside = self.changed.range(below.clone()..);
        for (path, what) in inside.take_while(|(path, _)| path.starts_with(&below)) {
            let name = path.get(below.len()..).unwrap_or_default();
            let is_here = *what == What::Removed && !name.is_empty() && !name.contains('/');
            if is_here && !entries.iter().any(|(known, _)| known == name) {
                entries.push((name.to_owned(), false));
            }
        }
        entries.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    }

    /// Takes a file's text.
    pub(super) fn read(&mut self, path: &str, text: Result<Text, String>) {
        if self.chosen.as_deref() == Some(path) {
            self.text = Some(text);
        }
    }

    /// Has a file shown, with the folders above it open.
    fn choose(&mut self, path: &str) {
        if self.chosen.as_deref() != Some(path) {
            self.chosen = Some(path.to_owned());
            self.text = None;
            self.find = None;
        }
        for (at, _) in path.match_indices('/') {
            self.open.extend(path.get(..at).map(str::to_owned));
        }
    }

    /// What became of a file, or of something in a folder.
    fn what(&self, row: &Row) -> Option<What> {
        match row {
            Row::File(path) => self.changed.get(path).copied(),
            Row::Folder(path, _) => {
                let below = format!("{path}/");
                let mut inside = self.changed.range(below.clone()..);
                let is_inside = inside
                    .next()
                    .is_some_and(|(path, _)| path.starts_with(&below));
                is_inside.then_some(What::Written)
            }
            Row::Note(..) => None,
        }
    }

    /// Makes the rows; the cursor stays on its path, else it goes to the chosen file.
    fn lay_out(&mut self) {
        let on = self
            .rows
            .get(self.cursor.at)
            .map(|row| row.path().to_owned());
        let on = on.or_else(|| self.chosen.clone());
        let mut rows = Vec::new();
        // folders whose rows are still to be made, the next one last
        let mut ahead = vec![Row::Folder(String::new(), true)];
        while let Some(row) = ahead.pop() {
            if let Row::Folder(folder, true) = &row {
                let below = |name: &str| match folder.as_str() {
                    "" => name.to_owned(),
                    folder => format!("{folder}/{name}"),
                };
                let note = |words: &str| Row::Note(folder.clone(), words.to_owned());
                match self.listed.get(folder) {
                    None => ahead.push(note("…")),
                    Some(Err(why)) => ahead.push(note(why)),
                    Some(Ok(entries)) if entries.is_empty() => ahead.push(note("nothing")),
                    Some(Ok(entries)) => {
                        let entry = |(name, is_folder): &(String, bool)| {
                            let path = below(name);
                            if *is_folder {
                                let is_open = self.open.contains(&path);
                                Row::Folder(path, is_open)
                            } else {
                                Row::File(path)
                            }
                        };
                        ahead.extend(entries.iter().rev().map(entry));
                    }
                }
            }
            if row != Row::Folder(String::new(), true) {
                rows.push(row);
            }
        }
        self.rows = rows;
        let at = self
            .rows
            .iter()
            .position(|row| Some(row.path()) == on.as_deref());
        self.cursor.at = at.unwrap_or(0);
    }

    /// Opens or closes the folder under the cursor, or has its file shown; whether it was a file.
    fn open_row(&mut self) -> bool {
        match self.rows.get(self.cursor.at).cloned() {
            Some(Row::Folder(path, is_open)) => {
                if is_open {
                    self.open.remove(&path);
                } else {
                    self.open.insert(path);
                }
                self.lay_out();
                false
            }
            Some(Row::File(path)) => {
                self.choose(&path);
                true
            }
            Some(Row::Note(..)) | None => false,
        }
    }

    /// The text that is shown, its path, and what became of it.
    pub(super) fn shown(&self) -> Option<(&str, &Text, Option<What>)> {
        let path = self.chosen.as_deref()?;
        let text = self.text.as_ref()?.as_ref().ok()?;
        Some((path, text, self.changed.get(path).copied()))
    }
}

impl ReplayView {
    /// Whether the files of the workspace are in sight.
    pub fn shows_files(&self) -> bool {
        self.lower == Lower::Files
    }

    fn files_height(cx: &Cx<'_>) -> usize {
        usize::from(layout::patch(cx.screen, true).files.height)
    }

    /// Asks for what the tree and its file lack.
    pub(super) fn sync_files(&mut self, key: Option<PageKey>, effects: &mut Vec<Effect>) {
        self.files.page = key;
        if !self.shows_files() || self.is_busy {
            return;
        }
        if let Some(ask) = self.files.wanted() {
            self.is_busy = true;
            effects.push(Effect::Replay(self.opened, ask));
        }
    }

    /// Carries out an action on the files; `None` when it is none of theirs.
    pub(super) fn apply_to_files(
        &mut self,
        action: Action,
        count: Option<usize>,
        cx: &Cx<'_>,
        effects: &mut Vec<Effect>,
    ) -> Option<bool> {
        match action {
            Action::Move(motion @ (Motion::Left | Motion::Right)) => {
                self.move_page(motion, count, cx);
            }
            Action::Move(motion) if self.focus == Focus::Rows => {
                let (len, height) = (self.files.rows.len(), Self::files_height(cx));
                self.files.cursor.apply(motion, count, len, height);
                if let Some(Row::File(path)) = self.files.rows.get(self.files.cursor.at).cloned() {
                    self.files.choose(&path);
                }
            }
            Action::Move(motion) => self.move_page(motion, count, cx),
            Action::Pane(_) => {
                self.focus = match self.focus {
                    Focus::Rows => Focus::Page,
                    Focus::Page => Focus::Rows,
                };
            }
            Action::Open if self.focus == Focus::Rows => {
                if self.files.open_row() {
                    self.focus = Focus::Page;
                }
            }
            Action::ToggleDifference => self.show_changes(effects),
            Action::FileAtStep => self.close_whole(),
            Action::Jump(Landmark::Hit, toward) => {
                self.next_place(toward, count.unwrap_or(1), cx);
            }
            _ => return None,
        }
        Some(true)
    }

    /// Keeps the tree's cursor in its window.
    pub(super) fn fit_files(&mut self, cx: &Cx<'_>) {
        let (len, height) = (self.files.rows.len(), Self::files_height(cx));
        self.files.cursor.fit(len, height.max(1));
    }

    /// The line of the file that is at the top, to search from and to come back to.
    pub(super) fn file_line(&self) -> usize {
        let page = self.files.page.and_then(|key| self.panes.page(key));
        page.map_or(0, |(_, line)| line)
    }

    /// Searches the file that is shown; goes to the first hit from the line `from` on.
    pub(super) fn find_in_file(&mut self, pattern: Regex, from: usize, effects: &mut Vec<Effect>) {
        let page = self.files.page.and_then(|key| self.panes.page(key));
        let Some((text, from)) = page.map(|(page, _)| (page.searchable(), page.place(from))) else {
            return;
        };
        // numbers of different openings never meet
        if self.files.find_generation == Generation::default() {
            self.files.find_generation = Generation(self.opened.0 << 32);
        }
        let generation = self.files.find_generation.advance();
        self.files.find = Some(Hits::new(generation, pattern.clone(), Some(from)));
        effects.push(Effect::FindInPage(generation, text, pattern));
    }

    /// Takes hits in the file.
    pub fn hits_found(
        &mut self,
        generation: Generation,
        hits: &[RowHit],
        is_done: bool,
        cx: &Cx<'_>,
    ) {
        let Some(find) = &mut self.files.find else {
            return;
        };
        let places = hits.iter().map(|hit| hit.place);
        if let Some(place) = find.add(generation, places, is_done, |hit, from| *hit >= from) {
            self.show_place(place, cx);
        }
    }

    fn next_place(&mut self, toward: Toward, times: usize, cx: &Cx<'_>) {
        let find = self.files.find.as_mut();
        if let Some(place) = find.and_then(|find| find.turn(toward, times)) {
            self.show_place(place, cx);
        }
    }

    fn show_place(&mut self, place: Place, cx: &Cx<'_>) {
        let page = self.files.page.and_then(|key| self.panes.page(key));
        if let Some(line) = page.map(|(page, _)| page.line_of(place)) {
            self.show_file_line(line, cx);
        }
    }

    /// Shows a line of the file.
    pub(super) fn show_file_line(&mut self, line: usize, cx: &Cx<'_>) {
        if let Some(pane) = self.panes(cx).first() {
            self.panes.show(pane, line, cx);
        }
    }

    /// Which hit of how many in the file, and whether all are known.
    pub(super) fn place_position(&self) -> Option<(Option<usize>, usize, bool)> {
        self.files.find.as_ref().map(Hits::position)
    }

    /// Ends the search in the file; `false` when there was none.
    pub(super) fn stop_file_find(&mut self) -> bool {
        self.files.find.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(names: &[&str]) -> Vec<(String, bool)> {
        let entry = |name: &&str| match name.strip_suffix('/') {
            Some(folder) => (folder.to_owned(), true),
            None => ((*name).to_owned(), false),
        };
        names.iter().map(entry).collect()
    }

    fn found(names: &[&str], changed: &[(&str, What)]) -> FolderFound {
        let changed = changed
            .iter()
            .map(|(path, what)| ((*path).to_owned(), *what));
        FolderFound {
            entries: entries(names),
            changed: changed.collect(),
        }
    }

    #[track_caller]
    fn check(files: &Files, want: &[&str]) {
        let row = |row: &Row| {
            let sign = match files.what(row) {
                None => "",
                Some(What::Written) => "+",
                Some(What::Removed) => "-",
            };
            match row {
                Row::Folder(path, is_open) => format!("{sign}{path}/{}", u8::from(*is_open)),
                Row::File(path) => format!("{sign}{path}"),
                Row::Note(path, words) => format!("{path}: {words}"),
            }
        };
        let rows: Vec<String> = files.rows.iter().map(row).collect();
        assert_eq!(rows, want);
    }

    #[test]
    fn folders_are_read_as_they_are_opened() {
        let mut files = Files::default();
        assert_eq!(files.wanted(), Some(ReplayAsk::Folder(String::new())));
        files.listed(String::new(), Ok(found(&["src/", "a.py"], &[])));
        check(&files, &["src/0", "a.py"]);
        assert_eq!(files.wanted(), None);
        assert!(!files.open_row());
        check(&files, &["src/1", "src: …", "a.py"]);
        assert_eq!(files.wanted(), Some(ReplayAsk::Folder("src".to_owned())));
        files.listed("src".to_owned(), Err("it is gone".to_owned()));
        check(&files, &["src/1", "src: it is gone", "a.py"]);
        files.listed("src".to_owned(), Ok(found(&["in/", "b.py"], &[])));
        check(&files, &["src/1", "src/in/0", "src/b.py", "a.py"]);
        files.open_row();
        check(&files, &["src/0", "a.py"]);
        // where the replay stands elsewhere it is read again, what is closed is not
        files.forget();
        assert_eq!(files.wanted(), Some(ReplayAsk::Folder(String::new())));
    }

    #[test]
    fn what_the_calls_changed_is_marked_and_shown_first() {
        let mut files = Files::default();
        let changed = [
            ("src/gone.py", What::Removed),
            ("src/new.py", What::Written),
        ];
        files.listed(
            String::new(),
            Ok(found(&["lib/", "src/", "a.py"], &changed)),
        );
        check(&files, &["lib/0", "+src/1", "src: …", "a.py"]);
        files.listed("src".to_owned(), Ok(found(&["b.py", "new.py"], &[])));
        let want = [
            "lib/0",
            "+src/1",
            "src/b.py",
            "-src/gone.py",
            "+src/new.py",
            "a.py",
        ];
        check(&files, &want);
        assert_eq!(
            files.wanted(),
            Some(ReplayAsk::File("src/new.py".to_owned()))
        );
        files.read("a.py", Ok("of another file".into()));
        assert!(files.shown().is_none());
        files.read("src/new.py", Ok("x = 1\n".into()));
        let (path, _, what) = files.shown().unwrap();
        assert_eq!((path, what), ("src/new.py", Some(What::Written)));
        assert_eq!(files.wanted(), None);
    }
}
