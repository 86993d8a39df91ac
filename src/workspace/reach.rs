//! Which files a command may change besides those whose change is known. What cannot be told counts as a change.

mod words;

use std::sync::LazyLock;

use regex::Regex;

use crate::model::Action;
use crate::model::ActionClass;
use crate::read::understand;
use crate::read::understand::PlainCommand;
use crate::workspace::reach::words::READERS;
use crate::workspace::reach::words::bare;
use crate::workspace::reach::words::is_installed;
use crate::workspace::reach::words::is_output;

/// Files that may be other files afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reach {
    /// These, as the command names them; a folder stands for all in it.
    Named(Vec<String>),
    /// Those of these that are files; other words are none.
    Operands(Vec<String>),
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
        | ActionClass::Web
            if action.shell.is_none() =>
        {
            return Vec::new();
        }
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
        _ => {}
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
    let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
    let words = bare(&words);
    let Some((program, rest)) = words.split_first() else {
        return Vec::new();
    };
    let named = || named(command, rest);
    let has = |flag: &str| rest.iter().any(|word| word.starts_with(flag));
    let name = program.rsplit('/').next().unwrap_or(program);
    match name {
        "git" => of_git(command, rest),
        "rm" | "mv" | "cp" | "ln" | "truncate" | "tee" | "sponge" | "install" | "dd" => named(),
        "sed" | "perl" | "awk" | "gawk" | "mawk" => of_stream_editor(command, rest),
        "clang-format" if has("-i") || has("--in-place") => named(),
        "black" | "isort" | "autopep8" | "yapf" | "2to3" | "lib2to3" | "docformatter"
        | "autoflake"
            if !has("--check") && !has("--diff") && !has("-c") =>
        {
            named()
        }
        "ruff" if has("--fix") || rest.contains(&"format") => named(),
        "prettier" | "gofmt" | "goimports" | "shfmt" if has("--write") || has("-w") => named(),
        "eslint" | "stylelint" | "rubocop" if has("--fix") || has("-a") => named(),
        "rustfmt" | "dos2unix" | "unix2dos" | "unexpand" | "vim" | "vi" | "nano" | "ed" | "ex"
        | "patch" | "tar" | "unzip" | "rsync" | "pre-commit" | "pre_commit" | "codemod" | "npx"
        | "eval" | "source" | "." | "gunzip" | "cookiecutter" | "parallel" => {
            vec![Reach::Anything]
        }
        "xargs" => of_xargs(rest),
        "cargo" if matches!(rest.first(), Some(&("fmt" | "fix"))) || has("--fix") => {
            vec![Reach::Anything]
        }
        "go" if matches!(rest.first(), Some(&("fmt" | "fix" | "generate" | "mod"))) => {
            vec![Reach::Anything]
        }
        "npm" | "yarn" | "pnpm" | "make" | "tox" | "nox"
            if rest.iter().any(|word| {
                word.contains("fmt") || word.contains("format") || word.contains("fix")
            }) =>
        {
            vec![Reach::Anything]
        }
        "find" => of_find(rest),
        "fd" if has("-x") || has("-X") || has("--exec") => vec![Reach::Anything],
        "sort" | "tree" if has("-") && rest.iter().any(|word| is_output(word)) => {
            operands(command, rest)
        }
        "python" | "python2" | "python3" | "ipython" | "node" | "ruby" | "php" | "deno" | "bun"
        | "pdb" | "cProfile" => of_interpreter(command, rest, script),
        "bash" | "sh" | "zsh" => of_shell(command, rest, script, depth),
        _ if READERS.contains(&name) && is_installed(program) => Vec::new(),
        _ if program.contains('/') => of_program(command, words, script, depth),
        _ if name.rsplit('.').next() == Some("py") => of_interpreter(command, words, script),
        // a fixer that nobody knows takes folders, too, or all that it finds
        _ if has("--fix") || has("--write") || has("--in-place") || has("--inplace") => named(),
        _ => operands(command, rest),
    }
}

/// What a program does that writes what it is given: all of it, without a name anything.
fn named(command: &PlainCommand, rest: &[&str]) -> Vec<Reach> {
    if command.has_open {
        return vec![Reach::Anything];
    }
    let files = rest.iter().filter(|word| !word.starts_with('-'));
    let files: Vec<String> = files.map(|word| command.inside(word)).collect();
    if files.is_empty() {
        return vec![Reach::Anything];
    }
    let mut found = vec![Reach::Named(files)];
    found.extend(operands(command, rest));
    found
}

/// What a program may do of which nothing is known: change the files that it is given, also behind an option.
fn operands(command: &PlainCommand, rest: &[&str]) -> Vec<Reach> {
    if command.has_open {
        return vec![Reach::Anything];
    }
    let mut files = Vec::new();
    for word in rest {
        if !word.starts_with('-') {
            files.push(command.inside(word));
        } else if let Some(glued) = word.get(2..).filter(|glued| !glued.is_empty()) {
            files.push(command.inside(glued));
        }
        // `--output=a.py`, `of=a.py`
        if let Some((_, value)) = word.split_once('=') {
            files.push(command.inside(value));
        }
        // a download is named as its address ends
        if let Some((_, address)) = word.split_once("://") {
            let path = address.split(['?', '#']).next().unwrap_or(address);
            let name = path.rsplit('/').next().unwrap_or(path);
            files.push(command.inside(name));
        }
    }
    files.retain(|file| !file.is_empty());
    if files.is_empty() {
        return Vec::new();
    }
    vec![Reach::Operands(files)]
}

