//! What an export is asked to do: plain data with defaults, the words of the command line, and what is read beforehand.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::Error;
use crate::error::Result;
use crate::export::ChatTemplate;
use crate::export::EXPORTERS;
use crate::export::Early;
use crate::export::Exporter;
use crate::export::PartitionBy;
use crate::export::TokenCounter;
use crate::export::exporter;
use crate::export::sft::ToolPrompt;

/// Where an export goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A file, or the stem of the files of a split.
    File(PathBuf),
    /// Standard output; there is no manifest then unless one is named.
    Stdout,
}

impl Target {
    /// `-` is standard output.
    pub fn parse(path: &Path) -> Self {
        if path.as_os_str() == "-" {
            Self::Stdout
        } else {
            Self::File(path.to_path_buf())
        }
    }
}

/// Which attempt of a task is better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Prefer {
    /// The one with fewer model responses.
    #[default]
    Shortest,
    /// The one that comes first in the inputs.
    First,
    /// The one with the higher score; without a score last.
    Score,
}

impl Prefer {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Shortest, Self::First, Self::Score];

    /// The word on the command line and in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shortest => "shortest",
            Self::First => "first",
            Self::Score => "score",
        }
    }

    /// The preference with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|prefer| prefer.name() == name)
    }
}

/// What stays together when a set is split.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SplitBy {
    /// All tasks of a repository.
    #[default]
    Repo,
    /// All attempts of a task.
    Task,
    /// Each record by itself.
    Id,
}

impl SplitBy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Repo, Self::Task, Self::Id];

    /// The word on the command line and in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Repo => "repo",
            Self::Task => "task",
            Self::Id => "id",
        }
    }

    /// The split with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.name() == name)
    }
}

/// A part of a split set.
#[derive(Debug, Clone, PartialEq)]
pub struct SplitPart {
    /// Its name, part of its file's.
    pub name: String,
    /// Its share, above 0; the shares of all parts add up to 1.
    pub share: f64,
}

impl SplitPart {
    /// Reads `train=.95,val=.05`. Shares that do not add up to 1 are taken as proportions.
    ///
    /// # Errors
    /// *user* when a part has no name or no share above 0, or a name comes twice or is no plain word.
    pub fn parse_all(text: &str) -> Result<Vec<Self>> {
        let wrong = |why: String| {
            Error::user(format!("--split {text}: {why}")).hint("for example train=.95,val=.05")
        };
        let mut parts: Vec<Self> = Vec::new();
        for piece in text.split(',') {
            let (name, share) = piece
                .split_once('=')
                .ok_or_else(|| wrong(format!("{piece:?} has no share")))?;
            let name = name.trim();
            let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if name.is_empty() || !name.chars().all(is_word) {
                return Err(wrong(format!("{name:?} is no plain word")));
            }
            let share: f64 = share
                .trim()
                .parse()
                .ok()
                .filter(|share: &f64| share.is_finite() && *share > 0.0)
                .ok_or_else(|| wrong(format!("the share of {name} is no number above 0")))?;
            if parts.iter().any(|part| part.name == name) {
                return Err(wrong(format!("{name} comes twice")));
            }
            parts.push(Self {
                name: name.to_owned(),
                share,
            });
        }
        let sum: f64 = parts.iter().map(|part| part.share).sum();
        for part in &mut parts {
            part.share /= sum;
        }
        Ok(parts)
    }
}

/// Which records are kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curation {
    /// At most this many attempts of a task.
    pub per_task: Option<usize>,
    /// Which of them.
    pub prefer: Prefer,
    /// Leave out attempts of a task with the same patch, and records with the same messages, as an earlier one.
    pub dedupe: bool,
    /// Leave out what has more tokens in this format.
    pub max_tokens: Option<usize>,
    /// `tokenizer.json`; without one tokens are estimated.
    pub tokenizer: Option<PathBuf>,
    /// A file with repositories to leave out, `owner/name` a line; `#` begins a comment.
    pub exclude_repos: Option<PathBuf>,
    /// The parts of a split; empty for one file.
    pub splits: Vec<SplitPart>,
    /// What stays together in a split.
    pub split_by: SplitBy,
    /// Keep this many, drawn by `seed`.
    pub sample: Option<usize>,
    /// Decides sample and split.
    pub seed: u64,
}

/// How a data set of many files is divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parted {
    /// What its folders are called by; empty for one folder.
    pub by: Vec<PartitionBy>,
    /// A file ends when it has about as many bytes.
    pub part_bytes: u64,
}

impl Parted {
    /// Bytes of a file where nobody says otherwise.
    pub const PART_BYTES: u64 = 128 << 20;
}

