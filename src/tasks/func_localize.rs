//! Makes `func_localize` tasks: a function or class whose docstring is taken away, and what it does in words.

use std::collections::BTreeMap;

use rayon::iter::IntoParallelRefIterator as _;
use rayon::iter::ParallelIterator as _;
use serde_json::json;

use crate::cancel::Cancel;
use crate::model::LineIx;
use crate::model::TaskKind;
use crate::model::Value;
use crate::python::Definition;
use crate::python::DefinitionKind;
use crate::python::Docstring;
use crate::python::Documented;
use crate::python::repo::Defined;
use crate::tasks::Draft;
use crate::tasks::Drafts;
use crate::tasks::Fields;
use crate::tasks::LeftOut;
use crate::tasks::Maker;
use crate::tasks::Seed;
use crate::tasks::dep_search::kind_name;
use crate::tasks::describe::At;
use crate::tasks::describe::Describe;
use crate::tasks::describe::NO_DESCRIPTION;
use crate::tasks::describe::Subject;
use crate::tasks::describe::docstring::text_of;
use crate::tasks::describe::statements::Statements;
use crate::tasks::sample;

/// Why a definition is left out whose description another one would get, too.
pub(in crate::tasks) const SAME_STATEMENT: &str = "its description fits another one as well";

/// Makes them of definitions with docstrings.
pub struct FuncLocalize<'a> {
    /// Writes their descriptions.
    pub describe: &'a dyn Describe,
    /// How many targets a task has; at least 1.
    pub targets: usize,
    /// The task is not to say the name either: `name_masked` stands in its row.
    pub masks_name: bool,
    /// Decides which targets are one task.
    pub seed: u64,
}

impl Maker for FuncLocalize<'_> {
    fn kind(&self) -> TaskKind {
        TaskKind::FuncLocalize
    }

    fn drafts(&self, seed: &Seed, cancel: &Cancel) -> Option<Drafts> {
        let mut by_path: BTreeMap<&str, Vec<Defined<'_>>> = BTreeMap::new();
        for found in seed.index.definitions() {
            if matches!(found.definition.documented, Documented::Yes(_)) {
                by_path.entry(found.path).or_default().push(found);
            }
        }
        let by_rule = self.describe.repeats_docstrings();
        let statements = by_rule.then(|| Statements::of(seed, cancel));
        let files: Vec<(&str, Vec<Defined<'_>>)> = by_path.into_iter().collect();
        let one = |(path, definitions): &(&str, Vec<Defined<'_>>)| {
            (!cancel.is_cancelled()).then(|| {
                of_file(
                    seed,
                    path,
                    definitions,
                    (self.describe, statements.as_ref()),
                )
            })
        };
        let parts: Option<Vec<Drafts>> = files.par_iter().map(one).collect();
        let mut all = Drafts::default();
        for part in parts? {
            all.drafts.extend(part.drafts);
            for (reason, count) in part.left_out {
                *all.left_out.entry(reason).or_default() += count;
            }
        }
        if self.targets > 1 {
            all.drafts = self.grouped(all.drafts);
        }
        Some(all)
    }

    fn finish(&self, seed: &Seed, mut draft: Draft, cancel: &Cancel) -> Result<Draft, LeftOut> {
        if self.targets > 1 {
            if let Some(Value::Array(targets)) = draft.fields.get_mut("functions") {
                for target in targets.iter_mut().filter_map(Value::as_object_mut) {
                    self.describe(seed, target, cancel)?;
                }
                if let Some(first) = targets.first().and_then(Value::as_object).cloned() {
                    let several = std::mem::replace(&mut draft.fields, first);
                    draft.fields.extend(several);
                }
            }
        } else {
            self.describe(seed, &mut draft.fields, cancel)?;
        }
        if self.masks_name {
            draft.fields.insert("name_masked".to_owned(), json!(true));
        }
        Ok(draft)
    }
}

