//! What the sweep's ports must do. Servers may be shared: what others have stored there is passed over.

use super::{Bucket, Send, Table, Uploader};
use crate::Upload;
use crate::key::ThumbnailFormat;
use crate::ports::{
    AbortMultipart, CreateMultipart, Due, DueShard, GetCursor, ListDue, ListDueUsage, ListMultiparts,
    ListObjectVersions, ListedVersion, OpenMultipart, Place, PresignPut, PutCursor, Under, VersionsPage,
    Walk,
};
use crate::testing::{PutUpload, sample};
use crate::upload::{State, Transition};
use time::{Duration, OffsetDateTime};

/// Runs every behaviour of the sweep's S3 ports.
pub async fn bucket(
    bucket: &(impl Bucket + ListObjectVersions + ListMultiparts + CreateMultipart + AbortMultipart),
    uploader: &Uploader<'_, impl PresignPut, impl Send>,
    fresh: impl Fn() -> Upload,
) {
    a_files_versions_are_listed(bucket, uploader, fresh()).await;
    a_list_goes_on_behind_any_place(bucket, uploader, &fresh).await;
    what_was_replaced_is_listed_behind_what_replaced_it(bucket, fresh()).await;
    open_multipart_uploads_are_listed_until_they_are_aborted(bucket, uploader.now, &fresh, 1000).await;
}

/// Runs what a server must do that has more open multipart uploads than a page holds.
pub async fn pages_of_multiparts(
    bucket: &(impl ListMultiparts + CreateMultipart + AbortMultipart),
    now: OffsetDateTime,
    fresh: impl Fn() -> Upload,
) {
    open_multipart_uploads_are_listed_until_they_are_aborted(bucket, now, &fresh, 2).await;
}

/// Runs every behaviour of the sweep's `DynamoDB` ports; both are views of one table.
pub async fn table(
    table: &impl Table,
    index: &(impl ListDue + ListDueUsage + GetCursor + PutCursor),
    fresh: impl Fn() -> Upload,
) {
    what_is_due_is_listed_by_time_and_what_is_not_is_not(table, index, &fresh).await;
    a_shard_is_read_page_by_page(table, index, &fresh).await;
    a_cursor_is_kept_until_it_is_put_back(index).await;
    super::usage::counters_are_due_a_day_after_their_first_change(table, index, &fresh).await;
}

async fn a_files_versions_are_listed(
    bucket: &(impl Bucket + ListObjectVersions),
    uploader: &Uploader<'_, impl PresignPut, impl Send>,
    upload: Upload,
) {
    let file = Under::File(upload.key());
    assert_eq!(bucket.list_object_versions(&file, None, 1000).await.unwrap(), VersionsPage::default());
    assert_eq!(uploader.put(&upload).await.1, 200);
    let version =
        bucket.head_object(&upload.key(), None, false).await.unwrap().expect("it is stored").version;
    let page = bucket.list_object_versions(&file, None, 1000).await.unwrap();
    let [listed] = page.versions.as_slice() else { panic!("{page:?}") };
    assert_eq!((&listed.version, listed.is_latest), (&version, true));
    assert_eq!((listed.key.clone(), page.next), (upload.key().to_string(), None));
    assert!((listed.stored_at - uploader.now).abs() < Duration::HOUR, "{}", listed.stored_at);
    bucket.delete_version(&upload.key(), &version).await.unwrap();
    assert_eq!(bucket.list_object_versions(&file, None, 1000).await.unwrap(), VersionsPage::default());
}

async fn a_list_goes_on_behind_any_place(
    bucket: &(impl Bucket + ListObjectVersions),
    uploader: &Uploader<'_, impl PresignPut, impl Send>,
    fresh: &impl Fn() -> Upload,
) {
    let uploads = [fresh(), fresh(), fresh()];
    for upload in &uploads {
        assert_eq!(uploader.put(upload).await.1, 200);
    }
    let mut keys = uploads.each_ref().map(|upload| upload.key().to_string());
    keys.sort();
    let all = everything(bucket, &Under::Uploads).await;
    assert!(all.iter().is_sorted_by(|one, other| one.key <= other.key));
    let ours: Vec<_> = all.into_iter().filter(|listed| keys.contains(&listed.key)).collect();
    assert_eq!(ours.iter().map(|listed| &listed.key).collect::<Vec<_>>(), keys.iter().collect::<Vec<_>>());
    // Removed between two pages, as a walk does it.
    let first = &ours[0];
    let upload = uploads.iter().find(|upload| upload.key().to_string() == first.key).expect("it is ours");
    bucket.delete_version(&upload.key(), &first.version).await.unwrap();
    let place = Place { key: first.key.clone(), id: first.version.as_str().to_owned() };
    let page = bucket.list_object_versions(&Under::Uploads, Some(&place), 1).await.unwrap();
    assert!(page.versions[0].key > first.key && page.versions[0].key <= keys[1], "{page:?}");
}

