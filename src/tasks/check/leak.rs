//! Whether a statement gives away what is to be found.
//!
//! - `func_localize`: a description must not hold its target's name, a name around it or its path (`describe::leak`). Nor
//!   may six of its words follow each other as they do in the docstring: but for the prose at the docstring's beginning, from
//!   which descriptions are made by rule.
//! - `dep_search`: no text of the task names a dependency, and no comment above one says already that it is called.
//! - `issue_localize`: the statement is not the fix (a patch, or every long line that the gold patch adds), and does not
//!   name all files that the gold patch changes. Some of them named is a hint, as issues give them.
//! - `func_gen`: the body that is to be written does not stand elsewhere in its file, nor in a text of the task.

use std::collections::HashSet;

use crate::diff::DiffTag;
use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Value;
use crate::patch::parse_patch;
use crate::python::DefinitionKind;
use crate::python::Documented;
use crate::python::Source;
use crate::python::definitions::function_text;
use crate::python::outline;
use crate::replay::localize_targets;
use crate::tasks::check::Ground;
use crate::tasks::check::Passed;
use crate::tasks::check::gold::dependencies;
use crate::tasks::check::ground::Text;
use crate::tasks::check::places::MOST;
use crate::tasks::check::places::last_part;
use crate::tasks::check::places::line;
use crate::tasks::check::places::path_of;
use crate::tasks::check::places::text;
use crate::tasks::describe::Subject;
use crate::tasks::describe::docstring;
use crate::tasks::describe::leak::leaks;
use crate::tasks::describe::rules::paragraphs;
use crate::text::excerpt;

/// Words of a docstring that may not follow each other in a description.
const RUN: usize = 6;
/// Cells of a text that a reason quotes.
const QUOTED: usize = 60;
/// A line of a patch that is as long says something of its own.
const LONG: usize = 20;

pub(super) fn check(task: &Task, instance: &Value, ground: &Ground) -> Passed {
    match task.kind {
        TaskKind::FuncLocalize => localize(instance, ground),
        TaskKind::DepSearch => search(instance, ground),
        TaskKind::IssueLocalize => issue(task),
        TaskKind::FuncGen => generate(instance, ground),
        _ => Ok(()),
    }
}

/// What an instance says of a target: beside it, else of all of them.
pub(super) fn description<'t>(target: &'t Value, instance: &'t Value) -> &'t str {
    let keys = ["function_description", "brief_description", "description"];
    [target, instance]
        .into_iter()
        .flat_map(|told| keys.map(|key| text(told, key)))
        .find(|text| !text.trim().is_empty())
        .unwrap_or_default()
}

fn localize(instance: &Value, ground: &Ground) -> Passed {
    for target in localize_targets(instance).iter().take(MOST) {
        let told = description(target, instance);
        if told.is_empty() {
            return Err("there is no description".to_owned());
        }
        let path = path_of(target, instance);
        let name = last_part(text(target, "module_name"));
        let start = line(target, "module_line_start").unwrap_or(usize::MAX);
        let file = ground.text(path).ok();
        let found = file
            .as_ref()
            .and_then(|file| Some((file, file.definition_at(name, start)?.1)));
        let id = found.and_then(|(_, found)| ground.indexed(path, found.header));
        let index = &ground.seed.index;
        let qualified_name = id.map_or(name.to_owned(), |id| index.qualified_name(id));
        let docstring = found.and_then(|(file, found)| match found.documented {
            Documented::Yes(doc) => {
                let lines: Vec<&str> = (0..=doc.last.0).map(|ix| file.line(ix)).collect();
                docstring::text_of(&lines, doc)
            }
            _ => None,
        });
        let subject = Subject {
            kind: found.map_or(DefinitionKind::Function, |(_, found)| found.kind),
            name,
            qualified_name: &qualified_name,
            path,
            source: "",
            docstring: docstring.as_deref().unwrap_or_default(),
            signature: "",
            at: None,
        };
        if let Some(leak) = leaks(&subject, told).into_iter().next() {
            let words = told.get(leak.range).unwrap_or_default();
            return Err(format!(
                "the description gives away {}: {}",
                leak.what,
                excerpt(words, QUOTED)
            ));
        }
        if let Some(run) = copied(&subject, told) {
            let run = excerpt(&run, QUOTED);
            return Err(format!(
                "the description repeats the docstring behind its beginning: {run}"
            ));
        }
    }
    Ok(())
}

