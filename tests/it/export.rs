//! Exports that open again: the same steps, whatever the family they came from.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use hgview::cancel::Cancel;
use hgview::export;
use hgview::export::Jury;
use hgview::export::Options;
use hgview::export::Report;
use hgview::export::Target;
use hgview::model::Observation;
use hgview::model::Part;
use hgview::model::RecordIx;
use hgview::model::Step;
use hgview::model::StepKind;
use hgview::model::Trajectory;
use hgview::store::Note;
use hgview::store::OpenOptions;
use hgview::store::Store;
use serde_json::Value;
use serde_json::json;

use crate::program::sample;
use crate::program::shared;

pub(crate) fn open(path: &Path) -> Store {
    let store = Store::open(&OpenOptions {
        paths: vec![path.to_path_buf()],
        ..OpenOptions::default()
    })
    .unwrap();
    store.scan(&Cancel::new(), &mut |_| {}).unwrap();
    store
}

/// Exports all records of a store.
pub(crate) fn export_to(store: &Store, format: &str, out: &Path) -> Report {
    let mut options = Options::new(
        Options::parse_format(format).unwrap(),
        Target::File(out.to_path_buf()),
    );
    options.force = true;
    let run = export::run(
        store,
        &Jury::lenient(),
        &options,
        &mut Vec::new(),
        &Cancel::new(),
        &mut |_| {},
    );
    run.unwrap()
}

/// What a step says, without what formats have no place for.
#[derive(Debug, PartialEq)]
struct Said {
    kind: StepKind,
    text: String,
    reasoning: String,
    actions: Vec<(String, Value, Option<String>)>,
}

/// The words of a part as formats of texts write them.
fn words(part: &Part) -> String {
    match part {
        Part::Text { text } => text.to_string(),
        Part::Image { media_type, at, .. } => {
            let what = at.as_deref().or(media_type.as_deref()).unwrap_or("image");
            format!("[image: {what}]")
        }
        Part::Ref { label } => format!("[{label}]"),
    }
}

fn seen(observation: &Observation) -> String {
    let parts: Vec<String> = observation.parts.iter().map(words).collect();
    parts.join("\n")
}

fn object(args: &Value) -> Value {
    match args {
        Value::Object(_) => args.clone(),
        Value::Null => json!({}),
        other => json!({ "input": other }),
    }
}

fn said(step: &Step, format: &str) -> Said {
    let texts = [&step.thought, &step.text];
    let mut texts: Vec<String> = texts
        .into_iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    if step.kind != StepKind::Agent {
        texts.extend(step.attachments.iter().map(words));
    }
    let between = if step.kind == StepKind::Agent {
        "\n\n"
    } else {
        "\n"
    };
    let reasoning = match format {
        "adp" => String::new(),
        _ => step
            .reasoning
            .as_deref()
            .unwrap_or_default()
            .trim()
            .to_owned(),
    };
    let actions = step.actions.iter().map(|action| {
        let observation = action.observation.as_ref().map(seen);
        // an answer with nothing in it and none at all are the same to a reader
        let observation = observation.filter(|text| !text.is_empty());
        (action.tool.clone(), object(&action.args), observation)
    });
    Said {
        kind: step.kind,
        text: texts.join(between).trim().to_owned(),
        reasoning,
        actions: actions.collect(),
    }
}

fn all_said(trajectory: &Trajectory, format: &str) -> Vec<Said> {
    let steps = trajectory.steps.iter();
    steps
        .filter(|step| step.kind != StepKind::Context)
        .map(|step| said(step, format))
        .collect()
}

/// Records that can be exported at all: trajectories with something in them.
fn trajectories(store: &Store) -> Vec<Arc<Trajectory>> {
    (0..store.len())
        .filter_map(|ix| store.load(RecordIx(ix)).ok())
        .filter(|t| t.steps.iter().any(|step| step.kind != StepKind::Context))
        .filter(|t| t.source.format.is_some_and(|format| !format.is_side()))
        .collect()
}

