//! The program as data: events in, changed state and effects out. Draws nothing by itself, does nothing outside.

mod notices;

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::KeyModifiers;
use ratatui::crossterm::event::MouseButton;
use ratatui::crossterm::event::MouseEvent;
use ratatui::crossterm::event::MouseEventKind;
use ratatui::layout::Position;
use ratatui::layout::Rect;
use regex::Regex;
use regex::RegexBuilder;

use crate::model::RecordIx;
use crate::query::sort::SortKey;
use crate::text::human;
use crate::theme::Highlighter;
use crate::theme::Role;
use crate::theme::Theme;
use crate::theme::ThemeName;
use crate::ui::action::Action;
use crate::ui::action::OverlayKind;
use crate::ui::action::Toward;
use crate::ui::command::Scope;
use crate::ui::data::Arrangement;
use crate::ui::data::Data;
use crate::ui::effect::Effect;
use crate::ui::event::Event;
use crate::ui::event::Generation;
use crate::ui::event::Tone;
use crate::ui::keymap::Found;
use crate::ui::keymap::Keymap;
use crate::ui::layout;
use crate::ui::overlay;
use crate::ui::overlay::Overlay;
use crate::ui::overlay::PromptChange;
use crate::ui::overlay::PromptKind;
use crate::ui::overlay::Reply;
use crate::ui::page::DiffLayout;
use crate::ui::status::Status;
use crate::ui::view::Cx;
use crate::ui::view::Look;
use crate::ui::view::list::ListView;
use crate::ui::view::trajectory::TrajectoryView;
use crate::ui::widget::rows::put;
use crate::ui::widget::rows::put_pieces;
use crate::ui::widget::rows::put_right;

/// Colours in use: the theme, its code colours once they are loaded, and the other themes by name.
#[derive(Debug)]
pub struct Paint {
    /// The theme.
    pub theme: Theme,
    /// Code colours; `None` until they are loaded.
    pub highlighter: Option<Arc<Highlighter>>,
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

/// A prompt that is open: where it began, to go back to.
#[derive(Debug, Clone)]
struct Origin {
    row: usize,
    how: Arrangement,
}

/// The program.
#[derive(Debug)]
pub struct App {
    data: Data,
    list: ListView,
    trajectory: Option<TrajectoryView>,
    overlays: Vec<Overlay>,
    origin: Option<Origin>,
    paint: Paint,
    habits: Habits,
    status: Status,
    opened: Generation,
    screen: Rect,
}

impl App {
    /// A program that shows the list; ask [`App::start`] for its first effects.
    pub fn new(data: Data, paint: Paint, habits: Habits, screen: Rect) -> Self {
        Self {
            data,
            list: ListView::new(habits.has_preview),
            trajectory: None,
            overlays: Vec::new(),
            origin: None,
            paint,
            habits,
            status: Status::default(),
            opened: Generation::default(),
            screen,
        }
    }

    /// The first effects: find the records, load the code colours.
    pub fn start(&mut self, effects: &mut Vec<Effect>) {
        effects.push(Effect::Scan);
        effects.push(Effect::LoadTheme(self.paint.theme.name().to_owned()));
        if self.data.is_following {
            effects.push(Effect::Follow(true));
        }
    }

    /// Takes one event.
    pub fn update(&mut self, event: Event, effects: &mut Vec<Effect>) {
        match event {
            Event::Key(key) => self.key(key, effects),
            Event::Paste(text) => {
                if let Some(top) = self.overlays.last_mut() {
                    let reply = top.paste(&text);
                    self.reply(reply, effects);
                }
            }
            Event::Mouse(mouse) => self.mouse(mouse, effects),
            Event::Resize(width, height) => self.screen = Rect::new(0, 0, width, height),
            Event::Notice(notice) => self.notice(notice, effects),
        }
        self.sync(effects);
    }

