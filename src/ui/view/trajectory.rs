//! One trajectory: its steps at the left, the page of the step at the right, a minimap between them.

mod copy;
mod draw;
mod find;
mod jump;
mod mouse;
mod pages;
mod range;
mod rows;
mod task;

use std::sync::Arc;

use ratatui::layout::Rect;
use regex::Regex;

use crate::model::Fault;
use crate::model::RecordIx;
use crate::model::StepIx;
use crate::model::Trajectory;
use crate::model::child_path;
use crate::text::human;
use crate::ui::action::Action;
use crate::ui::action::FoldChange;
use crate::ui::action::Landmark;
use crate::ui::action::Motion;
use crate::ui::action::Toward;
use crate::ui::data::Facts;
use crate::ui::data::Outline;
use crate::ui::effect::Effect;
use crate::ui::effect::PageUse;
use crate::ui::event::Generation;
use crate::ui::event::PageKey;
use crate::ui::layout;
use crate::ui::page::FilePlace;
use crate::ui::page::Inks;
use crate::ui::page::Page;
use crate::ui::page::Place;
use crate::ui::page::Subject;
use crate::ui::view::Cx;
use crate::ui::view::trajectory::draw::MapCell;
use crate::ui::view::trajectory::find::Finding;
use crate::ui::view::trajectory::rows::Row;
use crate::ui::view::trajectory::rows::Unfolded;
use crate::ui::widget::cursor::Cursor;
use crate::ui::widget::viewport::Viewport;

/// A page that was built, with its colours so far and where the user was on it.
#[derive(Debug)]
struct Held {
    key: PageKey,
    page: Page,
    inks: Inks,
    viewport: Viewport,
    /// The window whose colours are being made, and how many stretches of it are still to come.
    inks_asked: Option<(usize, usize)>,
}

/// Where to go on a page once it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrival {
    FirstHunk,
    LastHunk,
    Place(Place),
}

/// What a record turned out to be.
#[derive(Debug)]
enum Content {
    Reading,
    Fault(Fault),
    Read(Arc<Trajectory>, Arc<Outline>),
}

/// A step to go to once the record is read, and what to look for there.
#[derive(Debug, Clone)]
pub struct Target {
    /// The sub-agents on the way to it, from the outside in; empty for the trajectory itself.
    pub children: Vec<usize>,
    /// The step, from 0.
    pub step: usize,
    /// What is searched for, from that step on.
    pub pattern: Option<Regex>,
}

/// What was asked for of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Steps,
    Task,
}

/// State of the trajectory screen.
#[derive(Debug)]
pub struct TrajectoryView {
    record: RecordIx,
    opened: Generation,
    content: Content,
    unfolded: Unfolded,
    rows: Arc<Vec<Row>>,
    folding: u32,
    shown: Shown,
    /// Of a task: the records that attempt it, as far as they are known.
    attempts: Vec<RecordIx>,
    /// The record is being read anew: what is shown is of the old one.
    is_reopening: bool,
    cursor: Cursor,
    is_page_focused: bool,
    is_raw: bool,
    /// The row where a range of steps began.
    range_from: Option<usize>,
    /// Pages by recency, the newest last.
    held: Vec<Held>,
    asked: Vec<PageKey>,
    arrival: Option<(usize, Arrival)>,
    target: Option<Target>,
    find: Option<Finding>,
    find_generation: Generation,
    map: Vec<MapCell>,
    map_of: (usize, u16),
}

impl TrajectoryView {
    const HELD: usize = 12;

    /// Opens a record; its content comes later.
    pub fn new(record: RecordIx, opened: Generation) -> Self {
        Self {
            record,
            opened,
            content: Content::Reading,
            unfolded: Unfolded::default(),
            rows: Arc::default(),
            folding: 0,
            shown: Shown::Steps,
            attempts: Vec::new(),
            is_reopening: false,
            cursor: Cursor::default(),
            is_page_focused: false,
            is_raw: false,
            range_from: None,
            held: Vec::new(),
            asked: Vec::new(),
            arrival: None,
            target: None,
            find: None,
            // numbers of different openings never meet
            find_generation: Generation(opened.0 << 32),
            map: Vec::new(),
            map_of: (0, 0),
        }
    }

    /// Shows the task of the record in place of its steps.
    #[must_use]
    pub fn of_its_task(mut self) -> Self {
        self.shown = Shown::Task;
        self
    }

    /// Goes to a step as soon as the record is read.
    #[must_use]
    pub fn bound_for(mut self, target: Target) -> Self {
        self.bind_for(target);
        self
    }

