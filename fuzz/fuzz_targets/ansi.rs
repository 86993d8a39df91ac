//! Whatever escapes a line of recorded output holds: what is read of it is what the emulator of a terminal shows.

#![no_main]

use std::num::NonZero;

use hgview::text;
use libfuzzer_sys::fuzz_target;

const COLUMNS: u16 = 400;
/// Of letters, sequences, and what is between them.
const TOKENS: [&str; 32] = [
    "a",
    "b",
    "c",
    " ",
    "x",
    "0",
    "-",
    "日",
    "本",
    "é",
    "e\u{301}",
    "\r",
    "\u{8}",
    "\t",
    "\x1b[C",
    "\x1b[3C",
    "\x1b[D",
    "\x1b[4D",
    "\x1b[5G",
    "\x1b[K",
    "\x1b[1K",
    "\x1b[2K",
    "\x1b[P",
    "\x1b[2P",
    "\x1b[X",
    "\x1b[3X",
    "\x1b[1;31m",
    "\x1b[m",
    "\x1b]0;t\x07",
    "\x1b]8;;u\x1b\\",
    "\x1bPq#\x1b\\",
    "\x1b[?25l",
];

fuzz_target!(|input: &[u8]| {
    let tokens = input
        .iter()
        .take(48)
        .map(|byte| TOKENS[usize::from(*byte) % TOKENS.len()]);
    let line: String = tokens.collect();
    let (runs, _ink) = text::ansi_line(&line, text::Ink::default());
    let read: String = runs.into_iter().map(|(text, _)| text).collect();
    let cells = |number| NonZero::new(number).expect("a screen has cells");
    let mut terminal = vt100::Parser::new(cells(2), cells(COLUMNS), 0);
    terminal.process(line.as_bytes());
    let shown = terminal.screen().contents();
    assert_eq!(read.trim_end(), shown.trim_end(), "{line:?}");
});
