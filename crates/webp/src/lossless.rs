//! How many prefix codes a lossless picture brings along, by RFC 9649 section 3; never its pixels.
//!
//! libwebp makes tables of at least 5 kB for every group of codes, up to 65,536 groups, and a group takes 20 bits of the file. So
//! the groups are counted before libwebp sees the file. They are named by a picture of their own, 1/16 of the full one
//! or less, which lies behind the transforms' parameters, which are such pictures too. All of these are decoded here.

mod bits;
mod code;
mod picture;

use bits::Bits;
use picture::{Picture, color_cache_bits, subsampled};

use crate::Error;

/// What decides how much memory libwebp takes beside the pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Codes {
    /// Groups of five codes.
    pub(crate) groups: u64,
    /// Pixels of the pictures that hold the transforms' parameters and the groups' numbers.
    pub(crate) side_pixels: u64,
    /// 0 without a cache.
    pub(crate) color_cache_bits: u32,
}

/// Counts the codes of data that begins with its transforms.
pub(crate) fn codes(data: &[u8], (mut width, height): (u32, u32)) -> Result<Codes, Error> {
    let mut bits = Bits::of(data);
    let mut codes = Codes::default();
    let mut seen = 0_u32;
    while bits.take(1) == 1 {
        let transform = bits.take(2);
        if seen >> transform & 1 == 1 {
            return Err(Error::Corrupt("a transform comes twice"));
        }
        seen |= 1 << transform;
        let size = match transform {
            // The predictor and the colour transform, by blocks.
            0 | 1 => {
                let block = bits.take(3) + 2;
                (subsampled(width, block), subsampled(height, block))
            }
            // Green is subtracted, without parameters.
            2 => continue,
            // A palette, and several pixels to a byte if it is small.
            _ => {
                let colors = bits.take(8) + 1;
                let packed = match colors {
                    0..=2 => 3,
                    3..=4 => 2,
                    5..=16 => 1,
                    _ => 0,
                };
                width = subsampled(width, packed);
                (colors, 1)
            }
        };
        codes.side_pixels += Picture::read(&mut bits, size)?.pixels();
    }

    codes.color_cache_bits = color_cache_bits(&mut bits)?;
    codes.groups = 1;
    if bits.take(1) == 1 {
        let block = bits.take(3) + 2;
        let picture = Picture::read(&mut bits, (subsampled(width, block), subsampled(height, block)))?;
        codes.side_pixels += picture.pixels();
        codes.groups = picture.groups();
    }
    bits.checked()?;
    Ok(codes)
}
