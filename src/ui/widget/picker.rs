//! A list narrowed by a fuzzy pattern: the best match first, matched letters shown, only the window drawn.
//!
//! Without a pattern the labels stand in their own order. Meant for hundreds of short labels, not for message bodies.

use fuzzy_matcher::FuzzyMatcher as _;
use fuzzy_matcher::skim::SkimMatcherV2;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::KeyModifiers;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::text::Span;

use crate::text::clip;
use crate::theme::Role;
use crate::theme::Theme;
use crate::ui::widget::Edited;
use crate::ui::widget::LineEdit;

/// Characters of a label that are matched and drawn; fuzzy matching takes time and room by the product of lengths.
const LABEL_MAX_CHARS: usize = 300;

/// A label that matches.
#[derive(Debug, Clone)]
struct Hit {
    /// Number of the label.
    ix: usize,
    /// Matched characters of the label, ascending.
    letters: Vec<usize>,
}

/// What a key did to a picker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picked {
    /// Another label is under the cursor, or the pattern changed.
    Moved,
    /// Nothing that shows.
    Nothing,
    /// The key is not for a picker (Enter, Esc).
    No,
}

/// Labels, a pattern, and the one under the cursor.
#[derive(Debug, Clone)]
pub struct Picker {
    labels: Vec<Entry>,
    pattern: LineEdit,
    hits: Vec<Hit>,
    /// Place among the hits.
    cursor: usize,
}

/// A label with what stands beside it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// What is matched first.
    pub label: String,
    /// What follows it, dimmed; matched too.
    pub doc: String,
    /// What stands at the right edge: keys.
    pub note: String,
}

impl Picker {
    /// A picker over plain labels, with the cursor on label `current`.
    pub fn new(labels: Vec<String>, current: usize) -> Self {
        let entries = labels.into_iter().map(|label| Entry {
            label,
            ..Entry::default()
        });
        Self::with_entries(entries.collect(), current)
    }

    /// A picker over entries, with the cursor on entry `current`.
    pub fn with_entries(mut entries: Vec<Entry>, current: usize) -> Self {
        for entry in &mut entries {
            if let Some((end, _)) = entry.label.char_indices().nth(LABEL_MAX_CHARS) {
                entry.label.truncate(end);
            }
        }
        let mut picker = Self {
            labels: entries,
            pattern: LineEdit::default(),
            hits: Vec::new(),
            cursor: 0,
        };
        picker.narrow();
        picker.cursor = current.min(picker.hits.len().saturating_sub(1));
        picker
    }

    /// Takes the entries of another picker, keeping what was typed and the entry under the cursor.
    pub fn refill(&mut self, with: Self) {
        let selected = self.selected();
        self.labels = with.labels;
        self.narrow();
        let place = self.hits.iter().position(|hit| Some(hit.ix) == selected);
        self.cursor = place.unwrap_or(0);
    }

    /// The number of the entry under the cursor, in the order they were given; `None` where nothing matches.
    pub fn selected(&self) -> Option<usize> {
        self.hits.get(self.cursor).map(|hit| hit.ix)
    }

    /// The line that holds the pattern.
    pub fn pattern(&self) -> &LineEdit {
        &self.pattern
    }

    /// How many match, of how many.
    pub fn counts(&self) -> (usize, usize) {
        (self.hits.len(), self.labels.len())
    }

