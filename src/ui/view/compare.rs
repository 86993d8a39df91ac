//! Two attempts beside each other: aligned rows above, the pages of their steps below. Equal rows are folded, the first
//! divergence is marked.

mod draw;
mod find;
mod pages;
mod rows;

use std::sync::Arc;

use crate::model::Fault;
use crate::model::RecordIx;
use crate::model::StepIx;
use crate::ui::action::Action;
use crate::ui::action::CopyWhat;
use crate::ui::action::FoldChange;
use crate::ui::action::Landmark;
use crate::ui::action::Motion;
use crate::ui::action::Toward;
use crate::ui::effect::Effect;
use crate::ui::event::Compared;
use crate::ui::event::Generation;
use crate::ui::layout;
use crate::ui::view::Cx;
use crate::ui::view::compare::find::Finding;
use crate::ui::view::compare::rows::Rows;
use crate::ui::view::compare::rows::Shown;
use crate::ui::view::panes::Focus;
use crate::ui::view::panes::Panes;
use crate::ui::view::panes::Sides as _;
use crate::ui::widget::cursor::Cursor;

/// What is shown below the rows, or instead of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lower {
    /// The steps of the row.
    Steps,
    /// In what they differ.
    Difference,
    /// The patches, on the whole screen.
    Patches,
}

/// What the comparison turned out to be.
#[derive(Debug)]
enum Content {
    Reading,
    /// The side that cannot be read, and why.
    Fault(usize, Fault),
    Read(Arc<Compared>),
}

/// State of the screen of two attempts.
#[derive(Debug)]
pub struct CompareView {
    records: [RecordIx; 2],
    opened: Generation,
    content: Content,
    rows: Rows,
    cursor: Cursor,
    /// 0 is the left one.
    side: usize,
    focus: Focus,
    lower: Lower,
    pages: Panes,
    find: Option<Finding>,
    find_generation: Generation,
}

impl CompareView {
    /// Opens two records; how they go together comes later.
    pub fn new(records: [RecordIx; 2], opened: Generation) -> Self {
        Self {
            records,
            opened,
            content: Content::Reading,
            rows: Rows::default(),
            cursor: Cursor::default(),
            side: 0,
            focus: Focus::Rows,
            lower: Lower::Steps,
            pages: Panes::default(),
            find: None,
            find_generation: Generation::default(),
        }
    }

    /// The record of the side that the user is on.
    pub fn record(&self) -> RecordIx {
        let [left, right] = self.records;
        if self.side == 0 { left } else { right }
    }

    /// Both records, the left one first.
    pub fn records(&self) -> [RecordIx; 2] {
        self.records
    }

    /// The number of its opening.
    pub fn opened(&self) -> Generation {
        self.opened
    }

    fn compared(&self) -> Option<&Compared> {
        match &self.content {
            Content::Read(compared) => Some(compared),
            Content::Reading | Content::Fault(..) => None,
        }
    }

    /// Takes the comparison; the cursor goes to the first divergence.
    pub fn opened_as(&mut self, content: Result<Arc<Compared>, (usize, Fault)>, cx: &Cx<'_>) {
        match content {
            Err((side, fault)) => self.content = Content::Fault(side, fault),
            Ok(compared) => {
                self.rows = Rows::new(&compared.alignment);
                let first = compared.alignment.first_divergence;
                self.content = Content::Read(compared);
                if let Some(at) = first.map(|row| self.rows.place_of(row)) {
                    self.go(at, cx);
                }
            }
        }
        self.fit(cx);
    }

    /// The row of the alignment that has the cursor; `None` on folded rows.
    fn row(&self) -> Option<usize> {
        match self.rows.shown.get(self.cursor.at)? {
            Shown::Row(row) => Some(*row),
            Shown::Fold(_) => None,
        }
    }

