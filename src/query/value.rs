//! Values as people write them: numbers with units, dates, relative ones too.

use jiff::civil::Date;
use jiff::civil::DateTime;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::query::Unit;

const SECOND_MS: f64 = 1000.0;
const MINUTE_S: f64 = 60.0;
const HOUR_S: f64 = 3600.0;
const DAY_S: f64 = 86_400.0;

/// Reads a number; with the unit that it names, `Plain` where it names none. `40k` is plain, too.
pub(super) fn number(text: &str) -> Option<(f64, Unit)> {
    let (sign, body) = match text.strip_prefix('-') {
        Some(body) => (-1.0, body),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let (value, unit) = match body.strip_prefix('$') {
        Some(body) => {
            let (value, rest) = digits(body)?;
            (value * thousands(rest)?, Unit::Dollars)
        }
        None => magnitude(body)?,
    };
    Some((sign * value, unit))
}

fn magnitude(body: &str) -> Option<(f64, Unit)> {
    let (value, rest) = digits(body)?;
    if rest == "%" {
        return Some((value / 100.0, Unit::Share));
    }
    if let Some(by) = thousands(rest) {
        return Some((value * by, Unit::Plain));
    }
    if let Some(by) = bytes(rest) {
        return Some((value * by, Unit::Bytes));
    }
    seconds(body).map(|value| (value, Unit::Seconds))
}

/// The decimal number at the start, and the rest. Digits may be grouped by `_`.
fn digits(text: &str) -> Option<(f64, &str)> {
    const MOST: usize = 40;
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_')
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if !is_number || digits.len() > MOST {
        return None;
    }
    let value: f64 = digits.replace('_', "").parse().ok()?;
    value.is_finite().then_some((value, rest))
}

fn thousands(suffix: &str) -> Option<f64> {
    Some(match suffix {
        "" => 1.0,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        _ => return None,
    })
}

fn bytes(suffix: &str) -> Option<f64> {
    const KB: f64 = 1024.0;
    Some(match suffix.to_ascii_lowercase().as_str() {
        "b" => 1.0,
        "kb" | "kib" => KB,
        "mb" | "mib" => KB * KB,
        "gb" | "gib" => KB * KB * KB,
        _ => return None,
    })
}

/// `90s`, `1h30m`: pieces of digits and unit.
fn seconds(mut text: &str) -> Option<f64> {
    let mut sum = 0.0;
    while !text.is_empty() {
        let (value, rest) = digits(text)?;
        let end = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        let (unit, rest) = rest.split_at_checked(end)?;
        sum += value
            * match unit {
                "ms" => 0.001,
                "s" => 1.0,
                "m" | "min" => MINUTE_S,
                "h" => HOUR_S,
                "d" => DAY_S,
                "w" => 7.0 * DAY_S,
                _ => return None,
            };
        text = rest;
    }
    Some(sum)
}

/// Reads a date: the milliseconds since 1970 at which it begins and before which it ends, in UTC. A day is a day long, a
/// moment written to the minute a minute, a relative one a millisecond.
pub(super) fn date(text: &str, now_ms: i64) -> Option<(f64, f64)> {
    let today = || {
        let now = jiff::Timestamp::from_millisecond(now_ms).ok()?;
        Some(now.to_zoned(TimeZone::UTC).date())
    };
    match text {
        "now" => return moment(exact(now_ms)),
        "today" => return day(today()?),
        "yesterday" => return day(today()?.yesterday().ok()?),
        _ => {}
    }
    if let Some(back) = text.strip_prefix('-').filter(|rest| !rest.is_empty()) {
        return moment(exact(now_ms) - seconds(back)? * SECOND_MS);
    }
    let text = text.strip_suffix('Z').unwrap_or(text);
    let Some((head, clock)) = text.split_once('T') else {
        let is_day = text.len() == "2026-01-31".len();
        return day(text.parse().ok().filter(|_| is_day)?);
    };
    let is_minute = clock.len() == "10:00".len();
    let begin = start(head.parse().ok()?, clock.parse().ok()?)?;
    let length = if is_minute { MINUTE_S } else { 1.0 };
    Some((begin, begin + length * SECOND_MS))
}

fn moment(ms: f64) -> Option<(f64, f64)> {
    ms.is_finite().then_some((ms, ms + 1.0))
}

fn day(date: Date) -> Option<(f64, f64)> {
    let begin = start(date, Time::midnight())?;
    Some((begin, begin + DAY_S * SECOND_MS))
}

fn start(date: Date, clock: Time) -> Option<f64> {
    let zoned = DateTime::from_parts(date, clock).to_zoned(TimeZone::UTC);
    Some(exact(zoned.ok()?.timestamp().as_millisecond()))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of the years that can be written fit a double"
)]
fn exact(ms: i64) -> f64 {
    ms as f64
}

/// `true` and `false`.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text {
        "true" | "yes" => Some(true),
        "false" | "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Option<(f64, Unit)>) {
        let found = number(text);
        let is_same = match (found, want) {
            (Some((a, unit)), Some((b, other))) => (a - b).abs() < 1e-9 && unit == other,
            (a, b) => a.is_none() && b.is_none(),
        };
        assert!(is_same, "{text}: {found:?}");
    }

    #[test]
    fn numbers_have_units() {
        check("40", Some((40.0, Unit::Plain)));
        check("-1.5", Some((-1.5, Unit::Plain)));
        check(".5", Some((0.5, Unit::Plain)));
        check("40k", Some((40e3, Unit::Plain)));
        check("1.5M", Some((1.5e6, Unit::Plain)));
        check("40_000", Some((40e3, Unit::Plain)));
        check("5m", Some((300.0, Unit::Seconds)));
        check("1h30m", Some((5400.0, Unit::Seconds)));
        check("250ms", Some((0.25, Unit::Seconds)));
        check("1d", Some((86400.0, Unit::Seconds)));
        check("200kb", Some((204_800.0, Unit::Bytes)));
        check("1MB", Some((1_048_576.0, Unit::Bytes)));
        check("$0.50", Some((0.5, Unit::Dollars)));
        check("$2k", Some((2000.0, Unit::Dollars)));
        check("40%", Some((0.4, Unit::Share)));
        for wrong in [
            "", "-", ".", "k", "1.2.3", "40x", "$", "%", "1h30", "inf", "nan", "5mm", "1e9",
        ] {
            check(wrong, None);
        }
        check(&"9".repeat(400), None);
    }

    #[test]
    fn dates_are_as_long_as_they_are_written() {
        let now = 1_769_860_800_000; // 2026-01-31T12:00Z
        let day = 86_400_000.0;
        let noon = 1_769_860_800_000.0;
        let midnight = noon - day / 2.0;
        for (text, want) in [
            ("2026-01-31", Some((midnight, midnight + day))),
            ("today", Some((midnight, midnight + day))),
            ("yesterday", Some((midnight - day, midnight))),
            ("2026-01-31T12:00", Some((noon, noon + 60_000.0))),
            ("2026-01-31T12:00:00Z", Some((noon, noon + 1000.0))),
            ("now", Some((noon, noon + 1.0))),
            ("-7d", Some((noon - 7.0 * day, noon - 7.0 * day + 1.0))),
            ("2026-02-30", None),
            ("2026", None),
            ("-", None),
            ("7d", None),
            ("tomorrow", None),
        ] {
            assert_eq!(date(text, now), want, "{text}");
        }
    }
}
