//! The keys that work here, by group, narrowed by typing.

use std::cell::Cell;

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::layout::Position;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::text::Span;

use crate::text::clip;
use crate::theme::Role;
use crate::theme::Theme;
use crate::ui::command::COMMANDS;
use crate::ui::command::Group;
use crate::ui::command::Scope;
use crate::ui::keymap::Keymap;
use crate::ui::overlay::Reply;
use crate::ui::overlay::frame::centred;
use crate::ui::overlay::frame::draw_box;
use crate::ui::overlay::frame::draw_input;
use crate::ui::overlay::frame::split_first_row;
use crate::ui::overlay::is_cancel;
use crate::ui::overlay::scrolled;
use crate::ui::widget::Edited;
use crate::ui::widget::LineEdit;

/// One command of the help.
#[derive(Debug, Clone)]
struct Row {
    group: Group,
    name: &'static str,
    doc: &'static str,
    keys: String,
}

/// The help.
#[derive(Debug, Clone)]
pub struct Help {
    scope: Scope,
    rows: Vec<Row>,
    pattern: LineEdit,
    top: usize,
    /// The furthest down that the last drawing had lines for.
    most: Cell<usize>,
}

/// A line of the help on the screen.
enum Shown<'a> {
    Blank,
    Heading(&'static str),
    Row(&'a Row),
}

impl Help {
    /// The commands of a screen of this scope with the user's keys. Commands without keys are the palette's.
    pub fn new(scope: Scope, keymap: &Keymap) -> Self {
        let rows = COMMANDS
            .iter()
            .filter(|command| command.scope.works_on(scope))
            .filter_map(|command| {
                let keys = keymap.keys_of(command.action, scope).join(", ");
                (!keys.is_empty()).then_some(Row {
                    group: command.group,
                    name: command.name,
                    doc: command.doc,
                    keys,
                })
            })
            .collect();
        Self {
            scope,
            rows,
            pattern: LineEdit::default(),
            top: 0,
            most: Cell::new(0),
        }
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> Reply {
        if is_cancel(key) {
            return Reply::Close;
        }
        match key.code {
            KeyCode::Enter => Reply::Close,
            // what opened it closes it, as long as nothing is being typed
            KeyCode::Char('?' | 'q') if self.pattern.text().is_empty() => Reply::Close,
            KeyCode::Down => self.scroll(1),
            KeyCode::Up => self.scroll(-1),
            KeyCode::PageDown => self.scroll(10),
            KeyCode::PageUp => self.scroll(-10),
            _ => {
                if self.pattern.key(key) == Edited::Text {
                    self.top = 0;
                }
                Reply::Stay
            }
        }
    }

    pub(super) fn paste(&mut self, text: &str) -> Reply {
        if self.pattern.insert(text) {
            self.top = 0;
        }
        Reply::Stay
    }

    pub(super) fn scroll(&mut self, rows: isize) -> Reply {
        self.top = scrolled(self.top, rows, self.most.get());
        Reply::Stay
    }

    /// The lines to show: groups with their rows that hold all words of the pattern.
    fn shown(&self) -> Vec<Shown<'_>> {
        let words: Vec<String> = self
            .pattern
            .text()
            .split_whitespace()
            .map(str::to_lowercase)
            .collect();
        let matches = |row: &Row| {
            words.iter().all(|word| {
                row.name.contains(word.as_str())
                    || row.doc.to_lowercase().contains(word.as_str())
                    || row.keys.to_lowercase().contains(word.as_str())
            })
        };
        let mut lines = Vec::new();
        for group in Group::ALL {
            let mut rows = self
                .rows
                .iter()
                .filter(|row| row.group == group && matches(row))
                .peekable();
            if rows.peek().is_none() {
                continue;
            }
            if !lines.is_empty() {
                lines.push(Shown::Blank);
            }
            lines.push(Shown::Heading(group.title()));
            lines.extend(rows.map(Shown::Row));
        }
        lines
    }

    pub(super) fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) -> Option<Position> {
        let shown = self.shown();
        // sized by all rows, so that the box keeps still while one types
        let rows = u16::try_from(self.rows.len() + Group::ALL.len() * 2).unwrap_or(u16::MAX);
        let area = centred(area, 84, rows.saturating_add(3));
        let title = match self.scope {
            Scope::Global => "Keys",
            Scope::List => "Keys in the list",
            Scope::Trajectory => "Keys in a trajectory",
            Scope::Results => "Keys in search results",
            Scope::Patch | Scope::Pages | Scope::AnyPage | Scope::Steps => "Keys in a patch",
            Scope::File => "Keys in a file at a step",
            Scope::Compare => "Keys in a comparison",
            Scope::Stats => "Keys in the statistics",
            Scope::Replay | Scope::Beside | Scope::Records => "Keys in a replay",
        };
        let inner = draw_box(area, title, "type to narrow · Esc closes", buf, theme);
        let (first, rest) = split_first_row(inner);
        let cursor = draw_input("> ", &self.pattern, first, buf, theme);
        let column = self
            .rows
            .iter()
            .map(|row| Span::raw(row.keys.as_str()).width())
            .max()
            .unwrap_or(0);
        self.most
            .set(shown.len().saturating_sub(usize::from(rest.height)));
        let top = self.top.min(self.most.get());
        for (row, shown_line) in rest.rows().zip(shown.iter().skip(top)) {
            let line = match shown_line {
                Shown::Blank => Line::default(),
                Shown::Heading(title) => Line::styled(*title, theme.style(Role::Heading)),
                Shown::Row(row) => {
                    let gap = column.saturating_sub(Span::raw(row.keys.as_str()).width()) + 2;
                    Line::from(vec![
                        Span::raw("  "),
                        Span::styled(row.keys.as_str(), theme.style(Role::Key)),
                        Span::raw(" ".repeat(gap)),
                        Span::raw(clip(row.doc, doc_cells(row.name, column, rest.width))),
                    ])
                }
            };
            buf.set_line(row.x, row.y, &line, row.width);
            if let Shown::Row(shown) = shown_line {
                draw_name(shown.name, line.width(), row, buf, theme);
            }
        }
        if shown.is_empty() && !rest.is_empty() {
            let style = theme.style(Role::Dim);
            buf.set_stringn(
                rest.x,
                rest.y,
                "  nothing matches",
                rest.width.into(),
                style,
            );
        }
        cursor
    }
}

/// The cells of a command's doc: it gives way to the name, by which the command is bound and found, unless that left
/// nothing worth reading.
fn doc_cells(name: &str, keys: usize, width: u16) -> usize {
    const LEAST: usize = 24;
    let room = usize::from(width).saturating_sub(keys + 4);
    let beside = room.saturating_sub(name.len() + 2);
    if beside < LEAST { room } else { beside }
}

/// Draws a command's name at the right end of its row, where it fits beside what is there.
fn draw_name(name: &str, used_cells: usize, row: Rect, buf: &mut Buffer, theme: &Theme) {
    let name = Line::styled(name, theme.style(Role::Dim));
    if used_cells + 2 + name.width() <= usize::from(row.width) {
        let cells = u16::try_from(name.width()).unwrap_or(0);
        buf.set_line(row.right() - cells, row.y, &name, cells);
    }
}
