//! Files that come in parts: what a job makes of them, and when it has enough.

use image::{ImageFormat, RgbImage};
use proptest::prelude::*;
use valet_thumbnail::{Error, Job, Limits, Made, Progress, Variants, make};

use crate::files::{encoded, exif, jpeg_with_exif, progressive_jpeg, webp_extended};

fn variants() -> Variants {
    "small:2x2:fit:jpeg:85".parse().unwrap()
}

/// Pushes parts of this length until the job has enough; how much it took, and what came of it.
fn pushed(file: &[u8], part: usize, variants: &Variants) -> (usize, Result<Made, Error>) {
    let mut job = Job::new(variants.clone(), Limits::DEFAULT);
    let mut taken = 0;
    for part in file.chunks(part) {
        taken += part.len();
        if job.push(part) == Progress::Enough {
            break;
        }
    }
    (taken, job.finish())
}

fn same(a: &Result<Made, Error>, b: &Result<Made, Error>) -> bool {
    match (a, b) {
        (Ok(a), Ok(b)) => a == b,
        (Err(a), Err(b)) => a.code() == b.code(),
        _ => false,
    }
}

#[test]
fn a_progressive_jpeg_is_enough_before_its_end_and_makes_the_same() {
    let file = progressive_jpeg();
    let one_pixel = "dot:1x1:fit:jpeg:85".parse().unwrap();
    let (taken, made) = pushed(&file, 1, &one_pixel);
    assert!(taken < file.len(), "{taken} of {}", file.len());
    assert_eq!(made.unwrap(), make(&file, &one_pixel, &Limits::DEFAULT).unwrap());
}

#[test]
fn a_progressive_jpeg_that_is_needed_in_full_is_read_in_full() {
    let file = progressive_jpeg();
    let (taken, made) = pushed(&file, 1, &Variants::default());
    assert_eq!(taken, file.len());
    assert!(made.is_ok());
}

#[test]
fn a_progressive_jpeg_that_ends_before_it_is_enough_is_corrupt() {
    let file = progressive_jpeg();
    let one_pixel = "dot:1x1:fit:jpeg:85".parse().unwrap();
    let (taken, _) = pushed(&file, 1, &one_pixel);
    for end in [taken - 1, taken / 2] {
        assert_eq!(pushed(&file[..end], 7, &one_pixel).1.unwrap_err().code(), "corrupt");
    }
}

#[test]
fn a_header_that_decides_is_enough() {
    let wide = RgbImage::new(16_385, 1);
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif] {
        let file = encoded(&wide.clone().into(), format);
        let (taken, made) = pushed(&file, 1, &variants());
        assert_eq!(made.unwrap_err().code(), "too_many_pixels", "{format:?}");
        assert!(taken < 800 && taken < file.len(), "{taken} of {} of {format:?}", file.len());
    }
    let webp = webp_extended((1 << 14, 1 << 14), 0, &[(b"VP8L", &[0; 5000])]);
    let (taken, made) = pushed(&webp, 1, &variants());
    assert_eq!((taken, made.unwrap_err().code()), (30, "too_many_pixels"));
    let (taken, made) = pushed(&b"<html>".repeat(9), 1, &variants());
    assert_eq!((taken, made.unwrap_err().code()), (12, "unsupported_format"));
}

#[test]
fn a_file_of_nothing_is_of_no_format() {
    let job = Job::new(Variants::default(), Limits::DEFAULT);
    assert_eq!(job.finish().unwrap_err().code(), "unsupported_format");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn parts_of_any_length_make_what_the_whole_makes(part in 1_usize..600) {
        let image = RgbImage::from_fn(37, 23, |x, y| image::Rgb([x, y, x * y].map(|at| at.to_le_bytes()[0])));
        let image = image::DynamicImage::from(image);
        let jpeg = encoded(&image, ImageFormat::Jpeg);
        let files = [
            progressive_jpeg(),
            jpeg_with_exif(&jpeg, &exif(6)),
            encoded(&image, ImageFormat::Png),
            encoded(&image, ImageFormat::WebP),
            encoded(&image, ImageFormat::Gif),
            jpeg[..jpeg.len() / 2].to_vec(),
        ];
        for file in files {
            let whole = make(&file, &variants(), &Limits::DEFAULT);
            prop_assert!(same(&pushed(&file, part, &variants()).1, &whole));
        }
    }
}
