//! Decisions: what keys do to the record under the cursor, to the selection, and to steps.

use std::collections::BTreeMap;
use std::time::Instant;

use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;

use crate::config::QueueBase;
use crate::model::RecordIx;
use crate::model::Text;
use crate::review::Change;
use crate::review::Choice;
use crate::review::Line;
use crate::review::Mask;
use crate::review::Moment;
use crate::review::Seen;
use crate::text::clean_line;
use crate::text::clip_start;
use crate::text::excerpt;
use crate::text::human;
use crate::text::width;
use crate::theme::Role;
use crate::ui::action::Action;
use crate::ui::action::Toward;
use crate::ui::app::App;
use crate::ui::app::context;
use crate::ui::command::Scope;
use crate::ui::data::desk::Act;
use crate::ui::data::desk::Closed;
use crate::ui::data::desk::Deed;
use crate::ui::effect::Effect;
use crate::ui::event::Tone;
use crate::ui::overlay;
use crate::ui::overlay::ChoiceKind;
use crate::ui::overlay::Overlay;
use crate::ui::overlay::PromptKind;
use crate::ui::widget::Entry;

/// Records whose lines are made before the next key and frame have their turn.
const AT_ONCE: usize = 1024;

/// Past decisions that are listed.
const PAST: usize = 200;

impl App {
    /// What decides; `false` for other actions.
    pub(super) fn act_on_desk(&mut self, action: Action, effects: &mut Vec<Effect>) -> bool {
        // statistics are about many records: nobody decides there without seeing one
        if self.scope() == Scope::Stats && action != Action::ToggleBlind {
            return false;
        }
        match action {
            Action::Decide(choice) => self.decide(choice, effects),
            Action::DecideAll(choice) => self.decide_all(choice, effects),
            Action::ExportNow => self.export_now(effects),
            Action::ClearDecision => {
                self.change_here(&Change::clear(), "decision cleared", effects);
            }
            Action::Undo => self.undo(effects),
            Action::Redo => self.redo(effects),
            Action::Flag => self.flag(effects),
            Action::Comment => self.open_note(PromptKind::Note),
            Action::Tags => self.open_note(PromptKind::Tags),
            Action::Mask(mask) => self.mask(mask, effects),
            Action::Select => self.select(),
            Action::ToggleBlind => self.toggle_blind(effects),
            Action::NextUndecided => {
                if !self.advance(effects) {
                    let text = "all records of this list are decided".to_owned();
                    self.status.pass(Tone::Success, text);
                }
            }
            _ => return false,
        }
        true
    }

    /// The digit of a reason: only right after a reject, and not inside a chord.
    pub(super) fn reason_digit(&self, key: KeyEvent) -> Option<usize> {
        let is_plain = key.modifiers.is_empty() && !self.habits.keymap.is_pending();
        let KeyCode::Char(letter) = key.code else {
            return None;
        };
        let digit = letter.to_digit(10).filter(|digit| *digit > 0)?;
        (is_plain && !self.data.desk.rejected().is_empty()).then_some(digit as usize)
    }

    /// Says why nothing can be decided; `true` when it can.
    fn can_decide(&mut self) -> bool {
        let why = match self.data.desk.closed() {
            None => return true,
            Some(Closed::Reading) => "the decisions are still being read".to_owned(),
            Some(Closed::ReadOnly(why)) => why.clone(),
        };
        self.status.pass(Tone::Error, clean_line(&why).into_owned());
        false
    }

    /// What only attempts have; says so on a task, and then gives `true`. Of a selection its attempts are decided.
    pub(super) fn refuse_on_task(&mut self, action: Action) -> bool {
        let what = match action {
            Action::Replay => "replay",
            Action::Compare => "compare",
            Action::FileAtStep => "rebuild",
            _ => return false,
        };
        let record = match self.scope() {
            Scope::List | Scope::Trajectory | Scope::Patch => self.record(),
            _ => None,
        };
        let is_task = record.is_some_and(|ix| self.data.rows.is_task(ix));
        if is_task {
            self.say_of_task(what);
        }
        is_task
    }

