//! Which files a command may change besides those whose change is known. What cannot be told counts as a change.

use std::sync::LazyLock;

use regex::Regex;

use crate::model::Action;
use crate::model::ActionClass;
use crate::read::understand;
use crate::read::understand::PlainCommand;

/// Files that may be other files afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reach {
    /// These, as the command names them; a folder stands for all in it.
    Named(Vec<String>),
    /// Those whose name stands in this text.
    Mentioned(String),
    /// Any.
    Anything,
}

/// Texts longer than this are not searched for names.
const MAX_TEXT: usize = 1 << 16;

/// What an action may change. `script` finds the text of a script that a command runs, where it is known.
pub(super) fn reach(action: &Action, script: &dyn Fn(&str) -> Option<String>) -> Vec<Reach> {
    match action.class {
        ActionClass::View
        | ActionClass::Search
        | ActionClass::Think
        | ActionClass::Plan
        | ActionClass::Finish
        | ActionClass::Web => return Vec::new(),
        ActionClass::Delegate => return vec![Reach::Anything],
        // what an editing tool did is told by its edits, or nobody knows
        ActionClass::Edit if action.shell.is_none() => {
            let is_told = !action.edits.is_empty() || action.has_error();
            return if is_told {
                Vec::new()
            } else {
                vec![Reach::Anything]
            };
        }
        ActionClass::Edit | ActionClass::Shell | ActionClass::Other => {}
    }
    let Some(shell) = &action.shell else {
        let code = ["code", "command", "script"]
            .into_iter()
            .find_map(|key| action.args.get(key)?.as_str())
            .or_else(|| action.args.as_str());
        return code
            .and_then(|code| of_code(code, ""))
            .into_iter()
            .collect();
    };
    // the change that it brings is known; what it is made from holds anything
    if shell.cmd.contains("*** Begin Patch") && !action.edits.is_empty() {
        return Vec::new();
    }
    of_script(&shell.cmd, script, 0)
}

fn of_script(cmd: &str, script: &dyn Fn(&str) -> Option<String>, depth: usize) -> Vec<Reach> {
    let Some(commands) = understand::plain_commands(cmd) else {
        return of_unclear(cmd).into_iter().collect();
    };
    let mut found = Vec::new();
    for command in &commands {
        for target in &command.outputs {
            match target {
                Some(target) if target.starts_with("/dev/") => {}
                Some(target) => found.push(Reach::Named(vec![command.inside(target)])),
                None => found.push(Reach::Anything),
            }
        }
        found.extend(of_command(command, script, depth));
    }
    found
}

/// A script with loops, substitutions and the like: by its words.
fn of_unclear(cmd: &str) -> Option<Reach> {
    static WIDE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"\bgit\s+(?:\S+\s+)?(?:checkout|stash|reset|apply|restore|clean|merge|rebase|revert|pull|switch|am|cherry-pick)\b|\b(?:patch|tar|unzip|rsync|xargs|black|isort|autopep8|ruff|yapf|prettier|gofmt|dos2unix|2to3|pre-commit)\b|--fix|\bos\.walk|\bglob\b|-exec\b",
        )
        .ok()
    });
    static NARROW: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r">|\b(?:sed|perl|awk)\b.*\s-\w*i|\b(?:mv|cp|rm|tee|truncate|dd|ln)\b|\bopen\s*\(|write|shutil|subprocess|unlink|rename").ok()
    });
    static HARMLESS: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\d?>&\d|&?\d?>>?\s*/dev/null|[-=]>|>=").ok());
    let has = |pattern: &Option<Regex>| pattern.as_ref().is_none_or(|it| it.is_match(cmd));
    if cmd.len() > MAX_TEXT || has(&WIDE) {
        return Some(Reach::Anything);
    }
    let bare = match HARMLESS.as_ref() {
        Some(harmless) => harmless.replace_all(cmd, " "),
        None => cmd.into(),
    };
    if !NARROW.as_ref().is_none_or(|narrow| narrow.is_match(&bare)) {
        return None;
    }
    // a variable or a pattern may be any name
    let is_open = bare.contains(['$', '*', '`']);
    Some(if is_open {
        Reach::Anything
    } else {
        Reach::Mentioned(cmd.to_owned())
    })
}

