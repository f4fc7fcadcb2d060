//! Runs one trigger's arrivals through the use case, one log line each. A transient failure goes back to where the event
//! came from, and so does a verdict whose tag is not there yet; a permanent failure has been recorded and is done.

use crate::event::{Notice, Trigger, message_notices};
use crate::render::Renderer;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsMessage};
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::{Instant, timeout_at};
use tracing::{error, info, warn};
use valet_core::error::chain;
use valet_core::generate_thumbnails::{Outcome, Reading};
use valet_core::ports::{
    DeleteThumbnail, DeleteVersion, GetObject, GetTags, GetUpload, GetVerdict, HeadObject, PutThumbnail,
    TagVerified, UpdateUpload,
};
use valet_core::settle::Arrival;
use valet_core::{StoreError, generate_thumbnails};
use valet_lambda::{is_cold_start, time_left};

/// What of the two seconds before Lambda's deadline may still be used: to record that a rendering took too long.
const TO_RECORD: Duration = Duration::from_secs(1);

/// What this function works with.
pub(crate) struct GenerateThumbnails<O, U> {
    pub(crate) objects: O,
    pub(crate) uploads: U,
    pub(crate) renderer: Renderer,
}

/// Why an arrival has to come again.
#[derive(Debug, thiserror::Error)]
enum Retry {
    #[error("the message is no event of S3 or the malware scanner")]
    Unreadable(#[from] serde_json::Error),
    #[error("storage failed")]
    Store(#[from] StoreError),
    #[error("the scanner tells of a verdict, and has not tagged the object with it yet")]
    NotTagged,
    #[error("the deadline came first")]
    TimedOut,
}

/// Handles one event. The answer names the messages that have to come again.
pub(crate) async fn handle<O, U>(
    function: &GenerateThumbnails<O, U>,
    event: LambdaEvent<Value>,
) -> Result<SqsBatchResponse, Error>
where
    O: HeadObject
        + GetVerdict
        + GetTags
        + TagVerified
        + DeleteVersion
        + GetObject
        + PutThumbnail
        + DeleteThumbnail,
    U: GetUpload + UpdateUpload,
{
    let now = valet_lambda::now();
    let start = Instant::now();
    let deadline = start + time_left(event.context.deadline(), now);
    let run = Run { function, now, start, deadline, request_id: &event.context.request_id };
    let mut answer = SqsBatchResponse::default();
    match Trigger::parse(event.payload).inspect_err(|error| run.warn_unreadable(error))? {
        Trigger::Sqs(messages) => {
            for message in messages {
                if run.message(&message).await.is_err() {
                    let mut failure = BatchItemFailure::default();
                    failure.item_identifier = message.message_id.unwrap_or_default();
                    answer.batch_item_failures.push(failure);
                }
            }
        }
        Trigger::Bare(notices) => run.notices(&notices).await?,
    }
    Ok(answer)
}

/// One invocation.
struct Run<'a, O, U> {
    function: &'a GenerateThumbnails<O, U>,
    now: OffsetDateTime,
    start: Instant,
    deadline: Instant,
    request_id: &'a str,
}

impl<O, U> Run<'_, O, U>
where
    O: HeadObject
        + GetVerdict
        + GetTags
        + TagVerified
        + DeleteVersion
        + GetObject
        + PutThumbnail
        + DeleteThumbnail,
    U: GetUpload + UpdateUpload,
{
    async fn message(&self, message: &SqsMessage) -> Result<(), Retry> {
        let notices = message_notices(message).inspect_err(|error| self.warn_unreadable(error))?;
        self.notices(&notices).await
    }

    async fn notices(&self, notices: &[Notice]) -> Result<(), Retry> {
        if notices.is_empty() {
            let (duration_ms, cold_start) = (milliseconds_since(self.start), is_cold_start());
            let request_id = self.request_id;
            info!(request_id, outcome = "nothing_arrived", duration_ms, cold_start, "event");
        }
        for Notice { arrival, has_verdict } in notices {
            let start = Instant::now();
            let result = match self.arrival(arrival).await {
                // Nothing else would tell of it: the arrival without a verdict waits for this very event.
                Ok(Outcome::Unscanned) if *has_verdict => Err(Retry::NotTagged),
                result => result,
            };
            self.log(arrival, &result, start);
            result?;
        }
        Ok(())
    }

    async fn arrival(&self, arrival: &Arrival) -> Result<Outcome, Retry> {
        let GenerateThumbnails { objects, uploads, renderer } = self.function;
        let render = renderer.until(self.deadline);
        // Boxed, as the nested futures of the SDK's calls exceed the compiler's limit for one type.
        let work = Box::pin(generate_thumbnails(objects, uploads, &render, self.now, arrival));
        Ok(timeout_at(self.deadline + TO_RECORD, work).await.map_err(|_| Retry::TimedOut)??)
    }

    fn warn_unreadable(&self, error: &serde_json::Error) {
        let (duration_ms, cold_start) = (milliseconds_since(self.start), is_cold_start());
        let request_id = self.request_id;
        let code = "unreadable_event";
        warn!(request_id, error.code = code, error.chain = %error, duration_ms, cold_start, "event");
    }

    fn log(&self, arrival: &Arrival, result: &Result<Outcome, Retry>, start: Instant) {
        let Arrival::Event(key, _) = arrival else { return };
        let (upload_id, upload_key) = (key.id.to_string(), key.to_string());
        let duration_ms = milliseconds_since(start);
        let cold_start = is_cold_start();
        match result {
            Ok(outcome) => {
                let Said { outcome, reason, thumbnails, reading } = describe(outcome);
                info!(
                    request_id = self.request_id,
                    upload.id = upload_id,
                    upload.key = upload_key,
                    upload.size_bytes = reading.map(|reading| reading.size_bytes),
                    outcome,
                    reason,
                    thumbnails,
                    bytes_read = reading.map(|reading| reading.bytes_read),
                    duration_ms,
                    cold_start,
                    "event"
                );
            }
            Err(retry @ Retry::Store(store)) if !store.is_retryable() => error!(
                request_id = self.request_id,
                upload.id = upload_id,
                upload.key = upload_key,
                error.code = "internal_error",
                error.chain = chain(retry),
                duration_ms,
                cold_start,
                "event"
            ),
            Err(retry) => warn!(
                request_id = self.request_id,
                upload.id = upload_id,
                upload.key = upload_key,
                error.code = "try_later",
                error.chain = chain(retry),
                duration_ms,
                cold_start,
                "event"
            ),
        }
    }
}

fn milliseconds_since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

/// What the log says of an outcome.
struct Said {
    outcome: &'static str,
    reason: Option<&'static str>,
    thumbnails: Option<usize>,
    reading: Option<Reading>,
}

fn describe(outcome: &Outcome) -> Said {
    let said = |outcome| Said { outcome, reason: None, thumbnails: None, reading: None };
    match *outcome {
        Outcome::Made { thumbnails, reading } => {
            Said { thumbnails: Some(thumbnails), reading: Some(reading), ..said("made") }
        }
        Outcome::Failed { reason, reading } => {
            Said { reason: Some(reason), reading: Some(reading), ..said("failed") }
        }
        Outcome::NotNeeded => said("not_needed"),
        Outcome::Rejected(reason) => Said { reason: Some(reason.code()), ..said("rejected") },
        Outcome::Unscanned => said("unscanned"),
        Outcome::Gone => said("gone"),
    }
}

#[cfg(test)]
mod tests;
