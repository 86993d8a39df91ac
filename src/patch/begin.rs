//! The `*** Begin Patch` dialect of Codex and its kin (V4A): whole files added and deleted, hunks placed by anchors.
//!
//! Grammar: specs/formats.md §10. A delete carries no content; hunks have no numbers, their heading is the anchor
//! (several anchors of one hunk are joined by ` @@ `).

use crate::diff::DiffLine;
use crate::diff::DiffTag;
use crate::diff::Hunk;
use crate::diff::mark_words;
use crate::patch::FilePatch;
use crate::patch::PatchKind;
use crate::patch::header::hunk_header;

const BEGIN: &str = "*** Begin Patch";
const END: &str = "*** End Patch";

/// Finds the patch inside a command or any other text: from the line `*** Begin Patch` to the line `*** End Patch`, or
/// to the end of the text when it was cut off. `None` when there is none.
pub fn find_begin_patch(text: &str) -> Option<&str> {
    let start = text.match_indices(BEGIN).map(|(at, _)| at).find(|at| {
        let before = text.get(..*at).unwrap_or_default();
        before.is_empty() || before.ends_with(['\n', '\'', '"', ' '])
    })?;
    let rest = text.get(start..)?;
    let end = rest
        .find("\n*** End Patch")
        .map_or(rest.len(), |at| at + 1 + END.len());
    rest.get(..end)
}

/// Reads all files of a patch in this dialect; empty when the text has no file section. The markers around it may be
/// missing.
pub fn parse_begin_patch(text: &str) -> Vec<FilePatch> {
    let mut files: Vec<FilePatch> = Vec::new();
    for (ix, line) in text.lines().enumerate() {
        if line.trim_end() == END {
            break;
        }
        if let Some(mut file) = section(line) {
            file.line = ix;
            files.push(file);
            continue;
        }
        if let Some(file) = files.last_mut() {
            read_line(file, line);
        }
    }
    for file in &mut files {
        file.hunks.retain(|hunk| !hunk.lines.is_empty());
        for hunk in &mut file.hunks {
            hunk.renumber();
            mark_words(&mut hunk.lines);
        }
    }
    files
}

/// The file that a section line names.
fn section(line: &str) -> Option<FilePatch> {
    const SECTIONS: [(&str, PatchKind); 3] = [
        ("*** Update File:", PatchKind::Modified),
        ("*** Add File:", PatchKind::Added),
        ("*** Delete File:", PatchKind::Deleted),
    ];
    let (kind, path) = SECTIONS.iter().find_map(|(mark, kind)| {
        line.strip_prefix(mark)
            .map(|path| (*kind, path.trim().to_owned()))
    })?;
    Some(FilePatch {
        old_path: (kind != PatchKind::Added).then(|| path.clone()),
        new_path: (kind != PatchKind::Deleted).then_some(path),
        kind,
        ..FilePatch::default()
    })
}

fn read_line(file: &mut FilePatch, line: &str) {
    if let Some(path) = line.strip_prefix("*** Move to:") {
        file.new_path = Some(path.trim().to_owned());
        file.kind = PatchKind::Renamed;
        return;
    }
    if line.starts_with("*** ") {
        return;
    }
    if file.kind == PatchKind::Added {
        // Models forget the plus of empty lines.
        if let Some(text) = line
            .strip_prefix('+')
            .or_else(|| line.is_empty().then_some(""))
        {
            let hunk = open_hunk(file);
            hunk.new_start = 1;
            hunk.lines.push(DiffLine::new(DiffTag::Added, text));
        } else {
            file.is_damaged = true;
        }
        return;
    }
    if let Some((ranges, heading)) = hunk_header(line) {
        begin_hunk(file, heading);
        if let Some(((old_start, _), (new_start, _))) = ranges {
            let hunk = open_hunk(file);
            (hunk.old_start, hunk.new_start) = (old_start, new_start);
        }
        return;
    }
    let tag = match line.as_bytes().first() {
        Some(b'+') => DiffTag::Added,
        Some(b'-') => DiffTag::Removed,
        Some(b' ') | None => DiffTag::Same,
        Some(b'\\') => {
            if let Some(last) = open_hunk(file).lines.last_mut() {
                last.no_newline = true;
            }
            return;
        }
        Some(_) => {
            file.is_damaged = true;
            return;
        }
    };
    open_hunk(file)
        .lines
        .push(DiffLine::new(tag, line.get(1..).unwrap_or_default()));
}

