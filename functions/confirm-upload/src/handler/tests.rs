//! Real events in, contract out, on storage in memory.

use super::*;
use serde_json::{Value, json};
use valet_core::key::CACHE_CONTROL;
use valet_core::ports::{CreateMultipart, PresignPart, StoredHeaders, Verdict, WantedPart};
use valet_core::testing::{MemoryBucket, MemoryTable, sample};
use valet_core::upload::{Multipart, Size, State, Transfer, VersionId};
use valet_core::{MediaType, Owner, Upload, UploadId};
use valet_http::testing;

const CONFIRM: &str = include_str!("../../../../events/confirm-upload.json");
const CONFIRM_PARTS: &str = include_str!("../../../../events/confirm-upload-parts.json");
const CONFIRM_KEY: &str = include_str!("../../../../events/confirm-upload-key.json");
const CANCEL: &str = include_str!("../../../../events/cancel-upload.json");

type Function = ConfirmUpload<MemoryBucket, MemoryTable>;

fn function() -> Function {
    let now = valet_core::upload::to_milliseconds(valet_lambda::now());
    function_with(Upload { created_at: now, expires_at: now + time::Duration::HOUR, ..alices_upload() })
}

fn function_with(upload: Upload) -> Function {
    ConfirmUpload {
        objects: MemoryBucket::default(),
        uploads: MemoryTable::with([upload]),
        cdn_url: "https://d1.cloudfront.net".to_owned(),
    }
}

/// The upload that `events/` is about.
fn alices_upload() -> Upload {
    Upload {
        id: UploadId::parse("01936f2e-8b5a-7c3d-9e4f-0123456789ab").unwrap(),
        owner: Owner::of_subject("alice"),
        media_type: MediaType::Png,
        ..sample::pending()
    }
}

impl Function {
    fn receive(&self, bytes: &[u8]) -> VersionId {
        let headers = StoredHeaders {
            content_type: Some("image/png".to_owned()),
            cache_control: Some(CACHE_CONTROL.to_owned()),
            ..StoredHeaders::default()
        };
        self.objects.store(&alices_upload().key(), headers, None, bytes)
    }

    async fn state(&self) -> State {
        let Upload { owner, id, .. } = alices_upload();
        self.uploads.get_upload(owner, id).await.unwrap().unwrap().state
    }
}

async fn send(function: &Function, event: &str, subject: &str) -> (u16, Value, Response<Body>) {
    let mut event: Value = serde_json::from_str(event).unwrap();
    event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] = subject.into();
    let response = handle(function, testing::request(event)).await.unwrap();
    let (status, json) = testing::status_and_json(&response);
    (status, json, response)
}

#[tokio::test]
async fn a_confirmed_upload_is_a_file() {
    let function = function();
    function.receive(sample::PNG);
    for _ in 0..2 {
        let (status, body, _) = send(&function, CONFIRM, "alice").await;
        assert_eq!((status, &body["status"]), (200, &json!("ready")), "{body}");
        assert_eq!(body["thumbnails"], json!({"status": "pending", "items": []}));
        assert_eq!(
            body["fileUrl"],
            format!("https://d1.cloudfront.net/{}", alices_upload().key()),
            "the address CloudFront serves"
        );
    }
    assert!(matches!(function.state().await, State::Ready(_)));
    assert!(function.objects.is_served(&alices_upload().key()));
}

#[tokio::test]
async fn confirming_too_early_asks_for_a_retry() {
    let function = function();
    let (status, problem, response) = send(&function, CONFIRM, "alice").await;
    assert_eq!(
        (status, &problem["code"], &problem["retryable"]),
        (409, &json!("not_uploaded"), &json!(true))
    );
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(function.state().await, State::Pending);
}

#[tokio::test]
async fn a_grant_that_ended_without_a_file_is_gone() {
    let (status, problem, _) = send(&function_with(alices_upload()), CONFIRM, "alice").await;
    // sample::NOW is past by now.
    assert_eq!((status, &problem["code"]), (410, &json!("upload_expired")));
}

#[tokio::test]
async fn a_page_that_says_it_is_a_picture_is_refused() {
    let html = vec![b'<'; sample::PNG.len()];
    let function = function();
    function.receive(&html);
    let (status, problem, _) = send(&function, CONFIRM, "alice").await;
    assert_eq!((status, &problem["code"]), (422, &json!("content_mismatch")));
    assert_eq!(function.objects.versions(&alices_upload().key()), 0);
}

#[tokio::test]
async fn a_file_that_is_being_scanned_is_asked_about_again_and_one_with_malware_is_refused() {
    for (verdict, expected, code) in [
        (Verdict::Clean { is_verified: false }, 200, Value::Null),
        (Verdict::Malware, 422, json!("malware")),
        (Verdict::Unscannable, 422, json!("unscannable")),
    ] {
        for confirm in [CONFIRM, CONFIRM_KEY] {
            let function = Function { objects: MemoryBucket::scanned(), ..function() };
            let version = function.receive(sample::PNG);
            for _ in 0..2 {
                let (status, body, response) = send(&function, confirm, "alice").await;
                assert_eq!((status, &body["status"]), (202, &json!("pending")), "{body}");
                // It was stored at sample::NOW, which is long ago.
                assert_eq!(response.headers()["retry-after"], "60");
            }
            assert!(!function.objects.is_served(&alices_upload().key()));
            function.objects.scan(&alices_upload().key(), &version, verdict);
            let (status, body, _) = send(&function, confirm, "alice").await;
            assert_eq!((status, &body["code"]), (expected, &code), "{body}");
        }
    }
}

