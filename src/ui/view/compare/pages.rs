//! The pages of this screen: asked for, taken in, coloured, looked at.

use std::sync::Arc;

use ratatui::layout::Rect;

use crate::model::StepIx;
use crate::theme::Highlighter;
use crate::ui::action::FoldChange;
use crate::ui::action::Motion;
use crate::ui::effect::CompareJob;
use crate::ui::effect::ComparePage;
use crate::ui::effect::Effect;
use crate::ui::effect::PageJob;
use crate::ui::event::PageKey;
use crate::ui::layout;
use crate::ui::page::Ink;
use crate::ui::page::Inks;
use crate::ui::page::Page;
use crate::ui::page::PageOptions;
use crate::ui::page::Subject;
use crate::ui::view::Cx;
use crate::ui::view::compare::CompareView;
use crate::ui::view::compare::Focus;
use crate::ui::view::compare::Lower;
use crate::ui::view::compare::both;
use crate::ui::widget::viewport::Lens;
use crate::ui::widget::viewport::Viewport;

/// Kinds of pages, told apart in their keys.
const OF_STEP: u32 = 0;
const OF_DIFFERENCE: u32 = 1;
const OF_PATCHES: u32 = 2;

/// A page that was built, with its colours so far and where the user was on it.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) key: PageKey,
    page: Page,
    inks: Inks,
    viewport: Viewport,
}

/// Pages by recency, the newest last.
#[derive(Debug, Default)]
pub(super) struct Pages {
    held: Vec<Held>,
    asked: Vec<PageKey>,
    /// The page and the line whose window's colours are being made, and how many stretches are still to come.
    inks_asked: Option<(PageKey, usize, usize)>,
}

impl Pages {
    const HELD: usize = 16;

    pub(super) fn get(&self, key: PageKey) -> Option<&Held> {
        self.held.iter().find(|held| held.key == key)
    }

    fn get_mut(&mut self, key: PageKey) -> Option<&mut Held> {
        self.held.iter_mut().find(|held| held.key == key)
    }
}

/// A page that the screen shows: its key, where, and of which side; patches and differences are of no side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pane {
    pub(super) key: PageKey,
    pub(super) area: Rect,
    pub(super) side: usize,
}

/// The pane without the air at its left.
fn text_area(area: Rect) -> Rect {
    Rect {
        x: area.x + area.width.min(1),
        width: area.width.saturating_sub(1),
        ..area
    }
}

impl CompareView {
    /// The pages that the screen shows now.
    pub(super) fn panes(&self, cx: &Cx<'_>) -> Vec<Pane> {
        let places = layout::compare(cx.screen);
        let pane = |area: Rect, folding: u32, row: usize, side: usize| {
            let area = text_area(area);
            Pane {
                key: PageKey {
                    opened: self.opened,
                    row,
                    folding,
                    is_raw: false,
                    layout: self.options(area.width, cx).layout_key(),
                },
                area,
                side,
            }
        };
        if self.compared().is_none() {
            return Vec::new();
        }
        if self.lower == Lower::Patches {
            return vec![pane(places.body, OF_PATCHES, 0, self.side)];
        }
        let Some(row) = self.row().filter(|_| places.pages.height > 0) else {
            return Vec::new();
        };
        if self.lower == Lower::Difference && self.step(0).is_some() && self.step(1).is_some() {
            return vec![pane(places.pages, OF_DIFFERENCE, row, self.side)];
        }
        let sides: &[(usize, Rect)] = if places.right.width > 0 {
            &[(0, places.left), (1, places.right)]
        } else {
            &[(self.side, places.left)]
        };
        let sides = sides.iter().filter_map(|(side, area)| {
            let step = self.step(*side)?;
            Some(pane(*area, OF_STEP, step * 2 + side, *side))
        });
        sides.collect()
    }

    fn options(&self, width: u16, cx: &Cx<'_>) -> PageOptions {
        let [left, right] = self.records;
        PageOptions {
            is_blind: cx.data.desk.hides(left) || cx.data.desk.hides(right),
            ..cx.look.page_options(width)
        }
    }

