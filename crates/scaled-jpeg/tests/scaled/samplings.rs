//! All sampling factors, processes and colours show the same picture.

use image::ColorType;
use scaled_jpeg::Scale;

use crate::files::{
    ALL, BASELINE_420, BASELINE_CHROMA_FINER, CMYK, GREY, PICTURE, PROGRESSIVE_CHROMA_FINER, RESTARTS,
};
use crate::support::{assert_similar, boxed, decoded, scaled};

#[test]
fn every_file_shows_the_picture_at_every_scale() {
    let colour = image::load_from_memory(PICTURE).unwrap().into_rgb8();
    let mut grey = colour.clone();
    for pixel in grey.pixels_mut() {
        // JFIF's luma, which is what Pillow makes grey.
        let [r, g, b] = pixel.0.map(u32::from);
        pixel.0 = [u8::try_from((299 * r + 587 * g + 114 * b + 500) / 1000).unwrap(); 3];
    }
    for (name, file) in ALL.iter().filter(|(name, _)| !name.contains("chroma-finer")) {
        for scale in Scale::ALL {
            let reference = boxed(if name.contains("grey") { &grey } else { &colour }, scale);
            assert_similar(name, scale, &scaled(file, scale), &reference);
        }
    }
}

#[test]
fn luma_may_have_fewer_samples_than_chroma() {
    let picture = image::load_from_memory(PICTURE).unwrap().to_rgb8();
    for (name, file) in [("sequential", BASELINE_CHROMA_FINER), ("progressive", PROGRESSIVE_CHROMA_FINER)] {
        for scale in [Scale::Quarter, Scale::Half] {
            assert_similar(name, scale, &scaled(file, scale), &boxed(&picture, scale));
        }
    }
}

#[test]
fn grey_comes_out_as_grey_and_the_rest_as_rgb() {
    assert_eq!(decoded(GREY, Scale::Half).unwrap().color(), ColorType::L8);
    assert_eq!(decoded(CMYK, Scale::Half).unwrap().color(), ColorType::Rgb8);
}

#[test]
fn restart_intervals_change_nothing() {
    for scale in Scale::ALL {
        assert_eq!(scaled(RESTARTS, scale), scaled(BASELINE_420, scale));
    }
}
