//! Thumbnails appear once, for verified images only, and never outlive what they were made from.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::cell::Cell;
use valet_core::generate_thumbnails::{MAX_SOURCE_BYTES, Outcome, Rendered};
use valet_core::key::{CACHE_CONTROL, ThumbnailName};
use valet_core::ports::{GetUpload, StoredHeaders};
use valet_core::settle::Arrival;
use valet_core::testing::{Failing, MemoryBucket, MemoryTable, sample};
use valet_core::upload::{Dimensions, State, Thumbnails, Verified, VersionId};
use valet_core::{MediaType, Upload, confirm_upload, generate_thumbnails};

#[expect(clippy::unnecessary_wraps, reason = "the port may fail")]
fn render(bytes: &[u8], _: ThumbnailName) -> Result<Rendered, &'static str> {
    assert_eq!(bytes, sample::PNG);
    Ok(Rendered {
        source: Dimensions { width: 1, height: 1 },
        dimensions: Dimensions { width: 1, height: 1 },
        jpeg: b"jpeg".to_vec(),
    })
}

fn never(_: &[u8], _: ThumbnailName) -> Result<Rendered, &'static str> {
    panic!("it was rendered")
}

fn arrives(bucket: &MemoryBucket, upload: &Upload, bytes: &[u8]) -> Arrival {
    let headers = StoredHeaders {
        content_type: Some(upload.media_type.content_type().to_owned()),
        cache_control: Some(CACHE_CONTROL.to_owned()),
        ..StoredHeaders::default()
    };
    Arrival::Event(upload.key(), Some(bucket.store(&upload.key(), headers, None, bytes)))
}

async fn thumbnails(table: &MemoryTable, upload: &Upload) -> Thumbnails {
    match table.get_upload(upload.owner, upload.id).await.unwrap().unwrap().state {
        State::Ready(Verified { thumbnails, .. }) => thumbnails,
        state => panic!("{state:?}"),
    }
}

#[tokio::test]
async fn an_event_makes_a_thumbnail_once_before_or_after_the_confirm() {
    for confirms_first in [true, false] {
        let (bucket, upload) = (MemoryBucket::default(), sample::pending());
        let table = MemoryTable::with([upload.clone()]);
        let event = arrives(&bucket, &upload, sample::PNG);
        if confirms_first {
            confirm_upload(&bucket, &table, sample::NOW, upload.owner, upload.id).await.unwrap();
        }
        let made = generate_thumbnails(&bucket, &table, render, sample::NOW, &event).await.unwrap();
        let again = generate_thumbnails(&bucket, &table, never, sample::NOW, &event).await.unwrap();
        assert_eq!((made, again), (Outcome::Made, Outcome::NotNeeded));
        let key = format!("thumbnails/{}/{}/small.jpg", upload.owner, upload.id);
        assert!(bucket.keys().contains(&key), "{:?}", bucket.keys());
        assert!(matches!(thumbnails(&table, &upload).await, Thumbnails::Ready(items) if items.len() == 1));
    }
}

#[tokio::test]
async fn what_cannot_be_rendered_fails_for_good_with_its_reason() {
    let (bucket, upload) = (MemoryBucket::default(), sample::pending());
    let table = MemoryTable::with([upload.clone()]);
    let event = arrives(&bucket, &upload, sample::PNG);
    let failed =
        generate_thumbnails(&bucket, &table, |_, _| Err("corrupt"), sample::NOW, &event).await.unwrap();
    assert_eq!(failed, Outcome::Failed("corrupt".to_owned()));
    assert_eq!(thumbnails(&table, &upload).await, Thumbnails::Failed("corrupt".to_owned()));
    let again = generate_thumbnails(&bucket, &table, never, sample::NOW, &event).await.unwrap();
    assert_eq!(again, Outcome::NotNeeded);
}

#[tokio::test]
async fn only_a_verified_image_is_read() {
    let bucket = MemoryBucket::default();
    let video = Upload { media_type: MediaType::Mp4, size_bytes: 16, ..sample::pending() };
    let refused = Upload { size_bytes: 3, ..sample::pending() };
    let cancelled = Upload { state: State::Cancelled, ..sample::pending() };
    let table = MemoryTable::with([video.clone(), refused.clone(), cancelled.clone()]);
    for (upload, bytes, outcome) in [
        (&video, b"\0\0\0\x10ftypmp42\0\0\0\0".as_slice(), Outcome::NotNeeded),
        (&refused, sample::PNG, Outcome::Rejected(valet_core::upload::RejectReason::Size)),
        (&cancelled, sample::PNG, Outcome::Gone),
    ] {
        let event = arrives(&bucket, upload, bytes);
        let seen = generate_thumbnails(&bucket, &table, never, sample::NOW, &event).await.unwrap();
        assert_eq!(seen, outcome);
    }
    assert_eq!(thumbnails(&table, &video).await, Thumbnails::None);
    assert_eq!(bucket.keys(), [video.key().to_string()]);
}

