//! A file that goes up in parts ends as one verified file or as none, whatever is lost, repeated or raced.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use futures_util::future::join_all;
use std::time::Duration;
use valet_core::complete_upload::Said;
use valet_core::confirm_upload::Confirmed;
use valet_core::issue_upload::{Grant, NewUpload, Signed};
use valet_core::parts::{MIN_PART_BYTES, PartNumber};
use valet_core::ports::{GetUpload, PresignPart, UpdateUpload, WantedPart};
use valet_core::sign_parts::{AskedPart, SignedPart};
use valet_core::testing::{Failing, MemoryBucket, MemoryTable, sample};
use valet_core::upload::{RejectReason, State, Transition};
use valet_core::{
    Error, Owner, Upload, cancel_upload, confirm_upload, issue_upload, read_parts, resign_upload, sign_parts,
};

const MIB: u64 = 1 << 20;

struct Stack {
    bucket: MemoryBucket,
    table: MemoryTable,
}

fn stack() -> Stack {
    Stack { bucket: MemoryBucket::default(), table: MemoryTable::default() }
}

fn alice() -> Owner {
    Owner::of_subject("alice")
}

/// Two whole parts and a byte.
fn movie() -> Vec<u8> {
    let mut bytes = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom".to_vec();
    bytes.resize(usize::try_from(2 * MIN_PART_BYTES + 1).unwrap(), 7);
    bytes
}

fn new(bytes: &[u8]) -> NewUpload {
    NewUpload {
        filename: "cat.mp4".to_owned(),
        content_type: "video/mp4".to_owned(),
        size_bytes: bytes.len() as u64,
        part_bytes: Some(MIN_PART_BYTES),
        ..NewUpload::default()
    }
}

fn part(bytes: &[u8], number: PartNumber) -> &[u8] {
    let size = usize::try_from(MIN_PART_BYTES).unwrap();
    bytes.chunks(size).nth(usize::from(number.get()) - 1).unwrap()
}

fn crc(bytes: &[u8]) -> Said {
    Said { crc64nvme: Some(sample::crc64nvme(bytes).to_string()), etags: vec![] }
}

impl Stack {
    async fn issue(&self, new: NewUpload) -> Result<Grant, Error> {
        let (policy, id) = (sample::policy(), sample::id());
        issue_upload(&self.bucket, &self.table, &policy, sample::NOW, alice(), id, new).await
    }

    async fn granted(&self, bytes: &[u8]) -> (Upload, Vec<SignedPart>) {
        let grant = self.issue(new(bytes)).await.unwrap();
        let Some(Signed::Parts(parts)) = grant.request else { panic!("it is granted as one PUT") };
        (grant.upload, parts)
    }

    /// An upload whose parts have all arrived.
    async fn sent(&self, bytes: &[u8]) -> Upload {
        let (upload, parts) = self.granted(bytes).await;
        self.send(bytes, &parts);
        upload
    }

    fn send(&self, bytes: &[u8], parts: &[SignedPart]) {
        for signed in parts {
            let status = self.bucket.send(&signed.put.url, &signed.put.headers, part(bytes, signed.number));
            assert_eq!(status, 200);
        }
    }

    async fn confirm(&self, upload: &Upload, said: &Said) -> Result<Confirmed, Error> {
        confirm_upload(&self.bucket, &self.table, sample::NOW, upload.owner, upload.id, said).await
    }

    async fn sign(&self, upload: &Upload, asked: &[AskedPart]) -> Result<Vec<SignedPart>, Error> {
        let Upload { owner, id, .. } = *upload;
        sign_parts(&self.bucket, &self.table, &sample::policy(), sample::NOW, owner, id, asked).await
    }

    async fn now(&self, upload: &Upload) -> Upload {
        self.table.get_upload(upload.owner, upload.id).await.unwrap().unwrap()
    }
}

fn asked(number: u64) -> AskedPart {
    AskedPart { number, crc64nvme: None }
}

fn pointers(error: Error) -> Vec<String> {
    let Error::InvalidRequest(errors) = error else { panic!("{error:?}") };
    errors.into_iter().map(|error| error.pointer.into_owned()).collect()
}

