//! The screens that lie above the list, the newest on top: what the app asks of all of them, whatever they show.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use regex::Regex;

use crate::model::RecordIx;
use crate::theme::Highlighter;
use crate::ui::action::Action;
use crate::ui::command::Scope;
use crate::ui::effect::Effect;
use crate::ui::effect::ReplayAsk;
use crate::ui::event::Generation;
use crate::ui::event::PageKey;
use crate::ui::event::RowHit;
use crate::ui::page::Ink;
use crate::ui::view::Cx;
use crate::ui::view::compare::CompareView;
use crate::ui::view::file::FileView;
use crate::ui::view::patch::PatchView;
use crate::ui::view::replay::ReplayView;
use crate::ui::view::results::ResultsView;
use crate::ui::view::stats::StatsView;
use crate::ui::view::trajectory::TrajectoryView;

/// The most useful commands on an attempt among the rows of its task.
const ATTEMPT_TIPS: &[(&str, &str)] = &[
    ("next-pane", "page"),
    ("open", "open it"),
    ("patch", "patch"),
    ("accept", "accept"),
    ("reject", "reject"),
    ("help", "keys"),
];

/// A screen above the list.
#[derive(Debug)]
pub(super) enum Screen {
    Trajectory(Box<TrajectoryView>),
    Patch(Box<PatchView>),
    Results(Box<ResultsView>),
    Compare(Box<CompareView>),
    File(Box<FileView>),
    Stats(Box<StatsView>),
    Replay(Box<ReplayView>),
}

/// Does the same on the view of whichever screen it is.
macro_rules! each {
    ($screen:expr, $view:ident => $do:expr) => {
        match $screen {
            Screen::Trajectory($view) => $do,
            Screen::Patch($view) => $do,
            Screen::Results($view) => $do,
            Screen::Compare($view) => $do,
            Screen::File($view) => $do,
            Screen::Stats($view) => $do,
            Screen::Replay($view) => $do,
        }
    };
}

impl Screen {
    /// Whose keys work on it.
    pub(super) fn scope(&self) -> Scope {
        match self {
            Self::Trajectory(_) => Scope::Trajectory,
            Self::Patch(_) => Scope::Patch,
            Self::Results(_) => Scope::Results,
            Self::Compare(_) => Scope::Compare,
            Self::File(_) => Scope::File,
            Self::Stats(_) => Scope::Stats,
            Self::Replay(_) => Scope::Replay,
        }
    }

    /// The record that it is about, or that its cursor is on; `None` where there is none.
    pub(super) fn record(&self) -> Option<RecordIx> {
        match self {
            Self::Trajectory(view) => Some(view.subject_record()),
            Self::Patch(view) => Some(view.record()),
            Self::Results(view) => view.record(),
            Self::Compare(view) => Some(view.record()),
            Self::File(view) => Some(view.record()),
            Self::Replay(view) => Some(view.record()),
            Self::Stats(_) => None,
        }
    }

