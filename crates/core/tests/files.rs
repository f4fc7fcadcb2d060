//! Files are listed as they are, and a deleted one is gone: from the row, the bucket and the CDN, whatever fails on the way.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::num::NonZeroU16;
use std::sync::atomic::{AtomicUsize, Ordering};
use time::{Duration, OffsetDateTime};
use valet_core::complete_upload::Said;
use valet_core::delete_file::remove_deleted;
use valet_core::error::StoreErrorKind;
use valet_core::key::{CACHE_CONTROL, ThumbnailFormat, ThumbnailName};
use valet_core::list_files::{Cursor, FilesPage, MAX_ROWS, PageSize};
use valet_core::ports::{
    Copies, DeleteThumbnail, DeleteVersion, DeleteVersions, GetObject, GetTags, GetUpload, GetVerdict,
    HeadObject, InvalidateCopies, ListReady, ListVersions, ObjectVersion, PutThumbnail, ReadyPage, Stored,
    StoredHeaders, StoredObject, TagVerified, Tags, UpdateUpload, Verdict,
};
use valet_core::settle::Arrival;
use valet_core::testing::{Failing, FakeRender, MemoryBucket, MemoryCdn, MemoryTable, sample};
use valet_core::upload::{SECOND_LOOK, State, Thumbnails, Transition, Verified, VersionId};
use valet_core::{
    Error, MediaType, Owner, StoreError, ThumbnailKey, Upload, UploadId, UploadKey, confirm_upload,
    delete_file, generate_thumbnails, list_files, read_file, settle,
};

const TWO: [(&str, ThumbnailFormat); 2] =
    [("large", ThumbnailFormat::Webp), ("small", ThumbnailFormat::Jpeg)];

/// A stack, with one file of Alice's.
#[derive(Default)]
struct Stack {
    bucket: MemoryBucket,
    table: MemoryTable,
    cdn: MemoryCdn,
}

impl Stack {
    fn of(upload: &Upload) -> Self {
        Self { table: MemoryTable::with([upload.clone()]), ..Self::default() }
    }

    /// A stack with a verified file and these thumbnails.
    async fn with_file(thumbnails: &[(&str, ThumbnailFormat)]) -> (Self, Upload) {
        let upload = sample::pending();
        let stack = Self::of(&upload);
        let event = stack.receive(&upload);
        let render = FakeRender::of(thumbnails);
        generate_thumbnails(&stack.bucket, &stack.table, &render, sample::NOW, &event).await.unwrap();
        let upload = stack.row(&upload).await;
        assert!(matches!(upload.state, State::Ready(_)));
        (stack, upload)
    }

    /// The bytes arrive; S3's event.
    fn receive(&self, upload: &Upload) -> Arrival {
        let headers = StoredHeaders {
            content_type: Some(upload.media_type.content_type().to_owned()),
            cache_control: Some(CACHE_CONTROL.to_owned()),
            ..StoredHeaders::default()
        };
        Arrival::Event(upload.key(), Some(self.bucket.store(&upload.key(), headers, None, sample::PNG)))
    }

    async fn row(&self, upload: &Upload) -> Upload {
        self.table.get_upload(upload.owner, upload.id).await.unwrap().unwrap()
    }

    async fn delete(&self, upload: &Upload) -> Result<(), Error> {
        self.delete_at(upload, sample::NOW).await
    }

    async fn delete_at(&self, upload: &Upload, now: OffsetDateTime) -> Result<(), Error> {
        delete_file(&self.bucket, &self.table, &self.cdn, now, upload.owner, upload.id).await
    }

    fn references(&self) -> Vec<String> {
        self.cdn.invalidations().into_iter().map(|(reference, _)| reference).collect()
    }
}

fn thumbnail_key(upload: &Upload, (name, format): (&str, ThumbnailFormat)) -> ThumbnailKey {
    upload.thumbnail_key(ThumbnailName::parse(name).unwrap(), format)
}

