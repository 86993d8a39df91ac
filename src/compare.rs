//! Two attempts step by step, two patches file by file, two runs task by task.
//!
//! What steps are compared by is their meaning, not their words ([`align_steps`]); patches by the lines that they change
//! ([`compare_patches`]); runs by the outcomes of the tasks that both have, with an exact test ([`compare_runs`]). Plain
//! functions over parsed records: no I/O, the same numbers for screen and command line.

mod attempts;
mod mcnemar;
mod meaning;
mod patches;
mod runs;
mod steps;

pub use attempts::AlignedStep;
pub use attempts::Alignment;
pub use attempts::Counts;
pub use attempts::RowKind;
pub use attempts::Run;
pub use attempts::align_steps;
pub use mcnemar::mcnemar;
pub use mcnemar::newcombe;
pub use patches::FileComparison;
pub use patches::FileKind;
pub use patches::PatchComparison;
pub use patches::compare_patches;
pub use runs::Attempts;
pub use runs::Change;
pub use runs::ChangeCounts;
pub use runs::Difference;
pub use runs::Means;
pub use runs::RunFigures;
pub use runs::RunsComparison;
pub use runs::TaskRow;
pub use runs::TaskSide;
pub use runs::Tried;
pub use runs::compare_runs;
