//! Tools that are neither a shell nor an editor, told by their names.

use crate::behave::component::Around;
use crate::model::Action;
use crate::model::Component;
use crate::model::Value;

/// The file that an editing tool's arguments name.
pub(super) fn path_arg(action: &Action) -> Option<&str> {
    [
        "path",
        "file_path",
        "filename",
        "file_name",
        "target_file",
        "file",
    ]
    .into_iter()
    .find_map(|key| action.args.get(key).and_then(Value::as_str))
    .filter(|path| !path.is_empty())
}

/// Browsing looks; typing into a page, choosing and sending act.
pub(super) fn of_web(action: &Action) -> Component {
    let text = ["browser_actions", "code", "action"]
        .into_iter()
        .find_map(|key| action.args.get(key).and_then(Value::as_str))
        .unwrap_or_default();
    let name = action.tool.to_ascii_lowercase();
    let acts = [
        "fill(",
        "select_option(",
        "press(",
        "upload_file(",
        "drag_and_drop(",
    ];
    let is_acting = acts.iter().any(|word| text.contains(word))
        || ["_type", "_fill", "_select", "_press", "_upload"]
            .iter()
            .any(|end| name.ends_with(end));
    if is_acting {
        Component::Execution
    } else {
        Component::Exploration
    }
}

/// Any other tool: by what its name says first.
pub(super) fn of_tool(action: &Action, around: &Around<'_>) -> Component {
    const REASONING: [&str; 14] = [
        "ask", "message", "respond", "reply", "answer", "note", "memory", "remember", "reflect",
        "plan", "todo", "wait", "skill", "condens",
    ];
    const LOOKS: [&str; 16] = [
        "read", "get", "list", "view", "show", "search", "find", "lookup", "query", "fetch",
        "grep", "open", "output", "status", "browse", "inspect",
    ];
    const CHECKS: [&str; 6] = ["test", "check", "verify", "lint", "diagnos", "validate"];
    let name = action.tool.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if name.is_empty() || has(&REASONING) {
        Component::Reasoning
    } else if has(&CHECKS) {
        around.of_run()
    } else if has(&LOOKS) {
        Component::Exploration
    } else {
        Component::Execution
    }
}
