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

/// The segments of a file up to its end-of-image marker, as far as it is there. [`Error::Truncated`] leaves it where
/// it can go on with more of the same file.
#[derive(Debug, Clone)]
pub(crate) struct Segments<'a> {
    file: &'a [u8],
    /// Where the next segment begins, or something before it.
    at: usize,
    /// Restart markers passed over.
    restarts: usize,
}

impl<'a> Segments<'a> {
    pub(crate) fn of(file: &'a [u8]) -> Result<Self, Error> {
        match file {
            [0xFF, SOI, ..] => Ok(Self { file, at: 2, restarts: 0 }),
            [] | [0xFF] => Err(Error::Truncated),
            _ => Err(Error::Corrupt("no start-of-image marker")),
        }
    }

    /// Goes on where others of the same file were.
    pub(crate) fn resume(file: &'a [u8], at: usize) -> Self {
        Self { file, at, restarts: 0 }
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn restarts(&self) -> usize {
        self.restarts
    }

    /// The next segment, or nothing at the end of the image. What lies before its marker is passed over.
    pub(crate) fn next(&mut self) -> Result<Option<Segment<'a>>, Error> {
        loop {
            self.pass_data()?;
            let marker = self.file.get(self.at + 1).copied().ok_or(Error::Truncated)?;
            let rest = self.file.get(self.at + 2..).unwrap_or_default();
            match marker {
                EOI => return Ok(None),
                // Markers that stand alone.
                SOI | 0x01 => {
                    self.at += 2;
                    continue;
                }
                _ => {}
            }
            let length = rest.first_chunk::<2>().ok_or(Error::Truncated)?;
            let length = usize::from(u16::from_be_bytes(*length));
            let payload = length.checked_sub(2).ok_or(Error::Corrupt("a segment shorter than its length"))?;
            let payload = rest.get(2..2 + payload).ok_or(Error::Truncated)?;
            self.at += 2 + length;
            return Ok(Some(Segment { marker, payload }));
        }
    }

    /// Goes to the next marker that is no restart marker: over the data of a scan, if one was just announced.
    pub(crate) fn pass_data(&mut self) -> Result<(), Error> {
        while let Some(found) = self.file.get(self.at..).and_then(|rest| memchr(0xFF, rest)) {
            self.at += found;
            match self.file.get(self.at + 1) {
                Some(0x00) => self.at += 2,
                Some(0xD0..=0xD7) => {
                    self.at += 2;
                    self.restarts += 1;
                }
                Some(0xFF) => self.at += 1,
                Some(_) => return Ok(()),
                None => return Err(Error::Truncated),
            }
        }
        self.at = self.file.len();
        Err(Error::Truncated)
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
        let begin = segments.position();
        segments.pass_data().unwrap();
        assert_eq!(segments.restarts(), 1);
        assert_eq!(file[begin..segments.position()], *b"\x11\xFF\x00\x22\xFF\xD3\x33");
        assert!(segments.next().unwrap().is_none());
    }

    #[test]
    fn reading_goes_on_where_the_file_broke_off() {
        let file = b"\xFF\xD8\xFF\xFF\xDD\x00\x04\x00\x01\xFF\xDA\x00\x02\x11\xFF\x00\x22\xFF\xD9";
        for end in 2..file.len() {
            let mut markers = Vec::new();
            let mut begun = Segments::of(&file[..end]).unwrap();
            while let Ok(Some(segment)) = begun.next() {
                markers.push(segment.marker);
            }
            let mut rest = Segments::resume(file, begun.position());
            while let Some(segment) = rest.next().unwrap() {
                markers.push(segment.marker);
            }
            assert_eq!(markers, [DRI, SOS], "up to {end}");
        }
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
