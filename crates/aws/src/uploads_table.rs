//! The DynamoDB ports on one table. Every change of an upload's status in the project is one of the conditional writes
//! in this file; their conditions are `Upload::apply`'s, and the conformance suite says so.
//!
//! IAM: `dynamodb:PutItem`, `GetItem`, `UpdateItem`, `Query`, `Scan` on the table; each port of `valet_core::ports` names its own.

mod files;
mod restore;
mod sessions;

use crate::Connection;
use crate::error::{bad_answer, store_error};
use crate::upload_item::{
    Fields, Item, LOOSE_PARTS, TOMBSTONE_LIFETIME, due_shard, from_item, item, milliseconds, number,
    partition, placeholder_value, seconds, text, thumbnails_value, to_item, upload_key,
};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{Put, ReturnValue, TransactWriteItem};
use time::OffsetDateTime;
use valet_core::error::{StoreError, StoreErrorKind};
use valet_core::ports::{
    GetIdempotencyRecord, GetUpload, IdempotencyRecord, PutOutcome, PutUpload, UpdateUpload,
};
use valet_core::upload::{SECOND_LOOK, THUMBNAIL_PATIENCE, Thumbnails, Transition};
use valet_core::{Owner, Upload, UploadId};

/// One table.
pub struct UploadsTable {
    client: aws_sdk_dynamodb::Client,
    table: String,
}

impl UploadsTable {
    /// The table of this name.
    pub fn new(connection: &Connection, table: String) -> Self {
        Self { client: connection.dynamodb(), table }
    }

    /// An item as it is now: what a stale read would say has already been decided otherwise.
    async fn get(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let got = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key))
            .consistent_read(true)
            .send()
            .await;
        Ok(got.map_err(|error| store_error("GetItem", error))?.item)
    }

    async fn put_with_key(
        &self,
        upload: &Upload,
        record: &IdempotencyRecord,
    ) -> Result<PutOutcome, StoreError> {
        let mut key_item = idempotency_key(upload.owner, &record.key_hash);
        key_item.extend(item([
            ("fingerprint", text(&record.fingerprint)),
            ("upload_id", text(record.upload_id.to_string())),
            ("expires_at", milliseconds(record.expires_at)),
            ("ttl", seconds(record.expires_at)),
        ]));
        let key_put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(key_item))
            // TTL may take two days to remove what has expired.
            .condition_expression("attribute_not_exists(pk) OR expires_at <= :now")
            .expression_attribute_values(":now", milliseconds(upload.created_at));
        let upload_put = Put::builder().table_name(&self.table).set_item(Some(to_item(upload)));
        let put = |put: aws_sdk_dynamodb::types::builders::PutBuilder| {
            TransactWriteItem::builder().put(put.build().expect("table and item are set")).build()
        };
        let written = self
            .client
            .transact_write_items()
            .transact_items(put(key_put))
            .transact_items(put(upload_put))
            .send();
        match written.await {
            Ok(_) => Ok(PutOutcome::Created),
            Err(SdkError::ServiceError(answer)) if has_reason(answer.err(), "ConditionalCheckFailed") => {
                Ok(PutOutcome::KeyTaken)
            }
            Err(SdkError::ServiceError(answer)) if has_reason(answer.err(), "TransactionConflict") => {
                Ok(PutOutcome::Busy)
            }
            Err(error) => {
                let is_throttled = error.as_service_error().is_some_and(|error| {
                    has_reason(error, "ThrottlingError") || has_reason(error, "ProvisionedThroughputExceeded")
                });
                let error = store_error("TransactWriteItems", error);
                // The exception itself says only that it was cancelled.
                Err(if is_throttled {
                    StoreError { kind: StoreErrorKind::Transient, ..error }
                } else {
                    error
                })
            }
        }
    }
}

