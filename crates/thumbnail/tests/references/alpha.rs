//! What is transparent lies on white, and what is hidden does not show.

use crate::files::assert_as_expected;

#[test]
fn transparency_shows_white_and_hidden_red_does_not_show() {
    for name in ["alpha.png", "grey-alpha.png", "alpha-lossless.webp"] {
        assert_as_expected(name, 1.0, 4.0);
    }
}

#[test]
fn lossy_pixels_with_alpha_are_flattened_alike() {
    assert_as_expected("alpha-lossy.webp", 1.0, 6.0);
}
