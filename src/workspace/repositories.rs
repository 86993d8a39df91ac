//! Where the repositories of tasks are, and each of them as its task was made of it: a git repository at the base commit,
//! or a plain folder or archive that holds the Python files by which the task names it.

mod name;

pub use name::is_archive;
pub use name::repository_name;

use std::collections::HashMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::TryLockError;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::model::Task;
use crate::model::Trajectory;
use crate::text::excerpt;
use crate::workspace::archive;
use crate::workspace::checkout::is_repository;
use crate::workspace::snapshot::Snapshot;

/// Folders and archives that are kept open at once, and the bytes of archives that are held for it.
const MOST_KEPT: usize = 32;
const MOST_HELD: u64 = 1 << 30;
/// Cells of a name that are told.
const NAME_CELLS: usize = 16;

/// Where the repositories of tasks are. Clones share what they have read of folders and archives.
#[derive(Debug, Clone, Default)]
pub struct Repositories {
    /// One repository, for whatever task: a checkout, a bare repository, a plain folder, an archive.
    pub repo: Option<PathBuf>,
    /// A folder of such, called as [`repository_name`] tells.
    pub repos: Option<PathBuf>,
    known: Arc<Known>,
}

impl PartialEq for Repositories {
    fn eq(&self, other: &Self) -> bool {
        (&self.repo, &self.repos) == (&other.repo, &other.repos)
    }
}

impl Eq for Repositories {}

impl Repositories {
    /// Opens nothing yet.
    pub fn new(repo: Option<PathBuf>, repos: Option<PathBuf>) -> Self {
        Self {
            repo,
            repos,
            known: Arc::default(),
        }
    }

    /// Whether none was named.
    pub fn is_empty(&self) -> bool {
        self.repo.is_none() && self.repos.is_none()
    }

    /// Looks whether they are what they should be, before long work begins.
    ///
    /// # Errors
    /// *input* when `repo` is neither a folder nor an archive, or `repos` is no folder.
    pub fn check(&self) -> Result<()> {
        if let Some(repo) = &self.repo
            && !repo.is_dir()
        {
            if !repo.exists() {
                return Err(Error::input(format!("{} is not there", repo.display()))
                    .hint("name a checkout, a bare repository, a plain folder or an archive"));
            }
            archive::check(repo)?;
        }
        if let Some(repos) = &self.repos
            && !repos.is_dir()
        {
            return Err(Error::input(format!("{} is no folder", repos.display()))
                .hint("name a folder that holds owner__name folders, owner__name.git mirrors or archives"));
        }
        Ok(())
    }

    /// The repository of a trajectory's task in the state from which the agent started; `None` where no repository was
    /// named at all.
    ///
    /// # Errors
    /// As [`Self::open`] does.
    pub fn of(
        &self,
        trajectory: &Trajectory,
        cancel: &Cancel,
    ) -> Option<Result<Arc<Snapshot>, String>> {
        (!self.is_empty()).then(|| {
            let task = trajectory.task.as_ref();
            self.open(task.ok_or("the record names no task")?, cancel)
        })
    }

    /// The repository of a task in the state of which the task was made. A git repository is read at the task's base
    /// commit. The Python files of a folder or archive have to be those by which the task names it; a task that names no
    /// state takes it as it is. Folders and archives are read once, by whoever asks first.
    ///
    /// # Errors
    /// Says in words why there is none: none was named, or none for this task; it has no such commit, holds other files,
    /// cannot be read; it was cancelled.
    pub fn open(&self, task: &Task, cancel: &Cancel) -> Result<Arc<Snapshot>, String> {
        let repos = match (&self.repo, &self.repos) {
            (Some(repo), _) => return self.open_at(repo, task, cancel),
            (None, Some(repos)) => repos,
            (None, None) => return Err("no repository was named".to_owned()),
        };
        let name = task.repo.as_deref().ok_or("the task names no repository")?;
        let mut first_why = None;
        let mut try_open = |place: &Path| {
            let opened = self.open_at(place, task, cancel);
            opened
                .map_err(|why| first_why.get_or_insert(why).clone())
                .ok()
        };
        let direct = direct_places(repos, name);
        if let Some(found) = direct.iter().find_map(|place| try_open(place)) {
            return Ok(found);
        }
        // several are called alike where there are a source distribution and a wheel
        let mut others = self.known.called(repos, name).into_iter();
        if let Some(found) = others.find_map(|place| {
            let is_new = !direct.contains(&place);
            is_new.then(|| try_open(&place))?
        }) {
            return Ok(found);
        }
        Err(first_why.unwrap_or_else(|| format!("there is no repository of {name}")))
    }

    fn open_at(&self, path: &Path, task: &Task, cancel: &Cancel) -> Result<Arc<Snapshot>, String> {
        let state = task.base_commit.as_deref().map(str::trim);
        let state = state.filter(|state| !state.is_empty());
        if path.is_dir() && is_repository(path) {
            let commit = state.ok_or("the task names no base commit")?;
            return Snapshot::of_commit(path, commit).map(Arc::new);
        }
        let found = self.known.snapshot(path, state, cancel)?;
        match state {
            Some(state) if state != found.name() => Err(format!(
                "{} has no commits, and its Python files are not those that the task was made of: they are named {}, the \
                 base commit is {}",
                path.display(),
                excerpt(found.name(), NAME_CELLS),
                excerpt(state, NAME_CELLS),
            )),
            _ => Ok(found),
        }
    }
}

