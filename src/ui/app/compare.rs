//! Comparing: what with, the screen of two attempts and what lies below it, two runs.

use crate::model::RecordIx;
use crate::text::clean_line;
use crate::text::clip_start;
use crate::ui::app::App;
use crate::ui::app::context;
use crate::ui::app::screens::Screen;
use crate::ui::command::Scope;
use crate::ui::data::runs::Offer;
use crate::ui::data::runs::Others;
use crate::ui::data::runs::RunField;
use crate::ui::data::runs::RunPair;
use crate::ui::effect::Effect;
use crate::ui::event::Generation;
use crate::ui::event::Notice;
use crate::ui::event::Tone;
use crate::ui::overlay;
use crate::ui::overlay::ChoiceKind;
use crate::ui::overlay::Overlay;
use crate::ui::view::compare::CompareView;
use crate::ui::view::trajectory::Target;
use crate::ui::widget::Entry;

/// What the rows of the open choice stand for.
#[derive(Debug, Default)]
enum Offered {
    #[default]
    Nothing,
    Others(Others),
    Pairs(Vec<RunPair>),
    Tasks(Vec<[Option<RecordIx>; 2]>),
}

/// What is asked and offered to be compared.
#[derive(Debug, Default)]
pub(super) struct Comparing {
    /// The number of the last question about what can be compared.
    asked: Generation,
    offered: Offered,
}

impl App {
    /// Two selected records are compared at once; of one record it is asked what with.
    pub(super) fn ask_compare(&mut self, effects: &mut Vec<Effect>) {
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        if self.is_list()
            && let [left, right] = self.list.selected(&cx).as_slice()
        {
            let pair = [*left, *right];
            self.open_compare(pair, effects);
            return;
        }
        let Some(record) = self.record() else {
            self.status
                .pass(Tone::Info, "there is no record here".to_owned());
            return;
        };
        self.compare.asked = self.opened.advance();
        let rows = self.data.snapshot();
        effects.push(Effect::Others(self.compare.asked, record, rows));
    }

    /// Asks for the runs that can be compared.
    pub(super) fn ask_runs(&mut self, effects: &mut Vec<Effect>) {
        if self.data.desk.is_blind() {
            let text = "outcomes are hidden while blind (B shows them)".to_owned();
            self.status.pass(Tone::Info, text);
            return;
        }
        self.compare.asked = self.opened.advance();
        let rows = self.data.snapshot();
        effects.push(Effect::RunPairs(self.compare.asked, rows));
    }

    fn open_compare(&mut self, records: [RecordIx; 2], effects: &mut Vec<Effect>) {
        let opened = self.opened.advance();
        if self.scope() == Scope::Compare {
            self.close_screen(effects);
        }
        let view = CompareView::new(records, opened);
        self.screens.push(Screen::Compare(Box::new(view)));
        effects.push(Effect::StopFind);
        effects.push(Effect::Compare(opened, records));
    }

    /// Opens the step under the cursor; `false` where folded rows or a fold of the patches are to be opened instead.
    pub(super) fn open_step(&mut self, effects: &mut Vec<Effect>) -> bool {
        let Some(Screen::Compare(view)) = self.screens.top() else {
            return false;
        };
        let Some((record, step)) = view.target() else {
            return false;
        };
        let target = Target {
            children: Vec::new(),
            step: step.0,
            pattern: None,
        };
        self.list_follows();
        self.push_view(record, |view| view.bound_for(target), effects);
        true
    }

    /// Shows the patches of two attempts, or their rows again.
    pub(super) fn toggle_compared_patches(&mut self) {
        if let Some(Screen::Compare(view)) = self.screens.top_mut() {
            view.toggle_patches();
        }
    }

    /// Whether the rows of two attempts are on the screen.
    pub(super) fn compares_rows(&self) -> bool {
        matches!(self.screens.top(), Some(Screen::Compare(view)) if view.shows_rows())
    }

