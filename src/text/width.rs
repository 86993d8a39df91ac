//! Cells: how wide a text is, and cutting it by cells. The same tables and the same rules as the screen library.
//!
//! A text is measured cluster by cluster, as it is drawn: clusters that hold a control character are not drawn and
//! count nothing, so tabs have to be expanded first ([`expand_tabs`]) and untrusted text cleaned.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Returns the cells that `text` occupies when drawn. Tabs, line breaks and other control characters count 0, because
/// nothing is drawn for them.
pub fn width(text: &str) -> usize {
    if is_plain(text) {
        return text.len();
    }
    clusters(text)
        .map(|(_, cluster)| cluster_width(cluster))
        .sum()
}

/// The grapheme clusters of a text and where they begin: what `grapheme_indices` tells, but a printable ASCII character
/// before another costs no look into the tables, since nothing joins these two.
pub(super) fn clusters(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let bytes = rest.as_bytes();
        let is_alone =
            matches!(bytes.first()?, b' '..=b'~') && bytes.get(1).is_none_or(u8::is_ascii);
        let cluster = if is_alone {
            rest.get(..1)?
        } else {
            rest.graphemes(true).next()?
        };
        let start = at;
        at += cluster.len();
        Some((start, cluster))
    })
}

/// Cells of one grapheme cluster, halfwidth sound marks counted as the screen library counts them (ratatui-core,
/// `buffer/cell_width.rs`).
pub(super) fn cluster_width(cluster: &str) -> usize {
    if cluster.len() == 1 {
        return usize::from(!cluster.contains(char::is_control));
    }
    if cluster.contains(char::is_control) {
        return 0;
    }
    let sound_marks = cluster
        .chars()
        .filter(|c| matches!(c, '\u{ff9e}' | '\u{ff9f}'))
        .count();
    cluster.width() + sound_marks
}

/// Whether each byte is one drawn cell.
pub(super) fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Cuts `text` to at most `cells` cells; what was cut ends in `…`. Never splits a cluster; looks at no more of the
/// text than fits.
pub fn clip(text: &str, cells: usize) -> Cow<'_, str> {
    if text.len() <= cells && is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut used = 0;
    let mut fits_with_mark = 0;
    for (at, cluster) in clusters(text) {
        used += cluster_width(cluster);
        if used > cells {
            return if cells == 0 {
                Cow::Borrowed("")
            } else {
                let head = text.get(..fits_with_mark).unwrap_or_default();
                Cow::Owned(format!("{head}…"))
            };
        }
        if used < cells {
            fits_with_mark = at + cluster.len();
        }
    }
    Cow::Borrowed(text)
}

/// Cuts `text` to at most `cells` cells and keeps its end: `…/tail.py`.
pub fn clip_start(text: &str, cells: usize) -> Cow<'_, str> {
    if text.len() <= cells && is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut used = 0;
    let mut fits_with_mark = text.len();
    for (at, cluster) in text.grapheme_indices(true).rev() {
        used += cluster_width(cluster);
        if used > cells {
            return if cells == 0 {
                Cow::Borrowed("")
            } else {
                let tail = text.get(fits_with_mark..).unwrap_or_default();
                Cow::Owned(format!("…{tail}"))
            };
        }
        if used < cells {
            fits_with_mark = at;
        }
    }
    Cow::Borrowed(text)
}

/// Skips the first `cells` cells, for horizontal scrolling: the rest, and how many blank cells have to stand before
/// it because a wide character was cut.
pub fn skip_cells(text: &str, cells: usize) -> (&str, usize) {
    let mut used = 0;
    if cells == 0 {
        return (text, 0);
    }
    for (at, cluster) in clusters(text) {
        if used >= cells {
            return (text.get(at..).unwrap_or_default(), used - cells);
        }
        used += cluster_width(cluster);
    }
    ("", used.saturating_sub(cells))
}

