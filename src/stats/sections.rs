//! Statistics to a page: which tables and charts stand in which part.

use crate::behave::flags::rule_of;
use crate::model::FlagKind;
use crate::review::agreement::Interval;
use crate::stats::doc::Bar;
use crate::stats::doc::Bars;
use crate::stats::doc::Block;
use crate::stats::doc::Course;
use crate::stats::doc::Doc;
use crate::stats::doc::Row;
use crate::stats::doc::Section;
use crate::stats::doc::SectionKind;
use crate::stats::doc::Stacked;
use crate::stats::doc::StackedBar;
use crate::stats::doc::Table;
use crate::stats::group::GroupBy;
use crate::stats::group::Selection;
use crate::stats::group::words;
use crate::stats::measure::MEASURES;
use crate::stats::measure::Measure;
use crate::stats::measure::number_words;
use crate::stats::measure::percent;
use crate::stats::numbers::Bin;
use crate::stats::numbers::Distribution;
use crate::stats::report::ByComponent;
use crate::stats::report::Coverage;
use crate::stats::report::Group;
use crate::stats::report::Matrix;
use crate::stats::report::Rate;
use crate::stats::report::Stats;
use crate::stats::report::matrix_words;
use crate::stats::tally::Quantity;
use crate::text::human;
use crate::verify::Rules;

/// Groups that stand in tables with a row each; JSON and CSV have them all.
const ROWS: usize = 200;
/// Groups that have a column each.
const COLUMNS: usize = 24;
/// Groups that have a chart each.
const CHARTS: usize = 8;

impl Stats {
    /// The page, with these parts of it.
    pub fn doc(&self, kinds: &[SectionKind]) -> Doc {
        self.page(kinds, |kind| self.blocks(kind))
    }

    /// The page as somebody may see it who has not decided yet: without verdicts, outcomes and what people decided. The
    /// parts that are about nothing else say so.
    pub fn blind_doc(&self, kinds: &[SectionKind]) -> Doc {
        let known = self.blinded();
        let hidden = || Block::Note("verdicts and outcomes are hidden while blind".to_owned());
        self.page(kinds, |kind| match kind {
            SectionKind::Overview => {
                let mut blocks = known.counts();
                blocks.push(hidden());
                blocks.extend(known.group_blocks());
                blocks
            }
            SectionKind::Agreement | SectionKind::Coverage => vec![hidden()],
            kind => known.blocks(kind),
        })
    }

    fn page(&self, kinds: &[SectionKind], blocks: impl Fn(SectionKind) -> Vec<Block>) -> Doc {
        let word = if self.records == 1 {
            "trajectory"
        } else {
            "trajectories"
        };
        let mut title = format!("{} {word}", human::count(self.records));
        if !self.by.is_empty() {
            let by: Vec<&str> = self.by.iter().map(|by| by.name()).collect();
            title = format!("{title} by {}", by.join(" and "));
        }
        let section = |kind: &SectionKind| Section {
            kind: *kind,
            blocks: blocks(*kind),
        };
        Doc {
            title,
            sections: kinds.iter().map(section).collect(),
        }
    }

    fn blocks(&self, kind: SectionKind) -> Vec<Block> {
        match kind {
            SectionKind::Overview => self.overview(),
            SectionKind::Behaviour => self.behaviour(),
            SectionKind::Distributions => self.quantities(),
            SectionKind::OverTime => self.over_time(),
            SectionKind::Flags => self.flags(),
            SectionKind::Agreement => self.agreement.iter().flat_map(matrix).collect(),
            SectionKind::Coverage => self.covered(),
        }
    }

    fn selection(&self, group: &Group) -> Selection {
        Selection {
            by: self.by.clone(),
            key: group.key.clone(),
        }
    }

    /// All records, then the groups, at most so many.
    fn rows(&self, most: usize) -> impl Iterator<Item = (String, Option<Selection>, &Group)> {
        let groups = self.groups.iter().take(most);
        let named = groups.map(|group| (words(&group.key), Some(self.selection(group)), group));
        std::iter::once(("all".to_owned(), None, &self.total)).chain(named)
    }

    /// What is left out where there are more groups.
    fn rest(&self, shown: usize) -> Option<Block> {
        let more = self
            .groups
            .len()
            .checked_sub(shown)
            .filter(|more| *more > 0)?;
        let text = format!(
            "and {} with fewer records: --json and --csv have them all",
            human::plural(more, "group")
        );
        Some(Block::Note(text))
    }

