//! A data set of many Parquet files in a folder: `key=value/…/part-00000.parquet`.
//!
//! It is written in a folder beside its target and renamed when it is whole. The order of rows, the names and the bytes of
//! the files depend on the rows alone: a file ends when it is as large as it may be, or when more files would be open than
//! is good for memory, and both are told by what was written.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_schema::Schema;
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use tempfile::TempDir;

use crate::error::Error;
use crate::error::Result;
use crate::export::OutputFile;
use crate::export::PartitionBy;
use crate::export::write::Piece;
use crate::export::write::cannot_write;
use crate::export::write::folder_of;
use crate::export::write::table_writer;
use crate::export::write::write_rows;

/// Files that are written at once.
const MOST_OPEN: usize = 64;
/// Bytes that wait in all of them for their row group to end.
const MOST_WAITING: usize = 128 << 20;
/// Bytes of rows that become columns at once; one record may be more.
const CHUNK_BYTES: usize = 1 << 20;

/// A data set that is being written.
pub(super) struct DataSet {
    target: PathBuf,
    temporary: TempDir,
    schema: Arc<Schema>,
    part_bytes: u64,
    open: BTreeMap<String, OpenPart>,
    /// The number of the next file of each partition.
    next: HashMap<String, u32>,
    done: Vec<OutputFile>,
    /// Counts writes: says which file was written to last.
    clock: u64,
}

/// A file of it.
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
            open: BTreeMap::new(),
            next: HashMap::new(),
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
    pub(super) fn add(&mut self, partition: &str, rows: Rows) -> Result<()> {
        let mut chunk = Rows::default();
        let mut bytes = 0;
        for (piece, tokens) in rows.pieces.into_iter().zip(rows.tokens) {
            bytes += weight(&piece);
            chunk.pieces.push(piece);
            chunk.tokens.push(tokens);
            if bytes >= CHUNK_BYTES {
                self.put(partition, std::mem::take(&mut chunk))?;
                bytes = 0;
            }
        }
        if chunk.pieces.is_empty() {
            return Ok(());
        }
        self.put(partition, chunk)
    }

    fn put(&mut self, partition: &str, rows: Rows) -> Result<()> {
        if !self.open.contains_key(partition) {
            self.make_room()?;
            let part = self.begin_part(partition)?;
            self.open.insert(partition.to_owned(), part);
        }
        self.clock += 1;
        let Some(part) = self.open.get_mut(partition) else {
            return Ok(());
        };
        part.last = self.clock;
        part.told.records += rows.pieces.len();
        part.told.rows += rows.pieces.iter().map(Piece::rows).sum::<usize>();
        part.told.tokens += rows.tokens.iter().sum::<usize>();
        write_rows(&mut part.writer, &self.schema, rows.pieces)
            .map_err(|err| cannot_write(&part.told.path, err))?;
        let len = part.writer.bytes_written() + part.writer.in_progress_size();
        if len as u64 >= self.part_bytes {
            return self.end(partition);
        }
        self.end_row_groups()
    }

    /// Ends row groups, the largest first, until few enough bytes wait.
    fn end_row_groups(&mut self) -> Result<()> {
        let waiting = |part: &OpenPart| part.writer.in_progress_size();
        while self.open.values().map(waiting).sum::<usize>() > MOST_WAITING {
            let Some(part) = self.open.values_mut().max_by_key(|part| waiting(part)) else {
                return Ok(());
            };
            let flushed = part.writer.flush();
            flushed.map_err(|err| cannot_write(&part.told.path, err))?;
        }
        Ok(())
    }

    /// Ends the file that was not written to for the longest time, where too many are open.
    fn make_room(&mut self) -> Result<()> {
        if self.open.len() < MOST_OPEN {
            return Ok(());
        }
        let oldest = self.open.iter().min_by_key(|(_, part)| part.last);
        let oldest = oldest.map(|(partition, _)| partition.clone());
        oldest.map_or(Ok(()), |partition| self.end(&partition))
    }

    fn begin_part(&mut self, partition: &str) -> Result<OpenPart> {
        let nth = self.next.entry(partition.to_owned()).or_default();
        let name = format!("part-{nth:05}.parquet");
        *nth += 1;
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

    fn end(&mut self, partition: &str) -> Result<()> {
        let Some(mut part) = self.open.remove(partition) else {
            return Ok(());
        };
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
        let open: Vec<String> = self.open.keys().cloned().collect();
        for partition in open {
            self.end(&partition)?;
        }
        if self.done.is_empty() {
            // who reads a folder without a file knows no columns
            let empty = self.begin_part("")?;
            self.open.insert(String::new(), empty);
            self.end("")?;
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

/// Bytes of the texts of rows, about.
fn weight(piece: &Piece) -> usize {
    fn of(value: &Value) -> usize {
        match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(of).sum::<usize>() + 8,
            Value::Object(fields) => fields.values().map(of).sum::<usize>() + 8,
            Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        }
    }
    match piece {
        Piece::Rows(rows) => rows.iter().map(of).sum(),
        Piece::Line(_) | Piece::Lines(..) => 0,
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
