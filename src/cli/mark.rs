//! `hgview mark`: a decision without the screen.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::MarkArgs;
use crate::cli::args::MarkChoice;
use crate::cli::args::SharedArgs;
use crate::cli::pick::Wanted;
use crate::cli::records;
use crate::cli::records::to_json;
use crate::cli::review;
use crate::cli::selection;
use crate::config;
use crate::config::Paths;
use crate::error::Error;
use crate::error::Result;
use crate::model::ContentHash;
use crate::model::RecordIx;
use crate::model::StepKind;
use crate::model::Text;
use crate::review::Change;
use crate::review::Choice;
use crate::review::Field;
use crate::review::Ledger;
use crate::review::Line;
use crate::review::Mask;
use crate::review::Moment;
use crate::review::Place;
use crate::review::RecordRef;
use crate::review::Scribe;
use crate::review::Site;
use crate::review::State;
use crate::review::Writer;
use crate::review::check_reviewer;
use crate::store::Store;
use crate::text;
use crate::text::human;

/// The output of `hgview mark --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct MarkRow {
    /// What was done: `mark`, `undo`, `redo`, `dry-run`, or `nothing` when there was nothing to mark, undo or redo.
    did: &'static str,
    /// Who decided.
    reviewer: Text,
    /// The records that it is about, and what the reviewer says of them now; in a dry run, what he would say.
    records: Vec<MarkedRecord>,
    /// The journal that it was saved to; null when nothing was done.
    journal: Option<PathBuf>,
}

/// A record and what the reviewer says of it now.
#[derive(Debug, Serialize, JsonSchema)]
struct MarkedRecord {
    /// The record.
    record: RecordRef,
    /// What the reviewer says.
    state: State,
}

/// Records what was asked for. *No* when there was nothing to mark, undo or redo.
pub(super) fn run(
    args: &MarkArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    let (settings, _said_when_opened) = config::load(&Paths::of_environment());
    let reviewer = review::reviewer(shared, &settings)?;
    let paths = std::slice::from_ref(&args.path);
    let selector = selection::selector(shared)?;
    let mut desk = if args.undo || args.redo {
        let place = review::place(paths, shared)?;
        let ledger = review::ledger(&place, output)?;
        Desk {
            place,
            ledger,
            reviewer,
        }
    } else {
        let store = records::load_store(paths, shared, output)?;
        let is_bulk = selector.is_some() && args.id.is_none() && args.nth.is_none();
        let among = selection::chosen(selector, paths, &store, shared, output)?;
        let mut marked = if is_bulk {
            among
        } else {
            vec![wanted(args, &among).find(&store, output)?]
        };
        if args.choice.is_some() {
            leave_tasks(&mut marked, is_bulk, &store, output)?;
        }
        let place = review::place_of(paths, &store, shared)?;
        let ledger = review::ledger(&place, output)?;
        let mut desk = Desk {
            place,
            ledger,
            reviewer,
        };
        return desk.mark(args, &store, &marked, output);
    };
    desk.turn(args, output)
}

/// Leaves out tasks, on which nobody can decide: they are no attempts.
fn leave_tasks(
    marked: &mut Vec<RecordIx>,
    is_bulk: bool,
    store: &Store,
    output: &mut Output<'_>,
) -> Result<()> {
    let all = marked.len();
    marked.retain(|ix| !store.is_task(*ix));
    let tasks = all - marked.len();
    if tasks > 0 && !is_bulk {
        return Err(
            Error::user("this is a task, and no attempt: there is nothing to decide")
                .hint("notes, tags and flags can be put on it"),
        );
    }
    if tasks > 0 {
        let tasks = human::plural(tasks, "task");
        writeln!(
            output.err,
            "hgview: {tasks} passed over: nobody decides on them"
        )?;
    }
    Ok(())
}

fn wanted<'a>(args: &'a MarkArgs, among: &'a [RecordIx]) -> Wanted<'a> {
    Wanted {
        path: &args.path,
        id: args.id.as_deref(),
        nth: args.nth,
        among,
    }
}

/// Who decides where, and what was decided before.
struct Desk {
    place: Place,
    ledger: Ledger,
    reviewer: Text,
}

