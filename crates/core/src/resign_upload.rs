//! Signs the PUT of a pending upload again: the URL's lifetime, or the credentials that signed it, can end before the
//! grant does. It never changes the upload.

use crate::error::Error;
use crate::issue_upload::{Grant, Signed};
use crate::policy::Policy;
use crate::ports::{GetUpload, PresignPut, SignedPut};
use crate::upload::{State, Transfer};
use crate::{Owner, Upload, UploadId};
use std::time::Duration;
use time::OffsetDateTime;

/// Said of an upload that was granted by the routes for Uppy, wherever its grant is asked for again.
pub(crate) const OTHER_CLIENT: &str = "this file goes up by the routes for Uppy; sign it there";

/// Signs exactly what was granted, once more. The parts of a multipart upload are signed by [`crate::sign_parts()`].
pub async fn resign_upload(
    objects: &impl PresignPut,
    uploads: &impl GetUpload,
    policy: &Policy,
    now: OffsetDateTime,
    owner: Owner,
    id: UploadId,
) -> Result<Grant, Error> {
    let upload = uploads.get_upload(owner, id).await?.ok_or(Error::NotFound)?;
    let upload = upload.seen_at(now);
    still_pending(&upload)?;
    match upload.transfer {
        Transfer::Put => {
            let request = sign(objects, policy, &upload, now).await?;
            Ok(Grant { upload, request: Some(Signed::Put(request)) })
        }
        Transfer::Parts(_) => Err(Error::OtherWay("this file goes up in parts; sign them at …/parts")),
        Transfer::Form | Transfer::LooseParts(_) => Err(Error::OtherWay(OTHER_CLIENT)),
    }
}

/// Whether there is still something to sign of an upload as it is seen now, or why not.
pub(crate) fn still_pending(upload: &Upload) -> Result<(), Error> {
    match &upload.state {
        State::Pending => Ok(()),
        State::Expired => Err(Error::UploadExpired),
        State::Ready(_) | State::Rejected(_) | State::Cancelled | State::Deleted => {
            Err(Error::InvalidState(upload.state.as_str()))
        }
    }
}

/// Signs a pending upload's PUT for as long as a URL may live, and never beyond the end of its grant: what arrives in time for
/// S3 is in time for us.
pub(crate) async fn sign(
    objects: &impl PresignPut,
    policy: &Policy,
    upload: &Upload,
    now: OffsetDateTime,
) -> Result<SignedPut, Error> {
    let lifetime = url_lifetime(policy, upload, now)?;
    Ok(objects.presign_put(upload, now, lifetime).await?)
}

/// How long a URL that is signed now may live.
pub(crate) fn url_lifetime(policy: &Policy, upload: &Upload, now: OffsetDateTime) -> Result<Duration, Error> {
    let left = Duration::try_from(upload.expires_at - now).unwrap_or_default();
    let lifetime = policy.url_lifetime.min(left);
    // A signature lives for whole seconds.
    let lifetime = Duration::from_secs(lifetime.as_secs());
    if lifetime.is_zero() { Err(Error::UploadExpired) } else { Ok(lifetime) }
}
