//! The cells of a screen: rows, cursor, scrolling, history. Follows tmux 3.3 (`grid.c`, `grid-view.c`,
//! `screen-write.c`) in what can be seen in a capture.

mod looks;

use std::collections::VecDeque;

use unicode_width::UnicodeWidthChar as _;

use crate::text::Ink;

/// Stands in the cells behind the first one of a wide character.
const PADDING: char = '\0';

/// Combining characters kept on one cell, as many as tmux has room for.
const MARKS: usize = 6;

/// Answers to questions that may wait to be read; a program that asks on without reading gets no more.
const REPLIES: usize = 4096;

/// A row of the screen. `cells` reaches as far as something was written.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    cells: Vec<char>,
    /// How the cells look; those behind the last one are plain. May reach further than `cells`: blanks with a ground.
    inks: Vec<Ink>,
    /// Combining characters, by the column of the cell that they belong to.
    marks: Vec<(usize, char)>,
    /// The text goes on in the next row.
    wrapped: bool,
    /// Something was written since the row was last cleared as a whole: it counts as a line, even if blank.
    touched: bool,
}

impl Row {
    /// Appends the text.
    fn text(&self, into: &mut String) {
        let mut marks = self.marks.iter().peekable();
        for (column, cell) in self.cells.iter().enumerate() {
            if *cell != PADDING {
                into.push(*cell);
            }
            while let Some((_, mark)) = marks.next_if(|(at, _)| *at <= column) {
                into.push(*mark);
            }
        }
    }
}

/// A row that scrolled out.
#[derive(Debug)]
struct Line {
    text: Box<str>,
    wrapped: bool,
}

/// A row on the screen or behind it.
enum Kept<'a> {
    Row(&'a Row),
    Line(&'a Line),
}

/// Where text is written next; `x` may be one past the last column: the next character wraps.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cursor {
    pub(super) x: usize,
    pub(super) y: usize,
}

/// The screen.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent modes of a terminal"
)]
pub(super) struct Grid {
    pub(super) rows: usize,
    pub(super) columns: usize,
    visible: VecDeque<Row>,
    /// Rows of `visible` from this one on are untouched.
    used: usize,
    history: VecDeque<Line>,
    history_limit: usize,
    pub(super) cursor: Cursor,
    pub(super) saved: Cursor,
    /// How what is written looks.
    pub(super) ink: Ink,
    pub(super) saved_ink: Ink,
    /// The program shows its cursor.
    pub(super) has_cursor: bool,
    /// Arrow keys are to be told as those of an application.
    pub(super) has_keypad: bool,
    /// The first and the last row of the part that scrolls.
    pub(super) region: (usize, usize),
    pub(super) tabs: Vec<bool>,
    pub(super) wraps: bool,
    pub(super) inserts: bool,
    pub(super) origin: bool,
    /// The main screen and its cursor, while the alternate one is shown.
    hidden: Option<(VecDeque<Row>, usize, Cursor)>,
    /// The last character that was written, for repeating it.
    pub(super) last: Option<char>,
    pub(super) replies: Vec<u8>,
    /// The parser told something.
    pub(super) heard: bool,
}

impl Grid {
    pub(super) fn new(rows: usize, columns: usize, history_limit: usize) -> Self {
        let mut grid = Self {
            rows,
            columns,
            visible: std::iter::repeat_n(Row::default(), rows).collect(),
            used: 0,
            history: VecDeque::new(),
            history_limit,
            cursor: Cursor::default(),
            saved: Cursor::default(),
            ink: Ink::default(),
            saved_ink: Ink::default(),
            has_cursor: true,
            has_keypad: false,
            region: (0, rows - 1),
            tabs: Vec::new(),
            wraps: true,
            inserts: false,
            origin: false,
            hidden: None,
            last: None,
            replies: Vec::new(),
            heard: false,
        };
        grid.reset_tabs();
        grid
    }

    pub(super) fn reset_tabs(&mut self) {
        self.tabs = (0..self.columns).map(|at| at % 8 == 0 && at > 0).collect();
    }

    pub(super) fn answer(&mut self, text: &str) {
        if self.replies.len() + text.len() <= REPLIES {
            self.replies.extend_from_slice(text.as_bytes());
        }
    }

    // what is shown

