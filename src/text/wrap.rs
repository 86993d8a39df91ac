//! Where a line wraps: byte offsets of the visual rows after the first. No copies, one pass.
//!
//! Expects text that is clean and free of tabs, as it will be drawn; rows are measured in the cells of
//! [`super::width`].

use crate::text::width::cluster_width;
use crate::text::width::clusters;
use crate::text::width::is_plain;

/// Returns the byte offsets at which the visual rows after the first begin, ascending and inside the text; empty when
/// the text fits one row. The first row is `cells` wide, the others `cells - hang`, each at least 1. Rows end after a
/// blank where there is one (the indentation of the row aside); a word too long for any row starts where it stands
/// and is cut after a `/` or a mark where that fills half a row, else between clusters. No row is wider than its
/// width, unless a single cluster is.
pub fn wrap_points(text: &str, cells: usize, hang: usize) -> Vec<usize> {
    let mut points = Vec::new();
    let mut limit = cells.max(1);
    let mut start = 0;
    let further = cells.saturating_sub(hang).max(1);
    while let Some(len) = row_len(
        text.get(start..).unwrap_or_default(),
        limit,
        further,
        start == 0,
    ) {
        start += len;
        points.push(start);
        limit = further;
    }
    points
}

/// The visual rows of a text, as [`wrap_points`] has them, all `cells` wide and without the blank that ends one.
pub fn wrapped(text: &str, cells: usize) -> impl Iterator<Item = &str> {
    let mut start = 0;
    let ends = wrap_points(text, cells, 0).into_iter().chain([text.len()]);
    ends.map(move |end| {
        let row = text.get(start..end).unwrap_or_default();
        start = end;
        if end < text.len() {
            row.trim_end_matches(' ')
        } else {
            row
        }
    })
}

/// The bytes of the row at the head of `text`, never 0; `None` when all of it fits in `limit` cells; the rows below have
/// `further` of them. Looks at two rows' worth of text at most, so that all rows together cost a pass or three.
fn row_len(text: &str, limit: usize, further: usize, is_first: bool) -> Option<usize> {
    if text.len() <= limit && is_plain(text) {
        return None;
    }
    // Only the first row has an indentation, which is no place to break at.
    let mut has_ink = !is_first;
    let mut after_blank = None;
    let mut after_mark = None;
    let mut used = 0;
    let mut cells_to_mark = 0;
    for (at, cluster) in clusters(text) {
        used += cluster_width(cluster);
        if used > limit && at > 0 {
            let word = after_blank.unwrap_or(0);
            let rest = text.get(word..).unwrap_or_default();
            if after_blank.is_some() && word_fits(rest, further) {
                return after_blank;
            }
            // A break that leaves most of the row empty reads worse than a word cut anywhere.
            let mark = after_mark.filter(|mark| *mark > word && cells_to_mark * 2 >= limit);
            return Some(mark.unwrap_or(at));
        }
        match cluster {
            " " if has_ink => after_blank = Some(at + cluster.len()),
            " " => {}
            _ => {
                has_ink = true;
                if matches!(
                    cluster,
                    "/" | "," | ";" | ":" | ")" | "]" | "}" | "&" | "=" | "|"
                ) {
                    (after_mark, cells_to_mark) = (Some(at + cluster.len()), used);
                }
            }
        }
    }
    None
}

/// Whether the word at the head of `text` fits in a row of `limit` cells. Looks at a row's worth of it.
fn word_fits(text: &str, limit: usize) -> bool {
    let mut used = 0;
    for (_, cluster) in clusters(text) {
        if cluster == " " {
            break;
        }
        used += cluster_width(cluster);
        if used > limit {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::width::width;

    #[track_caller]
    fn wraps(text: &str, cells: usize, hang: usize, expected: &[&str]) {
        assert_eq!(
            rows(text, cells, hang),
            expected,
            "{text:?} in {cells}-{hang}"
        );
    }

    fn rows(text: &str, cells: usize, hang: usize) -> Vec<&str> {
        let mut rows = Vec::new();
        let mut start = 0;
        for point in wrap_points(text, cells, hang) {
            rows.push(text.get(start..point).expect("points are boundaries"));
            start = point;
        }
        rows.push(text.get(start..).expect("points are boundaries"));
        rows
    }

    #[test]
    fn rows_end_at_blanks_or_inside_long_words() {
        wraps("", 5, 0, &[""]);
        wraps("abc", 3, 0, &["abc"]);
        wraps("abc de fg", 6, 0, &["abc ", "de fg"]);
        wraps("abcdefgh", 3, 0, &["abc", "def", "gh"]);
        wraps("abcdefgh", 4, 2, &["abcd", "ef", "gh"]);
        wraps("ab cdefghij", 6, 4, &["ab cde", "fg", "hi", "j"]);
        wraps("ab cd efgh", 8, 4, &["ab cd ", "efgh"]);
        wraps(
            "source /a/long/path.py",
            12,
            7,
            &["source /a/", "long/", "path.", "py"],
        );
        wraps("/usr/lib/python/x", 10, 0, &["/usr/lib/", "python/x"]);
        wraps("a/bcdefghijklm", 8, 0, &["a/bcdefg", "hijklm"]);
        wraps("    abcdef", 6, 0, &["    ab", "cdef"]);
        wraps("abc def", 3, 0, &["abc", " ", "def"]);
        wraps("日本語 日本", 5, 0, &["日本", "語 ", "日本"]);
        wraps("日本", 1, 0, &["日", "本"]);
        wraps("abc", 0, 9, &["a", "b", "c"]);
    }

    proptest! {
        #[test]
        fn rows_fit_and_join(text in "[ab 日e\u{301}]{0,60}", cells in 2_usize..12, hang in 0_usize..8) {
            let rows = rows(&text, cells, hang);
            prop_assert_eq!(rows.concat(), text.clone());
            for (ix, row) in rows.iter().enumerate() {
                let limit = if ix == 0 { cells } else { cells.saturating_sub(hang).max(1) };
                prop_assert!(width(row) <= limit.max(2), "{:?} over {}", row, limit);
                prop_assert!(limit == 1 || width(row) <= limit, "{:?} over {}", row, limit);
                prop_assert!(!row.is_empty() || text.is_empty());
            }
        }

        #[test]
        fn any_text_terminates(text in any::<String>(), cells in 0_usize..6, hang in 0_usize..6) {
            let points = wrap_points(&text, cells, hang);
            prop_assert!(points.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(points.iter().all(|point| text.is_char_boundary(*point) && *point < text.len() && *point > 0));
        }
    }
}