impl FuncLocalize<'_> {
    /// Targets by chance into tasks of several; what is left over makes none.
    fn grouped(&self, drafts: Vec<Draft>) -> Vec<Draft> {
        let mut drafts = drafts;
        drafts.sort_by_cached_key(|draft| sample::lot(self.seed, "targets", draft));
        let groups = drafts.chunks_exact(self.targets);
        let mut grouped: Vec<Draft> = groups
            .filter_map(|group| {
                let first = group.first()?;
                let targets = group
                    .iter()
                    .map(|draft| Value::Object(draft.fields.clone()));
                let mut fields = Fields::new();
                fields.insert("functions".to_owned(), targets.collect());
                Some(Draft {
                    path: first.path.clone(),
                    line: first.line,
                    stratum: format!("{} targets", group.len()),
                    fields,
                })
            })
            .collect();
        grouped.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
        grouped
    }

    /// Adds the description to the fields of a target.
    fn describe(&self, seed: &Seed, target: &mut Fields, cancel: &Cancel) -> Result<(), LeftOut> {
        let gone = |detail: String| LeftOut {
            reason: "the target cannot be read",
            detail,
        };
        let path = target
            .get("file_path")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let line = target.get("module_line_start").and_then(Value::as_u64);
        let (Some(path), Some(line)) = (path, line) else {
            return Err(gone(String::new()));
        };
        let path = path.as_str();
        let source = seed.source(path).map_err(gone)?;
        let lines: Vec<&str> = source.lines().collect();
        let mut definitions = seed.index.definitions_of(path);
        let found = definitions
            .find(|found| found.definition.header.0 as u64 == line)
            .ok_or_else(|| gone(format!("{path}:{line}")))?;
        let definition = found.definition;
        let text = |from: LineIx, to: LineIx| lines.get(from.0..=to.0).unwrap_or_default();
        let docstring = match definition.documented {
            Documented::Yes(docstring) => text_of(&lines, docstring),
            Documented::No | Documented::Unseen => None,
        };
        let header = text(definition.header, definition.header_end).join(" ");
        let signature: Vec<&str> = header.split_whitespace().collect();
        let subject = Subject {
            kind: definition.kind,
            name: &definition.name,
            qualified_name: &seed.index.qualified_name(found.id),
            path,
            source: &text(definition.first, definition.last).join("\n"),
            docstring: &docstring.unwrap_or_default(),
            signature: &signature.join(" "),
            at: Some(At {
                seed,
                line: definition.header,
            }),
        };
        let description = self.describe.describe(&subject, cancel)?;
        target.insert("function_description".to_owned(), json!(description));
        Ok(())
    }
}

