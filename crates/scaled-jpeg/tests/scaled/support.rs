//! Scaled decoding, box filtering and the difference between the two.

use image::{DynamicImage, RgbImage};
use scaled_jpeg::{Error, Jpeg, Scale};

pub(crate) fn decoded(file: &[u8], scale: Scale) -> image::ImageResult<DynamicImage> {
    DynamicImage::from_decoder(Jpeg::read(file)?.decoder(scale))
}

pub(crate) fn scaled(file: &[u8], scale: Scale) -> RgbImage {
    decoded(file, scale).unwrap().into_rgb8()
}

/// The mean of each square of pixels; at the right and lower end, of what is left of it.
pub(crate) fn boxed(full: &RgbImage, scale: Scale) -> RgbImage {
    let side = scale.denominator();
    let (width, height) = scale.of(full.dimensions());
    RgbImage::from_fn(width, height, |x, y| {
        let xs = side * x..(side * (x + 1)).min(full.width());
        let ys = side * y..(side * (y + 1)).min(full.height());
        let (mut sums, mut count) = ([0; 3], 0);
        for (x, y) in ys.flat_map(|y| xs.clone().map(move |x| (x, y))) {
            for (sum, channel) in sums.iter_mut().zip(full.get_pixel(x, y).0) {
                *sum += u32::from(channel);
            }
            count += 1;
        }
        image::Rgb(sums.map(|sum| u8::try_from((sum + count / 2) / count).unwrap()))
    })
}

/// Mean and largest difference of the channels.
pub(crate) fn difference(one: &RgbImage, other: &RgbImage) -> (f64, u8) {
    assert_eq!(one.dimensions(), other.dimensions());
    let differences =
        one.as_raw().iter().zip(other.as_raw()).map(|(&a, &b)| a.abs_diff(b)).collect::<Vec<_>>();
    let sum = differences.iter().map(|&difference| u64::from(difference)).sum::<u64>();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let mean = sum as f64 / differences.len() as f64;
    (mean, differences.into_iter().max().unwrap())
}

/// Holds a scaled picture of a file against its reference: tightly in brightness; in colour as tightly as the file's
/// samples allow where the picture has edges.
#[track_caller]
pub(crate) fn assert_similar(name: &str, scale: Scale, made: &RgbImage, reference: &RgbImage) {
    let what = format!("{name} at {scale:?}");
    let (mean, most) = difference(made, reference);
    let any = |kinds: &[&str]| kinds.iter().any(|kind| name.contains(kind));
    let whole = any(&["444", "rgb", "grey", "cmyk", "ycck"]);
    let halved = any(&["420", "restarts", "separate"]);
    let (mean_allowed, most_allowed) = if whole || halved && scale != Scale::Eighth {
        (2.0, 20)
    } else if scale == Scale::Eighth {
        // One sample for 16 or 32 pixels.
        (12.0, 70)
    } else {
        (6.0, 65)
    };
    assert!(
        mean < mean_allowed && most < most_allowed,
        "{what}: colours differ by {mean:.2}, at most {most}"
    );
    let grey =
        |image: &RgbImage| DynamicImage::from(DynamicImage::from(image.clone()).into_luma8()).into_rgb8();
    let (mean, most) = difference(&grey(made), &grey(reference));
    assert!(mean < 3.0 && most < 24, "{what}: brightness differs by {mean:.2}, at most {most}");
}

/// The error of a file that must not decode.
#[track_caller]
pub(crate) fn refusal(file: &[u8]) -> Error {
    let error = match Jpeg::read(file) {
        Err(error) => return error,
        Ok(jpeg) => DynamicImage::from_decoder(jpeg.decoder(Scale::Eighth)).unwrap_err(),
    };
    reason(&error)
}

/// This crate's error in one of `image`'s.
#[track_caller]
pub(crate) fn reason(error: &image::ImageError) -> Error {
    let image::ImageError::Decoding(error) = error else { panic!("{error}") };
    *std::error::Error::source(error).unwrap().downcast_ref().unwrap()
}
