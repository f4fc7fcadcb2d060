//! Real events in, contract out, on storage in memory.

use super::*;
use serde_json::{Value, json};
use valet_core::ports::UpdateUpload;
use valet_core::testing::{Failing, MemoryBucket, MemoryTable, PutUpload, sample};
use valet_core::upload::{State, Transition};
use valet_core::{MediaType, Owner, Upload};
use valet_http::testing::{self, header};

const ISSUE: &str = include_str!("../../../../events/issue-upload.json");
const ISSUE_CHECKSUM: &str = include_str!("../../../../events/issue-upload-checksum.json");
const READ: &str = include_str!("../../../../events/read-upload.json");
const RESIGN: &str = include_str!("../../../../events/resign-upload.json");
const LIMITS: &str = include_str!("../../../../events/limits.json");

type Function = IssueUpload<MemoryBucket, MemoryTable>;

fn function() -> Function {
    function_with([])
}

fn function_with(uploads: impl IntoIterator<Item = Upload>) -> Function {
    IssueUpload {
        objects: MemoryBucket::default(),
        uploads: MemoryTable::with(uploads),
        policy: sample::policy(),
        cdn_url: "https://d1.cloudfront.net".to_owned(),
    }
}

/// The upload that `events/` is about, granted just now.
fn alices_upload() -> Upload {
    let now = valet_core::upload::to_milliseconds(valet_lambda::now());
    Upload {
        id: UploadId::parse("01936f2e-8b5a-7c3d-9e4f-0123456789ab").unwrap(),
        owner: Owner::of_subject("alice"),
        media_type: MediaType::Jpeg,
        created_at: now,
        expires_at: now + time::Duration::HOUR,
        ..sample::pending()
    }
}

