//! Runs the calls of an attempt in its sandbox, with the tools that a replay of it would use.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::model::Action;
use crate::read::understand::NEVER_RAN;
use crate::replay::Call;
use crate::replay::Did;
use crate::replay::Form;
use crate::replay::OpenHands;
use crate::replay::Tool as _;
use crate::replay::cut_middle;
use crate::replay::edit::StrReplaceEditor;
use crate::rollout::said::Asked;
use crate::rollout::tools;
use crate::sandbox::Sandbox;

/// What came of a call.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    /// The kind of the event: `run`, `read`, `edit`, `error`.
    pub(super) kind: &'static str,
    /// The event's text.
    pub(super) content: String,
    /// What the model reads.
    pub(super) message: String,
    /// What else the event tells.
    pub(super) extras: Value,
    /// Whether a command ended well; `None` for what is no command.
    pub(super) success: Option<bool>,
}

impl Seen {
    /// A call that could not be run.
    pub(super) fn error(why: impl Into<String>) -> Self {
        let why: String = why.into();
        let content = cut_middle(&why);
        Self {
            kind: "error",
            message: format!("{content}\n[Error occurred in processing last action]"),
            content,
            extras: json!({"error_id": ""}),
            success: None,
        }
    }
}

/// Where calls are run.
pub(super) trait Hands {
    /// Runs a call, within `patience`.
    ///
    /// # Errors
    /// *limit* when the sandbox died or it was cancelled.
    fn run(&mut self, asked: &Asked, patience: Duration, cancel: &Cancel) -> Result<Seen>;
}

/// The tools of OpenHands in a sandbox.
pub(super) struct InSandbox<'a> {
    sandbox: &'a mut dyn Sandbox,
    shell: OpenHands,
    editor: StrReplaceEditor,
    /// The workspace's folder, and where it lies for commands if that is elsewhere.
    root: &'a str,
    place: Option<String>,
    steps: usize,
}

impl<'a> InSandbox<'a> {
    /// With a shell that begins in the workspace.
    pub(super) fn new(sandbox: &'a mut dyn Sandbox, root: &'a str) -> Self {
        let place = Some(sandbox.place_of(root)).filter(|place| place != root);
        Self {
            sandbox,
            shell: OpenHands::new(root, Form::Message),
            editor: StrReplaceEditor::new(),
            root,
            place,
            steps: 0,
        }
    }

    /// A text of the model's for commands.
    fn inwards(&self, text: &str) -> String {
        match &self.place {
            Some(place) => text.replace(self.root, place),
            None => text.to_owned(),
        }
    }

    /// A text of a command's for the model.
    fn outwards(&self, text: &str) -> String {
        match &self.place {
            Some(place) => text.replace(place.as_str(), self.root),
            None => text.to_owned(),
        }
    }

    fn bash(&mut self, action: &mut Action, patience: Duration, cancel: &Cancel) -> Result<Seen> {
        let command = action.args.get("command").and_then(Value::as_str);
        let command = command.unwrap_or_default().to_owned();
        if let Some(args) = action.args.as_object_mut() {
            args.insert("command".to_owned(), Value::String(self.inwards(&command)));
        }
        let call = Call {
            action,
            step: self.steps,
            patience,
        };
        let reply = self.shell.run(&call, self.sandbox, &mut |_| {}, cancel)?;
        if let Did::NotReplayable(why) = reply.did {
            return Ok(Seen::error(why));
        }
        let shown = self.shell.shown().clone();
        // as long as OpenHands lets an event be; what is wider is no use to anybody and fills disks
        let content = cut_middle(&self.outwards(&shown.content));
        let Some(code) = shown.exit_code else {
            return Ok(Seen::error(content));
        };
        let message = self.outwards(&shown.message);
        Ok(Seen {
            kind: "run",
            content,
            message,
            extras: json!({"command": command, "hidden": false, "metadata": {
                "exit_code": code, "pid": -1, "username": "root", "hostname": "sandbox",
                "working_dir": shown.dir.as_deref().map(|dir| self.outwards(dir)),
                "py_interpreter_path": shown.python, "prefix": shown.prefix, "suffix": shown.suffix}}),
            success: Some(code == 0),
        })
    }

    fn edit(&mut self, action: &Action, patience: Duration, cancel: &Cancel) -> Result<Seen> {
        let call = Call {
            action,
            step: self.steps,
            patience,
        };
        let reply = self.editor.run(&call, self.sandbox, &mut |_| {}, cancel)?;
        if let Did::NotReplayable(why) = reply.did {
            // nothing was done, and a replay passes over it
            let tool = tools::SHELL;
            return Ok(Seen::error(format!(
                "{NEVER_RAN}{why}. {tool} may do it instead."
            )));
        }
        let text = |key: &str| action.args.get(key).cloned().unwrap_or_default();
        let is_view = action.args.get("command").and_then(Value::as_str) == Some("view");
        let (kind, extras) = if is_view {
            (
                "read",
                json!({"path": text("path"), "impl_source": "oh_aci"}),
            )
        } else {
            let extras = json!({"path": text("path"), "prev_exist": text("command") != "create",
                "old_content": text("old_str"), "new_content": text("new_str"), "impl_source": "oh_aci"});
            ("edit", extras)
        };
        Ok(Seen {
            kind,
            message: reply.text.clone(),
            content: reply.text,
            extras,
            success: None,
        })
    }
}

impl Hands for InSandbox<'_> {
    fn run(&mut self, asked: &Asked, patience: Duration, cancel: &Cancel) -> Result<Seen> {
        let args = match &asked.args {
            Ok(args) => args.clone(),
            Err(why) => return Ok(Seen::error(why.as_str())),
        };
        let mut action = Action::new(Some(asked.id.clone()), asked.tool.as_str(), args);
        self.steps += 1;
        match asked.tool.as_str() {
            tools::SHELL => self.bash(&mut action, patience, cancel),
            tools::EDITOR => self.edit(&action, patience, cancel),
            other => Ok(Seen::error(format!("There is no tool \"{other}\"."))),
        }
    }
}
