//! Reads what triggered the function: SQS messages that carry S3 events, a bare S3 event, or S3's greeting to a new queue. What
//! cannot be read is an error, never silently dropped.

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
    /// From S3 itself, from EventBridge's input transformer or from a developer: it fails as a whole.
    S3(Vec<Arrival>),
}

impl Trigger {
    pub(crate) fn parse(event: Value) -> Result<Self, serde_json::Error> {
        let source = event["Records"][0]["eventSource"].as_str();
        if source == Some("aws:sqs") {
            return Ok(Self::Sqs(SqsEvent::deserialize(event)?.records));
        }
        arrivals(event).map(Self::S3)
    }
}

/// What one message says has arrived.
pub(crate) fn message_arrivals(message: &SqsMessage) -> Result<Vec<Arrival>, serde_json::Error> {
    let body = message.body.as_deref().unwrap_or_default();
    arrivals(serde_json::from_str(body)?)
}

/// Objects under other keys than an upload's are not ours: their records are passed over, as are removals.
fn arrivals(event: Value) -> Result<Vec<Arrival>, serde_json::Error> {
    // S3 sends this once when a notification is set up. It has no `Records`.
    if event["Event"] == "s3:TestEvent" {
        return Ok(Vec::new());
    }
    Ok(S3Event::deserialize(event)?.records.iter().filter_map(arrival).collect())
}

fn arrival(record: &S3EventRecord) -> Option<Arrival> {
    // Without its prefix `s3:` in the records of a notification.
    record.event_name.as_deref()?.strip_prefix("ObjectCreated:")?;
    let object = &record.s3.object;
    // `url_decoded_key` is never filled in; the key is decoded by its type.
    let key = UploadKey::from_event(object.key.as_deref()?)?;
    let version = object.version_id.as_deref().filter(|version| !version.is_empty());
    Some(Arrival::Event(key, version.map(VersionId::new)))
}