    /// The step of a side in the row that has the cursor.
    fn step(&self, side: usize) -> Option<usize> {
        let row = self.compared()?.alignment.rows.get(self.row()?)?;
        row.step(side)
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
            Action::Move(motion) if self.focus == Focus::Page || self.lower == Lower::Patches => {
                self.move_page(motion, count, cx);
            }
            Action::Move(motion) => {
                let (len, height) = (self.rows.shown.len(), Self::height(cx));
                self.cursor.apply(motion, count, len, height);
            }
            Action::Jump(Landmark::Difference, toward) => self.jump(toward, count.unwrap_or(1), cx),
            Action::Jump(Landmark::Hit, toward) if self.shows_rows() => {
                self.jump_hit(toward, count.unwrap_or(1), cx);
            }
            Action::Pane(toward) => self.focus.turn(&mut self.side, toward),
            Action::Side(toward) => {
                self.side = usize::from(toward == Toward::Next);
            }
            Action::ToggleDifference => self.toggle_difference(),
            Action::Open if self.lower == Lower::Patches => self.fold_page(FoldChange::Toggle, cx),
            Action::Open => self.fold(FoldChange::Toggle, cx),
            Action::Fold(change) if self.lower == Lower::Patches || self.focus == Focus::Page => {
                self.fold_page(change, cx);
            }
            Action::Fold(change) => self.fold(change, cx),
            Action::Copy(what) => return self.copy(what, effects),
            _ => return false,
        }
        self.fit(cx);
        true
    }

    fn height(cx: &Cx<'_>) -> usize {
        usize::from(layout::compare(cx.screen).rows.height)
    }

    fn go(&mut self, at: usize, cx: &Cx<'_>) {
        self.cursor.go(at, self.rows.shown.len(), Self::height(cx));
    }

    fn toggle_difference(&mut self) {
        self.lower = match self.lower {
            Lower::Steps => Lower::Difference,
            Lower::Difference | Lower::Patches => Lower::Steps,
        };
    }

    /// Shows the patches, or the rows again.
    pub fn toggle_patches(&mut self) {
        self.lower = match self.lower {
            Lower::Patches => Lower::Steps,
            Lower::Steps | Lower::Difference => Lower::Patches,
        };
    }

    /// Closes what `Esc` closes here: the patches, then the focus of a page, then a search. `false` when there is nothing.
    pub fn escape(&mut self, effects: &mut Vec<Effect>) -> bool {
        if self.lower == Lower::Patches {
            self.lower = Lower::Steps;
            return true;
        }
        if std::mem::replace(&mut self.focus, Focus::Rows) == Focus::Page {
            return true;
        }
        let had_one = self.find.take().is_some();
        if had_one {
            effects.push(Effect::StopFind);
        }
        had_one
    }

    /// The record and step that `Enter` opens: of this side, else of the other. `None` where there is no step under the
    /// cursor.
    pub fn target(&self) -> Option<(RecordIx, StepIx)> {
        if self.lower == Lower::Patches {
            return None;
        }
        let [left, right] = self.records;
        [self.side, 1 - self.side].into_iter().find_map(|side| {
            let record = if side == 0 { left } else { right };
            Some((record, StepIx(self.step(side)?)))
        })
    }

    fn jump(&mut self, toward: Toward, times: usize, cx: &Cx<'_>) {
        let mut at = self.cursor.at;
        for _ in 0..times.min(self.rows.shown.len()) {
            let Some(next) = self.rows.next_difference(at, toward) else {
                break;
            };
            at = next;
        }
        (self.focus, self.lower) = match self.lower {
            Lower::Patches => (Focus::Rows, Lower::Steps),
            lower => (Focus::Rows, lower),
        };
        self.go(at, cx);
    }

    fn fold(&mut self, change: FoldChange, cx: &Cx<'_>) {
        let Some(row) = self.rows.first_row(self.cursor.at) else {
            return;
        };
        match change {
            FoldChange::Toggle => self.rows.toggle(row),
            FoldChange::OpenAll => self.rows.set_all(true),
            FoldChange::CloseAll => self.rows.set_all(false),
        }
        self.go(self.rows.place_of(row), cx);
    }

    fn copy(&self, what: CopyWhat, effects: &mut Vec<Effect>) -> bool {
        let record = self.record();
        match what {
            CopyWhat::Id => effects.push(Effect::CopyName(record, false)),
            CopyWhat::Reference => effects.push(Effect::CopyName(record, true)),
            CopyWhat::Record => effects.push(Effect::CopyRecord(record)),
            _ => return false,
        }
        true
    }

    /// Makes cursor and window agree with screen and rows.
    pub fn fit(&mut self, cx: &Cx<'_>) {
        let len = self.rows.shown.len();
        self.cursor.fit(len, Self::height(cx).max(1));
        self.fit_pages(cx);
    }

    /// A click: a row and its side, or a page.
    pub fn click(&mut self, x: u16, y: u16, cx: &Cx<'_>) {
        let places = layout::compare(cx.screen);
        if self.lower == Lower::Patches {
            return;
        }
        if places.rows.contains((x, y).into()) {
            let at = self.cursor.top + usize::from(y - places.rows.y);
            if at < self.rows.shown.len() {
                let is_again = at == self.cursor.at && self.focus == Focus::Rows;
                self.side = usize::from(x >= places.rows.x + places.rows.width / 2);
                self.focus = Focus::Rows;
                self.go(at, cx);
                if is_again && self.row().is_none() {
                    self.fold(FoldChange::Toggle, cx);
                }
            }
        } else if places.pages.contains((x, y).into()) {
            self.focus = Focus::Page;
            if places.right.width > 0 && self.lower == Lower::Steps {
                self.side = usize::from(x >= places.right.x);
            }
        }
        self.fit(cx);
    }

    /// The wheel over a pane.
    pub fn wheel(&mut self, x: u16, y: u16, rows: isize, cx: &Cx<'_>) {
        let places = layout::compare(cx.screen);
        if places.rows.contains((x, y).into()) && self.lower != Lower::Patches {
            let (len, height) = (self.rows.shown.len(), usize::from(places.rows.height));
            self.cursor.scroll(rows, len, height);
        } else {
            let is_right = places.right.width > 0 && x >= places.right.x;
            let side = if places.right.width > 0 {
                usize::from(is_right)
            } else {
                self.side
            };
            self.scroll_page(side, rows, cx);
        }
        self.fit(cx);
    }
}

/// Both trajectories, for pages that are built elsewhere.
fn both(compared: &Compared) -> [Arc<crate::model::Trajectory>; 2] {
    let [left, right] = &compared.trajectories;
    [Arc::clone(left), Arc::clone(right)]
}
