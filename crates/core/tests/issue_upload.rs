//! What a grant may be asked for, and what it says.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use futures_util::FutureExt;
use proptest::prelude::*;
use valet_core::issue_upload::{Grant, NewUpload};
use valet_core::issue_uploads::{Item, MAX_BATCH};
use valet_core::testing::{Failing, MemoryBucket, MemoryTable, sample};
use valet_core::upload::{State, Transition};
use valet_core::{Error, Owner, UploadKey, issue_upload, issue_uploads, ports::UpdateUpload, resign_upload};

struct Stack {
    bucket: MemoryBucket,
    table: MemoryTable,
}

fn stack() -> Stack {
    Stack { bucket: MemoryBucket::default(), table: MemoryTable::default() }
}

impl Stack {
    async fn issue(&self, new: NewUpload) -> Result<Grant, Error> {
        let alice = Owner::of_subject("alice");
        issue_upload(&self.bucket, &self.table, &sample::policy(), sample::NOW, alice, sample::id(), new)
            .await
    }
}

fn png() -> NewUpload {
    NewUpload {
        filename: "cat.png".to_owned(),
        content_type: "image/png".to_owned(),
        size_bytes: sample::PNG.len() as u64,
        ..NewUpload::default()
    }
}

fn code(result: Result<Grant, Error>) -> &'static str {
    result.expect_err("it was granted").code()
}

#[tokio::test]
async fn a_grant_is_recorded_as_pending_and_fulfilled_by_its_request() {
    let stack = stack();
    let grant = stack.issue(png()).await.unwrap();
    let request = grant.put().unwrap().clone();
    assert_eq!(grant.upload.state, State::Pending);
    assert_eq!(grant.upload.expires_at, sample::NOW + time::Duration::HOUR);
    assert_eq!(request.expires_at, sample::NOW + time::Duration::minutes(15));
    assert_eq!(stack.table.len(), 1);
    assert_eq!(stack.bucket.send(&request.url, &request.headers, sample::PNG), 200);
    assert_eq!(stack.bucket.keys(), [grant.upload.key().to_string()]);
}

#[tokio::test]
async fn hostile_types_are_not_allowed() {
    for content_type in
        ["text/html", "text/HtMl", "image/svg+xml", "image/png,text/html", "image/png; charset=x", ""]
    {
        let stack = stack();
        let result = stack.issue(NewUpload { content_type: content_type.to_owned(), ..png() }).await;
        assert_eq!(code(result), "type_not_allowed", "{content_type}");
        assert!(stack.table.is_empty());
    }
}

#[tokio::test]
async fn a_known_type_that_the_stack_does_not_accept_is_not_allowed() {
    let result = stack().issue(NewUpload { content_type: "application/pdf".to_owned(), ..png() }).await;
    let error = result.expect_err("it was granted");
    assert_eq!(
        error.to_string(),
        "this content type is not accepted; accepted are: image/jpeg, image/png, video/mp4"
    );
}

#[tokio::test]
async fn each_type_has_its_own_maximum_size() {
    let mib = 1 << 20;
    for (content_type, size_bytes, allowed) in [
        ("image/png", mib, true),
        ("image/png", mib + 1, false),
        ("video/mp4", 5 << 30, true),
        ("video/mp4", (5 << 30) + 1, false),
        ("image/png", u64::MAX, false),
    ] {
        let result =
            stack().issue(NewUpload { content_type: content_type.to_owned(), size_bytes, ..png() }).await;
        match result {
            Ok(_) => assert!(allowed, "{content_type} of {size_bytes}"),
            Err(error) => assert_eq!((error.code(), allowed), ("file_too_large", false)),
        }
    }
}

#[tokio::test]
async fn all_bad_fields_are_reported_at_once() {
    let bad = NewUpload { filename: String::new(), size_bytes: 0, sha256: Some("abc".to_owned()), ..png() };
    let Err(Error::InvalidRequest(errors)) = stack().issue(bad).await else { panic!("it was granted") };
    let pointers: Vec<_> = errors.iter().map(|error| &*error.pointer).collect();
    assert_eq!(pointers, ["/filename", "/size", "/checksum/sha256"]);
}

#[tokio::test]
async fn a_signature_that_fails_leaves_no_row_behind() {
    let stack = stack();
    let bucket = Failing::at(&stack.bucket, 0, false);
    let alice = Owner::of_subject("alice");
    let result =
        issue_upload(&bucket, &stack.table, &sample::policy(), sample::NOW, alice, sample::id(), png()).await;
    assert_eq!(code(result), "try_later");
    assert!(stack.table.is_empty());
}

#[tokio::test]
async fn a_repeated_idempotency_key_gives_the_first_upload_again() {
    let stack = stack();
    let new = NewUpload { idempotency_key: Some("k1".to_owned()), ..png() };
    let first = stack.issue(new.clone()).await.unwrap();
    let second = stack.issue(new.clone()).await.unwrap();
    assert_eq!(second.upload, first.upload);
    assert!(second.request.is_some());
    assert_eq!(stack.table.len(), 1);

    let other = stack.issue(NewUpload { size_bytes: 7, ..new.clone() }).await;
    assert_eq!(code(other), "idempotency_key_reused");
    assert_eq!(stack.table.len(), 1);

    let upload = first.upload;
    stack.table.update_upload(&upload, &Transition::Cancel).await.unwrap();
    let after = stack.issue(new).await.unwrap();
    assert_eq!(after.upload.state, State::Cancelled);
    assert!(after.request.is_none());
}

#[tokio::test]
async fn an_idempotency_key_is_visible_ascii() {
    for key in ["", "a b", "\u{fc}", "a\r\nb", &"x".repeat(256)] {
        let result = stack().issue(NewUpload { idempotency_key: Some(key.to_owned()), ..png() }).await;
        assert_eq!(code(result), "invalid_request", "{key:?}");
    }
}

