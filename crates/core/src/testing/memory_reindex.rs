//! What `valet reindex` needs, in memory: all rows, a row put where there is none, and tags.

use super::{MemoryBucket, MemoryTable};
use crate::error::StoreError;
use crate::ports::{GetTags, RestoreUpload, ScanUploads, ScannedPage, TablePlace, Tags, Verdict};
use crate::upload::VersionId;
use crate::{Upload, UploadKey};

impl MemoryTable {
    /// The uploads and the counters as they are now: what the table can be set back to.
    #[must_use]
    pub fn copy(&self) -> Self {
        let copy = Self::with(self.uploads());
        copy.items().usage.clone_from(&self.items().usage);
        copy
    }
}

impl ScanUploads for MemoryTable {
    async fn scan_uploads(&self, after: Option<&TablePlace>, items: u16) -> Result<ScannedPage, StoreError> {
        let limit = usize::from(items);
        let all = self.uploads().into_iter();
        let behind = |upload: &Upload| {
            after.is_none_or(|after| {
                (upload.owner.to_string(), upload.id.to_string())
                    > (after.partition.clone(), after.sort.clone())
            })
        };
        let uploads: Vec<_> = all.filter(behind).take(limit).collect();
        // As DynamoDB: a full page says that there may be more, also at the very end.
        let last = uploads.last().filter(|_| uploads.len() == limit);
        let next =
            last.map(|last| TablePlace { partition: last.owner.to_string(), sort: last.id.to_string() });
        Ok(ScannedPage { uploads, next })
    }
}

impl RestoreUpload for MemoryTable {
    async fn restore_upload(&self, upload: &Upload) -> Result<bool, StoreError> {
        let mut items = self.items();
        let row = items.uploads.entry((upload.owner, upload.id));
        let is_new = matches!(row, std::collections::btree_map::Entry::Vacant(_));
        row.or_insert_with(|| upload.clone());
        Ok(is_new)
    }
}

impl MemoryBucket {
    /// Notes that a malware scanner has found nothing in this version.
    pub fn find_clean(&self, key: &UploadKey, version: &VersionId) {
        if let Some(found) = self.contents().find(key, Some(version)) {
            found.scan = Some(Verdict::Clean { is_verified: found.is_tagged });
        }
    }

    /// Hides what lies under an upload's key, as an operator would.
    pub fn hide(&self, key: &UploadKey) {
        self.contents().push_delete_marker(key.to_string());
    }
}

impl GetTags for MemoryBucket {
    async fn get_tags(&self, key: &UploadKey, version: &VersionId) -> Result<Option<Tags>, StoreError> {
        let mut contents = self.contents();
        let found = contents.find(key, Some(version));
        Ok(found.map(|found| Tags {
            is_verified: found.is_tagged,
            is_clean: matches!(found.scan, Some(Verdict::Clean { .. })),
        }))
    }
}
