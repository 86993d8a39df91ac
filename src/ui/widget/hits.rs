//! A search under way: the pattern, hits as they come in, and the one that was gone to. Knows neither pages nor rows.

use regex::Regex;

use crate::ui::action::Toward;
use crate::ui::event::Generation;

/// Hits `T` of a pattern, the first of which is wanted from a place `F` on.
#[derive(Debug)]
pub struct Hits<T, F> {
    generation: Generation,
    /// What is searched for.
    pub pattern: Regex,
    found: Vec<T>,
    is_done: bool,
    current: Option<usize>,
    /// The place from which the first hit is wanted, until it was gone to.
    from: Option<F>,
}

impl<T: Copy, F: Copy> Hits<T, F> {
    /// A search without hits so far; `None` for `from` goes to none by itself.
    pub fn new(generation: Generation, pattern: Regex, from: Option<F>) -> Self {
        Self {
            generation,
            pattern,
            found: Vec::new(),
            is_done: false,
            current: None,
            from,
        }
    }

    /// Takes hits that answer `generation`. Goes to a hit, once: the first that `is_from` says to be at the wanted place or
    /// behind it, else, when all are there, the very first.
    pub fn add(
        &mut self,
        generation: Generation,
        more: impl IntoIterator<Item = T>,
        is_done: bool,
        is_from: impl Fn(&T, F) -> bool,
    ) -> Option<T> {
        if self.generation != generation {
            return None;
        }
        self.found.extend(more);
        self.is_done |= is_done;
        let from = self.from?;
        let first = self.found.iter().position(|hit| is_from(hit, from));
        let target = first.or_else(|| (self.is_done && !self.found.is_empty()).then_some(0))?;
        self.from = None;
        self.go(target)
    }

    /// Goes to the hit `times` further, round the ends; `None` without hits.
    pub fn turn(&mut self, toward: Toward, times: usize) -> Option<T> {
        let len = self.found.len();
        let times = times.checked_rem(len)?;
        self.go(match (self.current, toward) {
            (Some(current), Toward::Next) => (current + times) % len,
            (Some(current), Toward::Previous) => (current + len - times) % len,
            (None, Toward::Next) => 0,
            (None, Toward::Previous) => len - 1,
        })
    }

    fn go(&mut self, target: usize) -> Option<T> {
        let hit = self.found.get(target).copied()?;
        self.current = Some(target);
        Some(hit)
    }

    /// The hit that was gone to.
    pub fn current(&self) -> Option<&T> {
        self.found.get(self.current?)
    }

    /// Which hit of how many, and whether all are known.
    pub fn position(&self) -> (Option<usize>, usize, bool) {
        (self.current, self.found.len(), self.is_done)
    }
}

/// A search that is over as soon as it begins: numbers of rows or lines that are at hand.
impl Hits<usize, usize> {
    /// What matches among `places`; and the hit that it goes to, from a place on.
    pub fn at_once(
        pattern: Regex,
        from: Option<usize>,
        places: impl Iterator<Item = usize>,
    ) -> (Self, Option<usize>) {
        let generation = Generation::default();
        let mut hits = Self::new(generation, pattern, from);
        let target = hits.add(generation, places, true, |hit, from| *hit >= from);
        (hits, target)
    }
}
