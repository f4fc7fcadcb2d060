//! What the sweep needs, in memory: the index of what is due, lists of the bucket, cursors, a queue.

use super::memory_bucket::{MemoryBucket, Version};
use super::memory_table::MemoryTable;
use crate::error::StoreError;
use crate::ports::{
    Due, DuePage, DueShard, DueUsage, DueUsagePage, GetCursor, ListDue, ListDueUsage, ListMultiparts,
    ListObjectVersions, ListedVersion, MultipartsPage, OpenMultipart, Place, PutCursor, RequeueArrival,
    StoredHeaders, Under, VersionsPage, Walk,
};
use crate::upload::{MultipartId, VersionId};
use crate::usage::{Counters, Held};
use crate::{Owner, Upload, UploadKey};
use std::sync::{Mutex, MutexGuard};
use time::OffsetDateTime;

/// A queue in memory.
#[derive(Default)]
pub struct MemoryQueue(Mutex<Vec<(UploadKey, VersionId)>>);

impl MemoryQueue {
    /// What was sent since the last time somebody asked.
    pub fn sent(&self) -> Vec<(UploadKey, VersionId)> {
        std::mem::take(&mut *self.arrivals())
    }

    fn arrivals(&self) -> MutexGuard<'_, Vec<(UploadKey, VersionId)>> {
        self.0.lock().expect("no test panics while holding it")
    }
}

impl RequeueArrival for MemoryQueue {
    async fn requeue_arrival(
        &self,
        key: &UploadKey,
        version: &VersionId,
        _: OffsetDateTime,
    ) -> Result<(), StoreError> {
        self.arrivals().push((*key, version.clone()));
        Ok(())
    }
}

impl MemoryTable {
    /// What an owner's uploads hold, counted anew: what its counters must say.
    pub fn held(&self, owner: Owner) -> Held {
        let mut held = Held::default();
        for upload in self.uploads().iter().filter(|upload| upload.owner == owner) {
            held += Held::by(upload);
        }
        held
    }

    /// What an owner's counters say.
    pub fn counters(&self, owner: Owner) -> Counters {
        self.items().usage.get(&owner).map(|counted| counted.counters).unwrap_or_default()
    }

    /// When an owner's uploads are to be counted again, if they are.
    pub fn recount_due_at(&self, owner: Owner) -> Option<OffsetDateTime> {
        self.items().usage.get(&owner)?.due_at
    }

    /// Sets an owner's counters to something else, as if they had gone wrong. They are due as before.
    pub fn spoil(&self, owner: Owner, held: Held) {
        self.items().usage.entry(owner).or_default().counters.held = held;
    }

    /// Every upload.
    pub fn uploads(&self) -> Vec<Upload> {
        self.items().uploads.values().cloned().collect()
    }
}

impl MemoryBucket {
    /// Stores an object under a key that is not ours.
    pub fn store_anywhere(&self, key: &str, bytes: &[u8]) {
        self.contents().push(key.to_owned(), bytes.to_vec(), StoredHeaders::default(), None);
    }

    /// Whether this version lies under a key and nothing newer does.
    pub fn is_current(&self, key: &UploadKey, version: &VersionId) -> bool {
        self.contents().find(key, None).is_some_and(|current| current.id == *version)
    }
}

impl ListDue for MemoryTable {
    async fn list_due(
        &self,
        shard: DueShard,
        until: OffsetDateTime,
        after: Option<&Due>,
        limit: u16,
    ) -> Result<DuePage, StoreError> {
        let items = self.items();
        let mut due: Vec<_> = items
            .uploads
            .values()
            .filter(|upload| DueShard::of(upload.id) == shard)
            .filter_map(|upload| Some(Due { owner: upload.owner, id: upload.id, due_at: upload.due_at? }))
            .filter(|due| due.due_at <= until && after.is_none_or(|after| order(due) > order(after)))
            .collect();
        due.sort_by_key(order);
        let more = due.len() > usize::from(limit);
        due.truncate(usize::from(limit));
        let next = due.last().copied().filter(|_| more);
        Ok(DuePage { due, next })
    }
}

