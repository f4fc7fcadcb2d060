//! What answering Uppy needs of one bucket: a signer of its forms and calls, and a client for those around parts that are ours to make.

use crate::{Connection, S3Grants};
use std::time::Duration;
use time::OffsetDateTime;
use valet_core::checksum::Crc64Nvme;
use valet_core::error::StoreError;
use valet_core::parts::PartNumber;
use valet_core::ports::{
    AbortMultipart, CompleteMultipart, Completion, CreateMultipart, DeleteVersion, GetVerdict, HeadObject,
    ListParts, MultipartCall, PartsPage, PresignMultipart, PresignPart, PresignPost, SignedCall, SignedForm,
    SignedPut, StoredObject, StoredPart, TagVerified, Verdict, WantedPart,
};
use valet_core::upload::{MultipartId, VersionId};
use valet_core::{Upload, UploadKey};

/// One bucket to answer Uppy for: that of [`S3Grants`], whose client is made when first asked for, as most calls sign and need none.
pub struct S3Companion(S3Grants);

impl S3Companion {
    /// The bucket of this name. Every call fails if it belongs to another account than `account` by now.
    pub fn new(connection: &Connection, bucket: String, account: String) -> Self {
        Self(S3Grants::new(connection, bucket, account))
    }

    /// The same, with a malware scanner or without.
    #[must_use]
    pub fn scanned(self, is_scanned: bool) -> Self {
        Self(self.0.scanned(is_scanned))
    }
}

impl PresignPost for S3Companion {
    async fn presign_post(
        &self,
        upload: &Upload,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Result<SignedForm, StoreError> {
        self.0.signer().presign_post(upload, now, lifetime).await
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
        self.0.presign_part(key, id, part, now, lifetime).await
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
        self.0.signer().presign_multipart(key, call, now, lifetime).await
    }
}

impl CreateMultipart for S3Companion {
    async fn create_multipart(&self, upload: &Upload) -> Result<MultipartId, StoreError> {
        self.0.create_multipart(upload).await
    }
}

impl ListParts for S3Companion {
    async fn list_parts(
        &self,
        key: &UploadKey,
        id: &MultipartId,
        after: Option<PartNumber>,
    ) -> Result<Option<PartsPage>, StoreError> {
        self.0.list_parts(key, id, after).await
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
        self.0.client().complete_multipart(key, id, parts, size_bytes, crc64nvme).await
    }
}

impl AbortMultipart for S3Companion {
    async fn abort_multipart(&self, key: &UploadKey, id: &MultipartId) -> Result<(), StoreError> {
        self.0.client().abort_multipart(key, id).await
    }
}

impl HeadObject for S3Companion {
    async fn head_object(
        &self,
        key: &UploadKey,
        version: Option<&VersionId>,
        with_checksums: bool,
    ) -> Result<Option<StoredObject>, StoreError> {
        self.0.client().head_object(key, version, with_checksums).await
    }
}

impl GetVerdict for S3Companion {
    async fn get_verdict(&self, key: &UploadKey, version: &VersionId) -> Result<Option<Verdict>, StoreError> {
        self.0.client().get_verdict(key, version).await
    }
}

impl TagVerified for S3Companion {
    async fn tag_verified(&self, key: &UploadKey, version: &VersionId) -> Result<bool, StoreError> {
        self.0.client().tag_verified(key, version).await
    }
}

impl DeleteVersion for S3Companion {
    async fn delete_version(&self, key: &UploadKey, version: &VersionId) -> Result<(), StoreError> {
        self.0.client().delete_version(key, version).await
    }
}
