//! Texts that several calls of one response bring to their step, joined once at the end.

use crate::model::Step;
use crate::model::Text;

/// Texts by step, in order. Appending to a step's text at each call would copy it as often.
#[derive(Debug, Default)]
pub(in crate::read) struct Words(Vec<(usize, Text)>);

impl Words {
    /// Keeps `text` for the step at `step`.
    pub(in crate::read) fn push(&mut self, step: usize, text: Option<Text>) {
        self.0.extend(text.map(|text| (step, text)));
    }

    /// Puts the texts of each step into its `field`, a line break between them. Calls of one response repeat its
    /// text: a text that says what the one before it said is left out.
    pub(in crate::read) fn pour(
        mut self,
        steps: &mut [Step],
        field: impl Fn(&mut Step) -> &mut Option<Text>,
    ) {
        self.0.sort_by_key(|(step, _)| *step);
        for of_step in self.0.chunk_by_mut(|(a, _), (b, _)| a == b) {
            let at = of_step.first().map_or(0, |(step, _)| *step);
            let mut texts: Vec<&str> = of_step.iter().map(|(_, text)| &**text).collect();
            texts.dedup();
            if let Some(step) = steps.get_mut(at) {
                *field(step) = Some(match texts.as_slice() {
                    [text] => Text::from(*text),
                    texts => texts.join("\n").into(),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::StepKind;

    #[test]
    fn repeated_texts_are_said_once() {
        let mut words = Words::default();
        for (step, text) in [(1, "a"), (0, "x"), (1, "a"), (1, "b"), (9, "z")] {
            words.push(step, Some(text.into()));
        }
        words.push(0, None);
        let mut steps = vec![Step::new(StepKind::Agent), Step::new(StepKind::Agent)];
        words.pour(&mut steps, |step| &mut step.thought);
        let thoughts: Vec<_> = steps.iter().map(|s| s.thought.as_deref()).collect();
        assert_eq!(thoughts, [Some("x"), Some("a\nb")]);
    }
}