    /// Lets the visible view ask for what it lacks.
    fn sync(&mut self, effects: &mut Vec<Effect>) {
        let highlighter = self.paint.highlighter.as_ref();
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        match &mut self.trajectory {
            Some(view) => view.sync(&cx, highlighter, effects),
            None => self.list.sync(&cx, highlighter, effects),
        }
        let info = self.find_info();
        if let Some(Overlay::Prompt(prompt)) = self.overlays.last_mut()
            && let Some(info) = info
        {
            prompt.set_info(info);
        }
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
        if self.trajectory.is_some() {
            Scope::Trajectory
        } else {
            Scope::List
        }
    }

    fn key(&mut self, key: KeyEvent, effects: &mut Vec<Effect>) {
        self.status.are_hints_shown = false;
        let is_ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        if is_ctrl && key.code == KeyCode::Char('z') && !self.overlays.is_empty() {
            effects.push(Effect::Suspend);
            return;
        }
        if let Some(top) = self.overlays.last_mut() {
            let reply = top.key(key);
            self.reply(reply, effects);
            return;
        }
        // whoever acts does not want to be taken elsewhere
        self.habits.first = None;
        self.status.clear_passing();
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
        if self.act_globally(action, effects) {
            return;
        }
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        let is_done = match &mut self.trajectory {
            Some(view) => view.apply(action, count, &cx, effects),
            None => self.list.apply(action, count, &cx, effects),
        };
        if !is_done {
            let place = if self.trajectory.is_some() {
                "in a trajectory"
            } else {
                "in the list"
            };
            self.status
                .pass(Tone::Info, format!("that does nothing {place}"));
        }
    }

