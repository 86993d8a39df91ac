//! The tools of SWE-agent that work on an open file, and its searches.
//!
//! Up to 0.7 they are functions of a shell that keep the middle of the window, later programs in Python that keep its
//! first line. A linter that may refuse an edit is not run: where the record shows that it refused, nothing is changed.

mod search;
mod window;

use serde::Deserialize;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::model::Action;
use crate::model::Value;
use crate::replay::Call;
use crate::replay::Reply;
use crate::replay::Saved;
use crate::replay::Tool;
use crate::replay::edit::place;
use crate::replay::edit::pythonic;
use crate::replay::edit::stop::Stop;
use crate::replay::edit::stop::reply;
use crate::replay::edit::swe_agent::window::Window;
use crate::sandbox::Files;
use crate::sandbox::Sandbox;

/// The registry: what the tools keep between two calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Registry {
    /// The open file, an absolute path; empty where none is open.
    current_file: String,
    /// The first line shown, from 0; for the shell's functions the line in the middle of the window.
    line: usize,
    /// The folder in which the tools are called.
    cwd: String,
}

/// The windowed tools: `open`, `goto`, `scroll_up`, `scroll_down`, `create`, `edit`, `insert`, `find_file`, `search_dir`,
/// `search_file`, `submit`.
#[derive(Debug)]
pub struct SweAgent {
    is_shell: bool,
    window: usize,
    registry: Registry,
}

impl SweAgent {
    /// Of 1.x, with a window of this many lines (100 where nothing is known), called in `cwd`.
    pub fn new(window: usize, cwd: impl Into<String>) -> Self {
        Self {
            is_shell: false,
            window: window.max(1),
            registry: Registry {
                cwd: cwd.into(),
                ..Registry::default()
            },
        }
    }

    /// Of 0.x.
    pub fn of_shell(window: usize, cwd: impl Into<String>) -> Self {
        Self {
            is_shell: true,
            ..Self::new(window, cwd)
        }
    }

    /// The folder in which later calls are made: it is the shell's, which other commands change.
    pub fn set_cwd(&mut self, cwd: impl Into<String>) {
        self.registry.cwd = cwd.into();
    }

    fn answer(&mut self, action: &Action, files: &mut dyn Files) -> Result<String, Stop> {
        let asked = Asked::of(action)?;
        match action.tool.as_str() {
            "open" => self.open(&asked, files),
            "goto" => self.goto(&asked, files),
            "scroll_down" => self.scroll(true, files),
            "scroll_up" => self.scroll(false, files),
            "create" => self.create(&asked, files),
            "edit" => self.edit(&asked, files),
            "insert" => self.insert(&asked, files),
            "find_file" => search::find_file(&asked.words, &self.registry.cwd, files),
            "search_dir" => search::search_dir(&asked.words, &self.registry.cwd, files),
            "search_file" => search::search_file(
                &asked.words,
                &self.registry.current_file,
                &self.registry.cwd,
                files,
            ),
            other => Err(Stop::cannot(format!(
                "{other} is no tool that is known here"
            ))),
        }
    }

    fn window(&self, files: &mut dyn Files) -> Result<Window, Stop> {
        if self.registry.current_file.is_empty() {
            return Err(Stop::says("No file open. Use the open command first."));
        }
        Window::read(&self.registry.current_file, files)
    }

    fn open(&mut self, asked: &Asked, files: &mut dyn Files) -> Result<String, Stop> {
        let Some(path) = asked.words.first() else {
            let window = self
                .window(files)
                .map_err(|_error| Stop::says("Usage: open \"<file>\""))?;
            return Ok(window.shown(&window.path, self.registry.line, self.window, self.is_shell));
        };
        let at = place::join(&self.registry.cwd, path);
        let window = Window::read(&at, files).map_err(|stop| match stop {
            Stop::Says(why) if why == window::FOLDER => Stop::says(format!(
                "Error: {path} is a directory. You can only open files. Use cd or ls to navigate directories."
            )),
            Stop::Says(_) if self.is_shell => Stop::says(format!("File {path} not found")),
            Stop::Says(_) => Stop::says(format!("Error: File {path} not found")),
            Stop::Cannot(why) => Stop::Cannot(why),
        })?;
        let count = window.line_count();
        let mut said = String::new();
        let mut line = 1;
        if let Some(word) = asked.words.get(1) {
            let Some(number) = pythonic::int_of(word) else {
                return Err(Stop::says(
                    "Usage: open \"<file>\" [<line_number>]\nError: <line_number> must be a number",
                ));
            };
            line = usize::try_from(number).unwrap_or_default();
            let mut warn = |what: String, to: usize| {
                said = format!(
                    "Warning: <line_number> ({number}) is {what}\nWarning: Setting <line_number> to {to}\n"
                );
                line = to;
            };
            if number > i64::try_from(count).unwrap_or(i64::MAX) {
                warn(
                    format!("greater than the number of lines in the file ({count})"),
                    count,
                );
            } else if number < 1 {
                warn("less than 1".to_owned(), 1);
            }
        }
        self.registry.current_file = place::resolved(&at);
        let is_plain = asked.words.len() < 2;
        self.registry.line = if self.is_shell && is_plain {
            window.middle(self.window / 2, self.window)
        } else if self.is_shell {
            window.middle(line + self.window / 2 - self.window / 6, self.window)
        } else {
            window.top(line.saturating_sub(1), self.window)
        };
        let name = if self.is_shell {
            self.registry.current_file.clone()
        } else {
            place::pure(path)
        };
        Ok(said + &window.shown(&name, self.registry.line, self.window, self.is_shell))
    }

