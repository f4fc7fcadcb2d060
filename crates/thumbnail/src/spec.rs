//! What a thumbnail should look like; never how it is made.

/// The box a thumbnail fits within and how hard it is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// The most pixels across. Zero counts as one.
    pub max_width: u16,
    /// The most pixels down. Zero counts as one.
    pub max_height: u16,
    /// JPEG quality, 1 to 100; what lies outside is clamped.
    pub quality: u8,
}

impl Spec {
    /// The thumbnail of a file list: within 200×200 pixels at quality 85, about 10 kB.
    pub const SMALL: Self = Self { max_width: 200, max_height: 200, quality: 85 };
}
