//! Patches of our own lead from the files before to those after; texts are compared.

use proptest::prelude::*;

use super::*;
use crate::patch::parse_patch;
use crate::replay::Same;
use crate::replay::base::State;
use crate::sandbox::Content;
use crate::sandbox::Entry;
use crate::sandbox::Layer;
use crate::sandbox::Tree;

#[test]
fn binary_files_are_dropped() {
    let text = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-x\n+Binary files differ\n";
    let binary = "diff --git a/b b/b\nindex 1..2 100644\nBinary files a/b and b/b differ\n";
    let literal = "diff --git a/c b/c\nGIT binary patch\nliteral 3\nxyz\n\n";
    let all = [binary, text, literal, text].concat();
    assert_eq!(without_binary(&all), [text, text].concat());
    assert_eq!(without_binary(""), "");
}

/// Both patches, compared over a workspace in which nothing is known.
#[track_caller]
fn check_text(ours: &str, recorded: Option<&str>, want: Option<Same>) {
    let tree = Tree {
        at: "/w".to_owned(),
        lower: None,
    };
    let state = State {
        tree: &tree,
        layer: None,
        is_elsewhere: true,
    };
    assert_eq!(
        compare(ours, recorded, &state, &state).text,
        want,
        "{recorded:?}"
    );
}

#[test]
fn texts_are_compared() {
    let part = |name: &str, line: &str| {
        format!(
            "diff --git a/{name} b/{name}\nindex 12..34 100644\n--- a/{name}\n+++ b/{name}\n@@ -1,2 +1,2 @@ def f():\n x\n-y\n+{line}\n"
        )
    };
    let both = format!("{}{}", part("a", "1"), part("b", "2"));
    check_text(&both, None, None);
    check_text(&both, Some(&both), Some(Same::Exact));
    check_text(&both, Some(both.trim_end()), Some(Same::Exact));
    check_text("", Some("\n"), Some(Same::Exact));
    check_text("", Some(&both), Some(Same::Differs));
    let other = format!("{}{}", part("b", "2"), part("a", "1"));
    check_text(&both, Some(&other), Some(Same::Normalised));
    let moved = both
        .replace("-1,2 +1,2 @@ def f():", "-9,2 +9,2 @@")
        .replace("12..34", "56..78");
    check_text(&both, Some(&moved), Some(Same::Normalised));
    let mode = "diff --git a/c b/c\nold mode 100644\nnew mode 100755\n";
    check_text(
        &both,
        Some(&format!("{both}{mode}")),
        Some(Same::Normalised),
    );
    check_text(&both, Some(&both.replace("+2", "+3")), Some(Same::Differs));
    let new = "diff --git a/n b/n\nnew file mode 100644\nindex 0..1\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n";
    check_text(
        new,
        Some(&new.replace("100644", "100755")),
        Some(Same::Normalised),
    );
    check_text(
        new,
        Some(&new.replace("new file mode 100644\n", "")),
        Some(Same::Differs),
    );
}

/// A workspace of files in a folder, and another state of it in a layer.
struct Case {
    folder: tempfile::TempDir,
    tree: Tree,
    layer: Layer,
}