async fn everything(bucket: &impl ListObjectVersions, under: &Under) -> Vec<ListedVersion> {
    let (mut all, mut place) = (Vec::new(), None);
    loop {
        let page = bucket.list_object_versions(under, place.as_ref(), 2).await.unwrap();
        assert!(page.versions.len() <= 2, "a page of {}", page.versions.len());
        all.extend(page.versions);
        place = page.next;
        if place.is_none() {
            return all;
        }
    }
}

async fn what_was_replaced_is_listed_behind_what_replaced_it(
    bucket: &(impl Bucket + ListObjectVersions),
    upload: Upload,
) {
    let own = upload.thumbnail_prefix().to_string();
    let listed_here = async || {
        let all = everything(bucket, &Under::Thumbnails).await;
        all.into_iter().filter(|listed| listed.key.starts_with(&own)).collect::<Vec<_>>()
    };
    let key = |name| {
        upload.thumbnail_key(sample::thumbnail(name, ThumbnailFormat::Jpeg).name, ThumbnailFormat::Jpeg)
    };
    let (large, small) = (key("large"), key("small"));
    for (key, bytes) in [(&large, b"one"), (&large, b"two"), (&small, b"one")] {
        bucket.put_thumbnail(key, bytes.to_vec()).await.unwrap();
    }
    let listed = listed_here().await;
    let seen: Vec<_> = listed.iter().map(|listed| (listed.key.clone(), listed.is_latest)).collect();
    let (large_text, small_text) = (large.to_string(), small.to_string());
    assert_eq!(seen, [(large_text.clone(), true), (large_text, false), (small_text.clone(), true)]);
    bucket.delete_thumbnail(&large).await.unwrap();
    let left = listed_here().await;
    let latest: Vec<_> = left.iter().filter(|listed| listed.is_latest).map(|listed| &listed.key).collect();
    assert_eq!(latest, [&small_text], "what is hidden counts as there");
    bucket.delete_thumbnail(&small).await.unwrap();
}

async fn open_multipart_uploads_are_listed_until_they_are_aborted(
    bucket: &(impl ListMultiparts + CreateMultipart + AbortMultipart),
    now: OffsetDateTime,
    fresh: &impl Fn() -> Upload,
    limit: u16,
) {
    let mut begun = Vec::new();
    for upload in [fresh(), fresh(), fresh()] {
        let id = bucket.create_multipart(&upload).await.unwrap();
        begun.push((upload.key(), id));
    }
    begun.sort_by_key(|(key, _)| key.to_string());
    let ours = |open: &OpenMultipart| begun.iter().any(|(key, _)| key.to_string() == open.key);
    let mut listed = every_multipart(bucket, limit).await;
    listed.retain(ours);
    listed.sort_by_key(|open| open.key.clone());
    let seen: Vec<_> = listed.iter().map(|open| (open.key.clone(), open.id.clone())).collect();
    let expected: Vec<_> = begun.iter().map(|(key, id)| (key.to_string(), id.clone())).collect();
    assert!(seen == expected, "{listed:?}");
    assert!(listed.iter().all(|open| (open.begun_at - now).abs() < Duration::HOUR));
    for (key, id) in &begun {
        bucket.abort_multipart(key, id).await.unwrap();
    }
    assert!(!every_multipart(bucket, limit).await.iter().any(ours), "aborted ones are listed");
    let place = Place { key: seen[0].0.clone(), id: seen[0].1.as_str().to_owned() };
    bucket.list_multiparts(Some(&place), 1).await.expect("a place may be gone");
}

async fn every_multipart(bucket: &impl ListMultiparts, limit: u16) -> Vec<OpenMultipart> {
    let (mut all, mut place) = (Vec::new(), None);
    loop {
        let page = bucket.list_multiparts(place.as_ref(), limit).await.unwrap();
        assert!(page.multiparts.len() <= limit.into(), "a page of {}", page.multiparts.len());
        all.extend(page.multiparts);
        place = page.next;
        if place.is_none() {
            return all;
        }
    }
}

