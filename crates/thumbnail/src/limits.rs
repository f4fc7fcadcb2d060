//! How much work a file may ask for, held against its header; never against what a decoder has already
//! allocated.

use crate::{Dimensions, Error};

/// Bounds on what is decoded, checked before it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most pixels on either side.
    pub max_side: u32,
    /// The most pixels in all.
    pub max_pixels: u64,
    /// The most memory one decode may take, as reckoned from the header: pixels, the decoder's own buffers
    /// and its copy of a JPEG file. The file's own bytes, which the caller holds, are not counted.
    pub max_decode_bytes: u64,
    /// The most memory metadata (colour profiles, texts) may take, compressed or inflated. A PNG profile of
    /// some kilobytes can inflate to hundreds of megabytes.
    pub max_metadata_bytes: u64,
    /// The most scans of a JPEG. Each may be a few bytes long and still makes the decoder pass over the whole
    /// picture.
    pub max_jpeg_scans: u32,
}

impl Limits {
    /// 50 megapixels, 16384 pixels a side, 512 MiB to decode, 16 MiB of metadata, 32 scans (encoders write
    /// about ten): nearly every camera's photos, within a function of 1 GB.
    pub const DEFAULT: Self = Self {
        max_side: 16_384,
        max_pixels: 50_000_000,
        max_decode_bytes: 512 << 20,
        max_metadata_bytes: 16 << 20,
        max_jpeg_scans: 32,
    };

    /// Refuses an image whose sides or area go beyond the bounds.
    pub(crate) fn check_dimensions(&self, dimensions: Dimensions) -> Result<(), Error> {
        let longer_side = dimensions.width.max(dimensions.height);
        if longer_side > self.max_side || dimensions.pixels() > self.max_pixels {
            return Err(Error::TooManyPixels(dimensions));
        }
        Ok(())
    }

    /// What is left for the decoder to allocate for itself once `needed` bytes are taken, or a refusal.
    pub(crate) fn reserve(&self, needed: u64) -> Result<u64, Error> {
        self.max_decode_bytes.checked_sub(needed).ok_or(Error::TooLargeToDecode)
    }

    /// These limits in the words of the decoders, with so many bytes to allocate.
    pub(crate) fn for_decoder(&self, max_alloc: u64) -> image::Limits {
        let mut limits = image::Limits::no_limits();
        limits.max_image_width = Some(self.max_side);
        limits.max_image_height = Some(self.max_side);
        limits.max_alloc = Some(max_alloc);
        limits
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::Limits;
    use crate::Dimensions;

    fn code(width: u32, height: u32) -> Option<&'static str> {
        let refused = Limits::DEFAULT.check_dimensions(Dimensions { width, height }).err();
        refused.map(|error| error.code())
    }

    #[test]
    fn the_bounds_themselves_are_allowed() {
        assert_eq!(code(16_384, 3_051), None);
        assert_eq!(code(10_000, 5_000), None);
    }

    #[test]
    fn one_more_pixel_is_too_many() {
        assert_eq!(code(16_385, 1), Some("too_many_pixels"));
        assert_eq!(code(1, 16_385), Some("too_many_pixels"));
        assert_eq!(code(10_000, 5_001), Some("too_many_pixels"));
        assert_eq!(code(u32::MAX, u32::MAX), Some("too_many_pixels"));
    }
}
