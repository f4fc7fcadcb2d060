//! Runs one trigger's arrivals through the use case, one log line each. A transient failure goes back to where the event
//! came from; a permanent one has been recorded and is done.

use crate::event::{Trigger, message_arrivals};
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsMessage};
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;
use std::panic::catch_unwind;
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use tracing::{error, info, warn};
use valet_core::error::chain;
use valet_core::generate_thumbnails::{Outcome, Rendered};
use valet_core::key::ThumbnailName;
use valet_core::ports::{
    DeleteThumbnail, DeleteVersion, GetObject, GetUpload, HeadObject, PutThumbnail, TagVerified, UpdateUpload,
};
use valet_core::settle::Arrival;
use valet_core::upload::Dimensions;
use valet_core::{StoreError, generate_thumbnails};
use valet_lambda::{is_cold_start, time_left};
use valet_thumbnail::{Limits, Spec, thumbnail};

/// What this function works with.
pub(crate) struct GenerateThumbnails<O, U> {
    pub(crate) objects: O,
    pub(crate) uploads: U,
}

/// Why an arrival has to come again.
#[derive(Debug, thiserror::Error)]
enum Retry {
    #[error("the message is not an S3 event")]
    Unreadable(#[from] serde_json::Error),
    #[error("storage failed")]
    Store(#[from] StoreError),
    #[error("the deadline came first")]
    TimedOut,
}

/// Handles one event. The answer names the messages that have to come again.
pub(crate) async fn handle<O, U>(
    function: &GenerateThumbnails<O, U>,
    event: LambdaEvent<Value>,
) -> Result<SqsBatchResponse, Error>
where
    O: HeadObject + TagVerified + DeleteVersion + GetObject + PutThumbnail + DeleteThumbnail,
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
        Trigger::S3(arrivals) => run.arrivals(&arrivals).await?,
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
    O: HeadObject + TagVerified + DeleteVersion + GetObject + PutThumbnail + DeleteThumbnail,
    U: GetUpload + UpdateUpload,
{
    async fn message(&self, message: &SqsMessage) -> Result<(), Retry> {
        let arrivals = message_arrivals(message).inspect_err(|error| self.warn_unreadable(error))?;
        self.arrivals(&arrivals).await
    }

    async fn arrivals(&self, arrivals: &[Arrival]) -> Result<(), Retry> {
        if arrivals.is_empty() {
            let (duration_ms, cold_start) = (milliseconds_since(self.start), is_cold_start());
            let request_id = self.request_id;
            info!(request_id, outcome = "nothing_arrived", duration_ms, cold_start, "event");
        }
        for arrival in arrivals {
            let start = Instant::now();
            let left = self.deadline.saturating_duration_since(start);
            let result = self.arrival(arrival, left).await;
            self.log(arrival, &result, start);
            result?;
        }
        Ok(())
    }

    async fn arrival(&self, arrival: &Arrival, left: Duration) -> Result<Outcome, Retry> {
        let GenerateThumbnails { objects, uploads } = self.function;
        // Boxed, as the nested futures of the SDK's calls exceed the compiler's limit for one type.
        let work = Box::pin(generate_thumbnails(objects, uploads, render, self.now, arrival));
        Ok(tokio::time::timeout(left, work).await.map_err(|_| Retry::TimedOut)??)
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
                let (outcome, reason) = describe(outcome);
                info!(
                    request_id = self.request_id,
                    upload.id = upload_id,
                    upload.key = upload_key,
                    outcome,
                    reason,
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

fn describe(outcome: &Outcome) -> (&'static str, Option<&str>) {
    match outcome {
        Outcome::Made => ("made", None),
        Outcome::Failed(reason) => ("failed", Some(reason)),
        Outcome::NotNeeded => ("not_needed", None),
        Outcome::Rejected(reason) => ("rejected", Some(reason.code())),
        Outcome::Gone => ("gone", None),
    }
}

fn render(bytes: &[u8], name: ThumbnailName) -> Result<Rendered, &'static str> {
    let spec = match name {
        ThumbnailName::Small => Spec::SMALL,
    };
    // A decoder that panics on a file will do so every time; the file's owner should hear of it.
    let made = catch_unwind(|| thumbnail(bytes, &spec, &Limits::DEFAULT));
    let made = made.map_err(|_panic| "decoder_failed")?.map_err(|error| error.code())?;
    let dimensions = |of: valet_thumbnail::Dimensions| Dimensions { width: of.width, height: of.height };
    Ok(Rendered {
        source: dimensions(made.source.dimensions),
        dimensions: dimensions(made.dimensions),
        jpeg: made.jpeg,
    })
}

#[cfg(test)]
mod tests;