#[tokio::test]
async fn parts_become_one_verified_file() {
    let (stack, bytes) = (stack(), movie());
    let upload = stack.sent(&bytes).await;
    assert_eq!(upload.expires_at, sample::NOW + time::Duration::days(3));
    assert_eq!(stack.bucket.keys(), Vec::<String>::new(), "parts are no object");
    let Confirmed::File(file) = stack.confirm(&upload, &crc(&bytes)).await.unwrap() else { panic!() };
    let State::Ready(verified) = &file.state else { panic!("{:?}", file.state) };
    assert_eq!(verified.crc64nvme, Some(sample::crc64nvme(&bytes)));
    assert!(stack.bucket.is_served(&file.key()));
    assert_eq!(stack.bucket.open_multiparts(), 0);
    assert_eq!(stack.now(&upload).await, file);
}

#[tokio::test]
async fn a_confirm_may_come_any_number_of_times_and_at_once() {
    let (stack, bytes) = (stack(), movie());
    let upload = stack.sent(&bytes).await;
    let said = crc(&bytes);
    let answers = join_all((0..5).map(|_| stack.confirm(&upload, &said))).await;
    for answer in answers {
        assert!(matches!(answer.unwrap(), Confirmed::File(_)));
    }
    assert_eq!(stack.bucket.versions(&upload.key()), 1);
}

