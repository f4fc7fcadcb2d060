//! A file whose header was read; never a decoded pixel.

use crate::frame::Frame;
use crate::metadata::Metadata;
use crate::scans::Scans;
use crate::segments::{SOS, Segments};
use crate::{Color, Decoder, Error, Limits, Needs, Scale};

/// A JPEG file whose header was read.
#[derive(Debug, Clone)]
pub struct Jpeg<'a> {
    pub(crate) file: &'a [u8],
    pub(crate) frame: Frame,
    pub(crate) metadata: Metadata<'a>,
    pub(crate) limits: Limits,
}

impl<'a> Jpeg<'a> {
    /// Reads everything up to the first scan. What follows it is not looked at: a file that ends there passes, and
    /// one that ends earlier is [`Error::Truncated`].
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

    /// Whether it is told in several passes, from coarse to fine.
    pub fn is_progressive(&self) -> bool {
        self.frame.progressive
    }

    /// What its components stand for.
    pub fn color(&self) -> Color {
        Color::of(&self.frame, &self.metadata)
    }

    /// The colour profile put together from its parts, or nothing if one of them is missing.
    pub fn icc_profile(&self) -> Option<Vec<u8>> {
        self.metadata.icc_profile()
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

    /// What this scale needs of the file, to find out while it is still arriving when that is there.
    pub fn needs(&self, scale: Scale) -> Needs {
        Needs::new(Scans::new(&self.frame, &self.limits, scale))
    }

    /// What decodes it at this scale.
    pub fn decoder(self, scale: Scale) -> Decoder<'a> {
        Decoder::new(self, scale)
    }
}