    /// Says why nothing of this kind can be done.
    fn say_of_task(&mut self, what: &str) {
        let text = format!("a task, not an attempt: nothing to {what}");
        self.status.pass(Tone::Info, text);
    }

    fn decide(&mut self, choice: Choice, effects: &mut Vec<Effect>) {
        let (selected, tasks) = self.selected();
        let is_many = !selected.is_empty();
        let is_early = self.data.desk.closed() == Some(&Closed::Reading) && !is_many;
        if !is_early && !self.can_decide() {
            return;
        }
        if is_many {
            let question = self.question(choice, &selected);
            self.overlays.push(question);
            return;
        }
        let Some(ix) = self.record() else {
            self.status
                .pass(Tone::Info, "there is no record here".to_owned());
            return;
        };
        if tasks > 0 || self.data.rows.is_task(ix) {
            return self.say_of_task("decide");
        }
        let secs = self.data.desk.take_secs(ix, Instant::now());
        if is_early {
            return self.decide_early(ix, choice, secs);
        }
        self.early.retain(|early| !early.is_about(ix));
        self.set_down(choice, &[(ix, self.seen(ix))], secs, effects);
        let done = format!("{} {}", choice.past(), self.short_name(ix));
        let rest = if self.advance(effects) {
            ""
        } else {
            "; all records of this list are decided"
        };
        self.status.pass(Tone::Success, format!("{done}{rest}"));
    }

    /// Decides for all that are selected, after the question was answered.
    fn decide_all(&mut self, choice: Choice, effects: &mut Vec<Effect>) {
        let (selected, _) = self.selected();
        if selected.is_empty() || !self.can_decide() {
            return;
        }
        let seen: Vec<_> = selected.iter().map(|ix| (*ix, self.seen(*ix))).collect();
        self.set_down(choice, &seen, 0.0, effects);
        self.data.desk.clear_selection();
        self.list.end_range();
        let count = human::count(selected.len());
        let text = format!("{} {count} records; u takes it back", choice.past());
        self.status.pass(Tone::Success, text);
    }

    /// What is selected in the list that is shown and can be decided, and how many tasks are selected: of these nothing is.
    fn selected(&self) -> (Vec<RecordIx>, usize) {
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        let mut selected = Vec::new();
        if self.is_list() {
            selected = self.list.selected(&cx);
        }
        let all = selected.len();
        selected.retain(|ix| !self.data.rows.is_task(*ix));
        let tasks = all - selected.len();
        (selected, tasks)
    }

    /// Writes down the same decision about records, each with what the filter had said of it.
    pub(super) fn set_down(
        &mut self,
        choice: Choice,
        records: &[(RecordIx, Seen)],
        secs: f64,
        effects: &mut Vec<Effect>,
    ) {
        let (records, seen): (Vec<RecordIx>, Vec<Seen>) = records.iter().copied().unzip();
        let act = Act {
            records: records.clone(),
            change: Change {
                secs,
                ..Change::decide(choice)
            },
            seen,
            settles: self.settles(),
        };
        self.carry(act, effects);
        self.data.desk.count_decisions(records.len());
        let rejected = if choice == Choice::Reject {
            records
        } else {
            Vec::new()
        };
        self.data.desk.await_reason(rejected);
    }

    /// Whether decisions settle disputes: in the queue of these.
    fn settles(&self) -> bool {
        let queue = self.list.how().queue.as_ref();
        queue.is_some_and(|queue| queue.base == QueueBase::Disputes)
    }

    /// Whose dispute a decision settles: that of all others who decided.
    fn settled(&self, ix: RecordIx) -> Vec<Text> {
        let others = self.data.desk.others(ix).into_iter();
        let decided = others.filter(|(_, state)| state.is_decided());
        decided.map(|(name, _)| name.clone()).collect()
    }

    /// What the filter said, as far as it was to be seen.
    pub(super) fn seen(&self, ix: RecordIx) -> Seen {
        if self.data.desk.hides(ix) {
            return Seen::default();
        }
        self.data
            .rows
            .marks(ix)
            .map_or(Seen::default(), |marks| Seen {
                published: Some(marks.published),
                strict: Some(marks.strict),
            })
    }

