//! The rows of a task: its places and the records that attempt it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::model::RecordIx;
use crate::tasks::PlaceRole;
use crate::tasks::TaskPlace;
use crate::text::clean_line;
use crate::text::clip_start;
use crate::text::human;
use crate::text::width;
use crate::theme::Role;
use crate::ui::page::verdict_sign;
use crate::ui::view::Cx;
use crate::ui::view::decision_words;
use crate::ui::view::outcome_mark;
use crate::ui::widget::rows::put_pieces;

/// `target f  path:12`: what the place is, and where.
pub(super) fn draw_place(cx: &Cx<'_>, place: &TaskPlace, area: Rect, buf: &mut Buffer) {
    let style = |role| cx.theme.style(role);
    let (word, role) = match place.role {
        PlaceRole::Target => ("target ", Role::ClassEdit),
        PlaceRole::Dependency => ("calls  ", Role::ClassView),
        PlaceRole::Gold => ("gold   ", Role::Success),
    };
    let line = place
        .lines
        .map_or(String::new(), |(first, _)| format!(":{}", first.0 + 1));
    let gap = if place.name.is_empty() { "" } else { "  " };
    let name = clean_line(&place.name);
    let at = clean_line(&place.path).into_owned() + &line;
    // of a path the end tells most
    let used = width(word) + width(&name) + width(gap);
    let at = clip_start(&at, usize::from(area.width).saturating_sub(used));
    let pieces = [
        (word, style(role)),
        (&*name, style(Role::Text)),
        (gap, style(Role::Text)),
        (&*at, style(Role::Dim)),
    ];
    put_pieces(buf, area, &pieces);
}

/// `attempt 2 ✓ accept  12 steps  model`: what the filters or a person say of it, as far as they may be seen.
pub(super) fn draw_attempt(cx: &Cx<'_>, ix: RecordIx, area: Rect, buf: &mut Buffer) {
    let style = |role| cx.theme.style(role);
    let row = cx.data.rows.get(ix);
    let is_hidden = cx.data.desk.hides(ix);
    let resolved = row.as_ref().and_then(|row| row.resolved);
    let is_fault = row.as_ref().is_some_and(|row| row.fault.is_some());
    let (mark, mark_role) = outcome_mark(resolved.filter(|_| !is_hidden), is_fault);
    let marks = cx.data.marks(ix).filter(|_| !is_hidden);
    let verdicts = marks.map(|marks| [marks.published, marks.strict].map(verdict_sign));
    let steps = row
        .as_ref()
        .map_or(String::new(), |row| human::plural(row.steps, "step"));
    let place = cx.data.store.entry(ix).map(|entry| entry.row + 1);
    let place = place.map_or(String::new(), |row| format!(":{row}  "));
    let decided = decision_words(cx, ix);
    let attempt = row.as_ref().and_then(|row| row.attempt);
    let word = attempt.map_or("attempt ".to_owned(), |nth| format!("attempt {nth} "));
    let mut pieces = vec![
        (word.as_str(), style(Role::Title)),
        (mark, style(mark_role)),
        (" ", style(Role::Dim)),
    ];
    for (sign, role) in verdicts.iter().flatten() {
        pieces.push((sign, style(*role)));
    }
    pieces.push((" ", style(Role::Dim)));
    pieces.extend(
        decided
            .iter()
            .map(|(text, role)| (text.as_str(), style(*role))),
    );
    pieces.push((place.as_str(), style(Role::Dim)));
    pieces.push((steps.as_str(), style(Role::Text)));
    let model = row.as_ref().and_then(|row| row.model.as_deref());
    pieces.push(("  ", style(Role::Dim)));
    pieces.push((model.unwrap_or_default(), style(Role::Dim)));
    put_pieces(buf, area, &pieces);
}
