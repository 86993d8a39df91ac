//! Values of one quantity, what they come to, and bins that show their shape. Knows no record.
//!
//! Values that are not numbers, endless or below zero are left out as not known: producers write them where they know
//! nothing. Everything else is exact, whatever order the values come in.

use schemars::JsonSchema;
use serde::Serialize;

/// Bins of a histogram aim at this many.
const BINS: f64 = 10.0;
/// A distribution whose largest value is so many times its median is shown on a logarithmic scale.
const SKEWED: f64 = 16.0;
/// Up to so many decades bins end at 1, 2 and 5 of each; beyond, at powers of ten.
const FINE_DECADES: i32 = 4;

/// Values of one quantity, in no order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Numbers(Vec<f64>);

impl Numbers {
    /// Takes a value, where it is one.
    pub(super) fn push(&mut self, value: Option<f64>) {
        self.0
            .extend(value.filter(|value| value.is_finite() && *value >= 0.0));
    }

    /// Takes all values of others.
    pub(super) fn merge(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    /// What they come to; `None` of nothing. `is_whole` says that only whole numbers occur, so that no bin is narrower.
    pub(super) fn distribution(&self, is_whole: bool) -> Option<Distribution> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        #[expect(clippy::cast_precision_loss, reason = "counts of records fit a double")]
        let count = sorted.len() as f64;
        Some(Distribution {
            known: sorted.len(),
            min,
            q1: quantile(&sorted, 0.25),
            median: quantile(&sorted, 0.5),
            q3: quantile(&sorted, 0.75),
            p90: quantile(&sorted, 0.9),
            max,
            // each divided first: the sum of huge ones has no end
            mean: sorted.iter().map(|value| value / count).sum(),
            histogram: Histogram::of(&sorted, is_whole),
        })
    }
}

/// The value below which a share of sorted values lies, between the two nearest where it falls between them (Hyndman
/// and Fan 1996, type 7: what R and spreadsheets do). 0 of nothing.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of records fit a double; the place is within the slice"
)]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = sorted.len().saturating_sub(1) as f64 * share;
    let at = |ix: usize| sorted.get(ix).or(sorted.last()).copied().unwrap_or(0.0);
    let (low, high) = (at(place as usize), at(place as usize + 1));
    low + (high - low) * place.fract()
}

/// What the values of one quantity come to. Quantiles lie between the two nearest values where they fall between them.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Distribution {
    /// Records that say it.
    pub known: usize,
    /// The smallest.
    pub min: f64,
    /// A quarter is below.
    pub q1: f64,
    /// Half is below.
    pub median: f64,
    /// Three quarters are below.
    pub q3: f64,
    /// Nine tenths are below.
    pub p90: f64,
    /// The largest.
    pub max: f64,
    /// The mean.
    pub mean: f64,
    /// Their shape.
    pub histogram: Histogram,
}

/// How many values lie where.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Histogram {
    /// The bins grow with the values: the distribution is skewed.
    pub is_log: bool,
    /// One after the other without a gap, at least one.
    pub bins: Vec<Bin>,
}

/// One bin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Bin {
    /// The least value in it.
    pub from: f64,
    /// The first value that is no longer in it; of the last bin, its largest.
    pub to: f64,
    /// Values in it.
    pub count: usize,
}

impl Histogram {
    fn of(sorted: &[f64], is_whole: bool) -> Self {
        let (min, max) = match (sorted.first(), sorted.last()) {
            (Some(min), Some(max)) => (*min, *max),
            _ => (0.0, 0.0),
        };
        let median = quantile(sorted, 0.5);
        let least = sorted.iter().copied().find(|value| *value > 0.0);
        let usual = median.max(least.unwrap_or(0.0));
        let is_skewed = sorted.len() > 3 && max > SKEWED * usual;
        let logarithmic = least.filter(|_| is_skewed).and_then(|least| {
            let edges = decades(least, max, min > 0.0)?;
            (edges.len() > 2).then_some(edges)
        });
        let is_log = logarithmic.is_some();
        let edges = logarithmic.unwrap_or_else(|| even(min, max, is_whole));
        let mut bins: Vec<Bin> = edges
            .windows(2)
            .filter_map(|pair| match pair {
                [from, to] => Some(Bin {
                    from: *from,
                    to: *to,
                    count: 0,
                }),
                _ => None,
            })
            .collect();
        let end = bins.len().saturating_sub(1);
        for value in sorted {
            let at = bins.partition_point(|bin| bin.from <= *value);
            if let Some(bin) = bins.get_mut(at.saturating_sub(1).min(end)) {
                bin.count += 1;
            }
        }
        if let Some(bin) = bins.last_mut() {
            bin.to = max;
        }
        Self { is_log, bins }
    }
}

/// Edges at equal distances of 1, 2 or 5 times a power of ten.
fn even(min: f64, max: f64, is_whole: bool) -> Vec<f64> {
    const MOST: i32 = 24;
    let raw = (max - min) / BINS;
    let power = 10_f64.powf(raw.log10().floor());
    let nice = [1.0, 2.0, 5.0, 10.0].map(|times| times * power);
    let step = nice.into_iter().find(|step| *step >= raw).unwrap_or(raw);
    let step = if is_whole { step.max(1.0) } else { step };
    // all values alike, or so near to each other that no step between them can be told
    if !(step.is_normal() && min + step > min) {
        return vec![min, max];
    }
    let start = (min / step).floor() * step;
    let mut edges = vec![start];
    for nth in 1..=MOST {
        let edge = start + step * f64::from(nth);
        edges.push(edge.min(f64::MAX));
        if edge > max {
            break;
        }
    }
    edges
}