    /// What is to be done to a record; `None` for one that is gone.
    fn deed(&self, ix: RecordIx, change: Change) -> Option<Deed> {
        let entry = self.data.store.entry(ix)?;
        Some(Deed {
            ix,
            id: self.name(ix),
            path: entry.path,
            member: entry.member,
            row: entry.row,
            change,
        })
    }

    /// The record's id, short enough that a message about it still says what it has to say.
    pub(super) fn short_name(&self, ix: RecordIx) -> String {
        const CELLS: usize = 36;
        let name = clean_line(&self.name(ix)).into_owned();
        if width(&name) <= CELLS {
            return name;
        }
        // ids differ at their ends
        let tail = clip_start(&name, CELLS * 2 / 3);
        format!("{}{tail}", excerpt(&name, CELLS / 3).trim_end_matches('…'))
    }

    /// The record's id, or its number while that is not known.
    pub(super) fn name(&self, ix: RecordIx) -> String {
        match self.data.rows.get(ix) {
            Some(row) => row.id.clone(),
            None => match self.data.peeked.get(&ix) {
                Some(id) => id.clone(),
                None => format!("record {}", ix.0 + 1),
            },
        }
    }

    /// Does something to records: a few at once, many a part at a time between keys and frames.
    fn carry(&mut self, act: Act, effects: &mut Vec<Effect>) {
        if self.data.desk.has_plans() {
            self.data.desk.plan(act);
            return;
        }
        if act.records.len() > AT_ONCE {
            self.data.desk.plan(act);
            self.go_on_with_plans(effects);
            return;
        }
        let changes = (0..).zip(&act.records);
        let changes = changes.map(|(place, ix)| (*ix, act.change_of(place)));
        let changes: Vec<(RecordIx, Change)> = changes.collect();
        self.carry_part(changes, act.settles, None, effects);
    }

    /// Does the next part of what was planned.
    pub(super) fn go_on_with_plans(&mut self, effects: &mut Vec<Effect>) {
        if let Some(part) = self.data.desk.next_part(AT_ONCE) {
            self.carry_part(part.changes, part.settles, Some(part.at), effects);
        }
        if self.data.desk.has_plans() {
            effects.push(Effect::GoOn);
        }
    }

    fn carry_part(
        &mut self,
        changes: Vec<(RecordIx, Change)>,
        settles: bool,
        at: Option<Moment>,
        effects: &mut Vec<Effect>,
    ) {
        let deed = |(ix, change): (RecordIx, Change)| {
            let adjudicates = if settles {
                self.settled(ix)
            } else {
                Vec::new()
            };
            self.deed(
                ix,
                Change {
                    adjudicates,
                    ..change
                },
            )
        };
        let deeds: Vec<Deed> = changes.into_iter().filter_map(deed).collect();
        let (lines, unknown) = self.data.desk.act(deeds, at);
        if !unknown.is_empty() {
            effects.push(Effect::Hash(unknown));
        }
        self.save(lines, effects);
    }

    /// Hands lines to whoever writes them down.
    pub(super) fn save(&mut self, lines: Vec<Line>, effects: &mut Vec<Effect>) {
        if lines.is_empty() {
            return;
        }
        let desk = &self.data.desk;
        let hashes: Vec<_> = lines.iter().flat_map(|line| desk.touched(line)).collect();
        for ix in hashes.iter().flat_map(|hash| desk.records_of(*hash)) {
            self.data.rows.set_voices(ix, desk.voices(ix));
        }
        self.list.rows_changed();
        effects.push(Effect::Record(lines));
    }

    /// Does the same to the record under the cursor, or to all that are selected in the list.
    fn change_here(&mut self, change: &Change, done: &str, effects: &mut Vec<Effect>) {
        if !self.can_decide() {
            return;
        }
        let records = self.subjects();
        if records.is_empty() {
            self.status
                .pass(Tone::Info, "there is no record here".to_owned());
            return;
        }
        let done = match records.as_slice() {
            [_] => done.to_owned(),
            many => format!("{done} on {} records", human::count(many.len())),
        };
        self.carry(Act::of(records, change.clone()), effects);
        self.status.pass(Tone::Success, done);
    }

