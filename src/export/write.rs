//! Files that are there whole or not at all: written to a temporary file in the target's folder, renamed.

use std::collections::HashSet;
use std::fs::File;
use std::io::BufWriter;
use std::io::IoSlice;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_schema::Schema;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use serde_json::Value;
use tempfile::NamedTempFile;

use crate::cancel::Cancel;
use crate::columns::batch;
use crate::columns::table_writer;
use crate::error::Error;
use crate::error::Result;
use crate::export::Form;
use crate::export::Options;
use crate::export::OutputFile;
use crate::export::Parted;
use crate::export::PartitionBy;
use crate::export::Target;
use crate::export::dataset;
use crate::export::write::room::Room;
use crate::export::write::room::forget;
use crate::export::write::room::make_room;
use crate::read::side::SideFile;
use crate::store::Line;
use crate::store::Store;
use crate::store::copy_lines;

mod room;

/// Bytes that are gathered before they are written.
const BUFFER: usize = 1 << 20;

/// What a record adds to its file.
pub(super) enum Piece {
    /// A line without its end.
    Line(Vec<u8>),
    /// A line that is copied as it lies.
    Stored(Line),
    /// Lines with their ends.
    Lines(Vec<u8>, usize),
    /// Rows of a table.
    Rows(Vec<Value>),
}

impl Piece {
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Line(_) | Self::Stored(_) => 1,
            Self::Lines(_, rows) => *rows,
            Self::Rows(rows) => rows.len(),
        }
    }
}

/// Where the manifest of these options goes; `None` where none is written.
pub(super) fn manifest_path(options: &Options) -> Option<PathBuf> {
    if let Some(path) = &options.manifest {
        return Some(path.clone());
    }
    match &options.target {
        Target::File(path) => {
            let mut name = path.file_name()?.to_os_string();
            name.push(".manifest.json");
            Some(path.with_file_name(name))
        }
        Target::Stdout => None,
    }
}

/// What a file of these options is called in the manifest: its name, in data sets with the folders above it.
pub(super) fn name_of(options: &Options, path: &Path) -> Option<String> {
    let folder = match &options.target {
        Target::File(target) if options.parted.is_some() => target.parent(),
        Target::File(_) | Target::Stdout => None,
    };
    let name = match folder {
        Some(folder) => path.strip_prefix(folder).ok()?.as_os_str(),
        None => path.file_name()?,
    };
    Some(name.to_string_lossy().into_owned())
}

