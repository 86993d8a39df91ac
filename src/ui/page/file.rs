//! The page of a file as it stood after a step: its lines with where they come from, or what changed since another
//! moment. One row a line, made when it is drawn.

use std::collections::HashMap;
use std::sync::Arc;

use crate::cancel::Cancel;
use crate::diff::DiffTag;
use crate::diff::Hunk;
use crate::model::Trajectory;
use crate::text::human;
use crate::theme::Role;
use crate::ui::page::LandmarkKind;
use crate::ui::page::Page;
use crate::ui::page::PageOptions;
use crate::ui::page::block::Block;
use crate::ui::page::block::Body;
use crate::ui::page::block::cells;
use crate::ui::page::drawn::Code;
use crate::ui::page::drawn::Drawn;
use crate::ui::page::drawn::Lane;
use crate::ui::page::drawn::Lang;
use crate::ui::page::drawn::Paint;
use crate::workspace::FileHistory;
use crate::workspace::FileKind;
use crate::workspace::History;
use crate::workspace::Origin;
use crate::workspace::Row;
use crate::workspace::TouchKind;
use crate::workspace::changes;

/// Longer lines are cut on the page.
const MAX_BYTES: usize = 4096;

/// Lines around a change.
const CONTEXT: usize = 3;

/// Which file at which moment. Moments count the steps that are done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileWish {
    /// The file, however it is called; `None` for the one that was touched last and is still there.
    pub path: Option<String>,
    /// After so many steps.
    pub moment: usize,
    /// Show what changed since this moment in place of the file.
    pub since: Option<usize>,
}

/// Where to begin: a step of the record or of a child of it, and a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilePlace {
    /// Which child's, from the outside in; empty for the trajectory itself.
    pub children: Vec<usize>,
    /// The step, from 0; `None` for the last.
    pub step: Option<usize>,
    /// The file as the step calls it; `None` for the one that was touched last.
    pub path: Option<String>,
}

/// A file in the list of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Its name; not cleaned.
    pub path: String,
    /// What became of it up to the moment.
    pub kind: FileKind,
}

/// What a row of the page stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileLine {
    /// The line's number, from 1.
    pub number: Option<usize>,
    /// The step that wrote it, or showed it first.
    pub step: Option<usize>,
    /// What the same line is in all states of the file.
    pub id: Option<(usize, usize)>,
}

/// The page of a file.
#[derive(Debug)]
pub struct FilePage {
    /// The page; one line a row of `lines`.
    pub page: Page,
    /// What its lines stand for.
    pub lines: Vec<FileLine>,
    /// All files, by name.
    pub files: Vec<ListedFile>,
    /// The file that is shown, among `files`.
    pub at: Option<usize>,
    /// The moment that is shown: the wished one, within the trajectory.
    pub moment: usize,
    /// The steps that touch the file, ascending.
    pub touches: Vec<usize>,
    /// Lines that are known, and that are there as far as is known; the number of lines where it is known.
    pub counts: (usize, usize, Option<usize>),
    /// Says in words what did not agree, or why the repository was of no use.
    pub remarks: Vec<String>,
}

