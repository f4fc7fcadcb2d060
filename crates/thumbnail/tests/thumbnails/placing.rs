//! Several variants of one picture: boxes that are fitted and boxes that are covered, in both formats.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use valet_thumbnail::{Limits, OutputFormat, Variants, make};

use crate::files::{encoded, exif, jpeg_with_exif};
use crate::support::{BLUE, GREEN, RED, assert_close};

fn decoded(bytes: &[u8]) -> DynamicImage {
    image::load_from_memory(bytes).unwrap()
}

/// Red, green and blue stripes from left to right.
fn stripes() -> DynamicImage {
    RgbImage::from_fn(900, 300, |x, _| Rgb([RED, GREEN, BLUE][x as usize / 300])).into()
}

#[test]
fn each_variant_comes_out_in_its_place_and_size() {
    let variants = "tiny:30x30:fit:webp:90,large:600x600:fit:jpeg:90,square:100x100:cover:jpeg:100";
    let made = make(&encoded(&stripes(), ImageFormat::Png), &variants.parse().unwrap(), &Limits::DEFAULT);
    let thumbnails = made.unwrap().thumbnails;
    let of = |at: usize| {
        let thumbnail = &thumbnails[at];
        let image = decoded(&thumbnail.bytes);
        assert_eq!(
            (image.width(), image.height()),
            (thumbnail.dimensions.width, thumbnail.dimensions.height)
        );
        (thumbnail.name.as_str(), thumbnail.format, image.width(), image.height())
    };
    assert_eq!(of(0), ("tiny", OutputFormat::Webp, 30, 10));
    assert_eq!(of(1), ("large", OutputFormat::Jpeg, 600, 200));
    assert_eq!(of(2), ("square", OutputFormat::Jpeg, 100, 100));
}

#[test]
fn a_box_that_is_covered_shows_the_middle() {
    let variants = "square:100x100:cover:jpeg:100".parse().unwrap();
    let made = make(&encoded(&stripes(), ImageFormat::Png), &variants, &Limits::DEFAULT).unwrap();
    let image = decoded(&made.thumbnails[0].bytes).into_rgb8();
    for x in [3, 50, 96] {
        assert_close(*image.get_pixel(x, 50), GREEN);
    }
}

#[test]
fn a_turned_picture_is_covered_after_it_was_turned() {
    // Stored with stripes from left to right, shown with stripes from top to bottom.
    let file = jpeg_with_exif(&encoded(&stripes(), ImageFormat::Jpeg), &exif(6));
    let variants = "bar:50x300:cover:jpeg:100,all:30x90:fit:jpeg:100".parse().unwrap();
    let made = make(&file, &variants, &Limits::DEFAULT).unwrap();
    let bar = decoded(&made.thumbnails[0].bytes).into_rgb8();
    assert_eq!(bar.dimensions(), (50, 300));
    assert_close(*bar.get_pixel(25, 150), GREEN);
    let all = decoded(&made.thumbnails[1].bytes).into_rgb8();
    assert_eq!(all.dimensions(), (30, 90));
    assert_close(*all.get_pixel(15, 5), RED);
    assert_close(*all.get_pixel(15, 85), BLUE);
}

#[test]
fn a_picture_smaller_than_the_box_fills_what_it_can() {
    let file = encoded(&stripes(), ImageFormat::Png);
    let variants = "v:400x400:cover:jpeg:85".parse().unwrap();
    let made = make(&file, &variants, &Limits::DEFAULT).unwrap();
    assert_eq!((made.thumbnails[0].dimensions.width, made.thumbnails[0].dimensions.height), (400, 300));
}

#[test]
fn a_webp_keeps_what_is_transparent() {
    let image = RgbaImage::from_fn(400, 400, |x, _| Rgba([200, 30, 40, if x < 200 { 0 } else { 255 }]));
    let variants = "v:100x100:fit:webp:90".parse::<Variants>().unwrap();
    let made = make(&encoded(&image.into(), ImageFormat::Png), &variants, &Limits::DEFAULT).unwrap();
    let image = decoded(&made.thumbnails[0].bytes).into_rgba8();
    assert_eq!(image.get_pixel(20, 50).0[3], 0);
    assert_eq!(image.get_pixel(80, 50).0[3], 255);
    let [r, g, b, _] = image.get_pixel(80, 50).0;
    assert!(r.abs_diff(200) < 8 && g.abs_diff(30) < 8 && b.abs_diff(40) < 8);
}

#[test]
fn what_is_made_by_steps_is_what_is_made_at_once() {
    let picture = RgbImage::from_fn(1600, 1200, |x, y| {
        let wave = |at: u32, length: u32| u8::try_from((at % length) * 255 / length).unwrap();
        Rgb([wave(x, 400), wave(y, 300), wave(x + y, 700)])
    });
    let file = encoded(&picture.into(), ImageFormat::Png);
    let together = "l:1000x1000:fit:jpeg:100,m:500x500:fit:jpeg:100,s:120x120:fit:jpeg:100".parse().unwrap();
    let alone = "s:120x120:fit:jpeg:100".parse().unwrap();
    let together = make(&file, &together, &Limits::DEFAULT).unwrap().thumbnails.remove(2);
    let alone = make(&file, &alone, &Limits::DEFAULT).unwrap().thumbnails.remove(0);
    let (together, alone) = (decoded(&together.bytes).into_rgb8(), decoded(&alone.bytes).into_rgb8());
    let differences = together.iter().zip(alone.iter()).map(|(a, b)| u64::from(a.abs_diff(*b)));
    let sum = differences.sum::<u64>();
    // A level and a half on average.
    assert!(2 * sum < 3 * together.len() as u64, "{sum} of {}", together.len());
}

#[test]
fn the_same_file_has_the_same_placeholder() {
    let made = |file: &[u8]| make(file, &Variants::default(), &Limits::DEFAULT).unwrap().placeholder;
    let file = encoded(&stripes(), ImageFormat::Png);
    assert_eq!(made(&file), made(&file));
    let mostly_blue = RgbImage::from_fn(300, 300, |x, _| Rgb(if x < 90 { RED } else { BLUE }));
    assert_eq!(made(&encoded(&mostly_blue.into(), ImageFormat::Png)).color, BLUE);
}
