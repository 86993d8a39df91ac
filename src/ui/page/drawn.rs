//! A line before colours: spans with what they are for, and which of them is code.
//!
//! Blocks make [`Drawn`] lines; [`Drawn::resolve`] turns one into a [`PageLine`] with a theme and the inks at hand.
//! All text in it is clean and free of tabs; the byte ranges of code and of search hits count in the concatenation
//! of its spans ([`Drawn::plain`]).

use std::ops::Range;
use std::sync::Arc;

use ratatui::style::Color;
use ratatui::style::Modifier;
use ratatui::style::Style;

use crate::text::AnsiColor;
use crate::text::Ink as AnsiInk;
use crate::text::clean_line;
use crate::text::width;
use crate::theme::Depth;
use crate::theme::Role;
use crate::theme::Theme;
use crate::ui::page::PageLine;

/// Bytes of the longest line.
const MAX_BYTES: usize = 4096;

/// What a span is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    /// One role.
    Role(Role),
    /// The second role on top of the first: changed words, failed tests in a diff.
    Over(Role, Role),
    /// As the recorded program coloured it.
    Ansi(AnsiInk),
}

/// A run of text with one look.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    pub(super) text: String,
    pub(super) paint: Paint,
}

/// What a stretch of code is written in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lang {
    /// A syntax by name or extension.
    Named(String),
    /// A file; its first line decides where the name does not.
    File { path: String, first_line: String },
}

/// Which of the two texts of a diff a stretch of code belongs to. Each has a parser state of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// The new one.
    New,
    /// The old one.
    Old,
    /// Both: context, or the only text there is.
    Both,
    /// The same line as the code before it, shown once more.
    Again,
    /// More of the new text's last line, which was too long for its side.
    MoreOfNew,
    /// More of the old text's last line.
    MoreOfOld,
}

/// A stretch of a line that is code.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Code {
    /// Where it lies in the plain line.
    pub(super) at: Range<usize>,
    /// Bytes of the source's line before it, which stand in rows above.
    pub(super) skip: usize,
    /// What follows it in the source but was cut off for want of room.
    pub(super) rest: String,
    pub(super) lang: Arc<Lang>,
    pub(super) lane: Lane,
    /// The first line of its text: the parser starts anew.
    pub(super) is_start: bool,
}

/// A line of a block.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Drawn {
    pub(super) spans: Vec<Span>,
    pub(super) hang: usize,
    /// What stands in the indentation of the further rows; at most `hang` cells.
    pub(super) lead: Vec<Span>,
    pub(super) fill: Option<Role>,
    pub(super) can_wrap: bool,
    pub(super) codes: Vec<Code>,
}

impl Drawn {
    /// A line that may be wrapped, with nothing in it yet.
    pub(super) fn new() -> Self {
        Self {
            can_wrap: true,
            ..Self::default()
        }
    }

    /// A line of one span; `text` is cleaned.
    pub(super) fn of(text: &str, role: Role) -> Self {
        let mut line = Self::new();
        line.push(text, role);
        line
    }

    /// Adds text in a role; it is cleaned here.
    pub(super) fn push(&mut self, text: &str, role: Role) {
        self.push_paint(clean_line(text).into_owned(), Paint::Role(role));
    }

    /// Adds text that is already clean.
    pub(super) fn push_paint(&mut self, text: String, paint: Paint) {
        if text.is_empty() {
            return;
        }
        match self.spans.last_mut() {
            Some(last) if last.paint == paint => last.text.push_str(&text),
            _ => self.spans.push(Span { text, paint }),
        }
    }

    /// Adds `text` in `base`, with `marks` (ascending byte ranges of it) painted over.
    pub(super) fn push_marked(&mut self, text: &str, base: Role, marks: &[(Range<usize>, Role)]) {
        let mut done = 0;
        for (range, role) in marks {
            let start = text.floor_char_boundary(range.start.max(done));
            let end = text.ceil_char_boundary(range.end.min(text.len()));
            if start >= end {
                continue;
            }
            let before = text.get(done..start).unwrap_or_default();
            self.push_paint(before.to_owned(), Paint::Role(base));
            let marked = text.get(start..end).unwrap_or_default();
            self.push_paint(marked.to_owned(), Paint::Over(base, *role));
            done = end;
        }
        let rest = text.get(done..).unwrap_or_default();
        self.push_paint(rest.to_owned(), Paint::Role(base));
    }

    /// The text of the line.
    pub(super) fn plain(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }

    /// Bytes of [`Drawn::plain`].
    pub(super) fn len_bytes(&self) -> usize {
        self.spans.iter().map(|span| span.text.len()).sum()
    }

    /// Blanks at the head of the line.
    pub(super) fn leading_blanks(&self) -> usize {
        self.spans
            .iter()
            .flat_map(|span| span.text.bytes())
            .take_while(|byte| *byte == b' ')
            .count()
    }

    /// Cells of the line.
    pub(super) fn cells(&self) -> usize {
        self.spans.iter().map(|span| width(&span.text)).sum()
    }