impl FilePage {
    /// Makes the page. Costs a pass over the file, and a comparison: run it on a worker.
    pub fn new(
        history: &History,
        trajectory: &Trajectory,
        wish: &FileWish,
        options: &PageOptions,
        cancel: &Cancel,
    ) -> Self {
        let moment = wish.moment.min(history.steps());
        let listed = |file: &FileHistory| ListedFile {
            path: file.path.clone(),
            kind: file.kind_at(moment),
        };
        let files: Vec<ListedFile> = history.files().map(listed).collect();
        let file = match &wish.path {
            Some(path) => history.file(path),
            None => touched_last(history, moment),
        };
        let at = file.and_then(|file| files.iter().position(|listed| listed.path == file.path));
        let mut maker = Maker {
            rows: Vec::new(),
            lines: Vec::new(),
            landmarks: Vec::new(),
        };
        let mut counts = (0, 0, None);
        match file.and_then(|file| Some((file, history.file_at(&file.path, moment)?))) {
            None => maker.note("no step names a file", Role::Placeholder),
            Some((file, state)) => {
                let (known, all) = state.counts();
                counts = (known, all, state.total);
                let before = |moment| history.file_at(&file.path, moment).unwrap_or_default();
                if let Some(since) = wish.since.filter(|_| !cancel.is_cancelled()) {
                    let old = before(since.min(history.steps()));
                    maker.changes(&changes(&old, &state, CONTEXT));
                } else {
                    let old = before(moment.saturating_sub(1));
                    let removed = removed_before(&changes(&old, &state, 0));
                    maker.file(&state, moment, &removed);
                }
            }
        }
        let path = file.map_or("", |file| file.path.as_str());
        let remarks = history
            .contradictions()
            .iter()
            .filter(|found| found.path == path);
        let remarks = remarks.map(|found| {
            let place = match found.step {
                Some(step) => format!("step {step}"),
                None => "the end".to_owned(),
            };
            let line = found
                .line
                .map_or_else(String::new, |line| format!(", line {line}"));
            format!("{place}{line}: {}", found.what)
        });
        let remarks = remarks.collect();
        let mut steps: Vec<usize> = file.map(touches_of).unwrap_or_default();
        steps.retain(|step| *step < trajectory.steps.len());
        let (page, lines) = maker.finish(path, options);
        Self {
            page,
            lines,
            files,
            at,
            moment,
            touches: steps,
            counts,
            remarks,
        }
    }
}

fn touches_of(file: &FileHistory) -> Vec<usize> {
    file.touches.iter().map(|touch| touch.step).collect()
}

/// The file that the last step before the moment changed; else the one it saw; else any. One that an earlier step took
/// away comes after all that are there.
fn touched_last(history: &History, moment: usize) -> Option<&FileHistory> {
    let last = |file: &&FileHistory| {
        let before = file.touches.iter().rev().find(|touch| touch.step < moment);
        // a name is chosen where none was touched yet
        before.map_or((0, 0, false), |touch| {
            let is_gone = file.kind_at(moment) == FileKind::Deleted && touch.step + 1 < moment;
            let is_change = touch.kind > TouchKind::Perhaps;
            (if is_gone { 1 } else { 2 }, touch.step, is_change)
        })
    };
    history.files().max_by_key(|file| last(file))
}

/// How many lines were taken away above each line, by its number; those at the end under the highest number.
fn removed_before(hunks: &[Hunk]) -> HashMap<usize, usize> {
    let mut found = HashMap::new();
    for hunk in hunks {
        let count = |tag| hunk.lines.iter().filter(|line| line.tag == tag).count();
        let (removed, added) = (count(DiffTag::Removed), count(DiffTag::Added));
        let is_told = hunk.lines.iter().all(|line| !line.text.starts_with('⋯'));
        if added == 0 && removed > 0 && is_told && hunk.has_numbers() {
            found.insert(hunk.new_start + 1, removed);
        }
    }
    found
}

/// What stands in a row.
#[derive(Debug, Clone)]
enum Cell {
    Code {
        number: Option<usize>,
        sign: char,
        blame: Option<usize>,
        text: String,
        base: Role,
        lane: Lane,
    },
    Note(String, Role),
}

/// The rows of the page.
#[derive(Debug)]
pub(super) struct FileBody {
    rows: Vec<Cell>,
    lang: Arc<Lang>,
    number_cells: usize,
    blame_cells: usize,
    tab_cells: usize,
}

struct Maker {
    rows: Vec<Cell>,
    lines: Vec<FileLine>,
    landmarks: Vec<(usize, LandmarkKind)>,
}

