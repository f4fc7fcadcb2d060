//! What `valet reindex` needs: all rows, a row put where there is none, and what the bucket itself tells of a version.

use crate::error::StoreError;
use crate::upload::VersionId;
use crate::{Upload, UploadKey};
use std::future::Future;

/// Goes through the table.
pub trait ScanUploads {
    /// The uploads among the next `items` of the table, in no order that means anything, from the first or from behind `after`, which need
    /// not be there any more. A page may hold none and yet have a next one: other items count. What is written meanwhile may be missing or
    /// there. IAM: `dynamodb:Scan`.
    fn scan_uploads(
        &self,
        after: Option<&TablePlace>,
        items: u16,
    ) -> impl Future<Output = Result<ScannedPage, StoreError>> + Send;
}

/// Puts rows back.
pub trait RestoreUpload {
    /// Records an upload as it is given, if there is no row of its id; `false` when there is one by now, which stays. The owner's counters
    /// are left as they are: whoever puts rows back counts again. IAM: `dynamodb:PutItem`.
    fn restore_upload(&self, upload: &Upload) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

/// Reads what was noted on versions, by which the bucket's policy lets `CloudFront` read them.
pub trait GetTags {
    /// The tags of one version; `None` when it is gone. IAM: `s3:GetObjectVersionTagging`.
    fn get_tags(
        &self,
        key: &UploadKey,
        version: &VersionId,
    ) -> impl Future<Output = Result<Option<Tags>, StoreError>> + Send;
}

/// Some of the uploads of all owners.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScannedPage {
    /// The uploads.
    pub uploads: Vec<Upload>,
    /// Where the next page begins, if there may be one: behind this item.
    pub next: Option<TablePlace>,
}

/// A place in the table, in the table's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TablePlace {
    /// The partition.
    pub partition: String,
    /// The item in it.
    pub sort: String,
}

/// What is noted on a version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    /// Whether it was compared with its grant: only the functions that settle can set this tag.
    pub is_verified: bool,
    /// Whether a malware scanner has found nothing in it.
    pub is_clean: bool,
}
