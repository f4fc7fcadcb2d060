//! The pixels of a file's first frame, within the memory the limits give; never of an incomplete file.

use image::{DynamicImage, ImageDecoder};
use scaled_jpeg::{Jpeg, Scale};

use crate::jpeg::Structure;
use crate::picture::Picture;
use crate::source::{Header, Opened, full_jpeg};
use crate::{Dimensions, Error, Format, Limits, webp};

/// Decodes the first frame as it is stored: neither turned, nor flattened, nor resized; of a JPEG a smaller
/// picture where that leaves enough for `wanted`, the sides it will be resized to.
///
/// A truncated file is refused in every format. For PNG, WebP and GIF the decoders see to that, and so does the
/// one for JPEG at a reduced scale; the one for its full size would paint what is missing grey, so a JPEG that
/// lacks its end-of-image marker is refused here, as other thumbnailers refuse it. Damage within a JPEG's
/// compressed data goes unnoticed: it decodes to something, as it does in browsers.
pub(crate) fn decode(opened: Opened<'_>, wanted: Dimensions, limits: &Limits) -> Result<Picture, Error> {
    let Opened { bytes, format, header, stored, .. } = opened;
    let decoder = match header {
        Header::Jpeg(jpeg) => match sufficient_scale(stored, wanted) {
            Some(scale) => return decode_scaled(*jpeg, scale, limits),
            None => full_jpeg(bytes).map_err(Error::from_decoder)?,
        },
        Header::Other(decoder) => decoder,
    };
    let working_bytes = working_bytes(bytes, format, stored, limits)?;
    decode_with(decoder, working_bytes, limits)
}

/// Decodes a JPEG without most of its pixels.
fn decode_scaled(jpeg: Jpeg<'_>, scale: Scale, limits: &Limits) -> Result<Picture, Error> {
    let mut of_decoder = scaled_jpeg::Limits::DEFAULT;
    of_decoder.max_pixels = limits.max_pixels;
    of_decoder.max_scans = limits.max_jpeg_scans;
    let full = jpeg.dimensions();
    let decoder = jpeg.with_limits(of_decoder).decoder(scale);
    // It holds what it takes beside the pixels against its limits itself.
    let image = decode_with(decoder, 0, limits)?;

    // A last pixel of which less than half lies within the picture would stretch it.
    let nearest = |side: u32| (side + scale.denominator() / 2) / scale.denominator();
    Ok(image.corner(Dimensions { width: nearest(full.0), height: nearest(full.1) }))
}

/// Decodes what takes so many bytes beside its pixels without counting them itself.
fn decode_with(
    mut decoder: impl ImageDecoder,
    working_bytes: u64,
    limits: &Limits,
) -> Result<Picture, Error> {
    // Most decoders hold themselves to these limits at most in part, and none counts the buffer it is asked to
    // fill.
    let left = limits.reserve(decoder.total_bytes().saturating_add(working_bytes))?;
    decoder.set_limits(limits.for_decoder(left)).map_err(Error::from_decoder)?;
    let image = DynamicImage::from_decoder(decoder).map_err(Error::from_decoder)?;
    Ok(Picture::from(image))
}

/// The smallest scale that leaves `ROOM` times the wanted sides.
fn sufficient_scale(stored: Dimensions, wanted: Dimensions) -> Option<Scale> {
    let least = (wanted.width.saturating_mul(ROOM), wanted.height.saturating_mul(ROOM));
    Scale::sufficient_for((stored.width, stored.height), least)
}

/// How many times the wanted sides are decoded at least. With twice as many pixels a side the result can hardly be
/// told from that of a full decode; the chroma of most photographs has half of them, and then as many as are wanted.
const ROOM: u32 = 2;

/// What the decoder will hold beside the pixels, as far as it does not count that itself.
fn working_bytes(bytes: &[u8], format: Format, stored: Dimensions, limits: &Limits) -> Result<u64, Error> {
    let pixels = stored.pixels();
    Ok(match format {
        Format::Jpeg => {
            let structure = Structure::of(bytes);
            structure.check(limits)?;
            // The decoder copies the file.
            structure.working_bytes_per_pixel() * pixels + bytes.len() as u64
        }
        Format::Webp => webp::working_bytes_per_pixel(bytes) * pixels,
        // Decoded row by row; afterwards sixteen bits a channel become eight in a second buffer of up to four
        // channels.
        Format::Png => 4 * pixels,
        // The frame is counted by its decoder.
        Format::Gif => 0,
    })
}
