//! What file names tell: order, which files of a folder may hold data, and which belong to another file. Names never
//! tell a format, only what is worth looking into and what belongs together (formats.md §0).

use std::cmp::Ordering;
use std::path::Path;

/// Compares names as people count: `2.json` before `10.json`.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        let (digits_a, digits_b) = (digits(a), digits(b));
        if digits_a > 0 && digits_b > 0 {
            let (number_a, rest_a) = a.split_at(digits_a);
            let (number_b, rest_b) = b.split_at(digits_b);
            let order = significant(number_a)
                .len()
                .cmp(&significant(number_b).len())
                .then_with(|| significant(number_a).cmp(significant(number_b)))
                .then_with(|| digits_a.cmp(&digits_b));
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (rest_a, rest_b);
            continue;
        }
        match (a.split_first(), b.split_first()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some((x, rest_a)), Some((y, rest_b))) => {
                if x != y {
                    return x.cmp(y);
                }
                (a, b) = (rest_a, rest_b);
            }
        }
    }
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|b| b.is_ascii_digit()).count()
}

fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|b| **b == b'0').count();
    number.get(zeros..).unwrap_or_default()
}

/// Whether a file of a folder is worth opening: the endings that formats.md and design.md name.
pub(super) fn may_hold_data(name: &str) -> bool {
    const ENDINGS: [&str; 12] = [
        ".jsonl", ".json", ".ndjson", ".traj", ".gz", ".tgz", ".zst", ".eval", ".zip", ".parquet",
        ".tar", ".atif",
    ];
    let name = name.to_ascii_lowercase();
    !name.starts_with('.') && ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Whether a name ends in `.ending`, whatever the case.
pub(super) fn ends_in(name: &str, ending: &str) -> bool {
    let extension = Path::new(name).extension();
    extension.is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

/// Whether a name says that its file holds a value a line.
pub(super) fn says_lines(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".jsonl", ".ndjson", ".jsonl.gz", ".jsonl.zst"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

/// Folders that hold no trajectories, or our own decisions.
pub(super) fn is_ignored_folder(name: &str) -> bool {
    const KNOWN: [&str; 4] = [".claude", ".codex", ".openhands", ".openagents"];
    (name.starts_with('.') && !KNOWN.contains(&name))
        || name.ends_with(".hgview")
        || matches!(name, "node_modules" | "__pycache__")
}

/// Folders of a run whose `output.jsonl` holds the same conversations.
pub(super) fn is_copy_of_output(name: &str) -> bool {
    matches!(name, "conversations" | "llm_completions")
}

/// The index of an `OpenHands` V1 event file: `event-00012-<uuid>.json`.
pub(super) fn v1_event(name: &str) -> Option<u64> {
    let rest = name.strip_prefix("event-")?.strip_suffix(".json")?;
    let number = rest.split_once('-').map_or(rest, |(number, _)| number);
    number.parse().ok()
}

/// The index of an `OpenHands` V0 event file: `12.json`.
pub(super) fn v0_event(name: &str) -> Option<u64> {
    name.strip_suffix(".json")?.parse().ok()
}

/// The event files among the names of the folder called `folder`, in order: places in `names`. Empty when it is no
/// event folder.
pub(super) fn event_files(folder: &str, names: &[&str]) -> Vec<usize> {
    let by = |index: fn(&str) -> Option<u64>| {
        let mut found: Vec<(u64, usize)> = names
            .iter()
            .enumerate()
            .filter_map(|(place, name)| Some((index(name)?, place)))
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, place)| place).collect()
    };
    let v1: Vec<usize> = by(v1_event);
    if !v1.is_empty() {
        return v1;
    }
    if folder == "events" { by(v0_event) } else { v1 }
}

/// The session to which the path of an event folder belongs: without `events` and `event_service`.
pub(super) fn conversation_folder(events: &Path) -> &Path {
    let mut folder = events;
    for name in ["events", "event_service"] {
        if folder.file_name().is_some_and(|last| last == name)
            && let Some(parent) = folder.parent()
            && parent.file_name().is_some()
        {
            folder = parent;
        }
    }
    folder
}

/// The name of the ATIF file of which this one is a part: `X.summarization-1-answers.json` and `X.cont-1.json` belong
/// to `X.json`.
pub(super) fn atif_main(name: &str) -> Option<String> {
    let stem = name.strip_suffix(".json")?;
    let at = [".summarization-", ".cont-"]
        .into_iter()
        .filter_map(|mark| stem.find(mark))
        .min()?;
    Some(format!("{}.json", stem.get(..at)?))
}

/// Whether the text is a UUID, which is what Claude Code names its sessions by.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| {
            if matches!(at, 8 | 13 | 18 | 23) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_people_count() {
        let mut names = ["10.json", "9.json", "a", "010.json", "a2", "a10", "a1b"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(
            names,
            ["9.json", "10.json", "010.json", "a", "a1b", "a2", "a10"]
        );
    }

    #[test]
    fn event_files_come_in_order() {
        let names = [
            "event-00010-x.json",
            "event-00002-y.json",
            "base_state.json",
        ];
        assert_eq!(event_files("anything", &names), [1, 0]);
        let names = ["10.json", "9.json", ".eventlog.lock"];
        assert_eq!(event_files("events", &names), [1, 0]);
        assert_eq!(event_files("data", &names), Vec::<usize>::new());
        let folder = Path::new("/r/abc/event_service/events");
        assert_eq!(conversation_folder(folder), Path::new("/r/abc"));
    }

    #[test]
    fn parts_name_their_main_file() {
        let main = |name: &str| atif_main(name);
        assert_eq!(
            main("a.trajectory.summarization-1-answers.json").as_deref(),
            Some("a.trajectory.json")
        );
        assert_eq!(
            main("trajectory.cont-1.json").as_deref(),
            Some("trajectory.json")
        );
        assert_eq!(main("trajectory.json"), None);
        assert!(is_uuid("7acd37a8-2745-4b58-a8a9-46164b22ad9e"));
        assert!(!is_uuid("agent-3430b97e"));
    }
}
