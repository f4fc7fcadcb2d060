//! Cut and changed files: refused or some picture, never a crash.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use valet_webp::{Error, decode, read};

use crate::files::{ALL, SMALL};
use crate::support::{Random, animation, chunk, picture_chunks, riff, tried, vp8x};

#[test]
fn a_file_cut_at_any_byte_is_truncated() {
    for (name, file) in SMALL {
        let moving = animation((60, 50), (12, 8), file);
        for file in [file, &moving] {
            for end in 0..file.len() {
                assert_eq!(decode(&file[..end], (20, 15)), Err(Error::Truncated), "{name} up to {end}");
            }
        }
    }
}

#[test]
fn data_cut_within_a_sound_container_is_refused() {
    for (name, file) in SMALL {
        let chunks = picture_chunks(file);
        let (before, data) = match chunks.windows(4).position(|name| name == b"VP8 " || name == b"VP8L") {
            Some(at) => chunks.split_at(at),
            None => panic!("{name} has no picture"),
        };
        let extended = if before.is_empty() { vec![] } else { vp8x(0x10, 41, 30) };
        let size = u32::from_le_bytes(data[4..8].try_into().unwrap()) as usize;
        let kind = std::str::from_utf8(&data[..4]).unwrap();
        for end in 0..size {
            let file = riff(&[extended.clone(), before.to_vec(), chunk(kind, &data[8..8 + end])]);
            let result = decode(&file, (41, 30));
            // The last bytes of a lossy picture may say nothing that a reader of zeros would not.
            let harmless = kind == "VP8 " && end + 3 >= size;
            assert!(
                harmless || matches!(result, Err(Error::Truncated | Error::Corrupt(_))),
                "{name}, {end} of {size}: {result:?}"
            );
        }
    }
}

#[test]
fn alpha_cut_short_is_refused() {
    let (_, file) = SMALL[1];
    let chunks = picture_chunks(file);
    let size = u32::from_le_bytes(chunks[4..8].try_into().unwrap()) as usize;
    let (alpha, pixels) = (&chunks[8..8 + size], &chunks[(8 + size).next_multiple_of(2)..]);
    for end in 0..size - 2 {
        let file = riff(&[vp8x(0x10, 41, 30), chunk("ALPH", &alpha[..end]), pixels.to_vec()]);
        assert!(decode(&file, (41, 30)).is_err(), "{end} of {size}");
    }
}

#[test]
fn no_mutation_of_a_file_crashes_or_takes_long() {
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    for (name, file) in ALL {
        let moving = animation((200, 150), (12, 8), file);
        for round in 0..300 {
            let mut mutant = if round % 3 == 0 { moving.clone() } else { file.to_vec() };
            for _ in 0..=random.below(8) {
                // Half of them where the structure is.
                let reach = if round % 2 == 0 { 80 } else { mutant.len() };
                let at = random.below(reach.min(mutant.len()));
                match random.below(5) {
                    0 => mutant[at] ^= 1 << random.below(8),
                    1 => mutant[at] = [0x00, 0x7F, 0x80, 0xFF][random.below(4)],
                    2 => drop(mutant.remove(at)),
                    3 => mutant.insert(at, random.byte()),
                    _ => mutant[at] = random.byte(),
                }
            }
            // Or else most would end early.
            if round % 4 < 3 {
                let size = u32::try_from(mutant.len() - 8).unwrap();
                mutant[4..8].copy_from_slice(&size.to_le_bytes());
            }
            let begun = Instant::now();
            let _ = tried(&mutant);
            assert!(begun.elapsed() < Duration::from_secs(2), "{name}, round {round}");
        }
    }
}

proptest! {
    #[test]
    fn any_compressed_data_is_decoded_or_refused(
        lossless: bool,
        alpha in prop::option::of(prop::collection::vec(any::<u8>(), 0..200)),
        data in prop::collection::vec(any::<u8>(), 0..400),
        scaled_to in (1_u32..50, 1_u32..50),
    ) {
        let pixels = if lossless {
            let size = (40_u32 - 1) | (30 - 1) << 14 | 1 << 28;
            chunk("VP8L", &[[0x2F].as_slice(), &size.to_le_bytes(), &data].concat())
        } else {
            // A first partition as long as there is data for.
            let tag = (1 << 4 | u32::try_from(data.len() / 2).unwrap() << 5).to_le_bytes();
            chunk("VP8 ", &[&tag[..3], b"\x9D\x01\x2A\x28\0\x1E\0", &data].concat())
        };
        let alpha = alpha.map_or(vec![], |alpha| chunk("ALPH", &alpha));
        let file = riff(&[vp8x(0x10, 40, 30), alpha, pixels]);
        let header = read(&file).unwrap();
        let reckoned = header.working_bytes(scaled_to);
        if let Ok(image) = header.decode(scaled_to) {
            prop_assert_eq!((image.width, image.height), (scaled_to.0.min(40), scaled_to.1.min(30)));
            // What libwebp accepts, the count of its prefix codes has accepted before.
            prop_assert!(reckoned.is_ok());
        }
    }
}
