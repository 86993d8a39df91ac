//! Blocks: stretches of a page whose lines are made one at a time.
//!
//! A block knows how many rows it has and makes any of them in constant time. Short things (titles, Markdown, tables)
//! are rows made beforehand; long texts are an index over the shared text; diffs are their changes. A block may have
//! one fold, which hides all but the first and last rows.

use std::ops::Range;
use std::sync::Arc;

use crate::text::Ink as AnsiInk;
use crate::text::Lines;
use crate::text::ansi_line;
use crate::text::clean;
use crate::text::expand_tabs;
use crate::text::width;
use crate::theme::Role;
use crate::ui::page::LandmarkKind;
use crate::ui::page::build::Folding;
use crate::ui::page::change::Change;
use crate::ui::page::drawn::Code;
use crate::ui::page::drawn::Drawn;
use crate::ui::page::drawn::Lane;
use crate::ui::page::drawn::Lang;
use crate::ui::page::drawn::Paint;
use crate::ui::page::figures;
use crate::ui::page::file::FileBody;
use crate::ui::page::ink::CHUNK_ROWS;
use crate::ui::page::output;

/// The rows of a block, before folding.
#[derive(Debug)]
pub(super) enum Body {
    /// Rows made beforehand.
    Rows(Vec<Drawn>),
    /// The lines of a text.
    Text(TextBody),
    /// The hunks of a change of one file.
    Change(Change),
    /// The lines of a file as it stood after a step.
    File(FileBody),
}

impl Body {
    /// Rows.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Rows(rows) => rows.len(),
            Self::Text(text) => text.lines.len(),
            Self::Change(change) => change.len(),
            Self::File(file) => file.len(),
        }
    }

    /// Row `row`; empty past the end.
    pub(super) fn drawn(&self, row: usize) -> Drawn {
        match self {
            Self::Rows(rows) => rows.get(row).cloned().unwrap_or_default(),
            Self::Text(text) => text.drawn(row),
            Self::Change(change) => change.drawn(row),
            Self::File(file) => file.drawn(row),
        }
    }

    /// The text of row `row` as drawn.
    pub(super) fn plain(&self, row: usize) -> String {
        match self {
            Self::Rows(rows) => rows.get(row).map(Drawn::plain).unwrap_or_default(),
            _ => self.drawn(row).plain(),
        }
    }

    /// The source of row `row` where it is surely drawn as it is but for a gutter, which spares a search the drawing.
    pub(super) fn simple(&self, row: usize) -> Option<&str> {
        match self {
            Self::Text(text) => {
                let line = text.lines.get(row);
                let is_simple = line.bytes().all(|byte| matches!(byte, b' '..=b'~'));
                (is_simple && text.gutter == Gutter::None).then_some(line)
            }
            Self::Rows(_) | Self::Change(_) | Self::File(_) => None,
        }
    }

    /// Whether the chunk of row `row` may hold code.
    pub(super) fn has_code(&self, row: usize) -> bool {
        match self {
            Self::Rows(rows) => rows
                .iter()
                .skip(row / CHUNK_ROWS * CHUNK_ROWS)
                .take(CHUNK_ROWS)
                .any(|row| !row.codes.is_empty()),
            Self::Text(text) => matches!(text.tint, Tint::Code(..)),
            Self::Change(_) | Self::File(_) => true,
        }
    }
}

/// What stands left of the lines of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Gutter {
    /// Nothing.
    None,
    /// This many blanks.
    Indent(usize),
    /// Line numbers from `first`, right-aligned in `cells`, and a sign after them.
    Numbers {
        first: usize,
        cells: usize,
        sign: char,
    },
    /// A prompt before the first line, blanks before the others.
    Prompt(&'static str),
}

impl Gutter {
    /// Line numbers from `first` for `count` lines.
    pub(super) fn numbers(first: usize, count: usize, sign: char) -> Self {
        let last = first.saturating_add(count.saturating_sub(1));
        Self::Numbers {
            first,
            cells: last.to_string().len().max(3),
            sign,
        }
    }
}

/// How the lines of a text are coloured.
#[derive(Debug)]
pub(super) enum Tint {
    /// In one role.
    Plain(Role),
    /// As code, on a role (text, or an added or removed line).
    Code(Arc<Lang>, Role),
    /// As a diff, by the first character of each line.
    Diff,
    /// As what a program printed.
    Output(OutputTint),
}

