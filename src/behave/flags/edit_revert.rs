//! `edit_revert`: the agent takes an edit of its own back.
//!
//! Rule: an undo that did not fail; an edit that puts back the lines which an earlier one of the same file took out, and
//! takes out those which it put in; a whole file written as it was before; `git checkout FILE`, `git restore FILE`,
//! `git reset --hard` or `git stash` after edits of its own (of that file). A stash that is popped again and the removal
//! of scratch files are none.

use std::collections::HashMap;
use std::collections::HashSet;
use std::hash::DefaultHasher;
use std::hash::Hash as _;
use std::hash::Hasher as _;

use crate::behave::command::Part;
use crate::behave::component::git_verb;
use crate::behave::course::Act;
use crate::behave::course::Course;
use crate::behave::file::base_name;
use crate::behave::file::is_same_file;
use crate::model::Edit;
use crate::model::EditOp;
use crate::model::Flag;
use crate::model::FlagKind;

/// Finds them, one a step.
pub(super) fn find(course: &Course<'_>) -> Vec<Flag> {
    let mut known = Known::default();
    let pops: Vec<usize> = stash_pops(course);
    let mut found: Vec<Flag> = Vec::new();
    for (ix, act) in course.acts.iter().enumerate() {
        let is_popped = pops.last().is_some_and(|last| *last >= ix);
        let by_git = || {
            act.parts
                .iter()
                .filter(|_| !act.has_failed)
                .find_map(|part| known.taken_back(part, is_popped))
        };
        let why = by_git().or_else(|| known.learn(act));
        if let Some(why) = why {
            found.push(Flag::of_step(FlagKind::EditRevert, act.step, why));
        }
    }
    found.dedup_by_key(|flag| flag.step);
    found
}

fn stash_pops(course: &Course<'_>) -> Vec<usize> {
    let pops = |act: &Act<'_>| {
        act.parts.iter().any(|part| {
            let (verb, at) = git_verb(part);
            part.program() == "git"
                && verb == "stash"
                && matches!(part.word(at + 1), "pop" | "apply")
        })
    };
    course
        .acts
        .iter()
        .enumerate()
        .filter(|(_, act)| pops(act))
        .map(|(ix, _)| ix)
        .collect()
}

/// What was edited so far.
#[derive(Default)]
struct Known {
    /// Changed files by their last name.
    files: HashMap<String, Vec<String>>,
    /// Lines taken out and put in, by file name.
    swaps: HashSet<(String, u64, u64)>,
    /// Whole files as they once were, and how the file is now.
    states: HashSet<(String, u64)>,
    now: HashMap<String, u64>,
}

impl Known {
    /// Files of one name that are told apart.
    const MOST_OF_A_NAME: usize = 32;

    fn has_edited(&self, path: &str) -> bool {
        let same = self.files.get(base_name(path));
        same.is_some_and(|same| same.iter().any(|known| is_same_file(known, path)))
    }

    /// What a command of git takes back.
    fn taken_back(&self, part: &Part, is_popped: bool) -> Option<String> {
        if part.program() != "git" || self.files.is_empty() {
            return None;
        }
        let (verb, at) = git_verb(part);
        let rest: Vec<&str> = part.words.iter().skip(at + 1).map(String::as_str).collect();
        let files = || rest.iter().filter(|word| !word.starts_with('-'));
        let is_all = |word: &&&str| matches!(**word, "." | "*" | ":/");
        match verb {
            "checkout" | "restore"
                if !rest
                    .iter()
                    .any(|word| matches!(*word, "-b" | "-B" | "--staged")) =>
            {
                let file = files().find(|word| is_all(word) || self.has_edited(word))?;
                Some(format!("git {verb} takes {file} back"))
            }
            "reset" if rest.contains(&"--hard") => {
                Some("git reset --hard takes its edits back".to_owned())
            }
            "stash"
                if !is_popped
                    && matches!(
                        rest.first().copied().unwrap_or("push"),
                        "push" | "save" | "-u" | "-q" | "--include-untracked"
                    ) =>
            {
                Some("git stash takes its edits back, and nothing brings them again".to_owned())
            }
            _ => None,
        }
    }

    /// Takes in the changes of an action; the reason where one of them takes another back.
    fn learn(&mut self, act: &Act<'_>) -> Option<String> {
        let mut why = None;
        for change in act.changes.iter().filter(|change| !change.has_failed) {
            let path = change.path.as_ref();
            if let Some(edit) = change.edit {
                why = why.or_else(|| self.learn_edit(path, edit));
            }
            if change.is_removal {
                continue;
            }
            let same = self.files.entry(base_name(path).to_owned()).or_default();
            if same.len() < Self::MOST_OF_A_NAME && !same.iter().any(|known| known == path) {
                same.push(path.to_owned());
            }
        }
        why
    }

