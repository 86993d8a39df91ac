//! `hgview rollout` from tasks to a curated set, against a scripted endpoint that plays known policies. Where no sandbox
//! can be started, the tests say so and end.

mod river;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc;

use hgview::endpoint::testing::Reply;
use hgview::endpoint::testing::Stub;
use serde_json::Value;
use serde_json::json;

use crate::program::Program;
use crate::program::Run;
use crate::program::limited;
use crate::program::sdist;
use crate::rollout::river::POLICIES;
use crate::rollout::river::River;

/// A home with the repository and the tasks.
struct Place {
    program: Program,
    river: River,
}

impl Place {
    /// `None` where this machine has no sandboxes.
    fn new() -> Option<Self> {
        let program = Program::new();
        let river = River::make(program.home());
        let lines: Vec<String> = river
            .tasks
            .iter()
            .map(|task| task.instance.to_string())
            .collect();
        program.file("tasks.jsonl", lines.join("\n") + "\n");
        let place = Self { program, river };
        let probe = place.rollout(
            "http://127.0.0.1:9/v1",
            &["-o", "probe.jsonl", "--where", "false"],
        );
        if probe.err.contains("no sandbox can be had here") {
            eprintln!("skipped: {}", probe.err);
            return None;
        }
        Some(place)
    }

    fn args<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let all = [
            "rollout",
            "tasks.jsonl",
            "--repos",
            "repos",
            "--endpoint",
            url,
            "--model",
            "scripted",
        ];
        [&all, more].concat()
    }

    fn rollout(&self, url: &str, more: &[&str]) -> Run {
        self.program.run(&Self::args(url, more))
    }

    /// The rows of what is exported of the output.
    fn export(&self, to: &str, format: &str, more: &[&str]) -> Vec<Value> {
        let args = ["export", "output.jsonl", "-o", to, "--format", format];
        self.program.run(&[&args, more].concat()).ends(0);
        self.rows(to)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.program.home().join(name)
    }

    /// The rows of an output.
    fn rows(&self, name: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path(name)).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// Which policy an attempt played, by its first words.
fn policy_of(row: &Value) -> &str {
    let messages = row["raw_completions"]["messages"].as_array().unwrap();
    messages[2]["content"].as_str().unwrap()
}

/// Whether a Python can judge what was written for `func_gen` tasks.
fn has_python() -> bool {
    ["/usr/bin/python3", "/usr/local/bin/python3"]
        .iter()
        .any(|path| PathBuf::from(path).exists())
}

/// What the filter must say of a policy: by the published rules, by the strict ones.
fn verdicts(policy: &str, kind: &str) -> [&'static str; 2] {
    match (policy, kind) {
        ("solver", _) => ["accept", "accept"],
        // what stands around the function is none of the published rules' business
        ("code changer", "func_gen") => ["accept", "reject"],
        _ => ["reject", "reject"],
    }
}

#[test]
fn from_tasks_to_a_curated_set() {
    let Some(place) = Place::new() else { return };
    let river = place.river.clone();
    let played = Mutex::new(BTreeMap::<usize, usize>::new());
    let stub = Stub::start(move |asked, _| {
        let messages = asked["messages"].as_array().unwrap();
        let (at, task) = river.task_of(messages[1]["content"].as_str().unwrap());
        let turn = turns(messages);
        let policy = if turn == 0 {
            let mut played = played.lock().unwrap();
            let count = played.entry(at).or_default();
            *count += 1;
            POLICIES[(at + *count) % POLICIES.len()]
        } else {
            let first = messages[2]["content"].as_str().unwrap();
            POLICIES
                .into_iter()
                .find(|policy| *policy == first)
                .unwrap()
        };
        river.turn(task, policy, turn)
    })
    .unwrap();
    let more = [
        "-o",
        "output.jsonl",
        "--attempts",
        "4",
        "--max-steps",
        "4",
        "--json",
        "--jobs",
        "2",
    ];
    let run = place.rollout(&stub.url(), &more).ends(0);
    assert_eq!(run.json_lines().len(), 160);
    let rows = place.rows("output.jsonl");
    assert_eq!(rows.len(), 160);
    let again = place.rollout(&stub.url(), &more).ends(0);
    assert_eq!(again.out, "", "{}", again.err);
    assert!(
        again.err.contains("holds 160 attempts; 0 are left"),
        "{}",
        again.err
    );

    let verified = place
        .program
        .run(&["verify", "output.jsonl", "--repos", "repos", "--json"])
        .ends(0);
    let verified = verified.json_lines();
    let mut seen = BTreeMap::<(String, String), usize>::new();
    for (row, judged) in rows.iter().zip(&verified) {
        let (policy, kind) = (policy_of(row), judged["task_type"].as_str().unwrap());
        *seen
            .entry((policy.to_owned(), kind.to_owned()))
            .or_default() += 1;
        if kind == "func_gen" && !has_python() {
            continue;
        }
        let got = ["published", "strict"].map(|rules| judged[rules]["verdict"].as_str().unwrap());
        assert_eq!(got, verdicts(policy, kind), "{policy} {kind}: {judged:#}");
        let ended = row["ended_by"].as_str().unwrap();
        assert_eq!(
            ended,
            if policy == "looper" {
                "max_steps"
            } else {
                "finish"
            },
            "{policy}"
        );
    }
    assert_eq!(
        seen.len(),
        20,
        "every policy met every type of task: {seen:?}"
    );
    reads_back(&place, &rows);
    replays(&place, &rows);
    curates(&place, &rows, &verified);
}

