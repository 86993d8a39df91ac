//! Finding a text in whatever case, in blocks without branches.

use memchr::arch::all::packedpair::Pair;

use crate::search::prefilter::needle::Letter;

/// A text whose letters may have either case.
#[derive(Debug, Clone)]
pub(super) struct Folded {
    letters: Vec<Letter>,
    /// Places of two of its rarest letters.
    rare: [usize; 2],
}

/// Bytes that are looked at at once.
const BLOCK: usize = 64;

impl Folded {
    /// Letters that are looked at: bounds what a byte costs, whatever the text and the bytes are.
    const MOST: usize = 32;

    /// `None` for a text of less than two letters.
    pub(super) fn new(text: &[Letter]) -> Option<Self> {
        let letters = text.get(..Self::MOST).unwrap_or(text).to_vec();
        let bytes: Vec<u8> = letters.iter().map(|letter| letter.byte).collect();
        let pair = Pair::new(&bytes)?;
        Some(Self {
            letters,
            rare: [pair.index1().into(), pair.index2().into()],
        })
    }

    /// Where it begins first, at `from` or behind it.
    pub(super) fn find(&self, bytes: &[u8], mut from: usize) -> Option<usize> {
        let end = (bytes.len() + 1).checked_sub(self.letters.len())?;
        while from < end {
            let Some(is_there) = self.may_begin(bytes, from) else {
                return (from..end).find(|at| self.begins(bytes, *at));
            };
            if is_there && let Some(at) = self.first_of_block(bytes, from) {
                return Some(at);
            }
            from += BLOCK;
        }
        None
    }

    /// Whether the rare letters stand in their places for one of the beginnings of a block; `None` where the bytes end
    /// before that can be said.
    fn may_begin(&self, bytes: &[u8], from: usize) -> Option<bool> {
        let [one, two] = self.rare;
        let (one, two) = (self.probe(bytes, from, one)?, self.probe(bytes, from, two)?);
        let are_there = |nth: usize| one.is(nth) & two.is(nth);
        Some((0..BLOCK).fold(0, |any, nth| any | u8::from(are_there(nth))) != 0)
    }

    /// The first beginning in a block.
    fn first_of_block(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let mut begins = [1_u8; BLOCK];
        for place in self.rare.into_iter().chain(0..self.letters.len()) {
            let Some(probe) = self.probe(bytes, from, place) else {
                // the last block: what is left is looked at one by one
                break;
            };
            for (nth, begins) in begins.iter_mut().enumerate() {
                *begins &= u8::from(probe.is(nth));
            }
            if begins == [0; BLOCK] {
                return None;
            }
        }
        let at = begins.iter().enumerate();
        let mut at = at.filter(|(_, begins)| **begins != 0);
        at.find_map(|(nth, _)| Some(from + nth).filter(|at| self.begins(bytes, *at)))
    }

    /// The letter at `place`, and the bytes that are to be it for the beginnings of a block.
    fn probe<'a>(&self, bytes: &'a [u8], from: usize, place: usize) -> Option<Probe<'a>> {
        let letter = *self.letters.get(place)?;
        let block = bytes.get(from + place..)?.first_chunk()?;
        Some(Probe { letter, block })
    }

    fn begins(&self, bytes: &[u8], at: usize) -> bool {
        let here = bytes.get(at..at + self.letters.len());
        here.is_some_and(|here| {
            let mut pairs = self.letters.iter().zip(here);
            pairs.all(|(letter, byte)| letter.is(*byte))
        })
    }
}

/// A letter beside the bytes of a block.
#[derive(Clone, Copy)]
struct Probe<'a> {
    letter: Letter,
    block: &'a [u8; BLOCK],
}

impl Probe<'_> {
    fn is(&self, nth: usize) -> bool {
        self.block
            .get(nth)
            .is_some_and(|byte| self.letter.is(*byte))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn folded(text: &str) -> Folded {
        let letters: Vec<Letter> = text
            .bytes()
            .map(|byte| Letter {
                byte: byte.to_ascii_lowercase(),
                is_folded: byte.is_ascii_alphabetic(),
            })
            .collect();
        Folded::new(&letters).unwrap()
    }

    proptest! {
        #[test]
        fn it_is_found_where_a_search_letter_by_letter_finds_it(
            text in "[abAB_@`]{0,300}",
            needle in "[abAB_]{2,40}",
            from in 0_usize..310,
        ) {
            let wanted = needle.get(..needle.len().min(Folded::MOST)).unwrap();
            let windows = text.as_bytes().windows(wanted.len()).enumerate().skip(from);
            let want = windows
                .filter(|(_, window)| window.eq_ignore_ascii_case(wanted.as_bytes()))
                .map(|(at, _)| at)
                .next();
            prop_assert_eq!(folded(&needle).find(text.as_bytes(), from), want);
        }
    }

    #[test]
    fn it_is_found_at_every_place() {
        for len in [4, 63, 64, 65, 130, 200] {
            for at in 0..=len - 4 {
                let mut text = vec![b'n'; len];
                text.splice(at..at + 4, *b"NeeD");
                assert_eq!(folded("need").find(&text, 0), Some(at), "{at} of {len}");
                assert_eq!(folded("need").find(&text, at), Some(at), "{at} of {len}");
                assert_eq!(folded("need").find(&text, at + 1), None, "{at} of {len}");
            }
        }
    }
}
