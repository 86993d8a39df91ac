//! The prompt of a task: what an agent is told to do, from a template.
//!
//! A template is Jinja. Its variables are the fields of the instance, and `workspace` (where the base state lies),
//! `task_type`, `statement` (what the instance says the task is, whatever its field is called) and `targets` (a list of
//! the functions or classes of `func_localize`, also where there is one). A variable that the instance lacks counts as
//! empty in a condition and is an error where its value would be written.

pub mod jinja;

use std::path::Path;

use minijinja::Environment;
use minijinja::UndefinedBehavior;

use crate::error::Error;
use crate::error::Result;
use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Value;
use crate::replay::localize_targets;
use crate::tasks::prompt::jinja::to_template;

/// The built-in templates.
const BUILT_IN: [(TaskKind, &str); 4] = [
    (
        TaskKind::FuncLocalize,
        include_str!("prompt/func_localize.j2"),
    ),
    (TaskKind::DepSearch, include_str!("prompt/dep_search.j2")),
    (
        TaskKind::IssueLocalize,
        include_str!("prompt/issue_localize.j2"),
    ),
    (TaskKind::FuncGen, include_str!("prompt/func_gen.j2")),
];
/// The name of somebody's own template.
const OWN: &str = "template";

/// Templates that are ready to use.
#[derive(Debug)]
pub struct Prompts {
    environment: Environment<'static>,
    is_own: bool,
    /// Their text.
    source: String,
}

impl Prompts {
    /// The built-in ones, one for each type.
    ///
    /// # Errors
    /// *internal* when one does not compile.
    pub fn built_in() -> Result<Self> {
        let mut environment = empty();
        for (kind, source) in BUILT_IN {
            environment
                .add_template(kind.name(), source)
                .map_err(|err| Error::internal("a built-in prompt template").caused_by(err))?;
        }
        Ok(Self {
            environment,
            is_own: false,
            source: BUILT_IN.map(|(_, source)| source).concat(),
        })
    }

    /// A template of somebody's own, for tasks of any type.
    ///
    /// # Errors
    /// *input* when the file cannot be read, *user* when it does not compile.
    pub fn load(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|err| Error::input(format!("cannot read {shown}")).caused_by(err))?;
        let mut environment = empty();
        environment
            .add_template_owned(OWN, text.clone())
            .map_err(|err| Error::user(format!("the template {shown}: {err:#}")))?;
        Ok(Self {
            environment,
            is_own: true,
            source: text,
        })
    }

    /// Their text, of all of them where there are several.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The prompt of a task whose base state lies in `workspace`.
    ///
    /// # Errors
    /// *user* when there is no template for its type, its instance is not known, or it lacks what the template writes.
    pub fn render(&self, task: &Task, workspace: &str) -> Result<String> {
        let name = if self.is_own { OWN } else { task.kind.name() };
        let kind = task.kind.name();
        let template = self.environment.get_template(name).map_err(|err| {
            Error::user(format!(
                "there is no built-in prompt for tasks of type {kind}"
            ))
            .caused_by(err)
            .hint("--template FILE gives one")
        })?;
        let Some(Value::Object(fields)) = task.instance.as_deref() else {
            return Err(Error::user("the task's instance is not known"));
        };
        let mut all = fields.clone();
        all.insert("workspace".to_owned(), workspace.into());
        all.insert("task_type".to_owned(), kind.into());
        let statement = task.statement.as_deref().unwrap_or_default();
        all.insert("statement".to_owned(), statement.into());
        if task.kind == TaskKind::FuncLocalize {
            let targets = task.instance.as_deref().map(localize_targets);
            all.insert("targets".to_owned(), targets.unwrap_or_default().into());
        }
        let text = template
            .render(to_template(&Value::Object(all)))
            .map_err(|err| {
                let id = task.id.as_deref().unwrap_or("without id");
                let line = err
                    .line()
                    .map_or(String::new(), |line| format!(" (line {line})"));
                Error::user(format!("the prompt of task {id}{line}: {err}"))
            })?;
        Ok(format!("{}\n", text.trim()))
    }
}

fn empty() -> Environment<'static> {
    let mut environment = jinja::environment();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(instance: serde_json::Value) -> String {
        let task = Task::from_instance(instance);
        Prompts::built_in()
            .unwrap()
            .render(&task, "/workspace/r")
            .unwrap()
    }

    #[track_caller]
    fn holds(prompt: &str, words: &[&str]) {
        for words in words {
            assert!(prompt.contains(words), "{words:?} is not in:\n{prompt}");
        }
        assert!(!prompt.contains("\n\n\n"), "{prompt}");
    }

    #[test]
    fn every_type_has_a_prompt() {
        let localize = serde_json::json!({"instance_id": "t", "file_path": "secret.py", "module_name": "hidden",
            "module_type": "function", "function_description": "Says x.", "docstring_line_start": 1});
        let told = prompt(localize.clone());
        holds(
            &told,
            &[
                "/workspace/r",
                "there is a function called `hidden` of which",
                "\nSays x.\n",
            ],
        );
        assert!(!told.contains("secret"));
        let mut masked = localize.clone();
        masked["name_masked"] = true.into();
        let told = prompt(masked);
        holds(&told, &["there is a function of which", "nor is its name"]);
        assert!(!told.contains("secret") && !told.contains("hidden"));
        let other =
            serde_json::json!({"file_path": "b.py", "module_name": "g", "description": "Says y."});
        let told = prompt(serde_json::json!({"functions": [localize, other]}));
        holds(
            &told,
            &[
                "there are 2 functions",
                "\n1. `hidden`: Says x.\n",
                "\n2. `g`: Says y.\n",
            ],
        );
        let told = prompt(
            serde_json::json!({"target_function_name": "f", "target_function_file": "a.py",
            "target_function_line_start": 4, "dependencies": [{"name": "secret"}]}),
        );
        holds(
            &told,
            &["`f`", "a.py on line 5", "called by the f function"],
        );
        assert!(!told.contains("secret"));
        let told =
            prompt(serde_json::json!({"problem_statement": "{{ broken }}", "patch": "secret"}));
        holds(&told, &["<issue>\n{{ broken }}\n</issue>"]);
        assert!(!told.contains("secret"));
        let told = prompt(
            serde_json::json!({"file_path": "a.py", "func_name": "A.f", "func_signature": "def f(self):",
            "func_body": "secret", "eval_script": "secret"}),
        );
        holds(&told, &["`A.f` in a.py", "\n    def f(self):\n"]);
        assert!(!told.contains("secret"));
    }

    #[test]
    fn own_templates_replace_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.j2");
        let render = |template: &str, instance: serde_json::Value| {
            std::fs::write(&file, template).unwrap();
            Prompts::load(&file)?.render(&Task::from_instance(instance), "/w")
        };
        let task =
            serde_json::json!({"instance_id": "t", "problem_statement": "Say y.", "extra": [1, 2]});
        let told = render(
            "{{ task_type }} {{ statement }} {{ extra[1] }} {{ workspace }}",
            task.clone(),
        );
        assert_eq!(told.unwrap(), "issue Say y. 2 /w\n");
        assert_eq!(
            render("{% if none %}a{% endif %}b", task.clone()).unwrap(),
            "b\n"
        );
        let why = render("\n{{ missing }}", task.clone()).unwrap_err();
        assert!(
            why.to_string().contains("the prompt of task t (line 2)"),
            "{why}"
        );
        assert!(render("{% if %}", task).is_err());
        let issue = Task::from_instance(serde_json::json!({"FAIL_TO_PASS": []}));
        assert!(Prompts::built_in().unwrap().render(&issue, "/w").is_err());
    }
}
