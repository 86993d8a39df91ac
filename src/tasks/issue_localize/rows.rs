//! Issues with their patches from rows: SWE-bench and its kin, as JSON, JSON lines or Parquet.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::model::Format;
use crate::model::RecordIx;
use crate::model::TaskKind;
use crate::model::Value;
use crate::store::OpenOptions;
use crate::store::Store;
use crate::tasks::Draft;
use crate::tasks::Drafts;
use crate::tasks::Fields;
use crate::tasks::Maker;
use crate::tasks::Seed;
use crate::tasks::issue_localize::draft;
use crate::tasks::issue_localize::gold::gold;
use crate::tasks::issue_localize::reason;

/// Fields of a row that its task keeps, in the order in which they are written.
const KEPT: [&str; 6] = [
    "instance_id",
    "repo",
    "base_commit",
    "environment_setup_commit",
    "version",
    "created_at",
];

/// Makes tasks of rows that hold an issue and its patch.
#[derive(Debug, Clone, Default)]
pub struct IssueRows {
    rows: Vec<Arc<Value>>,
}

impl IssueRows {
    /// Of instance rows: `problem_statement`, `patch`, `repo`, `base_commit`.
    pub fn new(rows: Vec<Arc<Value>>) -> Self {
        Self { rows }
    }

    /// Reads the task rows of files and folders; what is no task is passed over. Stops early when it is cancelled.
    ///
    /// # Errors
    /// *input* when a file is missing or unreadable.
    pub fn read(paths: Vec<PathBuf>, cancel: &Cancel) -> Result<Self> {
        let store = Store::open(&OpenOptions {
            paths,
            ..OpenOptions::default()
        })?;
        store.scan(cancel, &mut |_| {})?;
        let row = |ix| {
            let record = store.load_once(RecordIx(ix)).ok()?;
            let is_task = record.source.format == Some(Format::Task);
            let task = record.task.as_ref().filter(|_| is_task)?;
            task.instance.clone()
        };
        let rows = (0..store.len()).take_while(|_| !cancel.is_cancelled());
        Ok(Self {
            rows: rows.filter_map(row).collect(),
        })
    }

    /// The drafts of all rows, whatever their repository: their order is that of the rows. Each names its repository and
    /// its commit.
    pub fn all(&self, cancel: &Cancel) -> Option<Drafts> {
        self.of(&|_| true, cancel)
    }

    fn of(&self, is_wanted: &dyn Fn(&str) -> bool, cancel: &Cancel) -> Option<Drafts> {
        let mut drafts = Drafts::default();
        for row in &self.rows {
            if cancel.is_cancelled() {
                return None;
            }
            if !is_wanted(text(row, "repo")) {
                continue;
            }
            match draft_of(row) {
                Ok(draft) => drafts.drafts.push(draft),
                Err(reason) => *drafts.left_out.entry(reason).or_default() += 1,
            }
        }
        Some(drafts)
    }
}

impl Maker for IssueRows {
    fn kind(&self) -> TaskKind {
        TaskKind::IssueLocalize
    }

    /// Those of the seed's repository.
    fn drafts(&self, seed: &Seed, cancel: &Cancel) -> Option<Drafts> {
        let mut drafts = self.of(&|repo| repo.eq_ignore_ascii_case(&seed.repo), cancel)?;
        drafts
            .drafts
            .sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
        Some(drafts)
    }
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn draft_of(row: &Value) -> std::result::Result<Draft, &'static str> {
    let statement = text(row, "problem_statement");
    if statement.trim().is_empty() {
        return Err(reason::NO_STATEMENT);
    }
    if text(row, "base_commit").is_empty() {
        return Err(reason::NO_COMMIT);
    }
    let gold = gold(text(row, "patch"))?;
    let mut given = Fields::new();
    for key in KEPT {
        if let Some(value) = row.get(key).filter(|value| !value.is_null()) {
            given.insert(key.to_owned(), value.clone());
        }
    }
    Ok(draft(given, statement, gold))
}
