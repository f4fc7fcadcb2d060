//! Variants as configuration writes them, and what comes out for several of them.

use proptest::prelude::*;
use valet_thumbnail::{Fit, OutputFormat, Variant, Variants, VariantsError};

fn refusal(text: &str) -> String {
    text.parse::<Variants>().unwrap_err().to_string()
}

#[test]
fn a_variant_is_written_with_five_parts() {
    let variants = "small:200x200:fit:jpeg:85, hero-2:1600x900:cover:webp:80".parse::<Variants>().unwrap();
    let hero = Variant {
        name: "hero-2".to_owned(),
        max_width: 1600,
        max_height: 900,
        fit: Fit::Cover,
        format: OutputFormat::Webp,
        quality: 80,
    };
    assert_eq!(variants.iter().cloned().collect::<Vec<_>>(), [Variant::small(), hero]);
}

#[test]
fn without_a_word_it_is_the_small_one() {
    assert_eq!(Variants::default().to_string(), "small:200x200:fit:jpeg:85");
}

#[test]
fn what_is_wrong_is_said() {
    for (text, expected) in [
        ("", "there are 0 variants instead of 1 to 8"),
        ("  ", "there are 0 variants instead of 1 to 8"),
        ("a", "`a` is not of the form name:WIDTHxHEIGHT:fit:format:quality"),
        ("a:1x1:fit:jpeg:1,", "`` is not of the form name:WIDTHxHEIGHT:fit:format:quality"),
        ("A:1x1:fit:jpeg:1", "the name `A` is not 1 to 32 of a-z, 0-9 and, not in front, -"),
        ("-a:1x1:fit:jpeg:1", "the name `-a` is not 1 to 32 of a-z, 0-9 and, not in front, -"),
        (":1x1:fit:jpeg:1", "the name `` is not 1 to 32 of a-z, 0-9 and, not in front, -"),
        ("a:200:fit:jpeg:1", "the size `200` is not of the form WIDTHxHEIGHT"),
        ("a:0x1:fit:jpeg:1", "the side `0` is not a number from 1 to 4096"),
        ("a:1x4097:fit:jpeg:1", "the side `4097` is not a number from 1 to 4096"),
        ("a:1x99999:fit:jpeg:1", "the side `99999` is not a number from 1 to 4096"),
        ("a:+1x1:fit:jpeg:1", "the side `+1` is not a number from 1 to 4096"),
        ("a:1x1:crop:jpeg:1", "`crop` is neither `fit` nor `cover`"),
        ("a:1x1:fit:png:1", "the format `png` is neither `jpeg` nor `webp`"),
        ("a:1x1:fit:jpeg:0", "the quality `0` is not a number from 1 to 100"),
        ("a:1x1:fit:jpeg:101", "the quality `101` is not a number from 1 to 100"),
        ("a:1x1:fit:jpeg:", "the quality `` is not a number from 1 to 100"),
        ("a:1x1:fit:jpeg:1,a:2x2:fit:jpeg:1", "two variants have the name `a`"),
    ] {
        assert_eq!(refusal(text), expected, "{text}");
    }
    let nine = (0..9).map(|at| format!("v{at}:1x1:fit:jpeg:1")).collect::<Vec<_>>().join(",");
    assert_eq!(refusal(&nine), "there are 9 variants instead of 1 to 8");
}

fn variant() -> impl Strategy<Value = Variant> {
    let fit = prop_oneof![Just(Fit::Fit), Just(Fit::Cover)];
    let format = prop_oneof![Just(OutputFormat::Jpeg), Just(OutputFormat::Webp)];
    let fields = ("[a-z0-9][a-z0-9-]{0,31}", 1_u16..=4096, 1_u16..=4096, fit, format, 1_u8..=100);
    fields.prop_map(|(name, max_width, max_height, fit, format, quality)| Variant {
        name,
        max_width,
        max_height,
        fit,
        format,
        quality,
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(variants in prop::collection::vec(variant(), 1..=8)) {
        match Variants::new(variants.clone()) {
            Ok(valid) => prop_assert_eq!(valid.to_string().parse::<Variants>(), Ok(valid)),
            Err(error) => prop_assert!(matches!(error, VariantsError::Duplicate(_))),
        }
    }

    #[test]
    fn no_text_panics_and_what_is_read_is_within_the_bounds(text in "[a-z0-9:x, +-]{0,60}|\\PC{0,40}") {
        if let Ok(variants) = text.parse::<Variants>() {
            prop_assert!(Variants::new(variants.iter().cloned().collect()).is_ok());
        }
    }
}
