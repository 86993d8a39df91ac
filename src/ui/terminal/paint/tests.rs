//! Every frame is painted on an emulated terminal, which has to show it then.

use std::num::NonZero;

use proptest::prelude::*;
use ratatui::style::Style;

use super::*;

fn same(color: Color, got: vt100::Color) -> bool {
    let want = match color {
        Color::Reset => vt100::Color::Default,
        Color::Red => vt100::Color::Idx(1),
        Color::DarkGray => vt100::Color::Idx(8),
        Color::Indexed(nth) => vt100::Color::Idx(nth),
        Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
        other => unreachable!("{other} is in no test"),
    };
    want == got
}

fn size(cells: u16) -> NonZero<u16> {
    NonZero::new(cells).unwrap()
}

fn emulator(area: Rect) -> vt100::Parser {
    vt100::Parser::new(size(area.height), size(area.width), 0)
}

#[track_caller]
fn check(screen: &vt100::Screen, frame: &Buffer) {
    for y in 0..frame.area.height {
        let mut covered = 0;
        for (x, cell) in (0..).zip(row(frame, y)) {
            if covered > 0 {
                covered -= 1;
                continue;
            }
            let got = screen.cell(y, x).unwrap();
            let place = format!("column {x} of line {y}: {cell:?}, {got:?}");
            assert!(same(cell.bg, got.bgcolor()), "{place}");
            if is_empty(cell) {
                assert!(matches!(got.contents(), "" | " "), "{place}");
                assert!(!got.inverse() && !got.underline(), "{place}");
                continue;
            }
            let width = width(cell);
            if usize::from(x) + width > usize::from(frame.area.width) {
                continue;
            }
            covered = width - 1;
            let want = if cell.symbol().is_empty() {
                " "
            } else {
                cell.symbol()
            };
            let contents = if got.has_contents() {
                got.contents()
            } else {
                " "
            };
            assert_eq!(contents, want, "{place}");
            assert!(same(cell.fg, got.fgcolor()), "{place}");
            let modifier = cell.modifier;
            assert_eq!(got.bold(), modifier.contains(Modifier::BOLD), "{place}");
            assert_eq!(got.dim(), modifier.contains(Modifier::DIM), "{place}");
            assert_eq!(got.italic(), modifier.contains(Modifier::ITALIC), "{place}");
            assert_eq!(
                got.inverse(),
                modifier.contains(Modifier::REVERSED),
                "{place}"
            );
            let is_underlined = modifier.contains(Modifier::UNDERLINED);
            assert_eq!(got.underline(), is_underlined, "{place}");
        }
    }
}

/// Shows frames one after the other; says how many bytes each took.
#[track_caller]
fn show(frames: &[Buffer]) -> Vec<usize> {
    let area = frames.first().unwrap().area;
    let mut terminal = emulator(area);
    terminal.process(b"\x1b[31;7mwhatever was there\r\n");
    let mut painter = Painter::new();
    let mut bytes = Vec::new();
    for frame in frames {
        let out = painter.paint(frame, None);
        terminal.process(&out);
        check(terminal.screen(), frame);
        bytes.push(out.len());
    }
    bytes
}

/// Lines beside a bar that stands still, with a line of the cursor's colour.
fn listing(top: usize, cursor: u16, area: Rect) -> Buffer {
    let mut frame = Buffer::empty(area);
    for y in 1..area.height - 1 {
        let line = top + usize::from(y);
        let text = format!(
            "{line:>6}  let value_{} = compute({});",
            line * 37 % 91,
            line * 7
        );
        let style = Style::new().fg(Color::Rgb(200, 180, u8::try_from(line % 256).unwrap()));
        frame.set_string(2, y, text, style);
        frame.set_string(area.width - 1, y, "│", Style::new().fg(Color::DarkGray));
        if y == cursor {
            frame.set_style(
                Rect::new(0, y, area.width, 1),
                Style::new().bg(Color::Indexed(236)),
            );
        }
    }
    frame.set_string(
        0,
        0,
        " hgview ",
        Style::new().add_modifier(Modifier::REVERSED),
    );
    frame.set_string(0, area.height - 1, format!("{top}"), Style::new());
    frame
}

#[test]
fn an_unchanged_frame_costs_nothing() {
    let area = Rect::new(0, 0, 80, 24);
    let bytes = show(&[listing(0, 3, area), listing(0, 3, area)]);
    assert_eq!(bytes[1], 0);
}

