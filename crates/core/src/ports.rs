//! What the rules need of storage, a trait per operation and named after it, so that a use case's signature says
//! what its function must be allowed to do; and what they need of whoever renders. Storage is implemented by `valet-aws`, rendering by
//! the function, both in memory by `testing`.

mod files;
mod multipart;
mod reindex;
mod sessions;
mod sweep;
mod usage;

use crate::checksum::{Crc64Nvme, Sha256};
use crate::error::StoreError;
use crate::key::{ThumbnailFormat, ThumbnailName};
use crate::upload::{Dimensions, Transition, VersionId};
use crate::usage::{Claim, Counters};
use crate::{Owner, Placeholder, ThumbnailKey, Upload, UploadId, UploadKey};
pub use files::*;
pub use multipart::*;
pub use reindex::*;
pub use sessions::*;
use std::fmt;
use std::future::Future;
use std::time::Duration;
pub use sweep::*;
use time::OffsetDateTime;
pub use usage::*;

/// Signs uploads.
pub trait PresignPut {
    /// Signs a PUT of exactly the upload's key, size, type, `Cache-Control` and checksum, that succeeds only when
    /// nothing lies under the key. `lifetime` is at most seven days. IAM: `s3:PutObject` at the time of the PUT.
    fn presign_put(
        &self,
        upload: &Upload,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> impl Future<Output = Result<SignedPut, StoreError>> + Send;
}

/// Signs uploads by form, for clients that cannot say the size.
pub trait PresignPost {
    /// Signs a POST of a form with exactly the upload's key, type and `Cache-Control`, whose file has a size that the upload's admits. It
    /// takes no precondition, so it is good for any number of POSTs until it expires. `lifetime` is at most seven days. IAM:
    /// `s3:PutObject` at the time of the POST.
    fn presign_post(
        &self,
        upload: &Upload,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> impl Future<Output = Result<SignedForm, StoreError>> + Send;
}

/// Reads what arrived, without reading it all.
pub trait HeadObject {
    /// The stored headers and first bytes of one version, or of the current one; `None` when there is none.
    /// The stored checksums are looked up only if asked for. IAM: `s3:GetObject`, `s3:GetObjectVersion`, `s3:ListBucket`.
    fn head_object(
        &self,
        key: &UploadKey,
        version: Option<&VersionId>,
        with_checksums: bool,
    ) -> impl Future<Output = Result<Option<StoredObject>, StoreError>> + Send;
}

/// Reads objects, as far as they are wanted.
pub trait GetObject {
    /// The bytes of one version, as they come.
    type Body: ReadChunk;

    /// Begins to read one version; `None` when there is none. The caller has checked the size. IAM: `s3:GetObjectVersion`.
    fn get_object(
        &self,
        key: &UploadKey,
        version: &VersionId,
    ) -> impl Future<Output = Result<Option<Self::Body>, StoreError>> + Send;
}

/// Bytes that come one chunk after the other. Dropped before its end, it fetches no more.
pub trait ReadChunk: Send {
    /// Bytes as storage hands them out.
    type Chunk: AsRef<[u8]> + Send;

