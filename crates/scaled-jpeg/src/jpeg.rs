//! A file whose header was read; never a decoded pixel.

use crate::frame::Frame;
use crate::metadata::Metadata;
use crate::segments::{SOS, Segments};
use crate::{Decoder, Error, Limits, Scale};

/// A JPEG file whose header was read.
#[derive(Debug, Clone)]
pub struct Jpeg<'a> {
    pub(crate) file: &'a [u8],
    pub(crate) frame: Frame,
    pub(crate) metadata: Metadata<'a>,
    pub(crate) limits: Limits,
}

impl<'a> Jpeg<'a> {
    /// Reads everything up to the first scan. What follows it is not looked at: a file that ends there passes.
    pub fn read(file: &'a [u8]) -> Result<Self, Error> {
        let mut segments = Segments::of(file)?;
        let mut metadata = Metadata::default();
        let mut frame = None;
        while let Some(segment) = segments.next()? {
            match segment.marker {
                SOS => {
                    let frame = frame.ok_or(Error::Corrupt("a scan without a frame"))?;
                    return Ok(Self { file, frame, metadata, limits: Limits::DEFAULT });
                }
                // C4, C8 and CC in the same range are tables and extensions.
                0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                    let read = Frame::read(segment.marker, segment.payload)?;
                    if frame.replace(read).is_some() {
                        return Err(Error::Unsupported("several frames"));
                    }
                }
                _ => metadata.add(segment),
            }
        }
        Err(Error::Corrupt("no scan"))
    }

    /// Width and height of the full picture as it is stored, before any orientation.
    pub fn dimensions(&self) -> (u32, u32) {
        self.frame.dimensions()
    }

    /// The TIFF structure of the Exif segment.
    pub fn exif(&self) -> Option<&'a [u8]> {
        self.metadata.exif
    }

    /// Other limits than [`Limits::DEFAULT`].
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What decodes it at this scale.
    pub fn decoder(self, scale: Scale) -> Decoder<'a> {
        Decoder::new(self, scale)
    }
}
