//! Real events in, rows and thumbnails out, on storage in memory.

use super::*;
use image::{DynamicImage, ImageFormat, RgbImage};
use lambda_runtime::Context;
use serde_json::json;
use std::io::Cursor;
use std::sync::atomic::{AtomicBool, Ordering};
use valet_core::key::CACHE_CONTROL;
use valet_core::ports::{StoredHeaders, Verdict};
use valet_core::testing::{Failing, MemoryBucket, MemoryTable, sample};
use valet_core::upload::{Dimensions, RejectReason, Size, State, Thumbnails, Verified, VersionId};
use valet_core::{MediaType, Owner, Upload, UploadId};
use valet_thumbnail::{Job, Limits, Made};

const SQS: &str = include_str!("../../../../events/generate-thumbnails.json");
const SQS_TEST_EVENT: &str = include_str!("../../../../events/sqs-s3-test-event.json");
const SQS_UNREADABLE: &str = include_str!("../../../../events/sqs-unreadable.json");
const S3_PUT: &str = include_str!("../../../../events/s3-put.json");
const S3_ENCODED_KEY: &str = include_str!("../../../../events/s3-put-encoded-key.json");
const S3_ODD_KEY: &str = include_str!("../../../../events/s3-put-odd-key.json");
const S3_THUMBNAIL: &str = include_str!("../../../../events/s3-put-thumbnail.json");
const S3_REMOVED: &str = include_str!("../../../../events/s3-removed.json");
const SCAN_CLEAN: &str = include_str!("../../../../events/scan-clean.json");
const SCAN_THREATS: &str = include_str!("../../../../events/scan-threats.json");
const SCAN_UNSUPPORTED: &str = include_str!("../../../../events/scan-unsupported.json");
const SCAN_FAILED: &str = include_str!("../../../../events/scan-failed.json");
const S3_TEST_EVENT: &str = include_str!("../../../../events/s3-test-event.json");

/// A JPEG of 400 × 300.
fn jpeg() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let image = RgbImage::from_fn(400, 300, |x, y| [x.to_le_bytes()[0], y.to_le_bytes()[0], 90].into());
    DynamicImage::from(image).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

/// The upload that `events/` is about, granted for these bytes.
fn alices_upload(bytes: &[u8]) -> Upload {
    Upload {
        id: UploadId::parse("01936f2e-8b5a-7c3d-9e4f-0123456789ab").unwrap(),
        owner: Owner::of_subject("alice"),
        media_type: MediaType::Jpeg,
        size: Size::Exact(bytes.len() as u64),
        ..sample::pending()
    }
}

type Function = GenerateThumbnails<MemoryBucket, MemoryTable>;

fn function(bytes: &[u8]) -> Function {
    function_on(MemoryBucket::default(), bytes)
}

fn function_on(objects: MemoryBucket, bytes: &[u8]) -> Function {
    let upload = alices_upload(bytes);
    let headers = StoredHeaders {
        content_type: Some("image/jpeg".to_owned()),
        cache_control: Some(CACHE_CONTROL.to_owned()),
        ..StoredHeaders::default()
    };
    objects.store(&upload.key(), headers, None, bytes);
    GenerateThumbnails { objects, uploads: MemoryTable::with([upload]), renderer: renderer(TWO) }
}

const TWO: &str = "small:200x200:fit:jpeg:85,square:100x100:cover:webp:80";

fn renderer(variants: &str) -> Renderer {
    Renderer::new(variants.parse().unwrap(), Limits::DEFAULT)
}

/// The stored object's version is memory's, not the one in the sample event.
fn event(json: &str) -> LambdaEvent<Value> {
    let payload = json.replace("096fKKXTRTtl3on89fVO.nfljtsv6qko", "v1");
    LambdaEvent::new(serde_json::from_str(&payload).unwrap(), Context::default())
}

async fn state(uploads: &impl GetUpload) -> State {
    let Upload { owner, id, .. } = alices_upload(b"");
    uploads.get_upload(owner, id).await.unwrap().unwrap().state
}

async fn thumbnails(uploads: &impl GetUpload) -> Thumbnails {
    match state(uploads).await {
        State::Ready(Verified { thumbnails, .. }) => thumbnails,
        state => panic!("{state:?}"),
    }
}

