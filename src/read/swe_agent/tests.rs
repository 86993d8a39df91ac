//! Tests of SWE-agent's files.

use super::editor_args;
use super::tool_of;
use crate::model::ChildKind;
use crate::model::Format;
use crate::model::StepKind;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::Layout;
use crate::read::Shape;
use crate::read::chat::tests::counts;
use crate::read::chat::tests::of_kind;
use crate::read::chat::tests::read_as;
use crate::read::chat::tests::records;
use crate::read::chat::tests::survive;
use crate::read::chat::tests::told;

fn file(name: &str) -> Vec<(Value, Trajectory)> {
    records(
        &format!("04-swe-agent/{name}"),
        Format::SweAgent,
        Layout::Whole,
    )
}

const RUNS: [(&str, &str, Option<&str>); 4] = [
    (
        "pydicom__pydicom-1458.traj",
        "0.x",
        Some("pydicom__pydicom-1458"),
    ),
    ("humanevalfix-python-0.traj", "0.x", None),
    (
        "marshmallow-1867_function_calling_replace_from_source.traj",
        "1.x",
        Some("marshmallow-code__marshmallow-1867"),
    ),
    (
        "pandas-53856_swesmith.traj",
        "1.x",
        Some("pandas-dev__pandas.95280573.pr_53856"),
    ),
];

#[test]
fn whole_runs() {
    for (name, variant, task) in RUNS {
        for (raw, trajectory) in file(name) {
            let steps = raw["trajectory"].as_array().unwrap();
            assert_eq!(
                counts(&trajectory),
                (steps.len(), steps.len(), steps.len()),
                "{name}"
            );
            let agents = trajectory
                .steps
                .iter()
                .filter(|step| step.kind == StepKind::Agent);
            for (want, step) in steps.iter().zip(agents) {
                let observation = step.actions[0].observation.as_ref().unwrap();
                let text = observation.first_text().map_or("", |text| text);
                assert_eq!(Some(text), want["observation"].as_str());
                assert_eq!(observation.duration_s, want["execution_time"].as_f64());
                assert!(observation.cwd.is_some());
                assert_eq!(step.thought.as_deref(), want["thought"].as_str());
                let action = &step.actions[0];
                if variant == "0.x" {
                    assert_eq!(action.args["command"], want["action"]);
                } else if action.tool == "bash" {
                    assert_eq!(action.args["command"], want["action"]);
                    assert!(action.call_id.is_some());
                } else {
                    assert!(want["action"].as_str().unwrap().starts_with(&action.tool));
                }
            }
            assert_eq!(trajectory.source.variant.as_deref(), Some(variant));
            assert_eq!(trajectory.task_id.as_deref(), task);
            assert_eq!(
                trajectory.final_patch.as_deref(),
                raw["info"]["submission"].as_str()
            );
            assert_eq!(trajectory.outcome.exit_status.as_deref(), Some("submitted"));
            assert_eq!(
                trajectory.totals.cost,
                raw["info"]["model_stats"]["instance_cost"].as_f64()
            );
            assert_eq!(of_kind(&trajectory, StepKind::System), 1);
            assert_eq!(of_kind(&trajectory, StepKind::User), 1);
            let demos = raw["history"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|i| i["is_demo"] == true);
            assert_eq!(trajectory.notes.len(), demos.count());
        }
    }
}

#[test]
fn exact_arguments_come_from_the_history() {
    for (raw, trajectory) in file("pandas-53856_swesmith.traj") {
        let history = raw["history"].as_array().unwrap();
        let calls = history
            .iter()
            .filter_map(|item| item["tool_calls"].as_array())
            .flatten();
        let actions = trajectory.steps.iter().flat_map(|step| &step.actions);
        let mut pairs = 0;
        for (call, action) in calls.zip(actions) {
            let arguments: Value =
                serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
            assert_eq!(action.args, arguments);
            assert_eq!(action.call_id.as_deref(), call["id"].as_str());
            pairs += 1;
        }
        assert_eq!(pairs, 17);
        assert_eq!(trajectory.agent.as_deref(), Some("SWE-agent 1.0.1"));
        assert!(trajectory.model.is_some());
    }
}

#[test]
fn a_history_alone_is_a_run() {
    for (raw, trajectory) in file("function_calling_simple.traj") {
        let history = raw["history"].as_array().unwrap();
        let agents = history
            .iter()
            .filter(|item| item["role"] == "assistant")
            .count();
        let results = history.iter().filter(|item| item["role"] == "tool").count();
        assert_eq!(counts(&trajectory), (agents, agents, results));
        assert_eq!(trajectory.source.variant.as_deref(), Some("history"));
        assert_eq!(trajectory.task_id, None);
    }
}

