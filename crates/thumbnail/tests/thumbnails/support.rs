//! Calling the door and looking at what comes out of it.

use image::{ImageFormat, Rgb, RgbImage};
use valet_thumbnail::{Limits, Spec, Thumbnail, thumbnail};

/// The small thumbnail, at a quality that keeps colours within a few steps of what was painted.
pub(crate) const FAITHFUL: Spec = Spec { quality: 100, ..Spec::SMALL };

/// The thumbnail and its decoded pixels.
pub(crate) fn made(file: &[u8]) -> (Thumbnail, RgbImage) {
    let made = thumbnail(file, &FAITHFUL, &Limits::DEFAULT).unwrap();
    let pixels = image::load_from_memory_with_format(&made.jpeg, ImageFormat::Jpeg).unwrap().into_rgb8();
    assert_eq!(pixels.dimensions(), (made.dimensions.width, made.dimensions.height));
    (made, pixels)
}

/// The code a file is refused with.
pub(crate) fn refused(file: &[u8]) -> &'static str {
    thumbnail(file, &Spec::SMALL, &Limits::DEFAULT).unwrap_err().code()
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
