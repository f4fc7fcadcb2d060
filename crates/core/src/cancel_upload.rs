//! Takes a grant back. It never touches storage: what has arrived or still arrives meets a tombstone and is removed by
//! its event.

use crate::error::Error;
use crate::ports::{GetUpload, UpdateUpload};
use crate::upload::{State, Transition};
use crate::{Owner, UploadId};

/// Cancels a pending upload. Repeating it, or cancelling one that ended without a file, is fine; a ready one has
/// become a file, which is deleted, not cancelled.
pub async fn cancel_upload(
    uploads: &(impl GetUpload + UpdateUpload),
    owner: Owner,
    id: UploadId,
) -> Result<(), Error> {
    if uploads.update_upload(owner, id, &Transition::Cancel).await?.is_some() {
        return Ok(());
    }
    let upload = uploads.get_upload(owner, id).await?.ok_or(Error::NotFound)?;
    match upload.state {
        State::Cancelled | State::Expired | State::Rejected(_) | State::Deleted => Ok(()),
        State::Ready(_) | State::Pending => Err(Error::InvalidState(upload.state.as_str())),
    }
}
