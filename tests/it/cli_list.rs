//! `hgview list`.

use serde_json::Value;
use serde_json::json;

use crate::program::Program;
use crate::program::sample;

#[test]
fn a_table_that_fits() {
    let run = Program::new()
        .run(&["list", &sample("openhands-v0/output.jsonl")])
        .ends(0);
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!(lines.len(), 7);
    assert_eq!(
        lines[0].split_whitespace().collect::<Vec<_>>(),
        [
            "#", "ID", "TYPE", "FORMAT", "OUTCOME", "VERDICTS", "STEPS", "FAILED", "TIME",
            "TOKENS", "COST"
        ]
    );
    assert!(
        lines[6].starts_with("6  tidepool__harbor-kit."),
        "{}",
        lines[6]
    );
    assert!(lines[6].contains("func_gen") && lines[6].contains("resolved"));
    for line in lines {
        assert!(line.chars().count() <= 120, "{line}");
    }
    assert_eq!(run.err, "");
}

#[test]
fn colour_only_when_wanted() {
    let path = sample("openhands-v0/output.jsonl");
    let plain = Program::new().run(&["list", &path]).ends(0).out;
    let coloured = Program::new()
        .run(&["list", "--color", "always", &path])
        .ends(0)
        .out;
    assert!(!plain.contains('\u{1b}'));
    assert!(coloured.contains("\u{1b}[32mresolved"), "{coloured}");
}

#[test]
fn json_has_all_its_fields() {
    let run = Program::new()
        .run(&["list", "--json", &sample("openhands-v0/output.jsonl")])
        .ends(0);
    let rows = run.json_lines();
    assert_eq!(rows.len(), 6);
    let keys: Vec<&str> = rows[0]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(keys, FIELDS);
    // counted in the generator's story: the third attempt searches four times and misses one replacement
    assert_eq!(rows[2]["failed_actions"], 5);
    assert_eq!(rows[2]["outcome"]["resolved"], false);
    assert!(
        rows[2]["outcome"]["error"]
            .as_str()
            .unwrap()
            .starts_with("RuntimeError: Agent reached maximum iteration")
    );
    let types: Vec<&str> = rows
        .iter()
        .map(|row| row["task_type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        [
            "func_localize",
            "func_localize",
            "func_localize",
            "dep_search",
            "issue_localize",
            "func_gen"
        ]
    );
}

const FIELDS: [&str; 28] = [
    "id",
    "nth",
    "task",
    "task_type",
    "attempt",
    "format",
    "variant",
    "outcome",
    "steps",
    "actions",
    "failed_actions",
    "verdicts",
    "decision",
    "decisions",
    "replay",
    "flags",
    "tokens",
    "tokens_detail",
    "cost",
    "duration",
    "model",
    "patch_lines",
    "children",
    "path",
    "member",
    "row",
    "byte_range",
    "fault",
];

#[test]
fn chosen_fields_are_those_of_the_whole_row_in_their_order() {
    let samples = sample("");
    let whole = Program::new().run(&["list", "--json", &samples]).out;
    let whole: Vec<Value> = lines_of(&whole);
    assert!(whole.len() > 40, "{}", whole.len());
    let backwards: Vec<&str> = FIELDS.into_iter().rev().collect();
    let brief = "model,cost,tokens,steps,outcome,task,id";
    let all = backwards.join(",");
    let mut choices = vec![
        brief,
        all.as_str(),
        "patch_lines,tokens_detail,format,fault",
    ];
    choices.extend(FIELDS);
    for fields in choices {
        for cache in [&["--no-cache"][..], &[]] {
            let command = ["list", "--json", "--fields", fields, &samples];
            let run = Program::new().run(&[&command[..], cache].concat());
            let rows: Vec<Value> = lines_of(&run.out);
            assert_eq!(rows.len(), whole.len(), "{fields}");
            for (row, whole) in rows.iter().zip(&whole) {
                let names = row.as_object().unwrap().keys();
                let names: Vec<&str> = names.map(String::as_str).collect();
                assert_eq!(names.join(","), fields);
                for name in names {
                    assert_eq!(row[name], whole[name], "{name} of {whole}");
                }
            }
        }
    }
}

