//! The first frame at its place.

use valet_webp::read;

use crate::files::{LOSSY, SMALL_LOSSLESS, SMALL_LOSSY, SMALL_LOSSY_ALPHA};
use crate::support::{animation, averaged, difference, full};

#[test]
fn the_first_frame_lies_at_its_offset_on_a_transparent_canvas() {
    for still in [SMALL_LOSSY, SMALL_LOSSLESS, SMALL_LOSSY_ALPHA] {
        let file = animation((60, 50), (12, 8), still);
        let header = read(&file).unwrap();
        assert!(header.animated && header.has_alpha);
        assert_eq!((header.width, header.height), (60, 50));
        let (canvas, frame) = (full(&file), full(still));
        for y in 0..50_usize {
            for x in 0..60_usize {
                let pixel = &canvas.pixels[(y * 60 + x) * 4..][..4];
                let inside = (12..12 + 41).contains(&x) && (8..8 + 30).contains(&y);
                if !inside {
                    assert_eq!(pixel, [0; 4], "at {x}, {y}");
                    continue;
                }
                let channels = usize::from(frame.channels);
                let wanted = &frame.pixels[((y - 8) * 41 + x - 12) * channels..][..channels];
                assert_eq!(&pixel[..channels], wanted, "at {x}, {y}");
                assert!(channels == 4 || pixel[3] == 255, "at {x}, {y}");
            }
        }
    }
}

#[test]
fn a_frame_that_covers_the_canvas_is_as_opaque_as_its_own_pixels() {
    let file = animation((41, 30), (0, 0), SMALL_LOSSY);
    assert!(read(&file).unwrap().animated);
    assert!(full(&file) == full(SMALL_LOSSY));
    assert!(read(&animation((41, 30), (0, 0), SMALL_LOSSY_ALPHA)).unwrap().has_alpha);
}

#[test]
fn a_scaled_canvas_is_the_full_one_averaged() {
    // A third: the frame's edges, at 30 and 180, fall between no pixels.
    let file = animation((240, 180), (30, 60), LOSSY);
    let scaled = read(&file).unwrap().decode((80, 60)).unwrap();
    let wanted = averaged(&full(&file), (80, 60), true);
    // The lower edge, at 166, does fall within one.
    let rows = 55 * 80 * 4;
    let (mean, most) = difference(&scaled.pixels[..rows], &wanted[..rows]);
    assert!(mean < 1.0 && most < 48, "{mean} and {most}");
}

#[test]
fn a_frame_never_vanishes() {
    let file = animation((4000, 4000), (3958, 3970), SMALL_LOSSY);
    let image = read(&file).unwrap().decode((4, 4)).unwrap();
    assert_eq!(image.pixels.chunks(4).filter(|pixel| pixel[3] > 0).count(), 1);
    assert_eq!(image.pixels[63], 255);
}
