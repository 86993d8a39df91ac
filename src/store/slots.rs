//! The places of all records, packed: those of a file that lie one behind the other take two or four bytes each.

use crate::store::index::Slot;

/// Places that are packed together.
const BLOCK: usize = 64;

/// Places of records, in their order.
#[derive(Debug, Default, Clone)]
pub(super) struct Slots {
    blocks: Vec<Block>,
    /// Those behind the last block: fewer than fill one.
    open: Vec<Slot>,
}

/// Places that stand together.
#[derive(Debug, Clone)]
enum Block {
    /// Rows without bytes of their own.
    Bare(Run),
    /// Rows, and where they end, counted from where the first one begins.
    Short(Run, Box<[u16; BLOCK]>),
    /// The same of longer rows.
    Long(Run, Box<[u32; BLOCK]>),
    /// Anything else.
    Loose(Box<[Slot; BLOCK]>),
}

/// Rows of a source, one behind the other, with as many bytes between any two.
#[derive(Debug, Clone, Copy)]
struct Run {
    source: u32,
    /// The first row.
    row: u32,
    /// Where it begins.
    start: u64,
    /// Bytes between the end of one and the beginning of the next.
    gap: u32,
}

impl Run {
    fn slot(&self, nth: usize, start: u64, end: u64) -> Option<Slot> {
        Some(Slot {
            source: self.source,
            row: self.row.checked_add(u32::try_from(nth).ok()?)?,
            start: self.start + start,
            len: end.checked_sub(start)?,
        })
    }

    /// The place of one of the rows that end there.
    fn get<E: Copy + Into<u64>>(&self, ends: &[E; BLOCK], nth: usize) -> Option<Slot> {
        let end = (*ends.get(nth)?).into();
        let before = nth.checked_sub(1).and_then(|before| ends.get(before));
        let start = before.map_or(0, |before| (*before).into() + u64::from(self.gap));
        self.slot(nth, start, end)
    }
}

impl Block {
    fn of(slots: &[Slot; BLOCK]) -> Self {
        Self::packed(slots).unwrap_or_else(|| Self::Loose(Box::new(*slots)))
    }

    fn packed(slots: &[Slot; BLOCK]) -> Option<Self> {
        let [first, second, ..] = *slots;
        let gap = second
            .start
            .saturating_sub(first.start.checked_add(first.len)?);
        let run = Run {
            source: first.source,
            row: first.row,
            start: first.start,
            gap: u32::try_from(gap).ok()?,
        };
        let is_row = |(nth, slot): (u32, &Slot)| {
            slot.source == run.source && run.row.checked_add(nth) == Some(slot.row)
        };
        if !(0..).zip(slots).all(is_row) {
            return None;
        }
        if slots
            .iter()
            .all(|slot| slot.len == 0 && slot.start == run.start)
        {
            return Some(Self::Bare(run));
        }
        let mut ends = [0_u32; BLOCK];
        let mut start = run.start;
        for (slot, end) in slots.iter().zip(&mut ends) {
            if slot.start != start {
                return None;
            }
            let its = start.checked_add(slot.len)?;
            *end = u32::try_from(its - run.start).ok()?;
            start = its.checked_add(gap)?;
        }
        let mut short = [0_u16; BLOCK];
        for (end, short) in ends.iter().zip(&mut short) {
            match u16::try_from(*end) {
                Ok(end) => *short = end,
                Err(_) => return Some(Self::Long(run, Box::new(ends))),
            }
        }
        Some(Self::Short(run, Box::new(short)))
    }

    fn get(&self, nth: usize) -> Option<Slot> {
        match self {
            Self::Bare(run) => run.slot(nth, 0, 0),
            Self::Short(run, ends) => run.get(ends, nth),
            Self::Long(run, ends) => run.get(ends, nth),
            Self::Loose(slots) => slots.get(nth).copied(),
        }
    }

    fn set(&mut self, nth: usize, slot: Slot) {
        let mut slots = std::array::from_fn(|nth| self.get(nth).unwrap_or_default());
        if let Some(there) = slots.get_mut(nth) {
            *there = slot;
        }
        *self = Self::of(&slots);
    }

    /// Bytes that it holds.
    fn bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Bare(_) => 0,
                Self::Short(..) => size_of::<[u16; BLOCK]>(),
                Self::Long(..) => size_of::<[u32; BLOCK]>(),
                Self::Loose(_) => size_of::<[Slot; BLOCK]>(),
            }
    }
}

