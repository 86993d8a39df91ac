//! Answers of background work, and where they go.

use crate::model::RecordIx;
use crate::model::Summary;
use crate::store::Refresh;
use crate::text::clean_line;
use crate::text::human;
use crate::ui::app::App;
use crate::ui::app::First;
use crate::ui::app::context;
use crate::ui::app::replay::replay_of;
use crate::ui::data::Census;
use crate::ui::data::Marked;
use crate::ui::effect::Effect;
use crate::ui::event::Generation;
use crate::ui::event::Notice;
use crate::ui::event::Tone;
use crate::ui::overlay::Overlay;

impl App {
    pub(super) fn notice(&mut self, notice: Notice, effects: &mut Vec<Effect>) {
        match notice {
            Notice::Scanned {
                records,
                bytes,
                is_complete,
            } => self.scanned(records, bytes, is_complete, effects),
            Notice::Summaries(rows) => self.summarized(rows, effects),
            Notice::Peeked(ids) => {
                const MANY: usize = 4096;
                if self.data.peeked.len() > MANY {
                    self.data.peeked.clear();
                }
                self.data.peeked.extend(ids);
            }
            Notice::External(text, is_editor) => effects.push(Effect::External(text, is_editor)),
            Notice::Log(text) => self.status.note(text),
            Notice::Say(tone, text) => self.status.say(tone, text),
            Notice::Refreshed(refresh) => self.refreshed(&refresh, effects),
            Notice::Theme(theme, highlighter) => {
                self.paint.theme = *theme;
                self.paint.highlighter = Some(highlighter);
                self.theme_changed();
            }
            Notice::Relabelled => {
                self.list.rows_changed();
                self.data.judging += 1;
                self.data.rows.forget_marks();
                if self.data.are_sides_checked {
                    effects.push(Effect::MarkAll(self.data.judging, Vec::new()));
                }
            }
            Notice::Marks(judging, marks) if judging == self.data.judging => {
                let rows = &self.data.rows;
                self.list
                    .marked(marks.iter().filter(|marked| !rows.is_task(marked.ix)));
                for Marked { ix, hash, marks } in marks {
                    self.data.rows.set_marks(ix, marks);
                    self.learn(ix, hash);
                }
                let lines = self.data.desk.catch_up();
                self.save(lines, effects);
                self.catch_up_early(effects);
                self.resume();
                if self.data.rows.are_all_marked() {
                    self.look_again_at_stale();
                }
            }
            notice @ (Notice::DeskOpened(_)
            | Notice::GoOn
            | Notice::Exporting(..)
            | Notice::Exported(_)
            | Notice::QueuesCounted(_)
            | Notice::Hashed(..)
            | Notice::Saved(_)
            | Notice::NotSaved(_)) => self.desk_notice(notice, effects),
            notice @ (Notice::Others(..)
            | Notice::Compared(..)
            | Notice::RunPairs(..)
            | Notice::RunsCompared(..)) => self.compare_notice(notice, effects),
            Notice::Replay(opened, news) => self.replay_told(opened, news, effects),
            Notice::Replays(replays) => {
                self.data.rows.set_replays(replays);
                self.replays_changed();
            }
            Notice::Attempts(opened, attempts) => self.attempted(opened, attempts),
            Notice::AttemptsCounted(census) => self.attempts_counted(*census, effects),
            Notice::HangUp => effects.push(Effect::Quit),
            // the owner of the terminal takes these before they come here
            Notice::Terminal(_) => {}
            other => self.view_notice(other, effects),
        }
    }

    /// Rows of the list came.
    fn summarized(&mut self, rows: Vec<(RecordIx, Summary)>, effects: &mut Vec<Effect>) {
        self.list.summarized(&rows);
        let wanted = self.wanted_first(&rows);
        for (ix, row) in rows {
            self.data.set_row(ix, row);
        }
        self.data.tell_untried();
        if let Some(ix) = wanted {
            self.habits.first = None;
            self.open_record(ix, effects);
        }
        self.all_summarized(effects);
    }

    /// It is known which tasks have an attempt.
    fn attempts_counted(&mut self, census: Census, effects: &mut Vec<Effect>) {
        // where something came meanwhile that was not counted, it is asked for again with the next rows
        let _is_so = self.data.tried.counted(census);
        self.data.tell_untried();
        self.list.rows_changed();
        self.all_summarized(effects);
        self.first_is_no_attempt(effects);
    }

    /// Every view forgets colours of the theme before.
    fn theme_changed(&mut self) {
        self.list.look_changed();
        for screen in self.screens.iter_mut() {
            screen.look_changed();
        }
        if let Some(view) = &mut self.left_replay {
            view.look_changed();
        }
    }