    /// The records that a change is about: the selection of the list, else the one under the cursor.
    fn subjects(&self) -> Vec<RecordIx> {
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        if self.is_list() {
            let selected = self.list.selected(&cx);
            if !selected.is_empty() {
                return selected;
            }
        }
        self.record().into_iter().collect()
    }

    fn flag(&mut self, effects: &mut Vec<Effect>) {
        let records = self.subjects();
        let desk = &self.data.desk;
        // one key sets what any of them lacks, and takes away what all of them have
        let is_set = !records
            .iter()
            .all(|ix| desk.mine(*ix).is_some_and(|state| state.flag));
        let done = if is_set {
            "flagged"
        } else {
            "no longer flagged"
        };
        self.change_here(&Change::flag(is_set), done, effects);
    }

    /// A digit right after a reject: its reason.
    pub(super) fn give_reason(&mut self, digit: usize, effects: &mut Vec<Effect>) {
        let reason = self.data.desk.reasons().get(digit.wrapping_sub(1)).cloned();
        let records = self.data.desk.rejected().to_vec();
        let Some(reason) = reason else {
            self.status
                .pass(Tone::Warning, format!("there is no reason {digit}"));
            return;
        };
        self.carry(Act::of(records.clone(), Change::reason(&reason)), effects);
        self.data.desk.reason_given();
        let whom = match records.as_slice() {
            [ix] => self.short_name(*ix),
            many => format!("{} records", human::count(many.len())),
        };
        self.status
            .pass(Tone::Success, format!("rejected {whom}: {reason}"));
    }

    fn undo(&mut self, effects: &mut Vec<Effect>) {
        if !self.can_decide() {
            return;
        }
        let Some(lines) = self.data.desk.undo() else {
            self.status.pass(Tone::Info, "nothing to undo".to_owned());
            return;
        };
        self.turned("undone", lines, effects);
    }

    fn redo(&mut self, effects: &mut Vec<Effect>) {
        if !self.can_decide() {
            return;
        }
        let Some(lines) = self.data.desk.redo() else {
            self.status.pass(Tone::Info, "nothing to redo".to_owned());
            return;
        };
        self.turned("done again", lines, effects);
    }

    /// Says what was undone or redone, and goes to where it was.
    fn turned(&mut self, word: &str, lines: Vec<Line>, effects: &mut Vec<Effect>) {
        let desk = &self.data.desk;
        // a decision and its reason are about the same records
        let hashes = lines.last().map(|line| desk.touched(line));
        let hashes = hashes.unwrap_or_default();
        let first = hashes.iter().find_map(|hash| desk.records_of(*hash).next());
        self.save(lines, effects);
        let text = match (first, hashes.len()) {
            (Some(ix), 1) => format!(
                "{word}: {} is {}",
                self.short_name(ix),
                self.state_words(ix)
            ),
            (_, 0) => word.to_owned(),
            (_, 1) => format!("{word}: a record of other inputs"),
            (_, count) => format!("{word}: {} records", human::count(count)),
        };
        if let Some(ix) = first.filter(|_| hashes.len() == 1) {
            self.show_record(ix, effects);
        }
        self.status.pass(Tone::Success, text);
    }

    /// `rejected: wrong place`, `not decided`.
    fn state_words(&self, ix: RecordIx) -> String {
        let Some(state) = self.data.desk.mine(ix) else {
            return "not decided".to_owned();
        };
        let what = state.decision.map_or("not decided", Choice::past);
        match &state.reason {
            Some(reason) => format!("{what}: {reason}"),
            None => what.to_owned(),
        }
    }

    /// Goes to a record on the screen that is shown.
    fn show_record(&mut self, ix: RecordIx, effects: &mut Vec<Effect>) {
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        let place = self.list.place_of(ix, &cx);
        if let Some(place) = place {
            self.list.go(place, &cx);
        }
        if !self.is_list() && self.record() != Some(ix) {
            self.open_in_place(effects);
        }
    }