#[test]
fn words_of_typed_actions() {
    assert_eq!(tool_of("edit 1:2\nx\nend_of_edit"), "edit");
    assert_eq!(tool_of("python a.py"), "bash");
    assert_eq!(tool_of(""), "bash");
    let text =
        "str_replace_editor str_replace /a.py --old_str 'a\nb' --new_str '--x' --view_range 1 2";
    let args = editor_args(tool_of(text), text).unwrap();
    assert_eq!(args["command"], "str_replace");
    assert_eq!(args["path"], "/a.py");
    assert_eq!(args["old_str"], "a\nb");
    assert_eq!(args["new_str"], "--x");
    assert_eq!(args["view_range"], "1 2");
    assert_eq!(
        editor_args("str_replace_editor", "str_replace_editor view 'a"),
        None
    );
}

fn run(patch: &str, action: &str) -> Value {
    serde_json::json!({
        "trajectory": [
            {"action": "", "observation": "bad format", "response": "hm", "thought": "hm", "state": {"working_dir": "/r"}, "messages": [1]},
            {"action": action, "observation": "R", "response": "r", "thought": "t", "state": "{\"working_dir\": \"/r\"}", "execution_time": 0.5}
        ],
        "history": [
            {"role": "system", "content": "S", "agent": "main"},
            {"role": "user", "content": "demo", "is_demo": true},
            {"role": "user", "content": [{"type": "text", "text": "Q"}], "agent": "main"},
            {"role": "assistant", "content": "x", "action": "other", "tool_calls": [{"id": "0", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "assistant", "content": "r", "action": action, "thinking_blocks": [{"type": "thinking", "thinking": "deep"}],
             "tool_calls": [{"id": "1", "function": {"name": "bash", "arguments": {"command": action}}}]}
        ],
        "info": {"submission": patch, "exit_status": "submitted", "model_stats": {"instance_cost": 1.0, "tokens_sent": 2, "tokens_received": 3}},
        "environment": "o__r-1", "replay_config": "{\"agent\": {\"model\": {\"name\": \"m\"}}}"
    })
}

#[test]
fn format_errors_demonstrations_and_models() {
    let value = run("P", "ls");
    assert_eq!(
        told(std::slice::from_ref(&value), Shape::Object),
        Some((Format::SweAgent, Layout::Whole))
    );
    assert_eq!(
        told(std::slice::from_ref(&value), Shape::Lines),
        Some((Format::SweAgent, Layout::Rows))
    );
    let t = read_as(Format::SweAgent, vec![value.clone()], "x.traj");
    let kinds: Vec<StepKind> = t.steps.iter().map(|step| step.kind).collect();
    assert_eq!(
        kinds,
        [
            StepKind::System,
            StepKind::User,
            StepKind::Agent,
            StepKind::Context,
            StepKind::Agent
        ]
    );
    assert_eq!(t.steps[3].text.as_deref(), Some("bad format"));
    assert_eq!(t.steps[4].reasoning.as_deref(), Some("deep"));
    assert_eq!(t.steps[4].actions[0].call_id.as_deref(), Some("1"));
    assert_eq!(
        (t.model.as_deref(), t.task_id.as_deref()),
        (Some("m"), Some("o__r-1"))
    );
    assert_eq!(t.notes.len(), 1);
    survive(Format::SweAgent, &[value]);
}

#[test]
fn retries_keep_the_other_attempts() {
    let chosen = run("P", "ls");
    let mut file = chosen.clone();
    file["attempts"] = serde_json::json!([run("", "pwd"), chosen]);
    let t = read_as(Format::SweAgent, vec![file.clone()], "x.traj");
    assert_eq!(t.children.len(), 1);
    assert_eq!(t.children[0].kind, ChildKind::Attempt);
    assert_eq!(
        t.children[0].trajectory.steps[4].actions[0].args["command"],
        "pwd"
    );
    assert_eq!(t.source.variant.as_deref(), Some("retry"));
    let bare = serde_json::json!({"attempts": [run("P1", "ls"), run("", "pwd")]});
    assert_eq!(
        told(std::slice::from_ref(&bare), Shape::Object),
        Some((Format::SweAgent, Layout::Whole))
    );
    let t = read_as(Format::SweAgent, vec![bare], "x.traj");
    assert_eq!(t.final_patch.as_deref(), Some("P1"));
    assert_eq!(t.children[0].title, "attempt 2");
    survive(Format::SweAgent, &[file]);
}
