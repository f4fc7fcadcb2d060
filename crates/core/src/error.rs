//! What can go wrong, a variant per thing somebody would do differently. Texts are for the client: never a word of
//! the SDK's, never a bucket's name, never whether somebody else's upload exists.

use crate::upload::RejectReason;
use crate::usage::Resource;
use std::borrow::Cow;
use thiserror::Error;

/// Why a use case did not do what was asked.
#[derive(Debug, Error)]
pub enum Error {
    /// The request breaks the contract.
    #[error("the request is not valid")]
    InvalidRequest(Vec<FieldError>),
    /// No such upload, or somebody else's.
    #[error("there is no upload with this id")]
    NotFound,
    /// The file has no thumbnail of this name, or not yet.
    #[error("this file has no thumbnail of this name, or not yet")]
    NoThumbnail,
    /// Nothing has arrived yet; or storage denies to say, which for a missing object it does to whoever may not list the bucket.
    #[error("the file has not arrived in storage yet; upload it, then confirm again")]
    NotUploaded {
        /// The denial, for the operator's log.
        #[source]
        denied: Option<StoreError>,
    },
    /// Some parts have not arrived, or not whole.
    #[error("{missing} of {count} parts have not arrived in storage; upload them, then confirm again")]
    PartsMissing {
        /// How many are missing.
        missing: u16,
        /// How many there are.
        count: u16,
    },
    /// S3 holds other parts than the client says it sent.
    #[error(
        "storage holds other parts than these; read the upload with include=parts, send those that differ again, then confirm again"
    )]
    PartsMismatch,
    /// The file is not the one the client says it sent, and is a file already.
    #[error("the file was put together from other parts than these; delete it and upload again")]
    FileMismatch,
    /// The upload goes up in another way, which is named.
    #[error("{0}")]
    OtherWay(&'static str),
    /// The upload is past the state in which this can be done.
    #[error("the upload is {0}; this cannot be done any more")]
    InvalidState(&'static str),
    /// No file yet.
    #[error("the upload is still pending; cancel it instead")]
    StillPending,
    /// The grant has ended.
    #[error("the grant has ended; ask for a new one")]
    UploadExpired,
    /// Larger than this type may be.
    #[error("a file of this type may have at most {max_bytes} bytes")]
    FileTooLarge {
        /// The most bytes a file of this type may have.
        max_bytes: u64,
    },
    /// Not a type this stack takes.
    #[error("this content type is not accepted; accepted are: {accepted}")]
    TypeNotAllowed {
        /// The accepted types, separated by commas.
        accepted: String,
    },
    /// The owner would hold more than it may. Something must be deleted first; a file larger than all that an owner may hold never fits.
    #[error("this does not fit: of at most {limit} {what}, {used} are held, pending uploads included")]
    QuotaExceeded {
        /// What there would be too much of.
        what: Resource,
        /// The most there may be.
        limit: u64,
        /// How much there is.
        used: u64,
    },
    /// The owner has as many pending uploads as it may.
    #[error("{limit} uploads are pending, which is the most; finish or cancel some, then try again")]
    TooManyPending {
        /// The most there may be.
        limit: u64,
    },
    /// The owner was granted as many uploads in this minute as it may.
    #[error("{limit} uploads were granted in this minute, which is the most; try again in the next")]
    TooManyGrants {
        /// The most there may be in a minute.
        limit: u64,
        /// Seconds until the next minute begins, at least 1.
        retry_after: u32,
    },
    /// What arrived is not what was granted.
    #[error("{}", rejection(*.0))]
    Rejected(RejectReason),
    /// The idempotency key was used for another request.
    #[error("this idempotency key was used for a different request")]
    IdempotencyKeyReused,
    /// Another request with the same idempotency key is being handled.
    #[error("a request with this idempotency key is being handled; try again in a moment")]
    IdempotencyInProgress,
    /// Storage did not do its part.
    #[error("storage is not available at the moment")]
    Store(#[from] StoreError),
}

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// A JSON pointer into the body, or the name of a header or of a parameter of the query.
    pub pointer: Cow<'static, str>,
    /// What is wrong and what would be right.
    pub detail: String,
}

impl FieldError {
    /// What is wrong at a pointer.
    pub fn new(pointer: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

impl Error {
    /// The stable code of this error. Codes are API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::NotFound | Self::NoThumbnail => "not_found",
            Self::NotUploaded { .. } | Self::PartsMissing { .. } => "not_uploaded",
            Self::PartsMismatch | Self::FileMismatch => "parts_mismatch",
            Self::InvalidState(_) | Self::OtherWay(_) | Self::StillPending => "invalid_state",
            Self::UploadExpired => "upload_expired",
            Self::FileTooLarge { .. } => "file_too_large",
            Self::TypeNotAllowed { .. } => "type_not_allowed",
            Self::QuotaExceeded { .. } => "quota_exceeded",
            Self::TooManyPending { .. } => "too_many_pending",
            Self::TooManyGrants { .. } => "too_many_grants",
            Self::Rejected(reason) => reason.code(),
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::IdempotencyInProgress => "idempotency_in_progress",
            Self::Store(error) if error.is_retryable() => "try_later",
            Self::Store(_) => "internal_error",
        }
    }

    /// Whether it is the owner's quota that stands in the way.
    pub fn is_limit(&self) -> bool {
        matches!(self, Self::QuotaExceeded { .. } | Self::TooManyPending { .. } | Self::TooManyGrants { .. })
    }

    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NotUploaded { .. }
            | Self::PartsMissing { .. }
            | Self::TooManyPending { .. }
            | Self::TooManyGrants { .. }
            | Self::IdempotencyInProgress => true,
            Self::Store(error) => error.is_retryable(),
            Self::InvalidRequest(_)
            | Self::NotFound
            | Self::NoThumbnail
            | Self::PartsMismatch
            | Self::FileMismatch
            | Self::OtherWay(_)
            | Self::InvalidState(_)
            | Self::StillPending
            | Self::UploadExpired
            | Self::FileTooLarge { .. }
            | Self::TypeNotAllowed { .. }
            | Self::QuotaExceeded { .. }
            | Self::Rejected(_)
            | Self::IdempotencyKeyReused => false,
        }
    }
}

