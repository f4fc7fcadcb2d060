//! What every implementation of the ports must do: one async function a behaviour, called with the memory fakes in this
//! crate's tests and with real servers in `valet-aws`'s. Each panics with what differs.
//!
//! Functions take `fresh`, which makes a pending upload nobody has used, so that a server can be shared.

mod forms;
mod multipart;
pub mod reindex;
pub mod sweep;
mod usage;

use super::sample::{self, NOW, PNG};
use super::{Put, PutUpload};
use crate::checksum::{Crc64Nvme, Sha256};
use crate::key::{CACHE_CONTROL, ThumbnailFormat};
use crate::ports::{
    DeleteThumbnail, DeleteVersion, DeleteVersions, GetIdempotencyRecord, GetObject, GetSession, GetUpload,
    GetUsage, HeadObject, IdempotencyRecord, ListReady, ListUploads, ListVersions, PresignPut, PutOffUsage,
    PutSession, PutThumbnail, PutUploads, PutUsage, ReadChunk, SignedPut, Stored, StoredHeaders, TagVerified,
    UpdateUpload, Verdict,
};
use crate::sessions::{Secret, Session};
use crate::upload::{
    Dimensions, MultipartId, RejectReason, SECOND_LOOK, Size, State, THUMBNAIL_PATIENCE, Thumbnails,
    Transition, VersionId,
};
use crate::{Owner, Upload, UploadKey};
pub use forms::forms;
use futures_util::future::join_all;
pub use multipart::{Multiparts, multipart, own_multipart};
use sha2::{Digest as _, Sha256 as Sha256Digest};
use std::future::Future;
use std::num::NonZeroU16;
use std::time::Duration;
use time::OffsetDateTime;

const LIFETIME: Duration = Duration::from_mins(5);

/// Every S3 port but signing, which needs no connection.
pub trait Bucket:
    HeadObject
    + GetObject
    + TagVerified
    + DeleteVersion
    + PutThumbnail
    + DeleteThumbnail
    + ListVersions
    + DeleteVersions
{
}
impl<T> Bucket for T where
    T: HeadObject
        + GetObject
        + TagVerified
        + DeleteVersion
        + PutThumbnail
        + DeleteThumbnail
        + ListVersions
        + DeleteVersions
{
}

/// Every `DynamoDB` port.
pub trait Table:
    PutUploads
    + GetUpload
    + GetIdempotencyRecord
    + UpdateUpload
    + ListReady
    + ListUploads
    + GetUsage
    + PutUsage
    + PutOffUsage
    + Sync
{
}
impl<T> Table for T where
    T: PutUploads
        + GetUpload
        + GetIdempotencyRecord
        + UpdateUpload
        + ListReady
        + ListUploads
        + GetUsage
        + PutUsage
        + PutOffUsage
        + Sync
{
}

/// Sends what a client sends.
pub trait Send {
    /// Sends a PUT: URL, headers, body; answers the status.
    fn send(&self, url: &str, headers: &[(String, String)], body: &[u8]) -> impl Future<Output = u16>;

    /// Sends a form, the file last; answers the status.
    fn form(&self, url: &str, fields: &[(String, String)], file: &[u8]) -> impl Future<Output = u16>;

    /// Makes any other call; answers status and body.
    fn call(
        &self,
        method: &str,
        url: &str,
        headers: &[(String, String)],
        body: &str,
    ) -> impl Future<Output = (u16, String)>;
}

impl Send for super::MemoryBucket {
    async fn send(&self, url: &str, headers: &[(String, String)], body: &[u8]) -> u16 {
        Self::send(self, url, headers, body)
    }

    async fn form(&self, url: &str, fields: &[(String, String)], file: &[u8]) -> u16 {
        self.send_form(url, fields, file)
    }

    async fn call(&self, method: &str, url: &str, headers: &[(String, String)], body: &str) -> (u16, String) {
        Self::call(self, method, url, headers, body).await
    }
}

/// Who signs, who sends, and the server's time, which signatures are checked against.
pub struct Uploader<'a, P, C> {
    /// Signs.
    pub presigner: &'a P,
    /// Sends.
    pub client: &'a C,
    /// Now.
    pub now: OffsetDateTime,
}

