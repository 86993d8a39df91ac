//! `hgview PATH…`: the explorer. Refuses before the screen is touched when it could not work.

use std::path::Path;
use std::path::PathBuf;

use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::Cli;
use crate::cli::args::ExploreArgs;
use crate::cli::args::RepoArgs;
use crate::cli::args::SharedArgs;
use crate::cli::args::When;
use crate::cli::config::query_problems;
use crate::cli::config::theme_problem;
use crate::cli::records;
use crate::cli::replay;
use crate::cli::review;
use crate::cli::selection;
use crate::cli::show::repositories;
use crate::cli::terminal;
use crate::config;
use crate::config::ColorChoice;
use crate::config::Paths;
use crate::error::Error;
use crate::error::Result;
use crate::query::distance;
use crate::replay::Options;
use crate::review::queue::Queue;
use crate::store::Store;
use crate::ui;
use crate::ui::First;
use crate::ui::RunOptions;
use crate::ui::data::desk::DeskOptions;
use crate::ui::tasks::Journal;
use crate::verify::replays::Replays;

/// Opens the explorer.
pub(super) fn run(
    args: ExploreArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    let filter = selection::selector(shared)?;
    let paths = Paths::of_environment();
    let (mut settings, mut problems) = config::load(&paths);
    // a theme that was typed and is none is an error; a line of the settings is not worth refusing to start
    if let Some(theme) = args.theme {
        settings.theme = Some(theme);
    } else if let Some(problem) = theme_problem(&settings, &paths) {
        settings.theme = None;
        problems.push(problem);
    }
    for problem in query_problems(&settings, &paths) {
        settings
            .queues
            .retain(|queue| Some(queue.query_line) != problem.line);
        problems.push(problem);
    }
    settings.follow |= args.follow;
    settings.mouse &= !args.no_mouse;
    settings.low_bandwidth |= args.low_bandwidth;
    match shared.color {
        When::Never => settings.colors = ColorChoice::Never,
        When::Always if settings.colors == ColorChoice::Never => {
            settings.colors = ColorChoice::Auto;
        }
        When::Auto | When::Always => {}
    }
    if args.paths.is_empty() {
        return Err(Error::user("nothing to open")
            .hint("name a file or folder: `hgview output.jsonl`")
            .hint("`hgview --help` has examples"));
    }
    let mut options = records::open_options(&args.paths, shared, &settings);
    options.waits = args.follow;
    options.lists_tasks = true;
    settings.cache_mb = options.cache_bytes >> 20;
    settings.max_memory = options.max_memory;
    let store = Store::open(&options).map_err(|error| mistyped(&args.paths, error))?;
    check_terminal(output)?;
    let repositories = repositories(&RepoArgs {
        repo: args.repos.repo.or(settings.repo.clone().map(PathBuf::from)),
        repos: args
            .repos
            .repos
            .or(settings.repos.clone().map(PathBuf::from)),
    })?;
    let stage = replay::stage(&args.stage, repositories.clone(), Options::default())?;
    let replays = Replays::new(stage);
    let reviewer = review::reviewer(shared, &settings)?;
    let desk = DeskOptions {
        reviewer: reviewer.to_string(),
        reasons: settings.review.reasons.clone(),
        is_blind: settings.review.blind,
        queues: settings.queues.iter().map(Queue::of_setting).collect(),
    };
    let journal = Journal::new(
        args.paths.clone(),
        shared.review_dir.clone(),
        paths.data.clone(),
        reviewer.to_string(),
    );
    let by_place = |nth: u64| First::Nth(usize::try_from(nth).unwrap_or(usize::MAX));
    let first = args.id.map(First::Id).or(args.nth.map(by_place));
    let names = args.paths.iter().map(|path| path.display().to_string());
    let names: Vec<String> = names.collect();
    ui::run(RunOptions {
        store,
        title: names.join(" "),
        settings,
        problems,
        paths,
        first_step: args.step,
        first,
        filter,
        desk,
        journal,
        repositories,
        replays,
    })?;
    Ok(Verdict::Yes)
}

/// Whether there is a terminal that a screen can be drawn on.
///
/// # Errors
/// *user* when there is none.
fn check_terminal(output: &Output<'_>) -> Result<()> {
    let what = if !output.terminal.stdout {
        "standard output is no terminal"
    } else if terminal::is_dumb() {
        "this terminal cannot move its cursor (TERM=dumb)"
    } else {
        return Ok(());
    };
    Err(Error::user(what).hint("`hgview list` prints a table, `hgview show` prints a trajectory"))
}

/// Adds the command that was probably meant when the first path is none.
fn mistyped(paths: &[std::path::PathBuf], error: Error) -> Error {
    use clap::CommandFactory as _;
    let Some(word) = paths.first().and_then(|path| path.to_str()) else {
        return error;
    };
    if Path::new(word).exists() {
        return error;
    }
    let command = Cli::command();
    let meant = command
        .get_subcommands()
        .map(clap::Command::get_name)
        .map(|name| (distance(word, name), name))
        .filter(|(distance, name)| *distance <= name.len() / 3)
        .min();
    match meant {
        Some((_, name)) => error.hint(format!("did you mean the command `hgview {name}`?")),
        None => error,
    }
}