    /// Answers for the views.
    fn view_notice(&mut self, notice: Notice, effects: &mut Vec<Effect>) {
        let is_opened = matches!(&notice, Notice::Opened(..));
        let first_step = self.habits.first_step.take_if(|_| is_opened);
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        match notice {
            Notice::Arranged(generation, arranged) => {
                self.list.arranged(generation, arranged, &cx, effects);
            }
            Notice::RowsFound(generation, places) => self.list.rows_found(generation, places, &cx),
            Notice::Previewed(generation, page) => self.list.previewed(generation, *page, &cx),
            Notice::PreviewInked(generation, ink, by) if self.paint.is_current(&by) => {
                self.list.preview_inked(generation, ink);
            }
            Notice::Opened(opened, record, content) => {
                if let Some(view) = self.screens.trajectory_mut()
                    && view.opened() == opened
                    && view.record() == record
                {
                    view.opened_as(content, first_step, &cx, effects);
                    if view.shows_task() {
                        let rows = self.data.snapshot();
                        effects.push(Effect::Attempts(opened, record, rows));
                    }
                    let steps = view.trajectory().map(|trajectory| trajectory.steps.len());
                    if let (Some(step), Some(steps)) = (first_step, steps)
                        && step >= steps
                    {
                        let last = match steps.checked_sub(1) {
                            Some(last) => format!("the last is {last}"),
                            None => "the record has none".to_owned(),
                        };
                        let text = format!("there is no step {step}, {last}: this is the end");
                        self.status.say(Tone::Warning, text);
                    }
                }
            }
            Notice::Page(key, page) => {
                if let Some(view) = self.screens.comparison_mut(key.opened) {
                    view.page_built(key, *page, &cx);
                } else if let Some(view) =
                    replay_of(&mut self.screens, &mut self.left_replay, key.opened)
                {
                    view.page_built(key, *page, &cx);
                } else if let Some(view) = self.screens.trajectory_of(key.opened) {
                    view.page_built(key, *page, &cx);
                }
            }
            Notice::Inked(key, ink, by) if self.paint.is_current(&by) => {
                if let Some(screen) = self.screens.top_mut() {
                    screen.inked(key, ink);
                }
            }
            Notice::Stats(news) => {
                if let Some(view) = self.screens.stats_mut() {
                    view.told(*news, &cx);
                }
            }
            Notice::Patch(key, patch) => {
                if let Some(view) = self.screens.patch_mut() {
                    view.built(key, patch, &cx, effects);
                }
            }
            Notice::File(key, built) => {
                if let Some(view) = self.screens.file_mut() {
                    view.built(key, built, &cx, effects);
                }
            }
            Notice::Why(generation, why) => {
                for overlay in &mut self.overlays {
                    if let Overlay::Why(open) = overlay {
                        open.answered(generation, why.clone());
                    }
                }
            }
            Notice::Grepped(..)
            | Notice::ResultsFound(..)
            | Notice::StepsFound(..)
            | Notice::Hits(..) => self.search_notice(notice),
            _ => {}
        }
    }

    /// The records that attempt a task.
    fn attempted(&mut self, opened: Generation, attempts: Vec<RecordIx>) {
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        if let Some(view) = self.screens.trajectory_of(opened) {
            view.attempted(attempts, &cx);
        }
    }

    /// What searches found.
    fn search_notice(&mut self, notice: Notice) {
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        match notice {
            Notice::Grepped(generation, hits, state) => {
                if let Some(view) = self.screens.results_mut() {
                    view.found(generation, hits, state);
                }
            }
            Notice::ResultsFound(generation, rows) => {
                if let Some(view) = self.screens.results_mut() {
                    view.rows_found(generation, rows, &cx);
                }
            }
            Notice::StepsFound(opened, generation, rows) => {
                if let Some(view) = self.screens.comparison_mut(opened) {
                    view.rows_found(generation, rows, &cx);
                }
            }
            Notice::Hits(generation, hits, is_done) => {
                if let Some(screen) = self.screens.top_mut() {
                    screen.hits_found(generation, hits, is_done, &cx);
                }
            }
            _ => {}
        }
    }

    /// What has to wait until all records are found and summarised, once; either may be told last.
    fn all_summarized(&mut self, effects: &mut Vec<Effect>) {
        if self.data.wants_census() {
            self.data.tried.begin();
            let names = self.data.tried.names().clone();
            effects.push(Effect::CountAttempts(names, self.data.snapshot()));
        }
        let is_all = self.data.rows.known() == self.data.rows.len();
        if !self.data.scan.is_complete || !is_all || self.data.are_sides_checked {
            return;
        }
        self.data.are_sides_checked = true;
        effects.push(Effect::MarkAll(self.data.judging, Vec::new()));
        effects.push(Effect::CheckSides);
        if let Some(view) = self.screens.trajectory_mut()
            && view.shows_task()
        {
            // more rows than there were when it was opened
            let (opened, record) = (view.opened(), view.record());
            effects.push(Effect::Attempts(opened, record, self.data.snapshot()));
        }
        if !self.data.tried.is_counting() {
            self.first_is_no_attempt(effects);
        }
    }

