//! One name for each file, however a step calls it: relative to the repository's root where it is inside.

use std::collections::HashMap;

use crate::model::Action;
use crate::model::Format;
use crate::model::Trajectory;
use crate::patch::FilePatch;
use crate::patch::parse_patch;

/// Resolves what steps call files.
#[derive(Debug)]
pub(super) struct Names {
    root: Option<String>,
    /// Every command begins in the same folder.
    is_fresh: bool,
    /// Where commands are now; `None` for the root.
    cwd: Option<String>,
    /// A command went elsewhere and nobody says where.
    is_lost: bool,
}

impl Names {
    /// Finds the repository's root by the paths that steps name and the patch's.
    pub(super) fn of(trajectory: &Trajectory, patch: &[FilePatch]) -> Self {
        let cwd = first_cwd(trajectory);
        let root = root_of(trajectory, patch).or_else(|| cwd.clone());
        Self {
            cwd: cwd.filter(|cwd| Some(cwd) != root.as_ref()),
            root,
            is_fresh: trajectory.source.format == Some(Format::MiniSweAgent),
            is_lost: false,
        }
    }

    /// The file's one name; `None` where nobody can tell which file is meant.
    pub(super) fn resolve(&self, path: &str, action: &Action) -> Option<String> {
        let path = path.trim();
        if path.is_empty() || path.contains('\0') {
            return None;
        }
        if path.starts_with('/') || path.starts_with('~') {
            return self.plain(path);
        }
        let own = action.shell.as_ref().and_then(|shell| shell.cwd.as_deref());
        if action.shell.is_some() && own.is_none() && self.is_lost {
            return None;
        }
        let folder = own.or(self.cwd.as_deref().filter(|_| action.shell.is_some()));
        match folder {
            Some(folder) if folder.starts_with('/') => self.plain(&format!("{folder}/{path}")),
            _ => self.in_repository(path),
        }
    }

    /// The name of a path that is relative to the root, as those of patches are.
    pub(super) fn in_repository(&self, path: &str) -> Option<String> {
        match &self.root {
            Some(root) => self.plain(&format!("{root}/{path}")),
            None => self.plain(path),
        }
    }

    /// Whether a name is the repository's root or a folder that it is in.
    pub(super) fn holds_root(&self, name: &str) -> bool {
        let root = self.root.as_deref().unwrap_or_default();
        let rest = root.strip_prefix(name.trim_end_matches('/'));
        name.starts_with('/') && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn plain(&self, path: &str) -> Option<String> {
        let mut parts: Vec<&str> = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop()?;
                }
                part => parts.push(part),
            }
        }
        let front = if path.starts_with('/') { "/" } else { "" };
        let whole = format!("{front}{}", parts.join("/"));
        let inner = self
            .root
            .as_deref()
            .and_then(|root| whole.strip_prefix(root)?.strip_prefix('/'));
        let name = inner.map_or(whole.clone(), str::to_owned);
        (!name.is_empty()).then_some(name)
    }

    /// Follows the folder that commands are in.
    pub(super) fn follow(&mut self, action: &Action) {
        let Some(shell) = &action.shell else { return };
        let told = action.observation.as_ref().and_then(|o| o.cwd.clone());
        if let Some(cwd) = told.filter(|cwd| cwd.starts_with('/')) {
            self.is_lost = false;
            self.cwd = Some(cwd.trim_end_matches('/').to_owned());
        } else if !self.is_fresh && moves(&shell.cmd) {
            self.is_lost = true;
        }
    }
}

/// Whether the command leaves its shell in another folder.
fn moves(cmd: &str) -> bool {
    cmd.split(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '('))
        .any(|word| matches!(word, "cd" | "pushd" | "popd"))
}

fn first_cwd(trajectory: &Trajectory) -> Option<String> {
    let actions = trajectory.steps.iter().flat_map(|step| &step.actions);
    let mut cwds = actions.filter_map(|action| {
        let own = action.shell.as_ref().and_then(|shell| shell.cwd.as_deref());
        own.or(action.observation.as_ref()?.cwd.as_deref())
    });
    let cwd = cwds.find(|cwd| cwd.len() > 1 && cwd.starts_with('/'))?;
    Some(cwd.trim_end_matches('/').to_owned())
}

/// The folder in which the repository lay when it was recorded, by the paths that steps and the final patch name; where
/// they do not tell, the folder in which the first command began. Absolute; `None` where nothing tells.
pub fn recorded_root(trajectory: &Trajectory) -> Option<String> {
    let patch = trajectory.final_patch.as_deref().unwrap_or_default();
    Names::of(trajectory, &parse_patch(patch)).root
}

/// The folder that most paths say the repository is in.
fn root_of(trajectory: &Trajectory, patch: &[FilePatch]) -> Option<String> {
    let mut by_name: HashMap<&str, Vec<&str>> = HashMap::new();
    for path in patch
        .iter()
        .flat_map(|file| [&file.old_path, &file.new_path])
    {
        let Some(inner) = path else { continue };
        let name = inner.rsplit('/').next().unwrap_or(inner);
        let known = by_name.entry(name).or_default();
        if known.len() < 8 && !known.contains(&inner.as_str()) {
            known.push(inner);
        }
    }
    let mut votes: HashMap<String, usize> = HashMap::new();
    let mut guesses: HashMap<String, usize> = HashMap::new();
    let actions = trajectory.steps.iter().flat_map(|step| &step.actions);
    let paths = actions.flat_map(|action| {
        let edits = action.edits.iter().map(|edit| edit.path.as_str());
        edits.chain(action.view.as_ref().map(|view| view.path.as_str()))
    });
    for path in paths.filter(|path| path.starts_with('/')) {
        let name = path.rsplit('/').next().unwrap_or(path);
        for inner in by_name.get(name).into_iter().flatten() {
            let root = path
                .strip_suffix(inner)
                .and_then(|front| front.strip_suffix('/'));
            if let Some(root) = root.filter(|root| !root.is_empty()) {
                *votes.entry(root.to_owned()).or_default() += 1;
            }
        }
        if let Some(root) = customary(path) {
            *guesses.entry(root.to_owned()).or_default() += 1;
        }
    }
    let most = |votes: HashMap<String, usize>| {
        let best = votes
            .into_iter()
            .max_by(|(a, x), (b, y)| x.cmp(y).then(b.cmp(a)));
        best.map(|(root, _)| root)
    };
    most(votes).or_else(|| most(guesses))
}

/// The folder in which sandboxes keep the repository.
fn customary(path: &str) -> Option<&str> {
    for root in ["/testbed", "/repo"] {
        if path
            .strip_prefix(root)
            .is_some_and(|rest| rest.starts_with('/'))
        {
            return path.get(..root.len());
        }
    }
    let is_workspace = path.starts_with("/workspace/");
    let inner = path
        .strip_prefix("/workspace/")
        .or(path.strip_prefix('/'))?;
    let (folder, _) = inner.split_once('/')?;
    let is_it = is_workspace || folder.contains("__");
    is_it.then(|| path.get(..path.len() - inner.len() + folder.len()))?
}
