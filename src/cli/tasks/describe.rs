//! Who writes the descriptions of `hgview tasks build`, and what became of the questions to a model.

use std::fs;
use std::path::PathBuf;

use crate::cli::Output;
use crate::cli::args::TasksBuildArgs;
use crate::cli::endpoint;
use crate::error::Error;
use crate::error::Result;
use crate::tasks::describe::Describe;
use crate::tasks::describe::endpoint::Endpoint;
use crate::tasks::describe::endpoint::Options;
use crate::tasks::describe::file::Met;
use crate::tasks::describe::file::Written;
use crate::tasks::describe::rules::Rules;
use crate::text;
use crate::text::human;

/// Definitions that are described at once where a model does it and nothing else was asked for.
pub(super) const AT_ONCE: u16 = 8;

/// Who writes.
pub(super) enum Author {
    /// Rules.
    Rules,
    /// Somebody who did.
    Written(Box<Written>),
    /// A model.
    Model(Box<Endpoint>),
}

impl Author {
    /// The one that the arguments name.
    ///
    /// # Errors
    /// *user* and *input* when the endpoint, the template or a file cannot be used.
    pub(super) fn new(args: &TasksBuildArgs, repositories: usize) -> Result<Self> {
        if !args.descriptions.is_empty() {
            let written = Written::load(&args.descriptions, repositories > 1)?;
            return Ok(Self::Written(Box::new(written)));
        }
        let Some(chat) = endpoint::endpoint(&args.endpoint)? else {
            return Ok(Self::Rules);
        };
        let options = Options {
            model: chat.settings().model.clone(),
            template: template(args)?,
            answers: Some(answers(args)),
            budget: endpoint::budget(&args.endpoint),
            prices: chat.settings().prices,
        };
        Ok(Self::Model(Box::new(Endpoint::new(chat, options)?)))
    }

    /// It.
    pub(super) fn describe(&self) -> &dyn Describe {
        match self {
            Self::Rules => &Rules,
            Self::Written(written) => written.as_ref(),
            Self::Model(endpoint) => endpoint.as_ref(),
        }
    }

    /// What was asked of a model, or which descriptions fit nothing, for people. Whether the model failed.
    pub(super) fn tell(&self, output: &mut Output<'_>) -> Result<bool> {
        if let Self::Written(written) = self {
            tell_met(written.met(), output)?;
        }
        let Self::Model(endpoint) = self else {
            return Ok(false);
        };
        let report = endpoint.report();
        for note in &report.notes {
            writeln!(output.err, "hgview: {}", text::clean_line(note))?;
        }
        let spent = report.spent;
        let cost = spent.cost.map(human::dollars);
        let cost = cost.map_or(String::new(), |cost| format!(", {cost}"));
        writeln!(
            output.err,
            "{}: {} asked for and {} known; {} tokens read and {} written{cost}",
            text::clean_line(endpoint.model()),
            human::plural(number(report.asked), "answer"),
            human::count(number(report.known)),
            human::short_count(spent.prompt_tokens),
            human::short_count(spent.completion_tokens),
        )?;
        if let Some(why) = &report.ended {
            let why = text::clean_line(why);
            writeln!(output.err, "hgview: nothing more was asked for: {why}")?;
        }
        Ok(report.has_failed)
    }
}

/// The descriptions that were of no use.
fn tell_met(met: Met, output: &mut Output<'_>) -> Result<()> {
    let all = human::count(met.all);
    if met.none > 0 {
        let none = human::count(met.none);
        let what = "fit no function or class that can be a target";
        writeln!(output.err, "hgview: {none} of {all} descriptions {what}")?;
    }
    if met.several > 0 {
        let several = human::count(met.several);
        let what = "may mean several functions or classes and were left out: their lines lack `repo`, `file_path`, \
            `Class.method` as the name, or `module_line_start`";
        writeln!(output.err, "hgview: {several} of {all} descriptions {what}")?;
    }
    Ok(())
}

/// What descriptions depend on, in any form.
///
/// # Errors
/// *input* when a file cannot be read.
pub(super) fn asked(args: &TasksBuildArgs) -> Result<String> {
    if !args.descriptions.is_empty() {
        let mut all = blake3::Hasher::new();
        for path in &args.descriptions {
            let bytes = fs::read(path).map_err(|err| {
                Error::input(format!("{} cannot be read", path.display())).caused_by(err)
            })?;
            all.update(blake3::hash(&bytes).as_bytes());
        }
        return Ok(all.finalize().to_hex().to_string());
    }
    let Some(model) = &args.endpoint.model else {
        return Ok(String::new());
    };
    let template = template(args)?.unwrap_or_default();
    let template = blake3::hash(template.as_bytes()).to_hex();
    Ok(format!("model {model} template {template}"))
}

fn template(args: &TasksBuildArgs) -> Result<Option<String>> {
    let Some(path) = &args.description_template else {
        return Ok(None);
    };
    let text = fs::read_to_string(path)
        .map_err(|err| Error::input(format!("{} cannot be read", path.display())).caused_by(err))?;
    Ok(Some(text))
}

/// The file of answers: the one that was named, or one beside the output.
fn answers(args: &TasksBuildArgs) -> PathBuf {
    args.answers.clone().unwrap_or_else(|| {
        let mut beside = args.out.clone().into_os_string();
        beside.push(".answers.jsonl");
        PathBuf::from(beside)
    })
}

fn number(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