    /// The next bytes; `None` at the end. Bytes that break off are a transient error, never an end.
    fn next_chunk(&mut self) -> impl Future<Output = Result<Option<Self::Chunk>, StoreError>> + Send;
}

/// Reads what the malware scanner has said.
pub trait GetVerdict {
    /// What the scanner has said of one version, by the tag that it leaves there; [`Verdict::NotAsked`], without a call, on a stack that has
    /// none. `None` when the version is gone. IAM: `s3:GetObjectVersionTagging`, where there is one.
    fn get_verdict(
        &self,
        key: &UploadKey,
        version: &VersionId,
    ) -> impl Future<Output = Result<Option<Verdict>, StoreError>> + Send;
}

/// What the malware scanner has said of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is scanned on this stack.
    NotAsked,
    /// Nothing that decides: no word yet, or that the scan failed, after which it may be asked again.
    Awaited,
    /// No threats were found.
    Clean {
        /// Whether the version carries our tag as well. Tags are written as a whole, so a scanner that comes twice can take it away.
        is_verified: bool,
    },
    /// Threats were found.
    Malware,
    /// It can never be scanned: too large, locked by a password, or packed too deep.
    Unscannable,
}

/// Opens the gate. Whoever does so knows what the scanner has said: tags are written as a whole, and a scanner that has yet to write its own
/// could lose ours, or we its.
pub trait TagVerified: GetVerdict {
    /// Tags one version `verified=true`, after which the bucket policy lets `CloudFront` read it; where there is a scanner, only one that is
    /// [`Verdict::Clean`], whose tag stays. `false` when the version is gone. IAM: `s3:PutObjectVersionTagging`.
    fn tag_verified(
        &self,
        key: &UploadKey,
        version: &VersionId,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

/// Removes objects.
pub trait DeleteVersion {
    /// Removes one version for good; a missing one is fine. IAM: `s3:DeleteObjectVersion`.
    fn delete_version(
        &self,
        key: &UploadKey,
        version: &VersionId,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Stores thumbnails.
pub trait PutThumbnail {
    /// Stores or replaces one thumbnail, under the content type of its key's format. IAM: `s3:PutObject`.
    fn put_thumbnail(
        &self,
        key: &ThumbnailKey,
        bytes: Vec<u8>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Removes thumbnails.
pub trait DeleteThumbnail {
    /// Removes one thumbnail; a missing one is fine. IAM: `s3:DeleteObject`.
    fn delete_thumbnail(&self, key: &ThumbnailKey) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// The most grants that are recorded at once.
pub const MAX_GRANTS: usize = 25;

/// Records grants.
pub trait PutUploads {
    /// Records new uploads of one owner, at most [`MAX_GRANTS`], each together with its idempotency record if there is one, and counts them
    /// if the owner's counters admit the claim, which is theirs: all of it or nothing at all. IAM: `dynamodb:PutItem`, `dynamodb:UpdateItem`.
    fn put_uploads(
        &self,
        grants: &[NewGrant],
        claim: &Claim,
    ) -> impl Future<Output = Result<PutOutcome, StoreError>> + Send;
}

/// Reads idempotency records.
pub trait GetIdempotencyRecord {
    /// The record of an owner's key, if it is still remembered at `now`. IAM: `dynamodb:GetItem`.
    fn get_idempotency_record(
        &self,
        owner: Owner,
        key_hash: &str,
        now: OffsetDateTime,
    ) -> impl Future<Output = Result<Option<IdempotencyRecord>, StoreError>> + Send;
}

/// Reads uploads.
pub trait GetUpload {
    /// The upload with all completed moves; `None` when the owner has none with this id. IAM: `dynamodb:GetItem`.
    fn get_upload(
        &self,
        owner: Owner,
        id: UploadId,
    ) -> impl Future<Output = Result<Option<Upload>, StoreError>> + Send;
}

/// Moves uploads.
pub trait UpdateUpload {
    /// Makes a move of an upload as it was read if the move's condition holds at this moment, and says what the upload has become; `None`
    /// when the condition does not hold or there is no such upload. See [`Upload::apply`].
    ///
    /// Where the move changes what the owner holds, its counters change in the same write, by the amounts of the upload as it was read:
    /// states only go forward, so a row that is still in the state it was read in holds what it did. A grant taken back before its client
    /// was known to have named a multipart upload ([`Upload::is_unnamed`]) is not moved when one was named since. IAM:
    /// `dynamodb:UpdateItem`.
    fn update_upload(
        &self,
        upload: &Upload,
        transition: &Transition,
    ) -> impl Future<Output = Result<Option<Upload>, StoreError>> + Send;
}

/// Renders thumbnails.
pub trait Render {
    /// The rendering of one file.
    type Job: RenderJob;

    /// Begins with a file.
    fn start(&self) -> Self::Job;
}

/// The rendering of one file, fed with its bytes from the first on.
pub trait RenderJob: Send {
    /// Takes the next bytes and says whether it needs more.
    fn push(&mut self, bytes: &[u8]) -> Progress;

    /// Everything there is to make of the file, from what was pushed: all of it, or as much as was enough. An error is the
    /// stable code of why the file will never have thumbnails.
    fn finish(self) -> impl Future<Output = Result<Rendered, &'static str>> + Send;
}

/// How far a rendering has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More bytes are needed, if there are any.
    More,
    /// No byte that follows can change the result.
    Enough,
}

/// What was made of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The file's width and height as displayed.
    pub source: Dimensions,
    /// What to show until a thumbnail has come.
    pub placeholder: Placeholder,
    /// Its thumbnails, at least one, no name twice.
    pub thumbnails: Vec<RenderedThumbnail>,
}

/// A thumbnail before it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedThumbnail {
    /// What it is called.
    pub name: ThumbnailName,
    /// What its bytes are.
    pub format: ThumbnailFormat,
    /// Its width and height.
    pub dimensions: Dimensions,
    /// The file.
    pub bytes: Vec<u8>,
}

/// A signed PUT of a whole file or of a part. Whoever holds it may upload: it is a credential, so it does not print its URL.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedPut {
    /// Where to send the bytes.
    pub url: String,
    /// The headers to send, names in lower case. All are signed, as is the `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// When the URL stops starting requests. It may stop sooner, with the credentials that signed it: Lambda does not
    /// tell their end.
    pub expires_at: OffsetDateTime,
}

impl fmt::Debug for SignedPut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedPut").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// A signed form. A credential like [`SignedPut`], and as silent.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedForm {
    /// Where to send it.
    pub url: String,
    /// Its fields by name. The file comes after them, as the field `file`.
    pub fields: Vec<(String, String)>,
    /// When it stops starting requests, with the reserve of [`SignedPut::expires_at`].
    pub expires_at: OffsetDateTime,
}

impl fmt::Debug for SignedForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedForm").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// A signed call that carries no bytes of a file. A credential like [`SignedPut`], and as silent.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedCall {
    /// Where to send it.
    pub url: String,
    /// The headers to send, names in lower case. All are signed.
    pub headers: Vec<(String, String)>,
    /// When the URL stops starting requests, with the reserve of [`SignedPut::expires_at`].
    pub expires_at: OffsetDateTime,
}

impl fmt::Debug for SignedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedCall").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// What lies under a key.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// Which version this is.
    pub version: VersionId,
    /// When it was stored, to the second; `None` where the store does not tell.
    pub stored_at: Option<OffsetDateTime>,
    /// Its size.
    pub size_bytes: u64,
    /// The headers it was stored with.
    pub headers: StoredHeaders,
    /// The SHA-256 S3 computed when it arrived; `None` when not asked for or stored without one.
    pub sha256: Option<Sha256>,
    /// The CRC-64/NVME S3 computed over it; `None` when not asked for, or where the store computes none.
    pub crc64nvme: Option<Crc64Nvme>,
    /// Its first bytes: [`StoredObject::FIRST_BYTES`] or all it has.
    pub first_bytes: Vec<u8>,
}

impl StoredObject {
    /// How many first bytes are read: enough for every signature of [`crate::MediaType::matches`].
    pub const FIRST_BYTES: u64 = 512;
}

impl fmt::Debug for StoredObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredObject")
            .field("version", &self.version)
            .field("size_bytes", &self.size_bytes)
            .finish_non_exhaustive()
    }
}

