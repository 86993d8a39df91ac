//! The places of a repository that a task is about: its targets, what they depend on, what the gold patch touches.

use crate::model::LineIx;
use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Value;
use crate::patch::parse_patch;
use crate::python::Source;
use crate::python::outline;
use crate::replay::localize_targets;

/// Places that are told of one task at most.
const MOST: usize = 500;

/// What a place is to its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlaceRole {
    /// What the task is about: to be found, documented, implemented, or whose calls are to be found.
    Target,
    /// A definition that the target calls.
    Dependency,
    /// A stretch that the gold patch changes.
    Gold,
}

impl PlaceRole {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Dependency => "dependency",
            Self::Gold => "gold",
        }
    }
}

/// A place that a task names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskPlace {
    /// What it is to the task.
    pub role: PlaceRole,
    /// The name of what is defined there; of a stretch of a patch, what its heading says. May be empty.
    pub name: String,
    /// `function`, `class`, as the task says; empty where it does not.
    pub kind: String,
    /// The file, below the repository's root.
    pub path: String,
    /// Its first and last line, where the task says them; not checked.
    pub lines: Option<(LineIx, LineIx)>,
}

impl TaskPlace {
    /// The lines of the place in its file's text: those that the task says, else those of the definition of its name
    /// (`f` or `Class.method`). `None` where the text has no such lines.
    pub fn find(&self, text: &str) -> Option<(LineIx, LineIx)> {
        let count = text.lines().count();
        if let Some((first, last)) = self.lines {
            return (first.0 < count).then(|| (first, last.max(first).min(LineIx(count - 1))));
        }
        let outline = outline(&Source::whole(text));
        let (class, name) = match self.name.rsplit_once('.') {
            Some((class, name)) => (Some(class), name),
            None => (None, self.name.as_str()),
        };
        let found = outline.iter().find(|found| {
            let parent = found.parent.and_then(|ix| outline.get(ix));
            found.name == name && parent.map(|parent| parent.name.as_str()) == class
        });
        found.map(|found| (found.first, found.last))
    }
}

/// The places of a task, targets first; at most 500. Empty for tasks that name none.
pub fn places(task: &Task) -> Vec<TaskPlace> {
    let mut found = Vec::new();
    if let Some(instance) = task.instance.as_deref() {
        match task.kind {
            TaskKind::DepSearch => {
                found.extend(target_of_search(instance));
                let dependencies = array(instance, "dependencies").iter();
                found.extend(dependencies.filter_map(dependency));
            }
            TaskKind::FuncLocalize => {
                let targets = localize_targets(instance).iter();
                found.extend(targets.filter_map(|target| module(target, instance)));
            }
            TaskKind::FuncGen => found.extend(masked(instance)),
            _ => {}
        }
    }
    if let Some(patch) = &task.gold_patch {
        found.extend(gold(patch));
    }
    found.truncate(MOST);
    found
}

fn target_of_search(instance: &Value) -> Option<TaskPlace> {
    Some(TaskPlace {
        role: PlaceRole::Target,
        name: text(instance, "target_function_name")?,
        kind: "function".to_owned(),
        path: text(instance, "target_function_file")?,
        lines: lines(
            instance,
            "target_function_line_start",
            "target_function_line_end",
        ),
    })
}

fn dependency(of: &Value) -> Option<TaskPlace> {
    let (first, last) = (line(of, "line_start"), line(of, "line_end"));
    // annotations stand above decorators
    let first = line(of, "decorator_line").or(first);
    Some(TaskPlace {
        role: PlaceRole::Dependency,
        name: text(of, "name")?,
        kind: text(of, "type").unwrap_or_default(),
        path: text(of, "file_path")?,
        lines: first.map(|first| (first, last.unwrap_or(first))),
    })
}

fn module(of: &Value, instance: &Value) -> Option<TaskPlace> {
    Some(TaskPlace {
        role: PlaceRole::Target,
        name: text(of, "module_name")?,
        kind: text(of, "module_type").unwrap_or_default(),
        path: text(of, "file_path").or_else(|| text(instance, "file_path"))?,
        lines: lines(of, "module_line_start", "module_line_end"),
    })
}

fn masked(instance: &Value) -> Option<TaskPlace> {
    Some(TaskPlace {
        role: PlaceRole::Target,
        name: text(instance, "func_name")?,
        kind: "function".to_owned(),
        path: text(instance, "file_path")?,
        lines: None,
    })
}

