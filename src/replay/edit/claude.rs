//! The file tools of Claude Code: Read, Write, Edit, `MultiEdit`, Glob.
//!
//! Its program is not published, so the words are those that recordings show. They come in two forms: up to 2.0 with
//! arrows behind the line numbers and a snippet after each edit, later with tabs and one line. Which one a record has is
//! seen in the record. The reminders that the harness appends to a result are its own; they are taken over as recorded.
//! Grep (which obeys ignore files), LS and notebooks are not replayable.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::model::Value;
use crate::replay::Call;
use crate::replay::Reply;
use crate::replay::Saved;
use crate::replay::Tool;
use crate::replay::edit::bytes::Encoding;
use crate::replay::edit::bytes::decoded;
use crate::replay::edit::bytes::encoded;
use crate::replay::edit::engine::look;
use crate::replay::edit::place;
use crate::replay::edit::pythonic::head;
use crate::replay::edit::stop::Stop;
use crate::replay::edit::stop::reply;
use crate::sandbox::FileKind;
use crate::sandbox::Files;
use crate::sandbox::Sandbox;

const MOST_BYTES: u64 = 64 << 20;
/// Lines that are read where no limit is given.
const LINES: usize = 2000;
/// Lines around a change that a snippet shows.
const CONTEXT: usize = 4;

/// What the program keeps: which files it has read, and may therefore write.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    read: BTreeSet<String>,
}

/// The file tools of Claude Code, told apart by their names.
#[derive(Debug)]
pub struct ClaudeCode {
    cwd: String,
    state: State,
    /// The recorded call did not fail for want of reading: an earlier session may have read the file.
    was_known: bool,
}

/// In which form results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Arrows,
    Tabs,
}

impl ClaudeCode {
    /// With its working folder, an absolute path of the sandbox.
    pub fn new(cwd: impl Into<String>) -> Self {
        Self {
            cwd: cwd.into(),
            state: State::default(),
            was_known: false,
        }
    }

    fn answer(
        &mut self,
        tool: &str,
        args: &Value,
        form: Form,
        files: &mut dyn Files,
    ) -> Result<String, Stop> {
        match tool {
            "Read" => self.read(args, form, files),
            "Write" => self.write(args, form, files),
            "Edit" => {
                let change = Change::of(args)?;
                self.edit(args, &[change], form, false, files)
            }
            "MultiEdit" => {
                let edits = args.get("edits").and_then(Value::as_array);
                let edits = edits.ok_or_else(|| Stop::cannot("the call has no edits"))?;
                let changes: Vec<Change<'_>> =
                    edits.iter().map(Change::of).collect::<Result<_, _>>()?;
                self.edit(args, &changes, form, true, files)
            }
            "Glob" => self.glob(args, files),
            "Grep" => Err(Stop::cannot(
                "the search obeys ignore files that are not read here",
            )),
            _ => Err(Stop::cannot(format!(
                "{tool} is no tool that is known here"
            ))),
        }
    }

