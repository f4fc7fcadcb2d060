//! Takes a grant back. The tombstone comes first: what has arrived is removed after it, and what still arrives meets it.

use crate::error::Error;
use crate::ports::{AbortMultipart, DeleteVersion, GetUpload, HeadObject, UpdateUpload};
use crate::settle::remove_foreign;
use crate::upload::{State, Transition};
use crate::{Owner, Upload, UploadId};

/// A pending upload can change once before it ends: when its multipart upload is named.
const TRIES: usize = 2;

/// Cancels a pending upload and removes what has arrived. Repeating it, or cancelling one that ended without a file, is fine; a
/// ready one has become a file, which is deleted, not cancelled.
pub async fn cancel_upload(
    objects: &(impl HeadObject + DeleteVersion + AbortMultipart),
    uploads: &(impl GetUpload + UpdateUpload),
    owner: Owner,
    id: UploadId,
) -> Result<(), Error> {
    let upload = take_back(uploads, owner, id).await?;
    if let Some(id) = upload.transfer.multipart_id() {
        objects.abort_multipart(&upload.key(), id).await?;
    }
    remove_foreign(objects, &upload.key(), None, Some(&upload)).await?;
    Ok(())
}

/// The upload after its tombstone is there, now or before. What has arrived of it is still to be removed.
pub(crate) async fn take_back(
    uploads: &(impl GetUpload + UpdateUpload),
    owner: Owner,
    id: UploadId,
) -> Result<Upload, Error> {
    let mut upload = uploads.get_upload(owner, id).await?.ok_or(Error::NotFound)?;
    for _ in 0..TRIES {
        if upload.state != State::Pending {
            break;
        }
        upload = match uploads.update_upload(&upload, &Transition::Cancel).await? {
            Some(cancelled) => cancelled,
            // Somebody else moved first, or its multipart upload was named.
            None => uploads.get_upload(owner, id).await?.ok_or(Error::NotFound)?,
        };
    }
    match upload.state {
        State::Cancelled | State::Expired | State::Rejected(_) | State::Deleted => Ok(upload),
        State::Ready(_) | State::Pending => Err(Error::InvalidState(upload.state.as_str())),
    }
}
