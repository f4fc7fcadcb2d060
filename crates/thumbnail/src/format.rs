//! Which of the formats we decode a file is, by its first bytes; never by its name or its declared type.

/// A format thumbnails are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JPEG, baseline or progressive.
    Jpeg,
    /// PNG; of an animated one the default image.
    Png,
    /// WebP, lossy or lossless; of an animated one the first frame.
    Webp,
    /// GIF; the first frame.
    Gif,
}

impl Format {
    /// How many first bytes tell the format.
    pub(crate) const FIRST_BYTES: usize = 12;

    /// The format these first bytes announce (12 are enough), or nothing for a format that is not decoded.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn four_formats_are_known_by_their_first_bytes() {
        assert_eq!(Format::of(b"\xFF\xD8\xFF\xE0"), Some(Format::Jpeg));
        assert_eq!(Format::of(b"\x89PNG\r\n\x1a\n"), Some(Format::Png));
        assert_eq!(Format::of(b"RIFF\x10\0\0\0WEBPVP8 "), Some(Format::Webp));
        assert_eq!(Format::of(b"GIF87a"), Some(Format::Gif));
        assert_eq!(Format::of(b"GIF89a"), Some(Format::Gif));
    }

    #[test]
    fn anything_else_is_no_format() {
        let others: [&[u8]; 8] = [
            b"",
            b"\xFF\xD8",
            b"<svg/>",
            b"BM\0\0",
            b"RIFF\x10\0\0\0WAVE",
            b"II*\0",
            b"\0\0\0\x1cftypavif",
            b" GIF89a",
        ];
        for bytes in others {
            assert_eq!(Format::of(bytes), None, "{bytes:?}");
        }
    }
}
