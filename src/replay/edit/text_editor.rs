//! Anthropic's text editor as its reference has it, and as SWE-agent 1.x took it over: `str_replace_editor`,
//! `str_replace_based_edit_tool`, `text_editor`.

use crate::cancel::Cancel;
use crate::error::Result;
use crate::model::Action;
use crate::model::Value;
use crate::replay::Call;
use crate::replay::Reply;
use crate::replay::Saved;
use crate::replay::Tool;
use crate::replay::edit::engine::History;
use crate::replay::edit::engine::look;
use crate::replay::edit::engine::os_error;
use crate::replay::edit::openhands::restored;
use crate::replay::edit::openhands::saved;
use crate::replay::edit::place;
use crate::replay::edit::pythonic;
use crate::replay::edit::pythonic::expand_tabs;
use crate::replay::edit::stop::Stop;
use crate::replay::edit::stop::reply;
use crate::sandbox::FileKind;
use crate::sandbox::Files;
use crate::sandbox::Sandbox;

/// How many characters are shown.
const MOST_CHARS: usize = 16_000;
const NOTICE: &str = "<response clipped><NOTE>To save on context only part of this file has been shown to you. You should retry this tool after you have searched inside the file with `grep -n` in order to find the line numbers of what you are looking for.</NOTE>";
const MOST_BYTES: u64 = 64 << 20;
/// Lines around a change that a snippet shows.
const CONTEXT: usize = 4;

/// The editor that expands tabs in what it edits. Its folder listings come in the order of the file system: here they are
/// sorted. A linter's remarks, a map of a long Python file and a widened view are not imitated.
#[derive(Debug)]
pub struct TextEditor {
    is_swe_agent: bool,
    /// What stands before its own errors.
    prefix: &'static str,
    cwd: String,
    history: History,
}

impl TextEditor {
    /// As Anthropic's reference; `cwd` is where its process runs.
    pub fn reference(cwd: impl Into<String>) -> Self {
        Self {
            is_swe_agent: false,
            prefix: "",
            cwd: cwd.into(),
            history: History::default(),
        }
    }

    /// As in the first versions of `OpenHands`, whose runtime says what is an error.
    pub fn of_openhands(cwd: impl Into<String>) -> Self {
        Self {
            prefix: "ERROR:\n",
            ..Self::reference(cwd)
        }
    }

    /// As in SWE-agent 1.x.
    pub fn swe_agent(cwd: impl Into<String>) -> Self {
        Self {
            is_swe_agent: true,
            ..Self::reference(cwd)
        }
    }

    fn answer(&mut self, asked: &Asked, files: &mut dyn Files) -> Result<String, Stop> {
        let path = place::pure(&asked.path);
        let required = |name: &str| {
            let dot = if self.is_swe_agent { "" } else { "." };
            let command = &asked.command;
            Stop::says(format!(
                "Parameter `{name}` is required for command: {command}{dot}"
            ))
        };
        let kind = self.checked(asked, &path, files)?;
        match asked.command.as_str() {
            "view" if kind == Some(FileKind::Dir) => view_folder(&path, asked, files),
            "view" => view_file(&path, asked, files),
            "create" => {
                let text = asked
                    .file_text
                    .as_ref()
                    .ok_or_else(|| required("file_text"))?;
                let above = place::parent(&path);
                if self.is_swe_agent && look(files, above)?.is_none() {
                    return Err(Stop::says(format!(
                        "The parent directory {above} does not exist. Please create it first."
                    )));
                }
                write(&path, text, files)?;
                self.history.push(&path, text);
                Ok(format!("File created successfully at: {path}"))
            }
            "str_replace" => {
                let old = asked.old_str.as_ref().ok_or_else(|| required("old_str"))?;
                self.replace(
                    &path,
                    old,
                    asked.new_str.as_deref().unwrap_or_default(),
                    files,
                )
            }
            "insert" => {
                let at = asked.insert_line.ok_or_else(|| required("insert_line"))?;
                let new = asked.new_str.as_ref().ok_or_else(|| required("new_str"))?;
                self.insert(&path, at, new, files)
            }
            "undo_edit" => {
                let Some(text) = self.history.pop(&path) else {
                    return Err(Stop::says(format!("No edit history found for {path}.")));
                };
                write(&path, &text, files)?;
                Ok(format!(
                    "Last edit to {path} undone successfully. {}",
                    numbered(&text, &path, 1)
                ))
            }
            other => Err(Stop::says(format!(
                "Unrecognized command {other}. The allowed commands for the str_replace_editor tool are: \"view\", \"create\", \"str_replace\", \"insert\", \"undo_edit\""
            ))),
        }
    }

