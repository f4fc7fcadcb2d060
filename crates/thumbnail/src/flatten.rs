//! Opaque pixels of eight bits a channel; never a dark fringe where something transparent was black
//! underneath.

use image::{DynamicImage, GrayImage, RgbImage};

/// Brings the image to eight bits a channel and lays it on white: what comes out is grey or RGB.
///
/// Done before resizing, at full size: averaging pixels that already lie on white gives what premultiplied
/// resampling and flattening afterwards would give, and leaves fewer channels to resample. Eight-bit pixels
/// stay in their buffer, so that a large image does not take a second one.
pub(crate) fn flatten(image: DynamicImage) -> DynamicImage {
    let (width, height) = (image.width(), image.height());
    match image {
        DynamicImage::ImageLuma8(_) | DynamicImage::ImageRgb8(_) => image,
        DynamicImage::ImageLumaA8(image) => {
            let flat = GrayImage::from_raw(width, height, on_white::<2>(image.into_raw()));
            DynamicImage::ImageLuma8(flat.expect("one byte was left for each pixel"))
        }
        DynamicImage::ImageRgba8(image) => {
            let flat = RgbImage::from_raw(width, height, on_white::<4>(image.into_raw()));
            DynamicImage::ImageRgb8(flat.expect("three bytes were left for each pixel"))
        }
        DynamicImage::ImageLuma16(_) => DynamicImage::ImageLuma8(image.into_luma8()),
        DynamicImage::ImageLumaA16(_) => flatten(DynamicImage::ImageLumaA8(image.into_luma_alpha8())),
        DynamicImage::ImageRgba16(_) => flatten(DynamicImage::ImageRgba8(image.into_rgba8())),
        // Sixteen-bit RGB, and what a decoder may come up with some day: alpha, if there is any, is looked at
        // above.
        other if other.color().has_alpha() => flatten(DynamicImage::ImageRgba8(other.into_rgba8())),
        other => DynamicImage::ImageRgb8(other.into_rgb8()),
    }
}

/// Blends pixels of `CHANNELS` bytes, the last of them alpha, with white, and drops the alpha.
fn on_white<const CHANNELS: usize>(mut bytes: Vec<u8>) -> Vec<u8> {
    let colours = CHANNELS - 1;
    let pixels = bytes.len() / CHANNELS;
    for pixel in 0..pixels {
        let alpha = u32::from(bytes[pixel * CHANNELS + colours]);
        for channel in 0..colours {
            let colour = u32::from(bytes[pixel * CHANNELS + channel]);
            // What is written lies at or before what is read next.
            bytes[pixel * colours + channel] = over_white(colour, alpha);
        }
    }
    bytes.truncate(pixels * colours);
    bytes
}

/// One channel of a colour of this alpha over white, to the nearest step.
fn over_white(colour: u32, alpha: u32) -> u8 {
    let blended = (colour * alpha + 255 * (255 - alpha) + 127) / 255;
    u8::try_from(blended).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, GrayAlphaImage, ImageBuffer, LumaA, Rgba, RgbaImage};

    use super::{flatten, over_white};

    #[test]
    fn alpha_decides_between_the_colour_and_white() {
        assert_eq!(over_white(0, 0), 255);
        assert_eq!(over_white(0, 255), 0);
        assert_eq!(over_white(0, 128), 127);
        assert_eq!(over_white(200, 255), 200);
        assert_eq!(over_white(255, 77), 255);
    }

    #[test]
    fn every_pixel_is_blended_with_its_own_alpha() {
        let image = RgbaImage::from_fn(3, 2, |x, y| Rgba([10, 20, 30, if x == y { 255 } else { 0 }]));
        let flat = flatten(image.into()).into_rgb8();
        for (x, y, pixel) in flat.enumerate_pixels() {
            let expected = if x == y { [10, 20, 30] } else { [255, 255, 255] };
            assert_eq!(pixel.0, expected, "at {x},{y}");
        }
    }

    #[test]
    fn grey_with_alpha_stays_grey() {
        let image = GrayAlphaImage::from_fn(2, 1, |x, _| LumaA([40, if x == 0 { 255 } else { 51 }]));
        let DynamicImage::ImageLuma8(flat) = flatten(image.into()) else { panic!("not grey") };
        assert_eq!(flat.into_raw(), [40, 212]);
    }

    #[test]
    fn sixteen_bits_become_eight() {
        let image = ImageBuffer::from_pixel(1, 1, Rgba([0x8080_u16, 0xFFFF, 0, 0xFFFF]));
        let DynamicImage::ImageRgb8(flat) = flatten(DynamicImage::ImageRgba16(image)) else {
            panic!("not RGB")
        };
        assert_eq!(flat.into_raw(), [0x80, 0xFF, 0]);
    }
}
