//! Whether a task leaves something to be found: more than one place fits what its statement says.
//!
//! Words are compared in lower case and without endings; short ones and those that every statement has do not count.
//!
//! - `func_localize`: a function (class) fits when the words of its names and path hold at least half as many words of the
//!   description as those of the target do, and at least one. Where no other one fits, the search is over before it began.
//! - `issue_localize`: the same with files, by the words of their paths and of what they define, beside the gold patch's
//!   best one.
//! - `dep_search`: the files of the target and of its dependencies define something else that could be called.
//! - `func_gen`: the body has more than one line of code.

use std::collections::HashMap;
use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Value;
use crate::patch::parse_patch;
use crate::python::Definition;
use crate::python::DefinitionKind;
use crate::python::definitions::function_text;
use crate::python::repo::Repository;
use crate::replay::localize_targets;
use crate::tasks::base::plain_path;
use crate::tasks::check::Ground;
use crate::tasks::check::Passed;
use crate::tasks::check::gold::dependencies;
use crate::tasks::check::leak::body;
use crate::tasks::check::leak::description;
use crate::tasks::check::places::MOST;
use crate::tasks::check::places::last_part;
use crate::tasks::check::places::line;
use crate::tasks::check::places::path_of;
use crate::tasks::check::places::text;
use crate::tasks::describe::leak::split;

/// How hard something is to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SearchSpace {
    /// The places that there are: functions or classes of the repository, its Python files, or what the files define that
    /// hold the target and its dependencies.
    pub places: usize,
    /// The places that fit what the statement says, the right one too.
    pub candidates: usize,
    /// Where the right one comes among them, from 1, when those with more words of the statement come first; null where
    /// words say nothing.
    pub rank: Option<usize>,
}

/// Words that stand in any statement.
const COMMON: [&str; 69] = [
    "about",
    "all",
    "also",
    "and",
    "any",
    "are",
    "argument",
    "arguments",
    "been",
    "being",
    "but",
    "call",
    "called",
    "calls",
    "can",
    "class",
    "classes",
    "does",
    "each",
    "for",
    "from",
    "function",
    "functions",
    "given",
    "gives",
    "has",
    "have",
    "into",
    "its",
    "mask",
    "masked",
    "may",
    "method",
    "methods",
    "must",
    "not",
    "one",
    "only",
    "other",
    "others",
    "parameter",
    "parameters",
    "return",
    "returned",
    "returns",
    "self",
    "should",
    "such",
    "than",
    "that",
    "the",
    "then",
    "these",
    "they",
    "this",
    "use",
    "used",
    "uses",
    "using",
    "value",
    "values",
    "was",
    "when",
    "where",
    "whether",
    "which",
    "will",
    "with",
    "your",
];

/// The words of a text that say something.
fn content(text: &str) -> HashSet<String> {
    let words = split(text).into_iter();
    words
        .filter_map(|word| {
            let is_word = word.chars().any(char::is_alphabetic) && word.chars().count() >= 3;
            let says = is_word && COMMON.binary_search(&word.as_str()).is_err();
            says.then(|| stem(&word).to_owned())
        })
        .collect()
}

/// A word without its ending.
fn stem(word: &str) -> &str {
    const LEAST: usize = 3;
    for ending in ["ing", "ies", "ed", "es", "s", "e", "y"] {
        if let Some(stem) = word.strip_suffix(ending)
            && stem.chars().count() >= LEAST
            && !(ending == "s" && stem.ends_with('s'))
        {
            return stem;
        }
    }
    word
}

/// Places by the words of their names.
#[derive(Debug, Default)]
pub(super) struct Words {
    places: HashMap<(String, usize), u32>,
    by_word: HashMap<String, Vec<u32>>,
}

impl Words {
    /// All functions, or all classes: by path and line of the header.
    pub(super) fn of_definitions(index: &Repository, kind: DefinitionKind) -> Self {
        let mut words = Self::default();
        let mut of_path = PathWords::default();
        for found in index
            .definitions()
            .filter(|found| found.definition.kind == kind)
        {
            let mut own = content(&index.qualified_name(found.id));
            own.extend(of_path.of(found.path).iter().cloned());
            words.add((found.path, found.definition.header.0), own);
        }
        words
    }

