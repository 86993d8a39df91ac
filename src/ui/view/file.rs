//! A file as it stood after a step: the files of the workspace at the left, the file at the right, moving through time.

mod draw;
mod find;
mod tree;

use std::sync::Arc;

use ratatui::layout::Rect;

use crate::model::Fault;
use crate::model::RecordIx;
use crate::model::Trajectory;
use crate::theme::Highlighter;
use crate::ui::action::Action;
use crate::ui::action::CopyWhat;
use crate::ui::action::Landmark;
use crate::ui::action::Motion;
use crate::ui::action::Toward;
use crate::ui::effect::Effect;
use crate::ui::effect::FileJob;
use crate::ui::event::Generation;
use crate::ui::event::PageKey;
use crate::ui::event::Rebuilt;
use crate::ui::layout;
use crate::ui::page::FileLine;
use crate::ui::page::FilePage;
use crate::ui::page::FilePlace;
use crate::ui::page::FileWish;
use crate::ui::page::Ink;
use crate::ui::page::Inks;
use crate::ui::page::LandmarkKind;
use crate::ui::page::PageOptions;
use crate::ui::view::Cx;
use crate::ui::view::file::find::Finding;
use crate::ui::view::file::tree::TreeRow;
use crate::ui::widget::cursor::Cursor;
use crate::ui::widget::viewport::Lens;
use crate::ui::widget::viewport::Viewport;
use crate::workspace::History;

/// The page that was built, with its colours so far and where the user is on it.
#[derive(Debug)]
struct Held {
    key: PageKey,
    trajectory: Arc<Trajectory>,
    history: Arc<History>,
    file: Box<FilePage>,
    tree: Vec<TreeRow>,
    inks: Inks,
    viewport: Viewport,
    inks_asked: Option<(usize, usize)>,
}

/// What the record turned out to be.
#[derive(Debug)]
enum Content {
    Reading,
    Fault(Fault),
    Read(Box<Held>),
}

/// What is shown of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Its lines.
    Whole,
    /// What changed since this moment.
    Since(usize),
}

/// State of the screen.
#[derive(Debug)]
pub struct FileView {
    record: RecordIx,
    opened: Generation,
    children: Vec<usize>,
    content: Content,
    wish: FileWish,
    /// Counts the wishes: pages of other ones are late.
    wishes: usize,
    mode: Mode,
    /// The moment that was marked, to compare with.
    mark: Option<usize>,
    files: Cursor,
    are_files_focused: bool,
    /// The line under the cursor.
    line: usize,
    asked: Option<PageKey>,
    find: Option<Finding>,
    find_generation: Generation,
}

