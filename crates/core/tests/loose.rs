//! A file of unknown size, by form or in parts of the client's own cut, ends as one verified file or as none, and no call about it moves
//! anybody else's.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use futures_util::future::join_all;
use valet_core::announced::Announced;
use valet_core::complete_upload::Said;
use valet_core::confirm_upload::Confirmed;
use valet_core::key::{Area, CACHE_CONTROL};
use valet_core::loose_parts::{
    OwnCall, OwnMultipart, begin_parts, find_parts, grant_parts, list_parts, sign_own_call, sign_part,
};
use valet_core::parts::MIN_PART_BYTES;
use valet_core::ports::{
    AbortMultipart, CreateMultipart, GetSession, GetUpload, HeadObject, SignedCall, SignedForm, SignedPut,
    StoredHeaders, UpdateUpload,
};
use valet_core::sessions::{SESSION_LIFETIME, Secret, open_session, session_owner};
use valet_core::settle::{Arrival, Settled, remove_nobodys};
use valet_core::sweep_uploads::{Counts, Limits, Report, Run};
use valet_core::testing::{Failing, MemoryBucket, MemoryCdn, MemoryQueue, MemoryTable, sample};
use valet_core::upload::{MultipartId, RejectReason, Size, State, Transfer, Transition};
use valet_core::{
    Error, Owner, StoreError, Upload, UploadId, UploadKey, cancel_upload, confirm_upload, issue_form,
    resign_upload, settle, sweep_uploads,
};

#[derive(Default)]
struct Stack {
    bucket: MemoryBucket,
    table: MemoryTable,
}

fn alice() -> Owner {
    Owner::of_subject("alice")
}

fn mallory() -> Owner {
    Owner::of_subject("mallory")
}

fn png() -> Announced {
    Announced {
        filename: Some("cat.png".to_owned()),
        content_type: Some("image/png".to_owned()),
        ..Announced::default()
    }
}

fn mp4(size_bytes: Option<u64>, part_bytes: Option<u64>) -> Announced {
    Announced {
        filename: Some("cat.mp4".to_owned()),
        content_type: Some("video/mp4".to_owned()),
        size_bytes,
        part_bytes,
    }
}

/// A whole part and a byte.
fn movie() -> Vec<u8> {
    let mut bytes = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom".to_vec();
    bytes.resize(usize::try_from(MIN_PART_BYTES + 1).unwrap(), 7);
    bytes
}

/// The movie in parts, as Uppy cuts it.
fn parts(bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    (1..).zip(bytes.chunks(usize::try_from(MIN_PART_BYTES).unwrap()))
}

impl Stack {
    async fn form(&self, announced: &Announced) -> Result<(Upload, SignedForm), Error> {
        let id = sample::id();
        issue_form(&self.bucket, &self.table, &sample::policy(), sample::NOW, alice(), id, announced).await
    }

    async fn begin(&self, announced: &Announced) -> Result<Upload, Error> {
        let id = sample::id();
        begin_parts(&self.bucket, &self.table, &sample::policy(), sample::NOW, alice(), id, announced).await
    }

    async fn grant(&self, announced: &Announced) -> Result<(Upload, SignedCall), Error> {
        let id = sample::id();
        grant_parts(&self.bucket, &self.table, &sample::policy(), sample::NOW, alice(), id, announced).await
    }

    async fn sign(&self, upload: &Upload, number: u64) -> Result<SignedPut, Error> {
        let key = upload.key().to_string();
        let upload = find_parts(&self.table, sample::NOW, alice(), upload.id, &key).await?;
        sign_part(&self.bucket, &sample::policy(), sample::NOW, &upload, number).await
    }

    async fn send(&self, upload: &Upload, number: u64, bytes: &[u8]) -> u16 {
        let signed = self.sign(upload, number).await.unwrap();
        self.bucket.send(&signed.url, &signed.headers, bytes)
    }

    /// What the client names once all of these have arrived.
    async fn sent(&self, upload: &Upload, bytes: &[u8]) -> Said {
        for (number, part) in parts(bytes) {
            assert_eq!(self.send(upload, number, part).await, 200);
        }
        self.said(upload).await
    }

    /// What S3 lists, bare, as Uppy 6 names it.
    async fn said(&self, upload: &Upload) -> Said {
        let listed = list_parts(&self.bucket, upload).await.unwrap();
        let etags =
            listed.iter().map(|part| (u64::from(part.number.get()), part.etag.trim_matches('"').to_owned()));
        Said { crc64nvme: None, etags: etags.collect() }
    }

