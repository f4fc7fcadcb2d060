//! One write of several items, made again while others write the same ones. The SDK gives each call a token, so that a call it makes again
//! after a lost answer is done once; what it does not make again is a call that met another transaction.

use super::UploadsTable;
use crate::error::store_error;
use crate::upload_item::Item;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::future::Future;
use std::time::Duration;
use valet_core::error::{StoreError, StoreErrorKind};

/// How often a write is made that meets others. The waits between come to 3 seconds on average and 6 at most, within the shortest function's
/// deadline: enough for 50 who all write the same item at once, each for 15 milliseconds.
const TRIES: u32 = 12;

/// Half the longest wait after the first try; it doubles with each, up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(20);

/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_millis(800);

/// A transaction that was not done because of what it found: a reason for each of its actions, in their order.
pub(super) struct Cancelled(Vec<CancellationReason>);

impl UploadsTable {
    /// Makes these changes all at once. An error, after which it may be made again, means that it is not known whether they were made.
    pub(super) async fn transact(
        &self,
        actions: Vec<TransactWriteItem>,
    ) -> Result<Result<(), Cancelled>, StoreError> {
        let mut tried = 1;
        loop {
            let transaction = self.client.transact_write_items().set_transact_items(Some(actions.clone()));
            let Err(error) = transaction.send().await else { return Ok(Ok(())) };
            let reasons = reasons(&error);
            let has = |code: &str| reasons.iter().any(|reason| reason.code() == Some(code));
            if has("ConditionalCheckFailed") {
                return Ok(Err(Cancelled(reasons.to_vec())));
            }
            let meets_others = has("TransactionConflict");
            if meets_others && tried < TRIES {
                wait(tried).await;
                tried += 1;
                continue;
            }
            if meets_others {
                return Ok(Err(Cancelled(reasons.to_vec())));
            }
            let is_throttled = has("ThrottlingError") || has("ProvisionedThroughputExceeded");
            let error = store_error("TransactWriteItems", error);
            // The exception itself says only that it was cancelled.
            return Err(if is_throttled {
                StoreError { kind: StoreErrorKind::Transient, ..error }
            } else {
                error
            });
        }
    }
}

impl Cancelled {
    /// Whether the condition of an action did not hold.
    pub(super) fn failed(&self, action: usize) -> bool {
        self.0.get(action).is_some_and(|reason| reason.code() == Some("ConditionalCheckFailed"))
    }

    /// The item that an action's condition met, if there was one and it was asked for.
    pub(super) fn item(&self, action: usize) -> Option<&Item> {
        self.0.get(action)?.item()
    }

    /// Whether an action met another transaction to the last.
    pub(super) fn met_others(&self, action: usize) -> bool {
        self.0.get(action).is_some_and(|reason| reason.code() == Some("TransactionConflict"))
    }

    /// What is said to whoever can only try again later.
    pub(super) fn busy(self) -> StoreError {
        let codes: Vec<_> = self.0.iter().map(|reason| reason.code().unwrap_or("no code")).collect();
        let source = format!("cancelled {TRIES} times: {}", codes.join(", ")).into();
        StoreError { operation: "TransactWriteItems", kind: StoreErrorKind::Transient, source }
    }
}

/// Changes one item, and again where it has met a transaction: whoever fails so has changed nothing. `None` where its condition does not hold.
pub(super) async fn past_transactions<F>(
    mut update: impl FnMut() -> F,
) -> Result<Option<UpdateItemOutput>, StoreError>
where
    F: Future<Output = Result<UpdateItemOutput, SdkError<UpdateItemError, HttpResponse>>>,
{
    let mut tried = 1;
    loop {
        let error = match update().await {
            Ok(updated) => return Ok(Some(updated)),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => return Ok(None),
            Some(answer) if answer.code() == Some("TransactionConflictException") && tried < TRIES => {
                wait(tried).await;
                tried += 1;
            }
            _ => return Err(store_error("UpdateItem", error)),
        }
    }
}

/// Waits for as long as chance will have it, so that those who met do not meet again.
async fn wait(tried: u32) {
    let longest = FIRST_WAIT.saturating_mul(1 << tried.min(10)).min(LONGEST_WAIT);
    tokio::time::sleep(longest.mul_f64(fastrand::f64())).await;
}

fn reasons(error: &SdkError<TransactWriteItemsError, HttpResponse>) -> &[CancellationReason] {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons()
        }
        _ => &[],
    }
}
