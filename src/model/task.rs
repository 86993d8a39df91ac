//! The task that a trajectory attempts.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::model::Text;
use crate::model::Value;

/// What a task asks for.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Hybrid-Gym: find a function or class by description and document it.
    FuncLocalize,
    /// Hybrid-Gym: comment every definition that a function calls.
    DepSearch,
    /// Hybrid-Gym: comment every place that an issue concerns.
    IssueLocalize,
    /// Hybrid-Gym: implement a masked function.
    FuncGen,
    /// SWE-bench and its kin: resolve an issue.
    Issue,
    /// SWT-bench: write a test that reproduces an issue.
    TestGen,
    /// Commit-0: write a library from its tests.
    Library,
    /// Something else, or not known.
    #[default]
    Other,
}

impl TaskKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::FuncLocalize,
        Self::DepSearch,
        Self::IssueLocalize,
        Self::FuncGen,
        Self::Issue,
        Self::TestGen,
        Self::Library,
        Self::Other,
    ];

    /// The word used in JSON, columns and queries.
    pub fn name(self) -> &'static str {
        match self {
            Self::FuncLocalize => "func_localize",
            Self::DepSearch => "dep_search",
            Self::IssueLocalize => "issue_localize",
            Self::FuncGen => "func_gen",
            Self::Issue => "issue",
            Self::TestGen => "test_gen",
            Self::Library => "library",
            Self::Other => "other",
        }
    }

    /// Tells the kind by the fields of an instance row (hybrid-gym.md §2, formats.md §13).
    pub fn of_instance(instance: &Value) -> Self {
        let has = |key: &str| instance.get(key).is_some_and(|v| !v.is_null());
        if has("target_function_name") && has("dependencies") {
            Self::DepSearch
        } else if has("func_body") || (has("func_name") && has("eval_script")) {
            Self::FuncGen
        } else if has("functions")
            || (has("module_name")
                && has("file_path")
                && (has("function_description") || has("docstring_line_start")))
            || (has("module_name")
                && (has("brief_description") || has("description"))
                && has("module_line_start"))
        {
            Self::FuncLocalize
        } else if has("golden_code")
            || has("unit_test")
            || (has("setup") && has("test") && has("src_dir"))
        {
            Self::Library
        } else if has("problem_statement")
            && has("patch")
            && !has("FAIL_TO_PASS")
            && !has("test_patch")
        {
            Self::IssueLocalize
        } else if has("problem_statement") || has("FAIL_TO_PASS") || has("test_patch") {
            Self::Issue
        } else {
            Self::Other
        }
    }
}

/// A task instance, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Task {
    /// `instance_id`.
    pub id: Option<String>,
    /// What it asks for.
    pub kind: TaskKind,
    /// `owner/name`.
    pub repo: Option<String>,
    /// The commit the work starts from.
    pub base_commit: Option<String>,
    /// What the task says, where the instance says it apart from the prompt.
    pub statement: Option<Text>,
    /// The known right answer as a patch.
    pub gold_patch: Option<Text>,
    /// The instance row as it came; verifiers read their fields from it.
    #[serde(skip)]
    pub instance: Option<Arc<Value>>,
}

impl Task {
    /// Reads an instance row; every field is optional.
    pub fn from_instance(instance: Value) -> Self {
        let text = |key: &str| {
            instance
                .get(key)
                .and_then(Value::as_str)
                .filter(|s| !s.is_empty())
        };
        Self {
            id: text("instance_id").map(str::to_owned),
            kind: TaskKind::of_instance(&instance),
            repo: text("repo").map(str::to_owned),
            base_commit: text("base_commit").map(str::to_owned),
            statement: text("problem_statement")
                .or_else(|| text("function_description"))
                .map(Text::from),
            gold_patch: text("patch").map(Text::from),
            instance: Some(Arc::new(instance)),
        }
    }
}
