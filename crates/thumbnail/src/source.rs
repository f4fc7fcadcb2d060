//! A file with its header read and held against the limits; never a decoded pixel.

use std::io::Cursor;

use image::codecs::{gif::GifDecoder, jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{ImageDecoder, ImageResult};
use scaled_jpeg::Jpeg;

use crate::{Dimensions, Error, Format, Limits, orientation};

/// What a file's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The format, by its first bytes.
    pub format: Format,
    /// Width and height as displayed, after the declared orientation.
    pub dimensions: Dimensions,
}

/// Reads a file's header: its format and its displayed dimensions, if they are within the limits.
///
/// Says nothing about the pixels: a file that ends after its header passes.
pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Source, Error> {
    Ok(Opened::new(bytes, limits)?.source())
}

/// A file whose header was read and found within the limits, ready to be decoded.
pub(crate) struct Opened<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) format: Format,
    pub(crate) header: Header<'a>,
    /// Width and height as stored, before the orientation.
    pub(crate) stored: Dimensions,
    pub(crate) orientation: Orientation,
}

/// What reads on where the header ends.
pub(crate) enum Header<'a> {
    /// A JPEG that can be decoded at a reduced scale; in full it takes [`full_jpeg`].
    Jpeg(Box<Jpeg<'a>>),
    /// Anything else.
    Other(Box<dyn ImageDecoder + 'a>),
}

impl<'a> Opened<'a> {
    pub(crate) fn new(bytes: &'a [u8], limits: &Limits) -> Result<Self, Error> {
        let format = Format::of(bytes).ok_or(Error::UnsupportedFormat)?;
        if let (Format::Png, Some(declared)) = (format, png_dimensions(bytes)) {
            // The decoder refuses a row it could not address before it tells the sides.
            limits.check_dimensions(declared)?;
        }
        let mut header = Header::of(bytes, format, limits).map_err(Error::from_decoder)?;
        let (width, height) = match &header {
            Header::Jpeg(jpeg) => jpeg.dimensions(),
            Header::Other(decoder) => decoder.dimensions(),
        };
        let stored = Dimensions { width, height };
        if stored.pixels() == 0 {
            return Err(Error::Corrupt("the image has no pixels".into()));
        }
        limits.check_dimensions(stored)?;
        let orientation = match &mut header {
            Header::Jpeg(jpeg) => orientation::declared_in(jpeg.exif()),
            Header::Other(decoder) => orientation::declared(&mut **decoder),
        };
        Ok(Self { bytes, format, header, stored, orientation })
    }

    pub(crate) fn source(&self) -> Source {
        Source { format: self.format, dimensions: orientation::upright(self.stored, self.orientation) }
    }
}

/// Width and height of the header chunk, which comes first. Source: PNG, third edition, sections 5.2 and 11.2.1.
fn png_dimensions(bytes: &[u8]) -> Option<Dimensions> {
    let [width, height] = [16, 20].map(|at| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes));
    Some(Dimensions { width: width?, height: height? })
}

impl<'a> Header<'a> {
    fn of(bytes: &'a [u8], format: Format, limits: &Limits) -> ImageResult<Self> {
        let file = Cursor::new(bytes);
        Ok(Self::Other(match format {
            Format::Jpeg => match Jpeg::read(bytes) {
                Ok(jpeg) => return Ok(Self::Jpeg(Box::new(jpeg))),
                // The other decoder may know it, or knows better what is wrong.
                Err(_) => full_jpeg(bytes)?,
            },
            // The only decoder that inflates metadata while it reads the header, and the only one that takes a
            // bound for it. The sides are left to our own check, which names them.
            Format::Png => {
                let mut metadata = image::Limits::no_limits();
                metadata.max_alloc = Some(limits.max_metadata_bytes);
                Box::new(PngDecoder::with_limits(file, metadata)?)
            }
            Format::Webp => Box::new(WebPDecoder::new(file)?),
            Format::Gif => Box::new(GifDecoder::new(file)?),
        }))
    }
}

/// What decodes a JPEG in its full size. Copies the file.
pub(crate) fn full_jpeg(bytes: &[u8]) -> ImageResult<Box<dyn ImageDecoder + '_>> {
    Ok(Box::new(JpegDecoder::new(Cursor::new(bytes))?))
}
