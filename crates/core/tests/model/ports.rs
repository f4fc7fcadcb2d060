//! Storage that stops before and after every call, so that a test decides who goes on, and that fails or ends there when told to.

use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;
use time::OffsetDateTime;
use valet_core::checksum::Crc64Nvme;
use valet_core::error::StoreErrorKind;
use valet_core::parts::PartNumber;
use valet_core::ports::{
    AbortMultipart, CompleteMultipart, Completion, Copies, CreateMultipart, DeleteThumbnail, DeleteVersion,
    DeleteVersions, Due, DuePage, DueShard, DueUsage, DueUsagePage, GetCursor, GetIdempotencyRecord,
    GetObject, GetTags, GetUpload, GetUsage, GetVerdict, HeadObject, IdempotencyRecord, InvalidateCopies,
    ListDue, ListDueUsage, ListMultiparts, ListObjectVersions, ListParts, ListReady, ListUploads,
    ListVersions, MultipartsPage, NewGrant, ObjectVersion, PartsPage, Place, PresignPart, PresignPut,
    PutCursor, PutOffUsage, PutOutcome, PutThumbnail, PutUploads, PutUsage, ReadChunk, ReadyPage,
    RequeueArrival, SignedPut, Stored, StoredObject, StoredPart, TagVerified, Tags, Under, UpdateUpload,
    UploadsPage, Verdict, VersionsPage, Walk, WantedPart,
};
use valet_core::upload::{MultipartId, Transition, VersionId};
use valet_core::usage::{Claim, Counters, Held};
use valet_core::{Owner, StoreError, ThumbnailKey, Upload, UploadId, UploadKey};

/// What befalls one of a use case's calls to storage, counted from 0 over all its ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails for a moment and has no effect.
    Before(u8),
    /// It has its effect and its answer is lost.
    After(u8),
    /// It is refused for good and has no effect.
    Refused(u8),
}

/// The calls of one run of a use case.
#[derive(Default)]
pub(crate) struct Gate {
    fault: Option<Fault>,
    made: AtomicUsize,
    has_failed: AtomicBool,
    has_written: AtomicBool,
}

impl Gate {
    pub(crate) fn new(fault: Option<Fault>) -> Self {
        Self { fault, ..Self::default() }
    }

    /// Whether the call that was to fail was made.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    /// Whether a call that may change something was made since this was asked last.
    pub(crate) fn has_written(&self) -> bool {
        self.has_written.swap(false, Ordering::Relaxed)
    }

    async fn writes<R>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<R, StoreError>>,
    ) -> Result<R, StoreError> {
        let call = async {
            self.has_written.store(true, Ordering::Relaxed);
            call.await
        };
        self.reads(operation, call).await
    }

    async fn reads<R>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<R, StoreError>>,
    ) -> Result<R, StoreError> {
        others_first().await;
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        let is_now = |at: u8| usize::from(at) == made;
        let kind = match self.fault {
            Some(Fault::Before(at)) if is_now(at) => Some(StoreErrorKind::Transient),
            Some(Fault::Refused(at)) if is_now(at) => Some(StoreErrorKind::Permanent),
            Some(Fault::After(at)) if is_now(at) => {
                call.await?;
                others_first().await;
                self.has_failed.store(true, Ordering::Relaxed);
                return Err(error(operation, StoreErrorKind::Transient));
            }
            _ => None,
        };
        if let Some(kind) = kind {
            self.has_failed.store(true, Ordering::Relaxed);
            return Err(error(operation, kind));
        }
        let answer = call.await;
        others_first().await;
        answer
    }
}

fn error(operation: &'static str, kind: StoreErrorKind) -> StoreError {
    StoreError { operation, kind, source: "made to fail".into() }
}