impl<P: PresignPut, C: Send> Uploader<'_, P, C> {
    async fn sign(&self, upload: &Upload) -> SignedPut {
        self.presigner.presign_put(upload, self.now, LIFETIME).await.expect("signing works")
    }

    async fn put(&self, upload: &Upload) -> (SignedPut, u16) {
        let signed = self.sign(upload).await;
        let status = self.client.send(&signed.url, &signed.headers, PNG).await;
        (signed, status)
    }
}

/// Runs every behaviour of the S3 ports.
pub async fn bucket(
    bucket: &impl Bucket,
    uploader: &Uploader<'_, impl PresignPut, impl Send>,
    fresh: impl Fn() -> Upload,
) {
    a_granted_put_is_stored_as_granted(bucket, uploader, fresh()).await;
    a_granted_checksum_is_kept(bucket, uploader, fresh()).await;
    a_put_that_differs_from_its_grant_is_refused(bucket, uploader, fresh()).await;
    a_grant_is_good_for_one_put(uploader, fresh()).await;
    what_is_missing_reads_as_none(bucket, fresh()).await;
    one_version_can_be_read_tagged_and_removed(bucket, uploader, fresh()).await;
    a_body_that_is_not_wanted_to_its_end_can_be_dropped(bucket, uploader, fresh()).await;
    a_thumbnail_can_be_replaced_and_removed(bucket, fresh()).await;
    every_version_of_a_file_can_be_listed_and_removed(bucket, uploader, &fresh).await;
    every_version_of_all_thumbnails_can_be_listed_and_removed(bucket, &fresh).await;
}

/// Tags versions as a malware scanner does.
pub trait Scan {
    /// Writes its tag beside the tags that it has found.
    fn scan(&self, key: &UploadKey, version: &VersionId, verdict: Verdict) -> impl Future<Output = ()>;
}

impl Scan for super::MemoryBucket {
    async fn scan(&self, key: &UploadKey, version: &VersionId, verdict: Verdict) {
        Self::scan(self, key, version, verdict);
    }
}

/// Runs every behaviour of a bucket with a malware scanner.
pub async fn scanned(
    bucket: &impl Bucket,
    uploader: &Uploader<'_, impl PresignPut, impl Send>,
    scanner: &impl Scan,
    fresh: impl Fn() -> Upload,
) {
    for verdict in [Verdict::Malware, Verdict::Unscannable, Verdict::Awaited] {
        a_verdict_reads_back(bucket, uploader, scanner, fresh(), verdict).await;
    }
    our_tag_and_the_scanners_stand_beside_each_other(bucket, uploader, scanner, fresh()).await;
}

/// A stored file, and its version before anybody has scanned it.
async fn stored(
    bucket: &impl Bucket,
    uploader: &Uploader<'_, impl PresignPut, impl Send>,
    upload: &Upload,
) -> VersionId {
    assert_eq!(uploader.put(upload).await.1, 200);
    let object = bucket.head_object(&upload.key(), None, false).await.unwrap().expect("it is stored");
    let verdict = bucket.get_verdict(&upload.key(), &object.version).await.unwrap();
    assert_eq!(verdict, Some(Verdict::Awaited), "nobody has scanned it");
    object.version
}

async fn a_verdict_reads_back(
    bucket: &impl Bucket,
    uploader: &Uploader<'_, impl PresignPut, impl Send>,
    scanner: &impl Scan,
    upload: Upload,
    verdict: Verdict,
) {
    let (key, version) = (upload.key(), stored(bucket, uploader, &upload).await);
    scanner.scan(&key, &version, verdict).await;
    assert_eq!(bucket.get_verdict(&key, &version).await.unwrap(), Some(verdict));
    bucket.delete_version(&key, &version).await.unwrap();
    assert_eq!(bucket.get_verdict(&key, &version).await.unwrap(), None, "of a removed version");
}

async fn our_tag_and_the_scanners_stand_beside_each_other(
    bucket: &impl Bucket,
    uploader: &Uploader<'_, impl PresignPut, impl Send>,
    scanner: &impl Scan,
    upload: Upload,
) {
    let (key, version) = (upload.key(), stored(bucket, uploader, &upload).await);
    scanner.scan(&key, &version, Verdict::Clean { is_verified: false }).await;
    let verdict = async || bucket.get_verdict(&key, &version).await.unwrap();
    assert_eq!(verdict().await, Some(Verdict::Clean { is_verified: false }));
    assert!(bucket.tag_verified(&key, &version).await.unwrap());
    assert_eq!(verdict().await, Some(Verdict::Clean { is_verified: true }), "one tag took the other's place");
    scanner.scan(&key, &version, Verdict::Clean { is_verified: false }).await;
    assert_eq!(
        verdict().await,
        Some(Verdict::Clean { is_verified: true }),
        "the scanner keeps what is there"
    );
}

