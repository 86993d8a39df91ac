//! Whatever a program writes to the terminal of the sandbox: the emulator keeps its size, its memory and its cursor, and
//! where the bytes are cut changes nothing.

#![no_main]

use hgview::replay::Screen;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u8, u16, &[u8])| {
    let (rows, columns, cut, bytes) = input;
    let (rows, columns) = (u16::from(rows % 50) + 1, u16::from(columns % 130) + 1);
    let mut whole = Screen::new(rows, columns, 100);
    whole.feed(bytes);
    let (first, rest) = bytes.split_at(usize::from(cut).min(bytes.len()));
    let mut parts = Screen::new(rows, columns, 100);
    parts.feed(first);
    parts.feed(rest);
    assert_eq!(whole.capture(), parts.capture());
    assert_eq!(whole.cursor(), parts.cursor());
    assert_eq!(whole.take_replies(), parts.take_replies());
    assert_eq!(whole.window().len(), usize::from(rows));
    if let Some((row, column)) = whole.cursor() {
        assert!(
            row < rows && column <= columns,
            "the cursor is on the screen"
        );
    }
    whole.resize(columns, rows);
    whole.feed(bytes);
    assert_eq!(whole.window().len(), usize::from(columns));
});
