//! What can go wrong, told apart by what a caller would do about it. Texts never hold a URL, a token or a header.

use crate::ticket::Ticket;
use serde::Deserialize;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Shorthand of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// A field of a request that was refused.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct FieldError {
    /// A JSON pointer into the request, such as `/size`.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The base URL, the token's file or the CA bundle is of no use; or an option contradicts another.
    #[error("{0}")]
    Settings(String),
    /// The file to upload cannot be read.
    #[error("cannot read {}", path.display())]
    Source {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is no longer what the upload was begun with. Nothing was confirmed; begin a new upload.
    #[error("the file has changed: {0}")]
    FileChanged(String),
    /// 401 or 403 of the API, but for [`Error::QuotaExceeded`]: no token, an old one, or one without the scope.
    #[error("not authorised: {detail}")]
    Unauthorized {
        /// The status.
        status: u16,
        /// The API's words.
        detail: String,
    },
    /// 404: no such upload or file, or somebody else's.
    #[error("not found: {detail}")]
    NotFound {
        /// The API's words.
        detail: String,
    },
    /// The upload is over without a file: it has expired, or was cancelled or deleted meanwhile.
    #[error("the upload has ended: {detail}")]
    Ended {
        /// The upload's status, or `upload_expired`.
        code: String,
        /// What is known about it.
        detail: String,
    },
    /// 422: what arrived is not what was granted, and was removed.
    #[error("rejected: {detail}")]
    Rejected {
        /// `size_mismatch`, `checksum_mismatch`, `content_mismatch`, `headers_mismatch`, `malware` or
        /// `unscannable`.
        code: String,
        /// The API's words.
        detail: String,
    },
    /// The caller holds as much as it may: something has to be deleted first.
    #[error("there is no room: {detail}")]
    QuotaExceeded {
        /// The API's words, with the limit.
        detail: String,
    },
    /// Any other answer of the 400s: the same request would be refused again.
    #[error("refused ({status} {code}): {detail}")]
    Refused {
        /// The status.
        status: u16,
        /// The problem's code, or `http_` and the status.
        code: String,
        /// The API's words.
        detail: String,
        /// The fields to mend, if the API named some.
        errors: Vec<FieldError>,
    },
    /// 429, the 500s, and whatever else the API calls retryable, after all tries.
    #[error("the API cannot do it now ({status} {code}): {detail}")]
    TryLater {
        /// The status.
        status: u16,
        /// The problem's code, or `http_` and the status.
        code: String,
        /// The API's words.
        detail: String,
        /// How long the API asked to wait.
        retry_after: Option<Duration>,
    },
    /// No connection, or one that broke or went silent.
    #[error("the network failed while {doing}")]
    Network {
        /// What was under way.
        doing: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The server's certificate is not trusted: see [`Settings::ca_bundle`](crate::Settings::ca_bundle).
    #[error("the server is not trusted: {0}")]
    Untrusted(String),
    /// Storage answered a PUT with an error.
    #[error("storage refused the data ({status} {code})")]
    Storage {
        /// The status.
        status: u16,
        /// S3's error code, such as `SlowDown`, or empty.
        code: String,
    },
    /// What was stored differs from what was sent, time and again.
    #[error("storage holds other bytes than were sent: {0}")]
    Corrupt(String),
    /// An answer that is not of this API.
    #[error("the answer to {doing} is not understood: {detail}")]
    Protocol {
        /// What was under way.
        doing: &'static str,
        /// What is wrong with the answer.
        detail: String,
    },
    /// [`Stop`](crate::Stop) was called. With a ticket, the upload can be resumed.
    #[error("stopped")]
    Stopped(Option<Box<Ticket>>),
    /// Nothing got through for as long as [`Options::patience`](crate::Options::patience). The upload can be resumed.
    #[error("gave up after {} s without progress", patience.as_secs())]
    GaveUp {
        /// What resumes it.
        ticket: Box<Ticket>,
        /// How long was waited.
        patience: Duration,
        /// The last failure.
        #[source]
        last: Box<Error>,
    },
}

impl Error {
    /// A stable name in snake case; of the API's own errors the API's code.
    pub fn code(&self) -> &str {
        match self {
            Self::Settings(_) => "settings",
            Self::Source { .. } => "source_unreadable",
            Self::FileChanged(_) => "file_changed",
            Self::Unauthorized { .. } => "unauthenticated",
            Self::NotFound { .. } => "not_found",
            Self::QuotaExceeded { .. } => "quota_exceeded",
            Self::Ended { code, .. }
            | Self::Rejected { code, .. }
            | Self::Refused { code, .. }
            | Self::TryLater { code, .. } => code,
            Self::Network { .. } => "network",
            Self::Untrusted(_) => "untrusted",
            Self::Storage { .. } => "storage",
            Self::Corrupt(_) => "corrupt",
            Self::Protocol { .. } => "protocol",
            Self::Stopped(_) => "stopped",
            Self::GaveUp { .. } => "gave_up",
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::TryLater { .. } | Self::Network { .. } | Self::Stopped(_) | Self::GaveUp { .. } => true,
            Self::Storage { status, code } => {
                *status >= 500 || matches!(*status, 307 | 408 | 409 | 429) || code == "RequestTimeout"
            }
            Self::Settings(_)
            | Self::Source { .. }
            | Self::FileChanged(_)
            | Self::Unauthorized { .. }
            | Self::NotFound { .. }
            | Self::Ended { .. }
            | Self::Rejected { .. }
            | Self::QuotaExceeded { .. }
            | Self::Refused { .. }
            | Self::Untrusted(_)
            | Self::Corrupt(_)
            | Self::Protocol { .. } => false,
        }
    }

    /// Whether an upload that ended so may be resumed, if there was a grant: storage still has its parts.
    pub fn is_resumable(&self) -> bool {
        match self {
            Self::Settings(_)
            | Self::Source { .. }
            | Self::Unauthorized { .. }
            | Self::Untrusted(_)
            | Self::Storage { .. }
            | Self::TryLater { .. }
            | Self::Network { .. }
            | Self::Stopped(_)
            | Self::Protocol { .. }
            | Self::GaveUp { .. } => true,
            Self::FileChanged(_)
            | Self::NotFound { .. }
            | Self::Ended { .. }
            | Self::Rejected { .. }
            | Self::QuotaExceeded { .. }
            | Self::Refused { .. }
            | Self::Corrupt(_) => false,
        }
    }

    /// Whether the caller has as many uploads pending, or was granted as many in this minute, as it may: there will be room.
    pub fn is_full_for_now(&self) -> bool {
        matches!(self, Self::TryLater { code, .. } if code == "too_many_pending" || code == "too_many_grants")
    }

    /// Whether the upload's own state tells more.
    pub(crate) fn says_it_is_over(&self) -> bool {
        matches!(self, Self::Ended { .. }) || self.code() == "invalid_state"
    }

    /// How long the server asked to wait before the next try.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TryLater { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
