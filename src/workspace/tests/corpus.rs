//! Rebuilding against the truth: what real trajectories record is hidden, rebuilt, and compared.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cancel::Cancel;
use crate::model::EditOp;
use crate::model::Format;
use crate::model::RecordIx;
use crate::model::Text;
use crate::model::Trajectory;
use crate::patch::PatchKind;
use crate::patch::parse_patch;
use crate::read::testing::corpus;
use crate::store::OpenOptions;
use crate::store::Store;
use crate::workspace::FileState;
use crate::workspace::History;
use crate::workspace::arena::is_same_line;
use crate::workspace::arena::lines_of;
use crate::workspace::evidence;
use crate::workspace::tests::numbered;

/// Views of one trajectory that are hidden, one after the other.
const MOST_VIEWS: usize = 24;

/// Lines that are there, that are known, that are wrong.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    all: usize,
    known: usize,
    wrong: usize,
}

#[derive(Debug, Default)]
struct Truth {
    edits: BTreeMap<&'static str, Counts>,
    views: BTreeMap<&'static str, Counts>,
    patches: BTreeMap<&'static str, Counts>,
    wrong: Vec<String>,
}

fn compare(
    counts: &mut Counts,
    wrong: &mut Vec<String>,
    state: &FileState,
    truth: &BTreeMap<usize, String>,
    is_whole: bool,
    place: &str,
) {
    counts.all += truth.len();
    let mut told = false;
    for (number, line) in numbered(state) {
        let right = match truth.get(&number) {
            Some(true_line) => is_same_line(true_line, &line),
            None => !is_whole,
        };
        counts.known += usize::from(truth.contains_key(&number));
        counts.wrong += usize::from(!right);
        if !right && !told {
            told = true;
            wrong.push(format!(
                "{place}:{number}\n    known {line:?}\n    true  {:?}",
                truth.get(&number)
            ));
        }
    }
}

fn truth_of(text: &Text) -> BTreeMap<usize, String> {
    let lines = lines_of(text).into_iter().enumerate();
    lines
        .map(|(ix, line)| (ix + 1, line.as_str().to_owned()))
        .collect()
}

/// Both texts of all edits that have them, told by a history that does not.
fn check_edits(t: &Trajectory, format: &'static str, place: &str, truth: &mut Truth) {
    let mut hidden = t.clone();
    for edit in hidden
        .steps
        .iter_mut()
        .flat_map(|step| &mut step.actions)
        .flat_map(|a| &mut a.edits)
    {
        edit.before = None;
        edit.after = None;
    }
    let has_truth = |t: &Trajectory| {
        let mut edits = t
            .steps
            .iter()
            .flat_map(|step| &step.actions)
            .flat_map(|a| &a.edits);
        edits
            .any(|edit| edit.before.is_some() && !matches!(edit.op, EditOp::Create | EditOp::Write))
    };
    if !has_truth(t) {
        return;
    }
    let history = History::of(&hidden, &Cancel::new());
    for step in &t.steps {
        let edits: Vec<_> = step
            .actions
            .iter()
            .filter(|a| !a.has_error())
            .flat_map(|a| &a.edits)
            .collect();
        for edit in &edits {
            let same = edits.iter().filter(|other| other.path == edit.path).count();
            if same > 1 || matches!(edit.op, EditOp::Create | EditOp::Write) {
                continue;
            }
            for (moment, text) in [(step.idx, &edit.before), (step.idx + 1, &edit.after)] {
                let Some(text) = text else { continue };
                let Some(state) = history.file_at(&edit.path, moment) else {
                    continue;
                };
                let place = format!("{place} edit @{} {}", step.idx, edit.path);
                let counts = truth.edits.entry(format).or_default();
                compare(
                    counts,
                    &mut truth.wrong,
                    &state,
                    &truth_of(text),
                    true,
                    &place,
                );
            }
        }
    }
}