#[tokio::test]
async fn a_deleted_file_is_gone_from_the_row_the_bucket_and_the_cdn() {
    let (stack, upload) = Stack::with_file(&TWO).await;
    // More than the row knows of: older versions, a hidden one, one of an earlier configuration.
    stack.receive(&upload);
    let other = thumbnail_key(&upload, ("removed", ThumbnailFormat::Jpeg));
    stack.bucket.put_thumbnail(&other, b"x".to_vec()).await.unwrap();
    stack.bucket.delete_thumbnail(&other).await.unwrap();
    let thumbnails = TWO.map(|two| thumbnail_key(&upload, two));
    assert!(stack.cdn.serves(&stack.bucket, &upload.key()));
    assert!(thumbnails.iter().all(|key| stack.cdn.serves(&stack.bucket, key)));

    stack.delete(&upload).await.unwrap();

    assert_eq!(stack.bucket.all_versions(), 0);
    assert!(!stack.cdn.serves(&stack.bucket, &upload.key()));
    assert!(!thumbnails.iter().any(|key| stack.cdn.serves(&stack.bucket, key)));
    let row = stack.row(&upload).await;
    assert_eq!((&row.state, row.due_at), (&State::Deleted, Some(upload.expires_at + SECOND_LOOK)));
    let read = read_file(&stack.table, upload.owner, upload.id).await;
    assert!(matches!(read, Err(Error::NotFound)));
}

#[tokio::test]
async fn a_reader_who_asks_all_the_while_brings_no_copy_back() {
    let (stack, upload) = Stack::with_file(&TWO).await;
    let watched = Watched { stack: &stack, upload: &upload };
    delete_file(&watched, &stack.table, &watched, sample::NOW, upload.owner, upload.id).await.unwrap();
    assert_eq!(watched.seen(), [false; 3]);
}

#[tokio::test]
async fn deleting_repeats_and_is_paid_for_at_most_twice() {
    let (stack, upload) = Stack::with_file(&TWO).await;
    for _ in 0..5 {
        stack.delete(&upload).await.unwrap();
    }
    let once = upload.id.to_string();
    assert_eq!(stack.references(), [once.clone(), format!("{once}-again")]);
}

#[tokio::test]
async fn an_invalidation_is_of_one_path_a_thing_and_of_no_wildcard_where_one_is_known() {
    let file = |upload: &Upload| Copies::Of(upload.key().to_string());
    let all = |upload: &Upload| Copies::Under(upload.thumbnail_prefix());
    for (thumbnails, media_type) in [
        (Thumbnails::None, MediaType::Mp4),
        (Thumbnails::Pending, MediaType::Png),
        (Thumbnails::Failed("corrupt".to_owned()), MediaType::Png),
        (Thumbnails::Ready(vec![sample::thumbnail("small", ThumbnailFormat::Jpeg)]), MediaType::Png),
        (
            Thumbnails::Ready(TWO.map(|(name, format)| sample::thumbnail(name, format)).to_vec()),
            MediaType::Png,
        ),
    ] {
        let upload = Upload { media_type, ..sample::pending() }.in_state(ready(thumbnails.clone()));
        let stack = Stack::of(&upload);
        stack.delete(&upload).await.unwrap();
        let expected = match &thumbnails {
            Thumbnails::None => vec![file(&upload)],
            Thumbnails::Ready(items) if items.len() == 1 => {
                let small = thumbnail_key(&upload, ("small", ThumbnailFormat::Jpeg));
                vec![file(&upload), Copies::Of(small.to_string())]
            }
            _ => vec![file(&upload), all(&upload)],
        };
        assert_eq!(stack.cdn.invalidations(), [(upload.id.to_string(), expected)], "{thumbnails:?}");
    }
}

#[tokio::test]
async fn only_a_file_can_be_deleted_and_only_by_its_owner() {
    for state in sample::states() {
        let upload = sample::pending().in_state(state.clone());
        let stack = Stack::of(&upload);
        let mallory = Upload { owner: Owner::of_subject("mallory"), ..upload.clone() };
        assert!(matches!(stack.delete(&mallory).await, Err(Error::NotFound)));
        assert_eq!(stack.row(&upload).await, upload);
        let deleted = stack.delete(&upload).await;
        match state {
            State::Ready(_) | State::Deleted => deleted.unwrap(),
            State::Pending => assert!(matches!(deleted, Err(Error::StillPending))),
            State::Rejected(_) | State::Expired | State::Cancelled => {
                assert!(matches!(deleted, Err(Error::NotFound)), "{state:?}");
            }
        }
        let is_gone = matches!(state, State::Ready(_) | State::Deleted);
        let expected = if is_gone { State::Deleted } else { state };
        assert_eq!(stack.row(&upload).await.state, expected);
        assert_eq!(stack.references().is_empty(), !is_gone);
    }
}

