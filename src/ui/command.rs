//! Every command: name, one line of doc, default keys, where it works, and the action it stands for.
//!
//! The one source for the key map, the help, the palette and the README. Nothing here is carried out; a command
//! without keys lives in the palette and can be given keys in the settings.

use crate::review::Choice;
use crate::review::Mask;
use crate::ui::action::Action;
use crate::ui::action::CopyWhat;
use crate::ui::action::FoldChange;
use crate::ui::action::Landmark;
use crate::ui::action::Motion;
use crate::ui::action::OverlayKind;
use crate::ui::action::Toward;

/// Where a command works. The list and the trajectory fall back to what works everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// On every screen.
    Global,
    /// In the list of trajectories.
    List,
    /// Inside a trajectory.
    Trajectory,
    /// On the screen of a final patch.
    Patch,
    /// In the results of a search through all trajectories.
    Results,
    /// With two attempts beside each other.
    Compare,
    /// On the screen of a file at a step.
    File,
    /// On the screen of statistics.
    Stats,
    /// On the screen of a replay.
    Replay,
    /// Wherever two things stand beside each other: in a comparison and in a replay. No screen and no table of the settings.
    Beside,
    /// Wherever one record is shown: in a trajectory, a patch, a file and a replay. No screen and no table of the settings.
    Records,
    /// Wherever there is a page to read: in a trajectory, a patch and a file. No screen and no table of the settings.
    Pages,
    /// Wherever steps follow each other: in a trajectory and in a file. No screen and no table of the settings.
    Steps,
    /// Wherever pages are shown: there, in a comparison and in a replay. No screen and no table of the settings.
    AnyPage,
}

impl Scope {
    /// How many there are of [`Scope::ALL`].
    pub const COUNT: usize = Self::ALL.len();
    /// The screens, after what works on all of them.
    pub const ALL: [Self; 9] = [
        Self::Global,
        Self::List,
        Self::Trajectory,
        Self::Patch,
        Self::Results,
        Self::Compare,
        Self::File,
        Self::Stats,
        Self::Replay,
    ];

    /// The name of its table in the settings (`[keys.list]`); `Global` is `[keys]` itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::List => "list",
            Self::Trajectory => "trajectory",
            Self::Patch => "patch",
            Self::Results => "results",
            Self::Compare => "compare",
            Self::File => "file",
            Self::Stats => "stats",
            Self::Replay => "replay",
            Self::Beside => "compare and replay",
            Self::Records => "trajectory, patch, file and replay",
            Self::Pages => "trajectory, patch and file",
            Self::Steps => "trajectory and file",
            Self::AnyPage => "trajectory, patch, file, compare and replay",
        }
    }

    /// Whether a command of this scope works on a screen of scope `on`.
    pub fn works_on(self, on: Self) -> bool {
        let is_page = matches!(on, Self::Trajectory | Self::Patch | Self::File);
        let is_shared = match self {
            Self::Global => true,
            Self::Pages => is_page,
            Self::AnyPage => is_page || matches!(on, Self::Compare | Self::Replay),
            Self::Beside => matches!(on, Self::Compare | Self::Replay),
            Self::Records => is_page || on == Self::Replay,
            Self::Steps => matches!(on, Self::Trajectory | Self::File),
            _ => false,
        };
        is_shared || self == on
    }
}

/// What a command is about; the sections of the help and the README.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// Movement within a pane.
    Move,
    /// Steps, trajectories, landmarks.
    Go,
    /// Search, narrowing, order.
    Find,
    /// What is shown and how.
    Show,
    /// Decisions and what belongs to them.
    Decide,
    /// Copies and other programs.
    Take,
    /// Screens, panes, the program itself.
    Program,
}

impl Group {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::Move,
        Self::Go,
        Self::Find,
        Self::Show,
        Self::Decide,
        Self::Take,
        Self::Program,
    ];

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Move => "Move",
            Self::Go => "Steps and landmarks",
            Self::Find => "Find and sort",
            Self::Show => "Show",
            Self::Decide => "Decide",
            Self::Take => "Copy and open elsewhere",
            Self::Program => "Screens and program",
        }
    }
}