/// Edges at powers of ten, and at 2 and 5 times them where few are needed; from zero unless all values are above it.
fn decades(least: f64, max: f64, is_positive: bool) -> Option<Vec<f64>> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "doubles have at most 632 decades"
    )]
    let whole = |value: f64| value.log10().floor() as i32;
    let (low, high) = (whole(least), whole(max));
    let decades = high.checked_sub(low)?.checked_add(1)?;
    let (times, step): (&[f64], i32) = match decades {
        ..=FINE_DECADES => (&[1.0, 2.0, 5.0], 1),
        _ => (&[1.0], (decades / 12).max(1)),
    };
    let mut edges = Vec::new();
    let mut power = low;
    while power <= high {
        let base = 10_f64.powi(power);
        edges.extend(times.iter().map(|times| times * base));
        power += step;
    }
    edges.push(10_f64.powi(power).min(f64::MAX));
    edges.retain(|edge| edge.is_normal());
    let first = edges
        .partition_point(|edge| *edge <= least)
        .saturating_sub(1);
    let end = edges.partition_point(|edge| *edge <= max) + 1;
    let kept = edges.get(first..end.min(edges.len()))?;
    let zero = (!is_positive).then_some(0.0);
    Some(zero.into_iter().chain(kept.iter().copied()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Numbers {
        let mut numbers = Numbers::default();
        for value in values {
            numbers.push(Some(*value));
        }
        numbers
    }

    #[track_caller]
    fn check(values: &[f64], want: [f64; 7]) {
        let got = of(values).distribution(false).unwrap();
        let got_values = [
            got.min, got.q1, got.median, got.q3, got.p90, got.max, got.mean,
        ];
        for (got, want) in got_values.iter().zip(want) {
            assert!((got - want).abs() < 1e-9, "{values:?}: {got_values:?}");
        }
        let binned: usize = got.histogram.bins.iter().map(|bin| bin.count).sum();
        assert_eq!(binned, got.known, "{values:?}: every value is in a bin");
    }

    #[test]
    fn quantiles_are_those_of_spreadsheets() {
        check(&[7.0], [7.0; 7]);
        check(&[1.0, 3.0], [1.0, 1.5, 2.0, 2.5, 2.8, 3.0, 2.0]);
        check(&[4.0, 1.0, 3.0, 2.0], [1.0, 1.75, 2.5, 3.25, 3.7, 4.0, 2.5]);
        check(&[0.0, 0.0, 0.0], [0.0; 7]);
    }

    #[test]
    fn what_is_no_number_is_not_known() {
        let mut numbers = of(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0]);
        numbers.push(None);
        assert_eq!(numbers.distribution(true), None);
        numbers.push(Some(2.0));
        assert_eq!(numbers.distribution(true).unwrap().known, 1);
    }

    #[track_caller]
    fn bins(values: &[f64], is_whole: bool, want: &[(f64, usize)], is_log: bool) {
        let histogram = of(values).distribution(is_whole).unwrap().histogram;
        let got: Vec<(f64, usize)> = histogram
            .bins
            .iter()
            .map(|bin| (bin.from, bin.count))
            .collect();
        assert_eq!((got.as_slice(), histogram.is_log), (want, is_log));
    }

    #[test]
    fn bins_are_even_or_grow() {
        bins(&[5.0, 5.0], true, &[(5.0, 2)], false);
        bins(&[0.5, 0.5], false, &[(0.5, 2)], false);
        bins(
            &[1.0, 2.0, 2.0, 4.0],
            true,
            &[(1.0, 1), (2.0, 2), (3.0, 0), (4.0, 1)],
            false,
        );
        bins(
            &[0.0, 1.0, 1.0, 1.0, 30.0],
            true,
            &[(0.0, 1), (1.0, 3), (2.0, 0), (5.0, 0), (10.0, 0), (20.0, 1)],
            true,
        );
        let wide = [1.0, 1.0, 1.0, 1e9];
        let histogram = of(&wide).distribution(false).unwrap().histogram;
        assert!(
            histogram.is_log && histogram.bins.len() <= 12,
            "{histogram:?}"
        );
    }

    #[test]
    fn no_value_breaks_the_bins() {
        let odd = [
            0.0,
            f64::MIN_POSITIVE,
            5e-324,
            1.0,
            1.0 + f64::EPSILON,
            1e300,
            f64::MAX,
        ];
        for a in odd {
            for b in odd {
                for c in odd {
                    let got = of(&[a, b, c, a, c]).distribution(false).unwrap();
                    let binned: usize = got.histogram.bins.iter().map(|bin| bin.count).sum();
                    assert_eq!(binned, 5, "{a} {b} {c}");
                    assert!(got.mean.is_finite() && got.median.is_finite(), "{got:?}");
                    let bins = &got.histogram.bins;
                    assert!(bins.len() < 80, "{a} {b} {c}: {}", bins.len());
                    assert!(bins.iter().all(|bin| bin.to.is_finite()), "{bins:?}");
                }
            }
        }
    }

    #[test]
    fn the_order_of_merging_does_not_matter() {
        let parts = [of(&[3.0, 1e300]), of(&[0.1, 0.2, 7.0]), of(&[])];
        let join = |order: [usize; 3]| {
            let mut all = Numbers::default();
            for ix in order {
                all.merge(&parts[ix]);
            }
            all.distribution(false).unwrap()
        };
        assert_eq!(join([0, 1, 2]), join([2, 1, 0]));
        assert_eq!(join([0, 1, 2]), join([1, 0, 2]));
    }
}
