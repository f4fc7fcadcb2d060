//! A table in memory whose conditions are [`Upload::apply`]'s.

use crate::error::StoreError;
use crate::ports::{
    DueUsage, GetIdempotencyRecord, GetSession, GetUpload, GetUsage, IdempotencyRecord, ListReady,
    ListUploads, NewGrant, Place, PutOffUsage, PutOutcome, PutSession, PutUploads, PutUsage, ReadyPage,
    UpdateUpload, UploadsPage, Walk,
};
use crate::sessions::{SecretHash, Session};
use crate::upload::{State, Transition, to_milliseconds};
use crate::usage::{Claim, Counters, Held, RECOUNT_AFTER};
use crate::{Owner, Upload, UploadId};
use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::sync::{Mutex, MutexGuard};
use time::OffsetDateTime;

/// A table in memory.
#[derive(Default)]
pub struct MemoryTable(Mutex<Items>);

#[derive(Default)]
pub(super) struct Items {
    pub(super) uploads: BTreeMap<(Owner, UploadId), Upload>,
    idempotency: BTreeMap<(Owner, String), IdempotencyRecord>,
    pub(super) cursors: BTreeMap<Walk, Place>,
    sessions: BTreeMap<SecretHash, Session>,
    pub(super) usage: BTreeMap<Owner, Counted>,
}

/// The counters of an owner, and when they are to be counted again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    pub(super) counters: Counters,
    pub(super) due_at: Option<OffsetDateTime>,
}

impl Counted {
    fn change(&mut self, counters: Counters, at: OffsetDateTime) {
        self.counters = counters;
        self.due_at.get_or_insert(to_milliseconds(at + RECOUNT_AFTER));
    }
}

impl MemoryTable {
    /// A table that holds these uploads.
    pub fn with(uploads: impl IntoIterator<Item = Upload>) -> Self {
        let table = Self::default();
        for upload in uploads {
            let mut items = table.items();
            let counted = items.usage.entry(upload.owner).or_default();
            counted.change(counted.counters.changed(Held::by(&upload)), upload.created_at);
            items.uploads.insert((upload.owner, upload.id), upload);
        }
        table
    }

    /// How many uploads it holds.
    pub fn len(&self) -> usize {
        self.items().uploads.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn items(&self) -> MutexGuard<'_, Items> {
        self.0.lock().expect("no test panics while holding it")
    }
}

impl PutUploads for MemoryTable {
    async fn put_uploads(&self, grants: &[NewGrant], claim: &Claim) -> Result<PutOutcome, StoreError> {
        let mut items = self.items();
        let Some(owner) = grants.first().map(|grant| grant.upload.owner) else {
            return Ok(PutOutcome::Created);
        };
        let is_taken = |grant: &NewGrant| {
            let record = grant.idempotency.as_ref()?;
            let known = items.idempotency.get(&(owner, record.key_hash.clone()))?;
            (known.expires_at > claim.at).then_some(())
        };
        let taken: Vec<_> = (0..grants.len()).filter(|place| is_taken(&grants[*place]).is_some()).collect();
        let is_there = |grant: &NewGrant| items.uploads.contains_key(&(owner, grant.upload.id));
        if taken.is_empty() && grants.iter().any(is_there) {
            return Ok(PutOutcome::Created);
        }
        let counters = items.usage.get(&owner).map(|counted| counted.counters);
        let is_admitted = claim.is_admitted_by(counters.as_ref());
        if !taken.is_empty() || !is_admitted {
            let counters = (!is_admitted).then(|| counters.unwrap_or_default());
            return Ok(PutOutcome::Refused { taken, counters });
        }
        for NewGrant { upload, idempotency } in grants {
            items.uploads.insert((owner, upload.id), upload.clone());
            items
                .idempotency
                .extend(idempotency.iter().map(|record| ((owner, record.key_hash.clone()), record.clone())));
        }
        let counted = items.usage.entry(owner).or_default();
        counted.change(counted.counters.claimed(claim), claim.at);
        Ok(PutOutcome::Created)
    }
}

impl GetIdempotencyRecord for MemoryTable {
    async fn get_idempotency_record(
        &self,
        owner: Owner,
        key_hash: &str,
        now: OffsetDateTime,
    ) -> Result<Option<IdempotencyRecord>, StoreError> {
        let found = self.items().idempotency.get(&(owner, key_hash.to_owned())).cloned();
        Ok(found.filter(|record| record.expires_at > now))
    }
}

