//! The bits of a scan's compressed data, by ITU-T T.81 section F.2.2.5; never what they mean.
//!
//! Stuffed zero bytes are taken out in long runs into a buffer, so that the innermost loop reads eight bytes at
//! once and never looks for FF.
#![expect(clippy::inline_always, reason = "a call for each code would cost more than the code")]
#![expect(clippy::cast_possible_truncation, reason = "bit fields are cut out of wider words")]
#![expect(clippy::cast_possible_wrap, reason = "the values are of at most 15 bits")]

use memchr::memchr;

/// The data of a scan, restart interval by restart interval.
pub(crate) struct Source<'a> {
    /// What is not in the buffer yet, from the marker on if one was met.
    rest: &'a [u8],
    buffer: Vec<u8>,
    /// Whether the buffer holds the interval to its end and some zeros.
    ended: bool,
}

/// Bytes put into the buffer at once.
const CHUNK: usize = 16 << 10;
/// Bytes one MCU can take: ten blocks of 64 codes with their values, 31 bits each; an end-of-band run's
/// correction bits are fewer.
const REACH: usize = 10 * 64 * 31 / 8 + 8;
/// Zeros after the end, which look-ahead may read.
const PADDING: usize = 8;

impl<'a> Source<'a> {
    pub(crate) fn new(entropy_coded: &'a [u8]) -> (Self, Window) {
        let buffer = Vec::with_capacity(2 * CHUNK + PADDING);
        let mut source = Self { rest: entropy_coded, buffer, ended: false };
        let window = source.more(Window::EMPTY);
        (source, window)
    }

    /// The bytes a window moves over.
    #[inline(always)]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Makes sure that the next MCU lies in the buffer, as far as there is one.
    #[inline(always)]
    pub(crate) fn ensure(&mut self, window: Window) -> Window {
        if window.at + REACH > self.buffer.len() && !self.ended { self.more(window) } else { window }
    }

    /// Whether more bits were read than the interval has.
    #[inline(always)]
    pub(crate) fn overrun(&self, window: Window) -> bool {
        self.ended && window.at > self.buffer.len() + PADDING
    }

    #[cold]
    #[inline(never)]
    fn more(&mut self, mut window: Window) -> Window {
        let used = window.at.min(self.buffer.len());
        self.buffer.drain(..used);
        window.at -= used;
        while self.buffer.len() < CHUNK && !self.ended {
            let ahead = &self.rest[..self.rest.len().min(CHUNK)];
            let run = memchr(0xFF, ahead).unwrap_or(ahead.len());
            self.buffer.extend_from_slice(&ahead[..run]);
            self.rest = &self.rest[run..];
            match self.rest {
                [0xFF, 0x00, rest @ ..] => {
                    self.buffer.push(0xFF);
                    self.rest = rest;
                }
                // A fill byte before a marker.
                [0xFF, 0xFF, ..] => self.rest = &self.rest[1..],
                [0xFF, ..] | [] => {
                    self.ended = true;
                    self.buffer.extend([0; PADDING]);
                }
                _ => {}
            }
        }
        window
    }

    /// Goes to the next restart marker, if there is one, and gives its number of 0 to 7.
    pub(crate) fn restart(&mut self) -> Option<(u8, Window)> {
        let (number, rest) = next_restart(self.rest)?;
        self.rest = rest;
        self.buffer.clear();
        self.ended = false;
        Some((number, self.more(Window::EMPTY)))
    }

    /// The number of the restart marker that follows, if there is one.
    pub(crate) fn number_ahead(&self) -> Option<u8> {
        next_restart(self.rest).map(|(number, _)| number)
    }
}

/// The number of the next restart marker and what is behind it.
fn next_restart(mut rest: &[u8]) -> Option<(u8, &[u8])> {
    loop {
        let marker = memchr(0xFF, rest)?;
        let next = *rest.get(marker + 1)?;
        rest = rest.get(marker + if next == 0xFF { 1 } else { 2 }..)?;
        if (0xD0..=0xD7).contains(&next) {
            return Some((next & 7, rest));
        }
    }
}

/// Up to 64 of the next bits. Copied out of the loop that uses it, so that it stays in registers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// The next bits, from the highest.
    bits: u64,
    /// How many of them count.
    count: u32,
    /// Where the following bits lie in the source's bytes.
    at: usize,
}

impl Window {
    const EMPTY: Self = Self { bits: 0, count: 0, at: 0 };

