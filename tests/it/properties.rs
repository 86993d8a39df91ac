//! Properties of what must never be wrong: journals, exports and the index, on random input and random accidents.

use std::fs;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use hgview::cancel::Cancel;
use hgview::error::Kind;
use hgview::export;
use hgview::export::Judged;
use hgview::export::Jury;
use hgview::export::Options;
use hgview::export::Target;
use hgview::model::ContentHash;
use hgview::model::RecordIx;
use hgview::model::Verdict;
use hgview::review::Change;
use hgview::review::Choice;
use hgview::review::Ledger;
use hgview::review::Line;
use hgview::review::Moment;
use hgview::review::Place;
use hgview::review::RecordRef;
use hgview::review::Scribe;
use hgview::review::Writer;
use hgview::store::Head;
use hgview::store::Store;
use proptest::prelude::*;

use crate::export::open;
use crate::program::chat_row;

const REVIEWERS: [&str; 2] = ["ada", "ben"];
const RECORDS: usize = 6;
/// How long others may keep what they have for a moment only.
const PATIENCE: Duration = Duration::from_secs(30);

fn record(nth: usize) -> RecordRef {
    RecordRef {
        sha256: ContentHash::of(&nth.to_le_bytes()),
        id: format!("task-{nth}").into(),
        path: "data.jsonl".into(),
        nth,
    }
}

/// What happens to the journals.
#[derive(Debug, Clone)]
enum Deed {
    /// A reviewer decides on some records at once, or takes decisions away.
    Decide(usize, Vec<usize>, Option<Choice>),
    /// A reviewer gives the reason of a reject.
    Reason(usize, usize),
    /// A reviewer takes the last deed back.
    Undo(usize),
    /// A reviewer does it again.
    Redo(usize),
    /// The program of a reviewer is killed while it writes so many bytes of a line that nobody was told of.
    Crash(usize, usize),
}

fn deed() -> impl Strategy<Value = Deed> {
    let who = 0..REVIEWERS.len();
    let choice = prop_oneof![
        Just(Some(Choice::Accept)),
        Just(Some(Choice::Reject)),
        Just(Some(Choice::Skip)),
        Just(None)
    ];
    let records = proptest::collection::vec(0..RECORDS, 1..4);
    prop_oneof![
        4 => (who.clone(), records, choice).prop_map(|(who, records, choice)| Deed::Decide(who, records, choice)),
        1 => (who.clone(), 0..RECORDS).prop_map(|(who, record)| Deed::Reason(who, record)),
        2 => who.clone().prop_map(Deed::Undo),
        1 => who.clone().prop_map(Deed::Redo),
        1 => (who, 0_usize..400).prop_map(|(who, bytes)| Deed::Crash(who, bytes)),
    ]
}

/// A reviewer's program.
struct Desk {
    reviewer: &'static str,
    scribe: Scribe,
    writer: Writer,
}

impl Desk {
    fn new(place: &Place, reviewer: &'static str) -> Self {
        Self {
            reviewer,
            scribe: Scribe::new(reviewer, &Ledger::load(place)),
            writer: Writer::new(place.clone(), reviewer),
        }
    }
}

/// Everything that reviewers see of a ledger.
fn seen(ledger: &Ledger) -> String {
    let of = |reviewer: &&str| {
        let states = (0..RECORDS).map(|nth| ledger.state(record(nth).sha256, reviewer));
        let states: Vec<_> = states.collect();
        let turns = (ledger.undoable(reviewer), ledger.redoable(reviewer));
        format!("{states:?} {turns:?} {}", ledger.decided(reviewer))
    };
    REVIEWERS.iter().map(of).collect()
}

/// Appends lines. Programs that other tests start hold all open files of this one until they are under way, locks too.
#[track_caller]
fn append(writer: &mut Writer, lines: &[Line]) {
    let until = Instant::now() + PATIENCE;
    loop {
        match writer.append(lines) {
            Err(err) if err.kind() == Kind::Limit && Instant::now() < until => {
                std::thread::yield_now();
            }
            done => {
                done.unwrap();
                return;
            }
        }
    }
}

/// Carries deeds out, on the journals and on a ledger in memory, which must say the same in the end.
fn check_deeds(deeds: Vec<Deed>) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::of(&[], Some(folder.path()), Path::new("/nowhere")).unwrap();
    let mut live = Ledger::default();
    let mut desks = REVIEWERS.map(|reviewer| Desk::new(&place, reviewer));
    for deed in deeds {
        let (Deed::Decide(who, ..)
        | Deed::Reason(who, _)
        | Deed::Undo(who)
        | Deed::Redo(who)
        | Deed::Crash(who, _)) = deed;
        let desk = &mut desks[who];
        let now = Moment::now();
        let lines = match deed {
            Deed::Decide(_, records, choice) => {
                let change = choice.map_or_else(Change::clear, Change::decide);
                let changes = records.into_iter().map(|nth| (record(nth), change.clone()));
                desk.scribe.changes(now, changes)
            }
            Deed::Reason(_, nth) => {
                let change = Change::reason("wrong \u{1b}[31mplace\n");
                desk.scribe.changes(now, [(record(nth), change)])
            }
            Deed::Undo(_) => {
                let moment = live.undoable(desk.reviewer);
                moment
                    .map(|moment| desk.scribe.undo(now, moment))
                    .into_iter()
                    .collect()
            }
            Deed::Redo(_) => {
                let moment = live.redoable(desk.reviewer);
                moment
                    .map(|moment| desk.scribe.redo(now, moment))
                    .into_iter()
                    .collect()
            }
            Deed::Crash(_, bytes) => {
                let change = Change::decide(Choice::Accept);
                let json = desk.scribe.changes(now, [(record(0), change)])[0].to_json();
                // a line that lacks only its end counts, and may: it was on its way
                let half = &json.as_bytes()[..bytes.min(json.len() - 2)];
                let path = desk.writer.path();
                if let Ok(mut file) = OpenOptions::new().append(true).open(path) {
                    file.write_all(half).unwrap();
                }
                let reviewer = desk.reviewer;
                // the lock goes with the program
                *desk = Desk {
                    reviewer,
                    scribe: Scribe::new("nobody", &Ledger::default()),
                    writer: Writer::new(place.clone(), "nobody"),
                };
                *desk = Desk::new(&place, reviewer);
                continue;
            }
        };
        append(&mut desk.writer, &lines);
        for line in &lines {
            live.apply(line, &place);
        }
        prop_assert_eq!(seen(&Ledger::load(&place)), seen(&live));
    }
    prop_assert_eq!(seen(&Ledger::load(&place)), seen(&live));
    Ok(())
}

