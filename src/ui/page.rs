//! What the right pane of the trajectory screen shows of a step: a page of lines, made once per step and width.
//!
//! A page is a sequence of blocks (titles, Markdown, code, diffs, outputs), each with its number of lines known and
//! its lines made only when asked for: an observation of 50 MB costs its line index. Nothing here draws or knows the
//! screen; colours come from roles, code colours from inks that run elsewhere ([`Page::wants`]).

mod ink;

pub use ink::Ink;
pub use ink::InkJob;
pub use ink::InkKey;
pub use ink::Inks;

use std::ops::Range;
use std::sync::Arc;

use ratatui::style::Style;
use regex::Regex;

use crate::cancel::Cancel;
use crate::model::StepIx;
use crate::model::Trajectory;
use crate::theme::Role;
use crate::theme::Theme;

/// What a page is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The task: what is asked and of whom.
    Task,
    /// A step.
    Step(StepIx),
    /// The end: last words, how it ended, what it cost, the final patch.
    End,
    /// The child with this index, folded: what it is and did. Its own steps are rows of the step list.
    Child(usize),
}

/// How edits are laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum DiffLayout {
    /// Side by side where the pane is wide enough (110 cells), else unified.
    #[default]
    Auto,
    /// Always one column.
    Unified,
    /// Always two columns.
    SideBySide,
}

/// What the look of a page depends on besides its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PageOptions {
    /// Cells of the pane.
    pub width: u16,
    /// How edits are laid out.
    pub diff: DiffLayout,
    /// Cells between two tab stops.
    pub tab_cells: u8,
    /// Outputs with more lines than this are folded to head and tail.
    pub fold_lines: usize,
}

impl Default for PageOptions {
    fn default() -> Self {
        Self {
            width: 80,
            diff: DiffLayout::Auto,
            tab_cells: 8,
            fold_lines: 60,
        }
    }
}

/// A fold of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FoldId(usize);

/// A line of a page whatever is folded. Ordered from top to bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    block: usize,
    row: usize,
}

/// A line that a search found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageHit {
    /// The line.
    pub place: Place,
}

/// What is worth jumping to in a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LandmarkKind {
    /// A section starts.
    Section,
    /// A hunk of an edit or patch.
    Hunk,
    /// The error line of a traceback.
    Exception,
    /// A failed test.
    TestFail,
}

/// A line as it is drawn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PageLine {
    /// Cleaned text without tabs and control characters, with styles.
    pub spans: Vec<(String, Style)>,
    /// Cells by which the further rows of the wrapped line are indented.
    pub hang: usize,
    /// Background from the end of the text to the right edge.
    pub fill: Option<Style>,
    /// Whether the line may be wrapped; rules, tables and columns may not.
    pub can_wrap: bool,
}

/// A page: the lines of one subject at one width.
#[derive(Debug)]
pub struct Page {
    lines: Vec<String>,
}

impl Page {
    /// Makes the page of `subject` in the trajectory itself (`path_to_child` empty) or in the child of a child that
    /// the path of indices leads to. Costs a pass over the subject's bytes at most: run it on a worker. What does
    /// not exist is a page that says so.
    pub fn new(
        trajectory: &Arc<Trajectory>,
        path_to_child: &[usize],
        subject: Subject,
        _options: &PageOptions,
    ) -> Self {
        let mut inner = trajectory.as_ref();
        for ix in path_to_child {
            if let Some(child) = inner.children.get(*ix) {
                inner = &child.trajectory;
            }
        }
        let text = match subject {
            Subject::Task => inner.instruction.clone(),
            Subject::Step(StepIx(ix)) => inner
                .steps
                .get(ix)
                .and_then(|s| s.text.clone().or_else(|| s.thought.clone())),
            Subject::End => inner.finish.clone(),
            Subject::Child(ix) => inner.children.get(ix).map(|c| c.title.as_str().into()),
        };
        let lines = text
            .as_deref()
            .unwrap_or_default()
            .lines()
            .map(|line| line.chars().filter(|c| !c.is_control()).collect())
            .collect();
        Self { lines }
    }

    /// Lines, what is folded counted as one.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether it has no line.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The line `ix`, with what `inks` has of its code colours; empty past the end. Costs that line only.
    pub fn line(&self, ix: usize, theme: &Theme, _inks: &Inks) -> PageLine {
        PageLine {
            spans: vec![(self.plain(ix), theme.style(Role::Text))],
            can_wrap: true,
            ..PageLine::default()
        }
    }

    /// The text of line `ix` as drawn: the concatenated spans of [`Page::line`].
    pub fn plain(&self, ix: usize) -> String {
        self.lines.get(ix).cloned().unwrap_or_default()
    }

    /// The fold that line `ix` belongs to, open or closed.
    pub fn fold_at(&self, _ix: usize) -> Option<FoldId> {
        None
    }

    /// Opens or closes a fold.
    pub fn toggle(&mut self, _fold: FoldId) {}

    /// Opens or closes all folds.
    pub fn set_all_folds(&mut self, _open: bool) {}

    /// What is worth jumping to, as line numbers of the current folding, ascending.
    pub fn landmarks(&self) -> Vec<(usize, LandmarkKind)> {
        Vec::new()
    }

    /// The lines that match, folded ones too, from the top; all of them so far when cancelled.
    pub fn find(&self, pattern: &Regex, cancel: &Cancel) -> Vec<PageHit> {
        (0..self.len())
            .take_while(|_| !cancel.is_cancelled())
            .filter(|ix| pattern.is_match(&self.plain(*ix)))
            .map(|row| PageHit {
                place: Place { block: 0, row },
            })
            .collect()
    }

    /// Opens the fold that hides `place`, if one does, and says at which line it is.
    pub fn reveal(&mut self, place: Place) -> usize {
        place.row
    }

    /// The place of line `ix`; that of the last line past the end.
    pub fn place(&self, ix: usize) -> Place {
        Place { block: 0, row: ix }
    }

    /// The line that shows `place`, or stands for it while it is folded.
    pub fn line_of(&self, place: Place) -> usize {
        place.row
    }

    /// Where `pattern` matches in line `ix`: byte ranges of [`Page::plain`], ascending, never empty.
    pub fn hit_ranges(&self, ix: usize, pattern: &Regex) -> Vec<Range<usize>> {
        pattern
            .find_iter(&self.plain(ix))
            .map(|m| m.range())
            .filter(|r| !r.is_empty())
            .collect()
    }

    /// The highlighting that the lines of `window` still lack.
    pub fn wants(&self, _window: Range<usize>, _inks: &Inks) -> Vec<InkJob> {
        Vec::new()
    }

    /// The whole page as plain text, folds open.
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }
}
