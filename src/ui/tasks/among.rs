//! Searching rows that are neither the list's nor a page's: those of search results, and the steps of two attempts.

use regex::Regex;

use crate::cancel::Cancel;
use crate::search::matching_steps;
use crate::ui::effect::Among;
use crate::ui::event::Compared;
use crate::ui::event::GrepHit;
use crate::ui::event::Notice;

/// Rows that are looked at before it is asked whether to go on.
const AT_ONCE: usize = 1024;

/// Searches, and says what was found unless it was cancelled.
pub(super) fn find(among: &Among, pattern: &Regex, cancel: &Cancel, say: &mut dyn FnMut(Notice)) {
    let notice = match among {
        Among::Results(generation, rows, from) => {
            Notice::ResultsFound(*generation, of_results(rows, *from, pattern, cancel))
        }
        Among::Attempts(opened, generation, compared) => {
            let rows = of_attempts(compared, pattern, cancel);
            Notice::StepsFound(*opened, *generation, rows)
        }
    };
    if !cancel.is_cancelled() {
        say(notice);
    }
}

/// The rows from number `from` on whose name or line matches.
fn of_results(rows: &[GrepHit], from: usize, pattern: &Regex, cancel: &Cancel) -> Vec<usize> {
    let mut found = Vec::new();
    for (at, row) in rows.iter().enumerate().skip(from) {
        if at % AT_ONCE == 0 && cancel.is_cancelled() {
            break;
        }
        let line = [row.before.as_str(), &row.matched, &row.after].concat();
        if pattern.is_match(&row.name) || pattern.is_match(&line) {
            found.push(at);
        }
    }
    found
}

/// The rows of the alignment one of whose steps matches.
fn of_attempts(compared: &Compared, pattern: &Regex, cancel: &Cancel) -> Vec<usize> {
    let [left, right] = compared
        .trajectories
        .each_ref()
        .map(|trajectory| matching_steps(trajectory, pattern, cancel));
    let rows = compared.alignment.rows.iter().enumerate();
    let has = |steps: &[usize], step: Option<usize>| {
        step.is_some_and(|step| steps.binary_search(&step).is_ok())
    };
    rows.filter(|(_, row)| has(&left, row.step(0)) || has(&right, row.step(1)))
        .map(|(at, _)| at)
        .collect()
}