#[tokio::test]
async fn cancelling_repeats_and_ends_the_upload() {
    let function = function();
    for _ in 0..2 {
        let (status, body, response) = send(&function, CANCEL, "alice").await;
        assert_eq!((status, body, response.headers().get("content-type")), (204, Value::Null, None));
    }
    assert_eq!(function.state().await, State::Cancelled);
    let (status, problem, _) = send(&function, CONFIRM, "alice").await;
    assert_eq!((status, &problem["code"]), (409, &json!("invalid_state")));
}

/// The upload that `events/` is about, in two parts that have arrived, with the checksum over both.
async fn in_parts() -> (Function, String) {
    let size_bytes = valet_core::parts::MIN_PART_BYTES + 1;
    let mut bytes = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom".to_vec();
    bytes.resize(usize::try_from(size_bytes).unwrap(), 0);
    let parts = valet_core::parts::Parts::new(size_bytes, valet_core::parts::MIN_PART_BYTES).unwrap();
    let now = valet_core::upload::to_milliseconds(valet_lambda::now());
    let upload = Upload {
        size: Size::Exact(size_bytes),
        media_type: MediaType::Mp4,
        expires_at: now + time::Duration::HOUR,
        ..alices_upload()
    };
    let objects = MemoryBucket::default();
    let id = objects.create_multipart(&upload).await.unwrap();
    for number in parts.numbers() {
        let part = WantedPart { number, size_bytes: parts.size_of(number), crc64nvme: None };
        let lifetime = std::time::Duration::from_mins(1);
        let signed = objects.presign_part(&upload.key(), &id, &part, now, lifetime).await.unwrap();
        let bytes = if number.get() == 1 { &bytes[..bytes.len() - 1] } else { &bytes[bytes.len() - 1..] };
        assert_eq!(objects.send(&signed.url, &signed.headers, bytes), 200);
    }
    let transfer = Transfer::Parts(Multipart { id, parts });
    let uploads = MemoryTable::with([Upload { transfer, ..upload }]);
    let function = ConfirmUpload { objects, uploads, cdn_url: "https://d1.cloudfront.net".to_owned() };
    (function, sample::crc64nvme(&bytes).to_string())
}

#[tokio::test]
async fn parts_are_put_together_if_they_are_what_the_client_says() {
    let (function, crc) = in_parts().await;
    let (status, problem, _) = send(&function, CONFIRM_PARTS, "alice").await;
    assert_eq!(
        (status, &problem["code"]),
        (409, &json!("parts_mismatch")),
        "the event's checksum is another"
    );
    let right = CONFIRM_PARTS.replace("rosUhgp5mIg=", &crc);
    for event in [&right, &right, CONFIRM] {
        let (status, body, _) = send(&function, event, "alice").await;
        assert_eq!((status, &body["checksum"]), (200, &json!({"crc64nvme": crc})), "{body}");
    }
}

#[tokio::test]
async fn what_confirming_may_not_say_is_named() {
    for (body, pointer) in [
        (json!({"checksum": {"crc64nvme": "AAAA"}}), "/checksum/crc64nvme"),
        (json!({"checksum": {"crc64nvme": 1}}), "/checksum/crc64nvme"),
        (json!({"parts": [{"partNumber": 1}]}), "/parts/0/etag"),
        (json!({"parts": {}}), "/parts"),
    ] {
        let mut event: Value = serde_json::from_str(CONFIRM_PARTS).unwrap();
        event["body"] = body.to_string().into();
        let (function, _) = in_parts().await;
        let (status, problem, _) = send(&function, &event.to_string(), "alice").await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (400, &json!(pointer)), "{problem}");
    }
}

#[tokio::test]
async fn another_owner_finds_nothing_and_changes_nothing() {
    let function = function();
    function.receive(sample::PNG);
    for event in [CONFIRM, CANCEL] {
        let (status, problem, _) = send(&function, event, "mallory").await;
        assert_eq!((status, &problem["code"]), (404, &json!("not_found")));
    }
    assert_eq!(function.state().await, State::Pending);
}

#[tokio::test]
async fn issuing_is_not_this_functions_job() {
    let issue = include_str!("../../../../events/issue-upload.json");
    let (status, problem, _) = send(&function(), issue, "alice").await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")));
}

#[tokio::test]
async fn a_key_is_confirmed_like_its_upload() {
    let function = function();
    let (status, problem, _) = send(&function, CONFIRM_KEY, "alice").await;
    assert_eq!((status, &problem["code"]), (409, &json!("not_uploaded")));
    function.receive(sample::PNG);
    let (status, body, _) = send(&function, CONFIRM_KEY, "alice").await;
    assert_eq!((status, &body["success"], &body["status"]), (200, &json!(true), &json!("ready")), "{body}");
    assert_eq!(body["fileUrl"], format!("https://d1.cloudfront.net/{}", alices_upload().key()));
    let (status, problem, _) = send(&function, CONFIRM_KEY, "mallory").await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")));
}

/// A configuration without one of its variables says which.
#[test]
fn every_variable_is_needed_and_named_when_missing() {
    let names = [
        "SERVICE",
        "BUCKET",
        "BUCKET_OWNER",
        "TABLE",
        "MALWARE_SCAN",
        "CDN_URL",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
    ];
    for missing in names {
        let lookup = |name: &str| match name {
            "AWS_CA_BUNDLE" => None,
            "MALWARE_SCAN" if missing != name => Some("true".to_owned()),
            name => (name != missing).then(|| "x".to_owned()),
        };
        let error = crate::config::Config::from_lookup(lookup).err().unwrap();
        assert_eq!(error.0, [format!("{missing} is not set")]);
    }
}
