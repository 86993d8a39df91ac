//! Recordings of the real editors, made again: what they answered and what lay in the files afterwards.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use sha2::Digest as _;

use super::*;
use crate::model::Action;
use crate::replay::Did;
use crate::replay::edit::StrReplaceEditor;
use crate::sandbox::testing::folder::Folder;

/// The folder in which the recordings were made.
const ROOT: &str = "/tmp/w";

fn lines(name: &str) -> Vec<Value> {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("a recording");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).expect("hex"))
        .collect()
}

fn sha256(bytes: &[u8]) -> String {
    let digest = sha2::Sha256::digest(bytes);
    let digits: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

/// Puts the files that a recording began with.
fn put(folder: &Folder, files: &Value) {
    std::fs::create_dir_all(folder.host(ROOT)).expect("a folder");
    for (rel, file) in files.as_object().expect("files") {
        let path = format!("{ROOT}/{rel}");
        let at = folder.host(&path);
        std::fs::create_dir_all(at.parent().expect("a folder above")).expect("folders");
        if file.get("dir").is_some() {
            std::fs::create_dir_all(&at).expect("a folder");
        } else if let Some(target) = file["link"].as_str() {
            std::os::unix::fs::symlink(target, &at).expect("a link");
        } else {
            let bytes = match file["hex"].as_str() {
                Some(text) => hex(text),
                None => file["text"].as_str().expect("a text").as_bytes().to_vec(),
            };
            let times = usize::try_from(file["times"].as_u64().unwrap_or(1)).expect("a count");
            folder.put(&path, bytes.repeat(times));
            let mode = file["mode"].as_str().unwrap_or("644");
            let mode =
                std::fs::Permissions::from_mode(u32::from_str_radix(mode, 8).expect("a mode"));
            std::fs::set_permissions(&at, mode).expect("a mode");
        }
    }
}

/// The names of temporary files have eight random letters.
fn without_random(says: &str) -> String {
    let random = regex::Regex::new(r"\.[a-z0-9_]{8}\.tmp").expect("a pattern");
    random.replace_all(says, ".xxxxxxxx.tmp").into_owned()
}

/// What differs after a step; nothing where all is as it was recorded.
fn differs(folder: &Folder, step: &Value, reply: &Reply) -> Option<String> {
    let says = match (&reply.did, step["says"].as_str()) {
        // What the validator refuses and where the tool breaks, it has no words of its own.
        (Did::NotReplayable(_), Some(says)) if says == "REFUSED" || says.starts_with("CRASH ") => {
            true
        }
        (Did::NotReplayable(why), _) => return Some(format!("not replayable: {why}")),
        (_, Some(says)) => reply.text == without_random(says),
        (_, None) => sha256(reply.text.as_bytes()) == step["says_sha256"].as_str().expect("a hash"),
    };
    if !says {
        let says = step["says"]
            .as_str()
            .or(step["says_head"].as_str())
            .unwrap_or_default();
        return Some(format!("{:.600}\n   instead of\n{says:.600}", reply.text));
    }
    let after = step.get("after")?;
    let at = folder.host(step["args"]["path"].as_str()?);
    let Ok(bytes) = std::fs::read(&at) else {
        return (after.get("gone").is_none()).then(|| "the file is gone".to_owned());
    };
    let expected = match (after["text"].as_str(), after["hex"].as_str()) {
        (Some(text), _) => text.as_bytes().to_vec() == bytes,
        (None, Some(text)) => hex(text) == bytes,
        (None, None) => after["sha256"].as_str() == Some(sha256(&bytes).as_str()),
    };
    if !expected {
        return Some(format!(
            "the file is {:.300}",
            String::from_utf8_lossy(&bytes)
        ));
    }
    let mode = std::fs::metadata(&at).expect("a file").permissions().mode() & 0o7777;
    if after["mode"].as_str() != Some(format!("{mode:o}").as_str()) {
        return Some(format!("mode {mode:o} instead of {}", after["mode"]));
    }
    let is_link = std::fs::symlink_metadata(&at).expect("a file").is_symlink();
    (after["link"].as_bool() != Some(is_link)).then(|| format!("a link: {is_link}"))
}

/// Replays a recording and returns what differs, by scenario and step, and how many steps there were.
fn replayed(
    name: &str,
    version: &str,
    make: impl Fn() -> Box<dyn Tool>,
) -> (usize, Vec<(String, usize, String)>) {
    let mut count = 0;
    let mut different = Vec::new();
    for scenario in lines(name)
        .into_iter()
        .filter(|line| line["version"] == version)
    {
        let mut folder = Folder::new();
        put(&folder, &scenario["files"]);
        let mut tool = make();
        for (ix, step) in scenario["steps"]
            .as_array()
            .expect("steps")
            .iter()
            .enumerate()
        {
            // Every step goes through a saved state: nothing may live outside of it.
            let saved = tool.save(&mut folder).expect("a state");
            tool = make();
            tool.restore(&saved, &mut folder).expect("the state");
            let action = Action::new(None, "str_replace_editor", step["args"].clone());
            let call = Call {
                action: &action,
                step: ix,
                patience: Duration::from_secs(1),
            };
            let reply = tool
                .run(&call, &mut folder, &mut |_| (), &Cancel::default())
                .expect("a reply");
            count += 1;
            if let Some(what) = differs(&folder, step, &reply) {
                let name = scenario["name"].as_str().expect("a name").to_owned();
                different.push((name, ix, what));
            }
        }
    }
    (count, different)
}

/// All that differs must be in `known` (scenario, step, why), and the other way round; at least 95 of 100 are the same.
#[track_caller]
fn is_as_recorded(
    name: &str,
    version: &str,
    make: impl Fn() -> Box<dyn Tool>,
    known: &[(&str, usize, &str)],
) {
    let (count, different) = replayed(name, version, make);
    assert!(count >= 300, "{count} steps");
    let found: Vec<(&str, usize)> = different
        .iter()
        .map(|(name, ix, _)| (name.as_str(), *ix))
        .collect();
    let expected: Vec<(&str, usize)> = known.iter().map(|(name, ix, _)| (*name, *ix)).collect();
    let told: Vec<String> = different
        .iter()
        .filter(|(name, ix, _)| !expected.contains(&(name.as_str(), *ix)))
        .map(|(name, ix, what)| format!("{name} {ix}: {what}"))
        .collect();
    assert!(told.is_empty(), "{} {}", told.len(), told.join("\n"));
    assert_eq!(found, expected, "what is known to differ does");
    assert!(
        different.len() * 20 <= count,
        "{} of {count} differ",
        different.len()
    );
}

/// What the editors do with files that are not UTF-8 depends on which encoding a statistic guesses.
const GUESSED: &str = "the encoding is a guess";

#[test]
fn the_editor_of_openhands_answers_as_recorded() {
    let known = [
        ("latin-1", 0, GUESSED),
        ("latin-1", 1, GUESSED),
        ("latin-1", 2, GUESSED),
        (
            "latin-1",
            3,
            "the file is emptied when the guessed encoding lacks a character",
        ),
        ("latin-1", 4, "the file was emptied"),
        (
            "latin-1 short",
            0,
            "too short to be guessed: the tool breaks",
        ),
        ("latin-1 short", 1, "too short to be guessed: refused"),
        ("cp1252", 1, GUESSED),
        (
            "exactly 16000",
            2,
            "one letter 16,000 times is taken for Korean",
        ),
        (
            "folder with a blank",
            0,
            "the path goes to a shell in two words",
        ),
    ];
    is_as_recorded(
        "editor-aci.jsonl",
        "0.3.0",
        || Box::new(StrReplaceEditor::new()),
        &known,
    );
}

#[test]
fn the_early_editor_of_the_sdk_answers_as_recorded() {
    let known = [
        ("latin-1", 0, GUESSED),
        ("latin-1", 1, GUESSED),
        ("latin-1", 2, GUESSED),
        (
            "latin-1",
            3,
            "the file is emptied when the guessed encoding lacks a character",
        ),
        ("latin-1", 4, "the file was emptied"),
        ("latin-1 short", 0, "too short to be guessed: refused"),
        ("latin-1 short", 1, "too short to be guessed: refused"),
        ("cp1252", 1, GUESSED),
        (
            "exactly 16000",
            2,
            "one letter 16,000 times is taken for Korean",
        ),
        (
            "folder with a blank",
            0,
            "the path goes to a shell in two words",
        ),
    ];
    is_as_recorded(
        "editor-sdk.jsonl",
        "1.17.0",
        || Box::new(FileEditor::new(Generation::Early, ROOT)),
        &known,
    );
}

#[test]
fn the_late_editor_of_the_sdk_answers_as_recorded() {
    let known = [
        ("latin-1", 0, GUESSED),
        ("latin-1", 1, GUESSED),
        ("latin-1", 2, GUESSED),
        ("latin-1", 3, GUESSED),
        ("latin-1", 4, GUESSED),
        ("cp1252", 1, GUESSED),
    ];
    is_as_recorded(
        "editor-sdk.jsonl",
        "1.58.0",
        || Box::new(FileEditor::new(Generation::Late, ROOT)),
        &known,
    );
}
