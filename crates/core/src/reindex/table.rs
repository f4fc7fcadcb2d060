//! Goes through the table for files that are gone: deleted after the time that the table was set back to. What their deletion may have
//! left, the tombstone's look by the sweep removes, copies at the CDN among it.

use super::{AT_ONCE, Outcome, Report, Run};
use crate::error::{StoreError, StoreErrorKind};
use crate::ports::{GetUpload, HeadObject, ScanUploads, UpdateUpload};
use crate::sweep_uploads::About;
use crate::upload::{State, Transition, Verified, VersionId, to_milliseconds};
use crate::{Owner, UploadId};
use futures_util::stream::{self, StreamExt};

/// How many items are read at once.
const PAGE: u16 = 1000;

/// How many files may be gone before that says something about the bucket, see [`cannot_be_its_bucket`].
const GONE: usize = 20;

/// Nothing is written before all rows were looked at: what one page seems to say of the bucket, the next may take back.
pub(super) async fn pass(
    objects: &impl HeadObject,
    uploads: &(impl ScanUploads + GetUpload + UpdateUpload),
    run: &Run,
    report: &mut Report,
    tell: &mut impl FnMut(Owner, UploadId, Outcome),
) {
    let Some(gone) = look(objects, uploads, run, report).await else { return };
    let moves = gone.into_iter().map(|gone| async move {
        let Gone { owner, id, .. } = gone;
        (owner, id, delete(uploads, run, &gone).await)
    });
    let mut moves = stream::iter(moves).buffer_unordered(AT_ONCE);
    while let Some((owner, id, moved)) = moves.next().await {
        match moved {
            Ok(true) => report.note(owner, id, Outcome::Deleted, tell),
            Ok(false) => {}
            Err(error) => report.fail(About::Upload(id), error),
        }
    }
}

/// A ready row's file that is not in the bucket.
struct Gone {
    owner: Owner,
    id: UploadId,
    version: VersionId,
}

/// All files that are gone, from the first row to the last; `None` when it was broken off.
async fn look(
    objects: &impl HeadObject,
    uploads: &impl ScanUploads,
    run: &Run,
    report: &mut Report,
) -> Option<Vec<Gone>> {
    let (mut place, mut all_gone, mut present, mut unknown) = (None, Vec::new(), 0, 0);
    loop {
        let page = match uploads.scan_uploads(place.as_ref(), PAGE).await {
            Ok(page) => page,
            Err(error) => {
                report.break_off(error);
                return None;
            }
        };
        report.rows += page.uploads.len() as u64;
        report.owners.extend(page.uploads.iter().map(|upload| upload.owner));
        let looks = page.uploads.into_iter().filter_map(|upload| {
            let key = upload.key();
            let State::Ready(Verified { version, .. }) = upload.state else { return None };
            let gone = Gone { owner: upload.owner, id: upload.id, version };
            Some(async move {
                let found = objects.head_object(&key, Some(&gone.version), false).await;
                (gone, found)
            })
        });
        let mut looks = stream::iter(looks).buffer_unordered(AT_ONCE);
        while let Some((gone, found)) = looks.next().await {
            match found {
                Ok(Some(_)) => present += 1,
                Ok(None) => all_gone.push(gone),
                Err(error) => {
                    unknown += 1;
                    report.fail(About::Upload(gone.id), error);
                }
            }
        }
        if !run.expects_missing && present == 0 && unknown > 0 && !all_gone.is_empty() {
            // None is known to be there, and it cannot be told whether that says something about the bucket.
            report.is_broken_off = true;
            return None;
        }
        if !run.expects_missing
            && let Some(error) = cannot_be_its_bucket(all_gone.len(), present)
        {
            report.break_off(error);
            return None;
        }
        place = page.next;
        if place.is_none() {
            return Some(all_gone);
        }
    }
}

/// Makes the row a tombstone if it still says what was seen. Where it does not, its owner has deleted the file meanwhile.
async fn delete(
    uploads: &(impl GetUpload + UpdateUpload),
    run: &Run,
    gone: &Gone,
) -> Result<bool, StoreError> {
    if run.is_dry {
        return Ok(true);
    }
    let Some(upload) = uploads.get_upload(gone.owner, gone.id).await? else { return Ok(false) };
    let State::Ready(Verified { version, .. }) = &upload.state else { return Ok(false) };
    if *version != gone.version {
        return Ok(false);
    }
    let delete = Transition::Delete { at: to_milliseconds(run.now) };
    Ok(uploads.update_upload(&upload, &delete).await?.is_some())
}

/// Whether so many of the files that were looked at so far are gone, or all of them, that the bucket must be another stack's: its rows would
/// become tombstones, and the sweep would remove their files from their own bucket.
fn cannot_be_its_bucket(gone: usize, present: usize) -> Option<StoreError> {
    let of = gone + present;
    let is_wrong = gone > 0 && (present == 0 || (gone > GONE && gone * 2 > of));
    is_wrong.then(|| StoreError {
        operation: "GetObject",
        kind: StoreErrorKind::Permanent,
        source: format!(
            "{gone} of {of} files are not in the bucket, nothing was changed: is it the table's?"
        )
        .into(),
    })
}
