//! Looks at every upload that is due and does what its state asks for. It finds them by an index, and believes only the row.

use super::{AT_ONCE, About, Counts, GIVE_UP_AFTER, Report, Run, SCAN_LOOKS, SCAN_PATIENCE, STUCK_AFTER};
use crate::Upload;
use crate::delete_file::remove_deleted;
use crate::error::StoreError;
use crate::ports::{
    AbortMultipart, DeleteVersion, DeleteVersions, Due, DueShard, GetUpload, HeadObject, InvalidateCopies,
    ListDue, ListObjectVersions, ListVersions, RequeueArrival, TagVerified, Under, UpdateUpload,
};
use crate::settle::{Arrival, Settled, settle};
use crate::upload::{
    RejectReason, State, THUMBNAIL_PATIENCE, Thumbnails, Transition, Verified, to_milliseconds,
};
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use time::OffsetDateTime;

/// How many uploads of a shard are read at once.
const PAGE: u16 = 100;

/// How many versions of one upload are read at once.
const VERSIONS: u16 = 1000;

pub(super) async fn sweep_due<T: Fn() -> bool>(
    objects: &(
         impl HeadObject
         + TagVerified
         + DeleteVersion
         + AbortMultipart
         + ListObjectVersions
         + ListVersions
         + DeleteVersions
     ),
    uploads: &(impl GetUpload + UpdateUpload),
    cdn: &impl InvalidateCopies,
    index: &impl ListDue,
    queue: &impl RequeueArrival,
    run: &Run<T>,
    report: &mut Report,
) {
    let mut lists: Vec<(DueShard, Option<Due>)> = DueShard::all().map(|shard| (shard, None)).collect();
    while !lists.is_empty() {
        let pages = lists.iter().map(|(shard, after)| index.list_due(*shard, run.now, after.as_ref(), PAGE));
        let pages = join_all(pages).await;
        let (mut due, mut more) = (Vec::new(), Vec::new());
        for ((shard, _), page) in lists.into_iter().zip(pages) {
            match page {
                Ok(page) => {
                    due.extend(page.due);
                    more.extend(page.next.map(|next| (shard, Some(next))));
                }
                Err(error) => report.fail(About::List, error),
            }
        }
        due.sort_by_key(|due| due.due_at);
        let looks = due.into_iter().map(|due| async move {
            if !(run.has_time)() {
                return (due, None);
            }
            (due, Some(look(objects, uploads, cdn, queue, run, due).await))
        });
        let mut looks = stream::iter(looks).buffer_unordered(AT_ONCE);
        while let Some((due, looked)) = looks.next().await {
            let is_unfinished = !matches!(looked, Some(Ok(_)));
            match looked {
                Some(Ok(counts)) => report.counts += Counts { due: 1, ..counts },
                Some(Err(error)) => {
                    report.counts.due += 1;
                    report.fail(About::Upload(due.id), error);
                }
                None => report.is_truncated = true,
            }
            if is_unfinished && due.due_at + run.limits.grace + STUCK_AFTER <= run.now {
                report.counts.stuck += 1;
            }
        }
        if report.is_truncated {
            return;
        }
        lists = more;
    }
}

async fn look<T>(
    objects: &(
         impl HeadObject
         + TagVerified
         + DeleteVersion
         + AbortMultipart
         + ListObjectVersions
         + ListVersions
         + DeleteVersions
     ),
    uploads: &(impl GetUpload + UpdateUpload),
    cdn: &impl InvalidateCopies,
    queue: &impl RequeueArrival,
    run: &Run<T>,
    due: Due,
) -> Result<Counts, StoreError> {
    let nothing = Counts::default();
    let Some(upload) = uploads.get_upload(due.owner, due.id).await? else { return Ok(nothing) };
    // The index lags behind the table: somebody has moved it meanwhile.
    let Some(due_at) = upload.due_at.filter(|due_at| *due_at <= run.now) else { return Ok(nothing) };
    match &upload.state {
        State::Pending => pending(objects, uploads, run, &upload, due_at).await,
        State::Ready(verified) if verified.thumbnails == Thumbnails::Pending => {
            thumbnails(uploads, queue, run.now, &upload, verified, due_at).await
        }
        State::Ready(_) => looked(uploads, &upload, due_at, None).await.map(|()| nothing),
        State::Rejected(_) | State::Expired | State::Cancelled | State::Deleted => {
            abort(objects, &upload).await?;
            let removed = if upload.state == State::Deleted {
                // Its deletion may have been broken off before the CDN forgot it, and nobody have asked again.
                remove_deleted(objects, cdn, &upload).await?
            } else {
                remove_versions(objects, &upload).await?
            };
            looked(uploads, &upload, due_at, None).await?;
            Ok(Counts { removed, ..nothing })
        }
    }
}

