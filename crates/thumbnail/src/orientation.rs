//! Which way up a picture is, read from its Exif block and applied to its pixels; everything else in that block is
//! ignored.

use image::metadata::Orientation;

use crate::Dimensions;
use crate::picture::Picture;

/// The orientation an Exif block declares, if there is one.
pub(crate) fn declared_in(exif: Option<&[u8]>) -> Orientation {
    // Some WebP and PNG writers keep the prefix Exif has in a JPEG segment.
    let tiff = exif.map(|exif| exif.strip_prefix(b"Exif\0\0").unwrap_or(exif));
    tiff.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms)
}

/// The dimensions an image of these stored dimensions has once it is upright, or the other way round.
pub(crate) fn upright(stored: Dimensions, orientation: Orientation) -> Dimensions {
    if Turn::of(orientation).transpose { stored.transposed() } else { stored }
}

/// The picture turned upright.
pub(crate) fn apply(picture: Picture, orientation: Orientation) -> Picture {
    match picture.channels().count() {
        _ if orientation == Orientation::NoTransforms => picture,
        1 => turned::<1>(&picture, orientation),
        2 => turned::<2>(&picture, orientation),
        3 => turned::<3>(&picture, orientation),
        _ => turned::<4>(&picture, orientation),
    }
}

/// Where the upright picture's pixels are stored: in a mirrored row, in a mirrored column, and with rows and columns
/// exchanged.
#[derive(Debug, Clone, Copy)]
struct Turn {
    transpose: bool,
    from_right: bool,
    from_bottom: bool,
}

impl Turn {
    fn of(orientation: Orientation) -> Self {
        let (transpose, from_right, from_bottom) = match orientation {
            Orientation::NoTransforms => (false, false, false),
            Orientation::FlipHorizontal => (false, true, false),
            Orientation::Rotate180 => (false, true, true),
            Orientation::FlipVertical => (false, false, true),
            Orientation::Rotate90FlipH => (true, false, false),
            Orientation::Rotate90 => (true, false, true),
            Orientation::Rotate270FlipH => (true, true, true),
            Orientation::Rotate270 => (true, true, false),
        };
        Self { transpose, from_right, from_bottom }
    }
}

fn turned<const CHANNELS: usize>(picture: &Picture, orientation: Orientation) -> Picture {
    let Turn { transpose, from_right, from_bottom } = Turn::of(orientation);
    let (stored, _) = picture.bytes().as_chunks::<CHANNELS>();
    let [width, height] = [picture.dimensions().width, picture.dimensions().height].map(|side| side as usize);
    let target = upright(picture.dimensions(), orientation);
    let mut pixels = Vec::with_capacity(picture.bytes().len());
    for y in 0..target.height as usize {
        for x in 0..target.width as usize {
            let (column, row) = if transpose { (y, x) } else { (x, y) };
            let column = if from_right { width - 1 - column } else { column };
            let row = if from_bottom { height - 1 - row } else { row };
            pixels.extend_from_slice(&stored[row * width + column]);
        }
    }
    Picture::new(target, picture.channels(), pixels)
}

#[cfg(test)]
mod tests {
    use image::metadata::Orientation;
    use image::{DynamicImage, RgbImage};

    use super::{apply, upright};
    use crate::picture::Picture;

    #[test]
    fn every_orientation_is_what_the_image_crate_makes_of_it() {
        let pixels = (0..3 * 2 * 3).collect();
        let image = DynamicImage::from(RgbImage::from_raw(3, 2, pixels).unwrap());
        for exif in 1..=8 {
            let orientation = Orientation::from_exif(exif).unwrap();
            let mut expected = image.clone();
            expected.apply_orientation(orientation);
            let turned = apply(Picture::from(image.clone()), orientation);
            assert_eq!(turned, Picture::from(expected), "{exif}");
            assert_eq!(upright(turned.dimensions(), orientation), Picture::from(image.clone()).dimensions());
        }
    }
}
