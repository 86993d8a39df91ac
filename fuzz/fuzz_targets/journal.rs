//! Whatever a decision journal holds, wherever it was torn: reading it ends, what is read is written as it was, a line
//! behind any damage counts, and a writer that goes on takes no whole line away.

#![no_main]

use hgview::review::Claim;
use hgview::review::Ledger;
use hgview::review::Line;
use hgview::review::Parsed;
use hgview::review::Place;
use hgview::review::Writer;
use libfuzzer_sys::fuzz_target;

/// A line that must survive whatever stands before it.
const WHOLE: &str = "{\"v\":1,\"at\":\"2026-01-01T00:00:00.000001Z\",\"reviewer\":\"ada\",\"record\":{\"sha256\":\
\"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\",\"id\":\"whole\",\"path\":\"data.jsonl\",\"nth\":0},\
\"decision\":\"accept\"}\n";

fuzz_target!(|bytes: &[u8]| {
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Parsed::Line(line) | Parsed::Behind(line) = Line::parse(line) {
            let written = line.to_json();
            assert_eq!(
                Line::parse(written.trim_end().as_bytes()),
                Parsed::Line(line)
            );
        }
    }
    let folder = tempfile::tempdir_in("/dev/shm").expect("memory for a file");
    let data = folder.path().join("data.jsonl");
    std::fs::write(&data, "{}\n").expect("a file of the memory");
    let place = Place::of(&[data], None, folder.path()).expect("a folder that is there");
    std::fs::create_dir_all(place.dir()).expect("a folder of the memory");
    let journal = place.dir().join("decisions.ada.jsonl");

    std::fs::write(&journal, [bytes, b"\n", WHOLE.as_bytes()].concat())
        .expect("a file of the memory");
    let ledger = Ledger::load(&place);
    assert!(ledger.knows_id("whole"), "{:?}", ledger.troubles());

    // torn wherever it ends; a writer mends it and goes on
    std::fs::write(&journal, bytes).expect("a file of the memory");
    let before = Ledger::load(&place);
    let Parsed::Line(line) = Line::parse(WHOLE.trim_end().as_bytes()) else {
        panic!("a whole line is whole");
    };
    let mut writer = Writer::new(place.clone(), "ada");
    assert_eq!(
        writer.claim().expect("a journal that is there"),
        Claim::Ours
    );
    writer.append(&[line]).expect("memory");
    let after = std::fs::read(&journal).expect("a file of the memory");
    assert!(after.ends_with(WHOLE.as_bytes()));
    let whole_lines = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    assert!(after.starts_with(&bytes[..whole_lines]), "whole lines stay");
    let ledger = Ledger::load(&place);
    assert!(ledger.knows_id("whole"), "{:?}", ledger.troubles());
    assert!(ledger.decided("ada") >= before.decided("ada").min(1));
});
