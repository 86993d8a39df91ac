//! `hgview show`.

use serde_json::Value;

use crate::program::Program;
use crate::program::sample;

#[test]
fn text_tells_the_whole_story() {
    let run = Program::new()
        .run(&["show", &sample("openhands-v0/output.jsonl"), "--nth", "6"])
        .ends(0);
    for want in [
        "tidepool__harbor-kit.func_gen.1\n",
        "outcome   resolved (eval_result.success)",
        "━━ 5 agent",
        "+    best = None\n",
        "◂ result · exit 1",
        "AssertionError: (0, 60)",
        "━━ end\n▸ final patch\n",
        "@@ -40,4 +40,13 @@",
    ] {
        assert!(run.out.contains(want), "{want:?} is not in\n{}", run.out);
    }
    assert_eq!(run.err, "");
    for once in ["slack_window is written and tried.", "print('ok')"] {
        assert_eq!(run.out.matches(once).count(), 1, "{once}\n{}", run.out);
    }
}

#[test]
fn files_stand_as_the_step_left_them() {
    let path = sample("swe-agent/0.x");
    let show = |args: &[&str]| {
        let mut all = vec!["show", &path, "--nth", "1"];
        all.extend(args);
        Program::new().run(&all)
    };
    let files = show(&["--files"]).ends(0).out;
    assert!(files.contains("harbor_kit/manifest.py"), "{files}");
    assert!(files.contains("created"), "{files}");
    let before = show(&["--file", "manifest.py", "--step", "3"]).ends(0).out;
    let after = show(&["--file", "manifest.py", "--step", "5"]).ends(0).out;
    let has_new = |text: &str| {
        let mut lines = text.lines();
        lines.any(|line| {
            line.trim_start_matches([' ', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
                .starts_with("+ ")
        })
    };
    assert!(!has_new(&before), "{before}");
    assert!(has_new(&after), "{after}");
    let gone = show(&["--file", "CHANGES.md", "--step", "3"]).ends(0).out;
    assert!(gone.contains("not there"), "{gone}");
    let none = show(&["--file", "nowhere.py"]).ends(2).err;
    assert!(
        none.contains("nowhere.py") && none.contains("--files"),
        "{none}"
    );
    let none = show(&["--files", "--repo", "/nowhere"]).ends(2).err;
    assert!(none.contains("/nowhere is not there"), "{none}");
}

#[test]
fn texts_leave_out_how_v0_ran_an_action() {
    let program = Program::new();
    let event = |id: u8, fields: &str| {
        format!(
            "{{\"id\":{id},\"timestamp\":\"2025-01-01T00:00:0{id}\",\"source\":\"agent\",{fields}}}"
        )
    };
    let read = event(
        1,
        "\"action\":\"run_ipython\",\"args\":{\"code\":\"print(1)\",\"thought\":\"see\",\"kernel_init_code\":\"x\",\"is_confirmed\":\"confirmed\"}",
    );
    let history = format!("[{read}]");
    let row = format!(
        "{{\"instance_id\":\"o__r-1\",\"instruction\":\"do\",\"metadata\":{{\"agent_class\":\"CodeActAgent\"}},\"history\":{history}}}\n"
    );
    program.file("output.jsonl", row);
    let text = program.run(&["show", "output.jsonl"]).ends(0).out;
    assert!(text.contains("print(1)"), "{text}");
    for hidden in ["kernel_init_code", "is_confirmed"] {
        assert!(!text.contains(hidden), "{text}");
        let json = program.run(&["show", "--json", "output.jsonl"]).ends(0).out;
        assert!(json.contains(hidden), "JSON is verbatim: {json}");
    }
}

#[test]
fn colours_of_programs_are_taken_out() {
    let run = Program::new()
        .run(&["show", &sample("chat/tool_calls.jsonl"), "--nth", "1"])
        .ends(0);
    assert!(run.out.contains(
        "\nFAILED tests/test_manifest.py::test_ballast_counts_once - assert 60.0 == 50.0\n"
    ));
    assert!(!run.out.contains('\u{241b}'));
}

#[test]
fn markdown_stays_markdown() {
    let run = Program::new()
        .run(&[
            "show",
            "--format",
            "markdown",
            &sample("atif/trajectory.json"),
        ])
        .ends(0);
    assert!(run.out.starts_with("# "));
    let fences = run
        .out
        .lines()
        .filter(|line| line.starts_with("```"))
        .count();
    assert!(fences > 4 && fences.is_multiple_of(2), "{}", run.out);
    assert!(run.out.contains("\n> "), "prose is quoted");
}

#[test]
fn json_is_the_record_verbatim() {
    let run = Program::new()
        .run(&["show", "--json", &sample("faults/control_sequences.jsonl")])
        .ends(0);
    let shown: Value = serde_json::from_str(&run.out).unwrap();
    let text = std::fs::read_to_string(sample("faults/control_sequences.jsonl")).unwrap();
    let row: Value = serde_json::from_str(&text).unwrap();
    let calls = row["messages"][2]["tool_calls"].as_array().unwrap();
    let step = shown["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["kind"] == "agent")
        .unwrap();
    for (call, action) in calls.iter().zip(step["actions"].as_array().unwrap()) {
        let args: Value =
            serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
        assert_eq!(action["args"], args);
        assert_eq!(action["tool"], call["function"]["name"]);
    }
    assert_eq!(step["thought"], row["messages"][2]["content"]);
}

#[test]
fn one_step_can_be_asked_for() {
    let path = sample("openhands-v0/output.jsonl");
    let args = ["show", &path, "--nth", "6", "--step", "7", "--json"];
    let step: Value = serde_json::from_str(&Program::new().run(&args).ends(0).out).unwrap();
    assert_eq!(
        (&step["idx"], &step["actions"][0]["tool"]),
        (&7.into(), &"execute_bash".into())
    );
    let run = Program::new()
        .run(&["show", &path, "--nth", "6", "--step", "99"])
        .ends(2);
    assert_eq!(
        run.err,
        "hgview: tidepool__harbor-kit.func_gen.1 has no step 99\nhint: its steps are 0 to 10\n"
    );
}

#[test]
fn one_of_many_must_be_named() {
    let path = sample("openhands-v0/output.jsonl");
    let run = Program::new().run(&["show", &path]).ends(2);
    assert!(
        run.err
            .contains("holds 6 trajectories; say which one with --nth N or --id ID")
    );
    assert!(
        run.err
            .contains("hint: --nth 6 is tidepool__harbor-kit.func_gen.1\n")
    );
    assert_eq!(run.out, "");
    let run = Program::new()
        .run(&["show", &path, "--id", "tidepool__harbor-kit.func_gen.1"])
        .ends(0);
    assert!(run.out.starts_with("tidepool__harbor-kit.func_gen.1\n"));
    let run = Program::new()
        .run(&["show", &path, "--id", "no-such"])
        .ends(2);
    assert!(run.err.contains("no record of") && run.err.contains("has the id no-such"));
    let run = Program::new().run(&["show", &path, "--nth", "7"]).ends(2);
    assert!(
        run.err.ends_with("has no record 7\nhint: it has 6\n"),
        "{}",
        run.err
    );
}

#[test]
fn an_id_that_is_there_twice_is_asked_back() {
    let path = sample("faults/duplicate_ids.jsonl");
    let run = Program::new()
        .run(&["show", &path, "--id", "twice"])
        .ends(2);
    assert!(
        run.err.ends_with("hint: --nth 1\nhint: --nth 3\n"),
        "{}",
        run.err
    );
    Program::new().run(&["show", &path, "--id", "once"]).ends(0);
}

#[test]
fn a_record_that_cannot_be_read_says_where() {
    let run = Program::new()
        .run(&["show", &sample("faults/mixed.jsonl"), "--nth", "2"])
        .ends(2);
    assert!(
        run.err.contains("record 2 of") && run.err.contains("cannot be read: "),
        "{}",
        run.err
    );
    assert!(run.err.contains("(byte "), "{}", run.err);
}

#[test]
fn sub_agents_come_with_their_session() {
    let run = Program::new()
        .run(&["show", &sample("claude-code")])
        .ends(0);
    assert!(run.out.contains("sub-agent"), "{}", run.out);
    assert!(run.out.contains("Find the tides"));
}

/// Records are counted from 1 for people, from 0 in `row`: the same record in every form.
#[test]
fn records_are_numbered_alike_everywhere() {
    let program = Program::unbounded();
    let line = "{\"instance_id\":\"o__r-1\",\"model_patch\":\"x\"}\n";
    program.file("one.jsonl", line);
    program.file("two.jsonl", line.repeat(2));
    let inputs = ["one.jsonl", "two.jsonl"];
    let table = program
        .run(&[&["list"], inputs.as_slice()].concat())
        .ends(0);
    let last = table.out.lines().last().unwrap();
    assert!(last.starts_with('3'), "{last}");
    assert!(last.ends_with("two.jsonl:2"), "{last}");
    let rows = program
        .run(&[&["list", "--json"], inputs.as_slice()].concat())
        .ends(0)
        .json_lines();
    assert_eq!((&rows[2]["nth"], &rows[2]["row"]), (&3.into(), &1.into()));
    let shown = ["show", "two.jsonl", "--nth", "2"];
    let text = program.run(&shown).ends(0).out;
    assert!(text.contains("source    two.jsonl:2\n"), "{text}");
    let json = program.run(&[&shown[..], &["--json"]].concat()).ends(0);
    assert_eq!(json.json_lines()[0]["source"]["row"], 1);
}
