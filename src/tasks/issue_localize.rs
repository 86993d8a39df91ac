//! Makes `issue_localize` tasks: a problem stated in words, and the patch that solved it.
//!
//! [`IssueRows`] takes them from rows of issues and patches, as SWE-bench has them; [`IssueHistory`] from the commits of
//! a git repository that name an issue. Tests are cut out of a patch, and what is left has to change a Python file that
//! was there before.
//!
//! The commit of such a task is not its seed's: `base_commit` is among the fields of each draft, and so is whatever else
//! a row says of its own (`instance_id`, `repo`).

mod gold;
mod history;
mod message;
mod rows;
#[cfg(test)]
mod tests;

pub use history::IssueHistory;
pub use rows::IssueRows;

use crate::model::LineIx;
use crate::tasks::Draft;
use crate::tasks::Fields;
use crate::tasks::issue_localize::gold::Gold;

/// Why rows and commits are left out.
mod reason {
    pub(super) const NO_STATEMENT: &str = "it states no problem";
    pub(super) const NO_ISSUE: &str = "its message names no issue";
    pub(super) const MERGE: &str = "it is a merge, a revert or a root";
    pub(super) const FEW_WORDS: &str = "its statement says too little";
    pub(super) const NO_SOURCE: &str = "its patch changes no source file that was there";
    pub(super) const TOO_MUCH: &str = "its patch is too long";
    pub(super) const NO_COMMIT: &str = "it names no commit";
    pub(super) const NO_REPOSITORY: &str = "its repository cannot be read";
}

/// A draft of a statement and the patch that solved it. `given` stands first among the fields.
fn draft(given: Fields, statement: &str, gold: Gold) -> Draft {
    let mut fields = given;
    fields.insert("problem_statement".to_owned(), statement.into());
    fields.insert("patch".to_owned(), gold.patch.into());
    Draft {
        path: gold.path,
        line: LineIx(gold.line),
        stratum: match gold.files {
            1 => "1 file".to_owned(),
            2 => "2 files".to_owned(),
            _ => "3 files or more".to_owned(),
        },
        fields,
    }
}