    async fn confirm(&self, upload: &Upload, said: &Said) -> Result<Confirmed, Error> {
        confirm_upload(&self.bucket, &self.table, sample::NOW, upload.owner, upload.id, said).await
    }

    async fn own(
        &self,
        owner: Owner,
        own: &OwnMultipart,
        call: OwnCall,
    ) -> Result<(Upload, SignedCall), Error> {
        let (bucket, table) = (&self.bucket, &self.table);
        sign_own_call(bucket, table, &sample::policy(), sample::NOW, owner, own, call).await
    }

    /// A multipart upload that the client has begun.
    async fn begun(&self, announced: &Announced) -> (Upload, OwnMultipart) {
        let (upload, create) = self.grant(announced).await.unwrap();
        let id = self.create(&create).await;
        let key = upload.key().to_string();
        (upload, OwnMultipart { key, id })
    }

    async fn create(&self, create: &SignedCall) -> MultipartId {
        let (status, xml) = self.bucket.call("POST", &create.url, &create.headers, "").await;
        assert_eq!(status, 200);
        MultipartId::parse(xml.trim_start_matches("<UploadId>").trim_end_matches("</UploadId>")).unwrap()
    }

    async fn send_own(&self, own: &OwnMultipart, bytes: &[u8]) {
        for (number, part) in parts(bytes) {
            let (_, signed) = self.own(alice(), own, OwnCall::Part(number)).await.unwrap();
            assert_eq!(self.bucket.send(&signed.url, &signed.headers, part), 200);
        }
    }

    /// Puts what has arrived together as the client does; answers S3's status.
    async fn complete_own(&self, upload: &Upload, own: &OwnMultipart, complete: &SignedCall) -> u16 {
        let named = Upload { transfer: Transfer::LooseParts(Some(own.id.clone())), ..upload.clone() };
        let part = |(number, etag): (u64, String)| {
            format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
        };
        let xml: String = self.said(&named).await.etags.into_iter().map(part).collect();
        self.bucket.call("POST", &complete.url, &complete.headers, &xml).await.0
    }

    /// S3 tells of what lies under the key.
    async fn arrives(&self, upload: &Upload) -> Settled {
        let found = self.bucket.head_object(&upload.key(), None, false).await.unwrap().unwrap();
        let event = Arrival::Event(upload.key(), Some(found.version));
        settle(&self.bucket, &self.table, sample::NOW, &event).await.unwrap()
    }

    async fn now(&self, upload: &Upload) -> Upload {
        self.table.get_upload(upload.owner, upload.id).await.unwrap().unwrap()
    }

    async fn sweep(&self, now: time::OffsetDateTime) -> Counts {
        let limits = Limits {
            grace: time::Duration::HOUR,
            walk_pages: 2,
            object_age: time::Duration::DAY,
            multipart_age: time::Duration::HOUR,
        };
        let (run, mut report) = (Run { now, limits, has_time: || true }, Report::default());
        let (cdn, queue) = (MemoryCdn::default(), MemoryQueue::default());
        sweep_uploads(&self.bucket, &self.table, &cdn, &self.table, &queue, &run, &mut report).await;
        assert!(report.failures.is_empty(), "{report:?}");
        report.counts
    }
}

#[tokio::test]
async fn a_form_of_a_file_of_unknown_size_becomes_a_file_whose_size_is_known() {
    let stack = Stack::default();
    let (upload, form) = stack.form(&png()).await.unwrap();
    assert_eq!((upload.size, upload.key().area), (Size::AtMost(1 << 20), Area::Open));
    assert_eq!(stack.bucket.send_form(&form.url, &form.fields, sample::PNG), 201);
    let Settled::Ready(file, _) = stack.arrives(&upload).await else { panic!("it is refused") };
    assert_eq!(file.size, Size::Exact(sample::PNG.len() as u64));
    assert!(stack.bucket.is_served(&upload.key()));
    assert_eq!(stack.now(&upload).await, file);
}

#[tokio::test]
async fn whoever_waits_for_a_form_can_ask_with_a_confirm() {
    let stack = Stack::default();
    let (upload, form) = stack.form(&png()).await.unwrap();
    let error = stack.confirm(&upload, &Said::default()).await.unwrap_err();
    assert!(matches!(error, Error::NotUploaded { .. }), "{error:?}");
    stack.bucket.send_form(&form.url, &form.fields, sample::PNG);
    assert!(matches!(stack.confirm(&upload, &Said::default()).await.unwrap(), Confirmed::File(_)));
}

