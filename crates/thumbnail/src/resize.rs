//! A picture of another size, by Lanczos' window of three lobes; never a larger one.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x2, U8x3, U8x4};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

use crate::Dimensions;
use crate::picture::{Channels, Picture};

/// Scales a picture down to exactly these dimensions. Colours count by their alpha, so that nothing dark shines
/// through where something transparent was black underneath.
pub(crate) fn resize(picture: &Picture, target: Dimensions) -> Picture {
    let Dimensions { width, height } = picture.dimensions();
    resize_part(picture, (width.into(), height.into()), target)
}

/// The same with this part of the picture at its top left, measured in pixels.
pub(crate) fn resize_part(picture: &Picture, part: (f64, f64), target: Dimensions) -> Picture {
    // Typed, as the untyped door would bring along the code for pixels of every other kind.
    let pixels = match picture.channels() {
        Channels::Grey => resized::<U8>(picture, part, target),
        Channels::GreyAlpha => resized::<U8x2>(picture, part, target),
        Channels::Rgb => resized::<U8x3>(picture, part, target),
        Channels::Rgba | Channels::Cmyk => resized::<U8x4>(picture, part, target),
    };
    Picture::new(target, picture.channels(), pixels)
}

fn resized<P: PixelTrait>(picture: &Picture, part: (f64, f64), target: Dimensions) -> Vec<u8> {
    let Dimensions { width, height } = picture.dimensions();
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .crop(0.0, 0.0, part.0, part.1)
        .use_alpha(picture.channels().have_alpha());
    let mut pixels = vec![0; target.width as usize * target.height as usize * picture.channels().count()];
    let source = TypedImageRef::<P>::from_buffer(width, height, picture.bytes());
    let source = source.expect("a picture has all its pixels");
    let sized = TypedImage::<P>::from_buffer(target.width, target.height, &mut pixels);
    let mut sized = sized.expect("the buffer was made for them");
    Resizer::new().resize_typed(&source, &mut sized, &options).expect("the part lies within the picture");
    pixels
}