    fn goto(&mut self, asked: &Asked, files: &mut dyn Files) -> Result<String, Stop> {
        let line = match asked.words.as_slice() {
            [] => return Err(Stop::says("Usage: goto <line>")),
            [line] => line,
            _ => return Err(Stop::says("goto allows only one line number at a time.")),
        };
        let line = pythonic::int_of(line)
            .ok_or_else(|| Stop::says("Usage: goto <line>\nError: <line> must be a number"))?;
        let window = self.window(files)?;
        let count = window.line_count();
        if line > i64::try_from(count).unwrap_or(i64::MAX) {
            return Err(Stop::says(format!(
                "Error: <line> must be less than or equal to {count}"
            )));
        }
        let line = usize::try_from(line).unwrap_or_default();
        self.registry.line = if self.is_shell {
            window.middle(line + self.window / 2 - self.window / 6, self.window)
        } else {
            window.top(line.saturating_sub(1), self.window)
        };
        Ok(self.shown(&window))
    }

    /// Moves the window by its height. The shell's functions keep two lines in view.
    fn scroll(&mut self, is_down: bool, files: &mut dyn Files) -> Result<String, Stop> {
        let window = self.window(files)?;
        let step = self
            .window
            .saturating_sub(if self.is_shell { 2 } else { 0 });
        let line = if is_down {
            self.registry.line.saturating_add(step)
        } else {
            self.registry.line.saturating_sub(step)
        };
        self.registry.line = if self.is_shell {
            window.middle(line, self.window)
        } else {
            window.clamped(line, self.window)
        };
        Ok(self.shown(&window))
    }

    fn shown(&self, window: &Window) -> String {
        window.shown(&window.path, self.registry.line, self.window, self.is_shell)
    }

    fn create(&mut self, asked: &Asked, files: &mut dyn Files) -> Result<String, Stop> {
        let Some(path) = asked.words.first() else {
            return Err(Stop::says("Usage: create <filename>"));
        };
        let at = place::join(&self.registry.cwd, path);
        if crate::replay::edit::engine::look(files, &at)?.is_some() {
            let said = if self.is_shell {
                format!("Error: File '{path}' already exists.\n")
            } else {
                format!("Warning: File '{path}' already exists.")
            };
            return if self.is_shell {
                Ok(said + &self.open(asked, files)?)
            } else {
                Err(Stop::says(said))
            };
        }
        files
            .write(&at, b"\n", None)
            .map_err(|error| Stop::broken(path, &error))?;
        self.open(asked, files)
    }

    fn edit(&mut self, asked: &Asked, files: &mut dyn Files) -> Result<String, Stop> {
        let window = self.window(files)?;
        match &asked.edit {
            Edit::Lines { first, last, text } => {
                self.edit_lines(window, *first, *last, text, files)
            }
            Edit::Search {
                search,
                replace,
                all,
            } => self.edit_search(window, search, replace, *all, files),
            Edit::None => Err(Stop::cannot("the call cannot be read as an edit")),
        }
    }