    /// How many records there are to tell of, where those are not all.
    fn counts(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let done = self.records + self.faults;
        if done < self.asked {
            let (done, asked) = (human::count(done), human::count(self.asked));
            blocks.push(Block::Note(format!("{done} of {asked} records so far")));
        }
        if self.faults > 0 {
            let faults = human::plural(self.faults, "record");
            blocks.push(Block::Note(format!("{faults} could not be read")));
        }
        blocks
    }

    fn overview(&self) -> Vec<Block> {
        let mut blocks = self.counts();
        let rates = self.total.rates.all().into_iter();
        let known = rates.filter(|(_, _, rate)| rate.of > 0);
        let bars: Vec<Bar> = known
            .map(|(name, words, rate)| rate_bar(words.to_owned(), rate, accepted(name)))
            .collect();
        if bars.is_empty() {
            let text = "no outcome, verdict or decision is known of any of them";
            blocks.push(Block::Note(text.to_owned()));
        } else {
            blocks.push(bars_block("How often (with 95 % intervals)", "share", bars));
        }
        blocks.extend(self.group_blocks());
        blocks
    }

    /// The groups beside each other.
    fn group_blocks(&self) -> Vec<Block> {
        if self.groups.is_empty() {
            return Vec::new();
        }
        let mut blocks = vec![Block::Table(self.group_table())];
        blocks.extend(self.rest(ROWS));
        for (name, title) in [
            ("resolved", "Resolved by group"),
            ("outcome", "Accepted in effect by group"),
        ] {
            let rate = |group: &Group| {
                let all = group.rates.all();
                all.into_iter()
                    .find(|(known, ..)| *known == name)
                    .map(|(_, _, rate)| rate.clone())
            };
            let groups = self.rows(CHARTS * 3).skip(1);
            let bars: Vec<Bar> = groups
                .filter_map(|(label, selection, group)| {
                    let rate = rate(group).filter(|rate| rate.of > 0)?;
                    Some(rate_bar(label, &rate, selection))
                })
                .collect();
            if bars.len() > 1 {
                blocks.push(bars_block(title, "share", bars));
            }
        }
        blocks
    }

    fn group_table(&self) -> Table {
        let heads = [
            "",
            "records",
            "share",
            "resolved",
            "published",
            "strict",
            "people",
            "effective",
            "steps",
            "cost",
        ];
        let rows = self.rows(ROWS).map(|(name, selection, group)| {
            let all = self.total.records.max(1);
            #[expect(clippy::cast_precision_loss, reason = "counts of records fit a double")]
            let share = group.records as f64 / all as f64;
            let median = |quantity: Quantity| {
                let known = group.distribution(quantity);
                known.map_or_else(|| "-".to_owned(), |known| amount(quantity, known.median))
            };
            let mut cells = vec![name, human::count(group.records), percent(Some(share))];
            cells.extend(group.rates.all().map(|(_, _, rate)| rate_words(rate)));
            cells.extend([median(Quantity::Steps), median(Quantity::Cost)]);
            Row { cells, selection }
        });
        let table = Table {
            title: "Groups (steps and cost are medians)".to_owned(),
            heads: heads.map(str::to_owned).into(),
            rows: rows.collect(),
        };
        table.without_empty_columns()
    }

    fn behaviour(&self) -> Vec<Block> {
        let bars = self
            .rows(CHARTS * 3)
            .filter_map(|(label, selection, group)| {
                let shares = group.behaviour.components.values().map(|part| part.share);
                // all of them are known as soon as one is
                let shares = shares.map(|share| share.unwrap_or(0.0));
                let is_known = shares.iter().any(|share| *share > 0.0);
                is_known.then_some(StackedBar {
                    label,
                    shares,
                    selection,
                })
            });
        let stacked = Stacked {
            title: "Components of actions".to_owned(),
            bars: bars.collect(),
        };
        let mut blocks = Vec::new();
        if !stacked.bars.is_empty() {
            blocks.push(Block::Stacked(stacked));
        }
        blocks.push(Block::Table(self.measures("What they do", MEASURES.iter())));
        blocks.extend(self.rest(COLUMNS));
        blocks
    }

