//! Rows above, pages in panes beside each other below: what has the keys, the line between both, the pages that were
//! built, their colours, and where the user was on each.
//!
//! The view says which [`Pane`]s its screen has; this keeps what is shown in them, the newest pages only.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::text::clean_line;
use crate::theme::Highlighter;
use crate::theme::Role;
use crate::ui::action::FoldChange;
use crate::ui::action::Motion;
use crate::ui::action::Toward;
use crate::ui::effect::Effect;
use crate::ui::event::Generation;
use crate::ui::event::PageKey;
use crate::ui::layout::CompareLayout;
use crate::ui::page::Ink;
use crate::ui::page::Inks;
use crate::ui::page::Page;
use crate::ui::page::PageOptions;
use crate::ui::view::Cx;
use crate::ui::widget::rows::put;
use crate::ui::widget::rows::put_right;
use crate::ui::widget::viewport::Lens;
use crate::ui::widget::viewport::Marks;
use crate::ui::widget::viewport::Viewport;

/// A screen that shows pages of two sides: what moves them. One side has the keys.
pub trait Sides {
    /// What the screen shows now.
    fn panes(&self, cx: &Cx<'_>) -> Vec<Pane>;

    /// The side that has the keys.
    fn side(&self) -> usize;

    /// The pages behind.
    fn pages(&mut self) -> &mut Panes;

    /// The page that keys move: that of the side, or the only one.
    fn current(&self, cx: &Cx<'_>) -> Option<Pane> {
        Pane::of_side(&self.panes(cx), self.side()).copied()
    }

    /// Moves it.
    fn move_page(&mut self, motion: Motion, count: Option<usize>, cx: &Cx<'_>) {
        if let Some(pane) = self.current(cx) {
            self.pages().apply(&pane, motion, count, cx);
        }
    }

    /// Scrolls the page of a side, or the only one.
    fn scroll_page(&mut self, side: usize, rows: isize, cx: &Cx<'_>) {
        if let Some(pane) = Pane::of_side(&self.panes(cx), side) {
            self.pages().scroll(pane, rows, cx);
        }
    }

    /// Changes folds of the page that keys move.
    fn fold_page(&mut self, change: FoldChange, cx: &Cx<'_>) {
        if let Some(pane) = self.current(cx) {
            self.pages().fold(&pane, change, cx);
        }
    }

    /// Makes the windows agree with the screen.
    fn fit_pages(&mut self, cx: &Cx<'_>) {
        let panes = self.panes(cx);
        self.pages().fit(&panes, cx);
    }
}

/// A page that the screen shows: its key, where, and of which side; what is of no side has that of the user.
#[derive(Debug, Clone, Copy)]
pub struct Pane {
    /// The page.
    pub key: PageKey,
    /// Its place, without the air at its left.
    pub area: Rect,
    /// 0 is the left one.
    pub side: usize,
}

impl Pane {
    /// A pane in `area` for the page of `row` in its `folding`; `options` are those of pages of some width.
    pub fn new(
        area: Rect,
        (opened, row, folding): (Generation, usize, u32),
        side: usize,
        options: impl Fn(u16) -> PageOptions,
    ) -> Self {
        let area = Rect {
            x: area.x + area.width.min(1),
            width: area.width.saturating_sub(1),
            ..area
        };
        Self {
            key: PageKey {
                opened,
                row,
                folding,
                is_raw: false,
                layout: options(area.width).layout_key(),
            },
            area,
            side,
        }
    }

    /// The pane of a side, else the first.
    pub fn of_side(panes: &[Self], side: usize) -> Option<&Self> {
        let of_side = panes.iter().find(|pane| pane.side == side);
        of_side.or(panes.first())
    }
}

/// What has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// The rows.
    Rows,
    /// The page of the side.
    Page,
}

impl Focus {
    /// Goes on to the next or previous of rows, left page, right page, and round.
    pub fn turn(&mut self, side: &mut usize, toward: Toward) {
        let at = match self {
            Self::Rows => 0,
            Self::Page => 1 + *side,
        };
        let steps = if toward == Toward::Next { 1 } else { 2 };
        let next = (at + steps) % 3;
        *self = if next == 0 { Self::Rows } else { Self::Page };
        if let Some(next) = next.checked_sub(1) {
            *side = next;
        }
    }

    /// The role of lines around the pages.
    fn border(self) -> Role {
        match self {
            Self::Rows => Role::Border,
            Self::Page => Role::BorderFocus,
        }
    }

