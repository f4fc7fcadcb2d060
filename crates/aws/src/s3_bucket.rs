//! The S3 ports on one bucket.
//!
//! The bucket must be versioned. IAM: what each port of `valet_core::ports` names, on `uploads/*` and `thumbnails/*`.

mod tags;
mod versions;

use crate::Connection;
use crate::error::{bad_answer, store_error};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::ChecksumMode;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::byte_stream::error::Error as ByteStreamError;
use bytes::Bytes;
use time::OffsetDateTime;
use valet_core::checksum::{Crc64Nvme, Sha256};
use valet_core::error::{StoreError, StoreErrorKind};
use valet_core::key::CACHE_CONTROL;
use valet_core::ports::{
    DeleteThumbnail, DeleteVersion, GetObject, HeadObject, PutThumbnail, ReadChunk, StoredHeaders,
    StoredObject,
};
use valet_core::upload::VersionId;
use valet_core::{ThumbnailKey, UploadKey};

/// One bucket.
pub struct S3Bucket {
    client: aws_sdk_s3::Client,
    bucket: String,
    account: String,
    is_scanned: bool,
}

impl S3Bucket {
    /// The bucket of this name, in which nothing is scanned. Every call fails if it belongs to another account than `account` by now.
    pub fn new(connection: &Connection, bucket: String, account: String) -> Self {
        Self { client: connection.s3(), bucket, account, is_scanned: false }
    }

    /// The same, with a malware scanner or without.
    #[must_use]
    pub fn scanned(self, is_scanned: bool) -> Self {
        Self { is_scanned, ..self }
    }

    pub(crate) fn client(&self) -> &aws_sdk_s3::Client {
        &self.client
    }

    pub(crate) fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The account the bucket must belong to.
    pub(crate) fn account(&self) -> &str {
        &self.account
    }

    /// What S3 says of a version, or of the current one, without its bytes; `None` when there is none. Unlike a ranged read it
    /// works on an empty object and carries the stored checksum.
    async fn head(
        &self,
        key: &str,
        version: Option<&VersionId>,
    ) -> Result<Option<HeadObjectOutput>, StoreError> {
        let head = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .key(key)
            .set_version_id(version.map(|version| version.as_str().to_owned()))
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await;
        found("HeadObject", head)
    }

    /// Removes one version for good.
    async fn delete(&self, key: &str, version: &VersionId) -> Result<(), StoreError> {
        let deleted = self
            .client
            .delete_object()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .key(key)
            .version_id(version.as_str())
            .send()
            .await;
        found("DeleteObject", deleted).map(drop)
    }

    /// What is known of an empty object: enough to reject it, as every grant is for at least one byte.
    async fn head_empty(
        &self,
        key: &str,
        version: Option<&VersionId>,
    ) -> Result<Option<StoredObject>, StoreError> {
        let Some(head) = self.head(key, version).await? else { return Ok(None) };
        Ok(Some(StoredObject {
            version: version_of("HeadObject", head.version_id())?,
            stored_at: head.last_modified().and_then(time_of),
            size_bytes: 0,
            headers: StoredHeaders::default(),
            sha256: None,
            crc64nvme: None,
            first_bytes: Vec::new(),
        }))
    }
}

impl HeadObject for S3Bucket {
    async fn head_object(
        &self,
        key: &UploadKey,
        version: Option<&VersionId>,
        with_checksums: bool,
    ) -> Result<Option<StoredObject>, StoreError> {
        let key = key.to_string();
        let got = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .key(&key)
            .set_version_id(version.map(|version| version.as_str().to_owned()))
            .range(format!("bytes=0-{}", StoredObject::FIRST_BYTES - 1))
            .send()
            .await;
        let got = match got {
            // An empty object has no first byte to give.
            Err(SdkError::ServiceError(answer)) if answer.raw().status().as_u16() == 416 => {
                return self.head_empty(&key, version).await;
            }
            got => got,
        };
        let Some(got) = found("GetObject", got)? else { return Ok(None) };
        let version = version_of("GetObject", got.version_id())?;
        let size_bytes = whole_size(&got).ok_or_else(|| bad_answer("GetObject", "no size"))?;
        let stored_at = got.last_modified().and_then(time_of);
        let headers = stored_headers(&got);
        let first_bytes = read_first("GetObject", got.body).await?;
        let (mut sha256, mut crc64nvme) = (None, None);
        if with_checksums {
            let Some(head) = self.head(&key, Some(&version)).await? else { return Ok(None) };
            sha256 = head.checksum_sha256().and_then(Sha256::parse);
            crc64nvme = head.checksum_crc64_nvme().and_then(Crc64Nvme::parse);
        }
        Ok(Some(StoredObject { version, stored_at, size_bytes, headers, sha256, crc64nvme, first_bytes }))
    }
}

