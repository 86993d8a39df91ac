//! The program as data: events in, changed state and effects out. Draws nothing by itself, does nothing outside.

mod blind;
mod compare;
mod decide;
mod desk;
mod draw;
mod early;
mod export;
mod files;
mod grep;
mod mouse;
mod notices;
mod overlays;
mod prompt;
mod queues;
mod replay;
mod screens;
mod stats;

use std::sync::Arc;
use std::time::Instant;

use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::KeyModifiers;
use ratatui::layout::Rect;

use crate::model::RecordIx;
use crate::select::Selector;
use crate::stats::GroupBy;
use crate::theme::Highlighter;
use crate::theme::Theme;
use crate::theme::ThemeName;
use crate::ui::action::Action;
use crate::ui::action::OverlayKind;
use crate::ui::action::Toward;
use crate::ui::app::compare::Comparing;
use crate::ui::app::prompt::Origin;
use crate::ui::app::screens::Screen;
use crate::ui::app::screens::Screens;
use crate::ui::command::Scope;
use crate::ui::data::Arrangement;
use crate::ui::data::Data;
use crate::ui::effect::Effect;
use crate::ui::event::Event;
use crate::ui::event::Generation;
use crate::ui::event::Notice;
use crate::ui::event::Tone;
use crate::ui::keymap::Found;
use crate::ui::keymap::Keymap;
use crate::ui::layout;
use crate::ui::overlay::Overlay;
use crate::ui::overlay::PromptKind;
use crate::ui::page::DiffLayout;
use crate::ui::page::EvidenceId;
use crate::ui::page::FilePlace;
use crate::ui::page::SIDES_CELLS;
use crate::ui::status::Status;
use crate::ui::view::Cx;
use crate::ui::view::Look;
use crate::ui::view::list::ListView;
use crate::ui::view::patch::PatchView;
use crate::ui::view::replay::ReplayView;
use crate::ui::view::trajectory::Target;
use crate::ui::view::trajectory::TrajectoryView;

/// Colours in use: the theme, its code colours once they are loaded, and the other themes by name.
#[derive(Debug)]
pub struct Paint {
    /// The theme.
    pub theme: Theme,
    /// Code colours; `None` until they are loaded.
    pub highlighter: Option<Arc<Highlighter>>,
    /// What they need for the usual languages was asked for. It is half of the memory of a program that shows a list, and
    /// takes a good part of a second of a processor that a scan could have: it waits until somebody is there to open
    /// something.
    pub is_warm: bool,
    /// All themes.
    pub names: Vec<ThemeName>,
    /// The theme before the picker showed others.
    pub before: Option<String>,
}

impl Paint {
    /// Whether code colours come from the theme in use and not from one before.
    fn is_current(&self, highlighter: &Arc<Highlighter>) -> bool {
        let current = self.highlighter.as_ref();
        current.is_some_and(|current| Arc::ptr_eq(current, highlighter))
    }
}

/// What the user set up: keys and how things are shown.
#[derive(Debug)]
pub struct Habits {
    /// Keys.
    pub keymap: Keymap,
    /// Wrapping, layout of edits, folds.
    pub look: Look,
    /// Whether the program has the mouse.
    pub has_mouse: bool,
    /// Whether the list shows a preview where there is room.
    pub has_preview: bool,
    /// The form of the last export.
    pub export: Vec<(&'static str, String)>,
    /// What statistics are grouped by.
    pub stats_by: Vec<GroupBy>,
    /// What was typed in prompts, newest last.
    pub history: Vec<(PromptKind, String)>,
    /// Open this step (from 0) in the first record that is opened.
    pub first_step: Option<usize>,
    /// Open this record as soon as it is there.
    pub first: Option<First>,
}

/// The record that the program begins with, instead of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum First {
    /// By place in the inputs, from 1.
    Nth(usize),
    /// By id or task id: the first that has it.
    Id(String),
}

