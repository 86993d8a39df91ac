//! How verdicts and decisions make the outcome, and the reason in words.
//!
//! A skip is an answer that decides nothing: it keeps the filter from deciding alone, and leaves other people's answers
//! as they are. A decision that adjudicates takes the place of those it names; of several the latest counts.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::Text;
use crate::model::Verdict;
use crate::review::Choice;
use crate::review::State;

/// How verdicts and decisions make the outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// What people decided, else the verdict. People who contradict each other leave it open.
    #[default]
    Override,
    /// What people decided; nothing else counts.
    HumanOnly,
    /// The verdict; nothing else counts.
    AutoOnly,
    /// All who answered, the filter among them, must say the same; else it is open.
    Unanimous,
    /// What most of those say who answered, the filter among them; a tie is open.
    Majority,
}

impl Policy {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Override,
        Self::HumanOnly,
        Self::AutoOnly,
        Self::Unanimous,
        Self::Majority,
    ];

    /// The word on the command line and in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Override => "override",
            Self::HumanOnly => "human-only",
            Self::AutoOnly => "auto-only",
            Self::Unanimous => "unanimous",
            Self::Majority => "majority",
        }
    }

    /// The policy with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }

    /// The outcome for a record: `verdict` is the filter's, `states` what everybody says of it
    /// ([`crate::review::Ledger::states`]).
    pub fn outcome(self, verdict: Verdict, states: &[(&Text, &State)]) -> Outcome {
        let people = people(states);
        match self {
            Self::AutoOnly => Outcome::by_filter(verdict),
            Self::Override if matches!(people, People::Nobody) => Outcome::by_filter(verdict),
            Self::Override | Self::HumanOnly => people.outcome(),
            Self::Unanimous | Self::Majority => {
                // a dispute that somebody settled is not voted on again
                if let People::Agreed(voices) = &people
                    && voices
                        .iter()
                        .any(|(_, state)| !state.adjudicates.is_empty())
                {
                    return people.outcome();
                }
                self.poll(verdict, &people)
            }
        }
    }

    /// Whether the filter's verdict counts for a record of which people say this.
    pub fn asks_filter(self, states: &[(&Text, &State)]) -> bool {
        match self {
            Self::AutoOnly => true,
            Self::HumanOnly => false,
            Self::Override => matches!(people(states), People::Nobody),
            Self::Unanimous | Self::Majority => match people(states) {
                People::Agreed(voices) => {
                    voices.iter().all(|(_, state)| state.adjudicates.is_empty())
                }
                _ => true,
            },
        }
    }

    fn poll(self, verdict: Verdict, people: &People<'_>) -> Outcome {
        let voices = people.voices();
        let said = |choice| {
            voices
                .iter()
                .filter(|(_, state)| state.decision == Some(choice))
                .count()
        };
        let accepts = said(Choice::Accept) + usize::from(verdict == Verdict::Accept);
        let rejects = said(Choice::Reject) + usize::from(verdict == Verdict::Reject);
        if accepts + rejects == 0 {
            return people.outcome();
        }
        let is_settled = match self {
            Self::Majority => accepts != rejects,
            _ => accepts == 0 || rejects == 0,
        };
        let mut words: Vec<String> = voices
            .iter()
            .map(|(name, state)| state.words(name))
            .collect();
        if verdict != Verdict::Unjudged {
            words.push(filter_words(verdict));
        }
        let words = words.join("; ");
        let by = if voices.is_empty() {
            By::Filter
        } else {
            By::People
        };
        if is_settled {
            return Outcome {
                verdict: Verdict::of(accepts > rejects),
                by,
                why: words,
            };
        }
        let what = if self == Self::Majority {
            "a tie"
        } else {
            "not unanimous"
        };
        Outcome {
            verdict: Verdict::Unjudged,
            by,
            why: format!("{what}: {words}"),
        }
    }
}

/// Who made an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// People, perhaps with the filter.
    People,
    /// The filter alone.
    Filter,
    /// Nobody.
    Nobody,
}

/// The effective answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Outcome {
    /// The answer; `unjudged` is open, and never exported.
    pub verdict: Verdict,
    /// Whose it is.
    pub by: By,
    /// The reason in words, one line: `rejected by ada: wrong place`. May quote journals; clean it where it is shown.
    pub why: String,
}