/// What views show, told by histories that lack them.
fn check_views(t: &Trajectory, format: &'static str, place: &str, truth: &mut Truth) {
    let mut views = Vec::new();
    for step in &t.steps {
        for (nth, action) in step.actions.iter().enumerate() {
            if let Some(shown) = evidence::of_view(action).filter(|shown| shown.lines.len() > 1) {
                views.push((step.idx, nth, shown));
            }
        }
    }
    // what a patch says that the record's own views contradict is no truth to be rebuilt from
    let full = History::of(t, &Cancel::new());
    let is_torn = |path: &str| {
        let name = full.file(path).map_or(path, |file| file.path.as_str());
        full.contradictions()
            .iter()
            .any(|found| found.path == name && found.what.contains("patch"))
    };
    let every = views.len().div_ceil(MOST_VIEWS).max(1);
    for (step, nth, shown) in views.into_iter().step_by(every) {
        let mut hidden = t.clone();
        let action = &mut hidden.steps[step].actions[nth];
        let path = action.view.take().expect("it shows lines").path;
        if is_torn(&path) {
            println!("{place}: {path}: the final patch is of another file");
            continue;
        }
        let history = History::of(&hidden, &Cancel::new());
        let lines = shown.lines.iter().enumerate();
        let lines: BTreeMap<usize, String> = lines
            .filter_map(|(ix, line)| {
                Some((shown.first + ix + 1, line.as_ref()?.as_str().to_owned()))
            })
            .collect();
        let counts = truth.views.entry(format).or_default();
        let Some(state) = history.file_at(&path, step + 1) else {
            counts.all += lines.len();
            continue;
        };
        let place = format!("{place} view @{step} {path}");
        compare(counts, &mut truth.wrong, &state, &lines, false, &place);
    }
}

/// What the final patch says of the end, told by a history that lacks it.
fn check_patch(t: &Trajectory, format: &'static str, place: &str, truth: &mut Truth) {
    let Some(patch) = &t.final_patch else { return };
    let mut hidden = t.clone();
    hidden.final_patch = None;
    let history = History::of(&hidden, &Cancel::new());
    // the patch's own files must be what the steps changed last, else it is not of these steps
    for part in parse_patch(patch) {
        if part.is_damaged || part.is_binary || part.kind == PatchKind::Deleted {
            continue;
        }
        let Some(state) = history.file_at(part.path(), t.steps.len()) else {
            continue;
        };
        let mut lines = BTreeMap::new();
        for line in part.hunks.iter().flat_map(|hunk| &hunk.lines) {
            if let Some(number) = line.new_no {
                lines.insert(number, line.text.trim_end_matches('\r').to_owned());
            }
        }
        let counts = truth.patches.entry(format).or_default();
        let place = format!("{place} patch {}", part.path());
        compare(counts, &mut truth.wrong, &state, &lines, false, &place);
    }
}

fn check(t: &Trajectory, place: &str, truth: &mut Truth) {
    let format = t.source.format.map_or("unknown", Format::name);
    check_edits(t, format, place, truth);
    check_views(t, format, place, truth);
    check_patch(t, format, place, truth);
    for (nth, child) in t.children.iter().enumerate() {
        let mut inner = child.trajectory.clone();
        inner.source.format = t.source.format;
        check(&inner, &format!("{place}/{}", nth + 1), truth);
    }
}

fn each(folder: &Path, mut work: impl FnMut(&Trajectory, &str)) {
    let options = OpenOptions {
        paths: vec![folder.to_owned()],
        ..OpenOptions::default()
    };
    let Ok(store) = Store::open(&options) else {
        return;
    };
    store
        .scan(&Cancel::new(), &mut |_| {})
        .expect("the folder can be scanned");
    for ix in 0..store.len() {
        if let Ok(trajectory) = store.load(RecordIx(ix)) {
            work(&trajectory, &trajectory.source.place());
        }
    }
}

#[test]
fn known_lines_of_real_trajectories_are_right() {
    let Some(corpus) = corpus() else { return };
    let mut truth = Truth::default();
    let mut folders: Vec<_> = std::fs::read_dir(&corpus)
        .unwrap()
        .flatten()
        .map(|e| e.path())
        .collect();
    folders.sort();
    let beside = corpus.parent().unwrap().join("conformance");
    for folder in folders.iter().chain([&beside]) {
        each(folder, |t, place| check(t, place, &mut truth));
    }
    for (name, table) in [
        ("edits", &truth.edits),
        ("views", &truth.views),
        ("final patch", &truth.patches),
    ] {
        for (format, counts) in table {
            let share = counts.known * 1000 / counts.all.max(1);
            println!(
                "{name:<12} {format:<15} lines {:>7}  known {:>7}  {:>3}.{} %  wrong {}",
                counts.all,
                counts.known,
                share / 10,
                share % 10,
                counts.wrong
            );
        }
    }
    let shown: Vec<&String> = truth.wrong.iter().take(40).collect();
    assert!(
        truth.wrong.is_empty(),
        "{} files with wrong lines:\n{}",
        truth.wrong.len(),
        shown
            .into_iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n")
    );
    assert!(truth.edits.values().map(|c| c.known).sum::<usize>() > 1000);
}
