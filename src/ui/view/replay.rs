//! A replay: the calls with what came of them above, what was recorded beside what came below. Nothing runs until a key
//! says so; while a call runs its output streams in.

mod draw;
mod files;
mod find;
mod keys;
mod news;
mod outcomes;
mod pages;

use std::sync::Arc;

use crate::model::RecordIx;
use crate::model::StepIx;
use crate::model::Text;
use crate::replay::RecordReplay;
use crate::text::human;
use crate::ui::action::Action;
use crate::ui::action::CopyWhat;
use crate::ui::action::FoldChange;
use crate::ui::action::Landmark;
use crate::ui::action::Motion;
use crate::ui::action::Toward;
use crate::ui::effect::Effect;
use crate::ui::effect::ReplayAsk;
use crate::ui::effect::ReplayTo;
use crate::ui::event::CallRow;
use crate::ui::event::ConsoleFrame;
use crate::ui::event::Generation;
use crate::ui::event::Replayable;
use crate::ui::layout;
use crate::ui::view::Cx;
use crate::ui::view::panes::Focus;
use crate::ui::view::panes::Panes;
use crate::ui::view::panes::Sides as _;
use crate::ui::view::replay::files::Files;
use crate::ui::view::replay::find::Finding;
use crate::ui::view::replay::outcomes::Outcomes;
use crate::ui::widget::cursor::Cursor;

/// What is shown below the rows, or instead of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lower {
    /// Recorded and actual.
    Both,
    /// In what they differ.
    Difference,
    /// The final patches and the checks, on the whole screen.
    Result,
    /// What changed in the workspace so far, on the whole screen.
    Changes,
    /// The files of the workspace, on the whole screen.
    Files,
    /// A shell in the sandbox, on the whole screen.
    Console,
}

/// What the record turned out to be.
#[derive(Debug)]
enum Content {
    Reading,
    /// Nothing can run, and why.
    Refused(String),
    Open(Box<Replayable>),
}

/// State of the screen of a replay.
#[derive(Debug)]
pub struct ReplayView {
    record: RecordIx,
    opened: Generation,
    content: Content,
    outcomes: Outcomes,
    /// Calls that were run.
    stands: usize,
    /// The call that runs.
    running: Option<usize>,
    /// Something was asked for and is not answered yet.
    is_busy: bool,
    /// The end of what the running call has written.
    live: String,
    /// What is being made ready.
    preparing: Option<String>,
    result: Option<Arc<RecordReplay>>,
    /// What changed in the workspace, after so many calls.
    changes: Option<(usize, Text)>,
    files: Files,
    console: ConsoleFrame,
    /// Rows and columns that the shell's terminal has.
    console_size: (u16, u16),
    /// Counts results and changes, so that their pages are not taken for each other.
    edition: u32,
    cursor: Cursor,
    /// The cursor goes with the calls that run.
    is_following: bool,
    /// 0 is what was recorded.
    side: usize,
    focus: Focus,
    lower: Lower,
    panes: Panes,
    find: Option<Finding>,
    /// Put the cursor here as soon as the calls are known.
    first_step: Option<StepIx>,
}

impl ReplayView {
    /// Opens a record; what there is to replay comes later. The cursor begins at the first call of `step`, if one is
    /// given.
    pub fn new(record: RecordIx, opened: Generation, step: Option<StepIx>) -> Self {
        Self {
            record,
            opened,
            content: Content::Reading,
            outcomes: Outcomes::default(),
            stands: 0,
            running: None,
            is_busy: false,
            live: String::new(),
            preparing: None,
            result: None,
            changes: None,
            files: Files::default(),
            console: ConsoleFrame::default(),
            console_size: (0, 0),
            edition: 0,
            cursor: Cursor::default(),
            is_following: false,
            side: 1,
            focus: Focus::Rows,
            lower: Lower::Both,
            panes: Panes::default(),
            find: None,
            first_step: step,
        }
    }

    /// The record.
    pub fn record(&self) -> RecordIx {
        self.record
    }

    /// The number of its opening.
    pub fn opened(&self) -> Generation {
        self.opened
    }

    /// The step under the cursor.
    pub fn step(&self) -> Option<StepIx> {
        Some(StepIx(self.row()?.place.step))
    }

    fn open(&self) -> Option<&Replayable> {
        match &self.content {
            Content::Open(open) => Some(open),
            Content::Reading | Content::Refused(_) => None,
        }
    }

    fn calls(&self) -> &[CallRow] {
        self.open().map_or(&[], |open| &open.calls)
    }

    fn row(&self) -> Option<&CallRow> {
        self.calls().get(self.cursor.at)
    }