    /// A table with a row for each measure and a column for each group.
    fn measures<'a>(&self, title: &str, measures: impl Iterator<Item = &'a Measure>) -> Table {
        let columns: Vec<(String, &Group)> = self
            .rows(COLUMNS)
            .map(|(name, _, group)| (name, group))
            .collect();
        let mut heads = vec![String::new()];
        heads.extend(columns.iter().map(|(name, _)| name.clone()));
        let rows = measures.map(|measure| {
            let mut cells = vec![measure.words.to_owned()];
            cells.extend(columns.iter().map(|(_, group)| (measure.of)(group).words()));
            Row {
                cells,
                selection: measure.selection(),
            }
        });
        Table {
            title: title.to_owned(),
            heads,
            rows: rows.collect(),
        }
    }

    fn quantities(&self) -> Vec<Block> {
        let known = |group: &'_ Group| -> Vec<(Quantity, Distribution)> {
            let all = group.distributions.iter();
            all.filter_map(|(quantity, known)| Some((*quantity, known.clone()?)))
                .collect()
        };
        let total = known(&self.total);
        let heads = [
            "", "known", "min", "25 %", "median", "75 %", "90 %", "max", "mean",
        ];
        let rows = total.iter().map(|(quantity, told)| Row {
            cells: distribution_cells(quantity.words().to_owned(), *quantity, told),
            selection: None,
        });
        let mut blocks = vec![Block::Table(Table {
            title: "How much of everything".to_owned(),
            heads: heads.map(str::to_owned).into(),
            rows: rows.collect(),
        })];
        for (quantity, told) in &total {
            blocks.push(histogram(*quantity, told));
        }
        if self.groups.is_empty() {
            return blocks;
        }
        for (quantity, _) in &total {
            let rows = self.rows(ROWS).filter_map(|(name, selection, group)| {
                let known = group.distribution(*quantity)?;
                Some(Row {
                    cells: distribution_cells(name, *quantity, known),
                    selection,
                })
            });
            blocks.push(Block::Table(Table {
                title: format!("{} by group", capital(quantity.words())),
                heads: heads.map(str::to_owned).into(),
                rows: rows.collect(),
            }));
        }
        blocks.extend(self.rest(ROWS));
        blocks
    }

    fn over_time(&self) -> Vec<Block> {
        let charts = self
            .rows(CHARTS)
            .filter(|(_, _, group)| !group.course.is_empty());
        let mut blocks: Vec<Block> = charts
            .map(|(name, _, group)| {
                let stretches = group.course.iter().map(ByComponent::values).collect();
                let title = format!("{name}: what is done when, from the first step to the last");
                Block::Course(Course { title, stretches })
            })
            .collect();
        if blocks.is_empty() {
            blocks.push(Block::Note(
                "no trajectory has a response of a model".to_owned(),
            ));
        }
        blocks.extend(self.rest(CHARTS));
        blocks
    }

    fn covered(&self) -> Vec<Block> {
        if self.total.rates.outcome.count == 0 {
            let text = "nothing is accepted in effect, by people or by the filter that counts";
            return vec![Block::Note(text.to_owned())];
        }
        self.coverage.iter().flat_map(coverage).collect()
    }

    fn flags(&self) -> Vec<Block> {
        let mut flags: Vec<_> = self
            .total
            .flags
            .iter()
            .filter(|flag| flag.share.count > 0)
            .collect();
        flags.sort_by_key(|flag| std::cmp::Reverse(flag.share.count));
        let bars: Vec<Bar> = flags
            .iter()
            .map(|flag| Bar {
                label: flag_label(flag.flag),
                length: flag.share.share.unwrap_or(0.0),
                text: format!(
                    "{}  {}",
                    human::short_count(flag.share.count),
                    percent(flag.share.share)
                ),
                interval: None,
                selection: Some(Selection::of(GroupBy::Flag, flag.flag.name())),
            })
            .collect();
        let off: Vec<&str> = self.flags_off.iter().map(|flag| flag.name()).collect();
        let off = (!off.is_empty())
            .then(|| Block::Note(format!("switched off, not counted: {}", off.join(", "))));
        if bars.is_empty() {
            let nothing = Block::Note("nothing was flagged".to_owned());
            return std::iter::once(nothing).chain(off).collect();
        }
        let mut blocks = vec![bars_block(
            "Flagged trajectories (a flag decides nothing)",
            "share",
            bars,
        )];
        if flags.iter().any(|flag| !is_default(flag.flag)) {
            let text =
                "* is off unless the settings switch it on: often wrong, or not known how often";
            blocks.push(Block::Note(text.to_owned()));
        }
        blocks.extend(off);
        if !self.groups.is_empty() {
            let seen = MEASURES.iter().filter(|measure| {
                measure
                    .flag
                    .is_some_and(|flag| self.total.flag(flag).count > 0)
            });
            blocks.push(Block::Table(self.measures("Flags by group", seen)));
            blocks.extend(self.rest(COLUMNS));
        }
        blocks
    }
}

