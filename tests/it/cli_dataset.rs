//! `hgview export --partition`: Parquet files in folders that engines read as columns.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use parquet::file::reader::FileReader as _;
use parquet::file::reader::SerializedFileReader;
use serde_json::Value;
use serde_json::json;

use crate::program::Program;

const MODELS: [Option<&str>; 5] = [
    Some("openai/gpt:x"),
    None,
    Some("../../m 漢"),
    Some("4"),
    Some("__HIVE_DEFAULT_PARTITION__"),
];

/// Trajectories of hostile models, each of some steps.
pub(crate) fn runs(program: &Program, count: usize) {
    let row = |nth: usize| {
        let words = "x".repeat(200 + nth);
        let mut row = json!({"id": format!("r{nth}"), "resolved": nth.is_multiple_of(3), "messages": [
            {"role": "user", "content": format!("Fix {nth}.")},
            {"role": "assistant", "content": words},
        ]});
        if let Some(model) = MODELS[nth % MODELS.len()] {
            row["model"] = json!(model);
        }
        row.to_string()
    };
    let lines: Vec<String> = (0..count).map(row).collect();
    program.file("runs.jsonl", lines.join("\n") + "\n");
}

/// The files below a folder by their names in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
                found.insert(name.to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Its rows and the names of its columns.
fn table(path: &Path) -> (usize, Vec<String>) {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let file = reader.metadata().file_metadata();
    let fields = file.schema().get_fields().iter();
    let names = fields.map(|field| field.name().to_owned()).collect();
    (usize::try_from(file.num_rows()).unwrap(), names)
}

fn export<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["export", "runs.jsonl", "-o", out];
    args.extend(more);
    args
}

const BY_MODEL: [&str; 4] = ["--format", "trajectories", "--partition", "model,outcome"];

#[test]
fn folders_are_called_as_hive_calls_them() {
    let program = Program::new();
    runs(&program, 12);
    program.run(&export("set", &BY_MODEL)).ends(0);
    let found = files(&program.home().join("set"));
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "model=%5F_HIVE_DEFAULT_PARTITION__/outcome=unjudged/part-00000.parquet",
            "model=..%2F..%2Fm 漢/outcome=unjudged/part-00000.parquet",
            "model=4/outcome=unjudged/part-00000.parquet",
            "model=__HIVE_DEFAULT_PARTITION__/outcome=unjudged/part-00000.parquet",
            "model=openai%2Fgpt%3Ax/outcome=unjudged/part-00000.parquet",
        ]
    );
    let mut rows = 0;
    for name in names {
        let (more, columns) = table(&program.home().join("set").join(name));
        rows += more;
        assert!(columns.iter().any(|name| name == "final_patch"));
        // the names of the folders tell it
        assert!(
            !columns
                .iter()
                .any(|name| name == "model" || name == "outcome")
        );
    }
    assert_eq!(rows, 12);
    let manifest = program.home().join("set.manifest.json");
    let manifest: Value = serde_json::from_slice(&std::fs::read(manifest).unwrap()).unwrap();
    assert_eq!(
        manifest["options"]["partition"],
        json!(["model", "outcome"])
    );
    let told = manifest["outputs"].as_array().unwrap();
    let told: Vec<(String, usize)> = told
        .iter()
        .map(|file| {
            let bytes = usize::try_from(file["bytes"].as_u64().unwrap()).unwrap();
            (file["file"].as_str().unwrap().to_owned(), bytes)
        })
        .collect();
    let real = found
        .iter()
        .map(|(name, bytes)| (format!("set/{name}"), bytes.len()));
    assert_eq!(told, real.collect::<Vec<_>>());
}

