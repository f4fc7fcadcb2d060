//! Whatever arrives, in whatever order and however often, the upload ends where it should.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use futures_util::future::join_all;
use valet_core::checksum::Sha256;
use valet_core::complete_upload::Said;
use valet_core::confirm_upload::Confirmed;
use valet_core::key::CACHE_CONTROL;
use valet_core::ports::{GetUpload, StoredHeaders, TagVerified, UpdateUpload};
use valet_core::settle::{Arrival, Settled, remove_nobodys};
use valet_core::testing::{Failing, MemoryBucket, MemoryTable, sample};
use valet_core::upload::{RejectReason, Size, State, Transition, VersionId};
use valet_core::{
    Error, MediaType, Owner, Upload, UploadKey, cancel_upload, confirm_upload, read_upload, settle,
};

fn granted_headers() -> StoredHeaders {
    StoredHeaders {
        content_type: Some("image/png".to_owned()),
        cache_control: Some(CACHE_CONTROL.to_owned()),
        ..StoredHeaders::default()
    }
}

struct Stack {
    bucket: MemoryBucket,
    table: MemoryTable,
    upload: Upload,
}

/// A stack with one pending upload.
fn stack() -> Stack {
    stack_with(sample::pending())
}

fn stack_with(upload: Upload) -> Stack {
    Stack { bucket: MemoryBucket::default(), table: MemoryTable::with([upload.clone()]), upload }
}

impl Stack {
    fn arrives(&self, bytes: &[u8]) -> Arrival {
        let version = self.bucket.store(&self.upload.key(), granted_headers(), None, bytes);
        Arrival::Event(self.upload.key(), Some(version))
    }

    async fn settle(&self, arrival: &Arrival) -> Settled {
        settle(&self.bucket, &self.table, sample::NOW, arrival).await.unwrap()
    }

    async fn confirm(&self) -> Result<Upload, Error> {
        let Upload { owner, id, .. } = self.upload;
        let said = Said::default();
        match confirm_upload(&self.bucket, &self.table, sample::NOW, owner, id, &said).await? {
            Confirmed::File(upload) => Ok(upload),
            Confirmed::UnderWay(..) => panic!("one PUT is never under way"),
        }
    }

    async fn state(&self) -> State {
        self.table.get_upload(self.upload.owner, self.upload.id).await.unwrap().unwrap().state
    }

    fn versions(&self) -> usize {
        self.bucket.versions(&self.upload.key())
    }

    fn is_served(&self) -> bool {
        self.bucket.is_served(&self.upload.key())
    }
}

#[tokio::test]
async fn the_event_alone_makes_a_granted_file_ready_and_served() {
    let stack = stack();
    let event = stack.arrives(sample::PNG);
    assert!(!stack.is_served());
    assert!(matches!(stack.settle(&event).await, Settled::Ready(..)));
    assert!(matches!(stack.state().await, State::Ready(_)));
    assert!(stack.is_served());
}

