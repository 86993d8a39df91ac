//! The pages of this screen: asked for, taken in, coloured, looked at.

use std::sync::Arc;

use ratatui::layout::Rect;

use crate::model::Text;
use crate::theme::Highlighter;
use crate::ui::effect::Effect;
use crate::ui::effect::ReplayJob;
use crate::ui::effect::ReplayPage;
use crate::ui::event::PageKey;
use crate::ui::layout;
use crate::ui::page::Ink;
use crate::ui::page::Page;
use crate::ui::page::PageOptions;
use crate::ui::view::Cx;
use crate::ui::view::panes::Focus;
use crate::ui::view::panes::Pane;
use crate::ui::view::panes::Panes;
use crate::ui::view::panes::Sides;
use crate::ui::view::replay::Lower;
use crate::ui::view::replay::ReplayView;

/// Kinds of pages, told apart in their keys by the remainder of a row's number.
const KINDS: usize = 6;
const RECORDED: usize = 0;
const ACTUAL: usize = 1;
const DIFFERENCE: usize = 2;
const RESULT: usize = 3;
const CHANGES: usize = 4;
const FILE: usize = 5;

impl Sides for ReplayView {
    fn panes(&self, cx: &Cx<'_>) -> Vec<Pane> {
        let places = layout::compare(cx.screen);
        let at = self.cursor.at;
        let pane = |area: Rect, kind: usize, row: usize, edition: u32, side: usize| {
            let options = |width| self.options(width, cx);
            let key = (self.opened, row * KINDS + kind, edition);
            Pane::new(area, key, side, options)
        };
        if self.open().is_none() {
            return Vec::new();
        }
        match self.lower {
            Lower::Result => return vec![pane(places.body, RESULT, 0, self.edition, self.side)],
            Lower::Changes if self.changes.is_some() => {
                return vec![pane(places.body, CHANGES, 0, self.edition, self.side)];
            }
            Lower::Files if self.files.shown().is_some() => {
                let area = layout::patch(cx.screen, self.focus == Focus::Rows).page;
                return vec![pane(area, FILE, 0, self.edition, self.side)];
            }
            Lower::Console | Lower::Changes | Lower::Files => return Vec::new(),
            Lower::Both | Lower::Difference => {}
        }
        if self.row().is_none() || places.pages.height == 0 {
            return Vec::new();
        }
        let outcome = self.outcomes.get(at);
        // an earlier outcome and the one of this replay are two pages
        let edition = outcome
            .as_ref()
            .map_or(0, |(_, is_earlier)| 1 + u32::from(*is_earlier));
        if self.lower == Lower::Difference && outcome.is_some() {
            return vec![pane(places.pages, DIFFERENCE, at, edition, self.side)];
        }
        let recorded = |area| pane(area, RECORDED, at, 0, 0);
        let actual = |area| pane(area, ACTUAL, at, edition, 1);
        let has_actual = outcome.is_some();
        if places.right.width > 0 {
            let mut both = vec![recorded(places.left)];
            both.extend(has_actual.then(|| actual(places.right)));
            both
        } else if self.side == 1 && has_actual {
            vec![actual(places.left)]
        } else if self.side == 1 && self.running == Some(at) {
            Vec::new()
        } else {
            vec![recorded(places.left)]
        }
    }

    fn side(&self) -> usize {
        self.side
    }

    fn pages(&mut self) -> &mut Panes {
        &mut self.panes
    }
}

impl ReplayView {
    fn options(&self, width: u16, cx: &Cx<'_>) -> PageOptions {
        PageOptions {
            is_blind: cx.data.desk.hides(self.record),
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
        self.size_console(cx, effects);
        let panes = self.panes(cx);
        let file = panes.first().filter(|_| self.shows_files());
        self.sync_files(file.map(|pane| pane.key), effects);
        let missing = self.panes.missing(&panes).into_iter();
        let job = |pane: Pane| {
            Some(ReplayJob {
                key: pane.key,
                what: self.page_of(pane.key)?,
                options: self.options(pane.area.width, cx),
            })
        };
        let jobs: Vec<ReplayJob> = missing.filter_map(job).collect();
        if !jobs.is_empty() {
            effects.push(Effect::ReplayPages(jobs));
        }
        if let Some(highlighter) = highlighter {
            self.panes.ask_inks(&panes, cx, highlighter, effects);
        }
    }

    fn page_of(&self, key: PageKey) -> Option<ReplayPage> {
        let open = self.open()?;
        let trajectory = Arc::clone(&open.trajectory);
        let row = key.row / KINDS;
        let place = open.calls.get(row)?.place;
        let outcome = || Some(Arc::clone(self.outcomes.get(row)?.0));
        Some(match key.row % KINDS {
            RECORDED => ReplayPage::Recorded(trajectory, place),
            ACTUAL => ReplayPage::Actual(trajectory, place, outcome()?),
            DIFFERENCE => ReplayPage::Difference(trajectory, place, outcome()?),
            RESULT => ReplayPage::Result(trajectory, Arc::clone(self.shown_result()?)),
            FILE => {
                let (path, text, what) = self.files.shown()?;
                ReplayPage::File(path.to_owned(), Text::clone(text), what)
            }
            _ => ReplayPage::Changes(Arc::clone(&self.changes.as_ref()?.1)),
        })
    }

    /// Takes a page that was built.
    pub fn page_built(&mut self, key: PageKey, page: Page, cx: &Cx<'_>) {
        if key.opened == self.opened {
            let panes = self.panes(cx);
            self.panes.built(key, page, &panes);
            self.fit(cx);
        }
    }

    /// Takes colours.
    pub fn inked(&mut self, key: PageKey, ink: Ink) {
        self.panes.inked(key, ink);
    }

    /// Forgets colours that depend on the theme.
    pub fn look_changed(&mut self) {
        self.panes.look_changed();
    }

    /// How far down the page the window is, in percent; `None` when all of it is in sight or the rows have the keys.
    pub fn page_percent(&self, cx: &Cx<'_>) -> Option<usize> {
        if self.focus == Focus::Rows && !self.is_whole() {
            return None;
        }
        let (viewport, lens) = self.panes.lens(&self.current(cx)?, cx)?;
        viewport.percent(&lens)
    }
}
