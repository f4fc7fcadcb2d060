//! What decoding takes before it takes it: libwebp's allocations, reckoned from its source (version 1.6.0, `src/dec`).

use crate::Error;
use crate::decode::Target;
use crate::header::{Coding, Header};
use crate::lossless::{self, Codes};

/// Structures whose size depends on nothing, and what the allocator adds.
const FIXED: u64 = 64 << 10;
/// `HTreeGroup`: five pointers, four integers, a table of 64 entries.
const GROUP: u64 = 568;
/// The tables of one group without a colour cache, in entries of four bytes: `kTableSize`.
const TABLES: u64 = 630 * 3 + 410 + 654;

pub(crate) fn working_bytes(header: &Header<'_>, scaled_to: (u32, u32)) -> Result<u64, Error> {
    let target = Target::of(header, scaled_to);
    let frame = &header.frame;
    let size = (frame.width, frame.height);
    let output = u64::from(target.width) * u64::from(target.height) * u64::from(header.channels());
    // Two accumulators of four bytes and an output row, for each of four channels.
    let rescaler = u64::from(target.frame_width) * 4 * (8 + 1);
    let coded = match frame.coding {
        Coding::Lossy { alpha } => lossy(frame.width) + self::alpha(alpha, size)?,
        // The signature, the size and the version take five bytes.
        Coding::Lossless { data, .. } => {
            lossless_pixels(size) + codes(lossless::codes(data.get(5..).unwrap_or_default(), size)?)
        }
    };
    Ok(output + rescaler + coded + FIXED)
}

/// `AllocateMemory` without alpha: a row of macroblocks, its neighbours and its parsed coefficients; and rows for upsampling.
fn lossy(width: u32) -> u64 {
    u64::from(width).div_ceil(16) * (2 * 1200 + 64)
}

/// Eight bits a pixel (libwebp allocates as much again and leaves it untouched), and a lossless picture if it is compressed,
/// of which libwebp often needs a quarter only.
fn alpha(data: Option<&[u8]>, size: (u32, u32)) -> Result<u64, Error> {
    let pixels = u64::from(size.0) * u64::from(size.1);
    Ok(match data {
        None => 0,
        Some([header, data @ ..]) if header & 3 == 1 => {
            pixels + lossless_pixels(size) + codes(lossless::codes(data, size)?)
        }
        Some(_) => pixels,
    })
}

/// `AllocateInternalBuffers32b`: the picture, and seventeen rows.
fn lossless_pixels((width, height): (u32, u32)) -> u64 {
    4 * u64::from(width) * (u64::from(height) + 17)
}

/// The colour cache's tables grow with it by no more than twice its size in entries; `kTableSize`.
fn codes(codes: Codes) -> u64 {
    let Codes { groups, side_pixels, color_cache_bits } = codes;
    let cache = 1 << color_cache_bits;
    let numbers = 4 << 16;
    groups * (GROUP + 4 * (TABLES + 2 * cache)) + 4 * side_pixels + 4 * cache + numbers
}
