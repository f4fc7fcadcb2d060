//! What every implementation of the multipart ports must do. See [`super`].

use super::{LIFETIME, Send, Uploader};
use crate::key::CACHE_CONTROL;
use crate::parts::{MIN_PART_BYTES, PartNumber};
use crate::ports::{
    AbortMultipart, CompleteMultipart, Completion, CreateMultipart, HeadObject, ListParts, MultipartCall,
    PresignMultipart, PresignPart, PresignPut, SignedCall, SignedPut, StoredHeaders, StoredPart, WantedPart,
};
use crate::testing::sample::{self, crc64nvme};
use crate::upload::{Multipart, MultipartId, Transfer};
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

/// Runs every behaviour of the calls around parts that a client makes itself.
pub async fn own_multipart(
    bucket: &impl Multiparts,
    uploader: &Uploader<'_, impl PresignMultipart + PresignPart, impl Send>,
    fresh: impl Fn() -> Upload,
) {
    let fresh = || {
        let pending = sample::pending_multipart("");
        Upload { media_type: pending.media_type, transfer: Transfer::LooseParts(None), ..fresh() }
    };
    a_client_can_put_its_own_parts_together(bucket, uploader, fresh()).await;
    what_lies_under_the_key_is_not_replaced_by_a_client(bucket, uploader, fresh()).await;
    a_call_that_differs_from_its_grant_is_refused(bucket, uploader, fresh()).await;
}

impl<P: PresignMultipart + PresignPart, C: Send> Uploader<'_, P, C> {
    async fn sign_call(&self, upload: &Upload, call: MultipartCall) -> SignedCall {
        self.presigner
            .presign_multipart(&upload.key(), &call, self.now, LIFETIME)
            .await
            .expect("signing works")
    }

    async fn call(&self, method: &str, signed: &SignedCall, body: &str) -> (u16, String) {
        self.client.call(method, &signed.url, &signed.headers, body).await
    }

    async fn begin(&self, upload: &Upload) -> MultipartId {
        let signed = self.sign_call(upload, MultipartCall::Create).await;
        let (status, xml) = self.call("POST", &signed, "").await;
        assert_eq!(status, 200, "{xml}");
        let (_, rest) = xml.split_once("<UploadId>").expect("it has a name");
        MultipartId::parse(rest.split_once('<').expect("the name ends").0).expect("the name is one")
    }

    async fn send_loose(&self, upload: &Upload, id: &MultipartId, number: u64, bytes: &[u8]) {
        let number = PartNumber::new(number).unwrap();
        let part = WantedPart { number, size_bytes: None, crc64nvme: None };
        let signed = self.presigner.presign_part(&upload.key(), id, &part, self.now, LIFETIME).await.unwrap();
        assert_eq!(self.client.send(&signed.url, &signed.headers, bytes).await, 200);
    }
}

async fn a_client_can_put_its_own_parts_together(
    bucket: &impl Multiparts,
    uploader: &Uploader<'_, impl PresignMultipart + PresignPart, impl Send>,
    upload: Upload,
) {
    let id = uploader.begin(&upload).await;
    let first = vec![7; usize::try_from(MIN_PART_BYTES).unwrap()];
    uploader.send_loose(&upload, &id, 3, b"end").await;
    uploader.send_loose(&upload, &id, 1, &first).await;
    let page = bucket.list_parts(&upload.key(), &id, None).await.unwrap().unwrap();
    let sizes: Vec<_> = page.parts.iter().map(|part| (part.number.get(), part.size_bytes)).collect();
    assert_eq!(sizes, [(1, MIN_PART_BYTES), (3, 3)]);
    let list = uploader.sign_call(&upload, MultipartCall::List(id.clone())).await;
    assert_eq!(uploader.call("GET", &list, "").await.0, 200);
    let complete = uploader.sign_call(&upload, MultipartCall::Complete(id.clone())).await;
    let (status, answer) = uploader.call("POST", &complete, &xml(&page.parts)).await;
    assert_eq!(status, 200, "{answer}");
    let stored = bucket.head_object(&upload.key(), None, false).await.unwrap().expect("it is stored");
    assert_eq!(stored.size_bytes, MIN_PART_BYTES + 3);
    let headers = StoredHeaders {
        content_type: Some("video/mp4".to_owned()),
        cache_control: Some(CACHE_CONTROL.to_owned()),
        ..StoredHeaders::default()
    };
    assert_eq!(stored.headers, headers);
}

async fn what_lies_under_the_key_is_not_replaced_by_a_client(
    bucket: &impl Multiparts,
    uploader: &Uploader<'_, impl PresignMultipart + PresignPart, impl Send>,
    upload: Upload,
) {
    let mut answers = Vec::new();
    for bytes in [b"first", b"other"] {
        let id = uploader.begin(&upload).await;
        uploader.send_loose(&upload, &id, 1, bytes).await;
        let parts = bucket.list_parts(&upload.key(), &id, None).await.unwrap().unwrap().parts;
        let complete = uploader.sign_call(&upload, MultipartCall::Complete(id.clone())).await;
        answers.push(uploader.call("POST", &complete, &xml(&parts)).await.0);
    }
    assert_eq!(answers, [200, 412]);
    let stored = bucket.head_object(&upload.key(), None, false).await.unwrap().expect("it is stored");
    assert_eq!(stored.first_bytes, b"first");
}

