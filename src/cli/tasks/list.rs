//! `hgview tasks list`: one row a task, as a table or as JSON lines.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::SharedArgs;
use crate::cli::args::TasksListArgs;
use crate::cli::records;
use crate::cli::rows;
use crate::cli::rows::Line;
use crate::cli::selection;
use crate::error::Result;
use crate::model::RecordIx;
use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Value;
use crate::store::Store;
use crate::text;

/// A line of `hgview tasks list --json`. Names and meanings are stable; fields may be added. What a row does not say is
/// null.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(in crate::cli) struct TaskRow {
    /// The row's place among all inputs, from 1; what `--nth` takes.
    nth: usize,
    /// `instance_id`.
    id: Option<String>,
    /// What it asks for.
    task_type: Option<TaskKind>,
    /// `owner/name`.
    repo: Option<String>,
    /// The commit from which the work starts.
    base_commit: Option<String>,
    /// The name of its target.
    target: Option<String>,
    /// The file of its target, below the repository's root; of an issue the first file of its patch.
    file: Option<String>,
    /// The first line of its target, from 0 as in task files.
    line: Option<u64>,
    /// Lines of its target.
    lines: Option<u64>,
    /// Targets, where there are several.
    targets: Option<u64>,
    /// Definitions that its target calls.
    dependencies: Option<u64>,
    /// Files that its known right answer changes.
    files: Option<u64>,
    /// The file that it was read from.
    path: PathBuf,
    /// Why it is no task.
    fault: Option<String>,
}

/// Lists all tasks. *No* when a row is none.
pub(super) fn run(
    args: &TasksListArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    let selector = selection::selector(shared)?;
    let store = records::load_store(&args.paths, shared, output)?;
    let order = selection::chosen(selector, &args.paths, &store, shared, output)?;
    let mut lines = Vec::new();
    let mut has_fault = false;
    for ix in order {
        let row = TaskRow::new(&store, ix);
        has_fault |= row.fault.is_some();
        if args.json {
            writeln!(output.out, "{}", records::to_json(&row)?)?;
        } else {
            lines.push(row.line(rows::id_cells(output)));
        }
    }
    if !args.json {
        rows::print(
            &["#", "ID", "TYPE", "REPO", "SIZE"],
            "TARGET",
            lines,
            output,
        )?;
    }
    Ok(if has_fault { Verdict::No } else { Verdict::Yes })
}

impl TaskRow {
    fn new(store: &Store, ix: RecordIx) -> Self {
        let row = Self {
            nth: ix.0 + 1,
            ..Self::default()
        };
        let head = match store.load_head(ix) {
            Ok(head) => head,
            Err(fault) => {
                let fault = Some(fault.to_string());
                return Self { fault, ..row };
            }
        };
        let path = head.trajectory.source.path.clone();
        match &head.trajectory.task {
            Some(task) => Self { path, ..row }.with(task),
            None => Self {
                path,
                fault: Some("it holds no task".to_owned()),
                ..row
            },
        }
    }

    fn with(mut self, task: &Task) -> Self {
        self.id.clone_from(&task.id);
        self.task_type = Some(task.kind);
        self.repo.clone_from(&task.repo);
        self.base_commit.clone_from(&task.base_commit);
        let Some(instance) = task.instance.as_deref() else {
            return self;
        };
        let text = |name: &str| {
            instance
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let number = |name: &str| instance.get(name).and_then(Value::as_u64);
        let span = |from: Option<u64>, to: Option<u64>| {
            from.zip(to)
                .map(|(from, to)| to.saturating_sub(from).saturating_add(1))
        };
        let count = |name: &str| {
            let list = instance.get(name).and_then(Value::as_array);
            list.map(|list| list.len() as u64)
        };
        match task.kind {
            TaskKind::DepSearch => {
                self.target = text("target_function_name");
                self.file = text("target_function_file");
                self.line = number("target_function_line_start");
                self.lines = span(self.line, number("target_function_line_end"));
                self.dependencies = count("dependencies");
            }
            TaskKind::FuncLocalize => {
                self.target = text("module_name");
                self.file = text("file_path");
                self.line = number("module_line_start");
                self.lines = span(self.line, number("module_line_end"));
                self.targets = count("functions");
            }
            TaskKind::FuncGen => {
                self.target = text("func_name");
                self.file = text("file_path");
                self.lines = text("func_body").map(|body| body.lines().count() as u64);
            }
            _ => {
                let patch = task.gold_patch.as_deref().unwrap_or_default();
                let heads = patch
                    .lines()
                    .filter_map(|line| line.strip_prefix("diff --git a/"));
                let mut files = heads.map(|head| head.split(' ').next().unwrap_or_default());
                self.file = files.next().map(str::to_owned);
                let more = files.count() as u64;
                self.files = self.file.as_ref().map(|_first| more + 1);
            }
        }
        self
    }

    /// The row of a table: of the id so many cells.
    fn line(&self, id_cells: usize) -> Line {
        let clean = |text: Option<&str>| text::clean_line(text.unwrap_or("-")).into_owned();
        let id = text::clip(&clean(self.id.as_deref()), id_cells).into_owned();
        let kind = self.task_type.map_or("-", TaskKind::name);
        let sizes = [
            (self.dependencies, "deps"),
            (self.targets, "targets"),
            (self.lines, "lines"),
            (self.files, "files"),
        ];
        let size = sizes
            .into_iter()
            .find_map(|(size, what)| Some(format!("{} {what}", size?)));
        let place = match (&self.file, self.line) {
            (Some(file), Some(line)) => format!("{file}:{}", line.saturating_add(1)),
            (Some(file), None) => file.clone(),
            (None, _) => String::new(),
        };
        let target = match (&self.fault, &self.target) {
            (Some(why), _) => why.clone(),
            (None, Some(target)) => format!("{target}  {place}"),
            (None, None) => place,
        };
        Line {
            cells: vec![
                (self.nth.to_string(), None),
                (id, None),
                (kind.to_owned(), None),
                (clean(self.repo.as_deref()), None),
                (size.unwrap_or_default(), None),
            ],
            rest: text::clean_line(&target).into_owned(),
        }
    }
}