    /// The line in pieces of at most [`MAX_BYTES`] bytes; one for nearly every line. Code that is divided loses its
    /// colours: it is too long to be highlighted anyway.
    pub(super) fn into_pieces(mut self) -> Vec<Self> {
        if self.len_bytes() <= MAX_BYTES {
            return vec![self];
        }
        let spans = std::mem::take(&mut self.spans);
        self.codes.clear();
        let mut pieces = Vec::new();
        let mut piece = self.clone();
        let mut room = MAX_BYTES;
        for Span { text, paint } in spans {
            let mut rest = text.as_str();
            while rest.len() > room {
                let at = rest.floor_char_boundary(room);
                let (head, tail) = rest.split_at(at);
                piece.push_paint(head.to_owned(), paint);
                pieces.push(std::mem::replace(&mut piece, self.clone()));
                room = MAX_BYTES;
                rest = tail;
            }
            room -= rest.len();
            piece.push_paint(rest.to_owned(), paint);
        }
        pieces.push(piece);
        pieces
    }

    /// Puts the line's styles in: roles by `theme`, code by `inks` (byte ranges of the plain line, ascending).
    pub(super) fn resolve(self, theme: &Theme, inks: &[(Range<usize>, Style)]) -> PageLine {
        let mut spans = Vec::with_capacity(self.spans.len() + inks.len());
        let mut inks = inks.iter().peekable();
        let mut at = 0;
        for span in self.spans {
            let end = at + span.text.len();
            let base = base_style(span.paint, theme);
            let takes_code = takes_code(span.paint, base);
            let mut done = at;
            while let Some((range, code)) = inks.peek() {
                if range.start >= end || !takes_code {
                    if range.end <= end {
                        inks.next();
                        continue;
                    }
                    break;
                }
                let start = range.start.max(done);
                let stop = range.end.min(end);
                push(&mut spans, span.text.get(done - at..start - at), base);
                let style = coded_style(span.paint, base, *code, theme);
                push(&mut spans, span.text.get(start - at..stop - at), style);
                done = stop.max(done);
                if range.end > end {
                    break;
                }
                inks.next();
            }
            push(&mut spans, span.text.get(done - at..), base);
            at = end;
        }
        let lead = self.lead.into_iter();
        let lead = lead.map(|span| (span.text, base_style(span.paint, theme)));
        PageLine {
            spans,
            hang: self.hang,
            lead: lead.collect(),
            fill: self.fill.map(|role| background(theme.style(role))),
            can_wrap: self.can_wrap,
        }
    }
}

fn push(spans: &mut Vec<(String, Style)>, text: Option<&str>, style: Style) {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return;
    };
    match spans.last_mut() {
        Some((last, same)) if *same == style => last.push_str(text),
        _ => spans.push((text.to_owned(), style)),
    }
}

fn background(style: Style) -> Style {
    Style {
        bg: style.bg,
        ..Style::default()
    }
}

fn base_style(paint: Paint, theme: &Theme) -> Style {
    match paint {
        Paint::Role(role) => theme.style(role),
        Paint::Over(base, role) => theme.style(base).patch(theme.style(role)),
        Paint::Ansi(ink) => theme.style(Role::Text).patch(ansi_style(ink, theme)),
    }
}

/// Where added and removed lines have no background of their own, their colour is all that tells them: it stays.
fn takes_code(paint: Paint, base: Style) -> bool {
    match paint {
        Paint::Role(Role::DiffAdd | Role::DiffDel)
        | Paint::Over(Role::DiffAdd | Role::DiffDel, _) => base.bg.is_some(),
        Paint::Role(Role::Text | Role::Dim | Role::CodeInline) | Paint::Over(..) => true,
        Paint::Role(_) | Paint::Ansi(_) => false,
    }
}

fn coded_style(paint: Paint, base: Style, code: Style, theme: &Theme) -> Style {
    let code = Style { bg: None, ..code };
    match paint {
        Paint::Over(_, role) => base.patch(code).patch(background(theme.style(role))),
        Paint::Role(_) | Paint::Ansi(_) => base.patch(code),
    }
}

/// The style of recorded or running terminal output.
pub fn ansi_style(ink: AnsiInk, theme: &Theme) -> Style {
    let mut style = Style {
        fg: ink.fg.and_then(|color| ansi_color(color, theme)),
        bg: ink.bg.and_then(|color| ansi_color(color, theme)),
        ..Style::default()
    };
    let modifiers = [
        (ink.bold, Modifier::BOLD),
        (ink.dim, Modifier::DIM),
        (ink.italic, Modifier::ITALIC),
        (ink.underline, Modifier::UNDERLINED),
        (ink.reverse, Modifier::REVERSED),
        (ink.strike, Modifier::CROSSED_OUT),
    ];
    for (is_on, modifier) in modifiers {
        if is_on {
            style = style.add_modifier(modifier);
        }
    }
    style
}

fn ansi_color(color: AnsiColor, theme: &Theme) -> Option<Color> {
    if theme.depth() == Depth::Mono {
        return None;
    }
    Some(match color {
        AnsiColor::Indexed(index) => theme.indexed(index),
        AnsiColor::Rgb(r, g, b) => theme.color(r, g, b),
    })
}