    /// Fills up to at least 56 bits; after the end, with zeros.
    #[inline(always)]
    pub(crate) fn fill(&mut self, bytes: &[u8]) {
        let word = match bytes.get(self.at..).and_then(<[u8]>::first_chunk::<8>) {
            Some(eight) => u64::from_be_bytes(*eight),
            None => 0,
        };
        self.bits |= word >> self.count;
        self.at += ((63 - self.count) >> 3) as usize;
        // 56 to 63: so many whole bytes more.
        self.count |= 0b11_1000;
    }

    /// Fills up if fewer than 32 bits are left.
    #[inline(always)]
    pub(crate) fn fill_for_one(&mut self, bytes: &[u8]) {
        if self.count < 32 {
            self.fill(bytes);
        }
    }

    /// The next bits without taking them; `COUNT` is 1 to 32.
    #[inline(always)]
    pub(crate) fn peek<const COUNT: u32>(self) -> usize {
        (self.bits >> (64 - COUNT)) as usize
    }

    /// All next bits, from the highest.
    #[inline(always)]
    pub(crate) fn ahead(self) -> u64 {
        self.bits
    }

    /// Takes bits, fewer than are there.
    #[inline(always)]
    pub(crate) fn take(&mut self, count: u32) {
        self.bits <<= count;
        self.count = self.count.saturating_sub(count);
    }

    /// Takes up to 64 bits, which may be more than there are.
    #[inline(always)]
    pub(crate) fn take_many(&mut self, count: u32, bytes: &[u8]) {
        let beyond = count.saturating_sub(self.count);
        self.bits = if count < 64 { self.bits << count } else { 0 };
        self.count = self.count.saturating_sub(count);
        if beyond > 0 {
            self.fill(bytes);
            self.take(beyond);
        }
    }

    /// Takes up to 15 bits as a number.
    #[inline(always)]
    pub(crate) fn number(&mut self, count: u32) -> u32 {
        let number = (self.bits >> 1 >> (63 - count)) as u32;
        self.take(count);
        number
    }

    /// Takes one bit, and fills up if there is none.
    #[inline(always)]
    pub(crate) fn bit(&mut self, bytes: &[u8]) -> bool {
        if self.count == 0 {
            self.fill(bytes);
        }
        let bit = self.bits >> 63 == 1;
        self.take(1);
        bit
    }

    /// Takes a value of so many bits, up to 15: RECEIVE and EXTEND of section F.2.2.1.
    #[inline(always)]
    pub(crate) fn value(&mut self, size: u32) -> i32 {
        extend(self.number(size), size)
    }
}

/// A value of so many bits, up to 15, of which half the numbers stand for negative ones.
#[inline(always)]
pub(crate) fn extend(number: u32, size: u32) -> i32 {
    let number = number as i32;
    if size > 0 && number < 1 << (size - 1) { number - (1 << size) + 1 } else { number }
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, Source, extend};

    #[test]
    fn stuffed_zeros_are_taken_out_and_markers_end_an_interval() {
        let (mut source, mut window) = Source::new(b"\x12\xFF\x00\x34\xFF\xFF\xD1\x56");
        window.fill(source.bytes());
        assert_eq!([8, 8, 8, 8].map(|count| window.number(count)), [0x12, 0xFF, 0x34, 0]);
        assert_eq!(source.number_ahead(), Some(1));
        let (number, mut window) = source.restart().unwrap();
        assert_eq!(number, 1);
        window.fill(source.bytes());
        assert_eq!(window.number(8), 0x56);
        assert!(source.restart().is_none());
    }

    #[test]
    fn long_data_comes_through_whole() {
        let data = (0..5 * CHUNK).map(|at| u8::try_from(at % 251).unwrap()).collect::<Vec<_>>();
        let (mut source, mut window) = Source::new(&data);
        for &expected in &data {
            window = source.ensure(window);
            window.fill_for_one(source.bytes());
            assert_eq!(window.number(8), u32::from(expected));
            assert!(!source.overrun(window));
        }
        for _ in 0..64 {
            window.fill(source.bytes());
            assert_eq!(window.number(8), 0);
        }
        assert!(source.overrun(window));
    }

    #[test]
    fn values_extend_to_both_signs() {
        assert_eq!(
            [(0, 0), (0, 1), (1, 1), (0, 3), (3, 3), (4, 3)].map(|(n, s)| extend(n, s)),
            [0, -1, 1, -7, -4, 4]
        );
    }
}
