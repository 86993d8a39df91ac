//! A data set of many Parquet files in a folder: `key=value/…/part-00000.parquet`.
//!
//! It is written in a folder beside its target and renamed when it is whole. The order of rows, the names and the bytes of
//! the files depend on the rows alone: rows wait in memory until there are enough of their partition or too many of all, a
//! file ends when it is as large as it may be or too many are open, and all of that is told by what was added.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_schema::Schema;
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use tempfile::TempDir;

use crate::columns::table_writer;
use crate::error::Error;
use crate::error::Result;
use crate::export::OutputFile;
use crate::export::PartitionBy;
use crate::export::write::Piece;
use crate::export::write::cannot_write;
use crate::export::write::folder_of;
use crate::export::write::write_rows;

/// Files that are written at once: fewer than a process may have open anywhere.
const MOST_OPEN: usize = 128;
/// Bytes of rows that wait in memory until there are enough of their partition.
const MOST_WAITING: usize = 64 << 20;
/// Row groups that a file has at least when it is as large as it may be: so much larger it may become.
const GROUPS: u64 = 4;

/// A data set that is being written.
pub(super) struct DataSet {
    target: PathBuf,
    temporary: TempDir,
    schema: Arc<Schema>,
    part_bytes: u64,
    partitions: BTreeMap<String, Partition>,
    /// Bytes of all rows that wait.
    waiting: usize,
    /// The partitions with an open file, by the time of the last write to it.
    open: BTreeMap<u64, String>,
    done: Vec<OutputFile>,
    /// Counts writes.
    clock: u64,
}

/// A folder of it.
#[derive(Default)]
struct Partition {
    rows: Rows,
    /// Bytes of these rows.
    weight: usize,
    file: Option<OpenPart>,
    /// The number of the next file.
    next: u32,
}

/// A file of it. No row group is begun: that would cost memory for each column of each file.
struct OpenPart {
    writer: ArrowWriter<File>,
    told: OutputFile,
    last: u64,
}

/// The rows of some records of one partition.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) pieces: Vec<Piece>,
    pub(super) tokens: Vec<usize>,
}