#[test]
fn lines_that_move_are_moved_by_the_terminal() {
    let area = Rect::new(0, 0, 200, 50);
    let tops = [0, 1, 2, 12, 11, 8, 30, 30];
    let frames: Vec<Buffer> = tops.map(|top| listing(top, 5, area)).into();
    let bytes = show(&frames);
    // a line comes in and two change their colour
    assert!(bytes[1] < 700, "{bytes:?}");
    assert!(bytes[4] < 700, "{bytes:?}");
    assert!(bytes[1] * 6 < bytes[0], "{bytes:?}");
}

#[test]
fn the_cursor_is_where_it_is_wanted_and_seen_there_only() {
    let area = Rect::new(0, 0, 20, 4);
    let mut terminal = emulator(area);
    let mut painter = Painter::new();
    let frame = Buffer::with_lines(["ab", "cd", "", ""]);
    let mut wide = Buffer::empty(area);
    wide.merge(&frame);
    for cursor in [
        None,
        Some(Position::new(3, 2)),
        Some(Position::new(19, 3)),
        None,
    ] {
        terminal.process(&painter.paint(&wide, cursor));
        let screen = terminal.screen();
        assert_eq!(screen.hide_cursor(), cursor.is_none());
        if let Some(cursor) = cursor {
            assert_eq!(screen.cursor_position(), (cursor.y, cursor.x));
        }
        assert_eq!(painter.paint(&wide, cursor), b"");
    }
}

#[test]
fn another_size_is_painted_whole() {
    let mut painter = Painter::new();
    let mut terminal = emulator(Rect::new(0, 0, 1, 1));
    for (width, height) in [(30, 5), (50, 9), (12, 3)] {
        let frame = listing(0, 1, Rect::new(0, 0, width, height));
        terminal.screen_mut().set_size(size(height), size(width));
        terminal.process(&painter.paint(&frame, None));
        check(terminal.screen(), &frame);
    }
}

fn letters() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        6 => Just("a"),
        6 => Just("b"),
        8 => Just(" "),
        2 => Just("é"),
        2 => Just("▅"),
        1 => Just("宽"),
        1 => Just("🚀"),
        1 => Just("e\u{301}"),
    ]
}

fn styles() -> impl Strategy<Value = Style> {
    let colors = || {
        prop_oneof![
            4 => Just(Color::Reset),
            1 => Just(Color::Red),
            1 => Just(Color::DarkGray),
            1 => Just(Color::Indexed(200)),
            1 => Just(Color::Rgb(1, 2, 3)),
        ]
    };
    let modifiers = prop_oneof![
        4 => Just(Modifier::empty()),
        1 => Just(Modifier::BOLD),
        1 => Just(Modifier::DIM),
        1 => Just(Modifier::ITALIC | Modifier::UNDERLINED),
        1 => Just(Modifier::REVERSED),
    ];
    // over another style: the emulator knows no cell that is bold and dim
    (colors(), colors(), modifiers).prop_map(|(fg, bg, modifier)| {
        let style = Style::new().fg(fg).bg(bg).add_modifier(modifier);
        style.remove_modifier(modifier.complement())
    })
}

proptest! {
    #[test]
    fn every_frame_is_shown(
        area in (1_u16..60, 3_u16..20).prop_map(|(width, height)| Rect::new(0, 0, width, height)),
        frames in prop::collection::vec(
            (prop::collection::vec((0_u16..60, 0_u16..20, prop::collection::vec(letters(), 1..8), styles()), 0..12), -3_i32..4),
            1..6,
        ),
    ) {
        let mut shown = Vec::new();
        let mut frame = listing(0, 2, area);
        for (texts, by) in frames {
            let mut moved = Buffer::empty(area);
            for y in 0..area.height {
                let from = u16::try_from(i32::from(y) + by).unwrap_or(u16::MAX);
                if from < area.height {
                    for x in 0..area.width {
                        moved[(x, y)] = frame[(x, from)].clone();
                    }
                }
            }
            for (x, y, letters, style) in texts {
                if x < area.width && y < area.height {
                    moved.set_string(x, y, letters.concat(), style);
                }
            }
            shown.push(moved.clone());
            frame = moved;
        }
        show(&shown);
    }
}
