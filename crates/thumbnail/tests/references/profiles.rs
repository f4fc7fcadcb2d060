//! Colours as embedded profiles mean them, at a reduced scale and at the full one.

use crate::files::{assert_as_expected, distance, expected, input, thumbnail};
use crate::strip::without_profile;

const DISPLAY_P3: [&str; 5] = [
    "display-p3-large.jpg",
    "display-p3-large-progressive.jpg",
    "display-p3-small.jpg",
    "display-p3.png",
    "display-p3.webp",
];
const ADOBE_RGB: [&str; 4] =
    ["adobe-rgb-large.jpg", "adobe-rgb-small.jpg", "adobe-rgb-16-bit.png", "adobe-rgb-alpha.png"];
const GREY: [&str; 3] = ["grey-gamma-large.jpg", "grey-gamma-small.jpg", "grey-gamma.png"];
const CMYK: [&str; 3] = ["cmyk-large.jpg", "cmyk-large-progressive.jpg", "cmyk-small.jpg"];
const YCCK: [&str; 3] = ["ycck-large.jpg", "ycck-large-progressive.jpg", "ycck-small.jpg"];

#[test]
fn display_p3_becomes_srgb() {
    for name in DISPLAY_P3 {
        assert_as_expected(name, 2.0, 10.0);
    }
}

#[test]
fn adobe_rgb_becomes_srgb() {
    for name in ADOBE_RGB {
        assert_as_expected(name, 2.0, 10.0);
    }
}

#[test]
fn grey_of_another_gamma_becomes_srgb() {
    for name in GREY {
        assert_as_expected(name, 2.0, 10.0);
    }
}

#[test]
fn cmyk_becomes_srgb() {
    for name in CMYK {
        assert_as_expected(name, 2.0, 10.0);
    }
}

#[test]
fn ycck_becomes_srgb() {
    for name in YCCK {
        assert_as_expected(name, 2.0, 10.0);
    }
}

#[test]
fn a_profile_that_is_ignored_would_be_noticed() {
    for name in [DISPLAY_P3.as_slice(), &ADOBE_RGB, &GREY, &CMYK, &YCCK].concat() {
        let untouched = distance(&thumbnail(&without_profile(name, &input(name))), &expected(name));
        assert!(untouched.mean > 2.0, "{name}: {untouched:?}");
    }
}
