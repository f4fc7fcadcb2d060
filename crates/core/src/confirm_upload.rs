//! Answers a client that says its file has arrived. The verdict is [`settle`]'s; this only says it to the client.

use crate::error::{Error, StoreErrorKind};
use crate::ports::{DeleteVersion, GetUpload, HeadObject, TagVerified, UpdateUpload};
use crate::settle::{Arrival, Settled, settle};
use crate::upload::State;
use crate::{Owner, Upload, UploadId};
use time::OffsetDateTime;

/// The verified upload, or why there is none. May be called any number of times.
///
/// A file whose PUT began before the grant ended counts, however late its confirm: only when nothing has arrived does the
/// end of the grant matter.
pub async fn confirm_upload(
    objects: &(impl HeadObject + TagVerified + DeleteVersion),
    uploads: &(impl GetUpload + UpdateUpload),
    now: OffsetDateTime,
    owner: Owner,
    id: UploadId,
) -> Result<Upload, Error> {
    let settled = match settle(objects, uploads, now, &Arrival::Confirm(owner, id)).await {
        // Without s3:ListBucket S3 denies a missing object instead of saying that it is missing. The event, which
        // knows that there is one, treats the same answer as a failure.
        Err(error) if error.kind == StoreErrorKind::Denied && error.operation == "GetObject" => {
            return Err(Error::NotUploaded { denied: Some(error) });
        }
        settled => settled?,
    };
    match settled {
        Settled::Ready(upload, _) => Ok(upload),
        Settled::Rejected(reason) => Err(Error::Rejected(reason)),
        Settled::Missing(upload) if upload.has_expired(now) => Err(Error::UploadExpired),
        Settled::Missing(_) => Err(Error::NotUploaded { denied: None }),
        Settled::Gone(None) => Err(Error::NotFound),
        Settled::Gone(Some(State::Expired)) => Err(Error::UploadExpired),
        Settled::Gone(Some(state)) => Err(Error::InvalidState(state.as_str())),
    }
}
