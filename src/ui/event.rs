//! What can happen: keys, the mouse, and answers of background work.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::MouseEvent;

use crate::compare::Alignment;
use crate::error::Error;
use crate::export::Report;
use crate::model::ActionClass;
use crate::model::ContentHash;
use crate::model::Fault;
use crate::model::RecordIx;
use crate::model::Summary;
use crate::model::Text;
use crate::model::Trajectory;
use crate::replay::CallRef;
use crate::replay::CallReplay;
use crate::replay::RecordReplay;
use crate::replay::What;
use crate::replay::results::Brief;
use crate::sandbox::Proof;
use crate::sandbox::Tier;
use crate::search;
use crate::stats::Collected;
use crate::stats::Stats;
use crate::store::Refresh;
use crate::text::Ink as AnsiInk;
use crate::theme::Highlighter;
use crate::theme::Role;
use crate::theme::Theme;
use crate::ui::data::Arranged;
use crate::ui::data::Census;
use crate::ui::data::Marked;
use crate::ui::data::Outline;
use crate::ui::data::desk::Heard;
use crate::ui::data::desk::Journals;
use crate::ui::data::queues::QueueCounts;
use crate::ui::data::runs::Others;
use crate::ui::data::runs::RunPair;
use crate::ui::data::runs::RunTable;
use crate::ui::page::FilePage;
use crate::ui::page::Ink;
use crate::ui::page::Page;
use crate::ui::page::PatchPage;
use crate::ui::page::Place;
use crate::ui::page::WhyPage;
use crate::workspace::History;

/// Something that happened at the terminal.
#[derive(Debug)]
pub enum Event {
    /// A key went down (or repeats).
    Key(KeyEvent),
    /// Text was pasted; it never runs as keys.
    Paste(String),
    /// The mouse.
    Mouse(MouseEvent),
    /// The terminal has another size: columns, rows.
    Resize(u16, u16),
}

/// Numbers a question, so that a late answer to an older one can be dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

impl Generation {
    /// Moves on and returns the new number.
    #[must_use]
    pub fn advance(&mut self) -> Self {
        self.0 += 1;
        *self
    }
}

/// The answer to an export.
#[derive(Debug)]
pub struct Exported {
    /// The question's number.
    pub generation: Generation,
    /// What came, or would come of it.
    pub result: Result<Report, Error>,
}

/// Two attempts beside each other.
#[derive(Debug)]
pub struct Compared {
    /// The attempts, the left one first.
    pub trajectories: [Arc<Trajectory>; 2],
    /// What their steps are.
    pub outlines: [Arc<Outline>; 2],
    /// How their steps go together.
    pub alignment: Alignment,
}

/// A call as a row of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRow {
    /// Where it stands.
    pub place: CallRef,
    /// What it is for.
    pub class: ActionClass,
    /// What it does, in words; cleaned.
    pub meaning: String,
    /// The exit status that was recorded.
    pub exit_code: Option<i64>,
}

/// A record that can be replayed.
#[derive(Debug)]
pub struct Replayable {
    /// The record's trajectory.
    pub trajectory: Arc<Trajectory>,
    /// Its calls, in order.
    pub calls: Vec<CallRow>,
    /// How the sandbox walls off.
    pub tier: Tier,
    /// Its limits that nobody proved.
    pub unproved: Vec<Proof>,
    /// Why better tiers are refused here.
    pub refused: Vec<String>,
    /// From what the workspace is made, in words.
    pub base: String,
    /// What an earlier replay came to.
    pub earlier: Option<Arc<RecordReplay>>,
}

/// The window of a shell in a sandbox, as an emulator shows it. Its texts are cleaned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsoleFrame {
    /// Its rows: runs of one look.
    pub rows: Vec<Vec<(String, AnsiInk)>>,
    /// Row and column of its cursor, where it is shown.
    pub cursor: Option<(u16, u16)>,
    /// Arrow keys are to be told as those of an application.
    pub has_keypad: bool,
    /// How it ended, in words, once it has.
    pub end: Option<String>,
}

/// What lies in a folder of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FolderFound {
    /// Its entries by name, and whether each is a folder.
    pub entries: Vec<(String, bool)>,
    /// With the workspace itself: everything below it that the calls changed, by path below it.
    pub changed: BTreeMap<String, What>,
}

