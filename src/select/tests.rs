use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use super::*;
use crate::model::EditOp;
use crate::model::StepKind;
use crate::query::Words;
use crate::review::Choice;
use crate::review::Ledger;
use crate::review::Mask;
use crate::review::Moment;
use crate::review::Place;
use crate::review::Scribe;
use crate::select::step::edit_name;
use crate::select::step::kind_name;
use crate::store::OpenOptions;

fn open(paths: &[PathBuf]) -> Store {
    let store = Store::open(&OpenOptions {
        paths: paths.to_vec(),
        ..OpenOptions::default()
    });
    let store = store.unwrap();
    store.scan(&Cancel::new(), &mut |_| {}).unwrap();
    store
}

/// Two attempts and a line that is none, in a folder that is kept.
fn two() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.jsonl");
    let call = |id: &str, cmd: &str| {
        serde_json::json!({"role": "assistant", "content": "I look.", "tool_calls": [{
            "id": id, "type": "function",
            "function": {"name": "execute_bash", "arguments": serde_json::json!({"command": cmd}).to_string()},
        }]})
    };
    let answer = |id: &str, text: &str| serde_json::json!({"role": "tool", "tool_call_id": id, "content": text});
    let user = serde_json::json!({"role": "user", "content": "Mend the bug."});
    let one = serde_json::json!({"instance_id": "o__r-1", "model": "m-1", "messages": [
        user, call("a", "ls src"), answer("a", "x.py"), call("b", "pytest -q"), answer("b", "1 failed"),
    ]});
    let two = serde_json::json!({"instance_id": "o__r-2", "model": "M-2", "messages": [
        user, call("c", "cat x.py"), answer("c", "print()"),
    ]});
    std::fs::write(&path, format!("{one}\n{two}\n{{\"torn\": \n")).unwrap();
    let store = open(&[path]);
    (folder, store)
}

#[track_caller]
fn taken(store: &Store, people: Option<&People<'_>>, query: &str) -> Vec<usize> {
    let selector = Selector::parse(query).unwrap_or_else(|err| panic!("{query}: {err}"));
    let sources = Sources {
        store,
        people,
        cache: None,
        program: None,
    };
    let all = (0..store.len()).map(RecordIx);
    let takes = |ix: &RecordIx| selector.admits(*ix, &sources, Known::default(), &Cancel::new());
    all.filter(takes).map(|ix| ix.0).collect()
}

#[test]
fn rows_heads_and_steps_are_asked() {
    let (_folder, store) = two();
    for (query, want) in [
        ("id = o__r-1", vec![0]),
        ("model ~ ^m-", vec![0, 1]),
        ("model ~ ^M-", vec![1]),
        ("steps >= 2", vec![0]),
        ("nth > 1", vec![1, 2]),
        ("format = chat", vec![0, 1, 2]),
        ("path ~ data.jsonl$", vec![0, 1, 2]),
        ("fault", vec![2]),
        ("not fault", vec![0, 1]),
        // of what cannot be read nothing is known
        ("steps < 100", vec![0, 1]),
        ("not steps > 100", vec![0, 1]),
        ("any(step.cmd ~ pytest)", vec![0]),
        ("not any(step.cmd ~ pytest)", vec![1]),
        ("any(step.test)", vec![0]),
        ("count(step.cmd) = 2", vec![0]),
        ("first(step.kind = agent) = 1", vec![0, 1]),
        (
            "any(step.tool = execute_bash and step.thought ~ 'I look')",
            vec![0, 1],
        ),
        ("any(step.observation ~ failed)", vec![0]),
        ("any(step.text ~ 'mend the bug')", vec![0, 1]),
        ("any(step.args ~ x.py)", vec![1]),
        ("any(step.bytes >= 7b)", vec![0, 1]),
        ("instruction ~ bug", vec![0, 1]),
        ("bytes > 5", vec![0, 1, 2]),
        ("published = accept", vec![]),
        ("published = unjudged and strict = published", vec![0, 1]),
        ("outcome = unjudged", vec![0, 1]),
        ("decision or tag or flagged or disputed", vec![]),
        ("not decision and not fault", vec![0, 1]),
        ("task.base_commit", vec![]),
    ] {
        assert_eq!(taken(&store, None, query), want, "{query}");
    }
}

#[test]
fn what_blind_mode_hides_is_known() {
    for (query, want) in [
        ("steps > 1 and strict = accept", Some("strict")),
        ("published != strict", Some("published")),
        ("steps > 1 or not outcome = reject", Some("outcome")),
        ("resolved", Some("resolved")),
        ("reward > 0.5", Some("reward")),
        ("decision.ada and decision.ben", Some("decision.ben")),
        ("decision = decision.ben", Some("decision.ben")),
        ("tag.ben = easy", Some("tag.ben")),
        ("disputed", Some("disputed")),
        ("decisions > 1", Some("decisions")),
        ("decision and tag.ada and not stale and flagged", None),
        ("any(step.test) and flag = loop and secs > 3", None),
    ] {
        let selector = Selector::parse(query).unwrap();
        assert_eq!(selector.hidden("ada").as_deref(), want, "{query}");
    }
}

