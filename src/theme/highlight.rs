//! Syntax highlighting line by line, on any thread but the one that draws.

use std::ops::Range;

use ratatui::style::Style;

use crate::theme::Theme;

/// A syntax of the built-in set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SyntaxId(pub usize);

/// The parser's state between two lines.
#[derive(Debug, Clone)]
pub struct CodeState;

/// Syntaxes and the code colours of one theme. Cheap to share (`Arc`), expensive to make: once per theme.
#[derive(Debug)]
pub struct Highlighter;

impl Highlighter {
    /// The built-in syntaxes with the code colours of this theme.
    pub fn new(_theme: &Theme) -> Self {
        Self
    }

    /// Compiles what the usual syntaxes need; slow, for a thread of its own.
    pub fn warm(&self) {}

    /// The syntax for a file, by its name, else by its first line (`#!`); `None` for plain text.
    pub fn syntax_of_path(&self, _path: &str, _first_line: &str) -> Option<SyntaxId> {
        None
    }

    /// The syntax with this name or extension: `bash`, `python`, `json`, `diff`.
    pub fn syntax_named(&self, _name: &str) -> Option<SyntaxId> {
        None
    }

    /// The state before the first line.
    pub fn start(&self, _syntax: SyntaxId) -> CodeState {
        CodeState
    }

    /// Colours one line (without its newline) and moves the state on. Ranges are bytes of `line`, ascending, not
    /// overlapping; lines over 2 KB come back uncoloured and leave the state as it was.
    pub fn line(&self, _state: &mut CodeState, _line: &str) -> Vec<(Range<usize>, Style)> {
        Vec::new()
    }
}