#[tokio::test]
async fn a_form_that_is_sent_again_leaves_the_verified_version_alone() {
    for other_comes_first in [false, true] {
        let stack = Stack::default();
        let (upload, form) = stack.form(&png()).await.unwrap();
        let send = || stack.bucket.send_form(&form.url, &form.fields, sample::PNG);
        assert_eq!(send(), 201);
        if other_comes_first {
            assert_eq!(send(), 201);
        }
        assert!(matches!(stack.arrives(&upload).await, Settled::Ready(..)));
        if !other_comes_first {
            assert_eq!(send(), 201);
            assert!(!stack.bucket.is_served(&upload.key()), "what nobody has verified hides the file");
            assert!(matches!(stack.arrives(&upload).await, Settled::Ready(..)));
        }
        assert!(stack.bucket.is_served(&upload.key()));
        let counts = stack.sweep(sample::NOW + time::Duration::days(2)).await;
        assert_eq!((counts.removed, stack.bucket.versions(&upload.key())), (u64::from(other_comes_first), 1));
    }
}

#[tokio::test]
async fn what_is_stored_past_the_forms_policy_is_refused_and_removed() {
    let (most, headers) = (
        1 << 20,
        StoredHeaders {
            content_type: Some("image/png".to_owned()),
            cache_control: Some(CACHE_CONTROL.to_owned()),
            ..StoredHeaders::default()
        },
    );
    let mut too_many = sample::PNG.to_vec();
    too_many.resize(most + 1, 0);
    for bytes in [&too_many[..], b""] {
        let stack = Stack::default();
        let (upload, _) = stack.form(&png()).await.unwrap();
        stack.bucket.store(&upload.key(), headers.clone(), None, bytes);
        assert_eq!(stack.arrives(&upload).await, Settled::Rejected(RejectReason::Size));
        assert_eq!(
            (stack.bucket.versions(&upload.key()), stack.now(&upload).await.state),
            (0, State::Rejected(RejectReason::Size))
        );
    }
}

#[tokio::test]
async fn an_object_in_the_other_area_is_not_the_uploads() {
    let stack = Stack::default();
    let (upload, _) = stack.form(&png()).await.unwrap();
    let strict = UploadKey { area: Area::WriteOnce, ..upload.key() };
    let version = stack.bucket.store(&strict, StoredHeaders::default(), None, sample::PNG);
    let event = Arrival::Event(strict, Some(version.clone()));
    let settled = settle(&stack.bucket, &stack.table, sample::NOW, &event).await.unwrap();
    assert_eq!(settled, Settled::Gone(None));
    assert!(!remove_nobodys(&stack.bucket, &strict, Some(&version)).await.unwrap());
    assert_eq!(stack.bucket.versions(&strict), 0);
    assert_eq!(stack.now(&upload).await.state, State::Pending);
}

#[tokio::test]
async fn a_form_nobody_sends_expires_and_what_comes_late_is_removed() {
    let stack = Stack::default();
    let (upload, form) = stack.form(&png()).await.unwrap();
    assert_eq!(stack.sweep(upload.expires_at + time::Duration::HOUR).await.expired, 1);
    stack.bucket.send_form(&form.url, &form.fields, sample::PNG);
    assert_eq!(stack.arrives(&upload).await, Settled::Gone(Some(State::Expired)));
    assert_eq!(stack.bucket.versions(&upload.key()), 0);
}

#[tokio::test]
async fn a_form_carries_at_most_5_gib() {
    let stack = Stack::default();
    let (upload, _) = stack.form(&mp4(None, None)).await.unwrap();
    assert_eq!(upload.size, Size::AtMost(5 << 30));
    assert!(stack.form(&mp4(Some(5 << 30), None)).await.is_ok());
    let policy = valet_core::policy::Policy {
        accepted: valet_core::policy::AcceptedTypes::parse("video/mp4=6GiB").unwrap(),
        ..sample::policy()
    };
    let (bucket, table) = (&stack.bucket, &stack.table);
    let (id, film) = (sample::id(), mp4(Some((5 << 30) + 1), None));
    let error = issue_form(bucket, table, &policy, sample::NOW, alice(), id, &film).await.unwrap_err();
    assert!(matches!(error, Error::OtherWay(_)), "{error:?}");
    let (upload, _) =
        issue_form(bucket, table, &policy, sample::NOW, alice(), id, &mp4(None, None)).await.unwrap();
    assert_eq!(upload.size, Size::AtMost(5 << 30));
}

