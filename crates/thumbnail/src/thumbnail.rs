//! The steps in their order; never a step itself.

use crate::decode::decode;
use crate::encode::encode;
use crate::flatten::flatten;
use crate::resize::resize;
use crate::source::Opened;
use crate::{Dimensions, Error, Limits, Source, Spec, orientation};

/// A finished thumbnail and what it was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// The file it shows: its format and its dimensions as displayed.
    pub source: Source,
    /// Width and height of the thumbnail.
    pub dimensions: Dimensions,
    /// The thumbnail as a JPEG file without metadata.
    pub jpeg: Vec<u8>,
}

/// Makes a thumbnail of a whole JPEG, PNG, WebP or GIF file: its first frame, upright, on white, within the
/// spec's box, never enlarged.
///
/// Holds up to [`Limits::max_decode_bytes`] of memory and a thread for as long as that takes: up to two
/// seconds for the largest images allowed, much less for a JPEG.
pub fn thumbnail(bytes: &[u8], spec: &Spec, limits: &Limits) -> Result<Thumbnail, Error> {
    let opened = Opened::new(bytes, limits)?;
    let (source, turn) = (opened.source(), opened.orientation);
    let dimensions = source.dimensions.fit_within(*spec);

    // Turning is done last, where there is least to turn. The sides a turn swaps are swapped back before it.
    let wanted = orientation::upright(dimensions, turn);
    let image = flatten(decode(opened, wanted, limits)?);
    let image = resize(image, wanted);
    let image = orientation::apply(image.into_rgb8(), turn);
    let jpeg = encode(&image, spec.quality);

    Ok(Thumbnail { source, dimensions, jpeg })
}
