//! `hgview verify --shard` and `hgview verify merge`: a share of the records for one machine of many, and all of them as one.
//!
//! A line of a share holds the row that `verify --json` prints, but for the flag that only all records together tell: that
//! another attempt of the task ends in the same patch. It holds what that goes by instead, and `merge` adds the flag.

use std::collections::HashMap;
use std::io::Write;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::MergeArgs;
use crate::cli::args::SharedArgs;
use crate::cli::args::VerifyArgs;
use crate::cli::args::VerifyMode;
use crate::cli::chosen_flags;
use crate::cli::merge;
use crate::cli::records;
use crate::cli::verify::AskedFilter;
use crate::cli::verify::Row;
use crate::cli::verify::VerifyRow;
use crate::cli::verify::rules;
use crate::cli::verify::tally::Tally;
use crate::error::Error;
use crate::error::Result;
use crate::model::ContentHash;
use crate::model::FlagKind;
use crate::model::TaskKind;
use crate::model::Verdict as FilterVerdict;
use crate::shard;
use crate::shard::Found;
use crate::shard::Head;
use crate::shard::Kind;
use crate::shard::Shard;
use crate::shard::Writer;
use crate::store::Store;
use crate::text::human;
use crate::verify::check::Checked;
use crate::verify::flags;

/// The shares of `verify`.
const SHARES: Kind = Kind {
    stem: "verify",
    command: "verify",
};

/// What was asked for when a share was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(in crate::cli) struct VerifyAsked {
    /// The version of hgview.
    version: String,
    /// Which rules: published, strict, both.
    mode: String,
    /// The filter of `--filter`.
    filter: Option<String>,
    /// The query of `--where`.
    query: Option<String>,
    /// The file of tasks.
    tasks: Option<String>,
    /// The flags that are looked for.
    flags: Vec<FlagKind>,
    /// Whether those of behaviour were.
    behaviour: bool,
    /// Whether test programs are told.
    show_test: bool,
}

/// A line of a share of `hgview verify`.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct VerifyLine {
    /// The record's place among all inputs, from 1.
    nth: u64,
    /// The same for attempts of one task that end in the same patch; null without a task or a patch.
    twin: Option<ContentHash>,
    /// As `hgview verify --json` prints it, without the flag `same_patch`.
    row: VerifyRow,
}

/// A line of a share as it is read; parts that are handed on stay as they are.
#[derive(Deserialize)]
struct Line<'a> {
    twin: Option<ContentHash>,
    #[serde(borrow)]
    row: RawRow<'a>,
}

/// The fields of [`VerifyRow`] in their order.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RawRow<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    record: &'a RawValue,
    #[serde(borrow)]
    task: &'a RawValue,
    attempt: Option<u64>,
    task_type: Option<TaskKind>,
    #[serde(borrow)]
    published: &'a RawValue,
    #[serde(borrow)]
    strict: &'a RawValue,
    resolved: Option<bool>,
    #[serde(borrow)]
    reward: &'a RawValue,
    #[serde(borrow)]
    label_source: &'a RawValue,
    #[serde(borrow)]
    filter: &'a RawValue,
    #[serde(borrow)]
    flags: Vec<&'a RawValue>,
    #[serde(borrow)]
    fault: &'a RawValue,
}

/// What the closing tables need of a judgement.
#[derive(Deserialize)]
struct Told {
    verdict: FilterVerdict,
}

/// Writes a share of the rows.
pub(super) struct Share<'a> {
    writer: Writer,
    store: &'a Store,
    args: &'a VerifyArgs,
    asked: Option<&'a AskedFilter>,
    lines: usize,
    has_fault: bool,
}

impl<'a> Share<'a> {
    /// Begins the share that was asked for, or goes on with it.
    pub(super) fn open(
        args: &'a VerifyArgs,
        shared: &SharedArgs,
        store: &'a Store,
        asked: Option<&'a AskedFilter>,
    ) -> Result<Option<Self>> {
        let (Some(nth), Some(folder)) = (args.share.shard, &args.share.out) else {
            return Ok(None);
        };
        let chosen = chosen_flags();
        let told = VerifyAsked {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            mode: word(args.mode).to_owned(),
            filter: asked.map(|asked| asked.name.clone()),
            query: shared.query.clone(),
            tasks: args.tasks.as_ref().map(|path| path.display().to_string()),
            flags: FlagKind::ALL
                .into_iter()
                .filter(|kind| chosen.has(*kind))
                .collect(),
            behaviour: args.flags,
            show_test: args.show_test,
        };
        let head = Head::new(SHARES, nth, merge::extent(store), told);
        Ok(Some(Self {
            writer: Writer::open(folder, SHARES, &head)?,
            store,
            args,
            asked,
            lines: 0,
            has_fault: false,
        }))
    }

    /// Whether a record has its line.
    pub(super) fn is_done(&self, row: usize) -> bool {
        self.writer.is_done(row + 1)
    }

