use proptest::prelude::*;

use super::*;
use crate::text::AnsiColor;

/// What a screen of 5 rows and 10 columns with a history of 20 lines shows.
fn shown(bytes: &[u8]) -> String {
    let mut screen = Screen::new(5, 10, 20);
    screen.feed(bytes);
    screen.capture()
}

#[track_caller]
fn check(bytes: &str, expected: &str) {
    assert_eq!(shown(bytes.as_bytes()), expected, "{bytes:?}");
    let mut pieces = Screen::new(5, 10, 20);
    bytes.bytes().for_each(|byte| pieces.feed(&[byte]));
    assert_eq!(pieces.capture(), expected, "{bytes:?}, byte by byte");
}

#[test]
fn text_is_laid_out_as_tmux_lays_it_out() {
    check("", "");
    check("a\r\nb\r\n", "a\nb");
    check("a\nb", "a\n b");
    check("  a  \r\n\r\nb", "  a\n\nb");
    check("0123456789abc", "0123456789abc");
    check("0123456789\r\nabc", "0123456789\nabc");
    check("over\rwritten", "written");
    check("abc\x08\x08X", "aXc");
    check("0123456789a\x08\x08Z", "012345678Za");
    check("a\tb", "a       b");
    check("a\tb\tc", "a       bc");
    check("漢字\x08\x08X", "漢X");
    check("漢字\rX", "X 字");
    check("012345678漢字", "012345678漢字");
    check("e\u{301}x", "e\u{301}x");
    check("\u{301}x", "x");
    check(
        "bell\x07 \x1b]0;title\x07after \x1b]2;t\x1b\\end",
        "bell after end",
    );
    check("\x1bPdevice\x1b\\x", "x");
    check("\x1b[31mred\x1b[0m", "red");
}

#[test]
fn sequences_are_obeyed() {
    check("abc\x1b[2DX\x1b[K", "aX");
    check("abc\x1b[1K", "");
    check("abc\x1b[2Kd", "   d");
    check("12345\x1b[3DXY\x1b[PZ", "12XYZ");
    check("12345\x1b[3D\x1b[1@_", "12_345");
    check("12345\x1b[3D\x1b[2X", "12  5");
    check("x\x1b[5Gy\x1b[2Cz", "x   y  z");
    check("a\r\nb\r\nc\x1b[2A\rX\x1b[2BY", "X\nb\ncY");
    check("a\r\nb\r\nc\x1b[2;1H\x1b[J", "a");
    check("a\r\nb\r\nc\x1b[2;1H\x1b[L", "a\n\nb\nc");
    check("a\r\nb\r\nc\x1b[2;1H\x1b[M", "a\nc");
    check("a\r\nb\x1b[2J\x1b[Hc", "a\nb\nc");
    check("a\r\nb\x1b[2J\x1b[3J\x1b[Hc", "c");
    check("a\x1b[?1049hhidden\x1b[?1049lb", "ab");
    check("a\x1b7bc\x1b8X", "aXc");
    check("a\x1b[3bz", "aaaaz");
    check("\x1b[?7l0123456789abc", "012345678c");
    check("ab\r\x1b[4hX", "Xab");
    check("a\r\nb\r\nc\x1b[1;2r\x1b[2;1H\nX", "a\nb\nX\nc");
    check("a\x1bMb", " b\na");
    check("a\x1bcb", "a\nb");
}

#[test]
fn what_scrolls_out_is_kept_in_tenths() {
    let lines = |count: usize| {
        (1..=count)
            .map(|n| format!("{n}\r\n"))
            .collect::<Vec<_>>()
            .concat()
    };
    let first = |count: usize| {
        shown(lines(count).as_bytes())
            .lines()
            .next()
            .unwrap()
            .to_owned()
    };
    // 5 rows, of which one is empty, and a history of 20 that loses 2 at a time
    assert_eq!(first(24), "1");
    assert_eq!(first(25), "3");
    assert_eq!(first(26), "3");
    assert_eq!(first(27), "5");
    let mut screen = Screen::new(5, 10, 20);
    screen.feed(lines(24).as_bytes());
    screen.clear_history();
    assert_eq!(screen.capture(), "21\n22\n23\n24");
    assert!(screen.last_line_is("24"));
    let mut large = Screen::new(1000, 1000, 10_000);
    large.feed(lines(12_000).as_bytes());
    // as tmux 3.3a has it: the 11 000th row that scrolls out is the first to find the history full
    assert_eq!(large.capture().lines().next(), Some("2001"));
}

