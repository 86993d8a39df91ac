//! Two patches beside each other, file by file: which files both change, and how their changes differ.
//!
//! What counts are the lines that a patch takes away and puts in, in their order: not headers, line numbers or the lines
//! around.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::diff::DiffTag;
use crate::diff::Hunk;
use crate::diff::diff_texts;
use crate::diff::unified;
use crate::patch::FilePatch;
use crate::patch::PatchKind;
use crate::patch::parse_patch;

/// Patches longer than this are not taken apart.
const MAX_PATCH_BYTES: usize = 64 << 20;

/// Changes of one file longer than this together get no interdiff.
const MAX_FILE_BYTES: usize = 4 << 20;

/// Lines around a difference of the changes.
const CONTEXT: usize = 3;

/// How a file stands in two patches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// Both change it in the same way.
    Same,
    /// Both change it, each in its way.
    Differs,
    /// Only the left patch changes it.
    OnlyLeft,
    /// Only the right patch changes it.
    OnlyRight,
}

impl FileKind {
    /// One cell for it.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Same => "=",
            Self::Differs => "≠",
            Self::OnlyLeft => "<",
            Self::OnlyRight => ">",
        }
    }
}

/// A file in two patches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FileComparison {
    /// Its name; not cleaned.
    pub path: String,
    /// How it stands in them.
    pub kind: FileKind,
    /// Lines that the left patch adds and removes.
    pub left: (usize, usize),
    /// Lines that the right patch adds and removes.
    pub right: (usize, usize),
    /// Changed lines that stand in both patches.
    pub in_common: usize,
    /// How the changes differ, as a unified diff of the changed lines of both, signs included; empty where they are the
    /// same, in one patch only, or too long.
    pub interdiff: String,
    /// The same in parts.
    #[serde(skip)]
    pub hunks: Vec<Hunk>,
}

/// Two patches beside each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PatchComparison {
    /// The files: those of the left patch in their order, then those of the right one alone.
    pub files: Vec<FileComparison>,
}

impl PatchComparison {
    /// Files of a kind.
    pub fn count(&self, kind: FileKind) -> usize {
        let files = self.files.iter();
        files.filter(|file| file.kind == kind).count()
    }

    /// Whether both patches do the same.
    pub fn is_same(&self) -> bool {
        self.files.iter().all(|file| file.kind == FileKind::Same)
    }
}

/// A file of one patch: what happens to it, and its changed lines with their signs.
#[derive(Debug, Default, PartialEq, Eq)]
struct Changes {
    kind: PatchKind,
    is_binary: bool,
    lines: String,
    counts: (usize, usize),
}

impl Changes {
    fn add(&mut self, file: &FilePatch) {
        self.kind = file.kind;
        self.is_binary |= file.is_binary;
        let (added, removed) = file.counts();
        self.counts = (self.counts.0 + added, self.counts.1 + removed);
        for line in file.hunks.iter().flat_map(|hunk| &hunk.lines) {
            let sign = match line.tag {
                DiffTag::Same => continue,
                DiffTag::Removed => "-",
                DiffTag::Added => "+",
            };
            self.lines.extend([sign, line.text.trim_end(), "\n"]);
        }
    }
}

/// The files of a patch by name, and their order. A file that stands there twice is one.
fn changes(patch: &str) -> (Vec<String>, HashMap<String, Changes>) {
    let (mut order, mut files) = (Vec::new(), HashMap::new());
    if patch.len() > MAX_PATCH_BYTES {
        return (order, files);
    }
    for file in parse_patch(patch) {
        let name = file.path().to_owned();
        let entry = files.entry(name.clone()).or_insert_with(|| {
            order.push(name);
            Changes::default()
        });
        entry.add(&file);
    }
    (order, files)
}

/// Compares two patches. A patch that holds no file, or is longer than 64 MiB, counts as one without files. `None` when
/// cancelled.
pub fn compare_patches(left: &str, right: &str, cancel: &Cancel) -> Option<PatchComparison> {
    let ((mut order, lefts), (right_order, rights)) = (changes(left), changes(right));
    order.extend(
        right_order
            .into_iter()
            .filter(|path| !lefts.contains_key(path)),
    );
    let mut files = Vec::with_capacity(order.len());
    for path in order {
        if cancel.is_cancelled() {
            return None;
        }
        let (left, right) = (lefts.get(&path), rights.get(&path));
        files.push(compare_file(path, left, right));
    }
    Some(PatchComparison { files })
}

