//! The account of an export: everything that it went by with its hash (inputs, joined files, journals of decisions, files
//! of the options), counts, and a line for every dropped record. No clock in it, and no path but those that were given: of
//! journals and of files that were found the last two parts.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use sha2::Digest as _;
use sha2::Sha256;

use crate::export::Early;
use crate::export::Judge;
use crate::export::Jury;
use crate::export::Options;
use crate::export::Report;
use crate::export::hashes;
use crate::export::hashes::Hashed;
use crate::export::hashes::IsOver;
use crate::export::hashes::hex;
use crate::export::write;
use crate::model::RecordIx;
use crate::read::side::SideFile;
use crate::store::Store;

/// Version of the manifest's fields.
const VERSION: u32 = 1;

/// A file that records came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Input {
    path: String,
    /// SHA-256; of the file's bytes, or of its records' for folders and standard input.
    sha256: Option<String>,
    /// What was hashed.
    hashed: &'static str,
    bytes: u64,
    records: usize,
    /// What an earlier run had hashed.
    #[serde(skip)]
    recorded: Option<(PathBuf, Hashed)>,
}

/// A file that the export went by beside its records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Beside {
    path: String,
    /// SHA-256 of its bytes; null when it cannot be read any more.
    sha256: Option<String>,
    bytes: u64,
}

/// What the export went by beside its records.
#[derive(Debug, Default)]
pub(super) struct Used {
    /// Side files: task instances, reports.
    joined: Vec<Beside>,
    /// Journals of decisions.
    journals: Vec<Beside>,
    /// What the filter read.
    filter: Vec<Beside>,
}

/// Hashes the inputs of all records, in the order in which they come up; `None` when it is over before that is done. What
/// was begun `early` is not hashed again unless it has changed.
pub(super) fn inputs(
    store: &Store,
    early: Option<&Early>,
    is_over: IsOver<'_>,
) -> Option<Vec<Input>> {
    let mut order: Vec<PathBuf> = Vec::new();
    let mut records: HashMap<Arc<Path>, Vec<RecordIx>> = HashMap::new();
    for ix in store.records() {
        let Some(entry) = store.entry(ix) else {
            continue;
        };
        if !records.contains_key(&entry.path) {
            order.push(entry.path.to_path_buf());
        }
        records.entry(entry.path).or_default().push(ix);
    }
    let mut hashes = early.map(|early| early.wait(is_over)).unwrap_or_default();
    hashes.retain(|path, hashed| hashed.is_of(path));
    let mut recorded = HashMap::new();
    let mut lacking: Vec<PathBuf> = Vec::new();
    for path in order.iter().filter(|path| !hashes.contains_key(*path)) {
        match Hashed::recorded(store, path) {
            Some(known) => drop(recorded.insert(path.clone(), known)),
            None => lacking.push(path.clone()),
        }
    }
    hashes.extend(recorded);
    hashes.extend(hashes::of_files(&lacking, is_over));
    let new = hashes.iter().filter(|(_, hashed)| !hashed.is_recorded);
    store.keep_file_hashes(
        &new.map(|(path, hashed)| (path.as_path(), hashed.file.clone()))
            .collect(),
    );
    let inputs = order.into_iter().map(|path| {
        let records = records.get(path.as_path()).map(Vec::as_slice);
        let whole = hashes.remove(&path);
        input(store, &path, whole, records.unwrap_or_default(), is_over)
    });
    inputs.collect()
}

fn input(
    store: &Store,
    path: &Path,
    whole: Option<Hashed>,
    records: &[RecordIx],
    is_over: IsOver<'_>,
) -> Option<Input> {
    let recorded = whole.clone().filter(|whole| whole.is_recorded);
    let recorded = recorded.map(|whole| (path.to_path_buf(), whole));
    let (sha256, bytes, hashed) = if let Some(whole) = whole {
        (whole.sha256(), whole.bytes, "file")
    } else {
        let mut hasher = Sha256::new();
        let mut bytes = 0;
        for ix in records {
            if is_over() {
                return None;
            }
            if let Ok((hash, record)) = store.content(*ix)
                && let Ok(record) = record.map_or_else(|| store.load_bytes(*ix), Ok)
            {
                bytes += record.len() as u64;
                hasher.update(hash.to_string());
            }
        }
        (hex(&hasher.finalize()), bytes, "records")
    };
    (!is_over()).then(|| Input {
        path: path.display().to_string(),
        sha256: Some(sha256),
        hashed,
        bytes,
        records: records.len(),
        recorded,
    })
}

/// Hashes those inputs that an earlier run had hashed and that have changed while they were read; `false` when it is over
/// before that is done.
pub(super) fn check(inputs: &mut [Input], is_over: IsOver<'_>) -> bool {
    for input in inputs {
        if let Some((path, hashed)) = &input.recorded
            && !hashed.is_of(path)
        {
            let hashed = hashes::of_file(path, is_over);
            input.bytes = hashed.as_ref().map_or(0, |hashed| hashed.bytes);
            input.sha256 = hashed.map(|hashed| hashed.sha256());
        }
    }
    !is_over()
}

