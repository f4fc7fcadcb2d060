//! Bits from the lowest of a byte to the highest, as RFC 9649 section 3.2 orders them.

use crate::Error;

/// Reads bits; behind the end lie zeros, and [`Bits::checked`] tells.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn of(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    /// The next bits, at most 24, without going on.
    pub(super) fn peek(&self, count: u32) -> u32 {
        debug_assert!(count <= 24);
        let byte = self.at / 8;
        let window = match self.data.get(byte..).and_then(|rest| rest.first_chunk::<4>()) {
            Some(window) => u32::from_le_bytes(*window),
            None => (0..4).fold(0, |window, at| {
                window | u32::from(self.data.get(byte + at).copied().unwrap_or(0)) << (8 * at)
            }),
        };
        window >> (self.at % 8) & ((1 << count) - 1)
    }

    pub(super) fn skip(&mut self, count: u32) {
        // Never beyond four bytes after the end, so that nothing overflows.
        self.at = (self.at + count as usize).min(self.data.len() * 8 + 32);
    }

    pub(super) fn take(&mut self, count: u32) -> u32 {
        let bits = self.peek(count);
        self.skip(count);
        bits
    }

    /// An error if more was taken than there is.
    pub(super) fn checked(&self) -> Result<(), Error> {
        if self.at > self.data.len() * 8 { Err(Error::Truncated) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::Bits;
    use crate::Error;

    #[test]
    fn low_bits_come_first() {
        let mut bits = Bits::of(&[0b1010_0110, 0b0000_0001]);
        assert_eq!([bits.take(1), bits.take(3), bits.take(5)], [0, 0b011, 0b1_1010]);
        assert_eq!(bits.checked(), Ok(()));
    }

    #[test]
    fn behind_the_end_lie_zeros() {
        let mut bits = Bits::of(&[0xFF]);
        assert_eq!(bits.take(12), 0xFF);
        assert_eq!(bits.checked(), Err(Error::Truncated));
        for _ in 0..100 {
            assert_eq!(bits.take(24), 0);
        }
    }
}
