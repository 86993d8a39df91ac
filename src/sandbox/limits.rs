//! How much a sandbox may take, and what is known of whether that holds.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// Bounds on what runs in a sandbox. Every back end enforces what it can and tells the rest by its proofs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Processor time of one process.
    pub cpu: Duration,
    /// The sandbox's whole life, from its start.
    pub wall: Duration,
    /// Bytes of memory: of the whole sandbox where that can be enforced, else of one process's address space.
    pub memory: u64,
    /// Processes and threads at once.
    pub processes: u64,
    /// Bytes that one process may print, before it is killed.
    pub output: u64,
    /// Bytes that all folders of the sandbox may grow by.
    pub disk: u64,
    /// Files that may be made.
    pub inodes: u64,
    /// Bytes of one file.
    pub file: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu: Duration::from_mins(10),
            wall: Duration::from_hours(1),
            memory: 4 << 30,
            processes: 512,
            output: 64 << 20,
            disk: 1 << 30,
            inodes: 200_000,
            file: 512 << 20,
        }
    }
}

/// What is bounded.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// No way to the network.
    Network,
    /// No file outside the sandbox is seen or changed.
    Files,
    /// No process outside is seen or signalled.
    Processes,
    /// No kernel settings, devices, modules, other namespaces.
    Kernel,
    /// [`Limits::cpu`].
    Cpu,
    /// [`Limits::wall`].
    Wall,
    /// [`Limits::memory`], for the sandbox as a whole.
    Memory,
    /// [`Limits::processes`].
    ProcessCount,
    /// [`Limits::output`].
    Output,
    /// [`Limits::disk`].
    Disk,
    /// [`Limits::inodes`].
    Inodes,
    /// Nothing is left when it ends, even if hgview is killed.
    CleanUp,
}

impl Bound {
    /// All bounds, in the order in which tables show them.
    pub const ALL: [Self; 12] = [
        Self::Network,
        Self::Files,
        Self::Processes,
        Self::Kernel,
        Self::Cpu,
        Self::Wall,
        Self::Memory,
        Self::ProcessCount,
        Self::Output,
        Self::Disk,
        Self::Inodes,
        Self::CleanUp,
    ];

    /// The word used in JSON and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Files => "files",
            Self::Processes => "processes",
            Self::Kernel => "kernel",
            Self::Cpu => "cpu",
            Self::Wall => "wall",
            Self::Memory => "memory",
            Self::ProcessCount => "process-count",
            Self::Output => "output",
            Self::Disk => "disk",
            Self::Inodes => "inodes",
            Self::CleanUp => "clean-up",
        }
    }
}

/// Whether a bound holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Holding {
    /// A probe tried to break it and could not, or the kernel answers for it.
    Enforced,
    /// It is known not to hold.
    NotEnforced,
    /// Nobody tried.
    Unknown,
}

impl Holding {
    /// The words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::NotEnforced => "not enforced",
            Self::Unknown => "not proved",
        }
    }

    /// The words used in JSON and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::NotEnforced => "not-enforced",
            Self::Unknown => "unknown",
        }
    }
}

/// The bounds that are not enforced, or of which nobody knows.
pub fn unproved(proofs: &[Proof]) -> impl Iterator<Item = &Proof> {
    let is_open = |proof: &&Proof| proof.holding != Holding::Enforced;
    proofs.iter().filter(is_open)
}

/// What is known of one bound of one sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// Which bound.
    pub bound: Bound,
    /// Whether it holds.
    pub holding: Holding,
    /// By what it holds, or why it does not, in words.
    pub why: String,
}
