//! The patch screen, the reasons and the verdicts: text at three sizes, keys, and patches that nobody would write.

use std::fmt::Write as _;

use hgview::theme::Role;

use crate::driver::Driver;
use crate::screens::check_cells;
use crate::screens::says;
use crate::screens::shows;
use crate::screens::snapshot;

const ATTEMPTS: &str = "samples/openhands-v0/attempts.jsonl.gz";
const SMALL: (u16, u16) = (80, 24);
const USUAL: (u16, u16) = (120, 40);
const LARGE: (u16, u16) = (200, 50);

#[track_caller]
fn looks(name: &str, size: (u16, u16), keys: &str) {
    let mut driver = Driver::open(&[ATTEMPTS], size);
    driver.keys(keys);
    let name = format!("{name}_{}x{}", size.0, size.1);
    snapshot(
        &name,
        "openhands-v0/attempts.jsonl.gz",
        keys,
        &driver.text(),
    );
}

fn open(keys: &str) -> Driver {
    let mut driver = Driver::open(&[ATTEMPTS], USUAL);
    driver.keys(keys);
    driver
}

#[test]
fn lists() {
    looks("verdicts_list", SMALL, "");
    looks("verdicts_list", USUAL, "");
    looks("verdicts_list", LARGE, "j");
    looks("verdicts_sorted", USUAL, "ostrict<enter>");
}

#[test]
fn reasons() {
    looks("why_list", SMALL, "3j!");
    looks("why_list", USUAL, "2j!");
    looks("why_trajectory", LARGE, "3j<enter>!jj");
}

#[test]
fn objected_lines() {
    looks("patch_objected", SMALL, "3jp}");
    looks("patch_objected", USUAL, "3jp}}");
    looks("patch_objected", LARGE, "3jpDD");
}

#[test]
fn missed_places() {
    looks("patch_missed", SMALL, "2jp");
    looks("patch_missed", USUAL, "2jp");
    looks("patch_files", SMALL, "2jp<tab>j");
}

#[test]
fn reference_patch() {
    looks("patch_reference", USUAL, "4jpd");
    looks("patch_reference_missed", LARGE, "5jpd");
}

#[test]
fn no_patch() {
    let sample = "openhands-v0/output.jsonl";
    let mut driver = Driver::open(&[format!("samples/{sample}")], SMALL);
    driver.keys("2jp");
    snapshot("patch_none_80x24", sample, "2jp", &driver.text());
}

#[test]
fn marks_have_roles() {
    let mut driver = Driver::lettered(&[ATTEMPTS], USUAL);
    driver.keys("3jp");
    for (role, word) in [(Role::Error, "removed"), (Role::Success, "annotates")] {
        let texts = driver.with_role(role);
        assert!(texts.iter().any(|text| text == word), "{texts:?}");
    }
}

#[test]
fn there_and_back() {
    let mut driver = open("3jp");
    says(&driver, " PATCH ");
    driver.keys("p");
    says(&driver, " LIST ");
    driver.keys("p<esc>");
    says(&driver, " LIST ");
    driver.keys("<enter>p");
    says(&driver, " PATCH ");
    driver.keys("q");
    says(&driver, " STEPS ");
    driver.keys("p<tab>");
    says(&driver, " FILES ");
    driver.keys("<esc>");
    says(&driver, " PATCH ");
    driver.keys("<esc>");
    says(&driver, " STEPS ");
    driver.keys("pL");
    says(&driver, " PATCH ");
    says(&driver, "5/6");
    shows(&driver, "issue_localize.17");
    driver.keys("qq");
    says(&driver, " LIST ");
    says(&driver, "5/6");
    assert!(!driver.is_over);
}

#[test]
fn evidence_and_hunks() {
    let mut driver = open("3jp}");
    says(&driver, "evidence 1/");
    driver.keys("}");
    says(&driver, "evidence 2/");
    driver.keys("{");
    says(&driver, "evidence 1/");
    driver.keys("99}");
    let last = driver.status();
    driver.keys("}");
    assert_eq!(driver.status(), last, "it stops at the last");
    driver.keys("g]");
    says(&driver, "file 1/");
    driver.keys("]]");
    says(&driver, "file 2/");
}

