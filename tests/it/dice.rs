//! Xorshift: the same throws on every machine.

/// Begins with a seed that is not 0.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `sides`.
    pub(crate) fn throw(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    /// One of these.
    pub(crate) fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.throw(all.len())]
    }

    /// A moment of so long a time.
    pub(crate) fn moment(&mut self, within: std::time::Duration) -> std::time::Duration {
        let sides = usize::try_from(within.as_micros()).unwrap() + 1;
        std::time::Duration::from_micros(self.throw(sides) as u64)
    }
}
