//! What a model is told before its first turn.

use std::fmt::Write as _;

use minijinja::Environment;
use serde_json::Value;

use crate::error::Error;
use crate::error::Result;
use crate::model::Trajectory;
use crate::rollout::course::Brief;
use crate::rollout::tools;

const SYSTEM: &str = include_str!("prompt/system.txt");
const TASK: &str = include_str!("prompt/task.j2");
const TEXT_CALLS: &str = include_str!("prompt/text_calls.txt");

/// The texts with which attempts begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompts {
    /// The system prompt.
    pub system: String,
    /// The template of the task's prompt.
    pub task: String,
}

impl Default for Prompts {
    fn default() -> Self {
        Self {
            system: SYSTEM.trim_end().to_owned(),
            task: TASK.to_owned(),
        }
    }
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

    /// What an attempt of a task begins with whose workspace is `root`.
    ///
    /// # Errors
    /// *user* when the template is none.
    pub(super) fn brief(&self, task: &Trajectory, root: &str) -> Result<Brief> {
        let wrong = |err| Error::user("the template of the prompt cannot be used").caused_by(err);
        let of_task = task.task.as_ref();
        let instance = of_task.and_then(|task| task.instance.clone());
        let field = |keys: &[&str]| {
            let instance = instance.as_ref();
            let found = keys.iter().find_map(|key| instance?.get(*key)?.as_str());
            minijinja::Value::from(found.unwrap_or_default())
        };
        let statement = field(&["problem_statement", "function_description", "description"]);
        let env = Environment::new();
        let told = minijinja::Value::from_pairs([
            (
                "task_type",
                minijinja::Value::from(of_task.map_or("", |task| task.kind.name())),
            ),
            ("workspace", minijinja::Value::from(root)),
            ("statement", statement),
            ("name", field(&["target_function_name", "func_name"])),
            ("file", field(&["target_function_file", "file_path"])),
        ]);
        let text = env.render_str(&self.task, told).map_err(wrong)?;
        Ok(Brief {
            system: self.system.clone(),
            task: text.trim().to_owned(),
        })
    }
}