/// Every call to every store fails once, before its effect and after it; then the client asks again.
#[tokio::test]
async fn whichever_call_fails_the_next_delete_finishes_the_work() {
    let long_ago = sample::NOW + Duration::days(60);
    let mut failures = [0; 3];
    for fails_at in 0..12 {
        for which in 0..3 {
            for has_effect in [false, true] {
                let (stack, upload) = Stack::with_file(&TWO).await;
                let keys = [upload.key().to_string(), thumbnail_key(&upload, TWO[0]).to_string()];
                assert!(keys.iter().all(|key| stack.cdn.serves(&stack.bucket, key)));
                let at = |store| if store == which { fails_at } else { 99 };
                let bucket = Failing::at(&stack.bucket, at(0), has_effect);
                let table = Failing::at(&stack.table, at(1), has_effect);
                let cdn = Failing::at(&stack.cdn, at(2), has_effect);
                let first = delete_file(&bucket, &table, &cdn, long_ago, upload.owner, upload.id).await;
                let has_failed = [bucket.has_failed(), table.has_failed(), cdn.has_failed()][which];
                match first {
                    Ok(()) => assert!(!has_failed),
                    Err(error) => {
                        assert!(has_failed);
                        assert_eq!(error.code(), "try_later", "a client must come again");
                        failures[which] += 1;
                    }
                }
                stack.delete_at(&upload, long_ago).await.unwrap();
                assert_eq!(stack.bucket.all_versions(), 0);
                for key in &keys {
                    assert!(!stack.cdn.serves(&stack.bucket, key), "{key} is served");
                }
                let row = stack.row(&upload).await;
                assert_eq!((row.state, row.due_at), (State::Deleted, None));
            }
        }
    }
    // Of the bucket, for file and thumbnails each: a list, a removal, a list of nothing. Of the table: a read, the tombstone, the end.
    assert_eq!(failures, [2 * 6, 2 * 3, 2]);
}

/// The same without a client that asks again: the sweep finds the row, which is due, and finishes.
#[tokio::test]
async fn what_a_client_left_half_done_the_sweep_can_finish() {
    for fails_at in 0..6 {
        let (stack, upload) = Stack::with_file(&TWO).await;
        assert!(stack.cdn.serves(&stack.bucket, &upload.key()));
        let bucket = Failing::at(&stack.bucket, fails_at, false);
        let first =
            delete_file(&bucket, &stack.table, &stack.cdn, sample::NOW, upload.owner, upload.id).await;
        assert!(first.is_err());
        let row = stack.row(&upload).await;
        assert_eq!(row.due_at, Some(upload.expires_at + SECOND_LOOK));
        remove_deleted(&stack.bucket, &stack.cdn, &row).await.unwrap();
        assert_eq!(stack.bucket.all_versions(), 0);
        assert!(!stack.cdn.serves(&stack.bucket, &upload.key()));
    }
}

#[tokio::test]
async fn a_sweep_looks_again_only_while_something_can_still_come() {
    let (young, old) = (sample::NOW, sample::NOW + Duration::days(60));
    for (thumbnails, now, is_due) in [
        (Thumbnails::None, young, true),
        (Thumbnails::None, old, false),
        (Thumbnails::Failed("corrupt".to_owned()), old, false),
        (Thumbnails::Pending, old, true),
    ] {
        let upload = sample::pending().in_state(ready(thumbnails.clone()));
        let stack = Stack::of(&upload);
        stack.delete_at(&upload, now).await.unwrap();
        assert_eq!(stack.row(&upload).await.due_at.is_some(), is_due, "{thumbnails:?} at {now}");
    }
}

#[tokio::test]
async fn a_cdn_that_refuses_for_good_is_no_success() {
    let (stack, upload) = Stack::with_file(&TWO).await;
    let cdn = Failing::denying(&stack.cdn);
    let deleted = delete_file(&stack.bucket, &stack.table, &cdn, sample::NOW, upload.owner, upload.id).await;
    assert!(matches!(deleted, Err(Error::Store(error)) if error.kind == StoreErrorKind::Denied));
}