    fn checked(
        &self,
        asked: &Asked,
        path: &str,
        files: &mut dyn Files,
    ) -> Result<Option<FileKind>, Stop> {
        if !path.starts_with('/') {
            let meant = place::join(&self.cwd, path);
            return Err(Stop::says(format!(
                "The path {path} is not an absolute path, it should start with `/`. Maybe you meant {meant}?"
            )));
        }
        let kind = look(files, path)?.map(|meta| meta.kind);
        let is_create = asked.command == "create";
        let wrong = match kind {
            None if !is_create => {
                format!("The path {path} does not exist. Please provide a valid path.")
            }
            Some(_) if is_create => {
                format!(
                    "File already exists at: {path}. Cannot overwrite files using command `create`."
                )
            }
            Some(FileKind::Dir) if asked.command != "view" => {
                format!(
                    "The path {path} is a directory and only the `view` command can be used on directories"
                )
            }
            Some(FileKind::Other) => return Err(Stop::cannot(format!("{path} is no file"))),
            _ => return Ok(kind),
        };
        Err(Stop::says(wrong))
    }

    fn replace(
        &mut self,
        path: &str,
        old: &str,
        new: &str,
        files: &mut dyn Files,
    ) -> Result<String, Stop> {
        let text = expand_tabs(&read(path, files)?);
        let (old, new) = (expand_tabs(old), expand_tabs(new));
        let dot = if self.is_swe_agent { "" } else { "." };
        match text.matches(old.as_str()).take(2).count() {
            0 => {
                return Err(Stop::says(format!(
                    "No replacement was performed, old_str `{old}` did not appear verbatim in {path}."
                )));
            }
            1 => {}
            _ => {
                let lines = text.split('\n').enumerate();
                let lines: Vec<String> = lines
                    .filter(|(_, line)| line.contains(&old))
                    .map(|(ix, _)| (ix + 1).to_string())
                    .collect();
                return Err(Stop::says(format!(
                    "No replacement was performed. Multiple occurrences of old_str `{old}` in lines [{}]. Please ensure it is unique{dot}",
                    lines.join(", ")
                )));
            }
        }
        if self.is_swe_agent && old == new {
            return Err(Stop::says(format!(
                "No replacement was performed, old_str `{old}` is the same as new_str `{new}`."
            )));
        }
        let changed = text.replacen(&old, &new, 1);
        write(path, &changed, files)?;
        self.history.push(path, &text);
        let above = text.split(old.as_str()).next().unwrap_or_default();
        let line = above.matches('\n').count();
        let first = if self.is_swe_agent {
            line.saturating_sub(CONTEXT).max(1)
        } else {
            line.saturating_sub(CONTEXT) + 1
        };
        let mut last = line + CONTEXT + new.matches('\n').count();
        if self.is_swe_agent {
            last = last.min(pythonic::splitlines(&changed).len());
        } else {
            last += 1;
        }
        let count = (last + 1).saturating_sub(first);
        let snippet: Vec<&str> = changed.split('\n').skip(first - 1).take(count).collect();
        let shown = numbered(&snippet.join("\n"), &format!("a snippet of {path}"), first);
        Ok(format!(
            "The file {path} has been edited. {shown}Review the changes and make sure they are as expected. Edit the file again if necessary."
        ))
    }

