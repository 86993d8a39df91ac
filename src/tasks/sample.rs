//! Which drafts become tasks: as many of each stratum, drawn by lot.
//!
//! The lot of a draft depends on the seed of chance and on what the draft is about, not on what else there is: other
//! repositories, more files or more threads change nothing in it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::tasks::Draft;

/// The lot of a draft among those of its type.
pub(super) fn lot(seed: u64, of: &str, draft: &Draft) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    for part in [of, &draft.path] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.update(&(draft.line.0 as u64).to_le_bytes());
    *hasher.finalize().as_bytes()
}

/// The drafts of each stratum in the order of their lots, by their places.
pub(super) fn strata(seed: u64, of: &str, drafts: &[Draft]) -> BTreeMap<String, Vec<usize>> {
    let mut strata: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut lots: Vec<([u8; 32], usize)> = drafts
        .iter()
        .enumerate()
        .map(|(place, draft)| (lot(seed, of, draft), place))
        .collect();
    lots.sort_unstable();
    for (_, place) in lots {
        if let Some(draft) = drafts.get(place) {
            let stratum = strata.entry(draft.stratum.clone()).or_default();
            stratum.push(place);
        }
    }
    strata
}

/// Divides `quota` among supplies as evenly as they allow; what is left over goes to the largest, of
/// equals to the first.
pub(super) fn shares(quota: usize, supplies: &[usize]) -> Vec<usize> {
    let supply = |place: usize| supplies.get(place).copied().unwrap_or_default();
    let mut order: Vec<usize> = (0..supplies.len()).collect();
    order.sort_by_key(|place| (supply(*place), Reverse(*place)));
    let mut shares = vec![0; supplies.len()];
    let mut left = quota;
    // small supplies are used up whole; the large ones share what they leave
    for (done, place) in order.iter().enumerate() {
        let even = left / (order.len() - done);
        let share = supply(*place).min(even);
        if let Some(slot) = shares.get_mut(*place) {
            *slot = share;
        }
        left -= share;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LineIx;
    use crate::tasks::Fields;

    #[track_caller]
    fn check(quota: usize, supplies: &[usize], want: &[usize]) {
        assert_eq!(shares(quota, supplies), want);
    }

    #[test]
    fn quotas_are_shared() {
        check(9, &[100, 100, 100], &[3, 3, 3]);
        check(10, &[100, 100, 100], &[4, 3, 3]);
        check(10, &[1, 100, 2], &[1, 7, 2]);
        check(10, &[2, 3], &[2, 3]);
        check(1, &[0, 5, 5], &[0, 1, 0]);
        check(0, &[5], &[0]);
        check(5, &[], &[]);
        check(usize::MAX, &[5, 6], &[5, 6]);
    }

    fn draft(path: &str, stratum: &str) -> Draft {
        Draft {
            path: path.to_owned(),
            line: LineIx(1),
            stratum: stratum.to_owned(),
            fields: Fields::new(),
        }
    }

    #[test]
    fn lots_do_not_depend_on_others() {
        let names: Vec<String> = (0..50).map(|nth| format!("{nth}.py")).collect();
        let all: Vec<Draft> = names.iter().map(|name| draft(name, "a")).collect();
        let order = |drafts: &[Draft], seed| -> Vec<String> {
            let places = strata(seed, "t", drafts).remove("a").unwrap();
            places
                .into_iter()
                .map(|place| drafts[place].path.clone())
                .collect()
        };
        let mut fewer = all.clone();
        fewer.retain(|draft| draft.path != "7.py");
        fewer.reverse();
        let mut want = order(&all, 1);
        assert_ne!(want, names);
        assert_ne!(want, order(&all, 2));
        want.retain(|path| path != "7.py");
        assert_eq!(order(&fewer, 1), want);
    }
}
