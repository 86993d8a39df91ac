//! Which tool runs which call of a trajectory.
//!
//! Chosen by the tool's name, the format and what the recorded texts show of the producer's version. A trajectory has one
//! shell and one editor; calls that only think, plan or finish run nothing.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::model::Action;
use crate::model::ActionClass;
use crate::model::Format;
use crate::model::Text;
use crate::model::Trajectory;
use crate::model::Value;
use crate::replay::edit::ApplyPatch;
use crate::replay::edit::ClaudeCode;
use crate::replay::edit::Dialect;
use crate::replay::edit::FileEditor;
use crate::replay::edit::Generation;
use crate::replay::edit::StrReplaceEditor;
use crate::replay::edit::SweAgent;
use crate::replay::edit::TextEditor;
use crate::replay::shell::Edition;
use crate::replay::shell::Form;
use crate::replay::shell::NeverRan;
use crate::replay::shell::OpenHands;
use crate::replay::shell::Plain;
use crate::replay::shell::Scaffold;
use crate::replay::shell::Terminal;
use crate::replay::shell::WithPatches;
use crate::replay::shell::never_ran;
use crate::replay::tool::Call;
use crate::replay::tool::Did;
use crate::replay::tool::Reply;
use crate::replay::tool::Saved;
use crate::replay::tool::Tool;
use crate::sandbox::Sandbox;

/// A shell of a producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shell {
    OpenHands(Form),
    Terminal(Form, Edition),
    Plain(Scaffold),
}

/// What a call is for a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// The shell runs it.
    Shell,
    /// An editor does it.
    Editor,
    /// Nothing is run; the text is what the producer shows.
    Nothing(&'static str),
    /// It cannot be run, and why.
    Not(&'static str),
}

/// The tools of one trajectory, as one tool.
pub struct Toolbox {
    cwd: String,
    /// Arguments may be the texts that the model wrote.
    has_texts: bool,
    shell: Shell,
    /// The editors of the calls, by the names of their tools.
    editors: BTreeMap<String, Editor>,
    /// The tools that were used so far: the shell by the empty name, editors by their keys.
    tools: BTreeMap<String, Box<dyn Tool>>,
}

impl Toolbox {
    /// For the calls of `trajectory`, whose workspace is `root`. Its tools start where the record shows that they did;
    /// else say where by [`Toolbox::starting_in`].
    pub fn of(trajectory: &Trajectory, root: &str) -> Self {
        let mut editors = BTreeMap::new();
        for action in actions(trajectory) {
            if !editors.contains_key(&action.tool) {
                let editor = Editor::of(plain(&action.tool), trajectory);
                editors.insert(action.tool.clone(), editor);
            }
        }
        let known = editors.into_iter();
        Self {
            cwd: start_of(trajectory, root),
            has_texts: trajectory.is_rollout()
                || matches!(
                    trajectory.source.format,
                    Some(Format::Chat | Format::Adp) | None
                ),
            shell: shell_of(trajectory),
            editors: known
                .filter_map(|(name, editor)| Some((name, editor?)))
                .collect(),
            tools: BTreeMap::new(),
        }
    }

    /// The same with tools that start in `cwd`, an absolute path in the sandbox.
    #[must_use]
    pub fn starting_in(mut self, cwd: impl Into<String>) -> Self {
        self.cwd = cwd.into();
        self.tools.clear();
        self
    }

    /// Where the tools start.
    pub fn cwd(&self) -> &str {
        &self.cwd
    }

    fn make_shell(&self) -> Box<dyn Tool> {
        let cwd = self.cwd.as_str();
        let shell: Box<dyn Tool> = match self.shell {
            Shell::OpenHands(form) => Box::new(OpenHands::new(cwd, form)),
            Shell::Terminal(form, edition) => Box::new(Terminal::new(cwd, form, edition)),
            Shell::Plain(scaffold) => Box::new(Plain::new(scaffold, cwd)),
        };
        Box::new(WithPatches::new(shell, cwd, patcher))
    }

    /// The tool of this key, made when it is first used.
    fn tool(&mut self, key: &str) -> Option<&mut Box<dyn Tool>> {
        if !self.tools.contains_key(key) {
            let tool = if key == SHELL {
                self.make_shell()
            } else {
                let editor = self.editors.values().find(|editor| editor.key() == key)?;
                editor.make(&self.cwd)
            };
            self.tools.insert(key.to_owned(), tool);
        }
        self.tools.get_mut(key)
    }

    /// The tool that a call goes to; `None` where none is known.
    fn key(&self, action: &Action, choice: Choice) -> Option<&'static str> {
        let editor = self.editors.get(&action.tool);
        let is_shell = choice == Choice::Shell;
        match editor {
            // SWE-agent of old wrote its tools as commands
            Some(editor @ Editor::SweWindow(_)) => Some(editor.key()),
            Some(editor) if !is_shell => Some(editor.key()),
            _ => is_shell.then_some(SHELL),
        }
    }
}

