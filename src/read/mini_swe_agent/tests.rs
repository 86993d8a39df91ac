//! Tests of mini-swe-agent's files.

use super::unwrap_result;
use crate::model::Format;
use crate::model::StepKind;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::Layout;
use crate::read::Shape;
use crate::read::chat::tests::counts;
use crate::read::chat::tests::read_as;
use crate::read::chat::tests::records;
use crate::read::chat::tests::survive;
use crate::read::chat::tests::told;

fn files(layout: Layout, names: &[&str]) -> Vec<(Value, Trajectory)> {
    let read = |name: &&str| {
        records(
            &format!("05-mini-swe-agent/{name}"),
            Format::MiniSweAgent,
            layout,
        )
    };
    names.iter().flat_map(read).collect()
}

const VERSION_2: [&str; 3] = [
    "django__django-10914.traj.json",
    "pvlib-1154_timeout.traj.json",
    "pvlib-1606_servererror.traj.json",
];

fn of_role<'a>(file: &'a Value, role: &str) -> Vec<&'a Value> {
    let messages = file["messages"].as_array().unwrap().iter();
    messages.filter(|message| message["role"] == role).collect()
}

#[test]
fn steps_of_version_2() {
    for (raw, trajectory) in files(Layout::Whole, &VERSION_2) {
        let of = |role: &str| of_role(&raw, role);
        let calls: Vec<&Value> = of("assistant")
            .into_iter()
            .filter_map(|m| m["tool_calls"].as_array())
            .flatten()
            .collect();
        assert_eq!(
            counts(&trajectory),
            (of("assistant").len(), calls.len(), of("tool").len())
        );
        let actions: Vec<_> = trajectory
            .steps
            .iter()
            .flat_map(|step| &step.actions)
            .collect();
        for (call, action) in calls.iter().zip(&actions) {
            let arguments: Value =
                serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
            assert_eq!(action.args, arguments);
        }
        let results = actions
            .iter()
            .filter_map(|action| action.observation.as_ref());
        for (message, result) in of("tool").iter().zip(results) {
            assert_eq!(result.exit_code, message["extra"]["returncode"].as_i64());
            assert_eq!(result.cwd.as_deref(), Some("/testbed"));
            assert!(result.ts.is_some());
            let text = result.first_text().map_or("", |text| text);
            let (raw, seen) = (
                message["extra"]["raw_output"].as_str(),
                message["content"].as_str(),
            );
            assert!(Some(text) == raw || Some(text) == seen, "{text}");
        }
    }
}

#[test]
fn costs_and_ends_of_version_2() {
    for (raw, trajectory) in files(Layout::Whole, &VERSION_2) {
        let of = |role: &str| of_role(&raw, role);
        let costs: f64 = trajectory.steps.iter().filter_map(|step| step.cost).sum();
        let want: f64 = of("assistant")
            .iter()
            .filter_map(|m| m["extra"]["cost"].as_f64())
            .sum();
        assert!((costs - want).abs() < 1e-12);
        let tokens: u64 = trajectory
            .steps
            .iter()
            .filter_map(|step| step.tokens?.input)
            .sum();
        let usage = of("assistant")
            .into_iter()
            .filter_map(|m| m.pointer("/extra/response/usage/prompt_tokens")?.as_u64());
        assert_eq!(tokens, usage.sum::<u64>());
        let info = &raw["info"];
        assert_eq!(
            trajectory.totals.cost,
            info["model_stats"]["instance_cost"].as_f64()
        );
        assert_eq!(
            trajectory.outcome.exit_status.as_deref(),
            info["exit_status"].as_str()
        );
        assert_eq!(
            trajectory.final_patch.as_deref(),
            info["submission"].as_str()
        );
        assert_eq!(trajectory.task_id.as_deref(), raw["instance_id"].as_str());
        assert_eq!(
            trajectory.model.as_deref(),
            info["config"]["model"]["model_name"].as_str()
        );
        assert_eq!(trajectory.agent.as_deref(), Some("mini-swe-agent 2.2.7"));
        assert_eq!(trajectory.source.variant.as_deref(), Some("1.1"));
        let error = trajectory.outcome.error.as_deref().unwrap_or("");
        assert!(error.starts_with(info["exception_str"].as_str().unwrap_or("")));
        assert!(error.ends_with(info["traceback"].as_str().unwrap_or("")));
        let reasoning = trajectory
            .steps
            .iter()
            .filter(|step| step.reasoning.is_some())
            .count();
        assert_eq!(
            reasoning,
            of("assistant")
                .iter()
                .filter(|m| m["reasoning_content"].is_string())
                .count()
        );
        assert_eq!(
            trajectory.steps.last().unwrap().label.as_deref(),
            Some("exit")
        );
    }
}

