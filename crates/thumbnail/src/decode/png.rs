//! PNG files, averaged row by row as they are inflated; never held in full unless they are interlaced.

use std::io::Cursor;

use png::{BitDepth, ColorType, Reader};

use super::boxes::{Boxes, side_for};
use super::{Decoded, room_for};
use crate::picture::Channels;
use crate::{Dimensions, Error, Limits};

/// Decodes the default image.
pub(super) fn decode(
    mut reader: Reader<Cursor<&[u8]>>,
    wanted: Dimensions,
    limits: &Limits,
) -> Result<Decoded, Error> {
    let (width, height) = reader.info().size();
    let full = Dimensions { width, height };
    let (color, depth) = reader.output_color_type();
    let channels = match color {
        ColorType::Grayscale => Channels::Grey,
        ColorType::GrayscaleAlpha => Channels::GreyAlpha,
        ColorType::Rgb | ColorType::Indexed => Channels::Rgb,
        ColorType::Rgba => Channels::Rgba,
    };
    let side = side_for(full, room_for(wanted));
    let sixteen = depth == BitDepth::Sixteen;
    let line = reader.output_line_size(width).ok_or(Error::TooLargeToDecode)?;
    let interlaced = reader.info().interlaced;
    // Two rows and their inflated bytes, or every row at once.
    let of_reader = if interlaced { line as u64 * u64::from(height) } else { 4 * line as u64 };
    limits.reserve(Boxes::bytes(full, channels, side).saturating_add(of_reader))?;

    let mut boxes = Boxes::new(full, channels, side);
    let mut eight = Vec::new();
    let mut push = |row: &[u8]| {
        if sixteen {
            eight.clear();
            eight.extend(row.as_chunks::<2>().0.iter().map(|&sample| to_eight(u16::from_be_bytes(sample))));
            boxes.push(&eight);
        } else {
            boxes.push(row);
        }
    };
    if interlaced {
        let mut rows = vec![0; reader.output_buffer_size().ok_or(Error::TooLargeToDecode)?];
        reader.next_frame(&mut rows).map_err(Error::from_png)?;
        rows.chunks_exact(line).for_each(push);
    } else {
        for _ in 0..height {
            let row = reader.next_row().map_err(Error::from_png)?;
            push(row.ok_or_else(|| Error::Corrupt("the png has too few rows".into()))?.data());
        }
    }
    Ok(boxes.finish())
}

fn to_eight(sample: u16) -> u8 {
    u8::try_from((u32::from(sample) + 128) / 257).unwrap_or(u8::MAX)
}