impl Maker {
    fn note(&mut self, text: &str, role: Role) {
        self.rows.push(Cell::Note(text.to_owned(), role));
        self.lines.push(FileLine::default());
    }

    fn file(
        &mut self,
        state: &crate::workspace::FileState,
        moment: usize,
        removed: &HashMap<usize, usize>,
    ) {
        match state.exists {
            Some(false) => {
                self.note("the file is not there", Role::Placeholder);
                return;
            }
            _ if state.rows.is_empty() => self.note("the file is empty", Role::Placeholder),
            _ => {}
        }
        let mut was_here = false;
        for row in &state.rows {
            match row {
                Row::Line {
                    number,
                    text,
                    origin,
                    id,
                } => {
                    if let Some(count) = number.and_then(|number| removed.get(&number)) {
                        self.mark_hunk();
                        self.note(
                            &format!("− {} removed", lines_in_words(*count)),
                            Role::DiffDel,
                        );
                    }
                    let (sign, base) = sign_of(*origin, moment);
                    let is_here = sign == '+';
                    if is_here && !was_here {
                        self.mark_hunk();
                    }
                    was_here = is_here;
                    let step = match origin {
                        Origin::Changed(step) | Origin::Seen(step) => Some(*step),
                        Origin::Patch | Origin::Base => None,
                    };
                    self.rows.push(Cell::Code {
                        number: *number,
                        sign,
                        blame: step.filter(|_| matches!(origin, Origin::Changed(_))),
                        text: cut(text.as_str()),
                        base,
                        lane: Lane::Both,
                    });
                    self.lines.push(FileLine {
                        number: *number,
                        step,
                        id: Some(*id),
                    });
                }
                Row::Unknown {
                    number,
                    len,
                    by,
                    id,
                } => {
                    was_here = false;
                    self.rows
                        .push(Cell::Note(unknown_words(*number, *len, *by), Role::Fold));
                    self.lines.push(FileLine {
                        number: *number,
                        step: *by,
                        id: Some(*id),
                    });
                }
            }
        }
        let last = self
            .lines
            .iter()
            .rev()
            .find_map(|line| line.number)
            .unwrap_or(0);
        if let Some(count) = removed.get(&(last + 1)) {
            self.mark_hunk();
            self.note(
                &format!("− {} removed", lines_in_words(*count)),
                Role::DiffDel,
            );
        }
    }

    fn mark_hunk(&mut self) {
        self.landmarks.push((self.rows.len(), LandmarkKind::Hunk));
    }

    fn changes(&mut self, hunks: &[Hunk]) {
        if hunks.is_empty() {
            self.note("nothing is known to have changed", Role::Placeholder);
        }
        for hunk in hunks {
            self.mark_hunk();
            let at = if hunk.has_numbers() {
                format!("@@ line {} @@ {}", hunk.new_start.max(1), hunk.heading)
            } else {
                format!("@@ {}", hunk.heading)
            };
            self.note(at.trim_end(), Role::DiffHunk);
            for line in &hunk.lines {
                let (sign, base, lane) = match line.tag {
                    DiffTag::Same => (' ', Role::Text, Lane::Both),
                    DiffTag::Removed => ('-', Role::DiffDel, Lane::Old),
                    DiffTag::Added => ('+', Role::DiffAdd, Lane::New),
                };
                if line.text.starts_with('⋯') {
                    self.note(&line.text, Role::Fold);
                    continue;
                }
                self.rows.push(Cell::Code {
                    number: line.new_no.or(line.old_no),
                    sign,
                    blame: None,
                    text: cut(&line.text),
                    base,
                    lane,
                });
                self.lines.push(FileLine {
                    number: line.new_no,
                    step: None,
                    id: None,
                });
            }
        }
    }

