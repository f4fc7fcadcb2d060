//! JPEG files, at a reduced scale where that leaves enough; never CMYK as anything but ink.

use image::ImageDecoder;
use scaled_jpeg::{Color, Jpeg, Scale};
use std::io::Cursor;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder as ZuneDecoder;

use super::structure::Structure;
use super::{Decoded, with_decoder};
use crate::picture::{Channels, Picture};
use crate::{Dimensions, Error, Limits};

/// The smallest scale that leaves enough for the wanted sides, or nothing if only the full size does.
///
/// At 1/8 a pixel is the mean of a block, so a quarter more than is wanted is left for Lanczos to work on. At 1/4 and
/// 1/2 the lowest frequencies of each block are kept as they are, which shrinks a picture as well as Lanczos does: as
/// many pixels as are wanted will do.
pub(crate) fn sufficient_scale(stored: Dimensions, wanted: Dimensions) -> Option<Scale> {
    let with_room = |side: u32| side.saturating_mul(5).div_ceil(4);
    Scale::ALL.into_iter().find(|&scale| {
        let (width, height) = scale.of((stored.width, stored.height));
        match scale {
            Scale::Eighth => width >= with_room(wanted.width) && height >= with_room(wanted.height),
            Scale::Quarter | Scale::Half => width >= wanted.width && height >= wanted.height,
        }
    })
}

/// The limits of the decoder for reduced scales.
pub(crate) fn scaled_limits(limits: &Limits) -> scaled_jpeg::Limits {
    let mut of_decoder = scaled_jpeg::Limits::DEFAULT;
    of_decoder.max_pixels = limits.max_pixels;
    of_decoder.max_scans = limits.max_jpeg_scans;
    of_decoder.max_working_bytes = limits.max_decode_bytes;
    of_decoder
}

/// Decodes without most of the pixels.
pub(super) fn decode_scaled(
    jpeg: Jpeg<'_>,
    scale: Scale,
    prefix: bool,
    limits: &Limits,
) -> Result<Decoded, Error> {
    let full = jpeg.dimensions();
    let color = jpeg.color();
    let decoder = jpeg.with_limits(scaled_limits(limits)).decoder(scale);
    let decoder = if prefix { decoder.of_prefix() } else { decoder };
    let picture = match color {
        // It holds what it takes beside the pixels against its limits itself.
        Color::Grey | Color::YCbCr | Color::Rgb => with_decoder(decoder, 0, limits)?,
        Color::Cmyk | Color::Ycck => {
            let (width, height) = decoder.dimensions();
            let dimensions = Dimensions { width, height };
            let mut ink = ink_for(dimensions, decoder.working_bytes(), limits)?;
            decoder.read_cmyk(&mut ink).map_err(|error| Error::from_decoder(error.into()))?;
            Picture::new(dimensions, Channels::Cmyk, ink)
        }
    };
    let covered = |side: u32| f64::from(side) / f64::from(scale.denominator());
    Ok(Decoded { picture, covered: (covered(full.0), covered(full.1)) })
}

/// Decodes every pixel.
pub(super) fn decode_full(bytes: &[u8], color: Color, limits: &Limits) -> Result<Picture, Error> {
    let decoder = image::codecs::jpeg::JpegDecoder::new(Cursor::new(bytes)).map_err(Error::from_decoder)?;
    let (width, height) = decoder.dimensions();
    let dimensions = Dimensions { width, height };
    let working_bytes = check(bytes, dimensions, limits)?;
    let stored_as = match color {
        Color::Grey | Color::YCbCr | Color::Rgb => return with_decoder(decoder, working_bytes, limits),
        Color::Cmyk => ColorSpace::CMYK,
        Color::Ycck => ColorSpace::YCCK,
    };
    let mut ink = ink_for(dimensions, working_bytes, limits)?;
    let options = DecoderOptions::default()
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(stored_as);
    let corrupt = |error: zune_jpeg::errors::DecodeErrors| Error::Corrupt(format!("{error:?}").into());
    ZuneDecoder::new_with_options(ZCursor::new(bytes), options).decode_into(&mut ink).map_err(corrupt)?;
    for pixel in ink.as_chunks_mut::<4>().0 {
        // Adobe's applications store ink inverted, and YCCK as if that were light.
        let [first, second, third, black] = *pixel;
        let [cyan, magenta, yellow] = match color {
            Color::Ycck => rgb(first, second, third),
            _ => [first, second, third].map(|ink| 255 - ink),
        };
        *pixel = [cyan, magenta, yellow, 255 - black];
    }
    Ok(Picture::new(dimensions, Channels::Cmyk, ink))
}

/// Refuses what the full-size decoder would not: it does not tell a progressive file from a baseline one, and fills
/// what a truncated file lacks with grey. Returns what it takes beside the pixels.
pub(super) fn check(bytes: &[u8], dimensions: Dimensions, limits: &Limits) -> Result<u64, Error> {
    let structure = Structure::of(bytes);
    structure.check(limits)?;
    // It copies the file.
    let copy = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let working_bytes = structure.working_bytes_per_pixel() * dimensions.pixels() + copy;
    limits.reserve(working_bytes)?;
    Ok(working_bytes)
}

fn ink_for(dimensions: Dimensions, working_bytes: u64, limits: &Limits) -> Result<Vec<u8>, Error> {
    let bytes = 4 * dimensions.pixels();
    limits.reserve(bytes.saturating_add(working_bytes))?;
    Ok(vec![0; usize::try_from(bytes).map_err(|_| Error::TooLargeToDecode)?])
}

/// ITU-T T.871, section 7, in 16 bits after the point.
fn rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = ((i32::from(y) << 16) + (1 << 15), i32::from(cb) - 128, i32::from(cr) - 128);
    let channels = [y + 91_881 * cr, y - 22_554 * cb - 46_802 * cr, y + 116_130 * cb];
    channels.map(|channel| u8::try_from((channel >> 16).clamp(0, 255)).unwrap_or(u8::MAX))
}
