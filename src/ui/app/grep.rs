//! Searching all trajectories of the list: the prompt, the screen of what is found, and the way from there to a step.

use crate::search::Case;
use crate::search::Pattern;
use crate::search::Place;
use crate::text::clean_line;
use crate::ui::app::App;
use crate::ui::app::screens::Screen;
use crate::ui::effect::Effect;
use crate::ui::effect::GrepJob;
use crate::ui::event::Tone;
use crate::ui::view::patch::PatchView;
use crate::ui::view::results::ResultsView;
use crate::ui::view::trajectory::Target;
use crate::ui::view::trajectory::TrajectoryView;

impl App {
    /// Begins a search through all records that the list shows.
    pub(super) fn grep(&mut self, typed: &str, effects: &mut Vec<Effect>) {
        if typed.is_empty() {
            return;
        }
        let pattern = match pattern(typed) {
            Ok(pattern) => pattern,
            Err(why) => {
                self.status.say(Tone::Error, clean_line(&why).into_owned());
                return;
            }
        };
        let generation = self.opened.advance();
        let view = ResultsView::new(generation, typed, pattern.clone());
        self.screens.close_results();
        self.screens.push(Screen::Results(Box::new(view)));
        effects.push(Effect::Grep(Box::new(GrepJob {
            generation,
            pattern,
            order: self.list.order().clone(),
        })));
    }

    /// Opens the step of the row under the cursor, with its matches marked.
    pub(super) fn open_hit(&mut self, effects: &mut Vec<Effect>) {
        let Some(Screen::Results(view)) = self.screens.top() else {
            return;
        };
        let Some(row) = view.row() else { return };
        let (record, children, step) = (row.record, row.children.clone(), row.step);
        let pattern = view.pattern().regex().clone();
        self.list_follows();
        let opened = self.opened.advance();
        // a sub-agent has no screen of its patch: its first step shows where one is
        let is_inner = !children.is_empty();
        let Some(step) = step.or(is_inner.then_some(0)) else {
            let view = PatchView::new(record, opened, None).searching(pattern);
            self.screens.push(Screen::Patch(Box::new(view)));
            return;
        };
        let target = Target {
            children,
            step,
            pattern: Some(pattern),
        };
        let view = TrajectoryView::new(record, opened).bound_for(target);
        self.screens.push(Screen::Trajectory(Box::new(view)));
        effects.push(Effect::Open(opened, record));
    }
}

/// A typed pattern: `in:actions,thoughts` before it says where to search.
///
/// # Errors
/// Why it is none, in words.
fn pattern(typed: &str) -> Result<Pattern, String> {
    let (places, text) = match typed.strip_prefix("in:") {
        Some(rest) => rest.split_once(' ').unwrap_or((rest, "")),
        None => ("", typed),
    };
    let mut wanted = Vec::new();
    for name in places.split(',').filter(|name| !name.is_empty()) {
        let place = Place::ALL.into_iter().find(|place| place.name() == name);
        wanted.push(place.ok_or_else(|| {
            let names = Place::ALL.map(Place::name).join(", ");
            format!("`{name}` is no place to search in; there are {names}")
        })?);
    }
    if text.is_empty() {
        return Err("a pattern is missing".to_owned());
    }
    Pattern::new(text, false, Case::Smart, &wanted).map_err(|error| error.to_string())
}