/// At each call of the thumbnailer's, the file is deleted just before it or just after it has had its effect.
#[tokio::test]
async fn a_file_deleted_while_its_thumbnails_are_made_leaves_none_to_be_seen() {
    let mut deletions = 0;
    for at in 0..16 {
        for after_effect in [false, true] {
            let upload = sample::pending();
            let stack = Stack::of(&upload);
            let event = stack.receive(&upload);
            confirm_upload(
                &stack.bucket,
                &stack.table,
                sample::NOW,
                upload.owner,
                upload.id,
                &Said::default(),
            )
            .await
            .unwrap();
            let deleting =
                Deleting { stack: &stack, upload: &upload, at, after_effect, calls: AtomicUsize::new(0) };
            let render = FakeRender::of(&TWO);
            // Whatever it says: S3's event is delivered again after an error.
            let first = generate_thumbnails(&deleting, &deleting, &render, sample::NOW, &event).await;
            if first.is_err() {
                generate_thumbnails(&stack.bucket, &stack.table, &render, sample::NOW, &event).await.unwrap();
            }
            if deleting.calls.load(Ordering::Relaxed) <= at {
                continue;
            }
            deletions += 1;
            assert_eq!(stack.bucket.keys(), [""; 0], "call {at}, after: {after_effect}");
            assert_eq!(stack.row(&upload).await.state, State::Deleted);
            // What was hidden and not removed, and what the CDN copied in between, goes with the second look.
            remove_deleted(&stack.bucket, &stack.cdn, &stack.row(&upload).await).await.unwrap();
            assert_eq!(stack.bucket.all_versions(), 0);
            for key in TWO.map(|two| thumbnail_key(&upload, two)) {
                assert!(!stack.cdn.serves(&stack.bucket, &key));
            }
        }
    }
    // The row, the body, its two thumbnails, the record.
    assert!(deletions >= 2 * 5, "{deletions}");
}

#[tokio::test]
async fn what_a_signed_url_brings_after_the_deletion_is_removed_by_its_event() {
    let (stack, upload) = Stack::with_file(&TWO).await;
    stack.delete(&upload).await.unwrap();
    let event = stack.receive(&upload);
    assert!(!stack.bucket.is_served(&upload.key()), "it carries no tag");
    settle(&stack.bucket, &stack.table, sample::NOW, &event).await.unwrap();
    assert_eq!(stack.bucket.all_versions(), 0);
    assert_eq!(stack.row(&upload).await.state, State::Deleted);
}

#[tokio::test]
async fn many_deletes_at_once_agree() {
    let (stack, upload) = Stack::with_file(&TWO).await;
    assert!(stack.cdn.serves(&stack.bucket, &upload.key()));
    let all = futures_util::future::join_all((0..8).map(|_| stack.delete(&upload))).await;
    assert!(all.into_iter().all(|one| one.is_ok()));
    assert_eq!(stack.bucket.all_versions(), 0);
    assert!(!stack.cdn.serves(&stack.bucket, &upload.key()));
}

fn ready(thumbnails: Thumbnails) -> State {
    State::Ready(Verified {
        version: VersionId::new("v1"),
        confirmed_at: sample::NOW,
        crc64nvme: None,
        dimensions: None,
        placeholder: None,
        thumbnails,
    })
}

/// `files` ready uploads of Alice's with `tombstones` cancelled ones after each; oldest first.
fn table_of(files: usize, tombstones: usize) -> (MemoryTable, Vec<UploadId>) {
    let mut uploads = Vec::new();
    let mut ids = Vec::new();
    for _ in 0..files {
        let file = sample::pending().in_state(ready(Thumbnails::None));
        ids.push(file.id);
        uploads.push(file);
        uploads.extend((0..tombstones).map(|_| sample::pending().in_state(State::Cancelled)));
    }
    uploads.push(
        Upload { owner: Owner::of_subject("bob"), ..sample::pending() }.in_state(ready(Thumbnails::None)),
    );
    (MemoryTable::with(uploads), ids)
}

fn size(size: &str) -> PageSize {
    PageSize::parse(size).unwrap()
}

async fn page(table: &impl ListReady, after: Option<Cursor>, size: PageSize) -> FilesPage {
    list_files(table, Owner::of_subject("alice"), after, size).await.unwrap()
}

