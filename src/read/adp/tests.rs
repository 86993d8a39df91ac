//! Tests of ADP rows.

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

fn rows(file: &str) -> Vec<(Value, Trajectory)> {
    records(&format!("11-adp/{file}"), Format::Adp, Layout::Rows)
}

#[test]
fn standard_rows() {
    let names = [
        "codeactinstruct",
        "mini-coder",
        "nebius_SWE-agent-trajectories",
        "swe-gym_openhands_sampled_trajectories",
    ];
    for name in names {
        for (raw, trajectory) in rows(&format!("{name}/sample_std.json")) {
            let content = raw["content"].as_array().unwrap();
            let of = |class: &str| content.iter().filter(|e| e["class_"] == class).count();
            let actions = of("api_action") + of("code_action");
            // no file has two actions in a row, so a result is what follows an action
            let has_environment = content.iter().any(|e| e["source"] == "environment");
            let results = content.windows(2).filter(|pair| {
                let is_result = pair[1]["source"] == "environment" || !has_environment;
                ["api_action", "code_action"]
                    .iter()
                    .any(|class| pair[0]["class_"] == *class)
                    && pair[1]["class_"] == "text_observation"
                    && is_result
            });
            assert_eq!(
                counts(&trajectory),
                (actions + of("message_action"), actions, results.count()),
                "{name}"
            );
            let raw_args: Vec<&Value> = content
                .iter()
                .filter_map(|e| {
                    e.get("kwargs")
                        .or_else(|| e.get("language").map(|_| &e["content"]))
                })
                .collect();
            let got = trajectory.steps.iter().flat_map(|step| &step.actions);
            for (raw, action) in raw_args.iter().zip(got) {
                let code = action
                    .args
                    .get("command")
                    .or_else(|| action.args.get("code"));
                assert!(
                    **raw == action.args || Some(*raw) == code,
                    "{raw} {}",
                    action.args
                );
            }
            assert_eq!(trajectory.source.variant.as_deref(), Some("std"));
            if name.starts_with("swe-gym") {
                assert_eq!(
                    trajectory.outcome.resolved,
                    Some(raw["details"]["resolved"] == "True")
                );
                assert!(trajectory.final_patch.is_some());
            }
            if name.starts_with("nebius") {
                assert_eq!(
                    trajectory.final_patch.as_deref(),
                    raw["details"]["generated_patch"].as_str()
                );
            }
        }
    }
}

#[test]
fn training_rows() {
    for name in [
        "codeactinstruct",
        "mini-coder",
        "swe-gym_openhands_sampled_trajectories",
    ] {
        for (raw, trajectory) in rows(&format!("{name}/sample_sft.json")) {
            let turns = raw["conversations"].as_array().unwrap();
            let of = |from: &str| turns.iter().filter(|t| t["from"] == from).count();
            let calls = turns.iter().filter(|t| {
                let text = t["value"].as_str().unwrap();
                t["from"] == "function_call"
                    && (text.contains("<function=") || text.contains("```bash"))
            });
            let calls = calls.count();
            let agents = of("gpt") + of("function_call");
            let (got_agents, got_calls, got_results) = counts(&trajectory);
            assert_eq!((got_agents, got_calls), (agents, calls), "{name}");
            assert!(got_results >= of("observation"), "{name}");
            assert_eq!(
                got_results + of_kind(&trajectory, StepKind::User),
                of("observation") + of("human"),
                "{name}"
            );
            let systems = usize::from(raw["system"] != "");
            assert_eq!(of_kind(&trajectory, StepKind::System), systems);
            assert_eq!(of_kind(&trajectory, StepKind::Context), 0);
        }
    }
}

#[test]
fn actions_in_a_row_pair_by_position() {
    let row = serde_json::json!({"id": "a__b-1", "details": {"resolved": "False", "test_result": "{\"git_patch\": \"P\"}"}, "content": [
        {"class_": "text_observation", "source": "user", "content": "Q"},
        {"class_": "api_action", "function": "f", "kwargs": {"a": 1}, "description": "T"},
        {"class_": "api_action", "function": "g", "kwargs": {}, "description": null},
        {"class_": "code_action", "language": "python", "content": "x", "description": "U"},
        {"class_": "text_observation", "source": "environment", "content": "R1"},
        {"class_": "web_observation", "axtree": "R2", "url": "http://u", "html": "<p>"},
        {"class_": "text_observation", "source": "environment", "content": "R3"},
        {"class_": "text_observation", "source": "environment", "content": "R4"},
        {"class_": "new_kind", "x": 1},
        {"class_": "message_action", "content": "M", "description": "D"}
    ]});
    assert_eq!(
        told(std::slice::from_ref(&row), Shape::Lines),
        Some((Format::Adp, Layout::Rows))
    );
    let t = read_as(Format::Adp, vec![row.clone()], "x.json");
    assert_eq!(counts(&t), (3, 3, 3));
    let results: Vec<&str> = t
        .steps
        .iter()
        .flat_map(|s| &s.actions)
        .map(|a| &**a.observation.as_ref().unwrap().first_text().unwrap())
        .collect();
    assert_eq!(results, ["R1", "R2", "R3"]);
    assert_eq!(t.steps[1].actions.len(), 2);
    assert_eq!(of_kind(&t, StepKind::Context), 2);
    assert_eq!(
        (t.outcome.resolved, t.final_patch.as_deref()),
        (Some(false), Some("P"))
    );
    survive(Format::Adp, &[row]);
    let sft = serde_json::json!({"id": "a", "system": "S", "conversations": [
        {"from": "human", "value": "Q"}, {"from": "function_call", "value": "T\n<function=f>\n<parameter=a>\n1\n</parameter>\n</function>"},
        {"from": "observation", "value": "EXECUTION RESULT of [f]:\nR"}, {"from": "gpt", "value": "B"}]});
    survive(Format::Adp, &[sft]);
}