/// `sed`, `perl`, `awk`: in place, or by a script that may write files itself.
fn of_stream_editor(command: &PlainCommand, rest: &[&str]) -> Vec<Reach> {
    static WRITES: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r#"(?m)(?:^|[;{}/|,#$!\d]|/[gpIi0-9]+)\s*[wW]\s+[^\s;})]|>\s*["'$(\w]|\bopen\b|\bunlink\b|\brename\b|\bsystem\b|\|\s*""#).ok()
    });
    let is_short_i =
        |word: &&str| word.starts_with('-') && !word.starts_with("--") && word.contains('i');
    if rest
        .iter()
        .any(|word| is_short_i(word) || word.starts_with("--in-place"))
    {
        return named(command, rest);
    }
    let has_write = |word: &&&str| WRITES.as_ref().is_none_or(|writes| writes.is_match(word));
    if rest
        .iter()
        .filter(has_write)
        .any(|word| word.contains("FILENAME"))
    {
        return operands(command, rest);
    }
    // what it writes has its name in its script
    rest.iter()
        .filter(has_write)
        .map(|word| Reach::Mentioned((*word).to_owned()))
        .collect()
}

/// A command for files that are read from somewhere.
fn of_xargs(rest: &[&str]) -> Vec<Reach> {
    let is_own = |word: &&&str| {
        word.starts_with('-') || *word == &"{}" || word.bytes().all(|b| b.is_ascii_digit())
    };
    let rest = rest.get(rest.iter().take_while(is_own).count()..);
    let words = bare(rest.unwrap_or_default());
    if words.is_empty() || only_reads(words) {
        Vec::new()
    } else {
        vec![Reach::Anything]
    }
}

/// A search for files, which may remove them, write lists of them, or run a command for each.
fn of_find(rest: &[&str]) -> Vec<Reach> {
    let mut words = rest;
    while let Some((word, behind)) = words.split_first() {
        words = behind;
        match *word {
            "-exec" | "-execdir" => {
                let end = behind.iter().position(|word| matches!(*word, ";" | "+"));
                let (command, behind) = behind.split_at(end.unwrap_or(behind.len()));
                if !only_reads(bare(command)) {
                    return vec![Reach::Anything];
                }
                words = behind;
            }
            "-delete" => return vec![Reach::Anything],
            word if word.starts_with("-ok") || word.starts_with("-fprint") || word == "-fls" => {
                return vec![Reach::Anything];
            }
            _ => {}
        }
    }
    Vec::new()
}

/// Whether a command that is handed files one does not know changes none of them.
fn only_reads(words: &[&str]) -> bool {
    words.first().is_some_and(|program| match *program {
        "sort" | "tree" => !words.iter().any(|word| is_output(word)),
        "grep" | "egrep" | "fgrep" | "rg" | "cat" | "head" | "tail" | "ls" | "wc" | "file"
        | "stat" | "echo" | "du" | "md5sum" | "basename" | "dirname" | "kill" => true,
        _ => false,
    })
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
    // a branch that begins where one stands
    let is_named_only = matches!(
        (*verb, rest),
        ("checkout", ["-b", _]) | ("switch", ["-c" | "--create", _])
    );
    if is_checked || is_named_only {
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
    if let Some(input) = &command.input {
        return match input {
            Some(code) => of_code(code, &args).into_iter().collect(),
            None => vec![Reach::Anything],
        };
    }
    let Some(file) = rest.iter().find(|word| !word.starts_with('-')) else {
        return Vec::new();
    };
    let is_other = |word: &&&str| *word != file;
    if let Some(code) = script(&command.inside(file)) {
        // a script knows itself by `__file__` only, else by the name that stands in it
        let others: Vec<&str> = rest.iter().filter(is_other).copied().collect();
        let args = if code.contains("__file__") {
            args
        } else {
            others.join(" ")
        };
        return of_code(&code, &args).into_iter().collect();
    }
    // what it is given it may change
    let others = rest
        .iter()
        .filter(is_other)
        .filter(|word| !word.starts_with('-'));
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
    command: &PlainCommand,
    words: &[&str],
    script: &dyn Fn(&str) -> Option<String>,
    depth: usize,
) -> Vec<Reach> {
    let Some((program, rest)) = words.split_first() else {
        return Vec::new();
    };
    let program = command.inside(program);
    let is_shell = |code: &str| {
        !code.starts_with("#!") || code.lines().next().is_some_and(|line| line.contains("sh"))
    };
    match script(&program).filter(|_| depth == 0) {
        Some(code) if is_shell(&code) => of_script(&code, script, depth + 1),
        Some(code) => of_code(&code, &rest.join(" ")).into_iter().collect(),
        None if program.rsplit('.').next() == Some("sh") => vec![Reach::Anything],
        None => operands(command, rest),
    }
}