    /// The path as it is shown, and as an absolute path.
    fn path<'a>(&self, args: &'a Value) -> Result<(&'a str, String), Stop> {
        let path = args.get("file_path").and_then(Value::as_str);
        let path = path.ok_or_else(|| Stop::cannot("the call has no file_path"))?;
        Ok((path, place::join(&self.cwd, path)))
    }

    fn read(&mut self, args: &Value, form: Form, files: &mut dyn Files) -> Result<String, Stop> {
        const PICTURES: [&str; 7] = [".png", ".jpg", ".jpeg", ".gif", ".webp", ".pdf", ".ipynb"];
        let (_, at) = self.path(args)?;
        if PICTURES.contains(&place::suffix(&at).to_lowercase().as_str()) {
            return Err(Stop::cannot(
                "pictures, documents and notebooks are shown in another way",
            ));
        }
        let text = match look(files, &at)? {
            None => return Err(Stop::says("File does not exist.")),
            Some(meta) if meta.kind == FileKind::Dir => {
                return Err(Stop::says("EISDIR: illegal operation on a directory, read"));
            }
            Some(_) => text_of(&at, files)?.0,
        };
        self.state.read.insert(at);
        if text.is_empty() {
            return Ok("<system-reminder>Warning: the file exists but the contents are empty.</system-reminder>".to_owned());
        }
        let number = |name: &str| {
            args.get(name)
                .and_then(Value::as_u64)
                .and_then(|number| usize::try_from(number).ok())
        };
        let first = number("offset").unwrap_or(1).max(1);
        let limit = number("limit");
        let mut lines: Vec<&str> = text.split('\n').collect();
        if form == Form::Arrows && lines.last() == Some(&"") {
            lines.pop();
        }
        if first > lines.len() {
            let count = lines.len();
            return Ok(format!(
                "<system-reminder>Warning: the file exists but is shorter than the provided offset ({first}). The file has {count} lines.</system-reminder>"
            ));
        }
        let shown: Vec<String> = lines
            .iter()
            .skip(first - 1)
            .take(limit.unwrap_or(LINES))
            .map(|line| shortened(line))
            .collect();
        Ok(numbered(shown.iter().map(String::as_str), first, form))
    }

    /// Refuses what was not read before.
    fn known(&self, at: &str) -> Result<(), Stop> {
        if self.state.read.contains(at) || self.was_known {
            return Ok(());
        }
        Err(Stop::says(
            "File has not been read yet. Read it first before writing to it.",
        ))
    }

    fn write(&mut self, args: &Value, form: Form, files: &mut dyn Files) -> Result<String, Stop> {
        let (path, at) = self.path(args)?;
        let content = args.get("content").and_then(Value::as_str);
        let content = content.ok_or_else(|| Stop::cannot("the call has no content"))?;
        let is_new = match look(files, &at)? {
            None => true,
            Some(meta) if meta.kind == FileKind::Dir => {
                return Err(Stop::says("EISDIR: illegal operation on a directory, open"));
            }
            Some(_) => {
                self.known(&at)?;
                false
            }
        };
        let ends = if is_new {
            Ends::Plain
        } else {
            text_of(&at, files)?.2
        };
        put(&at, content, Encoding::Utf8, ends, files)?;
        self.state.read.insert(at);
        Ok(match form {
            _ if is_new => format!("File created successfully at: {path}"),
            Form::Tabs => format!("The file {path} has been updated successfully."),
            Form::Arrows => {
                let lines = numbered(content.split('\n'), 1, form);
                format!(
                    "The file {path} has been updated. Here's the result of running `cat -n` on a snippet of the edited file:\n{lines}"
                )
            }
        })
    }

    fn edit(
        &mut self,
        args: &Value,
        changes: &[Change<'_>],
        form: Form,
        is_multi: bool,
        files: &mut dyn Files,
    ) -> Result<String, Stop> {
        let (path, at) = self.path(args)?;
        let [first, ..] = changes else {
            return Err(Stop::cannot("the call has no edits"));
        };
        if changes.iter().any(|change| change.old == change.new) {
            return Err(Stop::says(
                "No changes to make: old_string and new_string are exactly the same.",
            ));
        }
        let (mut text, encoding, ends) = if look(files, &at)?.is_some() {
            let old = text_of(&at, files)?;
            if first.old.is_empty() && !old.0.trim().is_empty() {
                return Err(Stop::says("Cannot create new file - file already exists."));
            }
            self.known(&at)?;
            old
        } else if first.old.is_empty() {
            (String::new(), Encoding::Utf8, Ends::Plain)
        } else {
            return Err(Stop::says("File does not exist."));
        };
        let mut line = 0;
        for change in changes {
            line = change.apply(&mut text)?;
        }
        put(&at, &text, encoding, ends, files)?;
        self.state.read.insert(at);
        if is_multi {
            return Ok(listed(path, changes));
        }
        let all = first.all;
        Ok(match form {
            _ if all => format!(
                "The file {path} has been updated. All occurrences were successfully replaced."
            ),
            Form::Tabs => format!("The file {path} has been updated successfully."),
            Form::Arrows => {
                let start = line.saturating_sub(CONTEXT);
                let count = line - start + first.new.split('\n').count() + CONTEXT;
                let lines = numbered(text.split('\n').skip(start).take(count), start + 1, form);
                format!(
                    "The file {path} has been updated. Here's the result of running `cat -n` on a snippet of the edited file:\n{lines}"
                )
            }
        })
    }

    /// Files that match a pattern. The program tells them by their time of change; here they are sorted by name.
    fn glob(&self, args: &Value, files: &mut dyn Files) -> Result<String, Stop> {
        const MOST: usize = 100;
        let pattern = args.get("pattern").and_then(Value::as_str);
        let pattern = pattern.ok_or_else(|| Stop::cannot("the call has no pattern"))?;
        let folder = args.get("path").and_then(Value::as_str).unwrap_or_default();
        let folder = place::join(&self.cwd, folder);
        let glob = globset::GlobBuilder::new(pattern.trim_start_matches("./"))
            .literal_separator(true)
            .build()
            .map_err(|_error| Stop::cannot("the pattern is none that is known here"))?
            .compile_matcher();
        let found = files
            .list(&folder, 64, 500_000)
            .map_err(|error| Stop::broken(&folder, &error))?;
        let has_folders = pattern.contains('/');
        let is_match =
            |path: &str| glob.is_match(if has_folders { path } else { place::name(path) });
        let mut paths: Vec<String> = found
            .iter()
            .filter(|found| found.kind == FileKind::File && is_match(&found.path))
            .map(|found| place::below(&folder, &found.path))
            .collect();
        if paths.len() > MOST {
            return Err(Stop::cannot(
                "of more than 100 files it shows those that changed last",
            ));
        }
        if paths.is_empty() {
            return Ok("No files found".to_owned());
        }
        paths.sort();
        Ok(paths.join("\n"))
    }
}

