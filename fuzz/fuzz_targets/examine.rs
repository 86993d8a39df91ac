//! Whatever a trajectory holds that could be read: what is found out about it, drawn of it and exported of it ends, and
//! holds together.

#![no_main]

#[path = "../src/caught.rs"]
mod caught;

use std::sync::Arc;

use hgview::behave;
use hgview::cancel::Cancel;
use hgview::export;
use hgview::export::EXPORTERS;
use hgview::export::Form;
use hgview::export::Jury;
use hgview::export::Options;
use hgview::export::Target;
use hgview::model::RecordIx;
use hgview::model::StepIx;
use hgview::model::Trajectory;
use hgview::store::OpenOptions;
use hgview::store::Store;
use hgview::ui::judge;
use hgview::ui::page::DiffLayout;
use hgview::ui::page::Page;
use hgview::ui::page::PageOptions;
use hgview::ui::page::Subject;
use hgview::workspace::History;
use hgview::workspace::repositories::Repositories;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: caught::let_decoders_panic(), |input: (u8, &[u8])| {
    let (kind, bytes) = input;
    let folder = tempfile::tempdir_in("/dev/shm").expect("memory for a file");
    let path = folder.path().join("data.jsonl");
    std::fs::write(&path, bytes).expect("a file of the memory");
    let store = Store::open(&OpenOptions {
        paths: vec![path],
        ..OpenOptions::default()
    })
    .expect("a file that is there");
    let cancel = Cancel::new();
    store
        .scan(&cancel, &mut |_| {})
        .expect("a file that can be read");
    for ix in (0..store.len()).map(RecordIx) {
        let Ok(trajectory) = store.load(ix) else {
            continue;
        };
        look(&trajectory, &cancel);
        if let Ok(head) = store.load_head(ix) {
            let whole = || store.load(ix);
            let _checked = judge::check(&head, &whole, None, &Repositories::default(), &cancel);
        }
    }
    export_all(&store, kind);
});

fn look(trajectory: &Arc<Trajectory>, cancel: &Cancel) {
    let behaviour = behave::examine(trajectory, cancel);
    let steps = trajectory.steps.len();
    for flag in &behaviour.flags {
        assert!(flag.step.is_none_or(|step| step < steps), "{flag:?}");
    }
    let history = History::of(trajectory, cancel);
    for file in history.files() {
        for moment in [0, steps / 2, steps] {
            let _state = history.file_at(&file.path, moment);
        }
        let _change = history.diff(&file.path, 0, steps, 3);
    }
    for diff in [DiffLayout::Unified, DiffLayout::SideBySide] {
        let options = PageOptions {
            width: 60,
            diff,
            wraps_sides: true,
            tab_cells: 8,
            fold_lines: 20,
            is_blind: false,
        };
        let subjects = [Subject::Task, Subject::End];
        let steps = (0..steps.min(8)).map(|ix| Subject::Step(StepIx(ix)));
        for subject in subjects.into_iter().chain(steps) {
            let mut page = Page::new(trajectory, &[], subject, &options);
            check(&page);
            page.set_all_folds(true);
            check(&page);
        }
        check(&Page::preview(trajectory, None, &options));
    }
}

/// Nothing of a page controls a terminal.
fn check(page: &Page) {
    for ix in 0..page.len().min(400) {
        let line = page.plain(ix);
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

fn export_all(store: &Store, kind: u8) {
    let format = &EXPORTERS[usize::from(kind) % EXPORTERS.len()];
    let options = Options::new(format, Target::Stdout);
    let write = || {
        let mut out = Vec::new();
        let (jury, cancel) = (Jury::lenient(), Cancel::new());
        let report = export::run(store, &jury, &options, &mut out, &cancel, &mut |_| {});
        report.map(|_| out).map_err(|err| err.to_string())
    };
    let written = write();
    assert_eq!(write(), written, "the same records give the same bytes");
    let Ok(written) = written else {
        return;
    };
    if matches!(format.form, Form::Lines) {
        let text = std::str::from_utf8(&written).expect("JSON is text");
        for line in text.lines() {
            let kept = hgview::read::json::parse_lenient(line.as_bytes(), 0, &mut Vec::new());
            assert!(kept.is_ok(), "{line:?}");
        }
    }
}
