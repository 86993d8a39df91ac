//! The base state of a task: which files of its repository are otherwise when an agent begins.

use std::collections::BTreeMap;

use crate::model::Task;
use crate::replay::BaseChange;

/// The files in which a base state differs from its repository at the base commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BaseState {
    /// Their bytes, by path.
    pub changed: BTreeMap<String, Vec<u8>>,
}

impl BaseState {
    /// The base state of a task: docstrings cut, a body masked, or nothing. `read` brings files of the repository.
    ///
    /// # Errors
    /// In words: a file is not there, has no such line or function, lies outside the repository.
    pub fn of(task: &Task, read: &dyn Fn(&str) -> Result<Vec<u8>, String>) -> Result<Self, String> {
        let mut changed = BTreeMap::new();
        for change in BaseChange::of(task, false) {
            let path = plain_path(&change.path)?;
            let made = read(&path).and_then(|old| change.apply(&old));
            let new = made.map_err(|why| format!("{path}: {why}"))?;
            changed.insert(path, new);
        }
        Ok(Self { changed })
    }
}

/// A path of an instance as repositories write it.
///
/// # Errors
/// Says that it leads out of the repository, or is none.
pub fn plain_path(path: &str) -> Result<String, String> {
    let names: Vec<&str> = path
        .split('/')
        .filter(|name| !matches!(*name, "" | "."))
        .collect();
    if names.is_empty() || names.contains(&"..") || path.contains('\0') {
        return Err(format!("{path:?} is no path of the repository"));
    }
    Ok(names.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(instance: serde_json::Value, want: Result<&[(&str, &str)], &str>) {
        let read = |path: &str| match path {
            "a/m.py" => Ok(b"def f():\n    'd'\n    x = 1\n    return x\n".to_vec()),
            _ => Err("there is no such file".to_owned()),
        };
        let found = BaseState::of(&Task::from_instance(instance), &read);
        let found = found.map(|state| {
            let text = |bytes| String::from_utf8(bytes).unwrap();
            let files = state.changed.into_iter();
            files
                .map(|(path, bytes)| (path, text(bytes)))
                .collect::<Vec<_>>()
        });
        let want = want.map(|files| {
            let files = files.iter();
            files
                .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
                .collect()
        });
        assert_eq!(found, want.map_err(str::to_owned));
    }

    #[test]
    fn base_states_of_the_types() {
        let localize = |path: &str, first: i64| {
            serde_json::json!({"module_name": "f", "file_path": path, "docstring_line_start": first,
                "docstring_line_end": first, "function_description": "d"})
        };
        let cut = "def f():\n    x = 1\n    return x\n";
        check(localize("a/m.py", 1), Ok(&[("a/m.py", cut)]));
        check(localize("./a//m.py", 1), Ok(&[("a/m.py", cut)]));
        check(localize("a/m.py", -1), Ok(&[]));
        check(
            localize("a/m.py", 9),
            Err("a/m.py: it has no such line to cut"),
        );
        check(localize("b.py", 1), Err("b.py: there is no such file"));
        check(
            localize("../m.py", 1),
            Err("\"../m.py\" is no path of the repository"),
        );
        let generate = |name: &str| serde_json::json!({"func_name": name, "file_path": "a/m.py", "eval_script": "x"});
        let masked = "def f():\n    'd'\n    pass  # TODO: Implement this function\n";
        check(generate("f"), Ok(&[("a/m.py", masked)]));
        let why = "a/m.py: the function is not found, or the file does not parse";
        check(generate("g"), Err(why));
        let search = serde_json::json!({"target_function_name": "f", "dependencies": []});
        check(search, Ok(&[]));
    }
}
