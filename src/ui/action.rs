//! What the user means: plain data, named in [`crate::ui::command`], carried out by views and the app.

use crate::review::Choice;
use crate::review::Mask;

/// A direction in time or along a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Toward {
    /// Later, further down.
    Next,
    /// Earlier, further up.
    Previous,
}

/// A movement of the cursor or the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Motion {
    /// One row down.
    Down,
    /// One row up.
    Up,
    /// Half a page down.
    HalfDown,
    /// Half a page up.
    HalfUp,
    /// A page down.
    PageDown,
    /// A page up.
    PageUp,
    /// The first row.
    Top,
    /// The last row.
    Bottom,
    /// Columns to the left.
    Left,
    /// Columns to the right.
    Right,
}

/// What a jump goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Landmark {
    /// A hunk of an edit.
    Hunk,
    /// A failed action.
    Error,
    /// A step that changes a file.
    Edit,
    /// A step that runs tests.
    Test,
    /// A search hit.
    Hit,
    /// A place that a filter speaks of.
    Evidence,
    /// A stretch of rows in which two attempts differ.
    Difference,
}

/// What to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CopyWhat {
    /// The step as text.
    Step,
    /// The command or arguments of the step's action.
    Command,
    /// The final patch, or the edit's diff where the cursor is on one.
    Patch,
    /// The trajectory's id.
    Id,
    /// `path:record#id@step`.
    Reference,
    /// The observation as text.
    Observation,
    /// The record's JSON.
    Record,
}

/// What to do with folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FoldChange {
    /// Open or close the one at the cursor.
    Toggle,
    /// Open all.
    OpenAll,
    /// Close all.
    CloseAll,
}

/// An overlay to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OverlayKind {
    /// All keys that work here, filterable.
    Help,
    /// All commands, fuzzy.
    Palette,
    /// Past messages.
    Messages,
    /// The columns to sort by.
    Sort,
    /// The themes, previewed live.
    Themes,
    /// Why the filters came out as they did.
    Why,
    /// The queues.
    Queues,
    /// The reviewer's last decisions.
    Decided,
    /// The form of an export.
    Export,
    /// What statistics are grouped by.
    GroupBy,
    /// By what besides.
    ThenGroupBy,
}

/// What the user means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Moves in the focused pane.
    Move(Motion),
    /// Goes to the next or previous step.
    Step(Toward),
    /// Goes to the first or last step.
    StepEnd(Toward),
    /// Goes to the next or previous trajectory of the list, from inside one.
    Trajectory(Toward),
    /// Goes to the first hit of the next or previous trajectory, in the results of a search.
    RecordHit(Toward),
    /// Jumps to the next or previous landmark of the trajectory.
    Jump(Landmark, Toward),
    /// Gives the keys to the next or previous pane.
    Pane(Toward),
    /// Opens what is under the cursor.
    Open,
    /// Closes the topmost thing only.
    Escape,
    /// Goes back one screen; quits from the first.
    Back,
    /// Quits.
    Quit,
    /// Opens the prompt that searches this view.
    Find,
    /// Opens the prompt that searches all trajectories of the list.
    Grep,
    /// Opens the prompt that narrows the list.
    Narrow,
    /// Opens the prompt of the query that records have to answer.
    Filter,
    /// Opens an overlay.
    Overlay(OverlayKind),
    /// Turns the sort order round.
    ReverseSort,
    /// Changes folds.
    Fold(FoldChange),
    /// Wraps long lines or not.
    ToggleWrap,
    /// Shows or hides the preview beside the list.
    TogglePreview,
    /// Shows edits side by side, unified, or as the width allows.
    CycleDiffLayout,
    /// Opens the final patch, or goes back from it.
    Patch,
    /// Opens the workspace at the step, or goes back from it.
    FileAtStep,
    /// Goes to the step that wrote the line under the cursor.
    Blame,
    /// Shows what changed in the file, or the file.
    Changes,
    /// Marks the moment, to compare with.
    MarkMoment,
    /// Opens the replay of the record, or goes back from it.
    Replay,
    /// Show the task of the record, or go back.
    Task,
    /// Runs the next call of a replay, or takes the last one back.
    ReplayStep(Toward),
    /// Runs a replay to its end, or begins it again.
    ReplayEnd(Toward),
    /// Runs a replay until a call diverges.
    ReplayDivergence,
    /// Stops the call that runs.
    ReplayStop,
    /// Opens a shell in the sandbox.
    ReplayShell,
    /// Opens the statistics of the list, or goes back from them.
    Stats,
    /// Shows or hides the reference patch beside the final one.
    ToggleReference,
    /// Sets the record beside another.
    Compare,
    /// Sets two runs beside each other.
    CompareRuns,
    /// Goes to the left attempt (previous) or the right one.
    Side(Toward),
    /// Shows in what two steps differ, or the steps.
    ToggleDifference,
    /// Shows the step's record bytes instead of its page.
    ToggleRaw,
    /// Goes to the next theme.
    NextTheme,
    /// Lets the program have the mouse, or the terminal.
    ToggleMouse,
    /// Copies.
    Copy(CopyWhat),
    /// Copies all tables and charts of the statistics.
    CopyTables,
    /// Opens the statistics in `$EDITOR`.
    EditTables,
    /// Opens the statistics in `$PAGER`.
    PageTables,
    /// Opens the step in `$EDITOR`.
    Edit,
    /// Opens the step in `$PAGER`.
    Page,
    /// Looks for new records now.
    Reload,
    /// Keeps looking for new records.
    ToggleFollow,
    /// Paints the screen again.
    Redraw,
    /// Suspends to the shell.
    Suspend,
    /// Decides about the record, or asks whether to decide about all that are selected.
    Decide(Choice),
    /// Decides about all that are selected.
    DecideAll(Choice),
    /// Writes the export that was tried out.
    ExportNow,
    /// Gives up the replay that was left, and opens this one.
    ReplayThis,
    /// Quits although a replay is not through.
    QuitNow,
    /// Takes the decision back as if there had been none.
    ClearDecision,
    /// Takes back the last action of the reviewer.
    Undo,
    /// Does again what was taken back.
    Redo,
    /// Flags the record for another look, or no longer.
    Flag,
    /// Opens the prompt of the note.
    Comment,
    /// Opens the prompt of the tags.
    Tags,
    /// Masks steps, or takes their masks away.
    Mask(Option<Mask>),
    /// Selects the row, or no longer.
    Select,
    /// Begins or ends a range of rows or steps.
    Range,
    /// Hides verdicts until one has decided, or shows them.
    ToggleBlind,
    /// Goes to the next record that is not decided.
    NextUndecided,
}
