//! Prefix codes, by RFC 9649 section 3.7.2.1.

use super::bits::Bits;
use crate::Error;

/// In which order the lengths of the code for code lengths are written.
const LENGTHS_ORDER: [usize; 19] = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
/// The longest code.
const MAX_LENGTH: u32 = 15;

/// One code, as a table by the next bits.
#[derive(Debug)]
pub(super) struct Code {
    /// Bits that the longest of its codes has.
    longest: u32,
    /// The symbol and its length for all values of so many bits.
    table: Vec<(u16, u8)>,
}

impl Code {
    /// Reads a code for an alphabet of so many symbols.
    pub(super) fn read(bits: &mut Bits<'_>, alphabet: usize) -> Result<Self, Error> {
        let mut lengths = vec![0; alphabet.max(256)];
        if bits.take(1) == 1 {
            let two = bits.take(1) == 1;
            let wide = bits.take(1) == 1;
            lengths[bits.take(if wide { 8 } else { 1 }) as usize] = 1;
            if two {
                lengths[bits.take(8) as usize] = 1;
            }
        } else {
            Self::read_lengths(bits, &mut lengths[..alphabet])?;
        }
        bits.checked()?;
        Self::of_lengths(&lengths[..alphabet])
    }

    fn read_lengths(bits: &mut Bits<'_>, lengths: &mut [u8]) -> Result<(), Error> {
        let mut of_lengths = [0; 19];
        for &symbol in LENGTHS_ORDER.iter().take(bits.take(4) as usize + 4) {
            of_lengths[symbol] = u8::try_from(bits.take(3)).expect("three bits");
        }
        let code = Self::of_lengths(&of_lengths)?;
        let mut symbols = if bits.take(1) == 1 {
            let width = 2 + 2 * bits.take(3);
            2 + bits.take(width) as usize
        } else {
            lengths.len()
        };
        if symbols > lengths.len() {
            return Err(INVALID);
        }
        let (mut at, mut last) = (0, 8);
        while at < lengths.len() && symbols > 0 {
            symbols -= 1;
            let (length, times) = match code.symbol(bits) {
                16 => (last, 3 + bits.take(2) as usize),
                17 => (0, 3 + bits.take(3) as usize),
                18 => (0, 11 + bits.take(7) as usize),
                length => (u8::try_from(length).expect("up to 15"), 1),
            };
            lengths.get_mut(at..at + times).ok_or(INVALID)?.fill(length);
            at += times;
            if length != 0 {
                last = length;
            }
        }
        Ok(())
    }

    /// The canonical code with these lengths, which must leave nothing over.
    fn of_lengths(lengths: &[u8]) -> Result<Self, Error> {
        let longest = u32::from(lengths.iter().copied().max().unwrap_or(0));
        let used = lengths.iter().filter(|&&length| length > 0).count();
        if used == 0 || longest > MAX_LENGTH {
            return Err(INVALID);
        }
        if used == 1 {
            // The only symbol takes no bits, whatever its length.
            let symbol = lengths.iter().position(|&length| length > 0).expect("there is one");
            return Ok(Self { longest: 0, table: vec![(symbol_of(symbol), 0)] });
        }
        let mut table = vec![(0, 0); 1 << longest];
        let mut next = 0_u32;
        for length in 1..=longest {
            next <<= 1;
            for (symbol, _) in lengths.iter().enumerate().filter(|&(_, &of)| u32::from(of) == length) {
                if next >> length != 0 {
                    return Err(INVALID);
                }
                // Codes are written from their highest bit, and bits are read from the lowest.
                let first = (next.reverse_bits() >> (32 - length)) as usize;
                let entry = (symbol_of(symbol), u8::try_from(length).expect("up to 15"));
                for slot in table.iter_mut().skip(first).step_by(1 << length) {
                    *slot = entry;
                }
                next += 1;
            }
        }
        if next == 1 << longest { Ok(Self { longest, table }) } else { Err(INVALID) }
    }

    pub(super) fn symbol(&self, bits: &mut Bits<'_>) -> u16 {
        let (symbol, length) = self.table[bits.peek(self.longest) as usize];
        bits.skip(length.into());
        symbol
    }
}

fn symbol_of(at: usize) -> u16 {
    u16::try_from(at).expect("an alphabet has at most 2328 symbols")
}

const INVALID: Error = Error::Corrupt("a prefix code that is none");

#[cfg(test)]
mod tests {
    use super::{Bits, Code};

    #[test]
    fn codes_are_canonical() {
        // a: 0, b: 10, c: 110, d: 111, from their highest bit.
        let code = Code::of_lengths(&[1, 2, 3, 3]).unwrap();
        let mut bits = Bits::of(&[0b1111_1010, 0]);
        let symbols: Vec<_> = (0..4).map(|_| code.symbol(&mut bits)).collect();
        assert_eq!(symbols, [0, 1, 3, 2]);
    }

    #[test]
    fn a_single_symbol_takes_no_bits() {
        let code = Code::of_lengths(&[0, 0, 7]).unwrap();
        let mut bits = Bits::of(&[]);
        assert_eq!(code.symbol(&mut bits), 2);
        assert_eq!(bits.checked(), Ok(()));
    }

    #[test]
    fn lengths_that_leave_something_over_or_take_too_much_are_refused() {
        for lengths in [[0, 0, 0, 0], [1, 2, 3, 0], [1, 1, 2, 0]] {
            assert!(Code::of_lengths(&lengths).is_err(), "{lengths:?}");
        }
    }
}
