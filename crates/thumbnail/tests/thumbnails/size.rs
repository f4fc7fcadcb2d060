//! How large a thumbnail comes out.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use valet_thumbnail::{Dimensions, Limits};

use crate::files::encoded;
use crate::support::{BLUE, GREEN, RED, WHITE, YELLOW, assert_close, made, made_as};

fn plain(width: u32, height: u32) -> Vec<u8> {
    encoded(&RgbImage::from_pixel(width, height, Rgb(GREEN)).into(), ImageFormat::Png)
}

#[test]
fn a_large_image_fits_the_box_with_its_aspect_kept() {
    for ((width, height), expected) in
        [((1600, 1200), (200, 150)), ((1200, 1600), (150, 200)), ((900, 900), (200, 200))]
    {
        let (thumbnail, pixels) = made(&plain(width, height));
        assert_eq!(thumbnail.source.dimensions, Dimensions { width, height });
        assert_eq!(pixels.dimensions(), expected);
    }
}

#[test]
fn a_small_image_is_not_enlarged() {
    for size in [(1, 1), (3, 200), (200, 200), (199, 7)] {
        assert_eq!(made(&plain(size.0, size.1)).1.dimensions(), size);
    }
}

#[test]
fn a_very_thin_image_keeps_one_pixel() {
    assert_eq!(made(&plain(5000, 2)).1.dimensions(), (200, 1));
    assert_eq!(made(&plain(2, 5000)).1.dimensions(), (1, 200));
}

#[test]
fn the_edges_of_a_large_image_stay_where_they_are() {
    // Far more than six times the target a side, so boxes and Lanczos both have their part; no side divides
    // evenly.
    let image = RgbImage::from_fn(2111, 1407, |x, y| {
        Rgb(match (x, y) {
            (0..211, _) => RED,
            (1900.., _) => BLUE,
            (_, 0..211) => YELLOW,
            (_, 1196..) => GREEN,
            _ => WHITE,
        })
    });
    let (_, pixels) = made(&encoded(&image.into(), ImageFormat::Png));
    assert_eq!(pixels.dimensions(), (200, 133));
    for (x, y, colour) in [(16, 66, RED), (183, 66, BLUE), (100, 16, YELLOW), (100, 116, GREEN)] {
        assert_close(*pixels.get_pixel(x, y), colour);
    }
    for (x, y) in [(23, 66), (176, 66), (100, 23), (100, 109)] {
        assert_close(*pixels.get_pixel(x, y), WHITE);
    }
}

#[test]
fn fine_patterns_become_their_average_and_not_a_moire() {
    let image = RgbImage::from_fn(1999, 1333, |x, y| Rgb([if (x + y) % 2 == 0 { 255 } else { 0 }; 3]));
    let (_, pixels) = made(&encoded(&image.into(), ImageFormat::Png));
    for pixel in pixels.pixels() {
        assert_close(*pixel, [127; 3]);
    }
}

#[test]
fn quality_decides_the_size_of_the_file() {
    let noisy = RgbImage::from_fn(400, 400, |x, y| {
        let noise = x.wrapping_mul(0x9E37_79B9) ^ y.wrapping_mul(0x85EB_CA6B);
        let [a, b, c, _] = (noise ^ noise >> 15).wrapping_mul(0x2C1B_3C6D).to_be_bytes();
        Rgb([a, b, c])
    });
    let file = encoded(&DynamicImage::from(noisy), ImageFormat::Png);
    let size = |quality: u8| {
        let variant = format!("small:200x200:fit:jpeg:{quality}");
        made_as(&variant, &file, &Limits::DEFAULT).unwrap().bytes.len()
    };
    assert!(size(40) < size(85));
    assert!(size(85) < size(100));
}
