//! The first picture of a file at the size that is wanted; never larger than the file's own.

use crate::Error;
use crate::header::{Frame, Header, read};
use crate::libwebp::{self, Rows};

/// Decoded pixels, eight bits a channel, row after row, with alpha not multiplied in.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    /// As asked for, or the canvas's where that is less.
    pub width: u32,
    /// As asked for, or the canvas's where that is less.
    pub height: u32,
    /// 3 for red, green and blue, 4 with alpha.
    pub channels: u8,
    /// `width * height * channels` bytes.
    pub pixels: Vec<u8>,
}

impl std::fmt::Debug for Image {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { width, height, channels, .. } = self;
        write!(formatter, "Image({width} × {height}, {channels} channels)")
    }
}

/// Decodes a file at a width and height, of which neither may be zero.
///
/// Each side is shrunk by averaging over the area that a pixel covers, as the rows are decoded: the full size is never held for
/// a lossy file without alpha. Below three quarters, libwebp leaves the edges of blocks unsmoothed. Colours count by their alpha in lossless files. In lossy files they do not, where that matters least:
/// encoders put under transparency what lies next to it, unless told to keep it.
///
/// An animation's first frame is put at its place on a transparent canvas. When that is scaled, the frame's edges go to whole
/// pixels.
pub fn decode(bytes: &[u8], scaled_to: (u32, u32)) -> Result<Image, Error> {
    read(bytes)?.decode(scaled_to)
}

impl Header<'_> {
    /// [`decode`], for a file whose structure was read already.
    pub fn decode(&self, scaled_to: (u32, u32)) -> Result<Image, Error> {
        let Target { width, height, x, y, frame_width, frame_height } = Target::of(self, scaled_to);
        let channels = self.channels();
        let stride = usize::try_from(u64::from(width) * u64::from(channels)).map_err(|_| NO_MEMORY)?;
        let size =
            usize::try_from(height).ok().and_then(|height| stride.checked_mul(height)).ok_or(NO_MEMORY)?;
        let mut pixels = Vec::new();
        pixels.try_reserve_exact(size).map_err(|_| NO_MEMORY)?;
        pixels.resize(size, 0);
        // Both lie within the pixels, whose number is a usize.
        let at = y as usize * stride + x as usize * usize::from(channels);
        let rows =
            Rows { pixels: &mut pixels[at..], width: frame_width, height: frame_height, channels, stride };
        let Frame { chunks, width: full_width, height: full_height, .. } = self.frame;
        libwebp::decode(chunks, (full_width, full_height), rows)?;
        Ok(Image { width, height, channels, pixels })
    }
}

const NO_MEMORY: Error = Error::TooLarge("there is no memory for its pixels");

/// The scaled canvas and the frame's place on it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) width: u32,
    pub(crate) height: u32,
    x: u32,
    y: u32,
    pub(crate) frame_width: u32,
    pub(crate) frame_height: u32,
}

impl Target {
    pub(crate) fn of(header: &Header<'_>, (width, height): (u32, u32)) -> Self {
        let (width, height) = (width.clamp(1, header.width), height.clamp(1, header.height));
        let frame = &header.frame;
        let (x, frame_width) = scaled_span(frame.x, frame.width, width, header.width);
        let (y, frame_height) = scaled_span(frame.y, frame.height, height, header.height);
        Self { width, height, x, y, frame_width, frame_height }
    }
}

/// Where a span of one side begins after scaling and how long it is: at least a pixel, and at most what it was.
fn scaled_span(start: u32, length: u32, to: u32, from: u32) -> (u32, u32) {
    let scaled = |at: u32| {
        let rounded = (u64::from(at) * u64::from(to) + u64::from(from) / 2) / u64::from(from);
        u32::try_from(rounded).expect("no side grows")
    };
    let (begin, end) = (scaled(start), scaled(start + length));
    let begin = begin.min(to - 1);
    (begin, end.saturating_sub(begin).max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::scaled_span;

    proptest! {
        #[test]
        fn a_scaled_span_stays_on_its_side_and_does_not_grow(
            (from, start, length, to) in (1_u32..1 << 24).prop_flat_map(|from| {
                (Just(from), 0..from, 1..=from.min(16_383), 1..=from)
            }).prop_map(|(from, start, length, to)| (from, start.min(from - length), length, to)),
        ) {
            let (begin, scaled) = scaled_span(start, length, to, from);
            prop_assert!(scaled >= 1 && begin + scaled <= to);
            prop_assert!(scaled <= length);
            let exact = f64::from(start) * f64::from(to) / f64::from(from);
            prop_assert!((f64::from(begin) - exact).abs() <= 1.0);
        }

        #[test]
        fn the_whole_side_stays_the_whole_side(from in 1_u32..1 << 24, to in 1_u32..1 << 24) {
            prop_assert_eq!(scaled_span(0, from, to.min(from), from), (0, to.min(from)));
        }
    }
}
