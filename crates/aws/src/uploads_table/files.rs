//! An owner's files, read from the end of its partition: ids sort by time.

use super::UploadsTable;
use crate::error::{bad_answer, store_error};
use crate::upload_item::{Fields, Item, from_item, partition, text, upload_key};
use std::num::NonZeroU16;
use valet_core::error::StoreError;
use valet_core::ports::{ListReady, ReadyPage};
use valet_core::{Owner, UploadId};

impl ListReady for UploadsTable {
    async fn list_ready(
        &self,
        owner: Owner,
        after: Option<UploadId>,
        rows: NonZeroU16,
    ) -> Result<ReadyPage, StoreError> {
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :owner AND begins_with(sk, :uploads)")
            .filter_expression("#status = :ready")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":owner", partition(owner))
            .expression_attribute_values(":uploads", text("UPLOAD#"))
            .expression_attribute_values(":ready", text("ready"))
            .scan_index_forward(false)
            // A file that was just confirmed is there, one that was just deleted is not.
            .consistent_read(true)
            // Of what is looked at, before the filter.
            .limit(rows.get().into())
            // Need not be there: it says only where in the partition to begin.
            .set_exclusive_start_key(after.map(|id| upload_key(owner, id)))
            .send()
            .await
            .map_err(|error| store_error("Query", error))?;
        let uploads = found.items().iter().map(|item| from_item("Query", item)).collect::<Result<_, _>>()?;
        let next = next(found.last_evaluated_key.as_ref())?;
        Ok(ReadyPage { uploads, next })
    }
}

/// Where the page behind a last key begins.
pub(super) fn next(last: Option<&Item>) -> Result<Option<UploadId>, StoreError> {
    let Some(key) = last else { return Ok(None) };
    let id = Fields(key).text("sk").and_then(|sk| UploadId::parse(sk.strip_prefix("UPLOAD#")?));
    Ok(Some(id.ok_or_else(|| bad_answer("Query", "a last key that is not an upload's"))?))
}
