//! All eight ways a photo may lie, as one upright picture.

use crate::files::{distance, expected, input, thumbnail};

#[test]
fn every_orientation_is_turned_upright() {
    let upright = expected("upright");
    let jpegs = (1..=8).map(|number| format!("orientation-{number}.jpg"));
    for name in jpegs.chain(["orientation-6.png".to_owned(), "orientation-8.webp".to_owned()]) {
        let is = distance(&thumbnail(&input(&name)), &upright);
        assert!(is.mean < 1.5 && is.most < 8.0, "{name}: {is:?}");
    }
}

#[test]
fn a_turn_that_is_wrong_would_be_noticed() {
    let upright = expected("upright");
    for (wrong, turned) in [
        ("left and right", image::imageops::flip_horizontal(&upright)),
        ("top and bottom", image::imageops::flip_vertical(&upright)),
        ("upside down", image::imageops::rotate180(&upright)),
    ] {
        let is = distance(&turned, &upright);
        assert!(is.mean > 10.0, "{wrong}: {is:?}");
    }
}