/// A command.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// Kebab-case, unique; what the settings and the palette call it. Never changed once released.
    pub name: &'static str,
    /// One line in the imperative, without a full stop.
    pub doc: &'static str,
    /// Default chords, the most usual first; keys of one chord are separated by a blank.
    pub keys: &'static [&'static str],
    /// Where it works.
    pub scope: Scope,
    /// What it is about.
    pub group: Group,
    /// What it does.
    pub action: Action,
}

/// Finds a command by its name.
pub fn command(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// The default keys as Markdown tables, one per group, as printed in the README.
pub fn key_table_markdown() -> String {
    let mut out = String::new();
    for group in Group::ALL {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str("### ");
        out.push_str(group.title());
        out.push_str("\n\n| Keys | Command | What it does | Where |\n| --- | --- | --- | --- |\n");
        for command in COMMANDS.iter().filter(|command| command.group == group) {
            let keys: Vec<String> = command.keys.iter().map(|keys| code_span(keys)).collect();
            let place = match command.scope {
                Scope::Global => "everywhere",
                Scope::Pages => "trajectory, patch, file",
                Scope::Steps => "trajectory, file",
                Scope::Beside => "compare, replay",
                Scope::Records => "trajectory, patch, file, replay",
                Scope::AnyPage => "trajectory, patch, file, compare, replay",
                scope => scope.name(),
            };
            out.push_str("| ");
            out.push_str(&keys.join(" "));
            out.push_str(" | `");
            out.push_str(command.name);
            out.push_str("` | ");
            out.push_str(&command.doc.replace('|', "\\|"));
            out.push_str(" | ");
            out.push_str(place);
            out.push_str(" |\n");
        }
    }
    out
}

/// A chord as Markdown code that survives inside a table.
fn code_span(keys: &str) -> String {
    format!("`{}`", keys.replace('|', "\\|"))
}

/// One row of the table; a function so that a row is one or two lines.
const fn row(
    name: &'static str,
    keys: &'static [&'static str],
    scope: Scope,
    group: Group,
    action: Action,
    doc: &'static str,
) -> Command {
    Command {
        name,
        doc,
        keys,
        scope,
        group,
        action,
    }
}

use Action::Copy;
use Action::Decide;
use Action::Fold;
use Action::Jump;
use Action::Move;
use Action::Overlay;
use Scope::AnyPage;
use Scope::Beside;
use Scope::Compare;
use Scope::File;
use Scope::Global;
use Scope::List;
use Scope::Pages;
use Scope::Patch;
use Scope::Records;
use Scope::Replay;
use Scope::Results;
use Scope::Stats;
use Scope::Steps;
use Scope::Trajectory;
use Toward::Next;
use Toward::Previous;

