//! What was made of one repository, as it is kept until all is done.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::error::Error;
use crate::error::Result;

/// What a part is of. A part of anything else is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) version: String,
    pub(super) repo: String,
    pub(super) commit: String,
    pub(super) path: PathBuf,
    pub(super) asked: String,
    pub(super) seed: u64,
    pub(super) per_repo: Option<usize>,
}

/// What a repository holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Survey {
    pub(super) files: usize,
    pub(super) faulty: usize,
    pub(super) skipped: usize,
    /// Of each maker.
    pub(super) supplies: Vec<usize>,
    /// Left out before anything was drawn.
    pub(super) left_out: BTreeMap<String, u64>,
}

/// What was made in a round.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Round {
    /// How many tasks of each maker it was to make.
    pub(super) quotas: Vec<usize>,
    pub(super) rows: Vec<Row>,
    /// How many drafts of each maker and stratum were used up, those of earlier rounds included.
    pub(super) used: Vec<BTreeMap<String, usize>>,
    pub(super) left_out: BTreeMap<String, u64>,
}

/// A task without its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    /// Its maker's place.
    pub(super) maker: usize,
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) stratum: String,
    /// The same for the same target.
    pub(super) key: String,
    /// The same for the same description; of `func_localize` one for each target.
    #[serde(default)]
    pub(super) statements: Vec<String>,
    /// Where it brings its own.
    pub(super) id: Option<String>,
    /// The commit that it begins from.
    pub(super) commit: String,
    /// All its fields but the id, as an object of JSON.
    pub(super) text: String,
}

/// Everything that is kept of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) head: Head,
    pub(super) survey: Survey,
    pub(super) rounds: Vec<Round>,
}

impl Head {
    /// The name of the file in which a part is kept.
    fn file_name(&self) -> String {
        let name = format!("{} {} {}", self.repo, self.commit, self.path.display());
        let hash = blake3::hash(name.as_bytes()).to_hex();
        let digits: String = hash.chars().take(16).collect();
        format!("{PREFIX}{digits}{ENDING}")
    }
}

/// How names of parts begin and end.
const PREFIX: &str = "part-";
const ENDING: &str = ".json";

/// Whether a file in the folder of parts is one, or one that was being written.
pub(super) fn is_part(name: &str) -> bool {
    name.starts_with(PREFIX) || name.starts_with(".part-")
}

impl Part {
    /// The part that an earlier run kept of the same thing; `None` where there is none or it is torn.
    pub(super) fn load(folder: &Path, head: &Head) -> Option<Self> {
        let bytes = std::fs::read(folder.join(head.file_name())).ok()?;
        let part: Self = serde_json::from_slice(&bytes).ok()?;
        (part.head == *head).then_some(part)
    }

    /// Keeps it; what is there is whole.
    ///
    /// # Errors
    /// *input* when it cannot be written.
    pub(super) fn keep(&self, folder: &Path) -> Result<()> {
        let path = folder.join(self.head.file_name());
        let cannot = |err: std::io::Error| {
            Error::input(format!("cannot write {}", path.display())).caused_by(err)
        };
        let mut builder = tempfile::Builder::new();
        let mut file = builder
            .prefix(".part-")
            .tempfile_in(folder)
            .map_err(cannot)?;
        let bytes = serde_json::to_vec(self).map_err(|err| cannot(err.into()))?;
        file.write_all(&bytes).map_err(cannot)?;
        file.persist(&path).map_err(|err| cannot(err.error))?;
        Ok(())
    }
}