/// The name of the shell among the tools.
const SHELL: &str = "";

/// The editors of producers: each is one tool under several names, with one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Editor {
    /// `str_replace_editor` of `OpenHands` V0.
    Aci,
    /// The same of its first versions, which had Anthropic's reference.
    FirstAci,
    /// `file_editor` of the SDK.
    Sdk(Generation),
    /// Anthropic's reference.
    Reference,
    /// SWE-agent's, of 1.x.
    SweText,
    /// SWE-agent's windowed tools; those of 0.x are functions of a shell.
    SweWindow(bool),
    /// The file tools of Claude Code.
    Claude,
    /// `apply_patch`.
    Patch(Dialect),
}

/// Lines of SWE-agent's window where nothing else is known.
const WINDOW: usize = 100;

/// The tools of Claude Code that are about files.
const CLAUDE: [&str; 7] = ["Read", "Write", "Edit", "MultiEdit", "LS", "Glob", "Grep"];

/// SWE-agent's windowed tools.
const WINDOWED: [&str; 11] = [
    "open",
    "goto",
    "scroll_up",
    "scroll_down",
    "create",
    "edit",
    "insert",
    "find_file",
    "search_dir",
    "search_file",
    "submit",
];

impl Editor {
    /// The editor behind a tool's name, in a record of this format; `None` where none is known.
    fn of(name: &str, trajectory: &Trajectory) -> Option<Self> {
        let format = trajectory.source.format;
        let uses = |name: &str| actions(trajectory).any(|action| action.tool == name);
        let is_sdk = format == Some(Format::OpenHandsV1) || uses("file_editor");
        let lower = name.to_ascii_lowercase();
        Some(match lower.as_str() {
            "apply_patch" if format == Some(Format::Codex) => Self::Patch(Dialect::CodexTool),
            "apply_patch" => Self::Patch(Dialect::Reference),
            "str_replace_editor" if is_swe_agent(trajectory) => Self::SweText,
            "file_editor" | "str_replace_editor" | "planning_file_editor" if is_sdk => {
                let version = version_of(trajectory.agent.as_deref());
                let is_early = version.is_some_and(|version| version < NARROW_SINCE);
                Self::Sdk(if is_early {
                    Generation::Early
                } else {
                    Generation::Late
                })
            }
            "str_replace_editor" | "edit" | "read" if format == Some(Format::OpenHandsV0) => {
                openhands_editor(trajectory)
            }
            "str_replace_editor" if uses("execute_bash") => openhands_editor(trajectory),
            "str_replace_editor" | "str_replace_based_edit_tool" | "text_editor" => Self::Reference,
            name if is_swe_agent(trajectory) && WINDOWED.contains(&name) => {
                // what 1.x prints goes through a terminal
                Self::SweWindow(!shows(trajectory, &["\r\n"]))
            }
            _ if CLAUDE.contains(&name) => Self::Claude,
            _ => return None,
        })
    }

