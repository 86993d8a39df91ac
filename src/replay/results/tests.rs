//! Results written, torn, mixed and read again.

use super::*;
use crate::model::Verdict;
use crate::replay::BaseKind;
use crate::replay::CallReplay;
use crate::replay::PatchReplay;
use crate::replay::Same;
use crate::replay::StepVerdict;
use crate::replay::Verified;
use crate::review::Place;
use crate::review::RecordRef;

fn result(id: &str, verdicts: &[StepVerdict]) -> RecordReplay {
    let calls = verdicts
        .iter()
        .enumerate()
        .map(|(step, verdict)| CallReplay {
            step,
            call: 0,
            tool: "bash".into(),
            verdict: *verdict,
            why: None,
            after_divergence: false,
            exit_code: None,
            observation: None,
        });
    RecordReplay {
        v: RecordReplay::VERSION,
        record: RecordRef {
            sha256: ContentHash::of(id.as_bytes()),
            id: id.into(),
            path: "runs.jsonl".into(),
            nth: 1,
        },
        base: BaseKind::Empty,
        notes: Vec::new(),
        calls: calls.collect(),
        first_divergence: verdicts.iter().position(|verdict| verdict.diverges()),
        patch: None,
        verified: Vec::new(),
        error: None,
    }
}

fn run(line: &str, record: &RecordReplay, second: i64) -> String {
    let run = Run {
        v: Run::VERSION,
        record: record.record.sha256,
        line: ContentHash::of(line.as_bytes()),
        at: Moment::from_micros(second * 1_000_000).unwrap(),
        host: "here".into(),
        tier: Some(Tier::Namespace),
        unproved: vec![Bound::Memory],
        took_s: 0.5,
    };
    run_line_of(&run).unwrap()
}

fn hash(id: &str) -> ContentHash {
    ContentHash::of(id.as_bytes())
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("runs.jsonl");
    std::fs::write(&data, "x").unwrap();
    let place = Place::of(&[data], None, &folder.path().join("data")).unwrap();
    let one = result("one", &[StepVerdict::Match, StepVerdict::NoOp]);
    let two = result("two", &[StepVerdict::Match, StepVerdict::Drift]);
    for result in [&one, &two] {
        let mut writer = Writer::open(&place, "results").unwrap();
        let line = line_of(result).unwrap();
        writer.append(&line, &run(&line, result, 1)).unwrap();
        writer.sync().unwrap();
    }
    let results = Results::load(place.reads());
    assert_eq!(results.len(), 2);
    assert_eq!(results.passed(), []);
    assert_eq!(results.whole(hash("one")).unwrap(), Some(one));
    assert_eq!(results.whole(hash("two")).unwrap(), Some(two));
    assert_eq!(results.whole(hash("three")).unwrap(), None);
    let brief = results.brief(hash("two")).unwrap();
    assert_eq!(brief.matched, Some(0.5));
    assert_eq!(brief.word(), "@1");
    assert_eq!(results.brief(hash("one")).unwrap().word(), "reproduced");
}

#[test]
fn the_last_run_counts_whatever_the_order() {
    let folder = tempfile::tempdir().unwrap();
    let old = result("one", &[StepVerdict::Drift]);
    let new = result("one", &[StepVerdict::Match]);
    let unknown = result("one", &[StepVerdict::Timeout]);
    let lines = [&old, &new, &unknown].map(|result| line_of(result).unwrap());
    let runs = format!("{}\n{}\n", run(&lines[1], &new, 9), run(&lines[0], &old, 5));
    for (nth, order) in [[0, 1, 2], [2, 1, 0], [1, 0, 2]].into_iter().enumerate() {
        let path = folder.path().join(format!("{nth}.jsonl"));
        let text: String = order.iter().map(|ix| format!("{}\n", lines[*ix])).collect();
        std::fs::write(&path, text).unwrap();
        std::fs::write(runs_file(&path), &runs).unwrap();
        let results = Results::of_files(vec![path]);
        assert!(
            results.brief(hash("one")).unwrap().is_reproduced,
            "{order:?}"
        );
    }
    // nobody says when: the last line
    let path = folder.path().join("alone.jsonl");
    std::fs::write(&path, format!("{}\n{}\n", lines[1], lines[0])).unwrap();
    let results = Results::of_files(vec![path]);
    assert!(!results.brief(hash("one")).unwrap().is_reproduced);
}

#[test]
fn what_is_no_result_is_told_and_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    let line = line_of(&result("one", &[StepVerdict::Match])).unwrap();
    let torn = line.get(..40).unwrap();
    std::fs::write(
        &path,
        format!("{{\"v\":99}}\n\nx\n{line}\n\u{0}\n{{}}\n{torn}"),
    )
    .unwrap();
    let results = Results::of_files(vec![path.clone(), folder.path().join("gone.jsonl")]);
    assert_eq!(results.len(), 1);
    let told: Vec<String> = results.passed().iter().map(ToString::to_string).collect();
    assert_eq!(results.passed_count(), 6);
    let name = path.display().to_string();
    assert_eq!(
        told[0],
        format!("{name}:1: a result of version 99, for a later hgview")
    );
    assert!(told[1].starts_with(&format!("{name}:3: no result: ")));
    assert_eq!(told[4], format!("{name}:7: the last line is torn"));
    assert!(told[5].contains("gone.jsonl: cannot be read"));
}

#[test]
fn behind_a_torn_line_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    let one = result("one", &[StepVerdict::Match]);
    let line = line_of(&one).unwrap();
    std::fs::write(&path, line.get(..40).unwrap()).unwrap();
    let mut writer = Writer::open_file(&path).unwrap();
    writer.append(&line, &run(&line, &one, 1)).unwrap();
    let results = Results::of_files(vec![path]);
    assert_eq!(results.len(), 1);
    assert_eq!(results.passed_count(), 1);
}

#[test]
fn results_are_in_the_files_that_end_so() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "b.jsonl",
        "a.jsonl",
        "a.runs.jsonl",
        "c.txt",
        "d.jsonl.part",
    ] {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    let files = files_in(folder.path());
    let names: Vec<_> = files.iter().filter_map(|path| path.file_name()).collect();
    assert_eq!(names, ["a.jsonl", "b.jsonl"]);
}

#[test]
fn a_result_in_brief() {
    let mut told = result("one", &[StepVerdict::NoOp]);
    assert_eq!(Brief::of(&told).matched, None);
    let check = |verdict, accepted, runs| Verified {
        by: "strict".to_owned(),
        verdict,
        why: String::new(),
        accepted,
        runs,
    };
    told.verified = vec![check(Verdict::Accept, 1, 1)];
    assert_eq!(Brief::of(&told).verified, Some(Verdict::Accept));
    told.verified.push(check(Verdict::Reject, 1, 3));
    let brief = Brief::of(&told);
    assert_eq!(
        (brief.verified, brief.is_flaky),
        (Some(Verdict::Reject), true)
    );
    told.patch = Some(PatchReplay {
        patch: "".into(),
        text: Some(Same::Differs),
        files: Vec::new(),
    });
    assert_eq!(Brief::of(&told).patch, Some(Same::Differs));
    if let Some(patch) = &mut told.patch {
        patch.files.push(crate::replay::FileReplay {
            path: "a".to_owned(),
            same: Some(true),
        });
    }
    assert_eq!(Brief::of(&told).patch, Some(Same::Normalised));
    told.error = Some("stopped".to_owned());
    assert_eq!(Brief::of(&told).word(), "error");
    assert!(!Brief::of(&told).is_reproduced);
}
