//! Markers and what they delimit, by ITU-T T.81 section B.1.1; never what a segment means.

use memchr::memchr;

use crate::Error;

pub(crate) const DHT: u8 = 0xC4;
pub(crate) const SOI: u8 = 0xD8;
pub(crate) const EOI: u8 = 0xD9;
pub(crate) const SOS: u8 = 0xDA;
pub(crate) const DQT: u8 = 0xDB;
pub(crate) const DRI: u8 = 0xDD;
pub(crate) const APP0: u8 = 0xE0;
pub(crate) const APP1: u8 = 0xE1;
pub(crate) const APP2: u8 = 0xE2;
pub(crate) const APP14: u8 = 0xEE;

/// A marker with its parameters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment<'a> {
    pub(crate) marker: u8,
    pub(crate) payload: &'a [u8],
}

/// The segments of a file up to its end-of-image marker.
#[derive(Debug, Clone)]
pub(crate) struct Segments<'a> {
    rest: &'a [u8],
}

impl<'a> Segments<'a> {
    pub(crate) fn of(file: &'a [u8]) -> Result<Self, Error> {
        let rest = file.strip_prefix(&[0xFF, SOI]).ok_or(Error::Corrupt("no start-of-image marker"))?;
        Ok(Self { rest })
    }

    /// The next segment, or nothing at the end of the image. What lies before its marker is passed over.
    pub(crate) fn next(&mut self) -> Result<Option<Segment<'a>>, Error> {
        loop {
            self.entropy_coded();
            let marker = self.rest.get(1).copied().ok_or(Error::Truncated)?;
            self.rest = &self.rest[2..];
            match marker {
                EOI => return Ok(None),
                // Markers that stand alone.
                SOI | 0x01 => continue,
                _ => {}
            }
            let (length, rest) = self.rest.split_first_chunk::<2>().ok_or(Error::Truncated)?;
            let length = usize::from(u16::from_be_bytes(*length));
            let length = length.checked_sub(2).ok_or(Error::Corrupt("a segment shorter than its length"))?;
            let (payload, rest) = rest.split_at_checked(length).ok_or(Error::Truncated)?;
            self.rest = rest;
            return Ok(Some(Segment { marker, payload }));
        }
    }

    /// Everything up to the next marker that is no restart marker: the data of a scan, if one was just announced.
    pub(crate) fn entropy_coded(&mut self) -> &'a [u8] {
        let all = self.rest;
        let mut at = 0;
        while let Some(found) = memchr(0xFF, &all[at..]) {
            at += found;
            match all.get(at + 1) {
                Some(0x00 | 0xD0..=0xD7) => at += 2,
                Some(0xFF) => at += 1,
                Some(_) => {
                    self.rest = &all[at..];
                    return &all[..at];
                }
                None => break,
            }
        }
        self.rest = &[];
        all
    }
}

#[cfg(test)]
mod tests {
    use super::{DRI, SOS, Segments};
    use crate::Error;

    #[test]
    fn data_ends_at_the_first_marker_that_is_no_restart() {
        let file =
            b"\xFF\xD8\xFF\xFF\xDD\x00\x04\x00\x01\xFF\xDA\x00\x02\x11\xFF\x00\x22\xFF\xD3\x33\xFF\xD9";
        let mut segments = Segments::of(file).unwrap();
        let interval = segments.next().unwrap().unwrap();
        assert_eq!((interval.marker, interval.payload), (DRI, [0, 1].as_slice()));
        assert_eq!(segments.next().unwrap().unwrap().marker, SOS);
        assert_eq!(segments.entropy_coded(), b"\x11\xFF\x00\x22\xFF\xD3\x33");
        assert!(segments.next().unwrap().is_none());
    }

    #[test]
    fn a_file_without_an_end_is_truncated() {
        for file in [
            b"\xFF\xD8".as_slice(),
            b"\xFF\xD8\xFF",
            b"\xFF\xD8\xFF\xDD\x00\x04\x00",
            b"\xFF\xD8\x11\xFF\x00",
        ] {
            assert_eq!(Segments::of(file).unwrap().next().unwrap_err(), Error::Truncated, "{file:?}");
        }
    }
}
