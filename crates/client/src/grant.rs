//! Uploads, and what is sent to fulfil one. Signed requests are credentials: their URLs and headers are never printed.

use crate::file::{Checksum, File};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use std::time::Instant;
use time::OffsetDateTime;

/// A URL this near its end is taken for ended.
const MARGIN: Duration = Duration::from_secs(30);

/// What a grant is asked for.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct NewUpload {
    /// 1 to 1024 bytes of any text; given back and used for nothing else.
    pub filename: String,
    /// Exactly one of those in the limits.
    pub content_type: String,
    /// In bytes, exact.
    pub size: u64,
    /// A part size in bytes other than the usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_size: Option<u64>,
    /// A SHA-256 that S3 holds the bytes to; for a single PUT only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
}

/// What an upload has come to.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Status {
    /// Granted, not yet confirmed.
    Pending,
    /// Verified; there is a file.
    Ready,
    /// What arrived was not what was granted.
    Rejected,
    /// The grant ended.
    Expired,
    /// Its owner cancelled it.
    Cancelled,
    /// Its file was deleted.
    Deleted,
    /// A status newer than this client.
    #[serde(other)]
    Unknown,
}

impl Status {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Deleted => "deleted",
            Self::Unknown => "unknown",
        }
    }
}

/// An upload.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Upload {
    /// Also the id of the file it becomes.
    pub id: String,
    /// What it has come to.
    pub status: Status,
    /// As it was given.
    pub filename: String,
    /// As it was given.
    pub content_type: String,
    /// In bytes.
    pub size: u64,
    /// What it is held to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    /// When it was granted.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When the grant ends.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// Why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The file, once it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<File>,
    /// How it is cut, while it is pending; none where it goes in one piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multipart: Option<Multipart>,
}

/// How a file is cut into parts.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Multipart {
    /// Of every part but the last, in bytes.
    pub part_size: u64,
    /// How many parts there are.
    pub part_count: u32,
}

/// An upload and what to send for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Grant {
    /// The upload.
    pub upload: Upload,
    /// What to send.
    pub to_send: ToSend,
}

/// What fulfils a grant.
#[derive(Clone, Debug)]
pub enum ToSend {
    /// The whole file by one PUT.
    Single(SignedRequest),
    /// Parts; the first of them signed already.
    Parts(Multipart, Vec<SignedPart>),
    /// Nothing any more: the same key was used before, and that upload is past its grant.
    Nothing,
}

/// A request to storage that needs no other credentials.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SignedRequest {
    /// `PUT`.
    pub method: String,
    /// Where to. Secret.
    pub url: String,
    /// To be sent exactly. Secret.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// When the URL ends, by the server's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// When the URL ends, by this machine's steady clock.
    #[serde(skip)]
    pub ends: Option<Instant>,
}

impl SignedRequest {
    /// Whether a request that begins now still finds its URL valid: storage compares when a request begins.
    pub(crate) fn is_live(&self) -> bool {
        self.ends.is_none_or(|ends| ends > Instant::now() + MARGIN)
    }
}

/// Hides the URL and the headers.
impl fmt::Debug for SignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequest")
            .field("method", &self.method)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A signed PUT of one part.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SignedPart {
    /// 1 to 10,000.
    pub part_number: u32,
    /// Its exact length in bytes.
    pub size: u64,
    /// What to send.
    #[serde(flatten)]
    pub request: SignedRequest,
}

/// A part to be signed.
#[derive(Clone, Debug, Default, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct WantedPart {
    /// 1 to 10,000.
    pub part_number: u32,
    /// A CRC64NVME that S3 holds the part to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
}

/// A part that storage has.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StoredPart {
    /// 1 to 10,000.
    pub part_number: u32,
    /// In bytes.
    pub size: u64,
    /// Opaque, with its quotes.
    pub etag: String,
    /// As S3 computed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
}

/// A page of what storage has of an upload.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredParts {
    /// The upload. Unless it is pending and multipart there are no parts.
    pub upload: Upload,
    /// In the order of their numbers.
    pub parts: Vec<StoredPart>,
    /// What to ask the next page with, if there is one.
    pub next: Option<u32>,
}

/// What a confirm holds storage to. Both may be left out.
#[derive(Clone, Debug, Default, Serialize, PartialEq, Eq)]
pub struct Confirmation {
    /// The CRC64NVME of the whole file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    /// The parts as they were stored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ConfirmedPart>,
}

/// A part as it was stored.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ConfirmedPart {
    /// 1 to 10,000.
    pub part_number: u32,
    /// As storage gave it, with its quotes.
    pub etag: String,
}
