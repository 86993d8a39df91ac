//! The list: one row a record, sorted and narrowed, with a preview beside it on wide screens.

mod columns;
mod draw;

use std::collections::HashSet;
use std::ops::Range;
use std::ops::RangeInclusive;
use std::sync::Arc;

use ratatui::layout::Rect;
use regex::Regex;

use crate::model::Fault;
use crate::model::RecordIx;
use crate::model::Summary;
use crate::query::sort::SortKey;
use crate::select::Selector;
use crate::theme::Highlighter;
use crate::ui::action::Action;
use crate::ui::action::CopyWhat;
use crate::ui::action::Landmark;
use crate::ui::action::Motion;
use crate::ui::action::Toward;
use crate::ui::data::Arranged;
use crate::ui::data::Arrangement;
use crate::ui::data::Marked;
use crate::ui::data::Order;
use crate::ui::effect::ArrangeJob;
use crate::ui::effect::Effect;
use crate::ui::event::Generation;
use crate::ui::layout;
use crate::ui::page::Ink;
use crate::ui::page::Inks;
use crate::ui::page::Page;
use crate::ui::page::PageOptions;
use crate::ui::view::Cx;
use crate::ui::view::list::columns::Filled;
use crate::ui::widget::cursor::Cursor;
use crate::ui::widget::viewport::Lens;
use crate::ui::widget::viewport::Viewport;

/// The preview of the row under the cursor.
#[derive(Debug, Default)]
struct Preview {
    /// The user's wish; `None` shows it where there is room.
    wish: Option<bool>,
    /// Whether it has the keys.
    is_focused: bool,
    /// The question that is out, or answered.
    generation: Generation,
    /// What it asked for.
    asked: Option<(RecordIx, u16, bool)>,
    /// The answer.
    page: Option<Result<Page, Fault>>,
    inks: Inks,
    viewport: Viewport,
    inks_asked: Option<(Generation, usize)>,
}

/// A search among the rows.
#[derive(Debug)]
struct RowSearch {
    generation: Generation,
    pattern: Regex,
    places: Arc<Vec<usize>>,
    /// Where it began, until the first hit was gone to.
    from: Option<usize>,
}

/// State of the list screen.
#[derive(Debug, Default)]
pub struct ListView {
    cursor: Cursor,
    how: Arrangement,
    order: Order,
    /// Records that the queue chose among the attempts of their tasks.
    best: Arc<HashSet<u32>>,
    generation: Generation,
    /// The arrangement that is being made.
    arranging: Option<Generation>,
    /// Records that the queries have been asked about, while an arrangement comes in pieces.
    asked: Option<usize>,
    /// Rows came after the last arrangement was asked for.
    is_stale: bool,
    /// Which rows were to be shown by then: see [`crate::ui::data::Rows::shape`].
    shape: Option<u64>,
    /// The arrangement under way was typed: its best match gets the cursor.
    goes_to_best: bool,
    preview: Preview,
    search: Option<RowSearch>,
    /// Where a range of rows began.
    range_from: Option<usize>,
    /// The rows last asked to be summarised.
    asked_rows: (usize, usize),
    /// The rows last asked to be judged, and by which state of the side files.
    asked_marks: (usize, usize, u64),
    /// Columns that have something to show.
    filled: Filled,
}

impl ListView {
    /// A list whose preview is shown where there is room, or (`false`) only when asked for.
    pub fn new(has_preview: bool) -> Self {
        let mut list = Self::default();
        list.preview.wish = (!has_preview).then_some(false);
        list
    }

    /// Begins with a query: no row is shown before it was asked.
    pub fn begin_with(&mut self, filter: Arc<Selector>) {
        self.how.filter = Some(filter);
        self.order = Order::Listed(Arc::default());
        self.is_stale = true;
    }

    /// How the list is arranged.
    pub fn how(&self) -> &Arrangement {
        &self.how
    }

