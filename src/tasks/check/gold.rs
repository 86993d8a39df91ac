//! Whether the right answer of a task is in reach.

use std::collections::HashSet;

use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Value;
use crate::patch::FilePatch;
use crate::patch::PatchKind;
use crate::patch::apply;
use crate::patch::parse_patch;
use crate::python::DefinitionKind;
use crate::python::Source;
use crate::python::repo::is_source;
use crate::python::tree;
use crate::replay::localize_targets;
use crate::tasks::check::Ground;
use crate::tasks::check::Passed;
use crate::tasks::check::leak::description;
use crate::tasks::check::places::MOST;
use crate::tasks::check::places::last_part;
use crate::tasks::check::places::line;
use crate::tasks::check::places::path_of;
use crate::tasks::check::places::text;
use crate::tasks::check::places::within;
use crate::tasks::describe::statements::Words;

pub(super) fn check(
    task: &Task,
    instance: &Value,
    ground: &Ground,
    notes: &mut Vec<String>,
) -> Passed {
    match task.kind {
        TaskKind::DepSearch => search(instance, ground, notes),
        TaskKind::IssueLocalize => issue(task, ground),
        TaskKind::FuncGen => generate(instance),
        TaskKind::FuncLocalize => localize(instance, ground),
        _ => Ok(()),
    }
}

/// Whether each description is that of its target alone. Where the targets stand was looked at with the base state.
fn localize(instance: &Value, ground: &Ground) -> Passed {
    let mut own = HashSet::new();
    let mut told = Vec::new();
    for target in localize_targets(instance).iter().take(MOST) {
        let path = path_of(target, instance);
        let name = last_part(text(target, "module_name"));
        let file = ground.text(path)?;
        let found = line(target, "module_line_start");
        let found = found.and_then(|start| file.definition_at(name, start));
        let Some((_, found)) = found else {
            continue;
        };
        own.extend(ground.indexed(path, found.header));
        let words = description(target, instance);
        told.push(Words::of(found.kind == DefinitionKind::Class, words));
    }
    let mut others = told
        .iter()
        .flat_map(|words| ground.statements().fitting(*words));
    match others.find(|id| !own.contains(id)) {
        Some(other) => Err(format!(
            "the description fits `{}` as well, by its docstring",
            ground.seed.index.qualified_name(*other)
        )),
        None => Ok(()),
    }
}

/// The dependencies of a `dep_search` instance, as far as they are looked at.
pub(super) fn dependencies(instance: &Value) -> &[Value] {
    let rows = instance.get("dependencies").and_then(Value::as_array);
    let rows = rows.map_or(&[][..], Vec::as_slice);
    rows.get(..MOST).unwrap_or(rows)
}

