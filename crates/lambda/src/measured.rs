//! Counts the moves of uploads where they are decided: at the one conditional write that made them. A move that lost, or came
//! twice, is counted once or not at all, as it happened.

use crate::metrics::{Metric, Metrics, Unit};
use std::num::NonZeroU16;
use time::OffsetDateTime;
use valet_core::error::StoreError;
use valet_core::ports::{
    DueUsage, GetIdempotencyRecord, GetSession, GetUpload, GetUsage, IdempotencyRecord, ListReady,
    ListUploads, NewGrant, PutOffUsage, PutOutcome, PutSession, PutUploads, PutUsage, ReadyPage,
    UpdateUpload, UploadsPage,
};
use valet_core::sessions::{SecretHash, Session};
use valet_core::upload::Transition;
use valet_core::usage::{Claim, Counters, Held};
use valet_core::{Owner, Upload, UploadId};

/// A table of uploads that counts what becomes of them.
pub struct Measured<U> {
    uploads: U,
    metrics: Metrics,
}

impl<U> Measured<U> {
    /// Counts what `uploads` records.
    pub fn new(uploads: U, metrics: Metrics) -> Self {
        Self { uploads, metrics }
    }

    fn count(&self, transition: &Transition) {
        let metrics = &self.metrics;
        match transition {
            Transition::Verify { at, arrived_at, size_bytes, .. } => {
                let bytes = Metric { name: "BytesConfirmed", unit: Unit::Bytes, value: *size_bytes };
                let latency = arrived_at.map(|arrived_at| Metric {
                    name: "SettleLatency",
                    unit: Unit::Milliseconds,
                    // S3 tells whole seconds, by its own clock.
                    value: u64::try_from((*at - arrived_at).whole_milliseconds()).unwrap_or(0),
                });
                let confirmed = [Metric::count("UploadsConfirmed", 1), bytes];
                metrics.record(*at, &confirmed.into_iter().chain(latency).collect::<Vec<_>>());
            }
            Transition::Reject(reason) => {
                let by = Some(("Reason", reason.code()));
                metrics.record_by(crate::now(), by, &[Metric::count("UploadsRejected", 1)]);
            }
            Transition::Thumbnailed { .. } => {
                metrics.record(crate::now(), &[Metric::count("ThumbnailsMade", 1)]);
            }
            Transition::ThumbnailsFailed { .. } => {
                metrics.record(crate::now(), &[Metric::count("ThumbnailsFailed", 1)]);
            }
            Transition::Expire { .. } => {
                metrics.record(crate::now(), &[Metric::count("UploadsExpired", 1)]);
            }
            // Nothing arrived and nothing went wrong; or a file's owner is done with it.
            Transition::Cancel
            | Transition::Delete { .. }
            | Transition::Looked { .. }
            | Transition::NameMultipart(_) => {}
        }
    }
}

impl<U: PutUploads + Sync> PutUploads for Measured<U> {
    async fn put_uploads(&self, grants: &[NewGrant], claim: &Claim) -> Result<PutOutcome, StoreError> {
        let outcome = self.uploads.put_uploads(grants, claim).await?;
        if outcome == PutOutcome::Created {
            self.metrics.record(claim.at, &[Metric::count("UploadsIssued", claim.grants)]);
        }
        Ok(outcome)
    }
}

impl<U: GetUsage + Sync> GetUsage for Measured<U> {
    async fn get_usage(&self, owner: Owner) -> Result<Option<Counters>, StoreError> {
        self.uploads.get_usage(owner).await
    }
}

impl<U: ListUploads + Sync> ListUploads for Measured<U> {
    async fn list_uploads(
        &self,
        owner: Owner,
        after: Option<UploadId>,
        rows: NonZeroU16,
    ) -> Result<UploadsPage, StoreError> {
        self.uploads.list_uploads(owner, after, rows).await
    }
}

impl<U: PutUsage + Sync> PutUsage for Measured<U> {
    async fn put_usage(&self, owner: Owner, held: &Held, revision: u64) -> Result<bool, StoreError> {
        self.uploads.put_usage(owner, held, revision).await
    }
}

impl<U: PutOffUsage + Sync> PutOffUsage for Measured<U> {
    async fn put_off_usage(&self, due: &DueUsage, until: OffsetDateTime) -> Result<(), StoreError> {
        self.uploads.put_off_usage(due, until).await
    }
}