async fn a_call_that_differs_from_its_grant_is_refused(
    bucket: &impl Multiparts,
    uploader: &Uploader<'_, impl PresignMultipart + PresignPart, impl Send>,
    upload: Upload,
) {
    let create = uploader.sign_call(&upload, MultipartCall::Create).await;
    for (name, _) in &create.headers {
        let mut headers = create.headers.clone();
        headers.retain(|(header, _)| header != name);
        let status = uploader.client.call("POST", &create.url, &headers, "").await.0;
        assert_eq!(status, 403, "without {name}");
    }
    let id = uploader.begin(&upload).await;
    uploader.send_loose(&upload, &id, 1, b"bytes").await;
    let parts = bucket.list_parts(&upload.key(), &id, None).await.unwrap().unwrap().parts;
    let complete = uploader.sign_call(&upload, MultipartCall::Complete(id.clone())).await;
    let bare = uploader.client.call("POST", &complete.url, &[], &xml(&parts)).await.0;
    assert_eq!(bare, 403, "without its precondition");
    let abort = uploader.sign_call(&upload, MultipartCall::Abort(id.clone())).await;
    assert_eq!(uploader.call("GET", &abort, "").await.0, 403, "another method");
    assert_eq!(uploader.call("DELETE", &abort, "").await.0, 204);
    assert_eq!(bucket.list_parts(&upload.key(), &id, None).await.unwrap(), None);
    assert_eq!(uploader.call("POST", &complete, &xml(&parts)).await.0, 404);
    assert_eq!(bucket.head_object(&upload.key(), None, false).await.unwrap(), None);
}

/// What a client sends to have its parts put together.
fn xml(parts: &[StoredPart]) -> String {
    let part = |part: &StoredPart| {
        let etag = part.etag.trim_matches('"');
        format!("<Part><PartNumber>{}</PartNumber><ETag>{etag}</ETag></Part>", part.number)
    };
    let parts: String = parts.iter().map(part).collect();
    format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>")
}

/// A multipart upload without any part yet.
async fn begun(bucket: &impl CreateMultipart, fresh: Upload) -> Upload {
    let pending = sample::pending_multipart("");
    let Multipart { parts, .. } = sample::multipart_of(&pending);
    let upload = Upload { media_type: MediaType::Mp4, size: pending.size, ..fresh };
    let id = bucket.create_multipart(&upload).await.unwrap();
    Upload { transfer: Transfer::Parts(Multipart { id, parts }), ..upload }
}

fn id(upload: &Upload) -> &MultipartId {
    upload.transfer.multipart_id().unwrap()
}

/// The bytes of all three parts.
fn file(upload: &Upload) -> Vec<Vec<u8>> {
    let parts = sample::multipart_of(upload).parts;
    let bytes = |number: PartNumber| {
        let size = usize::try_from(parts.size_of(number).unwrap()).unwrap();
        vec![number.get().to_be_bytes()[1]; size]
    };
    parts.numbers().map(bytes).collect()
}

fn wanted(upload: &Upload, number: u64) -> WantedPart {
    let number = PartNumber::new(number).unwrap();
    let size_bytes = sample::multipart_of(upload).parts.size_of(number);
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
    bucket.complete_multipart(&key, id(upload), parts, upload.size.most(), crc).await.unwrap()
}

async fn parts_become_one_object_with_a_checksum_over_it_all(
    bucket: &impl Multiparts,
    uploader: &Uploader<'_, impl PresignPart, impl Send>,
    upload: &Upload,
) {
    assert_eq!(list(bucket, upload).await, Some(vec![]));
    uploader.put_parts(upload).await;
    let parts = list(bucket, upload).await.unwrap();
    let known: Vec<_> =
        parts.iter().map(|part| (u64::from(part.number.get()), Some(part.size_bytes))).collect();
    let expected: Vec<_> = (1..=3).map(|number| (number, wanted(upload, number).size_bytes)).collect();
    assert_eq!(known, expected);
    let after = bucket.list_parts(&upload.key(), id(upload), PartNumber::new(2)).await.unwrap().unwrap();
    assert_eq!((after.parts.as_slice(), after.next), (&parts[2..], None));
    assert_eq!(bucket.head_object(&upload.key(), None, false).await.unwrap(), None);

    let whole = file(upload).concat();
    assert_eq!(complete(bucket, upload, &parts, &whole).await, Completion::Completed);
    let stored = bucket.head_object(&upload.key(), None, true).await.unwrap().expect("it is stored");
    assert_eq!(Some(stored.size_bytes), upload.size.exact());
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
    let parts = sample::multipart_of(upload).parts;
    let other = Upload { transfer: Transfer::Parts(Multipart { id: other, parts }), ..upload.clone() };
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