    fn edit_lines(
        &mut self,
        mut window: Window,
        first: usize,
        last: usize,
        text: &str,
        files: &mut dyn Files,
    ) -> Result<String, Stop> {
        if first == 0 || last < first {
            return Err(Stop::cannot("the lines of the edit are none of a file"));
        }
        window.put_lines(first - 1, last, text);
        window.write(files)?;
        if self.is_shell {
            self.registry.line = window.middle(first - 1, self.window);
            let shown = self.shown(&window);
            return Ok(format!(
                "{shown}\nFile updated. Please review the changes and make sure they are correct (correct indentation, no duplicate lines, etc). Edit the file again if necessary."
            ));
        }
        self.registry.line = window.top(first - 1, self.window);
        let shown = self.shown(&window);
        Ok(format!(
            "File updated. Please review the changes and make sure they are correct\n(correct indentation, no duplicate lines, etc). Edit the file again if necessary.\n{shown}"
        ))
    }

    fn edit_search(
        &mut self,
        mut window: Window,
        search: &str,
        replace: &str,
        all: bool,
        files: &mut dyn Files,
    ) -> Result<String, Stop> {
        if search.is_empty() {
            return Err(Stop::says(
                "Search text must not be empty. Use insert to add new text.",
            ));
        }
        if search == replace {
            return Err(Stop::says(
                "Your search and replace strings are the same. No changes were made. Please modify your search or replace strings.",
            ));
        }
        let repr = pythonic::repr(search);
        let first = window.clamped(self.registry.line, self.window);
        let seen = window.lines(first, self.window);
        let count = if all {
            window.text.matches(search).count()
        } else {
            seen.matches(search).count()
        };
        if count == 0 {
            let lines: Vec<String> = window
                .lines_of(search)
                .iter()
                .map(|line| format!("- line {line}"))
                .collect();
            if lines.is_empty() {
                return Err(Stop::says(format!(
                    "Your edit was not applied (file not modified): Text {repr} not found in displayed lines (or anywhere in the file).\nPlease modify your search string. Did you forget to properly handle whitespace/indentation?\nYou can also call `open` again to re-display the file with the correct context.\n"
                )));
            }
            let lines = lines.join("\n");
            return Err(Stop::says(format!(
                "Your edit was not applied (file not modified): Text {repr} not found in displayed lines.\n\nHowever, we found the following occurrences of your search string in the file:\n\n{lines}\n\nYou can use the `goto` command to navigate to these locations before running the edit command again.\n"
            )));
        }
        if count > 1 && !all {
            return Err(Stop::says(format!(
                "Your edit was not applied (file not modified): Found more than one occurrence of {repr} in the currently displayed lines.\nPlease make your search string more specific (for example, by including more lines of context).\n"
            )));
        }
        let line = if all {
            let above = window.text.split(search).next().unwrap_or_default();
            let line = above.matches('\n').count() + 1;
            window.text = window.text.replace(search, replace);
            line
        } else {
            let above = seen
                .split(search)
                .next()
                .unwrap_or_default()
                .matches('\n')
                .count();
            let changed = seen.replacen(search, replace, 1);
            window.put_lines(first, first + self.window, &changed);
            first + above
        };
        window.write(files)?;
        self.registry.line = window.top(line, self.window);
        let what = if all {
            format!("Replaced {count} occurrences")
        } else {
            "Text replaced".to_owned()
        };
        let shown = self.shown(&window);
        Ok(format!(
            "{what}. Please review the changes and make sure they are correct:\n\n1. The edited file is correctly indented\n2. The edited file does not contain duplicate lines\n3. The edit does not break existing functionality\n\nEdit the file again if necessary.\n{shown}"
        ))
    }

    fn insert(&mut self, asked: &Asked, files: &mut dyn Files) -> Result<String, Stop> {
        let mut window = self.window(files)?;
        let Some(text) = asked.words.first() else {
            return Err(Stop::cannot("the call has no text"));
        };
        let line = match asked.words.get(1) {
            Some(word) => {
                Some(pythonic::int_of(word).ok_or_else(|| Stop::cannot("the line is no number"))?)
            }
            None => None,
        };
        if !text.is_empty() {
            let at = window.insert(text.strip_suffix('\n').unwrap_or(text), line);
            window.write(files)?;
            self.registry.line = window.top(at, self.window);
        }
        Ok(self.shown(&window))
    }
}

impl Tool for SweAgent {
    fn run(
        &mut self,
        call: &Call<'_>,
        sandbox: &mut dyn Sandbox,
        _: &mut dyn FnMut(&[u8]),
        _: &Cancel,
    ) -> Result<Reply> {
        let action = call.action;
        let recorded = action.first_text();
        let is_refused =
            recorded.is_some_and(|text| text.contains("Your changes have NOT been applied"));
        if action.tool == "submit"
            || (is_refused && recorded.is_some_and(|text| text.contains("new syntax error(s)")))
        {
            return Ok(Reply::nothing());
        }
        let mut reply = reply(self.answer(action, sandbox.files()), "");
        if self.is_shell {
            if !reply.text.is_empty() {
                reply.text.push('\n');
            }
        } else {
            // It prints to a terminal, and what is printed is stripped.
            reply.text = reply.text.trim_end_matches('\n').replace('\n', "\r\n");
        }
        Ok(reply)
    }

