//! Highlights of a page, made off the drawing thread: jobs to run, finished inks, and the store of them.

use crate::cancel::Cancel;
use crate::theme::Highlighter;

/// What a highlight belongs to: a block of the page and a stretch of its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InkKey {
    block: usize,
    chunk: usize,
}

/// Highlighting that a page lacks. `Send`: run it on any thread.
#[derive(Debug)]
pub struct InkJob {
    key: InkKey,
}

impl InkJob {
    /// What it will highlight; two jobs with one key do the same work.
    pub fn key(&self) -> InkKey {
        self.key
    }

    /// Highlights; stops early, with what it has, when cancelled.
    pub fn run(self, _highlighter: &Highlighter, _cancel: &Cancel) -> Ink {
        Ink { _key: self.key }
    }
}

/// Finished highlighting; goes into [`Inks::insert`].
#[derive(Debug)]
pub struct Ink {
    _key: InkKey,
}

/// The finished highlights of one page under one theme. Bounded; make a new one for a new page or theme.
#[derive(Debug, Default)]
pub struct Inks {}

impl Inks {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in finished highlighting.
    pub fn insert(&mut self, _ink: Ink) {}
}
