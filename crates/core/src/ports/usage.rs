//! What counting needs of the table.

use crate::Owner;
use crate::error::StoreError;
use crate::usage::Counters;
use std::future::Future;

/// Reads what an owner holds.
pub trait GetUsage {
    /// The owner's counters with all completed changes; `None` when nothing was ever counted. IAM: `dynamodb:GetItem`.
    fn get_usage(&self, owner: Owner) -> impl Future<Output = Result<Option<Counters>, StoreError>> + Send;
}
