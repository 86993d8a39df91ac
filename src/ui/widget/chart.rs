//! Lines of tables and charts into cells: what each piece is becomes a role, hits and the cursor lie over it. Knows no
//! view.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use regex::Regex;

use crate::model::Component;
use crate::stats::Line;
use crate::stats::Tint;
use crate::text::width;
use crate::theme::Role;
use crate::theme::Theme;
use crate::ui::widget::rows::put;

/// The role of a piece.
pub fn role(tint: Tint) -> Role {
    match tint {
        Tint::Plain => Role::Text,
        Tint::Dim | Tint::Range => Role::Dim,
        Tint::Section => Role::Heading,
        Tint::Title => Role::Title,
        Tint::Head => Role::Header,
        Tint::Bar => Role::Info,
        Tint::Component(component) => match component {
            Component::Reasoning => Role::ClassThink,
            Component::Exploration => Role::ClassView,
            Component::Implementation => Role::ClassEdit,
            Component::Verification => Role::TestPass,
            Component::Execution => Role::ClassShell,
        },
    }
}

/// Draws a line, a column in from the left; `ground` lies under all of the row, `hits` are marked with the role that goes
/// with them.
pub fn put_line(
    buf: &mut Buffer,
    area: Rect,
    line: &Line,
    theme: &Theme,
    ground: Option<Role>,
    hits: Option<(&Regex, Role)>,
) {
    let inner = Rect {
        x: area.x.saturating_add(1),
        width: area.width.saturating_sub(2),
        ..area
    };
    let mut x = inner.x;
    for piece in &line.pieces {
        if x >= inner.right() {
            break;
        }
        let style = theme.style(role(piece.tint));
        x = put(buf, x, area.y, inner.right() - x, &piece.text, style);
    }
    if let Some(ground) = ground {
        buf.set_style(area, theme.style(ground));
    }
    let Some((pattern, role)) = hits else { return };
    let text = line.text();
    for found in pattern.find_iter(&text).filter(|found| !found.is_empty()) {
        let cells = |part: Option<&str>| u16::try_from(part.map_or(0, width)).unwrap_or(u16::MAX);
        let from = inner.x.saturating_add(cells(text.get(..found.start())));
        let place = Rect {
            x: from,
            width: cells(Some(found.as_str())),
            ..inner
        };
        buf.set_style(place.intersection(inner), theme.style(role));
    }
}
