//! Numbers as pages say them: those of `text::human`, so that a number looks the same on every screen and in every
//! table, and what only pages need: nouns and times of day.

use crate::model::Stamp;
pub(super) use crate::text::human::bytes;
pub(super) use crate::text::human::count;
pub(super) use crate::text::human::dollars;
pub(super) use crate::text::human::seconds;

/// `1 line`, `1,234 lines`; `noun` takes a plain `s`.
pub(super) fn counted(n: usize, noun: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {noun}{s}", count(n))
}

/// `1,234` from a counter that may be wider than an index.
pub(super) fn count_u64(n: u64) -> String {
    count(usize::try_from(n).unwrap_or(usize::MAX))
}

/// The time of day of a stamp: `14:03:22`.
pub(super) fn clock(stamp: Stamp) -> String {
    full(stamp).get(11..19).unwrap_or_default().to_owned()
}

/// The whole stamp, empty where it is outside the calendar.
pub(super) fn full(stamp: Stamp) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    match write!(out, "{stamp}") {
        Ok(()) => out,
        Err(std::fmt::Error) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (n, want) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (12_345_678, "12,345,678"),
        ] {
            assert_eq!(count(n), want);
        }
        assert_eq!(counted(1, "line"), "1 line");
        assert_eq!(counted(1234, "line"), "1,234 lines");
        assert_eq!(
            clock(Stamp {
                ms: 1_741_064_767_500,
                is_naive: true
            }),
            "05:06:07"
        );
        assert_eq!(
            clock(Stamp {
                ms: i64::MAX,
                is_naive: true
            }),
            ""
        );
    }
}
