//! What every implementation of the multipart ports must do. See [`super`].

use super::{LIFETIME, Send, Uploader};
use crate::key::CACHE_CONTROL;
use crate::parts::PartNumber;
use crate::ports::{
    AbortMultipart, CompleteMultipart, Completion, CreateMultipart, HeadObject, ListParts, PresignPart,
    PresignPut, SignedPut, StoredHeaders, StoredPart, WantedPart,
};
use crate::testing::sample::{self, crc64nvme};
use crate::upload::{Multipart, MultipartId};
use crate::{MediaType, Upload};

/// Every port of a multipart upload but signing, which needs no connection.
pub trait Multiparts: CreateMultipart + ListParts + CompleteMultipart + AbortMultipart + HeadObject {}
impl<T: CreateMultipart + ListParts + CompleteMultipart + AbortMultipart + HeadObject> Multiparts for T {}

/// Runs every behaviour of the multipart ports.
pub async fn multipart(
    bucket: &impl Multiparts,
    uploader: &Uploader<'_, impl PresignPut + PresignPart, impl Send>,
    fresh: impl Fn() -> Upload,
) {
    parts_become_one_object_with_a_checksum_over_it_all(bucket, uploader, &begun(bucket, fresh()).await)
        .await;
    a_part_that_differs_from_its_grant_is_refused(bucket, uploader, &begun(bucket, fresh()).await).await;
    nothing_is_put_together_of_other_parts_than_said(bucket, uploader, &begun(bucket, fresh()).await).await;
    what_lies_under_the_key_is_not_replaced(bucket, uploader, &begun(bucket, fresh()).await).await;
    an_aborted_upload_is_forgotten(bucket, uploader, &begun(bucket, fresh()).await).await;
}

/// A multipart upload without any part yet.
async fn begun(bucket: &impl CreateMultipart, fresh: Upload) -> Upload {
    let Upload { multipart, size_bytes, .. } = sample::pending_multipart("");
    let Multipart { parts, .. } = multipart.unwrap();
    let upload = Upload { media_type: MediaType::Mp4, size_bytes, ..fresh };
    let id = bucket.create_multipart(&upload).await.unwrap();
    Upload { multipart: Some(Multipart { id, parts }), ..upload }
}

fn id(upload: &Upload) -> &MultipartId {
    &upload.multipart.as_ref().unwrap().id
}

/// The bytes of all three parts.
fn file(upload: &Upload) -> Vec<Vec<u8>> {
    let parts = upload.multipart.as_ref().unwrap().parts;
    let bytes = |number: PartNumber| {
        let size = usize::try_from(parts.size_of(number).unwrap()).unwrap();
        vec![number.get().to_be_bytes()[1]; size]
    };
    parts.numbers().map(bytes).collect()
}

fn wanted(upload: &Upload, number: u64) -> WantedPart {
    let number = PartNumber::new(number).unwrap();
    let size_bytes = upload.multipart.as_ref().unwrap().parts.size_of(number).unwrap();
    WantedPart { number, size_bytes, crc64nvme: None }
}

impl<P: PresignPart, C: Send> Uploader<'_, P, C> {
    async fn sign_part(&self, upload: &Upload, part: &WantedPart) -> SignedPut {
        let (key, id) = (upload.key(), id(upload));
        self.presigner.presign_part(&key, id, part, self.now, LIFETIME).await.expect("signing works")
    }

    async fn put_part(&self, upload: &Upload, part: &WantedPart, bytes: &[u8]) -> u16 {
        let signed = self.sign_part(upload, part).await;
        self.client.send(&signed.url, &signed.headers, bytes).await
    }

    /// Sends all parts, the last one first.
    async fn put_parts(&self, upload: &Upload) {
        for (number, bytes) in (1..).zip(file(upload)).collect::<Vec<_>>().iter().rev() {
            assert_eq!(self.put_part(upload, &wanted(upload, *number), bytes).await, 200, "part {number}");
        }
    }
}

async fn list(bucket: &impl ListParts, upload: &Upload) -> Option<Vec<StoredPart>> {
    let mut parts = Vec::new();
    let mut after = None;
    loop {
        let page = bucket.list_parts(&upload.key(), id(upload), after).await.unwrap()?;
        parts.extend(page.parts);
        after = page.next;
        if after.is_none() {
            return Some(parts);
        }
    }
}

async fn complete(bucket: &impl Multiparts, upload: &Upload, parts: &[StoredPart], crc: &[u8]) -> Completion {
    let (key, crc) = (upload.key(), Some(crc64nvme(crc)));
    bucket.complete_multipart(&key, id(upload), parts, upload.size_bytes, crc).await.unwrap()
}