    /// The name of its state among those of all tools.
    fn key(self) -> &'static str {
        match self {
            Self::Aci => "str_replace_editor",
            Self::FirstAci => "first str_replace_editor",
            Self::Sdk(_) => "file_editor",
            Self::Reference => "text_editor",
            Self::SweText => "swe-agent editor",
            Self::SweWindow(_) => "swe-agent window",
            Self::Claude => "claude",
            Self::Patch(_) => "apply_patch",
        }
    }

    fn make(self, cwd: &str) -> Box<dyn Tool> {
        match self {
            Self::Aci => Box::new(StrReplaceEditor::new()),
            Self::FirstAci => Box::new(TextEditor::of_openhands(cwd)),
            Self::Sdk(generation) => Box::new(FileEditor::new(generation, cwd)),
            Self::Reference => Box::new(TextEditor::reference(cwd)),
            Self::SweText => Box::new(TextEditor::swe_agent(cwd)),
            Self::SweWindow(true) => Box::new(SweAgent::of_shell(WINDOW, cwd)),
            Self::SweWindow(false) => Box::new(SweAgent::new(WINDOW, cwd)),
            Self::Claude => Box::new(ClaudeCode::new(cwd)),
            Self::Patch(dialect) => Box::new(ApplyPatch::new(dialect, cwd)),
        }
    }
}

/// The editor of `OpenHands` V0, by what its replies look like.
fn openhands_editor(trajectory: &Trajectory) -> Editor {
    const FIRST_WORDS: [&str; 3] = [
        "<NOTE>To save on context only part of this file",
        "Invalid `view_range`: [",
        "ERROR:\nThe `view_range` parameter is not allowed",
    ];
    if shows(trajectory, &FIRST_WORDS) || texts(trajectory).any(ends_in_a_line) {
        Editor::FirstAci
    } else {
        Editor::Aci
    }
}

/// Whether the snippet of a replacement ends with a line that holds something: later versions show one more number.
fn ends_in_a_line(text: &Text) -> bool {
    let snippet = text
        .split_once("the result of running `cat -n` on a snippet of /")
        .and_then(|(_, rest)| rest.split_once("\nReview the changes"));
    let last = snippet.and_then(|(snippet, _)| snippet.lines().next_back());
    let held = last.and_then(|line| line.split_once('\t'));
    held.is_some_and(|(_, held)| !held.trim().is_empty())
}

/// Whether the tools are SWE-agent's: data sets keep its runs as conversations.
fn is_swe_agent(trajectory: &Trajectory) -> bool {
    const WORDS: [&str; 3] = [
        "\n(Current directory: /",
        "<NOTE>This file is too large to display entirely. Showing abbreviated version.",
        "Your command ran successfully and did not produce any output.",
    ];
    match trajectory.source.format {
        Some(Format::SweAgent) => true,
        Some(Format::Chat | Format::Adp) | None => {
            let uses = |name: &str| actions(trajectory).any(|action| action.tool == name);
            shows(trajectory, &WORDS) || uses("submit") && uses("bash")
        }
        Some(_) => false,
    }
}

/// The tool that takes patches out of shell commands, for a folder.
fn patcher(cwd: &str) -> Box<dyn Tool> {
    Box::new(ApplyPatch::new(Dialect::CodexTool, cwd))
}

/// A tool's name without what stands before it: a server, a namespace.
fn plain(name: &str) -> &str {
    name.rsplit(['.', '/', ':']).next().unwrap_or(name)
}