    /// The rows in the order in which they are shown.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// Rows shown, of all.
    pub fn shown(&self, cx: &Cx<'_>) -> usize {
        self.order.len(cx.data.rows.len())
    }

    /// Place of the cursor, from 0.
    pub fn place(&self) -> usize {
        self.cursor.at
    }

    /// The record under the cursor.
    pub fn record(&self, cx: &Cx<'_>) -> Option<RecordIx> {
        self.order.record(self.cursor.at, cx.data.rows.len())
    }

    /// The record at a place of the list.
    pub fn record_at(&self, place: usize, cx: &Cx<'_>) -> Option<RecordIx> {
        self.order.record(place, cx.data.rows.len())
    }

    /// The place of a record in the list; `None` where it is not shown.
    pub fn place_of(&self, ix: RecordIx, cx: &Cx<'_>) -> Option<usize> {
        self.order.place_of(ix, cx.data.rows.len())
    }

    /// The selected records and those of the range, in the order of the list; selected ones that the list does not show
    /// come last.
    pub fn selected(&self, cx: &Cx<'_>) -> Vec<RecordIx> {
        let chosen = cx.data.desk.selection();
        let range = self.range();
        if chosen.is_empty() && range.is_none() {
            return Vec::new();
        }
        let mut left = chosen.clone();
        let mut found = Vec::new();
        for place in 0..self.shown(cx) {
            let Some(ix) = self.record_at(place, cx) else {
                break;
            };
            let is_in_range = range.as_ref().is_some_and(|range| range.contains(&place));
            if left.remove(&ix) || is_in_range {
                found.push(ix);
            }
        }
        found.extend(left);
        found
    }

    /// The places of the range that was begun, the cursor's included.
    pub fn range(&self) -> Option<RangeInclusive<usize>> {
        let from = self.range_from?;
        Some(from.min(self.cursor.at)..=from.max(self.cursor.at))
    }

    /// Ends the range; returns whether there was one.
    pub fn end_range(&mut self) -> bool {
        self.range_from.take().is_some()
    }

    /// Moves the cursor by one and gives the record there; for going on from inside a trajectory.
    pub fn step(&mut self, toward: Toward, cx: &Cx<'_>) -> Option<RecordIx> {
        let before = self.cursor.at;
        let motion = if toward == Toward::Next {
            Motion::Down
        } else {
            Motion::Up
        };
        self.cursor
            .apply(motion, None, self.shown(cx), self.height(cx));
        if self.cursor.at == before {
            None
        } else {
            self.record(cx)
        }
    }

    /// Puts the cursor on a place.
    pub fn go(&mut self, place: usize, cx: &Cx<'_>) {
        self.cursor.go(place, self.shown(cx), self.height(cx));
    }

