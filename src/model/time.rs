//! Timestamps of every producer: naive ISO (OpenHands), ISO with zone (Claude, Codex, Inspect), epoch (mini-swe-agent).

use schemars::JsonSchema;
use serde::Serialize;
use serde::Serializer;

use crate::model::Value;

/// A moment in milliseconds since 1970, with the knowledge whether its zone was stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// Milliseconds since 1970-01-01T00:00, in UTC, or in the producer's unknown zone when `is_naive`.
    pub ms: i64,
    /// The text had no zone: differences are right, the clock on the wall is not known.
    pub is_naive: bool,
}

impl Stamp {
    /// Reads an ISO text (with or without zone, `T` or blank) or epoch seconds / milliseconds; `None` for anything else.
    pub fn parse(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::parse_text(text),
            Value::Number(number) => Self::from_epoch(number.as_f64()?),
            _ => None,
        }
    }

    /// Reads an ISO text; see [`Stamp::parse`].
    pub fn parse_text(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(stamp) = text.parse::<jiff::Timestamp>() {
            return Some(Self {
                ms: stamp.as_millisecond(),
                is_naive: false,
            });
        }
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        let stamp = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        Some(Self {
            ms: stamp.as_millisecond(),
            is_naive: true,
        })
    }

    /// Reads seconds since 1970, or milliseconds where the number is too large for seconds of this age.
    pub fn from_epoch(number: f64) -> Option<Self> {
        const YEAR_5000_S: f64 = 95_617_584_000.0;
        if !(0.0..=YEAR_5000_S * 1000.0).contains(&number) {
            return None;
        }
        let ms = if number > YEAR_5000_S {
            number
        } else {
            number * 1000.0
        };
        #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
        let ms = ms as i64;
        Some(Self {
            ms,
            is_naive: false,
        })
    }

    /// Seconds from `earlier` to `self`; negative when the clock went back.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds between two log lines fit a double"
        )]
        let ms = (self.ms - earlier.ms) as f64;
        ms / 1000.0
    }
}

impl std::fmt::Display for Stamp {
    /// ISO with milliseconds; `Z` only where the zone is known.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Ok(stamp) = jiff::Timestamp::from_millisecond(self.ms) else {
            return Err(std::fmt::Error);
        };
        let civil = stamp.to_zoned(jiff::tz::TimeZone::UTC).datetime();
        let zone = if self.is_naive { "" } else { "Z" };
        write!(f, "{}{zone}", civil.strftime("%Y-%m-%dT%H:%M:%S%.3f"))
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Stamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Stamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "ISO 8601 with milliseconds; ends in Z only where the producer stated the zone"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Stamp;
    use crate::model::Value;

    #[track_caller]
    fn check(text: &str, want: Option<&str>) {
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(
            Stamp::parse(&value).map(|s| s.to_string()).as_deref(),
            want,
            "{text}"
        );
    }

    #[test]
    fn every_producers_spelling() {
        check(
            r#""2025-03-04T05:06:07.123456""#,
            Some("2025-03-04T05:06:07.123"),
        );
        check(
            r#""2025-03-04T05:06:07Z""#,
            Some("2025-03-04T05:06:07.000Z"),
        );
        check(
            r#""2025-03-04T05:06:07+02:00""#,
            Some("2025-03-04T03:06:07.000Z"),
        );
        check(r#""2025-03-04 05:06:07""#, Some("2025-03-04T05:06:07.000"));
        check("1741064767.5", Some("2025-03-04T05:06:07.500Z"));
        check("1741064767500", Some("2025-03-04T05:06:07.500Z"));
        check("1e300", None);
        check(r#""yesterday""#, None);
        check("null", None);
    }
}
