//! Where a picture lies in a variant's box; never touches pixels.

use crate::{Dimensions, Fit, Variant};

/// How large the whole picture is drawn, and how much of its middle is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placement {
    /// The whole picture, never larger than it is.
    pub(crate) whole: Dimensions,
    /// The part of it around its centre that is kept.
    pub(crate) kept: Dimensions,
}

impl Placement {
    /// Of an upright picture in a variant's box.
    pub(crate) fn of(picture: Dimensions, variant: &Variant) -> Self {
        let bounds = variant.bounds();
        match variant.fit {
            Fit::Fit => {
                let whole = picture.fit_within(bounds);
                Self { whole, kept: whole }
            }
            Fit::Cover => {
                let whole = picture.cover(bounds);
                let width = whole.width.min(bounds.width);
                let height = whole.height.min(bounds.height);
                Self { whole, kept: Dimensions { width, height } }
            }
        }
    }
}
