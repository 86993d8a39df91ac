//! Sandboxes as containers of an engine that speaks Docker's API: docker, podman.
//!
//! Folders are copied in and out by the engine's archives, never mounted. Images are never fetched. A container has no
//! network and no capabilities; what else bounds it depends on the engine, and is asked rather than believed. It lives as
//! long as a line from us to its first process is open, so that the kernel ends it with hgview; what survives an engine
//! that does not close such lines is found by its label and removed by the next hgview.
//!
//! `/tmp` lies with the rest on the container's disk: archives of docker do not see a `tmpfs`.

mod archive;
mod container;
mod files;
mod line;
mod place;
mod process;
mod proofs;
mod raw;
mod stale;
mod watch;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::sandbox::Backend;
use crate::sandbox::Entry;
use crate::sandbox::Files;
use crate::sandbox::Launch;
use crate::sandbox::Layer;
use crate::sandbox::Process;
use crate::sandbox::Proof;
use crate::sandbox::Sandbox;
use crate::sandbox::Spec;
use crate::sandbox::System;
use crate::sandbox::Tier;
use crate::sandbox::copied::Comparison;
use crate::sandbox::copied::is_plain;
use crate::sandbox::engine::container::Container;
use crate::sandbox::engine::line::Line;
use crate::sandbox::engine::watch::Watch;

/// Starts containers.
#[derive(Debug, Clone)]
pub struct Engine {
    line: Arc<Line>,
}

impl Engine {
    /// The engine that answers first: of `DOCKER_HOST`, of `CONTAINER_HOST`, or, where neither is set, at the places where
    /// docker and podman listen. None may take longer than `patience` for an answer.
    ///
    /// # Errors
    /// *limit*, with what was tried and why it did not do.
    pub fn find(patience: Duration) -> Result<Self> {
        let mut tried = Vec::new();
        for place in place::candidates()? {
            match Self::at(&place, patience) {
                Ok(engine) => return Ok(engine),
                Err(error) => tried.push(error.to_string()),
            }
        }
        let what = if tried.is_empty() {
            "no socket of docker or podman is here".to_owned()
        } else {
            tried.join("; ")
        };
        Err(Error::limit(what).hint(
            "start docker, or `podman system service --time=0 unix:///tmp/podman.sock`, and set DOCKER_HOST to its socket",
        ))
    }

    /// The engine behind a socket.
    ///
    /// # Errors
    /// *limit* when nobody listens there, or does not answer in time, or does not speak Docker's API.
    pub fn at(socket: &Path, patience: Duration) -> Result<Self> {
        let line = Arc::new(Line::open(socket, patience)?);
        Ok(Self { line })
    }

    /// Its socket.
    pub fn socket(&self) -> &Path {
        self.line.socket()
    }

    /// The names of the images that it has, in order.
    ///
    /// # Errors
    /// *limit* when it does not answer.
    pub fn images(&self) -> Result<Vec<String>> {
        let docker = self.line.docker();
        let all = self.line.call("cannot list images", async move {
            docker
                .list_images(None::<bollard::query_parameters::ListImagesOptions>)
                .await
        })?;
        let mut names: Vec<String> = all.into_iter().flat_map(|image| image.repo_tags).collect();
        names.sort();
        Ok(names)
    }
}

impl Backend for Engine {
    fn tier(&self) -> Tier {
        Tier::Engine
    }

    fn start(&self, spec: &Spec, cancel: &Cancel) -> Result<Box<dyn Sandbox>> {
        let System::Image(image) = &spec.system else {
            return Err(
                Error::input("an engine runs images, not this machine's programs")
                    .hint("name an image, or choose another --backend"),
            );
        };
        stale::remove(&self.line);
        let container = Arc::new(Container::start(&self.line, image, spec)?);
        // what is copied in is no growth
        let lowers = spec.trees.iter().filter_map(|tree| tree.lower.as_deref());
        let (mut bytes, mut files) = spec.layer.as_ref().map_or((0, 0), |layer| {
            (layer.len_bytes(), layer.entries.len() as u64)
        });
        for lower in lowers {
            let (more_bytes, more_files) = archive::size_of(lower);
            bytes += more_bytes;
            files += more_files;
        }
        let mut sandbox = Running {
            spec: spec.clone(),
            proofs: Vec::new(),
            watch: Watch::new(&container, &spec.limits, (bytes, files)),
            container,
        };
        sandbox.fill(cancel)?;
        sandbox.proofs = proofs::of(&sandbox.container, &spec.limits);
        Ok(Box::new(sandbox))
    }
}

/// A container that runs.
struct Running {
    spec: Spec,
    proofs: Vec<Proof>,
    watch: Watch,
    container: Arc<Container>,
}