    fn insert(
        &mut self,
        path: &str,
        at: i64,
        new: &str,
        files: &mut dyn Files,
    ) -> Result<String, Stop> {
        let text = expand_tabs(&read(path, files)?);
        let new = expand_tabs(new);
        let lines: Vec<&str> = text.split('\n').collect();
        let count = lines.len();
        let Some(line) = usize::try_from(at).ok().filter(|line| *line <= count) else {
            return Err(Stop::says(format!(
                "Invalid `insert_line` parameter: {at}. It should be within the range of lines of the file: [0, {count}]"
            )));
        };
        let (before, after) = lines.split_at(line);
        let changed = [before, &[new.as_str()], after].concat().join("\n");
        write(path, &changed, files)?;
        self.history.push(path, &text);
        let above = before
            .get(line.saturating_sub(CONTEXT)..)
            .unwrap_or_default();
        let below = after.get(..CONTEXT).unwrap_or(after);
        let snippet = [above, &[new.as_str()], below].concat().join("\n");
        let shown = numbered(
            &snippet,
            "a snippet of the edited file",
            line.saturating_sub(CONTEXT) + 1,
        );
        Ok(format!(
            "The file {path} has been edited. {shown}Review the changes and make sure they are as expected (correct indentation, no duplicate lines, etc). Edit the file again if necessary."
        ))
    }
}

impl Tool for TextEditor {
    fn run(
        &mut self,
        call: &Call<'_>,
        sandbox: &mut dyn Sandbox,
        _: &mut dyn FnMut(&[u8]),
        _: &Cancel,
    ) -> Result<Reply> {
        let done = Asked::of(call.action).and_then(|asked| self.answer(&asked, sandbox.files()));
        let mut reply = reply(done, self.prefix);
        if self.is_swe_agent {
            // It prints to a terminal, and what is printed is stripped.
            reply.text = reply.text.trim_end_matches('\n').replace('\n', "\r\n");
        }
        Ok(reply)
    }

    fn save(&mut self, _: &mut dyn Sandbox) -> Result<Saved> {
        saved(&self.history)
    }

    fn restore(&mut self, saved: &Saved, _: &mut dyn Sandbox) -> Result<()> {
        self.history = restored(saved)?;
        Ok(())
    }
}

/// The arguments of a call, as fields or typed like a command.
#[derive(Debug, Default)]
struct Asked {
    command: String,
    path: String,
    file_text: Option<String>,
    view_range: Option<Vec<i64>>,
    old_str: Option<String>,
    new_str: Option<String>,
    insert_line: Option<i64>,
}

impl Asked {
    fn of(action: &Action) -> Result<Self, Stop> {
        let args = &action.args;
        let typed = args
            .as_str()
            .or_else(|| args.get("command").and_then(Value::as_str));
        let typed = typed.map(str::trim_start).filter(|text| {
            let rest = text.strip_prefix(action.tool.as_str());
            rest.is_some_and(|rest| rest.starts_with(char::is_whitespace))
        });
        if let Some(typed) = typed {
            return Self::typed(typed);
        }
        let text = |name: &str| args.get(name).and_then(Value::as_str).map(str::to_owned);
        let int = |value: &Value| value.as_i64().or_else(|| pythonic::int_of(value.as_str()?));
        let wrong = |name: &str| Stop::cannot(format!("the call has no {name}"));
        let view_range = match args.get("view_range") {
            Some(Value::Array(items)) if !items.is_empty() => {
                Some(items.iter().filter_map(int).collect())
            }
            _ => None,
        };
        Ok(Self {
            command: text("command").ok_or_else(|| wrong("command"))?,
            path: text("path").ok_or_else(|| wrong("path"))?,
            file_text: text("file_text"),
            view_range,
            old_str: text("old_str"),
            new_str: text("new_str").or_else(|| text("insert_text")),
            insert_line: args.get("insert_line").and_then(int),
        })
    }

