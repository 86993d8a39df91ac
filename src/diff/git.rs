//! The change of one file as git writes it, but for the lines that name its objects.

use std::fmt::Write as _;

use crate::diff::diff_files;
use crate::diff::unified;

/// Lines around a change.
const CONTEXT: usize = 3;

/// A file before or after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GitSide<'a> {
    /// Its mode as git knows modes: `100644`, `100755`, `120000`.
    pub mode: &'static str,
    /// Its text; the target of a link.
    pub text: &'a str,
}

impl<'a> GitSide<'a> {
    /// A plain file.
    pub fn plain(text: &'a str) -> Self {
        Self {
            mode: "100644",
            text,
        }
    }
}

/// The patch of one file; `None` where there is none before or after. Empty where nothing changed.
pub fn git_patch(path: &str, old: Option<GitSide<'_>>, new: Option<GitSide<'_>>) -> String {
    if old == new {
        return String::new();
    }
    let (from, to) = (quoted("a/", path), quoted("b/", path));
    let mut lines = vec![format!("diff --git {from} {to}")];
    match (old, new) {
        (None, Some(new)) => lines.push(format!("new file mode {}", new.mode)),
        (Some(old), None) => lines.push(format!("deleted file mode {}", old.mode)),
        (Some(old), Some(new)) if old.mode != new.mode => {
            lines.push(format!("old mode {}", old.mode));
            lines.push(format!("new mode {}", new.mode));
        }
        _ => {}
    }
    let text = |side: Option<GitSide<'_>>| side.map_or(String::new(), |side| side.text.to_owned());
    let hunks = unified(path, &diff_files(&text(old), &text(new), CONTEXT));
    // what stands above the hunks is ours: names may need quotes, and a file that was emptied is not one that is gone
    let body = hunks
        .split_once("\n+++ ")
        .and_then(|(_, body)| body.split_once('\n'));
    if body.is_some() {
        let or_nothing =
            |side: Option<GitSide<'_>>, path| side.map_or("/dev/null".to_owned(), |_| path);
        lines.push(format!("--- {}", or_nothing(old, from)));
        lines.push(format!("+++ {}", or_nothing(new, to)));
    }
    let mut patch = lines.join("\n");
    patch.push('\n');
    patch.push_str(body.map_or("", |(_, body)| body));
    patch
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, old: Option<&str>, new: Option<&str>, want: &str) {
        let side = |text: Option<&'static str>| text.map(GitSide::plain);
        let keep = |text: Option<&str>| text.map(|text| &*text.to_owned().leak());
        assert_eq!(git_patch(path, side(keep(old)), side(keep(new))), want);
    }

    #[test]
    fn changes_are_written_as_git_writes_them() {
        check("p", Some("a\n"), Some("a\n"), "");
        check(
            "p",
            Some("a\n"),
            Some("b\n"),
            "diff --git a/p b/p\n--- a/p\n+++ b/p\n@@ -1 +1 @@\n-a\n+b\n",
        );
        check(
            "p",
            None,
            Some("b\n"),
            "diff --git a/p b/p\nnew file mode 100644\n--- /dev/null\n+++ b/p\n@@ -0,0 +1 @@\n+b\n",
        );
        check(
            "p",
            None,
            Some(""),
            "diff --git a/p b/p\nnew file mode 100644\n",
        );
        check(
            "p",
            Some("a\n"),
            None,
            "diff --git a/p b/p\ndeleted file mode 100644\n--- a/p\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n",
        );
        // emptied, not gone
        check(
            "ä\t",
            Some("a\n"),
            Some(""),
            "diff --git \"a/\\303\\244\\t\" \"b/\\303\\244\\t\"\n--- \"a/\\303\\244\\t\"\n\
             +++ \"b/\\303\\244\\t\"\n@@ -1 +0,0 @@\n-a\n",
        );
    }

    #[test]
    fn modes_change_with_or_without_text() {
        let old = GitSide::plain("a\n");
        let new = GitSide {
            mode: "100755",
            ..old
        };
        let head = "diff --git a/p b/p\nold mode 100644\nnew mode 100755\n";
        assert_eq!(git_patch("p", Some(old), Some(new)), head);
    }
}
