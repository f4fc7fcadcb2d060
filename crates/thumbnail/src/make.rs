//! The steps in their order; never a step itself.

use crate::colour::to_srgb;
use crate::decode::decode;
use crate::encode::encode;
use crate::placeholder::Placeholder;
use crate::render::Renders;
use crate::source::Opened;
use crate::{Dimensions, Error, Limits, OutputFormat, Source, Variants, orientation};

/// What was made of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The file: its format and its dimensions as displayed.
    pub source: Source,
    /// One for each variant, in their order.
    pub thumbnails: Vec<Thumbnail>,
    /// What stands in for them while they are loaded.
    pub placeholder: Placeholder,
}

/// A finished thumbnail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// Its variant's name.
    pub name: String,
    /// Its variant's format.
    pub format: OutputFormat,
    /// Its width and height.
    pub dimensions: Dimensions,
    /// The file, without metadata.
    pub bytes: Vec<u8>,
}

/// Makes thumbnails of a whole JPEG, PNG, WebP or GIF file: of its first frame, upright, in sRGB, never enlarged.
///
/// Holds up to [`Limits::max_decode_bytes`] of memory, and a thread for as long as that takes: up to a second for
/// the largest pictures allowed, much less for a JPEG.
pub fn make(bytes: &[u8], variants: &Variants, limits: &Limits) -> Result<Made, Error> {
    make_of(bytes, false, variants, limits)
}

/// The same of what may be a `prefix` that suffices.
pub(crate) fn make_of(
    bytes: &[u8],
    prefix: bool,
    variants: &Variants,
    limits: &Limits,
) -> Result<Made, Error> {
    let mut opened = Opened::new(bytes, limits)?;
    let (source, turn, profile) = (opened.source(), opened.orientation, opened.profile.take());
    let renders = Renders::of(source.dimensions, variants);

    // Everything is done where there is least to do: colours and turns once the picture is small. The sides a turn
    // swaps are swapped back before it.
    let decoded = decode(opened, orientation::upright(renders.largest(), turn), prefix, limits)?;
    let picture = renders.shrink(decoded, turn);
    let picture = to_srgb(picture, profile.as_deref());
    let picture = orientation::apply(picture, turn);
    let pictures = renders.cascade(picture);

    let placeholder = Placeholder::of(&pictures.smallest);
    let thumbnails = variants.iter().zip(pictures.of_variants).map(|(variant, picture)| {
        Ok(Thumbnail {
            name: variant.name.clone(),
            format: variant.format,
            dimensions: picture.dimensions(),
            bytes: encode(picture, variant.format, variant.quality)?,
        })
    });
    Ok(Made { source, thumbnails: thumbnails.collect::<Result<_, _>>()?, placeholder })
}
