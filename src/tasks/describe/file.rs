//! Descriptions that somebody wrote into files.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::model::Value;
use crate::python::Documented;
use crate::shard::each_line;
use crate::tasks::LeftOut;
use crate::tasks::describe::Describe;
use crate::tasks::describe::Subject;
use crate::tasks::describe::rules::checked;

/// Descriptions by what they say of their targets' places. They are checked as others are; what has none makes no task.
#[derive(Debug, Default)]
pub struct Written {
    told: Vec<Told>,
    /// By the last part of the name.
    by_name: HashMap<String, Vec<usize>>,
    /// Descriptions that name no place, nor an id whose place another line tells.
    placeless: usize,
    /// Descriptions are of several repositories.
    of_several: bool,
}

/// What became of the descriptions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Met {
    /// All of them.
    pub all: usize,
    /// Those that fit no function or class that can be a target.
    pub none: usize,
    /// Those that fit several, of which none was taken.
    pub several: usize,
}

/// A description.
#[derive(Debug)]
struct Told {
    place: Place,
    text: String,
    /// What it met: [`NONE`], [`SEVERAL`] or [`ONE`].
    met: AtomicU8,
}

const NONE: u8 = 0;
const SEVERAL: u8 = 1;
const ONE: u8 = 2;

/// What a line says of where its target is.
#[derive(Debug, Clone)]
struct Place {
    repo: Option<String>,
    path: Option<String>,
    /// A name, or one behind those that it stands in.
    name: String,
    line: Option<u64>,
}

impl Place {
    /// Of a target, which may share what its row says.
    fn of(target: &Value, row: &Value) -> Option<Self> {
        let own = |key: &str| target.get(key).and_then(Value::as_str);
        let any = |key: &str| own(key).or_else(|| row.get(key)?.as_str());
        let name = own("qualified_name").or_else(|| own("module_name"))?;
        Some(Self {
            repo: any("repo").map(str::to_owned),
            path: any("file_path").map(str::to_owned),
            name: name.to_owned(),
            line: target.get("module_line_start").and_then(Value::as_u64),
        })
    }

    fn is_dotted(&self) -> bool {
        self.name.contains('.')
    }

    /// Whether it names the definition, perhaps as one of several.
    fn fits(&self, subject: &Subject<'_>) -> bool {
        let repo = subject.at.map(|at| at.seed.repo.as_str());
        let is_same = |own: &Option<String>, other| own.as_deref().is_none_or(|own| own == other);
        let name = if self.is_dotted() {
            subject.qualified_name
        } else {
            subject.name
        };
        is_same(&self.repo, repo.unwrap_or_default())
            && is_same(&self.path, subject.path)
            && self.name == name
    }

    /// Whether it names the line of the definition's header.
    fn is_on_its_line(&self, subject: &Subject<'_>) -> bool {
        let line = subject.at.map(|at| at.line.0 as u64);
        self.path.is_some() && self.line.is_some() && self.line == line
    }

    /// Whether it names no other definition that can be a target.
    fn is_only(&self, subject: &Subject<'_>) -> bool {
        let Some(at) = subject.at else {
            return true;
        };
        let all = at.seed.index.definitions().filter(|found| {
            let is_it = if self.is_dotted() {
                at.seed.index.qualified_name(found.id) == self.name
            } else {
                found.definition.name == self.name
            };
            let is_inside = self.path.as_deref().is_none_or(|path| path == found.path);
            is_inside && is_it && matches!(found.definition.documented, Documented::Yes(_))
        });
        all.take(2).count() < 2
    }

    /// How much it says.
    fn rank(&self, subject: &Subject<'_>) -> [bool; 4] {
        [
            self.is_on_its_line(subject),
            self.path.is_some(),
            self.is_dotted(),
            self.repo.is_some(),
        ]
    }
}

