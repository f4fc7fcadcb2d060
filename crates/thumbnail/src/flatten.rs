//! Opaque pixels out of transparent ones; never a dark fringe where something transparent was black underneath.

use crate::picture::{Channels, Picture};

/// Lays a picture on white: what comes out has no alpha. What had none stays as it is.
///
/// Done after resizing, which weighs colours by their alpha: what is transparent has no part in them.
pub(crate) fn flatten(picture: Picture) -> Picture {
    let dimensions = picture.dimensions();
    match picture.channels() {
        Channels::Grey | Channels::Rgb | Channels::Cmyk => picture,
        Channels::GreyAlpha => Picture::new(dimensions, Channels::Grey, on_white::<2>(picture.into_bytes())),
        Channels::Rgba => Picture::new(dimensions, Channels::Rgb, on_white::<4>(picture.into_bytes())),
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
    use super::{flatten, over_white};
    use crate::Dimensions;
    use crate::picture::{Channels, Picture};

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
        let pixels = [10, 20, 30, 255, 10, 20, 30, 0];
        let two = Picture::new(Dimensions { width: 2, height: 1 }, Channels::Rgba, pixels.into());
        let flat = flatten(two);
        assert_eq!((flat.channels(), flat.bytes()), (Channels::Rgb, [10, 20, 30, 255, 255, 255].as_slice()));
    }

    #[test]
    fn grey_with_alpha_stays_grey() {
        let two =
            Picture::new(Dimensions { width: 2, height: 1 }, Channels::GreyAlpha, vec![40, 255, 40, 51]);
        let flat = flatten(two);
        assert_eq!((flat.channels(), flat.bytes()), (Channels::Grey, [40, 212].as_slice()));
    }
}
