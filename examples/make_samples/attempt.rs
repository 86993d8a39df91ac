//! Attempts: what an agent did in the story, told once and written in every format.

use super::story::ROOT;
use super::story::Repo;
use super::task::Task;

/// What an agent did, with what came of it. Paths are relative to the repository.
#[derive(Clone)]
pub(crate) enum Act {
    /// A command in the repository's folder.
    Shell { cmd: String, out: String, exit: i64 },
    /// The lines `first..` of a file, 1-based.
    View {
        path: String,
        range: Option<(usize, usize)>,
        first: usize,
        text: String,
        total: usize,
    },
    /// A folder's files.
    Tree { paths: Vec<String> },
    /// A change of a file.
    Edit {
        path: String,
        op: Op,
        before: String,
        after: String,
        first: usize,
    },
    /// A replacement whose old text is not there.
    Miss {
        path: String,
        old: String,
        new: String,
    },
    /// A thought as a call.
    Think { text: String },
    /// A plan: title and status.
    Plan { items: Vec<(String, String)> },
    /// The end.
    Finish { message: String },
}

/// Kind of change.
#[derive(Clone)]
pub(crate) enum Op {
    /// A new file.
    Create,
    /// One text for another.
    Replace { old: String, new: String },
    /// Lines after line `after` (1-based; 0 is the top).
    Insert { after: usize, text: String },
}

/// One model response.
#[derive(Clone, Default)]
pub(crate) struct Turn {
    /// Text beside the calls.
    pub(crate) thought: String,
    /// Reasoning, where the model shows some.
    pub(crate) reasoning: Option<String>,
    /// The calls.
    pub(crate) acts: Vec<Act>,
}

/// One attempt at a task.
#[derive(Clone)]
pub(crate) struct Attempt {
    /// The task.
    pub(crate) task: Task,
    /// Which try it is, from 1.
    pub(crate) no: usize,
    /// The model.
    pub(crate) model: &'static str,
    /// Whether the attempt passes; `None` where nobody judged it.
    pub(crate) resolved: Option<bool>,
    /// The error that ended it.
    pub(crate) error: Option<String>,
    /// What was done.
    pub(crate) turns: Vec<Turn>,
    /// The files at the end.
    pub(crate) repo: Repo,
}

impl Attempt {
    /// An attempt that has not begun.
    pub(crate) fn new(task: &Task, no: usize, model: &'static str) -> Self {
        Self {
            task: task.clone(),
            no,
            model,
            resolved: None,
            error: None,
            turns: Vec::new(),
            repo: task.base.clone(),
        }
    }

    /// A name that tells it from all others.
    pub(crate) fn name(&self) -> String {
        format!("{}.{}", self.task.id, self.no)
    }

    /// The patch at the end.
    pub(crate) fn patch(&self) -> String {
        self.repo.diff_from(&self.task.base)
    }

    /// Begins a response.
    pub(crate) fn say(&mut self, thought: &str) -> &mut Self {
        self.turns.push(Turn {
            thought: thought.to_owned(),
            ..Turn::default()
        });
        self
    }

    /// Adds reasoning to the response.
    pub(crate) fn because(&mut self, reasoning: &str) -> &mut Self {
        if let Some(turn) = self.turns.last_mut() {
            turn.reasoning = Some(reasoning.to_owned());
        }
        self
    }

    fn act(&mut self, act: Act) -> &mut Self {
        if let Some(turn) = self.turns.last_mut() {
            turn.acts.push(act);
        }
        self
    }

    /// Runs a command whose output the story tells.
    pub(crate) fn sh(&mut self, cmd: &str, out: &str, exit: i64) -> &mut Self {
        self.act(Act::Shell {
            cmd: cmd.to_owned(),
            out: out.to_owned(),
            exit,
        })
    }

    /// Lists the Python files.
    pub(crate) fn find(&mut self) -> &mut Self {
        let out: String = self
            .repo
            .paths("")
            .into_iter()
            .filter(|path| path.to_ascii_lowercase().ends_with(".py"))
            .map(|path| format!("./{path}\n"))
            .collect();
        self.sh("find . -name '*.py' | sort", &out, 0)
    }

    /// Searches.
    pub(crate) fn grep(&mut self, needle: &str, folder: &str) -> &mut Self {
        let out = self.repo.grep(needle, folder);
        let exit = i64::from(out.is_empty());
        self.sh(&format!("grep -rn \"{needle}\" {folder}"), &out, exit)
    }

    /// Prints the changes so far.
    pub(crate) fn git_diff(&mut self) -> &mut Self {
        let out = self.patch();
        self.sh("git diff", &out, 0)
    }

    /// Lists the folder.
    pub(crate) fn tree(&mut self) -> &mut Self {
        let paths = self.repo.paths("").into_iter().map(str::to_owned).collect();
        self.act(Act::Tree { paths })
    }

    /// Looks at a file, whole or from a line to a line.
    pub(crate) fn view(&mut self, path: &str, range: Option<(usize, usize)>) -> &mut Self {
        let lines: Vec<&str> = self.repo.text(path).lines().collect();
        let (from, to) = range.unwrap_or((1, lines.len()));
        let text: String = lines
            .iter()
            .skip(from - 1)
            .take(to + 1 - from)
            .map(|line| format!("{line}\n"))
            .collect();
        let total = lines.len();
        self.act(Act::View {
            path: path.to_owned(),
            range,
            first: from,
            text,
            total,
        })
    }

