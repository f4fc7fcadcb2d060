//! Answers a client that says its file has arrived. Parts are put together first. The verdict is [`settle`]'s; this only says it to the
//! client.

use crate::complete_upload::{Assembled, Said, complete_upload};
use crate::error::{Error, FieldError, StoreErrorKind};
use crate::ports::{
    AbortMultipart, CompleteMultipart, DeleteVersion, GetUpload, HeadObject, ListParts, TagVerified,
    UpdateUpload,
};
use crate::settle::{Arrival, Settled, settle};
use crate::upload::{RejectReason, State, Transition, Verified};
use crate::{Owner, Upload, UploadId};
use time::OffsetDateTime;

/// What a confirm has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// The verified upload.
    File(Upload),
    /// S3 still puts the parts together, or the file is being scanned for malware; the same call will tell more after so many seconds.
    UnderWay(Upload, u32),
}

/// How long to wait where the next call may well tell more: a scan of a small file takes seconds.
const SOON_SECONDS: u32 = 2;

/// The longest wait. What has not been scanned for minutes may not be for hours, and nobody needs to ask all the time.
const LATER_SECONDS: u32 = 60;

/// The verified upload, or why there is none. May be called any number of times.
///
/// A file whose PUT began before the grant ended counts, however late its confirm, and so does one whose parts are all there: only when
/// something has not arrived does the end of the grant matter.
pub async fn confirm_upload(
    objects: &(impl HeadObject + TagVerified + DeleteVersion + ListParts + CompleteMultipart + AbortMultipart),
    uploads: &(impl GetUpload + UpdateUpload),
    now: OffsetDateTime,
    owner: Owner,
    id: UploadId,
    said: &Said,
) -> Result<Confirmed, Error> {
    let missing = match settle_arrival(objects, uploads, now, owner, id).await? {
        Settled::Missing(upload) => upload,
        settled => return conclude(now, settled, said),
    };
    if missing.transfer.multipart_id().is_none() {
        return conclude(now, Settled::Missing(missing), said);
    }
    match complete_upload(objects, &missing, said).await {
        Ok(Assembled::Yes) => {}
        Ok(Assembled::TooLarge) => return reject(objects, uploads, &missing).await,
        Ok(Assembled::UnderWay) => return Ok(Confirmed::UnderWay(missing, SOON_SECONDS)),
        Err(Error::PartsMissing { .. }) if missing.has_expired(now) => return Err(Error::UploadExpired),
        Err(error) => return Err(error),
    }
    match settle_arrival(objects, uploads, now, owner, id).await? {
        // Neither parts nor object: S3 has forgotten it, and there is nothing to resume.
        Settled::Missing(_) => Err(Error::UploadExpired),
        settled => conclude(now, settled, said),
    }
}

/// Ends an upload whose parts come to more than was granted, before they are put together.
async fn reject(
    objects: &impl AbortMultipart,
    uploads: &impl UpdateUpload,
    upload: &Upload,
) -> Result<Confirmed, Error> {
    let reason = RejectReason::Size;
    let moved = uploads.update_upload(upload, &Transition::Reject(reason)).await?;
    if moved.is_some()
        && let Some(id) = upload.transfer.multipart_id()
    {
        objects.abort_multipart(&upload.key(), id).await?;
    }
    Err(Error::Rejected(reason))
}

async fn settle_arrival(
    objects: &(impl HeadObject + TagVerified + DeleteVersion),
    uploads: &(impl GetUpload + UpdateUpload),
    now: OffsetDateTime,
    owner: Owner,
    id: UploadId,
) -> Result<Settled, Error> {
    match settle(objects, uploads, now, &Arrival::Confirm(owner, id)).await {
        // Without s3:ListBucket S3 denies a missing object instead of saying that it is missing. The event, which
        // knows that there is one, treats the same answer as a failure.
        Err(error) if error.kind == StoreErrorKind::Denied && error.operation == "GetObject" => {
            Err(Error::NotUploaded { denied: Some(error) })
        }
        settled => Ok(settled?),
    }
}

fn conclude(now: OffsetDateTime, settled: Settled, said: &Said) -> Result<Confirmed, Error> {
    if let Settled::Ready(upload, _) | Settled::Missing(upload) | Settled::Unscanned(upload, _) = &settled
        && !upload.transfer.is_in_parts()
        && !said.is_empty()
    {
        let detail =
            "says something of parts; this file goes up in one request, and its checksum into the grant";
        return Err(Error::InvalidRequest(vec![FieldError::new("", detail)]));
    }
    match settled {
        Settled::Ready(_, Verified { crc64nvme: Some(found), .. })
            if said.checksum()?.is_some_and(|said| said != found) =>
        {
            Err(Error::FileMismatch)
        }
        Settled::Ready(upload, _) => Ok(Confirmed::File(upload)),
        Settled::Unscanned(upload, stored_at) => Ok(Confirmed::UnderWay(upload, patience(now, stored_at))),
        Settled::Rejected(reason) => Err(Error::Rejected(reason)),
        Settled::Missing(upload) if upload.has_expired(now) => Err(Error::UploadExpired),
        Settled::Missing(_) => Err(Error::NotUploaded { denied: None }),
        Settled::Gone(None) => Err(Error::NotFound),
        Settled::Gone(Some(State::Expired)) => Err(Error::UploadExpired),
        Settled::Gone(Some(state)) => Err(Error::InvalidState(state.as_str())),
    }
}

/// Half of what the scan has taken so far.
fn patience(now: OffsetDateTime, stored_at: Option<OffsetDateTime>) -> u32 {
    let waited = stored_at.map_or(0, |stored_at| (now - stored_at).whole_seconds());
    u32::try_from((waited / 2).clamp(SOON_SECONDS.into(), LATER_SECONDS.into())).unwrap_or(LATER_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::Duration;

    #[test]
    fn whoever_has_waited_long_asks_less_often() {
        let now = OffsetDateTime::UNIX_EPOCH;
        // By the store's clock it may be stored a moment from now.
        for (waited, patient) in
            [(-5, 2), (0, 2), (5, 2), (30, 15), (119, 59), (600, 60), (i64::from(u32::MAX) * 8, 60)]
        {
            assert_eq!(patience(now, Some(now - Duration::seconds(waited))), patient, "{waited} s");
        }
        assert_eq!(patience(now, None), 2);
    }
}
