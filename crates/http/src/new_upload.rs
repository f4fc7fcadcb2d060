//! The JSON of `POST /v1/uploads`.

use crate::fields::Fields;
use crate::{Call, Problem};
use valet_core::issue_upload::NewUpload;

/// What a call asks for, with its `Idempotency-Key`.
pub fn new_upload(call: &Call) -> Result<NewUpload, Problem> {
    const BYTES: &str = "must be a whole number of bytes";
    let body = call.json_object()?;
    let mut fields = Fields::default();
    let new = NewUpload {
        filename: fields.text(&body, "filename", "/filename"),
        content_type: fields.text(&body, "contentType", "/contentType"),
        size_bytes: fields.number(&body, "size", "/size", BYTES),
        part_bytes: fields.optional_number(&body, "partSize", "/partSize", BYTES),
        sha256: fields.checksum(&body, "sha256", "/checksum"),
        idempotency_key: call.header("idempotency-key"),
    };
    fields.finish(new)
}