fn lines_of(out: &str) -> Vec<Value> {
    let lines = out.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn chosen_fields_are_the_columns_of_the_table() {
    let path = sample("openhands-v0/output.jsonl");
    let list = |fields: &str| {
        let run = Program::new().run(&["list", "--fields", fields, &path]);
        run.ends(0).out
    };
    let table = list("steps,decision,task_type,model,steps,failed_actions");
    let lines: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines.len(), 7);
    assert_eq!(lines[0], ["STEPS", "DECISION", "TYPE", "MODEL", "FAILED"]);
    assert_eq!(lines[3][1..3], ["-", "func_localize"]);
    assert_eq!(lines[3][4], "5");
    // every field has a column
    for field in FIELDS {
        let table = list(field);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 7, "{field}");
        assert!(lines.iter().all(|line| !line.trim().is_empty()), "{field}");
    }
}

#[test]
fn an_unknown_field_is_told_with_those_that_there_are() {
    let path = sample("openhands-v0/output.jsonl");
    let run = Program::new().run(&["list", "--json", "--fields", "id,colour", &path]);
    let run = run.ends(2);
    assert!(run.err.contains("colour"), "{}", run.err);
    for field in FIELDS {
        assert!(run.err.contains(field), "{field}: {}", run.err);
    }
}

#[test]
fn rows_are_sorted_and_taken_by_what_is_not_printed() {
    let samples = sample("");
    let ids = |command: &[&str]| -> Vec<Value> {
        let run = Program::new().run(&[&["list", "--json", &samples][..], command].concat());
        lines_of(&run.out)
            .into_iter()
            .map(|mut row| row["id"].take())
            .collect()
    };
    for more in [
        &["--sort", "failures", "--reverse"][..],
        &["--sort", "duration"],
        &["--sort", "strict"],
        &["--where", "failed_actions > 1"],
        &["--where", "strict = reject"],
    ] {
        let brief = ids(&[more, &["--fields", "id"]].concat());
        assert!(!brief.is_empty(), "{more:?}");
        assert_eq!(brief, ids(more), "{more:?}");
    }
}

#[test]
fn rows_are_sorted_cut_and_turned() {
    let path = sample("openhands-v0/output.jsonl");
    let ids = |args: &[&str]| -> Vec<i64> {
        let all = [&["list", "--json", &path], args].concat();
        let rows = Program::new().run(&all).ends(0).json_lines();
        rows.iter()
            .map(|row| row["nth"].as_i64().unwrap())
            .collect()
    };
    assert_eq!(ids(&["--limit", "2"]), [1, 2]);
    assert_eq!(ids(&["--reverse", "--limit", "2"]), [6, 5]);
    assert_eq!(ids(&["--sort", "steps"]), [2, 5, 3, 4, 1, 6]);
    assert_eq!(
        ids(&["--sort", "failures", "--reverse", "--limit", "1"]),
        [3]
    );
}

#[test]
fn bad_records_are_rows_and_exit_1() {
    let run = Program::new()
        .run(&["list", "--json", &sample("faults/mixed.jsonl")])
        .ends(1);
    let rows = run.json_lines();
    let bad: Vec<i64> = rows
        .iter()
        .filter(|row| !row["fault"].is_null())
        .map(|row| row["nth"].as_i64().unwrap())
        .collect();
    assert_eq!((rows.len(), bad), (6, vec![2, 3, 4, 5]));
    assert!(rows[1]["fault"]["byte"].is_u64(), "{}", rows[1]);
    let table = Program::new()
        .run(&["list", &sample("faults/mixed.jsonl")])
        .ends(1);
    assert_eq!(
        table.out.matches("cannot be read: ").count(),
        4,
        "{}",
        table.out
    );
}

#[test]
fn every_fault_is_survived() {
    let good = |name: &str| {
        let run = Program::new().run(&["list", "--json", &sample(&format!("faults/{name}"))]);
        let rows = run.json_lines();
        rows.iter().filter(|row| row["fault"].is_null()).count()
    };
    for (name, want) in [
        ("bad_utf8.jsonl", 2),
        ("nan.jsonl", 2),
        ("torn.jsonl", 1),
        ("crlf.jsonl", 2),
        ("no_newline.jsonl", 2),
        ("duplicate_ids.jsonl", 3),
        ("control_sequences.jsonl", 1),
        ("binary.jsonl", 0),
    ] {
        assert_eq!(good(name), want, "{name}");
    }
}

