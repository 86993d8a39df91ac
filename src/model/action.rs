//! What an agent did in a step, what came of it, and what it means.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::Stamp;
use crate::model::Text;
use crate::model::Value;
use crate::model::approx_value_bytes;

/// What an action is for. Decided by `read::understand` from tool and arguments, the same for every format.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ActionClass {
    /// Runs a command.
    Shell,
    /// Shows a file or folder.
    View,
    /// Changes a file.
    Edit,
    /// Looks for files or text.
    Search,
    /// Writes down a thought for itself.
    Think,
    /// Ends the attempt.
    Finish,
    /// Keeps a plan or task list.
    Plan,
    /// Reads the web or drives a browser.
    Web,
    /// Hands work to another agent.
    Delegate,
    /// Anything else.
    #[default]
    Other,
}

impl ActionClass {
    /// All classes, in the order in which legends and tables show them.
    pub const ALL: [Self; 10] = [
        Self::Shell,
        Self::View,
        Self::Edit,
        Self::Search,
        Self::Think,
        Self::Finish,
        Self::Plan,
        Self::Web,
        Self::Delegate,
        Self::Other,
    ];

    /// The word used in JSON, queries and legends.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::View => "view",
            Self::Edit => "edit",
            Self::Search => "search",
            Self::Think => "think",
            Self::Finish => "finish",
            Self::Plan => "plan",
            Self::Web => "web",
            Self::Delegate => "delegate",
            Self::Other => "other",
        }
    }
}

/// One tool call of a model response.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Action {
    /// The producer's id of the call, by which results are joined.
    pub call_id: Option<String>,
    /// The tool's name, verbatim.
    pub tool: String,
    /// What the call is for.
    pub class: ActionClass,
    /// The arguments, verbatim: an object where the producer gave one (or a text that parses to one), a string
    /// where it gave a text that is no JSON.
    pub args: Value,
    /// The command, where the action runs one.
    pub shell: Option<ShellCall>,
    /// The change, where the action changes files. Several when one call changes several files.
    #[serde(rename = "edit")]
    pub edits: Vec<Edit>,
    /// The file shown, where the action shows one.
    pub view: Option<View>,
    /// What came back; `None` when the run ended before it did.
    pub observation: Option<Observation>,
    /// Index into the trajectory's `children` of the sub-agent that this call started.
    pub child: Option<usize>,
}

impl Action {
    /// Makes an action of `tool` with its verbatim `args`; meaning is filled in later by `read::understand`.
    pub fn new(call_id: Option<String>, tool: impl Into<String>, args: Value) -> Self {
        Self {
            call_id,
            tool: tool.into(),
            args,
            ..Self::default()
        }
    }

    /// Whether its observation reports failure: flagged by the producer, or an exit status other than 0
    /// (a negative one means "still running", which is no failure).
    pub fn has_error(&self) -> bool {
        self.observation
            .as_ref()
            .is_some_and(|o| o.is_error == Some(true) || o.exit_code.is_some_and(|code| code > 0))
    }

    /// The first text of its observation; `None` where nothing came back, or no text.
    pub fn first_text(&self) -> Option<&Text> {
        self.observation.as_ref()?.first_text()
    }

    /// Takes a result. A call may have several, told one after the other: they are one observation, whose status is
    /// that of the newest that has one and which is an error when one of them is. A result that only repeats what is
    /// known adds nothing.
    pub fn observe(&mut self, result: Observation) {
        let Some(known) = &mut self.observation else {
            self.observation = Some(result);
            return;
        };
        if known.parts != result.parts {
            known.parts.extend(result.parts);
        }
        known.exit_code = result.exit_code.or(known.exit_code);
        known.is_error = result.is_error.max(known.is_error);
        known.truncated = result.truncated.max(known.truncated);
        known.duration_s = result.duration_s.or(known.duration_s);
        known.cwd = result.cwd.or_else(|| known.cwd.take());
        known.ts = result.ts.or(known.ts);
    }

    pub(crate) fn approx_bytes(&self) -> usize {
        size_of::<Self>()
            + self.tool.len()
            + approx_value_bytes(&self.args)
            + self.shell.as_ref().map_or(0, |s| s.cmd.len())
            + self.edits.iter().map(Edit::approx_bytes).sum::<usize>()
            + self
                .view
                .as_ref()
                .map_or(0, |v| v.text.as_ref().map_or(0, |t| t.len()))
            + self
                .observation
                .as_ref()
                .map_or(0, Observation::approx_bytes)
    }
}

