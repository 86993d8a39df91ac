//! How cells look, and what another size makes of them: what people see of a screen, and no capture tells.

use std::ops::Range;

use crate::replay::screen::grid::Grid;
use crate::replay::screen::grid::PADDING;
use crate::replay::screen::grid::Row;
use crate::text::Ink;

impl Row {
    /// Runs of one look; the last plain blanks are left out.
    fn runs(&self) -> Vec<(String, Ink)> {
        let mut runs: Vec<(String, Ink)> = Vec::new();
        let mut marks = self.marks.iter().peekable();
        for column in 0..self.cells.len().max(self.inks.len()) {
            let ink = self.inks.get(column).copied().unwrap_or_default();
            if runs.last().is_none_or(|(_, last)| *last != ink) {
                runs.push((String::new(), ink));
            }
            let Some((text, _)) = runs.last_mut() else {
                break;
            };
            let cell = self.cells.get(column).copied().unwrap_or(' ');
            if cell != PADDING {
                text.push(cell);
            }
            while let Some((_, mark)) = marks.next_if(|(at, _)| *at <= column) {
                text.push(*mark);
            }
        }
        runs
    }

    /// Gives cells a look, as far as that is none that they have.
    pub(super) fn colour(&mut self, columns: Range<usize>, ink: Ink) {
        let is_plain = ink == Ink::default();
        if is_plain && columns.end >= self.inks.len() {
            self.inks.truncate(columns.start);
            return;
        }
        if self.inks.len() < columns.end {
            self.inks.resize(columns.end, Ink::default());
        }
        if let Some(inks) = self.inks.get_mut(columns) {
            inks.fill(ink);
        }
    }

    /// Cuts it to so many columns.
    fn cut(&mut self, columns: usize) {
        self.split_wide(columns, 0);
        self.cells.truncate(columns);
        self.inks.truncate(columns);
        self.marks.retain(|(column, _)| *column < columns);
    }
}

impl Grid {
    pub(in crate::replay::screen) fn window(&self) -> Vec<Vec<(String, Ink)>> {
        self.visible.iter().map(Row::runs).collect()
    }

    /// Another size. Rows go at the bottom as long as the cursor stays in sight, else at the top; nothing is laid out
    /// anew: programs do that when they are told.
    pub(in crate::replay::screen) fn resize(&mut self, rows: usize, columns: usize) {
        self.columns = columns;
        while self.visible.len() > rows {
            if self.cursor.y + 1 < self.visible.len() {
                self.visible.pop_back();
            } else if let Some(row) = self.visible.pop_front() {
                if self.hidden.is_none() {
                    self.keep(&row);
                }
                self.cursor.y = self.cursor.y.saturating_sub(1);
                self.used = self.used.saturating_sub(1);
            }
        }
        self.visible.resize_with(rows, Row::default);
        self.used = self.used.min(rows);
        if let Some((main, used, cursor)) = &mut self.hidden {
            main.resize_with(rows, Row::default);
            *used = (*used).min(rows);
            cursor.y = cursor.y.min(rows - 1);
        }
        let hidden = self.hidden.iter_mut().flat_map(|(main, ..)| main);
        for row in self.visible.iter_mut().chain(hidden) {
            row.cut(columns);
        }
        self.rows = rows;
        self.region = (0, rows - 1);
        self.reset_tabs();
        for cursor in [&mut self.cursor, &mut self.saved] {
            cursor.x = cursor.x.min(columns - 1);
            cursor.y = cursor.y.min(rows - 1);
        }
    }

    /// What erasing leaves: blanks on the ground that is set.
    pub(super) fn blank(&self) -> Ink {
        Ink {
            bg: self.ink.bg,
            ..Ink::default()
        }
    }

    pub(in crate::replay::screen) fn save(&mut self) {
        (self.saved, self.saved_ink) = (self.cursor, self.ink);
    }

    pub(in crate::replay::screen) fn restore(&mut self) {
        (self.cursor, self.ink) = (self.saved, self.saved_ink);
    }
}
