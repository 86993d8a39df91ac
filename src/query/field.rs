//! What may be asked of a record and of a step: the two tables that checking, completion, `--explain`, the messages and
//! the documentation read.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::ActionClass;
use crate::model::Component;
use crate::model::FlagKind;
use crate::model::Format;
use crate::model::TaskKind;
use crate::query::QueryError;
use crate::query::error::nearest;

/// The unit of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A count, or a number of its own.
    Plain,
    /// Seconds.
    Seconds,
    /// Bytes; 1 kb is 1024 of them, as everywhere on the screen.
    Bytes,
    /// US dollars.
    Dollars,
    /// A share, from 0 to 1.
    Share,
}

/// Which words a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Words {
    /// Task types.
    Tasks,
    /// Producer families.
    Formats,
    /// Verdicts of filters, and outcomes.
    Verdicts,
    /// Decisions of people.
    Decisions,
    /// Flags.
    Flags,
    /// Components of an agent's work.
    Components,
    /// Who speaks in a step.
    StepKinds,
    /// What actions are for.
    Classes,
    /// Kinds of edits.
    EditOps,
    /// Masks of steps.
    Masks,
}

impl Words {
    /// The words.
    pub fn all(self) -> Vec<&'static str> {
        match self {
            Self::Tasks => TaskKind::ALL.map(TaskKind::name).to_vec(),
            Self::Formats => FORMATS.map(Format::name).to_vec(),
            Self::Verdicts => vec!["accept", "reject", "unjudged"],
            Self::Decisions => vec!["accept", "reject", "skip"],
            Self::Flags => FlagKind::ALL.map(FlagKind::name).to_vec(),
            Self::Components => Component::ALL.map(Component::name).to_vec(),
            Self::StepKinds => vec!["system", "user", "agent", "context"],
            Self::Classes => ActionClass::ALL.map(ActionClass::name).to_vec(),
            Self::EditOps => vec![
                "create",
                "str_replace",
                "insert",
                "patch",
                "write",
                "undo",
                "delete",
            ],
            Self::Masks => vec!["train", "context", "drop"],
        }
    }

    /// What one of them is.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Tasks => "task type",
            Self::Formats => "format",
            Self::Verdicts => "verdict",
            Self::Decisions => "decision",
            Self::Flags => "flag",
            Self::Components => "component",
            Self::StepKinds => "kind of step",
            Self::Classes => "class of action",
            Self::EditOps => "kind of edit",
            Self::Masks => "mask",
        }
    }
}

const FORMATS: [Format; 14] = [
    Format::OpenHandsV0,
    Format::OpenHandsV1,
    Format::SweAgent,
    Format::MiniSweAgent,
    Format::Chat,
    Format::Atif,
    Format::Inspect,
    Format::ClaudeCode,
    Format::Codex,
    Format::Adp,
    Format::Prediction,
    Format::Report,
    Format::Task,
    Format::Verdict,
];

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// True or false.
    Truth,
    /// A number.
    Number(Unit),
    /// A moment, in UTC.
    Date,
    /// Any text.
    Text,
    /// One of some words.
    Word(Words),
    /// Whatever is there: a text, a number, a truth, or several of them.
    Any,
}

impl Kind {
    /// What a value of it is, in words.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Truth => "true or false",
            Self::Number(Unit::Plain) => "a number",
            Self::Number(Unit::Seconds) => "a time",
            Self::Number(Unit::Bytes) => "a size",
            Self::Number(Unit::Dollars) => "a price",
            Self::Number(Unit::Share) => "a share",
            Self::Date => "a date",
            Self::Text => "text",
            Self::Word(words) => words.noun(),
            Self::Any => "text or a number",
        }
    }

    /// How one writes a value of it.
    pub fn example(self) -> &'static str {
        match self {
            Self::Truth => "true",
            Self::Number(Unit::Plain) => "40, 40k, 1.5M",
            Self::Number(Unit::Seconds) => "90s, 5m, 2h, 1d",
            Self::Number(Unit::Bytes) => "200kb, 1MB",
            Self::Number(Unit::Dollars) => "$0.50",
            Self::Number(Unit::Share) => "40%, 0.4",
            Self::Date => "2026-01-31, 2026-01-31T10:00, today, -7d",
            Self::Text => "word, \"several words\"",
            Self::Word(Words::Tasks) => "dep_search",
            Self::Word(Words::Formats) => "swe-agent",
            Self::Word(Words::Verdicts | Words::Decisions) => "accept",
            Self::Word(Words::Flags) => "loop",
            Self::Word(Words::Components) => "verification",
            Self::Word(Words::StepKinds) => "agent",
            Self::Word(Words::Classes) => "edit",
            Self::Word(Words::EditOps) => "create",
            Self::Word(Words::Masks) => "drop",
            Self::Any => "word, 3",
        }
    }
}