    pub(super) fn capture(&self) -> String {
        let mut text = String::new();
        for line in &self.history {
            text.push_str(&line.text);
            if !line.wrapped {
                text.push('\n');
            }
        }
        // rows at the end that nothing was written to are not lines
        let last = self
            .visible
            .iter()
            .take(self.used)
            .rposition(|row| row.touched);
        for row in self.visible.iter().take(last.map_or(0, |last| last + 1)) {
            row.text(&mut text);
            if !row.wrapped {
                text.push('\n');
            }
        }
        let mut out = String::with_capacity(text.len());
        for line in text.lines() {
            out.push_str(line.trim_end());
            out.push('\n');
        }
        // the newline of the last line is a separator
        out.pop();
        out
    }

    /// Whether the last line that is not blank is this one. Looks at no more rows than that takes.
    pub(super) fn last_line_is(&self, line: &str) -> bool {
        let mut below = String::new();
        let mut text = String::new();
        let rows = self.visible.iter().take(self.used).rev().map(Kept::Row);
        let lines = self.history.iter().rev().map(Kept::Line);
        for kept in rows.chain(lines) {
            let is_wrapped = match kept {
                Kept::Row(row) => row.wrapped,
                Kept::Line(line) => line.wrapped,
            };
            if !below.is_empty() && (!is_wrapped || below.len() > line.len()) {
                break;
            }
            text.clear();
            match kept {
                Kept::Row(row) => row.text(&mut text),
                Kept::Line(line) => text.push_str(&line.text),
            }
            if below.is_empty() {
                text.truncate(text.trim_end().len());
            }
            below.insert_str(0, &text);
        }
        below == line
    }

    pub(super) fn place(&self) -> (u16, u16) {
        // a cursor behind the last column waits there for the next character
        let column = self.cursor.x.min(self.columns.saturating_sub(1));
        let cells = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        (cells(self.cursor.y), cells(column))
    }

    pub(super) fn clear_history(&mut self) {
        self.history.clear();
    }

    // scrolling

    /// Moves a row into the history; when that is full, its oldest tenth goes first.
    fn keep(&mut self, row: &Row) {
        if self.history_limit == 0 {
            return;
        }
        if self.history.len() >= self.history_limit {
            let oldest = (self.history_limit / 10).max(1).min(self.history.len());
            self.history.drain(..oldest);
        }
        let mut text = String::new();
        row.text(&mut text);
        if !row.wrapped {
            text.truncate(text.trim_end().len());
        }
        self.history.push_back(Line {
            text: text.into_boxed_str(),
            wrapped: row.wrapped,
        });
    }

    fn touch(&mut self, y: usize) {
        self.used = self.used.max(y + 1);
    }

    /// Scrolls the lines of the region up by one.
    pub(super) fn scroll_up(&mut self) {
        let (upper, lower) = self.region;
        if let Some(row) = self.visible.remove(upper) {
            if self.hidden.is_none() {
                self.keep(&row);
            }
            self.visible.insert(lower, Row::default());
        }
        if lower + 1 >= self.used {
            self.used = self.used.saturating_sub(1).max(upper.min(self.used));
        }
    }

    fn scroll_down(&mut self) {
        let (upper, lower) = self.region;
        self.visible.remove(lower);
        self.visible.insert(upper, Row::default());
        self.used = (self.used + 1).min(self.rows);
    }

    /// Moves the lines from the cursor to the region's end down (inserting) or up (deleting).
    pub(super) fn shift_lines(&mut self, count: usize, is_insert: bool) {
        let y = self.cursor.y;
        let (upper, lower) = self.region;
        // tmux leaves rows outside of the region to the whole screen
        let lower = if (upper..=lower).contains(&y) {
            lower
        } else {
            self.rows - 1
        };
        for _ in 0..count.min(lower + 1 - y) {
            let (out, into) = if is_insert { (lower, y) } else { (y, lower) };
            self.visible.remove(out);
            self.visible.insert(into, Row::default());
        }
        self.used = if is_insert {
            (self.used + count).min(self.rows)
        } else {
            self.used
        };
    }

    pub(super) fn scroll(&mut self, count: usize, is_up: bool) {
        for _ in 0..count.min(self.rows) {
            if is_up {
                self.scroll_up();
            } else {
                self.scroll_down();
            }
        }
    }

    // moving