    /// The same of one that is not read yet.
    pub fn bind_for(&mut self, target: Target) {
        self.target = Some(target);
    }

    /// The record shown.
    pub fn record(&self) -> RecordIx {
        self.record
    }

    /// The number of its opening.
    pub fn opened(&self) -> Generation {
        self.opened
    }

    /// Asks for the record again, keeping place and folds.
    pub fn reopen(&mut self, opened: Generation) {
        self.opened = opened;
        self.is_reopening = true;
        self.held.clear();
        self.asked.clear();
    }

    /// Whether the page has the keys.
    pub fn is_page_focused(&self) -> bool {
        self.is_page_focused
    }

    /// The trajectory, once it is read.
    pub fn trajectory(&self) -> Option<&Arc<Trajectory>> {
        match &self.content {
            Content::Read(trajectory, _) => Some(trajectory),
            _ => None,
        }
    }

    /// Row of the cursor and how many there are.
    pub fn position(&self) -> (usize, usize) {
        (self.cursor.at, self.rows.len())
    }

    /// Where the cursor is, in the numbers that pages, references and `show --step` use: `step 16/26`, `task`,
    /// `child /1 step 2/9`.
    pub fn place_text(&self) -> String {
        let Some(row) = self.row() else {
            return String::new();
        };
        let steps = self
            .trajectory()
            .and_then(|t| t.descendant(&row.path))
            .map_or(0, |t| t.steps.len());
        let place = match row.subject {
            Subject::Task => "task".to_owned(),
            Subject::End => "end".to_owned(),
            Subject::Place(_) => "place".to_owned(),
            Subject::Attempt(_) => "attempt".to_owned(),
            Subject::Child(_) => String::new(),
            Subject::Step(ix) => {
                let last = human::count(steps.saturating_sub(1));
                format!("step {}/{last}", human::count(ix.0))
            }
        };
        match child_path(&row.children()).as_str() {
            "" => place,
            child if place.is_empty() => format!("child {child}"),
            child => format!("child {child} {place}"),
        }
    }

    /// Takes the record's content; `step` (from 0) puts the cursor there.
    pub fn opened_as(
        &mut self,
        content: Result<(Arc<Trajectory>, Arc<Outline>), Fault>,
        step: Option<usize>,
        cx: &Cx<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let was_reading = matches!(self.content, Content::Reading);
        self.is_reopening = false;
        match content {
            Ok((trajectory, outline)) => {
                self.content = Content::Read(trajectory, outline);
                self.refresh_rows();
                if was_reading && let Some(step) = step {
                    let is_wanted = |row: &Row| {
                        row.path.is_empty()
                            && matches!(row.subject, Subject::Step(ix) if ix.0 >= step)
                    };
                    let at = self.rows.iter().position(is_wanted).unwrap_or(usize::MAX);
                    self.go(at, cx);
                }
            }
            Err(fault) => self.content = Content::Fault(fault),
        }
        if let Some(target) = self.target.take() {
            self.go_to_target(target, cx, effects);
        }
        self.fit(cx);
    }

