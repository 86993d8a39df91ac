//! `package_install`: the agent installs packages.
//!
//! Rule: `install` and its kin of a package manager (pip, conda, apt, npm, cargo, …) as a command, or in a cell of a
//! notebook behind `!` or `%`, whatever comes of it; `setup.py install` and `develop`. Showing, listing and downloading
//! are none, nor is the word in a text.

use crate::behave::command::Part;
use crate::behave::command::parts;
use crate::behave::component::code_of;
use crate::behave::course::Course;
use crate::model::ActionClass;
use crate::model::Flag;
use crate::model::FlagKind;
use crate::text;

/// Finds them, one a step.
pub(super) fn find(course: &Course<'_>) -> Vec<Flag> {
    let mut found: Vec<Flag> = Vec::new();
    for act in &course.acts {
        let in_cell = code_of(act.action)
            .filter(|code| act.action.class == ActionClass::Shell && code.contains("install"))
            .into_iter()
            .flat_map(str::lines)
            .filter_map(|line| line.trim_start().strip_prefix(['!', '%']))
            .flat_map(parts);
        let mut all = act.parts.iter().cloned().chain(in_cell);
        if let Some(part) = all.find(installs) {
            let why = format!("runs {}", text::excerpt(&part.line(), 100));
            found.push(Flag::of_step(FlagKind::PackageInstall, act.step, why));
        }
    }
    found.dedup_by_key(|flag| flag.step);
    found
}

fn installs(part: &Part) -> bool {
    if let Some(inner) = part.as_module() {
        return matches!(
            inner.program(),
            "pip" | "conda" | "poetry" | "uv" | "ensurepip"
        ) && installs(&inner);
    }
    if part.has(&["--help", "-h"]) {
        return false;
    }
    let mut operands = part.operands();
    let (first, second) = (
        operands.next().unwrap_or_default(),
        operands.next().unwrap_or_default(),
    );
    match part.program() {
        "pip" | "conda" | "mamba" | "micromamba" | "apt" | "apt-get" | "yum" | "dnf" | "brew"
        | "gem" | "cargo" | "go" | "luarocks" | "choco" | "snap" | "pipx" | "cpan" => {
            first == "install"
                || (part.program() == "cargo" && first == "add")
                || (part.program() == "go" && first == "get")
        }
        "apk" | "poetry" | "pdm" => matches!(first, "add" | "install"),
        "npm" | "pnpm" => matches!(first, "install" | "i" | "ci" | "add"),
        "yarn" | "bun" => {
            matches!(first, "install" | "add")
                || (part.program() == "yarn" && part.words.len() == 1)
        }
        "uv" => {
            matches!(first, "add" | "sync")
                || (first == "pip" && second == "install")
                || (first == "tool" && second == "install")
        }
        "easy_install" | "cpanm" => !first.is_empty(),
        "python" => first.ends_with("setup.py") && matches!(second, "install" | "develop"),
        "bundle" | "composer" | "opam" | "pipenv" => first == "install",
        "dpkg" => part.has(&["-i", "--install"]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::behave::tests::Run;
    use crate::model::FlagKind::PackageInstall;

    #[test]
    fn installs() {
        for command in [
            "pip install -e .",
            "cd /w && python3.9 -m pip install pytest 2>&1 | tail -1",
            "sudo apt-get -y install gcc",
            "npm ci",
            "yarn",
            "uv pip install x",
            "python setup.py develop",
            "conda install -y numpy",
            "bash -lc 'cargo install x'",
        ] {
            Run::issue()
                .shell(command, "x", 1)
                .has(PackageInstall, &[1]);
        }
        Run::issue()
            .cell("!pip install x\nimport x", "ok")
            .has(PackageInstall, &[1]);
        Run::issue()
            .cell("%pip install x", "ok")
            .has(PackageInstall, &[1]);
    }

    #[test]
    fn no_installs() {
        for command in [
            "pip show x",
            "pip list | grep install",
            "pip download x",
            "echo pip install x",
            "grep 'pip install' README.md",
            "make install",
            "pip install --help",
            "git commit -m 'pip install x'",
        ] {
            Run::issue().shell(command, "x", 0).has(PackageInstall, &[]);
        }
        Run::issue()
            .cell("print('pip install x')", "ok")
            .has(PackageInstall, &[]);
    }
}
