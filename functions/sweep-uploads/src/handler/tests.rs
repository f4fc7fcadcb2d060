//! A real event in, rows, objects and numbers out, on storage in memory.

use super::*;
use lambda_runtime::Context;
use serde_json::json;
use std::sync::{Arc, Mutex};
use valet_core::Upload;
use valet_core::ports::StoredHeaders;
use valet_core::testing::{Failing, MemoryBucket, MemoryCdn, MemoryQueue, MemoryTable, PutUpload, sample};
use valet_core::upload::State;

const SCHEDULED: &str = include_str!("../../../../events/sweep-uploads.json");

/// Ages are of no use here: memory's objects were stored in 2026, by the sample's clock.
const LIMITS: Limits = Limits {
    grace: time::Duration::HOUR,
    walk_pages: 2,
    object_age: time::Duration::ZERO,
    multipart_age: time::Duration::ZERO,
};

type Lines = Arc<Mutex<Vec<Value>>>;

#[derive(Default)]
struct Stores {
    bucket: MemoryBucket,
    table: MemoryTable,
    lines: Lines,
}

impl Stores {
    /// A function of which one call about a row, or about a list, fails.
    fn function(
        &self,
        fails_at_row: usize,
        fails_at_list: usize,
    ) -> SweepUploads<
        Failing<'_, MemoryBucket>,
        Failing<'_, MemoryTable>,
        MemoryCdn,
        Failing<'_, MemoryTable>,
        MemoryQueue,
    > {
        let lines = self.lines.clone();
        let metrics = Metrics::with_writer("valet-dev".to_owned(), "sweep-uploads", move |line| {
            lines.lock().unwrap().push(serde_json::from_str(line).unwrap());
        });
        SweepUploads {
            objects: Failing::at(&self.bucket, usize::MAX, false),
            uploads: Failing::at(&self.table, fails_at_row, false),
            cdn: MemoryCdn::default(),
            index: Failing::at(&self.table, fails_at_list, false),
            queue: MemoryQueue::default(),
            metrics,
            limits: LIMITS,
        }
    }

    /// A grant that ended so long ago.
    async fn ended(&self, ago: time::Duration) -> Upload {
        let expires_at = valet_core::upload::to_milliseconds(valet_lambda::now() - ago);
        let upload = Upload { expires_at, due_at: Some(expires_at), ..sample::pending() };
        self.table.put_upload(&upload, None).await.unwrap();
        upload
    }

    async fn state(&self, upload: &Upload) -> State {
        self.table.get_upload(upload.owner, upload.id).await.unwrap().unwrap().state
    }

    fn metrics(&self) -> Value {
        self.lines.lock().unwrap().pop().expect("a run records its numbers")
    }
}

fn event() -> LambdaEvent<Value> {
    ending_in(Duration::from_mins(5))
}

fn ending_in(time: Duration) -> LambdaEvent<Value> {
    let ends = std::time::SystemTime::from(valet_lambda::now()) + time;
    let mut context = Context::default();
    context.deadline = ends.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis().try_into().unwrap();
    LambdaEvent::new(serde_json::from_str(SCHEDULED).unwrap(), context)
}

#[tokio::test]
async fn a_scheduled_event_sweeps_and_tells_its_numbers() {
    let stores = Stores::default();
    let (old, young) =
        (stores.ended(time::Duration::HOUR * 2).await, stores.ended(time::Duration::MINUTE).await);
    stores.bucket.store(&sample::pending().key(), StoredHeaders::default(), None, b"nobody's");
    let answer = handle(&stores.function(usize::MAX, usize::MAX), event()).await.unwrap();
    let numbers = json!({
        "due": 2, "walked": 1, "expired": 1, "settled": 0, "requeued": 0, "gaveUp": 0, "aborted": 0, "removed": 1, "foreign": 0,
        "recounted": 0, "mended": 0, "putOff": 0, "unscanned": 0, "failed": 0, "stuck": 0, "truncated": false,
    });
    assert_eq!(serde_json::to_value(answer).unwrap(), numbers);
    assert_eq!((stores.state(&old).await, stores.state(&young).await), (State::Expired, State::Pending));
    assert!(stores.bucket.keys().is_empty());
    let metrics = stores.metrics();
    assert_eq!(
        (&metrics["SweepRemoved"], &metrics["UploadsStuck"], &metrics["Service"]),
        (&1.into(), &0.into(), &"valet-dev".into())
    );
    let text = metrics.to_string();
    assert!(!text.contains(&old.id.to_string()) && !text.contains(&old.owner.to_string()), "{text}");
}

#[tokio::test]
async fn an_upload_that_fails_is_counted_and_fails_no_invocation() {
    let stores = Stores::default();
    let (one, other) =
        (stores.ended(time::Duration::HOUR * 3).await, stores.ended(time::Duration::HOUR * 3).await);
    let answer = handle(&stores.function(0, usize::MAX), event()).await.unwrap();
    assert_eq!((answer.expired, answer.failed, answer.stuck), (1, 1, 1));
    let metrics = stores.metrics();
    assert_eq!((&metrics["SweepFailed"], &metrics["UploadsStuck"]), (&1.into(), &1.into()));
    handle(&stores.function(usize::MAX, usize::MAX), event()).await.unwrap();
    assert_eq!((stores.state(&one).await, stores.state(&other).await), (State::Expired, State::Expired));
    assert_eq!(stores.metrics()["UploadsStuck"], 0);
}

#[tokio::test]
async fn a_list_that_fails_fails_the_invocation_after_the_rest_was_done() {
    let stores = Stores::default();
    stores.ended(time::Duration::HOUR * 2).await;
    // The cursor of the first walk, behind the sixteen lists of what is due.
    let error = handle(&stores.function(usize::MAX, 16), event()).await.expect_err("nobody would hear of it");
    assert_eq!(error.to_string(), "GetItem failed");
    assert_eq!(stores.metrics()["SweepFailed"], 1);
    assert_eq!(stores.state(&stores.table.uploads()[0]).await, State::Expired);
}

#[tokio::test]
async fn a_run_that_has_no_time_begins_nothing_and_says_so() {
    let stores = Stores::default();
    let upload = stores.ended(time::Duration::HOUR * 2).await;
    let answer =
        handle(&stores.function(usize::MAX, usize::MAX), ending_in(Duration::from_secs(21))).await.unwrap();
    assert!(answer.truncated && answer.failed == 0);
    assert_eq!(
        (stores.metrics()["SweepTruncated"].clone(), stores.state(&upload).await),
        (1.into(), State::Pending)
    );
}