    fn learn_edit(&mut self, path: &str, edit: &Edit) -> Option<String> {
        if edit.op == EditOp::Undo {
            return Some(format!("undoes the last edit of {path}"));
        }
        let key = path.to_owned();
        let is_whole = matches!(edit.op, EditOp::Write | EditOp::Create);
        let after = edit
            .after
            .as_deref()
            .or_else(|| edit.new.as_deref().filter(|_| is_whole));
        let mut is_back = false;
        if let Some(after) = after {
            let before = edit.before.as_deref().map(hash);
            let before = before.or_else(|| self.now.get(path).copied());
            let after = hash(after);
            if let Some(before) = before {
                self.states.insert((key.clone(), before));
                is_back = before != after && self.states.contains(&(key.clone(), after));
            }
            self.now.insert(key.clone(), after);
        }
        if let (Some(old), Some(new)) = (edit.old.as_deref(), edit.new.as_deref()) {
            let (out, put) = core(old, new);
            if out != put && !(out.is_empty() && put.is_empty()) {
                let (out, put) = (hash(&out.join("\n")), hash(&put.join("\n")));
                is_back |= self.swaps.contains(&(key.clone(), put, out));
                self.swaps.insert((key, out, put));
            }
        }
        is_back.then(|| format!("puts {path} back as it was before an earlier edit"))
    }
}

/// The lines that differ, without those alike at both ends, blank lines and indentation.
fn core<'a>(old: &'a str, new: &'a str) -> (Vec<&'a str>, Vec<&'a str>) {
    let lines = |text: &'a str| -> Vec<&'a str> {
        text.lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect()
    };
    let (old, new) = (lines(old), lines(new));
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (
        old.get(head..).unwrap_or_default(),
        new.get(head..).unwrap_or_default(),
    );
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    (
        old.get(..old.len() - tail).unwrap_or_default().to_vec(),
        new.get(..new.len() - tail).unwrap_or_default().to_vec(),
    )
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.trim_end().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use crate::behave::tests::Run;
    use crate::model::FlagKind::EditRevert;

    #[test]
    fn edits_taken_back() {
        Run::issue()
            .edit("a.py", "x = 1\ny", "x = 2\ny")
            .edit("a.py", "z\nx = 2", "z\nx = 1")
            .has(EditRevert, &[2]);
        Run::issue()
            .edit("a.py", "x", "x\nprint(1)")
            .edit("a.py", "x\nprint(1)", "x")
            .has(EditRevert, &[2]);
        Run::issue()
            .edit("/w/a.py", "x", "y")
            .shell("cd /w && git checkout -- a.py", "", 0)
            .has(EditRevert, &[2]);
        Run::issue()
            .edit("/w/a.py", "x", "y")
            .shell("git restore .", "", 0)
            .has(EditRevert, &[2]);
        Run::issue()
            .edit("/w/a.py", "x", "y")
            .shell("git stash", "", 0)
            .has(EditRevert, &[2]);
        Run::issue()
            .edit("/w/a.py", "x", "y")
            .shell("git reset --hard", "", 0)
            .has(EditRevert, &[2]);
        Run::issue()
            .edit("/w/a.py", "x", "y")
            .undo("/w/a.py")
            .has(EditRevert, &[2]);
    }

    #[test]
    fn edits_that_stay() {
        Run::issue()
            .edit("a.py", "x", "y")
            .edit("a.py", "y", "z")
            .has(EditRevert, &[]);
        Run::issue()
            .edit("a.py", "x", "y")
            .edit("b.py", "y", "x")
            .has(EditRevert, &[]);
        Run::issue()
            .edit("a.py", "x", "y")
            .shell("git stash && pytest", "", 0)
            .shell("git stash pop", "", 0)
            .has(EditRevert, &[]);
        Run::issue()
            .shell("git checkout -- a.py", "", 0)
            .has(EditRevert, &[]);
        Run::issue()
            .edit("a.py", "x", "y")
            .shell("git checkout -b new", "", 0)
            .has(EditRevert, &[]);
        Run::issue()
            .create("/tmp/a.py", "x")
            .shell("rm /tmp/a.py", "", 0)
            .has(EditRevert, &[]);
        Run::issue()
            .edit("a.py", "x", "y")
            .failing_edit("a.py")
            .has(EditRevert, &[]);
    }
}