impl PutSession for MemoryTable {
    async fn put_session(&self, session: &Session) -> Result<(), StoreError> {
        self.items().sessions.insert(session.secret, *session);
        Ok(())
    }
}

impl GetSession for MemoryTable {
    async fn get_session(
        &self,
        secret: &SecretHash,
        now: OffsetDateTime,
    ) -> Result<Option<Owner>, StoreError> {
        let found = self.items().sessions.get(secret).copied();
        Ok(found.filter(|session| session.expires_at > now).map(|session| session.owner))
    }
}

impl GetUpload for MemoryTable {
    async fn get_upload(&self, owner: Owner, id: UploadId) -> Result<Option<Upload>, StoreError> {
        Ok(self.items().uploads.get(&(owner, id)).cloned())
    }
}

impl GetUsage for MemoryTable {
    async fn get_usage(&self, owner: Owner) -> Result<Option<Counters>, StoreError> {
        Ok(self.items().usage.get(&owner).map(|counted| counted.counters))
    }
}

impl ListUploads for MemoryTable {
    async fn list_uploads(
        &self,
        owner: Owner,
        after: Option<UploadId>,
        rows: NonZeroU16,
    ) -> Result<UploadsPage, StoreError> {
        let rows = usize::from(rows.get());
        let items = self.items();
        let behind = |id: UploadId| after.is_none_or(|after| id < after);
        let uploads: Vec<_> = items
            .uploads
            .values()
            .rev()
            .filter(|upload| upload.owner == owner && behind(upload.id))
            .take(rows)
            .cloned()
            .collect();
        // As DynamoDB: a full look says that there may be more, also at the very end.
        let next = uploads.last().map(|upload| upload.id).filter(|_| uploads.len() == rows);
        Ok(UploadsPage { uploads, next })
    }
}

impl ListReady for MemoryTable {
    async fn list_ready(
        &self,
        owner: Owner,
        after: Option<UploadId>,
        rows: NonZeroU16,
    ) -> Result<ReadyPage, StoreError> {
        let UploadsPage { mut uploads, next } = self.list_uploads(owner, after, rows).await?;
        uploads.retain(|upload| matches!(upload.state, State::Ready(_)));
        Ok(ReadyPage { uploads, next })
    }
}

impl PutUsage for MemoryTable {
    async fn put_usage(&self, owner: Owner, held: &Held, revision: u64) -> Result<bool, StoreError> {
        let mut items = self.items();
        let known = items.usage.get(&owner).map_or(0, |counted| counted.counters.revision);
        if known != revision {
            return Ok(false);
        }
        let counted = items.usage.entry(owner).or_default();
        counted.counters = Counters { held: *held, revision: revision + 1, ..counted.counters };
        counted.due_at = None;
        Ok(true)
    }
}

impl PutOffUsage for MemoryTable {
    async fn put_off_usage(&self, due: &DueUsage, until: OffsetDateTime) -> Result<(), StoreError> {
        let mut items = self.items();
        if let Some(counted) =
            items.usage.get_mut(&due.owner).filter(|counted| counted.due_at == Some(due.due_at))
        {
            counted.due_at = Some(until);
        }
        Ok(())
    }
}

impl UpdateUpload for MemoryTable {
    async fn update_upload(
        &self,
        upload: &Upload,
        transition: &Transition,
    ) -> Result<Option<Upload>, StoreError> {
        let mut items = self.items();
        let Some(stored) = items.uploads.get_mut(&(upload.owner, upload.id)) else { return Ok(None) };
        let Some(moved) = stored.apply(transition) else { return Ok(None) };
        let Some(expected) = upload.apply(transition) else { return Ok(None) };
        let change = Held::change(upload, &expected);
        if change.is_nothing() {
            *stored = moved.clone();
            return Ok(Some(moved));
        }
        if transition.ends_without_a_file() && upload.is_unnamed() && !stored.is_unnamed() {
            return Ok(None);
        }
        *stored = moved;
        let counted = items.usage.entry(upload.owner).or_default();
        counted.change(counted.counters.changed(change), transition.made_at(upload));
        Ok(Some(expected))
    }
}
