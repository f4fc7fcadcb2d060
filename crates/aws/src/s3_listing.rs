//! Lists of what lies in the bucket, a page at a time.
//!
//! IAM: `s3:ListBucketVersions`, `s3:ListBucketMultipartUploads` on the bucket.

use crate::S3Bucket;
use crate::error::{bad_answer, store_error};
use crate::s3_bucket::time_of;
use aws_sdk_s3::types::{MultipartUpload, ObjectVersion};
use valet_core::error::StoreError;
use valet_core::ports::{
    ListMultiparts, ListObjectVersions, ListedVersion, MultipartsPage, OpenMultipart, Place, Under,
    VersionsPage,
};
use valet_core::upload::{MultipartId, VersionId};

impl ListObjectVersions for S3Bucket {
    async fn list_object_versions(
        &self,
        under: &Under,
        after: Option<&Place>,
        limit: u16,
    ) -> Result<VersionsPage, StoreError> {
        const OPERATION: &str = "ListObjectVersions";
        let prefix = under.to_string();
        let page = self
            .client()
            .list_object_versions()
            .bucket(self.bucket())
            .expected_bucket_owner(self.account())
            .prefix(&prefix)
            .set_key_marker(after.map(|place| place.key.clone()))
            .set_version_id_marker(after.map(|place| place.id.clone()))
            .max_keys(limit.into())
            .send()
            .await
            .map_err(|error| store_error(OPERATION, error))?;
        let next = next(OPERATION, page.is_truncated(), page.next_key_marker, page.next_version_id_marker)?;
        let is_asked = |version: &ObjectVersion| match under {
            // A prefix may be that of longer keys.
            Under::File(_) => version.key() == Some(&prefix),
            Under::Uploads | Under::Thumbnails => true,
        };
        let versions = page.versions.unwrap_or_default().into_iter().filter(is_asked);
        let versions = versions.map(|version| {
            listed(version).ok_or_else(|| bad_answer(OPERATION, "a version without key, id or time"))
        });
        Ok(VersionsPage { versions: versions.collect::<Result<_, _>>()?, next })
    }
}

fn listed(version: ObjectVersion) -> Option<ListedVersion> {
    Some(ListedVersion {
        version: VersionId::new(version.version_id?),
        is_latest: version.is_latest?,
        stored_at: time_of(version.last_modified.as_ref()?)?,
        key: version.key?,
    })
}

impl ListMultiparts for S3Bucket {
    async fn list_multiparts(&self, after: Option<&Place>, limit: u16) -> Result<MultipartsPage, StoreError> {
        const OPERATION: &str = "ListMultipartUploads";
        let page = self
            .client()
            .list_multipart_uploads()
            .bucket(self.bucket())
            .expected_bucket_owner(self.account())
            .prefix(Under::Uploads.to_string())
            .set_key_marker(after.map(|place| place.key.clone()))
            .set_upload_id_marker(after.map(|place| place.id.clone()))
            .max_uploads(limit.into())
            .send()
            .await
            .map_err(|error| store_error(OPERATION, error))?;
        let next = next(OPERATION, page.is_truncated(), page.next_key_marker, page.next_upload_id_marker)?;
        let multiparts = page.uploads.unwrap_or_default().into_iter().map(|upload| {
            open(upload).ok_or_else(|| bad_answer(OPERATION, "a multipart upload without key, id or time"))
        });
        Ok(MultipartsPage { multiparts: multiparts.collect::<Result<_, _>>()?, next })
    }
}

fn open(upload: MultipartUpload) -> Option<OpenMultipart> {
    Some(OpenMultipart {
        id: MultipartId::new(upload.upload_id?),
        begun_at: time_of(upload.initiated.as_ref()?)?,
        key: upload.key?,
    })
}

/// Where a list goes on, if it does. One that should and does not say where would be read from its beginning for ever.
fn next(
    operation: &'static str,
    is_truncated: Option<bool>,
    key: Option<String>,
    id: Option<String>,
) -> Result<Option<Place>, StoreError> {
    if is_truncated != Some(true) {
        return Ok(None);
    }
    let place = key.zip(id).map(|(key, id)| Place { key, id });
    place.map(Some).ok_or_else(|| bad_answer(operation, "a page without the place where the next begins"))
}
