//! JPEGs far larger than their thumbnails, which are decoded at a reduced scale: like those decoded in full.

use image::imageops::{FilterType, resize};
use image::{ImageFormat, Rgb, RgbImage};
use valet_thumbnail::Limits;

use crate::files::{encoded, exif, jpeg_with_exif};
use crate::support::{made, refused, thumbnail};

/// Soft waves and a few hard edges.
fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let edge = if (x / 97 + y / 83) % 5 == 0 { 60 } else { 0 };
        let wave = |at: u32, length: u32| {
            u8::try_from((at % length).abs_diff(length / 2) * 190 / (length / 2)).unwrap()
        };
        Rgb([wave(x, 700) + edge, wave(x + y, 900) + edge / 2, wave(y, 500) + edge])
    })
}

#[test]
fn every_scale_gives_what_a_full_decode_gives() {
    // At an eighth, a quarter and a half, with sides that leave remainders.
    for (width, height) in [(3_203, 1_701), (1_613, 1_209), (803, 611)] {
        let picture = picture(width, height);
        let (_, pixels) = made(&encoded(&picture.clone().into(), ImageFormat::Jpeg));
        let expected = resize(&picture, pixels.width(), pixels.height(), FilterType::Lanczos3);
        let differences =
            pixels.as_raw().iter().zip(expected.as_raw()).map(|(&a, &b)| u64::from(a.abs_diff(b)));
        let mean = differences.sum::<u64>() / pixels.as_raw().len() as u64;
        // The thumbnail is a JPEG of quality 85 itself.
        assert!(mean <= 4, "{width} by {height}: {mean}");
    }
}

#[test]
fn a_turned_picture_is_turned() {
    let file = jpeg_with_exif(&encoded(&picture(1_700, 900).into(), ImageFormat::Jpeg), &exif(6));
    let (thumbnail, pixels) = made(&file);
    assert_eq!((thumbnail.source.dimensions.width, thumbnail.source.dimensions.height), (900, 1_700));
    assert_eq!(pixels.dimensions(), (106, 200));
}

#[test]
fn one_that_ends_early_is_corrupt() {
    let file = encoded(&picture(1_700, 900).into(), ImageFormat::Jpeg);
    assert_eq!(refused(&file[..file.len() - 1]), "corrupt");
    assert_eq!(refused(&file[..file.len() / 2]), "corrupt");
}

#[test]
fn it_takes_far_less_memory_than_its_pixels() {
    let file = encoded(&picture(1_700, 900).into(), ImageFormat::Jpeg);
    let with = |max_decode_bytes| {
        let limits = Limits { max_decode_bytes, ..Limits::DEFAULT };
        thumbnail(&file, &limits).map_err(|error| error.code())
    };
    // At a quarter: three planes in whole blocks and the pixels made of them.
    let needed = 3 * (213 * 2) * (113 * 2) + 3 * 425 * 225;
    assert!(with(needed).is_ok());
    assert_eq!(with(needed - 1).unwrap_err(), "too_large_to_decode");
}
