use super::*;
use crate::model::Observation;
use crate::model::ShellCall;
use crate::model::Step;

fn action(tool: &str, class: ActionClass) -> Action {
    let mut action = Action::new(None, tool, crate::model::Value::Null);
    action.class = class;
    action
}

#[track_caller]
fn check(tool: &str, class: ActionClass, expected: &Choice) {
    assert_eq!(&choose(&action(tool, class)), expected, "{tool}");
}

#[test]
fn calls_find_their_tools() {
    for tool in [
        "execute_bash",
        "terminal",
        "Bash",
        "bash",
        "shell",
        "exec_command",
        "local_shell",
        "container.exec",
    ] {
        check(tool, ActionClass::Shell, &Choice::Shell);
    }
    // a command that shows a file is a command
    check("bash", ActionClass::View, &Choice::Shell);
    check("str_replace_editor", ActionClass::Edit, &Choice::Editor);
    check("Read", ActionClass::View, &Choice::Editor);
    check(
        "think",
        ActionClass::Think,
        &Choice::Nothing("Your thought has been logged."),
    );
    check(
        "update_plan",
        ActionClass::Plan,
        &Choice::Nothing("Plan updated"),
    );
    check("finish", ActionClass::Finish, &Choice::Nothing(""));
    check("browser", ActionClass::Web, &Choice::Not("a browser"));
    check(
        "WebFetch",
        ActionClass::Web,
        &Choice::Not("it needs the network"),
    );
    check(
        "Task",
        ActionClass::Delegate,
        &Choice::Not("the work of another agent"),
    );
    check(
        "mcp__x__y",
        ActionClass::Other,
        &Choice::Not("a tool of an MCP server"),
    );
    check(
        "execute_ipython_cell",
        ActionClass::Other,
        &Choice::Not("there is no kernel of notebooks here"),
    );
    check(
        "frobnicate",
        ActionClass::Other,
        &Choice::Not("a tool that hgview does not know"),
    );
}

fn trajectory(format: Format, calls: &[(&str, &str, Option<i64>)]) -> Trajectory {
    let mut trajectory = Trajectory::default();
    trajectory.source.format = Some(format);
    let mut step = Step::new(crate::model::StepKind::Agent);
    for (tool, text, exit_code) in calls {
        let mut action = action(tool, ActionClass::Shell);
        action.shell = Some(ShellCall::default());
        action.observation = Some(Observation {
            exit_code: *exit_code,
            ..Observation::text(*text)
        });
        step.actions.push(action);
    }
    trajectory.steps.push(step);
    trajectory
}

#[track_caller]
fn edits(format: Format, tool: &str, beside: &str, expected: Option<Editor>) {
    let calls = [(tool, "", None), (beside, "", None)];
    assert_eq!(
        Editor::of(tool, &trajectory(format, &calls)),
        expected,
        "{tool}"
    );
}

#[test]
fn edits_find_their_editors() {
    let late = Some(Editor::Sdk(Generation::Late));
    edits(
        Format::OpenHandsV0,
        "str_replace_editor",
        "run",
        Some(Editor::Aci),
    );
    edits(Format::OpenHandsV0, "edit", "run", Some(Editor::Aci));
    edits(
        Format::Chat,
        "str_replace_editor",
        "execute_bash",
        Some(Editor::Aci),
    );
    edits(
        Format::Chat,
        "str_replace_editor",
        "bash",
        Some(Editor::Reference),
    );
    edits(Format::OpenHandsV1, "file_editor", "terminal", late);
    edits(Format::Chat, "file_editor", "terminal", late);
    edits(
        Format::SweAgent,
        "str_replace_editor",
        "bash",
        Some(Editor::SweText),
    );
    edits(
        Format::SweAgent,
        "goto",
        "bash",
        Some(Editor::SweWindow(true)),
    );
    edits(
        Format::ClaudeCode,
        "MultiEdit",
        "Bash",
        Some(Editor::Claude),
    );
    let codex = Some(Editor::Patch(Dialect::CodexTool));
    edits(Format::Codex, "apply_patch", "shell", codex);
    edits(
        Format::Chat,
        "apply_patch",
        "bash",
        Some(Editor::Patch(Dialect::Reference)),
    );
    edits(Format::Chat, "frobnicate", "bash", None);
}

/// The tools of one producer share one state.
#[test]
fn windowed_tools_are_one_tool() {
    let calls = [("open", "", None), ("edit", "", None), ("bash", "", None)];
    let tools = Toolbox::of(&trajectory(Format::SweAgent, &calls), "/w");
    let key = |tool: &str| tools.key(&action(tool, ActionClass::Edit), Choice::Editor);
    assert_eq!(key("open"), key("edit"));
    assert!(key("open").is_some());
    assert_eq!(key("bash"), None);
}

#[track_caller]
fn shell(format: Format, calls: &[(&str, &str, Option<i64>)], expected: Shell) {
    assert_eq!(shell_of(&trajectory(format, calls)), expected);
}