impl Written {
    /// Reads files of JSON lines with a `function_description` (or `description`, `brief_description`) and what says of
    /// which function or class: `module_name` or `qualified_name`, `file_path`, `repo`, `module_line_start`; or the
    /// `instance_id` of a line that says it. What else they hold does not matter, so that task rows will do. Where several
    /// are about the same, the one that says most of the place counts, and of these the last. Of several repositories a
    /// line has to name its own.
    ///
    /// # Errors
    /// *input* when one cannot be read or none of the lines is a description.
    pub fn load(paths: &[PathBuf], of_several: bool) -> Result<Self> {
        let mut rows: Vec<Value> = Vec::new();
        for path in paths {
            let read = each_line(path, &mut |line| {
                rows.extend(serde_json::from_slice::<Value>(line.bytes).ok());
            });
            let name = path.display();
            read.map_err(|err| Error::input(format!("{name} cannot be read")).caused_by(err))?;
        }
        let written = Self::of(&rows, of_several);
        if written.told.is_empty() {
            let names: Vec<String> = paths
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            return Err(Error::input(format!("{} holds no descriptions", names.join(", ")))
                .hint("a line has `function_description`, and `file_path` and `module_name` or the `instance_id` of a task in one of the files"));
        }
        Ok(written)
    }

    fn of(rows: &[Value], of_several: bool) -> Self {
        let mut written = Self {
            of_several,
            ..Self::default()
        };
        // what an id names; `None` where it names several
        let mut by_id: HashMap<&str, Option<Place>> = HashMap::new();
        for row in rows {
            let targets = targets(row);
            let mut places = targets.iter().filter_map(|target| Place::of(target, row));
            if let (Some(id), Some(place)) = (id(row), places.next()) {
                let place = places.next().is_none().then_some(place);
                by_id.insert(id, place);
            }
        }
        for row in rows {
            for target in targets(row) {
                let Some(text) = description(target) else {
                    continue;
                };
                let of_id = || id(row).and_then(|id| by_id.get(id).cloned())?;
                match Place::of(target, row).or_else(of_id) {
                    Some(place) => written.add(place, text),
                    None => written.placeless += 1,
                }
            }
        }
        written
    }

    fn add(&mut self, place: Place, text: &str) {
        let last = place.name.rsplit('.').next().unwrap_or_default();
        let of_name = self.by_name.entry(last.to_owned()).or_default();
        of_name.push(self.told.len());
        self.told.push(Told {
            place,
            text: text.trim().to_owned(),
            met: AtomicU8::new(NONE),
        });
    }

    /// What is told of a definition.
    fn find(&self, subject: &Subject<'_>) -> Option<&Told> {
        let told = self.by_name.get(subject.name).into_iter().flatten();
        let told = told.filter_map(|ix| self.told.get(*ix));
        let fitting = told.filter(|told| {
            let place = &told.place;
            if !place.fits(subject) {
                return false;
            }
            let is_one = (!self.of_several || place.repo.is_some())
                && (place.is_on_its_line(subject) || place.is_only(subject));
            let met = if is_one { ONE } else { SEVERAL };
            told.met.fetch_max(met, Ordering::Relaxed);
            is_one
        });
        fitting.max_by_key(|told| told.place.rank(subject))
    }

    /// What became of the descriptions so far.
    pub fn met(&self) -> Met {
        let count = |met: u8| {
            let is_so = |told: &&Told| told.met.load(Ordering::Relaxed) == met;
            self.told.iter().filter(is_so).count()
        };
        Met {
            all: self.told.len() + self.placeless,
            none: count(NONE) + self.placeless,
            several: count(SEVERAL),
        }
    }
}

fn id(row: &Value) -> Option<&str> {
    row.get("instance_id").and_then(Value::as_str)
}

/// The targets that a row describes: its `functions`, else itself.
fn targets(row: &Value) -> &[Value] {
    let several = row.get("functions").and_then(Value::as_array);
    match several {
        Some(several) if !several.is_empty() => several,
        _ => std::slice::from_ref(row),
    }
}

fn description(of: &Value) -> Option<&str> {
    let keys = ["function_description", "description", "brief_description"];
    keys.into_iter().find_map(|key| of.get(key)?.as_str())
}

impl Describe for Written {
    fn has(&self, subject: &Subject<'_>) -> bool {
        self.find(subject).is_some()
    }

