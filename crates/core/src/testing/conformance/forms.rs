//! What every signer of forms must do. See [`super`].

use super::{Bucket, LIFETIME, Send, Uploader};
use crate::Upload;
use crate::key::CACHE_CONTROL;
use crate::ports::{PresignPost, SignedForm, StoredHeaders};
use crate::testing::sample::{self, PNG};
use crate::upload::{Size, Transfer};

/// Runs every behaviour of signed forms.
pub async fn forms(
    bucket: &impl Bucket,
    uploader: &Uploader<'_, impl PresignPost, impl Send>,
    fresh: impl Fn() -> Upload,
) {
    let fresh = |size| Upload { transfer: Transfer::Form, size, ..fresh() };
    let size = PNG.len() as u64;
    a_form_is_stored_as_granted(bucket, uploader, fresh(Size::AtMost(1 << 20))).await;
    a_form_is_stored_as_granted(bucket, uploader, fresh(Size::Exact(size))).await;
    a_file_of_another_size_is_refused(bucket, uploader, fresh(Size::AtMost(size - 1)), &[PNG, b""]).await;
    let others = [&PNG[1..], &[PNG, b"x"].concat(), b""];
    a_file_of_another_size_is_refused(bucket, uploader, fresh(Size::Exact(size)), &others).await;
    a_form_that_differs_from_its_grant_is_refused(bucket, uploader, fresh(Size::AtMost(size))).await;
}

impl<P: PresignPost, C: Send> Uploader<'_, P, C> {
    async fn sign_form(&self, upload: &Upload) -> SignedForm {
        self.presigner.presign_post(upload, self.now, LIFETIME).await.expect("signing works")
    }
}

async fn a_form_is_stored_as_granted(
    bucket: &impl Bucket,
    uploader: &Uploader<'_, impl PresignPost, impl Send>,
    upload: Upload,
) {
    let form = uploader.sign_form(&upload).await;
    assert!(form.expires_at <= uploader.now + LIFETIME);
    assert_eq!(uploader.client.form(&form.url, &form.fields, PNG).await, 201);
    let stored = bucket.head_object(&upload.key(), None, false).await.unwrap().expect("it is stored");
    assert_eq!((stored.size_bytes, stored.first_bytes.as_slice()), (PNG.len() as u64, PNG));
    let headers = StoredHeaders {
        content_type: Some("image/png".to_owned()),
        cache_control: Some(CACHE_CONTROL.to_owned()),
        ..StoredHeaders::default()
    };
    assert_eq!(stored.headers, headers);
    // A form carries no precondition: sent again, it is another version.
    assert_eq!(uploader.client.form(&form.url, &form.fields, PNG).await, 201);
    let again = bucket.head_object(&upload.key(), None, false).await.unwrap().expect("it is stored");
    assert_ne!(again.version, stored.version);
    assert!(bucket.head_object(&upload.key(), Some(&stored.version), false).await.unwrap().is_some());
}

async fn a_file_of_another_size_is_refused(
    bucket: &impl Bucket,
    uploader: &Uploader<'_, impl PresignPost, impl Send>,
    upload: Upload,
    files: &[&[u8]],
) {
    let form = uploader.sign_form(&upload).await;
    for file in files {
        let status = uploader.client.form(&form.url, &form.fields, file).await;
        assert_eq!(status, 400, "{} bytes for {:?}", file.len(), upload.size);
    }
    assert_eq!(bucket.head_object(&upload.key(), None, false).await.unwrap(), None, "something was stored");
}

async fn a_form_that_differs_from_its_grant_is_refused(
    bucket: &impl Bucket,
    uploader: &Uploader<'_, impl PresignPost, impl Send>,
    upload: Upload,
) {
    let form = uploader.sign_form(&upload).await;
    let key = upload.key().to_string();
    let other = key.replace(&upload.id.to_string(), &sample::id().to_string());
    let strict = key.replace("uploads/open/", "uploads/");
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut changes = vec![
        field("key", &other),
        field("key", &strict),
        field("Content-Type", "text/html"),
        field("Cache-Control", "no-store"),
    ];
    changes.extend([field("x-amz-meta-a", "b"), field("Content-Disposition", "inline")]);
    for (name, value) in changes {
        let mut fields = form.fields.clone();
        fields.retain(|(field, _)| *field != name);
        fields.insert(0, (name.clone(), value.clone()));
        let status = uploader.client.form(&form.url, &fields, PNG).await;
        if status == 201 && name == "Content-Disposition" {
            // SeaweedFS (4.48) takes a field that the policy does not name. Where it stores it, settling finds other headers than granted.
            let stored = bucket.head_object(&upload.key(), None, false).await.unwrap().expect("it is stored");
            bucket.delete_version(&upload.key(), &stored.version).await.unwrap();
            continue;
        }
        assert!([400, 403].contains(&status), "{name}={value}: {status}");
    }
    for (name, _) in &form.fields {
        let mut fields = form.fields.clone();
        fields.retain(|(field, _)| field != name);
        let status = uploader.client.form(&form.url, &fields, PNG).await;
        assert!([400, 403].contains(&status), "without {name}: {status}");
    }
    assert_eq!(bucket.head_object(&upload.key(), None, false).await.unwrap(), None, "something was stored");
}
