//! The clock of the journal: microseconds, always in UTC.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

/// When an event happened, in microseconds since 1970. Of one reviewer it also names the event: everything that was
/// done at once bears the same moment, and nothing else does. Text form: `2026-03-04T05:06:07.123456Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

impl Moment {
    /// The moment of the call.
    pub fn now() -> Self {
        Self(jiff::Timestamp::now().as_microsecond())
    }

    /// Microseconds since 1970; `None` outside the years that can be written.
    pub fn from_micros(micros: i64) -> Option<Self> {
        jiff::Timestamp::from_microsecond(micros).ok()?;
        Some(Self(micros))
    }

    /// Microseconds since 1970.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Bytes of the text form.
    pub(super) const STAMP_BYTES: usize = "2026-03-04T05:06:07.123456Z".len();

    /// Reads the text form of the years 1970 to 9998 and nothing else: journals hold a million of them.
    pub(super) fn of_stamp(stamp: &[u8]) -> Option<Self> {
        const SHAPE: &[u8] = b"0000-00-00T00:00:00.000000Z";
        const DAYS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let fits = |(byte, shape): (&u8, &u8)| match shape {
            b'0' => byte.is_ascii_digit(),
            _ => byte == shape,
        };
        if stamp.len() != SHAPE.len() || !stamp.iter().zip(SHAPE).all(fits) {
            return None;
        }
        let number = |from: usize, to: usize| {
            let digits = stamp.get(from..to).unwrap_or_default();
            digits
                .iter()
                .fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
        };
        let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
        let (hour, minute, second) = (number(11, 13), number(14, 16), number(17, 19));
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = DAYS.get(usize::try_from(month).ok()?.checked_sub(1)?)?
            + i64::from(is_leap && month == 2);
        let is_valid = (1970..=9998).contains(&year)
            && (1..=days).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        if !is_valid {
            return None;
        }
        // days since 1970-01-01, with years that begin in March (Howard Hinnant, days_from_civil)
        let (march_year, march_month) = if month > 2 {
            (year, month - 3)
        } else {
            (year - 1, month + 9)
        };
        let day_of_year = (153 * march_month + 2) / 5 + day - 1;
        let leaps = march_year / 4 - march_year / 100 + march_year / 400;
        let date = march_year * 365 + leaps + day_of_year - 719_468;
        let seconds = ((date * 24 + hour) * 60 + minute) * 60 + second;
        Some(Self(seconds * 1_000_000 + number(20, 26)))
    }

    /// Reads the text form, or any other time with a zone.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(moment) = Self::of_stamp(text.as_bytes()) {
            return Some(moment);
        }
        let stamp: jiff::Timestamp = text.parse().ok()?;
        Some(Self(stamp.as_microsecond()))
    }

    /// This moment, or the first one after `last` when the clock stood still or went back.
    #[must_use]
    pub fn after(self, last: Option<Self>) -> Self {
        match last.and_then(|last| Self::from_micros(last.0.checked_add(1)?)) {
            Some(next) => self.max(next),
            None => self,
        }
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stamp = jiff::Timestamp::from_microsecond(self.0).map_err(|_range| std::fmt::Error)?;
        write!(f, "{stamp:.6}")
    }
}

/// A text that is not copied where it holds no escapes.
#[derive(Deserialize)]
struct Written<'a>(#[serde(borrow)] Cow<'a, str>);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written(text) = Written::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("no time with a zone"))
    }
}

impl JsonSchema for Moment {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "ISO 8601 in UTC with microseconds"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn moments_survive_their_text_form() {
        let moment = Moment::parse("2026-03-04T05:06:07.120000Z").unwrap();
        assert_eq!(moment.to_string(), "2026-03-04T05:06:07.120000Z");
        assert_eq!(Moment::parse("2026-03-04T06:06:07.12+01:00"), Some(moment));
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
        ] {
            let moment = Moment::from_micros(micros).unwrap();
            assert_eq!(moment.to_string(), text);
            assert_eq!(Moment::parse(text), Some(moment));
        }
        for wrong in ["", "yesterday", "2026-03-04", "2026-03-04T05:06:07"] {
            assert_eq!(Moment::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Moment::from_micros(i64::MAX), None);
    }

    #[test]
    fn stamps_are_read_as_other_times_are() {
        let by_jiff = |text: &str| {
            let stamp: jiff::Timestamp = text.parse().ok()?;
            Moment::from_micros(stamp.as_microsecond())
        };
        for day in 0..3000 {
            // uneven steps through 370 years and all of a day
            let micros = day * 3_901_234_567_891 + 7;
            let moment = Moment::from_micros(micros).unwrap();
            let text = moment.to_string();
            assert_eq!(Moment::of_stamp(text.as_bytes()), Some(moment), "{text}");
            assert_eq!(by_jiff(&text), Some(moment));
        }
        for text in ["2000-02-29", "2024-02-29", "9998-12-31", "1970-01-01"] {
            let text = format!("{text}T23:59:59.999999Z");
            assert_eq!(Moment::of_stamp(text.as_bytes()), by_jiff(&text), "{text}");
        }
        for other in [
            "2100-02-29T00:00:00.000000Z",
            "2026-13-01T00:00:00.000000Z",
            "2026-00-01T00:00:00.000000Z",
            "2026-01-00T00:00:00.000000Z",
            "2026-01-01T24:00:00.000000Z",
            "1969-12-31T23:59:59.999999Z",
            "2026-01-01T00:00:00.00000Z",
            "2026-01-01 00:00:00.000000Z",
        ] {
            assert_eq!(Moment::of_stamp(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn moments_never_repeat() {
        let at = |micros| Moment::from_micros(micros).unwrap();
        assert_eq!(at(5).after(None), at(5));
        assert_eq!(at(5).after(Some(at(3))), at(5));
        assert_eq!(at(5).after(Some(at(5))), at(6));
        assert_eq!(at(5).after(Some(at(9))), at(10));
    }
}