/// The program.
#[derive(Debug)]
pub struct App {
    data: Data,
    list: ListView,
    screens: Screens,
    compare: Comparing,
    /// The replay that was left before its end.
    left_replay: Option<Box<ReplayView>>,
    overlays: Vec<Overlay>,
    origin: Option<Origin>,
    paint: Paint,
    habits: Habits,
    status: Status,
    opened: Generation,
    exports: export::Exports,
    /// Places at the top of the list whose records are decided, while nobody has acted yet: the cursor goes behind them.
    resumes: Option<usize>,
    /// Decisions made before the journals were read, oldest first, one a record.
    early: Vec<early::Early>,
    screen: Rect,
}

impl App {
    /// A program that shows the list; ask [`App::start`] for its first effects.
    pub fn new(data: Data, paint: Paint, habits: Habits, screen: Rect) -> Self {
        let resumes = (habits.first.is_none() && habits.first_step.is_none()).then_some(0);
        Self {
            resumes,
            data,
            list: ListView::new(habits.has_preview),
            screens: Screens::default(),
            compare: Comparing::default(),
            left_replay: None,
            overlays: Vec::new(),
            origin: None,
            paint,
            habits,
            status: Status::default(),
            opened: Generation::default(),
            exports: export::Exports::default(),
            early: Vec::new(),
            screen,
        }
    }

    /// Begins with a query that records have to answer, if there is one and blind mode does not hide what it asks for.
    pub fn begin_with(&mut self, filter: Option<Selector>) {
        let Some(filter) = filter.map(Arc::new) else {
            return;
        };
        let how = Arrangement {
            filter: Some(Arc::clone(&filter)),
            ..Arrangement::default()
        };
        match self.hidden_in(&how) {
            Some(what) => self.refuse_hidden(&what),
            None => self.list.begin_with(filter),
        }
    }

    /// The first effects but the scan, which begins before anything is asked of the terminal.
    pub fn start(&mut self, effects: &mut Vec<Effect>) {
        self.read_journals(true, effects);
        effects.push(Effect::LoadTheme(self.paint.theme.name().to_owned()));
        if self.data.is_following {
            effects.push(Effect::Follow(true));
        }
    }

    /// Takes one event of the terminal.
    pub fn update(&mut self, event: Event, effects: &mut Vec<Effect>) {
        if matches!(event, Event::Key(_) | Event::Paste(_) | Event::Mouse(_)) {
            self.warm(effects);
        }
        match event {
            Event::Key(key) => self.key(key, effects),
            Event::Paste(text) => {
                if let Some(top) = self.overlays.last_mut() {
                    let reply = top.paste(&text);
                    self.reply(reply, effects);
                } else {
                    self.paste_into_console(&text, effects);
                }
            }
            Event::Mouse(mouse) => {
                self.resumes = None;
                self.mouse(mouse, effects);
            }
            Event::Resize(width, height) => self.screen = Rect::new(0, 0, width, height),
        }
        self.sync(effects);
    }

    /// Takes what threads found out, however much came at once; after that the visible view asks for what it lacks.
    pub fn take(&mut self, notices: Vec<Notice>, effects: &mut Vec<Effect>) {
        for notice in notices {
            self.notice(notice, effects);
        }
        self.sync(effects);
    }

    /// Gets ready to colour code, once.
    fn warm(&mut self, effects: &mut Vec<Effect>) {
        let highlighter = self.paint.highlighter.as_ref();
        if let Some(highlighter) = highlighter.filter(|_| !self.paint.is_warm) {
            effects.push(Effect::WarmColours(Arc::clone(highlighter)));
            self.paint.is_warm = true;
        }
    }

    /// Lets the visible view ask for what it lacks.
    fn sync(&mut self, effects: &mut Vec<Effect>) {
        let highlighter = self.paint.highlighter.as_ref();
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        match self.screens.top_mut() {
            Some(screen) => screen.sync(&cx, highlighter, effects),
            None => self.list.sync(&cx, highlighter, effects),
        }
        let info = self.find_info();
        if let Some(Overlay::Prompt(prompt)) = self.overlays.last_mut()
            && let Some(info) = info
        {
            prompt.set_info(info);
        }
    }

    /// Whether the first frame would show all that it has room for.
    pub fn is_full(&self) -> bool {
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        self.screens.top().is_some() || self.list.is_full(&cx)
    }

    /// Whether every decision was handed to whoever writes it down.
    pub fn is_settled(&self) -> bool {
        !self.data.desk.is_waiting() && self.early.is_empty()
    }

