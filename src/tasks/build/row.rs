//! A task's row: its fields, its provenance, what it is known by.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use rayon::iter::IntoParallelIterator as _;
use rayon::iter::ParallelIterator as _;
use serde_json::json;

use crate::model::ContentHash;
use crate::model::TaskKind;
use crate::model::Value;
use crate::tasks::Draft;
use crate::tasks::Fields;
use crate::tasks::LeftOut;
use crate::tasks::Seed;
use crate::tasks::build::Run;
use crate::tasks::build::part::Row;
use crate::tasks::check::said_of_targets;
use crate::tasks::depth;

/// Digits of a commit in ids.
const ID_DIGITS: usize = 8;

/// What ids begin with: `owner__name__0123abcd`.
pub(super) fn id_stem(repo: &str, commit: &str) -> String {
    let digits: String = commit.chars().take(ID_DIGITS).collect();
    format!("{}__{digits}", repo.replace('/', "__"))
}

/// Names of the drafts' targets: of the text of the definition that stands there, else of all that the draft says.
pub(super) fn keys(seed: &Seed, drafts: &[Draft]) -> Vec<String> {
    let mut by_path: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, draft) in drafts.iter().enumerate() {
        by_path.entry(&draft.path).or_default().push(place);
    }
    let of_file = |(path, places): (&str, Vec<usize>)| -> Vec<(usize, String)> {
        let source = seed.source(path).unwrap_or_default();
        let lines: Vec<&str> = source.lines().map(str::trim_end).collect();
        let by_line: HashMap<usize, (usize, usize)> = seed
            .index
            .definitions_of(path)
            .map(|found| {
                (
                    found.definition.header.0,
                    (found.definition.first.0, found.definition.last.0),
                )
            })
            .collect();
        let key = |draft: &Draft| {
            let text = by_line
                .get(&draft.line.0)
                .and_then(|(first, last)| lines.get(*first..=*last));
            match text {
                Some(text) => blake3::hash(text.join("\n").as_bytes()),
                None => blake3::hash(format!("{path} {}", json!(draft.fields)).as_bytes()),
            }
        };
        let keys = places.into_iter().filter_map(|place| {
            let key = key(drafts.get(place)?);
            Some((place, key.to_hex().chars().take(32).collect()))
        });
        keys.collect()
    };
    let found: Vec<Vec<(usize, String)>> = by_path.into_par_iter().map(of_file).collect();
    let mut keys = vec![String::new(); drafts.len()];
    for (place, key) in found.into_iter().flatten() {
        if let Some(slot) = keys.get_mut(place) {
            *slot = key;
        }
    }
    keys
}

/// Makes a row of a draft, and looks at it. `None` when it was cancelled.
pub(super) fn finish(
    seed: &Seed,
    ix: usize,
    (draft, key): (Draft, &str),
    run: &Run<'_>,
) -> Option<Result<Row, LeftOut>> {
    let maker = run.makers.get(ix)?;
    if run.cancel.is_cancelled() {
        return None;
    }
    let stratum = draft.stratum.clone();
    let made = maker.finish(seed, draft, run.cancel).and_then(|draft| {
        let (path, line) = (draft.path.clone(), draft.line.0);
        let (id, mut fields) = fields(seed, draft);
        let commit = fields.get("base_commit").and_then(Value::as_str);
        let commit = commit.unwrap_or(&seed.commit).to_owned();
        let row = json!(fields);
        let text = row.to_string();
        let statements = statements(maker.kind(), &row);
        if let Some(check) = run.check {
            let shown = id.clone();
            let shown = shown.unwrap_or_else(|| format!("{}__0", id_stem(&seed.repo, &commit)));
            fields.insert("instance_id".to_owned(), json!(shown));
            check(seed, &Value::Object(fields), run.cancel)?;
        }
        Ok(Row {
            maker: ix,
            path,
            line,
            stratum,
            key: key.to_owned(),
            statements,
            id,
            commit,
            text,
        })
    });
    // what was cut short may say anything
    if run.cancel.is_cancelled() {
        return None;
    }
    if made.is_ok() {
        run.tasks.fetch_add(1, Ordering::Relaxed);
        run.say(run.done.load(Ordering::Relaxed));
    }
    Some(made)
}

/// Names of what is said of each target.
fn statements(kind: TaskKind, row: &Value) -> Vec<String> {
    if kind != TaskKind::FuncLocalize {
        return Vec::new();
    }
    let said = said_of_targets(row).map(|(_, words)| words.to_string());
    let mut all: Vec<String> = said.collect();
    all.sort();
    all.dedup();
    all
}

/// The fields of a row but its id, which a draft may bring.
fn fields(seed: &Seed, draft: Draft) -> (Option<String>, Fields) {
    let mut fields = Fields::new();
    fields.insert("repo".to_owned(), json!(seed.repo));
    fields.insert("base_commit".to_owned(), json!(seed.commit));
    fields.extend(draft.fields);
    let id = fields.shift_remove("instance_id");
    let id = id.and_then(|id| id.as_str().map(str::to_owned));
    // what begins at another commit begins with another file
    let is_seeds = fields.get("base_commit").and_then(Value::as_str) == Some(&seed.commit);
    let bytes = is_seeds
        .then(|| seed.files().read(&draft.path).ok())
        .flatten();
    let hash = bytes.map(|bytes| ContentHash::of(&bytes).to_string());
    let licence = seed.licence.as_ref();
    let mut defined = seed.index.definitions_of(&draft.path);
    let target = defined.find(|found| is_seeds && found.definition.header == draft.line);
    let provenance = json!({
        "tool": format!("hgview {}", env!("CARGO_PKG_VERSION")),
        "commit": seed.commit,
        "file": draft.path,
        "sha256": hash,
        "licence_file": licence.map(|licence| &licence.path),
        "licence": licence.and_then(|licence| licence.spdx.as_ref()),
        "search_space": {
            "definitions": seed.index.definition_count(),
            "files": seed.index.file_count(),
        },
        "depth": target.map(|target| depth(&seed.index, target.id)),
    });
    fields.insert("provenance".to_owned(), provenance);
    (id, fields)
}
