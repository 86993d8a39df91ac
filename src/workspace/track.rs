//! One file over time: its versions, and how evidence and edits become part of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::workspace::arena::Arena;
use crate::workspace::arena::Born;
use crate::workspace::arena::Known;
use crate::workspace::arena::LineText;
use crate::workspace::arena::MAX_LINES;
use crate::workspace::arena::Proof;
use crate::workspace::evidence::Shown;
use crate::workspace::evidence::Stretch;
use crate::workspace::evidence::stretches;
use crate::workspace::table::Piece;
use crate::workspace::table::Spot;
use crate::workspace::table::Table;

/// How a version comes from the one before it.
#[derive(Debug, Clone)]
enum Form {
    /// These are its stretches.
    Full(Arc<Table>),
    /// Lines replaced: place, number, by which source. From the bottom of the file up.
    Spliced(Vec<(usize, usize, Option<usize>)>),
}

/// The file from a moment on. Moments count the steps that are done.
#[derive(Debug, Clone)]
struct Version {
    moment: usize,
    form: Form,
    exists: Option<bool>,
}

/// How many versions in a row are told by what changed.
const FULL_EVERY: usize = 32;

/// Something that was told does not agree with what was told before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mismatch {
    /// The line, from 0.
    pub(super) line: usize,
    /// The last step that told the line as it was.
    pub(super) last: usize,
    /// Only the patch or the repository had told it.
    pub(super) is_seed: bool,
}

/// A file's versions while they are being made, and afterwards.
#[derive(Debug)]
pub(super) struct Track {
    versions: Vec<Version>,
    current: Table,
    exists: Option<bool>,
    /// Versions to which the editor can go back.
    undo: Vec<(Arc<Table>, Option<bool>)>,
    /// What was known of it ended once.
    pub(super) is_broken: bool,
    /// How many versions at the end were made by forgetting, and nothing was told of them or taken from them since.
    blanks: usize,
    /// Steps of its edits: what might be to blame when something does not agree.
    pub(super) edits: BTreeSet<usize>,
}

impl Track {
    /// A file of which nothing is known.
    pub(super) fn new(arena: &mut Arena) -> Self {
        let current = Table::whole(arena.found());
        let first = Version {
            moment: 0,
            form: Form::Full(Arc::new(current.clone())),
            exists: None,
        };
        Self {
            versions: vec![first],
            current,
            exists: None,
            undo: Vec::new(),
            is_broken: false,
            blanks: 0,
            edits: BTreeSet::new(),
        }
    }

    pub(super) fn exists(&self) -> Option<bool> {
        self.exists
    }

    pub(super) fn table(&self) -> &Table {
        &self.current
    }

    /// Says that the file was there, or not, at the version that is current.
    pub(super) fn set_exists(&mut self, exists: bool) {
        self.blanks = 0;
        self.exists = Some(exists);
        if let Some(version) = self.versions.last_mut() {
            version.exists = Some(exists);
        }
    }

    /// The stretches after `moment` steps, and whether the file is there.
    pub(super) fn at(&self, arena: &Arena, moment: usize) -> (Table, Option<bool>) {
        let after = self
            .versions
            .partition_point(|version| version.moment <= moment);
        let upto = self.versions.get(..after).unwrap_or_default();
        let full = upto
            .iter()
            .rposition(|version| matches!(version.form, Form::Full(_)));
        let mut table = Table::default();
        for version in upto.get(full.unwrap_or(0)..).unwrap_or_default() {
            match &version.form {
                Form::Full(full) => table = (**full).clone(),
                Form::Spliced(splices) => {
                    for (at, removed, added) in splices {
                        table.splice(arena, *at, *removed, *added);
                    }
                }
            }
        }
        (table, upto.last().and_then(|version| version.exists))
    }

    fn push_full(&mut self, moment: usize, table: Table, exists: Option<bool>) {
        self.blanks = 0;
        self.current = table;
        self.exists = exists;
        self.versions.push(Version {
            moment,
            form: Form::Full(Arc::new(self.current.clone())),
            exists,
        });
    }

