//! The words of a command: what only prepares it, and which programs leave alone what they are given.

/// Programs that write none of the files that they are given. Those that may, by a flag, are told before.
pub(super) const READERS: &[&str] = &[
    "cat",
    "tac",
    "nl",
    "head",
    "tail",
    "less",
    "more",
    "bat",
    "grep",
    "egrep",
    "fgrep",
    "zgrep",
    "zcat",
    "rg",
    "ag",
    "ack",
    "ls",
    "tree",
    "wc",
    "diff",
    "cmp",
    "comm",
    "colordiff",
    "file",
    "stat",
    "sort",
    "cut",
    "tr",
    "paste",
    "join",
    "fold",
    "column",
    "strings",
    "od",
    "hexdump",
    "md5sum",
    "sha1sum",
    "sha256sum",
    "cksum",
    "du",
    "df",
    "pwd",
    "echo",
    "printf",
    "test",
    "[",
    "[[",
    "true",
    "false",
    ":",
    "which",
    "type",
    "whereis",
    "whoami",
    "id",
    "date",
    "export",
    "set",
    "unset",
    "alias",
    "sleep",
    "wait",
    "kill",
    "pkill",
    "killall",
    "ps",
    "jobs",
    "basename",
    "dirname",
    "realpath",
    "readlink",
    "find",
    "fd",
    "mkdir",
    "rmdir",
    "touch",
    "chmod",
    "chown",
    "seq",
    "expr",
    "bc",
    "jq",
    "exit",
    "return",
    "pip",
    "pip3",
    "pytest",
    "py.test",
    "nosetests",
    "unittest",
    "doctest",
    "tox",
    "nox",
    "flake8",
    "pylint",
    "mypy",
    "pyright",
    "pycodestyle",
    "pydocstyle",
    "pyflakes",
    "bandit",
    "vulture",
    "radon",
    "py_compile",
    "compileall",
    "tokenize",
    "ast",
    "dis",
    "black",
    "isort",
    "autopep8",
    "yapf",
    "docformatter",
    "autoflake",
    "ruff",
    "prettier",
    "gofmt",
    "goimports",
    "shfmt",
    "clang-format",
    "eslint",
    "stylelint",
    "rubocop",
    "tsc",
    "shellcheck",
    "cargo",
    "go",
    "wait-for-it",
    "ctags",
    "man",
    "clear",
    "history",
];

/// A program's own name, or its place among the programs of the system or of an environment.
pub(super) fn is_installed(program: &str) -> bool {
    !program.contains('/') || program.starts_with('/') || program.contains("/bin/")
}

/// An option that says where a program writes: `-o`, also behind other letters, `--output`.
pub(super) fn is_output(word: &str) -> bool {
    word.starts_with("--o")
        || (!word.starts_with("--") && word.starts_with('-') && word.contains('o'))
}

/// The words without what only prepares the command. `python -m` runs the program of that name.
pub(super) fn bare<'a, 'b>(words: &'a [&'b str]) -> &'a [&'b str] {
    let mut words = words;
    loop {
        let is_assignment = |word: &str| {
            word.split_once('=').is_some_and(|(name, _)| {
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            })
        };
        let Some((first, rest)) = words.split_first() else {
            return words;
        };
        // its options that take a word of their own, and the words before the command
        let (valued, skip): (&[&str], usize) = match first.rsplit('/').next().unwrap_or(first) {
            _ if is_assignment(first) => {
                words = rest;
                continue;
            }
            "sudo" => (&["-u", "-g", "-h", "-p", "-C", "-D"], 0),
            "env" => (&["-u", "-C", "--unset", "--chdir"], 0),
            "nice" => (&["-n", "--adjustment"], 0),
            "ionice" => (&["-c", "-n", "--class", "--classdata"], 0),
            "stdbuf" => (&["-i", "-o", "-e"], 0),
            "time" => (&["-f", "-o"], 0),
            "exec" => (&["-a"], 0),
            "command" | "nohup" | "xvfb-run" | "unbuffer" | "setsid" | "builtin" => (&[], 0),
            "timeout" => (&["-k", "-s", "--signal", "--kill-after"], 1),
            "uv" | "poetry" | "pdm" | "hatch" | "pipenv" | "coverage"
                if rest.first() == Some(&"run") =>
            {
                words = after_options(rest.get(1..).unwrap_or_default(), &["--with", "--source"]);
                continue;
            }
            "python" | "python2" | "python3" => {
                let module = after_options(rest, &["-X", "-W"]);
                let before = rest.len() - module.len();
                let has_module = before.checked_sub(1).and_then(|at| rest.get(at)) == Some(&"-m");
                if !has_module {
                    return words;
                }
                words = module;
                continue;
            }
            _ => return words,
        };
        words = after_options(rest, valued).get(skip..).unwrap_or_default();
    }
}

/// The words behind the options at their beginning; those of `valued` take the next word.
fn after_options<'a, 'b>(words: &'a [&'b str], valued: &[&str]) -> &'a [&'b str] {
    let mut words = words;
    while let Some((word, rest)) = words
        .split_first()
        .filter(|(word, _)| word.starts_with('-'))
    {
        let skip = usize::from(valued.contains(word));
        words = rest.get(skip..).unwrap_or_default();
    }
    words
}