/// What of a file can be a target.
fn of_file(
    seed: &Seed,
    path: &str,
    definitions: &[Defined<'_>],
    (describe, statements): (&dyn Describe, Option<&Statements>),
) -> Drafts {
    let mut drafts = Drafts::default();
    let source = seed.source(path).unwrap_or_default();
    let lines: Vec<&str> = source.lines().collect();
    for found in definitions {
        let draft = target(seed, found, &lines).and_then(|draft| {
            if statements.is_some_and(|statements| statements.is_shared(found.id)) {
                return Err(Some(SAME_STATEMENT));
            }
            let subject = Subject {
                kind: found.definition.kind,
                name: &found.definition.name,
                qualified_name: &seed.index.qualified_name(found.id),
                path,
                source: "",
                docstring: "",
                signature: "",
                at: Some(At {
                    seed,
                    line: found.definition.header,
                }),
            };
            describe
                .has(&subject)
                .then_some(draft)
                .ok_or(Some(NO_DESCRIPTION))
        });
        match draft {
            Ok(draft) => drafts.drafts.push(draft),
            Err(Some(reason)) => *drafts.left_out.entry(reason).or_default() += 1,
            Err(None) => {}
        }
    }
    drafts
}

/// The draft of a definition, or the reason for which it is none; no reason for what nobody would look for.
fn target(seed: &Seed, found: &Defined<'_>, lines: &[&str]) -> Result<Draft, Option<&'static str>> {
    let definition = found.definition;
    let Documented::Yes(docstring) = definition.documented else {
        return Err(None);
    };
    if definition.name.starts_with('_') || is_test(found) {
        return Err(None);
    }
    if !seed.index.parses(found.id) {
        return Err(Some("its file has syntax errors"));
    }
    if !docstring.has_word {
        return Err(Some("its docstring is empty"));
    }
    if !can_be_cut(definition, docstring, lines) {
        return Err(Some("its docstring cannot be cut out by lines"));
    }
    let kind = kind_name(definition.kind);
    let fields: Fields = [
        ("file_path", json!(found.path)),
        ("module_name", json!(definition.name)),
        ("module_type", json!(kind)),
        ("module_line_start", json!(definition.header.0)),
        ("module_line_end", json!(definition.last.0)),
        ("docstring_line_start", json!(docstring.first.0)),
        ("docstring_line_end", json!(docstring.last.0)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    let stratum = if found.is_method { "method" } else { kind };
    Ok(Draft {
        path: found.path.to_owned(),
        line: definition.header,
        stratum: stratum.to_owned(),
        fields,
    })
}

/// Tests say what they test, not what they do.
fn is_test(found: &Defined<'_>) -> bool {
    let definition = found.definition;
    match definition.kind {
        DefinitionKind::Function => definition.name.starts_with("test_"),
        DefinitionKind::Class => definition.name.starts_with("Test") && found.path.contains("test"),
    }
}

/// Whether its docstring stands on lines of its own below its header, and something is left of its body without it.
fn can_be_cut(definition: &Definition, docstring: Docstring, lines: &[&str]) -> bool {
    docstring.first > definition.header_end
        && definition.last > docstring.last
        && text_of(lines, docstring).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::describe::rules::Rules;
    use crate::tasks::source::testing::seed;

    const SOURCE: &str = r#"
def join(words):
    """Puts a blank between each of the given strings."""
    return " ".join(words)

class Box:
    """Holds things of every kind until somebody asks for them."""

    @property
    def size(self):
        """
        How many things there are in it just now, empty ones too.
        """
        return 1

    def only(self):
        """Does nothing at all, and says so in many words."""

def one(): "Stands on the line of its header with more words."
def _hidden():
    """Is nobody's business but that of this module itself."""
    return 1
def test_join():
    """Is a test of what stands above it in this module."""
    return 1
def odd():
    """Has something else behind it on the line, sadly."""; x = 1
    return x
"#;

    fn maker(targets: usize) -> FuncLocalize<'static> {
        FuncLocalize {
            describe: &Rules,
            targets,
            masks_name: false,
            seed: 0,
        }
    }

    #[test]
    fn targets_are_what_can_be_cut_out() {
        let seed = seed(&[("m.py", SOURCE)]);
        let drafts = maker(1).drafts(&seed, &Cancel::new()).unwrap();
        let shown: Vec<String> = drafts
            .drafts
            .iter()
            .map(|draft| format!("{} {}", draft.stratum, draft.fields["module_name"]))
            .collect();
        assert_eq!(
            shown,
            ["function \"join\"", "class \"Box\"", "method \"size\""]
        );
        let why = "its docstring cannot be cut out by lines";
        assert_eq!(drafts.left_out, BTreeMap::from([(why, 3)]));
        let broken = self::seed(&[(
            "m.py",
            "def f(:\n    '''Words are here.'''\n    x = 1\nprint 'x'\n",
        )]);
        assert_eq!(maker(1).drafts(&broken, &Cancel::new()).unwrap().drafts, []);
    }

    #[test]
    fn fields_as_they_are_published() {
        let seed = seed(&[("m.py", SOURCE)]);
        let drafts = maker(1).drafts(&seed, &Cancel::new()).unwrap();
        let draft = drafts.drafts[2].clone();
        let masking = FuncLocalize {
            masks_name: true,
            ..maker(1)
        };
        let draft = masking.finish(&seed, draft, &Cancel::new()).unwrap();
        let want = json!({
            "file_path": "m.py",
            "module_name": "size",
            "module_type": "function",
            "module_line_start": 9,
            "module_line_end": 13,
            "docstring_line_start": 10,
            "docstring_line_end": 12,
            "function_description": "How many things there are in it just now, empty ones too.",
            "name_masked": true,
        });
        assert_eq!(Value::Object(draft.fields), want);
    }

    #[test]
    fn what_says_the_same_as_another_one_is_left_out() {
        struct Own;
        impl Describe for Own {
            fn describe(&self, _: &Subject<'_>, _: &Cancel) -> Result<String, LeftOut> {
                unreachable!("nothing is finished")
            }
        }
        let say = "Gives back all that it was told before it was asked.";
        let source = format!(
            "class A:\n    def one(self):\n        '{say}'\n        return 1\n    def two(self):\n        '{say} More.'\n        return 2\n\
             def _hidden():\n    \"{say}\"\n    return 3\nclass B:\n    '{say}'\n    x = 1\n"
        );
        let seed = seed(&[("m.py", &source)]);
        let names = |describe: &dyn Describe| {
            let maker = FuncLocalize {
                describe,
                ..maker(1)
            };
            let drafts = maker.drafts(&seed, &Cancel::new()).unwrap();
            let names = drafts
                .drafts
                .iter()
                .map(|draft| draft.fields["module_name"].clone());
            (
                names.collect::<Vec<_>>(),
                drafts.left_out.get(SAME_STATEMENT).copied(),
            )
        };
        assert_eq!(names(&Rules), (vec![json!("two"), json!("B")], Some(1)));
        assert_eq!(names(&Own).0.len(), 3);
    }

    #[test]
    fn several_targets_make_one_task() {
        let seed = seed(&[("m.py", SOURCE)]);
        let drafts = maker(2).drafts(&seed, &Cancel::new()).unwrap();
        assert_eq!(drafts.drafts.len(), 1);
        let draft = maker(2)
            .finish(&seed, drafts.drafts[0].clone(), &Cancel::new())
            .unwrap();
        let functions = draft.fields["functions"].as_array().unwrap();
        assert_eq!(functions.len(), 2);
        assert_eq!(functions[0]["module_name"], draft.fields["module_name"]);
        assert!(
            functions
                .iter()
                .all(|one| one["function_description"].is_string())
        );
        assert_eq!(
            TaskKind::of_instance(&Value::Object(draft.fields)),
            TaskKind::FuncLocalize
        );
    }
}