/// The list shows what the rows say.
fn reads_back(place: &Place, rows: &[Value]) {
    let listed = place
        .program
        .run(&["list", "output.jsonl", "--json"])
        .ends(0)
        .json_lines();
    assert_eq!(listed.len(), rows.len());
    for (row, listed) in rows.iter().zip(&listed) {
        let steps = if policy_of(row) == "looper" {
            4
        } else {
            row_turns(row)
        };
        assert_eq!(listed["task"], row["instance_id"]);
        assert_eq!(listed["steps"], json!(steps), "{listed:#}");
        assert_eq!(listed["fault"], Value::Null);
        assert_eq!(listed["model"], "scripted");
    }
}

fn row_turns(row: &Value) -> usize {
    turns(row["raw_completions"]["messages"].as_array().unwrap())
}

/// A replay of what was done comes to the same.
fn replays(place: &Place, rows: &[Value]) {
    for policy in ["looper", "code changer"] {
        let at = rows
            .iter()
            .position(|row| policy_of(row) == policy)
            .unwrap();
        let nth = (at + 1).to_string();
        let run = place.program.run(&[
            "replay",
            "output.jsonl",
            "--repos",
            "repos",
            "--nth",
            &nth,
            "--json",
        ]);
        let row = run.ends(0).json_lines().remove(0);
        assert_eq!(row["first_divergence"], Value::Null, "{row:#}");
    }
}

