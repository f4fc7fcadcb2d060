//! Scaled decodes against `image`'s full decodes of the same file, averaged over squares of pixels.

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use proptest::prelude::{Strategy, any, prop_assert, proptest};
use scaled_jpeg::Scale;

use crate::files::ALL;
use crate::support::{assert_similar, boxed, difference, scaled};

/// At an eighth a pixel is the mean of a block, but for rounding; at a quarter and a half it is the mean without the
/// frequencies that are left out, which edges have.
#[test]
fn files_of_every_kind_are_close_to_their_full_decode() {
    // What image's decoder does not know.
    let unknown = |name: &str| {
        ["3x", "3-to-2", "chroma-finer", "separate-scans"].iter().any(|kind| name.contains(kind))
    };
    for (name, file) in ALL.iter().filter(|(name, _)| !unknown(name)) {
        let full = image::load_from_memory(file).unwrap_or_else(|error| panic!("{name}: {error}"));
        for scale in Scale::ALL {
            assert_similar(name, scale, &scaled(file, scale), &boxed(&full.to_rgb8(), scale));
        }
    }
}

/// Slopes and waves, no more than four pixels' change a pixel.
fn pictures() -> impl Strategy<Value = RgbImage> {
    (1_u32..90, 1_u32..90, any::<[u8; 3]>(), any::<[i8; 3]>(), any::<[i8; 3]>()).prop_map(
        |(width, height, base, across, down)| {
            RgbImage::from_fn(width, height, |x, y| {
                Rgb(std::array::from_fn(|channel| {
                    let slope =
                        f64::from(across[channel]) * f64::from(x) + f64::from(down[channel]) * f64::from(y);
                    let value = f64::from(base[channel]) + slope / 64.0 + 20.0 * (slope / 900.0).sin();
                    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
                    let value = value.clamp(0.0, 255.0) as u8;
                    value
                }))
            })
        },
    )
}

fn encoded(picture: &RgbImage) -> Vec<u8> {
    let mut file = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut file, 95)).unwrap();
    file
}

/// What of a picture lies in whole squares: beyond them the encoder's padding shows.
fn whole(picture: &RgbImage, full: (u32, u32), scale: Scale) -> RgbImage {
    let side = scale.denominator();
    image::imageops::crop_imm(picture, 0, 0, full.0 / side, full.1 / side).to_image()
}

proptest! {
    #[test]
    fn a_smooth_picture_of_any_size_is_its_full_decode_averaged(picture in pictures()) {
        let file = encoded(&picture);
        let full = image::load_from_memory(&file).unwrap().into_rgb8();
        for scale in Scale::ALL {
            let made = scaled(&file, scale);
            prop_assert!(made.dimensions() == scale.of(picture.dimensions()));
            let (made, reference) = (whole(&made, full.dimensions(), scale), whole(&boxed(&full, scale), full.dimensions(), scale));
            if made.is_empty() {
                continue;
            }
            let (mean, most) = difference(&made, &reference);
            prop_assert!(mean < 2.0 && most <= 12, "{:?} at {scale:?}: mean {mean:.2}, most {most}", full.dimensions());
        }
    }
}
