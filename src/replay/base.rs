//! The state from which a task began, as a folder that sandboxes show and never change.
//!
//! It comes from an archive or an unpacked image that was named, from a repository at the task's base commit, from the
//! image that the task names, or, where none of them is at hand, from what the trajectory itself shows. A repository's
//! own git folder is not part of it, nor is what lies uncommitted in a checkout: the commit's files are. What is missing
//! is told. [`Workspace`] is the whole of it for a replay: where the folder lies, how it is prepared, its final patch.

mod archive;
mod command;
mod lower;
mod place;
mod prepare;
mod rebuilt;
mod root;
mod start;
mod trees;
mod workspace;
mod write_out;

pub use command::Ran;
pub use command::run_command;
pub(in crate::replay) use lower::Found;
pub(in crate::replay) use lower::State;
pub use place::Bounds;
pub use place::Place;
pub use prepare::Preparations;
pub(in crate::replay) use prepare::run_ours;
pub use start::BaseChange;
pub use start::answer_files;
pub use start::commit_message;
pub use start::localize_targets;
pub use workspace::Finished;
pub use workspace::Workspace;
pub use write_out::Outgoing;
pub use write_out::write_out;

use std::path::Path;
use std::path::PathBuf;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::model::Trajectory;
use crate::model::Value;
use crate::replay::BaseKind;
use crate::replay::base::place::Refused;
use crate::replay::base::rebuilt::Rebuilt;
use crate::replay::base::trees::Held;
use crate::replay::base::trees::Trees;
use crate::sandbox::System;
use crate::sandbox::Tree;
use crate::workspace::repositories::Repositories;

/// Entries of a repository, and bytes of one file of it.
const MOST: (u64, u64) = (500_000, 1 << 30);

/// Where base states come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BaseSources {
    /// Repositories of the tasks.
    pub repositories: Repositories,
    /// One archive, for whatever task.
    pub archive: Option<PathBuf>,
    /// One unpacked image, for whatever task: a folder that holds `usr`, `etc` and the rest.
    pub rootfs: Option<PathBuf>,
    /// Whether the image that a task names may be used; an engine has to have it.
    pub use_images: bool,
    /// Folders of the host that commands may read at their own paths: toolchains outside `/usr`.
    pub readable: Vec<PathBuf>,
    /// hgview's cache folder.
    pub cache: PathBuf,
}

/// The state from which a task began.
#[derive(Debug, Clone)]
pub struct Base {
    /// From what it was made.
    pub kind: BaseKind,
    /// The workspace's folder. It has no lower one where it is empty, or lies in an image that only an engine has.
    pub tree: Tree,
    /// The system around it.
    pub system: System,
    /// What is not as it was when it was recorded, in words.
    pub notes: Vec<String>,
    /// Names the content; the same for the same files.
    key: String,
    /// Keeps the folder where it is.
    _held: Option<Held>,
}

impl BaseSources {
    /// Looks whether they are what they should be, before long work begins.
    ///
    /// # Errors
    /// *input* when something that was named is not there.
    pub fn check(&self) -> Result<()> {
        self.repositories.check()?;
        if let Some(archive) = self.archive.as_ref().filter(|archive| !archive.is_file()) {
            return Err(Error::input(format!("{} is no file", archive.display()))
                .hint("name a .tar, .tar.gz, .tar.zst, .zip or .whl file"));
        }
        if let Some(folder) = self.readable.iter().find(|folder| !folder.is_dir()) {
            return Err(Error::input(format!("{} is no folder", folder.display()))
                .hint("name the folder of a toolchain"));
        }
        if let Some(rootfs) = self
            .rootfs
            .as_ref()
            .filter(|rootfs| !rootfs.join("usr").is_dir())
        {
            return Err(
                Error::input(format!("{} is no unpacked image", rootfs.display()))
                    .hint("name a folder that holds usr, etc and the rest of a system"),
            );
        }
        Ok(())
    }

    /// The state from which a trajectory began. Its folder is made if the cache does not have it.
    ///
    /// # Errors
    /// *input* when the archive or a commit cannot be read, or the cache not be written; *limit* when it holds too much.
    pub fn base(&self, trajectory: &Trajectory, cancel: &Cancel) -> Result<Base> {
        let at = root::root(trajectory);
        let mut notes = Vec::new();
        let mut base = self.files(trajectory, &at, &mut notes, cancel)?;
        if let Some(rootfs) = &self.rootfs {
            base.system = System::Rootfs(absolute(rootfs)?);
        }
        notes.append(&mut base.notes);
        base.notes = notes;
        Ok(base)
    }

