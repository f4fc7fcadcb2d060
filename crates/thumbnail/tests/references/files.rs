//! The files of tests/images/references, their thumbnails, and how far those are from what another tool made.

use std::fs;
use std::path::PathBuf;

use image::{ImageFormat, RgbImage};
use valet_thumbnail::{Limits, Variants, make};

use crate::ciede2000;

/// How far a picture is from the expected one, in CIEDE2000.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Distance {
    pub(crate) mean: f64,
    /// What all but one pixel in a hundred stay below.
    pub(crate) most: f64,
}

pub(crate) fn input(name: &str) -> Vec<u8> {
    fs::read(directory().join(name)).unwrap()
}

/// What Pillow and LittleCMS made of a file.
pub(crate) fn expected(name: &str) -> RgbImage {
    let png =
        fs::read(directory().join("expected").join(name.replace('.', "-")).with_extension("png")).unwrap();
    image::load_from_memory_with_format(&png, ImageFormat::Png).unwrap().into_rgb8()
}

/// What this crate makes of a file, as a JPEG of the best quality, so that little but colours counts.
pub(crate) fn thumbnail(file: &[u8]) -> RgbImage {
    let variants: Variants = "small:64x64:fit:jpeg:100".parse().unwrap();
    let made = make(file, &variants, &Limits::DEFAULT).unwrap();
    image::load_from_memory_with_format(&made.thumbnails[0].bytes, ImageFormat::Jpeg).unwrap().into_rgb8()
}

pub(crate) fn distance(is: &RgbImage, expected: &RgbImage) -> Distance {
    assert_eq!(is.dimensions(), expected.dimensions());
    let mut each: Vec<f64> = is
        .pixels()
        .zip(expected.pixels())
        .map(|(&is, &expected)| ciede2000::difference(is, expected))
        .collect();
    each.sort_by(f64::total_cmp);
    let count = u32::try_from(each.len()).unwrap();
    Distance { mean: each.iter().sum::<f64>() / f64::from(count), most: each[each.len() * 99 / 100] }
}

/// Makes a thumbnail of the file and expects it to look like the other tool's, on the mean and nearly everywhere.
#[track_caller]
pub(crate) fn assert_as_expected(name: &str, mean: f64, most: f64) {
    let is = distance(&thumbnail(&input(name)), &expected(name));
    assert!(is.mean < mean && is.most < most, "{name}: {is:?}");
}

fn directory() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../../tests/images/references"].iter().collect()
}
