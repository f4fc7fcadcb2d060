//! Reads one file of the caller's. What is no file, not yet or not any more, is not found.

use crate::error::Error;
use crate::ports::GetUpload;
use crate::upload::State;
use crate::{Owner, Upload, UploadId};

/// The ready upload.
pub async fn read_file(uploads: &impl GetUpload, owner: Owner, id: UploadId) -> Result<Upload, Error> {
    let upload = uploads.get_upload(owner, id).await?;
    upload.filter(|upload| matches!(upload.state, State::Ready(_))).ok_or(Error::NotFound)
}
