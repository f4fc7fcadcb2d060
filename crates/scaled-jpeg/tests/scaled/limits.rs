//! What asks for too much is refused before it is decoded.

use image::{DynamicImage, ImageDecoder, ImageError, ImageResult};
use scaled_jpeg::{Jpeg, Limits, Scale};

use crate::files::{BASELINE_420, PROGRESSIVE_420};

fn limited(file: &[u8], set: impl Fn(&mut Limits)) -> ImageResult<DynamicImage> {
    let mut limits = Limits::DEFAULT;
    set(&mut limits);
    DynamicImage::from_decoder(Jpeg::read(file)?.with_limits(limits).decoder(Scale::Quarter))
}

#[test]
fn every_limit_holds_and_its_bound_is_allowed() {
    let tables = 4 + 2 + 1; // DHT, DQT, APP0 and the frame, as Pillow writes them.
    // Two pixels a side of a block of luma, four of chroma.
    let bytes = 20 * 14 * 4 + 2 * 10 * 7 * 16;
    assert!(limited(BASELINE_420, |limits| limits.max_pixels = 150 * 106).is_ok());
    assert!(limited(BASELINE_420, |limits| limits.max_pixels = 150 * 106 - 1).is_err());
    assert!(limited(BASELINE_420, |limits| limits.max_segments = tables + 1).is_ok());
    assert!(limited(BASELINE_420, |limits| limits.max_segments = 3).is_err());
    assert!(limited(BASELINE_420, |limits| limits.max_working_bytes = bytes).is_ok());
    assert!(limited(BASELINE_420, |limits| limits.max_working_bytes = bytes - 1).is_err());
    assert!(limited(PROGRESSIVE_420, |limits| limits.max_scans = 10).is_ok());
    let refusal = limited(PROGRESSIVE_420, |limits| limits.max_scans = 9).unwrap_err();
    assert!(matches!(refusal, ImageError::Limits(_)), "{refusal}");
}

#[test]
fn the_coefficients_of_a_progressive_file_count() {
    let working = |file, scale| Jpeg::read(file).unwrap().decoder(scale).working_bytes();
    let blocks = 20 * 14 + 2 * 10 * 7;
    assert_eq!(working(BASELINE_420, Scale::Half), blocks * 16);
    assert_eq!(working(PROGRESSIVE_420, Scale::Half), blocks * (16 + 2 + 2 * 16 + 8));
    assert_eq!(working(PROGRESSIVE_420, Scale::Eighth), blocks * (1 + 2));
}

#[test]
fn limits_of_the_image_crate_hold() {
    let mut decoder = Jpeg::read(BASELINE_420).unwrap().decoder(Scale::Eighth);
    let mut limits = image::Limits::no_limits();
    limits.max_image_width = Some(19);
    limits.max_alloc = Some(decoder.working_bytes());
    assert!(decoder.set_limits(limits.clone()).is_ok());
    limits.max_alloc = Some(decoder.working_bytes() - 1);
    assert!(decoder.set_limits(limits.clone()).is_err());
    limits.max_alloc = None;
    limits.max_image_width = Some(18);
    assert!(decoder.set_limits(limits).is_err());
}
