//! What a model is told before its first turn.

use std::fmt::Write as _;

use serde_json::Value;

use crate::error::Error;
use crate::error::Result;
use crate::model::Trajectory;
use crate::rollout::course::Brief;
use crate::rollout::tools;
use crate::tasks::prompt;

const SYSTEM: &str = include_str!("prompt/system.txt");
const TEXT_CALLS: &str = include_str!("prompt/text_calls.txt");

/// The texts with which attempts begin.
#[derive(Debug)]
pub struct Prompts {
    /// The system prompt; hgview's own where there is none.
    pub system: Option<String>,
    /// The templates of the tasks' prompts.
    pub tasks: prompt::Prompts,
}

impl Prompts {
    /// How a model without a field for calls writes them, with a description of the tools.
    pub fn text_calls() -> String {
        let mut text = TEXT_CALLS.trim_end().to_owned();
        text.push('\n');
        for tool in tools::definitions() {
            let function = &tool["function"];
            let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            // writing to a text cannot fail
            let _written = write!(
                text,
                "\n# {}\n{}\n",
                word(&function["name"]),
                word(&function["description"])
            );
            let parameters = function["parameters"]["properties"].as_object();
            let required = function["parameters"]["required"].as_array();
            for (name, about) in parameters.into_iter().flatten() {
                let is_required =
                    required.is_some_and(|names| names.iter().any(|one| one == name.as_str()));
                let need = if is_required { "required" } else { "optional" };
                let (kind, about) = (word(&about["type"]), word(&about["description"]));
                let _written = writeln!(text, "* {name} ({kind}, {need}): {about}");
            }
        }
        text
    }

    /// The system prompt.
    pub(super) fn system(&self) -> &str {
        self.system.as_deref().unwrap_or(SYSTEM).trim_end()
    }

    /// What an attempt of a task begins with whose workspace is `root`.
    ///
    /// # Errors
    /// *user* when the templates have nothing for such a task.
    pub(super) fn brief(&self, task: &Trajectory, root: &str) -> Result<Brief> {
        let of_task = task.task.as_ref();
        let of_task = of_task.ok_or_else(|| Error::user("it names no task"))?;
        let told = self.tasks.render(of_task, root)?;
        Ok(Brief {
            system: self.system().to_owned(),
            task: told.trim_end().to_owned(),
            root: root.to_owned(),
        })
    }
}