/// What is known of a printed text beforehand.
#[derive(Debug, Default)]
pub(super) struct OutputTint {
    /// The inks with which lines start, where escape sequences occur at all: ascending lines, each up to the next.
    pub(super) inks: Option<Vec<(usize, AnsiInk)>>,
    /// Lines that are diffs.
    pub(super) diffs: Vec<Range<usize>>,
    /// The role of what nothing else is known of.
    pub(super) base: Option<Role>,
}

/// The lines of a text.
#[derive(Debug)]
pub(super) struct TextBody {
    pub(super) lines: Lines,
    pub(super) gutter: Gutter,
    pub(super) tint: Tint,
    pub(super) tab_cells: usize,
}

impl TextBody {
    fn drawn(&self, row: usize) -> Drawn {
        if row >= self.lines.len() {
            return Drawn::default();
        }
        let mut line = Drawn::new();
        self.push_gutter(row, &mut line);
        line.hang = line.cells();
        let raw = self.lines.get(row);
        match &self.tint {
            Tint::Plain(role) => {
                line.push_paint(cells(raw, self.tab_cells), Paint::Role(*role));
            }
            Tint::Code(lang, base) => {
                let text = cells(raw, self.tab_cells);
                let at = line.len_bytes();
                if !self.lines.is_continuation(row) {
                    line.codes.push(Code {
                        at: at..at + text.len(),
                        skip: 0,
                        rest: String::new(),
                        lang: Arc::clone(lang),
                        lane: Lane::Both,
                        is_start: row == 0,
                    });
                }
                line.push_paint(text, Paint::Role(*base));
                line.fill = (*base != Role::Text).then_some(*base);
            }
            Tint::Diff => push_diff(&mut line, &cells(raw, self.tab_cells)),
            Tint::Output(tint) => tint.push(&mut line, row, raw, self.tab_cells),
        }
        if matches!(self.gutter, Gutter::None | Gutter::Indent(_)) {
            line.hang = line.leading_blanks();
        }
        line
    }

    fn push_gutter(&self, row: usize, line: &mut Drawn) {
        match &self.gutter {
            Gutter::None => {}
            Gutter::Indent(cells) => {
                line.push_paint(" ".repeat(*cells), Paint::Role(Role::Text));
            }
            Gutter::Numbers { first, cells, sign } => {
                let role = match sign {
                    '+' => Role::DiffAdd,
                    '-' => Role::DiffDel,
                    _ => Role::LineNo,
                };
                if self.lines.is_continuation(row) {
                    let blanks = " ".repeat(cells + 3);
                    line.push_paint(blanks, Paint::Role(Role::LineNo));
                } else {
                    let number = first.saturating_add(self.lines.number(row));
                    line.push_paint(format!("{number:>cells$} "), Paint::Role(Role::LineNo));
                    line.push_paint(format!("{sign} "), Paint::Role(role));
                }
            }
            Gutter::Prompt(sign) => {
                let text = if row == 0 {
                    (*sign).to_owned()
                } else {
                    " ".repeat(width(sign))
                };
                line.push_paint(text, Paint::Role(Role::Prompt));
            }
        }
    }
}

impl OutputTint {
    fn push(&self, line: &mut Drawn, row: usize, raw: &str, tab_cells: usize) {
        if let Some(inks) = &self.inks {
            let before = inks.partition_point(|(from, _)| *from <= row);
            let start = before
                .checked_sub(1)
                .and_then(|ix| inks.get(ix))
                .map_or_else(AnsiInk::default, |(_, ink)| *ink);
            let (runs, _) = ansi_line(raw, start);
            if runs.iter().any(|(_, ink)| *ink != AnsiInk::default()) {
                for (text, ink) in runs {
                    line.push_paint(text, Paint::Ansi(ink));
                }
                return;
            }
            let text: String = runs.into_iter().map(|(text, _)| text).collect();
            self.push_marked(line, row, &text);
            return;
        }
        self.push_marked(line, row, &cells(raw, tab_cells));
    }

