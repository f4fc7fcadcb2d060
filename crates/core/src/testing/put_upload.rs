//! Records uploads past the use cases that would have granted them, and past every quota. They are counted all the same.

use crate::Upload;
use crate::error::StoreError;
use crate::ports::{IdempotencyRecord, NewGrant, PutOutcome, PutUploads};
use crate::usage::{Claim, Quota};
use std::future::Future;

/// What became of [`PutUpload::put_upload`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// Recorded, now or before.
    Created,
    /// Nothing recorded: the idempotency key is taken.
    KeyTaken,
}

/// Records one upload in whatever state.
pub trait PutUpload {
    /// Records an upload, with its idempotency record if there is one, and counts it.
    fn put_upload(
        &self,
        upload: &Upload,
        idempotency: Option<&IdempotencyRecord>,
    ) -> impl Future<Output = Result<Put, StoreError>> + Send;
}

impl<T: PutUploads + Sync> PutUpload for T {
    async fn put_upload(
        &self,
        upload: &Upload,
        idempotency: Option<&IdempotencyRecord>,
    ) -> Result<Put, StoreError> {
        let grant = NewGrant { upload: upload.clone(), idempotency: idempotency.cloned() };
        let mut seen = None;
        loop {
            let claim = Claim::new(Quota::default(), seen.as_ref(), upload.created_at, [upload]);
            match self.put_uploads(std::slice::from_ref(&grant), &claim).await? {
                PutOutcome::Created => return Ok(Put::Created),
                PutOutcome::Refused { taken, .. } if !taken.is_empty() => return Ok(Put::KeyTaken),
                // Others were recorded in this minute.
                PutOutcome::Refused { counters, .. } => seen = counters,
                PutOutcome::Busy => {}
            }
        }
    }
}
