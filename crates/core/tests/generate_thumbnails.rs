//! Thumbnails appear once and all together, for verified images only, and never outlive what they were made from.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use valet_core::complete_upload::Said;
use valet_core::error::StoreErrorKind;
use valet_core::generate_thumbnails::{MAX_SOURCE_BYTES, Outcome, Reading};
use valet_core::key::{CACHE_CONTROL, ThumbnailFormat, ThumbnailName};
use valet_core::ports::{GetUpload, PutThumbnail, StoredHeaders, UpdateUpload};
use valet_core::settle::Arrival;
use valet_core::testing::{Failing, FakeRender, MemoryBody, MemoryBucket, MemoryTable, sample};
use valet_core::upload::{Dimensions, RejectReason, Size, State, Thumbnails, Transition, Verified};
use valet_core::{MediaType, Owner, StoreError, Upload, UploadId, confirm_upload, generate_thumbnails};

const THREE: [(&str, ThumbnailFormat); 3] =
    [("large", ThumbnailFormat::Jpeg), ("medium", ThumbnailFormat::Webp), ("small", ThumbnailFormat::Jpeg)];

/// The whole of a [`sample::PNG`].
const WHOLE: Reading = Reading { bytes_read: sample::PNG.len() as u64, size_bytes: sample::PNG.len() as u64 };

fn made(thumbnails: usize) -> Outcome {
    Outcome::Made { thumbnails, reading: WHOLE }
}

fn arrives(bucket: &MemoryBucket, upload: &Upload, bytes: &[u8]) -> Arrival {
    let headers = StoredHeaders {
        content_type: Some(upload.media_type.content_type().to_owned()),
        cache_control: Some(CACHE_CONTROL.to_owned()),
        ..StoredHeaders::default()
    };
    Arrival::Event(upload.key(), Some(bucket.store(&upload.key(), headers, None, bytes)))
}

/// A file of which the row says that it was verified as these many bytes, whatever it has.
fn verified_as(size_bytes: u64, bucket: &MemoryBucket, bytes: &[u8]) -> (MemoryTable, Upload, Arrival) {
    let pending = sample::pending();
    let event = arrives(bucket, &pending, bytes);
    let Arrival::Event(_, Some(version)) = &event else { unreachable!("it arrived with a version") };
    let verified = Verified {
        crc64nvme: None,
        version: version.clone(),
        confirmed_at: sample::NOW,
        dimensions: None,
        placeholder: None,
        thumbnails: Thumbnails::Pending,
    };
    let upload = Upload { size: Size::Exact(size_bytes), state: State::Ready(verified), ..pending };
    (MemoryTable::with([upload.clone()]), upload, event)
}

async fn verified(table: &impl GetUpload, upload: &Upload) -> Verified {
    match table.get_upload(upload.owner, upload.id).await.unwrap().unwrap().state {
        State::Ready(verified) => verified,
        state => panic!("{state:?}"),
    }
}

/// The thumbnails of a row as their keys.
async fn recorded(table: &impl GetUpload, upload: &Upload) -> Vec<String> {
    let Thumbnails::Ready(items) = verified(table, upload).await.thumbnails else { panic!("none recorded") };
    items.into_iter().map(|item| upload.thumbnail_key(item.name, item.format).to_string()).collect()
}

/// The thumbnails in a bucket.
fn stored(bucket: &MemoryBucket) -> Vec<String> {
    bucket.keys().into_iter().filter(|key| key.starts_with("thumbnails/")).collect()
}

#[tokio::test]
async fn an_event_makes_all_thumbnails_once_before_or_after_the_confirm() {
    for confirms_first in [true, false] {
        let (bucket, upload) = (MemoryBucket::default(), sample::pending());
        let table = MemoryTable::with([upload.clone()]);
        let event = arrives(&bucket, &upload, sample::PNG);
        if confirms_first {
            confirm_upload(&bucket, &table, sample::NOW, upload.owner, upload.id, &Said::default())
                .await
                .unwrap();
        }
        let render = FakeRender::of(&THREE);
        let first = generate_thumbnails(&bucket, &table, &render, sample::NOW, &event).await.unwrap();
        let again = generate_thumbnails(&bucket, &table, &render, sample::NOW, &event).await.unwrap();
        assert_eq!((first, again, render.jobs()), (made(3), Outcome::NotNeeded, 1));
        let folder = format!("thumbnails/{}/{}", upload.owner, upload.id);
        let keys = ["large.jpg", "medium.webp", "small.jpg"].map(|name| format!("{folder}/{name}"));
        assert_eq!(stored(&bucket), keys);
        assert_eq!(recorded(&table, &upload).await, keys);
        assert_eq!(bucket.text(&keys[1]).as_deref(), Some("medium"), "each holds its own bytes");
        let verified = verified(&table, &upload).await;
        assert_eq!(verified.dimensions, Some(Dimensions { width: 1, height: 1 }));
        assert_eq!(verified.placeholder, Some(sample::placeholder()));
    }
}

