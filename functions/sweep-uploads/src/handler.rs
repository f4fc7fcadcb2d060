//! Runs the sweep once, within the time that Lambda gives, and says in one line what it has come to.
//!
//! What failed about one upload is logged and left to the next run; what failed about a list fails the invocation, as without lists nothing is
//! found.

use lambda_runtime::{Error, LambdaEvent};
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tracing::{error, info, warn};
use valet_core::error::chain;
use valet_core::ports::{
    AbortMultipart, DeleteThumbnail, DeleteVersion, DeleteVersions, GetCursor, GetTags, GetUpload, GetUsage,
    GetVerdict, HeadObject, InvalidateCopies, ListDue, ListDueUsage, ListMultiparts, ListObjectVersions,
    ListUploads, ListVersions, PutCursor, PutOffUsage, PutUsage, RequeueArrival, TagVerified, UpdateUpload,
};
use valet_core::sweep_uploads;
use valet_core::sweep_uploads::{About, Counts, Failure, Limits, Report, Run};
use valet_lambda::{Metric, Metrics, is_cold_start, time_left};

/// How long before the end nothing is begun any more: what is under way has to end, at seven seconds for a call at most.
const TO_END: Duration = Duration::from_secs(20);

/// What this function works with.
pub(crate) struct SweepUploads<O, U, C, I, Q> {
    pub(crate) objects: O,
    pub(crate) uploads: U,
    pub(crate) cdn: C,
    pub(crate) index: I,
    pub(crate) queue: Q,
    pub(crate) metrics: Metrics,
    pub(crate) limits: Limits,
}

/// What a run answers, for whoever invokes it by hand.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    due: u64,
    walked: u64,
    expired: u64,
    settled: u64,
    requeued: u64,
    gave_up: u64,
    aborted: u64,
    removed: u64,
    foreign: u64,
    recounted: u64,
    mended: u64,
    put_off: u64,
    unscanned: u64,
    failed: u64,
    stuck: u64,
    truncated: bool,
}

/// Handles one event; what it says does not matter.
pub(crate) async fn handle<O, U, C, I, Q>(
    function: &SweepUploads<O, U, C, I, Q>,
    event: LambdaEvent<Value>,
) -> Result<Answer, Error>
where
    O: HeadObject
        + GetVerdict
        + TagVerified
        + GetTags
        + DeleteVersion
        + DeleteThumbnail
        + AbortMultipart
        + ListObjectVersions
        + ListMultiparts
        + ListVersions
        + DeleteVersions,
    U: GetUpload + UpdateUpload + GetUsage + ListUploads + PutUsage + PutOffUsage,
    C: InvalidateCopies,
    I: ListDue + ListDueUsage + GetCursor + PutCursor,
    Q: RequeueArrival,
{
    let now = valet_lambda::now();
    let start = Instant::now();
    let deadline = start + time_left(event.context.deadline(), now);
    let SweepUploads { objects, uploads, cdn, index, queue, metrics, limits } = function;
    let has_time = || Instant::now() + TO_END < deadline;
    let (run, mut report) = (Run { now, limits: *limits, has_time }, Report::default());
    // Boxed, as the nested futures of the SDK's calls exceed the compiler's limit for one type.
    let work = Box::pin(sweep_uploads(objects, uploads, cdn, index, queue, &run, &mut report));
    if timeout_at(deadline, work).await.is_err() {
        report.is_truncated = true;
    }
    record(metrics, &run, &report);
    log(&event.context.request_id, &report, start);
    match report.failures.into_iter().find(|failure| failure.about == About::List) {
        Some(Failure { error, .. }) => Err(error.into()),
        None => Ok(answer(report.counts, report.is_truncated)),
    }
}

/// The numbers, zeros included: an alarm that was on goes off by a zero.
fn record<T>(metrics: &Metrics, run: &Run<T>, report: &Report) {
    let Counts { settled, requeued, aborted, removed, mended, unscanned, failed, stuck, .. } = report.counts;
    metrics.record(
        run.now,
        &[
            Metric::count("SweepSettled", settled),
            Metric::count("SweepRequeued", requeued),
            Metric::count("SweepAborted", aborted),
            Metric::count("SweepRemoved", removed),
            Metric::count("UsageMended", mended),
            Metric::count("SweepFailed", failed),
            Metric::count("SweepTruncated", report.is_truncated.into()),
            Metric::count("UploadsStuck", stuck),
        ],
    );
    // Of a stack without a scanner there is never one, and a metric that is always zero costs as much as any.
    if unscanned > 0 {
        metrics.record(run.now, &[Metric::count("UploadsUnscanned", unscanned)]);
    }
}

fn log(request_id: &str, report: &Report, start: Instant) {
    for Failure { about, error } in &report.failures {
        let (upload_id, owner) = match about {
            About::List => (None, None),
            About::Upload(id) => (Some(id.to_string()), None),
            About::Owner(owner) => (None, Some(owner.to_string())),
        };
        let error_chain = chain(error);
        if error.is_retryable() {
            warn!(
                request_id,
                upload.id = upload_id,
                owner,
                error.code = "try_later",
                error.chain = error_chain,
                "sweep"
            );
        } else {
            error!(
                request_id,
                upload.id = upload_id,
                owner,
                error.code = "internal_error",
                error.chain = error_chain,
                "sweep"
            );
        }
    }
    let Counts {
        due,
        walked,
        expired,
        settled,
        requeued,
        gave_up,
        aborted,
        removed,
        foreign,
        recounted,
        mended,
        put_off,
        unscanned,
        failed,
        stuck,
    } = report.counts;
    info!(
        request_id,
        due,
        walked,
        expired,
        settled,
        requeued,
        gave_up,
        aborted,
        removed,
        foreign,
        recounted,
        mended,
        put_off,
        unscanned,
        failed,
        stuck,
        truncated = report.is_truncated,
        duration_ms = start.elapsed().as_secs_f64() * 1e3,
        cold_start = is_cold_start(),
        "sweep"
    );
}

fn answer(counts: Counts, truncated: bool) -> Answer {
    let Counts {
        due,
        walked,
        expired,
        settled,
        requeued,
        gave_up,
        aborted,
        removed,
        foreign,
        recounted,
        mended,
        put_off,
        unscanned,
        failed,
        stuck,
    } = counts;
    Answer {
        due,
        walked,
        expired,
        settled,
        requeued,
        gave_up,
        aborted,
        removed,
        foreign,
        recounted,
        mended,
        put_off,
        unscanned,
        failed,
        stuck,
        truncated,
    }
}

#[cfg(test)]
mod tests;