#[test]
fn nothing_reaches_the_terminal_raw() {
    for args in [&["list"][..], &["show"], &["show", "--format", "markdown"]] {
        let path = sample("faults/control_sequences.jsonl");
        let run = Program::unbounded()
            .run(&[args, &[path.as_str()]].concat())
            .ends(0);
        let hidden = run.out.chars().find(|letter| {
            (letter.is_control() && *letter != '\n' && *letter != '\t')
                || matches!(*letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        });
        assert_eq!(hidden, None, "{args:?}");
        assert!(
            run.out.contains("end of id") || args == ["list"],
            "nothing is hidden"
        );
    }
}

#[test]
fn standard_input_is_read() {
    let bytes = std::fs::read(sample("chat/tool_calls.jsonl")).unwrap();
    let run = Program::new()
        .feed(&["list", "--json", "-"], &bytes)
        .ends(0);
    assert_eq!(run.json_lines().len(), 2);
    let nameless = b"{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":\"y\"}]}\n";
    let run = Program::new()
        .feed(&["list", "--json", "-"], &nameless.repeat(2))
        .ends(0);
    let names: Vec<_> = run
        .json_lines()
        .iter()
        .map(|row| format!("{} {}", row["id"], row["path"]))
        .collect();
    assert_eq!(names, ["\"stdin\" \"-\"", "\"stdin#2\" \"-\""]);
    let bytes = std::fs::read(sample("openhands-v0/localize.jsonl.gz")).unwrap();
    let run = Program::new()
        .feed(&["list", "--json", "-"], &bytes)
        .ends(0);
    assert_eq!(run.json_lines().len(), 2);
}

#[test]
fn rows_with_equal_ids_are_told_apart() {
    let cells = |args: &[&str]| -> Vec<Vec<String>> {
        let run = Program::new().run(&[&["list"], args].concat()).ends(0);
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
        run.out.lines().map(words).collect()
    };
    let twice = sample("faults/duplicate_ids.jsonl");
    assert_eq!(
        cells(&[&twice])[0][2],
        "TYPE",
        "in one file, numbers are rows"
    );
    let rows = cells(&[&twice, &sample("chat/tool_calls.jsonl")]);
    assert_eq!(rows[0][..3], ["#", "ID", "FILE"]);
    assert_eq!(rows[1][..3], ["1", "twice", "duplicate_ids.jsonl"]);
    assert_eq!(rows[3][..3], ["3", "twice", "duplicate_ids.jsonl:3"]);
    let program = Program::new();
    let row = "{\"instance_id\":\"o__r-1\",\"model_patch\":\"x\"}\n";
    program.file("runs/a/preds.jsonl", row);
    program.file("runs/b/preds.jsonl", row);
    let run = program.run(&["list", "runs"]).ends(0);
    let lines: Vec<Vec<&str>> = run
        .out
        .lines()
        .map(|l| l.split_whitespace().collect())
        .collect();
    assert_eq!(&lines[1][..3], ["1", "o__r-1", "a/preds.jsonl"]);
    assert_eq!(&lines[2][..3], ["2", "o__r-1", "b/preds.jsonl"]);
    let steps = lines[0].iter().position(|head| *head == "STEPS").unwrap();
    assert_eq!(lines[1][steps], "-", "a prediction has no steps");
}

#[test]
fn side_files_give_the_outcome() {
    let path = sample("swe-agent/0.x");
    let outcome = |args: &[&str]| {
        let all = [&["list", "--json", path.as_str()], args].concat();
        Program::new().run(&all).ends(0).json_lines()[0]["outcome"]["resolved"].clone()
    };
    let report = sample("side/report.json");
    assert_eq!(outcome(&["--with", &report]), true);
}

#[test]
fn reports_named_by_their_folder_are_joined_and_misses_are_told() {
    let program = Program::new();
    let report = "{\"patch_exists\":true,\"resolved\":true,\"tests_status\":{}}";
    let row = "{\"instance_id\":\"o__r-1\",\"model_patch\":\"x\"}\n";
    program.file("run/preds.jsonl", row);
    program.file("logs/o__r-1/report.json", report);
    program.file("logs/o__r-2/report.json", report);
    let list = |with: &str| program.run(&["list", "--json", "run/preds.jsonl", "--with", with]);
    for with in ["logs/o__r-1/report.json", "logs"] {
        let run = list(with).ends(0);
        assert_eq!(run.json_lines()[0]["outcome"]["resolved"], true, "{with}");
        assert_eq!(run.err, "");
    }
    let run = list("logs/o__r-2").ends(0);
    assert!(run.json_lines()[0]["outcome"]["resolved"].is_null());
    let want = "hgview: --with logs/o__r-2 matches none of the records that were read\n";
    assert_eq!(run.err, want);
    let args = [
        "show",
        "run/preds.jsonl",
        "--with",
        "logs/o__r-2/report.json",
    ];
    assert!(
        program
            .run(&args)
            .ends(0)
            .err
            .contains("report.json matches none")
    );
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    use std::io::Read as _;
    use std::process::Command;
    use std::process::Stdio;
    let program = Program::new();
    let row = std::fs::read_to_string(sample("faults/no_newline.jsonl")).unwrap();
    let line = row.lines().next().unwrap();
    let many = program.file("many.jsonl", format!("{line}\n").repeat(2000));
    let mut child = Command::new(env!("CARGO_BIN_EXE_hgview"))
        .args(["list", "--json"])
        .arg(many)
        .env_clear()
        .env("HOME", program.home())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 64];
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut first).unwrap();
    drop(out);
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
}

