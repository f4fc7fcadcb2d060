//! Calling the door and looking at what comes out of it.

use image::{ImageFormat, Rgb, RgbImage};
use valet_thumbnail::{Dimensions, Error, Limits, Source, Variants, make};

/// What was made with one variant.
#[derive(Debug)]
pub(crate) struct Single {
    pub(crate) source: Source,
    pub(crate) dimensions: Dimensions,
    pub(crate) bytes: Vec<u8>,
}

/// The one thumbnail of a variant.
pub(crate) fn made_as(variant: &str, file: &[u8], limits: &Limits) -> Result<Single, Error> {
    let mut made = make(file, &variant.parse::<Variants>().unwrap(), limits)?;
    assert_eq!(made.thumbnails.len(), 1);
    let thumbnail = made.thumbnails.remove(0);
    Ok(Single { source: made.source, dimensions: thumbnail.dimensions, bytes: thumbnail.bytes })
}

/// The small thumbnail.
pub(crate) fn thumbnail(file: &[u8], limits: &Limits) -> Result<Single, Error> {
    made_as("small:200x200:fit:jpeg:85", file, limits)
}

/// The small thumbnail, at a quality that keeps colours within a few steps of what was painted, and its decoded
/// pixels.
pub(crate) fn made(file: &[u8]) -> (Single, RgbImage) {
    let made = made_as("small:200x200:fit:jpeg:100", file, &Limits::DEFAULT).unwrap();
    let pixels = image::load_from_memory_with_format(&made.bytes, ImageFormat::Jpeg).unwrap().into_rgb8();
    assert_eq!(pixels.dimensions(), (made.dimensions.width, made.dimensions.height));
    (made, pixels)
}

/// The code a file is refused with.
pub(crate) fn refused(file: &[u8]) -> &'static str {
    thumbnail(file, &Limits::DEFAULT).unwrap_err().code()
}

#[track_caller]
pub(crate) fn assert_close(pixel: Rgb<u8>, expected: [u8; 3]) {
    let close = pixel.0.iter().zip(expected).all(|(&is, should)| is.abs_diff(should) <= 6);
    assert!(close, "{:?} is not about {expected:?}", pixel.0);
}

pub(crate) const RED: [u8; 3] = [255, 0, 0];
pub(crate) const GREEN: [u8; 3] = [0, 255, 0];
pub(crate) const BLUE: [u8; 3] = [0, 0, 255];
pub(crate) const YELLOW: [u8; 3] = [255, 255, 0];
pub(crate) const WHITE: [u8; 3] = [255, 255, 255];
