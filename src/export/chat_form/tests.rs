//! Messages that are found, and messages that are made.

use super::*;

#[track_caller]
fn found(value: &Value) -> Chat {
    find(value, true).unwrap_or_else(|| panic!("no messages in {value}"))
}

#[test]
fn recorded_messages_are_found_wherever_they_are() {
    let messages = json!([{"role": "user", "content": "U"}]);
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": null}});
    let clean = json!({"type": "function", "function": {"name": "f"}});
    let raw = json!({"history": [], "raw_completions": {"messages": messages, "tools": [tool]}});
    assert_eq!(found(&raw).take_messages(), *messages.as_array().unwrap());
    assert_eq!(found(&raw).tools, std::slice::from_ref(&clean));
    let text = json!({"messages": messages.to_string(), "tools": [tool.to_string()]});
    assert_eq!(found(&text).take_messages(), *messages.as_array().unwrap());
    assert_eq!(found(&text).tools, [clean]);
    let log = json!({"messages": messages, "response": {"choices": [{"message": {"role": "assistant", "content": "A"}}]}});
    assert_eq!(found(&log).turns.len(), 2);
    assert_eq!(found(&messages).turns.len(), 1);
    for none in [
        json!({"conversations": [{"from": "human", "value": "U"}]}),
        json!({"trajectory": [{"role": "ai", "text": "U"}]}),
        json!({"messages": []}),
        json!(3),
    ] {
        assert!(find(&none, true).is_none(), "{none}");
    }
    let other = json!({"trajectory_format": "mini", "messages": messages});
    assert!(find(&other, false).is_none());
    assert!(find(&raw, false).is_some() && find(&log, false).is_some());
}

#[test]
fn nulls_of_tables_are_dropped() {
    let message = |role: &str, calls: Value| json!({"role": role, "content": null, "name": null, "tool_calls": calls, "tool_call_id": null});
    let call = json!([{"id": "1", "type": "function", "index": null, "function": {"name": "f", "arguments": "{}"}}]);
    let table = json!({"messages": [message("user", Value::Null), message("assistant", call)]});
    assert_eq!(
        json!(found(&table).take_messages()),
        json!([
            {"role": "user", "content": null},
            {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}], "content": null},
        ])
    );
    let written = json!({"messages": [{"role": "user", "content": "U", "name": null}, {"role": "assistant", "content": "A"}]});
    assert_eq!(found(&written).take_messages()[0]["name"], Value::Null);
    assert!(found(&written).take_messages()[0].get("name").is_some());
}

#[test]
fn steps_become_messages() {
    let mut answer = Step::new(StepKind::Agent);
    answer.idx = 1;
    answer.thought = Some("T".into());
    answer.reasoning = Some("R".into());
    let mut action = Action::new(Some("c9".to_owned()), "bash", json!({"command": "ls"}));
    action.observation = Some(Observation::text("out"));
    answer.actions = vec![action, Action::new(None, "finish", Value::Null)];
    let trajectory = Trajectory {
        steps: vec![Step::with_text(StepKind::User, "U"), answer],
        ..Trajectory::default()
    };
    let chat = rebuilt(&trajectory, &json!({})).unwrap();
    assert_eq!(
        json!(chat.clone().take_messages()),
        json!([
            {"role": "user", "content": "U"},
            {"role": "assistant", "content": "T", "reasoning_content": "R", "tool_calls": [
                {"id": "c9", "type": "function", "function": {"name": "bash", "arguments": "{\"command\":\"ls\"}"}},
                {"id": "call_1_1", "type": "function", "function": {"name": "finish", "arguments": "{}"}},
            ]},
            {"role": "tool", "tool_call_id": "c9", "name": "bash", "content": "out"},
        ])
    );
    assert_eq!(
        chat.turns.iter().map(|turn| turn.step).collect::<Vec<_>>(),
        [Some(0), Some(1), Some(1)]
    );
    assert!(rebuilt(&Trajectory::default(), &json!({})).is_err());
}
