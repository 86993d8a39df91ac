//! `hgview export`: the curated set, its manifest, and a report.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use crate::cancel::Cancel;
use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::ExportArgs;
use crate::cli::args::SharedArgs;
use crate::cli::programs::programs;
use crate::cli::records;
use crate::cli::records::Progress;
use crate::cli::review;
use crate::cli::selection;
use crate::cli::selection::Selection;
use crate::cli::show::repositories;
use crate::cli::signals::Interrupts;
use crate::config::Paths;
use crate::error::Error;
use crate::error::Result;
use crate::export;
use crate::export::Asked;
use crate::export::Automatic;
use crate::export::Curation;
use crate::export::Early;
use crate::export::Jury;
use crate::export::Options;
use crate::export::Parted;
use crate::export::PartitionBy;
use crate::export::Prefer;
use crate::export::Report;
use crate::export::Selected;
use crate::export::SplitBy;
use crate::export::SplitPart;
use crate::export::Stage;
use crate::export::Target;
use crate::review::Policy;
use crate::select::Sources;
use crate::text;
use crate::text::human;
use crate::verify::cache::Cache;
use crate::verify::program::RunProgram;

/// Exports what was asked for.
pub(super) fn run(
    args: &ExportArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    let mut options = options(args)?;
    let is_stream = options.target == Target::Stdout && !options.dry_run;
    if is_stream && args.json {
        return Err(Error::user("--json and -o - both want standard output")
            .hint("--manifest FILE keeps the account of an export to standard output"));
    }
    let asked = Asked::parse(args.filter.as_deref())?;
    let selector = selection::selector(shared)?;
    let with: Vec<PathBuf> = args.tasks.iter().cloned().collect();
    let repositories = repositories(&args.repos)?;
    let store = records::open_store(&args.paths, &with, shared, output)?;
    let has_manifest = options.manifest.is_some() || options.target != Target::Stdout;
    if has_manifest && !options.dry_run {
        options.early = Some(Arc::new(Early::begin(&args.paths, &store)));
    }
    records::scan_store(&args.paths, &store, output)?;
    let place = review::place_of(&args.paths, &store, shared)?;
    let ledger = review::ledger(&place, output)?;
    let programs = programs(args.allow_run);
    let program = Some(&programs as &dyn RunProgram);
    let cache = Cache::open(&Paths::of_environment().cache.join("verify"));
    let cancel = Cancel::new();
    let interrupts = Interrupts::watch(&cancel)?;
    let automatic = Automatic::new(asked, &store, program, Some(&cache), &cancel);
    let automatic = automatic.with_repositories(&repositories);
    let selection = selector.map(|selector| Selection::new(selector, shared));
    let selection = selection.transpose()?;
    let people = selection
        .as_ref()
        .map(|selection| selection.people(&ledger, &place));
    let selected = selection.as_ref().map(|selection| Selected {
        selector: selection.selector(),
        sources: Sources {
            store: &store,
            people: people.as_ref(),
            cache: Some(&cache),
            program,
        },
        cancel: cancel.clone(),
    });
    let jury = Jury {
        selected,
        policy: Policy::from_name(&args.policy).unwrap_or_default(),
        filter: Some(&automatic),
        ledger: Some(&ledger),
        place: Some(&place),
        journals: place.journals(),
    };
    let done = {
        let mut messages = Output {
            out: &mut std::io::sink(),
            err: &mut *output.err,
            terminal: output.terminal,
        };
        let mut progress = Progress::new(&mut messages);
        let done = export::run(&store, &jury, &options, output.out, &cancel, &mut |at| {
            progress.say(|| {
                let (done, total) = (human::count(at.done), human::count(at.total));
                format!("exported {done} of {total} records")
            });
        });
        progress.clear();
        done
    };
    if done.is_err() {
        // the temporary files are gone by now
        interrupts.obey();
    }
    let report = done?;
    records::warn_unmatched(&store, args.tasks.as_deref(), output)?;
    if args.json {
        writeln!(output.out, "{}", records::to_json(&report)?)?;
    }
    tell(&report, output.err)?;
    let is_whole = report
        .reasons
        .iter()
        .all(|gone| !matches!(gone.stage, Stage::Read | Stage::Format | Stage::Masks));
    Ok(if is_whole { Verdict::Yes } else { Verdict::No })
}

fn options(args: &ExportArgs) -> Result<Options> {
    let splits = match &args.split {
        Some(text) => SplitPart::parse_all(text)?,
        None => Vec::new(),
    };
    let parted = (args.partition.is_some() || args.part_size.is_some()).then(|| {
        let by = args.partition.as_deref().map(PartitionBy::parse_all);
        by.transpose().map(|by| Parted {
            by: by.unwrap_or_default(),
            part_bytes: args.part_size.unwrap_or(Parted::PART_BYTES),
        })
    });
    Ok(Options {
        parted: parted.transpose()?,
        curation: Curation {
            per_task: args
                .per_task
                .map(|most| usize::try_from(most).unwrap_or(usize::MAX)),
            prefer: Prefer::from_name(&args.prefer).unwrap_or_default(),
            dedupe: args.dedupe,
            max_tokens: args.max_tokens,
            tokenizer: args.tokenizer.clone(),
            exclude_repos: args.exclude_repos.clone(),
            splits,
            split_by: SplitBy::from_name(&args.split_by).unwrap_or_default(),
            sample: args.sample,
            seed: args.seed,
        },
        with_ids: args.with_ids,
        ignore_masks: args.ignore_masks,
        tool_prompt: args.tool_prompt.clone(),
        chat_template: args.chat_template.clone(),
        force: args.force,
        dry_run: args.dry_run,
        manifest: args.manifest.clone(),
        ..Options::new(
            Options::parse_format(&args.format)?,
            Target::parse(&args.out),
        )
    })
}

/// The report for people. Everything in it may quote an input.
fn tell(report: &Report, err: &mut dyn Write) -> Result<()> {
    for line in report.words() {
        writeln!(err, "{}", text::clean(&line))?;
    }
    Ok(())
}
