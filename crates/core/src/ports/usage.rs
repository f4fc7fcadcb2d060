//! What counting needs of the table: the counters of an owner, which every write that changes what is held changes as well, and what it takes
//! to count anew.

use super::DueShard;
use crate::error::StoreError;
use crate::usage::{Counters, Held};
use crate::{Owner, Upload, UploadId};
use std::future::Future;
use std::num::NonZeroU16;
use time::OffsetDateTime;

/// Reads what an owner holds.
pub trait GetUsage {
    /// The owner's counters with all completed changes; `None` when nothing was ever counted. IAM: `dynamodb:GetItem`.
    fn get_usage(&self, owner: Owner) -> impl Future<Output = Result<Option<Counters>, StoreError>> + Send;
}

/// Goes through everything an owner has.
pub trait ListUploads {
    /// Up to `rows` of the owner's uploads in whatever state, newest first, from the newest or from behind `after`, which need not be there
    /// any more. What was written before the call is seen. IAM: `dynamodb:Query`.
    fn list_uploads(
        &self,
        owner: Owner,
        after: Option<UploadId>,
        rows: NonZeroU16,
    ) -> impl Future<Output = Result<UploadsPage, StoreError>> + Send;
}

/// Corrects what an owner holds.
pub trait PutUsage {
    /// Says what is held if the counters are still at `revision` (0: there are none), and that nobody needs to count again until they change.
    /// `false` when they have changed. Grants of the minute stay as they are. IAM: `dynamodb:UpdateItem`.
    fn put_usage(
        &self,
        owner: Owner,
        held: &Held,
        revision: u64,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

/// Leaves an owner alone for a while.
pub trait PutOffUsage {
    /// Has the owner counted again at `until` and not before, if it is still due since then. IAM: `dynamodb:UpdateItem`.
    fn put_off_usage(
        &self,
        due: &DueUsage,
        until: OffsetDateTime,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Finds owners whose uploads are to be counted again.
pub trait ListDueUsage {
    /// Up to `limit` owners of one shard whose counters have changed and are due by `until`, the longest due first, from the first or from
    /// behind `after`. What was written a moment ago may be missing or still there. IAM: `dynamodb:Query`.
    fn list_due_usage(
        &self,
        shard: DueShard,
        until: OffsetDateTime,
        after: Option<&DueUsage>,
        limit: u16,
    ) -> impl Future<Output = Result<DueUsagePage, StoreError>> + Send;
}

/// Some of an owner's uploads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadsPage {
    /// The uploads, newest first.
    pub uploads: Vec<Upload>,
    /// Where the next page begins, if there may be one: behind this id.
    pub next: Option<UploadId>,
}

/// An owner whose uploads are to be counted again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueUsage {
    /// Who.
    pub owner: Owner,
    /// Since when.
    pub due_at: OffsetDateTime,
}

/// Some of the owners whose uploads are to be counted again, the longest due first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueUsagePage {
    /// The owners.
    pub due: Vec<DueUsage>,
    /// Where the next page begins, if there may be one: behind this.
    pub next: Option<DueUsage>,
}
