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

    /// Whether a file that starts with these bytes is of this type. 512 bytes are enough.
    ///
    /// Signatures are those of the `infer` crate. Polyglots pass, as they do everywhere: what protects from them is
    /// that the type is served literally, with `nosniff` and a sandboxing policy.
    pub fn matches(self, first_bytes: &[u8]) -> bool {
        let Some(found) = infer::get(first_bytes).map(|kind| kind.mime_type()) else {
            return self == Self::Mp4 && has_iso_brand(first_bytes);
        };
        match self {
            // An .m4v is an MP4 with Apple's brand; browsers and cameras call both video/mp4.
            Self::Mp4 => found == "video/mp4" || found == "video/x-m4v",
            Self::Jpeg
            | Self::Png
            | Self::Webp
            | Self::Gif
            | Self::Avif
            | Self::Webm
            | Self::Quicktime
            | Self::Pdf => found == self.content_type(),
        }
    }
}

/// Whether the major brand is one of the ISO base media versions (`iso7`, `iso8`, …) that `infer` does not list yet.
fn has_iso_brand(first_bytes: &[u8]) -> bool {
    first_bytes.get(4..11).is_some_and(|start| start == b"ftypiso")
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
        let starts: [(MediaType, &[u8]); 13] = [
            (MediaType::Jpeg, b"\xff\xd8\xff\xe0\0\x10JFIF"),
            (MediaType::Png, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
            (MediaType::Webp, b"RIFF\x24\0\0\0WEBPVP8 "),
            (MediaType::Gif, b"GIF89a\x01\0\x01\0"),
            (MediaType::Avif, b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf"),
            (MediaType::Mp4, b"\0\0\0\x18ftypmp42\0\0\0\0isommp42"),
            (MediaType::Mp4, b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2"),
            (MediaType::Mp4, b"\0\0\0\x18ftypiso8\0\0\x02\0iso8mp41"),
            (MediaType::Mp4, b"\0\0\0\x18ftypM4V \0\0\0\0M4V mp42"),
            (MediaType::Quicktime, b"\0\0\0\x14ftypqt  \0\0\0\0qt  "),
            (MediaType::Quicktime, b"\0\0\0\x08wide\0\0\0\0mdat"),
            (MediaType::Webm, &webm),
            (MediaType::Pdf, b"%PDF-1.7\n"),
        ];
        for (expected, bytes) in starts {
            let matching: Vec<_> = MediaType::ALL.into_iter().filter(|t| t.matches(bytes)).collect();
            assert_eq!(matching, [expected], "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn web_pages_and_programs_match_nothing() {
        let starts: [&[u8]; 7] = [
            b"<!doctype html><script>alert(1)</script>",
            b"<svg xmlns='http://www.w3.org/2000/svg'>",
            b"MZ\x90\0",
            b"#!/bin/sh\n",
            b"PK\x03\x04",
            b"\x89PN",
            b"",
        ];
        for bytes in starts {
            assert!(
                MediaType::ALL.into_iter().all(|t| !t.matches(bytes)),
                "{}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
}
