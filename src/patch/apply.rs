//! Applying a file's patch to a text, and turning a patch round.
//!
//! Content has to agree (line ends and blanks at line ends aside); the place may be some lines off, as with git and
//! patch, and is looked for in the whole rest of the file where a hunk has no numbers.

use crate::diff::DiffLine;
use crate::diff::DiffTag;
use crate::diff::Hunk;
use crate::patch::FilePatch;
use crate::patch::PatchKind;

/// How many lines away from where it says a hunk may belong.
const MAX_OFFSET: usize = 200;

/// Line comparisons that one patch may cost; keeps hostile patches from quadratic work.
const MAX_COMPARISONS: usize = 10_000_000;

/// Why a patch does not apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    /// The hunk, from 0.
    pub hunk_ix: usize,
    /// The 1-based line of the text where it was expected.
    pub line_no: usize,
}

impl std::fmt::Display for Conflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "hunk {} does not fit at line {}",
            self.hunk_ix + 1,
            self.line_no
        )
    }
}

impl std::error::Error for Conflict {}

/// Applies the hunks of `file` to `base` and returns the text after. New lines keep the line ends that they have where the
/// old lines of their hunk have those of `base`; otherwise line ends were lost on the way, and they get those of `base`.
/// Names, modes and binary content are the caller's business; the text after a deletion is what the hunks leave, mostly
/// nothing.
///
/// # Errors
/// The first hunk that fits nowhere.
pub fn apply(file: &FilePatch, base: &str) -> Result<String, Conflict> {
    let mut work = Work {
        base: base.split_inclusive('\n').collect(),
        done: 0,
        out: String::with_capacity(base.len()),
        shift: 0,
        budget: MAX_COMPARISONS,
        line_end: if base
            .split_inclusive('\n')
            .next()
            .is_some_and(|line| line.ends_with("\r\n"))
        {
            "\r\n"
        } else {
            "\n"
        },
    };
    for (hunk_ix, hunk) in file.hunks.iter().enumerate() {
        let expected = work.expected(hunk);
        let at = work.find(hunk, expected).ok_or(Conflict {
            hunk_ix,
            line_no: expected + 1,
        })?;
        if hunk.has_numbers() {
            work.shift = at.cast_signed() - nominal(hunk).cast_signed();
        }
        work.put(hunk, at);
    }
    for line in work.base.get(work.done..).unwrap_or_default() {
        push_line(&mut work.out, line);
    }
    Ok(work.out)
}

/// The 0-based line at which a hunk says it starts.
fn nominal(hunk: &Hunk) -> usize {
    if hunk.old_len == 0 {
        hunk.old_start
    } else {
        hunk.old_start.saturating_sub(1)
    }
}

struct Work<'a> {
    base: Vec<&'a str>,
    /// Lines of `base` that are dealt with.
    done: usize,
    out: String,
    /// How far off the last hunk was.
    shift: isize,
    budget: usize,
    line_end: &'static str,
}

