//! What the task asks for, as far as behaviour is judged by it.

use crate::model::TaskKind;
use crate::model::Trajectory;

/// How much of a prompt is read; what is asked stands at its beginning.
const PROMPT_BYTES: usize = 32 << 10;

/// What the task asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about the prompt"
)]
pub(in crate::behave) struct Ask {
    /// A change of a repository's source.
    pub(in crate::behave) is_repository: bool,
    /// Tests are part of what is wanted.
    pub(in crate::behave) wants_tests: bool,
    /// Comments and docstrings only.
    pub(in crate::behave) wants_docs: bool,
    /// A puzzle: what runs is work, not a check of it.
    pub(in crate::behave) is_puzzle: bool,
    /// The prompt says that nothing can or may be run.
    pub(in crate::behave) forbids_runs: bool,
}

/// The beginning of the prompt in lower case; empty where none is known.
pub(in crate::behave) fn prompt(trajectory: &Trajectory) -> String {
    let prompt = trajectory.instruction.as_deref().or_else(|| {
        trajectory
            .task
            .as_ref()
            .and_then(|task| task.statement.as_deref())
    });
    let prompt = prompt.unwrap_or_default();
    prompt
        .get(..prompt.floor_char_boundary(PROMPT_BYTES))
        .unwrap_or_default()
        .to_lowercase()
}

/// Reads the task and the prompt in lower case.
pub(in crate::behave) fn ask(trajectory: &Trajectory, prompt: &str) -> Ask {
    let kind = trajectory
        .task
        .as_ref()
        .map(|task| task.kind)
        .unwrap_or_default();
    let any = |marks: &[&str]| marks.iter().any(|mark| prompt.contains(mark));
    // a template that says what not to do about tests asks for none
    let asks_for_tests = any(&[
        "write a test",
        "write tests",
        "write unit tests",
        "add tests",
        "add a test",
        "add unit tests",
        "tests that reproduce",
        "implement tests",
        "create tests",
        "unit test for",
        "reproducing test",
    ]) && !any(&[
        "<issue_description>",
        "<pr_description>",
        "you don't have to modify the testing logic",
    ]);
    let wants_docs = matches!(
        kind,
        TaskKind::FuncLocalize | TaskKind::DepSearch | TaskKind::IssueLocalize
    );
    let is_known = matches!(
        kind,
        TaskKind::Issue | TaskKind::FuncGen | TaskKind::Library
    );
    Ask {
        is_repository: is_known
            || (any(&["repository", "codebase", "code base"])
                && any(&[
                    "fix",
                    "implement",
                    "resolve",
                    "refactor",
                    "bug",
                    "feature",
                    "issue",
                ])
                && !wants_docs),
        wants_tests: kind == TaskKind::TestGen || (asks_for_tests && !is_known),
        wants_docs,
        is_puzzle: any(&[
            "capture the flag",
            "picoctf",
            " ctf ",
            "ctf challenge",
            "flag{",
            "the flag",
        ]),
        forbids_runs: any(&[
            "cannot run",
            "can't run",
            "can not run",
            "do not run",
            "don't run",
            "without running",
            "not able to run",
            "unable to run",
            "do not execute",
            "cannot execute",
            "no need to run",
            "not allowed to run",
        ]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Task;

    fn of(kind: TaskKind, prompt: &str) -> Ask {
        let trajectory = Trajectory {
            task: Some(Task {
                kind,
                ..Task::default()
            }),
            instruction: Some(prompt.into()),
            ..Trajectory::default()
        };
        ask(&trajectory, &super::prompt(&trajectory))
    }

    #[test]
    fn what_is_asked() {
        let issue = of(TaskKind::Issue, "Fix it. Please add tests.");
        assert!(issue.is_repository && !issue.wants_tests && !issue.forbids_runs);
        assert!(of(TaskKind::TestGen, "x").wants_tests);
        assert!(of(TaskKind::Other, "Write tests for a.py").wants_tests);
        assert!(of(TaskKind::Other, "Fix the bug in this repository").is_repository);
        assert!(!of(TaskKind::Other, "What is 2+2?").is_repository);
        assert!(of(TaskKind::Other, "Find the flag in file").is_puzzle);
        assert!(of(TaskKind::DepSearch, "x").wants_docs);
        assert!(of(TaskKind::Issue, "You cannot run the tests.").forbids_runs);
    }
}
