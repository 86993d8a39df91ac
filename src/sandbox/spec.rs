//! What a sandbox is made of.

use std::path::PathBuf;
use std::sync::Arc;

use crate::sandbox::Layer;
use crate::sandbox::Limits;

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
    /// More folders of the host that are seen at their own path, read-only: toolchains outside `/usr`.
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
