//! The steps from a file to its pixels, as `image`'s trait wants them.

use image::error::{LimitError, LimitErrorKind};
use image::{ColorType, ExtendedColorType, ImageDecoder, ImageError, ImageResult};

use crate::colour::Colours;
use crate::progressive::Coefficients;
use crate::scan::{Scan, Scans};
use crate::tables::Quantization;
use crate::upsample::{Plane, Rows};
use crate::{Error, Jpeg, Limits, Scale, idct, progressive, sequential};

/// Decodes a file at a reduced scale. Its dimensions are those of the smaller picture.
#[derive(Debug, Clone)]
pub struct Decoder<'a> {
    jpeg: Jpeg<'a>,
    scale: Scale,
    colours: Colours,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(jpeg: Jpeg<'a>, scale: Scale) -> Self {
        let colours = Colours::of(&jpeg.frame, &jpeg.metadata);
        Self { jpeg, scale, colours }
    }

    /// Bytes that decoding allocates beside the pixels: a plane for each component at the reduced scale, and of
    /// progressive files the coefficients that are kept between scans. Some 300 kB of tables and buffers come on
    /// top.
    pub fn working_bytes(&self) -> u64 {
        let side = self.scale.side() as u64;
        let blocks = self.jpeg.frame.components.iter().map(|component| component.stored_blocks() as u64);
        let coefficients =
            if self.jpeg.frame.progressive { Coefficients::bytes_per_block(self.scale.side()) } else { 0 };
        blocks.sum::<u64>() * (side * side + coefficients)
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

    fn decode(&self, pixels: &mut [u8]) -> Result<(), Error> {
        self.check_limits()?;
        let last = idct::last_wanted(self.scale.side());
        let scans = Scans::of(self.jpeg.file, &self.jpeg.frame, &self.jpeg.limits, last)?;
        let planes = match self.scale {
            Scale::Eighth => self.planes::<1>(&scans),
            Scale::Quarter => self.planes::<2>(&scans),
            Scale::Half => self.planes::<4>(&scans),
        }?;
        self.write(&planes, pixels);
        Ok(())
    }

    fn planes<const SIDE: usize>(&self, scans: &Scans<'_>) -> Result<Vec<Plane>, Error> {
        let Scans { needed, quantization } = scans;
        if self.jpeg.frame.progressive {
            return self.planes_of_progressive::<SIDE>(needed, quantization);
        }
        let components = &self.jpeg.frame.components;
        let mut planes =
            components.iter().map(|component| Plane::grey(component, self.scale)).collect::<Vec<_>>();
        for scan in needed {
            sequential::decode::<SIDE>(&self.jpeg.frame, scan, quantization, &mut planes)?;
        }
        Ok(planes)
    }

    fn planes_of_progressive<const SIDE: usize>(
        &self,
        scans: &[Scan<'_>],
        quantization: &[Option<Quantization>],
    ) -> Result<Vec<Plane>, Error> {
        let components = &self.jpeg.frame.components;
        let mut kept =
            components.iter().map(|component| Coefficients::none(component, SIDE)).collect::<Vec<_>>();
        for scan in scans {
            progressive::decode(&self.jpeg.frame, scan, &mut kept)?;
        }
        let planes =
            components.iter().zip(kept).zip(quantization).map(|((component, kept), quantization)| {
                let mut plane = Plane::grey(component, self.scale);
                if let Some(quantization) = quantization {
                    kept.write::<SIDE>(quantization, &mut plane);
                }
                plane
            });
        Ok(planes.collect())
    }

    fn write(&self, planes: &[Plane], pixels: &mut [u8]) {
        let frame = &self.jpeg.frame;
        let width = self.scale.of(frame.dimensions()).0 as usize;
        let mut rows = planes
            .iter()
            .zip(&frame.components)
            .map(|(plane, component)| Rows::of(plane, component, frame, self.scale))
            .collect::<Vec<_>>();
        for (y, line) in pixels.chunks_exact_mut(width * self.colours.channels()).enumerate() {
            let components = rows.iter_mut().map(|rows| rows.row(y, width)).collect::<Vec<_>>();
            self.colours.write(&components, line);
        }
    }
}

impl ImageDecoder for Decoder<'_> {
    fn dimensions(&self) -> (u32, u32) {
        self.scale.of(self.jpeg.dimensions())
    }

    fn color_type(&self) -> ColorType {
        if self.colours == Colours::Grey { ColorType::L8 } else { ColorType::Rgb8 }
    }

    fn original_color_type(&self) -> ExtendedColorType {
        match self.colours {
            Colours::Cmyk | Colours::Ycck => ExtendedColorType::Cmyk8,
            Colours::Grey | Colours::YCbCr | Colours::Rgb => self.color_type().into(),
        }
    }

    fn icc_profile(&mut self) -> ImageResult<Option<Vec<u8>>> {
        Ok(self.jpeg.metadata.icc_profile())
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
        Ok(self.decode(buf)?)
    }

    fn read_image_boxed(self: Box<Self>, buf: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(buf)
    }
}
