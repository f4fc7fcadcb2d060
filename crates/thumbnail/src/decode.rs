//! The pixels of a file's first frame, within the memory the limits give; never of an incomplete file.
//!
//! Each format is decoded at the smallest scale that suffices: a JPEG by its coefficients, a WebP by libwebp's
//! rescaler, a PNG by averaging its rows as they are inflated.

mod boxes;
pub(crate) mod gif;
pub(crate) mod jpeg;
mod png;
mod structure;
mod webp;

use crate::picture::Picture;
use crate::source::{Header, Opened};
use crate::{Dimensions, Error, Limits};

/// What was decoded, and how much of it the file's picture covers.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) picture: Picture,
    /// Width and height of the file's picture in pixels of this one, from the top left. A last pixel of which only a
    /// part lies within the file's picture would stretch it otherwise.
    pub(crate) covered: (f64, f64),
}

/// Decodes the first frame as it is stored: neither turned, nor flattened, nor of other colours; smaller where that
/// leaves enough for `wanted`, the sides it will be resized to.
///
/// A truncated file is refused in every format, as other thumbnailers refuse it; of a `prefix` of a JPEG, no more
/// than what is needed has to be there. Damage within compressed data that has no checksum goes unnoticed: it
/// decodes to something, as it does in browsers.
pub(crate) fn decode(
    opened: Opened<'_>,
    wanted: Dimensions,
    prefix: bool,
    limits: &Limits,
) -> Result<Decoded, Error> {
    let Opened { bytes, header, stored, .. } = opened;
    match header {
        Header::Jpeg(jpeg) => match jpeg::sufficient_scale(stored, wanted) {
            Some(scale) => jpeg::decode_scaled(*jpeg, scale, prefix, limits),
            None => jpeg::decode_full(bytes, jpeg.color(), limits).map(Decoded::whole),
        },
        Header::FullJpeg(decoder) => {
            jpeg::check(bytes, stored, limits)?;
            with_decoder(*decoder, 0, limits).map(Decoded::whole)
        }
        Header::Png(reader) => png::decode(*reader, wanted, limits),
        Header::Webp(header) => webp::decode(&header, wanted, limits).map(Decoded::whole),
        Header::Gif(reader) => gif::decode(*reader, wanted, limits),
    }
}

impl Decoded {
    fn whole(picture: Picture) -> Self {
        let Dimensions { width, height } = picture.dimensions();
        Self { picture, covered: (width.into(), height.into()) }
    }
}

/// The sides that leave enough for these to be resized to: with twice as many pixels a side, the result can hardly
/// be told from that of all of them.
fn room_for(wanted: Dimensions) -> Dimensions {
    let room = |side: u32| side.saturating_mul(2);
    Dimensions { width: room(wanted.width), height: room(wanted.height) }
}

/// Decodes with one of `image`'s decoders, which takes so many bytes beside its pixels without counting them.
fn with_decoder(
    mut decoder: impl image::ImageDecoder,
    working_bytes: u64,
    limits: &Limits,
) -> Result<Picture, Error> {
    // Most decoders hold themselves to these limits at most in part, and none counts the buffer it is asked to
    // fill.
    let left = limits.reserve(decoder.total_bytes().saturating_add(working_bytes))?;
    decoder.set_limits(limits.for_decoder(left)).map_err(Error::from_decoder)?;
    let image = image::DynamicImage::from_decoder(decoder).map_err(Error::from_decoder)?;
    Ok(Picture::from(image))
}
