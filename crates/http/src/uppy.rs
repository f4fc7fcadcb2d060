//! What Uppy sends. It names no size of its own, so the application may put one into the file's metadata; what else is in there is the
//! application's and stays unread.

use crate::fields::Fields;
use crate::{Call, Problem};
use serde_json::{Map, Value};
use valet_core::Error;
use valet_core::announced::Announced;
use valet_core::complete_upload::Said;
use valet_core::error::FieldError;
use valet_core::loose_parts::{OwnCall, OwnMultipart};
use valet_core::upload::MultipartId;

/// `GET …/params?filename&type&metadata[…]`: a file for one form.
pub fn new_form(call: &Call) -> Announced {
    let number = |name: &str| call.parameter(&format!("metadata[{name}]"))?.parse().ok();
    Announced {
        filename: call.parameter("filename"),
        content_type: call.parameter("type"),
        size_bytes: number("size"),
        part_bytes: None,
    }
}

/// `POST …/multipart` with `filename`, `type` and `metadata`: a file in parts.
pub fn new_parts(call: &Call) -> Result<Announced, Problem> {
    let body = call.json_object()?;
    let metadata = match body.get("metadata") {
        Some(Value::Object(metadata)) => metadata,
        _ => &Map::new(),
    };
    Ok(Announced {
        filename: text(&body, "filename"),
        content_type: text(&body, "type"),
        size_bytes: bytes(metadata, "size"),
        part_bytes: bytes(metadata, "partSize"),
    })
}

/// `POST …/complete` with `parts`. Uppy 3 sends `etag` beside `ETag`.
pub fn named_parts(call: &Call) -> Result<Said, Problem> {
    let body = call.json_object()?;
    let mut fields = Fields::default();
    let etags = fields.objects(&body, "parts", "/parts").into_iter().enumerate().map(|(index, part)| {
        let pointer = format!("/parts/{index}");
        let number =
            fields.number(part, "PartNumber", &format!("{pointer}/PartNumber"), "must be a whole number");
        (number, fields.text(part, "ETag", &format!("{pointer}/ETag")))
    });
    let etags = etags.collect();
    Ok(fields.finish(Said { crc64nvme: None, etags })?)
}

/// What `POST …/sign` asks for.
#[derive(Debug)]
pub enum UppySign {
    /// One request with a whole file.
    File(Announced),
    /// The beginning of a file in parts.
    Parts(Announced),
    /// A call about parts that were begun.
    Call {
        /// Which ones.
        own: OwnMultipart,
        /// What is to be done.
        call: OwnCall,
    },
}

/// `POST …/sign` with what Uppy 6 hands to `signRequest`, and perhaps the file's `size`.
pub fn uppy_sign(call: &Call) -> Result<UppySign, Problem> {
    let body = call.json_object()?;
    let mut fields = Fields::default();
    let method = fields.text(&body, "method", "/method");
    let key = fields.text(&body, "key", "/key");
    fields.finish(())?;
    let wrong =
        |pointer, detail: &str| Problem::Core(Error::InvalidRequest(vec![FieldError::new(pointer, detail)]));
    let announced = || Announced {
        filename: Some(filename(&key).to_owned()),
        content_type: text(&body, "contentType"),
        size_bytes: bytes(&body, "size"),
        part_bytes: None,
    };
    let id = match text(&body, "uploadId") {
        Some(id) => Some(MultipartId::parse(&id).ok_or(Problem::Core(Error::NotFound))?),
        None => None,
    };
    let part = body.get("partNumber").map(Value::as_u64);
    let call = match (method.as_str(), id, part) {
        ("PUT", None, None) => return Ok(UppySign::File(announced())),
        ("POST", None, None) => return Ok(UppySign::Parts(announced())),
        ("PUT", Some(id), Some(Some(number))) => (id, OwnCall::Part(number)),
        ("GET", Some(id), None) => (id, OwnCall::List),
        ("POST", Some(id), None) => (id, OwnCall::Complete),
        ("DELETE", Some(id), None) => (id, OwnCall::Abort),
        _ => return Err(wrong("/method", "does not go with this uploadId and partNumber")),
    };
    let (id, call) = call;
    Ok(UppySign::Call { own: OwnMultipart { key, id }, call })
}

fn text(body: &Map<String, Value>, name: &str) -> Option<String> {
    body.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// A number of bytes, as a number or in digits. What is neither is the application's own field of that name.
fn bytes(metadata: &Map<String, Value>, name: &str) -> Option<u64> {
    match metadata.get(name)? {
        Value::Number(number) => number.as_u64(),
        Value::String(digits) => digits.parse().ok(),
        _ => None,
    }
}

/// What a file is called that Uppy wants to store as `{folders}/{uuid}-{name}`.
fn filename(key: &str) -> &str {
    let name = key.rsplit('/').next().unwrap_or(key);
    match name.split_at_checked(36) {
        Some((uuid, rest)) if is_uuid(uuid) => rest.strip_prefix('-').unwrap_or(name),
        _ => name,
    }
}

fn is_uuid(text: &str) -> bool {
    text.bytes().enumerate().all(|(place, byte)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_is_what_follows_folders_and_a_uuid() {
        let uuid = "d3e870b2-b344-4248-810f-1052172f6878";
        for (key, name) in [
            (format!("{uuid}-small photo é.png"), "small photo é.png"),
            (format!("photos/2026/{uuid}-a.png"), "a.png"),
            (format!("{uuid}.png"), "d3e870b2-b344-4248-810f-1052172f6878.png"),
            ("a.png".to_owned(), "a.png"),
            ("é".repeat(30), &"é".repeat(30)),
            (String::new(), ""),
        ] {
            assert_eq!(filename(&key), name);
        }
    }

    #[test]
    fn a_size_is_read_as_a_number_or_in_digits_and_nothing_else_is_one() {
        let metadata =
            json!({"a": 7, "b": "7", "c": null, "d": "XL", "e": -7, "f": 7.5, "g": "7.5", "h": [7]});
        let metadata = metadata.as_object().unwrap();
        let read: Vec<_> = metadata.keys().filter_map(|name| bytes(metadata, name)).collect();
        assert_eq!(read, [7, 7]);
    }
}