fn search(instance: &Value, ground: &Ground, notes: &mut Vec<String>) -> Passed {
    let rows = dependencies(instance);
    if rows.is_empty() {
        return Err("there is no dependency to find".to_owned());
    }
    let all = instance.get("dependencies").and_then(Value::as_array);
    if all.is_some_and(|all| all.len() > MOST) {
        return Err(format!("it has more than {MOST} dependencies"));
    }
    let said = instance.get("num_dependencies").and_then(Value::as_u64);
    if said.is_some_and(|said| said != rows.len() as u64) {
        return Err(format!(
            "it holds {} dependencies and says otherwise",
            rows.len()
        ));
    }
    let target = text(instance, "target_function_name");
    let own = (
        text(instance, "target_function_file"),
        line(instance, "target_function_line_start"),
    );
    let mut seen = HashSet::new();
    let known = known_dependencies(instance, ground);
    for row in rows {
        let (path, name) = (text(row, "file_path"), last_part(text(row, "name")));
        let file = ground.text(path)?;
        let start = line(row, "line_start")
            .ok_or_else(|| format!("it is not said where `{name}` begins"))?;
        let at = start + 1;
        let (_, found) = file
            .definition_at(name, start)
            .ok_or_else(|| format!("{path}:{at}: `{name}` is not defined here"))?;
        let is_class = found.kind == DefinitionKind::Class;
        if !text(row, "type").is_empty() && is_class != (text(row, "type") == "class") {
            return Err(format!("{path}:{at}: `{name}` is no {}", text(row, "type")));
        }
        within(
            path,
            (start, line(row, "line_end").unwrap_or(start)),
            file.line_count(),
        )?;
        let decorated = line(row, "decorator_line");
        if decorated.is_some_and(|line| line != found.first.0) {
            return Err(format!(
                "{path}:{at}: the decorators of `{name}` begin elsewhere"
            ));
        }
        if !seen.insert((path, found.header)) {
            return Err(format!("{path}:{at}: `{name}` is named twice"));
        }
        if own.0 == path
            && own
                .1
                .is_some_and(|line| found.first.0 <= line && line <= found.header.0)
        {
            return Err(format!("{path}:{at}: `{name}` is the target itself"));
        }
        let is_seen = known
            .as_ref()
            .is_none_or(|known| known.contains(&(path, found.header.0)));
        if !is_seen {
            notes.push(format!(
                "{path}:{at}: the index does not see that `{target}` calls `{name}`"
            ));
        }
    }
    Ok(())
}

/// Where the definitions stand that the index sees the target call; `None` where it does not know the target.
fn known_dependencies<'g>(
    instance: &Value,
    ground: &'g Ground,
) -> Option<HashSet<(&'g str, usize)>> {
    let path = text(instance, "target_function_file");
    let file = ground.text(path).ok()?;
    let name = last_part(text(instance, "target_function_name"));
    let (_, found) = file.definition_at(name, line(instance, "target_function_line_start")?)?;
    let index = &ground.seed.index;
    let all = index.dependencies(ground.indexed(path, found.header)?);
    let places = all.iter().filter_map(|one| {
        let found = index.definition(one.definition)?;
        Some((found.path, found.definition.header.0))
    });
    Some(places.collect())
}

/// The files of a gold patch in which comments can be put: Python files that it changes.
pub(super) fn commentable(gold: &[FilePatch]) -> impl Iterator<Item = &FilePatch> {
    gold.iter().filter(|file| {
        matches!(file.kind, PatchKind::Modified) && is_source(file.path()) && !file.hunks.is_empty()
    })
}

fn issue(task: &Task, ground: &Ground) -> Passed {
    let gold = parse_patch(task.gold_patch.as_deref().unwrap_or_default());
    if gold.is_empty() {
        return Err("there is no gold patch".to_owned());
    }
    for file in gold.iter().filter(|file| !file.is_binary) {
        let path = file.path();
        let Some(old_path) = file
            .old_path
            .as_deref()
            .filter(|_| file.kind != PatchKind::Added)
        else {
            continue;
        };
        // files of other kinds need not be text that could be read
        if file.hunks.is_empty() || !is_source(old_path) {
            ground
                .bytes(old_path)
                .map_err(|why| format!("{old_path}: {why}"))?;
            continue;
        }
        let old = ground.text(old_path)?;
        apply(file, &old.whole)
            .map_err(|conflict| format!("{path}: the gold patch does not apply: {conflict}"))?;
    }
    if commentable(&gold).next().is_none() {
        return Err("the gold patch changes no Python file that is there".to_owned());
    }
    Ok(())
}

fn generate(instance: &Value) -> Passed {
    let script = text(instance, "eval_script");
    if script.trim().is_empty() {
        return Err("there is no test program".to_owned());
    }
    tree::check(&Source::whole(script)).map_err(|fault| {
        let (at, what) = (fault.line.0, fault.what);
        format!("the test program does not parse: line {at}: {what}")
    })?;
    let name = last_part(text(instance, "func_name"));
    let calls = format!("{name}_new_implementation");
    if !script.contains(&calls) {
        return Err(format!("the test program never calls `{calls}`"));
    }
    Ok(())
}
