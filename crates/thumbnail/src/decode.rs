//! The pixels of a file's first frame, within the memory the limits give; never of an incomplete file.

use image::{DynamicImage, ImageDecoder};

use crate::jpeg::Structure;
use crate::source::Opened;
use crate::{Error, Format, Limits, webp};

/// Decodes the first frame as it is stored: neither turned, nor flattened, nor resized.
///
/// A truncated file is refused in every format. For PNG, WebP and GIF the decoders see to that; the JPEG
/// decoder would paint what is missing grey, so a JPEG that lacks its end-of-image marker is refused here, as
/// other thumbnailers refuse it. Damage within a JPEG's compressed data goes unnoticed: it decodes to
/// something, as it does in browsers.
pub(crate) fn decode(opened: Opened<'_>, limits: &Limits) -> Result<DynamicImage, Error> {
    let working_bytes = working_bytes(&opened, limits)?;
    let mut decoder = opened.decoder;
    // The decoders hold themselves to these limits at most in part, and none counts the buffer it is asked to
    // fill.
    let left = limits.reserve(decoder.total_bytes().saturating_add(working_bytes))?;
    decoder.set_limits(limits.for_decoder(left)).map_err(Error::from_decoder)?;
    DynamicImage::from_decoder(decoder).map_err(Error::from_decoder)
}

/// What the decoder will hold beside the pixels, as far as it does not count that itself.
fn working_bytes(opened: &Opened<'_>, limits: &Limits) -> Result<u64, Error> {
    let pixels = opened.stored.pixels();
    Ok(match opened.format {
        Format::Jpeg => {
            let structure = Structure::of(opened.bytes);
            structure.check(limits)?;
            // The decoder copies the file.
            structure.working_bytes_per_pixel() * pixels + opened.bytes.len() as u64
        }
        Format::Webp => webp::working_bytes_per_pixel(opened.bytes) * pixels,
        // Decoded row by row; afterwards sixteen bits a channel become eight in a second buffer of up to four
        // channels.
        Format::Png => 4 * pixels,
        // The frame is counted by its decoder.
        Format::Gif => 0,
    })
}
