//! The simple commands of a command line, with what only wraps them taken off: `timeout 60 env A=1 python3.9 -m pytest`
//! is `python -m pytest`, and `bash -lc "cd x && ls"` is `cd x` and `ls`.

use crate::read::understand::Join;
use crate::read::understand::split_loosely;

/// How deep shells in shells are read.
const MOST_DEEP: usize = 4;

/// A simple command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::behave) struct Part {
    /// Its words; the first is the program without folder and version (`python`, `pip`), never empty.
    pub(in crate::behave) words: Vec<String>,
    /// The program as it was written: `./run.sh`, `/usr/bin/python3.9`.
    pub(in crate::behave) written: String,
    /// Files that its output goes to; `/dev/null` and other descriptors are none.
    pub(in crate::behave) outputs: Vec<String>,
    /// Its input, where that stands in the script.
    pub(in crate::behave) heredoc: Option<String>,
    /// It reads what the command before it writes.
    pub(in crate::behave) is_piped: bool,
}

impl Part {
    /// The program; `>` where output is sent to a file and nothing runs.
    pub(in crate::behave) fn program(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// The word at a place, the program being 0; empty behind the end.
    pub(in crate::behave) fn word(&self, ix: usize) -> &str {
        self.words.get(ix).map_or("", String::as_str)
    }

    /// The words behind the program.
    pub(in crate::behave) fn args(&self) -> impl Iterator<Item = &str> {
        self.words.iter().skip(1).map(String::as_str)
    }

    /// Whether one of the words is there.
    pub(in crate::behave) fn has(&self, words: &[&str]) -> bool {
        self.args().any(|arg| words.contains(&arg))
    }

    /// The words behind the program that are no flags.
    pub(in crate::behave) fn operands(&self) -> impl Iterator<Item = &str> {
        self.args().filter(|arg| !arg.starts_with('-'))
    }

    /// The words with blanks between them.
    pub(in crate::behave) fn line(&self) -> String {
        self.words.join(" ")
    }

    /// The code of `python -c CODE`, `node -e CODE` or of an interpreter that reads a here-document.
    pub(in crate::behave) fn code(&self) -> Option<&str> {
        let is_interpreter = matches!(
            self.program(),
            "python" | "ipython" | "node" | "ruby" | "perl" | "php" | "pypy" | "deno"
        );
        let edits = |arg: &str| arg.starts_with("-pi") || arg.starts_with("-i");
        if !is_interpreter || (self.program() == "perl" && self.args().any(edits)) {
            return None;
        }
        let mut args = self.args();
        while let Some(arg) = args.next() {
            match arg {
                "-c" | "-e" | "--eval" | "-p" | "-r" => return args.next(),
                "-m" => return None,
                "-" => break,
                flag if flag.starts_with('-') => {}
                _ => return None,
            }
        }
        self.heredoc.as_deref()
    }

    /// The module of `python -m MODULE`.
    pub(in crate::behave) fn module(&self) -> Option<&str> {
        if self.program() != "python" {
            return None;
        }
        let mut args = self.args();
        while let Some(arg) = args.next() {
            match arg {
                "-m" => return args.next(),
                "-W" | "-X" => {
                    args.next();
                }
                flag if flag.starts_with('-') && flag != "-" && flag != "-c" => {}
                _ => return None,
            }
        }
        None
    }

    /// The program as which `python -m MODULE …` runs: the same command with the module in its place.
    pub(in crate::behave) fn as_module(&self) -> Option<Self> {
        let module = self.module()?.to_owned();
        let at = self.words.iter().position(|word| *word == module)?;
        let mut part = self.clone();
        part.words.drain(..at);
        part.written = module;
        Some(part)
    }
}

/// The commands of a command line. Linear in it, but for shells in shells, which are read at most [`MOST_DEEP`] deep.
pub(in crate::behave) fn parts(script: &str) -> Vec<Part> {
    let mut found = Vec::new();
    collect(script, 0, &mut found);
    found
}

fn collect(script: &str, depth: usize, found: &mut Vec<Part>) {
    for command in split_loosely(script) {
        let outputs: Vec<String> = command
            .redirects
            .into_iter()
            .filter(|redirect| {
                redirect.mark != "<"
                    && !redirect.is_aside
                    && !redirect.target.text.is_empty()
                    && !redirect.target.text.starts_with("/dev/")
            })
            .map(|redirect| redirect.target.text)
            .collect();
        let words: Vec<String> = command.words.into_iter().map(|word| word.text).collect();
        let bare = unwrapped(&words);
        let heredoc = command.heredoc.and_then(|heredoc| heredoc.body);
        if let Some(inner) = inner_script(bare, heredoc.as_deref())
            && depth < MOST_DEEP
        {
            collect(inner, depth + 1, found);
            continue;
        }
        let Some((program, args)) = bare.split_first() else {
            if !outputs.is_empty() || words.iter().any(|word| word.contains('=')) {
                let name = if outputs.is_empty() { "export" } else { ">" };
                found.push(Part {
                    words: vec![name.to_owned()],
                    written: String::new(),
                    outputs,
                    heredoc,
                    is_piped: false,
                });
            }
            continue;
        };
        let mut own = vec![program_name(program).to_owned()];
        own.extend_from_slice(args);
        found.push(Part {
            words: own,
            written: program.clone(),
            outputs,
            heredoc,
            is_piped: command.join == Join::Pipe,
        });
    }
}

/// The program's name without folder and version.
fn program_name(written: &str) -> &str {
    let name = written.rsplit('/').next().unwrap_or(written);
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if matches!(
        bare,
        "python" | "pip" | "pypy" | "ruby" | "node" | "nosetests" | "gcc" | "clang"
    ) {
        bare
    } else {
        name
    }
}

/// The script that a shell is given to run.
fn inner_script<'a>(words: &'a [String], heredoc: Option<&'a str>) -> Option<&'a str> {
    let (program, args) = words.split_first()?;
    match program_name(program) {
        "eval" => args.first().map(String::as_str),
        "bash" | "sh" | "zsh" | "dash" | "ash" => {
            for (ix, arg) in args.iter().enumerate() {
                let is_flag = arg.starts_with('-') && !arg.starts_with("--");
                if is_flag && arg.ends_with('c') {
                    return args.get(ix + 1).map(String::as_str);
                }
                if !arg.starts_with('-') || arg == "-" {
                    return None;
                }
            }
            heredoc
        }
        _ => None,
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        let name = name.strip_suffix('+').unwrap_or(name);
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

/// The command without assignments and programs that only run another.
fn unwrapped(words: &[String]) -> &[String] {
    let mut rest = words;
    loop {
        let Some((first, more)) = rest.split_first() else {
            return rest;
        };
        if is_assignment(first) {
            rest = more;
            continue;
        }
        let skipped = match first.rsplit('/').next().unwrap_or(first) {
            "sudo" | "nohup" | "exec" | "command" | "time" | "builtin" | "setsid" | "xvfb-run"
            | "stdbuf" | "nice" | "ionice" | "chronic" | "unbuffer" | "winpty" | "env" => {
                flags(more, &["-u", "-n", "-o", "-e", "-C", "--user"])
            }
            "timeout" | "gtimeout" => flags(more, &["-k", "-s", "--signal", "--kill-after"]) + 1,
            "xargs" => flags(more, &["-n", "-I", "-P", "-L", "-d", "-a", "-s"]),
            "uv" | "poetry" | "pdm" | "pipenv" | "hatch" | "rye" | "conda" | "mamba"
            | "micromamba" | "coverage" | "pixi"
                if more.first().is_some_and(|word| word == "run") =>
            {
                let with = [
                    "-n", "-p", "--name", "--with", "--python", "--extra", "--group",
                ];
                let behind = more.get(1..).unwrap_or_default();
                let skipped = 1 + flags(behind, &with);
                // coverage runs scripts and modules: it stands for python
                if first.ends_with("coverage") {
                    return rest;
                }
                skipped
            }
            "npx" | "bunx" | "uvx" | "pipx" => flags(more, &["-p", "--package"]),
            "docker" | "podman" if more.first().is_some_and(|word| word == "exec") => {
                let behind = more.get(1..).unwrap_or_default();
                2 + flags(behind, &["-w", "-u", "-e", "--workdir", "--user", "--env"])
            }
            _ => return rest,
        };
        match more.get(skipped..) {
            Some(inner) if !inner.is_empty() => rest = inner,
            _ => return rest,
        }
    }
}

/// How many of the words are flags of the program before them; those in `with` have a value behind them.
fn flags(words: &[String], with: &[&str]) -> usize {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if with.contains(&word.as_str()) {
            at += 2;
        } else if word.starts_with('-') || is_assignment(word) {
            at += 1;
        } else {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(script: &str, want: &[&str]) {
        let got: Vec<String> = parts(script).iter().map(Part::line).collect();
        assert_eq!(got, want, "{script}");
    }

    #[test]
    fn wrappers_come_off() {
        check(
            "timeout 60 env A=1 /usr/bin/python3.9 -m pytest -q",
            &["python -m pytest -q"],
        );
        check("timeout -k 5 60 make test", &["make test"]);
        check("A=1 B=2 sudo -u me pip3 install x", &["pip install x"]);
        check("bash -lc 'cd x && ls'", &["cd x", "ls"]);
        check("uv run --with x pytest a", &["pytest a"]);
        check("poetry run python a.py", &["python a.py"]);
        check("conda run -n env python a.py", &["python a.py"]);
        check("find . | xargs -n 1 grep x", &["find .", "grep x"]);
        check("docker exec -it box bash -c 'ls'", &["ls"]);
        check("export A=1", &["export A=1"]);
        check("A=1", &["export"]);
        check("> out.txt", &[">"]);
        check("timeout", &["timeout"]);
    }

    #[test]
    fn whatever_holds_commands_is_passed_over() {
        check("for f in *.py; do python $f; done", &["python $f"]);
        check("if [ -f a ]; then cat a; else ls; fi", &["cat a", "ls"]);
        check("(cd a && make test) & wait", &["cd a", "make test", "wait"]);
        check("echo $(git log --all) `x`", &["echo $(git log --all) `x`"]);
        check("python -c 'print(\"a\nb", &["python -c print(\"a\nb"]);
        check("cat <<EOF | bash\nls\nEOF", &["cat", "bash"]);
        check("bash <<'EOF'\nls -l\npwd\nEOF\n", &["ls -l", "pwd"]);
        check("diff <(ls a) b", &["diff (ls a) b"]);
        check("a $(b", &["a $(b)"]);
        check("\"", &[""]);
    }

    #[test]
    fn code_is_found() {
        let code = |script: &str| {
            parts(script)
                .first()
                .and_then(|p| p.code().map(str::to_owned))
        };
        assert_eq!(code("python -c 'import a'").as_deref(), Some("import a"));
        assert_eq!(
            code("python3 - <<'X'\nimport a\nX").as_deref(),
            Some("import a\n")
        );
        assert_eq!(code("python a.py"), None);
        assert_eq!(code("node -e 'x'").as_deref(), Some("x"));
        let module = |script: &str| {
            parts(script)
                .first()
                .and_then(|p| p.module().map(str::to_owned))
        };
        assert_eq!(
            module("python -W ignore -m pytest").as_deref(),
            Some("pytest")
        );
        assert_eq!(module("python a.py -m x"), None);
    }

    #[test]
    fn hostile_scripts_end() {
        for piece in [
            "(",
            "$(",
            "`",
            "'",
            "\"",
            "<<a",
            "\\",
            "&",
            "bash -c '",
            "for ",
            "{ ",
        ] {
            let _any = parts(&piece.repeat(50_000));
        }
        let nested = (0..6).fold("ls".to_owned(), |inner, _| {
            shell_words::join(["bash", "-c", &inner])
        });
        assert!(parts(&nested).len() <= 1);
    }
}