    pub(super) fn lens<'a>(&'a self, pane: &Pane, cx: &Cx<'a>) -> Option<(Viewport, Lens<'a>)> {
        let held = self.pages.get(pane.key)?;
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

    /// The page that keys move: that of the side.
    fn current(&self, cx: &Cx<'_>) -> Option<Pane> {
        let panes = self.panes(cx);
        panes.into_iter().find(|pane| pane.side == self.side)
    }

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
        if let (Some(viewport), Some(held)) = (changed, self.pages.get_mut(pane.key)) {
            held.viewport = viewport;
        }
    }

    pub(super) fn move_page(&mut self, motion: Motion, count: Option<usize>, cx: &Cx<'_>) {
        if let Some(pane) = self.current(cx) {
            self.change_viewport(&pane, cx, |viewport, lens| {
                viewport.apply(motion, count, lens);
            });
        }
    }

    /// Scrolls the page of a side, or the only one.
    pub(super) fn scroll_page(&mut self, side: usize, rows: isize, cx: &Cx<'_>) {
        let panes = self.panes(cx);
        let of_side = panes.iter().find(|pane| pane.side == side);
        if let Some(pane) = of_side.or(panes.first()) {
            self.change_viewport(pane, cx, |viewport, lens| viewport.scroll(rows, lens));
        }
    }

    /// Changes folds of the page of the side.
    pub(super) fn fold_page(&mut self, change: FoldChange, cx: &Cx<'_>) {
        let Some(pane) = self.current(cx) else { return };
        let line = self
            .lens(&pane, cx)
            .and_then(|(viewport, lens)| viewport.fold_line(&lens));
        let Some(held) = self.pages.get_mut(pane.key) else {
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
        self.pages.inks_asked = None;
    }

    pub(super) fn fit_pages(&mut self, cx: &Cx<'_>) {
        for pane in self.panes(cx) {
            self.change_viewport(&pane, cx, Viewport::fit);
        }
    }

    /// Asks for what the screen lacks: pages, and the colours of the visible lines.
    pub fn sync(
        &mut self,
        cx: &Cx<'_>,
        highlighter: Option<&Arc<Highlighter>>,
        effects: &mut Vec<Effect>,
    ) {
        self.fit(cx);
        self.ask_pages(cx, effects);
        let Some(highlighter) = highlighter else {
            return;
        };
        for pane in self.panes(cx) {
            let wanted = self.lens(&pane, cx).map(|(viewport, lens)| {
                let jobs = lens.page.wants(viewport.visible(&lens), lens.inks);
                (viewport.line, jobs)
            });
            let Some((line, jobs)) = wanted.filter(|(_, jobs)| !jobs.is_empty()) else {
                continue;
            };
            // one page at a time: a new request replaces the one before
            let is_asked = |(key, asked, _)| key == pane.key && asked == line;
            if !self.pages.inks_asked.is_some_and(is_asked) {
                self.pages.inks_asked = Some((pane.key, line, jobs.len()));
                effects.push(Effect::Ink(pane.key, jobs, Arc::clone(highlighter)));
            }
            return;
        }
    }

    fn ask_pages(&mut self, cx: &Cx<'_>, effects: &mut Vec<Effect>) {
        let missing: Vec<Pane> = self
            .panes(cx)
            .into_iter()
            .filter(|pane| self.pages.get(pane.key).is_none())
            .collect();
        if missing
            .iter()
            .all(|pane| self.pages.asked.contains(&pane.key))
        {
            return;
        }
        let Some(compared) = self.compared() else {
            return;
        };
        let mut jobs = Vec::new();
        for pane in &missing {
            let (key, options) = (pane.key, self.options(pane.area.width, cx));
            let what = match key.folding {
                OF_STEP => {
                    let [left, right] = both(compared);
                    let subject = Subject::Step(StepIx(key.row / 2));
                    let [of_left, of_right] = &compared.outlines;
                    let outline = if pane.side == 0 { of_left } else { of_right };
                    jobs.push(PageJob {
                        key,
                        trajectory: if pane.side == 0 { left } else { right },
                        path: Vec::new(),
                        told: outline.told(&[], subject),
                        subject,
                        raw: None,
                        options,
                    });
                    continue;
                }
                OF_DIFFERENCE => {
                    let Some(row) = compared.alignment.rows.get(key.row) else {
                        continue;
                    };
                    let (Some(left), Some(right)) = (row.left, row.right) else {
                        continue;
                    };
                    ComparePage::Steps(left, right, row.why.clone())
                }
                _ => ComparePage::Patches,
            };
            effects.push(Effect::ComparePage(Box::new(CompareJob {
                key,
                trajectories: both(compared),
                what,
                options,
            })));
        }
        if !jobs.is_empty() {
            effects.push(Effect::Pages(jobs));
        }
        self.pages.asked = missing.into_iter().map(|pane| pane.key).collect();
    }

    /// Takes a page that was built.
    pub fn page_built(&mut self, key: PageKey, page: Page, cx: &Cx<'_>) {
        self.pages.asked.retain(|asked| *asked != key);
        if key.opened != self.opened || self.pages.get(key).is_some() {
            return;
        }
        self.pages.held.push(Held {
            key,
            page,
            inks: Inks::default(),
            viewport: Viewport::default(),
        });
        let shown: Vec<PageKey> = self.panes(cx).iter().map(|pane| pane.key).collect();
        while self.pages.held.len() > Pages::HELD {
            let mut held = self.pages.held.iter();
            let Some(oldest) = held.position(|held| !shown.contains(&held.key)) else {
                break;
            };
            self.pages.held.remove(oldest);
        }
        self.fit(cx);
    }

    /// Takes colours.
    pub fn inked(&mut self, key: PageKey, ink: Ink) {
        if let Some(held) = self.pages.get_mut(key) {
            held.inks.insert(ink);
        }
        self.pages.inks_asked = self.pages.inks_asked.and_then(|(asked, line, left)| {
            let left = if asked == key { left - 1 } else { left };
            (left > 0).then_some((asked, line, left))
        });
    }

    /// Forgets colours that depend on the theme.
    pub fn look_changed(&mut self) {
        for held in &mut self.pages.held {
            held.inks = Inks::default();
        }
        self.pages.inks_asked = None;
    }

    /// How far down the page of the side the window is, in percent; `None` when all of it is in sight.
    pub fn page_percent(&self, cx: &Cx<'_>) -> Option<usize> {
        if self.focus == Focus::Rows && self.lower != Lower::Patches {
            return None;
        }
        let (viewport, lens) = self.lens(&self.current(cx)?, cx)?;
        viewport.percent(&lens)
    }
}
