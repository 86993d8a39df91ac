//! What an export did: counts, files, what was dropped and why, what the format does not keep.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use crate::export::Loss;
use crate::model::ContentHash;
use crate::text::human;

/// Where a record was dropped, in the order of the stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The query of the selection does not take it: it is not part of the set.
    Where,
    /// It cannot be read.
    Read,
    /// Policy, verdict and decisions leave it out.
    Outcome,
    /// Its repository is excluded.
    Repo,
    /// The format has no place for it.
    Format,
    /// It has step masks and the format has no place for them.
    Masks,
    /// It has too many tokens.
    Tokens,
    /// It is the same as an earlier one.
    Duplicate,
    /// Its task has enough others.
    PerTask,
    /// The sample left it out.
    Sample,
}

impl Stage {
    /// The word used in JSON and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Where => "where",
            Self::Read => "read",
            Self::Outcome => "outcome",
            Self::Repo => "repo",
            Self::Format => "format",
            Self::Masks => "masks",
            Self::Tokens => "tokens",
            Self::Duplicate => "duplicate",
            Self::PerTask => "per_task",
            Self::Sample => "sample",
        }
    }
}

/// A record that was dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Dropped {
    /// The record's id, as far as it is known without reading all of it.
    pub id: String,
    /// Where it lies: `path`, `path:N`, `path:member:N`.
    pub source: String,
    /// Where it was dropped.
    pub stage: Stage,
    /// Why, in words.
    pub reason: String,
}

/// How many records were dropped for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Gone {
    /// Where.
    pub stage: Stage,
    /// Why, in words.
    pub reason: String,
    /// How many.
    pub records: usize,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OutputFile {
    /// The file; `-` is standard output.
    pub path: PathBuf,
    /// The part of the set, where it is split.
    pub split: Option<String>,
    /// Records in it.
    pub records: usize,
    /// Rows in it: as many as records but for tables of steps.
    pub rows: usize,
    /// Its size; 0 for a dry run.
    pub bytes: u64,
    /// Tokens of its records.
    pub tokens: usize,
}

/// What the format does not keep, over all kept records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LossTold {
    /// What, in words.
    pub what: &'static str,
    /// In how many records.
    pub records: usize,
    /// How often in all.
    pub count: usize,
    /// The first record that has it.
    pub example: String,
}

/// What the format does not keep of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RecordLosses {
    /// The record's id.
    pub id: String,
    /// Where it lies.
    pub source: String,
    /// Its tokens.
    pub tokens: usize,
    /// What is not kept of it.
    pub losses: Vec<Loss>,
}

/// A decision on what a record was before it was made anew: it was not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StaleDecision {
    /// The record's id, the same then and now.
    pub id: String,
    /// Where the record lies now.
    pub source: String,
    /// The content that was decided on.
    pub sha256: ContentHash,
    /// Who decided.
    pub reviewer: String,
    /// What was decided; null where only steps were masked.
    pub decision: Option<&'static str>,
}

/// What an export did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Report {
    /// The format.
    pub format: &'static str,
    /// Nothing was written.
    pub dry_run: bool,
    /// Records that went in.
    #[serde(rename = "in")]
    pub read: usize,
    /// Records that came out.
    pub kept: usize,
    /// Records that did not.
    pub dropped: usize,
    /// The reasons, most frequent first.
    pub reasons: Vec<Gone>,
    /// The files.
    pub outputs: Vec<OutputFile>,
    /// Tokens of all kept records.
    pub tokens: usize,
    /// The tokens are an estimate: a quarter of the bytes.
    pub tokens_are_estimated: bool,
    /// What the format does not keep, most frequent first.
    pub losses: Vec<LossTold>,
    /// The same by record; in dry runs only.
    pub records: Vec<RecordLosses>,
    /// Every dropped record, in the order of the inputs; also in the manifest.
    pub dropped_records: Vec<Dropped>,
    /// Decisions on older versions of the records, which were not used; also in the manifest.
    pub stale_decisions: Vec<StaleDecision>,
    /// The manifest, where one was written.
    pub manifest: Option<PathBuf>,
    /// What else is worth knowing: journals that were passed over, records whose repository is unknown.
    pub notes: Vec<String>,
}

/// Files, reasons and losses that the report for people lists.
const LISTED: usize = 12;

impl Report {
    /// The report for people, line by line. It may quote an input and is cleaned where it is shown.
    pub fn words(&self) -> Vec<String> {
        let tokens = human::count(self.tokens);
        let about = if self.tokens_are_estimated {
            format!("about {tokens} tokens (estimated: a quarter of the bytes)")
        } else {
            format!("{tokens} tokens")
        };
        let verb = if self.dry_run {
            "would export"
        } else {
            "exported"
        };
        let mut lines = vec![format!(
            "{verb} {} of {} records as {}, {about}",
            human::count(self.kept),
            human::count(self.read),
            self.format
        )];
        for file in self.outputs.iter().take(LISTED) {
            let size = if self.dry_run {
                String::new()
            } else {
                format!(", {}", human::bytes(file.bytes))
            };
            lines.push(format!(
                "  {}: {} records, {} rows{size}",
                file.path.display(),
                human::count(file.records),
                human::count(file.rows),
            ));
        }
        if let Some(more) = self.outputs.get(LISTED..).filter(|more| !more.is_empty()) {
            lines.push(format!("  … and {} more files", human::count(more.len())));
        }
        if let Some(path) = &self.manifest {
            lines.push(format!("  {}: the manifest", path.display()));
        }
        self.tell_dropped(&mut lines);
        self.tell_stale(&mut lines);
        if self.dry_run && !self.losses.is_empty() {
            lines.push(format!("what {} does not keep:", self.format));
            for loss in self.losses.iter().take(LISTED) {
                let count = human::count(loss.records);
                lines.push(format!(
                    "  {count:>7}  {} (first: {})",
                    loss.what, loss.example
                ));
            }
        }
        lines.extend(self.notes.iter().map(|note| format!("note: {note}")));
        lines
    }

    fn tell_stale(&self, lines: &mut Vec<String>) {
        let (decisions, were) = match self.stale_decisions.len() {
            0 => return,
            1 => ("decision", "was on an older version of its record and was"),
            _ => (
                "decisions",
                "were on older versions of their records and were",
            ),
        };
        let count = human::count(self.stale_decisions.len());
        lines.push(format!("{count} {decisions} {were} not used:"));
        for stale in self.stale_decisions.iter().take(LISTED) {
            let said = stale.decision.unwrap_or("masks");
            lines.push(format!(
                "  {} ({}): {} {said}",
                stale.id, stale.source, stale.reviewer
            ));
        }
        if self.stale_decisions.len() > LISTED {
            let more = human::count(self.stale_decisions.len() - LISTED);
            lines.push(format!("  … and {more} more; the manifest names them all"));
        }
    }

    fn tell_dropped(&self, lines: &mut Vec<String>) {
        if self.dropped == 0 {
            return;
        }
        lines.push(format!("dropped {}:", human::count(self.dropped)));
        for gone in self.reasons.iter().take(LISTED) {
            let (count, stage) = (human::count(gone.records), gone.stage.name());
            lines.push(format!("  {count:>7}  {stage}: {}", gone.reason));
        }
        if self.reasons.len() > LISTED {
            let more = self.reasons.len() - LISTED;
            lines.push(format!(
                "  … and {more} more reasons; the manifest names them all"
            ));
        }
    }
}