/// People overrule the filter, and what is left becomes training rows.
fn curates(place: &Place, rows: &[Value], verified: &[Value]) {
    let nth_of = |policy: &str| {
        let is_it = |row: &Value| {
            policy_of(row) == policy && !row["instance_id"].as_str().unwrap().contains("gen")
        };
        (rows.iter().position(is_it).unwrap() + 1).to_string()
    };
    let mark = |nth: &str, choice: &str| {
        let args = [
            "mark",
            "output.jsonl",
            "--nth",
            nth,
            choice,
            "--reviewer",
            "ada",
        ];
        place.program.run(&args).ends(0);
    };
    mark(&nth_of("solver"), "reject");
    mark(&nth_of("lazy"), "accept");
    let accepted = verified
        .iter()
        .filter(|row| row["strict"]["verdict"] == "accept")
        .count();
    place
        .program
        .file("tools.txt", "\nThese tools are there:\n{description}\n");
    let how = [
        "--tool-prompt",
        "tools.txt",
        "--filter",
        "strict",
        "--reviewer",
        "ada",
    ];
    let set = place.export("set.jsonl", "sft", &how);
    assert_eq!(set.len(), accepted, "one rejected, one accepted");
    let words: String = set.iter().map(ToString::to_string).collect();
    assert!(words.contains("<function=str_replace_editor>"));
    let manifest = fs::read_to_string(place.path("set.jsonl.manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(
        manifest["counts"],
        json!({"in": 160, "kept": accepted, "dropped": 160 - accepted})
    );
}

/// Tasks that hgview makes are tasks that it rolls out.
#[test]
fn built_tasks_are_attempted() {
    let Some(place) = Place::new() else { return };
    fs::remove_file(place.path("tasks.jsonl")).unwrap();
    let build = [
        "tasks",
        "build",
        "repos/own__river",
        "-o",
        "tasks.jsonl",
        "--type",
        "dep_search",
        "--limit",
        "5",
    ];
    place.program.run(&build).ends(0);
    let instances = place.rows("tasks.jsonl");
    assert_eq!(instances.len(), 5);
    let river = place.river.with_tasks(instances);
    let stub = Stub::start(move |asked, _| {
        let messages = asked["messages"].as_array().unwrap();
        let (_, task) = river.task_of(messages[1]["content"].as_str().unwrap());
        river.turn(task, "solver", turns(messages))
    })
    .unwrap();
    place.rollout(&stub.url(), &["-o", "output.jsonl"]).ends(0);
    let run = place
        .program
        .run(&["verify", "output.jsonl", "--repos", "repos", "--json"])
        .ends(0);
    for judged in run.json_lines() {
        assert_eq!(judged["strict"]["verdict"], "accept", "{judged:#}");
        assert_eq!(judged["published"]["verdict"], "accept", "{judged:#}");
    }
}

/// Turns of the model in a conversation.
fn turns(messages: &[Value]) -> usize {
    messages
        .iter()
        .filter(|message| message["role"] == "assistant")
        .count()
}

/// Ends at once.
fn lazy() -> Reply {
    Reply::calls(&[("finish", json!({"message": "Done."}))])
}

#[test]
fn a_killed_run_goes_on_where_it_stood() {
    let Some(place) = Place::new() else { return };
    let (sender, receiver) = mpsc::channel();
    let sender = Mutex::new(sender);
    // five attempts end, the sixth never does
    let stub = Stub::start(move |_, number| {
        if number < 5 {
            return lazy();
        }
        sender.lock().unwrap().send(()).unwrap();
        Reply::Hang
    })
    .unwrap();
    let more = [
        "-o",
        "output.jsonl",
        "--attempts",
        "2",
        "--jobs",
        "1",
        "--where",
        "task = func_gen",
    ];
    let url = stub.url();
    let mut child = place.program.spawn(&Place::args(&url, &more));
    receiver.recv().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let before = fs::read(place.path("output.jsonl")).unwrap();
    assert_eq!(place.rows("output.jsonl").len(), 5);
    // as if it had been killed while it wrote
    let half = before.get(..100).unwrap();
    fs::write(place.path("output.jsonl"), [&before, half].concat()).unwrap();
    let good = Stub::start(|_, _| lazy()).unwrap();
    let run = place.rollout(&good.url(), &more).ends(0);
    assert!(
        run.err.contains("holds 5 attempts; 11 are left"),
        "{}",
        run.err
    );
    assert!(run.err.contains("output.jsonl.torn"), "{}", run.err);
    assert_eq!(good.count(), 11);
    let after = fs::read(place.path("output.jsonl")).unwrap();
    assert_eq!(after.get(..before.len()), Some(before.as_slice()));
    let rows = place.rows("output.jsonl");
    let mut keys: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {}", row["instance_id"], row["attempt"]))
        .collect();
    keys.sort();
    keys.dedup();
    assert_eq!((rows.len(), keys.len()), (16, 16));
}

/// What failed says nothing of the model.
fn are_unjudged(place: &Place) {
    let verify = ["verify", "output.jsonl", "--repos", "repos", "--json"];
    for judged in place.program.run(&verify).ends(0).json_lines() {
        for rules in ["published", "strict"] {
            assert_eq!(judged[rules]["verdict"], "unjudged", "{judged:#}");
            let why = judged[rules]["evidence"][0]["why"].as_str().unwrap();
            assert_eq!(
                why,
                "the attempt failed through no fault of the model: unavailable"
            );
        }
    }
}

#[test]
fn endpoints_that_fail_make_rows_that_can_be_made_again() {
    let Some(place) = Place::new() else { return };
    let stub = Stub::start(|asked, _| {
        let words = asked["messages"].to_string();
        let good = Reply::says("I think.");
        match () {
            // an endpoint that answers nothing at all is another matter
            () if turns(asked["messages"].as_array().unwrap()) == 0 => look(),
            () if words.contains(&River::word(34)) => Reply::status(503),
            () if words.contains(&River::word(35)) => {
                Reply::Garbage(b"\x00\xff not http\r\n\r\n".to_vec())
            }
            () if words.contains(&River::word(36)) => Reply::Json(json!({"choices": "none"})),
            () if words.contains(&River::word(37)) => Reply::BreakOff(Box::new(good), 40),
            () if words.contains(&River::word(38)) => Reply::Close,
            () if words.contains(&River::word(39)) => Reply::Hang,
            () => lazy(),
        }
    })
    .unwrap();
    let query = "task = issue_localize";
    let base = [
        "-o",
        "output.jsonl",
        "--where",
        query,
        "--tries",
        "1",
        "--answer-timeout",
        "1",
        "--idle-timeout",
        "1",
    ];
    let run = place.rollout(&stub.url(), &base).ends(1);
    let rows = place.rows("output.jsonl");
    let failed = rows.iter().filter(|row| row["ended_by"] == "unavailable");
    assert_eq!((rows.len(), failed.count()), (6, 6), "{}", run.err);
    for row in &rows {
        assert!(
            row["error"]
                .as_str()
                .unwrap()
                .starts_with("LLMNoResponseError: "),
            "{row:#}"
        );
    }
    let listed = place.program.run(&["list", "output.jsonl", "--json"]);
    assert_eq!(listed.ends(0).json_lines().len(), 6);
    are_unjudged(&place);
    // what failed stays as it is until somebody wants it again
    let kept = place.rollout(&stub.url(), &base).ends(0);
    assert!(
        kept.err.contains("holds 6 attempts; 0 are left"),
        "{}",
        kept.err
    );
    let refusing =
        Stub::start(|_, _| Reply::Status(401, Vec::new(), "no such key".to_owned())).unwrap();
    let again = [&base[..], &["--retry-failed"]].concat();
    let refused = place.rollout(&refusing.url(), &again).ends(2);
    assert!(
        refused.err.contains("refused") && refused.err.contains("no such key"),
        "{}",
        refused.err
    );
    assert_eq!(place.rows("output.jsonl").len(), 6);
    let good = Stub::start(|_, _| lazy()).unwrap();
    place.rollout(&good.url(), &again).ends(0);
    let rows = place.rows("output.jsonl");
    assert_eq!(rows.len(), 12);
    assert!(
        rows[6..]
            .iter()
            .all(|row| row["ended_by"] == "finish" && row["attempt"] == 1)
    );
    let done = place.rollout(&good.url(), &again).ends(0);
    assert!(done.err.contains("0 are left"), "{}", done.err);
}

#[test]
fn what_is_refused_leaves_no_file() {
    let Some(place) = Place::new() else { return };
    let refusing =
        Stub::start(|_, _| Reply::Status(401, Vec::new(), "no such key".to_owned())).unwrap();
    let fresh = ["-o", "fresh.jsonl", "--jobs", "1"];
    let refused = place.rollout(&refusing.url(), &fresh).ends(2);
    assert_eq!(
        refused.err.matches("the endpoint refused: ").count(),
        1,
        "{}",
        refused.err
    );
    assert!(refused.err.contains("--key-var"), "{}", refused.err);
    assert!(
        !place.path("fresh.jsonl").exists(),
        "what makes nothing leaves nothing"
    );
}

/// Looks around.
fn look() -> Reply {
    Reply::calls(&[("execute_bash", json!({"command": "ls"}))])
}

#[test]
fn a_dead_endpoint_ends_the_run_and_what_it_left_counts_once() {
    let Some(place) = Place::new() else { return };
    let dead = Stub::start(|_, _| Reply::status(503)).unwrap();
    let base = [
        "-o",
        "output.jsonl",
        "--where",
        "task = dep_search and id ~ \"dep-1\"",
        "--tries",
        "2",
        "--jobs",
        "1",
    ];
    let run = place.rollout(&dead.url(), &base).ends(1);
    assert_eq!(dead.count(), 6, "{}", run.err);
    let again = "attempt 1: asking again (2 of 2): 127.0.0.1";
    assert!(run.err.contains(again), "{}", run.err);
    assert!(
        run.err.contains("stopped: the endpoint answers nothing: "),
        "{}",
        run.err
    );
    assert!(
        run.err
            .contains("hint: the same command with --retry-failed"),
        "{}",
        run.err
    );
    let river = place.river.clone();
    let good = Stub::start(move |asked, _| {
        let messages = asked["messages"].as_array().unwrap();
        let (_, task) = river.task_of(messages[1]["content"].as_str().unwrap());
        river.turn(task, "solver", turns(messages))
    })
    .unwrap();
    let again = [&base[..], &["--retry-failed"]].concat();
    place.rollout(&good.url(), &again).ends(0);
    let rows = place.rows("output.jsonl");
    assert_eq!(rows.len(), 9, "three of six tasks have two rows");
    let set = place.export("set.jsonl", "raw", &["--filter", "strict"]);
    assert!(set.iter().all(|row| row["ended_by"] == "finish"));
    assert_eq!(set.len(), 6);
    assert_eq!(
        place.export("all.jsonl", "raw", &[]),
        set,
        "also where nobody asked for a filter"
    );
    let manifest = fs::read_to_string(place.path("all.jsonl.manifest.json")).unwrap();
    let why = "through no fault of the model: unavailable";
    assert!(manifest.contains(why), "{manifest}");
    let listed = place
        .program
        .run(&["list", "output.jsonl", "--json"])
        .ends(0);
    let unjudged = listed.json_lines();
    let unjudged = unjudged
        .iter()
        .filter(|row| row["outcome"]["exit_status"] == "unavailable");
    assert_eq!(unjudged.count(), 3);
}

#[test]
fn a_spent_budget_loses_nothing_that_was_paid_for() {
    let Some(place) = Place::new() else { return };
    let stub = Stub::start(|_, _| Reply::message(&json!({"role": "assistant", "content": "", "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "execute_bash", "arguments": "{\"command\": \"ls\"}"}}]}), "tool_calls", 100, 10)).unwrap();
    let base = [
        "-o",
        "output.jsonl",
        "--where",
        "task = func_gen",
        "--jobs",
        "1",
        "--max-steps",
        "50",
    ];
    let bounded = [&base[..], &["--max-tokens-total", "300"]].concat();
    let run = place.rollout(&stub.url(), &bounded).ends(1);
    let rows = place.rows("output.jsonl");
    assert_eq!(rows.len(), 1, "{}", run.err);
    assert_eq!(rows[0]["ended_by"], "budget");
    assert_eq!(
        rows[0]["metrics"]["accumulated_token_usage"]["prompt_tokens"],
        300
    );
    assert!(
        run.err.contains("stopped: 330 tokens were spent"),
        "{}",
        run.err
    );
    let good = Stub::start(|_, _| lazy()).unwrap();
    place.rollout(&good.url(), &base).ends(0);
    assert_eq!(
        place.rows("output.jsonl").len(),
        8,
        "it is not made again unasked"
    );
    let again = [&base[..], &["--retry-failed"]].concat();
    place.rollout(&good.url(), &again).ends(0);
    let rows = place.rows("output.jsonl");
    assert_eq!(
        (rows.len(), &rows[8]["instance_id"]),
        (9, &rows[0]["instance_id"])
    );
}

