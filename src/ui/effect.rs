//! What `App::update` asks of the outside. Plain data; carried out by [`crate::ui::tasks`] and [`crate::ui::run`].

use std::hash::RandomState;
use std::ops::Range;
use std::sync::Arc;

use regex::Regex;

use crate::error::Error;
use crate::export::Options;
use crate::export::Report;
use crate::model::RecordIx;
use crate::model::Span;
use crate::model::Text;
use crate::model::Trajectory;
use crate::replay::CallRef;
use crate::replay::CallReplay;
use crate::replay::RecordReplay;
use crate::replay::What;
use crate::review::Ledger;
use crate::review::Line;
use crate::review::Policy;
use crate::review::queue::Queue;
use crate::search::Pattern;
use crate::select::Selector;
use crate::stats::Collected;
use crate::stats::GroupBy;
use crate::theme::Highlighter;
use crate::ui::data::Answers;
use crate::ui::data::Arrangement;
use crate::ui::data::Bits;
use crate::ui::data::Order;
use crate::ui::data::Outline;
use crate::ui::data::Rows;
use crate::ui::data::desk::Reading;
use crate::ui::data::runs::RunPair;
use crate::ui::event::Compared;
use crate::ui::event::Exported;
use crate::ui::event::Generation;
use crate::ui::event::GrepHit;
use crate::ui::event::PageKey;
use crate::ui::page::FileWish;
use crate::ui::page::InkJob;
use crate::ui::page::PageOptions;
use crate::ui::page::PageText;
use crate::ui::page::Subject;
use crate::ui::page::Told;
use crate::workspace::History;

/// A page to build.
#[derive(Debug, Clone)]
pub struct PageJob {
    /// What to call it.
    pub key: PageKey,
    /// The trajectory.
    pub trajectory: Arc<Trajectory>,
    /// Which child's, from the outside in; empty for the trajectory itself.
    pub path: Vec<usize>,
    /// What it is about.
    pub subject: Subject,
    /// What is told of it besides.
    pub told: Told,
    /// For raw pages: the record and the step's bytes in it.
    pub raw: Option<(RecordIx, Option<Span>)>,
    /// Layout.
    pub options: PageOptions,
}

/// What the whole text of a page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageUse {
    /// The clipboard.
    Copy,
    /// The user's editor.
    Editor,
    /// The user's pager.
    Pager,
}

/// A search through all rows of a trajectory.
#[derive(Debug, Clone)]
pub struct FindJob {
    /// The question's number.
    pub generation: Generation,
    /// The trajectory.
    pub trajectory: Arc<Trajectory>,
    /// What is told of its steps besides.
    pub outline: Arc<Outline>,
    /// Its rows: which child, and what about.
    pub rows: Arc<Vec<(Vec<usize>, Subject)>>,
    /// What to find.
    pub pattern: Regex,
    /// Layout of the pages that are searched; the same as of those that are shown.
    pub options: PageOptions,
}

/// A search through all trajectories.
#[derive(Debug, Clone)]
pub struct GrepJob {
    /// The question's number.
    pub generation: Generation,
    /// What to find, and where.
    pub pattern: Pattern,
    /// The rows of the list; in plain order those too that a scan still finds.
    pub order: Order,
}

/// The page of a final patch to build.
#[derive(Debug, Clone)]
pub struct PatchJob {
    /// What to call it.
    pub key: PageKey,
    /// The record.
    pub record: RecordIx,
    /// Whether the reference patch is shown, too.
    pub shows_reference: bool,
    /// Layout.
    pub options: PageOptions,
}

/// What a page about two attempts shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComparePage {
    /// In what two steps differ: their numbers, and the reason in words.
    Steps(usize, usize, Option<String>),
    /// Their patches, beside each other and beside the reference.
    Patches,
}

/// A page about two attempts to build.
#[derive(Debug, Clone)]
pub struct CompareJob {
    /// What to call it.
    pub key: PageKey,
    /// The attempts, the left one first.
    pub trajectories: [Arc<Trajectory>; 2],
    /// What it shows.
    pub what: ComparePage,
    /// Layout.
    pub options: PageOptions,
}

/// How far a replay goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayTo {
    /// One call.
    Next,
    /// This call, from 0 over all calls, and it too.
    Call(usize),
    /// The first call from here on that diverges.
    Divergence,
    /// The end; then patch and verifier, and the result is written down.
    End,
}

