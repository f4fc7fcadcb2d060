//! Goes through the bucket, key by key, for files that no row tells of and for what arrived for pending uploads.

use super::rebuild::rebuilt;
use super::{AT_ONCE, Outcome, Report, Run};
use crate::error::StoreError;
use crate::ports::{
    DeleteVersion, GetTags, GetUpload, HeadObject, ListObjectVersions, ListedVersion, RestoreUpload,
    TagVerified, Under, UpdateUpload,
};
use crate::settle::{Arrival, Settled, settle};
use crate::sweep_uploads::About;
use crate::upload::State;
use crate::{Owner, UploadId, UploadKey};
use futures_util::stream::{self, StreamExt};

/// How many versions are read at once: S3's most.
const PAGE: u16 = 1000;

pub(super) async fn pass(
    objects: &(impl ListObjectVersions + HeadObject + GetTags + TagVerified + DeleteVersion),
    uploads: &(impl GetUpload + UpdateUpload + RestoreUpload),
    run: &Run,
    report: &mut Report,
    tell: &mut impl FnMut(Owner, UploadId, Outcome),
) {
    let (mut place, mut versions) = (None, Vec::new());
    loop {
        let page = match objects.list_object_versions(&Under::Uploads, place.as_ref(), PAGE).await {
            Ok(page) => page,
            Err(error) => return report.break_off(error),
        };
        report.versions += page.versions.len() as u64;
        versions.extend(page.versions);
        place = page.next;
        // The last key may go on with the next page.
        let rest = if place.is_some() { split_off_last(&mut versions) } else { Vec::new() };
        let mut looks = Vec::new();
        for group in versions.chunk_by(|one, other| one.key == other.key) {
            let Some(key) = UploadKey::parse(&group[0].key) else {
                report.foreign += group.len() as u64;
                continue;
            };
            report.owners.insert(key.owner);
            looks.push(async move { (key, look(objects, uploads, run, key, group).await) });
        }
        let mut looks = stream::iter(looks).buffer_unordered(AT_ONCE);
        while let Some((key, looked)) = looks.next().await {
            match looked {
                Ok(Some(outcome)) => report.note(key.owner, key.id, outcome, tell),
                Ok(None) => {}
                Err(error) => report.fail(About::Upload(key.id), error),
            }
        }
        drop(looks);
        versions = rest;
        if place.is_none() {
            return;
        }
    }
}

/// The versions of the last key.
fn split_off_last(versions: &mut Vec<ListedVersion>) -> Vec<ListedVersion> {
    let Some(last) = versions.last().map(|version| version.key.clone()) else { return Vec::new() };
    let others = versions.iter().take_while(|version| version.key != last).count();
    versions.split_off(others)
}

/// Sets the row of a key right by all versions that lie under it, the newest first; `None` where it is right, or somebody moved it.
async fn look(
    objects: &(impl HeadObject + GetTags + TagVerified + DeleteVersion),
    uploads: &(impl GetUpload + UpdateUpload + RestoreUpload),
    run: &Run,
    key: UploadKey,
    versions: &[ListedVersion],
) -> Result<Option<Outcome>, StoreError> {
    let upload = uploads.get_upload(key.owner, key.id).await?;
    let Some(upload) = upload else { return rebuild(objects, uploads, run, &key, versions).await };
    if upload.key() != key {
        // No grant was for this key: right ids, other extension.
        return Ok(Some(Outcome::Unverified));
    }
    match &upload.state {
        State::Pending if is_hidden(versions) => Ok(Some(Outcome::Hidden)),
        State::Pending => settle_first(objects, uploads, run, key, versions).await,
        State::Ready(verified) => {
            let is_alone = versions.iter().all(|version| version.version == verified.version);
            Ok((!is_alone).then_some(Outcome::Beside))
        }
        State::Rejected(_) | State::Expired | State::Cancelled | State::Deleted => Ok(Some(Outcome::Late)),
    }
}

/// What the events of these versions would have brought about, up to the first that decides. A version that is tagged already comes first: it
/// was the file.
async fn settle_first(
    objects: &(impl HeadObject + GetTags + TagVerified + DeleteVersion),
    uploads: &(impl GetUpload + UpdateUpload),
    run: &Run,
    key: UploadKey,
    versions: &[ListedVersion],
) -> Result<Option<Outcome>, StoreError> {
    if run.is_dry {
        return Ok(Some(Outcome::Unsettled));
    }
    let was_file = match versions {
        [_] => None,
        _ => match newest_file(objects, run, &key, versions).await? {
            Newest::File(file) => Some(file),
            Newest::Unscanned | Newest::None => None,
        },
    };
    let others = versions.iter().filter(|version| Some(*version) != was_file);
    for version in was_file.into_iter().chain(others) {
        let arrival = Arrival::Event(key, Some(version.version.clone()));
        match settle(objects, uploads, run.now, &arrival).await? {
            Settled::Ready(..) => return Ok(Some(Outcome::Verified)),
            Settled::Rejected(_) => return Ok(Some(Outcome::Rejected)),
            Settled::Unscanned(..) => return Ok(Some(Outcome::Unsettled)),
            Settled::Missing(_) | Settled::Gone(_) => {}
        }
    }
    Ok(None)
}

/// Makes the row anew, if one of the versions was the file.
async fn rebuild(
    objects: &(impl HeadObject + GetTags),
    uploads: &impl RestoreUpload,
    run: &Run,
    key: &UploadKey,
    versions: &[ListedVersion],
) -> Result<Option<Outcome>, StoreError> {
    let file = match newest_file(objects, run, key, versions).await? {
        Newest::File(file) => file,
        Newest::Unscanned => return Ok(Some(Outcome::Unscanned)),
        Newest::None => return Ok(Some(Outcome::Unverified)),
    };
    if is_hidden(versions) {
        return Ok(Some(Outcome::Hidden));
    }
    // Gone since it was listed: deleted at this moment.
    let Some(stored) = objects.head_object(key, Some(&file.version), true).await? else { return Ok(None) };
    let Some(upload) = rebuilt(key, &stored, file.stored_at, run.now) else {
        return Ok(Some(Outcome::Unlike));
    };
    let is_restored = run.is_dry || uploads.restore_upload(&upload).await?;
    Ok(is_restored.then_some(Outcome::Rebuilt))
}

/// What the tags of a key's versions say.
enum Newest<'a> {
    /// The newest version that may be served.
    File(&'a ListedVersion),
    /// One was verified, and the scanner has not found it clean.
    Unscanned,
    /// None was verified.
    None,
}

/// The newest version whose tags say that it may be served.
async fn newest_file<'a>(
    objects: &impl GetTags,
    run: &Run,
    key: &UploadKey,
    versions: &'a [ListedVersion],
) -> Result<Newest<'a>, StoreError> {
    let mut newest = Newest::None;
    for version in versions {
        let tags = objects.get_tags(key, &version.version).await?.unwrap_or_default();
        if tags.is_verified && (tags.is_clean || !run.has_scanner) {
            return Ok(Newest::File(version));
        }
        if tags.is_verified {
            newest = Newest::Unscanned;
        }
    }
    Ok(newest)
}

/// Whether a delete marker lies on top. None of our functions makes one here: somebody hid the file, and may bring it back.
fn is_hidden(versions: &[ListedVersion]) -> bool {
    !versions.iter().any(|version| version.is_latest)
}
