//! What components mean, and their conversion to grey or RGB; never by a profile.
#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to eight bits before")]
#![expect(clippy::inline_always, reason = "loops over pixels are made of it")]

use std::array::from_fn;

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
                convert(pixels, [y, cb, cr]);
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

/// Converts a row, sixteen pixels at a time.
fn convert(pixels: &mut [u8], [y, cb, cr]: [&[u8]; 3]) {
    let (sixteens, rest) = pixels.as_chunks_mut::<48>();
    let whole = 16 * sixteens.len();
    let components = y.as_chunks::<16>().0.iter().zip(cb.as_chunks::<16>().0).zip(cr.as_chunks::<16>().0);
    for (pixels, ((y, cb), cr)) in sixteens.iter_mut().zip(components) {
        let colours: [u32; 16] = from_fn(|at| {
            let [r, g, b] = rgb(y[at], cb[at], cr[at]);
            u32::from_le_bytes([r, g, b, 0])
        });
        // Four pixels are three words.
        for (words, four) in pixels.as_chunks_mut::<12>().0.iter_mut().zip(colours.as_chunks::<4>().0) {
            let [first, second, third, fourth] = *four;
            let packed = [first | second << 24, second >> 8 | third << 16, third >> 16 | fourth << 8];
            for (word, packed) in words.as_chunks_mut::<4>().0.iter_mut().zip(packed) {
                *word = packed.to_le_bytes();
            }
        }
    }
    let [y, cb, cr] = [y, cb, cr].map(|component| component.get(whole..).unwrap_or_default());
    each(rest, [y, cb, cr], rgb);
}

/// JFIF 1.02, page 3 (ITU-T T.871, section 7), with six bits after the point, which is what 16 have room for.
#[inline(always)]
fn rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    // Numbers above a half as what is missing to a whole.
    let part = |of: i16, part: i32| ((i32::from(of) * part) >> 16) as i16;
    let y = (i16::from(y) << 6) + (1 << 5);
    let [cb, cr] = [cb, cr].map(|chroma| (i16::from(chroma) - 128) << 6);
    let channels = [
        y + cr + part(cr, 26_345),
        y - part(cb, 22_554) - cr + part(cr, 18_734),
        y + 2 * cb - part(cb, 14_942),
    ];
    channels.map(|channel| (channel >> 6).clamp(0, 255) as u8)
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

    /// In every combination of a few values, which every table of the formula goes through.
    #[test]
    fn colours_are_those_of_the_formula_but_for_rounding() {
        for (y, cb, cr) in (0..=255)
            .flat_map(|y| (0..=255).flat_map(move |cb| [0, 1, 77, 128, 200, 255].map(|cr| (y, cb, cr))))
        {
            let [cb_, cr_] = [cb, cr].map(|chroma| f64::from(chroma) - 128.0);
            let exact = [1.402 * cr_, -0.344_136 * cb_ - 0.714_136 * cr_, 1.772 * cb_];
            for (made, exact) in rgb(y, cb, cr).into_iter().zip(exact) {
                let exact = (f64::from(y) + exact).clamp(0.0, 255.0);
                assert!((f64::from(made) - exact).abs() < 0.55, "{made} for {exact} of {y}, {cb}, {cr}");
            }
        }
    }

    #[test]
    fn a_row_of_any_length_is_converted_whole() {
        let (y, cb, cr) = (*b"The quick brown fox jumps over 13", [90; 33], [140; 33]);
        for length in 0..=33 {
            let mut pixels = vec![0; 3 * length];
            Color::YCbCr.write(&[&y[..length], &cb[..length], &cr[..length]], &mut pixels);
            let expected = y[..length].iter().flat_map(|&y| rgb(y, 90, 140)).collect::<Vec<_>>();
            assert_eq!(pixels, expected);
        }
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
