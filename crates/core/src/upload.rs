//! The one record of an upload and the moves it can make. Storage decides every move by one conditional write;
//! the condition and the effect are written down here, once, in [`Upload::apply`].

use crate::checksum::Sha256;
use crate::key::{ThumbnailFormat, ThumbnailName};
use crate::{MediaType, Owner, Placeholder, ThumbnailKey, UploadId, UploadKey};
use std::fmt;
use time::OffsetDateTime;

/// One upload, from grant to file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Whose it is.
    pub owner: Owner,
    /// Which one it is.
    pub id: UploadId,
    /// What the client called the file. Shown to its owner; part of nothing else.
    pub filename: Filename,
    /// The type the grant is for.
    pub media_type: MediaType,
    /// The exact size the grant is for.
    pub size_bytes: u64,
    /// The checksum the grant is for, if the client gave one.
    pub sha256: Option<Sha256>,
    /// When the grant was issued, to the millisecond.
    pub created_at: OffsetDateTime,
    /// When the grant ends, to the millisecond.
    pub expires_at: OffsetDateTime,
    /// How far it has come.
    pub state: State,
}

/// How far an upload has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Granted; nothing verified has arrived.
    Pending,
    /// What arrived agrees with the grant. Only such an object is served.
    Ready(Verified),
    /// What arrived does not agree with the grant, and was removed.
    Rejected(RejectReason),
    /// Nothing arrived in time.
    Expired,
    /// The owner took the grant back.
    Cancelled,
    /// The owner deleted the file.
    Deleted,
}

/// What became known when an upload was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The one object version that was verified. Any other version under the key is foreign.
    pub version: VersionId,
    /// When it was verified, to the millisecond.
    pub confirmed_at: OffsetDateTime,
    /// Width and height as displayed; known once thumbnails were made.
    pub dimensions: Option<Dimensions>,
    /// What to show until a thumbnail has come; known once thumbnails were made.
    pub placeholder: Option<Placeholder>,
    /// How far its thumbnails have come.
    pub thumbnails: Thumbnails,
}

/// How far the thumbnails of a file have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thumbnails {
    /// A type without thumbnails.
    None,
    /// To be made.
    Pending,
    /// Made.
    Ready(Vec<Thumbnail>),
    /// Never to be made, with the reason as a stable code.
    Failed(String),
}

/// One stored thumbnail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    /// What it is called.
    pub name: ThumbnailName,
    /// What it is stored as.
    pub format: ThumbnailFormat,
    /// Its width and height.
    pub dimensions: Dimensions,
    /// Its stored size.
    pub size_bytes: u64,
}

/// Width and height in pixels, as displayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dimensions {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

/// Why an object that arrived was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectReason {
    /// Not the granted number of bytes.
    Size,
    /// Not the granted SHA-256.
    Checksum,
    /// The first bytes are not those of the granted type.
    Content,
    /// Stored with other headers than those granted.
    Headers,
}

impl RejectReason {
    const ALL: [Self; 4] = [Self::Size, Self::Checksum, Self::Content, Self::Headers];

    /// The stable code in rows and answers.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Size => "size_mismatch",
            Self::Checksum => "checksum_mismatch",
            Self::Content => "content_mismatch",
            Self::Headers => "headers_mismatch",
        }
    }

    /// Reads back [`Self::code`].
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

/// A move of an upload. Each has one condition, and happens at most once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// `pending → ready`
    Verify {
        /// The verified object version.
        version: VersionId,
        /// When it arrived, as far as S3 tells. Not recorded.
        arrived_at: Option<OffsetDateTime>,
        /// When it was verified.
        at: OffsetDateTime,
        /// [`Thumbnails::Pending`] or [`Thumbnails::None`], see [`Upload::initial_thumbnails`].
        thumbnails: Thumbnails,
    },
    /// `pending → rejected`
    Reject(RejectReason),
    /// `pending → cancelled`
    Cancel,
    /// Thumbnails of a ready upload: `pending → ready`
    Thumbnailed {
        /// Width and height of the file as displayed.
        source: Dimensions,
        /// What to show until a thumbnail has come.
        placeholder: Placeholder,
        /// What was made.
        thumbnails: Vec<Thumbnail>,
    },
    /// Thumbnails of a ready upload: `pending → failed`
    ThumbnailsFailed {
        /// A stable code.
        reason: String,
    },
}

impl Upload {
    /// The key of its object.
    pub fn key(&self) -> UploadKey {
        UploadKey { owner: self.owner, id: self.id, media_type: self.media_type }
    }

    /// The key of one of its thumbnails.
    pub fn thumbnail_key(&self, name: ThumbnailName, format: ThumbnailFormat) -> ThumbnailKey {
        ThumbnailKey { owner: self.owner, id: self.id, name, format }
    }

    /// Whether the grant has ended without anything having arrived. Derived from the time at every read: a sweep that
    /// records it may be late.
    pub fn has_expired(&self, now: OffsetDateTime) -> bool {
        self.state == State::Expired || (self.state == State::Pending && now >= self.expires_at)
    }

    /// The upload as somebody who asks at `now` should see it: expired before any sweep has recorded it.
    #[must_use]
    pub fn seen_at(self, now: OffsetDateTime) -> Self {
        if self.has_expired(now) { Self { state: State::Expired, ..self } } else { self }
    }

    /// What thumbnails a freshly verified upload starts with.
    pub fn initial_thumbnails(media_type: MediaType) -> Thumbnails {
        if media_type.has_thumbnail() { Thumbnails::Pending } else { Thumbnails::None }
    }

