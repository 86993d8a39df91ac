//! Lines with an identity: where they come from, and what is known of their text.

use std::collections::BTreeMap;

use crate::model::Text;

/// Lines beyond this number are not kept apart; recorded numbers can be anything.
pub(super) const MAX_LINES: usize = 1 << 24;

/// A line of a shared text, without its line break.
#[derive(Debug, Clone)]
pub struct LineText {
    of: Text,
    from: usize,
    to: usize,
}

impl LineText {
    /// A line that is a text of its own.
    pub(super) fn alone(text: &str) -> Self {
        let of: Text = text.into();
        let to = of.len();
        Self { of, from: 0, to }
    }

    /// The line.
    pub fn as_str(&self) -> &str {
        self.of.get(self.from..self.to).unwrap_or_default()
    }

    /// Whether both are the same line of a file. Some tools show a tab as blanks, some take blanks at the end away.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        is_same_line(self.as_str(), other.as_str())
    }
}

/// See [`LineText::is_same`].
pub(super) fn is_same_line(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let (a, b) = (a.trim_end(), b.trim_end());
    a == b || ((a.contains('\t') != b.contains('\t')) && expanded(a) == expanded(b))
}

fn expanded(line: &str) -> String {
    const TAB: usize = 8;
    let mut out = String::new();
    let mut column = 0;
    for letter in line.chars() {
        if letter == '\t' {
            let cells = TAB - column % TAB;
            out.extend(std::iter::repeat_n(' ', cells));
            column += cells;
        } else {
            out.push(letter);
            column += 1;
        }
    }
    out
}

/// The lines of a text, `\r` before a line break taken off; a line break at the very end starts no further line.
pub(super) fn lines_of(text: &Text) -> Vec<LineText> {
    let mut lines = pieces_of(text);
    if lines.last().is_some_and(|line| line.as_str().is_empty()) {
        lines.pop();
    }
    lines
}

/// What stands between the line breaks of a text: one piece more than there are breaks.
pub(super) fn pieces_of(text: &Text) -> Vec<LineText> {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).chain(std::iter::once(text.len()));
    let mut from = 0;
    let mut lines = Vec::new();
    for end in ends {
        let has_return = end > from && text.as_bytes().get(end - 1) == Some(&b'\r');
        lines.push(LineText {
            of: text.clone(),
            from,
            to: end - usize::from(has_return),
        });
        from = end + 1;
    }
    lines
}

/// What told a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// The trajectory showed or wrote it.
    Shown,
    /// The final patch has it.
    Patch,
    /// The repository has it.
    Base,
}

/// A line whose text is known.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) text: LineText,
    /// The steps that told it first and last; 0 for what no step told.
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) proof: Proof,
}

/// Where the lines of a source come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Born {
    /// They were there.
    Found,
    /// This step wrote them.
    Step(usize),
}

/// Lines that belong together: a file as it was found, or what one edit put in.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) born: Born,
    /// By place from 0.
    pub(super) known: BTreeMap<usize, Known>,
    /// How many lines there are, where that is known.
    pub(super) total: Option<usize>,
    /// The last step that told `total`.
    pub(super) total_told: usize,
}

/// All sources of a history.
#[derive(Debug, Default)]
pub(super) struct Arena {
    sources: Vec<Source>,
}

impl Arena {
    /// A source of which nothing is known.
    pub(super) fn found(&mut self) -> usize {
        self.push(Source {
            born: Born::Found,
            known: BTreeMap::new(),
            total: None,
            total_told: 0,
        })
    }

    /// The lines that a step wrote; `None` for those whose text it does not tell.
    pub(super) fn written(&mut self, step: usize, lines: Vec<Option<LineText>>) -> usize {
        let total = Some(lines.len());
        let known = lines.into_iter().enumerate().filter_map(|(ix, text)| {
            let known = Known {
                text: text?,
                first: step,
                last: step,
                proof: Proof::Shown,
            };
            Some((ix, known))
        });
        let known = known.collect();
        self.push(Source {
            born: Born::Step(step),
            known,
            total,
            total_told: step,
        })
    }

    fn push(&mut self, source: Source) -> usize {
        self.sources.push(source);
        self.sources.len() - 1
    }

    pub(super) fn get(&self, source: usize) -> Option<&Source> {
        self.sources.get(source)
    }

    pub(super) fn get_mut(&mut self, source: usize) -> Option<&mut Source> {
        self.sources.get_mut(source)
    }

    pub(super) fn line(&self, source: usize, ix: usize) -> Option<&Known> {
        self.get(source)?.known.get(&ix)
    }
}
