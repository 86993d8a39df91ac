//! Scroll arithmetic of a list: a cursor, the first visible row, and a margin. Knows no view.

use crate::ui::action::Motion;

/// A cursor in a list and the first row shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The row that has the cursor.
    pub at: usize,
    /// The first visible row.
    pub top: usize,
}

impl Cursor {
    const MARGIN: usize = 2;

    /// Carries out a motion, `count` times, in a list of `len` rows of which `height` are visible. `Top` and `Bottom`
    /// with a count go to that row, counted from 1.
    pub fn apply(&mut self, motion: Motion, count: Option<usize>, len: usize, height: usize) {
        let times = count.unwrap_or(1);
        let last = len.saturating_sub(1);
        let page = height.saturating_sub(1).max(1);
        let half = (height / 2).max(1);
        self.at = match motion {
            Motion::Down => self.at.saturating_add(times),
            Motion::Up => self.at.saturating_sub(times),
            Motion::HalfDown => self.at.saturating_add(half.saturating_mul(times)),
            Motion::HalfUp => self.at.saturating_sub(half.saturating_mul(times)),
            Motion::PageDown => self.at.saturating_add(page.saturating_mul(times)),
            Motion::PageUp => self.at.saturating_sub(page.saturating_mul(times)),
            Motion::Top => count.map_or(0, |row| row.saturating_sub(1)),
            Motion::Bottom => count.map_or(last, |row| row.saturating_sub(1)),
            Motion::Left | Motion::Right => self.at,
        }
        .min(last);
        self.fit(len, height);
    }

    /// Puts the cursor on a row.
    pub fn go(&mut self, row: usize, len: usize, height: usize) {
        self.at = row.min(len.saturating_sub(1));
        self.fit(len, height);
    }

    /// Scrolls by rows and takes the cursor along only when it would leave the window.
    pub fn scroll(&mut self, rows: isize, len: usize, height: usize) {
        let max_top = len.saturating_sub(height);
        self.top = self.top.saturating_add_signed(rows).min(max_top);
        let low = self.top;
        let high = (self.top + height.saturating_sub(1)).min(len.saturating_sub(1));
        self.at = self.at.clamp(low.min(high), high);
    }

    /// Makes cursor and window agree with the list's length and the pane's height.
    pub fn fit(&mut self, len: usize, height: usize) {
        self.at = self.at.min(len.saturating_sub(1));
        let margin = Self::MARGIN.min(height.saturating_sub(1) / 2);
        let lowest_top = (self.at + margin + 1).saturating_sub(height);
        let highest_top = self.at.saturating_sub(margin);
        self.top = self.top.clamp(lowest_top.min(highest_top), highest_top);
        self.top = self.top.min(len.saturating_sub(height));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(steps: &[(Motion, Option<usize>)], want: (usize, usize)) {
        let mut cursor = Cursor::default();
        for (motion, count) in steps {
            cursor.apply(*motion, *count, 100, 10);
        }
        assert_eq!((cursor.at, cursor.top), want);
    }

    #[test]
    fn motions() {
        check(&[(Motion::Down, None)], (1, 0));
        check(&[(Motion::Down, Some(7))], (7, 0));
        check(&[(Motion::Down, Some(8))], (8, 1));
        check(&[(Motion::Bottom, None)], (99, 90));
        check(&[(Motion::Bottom, Some(50))], (49, 42));
        check(&[(Motion::Bottom, None), (Motion::PageUp, None)], (90, 88));
        check(&[(Motion::Bottom, None), (Motion::Top, None)], (0, 0));
        check(&[(Motion::Down, Some(usize::MAX))], (99, 90));
        check(&[(Motion::Up, None)], (0, 0));
    }

    #[test]
    fn nothing_breaks_on_empty_lists_and_no_height() {
        let mut cursor = Cursor { at: 7, top: 3 };
        cursor.fit(0, 0);
        assert_eq!(cursor, Cursor::default());
        cursor.apply(Motion::PageDown, None, 0, 0);
        cursor.scroll(5, 0, 3);
        assert_eq!(cursor, Cursor::default());
        cursor.fit(1, 1);
        assert_eq!(cursor, Cursor::default());
    }

    #[test]
    fn scrolling_keeps_the_cursor_while_it_can() {
        let mut cursor = Cursor { at: 5, top: 0 };
        cursor.scroll(3, 100, 10);
        assert_eq!(cursor, Cursor { at: 5, top: 3 });
        cursor.scroll(3, 100, 10);
        assert_eq!(cursor, Cursor { at: 6, top: 6 });
        cursor.scroll(1000, 100, 10);
        assert_eq!(cursor, Cursor { at: 90, top: 90 });
    }
}
