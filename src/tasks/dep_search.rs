//! Makes `dep_search` tasks: a function, and the definitions of its repository that it calls directly.

use serde_json::json;

use crate::cancel::Cancel;
use crate::model::TaskKind;
use crate::model::Value;
use crate::python::DefinitionKind;
use crate::python::repo::Candidate;
use crate::python::repo::DefinitionId;
use crate::python::repo::Rules;
use crate::python::repo::dep_search;
use crate::tasks::Draft;
use crate::tasks::Drafts;
use crate::tasks::Fields;
use crate::tasks::Maker;
use crate::tasks::Seed;

/// Makes them by rules.
#[derive(Debug, Clone, Copy, Default)]
pub struct DepSearch {
    /// How many dependencies a target has.
    pub rules: Rules,
}

impl Maker for DepSearch {
    fn kind(&self) -> TaskKind {
        TaskKind::DepSearch
    }

    fn drafts(&self, seed: &Seed, cancel: &Cancel) -> Option<Drafts> {
        let found = dep_search(&seed.index, self.rules, cancel)?;
        let mut drafts = Drafts::default();
        if found.unsure_count > 0 {
            let count = found.unsure_count as u64;
            drafts
                .left_out
                .insert("a call may mean something else", count);
        }
        let candidates = found.candidates.iter();
        drafts.drafts = candidates.filter_map(|one| draft(seed, one)).collect();
        Some(drafts)
    }
}

fn draft(seed: &Seed, candidate: &Candidate) -> Option<Draft> {
    let target = seed.index.definition(candidate.target)?;
    let dependencies: Option<Vec<Value>> = candidate
        .dependencies
        .iter()
        .map(|id| dependency(seed, *id))
        .collect();
    let dependencies = dependencies?;
    let count = dependencies.len();
    let definition = target.definition;
    let fields: Fields = [
        ("target_function_name", json!(definition.name)),
        ("target_function_file", json!(target.path)),
        ("target_function_line_start", json!(definition.header.0)),
        ("target_function_line_end", json!(definition.last.0)),
        ("dependencies", Value::Array(dependencies)),
        ("num_dependencies", json!(count)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    Some(Draft {
        path: target.path.to_owned(),
        line: definition.header,
        stratum: format!("{count:02}"),
        fields,
    })
}

/// Its lines are those of its header and body; the line above which the comment belongs is that of its first decorator.
fn dependency(seed: &Seed, id: DefinitionId) -> Option<Value> {
    let found = seed.index.definition(id)?;
    let definition = found.definition;
    Some(json!({
        "name": definition.name,
        "file_path": found.path,
        "line_start": definition.header.0,
        "line_end": definition.last.0,
        "type": kind_name(definition.kind),
        "decorator_line": definition.first.0,
    }))
}

/// The word for a kind of definition in rows.
pub(super) fn kind_name(kind: DefinitionKind) -> &'static str {
    match kind {
        DefinitionKind::Function => "function",
        DefinitionKind::Class => "class",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::source::testing::seed;

    #[test]
    fn fields_as_they_are_published() {
        let seed = seed(&[(
            "m.py",
            "import functools\n\n@functools.cache\ndef a():\n    return 1\n\nclass B:\n    pass\n\ndef target():\n    a()\n    return B(), print(a())\n",
        )]);
        let drafts = DepSearch::default().drafts(&seed, &Cancel::new()).unwrap();
        let [draft] = drafts.drafts.as_slice() else {
            panic!("{drafts:?}")
        };
        assert_eq!(
            (draft.path.as_str(), draft.line.0, draft.stratum.as_str()),
            ("m.py", 9, "02")
        );
        let want = json!({
            "target_function_name": "target",
            "target_function_file": "m.py",
            "target_function_line_start": 9,
            "target_function_line_end": 11,
            "dependencies": [
                {"name": "a", "file_path": "m.py", "line_start": 3, "line_end": 4, "type": "function", "decorator_line": 2},
                {"name": "B", "file_path": "m.py", "line_start": 6, "line_end": 7, "type": "class", "decorator_line": 6},
            ],
            "num_dependencies": 2,
        });
        assert_eq!(Value::Object(draft.fields.clone()), want);
    }
}
