//! The prompt of a query: a line of input, what is wrong with it marked below, and what may be typed next.
//!
//! The query is read at every key, without any record: that is quick. It is asked only when it is sent off.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::KeyModifiers;
use ratatui::layout::Position;
use ratatui::layout::Rect;
use ratatui::widgets::Clear;
use ratatui::widgets::Widget as _;

use crate::query::Completion;
use crate::query::QueryError;
use crate::query::complete;
use crate::select::Selector;
use crate::text::width;
use crate::theme::Role;
use crate::theme::Theme;
use crate::ui::overlay::PromptChange;
use crate::ui::overlay::PromptKind;
use crate::ui::overlay::Reply;
use crate::ui::overlay::frame::draw_input;
use crate::ui::overlay::is_cancel;
use crate::ui::widget::Edited;
use crate::ui::widget::LineEdit;
use crate::ui::widget::rows::put;
use crate::ui::widget::rows::put_right;

/// What stands before the line.
const SIGN: &str = "where ";
/// Candidates shown at once.
const SHOWN: u16 = 7;

/// The prompt of a query.
#[derive(Debug, Clone)]
pub struct Filter {
    line: LineEdit,
    /// What was typed before, the oldest first.
    history: Vec<String>,
    /// The place in the history, and what was being typed when leafing began.
    leaf: Option<(usize, String)>,
    problem: Option<QueryError>,
    completion: Completion,
    /// The candidate that stands in the line.
    chosen: Option<usize>,
    /// The bytes that the chosen candidate takes.
    taken: std::ops::Range<usize>,
    /// It was sent off as it is, and is wrong.
    is_refused: bool,
}

impl Filter {
    /// Opens a prompt that holds `text`; `history` has the oldest entry first.
    pub fn new(text: &str, history: Vec<String>) -> Self {
        let mut filter = Self {
            line: LineEdit::new(text),
            history,
            leaf: None,
            problem: None,
            completion: Completion::default(),
            chosen: None,
            taken: 0..0,
            is_refused: false,
        };
        filter.read();
        filter
    }

    /// Reads the line anew.
    fn read(&mut self) {
        let text = self.line.text();
        self.problem = match text.trim() {
            "" => None,
            _ => Selector::parse(text).err(),
        };
        self.completion = complete(text, self.line.cursor());
        self.taken = self.completion.span.clone();
        self.chosen = None;
        self.is_refused = false;
    }