    /// What was decided about records whose content is not known yet, in words.
    pub fn waiting_words(&self) -> Vec<String> {
        let mut words = self.data.desk.waiting_words();
        words.extend(self.early_words());
        words
    }

    /// Whether a chord was begun, so that a hint box may be due.
    pub fn is_chord_pending(&self) -> bool {
        self.overlays.is_empty() && self.habits.keymap.is_pending()
    }

    /// Shows what may follow the chord that was begun.
    pub fn show_hints(&mut self) {
        self.status.are_hints_shown = self.is_chord_pending();
    }

    fn scope(&self) -> Scope {
        self.screens.top().map_or(Scope::List, Screen::scope)
    }

    fn key(&mut self, key: KeyEvent, effects: &mut Vec<Effect>) {
        self.resumes = None;
        self.status.are_hints_shown = false;
        let is_ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        if is_ctrl && key.code == KeyCode::Char('z') && !self.overlays.is_empty() {
            effects.push(Effect::Suspend);
            return;
        }
        let looked_at = self.record();
        self.data.desk.look_at(looked_at, Instant::now());
        self.press(key, effects);
        // the time from here on goes to what is shown now
        let looked_at = self.record();
        self.data.desk.look_at(looked_at, Instant::now());
    }

    /// What a key does.
    fn press(&mut self, key: KeyEvent, effects: &mut Vec<Effect>) {
        if let Some(top) = self.overlays.last_mut() {
            let reply = top.key(key);
            self.reply(reply, effects);
            return;
        }
        if self.type_into_console(key, effects) {
            return;
        }
        // whoever acts does not want to be taken elsewhere
        self.habits.first = None;
        self.status.clear_passing();
        if let Some(digit) = self.reason_digit(key) {
            self.give_reason(digit, effects);
            return;
        }
        self.data.desk.await_reason(Vec::new());
        match self.habits.keymap.push(self.scope(), key) {
            Found::Pending => {}
            Found::Matched { action, count } => self.act(action, count, effects),
            Found::Unbound(chord) => self.status.pass(
                Tone::Info,
                format!("{chord} does nothing here; ? shows the keys"),
            ),
        }
    }

    /// Carries out what the user means.
    fn act(&mut self, action: Action, count: Option<usize>, effects: &mut Vec<Effect>) {
        let is_done = self.refuse_on_task(action)
            || self.act_on_files(action, effects)
            || self.act_on_screens(action, effects)
            || self.act_globally(action, effects)
            || self.act_on_desk(action, effects);
        if is_done {
            return;
        }
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        let is_done = match self.screens.top_mut() {
            Some(screen) => screen.apply(action, count, &cx, effects),
            None => self.list.apply(action, count, &cx, effects),
        };
        if !is_done {
            let place = self
                .screens
                .top()
                .map_or("in the list", Screen::place_words);
            let text = match action {
                Action::Fold(_) if self.scope() != Scope::List => "nothing folds here".to_owned(),
                _ => format!("that does nothing {place}"),
            };
            self.status.pass(Tone::Info, text);
        }
    }

    /// What opens, closes and changes screens; `false` when it is something else.
    fn act_on_screens(&mut self, action: Action, effects: &mut Vec<Effect>) -> bool {
        match (action, self.scope()) {
            (Action::Back, _) => {
                if !self.close_screen(effects) {
                    self.quit(effects);
                }
            }
            (Action::Escape, _) => self.escape(effects),
            (Action::Open, Scope::List) => self.open(effects),
            (Action::Open, Scope::Results) => self.open_hit(effects),
            (Action::Open, Scope::Compare) => return self.open_step(effects),
            (Action::Task, Scope::Stats | Scope::Replay) => return false,
            (Action::Task, _) => self.toggle_task(effects),
            (Action::Open, Scope::Trajectory) => return self.open_attempt(effects),
            (Action::Open, Scope::Stats) => self.list_selection(effects),
            (Action::Patch, Scope::Compare) => self.toggle_compared_patches(),
            (Action::Find, Scope::Compare) if !self.compares_rows() => {
                let text = "the rows are searched: p shows them again".to_owned();
                self.status.pass(Tone::Info, text);
            }
            (Action::Patch, Scope::Replay) | (Action::Patch | Action::Compare, Scope::Stats) => {
                return false;
            }
            (Action::Patch, Scope::Patch) => {
                self.close_screen(effects);
            }
            (Action::Patch, _) => self.open_patch(None),
            (Action::Replay, _) => self.toggle_replay(effects),
            (Action::ReplayThis, _) => self.give_up_replay(effects),
            (Action::Stats, _) => self.toggle_stats(effects),
            (Action::Compare, _) => self.ask_compare(effects),
            (Action::CompareRuns, _) => self.ask_runs(effects),
            (Action::Trajectory(toward), _) => self.go_on(toward, effects),
            (Action::Find, _) => self.open_prompt(PromptKind::Find),
            (Action::Grep, _) => self.open_prompt(PromptKind::Grep),
            (Action::Narrow, _) => {
                self.close_all(effects);
                self.open_prompt(PromptKind::Narrow);
            }
            (Action::Filter, _) => {
                self.close_all(effects);
                self.open_filter();
            }
            _ => return false,
        }
        true
    }