impl DataSet {
    /// Begins a data set of these columns, but for those that the names of its folders tell.
    ///
    /// # Errors
    /// *input* when no folder can be made beside the target.
    pub(super) fn begin(
        target: PathBuf,
        schema: &Schema,
        (keys, part_bytes): (&[PartitionBy], u64),
    ) -> Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".hgview-export-");
        let temporary = builder.tempdir_in(folder_of(&target));
        let temporary = temporary.map_err(|err| cannot_write(&target, err))?;
        let columns = schema.fields().iter();
        let columns = columns.filter(|field| keys.iter().all(|key| key.name() != field.name()));
        let columns: Vec<_> = columns.cloned().collect();
        let set = Self {
            schema: Arc::new(Schema::new(columns)),
            target,
            temporary,
            part_bytes,
            partitions: BTreeMap::new(),
            waiting: 0,
            open: BTreeMap::new(),
            done: Vec::new(),
            clock: 0,
        };
        std::fs::create_dir(set.new_folder()).map_err(|err| cannot_write(&set.target, err))?;
        Ok(set)
    }

    /// Where it is until it is whole. A folder in the temporary one: that is private, and this is as readable as any.
    fn new_folder(&self) -> PathBuf {
        self.temporary.path().join("new")
    }

    /// Adds the rows of records to their partition, called as [`crate::export::partition::folder`] says.
    ///
    /// # Errors
    /// *input* when the disk does not take them.
    pub(super) fn add(&mut self, partition: &str, mut rows: Rows) -> Result<()> {
        if !self.partitions.contains_key(partition) {
            self.partitions
                .insert(partition.to_owned(), Partition::default());
        }
        let Some(known) = self.partitions.get_mut(partition) else {
            return Ok(());
        };
        let bytes: usize = rows.pieces.iter().map(weight).sum();
        known.rows.pieces.append(&mut rows.pieces);
        known.rows.tokens.append(&mut rows.tokens);
        known.weight += bytes;
        self.waiting += bytes;
        if known.weight as u64 >= self.part_bytes / GROUPS {
            self.write(partition)?;
        }
        if self.waiting > MOST_WAITING {
            self.write_largest()?;
        }
        Ok(())
    }

    /// Writes the partitions of which most waits, until half of the room is free.
    fn write_largest(&mut self) -> Result<()> {
        let all = self.partitions.iter();
        let mut order: Vec<(usize, String)> = all
            .filter(|(_, known)| known.weight > 0)
            .map(|(partition, known)| (known.weight, partition.clone()))
            .collect();
        // stable: of equal ones the first by name
        order.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
        for (_, partition) in order {
            if self.waiting <= MOST_WAITING / 2 {
                break;
            }
            self.write(&partition)?;
        }
        Ok(())
    }

    /// Writes what waits of a partition as one row group.
    fn write(&mut self, partition: &str) -> Result<()> {
        let Some(known) = self.partitions.get_mut(partition) else {
            return Ok(());
        };
        let rows = std::mem::take(&mut known.rows);
        self.waiting -= std::mem::take(&mut known.weight);
        if rows.pieces.is_empty() {
            return Ok(());
        }
        let mut part = if let Some(part) = known.file.take() {
            self.open.remove(&part.last);
            part
        } else {
            self.make_room()?;
            self.begin_part(partition)?
        };
        self.clock += 1;
        part.last = self.clock;
        part.told.records += rows.pieces.len();
        part.told.rows += rows.pieces.iter().map(Piece::rows).sum::<usize>();
        part.told.tokens += rows.tokens.iter().sum::<usize>();
        write_rows(&mut part.writer, &self.schema, rows.pieces)
            .and_then(|()| part.writer.flush())
            .map_err(|err| cannot_write(&part.told.path, err))?;
        if part.writer.bytes_written() as u64 >= self.part_bytes {
            return self.end(part);
        }
        self.open.insert(part.last, partition.to_owned());
        if let Some(known) = self.partitions.get_mut(partition) {
            known.file = Some(part);
        }
        Ok(())
    }

    /// Ends the file that was not written to for the longest time, where too many are open.
    fn make_room(&mut self) -> Result<()> {
        if self.open.len() < MOST_OPEN {
            return Ok(());
        }
        let oldest = self.open.pop_first();
        let oldest = oldest.and_then(|(_, partition)| self.partitions.get_mut(&partition));
        let oldest = oldest.and_then(|known| known.file.take());
        oldest.map_or(Ok(()), |part| self.end(part))
    }

    fn begin_part(&mut self, partition: &str) -> Result<OpenPart> {
        let known = self.partitions.entry(partition.to_owned()).or_default();
        let name = format!("part-{:05}.parquet", known.next);
        known.next += 1;
        let folder = self.new_folder().join(partition);
        let path = self.target.join(partition).join(&name);
        let file = std::fs::create_dir_all(&folder).and_then(|()| File::create(folder.join(name)));
        let file = file.map_err(|err| cannot_write(&path, err))?;
        let writer = table_writer(file, &self.schema).map_err(|err| cannot_write(&path, err))?;
        Ok(OpenPart {
            writer,
            told: OutputFile {
                path,
                split: None,
                records: 0,
                rows: 0,
                bytes: 0,
                tokens: 0,
            },
            last: 0,
        })
    }

    fn end(&mut self, mut part: OpenPart) -> Result<()> {
        let path = part.told.path.clone();
        part.writer
            .finish()
            .map_err(|err| cannot_write(&path, err))?;
        let file = part.writer.inner();
        let size = || -> std::io::Result<u64> {
            if self.target.exists() {
                // it takes the place of an older one, which must not be lost
                file.sync_all()?;
            }
            Ok(file.metadata()?.len())
        };
        part.told.bytes = size().map_err(|err| cannot_write(&path, err))?;
        self.done.push(part.told);
        Ok(())
    }

    /// Writes what is left; the folder has its name only after [`WrittenSet::publish`].
    ///
    /// # Errors
    /// *input* when the disk does not take it.
    pub(super) fn finish(mut self) -> Result<WrittenSet> {
        let all: Vec<String> = self.partitions.keys().cloned().collect();
        for partition in all {
            self.write(&partition)?;
            let known = self.partitions.get_mut(&partition);
            if let Some(part) = known.and_then(|known| known.file.take()) {
                self.open.remove(&part.last);
                self.end(part)?;
            }
        }
        if self.done.is_empty() {
            // who reads a folder without a file knows no columns
            let empty = self.begin_part("")?;
            self.end(empty)?;
        }
        let mut told = std::mem::take(&mut self.done);
        told.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(WrittenSet {
            new: self.new_folder(),
            target: self.target,
            temporary: self.temporary,
            told,
        })
    }
}