/// What has to be read to know a field. Later ones cost more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cost {
    /// The summary of the record, which every list reads.
    Summary,
    /// The record's bytes or its head: decisions know it by its content; task and patch stand in it.
    Record,
    /// What the automatic filter says of it.
    Judging,
    /// The whole trajectory.
    Whole,
}

impl Cost {
    /// What is read, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Summary => "from the summary",
            Self::Record => "reads the record",
            Self::Judging => "runs the filter",
            Self::Whole => "reads every step",
        }
    }
}

/// What may stand behind a field's name and a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Param {
    /// Nothing.
    No,
    /// A reviewer; without one it is about the reviewer who asks.
    Reviewer,
    /// A column of the task instance; must be there.
    Column,
}

/// What is asked of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the tables below say what each is")]
pub enum Replay {
    IsReproduced,
    Divergence,
    Match,
    Patch,
    Verified,
    IsFlaky,
    HasError,
}

/// Which fact a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the tables below say what each is")]
pub enum Fact {
    Id,
    TaskId,
    Task,
    Repo,
    Format,
    Variant,
    Model,
    Path,
    Nth,
    Attempt,
    Resolved,
    Reward,
    ExitStatus,
    Error,
    Steps,
    Actions,
    FailedActions,
    FailureRate,
    Duration,
    Tokens,
    TokensIn,
    TokensOut,
    TokensCached,
    TokensReasoning,
    Cost,
    Children,
    PatchLines,
    Fault,
    Bytes,
    Patch,
    PatchFiles,
    Statement,
    Column,
    Decision,
    Reason,
    Tag,
    Note,
    Flagged,
    DecidedAt,
    Secs,
    Decisions,
    Disputed,
    Stale,
    Replay(Replay),
    Published,
    Strict,
    Outcome,
    Agent,
    Instruction,
    Answer,
    Finish,
    StartedAt,
    Flag,
    Share(Component),
    StepNumber,
    StepKind,
    StepClass,
    StepComponent,
    StepTool,
    StepArgs,
    StepCmd,
    StepExit,
    StepError,
    StepTest,
    StepThought,
    StepReasoning,
    StepText,
    StepObservation,
    StepBytes,
    StepPath,
    StepEdited,
    StepViewed,
    StepEdit,
    StepWritten,
    StepTokens,
    StepCost,
    StepDuration,
    StepLatency,
    StepAt,
    StepFlag,
    StepMask,
}

/// A field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Which fact it is.
    pub fact: Fact,
    /// The type of its values.
    pub kind: Kind,
    /// Whether it may have several values; a comparison then holds if it holds for one of them.
    pub is_many: bool,
    /// What may stand behind its name.
    pub param: Param,
    /// What has to be read to know it.
    pub cost: Cost,
    /// One line about it.
    pub doc: &'static str,
    /// What others call it: a hint in messages, not another name.
    pub also: &'static [&'static str],
}

const fn field(name: &'static str, fact: Fact, kind: Kind, cost: Cost, doc: &'static str) -> Field {
    Field {
        name,
        fact,
        kind,
        is_many: false,
        param: Param::No,
        cost,
        doc,
        also: &[],
    }
}

impl Field {
    const fn many(self) -> Self {
        Self {
            is_many: true,
            ..self
        }
    }

    const fn of(self, param: Param) -> Self {
        Self { param, ..self }
    }

    const fn also(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }

    /// Whether it is about one step.
    pub fn is_of_step(&self) -> bool {
        self.name.starts_with("step.")
    }

    /// Its name with what may stand behind it, for tables.
    pub fn form(&self) -> String {
        match self.param {
            Param::No => self.name.to_owned(),
            Param::Reviewer => format!("{0}, {0}.NAME", self.name),
            Param::Column => format!("{}.NAME", self.name),
        }
    }

    /// Its type in words, for tables.
    pub fn type_words(&self) -> String {
        let noun = match self.kind {
            Kind::Truth => "true or false",
            Kind::Number(Unit::Plain) => "number",
            Kind::Number(Unit::Seconds) => "time",
            Kind::Number(Unit::Bytes) => "size",
            Kind::Number(Unit::Dollars) => "price",
            Kind::Number(Unit::Share) => "share",
            Kind::Date => "date",
            Kind::Any => "anything",
            kind => kind.noun(),
        };
        let more = if self.is_many { ", several" } else { "" };
        format!("{noun}{more}")
    }
}

