//! Pixels of eight bits a channel, and what the channels stand for; never where they came from.

use image::DynamicImage;

use crate::Dimensions;

/// What the channels of a pixel stand for. Colours are not multiplied by their alpha.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channels {
    Grey,
    GreyAlpha,
    Rgb,
    Rgba,
    /// As ink: 0 is none, 255 full.
    Cmyk,
}

impl Channels {
    pub(crate) fn count(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::GreyAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba | Self::Cmyk => 4,
        }
    }

    pub(crate) fn have_alpha(self) -> bool {
        match self {
            Self::GreyAlpha | Self::Rgba => true,
            Self::Grey | Self::Rgb | Self::Cmyk => false,
        }
    }
}

/// A picture: rows of pixels from top to bottom, without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    dimensions: Dimensions,
    channels: Channels,
    pixels: Vec<u8>,
}

impl Picture {
    /// A picture of these pixels, as many as the dimensions say.
    pub(crate) fn new(dimensions: Dimensions, channels: Channels, pixels: Vec<u8>) -> Self {
        let count = u64::try_from(pixels.len() / channels.count()).unwrap_or(u64::MAX);
        assert_eq!(count, dimensions.pixels(), "pixels for another size");
        Self { dimensions, channels, pixels }
    }

    pub(crate) fn dimensions(&self) -> Dimensions {
        self.dimensions
    }

    pub(crate) fn channels(&self) -> Channels {
        self.channels
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.pixels
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.pixels
    }

    /// One after the other, each of as many bytes as there are channels.
    pub(crate) fn pixels(&self) -> std::slice::ChunksExact<'_, u8> {
        self.pixels.chunks_exact(self.channels.count())
    }

    /// The part of these dimensions around its centre.
    pub(crate) fn centre(&self, kept: Dimensions) -> Self {
        let Dimensions { width, height } = self.dimensions;
        let left = (width.saturating_sub(kept.width) / 2) as usize;
        let top = (height.saturating_sub(kept.height) / 2) as usize;
        self.part(left, top, kept)
    }

    /// Its red as grey, with or without its alpha.
    pub(crate) fn grey(&self, channels: Channels) -> Self {
        let grey = self.pixels().flat_map(|pixel| match channels {
            Channels::GreyAlpha => [pixel.first(), pixel.last()],
            _ => [pixel.first(), None],
        });
        Self::new(self.dimensions, channels, grey.flatten().copied().collect())
    }

    fn part(&self, left: usize, top: usize, kept: Dimensions) -> Self {
        if kept == self.dimensions {
            return self.clone();
        }
        let bytes_per_pixel = self.channels.count();
        let rows = self.pixels.chunks_exact(self.dimensions.width as usize * bytes_per_pixel);
        let columns = left * bytes_per_pixel..(left + kept.width as usize) * bytes_per_pixel;
        let mut part = Vec::with_capacity(columns.len() * kept.height as usize);
        for row in rows.skip(top).take(kept.height as usize) {
            part.extend_from_slice(&row[columns.clone()]);
        }
        Self::new(kept, self.channels, part)
    }
}

impl From<DynamicImage> for Picture {
    /// Sixteen bits become eight.
    fn from(image: DynamicImage) -> Self {
        let dimensions = Dimensions { width: image.width(), height: image.height() };
        let (channels, pixels) = match image {
            DynamicImage::ImageLuma8(image) => (Channels::Grey, image.into_raw()),
            DynamicImage::ImageLumaA8(image) => (Channels::GreyAlpha, image.into_raw()),
            DynamicImage::ImageRgb8(image) => (Channels::Rgb, image.into_raw()),
            DynamicImage::ImageRgba8(image) => (Channels::Rgba, image.into_raw()),
            DynamicImage::ImageLuma16(_) => (Channels::Grey, image.into_luma8().into_raw()),
            DynamicImage::ImageLumaA16(_) => (Channels::GreyAlpha, image.into_luma_alpha8().into_raw()),
            other if other.color().has_alpha() => (Channels::Rgba, other.into_rgba8().into_raw()),
            other => (Channels::Rgb, other.into_rgb8().into_raw()),
        };
        Self::new(dimensions, channels, pixels)
    }
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, ImageBuffer, Rgba};

    use super::{Channels, Picture};
    use crate::Dimensions;

    fn numbered() -> Picture {
        Picture::new(Dimensions { width: 4, height: 3 }, Channels::Grey, (0..12).collect())
    }

    #[test]
    fn the_centre_leaves_as_much_on_either_side() {
        let centre = numbered().centre(Dimensions { width: 2, height: 1 });
        assert_eq!(centre.bytes(), [5, 6]);
        assert_eq!(numbered().centre(numbered().dimensions()), numbered());
    }

    #[test]
    fn sixteen_bits_become_eight() {
        let image = ImageBuffer::from_pixel(1, 1, Rgba([0x8080_u16, 0xFFFF, 0, 0xFFFF]));
        let picture = Picture::from(DynamicImage::ImageRgba16(image));
        assert_eq!((picture.channels(), picture.bytes()), (Channels::Rgba, [0x80, 0xFF, 0, 0xFF].as_slice()));
    }
}
