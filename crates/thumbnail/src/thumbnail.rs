//! A single JPEG thumbnail, for callers that know no variants yet; never a step of its own.

use crate::{Dimensions, Error, Limits, Source, Variant, Variants, make};

/// The box a thumbnail fits within and how hard it is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// The most pixels across, 1 to 4096; what lies outside is clamped.
    pub max_width: u16,
    /// The most pixels down, 1 to 4096; what lies outside is clamped.
    pub max_height: u16,
    /// JPEG quality, 1 to 100; what lies outside is clamped.
    pub quality: u8,
}

impl Spec {
    /// The thumbnail of a file list: within 200×200 pixels at quality 85, about 10 kB.
    pub const SMALL: Self = Self { max_width: 200, max_height: 200, quality: 85 };
}

/// A finished thumbnail and what it was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Single {
    /// The file it shows: its format and its dimensions as displayed.
    pub source: Source,
    /// Width and height of the thumbnail.
    pub dimensions: Dimensions,
    /// The thumbnail as a JPEG file without metadata.
    pub jpeg: Vec<u8>,
}

/// [`make`] with one variant.
pub fn thumbnail(bytes: &[u8], spec: &Spec, limits: &Limits) -> Result<Single, Error> {
    let variant = Variant {
        max_width: spec.max_width.clamp(1, Variant::MAX_SIDE),
        max_height: spec.max_height.clamp(1, Variant::MAX_SIDE),
        quality: spec.quality.clamp(1, 100),
        ..Variant::small()
    };
    let variants = Variants::new(vec![variant]).expect("everything was clamped");
    let made = make(bytes, &variants, limits)?;
    let thumbnail = made.thumbnails.into_iter().next().expect("there is one for each variant");
    Ok(Single { source: made.source, dimensions: thumbnail.dimensions, jpeg: thumbnail.bytes })
}
