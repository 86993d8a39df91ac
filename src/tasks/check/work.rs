//! Changes of files in a base state that become an edit.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::patch::Side;
use crate::patch::write_part;
use crate::python::Source;
use crate::python::repo::decoded;
use crate::tasks::base::BaseState;
use crate::tasks::base::plain_path;
use crate::tasks::check::Ground;
use crate::tasks::check::ground::Text;

/// A file that no repository has.
pub(super) const NEW_FILE: &str = "hgview_check_edit.py";

/// An edit of the base state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    /// What it is, in the words of reports.
    pub(super) name: &'static str,
    /// As a patch against the base state.
    pub(super) patch: String,
    /// The target function as it then stands, for tasks that ask for one.
    pub(super) answer: Option<String>,
    /// Only its test program can tell that it is wrong.
    pub(super) needs_program: bool,
}

/// Files in the base state.
#[derive(Clone, Copy)]
pub(super) struct Base<'a> {
    pub(super) ground: &'a Ground,
    /// Those that are otherwise than in the repository.
    changed: &'a BTreeMap<String, Arc<Text>>,
}

impl<'a> Base<'a> {
    /// `changed` is what [`changed`] made of the base state.
    pub(super) fn new(ground: &'a Ground, changed: &'a BTreeMap<String, Arc<Text>>) -> Self {
        Self { ground, changed }
    }

    pub(super) fn text(&self, path: &str) -> Result<Arc<Text>, String> {
        let path = plain_path(path)?;
        match self.changed.get(&path) {
            Some(text) => Ok(Arc::clone(text)),
            None => self.ground.text(&path),
        }
    }
}

/// The texts of the files that a base state changes. What is no text is not among them, and no such base state is made.
pub(super) fn changed(state: &BaseState) -> BTreeMap<String, Arc<Text>> {
    let files = state.changed.iter();
    files
        .filter_map(|(path, bytes)| {
            let text = Text::new(decoded(bytes)?.into_owned());
            Some((path.clone(), Arc::new(text)))
        })
        .collect()
}

/// Changes of files, to become an edit.
#[derive(Clone)]
pub(super) struct Work<'a> {
    base: Base<'a>,
    /// Lines to be put in, by path and the line above which they go.
    added: BTreeMap<String, BTreeMap<usize, Vec<String>>>,
    /// A line that goes.
    removed: Option<(String, usize)>,
    new_file: Option<&'static str>,
}

impl<'a> Work<'a> {
    pub(super) fn new(base: &Base<'a>) -> Self {
        Self {
            base: *base,
            added: BTreeMap::new(),
            removed: None,
            new_file: None,
        }
    }

    pub(super) fn add(&mut self, path: &str, line: usize, lines: Vec<String>) {
        let places = self.added.entry(path.to_owned()).or_default();
        places.entry(line).or_default().extend(lines);
    }

    /// Takes the last line of code of a file away.
    pub(super) fn remove_code(mut self, path: &str) -> Result<Self, String> {
        let file = self.base.text(path)?;
        let code = Source::whole(&file.whole).code_by_line(file.line_count());
        let last = code.iter().rposition(|code| !code.is_empty());
        let last = last.ok_or_else(|| format!("{path} holds no code"))?;
        self.removed = Some((path.to_owned(), last));
        Ok(self)
    }

    pub(super) fn with_new_file(mut self, text: &'static str) -> Self {
        self.new_file = Some(text);
        self
    }

    pub(super) fn edit(&self, name: &'static str) -> Result<Edit, String> {
        let mut patch = String::new();
        let removed = self.removed.as_ref();
        let mut paths: Vec<&String> = self.added.keys().collect();
        paths.extend(
            removed
                .map(|(path, _)| path)
                .filter(|path| !self.added.contains_key(*path)),
        );
        let none = BTreeMap::new();
        for path in paths {
            let old = self.base.text(path)?;
            let added = self.added.get(path).unwrap_or(&none);
            let gone = removed.filter(|(of, _)| of == path).map(|(_, line)| *line);
            let new = edited(&old.whole, added, gone);
            patch.push_str(&part(path, Some(&old.whole), &new));
        }
        if let Some(text) = self.new_file {
            patch.push_str(&part(NEW_FILE, None, text));
        }
        Ok(Edit {
            name,
            patch,
            answer: None,
            needs_program: false,
        })
    }
}

pub(super) fn nothing() -> Edit {
    Edit {
        name: "nothing",
        patch: String::new(),
        answer: None,
        needs_program: false,
    }
}

/// The patch of one file; empty where nothing is changed.
pub(super) fn part(name: &str, old: Option<&str>, new: &str) -> String {
    let mut patch = String::new();
    if old != Some(new) {
        let before = Side {
            mode: old.map(|_| "100644"),
            text: old.unwrap_or_default(),
        };
        let after = Side {
            mode: Some("100644"),
            text: new,
        };
        write_part(name, before, after, &mut patch);
    }
    patch
}

/// A text with lines put in above others, and one taken away.
pub(super) fn edited(
    old: &str,
    added: &BTreeMap<usize, Vec<String>>,
    gone: Option<usize>,
) -> String {
    let end = match old.split_inclusive('\n').next() {
        Some(line) if line.ends_with("\r\n") => "\r\n",
        _ => "\n",
    };
    let mut new = String::with_capacity(old.len() + 256);
    let put = |new: &mut String, lines: &[String]| {
        for line in lines {
            if !new.is_empty() && !new.ends_with('\n') {
                new.push_str(end);
            }
            new.extend([line.as_str(), end]);
        }
    };
    let mut count = 0;
    for (ix, line) in old.split_inclusive('\n').enumerate() {
        count = ix + 1;
        put(&mut new, added.get(&ix).map_or(&[], Vec::as_slice));
        if gone != Some(ix) {
            new.push_str(line);
        }
    }
    for lines in added.range(count..).map(|(_, lines)| lines) {
        put(&mut new, lines);
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_in_and_taken_away() {
        #[track_caller]
        fn check(old: &str, added: &[(usize, &str)], gone: Option<usize>, want: &str) {
            let added = added
                .iter()
                .map(|(at, line)| (*at, vec![(*line).to_owned()]));
            assert_eq!(edited(old, &added.collect(), gone), want);
        }
        check(
            "a\nb\n",
            &[(0, "x"), (1, "y"), (2, "z")],
            None,
            "x\na\ny\nb\nz\n",
        );
        check("a\nb", &[(2, "z")], None, "a\nb\nz\n");
        check("a\r\nb\r\n", &[(1, "y")], Some(0), "y\r\nb\r\n");
        check("", &[(1, "y")], None, "y\n");
    }
}