async fn parts_become_one_object_with_a_checksum_over_it_all(
    bucket: &impl Multiparts,
    uploader: &Uploader<'_, impl PresignPart, impl Send>,
    upload: &Upload,
) {
    assert_eq!(list(bucket, upload).await, Some(vec![]));
    uploader.put_parts(upload).await;
    let parts = list(bucket, upload).await.unwrap();
    let known: Vec<_> = parts.iter().map(|part| (u64::from(part.number.get()), part.size_bytes)).collect();
    let expected: Vec<_> = (1..=3).map(|number| (number, wanted(upload, number).size_bytes)).collect();
    assert_eq!(known, expected);
    let after = bucket.list_parts(&upload.key(), id(upload), PartNumber::new(2)).await.unwrap().unwrap();
    assert_eq!((after.parts.as_slice(), after.next), (&parts[2..], None));
    assert_eq!(bucket.head_object(&upload.key(), None, false).await.unwrap(), None);

    let whole = file(upload).concat();
    assert_eq!(complete(bucket, upload, &parts, &whole).await, Completion::Completed);
    let stored = bucket.head_object(&upload.key(), None, true).await.unwrap().expect("it is stored");
    assert_eq!(stored.size_bytes, upload.size_bytes);
    assert_eq!(stored.first_bytes, whole[..512]);
    let headers = StoredHeaders {
        content_type: Some("video/mp4".to_owned()),
        cache_control: Some(CACHE_CONTROL.to_owned()),
        ..StoredHeaders::default()
    };
    assert_eq!(stored.headers, headers);
    assert_eq!(stored.crc64nvme, Some(crc64nvme(&whole)));
    // The answer was lost, so it is asked again.
    let again = complete(bucket, upload, &parts, &whole).await;
    assert!(matches!(again, Completion::Gone | Completion::Exists | Completion::Completed), "{again:?}");
    let version = bucket.head_object(&upload.key(), None, false).await.unwrap().map(|object| object.version);
    assert_eq!(version, Some(stored.version), "it was put together twice");
}

async fn a_part_that_differs_from_its_grant_is_refused(
    bucket: &impl Multiparts,
    uploader: &Uploader<'_, impl PresignPart, impl Send>,
    upload: &Upload,
) {
    let bytes = file(upload).concat();
    let last = wanted(upload, 3);
    for body in [&bytes[..0], &bytes[..2]] {
        let status = uploader.put_part(upload, &last, body).await;
        assert_eq!(status, 403, "{} bytes", body.len());
    }
    let bound = WantedPart { crc64nvme: Some(crc64nvme(b"x")), ..last };
    assert_eq!(uploader.put_part(upload, &bound, b"y").await, 400);
    let signed = uploader.sign_part(upload, &bound).await;
    assert_eq!(uploader.client.send(&signed.url, &[], b"x").await, 403, "without its checksum");
    assert_eq!(list(bucket, upload).await, Some(vec![]));
    assert_eq!(uploader.put_part(upload, &bound, b"x").await, 200);
    bucket.abort_multipart(&upload.key(), id(upload)).await.unwrap();
}

async fn nothing_is_put_together_of_other_parts_than_said(
    bucket: &impl Multiparts,
    uploader: &Uploader<'_, impl PresignPart, impl Send>,
    upload: &Upload,
) {
    uploader.put_parts(upload).await;
    let parts = list(bucket, upload).await.unwrap();
    let whole = file(upload).concat();
    assert_eq!(complete(bucket, upload, &parts, b"something else").await, Completion::Mismatch);
    assert_eq!(uploader.put_part(upload, &wanted(upload, 3), b"z").await, 200);
    match complete(bucket, upload, &parts, &whole).await {
        Completion::Mismatch => {}
        // SeaweedFS keeps a part that was replaced, and takes the one that is named: what it puts together is what was said.
        Completion::Completed => {
            let stored = bucket.head_object(&upload.key(), None, true).await.unwrap().expect("it is stored");
            assert_eq!(stored.crc64nvme, Some(crc64nvme(&whole)));
            return;
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(bucket.head_object(&upload.key(), None, false).await.unwrap(), None);
    // Nothing was lost by it.
    uploader.put_parts(upload).await;
    let parts = list(bucket, upload).await.unwrap();
    assert_eq!(complete(bucket, upload, &parts, &whole).await, Completion::Completed);
}

async fn what_lies_under_the_key_is_not_replaced(
    bucket: &impl Multiparts,
    uploader: &Uploader<'_, impl PresignPart, impl Send>,
    upload: &Upload,
) {
    let other = bucket.create_multipart(upload).await.unwrap();
    let parts = upload.multipart.as_ref().unwrap().parts;
    let other = Upload { multipart: Some(Multipart { id: other, parts }), ..upload.clone() };
    let whole = file(upload).concat();
    let mut answers = Vec::new();
    for each in [upload, &other] {
        uploader.put_parts(each).await;
        let parts = list(bucket, each).await.unwrap();
        answers.push(complete(bucket, each, &parts, &whole).await);
    }
    assert_eq!(answers, [Completion::Completed, Completion::Exists]);
    bucket.abort_multipart(&other.key(), id(&other)).await.unwrap();
}

async fn an_aborted_upload_is_forgotten(
    bucket: &impl Multiparts,
    uploader: &Uploader<'_, impl PresignPart, impl Send>,
    upload: &Upload,
) {
    uploader.put_parts(upload).await;
    let parts = list(bucket, upload).await.unwrap();
    for _ in 0..2 {
        bucket.abort_multipart(&upload.key(), id(upload)).await.unwrap();
    }
    assert_eq!(list(bucket, upload).await, None);
    assert_eq!(uploader.put_part(upload, &wanted(upload, 3), b"x").await, 404);
    let whole = file(upload).concat();
    assert_eq!(complete(bucket, upload, &parts, &whole).await, Completion::Gone);
    assert_eq!(bucket.head_object(&upload.key(), None, false).await.unwrap(), None);
}