/// What has arrived is settled as its client's confirm would have; where nothing has, the grant's end counts, and the grace after it; where no
/// scanner has said anything, [`SCAN_PATIENCE`] more.
async fn pending<T>(
    objects: &(impl HeadObject + TagVerified + DeleteVersion + AbortMultipart + ListObjectVersions),
    uploads: &(impl GetUpload + UpdateUpload),
    run: &Run<T>,
    upload: &Upload,
    due_at: OffsetDateTime,
) -> Result<Counts, StoreError> {
    let nothing = Counts::default();
    let end = upload.expires_at + run.limits.grace;
    let (end_of, counts, end, look_at, waits) =
        match settle(objects, uploads, run.now, &Arrival::Confirm(upload.owner, upload.id)).await? {
            Settled::Ready(..) | Settled::Rejected(_) => return Ok(Counts { settled: 1, ..nothing }),
            Settled::Gone(_) => return Ok(nothing),
            Settled::Missing(_) => {
                let expire = Transition::Expire { at: to_milliseconds(run.now) };
                (expire, Counts { expired: 1, ..nothing }, end, end, nothing)
            }
            // No verdict by the end is none: it was never served, and does not wait for ever.
            Settled::Unscanned(..) => {
                let reject = Transition::Reject(RejectReason::Unscannable);
                let end = end + SCAN_PATIENCE;
                let look_at = to_milliseconds(run.now + SCAN_LOOKS).min(end);
                let waits = Counts { unscanned: 1, ..nothing };
                (reject, Counts { settled: 1, ..nothing }, end, look_at, waits)
            }
        };
    if run.now < end {
        looked(uploads, upload, due_at, Some(look_at)).await?;
        return Ok(waits);
    }
    let Some(ended) = uploads.update_upload(upload, &end_of).await? else {
        // It has arrived, was scanned or was cancelled at this moment.
        return Ok(nothing);
    };
    // The tombstone comes first: what arrives from here on meets it, and what this run fails to remove the second look will.
    abort(objects, &ended).await?;
    let removed = remove_versions(objects, &ended).await?;
    let aborted = u64::from(counts.expired == 1 && ended.transfer.multipart_id().is_some());
    Ok(Counts { aborted, removed, ..counts })
}

/// The arrival is told of again, less and less often; after a day there will be none. Where nobody has looked for that long, because the
/// sweep was off or the table was set back, it is told of once more, and the day begins anew.
async fn thumbnails(
    uploads: &impl UpdateUpload,
    queue: &impl RequeueArrival,
    now: OffsetDateTime,
    upload: &Upload,
    verified: &Verified,
    due_at: OffsetDateTime,
) -> Result<Counts, StoreError> {
    let end = verified.confirmed_at + GIVE_UP_AFTER;
    if end <= due_at {
        let gave_up = Transition::ThumbnailsFailed { reason: "gave_up".to_owned() };
        let moved = uploads.update_upload(upload, &gave_up).await?;
        return Ok(Counts { gave_up: u64::from(moved.is_some()), ..Counts::default() });
    }
    queue.requeue_arrival(&upload.key(), &verified.version, now).await?;
    let waited = (now - verified.confirmed_at).max(THUMBNAIL_PATIENCE);
    let next = if end <= now { now + GIVE_UP_AFTER } else { (now + waited).min(end) };
    let next = to_milliseconds(next);
    looked(uploads, upload, due_at, Some(next)).await?;
    Ok(Counts { requeued: 1, ..Counts::default() })
}

/// Has S3 forget the parts of an upload, if it has any.
async fn abort(objects: &impl AbortMultipart, upload: &Upload) -> Result<(), StoreError> {
    match upload.transfer.multipart_id() {
        Some(id) => objects.abort_multipart(&upload.key(), id).await,
        None => Ok(()),
    }
}

/// Removes every version of an upload's object, and says how many there were.
async fn remove_versions(
    objects: &(impl DeleteVersion + ListObjectVersions),
    upload: &Upload,
) -> Result<u64, StoreError> {
    let key = upload.key();
    let mut removed = 0;
    let file = Under::File(key);
    let mut next = None;
    loop {
        let page = objects.list_object_versions(&file, next.as_ref(), VERSIONS).await?;
        for version in page.versions {
            objects.delete_version(&key, &version.version).await?;
            removed += 1;
        }
        next = page.next;
        if next.is_none() {
            return Ok(removed);
        }
    }
}

async fn looked(
    uploads: &impl UpdateUpload,
    upload: &Upload,
    due_at: OffsetDateTime,
    next: Option<OffsetDateTime>,
) -> Result<(), StoreError> {
    let looked = Transition::Looked { due_at, next };
    // Where somebody has moved it meanwhile, their time holds.
    uploads.update_upload(upload, &looked).await.map(drop)
}