#[tokio::test]
async fn a_file_too_large_for_memory_is_not_read() {
    let verified = Verified {
        version: VersionId::new("v1"),
        confirmed_at: sample::NOW,
        dimensions: None,
        thumbnails: Thumbnails::Pending,
    };
    let size_bytes = MAX_SOURCE_BYTES + 1;
    let upload = Upload { size_bytes, state: State::Ready(verified), ..sample::pending() };
    let table = MemoryTable::with([upload.clone()]);
    let event = Arrival::Event(upload.key(), Some(VersionId::new("v1")));
    let bucket = MemoryBucket::default();
    let outcome = generate_thumbnails(&bucket, &table, never, sample::NOW, &event).await.unwrap();
    assert_eq!(outcome, Outcome::Failed("too_many_bytes".to_owned()));
}

#[tokio::test]
async fn a_thumbnail_of_a_file_deleted_meanwhile_is_removed() {
    let (bucket, upload) = (MemoryBucket::default(), sample::pending());
    let table = MemoryTable::with([upload.clone()]);
    let event = arrives(&bucket, &upload, sample::PNG);
    let deleted = Cell::new(false);
    let table = DeletedWhen { table: &table, deleted: &deleted };
    let render = |bytes: &[u8], name| {
        deleted.set(true);
        render(bytes, name)
    };
    let outcome = generate_thumbnails(&bucket, &table, render, sample::NOW, &event).await.unwrap();
    assert_eq!(outcome, Outcome::Gone);
    assert_eq!(bucket.keys(), [upload.key().to_string()]);
}

#[tokio::test]
async fn whichever_call_fails_the_next_event_finishes_the_work() {
    for fails_at in 0..6 {
        for (fails_in_table, has_effect) in [(false, false), (false, true), (true, false), (true, true)] {
            let (bucket, upload) = (MemoryBucket::default(), sample::pending());
            let table = MemoryTable::with([upload.clone()]);
            let event = arrives(&bucket, &upload, sample::PNG);
            let failing_bucket = Failing::at(&bucket, if fails_in_table { 99 } else { fails_at }, has_effect);
            let failing_table = Failing::at(&table, if fails_in_table { fails_at } else { 99 }, has_effect);
            let first =
                generate_thumbnails(&failing_bucket, &failing_table, render, sample::NOW, &event).await;
            assert_eq!(first.is_err(), failing_bucket.has_failed() || failing_table.has_failed());
            generate_thumbnails(&bucket, &table, render, sample::NOW, &event).await.unwrap();
            assert!(matches!(thumbnails(&table, &upload).await, Thumbnails::Ready(_)));
            assert_eq!(bucket.keys().len(), 2);
        }
    }
}

/// A table in which every upload reads as deleted once the flag is set.
struct DeletedWhen<'a> {
    table: &'a MemoryTable,
    deleted: &'a Cell<bool>,
}

impl GetUpload for DeletedWhen<'_> {
    fn get_upload(
        &self,
        owner: valet_core::Owner,
        id: valet_core::UploadId,
    ) -> impl Future<Output = Result<Option<Upload>, valet_core::StoreError>> + Send {
        let deleted = self.deleted.get();
        let read = self.table.get_upload(owner, id);
        async move {
            let found = read.await?;
            Ok(found.map(|upload| if deleted { Upload { state: State::Deleted, ..upload } } else { upload }))
        }
    }
}

impl valet_core::ports::UpdateUpload for DeletedWhen<'_> {
    fn update_upload(
        &self,
        owner: valet_core::Owner,
        id: valet_core::UploadId,
        transition: &valet_core::upload::Transition,
    ) -> impl Future<Output = Result<Option<Upload>, valet_core::StoreError>> + Send {
        let deleted = self.deleted.get();
        let update = self.table.update_upload(owner, id, transition);
        async move { if deleted { Ok(None) } else { update.await } }
    }
}
