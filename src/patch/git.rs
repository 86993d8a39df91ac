//! Patches in git's form, but for the lines that name its objects.

use std::fmt::Write as _;

use crate::diff::diff_files;
use crate::diff::unified;

/// One side of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side<'a> {
    /// Its mode, as git writes modes: `100644`. `None` where there is no such file.
    pub mode: Option<&'static str>,
    /// What is in it; of a link, its target.
    pub text: &'a str,
}

impl<'a> Side<'a> {
    /// `None` for bytes that are no text.
    pub fn of(mode: Option<&'static str>, bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes)
            .ok()
            .filter(|text| !text.contains('\0'))?;
        Some(Self { mode, text })
    }
}

/// Adds the part of one file to a patch: what leads from one side to the other.
pub fn write_part(name: &str, old: Side<'_>, new: Side<'_>, patch: &mut String) {
    let (from, to) = (quoted("a/", name), quoted("b/", name));
    let mut say = |line: String| {
        patch.push_str(&line);
        patch.push('\n');
    };
    let modes = (old.mode, new.mode);
    if modes == (None, None) {
        return;
    }
    say(format!("diff --git {from} {to}"));
    match modes {
        (None, Some(mode)) => say(format!("new file mode {mode}")),
        (Some(mode), None) => say(format!("deleted file mode {mode}")),
        (Some(old), Some(new)) if old != new => {
            say(format!("old mode {old}"));
            say(format!("new mode {new}"));
        }
        _ => {}
    }
    let text = unified(name, &diff_files(old.text, new.text, 3));
    let Some((_, body)) = text.split_once("\n+++ ") else {
        return;
    };
    let Some((_, body)) = body.split_once('\n') else {
        return;
    };
    // a whole file that was emptied is not one that is gone
    let from = old.mode.map_or("/dev/null", |_| from.as_str());
    let to = new.mode.map_or("/dev/null", |_| to.as_str());
    say(format!("--- {from}"));
    say(format!("+++ {to}"));
    patch.push_str(body);
}

/// A path as git writes it: in quotes where it holds what lines and words may not.
fn quoted(front: &str, path: &str) -> String {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if path.bytes().all(is_plain) {
        return format!("{front}{path}");
    }
    let mut text = format!("\"{front}");
    for byte in path.bytes() {
        match byte {
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            _ if is_plain(byte) => text.push(char::from(byte)),
            // writing to a String cannot fail
            _ => write!(text, "\\{byte:03o}").unwrap_or_default(),
        }
    }
    text.push('"');
    text
}
