//! The pages of this screen: asked for, taken in, coloured, looked at.

use std::sync::Arc;

use ratatui::layout::Rect;

use crate::model::StepIx;
use crate::theme::Highlighter;
use crate::ui::effect::CompareJob;
use crate::ui::effect::ComparePage;
use crate::ui::effect::Effect;
use crate::ui::effect::PageJob;
use crate::ui::event::PageKey;
use crate::ui::layout;
use crate::ui::page::Ink;
use crate::ui::page::Page;
use crate::ui::page::PageOptions;
use crate::ui::page::Subject;
use crate::ui::view::Cx;
use crate::ui::view::compare::CompareView;
use crate::ui::view::compare::Lower;
use crate::ui::view::compare::both;
use crate::ui::view::panes::Focus;
use crate::ui::view::panes::Pane;
use crate::ui::view::panes::Panes;
use crate::ui::view::panes::Sides;

/// Kinds of pages, told apart in their keys.
const OF_STEP: u32 = 0;
const OF_DIFFERENCE: u32 = 1;
const OF_PATCHES: u32 = 2;

impl Sides for CompareView {
    fn panes(&self, cx: &Cx<'_>) -> Vec<Pane> {
        let places = layout::compare(cx.screen);
        let pane = |area: Rect, folding: u32, row: usize, side: usize| {
            let options = |width| self.options(width, cx);
            Pane::new(area, (self.opened, row, folding), side, options)
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

    fn side(&self) -> usize {
        self.side
    }

    fn pages(&mut self) -> &mut Panes {
        &mut self.pages
    }
}

impl CompareView {
    fn options(&self, width: u16, cx: &Cx<'_>) -> PageOptions {
        let [left, right] = self.records;
        PageOptions {
            is_blind: cx.data.desk.hides(left) || cx.data.desk.hides(right),
            ..cx.look.page_options(width)
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
        if let Some(highlighter) = highlighter {
            let panes = self.panes(cx);
            self.pages.ask_inks(&panes, cx, highlighter, effects);
        }
    }

    fn ask_pages(&mut self, cx: &Cx<'_>, effects: &mut Vec<Effect>) {
        let panes = self.panes(cx);
        let missing = self.pages.missing(&panes);
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
    }

    /// Takes a page that was built.
    pub fn page_built(&mut self, key: PageKey, page: Page, cx: &Cx<'_>) {
        if key.opened == self.opened {
            let panes = self.panes(cx);
            self.pages.built(key, page, &panes);
            self.fit(cx);
        }
    }

    /// Takes colours.
    pub fn inked(&mut self, key: PageKey, ink: Ink) {
        self.pages.inked(key, ink);
    }

    /// Forgets colours that depend on the theme.
    pub fn look_changed(&mut self) {
        self.pages.look_changed();
    }

    /// How far down the page of the side the window is, in percent; `None` when all of it is in sight.
    pub fn page_percent(&self, cx: &Cx<'_>) -> Option<usize> {
        if self.focus == Focus::Rows && self.lower != Lower::Patches {
            return None;
        }
        let (viewport, lens) = self.pages.lens(&self.current(cx)?, cx)?;
        viewport.percent(&lens)
    }
}