impl Tool for ClaudeCode {
    fn run(
        &mut self,
        call: &Call<'_>,
        sandbox: &mut dyn Sandbox,
        _: &mut dyn FnMut(&[u8]),
        _: &Cancel,
    ) -> Result<Reply> {
        let action = call.action;
        let recorded = action.first_text();
        let recorded = recorded.map_or("", |text| &**text);
        self.was_known = !recorded.is_empty() && !recorded.contains("File has not been read yet.");
        let form = form_of(recorded);
        let done = self.answer(&action.tool, &action.args, form, sandbox.files());
        let mut reply = reply(done.map_err(wrapped), "");
        if let Some(appended) = recorded.strip_prefix(reply.text.as_str())
            && appended.trim_start().starts_with("<system-reminder>")
        {
            reply.text.push_str(appended);
        }
        Ok(reply)
    }

    fn save(&mut self, _: &mut dyn Sandbox) -> Result<Saved> {
        let state = serde_json::to_vec(&self.state).map_err(|error| {
            Error::internal("the names of read files are no JSON").caused_by(error)
        })?;
        Ok(Saved {
            state,
            lost: Vec::new(),
        })
    }

    fn restore(&mut self, saved: &Saved, _: &mut dyn Sandbox) -> Result<()> {
        self.state = if saved.state.is_empty() {
            State::default()
        } else {
            serde_json::from_slice(&saved.state).map_err(|error| {
                Error::internal("a saved state is none of Claude Code's").caused_by(error)
            })?
        };
        Ok(())
    }
}

/// Errors stand in a mark of their own.
fn wrapped(stop: Stop) -> Stop {
    match stop {
        Stop::Says(text) => Stop::Says(format!("<tool_use_error>{text}</tool_use_error>")),
        Stop::Cannot(why) => Stop::Cannot(why),
    }
}

/// The form of a recorded result; where it shows none, the newer one.
fn form_of(recorded: &str) -> Form {
    let is_numbered = |line: &str| {
        line.split_once('→')
            .is_some_and(|(number, _)| number.trim().parse::<usize>().is_ok())
    };
    if recorded.lines().take(2).any(is_numbered) {
        Form::Arrows
    } else {
        Form::Tabs
    }
}

/// How the lines of a file end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Plain,
    WithReturns,
}

fn text_of(at: &str, files: &mut dyn Files) -> Result<(String, Encoding, Ends), Stop> {
    let bytes = files
        .read(at, MOST_BYTES)
        .map_err(|error| Stop::broken(at, &error))?;
    let (_, encoding) = decoded(&bytes);
    if !matches!(encoding, Encoding::Utf8 | Encoding::Utf8Mark) {
        return Err(Stop::cannot(format!("{at} is not UTF-8")));
    }
    let text =
        String::from_utf8(bytes).map_err(|_error| Stop::cannot(format!("{at} is not UTF-8")))?;
    let returns = text.matches("\r\n").count();
    let plain = text.matches('\n').count() - returns;
    let ends = if returns > plain {
        Ends::WithReturns
    } else {
        Ends::Plain
    };
    Ok((text.replace("\r\n", "\n"), Encoding::Utf8, ends))
}

