//! What issuing needs of one bucket: a signer that talks to nobody, and a client for the few grants that are for many parts.

use crate::{Connection, S3Bucket, S3Presigner};
use std::sync::OnceLock;
use std::time::Duration;
use time::OffsetDateTime;
use valet_core::error::StoreError;
use valet_core::parts::PartNumber;
use valet_core::ports::{
    CreateMultipart, ListParts, PartsPage, PresignPart, PresignPut, SignedPut, WantedPart,
};
use valet_core::upload::MultipartId;
use valet_core::{Upload, UploadKey};

/// One bucket to issue grants for.
pub struct S3Grants {
    signer: S3Presigner,
    connection: Connection,
    bucket: String,
    account: String,
    is_scanned: bool,
    /// Made when first asked for: most starts never need it.
    client: OnceLock<S3Bucket>,
}

impl S3Grants {
    /// The bucket of this name. Every call fails if it belongs to another account than `account` by now.
    pub fn new(connection: &Connection, bucket: String, account: String) -> Self {
        let signer = S3Presigner::new(connection, &bucket);
        let (connection, client) = (connection.clone(), OnceLock::new());
        Self { signer, connection, bucket, account, is_scanned: false, client }
    }

    /// The same, with a malware scanner or without.
    pub(crate) fn scanned(self, is_scanned: bool) -> Self {
        Self { is_scanned, ..self }
    }

    pub(crate) fn signer(&self) -> &S3Presigner {
        &self.signer
    }

    pub(crate) fn client(&self) -> &S3Bucket {
        self.client.get_or_init(|| {
            S3Bucket::new(&self.connection, self.bucket.clone(), self.account.clone())
                .scanned(self.is_scanned)
        })
    }
}

impl PresignPut for S3Grants {
    async fn presign_put(
        &self,
        upload: &Upload,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Result<SignedPut, StoreError> {
        self.signer.presign_put(upload, now, lifetime).await
    }
}

impl PresignPart for S3Grants {
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

impl CreateMultipart for S3Grants {
    async fn create_multipart(&self, upload: &Upload) -> Result<MultipartId, StoreError> {
        self.client().create_multipart(upload).await
    }
}

impl ListParts for S3Grants {
    async fn list_parts(
        &self,
        key: &UploadKey,
        id: &MultipartId,
        after: Option<PartNumber>,
    ) -> Result<Option<PartsPage>, StoreError> {
        self.client().list_parts(key, id, after).await
    }
}