use Cost::Judging;
use Cost::Record;
use Cost::Summary;
use Cost::Whole;
use Kind::Date;
use Kind::Number;
use Kind::Text;
use Kind::Truth;
use Kind::Word;
use Unit::Bytes;
use Unit::Dollars;
use Unit::Plain;
use Unit::Seconds;
use Unit::Share;

/// What may be asked of a record.
#[rustfmt::skip]
pub const FIELDS: &[Field] = &[
    field("id", Fact::Id, Text, Summary, "what rows call the record"),
    field("task_id", Fact::TaskId, Text, Summary, "the task's instance id").also(&["instance_id", "instance"]),
    field("task", Fact::Task, Word(Words::Tasks), Summary, "what the task asks for").also(&["type", "task_type", "kind"]),
    field("repo", Fact::Repo, Text, Summary, "the task's repository, owner/name").also(&["repository"]),
    field("format", Fact::Format, Word(Words::Formats), Summary, "the producer family"),
    field("variant", Fact::Variant, Text, Summary, "the layout inside the family"),
    field("model", Fact::Model, Text, Summary, "the model"),
    field("path", Fact::Path, Text, Summary, "the file, and the member of an archive behind a colon").also(&["file", "source"]),
    field("nth", Fact::Nth, Number(Plain), Summary, "the record's place among all, from 1").also(&["number", "row"]),
    field("attempt", Fact::Attempt, Number(Plain), Summary, "its number among the run's attempts at the task, from 1").also(&["epoch", "try"]),
    field("resolved", Fact::Resolved, Truth, Summary, "whether the attempt solved its task").also(&["solved", "success", "passed"]),
    field("reward", Fact::Reward, Number(Plain), Summary, "a graded reward").also(&["score"]),
    field("exit_status", Fact::ExitStatus, Text, Summary, "the producer's word for the end; what ended an attempt of `hgview rollout`").also(&["exit", "status", "ended_by"]),
    field("error", Fact::Error, Text, Summary, "the error that ended the run, first line"),
    field("steps", Fact::Steps, Number(Plain), Summary, "model responses").also(&["length", "turns"]),
    field("actions", Fact::Actions, Number(Plain), Summary, "tool calls").also(&["calls"]),
    field("failed_actions", Fact::FailedActions, Number(Plain), Summary, "tool calls that failed").also(&["failures", "failed", "errors"]),
    field("failure_rate", Fact::FailureRate, Number(Share), Summary, "failed calls of all calls"),
    field("duration", Fact::Duration, Number(Seconds), Summary, "wall-clock time from the first to the last step").also(&["time"]),
    field("tokens", Fact::Tokens, Number(Plain), Summary, "tokens in and out"),
    field("tokens.in", Fact::TokensIn, Number(Plain), Summary, "prompt tokens, cached ones included").also(&["input", "prompt_tokens"]),
    field("tokens.out", Fact::TokensOut, Number(Plain), Summary, "completion tokens").also(&["output", "completion_tokens"]),
    field("tokens.cached", Fact::TokensCached, Number(Plain), Summary, "prompt tokens read from the cache").also(&["cache"]),
    field("tokens.reasoning", Fact::TokensReasoning, Number(Plain), Summary, "completion tokens of reasoning"),
    field("cost", Fact::Cost, Number(Dollars), Summary, "US dollars").also(&["price", "dollars"]),
    field("children", Fact::Children, Number(Plain), Summary, "sub-agents, branches, other attempts inside the record"),
    field("patch_lines", Fact::PatchLines, Number(Plain), Summary, "lines that the final patch adds or removes"),
    field("fault", Fact::Fault, Text, Summary, "why the record could not be read"),
    field("bytes", Fact::Bytes, Number(Bytes), Record, "the record's size").also(&["size"]),
    field("patch", Fact::Patch, Text, Record, "the final patch").also(&["diff"]),
    field("patch_files", Fact::PatchFiles, Text, Record, "the files that the final patch changes").many(),
    field("statement", Fact::Statement, Text, Record, "what the task says").also(&["problem", "problem_statement"]),
    field("task", Fact::Column, Kind::Any, Record, "a column of the task instance, such as task.base_commit").of(Param::Column),
    field("decision", Fact::Decision, Word(Words::Decisions), Record, "what you decided, or that reviewer").of(Param::Reviewer).also(&["decided", "human"]),
    field("reason", Fact::Reason, Text, Record, "the decision's reason").of(Param::Reviewer),
    field("tag", Fact::Tag, Text, Record, "tags").of(Param::Reviewer).many().also(&["tags", "label"]),
    field("note", Fact::Note, Text, Record, "the note").of(Param::Reviewer).also(&["comment"]),
    field("flagged", Fact::Flagged, Truth, Record, "flagged for another look, by anybody or that reviewer").of(Param::Reviewer),
    field("decided_at", Fact::DecidedAt, Date, Record, "when it was decided").of(Param::Reviewer).also(&["date", "when"]),
    field("secs", Fact::Secs, Number(Seconds), Record, "time spent on deciding").of(Param::Reviewer),
    field("decisions", Fact::Decisions, Number(Plain), Record, "how many people decided").also(&["reviewers"]),
    field("disputed", Fact::Disputed, Truth, Record, "reviewers contradict each other, and nobody settled it").also(&["disputes", "dispute"]),
    field("stale", Fact::Stale, Truth, Record, "decided on, and made anew since"),
    field("replay.reproduced", Fact::Replay(Replay::IsReproduced), Truth, Record, "replayed to the end, and every call showed what was recorded").also(&["replay", "replayed", "reproduced"]),
    field("replay.divergence", Fact::Replay(Replay::Divergence), Number(Plain), Record, "the step of the first call that diverged when it was replayed").also(&["divergence"]),
    field("replay.match", Fact::Replay(Replay::Match), Number(Share), Record, "calls that showed what was recorded, of those replayed that can show something"),
    field("replay.patch", Fact::Replay(Replay::Patch), Truth, Record, "the replay's final patch is the recorded one"),
    field("replay.verified", Fact::Replay(Replay::Verified), Word(Words::Verdicts), Record, "what the checks of the replayed workspace say; the worst, where there are several").also(&["verified"]),
    field("replay.flaky", Fact::Replay(Replay::IsFlaky), Truth, Record, "a check of the replayed workspace did not always say the same").also(&["flaky"]),
    field("replay.error", Fact::Replay(Replay::HasError), Truth, Record, "it could not be replayed to the end"),
    field("published", Fact::Published, Word(Words::Verdicts), Judging, "the verdict of the published rules").also(&["verdict", "pub"]),
    field("strict", Fact::Strict, Word(Words::Verdicts), Judging, "the verdict of the strict rules").also(&["str"]),
    field("outcome", Fact::Outcome, Word(Words::Verdicts), Judging, "what people decided, else what the published rules say"),
    field("agent", Fact::Agent, Text, Whole, "the agent or scaffold").also(&["scaffold"]),
    field("instruction", Fact::Instruction, Text, Record, "what the agent was asked").also(&["prompt"]),
    field("answer", Fact::Answer, Text, Record, "what was handed in beside the patch"),
    field("finish", Fact::Finish, Text, Whole, "the agent's last words"),
    field("started_at", Fact::StartedAt, Date, Whole, "when the first step happened").also(&["started"]),
    field("flag", Fact::Flag, Word(Words::Flags), Whole, "what checks of behaviour and prompt observed, also flags that are off").many().also(&["flags"]),
    field("share.reasoning", Fact::Share(Component::Reasoning), Number(Share), Whole, "actions that think or talk, of all"),
    field("share.exploration", Fact::Share(Component::Exploration), Number(Share), Whole, "actions that look, of all"),
    field("share.implementation", Fact::Share(Component::Implementation), Number(Share), Whole, "actions that change the solution, of all"),
    field("share.verification", Fact::Share(Component::Verification), Number(Share), Whole, "actions that check, of all"),
    field("share.execution", Fact::Share(Component::Execution), Number(Share), Whole, "actions that run something for its effect, of all"),
];

