//! Damaged files are refused or make some picture; none makes the decoder panic.

use std::time::{Duration, Instant};

use scaled_jpeg::{Error, Jpeg, Scale};

use crate::files::{ALL, ARITHMETIC, BASELINE_420, PROGRESSIVE_420, PROGRESSIVE_RESTARTS, RESTARTS};
use crate::support::{decoded, difference, refusal, scaled};

#[test]
fn a_file_that_ends_early_is_truncated() {
    for (name, file) in ALL {
        let scan = file.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
        for end in [scan + 30, file.len() / 2, file.len() - 2, file.len() - 1] {
            assert_eq!(refusal(&file[..end.max(scan + 30)]), Error::Truncated, "{name} up to {end}");
        }
    }
}

#[test]
fn a_file_that_ends_within_its_header_is_truncated() {
    for (name, file) in ALL {
        let scan = file.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
        let header = scan + 2 + usize::from(file[scan + 3]);
        for end in 0..header {
            assert_eq!(Jpeg::read(&file[..end]).unwrap_err(), Error::Truncated, "{name} up to {end}");
        }
        assert!(Jpeg::read(&file[..header]).is_ok(), "{name}");
    }
}

#[test]
fn what_is_no_jpeg_is_corrupt() {
    assert!(matches!(Jpeg::read(b"\x89PNG\r\n\x1a\n"), Err(Error::Corrupt(_))));
    assert!(matches!(Jpeg::read(b"GIF"), Err(Error::Corrupt(_))));
}

#[test]
fn arithmetic_coding_is_refused_by_name() {
    assert_eq!(Jpeg::read(ARITHMETIC).unwrap_err(), Error::Unsupported("arithmetic coding"));
}

#[test]
fn twelve_bits_are_refused_by_name() {
    let mut file = BASELINE_420.to_vec();
    let frame = file.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    file[frame + 4] = 12;
    assert_eq!(Jpeg::read(&file).unwrap_err(), Error::Unsupported("a precision other than 8 bits"));
}

#[test]
fn damage_stays_within_its_restart_interval() {
    let mut file = RESTARTS.to_vec();
    let fifth = file.windows(2).position(|pair| pair == [0xFF, 0xD4]).unwrap();
    file[fifth + 2..fifth + 8].fill(0);
    let (damaged, sound) = (scaled(&file, Scale::Eighth), scaled(RESTARTS, Scale::Eighth));
    let rows = |from: u32, image: &_| image::imageops::crop_imm(image, 0, from, 19, 2).to_image();
    // Three MCUs of sixteen pixels: fifteen to seventeen of a row of ten, so the second row of MCUs.
    assert_eq!(rows(0, &damaged), rows(0, &sound));
    assert_ne!(rows(2, &damaged), rows(2, &sound));
    for row in [6, 8, 10] {
        assert_eq!(rows(row, &damaged), rows(row, &sound), "from row {row}");
    }
}

/// The picture with some restart markers of a file removed or changed: the lines of pixels, at an eighth, that are
/// not as in the sound file.
fn damaged_lines(file: &[u8], damage: impl Fn(&mut Vec<u8>, &[usize])) -> Vec<u32> {
    let markers = file.windows(2).enumerate().filter(|(_, pair)| pair[0] == 0xFF && pair[1] & 0xF8 == 0xD0);
    let markers = markers.map(|(at, _)| at).collect::<Vec<_>>();
    let mut damaged = file.to_vec();
    damage(&mut damaged, &markers);
    let (damaged, sound) = (scaled(&damaged, Scale::Eighth), scaled(file, Scale::Eighth));
    let line = |image: &image::RgbImage, y| image::imageops::crop_imm(image, 0, y, 19, 1).to_image();
    (0..14).filter(|&y| line(&damaged, y) != line(&sound, y)).collect()
}

/// Ten MCUs of sixteen pixels a line, three an interval: the intervals behind the markers 5 to 7, MCUs 18 to 26, are in
/// the second and third line of MCUs. Between lines chroma is interpolated.
#[test]
fn lost_restart_markers_do_not_shift_what_follows() {
    let one = damaged_lines(RESTARTS, |file, markers| drop(file.drain(markers[5]..markers[5] + 2)));
    assert!(!one.is_empty() && one.iter().all(|line| (1..7).contains(line)), "{one:?}");
    let three = damaged_lines(RESTARTS, |file, markers| drop(file.drain(markers[5]..markers[8])));
    assert!(!three.is_empty() && three.iter().all(|line| (1..7).contains(line)), "{three:?}");
}

#[test]
fn restart_markers_of_a_wrong_number_or_too_many_change_little() {
    let renumbered = damaged_lines(RESTARTS, |file, markers| file[markers[5] + 1] ^= 2);
    assert_eq!(renumbered, []);
    // In the interval behind it.
    let one_more = damaged_lines(RESTARTS, |file, markers| {
        file.splice(markers[5] + 9..markers[5] + 9, [0xFF, 0xD1]);
    });
    assert!(one_more.iter().all(|line| (1..7).contains(line)), "{one_more:?}");
}

#[test]
fn a_progressive_scan_resynchronises_too() {
    let lines =
        damaged_lines(PROGRESSIVE_RESTARTS, |file, markers| drop(file.drain(markers[2]..markers[2] + 2)));
    assert!(!lines.is_empty() && lines.iter().all(|&line| line < 5), "{lines:?}");
}

#[test]
fn a_scan_that_is_gone_leaves_the_picture_coarser() {
    let mut scans =
        PROGRESSIVE_420.windows(2).enumerate().filter(|(_, pair)| *pair == [0xFF, 0xDA]).map(|(at, _)| at);
    let last = scans.next_back().unwrap();
    let shorter = [&PROGRESSIVE_420[..last], b"\xFF\xD9"].concat();
    let (mean, _) = difference(&scaled(&shorter, Scale::Half), &scaled(PROGRESSIVE_420, Scale::Half));
    assert!(mean > 0.0 && mean < 2.0, "{mean}");
}

#[test]
fn no_prefix_of_a_file_panics() {
    for (_, file) in ALL {
        for end in (0..file.len()).step_by(37) {
            let ended = [&file[..end], b"\xFF\xD9"].concat();
            let _ = decoded(&ended, Scale::Half);
            let _ = decoded(&ended, Scale::Eighth);
        }
    }
}

#[test]
fn no_mutation_of_a_file_panics_or_takes_long() {
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    for (name, file) in ALL {
        let scan = file.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
        for round in 0..400 {
            let mut mutant = file.to_vec();
            for _ in 0..=random.below(8) {
                // Half of them before the first data, where the structure is.
                let reach = if round % 2 == 0 { scan + 20 } else { mutant.len() };
                let at = random.below(reach.min(mutant.len()));
                match random.below(5) {
                    0 => mutant[at] ^= 1 << random.below(8),
                    1 => mutant[at] = [0x00, 0x7F, 0x80, 0xFF][random.below(4)],
                    2 => drop(mutant.remove(at)),
                    3 => mutant.insert(at, random.byte()),
                    _ => mutant[at] = random.byte(),
                }
            }
            let Ok(jpeg) = Jpeg::read(&mutant) else { continue };
            let (width, height) = jpeg.dimensions();
            if width * height > 1_000_000 {
                continue;
            }
            let begun = Instant::now();
            let _ = decoded(&mutant, Scale::ALL[round % 3]);
            assert!(begun.elapsed() < Duration::from_secs(1), "{name}, round {round}");
        }
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
