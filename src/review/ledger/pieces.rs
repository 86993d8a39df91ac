//! Journals on their way into the ledger: cut into lines, and these in the order of time before they are parsed, so that
//! what is parsed of a million lines need not be held at once.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use rayon::iter::ParallelIterator as _;
use rayon::slice::ParallelSlice as _;
use rayon::slice::ParallelSliceMut as _;

use crate::review::Line;
use crate::review::Moment;
use crate::review::Parsed;
use crate::review::ledger::TroubleKind;
use crate::review::line::Parser;

/// What a journal has more than before.
#[derive(Debug)]
pub(super) struct Grown {
    /// The journal.
    pub(super) path: PathBuf,
    /// Its folder.
    pub(super) dir: Arc<Path>,
    /// Whether that is the place's own.
    pub(super) is_own: bool,
    /// The new bytes.
    pub(super) bytes: Vec<u8>,
    /// Lines before these.
    pub(super) lines: usize,
}

/// A line that may be an event.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    /// When.
    pub(super) at: Moment,
    /// The place of its journal in the list.
    pub(super) file: usize,
    /// Its number in the journal, from 1.
    pub(super) number: usize,
    bytes: &'a [u8],
    /// A line that is not written as lines are written here had to be parsed to know its time.
    parsed: Option<Box<Line>>,
}

/// What is wrong with a line.
#[derive(Debug)]
pub(super) struct Odd {
    /// The place of its journal in the list.
    pub(super) file: usize,
    /// Its number in the journal, from 1.
    pub(super) number: usize,
    /// What it is.
    pub(super) kind: TroubleKind,
}

/// A line that may be an event, and what is wrong with it; both of a whole line behind the remains of another.
type Look<'a> = (Option<Piece<'a>>, Option<Odd>);

/// Lines that one thread takes at a time.
const AT_ONCE: usize = 1024;

/// Cuts what a journal has more into its lines; gives how many bytes and lines of it are whole.
pub(super) fn cut<'a>(
    file: usize,
    grown: &'a Grown,
    pieces: &mut Vec<Piece<'a>>,
    odd: &mut Vec<Odd>,
) -> (usize, usize) {
    let whole = memchr::memrchr(b'\n', &grown.bytes).map_or(0, |at| at + 1);
    let (whole, tail) = grown.bytes.split_at(whole);
    let mut lines: Vec<(usize, &[u8])> = Vec::new();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', whole) {
        let line = whole.get(start..end).unwrap_or_default();
        lines.push((grown.lines + lines.len() + 1, line));
        start = end + 1;
    }
    let count = lines.len();
    let looks: Vec<Vec<Look<'a>>> = lines
        .par_chunks(AT_ONCE)
        .map(|chunk| {
            let looks = chunk.iter();
            looks
                .map(|(number, line)| look(file, *number, line))
                .collect()
        })
        .collect();
    let last = look_at_tail(file, grown.lines + count + 1, tail);
    for (piece, wrong) in looks.into_iter().flatten().chain([last]) {
        pieces.extend(piece);
        odd.extend(wrong);
    }
    (whole.len(), count)
}

fn look(file: usize, number: usize, bytes: &[u8]) -> Look<'_> {
    let piece = |at, parsed| Piece {
        at,
        file,
        number,
        bytes,
        parsed,
    };
    let of_line = |line: Line| piece(line.at, Some(Box::new(line)));
    if let Some(at) = Line::peek_at(bytes) {
        return (Some(piece(at, None)), None);
    }
    let odd = |kind| Odd { file, number, kind };
    match Line::parse(bytes) {
        Parsed::Blank => (None, None),
        Parsed::Line(line) => (Some(of_line(line)), None),
        Parsed::Behind(line) => (Some(of_line(line)), Some(odd(TroubleKind::Joined))),
        Parsed::Future(version) => (None, Some(odd(TroubleKind::Future(version)))),
        Parsed::Foreign(why) => (None, Some(odd(TroubleKind::Foreign(why)))),
    }
}

/// A line without an end is not counted as read: it may be whole next time.
fn look_at_tail(file: usize, number: usize, bytes: &[u8]) -> Look<'_> {
    match Line::parse(bytes) {
        Parsed::Blank => (None, None),
        Parsed::Line(_) => look(file, number, bytes),
        Parsed::Behind(_) | Parsed::Future(_) | Parsed::Foreign(_) => {
            let kind = TroubleKind::Torn;
            (None, Some(Odd { file, number, kind }))
        }
    }
}

impl Piece<'_> {
    /// The event; what is wrong where it only began like one.
    fn parse(&mut self, parser: &mut Parser) -> Result<Line, Odd> {
        if let Some(line) = self.parsed.take() {
            return Ok(*line);
        }
        parser.parse(self.bytes).map_err(|why| Odd {
            file: self.file,
            number: self.number,
            kind: TroubleKind::Foreign(why),
        })
    }
}

/// Parses lines on all processors; the answers are in the order of the lines.
pub(super) fn parse(pieces: &mut [Piece<'_>]) -> Vec<Vec<(usize, Result<Line, Odd>)>> {
    pieces
        .par_chunks_mut(AT_ONCE)
        .map(|chunk| {
            let mut parser = Parser::default();
            let lines = chunk.iter_mut();
            lines
                .map(|piece| (piece.file, piece.parse(&mut parser)))
                .collect()
        })
        .collect()
}