impl Slots {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.blocks.len() * BLOCK + self.open.len()
    }

    /// One of them.
    pub(super) fn get(&self, ix: usize) -> Option<Slot> {
        match self.blocks.get(ix / BLOCK) {
            Some(block) => block.get(ix % BLOCK),
            None => self.open.get(ix - self.blocks.len() * BLOCK).copied(),
        }
    }

    /// Puts another one in the place of one of them.
    pub(super) fn set(&mut self, ix: usize, slot: Slot) {
        let packed = self.blocks.len() * BLOCK;
        if let Some(block) = self.blocks.get_mut(ix / BLOCK) {
            block.set(ix % BLOCK, slot);
        } else if let Some(there) = self.open.get_mut(ix - packed) {
            *there = slot;
        }
    }

    /// Adds one at the end.
    pub(super) fn push(&mut self, slot: Slot) {
        self.open.push(slot);
        if let Ok(slots) = <&[Slot; BLOCK]>::try_from(self.open.as_slice()) {
            self.blocks.push(Block::of(slots));
            self.open.clear();
        }
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = Slot> + '_ {
        (0..self.len()).filter_map(|ix| self.get(ix))
    }

    /// Gives back memory that no place is in.
    pub(super) fn shrink_to_fit(&mut self) {
        self.blocks.shrink_to_fit();
    }

    /// Bytes that they take.
    pub(super) fn bytes(&self) -> usize {
        let spare = self.blocks.capacity() - self.blocks.len();
        self.blocks.iter().map(Block::bytes).sum::<usize>()
            + spare * size_of::<Block>()
            + self.open.capacity() * size_of::<Slot>()
    }
}

impl Extend<Slot> for Slots {
    fn extend<T: IntoIterator<Item = Slot>>(&mut self, slots: T) {
        slots.into_iter().for_each(|slot| self.push(slot));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of a source with these lengths and so many bytes between them.
    fn rows(lens: impl IntoIterator<Item = u64>, first: u64, gap: u64) -> Vec<Slot> {
        let mut start = first;
        let rows = (7..).zip(lens).map(|(row, len)| {
            let slot = Slot {
                source: 3,
                row,
                start,
                len,
            };
            start += len + gap;
            slot
        });
        rows.collect()
    }

    /// Holds these, whichever way they come, and takes at most so many bytes for each.
    #[track_caller]
    fn check(want: &[Slot], most: usize) {
        let mut slots = Slots::default();
        slots.extend(want.iter().copied());
        slots.shrink_to_fit();
        assert_eq!(slots.len(), want.len());
        assert!(slots.iter().eq(want.iter().copied()));
        assert!(slots.iter().rev().eq(want.iter().rev().copied()));
        assert_eq!(slots.get(want.len()), None);
        let open = BLOCK * size_of::<Slot>();
        assert!(
            slots.bytes() <= most * want.len() + open,
            "{}",
            slots.bytes()
        );
        let other = Slot {
            source: 9,
            row: 0,
            start: u64::MAX - 1,
            len: 1,
        };
        let mut now = want.to_vec();
        for ix in [0, 63, 64, 70, want.len() - 1] {
            slots.set(ix, other);
            if let Some(there) = now.get_mut(ix) {
                *there = other;
            }
            assert!(slots.iter().eq(now.iter().copied()), "{ix}");
        }
        for (ix, slot) in want.iter().enumerate() {
            slots.set(ix, *slot);
        }
        assert!(slots.iter().eq(want.iter().copied()));
    }

    #[test]
    fn what_went_in_comes_out() {
        check(&rows((0..1000).map(|nth| nth % 900), 0, 1), 3);
        check(&rows((0..1000).map(|nth| nth * 977), 1 << 40, 2), 5);
        check(&rows((0..1000).map(|_| 0), 0, 0), 1);
        // too long for a block, a gap that changes, and one file a record
        check(&rows((0..200).map(|_| 1 << 33), 0, 1), 26);
        let mut odd = rows(0..200, 0, 1);
        for slot in &mut odd[100..] {
            slot.start += 1;
        }
        check(&odd, 26);
        let mut files = rows((0..200).map(|_| 10), 0, 1);
        for (nth, slot) in (0..).zip(&mut files) {
            (slot.source, slot.row, slot.start) = (nth, 0, 0);
        }
        check(&files, 26);
        // one that overlaps, or stands before the one before it
        let mut back = rows((0..200).map(|_| 10), 1000, 1);
        back[1].start = 0;
        check(&back, 26);
        check(&rows([u64::MAX], 0, 0).repeat(100), 26);
    }
}