/// Stops once. It asks to be polled again by itself, as lists of futures poll only those that do.
async fn others_first() {
    let mut has_stopped = false;
    poll_fn(|context| {
        if has_stopped {
            return Poll::Ready(());
        }
        has_stopped = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Storage behind a gate.
pub(crate) struct Gated<'a, T> {
    pub(crate) inner: &'a T,
    pub(crate) gate: &'a Gate,
}

/// Ports of one method: whether it changes something anybody else sees, what it takes, and what AWS calls it.
macro_rules! gated {
    ($($does:ident $port:ident::$method:ident($($name:ident: $type:ty),*) -> $answer:ty, $operation:literal;)*) => {$(
        impl<T: $port + Sync> $port for Gated<'_, T> {
            async fn $method(&self, $($name: $type),*) -> Result<$answer, StoreError> {
                self.gate.$does($operation, self.inner.$method($($name),*)).await
            }
        }
    )*};
}

gated! {
    reads PresignPut::presign_put(upload: &Upload, now: OffsetDateTime, lifetime: Duration) -> SignedPut, "PutObject";
    reads PresignPart::presign_part(key: &UploadKey, id: &MultipartId, part: &WantedPart, now: OffsetDateTime, lifetime: Duration) -> SignedPut, "UploadPart";
    reads HeadObject::head_object(key: &UploadKey, version: Option<&VersionId>, with_checksums: bool) -> Option<StoredObject>, "GetObject";
    reads GetTags::get_tags(key: &UploadKey, version: &VersionId) -> Option<Tags>, "GetObjectTagging";
    writes TagVerified::tag_verified(key: &UploadKey, version: &VersionId) -> bool, "PutObjectTagging";
    writes DeleteVersion::delete_version(key: &UploadKey, version: &VersionId) -> (), "DeleteObject";
    writes PutThumbnail::put_thumbnail(key: &ThumbnailKey, bytes: Vec<u8>) -> (), "PutObject";
    writes DeleteThumbnail::delete_thumbnail(key: &ThumbnailKey) -> (), "DeleteObject";
    writes CreateMultipart::create_multipart(upload: &Upload) -> MultipartId, "CreateMultipartUpload";
    reads ListParts::list_parts(key: &UploadKey, id: &MultipartId, after: Option<PartNumber>) -> Option<PartsPage>, "ListParts";
    writes CompleteMultipart::complete_multipart(key: &UploadKey, id: &MultipartId, parts: &[StoredPart], size_bytes: u64, crc64nvme: Option<Crc64Nvme>) -> Completion, "CompleteMultipartUpload";
    writes AbortMultipart::abort_multipart(key: &UploadKey, id: &MultipartId) -> (), "AbortMultipartUpload";
    reads ListVersions::list_versions(of: &Stored) -> Vec<ObjectVersion>, "ListObjectVersions";
    writes DeleteVersions::delete_versions(versions: &[ObjectVersion]) -> (), "DeleteObject";
    reads ListObjectVersions::list_object_versions(under: &Under, after: Option<&Place>, limit: u16) -> VersionsPage, "ListObjectVersions";
    reads ListMultiparts::list_multiparts(after: Option<&Place>, limit: u16) -> MultipartsPage, "ListMultipartUploads";
    writes PutUploads::put_uploads(grants: &[NewGrant], claim: &Claim) -> PutOutcome, "TransactWriteItems";
    reads GetUsage::get_usage(owner: Owner) -> Option<Counters>, "GetItem";
    reads ListUploads::list_uploads(owner: Owner, after: Option<UploadId>, rows: std::num::NonZeroU16) -> UploadsPage, "Query";
    writes PutUsage::put_usage(owner: Owner, held: &Held, revision: u64) -> bool, "UpdateItem";
    writes PutOffUsage::put_off_usage(due: &DueUsage, until: OffsetDateTime) -> (), "UpdateItem";
    reads ListDueUsage::list_due_usage(shard: DueShard, until: OffsetDateTime, after: Option<&DueUsage>, limit: u16) -> DueUsagePage, "Query";
    reads GetIdempotencyRecord::get_idempotency_record(owner: Owner, key_hash: &str, now: OffsetDateTime) -> Option<IdempotencyRecord>, "GetItem";
    reads GetUpload::get_upload(owner: Owner, id: UploadId) -> Option<Upload>, "GetItem";
    writes UpdateUpload::update_upload(upload: &Upload, transition: &Transition) -> Option<Upload>, "UpdateItem";
    reads ListReady::list_ready(owner: Owner, after: Option<UploadId>, rows: std::num::NonZeroU16) -> ReadyPage, "Query";
    reads ListDue::list_due(shard: DueShard, until: OffsetDateTime, after: Option<&Due>, limit: u16) -> DuePage, "Query";
    reads GetCursor::get_cursor(walk: Walk) -> Option<Place>, "GetItem";
    reads PutCursor::put_cursor(walk: Walk, place: Option<&Place>) -> (), "PutItem";
    reads RequeueArrival::requeue_arrival(key: &UploadKey, version: &VersionId, at: OffsetDateTime) -> (), "SendMessage";
    writes InvalidateCopies::invalidate_copies(reference: &str, copies: &[Copies]) -> (), "CreateInvalidation";
}

/// Nothing is scanned there, and so nothing asked.
impl<T: GetVerdict + Sync> GetVerdict for Gated<'_, T> {
    async fn get_verdict(&self, key: &UploadKey, version: &VersionId) -> Result<Option<Verdict>, StoreError> {
        self.inner.get_verdict(key, version).await
    }
}

impl<'a, T: GetObject + Sync> GetObject for Gated<'a, T> {
    type Body = GatedBody<'a, T::Body>;

    async fn get_object(
        &self,
        key: &UploadKey,
        version: &VersionId,
    ) -> Result<Option<Self::Body>, StoreError> {
        let body = self.gate.reads("GetObject", self.inner.get_object(key, version)).await?;
        Ok(body.map(|inner| GatedBody { inner, gate: self.gate }))
    }
}

/// A body behind a gate.
pub(crate) struct GatedBody<'a, T> {
    inner: T,
    gate: &'a Gate,
}

impl<T: ReadChunk> ReadChunk for GatedBody<'_, T> {
    type Chunk = T::Chunk;

    async fn next_chunk(&mut self) -> Result<Option<T::Chunk>, StoreError> {
        self.gate.reads("GetObject", self.inner.next_chunk()).await
    }
}
