//! What a file is to the task, told by its name and by who made it.

/// What a file is to the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::behave) enum Role {
    /// Part of the solution: source, configuration, anything not told otherwise.
    Source,
    /// Documentation only.
    Docs,
    /// A test or a grader.
    Test,
    /// A script of the agent's own for looking, reproducing or checking; anything in a temporary folder.
    Scratch,
}

/// Tells a file's role in a task whose prompt (lower case) is known: what the prompt names is what it is about, unless
/// it is a test by its own name, and a workspace may lie in a temporary folder. `is_own`: the agent made it.
pub(in crate::behave) fn role_in(
    path: &str,
    is_own: bool,
    prompt: &str,
    is_repository: bool,
) -> Role {
    let role = role(path, is_own);
    let path = path.to_ascii_lowercase();
    let name = base_name(&path);
    let is_named = |word: &str| word.len() > 2 && prompt.contains(word);
    match role {
        Role::Docs if is_named(name.split_once('.').map_or(name, |(stem, _)| stem)) => Role::Source,
        Role::Test if !is_own && !is_test_name(name) && is_named(name) => Role::Source,
        Role::Scratch if is_temporary(&path) && !(is_own && is_scratch_name(name)) => {
            let mut folders = path.match_indices('/').map(|(at, _)| at).skip(2);
            let workspace = folders.next().and_then(|at| path.get(..at));
            if !is_repository || workspace.is_some_and(is_named) {
                self::role(path.trim_start_matches("/tmp"), is_own)
            } else {
                role
            }
        }
        role => role,
    }
}

fn is_temporary(path: &str) -> bool {
    ["/tmp/", "/var/tmp/", "/dev/shm/"]
        .iter()
        .any(|folder| path.starts_with(folder))
}

/// Tells a file's role. `is_own`: the agent made it in this attempt.
pub(in crate::behave) fn role(path: &str, is_own: bool) -> Role {
    let path = path.trim_start_matches("./").to_ascii_lowercase();
    let name = base_name(&path);
    if is_temporary(&path) && !has_repository(&path) {
        return Role::Scratch;
    }
    let is_test = is_test_name(name) || is_in_tests(&path);
    if is_own && (is_scratch_name(name) || (is_test && !is_in_tests(&path) && is_at_root(&path))) {
        return Role::Scratch;
    }
    if is_test {
        return Role::Test;
    }
    if is_docs(&path, name) {
        return Role::Docs;
    }
    Role::Source
}

/// The last name of a path.
pub(in crate::behave) fn base_name(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path)
}

/// What stands behind the last point of a path; empty without one.
pub(in crate::behave) fn ending(path: &str) -> &str {
    base_name(path)
        .rsplit_once('.')
        .map_or("", |(_, ending)| ending)
}

