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
    DeleteVersions, Due, DuePage, DueShard, GetCursor, GetIdempotencyRecord, GetObject, GetUpload,
    HeadObject, IdempotencyRecord, InvalidateCopies, ListDue, ListMultiparts, ListObjectVersions, ListParts,
    ListReady, ListVersions, MultipartsPage, ObjectVersion, PartsPage, Place, PresignPart, PresignPut,
    PutCursor, PutOutcome, PutThumbnail, PutUpload, ReadChunk, ReadyPage, RequeueArrival, SignedPut, Stored,
    StoredObject, StoredPart, TagVerified, Under, UpdateUpload, VersionsPage, Walk, WantedPart,
};
use valet_core::upload::{MultipartId, Transition, VersionId};
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

    async fn call<R>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<R, StoreError>>,
    ) -> Result<R, StoreError> {
        others_first().await;
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        if !["Get", "List", "Query", "Upload"].iter().any(|reads| operation.starts_with(reads)) {
            self.has_written.store(true, Ordering::Relaxed);
        }
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

/// A port whose one method takes nothing but values and references.
macro_rules! gated {
    ($($port:ident::$method:ident($($name:ident: $type:ty),*) -> $answer:ty, $operation:literal;)*) => {$(
        impl<T: $port + Sync> $port for Gated<'_, T> {
            async fn $method(&self, $($name: $type),*) -> Result<$answer, StoreError> {
                self.gate.call($operation, self.inner.$method($($name),*)).await
            }
        }
    )*};
}

gated! {
    PresignPut::presign_put(upload: &Upload, now: OffsetDateTime, lifetime: Duration) -> SignedPut, "PutObject";
    PresignPart::presign_part(key: &UploadKey, id: &MultipartId, part: &WantedPart, now: OffsetDateTime, lifetime: Duration) -> SignedPut, "UploadPart";
    HeadObject::head_object(key: &UploadKey, version: Option<&VersionId>, with_checksums: bool) -> Option<StoredObject>, "GetObject";
    TagVerified::tag_verified(key: &UploadKey, version: &VersionId) -> bool, "PutObjectTagging";
    DeleteVersion::delete_version(key: &UploadKey, version: &VersionId) -> (), "DeleteObject";
    PutThumbnail::put_thumbnail(key: &ThumbnailKey, bytes: Vec<u8>) -> (), "PutObject";
    DeleteThumbnail::delete_thumbnail(key: &ThumbnailKey) -> (), "DeleteObject";
    CreateMultipart::create_multipart(upload: &Upload) -> MultipartId, "CreateMultipartUpload";
    ListParts::list_parts(key: &UploadKey, id: &MultipartId, after: Option<PartNumber>) -> Option<PartsPage>, "ListParts";
    CompleteMultipart::complete_multipart(key: &UploadKey, id: &MultipartId, parts: &[StoredPart], size_bytes: u64, crc64nvme: Option<Crc64Nvme>) -> Completion, "CompleteMultipartUpload";
    AbortMultipart::abort_multipart(key: &UploadKey, id: &MultipartId) -> (), "AbortMultipartUpload";
    ListVersions::list_versions(of: &Stored) -> Vec<ObjectVersion>, "ListObjectVersions";
    DeleteVersions::delete_versions(versions: &[ObjectVersion]) -> (), "DeleteObject";
    ListObjectVersions::list_object_versions(under: &Under, after: Option<&Place>, limit: u16) -> VersionsPage, "ListObjectVersions";
    ListMultiparts::list_multiparts(after: Option<&Place>, limit: u16) -> MultipartsPage, "ListMultipartUploads";
    PutUpload::put_upload(upload: &Upload, idempotency: Option<&IdempotencyRecord>) -> PutOutcome, "PutItem";
    GetIdempotencyRecord::get_idempotency_record(owner: Owner, key_hash: &str, now: OffsetDateTime) -> Option<IdempotencyRecord>, "GetItem";
    GetUpload::get_upload(owner: Owner, id: UploadId) -> Option<Upload>, "GetItem";
    UpdateUpload::update_upload(owner: Owner, id: UploadId, transition: &Transition) -> Option<Upload>, "UpdateItem";
    ListReady::list_ready(owner: Owner, after: Option<UploadId>, rows: std::num::NonZeroU16) -> ReadyPage, "Query";
    ListDue::list_due(shard: DueShard, until: OffsetDateTime, after: Option<&Due>, limit: u16) -> DuePage, "Query";
    GetCursor::get_cursor(walk: Walk) -> Option<Place>, "GetItem";
    PutCursor::put_cursor(walk: Walk, place: Option<&Place>) -> (), "PutItem";
    RequeueArrival::requeue_arrival(key: &UploadKey, version: &VersionId, at: OffsetDateTime) -> (), "SendMessage";
    InvalidateCopies::invalidate_copies(reference: &str, copies: &[Copies]) -> (), "CreateInvalidation";
}

impl<'a, T: GetObject + Sync> GetObject for Gated<'a, T> {
    type Body = GatedBody<'a, T::Body>;

    async fn get_object(
        &self,
        key: &UploadKey,
        version: &VersionId,
    ) -> Result<Option<Self::Body>, StoreError> {
        let body = self.gate.call("GetObject", self.inner.get_object(key, version)).await?;
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
        self.gate.call("GetObject", self.inner.next_chunk()).await
    }
}