#[tokio::test]
async fn only_its_owner_signs_a_pending_upload_again() {
    let stack = stack();
    let upload = stack.issue(png()).await.unwrap().upload;
    let resign = |owner, now| {
        let Stack { bucket, table } = &stack;
        let policy = sample::policy();
        async move { resign_upload(bucket, table, &policy, now, owner, upload.id).await }
    };
    let later = sample::NOW + time::Duration::minutes(30);
    let request = resign(upload.owner, later).await.unwrap().put().unwrap().clone();
    assert_eq!(request.expires_at, later + time::Duration::minutes(15));
    let almost = upload.expires_at - time::Duration::milliseconds(2900);
    let request = resign(upload.owner, almost).await.unwrap().put().unwrap().clone();
    assert_eq!(request.expires_at, almost + time::Duration::seconds(2), "it outlives its grant");
    let too_late = upload.expires_at - time::Duration::milliseconds(900);
    assert_eq!(code(resign(upload.owner, too_late).await), "upload_expired");
    assert_eq!(code(resign(Owner::of_subject("mallory"), later).await), "not_found");
    assert_eq!(code(resign(upload.owner, upload.expires_at).await), "upload_expired");
    stack.table.update_upload(&upload, &Transition::Cancel).await.unwrap();
    assert_eq!(code(resign(upload.owner, later).await), "invalid_state");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]
    #[test]
    fn no_filename_or_subject_reaches_the_key(filename in ".{1,40}", subject in ".{0,20}") {
        check_key(filename, &subject);
    }
}

#[test]
fn no_hostile_filename_reaches_the_key() {
    for filename in
        ["../../u2/x.png", "%2e%2e/x.png", "a\0b", "a\r\nx-amz-acl: public-read", "/", "x.png/../y"]
    {
        check_key(filename.to_owned(), filename);
    }
}

fn check_key(filename: String, subject: &str) {
    let Stack { bucket, table } = stack();
    let owner = Owner::of_subject(subject);
    let new = NewUpload { filename, ..png() };
    let grant = issue_upload(&bucket, &table, &sample::policy(), sample::NOW, owner, sample::id(), new)
        .now_or_never()
        .expect("memory does not wait")
        .unwrap();
    let key = grant.upload.key().to_string();
    assert!(key.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'.')), "{key}");
    assert_eq!(UploadKey::parse(&key), Some(grant.upload.key()));
    assert_eq!(key.matches('/').count(), 2);
    assert_eq!(key.matches('.').count(), 1);
}

fn batch(items: impl IntoIterator<Item = Result<NewUpload, Error>>) -> Vec<Item> {
    items.into_iter().map(|new| (sample::id(), new)).collect()
}

impl Stack {
    async fn issue_batch(
        &self,
        key: Option<&str>,
        items: Vec<Item>,
    ) -> Result<Vec<Result<Grant, Error>>, Error> {
        let alice = Owner::of_subject("alice");
        issue_uploads(&self.bucket, &self.table, &sample::policy(), sample::NOW, alice, key, items).await
    }
}

#[tokio::test]
async fn each_item_of_a_batch_stands_alone_and_in_its_order() {
    let stack = stack();
    let unreadable = Err(Error::InvalidRequest(vec![]));
    let too_large = NewUpload { size_bytes: 1 << 40, ..png() };
    let items = batch([Ok(png()), unreadable, Ok(too_large), Ok(png())]);
    let asked: Vec<_> = items.iter().map(|(id, _)| *id).collect();
    let grants = stack.issue_batch(None, items).await.unwrap();
    let outcomes: Vec<_> =
        grants.iter().map(|grant| grant.as_ref().map(|grant| grant.upload.id).map_err(Error::code)).collect();
    assert_eq!(outcomes, [Ok(asked[0]), Err("invalid_request"), Err("file_too_large"), Ok(asked[3])]);
    assert_eq!(stack.table.len(), 2);
}

#[tokio::test]
async fn a_repeated_batch_makes_each_place_once() {
    let stack = stack();
    let ids = async |items| -> Vec<_> {
        let grants = stack.issue_batch(Some("k"), items).await.unwrap();
        grants
            .into_iter()
            .map(|grant| grant.map(|grant| grant.upload.id).map_err(|error| error.code()))
            .collect()
    };
    let first = ids(batch([Ok(png()), Ok(png())])).await;
    assert_ne!(first[0], first[1], "two places that ask for the same are two uploads");
    let other = NewUpload { filename: "dog.png".to_owned(), ..png() };
    let second = ids(batch([Ok(png()), Ok(other), Ok(png())])).await;
    assert_eq!((second[0], second[1]), (first[0], Err("idempotency_key_reused")));
    assert_eq!(stack.table.len(), 3);
    let alone = stack.issue(NewUpload { idempotency_key: Some("k".to_owned()), ..png() }).await.unwrap();
    assert!(!first.contains(&Ok(alone.upload.id)), "a batch's key is not that of one upload");
}

#[tokio::test]
async fn a_batch_of_none_too_many_or_a_bad_key_makes_nothing() {
    let stack = stack();
    let (none, many) = (batch([]), batch((0..=MAX_BATCH).map(|_| Ok(png()))));
    for (key, items) in [(None, none), (None, many), (Some("two words"), batch([Ok(png())]))] {
        let refused = stack.issue_batch(key, items).await.expect_err("it was granted");
        assert_eq!(refused.code(), "invalid_request");
    }
    assert!(stack.table.is_empty());
    let full = stack.issue_batch(None, batch((0..MAX_BATCH).map(|_| Ok(png())))).await.unwrap();
    assert_eq!((full.len(), stack.table.len()), (50, 50));
}