    /// Carries out an action; `false` when it means nothing here.
    pub fn apply(
        &mut self,
        action: Action,
        count: Option<usize>,
        cx: &Cx<'_>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        if self.shows_files()
            && let Some(is_done) = self.apply_to_files(action, count, cx, effects)
        {
            self.fit(cx);
            return is_done;
        }
        match action {
            Action::Move(motion @ (Motion::Left | Motion::Right)) => {
                self.move_page(motion, count, cx);
            }
            Action::Move(motion) if self.focus == Focus::Page || self.is_whole() => {
                self.move_page(motion, count, cx);
            }
            Action::Move(motion) => {
                self.is_following = false;
                let (len, height) = (self.calls().len(), Self::height(cx));
                self.cursor.apply(motion, count, len, height);
            }
            Action::Jump(Landmark::Difference, toward) => self.jump(toward, count.unwrap_or(1), cx),
            Action::Jump(Landmark::Hit, toward) => {
                return self.next_hit(toward, count.unwrap_or(1), cx);
            }
            Action::Pane(toward) => self.focus.turn(&mut self.side, toward),
            Action::ToggleDifference if self.lower == Lower::Changes => self.show_files(),
            Action::ToggleDifference => self.toggle(Lower::Difference),
            Action::Patch => return self.show_result(),
            Action::FileAtStep if self.lower == Lower::Changes => self.close_whole(),
            Action::FileAtStep if self.open().is_some() => self.show_files(),
            Action::ReplayStep(Toward::Next) => self.run_calls(count, effects),
            Action::ReplayStep(Toward::Previous) => self.ask(ReplayAsk::Back, effects),
            Action::ReplayEnd(Toward::Next) => self.run(ReplayTo::End, effects),
            Action::ReplayEnd(Toward::Previous) => {
                self.result = None;
                self.ask(ReplayAsk::Restart, effects);
            }
            Action::ReplayDivergence => self.run(ReplayTo::Divergence, effects),
            Action::ReplayStop if self.is_busy => effects.push(Effect::StopReplay),
            Action::ReplayShell => self.open_console(cx, effects),
            Action::Open if self.is_whole() => self.fold_page(FoldChange::Toggle, cx),
            Action::Open => self.run_to_here(effects),
            Action::Fold(change) => self.fold_page(change, cx),
            Action::Copy(what) => return self.copy(what, effects),
            _ => return false,
        }
        self.fit(cx);
        true
    }

    /// Whether anything was run, or runs.
    pub fn is_begun(&self) -> bool {
        self.open().is_some() && (self.stands > 0 || self.is_busy)
    }

    /// Whether it was begun and did not come to its result.
    pub fn is_unfinished(&self) -> bool {
        self.is_begun() && self.result.is_none()
    }

    /// How far it is: `4 of 12 calls were run, the next one runs`.
    pub fn state_words(&self) -> String {
        let (stands, all) = (human::count(self.stands), human::count(self.calls().len()));
        let runs = if self.is_busy { ", it is running" } else { "" };
        format!("{stands} of {all} calls were run{runs}")
    }

    /// Whether the calls are in sight: there are some, and nothing covers them.
    pub fn shows_calls(&self) -> bool {
        self.open().is_some() && !self.is_whole()
    }

    /// Whether something covers the rows.
    fn is_whole(&self) -> bool {
        !matches!(self.lower, Lower::Both | Lower::Difference)
    }

    fn height(cx: &Cx<'_>) -> usize {
        usize::from(layout::compare(cx.screen).rows.height)
    }

    fn go(&mut self, at: usize, cx: &Cx<'_>) {
        self.cursor.go(at, self.calls().len(), Self::height(cx));
    }

    fn ask(&mut self, what: ReplayAsk, effects: &mut Vec<Effect>) {
        if self.open().is_some() && !self.is_busy {
            self.is_busy = true;
            self.is_following = true;
            effects.push(Effect::Replay(self.opened, what));
        }
    }

    fn run(&mut self, to: ReplayTo, effects: &mut Vec<Effect>) {
        self.lower = Lower::Both;
        self.focus = Focus::Rows;
        self.ask(ReplayAsk::Run(to), effects);
    }

    fn run_calls(&mut self, count: Option<usize>, effects: &mut Vec<Effect>) {
        let to = match count {
            None | Some(0 | 1) => ReplayTo::Next,
            Some(more) => ReplayTo::Call(self.stands.saturating_add(more - 1)),
        };
        self.run(to, effects);
    }

    /// Runs up to the call under the cursor; of a call that was run it shows in what it differs.
    fn run_to_here(&mut self, effects: &mut Vec<Effect>) {
        if self.cursor.at < self.stands {
            self.toggle(Lower::Difference);
        } else {
            self.run(ReplayTo::Call(self.cursor.at), effects);
        }
    }

    fn toggle(&mut self, lower: Lower) {
        self.lower = if self.lower == lower {
            Lower::Both
        } else {
            lower
        };
    }

