//! What is noted on a version: our own tag and the malware scanner's.

use super::{S3Bucket, VERIFIED, found};
use aws_sdk_s3::types::Tag;
use valet_core::UploadKey;
use valet_core::error::StoreError;
use valet_core::ports::{GetTags, Tags};
use valet_core::upload::VersionId;

/// What `GuardDuty` leaves on a version in which it has found nothing. Source:
/// <https://docs.aws.amazon.com/guardduty/latest/ug/monitoring-malware-protection-s3-scans-gdu.html>
const CLEAN: (&str, &str) = ("GuardDutyMalwareScanStatus", "NO_THREATS_FOUND");

impl GetTags for S3Bucket {
    async fn get_tags(&self, key: &UploadKey, version: &VersionId) -> Result<Option<Tags>, StoreError> {
        let got = self
            .client
            .get_object_tagging()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .key(key.to_string())
            .version_id(version.as_str())
            .send()
            .await;
        let has =
            |tags: &[Tag], wanted: (&str, &str)| tags.iter().any(|tag| (tag.key(), tag.value()) == wanted);
        Ok(found("GetObjectTagging", got)?.map(|got| Tags {
            is_verified: has(got.tag_set(), VERIFIED),
            is_clean: has(got.tag_set(), CLEAN),
        }))
    }
}
