//! GIF files' first frame, held as its palette's indices and averaged row by row; never another frame.

use std::io::Cursor;

use gif::{ColorOutput, DecodeOptions, Decoder, Frame, MemoryLimit};

use super::boxes::{Boxes, side_for};
use super::{Decoded, room_for};
use crate::picture::Channels;
use crate::{Dimensions, Error, Limits};

/// A file whose logical screen was read.
pub(crate) type Reader<'a> = Decoder<Cursor<&'a [u8]>>;

/// Reads up to the first frame.
pub(crate) fn read<'a>(file: &'a [u8], limits: &Limits) -> Result<Reader<'a>, Error> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    let bytes = std::num::NonZeroU64::new(limits.max_decode_bytes);
    options.set_memory_limit(bytes.map_or(MemoryLimit::Unlimited, MemoryLimit::Bytes));
    options.read_info(Cursor::new(file)).map_err(Error::from_gif)
}

/// Decodes the first frame at its place on the screen, which is transparent where the frame is not.
pub(super) fn decode(mut reader: Reader<'_>, wanted: Dimensions, limits: &Limits) -> Result<Decoded, Error> {
    let screen = Dimensions { width: reader.width().into(), height: reader.height().into() };
    let side = side_for(screen, room_for(wanted));
    let held = Boxes::bytes(screen, Channels::Rgba, side).saturating_add(4 * u64::from(screen.width));
    let no_frame = || Error::Corrupt("the gif has no frame".into());
    let frame = reader.next_frame_info().map_err(Error::from_gif)?.ok_or_else(no_frame)?.clone();
    let indices = u64::from(frame.width) * u64::from(frame.height);
    limits.reserve(held.saturating_add(indices))?;
    let mut indices = vec![0; usize::try_from(indices).map_err(|_| Error::TooLargeToDecode)?];
    reader.read_into_buffer(&mut indices).map_err(Error::from_gif)?;
    let colours = colours(reader.palette().map_err(Error::from_gif)?, frame.transparent);
    Ok(average(&frame, &indices, &colours, screen, side))
}

/// What each index stands for. Indices beyond the palette are transparent.
fn colours(palette: &[u8], transparent: Option<u8>) -> [[u8; 4]; 256] {
    let mut colours = [[0; 4]; 256];
    for (colour, &[red, green, blue]) in colours.iter_mut().zip(palette.as_chunks::<3>().0) {
        *colour = [red, green, blue, u8::MAX];
    }
    if let Some(index) = transparent {
        colours[usize::from(index)] = [0; 4];
    }
    colours
}

/// Writes a row's colours from this pixel on, as far as the row goes.
fn paint<const COUNT: usize>(row: &mut [u8], left: usize, indices: &[u8], colours: &[[u8; 4]; 256]) {
    let (pixels, _) = row.as_chunks_mut::<COUNT>();
    for (pixel, &index) in pixels.iter_mut().skip(left).zip(indices) {
        if let Some(colour) = colours[usize::from(index)].first_chunk() {
            *pixel = *colour;
        }
    }
}

fn average(
    frame: &Frame<'_>,
    indices: &[u8],
    colours: &[[u8; 4]; 256],
    screen: Dimensions,
    side: u32,
) -> Decoded {
    let [left, top, width] = [frame.left, frame.top, frame.width].map(usize::from);
    let drawn = Dimensions { width: frame.width.into(), height: frame.height.into() };
    let covers = (left, top) == (0, 0) && drawn.width >= screen.width && drawn.height >= screen.height;
    let opaque = covers && indices.iter().all(|&index| colours[usize::from(index)][3] == u8::MAX);
    let channels = if opaque { Channels::Rgb } else { Channels::Rgba };
    let paint = if opaque { paint::<3> } else { paint::<4> };

    let mut boxes = Boxes::new(screen, channels, side);
    let mut row = vec![0; screen.width as usize * channels.count()];
    let mut rows = indices.chunks_exact(width.max(1));
    for y in 0..screen.height as usize {
        row.fill(0);
        // What lies beyond the screen is cut off.
        if let Some(indices) = if y < top { None } else { rows.next() } {
            paint(&mut row, left, indices, colours);
        }
        boxes.push(&row);
    }
    boxes.finish()
}