    /// Its word in the status line: the screen, or the pane that has the keys.
    pub(super) fn mode(&self) -> &'static str {
        match self {
            Self::Trajectory(view) if view.is_page_focused() => " PAGE ",
            Self::Trajectory(_) => " STEPS ",
            Self::Patch(view) if view.are_files_focused() => " FILES ",
            Self::Patch(_) => " PATCH ",
            Self::Results(_) => " RESULTS ",
            Self::Compare(view) => view.mode(),
            Self::File(view) if view.are_files_focused() => " FILES ",
            Self::File(_) => " FILE ",
            Self::Stats(_) => " STATS ",
            Self::Replay(view) => view.mode(),
        }
    }

    /// Where one is, for the sentence that something does nothing here.
    pub(super) fn place_words(&self) -> &'static str {
        match self {
            Self::Trajectory(_) => "in a trajectory",
            Self::Patch(_) => "in a patch",
            Self::Results(_) => "in search results",
            Self::Compare(_) => "in a comparison",
            Self::File(_) => "in a file",
            Self::Stats(_) => "in the statistics",
            Self::Replay(_) => "in a replay",
        }
    }

    /// Whether there is something for one of its tips to do: nothing fails in a task.
    pub(super) fn offers(&self, name: &str) -> bool {
        !matches!(self, Self::Trajectory(view) if name == "next-error" && view.shows_task())
    }

    /// Its most useful commands by name, each with a word for the status line; the last one stays longest.
    pub(super) fn tips(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Trajectory(view) => trajectory_tips(view),
            Self::Patch(_) => &[
                ("next-evidence", "evidence"),
                ("next-hunk", "hunk"),
                ("accept", "accept"),
                ("reject", "reject"),
                ("why", "why"),
                ("help", "keys"),
            ],
            Self::Results(_) => &[
                ("open", "open"),
                ("grep", "search again"),
                ("accept", "accept"),
                ("reject", "reject"),
                ("back", "back"),
                ("help", "keys"),
            ],
            Self::Compare(_) => &[
                ("next-difference", "difference"),
                ("next-pane", "side"),
                ("toggle-difference", "what differs"),
                ("patch", "patches"),
                ("open", "step"),
                ("help", "keys"),
            ],
            Self::File(_) => &[
                ("next-step", "later"),
                ("previous-step", "earlier"),
                ("next-edit", "next touch"),
                ("next-pane", "files"),
                ("blame", "who wrote it"),
                ("toggle-changes", "changes"),
                ("help", "keys"),
            ],
            Self::Replay(view) if view.has_console() => &[],
            Self::Replay(view) if view.shows_files() => &[
                ("open", "open"),
                ("next-pane", "file"),
                ("toggle-difference", "what changed"),
                ("find", "find"),
                ("back", "back"),
                ("help", "keys"),
            ],
            Self::Replay(view) if !view.shows_calls() => &[("back", "back"), ("help", "keys")],
            Self::Replay(_) => &[
                ("open", "run to here"),
                ("replay-next", "next call"),
                ("replay-all", "run all"),
                ("next-difference", "divergence"),
                ("toggle-difference", "what differs"),
                ("replay-shell", "shell"),
                ("help", "keys"),
            ],
            Self::Stats(_) => &[
                ("open", "list these"),
                ("next-pane", "section"),
                ("group-by", "group"),
                ("find", "find"),
                ("help", "keys"),
            ],
        }
    }

    /// Asks for what it lacks.
    pub(super) fn sync(
        &mut self,
        cx: &Cx<'_>,
        highlighter: Option<&Arc<Highlighter>>,
        effects: &mut Vec<Effect>,
    ) {
        match self {
            Self::Trajectory(view) => view.sync(cx, highlighter, effects),
            Self::Patch(view) => view.sync(cx, highlighter, effects),
            Self::Results(view) => view.sync(cx, effects),
            Self::Compare(view) => view.sync(cx, highlighter, effects),
            Self::File(view) => view.sync(cx, highlighter, effects),
            Self::Stats(view) => view.sync(cx, highlighter, effects),
            Self::Replay(view) => view.sync(cx, highlighter, effects),
        }
    }

    /// Carries out an action; `false` when it means nothing here.
    pub(super) fn apply(
        &mut self,
        action: Action,
        count: Option<usize>,
        cx: &Cx<'_>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        each!(self, view => view.apply(action, count, cx, effects))
    }

    /// Closes what `Esc` closes inside it; `false` when there is nothing.
    pub(super) fn escape(&mut self, effects: &mut Vec<Effect>) -> bool {
        match self {
            Self::Trajectory(view) => view.escape(effects),
            Self::Patch(view) => view.escape(effects),
            Self::Results(view) => view.escape(effects),
            Self::Compare(view) => view.escape(effects),
            Self::File(view) => view.escape(effects),
            Self::Stats(view) => view.escape(effects),
            Self::Replay(view) => view.escape(effects),
        }
    }

    pub(super) fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        each!(self, view => view.draw(cx, buf));
    }

    /// How far down its page is in percent, and the step or file that one is at.
    pub(super) fn position(&self, cx: &Cx<'_>) -> (Option<usize>, String) {
        match self {
            Self::Trajectory(view) => (view.page_percent(cx), view.place_text()),
            Self::Patch(view) => (view.page_percent(cx), view.place_text()),
            Self::Results(view) => (None, view.place_text()),
            Self::Compare(view) => (view.page_percent(cx), view.place_text()),
            Self::File(view) => (view.page_percent(cx), view.place_text()),
            Self::Stats(view) => (view.page_percent(cx), view.place_text()),
            Self::Replay(view) => (view.page_percent(cx), view.place_text()),
        }
    }

    pub(super) fn wheel(&mut self, x: u16, y: u16, rows: isize, cx: &Cx<'_>) {
        match self {
            Self::Trajectory(view) => view.wheel(x, y, rows, cx),
            Self::Patch(view) => view.wheel(x, y, rows, cx),
            Self::Results(view) => view.wheel(rows, cx),
            Self::Compare(view) => view.wheel(x, y, rows, cx),
            Self::File(view) => view.wheel(x, y, rows, cx),
            Self::Stats(view) => view.wheel(x, y, rows, cx),
            Self::Replay(view) => view.wheel(x, y, rows, cx),
        }
    }

    pub(super) fn click(&mut self, x: u16, y: u16, cx: &Cx<'_>) {
        each!(self, view => view.click(x, y, cx));
    }

    /// The row or line that a search starts from, and goes back to when it is given up.
    pub(super) fn find_origin(&self) -> usize {
        match self {
            Self::Trajectory(view) => view.position().0,
            Self::Patch(view) => view.line(),
            Self::File(view) => view.line(),
            Self::Stats(view) => view.line(),
            Self::Results(view) => view.line(),
            Self::Compare(view) => view.line(),
            Self::Replay(view) => view.line(),
        }
    }

    pub(super) fn start_find(
        &mut self,
        pattern: Regex,
        from: usize,
        cx: &Cx<'_>,
        effects: &mut Vec<Effect>,
    ) {
        match self {
            Self::Trajectory(view) => view.start_find(pattern, from, cx, effects),
            Self::Patch(view) => view.start_find(pattern, from, effects),
            Self::File(view) => view.start_find(pattern, from, effects),
            Self::Stats(view) => view.start_find(pattern, from, cx),
            Self::Results(view) => view.start_find(pattern, from, effects),
            Self::Compare(view) => view.start_find(pattern, from, effects),
            Self::Replay(view) => view.start_find(pattern, from, cx, effects),
        }
    }

    /// Gives the search up and goes back to where it started.
    pub(super) fn end_find(&mut self, from: usize, cx: &Cx<'_>) {
        each!(self, view => {
            view.stop_find();
            view.return_to(from, cx);
        });
    }

    /// The current hit, how many there are, and whether these are all.
    pub(super) fn hit_position(&self) -> Option<(Option<usize>, usize, bool)> {
        each!(self, view => view.hit_position())
    }

    pub(super) fn hits_found(
        &mut self,
        generation: Generation,
        hits: Vec<RowHit>,
        is_done: bool,
        cx: &Cx<'_>,
    ) {
        match self {
            Self::Trajectory(view) => view.hits_found(generation, hits, is_done, cx),
            Self::Patch(view) => view.hits_found(generation, &hits, is_done, cx),
            Self::File(view) => view.hits_found(generation, &hits, is_done, cx),
            Self::Replay(view) => view.hits_found(generation, &hits, is_done, cx),
            // these have answers of their own, or search by themselves
            Self::Results(_) | Self::Compare(_) | Self::Stats(_) => {}
        }
    }

    pub(super) fn inked(&mut self, key: PageKey, ink: Ink) {
        match self {
            Self::Trajectory(view) => view.inked(key, ink),
            Self::Patch(view) => view.inked(key, ink),
            Self::Compare(view) => view.inked(key, ink),
            Self::File(view) => view.inked(key, ink),
            Self::Stats(view) => view.inked(key, ink),
            Self::Replay(view) => view.inked(key, ink),
            Self::Results(_) => {}
        }
    }

    pub(super) fn look_changed(&mut self) {
        match self {
            Self::Trajectory(view) => view.look_changed(),
            Self::Patch(view) => view.look_changed(),
            Self::Compare(view) => view.look_changed(),
            Self::File(view) => view.look_changed(),
            Self::Stats(view) => view.look_changed(),
            Self::Replay(view) => view.look_changed(),
            Self::Results(_) => {}
        }
    }

    /// Asks for its record again when that is `ix`, keeping the place.
    pub(super) fn record_changed(
        &mut self,
        ix: RecordIx,
        opened: &mut Generation,
        effects: &mut Vec<Effect>,
    ) {
        match self {
            Self::Trajectory(view) if view.record() == ix => {
                view.reopen(opened.advance());
                effects.push(Effect::Open(view.opened(), ix));
            }
            Self::Patch(view) if view.record() == ix => view.reopen(opened.advance()),
            Self::File(view) if view.record() == ix => view.reopen(opened.advance()),
            Self::Replay(view) if view.record() == ix => {
                **view = ReplayView::new(ix, opened.advance(), view.step());
                effects.push(Effect::Replay(view.opened(), ReplayAsk::Open(ix)));
            }
            Self::Compare(view) if view.records().contains(&ix) => {
                **view = CompareView::new(view.records(), opened.advance());
                effects.push(Effect::Compare(view.opened(), view.records()));
            }
            Self::Trajectory(_)
            | Self::Patch(_)
            | Self::Results(_)
            | Self::Compare(_)
            | Self::File(_)
            | Self::Stats(_)
            | Self::Replay(_) => {}
        }
    }
}