const THUMBNAILS: [&str; 2] = [
    "thumbnails/2bd806c97f0e00af1a1fc3328fa763a9/01936f2e-8b5a-7c3d-9e4f-0123456789ab/small.jpg",
    "thumbnails/2bd806c97f0e00af1a1fc3328fa763a9/01936f2e-8b5a-7c3d-9e4f-0123456789ab/square.webp",
];

#[tokio::test]
async fn every_spelling_of_the_event_makes_the_thumbnails_once() {
    for json in [SQS, S3_PUT, S3_ENCODED_KEY] {
        let function = function(&jpeg());
        for _ in 0..2 {
            let answer = handle(&function, event(json)).await.unwrap();
            assert_eq!(serde_json::to_value(answer).unwrap(), json!({"batchItemFailures": []}));
        }
        let State::Ready(Verified { thumbnails: Thumbnails::Ready(items), dimensions, placeholder, .. }) =
            state(&function.uploads).await
        else {
            panic!("no thumbnail")
        };
        assert_eq!(dimensions, Some(Dimensions { width: 400, height: 300 }));
        assert!(placeholder.is_some_and(|placeholder| !placeholder.thumbhash.is_empty()));
        let sizes: Vec<_> = items.iter().map(|item| item.dimensions).collect();
        let square = Dimensions { width: 100, height: 100 };
        assert_eq!(sizes, [Dimensions { width: 200, height: 150 }, square]);
        assert_eq!(function.objects.keys()[..2], THUMBNAILS);
    }
}

