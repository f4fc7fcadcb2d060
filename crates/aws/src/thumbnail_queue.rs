//! The queue between S3 and the thumbnails, told of an arrival in S3's own words: whoever works it off need not know two.
//!
//! IAM: `sqs:SendMessage` on the queue.

use crate::Connection;
use crate::error::store_error;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use valet_core::UploadKey;
use valet_core::error::StoreError;
use valet_core::ports::RequeueArrival;
use valet_core::upload::VersionId;

/// One queue, and the bucket whose arrivals it takes.
pub struct ThumbnailQueue {
    client: aws_sdk_sqs::Client,
    url: String,
    bucket: String,
}

impl ThumbnailQueue {
    /// The queue with this URL.
    pub fn new(connection: &Connection, url: String, bucket: String) -> Self {
        Self { client: connection.sqs(), url, bucket }
    }
}

impl RequeueArrival for ThumbnailQueue {
    async fn requeue_arrival(
        &self,
        key: &UploadKey,
        version: &VersionId,
        at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        self.client
            .send_message()
            .queue_url(&self.url)
            .message_body(event(&self.bucket, key, version, at))
            .send()
            .await
            .map(drop)
            .map_err(|error| store_error("SendMessage", error))
    }
}

/// What S3 would say. Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>
fn event(bucket: &str, key: &UploadKey, version: &VersionId, at: OffsetDateTime) -> String {
    let record = json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": at.format(&Rfc3339).expect("a time of this millennium"),
        "eventName": "ObjectCreated:Put",
        "userIdentity": {},
        "requestParameters": {},
        "responseElements": {},
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": bucket},
            // Hex digits, hyphens and slashes: form-encoded they are the same.
            "object": {"key": key.to_string(), "versionId": version.as_str()},
        },
    });
    json!({"Records": [record]}).to_string()
}
