//! Damaged files are refused or make some picture; none makes the decoder panic.

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use valet_thumbnail::{Limits, probe};

use crate::files::{
    encoded, exif, jpeg_with_exif, png_with, progressive_jpeg, repair_png_checksums, webp_extended,
    webp_lossless_payload,
};
use crate::support::{refused, thumbnail};

fn picture() -> DynamicImage {
    let image = RgbaImage::from_fn(40, 30, |x, y| {
        let [a, b, c, _] = (x * 7 + y * 1_301).wrapping_mul(0x9E37_79B9).to_be_bytes();
        Rgba([a, b, c, if x > y { 255 } else { 90 }])
    });
    image.into()
}

/// One small file of every kind.
fn files() -> Vec<Vec<u8>> {
    let opaque = DynamicImage::from(picture().into_rgb8());
    let webp = encoded(&picture(), ImageFormat::WebP);
    vec![
        jpeg_with_exif(&encoded(&opaque, ImageFormat::Jpeg), &exif(6)),
        progressive_jpeg(),
        png_with(&encoded(&picture(), ImageFormat::Png), &[(b"eXIf", &exif(6))]),
        encoded(&DynamicImage::from(picture().into_rgba16()), ImageFormat::Png),
        encoded(&picture(), ImageFormat::Gif),
        webp_extended((40, 30), 0b1_1000, &[(b"VP8L", webp_lossless_payload(&webp)), (b"EXIF", &exif(6))]),
        webp,
    ]
}

#[test]
fn the_undamaged_files_are_decoded() {
    for file in files() {
        thumbnail(&file, &Limits::DEFAULT).unwrap();
    }
}

#[test]
fn a_file_that_ends_early_is_corrupt() {
    for file in files() {
        for tenths in 2..10 {
            assert_eq!(
                refused(&file[..file.len() * tenths / 10]),
                "corrupt",
                "{tenths}/10 of {:?}",
                &file[..12]
            );
        }
    }
}

#[test]
fn a_jpeg_without_its_last_byte_is_corrupt() {
    for file in files().iter().take(2) {
        assert_eq!(refused(&file[..file.len() - 1]), "corrupt");
    }
}

#[test]
fn a_jpeg_filled_up_with_zeros_is_corrupt() {
    for mut file in files().into_iter().take(2) {
        let kept = file.len() * 2 / 3;
        file[kept..].fill(0);
        assert_eq!(refused(&file), "corrupt");
    }
}

#[test]
fn a_header_is_enough_to_probe() {
    let jpeg = &files()[0];
    let scan = jpeg.windows(2).rposition(|pair| pair == [0xFF, 0xDA]).unwrap();
    let source = probe(&jpeg[..scan + 20], &Limits::DEFAULT).unwrap();
    assert_eq!((source.dimensions.width, source.dimensions.height), (30, 40));
}

#[test]
fn no_prefix_of_a_file_panics() {
    for file in files() {
        for end in (0..file.len()).step_by(3) {
            expect_a_thumbnail_or_a_refusal(&file[..end]);
        }
    }
}

#[test]
fn no_mutation_of_a_file_panics() {
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    for file in files() {
        for round in 0..500 {
            let mut mutant = file.clone();
            for _ in 0..=random.below(8) {
                // Half of them in the first bytes, where the structure is.
                let reach = if round % 2 == 0 { mutant.len().min(120) } else { mutant.len() };
                let at = random.below(reach);
                match random.below(5) {
                    0 => mutant[at] ^= 1 << random.below(8),
                    1 => mutant[at] = [0x00, 0x7F, 0x80, 0xFF][random.below(4)],
                    2 => drop(mutant.remove(at)),
                    3 => mutant.insert(at, random.byte()),
                    _ => mutant[at] = random.byte(),
                }
            }
            if mutant.starts_with(b"\x89PNG") {
                repair_png_checksums(&mut mutant);
            }
            expect_a_thumbnail_or_a_refusal(&mutant);
        }
    }
}

fn expect_a_thumbnail_or_a_refusal(file: &[u8]) {
    // A mutant's header may announce anything; decoding all of it would only take long.
    let limits = Limits { max_pixels: 1_000_000, ..Limits::DEFAULT };
    match thumbnail(file, &limits) {
        Ok(made) => assert!(made.dimensions.width <= 200 && made.dimensions.height <= 200),
        Err(error) => assert!(!error.code().is_empty()),
    }
}

/// Xorshift: the same numbers every time, so that a failure comes back.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}
