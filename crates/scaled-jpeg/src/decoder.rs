//! The steps from a file to its pixels, as `image`'s trait wants them.

use image::error::{LimitError, LimitErrorKind};
use image::{ColorType, ExtendedColorType, ImageDecoder, ImageError, ImageResult};

use crate::progressive::Coefficients;
use crate::scan::Scan;
use crate::scans::{Known, Scans};
use crate::upsample::{Plane, Rows};
use crate::{Color, Error, Jpeg, Limits, Scale, progressive, sequential};

/// Decodes a file at a reduced scale. Its dimensions are those of the smaller picture.
#[derive(Debug, Clone)]
pub struct Decoder<'a> {
    jpeg: Jpeg<'a>,
    scale: Scale,
    color: Color,
    prefix: bool,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(jpeg: Jpeg<'a>, scale: Scale) -> Self {
        let color = jpeg.color();
        Self { jpeg, scale, color, prefix: false }
    }

    /// Lets the file end anywhere behind what [`Needs`](crate::Needs) waits for: whatever follows that, be it
    /// damaged, missing or there, the picture is the same. Without this a file that lacks its end-of-image marker
    /// is [`Error::Truncated`].
    #[must_use]
    pub fn of_prefix(mut self) -> Self {
        self.prefix = true;
        self
    }

    /// Bytes that decoding allocates beside the pixels: a plane for each component at the reduced scale, and of
    /// progressive files the coefficients that are kept between scans. Some 300 kB of tables and buffers come on
    /// top.
    pub fn working_bytes(&self) -> u64 {
        let frame = &self.jpeg.frame;
        let bytes = frame.components.iter().map(|component| {
            let side = frame.side(component, self.scale);
            let coefficients = if frame.progressive { Coefficients::bytes_per_block(side) } else { 0 };
            component.stored_blocks() as u64 * ((side * side) as u64 + coefficients)
        });
        bytes.sum()
    }

    fn check_limits(&self) -> Result<(), Error> {
        let Limits { max_pixels, max_working_bytes, .. } = self.jpeg.limits;
        let (width, height) = self.jpeg.dimensions();
        if u64::from(width) * u64::from(height) > max_pixels {
            return Err(Error::Limit("pixels"));
        }
        if self.working_bytes() > max_working_bytes {
            return Err(Error::Limit("bytes"));
        }
        Ok(())
    }

    /// Decodes to ink, four bytes a pixel: cyan, magenta, yellow and black, 0 for none and 255 for full. `buf` has
    /// `4 * width * height` bytes. Files of other than [`Color::Cmyk`] and [`Color::Ycck`] have none.
    pub fn read_cmyk(self, buf: &mut [u8]) -> Result<(), Error> {
        if !matches!(self.color, Color::Cmyk | Color::Ycck) {
            return Err(Error::Unsupported("ink, of a file of other colours"));
        }
        let (width, height) = ImageDecoder::dimensions(&self);
        let bytes = 4 * u64::from(width) * u64::from(height);
        assert_eq!(u64::try_from(buf.len()), Ok(bytes), "the buffer is of another size");
        self.decode(buf, 4, Color::write_ink)
    }

    /// Decodes into lines of so many bytes a pixel, which `write` makes of rows of the components.
    fn decode(
        &self,
        pixels: &mut [u8],
        channels: usize,
        write: impl Fn(Color, &[&[u8]], &mut [u8]),
    ) -> Result<(), Error> {
        self.check_limits()?;
        let file = self.jpeg.file;
        let mut scans = Scans::new(&self.jpeg.frame, &self.jpeg.limits, self.scale);
        scans.read_needed(file)?;
        if !self.prefix {
            scans.read_all(file)?;
        }
        let (scans, known) = scans.into_needed()?;
        let planes = self.planes(&scans, &known)?;
        let frame = &self.jpeg.frame;
        let width = self.scale.of(frame.dimensions()).0 as usize;
        let mut rows = planes
            .iter()
            .zip(&frame.components)
            .map(|(plane, component)| Rows::of(plane, component, frame, self.scale))
            .collect::<Vec<_>>();
        for (y, line) in pixels.chunks_exact_mut(width * channels).enumerate() {
            let components = rows.iter_mut().map(|rows| rows.row(y, width)).collect::<Vec<_>>();
            write(self.color, &components, line);
        }
        Ok(())
    }

    fn planes(&self, scans: &[Scan], known: &[Known]) -> Result<Vec<Plane>, Error> {
        let Jpeg { file, frame, .. } = &self.jpeg;
        let sided =
            || frame.components.iter().map(|component| (component, frame.side(component, self.scale)));
        let grey = || sided().map(|(component, side)| Plane::grey(component, side)).collect::<Vec<_>>();
        if !frame.progressive {
            let mut planes = grey();
            for scan in scans {
                sequential::decode(file, frame, scan, known, &mut planes)?;
            }
            return Ok(planes);
        }
        let mut kept =
            sided().map(|(component, side)| Coefficients::none(component, side)).collect::<Vec<_>>();
        for scan in scans {
            progressive::decode(file, frame, scan, &mut kept)?;
        }
        let mut planes = grey();
        for ((kept, known), plane) in kept.into_iter().zip(known).zip(&mut planes) {
            kept.write(known, plane);
        }
        Ok(planes)
    }
}

impl ImageDecoder for Decoder<'_> {
    fn dimensions(&self) -> (u32, u32) {
        self.scale.of(self.jpeg.dimensions())
    }

    fn color_type(&self) -> ColorType {
        if self.color == Color::Grey { ColorType::L8 } else { ColorType::Rgb8 }
    }

    fn original_color_type(&self) -> ExtendedColorType {
        match self.color {
            Color::Cmyk | Color::Ycck => ExtendedColorType::Cmyk8,
            Color::Grey | Color::YCbCr | Color::Rgb => self.color_type().into(),
        }
    }

    fn icc_profile(&mut self) -> ImageResult<Option<Vec<u8>>> {
        Ok(self.jpeg.icc_profile())
    }

    fn exif_metadata(&mut self) -> ImageResult<Option<Vec<u8>>> {
        Ok(self.jpeg.exif().map(<[u8]>::to_vec))
    }

    /// Honours the sides, of the smaller picture, and `max_alloc`, which counts [`Decoder::working_bytes`].
    fn set_limits(&mut self, limits: image::Limits) -> ImageResult<()> {
        limits.check_support(&image::LimitSupport::default())?;
        let (width, height) = self.dimensions();
        limits.check_dimensions(width, height)?;
        if limits.max_alloc.is_some_and(|most| self.working_bytes() > most) {
            return Err(ImageError::Limits(LimitError::from_kind(LimitErrorKind::InsufficientMemory)));
        }
        Ok(())
    }

    fn read_image(self, buf: &mut [u8]) -> ImageResult<()> {
        assert_eq!(Ok(buf.len()), usize::try_from(self.total_bytes()), "the buffer is of another size");
        Ok(self.decode(buf, self.color.channels(), Color::write)?)
    }

    fn read_image_boxed(self: Box<Self>, buf: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(buf)
    }
}
