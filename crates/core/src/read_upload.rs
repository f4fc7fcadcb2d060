//! Reads one upload of the caller's, and what has arrived of its parts. The row is the truth about the upload, S3's list about its parts.

use crate::error::Error;
use crate::parts::PartNumber;
use crate::ports::{GetUpload, ListParts, PartsPage};
use crate::upload::State;
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

/// The upload and, while it is pending and in parts, the parts that S3 holds behind `after`: what a client that resumes need not send.
pub async fn read_parts(
    objects: &impl ListParts,
    uploads: &impl GetUpload,
    now: OffsetDateTime,
    owner: Owner,
    id: UploadId,
    after: Option<PartNumber>,
) -> Result<(Upload, Option<PartsPage>), Error> {
    let upload = read_upload(uploads, now, owner, id).await?;
    let page = match (&upload.state, upload.transfer.multipart_id()) {
        (State::Pending, Some(multipart)) => {
            let page = objects.list_parts(&upload.key(), multipart, after).await?;
            // It was completed or aborted a moment ago: nothing can be resumed.
            Some(page.unwrap_or_default())
        }
        _ => None,
    };
    Ok((upload, page))
}
