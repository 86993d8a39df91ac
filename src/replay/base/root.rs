//! Where the workspace lay when the trajectory was recorded.
//!
//! What the prompt says comes first (`<uploaded_files>`, "in the directory …"), then what the paths of views and edits
//! agree on, then what is customary with the producer. Places that a system needs for itself are none.

use crate::model::Format;
use crate::model::TaskKind;
use crate::model::Trajectory;
use crate::workspace::recorded_root;

/// Where a workspace lies that nothing tells of.
const CUSTOMARY: &str = "/workspace";
/// Folders in which, and in whose folders, no workspace can lie.
const SYSTEM: [&str; 13] = [
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run",
    "/sbin", "/sys", "/usr",
];
/// Folders that are no workspace themselves, but may hold one.
const AROUND: [&str; 6] = ["/home", "/mnt", "/opt", "/root", "/tmp", "/var"];

/// The workspace's folder: absolute, without `.` and `..`, outside the system's own folders.
pub(super) fn root(trajectory: &Trajectory) -> String {
    let told = trajectory.instruction.as_deref().and_then(told_by_prompt);
    let found = told.and_then(plain);
    // a command's first folder may be the one that holds the repository
    let found = found.or_else(|| recorded_root(trajectory).as_deref().and_then(plain));
    let found = found.filter(|found| found != CUSTOMARY);
    found.unwrap_or_else(|| customary(trajectory))
}

fn customary(trajectory: &Trajectory) -> String {
    let task = trajectory.task.as_ref();
    let repo = task.and_then(|task| task.repo.as_deref());
    let name = repo.map(|repo| repo.trim_matches('/').replace('/', "__"));
    let is_hybrid = task.is_some_and(|task| is_hybrid(task.kind));
    let commit = task.and_then(|task| task.base_commit.as_deref());
    let found = match (trajectory.source.format, name) {
        (Some(Format::MiniSweAgent), _) => Some("/testbed".to_owned()),
        (Some(Format::SweAgent), Some(name)) => Some(format!("/{name}")),
        (_, Some(name)) if is_hybrid => commit
            .and_then(|commit| commit.get(..8))
            .map(|commit| format!("/workspace/{name}__{commit}")),
        (_, Some(name)) => Some(format!("/workspace/{name}")),
        _ => None,
    };
    found
        .and_then(|found| plain(&found))
        .unwrap_or_else(|| CUSTOMARY.to_owned())
}

/// Whether a task is one of Hybrid-Gym's, whose repositories are made anew before the agent starts.
pub(super) fn is_hybrid(kind: TaskKind) -> bool {
    matches!(
        kind,
        TaskKind::FuncLocalize | TaskKind::DepSearch | TaskKind::IssueLocalize | TaskKind::FuncGen
    )
}

/// The folder that a prompt names.
fn told_by_prompt(prompt: &str) -> Option<&str> {
    const MARKS: [&str; 5] = [
        "<uploaded_files>",
        "in the directory ",
        "repository in the directory ",
        "located in the directory ",
        "repository is at ",
    ];
    /// Prompts say it at their beginning.
    const HEAD: usize = 1 << 16;
    let head = prompt.get(..prompt.floor_char_boundary(HEAD))?;
    MARKS.iter().find_map(|mark| {
        let (_, rest) = head.split_once(mark)?;
        let word = rest.split_whitespace().next()?;
        let word = word.trim_matches(|c| matches!(c, '`' | '"' | '\'' | '.' | ',' | ':' | ')'));
        word.starts_with('/').then_some(word)
    })
}

/// A folder that a workspace can have, in its plain form.
fn plain(path: &str) -> Option<String> {
    const MOST: usize = 1024;
    let parts: Vec<&str> = path
        .strip_prefix('/')?
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    let is_odd = |part: &&str| *part == ".." || part.chars().any(char::is_control);
    if parts.is_empty() || parts.iter().any(is_odd) || path.len() > MOST {
        return None;
    }
    let whole = format!("/{}", parts.join("/"));
    let first = format!("/{}", parts.first()?);
    let is_taken = SYSTEM.contains(&first.as_str()) || AROUND.contains(&whole.as_str());
    (!is_taken).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Task;

    #[track_caller]
    fn check(prompt: &str, format: Option<Format>, instance: serde_json::Value, want: &str) {
        let mut trajectory = Trajectory {
            instruction: Some(prompt.into()),
            task: Some(Task::from_instance(instance)),
            ..Trajectory::default()
        };
        trajectory.source.format = format;
        assert_eq!(root(&trajectory), want, "{prompt}");
    }

    #[test]
    fn prompts_tell() {
        let none = || serde_json::json!({});
        for (prompt, want) in [
            (
                "<uploaded_files>\n/workspace/o__r__1234\n</uploaded_files>\nx",
                "/workspace/o__r__1234",
            ),
            (
                "code repository in the directory /tmp/tmp3/astropy. You",
                "/tmp/tmp3/astropy",
            ),
            ("in the directory `/testbed/`.", "/testbed"),
            ("in the directory src", "/workspace"),
            ("<uploaded_files>\n/etc/x\n", "/workspace"),
            ("<uploaded_files>\n/usr\n", "/workspace"),
            ("<uploaded_files>\n/\n", "/workspace"),
            ("<uploaded_files>\n/a/../../etc\n", "/workspace"),
            ("<uploaded_files>\n/tmp\n", "/workspace"),
            ("<uploaded_files>\n/home/me/x//y/.\n", "/home/me/x/y"),
            ("", "/workspace"),
        ] {
            check(prompt, None, none(), want);
        }
    }

    #[test]
    fn producers_have_customs() {
        let issue =
            || serde_json::json!({"repo": "o/r", "problem_statement": "p", "FAIL_TO_PASS": "[]"});
        check("", Some(Format::MiniSweAgent), issue(), "/testbed");
        check("", Some(Format::SweAgent), issue(), "/o__r");
        check("", Some(Format::OpenHandsV0), issue(), "/workspace/o__r");
        let hybrid = serde_json::json!({"repo": "o/r", "base_commit": "0123456789",
            "func_name": "f", "eval_script": "x"});
        check(
            "",
            Some(Format::OpenHandsV0),
            hybrid,
            "/workspace/o__r__01234567",
        );
        let odd =
            serde_json::json!({"repo": "../..", "problem_statement": "p", "FAIL_TO_PASS": ""});
        check("", Some(Format::SweAgent), odd, "/..__..");
    }
}
