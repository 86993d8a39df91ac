//! Syntax highlighting line by line, on any thread but the one that draws.
//!
//! Parsing is syntect's, with bat's syntaxes; its state can be cloned, so a long file can be picked up at any
//! checkpoint. Only foregrounds, bold and italic come out: backgrounds belong to the page.

mod grammars;

use std::ops::Range;

use ratatui::style::Modifier;
use ratatui::style::Style;
use syntect::highlighting::FontStyle;
use syntect::highlighting::HighlightIterator;
use syntect::highlighting::HighlightState;
use syntect::parsing::ParseState;
use syntect::parsing::ScopeStack;
use syntect::parsing::ScopeStackOp;
use syntect::parsing::SyntaxReference;

use crate::theme::Depth;
use crate::theme::Role;
use crate::theme::Theme;
use crate::theme::color;
use crate::theme::highlight::grammars::Grammars;
use crate::theme::highlight::grammars::is_language;
use crate::theme::highlight::grammars::syntaxes;

/// The longest line that is parsed: some grammars take time by the square of a line's length.
const LINE_MAX_BYTES: usize = 2048;

/// The least contrast of code on the theme's grounds.
const CONTRAST: f64 = 4.5;

/// A syntax of the built-in set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SyntaxId(pub usize);

/// The parser's state between two lines; a checkpoint when cloned.
#[derive(Debug, Clone)]
pub struct CodeState(Option<Parsing>);

#[derive(Debug, Clone)]
struct Parsing {
    syntax: SyntaxId,
    parse: ParseState,
    highlight: HighlightState,
}

/// Syntaxes and the code colours of one theme. Cheap to share (`Arc`), expensive to make: once per theme.
#[derive(Debug)]
pub struct Highlighter {
    /// `None` leaves everything plain.
    colors: Option<syntect::highlighting::Highlighter<'static>>,
    depth: Depth,
    /// Backgrounds that code stands on, as far as their values are known.
    grounds: Vec<color::Rgb>,
}

impl Highlighter {
    /// The built-in syntaxes with the code colours of this theme.
    pub fn new(theme: &Theme) -> Self {
        let edits = [Role::DiffAdd, Role::DiffDel]
            .into_iter()
            .filter_map(|role| theme.style(role).bg.and_then(color::value));
        Self {
            colors: theme.syntax.map(syntect::highlighting::Highlighter::new),
            depth: theme.depth(),
            grounds: theme.ground.into_iter().chain(edits).collect(),
        }
    }

    /// Unpacks the syntaxes and compiles what the usual ones need; takes a good part of a second, on a thread of its
    /// own.
    pub fn warm(&self) {
        const SAMPLES: [(&str, &str); 5] = [
            (
                "python",
                "@a.b\ndef f(x: int = 1) -> str:\n    \"\"\"Doc {x}.\"\"\"\n    return f\"{x!r}\" + 'a' # c\nclass C(B): pass\n",
            ),
            (
                "bash",
                "cd \"$A\" && ls -la | grep -n 'x' > f.txt # c\nif [ -f a ]; then echo $(pwd); fi\n",
            ),
            (
                "diff",
                "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@ def f\n-a\n+b\n c\n",
            ),
            ("json", "{\"a\": [1.5, true, null, \"b\\n\"]}\n"),
            (
                "markdown",
                "# A\n\n- *b* `c` [d](e)\n\n```python\nx = 1\n```\n",
            ),
        ];
        for (name, sample) in SAMPLES {
            if let Some(syntax) = self.syntax_named(name) {
                let mut state = self.start(syntax);
                for line in sample.lines() {
                    self.line(&mut state, line);
                }
            }
        }
    }

    /// The syntax for a file, by its name, else by its first line (`#!`); `None` for plain text.
    pub fn syntax_of_path(&self, path: &str, first_line: &str) -> Option<SyntaxId> {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let name = name.trim_end_matches(['~']);
        let ending = name.rsplit_once('.').map(|(_, ending)| ending);
        by_token(name)
            .filter(|_| !name.is_empty())
            .or_else(|| by_token(ending?))
            .or_else(|| {
                let is_short = first_line.len() <= LINE_MAX_BYTES;
                let line = if is_short { first_line } else { "" };
                syntaxes().find_syntax_by_first_line(line)
            })
            .and_then(id)
    }

    /// The syntax with this name or extension: `bash`, `python`, `json`, `diff`.
    pub fn syntax_named(&self, name: &str) -> Option<SyntaxId> {
        by_token(name.trim()).and_then(id)
    }

    /// The state before the first line.
    pub fn start(&self, syntax: SyntaxId) -> CodeState {
        let parsing = self
            .colors
            .as_ref()
            .zip(syntaxes().syntaxes().get(syntax.0))
            .map(|(colors, found)| Parsing {
                syntax,
                parse: ParseState::new(found),
                highlight: HighlightState::new(colors, ScopeStack::new()),
            });
        CodeState(parsing)
    }

