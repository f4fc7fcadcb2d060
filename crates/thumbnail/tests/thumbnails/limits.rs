//! What asks for too much is refused before it is decoded.

use std::time::{Duration, Instant};

use image::{ImageFormat, Rgb, RgbImage};
use valet_thumbnail::{Limits, probe};

use crate::files::{encoded, png, png_with, progressive_jpeg, webp_extended};
use crate::support::{refused, thumbnail};

#[track_caller]
fn refused_at_once(file: &[u8]) -> &'static str {
    let started = Instant::now();
    let code = refused(file);
    assert!(started.elapsed() < Duration::from_secs(1), "refused after {:?}", started.elapsed());
    code
}

#[test]
fn a_one_bit_png_of_65535_by_65535_pixels_is_refused_at_once() {
    let bomb = png((65_535, 65_535), 1, 0, &[], &[&[0; 100]]);
    assert_eq!(refused_at_once(&bomb), "too_many_pixels");
    assert_eq!(probe(&bomb, &Limits::DEFAULT).unwrap_err().code(), "too_many_pixels");
}

#[test]
fn a_header_that_lies_about_its_size_is_refused_in_every_format() {
    let small = RgbImage::from_pixel(8, 8, Rgb([1, 2, 3])).into();
    let mut jpeg = encoded(&small, ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 5..frame + 9].fill(0xFF);
    let mut gif = encoded(&small, ImageFormat::Gif);
    gif[6..10].fill(0xFF);
    let wide = png((1 << 30, 1 << 30), 8, 6, &[], &[&[0; 32]]);
    let webp = webp_extended((1 << 14, 1 << 14), 0, &[(b"VP8L", b"\x2F\xFF\xFF\xFF\x0F")]);
    assert_eq!(refused_at_once(&jpeg), "too_many_pixels");
    assert_eq!(refused_at_once(&gif), "too_many_pixels");
    assert_eq!(refused_at_once(&wide), "too_many_pixels");
    assert_eq!(refused_at_once(&webp), "too_many_pixels");
}

#[test]
fn a_side_or_an_area_beyond_the_limits_is_refused() {
    let limits = Limits { max_side: 100, max_pixels: 5_000, ..Limits::DEFAULT };
    let code = |width, height| {
        let file = encoded(&RgbImage::new(width, height).into(), ImageFormat::Png);
        thumbnail(&file, &limits).err().map(|error| error.code())
    };
    assert_eq!(code(100, 50), None);
    assert_eq!(code(101, 1), Some("too_many_pixels"));
    assert_eq!(code(1, 101), Some("too_many_pixels"));
    assert_eq!(code(72, 70), Some("too_many_pixels"));
}

#[test]
fn more_memory_than_the_limits_give_is_refused_in_every_format() {
    let image = RgbImage::from_pixel(300, 300, Rgb([1, 2, 3])).into();
    let pixels = 300 * 300;
    let limits = Limits { max_decode_bytes: 3 * pixels - 1, ..Limits::DEFAULT };
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let file = encoded(&image, format);
        let refusal = thumbnail(&file, &limits).unwrap_err();
        assert_eq!(refusal.code(), "too_large_to_decode", "{format:?}");
        assert!(thumbnail(&file, &Limits::DEFAULT).is_ok());
    }
}

#[test]
fn the_coefficients_of_a_progressive_jpeg_count() {
    let file = progressive_jpeg();
    let needed = 16 * 16 * (3 + 2 * 3) + file.len() as u64;
    let with = |max_decode_bytes| {
        thumbnail(&file, &Limits { max_decode_bytes, ..Limits::DEFAULT }).map_err(|error| error.code())
    };
    assert!(with(needed).is_ok());
    assert_eq!(with(needed - 1).unwrap_err(), "too_large_to_decode");
}

#[test]
fn a_gif_frame_far_larger_than_its_screen_is_refused() {
    let mut gif = encoded(&RgbImage::from_pixel(8, 8, Rgb([1, 2, 3])).into(), ImageFormat::Gif);
    let descriptor = gif.iter().rposition(|&byte| byte == b',').filter(|&at| gif[at + 5] == 8).unwrap();
    gif[descriptor + 5..descriptor + 9].fill(0xFF);
    assert_eq!(refused_at_once(&gif), "too_large_to_decode");
}

#[test]
fn a_png_text_is_passed_over_however_large_it_is() {
    let file = encoded(&RgbImage::new(8, 8).into(), ImageFormat::Png);
    let text = [b"Comment\0".as_slice(), &vec![b'a'; 40 << 20]].concat();
    assert!(thumbnail(&png_with(&file, &[(b"tEXt", &text)]), &Limits::DEFAULT).is_ok());
}

#[test]
fn a_jpeg_of_endless_scans_is_refused() {
    let file = progressive_jpeg();
    let last_scan = file.windows(2).rposition(|pair| pair == [0xFF, 0xDA]).unwrap();
    let (before, end) = file.split_at(file.len() - 2);
    let scans = |more: usize| [before, &before[last_scan..].repeat(more), end].concat();
    assert!(thumbnail(&scans(22), &Limits::DEFAULT).is_ok());
    assert_eq!(refused_at_once(&scans(23)), "too_large_to_decode");
    assert_eq!(refused_at_once(&scans(100_000)), "too_large_to_decode");
}