    /// What the rows of a task are made of; `None` where the steps are shown.
    fn of_task<'a>(
        &self,
        outline: &Outline,
        attempts: &'a [RecordIx],
    ) -> Option<(usize, &'a [RecordIx])> {
        self.shows_task()
            .then_some((outline.places.len(), attempts))
    }

    /// Whether the task is shown in place of the steps: it was asked for, or there are none.
    pub fn shows_task(&self) -> bool {
        self.shown == Shown::Task
            || self
                .trajectory()
                .is_some_and(|trajectory| trajectory.is_task())
    }

    /// Takes the records that attempt the task.
    pub fn attempted(&mut self, attempts: Vec<RecordIx>, cx: &Cx<'_>) {
        if self.attempts != attempts {
            let here = self.row().map(|row| row.subject);
            self.attempts = attempts;
            self.refresh_rows();
            if let Some(subject) = here {
                self.go_to(&[], subject, cx);
            }
            self.fit(cx);
        }
    }

    /// The record under the cursor, where it is an attempt at the task.
    pub fn attempt(&self) -> Option<RecordIx> {
        match self.row().filter(|_| !self.is_page_focused)?.subject {
            Subject::Attempt(ix) => Some(ix),
            _ => None,
        }
    }

    /// The record that keys are about: the attempt under the cursor of a task, else the one that is shown.
    pub fn subject_record(&self) -> RecordIx {
        match self.row().map(|row| row.subject) {
            Some(Subject::Attempt(ix)) => ix,
            _ => self.record(),
        }
    }

    fn go_to_target(&mut self, target: Target, cx: &Cx<'_>, effects: &mut Vec<Effect>) {
        let subject = Subject::Step(StepIx(target.step));
        self.unfold_to(&target.children, subject);
        let at = self.go_to(&target.children, subject, cx);
        if let (Some(at), Some(pattern)) = (at, target.pattern) {
            self.start_find(pattern, at, cx, effects);
        }
    }

    /// Goes to a step of the trajectory, or of a child of it.
    pub fn go_to_step(&mut self, children: &[usize], step: usize, cx: &Cx<'_>) {
        let subject = Subject::Step(StepIx(step));
        self.unfold_to(children, subject);
        self.go_to(children, subject, cx);
        self.fit(cx);
    }

    /// The step under the cursor, and the file that it is about.
    pub fn file_place(&self) -> FilePlace {
        let Some(row) = self.row() else {
            return FilePlace::default();
        };
        let trajectory = self.trajectory().and_then(|t| t.descendant(&row.path));
        let step = match row.subject {
            Subject::Task => Some(0),
            Subject::Step(ix) => Some(ix.0),
            Subject::End | Subject::Child(_) | Subject::Place(_) | Subject::Attempt(_) => None,
        };
        let actions = step.and_then(|step| Some(&trajectory?.steps.get(step)?.actions));
        let edited =
            actions.and_then(|actions| actions.iter().find_map(|action| action.edits.first()));
        let viewed = || {
            let views = actions?.iter().filter_map(|action| action.view.as_ref());
            views
                .filter(|view| view.text.is_some())
                .map(|view| view.path.clone())
                .next()
        };
        FilePlace {
            children: row.path.clone(),
            step,
            path: edited.map(|edit| edit.path.clone()).or_else(viewed),
        }
    }

    fn refresh_rows(&mut self) {
        if let Content::Read(trajectory, outline) = &self.content {
            let of_task = self.of_task(outline, &self.attempts);
            self.rows = Arc::new(rows::flatten(trajectory, &self.unfolded, of_task));
            self.folding += 1;
            self.map_of = (0, 0);
            self.held.clear();
            self.asked.clear();
        }
    }

    fn steps_height(&self, cx: &Cx<'_>) -> usize {
        usize::from(
            layout::trajectory(cx.screen, self.is_page_focused)
                .steps
                .height,
        )
    }

    fn go(&mut self, row: usize, cx: &Cx<'_>) {
        let (len, height) = (self.rows.len(), self.steps_height(cx));
        self.cursor.go(row, len, height);
    }

    fn row(&self) -> Option<&Row> {
        self.rows.get(self.cursor.at)
    }

    /// Puts the cursor where it was before rows were folded or unfolded.
    fn go_to(&mut self, path: &[usize], subject: Subject, cx: &Cx<'_>) -> Option<usize> {
        let at = self.rows.iter().position(|row| row.covers(path, subject))?;
        self.go(at, cx);
        Some(at)
    }

    /// Opens the folds that hide a row.
    fn unfold_to(&mut self, path: &[usize], subject: Subject) {
        if self.unfolded.open(path) {
            self.refresh_rows();
        }
        let run = self
            .rows
            .iter()
            .find(|row| row.run > 1 && row.covers(path, subject));
        if let Some(Row {
            subject: Subject::Step(first),
            ..
        }) = run
        {
            let first = first.0;
            self.unfolded.toggle_run(path, first);
            self.refresh_rows();
        }
    }

    fn facts(&self, row: &Row) -> Facts {
        let Content::Read(_, outline) = &self.content else {
            return Facts::default();
        };
        match row.subject {
            Subject::Step(ix) => outline
                .inner(&row.path)
                .and_then(|o| o.steps.get(ix.0))
                .copied()
                .unwrap_or_default(),
            _ => Facts::default(),
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
        let height = self.steps_height(cx);
        match action {
            Action::Move(motion) if self.is_page_focused => self.move_page(motion, count, cx),
            Action::Move(motion @ (Motion::Left | Motion::Right)) => {
                self.move_page(motion, count, cx);
            }
            Action::Move(motion) => self.cursor.apply(motion, count, self.rows.len(), height),
            Action::Step(toward) => {
                let motion = if toward == Toward::Next {
                    Motion::Down
                } else {
                    Motion::Up
                };
                self.cursor.apply(motion, count, self.rows.len(), height);
            }
            Action::StepEnd(toward) => {
                let motion = if toward == Toward::Next {
                    Motion::Bottom
                } else {
                    Motion::Top
                };
                self.cursor.apply(motion, None, self.rows.len(), height);
            }
            Action::Jump(Landmark::Hunk, toward) => self.jump_hunk(toward, cx),
            Action::Jump(Landmark::Hit, toward) => self.jump_hit(toward, count.unwrap_or(1), cx),
            Action::Jump(landmark, toward) => {
                self.jump_row(landmark, toward, count.unwrap_or(1), cx);
            }
            Action::Pane(_) => self.is_page_focused = !self.is_page_focused,
            Action::Open => self.open(cx),
            Action::Fold(change) => return self.fold(change, cx),
            Action::ToggleRaw => self.is_raw = !self.is_raw,
            Action::Range => self.toggle_range(),
            Action::Copy(what) => self.copy(what, cx, effects),
            Action::Edit => self.use_text(PageUse::Editor, cx, effects),
            Action::Page => self.use_text(PageUse::Pager, cx, effects),
            _ => return false,
        }
        true
    }

    /// Closes what `Esc` closes here, topmost first: the range, the search, then the page's focus. `false` when there is
    /// nothing.
    pub fn escape(&mut self, effects: &mut Vec<Effect>) -> bool {
        if self.end_range() {
            return true;
        }
        if self.find.take().is_some() {
            effects.push(Effect::StopFind);
            return true;
        }
        std::mem::take(&mut self.is_page_focused)
    }

    /// Enter: unfolds a child under the cursor, else gives the keys to the page; on the page, toggles its fold.
    fn open(&mut self, cx: &Cx<'_>) {
        if self.is_page_focused {
            let _nothing_folds = !self.fold(FoldChange::Toggle, cx);
        } else if !self.toggle_row() {
            self.is_page_focused = true;
        }
    }

    /// Folds or unfolds what the row stands for: a child, or a run of bookkeeping.
    fn toggle_row(&mut self) -> bool {
        let Some(row) = self.row().cloned() else {
            return false;
        };
        match row.subject {
            Subject::Child(ix) => {
                let mut path = row.path;
                path.push(ix);
                self.unfolded.toggle(path);
            }
            Subject::Step(first) if row.run > 1 => self.unfolded.toggle_run(&row.path, first.0),
            _ => return false,
        }
        self.refresh_rows();
        true
    }

    /// Folds or unfolds; `false` where nothing folds.
    fn fold(&mut self, change: FoldChange, cx: &Cx<'_>) -> bool {
        if !self.is_page_focused && change == FoldChange::Toggle && self.toggle_row() {
            return true;
        }
        let key = self.key(self.cursor.at, cx);
        let target = self
            .lens(cx)
            .and_then(|(viewport, lens)| viewport.fold_line(&lens));
        let Some(held) = self.held.iter_mut().find(|held| Some(held.key) == key) else {
            return true;
        };
        if !held.page.has_folds() {
            return false;
        }
        match change {
            FoldChange::Toggle => {
                let Some(fold) = target.and_then(|line| held.page.fold_at(line)) else {
                    return false;
                };
                held.page.toggle(fold);
            }
            FoldChange::OpenAll => held.page.set_all_folds(true),
            FoldChange::CloseAll => held.page.set_all_folds(false),
        }
        held.inks_asked = None;
        self.fit(cx);
        true
    }

    fn move_page(&mut self, motion: Motion, count: Option<usize>, cx: &Cx<'_>) {
        let moved = self.lens(cx).map(|(mut viewport, lens)| {
            viewport.apply(motion, count, &lens);
            viewport
        });
        self.set_viewport(moved, cx);
    }

    /// Makes cursor, window and minimap agree with screen and rows.
    pub fn fit(&mut self, cx: &Cx<'_>) {
        let places = layout::trajectory(cx.screen, self.is_page_focused);
        if places.steps.height > 0 && places.steps.width > 0 {
            self.cursor
                .fit(self.rows.len(), usize::from(places.steps.height));
        } else {
            self.cursor.at = self.cursor.at.min(self.rows.len().saturating_sub(1));
        }
        let fitted = self.lens(cx).map(|(mut viewport, lens)| {
            viewport.fit(&lens);
            viewport
        });
        self.set_viewport(fitted, cx);
        let map_of = (self.rows.len(), places.minimap.height);
        if self.map_of != map_of && places.minimap.height > 0 {
            self.map_of = map_of;
            self.map = draw::map(&self.rows, |row| self.facts(row), places.minimap.height);
        }
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