impl Work<'_> {
    /// The 0-based line where the search for a hunk starts.
    fn expected(&self, hunk: &Hunk) -> usize {
        if hunk.has_numbers() {
            let at = nominal(hunk).saturating_add_signed(self.shift);
            return at.clamp(self.done, self.base.len().max(self.done));
        }
        let mut at = self.done;
        for anchor in hunk
            .heading
            .split(" @@ ")
            .map(str::trim)
            .filter(|anchor| !anchor.is_empty())
        {
            let below = self.base.get(at..).unwrap_or_default();
            if let Some(found) = below.iter().position(|line| line.trim() == anchor) {
                at += found + 1;
            }
        }
        at
    }

    fn find(&mut self, hunk: &Hunk, expected: usize) -> Option<usize> {
        let old: Vec<&DiffLine> = hunk
            .lines
            .iter()
            .filter(|line| line.tag != DiffTag::Added)
            .collect();
        if old.is_empty() {
            // Without numbers and anchor the dialect means the end of the file.
            let is_placed = hunk.has_numbers() || expected > self.done;
            return Some(if is_placed { expected } else { self.base.len() });
        }
        let last = self.base.len().checked_sub(old.len())?;
        if hunk.has_numbers() {
            return [Likeness::Exact, Likeness::TrailingBlanks]
                .into_iter()
                .find_map(|likeness| {
                    (0..=MAX_OFFSET)
                        .flat_map(|offset| {
                            [expected.checked_add(offset), expected.checked_sub(offset)]
                        })
                        .flatten()
                        .filter(|at| (self.done..=last).contains(at))
                        .collect::<Vec<_>>()
                        .into_iter()
                        .find(|at| self.fits(&old, *at, likeness))
                });
        }
        let starts = [expected, self.done];
        [Likeness::Exact, Likeness::TrailingBlanks, Likeness::Blanks]
            .into_iter()
            .find_map(|likeness| {
                starts
                    .into_iter()
                    .find_map(|start| (start..=last).find(|at| self.fits(&old, *at, likeness)))
            })
    }

    fn fits(&mut self, old: &[&DiffLine], at: usize, likeness: Likeness) -> bool {
        let Some(lines) = self.base.get(at..at + old.len()) else {
            return false;
        };
        for (line, wanted) in lines.iter().zip(old) {
            let Some(budget) = self.budget.checked_sub(1) else {
                return false;
            };
            self.budget = budget;
            if !likeness.holds(without_end(line), without_end(&wanted.text)) {
                return false;
            }
        }
        true
    }

    /// Whether the old lines of a hunk, of which there are some, end as the lines at `at` do.
    fn has_line_ends_of(&self, hunk: &Hunk, at: usize) -> bool {
        let lines = self.base.get(at..).unwrap_or_default();
        let old = hunk.lines.iter().filter(|line| line.tag != DiffTag::Added);
        let ends_alike = |(line, old): (&&str, &DiffLine)| {
            let line = line.strip_suffix('\n').unwrap_or(line);
            line.ends_with('\r') == old.text.ends_with('\r')
        };
        let mut pairs = lines.iter().zip(old).peekable();
        pairs.peek().is_some() && pairs.all(ends_alike)
    }

    fn put(&mut self, hunk: &Hunk, at: usize) {
        for line in self.base.get(self.done..at).unwrap_or_default() {
            push_line(&mut self.out, line);
        }
        self.done = at;
        let line_end = if self.has_line_ends_of(hunk, at) {
            "\n"
        } else {
            self.line_end
        };
        for line in &hunk.lines {
            match line.tag {
                DiffTag::Same => {
                    push_line(
                        &mut self.out,
                        self.base.get(self.done).copied().unwrap_or_default(),
                    );
                    self.done += 1;
                }
                DiffTag::Removed => self.done += 1,
                DiffTag::Added => {
                    push_line(&mut self.out, &line.text);
                    if !line.no_newline {
                        let has_cr = line.text.ends_with('\r');
                        self.out.push_str(if has_cr { "\n" } else { line_end });
                    }
                }
            }
        }
    }
}

/// How much two lines may differ.
#[derive(Clone, Copy)]
enum Likeness {
    Exact,
    TrailingBlanks,
    Blanks,
}

impl Likeness {
    fn holds(self, a: &str, b: &str) -> bool {
        match self {
            Self::Exact => a == b,
            Self::TrailingBlanks => a.trim_end() == b.trim_end(),
            Self::Blanks => a.trim() == b.trim(),
        }
    }
}

fn without_end(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

/// Adds a line; a line before it that had no line break, because it was the last, gets one.
fn push_line(out: &mut String, line: &str) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    out.push_str(line);
}

/// The patch that takes `file` back.
pub fn reversed(file: &FilePatch) -> FilePatch {
    FilePatch {
        old_path: file.new_path.clone(),
        new_path: file.old_path.clone(),
        kind: match file.kind {
            PatchKind::Added => PatchKind::Deleted,
            PatchKind::Deleted => PatchKind::Added,
            kind => kind,
        },
        old_mode: file.new_mode.clone(),
        new_mode: file.old_mode.clone(),
        is_binary: file.is_binary,
        hunks: file.hunks.iter().map(reversed_hunk).collect(),
        is_damaged: file.is_damaged,
        line: file.line,
        hunk_lines: file.hunk_lines.clone(),
    }
}

