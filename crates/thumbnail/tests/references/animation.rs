//! The first frame at its place; the second would be green.

use crate::files::assert_as_expected;

#[test]
fn the_first_frame_of_a_gif_lies_at_its_offset() {
    assert_as_expected("moving.gif", 1.0, 8.0);
}

#[test]
fn the_first_frame_of_a_webp_lies_at_its_offset() {
    // Its edges go to whole pixels of the scaled canvas, which is twice the thumbnail's size.
    assert_as_expected("moving-lossy.webp", 1.5, 16.0);
    assert_as_expected("moving-lossless.webp", 1.5, 16.0);
}