/// What a call is for a replay, by its tool's name.
fn choose(action: &Action) -> Choice {
    let name = action.tool.as_str();
    let plain = plain(name);
    match plain.to_ascii_lowercase().as_str() {
        "execute_bash" | "terminal" | "bash" | "run" | "shell" | "exec_command" | "local_shell"
        | "local_shell_call" | "run_command" | "run_bash" | "execute_command" | "bash_command"
        | "exec" | "cmd" | "command" => {
            return Choice::Shell;
        }
        "think" => return Choice::Nothing("Your thought has been logged."),
        "update_plan" => return Choice::Nothing("Plan updated"),
        "execute_ipython_cell"
        | "run_ipython"
        | "ipython"
        | "python"
        | "jupyter"
        | "notebookedit" => {
            return Choice::Not("there is no kernel of notebooks here");
        }
        "bashoutput" | "killshell" | "killbash" | "write_stdin" => {
            return Choice::Not("commands in the background of this producer are not kept");
        }
        // code of CodeActInstruct, which numbers what it shows
        "execute" if action.shell.is_none() => {
            return Choice::Not("there is no kernel of notebooks here");
        }
        "toolsearch" => return Choice::Nothing(""),
        lower if lower.starts_with("mcp") || name.contains("__mcp") || lower == "call_tool_mcp" => {
            return Choice::Not("a tool of an MCP server");
        }
        lower if lower.starts_with("browse") || lower.starts_with("browser") => {
            return Choice::Not("a browser");
        }
        _ => {}
    }
    match action.class {
        ActionClass::Think | ActionClass::Finish | ActionClass::Plan => Choice::Nothing(""),
        ActionClass::Web => Choice::Not("it needs the network"),
        ActionClass::Delegate => Choice::Not("the work of another agent"),
        ActionClass::Shell => Choice::Shell,
        ActionClass::Edit | ActionClass::View | ActionClass::Search if action.shell.is_some() => {
            Choice::Shell
        }
        ActionClass::Edit | ActionClass::View | ActionClass::Search => Choice::Editor,
        ActionClass::Other => match action.shell {
            Some(_) => Choice::Shell,
            None => Choice::Not("a tool that hgview does not know"),
        },
    }
}

/// The calls of a trajectory, in order.
fn actions(trajectory: &Trajectory) -> impl Iterator<Item = &Action> {
    trajectory.steps.iter().flat_map(|step| &step.actions)
}

/// Whether some recorded text holds one of these.
fn shows(trajectory: &Trajectory, words: &[&str]) -> bool {
    texts(trajectory).any(|text| words.iter().any(|word| text.contains(word)))
}

/// The recorded texts.
fn texts(trajectory: &Trajectory) -> impl Iterator<Item = &Text> {
    actions(trajectory).filter_map(|action| action.first_text())
}

/// Where the tools start: where the first call that says so ran, or what the producer's images have, or else in the
/// workspace.
fn start_of(trajectory: &Trajectory, root: &str) -> String {
    let said = |action: &Action| action.shell.as_ref().and_then(|shell| shell.cwd.clone());
    let seen = |action: &Action| {
        action
            .observation
            .as_ref()
            .and_then(|observation| observation.cwd.clone())
    };
    // OpenHands seldom says where a command was to run
    let mut shells = actions(trajectory).filter(|action| action.shell.is_some());
    let told = shells
        .next()
        .and_then(said)
        .filter(|dir| dir.starts_with('/'));
    if let (Some(Format::OpenHandsV0), Some(told)) = (trajectory.source.format, told) {
        return told;
    }
    let first = actions(trajectory).find_map(|action| said(action).or_else(|| seen(action)));
    let first = first.filter(|dir| dir.starts_with('/'));
    let is_openhands = matches!(
        trajectory.source.format,
        Some(Format::OpenHandsV0 | Format::OpenHandsV1)
    );
    // what an observation tells is the folder behind the command: it is that before it, too, if nothing went elsewhere
    let went = |action: &Action| {
        let shell = action.shell.as_ref();
        let words = shell.map(|shell| shell.cmd.split(|c: char| !c.is_alphanumeric()));
        words.is_some_and(|mut words| words.any(|word| matches!(word, "cd" | "pushd" | "popd")))
    };
    let shells = actions(trajectory).filter(|action| action.shell.is_some());
    let stayed = shells.take_while(|action| !went(action)).find_map(seen);
    match (stayed.filter(|dir| dir.starts_with('/')), first) {
        (None, Some(dir)) if is_openhands && dir.starts_with("/workspace") => {
            "/workspace".to_owned()
        }
        (Some(dir), _) | (None, Some(dir)) => dir,
        (None, None) if is_openhands => "/workspace".to_owned(),
        (None, None) => root.to_owned(),
    }
}

