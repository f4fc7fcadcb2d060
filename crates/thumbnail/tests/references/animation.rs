//! The first frame at its place; the second would be green.

use crate::files::assert_as_expected;

#[test]
fn the_first_frame_of_a_gif_lies_at_its_offset() {
    assert_as_expected("moving.gif", 1.0, 8.0);
}

#[test]
fn the_first_frame_of_a_webp_lies_at_its_offset() {
    for name in ["moving-lossy.webp", "moving-lossless.webp"] {
        assert_as_expected(name, 1.0, 8.0);
    }
}
