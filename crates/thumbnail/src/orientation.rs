//! Which way up an image is, read from its Exif block and applied to its pixels; everything else in that
//! block is ignored.

use image::metadata::Orientation;
use image::{ImageDecoder, RgbImage, imageops};

use crate::Dimensions;

/// The orientation the file declares; upright if it declares none or its metadata is damaged.
pub(crate) fn declared(decoder: &mut dyn ImageDecoder) -> Orientation {
    declared_in(decoder.exif_metadata().ok().flatten().as_deref())
}

/// The orientation an Exif block declares, if there is one.
pub(crate) fn declared_in(exif: Option<&[u8]>) -> Orientation {
    // Some WebP and PNG writers keep the prefix Exif has in a JPEG segment.
    let tiff = exif.map(|exif| exif.strip_prefix(b"Exif\0\0").unwrap_or(exif));
    tiff.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms)
}

/// The dimensions an image of these stored dimensions has once it is upright.
pub(crate) fn upright(stored: Dimensions, orientation: Orientation) -> Dimensions {
    match orientation {
        Orientation::Rotate90
        | Orientation::Rotate270
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => stored.transposed(),
        Orientation::NoTransforms
        | Orientation::Rotate180
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical => stored,
    }
}

/// The image turned upright.
pub(crate) fn apply(image: RgbImage, orientation: Orientation) -> RgbImage {
    match orientation {
        Orientation::NoTransforms => image,
        Orientation::Rotate90 => imageops::rotate90(&image),
        Orientation::Rotate180 => imageops::rotate180(&image),
        Orientation::Rotate270 => imageops::rotate270(&image),
        Orientation::FlipHorizontal => imageops::flip_horizontal(&image),
        Orientation::FlipVertical => imageops::flip_vertical(&image),
        Orientation::Rotate90FlipH => imageops::flip_horizontal(&imageops::rotate90(&image)),
        Orientation::Rotate270FlipH => imageops::flip_horizontal(&imageops::rotate270(&image)),
    }
}
