//! The shell in the sandbox: keys of the user as the bytes that a terminal sends for them.

use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::KeyModifiers;

use crate::ui::effect::Effect;
use crate::ui::effect::ReplayAsk;
use crate::ui::layout;
use crate::ui::view::Cx;
use crate::ui::view::replay::Lower;
use crate::ui::view::replay::ReplayView;

/// The key that leaves the shell, as `telnet` and container tools have it.
const LEAVE: char = ']';

impl ReplayView {
    /// Whether keys go to a shell.
    pub fn has_console(&self) -> bool {
        self.lower == Lower::Console
    }

    /// Hands a key to the shell, or leaves it.
    pub fn type_key(&mut self, key: KeyEvent, effects: &mut Vec<Effect>) {
        let is_ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        // most terminals tell Ctrl-] as Ctrl-5
        if is_ctrl && matches!(key.code, KeyCode::Char(LEAVE | '5')) {
            self.lower = Lower::Both;
            effects.push(Effect::Replay(self.opened, ReplayAsk::EndConsole));
            // widths of odd characters may have been taken otherwise by the terminal
            effects.push(Effect::Redraw);
            return;
        }
        let bytes = bytes_of(key, self.console.has_keypad);
        if !bytes.is_empty() {
            effects.push(Effect::Replay(self.opened, ReplayAsk::Type(bytes)));
        }
    }

    /// Has the shell's terminal follow the screen.
    pub(super) fn size_console(&mut self, cx: &Cx<'_>, effects: &mut Vec<Effect>) {
        let area = layout::compare(cx.screen).body;
        let size = (area.height, area.width);
        if self.has_console() && self.console_size != size && area.area() > 0 {
            self.console_size = size;
            effects.push(Effect::Replay(
                self.opened,
                ReplayAsk::Size(area.height, area.width),
            ));
        }
    }

    /// Hands pasted text to the shell; it is typed, line breaks as Enter.
    pub fn type_text(&self, text: &str, effects: &mut Vec<Effect>) {
        let bytes = text.replace("\r\n", "\r").replace('\n', "\r").into_bytes();
        effects.push(Effect::Replay(self.opened, ReplayAsk::Type(bytes)));
    }
}

/// What a terminal of the `xterm` family sends for a key.
fn bytes_of(key: KeyEvent, has_keypad: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    if key.modifiers.contains(KeyModifiers::ALT) {
        bytes.push(0x1b);
    }
    let is_ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let sequence: &[u8] = match key.code {
        KeyCode::Char(c) if is_ctrl => {
            // a letter and the signs beside the letters have the control character of their lower five bits
            let is_known =
                matches!(c, 'a'..='z' | 'A'..='Z' | ' ' | '@' | '[' | '\\' | ']' | '^' | '_');
            if let Some(code) = u8::try_from(c).ok().filter(|_| is_known) {
                bytes.push(code & 0x1f);
            }
            return bytes;
        }
        KeyCode::Char(c) => {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            return bytes;
        }
        KeyCode::Enter => b"\r",
        KeyCode::Tab => b"\t",
        KeyCode::BackTab => b"\x1b[Z",
        KeyCode::Backspace => b"\x7f",
        KeyCode::Esc => b"\x1b",
        KeyCode::Up if has_keypad => b"\x1bOA",
        KeyCode::Down if has_keypad => b"\x1bOB",
        KeyCode::Right if has_keypad => b"\x1bOC",
        KeyCode::Left if has_keypad => b"\x1bOD",
        KeyCode::Home if has_keypad => b"\x1bOH",
        KeyCode::End if has_keypad => b"\x1bOF",
        KeyCode::Up => b"\x1b[A",
        KeyCode::Down => b"\x1b[B",
        KeyCode::Right => b"\x1b[C",
        KeyCode::Left => b"\x1b[D",
        KeyCode::Home => b"\x1b[H",
        KeyCode::End => b"\x1b[F",
        KeyCode::PageUp => b"\x1b[5~",
        KeyCode::PageDown => b"\x1b[6~",
        KeyCode::Insert => b"\x1b[2~",
        KeyCode::Delete => b"\x1b[3~",
        _ => return Vec::new(),
    };
    bytes.extend_from_slice(sequence);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: KeyCode, modifiers: KeyModifiers, expected: &[u8]) {
        assert_eq!(bytes_of(KeyEvent::new(code, modifiers), false), expected);
    }

    #[test]
    fn arrows_are_what_the_program_asked_for() {
        let up = KeyEvent::new(KeyCode::Up, KeyModifiers::NONE);
        assert_eq!(bytes_of(up, false), b"\x1b[A");
        assert_eq!(bytes_of(up, true), b"\x1bOA");
    }

    #[test]
    fn keys_are_what_a_terminal_sends() {
        check(KeyCode::Char('a'), KeyModifiers::NONE, b"a");
        check(KeyCode::Char('ü'), KeyModifiers::NONE, "ü".as_bytes());
        check(KeyCode::Char('c'), KeyModifiers::CONTROL, b"\x03");
        check(KeyCode::Char('d'), KeyModifiers::CONTROL, b"\x04");
        check(KeyCode::Char('['), KeyModifiers::CONTROL, b"\x1b");
        check(KeyCode::Char('1'), KeyModifiers::CONTROL, b"");
        check(KeyCode::Char('b'), KeyModifiers::ALT, b"\x1bb");
        check(KeyCode::Enter, KeyModifiers::NONE, b"\r");
        check(KeyCode::Up, KeyModifiers::NONE, b"\x1b[A");
        check(KeyCode::F(5), KeyModifiers::NONE, b"");
    }
}
