//! All commands that work here, found by typing; Enter runs one.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::layout::Position;
use ratatui::layout::Rect;

use crate::theme::Theme;
use crate::ui::command::COMMANDS;
use crate::ui::command::Command;
use crate::ui::command::Scope;
use crate::ui::keymap::Keymap;
use crate::ui::overlay::Reply;
use crate::ui::overlay::frame::draw_picker;
use crate::ui::overlay::is_cancel;
use crate::ui::widget::Entry;
use crate::ui::widget::Picker;

/// The command palette.
#[derive(Debug, Clone)]
pub struct Palette {
    commands: Vec<&'static Command>,
    picker: Picker,
}

impl Palette {
    /// The commands of a screen of this scope, with the user's keys beside them.
    pub fn new(scope: Scope, keymap: &Keymap) -> Self {
        let commands: Vec<&'static Command> = COMMANDS
            .iter()
            .filter(|command| command.scope.works_on(scope))
            .collect();
        let entries = commands.iter().map(|command| Entry {
            label: command.name.to_owned(),
            doc: command.doc.to_owned(),
            note: keymap.keys_of(command.action, scope).join(", "),
        });
        let picker = Picker::with_entries(entries.collect(), 0);
        Self { commands, picker }
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> Reply {
        if is_cancel(key) {
            return Reply::Close;
        }
        if key.code == KeyCode::Enter {
            // `grep PATTERN` is one thought, and is done at once
            let typed = self.picker.pattern().text();
            if let Some(pattern) = typed.strip_prefix("grep ").map(str::trim)
                && !pattern.is_empty()
            {
                return Reply::Grep(pattern.to_owned());
            }
            let picked = self.picker.selected().and_then(|ix| self.commands.get(ix));
            return picked.map_or(Reply::Stay, |command| Reply::Run(command.action));
        }
        self.picker.key(key);
        Reply::Stay
    }

    pub(super) fn paste(&mut self, text: &str) -> Reply {
        self.picker.paste(text);
        Reply::Stay
    }

    pub(super) fn scroll(&mut self, rows: isize) -> Reply {
        self.picker.step(rows);
        Reply::Stay
    }

    pub(super) fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) -> Option<Position> {
        draw_picker("Commands", &self.picker, 92, area, buf, theme)
    }
}
