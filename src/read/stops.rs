//! Where texts of JSON end: their quotes and backslashes, found 64 bytes at a time.
//!
//! Escapes stand close in code: too close for a call of a vectorised search at each of them to pay, and no branch foresees
//! where the next one is. So a block is looked at once, as a whole, and what was found in it is gone through bit by bit.

/// Bytes of a block: one bit each.
const BLOCK: usize = 64;

/// The quotes and backslashes of some bytes.
#[derive(Debug)]
pub(super) struct Stops<'a> {
    bytes: &'a [u8],
    /// The block that was looked at last.
    block: usize,
    /// A bit for each of its bytes, the first one lowest.
    found: u64,
}

impl<'a> Stops<'a> {
    /// Looks at nothing yet but the first block.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let mut stops = Self {
            bytes,
            block: 0,
            found: 0,
        };
        stops.look(0);
        stops
    }

    /// The first quote or backslash at `at` or behind it.
    #[inline]
    pub(super) fn first_from(&mut self, at: usize) -> Option<usize> {
        if at / BLOCK != self.block {
            self.look(at / BLOCK);
        }
        let mut found = self.found & (u64::MAX << (at % BLOCK));
        while found == 0 {
            if (self.block + 1) * BLOCK >= self.bytes.len() {
                return None;
            }
            self.look(self.block + 1);
            found = self.found;
        }
        Some(self.block * BLOCK + found.trailing_zeros() as usize)
    }

    /// The place behind the closing quote of a text that begins at `at`, its opening quote aside, and whether it holds no
    /// escapes. `None` where it does not end or an escape is none.
    #[inline]
    pub(super) fn end_of_text(&mut self, at: usize) -> Option<(usize, bool)> {
        if at / BLOCK != self.block {
            self.look(at / BLOCK);
        }
        let mut left = self.found & (u64::MAX << (at % BLOCK));
        let mut is_plain = true;
        loop {
            let start = self.block * BLOCK;
            let mut escaped_next = 0;
            while left != 0 {
                let bit = left.trailing_zeros();
                let stop = start + bit as usize;
                if *self.bytes.get(stop)? == b'"' {
                    return Some((stop + 1, is_plain));
                }
                is_plain = false;
                if !is_letter(*self.bytes.get(stop + 1)?) {
                    self.code(stop + 1)?;
                }
                // what is escaped stops nothing
                left &= !(3 << bit);
                escaped_next = u64::from(bit == u64::BITS - 1);
            }
            if (self.block + 1) * BLOCK >= self.bytes.len() {
                return None;
            }
            self.look(self.block + 1);
            left = self.found & !escaped_next;
        }
    }

    /// The escape of a character by its code.
    #[cold]
    fn code(&self, at: usize) -> Option<()> {
        let digits = self.bytes.get(at + 1..at + 5)?;
        let is_code = *self.bytes.get(at)? == b'u' && digits.iter().all(u8::is_ascii_hexdigit);
        is_code.then_some(())
    }

    #[inline]
    fn look(&mut self, block: usize) {
        self.block = block;
        let rest = self.bytes.get(block * BLOCK..).unwrap_or_default();
        self.found = if let Some(whole) = rest.first_chunk() {
            found_in(whole)
        } else {
            let mut last = [0; BLOCK];
            for (to, from) in last.iter_mut().zip(rest) {
                *to = *from;
            }
            found_in(&last)
        };
    }
}

/// Whether this behind a backslash is an escape.
#[inline]
fn is_letter(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't')
}

/// A bit for each byte that is a quote or a backslash.
#[inline]
fn found_in(block: &[u8; BLOCK]) -> u64 {
    /// Brings the lowest bits of eight bytes together in the highest one.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut flags = [0_u8; BLOCK];
    for (flag, byte) in flags.iter_mut().zip(block) {
        *flag = u8::from(*byte == b'"') | u8::from(*byte == b'\\');
    }
    let (words, _) = flags.as_chunks::<8>();
    let mut found = 0;
    for (nth, word) in words.iter().enumerate() {
        let bits = u64::from_le_bytes(*word).wrapping_mul(GATHER) >> 56;
        found |= bits << (8 * nth);
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same byte by byte.
    fn end_of_text(bytes: &[u8], mut at: usize) -> Option<(usize, bool)> {
        let mut is_plain = true;
        loop {
            match bytes.get(at)? {
                b'"' => return Some((at + 1, is_plain)),
                b'\\' if bytes.get(at + 1)? == &b'u' => {
                    let digits = bytes.get(at + 2..at + 6)?;
                    if !digits.iter().all(u8::is_ascii_hexdigit) {
                        return None;
                    }
                    (at, is_plain) = (at + 6, false);
                }
                b'\\' if b"\"\\/bfnrt".contains(bytes.get(at + 1)?) => {
                    (at, is_plain) = (at + 2, false);
                }
                b'\\' => return None,
                _ => at += 1,
            }
        }
    }

    proptest! {
        #[test]
        fn no_stop_is_missed(text in "[a\"\\\\é]{0,200}", spare in 0_usize..200) {
            let text = " ".repeat(spare) + &text;
            let bytes = text.as_bytes();
            let mut stops = Stops::of(bytes);
            // forwards, and anywhere again
            for at in (0..bytes.len() + 2).chain([0, bytes.len() / 2, 1]) {
                let rest = bytes.get(at..).unwrap_or_default();
                let want = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'));
                prop_assert_eq!(stops.first_from(at), want.map(|found| at + found));
            }
        }

        #[test]
        fn texts_end_where_they_end(
            text in "([ab\"n/é]|\\\\|\\\\\\\\|\\\\[nu\"]|\\\\u00[eg]9|[a ]{30}){0,40}",
            spare in 0_usize..200,
        ) {
            let text = " ".repeat(spare) + &text;
            let bytes = text.as_bytes();
            let mut stops = Stops::of(bytes);
            // forwards, and anywhere again
            for at in (0..bytes.len() + 2).chain([0, bytes.len() / 2, 1]) {
                prop_assert_eq!(stops.end_of_text(at), end_of_text(bytes, at));
            }
        }
    }
}