fn gold(patch: &str) -> Vec<TaskPlace> {
    let mut found = Vec::new();
    for file in parse_patch(patch) {
        let Some(name) = file.old_path else {
            continue;
        };
        for hunk in file.hunks {
            let first = hunk.old_start.saturating_sub(1);
            let last = (first + hunk.old_len).saturating_sub(1).max(first);
            found.push(TaskPlace {
                role: PlaceRole::Gold,
                name: hunk.heading.trim().to_owned(),
                kind: String::new(),
                path: name.clone(),
                lines: (hunk.old_start > 0).then_some((LineIx(first), LineIx(last))),
            });
        }
    }
    found
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn text(value: &Value, key: &str) -> Option<String> {
    let text = value.get(key)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

fn line(value: &Value, key: &str) -> Option<LineIx> {
    usize::try_from(value.get(key)?.as_u64()?).ok().map(LineIx)
}

fn lines(value: &Value, first: &str, last: &str) -> Option<(LineIx, LineIx)> {
    let first = line(value, first)?;
    Some((first, line(value, last).unwrap_or(first)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(instance: Value, want: &[&str]) {
        let shown: Vec<String> = places(&Task::from_instance(instance))
            .iter()
            .map(|place| {
                let lines = place.lines.map(|(a, b)| format!("{}-{}", a.0, b.0));
                let (role, name) = (place.role.name(), &place.name);
                format!("{role} {name} {} {}", place.path, lines.unwrap_or_default())
            })
            .collect();
        assert_eq!(shown, want);
    }

    #[test]
    fn every_type_names_its_places() {
        check(
            json!({"instance_id": "a", "target_function_name": "f", "target_function_file": "a.py",
                "target_function_line_start": 3, "target_function_line_end": 9,
                "dependencies": [
                    {"name": "g", "file_path": "b.py", "line_start": 4, "line_end": 8, "decorator_line": 2},
                    {"name": "H", "file_path": "a.py", "line_start": 20, "line_end": 30, "type": "class"},
                    {"file_path": "c.py"}, null, 7]}),
            &[
                "target f a.py 3-9",
                "dependency g b.py 2-8",
                "dependency H a.py 20-30",
            ],
        );
        let one = json!({"module_name": "f", "file_path": "a.py", "function_description": "x",
            "module_line_start": 1, "module_line_end": 2, "instance_id": "i"});
        check(one, &["target f a.py 1-2"]);
        let many = json!({"instance_id": "i", "functions": [
            {"module_name": "f", "file_path": "a.py", "module_line_start": -1},
            {"module_name": "C", "file_path": "b.py", "module_line_start": 5}]});
        check(many, &["target f a.py ", "target C b.py 5-5"]);
        let of_one_file = json!({"instance_id": "i", "file_path": "c.py", "functions": [
            {"module_name": "f", "module_line_start": 2}]});
        check(of_one_file, &["target f c.py 2-2"]);
        check(
            json!({"instance_id": "i", "func_name": "C.f", "file_path": "a.py", "func_body": "x", "eval_script": "y"}),
            &["target C.f a.py "],
        );
        let patch = "diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n@@ -4,2 +4,2 @@ def f():\n a\n-b\n+c\n";
        check(
            json!({"instance_id": "i", "problem_statement": "p", "patch": patch}),
            &["gold def f(): x.py 3-4"],
        );
        check(json!({"instance_id": "i"}), &[]);
    }

    #[test]
    fn definitions_are_found_by_their_names() {
        let text = "def f():\n    pass\n\nclass C:\n    @cached\n    def f(self):\n        pass\n\n    x = 1\n";
        let place = |name: &str, lines| TaskPlace {
            role: PlaceRole::Target,
            name: name.to_owned(),
            kind: String::new(),
            path: "a.py".to_owned(),
            lines,
        };
        let found = |name: &str, lines| {
            let found = place(name, lines).find(text);
            found.map(|(first, last)| (first.0, last.0))
        };
        assert_eq!(found("f", None), Some((0, 1)));
        assert_eq!(found("C.f", None), Some((4, 6)));
        assert_eq!(found("C", None), Some((3, 8)));
        assert_eq!(found("g", None), None);
        assert_eq!(found("g", Some((LineIx(7), LineIx(99)))), Some((7, 8)));
        assert_eq!(found("g", Some((LineIx(7), LineIx(2)))), Some((7, 7)));
        assert_eq!(found("g", Some((LineIx(9), LineIx(9)))), None);
    }
}