    /// Takes a key: arrows, Ctrl-n and Ctrl-p, pages, and editing of the pattern.
    pub fn key(&mut self, key: KeyEvent) -> Picked {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Down => self.step(1),
            KeyCode::Up => self.step(-1),
            KeyCode::Char('n' | 'j') if ctrl => self.step(1),
            KeyCode::Char('p' | 'k') if ctrl => self.step(-1),
            KeyCode::PageDown => self.step(10),
            KeyCode::PageUp => self.step(-10),
            _ => match self.pattern.key(key) {
                Edited::Text => {
                    self.narrow();
                    Picked::Moved
                }
                Edited::Cursor => Picked::Nothing,
                Edited::No => Picked::No,
            },
        }
    }

    /// Inserts pasted text into the pattern.
    pub fn paste(&mut self, text: &str) -> Picked {
        if self.pattern.insert(text) {
            self.narrow();
            Picked::Moved
        } else {
            Picked::Nothing
        }
    }

    /// Moves the cursor by rows; it stops at the ends.
    pub fn step(&mut self, rows: isize) -> Picked {
        let last = self.hits.len().saturating_sub(1);
        let to = self.cursor.saturating_add_signed(rows).min(last);
        if to == self.cursor {
            return Picked::Nothing;
        }
        self.cursor = to;
        Picked::Moved
    }

    /// Matches all entries anew; the cursor goes to the best.
    fn narrow(&mut self) {
        self.cursor = 0;
        let pattern = self.pattern.text().trim();
        if pattern.is_empty() {
            self.hits = (0..self.labels.len())
                .map(|ix| Hit {
                    ix,
                    letters: Vec::new(),
                })
                .collect();
            return;
        }
        let matcher = SkimMatcherV2::default().smart_case();
        let mut scored: Vec<(i64, Hit)> = self
            .labels
            .iter()
            .enumerate()
            .filter_map(|(ix, entry)| {
                let by_label = matcher.fuzzy_indices(&entry.label, pattern);
                // a match in the label is worth more than any in the doc
                let (score, letters) = match by_label {
                    Some((score, letters)) => (score.saturating_add(1_000_000), letters),
                    None => (matcher.fuzzy_match(&entry.doc, pattern)?, Vec::new()),
                };
                Some((score, Hit { ix, letters }))
            })
            .collect();
        scored.sort_by_key(|(score, hit)| (std::cmp::Reverse(*score), hit.ix));
        self.hits = scored.into_iter().map(|(_, hit)| hit).collect();
    }

    /// The first hit of a window of `rows` rows that shows the cursor, near its middle where there is room.
    fn top(&self, rows: usize) -> usize {
        self.cursor
            .saturating_sub(rows / 2)
            .min(self.hits.len().saturating_sub(rows))
    }

    /// Draws the window of rows around the cursor.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let top = self.top(usize::from(area.height));
        let column = self
            .labels
            .iter()
            .map(|entry| Span::raw(entry.label.as_str()).width())
            .max()
            .unwrap_or(0);
        let is_told = self.labels.iter().any(|entry| !entry.doc.is_empty());
        let most = usize::from(area.width).saturating_sub(2);
        // what tells entries apart is not pushed out by one long label
        let column = column.min(if is_told { most * 3 / 5 } else { most });
        for (row, hit) in area.rows().zip(self.hits.iter().skip(top)) {
            let Some(entry) = self.labels.get(hit.ix) else {
                continue;
            };
            let is_cursor = self.hits.get(self.cursor).is_some_and(|at| at.ix == hit.ix);
            draw_row(entry, &hit.letters, (row, column, is_cursor), buf, theme);
        }
        if self.hits.is_empty() {
            let style = theme.style(Role::Dim);
            buf.set_stringn(
                area.x,
                area.y,
                "  nothing matches",
                area.width.into(),
                style,
            );
        }
    }
}

/// Draws one entry: cursor sign, label, doc, and the note at the right where it fits.
fn draw_row(
    entry: &Entry,
    letters: &[usize],
    (row, column, is_cursor): (Rect, usize, bool),
    buf: &mut Buffer,
    theme: &Theme,
) {
    let note = Line::styled(entry.note.as_str(), theme.style(Role::Key));
    let note_cells = u16::try_from(note.width()).unwrap_or(u16::MAX);
    // the label comes first: a note is dropped where the two would meet
    let shows_note = note_cells > 0
        && usize::from(row.width) > usize::from(note_cells) + column.min(row.width.into()) + 3;
    let room = if shows_note {
        row.width - note_cells - 1
    } else {
        row.width
    };
    let most = if entry.doc.is_empty() {
        usize::from(room).saturating_sub(2)
    } else {
        column
    };
    let label = clip(&entry.label, most);
    let mut line = Line::from(vec![Span::raw(if is_cursor { "> " } else { "  " })]);
    line.spans
        .extend(marked(&label, letters, theme.style(Role::Match)));
    if !entry.doc.is_empty() {
        let gap = column.saturating_sub(Span::raw(label.as_ref()).width());
        line.spans.push(Span::raw(" ".repeat(gap + 2)));
        let doc = clip(&entry.doc, usize::from(room).saturating_sub(column + 4));
        line.spans.push(Span::styled(doc, theme.style(Role::Dim)));
    }
    buf.set_line(row.x, row.y, &line, room);
    if shows_note {
        buf.set_line(row.right() - note_cells, row.y, &note, note_cells);
    }
    if is_cursor {
        buf.set_style(row, theme.style(Role::Cursor));
    }
}

