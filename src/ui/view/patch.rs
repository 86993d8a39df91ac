//! The final patch of a trajectory: its files at the left, their changes at the right with what the filters say beside
//! the lines.

mod draw;
mod find;

use std::sync::Arc;

use ratatui::layout::Rect;

use crate::model::Fault;
use crate::model::RecordIx;
use crate::model::Trajectory;
use crate::theme::Highlighter;
use crate::ui::action::Action;
use crate::ui::action::CopyWhat;
use crate::ui::action::FoldChange;
use crate::ui::action::Landmark;
use crate::ui::action::Motion;
use crate::ui::action::Toward;
use crate::ui::effect::Effect;
use crate::ui::effect::PatchJob;
use crate::ui::event::Generation;
use crate::ui::event::PageKey;
use crate::ui::layout;
use crate::ui::page::EvidenceId;
use crate::ui::page::Ink;
use crate::ui::page::Inks;
use crate::ui::page::LandmarkKind;
use crate::ui::page::PageOptions;
use crate::ui::page::PatchPage;
use crate::ui::page::Place;
use crate::ui::view::Cx;
use crate::ui::view::patch::find::Finding;
use crate::ui::widget::cursor::Cursor;
use crate::ui::widget::viewport::Lens;
use crate::ui::widget::viewport::Viewport;

/// The page that was built, with its colours so far and where the user is on it.
#[derive(Debug)]
struct Held {
    key: PageKey,
    trajectory: Arc<Trajectory>,
    patch: PatchPage,
    inks: Inks,
    viewport: Viewport,
    /// The line whose window's colours are being made, and how many stretches of it are still to come.
    inks_asked: Option<(usize, usize)>,
}

/// What the record turned out to be.
#[derive(Debug)]
enum Content {
    Reading,
    Fault(Fault),
    Read(Box<Held>),
}

/// State of the patch screen.
#[derive(Debug)]
pub struct PatchView {
    record: RecordIx,
    opened: Generation,
    content: Content,
    files: Cursor,
    are_files_focused: bool,
    shows_reference: bool,
    asked: Option<PageKey>,
    /// The evidence to go to once it is there.
    target: Option<EvidenceId>,
    /// The place that was gone to last, until the page is moved by hand.
    focus: Option<Place>,
    /// The mark it is, where it is one.
    mark: Option<usize>,
    find: Option<Finding>,
    find_generation: Generation,
}

impl PatchView {
    /// Opens a record's patch, at a piece of evidence where one is given; its content comes later.
    pub fn new(record: RecordIx, opened: Generation, target: Option<EvidenceId>) -> Self {
        Self {
            record,
            opened,
            content: Content::Reading,
            files: Cursor::default(),
            are_files_focused: false,
            shows_reference: false,
            asked: None,
            target,
            focus: None,
            mark: None,
            find: None,
            // numbers of different openings never meet
            find_generation: Generation(opened.0 << 32),
        }
    }

    /// The record shown.
    pub fn record(&self) -> RecordIx {
        self.record
    }

    /// Asks for the record again, keeping the place.
    pub fn reopen(&mut self, opened: Generation) {
        self.opened = opened;
        self.asked = None;
        if matches!(self.content, Content::Fault(_)) {
            self.content = Content::Reading;
        }
    }

    /// Whether the files have the keys.
    pub fn are_files_focused(&self) -> bool {
        self.are_files_focused
    }

    /// Whether a reference patch is known; `None` until the patch is read.
    pub fn has_reference(&self) -> Option<bool> {
        self.held().map(|held| held.patch.has_reference)
    }

    fn held(&self) -> Option<&Held> {
        match &self.content {
            Content::Read(held) => Some(held),
            Content::Reading | Content::Fault(_) => None,
        }
    }

    fn held_mut(&mut self) -> Option<&mut Held> {
        match &mut self.content {
            Content::Read(held) => Some(held),
            Content::Reading | Content::Fault(_) => None,
        }
    }

    fn files_height(&self, cx: &Cx<'_>) -> usize {
        usize::from(
            layout::patch(cx.screen, self.are_files_focused)
                .files
                .height,
        )
    }

