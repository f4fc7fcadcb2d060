//! The JSON that asks for uploads: of `POST /v1/uploads`, of a batch, and of the tutorial's route.

use crate::fields::Fields;
use crate::{Call, Problem};
use serde_json::{Map, Value};
use valet_core::Error;
use valet_core::issue_upload::NewUpload;
use valet_core::parts::MAX_PART_BYTES;

/// What a call asks for, with its `Idempotency-Key`.
pub fn new_upload(call: &Call) -> Result<NewUpload, Problem> {
    let new = read(&call.json_object()?)?;
    Ok(NewUpload { idempotency_key: idempotency_key(call), ..new })
}

/// The key under which a call wants to be remembered.
pub fn idempotency_key(call: &Call) -> Option<String> {
    call.header("idempotency-key")
}

/// What a batch asks for, each item by itself: a pointer of its errors points into the item.
pub fn new_uploads(call: &Call) -> Result<Vec<Result<NewUpload, Error>>, Problem> {
    let body = call.json_object()?;
    let mut fields = Fields::default();
    let items = fields.list(&body, "items", "/items");
    let items = items.iter().map(|item| match item {
        Value::Object(item) => read(item),
        _ => Fields::only("", "must be an object"),
    });
    let items = items.collect();
    Ok(fields.finish(items)?)
}

/// What the tutorial's route asks for: a file of any size that one PUT can carry.
pub fn tutorial_upload(call: &Call) -> Result<NewUpload, Problem> {
    let new = NewUpload { part_bytes: Some(MAX_PART_BYTES), ..read(&call.json_object()?)? };
    if new.size_bytes > MAX_PART_BYTES {
        return Err(Error::FileTooLarge { max_bytes: MAX_PART_BYTES }.into());
    }
    Ok(new)
}

fn read(body: &Map<String, Value>) -> Result<NewUpload, Error> {
    const BYTES: &str = "must be a whole number of bytes";
    let mut fields = Fields::default();
    let new = NewUpload {
        filename: fields.text(body, "filename", "/filename"),
        content_type: fields.text(body, "contentType", "/contentType"),
        size_bytes: fields.number(body, "size", "/size", BYTES),
        part_bytes: fields.optional_number(body, "partSize", "/partSize", BYTES),
        sha256: fields.checksum(body, "sha256", "/checksum"),
        idempotency_key: None,
        place: None,
    };
    fields.finish(new)
}