#[test]
fn trajectories_find_their_shells() {
    let message = Form::Message;
    shell(
        Format::OpenHandsV0,
        &[("execute_bash", "", None)],
        Shell::OpenHands(Form::Content),
    );
    shell(
        Format::Chat,
        &[("execute_bash", "", None)],
        Shell::OpenHands(message),
    );
    shell(
        Format::Chat,
        &[("terminal", "", None)],
        Shell::Terminal(message, Edition::WIDE),
    );
    shell(
        Format::Chat,
        &[("bash", "<returncode>0</returncode>", None)],
        Shell::Plain(Scaffold::MiniSweAgent),
    );
    shell(
        Format::Chat,
        &[("bash", "x", None)],
        Shell::Plain(Scaffold::Other),
    );
    shell(
        Format::Codex,
        &[("shell", "x", None)],
        Shell::Plain(Scaffold::Codex),
    );
    let pooled = Edition {
        is_pooled: true,
        ..Edition::WIDE
    };
    let calls = [
        ("terminal", "x", Some(-1)),
        (
            "terminal",
            "No previous running command to interact with.",
            None,
        ),
    ];
    shell(
        Format::OpenHandsV1,
        &calls,
        Shell::Terminal(Form::Content, pooled),
    );
    shell(
        Format::OpenHandsV1,
        &calls[1..],
        Shell::Terminal(Form::Content, Edition::WIDE),
    );
}

#[test]
fn versions_decide_about_terminals() {
    assert_eq!(version_of(Some("Agent 1.26.0")), Some((1, 26)));
    assert_eq!(version_of(Some("CodeActAgent")), None);
    assert_eq!(version_of(None), None);
    let mut trajectory = trajectory(Format::OpenHandsV1, &[]);
    trajectory.agent = Some("Agent 1.58.2".to_owned());
    assert_eq!(
        edition_of(&trajectory),
        Edition {
            is_pooled: true,
            ..Edition::NARROW
        }
    );
}

#[test]
fn heads_of_data_sets_are_kept() {
    let head = |text: &str| {
        let mut action = action("bash", ActionClass::Shell);
        action.observation = Some(Observation::text(text));
        head_of(&action).to_owned()
    };
    assert_eq!(head("OBSERVATION:\nx"), "OBSERVATION:\n");
    assert_eq!(
        head("EXECUTION RESULT of [terminal]:\nx"),
        "EXECUTION RESULT of [terminal]:\n"
    );
    assert_eq!(head("EXECUTION RESULT of nothing"), "");
    assert_eq!(head("x]:\n"), "");
}

#[track_caller]
fn editor(format: Format, others: &[(&str, &str)], expected: Option<Editor>) {
    let mut calls = vec![("str_replace_editor", "", None)];
    calls.extend(others.iter().map(|(tool, text)| (*tool, *text, None)));
    let trajectory = trajectory(format, &calls);
    let (name, _) = others
        .first()
        .copied()
        .unwrap_or(("str_replace_editor", ""));
    let name = if name == "open" {
        name
    } else {
        "str_replace_editor"
    };
    assert_eq!(Editor::of(name, &trajectory), expected, "{others:?}");
}

#[test]
fn trajectories_find_their_editors() {
    let silent = "Your command ran successfully and did not produce any output.";
    let chat = Format::Chat;
    editor(chat, &[], Some(Editor::Reference));
    editor(chat, &[("bash", silent)], Some(Editor::SweText));
    editor(chat, &[("open", silent)], Some(Editor::SweWindow(true)));
    editor(chat, &[("open", "x")], None);
    editor(chat, &[("execute_bash", "x")], Some(Editor::Aci));
    editor(Format::OpenHandsV0, &[], Some(Editor::Aci));
    // what a snippet ends with tells the first versions from later ones
    let snippet = |last: &str| {
        format!(
            "The file /w/a has been edited. Here's the result of running `cat -n` on a snippet of /w/a:\n     1\tx\n     \
             2\t{last}\nReview the changes and make sure"
        )
    };
    let (first, later) = (snippet("y"), snippet(""));
    for (text, expected) in [
        (first.as_str(), Editor::FirstAci),
        (later.as_str(), Editor::Aci),
    ] {
        editor(chat, &[("execute_bash", text)], Some(expected));
        editor(Format::OpenHandsV0, &[("run", text)], Some(expected));
    }
    let range = "ERROR:\nInvalid `view_range`: [0, 40]. It's first element";
    editor(chat, &[("execute_bash", range)], Some(Editor::FirstAci));
}

#[test]
fn tools_of_swe_agent_in_data_sets_have_its_shell() {
    let silent = "Your command ran successfully and did not produce any output.";
    let expected = Shell::Plain(Scaffold::SweAgent);
    shell(Format::Chat, &[("bash", silent, None)], expected);
    shell(
        Format::Adp,
        &[("bash", "x\n(Current directory: /w)\nbash-$", None)],
        expected,
    );
}

#[test]
fn tools_start_in_the_workspace_where_nothing_tells() {
    let start = |format| start_of(&trajectory(format, &[("bash", "x", None)]), "/testbed");
    assert_eq!(start(Format::MiniSweAgent), "/testbed");
    assert_eq!(start(Format::OpenHandsV0), "/workspace");
}

#[test]
fn lists_that_data_sets_keep_as_texts_are_read() {
    let read = |range: &str| {
        let args = serde_json::json!({"command": "view", "view_range": range});
        let action = with_numbers(&Action::new(None, "str_replace_editor", args))?;
        Some(action.args.get("view_range")?.to_string())
    };
    assert_eq!(read("[1, -1]").as_deref(), Some("[1,-1]"));
    assert_eq!(read(" [6035,6080] ").as_deref(), Some("[6035,6080]"));
    for text in ["", "1, 2", "[1, x]", "[1"] {
        assert_eq!(read(text), None, "{text}");
    }
}
