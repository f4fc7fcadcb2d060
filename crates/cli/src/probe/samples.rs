//! What is uploaded: small files whose first bytes are what their type says, and one that is nothing.

/// A small file.
pub(super) struct Sample {
    pub(super) content_type: &'static str,
    pub(super) content: &'static [u8],
    pub(super) is_image: bool,
}

/// In the order in which they are chosen.
pub(super) const ALL: &[Sample] = &[
    Sample { content_type: "image/png", content: include_bytes!("../../testdata/probe.png"), is_image: true },
    Sample {
        content_type: "image/jpeg",
        content: include_bytes!("../../testdata/probe.jpg"),
        is_image: true,
    },
    Sample {
        content_type: "image/webp",
        content: include_bytes!("../../testdata/probe.webp"),
        is_image: true,
    },
    Sample { content_type: "image/gif", content: include_bytes!("../../testdata/probe.gif"), is_image: true },
    Sample {
        content_type: "application/pdf",
        content: b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
        is_image: false,
    },
    Sample { content_type: "video/mp4", content: MP4, is_image: false },
    Sample { content_type: "video/quicktime", content: QUICKTIME, is_image: false },
];

const MP4: &[u8] = b"\0\0\0\x18ftypisom\0\0\x02\0isommp42\0\0\0\x08free";
const QUICKTIME: &[u8] = b"\0\0\0\x14ftypqt  \0\0\x02\0qt  \0\0\0\x08free";

/// No type there is begins like this, so it is never verified and never becomes a file.
pub(super) const NOTHING: &[u8] =
    b"<!doctype html><title>valet probe</title><p>This is not what it was granted as.</p>";