#[test]
fn odd_calls_and_dead_shells_are_told_as_they_were_and_replay() {
    let Some(place) = Place::new() else { return };
    let stub = Stub::start(|asked, _| {
        let call = |id: &str, name: &str, args: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": args}});
        let calls = match turns(asked["messages"].as_array().unwrap()) {
            0 => vec![
                call("a", "execute_bash", "{\"command\": \"echo ran > river/x"),
                call("b", "execute_bash", "{\"cmd\": \"echo ran > river/x\"}"),
                call("c", "str_replace_editor", "echo"),
                call("h", "", "{}"),
                call("i", "str_replace_editor", "{\"command\": \"view\", \"path\": \"/\"}"),
                call("d", "execute_bash", "{\"command\": \"ls river\"}"),
            ],
            1 => vec![
                call("e", "execute_bash", "{\"command\": \"exit 3\"}"),
                call("f", "execute_bash", "{\"command\": \"seq 30000\"}"),
                call("g", "execute_bash", "{\"command\": \"echo hi\"}"),
            ],
            _ => return lazy(),
        };
        Reply::message(&json!({"role": "assistant", "content": "", "tool_calls": calls}), "tool_calls", 100, 10)
    })
    .unwrap();
    let more = ["-o", "output.jsonl", "--where", "task = issue_localize"];
    place.rollout(&stub.url(), &more).ends(0);
    let rows = place.rows("output.jsonl");
    let seen: Vec<&str> = rows[0]["history"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["observation"].is_string())
        .map(|event| event["content"].as_str().unwrap())
        .collect();
    let (refused, seen) = seen.split_at(5);
    for refused in refused {
        assert!(refused.starts_with("The call was not run: "), "{refused}");
    }
    assert!(refused[4].contains("execute_bash"), "{}", refused[4]);
    assert!(
        seen[0].contains("part_0.py") && !seen[0].contains("\nx"),
        "{}",
        seen[0]
    );
    assert!(
        seen[1].starts_with("[The shell ended: it exited with status 3. "),
        "{}",
        seen[1]
    );
    assert!(seen[2].contains("[... Observation truncated due to length ...]"));
    assert!(seen[2].chars().count() < 30_100, "{}", seen[2].len());
    assert_eq!(seen[3], "hi");
    let args = [
        "replay",
        "output.jsonl",
        "--repos",
        "repos",
        "--nth",
        "1",
        "--json",
    ];
    let replayed = place.program.run(&args).ends(0).json_lines().remove(0);
    assert_eq!(replayed["first_divergence"], Value::Null, "{replayed:#}");
    let shown = place
        .program
        .run(&["show", "output.jsonl", "--nth", "1", "--json"])
        .ends(0);
    assert!(shown.out.contains("echo ran > river/x"), "{}", shown.out);
}

