//! Paths as the tools read them: Python's `pathlib` where they are Python programs.

/// A path as `str(Path(path))` gives it: no empty and no `.` parts, `..` as it stands.
pub(super) fn pure(path: &str) -> String {
    let root = match path.len() - path.trim_start_matches('/').len() {
        0 => "",
        // Exactly two slashes at the start are another root to POSIX.
        2 => "//",
        _ => "/",
    };
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    let joined = format!("{root}{}", parts.join("/"));
    if joined.is_empty() {
        ".".to_owned()
    } else {
        joined
    }
}

/// The path below `cwd`, or itself where it is absolute.
pub(super) fn join(cwd: &str, path: &str) -> String {
    if path.starts_with('/') {
        pure(path)
    } else {
        pure(&format!("{}/{path}", cwd.trim_end_matches('/')))
    }
}

/// The path without `.` and `..`, by its names alone.
pub(super) fn resolved(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The folder that a path lies in.
pub(super) fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((above, _)) => above,
        None => ".",
    }
}

/// The last name of a path.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The ending of a file's name with its dot, as `Path.suffix` has it: none for `.x` and `x.`.
pub(super) fn suffix(path: &str) -> &str {
    let name = name(path);
    match name.rfind('.') {
        Some(at) if at > 0 && at + 1 < name.len() => name.get(at..).unwrap_or_default(),
        _ => "",
    }
}

/// Another path below the same folder.
pub(super) fn below(folder: &str, name: &str) -> String {
    if folder.ends_with('/') {
        format!("{folder}{name}")
    } else {
        format!("{folder}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_pathlib() {
        for (path, expected) in [
            ("", "."),
            (".", "."),
            ("./a//b/.", "a/b"),
            ("/a/../b/", "/a/../b"),
            ("//a", "//a"),
            ("///a", "/a"),
            ("/", "/"),
        ] {
            assert_eq!(pure(path), expected, "{path}");
        }
        assert_eq!(join("/w/", "a/./b"), "/w/a/b");
        assert_eq!(join("/w", "/a"), "/a");
        assert_eq!(resolved("/a/../../b/./c"), "/b/c");
        assert_eq!(
            (parent("/a"), parent("/a/b"), parent("a")),
            ("/", "/a", ".")
        );
        assert_eq!(
            ["/a/b.tar.gz", "/.x", "x.", "y"].map(suffix),
            [".gz", "", "", ""]
        );
        assert_eq!(below("/", "a"), "/a");
    }
}