    fn typed(text: &str) -> Result<Self, Stop> {
        let wrong = || Stop::cannot("the call cannot be read as the shell would");
        let words = shell_words::split(text).map_err(|_error| wrong())?;
        let mut words = words.into_iter().skip(1);
        let mut asked = Self::default();
        let mut plain = Vec::new();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--file_text" => asked.file_text = words.next(),
                "--old_str" => asked.old_str = words.next(),
                "--new_str" => asked.new_str = words.next(),
                "--insert_line" => {
                    asked.insert_line = words.next().and_then(|word| pythonic::int_of(&word));
                }
                "--view_range" => {
                    let ends: Vec<i64> = words
                        .by_ref()
                        .take(2)
                        .filter_map(|word| pythonic::int_of(&word))
                        .collect();
                    asked.view_range = Some(ends);
                }
                _ => plain.push(word),
            }
        }
        let [command, path] = <[String; 2]>::try_from(plain).map_err(|_error| wrong())?;
        Ok(Self {
            command,
            path,
            ..asked
        })
    }
}

fn view_folder(path: &str, asked: &Asked, files: &mut dyn Files) -> Result<String, Stop> {
    if asked.view_range.is_some() {
        return Err(Stop::says(
            "The `view_range` parameter is not allowed when `path` points to a directory.",
        ));
    }
    let found = files
        .list(path, 2, 100_000)
        .map_err(|error| Stop::broken(path, &error))?;
    let mut paths: Vec<String> = found
        .into_iter()
        .map(|found| place::below(path, &found.path))
        .chain([path.to_owned()])
        .filter(|path| !path.contains("/."))
        .collect();
    paths.sort();
    let listing: String = paths
        .iter()
        .flat_map(|path| [path.as_str(), "\n"])
        .collect();
    Ok(format!(
        "Here's the files and directories up to 2 levels deep in {path}, excluding hidden items:\n{listing}\n"
    ))
}

fn view_file(path: &str, asked: &Asked, files: &mut dyn Files) -> Result<String, Stop> {
    let text = read(path, files)?;
    let Some(range) = &asked.view_range else {
        return Ok(numbered(&text, path, 1));
    };
    let [first, last] = range.as_slice() else {
        return Err(Stop::says(
            "Invalid `view_range`. It should be a list of two integers.",
        ));
    };
    let (first, last) = (*first, *last);
    let lines: Vec<&str> = text.split('\n').collect();
    let count = i64::try_from(lines.len()).unwrap_or(i64::MAX);
    let wrong = |hint: String| {
        Err(Stop::says(format!(
            "Invalid `view_range`: [{first}, {last}]. {hint}"
        )))
    };
    if first < 1 || first > count {
        return wrong(format!(
            "Its first element `{first}` should be within the range of lines of the file: [1, {count}]"
        ));
    }
    if last > count {
        return wrong(format!(
            "Its second element `{last}` should be smaller than the number of lines in the file: `{count}`"
        ));
    }
    if last != -1 && last < first {
        return wrong(format!(
            "Its second element `{last}` should be larger or equal than its first `{first}`"
        ));
    }
    let start = usize::try_from(first).unwrap_or(1);
    let end = usize::try_from(last).unwrap_or(lines.len());
    let shown = lines.get(start - 1..end).unwrap_or_default().join("\n");
    Ok(numbered(&shown, path, start))
}

fn numbered(text: &str, what: &str, first: usize) -> String {
    let mut text = text.to_owned();
    if pythonic::longer_than(&text, MOST_CHARS) {
        text = format!("{}{NOTICE}", pythonic::head(&text, MOST_CHARS));
    }
    let lines: Vec<String> = expand_tabs(&text)
        .split('\n')
        .enumerate()
        .map(|(ix, line)| format!("{:6}\t{line}", ix + first))
        .collect();
    format!(
        "Here's the result of running `cat -n` on {what}:\n{}\n",
        lines.join("\n")
    )
}

fn read(path: &str, files: &mut dyn Files) -> Result<String, Stop> {
    let bytes = files
        .read(path, MOST_BYTES)
        .map_err(|error| Stop::broken(path, &error))?;
    let text =
        String::from_utf8(bytes).map_err(|_error| Stop::cannot(format!("{path} is not UTF-8")))?;
    Ok(pythonic::universal(text))
}