/// What is asked of the replay of a record. Answered by [`crate::ui::event::ReplayNews`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplayAsk {
    /// Read the record and say what there is to replay; nothing runs yet.
    Open(RecordIx),
    /// Run calls.
    Run(ReplayTo),
    /// Take the last call back.
    Back,
    /// Begin again, in a new sandbox.
    Restart,
    /// Say what the workspace holds now that it did not at the start.
    Changes,
    /// List a folder of the workspace, by its path below it; the workspace itself is the empty path.
    Folder(String),
    /// Read a file of the workspace.
    File(String),
    /// Start a shell in a sandbox that stands where the replay stands: rows and columns.
    Console(u16, u16),
    /// Give that shell's terminal another size: rows and columns.
    Size(u16, u16),
    /// Type this at that shell.
    Type(Vec<u8>),
    /// End that shell; the replay goes on as if there had been none.
    EndConsole,
    /// End everything.
    Close,
}

/// A page about a call and what came of it.
#[derive(Debug, Clone)]
pub struct ReplayJob {
    /// What to call it.
    pub key: PageKey,
    /// What it shows.
    pub what: ReplayPage,
    /// Layout.
    pub options: PageOptions,
}

/// What a page of a replay shows.
#[derive(Debug, Clone)]
pub enum ReplayPage {
    /// A call with what was recorded of it.
    Recorded(Arc<Trajectory>, CallRef),
    /// What came of it now.
    Actual(Arc<Trajectory>, CallRef, Arc<CallReplay>),
    /// In what both differ.
    Difference(Arc<Trajectory>, CallRef, Arc<CallReplay>),
    /// The final patches beside each other, with what the checks say.
    Result(Arc<Trajectory>, Arc<RecordReplay>),
    /// A file of the workspace, with what became of it.
    File(String, Text, Option<What>),
    /// What changed in the workspace, as a patch.
    Changes(Text),
}

/// The page of a file at a step to build.
#[derive(Debug, Clone)]
pub struct FileJob {
    /// What to call it.
    pub key: PageKey,
    /// The record.
    pub record: RecordIx,
    /// Which child's workspace, from the outside in; empty for the trajectory itself.
    pub children: Vec<usize>,
    /// Which file, when.
    pub wish: FileWish,
    /// The history, where it was rebuilt before.
    pub history: Option<Arc<History>>,
    /// Layout.
    pub options: PageOptions,
}

/// An export.
#[derive(Debug, Clone)]
pub struct ExportJob {
    /// The question's number.
    pub generation: Generation,
    /// What is written, where and how.
    pub options: Options,
    /// How verdicts and decisions make the outcome.
    pub policy: Policy,
    /// The filter as typed; `None` for the default.
    pub filter: Option<String>,
    /// The records that the set is made from; `None` for all.
    pub selector: Option<Arc<Selector>>,
    /// The reviewer who asks.
    pub me: Text,
}

impl ExportJob {
    /// The answer to this job.
    pub fn answer(&self, result: Result<Report, Error>) -> Exported {
        Exported {
            generation: self.generation,
            result,
        }
    }
}

/// What is to be done for statistics.
#[derive(Debug, Clone)]
pub enum StatsWork {
    /// Read these records, of so many, and put them together; but for these, which are tasks and no attempts.
    Collect(Order, usize, Bits),
    /// Put together anew what was read.
    Group(Arc<Collected>),
}

/// Statistics to make.
#[derive(Debug, Clone)]
pub struct StatsJob {
    /// The question's number.
    pub generation: Generation,
    /// What is to be done.
    pub work: StatsWork,
    /// What records are grouped by.
    pub by: Vec<GroupBy>,
}

/// A rearrangement of the list.
#[derive(Debug, Clone)]
pub struct ArrangeJob {
    /// The question's number.
    pub generation: Generation,
    /// The rows as they are now.
    pub rows: Rows,
    /// How.
    pub how: Arrangement,
    /// The record under the cursor.
    pub keep: Option<RecordIx>,
    /// The reviewer.
    pub me: Text,
    /// What queries answered before.
    pub answers: Arc<Answers>,
    /// By which state of the side files records are judged.
    pub judging: u64,
}

/// A count of queues.
#[derive(Debug, Clone)]
pub struct CountJob {
    /// The rows as they are now.
    pub rows: Rows,
    /// Which queues.
    pub queues: Vec<Queue>,
    /// The reviewer.
    pub me: Text,
    /// What queries answered before.
    pub answers: Arc<Answers>,
    /// By which state of the side files records are judged.
    pub judging: u64,
}

/// Rows that are searched, and the search that asks.
#[derive(Debug)]
pub enum Among {
    /// Results of a search, from this row on.
    Results(Generation, Arc<Vec<GrepHit>>, usize),
    /// Two attempts; the first number is that of their opening.
    Attempts(Generation, Generation, Arc<Compared>),
}