    fn height(&self, cx: &Cx<'_>) -> usize {
        usize::from(layout::list(cx.screen, self.preview.wish).rows.height)
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
            Action::Move(motion) if self.preview.is_focused => {
                if let Some((viewport, lens)) = self.preview.lens(cx) {
                    let mut moved = viewport;
                    moved.apply(motion, count, &lens);
                    self.preview.viewport = moved;
                }
            }
            Action::Move(motion) => {
                self.cursor
                    .apply(motion, count, self.shown(cx), self.height(cx));
            }
            Action::Pane(_) => {
                let is_shown = layout::list(cx.screen, self.preview.wish).preview.width > 0;
                self.preview.is_focused = is_shown && !self.preview.is_focused;
            }
            Action::TogglePreview => {
                let is_shown = layout::list(cx.screen, self.preview.wish).preview.width > 0;
                self.preview.wish = Some(!is_shown);
                self.preview.is_focused = false;
            }
            Action::ReverseSort => {
                let how = Arrangement {
                    is_descending: !self.how.is_descending,
                    ..self.how.clone()
                };
                self.arrange(how, cx, effects);
            }
            Action::Jump(Landmark::Hit, toward) => self.jump_hit(toward, count.unwrap_or(1), cx),
            Action::Copy(what) => return self.copy(what, cx, effects),
            Action::Range => {
                self.range_from = match self.range_from {
                    Some(_) => None,
                    None => Some(self.cursor.at),
                };
            }
            _ => return false,
        }
        true
    }

    /// Rearranges the list; the cursor stays on its record.
    pub fn arrange(&mut self, how: Arrangement, cx: &Cx<'_>, effects: &mut Vec<Effect>) {
        let is_typed = how.narrow != self.how.narrow;
        self.how = how;
        let generation = self.generation.advance();
        self.arranging = Some(generation);
        self.asked = None;
        self.is_stale = false;
        self.shape = Some(cx.data.rows.shape());
        // while typing, the best match has the cursor; else the cursor keeps its record
        self.goes_to_best = is_typed && !self.how.narrow.is_empty();
        let keep = if self.goes_to_best {
            None
        } else {
            self.record(cx)
        };
        effects.push(Effect::Arrange(Box::new(ArrangeJob {
            generation,
            rows: cx.data.snapshot(),
            how: self.how.clone(),
            keep,
            me: cx.data.desk.reviewer().into(),
            answers: Arc::clone(&cx.data.answers),
            judging: cx.data.judging,
        })));
    }

    /// Rearranges the list as it is, and puts the cursor on a record.
    pub fn arrange_at(&mut self, ix: RecordIx, cx: &Cx<'_>, effects: &mut Vec<Effect>) {
        self.arrange(self.how.clone(), cx, effects);
        if let Some(Effect::Arrange(job)) = effects.last_mut() {
            job.keep = Some(ix);
        }
    }

    /// Rearranges the list and begins at its top.
    pub fn arrange_from_top(&mut self, how: Arrangement, cx: &Cx<'_>, effects: &mut Vec<Effect>) {
        self.arrange(how, cx, effects);
        self.end_range();
        self.goes_to_best = true;
        if let Some(Effect::Arrange(job)) = effects.last_mut() {
            job.keep = None;
        }
    }

    /// Sorts by a key; the same key again turns the order round. Numbers begin with the largest.
    pub fn sort_by(&mut self, key: SortKey, cx: &Cx<'_>, effects: &mut Vec<Effect>) {
        let is_descending = if key == self.how.key {
            !self.how.is_descending
        } else {
            key.starts_descending()
        };
        self.arrange(
            Arrangement {
                key,
                is_descending,
                ..self.how.clone()
            },
            cx,
            effects,
        );
    }

    /// Takes an arrangement that was made.
    pub fn arranged(
        &mut self,
        generation: Generation,
        arranged: Arranged,
        cx: &Cx<'_>,
        effects: &mut Vec<Effect>,
    ) {
        if self.arranging != Some(generation) {
            return;
        }
        let Arranged {
            order,
            place,
            best,
            asked,
        } = arranged;
        if asked.is_none() {
            self.arranging = None;
        }
        // of an arrangement that comes in pieces only the first finds the cursor where it was asked
        let is_going_on = self.asked.is_some();
        let current = self.record(cx).filter(|_| is_going_on);
        self.asked = asked;
        self.order = order;
        self.best = best;
        self.asked_rows = (0, 0);
        self.asked_marks = (0, 0, 0);
        if is_going_on {
            self.cursor.at = current
                .and_then(|ix| self.place_of(ix, cx))
                .unwrap_or(self.cursor.at);
        } else if let Some(place) = place {
            self.cursor.at = place;
        } else if self.goes_to_best {
            self.cursor = Cursor::default();
        }
        self.fit(cx);
        // the places of hits were those of the old order
        if let Some(pattern) = self.search.as_ref().map(|search| search.pattern.clone()) {
            let generation = self.generation.advance();
            self.search = Some(RowSearch {
                generation,
                pattern: pattern.clone(),
                places: Arc::default(),
                from: None,
            });
            let rows = cx.data.snapshot();
            effects.push(Effect::FindRows(
                generation,
                pattern,
                rows,
                self.order.clone(),
            ));
        }
    }

    /// Takes note of rows that were summarised.
    pub fn summarized(&mut self, rows: &[(RecordIx, Summary)]) {
        for (_, row) in rows {
            self.filled.add(row);
        }
        self.rows_changed();
    }

    /// Takes note of rows that were judged.
    pub fn marked<'a>(&mut self, marked: impl Iterator<Item = &'a Marked>) {
        for marked in marked {
            self.filled.add_marks(marked.marks);
        }
        // with a verdict comes the record's content, by which decisions know it
        let filter = self.how.filter.as_ref();
        let asks_people = filter.is_some_and(|filter| filter.needs().people);
        let is_query = self
            .how
            .queue
            .as_ref()
            .is_some_and(|queue| queue.query.is_some());
        let is_by_content = asks_people || is_query || self.how.asks_replays();
        self.is_stale |= self.how.needs_verdicts() || is_by_content;
    }

    /// Something was replayed, or what was is known now.
    pub fn replays_changed(&mut self) {
        self.filled.add_replays();
        self.is_stale |= self.how.asks_replays();
    }

    /// New rows or summaries came: a list that is more than the inputs as they are is due for another arrangement.
    pub fn rows_changed(&mut self) {
        self.is_stale = true;
    }

    /// Whether rows that came change nothing about which are shown, and in which order.
    fn is_settled(&self, cx: &Cx<'_>) -> bool {
        let rows = &cx.data.rows;
        let is_whole = matches!(self.order, Order::Plain) && !rows.has_both();
        let is_all = is_whole && cx.data.store.listed_tasks().is_empty();
        self.how.is_plain() && (is_all || self.shape == Some(rows.shape()))
    }

    /// Searches the rows' ids; goes to the first hit from the cursor on.
    pub fn find(&mut self, pattern: Regex, from: usize, cx: &Cx<'_>, effects: &mut Vec<Effect>) {
        let generation = self.generation.advance();
        self.search = Some(RowSearch {
            generation,
            pattern: pattern.clone(),
            places: Arc::default(),
            from: Some(from),
        });
        effects.push(Effect::FindRows(
            generation,
            pattern,
            cx.data.snapshot(),
            self.order.clone(),
        ));
    }

    /// Forgets the search.
    pub fn stop_find(&mut self) {
        self.search = None;
    }

    /// Which hit of how many the cursor is on; `None` without a search.
    pub fn hit_position(&self) -> Option<(Option<usize>, usize)> {
        let search = self.search.as_ref()?;
        Some((
            search.places.binary_search(&self.cursor.at).ok(),
            search.places.len(),
        ))
    }

    /// Takes the places that a search found.
    pub fn rows_found(&mut self, generation: Generation, places: Arc<Vec<usize>>, cx: &Cx<'_>) {
        let Some(search) = &mut self.search else {
            return;
        };
        if search.generation != generation {
            return;
        }
        search.places = places;
        if let Some(from) = search.from.take() {
            let after = search.places.partition_point(|place| *place < from);
            if let Some(place) = search
                .places
                .get(after)
                .or_else(|| search.places.first())
                .copied()
            {
                self.go(place, cx);
            }
        }
    }

    fn jump_hit(&mut self, toward: Toward, times: usize, cx: &Cx<'_>) {
        let Some(search) = &self.search else { return };
        let places = Arc::clone(&search.places);
        if places.is_empty() {
            return;
        }
        for _ in 0..times.min(places.len()) {
            let after = places.partition_point(|place| *place <= self.cursor.at);
            let before = places.partition_point(|place| *place < self.cursor.at);
            let place = match toward {
                Toward::Next => places.get(after).or_else(|| places.first()),
                Toward::Previous => before
                    .checked_sub(1)
                    .and_then(|ix| places.get(ix))
                    .or_else(|| places.last()),
            };
            if let Some(place) = place.copied() {
                self.go(place, cx);
            }
        }
    }

    fn copy(&self, what: CopyWhat, cx: &Cx<'_>, effects: &mut Vec<Effect>) -> bool {
        let Some(ix) = self.record(cx) else {
            return true;
        };
        match what {
            CopyWhat::Id => effects.push(Effect::CopyName(ix, false)),
            CopyWhat::Reference => effects.push(Effect::CopyName(ix, true)),
            CopyWhat::Record => effects.push(Effect::CopyRecord(ix)),
            _ => return false,
        }
        true
    }

    /// Makes cursor and preview agree with screen and rows.
    pub fn fit(&mut self, cx: &Cx<'_>) {
        let (shown, height) = (self.shown(cx), self.height(cx));
        self.cursor.fit(shown, height);
        let is_shown = layout::list(cx.screen, self.preview.wish).preview.width > 0;
        self.preview.is_focused &= is_shown;
        if let Some((mut viewport, lens)) = self.preview.lens(cx) {
            viewport.fit(&lens);
            self.preview.viewport = viewport;
        }
    }

    /// Asks for what the screen lacks: summaries of the visible rows, the preview, its colours, a fresh arrangement.
    pub fn sync(
        &mut self,
        cx: &Cx<'_>,
        highlighter: Option<&Arc<Highlighter>>,
        effects: &mut Vec<Effect>,
    ) {
        self.fit(cx);
        self.is_stale &= !self.is_settled(cx);
        if self.is_stale && self.arranging.is_none() {
            let how = self.how.clone();
            self.arrange(how, cx, effects);
        }
        let range = self.visible(cx);
        if self.lacks(range.clone(), cx) && self.asked_rows != (range.start, range.end) {
            self.asked_rows = (range.start, range.end);
            effects.push(Effect::Summarize(range.clone(), self.order.clone()));
        }
        self.sync_marks(range, cx, effects);
        self.sync_preview(cx, highlighter, effects);
    }

    fn visible(&self, cx: &Cx<'_>) -> Range<usize> {
        self.cursor.top..(self.cursor.top + self.height(cx)).min(self.shown(cx))
    }

    /// Whether some of these rows are not summarised.
    fn lacks(&self, mut range: Range<usize>, cx: &Cx<'_>) -> bool {
        let all = cx.data.rows.len();
        range.any(|place| {
            self.order
                .record(place, all)
                .is_some_and(|ix| !cx.data.rows.knows(ix))
        })
    }

    /// Whether every row that fits on the screen is there and summarised, or all there will be.
    pub fn is_full(&self, cx: &Cx<'_>) -> bool {
        let range = self.visible(cx);
        let has_all = range.len() == self.height(cx) || cx.data.scan.is_complete;
        has_all && !self.lacks(range, cx)
    }

    /// Has the visible rows judged once they are summarised.
    fn sync_marks(&mut self, range: Range<usize>, cx: &Cx<'_>, effects: &mut Vec<Effect>) {
        let rows = &cx.data.rows;
        let mut ixs = range
            .clone()
            .filter_map(|place| self.order.record(place, rows.len()));
        let lacks = |ix| rows.marks(ix).is_none() && !rows.is_task(ix);
        let lacks = ixs.clone().any(lacks);
        let is_ready = ixs.all(|ix| rows.knows(ix));
        let asked = (range.start, range.end, cx.data.judging);
        if lacks && is_ready && self.asked_marks != asked {
            self.asked_marks = asked;
            effects.push(Effect::Mark(cx.data.judging, range, self.order.clone()));
        }
    }

    fn sync_preview(
        &mut self,
        cx: &Cx<'_>,
        highlighter: Option<&Arc<Highlighter>>,
        effects: &mut Vec<Effect>,
    ) {
        let area = layout::list(cx.screen, self.preview.wish).preview;
        let Some(ix) = self.record(cx).filter(|_| area.width > 0) else {
            return;
        };
        let is_blind = cx.data.desk.hides(ix);
        let wanted = (ix, area.width, is_blind);
        if self.preview.asked != Some(wanted) {
            self.preview.asked = Some(wanted);
            let generation = self.preview.generation.advance();
            effects.push(Effect::Preview(
                generation,
                ix,
                PageOptions {
                    is_blind,
                    ..cx.look.page_options(preview_text(area).width)
                },
            ));
        }
        if let (Some((viewport, lens)), Some(highlighter)) = (self.preview.lens(cx), highlighter) {
            let jobs = lens.page.wants(viewport.visible(&lens), lens.inks);
            let asked = (self.preview.generation, viewport.line);
            if !jobs.is_empty() && self.preview.inks_asked != Some(asked) {
                self.preview.inks_asked = Some(asked);
                effects.push(Effect::InkPreview(asked.0, jobs, Arc::clone(highlighter)));
            }
        }
    }

    /// Takes a preview that was built.
    pub fn previewed(&mut self, generation: Generation, page: Result<Page, Fault>, cx: &Cx<'_>) {
        if generation == self.preview.generation {
            self.preview.page = Some(page);
            self.preview.inks = Inks::default();
            self.preview.viewport = Viewport::default();
            self.fit(cx);
        }
    }

    /// Takes colours of the preview.
    pub fn preview_inked(&mut self, generation: Generation, ink: Ink) {
        if generation == self.preview.generation {
            self.preview.inks.insert(ink);
            self.preview.inks_asked = None;
        }
    }

    /// Forgets colours and pages that depend on the theme or the layout.
    pub fn look_changed(&mut self) {
        self.preview.asked = None;
        self.preview.inks = Inks::default();
        self.preview.inks_asked = None;
    }

    /// Forgets what was read of a record that changed.
    pub fn record_changed(&mut self, ix: RecordIx) {
        if self.preview.asked.is_some_and(|(asked, ..)| asked == ix) {
            self.preview.asked = None;
        }
    }

    /// A click: puts the cursor on a row; `true` when the row had it already (a second click opens it).
    pub fn click(&mut self, x: u16, y: u16, cx: &Cx<'_>) -> bool {
        let places = layout::list(cx.screen, self.preview.wish);
        if places.rows.contains((x, y).into()) {
            let place = self.cursor.top + usize::from(y - places.rows.y);
            if place < self.shown(cx) {
                let is_again = place == self.cursor.at && !self.preview.is_focused;
                self.preview.is_focused = false;
                self.go(place, cx);
                return is_again;
            }
        } else if places.preview.contains((x, y).into()) {
            self.preview.is_focused = true;
        }
        false
    }

    /// The wheel over a pane.
    pub fn wheel(&mut self, x: u16, y: u16, rows: isize, cx: &Cx<'_>) {
        let places = layout::list(cx.screen, self.preview.wish);
        if places.preview.contains((x, y).into()) {
            if let Some((mut viewport, lens)) = self.preview.lens(cx) {
                viewport.scroll(rows, &lens);
                self.preview.viewport = viewport;
            }
        } else {
            let (shown, height) = (self.shown(cx), self.height(cx));
            self.cursor.scroll(rows, shown, height);
        }
    }
}

/// The preview's pane without its rule.
fn preview_text(area: Rect) -> Rect {
    Rect {
        x: area.x + 1,
        width: area.width.saturating_sub(1),
        ..area
    }
}

impl Preview {
    fn lens<'a>(&'a self, cx: &Cx<'a>) -> Option<(Viewport, Lens<'a>)> {
        let Some(Ok(page)) = &self.page else {
            return None;
        };
        let area = preview_text(layout::list(cx.screen, self.wish).preview);
        let lens = Lens {
            page,
            inks: &self.inks,
            theme: cx.theme,
            width: area.width,
            height: area.height,
            is_wrapped: cx.look.is_wrapped,
        };
        Some((self.viewport, lens))
    }
}
