//! The moves of an upload as conditional writes. Their conditions and effects are `Upload::apply`'s, and the conformance suite says so.

use crate::upload_item::{
    Item, LOOSE_PARTS, TOMBSTONE_LIFETIME, due_shard, milliseconds, number, placeholder_value, seconds, text,
    thumbnails_value,
};
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use std::collections::HashMap;
use valet_core::Upload;
use valet_core::upload::{SECOND_LOOK, THUMBNAIL_PATIENCE, Thumbnails, Transition};

/// A move in DynamoDB's words, for a write of its own or within a transaction: the SDK has a builder for each, alike in name only.
#[derive(Default)]
pub(super) struct Move {
    pub(super) condition: String,
    pub(super) effect: String,
    pub(super) names: Option<HashMap<String, String>>,
    pub(super) values: Item,
}

impl Move {
    /// The same, as one action of a transaction.
    pub(super) fn in_transaction(self, table: &str, key: Item) -> TransactWriteItem {
        let update = Update::builder()
            .table_name(table)
            .set_key(Some(key))
            .condition_expression(self.condition)
            .update_expression(self.effect)
            .set_expression_attribute_names(self.names)
            .set_expression_attribute_values(Some(self.values));
        let update = update.build().expect("table, key and expression are set");
        TransactWriteItem::builder().update(update).build()
    }

    fn condition(self, condition: impl Into<String>) -> Self {
        Self { condition: condition.into(), ..self }
    }

    fn effect(self, effect: impl Into<String>) -> Self {
        Self { effect: effect.into(), ..self }
    }

    fn name(mut self, placeholder: &str, name: &str) -> Self {
        self.names.get_or_insert_default().insert(placeholder.to_owned(), name.to_owned());
        self
    }

    fn value(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.insert(placeholder.to_owned(), value);
        self
    }
}

/// The condition and the effect of a move, [`valet_core::upload::Transition`]'s in DynamoDB's words.
pub(super) fn move_of(upload: &Upload, transition: &Transition) -> Move {
    const FROM_PENDING: &str = "#status = :pending";
    const THUMBNAILS_FROM_PENDING: &str = "#status = :ready AND thumbnails.#status = :pending";
    // Every row with a state has a shard; of older ones it is set here.
    const WITHOUT_FILE: &str = "SET #status = :to, due_shard = :shard, due_at = expires_at + :second_look";
    let (id, update) = (upload.id, Move::default());
    let status = |update: Move| update.name("#status", "status");
    let from_pending = |update| status(update).condition(FROM_PENDING).value(":pending", text("pending"));
    let without_file = |update: Move, to: &str| {
        update
            .value(":to", text(to))
            .value(":shard", due_shard(id))
            .value(":second_look", number(SECOND_LOOK.whole_milliseconds()))
    };
    let thumbnails_from_pending = |update, thumbnails: &Thumbnails| {
        status(update)
            .condition(THUMBNAILS_FROM_PENDING)
            .value(":pending", text("pending"))
            .value(":ready", text("ready"))
            .value(":thumbnails", thumbnails_value(thumbnails))
    };
    match transition {
        Transition::Verify { version, at, size_bytes, crc64nvme, thumbnails, arrived_at: _ } => {
            let mut set =
                "SET #status = :ready, version_id = :version, confirmed_at = :at, size_bytes = :size, thumbnails = :thumbnails"
                    .to_owned();
            let mut remove = " REMOVE #ttl, max_bytes".to_owned();
            let mut update = from_pending(update)
                .name("#ttl", "ttl")
                .value(":ready", text("ready"))
                .value(":version", text(version.as_str()))
                .value(":at", milliseconds(*at))
                .value(":size", number(*size_bytes))
                .value(":thumbnails", thumbnails_value(thumbnails));
            if let Some(crc64nvme) = crc64nvme {
                set.push_str(", crc64nvme = :crc64nvme");
                update = update.value(":crc64nvme", text(crc64nvme.to_string()));
            }
            if *thumbnails == Thumbnails::Pending {
                set.push_str(", due_shard = :shard, due_at = :due");
                update = update
                    .value(":shard", due_shard(id))
                    .value(":due", milliseconds(*at + THUMBNAIL_PATIENCE));
            } else {
                remove.push_str(", due_shard, due_at");
            }
            update.effect(set + &remove)
        }
        Transition::Reject(reason) => without_file(from_pending(update), "rejected")
            .effect(format!("{WITHOUT_FILE}, reason = :reason"))
            .value(":reason", text(reason.code())),
        Transition::Cancel => without_file(from_pending(update), "cancelled").effect(WITHOUT_FILE),
        Transition::NameMultipart(id) => from_pending(update)
            .condition("#status = :pending AND transfer = :loose AND attribute_not_exists(multipart_id)")
            .effect("SET multipart_id = :multipart")
            .value(":loose", text(LOOSE_PARTS))
            .value(":multipart", text(id.as_str())),
        Transition::Expire { at } => without_file(from_pending(update), "expired")
            .condition("#status = :pending AND expires_at <= :at")
            .effect(WITHOUT_FILE)
            .value(":at", milliseconds(*at)),
        Transition::Delete { at } => without_file(status(update), "deleted")
            .condition("#status = :ready")
            .effect(format!("{WITHOUT_FILE}, #ttl = :ttl"))
            .name("#ttl", "ttl")
            .value(":ready", text("ready"))
            .value(":ttl", seconds(*at + TOMBSTONE_LIFETIME)),
        Transition::Thumbnailed { source, placeholder, thumbnails } => thumbnails_from_pending(
            update,
            &Thumbnails::Ready(thumbnails.clone()),
        )
        .effect(
            "SET thumbnails = :thumbnails, placeholder = :placeholder, width = :width, height = :height \
                     REMOVE due_shard, due_at",
        )
        .value(":placeholder", placeholder_value(placeholder))
        .value(":width", number(source.width))
        .value(":height", number(source.height)),
        Transition::ThumbnailsFailed { reason } => {
            thumbnails_from_pending(update, &Thumbnails::Failed(reason.clone()))
                .effect("SET thumbnails = :thumbnails REMOVE due_shard, due_at")
        }
        Transition::Looked { due_at, next } => {
            let update = update.condition("due_at = :due").value(":due", milliseconds(*due_at));
            match next {
                Some(next) => update.effect("SET due_at = :next").value(":next", milliseconds(*next)),
                None => update.effect("REMOVE due_shard, due_at"),
            }
        }
    }
}
