//! What an action means, in a form that two of them are compared by in no time: hashes of what has to be equal, small
//! samples of what may be alike.
//!
//! Paths count inside their workspace (`/workspace/x__1/a.py` is `/testbed/a.py`), commands without a change into it and
//! whatever their blanks, edits by the lines that they take away and put in, whatever tool made them. Thoughts do not
//! count, nor do the words with which an attempt ends.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hash as _;
use std::hash::Hasher as _;

use crate::model::Action;
use crate::model::ActionClass;
use crate::model::Edit;
use crate::model::Value;
use crate::read::understand;
use crate::read::understand::Change;

/// How alike equal actions, and equal steps, are.
pub(super) const EQUAL: u32 = 100;

pub(super) fn hash_of(value: impl std::hash::Hash) -> u64 {
    // its keys are fixed: the same record gives the same alignment
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// A sample of a set of words or lines: its smallest hashes (Broder 1997). Small sets are in it as a whole.
#[derive(Debug, Clone, Default)]
pub(super) struct Sample {
    smallest: Vec<u32>,
    /// A bit for each that was added: samples without a bit in common have nothing in common.
    bits: u64,
}

impl Sample {
    const SIZE: usize = 32;

    pub(super) fn add(&mut self, hash: u64) {
        self.add_small(u32::try_from(hash >> 32).unwrap_or(u32::MAX));
    }

    /// Adds what another sample holds.
    pub(super) fn add_all(&mut self, other: &Self) {
        for small in &other.smallest {
            self.add_small(*small);
        }
    }

    fn add_small(&mut self, small: u32) {
        self.bits |= 1 << (small % u64::BITS);
        let is_full = self.smallest.len() >= Self::SIZE;
        if is_full && self.smallest.last().is_some_and(|last| small >= *last) {
            return;
        }
        if let Err(at) = self.smallest.binary_search(&small) {
            self.smallest.insert(at, small);
            self.smallest.truncate(Self::SIZE);
        }
    }

    /// The estimated share in percent that two sets have in common of what either has; 100 for two empty ones.
    pub(super) fn in_common(&self, other: &Self) -> u32 {
        if self.bits & other.bits == 0 && self.bits | other.bits != 0 {
            return 0;
        }
        #[cfg(test)]
        tests::MERGES.set(tests::MERGES.get() + 1);
        let (mut left, mut right, mut seen, mut both) = (0, 0, 0, 0);
        // without branches: this is what aligning spends its time on
        while let (Some(one), Some(two)) = (self.smallest.get(left), other.smallest.get(right))
            && seen < Self::SIZE
        {
            both += u32::from(one == two);
            left += usize::from(one <= two);
            right += usize::from(two <= one);
            seen += 1;
        }
        let rest = self.smallest.len() - left + other.smallest.len() - right;
        let all = u32::try_from((seen + rest).min(Self::SIZE)).unwrap_or(1);
        (both * EQUAL).checked_div(all).unwrap_or(EQUAL)
    }
}

/// A path inside its workspace.
pub(super) fn normal_path(path: &str) -> &str {
    let path = path.trim_start_matches("./").trim_end_matches('/');
    let is_root = match path {
        "" | "/testbed" | "/repo" | "/workspace" => true,
        _ => {
            let name = path.strip_prefix("/workspace/");
            let name = name.or_else(|| path.strip_prefix('/').filter(|name| name.contains("__")));
            name.is_some_and(|name| {
                !name.contains('/') && (name.contains("__") || !name.contains('.'))
            })
        }
    };
    if is_root {
        "."
    } else {
        understand::without_root(path)
    }
}

/// Calls `each` with the words of a text and with the signs between them; paths inside their workspace.
fn each_word<'a>(text: &'a str, mut each: impl FnMut(&'a str)) {
    let is_sign = |c: char| c.is_whitespace() || "\"'`=():;,<>[]{}|&".contains(c);
    for piece in text.split_inclusive(is_sign) {
        let sign = piece.chars().next_back().filter(|c| is_sign(*c));
        let (word, sign) = piece.split_at(piece.len() - sign.map_or(0, char::len_utf8));
        if word.starts_with('/') {
            each(normal_path(word));
        } else if !word.is_empty() {
            each(word);
        }
        if !sign.trim().is_empty() {
            each(sign);
        }
    }
}

/// The hash and the sample of a text's words.
pub(super) fn words(text: &str) -> (u64, Sample) {
    let mut hasher = DefaultHasher::new();
    let mut sample = Sample::default();
    each_word(text, |word| {
        word.hash(&mut hasher);
        sample.add(hash_of(word));
    });
    (hasher.finish(), sample)
}

/// The command without a change into the workspace before it.
fn bare_command(cmd: &str) -> &str {
    let rest = cmd
        .trim()
        .strip_prefix("cd ")
        .and_then(|rest| rest.split_once("&&"));
    match rest {
        Some((folder, command)) if normal_path(folder.trim()) == "." => command.trim(),
        _ => cmd.trim(),
    }
}

/// What an action means.
#[derive(Debug, Clone)]
pub(super) struct ActKey {
    pub(super) class: ActionClass,
    /// Equal where the actions do the same.
    pub(super) whole: u64,
    /// The file, the program or the tool.
    pub(super) target: u64,
    /// Words of commands and calls, lines of changes.
    pub(super) sample: Sample,
    /// It came back, and with a failure.
    pub(super) is_failed: Option<bool>,
}

impl ActKey {
    pub(super) fn of(action: &Action) -> Self {
        let (target, whole, sample) = match action.class {
            ActionClass::Edit if !action.edits.is_empty() => edits(&action.edits),
            ActionClass::View if action.view.is_some() => view(action),
            ActionClass::Finish => (0, 0, Sample::default()),
            _ => match &action.shell {
                Some(shell) => command(&shell.cmd),
                None => call(action),
            },
        };
        Self {
            class: action.class,
            whole: hash_of((action.class, target, whole)),
            target,
            sample,
            is_failed: action.observation.as_ref().map(|_| action.has_error()),
        }
    }

    /// How alike two actions are, in percent.
    pub(super) fn likeness(&self, other: &Self) -> u32 {
        if self.class != other.class {
            return 0;
        }
        if self.whole == other.whole {
            return if self.fails_unlike(other) { 95 } else { EQUAL };
        }
        let is_target = self.target == other.target;
        let common = || self.sample.in_common(&other.sample);
        let share = match (self.class, is_target) {
            (ActionClass::View, true) => 75,
            (ActionClass::View, false) => 20,
            (ActionClass::Think | ActionClass::Plan, _) => 60,
            (ActionClass::Edit, true) => 50 + common() / 2,
            (_, true) => 40 + common() * 55 / 100,
            (_, false) => common() / 2,
        };
        share.min(95)
    }

    pub(super) fn fails_unlike(&self, other: &Self) -> bool {
        let both = self.is_failed.zip(other.is_failed);
        both.is_some_and(|(left, right)| left != right)
    }
}

/// The file and the lines of a view.
fn view(action: &Action) -> (u64, u64, Sample) {
    let Some(view) = &action.view else {
        return (0, 0, Sample::default());
    };
    let shown = || {
        let (first, text) = view.first_line.zip(view.text.as_ref())?;
        let last = first.saturating_add(text.lines().count().max(1) - 1);
        let cmd = action.shell.as_ref().map(|shell| bare_command(&shell.cmd));
        let is_whole = first == 1 && cmd.is_none_or(|cmd| cmd.starts_with("cat "));
        (!is_whole).then_some((first, Some(last)))
    };
    let range = understand::asked_range(action).or_else(shown);
    let target = hash_of(normal_path(&view.path));
    (target, hash_of(range), Sample::default())
}

/// The first file, and the changed lines of all.
fn edits(edits: &[Edit]) -> (u64, u64, Sample) {
    let target = edits.first().map(|edit| normal_path(&edit.path));
    let mut hasher = DefaultHasher::new();
    let mut sample = Sample::default();
    for edit in edits {
        normal_path(&edit.path).hash(&mut hasher);
        edit.moved_to.as_deref().map(normal_path).hash(&mut hasher);
        each_changed_line(edit, |is_added, line| {
            let line = (is_added, line.trim_end());
            line.hash(&mut hasher);
            sample.add(hash_of(line));
        });
    }
    (hash_of(target), hasher.finish(), sample)
}

/// Calls `each` with the lines that an edit takes away, then with those it puts in, in their order. Lines on both sides
/// do not count, wherever they stand: one pass, however long the texts are.
fn each_changed_line(edit: &Edit, mut each: impl FnMut(bool, &str)) {
    match understand::change_of(edit) {
        Change::New(text, _) => text.lines().for_each(|line| each(true, line)),
        Change::Texts { old, new, .. } => {
            let old = old.map_or("", |text| text);
            let new = new.map_or("", |text| text);
            each_line_without(old, new, |line| each(false, line));
            each_line_without(new, old, |line| each(true, line));
        }
        Change::Patch(diff) => {
            let is_body = |line: &&str| !line.starts_with("--- ") && !line.starts_with("+++ ");
            for (is_added, sign) in [(false, '-'), (true, '+')] {
                let lines = diff.lines().filter(is_body);
                let changed = lines.filter_map(|line| line.strip_prefix(sign));
                changed.for_each(|line| each(is_added, line));
            }
        }
        Change::Unknown => each(true, &format!("{:?}", edit.op)),
    }
}

/// Calls `each` with the lines of `text` that `other` does not have, or not as often.
fn each_line_without(text: &str, other: &str, mut each: impl FnMut(&str)) {
    let mut there: HashMap<&str, usize> = HashMap::new();
    for line in other.lines() {
        *there.entry(line.trim_end()).or_default() += 1;
    }
    for line in text.lines() {
        match there.get_mut(line.trim_end()) {
            Some(count) if *count > 0 => *count -= 1,
            _ => each(line),
        }
    }
}

/// The program and the words of a command.
fn command(cmd: &str) -> (u64, u64, Sample) {
    let cmd = bare_command(cmd);
    let (whole, sample) = words(cmd);
    let mut program = None;
    each_word(cmd, |word| {
        // a variable that is set before the program is not the program
        if word == "=" {
            program = None;
        } else if program.is_none() {
            program = Some(hash_of(word));
        }
    });
    (program.unwrap_or(0), whole, sample)
}

/// The tool and the arguments of any other call.
fn call(action: &Action) -> (u64, u64, Sample) {
    let mut text = String::new();
    texts_of(&action.args, &mut text, 0);
    let (whole, sample) = words(&text);
    (hash_of(&action.tool), whole, sample)
}

/// All texts and numbers of a value, in their order.
fn texts_of(value: &Value, out: &mut String, depth: usize) {
    const DEEP: usize = 64;
    match value {
        Value::Array(items) if depth < DEEP => {
            for item in items {
                texts_of(item, out, depth + 1);
            }
        }
        Value::Object(fields) if depth < DEEP => {
            for (key, value) in fields {
                out.push_str(key);
                out.push('=');
                texts_of(value, out, depth + 1);
            }
        }
        Value::String(text) => out.push_str(text),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::Bool(is_true) => out.push_str(if *is_true { "true" } else { "false" }),
        Value::Null | Value::Array(_) | Value::Object(_) => {}
    }
    out.push('\n');
}

/// In what two actions differ.
pub(super) fn act_difference(left: &ActKey, right: &ActKey) -> String {
    if left.class != right.class {
        return format!(
            "other actions: {}, {}",
            left.class.name(),
            right.class.name()
        );
    }
    let common = || left.sample.in_common(&right.sample);
    match (left.class, left.target == right.target) {
        (ActionClass::View, true) => "other lines of the file".to_owned(),
        (ActionClass::View, false) => "another file".to_owned(),
        (ActionClass::Edit, true) => {
            let share = common();
            format!("another change of the file, {share} % of its lines in common")
        }
        (ActionClass::Edit, false) if common() == EQUAL => "the same change elsewhere".to_owned(),
        (ActionClass::Edit, false) => "a change of another file".to_owned(),
        (ActionClass::Think, _) => "another thought".to_owned(),
        (ActionClass::Plan, _) => "another plan".to_owned(),
        (ActionClass::Shell, true) => "the same program otherwise".to_owned(),
        (ActionClass::Shell, false) => "another command".to_owned(),
        (_, true) => "the same tool otherwise".to_owned(),
        (_, false) => "another tool".to_owned(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    thread_local! {
        /// Samples that this thread has held against each other, value by value.
        pub(in crate::compare) static MERGES: Cell<usize> = const { Cell::new(0) };
    }
}