#[tokio::test]
async fn a_confirm_that_breaks_off_anywhere_can_be_repeated() {
    let bytes = movie();
    for has_effect in [false, true] {
        for fails_at in 0.. {
            let stack = stack();
            let upload = stack.sent(&bytes).await;
            let bucket = Failing::at(&stack.bucket, fails_at, has_effect);
            let Upload { owner, id, .. } = upload;
            let first = confirm_upload(&bucket, &stack.table, sample::NOW, owner, id, &crc(&bytes)).await;
            assert_eq!(first.is_err(), bucket.has_failed());
            assert!(matches!(stack.confirm(&upload, &crc(&bytes)).await.unwrap(), Confirmed::File(_)));
            assert_eq!((stack.bucket.versions(&upload.key()), stack.bucket.open_multiparts()), (1, 0));
            if !bucket.has_failed() {
                assert!(fails_at > 4, "it makes that many calls");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_confirm_with_parts_missing_says_how_many_and_changes_nothing() {
    let (stack, bytes) = (stack(), movie());
    let (upload, parts) = stack.granted(&bytes).await;
    stack.send(&bytes, &parts[..1]);
    let error = stack.confirm(&upload, &Said::default()).await.unwrap_err();
    assert!(matches!(error, Error::PartsMissing { missing: 2, count: 3 }), "{error:?}");
    assert!(error.is_retryable());
    assert_eq!(stack.now(&upload).await, upload);
    stack.send(&bytes, &parts[1..]);
    assert!(matches!(stack.confirm(&upload, &Said::default()).await.unwrap(), Confirmed::File(_)));
}

/// Should a length that was signed not have held: the sum alone is that of the file.
#[tokio::test]
async fn a_part_that_is_stored_in_another_size_is_missing() {
    let (stack, bytes) = (stack(), movie());
    let (upload, parts) = stack.granted(&bytes).await;
    stack.send(&bytes, &parts[..1]);
    let id = upload.transfer.multipart_id().unwrap();
    let (second, third) =
        bytes[part(&bytes, parts[0].number).len()..].split_at(part(&bytes, parts[1].number).len() - 1);
    for (signed, body) in parts[1..].iter().zip([second, third]) {
        let any = WantedPart { number: signed.number, size_bytes: None, crc64nvme: None };
        let any = stack
            .bucket
            .presign_part(&upload.key(), id, &any, sample::NOW, Duration::from_mins(1))
            .await
            .unwrap();
        assert_eq!(stack.bucket.send(&any.url, &any.headers, body), 200);
    }
    let error = stack.confirm(&upload, &Said::default()).await.unwrap_err();
    assert!(matches!(error, Error::PartsMissing { missing: 2, count: 3 }), "{error:?}");
    assert_eq!(stack.now(&upload).await, upload);
}

#[tokio::test]
async fn a_client_that_sent_other_bytes_than_it_says_gets_no_file_and_can_mend_it() {
    let (stack, bytes) = (stack(), movie());
    let (upload, parts) = stack.granted(&bytes).await;
    let mut damaged = bytes.clone();
    damaged[100] ^= 1;
    stack.send(&damaged, &parts);
    let error = stack.confirm(&upload, &crc(&bytes)).await.unwrap_err();
    assert!(matches!(error, Error::PartsMismatch), "{error:?}");
    assert_eq!(stack.now(&upload).await, upload);
    stack.send(&bytes, &parts[..1]);
    assert!(matches!(stack.confirm(&upload, &crc(&bytes)).await.unwrap(), Confirmed::File(_)));
    let error = stack.confirm(&upload, &crc(&damaged)).await.unwrap_err();
    assert!(matches!(error, Error::FileMismatch), "{error:?}");
}

#[tokio::test]
async fn etags_are_compared_where_they_are_given() {
    let (stack, bytes) = (stack(), movie());
    let upload = stack.sent(&bytes).await;
    let (_, page) =
        read_parts(&stack.bucket, &stack.table, sample::NOW, alice(), upload.id, None).await.unwrap();
    let first = page.unwrap().parts[0].etag.clone();
    for etags in [vec![(2, first.clone())], vec![(0, first.clone())], vec![(4, first.clone())]] {
        let error = stack.confirm(&upload, &Said { etags, crc64nvme: None }).await.unwrap_err();
        assert!(matches!(error, Error::PartsMismatch), "{error:?}");
    }
    let said = Said { etags: vec![(1, first.trim_matches('"').to_owned())], crc64nvme: None };
    assert!(matches!(stack.confirm(&upload, &said).await.unwrap(), Confirmed::File(_)));
}

#[tokio::test]
async fn what_is_said_of_parts_is_refused_where_there_are_none() {
    let stack = stack();
    let png = NewUpload {
        filename: "cat.png".to_owned(),
        content_type: "image/png".to_owned(),
        size_bytes: sample::PNG.len() as u64,
        ..NewUpload::default()
    };
    let grant = stack.issue(png).await.unwrap();
    let put = grant.put().unwrap();
    let said = crc(sample::PNG);
    assert_eq!(pointers(stack.confirm(&grant.upload, &said).await.unwrap_err()), [""]);
    assert_eq!(stack.bucket.send(&put.url, &put.headers, sample::PNG), 200);
    assert_eq!(pointers(stack.confirm(&grant.upload, &said).await.unwrap_err()), [""]);
}

#[tokio::test]
async fn a_checksum_that_is_none_is_named() {
    let (stack, bytes) = (stack(), movie());
    let upload = stack.sent(&bytes).await;
    let said = Said { crc64nvme: Some("AAAA".to_owned()), etags: vec![] };
    assert_eq!(pointers(stack.confirm(&upload, &said).await.unwrap_err()), ["/checksum/crc64nvme"]);
}

#[tokio::test]
async fn parts_of_the_wrong_type_of_file_are_rejected_like_any_file() {
    let (stack, mut bytes) = (stack(), movie());
    bytes[..20].fill(0);
    let upload = stack.sent(&bytes).await;
    let error = stack.confirm(&upload, &Said::default()).await.unwrap_err();
    assert!(matches!(error, Error::Rejected(RejectReason::Content)), "{error:?}");
    assert_eq!(stack.bucket.versions(&upload.key()), 0);
}

#[tokio::test]
async fn parts_that_were_all_there_at_the_end_of_the_grant_still_count() {
    let (stack, bytes) = (stack(), movie());
    let whole = stack.sent(&bytes).await;
    let (partial, parts) = stack.granted(&bytes).await;
    stack.send(&bytes, &parts[..2]);
    let confirm = async |upload: &Upload| {
        let (Upload { owner, id, expires_at, .. }, said) = (upload, Said::default());
        confirm_upload(&stack.bucket, &stack.table, *expires_at, *owner, *id, &said).await
    };
    assert!(matches!(confirm(&whole).await.unwrap(), Confirmed::File(_)));
    assert!(matches!(confirm(&partial).await.unwrap_err(), Error::UploadExpired));
}

#[tokio::test]
async fn a_multipart_upload_that_s3_has_forgotten_is_over() {
    let (stack, bytes) = (stack(), movie());
    let upload = stack.sent(&bytes).await;
    let multipart = sample::multipart_of(&upload);
    valet_core::ports::AbortMultipart::abort_multipart(&stack.bucket, &upload.key(), &multipart.id)
        .await
        .unwrap();
    let error = stack.confirm(&upload, &Said::default()).await.unwrap_err();
    assert!(matches!(error, Error::UploadExpired), "{error:?}");
    let (_, page) =
        read_parts(&stack.bucket, &stack.table, sample::NOW, alice(), upload.id, None).await.unwrap();
    assert_eq!(page.unwrap().parts, []);
}

#[tokio::test]
async fn a_cancel_forgets_the_parts_and_ends_the_upload() {
    let (stack, bytes) = (stack(), movie());
    let (upload, parts) = stack.granted(&bytes).await;
    stack.send(&bytes, &parts[..2]);
    for _ in 0..2 {
        cancel_upload(&stack.bucket, &stack.table, upload.owner, upload.id).await.unwrap();
        assert_eq!(stack.bucket.open_multiparts(), 0);
    }
    assert_eq!(stack.bucket.send(&parts[2].put.url, &[], part(&bytes, parts[2].number)), 404);
    let error = stack.confirm(&upload, &Said::default()).await.unwrap_err();
    assert!(matches!(error, Error::InvalidState("cancelled")), "{error:?}");
    let error = stack.sign(&upload, &[asked(1)]).await.unwrap_err();
    assert!(matches!(error, Error::InvalidState("cancelled")), "{error:?}");
}

#[tokio::test]
async fn a_cancel_that_comes_while_the_parts_are_put_together_leaves_no_object() {
    let (stack, bytes) = (stack(), movie());
    let upload = stack.sent(&bytes).await;
    // The confirm has read the row; the cancel's tombstone lands before its own write.
    stack.table.update_upload(&upload, &Transition::Cancel).await.unwrap();
    let pending = MemoryTable::with([upload.clone()]);
    let raced = Racing { reads: &pending, writes: &stack.table };
    let answer =
        confirm_upload(&stack.bucket, &raced, sample::NOW, upload.owner, upload.id, &Said::default()).await;
    assert!(matches!(answer.unwrap_err(), Error::InvalidState("cancelled")));
    assert_eq!(stack.bucket.versions(&upload.key()), 0);
}

/// A table whose reads are stale until somebody writes.
struct Racing<'a> {
    reads: &'a MemoryTable,
    writes: &'a MemoryTable,
}

impl GetUpload for Racing<'_> {
    async fn get_upload(
        &self,
        owner: Owner,
        id: valet_core::UploadId,
    ) -> Result<Option<Upload>, valet_core::StoreError> {
        match self.reads.get_upload(owner, id).await? {
            Some(stale) if stale.state == State::Pending => Ok(Some(stale)),
            _ => self.writes.get_upload(owner, id).await,
        }
    }
}

impl UpdateUpload for Racing<'_> {
    async fn update_upload(
        &self,
        upload: &Upload,
        transition: &Transition,
    ) -> Result<Option<Upload>, valet_core::StoreError> {
        // From now on reads are as the writes are.
        self.reads.update_upload(upload, &Transition::Cancel).await?;
        self.writes.update_upload(upload, transition).await
    }
}

#[tokio::test]
async fn the_first_parts_come_with_the_grant_and_the_others_on_demand() {
    let stack = stack();
    let big = NewUpload { size_bytes: 30 * 1024 * MIB, part_bytes: None, ..new(&[0]) };
    let policy = valet_core::policy::Policy {
        accepted: valet_core::policy::AcceptedTypes::parse("video/mp4=5TiB").unwrap(),
        ..sample::policy()
    };
    let grant = issue_upload(&stack.bucket, &stack.table, &policy, sample::NOW, alice(), sample::id(), big)
        .await
        .unwrap();
    let Some(Signed::Parts(first)) = &grant.request else { panic!() };
    assert_eq!(first.iter().map(|part| part.number.get()).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
    assert!(first.iter().all(|part| part.size_bytes == 16 * MIB));
    let wanted: Vec<_> = [1920, 21, 1].map(asked).into();
    let signed = stack.sign(&grant.upload, &wanted).await.unwrap();
    assert_eq!(signed.iter().map(|part| part.number.get()).collect::<Vec<_>>(), [1920, 21, 1]);
    assert_eq!(signed[0].put.expires_at, sample::NOW + time::Duration::minutes(15));
}

#[tokio::test]
async fn a_part_is_bound_to_its_checksum_where_one_is_given() {
    let (stack, bytes) = (stack(), movie());
    let (upload, parts) = stack.granted(&bytes).await;
    let first = part(&bytes, parts[0].number);
    let crc64nvme = Some(sample::crc64nvme(first).to_string());
    let signed = stack.sign(&upload, &[AskedPart { number: 1, crc64nvme }]).await.unwrap();
    let send = |body: &[u8]| stack.bucket.send(&signed[0].put.url, &signed[0].put.headers, body);
    let mut other = first.to_vec();
    other[0] ^= 1;
    assert_eq!((send(&other), send(first)), (400, 200));
}

#[tokio::test]
async fn every_wrong_part_is_named() {
    let (stack, bytes) = (stack(), movie());
    let upload = stack.sent(&bytes).await;
    let crc64nvme = Some("AAAA".to_owned());
    let wrong = [asked(0), asked(3), asked(4), asked(10_001), asked(3), AskedPart { number: 1, crc64nvme }];
    assert_eq!(
        pointers(stack.sign(&upload, &wrong).await.unwrap_err()),
        [
            "/parts/0/partNumber",
            "/parts/2/partNumber",
            "/parts/3/partNumber",
            "/parts/4/partNumber",
            "/parts/5/checksum/crc64nvme"
        ]
    );
    assert_eq!(pointers(stack.sign(&upload, &[]).await.unwrap_err()), ["/parts"]);
    let many: Vec<_> = (1..=501).map(asked).collect();
    assert_eq!(pointers(stack.sign(&upload, &many).await.unwrap_err()), ["/parts"]);
}

#[tokio::test]
async fn what_is_left_to_send_can_be_paged_through() {
    let (stack, bytes) = (stack(), movie());
    let upload = stack.sent(&bytes).await;
    let page = async |after| {
        let page = read_parts(&stack.bucket, &stack.table, sample::NOW, alice(), upload.id, after).await;
        page.unwrap().1.unwrap()
    };
    let first = page(None).await;
    let second = page(first.next).await;
    let numbers: Vec<_> = first.parts.iter().chain(&second.parts).map(|part| part.number.get()).collect();
    assert_eq!((numbers, second.next), (vec![1, 2, 3], None));
}

#[tokio::test]
async fn a_file_in_parts_and_a_file_in_one_are_signed_each_in_its_own_way() {
    let (stack, bytes) = (stack(), movie());
    let upload = stack.sent(&bytes).await;
    let policy = sample::policy();
    let resigned = resign_upload(&stack.bucket, &stack.table, &policy, sample::NOW, alice(), upload.id).await;
    assert_eq!(resigned.unwrap_err().code(), "invalid_state");
    let single = sample::pending();
    let table = MemoryTable::with([single.clone()]);
    let signed =
        sign_parts(&stack.bucket, &table, &policy, sample::NOW, single.owner, single.id, &[asked(1)]).await;
    assert_eq!(signed.unwrap_err().code(), "invalid_state");
}

#[tokio::test]
async fn somebody_elses_parts_are_not_found() {
    let (stack, bytes) = (stack(), movie());
    let upload = stack.sent(&bytes).await;
    let theirs = Upload { owner: Owner::of_subject("mallory"), ..upload };
    assert!(matches!(stack.sign(&theirs, &[asked(1)]).await.unwrap_err(), Error::NotFound));
    assert!(matches!(stack.confirm(&theirs, &Said::default()).await.unwrap_err(), Error::NotFound));
    let read = read_parts(&stack.bucket, &stack.table, sample::NOW, theirs.owner, theirs.id, None).await;
    assert!(matches!(read.unwrap_err(), Error::NotFound));
}

#[tokio::test]
async fn a_bad_part_size_or_a_checksum_nobody_can_check_is_named() {
    let stack = stack();
    let bytes = movie();
    for part_bytes in [0, MIN_PART_BYTES - 1, (5 << 30) + 1, u64::MAX] {
        let error = stack.issue(NewUpload { part_bytes: Some(part_bytes), ..new(&bytes) }).await.unwrap_err();
        assert_eq!(pointers(error), ["/partSize"]);
    }
    let sha256 = Some("d693i1Gr1KPFHF3dlyBKnDrmFOvMt1pgbDtoZa7WdE4=".to_owned());
    let error = stack.issue(NewUpload { sha256, ..new(&bytes) }).await.unwrap_err();
    assert_eq!(pointers(error), ["/checksum/sha256"]);
    assert_eq!((stack.table.len(), stack.bucket.open_multiparts()), (0, 0));
}

#[tokio::test]
async fn a_repeated_request_begins_no_second_multipart_upload() {
    let (stack, bytes) = (stack(), movie());
    let keyed = || NewUpload { idempotency_key: Some("k1".to_owned()), ..new(&bytes) };
    let first = stack.issue(keyed()).await.unwrap();
    let second = stack.issue(keyed()).await.unwrap();
    assert_eq!(first.upload, second.upload);
    assert!(matches!(second.request, Some(Signed::Parts(parts)) if parts.len() == 3));
    assert_eq!(stack.bucket.open_multiparts(), 1);
    let other = NewUpload { part_bytes: Some(MIN_PART_BYTES + 1), ..keyed() };
    assert_eq!(stack.issue(other).await.unwrap_err().code(), "idempotency_key_reused");
}
