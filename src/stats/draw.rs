//! Bars, sparklines and stacked bars as rows of characters. Nothing here is told by colour alone: bars are long, stacked
//! ones are made of letters. A chart of no cells is empty.

use crate::model::Component;
use crate::review::agreement::Interval;
use crate::stats::doc::letter;

/// The characters of charts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    /// Blocks in eighths.
    Unicode,
    /// For terminals without Unicode.
    Ascii,
}

/// A share of some cells, in eighths, rounded; 0 of what is no number.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and the cells of a screen"
)]
fn eighths(share: f64, cells: usize) -> usize {
    let share = if share.is_finite() { share } else { 0.0 };
    (share.clamp(0.0, 1.0) * (cells * 8) as f64).round() as usize
}

/// A bar of at most `cells` cells; what is more than nothing is seen.
pub(super) fn bar(share: f64, cells: usize, glyphs: Glyphs) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let least = usize::from(share > 0.0 && cells > 0);
    let eighths = eighths(share, cells).max(least);
    let (full, part) = (eighths / 8, eighths % 8);
    match glyphs {
        Glyphs::Unicode => "█".repeat(full) + PARTS.get(part).copied().unwrap_or_default(),
        Glyphs::Ascii if full == 0 && part > 0 => ".".to_owned(),
        Glyphs::Ascii => "#".repeat(full + usize::from(part > 3)),
    }
}

/// A bar with the interval of its value: what is certain, then up to the value, then up to what is possible.
pub(super) fn range_bar(share: f64, range: Interval, cells: usize, glyphs: Glyphs) -> [String; 3] {
    let at = |share: f64| (eighths(share, cells) + 4) / 8;
    let (low, value, high) = (at(range.low), at(share), at(range.high));
    let marks = match glyphs {
        Glyphs::Unicode => ["█", "▓", "░"],
        Glyphs::Ascii => ["#", "=", "-"],
    };
    let value = value.max(low);
    let lens = [low, value - low, high.saturating_sub(value)];
    let [certain, told, possible] = [0, 1, 2].map(|nth| marks[nth].repeat(lens[nth]));
    [certain, told, possible]
}

/// How the cells of a bar fall to shares: those with the largest rests get what rounding leaves. All 0 of no shares.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and the cells of a screen"
)]
pub(super) fn cells_of<const N: usize>(shares: [f64; N], cells: usize) -> [usize; N] {
    let shares = shares.map(|share| {
        if share.is_finite() {
            share.max(0.0)
        } else {
            0.0
        }
    });
    let sum: f64 = shares.iter().sum();
    if sum <= 0.0 || !sum.is_finite() {
        return [0; N];
    }
    let exact = shares.map(|share| share / sum * cells as f64);
    let mut whole = exact.map(|cells| cells.floor() as usize);
    let mut rests: Vec<(usize, f64)> = exact
        .iter()
        .map(|cells| cells.fract())
        .enumerate()
        .collect();
    rests.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let left = cells.saturating_sub(whole.iter().sum());
    for (nth, _) in rests.into_iter().take(left) {
        whole[nth] += 1;
    }
    whole
}

/// A stacked bar: for each component its letters.
pub(super) fn stacked(
    shares: [f64; Component::ALL.len()],
    cells: usize,
) -> Vec<(Component, String)> {
    let lens = Component::ALL.into_iter().zip(cells_of(shares, cells));
    lens.filter(|(_, len)| *len > 0)
        .map(|(component, len)| (component, letter(component).to_string().repeat(len)))
        .collect()
}

/// One cell for each share, its height in eighths; ASCII writes tenths as digits.
pub(super) fn sparkline(shares: impl Iterator<Item = f64>, times: usize, glyphs: Glyphs) -> String {
    const HEIGHTS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    let cell = |share: f64| match glyphs {
        Glyphs::Unicode => {
            let least = usize::from(share > 0.0);
            HEIGHTS[eighths(share, 1).max(least).min(8)]
        }
        Glyphs::Ascii => DIGITS[(eighths(share, 10) / 8).min(9)],
    };
    shares.map(|share| cell(share).repeat(times)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_bar(share: f64, cells: usize, unicode: &str, ascii: &str) {
        assert_eq!(bar(share, cells, Glyphs::Unicode), unicode);
        assert_eq!(bar(share, cells, Glyphs::Ascii), ascii);
    }

    #[test]
    fn bars() {
        check_bar(1.0, 4, "████", "####");
        check_bar(0.5, 4, "██", "##");
        check_bar(0.47, 4, "█▉", "##");
        check_bar(0.001, 4, "▏", ".");
        check_bar(0.0, 4, "", "");
        check_bar(7.0, 2, "██", "##");
        check_bar(0.5, 0, "", "");
        for odd in [f64::NAN, f64::NEG_INFINITY, -1.0] {
            check_bar(odd, 4, "", "");
        }
    }

    #[test]
    fn ranges() {
        let range =
            |share, low, high| range_bar(share, Interval { low, high }, 8, Glyphs::Ascii).concat();
        assert_eq!(range(0.5, 0.25, 0.75), "##==--");
        assert_eq!(range(1.0, 0.5, 1.0), "####====");
        assert_eq!(range(0.0, 0.0, 0.5), "----");
        assert_eq!(range(f64::NAN, f64::NAN, f64::NAN), "");
    }

    #[test]
    fn cells_add_up() {
        assert_eq!(cells_of([0.5, 0.25, 0.25], 8), [4, 2, 2]);
        assert_eq!(cells_of([1.0, 1.0, 1.0], 4), [2, 1, 1]);
        assert_eq!(cells_of([0.0, 0.0], 4), [0, 0]);
        assert_eq!(cells_of([f64::NAN, 1.0], 4), [0, 4]);
        assert_eq!(cells_of([f64::INFINITY, 1e308, 1e308], 4), [0, 0, 0]);
        let bar: String = stacked([0.1, 0.5, 0.2, 0.2, 0.0], 10)
            .into_iter()
            .map(|(_, letters)| letters)
            .collect();
        assert_eq!(bar, "REEEEEIIVV");
    }

    #[test]
    fn sparklines() {
        let shares = [0.0, 0.01, 0.5, 1.0, f64::NAN];
        assert_eq!(sparkline(shares.into_iter(), 1, Glyphs::Unicode), " ▁▄█ ");
        assert_eq!(sparkline(shares.into_iter(), 1, Glyphs::Ascii), "00590");
        assert_eq!(sparkline([1.0].into_iter(), 3, Glyphs::Unicode), "███");
    }
}
