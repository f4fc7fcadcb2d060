//! What a stack accepts.

use serde::{Deserialize, Serialize};

/// The answer of `GET /v1/limits`.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Limits {
    /// The types of content that are taken.
    pub types: Vec<TypeLimit>,
    /// How long a signed URL lives at most.
    pub url_lifetime_seconds: u64,
    /// How long a grant of a single PUT lives.
    pub grant_lifetime_seconds: u64,
    /// How long a grant of a multipart upload lives; none from a stack that knows no parts.
    pub multipart_lifetime_seconds: Option<u64>,
    /// Bounds on parts; none from a stack that knows no parts.
    pub parts: Option<PartLimits>,
}

/// One type of content.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TypeLimit {
    /// Such as `image/jpeg`.
    pub content_type: String,
    /// What files of it end in, without the dot.
    pub extension: String,
    /// The largest file in bytes.
    pub max_size: u64,
    /// Whether thumbnails are made of it.
    #[serde(default)]
    pub thumbnails: bool,
}

/// Bounds on parts, in bytes but for the counts.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PartLimits {
    /// The smallest part size a grant gives by itself.
    pub default_size: u64,
    /// The smallest part size that can be asked for.
    pub min_size: u64,
    /// The largest part size that can be asked for.
    pub max_size: u64,
    /// The most parts a file may have.
    pub max_count: u32,
    /// The most parts signed by one request.
    pub max_signed: u32,
}
