//! What the right pane of the trajectory screen shows of a step: a page of lines, made once per step and width.
//!
//! A page is a sequence of blocks (titles, Markdown, code, diffs, outputs), each with its number of lines known and
//! its lines made only when asked for: an observation of 50 MB costs its line index. Nothing here draws or knows the
//! screen; colours come from roles, code colours from inks that run elsewhere ([`Page::wants`]).

mod act;
mod args;
mod block;
mod build;
mod change;
mod command;
mod compare;
mod drawn;
mod edit;
mod figures;
mod file;
mod finding;
mod ink;
mod line;
mod markdown;
mod output;
mod patch;
mod replay;
mod step;
mod subject;
mod task;
mod why;

pub use drawn::ansi_style;
pub use edit::SIDES_CELLS;
pub use file::FileLine;
pub use file::FilePage;
pub use file::FilePlace;
pub use file::FileWish;
pub use file::ListedFile;
pub use finding::EvidenceId;
pub use finding::Judgements;
pub use finding::disagree;
pub use finding::sense_sign;
pub use finding::verdict_sign;
pub use ink::Ink;
pub use ink::InkJob;
pub use ink::InkKey;
pub use ink::Inks;
pub use line::step_line;
pub use patch::PatchFile;
pub use patch::PatchMark;
pub use patch::PatchPage;
pub use why::WhyPage;
pub use why::WhyTarget;

use std::ops::Range;
use std::sync::Arc;

use ratatui::style::Style;
use regex::Regex;

use crate::cancel::Cancel;
use crate::model::Component;
use crate::model::Flag;
use crate::model::RecordIx;
use crate::model::StepIx;
use crate::model::Text;
use crate::model::Trajectory;
use crate::tasks::TaskPlace;
use crate::text::Lines;
use crate::theme::Role;
use crate::theme::Theme;
use crate::ui::page::block::Block;
use crate::ui::page::block::Body;
use crate::ui::page::block::Gutter;
use crate::ui::page::block::Shown;
use crate::ui::page::block::Tint;
use crate::ui::page::build::Builder;
use crate::ui::page::build::Folding;
use crate::ui::page::drawn::Lang;

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
    /// A place of the repository that the task names, by its number among [`crate::tasks::places`].
    Place(usize),
    /// Another record that attempts this task.
    Attempt(RecordIx),
}

/// What is told of a step besides what the record says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// What the step is for.
    pub component: Option<Component>,
    /// The flags that it shows.
    pub flags: Vec<Flag>,
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
    /// Lines that are too long for their side wrap, where the layout is [`DiffLayout::SideBySide`]; else they are cut.
    pub wraps_sides: bool,
    /// Cells between two tab stops.
    pub tab_cells: u8,
    /// Outputs with more lines than this are folded to head and tail.
    pub fold_lines: usize,
    /// What filters and labels say is left out: the reviewer wants to decide without it.
    pub is_blind: bool,
}

impl PageOptions {
    /// One number for what the division of a page into rows depends on here: equal for equal layouts.
    pub fn layout_key(&self) -> u32 {
        let diff = match self.diff {
            DiffLayout::Auto => 0,
            DiffLayout::Unified => 1,
            DiffLayout::SideBySide => 2,
        };
        u32::from(self.width)
            | diff << 16
            | u32::from(self.wraps_sides) << 18
            | u32::from(self.is_blind) << 19
    }
}