    /// Adds rows.
    pub(super) fn add(&mut self, rows: Vec<Row>) -> Result<()> {
        let chosen = chosen_flags();
        for mut row in rows {
            let mut twin = None;
            match &mut row.checked {
                Ok(checked) => {
                    checked.flags.retain(|flag| chosen.has(flag.flag));
                    twin = twin_of(checked).filter(|_| chosen.has(FlagKind::SamePatch));
                }
                Err(_) => self.has_fault = true,
            }
            let line = VerifyLine {
                nth: row.ix.0 as u64 + 1,
                twin,
                row: VerifyRow::new(self.store, row, rules(self.args.mode), self.asked),
            };
            self.writer.put(&records::to_json(&line)?);
            self.lines += 1;
        }
        self.writer.flush()
    }

    /// Gives the share its name. *No* when a record could not be read.
    pub(super) fn complete(self, output: &mut Output<'_>) -> Result<Verdict> {
        let path = self.writer.complete()?;
        let rows = human::plural(self.lines, "record");
        writeln!(output.err, "hgview: {rows} checked: {}", path.display())?;
        Ok(if self.has_fault {
            Verdict::No
        } else {
            Verdict::Yes
        })
    }
}

/// The word of a mode.
fn word(mode: VerifyMode) -> &'static str {
    match mode {
        VerifyMode::Published => "published",
        VerifyMode::Strict => "strict",
        VerifyMode::Both => "both",
    }
}

fn mode(word: &str) -> VerifyMode {
    match word {
        "published" => VerifyMode::Published,
        "strict" => VerifyMode::Strict,
        _ => VerifyMode::Both,
    }
}

fn twin_of(checked: &Checked) -> Option<ContentHash> {
    let (task, patch) = (checked.task_id.as_ref()?, checked.patch_hash?);
    Some(ContentHash::of(format!("{patch}\0{task}.").as_bytes()))
}

/// Merges the shares of a folder: the lines that `verify --json` prints of all records. *No* when a record could not be
/// read, and when shares are missing and that is allowed.
pub(super) fn run(args: &MergeArgs, output: &mut Output<'_>) -> Result<Verdict> {
    let found = shard::find(SHARES, std::slice::from_ref(&args.dir), args.allow_partial)?;
    let (mut twins, mut tally, mut has_fault) = (HashMap::new(), Tally::default(), false);
    // all of it is looked at before anything is written
    let read = shard::read::<VerifyAsked>(SHARES, &found, &mut |line| {
        let line: Line<'_> = parse(line)?;
        if let Some(twin) = line.twin {
            *twins.entry(twin).or_insert(0_usize) += 1;
        }
        if line.row.fault.get() == "null" {
            count(&line.row, &mut tally)?;
        } else {
            has_fault = true;
        }
        Ok(())
    })?;
    merge::to_target(args, output, |out| write(&found, &twins, out))?;
    tally.print(
        rules(mode(&read.asked.mode)),
        read.asked.filter.as_deref(),
        output.err,
    )?;
    let verdict = merge::tell(&found, read.lines, "records", output)?;
    Ok(if has_fault { Verdict::No } else { verdict })
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|err| format!("no line of `verify --shard`: {err}"))
}

fn count(row: &RawRow<'_>, tally: &mut Tally) -> Result<(), String> {
    let verdict = |told: &RawValue| -> Result<Option<FilterVerdict>, String> {
        let told: Option<Told> = parse(told.get().as_bytes())?;
        Ok(told.map(|told| told.verdict))
    };
    let both = [verdict(row.published)?, verdict(row.strict)?];
    tally.count(
        row.task_type.unwrap_or_default(),
        both.map(Option::unwrap_or_default),
        row.resolved,
        verdict(row.filter)?,
    );
    Ok(())
}

/// Writes the rows of all shares, with the flags that only all of them tell.
fn write(found: &Found, twins: &HashMap<ContentHash, usize>, out: &mut dyn Write) -> Result<()> {
    let mut trouble: Option<Error> = None;
    let mut one = |bytes: &[u8]| -> Result<(), String> {
        let mut line: Line<'_> = parse(bytes)?;
        let others = line.twin.and_then(|twin| twins.get(&twin));
        let others = others.map_or(0, |all| all.saturating_sub(1));
        let flag = (others > 0).then(|| records::to_json(&flags::same_patch(others)));
        let flag = flag.transpose().map_err(|err| err.to_string())?;
        let flag = flag.map(RawValue::from_string).transpose();
        let flag = flag.map_err(|err| err.to_string())?;
        line.row.flags.extend(flag.as_deref());
        let row = records::to_json(&line.row).map_err(|err| err.to_string())?;
        if let Err(err) = writeln!(out, "{row}") {
            trouble = Some(err.into());
            return Err("cannot be written".to_owned());
        }
        Ok(())
    };
    let read = shard::read::<VerifyAsked>(SHARES, found, &mut one);
    match trouble {
        Some(trouble) => Err(trouble),
        None => read.map(drop),
    }
}

/// The first line of a share of `hgview verify`.
pub(in crate::cli) type VerifyHead = Head<VerifyAsked>;

/// The records of the share that was asked for, of so many: all without one.
pub(in crate::cli) fn range(shard: Option<Shard>, len: usize) -> std::ops::Range<usize> {
    shard.unwrap_or(Shard::WHOLE).range(len)
}
