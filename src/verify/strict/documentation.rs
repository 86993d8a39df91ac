//! The edit of one file: is it documentation only, and which of its lines are not.
//!
//! A file's edit is looked at in pieces: the sides of each hunk, or, once the file before the edit is known, both whole
//! files as one piece.

use crate::diff::DiffTag;
use crate::diff::Hunk;
use crate::model::LineNo;
use crate::patch::FilePatch;
use crate::patch::PatchKind;
use crate::patch::apply;
use crate::python::Difference;
use crate::python::Source;
use crate::python::compare;
use crate::python::declared_encoding;
use crate::python::is_same_encoding;
use crate::python::tree;
use crate::text::excerpt;
use crate::verify::Evidence;
use crate::verify::Sense;
use crate::verify::strict::Answer;
use crate::verify::strict::piece::Known;
use crate::verify::strict::piece::MAX_BYTES;
use crate::verify::strict::piece::Piece;
use crate::verify::strict::runs::Run;

/// Cells of a line that a reason quotes.
const QUOTE_CELLS: usize = 80;

/// Why a hunk of short lines is not called harmless.
const WEAK: &str = "the hunk shows nothing that only code has: it may stand inside a string";

/// The edit of one file.
#[derive(Debug)]
pub(super) struct FileEdit<'p> {
    pub(super) patch: &'p FilePatch,
    /// The 0-based patch lines of each hunk's lines.
    patch_lines: Vec<Vec<usize>>,
    /// The new side of each hunk, line by line.
    rows: Vec<Vec<Row>>,
    pub(super) pieces: Vec<Piece>,
    is_whole: bool,
    /// The file before the edit was asked for: asking again brings nothing else.
    pub(super) is_looked_up: bool,
    /// What happens to the file as a whole, its content aside.
    file_answer: Answer,
    answer: Answer,
    evidence: Vec<Evidence>,
}

/// A line of a hunk's new side.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// The line of the old file that it was; `None` for added lines.
    old_no: Option<usize>,
    /// The line of the old file that it stands before, or is.
    old_place: usize,
    /// Its line in the patch.
    patch_line: LineNo,
}

impl<'p> FileEdit<'p> {
    /// Looks at the hunks of each file. `known` tells what the task knows of a hunk.
    pub(super) fn all(
        text: &str,
        files: &'p [FilePatch],
        known: &dyn Fn(&FilePatch, &Hunk) -> Known,
    ) -> Vec<Self> {
        let lines: Vec<&str> = text.split('\n').collect();
        files
            .iter()
            .map(|patch| {
                let patch_lines = patch_lines(&lines, patch);
                let mut edit = Self {
                    patch,
                    rows: rows(patch, &patch_lines),
                    patch_lines,
                    pieces: Vec::new(),
                    is_whole: false,
                    is_looked_up: false,
                    file_answer: Answer::Yes,
                    answer: Answer::Yes,
                    evidence: Vec::new(),
                };
                edit.look(known);
                edit
            })
            .collect()
    }

