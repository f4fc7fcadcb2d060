//! Whatever way up a file is stored, its thumbnail is upright.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use valet_thumbnail::{Dimensions, Limits, probe};

use crate::files::{encoded, exif, jpeg_with_exif, png_with, webp_extended, webp_lossless_payload};
use crate::support::{BLUE, GREEN, RED, YELLOW, assert_close, made};

const WIDTH: u32 = 300;
const HEIGHT: u32 = 180;

/// The colour of the upright picture: red and green above, blue and yellow below.
fn upright(x: u32, y: u32) -> Rgb<u8> {
    Rgb(match (x < WIDTH / 2, y < HEIGHT / 2) {
        (true, true) => RED,
        (false, true) => GREEN,
        (true, false) => BLUE,
        (false, false) => YELLOW,
    })
}

/// The picture as a camera stores it under this orientation, by the words of the Exif standard: on which
/// sides of the upright picture the stored first row and first column lie.
fn stored(orientation: u8) -> DynamicImage {
    let (right, bottom) = (WIDTH - 1, HEIGHT - 1);
    let (width, height) = if orientation < 5 { (WIDTH, HEIGHT) } else { (HEIGHT, WIDTH) };
    let image = RgbImage::from_fn(width, height, |column, row| match orientation {
        1 => upright(column, row),                  // top, left
        2 => upright(right - column, row),          // top, right
        3 => upright(right - column, bottom - row), // bottom, right
        4 => upright(column, bottom - row),         // bottom, left
        5 => upright(row, column),                  // left, top
        6 => upright(right - row, column),          // right, top
        7 => upright(right - row, bottom - column), // right, bottom
        8 => upright(row, bottom - column),         // left, bottom
        _ => unreachable!("there are eight orientations"),
    });
    image.into()
}

#[track_caller]
fn assert_upright(file: &[u8]) {
    let (thumbnail, pixels) = made(file);
    assert_eq!(thumbnail.source.dimensions, Dimensions { width: WIDTH, height: HEIGHT });
    assert_eq!(probe(file, &Limits::DEFAULT).unwrap(), thumbnail.source);
    assert_eq!(pixels.dimensions(), (200, 120));
    assert_close(*pixels.get_pixel(5, 5), RED);
    assert_close(*pixels.get_pixel(194, 5), GREEN);
    assert_close(*pixels.get_pixel(5, 114), BLUE);
    assert_close(*pixels.get_pixel(194, 114), YELLOW);
}

#[test]
fn a_jpeg_of_any_orientation_comes_out_upright() {
    for orientation in 1..=8 {
        assert_upright(&jpeg_with_exif(
            &encoded(&stored(orientation), ImageFormat::Jpeg),
            &exif(orientation),
        ));
    }
}

#[test]
fn a_png_of_any_orientation_comes_out_upright() {
    for orientation in 1..=8 {
        let png = encoded(&stored(orientation), ImageFormat::Png);
        assert_upright(&png_with(&png, &[(b"eXIf", &exif(orientation))]));
    }
}

#[test]
fn a_webp_of_any_orientation_comes_out_upright_with_and_without_the_prefix_of_jpeg() {
    for orientation in 1..=8 {
        let image = stored(orientation);
        let webp = encoded(&image, ImageFormat::WebP);
        for exif in [exif(orientation), [b"Exif\0\0".to_vec(), exif(orientation)].concat()] {
            let picture = webp_lossless_payload(&webp);
            let has_exif = 0b1000;
            assert_upright(&webp_extended(
                (image.width(), image.height()),
                has_exif,
                &[(b"VP8L", picture), (b"EXIF", &exif)],
            ));
        }
    }
}

#[test]
fn an_orientation_that_does_not_exist_is_ignored() {
    let jpeg = encoded(&stored(1), ImageFormat::Jpeg);
    for orientation in [0, 9, 255] {
        assert_upright(&jpeg_with_exif(&jpeg, &exif(orientation)));
    }
}

#[test]
fn damaged_exif_is_ignored() {
    let jpeg = encoded(&stored(1), ImageFormat::Jpeg);
    for length in 0..exif(6).len() - 8 {
        assert_upright(&jpeg_with_exif(&jpeg, &exif(6)[..length]));
    }
    assert_upright(&jpeg_with_exif(&jpeg, b"MM\0\x2A\xFF\xFF\xFF\xFF\xFF\xFF"));
}
