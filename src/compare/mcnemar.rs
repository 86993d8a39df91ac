//! Paired proportions: the exact test of `McNemar` and an interval for the difference.

use crate::review::agreement::Interval;
use crate::review::agreement::wilson;

/// The two-sided exact p of `McNemar`'s test (1947): how likely a split of the tasks that changed at least as uneven as
/// this one is where gains and losses are equally likely. 1 where nothing changed. Summed in logarithms, so that any
/// number of tasks is fine.
#[expect(clippy::cast_precision_loss, reason = "counts of tasks fit a double")]
pub fn mcnemar(gained: usize, lost: usize) -> f64 {
    if gained == lost {
        return 1.0;
    }
    let (few, all) = (gained.min(lost), gained.saturating_add(lost));
    let n = all as f64;
    // of each term relative to the largest one, the last: the others cannot overflow
    let mut log_last = -n * std::f64::consts::LN_2;
    for i in 0..few {
        log_last += ((n - i as f64) / (i as f64 + 1.0)).ln();
    }
    let (mut sum, mut term) = (1.0, 1.0);
    for i in (1..=few).rev() {
        term *= i as f64 / (n - i as f64 + 1.0);
        sum += term;
        if term < f64::EPSILON * sum {
            break;
        }
    }
    (2.0 * (log_last + f64::ln(sum)).exp()).min(1.0)
}

/// The interval at 95 % of the difference of two paired proportions, the second less the first, by Newcombe's method 10
/// (1998). The counts: tasks good in both, in the first only, in the second only, in neither. `None` without tasks.
#[expect(clippy::cast_precision_loss, reason = "counts of tasks fit a double")]
pub fn newcombe(both: usize, first: usize, second: usize, neither: usize) -> Option<Interval> {
    let all = both + first + second + neither;
    let (one, other) = (wilson(both + first, all)?, wilson(both + second, all)?);
    let n = all as f64;
    let share = |count: usize| count as f64 / n;
    let (p1, p2) = (share(both + first), share(both + second));
    let cells = [both, first, second, neither].map(|count| count as f64);
    let [both, first, second, neither] = cells;
    let rows = (both + first) * (second + neither);
    let spread = (rows * (both + second) * (first + neither)).sqrt();
    let excess = both * neither - first * second;
    let corrected = if excess > 0.0 {
        (excess - n / 2.0).max(0.0)
    } else {
        excess
    };
    let phi = if spread > 0.0 {
        corrected / spread
    } else {
        0.0
    };
    let half = |a: f64, b: f64| (a * a - 2.0 * phi * a * b + b * b).max(0.0).sqrt();
    let difference = p2 - p1;
    Some(Interval {
        low: (difference - half(p2 - other.low, one.high - p1)).max(-1.0),
        high: (difference + half(other.high - p2, p1 - one.low)).min(1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn p(gained: usize, lost: usize, want: f64) {
        for (one, other) in [(gained, lost), (lost, gained)] {
            let found = mcnemar(one, other);
            assert!((found - want).abs() <= 1e-9 * want.max(1e-300), "{found}");
        }
    }

    #[test]
    fn exact_p_is_the_binomial_one() {
        p(0, 0, 1.0);
        p(7, 7, 1.0);
        p(1, 0, 1.0);
        p(10, 2, 158.0 / 4096.0);
        p(5, 0, 0.0625);
        p(9, 4, 2.0 * 1093.0 / 8192.0);
        p(3, 4, 1.0);
        p(1000, 0, 2.0 * 2.0_f64.powi(-1000));
        // summed in fractions of whole numbers
        p(121, 59, 4.434_449_263_755_176e-6);
        assert!(mcnemar(5_000_000, 4_999_000) > 0.5);
        assert!(mcnemar(usize::MAX / 2, 3) < 1e-300);
    }

    #[test]
    fn the_interval_of_a_difference_is_newcombe_s() {
        // Fagerland, Lydersen and Laake (2014), table of the airway data: −0.286 (−0.507, −0.026)
        let found = newcombe(1, 7, 1, 12).unwrap();
        assert!((found.low + 0.507).abs() < 0.001, "{found:?}");
        assert!((found.high + 0.026).abs() < 0.001, "{found:?}");
        assert_eq!(newcombe(0, 0, 0, 0), None);
        let turned = newcombe(1, 1, 7, 12).unwrap();
        assert!((turned.low + found.high).abs() < 1e-12, "{turned:?}");
        let same = newcombe(9, 0, 0, 1).unwrap();
        assert!(same.low <= 0.0 && same.high >= 0.0, "{same:?}");
    }
}
