//! `broken_environment`: a run fails because the environment lacks what the task needs.
//!
//! Rule: a command or cell that failed, or whose output ends in a traceback, says that a module is missing which is no
//! part of the workspace, a program is not found that is more than nice to have, a shared library is missing, a host
//! cannot be resolved, the disk is full, another version of the interpreter is needed, or the project's own extensions
//! are not built. Looking around counts where an interpreter ran for it (`python -m pytest --version`) and failed.
//! Outputs are searched at their beginning and at their end only.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::behave::code::any_of;
use crate::behave::code::fixed;
use crate::behave::command::Part;
use crate::behave::course::Act;
use crate::behave::course::Course;
use crate::behave::course::seen;
use crate::model::ActionClass;
use crate::model::Component;
use crate::model::Flag;
use crate::model::FlagKind;
use crate::text;

static MODULE: LazyLock<Regex> = LazyLock::new(|| {
    fixed(
        r"(?m)^(?:E\s+)?(?:ModuleNotFoundError|ImportError): No module named '?([\w.]+)'?|No module named ([\w.]+)$|^Error: Cannot find module '([^./'][^']*)'",
    )
});
static PROGRAM: LazyLock<Regex> = LazyLock::new(|| {
    fixed(
        r"(?m)^(?:[\w./-]+: )?(?:line \d+: |\d+: )?(?:eval: line \d+: )?([\w.+-]+): (?:command )?not found\s*$",
    )
});
static OTHER: LazyLock<Regex> = LazyLock::new(|| {
    fixed(concat!(
        r"(?m)error while loading shared libraries: \S+|cannot open shared object file|No space left on device",
        r"|Could not resolve host|Temporary failure in name resolution|Network is unreachable|Failed to establish a new connection",
        r"|requires a different Python|requires Python|ImportError: cannot import name '\w+' from 'collections'",
        r"|ImportError: cannot import name '?\w+'? from '(?:jinja2|werkzeug|markupsafe|urllib3|importlib_metadata)[\w.]*'",
        r"|Temporary failure resolving|Failed building wheel|[Ff]ailed to build|subprocess-exited-with-error",
        r"|EACCES: permission denied, mkdir|cannot create directory '[^']*': Permission denied|required field .?.lineno.? missing",
        r"|No matching distribution found|Could not find a version that satisfies|Unable to locate package",
        r"|without building the extension modules|has not been built correctly|legacy-install-failure",
    ))
});

/// Marks without which none of the patterns can match.
static WORDS: LazyLock<Regex> = LazyLock::new(|| {
    any_of([
        "No module named",
        "not found",
        "Cannot find module",
        "shared librar",
        "shared object",
        "No space left",
        "resolve host",
        "name resolution",
        "Network is unreachable",
        "new connection",
        "requires",
        "Failed building",
        "ailed to build",
        "exited-with-error",
        "ermission denied",
        "lineno",
        "failure resolving",
        "cannot import name",
        "the extension modules",
        "built correctly",
        "legacy-install-failure",
    ])
});

/// Programs whose absence hinders nobody.
const NICE: [&str; 22] = [
    "rg", "tree", "bat", "fd", "ag", "ack", "jq", "htop", "vim", "nano", "less", "black", "flake8",
    "isort", "ruff", "mypy", "pylint", "file", "xxd", "column", "bc", "fdfind",
];

/// Finds them, one a step.
pub(super) fn find(course: &Course<'_>) -> Vec<Flag> {
    let own = own_modules(course);
    let mut found: Vec<Flag> = Vec::new();
    for act in &course.acts {
        if !is_run(act) || found.last().is_some_and(|flag| flag.step == Some(act.step)) {
            continue;
        }
        if let Some(what) = lack(act, &own) {
            found.push(Flag::of_step(FlagKind::BrokenEnvironment, act.step, what));
        }
    }
    found
}

/// Whether what failed may be a run: a command that is more than a look, a look for which an interpreter ran code or a
/// module, an edit that the file system refused.
fn is_run(act: &Act<'_>) -> bool {
    match (act.action.class, act.component) {
        (ActionClass::Edit, _) if act.has_failed => true,
        _ if act.action.shell.is_none() && act.action.class != ActionClass::Shell => false,
        (_, Component::Reasoning) => false,
        (_, Component::Exploration) => {
            let is_interpreted = |part: &Part| part.code().is_some() || part.module().is_some();
            act.has_failed && act.parts.iter().any(is_interpreted)
        }
        _ => true,
    }
}

