//! The whole screen: the visible view, the status line below it, what lies above it. Changes nothing.

use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use ratatui::layout::Rect;

use crate::text::clean_line;
use crate::text::human;
use crate::theme::Role;
use crate::ui::app::App;
use crate::ui::app::screens::Screen;
use crate::ui::data::desk::Saving;
use crate::ui::event::Tone;
use crate::ui::keymap::Hint;
use crate::ui::layout;
use crate::ui::overlay;
use crate::ui::view::Cx;
use crate::ui::widget::rows::put;
use crate::ui::widget::rows::put_pieces;
use crate::ui::widget::rows::put_right;

/// The most useful commands of the list by name, each with a word for the status line; the last one stays longest.
const LIST_TIPS: &[(&str, &str)] = &[
    ("open", "open"),
    ("narrow", "narrow"),
    ("accept", "accept"),
    ("reject", "reject"),
    ("undo", "undo"),
    ("queues", "queues"),
    ("help", "keys"),
];

impl App {
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
        match self.screens.top() {
            Some(screen) => screen.draw(&cx, buf),
            None => self.list.draw(&cx, buf),
        }
        let status = Rect {
            y: screen.bottom() - 1,
            height: 1,
            ..screen
        };
        self.draw_status(&cx, status, buf);
        let reasons = self.reason_hints();
        if !reasons.is_empty() {
            overlay::draw_hints("reason", &reasons, screen, buf, theme);
        }
        if self.status.are_hints_shown {
            let hints = self.habits.keymap.pending_hints(self.scope());
            overlay::draw_hints("then", &hints, screen, buf, theme);
        }
        let console = match self.screens.top() {
            Some(Screen::Replay(view)) => view.terminal_cursor(&cx),
            _ => None,
        };
        self.overlays
            .iter()
            .fold(console, |_, overlay| overlay.draw(screen, buf, theme))
    }

    fn draw_status(&self, cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
        let theme = cx.theme;
        let style = |role| theme.style(role);
        buf.set_style(area, style(Role::Status));
        let mode = self.screens.top().map_or(" LIST ", Screen::mode);
        let room = usize::from(area.width).saturating_sub(crate::text::width(mode) + 2);
        let right = self.right_text(cx, room);
        let right_cells = u16::try_from(crate::text::width(&right))
            .unwrap_or(area.width)
            .min(area.width)
            + 1;
        let left = Rect {
            width: area.width.saturating_sub(right_cells),
            ..area
        };
        let tip_cells = usize::from(left.width).saturating_sub(crate::text::width(mode) + 2);
        let (tone, text) = self
            .status
            .line()
            .unwrap_or_else(|| (Tone::Info, self.tips(tip_cells)));
        // a few letters of a tip tell nothing
        let is_shown = usize::from(left.width) >= crate::text::width(mode) + 9;
        let text = if is_shown { text } else { String::new() };
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

    /// Whether decisions are saved, and how fast it goes.
    fn desk_words(&self, width: u16) -> String {
        const WIDE: u16 = 100;
        let desk = &self.data.desk;
        let mut words = match desk.saving() {
            Saving::Idle => String::new(),
            Saving::Saving => "saving…".to_owned(),
            Saving::Saved => "saved".to_owned(),
            Saving::Failed(_) => "NOT SAVED".to_owned(),
        };
        if width >= WIDE
            && let Some(pace) = desk.pace()
        {
            words = format!("{pace:.0}/h  {words}");
        }
        if desk.is_blind() {
            words = format!("blind  {words}");
        }
        words.trim_end().to_owned()
    }

    /// What a digit means now: the reasons of a reject, for the box of hints.
    pub(super) fn reason_hints(&self) -> Vec<Hint> {
        if !self.data.desk.awaits_reason() || !self.overlays.is_empty() {
            return Vec::new();
        }
        let reasons = self.data.desk.reasons().iter().take(9).enumerate();
        let hint = |(ix, reason): (usize, &String)| Hint {
            key: (ix + 1).to_string(),
            doc: clean_line(reason).into_owned(),
        };
        reasons.map(hint).collect()
    }

    /// The most useful keys of this screen, as they are bound.
    fn tips(&self, room: usize) -> String {
        let scope = self.scope();
        let screen = self.screens.top();
        let tips = screen.map_or(LIST_TIPS, Screen::tips);
        let record = self.record();
        let is_task = record.is_some_and(|ix| self.data.rows.is_task(ix));
        let mut shown: Vec<String> = tips
            .iter()
            .filter(|(name, _)| screen.is_none_or(|screen| screen.offers(name)))
            .filter(|(name, _)| !(is_task && matches!(*name, "accept" | "reject")))
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
        // the key that shows all others stays
        while shown.len() > 1 && crate::text::width(&shown.join("  ")) > room {
            shown.remove(shown.len() - 2);
        }
        shown.join("  ")
    }

    /// What is typed, saved, found and in sight. What matters least leaves first where there are few cells: how far
    /// down the page is, then the place in the list, the hits, what is typed; whether decisions are saved leaves last.
    fn right_text(&self, cx: &Cx<'_>, room: usize) -> String {
        let (page, at, place) = self.position(cx);
        let mut parts = [
            self.habits.keymap.pending_text(),
            self.desk_words(cx.screen.width),
            self.find_info().unwrap_or_default(),
            page,
            at,
            place,
        ];
        let joined = |parts: &[String; 6]| {
            let shown = parts.iter().filter(|part| !part.is_empty());
            shown.map(String::as_str).collect::<Vec<_>>().join("  ")
        };
        for least in [3, 5, 2, 0, 1] {
            let text = joined(&parts);
            if crate::text::width(&text) <= room {
                return text;
            }
            // alone it is all there is to say
            if let Some(part) = parts.get_mut(least) {
                part.clear();
            }
        }
        joined(&parts)
    }

    /// How far down the page is, the step or the file, and the place in the list.
    fn position(&self, cx: &Cx<'_>) -> (String, String, String) {
        let shown = self.list.shown(cx);
        let place = if shown == 0 { 0 } else { self.list.place() + 1 };
        let place = format!("{}/{}", human::count(place), human::count(shown));
        let Some(screen) = self.screens.top() else {
            return (String::new(), place, String::new());
        };
        // results, comparisons and statistics are about several records
        let place = match screen {
            Screen::Results(_) | Screen::Compare(_) | Screen::Stats(_) => String::new(),
            _ => place,
        };
        let (percent, at) = screen.position(cx);
        let page = percent.map(|percent| format!("{percent}%"));
        (page.unwrap_or_default(), at, place)
    }
}