    /// The name after the edit, or before it where the file is removed.
    pub(super) fn path(&self) -> &'p str {
        self.patch.path()
    }

    pub(super) fn old_path(&self) -> Option<&'p str> {
        self.patch.old_path.as_deref()
    }

    /// Whether the whole files before and after are known.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Whether the edit is documentation only.
    pub(super) fn answer(&self) -> Answer {
        self.answer
    }

    /// Whether that answer rests on hunks that read as code while nothing but their lines says that they are.
    pub(super) fn is_assumed(&self) -> bool {
        self.pieces.iter().any(|piece| piece.is_assumed)
    }

    pub(super) fn take_evidence(&mut self) -> Vec<Evidence> {
        std::mem::take(&mut self.evidence)
    }

    /// Whether its name is that of a Python file.
    pub(super) fn is_python(&self) -> bool {
        is_python(self.path())
    }

    pub(super) fn patch_line(&self, hunk_ix: usize, line_ix: usize) -> Option<LineNo> {
        let line = self.patch_lines.get(hunk_ix)?.get(line_ix)?;
        Some(LineNo(line + 1))
    }

    /// The place in the patch of an added line, by its number in the file after the edit.
    pub(super) fn added_at(&self, new_no: usize) -> Option<LineNo> {
        let row = self.row(new_no).filter(|row| row.old_no.is_none());
        row.map(|row| row.patch_line)
    }

    /// The place in the patch of a line after the edit, where the patch shows it.
    pub(super) fn patch_line_of(&self, new_no: usize) -> Option<LineNo> {
        self.row(new_no).map(|row| row.patch_line)
    }

    /// The line of the old file that a line after the edit stands before, or is, where the patch shows it.
    pub(super) fn old_place(&self, new_no: usize) -> Option<usize> {
        self.row(new_no).map(|row| row.old_place)
    }

    /// The line of the old file that a line after the edit was; `None` for added lines.
    pub(super) fn old_no(&self, new_no: usize) -> Option<usize> {
        if let Some(row) = self.row(new_no) {
            return row.old_no;
        }
        // between hunks, lines move by as much as the hunks above are longer
        let after = self
            .patch
            .hunks
            .partition_point(|hunk| hunk.new_start <= new_no);
        let Some(hunk) = after.checked_sub(1).and_then(|ix| self.patch.hunks.get(ix)) else {
            return Some(new_no);
        };
        let end = |start: usize, len: usize| start + len + usize::from(len == 0);
        let beyond = new_no.checked_sub(end(hunk.new_start, hunk.new_len))?;
        Some(end(hunk.old_start, hunk.old_len) + beyond)
    }

    fn row(&self, new_no: usize) -> Option<&Row> {
        let after = self
            .patch
            .hunks
            .partition_point(|hunk| hunk.new_start <= new_no);
        let ix = after.checked_sub(1)?;
        let hunk = self.patch.hunks.get(ix).filter(|hunk| hunk.has_numbers())?;
        self.rows.get(ix)?.get(new_no - hunk.new_start)
    }

    /// What happens to the file as a whole, its content aside.
    pub(super) fn file_answer(&self) -> Answer {
        self.file_answer
    }

    fn is_added(&self) -> bool {
        self.patch.kind == PatchKind::Added
    }

    fn note(
        &mut self,
        sense: Sense,
        line: Option<usize>,
        patch_line: Option<LineNo>,
        why: impl Into<String>,
    ) {
        self.evidence.push(Evidence {
            sense,
            path: Some(self.path().to_owned()),
            line: line.map(LineNo),
            patch_line,
            why: why.into(),
        });
    }

    fn object(&mut self, why: impl Into<String>) {
        let line = LineNo(self.patch.line + 1);
        self.note(Sense::Objection, None, Some(line), why);
        self.answer = Answer::No;
    }

    fn doubt(&mut self, why: impl Into<String>) {
        let line = LineNo(self.patch.line + 1);
        self.note(Sense::Note, None, Some(line), why);
        self.answer = self.answer.and(Answer::Uncertain);
    }

    fn look(&mut self, known: &dyn Fn(&FilePatch, &Hunk) -> Known) {
        self.look_at_file();
        self.file_answer = self.answer;
        if self.answer == Answer::No {
            return;
        }
        if self.is_added() {
            self.pieces = vec![Piece::added(self.patch)];
            self.is_whole = !self.patch.is_damaged;
        } else {
            let hunks = self.patch.hunks.iter().enumerate();
            self.pieces = hunks
                .map(|(ix, hunk)| Piece::of_hunk(ix, hunk, known(self.patch, hunk)))
                .collect();
        }
        self.compare();
    }

    /// What happens to the file as a whole.
    fn look_at_file(&mut self) {
        let patch = self.patch;
        let is_changed = !patch.hunks.is_empty() || patch.is_binary;
        let file_type = |mode: &Option<String>| {
            mode.as_ref()
                .and_then(|mode| mode.get(..3).map(str::to_owned))
        };
        let types = (file_type(&patch.old_mode), file_type(&patch.new_mode));
        match patch.kind {
            PatchKind::Deleted => self.object("removes the file"),
            PatchKind::Renamed => self.object(format!(
                "renames the file `{}`",
                excerpt(self.old_path().unwrap_or_default(), QUOTE_CELLS)
            )),
            PatchKind::Copied => self.object("makes the file from another one"),
            PatchKind::Added if patch.is_binary => self.object("adds a binary file"),
            PatchKind::Added if !self.is_python() => self.object("adds a file that is no Python"),
            PatchKind::Added if types.1.as_deref().is_some_and(|kind| kind != "100") => {
                self.object("adds a link");
            }
            PatchKind::Modified if patch.is_binary => self.object("changes a binary file"),
            PatchKind::Modified if types.0 != types.1 && types.1.is_some() => {
                self.object("makes the file another type of file");
            }
            PatchKind::Modified if self.path().is_empty() && is_changed => {
                self.doubt("the patch does not say which file this is");
            }
            PatchKind::Modified if is_changed && !self.is_python() => {
                self.object(
                    "changes a file that is no Python: its comments cannot be told from its code",
                );
            }
            PatchKind::Modified if patch.new_mode != patch.old_mode && patch.new_mode.is_some() => {
                self.note(
                    Sense::Note,
                    None,
                    Some(LineNo(patch.line + 1)),
                    "changes the file's mode, which is neither code nor documentation",
                );
            }
            PatchKind::Added | PatchKind::Modified => {}
        }
        if patch.is_damaged {
            self.doubt(
                "the patch is damaged here: a hunk does not have the lines that it announces",
            );
        }
    }

    /// Takes the file before the edit, where the patch's own lines stand in it at their places, and looks again. False
    /// where it is another text.
    pub(super) fn set_base(&mut self, base: &str) -> bool {
        let is_fit = !self.is_added()
            && !self.patch.is_damaged
            && base.len() <= MAX_BYTES
            && stands_in(self.patch, base);
        let Some(new) = is_fit.then(|| apply(self.patch, base).ok()).flatten() else {
            return false;
        };
        self.pieces = vec![Piece::whole(base, new, self.patch.hunks.len())];
        self.is_whole = true;
        self.answer = Answer::Yes;
        self.evidence.clear();
        self.look_at_file();
        if self.answer != Answer::No {
            self.compare();
        }
        true
    }

    fn compare(&mut self) {
        let pieces = std::mem::take(&mut self.pieces);
        for piece in &pieces {
            let answer = if piece.old.len().max(piece.new.len()) > MAX_BYTES {
                self.note_hunk(piece, "the text is too long to be read as source");
                Answer::Uncertain
            } else if self.is_added() {
                self.compare_added(piece)
            } else {
                self.compare_piece(piece)
            };
            self.answer = self.answer.and(answer);
        }
        self.pieces = pieces;
    }

    fn compare_added(&mut self, piece: &Piece) -> Answer {
        let source = piece.new_source();
        if source.has_no_code() && tree::check(&source).is_ok() {
            let line = LineNo(self.patch.line + 1);
            self.note(
                Sense::Note,
                None,
                Some(line),
                "adds a file that holds no code",
            );
            return Answer::Yes;
        }
        self.object("adds a file with code");
        self.object_lines(piece);
        Answer::No
    }

    fn compare_piece(&mut self, piece: &Piece) -> Answer {
        let (old, new) = (piece.old_source(), piece.new_source());
        let mut answer = match compare(&old, &new) {
            Difference::Documentation => self.check_harmless(piece, &old, &new),
            Difference::Code if piece.doubt.is_some() => {
                // inside a string, or in code: either way not the same program unless the string is a docstring
                self.note_hunk(piece, piece.doubt.unwrap_or_default());
                return Answer::Uncertain;
            }
            Difference::Code => Answer::No,
            Difference::Unknown(why) => {
                self.note_hunk(piece, why);
                return Answer::Uncertain;
            }
        };
        if answer == Answer::No {
            self.object_lines(piece);
        } else if let Some(why) = piece.doubt.or(piece.is_weak.then_some(WEAK)) {
            self.note_hunk(piece, why);
            answer = Answer::Uncertain;
        }
        answer
    }

    /// What equal tokens do not show: an encoding, a body that is left empty, bytes that were lost.
    fn check_harmless(&mut self, piece: &Piece, old: &Source<'_>, new: &Source<'_>) -> Answer {
        let encodings = (declared_encoding(&piece.old), declared_encoding(&piece.new));
        if piece.place.is_start && !is_same_encoding(encodings.0, encodings.1) {
            let name = |encoding: Option<&str>| encoding.unwrap_or("utf-8").to_owned();
            let why = format!(
                "changes the encoding that the file declares from {} to {}",
                name(encodings.0),
                name(encodings.1)
            );
            self.object_hunk(piece, &why);
            return Answer::No;
        }
        let broken = new.misplaced_lines();
        if broken.len() > old.misplaced_lines().len() {
            let line = piece
                .new_first
                .zip(broken.first())
                .map(|(first, line)| first + line);
            self.note(
                Sense::Objection,
                line,
                None,
                "the indentation here fits no block any more",
            );
            return Answer::No;
        }
        if self.is_whole
            && let Err(fault) = tree::check(new)
            && tree::check(old).is_ok()
        {
            let why = format!("the file does not parse after the edit: {}", fault.what);
            self.note(Sense::Objection, Some(fault.line.0), None, why);
            return Answer::No;
        }
        if self.has_lost_bytes(piece, old) {
            self.note_hunk(
                piece,
                "bytes that are no UTF-8 were replaced in a line of code that is changed",
            );
            return Answer::Uncertain;
        }
        Answer::Yes
    }

    fn has_lost_bytes(&self, piece: &Piece, old: &Source<'_>) -> bool {
        if !piece.old.contains('\u{fffd}') {
            return false;
        }
        let code = old.code_by_line(piece.old.split('\n').count());
        let hunks = self
            .patch
            .hunks
            .get(piece.hunks.clone())
            .unwrap_or_default();
        let mut at = 0;
        for line in hunks.iter().flat_map(|hunk| &hunk.lines) {
            if line.tag == DiffTag::Added {
                continue;
            }
            let ix = match (line.old_no, piece.old_first) {
                (Some(no), Some(first)) => no.saturating_sub(first),
                _ => at,
            };
            at += 1;
            if line.tag == DiffTag::Removed
                && code.get(ix).is_some_and(|code| code.contains('\u{fffd}'))
            {
                return true;
            }
        }
        false
    }

    /// Says something of the first changed line of a piece.
    fn note_hunk(&mut self, piece: &Piece, why: &str) {
        let (line, patch_line) = self.first_change(piece);
        self.note(Sense::Note, line, patch_line, why);
    }

    fn object_hunk(&mut self, piece: &Piece, why: &str) {
        let (line, patch_line) = self.first_change(piece);
        self.note(Sense::Objection, line, patch_line, why);
    }

    fn first_change(&self, piece: &Piece) -> (Option<usize>, Option<LineNo>) {
        for hunk_ix in piece.hunks.clone() {
            let Some(hunk) = self.patch.hunks.get(hunk_ix) else {
                break;
            };
            if let Some(ix) = hunk.lines.iter().position(|line| line.tag != DiffTag::Same) {
                let line = hunk.lines.get(ix).and_then(super::line_no);
                return (line, self.patch_line(hunk_ix, ix));
            }
        }
        (None, None)
    }

    /// Objects to the lines of a piece whose code is added or removed.
    fn object_lines(&mut self, piece: &Piece) {
        let changes = self.code_changes(piece, false);
        if changes.is_empty() {
            let why = "brackets, line breaks or indentation change what the code around means";
            self.object_hunk(piece, why);
            return;
        }
        let most = super::MAX_EVIDENCE.saturating_sub(self.evidence.len());
        for (hunk_ix, line_ix) in changes.into_iter().take(most) {
            let objection = self.objection(hunk_ix, line_ix);
            self.evidence.extend(objection);
        }
    }

    /// The objection to a changed line of code.
    pub(super) fn objection(&self, hunk_ix: usize, line_ix: usize) -> Option<Evidence> {
        let line = self.patch.hunks.get(hunk_ix)?.lines.get(line_ix)?;
        let quote = excerpt(&line.text, QUOTE_CELLS);
        let is_removed = line.tag == DiffTag::Removed;
        let bare = line
            .text
            .trim_start()
            .trim_start_matches(['r', 'R', 'u', 'U', 'b', 'B', 'f', 'F']);
        let why = if is_removed {
            format!("removes the line `{quote}`")
        } else if bare.starts_with(['"', '\'']) {
            format!("adds a string that is no docstring: `{quote}`")
        } else {
            format!("adds the code `{quote}`")
        };
        Some(Evidence {
            sense: Sense::Objection,
            path: Some(self.path().to_owned()),
            line: super::line_no(line).map(LineNo),
            patch_line: self.patch_line(hunk_ix, line_ix),
            why,
        })
    }

    /// The changed lines of a piece that have no counterpart with the same code, as hunk and line of the hunk. With
    /// `by_text`, lines without code count too, and are compared by their text; blank ones never do.
    pub(super) fn code_changes(&self, piece: &Piece, by_text: bool) -> Vec<(usize, usize)> {
        let count = |text: &str| text.split('\n').count();
        let old = piece.old_source().code_by_line(count(&piece.old));
        let new = piece.new_source().code_by_line(count(&piece.new));
        let mut changes = Vec::new();
        let mut at = (0, 0);
        for hunk_ix in piece.hunks.clone() {
            let Some(hunk) = self.patch.hunks.get(hunk_ix) else {
                break;
            };
            let mut run = Run::default();
            for (line_ix, line) in hunk.lines.iter().enumerate() {
                let ix = |no: Option<usize>, first: Option<usize>, at: usize| match (no, first) {
                    (Some(no), Some(first)) => no.saturating_sub(first),
                    _ => at,
                };
                let key = match line.tag {
                    DiffTag::Same => {
                        run.close(&mut changes);
                        ""
                    }
                    DiffTag::Removed => old
                        .get(ix(line.old_no, piece.old_first, at.0))
                        .map_or("", String::as_str),
                    DiffTag::Added => new
                        .get(ix(line.new_no, piece.new_first, at.1))
                        .map_or("", String::as_str),
                };
                at.0 += usize::from(line.tag != DiffTag::Added);
                at.1 += usize::from(line.tag != DiffTag::Removed);
                let key = if by_text && key.is_empty() {
                    line.text.trim()
                } else {
                    key
                };
                if !key.is_empty() {
                    run.add(line.tag, key, (hunk_ix, line_ix));
                }
            }
            run.close(&mut changes);
        }
        changes
    }
}

