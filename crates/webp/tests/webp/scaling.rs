//! Scaled decodes against the average over full ones.

use valet_webp::decode;

use crate::files::{ALL, LOSSLESS, LOSSLESS_ALPHA, LOSSY, LOSSY_ALPHA};
use crate::support::{averaged, difference, full};

const SIZES: [(u32, u32); 5] = [(75, 53), (50, 36), (37, 26), (149, 105), (10, 106)];

#[test]
fn lossless_files_are_averaged_over_areas() {
    for file in [LOSSLESS, LOSSLESS_ALPHA] {
        let image = full(file);
        for size in SIZES {
            let scaled = decode(file, size).unwrap();
            let wanted = averaged(&image, size, image.channels == 4);
            let compared: Vec<_> = scaled
                .pixels
                .chunks(image.channels.into())
                .zip(wanted.chunks(image.channels.into()))
                // Where next to nothing shows, eight bits of colour are not many.
                .filter(|(pixel, _)| pixel.get(3).is_none_or(|&alpha| alpha > 32))
                .collect();
            let (ours, theirs): (Vec<_>, Vec<_>) = compared.into_iter().unzip();
            let (mean, most) = difference(&ours.concat(), &theirs.concat());
            assert!(mean < 0.6 && most <= 12, "{size:?}: {mean} and {most}");
        }
    }
}

#[test]
fn lossy_files_are_averaged_without_upsampled_colours_and_smoothed_block_edges() {
    let image = full(LOSSY);
    for size in SIZES {
        let (mean, most) = difference(&decode(LOSSY, size).unwrap().pixels, &averaged(&image, size, false));
        assert!(mean < 2.5 && most < 48, "{size:?}: {mean} and {most}");
    }
}

#[test]
fn lossy_alpha_is_averaged_and_hidden_colours_hardly_show() {
    let image = full(LOSSY_ALPHA);
    for size in SIZES {
        let on_white = |pixels: &[u8]| -> Vec<u8> {
            let over = |pixel: &[u8], channel: usize| {
                let alpha = u32::from(pixel[3]);
                (u32::from(pixel[channel]) * alpha + 255 * (255 - alpha) + 127) / 255
            };
            pixels
                .chunks(4)
                .flat_map(|pixel| [0, 1, 2].map(|channel| u8::try_from(over(pixel, channel)).unwrap()))
                .collect()
        };
        let scaled = decode(LOSSY_ALPHA, size).unwrap();
        let wanted = averaged(&image, size, true);
        let (mean, most) = difference(&on_white(&scaled.pixels), &on_white(&wanted));
        assert!(mean < 1.5 && most < 48, "{size:?}: {mean} and {most}");
        let [ours, theirs] = [&scaled.pixels, &wanted]
            .map(|pixels| pixels.iter().skip(3).step_by(4).copied().collect::<Vec<_>>());
        let (_, most) = difference(&ours, &theirs);
        assert!(most <= 1, "{size:?}: {most}");
    }
}

#[test]
fn nothing_is_enlarged_and_no_side_vanishes() {
    for (name, file) in ALL {
        let image = full(file);
        assert!(decode(file, (10_000, 10_000)).unwrap() == image, "{name}");
        let least = decode(file, (0, 0)).unwrap();
        assert_eq!(
            (least.width, least.height, least.pixels.len()),
            (1, 1, usize::from(least.channels)),
            "{name}"
        );
        let wide = decode(file, (10_000, 7)).unwrap();
        assert_eq!((wide.width, wide.height), (image.width, 7), "{name}");
    }
}