#[tokio::test]
async fn loose_parts_become_one_file_of_what_the_client_names() {
    let (stack, bytes) = (Stack::default(), movie());
    let upload = stack.begin(&mp4(None, None)).await.unwrap();
    assert_eq!((upload.size, upload.key().area), (Size::AtMost(5 << 30), Area::WriteOnce));
    assert_eq!(upload.expires_at, sample::NOW + time::Duration::days(3));
    let said = stack.sent(&upload, &bytes).await;
    // A part of an earlier cut, which is none of the file's.
    assert_eq!(stack.send(&upload, 9, b"left over").await, 200);
    let error = stack.confirm(&upload, &Said::default()).await.unwrap_err();
    assert!(matches!(error, Error::InvalidRequest(_)), "{error:?}");
    let backwards = Said { etags: said.etags.into_iter().rev().collect(), ..said };
    for answer in join_all((0..3).map(|_| stack.confirm(&upload, &backwards))).await {
        let Confirmed::File(file) = answer.unwrap() else { panic!("it is under way") };
        assert_eq!(file.size, Size::Exact(bytes.len() as u64));
    }
    assert!(stack.bucket.is_served(&upload.key()));
    assert_eq!((stack.bucket.versions(&upload.key()), stack.bucket.open_multiparts()), (1, 0));
}

#[tokio::test]
async fn parts_that_s3_does_not_hold_as_named_change_nothing() {
    let (stack, bytes) = (Stack::default(), movie());
    let upload = stack.begin(&mp4(None, None)).await.unwrap();
    let good = stack.sent(&upload, &bytes).await;
    for wrong in [(1, "other"), (3, "any"), (0, "any"), (10_001, "any")] {
        let etags = good.etags.iter().cloned().chain([(wrong.0, wrong.1.to_owned())]).collect();
        let error = stack.confirm(&upload, &Said { etags, crc64nvme: None }).await.unwrap_err();
        assert!(matches!(error, Error::PartsMismatch), "{error:?}");
    }
    assert_eq!(stack.now(&upload).await, upload);
    assert!(stack.confirm(&upload, &good).await.is_ok());
}

#[tokio::test]
async fn a_short_part_that_is_not_the_last_is_named() {
    let stack = Stack::default();
    let upload = stack.begin(&mp4(None, None)).await.unwrap();
    for number in [1, 2] {
        assert_eq!(stack.send(&upload, number, b"short").await, 200);
    }
    let said = stack.said(&upload).await;
    let Err(Error::InvalidRequest(errors)) = stack.confirm(&upload, &said).await else {
        panic!("it is taken")
    };
    assert!(errors[0].detail.contains("part 1 "), "{errors:?}");
}

#[tokio::test]
async fn a_size_that_was_said_is_what_must_arrive() {
    let bytes = movie();
    let size = bytes.len() as u64;
    let stack = Stack::default();
    let more = stack.begin(&mp4(Some(size + 1), None)).await.unwrap();
    let said = stack.sent(&more, &bytes).await;
    let error = stack.confirm(&more, &said).await.unwrap_err();
    assert!(matches!(error, Error::NotUploaded { .. }), "{error:?}");
    assert_eq!(stack.now(&more).await.state, State::Pending, "the rest may come yet");

    let less = stack.begin(&mp4(Some(size - 1), None)).await.unwrap();
    assert!(stack.sign(&less, 2).await.is_err(), "so many bytes have one part");
    assert_eq!(stack.send(&less, 1, &bytes[..usize::try_from(MIN_PART_BYTES).unwrap()]).await, 200);
    let signed = stack.sign(&less, 1).await.unwrap();
    assert_eq!(stack.bucket.send(&signed.url, &signed.headers, &bytes), 403, "the only part is the file");
    let said = stack.said(&less).await;
    assert!(matches!(stack.confirm(&less, &said).await.unwrap(), Confirmed::File(_)));
}

#[tokio::test]
async fn more_bytes_than_granted_end_the_upload_before_they_are_an_object() {
    let stack = Stack::default();
    let image = stack.begin(&png()).await.unwrap();
    let mut bytes = sample::PNG.to_vec();
    bytes.resize((1 << 20) + 1, 0);
    let said = stack.sent(&image, &bytes).await;
    // S3 is asked for an object, for the parts, and to forget them; a fourth call would be about what was made of them.
    let asked = Failing::at(&stack.bucket, 3, false);
    let error =
        confirm_upload(&asked, &stack.table, sample::NOW, image.owner, image.id, &said).await.unwrap_err();
    assert!(matches!(error, Error::Rejected(RejectReason::Size)), "{error:?}");
    assert!(!asked.has_failed(), "it was put together");
    assert_eq!(stack.now(&image).await.state, State::Rejected(RejectReason::Size));
    assert_eq!((stack.bucket.open_multiparts(), stack.bucket.keys().len()), (0, 0));
    let error = stack.confirm(&image, &said).await.unwrap_err();
    assert!(matches!(error, Error::Rejected(RejectReason::Size)), "{error:?}");
}