    pub(super) fn line_feed(&mut self, is_wrap: bool) {
        if is_wrap && let Some(row) = self.visible.get_mut(self.cursor.y) {
            row.wrapped = true;
        }
        if self.cursor.y == self.region.1 {
            self.scroll_up();
        } else if self.cursor.y + 1 < self.rows {
            self.cursor.y += 1;
        }
    }

    pub(super) fn reverse_line_feed(&mut self) {
        if self.cursor.y == self.region.0 {
            self.scroll_down();
        } else {
            self.cursor.y = self.cursor.y.saturating_sub(1);
        }
    }

    pub(super) fn back(&mut self) {
        if self.cursor.x > 0 {
            self.cursor.x -= 1;
            return;
        }
        let above = self.cursor.y.checked_sub(1);
        let is_wrapped = above
            .and_then(|y| self.visible.get(y))
            .is_some_and(|row| row.wrapped);
        if let Some(y) = above.filter(|_| is_wrapped) {
            self.cursor = Cursor {
                x: self.columns - 1,
                y,
            };
        }
    }

    pub(super) fn tab(&mut self) {
        while self.cursor.x + 1 < self.columns {
            self.cursor.x += 1;
            if self.tabs.get(self.cursor.x) == Some(&true) {
                break;
            }
        }
    }

    pub(super) fn back_tab(&mut self) {
        while self.cursor.x > 0 {
            self.cursor.x -= 1;
            if self.tabs.get(self.cursor.x) == Some(&true) {
                break;
            }
        }
    }

    /// Goes to a place of the screen, or of the region where that is asked for.
    pub(super) fn go(&mut self, x: usize, y: usize) {
        let y = if self.origin {
            (y + self.region.0).min(self.region.1)
        } else {
            y
        };
        self.cursor = Cursor {
            x: x.min(self.columns - 1),
            y: y.min(self.rows - 1),
        };
    }

    // writing

    pub(super) fn put(&mut self, c: char) {
        let Some(width) = c.width() else { return };
        if width == 0 {
            self.mark(c);
            return;
        }
        if width > self.columns {
            return;
        }
        if self.inserts {
            self.insert_cells(width);
        }
        if self.wraps && self.cursor.x > self.columns - width {
            self.line_feed(true);
            self.cursor.x = 0;
        }
        if self.cursor.x > self.columns - width {
            return;
        }
        let Cursor { x, y } = self.cursor;
        self.touch(y);
        let ink = self.ink;
        if let Some(row) = self.visible.get_mut(y) {
            row.split_wide(x, width);
            row.set(x, c);
            for behind in x + 1..x + width {
                row.set(behind, PADDING);
            }
            row.colour(x..x + width, ink);
        }
        let spare = usize::from(!self.wraps);
        self.cursor.x = (x + width).min(self.columns - spare);
        self.last = Some(c);
    }

    /// Puts a combining character on the character before the cursor.
    fn mark(&mut self, c: char) {
        let Some(row) = self.visible.get_mut(self.cursor.y) else {
            return;
        };
        let before = row
            .cells
            .get(..self.cursor.x.min(row.cells.len()))
            .unwrap_or_default();
        let Some(at) = before.iter().rposition(|cell| *cell != PADDING) else {
            return;
        };
        let place = row.marks.partition_point(|(column, _)| *column <= at);
        let known = row.marks.partition_point(|(column, _)| *column < at);
        if place - known < MARKS {
            row.marks.insert(place, (at, c));
        }
    }

    // erasing

    /// Clears the columns from `from` up to `to` of a row; the row as a whole when that is all of it.
    pub(super) fn clear_cells(&mut self, y: usize, from: usize, to: usize) {
        let (columns, blank) = (self.columns, self.blank());
        let Some(row) = self.visible.get_mut(y) else {
            return;
        };
        if from == 0 && to >= columns {
            *row = Row::default();
            row.colour(0..columns, blank);
            return;
        }
        row.colour(from..to.clamp(from, columns.max(from)), blank);
        let to = to.min(row.cells.len());
        if from >= to {
            return;
        }
        row.marks.retain(|(column, _)| !(from..to).contains(column));
        if to == row.cells.len() {
            row.cells.truncate(from);
        } else if let Some(cells) = row.cells.get_mut(from..to) {
            cells.fill(' ');
        }
    }

