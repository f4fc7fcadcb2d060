//! Signs the PUT of a pending upload again: the URL's lifetime, or the credentials that signed it, can end before the
//! grant does. It never changes the upload.

use crate::error::Error;
use crate::issue_upload::Grant;
use crate::policy::Policy;
use crate::ports::{GetUpload, PresignPut};
use crate::upload::State;
use crate::{Owner, UploadId};
use time::OffsetDateTime;

/// Signs exactly what was granted, once more.
pub async fn resign_upload(
    objects: &impl PresignPut,
    uploads: &impl GetUpload,
    policy: &Policy,
    now: OffsetDateTime,
    owner: Owner,
    id: UploadId,
) -> Result<Grant, Error> {
    let upload = uploads.get_upload(owner, id).await?.ok_or(Error::NotFound)?;
    if upload.has_expired(now) {
        return Err(Error::UploadExpired);
    }
    if upload.state != State::Pending {
        return Err(Error::InvalidState(upload.state.as_str()));
    }
    let request = objects.presign_put(&upload, now, policy.url_lifetime).await?;
    Ok(Grant { upload, request: Some(request) })
}