#[tokio::test]
async fn pages_hold_every_file_once_newest_first_and_nobody_elses() {
    for (files, tombstones) in [(0, 0), (1, 0), (24, 0), (25, 0), (26, 0), (25, 3), (7, 300)] {
        let (table, mut ids) = table_of(files, tombstones);
        ids.reverse();
        for wanted in ["1", "5", "25", "100"] {
            let (mut seen, mut after, mut pages) = (Vec::new(), None, 0);
            loop {
                let page = page(&table, after, size(wanted)).await;
                assert!(page.files.len() <= wanted.parse().unwrap());
                seen.extend(page.files.into_iter().map(|file| file.id));
                pages += 1;
                assert!(pages < 500, "it never ends");
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
            assert_eq!(seen, ids, "{files} files, {tombstones} tombstones, {wanted} a page");
        }
    }
}

#[tokio::test]
async fn a_page_is_filled_past_uploads_that_are_no_files() {
    let (table, _) = table_of(12, 60);
    let first = page(&table, None, size("5")).await;
    assert_eq!(first.files.len(), 5);
    assert_eq!(page(&table, first.next, size("5")).await.files.len(), 5);
}

#[tokio::test]
async fn a_page_that_holds_all_there_is_has_no_next_one() {
    let (table, _) = table_of(25, 0);
    assert_eq!(page(&table, None, size("25")).await.next, None);
    assert!(page(&table, None, size("24")).await.next.is_some());
}

#[tokio::test]
async fn one_call_looks_at_a_bounded_number_of_uploads() {
    let (table, ids) = table_of(1, 2500);
    let counting = Counting { table: &table, rows: AtomicUsize::new(0) };
    let (mut after, mut seen) = (None, Vec::new());
    for _ in 0..3 {
        let page = page(&counting, after, size("50")).await;
        assert!(counting.rows.swap(0, Ordering::Relaxed) <= usize::from(MAX_ROWS));
        seen.extend(page.files.into_iter().map(|file| file.id));
        after = page.next;
    }
    assert_eq!((seen, after), (ids, None), "empty pages lead on to the one file");
}

#[tokio::test]
async fn a_cursor_of_another_owner_or_of_a_file_that_is_gone_leads_to_ones_own_files() {
    let (table, ids) = table_of(3, 0);
    let everybodys = page(&table, None, size("1")).await.next;
    let bobs = list_files(&table, Owner::of_subject("bob"), everybodys, PageSize::default()).await.unwrap();
    assert!(bobs.files.iter().all(|file| file.owner == Owner::of_subject("bob")));
    let gone = Transition::Delete { at: sample::NOW };
    let file = read_file(&table, Owner::of_subject("alice"), ids[2]).await.unwrap();
    table.update_upload(&file, &gone).await.unwrap();
    let rest = page(&table, everybodys, PageSize::default()).await;
    assert_eq!(rest.files.iter().map(|file| file.id).collect::<Vec<_>>(), [ids[1], ids[0]]);
}

#[tokio::test]
async fn a_file_that_is_deleted_between_two_pages_moves_no_other() {
    let (table, ids) = table_of(6, 0);
    let first = page(&table, None, size("2")).await;
    for id in [ids[5], ids[3]] {
        let gone = Transition::Delete { at: sample::NOW };
        let file = read_file(&table, Owner::of_subject("alice"), id).await.unwrap();
        table.update_upload(&file, &gone).await.unwrap();
    }
    let second = page(&table, first.next, size("2")).await;
    assert_eq!(second.files.iter().map(|file| file.id).collect::<Vec<_>>(), [ids[2], ids[1]]);
}

#[tokio::test]
async fn only_a_ready_upload_reads_as_a_file() {
    for state in sample::states() {
        let upload = sample::pending().in_state(state.clone());
        let table = MemoryTable::with([upload.clone()]);
        let read = read_file(&table, upload.owner, upload.id).await;
        match state {
            State::Ready(_) => assert_eq!(read.unwrap(), upload),
            _ => assert!(matches!(read, Err(Error::NotFound))),
        }
        let mallorys = read_file(&table, Owner::of_subject("mallory"), upload.id).await;
        assert!(matches!(mallorys, Err(Error::NotFound)));
    }
}

/// Counts the rows that are looked at.
struct Counting<'a> {
    table: &'a MemoryTable,
    rows: AtomicUsize,
}

impl ListReady for Counting<'_> {
    async fn list_ready(
        &self,
        owner: Owner,
        after: Option<UploadId>,
        rows: NonZeroU16,
    ) -> Result<ReadyPage, StoreError> {
        self.rows.fetch_add(usize::from(rows.get()), Ordering::Relaxed);
        self.table.list_ready(owner, after, rows).await
    }
}

/// A bucket and a CDN with a reader who asks for the file and its thumbnails before and after each call.
struct Watched<'a> {
    stack: &'a Stack,
    upload: &'a Upload,
}