#[tokio::test]
async fn confirm_and_event_agree_in_both_orders_and_when_repeated() {
    for confirms_first in [true, false] {
        let stack = stack();
        let event = stack.arrives(sample::PNG);
        let mut answers = Vec::new();
        for round in 0..4 {
            if (round % 2 == 0) == confirms_first {
                answers.push(stack.confirm().await.unwrap());
            } else {
                let Settled::Ready(upload, _) = stack.settle(&event).await else { panic!("not ready") };
                answers.push(upload);
            }
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        assert_eq!(stack.versions(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_runs_at_once_make_one_move() {
    for _ in 0..50 {
        let stack = std::sync::Arc::new(stack());
        let event = std::sync::Arc::new(stack.arrives(sample::PNG));
        let runs = (0..8).map(|_| {
            let (stack, event) = (stack.clone(), event.clone());
            tokio::spawn(async move { stack.settle(&event).await })
        });
        for settled in join_all(runs).await {
            let Settled::Ready(_, verified) = settled.unwrap() else { panic!("not ready") };
            assert!(matches!(stack.state().await, State::Ready(now) if now == verified));
        }
        assert!(stack.is_served());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_racing_an_arrival_leaves_a_file_or_nothing() {
    for _ in 0..200 {
        let stack = std::sync::Arc::new(stack());
        let event = stack.arrives(sample::PNG);
        let settling = tokio::spawn({
            let stack = stack.clone();
            let event = event.clone();
            async move { stack.settle(&event).await }
        });
        let cancelling = tokio::spawn({
            let stack = stack.clone();
            async move { cancel_upload(&stack.bucket, &stack.table, stack.upload.owner, stack.upload.id).await }
        });
        let (settled, cancelled) = (settling.await.unwrap(), cancelling.await.unwrap());
        if cancelled.is_ok() {
            // Seen in time, or already removed by the cancel.
            assert!(
                matches!(settled, Settled::Gone(Some(State::Cancelled)) | Settled::Missing(_)),
                "{settled:?}"
            );
            assert_eq!((stack.state().await, stack.versions()), (State::Cancelled, 0));
        } else {
            assert!(matches!(stack.state().await, State::Ready(_)));
            assert!(stack.is_served());
        }
    }
}

#[tokio::test]
async fn what_differs_from_its_grant_is_rejected_and_removed() {
    let good = sample::PNG;
    let html = b"<!doctype html><script>alert(document.domain)</script><!-- --------- -->";
    let same_size_html = &html[..good.len().min(html.len())];
    let with = |change: fn(&mut StoredHeaders)| {
        let mut headers = granted_headers();
        change(&mut headers);
        headers
    };
    let sha256 = Some(Sha256::of(b"another file"));
    let cases: Vec<(RejectReason, StoredHeaders, &[u8], Option<Sha256>)> = vec![
        (RejectReason::Size, granted_headers(), &good[1..], None),
        (RejectReason::Size, granted_headers(), b"", None),
        (RejectReason::Checksum, granted_headers(), good, sha256),
        (RejectReason::Content, granted_headers(), same_size_html, None),
        (RejectReason::Headers, with(|h| h.content_type = Some("text/html".to_owned())), good, None),
        (RejectReason::Headers, with(|h| h.content_type = None), good, None),
        (RejectReason::Headers, with(|h| h.cache_control = None), good, None),
        (RejectReason::Headers, with(|h| h.content_encoding = Some("gzip".to_owned())), good, None),
        (RejectReason::Headers, with(|h| h.content_disposition = Some("inline".to_owned())), good, None),
        (RejectReason::Headers, with(|h| h.content_language = Some("en".to_owned())), good, None),
        (RejectReason::Headers, with(|h| h.expires = Some("0".to_owned())), good, None),
        (RejectReason::Headers, with(|h| h.website_redirect = Some("/x".to_owned())), good, None),
        (RejectReason::Headers, with(|h| h.has_metadata = true), good, None),
    ];
    for (reason, headers, bytes, granted) in cases {
        let mut upload = Upload { sha256: granted, ..sample::pending() };
        if reason == RejectReason::Content {
            upload.size = Size::Exact(bytes.len() as u64);
        }
        let stack = stack_with(upload);
        stack.bucket.store(&stack.upload.key(), headers.clone(), Some(Sha256::of(bytes)), bytes);
        let error = stack.confirm().await.expect_err("it was confirmed");
        assert_eq!(error.code(), reason.code(), "{headers:?}");
        assert_eq!((stack.state().await, stack.versions()), (State::Rejected(reason), 0));
        assert_eq!(stack.confirm().await.expect_err("a second try").code(), reason.code());
    }
}

#[tokio::test]
async fn a_granted_checksum_must_be_stored_with_the_object() {
    let stack = stack_with(Upload { sha256: Some(Sha256::of(sample::PNG)), ..sample::pending() });
    stack.bucket.store(&stack.upload.key(), granted_headers(), None, sample::PNG);
    assert_eq!(stack.confirm().await.expect_err("it was confirmed").code(), "checksum_mismatch");
}

#[tokio::test]
async fn confirming_too_early_changes_nothing_and_may_be_repeated() {
    let stack = stack();
    let error = stack.confirm().await.expect_err("nothing has arrived");
    assert_eq!((error.code(), error.is_retryable()), ("not_uploaded", true));
    assert_eq!(stack.state().await, State::Pending);
    stack.arrives(sample::PNG);
    assert!(stack.confirm().await.is_ok());
}

#[tokio::test]
async fn a_missing_object_that_s3_denies_is_not_uploaded_for_a_client_and_a_failure_for_an_event() {
    let stack = stack();
    let Upload { owner, id, .. } = stack.upload;
    let denying = Failing::denying(&stack.bucket);
    let error = confirm_upload(&denying, &stack.table, sample::NOW, owner, id, &Said::default())
        .await
        .expect_err("denied");
    assert_eq!(error.code(), "not_uploaded");
    let event = Arrival::Event(stack.upload.key(), None);
    let denying = Failing::denying(&stack.bucket);
    settle(&denying, &stack.table, sample::NOW, &event).await.expect_err("the event would be lost");
    assert_eq!(stack.state().await, State::Pending);
}

#[tokio::test]
async fn only_a_grant_without_a_file_expires() {
    let late = sample::NOW + time::Duration::DAY;
    let stack = stack();
    let Upload { owner, id, .. } = stack.upload;
    let said = Said::default();
    let confirm = || confirm_upload(&stack.bucket, &stack.table, late, owner, id, &said);
    assert_eq!(confirm().await.expect_err("nothing came").code(), "upload_expired");
    assert_eq!(read_upload(&stack.table, late, owner, id).await.unwrap().state, State::Expired);
    stack.arrives(sample::PNG);
    assert!(confirm().await.is_ok(), "its PUT began in time, or S3 would have refused it");
}

#[tokio::test]
async fn another_owners_upload_is_not_found() {
    let stack = stack();
    stack.arrives(sample::PNG);
    let (mallory, id) = (Owner::of_subject("mallory"), stack.upload.id);
    let confirmed =
        confirm_upload(&stack.bucket, &stack.table, sample::NOW, mallory, id, &Said::default()).await;
    assert_eq!(confirmed.expect_err("confirmed").code(), "not_found");
    let cancelled = cancel_upload(&stack.bucket, &stack.table, mallory, id).await;
    assert_eq!(cancelled.expect_err("cancelled").code(), "not_found");
    let read = read_upload(&stack.table, sample::NOW, mallory, id).await;
    assert_eq!(read.expect_err("read").code(), "not_found");
    assert_eq!((stack.state().await, stack.versions()), (State::Pending, 1));
}

#[tokio::test]
async fn what_arrives_for_a_tombstone_or_for_nobody_is_removed() {
    for state in [State::Cancelled, State::Expired, State::Deleted, State::Rejected(RejectReason::Size)] {
        let stack = stack_with(Upload { state: state.clone(), ..sample::pending() });
        let event = stack.arrives(sample::PNG);
        stack.settle(&event).await;
        assert_eq!((stack.state().await, stack.versions()), (state, 0));
    }
    let stack = stack();
    let stranger = UploadKey { id: sample::id(), ..stack.upload.key() };
    let version = stack.bucket.store(&stranger, granted_headers(), None, sample::PNG);
    let settled = stack.settle(&Arrival::Event(stranger, Some(version.clone()))).await;
    assert_eq!(settled, Settled::Gone(None));
    assert!(!remove_nobodys(&stack.bucket, &stranger, Some(&version)).await.unwrap());
    assert_eq!(stack.bucket.versions(&stranger), 0);
}

#[tokio::test]
async fn what_was_verified_is_kept_where_its_row_is_lost() {
    let stack = stack();
    let lost = UploadKey { id: sample::id(), ..stack.upload.key() };
    let version = stack.bucket.store(&lost, granted_headers(), None, sample::PNG);
    stack.bucket.tag_verified(&lost, &version).await.unwrap();
    for named in [Some(version.clone()), None] {
        let settled = stack.settle(&Arrival::Event(lost, named.clone())).await;
        assert_eq!(settled, Settled::Gone(None));
        assert!(remove_nobodys(&stack.bucket, &lost, named.as_ref()).await.unwrap());
        assert!(stack.bucket.is_current(&lost, &version));
    }
    let nothing = UploadKey { id: sample::id(), ..lost };
    assert!(!remove_nobodys(&stack.bucket, &nothing, None).await.unwrap());
}

#[tokio::test]
async fn an_event_without_a_version_removes_the_current_one() {
    let stack = stack_with(Upload { state: State::Cancelled, ..sample::pending() });
    stack.arrives(sample::PNG);
    stack.settle(&Arrival::Event(stack.upload.key(), None)).await;
    assert_eq!(stack.versions(), 0);
    stack.settle(&Arrival::Event(stack.upload.key(), None)).await;
}

#[tokio::test]
async fn the_right_ids_with_another_extension_are_nobodys() {
    let stack = stack();
    let other = UploadKey { media_type: MediaType::Pdf, ..stack.upload.key() };
    let version = stack.bucket.store(&other, granted_headers(), None, sample::PNG);
    assert_eq!(stack.settle(&Arrival::Event(other, Some(version.clone()))).await, Settled::Gone(None));
    assert!(!remove_nobodys(&stack.bucket, &other, Some(&version)).await.unwrap());
    assert_eq!((stack.state().await, stack.bucket.versions(&other)), (State::Pending, 0));
}

#[tokio::test]
async fn a_second_version_of_a_ready_file_is_removed_and_the_file_stays() {
    let stack = stack();
    let first = stack.arrives(sample::PNG);
    stack.settle(&first).await;
    let second = stack.arrives(b"overwritten");
    assert!(matches!(stack.settle(&second).await, Settled::Ready(..)));
    assert_eq!(stack.versions(), 1);
    assert!(stack.is_served());
    stack.settle(&first).await;
    assert_eq!(stack.versions(), 1, "the verified version was removed");
}

#[tokio::test]
async fn an_event_for_a_version_that_is_gone_changes_nothing() {
    let stack = stack();
    let event = Arrival::Event(stack.upload.key(), Some(VersionId::new("gone")));
    assert!(matches!(stack.settle(&event).await, Settled::Missing(_)));
    assert_eq!(stack.state().await, State::Pending);
}

#[tokio::test]
async fn whichever_call_fails_the_next_event_finishes_the_work() {
    let arrivals: [&[u8]; 2] = [sample::PNG, b"not what was granted"];
    for bytes in arrivals {
        for fails_at in 0..6 {
            for (fails_in_table, has_effect) in [(false, false), (false, true), (true, false), (true, true)] {
                let stack = stack();
                let event = stack.arrives(bytes);
                let bucket =
                    Failing::at(&stack.bucket, if fails_in_table { 99 } else { fails_at }, has_effect);
                let table = Failing::at(&stack.table, if fails_in_table { fails_at } else { 99 }, has_effect);
                let first = settle(&bucket, &table, sample::NOW, &event).await;
                assert_eq!(first.is_err(), bucket.has_failed() || table.has_failed());
                stack.settle(&event).await;
                match stack.state().await {
                    State::Ready(_) => assert!(bytes == sample::PNG && stack.is_served()),
                    State::Rejected(RejectReason::Size) => assert_eq!(stack.versions(), 0),
                    state => panic!("stuck in {state:?}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn cancelling_repeats_and_spares_a_ready_file() {
    let stack = stack();
    let Upload { owner, id, .. } = stack.upload;
    for _ in 0..2 {
        cancel_upload(&stack.bucket, &stack.table, owner, id).await.unwrap();
    }
    assert_eq!(stack.confirm().await.expect_err("cancelled").code(), "invalid_state");

    let stack = self::stack();
    stack.arrives(sample::PNG);
    let confirmed = stack.confirm().await.unwrap();
    let error = cancel_upload(&stack.bucket, &stack.table, confirmed.owner, confirmed.id)
        .await
        .expect_err("it is a file now");
    assert_eq!(error.code(), "invalid_state");
    assert!(stack.is_served());
}

#[tokio::test]
async fn a_cancel_that_storage_loses_can_be_repeated() {
    let stack = stack();
    let Upload { owner, id, .. } = stack.upload;
    let table = Failing::at(&stack.table, 1, true);
    assert_eq!(cancel_upload(&stack.bucket, &table, owner, id).await.expect_err("lost").code(), "try_later");
    cancel_upload(&stack.bucket, &table, owner, id).await.unwrap();
    let moved = stack.table.update_upload(&stack.upload, &Transition::Cancel).await.unwrap();
    assert_eq!((moved, stack.state().await), (None, State::Cancelled));
}

/// The tag is set, every try to record it fails, and the owner cancels: nothing may stay public.
#[tokio::test]
async fn a_cancel_removes_what_was_tagged_but_never_recorded() {
    let stack = stack();
    let event = stack.arrives(sample::PNG);
    let table = Failing::at(&stack.table, 1, false);
    settle(&stack.bucket, &table, sample::NOW, &event).await.expect_err("the record is lost");
    assert!(stack.is_served());
    cancel_upload(&stack.bucket, &stack.table, stack.upload.owner, stack.upload.id).await.unwrap();
    assert_eq!((stack.state().await, stack.versions()), (State::Cancelled, 0));
}

#[tokio::test]
async fn a_cancel_whose_removal_fails_finishes_it_when_repeated() {
    for (fails_at, has_effect) in [(0, false), (1, false), (1, true)] {
        let stack = stack();
        stack.arrives(sample::PNG);
        let Upload { owner, id, .. } = stack.upload;
        let bucket = Failing::at(&stack.bucket, fails_at, has_effect);
        let lost = cancel_upload(&bucket, &stack.table, owner, id).await.expect_err("removal fails");
        assert_eq!((lost.code(), stack.state().await), ("try_later", State::Cancelled));
        cancel_upload(&stack.bucket, &stack.table, owner, id).await.unwrap();
        assert_eq!(stack.versions(), 0);
    }
}

#[tokio::test]
async fn a_confirm_of_a_rejected_upload_finishes_a_removal_that_failed() {
    let stack = stack();
    stack.arrives(b"not what was granted");
    let Upload { owner, id, .. } = stack.upload;
    let bucket = Failing::at(&stack.bucket, 1, false);
    let first = confirm_upload(&bucket, &stack.table, sample::NOW, owner, id, &Said::default()).await;
    assert_eq!(first.expect_err("removal fails").code(), "try_later");
    assert_eq!((stack.state().await, stack.versions()), (State::Rejected(RejectReason::Size), 1));
    assert_eq!(stack.confirm().await.expect_err("rejected").code(), "size_mismatch");
    assert_eq!(stack.versions(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_confirms_and_events_at_once_reject_alike() {
    for _ in 0..50 {
        let stack = std::sync::Arc::new(stack());
        let event = stack.arrives(b"not what was granted");
        let runs = (0..8).map(|run| {
            let (stack, event) = (stack.clone(), event.clone());
            tokio::spawn(async move {
                if run % 2 == 0 {
                    return stack.settle(&event).await == Settled::Rejected(RejectReason::Size);
                }
                stack.confirm().await.expect_err("it was confirmed").code() == "size_mismatch"
            })
        });
        let alike = join_all(runs).await.into_iter().all(Result::unwrap);
        assert!(alike && stack.versions() == 0);
    }
}
