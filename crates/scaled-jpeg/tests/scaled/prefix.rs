//! Beginnings of files: when they are enough, and that they then show what the whole file shows.

use image::DynamicImage;
use scaled_jpeg::{Error, Jpeg, Needs, Scale};

use crate::files::{ALL, BASELINE_420, GREY, PROGRESSIVE_420, PROGRESSIVE_GREY};
use crate::support::{difference, reason, scaled};

fn of_prefix(file: &[u8], scale: Scale) -> Result<DynamicImage, Error> {
    let decoder = Jpeg::read(file)?.decoder(scale).of_prefix();
    DynamicImage::from_decoder(decoder).map_err(|error| reason(&error))
}

/// How much of a file meets the needs, fed a byte more each time.
fn met_at(mut needs: Needs, file: &[u8]) -> usize {
    (0..=file.len()).find(|&end| needs.met_by(&file[..end])).unwrap()
}

#[test]
fn a_prefix_is_truncated_until_needs_are_met_and_then_shows_the_whole() {
    for (name, file) in ALL {
        for scale in Scale::ALL {
            let whole = DynamicImage::from(scaled(file, scale)).into_rgb8();
            let needs = Jpeg::read(file).unwrap().needs(scale);
            let met = met_at(needs.clone(), file);
            let around = met.saturating_sub(6)..file.len().min(met + 6);
            for end in around.chain((0..file.len()).step_by(397)) {
                assert_eq!(needs.clone().met_by(&file[..end]), end >= met, "{name} at {scale:?} up to {end}");
                match of_prefix(&file[..end], scale) {
                    Ok(shown) if end >= met => {
                        assert_eq!(shown.into_rgb8(), whole, "{name} at {scale:?} up to {end}");
                    }
                    Err(error) if end < met => {
                        assert_eq!(error, Error::Truncated, "{name} at {scale:?} up to {end}");
                    }
                    Ok(_) | Err(_) => panic!("{name} at {scale:?} up to {end}, of which {met} are needed"),
                }
            }
        }
    }
}

#[test]
fn a_sequential_file_is_needed_to_its_end_and_a_progressive_one_in_part() {
    for scale in Scale::ALL {
        let needs = Jpeg::read(BASELINE_420).unwrap().needs(scale);
        assert_eq!(met_at(needs, BASELINE_420), BASELINE_420.len());
    }
    let needs = Jpeg::read(PROGRESSIVE_420).unwrap().needs(Scale::Eighth);
    let scans = PROGRESSIVE_420.windows(2).enumerate().filter(|(_, pair)| *pair == [0xFF, 0xDA]);
    let second = scans.map(|(at, _)| at).nth(1).unwrap();
    // The first scan has the DC coefficients but for a bit that is worth less than a level. It ends at the next
    // marker, a table of the second scan.
    let met = met_at(needs, PROGRESSIVE_420);
    let table = PROGRESSIVE_420[..second].windows(2).rposition(|pair| pair == [0xFF, 0xC4]).unwrap();
    assert_eq!(met, table + 2);
}

/// The coarsest step of the first coefficients that a file has, set in all its tables.
fn with_first_steps(file: &[u8], step: u8) -> Vec<u8> {
    let mut file = file.to_vec();
    for at in 0..file.len() {
        if file[at..].starts_with(&[0xFF, 0xDB]) {
            let end = at + 2 + usize::from(file[at + 3]);
            for table in (at + 4..end).step_by(65) {
                file[table + 1] = step;
            }
        }
    }
    file
}

#[test]
fn a_bit_that_is_worth_more_than_a_level_is_waited_for() {
    let met = |step| {
        let file = with_first_steps(PROGRESSIVE_420, step);
        met_at(Jpeg::read(&file).unwrap().needs(Scale::Eighth), &file)
    };
    assert!(met(16) < PROGRESSIVE_420.len() / 2);
    assert!(met(17) > PROGRESSIVE_420.len() / 2);
}

/// They have the same coefficients.
#[test]
fn a_progressive_file_shows_what_its_sequential_twin_shows() {
    for (name, file) in ALL {
        let Some(kind) = name.strip_prefix("progressive-") else { continue };
        let twin = |name: &str| ALL.iter().find(|(other, _)| *other == name);
        let (_, twin) = twin(&format!("baseline-{kind}")).or_else(|| twin(kind)).unwrap();
        for scale in Scale::ALL {
            // Sequential ones with fewer samples both ways have larger blocks for them then.
            if scale == Scale::Eighth
                && !["444", "422", "440", "411", "3x1", "grey", "cmyk", "ycck"]
                    .contains(&kind.trim_end_matches(".jpg"))
            {
                continue;
            }
            let (mean, most) = difference(&scaled(file, scale), &scaled(twin, scale));
            // A sample may be off by a level, at a quarter by two and a half; chroma's weighs 1.8 in blue.
            let (mean_allowed, most_allowed) = match scale {
                Scale::Eighth => (1.0, 3),
                Scale::Quarter => (1.0, 6),
                Scale::Half => (0.0, 0),
            };
            assert!(
                mean <= mean_allowed && most <= most_allowed,
                "{name} at {scale:?}: mean {mean:.2}, most {most}"
            );
        }
    }
}

#[test]
fn no_sample_is_off_by_more_than_a_level_at_an_eighth() {
    for step in [1, 8, 16] {
        let [made, twin] =
            [PROGRESSIVE_GREY, GREY].map(|file| scaled(&with_first_steps(file, step), Scale::Eighth));
        let (mean, most) = difference(&made, &twin);
        assert!(most <= 1, "a step of {step}: mean {mean:.2}, most {most}");
    }
}

#[test]
fn what_can_not_be_decoded_needs_nothing_more() {
    let scan = BASELINE_420.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
    let mut file = BASELINE_420.to_vec();
    file[scan + 5] = 77;
    let header = scan + 2 + usize::from(file[scan + 3]);
    let mut needs = Jpeg::read(&file).unwrap().needs(Scale::Half);
    assert!(!needs.met_by(&file[..scan]));
    assert!(needs.met_by(&file[..header]));
    assert_eq!(
        of_prefix(&file[..header], Scale::Half).unwrap_err(),
        Error::Corrupt("a scan of an unknown component")
    );
}

#[test]
fn whether_a_file_is_progressive_is_told() {
    assert!(Jpeg::read(PROGRESSIVE_420).unwrap().is_progressive());
    assert!(!Jpeg::read(BASELINE_420).unwrap().is_progressive());
}