#[test]
fn a_flood_ends_the_shell_and_not_the_attempt() {
    let Some(place) = Place::new() else { return };
    let stub = Stub::start(
        |asked, _| match turns(asked["messages"].as_array().unwrap()) {
            0 => Reply::calls(&[("execute_bash", json!({"command": "head -c 100M /dev/zero"}))]),
            1 => Reply::calls(&[("execute_bash", json!({"command": "echo hi"}))]),
            _ => lazy(),
        },
    )
    .unwrap();
    let query = "task = issue_localize and id ~ \"issue-34\"";
    let more = ["-o", "output.jsonl", "--where", query, "--timeout", "600"];
    place.rollout(&stub.url(), &more).ends(0);
    let rows = place.rows("output.jsonl");
    assert_eq!(rows.len(), 1);
    let history = rows[0]["history"].as_array().unwrap();
    let seen: Vec<&Value> = history
        .iter()
        .filter(|event| event["observation"].is_string())
        .collect();
    let told = seen[0]["content"].as_str().unwrap();
    assert!(told.starts_with("[The shell ended: "), "{told}");
    assert_eq!(seen[0]["extras"]["metadata"]["exit_code"], 137);
    assert_eq!(seen[1]["content"], "hi");
}

#[test]
fn a_full_disk_ends_the_run_and_tears_no_line() {
    let Some(place) = Place::new() else { return };
    let stub = Stub::start(|_, _| lazy()).unwrap();
    let url = stub.url();
    let args = Place::args(
        &url,
        &[
            "-o",
            "output.jsonl",
            "--where",
            "task = func_gen",
            "--jobs",
            "1",
        ],
    );
    let full = limited(&place.program, 48, &args);
    let err = String::from_utf8(full.stderr).unwrap();
    assert_eq!(full.status.code(), Some(2), "{err}");
    assert!(err.contains("cannot write output.jsonl: "), "{err}");
    assert!(
        err.contains("hint: attempts that had ended are kept"),
        "{err}"
    );
    let before = fs::read_to_string(place.path("output.jsonl")).unwrap();
    let kept = place.rows("output.jsonl").len();
    assert!(
        before.ends_with('\n') && (1..8).contains(&kept),
        "{kept}: {err}"
    );
    place.program.run(&args).ends(0);
    let after = fs::read_to_string(place.path("output.jsonl")).unwrap();
    assert!(after.starts_with(&before));
    assert_eq!(place.rows("output.jsonl").len(), 8);
    assert!(!place.path("output.jsonl.torn").exists());
}

