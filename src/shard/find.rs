//! Finds the shares of a division, and which of them are missing.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use crate::error::Error;
use crate::error::Result;
use crate::shard::Kind;
use crate::shard::Shard;

/// The shares of one division.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The complete shares, in order.
    pub files: Vec<PathBuf>,
    /// Shares that are not there, or not complete; from 0.
    pub missing: Vec<u64>,
    /// Of how many.
    pub of: u64,
}

/// Finds the shares among `paths`: folders of shares, and shares by name. `allow_partial` takes what is there where some
/// are missing.
///
/// # Errors
/// *input* when there are none, when some are missing, when they are of several divisions, and when one of them lies in two
/// places.
pub fn find(kind: Kind, paths: &[PathBuf], allow_partial: bool) -> Result<Found> {
    let mut shares = Shares::default();
    for path in paths {
        if path.is_dir() {
            let entries = std::fs::read_dir(path).map_err(|err| unreadable(path, err))?;
            for entry in entries.flatten() {
                shares.add(kind, &entry.path())?;
            }
        } else if !shares.add(kind, path)? {
            path.metadata().map_err(|err| unreadable(path, err))?;
            let what = format!("{} is not named as shares are", path.display());
            let name = Shard::WHOLE.file_name(kind);
            return Err(Error::input(what).hint(format!("a share is called as {name} is")));
        }
    }
    let found = shares.sort(kind, paths)?;
    if !found.missing.is_empty() && !allow_partial {
        let (missing, of) = (found.missing.len(), found.of);
        let what = format!(
            "{missing} of {of} shares are missing: {}",
            list(&found.missing)
        );
        return Err(Error::input(what).hint("--allow-partial merges those that are complete"));
    }
    Ok(found)
}

/// The shares that were come to so far.
#[derive(Debug, Default)]
struct Shares {
    complete: BTreeMap<Shard, PathBuf>,
    /// An example of each division.
    divisions: BTreeMap<u64, PathBuf>,
}

impl Shares {
    /// Takes a file; `false` where it is no share.
    fn add(&mut self, kind: Kind, path: &Path) -> Result<bool> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some((shard, is_complete)) = Shard::of_file_name(kind, &name) else {
            return Ok(false);
        };
        self.divisions
            .entry(shard.of)
            .or_insert_with(|| path.to_path_buf());
        if is_complete && let Some(other) = self.complete.insert(shard, path.to_path_buf()) {
            let is_same = match (path.canonicalize(), other.canonicalize()) {
                (Ok(path), Ok(other)) => path == other,
                _ => false,
            };
            if !is_same {
                return Err(Error::input(format!(
                    "share {} of {} is there twice: {} and {}",
                    shard.nth,
                    shard.of,
                    other.display(),
                    path.display()
                )));
            }
        }
        Ok(true)
    }

    fn sort(self, kind: Kind, paths: &[PathBuf]) -> Result<Found> {
        let mut several = self.divisions.iter();
        let Some((of, _)) = several.next() else {
            let names: Vec<String> = paths
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            let what = format!("{} holds no shares", names.join(", "));
            let hint = format!(
                "`hgview {} PATH --shard K/N --out DIR` makes them",
                kind.command
            );
            return Err(Error::input(what).hint(hint));
        };
        if let Some((other, path)) = several.next() {
            let what = format!(
                "shares of {of} and of {other} lie together: {}",
                path.display()
            );
            return Err(Error::input(what).hint("merge each division in a folder of its own"));
        }
        let is_there = |nth: &u64| {
            let shard = Shard { nth: *nth, of: *of };
            self.complete.contains_key(&shard)
        };
        Ok(Found {
            missing: (0..*of).filter(|nth| !is_there(nth)).collect(),
            of: *of,
            files: self.complete.into_values().collect(),
        })
    }
}

pub(super) fn unreadable(path: &Path, err: std::io::Error) -> Error {
    Error::input(format!("{} cannot be read", path.display())).caused_by(err)
}

/// Numbers, the first of them.
fn list(numbers: &[u64]) -> String {
    const SHOWN: usize = 20;
    let shown: Vec<String> = numbers.iter().take(SHOWN).map(u64::to_string).collect();
    let rest = numbers.len().saturating_sub(SHOWN);
    let rest = if rest > 0 {
        format!(" and {rest} more")
    } else {
        String::new()
    };
    format!("{}{rest}", shown.join(", "))
}
