//! What the mouse does: the wheel turns what is under it, a click goes there.

use ratatui::crossterm::event::MouseButton;
use ratatui::crossterm::event::MouseEvent;
use ratatui::crossterm::event::MouseEventKind;

use crate::ui::app::App;
use crate::ui::app::context;
use crate::ui::effect::Effect;

impl App {
    pub(super) fn mouse(&mut self, mouse: MouseEvent, effects: &mut Vec<Effect>) {
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
        if let Some(view) = &mut self.file {
            match (turned, mouse.kind) {
                (Some(rows), _) => view.wheel(x, y, rows, &cx),
                (None, MouseEventKind::Down(MouseButton::Left)) => view.click(x, y, &cx),
                _ => {}
            }
            return;
        }
        if let Some(view) = &mut self.patch {
            match (turned, mouse.kind) {
                (Some(rows), _) => view.wheel(x, y, rows, &cx),
                (None, MouseEventKind::Down(MouseButton::Left)) => view.click(x, y, &cx),
                _ => {}
            }
            return;
        }
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
}
