//! Storage that fails when told to, before or after the call has had its effect.

use crate::checksum::Crc64Nvme;
use crate::error::{StoreError, StoreErrorKind};
use crate::parts::PartNumber;
use crate::ports::{
    AbortMultipart, CompleteMultipart, Completion, Copies, CreateMultipart, DeleteThumbnail, DeleteVersion,
    DeleteVersions, GetIdempotencyRecord, GetObject, GetUpload, GetUsage, GetVerdict, HeadObject,
    IdempotencyRecord, InvalidateCopies, ListParts, ListVersions, MultipartCall, NewGrant, ObjectVersion,
    PartsPage, PresignMultipart, PresignPart, PresignPut, PutOutcome, PutThumbnail, PutUploads, ReadChunk,
    SignedCall, SignedPut, Stored, StoredObject, StoredPart, TagVerified, UpdateUpload, Verdict, WantedPart,
};
use crate::upload::{MultipartId, Transition, VersionId};
use crate::usage::{Claim, Counters};
use crate::{Owner, ThumbnailKey, Upload, UploadId, UploadKey};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use time::OffsetDateTime;

/// Storage whose `n`th call fails, counted from 0. To ask a body for its next bytes is a call as well.
pub struct Failing<'a, T> {
    pub(super) inner: &'a T,
    calls: Calls,
}

/// The calls of one storage, its bodies' included.
#[derive(Clone)]
struct Calls {
    fails_at: usize,
    has_effect: bool,
    kind: StoreErrorKind,
    made: Arc<AtomicUsize>,
}

impl<'a, T> Failing<'a, T> {
    /// Fails call `fails_at` for a moment. With `has_effect` the call is carried out and only its answer is lost.
    pub fn at(inner: &'a T, fails_at: usize, has_effect: bool) -> Self {
        let kind = StoreErrorKind::Transient;
        Self { inner, calls: Calls { fails_at, has_effect, kind, made: Arc::default() } }
    }

    /// Denies the first call.
    pub fn denying(inner: &'a T) -> Self {
        let Self { inner, calls } = Self::at(inner, 0, false);
        Self { inner, calls: Calls { kind: StoreErrorKind::Denied, ..calls } }
    }

    /// Refuses call `fails_at` for good.
    pub fn refusing(inner: &'a T, fails_at: usize) -> Self {
        let Self { inner, calls } = Self::at(inner, fails_at, false);
        Self { inner, calls: Calls { kind: StoreErrorKind::Permanent, ..calls } }
    }

    /// Whether the call that was to fail was made.
    pub fn has_failed(&self) -> bool {
        self.calls.made.load(Ordering::Relaxed) > self.calls.fails_at
    }

    /// How many calls were made.
    pub fn calls_made(&self) -> usize {
        self.calls.made.load(Ordering::Relaxed)
    }

    pub(super) async fn call<R>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<R, StoreError>>,
    ) -> Result<R, StoreError> {
        self.calls.call(operation, call).await
    }
}

impl Calls {
    async fn call<R>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<R, StoreError>>,
    ) -> Result<R, StoreError> {
        let fails = self.made.fetch_add(1, Ordering::Relaxed) == self.fails_at;
        if !fails {
            return call.await;
        }
        if self.has_effect {
            call.await?;
        }
        Err(StoreError { operation, kind: self.kind, source: "made to fail".into() })
    }
}

impl<T: PresignPut + Sync> PresignPut for Failing<'_, T> {
    async fn presign_put(
        &self,
        upload: &Upload,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Result<SignedPut, StoreError> {
        self.call("PutObject", self.inner.presign_put(upload, now, lifetime)).await
    }
}

impl<T: CreateMultipart + Sync> CreateMultipart for Failing<'_, T> {
    async fn create_multipart(&self, upload: &Upload) -> Result<MultipartId, StoreError> {
        self.call("CreateMultipartUpload", self.inner.create_multipart(upload)).await
    }
}

impl<T: PresignPart + Sync> PresignPart for Failing<'_, T> {
    async fn presign_part(
        &self,
        key: &UploadKey,
        id: &MultipartId,
        part: &WantedPart,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Result<SignedPut, StoreError> {
        self.call("UploadPart", self.inner.presign_part(key, id, part, now, lifetime)).await
    }
}

impl<T: PresignMultipart + Sync> PresignMultipart for Failing<'_, T> {
    async fn presign_multipart(
        &self,
        key: &UploadKey,
        call: &MultipartCall,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Result<SignedCall, StoreError> {
        self.call("PresignMultipart", self.inner.presign_multipart(key, call, now, lifetime)).await
    }
}

impl<T: ListParts + Sync> ListParts for Failing<'_, T> {
    async fn list_parts(
        &self,
        key: &UploadKey,
        id: &MultipartId,
        after: Option<PartNumber>,
    ) -> Result<Option<PartsPage>, StoreError> {
        self.call("ListParts", self.inner.list_parts(key, id, after)).await
    }
}

impl<T: CompleteMultipart + Sync> CompleteMultipart for Failing<'_, T> {
    async fn complete_multipart(
        &self,
        key: &UploadKey,
        id: &MultipartId,
        parts: &[StoredPart],
        size_bytes: u64,
        crc64nvme: Option<Crc64Nvme>,
    ) -> Result<Completion, StoreError> {
        let completed = self.inner.complete_multipart(key, id, parts, size_bytes, crc64nvme);
        self.call("CompleteMultipartUpload", completed).await
    }
}

