//! How much work a file may ask for.

/// Bounds that are held against a file's segments before its pixels are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The most pixels, by the full size the file declares.
    pub max_pixels: u64,
    /// The most scans. Each may be a few bytes long and still passes over the whole picture.
    pub max_scans: u32,
    /// The most segments beside scans.
    pub max_segments: u32,
    /// The most bytes allocated, pixels not counted: [`Decoder::working_bytes`](crate::Decoder::working_bytes).
    pub max_working_bytes: u64,
}

impl Limits {
    /// 400 megapixels, 100 scans (encoders write about ten), 4096 segments, 512 MiB.
    pub const DEFAULT: Self =
        Self { max_pixels: 400_000_000, max_scans: 100, max_segments: 4096, max_working_bytes: 512 << 20 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
