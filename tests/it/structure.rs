//! The shape of the source tree: who imports whom, which crate is used where, what the README repeats.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use hgview::ui::command::key_table_markdown;
use regex::Regex;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All source files with their paths below `src/`.
fn sources() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(root().join("src")).unwrap();
                found.insert(
                    name.to_str().unwrap().to_owned(),
                    fs::read_to_string(&path).unwrap(),
                );
            }
        }
    }
    assert!(found.len() > 50, "the sources were found");
    found
}

/// The order `a < b < c` that a file states in its first lines, read up to the closing backtick.
fn stated_order(file: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(file)).unwrap();
    let docs: Vec<&str> = text
        .lines()
        .take_while(|line| line.starts_with("//!"))
        .map(|line| line.trim_start_matches("//!").trim())
        .collect();
    let docs = docs.join(" ");
    let order = docs.split('`').find(|span| span.matches(" < ").count() > 3);
    order
        .expect("the order is stated")
        .split(" < ")
        .map(|name| name.trim().to_owned())
        .collect()
}

/// The code of a file: without its tests and comments.
fn code(name: &str, text: &str) -> String {
    if name.ends_with("tests.rs") || name.contains("/tests/") {
        return String::new();
    }
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let is_comment = |line: &&str| line.trim_start().starts_with("//");
    code.lines()
        .filter(|line| !is_comment(line))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The first module of a path: `ui` of `ui.rs` and of `ui/app.rs`.
fn top(name: &str) -> &str {
    name.split('/').next().unwrap().trim_end_matches(".rs")
}

#[test]
fn modules_import_from_their_left() {
    let order = stated_order("src/lib.rs");
    let place = |module: &str| order.iter().position(|name| name == module);
    let import = Regex::new(r"\bcrate::([a-z_]+)").unwrap();
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        let module = top(&name);
        if module == "lib" {
            continue;
        }
        let own = place(module).unwrap_or_else(|| panic!("src/lib.rs does not place {module}"));
        for found in import.captures_iter(&code(&name, &text)) {
            if place(&found[1]).is_some_and(|other| other > own) {
                wrong.push(format!("{name} imports {}", &found[1]));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn parts_of_the_screen_import_from_their_left() {
    let order = stated_order("src/ui.rs");
    let place = |part: &str| order.iter().position(|name| name == part);
    let import = Regex::new(r"\bcrate::ui::([a-z_]+)").unwrap();
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        let Some(inner) = name.strip_prefix("ui/") else {
            continue;
        };
        let part = top(inner);
        let own = place(part).unwrap_or_else(|| panic!("src/ui.rs does not place {part}"));
        for found in import.captures_iter(&code(&name, &text)) {
            if place(&found[1]).is_some_and(|other| other > own) {
                wrong.push(format!("{name} imports ui::{}", &found[1]));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn crates_stay_where_they_belong() {
    let rules = [
        (r"\bratatui::", vec!["theme", "ui"]),
        (
            r"\btokio::",
            vec![
                "ui/run.rs",
                "ui/run/keys.rs",
                "ui/tasks.rs",
                "sandbox/engine/line.rs",
            ],
        ),
        (
            r"\bserde_json::(Value|json!)",
            vec!["model", "read", "export", "endpoint", "tasks", "rollout"],
        ),
    ];
    let mut wrong = Vec::new();
    for (pattern, places) in rules {
        let pattern = Regex::new(pattern).unwrap();
        for (name, text) in sources() {
            let is_there = places
                .iter()
                .any(|place| *place == top(&name) || name == *place);
            let used = pattern.is_match(&code(&name, &text));
            if used && !is_there {
                wrong.push(format!("{name} uses {pattern}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn imports_are_one_a_line() {
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|(_, text)| text.lines().any(|line| line.starts_with("use crate::{")))
        .map(|(name, _)| name)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn every_file_opens_with_what_it_is() {
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|(name, text)| !name.ends_with("tests.rs") && !text.starts_with("//!"))
        .map(|(name, _)| name)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn every_test_file_is_listed() {
    let main = fs::read_to_string(root().join("tests/it/main.rs")).unwrap();
    let mut files: Vec<PathBuf> = fs::read_dir(root().join("tests/it"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .collect();
    files.sort();
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(
            name == "main" || main.contains(&format!("mod {name};")),
            "{name} is not in main.rs"
        );
    }
}

#[test]
fn main_is_short() {
    let main = fs::read_to_string(root().join("src/main.rs")).unwrap();
    assert!(main.lines().count() < 40);
}

/// The first block of commands is what somebody new types: the main job, then all tests.
#[test]
fn readme_begins_with_what_to_try() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, rest) = readme.split_once("## Try it\n").unwrap();
    let block = rest.split("```").nth(1).unwrap();
    let commands: Vec<&str> = block.lines().skip(1).collect();
    let job = "cargo run --release -- samples/openhands-v0/output.jsonl";
    assert_eq!(commands, [job, "cargo test"]);
    assert!(root().join("samples/openhands-v0/output.jsonl").is_file());
}

#[test]
fn readme_has_the_keys_of_the_program() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, rest) = readme.split_once("<!-- keys -->\n").unwrap();
    let (table, _) = rest.split_once("<!-- /keys -->").unwrap();
    assert_eq!(
        table.trim(),
        key_table_markdown().trim(),
        "copy the table from `hgview::ui::command::key_table_markdown` into README.md"
    );
}

/// Each crate that the manifest asks for is used, and the line above says what for.
#[test]
fn crates_have_a_use_and_a_reason() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let read = |folder: &str| -> String {
        let files = walkdir::WalkDir::new(root().join(folder)).into_iter();
        let paths = files.map(|entry| entry.unwrap().into_path());
        paths
            .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
            .map(|path| fs::read_to_string(path).unwrap())
            .collect()
    };
    let program = read("src");
    let all: String = ["tests", "benches", "examples"].map(read).concat() + &program;
    let (mut section, mut above, mut count, mut wrong) = ("", "", 0, Vec::new());
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if let Some((name, _)) = line.split_once(" = ")
            && let Some(code) = match section {
                "[dependencies]" => Some(&program),
                "[dev-dependencies]" => Some(&all),
                _ => None,
            }
        {
            count += 1;
            if !above.starts_with("# ") {
                wrong.push(format!("{name}: no line above says what for"));
            }
            let name = name.replace('-', "_");
            let used = Regex::new(&format!(r"\b{name}(::|!)")).unwrap();
            if !used.is_match(code) {
                wrong.push(format!("{name}: used nowhere"));
            }
        }
        above = line;
    }
    assert!(count > 30, "the manifest was understood");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