/// Keeps the records whose place is true.
struct Chosen(Vec<bool>);

impl export::Judge for Chosen {
    fn name(&self) -> String {
        "chosen".to_owned()
    }

    fn judge(&self, ix: RecordIx, _head: &Head) -> Judged {
        let is_kept = self.0.get(ix.0).copied().unwrap_or_default();
        Judged {
            verdict: Verdict::of(is_kept),
            why: String::new(),
            score: None,
        }
    }

    fn known(&self, ix: RecordIx) -> Option<Judged> {
        // of some the index knows what the filter said
        let is_kept = self.0.get(ix.0).copied()?;
        ix.0.is_multiple_of(2).then(|| Judged {
            verdict: Verdict::of(is_kept),
            why: String::new(),
            score: None,
        })
    }
}

/// A line of a file that reads as a record, with odd things in and around it.
fn line() -> impl Strategy<Value = String> {
    let text = "[a-z \u{1b}é日\\\\\"\u{202e}]{0,12}";
    let ending = prop_oneof![Just("\n"), Just("\r\n"), Just("\n\n"), Just(" \n")];
    (text, ending, 0_usize..4).prop_map(|(text, ending, steps)| {
        let commands = vec![text.as_str(); steps];
        let row = chat_row(&format!("task-{}", text.len()), &commands);
        format!("{}{ending}", row.trim_end())
    })
}

/// The lines of a file as the standard library has them, blank ones aside.
fn naive(bytes: &[u8]) -> Vec<&[u8]> {
    let lines = bytes.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.filter(|line| !line.trim_ascii().is_empty()).collect()
}

/// The bytes of all records, where the index finds them: of a last one that is cut off, too.
fn indexed<'a>(store: &Store, bytes: &'a [u8]) -> Vec<&'a [u8]> {
    let all = (0..store.len()).map(RecordIx);
    let spans = all.map(|ix| store.entry(ix).unwrap().span.unwrap());
    let place = |at: u64| usize::try_from(at).unwrap();
    spans
        .map(|span| &bytes[place(span.start)..place(span.end)])
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn journals_give_back_what_was_done(deeds in proptest::collection::vec(deed(), 1..24)) {
        check_deeds(deeds)?;
    }

    #[test]
    fn raw_exports_are_the_bytes_of_what_was_chosen(
        lines in proptest::collection::vec((line(), any::<bool>()), 1..12),
        is_cut in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.jsonl");
        let mut text: String = lines.iter().map(|(line, _)| line.as_str()).collect();
        if is_cut {
            text.truncate(text.trim_end().len());
        }
        fs::write(&path, &text).unwrap();
        let chosen = Chosen(lines.iter().map(|(_, is_kept)| *is_kept).collect());
        let jury = Jury { filter: Some(&chosen), ..Jury::lenient() };
        let options = Options::new(Options::parse_format("raw").unwrap(), Target::Stdout);
        let mut out = Vec::new();
        export::run(&open(&path), &jury, &options, &mut out, &Cancel::new(), &mut |_| {}).unwrap();
        let kept = naive(text.as_bytes()).into_iter().zip(&chosen.0).filter(|(_, is_kept)| **is_kept);
        let want: Vec<u8> = kept.flat_map(|(line, _)| [line, b"\n"].concat()).collect();
        prop_assert_eq!(String::from_utf8(out).unwrap(), String::from_utf8(want).unwrap());
    }

    /// The first line tells that the file has a record a line; behind it stands whatever there is.
    #[test]
    fn the_index_is_what_a_scan_of_lines_finds(
        pieces in proptest::collection::vec(
            proptest::collection::vec(prop_oneof![3 => Just(b'\n'), 1 => Just(b'\r'), 1 => Just(b' '), 2 => Just(b'{'), 6 => any::<u8>()], 0..80),
            1..6,
        ),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.jsonl");
        let mut bytes = (chat_row("one", &["ls"]) + &chat_row("two", &["ls"])).into_bytes();
        fs::write(&path, &bytes).unwrap();
        let growing = open(&path);
        for piece in pieces {
            bytes.extend(&piece);
            OpenOptions::new().append(true).open(&path).unwrap().write_all(&piece).unwrap();
            growing.refresh(&Cancel::new(), &mut |_| {}).unwrap();
            let want = naive(&bytes);
            prop_assert_eq!(indexed(&growing, &bytes), want.clone());
            prop_assert_eq!(indexed(&open(&path), &bytes), want);
        }
    }
}
