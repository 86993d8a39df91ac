//! How hard a task may be, as far as it says itself.

use std::collections::BTreeSet;
use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::Task;
use crate::model::Value;
use crate::python::repo::DefinitionId;
use crate::python::repo::Repository;
use crate::tasks::PlaceRole;
use crate::tasks::TaskPlace;

/// Estimates of how hard a task is. What is not known is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difficulty {
    /// Definitions of the repository among which the right ones are to be found.
    pub definitions: Option<u64>,
    /// Python files of the repository.
    pub files: Option<u64>,
    /// How many calls away the farthest definition is that the target reaches; at most 8.
    pub depth: Option<u64>,
    /// What is to be found: targets, or what the target calls.
    pub to_find: usize,
    /// The files in which that lies.
    pub in_files: usize,
    /// Of those, files other than the one that the task names.
    pub elsewhere: usize,
    /// Lines of the target.
    pub target_lines: Option<usize>,
}

impl Difficulty {
    /// Of a task with these places. The sizes of the repository are what the maker of the task wrote down
    /// (`provenance.search_space.{definitions,files}`, `provenance.depth`).
    pub fn of(task: &Task, places: &[TaskPlace]) -> Self {
        let provenance = task.instance.as_ref().and_then(|row| row.get("provenance"));
        let number = |value: Option<&Value>| value.and_then(Value::as_u64);
        let space = provenance.and_then(|from| from.get("search_space"));
        let targets = || {
            places
                .iter()
                .filter(|place| place.role == PlaceRole::Target)
        };
        let is_named = places
            .iter()
            .any(|place| place.role == PlaceRole::Dependency);
        let wanted: Vec<&TaskPlace> = if is_named {
            let others = places
                .iter()
                .filter(|place| place.role != PlaceRole::Target);
            others.collect()
        } else {
            places.iter().collect()
        };
        let named = targets().next().filter(|_| is_named);
        let in_files: BTreeSet<&str> = wanted.iter().map(|place| place.path.as_str()).collect();
        let is_elsewhere = |path: &&&str| named.is_none_or(|named| named.path != ***path);
        Self {
            definitions: number(space.and_then(|space| space.get("definitions"))),
            files: number(space.and_then(|space| space.get("files"))),
            depth: number(provenance.and_then(|from| from.get("depth"))),
            to_find: wanted.len(),
            elsewhere: in_files.iter().filter(is_elsewhere).count(),
            in_files: in_files.len(),
            target_lines: targets().find_map(|place| {
                let (first, last) = place.lines?;
                Some((last.0 + 1).saturating_sub(first.0))
            }),
        }
    }
}

/// How far the farthest definition of the repository is from one that calls it, or calls what calls it: 1 for what is
/// called directly, at most [`MOST_DEPTH`]; 0 where nothing of the repository is called. No more than [`MOST_REACHED`]
/// definitions are looked at.
pub fn depth(index: &Repository, of: DefinitionId) -> u64 {
    let mut reached = HashSet::from([of]);
    let mut now = vec![of];
    for depth in 0..MOST_DEPTH {
        let mut next = Vec::new();
        for caller in now {
            if reached.len() > MOST_REACHED {
                break;
            }
            for dependency in index.dependencies(caller) {
                if reached.insert(dependency.definition) {
                    next.push(dependency.definition);
                }
            }
        }
        if next.is_empty() {
            return depth;
        }
        now = next;
    }
    MOST_DEPTH
}

/// Chains of calls are followed no further.
const MOST_DEPTH: u64 = 8;
/// Definitions whose calls are looked at.
const MOST_REACHED: usize = 64;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tasks::places;

    #[test]
    fn what_is_to_be_found_and_where() {
        let task = Task::from_instance(json!({"instance_id": "a", "target_function_name": "f",
            "target_function_file": "a.py", "target_function_line_start": 3, "target_function_line_end": 9,
            "dependencies": [
                {"name": "g", "file_path": "b.py", "line_start": 4, "line_end": 8},
                {"name": "h", "file_path": "b.py", "line_start": 24, "line_end": 28},
                {"name": "k", "file_path": "a.py", "line_start": 20, "line_end": 30}],
            "provenance": {"search_space": {"definitions": 120, "files": 9}, "depth": 3}}));
        let known = Difficulty::of(&task, &places(&task));
        assert_eq!((known.to_find, known.in_files, known.elsewhere), (3, 2, 1));
        assert_eq!((known.definitions, known.files), (Some(120), Some(9)));
        assert_eq!((known.depth, known.target_lines), (Some(3), Some(7)));
        let task = Task::from_instance(json!({"instance_id": "a", "module_name": "f",
            "file_path": "a.py", "function_description": "x"}));
        let known = Difficulty::of(&task, &places(&task));
        assert_eq!((known.to_find, known.in_files, known.elsewhere), (1, 1, 1));
        assert_eq!((known.definitions, known.target_lines), (None, None));
    }
}
