//! Makes the lines of one reviewer, so that no two events bear the same moment.

use std::collections::HashSet;

use crate::model::Text;
use crate::review::Change;
use crate::review::Event;
use crate::review::Ledger;
use crate::review::Line;
use crate::review::Moment;
use crate::review::RecordRef;

/// Makes lines; saves and applies none.
#[derive(Debug, Clone)]
pub struct Scribe {
    reviewer: Text,
    last: Option<Moment>,
}

impl Scribe {
    /// Goes on behind what the ledger knows of the reviewer.
    pub fn new(reviewer: &str, ledger: &Ledger) -> Self {
        Self {
            reviewer: reviewer.into(),
            last: ledger.last_at(reviewer),
        }
    }

    /// Goes on behind what the ledger knows of the reviewer, too.
    pub fn go_on_behind(&mut self, ledger: &Ledger) {
        self.last = self.last.max(ledger.last_at(&self.reviewer));
    }

    /// The reviewer.
    pub fn reviewer(&self) -> &Text {
        &self.reviewer
    }

    /// The lines of one action on one or many records, undone as one. Records with the same content are one record: the
    /// first change counts.
    pub fn changes(
        &mut self,
        now: Moment,
        changes: impl IntoIterator<Item = (RecordRef, Change)>,
    ) -> Vec<Line> {
        let at = self.next(now);
        self.changes_at(at, changes)
    }

    /// The moment of an action whose lines are made a part at a time, by [`Scribe::changes_at`].
    pub fn begin(&mut self, now: Moment) -> Moment {
        self.next(now)
    }

    /// More lines of an action that was begun.
    pub fn changes_at(
        &self,
        at: Moment,
        changes: impl IntoIterator<Item = (RecordRef, Change)>,
    ) -> Vec<Line> {
        let mut known = HashSet::new();
        let changes = changes.into_iter();
        changes
            .filter(|(record, _)| known.insert(record.sha256))
            .map(|(record, change)| self.line(at, Event::Change { record, change }))
            .collect()
    }

    /// The line that takes back what was done at `moment`; [`Ledger::undoable`] names it.
    pub fn undo(&mut self, now: Moment, moment: Moment) -> Line {
        let at = self.next(now);
        self.line(at, Event::Undo(moment))
    }

    /// The line that does it again; [`Ledger::redoable`] names it.
    pub fn redo(&mut self, now: Moment, moment: Moment) -> Line {
        let at = self.next(now);
        self.line(at, Event::Redo(moment))
    }

    fn next(&mut self, now: Moment) -> Moment {
        let at = now.after(self.last);
        self.last = Some(at);
        at
    }

    fn line(&self, at: Moment, event: Event) -> Line {
        Line {
            at,
            reviewer: self.reviewer.clone(),
            event,
        }
    }
}
