//! The component of a command line, by the words of its simple commands.

use crate::behave::command::Part;
use crate::behave::component::Around;
use crate::behave::component::weightiest;
use crate::behave::file::Role;
use crate::behave::file::ending;
use crate::model::Component;
use crate::read::understand;

/// The components of all parts; preparations (`cd`, `export`, `sleep`) count only where nothing else is done.
pub(super) fn of_parts(parts: &[Part], around: &Around<'_>) -> Option<Component> {
    let work = parts.iter().filter(|part| !is_preparation(part));
    let found = work.filter_map(|part| of_part(part, around));
    weightiest(found).or_else(|| (!parts.is_empty()).then(|| of_preparations(parts)))
}

fn of_preparations(parts: &[Part]) -> Component {
    let says = |part: &Part| matches!(part.program(), "echo" | "printf" | "true" | ":" | "clear");
    if parts.iter().all(says) {
        let is_looking = parts
            .iter()
            .any(|part| part.args().any(|arg| arg.contains('$')));
        return if is_looking {
            Component::Exploration
        } else {
            Component::Execution
        };
    }
    Component::Execution
}

fn is_preparation(part: &Part) -> bool {
    part.outputs.is_empty()
        && matches!(
            part.program(),
            "cd" | "pushd"
                | "popd"
                | "export"
                | "source"
                | "."
                | "set"
                | "unset"
                | "alias"
                | "sleep"
                | "wait"
                | "true"
                | ":"
                | "echo"
                | "printf"
                | "clear"
                | "umask"
                | "ulimit"
                | "shopt"
                | "exit"
                | "return"
                | "break"
                | "continue"
                | "local"
                | "read"
                | "trap"
                | "false"
                | "activate"
                | "deactivate"
                | "done"
                | "fi"
        )
}

/// The component of one command; `None` for what says nothing by itself.
pub(in crate::behave) fn of_part(part: &Part, around: &Around<'_>) -> Option<Component> {
    let own = of_words(part, around);
    let output = part
        .outputs
        .iter()
        .map(|path| of_output(part, path, around));
    weightiest(own.into_iter().chain(output))
}

/// A command that writes a file: text that stands in the command is an edit, output of a program is kept.
fn of_output(part: &Part, path: &str, around: &Around<'_>) -> Component {
    match part.program() {
        "echo" | "printf" | "cat" | "tee" | ">" | "sed" | "awk"
            if part.heredoc.is_some()
                || part.program() != "cat"
                || part.operands().next().is_some() =>
        {
            around.of_edit(path)
        }
        _ => Component::Execution,
    }
}

fn of_words(part: &Part, around: &Around<'_>) -> Option<Component> {
    use Component::Execution;
    use Component::Exploration;
    use Component::Implementation;
    use Component::Verification;
    if let Some(code) = part.code() {
        return Some(around.of_code(code));
    }
    if asks_for_words(part) {
        return Some(Exploration);
    }
    if understand::is_test_command(&part.line()) {
        return Some(Verification);
    }
    if let Some(inner) = part.as_module() {
        return of_module(&inner, around);
    }
    let found = match part.program() {
        "" | ">" => return None,
        "touch" => {
            weightiest(part.operands().map(|path| around.of_edit(path))).unwrap_or(Execution)
        }
        "rm" | "unlink" => of_removals(part, around),
        "tee" => return part.operands().map(|path| around.of_edit(path)).next(),
        "sed" | "perl" if is_in_place(part) => of_files(part, around),
        "patch" => Implementation,
        "git" => of_git(part),
        "pip" | "uv" | "conda" | "mamba" | "npm" | "yarn" | "pnpm" | "apt" | "apt-get" | "brew"
        | "gem" | "poetry" | "apk" | "yum" | "dnf" | "dpkg" | "pdm" | "bun" => {
            of_packages(part, around)
        }
        "find" if part.has(&["-delete", "-exec", "-execdir", "-ok"]) => of_find(part, around),
        program if is_looking(program) => Exploration,
        "curl" | "wget" => of_fetch(part, around),
        "flake8" | "pylint" | "mypy" | "pyright" | "pyflakes" | "ruff" | "pycodestyle"
        | "pydocstyle" | "bandit" | "eslint" | "tsc" | "shellcheck" | "py_compile"
        | "compileall" | "golangci-lint" | "vet" | "clippy" | "pre-commit" | "rubocop"
        | "tslint" | "stylelint" | "vulture" | "hyperfine" | "doctest" => Verification,
        "black" | "isort" | "prettier" | "autopep8" | "yapf" | "gofmt" | "rustfmt" => {
            of_formatter(part, around)
        }
        "cargo" | "go" | "mvn" | "gradle" | "gradlew" | "make" | "cmake" | "ninja" | "dotnet"
        | "mvnw" | "bazel" | "gcc" | "g++" | "clang" | "cc" | "rustc" | "javac" | "sbt" | "mix"
        | "zig" | "webpack" | "meson" => of_build(part, around),
        "python" | "pypy" | "node" | "ruby" | "php" | "perl" | "Rscript" | "java" | "lua"
        | "julia" | "deno" | "bash" | "sh" | "zsh" | "ts-node" | "tsx" | "coverage" | "ipython"
        | "octave" | "swift" => of_script(part, around),
        "manage.py" | "django-admin" | "flask" => of_manager(part, around),
        _ if part.written.starts_with("./") => of_own_program(part, around),
        _ if part.written.starts_with('/') && !part.written.contains("/bin/") => {
            of_own_program(part, around)
        }
        program if ending(program) == "sh" || ending(program) == "py" => {
            of_own_program(part, around)
        }
        program if around.ask.is_repository && program.len() > 2 && (around.is_named)(program) => {
            around.of_run()
        }
        _ => Execution,
    };
    Some(found)
}