/// The screens above the list, the newest last.
#[derive(Debug, Default)]
pub(super) struct Screens(Vec<Screen>);

impl Screens {
    pub(super) fn top(&self) -> Option<&Screen> {
        self.0.last()
    }

    pub(super) fn top_mut(&mut self) -> Option<&mut Screen> {
        self.0.last_mut()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Screen> {
        self.0.iter_mut()
    }

    pub(super) fn push(&mut self, screen: Screen) {
        self.0.push(screen);
    }

    /// Closes the topmost; `None` when only the list was left.
    pub(super) fn pop(&mut self) -> Option<Screen> {
        self.0.pop()
    }

    /// Closes the screens on top that are about one record.
    pub(super) fn close_record(&mut self) {
        let is_one = |screen: &Screen| {
            matches!(
                screen,
                Screen::Trajectory(_) | Screen::Patch(_) | Screen::File(_)
            )
        };
        while self.0.pop_if(|screen| is_one(screen)).is_some() {}
    }

    /// Closes the results of a search, and what was opened from them.
    pub(super) fn close_results(&mut self) {
        let is_results = |screen: &Screen| matches!(screen, Screen::Results(_));
        if let Some(at) = self.0.iter().position(is_results) {
            self.0.truncate(at);
        }
    }

    /// The comparison that was opened under this number.
    pub(super) fn comparison_mut(&mut self, opened: Generation) -> Option<&mut CompareView> {
        self.0.iter_mut().find_map(|screen| match screen {
            Screen::Compare(view) if view.opened() == opened => Some(view.as_mut()),
            _ => None,
        })
    }

    /// The replay that is open, whatever lies above it.
    pub(super) fn replay(&self) -> Option<&ReplayView> {
        self.0.iter().find_map(|screen| match screen {
            Screen::Replay(view) => Some(view.as_ref()),
            _ => None,
        })
    }

    /// The replay that was opened under this number.
    pub(super) fn replay_mut(&mut self, opened: Generation) -> Option<&mut ReplayView> {
        self.0.iter_mut().find_map(|screen| match screen {
            Screen::Replay(view) if view.opened() == opened => Some(view.as_mut()),
            _ => None,
        })
    }

    /// Closes every replay, wherever it lies, with its sandbox.
    pub(super) fn close_replays(&mut self, effects: &mut Vec<Effect>) {
        self.0.retain(|screen| {
            if let Screen::Replay(view) = screen {
                effects.push(Effect::Replay(view.opened(), ReplayAsk::Close));
            }
            !matches!(screen, Screen::Replay(_))
        });
    }

    /// The results of a search, where some are open, whatever lies above them.
    pub(super) fn results_mut(&mut self) -> Option<&mut ResultsView> {
        self.0.iter_mut().find_map(|screen| match screen {
            Screen::Results(view) => Some(view.as_mut()),
            _ => None,
        })
    }

    /// The trajectory, where one is open, whatever lies above it.
    pub(super) fn trajectory(&self) -> Option<&TrajectoryView> {
        self.0.iter().rev().find_map(|screen| match screen {
            Screen::Trajectory(view) => Some(view.as_ref()),
            _ => None,
        })
    }

    /// [`Screens::trajectory`], to be changed.
    pub(super) fn trajectory_mut(&mut self) -> Option<&mut TrajectoryView> {
        self.0.iter_mut().rev().find_map(|screen| match screen {
            Screen::Trajectory(view) => Some(view.as_mut()),
            _ => None,
        })
    }

    /// The trajectory of an opening.
    pub(super) fn trajectory_of(&mut self, opened: Generation) -> Option<&mut TrajectoryView> {
        self.0.iter_mut().rev().find_map(|screen| match screen {
            Screen::Trajectory(view) if view.opened() == opened => Some(view.as_mut()),
            _ => None,
        })
    }

    /// The statistics, where they are on top.
    pub(super) fn stats(&self) -> Option<&StatsView> {
        match self.top() {
            Some(Screen::Stats(view)) => Some(view),
            _ => None,
        }
    }

    /// [`Screens::stats`], to be changed.
    pub(super) fn stats_mut(&mut self) -> Option<&mut StatsView> {
        match self.top_mut() {
            Some(Screen::Stats(view)) => Some(view),
            _ => None,
        }
    }

    /// The file at a step, where it is on top.
    pub(super) fn file_mut(&mut self) -> Option<&mut FileView> {
        match self.top_mut() {
            Some(Screen::File(view)) => Some(view),
            _ => None,
        }
    }

    /// The patch, where it is on top.
    pub(super) fn patch(&self) -> Option<&PatchView> {
        match self.top() {
            Some(Screen::Patch(view)) => Some(view),
            _ => None,
        }
    }

    /// [`Screens::patch`], to be changed.
    pub(super) fn patch_mut(&mut self) -> Option<&mut PatchView> {
        match self.top_mut() {
            Some(Screen::Patch(view)) => Some(view),
            _ => None,
        }
    }
}

/// The tips of a trajectory, of its page, of an attempt at a task.
fn trajectory_tips(view: &TrajectoryView) -> &'static [(&'static str, &'static str)] {
    if view.is_page_focused() {
        return &[
            ("next-pane", "steps"),
            ("toggle-fold", "fold"),
            ("find", "find"),
            ("next-hunk", "hunk"),
            ("help", "keys"),
        ];
    }
    if view.attempt().is_some() {
        return ATTEMPT_TIPS;
    }
    &[
        ("next-pane", "page"),
        ("patch", "patch"),
        ("accept", "accept"),
        ("reject", "reject"),
        ("find", "find"),
        ("next-error", "error"),
        ("help", "keys"),
    ]
}
