//! How a large file is cut into the parts of a multipart upload. Arithmetic alone: it knows neither S3 nor any file.

use std::fmt;
use std::num::NonZeroU16;

const MIB: u64 = 1 << 20;

/// What a part has where nobody asks for another size, and the largest file that goes up in one PUT.
///
/// A lost connection costs at most this much.
pub const DEFAULT_PART_BYTES: u64 = 16 * MIB;

/// The least a part may have that is not the last: 5 MiB.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
pub const MIN_PART_BYTES: u64 = 5 * MIB;

/// The most a part may have: 5 GiB. Source: as above.
pub const MAX_PART_BYTES: u64 = 5 << 30;

/// The most parts an upload may have. Source: as above.
pub const MAX_PARTS: u16 = 10_000;

/// The most parts that are signed in one call. Their URLs have about 1.7 kB each, and Lambda answers with at most 6 MB.
pub const MAX_SIGNED_PARTS: usize = 500;

/// The largest file that is granted: 5 TiB.
pub const MAX_FILE_BYTES: u64 = 5 << 40;

/// The number of a part: 1 to [`MAX_PARTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartNumber(NonZeroU16);

impl PartNumber {
    /// Takes a number in range.
    pub fn new(number: u64) -> Option<Self> {
        let number = u16::try_from(number).ok().filter(|number| *number <= MAX_PARTS)?;
        NonZeroU16::new(number).map(Self)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

impl fmt::Display for PartNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A file cut into parts: all of the same size but the last, which may be smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    file_bytes: u64,
    part_bytes: u64,
}

/// A part size that no multipart upload of the file can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadPartSize;

impl Parts {
    /// Cuts a file of 1 byte to [`MAX_FILE_BYTES`]; `None` when it is one PUT. Where no part size is asked for, it is the smallest
    /// multiple of [`DEFAULT_PART_BYTES`] that needs at most [`MAX_PARTS`].
    pub fn of(file_bytes: u64, asked_part_bytes: Option<u64>) -> Result<Option<Self>, BadPartSize> {
        let part_bytes = asked_part_bytes.unwrap_or_else(|| default_part_bytes(file_bytes));
        if !(MIN_PART_BYTES..=MAX_PART_BYTES).contains(&part_bytes) {
            return Err(BadPartSize);
        }
        if file_bytes <= part_bytes {
            return Ok(None);
        }
        Self::new(file_bytes, part_bytes).map(Some).ok_or(BadPartSize)
    }

    /// A file that was cut before; `None` for numbers that [`Self::of`] never gives.
    pub fn new(file_bytes: u64, part_bytes: u64) -> Option<Self> {
        let is_cut = (MIN_PART_BYTES..=MAX_PART_BYTES).contains(&part_bytes)
            && file_bytes > part_bytes
            && file_bytes.div_ceil(part_bytes) <= u64::from(MAX_PARTS);
        is_cut.then_some(Self { file_bytes, part_bytes })
    }

    /// What every part but the last has.
    pub fn part_bytes(&self) -> u64 {
        self.part_bytes
    }

    /// How many there are: 2 to [`MAX_PARTS`].
    pub fn count(&self) -> u16 {
        u16::try_from(self.file_bytes.div_ceil(self.part_bytes)).expect("at most 10,000 by construction")
    }

    /// The exact size of one part; `None` for a number past the last.
    pub fn size_of(&self, number: PartNumber) -> Option<u64> {
        let start = u64::from(number.get() - 1) * self.part_bytes;
        let left = self.file_bytes.checked_sub(start).filter(|left| *left > 0)?;
        Some(left.min(self.part_bytes))
    }

    /// The numbers of all parts, in order.
    pub fn numbers(&self) -> impl Iterator<Item = PartNumber> + use<> {
        (1..=self.count()).filter_map(|number| PartNumber::new(number.into()))
    }
}

fn default_part_bytes(file_bytes: u64) -> u64 {
    let least = file_bytes.div_ceil(u64::from(MAX_PARTS)).max(1);
    least.next_multiple_of(DEFAULT_PART_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GIB: u64 = 1 << 30;

    proptest! {
        #[test]
        fn every_size_up_to_5_tib_is_covered_exactly_by_at_most_10_000_parts(file_bytes in 1..=MAX_FILE_BYTES) {
            match Parts::of(file_bytes, None).unwrap() {
                None => prop_assert!(file_bytes <= DEFAULT_PART_BYTES),
                Some(parts) => covers(&parts, file_bytes)?,
            }
        }

        #[test]
        fn every_part_size_asked_for_either_covers_the_file_or_is_refused(
            file_bytes in 1..=MAX_FILE_BYTES,
            part_bytes in 0..=2 * MAX_PART_BYTES,
        ) {
            match Parts::of(file_bytes, Some(part_bytes)) {
                Ok(None) => prop_assert!(file_bytes <= part_bytes && part_bytes <= MAX_PART_BYTES),
                Ok(Some(parts)) => {
                    prop_assert_eq!(parts.part_bytes(), part_bytes);
                    covers(&parts, file_bytes)?;
                }
                Err(BadPartSize) => prop_assert!(
                    !(MIN_PART_BYTES..=MAX_PART_BYTES).contains(&part_bytes)
                        || file_bytes.div_ceil(part_bytes) > MAX_PARTS.into()
                ),
            }
        }
    }

    fn covers(parts: &Parts, file_bytes: u64) -> Result<(), TestCaseError> {
        prop_assert!((2..=MAX_PARTS).contains(&parts.count()));
        let sizes: Vec<u64> = parts.numbers().map(|number| parts.size_of(number).unwrap()).collect();
        prop_assert_eq!(sizes.len(), usize::from(parts.count()));
        prop_assert_eq!(sizes.iter().sum::<u64>(), file_bytes);
        let (last, others) = sizes.split_last().unwrap();
        prop_assert!(others.iter().all(|size| *size == parts.part_bytes()) && *last >= 1);
        let past = PartNumber::new(u64::from(parts.count()) + 1);
        prop_assert_eq!(past.and_then(|number| parts.size_of(number)), None);
        Ok(())
    }

    #[test]
    fn the_part_size_grows_where_10_000_parts_of_16_mib_end() {
        let last = u64::from(MAX_PARTS) * DEFAULT_PART_BYTES;
        for (file_bytes, part_mib, count) in [
            (DEFAULT_PART_BYTES + 1, 16, 2),
            (30 * GIB, 16, 1920),
            (last, 16, 10_000),
            (last + 1, 32, 5001),
            (MAX_FILE_BYTES, 528, 9930),
        ] {
            let parts = Parts::of(file_bytes, None).unwrap().unwrap();
            assert_eq!((parts.part_bytes() / MIB, parts.count()), (part_mib, count), "{file_bytes}");
        }
    }

    #[test]
    fn a_file_of_at_most_one_part_is_one_put() {
        assert_eq!(Parts::of(1, None), Ok(None));
        assert_eq!(Parts::of(DEFAULT_PART_BYTES, None), Ok(None));
        assert_eq!(Parts::of(MIN_PART_BYTES, Some(MIN_PART_BYTES)), Ok(None));
        assert!(Parts::of(MIN_PART_BYTES + 1, Some(MIN_PART_BYTES)).unwrap().is_some());
    }

    #[test]
    fn a_part_number_is_1_to_10_000() {
        assert_eq!(PartNumber::new(0), None);
        assert_eq!(PartNumber::new(10_001), None);
        assert_eq!(PartNumber::new(u64::MAX), None);
        assert_eq!(PartNumber::new(10_000).unwrap().get(), 10_000);
    }
}
