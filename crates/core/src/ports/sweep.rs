//! What the sweep needs: what is due, all that lies in the bucket, places to go on from, and the queue of the arrivals.

use crate::error::StoreError;
use crate::upload::{MultipartId, VersionId};
use crate::{Owner, UploadId, UploadKey};
use std::fmt;
use std::future::Future;
use time::OffsetDateTime;

/// Finds what is due.
pub trait ListDue {
    /// Up to `limit` uploads of one shard that are due by `until`, the longest due first, from the first or from behind `after`.
    /// What was written a moment ago may be missing or still there. IAM: `dynamodb:Query`.
    fn list_due(
        &self,
        shard: DueShard,
        until: OffsetDateTime,
        after: Option<&Due>,
        limit: u16,
    ) -> impl Future<Output = Result<DuePage, StoreError>> + Send;
}

/// Goes through the bucket.
pub trait ListObjectVersions {
    /// Up to `limit` (at most 1,000) versions in the order of their keys, the newest of a key first, from the first or from behind `after`,
    /// which need not be there any more. Delete markers count, but are left out: a page may hold nothing and yet have a next one. IAM:
    /// `s3:ListBucketVersions`.
    fn list_object_versions(
        &self,
        under: &Under,
        after: Option<&Place>,
        limit: u16,
    ) -> impl Future<Output = Result<VersionsPage, StoreError>> + Send;
}

/// Goes through the multipart uploads that are neither completed nor aborted.
pub trait ListMultiparts {
    /// Up to `limit` (at most 1,000) of them under `uploads/`, always in the same order, from the first or from behind `after`, which need not
    /// be there any more. IAM: `s3:ListBucketMultipartUploads`.
    fn list_multiparts(
        &self,
        after: Option<&Place>,
        limit: u16,
    ) -> impl Future<Output = Result<MultipartsPage, StoreError>> + Send;
}

/// Remembers how far a walk has come.
pub trait GetCursor {
    /// Where to go on; `None` for the beginning. IAM: `dynamodb:GetItem`.
    fn get_cursor(&self, walk: Walk) -> impl Future<Output = Result<Option<Place>, StoreError>> + Send;
}

/// Notes how far a walk has come.
pub trait PutCursor {
    /// Notes where to go on; `None` for the beginning. The last one who notes a place holds. IAM: `dynamodb:PutItem`.
    fn put_cursor(
        &self,
        walk: Walk,
        place: Option<&Place>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Tells the queue of an arrival, as S3 does.
pub trait RequeueArrival {
    /// Sends the event of this version once more; to whoever works it off it is a repeated one. IAM: `sqs:SendMessage`.
    fn requeue_arrival(
        &self,
        key: &UploadKey,
        version: &VersionId,
        at: OffsetDateTime,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// One of the 16 lists of what is due, so that no one list takes the writes of all grants. Random bits of the id choose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DueShard(u8);

impl DueShard {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        (0..16).map(Self)
    }

    /// The list an upload stands in while it is due.
    pub fn of(id: UploadId) -> Self {
        Self(id.last_byte() & 0x0f)
    }

    /// The list an owner's counters stand in while they are due. Lists of counters are others than those of uploads.
    pub fn of_owner(owner: Owner) -> Self {
        Self(owner.last_byte() & 0x0f)
    }
}

impl fmt::Display for DueShard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

/// An upload that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Whose it is.
    pub owner: Owner,
    /// Which one it is.
    pub id: UploadId,
    /// Since when.
    pub due_at: OffsetDateTime,
}

/// Some of what is due, the longest due first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DuePage {
    /// The uploads.
    pub due: Vec<Due>,
    /// Where the next page begins, if there may be one: behind this.
    pub next: Option<Due>,
}

/// A part of the bucket. Displayed as the prefix of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Under {
    /// Everything that was uploaded.
    Uploads,
    /// Everything that was made of it.
    Thumbnails,
    /// One upload's file: exactly this key.
    File(UploadKey),
}

impl fmt::Display for Under {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uploads => f.write_str("uploads/"),
            Self::Thumbnails => f.write_str("thumbnails/"),
            Self::File(key) => key.fmt(f),
        }
    }
}

/// A place in a list of S3's: behind this key, and this version or multipart upload of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// The key.
    pub key: String,
    /// The version or the multipart upload, in S3's words.
    pub id: String,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A version of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedVersion {
    /// Its key, which anybody may have chosen who can write to the bucket.
    pub key: String,
    /// Which version.
    pub version: VersionId,
    /// Whether nothing newer lies under the key, not even a delete marker.
    pub is_latest: bool,
    /// When it was stored, to the second.
    pub stored_at: OffsetDateTime,
}

/// Some of the versions in the bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionsPage {
    /// The versions.
    pub versions: Vec<ListedVersion>,
    /// Where the next page begins, if there is one.
    pub next: Option<Place>,
}

/// A multipart upload that is neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenMultipart {
    /// Its key.
    pub key: String,
    /// What S3 calls it.
    pub id: MultipartId,
    /// When it was begun, to the second.
    pub begun_at: OffsetDateTime,
}

/// Some of the open multipart uploads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MultipartsPage {
    /// The multipart uploads.
    pub multiparts: Vec<OpenMultipart>,
    /// Where the next page begins, if there is one.
    pub next: Option<Place>,
}

/// A walk that goes on where the run before has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Walk {
    /// Through what was uploaded.
    Uploads,
    /// Through the thumbnails.
    Thumbnails,
    /// Through the open multipart uploads.
    Multiparts,
}

impl Walk {
    /// Its stable name in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uploads => "UPLOADS",
            Self::Thumbnails => "THUMBNAILS",
            Self::Multiparts => "MULTIPARTS",
        }
    }
}
