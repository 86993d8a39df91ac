//! The component of an action: reasoning, exploration, implementation, verification or execution.
//!
//! An action counts by what it does: of several parts of a command line, and of several actions of a step, the
//! weightiest (implementation > verification > execution > exploration > reasoning). Edits count by the file: what
//! is part of the solution is implementation; tests (unless the task asks for some) and scripts of the agent's own are
//! verification. Commands are read word by word in [`shell`].

mod program;
mod shell;

use crate::behave::code::Purpose;
use crate::behave::code::purpose;
use crate::behave::command::Part;
use crate::behave::file::Role;
use crate::behave::task::Ask;
use crate::model::Action;
use crate::model::ActionClass;
use crate::model::Component;
use crate::model::Value;

pub(in crate::behave) use shell::git_verb;
pub(in crate::behave) use shell::of_part;
pub(in crate::behave) use shell::of_removal;

/// What an action is judged by besides itself.
#[derive(Clone, Copy)]
pub(in crate::behave) struct Around<'a> {
    /// What the task asks for.
    pub(in crate::behave) ask: Ask,
    /// The role of a file at this point of the trajectory.
    pub(in crate::behave) role: &'a dyn Fn(&str) -> Role,
    /// The agent made this file.
    pub(in crate::behave) is_own: &'a dyn Fn(&str) -> bool,
    /// A file was changed before.
    pub(in crate::behave) has_edited: bool,
    /// The prompt names this word.
    pub(in crate::behave) is_named: &'a dyn Fn(&str) -> bool,
}

impl Around<'_> {
    /// In puzzles, longer code that also reads files does the work.
    const FEW_LINES: usize = 8;

    /// The component of a change of a file.
    pub(in crate::behave) fn of_edit(&self, path: &str) -> Component {
        match (self.role)(path) {
            _ if self.ask.is_puzzle => Component::Execution,
            Role::Source | Role::Docs => Component::Implementation,
            Role::Test if self.ask.wants_tests => Component::Implementation,
            Role::Test | Role::Scratch => Component::Verification,
        }
    }

    /// The component of code that was run.
    pub(in crate::behave) fn of_code(&self, code: &str) -> Component {
        match purpose(code) {
            (Purpose::Writes, Some(path)) => self.of_edit(path),
            (Purpose::Writes, None) if self.ask.is_puzzle => Component::Execution,
            (Purpose::Writes, None) => Component::Implementation,
            (Purpose::Looks, _) if self.ask.is_puzzle && code.lines().count() > Self::FEW_LINES => {
                Component::Execution
            }
            (Purpose::Looks, _) => Component::Exploration,
            (Purpose::IsEmptyCheck, _) => Component::Verification,
            (Purpose::Says, _) => Component::Reasoning,
            (Purpose::Runs, _) => self.of_run(),
        }
    }

    /// The component of a program of which only is known that it runs something: a check where there is something to
    /// check, a repository or files of its own, else the work itself.
    pub(in crate::behave) fn of_run(&self) -> Component {
        let is_work = !self.ask.is_repository && !self.ask.wants_tests && !self.has_edited;
        if self.ask.is_puzzle || is_work {
            Component::Execution
        } else {
            Component::Verification
        }
    }
}

/// The order in which components outweigh each other.
pub(in crate::behave) fn weight(component: Component) -> u8 {
    match component {
        Component::Reasoning => 0,
        Component::Exploration => 1,
        Component::Execution => 2,
        Component::Verification => 3,
        Component::Implementation => 4,
    }
}

/// The weightiest of several.
pub(in crate::behave) fn weightiest(
    components: impl IntoIterator<Item = Component>,
) -> Option<Component> {
    components
        .into_iter()
        .max_by_key(|component| weight(*component))
}

/// The component of an action whose command, if it has one, was cut into `parts`.
pub(in crate::behave) fn component_of(
    action: &Action,
    parts: &[Part],
    around: &Around<'_>,
) -> Component {
    if let Some(shell) = &action.shell {
        if action.class == ActionClass::Finish {
            return Component::Reasoning;
        }
        if shell.is_input {
            return if shell.cmd.trim().is_empty() {
                Component::Exploration
            } else {
                Component::Execution
            };
        }
        let of_edits = action.edits.iter().map(|edit| of_shell_edit(edit, around));
        let of_parts = shell::of_parts(parts, around);
        return weightiest(of_edits.chain(of_parts)).unwrap_or(Component::Exploration);
    }
    match action.class {
        ActionClass::View | ActionClass::Search => Component::Exploration,
        ActionClass::Edit => weightiest(action.edits.iter().map(|edit| around.of_edit(&edit.path)))
            .unwrap_or_else(|| {
                program::path_arg(action)
                    .map_or(Component::Implementation, |path| around.of_edit(path))
            }),
        ActionClass::Think | ActionClass::Finish | ActionClass::Plan | ActionClass::Delegate => {
            Component::Reasoning
        }
        ActionClass::Web => program::of_web(action),
        ActionClass::Shell => match code_of(action) {
            Some(code) if !code.trim().is_empty() => of_cell(code, around),
            _ => program::of_tool(action, around),
        },
        ActionClass::Other => program::of_tool(action, around),
    }
}

/// A change that a command makes. Removing what the agent itself made is no change of the solution.
fn of_shell_edit(edit: &crate::model::Edit, around: &Around<'_>) -> Component {
    if edit.op == crate::model::EditOp::Delete {
        return shell::of_removal(&edit.path, around);
    }
    around.of_edit(&edit.path)
}

/// The code of an action that runs some.
pub(in crate::behave) fn code_of(action: &Action) -> Option<&str> {
    if action.shell.is_some() {
        return None;
    }
    let text = |key: &str| action.args.get(key).and_then(Value::as_str);
    text("code")
        .or_else(|| text("command"))
        .or_else(|| text("cmd"))
        .or_else(|| action.args.as_str())
}

/// A cell of a notebook: code, and lines with `!` or `%` that are commands.
fn of_cell(code: &str, around: &Around<'_>) -> Component {
    let (mut bare, mut found) = (String::new(), Vec::new());
    for line in code.lines() {
        let command = line.trim_start();
        if let Some(command) = command
            .strip_prefix(['!', '%'])
            .filter(|rest| !rest.starts_with('%'))
        {
            found.extend(shell::of_parts(
                &crate::behave::command::parts(command),
                around,
            ));
        } else {
            bare.push_str(line);
            bare.push('\n');
        }
    }
    if !bare.trim().is_empty() {
        found.push(around.of_code(&bare));
    }
    weightiest(found).unwrap_or(Component::Exploration)
}

#[cfg(test)]
mod tests;
