//! The screen of a file at a step: opened from wherever one is, and left for the step that wrote a line.

use crate::ui::action::Action;
use crate::ui::app::App;
use crate::ui::app::context;
use crate::ui::effect::Effect;
use crate::ui::event::Tone;
use crate::ui::page::FilePlace;
use crate::ui::view::file::FileView;
use crate::ui::view::patch::PatchView;
use crate::ui::view::trajectory::TrajectoryView;

impl App {
    /// What has to do with the screen of a file; `false` when others have to do it.
    pub(super) fn act_on_files(&mut self, action: Action, effects: &mut Vec<Effect>) -> bool {
        let on_line = self
            .file
            .as_ref()
            .is_some_and(|file| !file.are_files_focused());
        match action {
            Action::FileAtStep => self.toggle_file(effects),
            Action::Blame => self.blame(effects),
            Action::Open if on_line => self.blame(effects),
            Action::Patch if self.file.take().is_some() => {
                effects.push(Effect::StopFind);
                if self.patch.is_none() {
                    self.open_patch(None);
                }
            }
            _ => return false,
        }
        true
    }

    /// Opens the workspace where the user is, or goes back from it.
    pub(super) fn toggle_file(&mut self, effects: &mut Vec<Effect>) {
        if self.file.take().is_some() {
            effects.push(Effect::StopFind);
            return;
        }
        let place = match (&self.patch, &self.trajectory) {
            (Some(view), _) => FilePlace {
                path: view.current_path(),
                ..FilePlace::default()
            },
            (None, Some(view)) => view.file_place(),
            (None, None) => FilePlace::default(),
        };
        self.open_file(place);
    }

    /// Opens the workspace of the record at a place.
    pub(super) fn open_file(&mut self, place: FilePlace) {
        if let Some(record) = self.record() {
            let opened = self.opened.advance();
            self.file = Some(FileView::new(record, opened, place));
        }
    }

    /// Goes to the step that wrote the line under the cursor.
    pub(super) fn blame(&mut self, effects: &mut Vec<Effect>) {
        let Some(view) = &self.file else { return };
        let record = view.record();
        let Some((children, step)) = view.blamed() else {
            let text = "no step is known to have written or shown this line";
            self.status.pass(Tone::Info, text.to_owned());
            return;
        };
        (self.file, self.patch) = (None, None);
        effects.push(Effect::StopFind);
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        let shown = self.trajectory.as_mut();
        if let Some(view) = shown.filter(|view| view.record() == record) {
            view.go_to_step(&children, step, &cx);
        } else {
            self.habits.first_step = Some(step);
            self.open_record(record, effects);
        }
    }

    /// Which of the views below has the prompt that was opened: their lines to come back to.
    pub(super) fn place_to_come_back(&self) -> usize {
        let patch = self.patch.as_ref().map(PatchView::line);
        let below = patch.or(self
            .trajectory
            .as_ref()
            .map(TrajectoryView::position)
            .map(|(row, _)| row));
        let file = self.file.as_ref().map(FileView::line);
        file.or(below).unwrap_or_else(|| self.list.place())
    }
}
