//! Written files, read back.

use std::io::Cursor;

use image_webp::WebPDecoder;
use valet_webp::{Error, encode, read};

use crate::files::{LOSSLESS, LOSSLESS_ALPHA};
use crate::support::{difference, full};

#[test]
fn a_lossy_file_shows_what_was_written() {
    let image = full(LOSSLESS);
    let file = encode(&image.pixels, 150, 106, 3, 90).unwrap();
    assert!(!read(&file).unwrap().has_alpha);
    let (mean, _) = difference(&full(&file).pixels, &image.pixels);
    assert!(mean < 6.0, "{mean}");
    let mut decoder = WebPDecoder::new(Cursor::new(file)).unwrap();
    assert!(decoder.is_lossy());
}

#[test]
fn higher_quality_is_nearer_and_larger() {
    let image = full(LOSSLESS);
    let [low, high] = [20, 95].map(|quality| encode(&image.pixels, 150, 106, 3, quality).unwrap());
    assert!(low.len() * 2 < high.len());
    let [far, near] = [low, high].map(|file| difference(&full(&file).pixels, &image.pixels).0);
    assert!(near < far);
    let beyond = encode(&image.pixels, 150, 106, 3, 255).unwrap();
    assert!(beyond == encode(&image.pixels, 150, 106, 3, 100).unwrap());
}

#[test]
fn alpha_comes_back_exactly() {
    let image = full(LOSSLESS_ALPHA);
    let file = encode(&image.pixels, 150, 106, 4, 80).unwrap();
    assert!(read(&file).unwrap().has_alpha);
    let [written, wanted] = [&full(&file).pixels, &image.pixels]
        .map(|pixels| pixels.iter().skip(3).step_by(4).copied().collect::<Vec<_>>());
    assert!(written == wanted);
}

#[test]
fn an_alpha_channel_without_effect_is_left_out() {
    let mut image = full(LOSSLESS_ALPHA);
    image.pixels.iter_mut().skip(3).step_by(4).for_each(|alpha| *alpha = 255);
    let file = encode(&image.pixels, 150, 106, 4, 80).unwrap();
    assert!(!read(&file).unwrap().has_alpha);
    let rgb: Vec<u8> = image.pixels.chunks(4).flat_map(|pixel| pixel[..3].to_vec()).collect();
    assert!(file == encode(&rgb, 150, 106, 3, 80).unwrap());
}

#[test]
fn sizes_down_to_one_pixel_are_written() {
    for (width, height) in [(1, 1), (1, 40), (17, 1), (16_383, 1)] {
        let pixels = vec![90; width as usize * height as usize * 4];
        let file = encode(&pixels, width, height, 4, 75).unwrap();
        let header = read(&file).unwrap();
        assert_eq!((header.width, header.height), (width, height));
    }
}

#[test]
fn a_side_that_the_format_does_not_hold_is_too_large() {
    assert!(matches!(encode(&vec![0; 16_384 * 3], 16_384, 1, 3, 75), Err(Error::TooLarge(_))));
}
