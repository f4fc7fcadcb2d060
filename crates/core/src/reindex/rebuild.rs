//! The row of a file of which only the object is left. What the object does not tell is lost: the file's name, how its bytes went up, and
//! when it was verified, to the second.

use crate::key::Area;
use crate::ports::StoredObject;
use crate::settle::compare;
use crate::upload::{Filename, Size, State, Transfer, Verified, to_milliseconds};
use crate::{Upload, UploadKey};
use time::OffsetDateTime;

/// The row, or `None` where the object is not what its key says, or could not have been granted.
///
/// It counts as confirmed when it was stored. Its thumbnails are due, so that the sweep asks for them and they are made anew.
pub(super) fn rebuilt(
    key: &UploadKey,
    stored: &StoredObject,
    stored_at: OffsetDateTime,
    now: OffsetDateTime,
) -> Option<Upload> {
    let created_at = key.id.made_at()?;
    let verified = Verified {
        version: stored.version.clone(),
        confirmed_at: stored_at,
        crc64nvme: stored.crc64nvme,
        dimensions: None,
        placeholder: None,
        thumbnails: Upload::initial_thumbnails(key.media_type),
    };
    let upload = Upload {
        owner: key.owner,
        id: key.id,
        filename: Filename::new(format!("{}.{}", key.id, key.media_type.extension()))?,
        media_type: key.media_type,
        size: Size::Exact(stored.size_bytes),
        sha256: stored.sha256,
        created_at,
        expires_at: created_at,
        transfer: match key.area {
            Area::WriteOnce => Transfer::Put,
            Area::Open => Transfer::Form,
        },
        state: State::Ready(verified),
        due_at: None,
    };
    let due_at = upload.first_due().map(|due_at| due_at.min(to_milliseconds(now)));
    let upload = Upload { due_at, ..upload };
    // An empty file is never granted.
    (stored.size_bytes > 0 && compare(&upload, stored).is_ok()).then_some(upload)
}