impl Running {
    /// Copies the folders in, then the changes of the layer.
    fn fill(&mut self, cancel: &Cancel) -> Result<()> {
        let owner = self.container.owner();
        let mut folders = vec![self.spec.home.as_str()];
        folders.extend(self.spec.trees.iter().map(|tree| tree.at.as_str()));
        let mut missing = BTreeSet::new();
        for folder in folders {
            missing.extend(self.missing(folder)?);
        }
        if !missing.is_empty() {
            // root of a container has no right to make them where it has no capabilities
            let packed = archive::pack_empty(&missing, owner)?;
            self.container.upload("/", packed)?;
        }
        for tree in &self.spec.trees {
            if let Some(lower) = &tree.lower {
                let packed = archive::pack_folder(lower, owner, cancel)?;
                self.container.upload(&tree.at, packed)?;
            }
            let Some(layer) = &self.spec.layer else {
                continue;
            };
            for gone in archive::to_remove(layer, &tree.at).chunks(100) {
                self.container.order("rm -rf -- \"$@\"", gone)?;
            }
            let packed = archive::pack_layer(layer, &tree.at, owner)?;
            self.container.upload(&tree.at, packed)?;
        }
        Ok(())
    }

    /// The folders on the way to a path that are not there, without their first `/`.
    fn missing(&self, path: &str) -> Result<Vec<String>> {
        let mut missing = Vec::new();
        let plain = path.trim_matches('/');
        let ends = plain.match_indices('/').map(|(at, _)| at);
        for end in ends.chain([plain.len()]) {
            let above = plain.get(..end).unwrap_or_default();
            let is_there = missing.is_empty()
                && match self.container.stat(&format!("/{above}")) {
                    Ok(_) => true,
                    Err(unanswered) if unanswered.is_absence() => false,
                    Err(unanswered) => {
                        return Err(Error::limit(format!("cannot make {path}"))
                            .caused_by(unanswered.to_string()));
                    }
                };
            if !is_there && !above.is_empty() {
                missing.push(above.to_owned());
            }
        }
        Ok(missing)
    }

    fn alive(&self) -> Result<()> {
        match self.watch.reached() {
            Some(why) => Err(Error::limit(format!("the sandbox was ended: {why}"))),
            None => self.container.alive(),
        }
    }

    /// What changed in a folder that came with the image, as the engine tells it: only these paths are looked at.
    fn changes_in(&self, at: &str) -> Result<BTreeMap<Vec<u8>, bool>> {
        let changes = self.container.changes()?;
        let prefix = format!("{}/", at.trim_end_matches('/'));
        let below = |path: String| Some(path.strip_prefix(&prefix)?.as_bytes().to_vec());
        let inside = changes
            .into_iter()
            .filter_map(|(path, is_gone)| Some((below(path)?, is_gone)));
        Ok(inside.filter(|(path, _)| is_plain(path)).collect())
    }
}

impl Sandbox for Running {
    fn tier(&self) -> Tier {
        Tier::Engine
    }

    fn proofs(&self) -> &[Proof] {
        &self.proofs
    }

    fn spawn(&mut self, launch: &Launch) -> Result<Box<dyn Process>> {
        self.alive()?;
        let most = self.spec.limits.output;
        let process = process::Running::start(&self.container, launch, most, self.watch.told())?;
        Ok(Box::new(process))
    }

    fn files(&mut self) -> &mut dyn Files {
        self
    }

    fn layer(&mut self, known: Option<&Layer>) -> Result<Layer> {
        self.alive()?;
        let mut layer = Layer::default();
        for tree in &self.spec.trees {
            let changes = match tree.lower {
                Some(_) => None,
                None => Some(self.changes_in(&tree.at)?),
            };
            let left = self.spec.limits.disk.saturating_sub(layer.len_bytes());
            let mut comparison = Comparison::new(&tree.at, tree.lower.as_deref(), known, left);
            let began_with = match &tree.lower {
                Some(lower) => archive::size_of(lower).0,
                None => self.container.sizes()?.1,
            };
            let most = began_with.saturating_add(self.spec.limits.disk);
            let packed = self.container.download(&tree.at, most)?;
            archive::unpack(packed, &mut |below, now| {
                let is_changed = changes.as_ref().is_none_or(|all| all.contains_key(below));
                if is_changed {
                    comparison.see(below, now)?;
                }
                Ok(())
            })?;
            layer.entries.extend(comparison.finish(&Cancel::new())?);
            let gone = changes
                .into_iter()
                .flatten()
                .filter(|(_, is_gone)| *is_gone);
            for (below, _) in gone {
                let full = [tree.at.as_bytes(), b"/", &below].concat();
                layer.entries.insert(full, Entry::Removed);
            }
        }
        Ok(layer)
    }

    fn kill(&mut self) {
        self.container.remove();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The place of a socket as a `DOCKER_HOST` names it.
///
/// # Errors
/// *user* when it is no socket of this machine: nothing is sent elsewhere.
fn socket_of(host: &str) -> Result<PathBuf> {
    match host.strip_prefix("unix://") {
        Some(path) => Ok(PathBuf::from(path)),
        None if host.starts_with('/') => Ok(PathBuf::from(host)),
        None => Err(Error::user(format!(
            "the engine {host} is not on a socket of this machine (unix://…)"
        ))),
    }
}
