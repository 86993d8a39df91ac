//! Replays: opened from wherever a record is, asked to run, told what came of it.

use ratatui::crossterm::event::KeyEvent;

use crate::model::RecordIx;
use crate::model::StepIx;
use crate::replay::results::Brief;
use crate::text::clean_line;
use crate::ui::action::Action;
use crate::ui::app::App;
use crate::ui::app::context;
use crate::ui::app::screens::Screen;
use crate::ui::app::screens::Screens;
use crate::ui::command::Scope;
use crate::ui::effect::Effect;
use crate::ui::effect::ReplayAsk;
use crate::ui::event::Generation;
use crate::ui::event::ReplayNews;
use crate::ui::event::Tone;
use crate::ui::overlay;
use crate::ui::overlay::Overlay;
use crate::ui::view::replay::ReplayView;

impl App {
    /// Opens the replay of the record that the screen is about, at its step; from a replay it goes back.
    pub(super) fn toggle_replay(&mut self, effects: &mut Vec<Effect>) {
        if self.scope() == Scope::Replay {
            self.close_screen(effects);
            return;
        }
        let Some(record) = self.record() else {
            self.status
                .pass(Tone::Info, "there is no record here".to_owned());
            return;
        };
        let step = match self.screens.top() {
            Some(Screen::Trajectory(view)) => view.file_place().step.map(StepIx),
            _ => None,
        };
        self.list_follows();
        let left = self.left_replay.as_ref();
        if left.is_some_and(|view| view.record() != record && view.is_unfinished()) {
            self.ask_about_replay();
            return;
        }
        self.push_replay(record, step, effects);
    }

    /// A replay is left. One that was begun stays as it is, and what runs in it goes on.
    pub(super) fn leave_replay(&mut self, view: Box<ReplayView>, effects: &mut Vec<Effect>) {
        if !view.is_begun() {
            effects.push(Effect::Replay(view.opened(), ReplayAsk::Close));
            return;
        }
        if view.is_unfinished() {
            let text = format!(
                "the replay stays: {}; r goes back to it",
                view.state_words()
            );
            self.status.pass(Tone::Info, text);
        }
        self.left_replay = Some(view);
    }

    /// Ends the replay that was left.
    pub(super) fn drop_replay(&mut self, effects: &mut Vec<Effect>) {
        if let Some(view) = self.left_replay.take() {
            effects.push(Effect::Replay(view.opened(), ReplayAsk::Close));
        }
    }

    /// Asks whether the replay that was left is given up for another.
    fn ask_about_replay(&mut self) {
        let Some(view) = &self.left_replay else {
            return;
        };
        let lines = vec![
            clean_line(&self.name(view.record())).into_owned(),
            view.state_words(),
            "One sandbox at a time: what came of its calls is lost.".to_owned(),
        ];
        let title = "Give up the other replay?".to_owned();
        let question = overlay::Confirm::new(title, lines, Action::ReplayThis);
        self.overlays.push(Overlay::Confirm(question));
    }

    /// Gives up the replay that was left, and opens that of the record at hand.
    pub(super) fn give_up_replay(&mut self, effects: &mut Vec<Effect>) {
        self.drop_replay(effects);
        self.toggle_replay(effects);
    }

    /// Ends the program; asks first while a replay is not through.
    pub(super) fn quit(&mut self, effects: &mut Vec<Effect>) {
        let open = self.screens.replay().or(self.left_replay.as_deref());
        let Some(view) = open.filter(|view| view.is_unfinished()) else {
            effects.push(Effect::Quit);
            return;
        };
        let lines = vec![
            clean_line(&self.name(view.record())).into_owned(),
            view.state_words(),
            "A replay is written down at its end: what came of its calls is lost.".to_owned(),
        ];
        let title = "Quit in the midst of a replay?".to_owned();
        let question = overlay::Confirm::new(title, lines, Action::QuitNow);
        self.overlays.push(Overlay::Confirm(question));
    }

    /// Opens the replay of a record in the place of any other.
    pub(super) fn push_replay(
        &mut self,
        record: RecordIx,
        step: Option<StepIx>,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(view) = self.left_replay.take_if(|view| view.record() == record) {
            self.screens.push(Screen::Replay(view));
            effects.push(Effect::StopFind);
            return;
        }
        // one sandbox at a time
        self.drop_replay(effects);
        self.screens.close_replays(effects);
        let opened = self.opened.advance();
        let view = ReplayView::new(record, opened, step);
        self.screens.push(Screen::Replay(Box::new(view)));
        effects.push(Effect::StopFind);
        effects.push(Effect::Replay(opened, ReplayAsk::Open(record)));
    }

    /// Hands a key to the shell of a replay; `false` where none is open.
    pub(super) fn type_into_console(&mut self, key: KeyEvent, effects: &mut Vec<Effect>) -> bool {
        match self.screens.top_mut() {
            Some(Screen::Replay(view)) if view.has_console() => {
                view.type_key(key, effects);
                true
            }
            _ => false,
        }
    }

    /// The same of pasted text.
    pub(super) fn paste_into_console(&mut self, text: &str, effects: &mut Vec<Effect>) {
        if let Some(Screen::Replay(view)) = self.screens.top()
            && view.has_console()
        {
            view.type_text(text, effects);
        }
    }

    /// What came of replays is known, or known anew.
    pub(super) fn replays_changed(&mut self) {
        if self.data.rows.has_replays() {
            self.list.replays_changed();
        }
    }

    /// Takes what is said of a replay.
    pub(super) fn replay_told(
        &mut self,
        opened: Generation,
        news: ReplayNews,
        effects: &mut Vec<Effect>,
    ) {
        let Some(view) = replay_of(&mut self.screens, &mut self.left_replay, opened) else {
            return;
        };
        match &news {
            ReplayNews::Opened(open) => {
                // the row above the calls has room for their beginnings only
                let unproved = open.unproved.iter().map(|proof| {
                    let (bound, holding) = (proof.bound.name(), proof.holding.words());
                    format!("limit of the sandbox: {bound} is {holding}: {}", proof.why)
                });
                for words in open.refused.iter().cloned().chain(unproved) {
                    self.status.note(words);
                }
            }
            ReplayNews::Failed(why) => self.status.say(Tone::Error, why.clone()),
            ReplayNews::Stands(_, Some(why)) => self.status.pass(Tone::Info, why.clone()),
            ReplayNews::Finished(result, Ok(())) => {
                let brief = Brief::of(result);
                self.data.rows.add_replay(result.record.sha256, brief);
                let text = "replayed to the end; the result is written down".to_owned();
                self.status.say(Tone::Success, text);
            }
            ReplayNews::Finished(_, Err(why)) => {
                let text = format!("the result is not written down: {why}");
                self.status.say(Tone::Warning, text);
            }
            _ => {}
        }
        let is_finished = matches!(news, ReplayNews::Finished(_, Ok(())));
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        view.told(news, &cx, effects);
        if is_finished {
            self.replays_changed();
        }
    }
}

/// The replay that was opened under this number, on a screen or left.
pub(super) fn replay_of<'a>(
    screens: &'a mut Screens,
    left: &'a mut Option<Box<ReplayView>>,
    opened: Generation,
) -> Option<&'a mut ReplayView> {
    let left = left.as_deref_mut().filter(|view| view.opened() == opened);
    left.or_else(|| screens.replay_mut(opened))
}
