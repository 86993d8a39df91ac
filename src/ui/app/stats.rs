//! The statistics: opened over what the list shows, grouped anew, and a line of them as a list.

use std::sync::Arc;

use crate::stats::GroupBy;
use crate::text::clean_line;
use crate::text::human;
use crate::ui::app::App;
use crate::ui::app::context;
use crate::ui::app::screens::Screen;
use crate::ui::data::Arrangement;
use crate::ui::data::Picked;
use crate::ui::effect::Effect;
use crate::ui::event::Tone;
use crate::ui::overlay;
use crate::ui::overlay::ChoiceKind;
use crate::ui::overlay::Overlay;
use crate::ui::view::stats::StatsView;
use crate::ui::widget::Entry;

impl App {
    /// Opens the statistics, or goes back from them.
    pub(super) fn toggle_stats(&mut self, effects: &mut Vec<Effect>) {
        if self.screens.stats().is_some() {
            self.close_screen(effects);
            return;
        }
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        let is_part = self.list.shown(&cx) < self.data.rows.shown();
        let order = self.list.order().clone();
        let is_blind = self.data.desk.is_blind();
        let by = self.habits.stats_by.iter().copied();
        let by = by.filter(|by| !(is_blind && by.tells_verdicts())).collect();
        let view = StatsView::new(self.opened.advance(), order, is_part, by);
        view.collect(&self.data.rows, effects);
        self.screens.push(Screen::Stats(Box::new(view)));
    }

    /// Shows the records of the line under the cursor in the list.
    pub(super) fn list_selection(&mut self, effects: &mut Vec<Effect>) {
        let Some(view) = self.screens.stats() else {
            return;
        };
        let (selection, collected) = match (view.selection(), view.collected()) {
            (None, _) => {
                let text = "Enter lists a group, a flag or a verdict";
                return self.status.pass(Tone::Info, text.to_owned());
            }
            (Some(_), None) => {
                let text = "not all records are read yet";
                return self.status.pass(Tone::Info, text.to_owned());
            }
            (Some(selection), Some(collected)) => (selection, collected),
        };
        let words = clean_line(&selection.words()).into_owned();
        let small = |ix: crate::model::RecordIx| u32::try_from(ix.0).ok();
        let records: Vec<u32> = collected
            .select(selection)
            .into_iter()
            .filter_map(small)
            .collect();
        let text = format!("{}: {words}", human::plural(records.len(), "record"));
        let how = Arrangement {
            narrow: String::new(),
            picked: Some(Picked {
                words,
                tells_verdicts: selection.by.iter().any(|by| by.tells_verdicts()),
                records: Arc::new(records),
            }),
            ..self.list.how().clone()
        };
        self.close_all(effects);
        effects.push(Effect::StopStats);
        self.data.desk.clear_selection();
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        self.list.arrange_from_top(how, &cx, effects);
        self.status.pass(Tone::Info, text);
    }

    /// The choice of what to group by, or (`is_second`) by what besides.
    pub(super) fn groupings(&self, is_second: bool) -> Option<Overlay> {
        let by = self.screens.stats()?.by();
        let entry = |label: &str, doc: &str| Entry {
            label: label.to_owned(),
            doc: doc.to_owned(),
            note: String::new(),
        };
        let mut entries = vec![entry("nothing", "all records together")];
        entries.extend(GroupBy::ALL.map(|by| entry(by.name(), by.about())));
        let now = by.get(usize::from(is_second));
        let at = now.and_then(|now| GroupBy::ALL.iter().position(|by| by == now));
        let kind = if is_second {
            ChoiceKind::ThenGroupBy
        } else {
            ChoiceKind::GroupBy
        };
        let choose = overlay::Choose::new(kind, entries, at.map_or(0, |at| at + 1), Vec::new());
        Some(Overlay::Choose(choose))
    }

    /// A grouping was chosen.
    pub(super) fn choose_grouping(
        &mut self,
        row: usize,
        is_second: bool,
        effects: &mut Vec<Effect>,
    ) {
        let chosen = row
            .checked_sub(1)
            .and_then(|row| GroupBy::ALL.get(row))
            .copied();
        let hidden = chosen.filter(|by| self.data.desk.is_blind() && by.tells_verdicts());
        if let Some(by) = hidden {
            return self.refuse_hidden(by.about());
        }
        let Some(view) = self.screens.stats() else {
            return;
        };
        let old = view.by();
        let (first, second) = if is_second {
            (old.first().copied(), chosen)
        } else {
            (chosen, old.get(1).copied())
        };
        let mut by: Vec<GroupBy> = first.into_iter().chain(second).collect();
        by.dedup();
        self.habits.stats_by.clone_from(&by);
        self.group_stats(by, effects);
    }

    /// Leaves groups that tell what blind mode hides.
    pub(super) fn group_stats_blind(&mut self, effects: &mut Vec<Effect>) {
        let Some(view) = self.screens.stats() else {
            return;
        };
        let open = view.by().iter().copied();
        let by: Vec<GroupBy> = open.filter(|by| !by.tells_verdicts()).collect();
        if by != view.by() {
            self.group_stats(by, effects);
        }
    }

    fn group_stats(&mut self, by: Vec<GroupBy>, effects: &mut Vec<Effect>) {
        let generation = self.opened.advance();
        if let Some(view) = self.screens.stats_mut() {
            view.group_by(by, generation, &self.data.rows, effects);
        }
    }
}