#[test]
fn other_settings_and_other_tasks_are_told() {
    let Some(place) = Place::new() else { return };
    let stub = Stub::start(|_, _| lazy()).unwrap();
    let base = ["-o", "output.jsonl", "--where", "task = func_gen"];
    let first = place.rollout(&stub.url(), &base).ends(0);
    assert!(!first.err.contains("other settings"), "{}", first.err);
    let same = place.rollout(&stub.url(), &base).ends(0);
    assert!(
        !same.err.contains("other settings") && !same.err.contains("changed"),
        "{}",
        same.err
    );
    place.program.file("system.txt", "Work.\n");
    let tasks = fs::read_to_string(place.path("tasks.jsonl")).unwrap();
    let changed = tasks.replace("return len(banks)", "return len(banks) + 0");
    place.program.file("tasks.jsonl", changed);
    let more = [
        "--attempts",
        "2",
        "--max-steps",
        "7",
        "--temperature",
        "0.5",
        "--system-prompt",
        "system.txt",
    ];
    let other = place
        .rollout(&stub.url(), &[&base[..], &more].concat())
        .ends(0);
    for part in [
        "--max-steps 100, now 7",
        "--temperature none, now 0.5",
        "another --system-prompt",
        "8 tasks changed since",
    ] {
        assert!(other.err.contains(part), "{part}: {}", other.err);
    }
}

