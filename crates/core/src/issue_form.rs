//! Issues a grant for one POST of a form: for clients that cannot say the size, which a PUT must have signed and a form's policy can bound.

use crate::announced::Announced;
use crate::error::Error;
use crate::policy::Policy;
use crate::ports::{GetUsage, PresignPost, PutUploads, SignedForm};
use crate::record_uploads::record_upload;
use crate::resign_upload::url_lifetime;
use crate::upload::{Size, Transfer};
use crate::{Owner, Upload, UploadId};
use time::OffsetDateTime;

/// The largest file that one POST can carry: 5 GiB.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html>
pub const MAX_FORM_BYTES: u64 = 5 << 30;

/// Signs a form for exactly this upload and records it as pending. What arrives is settled on S3's word, as its client has nobody to tell.
pub async fn issue_form(
    objects: &impl PresignPost,
    uploads: &(impl PutUploads + GetUsage),
    policy: &Policy,
    now: OffsetDateTime,
    owner: Owner,
    id: UploadId,
    announced: &Announced,
) -> Result<(Upload, SignedForm), Error> {
    let mut upload = announced.upload(policy, now, policy.grant_lifetime, owner, id, Transfer::Form)?;
    upload.size = match upload.size {
        Size::Exact(bytes) if bytes > MAX_FORM_BYTES => {
            return Err(Error::OtherWay("one request carries at most 5 GiB; send the file in parts"));
        }
        Size::Exact(bytes) => Size::Exact(bytes),
        Size::AtMost(most) => Size::AtMost(most.min(MAX_FORM_BYTES)),
    };
    let lifetime = url_lifetime(policy, &upload, upload.created_at)?;
    let form = objects.presign_post(&upload, now, lifetime).await?;
    record_upload(uploads, policy.quota, upload.created_at, None, &upload).await?;
    Ok((upload, form))
}
