//! What is transparent lies on white, and nothing dark shines through.

use image::{DynamicImage, GrayAlphaImage, ImageBuffer, ImageFormat, LumaA, Rgba, RgbaImage};

use crate::files::{encoded, png};
use crate::support::{RED, WHITE, assert_close, made};

const SIDE: u32 = 500;

fn within_disc(x: u32, y: u32) -> bool {
    let from_centre = |at: u32| (f64::from(at) - 249.5).powi(2);
    from_centre(x) + from_centre(y) < 180.0_f64.powi(2)
}

/// Opaque red on what is transparent but black underneath, as most editors write it.
fn red_disc() -> RgbaImage {
    RgbaImage::from_fn(SIDE, SIDE, |x, y| Rgba(if within_disc(x, y) { [255, 0, 0, 255] } else { [0; 4] }))
}

#[track_caller]
fn assert_red_disc_on_white(file: &[u8]) {
    let (_, pixels) = made(file);
    assert_close(*pixels.get_pixel(0, 0), WHITE);
    assert_close(*pixels.get_pixel(199, 100), WHITE);
    assert_close(*pixels.get_pixel(100, 100), RED);
    // Between red and white, red never goes down. Mixed with the black underneath it would.
    for (x, y, pixel) in pixels.enumerate_pixels() {
        assert!(pixel.0[0] > 246, "dark fringe {:?} at {x},{y}", pixel.0);
    }
}

#[test]
fn a_png_with_alpha_lies_on_white_without_dark_fringes() {
    assert_red_disc_on_white(&encoded(&red_disc().into(), ImageFormat::Png));
}

#[test]
fn a_webp_with_alpha_lies_on_white_without_dark_fringes() {
    assert_red_disc_on_white(&encoded(&red_disc().into(), ImageFormat::WebP));
}

#[test]
fn a_gif_with_transparency_lies_on_white_without_dark_fringes() {
    assert_red_disc_on_white(&encoded(&red_disc().into(), ImageFormat::Gif));
}

#[test]
fn a_sixteen_bit_png_with_alpha_lies_on_white_without_dark_fringes() {
    let deep = ImageBuffer::from_fn(SIDE, SIDE, |x, y| {
        Rgba(if within_disc(x, y) { [u16::MAX, 0, 0, u16::MAX] } else { [0; 4] })
    });
    assert_red_disc_on_white(&encoded(&DynamicImage::ImageRgba16(deep), ImageFormat::Png));
}

#[test]
fn half_transparent_black_is_grey() {
    let (_, pixels) =
        made(&encoded(&RgbaImage::from_pixel(30, 30, Rgba([0, 0, 0, 128])).into(), ImageFormat::Png));
    assert_close(*pixels.get_pixel(15, 15), [127; 3]);
}

#[test]
fn grey_with_alpha_lies_on_white() {
    let image = GrayAlphaImage::from_fn(400, 400, |x, _| LumaA(if x < 200 { [90, 255] } else { [0, 0] }));
    let deep =
        ImageBuffer::from_fn(400, 400, |x, _| LumaA(if x < 200 { [90 * 257, u16::MAX] } else { [0, 0] }));
    for image in [DynamicImage::ImageLumaA8(image), DynamicImage::ImageLumaA16(deep)] {
        let (_, pixels) = made(&encoded(&image, ImageFormat::Png));
        assert_close(*pixels.get_pixel(20, 100), [90; 3]);
        assert_close(*pixels.get_pixel(180, 100), WHITE);
    }
}

#[test]
fn a_palette_with_transparent_entries_lies_on_white() {
    let palette = [0, 0, 0, 255, 0, 0, 0, 0, 255];
    let transparency = [0, 255, 51];
    let file = png((3, 1), 8, 3, &[(b"PLTE", &palette), (b"tRNS", &transparency)], &[&[0, 1, 2]]);
    let (_, pixels) = made(&file);
    assert_close(*pixels.get_pixel(0, 0), WHITE);
    assert_close(*pixels.get_pixel(1, 0), RED);
    assert_close(*pixels.get_pixel(2, 0), [204, 204, 255]);
}

#[test]
fn the_one_transparent_colour_of_an_opaque_png_lies_on_white() {
    let key = [0, 9, 0, 9, 0, 9];
    let rgb = png((2, 1), 8, 2, &[(b"tRNS", &key)], &[&[9, 9, 9, 200, 9, 9]]);
    let (_, pixels) = made(&rgb);
    assert_close(*pixels.get_pixel(0, 0), WHITE);
    assert_close(*pixels.get_pixel(1, 0), [200, 9, 9]);
    let grey = png((2, 1), 8, 0, &[(b"tRNS", &[0, 9])], &[&[9, 120]]);
    let (_, pixels) = made(&grey);
    assert_close(*pixels.get_pixel(0, 0), WHITE);
    assert_close(*pixels.get_pixel(1, 0), [120; 3]);
}