#[test]
fn a_task_ends_when_enough_attempts_were_accepted() {
    let Some(place) = Place::new() else { return };
    let river = place.river.clone();
    // the first attempt of each task is lazy, the others solve it; all calls are text
    let met = Mutex::new(BTreeMap::<usize, usize>::new());
    let stub = Stub::start(move |asked, _| {
        let messages = asked["messages"].as_array().unwrap();
        let (at, task) = river.task_of(messages[1]["content"].as_str().unwrap());
        let turn = turns(messages);
        let mut met = met.lock().unwrap();
        let count = met.entry(at).or_default();
        *count += usize::from(turn == 0);
        let policy = if *count == 1 { "lazy" } else { "solver" };
        river.turn_in_text(task, policy, turn)
    })
    .unwrap();
    let more = [
        "-o",
        "output.jsonl",
        "--where",
        "task = dep_search and id ~ \"dep-1\"",
        "--attempts",
        "4",
        "--until",
        "1",
        "--text-calls",
    ];
    let run = place.rollout(&stub.url(), &more).ends(0);
    let rows = place.rows("output.jsonl");
    let tasks: std::collections::BTreeSet<&str> = rows
        .iter()
        .map(|row| row["instance_id"].as_str().unwrap())
        .collect();
    assert!(!tasks.is_empty());
    assert_eq!(rows.len(), 2 * tasks.len(), "{}", run.err);
    let accepted = run.err.matches(", accept\n").count();
    assert_eq!(accepted, tasks.len(), "{}", run.err);
    assert!(rows[0]["raw_completions"]["raw_messages"].is_array());
    // what was accepted before counts
    let again = place.rollout(&stub.url(), &more).ends(0);
    let judged = format!("judged 0 of {} earlier attempts", rows.len());
    assert!(again.err.contains(&judged), "{}", again.err);
    assert!(again.err.contains("; 0 are left"), "{}", again.err);
    let enough = format!("enough accepted for {0} of {0} tasks", tasks.len());
    assert!(again.err.contains(&enough), "{}", again.err);
    assert_eq!(
        place.rows("output.jsonl").len(),
        rows.len(),
        "{}",
        again.err
    );
}

#[test]
fn what_cannot_be_done_is_told() {
    let program = Program::new();
    program.file("tasks.jsonl", "{\"instance_id\": \"a\", \"repo\": \"o/r\", \"base_commit\": \"0\", \"problem_statement\": \"p\", \"FAIL_TO_PASS\": []}\n");
    let none = program
        .run(&["rollout", "tasks.jsonl", "-o", "o.jsonl"])
        .ends(2);
    assert!(none.err.contains("--endpoint"), "{}", none.err);
    let url = ["--endpoint", "http://127.0.0.1:9/v1", "--model", "m"];
    let base = [&["rollout", "tasks.jsonl", "-o", "o.jsonl"][..], &url].concat();
    let many = [&base[..], &["--until", "2"]].concat();
    let many = program.run(&many).ends(2);
    assert!(many.err.contains("--until asks for more"), "{}", many.err);
    let walls = [&base[..], &["--backend", "none"]].concat();
    let walls = program.run(&walls).ends(2);
    assert!(walls.err.contains("without a sandbox"), "{}", walls.err);
    let template = [
        &base[..],
        &["--template", "tasks.jsonl", "--where", "id = none"],
    ]
    .concat();
    program.run(&template).ends(2);
    program.file("bad.j2", "{% if %}");
    let template = [&base[..], &["--template", "bad.j2"]].concat();
    program.run(&template).ends(2);
    assert!(
        !program.home().join("o.jsonl").exists(),
        "what makes nothing leaves nothing"
    );
    let run = program.run(&base);
    if run.err.contains("no sandbox can be had here") {
        eprintln!("skipped: {}", run.err);
        return;
    }
    let run = run.ends(1);
    assert!(
        run.err
            .contains("a cannot be attempted: its repository is not at hand"),
        "{}",
        run.err
    );
    assert!(
        !program.home().join("o.jsonl").exists(),
        "what makes nothing leaves nothing"
    );
}

