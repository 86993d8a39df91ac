//! Drawing a file at a step: title, the visible files, the window onto the file.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::text::clean_line;
use crate::text::clip_start;
use crate::text::human;
use crate::text::width;
use crate::theme::Role;
use crate::ui::layout;
use crate::ui::page::ListedFile;
use crate::ui::view::Cx;
use crate::ui::view::file::Content;
use crate::ui::view::file::FileView;
use crate::ui::view::file::Held;
use crate::ui::view::file::Mode;
use crate::ui::view::file::page_text;
use crate::ui::view::file::tree::TreeRow;
use crate::ui::widget::rows::put;
use crate::ui::widget::rows::put_pieces;
use crate::ui::widget::viewport::Marks;
use crate::workspace::FileKind;

impl FileView {
    /// Draws everything but the status line.
    pub fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let places = layout::patch(cx.screen, self.are_files_focused);
        let say = |buf: &mut Buffer, row: u16, text: &str, role| {
            let (x, y) = (places.title.x + 1, places.title.y + row);
            let cells = places.title.width.saturating_sub(1);
            put(buf, x, y, cells, text, cx.theme.style(role));
        };
        match &self.content {
            Content::Reading => say(buf, 0, "rebuilding the files…", Role::Dim),
            Content::Fault(fault) => {
                say(buf, 0, "this record cannot be read", Role::Error);
                say(buf, 1, &fault.to_string(), Role::Strong);
            }
            Content::Read(held) => {
                self.draw_title(cx, held, places.title, buf);
                self.draw_page(cx, page_text(places.page), buf);
                self.draw_files(cx, held, places.files, buf);
                let role = if self.are_files_focused {
                    Role::BorderFocus
                } else {
                    Role::Border
                };
                for y in places.rule.y..places.rule.bottom() {
                    if places.rule.width > 0 {
                        put(buf, places.rule.x, y, 1, "│", cx.theme.style(role));
                    }
                }
            }
        }
    }

    fn draw_title(&self, cx: &Cx<'_>, held: &Held, area: Rect, buf: &mut Buffer) {
        let style = |role| cx.theme.style(role);
        let file = held.file.at.and_then(|at| held.file.files.get(at));
        let when = moment_words(held.file.moment);
        let what = match self.mode {
            Mode::Since(moment) if moment == held.file.moment => {
                format!("{when}: changes count from here")
            }
            Mode::Since(0) => format!("changes from the start to {when}"),
            Mode::Since(moment) if moment > held.file.moment => {
                format!("changes from {} back to {when}", moment_words(moment))
            }
            Mode::Since(moment) => format!("changes from {} to {when}", moment_words(moment)),
            Mode::Whole => when,
        };
        let (known, _, total) = held.file.counts;
        let lines = match total {
            Some(total) if total == known => human::plural(total, "line"),
            Some(total) => format!(
                "{} of {} lines known",
                human::count(known),
                human::count(total)
            ),
            None => format!("{} known", human::plural(known, "line")),
        };
        let mut tail = vec![(format!("  {what}"), Role::Strong)];
        // of a file that is not there the page says so
        if (known, total) != (0, None) {
            tail.push((format!("  {lines}"), Role::Dim));
        }
        // what the changes begin with is the mark
        if let Some(mark) = self.mark.filter(|_| self.mode == Mode::Whole) {
            tail.push((format!("  marked {}", moment_words(mark)), Role::Info));
        }
        if let Some(remark) = held.file.remarks.first() {
            let more = match held.file.remarks.len() {
                1 => String::new(),
                count => format!(" (and {} more)", count - 1),
            };
            tail.push((format!("  ! {}{more}", clean_line(remark)), Role::Warning));
        }
        let needed: usize = tail.iter().take(2).map(|(text, _)| width(text)).sum();
        let room = usize::from(area.width).saturating_sub(needed + 2).max(12);
        let name = clean_line(file.map_or("no file", |file| file.path.as_str())).into_owned();
        let name = clip_start(&name, room).into_owned();
        let mut pieces = vec![
            (" ", style(Role::Text)),
            (name.as_str(), style(Role::Title)),
        ];
        for (text, role) in &tail {
            pieces.push((text, style(*role)));
        }
        put_pieces(buf, area, &pieces);
    }

    fn draw_files(&self, cx: &Cx<'_>, held: &Held, area: Rect, buf: &mut Buffer) {
        if area.width == 0 {
            return;
        }
        let blank = " ".repeat(usize::from(area.width));
        for (row, y) in (area.y..area.bottom()).enumerate() {
            // on narrow screens the page lies below
            buf.set_string(area.x, y, &blank, ratatui::style::Style::reset());
            let line = Rect {
                y,
                height: 1,
                ..area
            };
            buf.set_style(line, cx.theme.style(Role::Text));
            let ix = self.files.top + row;
            match held.tree.get(ix) {
                None => continue,
                Some(TreeRow::Folder(name)) => {
                    let name = clean_line(name);
                    let room = area.width.saturating_sub(2);
                    let name = clip_start(&name, usize::from(room));
                    put(buf, area.x + 1, y, room, &name, cx.theme.style(Role::Dim));
                }
                Some(TreeRow::File(file, name)) => {
                    if let Some(file) = held.file.files.get(*file) {
                        draw_file(cx, file, name, line, buf);
                    }
                }
            }
            if ix == self.files.at {
                let role = if self.are_files_focused {
                    Role::Cursor
                } else {
                    Role::CursorUnfocused
                };
                buf.set_style(line, cx.theme.style(role));
            }
        }
    }

    fn draw_page(&self, cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
        let Some((viewport, lens)) = self.lens(cx) else {
            return;
        };
        let marks = Marks {
            pattern: self.find.as_ref().map(|find| &find.pattern),
            current_hit: self.current_hit_line(),
            cursor_line: Some(self.line),
        };
        viewport.draw(area, buf, &lens, marks);
    }

    /// Where the user is in time: `step 12/40  touch 3/5`.
    pub fn place_text(&self) -> String {
        let Some(held) = self.held() else {
            return String::new();
        };
        let last = held.history.steps().saturating_sub(1);
        let step = match held.file.moment.checked_sub(1) {
            Some(step) => format!("step {}/{}", human::count(step), human::count(last)),
            None => format!("start/{}", human::count(last)),
        };
        let touches = held.file.touches.len();
        let done = held
            .file
            .touches
            .partition_point(|step| *step < held.file.moment);
        if touches == 0 {
            return step;
        }
        format!(
            "{step}  touch {}/{}",
            human::count(done),
            human::count(touches)
        )
    }

    /// How far down the file the window is, in percent; `None` when all of it is in sight.
    pub fn page_percent(&self, cx: &Cx<'_>) -> Option<usize> {
        let (viewport, lens) = self.lens(cx)?;
        viewport.percent(&lens)
    }
}

/// `step 12`, `the start`.
fn moment_words(moment: usize) -> String {
    match moment.checked_sub(1) {
        Some(step) => format!("step {step}"),
        None => "the start".to_owned(),
    }
}

/// `M a.py`: what became of the file up to the moment, by a letter.
fn draw_file(cx: &Cx<'_>, file: &ListedFile, name: &str, area: Rect, buf: &mut Buffer) {
    let style = |role| cx.theme.style(role);
    let (letter, role, text) = match file.kind {
        FileKind::Untouched => (" ", Role::Dim, Role::Dim),
        FileKind::Seen => ("·", Role::Dim, Role::Text),
        FileKind::Changed => ("m", Role::Info, Role::Text),
        FileKind::ChangedHere => ("M", Role::Warning, Role::Strong),
        FileKind::Created => ("A", Role::Success, Role::Text),
        FileKind::Deleted => ("D", Role::Error, Role::Dim),
    };
    put(buf, area.x + 1, area.y, 1, letter, style(role));
    let room = area.width.saturating_sub(4);
    let name = clean_line(name);
    let name = clip_start(&name, usize::from(room));
    put(buf, area.x + 3, area.y, room, &name, style(text));
}
