//! Whatever a patch is: reading it ends, applying it to any text ends, and what applies can be taken back.

#![no_main]

use hgview::patch;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (text, base) = input;
    let unified = patch::parse_patch(text);
    let found = patch::find_begin_patch(text).unwrap_or(text);
    let begun = patch::parse_begin_patch(found);
    for file in unified.iter().chain(&begun) {
        let _path = file.path();
        let (added, removed) = file.counts();
        assert!(added + removed <= text.lines().count());
        let back = patch::reversed(file);
        assert_eq!(back.counts(), (removed, added));
        // what is removed stands before what is added, in whatever order a patch had them
        let forth = patch::reversed(&back);
        assert_eq!(forth.counts(), (added, removed));
        assert_eq!(patch::reversed(&forth).hunks, back.hunks);
        if let Ok(changed) = patch::apply(file, base) {
            let _again = patch::apply(&back, &changed);
        }
    }
});