    /// The role of the row under the cursor.
    pub fn cursor(self) -> Role {
        match self {
            Self::Rows => Role::Cursor,
            Self::Page => Role::CursorUnfocused,
        }
    }
}

/// Draws the line below the rows with some words about the one under the cursor.
pub fn draw_rule(
    cx: &Cx<'_>,
    places: &CompareLayout,
    focus: Focus,
    (words, role): (&str, Role),
    buf: &mut Buffer,
) {
    let area = places.rule;
    if area.height == 0 {
        return;
    }
    let line = "─".repeat(usize::from(area.width));
    let style = cx.theme.style(focus.border());
    put(buf, area.x, area.y, area.width, &line, style);
    let words = format!(" {} ", clean_line(words));
    // the name of the side has its place at the right
    let cells = area.width.saturating_sub(14);
    put(buf, area.x + 2, area.y, cells, &words, cx.theme.style(role));
}

/// Draws what parts two pages that lie beside each other, or names the side of the only one.
pub fn draw_sides(
    cx: &Cx<'_>,
    places: &CompareLayout,
    focus: Focus,
    side: Option<&str>,
    buf: &mut Buffer,
) {
    let style = cx.theme.style(focus.border());
    if places.right.width > 0 {
        for y in places.pages.y..places.pages.bottom() {
            put(buf, places.left.right(), y, 1, "│", style);
        }
    } else if let Some(side) = side.filter(|_| places.rule.height > 0) {
        let (area, side) = (places.rule, format!(" {side} "));
        let room = area.width.saturating_sub(2);
        put_right(buf, area.x, area.y, room, &side, style);
    }
}

/// A page that was built, with its colours so far and where the user was on it.
#[derive(Debug)]
struct Held {
    key: PageKey,
    page: Page,
    inks: Inks,
    viewport: Viewport,
}

/// Pages by recency, the newest last.
#[derive(Debug, Default)]
pub struct Panes {
    held: Vec<Held>,
    asked: Vec<PageKey>,
    /// The page and the line whose window's colours are being made, and how many stretches are still to come.
    inks_asked: Option<(PageKey, usize, usize)>,
}

impl Panes {
    const HELD: usize = 16;

    fn get(&self, key: PageKey) -> Option<&Held> {
        self.held.iter().find(|held| held.key == key)
    }

    fn get_mut(&mut self, key: PageKey) -> Option<&mut Held> {
        self.held.iter_mut().find(|held| held.key == key)
    }

