//! The file of a share while it is written.

use std::fs::File;
use std::fs::OpenOptions;
use std::path::Path;
use std::path::PathBuf;

use crate::error::Error;
use crate::error::Result;
use crate::shard::Kind;
use crate::shard::Line;
use crate::shard::PART;
use crate::shard::Shard;
use crate::shard::each_line;

/// A share that is being written. While it lives no other program writes the same one.
#[derive(Debug)]
pub struct Part {
    path: PathBuf,
    whole: PathBuf,
    /// Holds the lock.
    file: File,
    /// It was complete before.
    was_whole: bool,
}

impl Part {
    /// Begins a share in a folder, or goes on with it, be it complete or not: there may be more records by now. `keep` sees
    /// its lines, those with an end; what lies behind the last one that it keeps is cut off. Waits while another program
    /// writes the same share.
    ///
    /// # Errors
    /// *input* when the folder cannot be written.
    pub fn open(
        folder: &Path,
        kind: Kind,
        shard: Shard,
        keep: &mut dyn FnMut(&Line<'_>) -> bool,
    ) -> Result<Self> {
        let whole = folder.join(shard.file_name(kind));
        let part = folder.join(format!("{}{PART}", shard.file_name(kind)));
        // people know the file by the name that it will have
        let unwritable = |err: std::io::Error| unwritable(&whole, err);
        std::fs::create_dir_all(folder).map_err(|err| {
            let what = format!("the folder {} cannot be made", folder.display());
            Error::input(what).caused_by(err)
        })?;
        let (file, was_whole) = locked(&part, &whole).map_err(unwritable)?;
        let mut kept_bytes = 0;
        each_line(&part, &mut |line| {
            if line.is_ended && keep(&line) {
                kept_bytes = line.start + line.bytes.len() as u64 + 1;
            }
        })
        .map_err(unwritable)?;
        file.set_len(kept_bytes).map_err(unwritable)?;
        Ok(Self {
            path: part,
            whole,
            file,
            was_whole,
        })
    }

    /// Leaves it as it was found; lines that were cut off stay so.
    ///
    /// # Errors
    /// *input* when the disk does not take it.
    pub fn give_back(self) -> Result<()> {
        if self.was_whole {
            self.complete()?;
        }
        Ok(())
    }

    /// The file while it is not complete.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file when it is complete.
    pub fn whole(&self) -> &Path {
        &self.whole
    }

    /// Says that it is complete; the file has its name then.
    ///
    /// # Errors
    /// *input* when the disk does not take it.
    pub fn complete(self) -> Result<PathBuf> {
        self.file
            .sync_data()
            .and_then(|()| std::fs::rename(&self.path, &self.whole))
            .map_err(|err| unwritable(&self.whole, err))?;
        Ok(self.whole)
    }
}

/// Opens the part with its lock held; a whole one is a part again, and is told to have been one.
fn locked(part: &Path, whole: &Path) -> std::io::Result<(File, bool)> {
    loop {
        let mut was_whole = whole.exists() && !part.exists();
        if was_whole {
            match std::fs::rename(whole, part) {
                // another program was faster, and holds its lock
                Err(err) if err.kind() == std::io::ErrorKind::NotFound => was_whole = false,
                renamed => renamed?,
            }
        }
        let file = OpenOptions::new().create(true).append(true).open(part)?;
        match file.lock() {
            // a file system without locks: who writes there must not begin a share twice
            Err(err) if err.kind() == std::io::ErrorKind::Unsupported => {
                return Ok((file, was_whole));
            }
            locked => locked?,
        }
        // who held it may have completed it in the meantime, and given it its name
        if is_at(&file, part)? {
            return Ok((file, was_whole));
        }
    }
}

/// Whether an open file still has this name.
#[cfg(unix)]
pub(crate) fn is_at(file: &File, path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let own = file.metadata()?;
    match path.metadata() {
        Ok(named) => Ok((own.dev(), own.ino()) == (named.dev(), named.ino())),
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(err) => Err(err),
    }
}

/// Whether an open file still has this name: what is open cannot lose it here.
#[cfg(not(unix))]
pub(crate) fn is_at(_: &File, path: &Path) -> std::io::Result<bool> {
    path.try_exists()
}

pub(super) fn unwritable(path: &Path, err: std::io::Error) -> Error {
    Error::input(format!("{} cannot be written", path.display())).caused_by(err)
}
