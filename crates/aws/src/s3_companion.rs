//! What answering Uppy needs of one bucket: a signer of its forms and calls, and a client for those around parts that are ours to make.

use crate::{Connection, S3Bucket, S3Presigner};
use std::time::Duration;
use time::OffsetDateTime;
use valet_core::checksum::Crc64Nvme;
use valet_core::error::StoreError;
use valet_core::parts::PartNumber;
use valet_core::ports::{
    AbortMultipart, CompleteMultipart, Completion, CreateMultipart, DeleteVersion, HeadObject, ListParts,
    MultipartCall, PartsPage, PresignMultipart, PresignPart, PresignPost, SignedCall, SignedForm, SignedPut,
    StoredObject, StoredPart, TagVerified, WantedPart,
};
use valet_core::upload::{MultipartId, VersionId};
use valet_core::{Upload, UploadKey};

/// One bucket to answer Uppy for.
pub struct S3Companion {
    signer: S3Presigner,
    client: S3Bucket,
}

impl S3Companion {
    /// The bucket of this name. Every call fails if it belongs to another account than `account` by now.
    pub fn new(connection: &Connection, bucket: String, account: String) -> Self {
        let signer = S3Presigner::new(connection, &bucket);
        Self { signer, client: S3Bucket::new(connection, bucket, account) }
    }
}

impl PresignPost for S3Companion {
    async fn presign_post(
        &self,
        upload: &Upload,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Result<SignedForm, StoreError> {
        self.signer.presign_post(upload, now, lifetime).await
    }
}

impl PresignPart for S3Companion {
    async fn presign_part(
        &self,
        key: &UploadKey,
        id: &MultipartId,
        part: &WantedPart,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Result<SignedPut, StoreError> {
        self.signer.presign_part(key, id, part, now, lifetime).await
    }
}

impl PresignMultipart for S3Companion {
    async fn presign_multipart(
        &self,
        key: &UploadKey,
        call: &MultipartCall,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Result<SignedCall, StoreError> {
        self.signer.presign_multipart(key, call, now, lifetime).await
    }
}

impl CreateMultipart for S3Companion {
    async fn create_multipart(&self, upload: &Upload) -> Result<MultipartId, StoreError> {
        self.client.create_multipart(upload).await
    }
}

impl ListParts for S3Companion {
    async fn list_parts(
        &self,
        key: &UploadKey,
        id: &MultipartId,
        after: Option<PartNumber>,
    ) -> Result<Option<PartsPage>, StoreError> {
        self.client.list_parts(key, id, after).await
    }
}

impl CompleteMultipart for S3Companion {
    async fn complete_multipart(
        &self,
        key: &UploadKey,
        id: &MultipartId,
        parts: &[StoredPart],
        size_bytes: u64,
        crc64nvme: Option<Crc64Nvme>,
    ) -> Result<Completion, StoreError> {
        self.client.complete_multipart(key, id, parts, size_bytes, crc64nvme).await
    }
}

impl AbortMultipart for S3Companion {
    async fn abort_multipart(&self, key: &UploadKey, id: &MultipartId) -> Result<(), StoreError> {
        self.client.abort_multipart(key, id).await
    }
}

impl HeadObject for S3Companion {
    async fn head_object(
        &self,
        key: &UploadKey,
        version: Option<&VersionId>,
        with_checksums: bool,
    ) -> Result<Option<StoredObject>, StoreError> {
        self.client.head_object(key, version, with_checksums).await
    }
}

impl TagVerified for S3Companion {
    async fn tag_verified(&self, key: &UploadKey, version: &VersionId) -> Result<bool, StoreError> {
        self.client.tag_verified(key, version).await
    }
}

impl DeleteVersion for S3Companion {
    async fn delete_version(&self, key: &UploadKey, version: &VersionId) -> Result<(), StoreError> {
        self.client.delete_version(key, version).await
    }
}
