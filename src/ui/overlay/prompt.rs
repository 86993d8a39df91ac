//! A line of input at the bottom of the screen, with what was typed before and a word about the result.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::KeyModifiers;
use ratatui::layout::Position;
use ratatui::layout::Rect;
use ratatui::text::Span;
use ratatui::widgets::Clear;
use ratatui::widgets::Widget as _;

use crate::theme::Role;
use crate::theme::Theme;
use crate::ui::overlay::PromptChange;
use crate::ui::overlay::PromptKind;
use crate::ui::overlay::Reply;
use crate::ui::overlay::frame::draw_input;
use crate::ui::overlay::is_cancel;
use crate::ui::widget::Edited;
use crate::ui::widget::LineEdit;

/// A prompt.
#[derive(Debug, Clone)]
pub struct Prompt {
    kind: PromptKind,
    line: LineEdit,
    /// What was typed before, the oldest first.
    history: Vec<String>,
    /// The place in the history, and what was being typed when leafing began.
    leaf: Option<(usize, String)>,
    info: String,
}

impl Prompt {
    /// Opens a prompt that holds `text`; `history` has the oldest entry first.
    pub fn new(kind: PromptKind, text: &str, history: Vec<String>) -> Self {
        Self {
            kind,
            line: LineEdit::new(text),
            history,
            leaf: None,
            info: String::new(),
        }
    }

    /// What its text is for.
    pub fn kind(&self) -> PromptKind {
        self.kind
    }

    /// Its text.
    pub fn text(&self) -> &str {
        self.line.text()
    }

    /// Sets the text at the right, such as `3/41`.
    pub fn set_info(&mut self, info: impl Into<String>) {
        self.info = info.into();
    }

    fn reply(&self, what: PromptChange) -> Reply {
        Reply::Prompt {
            kind: self.kind,
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
            KeyCode::Enter => self.reply(PromptChange::Accepted),
            // deleting in an empty prompt leaves it, as in vi
            KeyCode::Backspace if self.line.text().is_empty() => {
                self.reply(PromptChange::Cancelled)
            }
            KeyCode::Up => self.older(),
            KeyCode::Down => self.newer(),
            KeyCode::Char('p') if ctrl => self.older(),
            KeyCode::Char('n') if ctrl => self.newer(),
            _ => match self.line.key(key) {
                Edited::Text => {
                    self.leaf = None;
                    self.reply(PromptChange::Edited)
                }
                Edited::Cursor | Edited::No => Reply::Stay,
            },
        }
    }

    fn older(&mut self) -> Reply {
        let (place, typed) = match &self.leaf {
            Some((place, typed)) => (*place, typed.clone()),
            None => (self.history.len(), self.line.text().to_owned()),
        };
        self.leaf_to(place.checked_sub(1), typed)
    }

    fn newer(&mut self) -> Reply {
        match self.leaf.take() {
            Some((place, typed)) => self.leaf_to(Some(place + 1), typed),
            None => Reply::Stay,
        }
    }

    /// Shows an entry of the history, or, past its end, what was being typed.
    fn leaf_to(&mut self, place: Option<usize>, typed: String) -> Reply {
        let Some(place) = place else {
            return Reply::Stay;
        };
        if let Some(entry) = self.history.get(place) {
            self.line.set(entry);
            self.leaf = Some((place, typed));
        } else {
            self.line.set(&typed);
            self.leaf = None;
        }
        self.reply(PromptChange::Edited)
    }

    pub(super) fn paste(&mut self, text: &str) -> Reply {
        self.leaf = None;
        if self.line.insert(text) {
            self.reply(PromptChange::Edited)
        } else {
            Reply::Stay
        }
    }

    pub(super) fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) -> Option<Position> {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return None;
        }
        let row = Rect {
            y: area.bottom() - 1,
            height: 1,
            ..area
        };
        Clear.render(row, buf);
        buf.set_style(
            row,
            theme.style(Role::Text).patch(theme.style(Role::Overlay)),
        );
        let info_cells = u16::try_from(Span::raw(self.info.as_str()).width()).unwrap_or(u16::MAX);
        // the text keeps most of the row
        let shows_info = info_cells > 0 && u32::from(info_cells) * 2 < u32::from(row.width);
        let mut room = row;
        if shows_info {
            room.width -= info_cells + 1;
            let x = row.right() - info_cells;
            buf.set_stringn(
                x,
                row.y,
                &self.info,
                info_cells.into(),
                theme.style(Role::Dim),
            );
        }
        let sign = match self.kind {
            PromptKind::Find => "/",
            PromptKind::Grep => "grep: ",
            PromptKind::Narrow => "'",
            PromptKind::Filter => "where ",
            PromptKind::Note => "note: ",
            PromptKind::Tags => "tags, by commas: ",
        };
        draw_input(sign, &self.line, room, buf, theme)
    }
}