#[tokio::test]
async fn events_about_other_things_are_acknowledged_and_change_nothing() {
    for json in [SQS_TEST_EVENT, S3_TEST_EVENT, S3_ODD_KEY, S3_THUMBNAIL, S3_REMOVED] {
        let function = function(&jpeg());
        let answer = handle(&function, event(json)).await.unwrap();
        assert!(answer.batch_item_failures.is_empty(), "{json}");
        assert_eq!(state(&function.uploads).await, State::Pending);
        assert_eq!(function.objects.keys().len(), 1);
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_read_stays_in_the_queue() {
    let mut not_an_event = serde_json::from_str::<Value>(SQS).unwrap();
    not_an_event["Records"][0]["body"] = r#"{"hello": "world"}"#.into();
    for json in [SQS_UNREADABLE.to_owned(), not_an_event.to_string()] {
        let answer = handle(&function(&jpeg()), event(&json)).await.unwrap();
        assert_eq!(
            serde_json::to_value(answer).unwrap(),
            json!({"batchItemFailures": [{"itemIdentifier": "059f36b4-87a3-44ab-83d2-661975830a7d"}]})
        );
    }
    handle(&function(&jpeg()), event(r#"{"hello": "world"}"#)).await.expect_err("it was acknowledged");
}

#[tokio::test]
async fn a_transient_failure_goes_back_to_the_queue_and_is_done_the_next_time() {
    let function = function(&jpeg());
    let failing = GenerateThumbnails {
        objects: Failing::at(&function.objects, 0, false),
        uploads: Failing::at(&function.uploads, 99, false),
        renderer: renderer(TWO),
    };
    let answer = handle(&failing, event(SQS)).await.unwrap();
    assert_eq!(answer.batch_item_failures.len(), 1);
    let answer = handle(&function, event(SQS)).await.unwrap();
    assert!(answer.batch_item_failures.is_empty());
    assert!(matches!(state(&function.uploads).await, State::Ready(_)));

    let function = self::function(&jpeg());
    let failing = GenerateThumbnails {
        objects: Failing::at(&function.objects, 0, false),
        uploads: Failing::at(&function.uploads, 99, false),
        renderer: renderer(TWO),
    };
    handle(&failing, event(S3_PUT)).await.expect_err("a bare event fails as a whole");
}

#[tokio::test]
async fn a_broken_picture_is_recorded_as_failed_and_acknowledged() {
    let whole = jpeg();
    let function = function(&whole[..whole.len() / 2]);
    let answer = handle(&function, event(SQS)).await.unwrap();
    assert!(answer.batch_item_failures.is_empty());
    assert_eq!(thumbnails(&function.uploads).await, Thumbnails::Failed("corrupt".to_owned()));
    assert_eq!(function.objects.keys().len(), 1, "there is a thumbnail");
}

/// Set when a test's loop may end: a runtime waits for its threads.
static LET_GO: [AtomicBool; 2] = [AtomicBool::new(false), AtomicBool::new(false)];

/// A decoder in an endless loop.
fn endless<const TEST: usize>(_: Job) -> Result<Made, valet_thumbnail::Error> {
    while !LET_GO[TEST].load(Ordering::Relaxed) {
        std::thread::yield_now();
    }
    Err(valet_thumbnail::Error::UnsupportedFormat)
}

/// An event for an invocation that Lambda ends in so many seconds.
fn ending_in(seconds: u64, json: &str) -> LambdaEvent<Value> {
    let ends = std::time::SystemTime::from(valet_lambda::now()) + Duration::from_secs(seconds);
    let LambdaEvent { payload, mut context, .. } = event(json);
    context.deadline = ends.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis().try_into().unwrap();
    LambdaEvent::new(payload, context)
}

/// Handles an event with a decoder that does not end, while so many seconds pass; what the row says of the thumbnails then.
async fn handle_stuck<const TEST: usize>(
    event: LambdaEvent<Value>,
    seconds: u64,
) -> (SqsBatchResponse, Thumbnails) {
    let stuck = Function { renderer: renderer(TWO).finishing(endless::<TEST>), ..function(&jpeg()) };
    let time = tokio::time::advance(Duration::from_secs(seconds));
    let (answer, ()) = tokio::join!(handle(&stuck, event), time);
    LET_GO[TEST].store(true, Ordering::Relaxed);
    (answer.unwrap(), thumbnails(&stuck.uploads).await)
}

#[tokio::test(start_paused = true)]
async fn a_picture_that_takes_too_long_is_recorded_as_failed_and_acknowledged() {
    let (answer, thumbnails) = handle_stuck::<0>(ending_in(60, SQS), 58).await;
    assert!(answer.batch_item_failures.is_empty(), "it comes again");
    assert_eq!(thumbnails, Thumbnails::Failed("took_too_long".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_picture_whose_time_went_elsewhere_comes_again() {
    let (answer, thumbnails) = handle_stuck::<1>(ending_in(11, SQS), 10).await;
    assert_eq!(answer.batch_item_failures.len(), 1, "it was acknowledged");
    assert_eq!(thumbnails, Thumbnails::Pending);
}

#[tokio::test]
async fn a_decoder_that_panics_fails_its_file_for_good() {
    let renderer = renderer(TWO).finishing(|_| panic!("on purpose"));
    let panicking = Function { renderer, ..function(&jpeg()) };
    let answer = handle(&panicking, event(SQS)).await.unwrap();
    assert!(answer.batch_item_failures.is_empty());
    assert_eq!(thumbnails(&panicking.uploads).await, Thumbnails::Failed("decoder_failed".to_owned()));
}

/// A function whose file the malware scanner has said this of.
fn scanned(verdict: Option<Verdict>) -> Function {
    let function = function_on(MemoryBucket::scanned(), &jpeg());
    if let Some(verdict) = verdict {
        function.objects.scan(&alices_upload(b"").key(), &VersionId::new("v1"), verdict);
    }
    function
}

/// The same event as EventBridge puts it into the queue.
fn queued(json: &str) -> LambdaEvent<Value> {
    let LambdaEvent { payload, context } = event(json);
    let mut sqs: Value = serde_json::from_str(SQS).unwrap();
    sqs["Records"][0]["body"] = payload.to_string().into();
    LambdaEvent::new(sqs, context)
}

const CLEAN: Verdict = Verdict::Clean { is_verified: false };

#[tokio::test]
async fn a_verdict_settles_by_the_tag_bare_and_from_the_queue() {
    for (json, verdict, reason) in [
        (SCAN_CLEAN, CLEAN, None),
        (SCAN_THREATS, Verdict::Malware, Some(RejectReason::Malware)),
        (SCAN_UNSUPPORTED, Verdict::Unscannable, Some(RejectReason::Unscannable)),
        // The event says one thing and the tag another: the tag holds.
        (SCAN_CLEAN, Verdict::Malware, Some(RejectReason::Malware)),
        (SCAN_THREATS, CLEAN, None),
    ] {
        for event in [event(json), queued(json)] {
            let function = scanned(Some(verdict));
            let answer = handle(&function, event).await.unwrap();
            assert!(answer.batch_item_failures.is_empty());
            match reason {
                None => assert!(matches!(thumbnails(&function.uploads).await, Thumbnails::Ready(_))),
                Some(reason) => {
                    assert_eq!(state(&function.uploads).await, State::Rejected(reason));
                    assert!(function.objects.keys().is_empty());
                }
            }
        }
    }
}

#[tokio::test]
async fn an_arrival_that_nobody_has_scanned_is_acknowledged_and_waits_for_its_verdict() {
    for json in [SQS, S3_PUT] {
        let function = scanned(None);
        let answer = handle(&function, event(json)).await.unwrap();
        assert!(answer.batch_item_failures.is_empty());
        assert_eq!((state(&function.uploads).await, function.objects.keys().len()), (State::Pending, 1));
        function.objects.scan(&alices_upload(b"").key(), &VersionId::new("v1"), CLEAN);
        handle(&function, queued(SCAN_CLEAN)).await.unwrap();
        assert!(matches!(thumbnails(&function.uploads).await, Thumbnails::Ready(_)));
    }
}

#[tokio::test]
async fn a_verdict_that_no_tag_bears_out_comes_again_and_settles_nothing() {
    for json in [SCAN_CLEAN, SCAN_THREATS, SCAN_UNSUPPORTED] {
        let function = scanned(None);
        let answer = handle(&function, queued(json)).await.unwrap();
        assert_eq!(answer.batch_item_failures.len(), 1, "it was acknowledged");
        handle(&function, event(json)).await.expect_err("a bare event fails as a whole");
        assert_eq!((state(&function.uploads).await, function.objects.keys().len()), (State::Pending, 1));
        assert!(!function.objects.is_served(&alices_upload(b"").key()));
    }
}

#[tokio::test]
async fn a_scan_that_failed_is_acknowledged_and_leaves_the_upload_pending() {
    for verdict in [None, Some(Verdict::Awaited)] {
        let function = scanned(verdict);
        let answer = handle(&function, queued(SCAN_FAILED)).await.unwrap();
        assert!(answer.batch_item_failures.is_empty());
        assert_eq!((state(&function.uploads).await, function.objects.keys().len()), (State::Pending, 1));
    }
}

#[tokio::test]
async fn a_verdict_about_something_else_is_acknowledged_and_one_that_cannot_be_read_is_not() {
    let about = |key: &str| {
        let mut json: Value = serde_json::from_str(SCAN_CLEAN).unwrap();
        json["detail"]["s3ObjectDetails"]["objectKey"] = key.into();
        json.to_string()
    };
    for key in ["malware-protection-resource-validation-object", "uploads/../x.jpg", THUMBNAILS[0]] {
        let function = scanned(Some(CLEAN));
        let answer = handle(&function, queued(&about(key))).await.unwrap();
        assert!(answer.batch_item_failures.is_empty(), "{key}");
        assert_eq!(state(&function.uploads).await, State::Pending);
    }
    let mut unreadable: Value = serde_json::from_str(SCAN_CLEAN).unwrap();
    unreadable["detail"]["s3ObjectDetails"] = Value::Null;
    let answer = handle(&scanned(Some(CLEAN)), queued(&unreadable.to_string())).await.unwrap();
    assert_eq!(answer.batch_item_failures.len(), 1);
}

#[tokio::test]
async fn a_verdict_left_over_from_a_scanner_that_was_turned_off_is_an_arrival_like_any_other() {
    let function = function(&jpeg());
    let answer = handle(&function, queued(SCAN_CLEAN)).await.unwrap();
    assert!(answer.batch_item_failures.is_empty());
    assert!(matches!(thumbnails(&function.uploads).await, Thumbnails::Ready(_)));
}