/// What a piece of code may change: nothing, where it has no word with which files are written.
fn of_code(code: &str, args: &str) -> Option<Reach> {
    static WRITES: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r#"open\s*\([^)]*,\s*(?:mode\s*=\s*)?['"][rwaxbt+]*[wax+]|write|\bshutil\b|\bos\.(?:rename|remove|replace|unlink|system|popen)|subprocess|fileinput|unlink|\.rename\(|\.touch\(|[!%]\s*\w+|\bdump\(|to_csv|savefig"#).ok()
    });
    static WIDE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"\bglob\b|os\.walk|os\.listdir|iterdir|rglob|sys\.argv|argparse|subprocess|os\.system|os\.popen|git ").ok()
    });
    let has = |pattern: &Option<Regex>| pattern.as_ref().is_none_or(|it| it.is_match(code));
    if code.len() > MAX_TEXT {
        return Some(Reach::Anything);
    }
    if !has(&WRITES) {
        return None;
    }
    if has(&WIDE) {
        return Some(Reach::Anything);
    }
    Some(Reach::Mentioned(format!("{code}\n{args}")))
}

fn of_command(
    command: &PlainCommand,
    script: &dyn Fn(&str) -> Option<String>,
    depth: usize,
) -> Vec<Reach> {
    let words = bare(&command.words);
    let Some((program, rest)) = words.split_first() else {
        return Vec::new();
    };
    let named = || {
        if command.has_open {
            return vec![Reach::Anything];
        }
        let files = rest.iter().filter(|word| !word.starts_with('-'));
        let files: Vec<String> = files.map(|word| command.inside(word)).collect();
        if files.is_empty() {
            vec![Reach::Anything]
        } else {
            vec![Reach::Named(files)]
        }
    };
    let has = |flag: &str| rest.iter().any(|word| word.starts_with(flag));
    let is_short_i =
        |word: &&&str| word.starts_with('-') && !word.starts_with("--") && word.contains('i');
    let name = program.rsplit('/').next().unwrap_or(program);
    match name {
        "git" => of_git(command, rest),
        "rm" | "mv" | "cp" | "ln" | "truncate" | "tee" | "install" | "dd" => named(),
        "sed" | "perl" | "awk" | "gawk" | "clang-format"
            if rest.iter().any(|word| is_short_i(&word)) || has("--in-place") =>
        {
            named()
        }
        "black" | "isort" | "autopep8" | "yapf" | "2to3" | "docformatter" | "autoflake"
            if !has("--check") && !has("--diff") && !has("-c") =>
        {
            named()
        }
        "ruff" if has("--fix") || rest.first() == Some(&"format") => named(),
        "prettier" | "gofmt" | "goimports" | "shfmt" if has("--write") || has("-w") => named(),
        "eslint" | "stylelint" | "rubocop" if has("--fix") || has("-a") => named(),
        "rustfmt" | "dos2unix" | "unix2dos" | "unexpand" | "vim" | "vi" | "nano" | "ed" | "ex"
        | "patch" | "tar" | "unzip" | "rsync" | "pre-commit" | "codemod" | "npx" | "xargs"
        | "eval" | "source" | "." | "gunzip" | "cookiecutter" => vec![Reach::Anything],
        "cargo" if matches!(rest.first(), Some(&("fmt" | "fix"))) || has("--fix") => {
            vec![Reach::Anything]
        }
        "npm" | "yarn" | "pnpm" | "make" | "tox" | "nox"
            if rest.iter().any(|word| {
                word.contains("fmt") || word.contains("format") || word.contains("fix")
            }) =>
        {
            vec![Reach::Anything]
        }
        "find" if has("-exec") || has("-delete") || has("-ok") || has("-fprint") => {
            vec![Reach::Anything]
        }
        "python" | "python2" | "python3" | "ipython" | "node" | "ruby" | "php" | "deno" | "bun" => {
            of_interpreter(command, rest, script)
        }
        "bash" | "sh" | "zsh" => of_shell(command, rest, script, depth),
        _ if program.contains('/') => of_program(&command.inside(program), rest, script, depth),
        _ => Vec::new(),
    }
}

/// The words without what only prepares the command.
fn bare(words: &[String]) -> Vec<&str> {
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    loop {
        let is_assignment = |word: &&str| {
            word.split_once('=').is_some_and(|(name, _)| {
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            })
        };
        let skip = match words.first() {
            Some(word) if is_assignment(word) => 1,
            Some(&("sudo" | "time" | "exec" | "command" | "nohup" | "env" | "xvfb-run")) => 1,
            Some(&"timeout") => 2,
            Some(&("uv" | "poetry" | "pdm" | "hatch" | "pipenv" | "coverage"))
                if words.get(1) == Some(&"run") =>
            {
                2
            }
            _ => return words,
        };
        words.drain(..skip.min(words.len()));
        while words.first().is_some_and(|word| word.starts_with('-')) && !words.is_empty() {
            words.remove(0);
        }
    }
}

