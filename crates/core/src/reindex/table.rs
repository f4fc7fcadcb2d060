//! Goes through the table for files that are gone: deleted after the time that the table was set back to. What their deletion may have
//! left, the tombstone's look by the sweep removes, copies at the CDN among it.

use super::{AT_ONCE, Outcome, Report, Run};
use crate::error::{StoreError, StoreErrorKind};
use crate::ports::{HeadObject, ScanUploads, UpdateUpload};
use crate::sweep_uploads::About;
use crate::upload::{State, Transition, to_milliseconds};
use crate::{Owner, Upload, UploadId};
use futures_util::stream::{self, StreamExt};

/// How many items are read at once.
const PAGE: u16 = 1000;

/// How many files of a page may be gone before that says something about the bucket, see [`cannot_be_its_bucket`].
const GONE: usize = 20;

pub(super) async fn pass(
    objects: &impl HeadObject,
    uploads: &(impl ScanUploads + UpdateUpload),
    run: &Run,
    report: &mut Report,
    tell: &mut impl FnMut(Owner, UploadId, Outcome),
) {
    let (mut place, mut present) = (None, 0);
    loop {
        let page = match uploads.scan_uploads(place.as_ref(), PAGE).await {
            Ok(page) => page,
            Err(error) => return report.break_off(error),
        };
        report.rows += page.uploads.len() as u64;
        report.owners.extend(page.uploads.iter().map(|upload| upload.owner));
        let looks = page.uploads.into_iter().filter_map(|upload| {
            let State::Ready(verified) = &upload.state else { return None };
            let (key, version) = (upload.key(), verified.version.clone());
            Some(async move { (upload, objects.head_object(&key, Some(&version), false).await) })
        });
        let mut looks = stream::iter(looks).buffer_unordered(AT_ONCE);
        let (mut gone, mut here, mut unknown) = (Vec::new(), 0, 0);
        while let Some((upload, found)) = looks.next().await {
            match found {
                Ok(Some(_)) => here += 1,
                Ok(None) => gone.push(upload),
                Err(error) => {
                    unknown += 1;
                    report.fail(About::Upload(upload.id), error);
                }
            }
        }
        present += here;
        if !run.expects_missing && present == 0 && unknown > 0 && !gone.is_empty() {
            // None is known to be there, and it cannot be told whether that says something about the bucket.
            report.is_broken_off = true;
            return;
        }
        if !run.expects_missing
            && let Some(error) = cannot_be_its_bucket(gone.len(), gone.len() + here, present)
        {
            return report.break_off(error);
        }
        let moves = gone.into_iter().map(|upload| async move {
            let Upload { owner, id, .. } = upload;
            if run.is_dry {
                return (owner, id, Ok(true));
            }
            let delete = Transition::Delete { at: to_milliseconds(run.now) };
            // Where the condition does not hold, its owner has deleted it at this moment.
            (owner, id, uploads.update_upload(&upload, &delete).await.map(|moved| moved.is_some()))
        });
        let mut moves = stream::iter(moves).buffer_unordered(AT_ONCE);
        while let Some((owner, id, moved)) = moves.next().await {
            match moved {
                Ok(true) => report.note(owner, id, Outcome::Deleted, tell),
                Ok(false) => {}
                Err(error) => report.fail(About::Upload(id), error),
            }
        }
        place = page.next;
        if place.is_none() {
            return;
        }
    }
}

/// Whether so many of a page's files are gone, or all that were looked at so far, that the bucket must be another stack's: its rows would
/// become tombstones, and the sweep would remove their files from their own bucket.
fn cannot_be_its_bucket(gone: usize, of: usize, present: usize) -> Option<StoreError> {
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