    /// Answers about comparing.
    pub(super) fn compare_notice(&mut self, notice: Notice, effects: &mut Vec<Effect>) {
        match notice {
            Notice::Compared(opened, content) => {
                let cx = context(&self.data, &self.paint, &self.habits, self.screen);
                if let Some(view) = self.screens.comparison_mut(opened) {
                    view.opened_as(content, &cx);
                }
            }
            Notice::Others(asked, others) if asked == self.compare.asked => {
                if others.records.is_empty() {
                    let text = "there is no other record to compare with".to_owned();
                    self.status.pass(Tone::Info, text);
                    return;
                }
                let entries = others.offers.iter().cloned().map(entry).collect();
                self.compare.offered = Offered::Others(others);
                self.offer(ChoiceKind::Attempt, entries, Vec::new());
            }
            Notice::RunPairs(asked, pairs) if asked == self.compare.asked => match pairs.as_slice()
            {
                [] => {
                    let text = "no two runs (models or files) have a task in common";
                    self.status.pass(Tone::Info, text.to_owned());
                }
                [pair] => {
                    let pair = pair.clone();
                    self.compare_pair(pair, effects);
                }
                _ => {
                    let entries = pairs.iter().map(pair_entry).collect();
                    self.compare.offered = Offered::Pairs(pairs);
                    self.offer(ChoiceKind::RunPair, entries, Vec::new());
                }
            },
            Notice::RunsCompared(asked, table) if asked == self.compare.asked => {
                let entries = table.offers.into_iter().map(entry).collect();
                self.compare.offered = Offered::Tasks(table.records);
                self.offer(ChoiceKind::RunTask, entries, table.facts);
            }
            _ => {}
        }
    }

    fn compare_pair(&mut self, pair: RunPair, effects: &mut Vec<Effect>) {
        self.compare.asked = self.opened.advance();
        let rows = self.data.snapshot();
        effects.push(Effect::CompareRuns(self.compare.asked, rows, pair));
    }

    /// Opens a choice, unless something else was opened meanwhile.
    fn offer(
        &mut self,
        kind: ChoiceKind,
        entries: Vec<Entry>,
        facts: Vec<(String, crate::theme::Role)>,
    ) {
        if self.overlays.is_empty() {
            let choose = overlay::Choose::new(kind, entries, 0, facts);
            self.overlays.push(Overlay::Choose(choose));
        }
    }

    /// Something to compare was chosen.
    pub(super) fn compare_chosen(
        &mut self,
        kind: ChoiceKind,
        row: usize,
        effects: &mut Vec<Effect>,
    ) {
        match (kind, std::mem::take(&mut self.compare.offered)) {
            (ChoiceKind::Attempt, Offered::Others(others)) => {
                if let Some(other) = others.records.get(row) {
                    self.open_compare([others.of, *other], effects);
                }
            }
            (ChoiceKind::RunPair, Offered::Pairs(pairs)) => {
                if let Some(pair) = pairs.into_iter().nth(row) {
                    self.compare_pair(pair, effects);
                }
            }
            (ChoiceKind::RunTask, Offered::Tasks(records)) => match records.get(row) {
                Some([Some(left), Some(right)]) => {
                    let pair = [*left, *right];
                    self.open_compare(pair, effects);
                }
                Some(_) => {
                    let text = "only one of the runs tried this task".to_owned();
                    self.status.pass(Tone::Info, text);
                }
                None => {}
            },
            _ => {}
        }
    }
}

fn entry(offer: Offer) -> Entry {
    Entry {
        label: offer.label,
        doc: offer.doc,
        note: offer.note,
    }
}

fn pair_entry(pair: &RunPair) -> Entry {
    let field = match pair.field {
        RunField::Model => "models",
        RunField::File => "files",
    };
    // both names and the note fit into the box; the end of a name tells most
    let short = |name: &str| {
        let is_file = pair.field == RunField::File;
        let name = name.rsplit('/').next().filter(|_| is_file).unwrap_or(name);
        clip_start(&clean_line(name), 24).into_owned()
    };
    Entry {
        label: format!("{}  ↔  {}", short(&pair.a), short(&pair.b)),
        doc: String::new(),
        note: format!(
            "{} in both · {field}",
            crate::text::human::count(pair.tasks)
        ),
    }
}
