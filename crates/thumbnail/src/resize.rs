//! A picture of another size, by Lanczos' window of three lobes; never a larger one.

use std::borrow::Cow;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x4;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use crate::Dimensions;
use crate::picture::{Channels, Picture};

/// Scales a picture down to exactly these dimensions. Colours count by their alpha, so that nothing dark shines
/// through where something transparent was black underneath.
pub(crate) fn resize(picture: &Picture, target: Dimensions) -> Picture {
    let Dimensions { width, height } = picture.dimensions();
    let whole = (width.into(), height.into());
    let pixels = four_channels(picture);
    resized(&pixels, picture.dimensions(), picture.channels(), whole, target)
}

/// The same with this part of the picture at its top left, measured in pixels. The picture is gone before the
/// smaller one is made.
pub(crate) fn resize_part(picture: Picture, part: (f64, f64), target: Dimensions) -> Picture {
    let (dimensions, channels) = (picture.dimensions(), picture.channels());
    let pixels = match four_channels(&picture) {
        Cow::Owned(pixels) => {
            drop(picture);
            pixels
        }
        Cow::Borrowed(_) => picture.into_bytes(),
    };
    resized(&pixels, dimensions, channels, part, target)
}

fn resized(
    source: &[u8],
    Dimensions { width, height }: Dimensions,
    channels: Channels,
    part: (f64, f64),
    target: Dimensions,
) -> Picture {
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .crop(0.0, 0.0, part.0, part.1)
        .use_alpha(channels.have_alpha());
    let mut pixels = vec![0; target.width as usize * target.height as usize * 4];
    let source = TypedImageRef::<U8x4>::from_buffer(width, height, source);
    let source = source.expect("a picture has all its pixels");
    let sized = TypedImage::<U8x4>::from_buffer(target.width, target.height, &mut pixels);
    let mut sized = sized.expect("the buffer was made for them");
    Resizer::new().resize_typed(&source, &mut sized, &options).expect("the part lies within the picture");
    Picture::new(target, channels, without_padding(pixels, channels))
}

/// Pixels of four bytes whatever they hold, with alpha last. For each kind of pixel the library brings along code of
/// its own that takes a minute to compile; a picture to be resized is small, and its widening costs next to nothing.
fn four_channels(picture: &Picture) -> Cow<'_, [u8]> {
    let bytes = picture.bytes();
    match picture.channels() {
        Channels::Grey => widened(bytes, |&[grey]| [grey, 0, 0, 0]),
        Channels::GreyAlpha => widened(bytes, |&[grey, alpha]| [grey, 0, 0, alpha]),
        Channels::Rgb => widened(bytes, |&[red, green, blue]| [red, green, blue, 0]),
        Channels::Rgba | Channels::Cmyk => Cow::Borrowed(bytes),
    }
}

fn widened<const COUNT: usize>(bytes: &[u8], widen: impl Fn(&[u8; COUNT]) -> [u8; 4]) -> Cow<'_, [u8]> {
    Cow::Owned(bytes.as_chunks().0.iter().map(widen).collect::<Vec<_>>().into_flattened())
}

fn without_padding(pixels: Vec<u8>, channels: Channels) -> Vec<u8> {
    let (wide, _) = pixels.as_chunks::<4>();
    match channels {
        Channels::Grey => wide.iter().map(|pixel| pixel[0]).collect(),
        Channels::GreyAlpha => {
            wide.iter().map(|pixel| [pixel[0], pixel[3]]).collect::<Vec<_>>().into_flattened()
        }
        Channels::Rgb => {
            wide.iter().map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect::<Vec<_>>().into_flattened()
        }
        Channels::Rgba | Channels::Cmyk => pixels,
    }
}