impl PutUpload for UploadsTable {
    async fn put_upload(
        &self,
        upload: &Upload,
        idempotency: Option<&IdempotencyRecord>,
    ) -> Result<PutOutcome, StoreError> {
        if let Some(record) = idempotency {
            return self.put_with_key(upload, record).await;
        }
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_item(upload)))
            // A first try whose answer was lost may land late, when the row has moved on.
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        match put {
            Ok(_) => Ok(PutOutcome::Created),
            // Ids do not repeat, so what is there is our own first try.
            Err(SdkError::ServiceError(answer))
                if matches!(answer.err(), PutItemError::ConditionalCheckFailedException(_)) =>
            {
                Ok(PutOutcome::Created)
            }
            Err(error) => Err(store_error("PutItem", error)),
        }
    }
}

impl GetIdempotencyRecord for UploadsTable {
    async fn get_idempotency_record(
        &self,
        owner: Owner,
        key_hash: &str,
        now: OffsetDateTime,
    ) -> Result<Option<IdempotencyRecord>, StoreError> {
        let Some(item) = self.get(idempotency_key(owner, key_hash)).await? else { return Ok(None) };
        let fields = Fields(&item);
        let record = || {
            Some(IdempotencyRecord {
                key_hash: key_hash.to_owned(),
                fingerprint: fields.text("fingerprint")?.to_owned(),
                upload_id: UploadId::parse(fields.text("upload_id")?)?,
                expires_at: fields.time("expires_at")?,
            })
        };
        let record =
            record().ok_or_else(|| bad_answer("GetItem", "an item that is not an idempotency record"))?;
        Ok(Some(record).filter(|record| record.expires_at > now))
    }
}

impl GetUpload for UploadsTable {
    async fn get_upload(&self, owner: Owner, id: UploadId) -> Result<Option<Upload>, StoreError> {
        let item = self.get(upload_key(owner, id)).await?;
        item.map(|item| from_item("GetItem", &item)).transpose()
    }
}

impl UpdateUpload for UploadsTable {
    async fn update_upload(
        &self,
        owner: Owner,
        id: UploadId,
        transition: &Transition,
    ) -> Result<Option<Upload>, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(upload_key(owner, id)))
            .return_values(ReturnValue::AllNew);
        match transition_update(update, id, transition).send().await {
            Ok(updated) => {
                let item = updated.attributes.ok_or_else(|| bad_answer("UpdateItem", "no attributes"))?;
                from_item("UpdateItem", &item).map(Some)
            }
            Err(SdkError::ServiceError(answer))
                if matches!(answer.err(), UpdateItemError::ConditionalCheckFailedException(_)) =>
            {
                Ok(None)
            }
            Err(error) => Err(store_error("UpdateItem", error)),
        }
    }
}

