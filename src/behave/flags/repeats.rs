//! `loop`: the agent does the same thing again and again.
//!
//! Rule: the same action (tool and arguments alike up to white space) three times in a row, or a cycle of two actions
//! three times, each with the same outcome up to white space and without a word of a person between them; the step of the third. Waiting for a program that makes
//! progress and paging have new outcomes each time. A row is flagged once, however long it is.

use std::hash::DefaultHasher;
use std::hash::Hash as _;
use std::hash::Hasher as _;

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
    let prints: Vec<u64> = course.acts.iter().map(fingerprint).collect();
    let mut found = Vec::new();
    for period in [1, 2] {
        // how many actions in a row are like the one `period` before
        let mut alike = 0;
        for (ix, act) in course.acts.iter().enumerate().skip(period) {
            let same =
                |a: usize, b: usize| prints.get(a).is_some() && prints.get(a) == prints.get(b);
            let is_simple = period == 2 && same(ix, ix - 1);
            if !same(ix, ix - period) || is_simple {
                alike = 0;
                continue;
            }
            alike += 1;
            if alike == (TIMES - 1) * period {
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

/// A number for what was done and what came of it.
fn fingerprint(act: &Act<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut add = |text: &str| {
        for word in text.split_whitespace() {
            word.hash(&mut hasher);
        }
        0_u8.hash(&mut hasher);
    };
    add(&act.action.tool);
    add(&act.turn.to_string());
    match &act.action.shell {
        Some(shell) => add(&shell.cmd),
        None => add(&arguments(act)),
    }
    // finishing again and again is what harnesses ask for
    if act.action.class == ActionClass::Finish {
        act.step.hash(&mut hasher);
    }
    match &act.action.observation {
        Some(observation) => {
            for text in seen(observation) {
                for word in text.split_whitespace() {
                    word.hash(&mut hasher);
                }
            }
            observation.exit_code.hash(&mut hasher);
        }
        // what has no outcome is like nothing
        None => act.step.hash(&mut hasher),
    }
    hasher.finish()
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