/// What is said of a replay.
#[derive(Debug)]
pub enum ReplayNews {
    /// What there is to replay.
    Opened(Box<Replayable>),
    /// Why nothing of it can be run, with what to try.
    Refused(String),
    /// The sandbox is being made ready, in words.
    Preparing(String),
    /// This call runs now.
    Began(usize),
    /// The end of what it has written so far, cleaned.
    Wrote(usize, String),
    /// What came of it.
    Ended(usize, Arc<CallReplay>),
    /// So many calls were run; nothing runs now. In words, why it stopped, where that is not plain.
    Stands(usize, Option<String>),
    /// The end: the result, and whether it was written down.
    Finished(Arc<RecordReplay>, Result<(), String>),
    /// What changed in the workspace since the start, as a patch.
    Changes(usize, Text),
    /// What lies in a folder of the workspace, or why nobody knows.
    Folder(String, Result<FolderFound, String>),
    /// The text of a file of the workspace, or why it is not shown.
    File(String, Result<Text, String>),
    /// The window of the shell.
    Console(ConsoleFrame),
    /// Something went wrong, and why; the replay stands where it stood.
    Failed(String),
}

/// A file that was rebuilt.
#[derive(Debug)]
pub struct Rebuilt {
    /// The record's trajectory.
    pub trajectory: Arc<Trajectory>,
    /// Its files at all steps.
    pub history: Arc<History>,
    /// The page of one of them.
    pub page: Box<FilePage>,
}

/// Statistics as far as they are made.
#[derive(Debug)]
pub struct StatsNews {
    /// The question's number.
    pub generation: Generation,
    /// Records that were looked at, of all.
    pub done: (usize, usize),
    /// What they come to so far; `None` where that is not put together.
    pub stats: Option<Stats>,
    /// The facts, once all of them are there.
    pub collected: Option<Arc<Collected>>,
    /// Nothing more comes.
    pub is_done: bool,
}

impl StatsNews {
    /// Nothing comes of it.
    pub fn failed(generation: Generation) -> Self {
        Self {
            generation,
            done: (0, 0),
            stats: None,
            collected: None,
            is_done: true,
        }
    }
}

/// Which row of which trajectory a page is about, and how it was laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PageKey {
    /// Number of the opened trajectory.
    pub opened: Generation,
    /// Row of its step list.
    pub row: usize,
    /// How often the rows were folded or unfolded before: the same number may be another row now.
    pub folding: u32,
    /// Whether it shows the record's own bytes.
    pub is_raw: bool,
    /// Cells of width, tabs and layout folded into one number.
    pub layout: u32,
}

/// A hit of a search in a trajectory.
#[derive(Debug, Clone, Copy)]
pub struct RowHit {
    /// Row of the step list.
    pub row: usize,
    /// Where on the row's page.
    pub place: Place,
}

/// A step that a search through all trajectories found. Its texts are cleaned.
#[derive(Debug, Clone)]
pub struct GrepHit {
    /// The record.
    pub record: RecordIx,
    /// Its id.
    pub id: Text,
    /// `path:record#id@step`, as it is copied.
    pub reference: Text,
    /// `id@step`, for the row.
    pub name: String,
    /// The sub-agents on the way to the step, from the outside in.
    pub children: Vec<usize>,
    /// The step, from 0; `None` for the final patch.
    pub step: Option<usize>,
    /// Where in the step.
    pub place: search::Place,
    /// The line up to the match.
    pub before: String,
    /// The match.
    pub matched: String,
    /// The line after it.
    pub after: String,
    /// Matches in the step.
    pub count: usize,
}

/// How far a search through all trajectories is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GrepState {
    /// Records that were searched.
    pub records: usize,
    /// Records that there are so far.
    pub of: usize,
    /// Records that cannot be read.
    pub unread: usize,
    /// Nothing more comes.
    pub is_done: bool,
    /// There is more than is kept.
    pub is_cut: bool,
}

/// How bad a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    /// For the record.
    Info,
    /// Done.
    Success,
    /// Worth a look.
    Warning,
    /// Did not work.
    Error,
}

impl Tone {
    /// A letter, so that the tone is never colour alone.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Info => "·",
            Self::Success => "✓",
            Self::Warning => "!",
            Self::Error => "E",
        }
    }

    /// Its role.
    pub fn role(self) -> Role {
        match self {
            Self::Info => Role::Info,
            Self::Success => Role::Success,
            Self::Warning => Role::Warning,
            Self::Error => Role::Error,
        }
    }
}

