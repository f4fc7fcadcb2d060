//! A CDN in memory that keeps copies of what it served, until it is told to forget them.

use super::MemoryBucket;
use crate::error::StoreError;
use crate::ports::{Copies, InvalidateCopies};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

/// A CDN in memory.
#[derive(Default)]
pub struct MemoryCdn(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    copies: BTreeSet<String>,
    invalidations: BTreeMap<String, Vec<Copies>>,
}

impl MemoryCdn {
    /// Whether a reader who asks for this key gets something: a copy, or else what is in the bucket, which is then copied. It looks at
    /// no tag: what a bucket policy lets it read is not its own to say.
    pub fn serves(&self, bucket: &MemoryBucket, key: &impl ToString) -> bool {
        let key = key.to_string();
        let mut kept = self.kept();
        if bucket.text(&key).is_some() {
            kept.copies.insert(key.clone());
        }
        kept.copies.contains(&key)
    }

    /// What was paid for: every invalidation once, by its reference.
    pub fn invalidations(&self) -> Vec<(String, Vec<Copies>)> {
        self.kept().invalidations.clone().into_iter().collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().expect("no test panics while holding it")
    }
}

impl InvalidateCopies for MemoryCdn {
    async fn invalidate_copies(&self, reference: &str, copies: &[Copies]) -> Result<(), StoreError> {
        let mut kept = self.kept();
        if let Some(known) = kept.invalidations.get(reference) {
            assert_eq!(known, copies, "one reference for two invalidations");
            return Ok(());
        }
        kept.invalidations.insert(reference.to_owned(), copies.to_vec());
        kept.copies.retain(|key| {
            !copies.iter().any(|copies| match copies {
                Copies::Of(gone) => key == gone,
                Copies::Under(prefix) => key.starts_with(&prefix.to_string()),
            })
        });
        Ok(())
    }
}