#[test]
fn lists_of_version_0() {
    for (raw, trajectory) in files(
        Layout::Session,
        &["v0_list_local.traj.json", "v0_list_github_issue.traj.json"],
    ) {
        let messages = raw.as_array().unwrap();
        let agents = messages.iter().filter(|m| m["role"] == "assistant");
        let fenced = agents.clone().filter(|m| {
            m["content"]
                .as_str()
                .unwrap()
                .contains("\n```mswea_bash_command\n")
        });
        let users = messages.iter().filter(|m| m["role"] == "user").count();
        assert_eq!(
            counts(&trajectory),
            (agents.count(), fenced.count(), users - 1)
        );
        let first = trajectory
            .steps
            .iter()
            .find(|step| !step.actions.is_empty())
            .unwrap();
        let observation = first.actions[0].observation.as_ref().unwrap();
        let after = messages
            .iter()
            .find(|m| m["content"].as_str().unwrap().starts_with("<returncode>"));
        let code = after.unwrap()["content"]
            .as_str()
            .unwrap()
            .split(['<', '>'])
            .nth(2)
            .unwrap();
        assert_eq!(observation.exit_code, code.parse().ok());
        assert!(!observation.first_text().unwrap().contains("<returncode>"));
        assert_eq!(
            trajectory
                .steps
                .iter()
                .filter(|s| s.kind == StepKind::User)
                .count(),
            1
        );
    }
}

#[track_caller]
fn check_unwrap(text: &str, code: Option<i64>, output: Option<&str>) {
    assert_eq!(unwrap_result(text), (code, output), "{text}");
}

#[test]
fn wrappers_are_opened_only_when_they_are_all() {
    check_unwrap(
        "<returncode>0</returncode>\n<output>\na\n</output>",
        Some(0),
        Some("a\n"),
    );
    check_unwrap(
        "<returncode>-1</returncode>\n<output>\n</output>",
        Some(-1),
        Some(""),
    );
    check_unwrap(
        "<returncode>1</returncode>\n<warning>long</warning>\n<output_head>a</output_head>",
        Some(1),
        None,
    );
    check_unwrap(
        "<returncode>x</returncode>\n<output>\na</output>",
        None,
        None,
    );
    check_unwrap("plain", None, None);
}

#[test]
fn version_1_has_its_times_on_the_messages() {
    let file = serde_json::json!({
        "trajectory_format": "mini-swe-agent-1", "info": {"mini_version": "1.14", "submission": "P", "config": {"model": {"model_name": "m"}}},
        "messages": [
            {"role": "user", "content": "Q", "timestamp": 1_741_064_767.5},
            {"role": "assistant", "content": "T\n```bash\nls\n```", "timestamp": 1_741_064_768.5},
            {"role": "user", "content": "<returncode>0</returncode>\n<output>\nR\n</output>", "timestamp": 1_741_064_769.5}
        ]
    });
    let trajectory = read_as(Format::MiniSweAgent, vec![file], "x.traj.json");
    assert_eq!(trajectory.source.variant.as_deref(), Some("1"));
    assert_eq!(counts(&trajectory), (1, 1, 1));
    let ms = |stamp: Option<crate::model::Stamp>| stamp.unwrap().ms % 1_000_000;
    assert_eq!(ms(trajectory.steps[1].ts), 768_500);
    let observation = trajectory.steps[1].actions[0].observation.as_ref();
    assert_eq!(ms(observation.unwrap().ts), 769_500);
}