#[test]
fn questions_are_answered_to_the_program_alone() {
    let mut screen = Screen::new(5, 10, 20);
    screen.feed(b"ab\x1b[6n\x1b[c\x1b[5n\x1b[>c\x1b]10;?\x07");
    assert_eq!(
        screen.take_replies(),
        b"\x1b[1;3R\x1b[?1;2c\x1b[0n\x1b[>84;0;0c"
    );
    assert_eq!(screen.take_replies(), b"");
    screen.feed("\x1b[c".repeat(100_000).as_bytes());
    assert!(screen.take_replies().len() <= 4096);
    assert_eq!(screen.capture(), "ab");
}

#[test]
fn bytes_that_are_no_text_show_nothing() {
    assert_eq!(shown(b"\xff\xfe bad \x80 end"), " bad  end");
}

#[test]
fn strings_that_never_end_are_skipped() {
    let mut screen = Screen::new(5, 10, 20);
    screen.feed(b"a\x1b]0;");
    for _ in 0..40 {
        screen.feed(&vec![b'x'; 1 << 16]);
    }
    assert_eq!(screen.capture(), "a");
    screen.feed(b"x\x07b");
    assert_eq!(screen.capture(), "ab");
}

#[test]
fn huge_counts_are_bounded() {
    for action in [
        "@", "A", "B", "C", "D", "E", "F", "G", "H", "J", "K", "L", "M", "P", "S", "T", "X", "Z",
        "b", "d", "r",
    ] {
        let mut screen = Screen::new(1000, 1000, 100);
        screen.feed(format!("x\x1b[65535;65535{action}y\x1b[999999999999{action}z").as_bytes());
        assert!(screen.capture().len() < 4000, "{action}");
    }
}

/// The rows of the window: runs as `text` or `‹letters›text›`, with a letter for each thing that is not plain.
fn looks(screen: &Screen) -> Vec<String> {
    let run = |(text, ink): &(String, Ink)| {
        if *ink == Ink::default() {
            return text.clone();
        }
        let mut letters: Vec<String> = Vec::new();
        for (is_on, letter) in [
            (ink.bold, 'b'),
            (ink.dim, 'd'),
            (ink.italic, 'i'),
            (ink.underline, 'u'),
            (ink.reverse, 'r'),
        ] {
            letters.extend(is_on.then(|| letter.to_string()));
        }
        for (colour, sign) in [(ink.fg, '+'), (ink.bg, '-')] {
            match colour {
                None => {}
                Some(AnsiColor::Indexed(index)) => letters.push(format!("{sign}{index}")),
                Some(AnsiColor::Rgb(r, g, b)) => {
                    letters.push(format!("{sign}#{r:02x}{g:02x}{b:02x}"));
                }
            }
        }
        format!("‹{}›{text}›", letters.concat())
    };
    let rows = screen.window();
    rows.iter()
        .map(|row| row.iter().map(run).collect())
        .collect()
}

#[track_caller]
fn check_looks(bytes: &str, expected: &[&str]) {
    let mut screen = Screen::new(2, 10, 0);
    screen.feed(bytes.as_bytes());
    assert_eq!(looks(&screen), expected, "{bytes:?}");
}