/// What may be asked of a step, inside `any`, `all`, `count`, `first` and `last`.
#[rustfmt::skip]
pub const STEP_FIELDS: &[Field] = &[
    field("step.n", Fact::StepNumber, Number(Plain), Whole, "the step's number, from 0").also(&["step.idx", "step.number"]),
    field("step.kind", Fact::StepKind, Word(Words::StepKinds), Whole, "who speaks"),
    field("step.class", Fact::StepClass, Word(Words::Classes), Whole, "what the call is for"),
    field("step.component", Fact::StepComponent, Word(Words::Components), Whole, "the part of an agent's work that it belongs to"),
    field("step.tool", Fact::StepTool, Text, Whole, "the tool's name"),
    field("step.args", Fact::StepArgs, Text, Whole, "the call's arguments as JSON").also(&["step.arguments"]),
    field("step.cmd", Fact::StepCmd, Text, Whole, "the command").also(&["step.command"]),
    field("step.exit", Fact::StepExit, Number(Plain), Whole, "the command's exit status").also(&["step.exit_code", "step.status"]),
    field("step.error", Fact::StepError, Truth, Whole, "the call failed").also(&["step.failed"]),
    field("step.test", Fact::StepTest, Truth, Whole, "the call runs tests"),
    field("step.thought", Fact::StepThought, Text, Whole, "what the model wrote beside its calls"),
    field("step.reasoning", Fact::StepReasoning, Text, Whole, "what the model thought before it answered"),
    field("step.text", Fact::StepText, Text, Whole, "what was said: prompts, messages"),
    field("step.observation", Fact::StepObservation, Text, Whole, "what came back").also(&["step.output", "step.result"]),
    field("step.bytes", Fact::StepBytes, Number(Bytes), Whole, "the size of what came back"),
    field("step.path", Fact::StepPath, Text, Whole, "the files that it edits or views").many().also(&["step.paths", "step.file"]),
    field("step.edited", Fact::StepEdited, Text, Whole, "the files that it edits").many(),
    field("step.viewed", Fact::StepViewed, Text, Whole, "the file that it views"),
    field("step.edit", Fact::StepEdit, Word(Words::EditOps), Whole, "the kinds of its edits").many(),
    field("step.written", Fact::StepWritten, Text, Whole, "the texts that its edits put in").many(),
    field("step.tokens", Fact::StepTokens, Number(Plain), Whole, "tokens in and out of the response"),
    field("step.cost", Fact::StepCost, Number(Dollars), Whole, "US dollars of the response"),
    field("step.duration", Fact::StepDuration, Number(Seconds), Whole, "how long the call took"),
    field("step.latency", Fact::StepLatency, Number(Seconds), Whole, "how long the model took"),
    field("step.at", Fact::StepAt, Date, Whole, "when"),
    field("step.flag", Fact::StepFlag, Word(Words::Flags), Whole, "what checks observed here, also flags that are off").many().also(&["step.flags"]),
    field("step.mask", Fact::StepMask, Word(Words::Masks), Whole, "your mask").also(&["step.masks"]),
];

