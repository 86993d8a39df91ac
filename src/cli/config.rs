//! `hgview config`: where the settings are, what they say, and a first file.

use std::fs;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::io::Write as _;

use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::ConfigArgs;
use crate::cli::args::ConfigCommand;
use crate::config;
use crate::config::Paths;
use crate::config::Problem;
use crate::config::QueueSetting;
use crate::config::Settings;
use crate::error::Error;
use crate::error::Result;
use crate::select::Selector;
use crate::text;
use crate::theme::Depth;
use crate::theme::Theme;
use crate::ui::keymap::Keymap;

/// Does what was asked.
pub(super) fn run(args: &ConfigArgs, output: &mut Output<'_>) -> Result<Verdict> {
    let paths = Paths::of_environment();
    match args.command {
        ConfigCommand::Path => {
            demand_place(&paths)?;
            writeln!(output.out, "{}", paths.settings_file().display())?;
            Ok(Verdict::Yes)
        }
        ConfigCommand::Show => show(&paths, output),
        ConfigCommand::Init => init(&paths, output),
    }
}

/// Refuses where settings have no place.
fn demand_place(paths: &Paths) -> Result<()> {
    if paths.has_config() {
        return Ok(());
    }
    Err(Error::user("there is no home folder for settings")
        .hint("HGVIEW_CONFIG_DIR can name a folder, with its whole path"))
}

/// Prints the file, or the defaults. Exit 1 when something in it is wrong.
fn show(paths: &Paths, output: &mut Output<'_>) -> Result<Verdict> {
    demand_place(paths)?;
    let file = paths.settings_file();
    match fs::read(&file) {
        Ok(bytes) => {
            let shown = String::from_utf8_lossy(&bytes);
            write!(output.out, "{}", text::clean(&shown))?;
        }
        Err(err) if err.kind() == ErrorKind::NotFound => {
            writeln!(
                output.out,
                "# There is no {}; these are the defaults.\n",
                file.display()
            )?;
            write!(output.out, "{}", config::default_toml())?;
        }
        Err(err) => {
            return Err(Error::input(format!("cannot read {}", file.display())).caused_by(err));
        }
    }
    let (settings, mut problems) = config::load(paths);
    problems.extend(theme_problem(&settings, paths));
    problems.extend(query_problems(&settings, paths));
    let (_, key_problems) = Keymap::new(&settings.keys);
    problems.extend(key_problems);
    problems.sort_by_key(|problem| problem.line);
    for problem in &problems {
        writeln!(output.err, "hgview: {}", text::clean(&problem.to_string()))?;
    }
    Ok(if problems.is_empty() {
        Verdict::Yes
    } else {
        Verdict::No
    })
}

/// What is wrong with the theme that the settings name, if anything.
pub(super) fn theme_problem(settings: &Settings, paths: &Paths) -> Option<Problem> {
    let name = settings.theme.as_deref()?;
    let error = Theme::load(name, Depth::Mono, &paths.themes()).err()?;
    Some(Problem {
        file: paths.settings_file(),
        line: settings.theme_line,
        what: format!("{error}; the default is used"),
    })
}

/// What is wrong with the queries of the settings' queues.
pub(super) fn query_problems(settings: &Settings, paths: &Paths) -> Vec<Problem> {
    let problem = |queue: &QueueSetting| {
        let query = queue.query.as_deref()?;
        let error = Selector::parse(query).err()?;
        let (name, column) = (&queue.name, error.column(query));
        Some(Problem {
            file: paths.settings_file(),
            line: Some(queue.query_line),
            what: format!(
                "queue `{name}`: `where`, column {column}: {error}; the queue is left out"
            ),
        })
    };
    settings.queues.iter().filter_map(problem).collect()
}

fn init(paths: &Paths, output: &mut Output<'_>) -> Result<Verdict> {
    demand_place(paths)?;
    let file = paths.settings_file();
    let cannot = |err: std::io::Error| {
        if err.kind() == ErrorKind::AlreadyExists {
            Error::user(format!("{} is there already", file.display()))
                .hint("`hgview config show` prints it; remove it first to start anew")
        } else {
            Error::input(format!("cannot make {}", file.display())).caused_by(err)
        }
    };
    fs::create_dir_all(&paths.config).map_err(cannot)?;
    let mut made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&file)
        .map_err(cannot)?;
    made.write_all(config::default_toml().as_bytes())
        .map_err(cannot)?;
    writeln!(output.out, "{}", file.display())?;
    Ok(Verdict::Yes)
}