    /// Goes on to the next undecided record of the list, from its start again when there is none below; `false` when all
    /// are decided.
    pub(super) fn advance(&mut self, effects: &mut Vec<Effect>) -> bool {
        self.list_follows();
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        let shown = self.list.shown(&cx);
        let from = self.list.place();
        let is_open = |place: &usize| {
            let ix = self.list.record_at(*place, &cx);
            ix.is_some_and(|ix| self.is_undecided(ix))
        };
        let next = (from + 1..shown).chain(0..from.min(shown)).find(is_open);
        let Some(place) = next else {
            return false;
        };
        self.list.go(place, &cx);
        if !self.is_list() {
            self.open_in_place(effects);
        }
        true
    }

    /// Whether a record can be decided and is not.
    fn is_undecided(&self, ix: RecordIx) -> bool {
        !self.data.desk.is_decided(ix) && !self.data.rows.is_task(ix)
    }

    /// Where the records were reviewed before: goes on at the first undecided one, unless somebody has acted already.
    pub(super) fn resume(&mut self) {
        let Some(mut place) = self.resumes else {
            return;
        };
        let desk = &self.data.desk;
        if desk.decided() == 0 || !self.data.scan.is_complete || !self.is_list() {
            return;
        }
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        while self
            .list
            .record_at(place, &cx)
            .is_some_and(|ix| desk.is_decided(ix) || self.data.rows.is_task(ix))
        {
            place += 1;
        }
        self.resumes = Some(place);
        let next = self.list.record_at(place, &cx);
        if next.is_some_and(|ix| desk.hash(ix).is_none()) {
            // whether it is decided is not known yet
            return;
        }
        self.resumes = None;
        let decided = human::count(desk.decided());
        let text = match next {
            None => "all records of this list are decided".to_owned(),
            Some(_) if place == 0 || self.list.place() > 0 => return,
            Some(_) => {
                self.list.go(place, &cx);
                format!("{decided} decided; at the first undecided")
            }
        };
        self.status.pass(Tone::Info, text);
    }

    /// Selects the row under the cursor, or no longer, and goes to the next.
    fn select(&mut self) {
        if !self.is_list() {
            let text = "records are selected in the list; V marks a range of steps".to_owned();
            self.status.pass(Tone::Info, text);
            return;
        }
        if let Some(ix) = self.record() {
            self.data.desk.toggle_selected(ix);
            let cx = context(&self.data, &self.paint, &self.habits, self.screen);
            let _at_the_end = self.list.step(Toward::Next, &cx);
        }
    }

    /// Masks the step under the cursor, or the marked range.
    fn mask(&mut self, mask: Option<Mask>, effects: &mut Vec<Effect>) {
        if !self.can_decide() {
            return;
        }
        let Some(view) = self.screens.trajectory_mut() else {
            let text = "masks are for steps: open a trajectory".to_owned();
            self.status.pass(Tone::Info, text);
            return;
        };
        let steps = match view.steps_to_mask() {
            Ok(steps) => steps,
            Err(why) => {
                self.status.pass(Tone::Info, why.to_owned());
                return;
            }
        };
        view.end_range();
        let ix = view.record();
        let count = steps.len();
        let change = Change::mask(steps, mask);
        self.carry(Act::of(vec![ix], change), effects);
        let what = match mask {
            Some(Mask::Train) => "trained on",
            Some(Mask::Context) => "context only",
            Some(Mask::Drop) => "dropped",
            None => "no mask",
        };
        let text = format!("{}: {what}", human::plural(count, "step"));
        self.status.pass(Tone::Success, text);
    }

    /// Opens the prompt for the note or the tags of the record under the cursor.
    fn open_note(&mut self, kind: PromptKind) {
        if !self.can_decide() {
            return;
        }
        let records = self.subjects();
        let Some(first) = records.first() else {
            self.status
                .pass(Tone::Info, "there is no record here".to_owned());
            return;
        };
        let state = self.data.desk.mine(*first).filter(|_| records.len() == 1);
        let text = match (kind, state) {
            (PromptKind::Note, Some(state)) => state.note.as_deref().unwrap_or_default().to_owned(),
            (PromptKind::Tags, Some(state)) => state.tags.join(", "),
            _ => String::new(),
        };
        self.open_prompt_with(kind, &text);
    }