/// What the explorer says of the settings, `list` and `show` say, too; it changes neither output nor exit code.
#[test]
fn wrong_settings_are_told() {
    let program = Program::new();
    program.file(".config/hgview/config.toml", "\nmouse = 3\n");
    let path = sample("chat/xml.jsonl");
    for command in ["list", "show"] {
        let good = Program::new().run(&[command, &path]).ends(0);
        let run = program.run(&[command, &path]).ends(0);
        assert_eq!(run.out, good.out);
        assert_eq!(good.err, "");
        let wanted = "hgview: HOME/.config/hgview/config.toml:2: `mouse` must be true or false; the default is used\n";
        assert_eq!(run.err, wanted, "{command}");
    }
}

#[test]
fn numbers_are_never_cut_and_pipes_get_all() {
    let folder = tempfile::tempdir().unwrap();
    let name = "tidepool__harbor-kit-".repeat(4);
    let rows: Vec<String> = (0..1002)
        .map(|n| {
            format!(r#"{{"instance_id":"{name}{n}","model_patch":"","model_name_or_path":"m"}}"#)
        })
        .collect();
    let path = folder.path().join("preds.jsonl");
    std::fs::write(&path, rows.join("\n")).unwrap();
    let path = path.display().to_string();
    let narrow = Program::new().run(&["list", &path]).ends(0).out;
    let last = narrow.lines().last().unwrap();
    assert!(last.starts_with("1002  tidepool"), "{last}");
    let piped = Program::unbounded().run(&["list", &path]).ends(0).out;
    let last = piped.lines().last().unwrap();
    assert!(last.contains(&format!("{name}1001 ")), "{last}");
}

/// Rows as `rollout` appends them.
fn attempts(all: &[(u64, &str)]) -> String {
    let row = |(attempt, ended): &(u64, &str)| {
        let row = json!({"instance_id": "a", "attempt": attempt, "ended_by": ended, "instruction": "do",
            "test_result": {"git_patch": ""}, "metadata": {"agent_class": "hgview-rollout 0.1.0"}, "metrics": {},
            "history": [{"id": 0, "source": "user", "action": "message", "args": {"content": "do"}}]});
        format!("{row}\n")
    };
    all.iter().map(row).collect()
}

#[test]
fn attempts_are_told_apart_and_say_what_ended_them() {
    let program = Program::new();
    program.file(
        "runs.jsonl",
        attempts(&[(1, "finish"), (2, "max_steps"), (3, "finish")]),
    );
    let shown = program.run(&["list", "runs.jsonl"]).ends(0).out;
    let head = shown.lines().next().unwrap();
    let end = head.find("ATTEMPT").unwrap() + "ATTEMPT".len();
    let numbers: Vec<&str> = shown
        .lines()
        .skip(1)
        .map(|l| l.get(end - 1..end).unwrap())
        .collect();
    assert_eq!(numbers, ["1", "2", "3"], "{shown}");
    let query = "attempt > 1 and exit_status = max_steps";
    let run = program
        .run(&["list", "--json", "runs.jsonl", "--where", query])
        .ends(0);
    let rows = run.json_lines();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["attempt"], &rows[0]["outcome"]["exit_status"]),
        (&json!(2), &json!("max_steps"))
    );
    let refused = program.run(&["list", "runs.jsonl", "--where", "ended_by = finish"]);
    assert!(refused.err.contains("exit_status"), "{}", refused.err);

    program.file("once.jsonl", attempts(&[(1, "finish")]));
    let once = program.run(&["list", "once.jsonl"]).ends(0).out;
    assert!(!once.contains("ATTEMPT"), "{once}");
}
