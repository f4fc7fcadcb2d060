//! A test that measures a process: a photo of twelve megapixels takes far less than its pixels.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot make its input has failed")]

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use valet_thumbnail::{Limits, Variants, make};

const WIDTH: u16 = 4032;
const HEIGHT: u16 = 3024;

#[test]
fn a_photo_of_twelve_megapixels_takes_a_third_of_its_pixels() {
    let file = photo();
    // Making it took more; from here on the peak is counted anew.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = kilobytes("VmRSS:");
    let variants = "l:800x800:fit:jpeg:85,s:200x200:fit:jpeg:85".parse::<Variants>().unwrap();
    let made = make(&file, &variants, &Limits::DEFAULT).unwrap();
    assert_eq!(made.thumbnails.len(), 2);
    let taken = kilobytes("VmHWM:") - before;
    assert!(taken < 12_000, "{taken} kB were taken");
}

fn kilobytes(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn photo() -> Vec<u8> {
    let pixel = |at: usize| {
        let [noise, ..] = (at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
        let [shade, ..] = (at / 200_000).to_le_bytes();
        shade.wrapping_add(noise / 8)
    };
    let pixels = (0..usize::from(WIDTH) * usize::from(HEIGHT) * 3).map(pixel).collect::<Vec<_>>();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 85);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder.encode(&pixels, WIDTH, HEIGHT, ColorType::Rgb).unwrap();
    file
}