#[test]
fn what_the_harness_ran_counts() {
    let file = serde_json::json!({
        "trajectory_format": "mini-swe-agent-1.1", "info": {"exit_status": "Submitted", "submission": "", "model_stats": {}},
        "messages": [
            {"role": "user", "content": "Q"},
            {"role": "assistant", "content": "T\n```sh\nls\n```", "extra": {"actions": [{"command": "ls"}, {"command": "pwd"}]}},
            {"role": "user", "content": "A", "extra": {"raw_output": "A\n", "returncode": 3}},
            {"role": "user", "content": "B", "extra": {"raw_output": "B", "returncode": 0}},
            {"role": "assistant", "content": "T\n```mswea_bash_command\nls\n```", "extra": {"actions": [{"command": "ls"}]}},
            {"role": "user", "content": "<exception>e</exception>\n<returncode>-1</returncode>", "extra": {"raw_output": "", "returncode": -1, "exception_info": "e"}},
            {"role": "exit", "content": "P", "extra": {"exit_status": "Submitted", "submission": "P"}}
        ]
    });
    assert_eq!(
        told(std::slice::from_ref(&file), Shape::Object),
        Some((Format::MiniSweAgent, Layout::Whole))
    );
    let trajectory = read_as(Format::MiniSweAgent, vec![file.clone()], "x.traj.json");
    assert_eq!(trajectory.final_patch.as_deref(), Some("P"));
    let commands: Vec<&str> = trajectory
        .steps
        .iter()
        .flat_map(|s| &s.actions)
        .filter_map(|a| a.args["command"].as_str())
        .collect();
    assert_eq!(commands, ["ls", "pwd", "ls"]);
    let thoughts: Vec<&str> = trajectory
        .steps
        .iter()
        .filter_map(|s| s.thought.as_deref())
        .collect();
    assert_eq!(thoughts, ["T\n```sh\nls\n```", "T"]);
    assert_eq!(counts(&trajectory), (2, 3, 3));
    survive(Format::MiniSweAgent, &[file]);
}

#[test]
fn times_lie_between_the_messages() {
    let call = |id: &str| serde_json::json!([{"id": id, "function": {"name": "bash", "arguments": "{\"command\": \"ls\"}"}}]);
    let at = |ts: f64| serde_json::json!({ "timestamp": ts });
    let file = serde_json::json!({
        "trajectory_format": "mini-swe-agent-1.1",
        "info": {"mini_version": "2"},
        "messages": [
            {"role": "user", "content": "Q"},
            {"role": "assistant", "content": "a", "tool_calls": call("1"), "extra": at(1000.0)},
            {"role": "tool", "tool_call_id": "1", "content": "r", "extra": at(1000.5)},
            {"role": "assistant", "content": "b", "tool_calls": call("2"), "extra": at(1002.0)},
            {"role": "tool", "tool_call_id": "2", "content": "r", "extra": at(1001.0)},
        ],
    });
    let raw = crate::read::testing::record(
        Format::MiniSweAgent,
        Layout::Whole,
        vec![crate::read::testing::part(
            "a.traj.json",
            crate::read::PartRole::Main,
            file.to_string(),
        )],
    );
    let trajectory = crate::read::parse(raw).unwrap();
    let times: Vec<_> = trajectory
        .steps
        .iter()
        .filter(|step| step.kind == crate::model::StepKind::Agent)
        .map(|step| {
            let seen = step.actions[0].observation.as_ref().unwrap();
            (
                step.latency_s,
                seen.duration_s,
                step.ts.is_some() && seen.ts.is_some(),
            )
        })
        .collect();
    // A clock that went back tells nothing.
    assert_eq!(times, [(None, Some(0.5), true), (Some(1.5), None, true)]);
}