#[test]
fn the_same_records_give_the_same_files() {
    let program = Program::new();
    runs(&program, 500);
    let cases: &[&[&str]] = &[
        &BY_MODEL,
        &[
            "--format",
            "steps",
            "--partition",
            "shard=7",
            "--part-size",
            "2K",
        ],
        &["--format", "verl", "--part-size", "2K"],
    ];
    for more in cases {
        program.run(&export("one", more)).ends(0);
        let threads = program.run_with(&export("two", more), "RAYON_NUM_THREADS", "1");
        threads.ends(0);
        let one = files(&program.home().join("one"));
        assert_eq!(one, files(&program.home().join("two")), "{more:?}");
        let rows: usize = one
            .keys()
            .map(|name| table(&program.home().join("one").join(name)).0)
            .sum();
        assert!(rows >= 500, "{more:?}: {rows}");
        let has_second = one.keys().any(|name| name.contains("part-00001"));
        assert_eq!(
            has_second,
            more.contains(&"--part-size"),
            "{:?}",
            one.keys()
        );
        let stop = program.run(&export("one", more)).ends(2);
        assert!(stop.err.contains("exists already"), "{}", stop.err);
        let mut again = export("one", more);
        again.push("--force");
        program.run(&again).ends(0);
        assert_eq!(one, files(&program.home().join("one")));
        for name in ["one", "two"] {
            std::fs::remove_dir_all(program.home().join(name)).unwrap();
            std::fs::remove_file(program.home().join(format!("{name}.manifest.json"))).unwrap();
        }
    }
    let left = std::fs::read_dir(program.home()).unwrap();
    let left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(
        !left
            .into_iter()
            .any(|name| name.starts_with(".hgview-export-"))
    );
}

#[test]
fn nothing_else_is_written_over() {
    let program = Program::new();
    runs(&program, 5);
    program.file("set/notes.txt", "mine");
    let refused = |args: &[&str], words: &str| {
        let run = program.run(args).ends(2);
        assert!(run.err.contains(words), "{args:?}: {}", run.err);
    };
    let mut forced = export("set", &BY_MODEL);
    forced.push("--force");
    refused(&forced, "holds what is no part of a data set");
    assert_eq!(
        std::fs::read(program.home().join("set/notes.txt")).unwrap(),
        b"mine"
    );
    program.file("file", "");
    refused(&export("file", &BY_MODEL), "is no folder");
    refused(&export("no/set", &BY_MODEL), "there is no folder no");
    refused(&export("-", &BY_MODEL), "needs a folder");
    refused(
        &export("x", &["--format", "chat", "--partition", "model"]),
        "makes no data sets",
    );
    refused(
        &export("x", &["--format", "steps", "--partition", "moon"]),
        "is no key",
    );
    refused(
        &export("x", &["--format", "steps", "--partition", "split"]),
        "go together",
    );
    refused(
        &export("x", &["--format", "steps", "--part-size", "0"]),
        "is no size",
    );
    std::fs::create_dir(program.home().join("data")).unwrap();
    std::fs::rename(
        program.home().join("runs.jsonl"),
        program.home().join("data/part-1.parquet"),
    )
    .unwrap();
    let within = [
        "export",
        "data",
        "-o",
        "data",
        "--format",
        "steps",
        "--part-size",
        "1M",
        "--force",
    ];
    refused(&within, "records are never altered");
    assert!(!program.home().join("x").exists());
}

#[test]
fn a_split_and_nothing_at_all_are_data_sets_too() {
    let program = Program::new();
    runs(&program, 40);
    let split = [
        "--format",
        "trajectories",
        "--split",
        "train=.5,val=.5",
        "--split-by",
        "id",
        "--partition",
        "split",
    ];
    program.run(&export("set", &split)).ends(0);
    let found = files(&program.home().join("set"));
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "split=train/part-00000.parquet",
            "split=val/part-00000.parquet"
        ]
    );
    let mut nothing = export("none", &BY_MODEL);
    nothing.extend(["--where", "steps > 99"]);
    program.run(&nothing).ends(0);
    let found = files(&program.home().join("none"));
    assert_eq!(found.keys().collect::<Vec<_>>(), ["part-00000.parquet"]);
    let dry = program
        .run(&[&export("dry", &BY_MODEL)[..], &["--dry-run"]].concat())
        .ends(0);
    assert!(dry.err.contains("dry: 40 records"), "{}", dry.err);
    assert!(!program.home().join("dry").exists());
}

#[test]
fn many_partitions_have_one_file_each() {
    let program = Program::new();
    runs(&program, 1000);
    let args = ["--format", "steps", "--partition", "shard=300"];
    program.run(&export("set", &args)).ends(0);
    let found = files(&program.home().join("set"));
    assert!(found.len() > 250, "{}", found.len());
    assert!(
        found
            .keys()
            .all(|name| name.ends_with("/part-00000.parquet"))
    );
}
