//! What can happen to the terminal program: input, a new size, news from background work, signals.
//!
//! Plain data. `N` is the notice type of the background tasks, so that this module knows none of them.

use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::MouseEvent;

/// Something that happened, in the order in which it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<N> {
    /// A key went down or repeats; releases are dropped before.
    Key(KeyEvent),
    /// Text from the terminal's paste; never taken for keys.
    Paste(String),
    /// A click or a turn of the wheel.
    Mouse(MouseEvent),
    /// The screen has this size now: columns, rows.
    Resize(u16, u16),
    /// Background work has something to say.
    Notice(N),
    /// A moment passed that somebody asked for (a hint box, an expiring message).
    Tick,
    /// We came back from the shell: paint everything again.
    Resumed,
    /// The terminal is gone, or a signal asks us to end.
    Hangup,
}