/// Runs every behaviour of the `DynamoDB` ports.
pub async fn table(table: &impl Table, fresh: impl Fn() -> Upload) {
    every_state_reads_back_as_written(table, &fresh).await;
    another_owner_finds_nothing(table, fresh()).await;
    every_move_has_the_condition_and_effect_of_apply(table, &fresh).await;
    of_racing_moves_one_wins(table, fresh()).await;
    a_put_that_comes_again_late_changes_nothing(table, fresh()).await;
    an_idempotency_key_is_taken_until_it_expires(table, &fresh).await;
    an_owners_files_are_listed_newest_first(table, &fresh).await;
    usage::usage(table, &fresh).await;
}

async fn a_granted_put_is_stored_as_granted(
    bucket: &impl Bucket,
    uploader: &Uploader<'_, impl PresignPut, impl Send>,
    upload: Upload,
) {
    let (signed, status) = uploader.put(&upload).await;
    assert_eq!(status, 200);
    assert!(signed.expires_at <= uploader.now + LIFETIME);
    let stored = bucket.head_object(&upload.key(), None, false).await.unwrap().expect("it is stored");
    assert_eq!(stored.size_bytes, PNG.len() as u64);
    assert_eq!(stored.first_bytes, PNG);
    assert_eq!(
        stored.headers,
        StoredHeaders {
            content_type: Some("image/png".to_owned()),
            cache_control: Some(CACHE_CONTROL.to_owned()),
            ..StoredHeaders::default()
        }
    );
    assert_eq!(stored.sha256, None);
}

async fn a_granted_checksum_is_kept(
    bucket: &impl Bucket,
    uploader: &Uploader<'_, impl PresignPut, impl Send>,
    upload: Upload,
) {
    let upload = Upload { sha256: Some(Sha256::of(PNG)), ..upload };
    assert_eq!(uploader.put(&upload).await.1, 200);
    let stored = bucket.head_object(&upload.key(), None, true).await.unwrap().expect("it is stored");
    assert_eq!(stored.sha256, upload.sha256);
}

async fn a_put_that_differs_from_its_grant_is_refused(
    bucket: &impl Bucket,
    uploader: &Uploader<'_, impl PresignPut, impl Send>,
    upload: Upload,
) {
    let upload = Upload { sha256: Some(Sha256::of(PNG)), ..upload };
    let signed = uploader.sign(&upload).await;
    let longer = [PNG, b"\0"].concat();
    let mut other = PNG.to_vec();
    other[20] ^= 1;
    for (body, statuses) in
        [(longer, vec![403]), (PNG[..PNG.len() - 1].to_vec(), vec![403]), (other, vec![400])]
    {
        let status = uploader.client.send(&signed.url, &signed.headers, &body).await;
        assert!(statuses.contains(&status), "{} bytes: {status}", body.len());
    }
    for (name, value) in &signed.headers {
        let mut without = signed.headers.clone();
        without.retain(|(header, _)| header != name);
        assert_eq!(uploader.client.send(&signed.url, &without, PNG).await, 403, "without {name}");
        let mut changed = without.clone();
        changed.push((name.clone(), format!("{value}x")));
        let status = uploader.client.send(&signed.url, &changed, PNG).await;
        assert!([400, 403].contains(&status), "{name} changed: {status}");
    }
    let other_key = signed.url.replacen(&upload.id.to_string(), &sample::id().to_string(), 1);
    assert_eq!(uploader.client.send(&other_key, &signed.headers, PNG).await, 403, "another key");
    assert_eq!(bucket.head_object(&upload.key(), None, false).await.unwrap(), None, "something was stored");
}

async fn a_grant_is_good_for_one_put(uploader: &Uploader<'_, impl PresignPut, impl Send>, upload: Upload) {
    let (signed, first) = uploader.put(&upload).await;
    let second = uploader.client.send(&signed.url, &signed.headers, PNG).await;
    assert_eq!((first, second), (200, 412));
}