    /// Replaces a text that occurs once, or misses it.
    pub(crate) fn replace(&mut self, path: &str, old: &str, new: &str) -> &mut Self {
        let before = self.repo.text(path).to_owned();
        let Some((head, tail)) = before.split_once(old) else {
            return self.act(Act::Miss {
                path: path.to_owned(),
                old: old.to_owned(),
                new: new.to_owned(),
            });
        };
        assert!(
            !tail.contains(old),
            "the story replaces texts that occur once"
        );
        let after = format!("{head}{new}{tail}");
        let first = head.lines().count() + usize::from(head.ends_with('\n') || head.is_empty());
        let op = Op::Replace {
            old: old.to_owned(),
            new: new.to_owned(),
        };
        self.edit(path, op, before.clone(), after, first)
    }

    /// Puts lines in after the 1-based line `line`.
    pub(crate) fn insert(&mut self, path: &str, line: usize, text: &str) -> &mut Self {
        let before = self.repo.text(path).to_owned();
        let mut lines: Vec<&str> = before.split_inclusive('\n').collect();
        lines.insert(line, text);
        let after = lines.concat();
        let op = Op::Insert {
            after: line,
            text: text.to_owned(),
        };
        self.edit(path, op, before.clone(), after, line + 1)
    }

    /// Makes a file.
    pub(crate) fn create(&mut self, path: &str, text: &str) -> &mut Self {
        self.edit(path, Op::Create, String::new(), text.to_owned(), 1)
    }

    fn edit(
        &mut self,
        path: &str,
        op: Op,
        before: String,
        after: String,
        first: usize,
    ) -> &mut Self {
        self.repo.write(path, after.clone());
        self.act(Act::Edit {
            path: path.to_owned(),
            op,
            before,
            after,
            first,
        })
    }

    /// Thinks aloud, as a call.
    pub(crate) fn think(&mut self, text: &str) -> &mut Self {
        self.act(Act::Think {
            text: text.to_owned(),
        })
    }

    /// Writes a plan.
    pub(crate) fn plan(&mut self, items: &[(&str, &str)]) -> &mut Self {
        let items = items
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect();
        self.act(Act::Plan { items })
    }

    /// Ends.
    pub(crate) fn finish(&mut self, message: &str) -> &mut Self {
        self.act(Act::Finish {
            message: message.to_owned(),
        })
    }

    /// Says how it was judged.
    pub(crate) fn judged(&mut self, resolved: bool) -> &mut Self {
        self.resolved = Some(resolved);
        self
    }
}

/// Numbers the lines as `cat -n` does.
pub(crate) fn cat_n(text: &str, first: usize) -> String {
    text.lines()
        .enumerate()
        .map(|(ix, line)| format!("{:>6}\t{line}\n", first + ix))
        .collect()
}

/// The lines around a change as editors print them: the first line's number and the text.
pub(crate) fn snippet(after: &str, first: usize, changed_lines: usize) -> (usize, String) {
    let from = first.saturating_sub(4).max(1);
    let count = first + changed_lines + 4 - from;
    let text = after
        .lines()
        .skip(from - 1)
        .take(count)
        .map(|line| format!("{line}\n"))
        .collect();
    (from, text)
}

impl Act {
    /// What the tools of OpenHands, SWE-agent and their kin print.
    pub(crate) fn result(&self) -> String {
        match self {
            Self::Shell { out, .. } => out.clone(),
            Self::View {
                path, first, text, ..
            } => format!(
                "Here's the result of running `cat -n` on {ROOT}/{path}:\n{}",
                cat_n(text, *first)
            ),
            Self::Tree { paths } => {
                let mut out = format!(
                    "Here's the files and directories up to 2 levels deep in {ROOT}, excluding hidden items:\n{ROOT}/\n"
                );
                for path in paths {
                    out.push_str(&format!("{ROOT}/{path}\n"));
                }
                out
            }
            Self::Edit {
                path,
                op: Op::Create,
                ..
            } => {
                format!("File created successfully at: {ROOT}/{path}")
            }
            Self::Edit {
                path,
                op,
                after,
                first,
                ..
            } => {
                let text = match op {
                    Op::Replace { new, .. } => new.as_str(),
                    Op::Insert { text, .. } => text.as_str(),
                    Op::Create => "",
                };
                let (from, lines) = snippet(after, *first, text.lines().count());
                format!(
                    "The file {ROOT}/{path} has been edited. Here's the result of running `cat -n` on a snippet of {ROOT}/{path}:\n{}Review the changes and make sure they are as expected. Edit the file again if necessary.",
                    cat_n(&lines, from)
                )
            }
            Self::Miss { path, old, .. } => format!(
                "No replacement was performed, old_str `{old}` did not appear verbatim in {ROOT}/{path}."
            ),
            Self::Think { .. } => "Your thought has been logged.".to_owned(),
            Self::Plan { items } => {
                format!("Task list has been updated with {} items.", items.len())
            }
            Self::Finish { message } => message.clone(),
        }
    }

    /// The exit status, where the act is a command.
    pub(crate) fn exit(&self) -> Option<i64> {
        match self {
            Self::Shell { exit, .. } => Some(*exit),
            _ => None,
        }
    }
}
