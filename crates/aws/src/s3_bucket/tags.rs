//! What is noted on a version: our own tag and the malware scanner's. S3 writes the tags of a version as a whole.

use super::{S3Bucket, found};
use aws_sdk_s3::types::{Tag, Tagging};
use valet_core::UploadKey;
use valet_core::error::StoreError;
use valet_core::ports::{GetTags, GetVerdict, TagVerified, Tags, Verdict};
use valet_core::upload::VersionId;

/// The tag that the bucket policy lets CloudFront read by.
const VERIFIED: (&str, &str) = ("verified", "true");

/// The tag that `GuardDuty`'s Malware Protection for S3 leaves, and any scanner that stands in for it.
/// Source: <https://docs.aws.amazon.com/guardduty/latest/ug/monitoring-malware-protection-s3-scans-gdu.html>
const SCAN_STATUS: &str = "GuardDutyMalwareScanStatus";

/// What it says of an object without threats: the one value that the bucket policy lets CloudFront read by.
const NO_THREATS_FOUND: &str = "NO_THREATS_FOUND";

impl S3Bucket {
    /// All tags of a version; `None` when it is gone.
    async fn tags(&self, key: &UploadKey, version: &VersionId) -> Result<Option<Vec<Tag>>, StoreError> {
        let got = self
            .client
            .get_object_tagging()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .key(key.to_string())
            .version_id(version.as_str())
            .send()
            .await;
        Ok(found("GetObjectTagging", got)?.map(|got| got.tag_set))
    }
}

impl GetTags for S3Bucket {
    async fn get_tags(&self, key: &UploadKey, version: &VersionId) -> Result<Option<Tags>, StoreError> {
        Ok(self.tags(key, version).await?.map(|tags| Tags {
            is_verified: has(&tags, VERIFIED),
            is_clean: has(&tags, (SCAN_STATUS, NO_THREATS_FOUND)),
        }))
    }
}

fn has(tags: &[Tag], wanted: (&str, &str)) -> bool {
    tags.iter().any(|tag| (tag.key(), tag.value()) == wanted)
}

impl GetVerdict for S3Bucket {
    async fn get_verdict(&self, key: &UploadKey, version: &VersionId) -> Result<Option<Verdict>, StoreError> {
        if !self.is_scanned {
            return Ok(Some(Verdict::NotAsked));
        }
        Ok(self.tags(key, version).await?.map(|tags| verdict(&tags)))
    }
}

/// What a version's tags say. A word that the scanner may learn one day decides nothing.
fn verdict(tags: &[Tag]) -> Verdict {
    match tags.iter().find(|tag| tag.key() == SCAN_STATUS).map(Tag::value) {
        Some(NO_THREATS_FOUND) => Verdict::Clean { is_verified: has(tags, VERIFIED) },
        Some("THREATS_FOUND") => Verdict::Malware,
        Some("UNSUPPORTED") => Verdict::Unscannable,
        // FAILED and ACCESS_DENIED: it may be scanned again.
        Some(_) | None => Verdict::Awaited,
    }
}

impl TagVerified for S3Bucket {
    async fn tag_verified(&self, key: &UploadKey, version: &VersionId) -> Result<bool, StoreError> {
        // All there are: what is not among them is gone.
        let tags = [VERIFIED, (SCAN_STATUS, NO_THREATS_FOUND)];
        let tags = if self.is_scanned { &tags[..] } else { &tags[..1] };
        let tag = |(key, value): &(&str, &str)| {
            Tag::builder().key(*key).value(*value).build().expect("key and value are there")
        };
        let tags = tags.iter().map(tag).collect();
        let tagging = Tagging::builder().set_tag_set(Some(tags)).build().expect("there are tags");
        let tagged = self
            .client
            .put_object_tagging()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .key(key.to_string())
            .version_id(version.as_str())
            .tagging(tagging)
            .send()
            .await;
        Ok(found("PutObjectTagging", tagged)?.is_some())
    }
}
