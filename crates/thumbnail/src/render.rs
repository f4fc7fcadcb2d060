//! The pictures of all variants out of one: large to small, each made of the last that is large enough; never more
//! than one decode.

use image::metadata::Orientation;

use crate::decode::Decoded;
use crate::picture::Picture;
use crate::placement::Placement;
use crate::resize::{resize, resize_part};
use crate::{Dimensions, Variants, orientation};

/// How large each variant draws one picture.
#[derive(Debug)]
pub(crate) struct Renders {
    /// In the order of the variants.
    placements: Vec<Placement>,
}

/// What comes out of it.
#[derive(Debug)]
pub(crate) struct Pictures {
    /// In the order of the variants.
    pub(crate) of_variants: Vec<Picture>,
    /// The smallest that shows the whole picture.
    pub(crate) smallest: Picture,
}

impl Renders {
    /// Of an upright picture of these dimensions.
    pub(crate) fn of(picture: Dimensions, variants: &Variants) -> Self {
        Self { placements: variants.iter().map(|variant| Placement::of(picture, variant)).collect() }
    }

    /// The dimensions at which the whole picture suffices for every variant.
    pub(crate) fn largest(&self) -> Dimensions {
        let wholes = self.placements.iter().map(|placement| placement.whole);
        wholes.max_by_key(|whole| whole.pixels()).expect("there is at least one variant")
    }

    /// The decoded picture, not turned yet, at those dimensions.
    pub(crate) fn shrink(&self, decoded: Decoded, turn: Orientation) -> Picture {
        let Decoded { picture, covered } = decoded;
        let largest = orientation::upright(self.largest(), turn);
        let is_largest =
            picture.dimensions() == largest && covered == (largest.width.into(), largest.height.into());
        if is_largest { picture } else { resize_part(picture, covered, largest) }
    }

    /// The pictures of all variants out of the largest.
    pub(crate) fn cascade(&self, largest: Picture) -> Pictures {
        let mut by_size = (0..self.placements.len()).collect::<Vec<_>>();
        by_size.sort_by_key(|&at| std::cmp::Reverse(self.placements[at].whole.pixels()));

        let mut wholes = vec![largest];
        let mut of_variants = vec![None; self.placements.len()];
        for at in by_size {
            let Placement { whole, kept } = self.placements[at];
            if wholes.last().is_none_or(|last| last.dimensions() != whole) {
                let source = wholes.iter().rev().find(|source| suffices(source.dimensions(), whole));
                wholes.push(resize(source.unwrap_or(&wholes[0]), whole));
            }
            let picture = wholes.last().expect("one was there from the start");
            of_variants[at] = Some(picture.centre(kept));
        }
        Pictures {
            of_variants: of_variants.into_iter().flatten().collect(),
            smallest: wholes.pop().expect("one was there from the start"),
        }
    }
}

/// Whether a picture is made as well of one of these dimensions as of the original.
fn suffices(source: Dimensions, wanted: Dimensions) -> bool {
    let at_least = |source: u32, wanted: u32| u64::from(source) * 2 >= u64::from(wanted) * 3;
    at_least(source.width, wanted.width) && at_least(source.height, wanted.height)
}