/// A label in spans, its matched characters in `style`.
fn marked(label: &str, letters: &[usize], style: Style) -> Vec<Span<'static>> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut run = String::new();
    let mut run_is_match = false;
    let mut letters = letters.iter().peekable();
    for (ix, c) in label.chars().enumerate() {
        let is_match = letters.next_if(|letter| **letter == ix).is_some();
        if is_match != run_is_match && !run.is_empty() {
            spans.push(span(std::mem::take(&mut run), run_is_match, style));
        }
        run_is_match = is_match;
        run.push(c);
    }
    spans.push(span(run, run_is_match, style));
    spans
}

fn span(text: String, is_match: bool, style: Style) -> Span<'static> {
    if is_match {
        Span::styled(text, style)
    } else {
        Span::raw(text)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::theme::Depth;

    fn picker() -> Picker {
        let labels = ["down", "half-page-down", "theme", "toggle-wrap"];
        Picker::new(labels.map(String::from).to_vec(), 0)
    }

    #[track_caller]
    fn check(pattern: &str, want: &[usize]) {
        let mut picker = picker();
        picker.paste(pattern);
        let got: Vec<usize> = picker.hits.iter().map(|hit| hit.ix).collect();
        assert_eq!(got, want, "{pattern}");
    }

    #[test]
    fn patterns_narrow_best_first() {
        check("", &[0, 1, 2, 3]);
        check("down", &[0, 1]);
        check("hpd", &[1]);
        check("tw", &[3]);
        check("zzz", &[]);
        check("   ", &[0, 1, 2, 3]);
    }

    #[test]
    fn docs_match_after_labels() {
        let entry = |label: &str, doc: &str| Entry {
            label: label.into(),
            doc: doc.into(),
            note: String::new(),
        };
        let entries = vec![
            entry("up", "turn the wrap off"),
            entry("toggle-wrap", "long lines"),
        ];
        let mut picker = Picker::with_entries(entries, 0);
        picker.paste("wrap");
        assert_eq!(picker.selected(), Some(1));
        picker.step(1);
        assert_eq!(picker.selected(), Some(0));
    }

    #[test]
    fn the_cursor_stops_at_the_ends() {
        let mut picker = picker();
        assert_eq!(picker.step(-1), Picked::Nothing);
        assert_eq!(picker.key(KeyCode::PageDown.into()), Picked::Moved);
        assert_eq!(picker.selected(), Some(3));
        assert_eq!(picker.step(isize::MAX), Picked::Nothing);
        assert_eq!(picker.key(KeyCode::Enter.into()), Picked::No);
        assert_eq!(Picker::new(Vec::new(), 5).selected(), None);
    }

    #[test]
    fn windows_show_the_cursor() {
        let labels: Vec<String> = (0..50).map(|n| n.to_string()).collect();
        for current in [0, 1, 25, 48, 49] {
            for rows in 1..8 {
                let picker = Picker::new(labels.clone(), current);
                let top = picker.top(rows);
                assert!((top..top + rows).contains(&current), "{current} {rows}");
                assert!(top + rows <= 50);
            }
        }
    }

    #[test]
    fn long_labels_are_cut() {
        let picker = Picker::new(vec!["é".repeat(100_000)], 0);
        assert_eq!(picker.labels[0].label.chars().count(), LABEL_MAX_CHARS);
    }

    #[test]
    fn one_long_label_leaves_room_for_what_stands_beside() {
        let entry = |label: &str| Entry {
            label: label.into(),
            doc: "a word".into(),
            note: "12".into(),
        };
        let entries = vec![entry(&"long".repeat(20)), entry("short")];
        let mut buf = Buffer::empty(Rect::new(0, 0, 40, 2));
        let theme = Theme::load("dark", Depth::True, Path::new("/nowhere")).unwrap();
        Picker::with_entries(entries, 0).draw(buf.area, &mut buf, &theme);
        for y in 0..2 {
            let row: String = (0..40).map(|x| buf[(x, y)].symbol()).collect();
            assert!(row.contains("a word") && row.ends_with("12"), "{row}");
            assert_eq!(row.contains('…'), y == 0, "{row}");
        }
    }
}