async fn what_is_missing_reads_as_none(bucket: &impl Bucket, upload: Upload) {
    let key = upload.key();
    assert_eq!(bucket.head_object(&key, None, true).await.unwrap(), None);
}

async fn one_version_can_be_read_tagged_and_removed(
    bucket: &impl Bucket,
    uploader: &Uploader<'_, impl PresignPut, impl Send>,
    upload: Upload,
) {
    let key = upload.key();
    assert_eq!(uploader.put(&upload).await.1, 200);
    let version = bucket.head_object(&key, None, false).await.unwrap().expect("it is stored").version;
    let again = bucket.head_object(&key, Some(&version), false).await.unwrap().expect("the version is there");
    assert_eq!(again.version, version);
    assert_eq!(read(bucket, &upload, &version).await.as_deref(), Some(PNG));
    assert!(bucket.tag_verified(&key, &version).await.unwrap());
    assert!(bucket.tag_verified(&key, &version).await.unwrap(), "tagging repeats");
    bucket.delete_version(&key, &version).await.unwrap();
    bucket.delete_version(&key, &version).await.expect("removing repeats");
    assert_eq!(bucket.head_object(&key, None, false).await.unwrap(), None);
    assert_eq!(bucket.head_object(&key, Some(&version), false).await.unwrap(), None);
    assert_eq!(read(bucket, &upload, &version).await, None);
    assert!(!bucket.tag_verified(&key, &version).await.unwrap(), "tagged a removed version");
}

/// All bytes of one version.
async fn read(bucket: &impl Bucket, upload: &Upload, version: &VersionId) -> Option<Vec<u8>> {
    let mut body = bucket.get_object(&upload.key(), version).await.unwrap()?;
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next_chunk().await.unwrap() {
        bytes.extend_from_slice(chunk.as_ref());
    }
    Some(bytes)
}

async fn a_body_that_is_not_wanted_to_its_end_can_be_dropped(
    bucket: &impl Bucket,
    uploader: &Uploader<'_, impl PresignPut, impl Send>,
    upload: Upload,
) {
    assert_eq!(uploader.put(&upload).await.1, 200);
    let version =
        bucket.head_object(&upload.key(), None, false).await.unwrap().expect("it is stored").version;
    let mut body = bucket.get_object(&upload.key(), &version).await.unwrap().expect("it is stored");
    let first = body.next_chunk().await.unwrap().expect("it has bytes");
    assert!(PNG.starts_with(first.as_ref()));
    drop(body);
    assert_eq!(read(bucket, &upload, &version).await.as_deref(), Some(PNG), "the next one is whole again");
}

async fn a_thumbnail_can_be_replaced_and_removed(bucket: &impl Bucket, upload: Upload) {
    for (name, format) in [("small", ThumbnailFormat::Jpeg), ("large-2x", ThumbnailFormat::Webp)] {
        let thumbnail = sample::thumbnail(name, format);
        let key = upload.thumbnail_key(thumbnail.name, thumbnail.format);
        bucket.put_thumbnail(&key, b"one".to_vec()).await.unwrap();
        bucket.put_thumbnail(&key, b"two".to_vec()).await.unwrap();
        bucket.delete_thumbnail(&key).await.unwrap();
        bucket.delete_thumbnail(&key).await.expect("removing repeats");
    }
}

async fn every_version_of_a_file_can_be_listed_and_removed(
    bucket: &impl Bucket,
    uploader: &Uploader<'_, impl PresignPut, impl Send>,
    fresh: &impl Fn() -> Upload,
) {
    let (upload, other) = (fresh(), fresh());
    for upload in [&upload, &other] {
        assert_eq!(uploader.put(upload).await.1, 200);
    }
    let version =
        bucket.head_object(&upload.key(), None, false).await.unwrap().expect("it is stored").version;
    let listed = bucket.list_versions(&Stored::File(upload.key())).await.unwrap();
    let [only] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!((only.key.clone(), &only.version), (upload.key().to_string(), &version));
    bucket.delete_versions(&listed).await.unwrap();
    bucket.delete_versions(&listed).await.expect("removing repeats");
    assert_eq!(bucket.list_versions(&Stored::File(upload.key())).await.unwrap(), []);
    assert_eq!(bucket.head_object(&upload.key(), Some(&version), false).await.unwrap(), None);
    assert!(bucket.head_object(&other.key(), None, false).await.unwrap().is_some(), "removed another's");
}

