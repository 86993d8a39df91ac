//! Whatever a text holds: what is drawn of it changes nothing of a terminal but the cells that it fills. The oracle is
//! another emulator of a terminal, which gets the cleaned text.

#![no_main]

use std::num::NonZero;

use hgview::text;
use libfuzzer_sys::fuzz_target;

const ROWS: u16 = 24;
const COLUMNS: u16 = 80;

fuzz_target!(|input: &str| {
    for line in input.lines().take(64) {
        check(&text::clean_line(line));
        check(&text::excerpt(line, 40));
        let (pieces, _ink) = text::ansi_line(line, text::Ink::default());
        for (piece, _ink) in &pieces {
            check(&text::clean_line(piece));
        }
    }
    let clean = text::clean(input);
    assert_eq!(text::clean(&clean), clean, "cleaning twice changes nothing");
    for line in clean.lines() {
        check(&text::expand_tabs(line, 8, 0));
        for at in text::wrap_points(line, 20, 4) {
            assert!(line.is_char_boundary(at));
        }
    }
});

/// The terminal shows the text and is otherwise as before.
fn check(line: &str) {
    let line = text::clip(line, usize::from(COLUMNS));
    assert!(text::width(&line) <= usize::from(COLUMNS));
    let cells = |number| NonZero::new(number).expect("a screen has cells");
    let fresh = || vt100::Parser::new(cells(ROWS), cells(COLUMNS), 0);
    let (mut terminal, fresh) = (fresh(), fresh());
    terminal.process(line.as_bytes());
    let (screen, before) = (terminal.screen(), fresh.screen());
    assert_eq!(screen.attributes_formatted(), before.attributes_formatted());
    assert_eq!(screen.input_mode_formatted(), before.input_mode_formatted());
    assert_eq!(screen.alternate_screen(), before.alternate_screen());
    assert_eq!(screen.hide_cursor(), before.hide_cursor());
    assert_eq!(screen.bracketed_paste(), before.bracketed_paste());
    for row in screen.rows(0, COLUMNS).skip(1) {
        assert_eq!(row, "", "{line:?}");
    }
}