/// The files of these options, a part of the split each; of a data set its folder.
pub(super) fn paths(options: &Options) -> Vec<PathBuf> {
    let Target::File(path) = &options.target else {
        return vec![PathBuf::from("-")];
    };
    if options.curation.splits.is_empty() || options.parted.is_some() {
        return vec![path.clone()];
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path
        .extension()
        .map_or(options.format.extension.into(), |e| e.to_string_lossy());
    let parts = options.curation.splits.iter();
    parts
        .map(|part| path.with_file_name(format!("{stem}.{}.{ending}", part.name)))
        .collect()
}

/// The files that are there already and that the export may not write over.
pub(super) fn in_the_way(options: &Options) -> Vec<PathBuf> {
    let mut targets = match options.target {
        Target::File(_) if !options.force => paths(options),
        Target::File(_) | Target::Stdout => Vec::new(),
    };
    if !options.force {
        targets.extend(manifest_path(options));
    }
    targets.retain(|path| path.exists());
    targets
}

/// The files that the options name and the export reads beside its records.
fn read_for(options: &Options) -> impl Iterator<Item = &PathBuf> {
    let curation = &options.curation;
    [
        &curation.tokenizer,
        &curation.exclude_repos,
        &options.tool_prompt,
        &options.chat_template,
    ]
    .into_iter()
    .flatten()
}

/// The files that are written, the manifest last.
fn targets(options: &Options) -> Vec<PathBuf> {
    let mut targets = match options.target {
        Target::File(_) => paths(options),
        Target::Stdout => Vec::new(),
    };
    targets.extend(manifest_path(options));
    targets
}

/// The side files that were joined so far, by path. An earlier export to the same place is none of them, though it may
/// lie where side files are found: its manifest lies beside it.
pub(super) fn sides(options: &Options, store: &Store) -> Vec<SideFile> {
    let is_again = manifest_path(options).is_some_and(|path| path.exists());
    let targets: Vec<PathBuf> = targets(options)
        .iter()
        .filter(|_| is_again)
        .filter_map(|path| std::fs::canonicalize(path).ok())
        .collect();
    let is_earlier = |side: &SideFile| {
        let path = std::fs::canonicalize(&side.path);
        !side.is_explicit && path.is_ok_and(|path| targets.contains(&path))
    };
    let mut sides = store.side_summary().files;
    sides.retain(|side| !is_earlier(side));
    // what is given and found is given
    sides.sort_by(|a, b| (!a.is_explicit, &a.path).cmp(&(!b.is_explicit, &b.path)));
    let mut met: HashSet<PathBuf> = HashSet::new();
    sides.retain(|side| {
        met.insert(std::fs::canonicalize(&side.path).unwrap_or_else(|_gone| side.path.clone()))
    });
    sides
}

/// Checks that nothing is written over that the export goes by: what the options name, `used` (journals, scores), and the
/// side files that were joined so far.
///
/// # Errors
/// *user* when a target is one of them.
pub(super) fn check_used(options: &Options, store: &Store, used: &[PathBuf]) -> Result<()> {
    let targets: Vec<PathBuf> = targets(options)
        .iter()
        .filter_map(|path| std::fs::canonicalize(path).ok())
        .collect();
    if targets.is_empty() {
        return Ok(());
    }
    let sides = sides(options, store);
    let sides = sides.iter().map(|side| &side.path);
    for path in read_for(options).chain(used).chain(sides) {
        let is_within = |path: PathBuf| targets.iter().any(|target| path.starts_with(target));
        if std::fs::canonicalize(path).is_ok_and(is_within) {
            return Err(Error::user(format!(
                "{} is read for this export; it is not written over",
                path.display()
            )));
        }
    }
    Ok(())
}

/// Checks that everything can be written where it should go, before anything is read.
///
/// # Errors
/// *user* when a file exists, an input would be written over, or standard output is to be split; *input* when there is
/// no such folder.
pub(super) fn check(options: &Options, store: &Store) -> Result<()> {
    if options.target == Target::Stdout && !options.curation.splits.is_empty() {
        return Err(Error::user("a split needs files, not standard output").hint("give -o FILE"));
    }
    let mut files = targets(options);
    if let Some(parted) = &options.parted {
        let folder = check_parted(options, parted)?;
        files.retain(|path| *path != folder);
        check_folder(&folder)?;
        check_inputs(std::slice::from_ref(&folder), store)?;
        if !options.dry_run {
            dataset::check_target(&folder, options.force)?;
        }
    }
    check_targets(&files, options.force || options.dry_run, store)
}

/// The folder of a data set, where these options can make one.
fn check_parted(options: &Options, parted: &Parted) -> Result<PathBuf> {
    let Target::File(folder) = &options.target else {
        return Err(
            Error::user("a data set needs a folder, not standard output").hint("give -o DIR"),
        );
    };
    if !matches!(options.format.form, Form::Table(_)) {
        let what = format!(
            "--format {} makes no data sets of Parquet",
            options.format.name
        );
        return Err(Error::user(what).hint("trajectories, steps and verl do"));
    }
    let is_split = !options.curation.splits.is_empty();
    if is_split != parted.by.contains(&PartitionBy::Split) {
        return Err(
            Error::user("the parts of a split are partitions of a data set")
                .hint("--split NAME=SHARE,… and --partition split go together"),
        );
    }
    Ok(folder.clone())
}

/// Checks that these files can be written, before anything is read; `may_replace` where they may be there already.
///
/// # Errors
/// *user* when a file exists or an input would be written over; *input* when there is no such folder.
fn check_targets(targets: &[PathBuf], may_replace: bool, store: &Store) -> Result<()> {
    for path in targets {
        if path.is_dir() {
            return Err(Error::user(format!("{} is a folder", path.display())));
        }
        check_folder(path)?;
        if path.exists() && !may_replace {
            return Err(Error::user(format!("{} exists already", path.display()))
                .hint("--force writes over it"));
        }
    }
    check_inputs(targets, store)
}

/// Checks that there is a folder for a file or folder.
fn check_folder(path: &Path) -> Result<()> {
    let folder = folder_of(path);
    if folder.is_dir() {
        return Ok(());
    }
    let what = format!("there is no folder {}", folder.display());
    Err(Error::input(what))
}

/// Checks that none of the inputs is one of these files or lies in one of these folders.
fn check_inputs(targets: &[PathBuf], store: &Store) -> Result<()> {
    let existing: Vec<PathBuf> = targets
        .iter()
        .filter_map(|path| std::fs::canonicalize(path).ok())
        .collect();
    if existing.is_empty() {
        return Ok(());
    }
    for file in store.files() {
        let input = std::fs::canonicalize(&file).unwrap_or_default();
        if existing.iter().any(|target| input.starts_with(target)) {
            return Err(Error::user(format!(
                "{} is one of the inputs; records are never altered",
                file.display()
            )));
        }
    }
    Ok(())
}

/// Checks that a report can be written to `path`, before records are read for it. `-` is standard output.
///
/// # Errors
/// *user* when it exists and `force` is not given, or is one of the inputs; *input* when there is no such folder.
pub fn check_report(path: &Path, force: bool, store: &Store) -> Result<()> {
    if path.as_os_str() == "-" {
        return Ok(());
    }
    check_targets(&[path.to_path_buf()], force, store)
}

/// Writes a report: the file is there whole or not at all. `-` is standard output.
///
/// # Errors
/// *user* when it exists and `force` is not given, *input* when it cannot be written.
pub fn write_report(path: &Path, bytes: &[u8], force: bool, stdout: &mut dyn Write) -> Result<()> {
    Written::of(path.to_path_buf(), bytes)?.publish(force, stdout, &Cancel::new())
}

pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

pub(super) fn cannot_write(
    path: &Path,
    err: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::input(format!("cannot write {}", path.display())).caused_by(err)
}

enum Writer {
    Lines(BufWriter<File>, Room),
    Table(Box<ArrowWriter<File>>, Arc<Schema>),
}

/// Where the bytes are until the file is whole.
enum Temporary {
    /// Beside its target.
    Named(NamedTempFile),
    /// What goes to standard output needs no name, and leaves nothing behind however the program ends.
    Nameless(File),
}

impl Temporary {
    fn beside(path: &Path) -> std::io::Result<Self> {
        if path.as_os_str() == "-" {
            return tempfile::tempfile().map(Self::Nameless);
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".hgview-export-");
        // temporary files are private; an export is as readable as any file that the user makes, as the umask has it
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        builder.tempfile_in(folder_of(path)).map(Self::Named)
    }

    fn file(&self) -> &File {
        match self {
            Self::Named(file) => file.as_file(),
            Self::Nameless(file) => file,
        }
    }
}

/// Writes lines as they lie, some together: large ones are not copied before, and no write is so large that the system has
/// to look for room for all of it at once.
fn write_lines(out: &mut impl Write, pieces: &[Piece]) -> std::io::Result<()> {
    let mut slices = Vec::new();
    let mut bytes = 0;
    for piece in pieces {
        let (line, end): (&[u8], &[u8]) = match piece {
            Piece::Line(line) => (line, b"\n"),
            Piece::Lines(lines, _) => (lines, b""),
            Piece::Stored(_) | Piece::Rows(_) => continue,
        };
        slices.extend([IoSlice::new(line), IoSlice::new(end)]);
        bytes += line.len();
        if bytes >= BUFFER {
            write_slices(out, &mut slices)?;
            slices.clear();
            bytes = 0;
        }
    }
    write_slices(out, &mut slices)
}

/// Writes lines in order, be they in memory or not.
fn write_all(out: &mut BufWriter<File>, room: Room, pieces: &[Piece]) -> std::io::Result<()> {
    let is_stored = |piece: &Piece| matches!(piece, Piece::Stored(_));
    for alike in pieces.chunk_by(|one, next| is_stored(one) == is_stored(next)) {
        if alike.first().is_some_and(is_stored) {
            let lines = alike.iter().filter_map(|piece| match piece {
                Piece::Stored(line) => Some(line),
                _ => None,
            });
            if room == Room::Ahead {
                make_room(lines.clone(), out);
            }
            copy_lines(lines, out)?;
        } else {
            write_lines(out, alike)?;
        }
    }
    Ok(())
}

fn write_slices(out: &mut impl Write, mut slices: &mut [IoSlice<'_>]) -> std::io::Result<()> {
    // empty ones are nothing to write, and to write nothing is to get no further
    IoSlice::advance_slices(&mut slices, 0);
    while !slices.is_empty() {
        match out.write_vectored(slices) {
            Ok(0) => return Err(std::io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut slices, written),
            Err(err) if err.kind() == std::io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
    Ok(())
}

/// Writes rows of a table.
pub(super) fn write_rows(
    out: &mut ArrowWriter<File>,
    schema: &Arc<Schema>,
    pieces: Vec<Piece>,
) -> std::result::Result<(), ParquetError> {
    let mut rows: Vec<Value> = Vec::new();
    for piece in pieces {
        if let Piece::Rows(mut more) = piece {
            rows.append(&mut more);
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    out.write(&batch(schema, &rows)?)
}

/// A file that is being written.
pub(super) struct Part {
    path: PathBuf,
    temporary: Temporary,
    writer: Writer,
    told: OutputFile,
}

impl Part {
    /// Begins a file.
    ///
    /// # Errors
    /// *input* when it cannot be made.
    pub(super) fn begin(path: PathBuf, split: Option<String>, form: Form) -> Result<Self> {
        let temporary = Temporary::beside(&path).map_err(|err| cannot_write(&path, err))?;
        let file = temporary.file().try_clone();
        let file = file.map_err(|err| cannot_write(&path, err))?;
        let writer = match form {
            Form::Bytes | Form::Lines => {
                let room = if path.exists() {
                    Room::Ahead
                } else {
                    Room::Later
                };
                Writer::Lines(BufWriter::with_capacity(BUFFER, file), room)
            }
            Form::Table(schema) => {
                let schema = Arc::new(schema());
                let writer = table_writer(file, &schema).map_err(|err| cannot_write(&path, err))?;
                Writer::Table(Box::new(writer), schema)
            }
        };
        let told = OutputFile {
            path: path.clone(),
            split,
            records: 0,
            rows: 0,
            bytes: 0,
            tokens: 0,
        };
        Ok(Self {
            path,
            temporary,
            writer,
            told,
        })
    }

    /// Adds the rows of records.
    ///
    /// # Errors
    /// *input* when the disk does not take them.
    pub(super) fn add(&mut self, pieces: Vec<Piece>, tokens: usize) -> Result<()> {
        self.told.records += pieces.len();
        self.told.rows += pieces.iter().map(Piece::rows).sum::<usize>();
        self.told.tokens += tokens;
        let path = &self.path;
        match &mut self.writer {
            Writer::Lines(out, room) => {
                write_all(out, *room, &pieces).map_err(|err| cannot_write(path, err))
            }
            Writer::Table(out, schema) => {
                write_rows(out, schema, pieces).map_err(|err| cannot_write(path, err))
            }
        }
    }

    /// Writes what is left; the file has its name only after [`Written::publish`]. It is synced only where it will take
    /// the place of an older one: that must not be lost, a new export can be made again.
    ///
    /// # Errors
    /// *input* when the disk does not take it.
    pub(super) fn finish(mut self) -> Result<Written> {
        let path = &self.path;
        let is_ahead = matches!(self.writer, Writer::Lines(_, Room::Ahead));
        match self.writer {
            Writer::Lines(mut out, _) => out.flush().map_err(|err| cannot_write(path, err))?,
            Writer::Table(out, _) => {
                out.close().map_err(|err| cannot_write(path, err))?;
            }
        }
        let file = self.temporary.file();
        if is_ahead || path.exists() {
            let synced = std::thread::scope(|scope| {
                scope.spawn(|| forget(path));
                file.sync_all()
            });
            synced.map_err(|err| cannot_write(path, err))?;
        }
        let size = file.metadata().map_err(|err| cannot_write(path, err))?;
        self.told.bytes = size.len();
        Ok(Written {
            path: self.path,
            temporary: self.temporary,
            told: self.told,
        })
    }
}

/// A file that is whole and has not its name yet.
pub(super) struct Written {
    path: PathBuf,
    temporary: Temporary,
    pub(super) told: OutputFile,
}

impl Written {
    /// A small file of its own, made of these bytes.
    ///
    /// # Errors
    /// As [`Part::finish`].
    pub(super) fn of(path: PathBuf, bytes: &[u8]) -> Result<Self> {
        let mut part = Part::begin(path, None, Form::Bytes)?;
        if let Writer::Lines(out, _) = &mut part.writer {
            out.write_all(bytes)
                .map_err(|err| cannot_write(&part.path, err))?;
        }
        part.finish()
    }

    /// Gives it its name, or copies it to `stdout` where that is its name.
    ///
    /// # Errors
    /// *user* when a file of that name came up in the meantime, *input* when it cannot be renamed or copied.
    fn publish(self, force: bool, stdout: &mut dyn Write, cancel: &Cancel) -> Result<()> {
        let named = match self.temporary {
            Temporary::Named(named) => named,
            Temporary::Nameless(file) => return copy(file, stdout, cancel),
        };
        let done = if force {
            named.persist(&self.path)
        } else {
            named.persist_noclobber(&self.path)
        };
        if let Err(err) = done {
            let is_there = err.error.kind() == std::io::ErrorKind::AlreadyExists;
            return Err(if is_there {
                Error::user(format!("{} exists already", self.path.display()))
                    .hint("--force writes over it")
            } else {
                cannot_write(&self.path, err.error)
            });
        }
        // the rename itself survives a crash only when the folder is synced, too; not all file systems can
        if let Ok(folder) = File::open(folder_of(&self.path)) {
            drop(folder.sync_all());
        }
        Ok(())
    }
}

fn copy(mut file: File, stdout: &mut dyn Write, cancel: &Cancel) -> Result<()> {
    file.rewind()?;
    let mut buffer = vec![0; BUFFER];
    loop {
        if cancel.is_cancelled() {
            return Err(Error::user("cancelled"));
        }
        let len = file.read(&mut buffer)?;
        if len == 0 {
            return Ok(());
        }
        stdout.write_all(buffer.get(..len).unwrap_or_default())?;
    }
}

/// Gives all files their names, in order. Where one cannot have its own, those are taken away again that were not there
/// before; what was written over stays written over. An older manifest goes first: whenever it ends, no set lies beside
/// the account of another.
///
/// # Errors
/// *user* when a file came up in the meantime, *input* when one cannot be renamed or copied.
pub(super) fn publish(
    files: Vec<Written>,
    force: bool,
    stdout: &mut dyn Write,
    cancel: &Cancel,
) -> Result<()> {
    let mut new: Vec<PathBuf> = Vec::new();
    if let [_, .., manifest] = files.as_slice()
        && force
        && manifest.path.is_file()
    {
        std::fs::remove_file(&manifest.path).map_err(|err| cannot_write(&manifest.path, err))?;
    }
    for file in files {
        let made = Some(file.path.clone())
            .filter(|path| path.as_os_str() != "-" && path.symlink_metadata().is_err());
        if let Err(err) = file.publish(force, stdout, cancel) {
            for path in new {
                // the error that is told is the one that led here
                drop(std::fs::remove_file(path));
            }
            return Err(err);
        }
        new.extend(made);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