async fn every_version_of_all_thumbnails_can_be_listed_and_removed(
    bucket: &impl Bucket,
    fresh: &impl Fn() -> Upload,
) {
    let (upload, other) = (fresh(), fresh());
    let key =
        |of: &Upload, name: &str, format| of.thumbnail_key(sample::thumbnail(name, format).name, format);
    let small = key(&upload, "small", ThumbnailFormat::Jpeg);
    let large = key(&upload, "large-2x", ThumbnailFormat::Webp);
    let others = key(&other, "small", ThumbnailFormat::Jpeg);
    for key in [&small, &small, &large, &others] {
        bucket.put_thumbnail(key, b"bytes".to_vec()).await.unwrap();
    }
    // Hidden, not gone: a version and a delete marker.
    bucket.delete_thumbnail(&large).await.unwrap();
    let all = Stored::Thumbnails(upload.thumbnail_prefix());
    let mut removed = Vec::new();
    loop {
        let listed = bucket.list_versions(&all).await.unwrap();
        if listed.is_empty() {
            break;
        }
        bucket.delete_versions(&listed).await.unwrap();
        removed.extend(listed.into_iter().map(|version| version.key));
        assert!(removed.len() <= 4, "removed what was not there: {removed:?}");
    }
    removed.sort();
    let (small, large) = (small.to_string(), large.to_string());
    assert_eq!(removed, [large.clone(), large, small.clone(), small]);
    let left = bucket.list_versions(&Stored::Thumbnails(other.thumbnail_prefix())).await.unwrap();
    assert_eq!(left.len(), 1, "removed another's");
    bucket.delete_versions(&left).await.unwrap();
}

async fn every_state_reads_back_as_written(table: &impl Table, fresh: &impl Fn() -> Upload) {
    for state in sample::states() {
        for sha256 in [None, Some(Sha256::of(PNG))] {
            let upload = Upload { sha256, ..fresh().in_state(state.clone()) };
            assert_eq!(table.put_upload(&upload, None).await.unwrap(), Put::Created);
            assert_eq!(table.get_upload(upload.owner, upload.id).await.unwrap(), Some(upload));
        }
    }
    let Upload { owner, id, .. } = fresh();
    let upload = Upload { owner, id, ..sample::pending_multipart("VXBsb2FkIElE.-_") };
    table.put_upload(&upload, None).await.unwrap();
    assert_eq!(table.get_upload(owner, id).await.unwrap(), Some(upload));
    for transfer in sample::transfers() {
        for size in [Size::Exact(7), Size::AtMost(7)] {
            let upload = Upload { transfer: transfer.clone(), size, ..fresh() };
            table.put_upload(&upload, None).await.unwrap();
            assert_eq!(table.get_upload(upload.owner, upload.id).await.unwrap(), Some(upload));
        }
    }
}

/// Runs every behaviour of the ports of sessions.
pub async fn sessions(table: &(impl PutSession + GetSession), fresh: impl Fn() -> Upload) {
    let end = NOW + time::Duration::hours(12);
    let secret = |upload: &Upload| Secret::new(Sha256Digest::digest(upload.id.to_string()).into()).hash();
    let (alice, mallory) = (fresh(), fresh());
    let session = Session { secret: secret(&alice), owner: alice.owner, expires_at: end };
    table.put_session(&session).await.unwrap();
    let other = Session { secret: secret(&mallory), owner: Owner::of_subject("mallory"), expires_at: end };
    table.put_session(&other).await.unwrap();
    for (secret, now, expected) in [
        (session.secret, NOW, Some(session.owner)),
        (session.secret, end - time::Duration::MILLISECOND, Some(session.owner)),
        // However long its row is kept.
        (session.secret, end, None),
        (other.secret, NOW, Some(other.owner)),
        (secret(&fresh()), NOW, None),
    ] {
        assert_eq!(table.get_session(&secret, now).await.unwrap(), expected, "{now}");
    }
}