/// Whether a flag is shown without being asked for.
fn is_default(flag: FlagKind) -> bool {
    rule_of(flag).is_none_or(|rule| rule.is_default)
}

fn flag_label(flag: FlagKind) -> String {
    let mark = if is_default(flag) { "" } else { " *" };
    format!("{}{mark}", flag.name())
}

fn bars_block(title: &str, unit: &'static str, bars: Vec<Bar>) -> Block {
    Block::Bars(Bars {
        title: title.to_owned(),
        unit,
        is_histogram: false,
        rows: bars,
    })
}

/// The records for which a rate counts.
fn accepted(name: &str) -> Option<Selection> {
    let by = GroupBy::from_name(name)?;
    let value = if by == GroupBy::Resolved {
        "resolved"
    } else {
        "accept"
    };
    Some(Selection::of(by, value))
}

fn rate_bar(label: String, rate: &Rate, selection: Option<Selection>) -> Bar {
    Bar {
        label,
        length: rate.rate.unwrap_or(0.0),
        text: format!(
            "{}/{} {}",
            human::count(rate.count),
            human::count(rate.of),
            interval_words(rate)
        ),
        interval: rate.interval,
        selection,
    }
}

/// `62.5 % [48.1–74.9]`.
fn interval_words(rate: &Rate) -> String {
    match rate.interval {
        Some(Interval { low, high }) => {
            format!(
                "{} [{:.1}–{:.1}]",
                percent(rate.rate),
                low * 100.0,
                high * 100.0
            )
        }
        None => percent(rate.rate),
    }
}

/// `62.5 % of 48`.
fn rate_words(rate: &Rate) -> String {
    match rate.rate {
        Some(_) => format!("{} of {}", percent(rate.rate), human::count(rate.of)),
        None => "-".to_owned(),
    }
}

/// A value of a quantity, in its unit.
pub(super) fn amount(quantity: Quantity, value: f64) -> String {
    match quantity {
        Quantity::Cost if value < 1.0 => cents(value),
        Quantity::Cost if value < 1e6 => human::dollars(value),
        Quantity::Cost => format!("${}", number_words(value)),
        Quantity::Duration => human::seconds(value),
        _ => number_words(value),
    }
}

/// `$0.0028`, `$0.42`: neighbouring bins are told apart.
fn cents(value: f64) -> String {
    let text = format!("{value:.4}");
    match text.trim_end_matches('0').trim_end_matches('.') {
        "0" if value > 0.0 => format!("${value:.1e}"),
        short => format!("${short}"),
    }
}

fn distribution_cells(name: String, quantity: Quantity, told: &Distribution) -> Vec<String> {
    let values = [
        told.min,
        told.q1,
        told.median,
        told.q3,
        told.p90,
        told.max,
        told.mean,
    ];
    let mut cells = vec![name, human::count(told.known)];
    cells.extend(values.map(|value| amount(quantity, value)));
    cells
}

fn histogram(quantity: Quantity, told: &Distribution) -> Block {
    let histogram = &told.histogram;
    let most = histogram
        .bins
        .iter()
        .map(|bin| bin.count)
        .max()
        .unwrap_or(0)
        .max(1);
    let last = histogram.bins.len().saturating_sub(1);
    let bars = histogram.bins.iter().zip(0..).map(|(bin, nth)| {
        #[expect(clippy::cast_precision_loss, reason = "counts of records fit a double")]
        let length = bin.count as f64 / most as f64;
        Bar {
            label: bin_words(quantity, bin, nth == last),
            length,
            text: human::count(bin.count),
            interval: None,
            selection: None,
        }
    });
    let scale = if histogram.is_log { ", bins grow" } else { "" };
    Block::Bars(Bars {
        title: format!(
            "{} ({} trajectories{scale})",
            capital(quantity.words()),
            human::count(told.known)
        ),
        unit: "trajectories",
        is_histogram: true,
        rows: bars.collect(),
    })
}