    fn save(&mut self, _: &mut dyn Sandbox) -> Result<Saved> {
        let state = serde_json::to_vec(&self.registry)
            .map_err(|error| Error::internal("a registry is no JSON").caused_by(error))?;
        Ok(Saved {
            state,
            lost: Vec::new(),
        })
    }

    fn restore(&mut self, saved: &Saved, _: &mut dyn Sandbox) -> Result<()> {
        if !saved.state.is_empty() {
            self.registry = serde_json::from_slice(&saved.state).map_err(|error| {
                Error::internal("a saved state is none of SWE-agent's").caused_by(error)
            })?;
        }
        Ok(())
    }
}

/// What an `edit` replaces.
#[derive(Debug, Default)]
enum Edit {
    /// Lines, from 1, both included.
    Lines {
        first: usize,
        last: usize,
        text: String,
    },
    /// A text in the window, or everywhere.
    Search {
        search: String,
        replace: String,
        all: bool,
    },
    #[default]
    None,
}

/// The arguments of a call, as fields or typed like a command.
#[derive(Debug, Default)]
struct Asked {
    /// In the order of the command's signature.
    words: Vec<String>,
    edit: Edit,
}

impl Asked {
    fn of(action: &Action) -> Result<Self, Stop> {
        let args = &action.args;
        let typed = args.as_str().or_else(|| {
            args.get("command")
                .or_else(|| args.get("action"))
                .and_then(Value::as_str)
        });
        let rest = typed.and_then(|text| text.trim_start().strip_prefix(action.tool.as_str()));
        if let Some(rest) =
            rest.filter(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
        {
            return Self::typed(&action.tool, rest);
        }
        let text = |names: &[&str]| {
            let value = names.iter().find_map(|name| args.get(*name))?;
            match value {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            }
        };
        let names: &[&[&str]] = match action.tool.as_str() {
            "open" => &[&["path", "file_path", "file"], &["line_number", "line"]],
            "goto" => &[&["line_number", "line"]],
            "create" => &[&["filename", "path", "file_name"]],
            "insert" => &[&["text"], &["line"]],
            "find_file" => &[&["file_name"], &["dir"]],
            "search_dir" => &[&["search_term"], &["dir"]],
            "search_file" => &[&["search_term"], &["file"]],
            _ => &[],
        };
        let number =
            |names: &[&str]| text(names).and_then(|text| text.trim().parse::<usize>().ok());
        let edit = if let Some(search) = text(&["search"]) {
            Edit::Search {
                search,
                replace: text(&["replace"]).unwrap_or_default(),
                all: matches!(
                    args.get("replace-all").or_else(|| args.get("replace_all")),
                    Some(Value::Bool(true))
                ),
            }
        } else if let (Some(first), Some(new)) =
            (number(&["start_line"]), text(&["replacement_text"]))
        {
            Edit::Lines {
                first,
                last: number(&["end_line"]).unwrap_or(first),
                text: new.strip_suffix('\n').unwrap_or(&new).to_owned(),
            }
        } else {
            Edit::None
        };
        let words = names.iter().map_while(|names| text(names)).collect();
        Ok(Self { words, edit })
    }

    fn typed(tool: &str, rest: &str) -> Result<Self, Stop> {
        let (head, body) = rest.split_once('\n').unwrap_or((rest, ""));
        let range = head.trim().split_once(':').filter(|_| tool == "edit");
        let range = range.and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
        if let Some((first, last)) = range {
            let lines: Vec<&str> = body
                .split('\n')
                .take_while(|line| *line != "end_of_edit")
                .collect();
            let text = lines.join("\n");
            return Ok(Self {
                edit: Edit::Lines { first, last, text },
                ..Self::default()
            });
        }
        let words = shell_words::split(rest)
            .map_err(|_error| Stop::cannot("the call cannot be read as the shell would"))?;
        let edit = match words.as_slice() {
            [search, replace, more @ ..] if tool == "edit" => Edit::Search {
                search: search.clone(),
                replace: replace.clone(),
                all: more.first().is_some_and(|word| !word.is_empty()),
            },
            _ => Edit::None,
        };
        Ok(Self { words, edit })
    }
}

#[cfg(test)]
mod tests;