/// `--help`, `--version` of whatever.
fn asks_for_words(part: &Part) -> bool {
    let is_asking = |arg: &str| matches!(arg, "--help" | "--version" | "-version" | "-V" | "-h");
    let asked = part.args().find(|arg| is_asking(arg));
    match asked {
        // short flags mean other things in front of operands
        Some("-h" | "-V") => part.words.len() == 2,
        Some(_) => true,
        None => false,
    }
}

/// Programs that look and change nothing.
const LOOKING: &[&str] = &[
    "ls",
    "cat",
    "head",
    "tail",
    "nl",
    "less",
    "more",
    "tree",
    "file",
    "stat",
    "wc",
    "grep",
    "egrep",
    "fgrep",
    "zgrep",
    "rg",
    "ag",
    "ack",
    "fd",
    "locate",
    "find",
    "pwd",
    "which",
    "whereis",
    "type",
    "whoami",
    "date",
    "uname",
    "df",
    "du",
    "free",
    "env",
    "printenv",
    "ps",
    "top",
    "id",
    "hostname",
    "diff",
    "cmp",
    "comm",
    "strings",
    "xxd",
    "hexdump",
    "od",
    "readelf",
    "objdump",
    "nm",
    "ldd",
    "md5sum",
    "sha256sum",
    "sha1sum",
    "sort",
    "uniq",
    "cut",
    "tr",
    "awk",
    "gawk",
    "sed",
    "jq",
    "column",
    "basename",
    "dirname",
    "realpath",
    "readlink",
    "history",
    "jobs",
    "lsof",
    "netstat",
    "ss",
    "man",
    "info",
    "help",
    "lscpu",
    "nproc",
    "lsb_release",
    "zcat",
    "zipinfo",
    "exiftool",
    "pip-show",
    "compgen",
    "bat",
    "vulkaninfo",
    "nvidia-smi",
    "hexyl",
    "cloc",
    "tokei",
    "ctags",
    "pgrep",
    "dig",
    "nslookup",
    "host",
    "whois",
    "ping",
    "open",
    "goto",
    "scroll_up",
    "scroll_down",
    "search_dir",
    "search_file",
    "find_file",
    "pydoc",
    "rev",
    "tac",
    "fold",
    "paste",
    "join",
    "uptime",
    "locale",
    "apt-cache",
    "getent",
    "groups",
    "command",
    "view",
];

fn is_looking(program: &str) -> bool {
    LOOKING.contains(&program)
}

fn of_removals(part: &Part, around: &Around<'_>) -> Component {
    weightiest(part.operands().map(|path| of_removal(path, around))).unwrap_or(Component::Execution)
}

