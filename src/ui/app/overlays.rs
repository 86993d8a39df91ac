//! Overlays of the whole program: what each is opened with, and what its answer means here.

use crate::model::TaskKind;
use crate::query::sort::SortKey;
use crate::ui::action::OverlayKind;
use crate::ui::app::App;
use crate::ui::app::context;
use crate::ui::effect::Effect;
use crate::ui::event::Tone;
use crate::ui::overlay;
use crate::ui::overlay::ChoiceKind;
use crate::ui::overlay::Overlay;
use crate::ui::overlay::PromptChange;
use crate::ui::overlay::PromptKind;
use crate::ui::overlay::Reply;

impl App {
    pub(super) fn open_overlay(&mut self, kind: OverlayKind, effects: &mut Vec<Effect>) {
        let scope = self.scope();
        let overlay = match kind {
            OverlayKind::Help => Overlay::Help(overlay::Help::new(scope, &self.habits.keymap)),
            OverlayKind::Palette => {
                Overlay::Palette(overlay::Palette::new(scope, &self.habits.keymap))
            }
            OverlayKind::Messages => Overlay::Messages(overlay::Messages::new(self.status.past())),
            OverlayKind::Sort => {
                let how = self.list.how();
                let label = |key: &SortKey| {
                    let order = match (*key == how.key, how.is_descending) {
                        (false, _) if key.starts_descending() => "  largest first",
                        (false, _) => "",
                        (true, false) => "  ▲ now; again turns it round",
                        (true, true) => "  ▼ now; again turns it round",
                    };
                    format!("{}{order}", key.name())
                };
                let labels = SortKey::ALL.iter().map(label).collect();
                let current = SortKey::ALL
                    .iter()
                    .position(|key| *key == self.list.how().key)
                    .unwrap_or(0);
                Overlay::Sort(overlay::SortPicker::new(labels, current))
            }
            OverlayKind::Why => {
                let Some(record) = self.record() else { return };
                if self.data.desk.hides(record) {
                    let text = "hidden until you have decided (B shows it)".to_owned();
                    self.status.pass(Tone::Info, text);
                    return;
                }
                let generation = self.opened.advance();
                let cells = overlay::Why::text_cells(self.screen);
                let options = self.habits.look.page_options(cells);
                effects.push(Effect::Why(generation, record, options));
                let kind = self.data.rows.get(record).and_then(|row| row.task_kind);
                let has_program = kind == Some(TaskKind::FuncGen);
                Overlay::Why(overlay::Why::new(generation, has_program))
            }
            OverlayKind::Themes => {
                self.paint.before = Some(self.paint.theme.name().to_owned());
                Overlay::Themes(overlay::ThemePicker::new(
                    self.paint.names.clone(),
                    self.paint.theme.name(),
                ))
            }
            OverlayKind::Queues => {
                self.ask_queues(effects);
                return;
            }
            OverlayKind::GroupBy | OverlayKind::ThenGroupBy => {
                let is_second = kind == OverlayKind::ThenGroupBy;
                let Some(choice) = self.groupings(is_second) else {
                    return;
                };
                choice
            }
            OverlayKind::Decided => self.last_decisions(),
            OverlayKind::Export => self.export_form(),
        };
        self.overlays.push(overlay);
    }

    /// Closes the topmost overlay, and stops what runs for it.
    fn close_overlay(&mut self, effects: &mut Vec<Effect>) {
        if let Some(Overlay::Why(why)) = self.overlays.pop()
            && why.is_running()
        {
            effects.push(Effect::StopCheck);
            let text = "the test program was stopped".to_owned();
            self.status.pass(Tone::Info, text);
        }
    }

    /// Runs the test program of the record that the reasons are about.
    fn run_check(&mut self, effects: &mut Vec<Effect>) {
        let (Some(Overlay::Why(why)), Some(record)) = (self.overlays.last(), self.record()) else {
            return;
        };
        let cells = overlay::Why::text_cells(self.screen);
        let options = self.habits.look.page_options(cells);
        let (judging, generation) = (self.data.judging, why.generation());
        effects.push(Effect::RunCheck(judging, generation, record, options));
    }

    pub(super) fn reply(&mut self, reply: Reply, effects: &mut Vec<Effect>) {
        match reply {
            Reply::Stay => {}
            Reply::Close => self.close_overlay(effects),
            Reply::RunCheck => self.run_check(effects),
            Reply::Run(action) => {
                self.overlays.pop();
                self.act(action, None, effects);
            }
            Reply::Prompt { kind, text, what } => {
                if what != PromptChange::Edited {
                    self.overlays.pop();
                }
                if what == PromptChange::Accepted && !text.is_empty() {
                    self.habits
                        .history
                        .retain(|(of, old)| *of != kind || *old != text);
                    self.habits.history.push((kind, text.clone()));
                }
                match kind {
                    PromptKind::Find => self.prompt_find(&text, what, effects),
                    PromptKind::Grep if what == PromptChange::Accepted => {
                        self.grep(&text, effects);
                    }
                    PromptKind::Narrow => self.prompt_narrow(text, what, effects),
                    PromptKind::Filter => self.prompt_filter(&text, what, effects),
                    PromptKind::Note | PromptKind::Tags if what == PromptChange::Accepted => {
                        self.prompt_note(kind, &text, effects);
                    }
                    PromptKind::Note | PromptKind::Tags | PromptKind::Grep => {}
                }
            }
            Reply::Grep(text) => {
                self.overlays.pop();
                self.grep(&text, effects);
            }
            Reply::SortBy(at) => {
                self.overlays.pop();
                let Some(key) = SortKey::ALL.get(at).copied() else {
                    return;
                };
                if key.tells_verdicts() && self.data.desk.is_blind() {
                    return self.refuse_hidden(&format!("the order by {}", key.name()));
                }
                let cx = context(&self.data, &self.paint, &self.habits, self.screen);
                self.list.sort_by(key, &cx, effects);
            }
            Reply::Evidence(id) => {
                self.overlays.pop();
                self.go_to_evidence(id);
            }
            Reply::Step(step) => {
                self.overlays.pop();
                self.go_to_step(step, effects);
            }
            Reply::PreviewTheme(name) => effects.push(Effect::LoadTheme(name)),
            Reply::PickTheme(name) => {
                self.overlays.pop();
                effects.push(Effect::LoadTheme(name));
            }
            Reply::Chosen(kind, row) => {
                self.overlays.pop();
                match kind {
                    ChoiceKind::Decided => self.go_to_decided(row, effects),
                    ChoiceKind::Queue => self.choose_queue(row, effects),
                    ChoiceKind::Attempt | ChoiceKind::RunPair | ChoiceKind::RunTask => {
                        self.compare_chosen(kind, row, effects);
                    }
                    ChoiceKind::GroupBy => self.choose_grouping(row, false, effects),
                    ChoiceKind::ThenGroupBy => self.choose_grouping(row, true, effects),
                }
            }
            Reply::Form(values, change) => self.form(values, change, effects),
            Reply::CancelTheme => {
                self.overlays.pop();
                effects.extend(self.paint.before.take().map(Effect::LoadTheme));
            }
        }
    }
}