/// What only the SDK says about running commands.
const SDK_WORDS: &str = "or use the timeout parameter in terminal";

/// The shell of the trajectory's producer.
fn shell_of(trajectory: &Trajectory) -> Shell {
    let uses = |name: &str| actions(trajectory).any(|action| action.tool == name);
    match trajectory.source.format {
        Some(Format::OpenHandsV0) => Shell::OpenHands(Form::Content),
        Some(Format::OpenHandsV1) => Shell::Terminal(Form::Content, edition_of(trajectory)),
        Some(Format::SweAgent) => Shell::Plain(Scaffold::SweAgent),
        Some(Format::MiniSweAgent) => Shell::Plain(Scaffold::MiniSweAgent),
        Some(Format::ClaudeCode) => Shell::Plain(Scaffold::ClaudeCode),
        Some(Format::Codex) => Shell::Plain(Scaffold::Codex),
        _ if uses("terminal") => Shell::Terminal(Form::Message, edition_of(trajectory)),
        _ if uses("execute_bash") && !shows(trajectory, &[SDK_WORDS]) => {
            Shell::OpenHands(Form::Message)
        }
        _ if uses("execute_bash") => Shell::Terminal(Form::Message, edition_of(trajectory)),
        _ if uses("Bash") => Shell::Plain(Scaffold::ClaudeCode),
        _ if uses("shell") || uses("exec_command") || uses("local_shell") => {
            Shell::Plain(Scaffold::Codex)
        }
        _ if shows(trajectory, &["<returncode>"]) => Shell::Plain(Scaffold::MiniSweAgent),
        _ if is_swe_agent(trajectory) => Shell::Plain(Scaffold::SweAgent),
        _ => Shell::Plain(Scaffold::Other),
    }
}

/// The SDK's edition, by what it did with a command that was left running, and by its version where that is told.
fn edition_of(trajectory: &Trajectory) -> Edition {
    let mut left = false;
    let mut is_pooled = false;
    for action in actions(trajectory).filter(|action| choose(action) == Choice::Shell) {
        let Some(observation) = &action.observation else {
            continue;
        };
        let text = observation.first_text().map_or("", |text| text);
        is_pooled |= left && text.contains("No previous running command");
        left = observation.exit_code == Some(-1);
    }
    let version = version_of(trajectory.agent.as_deref());
    let since = |first| version.is_some_and(|version| version >= first);
    let edition = if since(NARROW_SINCE) {
        Edition::NARROW
    } else {
        Edition::WIDE
    };
    Edition {
        is_pooled: is_pooled || since(POOLED_SINCE),
        ..edition
    }
}

/// The version of the SDK that stands behind the agent's name, its first two numbers.
fn version_of(agent: Option<&str>) -> Option<(u32, u32)> {
    let version = agent
        .and_then(|agent| agent.rsplit(' ').next())
        .unwrap_or_default();
    let mut parts = version
        .trim_start_matches('v')
        .split('.')
        .map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Some((major, minor)),
        _ => None,
    }
}

/// The first version of the SDK whose calls share a pool of terminals.
const POOLED_SINCE: (u32, u32) = (1, 17);

/// The first one with terminals of 256 columns.
const NARROW_SINCE: (u32, u32) = (1, 26);

/// The call with the list of numbers that data sets and models write as a text, `"[1, 20]"`; `None` where it has no such text.
fn with_numbers(action: &Action) -> Option<Action> {
    let text = action.args.get("view_range")?.as_str()?;
    let inner = text.trim().strip_prefix('[')?.strip_suffix(']')?;
    let numbers = inner.split(',').map(|number| number.trim().parse::<i64>());
    let numbers: Vec<i64> = numbers.collect::<Result<_, _>>().ok()?;
    let mut action = action.clone();
    *action.args.get_mut("view_range")? = Value::from(numbers);
    Some(action)
}

