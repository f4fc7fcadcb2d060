//! A stack in memory: what a client, an event and the sweep do to it.

use time::{Duration, OffsetDateTime};
use valet_core::complete_upload::Said;
use valet_core::key::CACHE_CONTROL;
use valet_core::ports::{GetUpload, StoredHeaders, TagVerified};
use valet_core::sweep_uploads::{Counts, Limits, Report, Run};
use valet_core::testing::{MemoryBucket, MemoryCdn, MemoryQueue, MemoryTable, PutUpload, sample};
use valet_core::upload::{RejectReason, Size, State, Thumbnails, Transfer, Verified, VersionId};
use valet_core::{Upload, UploadKey, cancel_upload, confirm_upload, delete_file, sweep_uploads};

const LIMITS: Limits = Limits {
    grace: Duration::HOUR,
    walk_pages: 10,
    object_age: Duration::DAY,
    multipart_age: Duration::HOUR,
};

/// A grant is for an hour, the grace another one, and a walk looks at what is a day old.
pub(crate) fn after(hours: i64) -> OffsetDateTime {
    sample::NOW + Duration::hours(hours)
}

pub(crate) fn verified(version: VersionId, confirmed_at: OffsetDateTime, thumbnails: Thumbnails) -> Verified {
    Verified { version, confirmed_at, crc64nvme: None, dimensions: None, placeholder: None, thumbnails }
}

pub(crate) fn tombstones() -> [State; 4] {
    [State::Cancelled, State::Expired, State::Deleted, State::Rejected(RejectReason::Size)]
}

/// What a file under this key is stored with.
pub(crate) fn headers(key: &UploadKey) -> StoredHeaders {
    StoredHeaders {
        content_type: Some(key.media_type.content_type().to_owned()),
        cache_control: Some(CACHE_CONTROL.to_owned()),
        ..StoredHeaders::default()
    }
}

#[derive(Default)]
pub(crate) struct Stack {
    pub(crate) bucket: MemoryBucket,
    pub(crate) table: MemoryTable,
    pub(crate) cdn: MemoryCdn,
    pub(crate) queue: MemoryQueue,
}

impl Stack {
    /// The numbers of a sweep in which nothing fails.
    pub(crate) async fn sweep(&self, now: OffsetDateTime) -> Counts {
        let report = self.sweep_again(now).await;
        assert!(report.failures.is_empty(), "{report:?}");
        report.counts
    }

    /// What a sweep comes to, files among it that have no row, which it fails about.
    pub(crate) async fn sweep_again(&self, now: OffsetDateTime) -> Report {
        let (run, mut report) = (Run { now, limits: LIMITS, has_time: || true }, Report::default());
        sweep_uploads(&self.bucket, &self.table, &self.cdn, &self.table, &self.queue, &run, &mut report)
            .await;
        report
    }

    pub(crate) async fn put(&self, upload: &Upload) {
        self.table.put_upload(upload, None).await.unwrap();
    }

    /// A pending upload.
    pub(crate) async fn granted(&self) -> Upload {
        let upload = sample::pending();
        self.put(&upload).await;
        upload
    }

    /// A pending upload whose form may be sent more than once.
    pub(crate) async fn granted_by_form(&self) -> Upload {
        let upload = Upload { transfer: Transfer::Form, size: Size::AtMost(1000), ..sample::pending() };
        self.put(&upload).await;
        upload
    }

    /// A file.
    pub(crate) async fn confirmed(&self) -> Upload {
        let upload = sample::pending();
        let version = self.file_at(&upload.key(), sample::PNG).await;
        let upload = upload.in_state(State::Ready(verified(version, sample::NOW, Thumbnails::None)));
        self.put(&upload).await;
        upload
    }

    pub(crate) fn arrives(&self, upload: &Upload) -> VersionId {
        self.arrives_at(&upload.key(), sample::PNG)
    }

    pub(crate) fn arrives_at(&self, key: &UploadKey, bytes: &[u8]) -> VersionId {
        self.bucket.store(key, headers(key), None, bytes)
    }

    /// What was verified of an upload whose row nobody has written.
    pub(crate) async fn file_at(&self, key: &UploadKey, bytes: &[u8]) -> VersionId {
        let version = self.arrives_at(key, bytes);
        assert!(self.bucket.tag_verified(key, &version).await.unwrap());
        version
    }

    pub(crate) async fn confirm(&self, upload: &Upload) {
        let said = Said::default();
        confirm_upload(&self.bucket, &self.table, sample::NOW, upload.owner, upload.id, &said).await.unwrap();
    }

    pub(crate) async fn cancel(&self, upload: &Upload) {
        cancel_upload(&self.bucket, &self.table, upload.owner, upload.id).await.unwrap();
    }

    pub(crate) async fn delete(&self, upload: &Upload) {
        let now = after(1);
        delete_file(&self.bucket, &self.table, &self.cdn, now, upload.owner, upload.id).await.unwrap();
    }

    pub(crate) async fn row(&self, upload: &Upload) -> Upload {
        self.table.get_upload(upload.owner, upload.id).await.unwrap().unwrap()
    }

    pub(crate) async fn state(&self, upload: &Upload) -> State {
        self.row(upload).await.state
    }

    /// Whether its row says ready and the version that it names is the one that is served.
    pub(crate) async fn is_served_as_file(&self, upload: &Upload) -> bool {
        let key = upload.key();
        let State::Ready(verified) = self.state(upload).await else { return false };
        self.bucket.is_current(&key, &verified.version) && self.bucket.is_served(&key)
    }

    pub(crate) fn versions(&self, upload: &Upload) -> usize {
        self.bucket.versions(&upload.key())
    }
}
