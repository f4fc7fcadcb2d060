//! The finished file; never with metadata of any kind.
//!
//! JPEG by `jpeg-encoder`, in pure Rust with SIMD.

mod jpeg;

use crate::OutputFormat;
use crate::flatten::flatten;
use crate::picture::Picture;

/// Encodes an upright picture in sRGB at this quality, with no segment or chunk that came from the source.
pub(crate) fn encode(picture: Picture, format: OutputFormat, quality: u8) -> Vec<u8> {
    match format {
        OutputFormat::Jpeg => jpeg::encode(&flatten(picture), quality),
        OutputFormat::Webp => webp(&picture),
    }
}

/// Lossless for as long as there is no encoder of the lossy kind.
fn webp(picture: &Picture) -> Vec<u8> {
    use crate::picture::Channels;
    use image::ExtendedColorType;
    let color = match picture.channels() {
        Channels::Grey => ExtendedColorType::L8,
        Channels::GreyAlpha => ExtendedColorType::La8,
        Channels::Rgb => ExtendedColorType::Rgb8,
        Channels::Rgba | Channels::Cmyk => ExtendedColorType::Rgba8,
    };
    let mut file = Vec::new();
    image::codecs::webp::WebPEncoder::new_lossless(&mut file)
        .encode(picture.bytes(), picture.dimensions().width, picture.dimensions().height, color)
        .expect("a Vec takes every write, and a variant's sides fit a WebP's 14 bits");
    file
}
