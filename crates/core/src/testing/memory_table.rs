//! A table in memory whose conditions are [`Upload::apply`]'s.

use crate::error::StoreError;
use crate::ports::{
    GetIdempotencyRecord, GetSession, GetUpload, GetUsage, IdempotencyRecord, ListReady, Place, PutOutcome,
    PutSession, PutUpload, ReadyPage, UpdateUpload, Walk,
};
use crate::sessions::{SecretHash, Session};
use crate::upload::{State, Transition};
use crate::usage::Counters;
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
    usage: BTreeMap<Owner, Counters>,
}

impl MemoryTable {
    /// A table that holds these uploads.
    pub fn with(uploads: impl IntoIterator<Item = Upload>) -> Self {
        let table = Self::default();
        table.items().uploads.extend(uploads.into_iter().map(|upload| ((upload.owner, upload.id), upload)));
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

impl PutUpload for MemoryTable {
    async fn put_upload(
        &self,
        upload: &Upload,
        idempotency: Option<&IdempotencyRecord>,
    ) -> Result<PutOutcome, StoreError> {
        let mut items = self.items();
        if let Some(record) = idempotency {
            let key = (upload.owner, record.key_hash.clone());
            if items.idempotency.get(&key).is_some_and(|known| known.expires_at > upload.created_at) {
                return Ok(PutOutcome::KeyTaken);
            }
            items.idempotency.insert(key, record.clone());
        }
        items.uploads.entry((upload.owner, upload.id)).or_insert_with(|| upload.clone());
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
        Ok(self.items().usage.get(&owner).copied())
    }
}

impl ListReady for MemoryTable {
    async fn list_ready(
        &self,
        owner: Owner,
        after: Option<UploadId>,
        rows: NonZeroU16,
    ) -> Result<ReadyPage, StoreError> {
        let rows = usize::from(rows.get());
        let items = self.items();
        let behind = |id: UploadId| after.is_none_or(|after| id < after);
        let mut uploads: Vec<_> = items
            .uploads
            .values()
            .rev()
            .filter(|upload| upload.owner == owner && behind(upload.id))
            .take(rows)
            .cloned()
            .collect();
        // As DynamoDB: a full look says that there may be more, also at the very end.
        let next = uploads.last().map(|upload| upload.id).filter(|_| uploads.len() == rows);
        uploads.retain(|upload| matches!(upload.state, State::Ready(_)));
        Ok(ReadyPage { uploads, next })
    }
}

impl UpdateUpload for MemoryTable {
    async fn update_upload(
        &self,
        owner: Owner,
        id: UploadId,
        transition: &Transition,
    ) -> Result<Option<Upload>, StoreError> {
        let mut items = self.items();
        let Some(upload) = items.uploads.get_mut(&(owner, id)) else { return Ok(None) };
        let moved = upload.apply(transition);
        if let Some(moved) = &moved {
            *upload = moved.clone();
        }
        Ok(moved)
    }
}