fn begin_hunk(file: &mut FilePatch, heading: &str) {
    if let Some(last) = file.hunks.last_mut()
        && last.lines.is_empty()
        && !last.heading.is_empty()
    {
        if !heading.is_empty() {
            last.heading.push_str(" @@ ");
            last.heading.push_str(heading.trim());
        }
        return;
    }
    file.hunks.push(Hunk {
        heading: heading.to_owned(),
        ..Hunk::default()
    });
}

fn open_hunk(file: &mut FilePatch) -> &mut Hunk {
    if file.hunks.is_empty() {
        file.hunks.push(Hunk::default());
    }
    let last = file.hunks.len() - 1;
    &mut file.hunks[last]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::unified;
    use crate::patch::parse_patch;

    const PATCH: &str = "*** Begin Patch\n*** Update File: src/a.py\n*** Move to: src/b.py\n@@ def f():\n     x = 1\n-    return x\n+    return x + 1\n@@\n-old\n+new\n*** End of File\n*** Add File: n.txt\n+one\n+two\n*** Delete File: gone.txt\n*** End Patch";

    #[test]
    fn sections_become_files() {
        let files = parse_begin_patch(PATCH);
        let outline: Vec<_> = files
            .iter()
            .map(|file| {
                (
                    file.kind,
                    file.old_path.as_deref(),
                    file.new_path.as_deref(),
                    file.counts(),
                    file.is_damaged,
                )
            })
            .collect();
        assert_eq!(
            outline,
            [
                (
                    PatchKind::Renamed,
                    Some("src/a.py"),
                    Some("src/b.py"),
                    (2, 2),
                    false
                ),
                (PatchKind::Added, None, Some("n.txt"), (2, 0), false),
                (PatchKind::Deleted, Some("gone.txt"), None, (0, 0), false),
            ]
        );
        assert_eq!(files[0].hunks[0].heading, "def f():");
        assert_eq!(files[1].side_text(DiffTag::Removed), "one\ntwo\n");
        let lines = &files[0].hunks[0].lines;
        assert_eq!(lines[1].old_no, None);
        assert_eq!(lines[2].words.first(), Some(&(12..16)));
    }

    #[test]
    fn its_diff_can_be_read_as_a_unified_one() {
        let files = parse_begin_patch(PATCH);
        let again = parse_patch(&unified("src/b.py", &files[0].hunks));
        assert_eq!(again[0].hunks, files[0].hunks);
    }

    #[test]
    fn the_patch_is_found_in_commands() {
        let heredoc = format!("cd x && apply_patch <<'EOF'\n{PATCH}\nEOF\n");
        assert_eq!(find_begin_patch(&heredoc), Some(PATCH));
        assert_eq!(
            find_begin_patch(&format!("apply_patch '{PATCH}'")),
            Some(PATCH)
        );
        let cut = "*** Begin Patch\n*** Add File: x\n+a";
        assert_eq!(find_begin_patch(cut), Some(cut));
        assert_eq!(find_begin_patch("echo x*** Begin Patch"), None);
        assert_eq!(find_begin_patch(""), None);
    }

    #[test]
    fn odd_input_is_marked() {
        let files =
            parse_begin_patch("*** Update File: x\nno mark\n-a\n+b\n*** Add File: y\nbare\n");
        assert!(files[0].is_damaged && files[1].is_damaged);
        assert_eq!(files[0].counts(), (1, 1));
        assert!(parse_begin_patch("prose").is_empty());
    }
}
