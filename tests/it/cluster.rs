//! The files of `examples/cluster/`, as far as they can be checked without a cluster: the manifest has the fields that an
//! Indexed Job needs, at their places, and nothing that is not known here. `k8s-openapi` would be more than all other
//! crates of the tests for one file.

use std::collections::BTreeMap;

/// The values of a manifest by their paths; `[]` stands for an item of a list. Reads the YAML that the manifest is written
/// in: maps and lists by two spaces, plain and quoted scalars, `|` texts, `{}`.
fn values(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut block: Option<usize> = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let mut rest = line.trim();
        if let Some(deep) = block {
            if indent >= deep || rest.is_empty() {
                let name = join(&path);
                let told = found.get_mut(&name).unwrap().last_mut().unwrap();
                told.push_str(rest);
                told.push('\n');
                continue;
            }
            block = None;
        }
        if rest.is_empty() || rest.starts_with('#') {
            continue;
        }
        assert!(
            indent % 2 == 0 && !line.contains('\t'),
            "indentation: {line}"
        );
        let outer = indent;
        let mut indent = indent;
        path.retain(|(at, _)| *at < indent);
        while let Some(item) = rest.strip_prefix("- ") {
            path.push((indent, "[]".to_owned()));
            indent += 2;
            rest = item;
        }
        let (key, value) = match rest.split_once(": ") {
            Some((key, value)) => (Some(key), value),
            None => match rest.strip_suffix(':') {
                Some(key) => (Some(key), ""),
                None => (None, rest),
            },
        };
        if let Some(key) = key {
            path.push((indent, key.to_owned()));
        }
        if value.is_empty() {
            continue;
        }
        let told = if value == "|" {
            block = Some(outer + 1);
            String::new()
        } else {
            value.trim_matches('"').to_owned()
        };
        found.entry(join(&path)).or_default().push(told);
        if block.is_none() && key.is_some() {
            path.pop();
        }
    }
    found
}

fn join(path: &[(usize, String)]) -> String {
    let names: Vec<&str> = path.iter().map(|(_, name)| name.as_str()).collect();
    names.join(".")
}

const POD: &str = "spec.template.spec";

#[test]
fn the_manifest_is_an_indexed_job() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/cluster");
    let text = std::fs::read_to_string(format!("{folder}/kubernetes.yaml")).unwrap();
    let values = values(&text);
    let one = |name: &str| match values.get(name).map(Vec::as_slice) {
        Some([one]) => one.clone(),
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(one("apiVersion"), "batch/v1");
    assert_eq!(one("kind"), "Job");
    assert_eq!(one("spec.completionMode"), "Indexed");
    let count: u64 = one("spec.completions").parse().unwrap();
    assert!(one("spec.parallelism").parse::<u64>().unwrap() <= count);
    assert!(one("spec.backoffLimitPerIndex").parse::<u64>().is_ok());
    assert_eq!(
        one(&format!("{POD}.restartPolicy")),
        "Never",
        "a per-index limit asks for it"
    );
    assert_eq!(
        one(&format!("{POD}.hostUsers")),
        "false",
        "an unmasked /proc asks for it"
    );
    let container = format!("{POD}.containers.[]");
    assert_eq!(
        one(&format!("{container}.securityContext.procMount")),
        "Unmasked"
    );
    assert_eq!(
        one(&format!("{container}.securityContext.seccompProfile.type")),
        "Unconfined"
    );
    let command = &values[&format!("{container}.command.[]")];
    assert_eq!(command[..2], ["/bin/sh", "-c"]);
    assert!(
        command[2].contains(&format!("--shard \"$JOB_COMPLETION_INDEX/{count}\"")),
        "{command:?}"
    );
    let mounted = &values[&format!("{container}.volumeMounts.[].name")];
    assert_eq!(
        &values[&format!("{POD}.volumes.[].name")],
        mounted,
        "each mount has its volume"
    );
    let known = [
        "apiVersion",
        "kind",
        "metadata.name",
        "spec.completionMode",
        "spec.completions",
        "spec.parallelism",
        "spec.backoffLimitPerIndex",
    ];
    let of_pod = [
        "restartPolicy",
        "hostUsers",
        "containers.[].",
        "volumes.[].",
    ];
    for name in values.keys() {
        let is_of_pod = of_pod
            .iter()
            .any(|part| name.starts_with(&format!("{POD}.{part}")));
        assert!(
            is_of_pod || known.contains(&name.as_str()),
            "{name} is not known"
        );
    }
}