#[test]
fn reasons_lead_to_lines() {
    let mut driver = open("3j!");
    shows(&driver, "Why");
    shows(&driver, "code was removed");
    driver.keys("<enter>");
    says(&driver, " PATCH ");
    says(&driver, "evidence ");
    shows(&driver, "raise ValueError");
    // and from the patch itself
    driver.keys("g!jj<enter>");
    says(&driver, " PATCH ");
    driver.keys("!<esc>!q!!");
    says(&driver, " PATCH ");
    driver.keys("q<enter>!p");
    says(&driver, " PATCH ");
}

#[test]
fn files_fold_and_are_gone_to() {
    let mut driver = open("3jp<tab>j");
    says(&driver, "file 2/2");
    driver.keys("za");
    shows(&driver, "changes of this file");
    driver.keys("za");
    assert!(!driver.text().contains("changes of this file"));
    driver.keys("<enter>zM");
    assert_eq!(driver.text().matches("changes of this file").count(), 2);
    // evidence in a fold opens it
    driver.keys("g}");
    assert_eq!(driver.text().matches("changes of this file").count(), 1);
    driver.keys("zR");
    assert!(!driver.text().contains("changes of this file"));
}

#[test]
fn search_goes_through_the_patch() {
    let mut driver = open("3jp/readings<enter>");
    says(&driver, "1/");
    driver.keys("n");
    says(&driver, "2/");
    driver.keys("NN");
    driver.keys("D");
    assert!(driver.status().contains('/'), "{}", driver.status());
    driver.keys("<esc>/zzzz");
    says(&driver, "");
    shows(&driver, "no hit");
    driver.keys("<esc>");
    says(&driver, " PATCH ");
}

#[test]
fn it_is_copied_and_opened_elsewhere() {
    let mut driver = open("3jpypyiyre");
    let what: Vec<&str> = driver.copied.iter().map(|(_, what)| *what).collect();
    assert_eq!(what, ["patch", "id", "reference"]);
    assert!(
        driver.copied[0]
            .0
            .starts_with("diff --git a/harbor_kit/manifest.py")
    );
    let (text, is_editor) = driver.external.remove(0);
    assert!(is_editor);
    assert_eq!(text, driver.copied[0].0);
    driver.keys("ys");
    says(&driver, "does nothing");
}

#[test]
fn without_a_reference_it_says_so() {
    let mut driver = open("3jpd");
    says(&driver, "no reference patch is known of this task");
    driver.keys("q5gp");
    shows(&driver, "1 of its 1 place reached");
    driver.keys("d");
    shows(&driver, "the reference patch here");
    driver.keys("d");
    assert!(!driver.text().contains("the reference patch here"));
}

#[test]
fn verdicts_are_sorted_by() {
    let driver = open("opublished<enter>");
    let text = driver.text();
    let signs: Vec<&str> = text
        .lines()
        .skip(2)
        .take(6)
        .filter_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            words.find(|word| ["✓", "✗"].contains(word))
        })
        .collect();
    let accepted = signs.iter().take_while(|sign| **sign == "✓").count();
    assert!(accepted > 2, "{text}");
    assert!(signs[accepted..].iter().all(|sign| *sign == "✗"), "{text}");
}

/// With the filters that the program has, not those of the driver: each disagrees where it should.
#[test]
fn both_filters_are_asked() {
    let mut driver = Driver::judged(&[ATTEMPTS], USUAL);
    let signs: Vec<String> = (2..8)
        .map(|row| {
            let line = driver.line(row);
            let signs = line.split_whitespace().skip(1);
            let signs = signs.filter(|word| ["✓", "✗", "?", "≠"].contains(word));
            signs.collect()
        })
        .collect();
    assert_eq!(
        signs,
        ["✗✓≠", "✓✓", "✗✗", "✓✗≠", "✓✓", "✗✗"],
        "{}",
        driver.text()
    );
    driver.keys("3jp");
    shows(&driver, "≠ they disagree");
    driver.keys("}}");
    says(&driver, "evidence 2/");
}

#[test]
fn the_mouse_goes_to_files() {
    let mut driver = open("3jp");
    driver.click(5, 2);
    says(&driver, " FILES ");
    says(&driver, "file 2/2");
    driver.click(60, 5);
    says(&driver, " PATCH ");
}

