//! `hgview stats --partial` and `hgview stats merge`: what one machine of many counted, and all of it together.

use std::path::Path;
use std::path::PathBuf;

use crate::behave::flags::Chosen;
use crate::cancel::Cancel;
use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::SharedArgs;
use crate::cli::args::StatsArgs;
use crate::cli::args::StatsMergeArgs;
use crate::cli::merge;
use crate::cli::records;
use crate::cli::records::Progress;
use crate::cli::stats::About;
use crate::cli::stats::grouping;
use crate::cli::stats::print;
use crate::cli::stats::sections;
use crate::error::Error;
use crate::error::Result;
use crate::model::ContentHash;
use crate::model::FlagKind;
use crate::model::RecordIx;
use crate::review::Place;
use crate::shard;
use crate::shard::Found;
use crate::shard::Head;
use crate::shard::Shard;
use crate::shard::Writer;
use crate::stats;
use crate::stats::PartialAsked;
use crate::stats::PartialLine;
use crate::stats::SHARES;
use crate::stats::Sources;
use crate::stats::Stats;
use crate::text::human;

/// What was asked for, as the head of the share says it.
pub(super) fn asked(
    args: &StatsArgs,
    shared: &SharedArgs,
    place: &Place,
    flags: &Chosen,
) -> Result<PartialAsked> {
    let name = |path: &PathBuf| path.display().to_string();
    Ok(PartialAsked {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        paths: args.paths.iter().map(name).collect(),
        query: shared.query.clone(),
        policy: args.policy.clone(),
        filter: args.filter.clone(),
        tasks: args.tasks.as_ref().map(name),
        decisions: decisions(place)?,
        flags_off: FlagKind::ALL
            .into_iter()
            .filter(|kind| !flags.has(*kind))
            .collect(),
    })
}

/// The hash of all journals; `None` without any.
fn decisions(place: &Place) -> Result<Option<ContentHash>> {
    let mut parts = Vec::new();
    for path in place.journals() {
        let bytes = std::fs::read(&path).map_err(|err| {
            Error::input(format!("{} cannot be read", path.display())).caused_by(err)
        })?;
        parts.push(bytes);
    }
    let parts = parts.iter().map(Vec::as_slice);
    Ok((parts.len() > 0).then(|| ContentHash::of_parts(parts)))
}

/// Writes the share of these records. *No* when one could not be read.
pub(super) fn write(
    (shard, folder, asked): (Shard, &Path, PartialAsked),
    sources: &Sources<'_>,
    records: &[RecordIx],
    cancel: &Cancel,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    let head = Head::new(SHARES, shard, merge::extent(sources.store), asked);
    let mut writer = Writer::open(folder, SHARES, &head)?;
    let mut rest = records.to_vec();
    rest.retain(|ix| !writer.is_done(ix.0 + 1));
    let (mut done, mut faults) = (0, 0);
    let mut progress = Progress::new(output);
    stats::examine_each(sources, &rest, cancel, &mut |found| {
        for (ix, facts) in found {
            let line = PartialLine::new(ix.0 + 1, facts.as_ref().ok());
            writer.put(&records::to_json(&line)?);
            done += 1;
            faults += usize::from(facts.is_err());
        }
        progress.say(|| records::bar(done, rest.len(), "records read"));
        writer.flush()
    })?;
    progress.clear();
    let path = writer.complete()?;
    let read = human::plural(done, "record");
    writeln!(output.err, "hgview: {read} read: {}", path.display())?;
    Ok(if faults > 0 {
        Verdict::No
    } else {
        Verdict::Yes
    })
}

/// Says of the records of all shares what `stats` says. *No* when a record could not be read or shares are missing.
pub(super) fn run(args: &StatsMergeArgs, output: &mut Output<'_>) -> Result<Verdict> {
    let form = &args.form;
    let by = grouping(form)?;
    let kinds = sections(form)?;
    let found = shard::find(SHARES, &args.paths, args.allow_partial)?;
    if let Some(path) = &form.html {
        check_target(path, &found)?;
    }
    let (collected, read) = stats::gather(&found)?;
    let told = Stats::of(&collected, &by);
    let about = About {
        paths: &read.asked.paths,
        query: read.asked.query.as_deref(),
        policy: &read.asked.policy,
        filter: &read.asked.filter,
    };
    print(form, &about, &told, &kinds, output)?;
    output.out.flush()?;
    let verdict = merge::tell(&found, read.lines, "records", output)?;
    Ok(if collected.faults > 0 {
        Verdict::No
    } else {
        verdict
    })
}

/// Refuses to write over a share.
fn check_target(path: &Path, found: &Found) -> Result<()> {
    let target = path.canonicalize().ok();
    let is_it = |share: &PathBuf| target.is_some() && share.canonicalize().ok() == target;
    if found.files.iter().any(is_it) {
        let what = format!(
            "{} is one of the shares; it is not written over",
            path.display()
        );
        return Err(Error::user(what));
    }
    Ok(())
}