/// Tasks of what has no commits begin with a repository of one commit, as those of git do.
#[test]
fn tasks_of_folders_and_archives_are_attempted() {
    let program = Program::new();
    let module = "\"\"\"Adds.\"\"\"\n\n\ndef double(value):\n    \"\"\"Gives twice of whatever number it got.\"\"\"\n    return value * 2\n";
    program.file("repos/shop/m.py", module);
    let archive = program.home().join("repos/dist-1.0.tar.gz");
    // what has the same text is the same target
    let packed = module.replace("value * 2", "value + value");
    sdist(
        &archive,
        "dist-1.0",
        &[("m.py", &packed), ("notes.bin", "x")],
    );
    let build = ["tasks", "build", "repos", "-o", "tasks.jsonl", "--each"];
    let more = ["--type", "func_localize"];
    program.run(&[&build[..], &more].concat()).ends(0);
    let stub = Stub::start(|asked, _| {
        let messages = asked["messages"].as_array().unwrap();
        let prompt = messages[1]["content"].as_str().unwrap();
        let (_, behind) = prompt.split_once("/workspace/").unwrap();
        let is_path = |letter: char| letter.is_alphanumeric() || "_-.".contains(letter);
        let name = behind.split(|letter| !is_path(letter)).next().unwrap();
        let root = format!("/workspace/{}", name.trim_end_matches('.'));
        let old = "def double(value):\n    return";
        let new = "def double(value):\n    \"\"\"Gives twice of it.\"\"\"\n    return";
        match turns(messages) {
            0 => Reply::calls(&[("execute_bash", json!({"command": format!("cd {root} && git rev-list --count HEAD && git status --short && ls")}))]),
            1 => Reply::calls(&[("str_replace_editor", json!({"command": "str_replace", "path": format!("{root}/m.py"), "old_str": old, "new_str": new}))]),
            _ => lazy(),
        }
    })
    .unwrap();
    let url = stub.url();
    let run = program.run(&Place::args(&url, &["-o", "output.jsonl"]));
    if run.err.contains("no sandbox can be had here") {
        eprintln!("skipped: {}", run.err);
        return;
    }
    let run = run.ends(0);
    let text = fs::read_to_string(program.home().join("output.jsonl")).unwrap();
    let rows: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 2, "{}", run.err);
    for row in &rows {
        let mut history = row["history"].as_array().unwrap().iter();
        let seen = history.find(|event| event["observation"].is_string());
        let seen = seen.unwrap()["content"].as_str().unwrap();
        let want: &[&str] = match row["instance"]["repo"].as_str() {
            Some("local/shop") => &["1", "m.py"],
            _ => &["1", "m.py", "notes.bin"],
        };
        let words: Vec<&str> = seen.split_whitespace().take(want.len()).collect();
        assert_eq!(words, want, "{seen}");
    }
    let verified = program
        .run(&["verify", "output.jsonl", "--repos", "repos", "--json"])
        .json_lines();
    let strict = verified.iter().map(|row| &row["strict"]["verdict"]);
    assert_eq!(strict.collect::<Vec<_>>(), ["accept", "accept"]);
    // a folder that changed since says why it is not attempted
    program.file("repos/shop/m.py", "x = 1\n");
    let run = program
        .run(&Place::args(&url, &["-o", "again.jsonl"]))
        .ends(1);
    assert!(run.err.contains("cannot be attempted"), "{}", run.err);
    assert!(run.err.contains("has no commits"), "{}", run.err);
}
