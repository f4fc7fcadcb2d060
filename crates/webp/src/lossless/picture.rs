//! A picture of parameters, entropy-coded as RFC 9649 section 3.6 says, with one group of codes.

use super::bits::Bits;
use super::code::Code;
use crate::Error;

/// Literals of a colour, and prefixes of lengths.
const GREENS: usize = 256;
const LENGTHS: usize = 24;
const DISTANCES: usize = 40;

/// Pixels as alpha, red, green and blue from the highest byte.
#[derive(Debug)]
pub(super) struct Picture(Vec<u32>);

/// The size of a colour cache in bits, 0 for none.
pub(super) fn color_cache_bits(bits: &mut Bits<'_>) -> Result<u32, Error> {
    if bits.take(1) == 0 {
        return Ok(0);
    }
    match bits.take(4) {
        size @ 1..=11 => Ok(size),
        _ => Err(Error::Corrupt("a colour cache of a size that is none")),
    }
}

/// How many blocks of `1 << bits` pixels cover a side.
pub(super) fn subsampled(side: u32, bits: u32) -> u32 {
    side.div_ceil(1 << bits)
}

impl Picture {
    pub(super) fn read(bits: &mut Bits<'_>, (width, height): (u32, u32)) -> Result<Self, Error> {
        let cache_bits = color_cache_bits(bits)?;
        let cached = if cache_bits == 0 { 0 } else { 1 << cache_bits };
        let green = Code::read(bits, GREENS + LENGTHS + cached)?;
        let [red, blue, alpha] = [Code::read(bits, 256)?, Code::read(bits, 256)?, Code::read(bits, 256)?];
        let distances = Code::read(bits, DISTANCES)?;

        let count = width as usize * height as usize;
        let mut pixels = Vec::new();
        pixels
            .try_reserve_exact(count)
            .map_err(|_| Error::TooLarge("there is no memory for its parameters"))?;
        let mut cache = vec![0_u32; cached];
        while pixels.len() < count {
            let symbol = usize::from(green.symbol(bits));
            let from = pixels.len();
            if symbol < GREENS {
                let [red, blue, alpha] = [&red, &blue, &alpha].map(|code| u32::from(code.symbol(bits)));
                pixels.push(alpha << 24 | red << 16 | u32::try_from(symbol).expect("up to 255") << 8 | blue);
            } else if let Some(slot) = symbol.checked_sub(GREENS + LENGTHS) {
                pixels.push(cache[slot]);
            } else {
                let length = prefixed(symbol - GREENS, bits);
                let prefix = usize::from(distances.symbol(bits));
                let distance = distance(prefixed(prefix, bits), width as usize);
                if distance > from || length > count - from {
                    return Err(Error::Corrupt("a repetition of pixels that are not there"));
                }
                for at in from - distance..from - distance + length {
                    pixels.push(pixels[at]);
                }
            }
            if cache_bits > 0 {
                for &pixel in &pixels[from..] {
                    cache[(pixel.wrapping_mul(0x1E35_A7BD) >> (32 - cache_bits)) as usize] = pixel;
                }
            }
            bits.checked()?;
        }
        Ok(Self(pixels))
    }

    pub(super) fn pixels(&self) -> u64 {
        self.0.len() as u64
    }

    /// How many groups of codes these pixels name in red and green: libwebp makes room for those that are used, and for unused
    /// ones between them while they are few.
    pub(super) fn groups(&self) -> u64 {
        let mut used = vec![false; 1 << 16];
        let mut end = 0;
        for pixel in &self.0 {
            let group = (pixel >> 8 & 0xFFFF) as usize;
            used[group] = true;
            end = end.max(group + 1);
        }
        let used = used.iter().filter(|&&used| used).count();
        used.max(end.min(1000)) as u64
    }
}

/// A number from its prefix and the bits that follow, from 1 on: section 3.6.2.2.
fn prefixed(prefix: usize, bits: &mut Bits<'_>) -> usize {
    if prefix < 4 {
        return prefix + 1;
    }
    let extra = (prefix - 2) / 2;
    let offset = (2 + prefix % 2) << extra;
    offset + bits.take(u32::try_from(extra).expect("up to 18")) as usize + 1
}

/// How many pixels back a distance code means; the first 120 name neighbours.
fn distance(code: usize, width: usize) -> usize {
    match NEIGHBOURS.get(code - 1) {
        Some(&(left, up)) => {
            let back = i64::from(up) * i64::try_from(width).expect("a side") + i64::from(left);
            usize::try_from(back.max(1)).expect("positive")
        }
        None => code - NEIGHBOURS.len(),
    }
}

/// Pixels to the left and rows up, nearest first: the table of section 3.6.2.2.
#[rustfmt::skip]
const NEIGHBOURS: [(i8, i8); 120] = [
    (0, 1), (1, 0), (1, 1), (-1, 1), (0, 2), (2, 0), (1, 2), (-1, 2), (2, 1), (-2, 1),
    (2, 2), (-2, 2), (0, 3), (3, 0), (1, 3), (-1, 3), (3, 1), (-3, 1), (2, 3), (-2, 3),
    (3, 2), (-3, 2), (0, 4), (4, 0), (1, 4), (-1, 4), (4, 1), (-4, 1), (3, 3), (-3, 3),
    (2, 4), (-2, 4), (4, 2), (-4, 2), (0, 5), (3, 4), (-3, 4), (4, 3), (-4, 3), (5, 0),
    (1, 5), (-1, 5), (5, 1), (-5, 1), (2, 5), (-2, 5), (5, 2), (-5, 2), (4, 4), (-4, 4),
    (3, 5), (-3, 5), (5, 3), (-5, 3), (0, 6), (6, 0), (1, 6), (-1, 6), (6, 1), (-6, 1),
    (2, 6), (-2, 6), (6, 2), (-6, 2), (4, 5), (-4, 5), (5, 4), (-5, 4), (3, 6), (-3, 6),
    (6, 3), (-6, 3), (0, 7), (7, 0), (1, 7), (-1, 7), (5, 5), (-5, 5), (7, 1), (-7, 1),
    (4, 6), (-4, 6), (6, 4), (-6, 4), (2, 7), (-2, 7), (7, 2), (-7, 2), (3, 7), (-3, 7),
    (7, 3), (-7, 3), (5, 6), (-5, 6), (6, 5), (-6, 5), (8, 0), (4, 7), (-4, 7), (7, 4),
    (-7, 4), (8, 1), (8, 2), (6, 6), (-6, 6), (8, 3), (5, 7), (-5, 7), (7, 5), (-7, 5),
    (8, 4), (6, 7), (-6, 7), (7, 6), (-7, 6), (8, 5), (7, 7), (-7, 7), (8, 6), (8, 7),
];