    /// Colours one line (without its newline) and moves the state on. Ranges are bytes of `line`, ascending, not
    /// overlapping; lines over 2 KB come back uncoloured and leave the state as it was.
    pub fn line(&self, state: &mut CodeState, line: &str) -> Vec<(Range<usize>, Style)> {
        let (Some(colors), CodeState(Some(parsing))) = (&self.colors, state) else {
            return Vec::new();
        };
        if line.len() > LINE_MAX_BYTES {
            return Vec::new();
        }
        // the syntaxes expect lines with their newlines
        let whole = format!("{line}\n");
        let Some(set) = Grammars::lock().of(parsing.syntax) else {
            return Vec::new();
        };
        let Ok(ops) = parsing.parse.parse_line(&whole, &set) else {
            return Vec::new();
        };
        for (_, op) in &ops {
            if let ScopeStackOp::Push(scope) = op
                && is_language(*scope)
            {
                Grammars::lock().meet(parsing.syntax, *scope);
            }
        }
        let mut at = 0;
        let mut spans: Vec<(Range<usize>, Style)> = Vec::new();
        for (style, text) in HighlightIterator::new(&mut parsing.highlight, &ops, &whole, colors) {
            let range = at..(at + text.len()).min(line.len());
            at += text.len();
            let style = self.style(style);
            if range.is_empty() || style == Style::default() {
                continue;
            }
            match spans.last_mut() {
                Some((before, same)) if *same == style && before.end == range.start => {
                    before.end = range.end;
                }
                _ => spans.push((range, style)),
            }
        }
        spans
    }

    /// A syntax colour at our depth, moved until it can be read on the theme's grounds.
    fn style(&self, style: syntect::highlighting::Style) -> Style {
        let fg = style.foreground;
        let color = match fg.a {
            // bat's way to name one of the terminal's own colours, and its default
            0 => Some(color::indexed(fg.r, self.depth)),
            1 => None,
            _ => {
                let (r, g, b) = self
                    .grounds
                    .iter()
                    .fold((fg.r, fg.g, fg.b), |color, ground| {
                        color::legible(color, *ground, CONTRAST)
                    });
                Some(color::rgb(r, g, b, self.depth))
            }
        };
        let mut out = Style {
            fg: color,
            ..Style::default()
        };
        if style.font_style.contains(FontStyle::BOLD) {
            out = out.add_modifier(Modifier::BOLD);
        }
        if style.font_style.contains(FontStyle::ITALIC) {
            out = out.add_modifier(Modifier::ITALIC);
        }
        out
    }
}

/// The number of a syntax; plain text has none.
fn id(syntax: &SyntaxReference) -> Option<SyntaxId> {
    if syntax.name == "Plain Text" {
        return None;
    }
    syntaxes()
        .syntaxes()
        .iter()
        .position(|known| std::ptr::eq(known, syntax))
        .map(SyntaxId)
}

