//! Full-size pixels against the decoder in Rust.

use std::io::Cursor;

use image_webp::WebPDecoder;

use crate::files::ALL;
use crate::support::{difference, full};

fn pixels(file: &[u8]) -> Vec<u8> {
    let mut decoder = WebPDecoder::new(Cursor::new(file)).unwrap();
    let mut pixels = vec![0; decoder.output_buffer_size().unwrap()];
    decoder.read_image(&mut pixels).unwrap();
    pixels
}

#[test]
fn lossless_pixels_are_the_same() {
    for (name, file) in ALL.into_iter().filter(|(name, _)| name.contains("lossless")) {
        assert!(full(file).pixels == pixels(file), "{name}");
    }
}

#[test]
fn lossy_pixels_differ_by_rounding() {
    for (name, file) in ALL.into_iter().filter(|(name, _)| name.contains("lossy")) {
        let (mean, most) = difference(&full(file).pixels, &pixels(file));
        assert!(most <= 2 && mean < 0.2, "{name}: {mean} and {most}");
    }
}

#[test]
fn alpha_is_the_same_in_lossy_files_too() {
    for (name, file) in ALL.into_iter().filter(|(name, _)| name.contains("alpha")) {
        let [ours, theirs] = [full(file).pixels, pixels(file)]
            .map(|pixels| pixels.iter().skip(3).step_by(4).copied().collect::<Vec<_>>());
        assert!(ours == theirs, "{name}");
        assert!(ours.iter().any(|&alpha| alpha != 0 && alpha != 255), "{name} has no soft edge");
    }
}
