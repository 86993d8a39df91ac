//! A shell of the user's in a sandbox: its bytes go through an emulator, so that none of them reaches the terminal.

use std::time::Duration;

use crate::replay::Screen;
use crate::replay::ShellHere;
use crate::sandbox::Heard;
use crate::text::Ink;
use crate::text::clean_line;
use crate::ui::event::ConsoleFrame;

/// Bytes that are taken in before a frame is told.
const AT_ONCE: usize = 1 << 20;

/// A shell with the emulator of its terminal.
pub(super) struct Console {
    shell: ShellHere,
    screen: Screen,
    end: Option<String>,
    is_told: bool,
}

impl Console {
    pub(super) fn new(shell: ShellHere, rows: u16, columns: u16) -> Self {
        Self {
            shell,
            screen: Screen::new(rows, columns, 0),
            end: None,
            is_told: false,
        }
    }

    /// Takes in what the shell has written; the window, where it changed.
    pub(super) fn listen(&mut self) -> Option<ConsoleFrame> {
        let mut bytes = Vec::new();
        while bytes.len() < AT_ONCE && self.end.is_none() {
            match self.shell.process.read(&mut bytes, Duration::ZERO) {
                Ok(Heard::Bytes) => {}
                Ok(Heard::Silence) => break,
                Ok(Heard::End(exit)) => {
                    self.end = Some(format!("the shell ended with status {}", exit.code()));
                }
                Err(error) => self.end = Some(error.to_string()),
            }
        }
        if bytes.is_empty() && self.end.is_none() && self.is_told {
            return None;
        }
        self.is_told = true;
        self.screen.feed(&bytes);
        let replies = self.screen.take_replies();
        if !replies.is_empty() {
            self.write(&replies);
        }
        let rows = self.screen.window();
        let clean = |row: Vec<(String, Ink)>| {
            let runs = row.into_iter();
            runs.map(|(text, ink)| (clean_line(&text).into_owned(), ink))
                .collect()
        };
        Some(ConsoleFrame {
            rows: rows.into_iter().map(clean).collect(),
            cursor: self.screen.cursor(),
            has_keypad: self.screen.has_keypad(),
            end: self.end.clone(),
        })
    }

    /// Whether the shell has ended and its last window was told.
    pub(super) fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// Gives its terminal another size. Where that is refused, its window stays as it was.
    pub(super) fn size(&mut self, rows: u16, columns: u16) {
        if self.shell.process.resize(rows, columns).is_ok() {
            self.screen.resize(rows, columns);
            self.is_told = false;
        }
    }

    /// Types at it.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        if let Err(error) = self.shell.process.write(bytes) {
            self.end = Some(error.to_string());
        }
    }
}
