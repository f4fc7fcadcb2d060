//! The calls of `valet reindex`, failing when told to.

use super::Failing;
use crate::error::StoreError;
use crate::ports::{GetTags, RestoreUpload, ScanUploads, ScannedPage, TablePlace, Tags};
use crate::upload::VersionId;
use crate::{Upload, UploadKey};

impl<T: ScanUploads + Sync> ScanUploads for Failing<'_, T> {
    async fn scan_uploads(&self, after: Option<&TablePlace>, items: u16) -> Result<ScannedPage, StoreError> {
        self.call("Scan", self.inner.scan_uploads(after, items)).await
    }
}

impl<T: RestoreUpload + Sync> RestoreUpload for Failing<'_, T> {
    async fn restore_upload(&self, upload: &Upload) -> Result<bool, StoreError> {
        self.call("PutItem", self.inner.restore_upload(upload)).await
    }
}

impl<T: GetTags + Sync> GetTags for Failing<'_, T> {
    async fn get_tags(&self, key: &UploadKey, version: &VersionId) -> Result<Option<Tags>, StoreError> {
        self.call("GetObjectTagging", self.inner.get_tags(key, version)).await
    }
}