    fn reply(&self, what: PromptChange) -> Reply {
        Reply::Prompt {
            kind: PromptKind::Filter,
            text: self.line.text().to_owned(),
            what,
        }
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> Reply {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        if is_cancel(key) {
            return self.reply(PromptChange::Cancelled);
        }
        match key.code {
            KeyCode::Enter if self.problem.is_some() => {
                self.is_refused = true;
                Reply::Stay
            }
            KeyCode::Enter => self.reply(PromptChange::Accepted),
            KeyCode::Tab | KeyCode::Down => self.choose(1),
            KeyCode::BackTab | KeyCode::Up => self.choose(-1),
            KeyCode::Char('p') if ctrl => self.leaf_by(-1),
            KeyCode::Char('n') if ctrl => self.leaf_by(1),
            _ => {
                if self.line.key(key) != Edited::No {
                    self.leaf = None;
                    self.read();
                }
                Reply::Stay
            }
        }
    }

    /// Puts the next candidate into the line, in place of the one before.
    fn choose(&mut self, by: isize) -> Reply {
        let count = self.completion.candidates.len();
        if count == 0 {
            return Reply::Stay;
        }
        let next = match self.chosen {
            None if by > 0 => 0,
            None => count - 1,
            Some(at) if by > 0 => (at + 1) % count,
            Some(at) => at.checked_sub(1).unwrap_or(count - 1),
        };
        let Some(candidate) = self.completion.candidates.get(next) else {
            return Reply::Stay;
        };
        self.line.replace(self.taken.clone(), &candidate.text);
        self.taken = self.taken.start..self.line.cursor();
        self.chosen = Some(next);
        let text = self.line.text();
        self.problem = Selector::parse(text).err();
        self.is_refused = false;
        Reply::Stay
    }

    /// Goes back and forth in what was typed before.
    fn leaf_by(&mut self, by: isize) -> Reply {
        let (at, typed) = match self.leaf.take() {
            Some(leaf) => leaf,
            None => (self.history.len(), self.line.text().to_owned()),
        };
        let next = at.saturating_add_signed(by).min(self.history.len());
        match self.history.get(next) {
            Some(entry) => {
                self.line.set(entry);
                self.leaf = Some((next, typed));
            }
            None => self.line.set(&typed),
        }
        self.read();
        Reply::Stay
    }

    pub(super) fn paste(&mut self, text: &str) -> Reply {
        self.leaf = None;
        self.line.insert(text);
        self.read();
        Reply::Stay
    }

    pub(super) fn scroll(&mut self, rows: isize) -> Reply {
        self.choose(rows)
    }

    pub(super) fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) -> Option<Position> {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return None;
        }
        // a rule, the line, what is wrong with it, the candidates; always as many, so that the line stays where it is
        let shown = SHOWN.min(area.height / 3);
        let height = (shown + 3).min(area.height);
        let area = Rect {
            y: area.bottom() - height,
            height,
            ..area
        };
        Clear.render(area, buf);
        buf.set_style(
            area,
            theme.style(Role::Text).patch(theme.style(Role::Overlay)),
        );
        let mut rows = area.rows();
        if height > 2
            && let Some(row) = rows.next()
        {
            let rule = "─".repeat(row.width.into());
            let note = " Enter: apply   Tab: complete   Ctrl-p: earlier   Esc: leave ";
            put(
                buf,
                row.x,
                row.y,
                row.width,
                &rule,
                theme.style(Role::Border),
            );
            if width(note) + 4 < usize::from(row.width) {
                put_right(
                    buf,
                    row.x,
                    row.y,
                    row.width - 2,
                    note,
                    theme.style(Role::Dim),
                );
            }
        }
        let cursor = rows
            .next()
            .and_then(|row| draw_input(SIGN, &self.line, row, buf, theme));
        if let Some(row) = rows.next() {
            self.draw_problem(row, buf, theme);
        }
        self.draw_candidates(rows.collect(), buf, theme);
        cursor
    }

    /// The mark below what is wrong, and why; quiet while one still types there.
    fn draw_problem(&self, row: Rect, buf: &mut Buffer, theme: &Theme) {
        let Some(problem) = &self.problem else {
            return;
        };
        let text = self.line.text();
        let is_at_end = problem.span.end >= text.trim_end().len() && !self.is_refused;
        let role = if is_at_end { Role::Dim } else { Role::Error };
        let style = theme.style(role);
        let words = problem.to_string();
        let room = usize::from(row.width);
        // a line that is scrolled sideways has its mark elsewhere
        if width(SIGN) + width(text) >= room {
            let words = format!("column {}: {words}", problem.column(text));
            put(buf, row.x, row.y, row.width, &words, style);
            return;
        }
        let (before, cells) = problem.mark(text);
        let at = width(SIGN) + before;
        let mark = "^".repeat(cells);
        let (left, gap) = if at + cells + 1 + width(&words) <= room {
            (at, format!("{mark} {words}"))
        } else if width(&words) < at {
            // what does not fit behind the mark stands before it
            (at - width(&words) - 1, format!("{words} {mark}"))
        } else {
            (0, format!("column {}: {words}", problem.column(text)))
        };
        let x = row.x + u16::try_from(left).unwrap_or(0);
        put(buf, x, row.y, row.right().saturating_sub(x), &gap, style);
    }

    fn draw_candidates(&self, rows: Vec<Rect>, buf: &mut Buffer, theme: &Theme) {
        let top = (self.chosen.unwrap_or(0) + 1).saturating_sub(rows.len().max(1));
        let all = &self.completion.candidates;
        let shown = all.iter().enumerate().skip(top);
        let widest = shown
            .clone()
            .take(rows.len())
            .map(|(_, one)| width(&one.text))
            .max();
        let column = u16::try_from(widest.unwrap_or(0)).unwrap_or(0).min(28) + 2;
        let left = u16::try_from(width(SIGN)).unwrap_or(0);
        for (row, (ix, candidate)) in rows.into_iter().zip(shown) {
            let style = theme.style(Role::Strong);
            let x = row.x + left;
            let room = row.width.saturating_sub(left);
            put(buf, x, row.y, room.min(column - 1), &candidate.text, style);
            let room = room.saturating_sub(column);
            put(
                buf,
                x + column,
                row.y,
                room,
                &candidate.doc,
                theme.style(Role::Dim),
            );
            if self.chosen == Some(ix) {
                buf.set_style(row, theme.style(Role::Cursor));
            }
        }
    }
}
