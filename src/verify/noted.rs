//! What was found out of a record before and noted in the index of its file: then it need not be read to be judged.
//!
//! Only what the record alone decides is noted: no test program was run for it, no repository was read, no side file had a
//! say. Whoever looks something up here is told the same that checking the record would tell.

use crate::model::Flag;
use crate::model::RecordIx;
use crate::model::TaskKind;
use crate::model::Trajectory;
use crate::model::Verdict;
use crate::store::Head;
use crate::store::Note;
use crate::store::Store;
use crate::verify::Judgement;
use crate::verify::Rules;
use crate::verify::Sense;
use crate::verify::check::Checked;

/// In the order of their numbers.
const VERDICTS: [Verdict; 3] = [Verdict::Accept, Verdict::Reject, Verdict::Unjudged];

fn note_of(rules: Rules) -> Note {
    match rules {
        Rules::Published => Note::Published,
        Rules::Strict => Note::Strict,
    }
}

/// The reason that is told of a judgement where there is room for one; may be empty.
pub fn reason(judgement: &Judgement) -> &str {
    let mut evidence = judgement.evidence.iter();
    let against = evidence.find(|one| matches!(one.sense, Sense::Objection | Sense::Missed));
    let told = against.or_else(|| judgement.evidence.first());
    told.map_or("", |one| &one.why)
}

/// A verdict and its [`reason`].
pub fn judgement(store: &Store, ix: RecordIx, rules: Rules) -> Option<(Verdict, String)> {
    let bytes = store.note(ix, note_of(rules))?;
    let (number, why) = bytes.split_first()?;
    let verdict = *VERDICTS.get(usize::from(*number))?;
    Some((verdict, String::from_utf8(why.to_vec()).ok()?))
}

/// Notes what rules say without a repository; nothing where a test program may say otherwise.
pub fn keep_judgement(
    store: &Store,
    ix: RecordIx,
    rules: Rules,
    (trajectory, judgement): (&Trajectory, &Judgement),
) {
    let kind = trajectory.task.as_ref().map(|task| task.kind);
    let number = (0..).zip(VERDICTS);
    let mut number = number.filter(|(_, verdict)| *verdict == judgement.verdict);
    if let Some((number, _)) = number.next().filter(|_| kind != Some(TaskKind::FuncGen)) {
        let mut bytes = vec![number];
        bytes.extend(reason(judgement).as_bytes());
        store.keep_note(ix, note_of(rules), &bytes);
    }
}

/// Notes what was checked by these rules, without a repository.
pub fn keep(store: &Store, ix: RecordIx, head: &Head, checked: &Checked, rules: &[Rules]) {
    for one in rules {
        let judged = (&*head.trajectory, checked.judgement(*one));
        keep_judgement(store, ix, *one, judged);
    }
}

/// All flags: those that a head tells, those of behaviour, and those that are off by default, too.
pub fn flags(store: &Store, ix: RecordIx) -> Option<Vec<Flag>> {
    serde_json::from_slice(&store.note(ix, Note::Flags)?).ok()
}

/// Notes all flags.
pub fn keep_flags(store: &Store, ix: RecordIx, flags: &[Flag]) {
    if let Ok(bytes) = serde_json::to_vec(flags) {
        store.keep_note(ix, Note::Flags, &bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::cancel::Cancel;
    use crate::model::FlagKind;
    use crate::store::OpenOptions;
    use crate::verify::Evidence;

    /// A file that is large enough for an index, as it was left an hour ago, and what opens it.
    fn store(folder: &std::path::Path) -> Store {
        let path = folder.join("a.jsonl");
        if !path.exists() {
            let row = |n: usize| {
                let text = "x".repeat(4 << 10);
                format!(
                    "{{\"instance_id\":\"o__n-{n}\",\"messages\":[{{\"role\":\"user\",\"content\":\"{text}\"}}]}}\n"
                )
            };
            let mut file = std::fs::File::create(&path).unwrap();
            let rows: String = (0..300).map(row).collect();
            file.write_all(rows.as_bytes()).unwrap();
            let then = std::time::SystemTime::now() - std::time::Duration::from_hours(1);
            file.set_modified(then).unwrap();
        }
        let store = Store::open(&OpenOptions {
            paths: vec![path],
            index_dir: Some(folder.join("index")),
            ..OpenOptions::default()
        })
        .unwrap();
        store.scan(&Cancel::new(), &mut |_| {}).unwrap();
        store
    }

    fn judged(verdict: Verdict, why: &str) -> Judgement {
        let mut judgement = Judgement::unjudged("no");
        judgement.verdict = verdict;
        judgement.evidence = vec![Evidence {
            sense: Sense::Objection,
            path: None,
            line: None,
            patch_line: None,
            why: why.to_owned(),
        }];
        judgement
    }

    #[test]
    fn what_was_noted_comes_back_in_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let first = store(folder.path());
        let flag = Flag::of_record(FlagKind::PromptLeak, "it \u{1b}[2J tells");
        let mut trajectory = Trajectory::clone(&first.load(RecordIx(0)).unwrap());
        for ix in (0..first.len()).map(RecordIx) {
            let verdict = VERDICTS[ix.0 % 3];
            let of = (&trajectory, &judged(verdict, "ü"));
            keep_judgement(&first, ix, Rules::Published, of);
            keep_flags(&first, ix, std::slice::from_ref(&flag));
        }
        trajectory.task = Some(crate::model::Task {
            kind: TaskKind::FuncGen,
            ..crate::model::Task::default()
        });
        let of = (&trajectory, &judged(Verdict::Accept, ""));
        keep_judgement(&first, RecordIx(7), Rules::Strict, of);
        keep_flags(&first, RecordIx(400), &[]);
        drop(first);
        let second = store(folder.path());
        for ix in (0..second.len()).map(RecordIx) {
            let said = judgement(&second, ix, Rules::Published);
            assert_eq!(said, Some((VERDICTS[ix.0 % 3], "ü".to_owned())));
            assert_eq!(flags(&second, ix), Some(vec![flag.clone()]));
            assert_eq!(judgement(&second, ix, Rules::Strict), None);
        }
        drop(second);
        // a side file beside the data may say otherwise
        let report = r#"{"total_instances":300,"submitted_instances":300,"resolved_ids":["o__n-1"],"unresolved_ids":["o__n-2"]}"#;
        std::fs::write(folder.path().join("a.report.json"), report).unwrap();
        let third = store(folder.path());
        assert!(third.load(RecordIx(1)).unwrap().outcome.resolved.is_some());
        assert_eq!(judgement(&third, RecordIx(1), Rules::Published), None);
        assert_eq!(flags(&third, RecordIx(9)), None);
    }
}
