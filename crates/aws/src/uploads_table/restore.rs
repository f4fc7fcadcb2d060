//! All rows, whoever's they are, and a row put back where there is none: for `valet reindex`, which an operator runs. No function may do
//! either.

use super::UploadsTable;
use crate::error::{bad_answer, store_error};
use crate::upload_item::{Fields, Item, from_item, item, text, to_item};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use valet_core::Upload;
use valet_core::error::StoreError;
use valet_core::ports::{RestoreUpload, ScanUploads, ScannedPage, TablePlace};

impl ScanUploads for UploadsTable {
    async fn scan_uploads(&self, after: Option<&TablePlace>, items: u16) -> Result<ScannedPage, StoreError> {
        let place = |place: &TablePlace| item([("pk", text(&place.partition)), ("sk", text(&place.sort))]);
        let page = self
            .client
            .scan()
            .table_name(&self.table)
            .filter_expression("begins_with(pk, :owner) AND begins_with(sk, :uploads)")
            .expression_attribute_values(":owner", text("OWNER#"))
            .expression_attribute_values(":uploads", text("UPLOAD#"))
            // A file that was just confirmed is there, one that was just deleted is not.
            .consistent_read(true)
            // Of what is looked at, before the filter.
            .limit(items.into())
            .set_exclusive_start_key(after.map(place))
            .send()
            .await
            .map_err(|error| store_error("Scan", error))?;
        let uploads = page.items().iter().map(|item| from_item("Scan", item)).collect::<Result<_, _>>()?;
        let next = page.last_evaluated_key().map(|key| {
            place_of(key).ok_or_else(|| bad_answer("Scan", "a last key that is not one of this table"))
        });
        Ok(ScannedPage { uploads, next: next.transpose()? })
    }
}

fn place_of(key: &Item) -> Option<TablePlace> {
    let fields = Fields(key);
    Some(TablePlace { partition: fields.text("pk")?.to_owned(), sort: fields.text("sk")?.to_owned() })
}

impl RestoreUpload for UploadsTable {
    async fn restore_upload(&self, upload: &Upload) -> Result<bool, StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_item(upload)))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        match put {
            Ok(_) => Ok(true),
            // A first try of ours whose answer was lost counts as somebody else's: the row is there, which is what matters.
            Err(SdkError::ServiceError(answer))
                if matches!(answer.err(), PutItemError::ConditionalCheckFailedException(_)) =>
            {
                Ok(false)
            }
            Err(error) => Err(store_error("PutItem", error)),
        }
    }
}
