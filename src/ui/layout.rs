//! Screen size and open panes to rectangles. Pure; update, mouse and drawing use the same.

use ratatui::layout::Rect;

/// Below this many columns or rows only a message fits.
pub const MIN_COLUMNS: u16 = 20;
/// See [`MIN_COLUMNS`].
pub const MIN_ROWS: u16 = 5;

/// Where the parts of the list screen are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListLayout {
    /// One line: inputs, counts.
    pub title: Rect,
    /// One line: column names.
    pub header: Rect,
    /// The rows.
    pub rows: Rect,
    /// The preview; empty when it is not shown.
    pub preview: Rect,
    /// One line at the bottom.
    pub status: Rect,
}

/// Where the parts of the trajectory screen are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrajectoryLayout {
    /// One line: id, outcome, model, totals.
    pub title: Rect,
    /// The step list; empty when only the page fits and has the keys.
    pub steps: Rect,
    /// The minimap, one or two columns at the right edge of the step list.
    pub minimap: Rect,
    /// The line between the panes.
    pub rule: Rect,
    /// The page of the step; empty when only the steps fit and have the keys.
    pub page: Rect,
    /// One line at the bottom.
    pub status: Rect,
}

/// Where the parts of the patch screen are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PatchLayout {
    /// One line: id, files, verdicts.
    pub title: Rect,
    /// The files; empty when only the page fits and has the keys.
    pub files: Rect,
    /// The line between the panes.
    pub rule: Rect,
    /// The page. On narrow screens the files lie over its left part while they have the keys.
    pub page: Rect,
    /// One line at the bottom.
    pub status: Rect,
}

/// Where the parts of the screen of two attempts are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompareLayout {
    /// One line: how many rows are the same, where they part.
    pub title: Rect,
    /// One line: who the sides are.
    pub head: Rect,
    /// The rows.
    pub rows: Rect,
    /// The line below them; empty where only the rows fit.
    pub rule: Rect,
    /// The page of the left step, or of either where they do not fit beside each other.
    pub left: Rect,
    /// The page of the right step; empty where they do not fit beside each other.
    pub right: Rect,
    /// All of it below the title, for pages about both attempts.
    pub body: Rect,
    /// The pages' part as a whole.
    pub pages: Rect,
    /// One line at the bottom.
    pub status: Rect,
}

/// Lays out the screen of two attempts: rows above, pages below; beside each other from 120 columns on, else one at a
/// time. Under 10 rows there are no pages.
pub fn compare(screen: Rect) -> CompareLayout {
    let (title, body, status) = frame(screen);
    let head = Rect {
        height: body.height.min(1),
        ..body
    };
    let below = body.height - head.height;
    let has_pages = body.height >= 10;
    let rows = Rect {
        y: head.bottom(),
        height: if has_pages { below * 2 / 5 } else { below },
        ..body
    };
    let rule = Rect {
        y: rows.bottom(),
        height: u16::from(has_pages),
        ..body
    };
    let pages = Rect {
        y: rule.bottom(),
        height: body.bottom() - rule.bottom(),
        ..body
    };
    let is_wide = body.width >= 120;
    let half = (body.width - u16::from(is_wide)) / if is_wide { 2 } else { 1 };
    let left = Rect {
        width: half,
        ..pages
    };
    let right = Rect {
        x: left.right() + u16::from(is_wide),
        width: if is_wide { body.width - half - 1 } else { 0 },
        ..pages
    };
    CompareLayout {
        title,
        head,
        rows,
        rule,
        left,
        right,
        body,
        pages,
        status,
    }
}

/// Where the parts of the screen of search results are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResultsLayout {
    /// One line: the pattern, counts.
    pub title: Rect,
    /// The rows.
    pub rows: Rect,
    /// One line at the bottom.
    pub status: Rect,
}

/// Lays out the screen of search results.
pub fn results(screen: Rect) -> ResultsLayout {
    let (title, rows, status) = frame(screen);
    ResultsLayout {
        title,
        rows,
        status,
    }
}

/// Where the parts of the screen of statistics are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StatsLayout {
    /// One line: how many records, grouped by what.
    pub title: Rect,
    /// One line: the sections.
    pub tabs: Rect,
    /// The page, with a blank column at each side.
    pub page: Rect,
}

/// Lays out the screen of statistics.
pub fn stats(screen: Rect) -> StatsLayout {
    let (title, body, _) = frame(screen);
    let tabs = Rect {
        height: body.height.min(1),
        ..body
    };
    let page = Rect {
        y: tabs.bottom(),
        height: body.height - tabs.height,
        ..body
    };
    StatsLayout { title, tabs, page }
}