/// What data sets put in front of an observation.
fn head_of(action: &Action) -> &str {
    let text = action.first_text();
    let text = text.map_or("", |text| text);
    if text.starts_with("OBSERVATION:\n") {
        return "OBSERVATION:\n";
    }
    let is_headed = text.starts_with("EXECUTION RESULT of [");
    let end = text
        .find("]:\n")
        .filter(|_| is_headed)
        .map(|at| at + "]:\n".len());
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

impl Tool for Toolbox {
    fn run(
        &mut self,
        call: &Call<'_>,
        sandbox: &mut dyn Sandbox,
        live: &mut dyn FnMut(&[u8]),
        cancel: &Cancel,
    ) -> Result<Reply> {
        match never_ran(call.action) {
            Some(NeverRan::Refused) => {
                return Ok(Reply {
                    did: Did::Refused(
                        "the recorded call did not run: a person or a rule was against it",
                    ),
                    ..Reply::default()
                });
            }
            Some(NeverRan::Stopped) => {
                return Ok(Reply::not_replayable(
                    "the producer's own sandbox stopped the recorded call",
                ));
            }
            None => {}
        }
        let choice = choose(call.action);
        let key = self.key(call.action, choice);
        match choice {
            Choice::Nothing(text) => {
                return Ok(Reply {
                    did: Did::Nothing,
                    ..Reply::text(text)
                });
            }
            Choice::Not(why) if key.is_none() => return Ok(Reply::not_replayable(why)),
            Choice::Not(_) | Choice::Shell | Choice::Editor => {}
        }
        let has_texts = self.has_texts;
        let Some(tool) = key.and_then(|key| self.tool(key)) else {
            let name = &call.action.tool;
            let why = format!("the tool {name} is not known to replays");
            return Ok(Reply::not_replayable(why));
        };
        let read = has_texts.then(|| with_numbers(call.action)).flatten();
        let action = read.as_ref().unwrap_or(call.action);
        let call = Call { action, ..*call };
        let mut reply = tool.run(&call, sandbox, live, cancel)?;
        if reply.did == Did::Ran {
            reply.text.insert_str(0, head_of(call.action));
        }
        Ok(reply)
    }

    /// The state of each tool that was used: its name and its state, each behind its length.
    fn save(&mut self, sandbox: &mut dyn Sandbox) -> Result<Saved> {
        let mut saved = Saved::default();
        for (name, tool) in &mut self.tools {
            let part = tool.save(sandbox)?;
            for bytes in [name.as_bytes(), &part.state] {
                let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                saved.state.extend_from_slice(&len.to_le_bytes());
                saved.state.extend_from_slice(bytes);
            }
            saved.lost.extend(part.lost);
        }
        Ok(saved)
    }

    fn restore(&mut self, saved: &Saved, sandbox: &mut dyn Sandbox) -> Result<()> {
        self.tools.clear();
        let mut rest = saved.state.as_slice();
        while !rest.is_empty() {
            let (Some(name), Some(state)) = (piece(&mut rest), piece(&mut rest)) else {
                return Err(Error::internal("the saved state of the tools is torn"));
            };
            let name = String::from_utf8_lossy(name).into_owned();
            let part = Saved {
                state: state.to_vec(),
                lost: Vec::new(),
            };
            if let Some(tool) = self.tool(&name) {
                tool.restore(&part, sandbox)?;
            }
        }
        Ok(())
    }
}

/// Bytes behind their length, taken off the front.
fn piece<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, behind) = rest.split_first_chunk::<8>()?;
    let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
    let (piece, behind) = behind.split_at_checked(len)?;
    *rest = behind;
    Some(piece)
}
