//! Makes the thumbnails of what arrived, after settling it. It reads only images, only verified ones, no further than it
//! must, and leaves nothing behind for an upload that ended meanwhile.

use crate::error::{StoreError, StoreErrorKind};
use crate::ports::{
    DeleteThumbnail, DeleteVersion, GetObject, GetTags, GetUpload, HeadObject, Progress, PutThumbnail,
    ReadChunk, Render, RenderJob, Rendered, RenderedThumbnail, TagVerified, UpdateUpload,
};
use crate::settle::{Arrival, Settled, remove_nobodys, settle};
use crate::upload::{RejectReason, State, Thumbnail, Thumbnails, Transition, Verified};
use crate::{ThumbnailKey, Upload};
use futures_util::future::join_all;
use time::OffsetDateTime;

/// The largest file that is read into memory for thumbnails: 128 MiB. The function has 1769 MB.
pub const MAX_SOURCE_BYTES: u64 = 128 << 20;

/// What an event has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Made and recorded.
    Made {
        /// How many.
        thumbnails: usize,
        /// What it took.
        reading: Reading,
    },
    /// Cannot be made, now or ever; recorded with this reason.
    Failed {
        /// A stable code.
        reason: &'static str,
        /// What it took.
        reading: Reading,
    },
    /// Nothing to do: made or given up before, or a type without thumbnails.
    NotNeeded,
    /// What arrived was refused.
    Rejected(RejectReason),
    /// The malware scanner has yet to say something of what arrived. Its verdict is an event of its own.
    Unscanned,
    /// The object, or the right to have it, is gone.
    Gone,
}

/// How much of a file was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The bytes that were read.
    pub bytes_read: u64,
    /// The bytes it has.
    pub size_bytes: u64,
}

/// Settles what arrived and makes its thumbnails.
///
/// An error means that the event should come again.
pub async fn generate_thumbnails(
    objects: &(
         impl HeadObject + TagVerified + GetTags + DeleteVersion + GetObject + PutThumbnail + DeleteThumbnail
     ),
    uploads: &(impl GetUpload + UpdateUpload),
    render: &impl Render,
    now: OffsetDateTime,
    arrival: &Arrival,
) -> Result<Outcome, StoreError> {
    let (upload, verified) = match settle(objects, uploads, now, arrival).await? {
        Settled::Ready(upload, verified) => (upload, verified),
        Settled::Rejected(reason) => return Ok(Outcome::Rejected(reason)),
        Settled::Unscanned(..) => return Ok(Outcome::Unscanned),
        Settled::Gone(None) => {
            if let Arrival::Event(key, version) = arrival {
                remove_nobodys(objects, key, version.as_ref()).await?;
            }
            return Ok(Outcome::Gone);
        }
        Settled::Missing(_) | Settled::Gone(Some(_)) => return Ok(Outcome::Gone),
    };
    if verified.thumbnails != Thumbnails::Pending {
        return Ok(Outcome::NotNeeded);
    }
    let size_bytes = upload.size.most();
    let mut reading = Reading { bytes_read: 0, size_bytes };
    if size_bytes > MAX_SOURCE_BYTES {
        return fail(uploads, &upload, "too_many_bytes", reading).await;
    }
    let Some(body) = objects.get_object(&upload.key(), &verified.version).await? else {
        // Removed past us. Whoever waits for a thumbnail must not wait for ever.
        return fail(uploads, &upload, "object_missing", reading).await;
    };
    let mut job = render.start();
    reading.bytes_read = feed(&mut job, body, size_bytes).await?;
    match job.finish().await {
        Ok(rendered) => store(objects, uploads, &upload, rendered, reading).await,
        Err(reason) => fail(uploads, &upload, reason, reading).await,
    }
}

/// Pushes a file's bytes until it ends or nothing more is needed; answers how many were read. A file that turns out shorter or longer
/// than its record is never taken for whole.
async fn feed(
    job: &mut impl RenderJob,
    mut body: impl ReadChunk,
    size_bytes: u64,
) -> Result<u64, StoreError> {
    let mut read = 0;
    while let Some(chunk) = body.next_chunk().await? {
        let chunk = chunk.as_ref();
        read += chunk.len() as u64;
        if read > size_bytes {
            break;
        }
        if job.push(chunk) == Progress::Enough {
            return Ok(read);
        }
    }
    if read == size_bytes {
        return Ok(read);
    }
    let source = format!("{read} bytes came of an object of {size_bytes}").into();
    Err(StoreError { operation: "GetObject", kind: StoreErrorKind::Transient, source })
}

/// Stores all thumbnails, then records them at once: a reader sees all of them or none.
async fn store(
    objects: &(impl PutThumbnail + DeleteThumbnail),
    uploads: &(impl GetUpload + UpdateUpload),
    upload: &Upload,
    rendered: Rendered,
    reading: Reading,
) -> Result<Outcome, StoreError> {
    let Rendered { source, placeholder, thumbnails: rendered } = rendered;
    let thumbnails: Vec<_> = rendered.iter().map(record).collect();
    let keys: Vec<_> = thumbnails.iter().map(|thumbnail| key(upload, thumbnail)).collect();
    let puts = keys.iter().zip(rendered).map(|(key, rendered)| objects.put_thumbnail(key, rendered.bytes));
    // Each is waited for, so that none lands after this run has ended. Where one fails, those that are stored stay for the next run
    // to write over: another run may be recording them at this moment.
    join_all(puts).await.into_iter().collect::<Result<(), _>>()?;
    let made = thumbnails.len();
    let transition = Transition::Thumbnailed { source, placeholder, thumbnails };
    if uploads.update_upload(upload, &transition).await?.is_some() {
        return Ok(Outcome::Made { thumbnails: made, reading });
    }
    // Lost: to another run of the same event, or to a deletion, which did not know of ours.
    let current = uploads.get_upload(upload.owner, upload.id).await?.map(|upload| upload.state);
    let (recorded, outcome) = match current {
        Some(State::Ready(Verified { thumbnails: Thumbnails::Ready(recorded), .. })) => {
            (recorded, Outcome::NotNeeded)
        }
        Some(State::Ready(_)) => (Vec::new(), Outcome::NotNeeded),
        Some(State::Pending | State::Rejected(_) | State::Expired | State::Cancelled | State::Deleted)
        | None => (Vec::new(), Outcome::Gone),
    };
    let recorded: Vec<_> = recorded.iter().map(|thumbnail| key(upload, thumbnail)).collect();
    let foreign = keys.iter().filter(|key| !recorded.contains(key));
    let deletes = foreign.map(|key| objects.delete_thumbnail(key));
    join_all(deletes).await.into_iter().collect::<Result<(), _>>()?;
    Ok(outcome)
}

fn record(rendered: &RenderedThumbnail) -> Thumbnail {
    Thumbnail {
        name: rendered.name.clone(),
        format: rendered.format,
        dimensions: rendered.dimensions,
        size_bytes: rendered.bytes.len() as u64,
    }
}

fn key(upload: &Upload, thumbnail: &Thumbnail) -> ThumbnailKey {
    upload.thumbnail_key(thumbnail.name.clone(), thumbnail.format)
}

async fn fail(
    uploads: &impl UpdateUpload,
    upload: &Upload,
    reason: &'static str,
    reading: Reading,
) -> Result<Outcome, StoreError> {
    let transition = Transition::ThumbnailsFailed { reason: reason.to_owned() };
    Ok(match uploads.update_upload(upload, &transition).await? {
        Some(_) => Outcome::Failed { reason, reading },
        // Another run has made them or given them up, or the file is gone.
        None => Outcome::NotNeeded,
    })
}
