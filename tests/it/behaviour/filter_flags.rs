//! The two flags that come of the filter, counted as well: no hand has to label what follows from the data itself.
//!
//! `same_patch` is held against a comparison of all patches of the corpus, byte by byte; `prompt_leak` against prompts
//! made from the conformance tasks, of which it is known what they tell.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

use hgview::model::FlagKind;
use hgview::model::RecordIx;
use hgview::model::Task;
use hgview::model::Trajectory;
use hgview::verify::flags::prompt_leaks;
use serde_json::Value;

use super::Count;
use super::store;
use crate::program::Program;

/// Records of the corpus whose patch another record of the task has, and whether `verify` says so.
pub(super) fn same_patch(corpus: &Path) -> Count {
    let patches = patches(corpus);
    let args = ["verify", "--json", corpus.to_str().unwrap()];
    let rows = Program::unbounded().run(&args).ends(0).json_lines();
    let patch_of = |row: &Value| {
        let task = row["task"].as_str()?.to_owned();
        let patch = patches.get(row["record"]["sha256"].as_str()?)?;
        (!patch.trim().is_empty()).then(|| (task, patch.clone()))
    };
    let mut same: BTreeMap<(String, String), usize> = BTreeMap::new();
    for key in rows.iter().filter_map(patch_of) {
        *same.entry(key).or_default() += 1;
    }
    let mut count = Count::default();
    for row in &rows {
        let wanted = patch_of(row).is_some_and(|key| same[&key] > 1);
        let flags = row["flags"].as_array().unwrap();
        let name = FlagKind::SamePatch.name();
        count.add(wanted, flags.iter().any(|flag| flag["flag"] == name));
    }
    count
}

/// The final patches of the corpus by content hash of their records.
fn patches(corpus: &Path) -> HashMap<String, String> {
    let store = store(corpus);
    let mut patches = HashMap::new();
    for ix in (0..store.len()).map(RecordIx) {
        let Ok(head) = store.load_head(ix) else {
            continue;
        };
        if let Some(patch) = store.load(ix).unwrap().final_patch.as_deref() {
            patches.insert(head.hash().to_string(), patch.to_owned());
        }
    }
    patches
}

/// Prompts that tell the file, the module or the hidden name of a task, and others that tell nearly so.
pub(super) fn prompt_leak(conformance: &Path) -> Count {
    let text = fs::read_to_string(conformance.join("func_localize.jsonl")).unwrap();
    let instances: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["instance"].take())
        .collect();
    let path_of = |instance: &Value| instance["file_path"].as_str().unwrap().to_owned();
    let mut count = Count::default();
    for (instance, other) in instances.iter().zip(instances.iter().cycle().skip(1)) {
        let (path, other) = (path_of(instance), path_of(other));
        let name = instance["module_name"].as_str().unwrap();
        let mut add = |tells: bool, prompt: String| {
            let got = leaks(instance, &prompt);
            if got != tells {
                eprintln!("prompt_leak of {path} {name}: {got} for {prompt}");
            }
            count.add(tells, got);
        };
        add(true, format!("Describe what stands in /workspace/{path}."));
        add(
            true,
            format!("The name is not given. It calls `{name}` first."),
        );
        add(
            false,
            "Find the function that is described elsewhere.".to_owned(),
        );
        add(
            false,
            format!("The name is not given. See `{name}_of_another`."),
        );
        add(false, format!("See {path}i for types."));
        add(false, format!("Call {name} and see what fails."));
        if other != path {
            add(false, format!("It is imported by {other}."));
        }
        if let Some((module, _)) = path.split_once(".py").filter(|_| path.contains('/')) {
            let module = module.replace('/', ".");
            add(true, format!("It is imported from {module} by all."));
            add(false, format!("It is imported from {module}_old by all."));
        }
    }
    count
}

fn leaks(instance: &Value, prompt: &str) -> bool {
    let instance = serde_json::from_value(instance.clone()).unwrap();
    let trajectory = Trajectory {
        task: Some(Task::from_instance(instance)),
        instruction: Some(prompt.into()),
        ..Trajectory::default()
    };
    !prompt_leaks(&trajectory).is_empty()
}