fn write(path: &str, text: &str, files: &mut dyn Files) -> Result<(), Stop> {
    files.write(path, text.as_bytes(), None).map_err(|error| {
        Stop::says(format!(
            "Ran into {} while trying to write to {path}",
            os_error(path, &error)
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sandbox::testing::folder::Folder;

    #[track_caller]
    fn answers(tool: &mut TextEditor, folder: &mut Folder, args: &str, says: &str) {
        let action = Action::new(
            None,
            "str_replace_editor",
            serde_json::from_str(args).expect("JSON"),
        );
        let call = Call {
            action: &action,
            step: 0,
            patience: Duration::from_secs(1),
        };
        let reply = tool
            .run(&call, folder, &mut |_| (), &Cancel::default())
            .expect("a reply");
        assert_eq!(reply.text, says, "{args}");
    }

    #[test]
    fn swe_agent_prints_to_a_terminal() {
        let mut folder = Folder::new();
        folder.put("/w/a.py", "one\n\ttwo\nthree\n");
        let tool = &mut TextEditor::swe_agent("/w");
        answers(
            tool,
            &mut folder,
            r#"{"command":"view","path":"/w/a.py","view_range":[1,2]}"#,
            "Here's the result of running `cat -n` on /w/a.py:\r\n     1\tone\r\n     2\t        two",
        );
        answers(
            tool,
            &mut folder,
            r#"{"command":"str_replace_editor str_replace /w/a.py --old_str '\ttwo' --new_str '\t2'"}"#,
            "The file /w/a.py has been edited. Here's the result of running `cat -n` on a snippet of /w/a.py:\r\n     1\tone\r\n     2\t        2\r\n     3\tthree\r\nReview the changes and make sure they are as expected. Edit the file again if necessary.",
        );
        assert_eq!(
            folder.text("/w/a.py").as_deref(),
            Some("one\n        2\nthree\n")
        );
        answers(
            tool,
            &mut folder,
            r#"{"command":"create","path":"/w/n/x","file_text":"a"}"#,
            "The parent directory /w/n does not exist. Please create it first.",
        );
        answers(
            tool,
            &mut folder,
            r#"{"command":"view","path":"a.py"}"#,
            "The path a.py is not an absolute path, it should start with `/`. Maybe you meant /w/a.py?",
        );
        answers(
            tool,
            &mut folder,
            r#"{"command":"undo_edit","path":"/w/a.py"}"#,
            "Last edit to /w/a.py undone successfully. Here's the result of running `cat -n` on /w/a.py:\r\n     1\tone\r\n     2\t        two\r\n     3\tthree\r\n     4\t",
        );
        answers(
            tool,
            &mut folder,
            r#"{"command":"insert","path":"/w/a.py","insert_line":9,"new_str":"x"}"#,
            "Invalid `insert_line` parameter: 9. It should be within the range of lines of the file: [0, 4]",
        );
    }

    #[test]
    fn the_reference_shows_a_line_more() {
        let mut folder = Folder::new();
        folder.put("/w/a", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n");
        let tool = &mut TextEditor::reference("/w");
        answers(
            tool,
            &mut folder,
            r#"{"command":"str_replace","path":"/w/a","old_str":"6\n","new_str":"six\n"}"#,
            "The file /w/a has been edited. Here's the result of running `cat -n` on a snippet of /w/a:\n     2\t2\n     3\t3\n     4\t4\n     5\t5\n     6\tsix\n     7\t7\n     8\t8\n     9\t9\n    10\t10\n    11\t11\nReview the changes and make sure they are as expected. Edit the file again if necessary.",
        );
        answers(
            tool,
            &mut folder,
            r#"{"command":"view","path":"/w"}"#,
            "Here's the files and directories up to 2 levels deep in /w, excluding hidden items:\n/w\n/w/a\n\n",
        );
        answers(
            tool,
            &mut folder,
            r#"{"command":"str_replace","path":"/w/a","old_str":"1","new_str":"x"}"#,
            "No replacement was performed. Multiple occurrences of old_str `1` in lines [1, 10, 11, 12]. Please ensure it is unique.",
        );
    }
}