/// What an action's observation says is missing.
pub(super) fn lack(act: &Act<'_>, own: &HashSet<String>) -> Option<String> {
    let observation = act.action.observation.as_ref()?;
    seen(observation).find_map(|text| {
        if !WORDS.is_match(text) {
            return None;
        }
        let modules = MODULE.captures_iter(text).take(20);
        let mut modules = modules.filter_map(|found| {
            found
                .iter()
                .skip(1)
                .flatten()
                .next()
                .map(|name| name.as_str())
        });
        let missing = modules.find(|name| {
            let top = name.split('.').next().unwrap_or_default();
            let is_compiled = name
                .rsplit('.')
                .next()
                .is_some_and(|last| last.starts_with('_'));
            (!own.contains(top) || is_compiled) && act.has_failed
        });
        if let Some(name) = missing {
            return Some(format!("the module {name} is missing"));
        }
        let mut programs = PROGRAM
            .captures_iter(text)
            .take(20)
            .filter_map(|found| found.get(1));
        let is_asked = |name: &str| {
            act.parts
                .iter()
                .any(|part| part.program() == name || part.written == name)
        };
        if let Some(name) =
            programs.find(|name| !NICE.contains(&name.as_str()) && is_asked(name.as_str()))
        {
            return Some(format!("the program {} is not found", name.as_str()));
        }
        let other = OTHER.find(text).filter(|_| act.has_failed)?;
        Some(text::excerpt(other.as_str(), 100))
    })
}

/// The first names of all files and folders that the trajectory touches: their modules are the project's.
pub(super) fn own_modules(course: &Course<'_>) -> HashSet<String> {
    let mut own = HashSet::new();
    let viewed = course
        .acts
        .iter()
        .filter_map(|act| act.action.view.as_ref().map(|view| view.path.as_str()));
    let changed = course
        .acts
        .iter()
        .flat_map(|act| act.changes.iter().map(|change| change.path.as_ref()));
    let patched = course
        .trajectory
        .final_patch
        .as_deref()
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.strip_prefix("+++ b/"));
    for path in viewed.chain(changed).chain(patched) {
        for name in path.split('/') {
            own.insert(name.strip_suffix(".py").unwrap_or(name).to_owned());
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use crate::behave::tests::Run;
    use crate::model::FlagKind::BrokenEnvironment;

    const TRACE: &str =
        "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    import x\n";

    #[test]
    fn what_is_missing() {
        let module = format!("{TRACE}ModuleNotFoundError: No module named 'numpy'");
        Run::issue()
            .shell("python a.py", &module, 1)
            .has(BrokenEnvironment, &[1]);
        Run::issue()
            .shell(
                "python -m pytest",
                "/usr/bin/python: No module named pytest",
                1,
            )
            .has(BrokenEnvironment, &[1]);
        Run::issue()
            .shell("cargo test", "bash: cargo: command not found", 127)
            .has(BrokenEnvironment, &[1]);
        Run::issue()
            .shell("make", "/bin/sh: 1: make: not found", 127)
            .has(BrokenEnvironment, &[1]);
        Run::issue()
            .shell(
                "python a.py",
                "ImportError: libGL.so.1: cannot open shared object file: No such file",
                1,
            )
            .has(BrokenEnvironment, &[1]);
        Run::issue()
            .shell("pip install x", "Temporary failure in name resolution", 1)
            .has(BrokenEnvironment, &[1]);
    }

    #[test]
    fn looks_for_which_an_interpreter_ran() {
        let lineno = format!("{TRACE}TypeError: required field \"lineno\" missing from alias");
        Run::issue()
            .shell("cd /w && python -m pytest --version", &lineno, 1)
            .has(BrokenEnvironment, &[1]);
        let unbuilt = format!(
            "{TRACE}ImportError: you import a from a source checkout without building the extension modules first."
        );
        Run::issue()
            .shell("python -c 'import a; print(a.__version__)'", &unbuilt, 1)
            .has(BrokenEnvironment, &[1]);
        Run::issue()
            .shell("grep -rn lineno src && ls src/x", &lineno, 2)
            .has(BrokenEnvironment, &[]);
    }

    #[test]
    fn what_is_the_agents_own_fault_or_no_matter() {
        let own = format!("{TRACE}ModuleNotFoundError: No module named 'mypkg'");
        Run::issue()
            .edit("src/mypkg/a.py", "x", "y")
            .shell("python a.py", &own, 1)
            .has(BrokenEnvironment, &[]);
        Run::issue()
            .shell("rg x", "bash: rg: command not found", 127)
            .has(BrokenEnvironment, &[]);
        Run::issue()
            .shell("python a.py", &format!("{TRACE}ValueError: no"), 1)
            .has(BrokenEnvironment, &[]);
        Run::issue()
            .shell(
                "cat log.txt",
                "ModuleNotFoundError: No module named 'numpy'",
                0,
            )
            .has(BrokenEnvironment, &[]);
        Run::issue()
            .shell("python a.py", "key: not found", 0)
            .has(BrokenEnvironment, &[]);
    }
}
