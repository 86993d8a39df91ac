//! Lines of pieces, some in colour; what comes from records is cleaned before it is painted.

use std::io;

use anstyle::AnsiColor;
use anstyle::Effects;
use anstyle::Style;

use crate::cli::Output;
use crate::text;

/// What a piece is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    Strong,
    Dim,
    Good,
    Bad,
    Odd,
}

impl Look {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().effects(Effects::BOLD),
            Self::Dim => Style::new().effects(Effects::DIMMED),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Odd => AnsiColor::Yellow.on_default(),
        }
    }
}

/// Prints a line.
pub(super) fn line(output: &mut Output<'_>, pieces: &[(&str, Look)]) -> io::Result<()> {
    let mut out = String::new();
    let last = pieces.iter().rposition(|(text, _)| !text.trim().is_empty());
    for (ix, (piece, look)) in pieces.iter().enumerate() {
        let piece = text::clean_line(piece);
        let piece = if last <= Some(ix) {
            piece.trim_end()
        } else {
            &piece
        };
        if output.terminal.color && *look != Look::Plain && !piece.is_empty() {
            let style = look.style();
            out.extend([format!("{style}{piece}{style:#}")]);
        } else {
            out.push_str(piece);
        }
    }
    writeln!(output.out, "{out}")
}

/// A text in exactly so many cells.
pub(super) fn fitted(text: &str, cells: usize) -> String {
    let text = text::clean_line(text);
    let cut = text::clip(&text, cells);
    let pad = cells.saturating_sub(text::width(&cut));
    format!("{cut}{}", " ".repeat(pad))
}
