//! A smaller image; never a larger one.

use image::{DynamicImage, imageops::FilterType};

use crate::Dimensions;

/// Scales an opaque image down to exactly these dimensions.
///
/// Far more pixels than that are first averaged in boxes, to `BOXED_TO` times the target: reading every pixel
/// once is what costs, and a Lanczos window of that many source pixels reads each of them several times for a
/// result that can hardly be told apart.
pub(crate) fn resize(image: DynamicImage, target: Dimensions) -> DynamicImage {
    let (width, height) = (image.width(), image.height());
    if (width, height) == (target.width, target.height) {
        return image;
    }
    let (boxed_width, boxed_height) = (target.width * BOXED_TO, target.height * BOXED_TO);
    let image = if width >= 2 * boxed_width && height >= 2 * boxed_height {
        image.thumbnail_exact(boxed_width, boxed_height)
    } else {
        image
    };
    image.resize_exact(target.width, target.height, FilterType::Lanczos3)
}

/// How many times the target's sides the boxes leave for Lanczos to work on.
const BOXED_TO: u32 = 3;
