//! Calls of the API.

use crate::PART;
use crate::fake::{Fake, Fault, full};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use valet_client::{Api, Error, NewUpload, Status, ToSend, Token, WantedPart};

fn new(size: u64) -> NewUpload {
    NewUpload {
        filename: "f".into(),
        content_type: "video/mp4".into(),
        size,
        part_size: None,
        checksum: None,
    }
}

#[test]
fn a_grant_asked_for_again_bears_the_same_key() {
    let fake = Fake::start(PART);
    fake.fault("issue", Fault::LoseAnswer);
    fake.fault(
        "issue",
        Fault::Answer(503, "retry-after: 0\r\n", json!({"code": "try_later", "retryable": true})),
    );
    fake.api().issue(&new(10), None).unwrap();
    fake.api().issue(&new(10), Some("mine")).unwrap();
    let keys = &fake.state().keys;
    assert_eq!(keys.len(), 4);
    assert!(keys[0] == keys[1] && keys[1] == keys[2] && keys[0].len() >= 32);
    assert_eq!(keys[3], "mine");
}

#[test]
fn a_grant_holds_what_to_send_and_hides_it() {
    let api = Fake::start(PART).api();
    let single = api.issue(&new(PART), None).unwrap();
    let ToSend::Single(request) = &single.to_send else { panic!("{single:?}") };
    assert!(request.url.contains("s3cret") && request.ends.is_some());
    assert!(!format!("{single:?}").contains("s3cret"));
    let parts = api.issue(&new(30 * PART), None).unwrap();
    let ToSend::Parts(multipart, first) = &parts.to_send else { panic!("{parts:?}") };
    assert_eq!((multipart.part_size, multipart.part_count, first.len()), (PART, 30, 20));
    assert!(!format!("{parts:?}").contains("s3cret"));
    let wanted = [21, 30].map(|part_number| WantedPart { part_number, checksum: None });
    let signed = api.sign_parts(&parts.upload.id, &wanted).unwrap();
    assert_eq!(signed.iter().map(|part| part.part_number).collect::<Vec<_>>(), [21, 30]);
    assert!(!format!("{signed:?}").contains("s3cret"));
}

#[test]
fn a_token_is_read_again_once_it_is_refused() {
    let fake = Fake::start(PART);
    fake.fault("read", Fault::Answer(401, "", json!({"message": "Unauthorized"})));
    let asked = Arc::new(AtomicU32::new(0));
    let mut settings = fake.settings();
    settings.token =
        Token::Callback(Arc::new(move || Ok(format!("t{}", asked.fetch_add(1, Ordering::Relaxed)))));
    let api = Api::new(settings).unwrap();
    let grant = api.issue(&new(1), None).unwrap();
    assert_eq!(api.upload(&grant.upload.id).unwrap().status, Status::Pending);
    assert_eq!(fake.state().tokens, ["Bearer t0", "Bearer t1", "Bearer t2"]);
}

#[test]
fn a_token_that_stays_refused_is_unauthorised() {
    let fake = Fake::start(PART);
    for _ in 0..5 {
        fake.fault("issue", Fault::Answer(401, "", json!({"message": "Unauthorized"})));
    }
    let refused = fake.api().issue(&new(1), None);
    assert!(matches!(refused, Err(Error::Unauthorized { status: 401, .. })));
    assert_eq!(fake.count("issue"), 1);
}

#[test]
fn tries_end() {
    let fake = Fake::start(PART);
    for _ in 0..5 {
        fake.fault("issue", Fault::Answer(503, "", json!({"code": "try_later"})));
    }
    let mut settings = fake.settings();
    settings.tries = 2;
    let api = Api::new(settings).unwrap();
    assert!(matches!(api.issue(&new(1), None), Err(Error::TryLater { status: 503, .. })));
    assert_eq!(fake.count("issue"), 2);
}

#[test]
fn no_room_for_a_grant_is_told_at_once_and_for_how_long() {
    let fake = Fake::start(PART);
    fake.fault("issue", full("too_many_grants", "retry-after: 42\r\n"));
    let refused = fake.api().issue(&new(1), None).unwrap_err();
    assert_eq!((refused.code(), refused.retry_after()), ("too_many_grants", Some(Duration::from_secs(42))));
    assert!(refused.is_full_for_now() && refused.is_retryable());
    assert_eq!(fake.count("issue"), 1);
}

#[test]
fn holding_too_much_is_no_lack_of_authority_and_final() {
    let fake = Fake::start(PART);
    let detail = "this does not fit: of at most 2 files, 2 are held";
    fake.fault("issue", Fault::Answer(403, "", json!({"code": "quota_exceeded", "detail": detail})));
    let refused = fake.api().issue(&new(1), None).unwrap_err();
    assert_eq!(refused.to_string(), format!("there is no room: {detail}"));
    assert!(refused.code() == "quota_exceeded" && !refused.is_retryable() && !refused.is_resumable());
    assert_eq!(fake.count("issue"), 1);
}

#[test]
fn what_is_held_is_read_with_its_limits() {
    let fake = Fake::start(PART);
    let told = json!({
        "files": {"used": 3, "limit": 10}, "bytes": {"used": 700}, "pending": {"used": 1, "limit": 2}, "grantsPerMinute": {"used": 0},
    });
    fake.fault("usage", Fault::Answer(200, "", told));
    let usage = fake.api().usage().unwrap();
    assert_eq!((usage.files.used, usage.files.limit), (3, Some(10)));
    assert_eq!((usage.bytes.used, usage.bytes.limit), (700, None));
}

#[test]
fn ids_cannot_leave_their_place() {
    let fake = Fake::start(PART);
    assert!(matches!(fake.api().upload("../files?x=1#y"), Err(Error::NotFound { .. })));
    assert_eq!(fake.state().log, ["read"]);
}

#[test]
fn what_is_no_answer_is_a_protocol_error() {
    let fake = Fake::start(PART);
    fake.fault("limits", Fault::Answer(200, "", json!({"types": "s3cret"})));
    let Err(error) = fake.api().limits() else { panic!() };
    assert!(matches!(error, Error::Protocol { .. }));
    assert!(!format!("{error:?}").contains("s3cret"));
}

#[test]
fn an_upload_is_cancelled() {
    let fake = Fake::start(PART);
    let api = fake.api();
    let id = api.issue(&new(10 * PART), None).unwrap().upload.id;
    api.cancel(&id).unwrap();
    assert_eq!(api.upload(&id).unwrap().status, Status::Cancelled);
}