impl Desk {
    /// Marks records, all at once: one undo takes all of it back.
    fn mark(
        &mut self,
        args: &MarkArgs,
        store: &Store,
        marked: &[RecordIx],
        output: &mut Output<'_>,
    ) -> Result<Verdict> {
        let mut changes = Vec::with_capacity(marked.len());
        for ix in marked {
            let id = store.summarize(*ix).id;
            let record = self.place.reference(store, *ix, &id)?;
            self.tell_stale(&record, store, output)?;
            let before = self.ledger.state(record.sha256, &self.reviewer).cloned();
            let mut change = change(args, &before.unwrap_or_default())?;
            check_steps(&mut change, store, *ix)?;
            changes.push((record, change));
        }
        let records: Vec<RecordRef> = changes.iter().map(|(record, _)| record.clone()).collect();
        if records.is_empty() {
            writeln!(output.err, "hgview: --where holds for no record")?;
            if args.json {
                self.say("nothing", &[], None, true, output)?;
            }
            return Ok(Verdict::No);
        }
        let mut scribe = Scribe::new(&self.reviewer, &self.ledger);
        let lines = scribe.changes(Moment::now(), changes);
        let (did, journal) = if args.dry_run {
            for line in &lines {
                self.ledger.apply(line, &self.place);
            }
            ("dry-run", None)
        } else {
            ("mark", Some(self.save(&lines, output)?))
        };
        self.say(did, &records, journal, args.json, output)?;
        if records.len() > 1 || args.dry_run {
            let verb = if args.dry_run { "would mark" } else { "marked" };
            let count = human::plural(records.len(), "record");
            writeln!(output.err, "hgview: {verb} {count}")?;
        }
        Ok(Verdict::Yes)
    }

    /// Says who decided on what the record was before it was made anew: that is not inherited.
    fn tell_stale(&self, record: &RecordRef, store: &Store, output: &mut Output<'_>) -> Result<()> {
        let stale = |is_present: &dyn Fn(ContentHash) -> bool| {
            self.ledger.stale(record, &self.place, false, is_present)
        };
        if stale(&|_unknown| false).is_empty() {
            return Ok(());
        }
        // a record that merely moved is not what this one was: all are read to know, which is rarely asked
        let all = review::present(store);
        let here: HashSet<ContentHash> = all.iter().map(|record| record.sha256).collect();
        for old in stale(&|hash| here.contains(&hash)) {
            let line = format!(
                "hgview: what {} was before it was made anew had a decision, which does not count for it now: {}",
                record.id,
                describe(old.state, old.reviewer)
            );
            writeln!(output.err, "{}", text::clean_line(&line))?;
        }
        Ok(())
    }

    /// Undoes or redoes.
    fn turn(&mut self, args: &MarkArgs, output: &mut Output<'_>) -> Result<Verdict> {
        let (did, moment) = if args.undo {
            ("undo", self.ledger.undoable(&self.reviewer))
        } else {
            ("redo", self.ledger.redoable(&self.reviewer))
        };
        let Some(moment) = moment else {
            let name = text::clean_line(&self.reviewer).into_owned();
            writeln!(
                output.err,
                "hgview: there is nothing of {name} to {did} here"
            )?;
            if args.json {
                self.say("nothing", &[], None, true, output)?;
            }
            return Ok(Verdict::No);
        };
        let changed = self.ledger.changed_at(&self.reviewer, moment);
        let changed: Vec<RecordRef> = changed.into_iter().cloned().collect();
        let mut scribe = Scribe::new(&self.reviewer, &self.ledger);
        let mut turned = moment;
        let journal = loop {
            let line = if args.undo {
                scribe.undo(Moment::now(), turned)
            } else {
                scribe.redo(Moment::now(), turned)
            };
            let journal = self.save(&[line], output)?;
            // a decision and the reason that was given to it are one
            let next = if args.undo {
                let to = self.ledger.undoable(&self.reviewer);
                to.filter(|to| self.ledger.adds_reason(&self.reviewer, *to, turned))
            } else {
                let reason = self.ledger.redoable(&self.reviewer);
                reason.filter(|reason| self.ledger.adds_reason(&self.reviewer, turned, *reason))
            };
            match next {
                Some(next) => turned = next,
                None => break journal,
            }
        };
        self.say(did, &changed, Some(journal), args.json, output)?;
        Ok(Verdict::Yes)
    }

