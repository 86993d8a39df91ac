//! One part of the statistics as CSV (RFC 4180): one table with a row for each group, all digits, shares from 0 to 1.

use crate::model::Component;
use crate::model::Text;
use crate::stats::doc::SectionKind;
use crate::stats::measure::MEASURES;
use crate::stats::report::Group;
use crate::stats::report::Share;
use crate::stats::report::Stats;
use crate::stats::report::matrix_words;

/// The part as CSV, with a line of heads. The first column says whether a row is about all records or a group, the next
/// ones name the group.
pub fn csv(stats: &Stats, kind: SectionKind) -> String {
    let (heads, rows) = match kind {
        SectionKind::Overview => overview(stats),
        SectionKind::Behaviour => behaviour(stats),
        SectionKind::Distributions => distributions(stats),
        SectionKind::OverTime => over_time(stats),
        SectionKind::Flags => flags(stats),
        SectionKind::Agreement => agreement(stats),
        SectionKind::Coverage => coverage(stats),
    };
    let mut out = heads.join(",") + "\r\n";
    for row in rows {
        let cells: Vec<String> = row.into_iter().map(Cell::written).collect();
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
    out
}

type Heads = Vec<&'static str>;
type Rows = Vec<Vec<Cell>>;

enum Cell {
    /// A word or number of ours.
    Plain(String),
    /// What a record says.
    Quoted(Text),
}

impl Cell {
    fn number(number: Option<f64>) -> Self {
        Self::Plain(number.map(|number| number.to_string()).unwrap_or_default())
    }

    /// What a record says is always in quotes, with a ' before what a spreadsheet would take for a formula.
    fn written(self) -> String {
        match self {
            Self::Plain(text) => text,
            Self::Quoted(text) => {
                let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
                let guard = if is_formula { "'" } else { "" };
                format!("\"{guard}{}\"", text.replace('"', "\"\""))
            }
        }
    }
}

impl From<&str> for Cell {
    fn from(word: &str) -> Self {
        Self::Plain(word.to_owned())
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Self {
        Self::Plain(count.to_string())
    }
}

impl From<u64> for Cell {
    fn from(count: u64) -> Self {
        Self::Plain(count.to_string())
    }
}

impl From<&Option<Text>> for Cell {
    fn from(value: &Option<Text>) -> Self {
        value.clone().map_or_else(|| "".into(), Self::Quoted)
    }
}

fn share(share: &Share) -> [Cell; 3] {
    [
        share.count.into(),
        share.of.into(),
        Cell::number(share.share),
    ]
}

/// A table with at least one row for all records and for each group.
fn by_group(
    stats: &Stats,
    heads: impl IntoIterator<Item = &'static str>,
    rows: impl Fn(&Group) -> Rows,
) -> (Heads, Rows) {
    let own = stats.by.iter().map(|by| by.name());
    let heads = std::iter::once("of").chain(own).chain(heads).collect();
    let groups = std::iter::once(("all", &stats.total))
        .chain(stats.groups.iter().map(|group| ("group", group)));
    let named = groups.flat_map(|(of, group)| {
        let rows = rows(group).into_iter();
        rows.map(move |row| {
            let key = (0..stats.by.len())
                .map(|ix| group.key.get(ix).map_or_else(|| "".into(), Cell::from));
            std::iter::once(Cell::from(of))
                .chain(key)
                .chain(row)
                .collect()
        })
    });
    (heads, named.collect())
}

fn overview(stats: &Stats) -> (Heads, Rows) {
    let heads = ["records", "rate", "count", "known", "share", "low", "high"];
    by_group(stats, heads, |group| {
        let rates = group.rates.all().into_iter();
        let row = |(name, _, rate): (&str, &str, &crate::stats::report::Rate)| {
            vec![
                group.records.into(),
                name.into(),
                rate.count.into(),
                rate.of.into(),
                Cell::number(rate.rate),
                Cell::number(rate.interval.map(|ends| ends.low)),
                Cell::number(rate.interval.map(|ends| ends.high)),
            ]
        };
        rates.map(row).collect()
    })
}

fn behaviour(stats: &Stats) -> (Heads, Rows) {
    by_group(
        stats,
        MEASURES.iter().map(|measure| measure.name),
        |group| {
            let values = MEASURES.iter().map(|measure| (measure.of)(group).plain());
            vec![values.map(Cell::Plain).collect()]
        },
    )
}

fn distributions(stats: &Stats) -> (Heads, Rows) {
    let heads = [
        "quantity", "known", "min", "q1", "median", "q3", "p90", "max", "mean",
    ];
    by_group(stats, heads, |group| {
        let known = group.distributions.iter();
        let known = known.filter_map(|(quantity, told)| Some((quantity, told.as_ref()?)));
        let row = known.map(|(quantity, told)| {
            let values = [
                told.min,
                told.q1,
                told.median,
                told.q3,
                told.p90,
                told.max,
                told.mean,
            ];
            let values = values.map(|value| Cell::number(Some(value)));
            [Cell::from(quantity.name()), told.known.into()]
                .into_iter()
                .chain(values)
                .collect()
        });
        row.collect()
    })
}

fn over_time(stats: &Stats) -> (Heads, Rows) {
    let names = Component::ALL.map(Component::name);
    by_group(stats, ["from", "to"].into_iter().chain(names), |group| {
        let count = group.course.len();
        #[expect(clippy::cast_precision_loss, reason = "a few stretches")]
        let at = |nth: usize| Cell::number(Some(nth as f64 / count as f64));
        let rows = group.course.iter().enumerate().map(|(nth, shares)| {
            let shares = shares.values().map(|share| Cell::number(Some(share)));
            [at(nth), at(nth + 1)].into_iter().chain(shares).collect()
        });
        rows.collect()
    })
}

fn flags(stats: &Stats) -> (Heads, Rows) {
    by_group(stats, ["flag", "count", "known", "share"], |group| {
        let row = |flag: &crate::stats::report::FlagShare| {
            std::iter::once(Cell::from(flag.flag.name()))
                .chain(share(&flag.share))
                .collect()
        };
        group.flags.iter().map(row).collect()
    })
}

fn agreement(stats: &Stats) -> (Heads, Rows) {
    let (verdicts, people) = matrix_words();
    let mut rows = Rows::new();
    for matrix in &stats.agreement {
        for (verdict, counts) in verdicts.into_iter().zip(&matrix.counts) {
            for (person, count) in people.into_iter().zip(counts) {
                let rules = matrix.rules.name();
                rows.push(vec![
                    rules.into(),
                    verdict.into(),
                    person.into(),
                    (*count).into(),
                ]);
            }
        }
    }
    (vec!["rules", "verdict", "people", "records"], rows)
}

fn coverage(stats: &Stats) -> (Heads, Rows) {
    let mut rows = Rows::new();
    for coverage in &stats.coverage {
        for row in &coverage.rows {
            rows.push(vec![
                coverage.by.name().into(),
                (&row.value).into(),
                row.records.count.into(),
                Cell::number(row.records.share),
                row.accepted.count.into(),
                Cell::number(row.accepted.share),
                Cell::number(row.ratio),
            ]);
        }
    }
    let heads = vec![
        "by",
        "value",
        "records",
        "share",
        "accepted",
        "accepted_share",
        "ratio",
    ];
    (heads, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &str) {
        assert_eq!(Cell::Quoted(text.into()).written(), want);
    }

    #[test]
    fn what_records_say_is_quoted() {
        check("a/b", r#""a/b""#);
        check("a\"b,c\nd", "\"a\"\"b,c\nd\"");
        check("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\"");
        for start in ["+1", "-1", "@x", "\tx", "\rx"] {
            check(start, &format!("\"'{start}\""));
        }
    }
}
