//! The sweep's own view of the table of uploads: the index of what is due, which it only reads, and its cursors. It never touches a row of an
//! upload.
//!
//! IAM: `dynamodb:Query` on the index; `dynamodb:GetItem` and `PutItem` on the table, the latter for the partition `SWEEP` alone.

use crate::Connection;
use crate::error::{bad_answer, store_error};
use crate::upload_item::{
    Fields, Item, due_shard, due_usage_shard, item, milliseconds, text, upload_key, usage_key, usage_shard,
};
use aws_sdk_dynamodb::operation::query::QueryOutput;
use time::OffsetDateTime;
use valet_core::error::StoreError;
use valet_core::ports::{
    Due, DuePage, DueShard, DueUsage, DueUsagePage, GetCursor, ListDue, ListDueUsage, Place, PutCursor, Walk,
};
use valet_core::{Owner, UploadId};

/// The index of what is due: `due_shard`, then `due_at`. A row without both is not in it.
const INDEX: &str = "due";

/// The partition of the cursors. No owner has it: theirs begin with `OWNER#`.
const PARTITION: &str = "SWEEP";

/// One table.
pub struct SweepTable {
    client: aws_sdk_dynamodb::Client,
    table: String,
}

impl SweepTable {
    /// The table of this name.
    pub fn new(connection: &Connection, table: String) -> Self {
        Self { client: connection.dynamodb(), table }
    }

    /// What stands in one shard of the index.
    async fn due(
        &self,
        shard: String,
        until: OffsetDateTime,
        after: Option<Item>,
        limit: u16,
    ) -> Result<QueryOutput, StoreError> {
        self.client
            .query()
            .table_name(&self.table)
            .index_name(INDEX)
            .key_condition_expression("due_shard = :shard AND due_at <= :until")
            .expression_attribute_values(":shard", text(shard))
            .expression_attribute_values(":until", milliseconds(until))
            .set_exclusive_start_key(after)
            .limit(limit.into())
            .send()
            .await
            .map_err(|error| store_error("Query", error))
    }
}

impl ListDue for SweepTable {
    async fn list_due(
        &self,
        shard: DueShard,
        until: OffsetDateTime,
        after: Option<&Due>,
        limit: u16,
    ) -> Result<DuePage, StoreError> {
        let page = self.due(shard.to_string(), until, after.map(place), limit).await?;
        let read = |item: &Item| {
            due(item).ok_or_else(|| bad_answer("Query", "an item in the index that is not an upload"))
        };
        let due = page.items().iter().map(read).collect::<Result<_, _>>()?;
        let next = page.last_evaluated_key().map(read).transpose()?;
        Ok(DuePage { due, next })
    }
}

impl ListDueUsage for SweepTable {
    async fn list_due_usage(
        &self,
        shard: DueShard,
        until: OffsetDateTime,
        after: Option<&DueUsage>,
        limit: u16,
    ) -> Result<DueUsagePage, StoreError> {
        let page = self.due(usage_shard(shard), until, after.map(usage_place), limit).await?;
        let read = |item: &Item| {
            due_usage(item).ok_or_else(|| bad_answer("Query", "an item in the index that is no counters"))
        };
        let due = page.items().iter().map(read).collect::<Result<_, _>>()?;
        let next = page.last_evaluated_key().map(read).transpose()?;
        Ok(DueUsagePage { due, next })
    }
}

fn usage_place(due: &DueUsage) -> Item {
    let mut key = usage_key(due.owner);
    key.extend(item([("due_shard", due_usage_shard(due.owner)), ("due_at", milliseconds(due.due_at))]));
    key
}

fn due_usage(item: &Item) -> Option<DueUsage> {
    let fields = Fields(item);
    Some(DueUsage {
        owner: Owner::parse(fields.text("pk")?.strip_prefix("OWNER#")?)?,
        due_at: fields.time("due_at")?,
    })
}

/// The key of an entry of the index: the index's own and the row's.
fn place(due: &Due) -> Item {
    let mut key = upload_key(due.owner, due.id);
    key.extend(item([("due_shard", due_shard(due.id)), ("due_at", milliseconds(due.due_at))]));
    key
}

fn due(item: &Item) -> Option<Due> {
    let fields = Fields(item);
    Some(Due {
        owner: Owner::parse(fields.text("pk")?.strip_prefix("OWNER#")?)?,
        id: UploadId::parse(fields.text("sk")?.strip_prefix("UPLOAD#")?)?,
        due_at: fields.time("due_at")?,
    })
}

impl GetCursor for SweepTable {
    async fn get_cursor(&self, walk: Walk) -> Result<Option<Place>, StoreError> {
        let got = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(cursor(walk)))
            .consistent_read(true)
            .send()
            .await;
        let Some(item) = got.map_err(|error| store_error("GetItem", error))?.item else { return Ok(None) };
        let fields = Fields(&item);
        Ok(fields
            .text("key")
            .zip(fields.text("id"))
            .map(|(key, id)| Place { key: key.to_owned(), id: id.to_owned() }))
    }
}

impl PutCursor for SweepTable {
    async fn put_cursor(&self, walk: Walk, place: Option<&Place>) -> Result<(), StoreError> {
        let mut row = cursor(walk);
        if let Some(Place { key, id }) = place {
            row.extend(item([("key", text(key)), ("id", text(id))]));
        }
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(row))
            .send()
            .await
            .map(drop)
            .map_err(|error| store_error("PutItem", error))
    }
}

fn cursor(walk: Walk) -> Item {
    item([("pk", text(PARTITION)), ("sk", text(format!("CURSOR#{}", walk.as_str())))])
}