    fn files(
        &self,
        trajectory: &Trajectory,
        at: &str,
        notes: &mut Vec<String>,
        cancel: &Cancel,
    ) -> Result<Base> {
        let trees = Trees::new(&self.cache);
        if let Some(archive) = &self.archive {
            let key = archive::key(archive)?;
            let held = trees.get(&key, &mut |place| archive::unpack(archive, place, cancel))?;
            return Ok(Base::held(BaseKind::Archive, at, key, held));
        }
        if let Some(inside) = self
            .rootfs
            .as_deref()
            .and_then(|rootfs| folder_in(rootfs, at))
        {
            let key = format!("rootfs-{}", inside.display());
            return Ok(Base::of(BaseKind::Image, at, Some(inside), key));
        }
        match self.repositories.of(trajectory, cancel) {
            Some(Ok(snapshot)) => {
                let key = snapshot.whole_name(MOST, cancel);
                let key = key.map_err(|why| {
                    Error::input(format!("the task's files cannot be read: {why}"))
                })?;
                let held = trees.get(&key, &mut |place| {
                    write_out(
                        &|each| snapshot.files(MOST, cancel, each),
                        place,
                        &Outgoing::default(),
                    )
                })?;
                return Ok(Base::held(BaseKind::Repository, at, key, held));
            }
            Some(Err(why)) => notes.push(format!("the task's repository is not at hand: {why}")),
            None => {}
        }
        if let Some(image) = image_of(trajectory).filter(|_| self.use_images) {
            let mut base = Base::of(BaseKind::Image, at, None, format!("image-{image}"));
            base.system = System::Image(image);
            return Ok(base);
        }
        let mut rebuilt = Rebuilt::of(trajectory, cancel);
        notes.append(&mut rebuilt.notes);
        if rebuilt.files.is_empty() {
            notes.push("nothing is known of the workspace: it is empty".to_owned());
            return Ok(Base::of(BaseKind::Empty, at, None, "empty".to_owned()));
        }
        let key = rebuilt.key();
        let held = trees.get(&key, &mut |place| {
            let mut refused = Refused::default();
            for (path, text) in &rebuilt.files {
                let put = place.file(path.as_bytes(), 0o644, &mut text.as_bytes())?;
                refused.take(path.as_bytes(), put);
            }
            Ok(refused.notes())
        })?;
        Ok(Base::held(BaseKind::Rebuilt, at, key, held))
    }
}

impl Base {
    fn of(kind: BaseKind, at: &str, lower: Option<PathBuf>, key: String) -> Self {
        Self {
            kind,
            tree: Tree {
                at: at.to_owned(),
                lower,
            },
            system: System::Host,
            notes: Vec::new(),
            key,
            _held: None,
        }
    }

    fn held(kind: BaseKind, at: &str, key: String, held: Held) -> Self {
        Self {
            notes: held.notes.clone(),
            _held: Some(held.clone()),
            ..Self::of(kind, at, Some(held.path), key)
        }
    }
}

/// The image that a task names.
fn image_of(trajectory: &Trajectory) -> Option<String> {
    const FIELDS: [&str; 4] = ["image", "image_name", "docker_image", "instance_image_key"];
    let instance = trajectory.task.as_ref()?.instance.as_ref()?;
    let image = FIELDS.iter().find_map(|field| {
        let name = instance.get(field).and_then(Value::as_str)?.trim();
        let is_name = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
        let is_plain =
            name.chars().all(is_name) && name.starts_with(|c: char| c.is_ascii_alphanumeric());
        is_plain.then(|| name.to_owned())
    })?;
    Some(image)
}

/// A folder of an unpacked image, found without following a link.
fn folder_in(rootfs: &Path, at: &str) -> Option<PathBuf> {
    let mut folder = absolute(rootfs).ok()?;
    for part in at.split('/').filter(|part| !part.is_empty()) {
        folder.push(part);
        if !folder.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
            return None;
        }
    }
    Some(folder)
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path)
        .map_err(|err| Error::input(format!("{} cannot be found", path.display())).caused_by(err))
}

#[cfg(test)]
mod tests;
