//! Makes the thumbnails of what arrived, after settling it. It reads only images, only verified ones, and leaves nothing
//! behind for an upload that ended meanwhile.

use crate::Upload;
use crate::error::StoreError;
use crate::key::ThumbnailName;
use crate::ports::{
    DeleteThumbnail, DeleteVersion, GetObject, GetUpload, HeadObject, PutThumbnail, TagVerified, UpdateUpload,
};
use crate::settle::{Arrival, Settled, settle};
use crate::upload::{Dimensions, RejectReason, State, Thumbnail, Thumbnails, Transition, Verified};
use time::OffsetDateTime;

/// The largest file that is read into memory for a thumbnail: 128 MiB. The function has 1769 MB.
pub const MAX_SOURCE_BYTES: u64 = 128 << 20;

/// A thumbnail as rendered.
pub struct Rendered {
    /// The file's width and height as displayed.
    pub source: Dimensions,
    /// The thumbnail's.
    pub dimensions: Dimensions,
    /// The thumbnail, a JPEG.
    pub jpeg: Vec<u8>,
}

/// What an event has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Made and recorded.
    Made,
    /// Cannot be made, now or ever; recorded with this reason.
    Failed(String),
    /// Nothing to do: made before, or a type without thumbnails.
    NotNeeded,
    /// What arrived was refused.
    Rejected(RejectReason),
    /// The object, or the right to have it, is gone.
    Gone,
}

/// Settles what arrived and makes its thumbnails.
///
/// `render` turns a file's bytes into one thumbnail, or gives the stable code of why it never will. An error means that the
/// event should come again.
pub async fn generate_thumbnails(
    objects: &(impl HeadObject + TagVerified + DeleteVersion + GetObject + PutThumbnail + DeleteThumbnail),
    uploads: &(impl GetUpload + UpdateUpload),
    render: impl Fn(&[u8], ThumbnailName) -> Result<Rendered, &'static str>,
    now: OffsetDateTime,
    arrival: &Arrival,
) -> Result<Outcome, StoreError> {
    let (upload, verified) = match settle(objects, uploads, now, arrival).await? {
        Settled::Ready(upload, verified) => (upload, verified),
        Settled::Rejected(reason) => return Ok(Outcome::Rejected(reason)),
        Settled::Missing(_) | Settled::Gone(_) => return Ok(Outcome::Gone),
    };
    if verified.thumbnails != Thumbnails::Pending {
        return Ok(Outcome::NotNeeded);
    }
    if upload.size_bytes > MAX_SOURCE_BYTES {
        return fail(uploads, &upload, "too_many_bytes").await;
    }
    let Some(bytes) = objects.get_object(&upload.key(), &verified.version).await? else {
        // Removed past us. Whoever waits for a thumbnail must not wait for ever.
        return fail(uploads, &upload, "object_missing").await;
    };
    let name = ThumbnailName::Small;
    match render(&bytes, name) {
        Ok(rendered) => store(objects, uploads, &upload, name, rendered).await,
        Err(reason) => fail(uploads, &upload, reason).await,
    }
}

async fn store(
    objects: &(impl PutThumbnail + DeleteThumbnail),
    uploads: &(impl GetUpload + UpdateUpload),
    upload: &Upload,
    name: ThumbnailName,
    rendered: Rendered,
) -> Result<Outcome, StoreError> {
    let key = upload.thumbnail_key(name);
    let thumbnail =
        Thumbnail { name, dimensions: rendered.dimensions, size_bytes: rendered.jpeg.len() as u64 };
    objects.put_thumbnail(&key, rendered.jpeg).await?;
    let transition = Transition::Thumbnailed { source: rendered.source, thumbnails: vec![thumbnail] };
    if uploads.update_upload(upload.owner, upload.id, &transition).await?.is_some() {
        return Ok(Outcome::Made);
    }
    // Lost: to another run of the same event, whose thumbnail is the same, or to a deletion, which did not know of ours.
    let now = uploads.get_upload(upload.owner, upload.id).await?.map(|upload| upload.state);
    if let Some(State::Ready(Verified { thumbnails: Thumbnails::Ready(_), .. })) = now {
        return Ok(Outcome::NotNeeded);
    }
    objects.delete_thumbnail(&key).await?;
    Ok(Outcome::Gone)
}

async fn fail(
    uploads: &impl UpdateUpload,
    upload: &Upload,
    reason: &'static str,
) -> Result<Outcome, StoreError> {
    let transition = Transition::ThumbnailsFailed { reason: reason.to_owned() };
    uploads.update_upload(upload.owner, upload.id, &transition).await?;
    Ok(Outcome::Failed(reason.to_owned()))
}
