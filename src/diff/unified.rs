//! Hunks as unified diff text.

use std::fmt::Write as _;

use crate::diff::DiffTag;
use crate::diff::Hunk;

/// Writes the hunks of one file as a unified diff; empty when there are none. A file that is new as a whole is written
/// against `/dev/null`. Hunks without line numbers get a bare `@@` and their anchor.
pub fn unified(path: &str, hunks: &[Hunk]) -> String {
    let [first, rest @ ..] = hunks else {
        return String::new();
    };
    let mut out = String::new();
    let is_only = rest.is_empty() && first.has_numbers();
    if is_only && first.old_start == 0 && first.old_len == 0 {
        out.push_str("--- /dev/null\n");
    } else {
        out.extend(["--- a/", path, "\n"]);
    }
    if is_only && first.new_start == 0 && first.new_len == 0 {
        out.push_str("+++ /dev/null\n");
    } else {
        out.extend(["+++ b/", path, "\n"]);
    }
    for hunk in hunks {
        write_hunk(&mut out, hunk);
    }
    out
}

fn write_hunk(out: &mut String, hunk: &Hunk) {
    out.push_str("@@");
    if hunk.has_numbers() {
        out.push_str(" -");
        write_range(out, hunk.old_start, hunk.old_len);
        out.push_str(" +");
        write_range(out, hunk.new_start, hunk.new_len);
        out.push_str(" @@");
    }
    if !hunk.heading.is_empty() {
        out.push(' ');
        out.push_str(&hunk.heading);
    }
    out.push('\n');
    for line in &hunk.lines {
        out.push(match line.tag {
            DiffTag::Same => ' ',
            DiffTag::Removed => '-',
            DiffTag::Added => '+',
        });
        out.push_str(&line.text);
        out.push('\n');
        if line.no_newline {
            out.push_str("\\ No newline at end of file\n");
        }
    }
}

fn write_range(out: &mut String, start: usize, len: usize) {
    // Writing to a String cannot fail.
    let written = match len {
        1 => write!(out, "{start}"),
        _ => write!(out, "{start},{len}"),
    };
    written.unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::DiffLine;
    use crate::diff::diff_texts;

    #[test]
    fn new_and_removed_files_name_dev_null() {
        assert_eq!(
            unified("p", &diff_texts("", "a\n", 3, 1)),
            "--- /dev/null\n+++ b/p\n@@ -0,0 +1 @@\n+a\n"
        );
        assert_eq!(
            unified("p", &diff_texts("a\n", "", 3, 1)),
            "--- a/p\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"
        );
        assert_eq!(unified("p", &[]), "");
    }

    #[test]
    fn hunks_without_numbers_keep_their_anchor() {
        let hunk = Hunk {
            heading: "def f():".to_owned(),
            lines: vec![DiffLine::new(DiffTag::Added, "x")],
            ..Hunk::default()
        };
        assert_eq!(unified("p", &[hunk]), "--- a/p\n+++ b/p\n@@ def f():\n+x\n");
    }
}
