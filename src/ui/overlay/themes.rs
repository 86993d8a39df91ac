//! The themes, shown live as the cursor moves; Esc brings the one from before back.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::layout::Position;
use ratatui::layout::Rect;

use crate::theme::Theme;
use crate::theme::ThemeName;
use crate::ui::overlay::Reply;
use crate::ui::overlay::frame::draw_picker;
use crate::ui::overlay::is_cancel;
use crate::ui::widget::Entry;
use crate::ui::widget::Picked;
use crate::ui::widget::Picker;

/// Picks a theme.
#[derive(Debug, Clone)]
pub struct ThemePicker {
    names: Vec<String>,
    picker: Picker,
}

impl ThemePicker {
    /// Offers these themes, with the cursor on the one named `current`.
    pub fn new(names: Vec<ThemeName>, current: &str) -> Self {
        let place = names.iter().position(|theme| theme.name == current);
        let entries = names.iter().map(|theme| Entry {
            label: theme.name.clone(),
            doc: theme.doc.clone(),
            note: if theme.is_user { "yours" } else { "" }.to_owned(),
        });
        let picker = Picker::with_entries(entries.collect(), place.unwrap_or(0));
        let names = names.into_iter().map(|theme| theme.name).collect();
        Self { names, picker }
    }

    fn selected(&self) -> Option<String> {
        self.names.get(self.picker.selected()?).cloned()
    }

    fn preview(&self, picked: Picked) -> Reply {
        match (picked, self.selected()) {
            (Picked::Moved, Some(name)) => Reply::PreviewTheme(name),
            _ => Reply::Stay,
        }
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> Reply {
        if is_cancel(key) {
            return Reply::CancelTheme;
        }
        if key.code == KeyCode::Enter {
            return self.selected().map_or(Reply::Stay, Reply::PickTheme);
        }
        let picked = self.picker.key(key);
        self.preview(picked)
    }

    pub(super) fn paste(&mut self, text: &str) -> Reply {
        let picked = self.picker.paste(text);
        self.preview(picked)
    }

    pub(super) fn scroll(&mut self, rows: isize) -> Reply {
        let picked = self.picker.step(rows);
        self.preview(picked)
    }

    pub(super) fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) -> Option<Position> {
        draw_picker("Themes", &self.picker, 70, area, buf, theme)
    }
}