async fn what_is_due_is_listed_by_time_and_what_is_not_is_not(
    table: &impl Table,
    index: &impl ListDue,
    fresh: &impl Fn() -> Upload,
) {
    for state in sample::states() {
        let upload = fresh().in_state(state);
        table.put_upload(&upload, None).await.unwrap();
        let Some(due_at) = upload.due_at else {
            let far = upload.expires_at + Duration::weeks(1000);
            assert_eq!(listed(index, &upload, far).await, None, "{:?}", upload.state);
            continue;
        };
        let due = Due { owner: upload.owner, id: upload.id, due_at };
        assert_eq!(listed(index, &upload, due_at).await, Some(due), "{:?}", upload.state);
        assert_eq!(listed(index, &upload, due_at - Duration::MILLISECOND).await, None, "{:?}", upload.state);
        let looked = Transition::Looked { due_at, next: None };
        table.update_upload(&upload, &looked).await.unwrap().expect("nobody moved it");
        assert_eq!(listed(index, &upload, due_at).await, None, "{:?}", upload.state);
    }
    let upload = fresh();
    table.put_upload(&upload, None).await.unwrap();
    let cancelled = table.update_upload(&upload, &Transition::Cancel).await.unwrap().unwrap();
    let due_at = cancelled.due_at.expect("a tombstone is due");
    assert_eq!(listed(index, &upload, due_at - Duration::MILLISECOND).await, None);
    assert!(listed(index, &upload, due_at).await.is_some());
    // An older row: without anything of the sweep's.
    let old = Upload { due_at: None, ..fresh() };
    assert_eq!(old.state, State::Pending);
    table.put_upload(&old, None).await.unwrap();
    assert_eq!(listed(index, &old, old.expires_at + Duration::DAY).await, None);
    table.update_upload(&old, &Transition::Cancel).await.unwrap().unwrap();
    assert!(listed(index, &old, due_at).await.is_some());
}

async fn listed(index: &impl ListDue, upload: &Upload, until: OffsetDateTime) -> Option<Due> {
    let mut after = None;
    loop {
        let page = index.list_due(DueShard::of(upload.id), until, after.as_ref(), 1000).await.unwrap();
        if let Some(due) = page.due.into_iter().find(|due| due.id == upload.id) {
            return Some(due);
        }
        after = Some(page.next?);
    }
}

async fn a_shard_is_read_page_by_page(table: &impl Table, index: &impl ListDue, fresh: &impl Fn() -> Upload) {
    let first = fresh();
    let shard = DueShard::of(first.id);
    let others = std::iter::repeat_with(fresh).filter(|upload| DueShard::of(upload.id) == shard);
    let mut ids = Vec::new();
    // Two of them at the same time, and the last one first.
    for (upload, milliseconds) in [first].into_iter().chain(others).zip([0, 1, 2, 2]) {
        let earlier = Duration::days(1000) + Duration::milliseconds(milliseconds);
        table
            .put_upload(&Upload { due_at: Some(sample::NOW - earlier), ..upload.clone() }, None)
            .await
            .unwrap();
        ids.push(upload.id);
    }
    let (mut seen, mut after): (Vec<Due>, _) = (Vec::new(), None);
    loop {
        let page =
            index.list_due(shard, sample::NOW - Duration::days(1000), after.as_ref(), 1).await.unwrap();
        assert!(page.due.len() <= 1, "{page:?}");
        seen.extend(page.due);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert!(seen.iter().is_sorted_by_key(|due| due.due_at), "{seen:?}");
    let mut ours: Vec<_> = seen.iter().map(|due| due.id).filter(|id| ids.contains(id)).collect();
    assert_eq!((ours.len(), ours.last()), (4, ids.first()), "{seen:?}");
    ours.sort();
    ours.dedup();
    assert_eq!(ours.len(), 4, "one comes twice");
}

async fn a_cursor_is_kept_until_it_is_put_back(index: &(impl GetCursor + PutCursor)) {
    for walk in [Walk::Uploads, Walk::Thumbnails, Walk::Multiparts] {
        index.put_cursor(walk, None).await.unwrap();
        assert_eq!(index.get_cursor(walk).await.unwrap(), None);
    }
    let place = |id: &str| Place { key: "uploads/a b+\u{fc}.jpg".to_owned(), id: id.to_owned() };
    for place in [place("one"), place("3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY")] {
        index.put_cursor(Walk::Uploads, Some(&place)).await.unwrap();
        assert!(index.get_cursor(Walk::Uploads).await.unwrap() == Some(place));
        assert_eq!(index.get_cursor(Walk::Multiparts).await.unwrap(), None);
    }
    index.put_cursor(Walk::Uploads, None).await.unwrap();
    assert_eq!(index.get_cursor(Walk::Uploads).await.unwrap(), None);
}
