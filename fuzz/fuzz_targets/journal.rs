//! Whatever a decision journal holds: reading it ends, what is read is written as it was, a line behind any damage counts.

#![no_main]

use hgview::review::Ledger;
use hgview::review::Line;
use hgview::review::Parsed;
use hgview::review::Place;
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
    let mut journal = bytes.to_vec();
    journal.push(b'\n');
    journal.extend_from_slice(WHOLE.as_bytes());
    std::fs::write(place.dir().join("decisions.ada.jsonl"), journal).expect("a file of the memory");
    let ledger = Ledger::load(&place);
    assert!(ledger.knows_id("whole"), "{:?}", ledger.troubles());
});
