//! Goes through the bucket, some pages a run, for what no row leads to: objects whose event was lost and whose row is gone, versions
//! next to the verified one, thumbnails of nothing. What has another key than ours it counts and leaves alone.

use super::{AT_ONCE, About, Counts, Report, Run, list_failed, most_have_no_row, note};
use crate::error::{StoreError, StoreErrorKind};
use crate::ports::{
    DeleteThumbnail, DeleteVersion, GetCursor, GetTags, GetUpload, HeadObject, ListObjectVersions,
    ListedVersion, PutCursor, TagVerified, Under, UpdateUpload, Walk,
};
use crate::settle::{Arrival, Settled, remove_nobodys, settle};
use crate::upload::{State, Thumbnails as Made};
use crate::{Owner, ThumbnailKey, Upload, UploadId, UploadKey};
use futures_util::stream::{self, StreamExt};
use time::OffsetDateTime;

/// How many versions are read at once: S3's most.
const PAGE: u16 = 1000;

/// A part of the bucket that is walked through.
pub(super) trait Territory {
    /// A key that is ours.
    type Key;
    const WALK: Walk;
    const UNDER: Under;

    /// The key, and whose it is; `None` for one that is not ours.
    fn parse(key: &str) -> Option<(Self::Key, Owner, UploadId)>;

    /// Whether this version lies where it should, going by the row.
    fn belongs(key: &Self::Key, version: &ListedVersion, upload: Option<&Upload>) -> bool;

    /// Sets right what does not belong, by the row as it was found.
    async fn mend(
        &self,
        uploads: &(impl GetUpload + UpdateUpload),
        now: OffsetDateTime,
        key: Self::Key,
        version: ListedVersion,
        found: Option<Upload>,
    ) -> Result<Counts, StoreError>;
}

/// What was uploaded.
pub(super) struct Files<'a, O>(pub(super) &'a O);

/// What was made of it.
pub(super) struct Thumbnails<'a, O>(pub(super) &'a O);

impl<O: HeadObject + TagVerified + GetTags + DeleteVersion> Territory for Files<'_, O> {
    type Key = UploadKey;
    const WALK: Walk = Walk::Uploads;
    const UNDER: Under = Under::Uploads;

    fn parse(key: &str) -> Option<(UploadKey, Owner, UploadId)> {
        UploadKey::parse(key).map(|key| (key, key.owner, key.id))
    }

    fn belongs(_: &UploadKey, version: &ListedVersion, upload: Option<&Upload>) -> bool {
        let state = upload.map(|upload| &upload.state);
        matches!(state, Some(State::Ready(verified)) if verified.version == version.version)
    }

    /// What S3's event would have brought about, had it not been lost.
    async fn mend(
        &self,
        uploads: &(impl GetUpload + UpdateUpload),
        now: OffsetDateTime,
        key: UploadKey,
        version: ListedVersion,
        found: Option<Upload>,
    ) -> Result<Counts, StoreError> {
        let was_pending = found.is_some_and(|upload| upload.state == State::Pending && upload.key() == key);
        let settled =
            settle(self.0, uploads, now, &Arrival::Event(key, Some(version.version.clone()))).await?;
        Ok(match settled {
            Settled::Ready(..) | Settled::Rejected(_) if was_pending => {
                Counts { settled: 1, ..Counts::default() }
            }
            Settled::Gone(None) => {
                if remove_nobodys(self.0, &key, Some(&version.version)).await? {
                    return Err(has_lost_its_row());
                }
                Counts { removed: 1, ..Counts::default() }
            }
            Settled::Ready(..) | Settled::Rejected(_) | Settled::Gone(Some(_)) => {
                Counts { removed: 1, ..Counts::default() }
            }
            Settled::Missing(_) | Settled::Unscanned(..) => Counts::default(),
        })
    }
}

/// A file that is kept although no row tells of it, told of at each round until there is one.
fn has_lost_its_row() -> StoreError {
    StoreError {
        operation: "GetItem",
        kind: StoreErrorKind::Permanent,
        source:
            "a verified file has no row: was the table set back? `valet reindex` puts it back or says why not"
                .into(),
    }
}