    /// Shows the patches and checks of the end; `false` while there is none.
    fn show_result(&mut self) -> bool {
        let earlier = self.open().and_then(|open| open.earlier.as_ref());
        if self.result.is_none() && earlier.is_none() {
            return false;
        }
        self.toggle(Lower::Result);
        true
    }

    /// The result that is shown: of this replay, else of an earlier one.
    fn shown_result(&self) -> Option<&Arc<RecordReplay>> {
        let earlier = self.open().and_then(|open| open.earlier.as_ref());
        self.result.as_ref().or(earlier)
    }

    fn show_files(&mut self) {
        self.lower = Lower::Files;
        self.focus = Focus::Rows;
    }

    /// Shows the calls again.
    fn close_whole(&mut self) {
        self.lower = Lower::Both;
        self.focus = Focus::Rows;
    }

    fn show_changes(&mut self, effects: &mut Vec<Effect>) {
        self.toggle(Lower::Changes);
        let is_known = self
            .changes
            .as_ref()
            .is_some_and(|(after, _)| *after == self.stands);
        if self.lower == Lower::Changes && !is_known {
            self.changes = None;
            self.ask(ReplayAsk::Changes, effects);
        }
    }

    fn open_console(&mut self, cx: &Cx<'_>, effects: &mut Vec<Effect>) {
        if self.open().is_none() || self.is_busy {
            return;
        }
        let area = layout::compare(cx.screen).body;
        self.console = ConsoleFrame::default();
        self.console_size = (area.height, area.width);
        self.lower = Lower::Console;
        self.ask(ReplayAsk::Console(area.height, area.width), effects);
    }

    /// Closes what `Esc` closes here: what runs, what covers the rows, the focus of a page. `false` when there is nothing.
    pub fn escape(&mut self, effects: &mut Vec<Effect>) -> bool {
        if self.shows_files() {
            if self.stop_file_find() {
                effects.push(Effect::StopFind);
                return true;
            }
            if std::mem::replace(&mut self.focus, Focus::Rows) == Focus::Page {
                return true;
            }
        }
        if self.is_whole() {
            self.close_whole();
            return true;
        }
        if self.is_busy {
            effects.push(Effect::StopReplay);
            return true;
        }
        self.stop_find() || std::mem::replace(&mut self.focus, Focus::Rows) == Focus::Page
    }

    /// To the next or previous call that did not come out as it was recorded.
    fn jump(&mut self, toward: Toward, times: usize, cx: &Cx<'_>) {
        self.is_following = false;
        let (at, diverging) = (self.cursor.at, self.outcomes.diverging());
        let found = match toward {
            Toward::Next => diverging.range(at + 1..).nth(times - 1),
            Toward::Previous => diverging.range(..at).nth_back(times - 1),
        };
        if let Some(found) = found.copied() {
            (self.focus, self.lower) = match self.lower {
                Lower::Difference => (Focus::Rows, Lower::Difference),
                _ => (Focus::Rows, Lower::Both),
            };
            self.go(found, cx);
        }
    }

    fn copy(&self, what: CopyWhat, effects: &mut Vec<Effect>) -> bool {
        match what {
            CopyWhat::Id => effects.push(Effect::CopyName(self.record, false)),
            CopyWhat::Reference => effects.push(Effect::CopyName(self.record, true)),
            CopyWhat::Record => effects.push(Effect::CopyRecord(self.record)),
            _ => return false,
        }
        true
    }

    /// Makes cursor and window agree with screen and rows.
    pub fn fit(&mut self, cx: &Cx<'_>) {
        let len = self.calls().len();
        self.cursor.fit(len, Self::height(cx).max(1));
        self.fit_files(cx);
        self.fit_pages(cx);
    }

    /// A click: a row, or a page.
    pub fn click(&mut self, x: u16, y: u16, cx: &Cx<'_>) {
        let places = layout::compare(cx.screen);
        if self.is_whole() {
            return;
        }
        if places.rows.contains((x, y).into()) {
            let at = self.cursor.top + usize::from(y - places.rows.y);
            if at < self.calls().len() {
                self.is_following = false;
                self.focus = Focus::Rows;
                self.go(at, cx);
            }
        } else if places.pages.contains((x, y).into()) {
            self.focus = Focus::Page;
            if places.right.width > 0 && self.lower == Lower::Both {
                self.side = usize::from(x >= places.right.x);
            }
        }
        self.fit(cx);
    }

    /// The wheel over a pane.
    pub fn wheel(&mut self, x: u16, y: u16, rows: isize, cx: &Cx<'_>) {
        let places = layout::compare(cx.screen);
        if places.rows.contains((x, y).into()) && !self.is_whole() {
            let (len, height) = (self.calls().len(), usize::from(places.rows.height));
            self.cursor.scroll(rows, len, height);
        } else {
            let side = if places.right.width > 0 {
                usize::from(x >= places.right.x)
            } else {
                self.side
            };
            self.scroll_page(side, rows, cx);
        }
        self.fit(cx);
    }
}