    fn finish(self, path: &str, options: &PageOptions) -> (Page, Vec<FileLine>) {
        let most = |number: Option<usize>| number.map_or(0, |number| number.to_string().len());
        let (mut number_cells, mut blame_cells) = (3, 0);
        let mut first_line = String::new();
        for cell in &self.rows {
            if let Cell::Code {
                number,
                blame,
                text,
                ..
            } = cell
            {
                number_cells = number_cells.max(most(*number));
                blame_cells = blame_cells.max(most(*blame));
                if *number == Some(1) {
                    first_line.clone_from(text);
                }
            }
        }
        let body = FileBody {
            rows: self.rows,
            lang: Arc::new(Lang::File {
                path: path.to_owned(),
                first_line,
            }),
            number_cells,
            blame_cells,
            tab_cells: usize::from(options.tab_cells.max(1)),
        };
        let mut block = Block::new(Body::File(body));
        block.landmarks = self.landmarks;
        (Page::of_blocks(vec![block]), self.lines)
    }
}

fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(text.len().min(MAX_BYTES));
    text.get(..end).unwrap_or_default().to_owned()
}

fn lines_in_words(count: usize) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} line{plural}", human::count(count))
}

/// `⋯ lines 40–87 never seen`.
fn unknown_words(number: Option<usize>, len: Option<usize>, by: Option<usize>) -> String {
    let what = match (number, len) {
        (Some(first), Some(1)) => format!("line {first}"),
        (Some(first), Some(len)) => format!("lines {first}–{}", first + len - 1),
        (Some(first), None) => format!("from line {first} on"),
        (None, Some(len)) => lines_in_words(len),
        (None, None) => "lines".to_owned(),
    };
    match by {
        Some(step) => format!("⋯ {what} written by step {step}, not recorded"),
        None => format!("⋯ {what} never seen"),
    }
}

/// The sign of a line after `moment` steps: written by the last of them, by one before, shown later only, told by patch
/// or repository, or just seen.
fn sign_of(origin: Origin, moment: usize) -> (char, Role) {
    match origin {
        Origin::Changed(step) if step + 1 == moment => ('+', Role::DiffAdd),
        Origin::Changed(_) => ('~', Role::Text),
        Origin::Seen(step) if step >= moment => ('›', Role::Text),
        Origin::Seen(_) => (' ', Role::Text),
        Origin::Patch => ('p', Role::Text),
        Origin::Base => ('r', Role::Text),
    }
}

impl FileBody {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn drawn(&self, row: usize) -> Drawn {
        let mut line = Drawn::new();
        match self.rows.get(row) {
            None => {}
            Some(Cell::Note(text, role)) => {
                let indent = " ".repeat(self.number_cells + 1);
                line.push_paint(indent, Paint::Role(Role::LineNo));
                line.push(text, *role);
                line.can_wrap = false;
            }
            Some(Cell::Code {
                number,
                sign,
                blame,
                text,
                base,
                lane,
            }) => {
                let width = self.number_cells;
                let number = number.map_or_else(String::new, |number| number.to_string());
                line.push_paint(format!("{number:>width$} "), Paint::Role(Role::LineNo));
                if self.blame_cells > 0 {
                    let width = self.blame_cells;
                    let blame = blame.map_or_else(String::new, |step| step.to_string());
                    line.push_paint(format!("{blame:>width$}"), Paint::Role(Role::Info));
                }
                let role = match sign {
                    '+' => Role::DiffAdd,
                    '-' => Role::DiffDel,
                    '~' => Role::Info,
                    _ => Role::Dim,
                };
                line.push_paint(format!("{sign} "), Paint::Role(role));
                line.hang = line.cells();
                let text = cells(text, self.tab_cells);
                let at = line.len_bytes();
                line.codes.push(Code {
                    at: at..at + text.len(),
                    skip: 0,
                    rest: String::new(),
                    lang: Arc::clone(&self.lang),
                    lane: *lane,
                    is_start: row == 0,
                });
                line.push_paint(text, Paint::Role(*base));
                line.fill = (*base != Role::Text).then_some(*base);
            }
        }
        line
    }
}
