//! The final patch of a replay, and what it has in common with the recorded one.
//!
//! The patch is made as producers make it: git in the sandbox stages everything and shows what differs from the base
//! commit; binary files are dropped. Where there is no git it is made of the files themselves. What is compared is the
//! text, and, file by file, what results: the recorded patch applied to the base beside the bytes of the sandbox.

mod compare;
mod own;

pub(super) use compare::compare;
pub(super) use own::by_layer;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::replay::base::run_ours;
use crate::sandbox::Sandbox;

/// The patch that git in the sandbox tells against a commit, as the producers ask for it; `None` where git does not do
/// it. Everything in the workspace is staged for it, and git folders below it are gone, as with them.
///
/// # Errors
/// *limit* when the sandbox died or it was cancelled.
pub(super) fn by_git(
    root: &str,
    commit: &str,
    sandbox: &mut dyn Sandbox,
    cancel: &Cancel,
) -> Result<Option<String>> {
    let nested = [
        "find",
        ".",
        "-mindepth",
        "2",
        "-type",
        "d",
        "-name",
        ".git",
        "-prune",
        "-exec",
        "rm",
        "-rf",
        "{}",
        "+",
    ];
    // without them git would take their folders for submodules; where it does not work, that is what is shown
    let _shown = run_ours(root, &nested, sandbox, cancel)?;
    let staged = run_ours(root, &["git", "add", "-A"], sandbox, cancel)?;
    if !staged.is_ok_and(|ran| ran.is_ok()) {
        return Ok(None);
    }
    // its warnings are no part of the patch
    let line = "exec git --no-pager diff --no-color --cached \"$1\" 2>/dev/null";
    let diff = ["sh", "-c", line, "sh", commit];
    let diff = run_ours(root, &diff, sandbox, cancel)?;
    let diff = diff.ok().filter(|ran| ran.is_ok() && !ran.is_cut);
    Ok(diff.map(|ran| without_binary(&ran.text())))
}

/// A patch without the files that git calls binary, as producers keep it.
fn without_binary(patch: &str) -> String {
    let is_binary = |part: &str| {
        part.lines()
            .any(|line| line.starts_with("Binary files ") || line.starts_with("GIT binary patch"))
    };
    parts(patch).filter(|part| !is_binary(part)).collect()
}

/// The parts of a patch, one for each file, and what stands before the first.
fn parts(patch: &str) -> impl Iterator<Item = &str> {
    let mut rest = patch;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memmem::find(rest.as_bytes(), b"\ndiff --git ");
        let (part, next) = rest.split_at(end.map_or(rest.len(), |at| at + 1));
        rest = next;
        Some(part)
    })
}

#[cfg(test)]
mod tests;
