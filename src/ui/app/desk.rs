//! Answers about decisions, queues and exports, and what people say of the rows that are loaded.

use crate::model::ContentHash;
use crate::model::Fault;
use crate::model::RecordIx;
use crate::review::Site;
use crate::text::clean_line;
use crate::text::human;
use crate::ui::app::App;
use crate::ui::data::desk::Heard;
use crate::ui::data::desk::Journals;
use crate::ui::data::desk::Saving;
use crate::ui::effect::Effect;
use crate::ui::event::Notice;
use crate::ui::event::Tone;

impl App {
    /// Takes an answer.
    pub(super) fn desk_notice(&mut self, notice: Notice, effects: &mut Vec<Effect>) {
        match notice {
            Notice::DeskOpened(read) => {
                let (journals, heard) = *read;
                self.desk_opened(journals, heard, effects);
            }
            Notice::GoOn => self.go_on_with_plans(effects),
            Notice::Exporting(done, total) => self.export_went_on(done, total),
            Notice::Exported(result) => self.exported(*result),
            Notice::QueuesCounted(counts) => self.queues_counted(&counts),
            Notice::Hashed(ix, hash) => self.hashed(ix, hash, effects),
            Notice::Saved(lines) => {
                let had_failed = matches!(self.data.desk.saving(), Saving::Failed(_));
                self.data.desk.saved(lines);
                if had_failed {
                    // the line that said otherwise must not stay beside "saved"
                    let text = "saved after all: decisions that waited are on the disk";
                    self.status.say(Tone::Success, text.to_owned());
                }
            }
            Notice::NotSaved(why) => {
                let text = format!("NOT SAVED: {why}");
                self.status.say(Tone::Error, clean_line(&text).into_owned());
                self.data.desk.not_saved(why);
            }
            _ => {}
        }
    }

    /// Has the journals read; `is_again` even when no file came up that was not known.
    pub(super) fn read_journals(&self, is_again: bool, effects: &mut Vec<Effect>) {
        let reading = self.data.desk.reading(&self.data.rows, is_again);
        effects.push(Effect::OpenDesk(Box::new(reading)));
    }

    fn desk_opened(&mut self, journals: Journals, mut heard: Heard, effects: &mut Vec<Effect>) {
        let is_first = self.data.desk.place().is_none();
        if let Some(why) = &journals.read_only {
            self.status.say(Tone::Warning, clean_line(why).into_owned());
        } else if is_first && !matches!(journals.place.site(), Site::Beside | Site::Chosen) {
            let text = journals.place.words();
            self.status.say(Tone::Info, clean_line(&text).into_owned());
        } else if is_first {
            self.status.note(journals.place.words());
        }
        let (newer, before) = self.data.desk.open(journals, &mut heard);
        self.data.rows.swap_voices(&mut heard.rows);
        effects.push(Effect::Discard(Box::new((before, heard.rows))));
        for text in self.data.desk.news() {
            self.status
                .say(Tone::Warning, clean_line(&text).into_owned());
        }
        for ix in newer {
            self.hear(ix);
        }
        self.list.rows_changed();
        self.catch_up_early(effects);
        self.resume();
    }

    /// Takes note of a record's content, and of what people say of it.
    pub(super) fn learn(&mut self, ix: RecordIx, hash: ContentHash) {
        self.data.desk.learn(ix, hash);
        self.hear(ix);
    }

    /// Looks up what people say of a record whose content is known.
    fn hear(&mut self, ix: RecordIx) {
        if self.data.desk.is_silent() {
            return;
        }
        if let Some(row) = self.data.rows.get(ix)
            && let Some(entry) = self.data.store.entry(ix)
        {
            self.data.desk.check_stale(ix, &row.id, &entry);
        }
        let voices = self.data.desk.voices(ix);
        self.data.rows.set_voices(ix, voices);
    }

    /// A decision that seemed to be on an older version of a record may be on another record of the same name.
    pub(super) fn look_again_at_stale(&mut self) {
        for ix in self.data.desk.stale() {
            self.hear(ix);
        }
    }

    fn hashed(
        &mut self,
        ix: RecordIx,
        hash: Result<ContentHash, Fault>,
        effects: &mut Vec<Effect>,
    ) {
        match hash {
            Ok(hash) => self.learn(ix, hash),
            Err(fault) => {
                self.drop_early(ix, &clean_line(&fault.to_string()));
                let count = self.data.desk.give_up(ix);
                if count > 0 {
                    let what = human::plural(count, "change");
                    let text = format!("NOT DONE: {what} to a record that cannot be read: {fault}");
                    self.status.say(Tone::Error, clean_line(&text).into_owned());
                }
            }
        }
        let lines = self.data.desk.catch_up();
        self.save(lines, effects);
        self.catch_up_early(effects);
    }
}
