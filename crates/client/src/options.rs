//! How an upload goes, and what it came to.

use crate::file::File;
use std::time::Duration;

/// How a file is uploaded. `Options::default()` is right for most.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name the file is known by; the source's own name unless given.
    pub filename: Option<String>,
    /// How many parts are under way at once. 8.
    pub parallel: usize,
    /// A part size in bytes other than the stack's own.
    pub part_size: Option<u64>,
    /// Whether the CRC64NVME of parts and of the whole are computed and compared with storage's. True.
    pub checksums: bool,
    /// Whether a file that goes in one piece is read beforehand, so that its SHA-256 is part of the signature. False.
    /// Storage keeps no SHA-256 of a file in parts: there it is refused.
    pub sha256: bool,
    /// How long nothing may get through before the upload gives up, to be resumed; and how long it waits for room where the owner
    /// has as many uploads pending as it may. 10 minutes.
    pub patience: Duration,
    /// Names this upload, so that beginning it again finds it; made up unless given.
    pub idempotency_key: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            filename: None,
            parallel: 8,
            part_size: None,
            checksums: true,
            sha256: false,
            patience: Duration::from_mins(10),
            idempotency_key: None,
        }
    }
}

/// An upload that came to an end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Uploaded {
    /// The verified file.
    pub file: File,
    /// Bytes of the file put on the wire by this run, those sent again included.
    pub sent_bytes: u64,
    /// Bytes storage had before this run.
    pub found_bytes: u64,
    /// How many PUTs were made again.
    pub retries: u64,
    /// How many parts storage answered for with another checksum than ours.
    pub corrupted_parts: u64,
    /// The whole's CRC64NVME in base64, where it was computed.
    pub crc64nvme: Option<String>,
}
