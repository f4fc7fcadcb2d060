//! Beginnings of any bytes: `Needs` says that they are enough exactly if they decode, however they arrive, and then
//! to what the whole decodes to.
#![no_main]

use image::{DynamicImage, ImageError};
use libfuzzer_sys::fuzz_target;
use scaled_jpeg::{Error, Jpeg, Limits, Scale};

fuzz_target!(|input: &[u8]| {
    let Some((&[at, step], file)) = input.split_first_chunk::<2>() else { return };
    let mut limits = Limits::DEFAULT;
    limits.max_pixels = 1 << 16;
    limits.max_scans = 20;
    limits.max_working_bytes = 4 << 20;
    let decoded = |file: &[u8], scale| {
        let decoder = Jpeg::read(file)?.with_limits(limits).decoder(scale).of_prefix();
        DynamicImage::from_decoder(decoder)
    };
    let truncated = |error: &ImageError| error.to_string().contains(&Error::Truncated.to_string());
    let scale = Scale::ALL[usize::from(step) % 3];
    let end = file.len() * usize::from(at) / 255;
    let cut = &file[..end];
    let Ok(jpeg) = Jpeg::read(cut) else { return };
    let jpeg = jpeg.with_limits(limits);
    let (width, height) = jpeg.dimensions();
    if u64::from(width) * u64::from(height) > limits.max_pixels {
        return;
    }
    let mut needs = jpeg.needs(scale);
    // In pieces and at once.
    let mut met = false;
    for end in (0..end).step_by(1 + usize::from(step)) {
        met |= needs.met_by(&file[..end]);
    }
    met |= needs.met_by(cut);
    assert_eq!(met, jpeg.needs(scale).met_by(cut));
    match (decoded(cut, scale), met) {
        (Ok(picture), true) => {
            assert_eq!(picture, decoded(file, scale).expect("what follows is not looked at"))
        }
        (Err(error), met) => assert!(met != truncated(&error) || error_of_limits(&error), "{error}"),
        (Ok(_), false) => panic!("decoded before its needs were met"),
    }
});

/// Which are held against the header before a scan is looked for.
fn error_of_limits(error: &ImageError) -> bool {
    matches!(error, ImageError::Limits(_))
}
