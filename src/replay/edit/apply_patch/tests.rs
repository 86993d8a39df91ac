//! The reference against recordings of it; Codex against what its source says.

use std::collections::BTreeMap;

use super::*;
use crate::sandbox::testing::folder::Folder;

const ROOT: &str = "/tmp/w";

fn folder(files: &[(&str, &str)]) -> Folder {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.host(ROOT)).expect("a folder");
    for (path, text) in files {
        folder.put(&format!("{ROOT}/{path}"), text);
    }
    folder
}

fn texts(value: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(value.clone()).expect("texts by path")
}

#[test]
fn the_reference_answers_as_recorded() {
    let recording = format!(
        "{}/tests/data/apply-patch.jsonl",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(recording).expect("a recording");
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in text.lines() {
        let recorded: Value = serde_json::from_str(line).expect("JSON");
        let files = texts(&recorded["files"]);
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        let mut folder = folder(&files);
        let patch = recorded["patch"].as_str().expect("a patch");
        let done = apply_patch(Dialect::Reference, patch, ROOT, &mut folder);
        let says = match done {
            Ok(applied) => applied.output + &applied.errors,
            Err(_) => "CRASH".to_owned(),
        };
        count += 1;
        let expected = recorded["says"].as_str().expect("an answer");
        if says != expected && !(says == "CRASH" && expected.starts_with("CRASH ")) {
            wrong.push(format!(
                "{}: {says:?} instead of {expected:?}",
                recorded["name"]
            ));
        }
        let after = texts(&recorded["after"]);
        let found = folder.list(ROOT, 9, 99).expect("files");
        let found: BTreeMap<String, String> = found
            .into_iter()
            .filter_map(|found| {
                Some((
                    found.path.clone(),
                    folder.text(&format!("{ROOT}/{}", found.path))?,
                ))
            })
            .collect();
        if found != after {
            wrong.push(format!(
                "{}: {found:?} instead of {after:?}",
                recorded["name"]
            ));
        }
    }
    assert!(count >= 70, "{count} patches");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the program prints and leaves behind.
#[track_caller]
fn codex(files: &[(&str, &str)], body: &str, says: &str, after: &[(&str, Option<&str>)]) {
    let mut folder = folder(files);
    let patch = format!("*** Begin Patch\n{body}*** End Patch");
    let applied = apply_patch(Dialect::Codex, &patch, ROOT, &mut folder).expect("done here");
    assert_eq!(applied.output + &applied.errors, says);
    assert_eq!(applied.exit_code == 0, says.starts_with("Success."));
    for (path, text) in after {
        assert_eq!(
            folder.text(&format!("{ROOT}/{path}")).as_deref(),
            *text,
            "{path}"
        );
    }
}

const OK: &str = "Success. Updated the following files:\n";

#[test]
fn codex_applies_file_after_file() {
    codex(
        &[("a", "one\ntwo"), ("b", "x\n")],
        "*** Add File: n/c\n+1\n+\n*** Update File: a\n@@\n-two\n+2\n*** Delete File: b\n",
        &format!("{OK}A n/c\nM a\nD b\n"),
        &[("n/c", Some("1\n\n")), ("a", Some("one\n2\n")), ("b", None)],
    );
    codex(
        &[("a", "one\n")],
        "*** Add File: c\n+1\n*** Delete File: b\n*** Delete File: a\n",
        "Failed to delete file b\n",
        &[("c", Some("1\n")), ("a", Some("one\n"))],
    );
    codex(
        &[("a", "one\n")],
        "*** Update File: a\n*** Move to: d/e\n@@\n-one\n+1\n",
        &format!("{OK}M d/e\n"),
        &[("a", None), ("d/e", Some("1\n"))],
    );
    codex(&[], "", "No files were modified.\n", &[]);
    codex(
        &[("d/x", "")],
        "*** Delete File: d\n",
        "Failed to delete file d\n",
        &[("d/x", Some(""))],
    );
    codex(
        &[],
        "*** Update File: a\n@@\n-x\n",
        "Failed to read file to update a: No such file or directory (os error 2)\n",
        &[],
    );
}

#[test]
fn codex_finds_lines_more_and_more_loosely() {
    let update = |body: &str| format!("*** Update File: a\n{body}");
    let ok = format!("{OK}M a\n");
    codex(
        &[("a", "x\n  y \n")],
        &update("@@\n-y\n+z\n"),
        &ok,
        &[("a", Some("x\nz\n"))],
    );
    codex(
        &[("a", "“q” — r\n")],
        &update("@@\n-\"q\" - r\n+z\n"),
        &ok,
        &[("a", Some("z\n"))],
    );
    codex(
        &[("a", "def f():\n    p\ndef g():\n    p\n")],
        &update("@@ def g():\n-    p\n+    q\n"),
        &ok,
        &[("a", Some("def f():\n    p\ndef g():\n    q\n"))],
    );
    codex(
        &[("a", "p\np\n")],
        &update("@@\n-p\n+q\n*** End of File\n"),
        &ok,
        &[("a", Some("p\nq\n"))],
    );
    codex(
        &[("a", "p\n")],
        &update("@@\n-p\n \n+q\n"),
        &ok,
        &[("a", Some("\nq\n"))],
    );
    codex(
        &[("a", "p\n")],
        &update("@@\n+q\n@@\n+r\n"),
        &ok,
        &[("a", Some("p\nq\nr\n"))],
    );
    codex(
        &[("a", "p\n")],
        &update(" p\n+q\n"),
        &ok,
        &[("a", Some("p\nq\n"))],
    );
    codex(
        &[("a", "p\n")],
        &update("@@ h\n-p\n"),
        "Failed to find context 'h' in a\n",
        &[],
    );
    codex(
        &[("a", "p\n")],
        &update("@@\n-h\n i\n"),
        "Failed to find expected lines in a:\nh\ni\n",
        &[],
    );
    codex(
        &[("a", "p\r\nq\r\n")],
        &update("@@\n-q\n+r\n"),
        &ok,
        &[("a", Some("p\r\nr\n"))],
    );
}

#[test]
fn codex_says_what_is_no_patch() {
    let hunk = |line: usize, what: &str| format!("Invalid patch hunk on line {line}: {what}\n");
    codex(
        &[],
        "*** Update File: a\n",
        &hunk(2, "Update file hunk for path 'a' is empty"),
        &[],
    );
    codex(
        &[],
        "*** Update File: a\n@@\n",
        &hunk(4, "Update hunk does not contain any lines"),
        &[],
    );
    codex(
        &[],
        "*** Update File: a\n@@\n-x\ny\n",
        &hunk(
            5,
            "Expected update hunk to start with a @@ context marker, got: 'y'",
        ),
        &[],
    );
    codex(
        &[],
        "*** Nonsense\n",
        &hunk(
            2,
            "'*** Nonsense' is not a valid hunk header. Valid hunk headers: '*** Add File: {path}', '*** Delete File: {path}', '*** Update File: {path}'",
        ),
        &[],
    );
    for (patch, says) in [
        (
            "x",
            "Invalid patch: The first line of the patch must be '*** Begin Patch'\n",
        ),
        (
            "*** Begin Patch\nx",
            "Invalid patch: The last line of the patch must be '*** End Patch'\n",
        ),
        (
            "",
            "Invalid patch: The last line of the patch must be '*** End Patch'\n",
        ),
        (
            "<<'EOF'\n*** Begin Patch\n*** Add File: a\n+1\n*** End Patch\nEOF\n",
            "Success. Updated the following files:\nA a\n",
        ),
    ] {
        let applied =
            apply_patch(Dialect::Codex, patch, ROOT, &mut folder(&[])).expect("done here");
        assert_eq!(applied.output + &applied.errors, says, "{patch}");
    }
}

#[test]
fn the_tool_of_codex_refuses_before_it_writes() {
    let mut folder = folder(&[("a", "one\n")]);
    let patch =
        "*** Begin Patch\n*** Add File: b\n+1\n*** Update File: a\n@@\n-two\n+2\n*** End Patch";
    let applied = apply_patch(Dialect::CodexTool, patch, ROOT, &mut folder).expect("done here");
    let says = "apply_patch verification failed: Failed to find expected lines in /tmp/w/a:\ntwo";
    assert_eq!((applied.errors.as_str(), applied.exit_code), (says, 1));
    assert_eq!(folder.text("/tmp/w/b"), None);
}

#[test]
fn hostile_patches_end() {
    let text = "a\n".repeat(40_000);
    let context = " a\n".repeat(20_000);
    let mut folder = folder(&[("a", &text)]);
    let patch = format!("*** Begin Patch\n*** Update File: a\n@@\n{context}-b\n*** End Patch");
    for dialect in [Dialect::Reference, Dialect::Codex, Dialect::CodexTool] {
        assert!(
            apply_patch(dialect, &patch, ROOT, &mut folder).is_err(),
            "{dialect:?}"
        );
    }
}
