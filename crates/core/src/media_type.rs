//! The closed set of types Valet takes. Whatever a client sends becomes one of these literals or is refused:
//! no client text reaches a `Content-Type` header.

use std::fmt;

/// A type a grant can be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MediaType {
    /// `image/jpeg`
    Jpeg,
    /// `image/png`
    Png,
    /// `image/webp`
    Webp,
    /// `image/gif`
    Gif,
    /// `image/avif`: stored and served; no thumbnail, as no pure-Rust decoder is ready for it.
    Avif,
    /// `video/mp4`
    Mp4,
    /// `video/webm`
    Webm,
    /// `video/quicktime`
    Quicktime,
    /// `application/pdf`
    Pdf,
}

impl MediaType {
    /// Every type, in the order `GET /v1/limits` lists them.
    pub const ALL: [Self; 9] = [
        Self::Jpeg,
        Self::Png,
        Self::Webp,
        Self::Gif,
        Self::Avif,
        Self::Mp4,
        Self::Webm,
        Self::Quicktime,
        Self::Pdf,
    ];

    /// Reads the exact literal of [`Self::content_type`]: no parameters, no other case, no lists.
    pub fn parse(content_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|media_type| media_type.content_type() == content_type)
    }

    /// The type whose key extension this is.
    pub fn from_extension(extension: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|media_type| media_type.extension() == extension)
    }

    /// The type that a file's name ends in, however it is spelt; for a client that does not know the type.
    pub fn of_filename(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "jpeg" | "jpe" => Some(Self::Jpeg),
            "m4v" => Some(Self::Mp4),
            "qt" => Some(Self::Quicktime),
            extension => Self::from_extension(extension),
        }
    }

    /// The registered name, as it is signed, stored and served.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Avif => "image/avif",
            Self::Mp4 => "video/mp4",
            Self::Webm => "video/webm",
            Self::Quicktime => "video/quicktime",
            Self::Pdf => "application/pdf",
        }
    }

    /// The extension its keys end in, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Gif => "gif",
            Self::Avif => "avif",
            Self::Mp4 => "mp4",
            Self::Webm => "webm",
            Self::Quicktime => "mov",
            Self::Pdf => "pdf",
        }
    }

    /// Whether the thumbnailer can decode it.
    pub const fn has_thumbnail(self) -> bool {
        match self {
            Self::Jpeg | Self::Png | Self::Webp | Self::Gif => true,
            Self::Avif | Self::Mp4 | Self::Webm | Self::Quicktime | Self::Pdf => false,
        }
    }

    /// Whether a file of this size that starts with these bytes is of this type. 512 bytes are enough.
    ///
    /// Signatures are those of the `infer` crate where it looks at enough of a file. Polyglots pass, as they do everywhere: what
    /// protects from them is that the type is served literally, with `nosniff` and a sandboxing policy.
    pub fn matches(self, first_bytes: &[u8], size_bytes: u64) -> bool {
        match self {
            Self::Jpeg | Self::Png | Self::Webp | Self::Gif | Self::Avif | Self::Webm => {
                infer::get(first_bytes).is_some_and(|kind| kind.mime_type() == self.content_type())
            }
            Self::Mp4 => is_mp4(first_bytes),
            Self::Quicktime => is_quicktime(first_bytes, size_bytes),
            // `infer` finds the marker anywhere, in a web page too.
            Self::Pdf => first_bytes.starts_with(b"%PDF-"),
        }
    }
}

/// Whether one of a file's brands is MP4's and its major one nobody else's. `infer` looks at the major brand alone and so
/// misses camera and streaming files. Source: ISO/IEC 14496-12, section 4.3; <https://mp4ra.org/registered-types/brands>
fn is_mp4(first_bytes: &[u8]) -> bool {
    let brands = brands(first_bytes);
    let is_other =
        |brand: &[u8]| matches!(brand, b"qt  " | b"avif" | b"avis" | b"heic" | b"heix" | b"mif1" | b"msf1");
    let is_mp4 = |brand: &&[u8]| {
        brand.starts_with(b"iso")
            || brand.starts_with(b"mp4")
            || brand.starts_with(b"M4V")
            || *brand == b"avc1"
    };
    brands.first().is_some_and(|major| !is_other(major)) && brands.iter().any(is_mp4)
}

/// Whether a file is `QuickTime`'s by its brand or, from before brands, by its first box, which must fit into the file: the start of a
/// text, read as a size, is half a gigabyte at least. Source: `QuickTime` File Format, "Atoms" and "Movie files"
fn is_quicktime(first_bytes: &[u8], size_bytes: u64) -> bool {
    match first_box(first_bytes) {
        Some((_, b"ftyp")) => brands(first_bytes).first() == Some(&b"qt  ".as_slice()),
        // Size 0 is "to the end", 1 is "64 bits, further on".
        Some((size, b"moov" | b"mdat" | b"wide" | b"free" | b"skip" | b"pnot")) => {
            matches!(size, 0 | 1) || (8..=size_bytes).contains(&size)
        }
        _ => false,
    }
}

