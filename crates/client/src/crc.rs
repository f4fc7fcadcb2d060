//! CRC64NVME, as S3 computes it of parts and of whole objects.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use crc_fast::{CrcAlgorithm, Digest, checksum_combine};
use std::fmt;

/// The CRC64NVME of some bytes. Displayed as S3 writes it: padded base64 of eight big-endian bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crc(u64);

impl Crc {
    /// Of no bytes at all.
    pub(crate) const EMPTY: Self = Self(0);

    /// Reads what S3 writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(Self(u64::from_be_bytes(STANDARD.decode(text).ok()?.try_into().ok()?)))
    }

    /// Of these bytes followed by `next_size` bytes whose CRC is `next`.
    pub(crate) fn then(self, next: Self, next_size: u64) -> Self {
        Self(checksum_combine(CrcAlgorithm::Crc64Nvme, self.0, next.0, next_size))
    }
}

impl fmt::Display for Crc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0.to_be_bytes()))
    }
}

/// A CRC of bytes that are still coming.
#[derive(Clone)]
pub(crate) struct RunningCrc(Digest);

impl RunningCrc {
    pub(crate) fn new() -> Self {
        Self(Digest::new(CrcAlgorithm::Crc64Nvme))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(&self) -> Crc {
        Crc(self.0.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(bytes: &[u8]) -> Crc {
        let mut crc = RunningCrc::new();
        crc.update(bytes);
        crc.finish()
    }

    #[test]
    fn is_the_one_in_the_catalogue() {
        // CRC-64/NVME in https://reveng.sourceforge.io/crc-catalogue/all.htm
        assert_eq!(of(b"123456789"), Crc(0xae8b_1486_0a79_9888));
        assert_eq!(of(b""), Crc::EMPTY);
        assert_eq!(of(b"123456789").to_string(), "rosUhgp5mIg=");
        assert_eq!(Crc::parse("rosUhgp5mIg="), Some(of(b"123456789")));
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in ["", "rosUhgp5mIg", "rosUhgp5", "rosUhgp5mIgA", "rosUhgp5mIg=-2"] {
            assert_eq!(Crc::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn parts_combine_to_the_whole(bytes in prop::collection::vec(any::<u8>(), 0..4096), part in 1usize..2000) {
            let combined = bytes.chunks(part).fold(Crc::EMPTY, |whole, part| {
                whole.then(of(part), part.len() as u64)
            });
            prop_assert_eq!(combined, of(&bytes));
        }
    }
}
