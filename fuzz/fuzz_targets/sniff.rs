//! Whatever the first values of a file are: telling its family ends, and says the same twice; the cut-down form of a value
//! is that of the value itself.

#![no_main]

use hgview::read;
use hgview::read::Probe;
use hgview::read::Shape;
use hgview::read::json;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (kind, bytes) = input;
    let shape = match kind % 5 {
        0 => Shape::Lines,
        1 => Shape::Array,
        2 => Shape::Object,
        3 => Shape::Events,
        _ => Shape::Table,
    };
    let values: Vec<_> = bytes
        .split(|byte| *byte == b'\n')
        .take(Probe::VALUES)
        .filter_map(|line| {
            let _ends = json::pretty(line);
            let _short = json::skeleton_of(line);
            json::parse_lenient(line, 0, &mut Vec::new()).ok()
        })
        .collect();
    let probe = Probe {
        values: &values,
        shape,
    };
    assert_eq!(read::sniff(&probe), read::sniff(&probe));
});