async fn another_owner_finds_nothing(table: &impl Table, upload: Upload) {
    table.put_upload(&upload, None).await.unwrap();
    let mallory = Owner::of_subject("mallory");
    assert_eq!(table.get_upload(mallory, upload.id).await.unwrap(), None);
    assert_eq!(
        table.update_upload(&Upload { owner: mallory, ..upload.clone() }, &Transition::Cancel).await.unwrap(),
        None
    );
    assert_eq!(table.get_upload(upload.owner, upload.id).await.unwrap(), Some(upload));
}

async fn every_move_has_the_condition_and_effect_of_apply(table: &impl Table, fresh: &impl Fn() -> Upload) {
    for state in sample::states() {
        for transition in transitions() {
            let upload = fresh().in_state(state.clone());
            let expected = upload.apply(&transition);
            table.put_upload(&upload, None).await.unwrap();
            let moved = table.update_upload(&upload, &transition).await.unwrap();
            assert_eq!(moved, expected, "{state:?} by {transition:?}");
            let stored = table.get_upload(upload.owner, upload.id).await.unwrap();
            assert_eq!(stored, Some(expected.unwrap_or(upload)), "{state:?} by {transition:?}");
        }
    }
    // What a grant without a size or a multipart id becomes.
    for transfer in sample::transfers() {
        for transition in transitions() {
            let upload = Upload { transfer: transfer.clone(), size: Size::AtMost(9), ..fresh() };
            let expected = upload.apply(&transition);
            table.put_upload(&upload, None).await.unwrap();
            let moved = table.update_upload(&upload, &transition).await.unwrap();
            assert_eq!(moved, expected, "{transfer:?} by {transition:?}");
            let stored = table.get_upload(upload.owner, upload.id).await.unwrap();
            assert_eq!(stored, Some(expected.unwrap_or(upload)), "{transfer:?} by {transition:?}");
        }
    }
    for transition in transitions() {
        let never_put = fresh();
        let moved = table.update_upload(&never_put, &transition).await.unwrap();
        assert_eq!(moved, None, "made a row by {transition:?}");
        assert_eq!(table.get_upload(never_put.owner, never_put.id).await.unwrap(), None);
    }
}

fn verify(thumbnails: Thumbnails) -> Transition {
    Transition::Verify {
        version: VersionId::new("v1"),
        arrived_at: None,
        at: NOW,
        size_bytes: 7,
        crc64nvme: Some(Crc64Nvme::new(1)),
        thumbnails,
    }
}

fn transitions() -> Vec<Transition> {
    let jpeg = sample::thumbnail("small", ThumbnailFormat::Jpeg);
    let webp = sample::thumbnail("large-2x", ThumbnailFormat::Webp);
    let ends = sample::pending().expires_at;
    vec![
        verify(Thumbnails::Pending),
        verify(Thumbnails::None),
        Transition::Reject(RejectReason::Content),
        Transition::Cancel,
        Transition::NameMultipart(MultipartId::new("named")),
        Transition::Expire { at: ends - time::Duration::MILLISECOND },
        Transition::Expire { at: ends },
        Transition::Delete { at: NOW },
        Transition::Looked { due_at: ends, next: Some(ends + time::Duration::HOUR) },
        Transition::Looked { due_at: NOW + THUMBNAIL_PATIENCE, next: Some(ends) },
        Transition::Looked { due_at: ends + SECOND_LOOK, next: None },
        Transition::Thumbnailed {
            source: Dimensions { width: 3, height: 4 },
            placeholder: sample::placeholder(),
            thumbnails: vec![jpeg, webp],
        },
        Transition::ThumbnailsFailed { reason: "too_many_pixels".to_owned() },
    ]
}

async fn of_racing_moves_one_wins(table: &impl Table, upload: Upload) {
    table.put_upload(&upload, None).await.unwrap();
    let verify = verify(Thumbnails::Pending);
    let reject = Transition::Reject(RejectReason::Size);
    let race = |transition| table.update_upload(&upload, transition);
    let results = join_all([race(&verify), race(&Transition::Cancel), race(&reject), race(&verify)]).await;
    let winners: Vec<_> = results.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(table.get_upload(upload.owner, upload.id).await.unwrap().as_ref(), Some(&winners[0]));
}

