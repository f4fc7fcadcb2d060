//! Where a file's parts begin and end. Part n covers `[(n-1)·part_size, min(n·part_size, size))`.

use crate::error::{Error, Result};
use crate::grant::Multipart;

/// S3's bound: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>.
const MOST_PARTS: u64 = 10_000;

/// A file of `size` bytes in parts of `part_size`, the last of them shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    size: u64,
    part_size: u64,
    count: u32,
}

impl Cut {
    /// In one piece, which counts as part 1.
    pub(crate) fn whole(size: u64) -> Self {
        Self { size, part_size: size, count: 1 }
    }

    /// As the API says, if that covers the file.
    pub(crate) fn parts(size: u64, multipart: Multipart) -> Result<Self> {
        let Multipart { part_size, part_count } = multipart;
        let fits = part_size > 0 && size > 0 && size.div_ceil(part_size) == u64::from(part_count);
        if !fits || u64::from(part_count) > MOST_PARTS {
            return Err(Error::Protocol {
                doing: "a grant",
                detail: format!("{part_count} parts of {part_size} bytes are not {size} bytes"),
            });
        }
        Ok(Self { size, part_size, count: part_count })
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn numbers(&self) -> std::ops::RangeInclusive<u32> {
        1..=self.count
    }

    /// Where part `number`, one of [`Cut::numbers`], begins, and how long it is.
    pub(crate) fn range(&self, number: u32) -> (u64, u64) {
        let offset = u64::from(number - 1) * self.part_size;
        (offset, self.part_size.min(self.size - offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_that_do_not_cover_the_file_are_refused() {
        for (size, part_size, part_count) in
            [(10, 5, 1), (10, 5, 3), (10, 0, 1), (0, 5, 0), (0, 5, 1), (10_001, 1, 10_001), (11, 5, 2)]
        {
            assert!(Cut::parts(size, Multipart { part_size, part_count }).is_err(), "{size} {part_size}");
        }
    }

    #[test]
    fn the_largest_file_is_cut() {
        let cut = Cut::parts(5 << 40, Multipart { part_size: 528 << 20, part_count: 9930 }).unwrap();
        assert_eq!(cut.range(1), (0, 528 << 20));
        let (offset, size) = cut.range(9930);
        assert_eq!(offset + size, 5 << 40);
    }

    proptest! {
        #[test]
        fn parts_follow_one_another_and_cover_the_file(size in 1u64..1 << 42, part_size in 1u64 << 29..1 << 33) {
            let part_count = u32::try_from(size.div_ceil(part_size)).unwrap();
            let cut = Cut::parts(size, Multipart { part_size, part_count }).unwrap();
            let mut end = 0;
            for number in cut.numbers() {
                let (offset, length) = cut.range(number);
                prop_assert_eq!(offset, end);
                prop_assert!(length == part_size || number == part_count && length > 0);
                end = offset + length;
            }
            prop_assert_eq!(end, size);
        }
    }
}