/// Replaces each tab by blanks up to the next multiple of `tab_cells` (at least 1), where the text starts at column
/// `start_col`; a line break starts a new column count at 0.
pub fn expand_tabs(text: &str, tab_cells: usize, start_col: usize) -> Cow<'_, str> {
    if memchr::memchr(b'\t', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let tab_cells = tab_cells.max(1);
    let mut out = String::with_capacity(text.len() + 64);
    let mut col = start_col;
    for piece in text.split_inclusive(['\t', '\n']) {
        let (body, end) = match piece.strip_suffix('\t') {
            Some(body) => (body, Some('\t')),
            None => match piece.strip_suffix('\n') {
                Some(body) => (body, Some('\n')),
                None => (piece, None),
            },
        };
        out.push_str(body);
        col += width(body);
        match end {
            Some('\t') => {
                let blanks = tab_cells - col % tab_cells;
                out.extend(std::iter::repeat_n(' ', blanks));
                col += blanks;
            }
            Some(line_break) => {
                out.push(line_break);
                col = 0;
            }
            None => {}
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn width_counts_cells() {
        let cases = [
            ("", 0),
            ("abc", 3),
            ("日本", 4),
            ("e\u{301}", 1),
            ("👩\u{200d}👧", 2),
            ("①…─", 3),
            ("a\tb", 2),
            ("a\r\nb", 2),
            // Two on a terminal; the screen library, with these tables, keeps three for it, and so must we.
            ("ｶﾞ", 3),
        ];
        for (text, cells) in cases {
            assert_eq!(width(text), cells, "{text:?}");
        }
    }

    #[test]
    fn clip_keeps_whole_clusters() {
        let cases = [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("日本語", 1, "…"),
            ("abc", 0, ""),
            ("", 0, ""),
            ("e\u{301}e\u{301}", 1, "…"),
        ];
        for (text, cells, expected) in cases {
            assert_eq!(clip(text, cells), expected, "{text:?} to {cells}");
        }
    }

    #[test]
    fn clip_start_keeps_the_end() {
        let cases = [
            ("src/a/tail.py", 9, "…/tail.py"),
            ("src/tail.py", 11, "src/tail.py"),
            ("日本語", 5, "…本語"),
            ("日本語", 4, "…語"),
            ("abc", 0, ""),
        ];
        for (text, cells, expected) in cases {
            assert_eq!(clip_start(text, cells), expected, "{text:?} to {cells}");
        }
    }

    #[test]
    fn skip_cells_pads_cut_wide_characters() {
        assert_eq!(skip_cells("abc", 0), ("abc", 0));
        assert_eq!(skip_cells("abc", 2), ("c", 0));
        assert_eq!(skip_cells("abc", 9), ("", 0));
        assert_eq!(skip_cells("日本", 1), ("本", 1));
        assert_eq!(skip_cells("日本", 2), ("本", 0));
        assert_eq!(skip_cells("日", 1), ("", 1));
    }

    #[test]
    fn tabs_run_to_their_stops() {
        assert_eq!(expand_tabs("a\tb", 8, 0), "a       b");
        assert_eq!(expand_tabs("a\tb", 4, 2), "a b");
        assert_eq!(expand_tabs("日\tb\n\tc", 4, 0), "日  b\n    c");
        assert_eq!(expand_tabs("\t", 0, 0), " ");
        assert!(matches!(expand_tabs("ab", 8, 0), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn clusters_are_those_of_unicode(text in "[a-c \r\n\t日é\u{301}👩🏽\u{200d}\u{600}\u{1f1e6}\u{1f1e7}\u{915}\u{94d}\u{937}\u{ff9e}]{0,30}", any in any::<String>()) {
            for text in [text, any] {
                let expected: Vec<_> = text.grapheme_indices(true).collect();
                prop_assert_eq!(clusters(&text).collect::<Vec<_>>(), expected);
            }
        }

        #[test]
        fn cuts_fit(text in "[a-c日本e\u{301}👩\u{200d} \u{ff9e}]{0,30}", cells in 0_usize..20) {
            prop_assert!(width(&clip(&text, cells)) <= cells);
            prop_assert!(width(&clip_start(&text, cells)) <= cells);
            if width(&text) <= cells {
                prop_assert_eq!(clip(&text, cells), text.as_str());
                prop_assert_eq!(clip_start(&text, cells), text.as_str());
            }
            let (rest, pad) = skip_cells(&text, cells);
            prop_assert_eq!(width(rest) + pad, width(&text).saturating_sub(cells));
        }
    }
}