impl Case {
    fn new(files: &[(&str, Option<&str>, Option<&str>)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tree = Tree {
            at: "/w".to_owned(),
            lower: Some(folder.path().to_owned()),
        };
        let mut layer = Layer::default();
        for (path, old, new) in files {
            let lower = folder.path().join(path);
            std::fs::create_dir_all(lower.parent().unwrap()).unwrap();
            if let Some(old) = old {
                std::fs::write(lower, old).unwrap();
            }
            let entry = match new {
                Some(new) if old != &Some(*new) => Entry::File {
                    mode: 0o644,
                    content: Content::new(new.as_bytes()),
                },
                None if old.is_some() => Entry::Removed,
                _ => continue,
            };
            layer
                .entries
                .insert(format!("/w/{path}").into_bytes(), entry);
        }
        Self {
            folder,
            tree,
            layer,
        }
    }

    fn states(&self) -> [State<'_>; 2] {
        let before = State {
            tree: &self.tree,
            layer: None,
            is_elsewhere: false,
        };
        let after = State {
            layer: Some(&self.layer),
            ..before
        };
        [before, after]
    }
}

#[test]
fn git_takes_our_patches() {
    let case = Case::new(&[
        ("a.py", Some("1\n2\n3\n"), Some("1\n3\n")),
        ("gone", Some("x\n"), None),
        ("new", None, Some("y")),
        ("emptied", Some("z\n"), Some("")),
        ("d/\u{e9} \"q\".txt", Some("1"), Some("2")),
    ]);
    let [before, after] = case.states();
    let patch = by_layer(&before, &after);
    let replay = compare(&patch, Some(&patch), &before, &after);
    assert_eq!(replay.files.len(), 5);
    assert!(
        replay.files.iter().all(|file| file.same == Some(true)),
        "{replay:?}"
    );
    let mut git = std::process::Command::new("git")
        .args(["apply", "--whitespace=nowarn", "-"])
        .current_dir(case.folder.path())
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut git.stdin.take().unwrap(), patch.as_bytes()).unwrap();
    assert!(git.wait().unwrap().success(), "{patch}");
    let read = |path: &str| std::fs::read_to_string(case.folder.path().join(path)).ok();
    let want = ["a.py", "gone", "new", "emptied", "d/\u{e9} \"q\".txt"].map(read);
    let is = |text: &str| Some(text.to_owned());
    assert_eq!(want, [is("1\n3\n"), None, is("y"), is(""), is("2")]);
}

#[test]
fn git_s_own_folder_and_binary_files_are_left_out() {
    let mut case = Case::new(&[
        (".git/x", Some("1"), Some("2")),
        ("sub/.git/x", None, Some("2")),
    ]);
    let binary = Entry::File {
        mode: 0o644,
        content: Content::new(&b"\xff"[..]),
    };
    case.layer.entries.insert(b"/w/bin".to_vec(), binary);
    let [before, after] = case.states();
    assert_eq!(by_layer(&before, &after), "");
}

#[test]
fn folders_that_are_gone_take_their_files_along() {
    let mut case = Case::new(&[
        ("d/a", Some("1\n"), Some("1\n")),
        ("d/e/b", Some("2\n"), Some("2\n")),
    ]);
    case.layer.entries.insert(b"/w/d".to_vec(), Entry::Removed);
    let [before, after] = case.states();
    let patch = by_layer(&before, &after);
    let paths: Vec<_> = parse_patch(&patch)
        .iter()
        .map(|file| file.path().to_owned())
        .collect();
    assert_eq!(paths, ["d/a", "d/e/b"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn our_patch_of_a_layer_applied_to_the_base_gives_its_files(
        files in proptest::collection::vec(("[ab\n]{0,20}", "[ab\n]{0,20}", 0_u8..4), 1..4)
    ) {
        let names: Vec<String> = (0..files.len()).map(|ix| format!("d{ix}/f")).collect();
        let list: Vec<_> = files
            .iter()
            .zip(&names)
            .map(|((old, new, kind), name)| {
                let old = (*kind != 1).then_some(old.as_str());
                let new = (*kind != 2 || old.is_none()).then_some(new.as_str());
                (name.as_str(), old, new)
            })
            .collect();
        let case = Case::new(&list);
        let [before, after] = case.states();
        let patch = by_layer(&before, &after);
        let replay = compare(&patch, Some(&patch), &before, &after);
        prop_assert_eq!(replay.text, Some(Same::Exact));
        for file in &replay.files {
            prop_assert_eq!(file.same, Some(true), "{} of\n{}", file.path, patch);
        }
        let changed = list.iter().filter(|(_, old, new)| old != new).count();
        prop_assert_eq!(replay.files.len(), changed);
    }
}
