//! What the caller holds, and may hold.

use serde::{Deserialize, Serialize};

/// The answer of `GET /v1/usage`. What is pending counts as held.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Usage {
    /// Files.
    pub files: Count,
    /// Their bytes.
    pub bytes: Count,
    /// Uploads that were granted and have neither arrived nor ended.
    pub pending: Count,
    /// Grants in this minute of the server's clock.
    pub grants_per_minute: Count,
}

/// How much there is of something, and how much there may be.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[non_exhaustive]
pub struct Count {
    /// How much there is.
    pub used: u64,
    /// The most there may be; none where there is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}
