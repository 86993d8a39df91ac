//! Deciding: keys, undo, reasons, notes, masks, selections, queues, and what is there after a restart.

use std::path::Path;

use hgview::review::Choice;
use hgview::review::Ledger;
use hgview::review::Mask;
use hgview::review::Place;
use hgview::review::State;

use crate::driver::Driver;
use crate::screens::says;

/// Has no key of its own.
const FOLLOW: &str = ":toggle-follow<enter>";

const STORY: &str = "samples/openhands-v0/output.jsonl";

fn open(reviews: &Path) -> Driver {
    Driver::reviewing(&[STORY], (120, 40), reviews)
}

/// What `ada` said of the records, by id, as the journal has it.
fn journal(reviews: &Path) -> Vec<(String, State)> {
    let place = Place::of(&[STORY.into()], Some(reviews), Path::new("/nowhere")).unwrap();
    let ledger = Ledger::load(&place);
    assert!(ledger.troubles().is_empty(), "{:?}", ledger.troubles());
    let records = ledger.records();
    let states = records.filter_map(|record| {
        let state = ledger.state(record.sha256, "ada")?;
        Some((record.id.to_string(), state.clone()))
    });
    let mut states: Vec<(String, State)> = states.filter(|(_, s)| !s.is_empty()).collect();
    states.sort_by(|(a, _), (b, _)| a.cmp(b));
    states
}

fn choices(reviews: &Path) -> Vec<Choice> {
    let states = journal(reviews);
    states
        .into_iter()
        .filter_map(|(_, state)| state.decision)
        .collect()
}

#[test]
fn each_decision_goes_on_to_the_next_and_is_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = open(folder.path());
    driver.keys("a");
    says(&driver, "accepted");
    says(&driver, "saved");
    says(&driver, "2/6");
    driver.keys("x");
    says(&driver, "rejected");
    assert!(driver.text().contains("wrong place"), "{}", driver.text());
    driver.keys("1");
    says(&driver, ": wrong place");
    assert!(!driver.text().contains("code changed"), "the box is gone");
    driver.keys("s");
    says(&driver, "4/6");
    let states = journal(folder.path());
    let count = |choice| {
        states
            .iter()
            .filter(|(_, s)| s.decision == Some(choice))
            .count()
    };
    assert_eq!(Choice::ALL.map(count), [1, 1, 1]);
    let rejected = states
        .iter()
        .find(|(_, s)| s.decision == Some(Choice::Reject));
    assert_eq!(rejected.unwrap().1.reason.as_deref(), Some("wrong place"));
    insta::assert_snapshot!(driver.text());
}

#[test]
fn what_is_decided_before_the_journals_are_read_is_kept_for_its_record() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).keys("jx");
    let before = journal(folder.path());
    let mut driver = Driver::before_journals(&[STORY], (120, 40), folder.path());
    // the first is decided twice, the second was rejected in the last session, the fourth is gone to and accepted
    driver.keys("a");
    says(&driver, "as soon as the decisions are read");
    driver.keys("sjajja");
    assert_eq!(journal(folder.path()), before, "nothing is written yet");
    driver.read_journals();
    says(&driver, "saved");
    says(&driver, "5/6");
    let told = |word: &str| driver.said.iter().any(|(_, text)| text.contains(word));
    assert!(!told("NOT DONE"), "{:?}", driver.said);
    let choices: Vec<_> = journal(folder.path())
        .into_iter()
        .map(|(id, state)| (id, state.decision))
        .collect();
    let of = |choice| {
        let with = choices
            .iter()
            .filter(|(_, decision)| *decision == Some(choice));
        with.map(|(id, _)| id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(of(Choice::Reject), [before[0].0.clone()], "it stays so");
    assert_eq!((of(Choice::Skip).len(), of(Choice::Accept).len()), (1, 1));
    driver.keys("u");
    assert_eq!(journal(folder.path()).len(), 2);
}

#[test]
fn digits_are_counts_unless_something_was_just_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = open(folder.path());
    driver.keys("3j");
    says(&driver, "4/6");
    driver.keys("x");
    says(&driver, "5/6");
    driver.keys("k2k");
    says(&driver, "2/6");
    assert_eq!(journal(folder.path())[0].1.reason, None);
}