impl Watched<'_> {
    fn seen(&self) -> [bool; 3] {
        let [large, small] = TWO.map(|two| thumbnail_key(self.upload, two).to_string());
        [self.upload.key().to_string(), large, small]
            .map(|key| self.stack.cdn.serves(&self.stack.bucket, &key))
    }

    async fn call<R>(&self, call: impl Future<Output = R>) -> R {
        self.seen();
        let result = call.await;
        self.seen();
        result
    }
}

impl ListVersions for Watched<'_> {
    async fn list_versions(&self, of: &Stored) -> Result<Vec<ObjectVersion>, StoreError> {
        self.call(self.stack.bucket.list_versions(of)).await
    }
}

impl DeleteVersions for Watched<'_> {
    async fn delete_versions(&self, versions: &[ObjectVersion]) -> Result<(), StoreError> {
        self.call(self.stack.bucket.delete_versions(versions)).await
    }
}

impl InvalidateCopies for Watched<'_> {
    async fn invalidate_copies(&self, reference: &str, copies: &[Copies]) -> Result<(), StoreError> {
        self.call(self.stack.cdn.invalidate_copies(reference, copies)).await
    }
}

/// A bucket and a table in which the owner deletes the file at one call of somebody else's, after which readers look at all
/// there is to see.
struct Deleting<'a> {
    stack: &'a Stack,
    upload: &'a Upload,
    at: usize,
    after_effect: bool,
    calls: AtomicUsize,
}

impl Deleting<'_> {
    async fn call<R>(&self, call: impl Future<Output = R>) -> R {
        let is_now = self.calls.fetch_add(1, Ordering::Relaxed) == self.at;
        if is_now && !self.after_effect {
            self.stack.delete(self.upload).await.unwrap();
        }
        let result = call.await;
        if is_now && self.after_effect {
            self.stack.delete(self.upload).await.unwrap();
        }
        for key in TWO.map(|two| thumbnail_key(self.upload, two)) {
            self.stack.cdn.serves(&self.stack.bucket, &key);
        }
        result
    }
}

impl HeadObject for Deleting<'_> {
    async fn head_object(
        &self,
        key: &UploadKey,
        version: Option<&VersionId>,
        with_checksums: bool,
    ) -> Result<Option<StoredObject>, StoreError> {
        self.call(self.stack.bucket.head_object(key, version, with_checksums)).await
    }
}

impl GetObject for Deleting<'_> {
    type Body = <MemoryBucket as GetObject>::Body;

    async fn get_object(
        &self,
        key: &UploadKey,
        version: &VersionId,
    ) -> Result<Option<Self::Body>, StoreError> {
        self.call(self.stack.bucket.get_object(key, version)).await
    }
}

impl GetVerdict for Deleting<'_> {
    async fn get_verdict(&self, key: &UploadKey, version: &VersionId) -> Result<Option<Verdict>, StoreError> {
        // Nothing is scanned there, and so nothing asked.
        self.stack.bucket.get_verdict(key, version).await
    }
}

impl GetTags for Deleting<'_> {
    async fn get_tags(&self, key: &UploadKey, version: &VersionId) -> Result<Option<Tags>, StoreError> {
        self.call(self.stack.bucket.get_tags(key, version)).await
    }
}

impl TagVerified for Deleting<'_> {
    async fn tag_verified(&self, key: &UploadKey, version: &VersionId) -> Result<bool, StoreError> {
        self.call(self.stack.bucket.tag_verified(key, version)).await
    }
}

impl DeleteVersion for Deleting<'_> {
    async fn delete_version(&self, key: &UploadKey, version: &VersionId) -> Result<(), StoreError> {
        self.call(self.stack.bucket.delete_version(key, version)).await
    }
}

impl PutThumbnail for Deleting<'_> {
    async fn put_thumbnail(&self, key: &ThumbnailKey, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.call(self.stack.bucket.put_thumbnail(key, bytes)).await
    }
}

impl DeleteThumbnail for Deleting<'_> {
    async fn delete_thumbnail(&self, key: &ThumbnailKey) -> Result<(), StoreError> {
        self.call(self.stack.bucket.delete_thumbnail(key)).await
    }
}

impl GetUpload for Deleting<'_> {
    async fn get_upload(&self, owner: Owner, id: UploadId) -> Result<Option<Upload>, StoreError> {
        self.call(self.stack.table.get_upload(owner, id)).await
    }
}

impl UpdateUpload for Deleting<'_> {
    async fn update_upload(
        &self,
        upload: &Upload,
        transition: &Transition,
    ) -> Result<Option<Upload>, StoreError> {
        self.call(self.stack.table.update_upload(upload, transition)).await
    }
}