/// The major brand and then the compatible ones of a file type box; none where there is no such box or it is not whole.
fn brands(first_bytes: &[u8]) -> Vec<&[u8]> {
    let Some((size, b"ftyp")) = first_box(first_bytes) else { return Vec::new() };
    let whole = usize::try_from(size).ok().and_then(|size| first_bytes.get(8..size));
    // The minor version, between them, is no brand.
    let words = whole.unwrap_or_default().chunks_exact(4).enumerate();
    words.filter(|(index, _)| *index != 1).map(|(_, brand)| brand).collect()
}

/// Size and type of the box a file starts with.
fn first_box(first_bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (size, rest) = first_bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*size).into(), rest.get(..4)?))
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.content_type())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_literal_is_a_type() {
        for media_type in MediaType::ALL {
            assert_eq!(MediaType::parse(media_type.content_type()), Some(media_type));
            assert_eq!(MediaType::from_extension(media_type.extension()), Some(media_type));
        }
        for hostile in [
            "text/html",
            "text/HtMl",
            "image/svg+xml",
            "image/png,text/html",
            "image/png; charset=utf-8",
            "image/png\r\nx-amz-acl: public-read",
            "IMAGE/PNG",
            " image/png",
            "",
        ] {
            assert_eq!(MediaType::parse(hostile), None, "{hostile:?}");
        }
    }

    #[test]
    fn first_bytes_decide_and_agree_with_one_type_only() {
        let mut webm = vec![0x1a, 0x45, 0xdf, 0xa3, 0x9f, 0x42, 0x82, 0x84];
        webm.extend_from_slice(b"webm");
        webm.resize(300, 0);
        let starts: [(MediaType, &[u8]); 16] = [
            (MediaType::Jpeg, b"\xff\xd8\xff\xe0\0\x10JFIF"),
            (MediaType::Png, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
            (MediaType::Webp, b"RIFF\x24\0\0\0WEBPVP8 "),
            (MediaType::Gif, b"GIF89a\x01\0\x01\0"),
            (MediaType::Avif, b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf"),
            (MediaType::Mp4, b"\0\0\0\x18ftypmp42\0\0\0\0isommp42"),
            (MediaType::Mp4, b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2"),
            (MediaType::Mp4, b"\0\0\0\x18ftypiso8\0\0\x02\0iso8mp41"),
            (MediaType::Mp4, b"\0\0\0\x18ftypM4V \0\0\0\0M4V mp42"),
            (MediaType::Mp4, b"\0\0\0\x1cftypXAVC\x01\0\x1f\xffXAVCmp42iso2"),
            (MediaType::Mp4, b"\0\0\0\x1cftypcmfc\0\0\0\0cmfciso6mp41"),
            (MediaType::Quicktime, b"\0\0\0\x14ftypqt  \0\0\0\0qt  "),
            (MediaType::Quicktime, b"\0\0\0\x08wide\0\0\0\0mdat"),
            (MediaType::Quicktime, b"\0\x12\xd6\x87moov\0\0\0lmvhd"),
            (MediaType::Webm, &webm),
            (MediaType::Pdf, b"%PDF-1.7\n"),
        ];
        for (expected, bytes) in starts {
            let matching: Vec<_> = MediaType::ALL.into_iter().filter(|t| t.matches(bytes, 4 << 20)).collect();
            assert_eq!(matching, [expected], "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn web_pages_and_programs_match_nothing() {
        let starts: [&[u8]; 15] = [
            b"<!doctype html><script>alert(1)</script>",
            b"<svg xmlns='http://www.w3.org/2000/svg'>",
            b"<html><body onload=alert(1)><!-- %PDF-1.7 -->",
            b"<!doctype htmdat",
            b"<!--mdat--><script>alert(1)</script>",
            b"<!--ftypisom--><script>alert(1)</script>",
            b"\0\0\0\x1cftypheic\0\0\0\0mif1heicisom",
            b"\0\0\0\x10ftypXAVC\x01\0\x1f\xffmp42iso2",
            b"\xff\xff\xff\xffftyp",
            b"\0\0\0\x08ftypisom",
            b"MZ\x90\0",
            b"#!/bin/sh\n",
            b"PK\x03\x04",
            b"\x89PN",
            b"",
        ];
        for bytes in starts {
            assert!(
                MediaType::ALL.into_iter().all(|t| !t.matches(bytes, 4 << 20)),
                "{}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
}
