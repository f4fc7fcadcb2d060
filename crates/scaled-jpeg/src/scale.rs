//! The three scales, and which of them a wanted size needs.

use crate::Error;

/// How much smaller than the file a picture is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scale {
    /// Half the width and height.
    Half,
    /// A quarter.
    Quarter,
    /// An eighth.
    Eighth,
}

impl Scale {
    /// All of them, the smallest picture first.
    pub const ALL: [Self; 3] = [Self::Eighth, Self::Quarter, Self::Half];

    /// 2, 4 or 8.
    pub const fn denominator(self) -> u32 {
        match self {
            Self::Half => 2,
            Self::Quarter => 4,
            Self::Eighth => 8,
        }
    }

    /// The scale that gives the smallest picture of at least these sides, width and height, or nothing if only
    /// the full size does.
    pub fn sufficient_for(full: (u32, u32), least: (u32, u32)) -> Option<Self> {
        Self::ALL.into_iter().find(|scale| {
            let (width, height) = scale.of(full);
            width >= least.0 && height >= least.1
        })
    }

    /// A picture of these sides at this scale. A last, incomplete pixel counts as one.
    pub fn of(self, full: (u32, u32)) -> (u32, u32) {
        (full.0.div_ceil(self.denominator()), full.1.div_ceil(self.denominator()))
    }

    /// Pixels a side that are made of a block.
    pub(crate) const fn side(self) -> usize {
        match self {
            Self::Half => 4,
            Self::Quarter => 2,
            Self::Eighth => 1,
        }
    }
}

impl TryFrom<u32> for Scale {
    type Error = Error;

    /// The scale of this denominator.
    fn try_from(denominator: u32) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|scale| scale.denominator() == denominator);
        found.ok_or(Error::Scale(denominator))
    }
}

#[cfg(test)]
mod tests {
    use super::Scale;
    use crate::Error;

    #[test]
    fn the_smallest_sufficient_scale_is_found() {
        let of = |least| Scale::sufficient_for((4032, 3024), (least, 1));
        assert_eq!(of(504), Some(Scale::Eighth));
        assert_eq!(of(505), Some(Scale::Quarter));
        assert_eq!(of(2016), Some(Scale::Half));
        assert_eq!(of(2017), None);
    }

    #[test]
    fn both_sides_must_suffice() {
        assert_eq!(Scale::sufficient_for((8000, 80), (100, 20)), Some(Scale::Quarter));
    }

    #[test]
    fn the_full_size_is_refused_by_name() {
        assert_eq!(Scale::try_from(4), Ok(Scale::Quarter));
        let refusal = Scale::try_from(1).unwrap_err();
        assert_eq!(refusal, Error::Scale(1));
        assert_eq!(refusal.to_string(), "a jpeg is decoded at 1/2, 1/4 or 1/8 of its size, not at 1/1");
    }
}