/// An answer of background work.
#[derive(Debug)]
pub enum Notice {
    /// The scan got so far.
    Scanned {
        /// Records found.
        records: usize,
        /// Bytes done and to do.
        bytes: (u64, u64),
        /// Nothing more comes.
        is_complete: bool,
    },
    /// Side files were found that label records: what was summarised before lacks them.
    Relabelled,
    /// Ids of rows in sight, as their first bytes show them.
    Peeked(Vec<(RecordIx, String)>),
    /// Rows were summarised.
    Summaries(Vec<(RecordIx, Summary)>),
    /// Rows were judged, by this state of the side files.
    Marks(u64, Vec<Marked>),
    /// The list is arranged; with the place of the row that had the cursor.
    Arranged(Generation, Arranged),
    /// Places of the list whose rows match the list's search.
    RowsFound(Generation, Arc<Vec<usize>>),
    /// A record was read.
    Opened(
        Generation,
        RecordIx,
        Result<(Arc<Trajectory>, Arc<Outline>), Fault>,
    ),
    /// The preview of a record was built; the fault otherwise.
    Previewed(Generation, Box<Result<Page, Fault>>),
    /// The page of a final patch was built.
    Patch(PageKey, Result<(Arc<Trajectory>, Box<PatchPage>), Fault>),
    /// The records were found that one can be compared with.
    Others(Generation, Others),
    /// The records that attempt the task of the screen with this number.
    Attempts(Generation, Vec<RecordIx>),
    /// Which tasks have an attempt.
    AttemptsCounted(Box<Census>),
    /// Two records were compared; else which side (0 is the left one) cannot be read, and why.
    Compared(Generation, Result<Arc<Compared>, (usize, Fault)>),
    /// The runs were found that can be compared.
    RunPairs(Generation, Vec<RunPair>),
    /// Two runs were compared.
    RunsCompared(Generation, Box<RunTable>),
    /// Something about the replay that was opened under this number.
    Replay(Generation, ReplayNews),
    /// The page of a file at a step was built.
    File(PageKey, Result<Rebuilt, Fault>),
    /// The page of reasons was built.
    Why(Generation, Result<Arc<WhyPage>, Fault>),
    /// A page was built.
    Page(PageKey, Box<Page>),
    /// A stretch of a page was coloured.
    Inked(PageKey, Ink, Arc<Highlighter>),
    /// A stretch of the preview was coloured.
    PreviewInked(Generation, Ink, Arc<Highlighter>),
    /// More hits of a search through all trajectories, and how far it is.
    Grepped(Generation, Vec<GrepHit>, GrepState),
    /// Rows of search results that match, of those that were asked about.
    ResultsFound(Generation, Vec<usize>),
    /// Rows of two attempts that match: their opening, the search.
    StepsFound(Generation, Generation, Vec<usize>),
    /// More hits of a search; `true` when these were the last.
    Hits(Generation, Vec<RowHit>, bool),
    /// A theme was loaded.
    Theme(Box<Theme>, Arc<Highlighter>),
    /// Statistics were made, in part or whole.
    Stats(Box<StatsNews>),
    /// New records were looked for.
    Refreshed(Refresh),
    /// The time has come for what is left of an action on many records.
    GoOn,
    /// The journals of decisions were read, with what they say of the records that were known.
    DeskOpened(Box<(Journals, Heard)>),
    /// What came of replays, by the contents of the records.
    Replays(HashMap<ContentHash, Brief>),
    /// An export got so far: records done, of all.
    Exporting(usize, usize),
    /// An export is over, or was tried out.
    Exported(Box<Exported>),
    /// The queues were counted.
    QueuesCounted(Box<QueueCounts>),
    /// A record was hashed, or cannot be read.
    Hashed(RecordIx, Result<ContentHash, Fault>),
    /// So many lines of decisions are on the disk.
    Saved(usize),
    /// Decisions are not on the disk, and why; they are tried again.
    NotSaved(String),
    /// Bytes for the terminal's clipboard (OSC 52), to be written between two frames.
    Terminal(Vec<u8>),
    /// A message for the status line and the log.
    Say(Tone, String),
    /// A text for the user's editor (`true`) or pager, to be shown by the owner of the terminal.
    External(String, bool),
    /// A message for the log alone.
    Log(String),
    /// The terminal is gone, or somebody asked us to end.
    HangUp,
}