fn reversed_hunk(hunk: &Hunk) -> Hunk {
    let mut lines = Vec::with_capacity(hunk.lines.len());
    // Removed lines come before added ones, so what was removed waits until the run is over.
    let mut added = Vec::new();
    for line in &hunk.lines {
        let turned = DiffLine {
            tag: match line.tag {
                DiffTag::Same => DiffTag::Same,
                DiffTag::Removed => DiffTag::Added,
                DiffTag::Added => DiffTag::Removed,
            },
            old_no: line.new_no,
            new_no: line.old_no,
            ..line.clone()
        };
        match turned.tag {
            DiffTag::Added => added.push(turned),
            DiffTag::Removed => lines.push(turned),
            DiffTag::Same => {
                lines.append(&mut added);
                lines.push(turned);
            }
        }
    }
    lines.append(&mut added);
    Hunk {
        old_start: hunk.new_start,
        old_len: hunk.new_len,
        new_start: hunk.old_start,
        new_len: hunk.old_len,
        heading: hunk.heading.clone(),
        lines,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::diff::diff_texts;
    use crate::patch::parse_begin_patch;
    use crate::patch::parse_patch;

    #[track_caller]
    fn applies(patch: &str, base: &str, expected: Result<&str, (usize, usize)>) {
        let mut files = parse_patch(patch);
        if files.is_empty() {
            files = parse_begin_patch(patch);
        }
        let result = apply(&files[0], base);
        let expected = expected
            .map(str::to_owned)
            .map_err(|(hunk_ix, line_no)| Conflict { hunk_ix, line_no });
        assert_eq!(result, expected, "{patch} on {base:?}");
    }

    #[test]
    fn hunks_find_their_place() {
        let patch = "@@ -2,2 +2,2 @@\n b\n-c\n+C\n";
        applies(patch, "a\nb\nc\nd\n", Ok("a\nb\nC\nd\n"));
        applies(patch, "x\ny\na\nb\nc\nd\n", Ok("x\ny\na\nb\nC\nd\n"));
        applies(patch, "b\nc\n", Ok("b\nC\n"));
        applies(patch, "a\nb\nx\n", Err((0, 2)));
        applies(patch, "", Err((0, 1)));
        applies(patch, "a\r\nb\r\nc\r\n", Ok("a\r\nb\r\nC\r\n"));
        applies(patch, "a\nb  \nc\n", Ok("a\nb  \nC\n"));
        applies("@@ -0,0 +1 @@\n+a\n", "", Ok("a\n"));
        applies("@@ -1,0 +2 @@\n+b\n", "a\nc\n", Ok("a\nb\nc\n"));
    }

    #[test]
    fn line_ends_are_kept_or_taken_over() {
        // the patch knows of the line ends: it means what it says
        applies("@@ -1 +1 @@\n-a\r\n+a\n", "a\r\n", Ok("a\n"));
        applies("@@ -1 +1 @@\n-a\n+a\r\n", "a\n", Ok("a\r\n"));
        applies(
            "@@ -1,2 +1,3 @@\n a\r\n+x\n b\n",
            "a\r\nb\n",
            Ok("a\r\nx\nb\n"),
        );
        // it lost them on the way
        applies(
            "@@ -1,2 +1,3 @@\n a\n+x\n b\n",
            "a\r\nb\r\n",
            Ok("a\r\nx\r\nb\r\n"),
        );
    }

    #[test]
    fn the_end_of_the_file() {
        let open = "@@ -1 +1,2 @@\n a\n+b\n\\ No newline at end of file\n";
        applies(open, "a\n", Ok("a\nb"));
        applies("@@ -1 +1,2 @@\n a\n+b\n", "a", Ok("a\nb\n"));
    }

    #[test]
    fn hunks_without_numbers_are_looked_for() {
        let patch = "*** Begin Patch\n*** Update File: x\n@@ def g():\n-    return 1\n+    return 2\n*** End Patch";
        applies(
            patch,
            "def f():\n    return 1\n\ndef g():\n    return 1\n",
            Ok("def f():\n    return 1\n\ndef g():\n    return 2\n"),
        );
        let nested = patch.replace("@@ def g():", "@@ class A:\n@@     def f(self):");
        applies(
            &nested,
            "def f(self):\n    return 1\nclass A:\n    def f(self):\n    return 1\n",
            Ok("def f(self):\n    return 1\nclass A:\n    def f(self):\n    return 2\n"),
        );
        applies(
            "*** Begin Patch\n*** Update File: x\n@@\n+end\n*** End Patch",
            "a\n",
            Ok("a\nend\n"),
        );
        applies(patch, "nothing\nhere\n", Err((0, 1)));
    }

    #[test]
    fn hostile_patches_end() {
        let base = "a\n".repeat(40_000);
        let lines = format!("{}-b\n", " a\n".repeat(20_000));
        let files = parse_patch(&format!("--- a/x\n+++ b/x\n@@\n{lines}"));
        assert!(apply(&files[0], &base).is_err());
    }

    proptest! {
        #[test]
        fn a_diff_leads_there_and_back(old in "[abc\r\n]{0,40}", new in "[abc\r\n]{0,40}", context in 1_usize..4) {
            // Texts that both lack the last line break are compared as snippets, see diff_texts.
            let (old, new) = (format!("{old}\n"), format!("{new}\n"));
            let file = FilePatch { hunks: diff_texts(&old, &new, context, 1), ..FilePatch::default() };
            prop_assert_eq!(apply(&file, &old), Ok(new.clone()));
            prop_assert_eq!(apply(&reversed(&file), &new), Ok(old));
            prop_assert_eq!(reversed(&reversed(&file)).hunks, file.hunks);
        }
    }
}
