//! Recording grants: the rows, the idempotency records and the owner's counters in one transaction.

use super::usage::claim_update;
use super::{UploadsTable, idempotency_key};
use crate::upload_item::{Item, item, milliseconds, seconds, text, to_item};
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use time::OffsetDateTime;
use valet_core::Owner;
use valet_core::error::StoreError;
use valet_core::ports::{IdempotencyRecord, NewGrant, PutOutcome, PutUploads};
use valet_core::usage::Claim;

/// What an action of the transaction is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    /// The counters.
    Usage,
    /// A grant's row.
    Row,
    /// The idempotency record of the grant at this place.
    Key(usize),
}

impl PutUploads for UploadsTable {
    async fn put_uploads(&self, grants: &[NewGrant], claim: &Claim) -> Result<PutOutcome, StoreError> {
        let Some(owner) = grants.first().map(|grant| grant.upload.owner) else {
            return Ok(PutOutcome::Created);
        };
        let usage = claim_update(&self.table, owner, claim);
        let (mut about, mut actions) = (vec![Action::Usage], vec![usage]);
        for (place, NewGrant { upload, idempotency }) in grants.iter().enumerate() {
            if let Some(record) = idempotency {
                about.push(Action::Key(place));
                actions.push(self.key_put(owner, record, claim.at));
            }
            about.push(Action::Row);
            // Ids do not repeat: what is there is our own first try, whose answer was lost.
            let row = self.put(to_item(upload)).condition_expression("attribute_not_exists(pk)");
            actions.push(action(row));
        }
        let Err(cancelled) = self.transact(actions).await? else { return Ok(PutOutcome::Created) };
        let mut taken = Vec::new();
        let (mut counters, mut is_there, mut is_busy) = (None, false, false);
        for (place, about) in about.into_iter().enumerate() {
            is_busy |= matches!(about, Action::Key(_)) && cancelled.met_others(place);
            match about {
                _ if !cancelled.failed(place) => {}
                Action::Key(grant) => taken.push(grant),
                Action::Row => is_there = true,
                Action::Usage => {
                    let found = cancelled.item(place).map(super::usage::counters).transpose()?;
                    counters = Some(found.unwrap_or_default());
                }
            }
        }
        match (taken.is_empty(), counters) {
            (true, _) if is_there => Ok(PutOutcome::Created),
            (true, None) if is_busy => Ok(PutOutcome::Busy),
            (true, None) => Err(cancelled.busy()),
            (_, counters) => Ok(PutOutcome::Refused { taken, counters }),
        }
    }
}

impl UploadsTable {
    fn key_put(&self, owner: Owner, record: &IdempotencyRecord, now: OffsetDateTime) -> TransactWriteItem {
        let mut key = idempotency_key(owner, &record.key_hash);
        key.extend(item([
            ("fingerprint", text(&record.fingerprint)),
            ("upload_id", text(record.upload_id.to_string())),
            ("expires_at", milliseconds(record.expires_at)),
            ("ttl", seconds(record.expires_at)),
        ]));
        let put = self
            .put(key)
            // TTL may take two days to remove what has expired.
            .condition_expression("attribute_not_exists(pk) OR expires_at <= :now")
            .expression_attribute_values(":now", milliseconds(now));
        action(put)
    }

    fn put(&self, item: Item) -> aws_sdk_dynamodb::types::builders::PutBuilder {
        Put::builder().table_name(&self.table).set_item(Some(item))
    }
}

fn action(put: aws_sdk_dynamodb::types::builders::PutBuilder) -> TransactWriteItem {
    TransactWriteItem::builder().put(put.build().expect("table and item are set")).build()
}
