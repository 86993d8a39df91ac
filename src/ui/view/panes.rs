//! Pages in panes beside each other: those that were built, their colours, and where the user was on each.
//!
//! The view says which [`Pane`]s its screen has; this keeps what is shown in them, the newest pages only.

use std::sync::Arc;

use ratatui::layout::Rect;

use crate::theme::Highlighter;
use crate::ui::action::FoldChange;
use crate::ui::effect::Effect;
use crate::ui::event::PageKey;
use crate::ui::page::Ink;
use crate::ui::page::Inks;
use crate::ui::page::Page;
use crate::ui::view::Cx;
use crate::ui::widget::viewport::Lens;
use crate::ui::widget::viewport::Viewport;

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

/// A pane without the air at its left.
pub fn text_area(area: Rect) -> Rect {
    Rect {
        x: area.x + area.width.min(1),
        width: area.width.saturating_sub(1),
        ..area
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
    pub fn change_viewport(
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