    /// Takes a note or tags that were typed.
    pub(super) fn prompt_note(&mut self, kind: PromptKind, text: &str, effects: &mut Vec<Effect>) {
        if kind == PromptKind::Note {
            let done = if text.trim().is_empty() {
                "note removed"
            } else {
                "noted"
            };
            self.change_here(&Change::note(text), done, effects);
        } else {
            let mut tags: Vec<Text> = Vec::new();
            for tag in text.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
                if !tags.iter().any(|known| known.as_ref() == tag) {
                    tags.push(tag.into());
                }
            }
            let done = match tags.len() {
                0 => "no tags".to_owned(),
                _ => format!("tagged {}", tags.join(", ")),
            };
            self.change_here(&Change::tags(tags), &done, effects);
        }
    }

    /// The question before many records are decided: how many, what they are now, and the first of them.
    fn question(&self, choice: Choice, records: &[RecordIx]) -> Overlay {
        const NAMED: usize = 8;
        let mut now: BTreeMap<&str, usize> = BTreeMap::new();
        for ix in records {
            let word = self
                .data
                .desk
                .choice(*ix)
                .map_or("not decided", Choice::past);
            *now.entry(word).or_default() += 1;
        }
        let counts = now
            .iter()
            .map(|(word, count)| format!("{} {word}", human::count(*count)));
        let mut lines = vec![format!("now: {}", counts.collect::<Vec<_>>().join(", "))];
        for ix in records.iter().take(NAMED) {
            lines.push(format!("  {}", excerpt(&self.name(*ix), 64)));
        }
        if records.len() > NAMED {
            lines.push(format!(
                "  … and {} more",
                human::count(records.len() - NAMED)
            ));
        }
        lines.push("u takes it back as one.".to_owned());
        let what = human::plural(records.len(), "record");
        let mut word = choice.name().to_owned();
        if let Some(first) = word.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let title = format!("{word} {what}?");
        Overlay::Confirm(overlay::Confirm::new(
            title,
            lines,
            Action::DecideAll(choice),
        ))
    }

    /// The reviewer's last decisions, the newest first.
    pub(super) fn last_decisions(&self) -> Overlay {
        let entries = self.past().into_iter().map(|ix| {
            let state = self.data.desk.mine(ix);
            let when = state.and_then(|state| state.decided_at);
            Entry {
                label: excerpt(&self.name(ix), 60),
                doc: excerpt(&self.state_words(ix), 60),
                note: when.map(local_time).unwrap_or_default(),
            }
        });
        let entries: Vec<Entry> = entries.collect();
        let desk = &self.data.desk;
        let mut facts = vec![(
            format!(
                "Enter goes to the record; {} decided",
                human::count(desk.decided())
            ),
            Role::Dim,
        )];
        if let Some(place) = desk.place() {
            facts.push((clean_line(&place.words()).into_owned(), Role::Dim));
        }
        Overlay::Choose(overlay::Choose::new(ChoiceKind::Decided, entries, 0, facts))
    }

    /// The records of these inputs that the reviewer decided last, the newest first.
    fn past(&self) -> Vec<RecordIx> {
        let desk = &self.data.desk;
        let mut past: Vec<(Moment, RecordIx)> = desk
            .known()
            .filter_map(|ix| Some((desk.mine(ix)?.decided_at?, ix)))
            .collect();
        past.sort_by_key(|(at, ix)| (std::cmp::Reverse(*at), *ix));
        past.truncate(PAST);
        past.into_iter().map(|(_, ix)| ix).collect()
    }

    /// A past decision was chosen.
    pub(super) fn go_to_decided(&mut self, row: usize, effects: &mut Vec<Effect>) {
        if let Some(ix) = self.past().get(row) {
            self.show_record(*ix, effects);
        }
    }
}

/// `11-22 14:03` on the clock of this machine.
fn local_time(moment: Moment) -> String {
    let Ok(stamp) = jiff::Timestamp::from_microsecond(moment.micros()) else {
        return String::new();
    };
    let zoned = stamp.to_zoned(jiff::tz::TimeZone::system());
    zoned.strftime("%m-%d %H:%M").to_string()
}
