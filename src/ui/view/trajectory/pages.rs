//! The pages held for this screen: asked for, taken in, coloured, looked at.

use std::sync::Arc;

use crate::model::Trajectory;
use crate::theme::Highlighter;
use crate::ui::data::Outline;
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
use crate::ui::view::trajectory::Content;
use crate::ui::view::trajectory::Held;
use crate::ui::view::trajectory::TrajectoryView;
use crate::ui::view::trajectory::page_text;
use crate::ui::widget::viewport::Lens;
use crate::ui::widget::viewport::Viewport;

impl TrajectoryView {
    /// The number under which a row's page is known at this width; `None` while there is no row.
    pub(super) fn key(&self, row: usize, cx: &Cx<'_>) -> Option<PageKey> {
        (row < self.rows.len()).then_some(PageKey {
            opened: self.opened,
            row,
            folding: self.folding,
            is_raw: self.is_raw,
            layout: self.options_of(row, cx).layout_key(),
        })
    }

    /// How the page of a row is laid out; that of an attempt hides what is hidden of that record.
    fn options_of(&self, row: usize, cx: &Cx<'_>) -> PageOptions {
        let mut options = self.options(cx);
        if let Some(Subject::Attempt(ix)) = self.rows.get(row).map(|row| row.subject) {
            options.is_blind = cx.data.desk.hides(ix);
        }
        options
    }

    pub(super) fn options(&self, cx: &Cx<'_>) -> PageOptions {
        let area = page_text(layout::trajectory(cx.screen, self.is_page_focused).page);
        // on screens with one pane at a time the page is laid out for the whole width even while it is hidden
        let width = if area.width == 0 {
            page_text(cx.screen).width
        } else {
            area.width
        };
        PageOptions {
            is_blind: cx.data.desk.hides(self.record),
            ..cx.look.page_options(width)
        }
    }

    pub(super) fn current(&self, cx: &Cx<'_>) -> Option<&Held> {
        let key = self.key(self.cursor.at, cx)?;
        self.held.iter().find(|held| held.key == key)
    }

    pub(super) fn lens<'a>(&'a self, cx: &Cx<'a>) -> Option<(Viewport, Lens<'a>)> {
        let held = self.current(cx)?;
        let area = page_text(layout::trajectory(cx.screen, self.is_page_focused).page);
        let lens = Lens {
            page: &held.page,
            inks: &held.inks,
            theme: cx.theme,
            width: area.width,
            height: area.height,
            is_wrapped: cx.look.is_wrapped,
        };
        Some((held.viewport, lens))
    }

    pub(super) fn set_viewport(&mut self, viewport: Option<Viewport>, cx: &Cx<'_>) {
        let key = self.key(self.cursor.at, cx);
        if let (Some(viewport), Some(held)) = (
            viewport,
            self.held.iter_mut().find(|held| Some(held.key) == key),
        ) {
            held.viewport = viewport;
        }
    }

    /// Asks for what the screen lacks: this row's page and its neighbours', and the colours of the visible lines.
    pub fn sync(
        &mut self,
        cx: &Cx<'_>,
        highlighter: Option<&Arc<Highlighter>>,
        effects: &mut Vec<Effect>,
    ) {
        self.fit(cx);
        self.sync_pages(cx, effects);
        let Some(highlighter) = highlighter else {
            return;
        };
        let wanted = self.lens(cx).map(|(viewport, lens)| {
            (
                viewport.line,
                lens.page.wants(viewport.visible(&lens), lens.inks),
            )
        });
        let key = self.key(self.cursor.at, cx);
        if let (Some((line, jobs)), Some(key)) = (wanted, key)
            && !jobs.is_empty()
            && !self.held.iter().any(|held| {
                held.key == key && held.inks_asked.is_some_and(|(asked, _)| asked == line)
            })
        {
            // a new request replaces the one before, whatever page that was for
            for held in &mut self.held {
                held.inks_asked = (held.key == key).then_some((line, jobs.len()));
            }
            effects.push(Effect::Ink(key, jobs, Arc::clone(highlighter)));
        }
    }

    /// Asks for the page shown and, once it is there, for its neighbours. A new request replaces the one before, so
    /// that nothing is asked while the shown page is on its way.
    pub(super) fn sync_pages(&mut self, cx: &Cx<'_>, effects: &mut Vec<Effect>) {
        let Content::Read(trajectory, outline) = &self.content else {
            return;
        };
        if self.is_reopening {
            return;
        }
        let at = self.cursor.at;
        let is_held = |key: &PageKey| self.held.iter().any(|held| held.key == *key);
        let Some(shown) = self.key(at, cx) else {
            return;
        };
        if self.asked.contains(&shown) && !is_held(&shown) {
            return;
        }
        let around = [Some(at), at.checked_add(1), at.checked_sub(1)];
        let missing: Vec<PageKey> = around
            .into_iter()
            .flatten()
            .filter_map(|row| self.key(row, cx))
            .filter(|key| !is_held(key))
            .collect();
        if missing.iter().all(|key| self.asked.contains(key)) {
            return;
        }
        let jobs = missing
            .iter()
            .filter_map(|key| self.job(*key, (trajectory, outline), cx))
            .collect();
        self.asked = missing;
        effects.push(Effect::Pages(jobs));
    }

    pub(super) fn job(
        &self,
        key: PageKey,
        (trajectory, outline): (&Arc<Trajectory>, &Outline),
        cx: &Cx<'_>,
    ) -> Option<PageJob> {
        let row = self.rows.get(key.row)?;
        let raw = self.is_raw.then(|| {
            let step = match row.subject {
                Subject::Step(ix) if row.path.is_empty() => trajectory.steps.get(ix.0),
                _ => None,
            };
            (self.record, step.and_then(|step| step.raw_range))
        });
        let (trajectory, path) = (Arc::clone(trajectory), row.path.clone());
        Some(PageJob {
            key,
            trajectory,
            path,
            subject: row.subject,
            told: outline.told(&row.path, row.subject),
            raw,
            options: self.options_of(key.row, cx),
        })
    }

    /// Takes a page that was built.
    pub fn page_built(&mut self, key: PageKey, page: Page, cx: &Cx<'_>) {
        self.asked.retain(|asked| *asked != key);
        if key.opened != self.opened
            || key.folding != self.folding
            || self.held.iter().any(|held| held.key == key)
        {
            return;
        }
        self.held.push(Held {
            key,
            page,
            inks: Inks::default(),
            viewport: Viewport::default(),
            inks_asked: None,
        });
        let shown = self.key(self.cursor.at, cx);
        while self.held.len() > Self::HELD {
            let Some(oldest) = self.held.iter().position(|held| Some(held.key) != shown) else {
                break;
            };
            self.held.remove(oldest);
        }
        self.arrive(cx);
        self.fit(cx);
    }

    /// Takes colours.
    pub fn inked(&mut self, key: PageKey, ink: Ink) {
        if let Some(held) = self.held.iter_mut().find(|held| held.key == key) {
            held.inks.insert(ink);
            held.inks_asked = held
                .inks_asked
                .and_then(|(line, left)| (left > 1).then(|| (line, left - 1)));
        }
    }

    /// Forgets colours that depend on the theme.
    pub fn look_changed(&mut self) {
        for held in &mut self.held {
            held.inks = Inks::default();
            held.inks_asked = None;
        }
    }
}
