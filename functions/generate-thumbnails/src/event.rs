//! Reads what triggered the function: SQS messages that carry S3's events or the malware scanner's, one of these bare, or S3's greeting to a new
//! queue. What cannot be read is an error, never silently dropped; and what an event says of a verdict is never more than a reason to look.

use aws_lambda_events::s3::{S3Event, S3EventRecord};
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use serde::Deserialize;
use serde_json::Value;
use valet_core::UploadKey;
use valet_core::settle::Arrival;
use valet_core::upload::VersionId;

/// A readable trigger.
pub(crate) enum Trigger {
    /// From the queue: failures are reported message by message.
    Sqs(Vec<SqsMessage>),
    /// From S3 or EventBridge itself or from a developer: it fails as a whole.
    Bare(Vec<Notice>),
}

/// Something that there is to look at.
pub(crate) struct Notice {
    pub(crate) arrival: Arrival,
    /// Whether the scanner has said its last word, so that its tag has to be there.
    pub(crate) has_verdict: bool,
}

/// What `EventBridge` sends when `GuardDuty` has scanned an object, or has tried to.
/// Source: <https://docs.aws.amazon.com/guardduty/latest/ug/monitor-with-eventbridge-s3-malware-protection.html>
const SCANNED: &str = "GuardDuty Malware Protection Object Scan Result";

#[derive(Deserialize)]
struct ScanEvent {
    detail: ScanDetail,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScanDetail {
    s3_object_details: ScannedObject,
    scan_result_details: ScanResult,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScannedObject {
    object_key: String,
    version_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScanResult {
    scan_result_status: String,
}

impl Trigger {
    pub(crate) fn parse(event: Value) -> Result<Self, serde_json::Error> {
        let source = event["Records"][0]["eventSource"].as_str();
        if source == Some("aws:sqs") {
            return Ok(Self::Sqs(SqsEvent::deserialize(event)?.records));
        }
        notices(event).map(Self::Bare)
    }
}

/// What one message tells of.
pub(crate) fn message_notices(message: &SqsMessage) -> Result<Vec<Notice>, serde_json::Error> {
    let body = message.body.as_deref().unwrap_or_default();
    notices(serde_json::from_str(body)?)
}

/// Objects under other keys than an upload's are not ours: their records are passed over, as are removals.
fn notices(event: Value) -> Result<Vec<Notice>, serde_json::Error> {
    // S3 sends this once when a notification is set up. It has no `Records`.
    if event["Event"] == "s3:TestEvent" {
        return Ok(Vec::new());
    }
    if event["detail-type"] == SCANNED {
        return Ok(scanned(ScanEvent::deserialize(event)?).into_iter().collect());
    }
    Ok(S3Event::deserialize(event)?.records.iter().filter_map(arrival).collect())
}

fn scanned(ScanEvent { detail }: ScanEvent) -> Option<Notice> {
    let ScannedObject { object_key, version_id } = detail.s3_object_details;
    // Unlike S3, GuardDuty names the key as it is.
    let key = UploadKey::parse(&object_key)?;
    let version = version_id.filter(|version| !version.is_empty());
    let status = detail.scan_result_details.scan_result_status;
    // After FAILED and ACCESS_DENIED it may be scanned again.
    let has_verdict = ["NO_THREATS_FOUND", "THREATS_FOUND", "UNSUPPORTED"].contains(&status.as_str());
    Some(Notice { arrival: Arrival::Event(key, version.map(VersionId::new)), has_verdict })
}

fn arrival(record: &S3EventRecord) -> Option<Notice> {
    // Without its prefix `s3:` in the records of a notification.
    record.event_name.as_deref()?.strip_prefix("ObjectCreated:")?;
    let object = &record.s3.object;
    // `url_decoded_key` is never filled in; the key is decoded by its type.
    let key = UploadKey::from_event(object.key.as_deref()?)?;
    let version = object.version_id.as_deref().filter(|version| !version.is_empty());
    Some(Notice { arrival: Arrival::Event(key, version.map(VersionId::new)), has_verdict: false })
}