/// Removing a file: part of the solution where it is one of the project's, else cleaning up.
pub(in crate::behave) fn of_removal(path: &str, around: &Around<'_>) -> Component {
    let is_source = path.rsplit_once('.').is_some_and(|(_, ending)| {
        matches!(
            ending,
            "py" | "js"
                | "ts"
                | "rs"
                | "go"
                | "java"
                | "c"
                | "h"
                | "cpp"
                | "rb"
                | "php"
                | "tsx"
                | "jsx"
        )
    });
    let is_projects = is_source
        && !(around.is_own)(path)
        && (around.role)(path) == Role::Source
        && !path.contains(['*', '$'])
        // what bears the name of a scratch file is one, whoever made it
        && crate::behave::file::role(path, true) == Role::Source;
    if is_projects && around.ask.is_repository {
        Component::Implementation
    } else {
        Component::Execution
    }
}

fn is_in_place(part: &Part) -> bool {
    part.args().any(|arg| {
        arg.starts_with("--in-place")
            || (arg.starts_with('-')
                && !arg.starts_with("--")
                && arg.len() <= 6
                && arg.contains('i')
                && !arg.contains('/'))
    })
}

/// The files at the end of an editing command.
fn of_files(part: &Part, around: &Around<'_>) -> Component {
    let last = part.operands().last().unwrap_or_default();
    around.of_edit(last)
}

fn of_find(part: &Part, around: &Around<'_>) -> Component {
    let mut args = part.args();
    while let Some(arg) = args.next() {
        match arg {
            "-delete" => return Component::Execution,
            "-exec" | "-execdir" | "-ok" => {
                let words: Vec<String> = args.map(str::to_owned).collect();
                let inner = Part {
                    written: words.first().cloned().unwrap_or_default(),
                    words,
                    outputs: Vec::new(),
                    heredoc: None,
                    is_piped: false,
                };
                return of_words(&inner, around).unwrap_or(Component::Exploration);
            }
            _ => {}
        }
    }
    Component::Exploration
}

/// The word after the flags that stand before a subcommand (`git -C x log`).
pub(in crate::behave) fn git_verb(part: &Part) -> (&str, usize) {
    let mut at = 1;
    loop {
        match part.word(at) {
            "-C" | "-c" | "--git-dir" | "--work-tree" => at += 2,
            flag if flag.starts_with('-') => at += 1,
            verb => return (verb, at),
        }
    }
}

fn of_git(part: &Part) -> Component {
    let (verb, at) = git_verb(part);
    let next = part.word(at + 1);
    match verb {
        "log" | "diff" | "show" | "status" | "blame" | "grep" | "ls-files" | "ls-tree"
        | "ls-remote" | "rev-parse" | "rev-list" | "describe" | "shortlog" | "cat-file"
        | "reflog" | "annotate" | "whatchanged" | "merge-base" | "name-rev" | "for-each-ref"
        | "show-ref" | "var" | "help" | "fsck" | "check-ignore" | "version" | "" => {
            Component::Exploration
        }
        "branch" | "tag" if next.is_empty() || next.starts_with('-') => Component::Exploration,
        "remote" if next.is_empty() || matches!(next, "-v" | "show" | "get-url") => {
            Component::Exploration
        }
        "config" if matches!(next, "--get" | "-l" | "--list" | "--get-all") => {
            Component::Exploration
        }
        "stash" if matches!(next, "list" | "show") => Component::Exploration,
        "apply" | "am" if !part.has(&["--check", "--stat", "--numstat"]) => {
            Component::Implementation
        }
        "apply" => Component::Verification,
        _ => Component::Execution,
    }
}

fn of_packages(part: &Part, around: &Around<'_>) -> Component {
    let is_script_runner = matches!(part.program(), "npm" | "yarn" | "pnpm" | "bun");
    let checks = [
        "test",
        "lint",
        "typecheck",
        "type-check",
        "check-types",
        "tsc",
        "vitest",
        "jest",
    ];
    if is_script_runner && part.operands().any(|word| checks.contains(&word)) {
        return Component::Verification;
    }
    match part.operands().next().unwrap_or_default() {
        "show" | "list" | "freeze" | "search" | "info" | "ls" | "view" | "outdated" | "why"
        | "config" | "env" | "index" | "policy" | "--version" | "debug" | "check" => {
            Component::Exploration
        }
        "run" | "run-script" => {
            let script = part.operands().nth(1).unwrap_or_default();
            if ["test", "lint", "check", "type", "build", "compile"]
                .iter()
                .any(|word| script.contains(word))
            {
                around.of_run()
            } else {
                Component::Execution
            }
        }
        _ => Component::Execution,
    }
}

