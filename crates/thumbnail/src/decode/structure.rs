//! The segments of a JPEG file as far as they decide what decoding costs and whether the file is whole; never
//! its pixels.
//!
//! Asked of what is decoded in full alone: that decoder does not tell a progressive file from a baseline one, and
//! it fills what a truncated file lacks with grey.

use crate::{Error, Limits};

/// What the markers of a JPEG file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Structure {
    /// Colour components of the frame: 1 grey, 3 colour, 4 CMYK.
    pub(crate) components: u8,
    /// Whether the frame is progressive.
    pub(crate) progressive: bool,
    /// Scans found.
    pub(crate) scans: u32,
    /// Whether the end-of-image marker was reached. Without it the file was cut off, or stitched together by
    /// something careless.
    pub(crate) complete: bool,
}

impl Structure {
    /// Walks the markers of the first image in the file; what follows it (a gain map, a preview) is not
    /// looked at.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut structure = Self::default();
        let mut rest = bytes;
        while let Some((marker, after)) = next_marker(rest) {
            rest = after;
            match marker {
                END_OF_IMAGE => {
                    structure.complete = true;
                    break;
                }
                // Markers that stand alone.
                START_OF_IMAGE | 0x01 | 0xD0..=0xD7 => continue,
                _ => {}
            }
            let Some((segment, after)) = segment(rest) else {
                break;
            };
            rest = after;
            match marker {
                // Start of frame; C4, C8 and CC in the same range are tables and extensions. There should be
                // one; of several the dearest counts, whichever the decoder goes by.
                0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                    let components = segment.get(5).copied().unwrap_or(0);
                    structure.components = structure.components.max(components);
                    structure.progressive |= matches!(marker, 0xC2 | 0xC6 | 0xCA | 0xCE);
                }
                START_OF_SCAN => structure.scans += 1,
                _ => {}
            }
        }
        structure
    }

    /// Refuses a file that was cut off, and one that would make the decoder pass over the picture time and
    /// again.
    pub(crate) fn check(self, limits: &Limits) -> Result<(), Error> {
        if !self.complete {
            return Err(Error::Corrupt("the jpeg ends before its end-of-image marker".into()));
        }
        if self.scans > limits.max_jpeg_scans {
            return Err(Error::TooLargeToDecode);
        }
        Ok(())
    }

    /// Bytes for each pixel the decoder holds beside the buffer it fills: where the picture comes in several
    /// scans, the coefficients of all components until the last of them.
    pub(crate) fn working_bytes_per_pixel(self) -> u64 {
        if self.progressive || self.scans > 1 {
            u64::from(self.components) * size_of::<i16>() as u64
        } else {
            0
        }
    }
}

const START_OF_IMAGE: u8 = 0xD8;
const END_OF_IMAGE: u8 = 0xD9;
const START_OF_SCAN: u8 = 0xDA;

/// The next marker and what follows it. Steps over entropy-coded data: there a literal FF is followed by 00.
fn next_marker(mut bytes: &[u8]) -> Option<(u8, &[u8])> {
    loop {
        let at = bytes.iter().position(|&byte| byte == 0xFF)?;
        bytes = bytes.get(at + 1..)?;
        match bytes {
            // A fill byte: the marker may follow.
            [0xFF, ..] => {}
            [0x00, rest @ ..] => bytes = rest,
            [marker, rest @ ..] => return Some((*marker, rest)),
            [] => return None,
        }
    }
}

/// The payload of the segment that starts here with its length, and what follows it.
fn segment(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)).checked_sub(2)?)
}

#[cfg(test)]
mod tests {
    use super::Structure;

    const FRAME: &[u8] = b"\xFF\xC0\x00\x0B\x08\x00\x10\x00\x10\x01\x01\x11\x00";
    const SCAN: &[u8] = b"\xFF\xDA\x00\x08\x01\x01\x00\x00\x3F\x00";

    fn file(parts: &[&[u8]]) -> Structure {
        Structure::of(&parts.concat())
    }

    #[test]
    fn a_file_with_its_end_marker_is_complete() {
        let structure = file(&[b"\xFF\xD8", FRAME, SCAN, b"\x12\xFF\x00\x34\xFF\xD0\x56", b"\xFF\xD9"]);
        assert_eq!(structure, Structure { components: 1, progressive: false, scans: 1, complete: true });
    }

    #[test]
    fn a_file_without_its_end_marker_is_not() {
        assert!(!file(&[b"\xFF\xD8", FRAME, SCAN, b"\x12\xFF\x00\x34"]).complete);
        assert!(!file(&[b"\xFF\xD8", FRAME, SCAN, b"\x12\xFF"]).complete);
        assert!(!file(&[b"\xFF\xD8", FRAME]).complete);
        assert!(!file(&[]).complete);
    }

    #[test]
    fn the_end_of_an_embedded_preview_is_not_the_end() {
        let preview: &[u8] = b"\xFF\xE1\x00\x08\xFF\xD8\xFF\xD9\x00\x00";
        assert!(!file(&[b"\xFF\xD8", preview, FRAME, SCAN, b"\x12"]).complete);
    }

    #[test]
    fn a_progressive_frame_or_a_second_scan_takes_memory_for_its_coefficients() {
        let progressive =
            FRAME.iter().map(|&byte| if byte == 0xC0 { 0xC2 } else { byte }).collect::<Vec<_>>();
        let end = b"\xFF\xD9".as_slice();
        assert_eq!(file(&[b"\xFF\xD8", &progressive, SCAN, end]).working_bytes_per_pixel(), 2);
        assert_eq!(file(&[b"\xFF\xD8", &progressive, FRAME, SCAN, end]).working_bytes_per_pixel(), 2);
        assert_eq!(file(&[b"\xFF\xD8", FRAME, SCAN, b"\x12", SCAN, end]).working_bytes_per_pixel(), 2);
        assert_eq!(file(&[b"\xFF\xD8", FRAME, SCAN, end]).working_bytes_per_pixel(), 0);
    }
}