    /// What means the same on every screen; `false` when the view has to do it.
    fn act_globally(&mut self, action: Action, effects: &mut Vec<Effect>) -> bool {
        match action {
            Action::Quit => effects.push(Effect::Quit),
            Action::Back => {
                if self.trajectory.take().is_some() {
                    effects.push(Effect::StopFind);
                } else {
                    effects.push(Effect::Quit);
                }
            }
            Action::Escape => self.escape(effects),
            Action::Open if self.trajectory.is_none() => self.open(effects),
            Action::Trajectory(toward) => self.go_on(toward, effects),
            Action::Overlay(kind) => self.open_overlay(kind),
            Action::Find => self.open_prompt(PromptKind::Find),
            Action::Narrow => {
                self.trajectory = None;
                self.open_prompt(PromptKind::Narrow);
            }
            Action::ToggleWrap => {
                self.habits.look.is_wrapped = !self.habits.look.is_wrapped;
                let how = if self.habits.look.is_wrapped {
                    "long lines wrap"
                } else {
                    "long lines run on; ← → scroll"
                };
                self.status.pass(Tone::Info, how.to_owned());
            }
            Action::CycleDiffLayout => {
                let (next, how) = match self.habits.look.diff {
                    DiffLayout::Auto => (DiffLayout::Unified, "edits in one column"),
                    DiffLayout::Unified => (DiffLayout::SideBySide, "edits side by side"),
                    DiffLayout::SideBySide => (DiffLayout::Auto, "edits as the width allows"),
                };
                self.habits.look.diff = next;
                self.list.look_changed();
                self.status.pass(Tone::Info, how.to_owned());
            }
            Action::NextTheme => {
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

    fn escape(&mut self, effects: &mut Vec<Effect>) {
        if let Some(view) = &mut self.trajectory {
            if !view.escape(effects) {
                self.trajectory = None;
            }
        } else if self.list.hit_position().is_some() {
            self.list.stop_find();
        } else if !self.list.how().narrow.is_empty() {
            let how = Arrangement {
                narrow: String::new(),
                ..self.list.how().clone()
            };
            let cx = context(&self.data, &self.paint, &self.habits, self.screen);
            // keep the record, not the place
            self.list.arrange(how, &cx, effects);
        }
    }

    /// Opens the record under the list's cursor.
    fn open(&mut self, effects: &mut Vec<Effect>) {
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        if let Some(record) = self.list.record(&cx) {
            let opened = self.opened.advance();
            self.trajectory = Some(TrajectoryView::new(record, opened));
            effects.push(Effect::Open(opened, record));
        }
    }

    /// Opens a record; the list's cursor goes there as far as the list stands in the order of the inputs.
    fn open_record(&mut self, record: RecordIx, effects: &mut Vec<Effect>) {
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        if self.list.how().is_plain() {
            self.list.go(record.0, &cx);
        }
        let opened = self.opened.advance();
        self.trajectory = Some(TrajectoryView::new(record, opened));
        effects.push(Effect::Open(opened, record));
    }

    /// Goes on to the next or previous record of the list.
    fn go_on(&mut self, toward: Toward, effects: &mut Vec<Effect>) {
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        match self.list.step(toward, &cx) {
            Some(_) if self.trajectory.is_some() => self.open(effects),
            Some(_) => {}
            None => {
                let which = if toward == Toward::Next {
                    "last"
                } else {
                    "first"
                };
                self.status.pass(
                    Tone::Info,
                    format!("this is the {which} trajectory of the list"),
                );
            }
        }
    }

    fn open_overlay(&mut self, kind: OverlayKind) {
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
            OverlayKind::Themes => {
                self.paint.before = Some(self.paint.theme.name().to_owned());
                Overlay::Themes(overlay::ThemePicker::new(
                    self.paint.names.clone(),
                    self.paint.theme.name(),
                ))
            }
        };
        self.overlays.push(overlay);
    }

    fn open_prompt(&mut self, kind: PromptKind) {
        let row = self
            .trajectory
            .as_ref()
            .map_or(self.list.place(), |view| view.position().0);
        self.origin = Some(Origin {
            row,
            how: self.list.how().clone(),
        });
        let text = if kind == PromptKind::Narrow {
            self.list.how().narrow.clone()
        } else {
            String::new()
        };
        let history = self
            .habits
            .history
            .iter()
            .filter(|(of, _)| *of == kind)
            .map(|(_, text)| text.clone())
            .collect();
        self.overlays
            .push(Overlay::Prompt(overlay::Prompt::new(kind, &text, history)));
    }

    fn reply(&mut self, reply: Reply, effects: &mut Vec<Effect>) {
        match reply {
            Reply::Stay => {}
            Reply::Close => {
                self.overlays.pop();
            }
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
                    PromptKind::Narrow => self.prompt_narrow(text, what, effects),
                }
            }
            Reply::SortBy(at) => {
                self.overlays.pop();
                let cx = context(&self.data, &self.paint, &self.habits, self.screen);
                if let Some(key) = SortKey::ALL.get(at) {
                    self.list.sort_by(*key, &cx, effects);
                }
            }
            Reply::PreviewTheme(name) => effects.push(Effect::LoadTheme(name)),
            Reply::PickTheme(name) => {
                self.overlays.pop();
                effects.push(Effect::LoadTheme(name));
            }
            Reply::CancelTheme => {
                self.overlays.pop();
                effects.extend(self.paint.before.take().map(Effect::LoadTheme));
            }
        }
    }

    fn prompt_narrow(&mut self, text: String, what: PromptChange, effects: &mut Vec<Effect>) {
        let how = match (what, &self.origin) {
            (PromptChange::Cancelled, Some(origin)) => origin.how.clone(),
            _ => Arrangement {
                narrow: text,
                ..self.list.how().clone()
            },
        };
        if how != *self.list.how() {
            let cx = context(&self.data, &self.paint, &self.habits, self.screen);
            self.list.arrange(how, &cx, effects);
        }
    }