fn event(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

async fn send<O, U>(function: &IssueUpload<O, U>, event: Value) -> (u16, Value, Response<Body>)
where
    O: PresignPut + PresignPart + CreateMultipart + ListParts,
    U: PutUploads + GetUpload + GetUsage + GetIdempotencyRecord,
{
    let response = handle(function, testing::request(event)).await.unwrap();
    let (status, json) = testing::status_and_json(&response);
    (status, json, response)
}

#[tokio::test]
async fn a_grant_has_the_shape_of_the_contract() {
    let function = function();
    let (status, body, response) = send(&function, event(ISSUE_CHECKSUM)).await;
    assert_eq!(status, 201, "{body}");
    let id = body["id"].as_str().unwrap();
    assert_eq!(body["status"], "pending");
    assert_eq!(body["filename"], "Katze auf dem Dach.jpg");
    assert_eq!(body["size"], 482_113);
    assert_eq!(body["checksum"]["sha256"], "d693i1Gr1KPFHF3dlyBKnDrmFOvMt1pgbDtoZa7WdE4=");
    assert_eq!(body["request"]["method"], "PUT");
    assert_eq!(
        body["request"]["headers"],
        json!({
            "cache-control": "public, max-age=31536000, immutable",
            "content-type": "image/jpeg",
            "if-none-match": "*",
            "x-amz-checksum-sha256": "d693i1Gr1KPFHF3dlyBKnDrmFOvMt1pgbDtoZa7WdE4=",
        })
    );
    assert_eq!(body["confirm"], json!({"method": "POST", "href": format!("/v1/uploads/{id}/confirm")}));
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    let key = format!("uploads/2bd806c97f0e00af1a1fc3328fa763a9/{id}.jpg");
    assert!(body["request"]["url"].as_str().unwrap().contains(&key));
    let stored = function.uploads.get_upload(Owner::of_subject("alice"), UploadId::parse(id).unwrap()).await;
    assert_eq!(stored.unwrap().unwrap().state, State::Pending);
}

#[tokio::test]
async fn the_same_event_twice_makes_one_upload() {
    let function = function();
    let (_, first, _) = send(&function, event(ISSUE)).await;
    let (status, second, _) = send(&function, event(ISSUE)).await;
    assert_eq!((status, &second["id"]), (201, &first["id"]));
    assert_eq!(function.uploads.len(), 1);

    let mut other = event(ISSUE);
    other["body"] = json!({"filename": "x", "contentType": "image/png", "size": 1}).to_string().into();
    let (status, body, _) = send(&function, other).await;
    assert_eq!((status, &body["code"]), (422, &json!("idempotency_key_reused")));
}

#[tokio::test]
async fn an_upload_is_read_in_every_state() {
    for state in sample::states() {
        let upload = Upload { state: state.clone(), ..alices_upload() };
        let (status, body, _) = send(&function_with([upload]), event(READ)).await;
        assert_eq!((status, body["status"].as_str()), (200, Some(state.as_str())), "{body}");
        assert_eq!(body["file"].is_object(), matches!(state, State::Ready(_)), "{body}");
        assert_eq!(body["reason"].is_string(), matches!(state, State::Rejected(_)), "{body}");
    }
}

#[tokio::test]
async fn a_ready_upload_carries_its_file_and_thumbnails() {
    let state = sample::states().swap_remove(3);
    let (_, body, _) = send(&function_with([Upload { state, ..alices_upload() }]), event(READ)).await;
    let path = "2bd806c97f0e00af1a1fc3328fa763a9/01936f2e-8b5a-7c3d-9e4f-0123456789ab";
    assert_eq!(body["file"]["fileUrl"], format!("https://d1.cloudfront.net/uploads/{path}.jpg"));
    assert_eq!((&body["file"]["width"], &body["file"]["height"]), (&json!(4032), &json!(3024)));
    assert_eq!(
        body["file"]["thumbnails"],
        json!({"status": "ready", "items": [{
            "name": "small", "url": format!("https://d1.cloudfront.net/thumbnails/{path}/small.jpg"),
            "contentType": "image/jpeg", "width": 200, "height": 150, "size": 7311,
        }, {
            "name": "large-2x", "url": format!("https://d1.cloudfront.net/thumbnails/{path}/large-2x.webp"),
            "contentType": "image/webp", "width": 200, "height": 150, "size": 7311,
        }]})
    );
    assert_eq!(
        body["file"]["placeholder"],
        json!({"thumbhash": "1QcSHQRnh493V4dIh4eXh1h4kJUI", "color": "#8a6f4c"})
    );
}

#[tokio::test]
async fn a_file_from_before_there_were_placeholders_has_none() {
    let state = sample::states().swap_remove(4);
    let (_, body, _) = send(&function_with([Upload { state, ..alices_upload() }]), event(READ)).await;
    assert_eq!(body["file"]["thumbnails"]["items"].as_array().unwrap().len(), 1);
    assert_eq!(body["file"].get("placeholder"), None);
}

#[tokio::test]
async fn a_pending_upload_is_signed_again_and_another_is_not() {
    let upload = alices_upload();
    let function = function_with([upload.clone()]);
    let (status, body, _) = send(&function, event(RESIGN)).await;
    assert_eq!((status, &body["request"]["method"]), (200, &json!("PUT")));
    function.uploads.update_upload(&upload, &Transition::Cancel).await.unwrap();
    let (status, body, _) = send(&function, event(RESIGN)).await;
    assert_eq!((status, &body["code"]), (409, &json!("invalid_state")));
}

#[tokio::test]
async fn limits_list_what_the_stack_accepts() {
    let (status, body, _) = send(&function(), event(LIMITS)).await;
    assert_eq!(status, 200);
    assert_eq!(
        body["types"][1],
        json!({"contentType": "image/png", "extension": "png", "maxSize": 1 << 20, "thumbnails": true})
    );
    assert_eq!((&body["urlLifetimeSeconds"], &body["grantLifetimeSeconds"]), (&json!(900), &json!(3600)));
}

#[tokio::test]
async fn bad_requests_are_problems_with_a_code() {
    let body = |body: &str| {
        let mut changed = event(ISSUE);
        changed["body"] = body.into();
        changed
    };
    let path = |path: &str| {
        let mut changed = event(READ);
        changed["rawPath"] = path.into();
        changed["requestContext"]["http"]["path"] = path.into();
        changed
    };
    let form = || {
        let mut changed = event(ISSUE);
        changed["headers"]["content-type"] = "application/x-www-form-urlencoded".into();
        changed
    };
    let cases = [
        (body(""), 400, "invalid_request"),
        (body("{"), 400, "invalid_request"),
        (body("[]"), 400, "invalid_request"),
        (body(r#"["cat.jpg", "image/jpeg", 1000, null]"#), 400, "invalid_request"),
        (form(), 400, "invalid_request"),
        (body("\u{0}"), 400, "invalid_request"),
        (body(r#"{"filename": "x", "contentType": "image/png"}"#), 400, "invalid_request"),
        (body(r#"{"filename": "x", "contentType": "image/png", "size": -1}"#), 400, "invalid_request"),
        (body(r#"{"filename": "x", "contentType": "image/png", "size": 1.5}"#), 400, "invalid_request"),
        (body(r#"{"filename": "x", "contentType": "image/png", "size": 1e99}"#), 400, "invalid_request"),
        (body(r#"{"filename": 7, "contentType": "image/png", "size": 1}"#), 400, "invalid_request"),
        (body(&format!(r#"{{"filename": "{}"}}"#, "x".repeat(20_000))), 400, "invalid_request"),
        (body(&"[".repeat(10_000)), 400, "invalid_request"),
        (body(r#"{"filename": "", "contentType": "image/png", "size": 0}"#), 400, "invalid_request"),
        (body(r#"{"filename": "x", "contentType": "text/html", "size": 1}"#), 415, "type_not_allowed"),
        (body(r#"{"filename": "x", "contentType": "image/png", "size": 1048577}"#), 413, "file_too_large"),
        (path("/v1/uploads/01936f2e-8b5a-7c3d-9e4f-0123456789ac"), 404, "not_found"),
        (path("/v1/uploads/not-a-uuid"), 404, "not_found"),
        (path("/v1/uploads/%2e%2e"), 404, "not_found"),
        (path("/v2/uploads"), 404, "not_found"),
        (path("/"), 404, "not_found"),
    ];
    for (event, expected, code) in cases {
        let function = function_with([alices_upload()]);
        let (status, problem, response) = send(&function, event).await;
        assert_eq!((status, problem["code"].as_str()), (expected, Some(code)), "{problem}");
        assert_eq!(header(&response, "content-type"), Some("application/problem+json"));
        assert_eq!(header(&response, "cache-control"), Some("no-store"));
        for member in ["type", "title", "detail", "requestId"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {problem}");
        }
        assert_eq!((&problem["status"], &problem["retryable"]), (&json!(expected), &json!(false)));
        assert_eq!(function.uploads.len(), 1, "a row was written");
    }
}

#[tokio::test]
async fn every_bad_field_is_pointed_at() {
    let mut bad = event(ISSUE);
    bad["body"] = json!({"filename": "", "contentType": "image/png", "size": 0, "checksum": {"sha256": "x"}})
        .to_string()
        .into();
    let (_, problem, _) = send(&function(), bad).await;
    let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|e| &e["pointer"]).collect();
    assert_eq!(pointers, ["/filename", "/size", "/checksum/sha256"]);
}

#[tokio::test]
async fn every_field_of_a_wrong_type_is_pointed_at() {
    for (body, expected) in [
        (json!({}), ["/filename", "/contentType", "/size"].as_slice()),
        (json!({"filename": 7, "contentType": null, "size": "1"}), &["/filename", "/contentType", "/size"]),
        (json!({"filename": "x", "contentType": "image/png", "size": 1, "checksum": "x"}), &["/checksum"]),
        (
            json!({"filename": "x", "contentType": "image/png", "size": -1, "checksum": {"sha256": 1}}),
            &["/size", "/checksum/sha256"],
        ),
    ] {
        let mut bad = event(ISSUE);
        bad["body"] = body.to_string().into();
        let (status, problem, _) = send(&function(), bad).await;
        let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|e| &e["pointer"]).collect();
        assert_eq!((status, pointers.len()), (400, expected.len()), "{problem}");
        assert!(pointers.iter().zip(expected).all(|(seen, expected)| *seen == expected), "{problem}");
    }
}

#[tokio::test]
async fn without_a_verified_caller_nothing_is_done() {
    for claims in [json!({}), json!({"sub": ""}), json!({"username": "alice"})] {
        let mut anonymous = event(ISSUE);
        anonymous["requestContext"]["authorizer"]["jwt"]["claims"] = claims;
        let function = function();
        let (status, problem, response) = send(&function, anonymous).await;
        assert_eq!((status, &problem["code"]), (401, &json!("unauthenticated")));
        assert_eq!(header(&response, "www-authenticate"), Some("Bearer"));
        assert!(function.uploads.is_empty());
    }
    let mut no_authorizer = event(READ);
    no_authorizer["requestContext"]["authorizer"].take();
    assert_eq!(send(&function_with([alices_upload()]), no_authorizer).await.0, 401);
}

#[tokio::test]
async fn another_owners_upload_is_not_found() {
    for json in [READ, RESIGN] {
        let mut mallory = event(json);
        mallory["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] = "mallory".into();
        let (status, problem, _) = send(&function_with([alices_upload()]), mallory).await;
        assert_eq!((status, &problem["code"]), (404, &json!("not_found")));
    }
}

#[tokio::test]
async fn a_storage_failure_asks_for_a_retry_and_tells_nothing() {
    let (bucket, table) = (MemoryBucket::default(), MemoryTable::default());
    let function = IssueUpload {
        objects: Failing::at(&bucket, 0, false),
        uploads: table,
        policy: sample::policy(),
        cdn_url: String::new(),
    };
    let (status, problem, response) = send(&function, event(ISSUE)).await;
    assert_eq!((status, &problem["code"], &problem["retryable"]), (503, &json!("try_later"), &json!(true)));
    assert_eq!(header(&response, "retry-after"), Some("2"));
    assert_eq!(problem["detail"], "storage is not available at the moment");
}

const ISSUE_PARTS: &str = include_str!("../../../../events/issue-upload-parts.json");
const SIGN_PARTS: &str = include_str!("../../../../events/sign-parts.json");
const READ_PARTS: &str = include_str!("../../../../events/read-upload-parts.json");

#[tokio::test]
async fn a_grant_of_many_parts_has_the_shape_of_the_contract() {
    let (status, body, _) = send(&function(), event(ISSUE_PARTS)).await;
    assert_eq!((status, &body["request"]), (201, &Value::Null), "{body}");
    let multipart = &body["multipart"];
    assert_eq!((&multipart["partSize"], &multipart["partCount"]), (&json!(5_242_880), &json!(11)));
    let parts = multipart["parts"].as_array().unwrap();
    assert_eq!(parts.len(), 11);
    let (first, last) = (&parts[0], &parts[10]);
    assert_eq!((&first["partNumber"], &first["size"]), (&json!(1), &json!(5_242_880)));
    assert_eq!((&last["partNumber"], &last["size"]), (&json!(11), &json!(1)));
    assert_eq!((&first["method"], &first["headers"]), (&json!("PUT"), &json!({})));
    assert!(first["url"].is_string() && first["expiresAt"].is_string());
    assert_eq!(body["confirm"]["method"], "POST");
}

/// The upload that `events/` is about, in eleven parts.
async fn alices_parts(function: &Function) -> Upload {
    let size_bytes = 52_428_801;
    let parts = valet_core::parts::Parts::new(size_bytes, 5_242_880).unwrap();
    let upload = Upload {
        size: valet_core::upload::Size::Exact(size_bytes),
        media_type: MediaType::Mp4,
        ..alices_upload()
    };
    let id = function.objects.create_multipart(&upload).await.unwrap();
    let multipart = valet_core::upload::Multipart { id, parts };
    let upload = Upload { transfer: valet_core::upload::Transfer::Parts(multipart), ..upload };
    function.uploads.put_upload(&upload, None).await.unwrap();
    upload
}

#[tokio::test]
async fn parts_are_signed_on_demand_and_told_of_once_they_have_arrived() {
    let function = function();
    alices_parts(&function).await;
    let (status, body, _) = send(&function, event(SIGN_PARTS)).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["parts"][0]["partNumber"], 11);
    assert_eq!(body["parts"][1]["headers"], json!({"x-amz-checksum-crc64nvme": "rosUhgp5mIg="}));
    assert_eq!(function.objects.send(body["parts"][0]["url"].as_str().unwrap(), &[], b"x"), 200);

    let (status, body, _) = send(&function, event(READ_PARTS)).await;
    let stored = &body["multipart"]["stored"];
    assert_eq!((status, stored.as_array().map(Vec::len)), (200, Some(1)), "{body}");
    let crc = sample::crc64nvme(b"x").to_string();
    assert_eq!(
        stored[0],
        json!({"partNumber": 11, "size": 1, "etag": format!("\"{crc}\""), "checksum": {"crc64nvme": crc}})
    );
    assert_eq!(body["multipart"]["next"], Value::Null);
    let (_, body, _) = send(&function, event(READ)).await;
    assert_eq!(body["multipart"], json!({"partSize": 5_242_880, "partCount": 11}));
}

#[tokio::test]
async fn what_a_query_may_not_say_is_named() {
    for (query, pointer) in [
        ("include=everything", "include"),
        ("after=1", "after"),
        ("include=parts&after=0", "after"),
        ("include=parts&after=10001", "after"),
        ("include=parts&after=x", "after"),
        ("include=parts&after=1&after=2", "after"),
        ("inclde=parts", "inclde"),
    ] {
        let mut event = event(READ);
        event["rawQueryString"] = query.into();
        let (status, problem, _) = send(&function(), event).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (400, &json!(pointer)), "{problem}");
    }
}

#[tokio::test]
async fn a_list_of_parts_that_is_none_is_named() {
    for (body, pointer) in [
        (json!({}), "/parts"),
        (json!({"parts": 1}), "/parts"),
        (json!({"parts": [1]}), "/parts/0"),
        (json!({"parts": [{"partNumber": 1}, {}]}), "/parts/1/partNumber"),
        (json!({"parts": [{"partNumber": 1.5}]}), "/parts/0/partNumber"),
        (json!({"parts": [{"partNumber": 1, "checksum": 1}]}), "/parts/0/checksum"),
        (json!({"parts": [{"partNumber": 1, "checksum": {"crc64nvme": 1}}]}), "/parts/0/checksum/crc64nvme"),
    ] {
        let function = function();
        alices_parts(&function).await;
        let mut event = event(SIGN_PARTS);
        event["body"] = body.to_string().into();
        let (status, problem, _) = send(&function, event).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (400, &json!(pointer)), "{problem}");
    }
}

const BATCH: &str = include_str!("../../../../events/issue-upload-batch.json");
const URL: &str = include_str!("../../../../events/get-upload-url.json");

#[tokio::test]
async fn a_batch_answers_each_item_as_it_would_be_answered_alone() {
    let function = function();
    let (status, body, response) = send(&function, event(BATCH)).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    let items = body["items"].as_array().unwrap();
    let statuses: Vec<_> = items.iter().map(|item| item["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 415, 201]);
    assert_eq!(items[0]["upload"]["request"]["method"], "PUT");
    assert_eq!(items[1]["problem"]["code"], "type_not_allowed");
    assert_eq!(items[1]["problem"]["requestId"], "req-1");
    assert_eq!(items[2]["upload"]["multipart"]["partCount"], 11);
    assert_eq!(function.uploads.len(), 2);
    let (_, again, _) = send(&function, event(BATCH)).await;
    assert_eq!((&again["items"][0]["upload"]["id"], function.uploads.len()), (&items[0]["upload"]["id"], 2));
}

#[tokio::test]
async fn what_is_no_batch_is_refused_whole() {
    let full = json!({"filename": "x", "contentType": "image/png", "size": 1});
    let bodies = [json!({}), json!({"items": 1}), json!({"items": []}), json!({"items": vec![full; 51]})];
    for body in bodies {
        let (function, mut event) = (function(), event(BATCH));
        event["body"] = body.to_string().into();
        let (status, problem, _) = send(&function, event).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (400, &json!("/items")), "{problem}");
        assert!(function.uploads.is_empty());
    }
}

#[tokio::test]
async fn the_tutorials_words_are_a_grant_of_one_put() {
    let function = function();
    let (status, body, _) = send(&function, event(URL)).await;
    assert_eq!(status, 200, "{body}");
    let id = body["id"].as_str().unwrap();
    assert_eq!(body["key"], format!("uploads/2bd806c97f0e00af1a1fc3328fa763a9/{id}.jpg"));
    assert!(body["uploadUrl"].as_str().unwrap().contains(id) && body["expiresAt"].is_string());
    assert_eq!(body["headers"]["content-type"], "image/jpeg");

    let mut large = event(URL);
    let size = valet_core::parts::MAX_PART_BYTES + 1;
    large["body"] = json!({"filename": "x", "contentType": "video/mp4", "size": size}).to_string().into();
    let (status, problem, _) = send(&function, large).await;
    assert_eq!((status, &problem["code"]), (413, &json!("file_too_large")));
    assert_eq!(function.uploads.len(), 1);
}