impl FileView {
    /// Opens a record's workspace; its content comes later.
    pub fn new(record: RecordIx, opened: Generation, place: FilePlace) -> Self {
        Self {
            record,
            opened,
            children: place.children,
            content: Content::Reading,
            wish: FileWish {
                path: place.path,
                moment: place.step.map_or(usize::MAX, |step| step.saturating_add(1)),
                since: None,
            },
            wishes: 0,
            mode: Mode::Whole,
            mark: None,
            files: Cursor::default(),
            are_files_focused: false,
            line: 0,
            asked: None,
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
        self.content = Content::Reading;
    }

    /// Whether the files have the keys.
    pub fn are_files_focused(&self) -> bool {
        self.are_files_focused
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
                self.scroll_sideways(motion, count, cx);
            }
            Action::Move(motion) if self.are_files_focused => self.move_files(motion, count, cx),
            Action::Move(motion) => self.move_line(motion, count, cx),
            Action::Step(toward) => self.step(toward, count.unwrap_or(1)),
            Action::StepEnd(Toward::Previous) => self.go_to_moment(0),
            Action::StepEnd(Toward::Next) => self.go_to_moment(usize::MAX),
            Action::Jump(Landmark::Edit, toward) => self.jump_touch(toward, count.unwrap_or(1)),
            Action::Jump(Landmark::Hunk, toward) => self.jump_hunk(toward, count.unwrap_or(1), cx),
            Action::Jump(Landmark::Hit, toward) => self.jump_hit(toward, count.unwrap_or(1), cx),
            Action::Pane(_) => {
                self.are_files_focused = !self.are_files_focused && self.file_count() > 0;
            }
            Action::Open if self.are_files_focused => self.are_files_focused = false,
            Action::Changes => self.toggle_changes(),
            Action::MarkMoment => self.toggle_mark(),
            Action::Copy(what) => return self.copy(what, effects),
            Action::Edit | Action::Page => {
                let Some(held) = self.held() else { return true };
                effects.push(Effect::External(
                    held.file.page.text(),
                    action == Action::Edit,
                ));
            }
            _ => return false,
        }
        true
    }

    /// Closes what `Esc` closes here, topmost first: the search, then the files' focus, then the comparison.
    pub fn escape(&mut self, effects: &mut Vec<Effect>) -> bool {
        if self.find.take().is_some() {
            effects.push(Effect::StopFind);
            return true;
        }
        if std::mem::take(&mut self.are_files_focused) {
            return true;
        }
        if self.mode != Mode::Whole {
            self.mode = Mode::Whole;
            self.wish_again();
            return true;
        }
        false
    }

    /// The step that wrote the line under the cursor, or showed it first; with the child it belongs to. `None` where the
    /// files have the keys, or nobody knows.
    pub fn blamed(&self) -> Option<(Vec<usize>, usize)> {
        let step = self.current_line()?.step?;
        (!self.are_files_focused).then(|| (self.children.clone(), step))
    }

    fn current_line(&self) -> Option<FileLine> {
        self.held()?.file.lines.get(self.line).copied()
    }

    fn copy(&self, what: CopyWhat, effects: &mut Vec<Effect>) -> bool {
        match what {
            CopyWhat::Reference => {
                let Some(held) = self.held() else { return true };
                let step = held.file.moment.checked_sub(1);
                let root = &held.trajectory;
                let text = root.source.child_reference(&root.id, &self.children, step);
                effects.push(Effect::Copy(text, "reference"));
            }
            CopyWhat::Id => effects.push(Effect::CopyName(self.record, false)),
            CopyWhat::Record => effects.push(Effect::CopyRecord(self.record)),
            CopyWhat::Patch => {
                let Some(held) = self.held() else { return true };
                let what = match self.mode {
                    Mode::Whole => "file",
                    Mode::Since(_) => "changes",
                };
                effects.push(Effect::Copy(held.file.page.text(), what));
            }
            CopyWhat::Step | CopyWhat::Command | CopyWhat::Observation => {
                return false;
            }
        }
        true
    }

    fn wish_again(&mut self) {
        self.wish.since = match self.mode {
            Mode::Whole => None,
            Mode::Since(moment) => Some(moment),
        };
        self.wishes += 1;
    }

    fn moment(&self) -> usize {
        self.held().map_or(self.wish.moment, |held| {
            self.wish.moment.min(held.history.steps())
        })
    }

    fn go_to_moment(&mut self, moment: usize) {
        let last = self.held().map_or(moment, |held| held.history.steps());
        let moment = moment.min(last);
        if moment != self.wish.moment {
            self.wish.moment = moment;
            // the file stays the one that is shown
            if self.wish.path.is_none() {
                let shown = self
                    .held()
                    .and_then(|held| held.file.files.get(held.file.at?));
                self.wish.path = shown.map(|file| file.path.clone());
            }
            self.wish_again();
        }
    }

    fn step(&mut self, toward: Toward, times: usize) {
        let moment = self.moment();
        self.go_to_moment(match toward {
            Toward::Next => moment.saturating_add(times),
            Toward::Previous => moment.saturating_sub(times),
        });
    }

    /// Goes to the next step that has to do with the file.
    fn jump_touch(&mut self, toward: Toward, times: usize) {
        let moment = self.moment();
        let Some(held) = self.held() else { return };
        let touches = &held.file.touches;
        let at = match toward {
            Toward::Next => touches
                .partition_point(|step| *step < moment)
                .checked_add(times - 1),
            Toward::Previous => {
                let here = touches.partition_point(|step| step + 1 < moment);
                here.checked_sub(times)
            }
        };
        if let Some(step) = at.and_then(|at| touches.get(at)).copied() {
            self.go_to_moment(step + 1);
        }
    }

    fn toggle_changes(&mut self) {
        let base = Mode::Since(self.mark.unwrap_or(0));
        self.mode = if self.mode == base { Mode::Whole } else { base };
        self.wish_again();
    }

    fn toggle_mark(&mut self) {
        let moment = self.moment();
        if self.mark == Some(moment) {
            self.mark = None;
            self.mode = Mode::Whole;
        } else {
            self.mark = Some(moment);
            if self.mode != Mode::Whole {
                self.mode = Mode::Since(moment);
            }
        }
        self.wish_again();
    }

    fn scroll_sideways(&mut self, motion: Motion, count: Option<usize>, cx: &Cx<'_>) {
        let moved = self.lens(cx).map(|(mut viewport, lens)| {
            viewport.apply(motion, count, &lens);
            viewport
        });
        self.set_viewport(moved);
    }

    fn move_line(&mut self, motion: Motion, count: Option<usize>, cx: &Cx<'_>) {
        let Some(len) = self.held().map(|held| held.file.lines.len()) else {
            return;
        };
        let height = usize::from(layout::patch(cx.screen, false).page.height);
        let mut cursor = Cursor {
            at: self.line,
            ..Cursor::default()
        };
        cursor.apply(motion, count, len, height.max(1));
        self.line = cursor.at;
        self.show_line(cx);
    }

    fn show_line(&mut self, cx: &Cx<'_>) {
        let line = self.line;
        let moved = self.lens(cx).map(|(mut viewport, lens)| {
            let visible = viewport.visible(&lens);
            let height = isize::try_from(lens.height).unwrap_or(1);
            // a neighbour of the window is scrolled to, anything further is gone to
            if line < visible.start && visible.start - line <= 2 {
                viewport.go(line, &lens);
            } else if line + 1 >= visible.end && line < visible.end + 2 && visible.start < line {
                while !viewport
                    .visible(&lens)
                    .contains(&(line + 1).min(lens.page.len().saturating_sub(1)))
                {
                    let before = viewport;
                    viewport.scroll(1, &lens);
                    if before == viewport {
                        break;
                    }
                }
            } else if !visible.contains(&line) {
                viewport.go(line, &lens);
                viewport.scroll(-(height / 3), &lens);
            }
            viewport
        });
        self.set_viewport(moved);
    }

    fn jump_hunk(&mut self, toward: Toward, times: usize, cx: &Cx<'_>) {
        let Some(held) = self.held() else { return };
        let marks = held.file.page.landmarks();
        let lines: Vec<usize> = marks
            .iter()
            .filter(|(_, kind)| *kind == LandmarkKind::Hunk)
            .map(|(line, _)| *line)
            .collect();
        let at = match toward {
            Toward::Next => lines
                .partition_point(|line| *line <= self.line)
                .checked_add(times - 1),
            Toward::Previous => lines
                .partition_point(|line| *line < self.line)
                .checked_sub(times),
        };
        if let Some(line) = at.and_then(|at| lines.get(at)) {
            self.line = *line;
            self.show_line(cx);
        }
    }

    fn set_viewport(&mut self, viewport: Option<Viewport>) {
        if let (Some(viewport), Some(held)) = (viewport, self.held_mut()) {
            held.viewport = viewport;
        }
    }

    fn options(cx: &Cx<'_>) -> PageOptions {
        let width = page_text(layout::patch(cx.screen, false).page).width;
        cx.look.page_options(width)
    }

    fn key(&self, cx: &Cx<'_>) -> PageKey {
        PageKey {
            opened: self.opened,
            row: self.wishes,
            folding: 0,
            is_raw: false,
            layout: Self::options(cx).layout_key(),
        }
    }

    fn lens<'a>(&'a self, cx: &Cx<'a>) -> Option<(Viewport, Lens<'a>)> {
        let held = self.held()?;
        let area = page_text(layout::patch(cx.screen, false).page);
        let lens = Lens {
            page: &held.file.page,
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
        let len = self.held().map_or(0, |held| held.file.lines.len());
        self.line = self.line.min(len.saturating_sub(1));
        let (rows, height) = (self.file_count(), self.files_height(cx));
        self.files.fit(rows, height.max(1));
        let fitted = self.lens(cx).map(|(mut viewport, lens)| {
            viewport.fit(&lens);
            viewport
        });
        self.set_viewport(fitted);
    }

    /// Asks for what the screen lacks: the page of this moment, and the colours of the visible lines.
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
            effects.push(Effect::File(Box::new(FileJob {
                key,
                record: self.record,
                children: self.children.clone(),
                wish: self.wish.clone(),
                history: self.held().map(|held| Arc::clone(&held.history)),
                options: Self::options(cx),
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

    /// Takes the page that was built; the cursor stays on the same line of code.
    pub fn built(
        &mut self,
        key: PageKey,
        built: Result<Rebuilt, Fault>,
        cx: &Cx<'_>,
        effects: &mut Vec<Effect>,
    ) {
        if self.asked != Some(key) {
            return;
        }
        self.asked = None;
        let built = match built {
            Ok(built) => built,
            Err(fault) => {
                self.content = Content::Fault(fault);
                return;
            }
        };
        let name = |file: &FilePage| {
            file.at
                .and_then(|at| file.files.get(at))
                .map(|file| file.path.clone())
        };
        let is_same = self
            .held()
            .is_some_and(|held| name(&held.file) == name(&built.page));
        let before = self.current_line().filter(|_| is_same);
        let above = self
            .held()
            .map_or(0, |held| self.line.saturating_sub(held.viewport.line));
        let left = self.held().map_or(0, |held| held.viewport.left);
        self.wish.moment = built.page.moment;
        let line = match before {
            Some(before) => same_line(&built.page, before),
            None => first_change(&built.page),
        };
        self.line = line;
        let tree = tree::rows(&built.page.files);
        self.files.at = tree::row_of(&tree, built.page.at).unwrap_or(self.files.at);
        self.content = Content::Read(Box::new(Held {
            key,
            trajectory: built.trajectory,
            history: built.history,
            file: built.page,
            tree,
            inks: Inks::default(),
            viewport: Viewport {
                line: line.saturating_sub(above),
                left,
                ..Viewport::default()
            },
            inks_asked: None,
        }));
        self.fit(cx);
        self.show_line(cx);
        self.find_again(effects);
    }

    /// Takes colours.
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

    /// A click: a file, or a line.
    pub fn click(&mut self, x: u16, y: u16, cx: &Cx<'_>) {
        let places = layout::patch(cx.screen, self.are_files_focused);
        if places.files.contains((x, y).into()) {
            self.are_files_focused = true;
            let row = self.files.top + usize::from(y - places.files.y);
            self.go_to_row(row, cx);
        } else if places.page.contains((x, y).into()) {
            self.are_files_focused = false;
            let line = self
                .lens(cx)
                .and_then(|(viewport, lens)| viewport.line_at(y - places.page.y, &lens));
            self.line = line.unwrap_or(self.line);
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
            let visible = viewport.visible(&lens);
            (viewport, visible)
        });
        if let Some((viewport, visible)) = moved {
            self.set_viewport(Some(viewport));
            self.line = self.line.clamp(
                visible.start,
                visible.end.saturating_sub(1).max(visible.start),
            );
        }
    }
}

/// The row of the line that was under the cursor: the same line of code, else the nearest number.
fn same_line(page: &FilePage, before: FileLine) -> usize {
    let by_id = before
        .id
        .and_then(|id| page.lines.iter().position(|line| line.id == Some(id)));
    by_id.unwrap_or_else(|| {
        let wanted = before.number.unwrap_or(1);
        let far = |line: &FileLine| {
            line.number
                .map_or(usize::MAX, |number| number.abs_diff(wanted))
        };
        let rows = page.lines.iter().enumerate();
        rows.min_by_key(|(_, line)| far(line))
            .map_or(0, |(row, _)| row)
    })
}

/// The first line that the last step changed; the top where it changed none.
fn first_change(page: &FilePage) -> usize {
    let marks = page.page.landmarks();
    let mut hunks = marks.iter().filter(|(_, kind)| *kind == LandmarkKind::Hunk);
    hunks.next().map_or(0, |(line, _)| *line)
}

/// The page's pane without the air at its left.
fn page_text(area: Rect) -> Rect {
    Rect {
        x: area.x + area.width.min(1),
        width: area.width.saturating_sub(1),
        ..area
    }
}
