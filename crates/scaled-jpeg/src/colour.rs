//! What components mean, and their conversion to grey or RGB; never by a profile.
#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to eight bits before")]

use crate::frame::Frame;
use crate::metadata::Metadata;

/// What a file's components stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// Brightness alone.
    Grey,
    /// Brightness and two differences from it, by JFIF's equations.
    YCbCr,
    /// Red, green and blue.
    Rgb,
    /// Cyan, magenta, yellow and black, stored inverted.
    Cmyk,
    /// The same with the first three converted as if they were red, green and blue.
    Ycck,
}

impl Color {
    /// Goes by Adobe's segment, JFIF's, and the components' names, as libjpeg does and thereby everyone.
    pub(crate) fn of(frame: &Frame, metadata: &Metadata<'_>) -> Self {
        match (frame.components.as_slice(), metadata.adobe) {
            ([_], _) => Self::Grey,
            ([_, _, _, _], Some(2)) => Self::Ycck,
            ([_, _, _, _], _) => Self::Cmyk,
            (_, _) if metadata.jfif => Self::YCbCr,
            (_, Some(0)) => Self::Rgb,
            (components, None) if components.iter().map(|component| component.id).eq(*b"RGB") => Self::Rgb,
            (_, _) => Self::YCbCr,
        }
    }

    /// Bytes of a pixel that comes out.
    pub(crate) fn channels(self) -> usize {
        if self == Self::Grey { 1 } else { 3 }
    }

    /// Writes a row of pixels from one row of each component, all of them at least as long.
    pub(crate) fn write(self, components: &[&[u8]], pixels: &mut [u8]) {
        match (self, components) {
            (Self::Grey, [grey, ..]) => {
                for (pixel, &grey) in pixels.iter_mut().zip(*grey) {
                    *pixel = grey;
                }
            }
            (Self::YCbCr, [y, cb, cr, ..]) => {
                each(pixels, [y, cb, cr], rgb);
            }
            (Self::Rgb, [r, g, b, ..]) => each(pixels, [r, g, b], |r, g, b| [r, g, b]),
            (Self::Cmyk, [c, m, y, k]) => {
                each(pixels, [c, m, y], |c, m, y| [c, m, y]);
                darken(pixels, k);
            }
            (Self::Ycck, [y, cb, cr, k]) => {
                each(pixels, [y, cb, cr], |y, cb, cr| rgb(y, cb, cr).map(inverted));
                darken(pixels, k);
            }
            _ => {}
        }
    }

    /// Writes a row of pixels of four inks, 255 for full, from rows of components that stand for inks.
    pub(crate) fn write_ink(self, components: &[&[u8]], pixels: &mut [u8]) {
        let &[first, second, third, black] = components else { return };
        let (pixels, _) = pixels.as_chunks_mut::<4>();
        let components = first.iter().zip(second).zip(third).zip(black);
        for (pixel, (((&first, &second), &third), &black)) in pixels.iter_mut().zip(components) {
            // Inverted for YCCK, as if ink were light, and once more as Adobe stores ink, which leaves it as it is.
            let [c, m, y] = match self {
                Self::Ycck => rgb(first, second, third),
                _ => [first, second, third].map(inverted),
            };
            *pixel = [c, m, y, inverted(black)];
        }
    }
}

fn each(pixels: &mut [u8], [a, b, c]: [&[u8]; 3], colour: impl Fn(u8, u8, u8) -> [u8; 3]) {
    let (pixels, _) = pixels.as_chunks_mut::<3>();
    for (((pixel, &a), &b), &c) in pixels.iter_mut().zip(a).zip(b).zip(c) {
        *pixel = colour(a, b, c);
    }
}

fn inverted(channel: u8) -> u8 {
    255 - channel
}

/// Takes the black away, where 255 is none.
fn darken(pixels: &mut [u8], black: &[u8]) {
    let (pixels, _) = pixels.as_chunks_mut::<3>();
    for (pixel, &black) in pixels.iter_mut().zip(black) {
        *pixel = pixel.map(|channel| ((u32::from(channel) * u32::from(black) + 127) / 255) as u8);
    }
}

/// JFIF 1.02, page 3 (ITU-T T.871, section 7), in 16 bits after the point.
fn rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = ((i32::from(y) << 16) + (1 << 15), i32::from(cb) - 128, i32::from(cr) - 128);
    let channels = [y + 91_881 * cr, y - 22_554 * cb - 46_802 * cr, y + 116_130 * cb];
    channels.map(|channel| (channel >> 16).clamp(0, 255) as u8)
}

#[cfg(test)]
mod tests {
    use super::{Color, rgb};

    #[test]
    fn the_primaries_of_jfif_come_out() {
        assert_eq!(rgb(76, 85, 255), [254, 0, 0]);
        assert_eq!(rgb(29, 255, 107), [0, 0, 254]);
        assert_eq!(rgb(200, 128, 128), [200; 3]);
    }

    #[test]
    fn black_is_a_factor_and_255_is_none() {
        let mut pixel = [0; 3];
        Color::Cmyk.write(&[&[255], &[100], &[0], &[255]], &mut pixel);
        assert_eq!(pixel, [255, 100, 0]);
        Color::Cmyk.write(&[&[255], &[100], &[0], &[51]], &mut pixel);
        assert_eq!(pixel, [51, 20, 0]);
        Color::Ycck.write(&[&[200], &[128], &[128], &[51]], &mut pixel);
        assert_eq!(pixel, [11; 3]);
    }
}
