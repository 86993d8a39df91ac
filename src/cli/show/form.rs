//! The two forms for people: plain text and Markdown. Both clean what they print: nothing of a trajectory reaches a
//! terminal as a control sequence.

use std::borrow::Cow;
use std::io;
use std::io::Write;

use crate::text;
use crate::text::Ink;

/// Writes the pieces of a trajectory.
pub(super) trait Form {
    /// The title of a trajectory; `depth` counts from 0 for the one asked for, higher for its children.
    fn title(&mut self, depth: usize, text: &str) -> io::Result<()>;
    /// A fact of the head.
    fn fact(&mut self, name: &str, value: &str) -> io::Result<()>;
    /// The beginning of a step or of the end.
    fn section(&mut self, depth: usize, text: &str) -> io::Result<()>;
    /// Running text, perhaps in Markdown itself; `name` says what it is where that is not plain.
    fn prose(&mut self, name: &str, text: &str) -> io::Result<()>;
    /// The beginning of an action or a result.
    fn label(&mut self, mark: char, text: &str) -> io::Result<()>;
    /// What a program printed: escape sequences are obeyed as far as they move the cursor, and taken out.
    fn printed(&mut self, text: &str) -> io::Result<()> {
        self.block("", &without_escapes(text))
    }
    /// Text that stays as it is.
    fn block(&mut self, language: &str, text: &str) -> io::Result<()>;
}

fn without_escapes(text: &str) -> Cow<'_, str> {
    if !text::has_escapes(text) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut ink = Ink::default();
    for line in text.split_inclusive('\n') {
        let body = line.strip_suffix('\n').unwrap_or(line);
        let (spans, next) = text::ansi_line(body, ink);
        ink = next;
        out.extend(spans.into_iter().map(|(text, _)| text));
        if body.len() < line.len() {
            out.push('\n');
        }
    }
    out.into()
}

/// Writes a text, clean and with exactly one line break at its end.
fn lines(out: &mut dyn Write, text: &str) -> io::Result<()> {
    writeln!(out, "{}", text::clean(text.trim_end_matches(['\n', '\r'])))
}

/// Plain text.
pub(super) struct Plain<'a> {
    out: &'a mut dyn Write,
}

impl<'a> Plain<'a> {
    /// Text that goes to `out`.
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        Self { out }
    }
}

impl Form for Plain<'_> {
    fn title(&mut self, depth: usize, text: &str) -> io::Result<()> {
        if depth > 0 {
            writeln!(self.out)?;
        }
        let text = text::clean_line(text);
        writeln!(
            self.out,
            "{text}\n{}",
            "═".repeat(text::width(&text).min(80))
        )
    }

    fn fact(&mut self, name: &str, value: &str) -> io::Result<()> {
        writeln!(self.out, "{name:<9} {}", text::clean_line(value))
    }

    fn section(&mut self, _depth: usize, text: &str) -> io::Result<()> {
        writeln!(self.out, "\n━━ {}", text::clean_line(text))
    }

    fn prose(&mut self, name: &str, text: &str) -> io::Result<()> {
        if !name.is_empty() {
            writeln!(self.out, "({name})")?;
        }
        lines(self.out, text)
    }

    fn label(&mut self, mark: char, text: &str) -> io::Result<()> {
        writeln!(self.out, "{mark} {}", text::clean_line(text))
    }

    fn block(&mut self, _language: &str, text: &str) -> io::Result<()> {
        lines(self.out, text)
    }
}

/// Markdown.
pub(super) struct Markdown<'a> {
    out: &'a mut dyn Write,
}

impl<'a> Markdown<'a> {
    /// Markdown that goes to `out`.
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        Self { out }
    }

    /// One line of text in which nothing is markup.
    fn plain(text: &str) -> String {
        let mut out = String::new();
        for letter in text::clean_line(text).chars() {
            if matches!(
                letter,
                '\\' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '#' | '|'
            ) {
                out.push('\\');
            }
            out.push(letter);
        }
        out
    }
}

impl Form for Markdown<'_> {
    fn title(&mut self, depth: usize, text: &str) -> io::Result<()> {
        let before = if depth > 0 { "\n" } else { "" };
        writeln!(
            self.out,
            "{before}{} {}\n",
            "#".repeat((depth + 1).min(5)),
            Self::plain(text)
        )
    }

    fn fact(&mut self, name: &str, value: &str) -> io::Result<()> {
        writeln!(self.out, "- **{name}**: {}", Self::plain(value))
    }

    fn section(&mut self, depth: usize, text: &str) -> io::Result<()> {
        writeln!(
            self.out,
            "\n{} {}",
            "#".repeat((depth + 2).min(6)),
            Self::plain(text)
        )
    }

    fn prose(&mut self, name: &str, text: &str) -> io::Result<()> {
        // A quotation keeps headings and fences of the text from reaching into ours.
        let mark = if name.is_empty() {
            String::new()
        } else {
            format!("*{name}*\n\n")
        };
        write!(self.out, "\n{mark}")?;
        for line in text::clean(text.trim_end()).lines() {
            writeln!(self.out, "{}", format!("> {line}").trim_end())?;
        }
        Ok(())
    }

    fn label(&mut self, _mark: char, text: &str) -> io::Result<()> {
        writeln!(self.out, "\n**{}**", Self::plain(text))
    }

    fn block(&mut self, language: &str, text: &str) -> io::Result<()> {
        let longest = text
            .split(|letter| letter != '`')
            .map(str::len)
            .max()
            .unwrap_or(0);
        let fence = "`".repeat((longest + 1).max(3));
        writeln!(self.out, "\n{fence}{language}")?;
        lines(self.out, text)?;
        writeln!(self.out, "{fence}")
    }
}
