//! A picture of another size, by Lanczos' window of three lobes; never a larger one.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::Dimensions;
use crate::picture::{Channels, Picture};

/// Scales a picture down to exactly these dimensions. Colours count by their alpha, so that nothing dark shines
/// through where something transparent was black underneath.
pub(crate) fn resize(picture: &Picture, target: Dimensions) -> Picture {
    let Dimensions { width, height } = picture.dimensions();
    let kind = match picture.channels() {
        Channels::Grey => PixelType::U8,
        Channels::GreyAlpha => PixelType::U8x2,
        Channels::Rgb => PixelType::U8x3,
        Channels::Rgba | Channels::Cmyk => PixelType::U8x4,
    };
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .use_alpha(picture.channels().have_alpha());
    let source = ImageRef::new(width, height, picture.bytes(), kind).expect("a picture has all its pixels");
    let mut resized = Image::new(target.width, target.height, kind);
    Resizer::new().resize(&source, &mut resized, &options).expect("both are of the same kind");
    Picture::new(target, picture.channels(), resized.into_vec())
}
