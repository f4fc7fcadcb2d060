//! The sweep's own calls, failing when told to.

use super::Failing;
use crate::error::StoreError;
use crate::ports::{
    Due, DuePage, DueShard, DueUsage, DueUsagePage, GetCursor, ListDue, ListDueUsage, ListMultiparts,
    ListObjectVersions, ListUploads, MultipartsPage, Place, PutCursor, PutOffUsage, PutUsage, RequeueArrival,
    Under, UploadsPage, VersionsPage, Walk,
};
use crate::upload::VersionId;
use crate::usage::Held;
use crate::{Owner, UploadId, UploadKey};
use std::num::NonZeroU16;
use time::OffsetDateTime;

impl<T: ListDue + Sync> ListDue for Failing<'_, T> {
    async fn list_due(
        &self,
        shard: DueShard,
        until: OffsetDateTime,
        after: Option<&Due>,
        limit: u16,
    ) -> Result<DuePage, StoreError> {
        self.call("Query", self.inner.list_due(shard, until, after, limit)).await
    }
}

impl<T: ListDueUsage + Sync> ListDueUsage for Failing<'_, T> {
    async fn list_due_usage(
        &self,
        shard: DueShard,
        until: OffsetDateTime,
        after: Option<&DueUsage>,
        limit: u16,
    ) -> Result<DueUsagePage, StoreError> {
        self.call("Query", self.inner.list_due_usage(shard, until, after, limit)).await
    }
}

impl<T: ListUploads + Sync> ListUploads for Failing<'_, T> {
    async fn list_uploads(
        &self,
        owner: Owner,
        after: Option<UploadId>,
        rows: NonZeroU16,
    ) -> Result<UploadsPage, StoreError> {
        self.call("Query", self.inner.list_uploads(owner, after, rows)).await
    }
}

impl<T: PutUsage + Sync> PutUsage for Failing<'_, T> {
    async fn put_usage(&self, owner: Owner, held: &Held, revision: u64) -> Result<bool, StoreError> {
        self.call("UpdateItem", self.inner.put_usage(owner, held, revision)).await
    }
}

impl<T: PutOffUsage + Sync> PutOffUsage for Failing<'_, T> {
    async fn put_off_usage(&self, due: &DueUsage, until: OffsetDateTime) -> Result<(), StoreError> {
        self.call("UpdateItem", self.inner.put_off_usage(due, until)).await
    }
}

impl<T: GetCursor + Sync> GetCursor for Failing<'_, T> {
    async fn get_cursor(&self, walk: Walk) -> Result<Option<Place>, StoreError> {
        self.call("GetItem", self.inner.get_cursor(walk)).await
    }
}

impl<T: PutCursor + Sync> PutCursor for Failing<'_, T> {
    async fn put_cursor(&self, walk: Walk, place: Option<&Place>) -> Result<(), StoreError> {
        self.call("PutItem", self.inner.put_cursor(walk, place)).await
    }
}

impl<T: ListObjectVersions + Sync> ListObjectVersions for Failing<'_, T> {
    async fn list_object_versions(
        &self,
        under: &Under,
        after: Option<&Place>,
        limit: u16,
    ) -> Result<VersionsPage, StoreError> {
        self.call("ListObjectVersions", self.inner.list_object_versions(under, after, limit)).await
    }
}

impl<T: ListMultiparts + Sync> ListMultiparts for Failing<'_, T> {
    async fn list_multiparts(&self, after: Option<&Place>, limit: u16) -> Result<MultipartsPage, StoreError> {
        self.call("ListMultipartUploads", self.inner.list_multiparts(after, limit)).await
    }
}

impl<T: RequeueArrival + Sync> RequeueArrival for Failing<'_, T> {
    async fn requeue_arrival(
        &self,
        key: &UploadKey,
        version: &VersionId,
        at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        self.call("SendMessage", self.inner.requeue_arrival(key, version, at)).await
    }
}