fn put(
    at: &str,
    text: &str,
    encoding: Encoding,
    ends: Ends,
    files: &mut dyn Files,
) -> Result<(), Stop> {
    let text = match ends {
        Ends::Plain => text.to_owned(),
        Ends::WithReturns => text.replace("\r\n", "\n").replace('\n', "\r\n"),
    };
    let bytes =
        encoded(&text, encoding).ok_or_else(|| Stop::cannot(format!("{at} is not UTF-8")))?;
    files
        .make_dirs(place::parent(at))
        .and_then(|()| files.write(at, &bytes, None))
        .map_err(|error| Stop::broken(at, &error))
}

/// A line that is not too long.
fn shortened(line: &str) -> String {
    const MOST: usize = 2000;
    if line.chars().nth(MOST).is_some() {
        format!("{}... [truncated]", head(line, MOST))
    } else {
        line.to_owned()
    }
}

fn numbered<'a>(lines: impl Iterator<Item = &'a str>, first: usize, form: Form) -> String {
    let lines: Vec<String> = lines
        .enumerate()
        .map(|(ix, line)| match form {
            Form::Arrows => format!("{:6}→{line}", ix + first),
            Form::Tabs => format!("{}\t{line}", ix + first),
        })
        .collect();
    lines.join("\n")
}

/// One replacement of a call.
#[derive(Debug, Clone, Copy)]
struct Change<'a> {
    old: &'a str,
    new: &'a str,
    all: bool,
}

impl<'a> Change<'a> {
    fn of(args: &'a Value) -> Result<Self, Stop> {
        let text = |name: &str| {
            let text = args.get(name).and_then(Value::as_str);
            text.ok_or_else(|| Stop::cannot(format!("the call has no {name}")))
        };
        Ok(Self {
            old: text("old_string")?,
            new: text("new_string")?,
            all: args
                .get("replace_all")
                .and_then(Value::as_bool)
                .unwrap_or_default(),
        })
    }

    /// Makes it and returns the line of its first place, from 0.
    fn apply(self, text: &mut String) -> Result<usize, Stop> {
        if self.old.is_empty() {
            self.new.clone_into(text);
            return Ok(0);
        }
        let count = text.matches(self.old).count();
        let Some(at) = text.find(self.old) else {
            return Err(Stop::says(format!(
                "String to replace not found in file.\nString: {}",
                self.old
            )));
        };
        if count > 1 && !self.all {
            return Err(Stop::says(format!(
                "Found {count} matches of the string to replace, but replace_all is false. To replace all occurrences, set replace_all to true. To replace only one occurrence, please provide more context to uniquely identify the instance.\nString: {}",
                self.old
            )));
        }
        let line = text.get(..at).unwrap_or_default().matches('\n').count();
        // What is removed takes the end of its line along.
        let whole = format!("{}\n", self.old);
        let takes_end = self.new.is_empty() && !self.old.ends_with('\n') && text.contains(&whole);
        let old = if takes_end { whole.as_str() } else { self.old };
        *text = if self.all {
            text.replace(old, self.new)
        } else {
            text.replacen(old, self.new, 1)
        };
        Ok(line)
    }
}

