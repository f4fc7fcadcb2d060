//! Issues many grants in one call. Each is issued as it would be alone: one that is refused takes no other with it.

use crate::error::{Error, FieldError};
use crate::issue_upload::{Grant, NewUpload, check_idempotency_key, issue_upload};
use crate::policy::Policy;
use crate::ports::{CreateMultipart, GetIdempotencyRecord, GetUpload, PresignPart, PresignPut, PutUpload};
use crate::{Owner, UploadId};
use futures_util::{StreamExt, stream};
use time::OffsetDateTime;

/// The most uploads of one call. Twenty signed parts each are 1.7 MB, and Lambda answers with at most 6 MB.
pub const MAX_BATCH: usize = 50;

/// How many are issued at a time: enough to hide DynamoDB's answer times, and less than the connections it takes gladly.
const AT_ONCE: usize = 10;

/// One upload of a batch: the id it gets, and what the client wants or why that cannot be read.
pub type Item = (UploadId, Result<NewUpload, Error>);

/// Issues 1 to [`MAX_BATCH`] grants and gives what came of each, in the order asked.
///
/// With an idempotency key each place of the batch is remembered by itself: a repetition gives the grants there are and makes those there
/// are not.
pub async fn issue_uploads(
    objects: &(impl PresignPut + PresignPart + CreateMultipart),
    uploads: &(impl PutUpload + GetUpload + GetIdempotencyRecord),
    policy: &Policy,
    now: OffsetDateTime,
    owner: Owner,
    idempotency_key: Option<&str>,
    items: Vec<Item>,
) -> Result<Vec<Result<Grant, Error>>, Error> {
    if !(1..=MAX_BATCH).contains(&items.len()) {
        let detail = format!("must be 1 to {MAX_BATCH} uploads");
        return Err(Error::InvalidRequest(vec![FieldError::new("/items", detail)]));
    }
    idempotency_key.map_or(Ok(()), check_idempotency_key)?;
    let grants = items.into_iter().enumerate().map(|(place, (id, new))| async move {
        let idempotency_key = idempotency_key.map(str::to_owned);
        let new = NewUpload { idempotency_key, place: Some(place), ..new? };
        issue_upload(objects, uploads, policy, now, owner, id, new).await
    });
    Ok(stream::iter(grants).buffered(AT_ONCE).collect().await)
}
