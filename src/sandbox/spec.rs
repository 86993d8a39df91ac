//! What a sandbox is made of.

use std::path::PathBuf;
use std::sync::Arc;

use crate::sandbox::Layer;
use crate::sandbox::Limits;

/// The first user and group of the host that a sandbox has when hgview is root: its root. Nobody on the machine has these
/// numbers.
pub const FIRST_USER: u32 = 200_000;

/// Which system the processes of a sandbox see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum System {
    /// This machine's own programs and libraries, read-only, with as little of `/etc` as they need.
    Host,
    /// An unpacked image: a folder that holds `bin`, `etc`, `usr` and the rest. Changes to it stay in the sandbox.
    Rootfs(PathBuf),
    /// An image that an engine knows by this name.
    Image(String),
}

/// A folder of the host as a sandbox sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// Where it lies in the sandbox: an absolute path without `.` and `..`. Changes below it stay in the sandbox.
    pub at: String,
    /// The folder of the host that it shows; never written to. `None` is an empty folder.
    pub lower: Option<PathBuf>,
}

/// What a sandbox is made of. A plain value: two sandboxes of one spec begin alike.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The system.
    pub system: System,
    /// The folders that its processes may change, besides `/tmp` and their home. None lies inside another.
    pub trees: Vec<Tree>,
    /// What an earlier sandbox of the same folders had changed in them.
    pub layer: Option<Arc<Layer>>,
    /// More folders of the host that are seen at their own path, read-only: toolchains outside `/usr`. What in them only
    /// their owner may read stays closed.
    pub readable: Vec<PathBuf>,
    /// How much it may take.
    pub limits: Limits,
    /// The name of the machine that its processes see.
    pub hostname: String,
    /// The name of the user whom its processes see.
    pub user: String,
    /// The home folder: empty, and forgotten with the sandbox.
    pub home: String,
    /// The whole environment of its processes, before what a [`crate::sandbox::Launch`] adds.
    pub env: Vec<(String, String)>,
}

/// Folders around which, and in which, nothing is made: the system's own, and those that can be written anyway.
const TAKEN: [&str; 15] = [
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run",
    "/sbin", "/sys", "/tmp", "/usr", "/var",
];

/// Whether `path` is the folder `above` or lies in it.
pub(super) fn is_within(path: &str, above: &str) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || above.ends_with('/'))
}

/// Whether what lies `below` the folder `at` is that folder's, and not of another of these that lies in it.
pub(super) fn is_own(trees: &[Tree], at: &str, below: &[u8]) -> bool {
    !trees.iter().any(|other| {
        let inner = other
            .at
            .strip_prefix(at)
            .and_then(|inner| inner.strip_prefix('/'));
        let rest = inner.and_then(|inner| below.strip_prefix(inner.as_bytes()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    })
}

impl Spec {
    /// The folders, and those around them, empty, so that a recorded command can write beside its workspace: `/workspace`
    /// for `/workspace/repo`. Only on this machine's own system, of which they are no part: an image has its own.
    pub(super) fn trees_and_around(&self) -> Vec<Tree> {
        let mut trees = self.trees.clone();
        if self.system != System::Host {
            return trees;
        }
        let meet = |one: &str, other: &str| is_within(one, other) || is_within(other, one);
        for tree in &self.trees {
            let around = tree.at.rsplit_once('/').map_or("", |(around, _)| around);
            let is_taken = around.is_empty()
                || TAKEN.iter().any(|own| is_within(around, own))
                || meet(around, &self.home)
                || trees.iter().any(|other| is_within(around, &other.at))
                || self
                    .readable
                    .iter()
                    .any(|path| meet(around, &path.to_string_lossy()));
            if !is_taken {
                trees.push(Tree {
                    at: around.to_owned(),
                    lower: None,
                });
            }
        }
        trees
    }
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            system: System::Host,
            trees: Vec::new(),
            layer: None,
            readable: Vec::new(),
            limits: Limits::default(),
            hostname: "sandbox".to_owned(),
            user: "root".to_owned(),
            home: "/root".to_owned(),
            env: [
                (
                    "PATH",
                    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                ),
                ("HOME", "/root"),
                ("USER", "root"),
                ("LANG", "C.UTF-8"),
                ("TZ", "UTC"),
                ("PYTHONHASHSEED", "0"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use crate::sandbox::Spec;
    use crate::sandbox::System;
    use crate::sandbox::Tree;
    use crate::sandbox::spec::is_own;
    use crate::sandbox::spec::is_within;

    #[test]
    fn what_lies_in_a_folder() {
        assert!(is_within("/a/b", "/a"));
        assert!(is_within("/a", "/a"));
        assert!(is_within("/a", "/"));
        assert!(!is_within("/ab", "/a"));
    }

    #[test]
    fn what_lies_in_an_inner_folder_is_not_the_outer_one_s() {
        let tree = |at: &str| Tree {
            at: at.to_owned(),
            lower: None,
        };
        let trees = [tree("/w/a/b"), tree("/w")];
        assert!(is_own(&trees, "/w", b"a"));
        assert!(is_own(&trees, "/w", b"a/bc"));
        assert!(!is_own(&trees, "/w", b"a/b"));
        assert!(!is_own(&trees, "/w", b"a/b/c"));
        assert!(is_own(&trees, "/w/a/b", b""));
        assert!(is_own(&trees, "/w/a/b", b"a/b"));
    }

    #[track_caller]
    fn check(trees: &[&str], expected: &[&str]) {
        let tree = |at: &&str| Tree {
            at: (*at).to_owned(),
            lower: None,
        };
        let mut spec = Spec {
            trees: trees.iter().map(tree).collect(),
            readable: vec![PathBuf::from("/opt/pyenv")],
            ..Spec::default()
        };
        let around = spec.trees_and_around();
        let around: Vec<&str> = around.iter().skip(trees.len()).map(|t| &*t.at).collect();
        assert_eq!(around, expected, "{trees:?}");
        spec.system = System::Rootfs("/image".into());
        assert_eq!(spec.trees_and_around(), spec.trees);
    }

    #[test]
    fn the_folders_around_workspaces_can_be_written_where_nothing_else_is() {
        check(&["/workspace/a", "/workspace/b"], &["/workspace"]);
        check(&["/home/me/a/b"], &["/home/me/a"]);
        for taken in ["/testbed", "/usr/src/app", "/tmp/a", "/root/a", "/opt/a"] {
            check(&[taken], &[]);
        }
        check(&["/a/b/c", "/a/b"], &["/a"]);
    }
}