impl Default for PageOptions {
    fn default() -> Self {
        Self {
            width: 80,
            diff: DiffLayout::Auto,
            wraps_sides: true,
            is_blind: false,
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
    /// What stands in that indentation: the bars of a quote. At most `hang` cells.
    pub lead: Vec<(String, Style)>,
    /// Background from the end of the text to the right edge.
    pub fill: Option<Style>,
    /// Whether the line may be wrapped; rules, tables and columns may not.
    pub can_wrap: bool,
}

/// Hits that a search of one page reports at most.
const MAX_HITS: usize = 1 << 20;

/// Rows between two looks at the cancel flag.
const CANCEL_ROWS: usize = 256;

/// A page: the lines of one subject at one width.
#[derive(Debug)]
pub struct Page {
    blocks: Vec<Block>,
    /// The line at which each block starts, and the number of all lines at the end.
    starts: Vec<usize>,
}

impl Page {
    /// Makes the page of `subject` in the trajectory itself (`path_to_child` empty) or in the child of a child that
    /// the path of indices leads to. Costs a pass over the subject's bytes at most: run it on a worker. What does
    /// not exist is a page that says so.
    pub fn new(
        trajectory: &Arc<Trajectory>,
        path_to_child: &[usize],
        subject: Subject,
        options: &PageOptions,
    ) -> Self {
        Self::telling(
            trajectory,
            path_to_child,
            subject,
            &Told::default(),
            options,
        )
    }

    /// The same with what is told of a step besides itself.
    pub fn telling(
        trajectory: &Arc<Trajectory>,
        path_to_child: &[usize],
        subject: Subject,
        told: &Told,
        options: &PageOptions,
    ) -> Self {
        let mut page = Builder::new(*options);
        let inner = trajectory.descendant(path_to_child);
        let is_there = inner.is_some_and(|inner| match subject {
            Subject::Task => {
                subject::asked(&mut page, inner);
                true
            }
            Subject::End => {
                subject::end(&mut page, inner);
                true
            }
            Subject::Step(StepIx(ix)) => inner
                .steps
                .get(ix)
                .map(|step| step::build(&mut page, step, told))
                .is_some(),
            Subject::Child(ix) => inner
                .children
                .get(ix)
                .map(|child| subject::child(&mut page, child))
                .is_some(),
            // their content lies elsewhere: see `of_place` and `preview`
            Subject::Place(_) | Subject::Attempt(_) => false,
        });
        if !is_there {
            page.say("there is no such step", Role::Placeholder);
        }
        Self::of_blocks(page.finish())
    }

    /// Makes the page that the list shows beside its rows: the task, shortened, with what the filters say where it is
    /// known, and all steps by one line each. Costs a pass over the trajectory: run it on a worker.
    pub fn preview(
        trajectory: &Trajectory,
        judged: Option<Judgements<'_>>,
        options: &PageOptions,
    ) -> Self {
        let mut page = Builder::new(*options);
        subject::preview(&mut page, trajectory, judged);
        Self::of_blocks(page.finish())
    }

    /// Makes the page of a place that a task names. `file` is the text of its file as the task begins, or says in words why
    /// there is none. Costs a pass over the file: run it on a worker.
    pub fn of_place(place: &TaskPlace, file: Result<Text, String>, options: &PageOptions) -> Self {
        let mut page = Builder::new(*options);
        task::place(&mut page, place, file);
        Self::of_blocks(page.finish())
    }

    fn of_blocks(blocks: Vec<Block>) -> Self {
        let mut page = Self {
            blocks,
            starts: Vec::new(),
        };
        page.count();
        page
    }

    /// What a search of the whole page needs, for another thread.
    pub fn searchable(&self) -> PageText {
        let bodies = self.blocks.iter().map(|block| Arc::clone(&block.body));
        PageText(bodies.collect())
    }

    /// Makes a page of one text under a title, coloured as `syntax` (`json`, `bash`, …). Nothing is folded.
    pub fn of_text(title: &str, text: Text, syntax: &str, options: &PageOptions) -> Self {
        let mut page = Builder::new(*options);
        page.section(&[(title.to_owned(), Role::Title)], &[]);
        let lang = Arc::new(Lang::Named(syntax.to_owned()));
        page.indexed(
            Lines::new(text),
            Gutter::None,
            Tint::Code(lang, Role::Text),
            Vec::new(),
            Folding::NONE,
        );
        Self::of_blocks(page.finish())
    }

    /// Finds anew at which line each block starts; after each change of folds.
    fn count(&mut self) {
        self.starts.clear();
        let mut at = 0;
        for block in &self.blocks {
            self.starts.push(at);
            at += block.len();
        }
        self.starts.push(at);
    }

    /// The block of line `ix`, and the line within it.
    fn at(&self, ix: usize) -> Option<(usize, &Block, usize)> {
        let after = self.starts.partition_point(|start| *start <= ix);
        let block = after.checked_sub(1)?;
        let start = self.starts.get(block)?;
        Some((block, self.blocks.get(block)?, ix - start))
    }

    /// Lines, what is folded counted as one.
    pub fn len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Whether it has no line.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The line `ix`, with what `inks` has of its code colours; empty past the end. Costs that line only.
    pub fn line(&self, ix: usize, theme: &Theme, inks: &Inks) -> PageLine {
        match self.at(ix) {
            None => PageLine::default(),
            Some((nth, block, line)) => match block.shown(line) {
                Shown::Row(row) => block.body.drawn(row).resolve(theme, inks.row(nth, row)),
                Shown::Folded(hidden) => block.fold_line(hidden).resolve(theme, &[]),
            },
        }
    }

    /// The text of line `ix` as drawn: the concatenated spans of [`Page::line`].
    pub fn plain(&self, ix: usize) -> String {
        match self.at(ix) {
            None => String::new(),
            Some((_, block, line)) => match block.shown(line) {
                Shown::Row(row) => block.body.plain(row),
                Shown::Folded(hidden) => block.fold_line(hidden).plain(),
            },
        }
    }

    /// The fold that line `ix` belongs to, open or closed.
    pub fn fold_at(&self, ix: usize) -> Option<FoldId> {
        let (nth, block, _) = self.at(ix)?;
        block.fold.map(|_| FoldId(nth))
    }

    /// The line at which a fold begins: the one that stands for it when closed, its first line when open.
    pub fn fold_line(&self, fold: FoldId) -> usize {
        let start = self.starts.get(fold.0).copied().unwrap_or(0);
        let closed = self
            .blocks
            .get(fold.0)
            .and_then(|block| block.fold)
            .filter(|fold| !fold.is_open);
        start + closed.map_or(0, |fold| fold.head)
    }

    /// Whether line `ix` is the one at which a fold begins; see [`Page::fold_line`].
    pub fn is_fold_line(&self, ix: usize) -> bool {
        self.fold_at(ix)
            .is_some_and(|fold| self.fold_line(fold) == ix)
    }

    /// Whether anything on the page folds.
    pub fn has_folds(&self) -> bool {
        self.blocks.iter().any(|block| block.fold.is_some())
    }

    /// Opens or closes a fold.
    pub fn toggle(&mut self, fold: FoldId) {
        if let Some(block) = self.blocks.get_mut(fold.0)
            && let Some(fold) = &mut block.fold
        {
            fold.is_open = !fold.is_open;
            self.count();
        }
    }

    /// Opens or closes all folds.
    pub fn set_all_folds(&mut self, open: bool) {
        for fold in self
            .blocks
            .iter_mut()
            .filter_map(|block| block.fold.as_mut())
        {
            fold.is_open = open;
        }
        self.count();
    }

    /// What is worth jumping to, as line numbers of the current folding, ascending. Those inside a closed fold stand
    /// at its line, once per kind.
    pub fn landmarks(&self) -> Vec<(usize, LandmarkKind)> {
        let mut found: Vec<(usize, LandmarkKind)> = Vec::new();
        for (block, start) in self.blocks.iter().zip(&self.starts) {
            for (row, kind) in &block.landmarks {
                let mark = (start + block.line_of(*row), *kind);
                let is_known = found
                    .iter()
                    .rev()
                    .take_while(|(line, _)| *line == mark.0)
                    .any(|(_, kind)| *kind == mark.1);
                if !is_known {
                    found.push(mark);
                }
            }
        }
        found
    }

    /// The lines that match, folded ones too, from the top; all of them so far when cancelled.
    pub fn find(&self, pattern: &Regex, cancel: &Cancel) -> Vec<PageHit> {
        find(self.blocks.iter().map(|block| &block.body), pattern, cancel)
    }

    /// Opens the fold that hides `place`, if one does, and says at which line it is.
    pub fn reveal(&mut self, place: Place) -> usize {
        if let Some(block) = self.blocks.get_mut(place.block)
            && block.hides(place.row)
            && let Some(fold) = &mut block.fold
        {
            fold.is_open = true;
            self.count();
        }
        self.line_of(place)
    }

    /// The place of line `ix`: of the first folded row, where the line stands for some; that of the last line past
    /// the end.
    pub fn place(&self, ix: usize) -> Place {
        let ix = ix.min(self.len().saturating_sub(1));
        let Some((nth, block, line)) = self.at(ix) else {
            return Place { block: 0, row: 0 };
        };
        let row = match block.shown(line) {
            Shown::Row(row) => row,
            Shown::Folded(_) => line,
        };
        Place { block: nth, row }
    }

    /// The line that shows `place`, or stands for it while it is folded. The last one for a place of another page.
    pub fn line_of(&self, place: Place) -> usize {
        let last = self.len().saturating_sub(1);
        let start = self.starts.get(place.block).copied();
        let line = self
            .blocks
            .get(place.block)
            .map(|block| block.line_of(place.row));
        start
            .zip(line)
            .map_or(last, |(start, line)| (start + line).min(last))
    }

    /// Where `pattern` matches in line `ix`: byte ranges of [`Page::plain`], ascending, never empty.
    pub fn hit_ranges(&self, ix: usize, pattern: &Regex) -> Vec<Range<usize>> {
        let Some((_, block, line)) = self.at(ix) else {
            return Vec::new();
        };
        let Shown::Row(row) = block.shown(line) else {
            return Vec::new();
        };
        pattern
            .find_iter(&block.body.plain(row))
            .map(|found| found.range())
            .filter(|range| !range.is_empty())
            .collect()
    }

    /// The highlighting that the lines of `window` still lack.
    pub fn wants(&self, window: Range<usize>, inks: &Inks) -> Vec<InkJob> {
        let mut jobs: Vec<InkJob> = Vec::new();
        let mut asked = None;
        for ix in window.start..window.end.min(self.len()) {
            let Some((nth, block, line)) = self.at(ix) else {
                break;
            };
            let Shown::Row(row) = block.shown(line) else {
                continue;
            };
            let chunk = row / ink::CHUNK_ROWS;
            if asked.replace((nth, chunk)) == Some((nth, chunk))
                || !block.body.has_code(row)
                || inks.has(nth, chunk)
            {
                continue;
            }
            if !jobs.last_mut().is_some_and(|job| job.extend(nth, chunk)) {
                jobs.push(inks.job(nth, &block.body, chunk));
            }
        }
        jobs
    }

    /// The whole page as plain text, folds open.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for block in &self.blocks {
            for row in 0..block.body.len() {
                out.push_str(block.body.plain(row).trim_end());
                out.push('\n');
            }
        }
        out
    }
}

/// The text of a page as it was when it was asked for; shared, not copied.
#[derive(Debug, Clone)]
pub struct PageText(Vec<Arc<Body>>);

impl PageText {
    /// As [`Page::find`].
    pub fn find(&self, pattern: &Regex, cancel: &Cancel) -> Vec<PageHit> {
        find(self.0.iter(), pattern, cancel)
    }
}

fn find<'a>(
    bodies: impl Iterator<Item = &'a Arc<Body>>,
    pattern: &Regex,
    cancel: &Cancel,
) -> Vec<PageHit> {
    let mut hits = Vec::new();
    for (nth, body) in bodies.enumerate() {
        for row in 0..body.len() {
            if row % CANCEL_ROWS == 0 && cancel.is_cancelled() || hits.len() >= MAX_HITS {
                return hits;
            }
            let is_hit = match body.simple(row) {
                Some(text) => is_match(pattern, text),
                None => is_match(pattern, &body.plain(row)),
            };
            if is_hit {
                hits.push(PageHit {
                    place: Place { block: nth, row },
                });
            }
        }
    }
    hits
}

fn is_match(pattern: &Regex, text: &str) -> bool {
    pattern.find_iter(text).any(|found| !found.is_empty())
}

#[cfg(test)]
mod tests;
