//! Whether a task's places are those of its repository, and its base state takes nothing along that it should not.

use crate::model::TaskKind;
use crate::model::Value;
use crate::python::DefinitionKind;
use crate::python::Difference;
use crate::python::Documented;
use crate::python::Source;
use crate::python::compare;
use crate::python::definitions::function_text;
use crate::python::repo::decoded;
use crate::python::tree;
use crate::replay::localize_targets;
use crate::tasks::base::BaseState;
use crate::tasks::check::Ground;
use crate::tasks::check::Passed;

/// Targets and dependencies of a task that are looked at.
pub(super) const MOST: usize = 1000;

pub(super) fn check(
    kind: TaskKind,
    instance: &Value,
    ground: &Ground,
    state: &BaseState,
) -> Passed {
    match kind {
        TaskKind::FuncLocalize => {
            let targets = localize_targets(instance);
            if targets.len() > MOST {
                return Err(format!("it has more than {MOST} targets"));
            }
            for target in targets {
                localize(target, path_of(target, instance), ground)?;
            }
        }
        TaskKind::DepSearch => search(instance, ground)?,
        TaskKind::FuncGen => generate(instance, ground)?,
        _ => {}
    }
    for (path, bytes) in &state.changed {
        let old = ground.text(path)?;
        let new = decoded(bytes).ok_or_else(|| format!("{path} is no text"))?;
        harmless(kind, &old.whole, &new).map_err(|why| format!("{path}: {why}"))?;
    }
    Ok(())
}

/// The file of a target; several targets may share that of their instance.
pub(super) fn path_of<'v>(target: &'v Value, instance: &'v Value) -> &'v str {
    match text(target, "file_path") {
        "" => text(instance, "file_path"),
        path => path,
    }
}

/// A text of an instance; empty where it has none.
pub(super) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A line of an instance; `None` where it is missing or -1.
pub(super) fn line(value: &Value, key: &str) -> Option<usize> {
    usize::try_from(value.get(key)?.as_u64()?).ok()
}

/// The last part of a dotted name.
pub(super) fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn localize(target: &Value, path: &str, ground: &Ground) -> Passed {
    let file = ground.text(path)?;
    let name = last_part(text(target, "module_name"));
    let start =
        line(target, "module_line_start").ok_or("the task does not say where its target begins")?;
    let at = start + 1;
    let (_, found) = file
        .definition_at(name, start)
        .ok_or_else(|| format!("{path}:{at}: `{name}` is not defined here"))?;
    let kind = match text(target, "module_type") {
        "class" => Some(DefinitionKind::Class),
        "function" | "method" => Some(DefinitionKind::Function),
        _ => None,
    };
    if kind.is_some_and(|kind| kind != found.kind) {
        let kind = text(target, "module_type");
        return Err(format!("{path}:{at}: `{name}` is no {kind}"));
    }
    let end =
        line(target, "module_line_end").ok_or("the task does not say where its target ends")?;
    within(path, (start, end), file.line_count())?;
    let told = line(target, "docstring_line_start").zip(line(target, "docstring_line_end"));
    match (told, found.documented) {
        (Some((first, last)), Documented::Yes(doc))
            if (first, last) == (doc.first.0, doc.last.0) =>
        {
            Ok(())
        }
        (None, Documented::No) => Ok(()),
        (Some((first, _)), _) => {
            let at = first + 1;
            Err(format!(
                "{path}:{at}: the docstring of `{name}` does not stand on these lines"
            ))
        }
        (None, _) => Err(format!(
            "{path}:{at}: `{name}` has a docstring that is not cut"
        )),
    }
}

fn search(instance: &Value, ground: &Ground) -> Passed {
    let path = text(instance, "target_function_file");
    let name = last_part(text(instance, "target_function_name"));
    let start = line(instance, "target_function_line_start");
    let start = start.ok_or("the task does not say where its target begins")?;
    let file = ground.text(path)?;
    let at = start + 1;
    let (_, found) = file
        .definition_at(name, start)
        .ok_or_else(|| format!("{path}:{at}: `{name}` is not defined here"))?;
    if found.kind != DefinitionKind::Function {
        return Err(format!("{path}:{at}: `{name}` is no function"));
    }
    let end = line(instance, "target_function_line_end").unwrap_or(start);
    within(path, (start, end), file.line_count())
}

fn generate(instance: &Value, ground: &Ground) -> Passed {
    let path = text(instance, "file_path");
    let name = text(instance, "func_name");
    if path.is_empty() || name.is_empty() {
        return Err("the task does not name its function and file".to_owned());
    }
    let file = ground.text(path)?;
    let why = || format!("{path}: `{name}` is not found, or the file does not parse");
    function_text(&file.whole, name).map(|_| ()).ok_or_else(why)
}

/// Whether lines of a file are that: the last one is not before the first.
pub(super) fn within(path: &str, (start, end): (usize, usize), count: usize) -> Passed {
    if start <= end && end < count {
        return Ok(());
    }
    let (start, end) = (start.saturating_add(1), end.saturating_add(1));
    Err(format!(
        "{path}: lines {start} to {end} are not in the file, which has {count}"
    ))
}

/// Whether a changed file lost nothing but a docstring or a body.
fn harmless(kind: TaskKind, old: &str, new: &str) -> Passed {
    let (old, new) = (Source::whole(old), Source::whole(new));
    let parsed = tree::check(&old);
    if parsed.is_ok()
        && let Err(fault) = tree::check(&new)
    {
        let (at, what) = (fault.line.0, fault.what);
        return Err(format!("the base state does not parse: line {at}: {what}"));
    }
    let is_cut = kind == TaskKind::FuncLocalize;
    if is_cut && compare(&old, &new) == Difference::Code {
        return Err("cutting the docstring takes code along".to_owned());
    }
    Ok(())
}