/// How many trajectories came back.
#[track_caller]
fn comes_back(path: &Path, format: &str) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.jsonl");
    let store = open(path);
    let report = export_to(&store, format, &out);
    let before = trajectories(&store);
    assert_eq!(
        report.kept,
        before.len(),
        "{} as {format}: {:?}",
        path.display(),
        report.reasons
    );
    if before.is_empty() {
        return 0;
    }
    let after = trajectories(&open(&out));
    assert_eq!(after.len(), before.len(), "{} as {format}", path.display());
    for (before, after) in before.iter().zip(&after) {
        let place = format!("{} as {format}", before.source.place());
        let (old, new) = (all_said(before, format), all_said(after, format));
        for (old, new) in old.iter().zip(&new) {
            assert_eq!(new, old, "{place}");
        }
        assert_eq!(new.len(), old.len(), "{place}");
    }
    before.len()
}

const FORMATS: [&str; 4] = ["chat", "sharegpt", "adp", "atif"];

#[test]
fn samples_of_every_family_come_back() {
    let families = [
        "openhands-v0",
        "openhands-v1",
        "swe-agent",
        "mini-swe-agent",
        "chat",
        "atif",
        "inspect",
        "claude-code",
        "codex",
        "adp",
    ];
    for family in families {
        for format in FORMATS {
            let count = comes_back(&PathBuf::from(sample(family)), format);
            assert!(count > 0, "{family} as {format}");
        }
    }
}

#[test]
fn the_corpus_comes_back() {
    let Some(folder) = shared().map(|folder| folder.join("corpus")) else {
        eprintln!("skipped: no corpus");
        return;
    };
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            for format in FORMATS {
                count += comes_back(&path, format);
            }
        }
    }
    assert!(count > 100, "{count}");
}

/// Two records of one step each.
fn two(folder: &Path) -> Store {
    let row = |id: &str| {
        json!({"instance_id": id, "messages": [{"role": "user", "content": "U"}, {"role": "assistant", "content": "A"}]}).to_string()
    };
    let path = folder.join("run.jsonl");
    std::fs::write(&path, format!("{}\n{}\n", row("o__a-1"), row("p__b-2"))).unwrap();
    open(&path)
}

fn left(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_cancelled_export_leaves_nothing_and_no_false_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let store = two(folder.path());
    let out = folder.path().join("out.jsonl");
    let options = Options::new(Options::parse_format("raw").unwrap(), Target::File(out));
    let cancel = Cancel::new();
    // behind the last record, where nothing but the hashes can be unfinished
    let mut progress = |at: export::Progress| {
        if at.done == at.total {
            cancel.cancel();
        }
    };
    let (jury, mut stdout) = (Jury::lenient(), Vec::new());
    let done = export::run(&store, &jury, &options, &mut stdout, &cancel, &mut progress);
    assert!(done.unwrap_err().to_string().contains("cancelled"));
    assert_eq!(left(folder.path()), ["run.jsonl"]);
}

#[test]
fn a_failed_export_does_not_cancel_its_caller() {
    let folder = tempfile::tempdir().unwrap();
    let store = two(folder.path());
    let out = folder.path().join("out.jsonl");
    let options = Options::new(
        Options::parse_format("raw").unwrap(),
        Target::File(out.clone()),
    );
    let cancel = Cancel::new();
    let mut progress = |_: export::Progress| std::fs::write(&out, "mine").unwrap();
    let (jury, mut stdout) = (Jury::lenient(), Vec::new());
    let done = export::run(&store, &jury, &options, &mut stdout, &cancel, &mut progress);
    assert!(done.unwrap_err().to_string().contains("exists already"));
    assert!(!cancel.is_cancelled());
    assert_eq!(std::fs::read(&out).unwrap(), b"mine");
    assert_eq!(left(folder.path()), ["out.jsonl", "run.jsonl"]);
}

