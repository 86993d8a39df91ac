//! What waits, what is kept over a reload, how time is counted.

use super::*;

const A: RecordIx = RecordIx(0);
const B: RecordIx = RecordIx(1);

fn place() -> Arc<Place> {
    let dir = Path::new("/nowhere/reviews");
    Arc::new(Place::of(&[], Some(dir), Path::new("/nowhere")).unwrap())
}

fn journals(lines: &[Line]) -> Journals {
    let place = place();
    let mut ledger = Ledger::default();
    for line in lines {
        ledger.apply(line, &place);
    }
    Journals {
        ledger,
        place,
        read_only: None,
        wholes: HashMap::new(),
    }
}

fn desk() -> Desk {
    let mut desk = Desk::new(DeskOptions {
        reviewer: "ada".to_owned(),
        ..DeskOptions::default()
    });
    desk.open(journals(&[]), &mut Heard::default());
    desk
}

fn deed(ix: RecordIx, change: Change) -> Deed {
    Deed {
        ix,
        id: format!("task-{}", ix.0),
        path: Path::new("/data/run.jsonl").into(),
        member: None,
        row: ix.0,
        change,
    }
}

fn accept(ix: RecordIx) -> Deed {
    deed(ix, Change::decide(Choice::Accept))
}

fn hash(of: &str) -> ContentHash {
    ContentHash::of(of.as_bytes())
}

#[test]
fn what_is_not_hashed_waits_and_nothing_overtakes_it() {
    let mut desk = desk();
    desk.learn(B, hash("b"));
    let (lines, wanted) = desk.act(vec![accept(A)], None);
    assert_eq!((lines.len(), wanted), (0, vec![A]));
    let (lines, wanted) = desk.act(vec![accept(B)], None);
    assert_eq!((lines.len(), wanted.len()), (0, 0), "B waits behind A");
    assert!(desk.is_decided(A) && desk.is_decided(B) && desk.is_waiting());
    assert_eq!(desk.saving(), Saving::Saving);
    assert_eq!(
        desk.waiting_words(),
        ["accepted: task-0", "accepted: task-1"]
    );
    assert_eq!(desk.catch_up().len(), 0);
    desk.learn(A, hash("a"));
    assert_eq!(desk.catch_up().len(), 2);
    assert!(!desk.is_waiting());
    assert_eq!((desk.decided(), desk.saving()), (2, Saving::Saving));
    desk.saved(2);
    assert_eq!(desk.saving(), Saving::Saved);
}

#[test]
fn an_unreadable_record_stops_nobody_else() {
    let mut desk = desk();
    desk.learn(B, hash("b"));
    desk.act(vec![accept(A), accept(B)], None);
    assert_eq!(desk.give_up(A), 1, "one of two");
    assert!(!desk.is_decided(A));
    assert_eq!(desk.catch_up().len(), 1);
    assert!(desk.is_decided(B) && !desk.is_waiting());
}

#[test]
fn what_waits_is_undone_first() {
    let mut desk = desk();
    desk.learn(B, hash("b"));
    desk.act(vec![accept(B)], None);
    desk.act(vec![accept(A)], None);
    assert_eq!(desk.undo().map(|lines| lines.len()), Some(0));
    assert!(!desk.is_decided(A) && desk.is_decided(B));
    assert_eq!(desk.undo().map(|lines| lines.len()), Some(1));
    assert!(!desk.is_decided(B));
    assert_eq!(desk.undo(), None);
}

/// Journals are read on another thread: what was decided and saved meanwhile is not in them.
#[test]
fn a_reload_keeps_what_was_decided_meanwhile() {
    let mut desk = desk();
    desk.learn(A, hash("a"));
    let early = journals(&[]);
    desk.act(vec![accept(A)], None);
    desk.saved(1);
    desk.open(early, &mut Heard::default());
    assert!(desk.is_decided(A));
    assert_eq!(desk.decided(), 1);
    let lines = desk.undo().unwrap();
    desk.open(journals(&lines), &mut Heard::default());
    assert!(!desk.is_decided(A));
    assert_eq!(desk.decided(), 0);
}

#[test]
fn a_changed_record_is_another_record() {
    let mut desk = desk();
    desk.learn(A, hash("old"));
    desk.act(vec![accept(A)], None);
    desk.forget(A);
    assert!(!desk.is_decided(A));
    assert_eq!(desk.decided(), 0);
    let (lines, wanted) = desk.act(vec![deed(A, Change::flag(true))], None);
    assert_eq!((lines.len(), wanted), (0, vec![A]));
    desk.learn(A, hash("new"));
    desk.catch_up();
    assert!(
        desk.mine(A)
            .is_some_and(|state| state.flag && !state.is_decided())
    );
    desk.learn(A, hash("old"));
    assert_eq!(desk.choice(A), Some(Choice::Accept), "it came back");
}

#[test]
fn a_record_made_anew_is_stale_as_long_as_the_old_one_is_nowhere() {
    let mut desk = desk();
    let at = Entry {
        path: Path::new("/data/run.jsonl").into(),
        member: None,
        row: 0,
        span: None,
        format: None,
        layout: crate::read::Layout::Rows,
        fault: None,
    };
    desk.learn(A, hash("old"));
    desk.act(vec![accept(A)], None);
    desk.learn(A, hash("new"));
    assert!(desk.check_stale(A, "task-0", &at));
    assert!(desk.is_stale(A) && !desk.is_decided(A));
    assert!(!desk.check_stale(A, "another", &at));
    // the old one turns up elsewhere: it was moved, and nothing is stale
    desk.learn(B, hash("old"));
    assert!(!desk.check_stale(A, "task-0", &at));
}

#[test]
fn time_is_that_of_the_record_that_was_looked_at() {
    let start = Instant::now();
    let at = |secs: u64| start + Duration::from_secs(secs);
    let mut desk = desk();
    desk.session.touched = start;
    desk.look_at(Some(A), at(0));
    desk.look_at(Some(A), at(20));
    assert!((desk.take_secs(A, at(30)) - 30.0).abs() < 0.01);
    desk.look_at(Some(B), at(30));
    assert!(
        desk.take_secs(A, at(40)).abs() < 0.01,
        "nobody looks at A any more"
    );
    // a key, then a pause longer than any look takes
    desk.look_at(Some(B), at(40));
    desk.look_at(Some(B), at(4000));
    let secs = desk.take_secs(B, at(4005));
    assert!((secs - 15.0).abs() < 0.01, "{secs}");
    desk.count_decisions(30);
    let pace = desk.pace().unwrap_or_default();
    assert_eq!(desk.pace(), None, "less than a minute of work: {pace}");
    desk.look_at(Some(B), at(4060));
    assert!(desk.pace().is_some_and(|pace| pace > 100.0));
}