impl<U: UpdateUpload + Sync> UpdateUpload for Measured<U> {
    async fn update_upload(
        &self,
        upload: &Upload,
        transition: &Transition,
    ) -> Result<Option<Upload>, StoreError> {
        let moved = self.uploads.update_upload(upload, transition).await?;
        if moved.is_some() {
            self.count(transition);
        }
        Ok(moved)
    }
}

impl<U: GetUpload + Sync> GetUpload for Measured<U> {
    async fn get_upload(&self, owner: Owner, id: UploadId) -> Result<Option<Upload>, StoreError> {
        self.uploads.get_upload(owner, id).await
    }
}

impl<U: PutSession + Sync> PutSession for Measured<U> {
    async fn put_session(&self, session: &Session) -> Result<(), StoreError> {
        self.uploads.put_session(session).await
    }
}

impl<U: GetSession + Sync> GetSession for Measured<U> {
    async fn get_session(
        &self,
        secret: &SecretHash,
        now: OffsetDateTime,
    ) -> Result<Option<Owner>, StoreError> {
        self.uploads.get_session(secret, now).await
    }
}

impl<U: ListReady + Sync> ListReady for Measured<U> {
    async fn list_ready(
        &self,
        owner: Owner,
        after: Option<UploadId>,
        rows: NonZeroU16,
    ) -> Result<ReadyPage, StoreError> {
        self.uploads.list_ready(owner, after, rows).await
    }
}

impl<U: GetIdempotencyRecord + Sync> GetIdempotencyRecord for Measured<U> {
    async fn get_idempotency_record(
        &self,
        owner: Owner,
        key_hash: &str,
        now: OffsetDateTime,
    ) -> Result<Option<IdempotencyRecord>, StoreError> {
        self.uploads.get_idempotency_record(owner, key_hash, now).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::sync::{Arc, Mutex};
    use valet_core::testing::{MemoryTable, PutUpload, sample};
    use valet_core::upload::{RejectReason, Thumbnails, VersionId};

    type Lines = Arc<Mutex<Vec<Value>>>;

    fn measured() -> (Measured<MemoryTable>, Lines) {
        let lines = Lines::default();
        let written = lines.clone();
        let metrics = Metrics::with_writer("valet-dev".to_owned(), "confirm-upload", move |line| {
            written.lock().unwrap().push(serde_json::from_str(line).unwrap());
        });
        (Measured::new(MemoryTable::default(), metrics), lines)
    }

    fn verify() -> Transition {
        Transition::Verify {
            version: VersionId::new("v1"),
            arrived_at: Some(sample::NOW - time::Duration::milliseconds(1500)),
            at: sample::NOW,
            size_bytes: sample::PNG.len() as u64,
            crc64nvme: None,
            thumbnails: Thumbnails::Pending,
        }
    }

    #[tokio::test]
    async fn a_move_is_counted_by_the_write_that_made_it_and_not_by_those_that_lost() {
        let (uploads, lines) = measured();
        let upload = sample::pending();
        uploads.put_upload(&upload, None).await.unwrap();
        for transition in [verify(), verify(), Transition::Reject(RejectReason::Size)] {
            uploads.update_upload(&upload, &transition).await.unwrap();
        }
        let failed = Transition::ThumbnailsFailed { reason: "corrupt".to_owned() };
        let ready = uploads.get_upload(upload.owner, upload.id).await.unwrap().unwrap();
        uploads.update_upload(&ready, &failed).await.unwrap();

        let lines = lines.lock().unwrap();
        let [issued, confirmed, failed] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(issued["UploadsIssued"], 1);
        assert_eq!(
            (&confirmed["UploadsConfirmed"], &confirmed["BytesConfirmed"], &confirmed["SettleLatency"]),
            (&1.into(), &upload.size.most().into(), &1500.into())
        );
        assert_eq!(failed["ThumbnailsFailed"], 1);
    }

    #[tokio::test]
    async fn no_line_names_an_owner_an_upload_or_a_file() {
        let (uploads, lines) = measured();
        let upload = sample::pending();
        uploads.put_upload(&upload, None).await.unwrap();
        uploads.update_upload(&upload, &verify()).await.unwrap();
        let text = format!("{:?}", lines.lock().unwrap());
        for private in [upload.owner.to_string(), upload.id.to_string(), upload.filename.as_str().to_owned()]
        {
            assert!(!text.contains(&private), "{private} in {text}");
        }
    }
}