/// Hashes what was read beside the records, as far as it is known by now; `None` when it is over before that is done.
pub(super) fn used(sides: &[SideFile], jury: &Jury<'_>, is_over: IsOver<'_>) -> Option<Used> {
    let used = Used {
        joined: sides
            .iter()
            .map(|side| {
                let name = if side.is_explicit {
                    side.path.display().to_string()
                } else {
                    short(&side.path)
                };
                beside(&side.path, name, is_over)
            })
            .collect(),
        journals: jury
            .journals
            .iter()
            .map(|path| beside(path, short(path), is_over))
            .collect(),
        filter: filter_files(jury)
            .iter()
            .map(|path| beside(path, path.display().to_string(), is_over))
            .collect(),
    };
    (!is_over()).then_some(used)
}

/// The files that the filter goes by.
pub(super) fn filter_files(jury: &Jury<'_>) -> Vec<PathBuf> {
    jury.filter.map(Judge::files).unwrap_or_default()
}

fn beside(path: &Path, name: String, is_over: IsOver<'_>) -> Beside {
    let found = hashes::of_file(path, is_over);
    let bytes = found.as_ref().map_or(0, |found| found.bytes);
    Beside {
        path: name,
        sha256: found.map(|found| found.sha256()),
        bytes,
    }
}

/// A file's name and that of its folder: what lies around them is the machine's.
fn short(path: &Path) -> String {
    let folder = path.parent().and_then(Path::file_name);
    let name = path.file_name().unwrap_or_default();
    let short = folder.map_or_else(PathBuf::new, PathBuf::from).join(name);
    short.display().to_string()
}

fn file_hash(path: Option<&Path>) -> Value {
    let Some(path) = path else {
        return Value::Null;
    };
    let found = hashes::of_file(path, &|| false);
    json!({"path": path.display().to_string(), "sha256": found.map(|found| found.sha256())})
}

/// The manifest's text: JSON laid out, but a line for each input and each dropped record.
pub(super) fn text(
    options: &Options,
    jury: &Jury<'_>,
    (inputs, used): (&[Input], &Used),
    report: &Report,
) -> Result<String, serde_json::Error> {
    let curation = &options.curation;
    let splits: Vec<Value> = curation
        .splits
        .iter()
        .map(|part| json!({"name": part.name, "share": part.share}))
        .collect();
    let outputs: Vec<Value> = report
        .outputs
        .iter()
        .map(|file| {
            let name = write::name_of(options, &file.path);
            json!({
                "file": name,
                "split": file.split,
                "records": file.records,
                "rows": file.rows,
                "bytes": file.bytes,
                "tokens": file.tokens,
            })
        })
        .collect();
    let mut head = json!({
        "manifest": VERSION,
        "tool": {"name": "hgview", "version": env!("CARGO_PKG_VERSION")},
        "format": options.format.name,
        "policy": jury.policy.name(),
        "filter": jury.filter.map(Judge::name),
        "where": jury.selected.as_ref().map(|selected| selected.selector.text()),
        "options": {
            "per_task": curation.per_task,
            "prefer": curation.prefer.name(),
            "dedupe": curation.dedupe,
            "max_tokens": curation.max_tokens,
            "tokenizer": file_hash(curation.tokenizer.as_deref()),
            "exclude_repos": file_hash(curation.exclude_repos.as_deref()),
            "splits": splits,
            "split_by": curation.split_by.name(),
            "sample": curation.sample,
            "seed": curation.seed,
            "with_ids": options.with_ids,
            "ignore_masks": options.ignore_masks,
            "tool_prompt": file_hash(options.tool_prompt.as_deref()),
            "chat_template": file_hash(options.chat_template.as_deref()),
        },
        "counts": {"in": report.read, "kept": report.kept, "dropped": report.dropped},
        "reasons": report.reasons,
        "tokens": {"count": report.tokens, "is_estimate": report.tokens_are_estimated},
        "losses": report.losses,
        "outputs": outputs,
        "notes": report.notes,
    });
    if let (Some(parted), Some(told)) = (&options.parted, head.get_mut("options")) {
        let keys: Vec<String> = parted.by.iter().map(|key| key.word()).collect();
        told["partition"] = json!(keys);
        told["part_bytes"] = json!(parted.part_bytes);
    }
    let head = serde_json::to_string_pretty(&head)?;
    let mut text = head.strip_suffix("\n}").unwrap_or(&head).to_owned();
    push_lines(&mut text, "inputs", inputs)?;
    push_lines(&mut text, "joined", &used.joined)?;
    push_lines(&mut text, "journals", &used.journals)?;
    push_lines(&mut text, "filter_files", &used.filter)?;
    push_lines(&mut text, "stale_decisions", &report.stale_decisions)?;
    push_lines(&mut text, "dropped", &report.dropped_records)?;
    text.push_str("\n}\n");
    Ok(text)
}

fn push_lines(
    text: &mut String,
    key: &str,
    items: &[impl Serialize],
) -> Result<(), serde_json::Error> {
    let _written = write!(text, ",\n  \"{key}\": [");
    for (ix, item) in items.iter().enumerate() {
        text.push_str(if ix > 0 { ",\n    " } else { "\n    " });
        text.push_str(&serde_json::to_string(item)?);
    }
    text.push_str(if items.is_empty() { "]" } else { "\n  ]" });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_tell_whose_machine_it_was() {
        let name = short(Path::new(
            "/home/ada/runs/a.jsonl.hgview/decisions.ada.jsonl",
        ));
        assert_eq!(name, "a.jsonl.hgview/decisions.ada.jsonl");
        assert_eq!(short(Path::new("x.json")), "x.json");
    }
}