fn rejection(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::Size => "the file that arrived does not have the granted size; it was removed",
        RejectReason::Checksum => "the file that arrived does not have the granted SHA-256; it was removed",
        RejectReason::Content => "the file's first bytes are not those of the granted type; it was removed",
        RejectReason::Headers => "the file was stored with other headers than those granted; it was removed",
        RejectReason::Malware => "malware was found in the file; it was removed",
        RejectReason::Unscannable => {
            "the file could not be scanned for malware, which every file must be; it was removed"
        }
    }
}

/// A call to S3, DynamoDB or CloudFront that failed, after the adapter's own retries.
#[derive(Debug, Error)]
#[error("{operation} failed")]
pub struct StoreError {
    /// The AWS name of the operation, for example `PutItem`.
    pub operation: &'static str,
    /// What follows from it.
    pub kind: StoreErrorKind,
    /// What the SDK said. For logs, never for clients.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// What follows from a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// Throttled, timed out, unavailable: the same call may succeed later.
    Transient,
    /// Refused by policy. S3 also answers so for a missing object to whoever may not list the bucket.
    Denied,
    /// Will not succeed without a change to the code, the data or the stack.
    Permanent,
}

impl StoreError {
    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self.kind {
            StoreErrorKind::Transient => true,
            StoreErrorKind::Denied | StoreErrorKind::Permanent => false,
        }
    }
}

impl StoreError {
    /// The same failure for somebody else who waited for the call.
    #[must_use]
    pub fn again(&self) -> Self {
        let source = chain(self.source.as_ref()).into();
        Self { operation: self.operation, kind: self.kind, source }
    }
}

/// An error and what caused it, outermost first, for `error.chain` in logs.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut chain = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        chain.push_str(": ");
        chain.push_str(&cause.to_string());
        source = cause.source();
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_names_every_cause_once() {
        let source = std::io::Error::other("timed out").into();
        let error =
            Error::Store(StoreError { operation: "PutItem", kind: StoreErrorKind::Transient, source });
        assert_eq!(chain(&error), "storage is not available at the moment: PutItem failed: timed out");
    }
}