impl GetObject for S3Bucket {
    type Body = S3Body;

    async fn get_object(&self, key: &UploadKey, version: &VersionId) -> Result<Option<S3Body>, StoreError> {
        let got = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .key(key.to_string())
            .version_id(version.as_str())
            .send()
            .await;
        Ok(found("GetObject", got)?.map(|got| S3Body(got.body)))
    }
}

/// The bytes of an object. Dropped before its end it closes its connection, so that S3 sends no more than what is under way.
pub struct S3Body(ByteStream);

impl ReadChunk for S3Body {
    type Chunk = Bytes;

    async fn next_chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
        self.0.next().await.transpose().map_err(|error| broken_off("GetObject", error))
    }
}

impl DeleteVersion for S3Bucket {
    async fn delete_version(&self, key: &UploadKey, version: &VersionId) -> Result<(), StoreError> {
        self.delete(&key.to_string(), version).await
    }
}

impl PutThumbnail for S3Bucket {
    async fn put_thumbnail(&self, key: &ThumbnailKey, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .key(key.to_string())
            .content_type(key.format.content_type())
            .cache_control(CACHE_CONTROL)
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map(drop)
            .map_err(|error| store_error("PutObject", error))
    }
}

impl DeleteThumbnail for S3Bucket {
    async fn delete_thumbnail(&self, key: &ThumbnailKey) -> Result<(), StoreError> {
        let deleted = self
            .client
            .delete_object()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .key(key.to_string())
            .send()
            .await;
        found("DeleteObject", deleted).map(drop)
    }
}

/// The answer, or `None` where S3 says that there is no such key, version or multipart upload.
///
/// A version id that this bucket never gave out is a 400 `InvalidArgument`; a removed one is a 404, and 405 where its key's
/// newest version is a delete marker.
pub(crate) fn found<T, E>(
    operation: &'static str,
    answer: Result<T, SdkError<E, HttpResponse>>,
) -> Result<Option<T>, StoreError>
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(SdkError::ServiceError(answer))
            if matches!(answer.raw().status().as_u16(), 404 | 405)
                && answer.err().code() != Some("NoSuchBucket") =>
        {
            Ok(None)
        }
        Err(error) => Err(store_error(operation, error)),
    }
}

fn version_of(operation: &'static str, version: Option<&str>) -> Result<VersionId, StoreError> {
    version
        .map(VersionId::new)
        .ok_or_else(|| bad_answer(operation, "no version id: the bucket must be versioned"))
}

/// The size of the whole object: what follows the slash in `Content-Range: bytes 0-511/482113`. A server may ignore a range and
/// answer with the whole, which then has only its length (RFC 9110, section 14.2).
fn whole_size(got: &GetObjectOutput) -> Option<u64> {
    match got.content_range() {
        Some(range) => range.rsplit_once('/')?.1.parse().ok(),
        None => got.content_length()?.try_into().ok(),
    }
}

pub(crate) fn time_of(time: &DateTime) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(time.secs()).ok()
}

fn stored_headers(got: &GetObjectOutput) -> StoredHeaders {
    let text = |header: Option<&str>| header.filter(|value| !value.is_empty()).map(str::to_owned);
    StoredHeaders {
        content_type: text(got.content_type()),
        cache_control: text(got.cache_control()),
        content_disposition: text(got.content_disposition()),
        content_encoding: text(got.content_encoding()),
        content_language: text(got.content_language()),
        expires: text(got.expires_string()),
        website_redirect: text(got.website_redirect_location()),
        has_metadata: got.metadata().is_some_and(|metadata| !metadata.is_empty())
            || got.missing_meta().is_some(),
    }
}

/// The first [`StoredObject::FIRST_BYTES`], and no more even where the whole is sent.
async fn read_first(operation: &'static str, mut body: ByteStream) -> Result<Vec<u8>, StoreError> {
    let wanted = usize::try_from(StoredObject::FIRST_BYTES).expect("512 fits");
    let mut first = Vec::with_capacity(wanted);
    while first.len() < wanted {
        let Some(bytes) = body.next().await else { break };
        first.extend_from_slice(&bytes.map_err(|error| broken_off(operation, error))?);
    }
    first.truncate(wanted);
    Ok(first)
}

fn broken_off(operation: &'static str, error: ByteStreamError) -> StoreError {
    StoreError { operation, kind: StoreErrorKind::Transient, source: Box::new(error) }
}