    /// What means the same on every screen; `false` when the view has to do it.
    fn act_globally(&mut self, action: Action, effects: &mut Vec<Effect>) -> bool {
        match action {
            Action::Quit => self.quit(effects),
            Action::QuitNow => effects.push(Effect::Quit),
            Action::ToggleReference
                if self.screens.patch().and_then(PatchView::has_reference) == Some(false) =>
            {
                let text = "no reference patch is known of this task";
                self.status.pass(Tone::Info, text.to_owned());
            }
            // statistics are about no single record
            Action::Overlay(OverlayKind::Why) if self.screens.stats().is_some() => return false,
            Action::Overlay(kind) => self.open_overlay(kind, effects),
            Action::ToggleWrap => {
                self.habits.look.is_wrapped = !self.habits.look.is_wrapped;
                let how = if self.habits.look.is_wrapped {
                    "long lines wrap"
                } else {
                    "long lines run on; ← → scroll"
                };
                self.status.pass(Tone::Info, how.to_owned());
            }
            Action::CycleDiffLayout => self.cycle_diff_layout(),
            Action::NextTheme => self.next_theme(effects),
            Action::ToggleMouse => {
                self.habits.has_mouse = !self.habits.has_mouse;
                let how = if self.habits.has_mouse {
                    "the mouse is ours"
                } else {
                    "the mouse is the terminal's"
                };
                self.status.pass(Tone::Info, how.to_owned());
                effects.push(Effect::Mouse(self.habits.has_mouse));
            }
            Action::Reload => {
                self.status
                    .pass(Tone::Info, "looking for new records…".to_owned());
                effects.push(Effect::Refresh);
            }
            Action::ToggleFollow => {
                self.data.is_following = !self.data.is_following;
                let how = if self.data.is_following {
                    "following the inputs"
                } else {
                    "no longer following"
                };
                self.status.pass(Tone::Info, how.to_owned());
                effects.push(Effect::Follow(self.data.is_following));
            }
            Action::Redraw => effects.push(Effect::Redraw),
            Action::Suspend => effects.push(Effect::Suspend),
            _ => return false,
        }
        true
    }

    /// Closes the topmost screen and stops what works for it alone; `false` when only the list is left.
    fn close_screen(&mut self, effects: &mut Vec<Effect>) -> bool {
        let Some(closed) = self.screens.pop() else {
            return false;
        };
        effects.push(Effect::StopFind);
        match closed {
            Screen::Results(_) => effects.push(Effect::StopGrep),
            Screen::Stats(_) => effects.push(Effect::StopStats),
            Screen::Replay(view) => self.leave_replay(view, effects),
            _ => {}
        }
        true
    }

    /// Goes back to the list.
    fn close_all(&mut self, effects: &mut Vec<Effect>) {
        while self.close_screen(effects) {}
    }