    /// The upload after a move, or `None` when the move's condition does not hold: somebody else moved first.
    #[must_use]
    pub fn apply(&self, transition: &Transition) -> Option<Self> {
        let state = match (&self.state, transition) {
            (State::Pending, Transition::Verify { version, at, thumbnails, arrived_at: _ }) => {
                State::Ready(Verified {
                    version: version.clone(),
                    confirmed_at: *at,
                    dimensions: None,
                    placeholder: None,
                    thumbnails: thumbnails.clone(),
                })
            }
            (State::Pending, Transition::Reject(reason)) => State::Rejected(*reason),
            (State::Pending, Transition::Cancel) => State::Cancelled,
            (State::Ready(verified), Transition::Thumbnailed { source, placeholder, thumbnails })
                if verified.thumbnails == Thumbnails::Pending =>
            {
                State::Ready(Verified {
                    dimensions: Some(*source),
                    placeholder: Some(placeholder.clone()),
                    thumbnails: Thumbnails::Ready(thumbnails.clone()),
                    ..verified.clone()
                })
            }
            (State::Ready(verified), Transition::ThumbnailsFailed { reason })
                if verified.thumbnails == Thumbnails::Pending =>
            {
                State::Ready(Verified { thumbnails: Thumbnails::Failed(reason.clone()), ..verified.clone() })
            }
            (
                State::Pending
                | State::Ready(_)
                | State::Rejected(_)
                | State::Expired
                | State::Cancelled
                | State::Deleted,
                _,
            ) => return None,
        };
        Some(Self { state, ..self.clone() })
    }
}

impl State {
    /// The stable word in rows and answers.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready(_) => "ready",
            Self::Rejected(_) => "rejected",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Deleted => "deleted",
        }
    }
}

impl Thumbnails {
    /// The stable word in rows and answers.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pending => "pending",
            Self::Ready(_) => "ready",
            Self::Failed(_) => "failed",
        }
    }
}

/// The version S3 gave an object. Opaque.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VersionId(String);

impl VersionId {
    /// Takes what S3 said.
    pub fn new(version: impl Into<String>) -> Self {
        Self(version.into())
    }

    /// What S3 said.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a client calls a file: 1 to 1024 bytes of any Unicode text, path separators and line breaks included. It is
/// data, kept in the table and given back to its owner in JSON; never in a key, a header or a log line.
#[derive(Clone, PartialEq, Eq)]
pub struct Filename(String);

impl Filename {
    /// The most UTF-8 bytes a name may have.
    pub const MAX_BYTES: usize = 1024;

    /// Takes a name of 1 to [`Self::MAX_BYTES`] bytes.
    pub fn new(name: String) -> Option<Self> {
        (1..=Self::MAX_BYTES).contains(&name.len()).then_some(Self(name))
    }

    /// The name, for the table and for its owner.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Filename {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Filename({} bytes)", self.0.len())
    }
}

/// The time with what the table keeps of it: whole milliseconds.
pub fn to_milliseconds(time: OffsetDateTime) -> OffsetDateTime {
    time - time::Duration::nanoseconds(i64::from(time.nanosecond() % 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sample;

    fn verify() -> Transition {
        Transition::Verify {
            version: VersionId::new("v1"),
            arrived_at: None,
            at: sample::NOW,
            thumbnails: Upload::initial_thumbnails(MediaType::Png),
        }
    }

    #[test]
    fn only_a_pending_upload_can_be_verified_rejected_or_cancelled() {
        let pending = sample::pending();
        for first in [verify(), Transition::Reject(RejectReason::Size), Transition::Cancel] {
            let moved = pending.apply(&first).unwrap();
            assert_ne!(moved.state, State::Pending);
            for second in [verify(), Transition::Reject(RejectReason::Size), Transition::Cancel] {
                assert_eq!(moved.apply(&second), None, "{first:?} then {second:?}");
            }
        }
    }

    #[test]
    fn thumbnails_are_recorded_once_and_only_on_a_ready_upload() {
        let made = Transition::Thumbnailed {
            source: Dimensions { width: 4, height: 3 },
            placeholder: sample::placeholder(),
            thumbnails: vec![],
        };
        let failed = Transition::ThumbnailsFailed { reason: "corrupt".to_owned() };
        let pending = sample::pending();
        assert_eq!(pending.apply(&made), None);
        let ready = pending.apply(&verify()).unwrap();
        for first in [&made, &failed] {
            let done = ready.apply(first).unwrap();
            assert_eq!(done.apply(&made), None);
            assert_eq!(done.apply(&failed), None);
        }
    }

    #[test]
    fn a_filename_is_never_printed() {
        let name = Filename::new("secret plans.pdf".to_owned()).unwrap();
        assert_eq!(format!("{name:?}"), "Filename(16 bytes)");
    }

    #[test]
    fn a_filename_has_1_to_1024_bytes() {
        assert_eq!(Filename::new(String::new()), None);
        assert!(Filename::new("x".repeat(1024)).is_some());
        assert_eq!(Filename::new("x".repeat(1025)), None);
    }

    #[test]
    fn a_pending_upload_has_expired_from_its_last_moment_on() {
        let pending = sample::pending();
        assert!(!pending.has_expired(pending.expires_at - time::Duration::MILLISECOND));
        assert!(pending.has_expired(pending.expires_at));
        let ready = pending.apply(&verify()).unwrap();
        assert!(!ready.has_expired(pending.expires_at));
    }
}
