//! A baseline JPEG; never with a segment beside those it needs.

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

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
    encoder.set_sampling_factor(if quality < FULL_CHROMA {
        SamplingFactor::R_4_2_0
    } else {
        SamplingFactor::R_4_4_4
    });
    // The default takes one of four samples, which is wrong by up to 63 of 255 where pixels alternate.
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.encode(picture.bytes(), width, height, color).expect("a Vec takes every write");
    file
}

/// From this quality on, colours are kept at every pixel: who asks for it does not want edges to bleed.
const FULL_CHROMA: u8 = 90;
