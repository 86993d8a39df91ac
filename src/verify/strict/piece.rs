//! Both sides of a part of a file, and where that part stands.
//!
//! Whether a hunk begins in code or inside a string is told by what reads as code on its old side; where both readings
//! are possible the piece is doubtful and says why.

use std::ops::Range;

use crate::diff::DiffLine;
use crate::diff::DiffTag;
use crate::diff::Hunk;
use crate::patch::FilePatch;
use crate::python::Begin;
use crate::python::End;
use crate::python::Place;
use crate::python::Quote;
use crate::python::Source;
use crate::python::is_surely_code;
use crate::python::reads_as_code;
use crate::python::shows_code;
use crate::python::string_edges;

/// The largest text whose tokens are looked at; no source file is near it.
pub(super) const MAX_BYTES: usize = 8 << 20;

/// What a task tells of the place of a hunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// It begins inside the header of a definition.
    InHeader,
    /// It shows a definition that the task names: what reads as code there is code.
    Code,
    Nothing,
}

/// Both sides of a part of a file.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) old: String,
    pub(super) new: String,
    /// The 1-based line of the old file that `old` begins with; `None` in hunks without line numbers.
    pub(super) old_first: Option<usize>,
    pub(super) new_first: Option<usize>,
    pub(super) place: Place,
    /// The new side ends with its file.
    pub(super) is_end: bool,
    /// It reads as code, but so might a text in a string that begins above: the file before the edit knows better.
    pub(super) is_assumed: bool,
    /// It is assumed to be code, and no line of it is surely that: enough to see code change, not to call an edit
    /// harmless, since in a string that begins above a comment is a change.
    pub(super) is_weak: bool,
    /// Why it cannot be said where the piece begins.
    pub(super) doubt: Option<&'static str>,
    /// The hunks that lie in it, as indices into the patch.
    pub(super) hunks: Range<usize>,
}

impl Piece {
    /// Whole files, of a patch with so many hunks.
    pub(super) fn whole(old: &str, new: String, hunks: usize) -> Self {
        Self {
            old: old.to_owned(),
            new,
            old_first: Some(1),
            new_first: Some(1),
            place: Place::WHOLE,
            is_end: true,
            is_assumed: false,
            is_weak: false,
            doubt: None,
            hunks: 0..hunks,
        }
    }

    /// The text of a file that the patch makes.
    pub(super) fn added(patch: &FilePatch) -> Self {
        Self {
            old: String::new(),
            new: patch
                .hunks
                .iter()
                .map(|hunk| side(&hunk.lines, DiffTag::Removed))
                .collect(),
            old_first: Some(1),
            new_first: Some(1),
            place: Place::WHOLE,
            is_end: true,
            is_assumed: false,
            is_weak: false,
            doubt: None,
            hunks: 0..patch.hunks.len(),
        }
    }

    /// The sides of hunk `ix`.
    pub(super) fn of_hunk(ix: usize, hunk: &Hunk, known: Known) -> Self {
        let is_in_header = known == Known::InHeader;
        let first = |tag| {
            let mut lines = hunk.lines.iter().filter(|line| line.tag != tag);
            lines.find_map(|line| {
                if tag == DiffTag::Added {
                    line.old_no
                } else {
                    line.new_no
                }
            })
        };
        let old = side(&hunk.lines, DiffTag::Added);
        let new = side(&hunk.lines, DiffTag::Removed);
        let starts = hunk.old_start == 1 || (hunk.old_start == 0 && hunk.old_len == 0);
        let is_start = hunk.has_numbers() && starts;
        let is_long = old.len().max(new.len()) > MAX_BYTES;
        let (begin, doubt) = if is_start || is_long {
            (Begin::Code, None)
        } else {
            beginning(&old, known)
        };
        let is_known = is_start || is_long || known != Known::Nothing;
        let is_assumed = begin == Begin::Code && doubt.is_none() && !is_known;
        let is_weak = is_assumed && !is_surely_code(&Source::new(&old, Place::default()));
        Self {
            old,
            new,
            old_first: first(DiffTag::Added),
            new_first: first(DiffTag::Removed),
            place: Place {
                begin,
                is_start,
                is_in_header: is_in_header && begin == Begin::Code,
            },
            is_end: hunk
                .lines
                .iter()
                .any(|line| line.no_newline && line.tag != DiffTag::Removed),
            is_assumed,
            is_weak,
            doubt,
            hunks: ix..ix + 1,
        }
    }

    pub(super) fn old_source(&self) -> Source<'_> {
        Source::new(&self.old, self.place)
    }

    pub(super) fn new_source(&self) -> Source<'_> {
        Source::new(&self.new, self.place)
    }

    /// Whether it cannot be said where the piece begins.
    pub(super) fn is_doubtful(&self) -> bool {
        self.doubt.is_some()
    }
}

fn side(lines: &[DiffLine], without: DiffTag) -> String {
    let mut text = String::new();
    for line in lines.iter().filter(|line| line.tag != without) {
        text.push_str(&line.text);
        text.push('\n');
    }
    text
}

/// Where a hunk begins, by what reads as code on its old side (the new side may hold anything), and why that is
/// doubtful.
fn beginning(old: &str, known: Known) -> (Begin, Option<&'static str>) {
    if known == Known::InHeader {
        return (Begin::Code, None);
    }
    if old.trim().is_empty() {
        // nothing around the change is seen; additions that are blank are harmless in code only
        return (
            Begin::Code,
            Some("the hunk shows nothing of what stands around the change"),
        );
    }
    let reads = |begin| {
        let place = Place {
            begin,
            ..Place::default()
        };
        let source = Source::new(old, place);
        let inside = begin != Begin::Code;
        // a string that begins before the hunk has to end in it, or there is nothing to tell by
        let is_closed = !inside || source.end() == End::Code || source.token_count() > 1;
        let is_code = is_closed && reads_as_code(&source);
        let edges = string_edges(&source);
        let is_edge_code = edges.iter().any(|edge| {
            let edge = Source::new(edge, Place::default());
            edge.token_count() > 0 && reads_as_code(&edge)
        });
        (is_code, is_edge_code, edges.is_empty())
    };
    let code = reads(Begin::Code);
    if code.0 && code.2 {
        let is_told = known == Known::Code || shows_code(&Source::new(old, Place::default()));
        let why = "the hunk shows nothing that is surely code: it may stand inside a string";
        return (Begin::Code, (!is_told).then_some(why));
    }
    let inside = [Begin::Inside(Quote::Double), Begin::Inside(Quote::Single)];
    let mut fitting: Vec<(Begin, bool)> = Vec::new();
    if code.0 {
        fitting.push((Begin::Code, code.1));
    }
    for begin in inside {
        let (is_code, is_edge_code, _) = reads(begin);
        if is_code {
            fitting.push((begin, is_edge_code));
        }
    }
    let clean: Vec<Begin> = fitting
        .iter()
        .filter(|(_, edge)| !edge)
        .map(|(begin, _)| *begin)
        .collect();
    match (clean.as_slice(), fitting.as_slice()) {
        ([one], _) | (_, [(one, _)]) => (*one, None),
        _ => (
            Begin::Code,
            Some("it cannot be told whether the hunk begins inside a string"),
        ),
    }
}
