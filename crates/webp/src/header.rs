//! What a file says of itself and where its first picture lies, in safe Rust; never a decoded pixel.

use crate::bitstream;
use crate::riff::{self, Chunks};
use crate::{Error, memory};

/// A file whose structure has been read and whose pixels have not.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Header<'a> {
    /// The canvas's width, at most 16,777,216.
    pub width: u32,
    /// The canvas's height, at most 16,777,216.
    pub height: u32,
    /// Whether the decoded picture has an alpha channel: its own, or that of the canvas which the first frame leaves bare.
    pub has_alpha: bool,
    /// Whether it is an animation, of which the first frame counts.
    pub animated: bool,
    icc_profile: Option<&'a [u8]>,
    exif: Option<&'a [u8]>,
    pub(crate) frame: Frame<'a>,
}

/// A picture and its place on the canvas.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) coding: Coding<'a>,
    /// From the chunk of its alpha, or else of its pixels, to the end of the latter.
    pub(crate) chunks: &'a [u8],
}

/// How a picture's pixels are stored.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Coding<'a> {
    Lossy { alpha: Option<&'a [u8]> },
    Lossless { data: &'a [u8], has_alpha: bool },
}

/// Reads a file's structure.
///
/// The whole file must be there. A profile or EXIF chunk counts whether or not the header announces it.
pub fn read(bytes: &[u8]) -> Result<Header<'_>, Error> {
    let content = riff::content(bytes)?;
    let mut chunks = Chunks::of(content);
    let first = chunks.next()?.ok_or(NO_PICTURE)?;
    if first.name != *b"VP8X" {
        let frame = Frame::in_chunks(content)?;
        let has_alpha = frame.has_alpha();
        let Frame { width, height, .. } = frame;
        return Ok(Header {
            width,
            height,
            has_alpha,
            animated: false,
            icc_profile: None,
            exif: None,
            frame,
        });
    }

    let &[flags, _, _, _, w0, w1, w2, h0, h1, h2, ..] = first.payload else {
        return Err(Error::Corrupt("its extended header is too short"));
    };
    let (width, height) = (1 + u24([w0, w1, w2]), 1 + u24([h0, h1, h2]));
    let animated = flags & 2 != 0;
    let (mut icc_profile, mut exif, mut first_frame) = (None, None, None);
    while let Some(chunk) = chunks.next()? {
        let slot = match &chunk.name {
            b"ICCP" => &mut icc_profile,
            b"EXIF" => &mut exif,
            b"ANMF" if animated => &mut first_frame,
            _ => continue,
        };
        slot.get_or_insert(chunk.payload);
    }
    let frame = match (animated, first_frame) {
        (true, None) => return Err(NO_PICTURE),
        (true, Some(payload)) => Frame::animated(payload)?,
        (false, _) => Frame::in_chunks(content)?,
    };
    let fits = frame.x.checked_add(frame.width).is_some_and(|right| right <= width)
        && frame.y.checked_add(frame.height).is_some_and(|bottom| bottom <= height);
    let covers = (frame.width, frame.height) == (width, height);
    if !fits || !(covers || animated) {
        return Err(Error::Corrupt("its picture and its canvas are of different sizes"));
    }
    Ok(Header { width, height, has_alpha: frame.has_alpha() || !covers, animated, icc_profile, exif, frame })
}

const NO_PICTURE: Error = Error::Corrupt("it has no picture");

impl<'a> Header<'a> {
    /// The colour profile, unread.
    pub fn icc_profile(&self) -> Option<&'a [u8]> {
        self.icc_profile
    }

    /// The TIFF structure of the EXIF chunk, unread. Some writers put JPEG's `Exif\0\0` before it; it is left off.
    pub fn exif(&self) -> Option<&'a [u8]> {
        self.exif.map(|exif| exif.strip_prefix(b"Exif\0\0").unwrap_or(exif))
    }

    /// 3 for red, green and blue, 4 with alpha: what [`decode`](crate::decode) returns of this file.
    pub fn channels(&self) -> u8 {
        if self.has_alpha { 4 } else { 3 }
    }

    /// The most bytes that decoding at this size takes, its result included.
    ///
    /// A lossless file's prefix codes are counted for it, because a hundred kilobytes can ask for three hundred megabytes of
    /// tables; a file damaged there is refused already.
    pub fn working_bytes(&self, scaled_to: (u32, u32)) -> Result<u64, Error> {
        memory::working_bytes(self, scaled_to)
    }
}

impl<'a> Frame<'a> {
    /// A frame of an animation by RFC 9649 section 2.7.1.1.
    fn animated(payload: &'a [u8]) -> Result<Self, Error> {
        let &[x0, x1, x2, y0, y1, y2, w0, w1, w2, h0, h1, h2, _, _, _, _, ref chunks @ ..] = payload else {
            return Err(Error::Corrupt("its first frame is too short"));
        };
        let frame = Self::in_chunks(chunks)?;
        if (frame.width, frame.height) != (1 + u24([w0, w1, w2]), 1 + u24([h0, h1, h2])) {
            return Err(Error::Corrupt("its first frame and what it holds are of different sizes"));
        }
        // In steps of two pixels.
        Ok(Self { x: 2 * u24([x0, x1, x2]), y: 2 * u24([y0, y1, y2]), ..frame })
    }

    /// The first picture among chunks, at the canvas's upper left.
    fn in_chunks(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut chunks = Chunks::of(bytes);
        let mut alpha = None;
        while let Some(chunk) = chunks.next()? {
            let (start, (width, height), coding) = match &chunk.name {
                // The last one counts, as for libwebp, which is shown no other.
                b"ALPH" => {
                    alpha = Some(chunk);
                    continue;
                }
                b"VP8 " => {
                    let size = bitstream::lossy(chunk.payload)?;
                    let start = alpha.map_or(chunk.start, |alpha| alpha.start);
                    (start, size, Coding::Lossy { alpha: alpha.map(|alpha| alpha.payload) })
                }
                b"VP8L" => {
                    let (size, has_alpha) = bitstream::lossless(chunk.payload)?;
                    (chunk.start, size, Coding::Lossless { data: chunk.payload, has_alpha })
                }
                _ => continue,
            };
            return Ok(Self { x: 0, y: 0, width, height, coding, chunks: &bytes[start..chunk.end] });
        }
        Err(NO_PICTURE)
    }

    fn has_alpha(&self) -> bool {
        match self.coding {
            Coding::Lossy { alpha } => alpha.is_some(),
            Coding::Lossless { has_alpha, .. } => has_alpha,
        }
    }
}

fn u24([low, middle, high]: [u8; 3]) -> u32 {
    u32::from_le_bytes([low, middle, high, 0])
}
