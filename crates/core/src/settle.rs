//! Settles what arrived: the one use case behind the client's confirm and S3's event.
//!
//! Idempotent, free of order, safe to run twice at once: it may tag or remove the same version any number of times, and
//! one conditional write decides. It never serves an object that it has not compared with the grant or, where files are scanned for malware,
//! whose own tag does not say that it is clean, whatever an event says; and it never removes one whose row says ready, nor one that was
//! verified and has no row any more.

use crate::error::StoreError;
use crate::key::CACHE_CONTROL;
use crate::ports::{
    DeleteVersion, GetTags, GetUpload, HeadObject, StoredHeaders, StoredObject, TagVerified, UpdateUpload,
    Verdict,
};
use crate::upload::{RejectReason, State, Transition, Verified, VersionId, to_milliseconds};
use crate::{Owner, Upload, UploadId, UploadKey};
use time::OffsetDateTime;

/// What is to be settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The owner says that something has arrived.
    Confirm(Owner, UploadId),
    /// S3 says that this has arrived, or the malware scanner that it has scanned it. The version is unknown when the notification names none.
    Event(UploadKey, Option<VersionId>),
}

/// What an arrival has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Verified, now or before.
    Ready(Upload, Verified),
    /// Compared and refused, now or before; the object is removed.
    Rejected(RejectReason),
    /// Nothing lies under the key; the upload is still pending.
    Missing(Upload),
    /// Compared, and as granted; the malware scanner has yet to say something. The upload is still pending. With when the object was stored, if
    /// the store tells.
    Unscanned(Upload, Option<OffsetDateTime>),
    /// The upload ended otherwise (expired, cancelled, deleted); the object is removed. Or there is no such upload; then nothing is, see
    /// [`remove_nobodys`].
    Gone(Option<State>),
}

/// Compares an arrived object with its grant and moves the upload accordingly.
///
/// An error means that nothing final has happened and the same call may be made again.
pub async fn settle(
    objects: &(impl HeadObject + TagVerified + DeleteVersion),
    uploads: &(impl GetUpload + UpdateUpload),
    now: OffsetDateTime,
    arrival: &Arrival,
) -> Result<Settled, StoreError> {
    let (owner, id, key, version) = match arrival {
        Arrival::Confirm(owner, id) => (*owner, *id, None, None),
        Arrival::Event(key, version) => (key.owner, key.id, Some(key), version.as_ref()),
    };
    let upload = uploads.get_upload(owner, id).await?;
    // An event for a key that no grant was issued for: right ids, other extension.
    let upload = upload.filter(|upload| key.is_none_or(|key| *key == upload.key()));
    match upload {
        Some(upload) if upload.state == State::Pending => {
            verify(objects, uploads, now, upload, version).await
        }
        Some(upload) => {
            tag_again(objects, &upload, version).await?;
            remove_foreign(objects, &upload.key(), version, &upload).await?;
            Ok(describe(Some(upload)))
        }
        None => Ok(describe(None)),
    }
}

async fn verify(
    objects: &(impl HeadObject + TagVerified + DeleteVersion),
    uploads: &(impl GetUpload + UpdateUpload),
    now: OffsetDateTime,
    upload: Upload,
    version: Option<&VersionId>,
) -> Result<Settled, StoreError> {
    let key = upload.key();
    let with_checksums = upload.sha256.is_some() || upload.transfer.is_in_parts();
    let Some(object) = objects.head_object(&key, version, with_checksums).await? else {
        return gone_meanwhile(uploads, &upload).await;
    };
    let verdict = match compare(&upload, &object) {
        Ok(()) => match objects.get_verdict(&key, &object.version).await? {
            None => return gone_meanwhile(uploads, &upload).await,
            Some(Verdict::Awaited) => return Ok(Settled::Unscanned(upload, object.stored_at)),
            Some(Verdict::NotAsked | Verdict::Clean { .. }) => Ok(()),
            Some(Verdict::Malware) => Err(RejectReason::Malware),
            Some(Verdict::Unscannable) => Err(RejectReason::Unscannable),
        },
        Err(reason) => Err(reason),
    };
    let transition = match verdict {
        Ok(()) => {
            // The gate opens before the row says ready: a reader who sees ready must find the file. Should the write
            // below lose to a cancel, the version is removed, tag and all.
            if !objects.tag_verified(&key, &object.version).await? {
                return gone_meanwhile(uploads, &upload).await;
            }
            Transition::Verify {
                version: object.version.clone(),
                arrived_at: object.stored_at,
                at: to_milliseconds(now),
                size_bytes: object.size_bytes,
                crc64nvme: object.crc64nvme,
                thumbnails: Upload::initial_thumbnails(upload.media_type),
            }
        }
        Err(reason) => Transition::Reject(reason),
    };
    let moved = uploads.update_upload(&upload, &transition).await?;
    let settled = match moved {
        Some(moved) => Some(moved),
        // Somebody else was first: what they decided holds.
        None => uploads.get_upload(upload.owner, upload.id).await?,
    };
    if let Some(upload) = &settled {
        remove_foreign(objects, &key, Some(&object.version), upload).await?;
    }
    Ok(describe(settled))
}