fn of_fetch(part: &Part, around: &Around<'_>) -> Component {
    let is_kept = part.program() == "wget"
        && !part.has(&["-O-", "-qO-", "--spider"])
        && !part.line().contains("-O -")
        || part.has(&[
            "-O",
            "-o",
            "--output",
            "-LO",
            "-OL",
            "-sSLO",
            "--remote-name",
        ])
        || part.args().any(|arg| arg.starts_with("-o"));
    let is_local = ["localhost", "127.0.0.1", "0.0.0.0"]
        .iter()
        .any(|host| part.line().contains(host));
    if is_local {
        around.of_run()
    } else if is_kept || part.has(&["-d", "--data", "-X", "-F"]) {
        Component::Execution
    } else {
        Component::Exploration
    }
}

fn of_formatter(part: &Part, around: &Around<'_>) -> Component {
    if part.has(&["--check", "--diff", "-l", "--check-only", "-c", "-d"]) {
        Component::Verification
    } else {
        of_files(part, around)
    }
}

/// Compilers and build tools: a check where there is a change to check, else a stage of the work.
fn of_build(part: &Part, around: &Around<'_>) -> Component {
    let verb = part.operands().next().unwrap_or_default();
    match verb {
        "install" | "add" | "get" | "mod" | "clean" | "init" | "new" | "update" | "fetch"
        | "generate" => {
            return Component::Execution;
        }
        "fmt" if !part.has(&["--check"]) => return Component::Implementation,
        "check" | "clippy" | "vet" | "lint" | "fmt" => return Component::Verification,
        "list" | "tree" | "doc" | "env" | "version" | "metadata" => return Component::Exploration,
        "run" => return around.of_run(),
        _ => {}
    }
    if around.has_edited && !around.ask.is_puzzle {
        Component::Verification
    } else {
        Component::Execution
    }
}

/// An interpreter with a script.
fn of_script(part: &Part, around: &Around<'_>) -> Component {
    let script = part.operands().next().unwrap_or_default();
    match crate::behave::file::base_name(script) {
        "" if part.program() == "bash" || part.program() == "sh" || part.is_piped => {
            Component::Execution
        }
        "" => Component::Exploration,
        "setup.py" => match part.operands().nth(1).unwrap_or_default() {
            "--version" | "--name" => Component::Exploration,
            "test" | "check" => Component::Verification,
            _ => Component::Execution,
        },
        "manage.py" => of_manager(part, around),
        _ => around.of_run(),
    }
}

fn of_manager(part: &Part, around: &Around<'_>) -> Component {
    let is_verb = |arg: &&str| ending(arg) != "py";
    match part.operands().find(is_verb).unwrap_or_default() {
        "test" | "check" | "shell" => around.of_run(),
        "showmigrations" | "sqlmigrate" | "inspectdb" | "routes" => Component::Exploration,
        _ => Component::Execution,
    }
}

/// A program of the workspace.
fn of_own_program(part: &Part, around: &Around<'_>) -> Component {
    let name = part.program();
    if [
        "install",
        "setup",
        "start",
        "stop",
        "configure",
        "deploy",
        "bootstrap",
    ]
    .iter()
    .any(|word| name.contains(word))
    {
        Component::Execution
    } else {
        around.of_run()
    }
}

/// `python -m MODULE …`, the module in the program's place.
fn of_module(part: &Part, around: &Around<'_>) -> Option<Component> {
    match part.program() {
        "venv" | "virtualenv" | "http.server" | "ensurepip" | "build" | "zipfile" | "tarfile" => {
            Some(Component::Execution)
        }
        "json.tool" | "site" | "pydoc" | "sysconfig" | "inspect" | "this" => {
            Some(Component::Exploration)
        }
        "pip" | "black" | "isort" | "mypy" | "flake8" | "pylint" | "ruff" | "py_compile"
        | "compileall" | "pyflakes" | "pycodestyle" | "pydocstyle" | "doctest" | "autopep8"
        | "yapf" | "pyright" | "poetry" | "bandit" => of_words(part, around),
        _ => Some(around.of_run()),
    }
}