    /// No attempt has the id that the command line asked for: it may be that of a task.
    fn first_is_no_attempt(&mut self, effects: &mut Vec<Effect>) {
        let Some(First::Id(id)) = self
            .habits
            .first
            .take_if(|first| matches!(first, First::Id(_)))
        else {
            return;
        };
        if let Some(ix) = self.data.tried.task(&id) {
            let cx = context(&self.data, &self.paint, &self.habits, self.screen);
            self.list.arrange_at(ix, &cx, effects);
            self.open_record(ix, effects);
            return;
        }
        let text = format!("no record has the id {}", clean_line(&id));
        self.status.say(Tone::Warning, text);
    }

    fn scanned(
        &mut self,
        records: usize,
        bytes: (u64, u64),
        is_complete: bool,
        effects: &mut Vec<Effect>,
    ) {
        self.data.rows.grow(records);
        self.data.scan.bytes_done = bytes.0;
        self.data.scan.bytes_total = bytes.1;
        self.data.scan.is_complete = is_complete;
        self.list.rows_changed();
        self.all_summarized(effects);
        if is_complete {
            // decisions beside files that were found on the way
            self.read_journals(false, effects);
            effects.push(Effect::ReadReplays);
        }
        if let Some(First::Nth(nth)) = self.habits.first
            && records >= nth
        {
            self.habits.first = None;
            self.open_record(RecordIx(nth.saturating_sub(1)), effects);
        }
        if let Some(First::Nth(nth)) = self.habits.first
            && is_complete
        {
            self.habits.first = None;
            let text = format!(
                "there is no record {nth}: there are {}",
                human::count(records)
            );
            self.status.say(Tone::Warning, text);
        }
        // one record is not a list: show it
        if is_complete && records == 1 && self.is_list() && self.opened.0 == 0 {
            self.open_record(RecordIx(0), effects);
        }
    }

    /// The record that the command line asked for by its id, once it is among those that were summarised.
    fn wanted_first(&self, rows: &[(RecordIx, Summary)]) -> Option<RecordIx> {
        let Some(First::Id(wanted)) = &self.habits.first else {
            return None;
        };
        let is_beside = !self.data.store.listed_tasks().is_empty();
        let is_it = |row: &Summary| {
            let has_id = row.id == *wanted || row.task_id.as_ref() == Some(wanted);
            // the task of an attempt has the same, and may come first
            has_id && !(is_beside && row.is_task())
        };
        rows.iter().find(|(_, row)| is_it(row)).map(|(ix, _)| *ix)
    }

    fn refreshed(&mut self, refresh: &Refresh, effects: &mut Vec<Effect>) {
        if !self.data.is_following || refresh.appended > 0 {
            // to somebody who asks what is new it matters what others decided meanwhile
            self.read_journals(!self.data.is_following, effects);
        }
        if !self.data.is_following {
            effects.push(Effect::ReadReplays);
        }
        self.data.rows.grow(self.data.store.len());
        self.list.rows_changed();
        for ix in &refresh.changed {
            self.record_changed(*ix, effects);
        }
        self.data.tell_untried();
        let is_due = self.data.are_sides_checked && refresh.appended > 0;
        if is_due || !refresh.changed.is_empty() {
            effects.push(Effect::MarkAll(self.data.judging, refresh.changed.clone()));
        }
        for problem in &refresh.problems {
            self.status.say(Tone::Warning, problem.clone());
        }
        if refresh.problems.is_empty() && (refresh.appended > 0 || !refresh.changed.is_empty()) {
            let text = format!(
                "{} new, {} changed",
                human::count(refresh.appended),
                human::count(refresh.changed.len())
            );
            self.status.say(Tone::Success, text);
        } else if refresh.problems.is_empty() && !self.data.is_following {
            self.status.say(Tone::Info, "nothing new".to_owned());
        }
    }

    fn record_changed(&mut self, ix: RecordIx, effects: &mut Vec<Effect>) {
        self.data.forget_row(ix);
        // what is decided from now on is about what it is now
        self.drop_early(ix, "the record changed meanwhile");
        self.data.desk.forget(ix);
        self.data.rows.set_voices(ix, None);
        let missing = self.data.desk.missing();
        if !missing.is_empty() {
            effects.push(Effect::Hash(missing));
        }
        self.list.record_changed(ix);
        if self
            .left_replay
            .as_ref()
            .is_some_and(|view| view.record() == ix)
        {
            self.drop_replay(effects);
        }
        for screen in self.screens.iter_mut() {
            screen.record_changed(ix, &mut self.opened, effects);
        }
    }
}
