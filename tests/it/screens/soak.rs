//! Keys that nobody would type, at sizes that nobody has: nothing panics, nothing wrong is drawn.

use std::fmt::Write as _;

use hgview::ui::event::Event;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::KeyModifiers;
use ratatui::crossterm::event::MouseButton;
use ratatui::crossterm::event::MouseEventKind;

use crate::dice::Dice;
use crate::driver::Driver;

/// Whether a letter may be drawn: those that control the terminal or turn text around may not.
pub(crate) fn is_drawable(letter: char) -> bool {
    !letter.is_control()
        && !matches!(
            letter,
            '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        )
}

/// Fails when the screen shows what it must not.
#[track_caller]
pub(crate) fn check_cells(driver: &Driver, after: &str) {
    let (buf, cursor) = driver.frame();
    for cell in buf.content() {
        if let Some(letter) = cell.symbol().chars().find(|letter| !is_drawable(*letter)) {
            panic!("{letter:?} is drawn after {after}\n{}", driver.text());
        }
    }
    if let Some(cursor) = cursor {
        assert!(buf.area.contains(cursor), "{cursor} after {after}");
    }
}

fn random_key(dice: &mut Dice) -> KeyEvent {
    const OFTEN: &str = "jjjjkkllhhggGGnnN]]}})>zaRMvWDoyq?:/'0123456789$HL";
    let plain = |code| KeyEvent::new(code, KeyModifiers::NONE);
    match dice.throw(20) {
        0 | 3 => plain(KeyCode::Enter),
        1 => plain(KeyCode::Esc),
        2 => plain(KeyCode::Tab),
        4 => plain(
            [
                KeyCode::Up,
                KeyCode::Down,
                KeyCode::Left,
                KeyCode::Right,
                KeyCode::PageUp,
                KeyCode::PageDown,
                KeyCode::Home,
                KeyCode::End,
                KeyCode::Backspace,
                KeyCode::Delete,
                KeyCode::BackTab,
                KeyCode::F(5),
            ][dice.throw(12)],
        ),
        5 => {
            let letter = char::from(b'a' + u8::try_from(dice.throw(26)).unwrap());
            KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL)
        }
        6 => {
            let letter = char::from(b' ' + u8::try_from(dice.throw(95)).unwrap());
            plain(KeyCode::Char(letter))
        }
        _ => {
            let at = dice.throw(OFTEN.len());
            plain(KeyCode::Char(OFTEN.chars().nth(at).unwrap()))
        }
    }
}

#[track_caller]
fn soak(size: (u16, u16), seed: u64) {
    let mut dice = Dice(seed);
    let mut driver = Driver::open(&["samples"], size);
    let mut typed = String::new();
    for round in 0..2_000 {
        let key = random_key(&mut dice);
        write!(typed, "{:?}{:?} ", key.code, key.modifiers).unwrap();
        match dice.throw(60) {
            0 => {
                let (x, y) = (dice.throw(210), dice.throw(60));
                let kind = [
                    MouseEventKind::Down(MouseButton::Left),
                    MouseEventKind::ScrollDown,
                    MouseEventKind::ScrollUp,
                ][dice.throw(3)];
                driver.mouse(kind, u16::try_from(x).unwrap(), u16::try_from(y).unwrap());
            }
            1 => driver.event(Event::Paste("pasted\ntext\u{202e}\u{1b}[31m".to_owned())),
            _ => driver.key(key),
        }
        check_cells(&driver, &format!("{round} keys: {typed}"));
    }
    let _back = driver.resize(80, 24);
    check_cells(&driver, "the soak");
}

#[test]
fn random_keys_on_a_usual_screen() {
    soak((120, 40), 1);
}

#[test]
fn random_keys_on_a_large_screen() {
    soak((200, 50), 2);
}

#[test]
fn random_keys_on_a_small_screen() {
    soak((37, 9), 3);
}

#[test]
fn no_size_is_too_small() {
    for keys in [
        "",
        "<enter>",
        "<enter><tab>G",
        "<enter>?",
        ":",
        "o",
        "/a",
        "'a",
        "<enter>$zR",
        "M",
        "<enter>v",
        ":themes<enter>",
        "<enter>/fail<enter>n",
    ] {
        let mut driver = Driver::open(&["samples/openhands-v0/output.jsonl"], (80, 24));
        driver.keys(keys);
        for (width, height) in [
            (20, 5),
            (10, 2),
            (0, 0),
            (1, 1),
            (0, 5),
            (20, 0),
            (59, 5),
            (60, 3),
            (72, 6),
            (200, 4),
            (20, 50),
            (65, 24),
        ] {
            driver.resize(width, height);
            check_cells(&driver, keys);
            driver.keys("j<C-d>k");
            check_cells(&driver, keys);
        }
        driver.resize(80, 24);
        check_cells(&driver, keys);
    }
}