    /// From `moment` on nothing is known of the file.
    pub(super) fn forget(&mut self, arena: &mut Arena, moment: usize) {
        self.is_broken = true;
        // the version before the last is as unknown as the last: it lasts until now, and the last begins now
        if self.blanks >= 2
            && let Some(last) = self.versions.last_mut()
        {
            last.moment = last.moment.max(moment);
            return;
        }
        let blanks = self.blanks;
        let table = Table::whole(arena.found());
        self.push_full(moment, table, None);
        self.blanks = blanks + 1;
    }

    /// The file is gone from `moment` on.
    pub(super) fn delete(&mut self, moment: usize) {
        self.push_full(moment, Table::default(), Some(false));
    }

    /// The file is `other` from `moment` on: it was moved here.
    pub(super) fn become_copy(&mut self, moment: usize, (table, exists): (Table, Option<bool>)) {
        self.push_full(moment, table, exists);
    }

    /// Keeps the state for the editor's undo.
    pub(super) fn remember(&mut self) {
        const DEPTH: usize = 256;
        self.blanks = 0;
        if self.undo.len() == DEPTH {
            self.undo.remove(0);
        }
        self.undo
            .push((Arc::new(self.current.clone()), self.exists));
    }

    /// Goes back to the state that was kept last; false where none was.
    pub(super) fn undo(&mut self, moment: usize) -> bool {
        let Some((table, exists)) = self.undo.pop() else {
            return false;
        };
        self.push_full(moment, (*table).clone(), exists);
        true
    }

