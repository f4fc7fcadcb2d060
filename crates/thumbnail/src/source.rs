//! A file with its header read and held against the limits; never a decoded pixel.

use std::io::Cursor;

use image::ImageDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::metadata::Orientation;
use scaled_jpeg::Jpeg;

use crate::decode::gif;
use crate::{Dimensions, Error, Format, Limits, header, orientation};

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
/// Says nothing about the pixels: a file that ends after its header passes, except for WebP, where a profile or an
/// orientation may follow the pixels.
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
    /// The colour profile, unread.
    pub(crate) profile: Option<Vec<u8>>,
}

/// What reads on where the header ends.
pub(crate) enum Header<'a> {
    Jpeg(Box<Jpeg<'a>>),
    /// A JPEG of a kind that is decoded in its full size alone.
    FullJpeg(Box<JpegDecoder<Cursor<&'a [u8]>>>),
    Png(Box<png::Reader<Cursor<&'a [u8]>>>),
    Webp(Box<valet_webp::Header<'a>>),
    Gif(Box<gif::Reader<'a>>),
}

impl<'a> Opened<'a> {
    pub(crate) fn new(bytes: &'a [u8], limits: &Limits) -> Result<Self, Error> {
        let format = Format::of(bytes).ok_or(Error::UnsupportedFormat)?;
        if let Some(declared) = header::dimensions(bytes, format) {
            // A decoder may refuse a row it could not address before it tells the sides.
            limits.check_dimensions(declared)?;
        }
        let file = Cursor::new(bytes);
        let (header, (width, height), exif, profile) = match format {
            Format::Jpeg => {
                if let Ok(jpeg) = Jpeg::read(bytes) {
                    let (exif, profile) = (jpeg.exif().map(<[u8]>::to_vec), jpeg.icc_profile());
                    let dimensions = jpeg.dimensions();
                    (Header::Jpeg(Box::new(jpeg)), dimensions, exif, profile)
                } else {
                    // The other decoder may know it, or knows better what is wrong.
                    let mut decoder = JpegDecoder::new(file).map_err(Error::from_decoder)?;
                    let exif = decoder.exif_metadata().ok().flatten();
                    let profile = decoder.icc_profile().ok().flatten();
                    let dimensions = decoder.dimensions();
                    (Header::FullJpeg(Box::new(decoder)), dimensions, exif, profile)
                }
            }
            Format::Png => {
                let reader = png_reader(file, limits)?;
                let info = reader.info();
                let exif = info.exif_metadata.as_deref().map(<[u8]>::to_vec);
                // A file that says it is in sRGB needs no profile.
                let profile = info.icc_profile.as_deref().filter(|_| info.srgb.is_none());
                let (dimensions, profile) = (info.size(), profile.map(<[u8]>::to_vec));
                (Header::Png(Box::new(reader)), dimensions, exif, profile)
            }
            Format::Webp => {
                let webp = valet_webp::read(bytes).map_err(Error::from_webp)?;
                let copy = |metadata: Option<&[u8]>| metadata.map(<[u8]>::to_vec);
                let (exif, profile) = (copy(webp.exif()), copy(webp.icc_profile()));
                let dimensions = (webp.width, webp.height);
                (Header::Webp(Box::new(webp)), dimensions, exif, profile)
            }
            Format::Gif => {
                let reader = gif::read(bytes, limits)?;
                let dimensions = (reader.width().into(), reader.height().into());
                (Header::Gif(Box::new(reader)), dimensions, None, None)
            }
        };
        let stored = Dimensions { width, height };
        if stored.pixels() == 0 {
            return Err(Error::Corrupt("the image has no pixels".into()));
        }
        limits.check_dimensions(stored)?;
        let orientation = orientation::declared_in(exif.as_deref());
        Ok(Self { bytes, format, header, stored, orientation, profile })
    }

    pub(crate) fn source(&self) -> Source {
        Source { format: self.format, dimensions: orientation::upright(self.stored, self.orientation) }
    }
}

/// The one decoder that inflates metadata while it reads the header; it takes a bound for that.
fn png_reader<'a>(file: Cursor<&'a [u8]>, limits: &Limits) -> Result<png::Reader<Cursor<&'a [u8]>>, Error> {
    let bytes = usize::try_from(limits.max_metadata_bytes).unwrap_or(usize::MAX);
    let mut decoder = png::Decoder::new_with_limits(file, png::Limits { bytes });
    decoder.set_ignore_text_chunk(true);
    // Palettes, fewer than eight bits and the one transparent colour; sixteen bits stay.
    decoder.set_transformations(png::Transformations::EXPAND);
    decoder.read_info().map_err(Error::from_png)
}
