//! Colours in sRGB, by the profile a file carries; never an error, as a picture in slightly wrong colours is better
//! than none.

mod srgb;

use moxcms::{ColorProfile, DataColorSpace, Layout, ParsingOptions, RenderingIntent, TransformOptions};

use crate::picture::{Channels, Picture};

/// Converts a picture to sRGB. Without a profile, with one that is damaged, or with one for other channels than the
/// picture's, grey and RGB are taken for sRGB, and ink for what takes its share of the light away.
pub(crate) fn to_srgb(picture: Picture, profile: Option<&[u8]>) -> Picture {
    if let Some(converted) = profile.and_then(|profile| by_profile(&picture, profile)) {
        return converted;
    }
    match picture.channels() {
        Channels::Grey | Channels::GreyAlpha | Channels::Rgb | Channels::Rgba => picture,
        Channels::Cmyk => {
            let rgb = picture
                .pixels()
                .flat_map(|ink| [ink[0], ink[1], ink[2]].map(|ink_of| without(ink_of, ink[3])));
            Picture::new(picture.dimensions(), Channels::Rgb, rgb.collect())
        }
    }
}

/// What is left of white light by ink and black.
fn without(ink: u8, black: u8) -> u8 {
    let left = u32::from(255 - ink) * u32::from(255 - black);
    u8::try_from((left + 127) / 255).unwrap_or(u8::MAX)
}

/// The converted picture, or nothing where there is nothing to convert or no way to.
fn by_profile(picture: &Picture, profile: &[u8]) -> Option<Picture> {
    let bounds = ParsingOptions {
        max_profile_size: MAX_BYTES,
        max_allowed_clut_size: MAX_BYTES,
        ..ParsingOptions::default()
    };
    let profile = ColorProfile::new_from_slice_with_options(profile, bounds).ok()?;
    let channels = picture.channels();
    let (of_profile, from, to, converted) = match channels {
        Channels::Grey => (DataColorSpace::Gray, Layout::Gray, Layout::Rgb, Channels::Rgb),
        Channels::GreyAlpha => (DataColorSpace::Gray, Layout::GrayAlpha, Layout::Rgba, Channels::Rgba),
        Channels::Rgb => (DataColorSpace::Rgb, Layout::Rgb, Layout::Rgb, Channels::Rgb),
        Channels::Rgba => (DataColorSpace::Rgb, Layout::Rgba, Layout::Rgba, Channels::Rgba),
        Channels::Cmyk => (DataColorSpace::Cmyk, Layout::Rgba, Layout::Rgb, Channels::Rgb),
    };
    if profile.color_space != of_profile || srgb::is_srgb(&profile) {
        return None;
    }
    // As LittleCMS does for sharp: where a profile has no table for it, this is relative colorimetry.
    let options =
        TransformOptions { rendering_intent: RenderingIntent::Perceptual, ..TransformOptions::default() };
    let transform = profile.create_transform_8bit(from, &ColorProfile::new_srgb(), to, options).ok()?;
    let dimensions = picture.dimensions();
    let row = dimensions.width as usize;
    let mut pixels = vec![0; row * dimensions.height as usize * converted.count()];
    let rows = picture.bytes().chunks_exact(row * channels.count());
    for (source, target) in rows.zip(pixels.chunks_exact_mut(row * converted.count())) {
        transform.transform(source, target).ok()?;
    }
    let picture = Picture::new(dimensions, converted, pixels);
    // What was grey is grey still.
    Some(match channels {
        Channels::Grey => picture.grey(Channels::Grey),
        Channels::GreyAlpha => picture.grey(Channels::GreyAlpha),
        Channels::Rgb | Channels::Rgba | Channels::Cmyk => picture,
    })
}

/// The largest profile that is read. Those of printing presses have two or three megabytes.
const MAX_BYTES: usize = 8 << 20;

#[cfg(test)]
mod tests {
    use moxcms::ColorProfile;

    use super::to_srgb;
    use crate::Dimensions;
    use crate::picture::{Channels, Picture};

    fn one(channels: Channels, pixel: &[u8]) -> Picture {
        Picture::new(Dimensions { width: 1, height: 1 }, channels, pixel.to_vec())
    }

    fn converted(channels: Channels, pixel: &[u8], profile: &[u8]) -> Vec<u8> {
        to_srgb(one(channels, pixel), Some(profile)).into_bytes()
    }

    #[test]
    fn a_colour_of_display_p3_is_brighter_in_srgb() {
        let p3 = ColorProfile::new_display_p3().encode().unwrap();
        // Calculated from the primaries of P3 and sRGB: (200, 100, 50) lies at (214.9, 92.6, 31.0).
        let rgb = converted(Channels::Rgb, &[200, 100, 50], &p3);
        for (channel, expected) in rgb.iter().zip([215, 93, 31_u8]) {
            assert!(channel.abs_diff(expected) <= 1, "{rgb:?}");
        }
        assert_eq!(converted(Channels::Rgba, &[200, 100, 50, 77], &p3), [rgb.as_slice(), &[77]].concat());
    }

    #[test]
    fn srgb_stays_as_it_is() {
        let srgb = ColorProfile::new_srgb().encode().unwrap();
        for pixel in [[0, 0, 0], [255, 255, 255], [1, 128, 77]] {
            assert_eq!(converted(Channels::Rgb, &pixel, &srgb), pixel);
        }
    }

    #[test]
    fn grey_of_another_gamma_becomes_another_grey() {
        let linear = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
        let grey = converted(Channels::Grey, &[55], &linear);
        // 55 / 255 of the light is 0.5017 in sRGB.
        assert!(grey.len() == 1 && grey[0].abs_diff(128) <= 1, "{grey:?}");
        assert_eq!(converted(Channels::GreyAlpha, &[55, 9], &linear), [grey[0], 9]);
    }

    #[test]
    fn a_profile_for_other_channels_or_damaged_is_ignored() {
        let p3 = ColorProfile::new_display_p3().encode().unwrap();
        assert_eq!(converted(Channels::Grey, &[200], &p3), [200]);
        assert_eq!(converted(Channels::Cmyk, &[0, 0, 0, 255], &p3), [0, 0, 0]);
        for length in 0..p3.len() {
            assert_eq!(converted(Channels::Rgb, &[0, 0, 0], &p3[..length]).len(), 3);
        }
        assert_eq!(converted(Channels::Rgb, &[200, 100, 50], &[0xFF; 4000]), [200, 100, 50]);
    }

    #[test]
    fn ink_without_a_profile_takes_its_share_of_the_light() {
        let of = |ink: [u8; 4]| to_srgb(one(Channels::Cmyk, &ink), None).into_bytes();
        assert_eq!(of([0, 0, 0, 0]), [255, 255, 255]);
        assert_eq!(of([255, 0, 0, 0]), [0, 255, 255]);
        assert_eq!(of([0, 51, 0, 51]), [204, 163, 204]);
        assert_eq!(of([9, 9, 9, 255]), [0, 0, 0]);
    }
}
