//! What multipart uploads need of S3. Bytes go from the client to S3; here are only the calls around them.

use super::{SignedCall, SignedPut};
use crate::checksum::Crc64Nvme;
use crate::error::StoreError;
use crate::parts::PartNumber;
use crate::upload::MultipartId;
use crate::{Upload, UploadKey};
use std::future::Future;
use std::time::Duration;
use time::OffsetDateTime;

/// Begins multipart uploads.
pub trait CreateMultipart {
    /// Begins a multipart upload of the upload's key, type and `Cache-Control`, over which S3 computes a CRC-64/NVME. Nothing is stored
    /// under the key before it is completed. IAM: `s3:PutObject`.
    fn create_multipart(
        &self,
        upload: &Upload,
    ) -> impl Future<Output = Result<MultipartId, StoreError>> + Send;
}

/// Signs parts.
pub trait PresignPart {
    /// Signs a PUT of exactly this part of a multipart upload: its key and number, its size if it is known, and its checksum if there is one. Good for any
    /// number of PUTs until the multipart upload is completed or aborted; the last one holds. `lifetime` is at most seven days. IAM:
    /// `s3:PutObject` at the time of the PUT.
    fn presign_part(
        &self,
        key: &UploadKey,
        id: &MultipartId,
        part: &WantedPart,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> impl Future<Output = Result<SignedPut, StoreError>> + Send;
}

/// Signs the calls around parts, for a client that makes them itself.
pub trait PresignMultipart {
    /// Signs one call about a multipart upload of exactly this key. Whoever begins one does it with the key's type and our
    /// `Cache-Control`; whoever completes one, only when nothing lies under the key. `lifetime` is at most seven days. IAM, at the time of
    /// the call: what [`MultipartCall`] names.
    fn presign_multipart(
        &self,
        key: &UploadKey,
        call: &MultipartCall,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> impl Future<Output = Result<SignedCall, StoreError>> + Send;
}

/// A call about a multipart upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MultipartCall {
    /// Begins one. IAM: `s3:PutObject`.
    Create,
    /// Lists its parts. IAM: `s3:ListMultipartUploadParts`.
    List(MultipartId),
    /// Puts its parts together. IAM: `s3:PutObject`.
    Complete(MultipartId),
    /// Forgets it. IAM: `s3:AbortMultipartUpload`.
    Abort(MultipartId),
}

/// Tells what has arrived of a multipart upload.
pub trait ListParts {
    /// Up to 1,000 parts in order, from the first or from behind `after`; `None` when S3 knows no such multipart upload: completed, aborted, or
    /// never begun. IAM: `s3:ListMultipartUploadParts`.
    fn list_parts(
        &self,
        key: &UploadKey,
        id: &MultipartId,
        after: Option<PartNumber>,
    ) -> impl Future<Output = Result<Option<PartsPage>, StoreError>> + Send;
}

/// Makes an object of a multipart upload.
pub trait CompleteMultipart {
    /// Puts the parts together if nothing lies under the key, they have `size_bytes` in all, and S3's checksum over the whole is
    /// `crc64nvme`, if given. May be called again when its answer was lost. IAM: `s3:PutObject`.
    fn complete_multipart(
        &self,
        key: &UploadKey,
        id: &MultipartId,
        parts: &[StoredPart],
        size_bytes: u64,
        crc64nvme: Option<Crc64Nvme>,
    ) -> impl Future<Output = Result<Completion, StoreError>> + Send;
}

/// Ends a multipart upload without an object.
pub trait AbortMultipart {
    /// Forgets the multipart upload with all its parts; one that is not there is fine. A part that is just arriving may survive it: abort
    /// again later. IAM: `s3:AbortMultipartUpload`.
    fn abort_multipart(
        &self,
        key: &UploadKey,
        id: &MultipartId,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A part to be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedPart {
    /// Which part.
    pub number: PartNumber,
    /// Its exact size; `None` signs no length, for a part that the client cuts as it likes.
    pub size_bytes: Option<u64>,
    /// What S3 must find over its bytes, if the client has computed it.
    pub crc64nvme: Option<Crc64Nvme>,
}

/// A part that S3 holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPart {
    /// Which part.
    pub number: PartNumber,
    /// Its size.
    pub size_bytes: u64,
    /// What S3 calls its content. Opaque, with its quotes.
    pub etag: String,
    /// S3's checksum over it; `None` where the store does not tell.
    pub crc64nvme: Option<Crc64Nvme>,
}

/// Some of the parts that S3 holds, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartsPage {
    /// The parts.
    pub parts: Vec<StoredPart>,
    /// Where the next page begins, if there is one: behind this part.
    pub next: Option<PartNumber>,
}

/// What became of [`CompleteMultipart::complete_multipart`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// The object is there.
    Completed,
    /// An object was there before: by an earlier call, as a rule.
    Exists,
    /// S3 knows no such multipart upload: an earlier call completed it, or it was aborted.
    Gone,
    /// S3 holds other parts, or another checksum, than was said. Nothing has changed.
    Mismatch,
    /// S3 has not answered in time and may still be at it.
    UnderWay,
}