/// Words that follow each other in a description as they do in the docstring, behind the prose that it begins with.
fn copied(subject: &Subject<'_>, told: &str) -> Option<String> {
    let allowed = word_list(&paragraphs(subject).join(" "));
    let all = word_list(subject.docstring);
    let allowed: HashSet<&[String]> = allowed.windows(RUN).collect();
    let all: HashSet<&[String]> = all.windows(RUN).collect();
    let told = word_list(told);
    let mut runs = told.windows(RUN);
    let run = runs.find(|run| all.contains(run) && !allowed.contains(run))?;
    Some(run.join(" "))
}

fn word_list(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// The texts of an instance that an agent may be shown beside the fields of its type.
fn statements(instance: &Value) -> impl Iterator<Item = &str> {
    let keys = [
        "problem_statement",
        "statement",
        "description",
        "hints_text",
    ];
    keys.into_iter()
        .map(|key| text(instance, key))
        .filter(|text| !text.is_empty())
}

fn search(instance: &Value, ground: &Ground) -> Passed {
    let target = last_part(text(instance, "target_function_name")).to_lowercase();
    for row in dependencies(instance) {
        let name = last_part(text(row, "name"));
        if statements(instance).any(|statement| names(statement, name)) {
            return Err(format!("the statement names the dependency `{name}`"));
        }
        let path = text(row, "file_path");
        let Some(start) = line(row, "line_start") else {
            continue;
        };
        let Ok(file) = ground.text(path) else {
            continue;
        };
        let Some((_, found)) = file.definition_at(name, start) else {
            continue;
        };
        if let Some(line) = annotated(&file, found.first.0, &target) {
            let at = line + 1;
            return Err(format!(
                "{path}:{at}: a comment says already that `{name}` is called"
            ));
        }
    }
    Ok(())
}

/// The line above a definition whose comment says that something calls it.
fn annotated(file: &Text, first: usize, target: &str) -> Option<usize> {
    /// Lines above that are looked at.
    const MOST: usize = 100;
    let above = (0..first).rev().take(MOST).map(|ix| (ix, file.line(ix)));
    let comments = above.take_while(|(_, line)| {
        let line = line.trim_start();
        line.is_empty() || line.starts_with('#')
    });
    let mut comments = comments.map(|(ix, line)| (ix, line.to_lowercase()));
    let says = |line: &str| {
        ["called by", "used by", "dependency"]
            .iter()
            .any(|words| line.contains(words))
    };
    comments
        .find(|(_, line)| says(line) && names(line, target))
        .map(|(ix, _)| ix)
}

/// Whether a text holds a name that is not a part of another one.
fn names(text: &str, name: &str) -> bool {
    let is_part = |c: char| c == '_' || c.is_alphanumeric();
    !name.is_empty()
        && text.match_indices(name).any(|(at, _)| {
            let before = text.get(..at).and_then(|text| text.chars().next_back());
            let after = text
                .get(at + name.len()..)
                .and_then(|text| text.chars().next());
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        })
}

fn issue(task: &Task) -> Passed {
    let statement = task.statement.as_deref().unwrap_or_default();
    if statement.trim().is_empty() {
        return Err("there is no statement".to_owned());
    }
    if statement.starts_with("diff --git ") || statement.contains("\ndiff --git ") {
        return Err("the statement holds a patch".to_owned());
    }
    let gold = parse_patch(task.gold_patch.as_deref().unwrap_or_default());
    let lines: HashSet<&str> = statement.lines().map(str::trim).collect();
    let hunks = gold.iter().flat_map(|file| &file.hunks);
    let added = hunks
        .flat_map(|hunk| &hunk.lines)
        .filter(|line| line.tag == DiffTag::Added);
    let mut long = added
        .map(|line| line.text.trim())
        .filter(|line| line.len() >= LONG)
        .peekable();
    if long.peek().is_some() && long.all(|line| lines.contains(line)) {
        return Err("the statement holds the lines that the gold patch adds".to_owned());
    }
    let mut changed = gold
        .iter()
        .filter_map(|file| file.old_path.as_deref())
        .peekable();
    if changed.peek().is_some() && changed.all(|path| says_path(statement, path)) {
        return Err("the statement names every file that the gold patch changes".to_owned());
    }
    Ok(())
}

/// Whether a statement holds a whole path, be it behind other folders.
fn says_path(statement: &str, path: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    statement.match_indices(path).any(|(at, _)| {
        let before = statement
            .get(..at)
            .and_then(|text| text.chars().next_back());
        let after = statement
            .get(at + path.len()..)
            .and_then(|text| text.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

fn generate(instance: &Value, ground: &Ground) -> Passed {
    let path = text(instance, "file_path");
    let file = ground.text(path)?;
    let name = text(instance, "func_name");
    let Some(function) = function_text(&file.whole, name) else {
        return Ok(());
    };
    let body = body(&function);
    if body.len() < 2 {
        // what is that short stands in many places
        return Ok(());
    }
    for statement in statements(instance) {
        if count_runs(statement, &body) > 0 {
            return Err("the statement holds the body that is to be written".to_owned());
        }
    }
    if count_runs(&file.whole, &body) > 1 {
        return Err(format!(
            "{path}: the body that is to be written stands here a second time"
        ));
    }
    Ok(())
}

/// The lines of code of a function below its header and docstring, without indentation.
pub(super) fn body(function: &str) -> Vec<String> {
    // a method is cut out with its indentation
    let text = if function.starts_with([' ', '\t']) {
        format!("class _:\n{function}\n")
    } else {
        format!("{function}\n")
    };
    let source = Source::whole(&text);
    let all = outline(&source);
    let Some(found) = all.iter().find(|one| one.kind == DefinitionKind::Function) else {
        return Vec::new();
    };
    let count = text.split('\n').count();
    let code = source.code_by_line(count);
    let lines = text.split('\n').zip(&code).skip(found.header_end.0 + 1);
    lines
        .filter(|(_, code)| !code.is_empty())
        .map(|(line, _)| line.trim().to_owned())
        .collect()
}

/// How often lines follow each other in a text, blank lines and comments aside.
fn count_runs(text: &str, lines: &[String]) -> usize {
    let is_told = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let all: Vec<&str> = text.lines().map(str::trim).filter(is_told).collect();
    // one pass: a long body that begins alike in many places must not be compared in all of them to its end
    let mut border = vec![0_usize; lines.len()];
    let mut matched = 0;
    for ix in 1..lines.len() {
        while matched > 0 && lines.get(ix) != lines.get(matched) {
            matched = border.get(matched - 1).copied().unwrap_or_default();
        }
        matched += usize::from(lines.get(ix) == lines.get(matched));
        if let Some(border) = border.get_mut(ix) {
            *border = matched;
        }
    }
    let (mut count, mut matched) = (0, 0);
    for line in all {
        while matched > 0 && lines.get(matched).is_none_or(|want| want != line) {
            matched = border.get(matched - 1).copied().unwrap_or_default();
        }
        matched += usize::from(lines.get(matched).is_some_and(|want| want == line));
        if matched == lines.len() {
            count += 1;
            matched = border.get(matched - 1).copied().unwrap_or_default();
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_lines_are_counted() {
        #[track_caller]
        fn check(text: &str, lines: &[&str], want: usize) {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            assert_eq!(count_runs(text, &lines), want, "{text:?} {lines:?}");
        }
        check("a\nb\n  a\n\n# c\n  b\n", &["a", "b"], 2);
        check("a\na\na\nb\n", &["a", "a", "b"], 1);
        check("a\na\na\n", &["a", "a"], 2);
        check("a\nb\n", &["b", "a"], 0);
    }

    #[test]
    fn bodies_are_lines_of_code() {
        let of = |text: &str| body(text).join("|");
        assert_eq!(
            of("def f(\n    x):\n    'd'\n    # c\n    y = x\n\n    return y"),
            "y = x|return y"
        );
        assert_eq!(of("    def f(self):\n        return 1"), "return 1");
        assert_eq!(of("x"), "");
    }

    #[test]
    fn names_are_whole() {
        assert!(names("calls f()", "f"));
        assert!(!names("of it", "f"));
        assert!(!names("f_x", "f"));
        assert!(!names("f", ""));
    }
}