    pub(super) fn clear_rows(&mut self, from: usize, to: usize) {
        let last = match self.blank().bg {
            None => self.used,
            Some(_) => self.rows,
        };
        for y in from..to.min(last) {
            self.clear_cells(y, 0, self.columns);
        }
        if to >= self.used {
            self.used = self.used.min(from);
        }
    }

    /// Clears the screen; what stood on it goes into the history.
    pub(super) fn clear_screen(&mut self) {
        let is_main = self.hidden.is_none();
        let last = self
            .visible
            .iter()
            .take(self.used)
            .rposition(|row| row.touched);
        if let Some(last) = last.filter(|_| is_main) {
            for _ in 0..=last {
                if let Some(row) = self.visible.pop_front() {
                    self.keep(&row);
                    self.visible.push_back(Row::default());
                }
            }
        }
        self.clear_rows(0, self.rows);
    }

    pub(super) fn insert_cells(&mut self, count: usize) {
        let columns = self.columns;
        let Cursor { x, y } = self.cursor;
        let Some(row) = self.visible.get_mut(y) else {
            return;
        };
        if x >= row.cells.len() {
            return;
        }
        let count = count.min(columns - x);
        row.cells.splice(x..x, std::iter::repeat_n(' ', count));
        row.cells.truncate(columns);
        if x < row.inks.len() {
            let blanks = std::iter::repeat_n(Ink::default(), count);
            row.inks.splice(x..x, blanks);
            row.inks.truncate(columns);
        }
        for mark in row.marks.iter_mut().filter(|(column, _)| *column >= x) {
            mark.0 += count;
        }
        row.marks.retain(|(column, _)| *column < columns);
    }

    pub(super) fn delete_cells(&mut self, count: usize) {
        let Cursor { x, y } = self.cursor;
        let Some(row) = self.visible.get_mut(y) else {
            return;
        };
        let end = (x + count).min(row.cells.len());
        if x >= end {
            return;
        }
        row.cells.drain(x..end);
        let inks = row.inks.len();
        row.inks.drain(x.min(inks)..end.min(inks));
        row.marks.retain(|(column, _)| !(x..end).contains(column));
        for mark in row.marks.iter_mut().filter(|(column, _)| *column >= end) {
            mark.0 -= end - x;
        }
    }

    /// Fills the screen with `E`, for alignment.
    pub(super) fn fill(&mut self) {
        for row in &mut self.visible {
            *row = Row {
                cells: vec!['E'; self.columns],
                touched: true,
                ..Row::default()
            };
        }
        self.used = self.rows;
        self.cursor = Cursor::default();
        self.region = (0, self.rows - 1);
    }

    // the alternate screen

    pub(super) fn show_alternate(&mut self, keeps_cursor: bool) {
        if self.hidden.is_some() {
            return;
        }
        if keeps_cursor {
            self.save();
        }
        let blank = std::iter::repeat_n(Row::default(), self.rows).collect();
        let main = std::mem::replace(&mut self.visible, blank);
        self.hidden = Some((main, self.used, self.cursor));
        self.used = 0;
    }

    pub(super) fn show_main(&mut self, restores_cursor: bool) {
        let Some((main, used, cursor)) = self.hidden.take() else {
            return;
        };
        self.visible = main;
        self.used = used;
        if restores_cursor {
            self.cursor = cursor;
        }
    }
}

impl Row {
    fn set(&mut self, x: usize, c: char) {
        if self.cells.len() <= x {
            self.cells.resize(x + 1, ' ');
        }
        if let Some(cell) = self.cells.get_mut(x) {
            *cell = c;
        }
        self.touched = true;
        if !self.marks.is_empty() {
            self.marks.retain(|(column, _)| *column != x);
        }
    }

    /// Blanks what is left of wide characters of which the cells from `x` on, `width` of them, are written over.
    fn split_wide(&mut self, x: usize, width: usize) {
        if self.cells.get(x) == Some(&PADDING) {
            let start = self.cells.iter().take(x).rposition(|cell| *cell != PADDING);
            for cell in self.cells.iter_mut().take(x).skip(start.unwrap_or(0)) {
                *cell = ' ';
            }
        }
        let behind = self.cells.iter_mut().skip(x + width);
        behind
            .take_while(|cell| **cell == PADDING)
            .for_each(|cell| *cell = ' ');
    }
}