/// `10–19`, `$0.10–$0.20`; one value alone where there is one.
fn bin_words(quantity: Quantity, bin: &Bin, is_last: bool) -> String {
    // the last bin holds its end, and where numbers are whole an end that is not held is one too high
    let to = if quantity.is_whole() && !is_last {
        bin.to - 1.0
    } else {
        bin.to
    };
    let (from, to) = (
        amount(quantity, bin.from),
        amount(quantity, to.max(bin.from)),
    );
    if from == to {
        from
    } else {
        format!("{from}–{to}")
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn matrix(matrix: &Matrix) -> Vec<Block> {
    let (verdicts, people) = matrix_words();
    let name = matrix.rules.name();
    let judge = if matrix.rules == Rules::Published {
        GroupBy::Published
    } else {
        GroupBy::Strict
    };
    let mut heads = vec![format!("{name} \\ people")];
    heads.extend(people.map(str::to_owned));
    heads.push("all".to_owned());
    let rows = verdicts
        .into_iter()
        .zip(&matrix.counts)
        .map(|(verdict, counts)| {
            let mut cells = vec![verdict.to_owned()];
            cells.extend(counts.iter().map(|count| human::count(*count)));
            cells.push(human::count(counts.iter().sum()));
            Row {
                cells,
                selection: Some(Selection::of(judge, verdict)),
            }
        });
    let mut rows: Vec<Row> = rows.collect();
    let sum = |column: usize| matrix.counts.iter().map(|row| row[column]).sum::<usize>();
    let mut all = vec!["all".to_owned()];
    all.extend((0..people.len()).map(|column| human::count(sum(column))));
    all.push(human::count(matrix.counts.iter().flatten().sum()));
    rows.push(Row {
        cells: all,
        selection: None,
    });
    let table = Table {
        title: format!("{} rules (rows) beside people (columns)", capital(name)),
        heads,
        rows,
    };
    let kappa = match &matrix.kappa {
        None => "nothing was both judged by these rules and decided by people".to_owned(),
        Some(kappa) => {
            let value = kappa
                .kappa
                .map_or_else(|| "not defined".to_owned(), |value| format!("{value:.3}"));
            let interval = kappa
                .interval
                .map(|ends| format!(" [{:.3}, {:.3}]", ends.low, ends.high));
            let records = human::plural(kappa.count, "record");
            format!(
                "{records}: {} alike, κ {value}{}",
                percent(Some(kappa.observed)),
                interval.unwrap_or_default()
            )
        }
    };
    // where rules and people differ, the records themselves are what one wants next
    let differ = [("accept", "reject"), ("reject", "accept")].map(|(verdict, person)| {
        let at =
            |names: &[&str], name: &str| names.iter().position(|known| *known == name).unwrap_or(0);
        let count = matrix.counts[at(&verdicts, verdict)][at(&people, person)];
        Row {
            cells: vec![
                format!("{name} {verdict}s, people {person}"),
                human::count(count),
            ],
            selection: Some(Selection {
                by: vec![judge, GroupBy::Decision],
                key: vec![Some(verdict.into()), Some(person.into())],
            }),
        }
    });
    vec![
        Block::Table(table),
        Block::Table(Table {
            title: String::new(),
            heads: vec!["where they differ".to_owned(), "records".to_owned()],
            rows: differ.into(),
        }),
        Block::Note(kappa),
    ]
}

fn coverage(coverage: &Coverage) -> Vec<Block> {
    /// A share that differs by less is told as even.
    const EVEN: f64 = 0.05;
    let sign = |ratio: f64| match ratio {
        ratio if ratio > 1.0 + EVEN => " ▲",
        ratio if ratio < 1.0 - EVEN => " ▼",
        _ => " =",
    };
    let rows = coverage.rows.iter().take(ROWS).map(|row| {
        let ratio = row.ratio.map_or_else(
            || "-".to_owned(),
            |ratio| format!("{ratio:.2}{}", sign(ratio)),
        );
        let count = |count: u64| human::count(usize::try_from(count).unwrap_or(usize::MAX));
        Row {
            cells: vec![
                row.value.as_deref().unwrap_or("-").to_owned(),
                count(row.records.count),
                percent(row.records.share),
                count(row.accepted.count),
                percent(row.accepted.share),
                ratio,
            ],
            selection: Some(Selection {
                by: vec![coverage.by],
                key: vec![row.value.clone()],
            }),
        }
    });
    let heads = ["", "records", "of all", "accepted", "of accepted", "ratio"];
    let what = if coverage.by == GroupBy::Repo {
        "repository"
    } else {
        "task type"
    };
    let mut blocks = vec![Block::Table(Table {
        title: format!("Accepted in effect beside all, by {what}"),
        heads: heads.map(str::to_owned).into(),
        rows: rows.collect(),
    })];
    let more = coverage.rows.len().saturating_sub(ROWS);
    if more > 0 {
        blocks.push(Block::Note(format!(
            "and {} more: --json and --csv have them all",
            human::count(more)
        )));
    }
    blocks
}