/// Something for the outside to do.
#[derive(Debug)]
pub enum Effect {
    /// Find the records.
    Scan,
    /// Look for new records.
    Refresh,
    /// Hand memory that is free back to the system.
    Rest,
    /// Summarise these records before all others.
    Summarize(Range<usize>, Order),
    /// Judge these records before all others; by which state of the side files.
    Mark(u64, Range<usize>, Order),
    /// Judge all records that were not judged yet, and these again.
    MarkAll(u64, Vec<RecordIx>),
    /// Make statistics, and say what is there so far.
    Stats(Box<StatsJob>),
    /// Stop making statistics.
    StopStats,
    /// Arrange the list.
    Arrange(Box<ArrangeJob>),
    /// Find rows of the list by text.
    FindRows(Generation, Regex, Rows, Order),
    /// Read a record.
    Open(Generation, RecordIx),
    /// Read a record and build its preview.
    Preview(Generation, RecordIx, PageOptions),
    /// Read a record, judge it and build the page of its final patch.
    Patch(Box<PatchJob>),
    /// Find the records that one can be compared with.
    Others(Generation, RecordIx, Rows),
    /// Find the records that attempt a task, for the screen with this number.
    Attempts(Generation, RecordIx, Rows),
    /// Count which tasks have an attempt among the rows; names of tasks are hashed so.
    CountAttempts(RandomState, Rows),
    /// Read two records and align their steps.
    Compare(Generation, [RecordIx; 2]),
    /// Build a page about two attempts.
    ComparePage(Box<CompareJob>),
    /// Find the runs among the rows that can be compared.
    RunPairs(Generation, Rows),
    /// Compare two runs.
    CompareRuns(Generation, Rows, RunPair),
    /// Something about the replay that was opened under this number.
    Replay(Generation, ReplayAsk),
    /// Stop the call that runs in it, now.
    StopReplay,
    /// Build pages of a replay.
    ReplayPages(Vec<ReplayJob>),
    /// Read a record, rebuild its files and build the page of one.
    File(Box<FileJob>),
    /// Judge a record and build the page of reasons.
    Why(Generation, RecordIx, PageOptions),
    /// Build pages, the first one being shown, the rest likely next.
    Pages(Vec<PageJob>),
    /// Colour stretches of a page.
    Ink(PageKey, Vec<InkJob>, Arc<Highlighter>),
    /// Colour stretches of the preview.
    InkPreview(Generation, Vec<InkJob>, Arc<Highlighter>),
    /// Search a trajectory.
    Find(Box<FindJob>),
    /// Search all trajectories.
    Grep(Box<GrepJob>),
    /// Stop doing so.
    StopGrep,
    /// Search rows of a screen.
    FindAmong(Among, Regex),
    /// Search one page.
    FindInPage(Generation, PageText, Regex),
    /// Stop searching.
    StopFind,
    /// Load a theme by name.
    LoadTheme(String),
    /// Compile what code colours need for the usual languages.
    WarmColours(Arc<Highlighter>),
    /// Make the whole text of a page, folds open, and use it.
    PageText(Box<PageJob>, PageUse),
    /// Copy a text; the string says what it is.
    Copy(String, &'static str),
    /// Copy a record's id, or (`true`) its reference; it may not be summarised yet.
    CopyName(RecordIx, bool),
    /// Copy the record's bytes.
    CopyRecord(RecordIx),
    /// Show a text in the user's editor (`true`) or pager (`false`).
    External(String, bool),
    /// Say which files given with `--with` know none of the records.
    CheckSides,
    /// Let the program have the mouse, or the terminal.
    Mouse(bool),
    /// Come back for what is left of an action on many records.
    GoOn,
    /// Read the journals of decisions, for the first time or again, and look up what they say of the records.
    OpenDesk(Box<Reading>),
    /// Run the test program of a record in a sandbox, judge it by that, and say why the filters decide so: as marks made by
    /// this state of the side files, and as [`Effect::Why`].
    RunCheck(u64, Generation, RecordIx, PageOptions),
    /// Stop that.
    StopCheck,
    /// Read what came of replays.
    ReadReplays,
    /// Let go of what is large and of no use any more.
    Discard(Box<(Ledger, Rows)>),
    /// Write the curated set, or say what would come of it.
    Export(Box<ExportJob>),
    /// Count queues.
    CountQueues(Box<CountJob>),
    /// Hash these records.
    Hash(Vec<RecordIx>),
    /// Write decisions down; never given up.
    Record(Vec<Line>),
    /// Keep looking for new records.
    Follow(bool),
    /// Paint everything anew.
    Redraw,
    /// Suspend to the shell.
    Suspend,
    /// End.
    Quit,
}
