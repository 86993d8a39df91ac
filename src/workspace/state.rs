//! A file at one moment, line by line.

use crate::workspace::arena::Arena;
use crate::workspace::arena::Born;
use crate::workspace::arena::Known;
use crate::workspace::arena::LineText;
use crate::workspace::arena::Proof;
use crate::workspace::table::Piece;
use crate::workspace::table::Table;

/// What is known of where a line comes from. Steps count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// It was there before the agent; this step showed it first, earlier or later.
    Seen(usize),
    /// This step wrote it.
    Changed(usize),
    /// It was there before the agent; the final patch has it.
    Patch,
    /// It was there before the agent; the repository has it.
    Base,
}

/// A line, or lines of which nothing is known.
#[derive(Debug, Clone)]
pub enum Row {
    /// A line whose text is known.
    Line {
        /// Its number, from 1; `None` behind a stretch of unknown length.
        number: Option<usize>,
        /// Its text without the line break.
        text: LineText,
        /// Who told it.
        origin: Origin,
        /// The same in all states of the file in which it is the same line.
        id: (usize, usize),
    },
    /// Lines whose text is not known.
    Unknown {
        /// The number of the first, from 1.
        number: Option<usize>,
        /// How many there are; `None` where that is not known either, it may be none.
        len: Option<usize>,
        /// The step that wrote them, where one did whose text is not recorded.
        by: Option<usize>,
        /// As of a line; of the first.
        id: (usize, usize),
    },
}

/// A file after a step.
#[derive(Debug, Clone, Default)]
pub struct FileState {
    /// Its lines from top to bottom.
    pub rows: Vec<Row>,
    /// How many lines it has, where that is known.
    pub total: Option<usize>,
    /// Whether it is there; `None` where nobody knows.
    pub exists: Option<bool>,
}

impl FileState {
    /// How many lines are known, and how many are known to be there.
    pub fn counts(&self) -> (usize, usize) {
        let mut counts = (0, 0);
        for row in &self.rows {
            match row {
                Row::Line { .. } => {
                    counts.0 += 1;
                    counts.1 += 1;
                }
                Row::Unknown { len, .. } => counts.1 += len.unwrap_or(0),
            }
        }
        counts
    }

    /// The text, when all of it is known.
    pub fn whole(&self) -> Option<String> {
        if self.exists == Some(false) || self.total.is_none() {
            return None;
        }
        let mut text = String::new();
        for row in &self.rows {
            let Row::Line { text: line, .. } = row else {
                return None;
            };
            text.push_str(line.as_str());
            text.push('\n');
        }
        Some(text)
    }

    /// The step that wrote line `number` (from 1); `None` where none did or nobody knows.
    pub fn blame(&self, number: usize) -> Option<usize> {
        self.rows.iter().find_map(|row| match row {
            Row::Line {
                number: Some(at),
                origin: Origin::Changed(step),
                ..
            } if *at == number => Some(*step),
            Row::Unknown {
                number: Some(at),
                len: Some(len),
                by: Some(step),
                ..
            } if (*at..at + len).contains(&number) => Some(*step),
            _ => None,
        })
    }

    pub(super) fn of(table: &Table, arena: &Arena, exists: Option<bool>) -> Self {
        let mut state = Self {
            rows: Vec::new(),
            total: table.total(arena),
            exists,
        };
        if exists == Some(false) {
            state.total = None;
            return state;
        }
        let mut next = Some(1);
        for piece in &table.pieces {
            next = state.take(piece, arena, next);
        }
        state
    }

    /// Adds the lines of a piece; gives the number of the line after it.
    fn take(&mut self, piece: &Piece, arena: &Arena, first: Option<usize>) -> Option<usize> {
        let source = arena.get(piece.source)?;
        let len = piece.len(arena);
        let end = len.map_or(usize::MAX, |len| piece.from.saturating_add(len));
        let by = match source.born {
            Born::Found => None,
            Born::Step(step) => Some(step),
        };
        let number = |ix: usize| first.map(|first| first + (ix - piece.from));
        let mut at = piece.from;
        for (ix, known) in source.known.range(piece.from..end.max(piece.from)) {
            if *ix > at {
                self.rows.push(Row::Unknown {
                    number: number(at),
                    len: Some(ix - at),
                    by,
                    id: (piece.source, at),
                });
            }
            self.rows.push(Row::Line {
                number: number(*ix),
                text: known.text.clone(),
                origin: origin(by, known),
                id: (piece.source, *ix),
            });
            at = ix + 1;
        }
        let rest = len.map(|_| end.saturating_sub(at));
        if rest != Some(0) {
            self.rows.push(Row::Unknown {
                number: number(at),
                len: rest,
                by,
                id: (piece.source, at),
            });
        }
        first.zip(len).map(|(first, len)| first + len)
    }
}

fn origin(by: Option<usize>, known: &Known) -> Origin {
    match (by, known.proof) {
        (Some(step), _) => Origin::Changed(step),
        (None, Proof::Shown) => Origin::Seen(known.first),
        (None, Proof::Patch) => Origin::Patch,
        (None, Proof::Base) => Origin::Base,
    }
}
