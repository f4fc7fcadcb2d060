//! Application segments: what they say of the pixels' colours, and what is handed out unread.

use crate::segments::{APP0, APP1, APP2, APP14, Segment};

/// What the application segments before the first scan hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metadata<'a> {
    pub(crate) jfif: bool,
    /// The colour transform of Adobe's segment: 0 none, 1 YCbCr, 2 YCCK.
    pub(crate) adobe: Option<u8>,
    /// The TIFF structure of the first Exif segment.
    pub(crate) exif: Option<&'a [u8]>,
    /// Number, count and content of the profile's parts.
    profile: Vec<(u8, u8, &'a [u8])>,
}

impl<'a> Metadata<'a> {
    /// Takes in a segment if it is one of those that are known.
    pub(crate) fn add(&mut self, segment: Segment<'a>) {
        let Segment { marker, payload } = segment;
        match marker {
            APP0 => self.jfif |= payload.starts_with(b"JFIF\0"),
            APP14 if payload.starts_with(b"Adobe") => self.adobe = payload.get(11).copied().or(self.adobe),
            APP1 if self.exif.is_none() => self.exif = payload.strip_prefix(b"Exif\0\0"),
            APP2 => {
                // ICC.1:2022, annex B.4.
                if let Some([number, count, part @ ..]) = payload.strip_prefix(b"ICC_PROFILE\0")
                    && self.profile.len() < usize::from(u8::MAX)
                {
                    self.profile.push((*number, *count, part));
                }
            }
            _ => {}
        }
    }

    /// The colour profile put together from its parts, or nothing if one of them is missing.
    pub(crate) fn icc_profile(&self) -> Option<Vec<u8>> {
        let &(_, count, _) = self.profile.first()?;
        let mut profile = Vec::new();
        for wanted in 1..=count {
            let &(_, _, part) =
                self.profile.iter().find(|&&(number, of, _)| (number, of) == (wanted, count))?;
            profile.extend_from_slice(part);
        }
        (!profile.is_empty()).then_some(profile)
    }
}

#[cfg(test)]
mod tests {
    use super::{Metadata, Segment};
    use crate::segments::APP2;

    fn profile(parts: &[&[u8]]) -> Option<Vec<u8>> {
        let mut metadata = Metadata::default();
        for payload in parts {
            metadata.add(Segment { marker: APP2, payload });
        }
        metadata.icc_profile()
    }

    #[test]
    fn a_profile_is_put_together_in_the_order_of_its_numbers() {
        let whole = profile(&[b"ICC_PROFILE\0\x02\x02b", b"MPF\0", b"ICC_PROFILE\0\x01\x02a"]);
        assert_eq!(whole.as_deref(), Some(b"ab".as_slice()));
    }

    #[test]
    fn a_profile_that_lacks_a_part_is_none() {
        assert_eq!(profile(&[b"ICC_PROFILE\0\x01\x02a"]), None);
        assert_eq!(profile(&[]), None);
    }
}
