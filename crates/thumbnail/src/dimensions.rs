//! Width and height, and the arithmetic of fitting one rectangle into another; never touches pixels.

use std::fmt;

/// Width and height of an image in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dimensions {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Dimensions {
    /// How many pixels that makes.
    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The same rectangle lying on its side.
    pub(crate) fn transposed(self) -> Self {
        Self { width: self.height, height: self.width }
    }

    /// The largest size within `bounds` that keeps the aspect ratio, enlarges nothing and has at least one
    /// pixel a side.
    pub(crate) fn fit_within(self, bounds: Self) -> Self {
        if self.width <= bounds.width && self.height <= bounds.height {
            return self;
        }
        if self.is_wider_than(bounds) {
            let height = scaled(self.height, bounds.width, self.width).min(bounds.height);
            Self { width: bounds.width, height }
        } else {
            let width = scaled(self.width, bounds.height, self.height).min(bounds.width);
            Self { width, height: bounds.height }
        }
    }

    /// The smallest size that leaves no side of `bounds` unfilled and keeps the aspect ratio; the same if it is
    /// not large enough, as nothing is enlarged.
    pub(crate) fn cover(self, bounds: Self) -> Self {
        if self.width <= bounds.width || self.height <= bounds.height {
            return self;
        }
        if self.is_wider_than(bounds) {
            let width = scaled(self.width, bounds.height, self.height).max(bounds.width);
            Self { width, height: bounds.height }
        } else {
            let height = scaled(self.height, bounds.width, self.width).max(bounds.height);
            Self { width: bounds.width, height }
        }
    }

    /// Whether its width is larger in proportion, without dividing.
    fn is_wider_than(self, other: Self) -> bool {
        u64::from(self.width) * u64::from(other.height) >= u64::from(self.height) * u64::from(other.width)
    }
}

impl fmt::Display for Dimensions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}x{}", self.width, self.height)
    }
}

/// `side * numerator / denominator` to the nearest whole pixel, at least one.
fn scaled(side: u32, numerator: u32, denominator: u32) -> u32 {
    let denominator = u64::from(denominator);
    let rounded = (u64::from(side) * u64::from(numerator) + denominator / 2) / denominator;
    u32::try_from(rounded).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Dimensions;

    const SMALL: Dimensions = Dimensions { width: 200, height: 200 };

    fn size(width: u32, height: u32) -> Dimensions {
        Dimensions { width, height }
    }

    #[test]
    fn the_longer_side_touches_the_box_and_the_aspect_is_kept() {
        assert_eq!(size(4032, 3024).fit_within(SMALL), size(200, 150));
        assert_eq!(size(3024, 4032).fit_within(SMALL), size(150, 200));
        assert_eq!(size(1000, 1000).fit_within(SMALL), size(200, 200));
    }

    #[test]
    fn the_shorter_side_touches_the_box_that_is_covered() {
        assert_eq!(size(4032, 3024).cover(SMALL), size(267, 200));
        assert_eq!(size(3024, 4032).cover(SMALL), size(200, 267));
        assert_eq!(size(1000, 1000).cover(size(100, 400)), size(400, 400));
        assert_eq!(size(1000, 100).cover(SMALL), size(1000, 100));
    }

    #[test]
    fn what_fits_already_is_left_alone() {
        assert_eq!(size(200, 200).fit_within(SMALL), size(200, 200));
        assert_eq!(size(1, 1).fit_within(SMALL), size(1, 1));
        assert_eq!(size(199, 3).fit_within(SMALL), size(199, 3));
    }

    #[test]
    fn a_very_thin_image_keeps_one_pixel() {
        assert_eq!(size(16_384, 1).fit_within(SMALL), size(200, 1));
        assert_eq!(size(1, 16_384).fit_within(SMALL), size(1, 200));
    }

    #[test]
    fn a_box_that_is_not_square_binds_on_either_side() {
        let bounds = size(100, 400);
        assert_eq!(size(1000, 1000).fit_within(bounds), size(100, 100));
        assert_eq!(size(1000, 8000).fit_within(bounds), size(50, 400));
        assert_eq!(size(201, 300).fit_within(bounds), size(100, 149));
    }

    fn sides() -> impl Strategy<Value = Dimensions> {
        (1_u32..=16_384, 1_u32..=16_384).prop_map(|(width, height)| size(width, height))
    }

    proptest! {
        #[test]
        fn what_fits_lies_within_the_box_and_touches_it(picture in sides(), bounds in sides()) {
            let fitted = picture.fit_within(bounds);
            prop_assert!(fitted.width <= bounds.width.min(picture.width) && fitted.width > 0);
            prop_assert!(fitted.height <= bounds.height.min(picture.height) && fitted.height > 0);
            prop_assert!(fitted == picture || fitted.width == bounds.width || fitted.height == bounds.height);
        }

        #[test]
        fn what_covers_leaves_nothing_unfilled_that_the_picture_could_fill(
            picture in sides(),
            bounds in sides(),
        ) {
            let covering = picture.cover(bounds);
            prop_assert!(covering.width >= bounds.width.min(picture.width));
            prop_assert!(covering.height >= bounds.height.min(picture.height));
            prop_assert!(covering.width <= picture.width && covering.height <= picture.height);
            prop_assert!(
                covering == picture || covering.width == bounds.width || covering.height == bounds.height
            );
        }

        #[test]
        fn the_aspect_is_kept_to_the_pixel(picture in sides(), bounds in sides()) {
            for made in [picture.fit_within(bounds), picture.cover(bounds)] {
                let scale = f64::from(made.width) / f64::from(picture.width);
                let other = f64::from(made.height) / f64::from(picture.height);
                let width_off = (other * f64::from(picture.width) - f64::from(made.width)).abs();
                let height_off = (scale * f64::from(picture.height) - f64::from(made.height)).abs();
                prop_assert!(width_off.min(height_off) <= 1.0, "{picture} became {made}");
            }
        }
    }
}
