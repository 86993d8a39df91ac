//! The command line: arguments, one file per subcommand, and the one place where messages and exit codes are made.
//!
//! Commands get what was typed and writers; they know neither the process's streams nor its exit. Exit codes: 0 done
//! (and every record could be read), 1 done, but some records could not be read, 2 error. A reader of our output that
//! goes away ends a command quietly.

mod agree;
mod args;
mod compare;
mod completions;
mod config;
mod endpoint;
mod explore;
mod export;
mod list;
mod man;
mod mark;
mod merge;
mod pick;
mod programs;
mod query;
mod records;
mod replay;
mod review;
mod rollout;
mod rows;
mod sandbox;
mod schema;
mod search;
mod selection;
mod show;
mod signals;
mod stats;
mod tasks;
mod terminal;
mod themes;
mod verify;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser as _;

use crate::behave::flags::Chosen;
use crate::cli::args::Cli;
use crate::cli::args::Command;
use crate::cli::terminal::Terminal;
use crate::config::Paths;
use crate::error::Error;
use crate::error::Result;

/// How a command that did not fail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Everything asked for was done.
    Yes,
    /// It was done, but some records could not be read.
    No,
}

/// The two streams of a command.
struct Output<'a> {
    /// Data.
    out: &'a mut dyn Write,
    /// Messages.
    err: &'a mut dyn Write,
    /// What is known of the terminal.
    terminal: Terminal,
}

/// Runs hgview with the program's name and its arguments. Flushes what it writes.
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> ExitCode {
    // usage lines name the program, whatever its file is called
    let args = std::iter::once(OsString::from("hgview")).chain(args.into_iter().skip(1));
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(problem) => return usage(&problem, out, err),
    };
    let terminal = Terminal::of_process(cli.shared.color);
    let mut output = Output { out, err, terminal };
    let done = dispatch(cli, &mut output).and_then(|verdict| {
        output.out.flush()?;
        Ok(verdict)
    });
    match done {
        Ok(Verdict::Yes) => ExitCode::SUCCESS,
        Ok(Verdict::No) => ExitCode::from(1),
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error, output.err);
            ExitCode::from(2)
        }
    }
}

fn dispatch(cli: Cli, output: &mut Output<'_>) -> Result<Verdict> {
    let shared = cli.shared;
    match cli.command {
        None => explore::run(cli.explore, &shared, output),
        Some(Command::List(args)) => list::run(&args, &shared, output),
        Some(Command::Show(args)) => show::run(&args, &shared, output),
        Some(Command::Search(args)) => search::run(&args, &shared, output),
        Some(Command::Mark(args)) => mark::run(&args, &shared, output),
        Some(Command::Agree(args)) => agree::run(&args, &shared, output),
        Some(Command::Compare(args)) => compare::run(&args, &shared, output),
        Some(Command::Export(args)) => export::run(&args, &shared, output),
        Some(Command::Verify(args)) => verify::run(&args, &shared, output),
        Some(Command::Replay(args)) => replay::run(&args, &shared, output),
        Some(Command::Rollout(args)) => rollout::run(&args, &shared, output),
        Some(Command::Query(args)) => query::run(&args, &shared, output),
        Some(Command::Stats(args)) => stats::run(&args, &shared, output),
        Some(Command::Tasks(args)) => tasks::run(&args, &shared, output),
        Some(Command::Sandbox(args)) => sandbox::run(&args, output),
        Some(Command::Schema(args)) => schema::run(&args, output),
        Some(Command::Themes(args)) => themes::run(&args, output),
        Some(Command::Config(args)) => config::run(&args, output),
        Some(Command::Completions(args)) => completions::run(&args, output),
        Some(Command::Man) => man::run(output),
    }
}

/// The flags that the settings ask for. What is wrong with the settings is told by the commands that are about them.
fn chosen_flags() -> Chosen {
    let (settings, _problems) = crate::config::load(&Paths::of_environment());
    Chosen::new(&settings.flags)
}

/// Prints help, version or what is wrong with the arguments.
fn usage(problem: &clap::Error, out: &mut dyn Write, err: &mut dyn Write) -> ExitCode {
    let terminal = Terminal::of_process(args::When::Auto);
    let is_colored = if problem.use_stderr() {
        terminal.stderr_color
    } else {
        terminal.color
    };
    let text = if is_colored {
        problem.render().ansi().to_string()
    } else {
        problem.render().to_string()
    };
    // A failure to print a message has nobody to be told to.
    if problem.use_stderr() {
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        drop(write!(err, "hgview: {text}"));
        ExitCode::from(2)
    } else {
        drop(write!(out, "{text}").and_then(|()| out.flush()));
        ExitCode::SUCCESS
    }
}

/// Says what went wrong, and what to try.
fn complain(error: &Error, err: &mut dyn Write) {
    let text = error.to_string();
    // The words may quote an input; a terminal must not obey it.
    drop(writeln!(err, "hgview: {}", crate::text::clean(&text)));
    for hint in error.hints() {
        drop(writeln!(err, "hint: {}", crate::text::clean(hint)));
    }
}
