//! The JSON of `POST /v1/uploads`, read so that every field of a wrong type is named at once. What the values must be is
//! `valet-core`'s to say.

use crate::{Call, Problem};
use serde_json::{Map, Value};
use valet_core::Error;
use valet_core::error::FieldError;
use valet_core::issue_upload::NewUpload;

/// What a call asks for, with its `Idempotency-Key`.
pub fn new_upload(call: &Call) -> Result<NewUpload, Problem> {
    let body = call.json_object()?;
    let mut fields = Fields { errors: Vec::new() };
    let filename = fields.text(&body, "filename", "/filename");
    let content_type = fields.text(&body, "contentType", "/contentType");
    let size_bytes = fields.size(&body);
    let sha256 = fields.sha256(&body);
    if !fields.errors.is_empty() {
        return Err(Error::InvalidRequest(fields.errors).into());
    }
    let idempotency_key = call.header("idempotency-key");
    Ok(NewUpload { filename, content_type, size_bytes, sha256, idempotency_key })
}

/// Reads fields; a wrong one leaves an error and an empty value behind.
struct Fields {
    errors: Vec<FieldError>,
}

impl Fields {
    fn wrong(&mut self, pointer: &'static str, detail: &str) {
        self.errors.push(FieldError { pointer, detail: detail.to_owned() });
    }

    fn text(&mut self, body: &Map<String, Value>, name: &str, pointer: &'static str) -> String {
        match body.get(name) {
            Some(Value::String(text)) => return text.clone(),
            Some(_) => self.wrong(pointer, "must be a string"),
            None => self.wrong(pointer, "is required"),
        }
        String::new()
    }

    fn size(&mut self, body: &Map<String, Value>) -> u64 {
        match body.get("size").map(Value::as_u64) {
            Some(Some(size)) => return size,
            Some(None) => self.wrong("/size", "must be a whole number of bytes"),
            None => self.wrong("/size", "is required"),
        }
        0
    }

    /// A field that is absent or null asks for nothing.
    fn sha256(&mut self, body: &Map<String, Value>) -> Option<String> {
        match body.get("checksum").filter(|value| !value.is_null())? {
            Value::Object(checksum) => match checksum.get("sha256").filter(|value| !value.is_null())? {
                Value::String(sha256) => return Some(sha256.clone()),
                _ => self.wrong("/checksum/sha256", "must be a string"),
            },
            _ => self.wrong("/checksum", "must be an object"),
        }
        None
    }
}
