//! Side files of our own making, and the real ones where the corpus is present.

use std::path::Path;
use std::path::PathBuf;

use super::*;
use crate::model::ContentHash;
use crate::model::Fault;
use crate::model::Source;
use crate::model::Trajectory;
use crate::read;
use crate::read::PartRole;
use crate::read::RawPart;
use crate::read::RawRecord;

fn raw(path: &str, format: Option<Format>, layout: Layout, name: &str, text: &str) -> RawRecord {
    RawRecord {
        source: Source {
            path: PathBuf::from(path),
            format,
            ..Source::default()
        },
        layout,
        shape: Shape::Object,
        parts: vec![RawPart {
            name: name.to_owned(),
            role: PartRole::Main,
            start: 0,
            bytes: text.as_bytes().to_vec(),
        }],
    }
}

fn parse(text: &str) -> Result<Trajectory, Fault> {
    read::parse(raw("/run/the-id/file.json", None, Layout::Rows, "", text))
}

#[track_caller]
fn told(text: &str, shape: Shape, want: Option<(Format, Layout)>) {
    let values = [serde_json::from_str(text).unwrap()];
    let probe = Probe {
        values: &values,
        shape,
    };
    let sides = [PREDICTION, REPORT, TASK, VERDICT];
    let got: Vec<_> = sides
        .iter()
        .filter_map(|reader| Some((reader.format, (reader.sniff)(&probe)?)))
        .collect();
    assert_eq!(got.first().copied(), want, "{text}");
}