fn compare_file(path: String, left: Option<&Changes>, right: Option<&Changes>) -> FileComparison {
    let kind = match (left, right) {
        (Some(left), Some(right)) if left == right => FileKind::Same,
        (Some(_), Some(_)) => FileKind::Differs,
        (Some(_), None) => FileKind::OnlyLeft,
        (None, _) => FileKind::OnlyRight,
    };
    let lines = |side: Option<&Changes>| side.map_or(String::new(), |side| side.lines.clone());
    let (old, new) = (lines(left), lines(right));
    let is_short = old.len().saturating_add(new.len()) <= MAX_FILE_BYTES;
    let hunks = if kind == FileKind::Differs && is_short {
        // a line of these texts is no line of a file: no numbers
        without_numbers(diff_texts(&old, &new, CONTEXT, 1))
    } else {
        Vec::new()
    };
    FileComparison {
        in_common: in_common(&old, &new),
        interdiff: unified(&path, &hunks),
        path,
        kind,
        left: left.map_or((0, 0), |side| side.counts),
        right: right.map_or((0, 0), |side| side.counts),
        hunks,
    }
}

fn without_numbers(mut hunks: Vec<Hunk>) -> Vec<Hunk> {
    for hunk in &mut hunks {
        (hunk.old_start, hunk.new_start) = (0, 0);
        hunk.heading.clear();
        hunk.renumber();
    }
    hunks
}

/// How many lines two texts have in common, each as often as it stands in both.
fn in_common(left: &str, right: &str) -> usize {
    let mut there: HashMap<&str, usize> = HashMap::new();
    for line in left.lines() {
        *there.entry(line).or_default() += 1;
    }
    let mut count = 0;
    for line in right.lines() {
        if let Some(left) = there.get_mut(line)
            && *left > 0
        {
            *left -= 1;
            count += 1;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(path: &str, at: usize, lines: &str) -> String {
        format!(
            "diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -{at},2 +{at},2 @@ def f():\n{lines}"
        )
    }

    fn compare(left: &str, right: &str) -> PatchComparison {
        compare_patches(left, right, &Cancel::new()).unwrap()
    }

    #[track_caller]
    fn check(left: &str, right: &str, want: &[&str]) {
        let found = compare(left, right);
        let files = found.files.iter().map(|file| {
            let (kind, path, common) = (file.kind.sign(), &file.path, file.in_common);
            format!("{kind} {path} {common} {:?} {:?}", file.left, file.right)
        });
        assert_eq!(files.collect::<Vec<_>>(), want);
    }

    #[test]
    fn files_are_compared_by_what_they_change() {
        let one = patch("a.py", 10, " x\n-b\n+c\n");
        check("", "", &[]);
        check("no patch", "", &[]);
        check(&one, &one, &["= a.py 2 (1, 1) (1, 1)"]);
        // other lines around it, elsewhere in the file, blanks at the end
        let moved = patch("a.py", 90, "-b\n+c \n y\n");
        check(&one, &moved, &["= a.py 2 (1, 1) (1, 1)"]);
        let other = patch("a.py", 10, " x\n-b\n+d\n");
        check(&one, &other, &["≠ a.py 1 (1, 1) (1, 1)"]);
        let both = format!("{other}{}", patch("z.py", 1, "-1\n+2\n"));
        check(
            &one,
            &both,
            &["≠ a.py 1 (1, 1) (1, 1)", "> z.py 0 (0, 0) (1, 1)"],
        );
        check(
            &both,
            "",
            &["< a.py 0 (1, 1) (0, 0)", "< z.py 0 (1, 1) (0, 0)"],
        );
        let deleted = "diff --git a/a.py b/a.py\ndeleted file mode 100644\n";
        let emptied = "diff --git a/a.py b/a.py\nnew file mode 100644\n";
        check(deleted, emptied, &["≠ a.py 0 (0, 0) (0, 0)"]);
    }

    #[test]
    fn the_interdiff_holds_the_changed_lines_with_their_signs() {
        let one = patch("a.py", 10, " x\n-b\n+c\n");
        let other = patch("a.py", 10, " x\n-b\n+d\n");
        let found = compare(&one, &other);
        assert!(!found.is_same());
        assert_eq!(
            found.files[0].interdiff,
            "--- a/a.py\n+++ b/a.py\n@@\n -b\n-+c\n++d\n"
        );
        assert!(compare(&one, &one).files[0].interdiff.is_empty());
    }

    #[test]
    fn a_patch_of_many_files_can_be_given_up() {
        let many: String = (0..50)
            .map(|n| patch(&format!("{n}.py"), 1, "-a\n+b\n"))
            .collect();
        assert_eq!(compare(&many, &many).count(FileKind::Same), 50);
        let cancel = Cancel::new();
        cancel.cancel();
        assert_eq!(compare_patches(&many, &many, &cancel), None);
    }
}