impl Outcome {
    fn by_filter(verdict: Verdict) -> Self {
        let by = match verdict {
            Verdict::Unjudged => By::Nobody,
            Verdict::Accept | Verdict::Reject => By::Filter,
        };
        Self {
            verdict,
            by,
            why: filter_words(verdict),
        }
    }
}

fn filter_words(verdict: Verdict) -> String {
    match verdict {
        Verdict::Accept => "accepted by the filter",
        Verdict::Reject => "rejected by the filter",
        Verdict::Unjudged => "not judged by the filter",
    }
    .to_owned()
}

/// What people say of a record, once adjudications are heard.
#[derive(Debug, Clone, PartialEq)]
pub enum People<'a> {
    /// Nobody decided.
    Nobody,
    /// Those who decided all skipped.
    Skipped(Vec<(&'a Text, &'a State)>),
    /// Those who accepted or rejected all did the same.
    Agreed(Vec<(&'a Text, &'a State)>),
    /// They contradict each other.
    Disputed(Vec<(&'a Text, &'a State)>),
}

impl<'a> People<'a> {
    /// Those who accepted or rejected, and whose word was not replaced by an adjudication; those who skipped where nobody
    /// did more.
    pub fn voices(&self) -> &[(&'a Text, &'a State)] {
        match self {
            Self::Nobody => &[],
            Self::Skipped(voices) | Self::Agreed(voices) | Self::Disputed(voices) => voices,
        }
    }

    /// What they agree on: accept or reject; `Unjudged` for everything else.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Agreed(voices) => {
                let choice = voices.first().and_then(|(_, state)| state.decision);
                choice.map_or(Verdict::Unjudged, Choice::verdict)
            }
            Self::Nobody | Self::Skipped(_) | Self::Disputed(_) => Verdict::Unjudged,
        }
    }

    /// Whether they contradict each other.
    pub fn is_disputed(&self) -> bool {
        matches!(self, Self::Disputed(_))
    }

    fn outcome(&self) -> Outcome {
        let words: Vec<String> = self
            .voices()
            .iter()
            .map(|(name, state)| state.words(name))
            .collect();
        let words = words.join("; ");
        let (by, why) = match self {
            Self::Nobody => (By::Nobody, "nobody decided".to_owned()),
            Self::Skipped(_) | Self::Agreed(_) => (By::People, words),
            Self::Disputed(_) => (By::People, format!("disputed: {words}")),
        };
        Outcome {
            verdict: self.verdict(),
            by,
            why,
        }
    }
}

/// Hears what everybody says of a record. A decision with `adjudicates` takes the place of the named reviewers'; where
/// two adjudicate each other, the later one counts.
pub fn people<'a>(states: &[(&'a Text, &'a State)]) -> People<'a> {
    let decided = states.iter().filter(|(_, state)| state.is_decided());
    let mut voices: Vec<(&Text, &State)> = decided.copied().collect();
    if voices.is_empty() {
        return People::Nobody;
    }
    let settles = |(_, state): &&(&Text, &State)| {
        !state.adjudicates.is_empty() && state.decision != Some(Choice::Skip)
    };
    let mut judges: Vec<(&Text, &State)> = voices.iter().filter(settles).copied().collect();
    judges.sort_by_key(|(name, state)| std::cmp::Reverse((state.decided_at, *name)));
    let mut silenced: Vec<&Text> = Vec::new();
    for (name, state) in judges {
        if !silenced.contains(&name) {
            silenced.extend(state.adjudicates.iter().filter(|other| *other != name));
        }
    }
    voices.retain(|(name, _)| !silenced.contains(name));
    let is_answer = |(_, state): &(&Text, &State)| state.decision != Some(Choice::Skip);
    if !voices.iter().any(is_answer) {
        return People::Skipped(voices);
    }
    voices.retain(is_answer);
    let first = voices.first().and_then(|(_, state)| state.decision);
    if voices.iter().all(|(_, state)| state.decision == first) {
        People::Agreed(voices)
    } else {
        People::Disputed(voices)
    }
}

#[cfg(test)]
mod tests;
