//! What ended an attempt of `hgview rollout`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// What the rows of `hgview rollout` call their agent, before its version.
pub const ROLLOUT_AGENT: &str = "hgview-rollout";

/// What ended an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The model called `finish`.
    Finish,
    /// The model asked for no call, again and again.
    NoCall,
    /// The limit on turns.
    MaxSteps,
    /// The limit on tokens.
    MaxTokens,
    /// The limit on cost.
    MaxCost,
    /// The limit on time.
    MaxTime,
    /// The conversation became longer than the model reads.
    TooLong,
    /// The endpoint gave no answer, as often as it was asked.
    Unavailable,
    /// The sandbox failed.
    Sandbox,
    /// All attempts together had taken what they may while this one was under way.
    Budget,
}

impl Ended {
    const ALL: [Self; 10] = [
        Self::Finish,
        Self::NoCall,
        Self::MaxSteps,
        Self::MaxTokens,
        Self::MaxCost,
        Self::MaxTime,
        Self::TooLong,
        Self::Unavailable,
        Self::Sandbox,
        Self::Budget,
    ];

    /// The end of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ended| ended.name() == name)
    }

    /// The word used in rows and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Finish => "finish",
            Self::NoCall => "no_call",
            Self::MaxSteps => "max_steps",
            Self::MaxTokens => "max_tokens",
            Self::MaxCost => "max_cost",
            Self::MaxTime => "max_time",
            Self::TooLong => "too_long",
            Self::Unavailable => "unavailable",
            Self::Sandbox => "sandbox",
            Self::Budget => "budget",
        }
    }

    /// Whether it says nothing of the model: the attempt may be made again.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Unavailable | Self::Sandbox | Self::Budget)
    }

    /// Whether a limit ended it.
    pub fn is_limit(self) -> bool {
        matches!(
            self,
            Self::MaxSteps | Self::MaxTokens | Self::MaxCost | Self::MaxTime | Self::TooLong
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_rows() {
        for ended in Ended::ALL {
            assert_eq!(serde_json::to_value(ended).unwrap(), ended.name());
            assert_eq!(Ended::named(ended.name()), Some(ended));
        }
        assert_eq!(Ended::named("done"), None);
    }
}