/// The condition and the effect of a move, [`valet_core::upload::Transition`]'s in DynamoDB's words.
fn transition_update(
    update: UpdateItemFluentBuilder,
    id: UploadId,
    transition: &Transition,
) -> UpdateItemFluentBuilder {
    const FROM_PENDING: &str = "#status = :pending";
    const THUMBNAILS_FROM_PENDING: &str = "#status = :ready AND thumbnails.#status = :pending";
    // Every row with a state has a shard; of older ones it is set here.
    const WITHOUT_FILE: &str = "SET #status = :to, due_shard = :shard, due_at = expires_at + :second_look";
    let status = |update: UpdateItemFluentBuilder| update.expression_attribute_names("#status", "status");
    let from_pending = |update| {
        status(update)
            .condition_expression(FROM_PENDING)
            .expression_attribute_values(":pending", text("pending"))
    };
    let without_file = |update: UpdateItemFluentBuilder, to: &str| {
        update
            .expression_attribute_values(":to", text(to))
            .expression_attribute_values(":shard", due_shard(id))
            .expression_attribute_values(":second_look", number(SECOND_LOOK.whole_milliseconds()))
    };
    let thumbnails_from_pending = |update, thumbnails: &Thumbnails| {
        status(update)
            .condition_expression(THUMBNAILS_FROM_PENDING)
            .expression_attribute_values(":pending", text("pending"))
            .expression_attribute_values(":ready", text("ready"))
            .expression_attribute_values(":thumbnails", thumbnails_value(thumbnails))
    };
    match transition {
        Transition::Verify { version, at, size_bytes, crc64nvme, thumbnails, arrived_at: _ } => {
            let mut set =
                "SET #status = :ready, version_id = :version, confirmed_at = :at, size_bytes = :size, thumbnails = :thumbnails"
                    .to_owned();
            let mut remove = " REMOVE #ttl, max_bytes".to_owned();
            let mut update = from_pending(update)
                .expression_attribute_names("#ttl", "ttl")
                .expression_attribute_values(":ready", text("ready"))
                .expression_attribute_values(":version", text(version.as_str()))
                .expression_attribute_values(":at", milliseconds(*at))
                .expression_attribute_values(":size", number(*size_bytes))
                .expression_attribute_values(":thumbnails", thumbnails_value(thumbnails));
            if let Some(crc64nvme) = crc64nvme {
                set.push_str(", crc64nvme = :crc64nvme");
                update = update.expression_attribute_values(":crc64nvme", text(crc64nvme.to_string()));
            }
            if *thumbnails == Thumbnails::Pending {
                set.push_str(", due_shard = :shard, due_at = :due");
                update = update
                    .expression_attribute_values(":shard", due_shard(id))
                    .expression_attribute_values(":due", milliseconds(*at + THUMBNAIL_PATIENCE));
            } else {
                remove.push_str(", due_shard, due_at");
            }
            update.update_expression(set + &remove)
        }
        Transition::Reject(reason) => without_file(from_pending(update), "rejected")
            .update_expression(format!("{WITHOUT_FILE}, reason = :reason"))
            .expression_attribute_values(":reason", text(reason.code())),
        Transition::Cancel => without_file(from_pending(update), "cancelled").update_expression(WITHOUT_FILE),
        Transition::NameMultipart(id) => from_pending(update)
            .condition_expression(
                "#status = :pending AND transfer = :loose AND attribute_not_exists(multipart_id)",
            )
            .update_expression("SET multipart_id = :multipart")
            .expression_attribute_values(":loose", text(LOOSE_PARTS))
            .expression_attribute_values(":multipart", text(id.as_str())),
        Transition::Expire { at } => without_file(from_pending(update), "expired")
            .condition_expression("#status = :pending AND expires_at <= :at")
            .update_expression(WITHOUT_FILE)
            .expression_attribute_values(":at", milliseconds(*at)),
        Transition::Delete { at } => without_file(status(update), "deleted")
            .condition_expression("#status = :ready")
            .update_expression(format!("{WITHOUT_FILE}, #ttl = :ttl"))
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ready", text("ready"))
            .expression_attribute_values(":ttl", seconds(*at + TOMBSTONE_LIFETIME)),
        Transition::Thumbnailed { source, placeholder, thumbnails } => thumbnails_from_pending(
            update,
            &Thumbnails::Ready(thumbnails.clone()),
        )
        .update_expression(
            "SET thumbnails = :thumbnails, placeholder = :placeholder, width = :width, height = :height \
                     REMOVE due_shard, due_at",
        )
        .expression_attribute_values(":placeholder", placeholder_value(placeholder))
        .expression_attribute_values(":width", number(source.width))
        .expression_attribute_values(":height", number(source.height)),
        Transition::ThumbnailsFailed { reason } => {
            thumbnails_from_pending(update, &Thumbnails::Failed(reason.clone()))
                .update_expression("SET thumbnails = :thumbnails REMOVE due_shard, due_at")
        }
        Transition::Looked { due_at, next } => {
            let update = update
                .condition_expression("due_at = :due")
                .expression_attribute_values(":due", milliseconds(*due_at));
            match next {
                Some(next) => update
                    .update_expression("SET due_at = :next")
                    .expression_attribute_values(":next", milliseconds(*next)),
                None => update.update_expression("REMOVE due_shard, due_at"),
            }
        }
    }
}

fn idempotency_key(owner: Owner, key_hash: &str) -> Item {
    item([("pk", partition(owner)), ("sk", text(format!("IDEMPOTENCY#{key_hash}")))])
}

fn has_reason(error: &TransactWriteItemsError, code: &str) -> bool {
    match error {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => {
            cancelled.cancellation_reasons().iter().any(|reason| reason.code() == Some(code))
        }
        _ => false,
    }
}
