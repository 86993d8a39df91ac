//! Numbers as people read them: separators, units, no false precision.

use crate::model::Stamp;
pub(super) use crate::text::human::count;

/// `1 line`, `1,234 lines`; `noun` takes a plain `s`.
pub(super) fn counted(n: usize, noun: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {noun}{s}", count(n))
}

/// `1,234` from a counter that may be wider than an index.
pub(super) fn count_u64(n: u64) -> String {
    count(usize::try_from(n).unwrap_or(usize::MAX))
}

/// `512 B`, `1.2 KB`, `3.4 MB`, in powers of ten.
pub(super) fn bytes(n: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "KB")];
    for (unit, name) in units {
        if n >= unit {
            return format!("{}.{} {name}", n / unit, n % unit / (unit / 10));
        }
    }
    format!("{n} B")
}

/// `45 ms`, `2.3 s`, `40 s`, `3 min 20 s`, `2 h 5 min`; empty for what is no duration.
pub(super) fn seconds(s: f64) -> String {
    if !s.is_finite() || s < 0.0 {
        return String::new();
    }
    if s < 0.1 {
        return format!("{:.0} ms", s * 1000.0);
    }
    if s < 9.95 {
        return format!("{s:.1} s");
    }
    if s < 59.5 {
        return format!("{s:.0} s");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and the cast saturates"
    )]
    let whole = s.round() as u64;
    if whole < 3600 {
        format!("{} min {} s", whole / 60, whole % 60)
    } else {
        format!("{} h {} min", count_u64(whole / 3600), whole % 3600 / 60)
    }
}

/// `$1.23`, `$0.0123`.
pub(super) fn dollars(cost: f64) -> String {
    if cost.abs() >= 1.0 || cost == 0.0 {
        format!("${cost:.2}")
    } else {
        format!("${cost:.4}")
    }
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
        for (n, want) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_250, "1.2 KB"),
            (52_400_000, "52.4 MB"),
            (3_000_000_000, "3.0 GB"),
        ] {
            assert_eq!(bytes(n), want);
        }
        for (s, want) in [
            (0.0, "0 ms"),
            (0.045, "45 ms"),
            (2.345, "2.3 s"),
            (9.96, "10 s"),
            (59.9, "1 min 0 s"),
            (200.0, "3 min 20 s"),
            (7500.0, "2 h 5 min"),
            (f64::NAN, ""),
            (-1.0, ""),
        ] {
            assert_eq!(seconds(s), want, "{s}");
        }
        assert_eq!(dollars(0.0123), "$0.0123");
        assert_eq!(dollars(12.3), "$12.30");
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
