//! Statistics over the records that the list shows: one page of tables and charts, made in the background.

mod draw;
mod find;

use std::sync::Arc;

use crate::stats::Collected;
use crate::stats::Doc;
use crate::stats::Glyphs;
use crate::stats::GroupBy;
use crate::stats::Line;
use crate::stats::Look;
use crate::stats::SectionKind;
use crate::stats::Selection;
use crate::stats::Stats;
use crate::stats::lines;
use crate::stats::markdown;
use crate::theme::Highlighter;
use crate::ui::action::Action;
use crate::ui::action::Landmark;
use crate::ui::action::Motion;
use crate::ui::action::Toward;
use crate::ui::data::Order;
use crate::ui::data::Rows;
use crate::ui::effect::Effect;
use crate::ui::effect::StatsJob;
use crate::ui::effect::StatsWork;
use crate::ui::event::Generation;
use crate::ui::event::PageKey;
use crate::ui::event::StatsNews;
use crate::ui::layout;
use crate::ui::page::Ink;
use crate::ui::view::Cx;
use crate::ui::view::stats::find::Finding;
use crate::ui::widget::cursor::Cursor;

/// What is there of the statistics.
#[derive(Debug, Default)]
struct Held {
    stats: Option<Stats>,
    /// Their page; without what blind mode hides where that is on.
    doc: Option<Doc>,
    is_blind: bool,
    /// The facts, once all of them are there: another grouping needs nothing else.
    collected: Option<Arc<Collected>>,
    /// Records that were looked at, of all.
    done: (usize, usize),
    /// Why there is nothing.
    failure: Option<&'static str>,
}

/// State of the screen of statistics.
#[derive(Debug)]
pub struct StatsView {
    generation: Generation,
    /// The records: those that the list showed.
    order: Order,
    /// Whether these are not all.
    is_part: bool,
    by: Vec<GroupBy>,
    held: Held,
    is_working: bool,
    /// The page for the width in use.
    lines: Vec<Line>,
    width: usize,
    cursor: Cursor,
    find: Option<Finding>,
}

impl StatsView {
    /// Statistics over these records; ask [`StatsView::collect`] for its first effect.
    pub fn new(generation: Generation, order: Order, is_part: bool, by: Vec<GroupBy>) -> Self {
        Self {
            generation,
            order,
            is_part,
            by,
            held: Held::default(),
            is_working: true,
            lines: Vec::new(),
            width: 0,
            cursor: Cursor::default(),
            find: None,
        }
    }

    /// Asks for the facts of all records but those that are tasks.
    pub fn collect(&self, rows: &Rows, effects: &mut Vec<Effect>) {
        let tasks = rows.task_bits().clone();
        let work = StatsWork::Collect(self.order.clone(), rows.len(), tasks);
        self.ask(work, effects);
    }

    fn ask(&self, work: StatsWork, effects: &mut Vec<Effect>) {
        effects.push(Effect::Stats(Box::new(StatsJob {
            generation: self.generation,
            work,
            by: self.by.clone(),
        })));
    }

    /// What the records are grouped by.
    pub fn by(&self) -> &[GroupBy] {
        &self.by
    }

    /// Groups by something else. While facts are still collected this begins anew.
    pub fn group_by(
        &mut self,
        by: Vec<GroupBy>,
        generation: Generation,
        rows: &Rows,
        effects: &mut Vec<Effect>,
    ) {
        self.by = by;
        self.generation = generation;
        self.is_working = true;
        match &self.held.collected {
            Some(collected) => self.ask(StatsWork::Group(Arc::clone(collected)), effects),
            None => self.collect(rows, effects),
        }
    }

    /// Takes what is there so far.
    pub fn told(&mut self, news: StatsNews, cx: &Cx<'_>) {
        if news.generation != self.generation {
            return;
        }
        self.held.done = news.done;
        self.is_working = !news.is_done;
        self.held.failure = None;
        if news.collected.is_some() {
            self.held.collected = news.collected;
        }
        match news.stats {
            Some(stats) => {
                self.held.stats = Some(stats);
                self.show(cx);
            }
            None if news.is_done => {
                self.held.failure = Some("this failed inside hgview; M has what it said");
            }
            None => {}
        }
    }

    fn show(&mut self, cx: &Cx<'_>) {
        let is_blind = cx.data.desk.is_blind();
        let page = |stats: &Stats| {
            if is_blind {
                stats.blind_doc(&SectionKind::ALL)
            } else {
                stats.doc(&SectionKind::ALL)
            }
        };
        self.held.doc = self.held.stats.as_ref().map(page);
        self.held.is_blind = is_blind;
        self.width = 0;
        self.lay_out(cx);
    }

    /// Lays the page out for the width of the screen; the cursor stays in its section.
    fn lay_out(&mut self, cx: &Cx<'_>) {
        let width = usize::from(layout::stats(cx.screen).page.width.saturating_sub(2));
        let Some(doc) = self.held.doc.as_ref().filter(|_| width != self.width) else {
            return;
        };
        let section = self.section();
        let below = self.cursor.at - self.start_of(section).unwrap_or(0);
        self.width = width;
        let look = Look {
            width,
            glyphs: Glyphs::Unicode,
        };
        self.lines = lines(doc, look);
        let start = self.start_of(section).unwrap_or(0);
        let end = self
            .lines
            .iter()
            .skip(start + 1)
            .position(|line| line.section.is_some());
        let last = end
            .map_or(self.lines.len(), |end| start + end)
            .saturating_sub(1);
        self.cursor.at = (start + below).min(last.max(start));
        self.find_again();
        self.fit(cx);
    }

