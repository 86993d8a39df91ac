//! The table of commands against the actions, and its names and words.

use std::collections::BTreeSet;
use std::collections::HashSet;

use super::*;

/// The actions that come in one form only.
const PLAIN: &[Action] = &[
    Action::Open,
    Action::Escape,
    Action::Back,
    Action::Quit,
    Action::Find,
    Action::Grep,
    Action::Narrow,
    Action::Filter,
    Action::ReverseSort,
    Action::ToggleWrap,
    Action::TogglePreview,
    Action::CycleDiffLayout,
    Action::ToggleRaw,
    Action::Patch,
    Action::Stats,
    Action::CopyTables,
    Action::EditTables,
    Action::PageTables,
    Action::ToggleReference,
    Action::Compare,
    Action::CompareRuns,
    Action::ToggleDifference,
    Action::NextTheme,
    Action::ToggleMouse,
    Action::Edit,
    Action::Page,
    Action::Reload,
    Action::ToggleFollow,
    Action::Redraw,
    Action::Suspend,
    Action::ClearDecision,
    Action::Undo,
    Action::Redo,
    Action::Flag,
    Action::Comment,
    Action::Tags,
    Action::Select,
    Action::Range,
    Action::ToggleBlind,
    Action::NextUndecided,
    Action::FileAtStep,
    Action::Task,
    Action::Blame,
    Action::Changes,
    Action::MarkMoment,
    Action::Replay,
    Action::ReplayDivergence,
    Action::ReplayStop,
    Action::ReplayShell,
    Action::Mask(None),
];

/// Every action. The matches below do not compile when a variant is new: add it to the lists, too.
fn actions() -> Vec<Action> {
    use Motion::*;
    let toward = [Next, Previous];
    let motions = [
        Down, Up, HalfDown, HalfUp, PageDown, PageUp, Top, Bottom, Left, Right,
    ];
    let landmarks = [
        Landmark::Hunk,
        Landmark::Error,
        Landmark::Edit,
        Landmark::Test,
        Landmark::Hit,
        Landmark::Evidence,
        Landmark::Difference,
    ];
    let copies = [
        CopyWhat::Step,
        CopyWhat::Command,
        CopyWhat::Patch,
        CopyWhat::Id,
        CopyWhat::Reference,
        CopyWhat::Observation,
        CopyWhat::Record,
    ];
    let folds = [
        FoldChange::Toggle,
        FoldChange::OpenAll,
        FoldChange::CloseAll,
    ];
    let overlays = [
        OverlayKind::Help,
        OverlayKind::Palette,
        OverlayKind::Messages,
        OverlayKind::Sort,
        OverlayKind::Themes,
        OverlayKind::Why,
        OverlayKind::Queues,
        OverlayKind::Decided,
        OverlayKind::Export,
        OverlayKind::GroupBy,
        OverlayKind::ThenGroupBy,
    ];
    let mut all = PLAIN.to_vec();
    all.extend([Choice::Accept, Choice::Reject, Choice::Skip].map(Action::Decide));
    all.extend(Mask::ALL.map(|mask| Action::Mask(Some(mask))));
    all.extend(motions.map(Action::Move));
    all.extend(copies.map(Copy));
    all.extend(folds.map(Fold));
    all.extend(overlays.map(Overlay));
    for way in toward {
        all.extend([
            Action::Step(way),
            Action::StepEnd(way),
            Action::Trajectory(way),
            Action::RecordHit(way),
            Action::Pane(way),
            Action::Side(way),
            Action::ReplayStep(way),
            Action::ReplayEnd(way),
        ]);
        all.extend(landmarks.map(|landmark| Jump(landmark, way)));
    }
    for action in &all {
        known(*action);
    }
    all
}