pub(super) fn is_python(path: &str) -> bool {
    let ending = path
        .rsplit('/')
        .next()
        .and_then(|name| name.rsplit_once('.'));
    ending.is_some_and(|(_, ending)| matches!(ending, "py" | "pyi" | "pyw"))
}

/// Finds the patch lines of a file's hunks: their lines stand below their headers without gaps.
fn patch_lines(lines: &[&str], patch: &FilePatch) -> Vec<Vec<usize>> {
    let mut at = patch.line;
    let mut all = Vec::with_capacity(patch.hunks.len());
    for hunk in &patch.hunks {
        while lines
            .get(at)
            .is_some_and(|line| !line.starts_with("@@") || line.starts_with("@@@"))
        {
            at += 1;
        }
        at += 1;
        let mut own = Vec::with_capacity(hunk.lines.len());
        for _ in &hunk.lines {
            while lines.get(at).is_some_and(|line| line.starts_with('\\')) {
                at += 1;
            }
            own.push(at);
            at += 1;
        }
        all.push(own);
    }
    all
}

/// The new sides of a file's hunks.
fn rows(patch: &FilePatch, patch_lines: &[Vec<usize>]) -> Vec<Vec<Row>> {
    let hunks = patch.hunks.iter().zip(patch_lines);
    hunks
        .map(|(hunk, places)| {
            let mut old_place = hunk.old_start + usize::from(hunk.old_len == 0);
            let mut rows = Vec::with_capacity(hunk.new_len);
            for (line, place) in hunk.lines.iter().zip(places) {
                if line.tag != DiffTag::Removed {
                    rows.push(Row {
                        old_no: line.old_no,
                        old_place,
                        patch_line: LineNo(place + 1),
                    });
                }
                old_place += usize::from(line.tag != DiffTag::Added);
            }
            rows
        })
        .collect()
}

/// Whether the old lines of all hunks stand in `base` where the hunks say.
fn stands_in(patch: &FilePatch, base: &str) -> bool {
    let lines: Vec<&str> = base.split('\n').collect();
    let mut old = patch
        .hunks
        .iter()
        .flat_map(|hunk| &hunk.lines)
        .filter(|line| line.tag != DiffTag::Added);
    let unbroken = |line: &str| line.strip_suffix('\r').unwrap_or(line).to_owned();
    old.all(|line| {
        let own = line.old_no.and_then(|no| lines.get(no.checked_sub(1)?));
        own.is_some_and(|own| *own == line.text || unbroken(own) == unbroken(&line.text))
    })
}