    fn cycle_diff_layout(&mut self) {
        let (column, sides) = (
            "edits in one column",
            "edits side by side, where both sides fit",
        );
        let auto = "edits as the width allows";
        let pane = layout::trajectory(self.screen, true).page;
        let is_narrow = usize::from(pane.width) < SIDES_CELLS;
        let (next, how) = match self.habits.look.diff {
            // where the width allows but one column, one column would change nothing
            DiffLayout::Auto if is_narrow => (DiffLayout::SideBySide, sides),
            DiffLayout::SideBySide if is_narrow => (DiffLayout::Unified, column),
            DiffLayout::Unified if is_narrow => (DiffLayout::Auto, auto),
            DiffLayout::Auto => (DiffLayout::Unified, column),
            DiffLayout::Unified => (DiffLayout::SideBySide, sides),
            DiffLayout::SideBySide => (DiffLayout::Auto, auto),
        };
        self.habits.look.diff = next;
        self.list.look_changed();
        self.status.pass(Tone::Info, how.to_owned());
    }

    fn next_theme(&mut self, effects: &mut Vec<Effect>) {
        let at = self
            .paint
            .names
            .iter()
            .position(|name| name.name == self.paint.theme.name());
        let next = at.map_or(0, |at| (at + 1) % self.paint.names.len().max(1));
        if let Some(name) = self.paint.names.get(next) {
            self.status.pass(Tone::Info, format!("theme {}", name.name));
            effects.push(Effect::LoadTheme(name.name.clone()));
        }
    }

    fn escape(&mut self, effects: &mut Vec<Effect>) {
        if let Some(screen) = self.screens.top_mut() {
            if !screen.escape(effects) {
                self.close_screen(effects);
            }
        } else if self.list.end_range() || self.data.desk.clear_selection() {
            // one thing at a time
        } else if self.list.hit_position().is_some() {
            self.list.stop_find();
        } else if let Some(how) = widened(self.list.how()) {
            let cx = context(&self.data, &self.paint, &self.habits, self.screen);
            // keep the record, not the place
            self.list.arrange(how, &cx, effects);
        }
    }

    /// Opens the record under the list's cursor.
    fn open(&mut self, effects: &mut Vec<Effect>) {
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        if let Some(record) = self.list.record(&cx) {
            self.push_trajectory(record, effects);
        }
    }

    fn push_trajectory(&mut self, record: RecordIx, effects: &mut Vec<Effect>) {
        self.push_view(record, |view| view, effects);
    }

    /// Opens a record, in a view that is made of the plain one.
    pub(super) fn push_view(
        &mut self,
        record: RecordIx,
        make: impl FnOnce(TrajectoryView) -> TrajectoryView,
        effects: &mut Vec<Effect>,
    ) {
        let opened = self.opened.advance();
        let view = make(TrajectoryView::new(record, opened));
        self.screens.push(Screen::Trajectory(Box::new(view)));
        effects.push(Effect::Open(opened, record));
    }

    /// Shows the task of the record, or goes back from it.
    fn toggle_task(&mut self, effects: &mut Vec<Effect>) {
        if let Some(Screen::Trajectory(view)) = self.screens.top()
            && view.shows_task()
        {
            self.close_screen(effects);
            return;
        }
        let Some(record) = self.record() else {
            self.status
                .pass(Tone::Info, "there is no record here".to_owned());
            return;
        };
        self.list_follows();
        self.push_view(record, TrajectoryView::of_its_task, effects);
    }

    /// Opens the attempt under the cursor of a task; `false` where there is none.
    fn open_attempt(&mut self, effects: &mut Vec<Effect>) -> bool {
        let Some(Screen::Trajectory(view)) = self.screens.top() else {
            return false;
        };
        let Some(record) = view.attempt() else {
            return false;
        };
        self.list_follows();
        self.push_trajectory(record, effects);
        true
    }

    /// Opens a record; the list's cursor goes there as far as the list stands in the order of the inputs.
    fn open_record(&mut self, record: RecordIx, effects: &mut Vec<Effect>) {
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        if self.list.how().is_plain()
            && let Some(place) = self.list.place_of(record, &cx)
        {
            self.list.go(place, &cx);
        }
        self.close_all(effects);
        self.push_trajectory(record, effects);
    }

    /// The record that the screen is about: the shown one's, or the one under the list's cursor.
    fn record(&self) -> Option<RecordIx> {
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        match self.screens.top() {
            Some(screen) => screen.record(),
            None => self.list.record(&cx),
        }
    }

