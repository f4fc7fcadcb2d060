//! The container's chunks, by RFC 9649 section 2.3; never what they hold.

use crate::Error;

/// A named piece of the container, with the padding byte left off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunk<'a> {
    pub(crate) name: [u8; 4],
    pub(crate) payload: &'a [u8],
    /// Where the chunk begins among its siblings, its header included.
    pub(crate) start: usize,
    /// Where its payload ends.
    pub(crate) end: usize,
}

/// The chunks that lie next to each other in some bytes.
#[derive(Debug, Clone)]
pub(crate) struct Chunks<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Chunks<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next chunk, or nothing where fewer bytes are left than a chunk's header has.
    pub(crate) fn next(&mut self) -> Result<Option<Chunk<'a>>, Error> {
        let start = self.at;
        let Some((header, rest)) = self.bytes.get(start..).and_then(|rest| rest.split_first_chunk::<8>())
        else {
            return Ok(None);
        };
        let [a, b, c, d, size @ ..] = *header;
        let size = usize::try_from(u32::from_le_bytes(size)).map_err(|_| OVERLONG)?;
        let payload = rest.get(..size).ok_or(OVERLONG)?;
        let end = start + 8 + size;
        // An odd payload is followed by a byte that is not counted.
        self.at = end + size % 2;
        Ok(Some(Chunk { name: [a, b, c, d], payload, start, end }))
    }
}

const OVERLONG: Error = Error::Corrupt("a chunk is longer than what holds it");

/// What lies within the outermost chunk, `WEBP` and the rest.
pub(crate) fn content(file: &[u8]) -> Result<&[u8], Error> {
    const NO_WEBP: Error = Error::Corrupt("it does not begin as a webp does");
    let Some((header, rest)) = file.split_first_chunk::<12>() else {
        let begins = b"RIFF".starts_with(&file[..file.len().min(4)])
            && b"WEBP".starts_with(file.get(8..).unwrap_or_default());
        return Err(if begins { Error::Truncated } else { NO_WEBP });
    };
    let [b'R', b'I', b'F', b'F', size @ .., b'W', b'E', b'B', b'P'] = *header else { return Err(NO_WEBP) };
    // The size counts the word `WEBP`.
    let size = usize::try_from(u32::from_le_bytes(size)).map_err(|_| Error::Truncated)?;
    let size = size.checked_sub(4).ok_or(NO_WEBP)?;
    rest.get(..size).ok_or(Error::Truncated)
}

#[cfg(test)]
mod tests {
    use super::{Chunk, Chunks, content};
    use crate::Error;

    #[test]
    fn an_odd_chunk_is_followed_by_a_byte_of_padding() {
        let mut chunks = Chunks::of(b"one \x03\0\0\0abc\0two \0\0\0\0tail");
        let one = Chunk { name: *b"one ", payload: b"abc", start: 0, end: 11 };
        assert_eq!(chunks.next(), Ok(Some(one)));
        assert_eq!(chunks.next(), Ok(Some(Chunk { name: *b"two ", payload: b"", start: 12, end: 20 })));
        assert_eq!(chunks.next(), Ok(None));
        assert_eq!(chunks.next(), Ok(None));
    }

    #[test]
    fn a_chunk_beyond_the_end_is_corrupt() {
        assert!(matches!(Chunks::of(b"one \x04\0\0\0abc").next(), Err(Error::Corrupt(_))));
        assert!(matches!(Chunks::of(b"one \xFF\xFF\xFF\xFFabc").next(), Err(Error::Corrupt(_))));
    }

    #[test]
    fn a_last_odd_chunk_may_lack_its_padding() {
        let mut chunks = Chunks::of(b"one \x01\0\0\0a");
        assert!(chunks.next().unwrap().is_some());
        assert_eq!(chunks.next(), Ok(None));
    }

    #[test]
    fn bytes_after_the_outermost_chunk_are_no_part_of_the_file() {
        assert_eq!(content(b"RIFF\x06\0\0\0WEBPabcd"), Ok(b"ab".as_slice()));
    }

    #[test]
    fn a_file_shorter_than_it_says_is_truncated() {
        let file = b"RIFF\x06\0\0\0WEBPab";
        for end in 0..file.len() {
            assert_eq!(content(&file[..end]), Err(Error::Truncated), "{end}");
        }
    }

    #[test]
    fn what_is_no_webp_is_corrupt() {
        for file in
            [b"GIF89a".as_slice(), b"RIFF\x06\0\0\0WAVEab", b"RIFF\x01\0\0\0WEBPab", b"RIFF\x06\0\0\0WA"]
        {
            assert!(matches!(content(file), Err(Error::Corrupt(_))), "{file:?}");
        }
    }
}