    fn push_marked(&self, line: &mut Drawn, row: usize, text: &str) {
        let after = self.diffs.partition_point(|range| range.end <= row);
        if self
            .diffs
            .get(after)
            .is_some_and(|range| range.contains(&row))
        {
            push_diff(line, text);
            return;
        }
        let base = self.base.unwrap_or(Role::Text);
        line.push_marked(text, base, &output::marks(text));
    }
}

/// A line of a diff, coloured by its first character.
fn push_diff(line: &mut Drawn, text: &str) {
    let role = match text.as_bytes().first() {
        _ if text.starts_with("+++ ") || text.starts_with("--- ") => Role::Strong,
        _ if text.starts_with("diff ") || text.starts_with("index ") => Role::Dim,
        Some(b'+') => Role::DiffAdd,
        Some(b'-') => Role::DiffDel,
        Some(b'@') => Role::DiffHunk,
        Some(b'\\') => Role::Dim,
        _ => Role::Text,
    };
    line.fill = matches!(role, Role::DiffAdd | Role::DiffDel).then_some(role);
    line.push_paint(text.to_owned(), Paint::Role(role));
}

/// Text as it is drawn: clean and without tabs.
pub(super) fn cells(raw: &str, tab_cells: usize) -> String {
    let cleaned = clean(raw);
    expand_tabs(&cleaned, tab_cells, 0).into_owned()
}

/// The rows that a closed fold leaves in sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fold {
    pub(super) head: usize,
    pub(super) tail: usize,
    pub(super) is_open: bool,
    /// What is folded, where that is more than lines.
    pub(super) label: Option<&'static str>,
}

/// A block of a page.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) body: Arc<Body>,
    pub(super) fold: Option<Fold>,
    pub(super) landmarks: Vec<(usize, LandmarkKind)>,
}

/// What a line of a block shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// This row.
    Row(usize),
    /// The line that stands for this many rows.
    Folded(usize),
}

impl Block {
    /// A block that cannot be folded.
    pub(super) fn new(body: Body) -> Self {
        Self {
            body: Arc::new(body),
            fold: None,
            landmarks: Vec::new(),
        }
    }

    /// Folds it where it is longer than `folding` allows and that hides more than one row.
    pub(super) fn folded(mut self, folding: Folding) -> Self {
        let rows = self.body.len();
        let Folding { head, tail, .. } = folding;
        if rows > folding.limit && rows > head + tail + 1 {
            self.fold = Some(Fold {
                head,
                tail,
                is_open: folding.is_open,
                label: folding.label,
            });
        }
        self
    }

    /// The line that stands for `hidden` rows.
    pub(super) fn fold_line(&self, hidden: usize) -> Drawn {
        let lines = figures::counted(hidden, "line");
        let text = match self.fold.and_then(|fold| fold.label) {
            Some(label) => format!("⋯ {label}, {lines}"),
            None => format!("⋯ {lines} folded"),
        };
        let mut line = Drawn::of(&text, Role::Fold);
        line.can_wrap = false;
        line
    }

    /// Lines in sight.
    pub(super) fn len(&self) -> usize {
        match self.fold {
            Some(fold) if !fold.is_open => fold.head + 1 + fold.tail,
            _ => self.body.len(),
        }
    }

    /// What line `line` of the block shows.
    pub(super) fn shown(&self, line: usize) -> Shown {
        match self.fold {
            Some(fold) if !fold.is_open && line >= fold.head => {
                let hidden = self.body.len().saturating_sub(fold.head + fold.tail);
                if line == fold.head {
                    Shown::Folded(hidden)
                } else {
                    Shown::Row(line + hidden - 1)
                }
            }
            _ => Shown::Row(line),
        }
    }

    /// The line that shows row `row`, or stands for it.
    pub(super) fn line_of(&self, row: usize) -> usize {
        match self.fold {
            Some(fold) if !fold.is_open && row >= fold.head => {
                let tail_from = self.body.len().saturating_sub(fold.tail);
                if row < tail_from {
                    fold.head
                } else {
                    fold.head + 1 + (row - tail_from)
                }
            }
            _ => row,
        }
    }

    /// Whether row `row` is out of sight.
    pub(super) fn hides(&self, row: usize) -> bool {
        self.shown(self.line_of(row)) != Shown::Row(row)
    }
}