    /// Where a section begins.
    fn start_of(&self, section: Option<SectionKind>) -> Option<usize> {
        let mut lines = self.lines.iter();
        lines.position(|line| line.section.is_some() && line.section == section)
    }

    /// The section that the cursor is in.
    fn section(&self) -> Option<SectionKind> {
        let above = self.lines.iter().take(self.cursor.at + 1);
        above.rev().find_map(|line| line.section)
    }

    fn height(cx: &Cx<'_>) -> usize {
        usize::from(layout::stats(cx.screen).page.height)
    }

    fn fit(&mut self, cx: &Cx<'_>) {
        self.cursor.fit(self.lines.len(), Self::height(cx).max(1));
    }

    /// Makes the page agree with the screen.
    pub fn sync(
        &mut self,
        cx: &Cx<'_>,
        _highlighter: Option<&Arc<Highlighter>>,
        _effects: &mut Vec<Effect>,
    ) {
        if self.held.is_blind != cx.data.desk.is_blind() {
            self.show(cx);
        }
        self.lay_out(cx);
        self.fit(cx);
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
            Action::Move(Motion::Left | Motion::Right) => return false,
            Action::Move(motion) => {
                self.cursor
                    .apply(motion, count, self.lines.len(), Self::height(cx));
            }
            Action::Pane(toward) => self.go_to_section(toward, cx),
            Action::Jump(Landmark::Hit, toward) => self.jump_hit(toward, count.unwrap_or(1), cx),
            Action::CopyTables => {
                let Some(doc) = &self.held.doc else {
                    return true;
                };
                effects.push(Effect::Copy(markdown(doc), "statistics"));
            }
            Action::EditTables | Action::PageTables => {
                if self.lines.is_empty() {
                    return true;
                }
                effects.push(Effect::External(self.text(), action == Action::EditTables));
            }
            _ => return false,
        }
        true
    }

    fn text(&self) -> String {
        let lines = self.lines.iter().map(|line| line.text() + "\n");
        lines.collect()
    }

    /// Goes to the heading of the next or previous section, round the ends; it comes to the top of the window.
    fn go_to_section(&mut self, toward: Toward, cx: &Cx<'_>) {
        let all = &SectionKind::ALL;
        let here = self
            .section()
            .and_then(|here| all.iter().position(|kind| *kind == here));
        let here = here.unwrap_or(0);
        let next = match toward {
            Toward::Next => (here + 1) % all.len(),
            Toward::Previous => (here + all.len() - 1) % all.len(),
        };
        self.go_to_start(all.get(next).copied(), cx);
    }

    fn go_to_start(&mut self, section: Option<SectionKind>, cx: &Cx<'_>) {
        if let Some(start) = self.start_of(section) {
            self.cursor = Cursor {
                at: start,
                top: start,
            };
            self.fit_top(cx);
        }
    }

    /// Keeps the window where it is as far as there are lines.
    fn fit_top(&mut self, cx: &Cx<'_>) {
        let most = self.lines.len().saturating_sub(Self::height(cx));
        self.cursor.top = self.cursor.top.min(most);
    }

    /// The records of the line under the cursor, where it is about some of all.
    pub fn selection(&self) -> Option<&Selection> {
        self.lines.get(self.cursor.at)?.selection.as_ref()
    }

    /// The facts, once all of them are there.
    pub fn collected(&self) -> Option<&Arc<Collected>> {
        self.held.collected.as_ref()
    }

    /// Closes what `Esc` closes here: the search. `false` when there is none.
    pub fn escape(&mut self, _effects: &mut Vec<Effect>) -> bool {
        self.find.take().is_some()
    }

    /// The wheel scrolls.
    pub fn wheel(&mut self, _x: u16, _y: u16, rows: isize, cx: &Cx<'_>) {
        self.cursor.scroll(rows, self.lines.len(), Self::height(cx));
    }

    /// A click goes to a line, or to the section whose name it hits.
    pub fn click(&mut self, x: u16, y: u16, cx: &Cx<'_>) {
        let places = layout::stats(cx.screen);
        if places.page.contains((x, y).into()) {
            let row = self.cursor.top + usize::from(y - places.page.y);
            if row < self.lines.len() {
                self.cursor.at = row;
            }
        } else if places.tabs.contains((x, y).into()) {
            let tab = draw::tabs(places.tabs).into_iter();
            let hit = tab.filter(|(_, place)| place.contains((x, y).into()));
            let kind = hit.map(|(kind, _)| kind).next();
            self.go_to_start(kind, cx);
        }
    }

    /// Colours belong to pages of code.
    pub fn inked(&mut self, _key: PageKey, _ink: Ink) {}

    /// Nothing is kept that has colours.
    pub fn look_changed(&mut self) {}

    /// How far down the window is, in percent; `None` when all is in sight.
    pub fn page_percent(&self, cx: &Cx<'_>) -> Option<usize> {
        let most = self.lines.len().checked_sub(Self::height(cx))?;
        (self.cursor.top * 100).checked_div(most)
    }

    /// The section in sight.
    pub fn place_text(&self) -> String {
        self.section().map_or("", SectionKind::title).to_lowercase()
    }
}