    /// All files, by path and line 0.
    pub(super) fn of_files(index: &Repository) -> Self {
        let mut words = Self::default();
        let mut open: Option<(&str, HashSet<String>)> = None;
        for found in index.definitions() {
            if let Some((path, own)) = open.take_if(|(path, _)| *path != found.path) {
                words.add((path, 0), own);
            }
            let (_, own) = open.get_or_insert_with(|| (found.path, content(found.path)));
            own.extend(content(&found.definition.name));
        }
        if let Some((path, own)) = open {
            words.add((path, 0), own);
        }
        words
    }

    fn add(&mut self, (path, line): (&str, usize), words: HashSet<String>) {
        let Ok(ix) = u32::try_from(self.places.len()) else {
            return;
        };
        self.places.insert((path.to_owned(), line), ix);
        for word in words {
            self.by_word.entry(word).or_default().push(ix);
        }
    }

    /// How many of some words each place holds.
    fn scores(&self, words: &HashSet<String>) -> Vec<u32> {
        let mut scores = vec![0; self.places.len()];
        for ix in words
            .iter()
            .filter_map(|word| self.by_word.get(word))
            .flatten()
        {
            if let Some(score) = scores.get_mut(*ix as usize) {
                *score += 1;
            }
        }
        scores
    }

    /// What a statement leaves to be found of the best of some places; `None` where it is not among ours.
    fn space(&self, statement: &str, right: &[(String, usize)]) -> Option<SearchSpace> {
        let scores = self.scores(&content(statement));
        let score_of = |place| scores.get(*self.places.get(place)? as usize).copied();
        let best = right.iter().filter_map(score_of).max()?;
        let own: HashSet<u32> = right
            .iter()
            .filter_map(|place| self.places.get(place).copied())
            .collect();
        let others = || {
            let all = (0_u32..).zip(&scores);
            all.filter(|(ix, _)| !own.contains(ix))
                .map(|(_, score)| *score)
        };
        let least = best.div_ceil(2);
        Some(SearchSpace {
            places: scores.len(),
            candidates: 1 + others().filter(|score| *score >= least).count(),
            rank: (best > 0).then(|| 1 + others().filter(|score| *score > best).count()),
        })
    }
}

/// The words of the path that was asked for last: definitions come file by file.
#[derive(Debug, Default)]
struct PathWords {
    path: String,
    words: HashSet<String>,
}

impl PathWords {
    fn of(&mut self, path: &str) -> &HashSet<String> {
        if self.path != path {
            path.clone_into(&mut self.path);
            self.words = content(path);
        }
        &self.words
    }
}

pub(super) fn check(
    task: &Task,
    instance: &Value,
    ground: &Ground,
) -> (Passed, Option<SearchSpace>) {
    match task.kind {
        TaskKind::FuncLocalize => localize(instance, ground),
        TaskKind::DepSearch => search(instance, ground),
        TaskKind::IssueLocalize => issue(task, ground),
        TaskKind::FuncGen => (generate(instance, ground), None),
        _ => (Ok(()), None),
    }
}

/// Of several targets the easiest one: any one suffices.
fn localize(instance: &Value, ground: &Ground) -> (Passed, Option<SearchSpace>) {
    let spaces = localize_targets(instance).iter().filter_map(|target| {
        let name = last_part(text(target, "module_name"));
        let path = path_of(target, instance);
        let file = ground.text(path).ok()?;
        let (_, found) = file.definition_at(name, line(target, "module_line_start")?)?;
        let told = description(target, instance);
        let place = (plain_path(path).ok()?, found.header.0);
        ground.words_of(found.kind).space(told, &[place])
    });
    judged(spaces.min_by_key(|space| (space.candidates, space.rank)))
}

