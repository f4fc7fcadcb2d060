//! Every flavour of the four formats, their first frame, and nothing of their metadata.

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, GrayImage, ImageBuffer, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use valet_thumbnail::{Format, Limits};

use crate::files::{
    encoded, exif, jpeg_with_exif, png, png_with, progressive_jpeg, webp_extended, webp_frame,
    webp_lossless_payload,
};
use crate::support::{BLUE, GREEN, RED, WHITE, assert_close, made, refused, thumbnail};

fn red_and_blue() -> DynamicImage {
    RgbImage::from_fn(400, 200, |x, _| Rgb(if x < 200 { RED } else { BLUE })).into()
}

#[test]
fn all_four_formats_become_the_same_thumbnail() {
    let formats = [
        (ImageFormat::Jpeg, Format::Jpeg),
        (ImageFormat::Png, Format::Png),
        (ImageFormat::WebP, Format::Webp),
        (ImageFormat::Gif, Format::Gif),
    ];
    for (written, expected) in formats {
        let (thumbnail, pixels) = made(&encoded(&red_and_blue(), written));
        assert_eq!(thumbnail.source.format, expected);
        assert_eq!(pixels.dimensions(), (200, 100));
        assert_close(*pixels.get_pixel(10, 50), RED);
        assert_close(*pixels.get_pixel(190, 50), BLUE);
    }
}

#[test]
fn a_progressive_jpeg_is_decoded() {
    let (_, pixels) = made(&progressive_jpeg());
    assert_eq!(pixels.dimensions(), (16, 16));
    assert!(pixels.get_pixel(1, 8).0[0] > 240 && pixels.get_pixel(1, 8).0[2] < 15);
    assert!(pixels.get_pixel(14, 8).0[2] > 240 && pixels.get_pixel(14, 8).0[0] < 15);
}

#[test]
fn grey_stays_grey() {
    let grey = GrayImage::from_pixel(300, 300, Luma([77])).into();
    let deep = DynamicImage::ImageLuma16(ImageBuffer::from_pixel(300, 300, Luma([77 * 257])));
    for file in [
        encoded(&grey, ImageFormat::Jpeg),
        encoded(&grey, ImageFormat::Png),
        encoded(&deep, ImageFormat::Png),
    ] {
        assert_close(*made(&file).1.get_pixel(100, 100), [77; 3]);
    }
}

#[test]
fn sixteen_bits_a_channel_become_eight() {
    let deep = ImageBuffer::from_pixel(300, 300, Rgb([200 * 257, 100 * 257, 50 * 257]));
    let file = encoded(&DynamicImage::ImageRgb16(deep), ImageFormat::Png);
    assert_close(*made(&file).1.get_pixel(100, 100), [200, 100, 50]);
}

#[test]
fn one_bit_a_pixel_is_decoded() {
    let file = png((8, 1), 1, 0, &[], &[&[0b1100_1010]]);
    let (_, pixels) = made(&file);
    let row = (0..8).map(|x| u8::from(pixels.get_pixel(x, 0).0[0] > 128));
    assert_eq!(row.collect::<Vec<_>>(), [1, 1, 0, 0, 1, 0, 1, 0]);
}

#[test]
fn an_animated_gif_shows_its_first_frame() {
    let mut file = Vec::new();
    let mut encoder = GifEncoder::new(&mut file);
    for frame in 0..200 {
        let colour = if frame == 0 { Rgba([0, 255, 0, 255]) } else { Rgba([255, 0, 0, 255]) };
        encoder.encode_frame(Frame::new(RgbaImage::from_pixel(20, 20, colour))).unwrap();
    }
    drop(encoder);
    assert_close(*made(&file).1.get_pixel(10, 10), GREEN);
}

#[test]
fn a_gif_frame_smaller_than_its_screen_lies_on_white_where_it_was_meant_to() {
    let mut file = Vec::new();
    let mut encoder = GifEncoder::new(&mut file);
    encoder.encode_frame(Frame::new(RgbaImage::from_pixel(20, 20, Rgba([0, 0, 255, 255])))).unwrap();
    drop(encoder);
    // The logical screen is wider than the frame; the frame is moved to its right end.
    file[6] = 60;
    let descriptor = file.iter().rposition(|&byte| byte == b',').filter(|&at| file[at + 5] == 20).unwrap();
    file[descriptor + 1] = 40;
    let (_, pixels) = made(&file);
    assert_eq!(pixels.dimensions(), (60, 20));
    assert_close(*pixels.get_pixel(10, 10), WHITE);
    assert_close(*pixels.get_pixel(50, 10), BLUE);
}

#[test]
fn an_animated_webp_shows_its_first_frame() {
    let frame = |colour| {
        let still = encoded(&RgbImage::from_pixel(20, 20, Rgb(colour)).into(), ImageFormat::WebP);
        webp_frame((20, 20), webp_lossless_payload(&still))
    };
    let (first, second) = (frame(GREEN), frame(RED));
    let is_animated = 0b10;
    let file =
        webp_extended((20, 20), is_animated, &[(b"ANIM", &[0; 6]), (b"ANMF", &first), (b"ANMF", &second)]);
    assert_close(*made(&file).1.get_pixel(10, 10), GREEN);
}

#[test]
fn no_metadata_reaches_the_thumbnail() {
    let secret = b"51.4778N 0.0014W";
    let with_secret = [exif(1), secret.to_vec()].concat();
    let jpeg = jpeg_with_exif(&encoded(&red_and_blue(), ImageFormat::Jpeg), &with_secret);
    let png = png_with(
        &encoded(&red_and_blue(), ImageFormat::Png),
        &[(b"eXIf", &with_secret), (b"tEXt", b"Comment\x0051.4778N 0.0014W")],
    );
    for file in [jpeg, png] {
        assert!(contains(&file, secret));
        let made = thumbnail(&file, &Limits::DEFAULT).unwrap();
        assert!(!contains(&made.bytes, secret));
        assert!(!contains(&made.bytes, b"Exif"));
        // JFIF's own header, tables, frame, scan, end: no other application segment, no comment.
        assert!(!made.bytes.windows(2).any(|pair| pair[0] == 0xFF && matches!(pair[1], 0xE1..=0xEF | 0xFE)));
    }
}

fn contains(file: &[u8], what: &[u8]) -> bool {
    file.windows(what.len()).any(|window| window == what)
}

#[test]
fn what_is_no_image_or_another_kind_of_image_is_an_unsupported_format() {
    let files: [&[u8]; 6] = [
        b"",
        b"hello",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"BM",
        b"\0\0\0\x1cftypavif",
    ];
    for file in files {
        assert_eq!(refused(file), "unsupported_format");
    }
}
