//! Sixteen bits, palettes and interlacing.

use crate::files::assert_as_expected;

#[test]
fn sixteen_bits_become_eight() {
    for name in ["rgb-16-bit.png", "grey-16-bit.png", "alpha-16-bit.png"] {
        assert_as_expected(name, 1.0, 4.0);
    }
}

#[test]
fn a_palette_becomes_its_colours() {
    assert_as_expected("palette-alpha.png", 1.0, 6.0);
}

#[test]
fn an_interlaced_picture_is_whole() {
    assert_as_expected("interlaced.png", 1.0, 4.0);
}
