//! Deletes a file for good: its row says so first, then every version of it and of its thumbnails goes, then the copies that the
//! CDN keeps. It never answers that a file is gone while one of the three may still give it out.

use crate::error::{Error, StoreError, StoreErrorKind};
use crate::ports::{Copies, DeleteVersions, GetUpload, InvalidateCopies, ListVersions, Stored, UpdateUpload};
use crate::upload::{State, Thumbnails, Transition, Verified};
use crate::{Owner, Upload, UploadId};
use futures_util::future::join;
use time::OffsetDateTime;

/// How often what is left is listed and removed, a thousand versions at a time, before a client has to ask again.
const MAX_ROUNDS: usize = 10;

/// Deletes a file. Whatever failed or was interrupted, the same call again finishes it; of a file that is deleted already it makes
/// sure once more.
///
/// The tombstone comes first: a thumbnail that is being made loses its record to it and is removed by its maker, and what a
/// signed URL still brings meets it.
pub async fn delete_file(
    objects: &(impl ListVersions + DeleteVersions),
    uploads: &(impl GetUpload + UpdateUpload),
    cdn: &impl InvalidateCopies,
    now: OffsetDateTime,
    owner: Owner,
    id: UploadId,
) -> Result<(), Error> {
    let upload = uploads.get_upload(owner, id).await?.ok_or(Error::NotFound)?;
    let upload = match &upload.state {
        State::Ready(verified) => {
            let tombstone = uploads.update_upload(&upload, &Transition::Delete { at: now }).await?;
            if let Some(tombstone) = tombstone {
                remove_stored(objects, &upload).await?;
                cdn.invalidate_copies(&id.to_string(), &copies_of(&upload, verified)).await?;
                if verified.thumbnails != Thumbnails::Pending {
                    finish(uploads, now, &tombstone).await?;
                }
                return Ok(());
            }
            // Another call was first: what was ready can have become nothing but deleted.
            uploads.get_upload(owner, id).await?.ok_or(Error::NotFound)?
        }
        State::Pending | State::Rejected(_) | State::Expired | State::Cancelled | State::Deleted => upload,
    };
    match upload.state {
        State::Deleted => {
            remove_deleted(objects, cdn, &upload).await?;
            Ok(finish(uploads, now, &upload).await?)
        }
        State::Pending => Err(Error::StillPending),
        State::Ready(_) => Err(Error::InvalidState(upload.state.as_str())),
        State::Rejected(_) | State::Expired | State::Cancelled => Err(Error::NotFound),
    }
}

/// Spares the sweep its look where nothing can come any more: no URL of the grant lives, and no thumbnails were being made. Each look
/// of the sweep at a deleted file is another invalidation.
async fn finish(
    uploads: &impl UpdateUpload,
    now: OffsetDateTime,
    tombstone: &Upload,
) -> Result<(), StoreError> {
    if let Some(due_at) = tombstone.due_at.filter(|due_at| *due_at <= now) {
        let looked = Transition::Looked { due_at, next: None };
        uploads.update_upload(tombstone, &looked).await?;
    }
    Ok(())
}

/// Removes what may be left of a deleted upload: after a deletion that was interrupted, or what came in just then.
///
/// Says how many versions there were. However often it is called for an upload, its copies are invalidated, and paid for, once more than
/// by its deletion.
pub async fn remove_deleted(
    objects: &(impl ListVersions + DeleteVersions),
    cdn: &impl InvalidateCopies,
    upload: &Upload,
) -> Result<u64, StoreError> {
    let removed = remove_stored(objects, upload).await?;
    let mut copies = vec![Copies::Of(upload.key().to_string())];
    if upload.media_type.has_thumbnail() {
        copies.push(Copies::Under(upload.thumbnail_prefix()));
    }
    cdn.invalidate_copies(&format!("{}-again", upload.id), &copies).await?;
    Ok(removed)
}

/// Removes every version of the object and of everything that was made from it, and says how many there were.
pub async fn remove_stored(
    objects: &(impl ListVersions + DeleteVersions),
    upload: &Upload,
) -> Result<u64, StoreError> {
    let file = Stored::File(upload.key());
    let thumbnails = Stored::Thumbnails(upload.thumbnail_prefix());
    let (file, thumbnails) = join(remove_all(objects, &file), remove_all(objects, &thumbnails)).await;
    Ok(file? + thumbnails?)
}

async fn remove_all(objects: &(impl ListVersions + DeleteVersions), of: &Stored) -> Result<u64, StoreError> {
    let mut removed = 0;
    for _ in 0..MAX_ROUNDS {
        let versions = objects.list_versions(of).await?;
        if versions.is_empty() {
            return Ok(removed);
        }
        objects.delete_versions(&versions).await?;
        removed += versions.len() as u64;
    }
    let source = "there are more versions than can be removed in one go".into();
    Err(StoreError { operation: "DeleteObject", kind: StoreErrorKind::Transient, source })
}

/// What the CDN may have copied of a file: two paths at most, as each is paid for. A single thumbnail is named, which `CloudFront` lets
/// 3,000 of be under way; of wildcards, which stand for several or for unknown ones, it allows 15.
fn copies_of(upload: &Upload, verified: &Verified) -> Vec<Copies> {
    let file = Copies::Of(upload.key().to_string());
    let all = Copies::Under(upload.thumbnail_prefix());
    match &verified.thumbnails {
        Thumbnails::None => vec![file],
        Thumbnails::Ready(items) => match items.as_slice() {
            [only] => {
                vec![file, Copies::Of(upload.thumbnail_key(only.name.clone(), only.format).to_string())]
            }
            _ => vec![file, all],
        },
        Thumbnails::Pending | Thumbnails::Failed(_) => vec![file, all],
    }
}