    /// The texts of `count` lines from `from` on; `None` for those that are not known.
    pub(super) fn texts<'a>(
        &self,
        arena: &'a Arena,
        from: usize,
        count: usize,
    ) -> Vec<Option<&'a LineText>> {
        let text = |spot: &Spot| match spot {
            Spot::In { source, ix } => arena.line(*source, *ix).map(|known| &known.text),
            Spot::Past | Spot::Hidden => None,
        };
        self.current
            .spots(arena, from, count)
            .iter()
            .map(text)
            .collect()
    }

    /// All lines, when every one is known.
    pub(super) fn all(&self, arena: &Arena) -> Option<Vec<LineText>> {
        let total = self
            .current
            .total(arena)
            .filter(|total| *total <= MAX_LINES)?;
        if self.exists == Some(false) {
            return None;
        }
        self.texts(arena, 0, total)
            .into_iter()
            .map(Option::<&LineText>::cloned)
            .collect()
    }

    /// All lines that have a number and a known text, ascending.
    pub(super) fn known<'a>(&self, arena: &'a Arena) -> Vec<(usize, &'a LineText)> {
        let mut found = Vec::new();
        let mut start = 0;
        for piece in &self.current.pieces {
            let Some(source) = arena.get(piece.source) else {
                break;
            };
            let len = piece.len(arena);
            let end = len.map_or(usize::MAX, |len| piece.from.saturating_add(len));
            let lines = source.known.range(piece.from..end.max(piece.from));
            found.extend(lines.map(|(ix, known)| (start + (ix - piece.from), &known.text)));
            let Some(len) = len else { break };
            start += len;
        }
        found
    }

    /// Takes what was shown as part of the file as it is now; nothing where it does not agree with what is known.
    ///
    /// # Errors
    /// The first line that does not agree.
    pub(super) fn learn(
        &mut self,
        arena: &mut Arena,
        step: usize,
        shown: &Shown,
        proof: Proof,
    ) -> Result<(), Mismatch> {
        self.blanks = 0;
        if self.exists == Some(false) {
            return Err(Mismatch {
                line: shown.first,
                last: 0,
                is_seed: self.versions.len() == 1,
            });
        }
        let spots = self.current.spots(arena, shown.first, shown.lines.len());
        if spots.contains(&Spot::Hidden) {
            // what is above is of unknown length: what was shown stands for itself from here on
            return Err(Mismatch {
                line: shown.first,
                last: usize::MAX,
                is_seed: false,
            });
        }
        self.check(arena, shown, &spots)?;
        for (spot, text) in spots.iter().zip(&shown.lines) {
            let (Spot::In { source, ix }, Some(text)) = (spot, text) else {
                continue;
            };
            let Some(source) = arena.get_mut(*source) else {
                continue;
            };
            let known = source.known.entry(*ix).or_insert_with(|| Known {
                text: text.clone(),
                first: step,
                last: step,
                proof,
            });
            if proof == Proof::Shown {
                if known.proof != Proof::Shown {
                    (known.proof, known.first) = (Proof::Shown, step);
                }
                known.last = known.last.max(step);
                // blanks where others showed a tab
                if text.as_str().contains('\t') && !known.text.as_str().contains('\t') {
                    known.text = text.clone();
                }
            }
        }
        self.learn_total(arena, step, shown.total)
    }

    fn check(&self, arena: &Arena, shown: &Shown, spots: &[Spot]) -> Result<(), Mismatch> {
        let mut worst: Option<Mismatch> = None;
        for (nth, (spot, text)) in spots.iter().zip(&shown.lines).enumerate() {
            let line = shown.first + nth;
            let found = match spot {
                Spot::Past => Mismatch {
                    line,
                    last: self.total_told(arena),
                    is_seed: false,
                },
                Spot::Hidden => continue,
                Spot::In { source, ix } => {
                    let known = arena.line(*source, *ix).zip(text.as_ref());
                    let Some((known, _)) = known.filter(|(known, text)| !known.text.is_same(text))
                    else {
                        continue;
                    };
                    Mismatch {
                        line,
                        last: known.last,
                        is_seed: known.proof != Proof::Shown,
                    }
                }
            };
            let first = worst.get_or_insert(found);
            first.last = first.last.max(found.last);
            first.is_seed &= found.is_seed;
        }
        if let (Some(told), Some(total)) = (shown.total, self.current.total(arena))
            && told != total
            && worst.is_none()
        {
            worst = Some(Mismatch {
                line: told.min(total),
                last: self.total_told(arena),
                is_seed: false,
            });
        }
        worst.map_or(Ok(()), Err)
    }

    /// The last step that told how many lines a stretch has that was there before.
    fn total_told(&self, arena: &Arena) -> usize {
        let open = self
            .current
            .pieces
            .iter()
            .filter(|piece| piece.len.is_none());
        let told = open.filter_map(|piece| arena.get(piece.source).map(|source| source.total_told));
        told.max().unwrap_or(0)
    }

    /// Takes the number of lines where exactly one stretch is open.
    fn learn_total(
        &self,
        arena: &mut Arena,
        step: usize,
        told: Option<usize>,
    ) -> Result<(), Mismatch> {
        let Some(told) = told else { return Ok(()) };
        let mut open = self
            .current
            .pieces
            .iter()
            .filter(|piece| piece.len(arena).is_none());
        let (Some(piece), None) = (open.next(), open.next()) else {
            return Ok(());
        };
        let others: usize = self
            .current
            .pieces
            .iter()
            .filter_map(|piece| piece.len(arena))
            .sum();
        let mismatch = Mismatch {
            line: told,
            last: 0,
            is_seed: false,
        };
        let rest = told.checked_sub(others).ok_or(mismatch)?;
        let total = piece.from.saturating_add(rest);
        let Some(source) = arena.get_mut(piece.source) else {
            return Ok(());
        };
        let last = source
            .known
            .last_key_value()
            .map_or(0, |(last, _)| last + 1);
        if last > total {
            return Err(mismatch);
        }
        (source.total, source.total_told) = (Some(total), step);
        Ok(())
    }

    /// Replaces stretches of lines, told from top to bottom by their places in the file as it is now. False, with
    /// nothing changed, where they cannot be placed.
    pub(super) fn splice(
        &mut self,
        arena: &mut Arena,
        step: usize,
        changes: Vec<(usize, usize, Vec<Option<LineText>>)>,
    ) -> bool {
        if changes.is_empty() {
            return true;
        }
        let mut table = self.current.clone();
        let mut splices = Vec::with_capacity(changes.len());
        for (at, removed, lines) in changes.into_iter().rev() {
            let added = (!lines.is_empty()).then(|| arena.written(step, lines));
            if !table.splice(arena, at, removed, added) {
                return false;
            }
            splices.push((at, removed, added));
        }
        self.blanks = 0;
        self.current = table;
        self.exists = Some(true);
        let since = self
            .versions
            .iter()
            .rev()
            .take_while(|version| matches!(version.form, Form::Spliced(_)))
            .take(FULL_EVERY)
            .count();
        let form = if since >= FULL_EVERY {
            Form::Full(Arc::new(self.current.clone()))
        } else {
            Form::Spliced(splices)
        };
        self.versions.push(Version {
            moment: step + 1,
            form,
            exists: Some(true),
        });
        true
    }

    /// The file has these lines from this step on; those that were there before keep their identity.
    pub(super) fn write(&mut self, arena: &mut Arena, step: usize, lines: &[LineText]) {
        let lines = lines.get(..lines.len().min(MAX_LINES)).unwrap_or_default();
        let before = self.all(arena);
        if let Some(before) = &before {
            let mut changes = Vec::new();
            for Stretch {
                old_at,
                old_len,
                new_at,
                new_len,
            } in stretches(before, lines)
            {
                let added = lines.get(new_at..new_at + new_len).unwrap_or_default();
                changes.push((old_at, old_len, added.iter().cloned().map(Some).collect()));
            }
            if self.splice(arena, step, changes) {
                return;
            }
        }
        let source = arena.written(step, lines.iter().cloned().map(Some).collect());
        self.push_full(step + 1, Table::whole(source), Some(true));
    }

    /// Puts lines at the end of the file.
    pub(super) fn append(&mut self, arena: &mut Arena, step: usize, lines: Vec<Option<LineText>>) {
        let source = arena.written(step, lines);
        let mut table = self.current.clone();
        let len = arena.get(source).and_then(|source| source.total);
        table.pieces.push(Piece {
            source,
            from: 0,
            len,
        });
        self.push_full(step + 1, table, Some(true));
    }

    /// Puts lines somewhere into a file of which nothing else is known from here on.
    pub(super) fn island(&mut self, arena: &mut Arena, step: usize, lines: Vec<Option<LineText>>) {
        let (above, below) = (arena.found(), arena.found());
        let island = arena.written(step, lines);
        let len = arena.get(island).and_then(|source| source.total);
        let mut table = Table::whole(above);
        table.pieces.push(Piece {
            source: island,
            from: 0,
            len,
        });
        table.pieces.extend(Table::whole(below).pieces);
        self.is_broken = true;
        self.push_full(step + 1, table, Some(true));
    }

    /// Takes back what was made of the file since the step `from`: something there was not as it seemed. Between then
    /// and the step `to` nothing is known, and from there on nothing yet.
    pub(super) fn doubt(&mut self, arena: &mut Arena, from: usize, to: usize) {
        let sources: BTreeSet<usize> = self
            .current
            .pieces
            .iter()
            .map(|piece| piece.source)
            .collect();
        for source in sources {
            if let Some(source) = arena.get_mut(source) {
                source.known.retain(|_, known| known.first <= from);
                if source.born == Born::Found && source.total_told > from {
                    source.total = None;
                }
            }
        }
        self.versions.retain(|version| version.moment <= from);
        if self.versions.is_empty() {
            self.push_full(0, Table::whole(arena.found()), None);
        }
        self.undo.clear();
        self.blanks = 0;
        self.forget(arena, from + 1);
        if to > from {
            self.forget(arena, to + 1);
        }
    }
}
