//! A baseline JPEG; never with a segment beside those it needs.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::halved::Halved;
use crate::picture::{Channels, Picture};

/// Encodes an opaque picture.
pub(super) fn encode(picture: &Picture, quality: u8) -> Vec<u8> {
    let color = match picture.channels() {
        Channels::Grey => ColorType::Luma,
        Channels::Rgb => ColorType::Rgb,
        Channels::GreyAlpha | Channels::Rgba | Channels::Cmyk => {
            unreachable!("pictures are flattened before, and CMYK is converted")
        }
    };
    let side = |side: u32| u16::try_from(side).expect("a variant's sides fit 12 bits");
    let (width, height) = (side(picture.dimensions().width), side(picture.dimensions().height));
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, quality);
    let result = if quality < FULL_CHROMA && color == ColorType::Rgb {
        encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
        encoder.encode_image(Halved::new(picture.bytes(), width, height))
    } else {
        encoder.set_sampling_factor(SamplingFactor::R_4_4_4);
        encoder.encode(picture.bytes(), width, height, color)
    };
    result.expect("a Vec takes every write");
    file
}

/// From this quality on, colours are kept at every pixel: who asks for it does not want edges to bleed.
const FULL_CHROMA: u8 = 90;