/// Checkouts, bare mirrors and plain folders that are called `owner__name` or `owner__name.git`, those of git first.
fn direct_places(repos: &Path, name: &str) -> Vec<PathBuf> {
    let name = name.trim_end_matches('/').trim_end_matches(".git");
    let mut parts = name.rsplit('/');
    let (last, owner) = (parts.next().unwrap_or_default(), parts.next());
    let is_plain =
        |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', '\0']);
    if !is_plain(last) || owner.is_some_and(|owner| !is_plain(owner)) {
        return Vec::new();
    }
    let joined = owner.map_or_else(|| last.to_owned(), |owner| format!("{owner}__{last}"));
    let places = [joined.clone(), format!("{joined}.git")];
    let places = places.map(|place| repos.join(place)).into_iter();
    let mut places: Vec<PathBuf> = places.filter(|place| place.is_dir()).collect();
    places.sort_by_key(|place| !is_repository(place));
    places
}

/// Folders and archives in a folder, by name; hidden ones, caches and links are passed over.
///
/// # Errors
/// *input* when it cannot be read.
pub fn repositories_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot = |err| Error::input(format!("{} cannot be read", folder.display())).caused_by(err);
    let mut inner = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let name = entry.file_name();
        let is_hidden = name.as_encoded_bytes().starts_with(b".") || name == "__pycache__";
        let kind = entry.file_type().map_err(cannot)?;
        let is_one = kind.is_dir() || (kind.is_file() && is_archive(&entry.path()));
        if is_one && !is_hidden {
            inner.push(entry.path());
        }
    }
    inner.sort();
    Ok(inner)
}

/// A folder or archive that is open, or is being opened by whoever holds the lock.
type Slot = Arc<Mutex<Option<Seen>>>;

/// When a folder or archive was opened, and what came of it.
type Seen = (Instant, Result<Arc<Snapshot>, String>);

/// Waits for whoever opens the same folder or archive, which takes seconds for a large one, as long as it is wanted.
fn lock<'a>(slot: &'a Slot, cancel: &Cancel) -> Result<MutexGuard<'a, Option<Seen>>, String> {
    const LOOK: Duration = Duration::from_millis(5);
    loop {
        match slot.try_lock() {
            Ok(place) => return Ok(place),
            Err(TryLockError::Poisoned(place)) => return Ok(place.into_inner()),
            Err(TryLockError::WouldBlock) if cancel.is_cancelled() => {
                return Err("cancelled".to_owned());
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK),
        }
    }
}

/// How long is believed that a folder or archive is not what a task was made of: somebody may be mending it.
const BELIEVED: Duration = Duration::from_secs(10);

/// What is known of folders and archives.
#[derive(Default)]
struct Known {
    /// Those that were asked for last come last.
    open: Mutex<Vec<(PathBuf, Slot)>>,
    /// What the repositories of a folder are called, and when the folder last changed.
    names: Mutex<Option<Names>>,
}

struct Names {
    changed: Option<SystemTime>,
    places: HashMap<String, Vec<PathBuf>>,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known").finish_non_exhaustive()
    }
}

impl Known {
    /// A folder or archive in this state, where one is named; read once, also where several ask at the same time, and
    /// once more where it was found to be another one a while ago.
    fn snapshot(
        &self,
        path: &Path,
        state: Option<&str>,
        cancel: &Cancel,
    ) -> Result<Arc<Snapshot>, String> {
        let slot = self.slot(path);
        let mut place = lock(&slot, cancel)?;
        if let Some((when, known)) = &*place {
            let is_it = |known: &Arc<Snapshot>| state.is_none_or(|state| known.name() == state);
            if known.as_ref().is_ok_and(is_it) || when.elapsed() < BELIEVED {
                return known.clone();
            }
        }
        let opened = Snapshot::of_files(path, cancel).map(Arc::new);
        if !cancel.is_cancelled() {
            *place = Some((Instant::now(), opened.clone()));
        }
        drop(place);
        self.trim();
        opened
    }

    fn slot(&self, path: &Path) -> Slot {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let known = open.iter().position(|(known, _)| known == path);
        let (path, slot) = known.map_or_else(
            || (path.to_owned(), Slot::default()),
            |place| open.remove(place),
        );
        open.push((path, Arc::clone(&slot)));
        slot
    }

    /// Lets go of those that were asked for longest ago, where they are too many or hold too much.
    fn trim(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let held = |slot: &Slot| {
            // one that is being opened holds nothing yet
            let place = slot.try_lock().ok()?;
            let opened = place.as_ref()?.1.as_ref().ok()?;
            Some(opened.held_bytes())
        };
        let mut left = MOST_HELD;
        let mut kept = 0;
        for (_, slot) in open.iter().rev().take(MOST_KEPT) {
            match left.checked_sub(held(slot).unwrap_or(0)) {
                Some(less) => left = less,
                // the last one stays, whatever it holds
                None if kept > 0 => break,
                None => left = 0,
            }
            kept += 1;
        }
        let gone = open.len().saturating_sub(kept);
        open.drain(..gone);
    }

    /// The repositories of a folder that are called so, those of git first.
    fn called(&self, repos: &Path, name: &str) -> Vec<PathBuf> {
        let changed = std::fs::metadata(repos).and_then(|meta| meta.modified());
        let changed = changed.ok();
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.as_ref().is_none_or(|known| known.changed != changed) {
            let mut places: HashMap<String, Vec<PathBuf>> = HashMap::new();
            for place in repositories_in(repos).unwrap_or_default() {
                places
                    .entry(repository_name(&place))
                    .or_default()
                    .push(place);
            }
            for places in places.values_mut() {
                places.sort_by_key(|place| !is_repository(place));
            }
            *names = Some(Names { changed, places });
        }
        let known = names.as_ref().and_then(|known| known.places.get(name));
        known.cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