/// What an export is asked to do.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of the command line, each on its own"
)]
pub struct Options {
    /// The format.
    pub format: &'static Exporter,
    /// Where it goes.
    pub target: Target,
    /// Which records are kept.
    pub curation: Curation,
    /// Write a folder of files; `None` for one file, or one for each part of a split.
    pub parted: Option<Parted>,
    /// Keep `instance_id` and `resolved` beside messages.
    pub with_ids: bool,
    /// Go on where a format has no place for step masks.
    pub ignore_masks: bool,
    /// `sft`: the text behind the system prompt, with `{description}`.
    pub tool_prompt: Option<PathBuf>,
    /// `chatml`: `tokenizer_config.json` or a template; without one that of Qwen2.5-Coder.
    pub chat_template: Option<PathBuf>,
    /// Write over existing files (never over an input).
    pub force: bool,
    /// Report and write nothing.
    pub dry_run: bool,
    /// Where the manifest goes; beside the target where none is named.
    pub manifest: Option<PathBuf>,
    /// Hashes of inputs that were begun before these were scanned.
    pub early: Option<Arc<Early>>,
}

impl Options {
    /// An export of everything in `format` to `target`.
    pub fn new(format: &'static Exporter, target: Target) -> Self {
        Self {
            format,
            target,
            curation: Curation::default(),
            parted: None,
            with_ids: false,
            ignore_masks: false,
            tool_prompt: None,
            chat_template: None,
            force: false,
            dry_run: false,
            manifest: None,
            early: None,
        }
    }

    /// The format with this name.
    ///
    /// # Errors
    /// *user* when there is none, with the names that there are.
    pub fn parse_format(name: &str) -> Result<&'static Exporter> {
        exporter(name).ok_or_else(|| {
            let names: Vec<&str> = EXPORTERS.iter().map(|exporter| exporter.name).collect();
            Error::user(format!("there is no format {name:?}"))
                .hint(format!("formats are {}", names.join(", ")))
        })
    }
}

/// What formats need beside the record, read once.
#[derive(Debug)]
pub struct Context {
    /// Keep `instance_id` and `resolved` beside messages.
    pub with_ids: bool,
    /// The text behind the system prompt, for `sft`.
    pub tool_prompt: Option<ToolPrompt>,
    /// The chat template, for `chatml`.
    pub template: Option<ChatTemplate>,
    /// Counts tokens.
    pub counter: TokenCounter,
}

impl Context {
    /// Reads what the options name.
    ///
    /// # Errors
    /// *user* and *input* when something is missing or not what it should be, with what to give.
    pub fn load(options: &Options) -> Result<Self> {
        let name = options.format.name;
        let tool_prompt = match &options.tool_prompt {
            Some(path) => {
                let shown = path.display();
                let text = std::fs::read_to_string(path)
                    .map_err(|err| Error::input(format!("cannot read {shown}")).caused_by(err))?;
                Some(ToolPrompt::parse(&text)?)
            }
            None if name == "sft" => {
                return Err(Error::user("--format sft needs --tool-prompt FILE").hint(
                    "the file is the text behind the system prompt, with {description} where the tools are described",
                ));
            }
            None => None,
        };
        let template = match &options.chat_template {
            Some(path) => Some(ChatTemplate::load(path)?),
            None if name == "chatml" => Some(ChatTemplate::qwen()?),
            None => None,
        };
        let counter = match &options.curation.tokenizer {
            Some(path) => TokenCounter::load(path)?,
            None => TokenCounter::Estimate,
        };
        Ok(Self {
            with_ids: options.with_ids,
            tool_prompt,
            template,
            counter,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Option<&[(&str, f64)]>) {
        let parts = SplitPart::parse_all(text).ok().map(|parts| {
            parts
                .into_iter()
                .map(|part| (part.name, part.share))
                .collect::<Vec<_>>()
        });
        let want = want.map(|parts| {
            parts
                .iter()
                .map(|(name, share)| ((*name).to_owned(), *share))
                .collect::<Vec<_>>()
        });
        assert_eq!(parts, want, "{text}");
    }

    #[test]
    fn splits_are_read() {
        check("train=.75,val=.25", Some(&[("train", 0.75), ("val", 0.25)]));
        check("a=3, b=1", Some(&[("a", 0.75), ("b", 0.25)]));
        check("all=1", Some(&[("all", 1.0)]));
        for wrong in [
            "", "train", "train=0", "train=x", "a=1,a=1", "a/b=1", "=1", "a=-1", "a=inf",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn names_lead_back() {
        for prefer in Prefer::ALL {
            assert_eq!(Prefer::from_name(prefer.name()), Some(prefer));
        }
        for by in SplitBy::ALL {
            assert_eq!(SplitBy::from_name(by.name()), Some(by));
        }
        for exporter in EXPORTERS {
            assert_eq!(
                Options::parse_format(exporter.name).unwrap().name,
                exporter.name
            );
        }
        assert!(Options::parse_format("csv").unwrap_err().hints()[0].contains("raw, sft, chat"));
    }
}