    /// Saves the lines and takes them into the ledger.
    fn save(&mut self, lines: &[Line], output: &mut Output<'_>) -> Result<PathBuf> {
        let saved = Writer::new(self.place.clone(), &self.reviewer).append(lines)?;
        for line in lines {
            self.ledger.apply(line, &self.place);
        }
        for note in &saved.notes {
            writeln!(output.err, "hgview: {}", text::clean_line(note))?;
        }
        if matches!(self.place.site(), Site::ReadOnly | Site::Stdin) {
            writeln!(
                output.err,
                "hgview: {}",
                text::clean_line(&self.place.words())
            )?;
        }
        Ok(saved.file)
    }

    fn say(
        &self,
        did: &'static str,
        records: &[RecordRef],
        journal: Option<PathBuf>,
        is_json: bool,
        output: &mut Output<'_>,
    ) -> Result<()> {
        let state = |record: &RecordRef| {
            let state = self.ledger.state(record.sha256, &self.reviewer);
            state.cloned().unwrap_or_default()
        };
        let records = records.iter().map(|record| MarkedRecord {
            record: record.clone(),
            state: state(record),
        });
        let row = MarkRow {
            did,
            reviewer: self.reviewer.clone(),
            records: records.collect(),
            journal,
        };
        if is_json {
            writeln!(output.out, "{}", to_json(&row)?)?;
            return Ok(());
        }
        for MarkedRecord { record, state } in &row.records {
            let undone = if did == "mark" {
                String::new()
            } else {
                format!("{did}: ")
            };
            let line = format!("{undone}{}: {}", record.id, describe(state, &self.reviewer));
            writeln!(output.out, "{}", text::clean_line(&line))?;
        }
        Ok(())
    }
}

/// What a reviewer says of a record, in a line.
fn describe(state: &State, reviewer: &str) -> String {
    let mut words = vec![state.words(reviewer)];
    if state.flag {
        words.push("flagged".to_owned());
    }
    if !state.tags.is_empty() {
        words.push(format!("tagged {}", state.tags.join(" ")));
    }
    if !state.masks.is_empty() {
        words.push(format!(
            "{} masked",
            human::plural(state.masks.len(), "step")
        ));
    }
    words.extend(state.note.as_ref().map(|note| format!("note: {note}")));
    words.join(", ")
}

/// What the arguments set, given what was said before.
fn change(args: &MarkArgs, before: &State) -> Result<Change> {
    let decision = match args.choice {
        Some(MarkChoice::Accept) => Field::Set(Choice::Accept),
        Some(MarkChoice::Reject) => Field::Set(Choice::Reject),
        Some(MarkChoice::Skip) => Field::Set(Choice::Skip),
        Some(MarkChoice::Clear) => Field::Clear,
        None => Field::Keep,
    };
    let is_decided = match decision {
        Field::Set(_) => true,
        Field::Clear => false,
        Field::Keep => before.is_decided(),
    };
    let reason = match args.reason.as_deref().map(str::trim) {
        None => Field::Keep,
        Some("") => Field::Clear,
        Some(_) if !is_decided => {
            return Err(Error::user("there is no decision to give a reason for")
                .hint("say what you decide: accept, reject or skip"));
        }
        Some(reason) => Field::Set(reason.into()),
    };
    let adjudicates: Vec<Text> = args
        .adjudicates
        .iter()
        .map(|name| check_reviewer(name))
        .collect::<Result<_>>()?;
    if !adjudicates.is_empty() && !matches!(decision, Field::Set(Choice::Accept | Choice::Reject)) {
        return Err(Error::user(
            "--adjudicates needs a decision: accept or reject",
        ));
    }
    let change = Change {
        decision,
        reason,
        tags: tags(args, before),
        note: args
            .note
            .as_deref()
            .map_or(Field::Keep, |note| Change::note(note).note),
        masks: masks(&args.masks),
        flag: if args.flag {
            Some(true)
        } else {
            args.unflag.then_some(false)
        },
        adjudicates,
        ..Change::default()
    };
    if change.is_empty() {
        return Err(Error::user("there is nothing to record")
            .hint("say accept, reject, skip or clear, or give --tag, --note, --flag, --step"));
    }
    Ok(change)
}

