//! The screen of a file at a step: opened from wherever one is, and left for the step that wrote a line.

use crate::ui::action::Action;
use crate::ui::app::App;
use crate::ui::app::context;
use crate::ui::app::screens::Screen;
use crate::ui::command::Scope;
use crate::ui::effect::Effect;
use crate::ui::event::Tone;
use crate::ui::page::FilePlace;
use crate::ui::view::file::FileView;
use crate::ui::view::trajectory::Target;

impl App {
    /// What has to do with the screen of a file; `false` when others have to do it.
    pub(super) fn act_on_files(&mut self, action: Action, effects: &mut Vec<Effect>) -> bool {
        let file = match self.screens.top() {
            Some(Screen::File(view)) => Some(view),
            _ => None,
        };
        let on_line = file.is_some_and(|file| !file.are_files_focused());
        match action {
            Action::FileAtStep if !matches!(self.scope(), Scope::Stats | Scope::Replay) => {
                self.toggle_file(effects);
            }
            Action::Blame => self.blame(effects),
            Action::Open if on_line => self.blame(effects),
            Action::Patch if file.is_some() => {
                self.close_screen(effects);
                if self.screens.patch().is_none() {
                    self.open_patch(None);
                }
            }
            _ => return false,
        }
        true
    }

    /// Opens the workspace where the user is, or goes back from it.
    fn toggle_file(&mut self, effects: &mut Vec<Effect>) {
        let place = match self.screens.top() {
            Some(Screen::File(_)) => {
                self.close_screen(effects);
                return;
            }
            Some(Screen::Patch(view)) => FilePlace {
                path: view.current_path(),
                ..FilePlace::default()
            },
            Some(Screen::Trajectory(view)) => view.file_place(),
            Some(Screen::Results(view)) => view.file_place(),
            _ => FilePlace::default(),
        };
        self.open_file(place);
    }

    /// Opens the workspace of the record at a place.
    pub(super) fn open_file(&mut self, place: FilePlace) {
        if let Some(record) = self.record() {
            self.list_follows();
            let opened = self.opened.advance();
            let view = FileView::new(record, opened, place);
            self.screens.push(Screen::File(Box::new(view)));
        }
    }

    /// Goes to the step that wrote the line under the cursor.
    fn blame(&mut self, effects: &mut Vec<Effect>) {
        let Some(Screen::File(view)) = self.screens.top() else {
            return;
        };
        let record = view.record();
        let Some((children, step)) = view.blamed() else {
            let text = if view.are_files_focused() {
                "a line is asked about: Tab goes to them"
            } else {
                "no step is known that wrote this line"
            };
            self.status.pass(Tone::Info, text.to_owned());
            return;
        };
        while matches!(self.screens.top(), Some(Screen::File(_) | Screen::Patch(_))) {
            self.close_screen(effects);
        }
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        if let Some(Screen::Trajectory(view)) = self.screens.top_mut()
            && view.record() == record
        {
            view.go_to_step(&children, step, &cx);
            return;
        }
        let target = Target {
            children,
            step,
            pattern: None,
        };
        self.push_view(record, |view| view.bound_for(target), effects);
    }
}