#[test]
fn looks_are_kept() {
    check_looks("a\x1b[1;31mred\x1b[0mb", &["a‹b+1›red›b", ""]);
    check_looks("\x1b[2;3;4;7mx", &["‹diur›x›", ""]);
    check_looks(
        "\x1b[38;5;208mx\x1b[48;2;1;2;255my",
        &["‹+208›x›‹+208-#0102ff›y›", ""],
    );
    check_looks("\x1b[94mx\x1b[39my\x1b[102mz", &["‹+12›x›y‹-10›z›", ""]);
    check_looks("\x1b[31mred\x1b[0m\r\x1b[2Cx", &["‹+1›re›x", ""]);
    check_looks("\x1b[31m漢\x1b[0m字", &["‹+1›漢›字", ""]);
    check_looks("\x1b[44m\x1b[K", &["‹-4›          ›", ""]);
    check_looks("ab\x1b[44m\x1b[1D\x1b[K", &["a‹-4›         ›", ""]);
    check_looks("\x1b[44m\x1b[2J", &["‹-4›          ›", "‹-4›          ›"]);
    check_looks("\x1b[31mab\x1b[0mcd\r\x1b[P", &["‹+1›b›cd", ""]);
    check_looks("\x1b[31mab\x1b[0mcd\r\x1b[2@", &["  ‹+1›ab›cd", ""]);
    check_looks("\x1b[31ma\x1b7\x1b[0mb\x1b8c", &["‹+1›ac›", ""]);
    check_looks("\x1b[31ma\x1bcb", &["b", ""]);
}

#[test]
fn a_screen_takes_another_size() {
    let mut screen = Screen::new(4, 10, 20);
    screen.feed(b"one\r\ntwo\r\n0123456789");
    screen.resize(2, 4);
    assert_eq!(looks(&screen), ["two", "0123"]);
    assert_eq!(screen.cursor(), Some((1, 3)));
    screen.feed(b"\r\nabcdef");
    assert_eq!(looks(&screen), ["abcd", "ef"]);
    screen.resize(3, 12);
    screen.feed(b"ghijklmno");
    assert_eq!(looks(&screen), ["abcd", "efghijklmno", ""]);
    // a wide character that is cut through goes
    let mut wide = Screen::new(1, 4, 0);
    wide.feed("a漢".as_bytes());
    wide.resize(1, 2);
    assert_eq!(looks(&wide), ["a "]);
    wide.feed(b"\x1b[?25l");
    assert_eq!(wide.cursor(), None);
}

#[track_caller]
fn check_cut(bytes: &[u8]) {
    let whole = shown(bytes);
    for at in 0..=bytes.len() {
        let mut pieces = Screen::new(5, 10, 20);
        pieces.feed(&bytes[..at]);
        pieces.feed(&bytes[at..]);
        assert_eq!(pieces.capture(), whole, "{bytes:?} cut at {at}");
    }
}

#[test]
fn nothing_is_lost_behind_a_character_that_comes_in_parts() {
    check_cut("\u{6e8})@c".as_bytes());
    check_cut(b"\xca.\xdb\xa8)\x95\xec@c");
    check_cut("日本語 ok é\u{301} 👩\u{200d}👧".as_bytes());
    let long = "é".repeat(PIECE);
    let mut screen = Screen::new(5, 10, 20_000);
    screen.feed(b".");
    screen.feed(long.as_bytes());
    assert_eq!(screen.capture(), format!(".{long}"));
}

proptest! {
    #[test]
    fn where_bytes_are_cut_changes_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..24)) {
        check_cut(&bytes);
    }

    #[test]
    fn no_size_breaks_it(
        bytes in proptest::collection::vec(prop_oneof![Just(0x1b), Just(b'['), Just(b';'), 0x20u8..0x80, any::<u8>()], 0..200),
        sizes in proptest::collection::vec((0_u16..6, 0_u16..9), 0..5),
    ) {
        let mut screen = Screen::new(3, 7, 4);
        for (rows, columns) in sizes {
            screen.feed(&bytes);
            screen.resize(rows, columns);
            prop_assert_eq!(screen.window().len(), usize::from(rows.max(1)));
            screen.feed(&bytes);
        }
    }

    #[test]
    fn no_bytes_break_it(bytes in proptest::collection::vec(prop_oneof![Just(0x1b), Just(b'['), Just(b';'), 0x20u8..0x80, any::<u8>()], 0..400)) {
        let mut screen = Screen::new(3, 7, 4);
        screen.feed(&bytes);
        let text = screen.capture();
        prop_assert!(text.lines().count() <= 7);
        let last = text.lines().rev().find(|line| !line.is_empty()).unwrap_or_default();
        prop_assert!(screen.last_line_is(last));
    }
}