/// The headers an object was stored with, `None` for those it has not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredHeaders {
    /// `Content-Type`
    pub content_type: Option<String>,
    /// `Cache-Control`
    pub cache_control: Option<String>,
    /// `Content-Disposition`
    pub content_disposition: Option<String>,
    /// `Content-Encoding`
    pub content_encoding: Option<String>,
    /// `Content-Language`
    pub content_language: Option<String>,
    /// `Expires`
    pub expires: Option<String>,
    /// `x-amz-website-redirect-location`
    pub website_redirect: Option<String>,
    /// Whether it has any `x-amz-meta-…`.
    pub has_metadata: bool,
}

/// What an idempotency key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// SHA-256 of the key, hex: the key itself is client text.
    pub key_hash: String,
    /// SHA-256 of what was asked for, hex.
    pub fingerprint: String,
    /// The upload that answered it.
    pub upload_id: UploadId,
    /// Until when it is remembered.
    pub expires_at: OffsetDateTime,
}

/// A grant to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGrant {
    /// The upload.
    pub upload: Upload,
    /// What its idempotency key stands for, if it has one.
    pub idempotency: Option<IdempotencyRecord>,
}

/// What became of [`PutUploads::put_uploads`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    /// Recorded and counted, now or by a first try whose answer was lost.
    Created,
    /// Nothing recorded, for one reason or both.
    Refused {
        /// The places of the grants whose idempotency keys are taken.
        taken: Vec<usize>,
        /// The owner's counters, where they do not admit the claim.
        counters: Option<Counters>,
    },
    /// Nothing recorded: another write with one of the same keys is under way.
    Busy,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_credential_prints() {
        let (secret, expires_at) =
            ("https://bucket.example/?X-Amz-Signature=1a2b", OffsetDateTime::UNIX_EPOCH);
        let named = vec![("policy".to_owned(), secret.to_owned())];
        for printed in [
            format!("{:?}", SignedPut { url: secret.to_owned(), headers: named.clone(), expires_at }),
            format!("{:?}", SignedForm { url: secret.to_owned(), fields: named.clone(), expires_at }),
            format!("{:?}", SignedCall { url: secret.to_owned(), headers: named.clone(), expires_at }),
        ] {
            assert!(printed.contains("expires_at") && !printed.contains("1a2b"), "{printed}");
        }
    }
}