    fn describe(
        &self,
        subject: &Subject<'_>,
        _cancel: &Cancel,
    ) -> std::result::Result<String, LeftOut> {
        let found = self.find(subject).ok_or_else(|| LeftOut {
            reason: super::NO_DESCRIPTION,
            detail: format!("{} {}", subject.path, subject.qualified_name),
        })?;
        checked(subject, found.text.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::python::DefinitionKind;
    use crate::tasks::describe::At;
    use crate::tasks::source::testing::seed;

    const A: &str = "class A:\n    def run(self):\n        'doc'\n        return 1\nclass B:\n    def run(self):\n        'doc'\n        return 2\ndef only():\n    'doc'\n    return 3\n";
    const B: &str = "def run():\n    'doc'\n    return 4\ndef stop():\n    'doc'\n    return 5\n";

    /// Which definitions of two files get which of some descriptions, and what the others met.
    #[track_caller]
    fn check(
        rows: &[Value],
        of_several: bool,
        want: &[(&str, &str)],
        (none, several): (usize, usize),
    ) {
        let seed = seed(&[("a.py", A), ("b.py", B)]);
        let written = Written::of(rows, of_several);
        let mut got = Vec::new();
        for found in seed.index.definitions() {
            let qualified_name = seed.index.qualified_name(found.id);
            let subject = Subject {
                kind: DefinitionKind::Function,
                name: &found.definition.name,
                qualified_name: &qualified_name,
                path: found.path,
                source: "",
                docstring: "",
                signature: "",
                at: Some(At {
                    seed: &seed,
                    line: found.definition.header,
                }),
            };
            if let Some(told) = written.find(&subject) {
                got.push((
                    format!("{}:{qualified_name}", found.path),
                    told.text.clone(),
                ));
            }
        }
        got.sort();
        let got: Vec<(&str, &str)> = got.iter().map(|(a, b)| (&**a, &**b)).collect();
        assert_eq!(got, want);
        let all = rows
            .iter()
            .map(|row| targets(row).iter().filter_map(description).count());
        let met = Met {
            all: all.sum(),
            none,
            several,
        };
        assert_eq!(written.met(), met);
    }

    #[test]
    fn two_of_one_name_do_not_share_a_description() {
        let bare = json!({"file_path": "a.py", "module_name": "run", "description": "x"});
        check(&[bare], false, &[], (0, 1));
        let name = |name: &str, text: &str| json!({"file_path": "a.py", "module_name": name, "description": text});
        let want = [("a.py:A.run", "x"), ("a.py:B.run", "y")];
        check(
            &[name("A.run", "x"), name("B.run", "y")],
            false,
            &want,
            (0, 0),
        );
        let line = |line: u64, text: &str| json!({"file_path": "a.py", "module_name": "run", "module_line_start": line, "description": text});
        check(&[line(1, "x"), line(5, "y")], false, &want, (0, 0));
        check(&[line(2, "x")], false, &[], (0, 1));
    }

    #[test]
    fn a_bare_name_is_enough_where_it_is_the_only_one() {
        let bare = |name: &str| json!({"module_name": name, "description": name});
        let want = [("a.py:only", "only"), ("b.py:stop", "stop")];
        check(
            &[bare("only"), bare("stop"), bare("run"), bare("none")],
            false,
            &want,
            (1, 1),
        );
        let in_file = json!({"file_path": "b.py", "module_name": "run", "description": "x"});
        check(
            std::slice::from_ref(&in_file),
            false,
            &[("b.py:run", "x")],
            (0, 0),
        );
        // which repository is meant cannot be known
        check(std::slice::from_ref(&in_file), true, &[], (0, 1));
        let mut own = in_file;
        own["repo"] = json!("local/test");
        check(
            std::slice::from_ref(&own),
            true,
            &[("b.py:run", "x")],
            (0, 0),
        );
        own["repo"] = json!("other/test");
        check(&[own], true, &[], (1, 0));
    }

    #[test]
    fn ids_mean_what_another_line_says_of_them() {
        let task = json!({"instance_id": "t__1", "repo": "local/test", "file_path": "a.py", "module_name": "run",
            "module_line_start": 5, "function_description": "old"});
        let told = json!({"instance_id": "t__1", "description": "new"});
        check(
            &[told.clone(), task.clone()],
            false,
            &[("a.py:B.run", "old")],
            (0, 0),
        );
        check(
            &[task, told.clone()],
            false,
            &[("a.py:B.run", "new")],
            (0, 0),
        );
        check(std::slice::from_ref(&told), false, &[], (1, 0));
        let several = json!({"instance_id": "t__1", "functions": [
            {"file_path": "a.py", "module_name": "only", "description": "one"},
            {"file_path": "b.py", "module_name": "stop", "description": "two"}]});
        let want = [("a.py:only", "one"), ("b.py:stop", "two")];
        check(&[several, told], false, &want, (1, 0));
    }
}