/// Nothing lies under a pending upload's key: not yet, or because another run or a cancel has decided and removed it.
async fn gone_meanwhile(uploads: &impl GetUpload, upload: &Upload) -> Result<Settled, StoreError> {
    Ok(describe(uploads.get_upload(upload.owner, upload.id).await?))
}

/// Whether what arrived is what was granted, the cheapest reason first.
pub(crate) fn compare(granted: &Upload, stored: &StoredObject) -> Result<(), RejectReason> {
    let headers = StoredHeaders {
        content_type: Some(granted.media_type.content_type().to_owned()),
        cache_control: Some(CACHE_CONTROL.to_owned()),
        ..StoredHeaders::default()
    };
    if !granted.size.admits(stored.size_bytes) {
        Err(RejectReason::Size)
    } else if granted.sha256.is_some() && stored.sha256 != granted.sha256 {
        Err(RejectReason::Checksum)
    } else if stored.headers != headers {
        Err(RejectReason::Headers)
    } else if !granted.media_type.matches(&stored.first_bytes, stored.size_bytes) {
        Err(RejectReason::Content)
    } else {
        Ok(())
    }
}

/// Gives a ready upload's version our tag back, should a scanner have taken it away by writing its own a second time. Whatever tells of that
/// second time comes through here.
async fn tag_again(
    objects: &impl TagVerified,
    upload: &Upload,
    version: Option<&VersionId>,
) -> Result<(), StoreError> {
    let State::Ready(verified) = &upload.state else { return Ok(()) };
    if version != Some(&verified.version) {
        return Ok(());
    }
    let key = upload.key();
    if objects.get_verdict(&key, &verified.version).await? == Some(Verdict::Clean { is_verified: false }) {
        objects.tag_verified(&key, &verified.version).await?;
    }
    Ok(())
}

/// Removes a version that is not the verified one of a ready upload; the current one, where none is named.
pub(crate) async fn remove_foreign(
    objects: &(impl HeadObject + DeleteVersion),
    key: &UploadKey,
    version: Option<&VersionId>,
    upload: &Upload,
) -> Result<(), StoreError> {
    let verified = match &upload.state {
        State::Ready(verified) => Some(&verified.version),
        // Its own settling is under way and decides about this version.
        State::Pending => return Ok(()),
        State::Rejected(_) | State::Expired | State::Cancelled | State::Deleted => None,
    };
    // Nobody says that there is another version than the verified one: that need not be asked of every repeated confirm.
    if verified.is_some() && version.is_none() {
        return Ok(());
    }
    let Some(version) = named_or_current(objects, key, version).await? else { return Ok(()) };
    if verified == Some(&version) { Ok(()) } else { objects.delete_version(key, &version).await }
}

/// Removes a version under a key of which there is no upload, the current one where none is named; or keeps it, and says so, where it is
/// tagged: what was verified had a row, which outlives its file. It was lost, and [`crate::reindex()`] puts it back.
pub async fn remove_nobodys(
    objects: &(impl HeadObject + DeleteVersion + GetTags),
    key: &UploadKey,
    version: Option<&VersionId>,
) -> Result<bool, StoreError> {
    let Some(version) = named_or_current(objects, key, version).await? else { return Ok(false) };
    let is_file = objects.get_tags(key, &version).await?.unwrap_or_default().is_verified;
    if !is_file {
        objects.delete_version(key, &version).await?;
    }
    Ok(is_file)
}

/// The version that was named, or the current one; `None` when nothing lies under the key.
async fn named_or_current(
    objects: &impl HeadObject,
    key: &UploadKey,
    named: Option<&VersionId>,
) -> Result<Option<VersionId>, StoreError> {
    match named {
        Some(version) => Ok(Some(version.clone())),
        None => Ok(objects.head_object(key, None, false).await?.map(|object| object.version)),
    }
}

fn describe(upload: Option<Upload>) -> Settled {
    let Some(upload) = upload else { return Settled::Gone(None) };
    match &upload.state {
        State::Ready(verified) => {
            let verified = verified.clone();
            Settled::Ready(upload, verified)
        }
        State::Rejected(reason) => Settled::Rejected(*reason),
        State::Pending => Settled::Missing(upload),
        State::Expired | State::Cancelled | State::Deleted => Settled::Gone(Some(upload.state)),
    }
}