#[test]
fn people_are_asked_by_name() {
    let (folder, store) = two();
    let path = folder.path().join("data.jsonl");
    let place = Place::of(std::slice::from_ref(&path), None, folder.path()).unwrap();
    let mut ledger = Ledger::default();
    let mut say = |reviewer: &str, ix: usize, change: crate::review::Change| {
        let hash = store.load_head(RecordIx(ix)).unwrap().hash();
        let record = place.record(hash, &format!("o__r-{}", ix + 1), &path, None, ix);
        let mut scribe = Scribe::new(reviewer, &ledger);
        for line in scribe.changes(Moment::now(), [(record, change)]) {
            ledger.apply(&line, &place);
        }
    };
    say("ada", 0, crate::review::Change::decide(Choice::Reject));
    say("ada", 0, crate::review::Change::reason("wrong place"));
    say(
        "ada",
        0,
        crate::review::Change::tags(vec!["easy".into(), "short".into()]),
    );
    say("ada", 0, crate::review::Change::mask([1], Some(Mask::Drop)));
    say("ben", 0, crate::review::Change::decide(Choice::Accept));
    say("ben", 1, crate::review::Change::decide(Choice::Skip));
    say("ben", 1, crate::review::Change::flag(true));
    let people = |me| People {
        ledger: &ledger,
        place: &place,
        me,
        present: Present::default(),
        replays: Replays::default(),
    };
    for (query, want) in [
        ("decision = reject", vec![0]),
        ("not decision and not fault", vec![1]),
        ("decision.ben = accept", vec![0]),
        ("decision.ben in (skip)", vec![1]),
        ("decision != decision.ben", vec![0]),
        ("reason ~ place", vec![0]),
        ("tag = easy and tag = short", vec![0]),
        ("tag != easy and not fault", vec![1]),
        ("any(step.mask = drop)", vec![0]),
        ("decisions = 2", vec![0]),
        ("disputed", vec![0]),
        ("flagged", vec![1]),
        ("flagged.ada", vec![]),
        ("decided_at >= today", vec![0]),
        ("decided_at.ben > -1h", vec![0, 1]),
        ("stale", vec![]),
        ("outcome = unjudged and decisions", vec![0, 1]),
    ] {
        assert_eq!(taken(&store, Some(&people("ada")), query), want, "{query}");
    }
    let none = taken(&store, Some(&people("cleo")), "decision or tag");
    assert_eq!(none, Vec::<usize>::new());
    // the record is made anew: its decisions are stale
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("Mend the bug.", "Mend it.")).unwrap();
    let anew = open(std::slice::from_ref(&path));
    assert_eq!(taken(&anew, Some(&people("ada")), "stale"), [0, 1]);
    assert_eq!(taken(&anew, Some(&people("ada")), "decision"), [0; 0]);
}

#[test]
fn what_is_known_is_not_read_again() {
    let (folder, store) = two();
    let selector = Selector::parse("steps > 1 and published = accept and decision = skip").unwrap();
    let needs = selector.needs();
    assert_eq!(
        (needs.cost, needs.people, needs.verdicts),
        (Cost::Judging, true, true)
    );
    let row = store.summarize(RecordIx(0));
    // nothing can be read any more
    drop(folder);
    std::fs::remove_file(Path::new("does/not/exist")).unwrap_err();
    let (name, mut state) = (Arc::from("ada"), crate::review::State::default());
    state.decision = Some(Choice::Skip);
    let known = Known {
        summary: Some(&row),
        head: None,
        verdicts: Some(Verdicts {
            published: crate::model::Verdict::Accept,
            strict: crate::model::Verdict::Reject,
        }),
        said: Some(Said {
            states: vec![(&name, &state)],
            me: "ada",
            is_stale: false,
        }),
        replayed: None,
    };
    let sources = Sources {
        store: &store,
        people: None,
        cache: None,
        program: None,
    };
    assert!(selector.admits(RecordIx(0), &sources, known, &Cancel::new()));
}

#[test]
fn words_are_those_of_the_model() {
    let kinds = [
        StepKind::System,
        StepKind::User,
        StepKind::Agent,
        StepKind::Context,
    ];
    assert_eq!(kinds.map(kind_name).to_vec(), Words::StepKinds.all());
    let ops = [
        EditOp::Create,
        EditOp::StrReplace,
        EditOp::Insert,
        EditOp::Patch,
        EditOp::Write,
        EditOp::Undo,
        EditOp::Delete,
    ];
    for op in ops {
        let json = serde_json::to_string(&op).unwrap();
        assert_eq!(json, format!("\"{}\"", edit_name(op)));
    }
    assert_eq!(ops.map(edit_name).to_vec(), Words::EditOps.all());
    assert_eq!(Mask::ALL.map(Mask::name).to_vec(), Words::Masks.all());
    assert_eq!(
        Choice::ALL.map(Choice::name).to_vec(),
        Words::Decisions.all()
    );
}