    /// Opens the final patch of the record, at a piece of evidence where one is given.
    fn open_patch(&mut self, target: Option<EvidenceId>) {
        if let Some(record) = self.record() {
            self.push_patch(record, target);
        }
    }

    fn push_patch(&mut self, record: RecordIx, target: Option<EvidenceId>) {
        self.list_follows();
        let opened = self.opened.advance();
        let view = PatchView::new(record, opened, target);
        self.screens.push(Screen::Patch(Box::new(view)));
    }

    /// Goes to a piece of evidence in the patch.
    fn go_to_evidence(&mut self, id: EvidenceId) {
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        match self.screens.patch_mut() {
            Some(view) => view.go_to_evidence(id, &cx),
            None => self.open_patch(Some(id)),
        }
    }

    /// Goes to a step of the record; opens it where it is not open.
    fn go_to_step(&mut self, step: usize, effects: &mut Vec<Effect>) {
        let record = self.record();
        if self.screens.patch().is_some() {
            self.screens.pop();
        }
        if let Some(record) = record.filter(|_| self.screens.trajectory().is_none()) {
            self.open_record(record, effects);
            // it is not read yet
            if let Some(view) = self.screens.trajectory_mut() {
                view.bind_for(Target {
                    children: Vec::new(),
                    step,
                    pattern: None,
                });
            }
            return;
        }
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        if let Some(view) = self.screens.trajectory_mut() {
            view.go_to_step(&[], step, &cx);
        }
    }

    /// Shows the record under the list's cursor on the screen that is open; nothing changes on the list.
    fn open_in_place(&mut self, effects: &mut Vec<Effect>) {
        let had_patch = self.screens.patch().is_some();
        let had_trajectory = self.screens.trajectory().is_some();
        let had_file = self.screens.file_mut().is_some();
        let had_replay = self.scope() == Scope::Replay;
        self.screens.close_replays(effects);
        self.screens.close_record();
        if had_trajectory {
            self.open(effects);
        }
        if had_patch {
            let cx = context(&self.data, &self.paint, &self.habits, self.screen);
            if let Some(record) = self.list.record(&cx) {
                self.push_patch(record, None);
            }
        }
        if had_file {
            effects.push(Effect::StopFind);
            self.open_file(FilePlace::default());
        }
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        if let Some(record) = self.list.record(&cx).filter(|_| had_replay) {
            self.push_replay(record, None, effects);
        }
    }

    /// Whether the list is shown, with nothing over it.
    fn is_list(&self) -> bool {
        self.scope() == Scope::List
    }

    /// Puts the list's cursor on the record that is shown, where the list shows it: results and comparisons lead to
    /// others than the one they were opened from.
    fn list_follows(&mut self) {
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        let Some(record) = self
            .record()
            .filter(|ix| self.list.record(&cx) != Some(*ix))
        else {
            return;
        };
        if let Some(place) = self.list.place_of(record, &cx) {
            self.list.go(place, &cx);
        }
    }

    /// Goes on to the next or previous record of the list.
    fn go_on(&mut self, toward: Toward, effects: &mut Vec<Effect>) {
        self.list_follows();
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        if self.list.step(toward, &cx).is_some() {
            self.open_in_place(effects);
            return;
        }
        let which = if toward == Toward::Next {
            "last"
        } else {
            "first"
        };
        let text = format!("this is the {which} trajectory of the list");
        self.status.pass(Tone::Info, text);
    }
}

/// The list with one thing less that keeps rows out: what was typed, what was picked, the query, then the queue.
fn widened(how: &Arrangement) -> Option<Arrangement> {
    let mut how = how.clone();
    let is_wider = if how.narrow.is_empty() {
        how.picked.take().is_some() || how.filter.take().is_some() || how.queue.take().is_some()
    } else {
        how.narrow.clear();
        true
    };
    is_wider.then_some(how)
}

/// What views may look at; of fields, not of the app, so that a view can be changed meanwhile.
fn context<'a>(data: &'a Data, paint: &'a Paint, habits: &'a Habits, screen: Rect) -> Cx<'a> {
    Cx {
        data,
        theme: &paint.theme,
        look: &habits.look,
        screen,
    }
}
