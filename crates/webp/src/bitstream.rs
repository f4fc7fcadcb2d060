//! What the first bytes of compressed pixels say: RFC 6386 section 9.1 for lossy, RFC 9649 section 3.4 for lossless.

use crate::Error;

/// The size of a lossy picture.
pub(crate) fn lossy(data: &[u8]) -> Result<(u32, u32), Error> {
    let (header, _) = data.split_first_chunk::<10>().ok_or(Error::Truncated)?;
    let [tag @ .., 0x9D, 0x01, 0x2A, width_low, width_high, height_low, height_high] = *header else {
        return Err(Error::Corrupt("its lossy data has no start code"));
    };
    if tag[0] & 1 == 1 {
        return Err(Error::Corrupt("its lossy data begins with a frame that needs another"));
    }
    // The two upper bits ask a player to enlarge; nobody does.
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3FFF);
    sized(side(width_low, width_high), side(height_low, height_high))
}

/// The size of a lossless picture and whether its alpha channel means something.
pub(crate) fn lossless(data: &[u8]) -> Result<((u32, u32), bool), Error> {
    let (header, _) = data.split_first_chunk::<5>().ok_or(Error::Truncated)?;
    let [0x2F, bits @ ..] = *header else {
        return Err(Error::Corrupt("its lossless data has no signature"));
    };
    let bits = u32::from_le_bytes(bits);
    if bits >> 29 != 0 {
        return Err(Error::Unsupported);
    }
    let size = sized((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)?;
    Ok((size, bits >> 28 & 1 == 1))
}

fn sized(width: u32, height: u32) -> Result<(u32, u32), Error> {
    if width == 0 || height == 0 {
        return Err(Error::Corrupt("a picture without pixels"));
    }
    Ok((width, height))
}

#[cfg(test)]
mod tests {
    use super::{lossless, lossy};
    use crate::Error;

    #[test]
    fn the_bits_that_ask_to_enlarge_are_not_part_of_the_size() {
        assert_eq!(lossy(b"\x10\0\0\x9D\x01\x2A\x90\x41\x2C\xC1"), Ok((400, 300)));
    }

    #[test]
    fn a_frame_that_is_no_key_frame_is_corrupt() {
        assert!(matches!(lossy(b"\x11\0\0\x9D\x01\x2A\x90\x01\x2C\x01"), Err(Error::Corrupt(_))));
    }

    #[test]
    fn a_lossless_size_is_one_more_than_its_field() {
        let bits = (400_u32 - 1) | (300 - 1) << 14 | 1 << 28;
        let data = [[0x2F].as_slice(), &bits.to_le_bytes()].concat();
        assert_eq!(lossless(&data), Ok(((400, 300), true)));
    }

    #[test]
    fn another_version_is_unsupported() {
        assert_eq!(lossless(b"\x2F\0\0\0\x20"), Err(Error::Unsupported));
    }
}