    fn prompt_find(&mut self, text: &str, what: PromptChange, effects: &mut Vec<Effect>) {
        let from = self.origin.as_ref().map_or(0, |origin| origin.row);
        let is_over = what == PromptChange::Cancelled || text.is_empty();
        if is_over {
            effects.push(Effect::StopFind);
        }
        let pattern = pattern(text);
        // what was accepted was searched for while it was typed
        let is_new = what == PromptChange::Edited || self.find_info().is_none();
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        match &mut self.trajectory {
            Some(view) if is_over => {
                view.stop_find();
                view.return_to(from, &cx);
            }
            None if is_over => {
                self.list.stop_find();
                self.list.go(from, &cx);
            }
            Some(view) if is_new => view.start_find(pattern, from, &cx, effects),
            None if is_new => self.list.find(pattern, from, &cx, effects),
            _ => {}
        }
    }

    /// `3/41` for the prompt and the status line.
    fn find_info(&self) -> Option<String> {
        let (current, total, is_done) = if let Some(view) = &self.trajectory {
            view.hit_position()?
        } else {
            let (current, total) = self.list.hit_position()?;
            (current, total, true)
        };
        let more = if is_done { "" } else { "…" };
        let total = human::count(total);
        Some(match current {
            Some(current) => format!("{}/{total}{more}", human::count(current + 1)),
            None if total == "0" && is_done => "no hit".to_owned(),
            None => format!("{total}{more}"),
        })
    }

    fn mouse(&mut self, mouse: MouseEvent, effects: &mut Vec<Effect>) {
        const WHEEL: isize = 3;
        let (x, y) = (mouse.column, mouse.row);
        let turned = match mouse.kind {
            MouseEventKind::ScrollDown => Some(WHEEL),
            MouseEventKind::ScrollUp => Some(-WHEEL),
            _ => None,
        };
        if let Some(top) = self.overlays.last_mut() {
            if let Some(rows) = turned {
                let reply = top.scroll(rows);
                self.reply(reply, effects);
            }
            return;
        }
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        match (turned, mouse.kind, &mut self.trajectory) {
            (Some(rows), _, Some(view)) => view.wheel(x, y, rows, &cx),
            (Some(rows), _, None) => self.list.wheel(x, y, rows, &cx),
            (None, MouseEventKind::Down(MouseButton::Left), Some(view)) => view.click(x, y, &cx),
            (None, MouseEventKind::Down(MouseButton::Left), None) if self.list.click(x, y, &cx) => {
                self.open(effects);
            }
            _ => {}
        }
    }

    /// Draws the whole screen; gives the place of the terminal's cursor.
    pub fn draw(&self, buf: &mut Buffer) -> Option<Position> {
        let screen = self.screen.intersection(buf.area);
        let theme = &self.paint.theme;
        buf.set_style(screen, theme.style(Role::Text));
        if screen.width < layout::MIN_COLUMNS || screen.height < layout::MIN_ROWS {
            put(
                buf,
                0,
                0,
                screen.width,
                "too small for hgview",
                theme.style(Role::Warning),
            );
            return None;
        }
        let cx = Cx {
            data: &self.data,
            theme,
            look: &self.habits.look,
            screen,
        };
        match &self.trajectory {
            Some(view) => view.draw(&cx, buf),
            None => self.list.draw(&cx, buf),
        }
        let status = Rect {
            y: screen.bottom() - 1,
            height: 1,
            ..screen
        };
        self.draw_status(&cx, status, buf);
        if self.status.are_hints_shown {
            let hints = self.habits.keymap.pending_hints(self.scope());
            overlay::draw_hints(&hints, screen, buf, theme);
        }
        self.overlays
            .iter()
            .fold(None, |_, overlay| overlay.draw(screen, buf, theme))
    }

