//! Aborts multipart uploads that no pending row names: S3 keeps their parts, and bills them, for as long as nobody does.

use super::{AT_ONCE, About, Counts, Report, Run, list_failed, note};
use crate::UploadKey;
use crate::error::StoreError;
use crate::ports::{AbortMultipart, GetCursor, GetUpload, ListMultiparts, OpenMultipart, PutCursor, Walk};
use crate::upload::{State, Transfer};
use futures_util::stream::{self, StreamExt};

/// How many are read at once: S3's most.
const PAGE: u16 = 1000;

pub(super) async fn sweep_multiparts<T: Fn() -> bool>(
    objects: &(impl AbortMultipart + ListMultiparts),
    uploads: &impl GetUpload,
    index: &(impl GetCursor + PutCursor),
    run: &Run<T>,
    report: &mut Report,
) {
    let walk = Walk::Multiparts;
    let mut place = match index.get_cursor(walk).await {
        Ok(place) => place,
        Err(error) => return report.fail(About::List, error),
    };
    for _ in 0..run.limits.walk_pages {
        if !(run.has_time)() {
            report.is_truncated = true;
            return;
        }
        let page = match objects.list_multiparts(place.as_ref(), PAGE).await {
            Ok(page) => page,
            Err(error) => return list_failed(index, walk, place.is_some(), error, report).await,
        };
        let is_old = |open: &OpenMultipart| open.begun_at + run.limits.multipart_age <= run.now;
        let old = page.multiparts.into_iter().filter(is_old);
        let aborts = old.map(|open| async move {
            let Some(key) = UploadKey::parse(&open.key) else {
                return (None, Ok(Counts { foreign: 1, ..Counts::default() }));
            };
            (Some(key.id), abort_unnamed(objects, uploads, &key, &open).await)
        });
        let mut aborts = stream::iter(aborts).buffer_unordered(AT_ONCE);
        while let Some((id, aborted)) = aborts.next().await {
            report.counts.walked += 1;
            match aborted {
                Ok(counts) => report.counts += counts,
                Err(error) => report.fail(id.map_or(About::List, About::Upload), error),
            }
        }
        place = page.next;
        if !note(index, walk, place.as_ref(), report).await {
            return;
        }
    }
}

async fn abort_unnamed(
    objects: &impl AbortMultipart,
    uploads: &impl GetUpload,
    key: &UploadKey,
    open: &OpenMultipart,
) -> Result<Counts, StoreError> {
    let upload = uploads.get_upload(key.owner, key.id).await?;
    let is_named = upload.is_some_and(|upload| {
        upload.state == State::Pending
            && upload.key() == *key
            // Its client has begun it, as it was granted to, and not sent a part yet.
            && (upload.transfer == Transfer::LooseParts(None)
                || upload.transfer.multipart_id() == Some(&open.id))
    });
    if is_named {
        // Its grant's end decides.
        return Ok(Counts::default());
    }
    objects.abort_multipart(key, &open.id).await?;
    Ok(Counts { aborted: 1, ..Counts::default() })
}
