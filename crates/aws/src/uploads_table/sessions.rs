//! Sessions, each a row of its own partition. Whoever reads the table reads hashes, and no owner's partition holds one.

use super::UploadsTable;
use crate::error::{bad_answer, store_error};
use crate::upload_item::{Fields, Item, item, milliseconds, seconds, text};
use time::OffsetDateTime;
use valet_core::Owner;
use valet_core::error::StoreError;
use valet_core::ports::{GetSession, PutSession};
use valet_core::sessions::{SecretHash, Session};

impl PutSession for UploadsTable {
    async fn put_session(&self, session: &Session) -> Result<(), StoreError> {
        let mut row = session_key(&session.secret);
        row.extend(item([
            ("owner", text(session.owner.to_string())),
            ("expires_at", milliseconds(session.expires_at)),
            ("ttl", seconds(session.expires_at)),
        ]));
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

impl GetSession for UploadsTable {
    async fn get_session(
        &self,
        secret: &SecretHash,
        now: OffsetDateTime,
    ) -> Result<Option<Owner>, StoreError> {
        let Some(item) = self.get(session_key(secret)).await? else { return Ok(None) };
        let fields = Fields(&item);
        let read = || Some((Owner::parse(fields.text("owner")?)?, fields.time("expires_at")?));
        let (owner, expires_at) =
            read().ok_or_else(|| bad_answer("GetItem", "an item that is not a session"))?;
        // TTL may take two days to remove what has expired.
        Ok((expires_at > now).then_some(owner))
    }
}

fn session_key(secret: &SecretHash) -> Item {
    item([("pk", text(format!("SESSION#{secret}"))), ("sk", text("SESSION"))])
}
