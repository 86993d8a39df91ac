//! How often the filter accepts, rejects and cannot say, by type of task, and where its two sets of rules differ.

use std::collections::BTreeMap;
use std::io;
use std::io::Write;

use crate::model::TaskKind;
use crate::model::Verdict;
use crate::text;
use crate::text::human;
use crate::verify::Rules;
use crate::verify::check::Checked;

const VERDICTS: [Verdict; 3] = [Verdict::Accept, Verdict::Reject, Verdict::Unjudged];

/// Counts by published verdict, then by strict verdict, in the order of [`VERDICTS`].
type Cells = [[usize; 3]; 3];

/// The counts of a run.
#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<TaskKind, Counts>);

/// The counts of a type of task; verdicts in the order of [`VERDICTS`].
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    rules: Cells,
    /// By what labels say.
    labels: [usize; 3],
    /// By what the filter says that was asked for.
    filter: [usize; 3],
}

impl Tally {
    /// Counts a record, and what the filter says of it, where one was asked for.
    pub(super) fn add(&mut self, checked: &Checked, filter: Option<Verdict>) {
        let verdicts = [checked.published.verdict, checked.strict.verdict];
        self.count(checked.kind, verdicts, checked.resolved, filter);
    }

    /// Counts a record by what the published and the strict rules say, its label, and what the filter says.
    pub(super) fn count(
        &mut self,
        kind: TaskKind,
        [published, strict]: [Verdict; 2],
        resolved: Option<bool>,
        filter: Option<Verdict>,
    ) {
        let place = |verdict| {
            VERDICTS
                .iter()
                .position(|known| *known == verdict)
                .unwrap_or(VERDICTS.len() - 1)
        };
        let counts = self.0.entry(kind).or_default();
        counts.rules[place(published)][place(strict)] += 1;
        counts.labels[place(resolved.map_or(Verdict::Unjudged, Verdict::of))] += 1;
        counts.filter[place(filter.unwrap_or_default())] += 1;
    }

    /// Prints the closing tables: a line for each type of task and set of rules, one for labels where there are any, one
    /// for the filter with this name, and with both sets of rules the confusion.
    pub(super) fn print(
        &self,
        rules: &[Rules],
        filter: Option<&str>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        const LABELS: &str = "resolved";
        let has_labels = self.all().labels[..2].iter().any(|count| *count > 0);
        let mut lines =
            vec![["TYPE", "RULES", "ACCEPTED", "REJECTED", "UNJUDGED", "RATE"].map(str::to_owned)];
        let all = self.all();
        for (kind, counts) in self.rows(&all) {
            let of_rules = rules
                .iter()
                .map(|rule| (rule.name(), margin(&counts.rules, *rule)));
            let of_labels = has_labels.then_some((LABELS, counts.labels));
            let of_filter = filter.map(|name| (name, counts.filter));
            let is_told = |name: &str| {
                let mut told = rules.iter().map(|rules| rules.name());
                told.any(|told| told == name) || (has_labels && name == LABELS)
            };
            let of_filter = of_filter.filter(|(name, _)| !is_told(name));
            let told = of_rules.chain(of_labels).chain(of_filter);
            for (ix, (name, [accepted, rejected, unjudged])) in told.enumerate() {
                let kind = if ix == 0 { kind } else { "" };
                lines.push([
                    kind.to_owned(),
                    text::clean_line(name).into_owned(),
                    human::count(accepted),
                    human::count(rejected),
                    human::count(unjudged),
                    rate(accepted, accepted + rejected),
                ]);
            }
        }
        print_lines(&lines, 2, out)?;
        if rules.len() < 2 {
            return Ok(());
        }
        writeln!(out)?;
        let head = [
            "TYPE",
            "BOTH ACCEPT",
            "ONLY PUBLISHED",
            "ONLY STRICT",
            "BOTH REJECT",
            "ONE UNJUDGED",
        ];
        let mut lines = vec![head.map(str::to_owned)];
        for (kind, counts) in self.rows(&all) {
            let cells = &counts.rules;
            let [[both, published, _], [strict, neither, _], _] = cells;
            let total: usize = cells.iter().flatten().sum();
            let rest = total - both - published - strict - neither;
            lines.push([
                kind.to_owned(),
                human::count(*both),
                human::count(*published),
                human::count(*strict),
                human::count(*neither),
                human::count(rest),
            ]);
        }
        print_lines(&lines, 1, out)
    }

    /// The types of tasks, and all together where there is more than one.
    fn rows<'a>(&'a self, all: &'a Counts) -> impl Iterator<Item = (&'static str, &'a Counts)> {
        let types = self.0.iter().map(|(kind, counts)| (kind.name(), counts));
        types.chain((self.0.len() > 1).then_some(("all", all)))
    }

    fn all(&self) -> Counts {
        let mut all = Counts::default();
        for counts in self.0.values() {
            let sums = all.rules.as_flattened_mut().iter_mut();
            let sums = sums.chain(&mut all.labels).chain(&mut all.filter);
            let added = counts.rules.as_flattened().iter();
            let added = added.chain(&counts.labels).chain(&counts.filter);
            sums.zip(added).for_each(|(sum, count)| *sum += count);
        }
        all
    }
}

fn margin(cells: &Cells, rules: Rules) -> [usize; 3] {
    std::array::from_fn(|ix| match rules {
        Rules::Published => cells.get(ix).into_iter().flatten().sum(),
        Rules::Strict => cells.iter().filter_map(|row| row.get(ix)).sum(),
    })
}

/// The share of those that were judged, in percent.
fn rate(part: usize, all: usize) -> String {
    if all == 0 {
        return "-".to_owned();
    }
    let tenths = (part * 1000 + all / 2) / all;
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// Prints aligned columns: the first `left` of them to the left, the others to the right.
fn print_lines<const N: usize>(
    lines: &[[String; N]],
    left: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let width = |ix: usize| {
        let cells = lines.iter().filter_map(|line| line.get(ix));
        cells.map(String::len).max().unwrap_or_default()
    };
    let widths: [usize; N] = std::array::from_fn(width);
    for line in lines {
        let cells = line.iter().zip(widths).enumerate();
        let cells = cells.map(|(ix, (cell, width))| {
            if ix < left {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
