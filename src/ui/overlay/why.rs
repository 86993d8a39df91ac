//! Why the filters decided as they did: checks and evidence; `Enter` on evidence goes to its line of the patch.

use std::cell::Cell;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::KeyModifiers;
use ratatui::layout::Position;
use ratatui::layout::Rect;

use crate::model::Fault;
use crate::theme::Role;
use crate::theme::Theme;
use crate::ui::action::Action;
use crate::ui::event::Generation;
use crate::ui::overlay::Reply;
use crate::ui::overlay::frame::draw_box;
use crate::ui::overlay::is_cancel;
use crate::ui::page::Inks;
use crate::ui::page::WhyPage;
use crate::ui::page::WhyTarget;
use crate::ui::widget::viewport::Lens;
use crate::ui::widget::viewport::Marks;
use crate::ui::widget::viewport::Viewport;

/// From this width on the box stands at the right, and what it is about stays in sight.
const BESIDE_CELLS: u16 = 140;

/// The reasons.
#[derive(Debug, Clone)]
pub struct Why {
    generation: Generation,
    /// The record has a test program.
    has_program: bool,
    /// That runs now.
    is_running: bool,
    content: Option<Result<Arc<WhyPage>, Fault>>,
    /// Among the rows that stand for evidence.
    cursor: usize,
    /// Rows scrolled by hand; the cursor pulls the window back.
    top: usize,
    /// The row the window has to show.
    is_pulled: bool,
    /// Rows and top of the last drawing, for scrolling.
    drawn: Cell<(usize, usize)>,
}

impl Why {
    /// A box that waits for the answer to this question, about a record that has a test program or not.
    pub fn new(generation: Generation, has_program: bool) -> Self {
        Self {
            generation,
            has_program,
            is_running: false,
            content: None,
            cursor: 0,
            top: 0,
            is_pulled: false,
            drawn: Cell::new((0, 0)),
        }
    }

    /// The cells that text has in it on this screen.
    pub fn text_cells(screen: Rect) -> u16 {
        Self::area(screen).width.saturating_sub(4)
    }

    fn area(screen: Rect) -> Rect {
        if screen.width >= BESIDE_CELLS {
            let width = screen.width / 2;
            return Rect {
                x: screen.right() - width,
                y: screen.y + screen.height.min(1),
                width,
                height: screen.height.saturating_sub(2),
            };
        }
        let height = screen.height.saturating_sub(screen.height / 4);
        Rect {
            y: screen.y + (screen.height - height).saturating_sub(1),
            height,
            ..screen
        }
    }

    /// Takes the answer, if it is to this question.
    pub fn answered(&mut self, generation: Generation, content: Result<Arc<WhyPage>, Fault>) {
        if generation == self.generation {
            self.content = Some(content);
            self.is_running = false;
        }
    }

    /// The number of its question.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Whether the test program of the record runs for it.
    pub fn is_running(&self) -> bool {
        self.is_running
    }

    fn page(&self) -> Option<&WhyPage> {
        self.content.as_ref()?.as_ref().ok().map(Arc::as_ref)
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> Reply {
        if is_cancel(key) {
            return Reply::Close;
        }
        let half = isize::try_from(self.drawn.get().0 / 2).unwrap_or(10).max(1);
        let has_ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('q' | '!') => Reply::Close,
            KeyCode::Char('p') => Reply::Run(Action::Patch),
            KeyCode::Char('x') if self.has_program && !self.is_running => {
                self.is_running = true;
                Reply::RunCheck
            }
            KeyCode::Enter => {
                let page = self.page();
                let target = page.and_then(|page| page.targets.get(self.cursor));
                match target {
                    Some((_, WhyTarget::Evidence(id))) => Reply::Evidence(*id),
                    Some((_, WhyTarget::Step(step))) => Reply::Step(*step),
                    None => Reply::Stay,
                }
            }
            KeyCode::Char('j') | KeyCode::Down => self.step(1),
            KeyCode::Char('k') | KeyCode::Up => self.step(-1),
            KeyCode::Char('d') if has_ctrl => self.scroll(half),
            KeyCode::Char('u') if has_ctrl => self.scroll(-half),
            KeyCode::PageDown => self.scroll(half * 2),
            KeyCode::PageUp => self.scroll(-half * 2),
            KeyCode::Char('g') | KeyCode::Home => {
                self.step(isize::MIN);
                self.scroll(isize::MIN)
            }
            KeyCode::Char('G') | KeyCode::End => self.step(isize::MAX),
            _ => Reply::Stay,
        }
    }

    /// Moves the cursor among the evidence; scrolls where there is none.
    fn step(&mut self, rows: isize) -> Reply {
        let count = self.page().map_or(0, |page| page.targets.len());
        if count == 0 {
            return self.scroll(rows);
        }
        self.cursor = self.cursor.saturating_add_signed(rows).min(count - 1);
        self.is_pulled = true;
        Reply::Stay
    }

    pub(super) fn scroll(&mut self, rows: isize) -> Reply {
        let (_, top) = self.drawn.get();
        let len = self.page().map_or(0, |page| page.page.len());
        self.top = top.saturating_add_signed(rows).min(len);
        self.is_pulled = false;
        Reply::Stay
    }

    pub(super) fn draw(&self, screen: Rect, buf: &mut Buffer, theme: &Theme) -> Option<Position> {
        let note = match (self.is_running, self.has_program) {
            (true, _) => "its test program runs in a sandbox… · Esc stops it",
            (false, true) => "x runs its test program · Enter goes there · p patch · Esc",
            (false, false) => "Enter goes there · p patch · Esc",
        };
        let inner = draw_box(Self::area(screen), "Why", note, buf, theme);
        let say = |buf: &mut Buffer, text: &str, role| {
            let text = crate::text::clean_line(text);
            let style = theme.style(role);
            buf.set_stringn(inner.x, inner.y, text, inner.width.into(), style);
        };
        if inner.is_empty() {
            return None;
        }
        let page = match &self.content {
            None => {
                say(buf, "judging…", Role::Dim);
                return None;
            }
            Some(Err(fault)) => {
                say(buf, &fault.to_string(), Role::Error);
                return None;
            }
            Some(Ok(page)) => page,
        };
        let inks = Inks::default();
        let lens = Lens {
            page: &page.page,
            inks: &inks,
            theme,
            width: inner.width,
            height: inner.height,
            is_wrapped: true,
        };
        let target = page
            .targets
            .get(self.cursor)
            .map(|(place, _)| page.page.line_of(*place));
        let mut viewport = Viewport {
            line: if self.is_pulled {
                self.drawn.get().1
            } else {
                self.top
            },
            ..Viewport::default()
        };
        viewport.fit(&lens);
        if let Some(line) = target.filter(|_| self.is_pulled) {
            viewport.show(line, &lens);
        }
        self.drawn.set((inner.height.into(), viewport.line));
        let marks = Marks {
            cursor_line: target,
            ..Marks::default()
        };
        viewport.draw(inner, buf, &lens, marks);
        None
    }
}
