//! The DynamoDB ports on one table. Every change of an upload's status in the project is one of the conditional writes
//! in `moves`, and changes the owner's counters in the same transaction where it changes what is held.
//!
//! IAM: `dynamodb:PutItem`, `GetItem`, `UpdateItem`, `Query`, `Scan` on the table; each port of `valet_core::ports` names its own.

mod files;
mod grants;
mod moves;
mod restore;
mod sessions;
mod transaction;
mod usage;

use crate::Connection;
use crate::error::{bad_answer, store_error};
use crate::upload_item::{Fields, Item, from_item, item, partition, text, upload_key};
use aws_sdk_dynamodb::types::ReturnValue;
use moves::{Move, move_of};
use time::OffsetDateTime;
use transaction::past_transactions;
use usage::move_update;
use valet_core::error::StoreError;
use valet_core::ports::{GetIdempotencyRecord, GetUpload, IdempotencyRecord, UpdateUpload};
use valet_core::upload::Transition;
use valet_core::usage::Held;
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
        upload: &Upload,
        transition: &Transition,
    ) -> Result<Option<Upload>, StoreError> {
        let Some(expected) = upload.apply(transition) else { return Ok(None) };
        let change = Held::change(upload, &expected);
        if change.is_nothing() {
            return self.move_row(upload, transition).await;
        }
        let mut row = move_of(upload, transition);
        if transition.ends_without_a_file() && upload.is_unnamed() {
            row.condition += " AND attribute_not_exists(multipart_id)";
        }
        let row = row.in_transaction(&self.table, upload_key(upload.owner, upload.id));
        let usage = move_update(&self.table, upload.owner, change, transition.made_at(upload));
        match self.transact(vec![row, usage]).await? {
            Ok(()) => Ok(Some(expected)),
            Err(cancelled) if cancelled.failed(0) => Ok(None),
            Err(cancelled) => Err(cancelled.busy()),
        }
    }
}

impl UploadsTable {
    /// Makes a move that changes nothing of what is held.
    async fn move_row(&self, upload: &Upload, transition: &Transition) -> Result<Option<Upload>, StoreError> {
        let Move { condition, effect, names, values } = move_of(upload, transition);
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(upload_key(upload.owner, upload.id)))
            .condition_expression(condition)
            .update_expression(effect)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(Some(values))
            .return_values(ReturnValue::AllNew);
        let Some(updated) = past_transactions(|| update.clone().send()).await? else { return Ok(None) };
        let item = updated.attributes.ok_or_else(|| bad_answer("UpdateItem", "no attributes"))?;
        from_item("UpdateItem", &item).map(Some)
    }
}

fn idempotency_key(owner: Owner, key_hash: &str) -> Item {
    item([("pk", partition(owner)), ("sk", text(format!("IDEMPOTENCY#{key_hash}")))])
}