#[test]
fn all_parts_of_a_split_are_published_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let store = two(folder.path());
    let out = folder.path().join("set.jsonl");
    let mut options = Options::new(Options::parse_format("raw").unwrap(), Target::File(out));
    options.curation.splits = hgview::export::SplitPart::parse_all("a=.5,b=.5").unwrap();
    // another program takes the name of the second part meanwhile
    let second = folder.path().join("set.b.jsonl");
    let mut progress = |_: export::Progress| std::fs::write(&second, "mine").unwrap();
    let (jury, mut stdout) = (Jury::lenient(), Vec::new());
    let cancel = Cancel::new();
    let done = export::run(&store, &jury, &options, &mut stdout, &cancel, &mut progress);
    assert!(done.is_err());
    assert_eq!(left(folder.path()), ["run.jsonl", "set.b.jsonl"]);
    assert_eq!(std::fs::read(&second).unwrap(), b"mine");
}

#[cfg(unix)]
#[test]
fn exports_are_as_readable_as_other_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let store = two(folder.path());
    let out = folder.path().join("out.jsonl");
    export_to(&store, "raw", &out);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&out), mode(&folder.path().join("run.jsonl")));
}

/// Opens a file with an index beside it.
fn open_indexed(path: &Path) -> Store {
    let store = Store::open(&OpenOptions {
        paths: vec![path.to_path_buf()],
        index_dir: Some(path.with_extension("index")),
        ..OpenOptions::default()
    })
    .unwrap();
    store.scan(&Cancel::new(), &mut |_| {}).unwrap();
    store
}

#[test]
fn records_whose_verdict_is_known_are_not_judged_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let row = |n: usize| {
        let text = "x".repeat(8 << 10);
        format!(
            "{{\"instance_id\":\"o__n-{n}\",\"messages\":[{{\"role\":\"user\",\"content\":\"{text}\"}}]}}\n"
        )
    };
    std::fs::write(&path, (0..200).map(row).collect::<String>()).unwrap();
    let file = std::fs::File::options().append(true).open(&path).unwrap();
    let then = std::time::SystemTime::now() - std::time::Duration::from_hours(1);
    file.set_modified(then).unwrap();
    let export = |store: &Store| {
        let asked = export::Asked::parse(Some("published")).unwrap();
        let filter = export::Automatic::new(asked, store, None, None, &Cancel::new());
        let jury = Jury {
            filter: Some(&filter),
            ..Jury::lenient()
        };
        let out = Target::File(folder.path().join("out.jsonl"));
        let mut options = Options::new(Options::parse_format("raw").unwrap(), out);
        options.force = true;
        let (mut none, cancel) = (Vec::new(), Cancel::new());
        export::run(store, &jury, &options, &mut none, &cancel, &mut |_| {}).unwrap()
    };
    let first = export(&open_indexed(&path));
    assert_eq!((first.kept, first.dropped), (0, 200), "none is a task");
    let store = open_indexed(&path);
    let again = export(&store);
    assert_eq!(again.dropped_records, first.dropped_records);
    // what nobody can find in the records
    let other = path.with_file_name("b.jsonl");
    std::fs::copy(&path, &other).unwrap();
    let file = std::fs::File::options().append(true).open(&other).unwrap();
    file.set_modified(then).unwrap();
    let store = open_indexed(&other);
    for ix in (0..200).map(RecordIx) {
        let note: &[u8] = if ix.0 < 50 { b"\0" } else { b"\x01forged" };
        store.keep_note(ix, Note::Published, note);
    }
    drop(store);
    for turn in ["read", "copied"] {
        let report = export(&open_indexed(&other));
        assert_eq!((report.kept, report.dropped), (50, 150), "{turn}");
        let why: Vec<&str> = report
            .reasons
            .iter()
            .map(|gone| gone.reason.as_str())
            .collect();
        assert_eq!(why.len(), 1);
        assert!(why[0].contains("forged"), "{why:?}");
        let want: String = (0..50).map(row).collect();
        let out = std::fs::read_to_string(folder.path().join("out.jsonl")).unwrap();
        assert!(out == want, "{turn}");
    }
}
