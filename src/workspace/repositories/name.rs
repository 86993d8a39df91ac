//! What a repository is called.

use std::path::Path;

use crate::workspace::checkout;

/// The endings of archives, longer ones first.
const ARCHIVES: [&str; 9] = [
    ".tar.gz", ".tar.zst", ".tar.bz2", ".tar.xz", ".tgz", ".tar", ".zip", ".whl", ".egg",
];
/// The owner of what tells none.
const NOBODY: &str = "local";

/// `owner/name` of what lies at a path: from a folder or archive called `owner__name`, from the address that a repository
/// was cloned from, else from the name of the folder or archive alone.
pub fn repository_name(path: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_gone| path.to_owned());
    let file = whole.file_name().unwrap_or_default().to_string_lossy();
    let stem = stem(&file);
    if let Some((owner, name)) = stem.split_once("__")
        && !owner.is_empty()
        && !name.is_empty()
    {
        return format!("{}/{}", plain(owner), plain(name));
    }
    let origin = checkout::origin(path).and_then(|address| of_address(&address));
    origin.unwrap_or_else(|| format!("{NOBODY}/{}", plain(stem)))
}

/// Whether a file's name is that of an archive.
pub fn is_archive(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_ascii_lowercase();
    ARCHIVES.iter().any(|ending| name.ends_with(ending))
}

/// A file's name without the ending of an archive or mirror; of a wheel its name and version.
fn stem(file: &str) -> &str {
    if let Some(wheel) = file.strip_suffix(".whl") {
        let ends = wheel.match_indices('-').map(|(at, _)| at);
        let end = ends.skip(1).chain([wheel.len()]).next();
        return end.and_then(|end| wheel.get(..end)).unwrap_or(wheel);
    }
    let endings = ARCHIVES.iter().chain(&[".git"]);
    let mut cut = endings.filter_map(|ending| file.strip_suffix(ending));
    cut.next().unwrap_or(file)
}

/// The last two names of an address, `https://site/owner/name.git` or `git@site:owner/name`.
fn of_address(address: &str) -> Option<String> {
    let address = address.trim_end_matches('/');
    let address = address.strip_suffix(".git").unwrap_or(address);
    let path = address.split_once("://").map_or(address, |(_, path)| path);
    let mut names = path.rsplit(['/', ':']).filter(|name| !name.is_empty());
    let (name, owner) = (names.next()?, names.next()?);
    // a folder of this machine has no owner
    let is_local = address.starts_with(['/', '.']) || address.starts_with("file://");
    (!is_local && !owner.contains('.')).then(|| format!("{}/{}", plain(owner), plain(name)))
}

/// What ids and rows can hold without harm.
fn plain(name: &str) -> String {
    let kept = |letter: char| {
        let is_plain = letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.');
        if is_plain { letter } else { '-' }
    };
    let name: String = name.chars().map(kept).collect();
    if name.is_empty() {
        "unnamed".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, want: &str) {
        assert_eq!(repository_name(Path::new(path)), want);
    }

    #[test]
    fn names_of_folders_and_archives() {
        check("/none/pallets__flask", "pallets/flask");
        check("/none/pallets__flask.git", "pallets/flask");
        check("/none/flask", "local/flask");
        check("/none/requests-2.31.0.tar.gz", "local/requests-2.31.0");
        check(
            "/none/requests-2.31.0-py3-none-any.whl",
            "local/requests-2.31.0",
        );
        check("/none/pallets__flask.zip", "pallets/flask");
        check("/none/__x", "local/__x");
        check("/none/a b\u{1b}", "local/a-b-");
    }

    #[test]
    fn names_of_addresses() {
        for address in [
            "https://github.com/pallets/flask.git",
            "git@github.com:pallets/flask.git",
            "ssh://git@host:22/pallets/flask/",
            "https://token@host/group/pallets/flask",
        ] {
            assert_eq!(
                of_address(address).as_deref(),
                Some("pallets/flask"),
                "{address}"
            );
        }
        for address in [
            "/srv/mirrors/flask.git",
            "../flask",
            "file:///srv/x/flask",
            "flask",
            "",
        ] {
            assert_eq!(of_address(address), None, "{address}");
        }
    }
}
