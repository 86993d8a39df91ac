//! Type-ahead narrowing over the short texts of a row; never over message bodies.

use fuzzy_matcher::FuzzyMatcher as _;
use fuzzy_matcher::skim::SkimMatcherV2;

/// A field of a row that narrowing looks at, in order of weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The id.
    Id,
    /// The task type.
    TaskType,
    /// The model.
    Model,
    /// The format and its variant.
    Format,
    /// The path.
    Path,
}

/// Matches typed letters against rows. Blank-separated words must all match, each in any field.
pub struct Narrow {
    matcher: SkimMatcherV2,
    words: Vec<String>,
}

impl std::fmt::Debug for Narrow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Narrow")
            .field("words", &self.words)
            .finish_non_exhaustive()
    }
}

impl Narrow {
    const MAX_CHARS: usize = 512;
    /// A word that occurs as it was typed outweighs any scattered letters.
    const WHOLE: i64 = 1000;

    /// A pattern; an empty one matches everything.
    pub fn new(pattern: &str) -> Self {
        let words = pattern.split_whitespace().map(str::to_owned).collect();
        Self {
            matcher: SkimMatcherV2::default().smart_case(),
            words,
        }
    }

    /// Whether it lets everything pass.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The score of a row, higher is better; `None` when a word matches no field. Earlier fields weigh more.
    pub fn score(&self, fields: &[(Field, &str)]) -> Option<i64> {
        self.words.iter().try_fold(0_i64, |sum, word| {
            let best = fields
                .iter()
                .enumerate()
                .filter_map(|(rank, (_, text))| {
                    let text = head(text);
                    let score = self.matcher.fuzzy_match(text, word)?;
                    let is_whole = text.to_lowercase().contains(&word.to_lowercase());
                    let whole = if is_whole { Self::WHOLE } else { 0 };
                    Some(score + whole - i64::try_from(rank).unwrap_or(0) * 8)
                })
                .max()?;
            Some(sum + best)
        })
    }

    /// Whether a score is good enough beside the best one: scattered letters are no match where words are.
    pub fn is_close(score: i64, best: i64) -> bool {
        score.saturating_mul(2) >= best
    }

    /// The chars of `text` that the words matched, ascending; for showing them.
    pub fn letters(&self, text: &str) -> Vec<usize> {
        let hits = self
            .words
            .iter()
            .filter_map(|word| self.matcher.fuzzy_indices(head(text), word));
        let mut letters: Vec<usize> = hits.flat_map(|(_, letters)| letters).collect();
        letters.sort_unstable();
        letters.dedup();
        letters
    }
}

/// The matcher's table grows with the text: look at the head only.
fn head(text: &str) -> &str {
    text.char_indices()
        .nth(Narrow::MAX_CHARS)
        .map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_words_must_match_somewhere() {
        let row = [
            (Field::Id, "django__django-10914"),
            (Field::Model, "qwen3-coder"),
        ];
        assert!(Narrow::new("dj109").score(&row).is_some());
        assert!(Narrow::new("dj qwen").score(&row).is_some());
        assert!(Narrow::new("dj gpt").score(&row).is_none());
        assert_eq!(Narrow::new("").score(&row), Some(0));
        assert_eq!(Narrow::new("dgo").letters("django"), [0, 4, 5]);
        let whole = Narrow::new("moto").score(&[(Field::Id, "getmoto__moto-6055")]);
        let scattered = Narrow::new("moto").score(&[(Field::Id, "tempoCollaboration")]);
        assert!(!Narrow::is_close(scattered.unwrap(), whole.unwrap()));
    }
}
