//! Any bytes, decoded at every scale, to light and to ink: nothing panics, and limits hold.
#![no_main]

use image::ImageDecoder;
use libfuzzer_sys::fuzz_target;
use scaled_jpeg::{Jpeg, Limits, Scale};

fuzz_target!(|file: &[u8]| {
    let mut limits = Limits::DEFAULT;
    limits.max_pixels = 1 << 18;
    limits.max_scans = 20;
    limits.max_working_bytes = 16 << 20;
    let Ok(jpeg) = Jpeg::read(file) else { return };
    let jpeg = jpeg.with_limits(limits);
    let (width, height) = jpeg.dimensions();
    let _ = (jpeg.exif(), jpeg.icc_profile(), jpeg.color());
    for scale in Scale::ALL {
        let decoder = jpeg.clone().decoder(scale);
        if u64::from(width) * u64::from(height) > limits.max_pixels
            || decoder.working_bytes() > limits.max_working_bytes
        {
            // Then it must not allocate, however large the buffer would be.
            continue;
        }
        let (width, height) = decoder.dimensions();
        let mut ink = vec![0; 4 * width as usize * height as usize];
        let _ = decoder.clone().read_cmyk(&mut ink);
        let mut pixels = vec![0; decoder.total_bytes() as usize];
        let _ = decoder.read_image(&mut pixels);
    }
});
