//! What the container says.

use std::io::Cursor;

use image_webp::WebPDecoder;
use proptest::prelude::*;
use valet_webp::{Error, read};

use crate::files::{ALL, LOSSLESS, LOSSY, SMALL_LOSSY, SMALL_LOSSY_ALPHA};
use crate::support::{
    ALPHA, ANIMATION, EXIF, ICC, animation, chunk, frame_header, full, picture_chunks, riff, vp8x,
};

#[test]
fn size_and_alpha_are_what_image_webp_reads() {
    for (name, file) in ALL {
        let header = read(file).unwrap();
        let theirs = WebPDecoder::new(Cursor::new(file)).unwrap();
        assert_eq!((header.width, header.height), theirs.dimensions(), "{name}");
        assert_eq!(header.has_alpha, theirs.has_alpha(), "{name}");
        assert!(!header.animated && header.icc_profile().is_none() && header.exif().is_none(), "{name}");
    }
}

#[test]
fn profile_and_exif_are_handed_out_wherever_they_stand() {
    let file = riff(&[
        vp8x(ICC | EXIF, 150, 106),
        chunk("ICCP", b"a profile"),
        chunk("what", b"nobody knows"),
        picture_chunks(LOSSY),
        chunk("EXIF", b"II*\0 and so on"),
    ]);
    let header = read(&file).unwrap();
    assert_eq!(header.icc_profile(), Some(b"a profile".as_slice()));
    assert_eq!(header.exif(), Some(b"II*\0 and so on".as_slice()));
    assert!(full(&file) == full(LOSSY));
}

#[test]
fn exif_loses_the_words_that_only_jpeg_wants() {
    let file = riff(&[vp8x(EXIF, 150, 106), picture_chunks(LOSSY), chunk("EXIF", b"Exif\0\0MM\0*")]);
    assert_eq!(read(&file).unwrap().exif(), Some(b"MM\0*".as_slice()));
}

#[test]
fn what_stands_between_alpha_and_pixels_is_passed_over() {
    let chunks = picture_chunks(SMALL_LOSSY_ALPHA);
    let size = 8 + u32::from_le_bytes(chunks[4..8].try_into().unwrap()) as usize;
    let (alpha, pixels) = chunks.split_at(size.next_multiple_of(2));
    let file = riff(&[vp8x(ALPHA, 41, 30), alpha.to_vec(), chunk("what", b"odd"), pixels.to_vec()]);
    assert!(full(&file) == full(SMALL_LOSSY_ALPHA));
}

#[test]
fn a_picture_of_another_size_than_its_canvas_is_corrupt() {
    for file in [
        riff(&[vp8x(0, 151, 106), picture_chunks(LOSSY)]),
        riff(&[vp8x(0, 150, 105), picture_chunks(LOSSLESS)]),
        animation((60, 31), (20, 0), SMALL_LOSSY),
        animation((61, 31), (20, 2), SMALL_LOSSY),
    ] {
        assert!(matches!(read(&file), Err(Error::Corrupt(_))));
    }
}

#[test]
fn a_frame_of_another_size_than_it_says_is_corrupt() {
    let frame = [frame_header((0, 0), (40, 30)), picture_chunks(SMALL_LOSSY)].concat();
    let file = riff(&[vp8x(ANIMATION, 60, 60), chunk("ANIM", &[0; 6]), chunk("ANMF", &frame)]);
    assert!(matches!(read(&file), Err(Error::Corrupt(_))));
}

#[test]
fn a_file_without_a_picture_is_corrupt() {
    for file in [
        riff(&[]),
        riff(&[vp8x(0, 10, 10)]),
        riff(&[vp8x(ANIMATION, 10, 10), chunk("ANIM", &[0; 6])]),
        riff(&[vp8x(ANIMATION, 41, 30), picture_chunks(SMALL_LOSSY)]),
    ] {
        assert!(matches!(read(&file), Err(Error::Corrupt(_))));
    }
}

/// Chunks of known names and any content, some too long for what follows.
fn any_chunks() -> impl Strategy<Value = Vec<u8>> {
    let name =
        prop::sample::select(vec!["VP8X", "VP8 ", "VP8L", "ALPH", "ANIM", "ANMF", "ICCP", "EXIF", "what"]);
    let one =
        (name, prop::collection::vec(any::<u8>(), 0..64), -2_i64..20).prop_map(|(name, payload, off)| {
            let mut chunk = chunk(name, &payload);
            if off < 0 {
                chunk[4] = chunk[4].wrapping_add(u8::try_from(-off).unwrap());
            }
            chunk
        });
    prop::collection::vec(one, 0..6).prop_map(|chunks| riff(&chunks))
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = read(&bytes);
        let _ = read(&[b"RIFF\xF0\0\0\0WEBPVP8X\x0A\0\0\0".as_slice(), &bytes].concat());
    }

    #[test]
    fn any_chunks_are_read_or_refused(file in any_chunks()) {
        if let Ok(header) = read(&file) {
            prop_assert!(header.width > 0 && header.height > 0);
            let _ = header.working_bytes((1, 1));
            let _ = header.decode((1, 1));
        }
    }
}
