//! The one record of an upload. How it moves is in [`Transition`].

mod filename;
mod size;
mod transfer;
mod transition;

use crate::checksum::{Crc64Nvme, Sha256};
use crate::key::{ThumbnailFormat, ThumbnailName, ThumbnailPrefix};
use crate::{MediaType, Owner, Placeholder, ThumbnailKey, UploadId, UploadKey};
pub use filename::Filename;
pub use size::Size;
use time::OffsetDateTime;
pub use transfer::{Multipart, MultipartId, Transfer};
pub use transition::{SECOND_LOOK, THUMBNAIL_PATIENCE, Transition};

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
    /// What the grant is for, and from verification on what the file has.
    pub size: Size,
    /// The checksum the grant is for, if the client gave one.
    pub sha256: Option<Sha256>,
    /// When the grant was issued, to the millisecond.
    pub created_at: OffsetDateTime,
    /// When the grant ends, to the millisecond.
    pub expires_at: OffsetDateTime,
    /// How its bytes go up.
    pub transfer: Transfer,
    /// How far it has come.
    pub state: State,
    /// When the sweep should look at it next; `None` when nothing is left to do. See [`Upload::first_due`].
    pub due_at: Option<OffsetDateTime>,
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
    /// S3's checksum over the whole file, where it was asked for: of multipart uploads.
    pub crc64nvme: Option<Crc64Nvme>,
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
    /// The malware scanner found threats in it.
    Malware,
    /// The malware scanner cannot scan it, or has not by the end.
    Unscannable,
}

impl RejectReason {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Size, Self::Checksum, Self::Content, Self::Headers, Self::Malware, Self::Unscannable];

    /// The stable code in rows and answers.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Size => "size_mismatch",
            Self::Checksum => "checksum_mismatch",
            Self::Content => "content_mismatch",
            Self::Headers => "headers_mismatch",
            Self::Malware => "malware",
            Self::Unscannable => "unscannable",
        }
    }

    /// Reads back [`Self::code`].
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

impl Upload {
    /// The key of its object.
    pub fn key(&self) -> UploadKey {
        let (owner, id, media_type) = (self.owner, self.id, self.media_type);
        UploadKey { owner, id, media_type, area: self.transfer.area() }
    }

    /// The key of one of its thumbnails.
    pub fn thumbnail_key(&self, name: ThumbnailName, format: ThumbnailFormat) -> ThumbnailKey {
        ThumbnailKey { owner: self.owner, id: self.id, name, format }
    }

    /// Where all its thumbnails lie.
    pub fn thumbnail_prefix(&self) -> ThumbnailPrefix {
        ThumbnailPrefix { owner: self.owner, id: self.id }
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

/// The time with what the table keeps of it: whole milliseconds.
pub fn to_milliseconds(time: OffsetDateTime) -> OffsetDateTime {
    time - time::Duration::nanoseconds(i64::from(time.nanosecond() % 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sample;

    #[test]
    fn a_pending_upload_has_expired_from_its_last_moment_on() {
        let pending = sample::pending();
        assert!(!pending.has_expired(pending.expires_at - time::Duration::MILLISECOND));
        assert!(pending.has_expired(pending.expires_at));
        let cancelled = pending.apply(&Transition::Cancel).unwrap();
        assert!(!cancelled.has_expired(pending.expires_at));
    }
}