/// Bytes of rows in memory, about.
fn weight(piece: &Piece) -> usize {
    /// Bytes of a value and of its name beside its text.
    const OF_ONE: usize = 96;
    fn of(value: &Value) -> usize {
        OF_ONE
            + match value {
                Value::String(text) => text.len(),
                Value::Array(items) => items.iter().map(of).sum::<usize>(),
                Value::Object(fields) => fields.values().map(of).sum::<usize>(),
                Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            }
    }
    match piece {
        Piece::Rows(rows) => rows.iter().map(of).sum(),
        Piece::Line(_) | Piece::Stored(_) | Piece::Lines(..) => 0,
    }
}

/// A data set that is whole and has not its name yet.
pub(super) struct WrittenSet {
    new: PathBuf,
    target: PathBuf,
    temporary: TempDir,
    /// Its files, by name.
    pub(super) told: Vec<OutputFile>,
}

impl WrittenSet {
    /// Gives it its name. An older data set there is taken away when the new one is in its place.
    ///
    /// # Errors
    /// *user* when something else came up there, *input* when it cannot be renamed.
    pub(super) fn publish(self, force: bool) -> Result<Published> {
        check_target(&self.target, force)?;
        let unwritable = |err: std::io::Error| cannot_write(&self.target, err);
        let old = self.temporary.path().join("old");
        let is_new = !self.target.exists();
        if !is_new {
            std::fs::rename(&self.target, &old).map_err(unwritable)?;
        }
        if let Err(err) = std::fs::rename(&self.new, &self.target) {
            if !is_new {
                std::fs::rename(&old, &self.target).map_err(unwritable)?;
            }
            return Err(unwritable(err));
        }
        // the rename itself survives a crash only when the folder is synced, too; not all file systems can
        if let Ok(folder) = File::open(folder_of(&self.target)) {
            drop(folder.sync_all());
        }
        Ok(Published {
            target: self.target,
            is_new,
        })
    }
}

/// A data set that has its name.
pub(super) struct Published {
    target: PathBuf,
    is_new: bool,
}

impl Published {
    /// Takes it away again, where there was none before: what belongs to it could not be written.
    pub(super) fn take_back(self) {
        if self.is_new {
            // the error that is told is the one that led here
            drop(std::fs::remove_dir_all(self.target));
        }
    }
}

/// Checks that a data set may be called so: there is nothing, or an empty folder, or with `force` an older data set and
/// nothing else.
///
/// # Errors
/// *user* when something is there, *input* when it cannot be looked at.
pub(super) fn check_target(target: &Path, force: bool) -> Result<()> {
    if target.symlink_metadata().is_err() {
        return Ok(());
    }
    let shown = target.display();
    if !target.is_dir() || target.is_symlink() {
        return Err(Error::user(format!("{shown} is no folder")));
    }
    let unreadable =
        |err: std::io::Error| Error::input(format!("{shown} cannot be read")).caused_by(err);
    let mut folders = vec![target.to_path_buf()];
    let mut is_empty = true;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let kind = entry.file_type().map_err(unreadable)?;
            is_empty = false;
            if kind.is_dir() && name.contains('=') {
                folders.push(entry.path());
            } else if !kind.is_file() || !name.starts_with("part-") || !name.ends_with(".parquet") {
                let what = format!(
                    "{shown} holds what is no part of a data set: {}",
                    entry.path().display()
                );
                return Err(Error::user(what).hint("give another folder with -o"));
            }
        }
    }
    if is_empty || force {
        return Ok(());
    }
    Err(Error::user(format!("{shown} exists already")).hint("--force writes over it"))
}