/// Every command, in the order of the help.
#[rustfmt::skip]
pub const COMMANDS: &[Command] = &[
    row("down", &["j", "↓"], Global, Group::Move, Move(Motion::Down), "Move one row down"),
    row("up", &["k", "↑"], Global, Group::Move, Move(Motion::Up), "Move one row up"),
    row("half-page-down", &["Ctrl-d"], Global, Group::Move, Move(Motion::HalfDown), "Move half a page down"),
    row("half-page-up", &["Ctrl-u"], Global, Group::Move, Move(Motion::HalfUp), "Move half a page up"),
    row("page-down", &["PgDn", "Ctrl-f"], Global, Group::Move, Move(Motion::PageDown), "Move a page down"),
    row("page-up", &["PgUp", "Ctrl-b"], Global, Group::Move, Move(Motion::PageUp), "Move a page up"),
    row("top", &["g", "Home"], Global, Group::Move, Move(Motion::Top), "Go to the first row"),
    row("bottom", &["G", "End"], Global, Group::Move, Move(Motion::Bottom), "Go to the last row; with a count, to that row"),
    row("left", &["←"], Global, Group::Move, Move(Motion::Left), "Scroll to the left"),
    row("right", &["→"], Global, Group::Move, Move(Motion::Right), "Scroll to the right"),

    row("next-step", &["l"], Steps, Group::Go, Action::Step(Next), "Go to the next step"),
    row("previous-step", &["h"], Steps, Group::Go, Action::Step(Previous), "Go to the previous step"),
    row("first-step", &["0"], Steps, Group::Go, Action::StepEnd(Previous), "Go to the first step"),
    row("last-step", &["$"], Steps, Group::Go, Action::StepEnd(Next), "Go to the last step"),
    row("next-trajectory", &["L"], Records, Group::Go, Action::Trajectory(Next), "Go to the next trajectory of the list"),
    row("previous-trajectory", &["H"], Records, Group::Go, Action::Trajectory(Previous), "Go to the previous trajectory of the list"),
    row("next-record-hit", &["L"], Results, Group::Go, Action::RecordHit(Next), "Go to the first hit of the next trajectory"),
    row("previous-record-hit", &["H"], Results, Group::Go, Action::RecordHit(Previous), "Go to the first hit here, or of the one before"),
    row("next-hunk", &["]"], Pages, Group::Go, Jump(Landmark::Hunk, Next), "Go to the next hunk"),
    row("previous-hunk", &["["], Pages, Group::Go, Jump(Landmark::Hunk, Previous), "Go to the previous hunk"),
    row("next-error", &["}"], Trajectory, Group::Go, Jump(Landmark::Error, Next), "Go to the next step that failed or bears a flag"),
    row("previous-error", &["{"], Trajectory, Group::Go, Jump(Landmark::Error, Previous), "Go to the previous step that failed or bears a flag"),
    row("next-evidence", &["}"], Patch, Group::Go, Jump(Landmark::Evidence, Next), "Go to the next place a filter speaks of"),
    row("previous-evidence", &["{"], Patch, Group::Go, Jump(Landmark::Evidence, Previous), "Go to the previous place a filter speaks of"),
    row("next-difference", &["]"], Beside, Group::Go, Jump(Landmark::Difference, Next), "Go to the next difference"),
    row("previous-difference", &["["], Beside, Group::Go, Jump(Landmark::Difference, Previous), "Go to the previous difference"),
    row("right-side", &["l"], Compare, Group::Go, Action::Side(Next), "Go to the right attempt"),
    row("left-side", &["h"], Compare, Group::Go, Action::Side(Previous), "Go to the left attempt"),
    row("next-test", &[")"], Trajectory, Group::Go, Jump(Landmark::Test, Next), "Go to the next test run"),
    row("previous-test", &["("], Trajectory, Group::Go, Jump(Landmark::Test, Previous), "Go to the previous test run"),
    row("next-edit", &[">"], Steps, Group::Go, Jump(Landmark::Edit, Next), "Go to the next step that changes a file"),
    row("previous-edit", &["<"], Steps, Group::Go, Jump(Landmark::Edit, Previous), "Go to the previous step that changes a file"),
    row("replay-next", &["l"], Replay, Group::Go, Action::ReplayStep(Next), "Run the next call"),
    row("replay-back", &["h"], Replay, Group::Go, Action::ReplayStep(Previous), "Take the last call back"),
    row("replay-all", &["$"], Replay, Group::Go, Action::ReplayEnd(Next), "Run to the end, then compare patches and verify"),
    row("replay-again", &["0"], Replay, Group::Go, Action::ReplayEnd(Previous), "Begin again, in a new sandbox"),
    row("replay-divergence", &[">"], Replay, Group::Go, Action::ReplayDivergence, "Run until a call diverges"),
    row("replay-stop", &["Backspace"], Replay, Group::Go, Action::ReplayStop, "Stop the call that runs"),
    row("blame", &["b"], File, Group::Go, Action::Blame, "Go to the step that wrote the line, or showed it first"),

    row("find", &["/"], Global, Group::Find, Action::Find, "Search in this view"),
    row("next-hit", &["n"], Global, Group::Find, Jump(Landmark::Hit, Next), "Go to the next search hit"),
    row("previous-hit", &["N"], Global, Group::Find, Jump(Landmark::Hit, Previous), "Go to the previous search hit"),
    row("grep", &["Ctrl-g"], Global, Group::Find, Action::Grep, "Search all trajectories of the list"),
    row("narrow", &["'"], Global, Group::Find, Action::Narrow, "Narrow the list as you type (fuzzy)"),
    row("filter", &["F"], Global, Group::Find, Action::Filter, "Show only records for which a query holds"),
    row("sort", &["o"], List, Group::Find, Overlay(OverlayKind::Sort), "Choose the column to sort by"),
    row("reverse-sort", &["O"], List, Group::Find, Action::ReverseSort, "Turn the sort order round"),

    row("patch", &["p"], Global, Group::Show, Action::Patch, "Show the final patch, or go back from it"),
    row("file-at-step", &["w"], Global, Group::Show, Action::FileAtStep, "Show the files as the step left them, or go back"),
    row("replay", &["r"], Global, Group::Show, Action::Replay, "Replay the calls in a sandbox, or go back from it"),
    row("task", &["i"], Global, Group::Show, Action::Task, "Show the task with its places and attempts, or go back"),
    row("replay-shell", &["!"], Replay, Group::Show, Action::ReplayShell, "Open a shell in a copy of the sandbox as it stands now"),
    row("toggle-changes", &["d"], File, Group::Show, Action::Changes, "Show what changed since the start, or since the mark"),
    row("mark-moment", &["m"], File, Group::Show, Action::MarkMoment, "Mark the step to compare with, or take the mark away"),
    row("stats", &["S"], Global, Group::Show, Action::Stats, "Show statistics of the list, or go back from them"),
    row("group-by", &["b"], Stats, Group::Show, Overlay(OverlayKind::GroupBy), "Choose what to group by"),
    row("then-group-by", &["+"], Stats, Group::Show, Overlay(OverlayKind::ThenGroupBy), "Choose what to group by besides"),
    row("why", &["!"], Global, Group::Show, Overlay(OverlayKind::Why), "Show why the filters decided as they did"),
    row("toggle-reference", &["d"], Patch, Group::Show, Action::ToggleReference, "Show or hide the reference patch"),
    row("compare", &["="], Global, Group::Show, Action::Compare, "Compare with another attempt, or the two selected"),
    row("compare-runs", &[], Global, Group::Show, Action::CompareRuns, "Compare two runs task by task: models or files"),
    row("toggle-difference", &["d"], Beside, Group::Show, Action::ToggleDifference, "Show in what both sides differ, or both"),
    row("toggle-fold", &["z a"], AnyPage, Group::Show, Fold(FoldChange::Toggle), "Open or close the fold at the cursor"),
    row("open-folds", &["z R"], AnyPage, Group::Show, Fold(FoldChange::OpenAll), "Open all folds"),
    row("close-folds", &["z M"], AnyPage, Group::Show, Fold(FoldChange::CloseAll), "Close all folds"),
    row("toggle-wrap", &["W"], Global, Group::Show, Action::ToggleWrap, "Wrap long lines, or cut them"),
    row("diff-layout", &["D"], AnyPage, Group::Show, Action::CycleDiffLayout, "Show edits by width, unified, or side by side"),
    row("toggle-preview", &["v"], List, Group::Show, Action::TogglePreview, "Show or hide the preview beside the list"),
    row("toggle-raw", &["v"], Trajectory, Group::Show, Action::ToggleRaw, "Show the step's raw record, or its page"),
    row("next-theme", &["T"], Global, Group::Show, Action::NextTheme, "Go to the next theme"),
    row("themes", &[], Global, Group::Show, Overlay(OverlayKind::Themes), "Choose a theme, previewed live"),

    row("accept", &["a"], Global, Group::Decide, Decide(Choice::Accept), "Accept, and go on to the next undecided"),
    row("reject", &["x"], Global, Group::Decide, Decide(Choice::Reject), "Reject, and go on; then 1–9 gives the reason"),
    row("skip", &["s"], Global, Group::Decide, Decide(Choice::Skip), "Skip, and go on to the next undecided"),
    row("undo", &["u"], Global, Group::Decide, Action::Undo, "Take back your last action, also across restarts"),
    row("redo", &["Ctrl-r"], Global, Group::Decide, Action::Redo, "Do again what you took back"),
    row("flag", &["f"], Global, Group::Decide, Action::Flag, "Flag for another look, or no longer"),
    row("comment", &["c"], Global, Group::Decide, Action::Comment, "Write a note"),
    row("tags", &["t"], Global, Group::Decide, Action::Tags, "Set tags, separated by commas"),
    row("mask-train", &["m t"], Trajectory, Group::Decide, Action::Mask(Some(Mask::Train)), "Train on the step or range"),
    row("mask-context", &["m c"], Trajectory, Group::Decide, Action::Mask(Some(Mask::Context)), "Keep the step or range as context only"),
    row("mask-drop", &["m d"], Trajectory, Group::Decide, Action::Mask(Some(Mask::Drop)), "Leave the step or range out of training data"),
    row("mask-none", &["m m"], Trajectory, Group::Decide, Action::Mask(None), "Take the mask of the step or range away"),
    row("select", &["Space"], List, Group::Decide, Action::Select, "Select the row, or no longer"),
    row("range", &["V"], Global, Group::Decide, Action::Range, "Begin or end a range of rows or steps"),
    row("next-undecided", &["."], Global, Group::Decide, Action::NextUndecided, "Go to the next record that is not decided"),
    row("clear-decision", &[], Global, Group::Decide, Action::ClearDecision, "Take the decision back as if there had been none"),
    row("decisions", &[","], Global, Group::Decide, Overlay(OverlayKind::Decided), "Show your last decisions, and go to one"),
    row("queues", &["Q"], Global, Group::Decide, Overlay(OverlayKind::Queues), "Choose what to look at: undecided, disagreements, …"),
    row("toggle-blind", &["B"], Global, Group::Decide, Action::ToggleBlind, "Hide verdicts until you have decided, or show them"),
    row("export", &[], Global, Group::Decide, Overlay(OverlayKind::Export), "Write the curated set"),

    row("copy-step", &["y s"], Trajectory, Group::Take, Copy(CopyWhat::Step), "Copy the step as text"),
    row("copy-command", &["y c"], Trajectory, Group::Take, Copy(CopyWhat::Command), "Copy the command or arguments of the step"),
    row("copy-observation", &["y o"], Trajectory, Group::Take, Copy(CopyWhat::Observation), "Copy the observation as text"),
    row("copy-patch", &["y p"], Pages, Group::Take, Copy(CopyWhat::Patch), "Copy the final patch, or the edit under the cursor"),
    row("copy-id", &["y i"], Global, Group::Take, Copy(CopyWhat::Id), "Copy the trajectory's id"),
    row("copy-reference", &["y r"], Global, Group::Take, Copy(CopyWhat::Reference), "Copy the reference: path:record#id@step"),
    row("copy-record", &["y j"], Global, Group::Take, Copy(CopyWhat::Record), "Copy the record's JSON"),
    row("copy-tables", &["y m"], Stats, Group::Take, Action::CopyTables, "Copy all tables and charts as Markdown"),
    row("edit-tables", &["e"], Stats, Group::Take, Action::EditTables, "Open the statistics in $EDITOR"),
    row("page-tables", &["E"], Stats, Group::Take, Action::PageTables, "Open the statistics in $PAGER"),
    row("edit", &["e"], Pages, Group::Take, Action::Edit, "Open the step or patch in $EDITOR"),
    row("page", &["E"], Pages, Group::Take, Action::Page, "Open the step or patch in $PAGER"),

    row("open", &["Enter"], Global, Group::Program, Action::Open, "Open what is under the cursor"),
    row("escape", &["Esc"], Global, Group::Program, Action::Escape, "Close the topmost thing only"),
    row("back", &["q"], Global, Group::Program, Action::Back, "Go back one screen; quit from the first"),
    row("next-pane", &["Tab"], Global, Group::Program, Action::Pane(Next), "Give the keys to the next pane"),
    row("previous-pane", &["BackTab"], Global, Group::Program, Action::Pane(Previous), "Give the keys to the previous pane"),
    row("palette", &[":"], Global, Group::Program, Overlay(OverlayKind::Palette), "Find and run a command by name"),
    row("help", &["?"], Global, Group::Program, Overlay(OverlayKind::Help), "Show the keys that work here"),
    row("messages", &["M"], Global, Group::Program, Overlay(OverlayKind::Messages), "Show past messages"),
    row("reload", &["R"], Global, Group::Program, Action::Reload, "Look for new records now"),
    row("toggle-follow", &[], Global, Group::Program, Action::ToggleFollow, "Keep looking for new records, or stop"),
    row("toggle-mouse", &[], Global, Group::Program, Action::ToggleMouse, "Use the mouse here, or leave it to the terminal"),
    row("redraw", &["Ctrl-l"], Global, Group::Program, Action::Redraw, "Paint the screen again"),
    row("suspend", &["Ctrl-z"], Global, Group::Program, Action::Suspend, "Suspend to the shell"),
    row("quit", &["Ctrl-c"], Global, Group::Program, Action::Quit, "Quit"),
];

#[cfg(test)]
mod tests;