#[tokio::test]
async fn a_client_that_says_its_cut_has_every_length_signed() {
    let (stack, bytes) = (Stack::default(), movie());
    let size = bytes.len() as u64;
    let upload = stack.begin(&mp4(Some(size), Some(MIN_PART_BYTES))).await.unwrap();
    assert!(matches!(upload.transfer, Transfer::Parts(_)));
    let signed = stack.sign(&upload, 1).await.unwrap();
    assert_eq!(stack.bucket.send(&signed.url, &signed.headers, b"short"), 403);
    for number in [0, 3] {
        let error = stack.sign(&upload, number).await.unwrap_err();
        assert!(matches!(error, Error::InvalidRequest(_)), "{error:?}");
    }
    let said = stack.sent(&upload, &bytes).await;
    assert!(matches!(stack.confirm(&upload, &said).await.unwrap(), Confirmed::File(_)));
    // A file that is one such part is no larger than the part.
    let single = stack.begin(&mp4(Some(7), Some(MIN_PART_BYTES))).await.unwrap();
    assert_eq!(stack.send(&single, 1, b"8 bytes!").await, 403);
    assert_eq!(stack.send(&single, 1, b"7 bytes").await, 200);
    let error = stack.begin(&mp4(Some(5 << 30), Some(MIN_PART_BYTES))).await.map(|_| ());
    assert!(error.is_ok(), "1,024 parts");
}