/// Lays out the patch screen. Under 100 columns the files are shown only while they have the keys, over the page: it
/// keeps its width.
pub fn patch(screen: Rect, are_files_focused: bool) -> PatchLayout {
    let (title, body, status) = frame(screen);
    let is_wide = body.width >= 100;
    let cells = match (is_wide, are_files_focused) {
        (true, _) => (body.width / 4).clamp(26, 48),
        (false, true) => body.width.saturating_sub(1).min(44),
        (false, false) => 0,
    };
    let files = Rect {
        width: cells,
        ..body
    };
    let rule = Rect {
        x: files.right(),
        width: cells.min(1),
        ..body
    };
    let page = if is_wide {
        Rect {
            x: rule.right(),
            width: body.right() - rule.right(),
            ..body
        }
    } else {
        body
    };
    PatchLayout {
        title,
        files,
        rule,
        page,
        status,
    }
}

/// Lays out the list screen. `preview` is the user's wish; `None` shows it where there is room.
pub fn list(screen: Rect, preview: Option<bool>) -> ListLayout {
    let (title, body, status) = frame(screen);
    let is_shown = preview.unwrap_or(body.width >= 140) && body.width >= 72;
    let (left, right) = if is_shown {
        let right_width = (body.width * 2 / 5).clamp(30, 100);
        let left_width = body.width - right_width - 1;
        let right = Rect {
            x: body.x + left_width + 1,
            width: right_width,
            ..body
        };
        (
            Rect {
                width: left_width,
                ..body
            },
            right,
        )
    } else {
        (body, Rect { width: 0, ..body })
    };
    let header = Rect {
        height: left.height.min(1),
        ..left
    };
    let rows = Rect {
        y: left.y + header.height,
        height: left.height - header.height,
        ..left
    };
    ListLayout {
        title,
        header,
        rows,
        preview: right,
        status,
    }
}

/// Lays out the trajectory screen. Under 60 columns only the pane with the keys is shown.
pub fn trajectory(screen: Rect, is_page_focused: bool) -> TrajectoryLayout {
    let (title, body, status) = frame(screen);
    let empty = Rect { width: 0, ..body };
    if body.width < 60 {
        let layout = TrajectoryLayout {
            title,
            status,
            minimap: empty,
            rule: empty,
            steps: empty,
            page: empty,
        };
        if is_page_focused {
            return TrajectoryLayout {
                page: body,
                ..layout
            };
        }
        let map_width = 1.min(body.width);
        let steps = Rect {
            width: body.width - map_width,
            ..body
        };
        let minimap = Rect {
            x: body.x + steps.width,
            width: map_width,
            ..body
        };
        return TrajectoryLayout {
            steps,
            minimap,
            ..layout
        };
    }
    let left_width = (body.width * 36 / 100).clamp(28, 64);
    let steps = Rect {
        width: left_width,
        ..body
    };
    let minimap = Rect {
        x: steps.right(),
        width: 3,
        ..body
    };
    let rule = Rect {
        x: minimap.right(),
        width: 1,
        ..body
    };
    let page = Rect {
        x: rule.right(),
        width: body.right() - rule.right(),
        ..body
    };
    TrajectoryLayout {
        title,
        steps,
        minimap,
        rule,
        page,
        status,
    }
}

fn frame(screen: Rect) -> (Rect, Rect, Rect) {
    let title = Rect {
        height: screen.height.min(1),
        ..screen
    };
    let status_height = screen.height.saturating_sub(1).min(1);
    let body = Rect {
        y: screen.y + title.height,
        height: screen.height - title.height - status_height,
        ..screen
    };
    let status = Rect {
        y: body.bottom(),
        height: status_height,
        ..screen
    };
    (title, body, status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_covered_and_nothing_overlaps() {
        for width in 0..230 {
            for height in 0..12 {
                let screen = Rect::new(0, 0, width, height);
                for wish in [None, Some(true), Some(false)] {
                    let l = list(screen, wish);
                    check(screen, &[l.title, l.header, l.rows, l.preview, l.status]);
                }
                for is_page_focused in [false, true] {
                    let t = trajectory(screen, is_page_focused);
                    check(
                        screen,
                        &[t.title, t.steps, t.minimap, t.rule, t.page, t.status],
                    );
                    let c = compare(screen);
                    check(
                        screen,
                        &[c.title, c.head, c.rows, c.rule, c.left, c.right, c.status],
                    );
                    assert_eq!(c.pages.union(c.left).union(c.right), c.pages);
                    let p = patch(screen, is_page_focused);
                    check(screen, &[p.title, p.files, p.rule, p.status]);
                    check(screen, &[p.title, p.page, p.status]);
                    if width >= 100 {
                        check(screen, &[p.files, p.rule, p.page]);
                    }
                }
            }
        }
    }

    #[track_caller]
    fn check(screen: Rect, parts: &[Rect]) {
        for (ix, part) in parts.iter().enumerate() {
            assert_eq!(screen.union(*part), screen, "{part:?} is on the {screen:?}");
            for other in parts.iter().skip(ix + 1) {
                assert_eq!(part.intersection(*other).area(), 0, "{part:?} {other:?}");
            }
        }
    }
}