impl<O: DeleteThumbnail> Territory for Thumbnails<'_, O> {
    type Key = ThumbnailKey;
    const WALK: Walk = Walk::Thumbnails;
    const UNDER: Under = Under::Thumbnails;

    fn parse(key: &str) -> Option<(ThumbnailKey, Owner, UploadId)> {
        ThumbnailKey::parse(key).map(|key| {
            let (owner, id) = (key.owner, key.id);
            (key, owner, id)
        })
    }

    fn belongs(key: &ThumbnailKey, version: &ListedVersion, upload: Option<&Upload>) -> bool {
        // Older versions leave by the bucket's lifecycle.
        if !version.is_latest {
            return true;
        }
        match upload.map(|upload| &upload.state) {
            Some(State::Ready(verified)) => match &verified.thumbnails {
                Made::Pending => true,
                Made::Ready(made) => {
                    made.iter().any(|made| made.name == key.name && made.format == key.format)
                }
                Made::None | Made::Failed(_) => false,
            },
            Some(
                State::Pending | State::Rejected(_) | State::Expired | State::Cancelled | State::Deleted,
            )
            | None => false,
        }
    }

    async fn mend(
        &self,
        _: &(impl GetUpload + UpdateUpload),
        _: OffsetDateTime,
        key: ThumbnailKey,
        _: ListedVersion,
        _: Option<Upload>,
    ) -> Result<Counts, StoreError> {
        self.0.delete_thumbnail(&key).await?;
        Ok(Counts { removed: 1, ..Counts::default() })
    }
}

pub(super) async fn walk<L: Territory, T: Fn() -> bool>(
    territory: &L,
    objects: &impl ListObjectVersions,
    uploads: &(impl GetUpload + UpdateUpload),
    index: &(impl GetCursor + PutCursor),
    run: &Run<T>,
    report: &mut Report,
) {
    let mut place = match index.get_cursor(L::WALK).await {
        Ok(place) => place,
        Err(error) => return report.fail(About::List, error),
    };
    for _ in 0..run.limits.walk_pages {
        let page = match objects.list_object_versions(&L::UNDER, place.as_ref(), PAGE).await {
            Ok(page) => page,
            Err(error) => return list_failed(index, L::WALK, place.is_some(), error, report).await,
        };
        let is_old = |version: &ListedVersion| version.stored_at + run.limits.object_age <= run.now;
        let old: Vec<_> = page.versions.into_iter().filter(is_old).collect();
        if !page_of(territory, uploads, run, old, report).await {
            // The next run takes the same page again.
            return;
        }
        place = page.next;
        if !note(index, L::WALK, place.as_ref(), report).await {
            return;
        }
    }
}

/// Looks at all of a page before it removes anything of it; whether the walk may go on.
async fn page_of<L: Territory, T: Fn() -> bool>(
    territory: &L,
    uploads: &(impl GetUpload + UpdateUpload),
    run: &Run<T>,
    versions: Vec<ListedVersion>,
    report: &mut Report,
) -> bool {
    let (mut astray, mut rowless, mut ours) = (Vec::new(), 0, 0);
    let looks = versions.into_iter().filter_map(|version| {
        report.counts.walked += 1;
        let Some((key, owner, id)) = L::parse(&version.key) else {
            report.counts.foreign += 1;
            return None;
        };
        Some(async move {
            let upload = if (run.has_time)() { Some(uploads.get_upload(owner, id).await) } else { None };
            (key, id, version, upload)
        })
    });
    let looks: Vec<_> = looks.collect();
    let mut looks = stream::iter(looks).buffer_unordered(AT_ONCE);
    while let Some((key, id, version, upload)) = looks.next().await {
        match upload {
            Some(Ok(upload)) => {
                ours += 1;
                if !L::belongs(&key, &version, upload.as_ref()) {
                    rowless += usize::from(upload.is_none());
                    astray.push((key, id, version, upload));
                }
            }
            Some(Err(error)) => report.fail(About::Upload(id), error),
            None => report.is_truncated = true,
        }
    }
    if let Some(error) = most_have_no_row(rowless, ours) {
        report.fail(About::List, error);
        return false;
    }
    let mends = astray.into_iter().map(|(key, id, version, found)| async move {
        if !(run.has_time)() {
            return (id, None);
        }
        (id, Some(territory.mend(uploads, run.now, key, version, found).await))
    });
    let mut mends = stream::iter(mends).buffer_unordered(AT_ONCE);
    while let Some((id, mended)) = mends.next().await {
        match mended {
            Some(Ok(counts)) => report.counts += counts,
            Some(Err(error)) => report.fail(About::Upload(id), error),
            None => report.is_truncated = true,
        }
    }
    !report.is_truncated
}
