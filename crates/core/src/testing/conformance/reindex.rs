//! What the ports of `valet reindex` must do. Servers may be shared: what others have stored there is passed over.

use super::{Bucket, Send, Table, Uploader};
use crate::Upload;
use crate::ports::{GetTags, IdempotencyRecord, PresignPut, RestoreUpload, ScanUploads, Tags};
use crate::testing::{PutUpload, sample};
use crate::upload::Transition;
use std::collections::BTreeMap;

/// Runs every behaviour of the S3 port.
pub async fn bucket(
    bucket: &(impl Bucket + GetTags),
    uploader: &Uploader<'_, impl PresignPut, impl Send>,
    fresh: impl Fn() -> Upload,
) {
    tags_say_whether_a_version_is_verified(bucket, uploader, fresh()).await;
}

/// Runs every behaviour of the `DynamoDB` ports.
pub async fn table(table: &(impl Table + ScanUploads + RestoreUpload), fresh: impl Fn() -> Upload) {
    every_upload_is_scanned_page_by_page(table, &fresh).await;
    a_row_is_put_back_where_there_is_none(table, &fresh).await;
}

async fn tags_say_whether_a_version_is_verified(
    bucket: &(impl Bucket + GetTags),
    uploader: &Uploader<'_, impl PresignPut, impl Send>,
    upload: Upload,
) {
    let key = upload.key();
    assert_eq!(uploader.put(&upload).await.1, 200);
    let version = bucket.head_object(&key, None, false).await.unwrap().expect("it is stored").version;
    assert_eq!(bucket.get_tags(&key, &version).await.unwrap(), Some(Tags::default()));
    assert!(bucket.tag_verified(&key, &version).await.unwrap());
    let verified = Tags { is_verified: true, is_clean: false };
    assert_eq!(bucket.get_tags(&key, &version).await.unwrap(), Some(verified));
    bucket.delete_version(&key, &version).await.unwrap();
    assert_eq!(bucket.get_tags(&key, &version).await.unwrap(), None);
}

async fn every_upload_is_scanned_page_by_page(
    table: &(impl Table + ScanUploads),
    fresh: &impl Fn() -> Upload,
) {
    let mut ours = BTreeMap::new();
    for state in sample::states() {
        let upload = fresh().in_state(state);
        // An item that is no upload stands between them.
        let record = IdempotencyRecord {
            key_hash: format!("{:064x}", ours.len()),
            fingerprint: upload.id.to_string(),
            upload_id: upload.id,
            expires_at: upload.created_at,
        };
        table.put_upload(&upload, Some(&record)).await.unwrap();
        ours.insert(upload.id, upload);
    }
    // Small enough for several pages, and large enough for a table that others have filled.
    for items in [20, 1000] {
        let (mut seen, mut place) = (BTreeMap::new(), None);
        loop {
            let page = table.scan_uploads(place.as_ref(), items).await.unwrap();
            assert!(page.uploads.len() <= items.into(), "a page of {}", page.uploads.len());
            for upload in page.uploads.into_iter().filter(|upload| ours.contains_key(&upload.id)) {
                assert_eq!(seen.insert(upload.id, upload), None, "one comes twice");
            }
            place = page.next;
            if place.is_none() {
                break;
            }
        }
        assert!(seen == ours, "{items} at once: {} of {}", seen.len(), ours.len());
    }
}

async fn a_row_is_put_back_where_there_is_none(
    table: &(impl Table + RestoreUpload),
    fresh: &impl Fn() -> Upload,
) {
    for state in sample::states() {
        let upload = fresh().in_state(state);
        assert!(table.restore_upload(&upload).await.unwrap(), "{:?}", upload.state);
        assert_eq!(table.get_upload(upload.owner, upload.id).await.unwrap(), Some(upload.clone()));
        let other = upload.in_state(crate::upload::State::Cancelled);
        assert!(!table.restore_upload(&other).await.unwrap(), "{:?}", upload.state);
        assert_eq!(table.get_upload(upload.owner, upload.id).await.unwrap(), Some(upload));
    }
    let upload = fresh();
    table.put_upload(&upload, None).await.unwrap();
    let cancelled = table.update_upload(&upload, &Transition::Cancel).await.unwrap();
    assert!(!table.restore_upload(&upload).await.unwrap());
    assert_eq!(table.get_upload(upload.owner, upload.id).await.unwrap(), cancelled);
}