    /// Carries out an action; `false` when it means nothing here.
    pub fn apply(
        &mut self,
        action: Action,
        count: Option<usize>,
        cx: &Cx<'_>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        match action {
            Action::Move(motion @ (Motion::Left | Motion::Right)) => {
                self.move_page(motion, count, cx);
            }
            Action::Move(motion) if self.are_files_focused => {
                let (len, height) = (self.file_count(), self.files_height(cx));
                self.files.apply(motion, count, len, height);
                self.go_to_file(self.files.at, cx);
            }
            Action::Move(motion) => self.move_page(motion, count, cx),
            Action::Jump(Landmark::Hunk, toward) => self.jump_hunk(toward, count, cx),
            Action::Jump(Landmark::Hit, toward) => self.jump_hit(toward, count.unwrap_or(1), cx),
            Action::Jump(Landmark::Evidence, toward) => self.jump_mark(toward, count, cx),
            Action::Pane(_) => {
                self.are_files_focused = !self.are_files_focused && self.file_count() > 0;
                if self.are_files_focused {
                    let (at, len) = (self.current_file(), self.file_count());
                    self.files.go(at.unwrap_or(0), len, self.files_height(cx));
                }
            }
            Action::Open if self.are_files_focused => self.are_files_focused = false,
            Action::Open => self.fold(FoldChange::Toggle, cx),
            Action::Fold(change) => self.fold(change, cx),
            Action::ToggleReference => self.shows_reference = !self.shows_reference,
            Action::Copy(what) => return self.copy(what, effects),
            Action::Edit | Action::Page => {
                let patch = self
                    .held()
                    .and_then(|held| held.trajectory.final_patch.as_deref());
                let Some(patch) = patch else { return false };
                effects.push(Effect::External(patch.to_owned(), action == Action::Edit));
            }
            _ => return false,
        }
        true
    }

    /// Closes what `Esc` closes here, topmost first: the search, then the files' focus. `false` when there is nothing.
    pub fn escape(&mut self, effects: &mut Vec<Effect>) -> bool {
        if self.find.take().is_some() {
            effects.push(Effect::StopFind);
            return true;
        }
        std::mem::take(&mut self.are_files_focused)
    }

    fn copy(&self, what: CopyWhat, effects: &mut Vec<Effect>) -> bool {
        match what {
            CopyWhat::Patch => {
                let Some(held) = self.held() else { return true };
                let patch = held.trajectory.final_patch.as_deref().unwrap_or_default();
                effects.push(Effect::Copy(patch.to_owned(), "patch"));
            }
            CopyWhat::Id => effects.push(Effect::CopyName(self.record, false)),
            CopyWhat::Reference => effects.push(Effect::CopyName(self.record, true)),
            CopyWhat::Record => effects.push(Effect::CopyRecord(self.record)),
            CopyWhat::Step | CopyWhat::Command | CopyWhat::Observation => return false,
        }
        true
    }

    fn file_count(&self) -> usize {
        self.held().map_or(0, |held| held.patch.files.len())
    }

    /// Where the user is: the place that was gone to, else the top of the window.
    fn here(&self) -> Option<Place> {
        let held = self.held()?;
        let top = || held.patch.page.place(held.viewport.line);
        Some(self.focus.unwrap_or_else(top))
    }

    /// The file that the user is in; `None` above the first.
    fn current_file(&self) -> Option<usize> {
        let (held, place) = (self.held()?, self.here()?);
        let after = held.patch.files.partition_point(|file| file.place <= place);
        after.checked_sub(1)
    }

    /// The name of the file that the user is in.
    pub fn current_path(&self) -> Option<String> {
        let file = self.held()?.patch.files.get(self.current_file()?)?;
        Some(file.path.clone())
    }

    fn go_to_file(&mut self, file: usize, cx: &Cx<'_>) {
        let place = self
            .held()
            .and_then(|held| held.patch.files.get(file))
            .map(|file| file.place);
        let moved = place.and_then(|place| {
            let (mut viewport, lens) = self.lens(cx)?;
            viewport.go(lens.page.line_of(place), &lens);
            Some(viewport)
        });
        (self.focus, self.mark) = (place, None);
        self.set_viewport(moved);
    }

    fn fold(&mut self, change: FoldChange, cx: &Cx<'_>) {
        /// A file's title and what stands between it and its changes.
        const HEAD_LINES: usize = 16;
        let line = match (self.are_files_focused, self.held()) {
            (true, Some(held)) => held.patch.files.get(self.files.at).and_then(|file| {
                let first = held.patch.page.line_of(file.place);
                let mut lines = first..first + HEAD_LINES;
                lines.find(|line| held.patch.page.is_fold_line(*line))
            }),
            _ => self
                .lens(cx)
                .and_then(|(viewport, lens)| viewport.fold_line(&lens)),
        };
        let Some(held) = self.held_mut() else { return };
        match change {
            FoldChange::Toggle => {
                if let Some(fold) = line.and_then(|line| held.patch.page.fold_at(line)) {
                    held.patch.page.toggle(fold);
                    // what was inside the fold is above the window no longer
                    held.viewport.line = held.viewport.line.min(held.patch.page.fold_line(fold));
                }
            }
            FoldChange::OpenAll => held.patch.page.set_all_folds(true),
            FoldChange::CloseAll => held.patch.page.set_all_folds(false),
        }
        held.inks_asked = None;
        self.fit(cx);
    }

    fn move_page(&mut self, motion: Motion, count: Option<usize>, cx: &Cx<'_>) {
        let moved = self.lens(cx).map(|(mut viewport, lens)| {
            viewport.apply(motion, count, &lens);
            viewport
        });
        (self.focus, self.mark) = (None, None);
        self.set_viewport(moved);
    }

    fn set_viewport(&mut self, viewport: Option<Viewport>) {
        if let (Some(viewport), Some(held)) = (viewport, self.held_mut()) {
            held.viewport = viewport;
        }
    }

    fn jump_hunk(&mut self, toward: Toward, count: Option<usize>, cx: &Cx<'_>) {
        let Some(here) = self.here() else { return };
        let moved = self.lens(cx).and_then(|(mut viewport, lens)| {
            let marks = lens.page.landmarks();
            let from = lens.page.line_of(here);
            let hunks: Vec<usize> = marks
                .iter()
                .filter(|(_, kind)| *kind == LandmarkKind::Hunk)
                .map(|(line, _)| *line)
                .collect();
            let times = count.unwrap_or(1);
            let at = match toward {
                Toward::Next => {
                    let after = hunks.partition_point(|line| *line <= from);
                    (after + times - 1).min(hunks.len().saturating_sub(1))
                }
                Toward::Previous => {
                    let before = hunks.partition_point(|line| *line < from);
                    before.saturating_sub(times)
                }
            };
            let line = *hunks.get(at)?;
            viewport.go(line, &lens);
            Some((viewport, lens.page.place(line)))
        });
        if let Some((viewport, place)) = moved {
            (self.focus, self.mark) = (Some(place), None);
            self.set_viewport(Some(viewport));
        }
    }

    /// Goes to the next place that a filter speaks of: from the last one, or from where the user is.
    fn jump_mark(&mut self, toward: Toward, count: Option<usize>, cx: &Cx<'_>) {
        let (Some(held), Some(here)) = (self.held(), self.here()) else {
            return;
        };
        let times = count.unwrap_or(1);
        let marks = &held.patch.marks;
        let at = match (toward, self.mark) {
            (Toward::Next, Some(mark)) => mark.saturating_add(times),
            (Toward::Next, None) => marks.partition_point(|mark| mark.place < here) + times - 1,
            (Toward::Previous, Some(mark)) => mark.saturating_sub(times),
            (Toward::Previous, None) => {
                let before = marks.partition_point(|mark| mark.place < here);
                before.saturating_sub(times)
            }
        };
        let last = marks.len().checked_sub(1);
        if let Some(last) = last {
            self.go_to_mark(at.min(last), cx);
        }
    }

    fn go_to_mark(&mut self, mark: usize, cx: &Cx<'_>) {
        let Some(held) = self.held_mut() else { return };
        let Some(place) = held.patch.marks.get(mark).map(|mark| mark.place) else {
            return;
        };
        let line = held.patch.page.reveal(place);
        held.inks_asked = None;
        let moved = self.lens(cx).map(|(mut viewport, lens)| {
            viewport.show(line, &lens);
            viewport
        });
        (self.focus, self.mark) = (Some(place), Some(mark));
        self.set_viewport(moved);
    }

    /// Goes to a piece of evidence, now or once the patch is there.
    pub fn go_to_evidence(&mut self, id: EvidenceId, cx: &Cx<'_>) {
        self.are_files_focused = false;
        match self.held().map(|held| held.patch.mark_of(id)) {
            Some(Some(mark)) => self.go_to_mark(mark, cx),
            Some(None) => {}
            None => self.target = Some(id),
        }
    }

    /// The line of the page that the last jump went to.
    fn focus_line(&self) -> Option<usize> {
        let focus = self.focus?;
        Some(self.held()?.patch.page.line_of(focus))
    }

    fn options(&self, cx: &Cx<'_>) -> PageOptions {
        let width = page_text(layout::patch(cx.screen, false).page).width;
        PageOptions {
            is_blind: cx.data.desk.hides(self.record),
            ..cx.look.page_options(width)
        }
    }

    fn key(&self, cx: &Cx<'_>) -> PageKey {
        PageKey {
            opened: self.opened,
            row: usize::from(self.shows_reference),
            folding: 0,
            is_raw: false,
            layout: self.options(cx).layout_key(),
        }
    }

    fn lens<'a>(&'a self, cx: &Cx<'a>) -> Option<(Viewport, Lens<'a>)> {
        let held = self.held()?;
        let area = page_text(layout::patch(cx.screen, false).page);
        let lens = Lens {
            page: &held.patch.page,
            inks: &held.inks,
            theme: cx.theme,
            width: area.width,
            height: area.height,
            is_wrapped: cx.look.is_wrapped,
        };
        Some((held.viewport, lens))
    }

    /// Makes cursor and window agree with screen and page.
    pub fn fit(&mut self, cx: &Cx<'_>) {
        let (len, height) = (self.file_count(), self.files_height(cx));
        if !self.are_files_focused {
            self.files.at = self.current_file().unwrap_or(0);
        }
        self.files.fit(len, height.max(1));
        let fitted = self.lens(cx).map(|(mut viewport, lens)| {
            viewport.fit(&lens);
            viewport
        });
        self.set_viewport(fitted);
    }

    /// Asks for what the screen lacks: the page in this layout, and the colours of the visible lines.
    pub fn sync(
        &mut self,
        cx: &Cx<'_>,
        highlighter: Option<&Arc<Highlighter>>,
        effects: &mut Vec<Effect>,
    ) {
        self.fit(cx);
        let key = self.key(cx);
        let is_held = self.held().is_some_and(|held| held.key == key);
        if !is_held && self.asked != Some(key) && !matches!(self.content, Content::Fault(_)) {
            self.asked = Some(key);
            effects.push(Effect::Patch(Box::new(PatchJob {
                key,
                record: self.record,
                shows_reference: self.shows_reference,
                options: self.options(cx),
            })));
        }
        let wanted = self.lens(cx).map(|(viewport, lens)| {
            let jobs = lens.page.wants(viewport.visible(&lens), lens.inks);
            (viewport.line, jobs)
        });
        if let (Some((line, jobs)), Some(highlighter), Some(held)) =
            (wanted, highlighter, self.held_mut())
            && !jobs.is_empty()
            && held.inks_asked.is_none_or(|(asked, _)| asked != line)
        {
            held.inks_asked = Some((line, jobs.len()));
            effects.push(Effect::Ink(held.key, jobs, Arc::clone(highlighter)));
        }
    }

    /// Takes the page that was built; the window stays in the file it was in.
    pub fn built(
        &mut self,
        key: PageKey,
        patch: Result<(Arc<Trajectory>, Box<PatchPage>), Fault>,
        cx: &Cx<'_>,
        effects: &mut Vec<Effect>,
    ) {
        if self.asked != Some(key) {
            return;
        }
        self.asked = None;
        let (trajectory, patch) = match patch {
            Ok(read) => read,
            Err(fault) => {
                self.content = Content::Fault(fault);
                return;
            }
        };
        let before = self.current_file().and_then(|at| {
            let held = self.held()?;
            let file = held.patch.files.get(at)?;
            let from = held.patch.page.line_of(file.place);
            Some((file.path.clone(), held.viewport.line.saturating_sub(from)))
        });
        let mark = self
            .mark
            .take()
            .and_then(|at| self.held()?.patch.marks.get(at));
        let mark = mark.and_then(|mark| mark.of.first().copied());
        let viewport = before.and_then(|(path, below)| {
            let file = patch.files.iter().find(|file| file.path == path)?;
            let line = patch.page.line_of(file.place) + below;
            Some(Viewport {
                line,
                ..Viewport::default()
            })
        });
        self.focus = None;
        self.content = Content::Read(Box::new(Held {
            key,
            trajectory,
            patch: *patch,
            inks: Inks::default(),
            viewport: viewport.unwrap_or_default(),
            inks_asked: None,
        }));
        self.fit(cx);
        if let Some(id) = self.target.take().or(mark) {
            self.go_to_evidence(id, cx);
        }
        self.find_again(effects);
    }

    /// Takes colours; `false` when they are not of this page.
    pub fn inked(&mut self, key: PageKey, ink: Ink) {
        if let Some(held) = self.held_mut().filter(|held| held.key == key) {
            held.inks.insert(ink);
            held.inks_asked = held
                .inks_asked
                .and_then(|(line, left)| (left > 1).then(|| (line, left - 1)));
        }
    }

    /// Forgets colours that depend on the theme.
    pub fn look_changed(&mut self) {
        if let Some(held) = self.held_mut() {
            held.inks = Inks::default();
            held.inks_asked = None;
        }
    }

    /// A click: a file, or a fold of the page.
    pub fn click(&mut self, x: u16, y: u16, cx: &Cx<'_>) {
        let places = layout::patch(cx.screen, self.are_files_focused);
        if places.files.contains((x, y).into()) {
            let file = self.files.top + usize::from(y - places.files.y);
            if file < self.file_count() {
                self.are_files_focused = true;
                let (len, height) = (self.file_count(), self.files_height(cx));
                self.files.go(file, len, height);
                self.go_to_file(file, cx);
            }
        } else if places.page.contains((x, y).into()) {
            self.are_files_focused = false;
            let fold = self.lens(cx).and_then(|(viewport, lens)| {
                let line = viewport.line_at(y - places.page.y, &lens)?;
                let fold = lens.page.fold_at(line)?;
                lens.page.is_fold_line(line).then_some(fold)
            });
            if let (Some(fold), Some(held)) = (fold, self.held_mut()) {
                held.patch.page.toggle(fold);
                held.inks_asked = None;
            }
        }
        self.fit(cx);
    }

    /// The wheel over a pane.
    pub fn wheel(&mut self, x: u16, y: u16, rows: isize, cx: &Cx<'_>) {
        let places = layout::patch(cx.screen, self.are_files_focused);
        if places.files.contains((x, y).into()) {
            let (len, height) = (self.file_count(), self.files_height(cx));
            self.files.scroll(rows, len, height);
            return;
        }
        let moved = self.lens(cx).map(|(mut viewport, lens)| {
            viewport.scroll(rows, &lens);
            viewport
        });
        (self.focus, self.mark) = (None, None);
        self.set_viewport(moved);
    }
}

/// The page's pane without the air at its left.
fn page_text(area: Rect) -> Rect {
    Rect {
        x: area.x + area.width.min(1),
        width: area.width.saturating_sub(1),
        ..area
    }
}