#[tokio::test]
async fn what_cannot_be_rendered_fails_for_good_with_its_reason() {
    let (bucket, upload) = (MemoryBucket::default(), sample::pending());
    let table = MemoryTable::with([upload.clone()]);
    let event = arrives(&bucket, &upload, sample::PNG);
    let render = FakeRender::failing("corrupt");
    let failed = generate_thumbnails(&bucket, &table, &render, sample::NOW, &event).await.unwrap();
    assert_eq!(failed, Outcome::Failed { reason: "corrupt", reading: WHOLE });
    assert_eq!(verified(&table, &upload).await.thumbnails, Thumbnails::Failed("corrupt".to_owned()));
    assert_eq!(stored(&bucket), [""; 0]);
    let again = generate_thumbnails(&bucket, &table, &render, sample::NOW, &event).await.unwrap();
    assert_eq!((again, render.jobs()), (Outcome::NotNeeded, 1));
}

#[tokio::test]
async fn only_a_verified_image_is_read() {
    let bucket = MemoryBucket::default();
    let video = Upload { media_type: MediaType::Mp4, size: Size::Exact(16), ..sample::pending() };
    let refused = Upload { size: Size::Exact(3), ..sample::pending() };
    let cancelled = Upload { state: State::Cancelled, ..sample::pending() };
    let table = MemoryTable::with([video.clone(), refused.clone(), cancelled.clone()]);
    let render = FakeRender::of(&THREE);
    for (upload, bytes, outcome) in [
        (&video, b"\0\0\0\x10ftypmp42\0\0\0\0".as_slice(), Outcome::NotNeeded),
        (&refused, sample::PNG, Outcome::Rejected(RejectReason::Size)),
        (&cancelled, sample::PNG, Outcome::Gone),
    ] {
        let event = arrives(&bucket, upload, bytes);
        let seen = generate_thumbnails(&bucket, &table, &render, sample::NOW, &event).await.unwrap();
        assert_eq!(seen, outcome);
    }
    assert_eq!((render.jobs(), bucket.bytes_read()), (0, 0));
    assert_eq!(verified(&table, &video).await.thumbnails, Thumbnails::None);
    assert_eq!(bucket.keys(), [video.key().to_string()]);
}

#[tokio::test]
async fn a_file_too_large_for_memory_is_not_read() {
    let bucket = MemoryBucket::default();
    let (table, _, event) = verified_as(MAX_SOURCE_BYTES + 1, &bucket, sample::PNG);
    let render = FakeRender::of(&THREE);
    let outcome = generate_thumbnails(&bucket, &table, &render, sample::NOW, &event).await.unwrap();
    let reading = Reading { bytes_read: 0, size_bytes: MAX_SOURCE_BYTES + 1 };
    assert_eq!(outcome, Outcome::Failed { reason: "too_many_bytes", reading });
    assert_eq!(bucket.bytes_read(), 0);
}

#[tokio::test]
async fn nothing_is_read_beyond_what_is_enough() {
    let chunk = MemoryBody::CHUNK_BYTES as u64;
    for (enough, bytes_read) in [(1, chunk), (chunk, chunk), (chunk + 1, 2 * chunk)] {
        let (bucket, upload) = (MemoryBucket::default(), sample::pending());
        let table = MemoryTable::with([upload.clone()]);
        let event = arrives(&bucket, &upload, sample::PNG);
        let render = FakeRender::of(&THREE).enough_after(enough);
        let outcome = generate_thumbnails(&bucket, &table, &render, sample::NOW, &event).await.unwrap();
        let reading = Reading { bytes_read, size_bytes: sample::PNG.len() as u64 };
        assert_eq!(outcome, Outcome::Made { thumbnails: 3, reading });
        assert_eq!(bucket.bytes_read(), bytes_read);
    }
}