fn listed(path: &str, changes: &[Change<'_>]) -> String {
    let short = |text: &str| {
        let dots = if text.chars().nth(50).is_some() {
            "..."
        } else {
            ""
        };
        format!("{}{dots}", head(text, 50))
    };
    let lines: Vec<String> = changes
        .iter()
        .enumerate()
        .map(|(ix, change)| {
            format!(
                "{}. Replaced \"{}\" with \"{}\"",
                ix + 1,
                short(change.old),
                short(change.new)
            )
        })
        .collect();
    let (count, end) = (changes.len(), if changes.len() == 1 { "" } else { "s" });
    format!("Applied {count} edit{end} to {path}:\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::Action;
    use crate::model::Observation;
    use crate::sandbox::testing::folder::Folder;

    #[track_caller]
    fn answers(
        tool: &mut ClaudeCode,
        folder: &mut Folder,
        name: &str,
        args: &str,
        recorded: &str,
        says: &str,
    ) {
        let mut action = Action::new(None, name, serde_json::from_str(args).expect("JSON"));
        action.observation = Some(Observation::text(recorded));
        let call = Call {
            action: &action,
            step: 0,
            patience: Duration::from_secs(1),
        };
        let saved = tool.save(folder).expect("a state");
        *tool = ClaudeCode::new("/w");
        tool.restore(&saved, folder).expect("the state");
        let reply = tool
            .run(&call, folder, &mut |_| (), &Cancel::default())
            .expect("a reply");
        assert_eq!(reply.text, says, "{name} {args}");
    }

    const ARROWS: &str = "     1→x";

    #[test]
    fn files_are_read_before_they_are_written() {
        let mut folder = Folder::new();
        folder.put("/w/a", "1\n2\n3\n4\n5\n6\n7\n8\n");
        let tool = &mut ClaudeCode::new("/w");
        let edit = r#"{"file_path":"/w/a","old_string":"6","new_string":"six"}"#;
        answers(
            tool,
            &mut folder,
            "Edit",
            edit,
            "<tool_use_error>File has not been read yet. …",
            "<tool_use_error>File has not been read yet. Read it first before writing to it.</tool_use_error>",
        );
        let shown = "     7→7\n     8→8";
        let reminded = format!("{shown}\n\n<system-reminder>\nmind\n</system-reminder>\n");
        answers(
            tool,
            &mut folder,
            "Read",
            r#"{"file_path":"/w/a","offset":7,"limit":9}"#,
            &reminded,
            &reminded,
        );
        answers(
            tool,
            &mut folder,
            "Edit",
            edit,
            &format!("The file\n{ARROWS}"),
            "The file /w/a has been updated. Here's the result of running `cat -n` on a snippet of the edited file:\n     2→2\n     3→3\n     4→4\n     5→5\n     6→six\n     7→7\n     8→8\n     9→",
        );
        answers(
            tool,
            &mut folder,
            "Edit",
            r#"{"file_path":"/w/a","old_string":"six","new_string":""}"#,
            "",
            "The file /w/a has been updated successfully.",
        );
        assert_eq!(
            folder.text("/w/a").as_deref(),
            Some("1\n2\n3\n4\n5\n7\n8\n")
        );
        answers(
            tool,
            &mut folder,
            "Read",
            r#"{"file_path":"/w/a","offset":6}"#,
            "",
            "6\t7\n7\t8\n8\t",
        );
    }

    #[test]
    fn errors_are_marked() {
        let mut folder = Folder::new();
        folder.put("/w/a", "one\r\none\r\ntwo\r\n");
        let tool = &mut ClaudeCode::new("/w");
        answers(
            tool,
            &mut folder,
            "Read",
            r#"{"file_path":"/w/b"}"#,
            "",
            "<tool_use_error>File does not exist.</tool_use_error>",
        );
        answers(
            tool,
            &mut folder,
            "Read",
            r#"{"file_path":"/w/a","limit":1}"#,
            "",
            "1\tone",
        );
        answers(
            tool,
            &mut folder,
            "Edit",
            r#"{"file_path":"/w/a","old_string":"x","new_string":"y"}"#,
            "",
            "<tool_use_error>String to replace not found in file.\nString: x</tool_use_error>",
        );
        answers(
            tool,
            &mut folder,
            "Edit",
            r#"{"file_path":"/w/a","old_string":"one","new_string":"1","replace_all":true}"#,
            "",
            "The file /w/a has been updated. All occurrences were successfully replaced.",
        );
        assert_eq!(folder.text("/w/a").as_deref(), Some("1\r\n1\r\ntwo\r\n"));
        answers(
            tool,
            &mut folder,
            "MultiEdit",
            r#"{"file_path":"/w/a","edits":[{"old_string":"two","new_string":"2"},{"old_string":"2","new_string":"3"}]}"#,
            "",
            "Applied 2 edits to /w/a:\n1. Replaced \"two\" with \"2\"\n2. Replaced \"2\" with \"3\"",
        );
    }

    #[test]
    fn files_are_made_and_found() {
        let mut folder = Folder::new();
        folder.put("/w/x", "");
        let tool = &mut ClaudeCode::new("/w");
        answers(
            tool,
            &mut folder,
            "Write",
            r#"{"file_path":"/w/d/e.rs","content":"a\n"}"#,
            "",
            "File created successfully at: /w/d/e.rs",
        );
        answers(
            tool,
            &mut folder,
            "Glob",
            r#"{"pattern":"**/*.{rs,py}"}"#,
            "",
            "/w/d/e.rs",
        );
        answers(
            tool,
            &mut folder,
            "Glob",
            r#"{"pattern":"*.c"}"#,
            "",
            "No files found",
        );
        answers(tool, &mut folder, "Grep", r#"{"pattern":"a"}"#, "", "");
    }
}