fn tags(args: &MarkArgs, before: &State) -> Option<Vec<Text>> {
    if args.tags.is_empty() && args.untags.is_empty() {
        return None;
    }
    let is_out = |tag: &Text| args.untags.iter().any(|other| other.trim() == tag.as_ref());
    let mut tags: Vec<Text> = before
        .tags
        .iter()
        .filter(|tag| !is_out(tag))
        .cloned()
        .collect();
    for tag in args.tags.iter().map(|tag| Text::from(tag.trim())) {
        if !tag.is_empty() && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Some(tags)
}

/// Steps `first..=last` get a mask, or lose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MaskArg {
    first: usize,
    last: usize,
    mask: Option<Mask>,
}

impl MaskArg {
    /// The most steps of one range: no trajectory has more, and a slip of the finger must not fill the journal.
    const LONGEST: usize = 100_000;

    /// Reads `K:MASK` and `K-L:MASK`; the mask `none` takes it away.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wanted = "must be K:MASK or K-L:MASK with the masks train, context, drop and none";
        let parts = text.split_once(':').ok_or(wanted)?;
        let (steps, mask) = parts;
        let (first, last) = steps.split_once('-').unwrap_or((steps, steps));
        let number = |text: &str| {
            text.trim()
                .parse::<usize>()
                .map_err(|_err| wanted.to_owned())
        };
        let (first, last) = (number(first)?, number(last)?);
        if first > last || last - first >= Self::LONGEST {
            return Err("the range of steps must run forward".to_owned());
        }
        let mask = match mask.trim() {
            "none" => None,
            name => Some(Mask::from_name(name).ok_or(wanted)?),
        };
        Ok(Self { first, last, mask })
    }
}

fn masks(args: &[MaskArg]) -> BTreeMap<usize, Option<Mask>> {
    let of_range = |arg: &MaskArg| {
        let mask = arg.mask;
        (arg.first..=arg.last).map(move |step| (step, mask))
    };
    args.iter().flat_map(of_range).collect()
}

/// Leaves the masks of the agent's own steps; refuses those of steps that the record does not have, and masks of nothing
/// else than what others said.
fn check_steps(change: &mut Change, store: &Store, ix: RecordIx) -> Result<()> {
    let Some((last, _)) = change.masks.last_key_value() else {
        return Ok(());
    };
    let trajectory = store
        .load(ix)
        .map_err(|fault| Error::input(fault.unread(&format!("record {}", ix.0 + 1))))?;
    let count = trajectory.steps.len();
    if *last >= count {
        return Err(Error::user(format!("{} has no step {last}", trajectory.id))
            .hint(format!("its steps are 0 to {}", count.saturating_sub(1))));
    }
    let is_own = |step: &usize| {
        let step = trajectory.steps.get(*step);
        step.is_some_and(|step| step.kind == StepKind::Agent)
    };
    // what an older version masked can still be taken away
    change
        .masks
        .retain(|step, mask| mask.is_none() || is_own(step));
    if change.masks.is_empty() {
        return Err(Error::user("masks are for the agent's own steps")
            .hint("`hgview show` tells which steps are the agent's"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Option<(usize, usize, Option<Mask>)>) {
        let found = MaskArg::parse(text).ok();
        assert_eq!(
            found.map(|arg| (arg.first, arg.last, arg.mask)),
            want,
            "{text}"
        );
    }

    #[test]
    fn masks_are_read() {
        check("3:context", Some((3, 3, Some(Mask::Context))));
        check("3-7:drop", Some((3, 7, Some(Mask::Drop))));
        check(" 0 - 1 : none ", Some((0, 1, None)));
        for wrong in [
            "",
            "3",
            ":",
            "3:",
            "x:drop",
            "3:learn",
            "-1:drop",
            "7-3:drop",
            "0-99999999999:drop",
        ] {
            check(wrong, None);
        }
    }
}