#[tokio::test]
async fn a_body_of_another_length_than_recorded_is_not_taken_for_the_file() {
    let size = sample::PNG.len() as u64;
    for size_bytes in [size - 1, size + 1, 3 * size] {
        let bucket = MemoryBucket::default();
        let (table, upload, event) = verified_as(size_bytes, &bucket, sample::PNG);
        let render = FakeRender::of(&THREE);
        let error = generate_thumbnails(&bucket, &table, &render, sample::NOW, &event).await.unwrap_err();
        assert_eq!((error.operation, error.kind), ("GetObject", StoreErrorKind::Transient));
        assert_eq!(verified(&table, &upload).await.thumbnails, Thumbnails::Pending);
        assert_eq!(stored(&bucket), [""; 0]);
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_read_again_by_the_next_event() {
    let bucket = MemoryBucket::default();
    let (table, upload, event) = verified_as(sample::PNG.len() as u64, &bucket, sample::PNG);
    // Settling a ready file asks nothing of the bucket: the first call begins to read, the third asks for the second chunk.
    let breaking = Failing::at(&bucket, 2, false);
    let render = FakeRender::of(&THREE);
    let error = generate_thumbnails(&breaking, &table, &render, sample::NOW, &event).await.unwrap_err();
    assert_eq!((error.operation, error.kind), ("GetObject", StoreErrorKind::Transient));
    assert_eq!(bucket.bytes_read(), MemoryBody::CHUNK_BYTES as u64);
    assert_eq!(verified(&table, &upload).await.thumbnails, Thumbnails::Pending);
    let next = generate_thumbnails(&bucket, &table, &render, sample::NOW, &event).await.unwrap();
    assert_eq!(next, made(3));
}

#[tokio::test]
async fn what_failed_at_the_second_of_three_thumbnails_ends_with_all_three() {
    // The body, its chunks, its end, and one thumbnail.
    let calls_before = 1 + sample::PNG.len().div_ceil(MemoryBody::CHUNK_BYTES) + 1 + 1;
    for (has_effect, stored_at_first) in [(false, 2), (true, 3)] {
        let bucket = MemoryBucket::default();
        let (table, upload, event) = verified_as(sample::PNG.len() as u64, &bucket, sample::PNG);
        let failing = Failing::at(&bucket, calls_before, has_effect);
        let render = FakeRender::of(&THREE);
        let error = generate_thumbnails(&failing, &table, &render, sample::NOW, &event).await.unwrap_err();
        assert_eq!((error.operation, stored(&bucket).len()), ("PutObject", stored_at_first));
        assert_eq!(
            verified(&table, &upload).await.thumbnails,
            Thumbnails::Pending,
            "half of it was recorded"
        );
        let next = generate_thumbnails(&bucket, &table, &render, sample::NOW, &event).await.unwrap();
        assert_eq!(next, made(3));
        assert_eq!(stored(&bucket), recorded(&table, &upload).await);
    }
}

#[tokio::test]
async fn thumbnails_of_a_file_deleted_meanwhile_are_removed() {
    let (bucket, upload) = (MemoryBucket::default(), sample::pending());
    let table = MemoryTable::with([upload.clone()]);
    let event = arrives(&bucket, &upload, sample::PNG);
    let render = FakeRender::of(&THREE);
    let table = Meanwhile { table: &table, render: &render, state: Some(State::Deleted) };
    let outcome = generate_thumbnails(&bucket, &table, &render, sample::NOW, &event).await.unwrap();
    assert_eq!(outcome, Outcome::Gone);
    assert_eq!(bucket.keys(), [upload.key().to_string()]);
}

#[tokio::test]
async fn thumbnails_of_a_row_that_is_gone_are_removed() {
    let (bucket, upload) = (MemoryBucket::default(), sample::pending());
    let table = MemoryTable::with([upload.clone()]);
    let event = arrives(&bucket, &upload, sample::PNG);
    let render = FakeRender::of(&THREE);
    let table = Meanwhile { table: &table, render: &render, state: None };
    let outcome = generate_thumbnails(&bucket, &table, &render, sample::NOW, &event).await.unwrap();
    assert_eq!(outcome, Outcome::Gone);
    assert_eq!(stored(&bucket), [""; 0]);
}

#[tokio::test]
async fn of_two_runs_the_loser_leaves_only_what_the_winner_recorded() {
    // The winner was started with other variants: a small one as well, but as WebP.
    let winners = ["large.jpg", "small.webp"];
    let items = vec![
        sample::thumbnail("large", ThumbnailFormat::Jpeg),
        sample::thumbnail("small", ThumbnailFormat::Webp),
    ];
    for (thumbnails, left) in [
        (Thumbnails::Ready(items), winners.as_slice()),
        (Thumbnails::Failed("took_too_long".to_owned()), &[]),
    ] {
        let bucket = MemoryBucket::default();
        let (table, upload, event) = verified_as(sample::PNG.len() as u64, &bucket, sample::PNG);
        let before = verified(&table, &upload).await;
        for name in left {
            let (name, format) = match name.split_once('.').unwrap() {
                (name, "webp") => (name, ThumbnailFormat::Webp),
                (name, _) => (name, ThumbnailFormat::Jpeg),
            };
            let key = upload.thumbnail_key(ThumbnailName::parse(name).unwrap(), format);
            bucket.put_thumbnail(&key, b"the winner's".to_vec()).await.unwrap();
        }
        let render = FakeRender::of(&THREE);
        let state = State::Ready(Verified { thumbnails, ..before });
        let meanwhile = Meanwhile { table: &table, render: &render, state: Some(state) };
        let outcome = generate_thumbnails(&bucket, &meanwhile, &render, sample::NOW, &event).await.unwrap();
        assert_eq!((outcome, render.jobs()), (Outcome::NotNeeded, 1));
        let folder = format!("thumbnails/{}/{}", upload.owner, upload.id);
        let left: Vec<_> = left.iter().map(|name| format!("{folder}/{name}")).collect();
        assert_eq!(stored(&bucket), left);
    }
}

#[tokio::test]
async fn a_failure_that_loses_to_another_runs_success_changes_nothing() {
    let bucket = MemoryBucket::default();
    let (table, upload, event) = verified_as(sample::PNG.len() as u64, &bucket, sample::PNG);
    let before = verified(&table, &upload).await;
    let render = FakeRender::failing("took_too_long");
    let items = vec![sample::thumbnail("small", ThumbnailFormat::Jpeg)];
    let state = State::Ready(Verified { thumbnails: Thumbnails::Ready(items), ..before });
    let meanwhile = Meanwhile { table: &table, render: &render, state: Some(state) };
    let outcome = generate_thumbnails(&bucket, &meanwhile, &render, sample::NOW, &event).await.unwrap();
    assert_eq!((outcome, render.jobs()), (Outcome::NotNeeded, 1));
}

#[tokio::test]
async fn whichever_call_fails_the_next_event_finishes_the_work() {
    let mut failures = 0;
    for fails_at in 0..16 {
        for (fails_in_table, has_effect) in [(false, false), (false, true), (true, false), (true, true)] {
            let (bucket, upload) = (MemoryBucket::default(), sample::pending());
            let table = MemoryTable::with([upload.clone()]);
            let event = arrives(&bucket, &upload, sample::PNG);
            let failing_bucket = Failing::at(&bucket, if fails_in_table { 99 } else { fails_at }, has_effect);
            let failing_table = Failing::at(&table, if fails_in_table { fails_at } else { 99 }, has_effect);
            let render = FakeRender::of(&THREE);
            let first =
                generate_thumbnails(&failing_bucket, &failing_table, &render, sample::NOW, &event).await;
            assert_eq!(first.is_err(), failing_bucket.has_failed() || failing_table.has_failed());
            failures += usize::from(first.is_err());
            generate_thumbnails(&bucket, &table, &render, sample::NOW, &event).await.unwrap();
            assert_eq!(stored(&bucket), recorded(&table, &upload).await);
        }
    }
    // Of the bucket: the look, the tag, the body, its five chunks and its end, three thumbnails. Of the table: a read, two moves.
    assert_eq!(failures, 2 * (12 + 3));
}

/// A table in which every upload reads as somebody else left it, or not at all, once a rendering has begun.
struct Meanwhile<'a> {
    table: &'a MemoryTable,
    render: &'a FakeRender,
    state: Option<State>,
}

impl GetUpload for Meanwhile<'_> {
    async fn get_upload(&self, owner: Owner, id: UploadId) -> Result<Option<Upload>, StoreError> {
        let found = self.table.get_upload(owner, id).await?;
        if self.render.jobs() == 0 {
            return Ok(found);
        }
        Ok(found.and_then(|upload| self.state.clone().map(|state| Upload { state, ..upload })))
    }
}

impl UpdateUpload for Meanwhile<'_> {
    async fn update_upload(
        &self,
        upload: &Upload,
        transition: &Transition,
    ) -> Result<Option<Upload>, StoreError> {
        if self.render.jobs() == 0 {
            return self.table.update_upload(upload, transition).await;
        }
        let now = self.get_upload(upload.owner, upload.id).await?;
        Ok(now.and_then(|upload| upload.apply(transition)))
    }
}