#[test]
fn undo_and_redo_go_across_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = open(folder.path());
    driver.keys("aax2");
    assert_eq!(
        choices(folder.path()),
        [Choice::Accept, Choice::Accept, Choice::Reject]
    );
    driver.keys("u");
    says(&driver, "is not decided");
    assert_eq!(
        choices(folder.path()),
        [Choice::Accept, Choice::Accept],
        "a reject and its reason are one act"
    );
    drop(driver);
    let mut driver = open(folder.path());
    assert!(driver.text().contains("2 decided"), "{}", driver.text());
    driver.keys("u");
    assert_eq!(choices(folder.path()), [Choice::Accept]);
    driver.keys("<C-r><C-r>");
    assert_eq!(
        choices(folder.path()),
        [Choice::Accept, Choice::Accept, Choice::Reject]
    );
    driver.keys("uuuu");
    says(&driver, "nothing to undo");
    assert_eq!(choices(folder.path()), []);
}

#[test]
fn notes_tags_and_flags_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = open(folder.path());
    driver.keys("cLook at step 4<enter>");
    says(&driver, "noted");
    driver.keys("teasy, good start, easy<enter>");
    says(&driver, "tagged easy, good start");
    driver.keys("f");
    says(&driver, "flagged");
    let (_, state) = journal(folder.path()).remove(0);
    assert_eq!(state.note.as_deref(), Some("Look at step 4"));
    assert_eq!(state.tags, ["easy".into(), "good start".into()]);
    assert!(state.flag);
    driver.keys("<enter>");
    let title = driver.line(0);
    assert!(
        title.contains("#easy") && title.contains("flagged"),
        "{title}"
    );
    driver.keys("fc<C-u><enter>t<C-u><enter>");
    assert!(journal(folder.path()).is_empty());
}

#[test]
fn inside_a_trajectory_a_decision_opens_the_next_undecided() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = open(folder.path());
    driver.keys("jakk<enter>");
    let first = driver.line(0);
    driver.keys("a");
    let second = driver.line(0);
    assert_ne!(first, second);
    assert!(driver.status().contains("STEPS"), "{}", driver.status());
    // the second record of the list was decided before
    says(&driver, "3/6");
    driver.keys("aaaa");
    says(&driver, "all records of this list are decided");
    assert_eq!(choices(folder.path()).len(), 6);
}

#[test]
fn masks_are_for_the_steps_of_the_agent() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = open(folder.path());
    driver.keys("<enter>mc");
    says(&driver, "masks are for the agent's own steps");
    driver.keys("5j").keys("md");
    says(&driver, "dropped");
    driver.keys("jVjj").keys("mc");
    says(&driver, "3 steps: context only");
    let (_, state) = journal(folder.path()).remove(0);
    let masks: Vec<Mask> = state.masks.values().copied().collect();
    assert_eq!(
        masks,
        [Mask::Drop, Mask::Context, Mask::Context, Mask::Context]
    );
    insta::assert_snapshot!(driver.text());
    driver.keys("gVGmm");
    assert!(journal(folder.path()).is_empty());
}

#[test]
fn a_selection_is_asked_about_once_and_undone_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = open(folder.path());
    driver.keys("a").keys(" ").keys("jVjx");
    insta::assert_snapshot!(driver.text());
    driver.keys("n");
    assert_eq!(choices(folder.path()), [Choice::Accept]);
    driver.keys("x<enter>5");
    says(&driver, "3 records: leak");
    let states = journal(folder.path());
    let leaks = states
        .iter()
        .filter(|(_, s)| s.reason.as_deref() == Some("leak"));
    assert_eq!(leaks.count(), 3);
    driver.keys("u");
    says(&driver, "undone: 3 records");
    assert_eq!(choices(folder.path()), [Choice::Accept]);
    driver.keys("<C-r>");
    says(&driver, "done again: 3 records");
    let states = journal(folder.path());
    let leaks = states
        .iter()
        .filter(|(_, s)| s.reason.as_deref() == Some("leak"));
    assert_eq!(leaks.count(), 3, "with their reason");
    drop(driver);
    let mut driver = open(folder.path());
    driver.keys("u");
    assert_eq!(
        choices(folder.path()),
        [Choice::Accept],
        "after a restart, too"
    );
}

/// Many small records, the decisions beside them.
fn many(folder: &Path, count: usize) -> Driver {
    let record = |nth: usize| {
        format!(
            "{{\"instance_id\":\"task-{nth}\",\"messages\":[{{\"role\":\"user\",\"content\":\"do {nth}\"}},{{\"role\":\"assistant\",\"content\":\"done\"}}]}}\n"
        )
    };
    let data = folder.join("many.jsonl");
    std::fs::write(&data, (0..count).map(record).collect::<String>()).unwrap();
    Driver::reviewing(&[data], (120, 40), &folder.join("reviews"))
}

