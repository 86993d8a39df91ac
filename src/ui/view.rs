//! The screens: state, what keys do to it, what it lacks, and how it is drawn. Views do not import each other;
//! what they have in common is in [`panes`] and [`signs`].

pub mod compare;
pub mod file;
pub mod list;
pub mod panes;
pub mod patch;
pub mod replay;
pub mod results;
pub mod signs;
pub mod stats;
pub mod trajectory;

use ratatui::layout::Rect;

use crate::model::RecordIx;
use crate::review::Choice;
use crate::text::excerpt;
use crate::text::human;
use crate::theme::Role;
use crate::theme::Theme;
use crate::ui::data::Data;
use crate::ui::page::DiffLayout;
use crate::ui::page::PageOptions;

/// How things are shown; changed by keys, kept in the settings.
#[derive(Debug, Clone)]
pub struct Look {
    /// Wrap long lines.
    pub is_wrapped: bool,
    /// Layout of edits.
    pub diff: DiffLayout,
    /// Cells between tab stops.
    pub tab_cells: u8,
    /// Outputs longer than this many lines are folded.
    pub fold_lines: usize,
}

impl Look {
    /// The options of a page that is `width` cells wide.
    pub fn page_options(&self, width: u16) -> PageOptions {
        PageOptions {
            width,
            diff: self.diff,
            // in the other layouts it makes no difference: pages that are there stay
            wraps_sides: self.is_wrapped && self.diff == DiffLayout::SideBySide,
            tab_cells: self.tab_cells,
            fold_lines: self.fold_lines,
            is_blind: false,
        }
    }
}

/// What a view may look at while it works.
#[derive(Debug, Clone, Copy)]
pub struct Cx<'a> {
    /// What is loaded.
    pub data: &'a Data,
    /// Colours.
    pub theme: &'a Theme,
    /// How things are shown.
    pub look: &'a Look,
    /// The whole screen.
    pub screen: Rect,
}

/// The sign and role of an outcome; the sign tells without colour.
pub fn outcome_mark(resolved: Option<bool>, is_fault: bool) -> (&'static str, Role) {
    match (is_fault, resolved) {
        (true, _) => ("!", Role::Error),
        (false, Some(true)) => ("✓", Role::Success),
        (false, Some(false)) => ("✗", Role::Error),
        (false, None) => ("·", Role::Dim),
    }
}

/// What this reviewer says of a record, for a title: decision and reason, tags, whether there is a note or a flag.
pub fn decision_words(cx: &Cx<'_>, ix: RecordIx) -> Vec<(String, Role)> {
    let Some(state) = cx.data.desk.mine(ix) else {
        let words = "decided in an older version of the record  ".to_owned();
        let is_stale = cx.data.desk.is_stale(ix);
        return is_stale
            .then_some((words, Role::Warning))
            .into_iter()
            .collect();
    };
    let mut pieces = Vec::new();
    if let Some(choice) = state.decision {
        let role = match choice {
            Choice::Accept => Role::Success,
            Choice::Reject => Role::Error,
            Choice::Skip => Role::Warning,
        };
        let reason = state.reason.as_ref().map(|reason| format!(": {reason}"));
        let reason = reason.unwrap_or_default();
        pieces.push((format!("{}{reason}  ", choice.past()), role));
    }
    if state.flag {
        pieces.push(("flagged  ".to_owned(), Role::Warning));
    }
    for tag in &state.tags {
        pieces.push((format!("#{tag} "), Role::Info));
    }
    if !state.tags.is_empty() {
        pieces.push((" ".to_owned(), Role::Text));
    }
    if let Some(note) = &state.note {
        pieces.push((format!("“{}”  ", excerpt(note, 30)), Role::Info));
    }
    pieces
}

/// A number that may not be known, as at most `cells` cells; empty when it is not.
pub fn known<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map(show).unwrap_or_default()
}

/// Tokens for columns.
pub fn tokens(number: u64) -> String {
    human::short_count(number)
}
