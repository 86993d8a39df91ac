//! Observations beside the verdicts: worth a look, they decide nothing.
//!
//! Two so far: the prompt tells what it should hide, and another attempt ends in the very same patch. The second is
//! known only over all records, so that the caller groups by [`crate::verify::check::Checked::patch_hash`].

use std::collections::HashMap;

use crate::model::ContentHash;
use crate::model::Flag;
use crate::model::FlagKind;
use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Trajectory;
use crate::model::Value;
use crate::verify::check::Checked;

/// What the prompt of a trajectory tells that its task hides. `func_localize` always hides where its targets are, and
/// in its masked form what they are called.
pub fn prompt_leaks(trajectory: &Trajectory) -> Vec<Flag> {
    let (Some(task), Some(prompt)) = (&trajectory.task, &trajectory.instruction) else {
        return Vec::new();
    };
    let Task {
        kind: TaskKind::FuncLocalize,
        instance: Some(instance),
        ..
    } = task
    else {
        return Vec::new();
    };
    let many = instance.get("functions").and_then(Value::as_array);
    let targets = match many {
        Some(many) if !many.is_empty() => many.as_slice(),
        _ => std::slice::from_ref(instance.as_ref()),
    };
    let hides_name = hides_names(prompt);
    let mut leaks: Vec<String> = Vec::new();
    for target in targets {
        let text = |key: &str| target.get(key).and_then(Value::as_str);
        if let Some(path) = text("file_path").filter(|path| !path.is_empty()) {
            let module = path.strip_suffix(".py").unwrap_or(path).replace('/', ".");
            if has_word(prompt, path) {
                leaks.push(format!("the prompt tells the target's file `{path}`"));
            } else if module.contains('.') && has_word(prompt, &module) {
                leaks.push(format!("the prompt tells the target's module `{module}`"));
            }
        }
        if let Some(name) = text("module_name").filter(|_| hides_name)
            && tells_name(prompt, name)
        {
            leaks.push(format!(
                "the prompt tells the target's name `{name}`, which it says it hides"
            ));
        }
    }
    leaks.dedup();
    let flag = |why| Flag::of_record(FlagKind::PromptLeak, why);
    leaks.into_iter().map(flag).collect()
}

/// Whether the prompt is of the masked form: it says so.
fn hides_names(prompt: &str) -> bool {
    [
        "[MASKED]",
        "name is not provided",
        "name is not given",
        "name is hidden",
    ]
    .into_iter()
    .any(|mark| prompt.contains(mark))
}

/// Whether a name is told. Names that are plain words (`get`, `read`) occur in any description; they count only where
/// they are written as code.
fn tells_name(prompt: &str, name: &str) -> bool {
    let is_plain = name.chars().skip(1).all(char::is_lowercase) && !name.starts_with('_');
    if name.is_empty() {
        false
    } else if is_plain {
        has_word(prompt, &format!("`{name}`"))
            || words(prompt, name).any(|end| {
                let rest = prompt.get(end..).unwrap_or_default();
                rest.starts_with('(')
            })
    } else {
        has_word(prompt, name)
    }
}

fn has_word(text: &str, word: &str) -> bool {
    words(text, word).next().is_some()
}

/// The ends of the places at which `word` stands by itself.
fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).filter_map(move |(start, found)| {
        let end = start + found.len();
        let before = text.get(..start)?.chars().next_back();
        let after = text.get(end..)?.chars().next();
        (!before.is_some_and(is_part) && !after.is_some_and(is_part)).then_some(end)
    })
}

/// Flags the records whose patch another attempt of the same task has too. Records without a task or a patch are left
/// alone.
pub fn flag_same_patches<'a>(records: impl IntoIterator<Item = &'a mut Checked>) {
    let mut groups: HashMap<(String, ContentHash), Vec<&'a mut Checked>> = HashMap::new();
    for checked in records {
        if let (Some(task), Some(patch)) = (&checked.task_id, checked.patch_hash) {
            groups
                .entry((task.clone(), patch))
                .or_default()
                .push(checked);
        }
    }
    for group in groups.into_values().filter(|group| group.len() > 1) {
        let others = group.len() - 1;
        for checked in group {
            checked.flags.push(same_patch(others));
        }
    }
}

/// The flag of a record whose patch `others` further attempts have.
pub fn same_patch(others: usize) -> Flag {
    let attempts = if others == 1 { "attempt" } else { "attempts" };
    let why = format!("{others} other {attempts} of this task end in the same patch");
    Flag::of_record(FlagKind::SamePatch, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(prompt: &str, want: &[&str]) {
        let row = r#"{"instance_id": "a", "module_name": "read_all", "file_path": "src/io/core.py",
            "function_description": "x", "module_line_start": 1, "module_line_end": 2}"#;
        let trajectory = Trajectory {
            task: Some(Task::from_instance(serde_json::from_str(row).unwrap())),
            instruction: Some(prompt.into()),
            ..Trajectory::default()
        };
        let got: Vec<String> = prompt_leaks(&trajectory)
            .into_iter()
            .map(|flag| flag.why)
            .collect();
        assert_eq!(got.len(), want.len(), "{got:?}");
        for (got, want) in got.iter().zip(want) {
            assert!(got.contains(want), "{got:?}");
        }
    }

    #[test]
    fn prompts_tell_what_they_should_hide() {
        check("Find what reads everything.", &[]);
        check("Target name: read_all", &[]);
        check(
            "The target name is not provided. It is read_all.",
            &["read_all"],
        );
        check("1. [MASKED] (function): like read_all_now", &[]);
        check("It stands in /w/src/io/core.py.", &["src/io/core.py"]);
        check("See src.io.core for more.", &["src.io.core"]);
        check("See src/io/core.pyi for more.", &[]);
    }

    #[test]
    fn plain_words_are_names_only_as_code() {
        assert!(!tells_name("to get a value", "get"));
        assert!(tells_name("call get() for it", "get"));
        assert!(tells_name("`get` is it", "get"));
        assert!(!tells_name("call forget() for it", "get"));
        assert!(tells_name("a Reader is it", "Reader") || !tells_name("a reader", "Reader"));
        assert!(tells_name("use readAll", "readAll"));
        assert!(!tells_name("anything", ""));
    }
}
