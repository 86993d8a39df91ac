//! The arguments of shell calls, in the spellings of all producers.

use crate::model::Action;

/// The command of a call; `None` where it has none.
pub(super) fn command(action: &Action) -> Option<String> {
    if let Some(shell) = &action.shell {
        return Some(shell.cmd.to_string());
    }
    if let Some(text) = action.args.as_str() {
        return Some(text.to_owned());
    }
    let named = ["command", "cmd", "code", "script", "keystrokes", "input"];
    let value = named.iter().find_map(|name| action.args.get(name))?;
    if let Some(words) = value.as_array() {
        let words = words.iter().map(|word| word.as_str());
        return words.collect::<Option<Vec<_>>>().map(shell_words::join);
    }
    value.as_str().map(str::to_owned)
}

/// A switch: true, or the word.
fn is_set(action: &Action, name: &str) -> bool {
    let value = action.args.get(name);
    value.is_some_and(|value| {
        value.as_bool() == Some(true)
            || value
                .as_str()
                .is_some_and(|word| word.eq_ignore_ascii_case("true"))
    })
}

/// Whether the text is input for a running command.
pub(super) fn is_input(action: &Action) -> bool {
    is_set(action, "is_input") || action.shell.as_ref().is_some_and(|shell| shell.is_input)
}

/// Whether the call asks for a new shell.
pub(super) fn is_reset(action: &Action) -> bool {
    is_set(action, "reset") || is_set(action, "restart")
}

/// The time limit that the call sets, in seconds.
pub(super) fn seconds(action: &Action) -> Option<f64> {
    let value = action.args.get("timeout");
    let given = value.and_then(|value| {
        value
            .as_f64()
            .or_else(|| value.as_str()?.trim().parse().ok())
    });
    let shell = action.shell.as_ref().and_then(|shell| shell.timeout_s);
    shell
        .or(given)
        .filter(|seconds| seconds.is_finite() && *seconds > 0.0)
}

/// The same as Python writes a float.
pub(super) fn limit(action: &Action) -> Option<String> {
    seconds(action).map(|seconds| format!("{seconds:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(args: &str, command_: Option<&str>, input: bool, reset: bool, limit_: Option<&str>) {
        let action = Action::new(None, "x", serde_json::from_str(args).unwrap());
        assert_eq!(command(&action).as_deref(), command_);
        assert_eq!(is_input(&action), input);
        assert_eq!(is_reset(&action), reset);
        assert_eq!(limit(&action).as_deref(), limit_);
    }

    #[test]
    fn arguments_are_read() {
        check(
            r#"{"command": "ls", "is_input": "true", "timeout": 120}"#,
            Some("ls"),
            true,
            false,
            Some("120.0"),
        );
        check(
            r#"{"command": "", "is_input": false, "reset": true, "timeout": "1.5"}"#,
            Some(""),
            false,
            true,
            Some("1.5"),
        );
        check(
            r#"{"cmd": "ls", "is_input": "no", "timeout": "x"}"#,
            Some("ls"),
            false,
            false,
            None,
        );
        check(
            r#"{"command": ["echo", "a b"], "timeout": -1}"#,
            Some("echo 'a b'"),
            false,
            false,
            None,
        );
        check(r#""ls -l""#, Some("ls -l"), false, false, None);
        check(r#"{"other": 1}"#, None, false, false, None);
    }
}
