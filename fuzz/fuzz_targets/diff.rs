//! Whatever two texts are: both can be read back from their difference, marked words lie in their lines, and a patch of it
//! leads from one to the other and back.

#![no_main]

use hgview::diff;
use hgview::diff::DiffLine;
use hgview::diff::DiffTag;
use hgview::patch;
use hgview::patch::FilePatch;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &str, &str)| {
    let (context, old, new) = input;
    let whole = diff::diff_texts(old, new, usize::MAX, 1);
    if !whole.is_empty() {
        for (text, skip) in [(old, DiffTag::Added), (new, DiffTag::Removed)] {
            let lines = whole.iter().flat_map(|hunk| &hunk.lines);
            let side: Vec<&str> = lines
                .filter(|line| line.tag != skip)
                .map(|line| line.text.as_str())
                .collect();
            let want: Vec<&str> = text.split_terminator('\n').collect();
            assert_eq!(side, want);
        }
    }
    for mut hunk in whole {
        let _sides = diff::side_by_side(&hunk);
        diff::mark_words(&mut hunk.lines);
        for pair in hunk.lines.windows(2) {
            let tags = [DiffTag::Removed, DiffTag::Added];
            let is_alone = hunk.lines.len() == 2 && tags == [pair[0].tag, pair[1].tag];
            if is_alone && pair.iter().any(|line| !line.words.is_empty()) {
                assert_eq!(unmarked(&pair[0]), unmarked(&pair[1]));
            }
        }
        for line in &hunk.lines {
            let mut end = 0;
            for range in &line.words {
                assert!(range.start >= end && line.text.get(range.clone()).is_some());
                end = range.end;
            }
        }
    }
    let (old, new) = (format!("{old}\n"), format!("{new}\n"));
    let file = FilePatch {
        hunks: diff::diff_texts(&old, &new, 1 + usize::from(context % 5), 1),
        ..FilePatch::default()
    };
    assert_eq!(patch::apply(&file, &old).as_deref(), Ok(new.as_str()));
    let back = patch::reversed(&file);
    assert_eq!(patch::apply(&back, &new).as_deref(), Ok(old.as_str()));
});

/// What both forms of a line have in common, blanks aside: those between two marks are marked with them.
fn unmarked(line: &DiffLine) -> String {
    let mut text = line.text.clone();
    for range in line.words.iter().rev() {
        text.replace_range(range.clone(), "");
    }
    text.retain(|letter| !letter.is_whitespace());
    text
}