/// Whether two paths can name the same file: one ends with the other, name by name.
pub(in crate::behave) fn is_same_file(a: &str, b: &str) -> bool {
    let bare =
        |path: &'_ str| -> String { path.trim_start_matches("./").trim_matches('/').to_owned() };
    let (a, b) = (bare(a), bare(b));
    let (long, short) = if a.len() >= b.len() {
        (&a, &b)
    } else {
        (&b, &a)
    };
    !short.is_empty()
        && long
            .strip_suffix(short.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

/// Workspaces that harnesses lay out in a temporary folder.
fn has_repository(path: &str) -> bool {
    path.contains("/repo/") || path.contains("/workspace/") || path.contains("/testbed/")
}

fn is_in_tests(path: &str) -> bool {
    let mut folders = path.split('/').rev();
    folders.next();
    folders.any(|folder| {
        matches!(
            folder,
            "test"
                | "tests"
                | "testing"
                | "__tests__"
                | "spec"
                | "specs"
                | "testdata"
                | "e2e"
                | "unittests"
        )
    })
}

fn is_test_name(name: &str) -> bool {
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    stem.starts_with("test_")
        || stem.ends_with("_test")
        || stem.ends_with("_tests")
        || matches!(stem, "test" | "tests" | "conftest" | "runtests")
        || stem.ends_with("_spec")
        || name.contains(".test.")
        || name.contains(".spec.")
        || (matches!(ending(name), "java" | "kt" | "cs")
            && (stem.ends_with("test") || stem.ends_with("tests") || stem.starts_with("test")))
}

/// Names that people and models give to scripts they throw away.
fn is_scratch_name(name: &str) -> bool {
    const WORDS: [&str; 17] = [
        "repro",
        "debug",
        "verify",
        "verification",
        "scratch",
        "tmp",
        "temp",
        "try_",
        "minimal",
        "playground",
        "poc",
        "check_",
        "_check",
        "simple_test",
        "quick",
        "test_fix",
        "edge_case",
    ];
    let is_script = [
        ".py", ".sh", ".js", ".ts", ".rb", ".go", ".php", ".java", ".c", ".cpp", ".rs", ".mjs",
        ".txt", ".sql", ".r", ".pl",
    ]
    .iter()
    .any(|ending| name.ends_with(ending));
    let is_plain = [
        "demo.py",
        "example.py",
        "run_test.py",
        "run_tests.py",
        "final_test.py",
    ]
    .contains(&name);
    is_script && (is_plain || WORDS.iter().any(|word| name.contains(word)))
}

/// Whether the file lies in no folder of the repository: `/testbed/a.py`, `/workspace/repo/a.py`, `a.py`.
fn is_at_root(path: &str) -> bool {
    let folders = path.trim_matches('/').split('/').count() - 1;
    let is_workspace = |start: &str| path.starts_with(start);
    folders == 0
        || (folders <= 1 && path.starts_with('/'))
        || (folders <= 2
            && (is_workspace("/workspace/")
                || is_workspace("/repo/")
                || is_workspace("/home/")
                || is_workspace("/root/")))
}

fn is_docs(path: &str, name: &str) -> bool {
    [".md", ".rst", ".mdx", ".adoc"]
        .iter()
        .any(|ending| name.ends_with(ending))
        || matches!(
            name,
            "changelog" | "changes" | "authors" | "license" | "changes.txt" | "authors.txt"
        )
        || ((path.starts_with("docs/") || path.contains("/docs/") || path.contains("/doc/"))
            && ending(name) != "py")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, is_own: bool, want: Role) {
        assert_eq!(role(path, is_own), want, "{path}");
    }

    #[test]
    fn roles_by_name() {
        check("src/a.py", false, Role::Source);
        check("setup.cfg", false, Role::Source);
        check("/testbed/django/db/models.py", true, Role::Source);
        check("tests/test_a.py", false, Role::Test);
        check("tests/test_new.py", true, Role::Test);
        check("/workspace/o__r/tests/data/a.json", false, Role::Test);
        check("pkg/a_test.go", true, Role::Test);
        check("src/A.test.tsx", false, Role::Test);
        check("src/UserTest.java", false, Role::Test);
        check("src/latest.py", false, Role::Source);
        check("src/contest.py", false, Role::Source);
        check("README.md", false, Role::Docs);
        check("docs/a/conf.txt", false, Role::Docs);
        check("docs/conf.py", false, Role::Source);
    }

    #[test]
    fn what_the_agent_throws_away() {
        check("/testbed/reproduce.py", true, Role::Scratch);
        check("/testbed/reproduce.py", false, Role::Source);
        check("/workspace/o__r/test_issue.py", true, Role::Scratch);
        check("/workspace/o__r/test_issue.py", false, Role::Test);
        check("/tmp/x/out.json", true, Role::Scratch);
        check("/tmp/inputs/repo/a.py", true, Role::Source);
        check("debug_it.py", true, Role::Scratch);
        check("src/debugger.css", true, Role::Source);
    }

    #[test]
    fn paths_of_one_file() {
        assert!(is_same_file("/testbed/a/b.py", "a/b.py"));
        assert!(is_same_file("./b.py", "b.py"));
        assert!(!is_same_file("/a/xb.py", "b.py"));
        assert!(!is_same_file("a.py", "b.py"));
        assert!(!is_same_file("a.py", ""));
    }
}
