//! `hgview tasks materialize`: the state from which an agent begins a task, in a folder, and its prompt beside it.

use std::path::Path;
use std::path::PathBuf;

use crate::cancel::Cancel;
use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::SharedArgs;
use crate::cli::args::TasksMaterializeArgs;
use crate::cli::pick::Wanted;
use crate::cli::records;
use crate::cli::selection;
use crate::cli::show::repositories;
use crate::cli::tasks::check::task_of;
use crate::error::Error;
use crate::error::Result;
use crate::model::Task;
use crate::tasks::materialize::Form;
use crate::tasks::materialize::materialize;
use crate::tasks::prompt::Prompts;
use crate::text;

/// Where the prompt alone says that the repository lies.
const WORKSPACE: &str = "/workspace";

/// Does it.
pub(super) fn run(
    args: &TasksMaterializeArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    let prompts = match &args.template {
        Some(path) => Prompts::load(path)?,
        None => Prompts::built_in()?,
    };
    let task = find(args, shared, output)?;
    let Some(folder) = &args.output else {
        let workspace = args.workspace.as_deref().unwrap_or(WORKSPACE);
        // it goes into a file or to an agent as it is; a terminal must not obey it
        let prompt = prompts.render(&task, workspace)?;
        output.out.write_all(text::clean(&prompt).as_bytes())?;
        return Ok(Verdict::Yes);
    };
    let whole = std::path::absolute(folder)?;
    let shown = whole.display().to_string();
    let prompt = prompts.render(&task, args.workspace.as_deref().unwrap_or(&shown))?;
    let beside = prompt_path(&whole)?;
    if beside.symlink_metadata().is_ok() && !args.force {
        return Err(
            Error::user(format!("{} is there already", beside.display()))
                .hint("write over it with --force"),
        );
    }
    let (repositories, cancel) = (repositories(&args.repos)?, Cancel::new());
    let repository = repositories.open(&task, &cancel).map_err(|why| {
        Error::user(format!("the task's repository is not at hand: {why}"))
            .hint("--repo DIR or --repos DIR says where it is")
    })?;
    let form = Form {
        is_git: args.git,
        may_overwrite: args.force,
    };
    let done = materialize(&task, &repository, &whole, form, &cancel)?;
    for note in &done.notes {
        writeln!(output.err, "hgview: {}", text::clean(note))?;
    }
    std::fs::write(&beside, prompt).map_err(|err| {
        Error::input(format!("{} cannot be written", beside.display())).caused_by(err)
    })?;
    let commit = done
        .commit
        .map_or(String::new(), |commit| format!(" at commit {commit}"));
    let line = format!("{shown}{commit}\n{}\n", beside.display());
    output.out.write_all(text::clean(&line).as_bytes())?;
    Ok(Verdict::Yes)
}

/// The file beside a folder that holds its prompt.
fn prompt_path(folder: &Path) -> Result<PathBuf> {
    let name = folder.file_name().ok_or_else(|| {
        Error::user(format!(
            "{} has no name to put the prompt beside",
            folder.display()
        ))
    })?;
    let mut name = name.to_owned();
    name.push(".PROMPT.md");
    Ok(folder.with_file_name(name))
}

fn find(args: &TasksMaterializeArgs, shared: &SharedArgs, output: &mut Output<'_>) -> Result<Task> {
    let paths = std::slice::from_ref(&args.path);
    let selector = selection::selector(shared)?;
    let store = records::load_store(paths, shared, output)?;
    let among = selection::chosen(selector, paths, &store, shared, output)?;
    let wanted = Wanted {
        path: &args.path,
        id: args.id.as_deref(),
        nth: None,
        among: &among,
    };
    let ix = wanted.find(&store, output)?;
    task_of(&store, ix)
        .map_err(|fault| Error::input(fault.unread(&args.path.display().to_string())))
}