/// A row of the first task with this patch in it.
fn with_patch(folder: &std::path::Path, patch: &str) -> std::path::PathBuf {
    let rows = std::fs::read_to_string("samples/openhands-v0/output.jsonl").unwrap();
    let mut row: serde_json::Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
    row["test_result"]["git_patch"] = patch.into();
    let file = folder.join("output.jsonl");
    std::fs::write(&file, format!("{row}\n")).unwrap();
    file
}

#[track_caller]
fn survives(what: &str, patch: &str, want: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = with_patch(folder.path(), patch);
    for size in [SMALL, USUAL, LARGE, (20, 5), (41, 9)] {
        let mut driver = Driver::open(&[&file], size);
        for keys in [
            "p",
            "}",
            "}",
            "]",
            "]",
            "G",
            "D",
            "D",
            "W",
            "<right>",
            "za",
            "zM",
            "zR",
            "d",
            "g",
            "<tab>",
            "j",
            "G",
            "<tab>",
            "/e<enter>",
            "n",
            "!",
            "j",
            "<enter>",
        ] {
            driver.keys(keys);
            check_cells(&driver, &format!("{what} {size:?} {keys}"));
        }
    }
    let mut driver = Driver::open(&[&file], LARGE);
    driver.keys("p");
    shows(&driver, want);
}

const HEAD: &str = "diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n";

#[test]
fn hostile_patches_are_harmless() {
    let esc = "\u{1b}[31mred\u{1b}]0;title\u{7}\u{202e}abc\u{2066}\u{200b}";
    survives(
        "control sequences",
        &format!(
            "diff --git a/{esc} b/{esc}\n--- a/{esc}\n+++ b/{esc}\n@@ -1 +1,2 @@ {esc}\n-{esc}\n+{esc}\r\n+\u{9b}2J\n"
        ),
        "red",
    );
    survives(
        "a long line",
        &format!("{HEAD}@@ -1 +1 @@\n-a\n+{}\n", "x".repeat(1 << 20)),
        "more",
    );
    survives(
        "binary",
        "diff --git a/b.bin b/b.bin\nindex 1..2 100644\nBinary files a/b.bin and b/b.bin differ\n",
        "(binary)",
    );
    survives(
        "cut off",
        &format!("{HEAD}@@ -1,9 +1,9 @@\n a\n-b\n+"),
        "cut off",
    );
    survives(
        "no patch",
        "I could not make a patch, sorry.\n\u{0}\u{1}",
        "no file and no hunk",
    );
    survives("blank", " \n\n", "the final patch is empty");
    survives(
        "numbers that lie",
        &format!(
            "{HEAD}@@ -18446744073709551615,3 +18446744073709551615,99 @@\n a\n+b\n@@ -0,0 +0,0 @@\n"
        ),
        "x.py",
    );
    let mut names = String::new();
    for n in 0..300 {
        let head = format!("diff --git a/{n} b/{n}\nnew file mode 100644\nindex 0..1\n");
        let rest = format!("--- /dev/null\n+++ b/{n}\n@@ -0,0 +1 @@\n+x\n\\ No newline\n");
        names.extend([head, rest]);
    }
    survives("many files", &names, "300 files");
}

/// The frame of a patch of 100,000 lines costs what that of ten lines costs: only the window is drawn.
#[test]
fn a_large_patch_is_one_window() {
    let folder = tempfile::tempdir().unwrap();
    let mut patch = format!("{HEAD}@@ -1,100000 +1,200000 @@\n");
    for line in 0..100_000 {
        writeln!(patch, " value_{line} = {line}\n+other_{line} = {line}").unwrap();
    }
    let file = with_patch(folder.path(), &patch);
    let mut driver = Driver::open(&[&file], USUAL);
    driver.keys("p");
    shows(&driver, "+100,000");
    let before = driver.inks;
    driver.keys("G");
    shows(&driver, "other_99999");
    assert!(
        driver.inks - before < 20,
        "{} stretches were coloured",
        driver.inks - before
    );
    driver.keys("/other_77777<enter>");
    shows(&driver, "other_77777");
}