async fn a_put_that_comes_again_late_changes_nothing(table: &impl Table, upload: Upload) {
    table.put_upload(&upload, None).await.unwrap();
    let moved = table.update_upload(&upload, &Transition::Cancel).await.unwrap();
    assert_eq!(table.put_upload(&upload, None).await.unwrap(), Put::Created);
    assert_eq!(table.get_upload(upload.owner, upload.id).await.unwrap(), moved);
}

async fn an_owners_files_are_listed_newest_first(table: &impl Table, fresh: &impl Fn() -> Upload) {
    // An owner of whom there is nothing else; of another there is more, before and after.
    let owner = Owner::of_subject(&fresh().id.to_string());
    let other = Owner::of_subject(&fresh().id.to_string());
    let mut files = Vec::new();
    for state in sample::states() {
        let upload = fresh().in_state(state);
        for upload in [Upload { owner, ..upload.clone() }, Upload { owner: other, ..upload }] {
            table.put_upload(&upload, None).await.unwrap();
            if upload.owner == owner && matches!(upload.state, State::Ready(_)) {
                files.push(upload);
            }
        }
    }
    let keyed = Upload { owner, ..fresh() };
    let record = IdempotencyRecord {
        key_hash: format!("key-{}", keyed.id),
        fingerprint: "f1".to_owned(),
        upload_id: keyed.id,
        expires_at: NOW + time::Duration::DAY,
    };
    table.put_upload(&keyed, Some(&record)).await.unwrap();
    files.sort_by_key(|upload| std::cmp::Reverse(upload.id));
    let rows = sample::states().len() + 1;
    for page_rows in [1, 2, 5, rows, 100] {
        let page_rows = u16::try_from(page_rows).ok().and_then(NonZeroU16::new).expect("1 to 100");
        let (mut seen, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = table.list_ready(owner, after, page_rows).await.unwrap();
            assert!(page.uploads.len() <= usize::from(page_rows.get()));
            seen.extend(page.uploads);
            pages += 1;
            assert!(pages <= rows + 1, "it never ends");
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, files, "{page_rows} a page");
    }
    let hundred = NonZeroU16::new(100).expect("100 is not zero");
    // A place where nothing lies, and one in another's list.
    let place = table.list_ready(other, None, hundred).await.unwrap().uploads[0].id;
    let behind = table.list_ready(owner, Some(place), hundred).await.unwrap().uploads;
    assert!(behind.iter().all(|upload| upload.owner == owner && upload.id < place));
    let newest = table.list_ready(owner, Some(fresh().id), hundred).await.unwrap().uploads;
    assert_eq!(newest, files);
    let nobody = Owner::of_subject("nobody");
    assert_eq!(table.list_ready(nobody, None, hundred).await.unwrap().uploads, []);
}

async fn an_idempotency_key_is_taken_until_it_expires(table: &impl Table, fresh: &impl Fn() -> Upload) {
    let first = fresh();
    let record = IdempotencyRecord {
        key_hash: format!("key-{}", first.id),
        fingerprint: "f1".to_owned(),
        upload_id: first.id,
        expires_at: NOW + time::Duration::DAY,
    };
    let get = |now| table.get_idempotency_record(first.owner, &record.key_hash, now);
    assert_eq!(table.put_upload(&first, Some(&record)).await.unwrap(), Put::Created);
    assert_eq!(get(NOW).await.unwrap().as_ref(), Some(&record));
    assert_eq!(get(record.expires_at).await.unwrap(), None);

    let second = fresh();
    let again = IdempotencyRecord { upload_id: second.id, fingerprint: "f2".to_owned(), ..record.clone() };
    assert_eq!(table.put_upload(&second, Some(&again)).await.unwrap(), Put::KeyTaken);
    assert_eq!(table.get_upload(second.owner, second.id).await.unwrap(), None, "half of it was recorded");
    assert_eq!(get(NOW).await.unwrap().as_ref(), Some(&record));

    let later = Upload { created_at: record.expires_at, ..fresh() };
    let renewed = IdempotencyRecord {
        upload_id: later.id,
        expires_at: record.expires_at + time::Duration::DAY,
        ..record.clone()
    };
    assert_eq!(table.put_upload(&later, Some(&renewed)).await.unwrap(), Put::Created);
    assert_eq!(get(record.expires_at).await.unwrap(), Some(renewed));
    assert!(matches!(later.state, State::Pending));
}
