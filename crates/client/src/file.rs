//! A verified file, as the API tells of it.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Checksums in padded base64.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checksum {
    /// Of 32 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Of 8 bytes, big-endian.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crc64nvme: Option<String>,
}

/// A file that was verified and is served.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct File {
    /// Also the id of the upload it came by.
    pub id: String,
    /// `ready`.
    pub status: String,
    /// As it was given; any text.
    pub filename: String,
    /// Such as `image/jpeg`.
    pub content_type: String,
    /// In bytes.
    pub size: u64,
    /// What is known of its bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    /// Pixels, as displayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels, as displayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Where it is served.
    pub file_url: String,
    /// Shown until a thumbnail has come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<Placeholder>,
    /// Smaller pictures of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnails: Option<Thumbnails>,
    /// When its upload was granted.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was verified.
    #[serde(with = "time::serde::rfc3339::option", default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<OffsetDateTime>,
}

/// A blurred picture in a few bytes.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[non_exhaustive]
pub struct Placeholder {
    /// A `ThumbHash` in base64.
    pub thumbhash: String,
    /// The dominant colour as CSS writes it.
    pub color: String,
}

/// The thumbnails of a file.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[non_exhaustive]
pub struct Thumbnails {
    /// `none`, `pending`, `ready` or `failed`.
    pub status: String,
    /// Why they failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Those there are.
    #[serde(default)]
    pub items: Vec<Thumbnail>,
}

/// One thumbnail.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Thumbnail {
    /// The variant's name.
    pub name: String,
    /// Where it is served.
    pub url: String,
    /// `image/jpeg` or `image/webp`.
    pub content_type: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// In bytes.
    pub size: u64,
}

/// A page of a listing, newest first.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FilePage {
    /// The files.
    pub items: Vec<File>,
    /// What fetches the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
