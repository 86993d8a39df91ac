//! What lies over the screen: help, palette, prompt, messages, pickers. One closed enum; the app keeps a stack of it.
//!
//! An overlay sees keys first and answers with a [`Reply`]; it changes nothing but itself. All of them can be drawn on
//! any screen, down to none at all.

mod choose;
mod confirm;
mod filter;
mod form;
mod frame;
mod help;
mod hints;
mod messages;
mod palette;
mod prompt;
mod report;
mod sort;
mod themes;
mod why;

pub use choose::ChoiceKind;
pub use choose::Choose;
pub use confirm::Confirm;
pub use filter::Filter;
pub use form::Field;
pub use form::Form;
pub use form::FormChange;
pub use help::Help;
pub use hints::draw_hints;
pub use messages::Message;
pub use messages::Messages;
pub use palette::Palette;
pub use prompt::Prompt;
pub use report::Report;
pub use sort::SortPicker;
pub use themes::ThemePicker;
pub use why::Why;

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::KeyModifiers;
use ratatui::layout::Position;
use ratatui::layout::Rect;

use crate::theme::Theme;
use crate::ui::action::Action;
use crate::ui::page::EvidenceId;

/// What a prompt's text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PromptKind {
    /// Search in this view.
    Find,
    /// Search all trajectories.
    Grep,
    /// Narrow the list.
    Narrow,
    /// The query that records have to answer.
    Filter,
    /// The note of a record.
    Note,
    /// The tags of a record.
    Tags,
}

/// What happened to a prompt's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PromptChange {
    /// It changed; the prompt stays.
    Edited,
    /// Enter: close the prompt and keep the text.
    Accepted,
    /// Esc: close the prompt and go back to before it opened.
    Cancelled,
}

/// What an overlay asks of the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Nothing; it stays open.
    Stay,
    /// Close it.
    Close,
    /// Close it and do this.
    Run(Action),
    /// Close it and search all trajectories for this.
    Grep(String),
    /// The prompt's text changed, or is final.
    Prompt {
        /// Which prompt.
        kind: PromptKind,
        /// Its text.
        text: String,
        /// What happened to it; all but `Edited` close the prompt.
        what: PromptChange,
    },
    /// Close it and sort by the label of this number.
    SortBy(usize),
    /// Show this theme; it stays open.
    PreviewTheme(String),
    /// Close it and keep this theme.
    PickTheme(String),
    /// Close it and go back to the theme from before.
    CancelTheme,
    /// Close it and go to the line of the patch that this evidence is about.
    Evidence(EvidenceId),
    /// Go to this step.
    Step(usize),
    /// Run the test program of the record; it stays open.
    RunCheck,
    /// Close it and take the row of this number.
    Chosen(ChoiceKind, usize),
    /// The form's values, by name.
    Form(Vec<(&'static str, String)>, FormChange),
}

/// An overlay.
#[derive(Debug, Clone)]
pub enum Overlay {
    /// The keys that work here.
    Help(Help),
    /// All commands, fuzzy.
    Palette(Palette),
    /// A line of input at the bottom.
    Prompt(Prompt),
    /// A query with what may be typed next.
    Filter(Filter),
    /// Past messages.
    Messages(Messages),
    /// The columns to sort by.
    Sort(SortPicker),
    /// The themes.
    Themes(ThemePicker),
    /// A question.
    Confirm(Confirm),
    /// Queues, past decisions.
    Choose(Choose),
    /// Fields to fill in.
    Form(Form),
    /// What came of something large.
    Report(Report),
    /// Why the filters decided as they did.
    Why(Why),
}

impl Overlay {
    /// Takes a key. Ctrl-c and Esc always end the overlay.
    pub fn key(&mut self, key: KeyEvent) -> Reply {
        match self {
            Self::Help(help) => help.key(key),
            Self::Palette(palette) => palette.key(key),
            Self::Prompt(prompt) => prompt.key(key),
            Self::Filter(filter) => filter.key(key),
            Self::Messages(messages) => messages.key(key),
            Self::Sort(sort) => sort.key(key),
            Self::Themes(themes) => themes.key(key),
            Self::Confirm(confirm) => confirm.key(key),
            Self::Choose(choose) => choose.key(key),
            Self::Form(form) => form.key(key),
            Self::Report(report) => report.key(key),
            Self::Why(why) => why.key(key),
        }
    }

    /// Takes pasted text; it never runs as keys.
    pub fn paste(&mut self, text: &str) -> Reply {
        match self {
            Self::Help(help) => help.paste(text),
            Self::Palette(palette) => palette.paste(text),
            Self::Prompt(prompt) => prompt.paste(text),
            Self::Filter(filter) => filter.paste(text),
            Self::Messages(_) | Self::Confirm(_) | Self::Report(_) | Self::Why(_) => Reply::Stay,
            Self::Choose(choose) => choose.paste(text),
            Self::Form(form) => form.paste(text),
            Self::Sort(sort) => sort.paste(text),
            Self::Themes(themes) => themes.paste(text),
        }
    }

    /// Takes the rows of a choice that were counted since, keeping what was typed and where the cursor is.
    pub fn refill(&mut self, with: Self) {
        if let (Self::Choose(choose), Self::Choose(with)) = (self, with) {
            choose.refill(with);
        }
    }

    /// Turns the wheel: down by `rows`, up where negative.
    pub fn scroll(&mut self, rows: isize) -> Reply {
        match self {
            Self::Help(help) => help.scroll(rows),
            Self::Palette(palette) => palette.scroll(rows),
            Self::Prompt(_) | Self::Confirm(_) => Reply::Stay,
            Self::Filter(filter) => filter.scroll(rows),
            Self::Choose(choose) => choose.scroll(rows),
            Self::Form(form) => form.scroll(rows),
            Self::Report(report) => report.scroll(rows),
            Self::Why(why) => why.scroll(rows),
            Self::Messages(messages) => messages.scroll(rows),
            Self::Sort(sort) => sort.scroll(rows),
            Self::Themes(themes) => themes.scroll(rows),
        }
    }

    /// Draws over the whole screen's `area`; returns where the terminal's cursor belongs.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) -> Option<Position> {
        match self {
            Self::Help(help) => help.draw(area, buf, theme),
            Self::Palette(palette) => palette.draw(area, buf, theme),
            Self::Prompt(prompt) => prompt.draw(area, buf, theme),
            Self::Filter(filter) => filter.draw(area, buf, theme),
            Self::Messages(messages) => messages.draw(area, buf, theme),
            Self::Sort(sort) => sort.draw(area, buf, theme),
            Self::Themes(themes) => themes.draw(area, buf, theme),
            Self::Confirm(confirm) => confirm.draw(area, buf, theme),
            Self::Choose(choose) => choose.draw(area, buf, theme),
            Self::Form(form) => form.draw(area, buf, theme),
            Self::Report(report) => report.draw(area, buf, theme),
            Self::Why(why) => why.draw(area, buf, theme),
        }
    }
}

/// Whether a key ends any overlay: Esc, Ctrl-c, Ctrl-g.
fn is_cancel(key: KeyEvent) -> bool {
    match key.code {
        KeyCode::Esc => true,
        KeyCode::Char('c' | 'g') => key.modifiers.contains(KeyModifiers::CONTROL),
        _ => false,
    }
}

/// Moves an offset by rows, up to `most`.
fn scrolled(offset: usize, rows: isize, most: usize) -> usize {
    offset.min(most).saturating_add_signed(rows).min(most)
}

#[cfg(test)]
mod tests;