impl<T: AbortMultipart + Sync> AbortMultipart for Failing<'_, T> {
    async fn abort_multipart(&self, key: &UploadKey, id: &MultipartId) -> Result<(), StoreError> {
        self.call("AbortMultipartUpload", self.inner.abort_multipart(key, id)).await
    }
}

impl<T: HeadObject + Sync> HeadObject for Failing<'_, T> {
    async fn head_object(
        &self,
        key: &UploadKey,
        version: Option<&VersionId>,
        with_checksums: bool,
    ) -> Result<Option<StoredObject>, StoreError> {
        self.call("GetObject", self.inner.head_object(key, version, with_checksums)).await
    }
}

impl<T: GetObject + Sync> GetObject for Failing<'_, T> {
    type Body = FailingBody<T::Body>;

    async fn get_object(
        &self,
        key: &UploadKey,
        version: &VersionId,
    ) -> Result<Option<Self::Body>, StoreError> {
        let body = self.call("GetObject", self.inner.get_object(key, version)).await?;
        Ok(body.map(|inner| FailingBody { inner, calls: self.calls.clone() }))
    }
}

/// A body that breaks off when told to.
pub struct FailingBody<T> {
    inner: T,
    calls: Calls,
}

impl<T: ReadChunk> ReadChunk for FailingBody<T> {
    type Chunk = T::Chunk;

    async fn next_chunk(&mut self) -> Result<Option<T::Chunk>, StoreError> {
        self.calls.call("GetObject", self.inner.next_chunk()).await
    }
}

impl<T: GetVerdict + Sync> GetVerdict for Failing<'_, T> {
    async fn get_verdict(&self, key: &UploadKey, version: &VersionId) -> Result<Option<Verdict>, StoreError> {
        // Nothing is asked where nothing is scanned.
        if self.inner.get_verdict(key, version).await? == Some(Verdict::NotAsked) {
            return Ok(Some(Verdict::NotAsked));
        }
        self.call("GetObjectTagging", self.inner.get_verdict(key, version)).await
    }
}

impl<T: TagVerified + Sync> TagVerified for Failing<'_, T> {
    async fn tag_verified(&self, key: &UploadKey, version: &VersionId) -> Result<bool, StoreError> {
        self.call("PutObjectTagging", self.inner.tag_verified(key, version)).await
    }
}

impl<T: DeleteVersion + Sync> DeleteVersion for Failing<'_, T> {
    async fn delete_version(&self, key: &UploadKey, version: &VersionId) -> Result<(), StoreError> {
        self.call("DeleteObject", self.inner.delete_version(key, version)).await
    }
}

impl<T: ListVersions + Sync> ListVersions for Failing<'_, T> {
    async fn list_versions(&self, of: &Stored) -> Result<Vec<ObjectVersion>, StoreError> {
        self.call("ListObjectVersions", self.inner.list_versions(of)).await
    }
}

impl<T: DeleteVersions + Sync> DeleteVersions for Failing<'_, T> {
    async fn delete_versions(&self, versions: &[ObjectVersion]) -> Result<(), StoreError> {
        self.call("DeleteObject", self.inner.delete_versions(versions)).await
    }
}

impl<T: PutThumbnail + Sync> PutThumbnail for Failing<'_, T> {
    async fn put_thumbnail(&self, key: &ThumbnailKey, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.call("PutObject", self.inner.put_thumbnail(key, bytes)).await
    }
}

impl<T: DeleteThumbnail + Sync> DeleteThumbnail for Failing<'_, T> {
    async fn delete_thumbnail(&self, key: &ThumbnailKey) -> Result<(), StoreError> {
        self.call("DeleteObject", self.inner.delete_thumbnail(key)).await
    }
}

impl<T: GetUpload + Sync> GetUpload for Failing<'_, T> {
    async fn get_upload(&self, owner: Owner, id: UploadId) -> Result<Option<Upload>, StoreError> {
        self.call("GetItem", self.inner.get_upload(owner, id)).await
    }
}

impl<T: GetUsage + Sync> GetUsage for Failing<'_, T> {
    async fn get_usage(&self, owner: Owner) -> Result<Option<Counters>, StoreError> {
        self.call("GetItem", self.inner.get_usage(owner)).await
    }
}

impl<T: GetIdempotencyRecord + Sync> GetIdempotencyRecord for Failing<'_, T> {
    async fn get_idempotency_record(
        &self,
        owner: Owner,
        key_hash: &str,
        now: OffsetDateTime,
    ) -> Result<Option<IdempotencyRecord>, StoreError> {
        self.call("GetItem", self.inner.get_idempotency_record(owner, key_hash, now)).await
    }
}

impl<T: PutUploads + Sync> PutUploads for Failing<'_, T> {
    async fn put_uploads(&self, grants: &[NewGrant], claim: &Claim) -> Result<PutOutcome, StoreError> {
        self.call("TransactWriteItems", self.inner.put_uploads(grants, claim)).await
    }
}

impl<T: UpdateUpload + Sync> UpdateUpload for Failing<'_, T> {
    async fn update_upload(
        &self,
        upload: &Upload,
        transition: &Transition,
    ) -> Result<Option<Upload>, StoreError> {
        self.call("UpdateItem", self.inner.update_upload(upload, transition)).await
    }
}

impl<T: InvalidateCopies + Sync> InvalidateCopies for Failing<'_, T> {
    async fn invalidate_copies(&self, reference: &str, copies: &[Copies]) -> Result<(), StoreError> {
        self.call("CreateInvalidation", self.inner.invalidate_copies(reference, copies)).await
    }
}
