//! Whatever a record holds, however its file is divided: reading it ends with a trajectory or a fault, the short ways of
//! reading say what the long one says.

#![no_main]

use hgview::model::Source;
use hgview::model::Trajectory;
use hgview::read;
use hgview::read::Layout;
use hgview::read::PartRole;
use hgview::read::RawPart;
use hgview::read::RawRecord;
use hgview::read::Shape;
use libfuzzer_sys::fuzz_target;

const LAYOUTS: [(Layout, Shape); 6] = [
    (Layout::Rows, Shape::Lines),
    (Layout::Rows, Shape::Table),
    (Layout::Whole, Shape::Object),
    (Layout::Session, Shape::Lines),
    (Layout::Session, Shape::Array),
    (Layout::Samples, Shape::Object),
];

fuzz_target!(|input: (u8, &[u8])| {
    let (kind, bytes) = input;
    let (layout, shape) = LAYOUTS[usize::from(kind) % LAYOUTS.len()];
    let raw = RawRecord {
        source: Source::default(),
        layout,
        shape,
        parts: vec![RawPart {
            name: String::new(),
            role: PartRole::Main,
            start: 0,
            bytes: bytes.to_vec(),
        }],
    };
    let head = read::parse_head(&raw);
    let row = read::parse_for_row(raw.clone());
    let whole = read::parse(raw);
    assert_eq!(row.is_ok(), whole.is_ok());
    let Ok(whole) = whole else {
        return;
    };
    for (nth, step) in whole.steps.iter().enumerate() {
        assert_eq!(step.idx, nth, "steps are numbered");
    }
    if let Ok(row) = row {
        assert_eq!(row.steps.len(), whole.steps.len());
        assert_eq!(of_the_run(&row), of_the_run(&whole));
        assert_eq!(row.source.variant, whole.source.variant);
    }
    if let Some((head, _survey)) = head {
        assert_eq!(of_the_run(&head), of_the_run(&whole));
    }
});

/// What all ways must agree on. A head need not say how calls are written: they may come late.
fn of_the_run(trajectory: &Trajectory) -> String {
    format!(
        "{:?}",
        (
            &trajectory.id,
            &trajectory.task,
            &trajectory.outcome,
            &trajectory.final_patch,
            &trajectory.source.format,
        )
    )
}
