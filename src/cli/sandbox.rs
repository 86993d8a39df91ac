//! `hgview sandbox`: which sandboxes work on this machine, and which of their bounds hold.

use std::path::Path;

use crate::cancel::Cancel;
use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::DoctorArgs;
use crate::cli::args::SandboxArgs;
use crate::cli::args::SandboxCommand;
use crate::cli::records::to_json_pretty;
use crate::error::Result;
use crate::sandbox::OWN_PROGRAM;
use crate::sandbox::doctor;
use crate::sandbox::doctor::TierDiagnosis;
use crate::text;

/// Does it.
pub(super) fn run(args: &SandboxArgs, output: &mut Output<'_>) -> Result<Verdict> {
    match &args.command {
        SandboxCommand::Doctor(args) => run_doctor(args, output),
    }
}

fn run_doctor(args: &DoctorArgs, output: &mut Output<'_>) -> Result<Verdict> {
    let image = args.image.as_deref();
    let err = &mut *output.err;
    let is_told = output.terminal.stderr;
    let mut progress = |next: &str| {
        if is_told {
            // a message about a message has nobody to be told to
            drop(write!(err, "\r\x1b[Ktrying {next}"));
            drop(err.flush());
        }
    };
    let told = doctor::examine(Path::new(OWN_PROGRAM), image, &Cancel::new(), &mut progress);
    if is_told {
        drop(write!(output.err, "\r\x1b[K"));
    }
    if args.json {
        writeln!(output.out, "{}", to_json_pretty(&told)?)?;
    } else {
        for tier in &told.tiers {
            print_tier(tier, output)?;
        }
    }
    Ok(if told.is_any() {
        Verdict::Yes
    } else {
        Verdict::No
    })
}

fn print_tier(tier: &TierDiagnosis, output: &mut Output<'_>) -> Result<()> {
    let out = &mut *output.out;
    match (&tier.why, tier.start_ms) {
        (None, Some(ms)) => writeln!(out, "{}: works, starts in {ms} ms", tier.tier.name())?,
        (None, None) => writeln!(out, "{}: works", tier.tier.name())?,
        (Some(why), _) => {
            let why = text::clean_line(why);
            writeln!(out, "{}: does not work: {why}", tier.tier.name())?;
        }
    }
    for remedy in &tier.remedies {
        writeln!(out, "  remedy: {}", text::clean_line(remedy))?;
    }
    for proof in &tier.bounds {
        let (bound, holding) = (proof.bound.name(), proof.holding.name());
        let why = text::clean_line(&proof.why);
        writeln!(out, "  {bound:<14} {holding:<13} {why}")?;
    }
    writeln!(out)?;
    Ok(())
}
