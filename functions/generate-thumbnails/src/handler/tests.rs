//! Real events in, rows and thumbnails out, on storage in memory.

use super::*;
use image::{DynamicImage, ImageFormat, RgbImage};
use lambda_runtime::Context;
use serde_json::json;
use std::io::Cursor;
use valet_core::key::CACHE_CONTROL;
use valet_core::ports::StoredHeaders;
use valet_core::testing::{Failing, MemoryBucket, MemoryTable, sample};
use valet_core::upload::{State, Thumbnails, Verified};
use valet_core::{MediaType, Owner, Upload, UploadId};

const SQS: &str = include_str!("../../../../events/generate-thumbnails.json");
const SQS_TEST_EVENT: &str = include_str!("../../../../events/sqs-s3-test-event.json");
const SQS_UNREADABLE: &str = include_str!("../../../../events/sqs-unreadable.json");
const S3_PUT: &str = include_str!("../../../../events/s3-put.json");
const S3_ENCODED_KEY: &str = include_str!("../../../../events/s3-put-encoded-key.json");
const S3_ODD_KEY: &str = include_str!("../../../../events/s3-put-odd-key.json");
const S3_THUMBNAIL: &str = include_str!("../../../../events/s3-put-thumbnail.json");
const S3_REMOVED: &str = include_str!("../../../../events/s3-removed.json");
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
        size_bytes: bytes.len() as u64,
        ..sample::pending()
    }
}

type Function = GenerateThumbnails<MemoryBucket, MemoryTable>;

fn function(bytes: &[u8]) -> Function {
    let upload = alices_upload(bytes);
    let objects = MemoryBucket::default();
    let headers = StoredHeaders {
        content_type: Some("image/jpeg".to_owned()),
        cache_control: Some(CACHE_CONTROL.to_owned()),
        ..StoredHeaders::default()
    };
    objects.store(&upload.key(), headers, None, bytes);
    GenerateThumbnails { objects, uploads: MemoryTable::with([upload]) }
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

const THUMBNAIL: &str =
    "thumbnails/2bd806c97f0e00af1a1fc3328fa763a9/01936f2e-8b5a-7c3d-9e4f-0123456789ab/small.jpg";

#[tokio::test]
async fn every_spelling_of_the_event_makes_the_thumbnail_once() {
    for json in [SQS, S3_PUT, S3_ENCODED_KEY] {
        let function = function(&jpeg());
        for _ in 0..2 {
            let answer = handle(&function, event(json)).await.unwrap();
            assert_eq!(serde_json::to_value(answer).unwrap(), json!({"batchItemFailures": []}));
        }
        let State::Ready(Verified { thumbnails: Thumbnails::Ready(items), dimensions, .. }) =
            state(&function.uploads).await
        else {
            panic!("no thumbnail")
        };
        assert_eq!(dimensions, Some(Dimensions { width: 400, height: 300 }));
        assert_eq!(items[0].dimensions, Dimensions { width: 200, height: 150 });
        assert!(function.objects.keys().contains(&THUMBNAIL.to_owned()));
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
    };
    handle(&failing, event(S3_PUT)).await.expect_err("a bare event fails as a whole");
}

#[tokio::test]
async fn a_broken_picture_is_recorded_as_failed_and_acknowledged() {
    let whole = jpeg();
    let function = function(&whole[..whole.len() / 2]);
    let answer = handle(&function, event(SQS)).await.unwrap();
    assert!(answer.batch_item_failures.is_empty());
    let State::Ready(Verified { thumbnails, .. }) = state(&function.uploads).await else {
        panic!("not ready")
    };
    assert_eq!(thumbnails, Thumbnails::Failed("corrupt".to_owned()));
    assert!(!function.objects.keys().contains(&THUMBNAIL.to_owned()));
}

/// A configuration without one of its variables says which.
#[test]
fn every_variable_is_needed_and_named_when_missing() {
    for missing in ["BUCKET", "BUCKET_OWNER", "TABLE", "AWS_REGION", "AWS_SECRET_ACCESS_KEY"] {
        let lookup = |name: &str| (name != missing && name != "AWS_CA_BUNDLE").then(|| "x".to_owned());
        let error = crate::config::Config::from_lookup(lookup).err().unwrap();
        assert_eq!(error.0, [format!("{missing} is not set")]);
    }
}