/// A command as it was given to a shell.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct ShellCall {
    /// The command text, verbatim; `bash -lc X` of Codex is unwrapped to X.
    pub cmd: Text,
    /// Where it ran, as far as the record says.
    pub cwd: Option<String>,
    /// The time limit in seconds.
    pub timeout_s: Option<f64>,
    /// The text is input to a command that still runs, not a command.
    pub is_input: bool,
}

/// What kind of change an edit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EditOp {
    /// A new file.
    Create,
    /// One text replaced by another.
    StrReplace,
    /// Lines put in after a line.
    Insert,
    /// A patch in one of the dialects.
    Patch,
    /// A file written as a whole, new or not.
    Write,
    /// The last edit of the file taken back.
    Undo,
    /// A file removed.
    Delete,
}

/// A change of one file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Edit {
    /// The file, as the agent named it.
    pub path: String,
    /// Kind of change.
    pub op: EditOp,
    /// The file's new name, where the change moves it.
    pub moved_to: Option<String>,
    /// The text that was replaced (not the whole file).
    pub old: Option<Text>,
    /// The text that was put in (the whole file for create and write).
    pub new: Option<Text>,
    /// The 1-based line of the first changed line, where known.
    pub line: Option<usize>,
    /// A unified diff of the change, where the producer gave one or the dialect is one; hunks without line numbers
    /// (`@@`) occur.
    pub diff: Option<Text>,
    /// The whole file before, where known.
    pub before: Option<Text>,
    /// The whole file after, where known.
    pub after: Option<Text>,
}

impl Edit {
    /// Makes an edit of `path` of which nothing else is known yet.
    pub fn new(path: impl Into<String>, op: EditOp) -> Self {
        Self {
            path: path.into(),
            op,
            moved_to: None,
            old: None,
            new: None,
            line: None,
            diff: None,
            before: None,
            after: None,
        }
    }

    fn approx_bytes(&self) -> usize {
        let texts = [&self.old, &self.new, &self.diff, &self.before, &self.after];
        size_of::<Self>()
            + self.path.len()
            + texts.into_iter().flatten().map(|t| t.len()).sum::<usize>()
    }
}

/// A file or folder shown to the agent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct View {
    /// The file or folder, as the agent named it.
    pub path: String,
    /// The 1-based file line of the first line of `text`.
    pub first_line: Option<usize>,
    /// The file's own text, freed of line numbers and headers; `None` for folders and failed views. The verbatim
    /// text stays in the observation.
    pub text: Option<Text>,
    /// Lines of the whole file, where the tool said so.
    pub total_lines: Option<usize>,
}

/// What came back from an action.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Observation {
    /// Text, images and references in order; may be empty.
    pub parts: Vec<Part>,
    /// The command's exit status; negative when it was still running.
    pub exit_code: Option<i64>,
    /// Whether the producer calls it an error.
    pub is_error: Option<bool>,
    /// Whether the producer cut it.
    pub truncated: Option<bool>,
    /// Seconds that the action took.
    #[serde(rename = "duration")]
    pub duration_s: Option<f64>,
    /// The working folder after the action.
    pub cwd: Option<String>,
    /// When it came.
    pub ts: Option<Stamp>,
}

impl Observation {
    /// An observation of one text.
    pub fn text(text: impl Into<Text>) -> Self {
        Self {
            parts: vec![Part::Text { text: text.into() }],
            ..Self::default()
        }
    }

    /// The first text part; most observations have exactly one.
    pub fn first_text(&self) -> Option<&Text> {
        self.parts.iter().find_map(|part| match part {
            Part::Text { text } => Some(text),
            _ => None,
        })
    }

    /// Bytes of all its texts.
    pub fn len_bytes(&self) -> usize {
        self.parts
            .iter()
            .map(|part| {
                if let Part::Text { text } = part {
                    text.len()
                } else {
                    0
                }
            })
            .sum()
    }

    fn approx_bytes(&self) -> usize {
        size_of::<Self>() + self.len_bytes() + self.parts.len() * size_of::<Part>()
    }
}

/// A piece of content.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Part {
    /// Text, verbatim.
    Text {
        /// The text.
        text: Text,
    },
    /// An image; its pixels stay in the record.
    Image {
        /// `image/png` and the like, where known.
        media_type: Option<String>,
        /// Bytes of the decoded image, where it is embedded.
        bytes: Option<u64>,
        /// Path or URL, where it is not embedded.
        at: Option<String>,
    },
    /// A reference to something outside the text: a file, audio, a document, another trajectory.
    Ref {
        /// What it is and where.
        label: String,
    },
}
