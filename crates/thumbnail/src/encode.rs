//! The finished file; never with metadata of any kind.
//!
//! JPEG by `jpeg-encoder`: in Rust, with SIMD, and with the halved chroma that `image`'s encoder lacks. Lossy WebP by
//! libwebp, which is the only encoder of it. AVIF takes far too long for a
//! function.

mod halved;
mod jpeg;
mod webp;

use crate::flatten::flatten;
use crate::picture::Picture;
use crate::{Error, OutputFormat};

/// Encodes an upright picture in sRGB at this quality, with no segment or chunk that came from the source.
pub(crate) fn encode(picture: Picture, format: OutputFormat, quality: u8) -> Result<Vec<u8>, Error> {
    match format {
        OutputFormat::Jpeg => Ok(jpeg::encode(&flatten(picture), quality)),
        OutputFormat::Webp => webp::encode(&picture, quality),
    }
}