/// Notes a name that is told and that nothing else has: a search for it ends at the target.
pub(super) fn note(kind: TaskKind, instance: &Value, ground: &Ground, notes: &mut Vec<String>) {
    let is_masked = instance.get("name_masked").and_then(Value::as_bool) == Some(true);
    if kind != TaskKind::FuncLocalize || is_masked {
        return;
    }
    for target in localize_targets(instance).iter().take(MOST) {
        let name = last_part(text(target, "module_name"));
        if ground.count_named(name) == 1 {
            notes.push(format!(
                "the prompt says the name `{name}`, and nothing else in the repository is called so"
            ));
        }
    }
}

fn issue(task: &Task, ground: &Ground) -> (Passed, Option<SearchSpace>) {
    let gold = parse_patch(task.gold_patch.as_deref().unwrap_or_default());
    let paths = gold.iter().filter_map(|file| file.old_path.as_deref());
    let places: Vec<(String, usize)> = paths.map(|path| (path.to_owned(), 0)).collect();
    let statement = task.statement.as_deref().unwrap_or_default();
    judged(ground.words_of_files().space(statement, &places))
}

fn judged(space: Option<SearchSpace>) -> (Passed, Option<SearchSpace>) {
    let passed = match space {
        Some(space) if space.candidates < 2 => {
            Err("no other place fits the words of the statement half as well".to_owned())
        }
        _ => Ok(()),
    };
    (passed, space)
}

fn search(instance: &Value, ground: &Ground) -> (Passed, Option<SearchSpace>) {
    let target = (
        text(instance, "target_function_file"),
        text(instance, "target_function_name"),
        line(instance, "target_function_line_start"),
    );
    let rows = dependencies(instance);
    let named = rows.iter().map(|row| {
        (
            text(row, "file_path"),
            text(row, "name"),
            line(row, "line_start"),
        )
    });
    let mut right: HashMap<String, HashSet<usize>> = HashMap::new();
    for (path, name, start) in named.chain([target]) {
        let (Ok(file), Ok(path), Some(start)) = (ground.text(path), plain_path(path), start) else {
            continue;
        };
        if let Some((ix, _)) = file.definition_at(last_part(name), start) {
            right.entry(path).or_default().insert(ix);
        }
    }
    let (mut places, mut others) = (0, 0);
    for (path, right) in &right {
        let Ok(file) = ground.text(path) else {
            continue;
        };
        places += file.outline.len();
        // a class is no other place where its method is the right one
        let right = with_outer(&file.outline, right);
        others += file.outline.len().saturating_sub(right.len());
    }
    let space = SearchSpace {
        places,
        candidates: rows.len() + others,
        rank: None,
    };
    let passed = if others == 0 {
        Err("the files hold nothing but the target and what it calls".to_owned())
    } else {
        Ok(())
    };
    (passed, Some(space))
}

/// Definitions, and those they stand in.
fn with_outer(outline: &[Definition], inner: &HashSet<usize>) -> HashSet<usize> {
    let mut all = HashSet::new();
    for ix in inner {
        let mut next = Some(*ix);
        while let Some(ix) = next.filter(|ix| all.insert(*ix)) {
            next = outline.get(ix).and_then(|found| found.parent);
        }
    }
    all
}

fn generate(instance: &Value, ground: &Ground) -> Passed {
    let file = ground.text(text(instance, "file_path"))?;
    let function = function_text(&file.whole, text(instance, "func_name")).unwrap_or_default();
    if body(&function).len() < 2 {
        return Err("the body is one line".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_say_something() {
        #[track_caller]
        fn check(text: &str, want: &str) {
            let mut words: Vec<String> = content(text).into_iter().collect();
            words.sort();
            assert_eq!(words.join(" "), want, "{text}");
        }
        check("Parses the headers of each message.", "header messag pars");
        check("parse_header", "header pars");
        check("HTTPHeaderParser in a/b12.py", "b12 header http parser");
        check("[masked] returns 123 [masked]", "");
    }

    #[test]
    fn common_words_are_sorted() {
        assert!(COMMON.is_sorted());
    }
}