fn of_git(command: &PlainCommand, rest: &[&str]) -> Vec<Reach> {
    // `git -C folder`, `git --no-pager`
    let mut rest = rest;
    while let Some((word, more)) = rest.split_first().filter(|(word, _)| word.starts_with('-')) {
        rest = if matches!(*word, "-C" | "-c") {
            more.get(1..).unwrap_or_default()
        } else {
            more
        };
    }
    let Some((verb, rest)) = rest.split_first() else {
        return Vec::new();
    };
    let is_wide = match *verb {
        "checkout" | "restore" | "apply" | "am" | "merge" | "rebase" | "revert" | "pull"
        | "switch" | "cherry-pick" | "clean" | "rm" | "mv" | "submodule" | "read-tree" | "lfs" => {
            true
        }
        "stash" => !matches!(rest.first(), Some(&("list" | "show" | "drop" | "clear"))),
        "reset" => rest
            .iter()
            .any(|word| matches!(*word, "--hard" | "--merge" | "--keep")),
        _ => false,
    };
    if !is_wide {
        return Vec::new();
    }
    let is_checked = *verb == "apply"
        && rest
            .iter()
            .any(|word| matches!(*word, "--check" | "--stat"));
    if is_checked {
        return Vec::new();
    }
    let files = rest
        .iter()
        .position(|word| *word == "--")
        .and_then(|at| rest.get(at + 1..));
    let files = files.or_else(|| (*verb == "rm" || *verb == "mv").then_some(rest));
    match files.filter(|files| !files.is_empty() && !command.has_open) {
        Some(files) => {
            let files = files.iter().filter(|word| !word.starts_with('-'));
            vec![Reach::Named(
                files.map(|word| command.inside(word)).collect(),
            )]
        }
        None => vec![Reach::Anything],
    }
}

fn of_interpreter(
    command: &PlainCommand,
    rest: &[&str],
    script: &dyn Fn(&str) -> Option<String>,
) -> Vec<Reach> {
    let args = rest.join(" ");
    if let Some(at) = rest
        .iter()
        .position(|word| matches!(*word, "-c" | "-e" | "--eval"))
    {
        let code = rest.get(at + 1).copied().unwrap_or_default();
        return of_code(code, &args).into_iter().collect();
    }
    if let Some(at) = rest.iter().position(|word| *word == "-m") {
        let module = rest.get(at + 1).copied().unwrap_or_default();
        let rewrites = matches!(
            module,
            "black" | "isort" | "autopep8" | "yapf" | "lib2to3" | "pre_commit" | "autoflake"
        );
        return if rewrites {
            vec![Reach::Anything]
        } else {
            Vec::new()
        };
    }
    if let Some(input) = &command.input {
        return match input {
            Some(code) => of_code(code, &args).into_iter().collect(),
            None => vec![Reach::Anything],
        };
    }
    let Some(file) = rest.iter().find(|word| !word.starts_with('-')) else {
        return Vec::new();
    };
    if let Some(code) = script(&command.inside(file)) {
        return of_code(&code, &args).into_iter().collect();
    }
    // what it is given it may change
    let others = rest
        .iter()
        .filter(|word| *word != file && !word.starts_with('-'));
    let others: Vec<String> = others.map(|word| command.inside(word)).collect();
    if others.is_empty() {
        return Vec::new();
    }
    vec![Reach::Named(others)]
}

fn of_shell(
    command: &PlainCommand,
    rest: &[&str],
    script: &dyn Fn(&str) -> Option<String>,
    depth: usize,
) -> Vec<Reach> {
    let flag = rest
        .iter()
        .position(|word| word.starts_with('-') && word.ends_with('c'));
    let code = flag
        .and_then(|at| rest.get(at + 1))
        .map(|code| (*code).to_owned());
    let code = code.or_else(|| command.input.clone().flatten());
    let file = rest.iter().find(|word| !word.starts_with('-'));
    let code = code.or_else(|| script(&command.inside(file?)));
    match code.filter(|_| depth == 0) {
        Some(code) => of_script(&code, script, depth + 1),
        None => vec![Reach::Anything],
    }
}

/// A program named by its path: a script whose text is known, or a tool of which nothing is known.
fn of_program(
    program: &str,
    rest: &[&str],
    script: &dyn Fn(&str) -> Option<String>,
    depth: usize,
) -> Vec<Reach> {
    match script(program).filter(|_| depth == 0) {
        Some(code)
            if code.starts_with("#!")
                && !code.lines().next().is_some_and(|line| line.contains("sh")) =>
        {
            of_code(&code, &rest.join(" ")).into_iter().collect()
        }
        Some(code) => of_script(&code, script, depth + 1),
        None if program.rsplit('.').next() == Some("sh") => vec![Reach::Anything],
        None => Vec::new(),
    }
}