fn decided(folder: &Path) -> usize {
    choices(&folder.join("reviews")).len()
}

#[test]
fn many_are_decided_a_part_at_a_time_and_undone_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = many(folder.path(), 3000);
    driver.keys("VGx<enter>");
    assert_eq!(driver.journals.appends, 3, "1024 lines a turn");
    assert_eq!(decided(folder.path()), 3000);
    says(&driver, "saved");
    driver.keys("5");
    says(&driver, "rejected 3,000 records: leak");
    assert_eq!(decided(folder.path()), 3000);
    driver.keys("u");
    assert_eq!(decided(folder.path()), 0);
    driver.keys("<C-r>");
    assert_eq!(decided(folder.path()), 3000);
    let states = journal(&folder.path().join("reviews"));
    assert!(
        states
            .iter()
            .all(|(_, s)| s.reason.as_deref() == Some("leak"))
    );
}

#[test]
fn what_is_done_before_all_of_many_are_decided_comes_behind_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = many(folder.path(), 3000);
    driver.keys("VGx");
    // nothing of what the keys lead to is carried out: most of it is still to be done
    assert_eq!(driver.key_alone("<enter>"), 1024);
    says(&driver, "saving");
    assert_eq!(driver.key_alone("gga"), 0, "the decision waits its turn");
    assert_eq!(
        driver.key_alone("u"),
        0,
        "it is taken back before it was done"
    );
    assert_eq!(
        driver.key_alone("u"),
        1,
        "what was done of the others is undone"
    );
    says(&driver, "undone");
}

#[test]
fn a_restart_goes_on_at_the_first_undecided() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = open(folder.path());
    driver.keys("axjja");
    drop(driver);
    let driver = open(folder.path());
    says(&driver, "3 decided; at the first undecided");
    says(&driver, "3/6");
    drop(driver);
    let mut driver = open(folder.path());
    driver.keys("aaa");
    drop(driver);
    let driver = open(folder.path());
    says(&driver, "all records of this list are decided");
    says(&driver, "1/6");
}

#[test]
fn journals_are_read_again_only_when_files_came_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = many(folder.path(), 3);
    assert_eq!(
        driver.journals.reads, 1,
        "the file was known from the start"
    );
    driver.keys(FOLLOW);
    let data = folder.path().join("many.jsonl");
    let text = std::fs::read_to_string(&data).unwrap();
    std::fs::write(&data, format!("{text}{}", text.replace("task-", "more-"))).unwrap();
    driver.follow();
    says(&driver, "3 new");
    assert_eq!(driver.journals.reads, 1, "of the same file");
    driver.keys(FOLLOW).keys("R");
    assert_eq!(driver.journals.reads, 2, "others may have decided");
    drop(driver);
    let inputs = folder.path().join("inputs");
    std::fs::create_dir(&inputs).unwrap();
    std::fs::write(inputs.join("a.jsonl"), &text).unwrap();
    let reviews = folder.path().join("reviews");
    let mut driver = Driver::reviewing(&[&inputs], (120, 40), &reviews);
    assert_eq!(driver.journals.reads, 1, "the scan was over before");
    driver.keys("a").keys(FOLLOW);
    std::fs::write(inputs.join("b.jsonl"), text.replace("task-", "b-")).unwrap();
    driver.follow();
    assert_eq!(driver.journals.reads, 2, "a file came up");
    says(&driver, "saved");
    assert!(driver.text().contains("1 decided"), "{}", driver.text());
}

#[test]
fn blind_mode_hides_verdicts_until_one_has_decided() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = open(folder.path());
    let open_eyes = driver.text();
    driver.keys("B");
    let blind = driver.text();
    assert_ne!(open_eyes, blind);
    driver.keys("a");
    let states = journal(folder.path());
    assert!(
        states[0].1.seen.is_nothing(),
        "what was hidden was not seen"
    );
    driver.keys("Ba");
    let states = journal(folder.path());
    assert_eq!(
        states.iter().filter(|(_, s)| !s.seen.is_nothing()).count(),
        1
    );
}

#[test]
fn queues_narrow_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = open(folder.path());
    driver.keys("axQ");
    insta::assert_snapshot!(driver.text());
    driver.keys("undecided<enter>");
    assert!(
        driver.text().contains("4 of 6 records"),
        "{}",
        driver.text()
    );
    assert!(driver.text().contains("queue: undecided"));
    driver.keys("a");
    assert!(
        driver.text().contains("3 of 6 records"),
        "{}",
        driver.text()
    );
    driver.keys("u");
    assert!(
        driver.text().contains("4 of 6 records"),
        "{}",
        driver.text()
    );
    driver.keys("<esc>");
    assert!(driver.text().contains("  6 records"), "{}", driver.text());
}