#[test]
fn side_files_are_told_by_content() {
    use Format::Prediction;
    use Format::Report;
    use Format::Task;
    use Format::Verdict;
    let rows = Some((Prediction, Layout::Rows));
    told(
        r#"{"instance_id":"a","model_patch":null}"#,
        Shape::Lines,
        rows,
    );
    told(
        r#"{"org":"o","repo":"r","number":1,"fix_patch":"p"}"#,
        Shape::Array,
        rows,
    );
    told(
        r#"{"a":{"model_patch":""},"b":{"model_patch":"x"}}"#,
        Shape::Object,
        Some((Prediction, Layout::Keyed)),
    );
    told(
        r#"{"instance_id":"a","model_patch":"p","messages":[]}"#,
        Shape::Lines,
        None,
    );
    told(
        r#"{"resolved_ids":["a"],"total_instances":2}"#,
        Shape::Object,
        Some((Report, Layout::Whole)),
    );
    told(
        r#"{"ids_resolved":[]}"#,
        Shape::Object,
        Some((Report, Layout::Whole)),
    );
    told(
        r#"{"a":{"cost":null,"resolved":false}}"#,
        Shape::Object,
        Some((Report, Layout::Keyed)),
    );
    told(
        r#"{"a":{"patch_exists":true,"resolved":true,"tests_status":{}}}"#,
        Shape::Object,
        Some((Report, Layout::Keyed)),
    );
    told(
        r#"{"patch_exists":true,"resolved":true,"tests_status":{}}"#,
        Shape::Object,
        Some((Report, Layout::Whole)),
    );
    told(
        r#"{"created":1,"exitcode":1,"summary":{}}"#,
        Shape::Object,
        Some((Report, Layout::Whole)),
    );
    told(
        r#"{"instance_id":"a","problem_statement":"p","patch":"d"}"#,
        Shape::Table,
        Some((Task, Layout::Rows)),
    );
    told(
        r#"{"instance_id":"a","b":true,"notes":""}"#,
        Shape::Lines,
        Some((Verdict, Layout::Rows)),
    );
    told(r#""o__n-1""#, Shape::Array, Some((Verdict, Layout::Rows)));
    told(r#""hello""#, Shape::Array, None);
    told(r#"{"a":1}"#, Shape::Object, None);
    told("{}", Shape::Object, None);
    told(
        r#"{"instance_id":"a","history":[],"resolved":true}"#,
        Shape::Lines,
        None,
    );
}

#[test]
fn predictions_are_records_without_steps() {
    let row =
        parse(r#"{"instance_id":"a","model_name_or_path":"m","model_patch":"+x\r\n"}"#).unwrap();
    assert_eq!(row.id, "a");
    assert_eq!(row.model.as_deref(), Some("m"));
    assert_eq!(row.final_patch.as_deref(), Some("+x\r\n"), "line ends stay");
    assert_eq!((row.steps.len(), row.outcome.resolved), (0, None));
    let row = parse(r#"{"org":"o","repo":"r","number":"7","fix_patch":""}"#).unwrap();
    assert_eq!((row.id.as_str(), row.final_patch), ("o__r-7", None));
    let row = parse(r#"{"instance_id":"a","prediction":"see\n```diff\n+x\n```\nend"}"#).unwrap();
    assert_eq!(row.final_patch.as_deref(), Some("+x\n"));
}

#[test]
fn reports_say_only_what_they_know() {
    let report = parse(r#"{"patch_exists":true,"resolved":true,"tests_status":{"F":{"success":["a"],"failure":["b"]}}}"#).unwrap();
    assert_eq!(report.id, "the-id", "named by its folder");
    let text = r#"{"patch_exists":true,"resolved":true}"#;
    for (path, layout, name, want) in [
        (
            "/run/the-id/report.json",
            Layout::Whole,
            "report.json",
            "the-id",
        ),
        ("/run/the-id/report.json", Layout::Keyed, "a__b-1", "a__b-1"),
    ] {
        let report = read::parse(raw(path, Some(Format::Report), layout, name, text)).unwrap();
        assert_eq!(report.id, want, "{name}");
    }
    assert_eq!(report.outcome.resolved, Some(true));
    assert_eq!(report.notes.first().unwrap().what, "F: 1 of 2 pass");
    let code = |code: u8| {
        let text =
            format!(r#"{{"created":1,"exitcode":{code},"summary":{{"passed":1,"total":1}}}}"#);
        let report = parse(&text).unwrap();
        (report.outcome.resolved, report.outcome.reward)
    };
    assert_eq!(code(0), (Some(true), None));
    assert_eq!(code(1), (Some(false), None));
    assert_eq!(code(2), (None, None));
    let trial = parse(r#"{"task_id":"t","trial_name":"t.1","is_resolved":null,"failure_mode":"unset","total_input_tokens":0}"#).unwrap();
    assert_eq!(trial.outcome, crate::model::Outcome::default());
    assert_eq!(trial.totals.tokens.total(), None, "0 stands for unknown");
}

#[test]
fn verdicts_of_criteria_are_no_label() {
    let row = parse(r#"{"instance_id":"a","broad":true,"narrow":false,"notes":"n"}"#).unwrap();
    assert_eq!(row.outcome.resolved, None);
    let notes: Vec<&str> = row.notes.iter().map(|note| note.what.as_str()).collect();
    assert_eq!(notes, ["broad: yes", "narrow: no", "n"]);
    let row = parse(r#"{"instance_id":"a","success":false,"comments_only":true}"#).unwrap();
    assert_eq!(row.outcome.resolved, Some(false));
    assert_eq!(row.outcome.label_source.as_deref(), Some("success"));
}

fn side(
    path: &str,
    is_explicit: bool,
    format: Format,
    layout: Layout,
    rows: &[(&str, &str)],
) -> SideData {
    let mut data = SideData::default();
    data.begin_file(Path::new(path), format, is_explicit);
    for (key, text) in rows {
        data.add(raw(path, Some(format), layout, key, text))
            .unwrap();
    }
    data
}

fn attempt(id: &str, resolved: Option<bool>) -> Trajectory {
    let mut trajectory = Trajectory {
        id: id.to_owned(),
        task_id: Some(id.to_owned()),
        ..Trajectory::default()
    };
    trajectory.source.path = PathBuf::from("/run/output.jsonl");
    trajectory.outcome.resolved = resolved;
    trajectory
}

fn run_report(path: &str, is_explicit: bool, text: &str) -> SideData {
    side(
        path,
        is_explicit,
        Format::Report,
        Layout::Whole,
        &[("", text)],
    )
}

#[track_caller]
fn joined(sides: &[&SideData], own: Option<bool>, want: Option<bool>, from: Option<&str>) {
    let mut trajectory = attempt("a", own);
    apply(sides, &mut trajectory, None);
    assert_eq!(trajectory.outcome.resolved, want);
    assert_eq!(trajectory.outcome.label_source.as_deref(), from);
}

#[test]
fn own_labels_stand_unless_a_file_is_given_by_hand() {
    let yes = run_report("/r/report.json", false, r#"{"resolved_ids":["a"]}"#);
    let no = run_report(
        "/r/other.json",
        false,
        r#"{"resolved_ids":[],"unresolved_ids":["a"]}"#,
    );
    let near = run_report(
        "/r/output.report.json",
        false,
        r#"{"ids_resolved":[],"ids_unresolved":["a"]}"#,
    );
    let hand = run_report("/r/hand.json", true, r#"{"ids_resolved":["a"]}"#);
    let silent = run_report("/r/silent.json", false, r#"{"resolved_ids":["b"]}"#);
    joined(&[&yes], None, Some(true), Some("report.json"));
    joined(&[&yes], Some(false), Some(false), None);
    joined(&[&hand], Some(false), Some(true), Some("hand.json"));
    joined(&[&silent], None, None, None);
    joined(&[&yes, &no], None, None, None);
    joined(
        &[&yes, &near],
        None,
        Some(false),
        Some("output.report.json"),
    );
    joined(&[&no, &hand], None, Some(true), Some("hand.json"));
}

#[test]
fn ids_are_joined_exactly_first() {
    let ids = |known: &str, id: &str| {
        let report = run_report(
            "/r/x.json",
            false,
            &format!(r#"{{"resolved_ids":["{known}"]}}"#),
        );
        let mut trajectory = attempt(id, None);
        apply(&[&report], &mut trajectory, None)
    };
    assert!(ids("o__n-1", "o__n-1"));
    assert!(ids("o__n-1", "o__n-1_0"));
    assert!(
        !ids("o__n-1", "o__n-1_22"),
        "a Hybrid-Gym instance of its own"
    );
    assert!(ids(
        "o__n.1d70d009.lm_rewrite__nuzjfyur",
        "o__n.1d70d009.lm_rewrite__nuzjfyur.l13ggwmx"
    ));
    assert!(ids("o__n.694ce1f4.pr_1", "o__n.694ce1f4.pr_1.vtqmgmtg_1"));
    assert!(ids(
        "o__n.694ce1f4.pr_1",
        "o__n.694ce1f4.pr_1.lm_rewrite__abc"
    ));
    assert!(!ids("o__n", "o__n.v1"));
}

#[test]
fn tasks_and_patches_fill_what_is_absent() {
    let tasks = side(
        "/r/t.jsonl",
        false,
        Format::Task,
        Layout::Rows,
        &[(
            "",
            r#"{"instance_id":"a","repo":"o/n","problem_statement":"s","patch":"gold"}"#,
        )],
    );
    let preds = side(
        "/r/preds.json",
        false,
        Format::Prediction,
        Layout::Keyed,
        &[("a", r#"{"model_patch":"mine"}"#)],
    );
    let other = side(
        "/r/preds2.json",
        false,
        Format::Prediction,
        Layout::Keyed,
        &[("a", r#"{"model_patch":"else"}"#)],
    );
    let mut trajectory = attempt("a", None);
    apply(&[&tasks, &preds], &mut trajectory, None);
    let task = trajectory.task.as_ref().unwrap();
    assert_eq!(task.gold_patch.as_deref(), Some("gold"));
    assert_eq!(trajectory.final_patch.as_deref(), Some("mine"));
    let mut trajectory = attempt("a", None);
    apply(&[&preds, &other], &mut trajectory, None);
    assert_eq!(trajectory.final_patch, None, "two predictions that differ");
}

#[test]
fn places_and_names_tell_what_a_report_is_about() {
    let label = |path: &str, scope: Option<&str>| {
        let mut report = SideData::default();
        report.begin_file(Path::new(path), Format::Report, false);
        if let Some(scope) = scope {
            report.set_scope(PathBuf::from(scope));
        }
        let text = r#"{"resolved_ids":["a"]}"#;
        let record = raw(path, Some(Format::Report), Layout::Whole, "", text);
        report.add(record).unwrap();
        let mut trajectory = attempt("a", None);
        apply(&[&report], &mut trajectory, None);
        trajectory.outcome.resolved
    };
    assert_eq!(label("/run/report.json", None), Some(true));
    assert_eq!(label("/run/output.report.json", Some("/run")), Some(true));
    assert_eq!(label("/run/other.report.json", None), None);
    assert_eq!(label("/else/report.json", Some("/else")), None);
    let task = |scope: &str, at: &str| {
        let mut tasks = SideData::default();
        tasks.begin_file(Path::new("/t.jsonl"), Format::Task, false);
        tasks.set_scope(PathBuf::from(scope));
        let text = r#"{"instance_id":"a","repo":"r","problem_statement":"p"}"#;
        let record = raw("/t.jsonl", Some(Format::Task), Layout::Rows, "", text);
        tasks.add(record).unwrap();
        let mut trajectory = attempt("a", None);
        trajectory.source.path = PathBuf::from(at);
        apply(&[&tasks], &mut trajectory, None)
    };
    assert!(task("/", "/a/b/output.jsonl"), "two folders down");
    assert!(!task("/", "/a/b/c/output.jsonl"), "three folders down");
    assert!(!task("/t", "/a/output.jsonl"), "elsewhere");
}

/// A record of task `t` after a score file of these lines was given: its reward, and what was noted.
#[track_caller]
fn scored(lines: &[&str], own: Option<f64>, want: Option<f64>, note: &str) {
    let hash = ContentHash::of(b"record");
    let mut data = SideData::default();
    data.begin_file(Path::new("scores.jsonl"), Format::Verdict, true);
    for line in lines {
        data.add_score(line.replace("HASH", &hash.to_string()).as_bytes());
    }
    let mut trajectory = Trajectory {
        id: "a".to_owned(),
        task_id: Some("t".to_owned()),
        ..Trajectory::default()
    };
    trajectory.outcome.reward = own;
    apply(&[&data], &mut trajectory, Some(hash));
    assert_eq!(trajectory.outcome.reward, want, "{lines:?}");
    let notes: Vec<&str> = trajectory.notes.iter().map(|note| &*note.what).collect();
    assert!(notes.join("\n").contains(note), "{notes:?}");
    assert_eq!(notes.is_empty(), note.is_empty(), "{notes:?}");
}

#[test]
fn scores_that_are_given_are_rewards() {
    let task = r#"{"instance_id": "t", "score": 0.25}"#;
    scored(&[task], None, Some(0.25), "");
    scored(&[task], Some(0.5), Some(0.25), "");
    scored(
        &[r#"{"id": "a", "score": 3, "model": "m"}"#],
        None,
        Some(3.0),
        "",
    );
    scored(&[r#"{"id": "b", "score": 3}"#], Some(0.5), Some(0.5), "");
    // rows that agree are one; rows that do not say nothing, and say so
    scored(&[task, task], None, Some(0.25), "");
    let other = r#"{"instance_id": "t", "score": 0.75}"#;
    let torn = "2 rows of scores.jsonl name this id with different scores; rows with `sha256`";
    scored(&[task, other], None, None, torn);
    scored(&[task, other], Some(0.5), Some(0.5), torn);
    // the content tells attempts apart
    let exact = r#"{"sha256": "HASH", "score": 1}"#;
    scored(&[task, other, exact], None, Some(1.0), "");
    let again = r#"{"sha256": "HASH", "score": 0}"#;
    scored(
        &[exact, again, task],
        None,
        None,
        "name this record with different",
    );
    // torn lines, scores that are none
    for bad in [
        r#"{"instance_id": "t", "sco"#,
        r#"{"instance_id": "t", "score": NaN}"#,
        r#"{"instance_id": "t", "score": 1e999}"#,
        r#"{"instance_id": "t", "score": "0.9"}"#,
        r#"{"sha256": "x", "score": 1}"#,
        r#"{"score": 1}"#,
        "\u{0}",
    ] {
        scored(&[bad], Some(0.5), Some(0.5), "");
        scored(&[task, bad], None, Some(0.25), "");
    }
}
