//! Every version of what an upload has in the bucket: listed and removed for good.

use super::S3Bucket;
use crate::error::{bad_answer, store_error};
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use futures_util::future::join_all;
use valet_core::error::StoreError;
use valet_core::ports::{DeleteVersions, ListVersions, ObjectVersion, Stored};
use valet_core::upload::VersionId;

/// How many removals are under way at once.
const AT_ONCE: usize = 16;

impl ListVersions for S3Bucket {
    async fn list_versions(&self, of: &Stored) -> Result<Vec<ObjectVersion>, StoreError> {
        let prefix = match of {
            Stored::File(key) => key.to_string(),
            Stored::Thumbnails(prefix) => prefix.to_string(),
        };
        let listed = self
            .client
            .list_object_versions()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .prefix(&prefix)
            .send()
            .await
            .map_err(|error| store_error("ListObjectVersions", error))?;
        let mut versions = versions(&listed)
            .ok_or_else(|| bad_answer("ListObjectVersions", "a version without key or id"))?;
        if let Stored::File(_) = of {
            // A key that goes on after it is another's. Its own come first.
            versions.retain(|version| version.key == prefix);
        }
        Ok(versions)
    }
}

fn versions(listed: &ListObjectVersionsOutput) -> Option<Vec<ObjectVersion>> {
    let stored = listed.versions().iter().map(|stored| (stored.key(), stored.version_id()));
    let markers = listed.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
    let version = |(key, version): (Option<&str>, Option<&str>)| {
        Some(ObjectVersion { key: key?.to_owned(), version: VersionId::new(version?) })
    };
    stored.chain(markers).map(version).collect()
}

impl DeleteVersions for S3Bucket {
    /// One request a version, and not `DeleteObjects`: for that one AWS's reference asks for `s3:DeleteObject` as well, with which a
    /// whole object could be hidden.
    async fn delete_versions(&self, versions: &[ObjectVersion]) -> Result<(), StoreError> {
        for some in versions.chunks(AT_ONCE) {
            let deletes = some.iter().map(|version| self.delete(&version.key, &version.version));
            // Each is waited for, so that none is left to do what may be asked for again.
            join_all(deletes).await.into_iter().collect::<Result<(), _>>()?;
        }
        Ok(())
    }
}
