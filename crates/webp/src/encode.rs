//! Lossy files; no metadata is ever written.

use crate::{Error, libwebp};

/// The most pixels a side of a lossy picture has: 14 bits.
pub(crate) const MAX_SIDE: u32 = (1 << 14) - 1;
/// How long libwebp searches, of 0 to 6.
const METHOD: u8 = 4;

/// Writes a lossy file at a quality of 0 to 100 (more is taken for 100).
///
/// Four channels keep their alpha, without loss, if a pixel is translucent. Colours under full transparency become those next to
/// them. Pixels are `width * height * channels` bytes, channels 3 or 4.
///
/// # Panics
///
/// If the pixels are of another number, or a side is zero.
pub fn encode(pixels: &[u8], width: u32, height: u32, channels: u8, quality: u8) -> Result<Vec<u8>, Error> {
    if width > MAX_SIDE || height > MAX_SIDE {
        return Err(Error::TooLarge("a side of 16384 pixels"));
    }
    libwebp::encode(pixels, width, height, channels, quality.min(100), METHOD)
}
