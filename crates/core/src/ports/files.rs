//! What listing and deleting files need: rows in order, every version in the bucket, and the copies that the CDN keeps.

use crate::error::StoreError;
use crate::key::ThumbnailPrefix;
use crate::upload::VersionId;
use crate::{Owner, Upload, UploadId, UploadKey};
use std::future::Future;
use std::num::NonZeroU16;

/// Lists an owner's files.
pub trait ListReady {
    /// The ready uploads among the next `rows` of the owner's uploads, newest first, from the newest or from behind `after`, which need not
    /// be there any more. A page may hold none and yet have a next one: rows of other states count. What was written before the
    /// call is seen. IAM: `dynamodb:Query`.
    fn list_ready(
        &self,
        owner: Owner,
        after: Option<UploadId>,
        rows: NonZeroU16,
    ) -> impl Future<Output = Result<ReadyPage, StoreError>> + Send;
}

/// Lists what lies in the bucket, hidden or not.
pub trait ListVersions {
    /// Up to 1,000 versions of what an upload has there, delete markers included. It is asked again after they were removed: an answer
    /// without any says that nothing is left. IAM: `s3:ListBucketVersions`.
    fn list_versions(
        &self,
        of: &Stored,
    ) -> impl Future<Output = Result<Vec<ObjectVersion>, StoreError>> + Send;
}

/// Removes what was listed.
pub trait DeleteVersions {
    /// Removes up to 1,000 versions for good; missing ones are fine. After an error some may be removed. IAM:
    /// `s3:DeleteObjectVersion`.
    fn delete_versions(
        &self,
        versions: &[ObjectVersion],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Makes the CDN forget.
pub trait InvalidateCopies {
    /// Has every edge drop its copies of these, and returns once that is promised; it is done within minutes. The same reference with the
    /// same copies is the same invalidation, however often it is asked for: what was copied since is not dropped, and nothing is paid twice.
    /// At most 3,000 copies may be under way at once, 15 of them [`Copies::Under`]. IAM: `cloudfront:CreateInvalidation`.
    fn invalidate_copies(
        &self,
        reference: &str,
        copies: &[Copies],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Some of an owner's files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadyPage {
    /// The ready uploads, newest first.
    pub uploads: Vec<Upload>,
    /// Where the next page begins, if there may be one: behind this id.
    pub next: Option<UploadId>,
}

/// What an upload has in the bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stored {
    /// The file itself: exactly this key.
    File(UploadKey),
    /// Its thumbnails: everything under this prefix.
    Thumbnails(ThumbnailPrefix),
}

/// One version of one object, or a delete marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectVersion {
    /// The key it was listed under.
    pub key: String,
    /// Which version.
    pub version: VersionId,
}

/// Copies that the CDN may keep.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Copies {
    /// Of the object with this key.
    Of(String),
    /// Of everything under this prefix.
    Under(ThumbnailPrefix),
}
