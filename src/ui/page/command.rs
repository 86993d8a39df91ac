//! A command as it was typed: prompt, highlighted text, and texts for files folded away where they are shown below.

use std::ops::Range;
use std::sync::Arc;

use crate::model::Edit;
use crate::model::Text;
use crate::text::width;
use crate::theme::Role;
use crate::ui::page::block::Gutter;
use crate::ui::page::block::Tint;
use crate::ui::page::build::Builder;
use crate::ui::page::build::Folding;
use crate::ui::page::drawn::Lang;

/// Bodies of fewer lines, the line that ends them included, stay in sight.
const LEAST_BODY_LINES: usize = 4;

/// Texts for files that are looked for in one command.
const MAX_BODIES: usize = 100;

/// Writes a command in language `lang` after `prompt`. Texts in it that are one of `edits` are folded; returns whether
/// any was, so that the caller shows them.
pub(super) fn write(
    page: &mut Builder,
    text: &Text,
    edits: &[Edit],
    lang: &str,
    prompt: &'static str,
) -> bool {
    let text = match text.strip_suffix('\n') {
        Some(shorter) => Text::from(shorter.trim_end_matches('\n')),
        None => Arc::clone(text),
    };
    if text.is_empty() {
        page.say("(empty: looks at the command that runs)", Role::Placeholder);
        return false;
    }
    let bodies = if edits.is_empty() {
        Vec::new()
    } else {
        bodies(&text, edits)
    };
    let lang = Arc::new(Lang::Named(lang.to_owned()));
    let folding = Folding::over(page.options.fold_lines.saturating_mul(2));
    if bodies.is_empty() {
        let tint = Tint::Code(lang, Role::Text);
        page.lines(&text, Gutter::Prompt(prompt), tint, folding);
        return false;
    }
    let mut done = 0;
    let piece = |page: &mut Builder, range: Range<usize>, is_body: bool| {
        let is_first = range.start == 0;
        let piece = text.get(range).unwrap_or_default();
        let piece = piece.strip_suffix('\n').unwrap_or(piece);
        if piece.is_empty() && !is_body {
            return;
        }
        let gutter = if is_first {
            Gutter::Prompt(prompt)
        } else {
            Gutter::Indent(width(prompt))
        };
        let (tint, folding) = if is_body {
            (Tint::Plain(Role::Text), Folding::closed("shown below"))
        } else {
            (Tint::Code(Arc::clone(&lang), Role::Text), folding)
        };
        page.lines(&Text::from(piece), gutter, tint, folding);
    };
    for body in bodies {
        piece(page, done..body.start, false);
        done = body.end;
        piece(page, body, true);
    }
    piece(page, done..text.len(), false);
    true
}

/// The stretches of whole lines of `cmd` that `edits` say: here-documents and patches.
fn bodies(cmd: &str, edits: &[Edit]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open: Option<Open<'_>> = None;
    let mut at = 0;
    for line in cmd.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let bare = line.trim_end_matches(['\n', '\r']);
        let Some(body) = &mut open else {
            open = opened(bare, at);
            continue;
        };
        if !body.ends(bare) {
            body.lines += 1;
            continue;
        }
        let text = cmd.get(body.start..start).unwrap_or_default();
        if body.lines + 1 >= LEAST_BODY_LINES && is_of(text, body, edits) {
            found.push(body.start..at);
            if found.len() >= MAX_BODIES {
                break;
            }
        }
        open = None;
    }
    found
}

/// A text that has begun.
struct Open<'a> {
    /// The byte of its first line.
    start: usize,
    /// Its lines so far.
    lines: usize,
    /// The word that ends a here-document; `None` in a patch given as an argument.
    word: Option<&'a str>,
}

impl Open<'_> {
    fn ends(&self, line: &str) -> bool {
        match self.word {
            Some(word) => line.trim_matches(['\t', ' ']) == word,
            None => line.starts_with("*** End Patch"),
        }
    }
}

/// The text that begins below `line`, at byte `next`.
fn opened(line: &str, next: usize) -> Option<Open<'_>> {
    let open = |word| {
        Some(Open {
            start: next,
            lines: 0,
            word,
        })
    };
    let mut rest = line;
    while let Some((_, after)) = rest.split_once("<<") {
        if let Some(after) = after.strip_prefix('<') {
            rest = after.trim_start_matches('<');
            continue;
        }
        let word = after.strip_prefix('-').unwrap_or(after).trim_start();
        let word = word.trim_start_matches(['\'', '"', '\\']);
        let end = word
            .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
            .unwrap_or(word.len());
        match word.get(..end) {
            Some(word) if !word.is_empty() => return open(Some(word)),
            _ => rest = after,
        }
    }
    if line.trim_end().ends_with("*** Begin Patch") {
        return open(None);
    }
    None
}

/// Whether an edit was read out of `text`.
fn is_of(text: &str, body: &Open<'_>, edits: &[Edit]) -> bool {
    let head = text.trim_start();
    let is_patch = body.word.is_none()
        || ["*** Begin Patch", "--- ", "diff --git "]
            .iter()
            .any(|start| head.starts_with(start));
    is_patch
        || edits.iter().any(|edit| {
            let new = edit.new.as_deref().or(edit.after.as_deref());
            new.is_some_and(|new| new.trim_end() == text.trim_end())
        })
}