    fn draw_status(&self, cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
        let theme = cx.theme;
        let style = |role| theme.style(role);
        buf.set_style(area, style(Role::Status));
        let mode = match &self.trajectory {
            Some(view) if view.is_page_focused() => " PAGE ",
            Some(_) => " STEPS ",
            None => " LIST ",
        };
        let mut right = self.position(cx);
        if let Some(info) = self.find_info() {
            right = format!("{info}  {right}");
        }
        let pending = self.habits.keymap.pending_text();
        if !pending.is_empty() {
            right = format!("{pending}  {right}");
        }
        let right_cells = u16::try_from(crate::text::width(&right))
            .unwrap_or(area.width)
            .min(area.width)
            + 1;
        let left = Rect {
            width: area.width.saturating_sub(right_cells),
            ..area
        };
        let (tone, text) = self.status.line().unwrap_or((Tone::Info, self.tips()));
        let message = match tone {
            Tone::Info => style(Role::Status),
            tone => style(Role::Status).patch(style(tone.role())),
        };
        put_pieces(
            buf,
            left,
            &[
                (mode, style(Role::StatusMode)),
                (" ", style(Role::Status)),
                (&text, message),
            ],
        );
        put_right(
            buf,
            area.x,
            area.y,
            area.width.saturating_sub(1),
            &right,
            style(Role::Status),
        );
        if let Some(background) = style(Role::Status).bg {
            for x in area.x + 6..area.right() {
                if let Some(cell) = buf.cell_mut((x, area.y))
                    && cell.bg == ratatui::style::Color::Reset
                {
                    cell.set_bg(background);
                }
            }
        }
    }

    /// The most useful keys of this screen, as they are bound.
    fn tips(&self) -> String {
        let scope = self.scope();
        let tips: &[(&str, &str)] = match &self.trajectory {
            Some(view) if view.is_page_focused() => &[
                ("next-pane", "steps"),
                ("toggle-fold", "fold"),
                ("find", "find"),
                ("next-hunk", "hunk"),
                ("help", "keys"),
            ],
            Some(_) => &[
                ("next-pane", "page"),
                ("find", "find"),
                ("next-error", "error"),
                ("next-edit", "edit"),
                ("next-trajectory", "next"),
                ("help", "keys"),
            ],
            None => &[
                ("open", "open"),
                ("narrow", "narrow"),
                ("sort", "sort"),
                ("find", "find"),
                ("help", "keys"),
            ],
        };
        let shown: Vec<String> = tips
            .iter()
            .filter_map(|(name, what)| {
                let key = self
                    .habits
                    .keymap
                    .keys_of_name(name, scope)
                    .into_iter()
                    .next()?;
                Some(format!("{key} {what}"))
            })
            .collect();
        shown.join("  ")
    }

    fn position(&self, cx: &Cx<'_>) -> String {
        if let Some(view) = &self.trajectory {
            let page = view.page_percent(cx).map(|percent| format!("{percent}%  "));
            let page = page.unwrap_or_default();
            let place = human::count(self.list.place() + 1);
            let shown = human::count(self.list.shown(cx));
            let at = view.place_text();
            let gap = if at.is_empty() { "" } else { "  " };
            return format!("{page}{at}{gap}{place}/{shown}");
        }
        let shown = self.list.shown(cx);
        let place = if shown == 0 { 0 } else { self.list.place() + 1 };
        format!("{}/{}", human::count(place), human::count(shown))
    }
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

/// A typed text as a pattern: a regular expression, or itself where it is none; upper case matters only when there
/// is any (smart case).
fn pattern(text: &str) -> Regex {
    const SIZE_LIMIT: usize = 4 << 20;
    let is_insensitive = !text.chars().any(char::is_uppercase);
    let build = |text: &str| {
        RegexBuilder::new(text)
            .case_insensitive(is_insensitive)
            .size_limit(SIZE_LIMIT)
            .build()
    };
    let escaped = || build(&regex::escape(text));
    build(text)
        .or_else(|_| escaped())
        .unwrap_or_else(|_| never())
}

/// A pattern that matches nothing, for texts too long to search for.
fn never() -> Regex {
    #[expect(clippy::expect_used, reason = "a constant pattern that compiles")]
    Regex::new(r"[^\s\S]").expect("a constant pattern")
}
