//! Writes the file of tasks, whole or not at all.

use std::io::BufWriter;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::NamedTempFile;

use crate::columns::batch;
use crate::columns::schema_of;
use crate::columns::table_writer;
use crate::error::Error;
use crate::error::Result;
use crate::model::Value;
use crate::tasks::build::Options;
use crate::tasks::build::Task;
use crate::tasks::build::part::is_part;

/// Rows that are written to a table at once.
const BATCH: usize = 4096;

/// Where the tasks go, and where parts are kept until then.
pub(super) struct Output {
    path: PathBuf,
    parts: PathBuf,
    force: bool,
}

impl Drop for Output {
    /// A folder without parts is nothing to go on with.
    fn drop(&mut self) {
        drop(std::fs::remove_dir(&self.parts));
    }
}

impl Output {
    /// Looks whether it can be written, and makes the folder of the parts.
    ///
    /// # Errors
    /// *user* when it is there already, or an earlier run was not ended and it was not said what is to become of it;
    /// *input* when there is no such folder or nothing can be written to it.
    pub(super) fn begin(options: &Options) -> Result<Self> {
        let path = options.out.clone();
        let name = path.file_name().filter(|_| !path.is_dir());
        let Some(name) = name else {
            return Err(Error::user(format!("{} is no file", path.display())));
        };
        if path.exists() && !options.force {
            return Err(Error::user(format!("{} exists already", path.display()))
                .hint("--force writes over it"));
        }
        if !folder_of(&path).is_dir() {
            let what = format!("there is no folder {}", folder_of(&path).display());
            return Err(Error::input(what));
        }
        let mut partial = name.to_os_string();
        partial.push(".partial");
        let output = Self {
            parts: path.with_file_name(partial),
            path,
            force: options.force,
        };
        if output.parts.exists() && !options.resume {
            if !options.force {
                let what = format!(
                    "{} is left of a run that was not ended",
                    output.parts.display()
                );
                return Err(Error::user(what).hint("--resume goes on with it, --force begins anew"));
            }
            output.clear();
        }
        let made = std::fs::create_dir_all(&output.parts);
        made.map_err(|err| cannot_write(&output.parts, err))?;
        Ok(output)
    }

    /// The folder of the parts.
    pub(super) fn parts(&self) -> &Path {
        &self.parts
    }

    /// Removes the parts. What stays does no harm.
    fn clear(&self) {
        let entries = std::fs::read_dir(&self.parts).into_iter().flatten();
        for entry in entries.flatten() {
            if is_part(&entry.file_name().to_string_lossy()) {
                drop(std::fs::remove_file(entry.path()));
            }
        }
        drop(std::fs::remove_dir(&self.parts));
    }

    /// Writes the tasks and removes the parts.
    ///
    /// # Errors
    /// *user* when a file of that name came up in the meantime; *input* when it cannot be written.
    pub(super) fn publish(&self, tasks: &[Task<'_>]) -> Result<()> {
        let path = &self.path;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".hgview-tasks-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(folder_of(path));
        let file = file.map_err(|err| cannot_write(path, err))?;
        let is_table = path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"));
        if is_table {
            write_table(path, &file, tasks)?;
        } else {
            write_lines(&file, tasks).map_err(|err| cannot_write(path, err))?;
        }
        let synced = file.as_file().sync_all();
        synced.map_err(|err| cannot_write(path, err))?;
        let done = if self.force {
            file.persist(path)
        } else {
            file.persist_noclobber(path)
        };
        done.map_err(|err| cannot_write(path, err.error))?;
        self.clear();
        Ok(())
    }
}

/// A row as it is written; its fields are an object that is not empty.
fn line(task: &Task<'_>) -> String {
    let id = Value::from(task.id.as_str());
    let rest = task.row.text.strip_prefix('{').unwrap_or_default();
    format!("{{\"instance_id\":{id},{rest}")
}

fn write_lines(file: &NamedTempFile, tasks: &[Task<'_>]) -> std::io::Result<()> {
    let mut out = BufWriter::new(file.as_file());
    for task in tasks {
        writeln!(out, "{}", line(task))?;
    }
    out.flush()
}

fn write_table(path: &Path, file: &NamedTempFile, tasks: &[Task<'_>]) -> Result<()> {
    let rows: std::result::Result<Vec<Value>, serde_json::Error> = tasks
        .iter()
        .map(|task| serde_json::from_str(&line(task)))
        .collect();
    let rows = rows.map_err(|err| Error::internal("a row is no JSON").caused_by(err))?;
    let schema = schema_of(rows.iter()).map_err(|why| cannot_write(path, why))?;
    let schema = Arc::new(schema);
    let file = file.as_file().try_clone();
    let file = file.map_err(|err| cannot_write(path, err))?;
    let mut out = table_writer(file, &schema).map_err(|err| cannot_write(path, err))?;
    for rows in rows.chunks(BATCH) {
        let columns = batch(&schema, rows).map_err(|err| cannot_write(path, err))?;
        out.write(&columns).map_err(|err| cannot_write(path, err))?;
    }
    out.close().map_err(|err| cannot_write(path, err))?;
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn cannot_write(path: &Path, err: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::input(format!("cannot write {}", path.display())).caused_by(err)
}