#[test]
fn past_decisions_are_listed_and_gone_to() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = open(folder.path());
    driver.keys("ax1s,");
    assert!(
        driver.text().contains("rejected: wrong place"),
        "{}",
        driver.text()
    );
    driver.keys("wrong<enter>");
    says(&driver, "2/6");
    driver.keys("a");
    assert_eq!(
        choices(folder.path())
            .iter()
            .filter(|c| **c == Choice::Accept)
            .count(),
        2
    );
}

#[test]
fn an_export_is_tried_out_asked_about_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = open(folder.path());
    let out = folder.path().join("kept.jsonl");
    driver.keys("a:export<enter>");
    assert!(driver.text().contains("max-tokens"), "{}", driver.text());
    driver.keys("<enter>");
    assert!(
        driver.text().contains("out: name a file"),
        "{}",
        driver.text()
    );
    let path = out.display().to_string();
    driver.keys("<tab>").keys(&path).keys("<enter>");
    let text = driver.text();
    assert!(
        text.contains("would export 4 of 6 records as raw"),
        "{text}"
    );
    assert!(!out.exists(), "a trial run writes nothing");
    driver.keys("y");
    assert!(
        driver.text().contains("exported 4 of 6 records as raw"),
        "{}",
        driver.text()
    );
    let written = std::fs::read_to_string(&out).unwrap();
    let source = std::fs::read_to_string(STORY).unwrap();
    assert_eq!(written.lines().count(), 4);
    assert!(
        written
            .lines()
            .all(|line| source.lines().any(|row| row == line))
    );
    driver.keys("<esc>:export<enter><enter>");
    let text = driver.text();
    assert!(
        text.contains("exists"),
        "the file is not written over: {text}"
    );
}

#[test]
fn a_second_program_of_the_same_reviewer_only_reads() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = open(folder.path());
    first.keys("a");
    let mut second = open(folder.path());
    second.keys("x");
    says(&second, "read-only");
    assert_eq!(choices(folder.path()), [Choice::Accept]);
}

#[test]
fn blind_mode_takes_no_question_whose_answer_it_hides() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = open(folder.path());
    driver.keys("B");
    for (keys, what) in [
        ("Fpublished = accept<enter>", "`published` is hidden"),
        (
            "Fsteps > 1 and outcome != reject<enter>",
            "`outcome` is hidden",
        ),
        ("Fnot resolved<enter>", "`resolved` is hidden"),
        ("Fdecision.ben = accept<enter>", "`decision.ben` is hidden"),
        (
            "Qfilters-disagree<enter>",
            "this queue tells verdicts and is hidden",
        ),
        ("Qaudit<enter>", "this queue tells verdicts and is hidden"),
    ] {
        driver.keys(keys);
        says(&driver, what);
        let title = driver.line(0);
        assert!(
            !title.contains("where") && !title.contains("queue"),
            "{title}"
        );
    }
    // one's own decision and what records say of themselves may be asked
    driver.keys("Fnot decision and steps > 1 and not decision.ada<enter>");
    assert!(
        driver.line(0).contains("where not decision"),
        "{}",
        driver.line(0)
    );
    driver.keys("<esc>Q");
    let text = driver.text();
    assert!(
        !text.contains("published / strict") && text.contains("hidden while blind"),
        "{text}"
    );
    driver.keys("<esc>");
    let before = driver.text();
    for key in ["published", "strict", "outcome"] {
        driver.keys(&format!("o{key}<enter>"));
        says(&driver, &format!("the order by {key} is hidden"));
    }
    let rows = |text: &str| text.lines().take(20).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rows(&driver.text()), rows(&before));
}

#[test]
fn turning_blind_leaves_what_tells_verdicts() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = open(folder.path());
    driver.keys("Fpublished != unjudged<enter>ostrict<enter>");
    assert!(
        driver.line(0).contains("where published"),
        "{}",
        driver.line(0)
    );
    driver.keys("B");
    says(&driver, "no longer arranged by them");
    assert!(!driver.line(0).contains("where"), "{}", driver.line(0));
    driver.keys("BFsteps > 1<enter>B");
    assert!(
        driver.line(0).contains("where steps > 1"),
        "{}",
        driver.line(0)
    );
}
