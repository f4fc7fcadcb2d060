//! An owner's counters: the changes of them in DynamoDB's words, reading them, and writing them down after a recount.

use super::UploadsTable;
use super::transaction::past_transactions;
use crate::error::{bad_answer, store_error};
use crate::upload_item::{
    Fields, Item, due_usage_shard, from_item, milliseconds, number, partition, text, upload_key, usage_key,
};
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use std::fmt::Write as _;
use std::num::NonZeroU16;
use time::OffsetDateTime;
use valet_core::error::StoreError;
use valet_core::ports::{DueUsage, GetUsage, ListUploads, PutOffUsage, PutUsage, UploadsPage};
use valet_core::usage::{Claim, Counters, Held, Minute, RECOUNT_AFTER, Room, Window};
use valet_core::{Owner, UploadId};

/// Adds what changes, and has it counted again a day after the first change since the last time.
const ADD: &str = " ADD #files :files, #bytes :bytes, #pending :pending, #revision :one";
const DUE: &str = "due_shard = :shard, due_at = if_not_exists(due_at, :due)";

/// The counters an item holds. What was never counted is missing.
pub(super) fn counters(item: &Item) -> Result<Counters, StoreError> {
    let fields = Fields(item);
    let read = || {
        Some(Counters {
            held: Held {
                files: fields.counter("files")?,
                bytes: fields.counter("bytes")?,
                pending: fields.counter("pending")?,
            },
            minute: Minute::new(fields.counter("minute")?),
            granted: fields.counter("granted")?,
            revision: fields.counter("revision")?,
        })
    };
    read().ok_or_else(|| bad_answer("GetItem", "counters that are no numbers"))
}

/// The claim's condition and effect: [`Claim::is_admitted_by`] and [`Counters::claimed`].
pub(super) fn claim_update(table: &str, owner: Owner, claim: &Claim) -> TransactWriteItem {
    let Room { files, bytes, pending, granted } = claim.room();
    let mut update = change(table, owner, claim.held, claim.at)
        .expression_attribute_names("#minute", "minute")
        .expression_attribute_names("#granted", "granted")
        .expression_attribute_values(":grants", number(claim.grants))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let (mut condition, effect, minute) = match claim.window {
        Window::New(minute) => (
            "(attribute_not_exists(#minute) OR #minute < :minute)".to_owned(),
            format!("SET {DUE}, #minute = :minute, #granted = :grants{ADD}"),
            minute,
        ),
        Window::Same(minute) => {
            ("#minute = :minute".to_owned(), format!("SET {DUE}{ADD}, #granted :grants"), minute)
        }
    };
    update = update.expression_attribute_values(":minute", number(minute.get()));
    let is_same = matches!(claim.window, Window::Same(_));
    for (name, room) in
        [("files", files), ("bytes", bytes), ("pending", pending), ("granted", granted.filter(|_| is_same))]
    {
        if let Some(room) = room {
            // Missing: nothing was counted yet.
            write!(condition, " AND (attribute_not_exists(#{name}) OR #{name} <= :{name}_room)")
                .expect("writing to a String cannot fail");
            update = update.expression_attribute_values(format!(":{name}_room"), number(room));
        }
    }
    action(update.condition_expression(condition).update_expression(effect))
}

/// The change of the counters by a move.
pub(super) fn move_update(table: &str, owner: Owner, by: Held, at: OffsetDateTime) -> TransactWriteItem {
    action(change(table, owner, by, at).update_expression(format!("SET {DUE}{ADD}")))
}

fn change(table: &str, owner: Owner, by: Held, at: OffsetDateTime) -> UpdateBuilder {
    Update::builder()
        .table_name(table)
        .set_key(Some(usage_key(owner)))
        .expression_attribute_names("#files", "files")
        .expression_attribute_names("#bytes", "bytes")
        .expression_attribute_names("#pending", "pending")
        .expression_attribute_names("#revision", "revision")
        .expression_attribute_values(":files", number(by.files))
        .expression_attribute_values(":bytes", number(by.bytes))
        .expression_attribute_values(":pending", number(by.pending))
        .expression_attribute_values(":one", number(1))
        .expression_attribute_values(":shard", due_usage_shard(owner))
        .expression_attribute_values(":due", milliseconds(at + RECOUNT_AFTER))
}

fn action(update: UpdateBuilder) -> TransactWriteItem {
    let update = update.build().expect("table, key and expression are set");
    TransactWriteItem::builder().update(update).build()
}

impl GetUsage for UploadsTable {
    async fn get_usage(&self, owner: Owner) -> Result<Option<Counters>, StoreError> {
        self.get(usage_key(owner)).await?.as_ref().map(counters).transpose()
    }
}

impl PutUsage for UploadsTable {
    async fn put_usage(&self, owner: Owner, held: &Held, revision: u64) -> Result<bool, StoreError> {
        let condition =
            if revision == 0 { "attribute_not_exists(#revision)" } else { "#revision = :revision" };
        let update = || {
            let update = self
                .client
                .update_item()
                .table_name(&self.table)
                .set_key(Some(usage_key(owner)))
                .condition_expression(condition)
                .update_expression(
                    "SET #files = :files, #bytes = :bytes, #pending = :pending, #revision = :next \
                     REMOVE due_at",
                )
                .expression_attribute_names("#files", "files")
                .expression_attribute_names("#bytes", "bytes")
                .expression_attribute_names("#pending", "pending")
                .expression_attribute_names("#revision", "revision")
                .expression_attribute_values(":files", number(held.files))
                .expression_attribute_values(":bytes", number(held.bytes))
                .expression_attribute_values(":pending", number(held.pending))
                .expression_attribute_values(":next", number(revision + 1));
            if revision == 0 {
                update.send()
            } else {
                update.expression_attribute_values(":revision", number(revision)).send()
            }
        };
        Ok(past_transactions(update).await?.is_some())
    }
}

impl PutOffUsage for UploadsTable {
    async fn put_off_usage(&self, due: &DueUsage, until: OffsetDateTime) -> Result<(), StoreError> {
        let update = || {
            self.client
                .update_item()
                .table_name(&self.table)
                .set_key(Some(usage_key(due.owner)))
                .condition_expression("due_at = :due")
                .update_expression("SET due_at = :until")
                .expression_attribute_values(":due", milliseconds(due.due_at))
                .expression_attribute_values(":until", milliseconds(until))
                .send()
        };
        // Where the condition does not hold it was counted meanwhile, or put off already.
        past_transactions(update).await.map(drop)
    }
}

impl ListUploads for UploadsTable {
    async fn list_uploads(
        &self,
        owner: Owner,
        after: Option<UploadId>,
        rows: NonZeroU16,
    ) -> Result<UploadsPage, StoreError> {
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :owner AND begins_with(sk, :uploads)")
            .expression_attribute_values(":owner", partition(owner))
            .expression_attribute_values(":uploads", text("UPLOAD#"))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(rows.get().into())
            // Need not be there: it says only where in the partition to begin.
            .set_exclusive_start_key(after.map(|id| upload_key(owner, id)))
            .send()
            .await
            .map_err(|error| store_error("Query", error))?;
        let uploads = found.items().iter().map(|item| from_item("Query", item)).collect::<Result<_, _>>()?;
        let next = super::files::next(found.last_evaluated_key.as_ref())?;
        Ok(UploadsPage { uploads, next })
    }
}
