//! Everything a bucket holds, for tests that compare it with what the rows say. It shows more than S3 would in one answer, and changes nothing.

use super::MemoryBucket;
use crate::upload::{MultipartId, VersionId};

/// One version in a bucket, or a delete marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its key.
    pub key: String,
    /// Which version.
    pub version: VersionId,
    /// Its size.
    pub size_bytes: u64,
    /// Whether it may be served.
    pub is_tagged: bool,
    /// Whether nothing newer lies under its key.
    pub is_latest: bool,
    /// Whether it is a delete marker.
    pub is_delete_marker: bool,
}

impl MemoryBucket {
    /// Everything, in the order of the keys, the oldest version of each first.
    pub fn everything(&self) -> Vec<Kept> {
        let contents = self.contents();
        let versions = contents.objects.iter().flat_map(|(key, versions)| {
            let last = versions.len().saturating_sub(1);
            versions.iter().enumerate().map(move |(place, version)| Kept {
                key: key.clone(),
                version: version.id.clone(),
                size_bytes: version.bytes.len() as u64,
                is_tagged: version.is_tagged,
                is_latest: place == last,
                is_delete_marker: version.is_delete_marker,
            })
        });
        versions.collect()
    }

    /// The keys and names of the multipart uploads that are open.
    pub fn multiparts(&self) -> Vec<(String, MultipartId)> {
        let contents = self.contents();
        contents.multiparts.iter().map(|(id, open)| (open.key.to_string(), MultipartId::new(id))).collect()
    }
}
