//! The base state of a task as changes to a checkout's files: what the task's producer did before the agent began.
//!
//! Hybrid-Gym cuts the docstrings that are to be written (`func_localize`) or masks the body that is to be implemented
//! (`func_gen`); other tasks begin with the checkout. Pure: whoever has the files applies the changes.

use std::collections::BTreeSet;

use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Value;
use crate::patch::parse_patch;
use crate::python::definitions::mask_function;

/// What is changed of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseChange {
    /// The file, as the task names it.
    pub path: String,
    edit: Edit,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Edit {
    /// Lines go, counted from 0 in the file as it was, first and last, sorted.
    Cut {
        lines: Vec<(usize, usize)>,
        /// Only if a docstring begins there: the file may be cut already.
        is_careful: bool,
    },
    /// The body of a function becomes `pass`.
    Mask { function: String },
}

impl BaseChange {
    /// The changes of a task, each file once, in the order in which the task names them. Where the files may be of the
    /// base state already, `is_careful` cuts only what is a docstring.
    pub fn of(task: &Task, is_careful: bool) -> Vec<Self> {
        let Some(instance) = &task.instance else {
            return Vec::new();
        };
        match task.kind {
            TaskKind::FuncLocalize => cuts(instance, is_careful),
            TaskKind::FuncGen => mask(instance).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// The file in the base state.
    ///
    /// # Errors
    /// In words: it has no such line, no such function, does not parse.
    pub fn apply(&self, old: &[u8]) -> Result<Vec<u8>, String> {
        match &self.edit {
            Edit::Cut { lines, is_careful } => Ok(cut(old, lines, *is_careful)?),
            Edit::Mask { function } => {
                let text = std::str::from_utf8(old).map_err(|err| err.to_string())?;
                let masked = mask_function(text, function);
                let masked = masked.ok_or("the function is not found, or the file does not parse");
                Ok(masked?.into_bytes())
            }
        }
    }
}

/// The message of the base state's one commit.
pub fn commit_message(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::FuncGen => "Initial commit with masked function",
        _ => "Initial commit",
    }
}

/// The files that a task's answer lies in: its targets', those of the dependencies that are to be found, those that the
/// gold patch changes. Each once, as git would write them.
pub fn answer_files(task: &Task) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    if let Some(instance) = task.instance.as_deref() {
        let name = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).map(str::to_owned);
        let dependencies = instance.get("dependencies").and_then(Value::as_array);
        match task.kind {
            TaskKind::FuncLocalize | TaskKind::FuncGen => {
                let targets = localize_targets(instance).iter().chain([instance]);
                files.extend(targets.filter_map(|target| name(target, "file_path")));
            }
            TaskKind::DepSearch => {
                files.extend(name(instance, "target_function_file"));
                let dependencies = dependencies.into_iter().flatten();
                files.extend(dependencies.filter_map(|one| name(one, "file_path")));
            }
            _ => {}
        }
    }
    if let Some(patch) = &task.gold_patch {
        files.extend(
            parse_patch(patch)
                .into_iter()
                .filter_map(|file| file.old_path),
        );
    }
    let plain = |path: String| {
        let names = path.split('/').filter(|name| !matches!(*name, "" | "."));
        names.collect::<Vec<_>>().join("/")
    };
    files.into_iter().map(plain).collect()
}

/// The functions and classes of a `func_localize` instance: its `functions`, else itself.
pub fn localize_targets(instance: &Value) -> &[Value] {
    let several = instance.get("functions").and_then(Value::as_array);
    match several {
        Some(several) if !several.is_empty() => several,
        _ => std::slice::from_ref(instance),
    }
}

fn cuts(instance: &Value, is_careful: bool) -> Vec<BaseChange> {
    let mut changes: Vec<BaseChange> = Vec::new();
    let mut known = std::collections::HashMap::new();
    for target in localize_targets(instance) {
        // -1: it had none
        let line = |key: &str| usize::try_from(target.get(key)?.as_i64()?).ok();
        let place = line("docstring_line_start").zip(line("docstring_line_end"));
        let path = target
            .get("file_path")
            .or_else(|| instance.get("file_path"));
        let Some((path, place)) = path.and_then(Value::as_str).zip(place) else {
            continue;
        };
        let ix = *known.entry(path).or_insert_with(|| {
            let lines = Vec::new();
            changes.push(BaseChange {
                path: path.to_owned(),
                edit: Edit::Cut { lines, is_careful },
            });
            changes.len() - 1
        });
        if let Some(Edit::Cut { lines, .. }) = changes.get_mut(ix).map(|change| &mut change.edit) {
            lines.push(place);
        }
    }
    for change in &mut changes {
        if let Edit::Cut { lines, .. } = &mut change.edit {
            lines.sort_unstable();
        }
    }
    changes
}

