//! Width and height, and the arithmetic of fitting one rectangle into another; never touches pixels.

use std::fmt;

use crate::Spec;

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

    /// The largest size within the spec's box that keeps the aspect ratio, enlarges nothing and has at least
    /// one pixel a side.
    pub(crate) fn fit_within(self, spec: Spec) -> Self {
        let max_width = u32::from(spec.max_width.max(1));
        let max_height = u32::from(spec.max_height.max(1));
        if self.width <= max_width && self.height <= max_height {
            return self;
        }
        // width / height compared with max_width / max_height, without dividing.
        if u64::from(self.width) * u64::from(max_height) >= u64::from(self.height) * u64::from(max_width) {
            Self { width: max_width, height: scaled(self.height, max_width, self.width).min(max_height) }
        } else {
            Self { width: scaled(self.width, max_height, self.height).min(max_width), height: max_height }
        }
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
    use super::Dimensions;
    use crate::Spec;

    fn fitted(width: u32, height: u32) -> (u32, u32) {
        let fitted = Dimensions { width, height }.fit_within(Spec::SMALL);
        (fitted.width, fitted.height)
    }

    #[test]
    fn the_longer_side_touches_the_box_and_the_aspect_is_kept() {
        assert_eq!(fitted(4032, 3024), (200, 150));
        assert_eq!(fitted(3024, 4032), (150, 200));
        assert_eq!(fitted(1000, 1000), (200, 200));
    }

    #[test]
    fn what_fits_already_is_left_alone() {
        assert_eq!(fitted(200, 200), (200, 200));
        assert_eq!(fitted(1, 1), (1, 1));
        assert_eq!(fitted(199, 3), (199, 3));
    }

    #[test]
    fn a_very_thin_image_keeps_one_pixel() {
        assert_eq!(fitted(16_384, 1), (200, 1));
        assert_eq!(fitted(1, 16_384), (1, 200));
    }

    #[test]
    fn a_box_that_is_not_square_binds_on_either_side() {
        let spec = Spec { max_width: 100, max_height: 400, quality: 85 };
        let fit = |width, height| Dimensions { width, height }.fit_within(spec);
        assert_eq!(fit(1000, 1000), Dimensions { width: 100, height: 100 });
        assert_eq!(fit(1000, 8000), Dimensions { width: 50, height: 400 });
        assert_eq!(fit(201, 300), Dimensions { width: 100, height: 149 });
    }

    #[test]
    fn a_box_of_nothing_counts_as_one_pixel() {
        let spec = Spec { max_width: 0, max_height: 0, quality: 85 };
        assert_eq!(Dimensions { width: 30, height: 20 }.fit_within(spec), Dimensions { width: 1, height: 1 });
    }
}
