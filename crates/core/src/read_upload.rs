//! Reads one upload of the caller's. It never reads storage: the row is the truth.

use crate::error::Error;
use crate::ports::GetUpload;
use crate::{Owner, Upload, UploadId};
use time::OffsetDateTime;

/// The upload, seen at `now`: a grant that has ended reads as expired before any sweep has recorded it.
pub async fn read_upload(
    uploads: &impl GetUpload,
    now: OffsetDateTime,
    owner: Owner,
    id: UploadId,
) -> Result<Upload, Error> {
    let upload = uploads.get_upload(owner, id).await?.ok_or(Error::NotFound)?;
    Ok(upload.seen_at(now))
}