impl ListDueUsage for MemoryTable {
    async fn list_due_usage(
        &self,
        shard: DueShard,
        until: OffsetDateTime,
        after: Option<&DueUsage>,
        limit: u16,
    ) -> Result<DueUsagePage, StoreError> {
        let order = |due: &DueUsage| (due.due_at, due.owner);
        let items = self.items();
        let mut due: Vec<_> = items
            .usage
            .iter()
            .filter(|(owner, _)| DueShard::of_owner(**owner) == shard)
            .filter_map(|(owner, counted)| Some(DueUsage { owner: *owner, due_at: counted.due_at? }))
            .filter(|due| due.due_at <= until && after.is_none_or(|after| order(due) > order(after)))
            .collect();
        due.sort_by_key(order);
        let more = due.len() > usize::from(limit);
        due.truncate(usize::from(limit));
        let next = due.last().copied().filter(|_| more);
        Ok(DueUsagePage { due, next })
    }
}

fn order(due: &Due) -> (OffsetDateTime, impl Ord + use<>) {
    (due.due_at, (due.owner, due.id))
}

impl GetCursor for MemoryTable {
    async fn get_cursor(&self, walk: Walk) -> Result<Option<Place>, StoreError> {
        Ok(self.items().cursors.get(&walk).cloned())
    }
}

impl PutCursor for MemoryTable {
    async fn put_cursor(&self, walk: Walk, place: Option<&Place>) -> Result<(), StoreError> {
        let mut items = self.items();
        match place {
            Some(place) => items.cursors.insert(walk, place.clone()),
            None => items.cursors.remove(&walk),
        };
        Ok(())
    }
}

impl ListObjectVersions for MemoryBucket {
    async fn list_object_versions(
        &self,
        under: &Under,
        after: Option<&Place>,
        limit: u16,
    ) -> Result<VersionsPage, StoreError> {
        let contents = self.contents();
        let prefix = under.to_string();
        let mut versions: Vec<_> = contents
            .objects
            .iter()
            .filter(
                |(key, _)| {
                    if matches!(under, Under::File(_)) { **key == prefix } else { key.starts_with(&prefix) }
                },
            )
            .flat_map(|(key, versions)| listed(key, versions))
            .filter(|(version, _)| {
                after.is_none_or(|after| {
                    version.key > after.key
                        || (version.key == after.key && number(version.version.as_str()) < number(&after.id))
                })
            })
            .take(usize::from(limit) + 1)
            .collect();
        let more = versions.len() > usize::from(limit);
        versions.truncate(usize::from(limit));
        let last = versions.last().filter(|_| more);
        let next =
            last.map(|(last, _)| Place { key: last.key.clone(), id: last.version.as_str().to_owned() });
        let versions = versions.into_iter().filter(|(_, is_marker)| !is_marker);
        Ok(VersionsPage { versions: versions.map(|(version, _)| version).collect(), next })
    }
}

/// The newest first, and whether each is a delete marker.
fn listed(key: &str, versions: &[Version]) -> Vec<(ListedVersion, bool)> {
    let newest_first = versions.iter().rev().enumerate();
    newest_first
        .map(|(place, version)| {
            let listed = ListedVersion {
                key: key.to_owned(),
                version: version.id.clone(),
                is_latest: place == 0,
                stored_at: version.stored_at,
            };
            (listed, version.is_delete_marker)
        })
        .collect()
}

/// Memory's names are a letter and a number that grows.
fn number(id: &str) -> u64 {
    id[1..].parse().expect("memory gave it")
}

impl ListMultiparts for MemoryBucket {
    async fn list_multiparts(&self, after: Option<&Place>, limit: u16) -> Result<MultipartsPage, StoreError> {
        let contents = self.contents();
        let mut multiparts: Vec<_> = contents
            .multiparts
            .iter()
            .map(|(id, open)| OpenMultipart {
                key: open.key.to_string(),
                id: MultipartId::new(id),
                begun_at: open.begun_at,
            })
            .filter(|open| {
                after.is_none_or(|after| {
                    (open.key.as_str(), number(open.id.as_str())) > (&*after.key, number(&after.id))
                })
            })
            .collect();
        multiparts.sort_by_key(|open| (open.key.clone(), number(open.id.as_str())));
        let more = multiparts.len() > usize::from(limit);
        multiparts.truncate(usize::from(limit));
        let last = multiparts.last().filter(|_| more);
        let next = last.map(|last| Place { key: last.key.clone(), id: last.id.as_str().to_owned() });
        Ok(MultipartsPage { multiparts, next })
    }
}