/// Fails to compile when an action is new.
#[expect(clippy::too_many_lines, reason = "a flat list of all actions")]
fn known(action: Action) {
    match action {
        Action::Move(
            Motion::Down
            | Motion::Up
            | Motion::HalfDown
            | Motion::HalfUp
            | Motion::PageDown
            | Motion::PageUp
            | Motion::Top
            | Motion::Bottom
            | Motion::Left
            | Motion::Right,
        )
        | Action::Step(Next | Previous)
        | Action::StepEnd(_)
        | Action::Trajectory(_)
        | Action::RecordHit(_)
        | Action::Jump(
            Landmark::Hunk
            | Landmark::Error
            | Landmark::Edit
            | Landmark::Test
            | Landmark::Hit
            | Landmark::Evidence
            | Landmark::Difference,
            _,
        )
        | Action::Pane(_)
        | Action::FileAtStep
        | Action::Task
        | Action::Blame
        | Action::Changes
        | Action::MarkMoment
        | Action::Open
        | Action::Escape
        | Action::Back
        | Action::Quit
        | Action::Find
        | Action::Grep
        | Action::Narrow
        | Action::Filter
        | Action::Overlay(
            OverlayKind::Help
            | OverlayKind::Palette
            | OverlayKind::Messages
            | OverlayKind::Sort
            | OverlayKind::Themes
            | OverlayKind::Why
            | OverlayKind::Queues
            | OverlayKind::Decided
            | OverlayKind::Export
            | OverlayKind::GroupBy
            | OverlayKind::ThenGroupBy,
        )
        | Action::ReverseSort
        | Action::Fold(FoldChange::Toggle | FoldChange::OpenAll | FoldChange::CloseAll)
        | Action::ToggleWrap
        | Action::TogglePreview
        | Action::CycleDiffLayout
        | Action::ToggleRaw
        | Action::Patch
        | Action::Stats
        | Action::CopyTables
        | Action::EditTables
        | Action::PageTables
        | Action::ToggleReference
        | Action::Compare
        | Action::CompareRuns
        | Action::Side(_)
        | Action::Replay
        | Action::ReplayStep(_)
        | Action::ReplayEnd(_)
        | Action::ReplayDivergence
        | Action::ReplayStop
        | Action::ReplayShell
        | Action::ToggleDifference
        | Action::NextTheme
        | Action::ToggleMouse
        | Action::Copy(
            CopyWhat::Step
            | CopyWhat::Command
            | CopyWhat::Patch
            | CopyWhat::Id
            | CopyWhat::Reference
            | CopyWhat::Observation
            | CopyWhat::Record,
        )
        | Action::Edit
        | Action::Page
        | Action::Reload
        | Action::ToggleFollow
        | Action::Redraw
        | Action::Suspend
        | Action::Decide(Choice::Accept | Choice::Reject | Choice::Skip)
        | Action::ClearDecision
        | Action::Undo
        | Action::Redo
        | Action::Flag
        | Action::Comment
        | Action::Tags
        | Action::Mask(None | Some(Mask::Train | Mask::Context | Mask::Drop))
        | Action::Select
        | Action::Range
        | Action::ToggleBlind
        | Action::NextUndecided
        // the answers to questions, which no key gives by itself
        | Action::DecideAll(_)
        | Action::ExportNow
        | Action::ReplayThis
        | Action::QuitNow => {}
    }
}

#[test]
fn every_action_has_one_command() {
    let mut seen = HashSet::new();
    for command in COMMANDS {
        assert!(
            seen.insert(command.action),
            "{} doubles an action",
            command.name
        );
    }
    for action in actions() {
        assert!(seen.contains(&action), "{action:?} has no command");
    }
    assert_eq!(seen.len(), actions().len());
}

#[test]
fn names_and_docs_keep_the_form() {
    let mut names = BTreeSet::new();
    for row in COMMANDS {
        assert!(names.insert(row.name), "{} is there twice", row.name);
        assert!(row.name != "none");
        assert!(
            row.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
            "{}",
            row.name
        );
        assert!(
            row.doc.starts_with(char::is_uppercase) && !row.doc.ends_with('.'),
            "{}",
            row.doc
        );
        assert!(row.doc.chars().count() <= 56, "{}", row.doc);
        assert_eq!(
            command(row.name).map(|found| found.action),
            Some(row.action)
        );
    }
}

#[test]
fn groups_stand_together() {
    let mut groups: Vec<Group> = COMMANDS.iter().map(|command| command.group).collect();
    groups.dedup();
    assert_eq!(groups, Group::ALL);
}

#[test]
fn the_key_table_holds_every_command() {
    let table = key_table_markdown();
    for command in COMMANDS {
        assert!(table.contains(&format!("| `{}` |", command.name)));
    }
    assert!(table.starts_with("### Move\n\n| Keys |"));
    assert!(table.contains("| `y s` | `copy-step` | Copy the step as text | trajectory |"));
    // as many bars in each row as in its heading
    for row in table.lines().filter(|line| line.starts_with('|')) {
        assert_eq!(row.replace("\\|", "").matches('|').count(), 5, "{row}");
    }
}