#[tokio::test]
async fn a_confirm_that_breaks_off_anywhere_can_be_repeated() {
    let bytes = movie();
    for has_effect in [false, true] {
        for fails_at in 0.. {
            let stack = Stack::default();
            let upload = stack.begin(&mp4(None, None)).await.unwrap();
            let said = stack.sent(&upload, &bytes).await;
            let bucket = Failing::at(&stack.bucket, fails_at, has_effect);
            let Upload { owner, id, .. } = upload;
            let first = confirm_upload(&bucket, &stack.table, sample::NOW, owner, id, &said).await;
            assert_eq!(first.is_err(), bucket.has_failed());
            assert!(matches!(stack.confirm(&upload, &said).await.unwrap(), Confirmed::File(_)));
            assert_eq!((stack.bucket.versions(&upload.key()), stack.bucket.open_multiparts()), (1, 0));
            if !bucket.has_failed() {
                assert!(fails_at > 4, "it makes that many calls");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_cancel_that_races_a_confirm_leaves_a_file_or_nothing() {
    let bytes = movie();
    for cancels_first in [false, true] {
        let stack = Stack::default();
        let upload = stack.begin(&mp4(None, None)).await.unwrap();
        let said = stack.sent(&upload, &bytes).await;
        let Upload { owner, id, .. } = upload;
        let cancel = || cancel_upload(&stack.bucket, &stack.table, owner, id);
        let (confirmed, cancelled) = if cancels_first {
            let cancelled = cancel().await;
            (stack.confirm(&upload, &said).await, cancelled)
        } else {
            let confirmed = stack.confirm(&upload, &said).await;
            (confirmed, cancel().await)
        };
        assert_ne!(confirmed.is_ok(), cancelled.is_ok());
        assert_eq!(stack.bucket.keys().len(), usize::from(confirmed.is_ok()));
        assert_eq!(stack.bucket.open_multiparts(), 0);
    }
}

#[tokio::test]
async fn a_failing_beginning_leaves_no_row_or_no_parts_without_one() {
    for fails_at in 0..2 {
        let stack = Stack::default();
        let bucket = Failing::at(&stack.bucket, fails_at, true);
        let table = Failing::at(&stack.table, usize::MAX, false);
        let id = sample::id();
        let policy = sample::policy();
        let begun = begin_parts(&bucket, &table, &policy, sample::NOW, alice(), id, &mp4(None, None)).await;
        assert_eq!((begun.is_ok(), stack.table.len()), (fails_at > 0, fails_at));
        // What has no row the sweep aborts.
        stack.sweep(sample::NOW + time::Duration::HOUR).await;
        assert_eq!(stack.bucket.open_multiparts(), fails_at);
    }
}

#[tokio::test]
async fn a_client_that_begins_and_completes_itself_is_verified_on_s3s_word() {
    let (stack, bytes) = (Stack::default(), movie());
    let (upload, own) = stack.begun(&mp4(None, None)).await;
    assert_eq!(upload.transfer, Transfer::LooseParts(None));
    stack.send_own(&own, &bytes).await;
    assert_eq!(stack.now(&upload).await.transfer, Transfer::LooseParts(Some(own.id.clone())));
    let (_, list) = stack.own(alice(), &own, OwnCall::List).await.unwrap();
    assert_eq!(stack.bucket.call("GET", &list.url, &list.headers, "").await.0, 200);
    let (_, complete) = stack.own(alice(), &own, OwnCall::Complete).await.unwrap();
    assert_eq!(stack.complete_own(&upload, &own, &complete).await, 200);
    let Settled::Ready(file, _) = stack.arrives(&upload).await else { panic!("it is refused") };
    assert_eq!(file.size, Size::Exact(bytes.len() as u64));
    let error = stack.own(alice(), &own, OwnCall::Part(1)).await.unwrap_err();
    assert!(matches!(error, Error::InvalidState("ready")), "{error:?}");
    let error = stack.own(alice(), &own, OwnCall::Abort).await.unwrap_err();
    assert!(matches!(error, Error::InvalidState("ready")), "{error:?}");
}

#[tokio::test]
async fn nothing_is_signed_about_a_second_multipart_upload_under_the_key() {
    let stack = Stack::default();
    let (upload, create) = stack.grant(&mp4(None, None)).await.unwrap();
    let key = upload.key().to_string();
    let (first, second) = (stack.create(&create).await, stack.create(&create).await);
    let own = |id: &MultipartId| OwnMultipart { key: key.clone(), id: id.clone() };
    let (first, second) = (own(&first), own(&second));
    // Two at once, about either: one of them names it.
    let race = [&first, &second].map(|own| stack.own(alice(), own, OwnCall::Part(1)));
    let won: Vec<_> = join_all(race).await.into_iter().map(|signed| signed.is_ok()).collect();
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    let (named, other) = if won[0] { (first, second) } else { (second, first) };
    for call in [OwnCall::Part(1), OwnCall::List, OwnCall::Complete, OwnCall::Abort] {
        let error = stack.own(alice(), &other, call).await.unwrap_err();
        assert!(matches!(error, Error::NotFound), "{call:?}: {error:?}");
    }
    assert!(stack.own(alice(), &named, OwnCall::List).await.is_ok());
    // What the client began beside it is empty and goes by the sweep; the named one stays until its grant ends.
    stack.sweep(sample::NOW + time::Duration::HOUR).await;
    assert_eq!(stack.bucket.open_multiparts(), 1);
    stack.sweep(upload.expires_at + time::Duration::HOUR).await;
    assert_eq!((stack.bucket.open_multiparts(), stack.now(&upload).await.state), (0, State::Expired));
}

#[tokio::test]
async fn a_multipart_upload_that_waits_for_its_first_part_is_left_alone_until_its_grant_ends() {
    let stack = Stack::default();
    let (upload, _) = stack.begun(&mp4(None, None)).await;
    stack.sweep(sample::NOW + time::Duration::days(2)).await;
    assert_eq!(stack.bucket.open_multiparts(), 1);
    stack.sweep(upload.expires_at + time::Duration::HOUR).await;
    assert_eq!(stack.now(&upload).await.state, State::Expired);
    assert_eq!(stack.bucket.open_multiparts(), 0, "nobody's by then");
}

#[tokio::test]
async fn an_abort_of_the_clients_own_cancels_the_upload_and_may_be_repeated() {
    let (stack, bytes) = (Stack::default(), movie());
    let (upload, own) = stack.begun(&mp4(None, None)).await;
    stack.send_own(&own, &bytes).await;
    for _ in 0..2 {
        let (_, abort) = stack.own(alice(), &own, OwnCall::Abort).await.unwrap();
        assert_eq!(stack.now(&upload).await.state, State::Cancelled);
        // A client that never sends it leaves nothing that no longer counts.
        assert_eq!((stack.bucket.open_multiparts(), stack.bucket.versions(&upload.key())), (0, 0));
        assert_eq!(stack.bucket.call("DELETE", &abort.url, &abort.headers, "").await.0, 404);
    }
    let error = stack.own(alice(), &own, OwnCall::Part(1)).await.unwrap_err();
    assert!(matches!(error, Error::InvalidState("cancelled")), "{error:?}");
}

#[tokio::test]
async fn what_a_client_completes_after_it_was_cancelled_is_removed() {
    let (stack, bytes) = (Stack::default(), movie());
    let (upload, own) = stack.begun(&mp4(None, None)).await;
    stack.send_own(&own, &bytes).await;
    let (_, complete) = stack.own(alice(), &own, OwnCall::Complete).await.unwrap();
    // As a cancel does first; it has yet to have S3 forget the parts.
    let row = stack.now(&upload).await;
    stack.table.update_upload(&row, &Transition::Cancel).await.unwrap().unwrap();
    assert_eq!(stack.complete_own(&upload, &own, &complete).await, 200);
    assert_eq!(stack.arrives(&upload).await, Settled::Gone(Some(State::Cancelled)));
    assert_eq!(stack.bucket.versions(&upload.key()), 0);
}

#[tokio::test]
async fn an_upload_of_its_own_that_comes_to_too_much_is_refused_on_arrival() {
    let stack = Stack::default();
    let (upload, own) = stack.begun(&png()).await;
    let mut bytes = sample::PNG.to_vec();
    bytes.resize((1 << 20) + 1, 0);
    stack.send_own(&own, &bytes).await;
    let error = stack.own(alice(), &own, OwnCall::Part(2)).await.unwrap_err();
    assert!(matches!(error, Error::InvalidRequest(_)), "a MiB has one part: {error:?}");
    let (_, complete) = stack.own(alice(), &own, OwnCall::Complete).await.unwrap();
    assert_eq!(stack.complete_own(&upload, &own, &complete).await, 200);
    assert_eq!(stack.arrives(&upload).await, Settled::Rejected(RejectReason::Size));
    assert_eq!(stack.bucket.versions(&upload.key()), 0);
}

#[tokio::test]
async fn nobody_elses_upload_is_found_by_any_name() {
    let stack = Stack::default();
    let (loose, form) = (stack.begin(&mp4(None, None)).await.unwrap(), stack.form(&png()).await.unwrap().0);
    let (granted, own) = stack.begun(&mp4(None, None)).await;
    let key = loose.key().to_string();
    let find = |owner, id: UploadId, key: String| {
        let table = &stack.table;
        async move { find_parts(table, sample::NOW, owner, id, &key).await.map(|upload| upload.id) }
    };
    assert_eq!(find(alice(), loose.id, key.clone()).await.unwrap(), loose.id);
    for (owner, id, key) in [
        (mallory(), loose.id, key.clone()),
        (alice(), granted.id, key.clone()),
        (alice(), loose.id, granted.key().to_string()),
        (alice(), loose.id, key.replace("uploads/", "uploads/open/")),
        (alice(), loose.id, String::new()),
        (alice(), sample::id(), key),
        // Not in parts; in parts whose name nobody knows yet.
        (alice(), form.id, form.key().to_string()),
        (alice(), granted.id, granted.key().to_string()),
    ] {
        let error = find(owner, id, key).await.unwrap_err();
        assert!(matches!(error, Error::NotFound), "{error:?}");
    }
    let loose_id = loose.transfer.multipart_id().unwrap().clone();
    for (owner, key, id) in [
        (mallory(), own.key.clone(), own.id.clone()),
        (alice(), loose.key().to_string(), own.id.clone()),
        (alice(), form.key().to_string(), own.id.clone()),
        (alice(), "uploads/../x".to_owned(), own.id.clone()),
        (alice(), own.key.replace(".mp4", ".mov"), own.id.clone()),
        (mallory(), loose.key().to_string(), loose_id),
    ] {
        for call in [OwnCall::Part(1), OwnCall::List, OwnCall::Complete, OwnCall::Abort] {
            let own = OwnMultipart { key: key.clone(), id: id.clone() };
            let error = stack.own(owner, &own, call).await.unwrap_err();
            assert!(matches!(error, Error::NotFound), "{key} {call:?}: {error:?}");
        }
    }
    for upload in [&loose, &form, &granted] {
        assert_eq!(stack.now(upload).await, *upload, "somebody's call has moved it");
    }
}

#[tokio::test]
async fn the_other_routes_do_not_sign_what_is_not_theirs() {
    let stack = Stack::default();
    let form = stack.form(&png()).await.unwrap().0;
    let loose = stack.begin(&mp4(None, None)).await.unwrap();
    for Upload { owner, id, .. } in [form, loose] {
        let policy = sample::policy();
        let (bucket, table) = (&stack.bucket, &stack.table);
        let error = resign_upload(bucket, table, &policy, sample::NOW, owner, id).await.unwrap_err();
        assert!(matches!(error, Error::OtherWay(_)), "{error:?}");
        let asked = [valet_core::sign_parts::AskedPart { number: 1, crc64nvme: None }];
        let parts = valet_core::sign_parts(bucket, table, &policy, sample::NOW, owner, id, &asked).await;
        assert!(matches!(parts, Err(Error::OtherWay(_))));
    }
}

#[tokio::test]
async fn what_has_ended_is_not_signed() {
    let stack = Stack::default();
    let upload = stack.begin(&mp4(None, None)).await.unwrap();
    let (granted, own) = stack.begun(&mp4(None, None)).await;
    let key = upload.key().to_string();
    let end = upload.expires_at;
    let seen = find_parts(&stack.table, end, alice(), upload.id, &key).await.unwrap();
    let policy = sample::policy();
    assert!(matches!(sign_part(&stack.bucket, &policy, end, &seen, 1).await, Err(Error::UploadExpired)));
    assert!(matches!(list_parts(&stack.bucket, &seen).await, Err(Error::UploadExpired)));
    let (bucket, table) = (&stack.bucket, &stack.table);
    for call in [OwnCall::Part(1), OwnCall::List, OwnCall::Complete] {
        let end = granted.expires_at;
        let error = sign_own_call(bucket, table, &policy, end, alice(), &own, call).await.unwrap_err();
        assert!(matches!(error, Error::UploadExpired), "{call:?}: {error:?}");
    }
    // S3 has forgotten the parts, as it does after seven days.
    let id = upload.transfer.multipart_id().unwrap();
    stack.bucket.abort_multipart(&upload.key(), id).await.unwrap();
    assert!(matches!(list_parts(&stack.bucket, &upload).await, Err(Error::NotFound)));
}

#[tokio::test]
async fn only_a_pending_upload_without_a_name_is_named_and_only_once() {
    let (name, other) = (MultipartId::new("one"), MultipartId::new("two"));
    let pending = Upload { transfer: Transfer::LooseParts(None), ..sample::pending() };
    let named = pending.apply(&Transition::NameMultipart(name.clone())).unwrap();
    assert_eq!(named, Upload { transfer: Transfer::LooseParts(Some(name)), ..pending.clone() });
    assert_eq!(named.apply(&Transition::NameMultipart(other.clone())), None);
    let cancelled = pending.apply(&Transition::Cancel).unwrap();
    assert_eq!(cancelled.apply(&Transition::NameMultipart(other.clone())), None);
    assert_eq!(sample::pending().apply(&Transition::NameMultipart(other)), None);
}

#[tokio::test]
async fn a_session_opens_its_owners_uploads_until_it_ends() {
    let table = MemoryTable::default();
    let secret = Secret::new([7; 32]);
    let session = open_session(&table, sample::NOW, alice(), &secret).await.unwrap();
    assert_eq!(session.expires_at, sample::NOW + SESSION_LIFETIME);
    let owner = |now, secret: String| {
        let table = &table;
        async move { session_owner(table, now, &secret).await.unwrap() }
    };
    assert_eq!(owner(sample::NOW, secret.reveal()).await, Some(alice()));
    assert_eq!(owner(session.expires_at, secret.reveal()).await, None);
    assert_eq!(owner(sample::NOW, Secret::new([8; 32]).reveal()).await, None);
    assert_eq!(owner(sample::NOW, session.secret.to_string()).await, None, "the hash opens nothing");
    assert_eq!(table.get_session(&secret.hash(), sample::NOW).await.unwrap(), Some(alice()));
}

/// A table in which the client names its multipart upload just before somebody else moves the upload.
struct Naming<'a> {
    table: &'a MemoryTable,
    id: MultipartId,
}

impl GetUpload for Naming<'_> {
    async fn get_upload(&self, owner: Owner, id: UploadId) -> Result<Option<Upload>, StoreError> {
        self.table.get_upload(owner, id).await
    }
}

impl UpdateUpload for Naming<'_> {
    async fn update_upload(
        &self,
        upload: &Upload,
        transition: &Transition,
    ) -> Result<Option<Upload>, StoreError> {
        let name = Transition::NameMultipart(self.id.clone());
        self.table.update_upload(upload, &name).await?;
        self.table.update_upload(upload, transition).await
    }
}

#[tokio::test]
async fn a_cancel_that_meets_the_naming_of_the_parts_removes_them() {
    let stack = Stack::default();
    let (upload, _) = stack.grant(&mp4(None, None)).await.unwrap();
    let id = stack.bucket.create_multipart(&upload).await.unwrap();
    let table = Naming { table: &stack.table, id };
    cancel_upload(&stack.bucket, &table, alice(), upload.id).await.unwrap();
    let row = stack.table.get_upload(alice(), upload.id).await.unwrap().unwrap();
    assert_eq!(row.state, State::Cancelled);
    assert_eq!(stack.bucket.multiparts(), [], "the parts of a grant that was taken back are kept");
    assert_eq!(stack.table.counters(alice()).held, stack.table.held(alice()));
}