/// Finds a syntax by extension, whole file name, name, or what agents call it in fenced code.
fn by_token(token: &str) -> Option<&'static SyntaxReference> {
    let lower = token.to_ascii_lowercase();
    let token = match lower.as_str() {
        "" | "text" | "txt" | "plain" | "plaintext" | "output" | "log" => return None,
        "shell" | "console" | "shell-session" | "terminal" => "bash",
        "ipython" | "pycon" | "python3" | "py3" | "pyi" | "pyx" => "python",
        "patch" | "udiff" => "diff",
        "node" | "mjs" | "cjs" => "js",
        "jsonl" | "ndjson" | "json5" | "jsonc" | "ipynb" => "json",
        "golang" => "go",
        "c++" | "cc" | "hpp" => "cpp",
        "objective-c" => "objc",
        "c#" | "csharp" => "cs",
        "docker" | "containerfile" => "dockerfile",
        "make" => "makefile",
        other => other,
    };
    syntaxes().find_syntax_by_token(token)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use ratatui::style::Color;

    use super::*;

    fn highlighter(name: &str, depth: Depth) -> Highlighter {
        Highlighter::new(&Theme::load(name, depth, Path::new("/nowhere")).unwrap())
    }

    #[track_caller]
    fn check_name(found: Option<SyntaxId>, want: &str) {
        let name = found.map(|id| syntaxes().syntaxes()[id.0].name.as_str());
        assert_eq!(name.unwrap_or("-"), want);
    }

    #[test]
    fn names_and_paths_find_syntaxes() {
        let code = highlighter("dark", Depth::True);
        for (name, want) in [
            ("python", "Python"),
            ("py", "Python"),
            ("Python", "Python"),
            ("bash", "Bourne Again Shell (bash)"),
            ("sh", "Bourne Again Shell (bash)"),
            ("shell", "Bourne Again Shell (bash)"),
            ("console", "Bourne Again Shell (bash)"),
            ("diff", "Diff"),
            ("patch", "Diff"),
            ("json", "JSON"),
            ("jsonl", "JSON"),
            ("markdown", "Markdown"),
            ("md", "Markdown"),
            ("js", "JavaScript"),
            ("ts", "TypeScript"),
            ("rs", "Rust"),
            ("rust", "Rust"),
            ("yml", "YAML"),
            ("yaml", "YAML"),
            ("toml", "TOML"),
            ("dockerfile", "Dockerfile"),
            ("c++", "C++"),
            ("text", "-"),
            ("", "-"),
            ("no-such", "-"),
        ] {
            check_name(code.syntax_named(name), want);
        }
        for (path, first, want) in [
            ("/repo/a/b.py", "", "Python"),
            ("Dockerfile", "", "Dockerfile"),
            ("/x/Makefile", "", "Makefile"),
            ("setup.cfg", "", "INI"),
            ("run", "#!/usr/bin/env python3", "Python"),
            ("run", "#!/bin/bash", "Bourne Again Shell (bash)"),
            ("notes.txt", "hello", "-"),
            ("", "", "-"),
            ("a/", "", "-"),
        ] {
            check_name(code.syntax_of_path(path, first), want);
        }
    }

    #[test]
    fn ranges_are_in_order_and_inside() {
        let code = highlighter("dark", Depth::True);
        let mut state = code.start(code.syntax_named("python").unwrap());
        for line in [
            "def f(é=\"ü\"):",
            "    '''open",
            "",
            "close''' # ж",
            "\u{0}(",
        ] {
            let spans = code.line(&mut state, line);
            let mut end = 0;
            for (range, style) in &spans {
                assert!(range.start >= end && range.start < range.end);
                assert!(line.get(range.clone()).is_some(), "{line:?} {range:?}");
                assert_eq!(style.bg, None);
                end = range.end;
            }
        }
    }

    #[test]
    fn colours_stay_when_many_languages_were_met() {
        let code = highlighter("dark", Depth::True);
        let mut state = code.start(code.syntax_named("python").unwrap());
        code.line(&mut state, "x = '''text");
        let want = code.line(&mut state.clone(), "def f");
        let python = code.syntax_named("python").unwrap();
        let first = Grammars::lock().of(python).unwrap();
        let names =
            "rs go js ts java cpp cs rb php lua yaml toml html css sql xml pl scala kt swift hs";
        for name in names.split(' ') {
            let mut other = code.start(code.syntax_named(name).unwrap());
            code.line(&mut other, "let x = 1; // <a>");
        }
        let other = Grammars::lock().of(python).unwrap();
        assert!(!Arc::ptr_eq(&first, &other));
        assert_eq!(code.line(&mut state, "def f"), want);
    }

    #[test]
    fn the_state_is_a_checkpoint() {
        let code = highlighter("dark", Depth::True);
        let mut inside = code.start(code.syntax_named("python").unwrap());
        let mut outside = inside.clone();
        code.line(&mut inside, "x = '''text");
        let checkpoint = inside.clone();
        let in_string = code.line(&mut inside, "def f");
        assert_ne!(in_string, code.line(&mut outside, "def f"));
        assert_eq!(in_string, code.line(&mut checkpoint.clone(), "def f"));
        // a line that is too long changes nothing
        let mut state = checkpoint;
        assert!(code.line(&mut state, &"'''".repeat(1000)).is_empty());
        assert_eq!(in_string, code.line(&mut state, "def f"));
    }

    #[test]
    fn colors_fit_the_depth_and_can_be_read() {
        let line = "def f(x): return 'text' + 1.5 # comment";
        for (name, depth) in [
            ("dark", Depth::True),
            ("light", Depth::True),
            ("high-contrast", Depth::True),
            ("dark", Depth::Ansi256),
            ("light", Depth::Ansi256),
            ("light", Depth::Ansi16),
        ] {
            let code = highlighter(name, depth);
            let mut state = code.start(code.syntax_named("python").unwrap());
            let spans = code.line(&mut state, line);
            assert!(spans.len() > 4, "{name} {depth:?}");
            for (range, style) in spans {
                let fg = style.fg.unwrap_or(Color::Reset);
                match depth {
                    Depth::True => assert!(matches!(fg, Color::Rgb(..))),
                    Depth::Ansi256 => assert!(matches!(fg, Color::Indexed(_))),
                    _ => assert!(!matches!(fg, Color::Rgb(..) | Color::Indexed(_))),
                }
                // the nearest of 256 may be a little darker than the colour that was made legible
                let least = if depth == Depth::True { CONTRAST } else { 3.0 };
                for ground in &code.grounds {
                    if let Some(value) = color::value(fg) {
                        let contrast = color::contrast(value, *ground);
                        assert!(contrast >= least, "{name} {range:?} {contrast}");
                    }
                }
            }
        }
    }

    #[test]
    fn without_colors_nothing_is_parsed() {
        let code = highlighter("dark", Depth::Mono);
        let mut state = code.start(code.syntax_named("python").unwrap());
        assert!(code.line(&mut state, "def f(): pass").is_empty());
        code.warm();
    }
}