/// A field as it was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The field.
    pub field: &'static Field,
    /// What stood behind its name: a reviewer, a column.
    pub param: Option<String>,
}

impl Name {
    /// Finds the field of this name.
    ///
    /// # Errors
    /// Where there is none; says which is most like it.
    pub(super) fn find(text: &str, span: &std::ops::Range<usize>) -> Result<Self, QueryError> {
        let all = || FIELDS.iter().chain(STEP_FIELDS);
        let plain = all().find(|field| field.name == text && field.param != Param::Column);
        if let Some(field) = plain {
            return Ok(Self { field, param: None });
        }
        let with = text.split_once('.').and_then(|(head, rest)| {
            let field = all().find(|field| field.name == head && field.param != Param::No)?;
            (!rest.is_empty()).then(|| Self {
                field,
                param: Some(rest.to_owned()),
            })
        });
        with.ok_or_else(|| unknown(text, span))
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.param {
            Some(param) => write!(f, "{}.{param}", self.field.name),
            None => f.write_str(self.field.name),
        }
    }
}

fn unknown(text: &str, span: &std::ops::Range<usize>) -> QueryError {
    let error = QueryError::new(span.clone(), format!("there is no field `{text}`"));
    let all = || FIELDS.iter().chain(STEP_FIELDS);
    let lower = text.to_lowercase();
    if let Some(field) = all().find(|field| field.also.contains(&&*lower)) {
        return error.hint(format!("`{}` is {}", field.name, field.doc));
    }
    let of_word =
        |field: &&Field| matches!(field.kind, Kind::Word(words) if words.all().contains(&text));
    if let Some(field) = all().find(of_word) {
        return error.hint(format!("did you mean `{} = {text}`?", field.name));
    }
    match nearest(&lower, all().map(|field| field.name)) {
        Some(name) => error.hint(format!("did you mean `{name}`?")),
        None => error.hint("`hgview query --fields` lists the fields"),
    }
}