fn mask(instance: &Value) -> Option<BaseChange> {
    let text = |key: &str| instance.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(BaseChange {
        path: text("file_path")?,
        edit: Edit::Mask {
            function: text("func_name")?,
        },
    })
}

/// A text without some lines, as `sed FIRST,LASTd` leaves it: where a last one comes before its first, only that one
/// goes.
fn cut(text: &[u8], places: &[(usize, usize)], is_careful: bool) -> Result<Vec<u8>, &'static str> {
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let mut kept = Vec::with_capacity(text.len());
    let mut next = 0;
    for (first, last) in places {
        let Some(line) = lines.get(*first) else {
            return Err("it has no such line to cut");
        };
        if is_careful && !begins_docstring(line) {
            return Err("no docstring begins where one was cut");
        }
        for line in lines.get(next..*first).unwrap_or_default() {
            kept.extend_from_slice(line);
        }
        next = next.max(last.max(first).saturating_add(1));
    }
    for line in lines.get(next..).unwrap_or_default() {
        kept.extend_from_slice(line);
    }
    Ok(kept)
}

fn begins_docstring(line: &[u8]) -> bool {
    let start = line.trim_ascii_start();
    let letters = start.iter().take_while(|byte| byte.is_ascii_alphabetic());
    let start = start.get(letters.count().min(2)..).unwrap_or_default();
    start.starts_with(b"\"") || start.starts_with(b"'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, places: &[(usize, usize)], want: Result<&str, &str>) {
        let got = cut(text.as_bytes(), places, true);
        let got = got.map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(got.as_deref().map_err(|why| *why), want);
    }

    #[test]
    fn docstrings_are_cut_as_sed_cuts() {
        let text = "def f():\n    '''a\n    b'''\n    return 1";
        check(text, &[(1, 2)], Ok("def f():\n    return 1"));
        check(text, &[(1, 0)], Ok("def f():\n    b'''\n    return 1"));
        check(text, &[(1, 9)], Ok("def f():\n"));
        check(
            text,
            &[(3, 3)],
            Err("no docstring begins where one was cut"),
        );
        check(text, &[(4, 4)], Err("it has no such line to cut"));
        check("  r\"x\"\r\ny\r\n", &[(0, 0)], Ok("y\r\n"));
        check("  rb'x'\n", &[(0, 0)], Ok(""));
        // lines are those of the file as it was, whatever goes above them
        check(
            "'a'\nx\n'b'\n'c'\ny\n",
            &[(0, 0), (2, 3), (3, 3)],
            Ok("x\ny\n"),
        );
    }

    #[test]
    fn tasks_tell_their_changes() {
        #[track_caller]
        fn check(instance: serde_json::Value, want: &[BaseChange]) {
            assert_eq!(BaseChange::of(&Task::from_instance(instance), false), want);
        }
        let cut = |path: &str, lines: &[(usize, usize)]| BaseChange {
            path: path.to_owned(),
            edit: Edit::Cut {
                lines: lines.to_vec(),
                is_careful: false,
            },
        };
        let target = |path: &str, first: i64, last: i64| {
            serde_json::json!({"module_name": "f", "module_type": "function", "file_path": path,
                "function_description": "d", "docstring_line_start": first, "docstring_line_end": last})
        };
        check(target("a.py", 3, 4), &[cut("a.py", &[(3, 4)])]);
        check(target("a.py", -1, -1), &[]);
        let several = serde_json::json!({"functions": [target("a.py", 7, 7), target("b.py", -1, -1),
            target("b.py", 5, 6), target("a.py", 1, 1)]});
        check(
            several,
            &[cut("a.py", &[(1, 1), (7, 7)]), cut("b.py", &[(5, 6)])],
        );
        let mask = BaseChange {
            path: "m.py".to_owned(),
            edit: Edit::Mask {
                function: "A.f".to_owned(),
            },
        };
        check(
            serde_json::json!({"func_name": "A.f", "file_path": "m.py", "eval_script": "x"}),
            &[mask],
        );
        check(
            serde_json::json!({"func_name": "A.f", "eval_script": "x"}),
            &[],
        );
    }
}
