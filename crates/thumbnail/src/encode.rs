//! The finished JPEG; never with metadata of any kind.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, RgbImage};

/// Encodes an upright image as a baseline JPEG of this quality (1 to 100), with no segment that came from the
/// source.
pub(crate) fn encode(image: &RgbImage, quality: u8) -> Vec<u8> {
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, quality)
        .encode(image.as_raw(), image.width(), image.height(), ExtendedColorType::Rgb8)
        .expect("a Vec takes every write, and a spec's sides fit a JPEG's 16 bits");
    jpeg
}
