//! `loop`: the agent does the same thing again and again.
//!
//! Rule: the same action (tool and arguments alike up to white space) three times in a row, or a cycle of two actions
//! three times, each with the same outcome up to white space and without a word of a person between them; the step of the third. Waiting for a program that makes
//! progress and paging have new outcomes each time. A row is flagged once, however long it is.

use std::borrow::Cow;

use crate::behave::course::Act;
use crate::behave::course::Course;
use crate::behave::course::seen;
use crate::model::ActionClass;
use crate::model::Flag;
use crate::model::FlagKind;

/// How often is too often.
const TIMES: usize = 3;

/// Finds them, one a row of repetitions.
pub(super) fn find(course: &Course<'_>) -> Vec<Flag> {
    let acts = &course.acts;
    // whether each action is like the one `period` before it
    let alike = |period: usize| -> Vec<bool> {
        let pairs = acts.iter().zip(acts.iter().skip(period));
        let none = std::iter::repeat_n(false, period);
        none.chain(pairs.map(|(before, act)| is_alike(before, act)))
            .collect()
    };
    let (by_one, by_two) = (alike(1), alike(2));
    let mut found = Vec::new();
    for (period, same) in [(1, &by_one), (2, &by_two)] {
        let mut times = 0;
        for ((act, is_same), is_as_before) in acts.iter().zip(same).zip(&by_one) {
            let is_simple = period == 2 && *is_as_before;
            if !is_same || is_simple {
                times = 0;
                continue;
            }
            times += 1;
            if times == (TIMES - 1) * period {
                let what = if period == 1 {
                    "the same action"
                } else {
                    "the same two actions in turn"
                };
                let why = format!("{what} for the third time, with the same outcome");
                found.push(Flag::of_step(FlagKind::Loop, act.step, why));
            }
        }
    }
    found.sort_by_key(|flag| flag.step);
    found.dedup_by_key(|flag| flag.step);
    found
}

/// Whether the same was done with the same outcome. What differs most often is looked at first: two outputs seldom have
/// more than their first words in common.
fn is_alike(a: &Act<'_>, b: &Act<'_>) -> bool {
    let finishes = |act: &Act<'_>| act.action.class == ActionClass::Finish;
    let same_step = a.step == b.step;
    let same_outcome = || match (&a.action.observation, &b.action.observation) {
        (Some(a), Some(b)) => {
            a.exit_code == b.exit_code && seen(a).flat_map(words).eq(seen(b).flat_map(words))
        }
        // what has no outcome is like nothing that was done later
        (None, None) => same_step,
        _ => false,
    };
    a.turn == b.turn
        && finishes(a) == finishes(b)
        // finishing again and again is what harnesses ask for
        && (!finishes(a) || same_step)
        && words(&a.action.tool).eq(words(&b.action.tool))
        && same_outcome()
        && words(&input(a)).eq(words(&input(b)))
}

fn words(text: &str) -> std::str::SplitWhitespace<'_> {
    text.split_whitespace()
}

/// The command, or the arguments.
fn input<'a>(act: &Act<'a>) -> Cow<'a, str> {
    match &act.action.shell {
        Some(shell) => Cow::Borrowed(&shell.cmd),
        None => Cow::Owned(arguments(act)),
    }
}

/// The arguments without what the model says beside them.
fn arguments(act: &Act<'_>) -> String {
    match act.action.args.as_object() {
        Some(fields) => {
            let said = ["thought", "security_risk", "summary"];
            let fields = fields
                .iter()
                .filter(|(name, _)| !said.contains(&name.as_str()));
            let pairs = fields.flat_map(|(name, value)| [name.clone(), value.to_string()]);
            pairs.collect::<Vec<_>>().join(" ")
        }
        None => act.action.args.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use crate::behave::tests::Run;
    use crate::model::FlagKind::Loop;

    #[test]
    fn again_and_again() {
        let mut run = Run::issue();
        for _ in 0..6 {
            run = run.shell("ls  -l", "a\nb", 0);
        }
        run.has(Loop, &[3]);
        let mut run = Run::issue();
        for _ in 0..3 {
            run = run.shell("ls", "a", 0).shell("pwd", "/w", 0);
        }
        run.has(Loop, &[6]);
    }

    #[test]
    fn white_space_is_no_difference() {
        Run::issue()
            .shell("ls -l", "a b\n", 0)
            .shell("ls  -l", " a  b", 0)
            .shell(" ls -l\n", "a\nb", 0)
            .has(Loop, &[3]);
        Run::issue()
            .shell("ls -l", "a b", 0)
            .shell("ls -l", "ab", 0)
            .shell("ls -l", "a b", 0)
            .has(Loop, &[]);
    }

    #[test]
    fn the_end_and_what_has_no_outcome_are_like_nothing() {
        Run::issue()
            .unanswered("ls")
            .unanswered("ls")
            .unanswered("ls")
            .has(Loop, &[]);
        Run::issue()
            .finish("done")
            .finish("done")
            .finish("done")
            .has(Loop, &[]);
        Run::issue()
            .shell("ls", "a", 0)
            .shell("ls", "a", 1)
            .shell("ls", "a", 0)
            .has(Loop, &[]);
    }

    #[test]
    fn twice_or_with_another_outcome() {
        Run::issue()
            .shell("ls", "a", 0)
            .shell("ls", "a", 0)
            .has(Loop, &[]);
        Run::issue()
            .shell("ls", "a", 0)
            .shell("ls", "a", 0)
            .shell("ls", "b", 0)
            .has(Loop, &[]);
        Run::issue()
            .shell("ls a", "x", 0)
            .shell("ls b", "x", 0)
            .shell("ls c", "x", 0)
            .has(Loop, &[]);
        Run::issue()
            .shell("ls", "a", 0)
            .shell("pwd", "w", 0)
            .shell("ls", "a", 0)
            .shell("pwd", "w", 0)
            .shell("ls", "a", 0)
            .has(Loop, &[]);
    }
}