    /// The page of a pane as it is looked at; `None` while it is not there.
    pub fn lens<'a>(&'a self, pane: &Pane, cx: &Cx<'a>) -> Option<(Viewport, Lens<'a>)> {
        let held = self.get(pane.key)?;
        let lens = Lens {
            page: &held.page,
            inks: &held.inks,
            theme: cx.theme,
            width: pane.area.width,
            height: pane.area.height,
            is_wrapped: cx.look.is_wrapped,
        };
        Some((held.viewport, lens))
    }

    /// Moves the window onto a pane's page.
    fn change_viewport(
        &mut self,
        pane: &Pane,
        cx: &Cx<'_>,
        change: impl Fn(&mut Viewport, &Lens<'_>),
    ) {
        let changed = self.lens(pane, cx).map(|(mut viewport, lens)| {
            change(&mut viewport, &lens);
            viewport
        });
        if let (Some(viewport), Some(held)) = (changed, self.get_mut(pane.key)) {
            held.viewport = viewport;
        }
    }

    /// Moves the window of a pane's page as a key says.
    pub fn apply(&mut self, pane: &Pane, motion: Motion, count: Option<usize>, cx: &Cx<'_>) {
        self.change_viewport(pane, cx, |viewport, lens| {
            viewport.apply(motion, count, lens);
        });
    }

    /// Scrolls a pane's page.
    pub fn scroll(&mut self, pane: &Pane, rows: isize, cx: &Cx<'_>) {
        self.change_viewport(pane, cx, |viewport, lens| viewport.scroll(rows, lens));
    }

    /// Draws the windows onto the pages.
    pub fn draw(&self, panes: &[Pane], marks: Marks<'_>, cx: &Cx<'_>, buf: &mut Buffer) {
        for pane in panes {
            if let Some((viewport, lens)) = self.lens(pane, cx) {
                viewport.draw(pane.area, buf, &lens, marks);
            } else {
                let (area, style) = (pane.area, cx.theme.style(Role::Dim));
                put(buf, area.x, area.y, area.width, "…", style);
            }
        }
    }

    /// Shows a line of a pane's page.
    pub fn show(&mut self, pane: &Pane, line: usize, cx: &Cx<'_>) {
        self.change_viewport(pane, cx, |viewport, lens| viewport.show(line, lens));
    }

    /// The page under a key, and the line at the top of its window; `None` while it is not there.
    pub fn page(&self, key: PageKey) -> Option<(&Page, usize)> {
        let held = self.get(key)?;
        Some((&held.page, held.viewport.line))
    }

    /// Changes folds of a pane's page.
    pub fn fold(&mut self, pane: &Pane, change: FoldChange, cx: &Cx<'_>) {
        let line = self
            .lens(pane, cx)
            .and_then(|(viewport, lens)| viewport.fold_line(&lens));
        let Some(held) = self.get_mut(pane.key) else {
            return;
        };
        match change {
            FoldChange::Toggle => {
                if let Some(fold) = line.and_then(|line| held.page.fold_at(line)) {
                    held.page.toggle(fold);
                    held.viewport.line = held.viewport.line.min(held.page.fold_line(fold));
                }
            }
            FoldChange::OpenAll => held.page.set_all_folds(true),
            FoldChange::CloseAll => held.page.set_all_folds(false),
        }
        self.inks_asked = None;
    }

    /// Makes the windows agree with the screen.
    pub fn fit(&mut self, panes: &[Pane], cx: &Cx<'_>) {
        for pane in panes {
            self.change_viewport(pane, cx, Viewport::fit);
        }
    }

    /// Those of the panes whose pages have to be asked for now; they count as asked from here on.
    pub fn missing(&mut self, panes: &[Pane]) -> Vec<Pane> {
        let is_missing = |pane: &&Pane| self.get(pane.key).is_none();
        let missing: Vec<Pane> = panes.iter().filter(is_missing).copied().collect();
        let is_asked = |pane: &Pane| self.asked.contains(&pane.key);
        if missing.iter().all(is_asked) {
            return Vec::new();
        }
        self.asked = missing.iter().map(|pane| pane.key).collect();
        missing
    }

    /// Asks for the colours of the visible lines that lack them.
    pub fn ask_inks(
        &mut self,
        panes: &[Pane],
        cx: &Cx<'_>,
        highlighter: &Arc<Highlighter>,
        effects: &mut Vec<Effect>,
    ) {
        for pane in panes {
            let wanted = self.lens(pane, cx).map(|(viewport, lens)| {
                let jobs = lens.page.wants(viewport.visible(&lens), lens.inks);
                (viewport.line, jobs)
            });
            let Some((line, jobs)) = wanted.filter(|(_, jobs)| !jobs.is_empty()) else {
                continue;
            };
            // one page at a time: a new request replaces the one before
            let is_asked = |(key, asked, _)| key == pane.key && asked == line;
            if !self.inks_asked.is_some_and(is_asked) {
                self.inks_asked = Some((pane.key, line, jobs.len()));
                effects.push(Effect::Ink(pane.key, jobs, Arc::clone(highlighter)));
            }
            return;
        }
    }

    /// Takes a page that was built; those of `panes` are kept before all others.
    pub fn built(&mut self, key: PageKey, page: Page, panes: &[Pane]) {
        self.asked.retain(|asked| *asked != key);
        if self.get(key).is_some() {
            return;
        }
        self.held.push(Held {
            key,
            page,
            inks: Inks::default(),
            viewport: Viewport::default(),
        });
        let is_shown = |held: &Held| panes.iter().any(|pane| pane.key == held.key);
        while self.held.len() > Self::HELD {
            let Some(oldest) = self.held.iter().position(|held| !is_shown(held)) else {
                break;
            };
            self.held.remove(oldest);
        }
    }

    /// Takes colours.
    pub fn inked(&mut self, key: PageKey, ink: Ink) {
        if let Some(held) = self.get_mut(key) {
            held.inks.insert(ink);
        }
        self.inks_asked = self.inks_asked.and_then(|(asked, line, left)| {
            let left = if asked == key { left - 1 } else { left };
            (left > 0).then_some((asked, line, left))
        });
    }

    /// Forgets colours that depend on the theme.
    pub fn look_changed(&mut self) {
        for held in &mut self.held {
            held.inks = Inks::default();
        }
        self.inks_asked = None;
    }
}
