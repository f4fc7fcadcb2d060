//! Files of ink: CMYK and YCCK.

use image::ImageDecoder;
use scaled_jpeg::{Color, Error, Jpeg, Scale};

use crate::files::{BASELINE_420, CMYK, GREY, PICTURE, PROGRESSIVE_CMYK, PROGRESSIVE_YCCK, RGB, YCCK};
use crate::support::{boxed, difference, scaled};

fn ink(file: &[u8], scale: Scale) -> Vec<[u8; 4]> {
    let decoder = Jpeg::read(file).unwrap().decoder(scale);
    let (width, height) = decoder.dimensions();
    let mut ink = vec![0; 4 * usize::try_from(width * height).unwrap()];
    decoder.read_cmyk(&mut ink).unwrap();
    ink.as_chunks().0.to_vec()
}

/// `make.py` takes half of the black that all three inks could give.
fn with_black(light: [u8; 3]) -> [f64; 4] {
    let light = light.map(f64::from);
    let black = (255.0 - light.into_iter().fold(0.0, f64::max)) / 2.0;
    let [c, m, y] = light.map(|light| 255.0 - light * 255.0 / (255.0 - black));
    [c, m, y, black]
}

fn without_black([r, g, b]: [u8; 3]) -> [f64; 4] {
    [255 - r, 255 - g, 255 - b, 0].map(f64::from)
}

#[test]
fn ink_is_what_was_put_in() {
    type Inks = fn([u8; 3]) -> [f64; 4];
    let picture = image::load_from_memory(PICTURE).unwrap().into_rgb8();
    let files: [(&[u8], Inks); 4] = [
        (CMYK, without_black),
        (PROGRESSIVE_CMYK, without_black),
        (YCCK, with_black),
        (PROGRESSIVE_YCCK, with_black),
    ];
    for (file, inks) in files {
        for scale in Scale::ALL {
            let expected = boxed(&picture, scale);
            let (mut sum, mut most) = (0.0, 0.0_f64);
            let ink = ink(file, scale);
            for (made, light) in ink.iter().zip(expected.pixels()) {
                for (made, expected) in made.iter().zip(inks(light.0)) {
                    let difference = (f64::from(*made) - expected).abs();
                    sum += difference;
                    most = most.max(difference);
                }
            }
            #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
            let mean = sum / (4 * ink.len()) as f64;
            assert!(mean < 2.5 && most < 26.0, "at {scale:?}: mean {mean:.2}, most {most}");
        }
    }
}

#[test]
fn light_is_what_inks_and_black_leave_of_it() {
    for (file, scale) in [CMYK, YCCK].into_iter().zip([Scale::Half, Scale::Quarter]) {
        let light = scaled(file, scale);
        let mut expected = light.clone();
        for (light, [c, m, y, k]) in expected.pixels_mut().zip(ink(file, scale)) {
            let left = |ink: u8| u32::from(255 - ink) * u32::from(255 - k);
            light.0 = [c, m, y].map(|ink| u8::try_from((left(ink) + 127) / 255).unwrap());
        }
        assert_eq!(difference(&light, &expected), (0.0, 0));
    }
}

#[test]
fn files_of_other_colours_have_no_ink() {
    for file in [RGB, GREY, BASELINE_420] {
        let decoder = Jpeg::read(file).unwrap().decoder(Scale::Eighth);
        assert!(matches!(decoder.read_cmyk(&mut [0; 4 * 19 * 14]), Err(Error::Unsupported(_))));
    }
}

#[test]
fn colours_are_told_apart() {
    let color = |file| Jpeg::read(file).unwrap().color();
    assert_eq!(
        [GREY, BASELINE_420, RGB, CMYK, YCCK].map(color),
        [Color::Grey, Color::YCbCr, Color::Rgb, Color::Cmyk, Color::Ycck]
    );
}
