//! The schemas: those of answers are derived from the views and narrowed by what the rules say of each member; those of requests say what the
//! code reads, which takes `null` for an optional member that is not there.

use super::routes::ID_PATTERN;
use crate::batch::BatchView;
use crate::{
    ConfirmedView, FileUrlView, FilesView, GrantView, LimitsView, SignedPartsView, UploadUrlView, UploadView,
    UsageView, problem,
};
use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};
use valet_core::MediaType;
use valet_core::issue_uploads::MAX_BATCH;
use valet_core::key::{ThumbnailFormat, ThumbnailName};
use valet_core::parts::{MAX_FILE_BYTES, MAX_PART_BYTES, MAX_PARTS, MAX_SIGNED_PARTS, MIN_PART_BYTES};
use valet_core::upload::{Filename, RejectReason};

/// Padded base64 of 32 bytes in its one spelling: four bits are left for the last character.
const SHA256: &str = "^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$";
/// The same of 8 bytes.
const CRC64NVME: &str = "^[A-Za-z0-9+/]{10}[AEIMQUYcgkosw048]=$";

/// Every schema by its name.
pub(super) fn all() -> Value {
    let mut schemas = answers();
    for (name, schema) in requests() {
        schemas.insert(name.to_owned(), schema);
    }
    Value::Object(schemas)
}

fn answers() -> Map<String, Value> {
    let mut found = Vec::new();
    add::<UploadView>(&mut found);
    add::<GrantView>(&mut found);
    add::<SignedPartsView>(&mut found);
    add::<BatchView>(&mut found);
    add::<FilesView>(&mut found);
    add::<FileUrlView>(&mut found);
    add::<LimitsView>(&mut found);
    add::<UsageView>(&mut found);
    add::<UploadUrlView>(&mut found);
    add::<ConfirmedView>(&mut found);
    add::<problem::Body>(&mut found);
    // The code's word for what it shows is no word for whoever reads it.
    let text = serde_json::to_string(&found).expect("schemas have string keys").replace("View\"", "\"");
    let found: Vec<(String, Value)> = serde_json::from_str(&text).expect("it was JSON");
    let mut schemas: Map<String, Value> = found.into_iter().collect();
    let names: Vec<_> = schemas.keys().cloned().collect();
    for name in names {
        let flat = flattened(&schemas, &schemas[&name]);
        schemas.insert(name, flat);
    }
    schemas.values_mut().for_each(never_null);
    narrow(&mut schemas);
    schemas.insert(
        "GatewayRefusal".to_owned(),
        json!({
            "type": "object",
            "description": "What API Gateway answers itself.",
            "required": ["message"],
            "properties": {"message": {"type": ["string", "null"]}},
        }),
    );
    schemas
}

fn add<T: ToSchema + PartialSchema>(found: &mut Vec<(String, Value)>) {
    let mut schemas = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    for (name, schema) in schemas {
        found.push((name, serde_json::to_value(schema).expect("schemas have string keys")));
    }
}

/// A view within a view is one object in JSON, and so it is here.
fn flattened(schemas: &Map<String, Value>, schema: &Value) -> Value {
    let Some(parts) = schema.get("allOf").and_then(Value::as_array) else { return schema.clone() };
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for part in parts {
        let part = match part.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
            Some(name) => flattened(schemas, &schemas[name]),
            None => part.clone(),
        };
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
        required.extend(part["required"].as_array().cloned().unwrap_or_default());
    }
    let mut flat = json!({"type": "object", "properties": properties, "required": required});
    if let Some(description) = schema.get("description") {
        flat["description"] = description.clone();
    }
    flat
}

/// A member of an answer is there with a value or it is not there.
fn never_null(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Array(types)) = members.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    members.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = members.get_mut("oneOf") {
                choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
                if let [Value::Object(only)] = choices.as_slice() {
                    let only = only.clone();
                    members.remove("oneOf");
                    members.extend(only);
                }
            }
            members.values_mut().for_each(never_null);
        }
        Value::Array(items) => items.iter_mut().for_each(never_null),
        _ => {}
    }
}

/// Says of members what their Rust types do not.
fn narrow(schemas: &mut Map<String, Value>) {
    let states = json!(["pending", "ready", "rejected", "expired", "cancelled", "deleted"]);
    let reasons: Vec<_> = RejectReason::ALL.into_iter().map(RejectReason::code).collect();
    let uri = json!({"format": "uri"});
    let of_any_upload = [
        (
            "id",
            json!({"format": "uuid", "pattern": ID_PATTERN, "description": "A UUID version 7; the file has it too."}),
        ),
        ("status", json!({"enum": states})),
        ("filename", json!({"description": "As the client gave it."})),
        ("contentType", json!({"enum": content_types()})),
        ("size", json!({"minimum": 1, "maximum": MAX_FILE_BYTES})),
    ];
    for name in ["Upload", "Grant", "File", "Confirmed"] {
        for (member, says) in &of_any_upload {
            refine(schemas, name, member, says);
        }
    }
    for name in ["File", "Confirmed"] {
        refine(schemas, name, "status", &json!({"enum": ["ready"]}));
        refine(schemas, name, "fileUrl", &uri);
        for side in ["width", "height"] {
            refine(
                schemas,
                name,
                side,
                &json!({"minimum": 1, "description": "In pixels as displayed; known once thumbnails were made."}),
            );
        }
    }
    for name in ["Upload", "Grant"] {
        refine(schemas, name, "reason", &json!({"enum": reasons, "description": "Why it was rejected."}));
        let says = "Instead of `size` while pending, of an upload by Uppy that has not said it.";
        let most = json!({"minimum": 1, "maximum": MAX_FILE_BYTES, "description": says});
        refine(schemas, name, "maxSize", &most);
        let says = "When the grant ends. A file whose PUT began before counts.";
        refine(schemas, name, "expiresAt", &json!({"description": says}));
    }
    narrow_others(schemas);
    schemas["BatchItem"]["oneOf"] = json!([{"required": ["upload"]}, {"required": ["problem"]}]);
}

/// Of everything that is no upload.
fn narrow_others(schemas: &mut Map<String, Value>) {
    let uri = json!({"format": "uri"});
    let formats = [ThumbnailFormat::Jpeg, ThumbnailFormat::Webp].map(ThumbnailFormat::content_type);
    let extensions = MediaType::ALL.map(MediaType::extension);
    let part_size = json!({"minimum": MIN_PART_BYTES, "maximum": MAX_PART_BYTES});
    let part_number = json!({"minimum": 1, "maximum": MAX_PARTS});
    for (name, member, says) in [
        ("Confirmed", "success", json!({"const": true})),
        (
            "Grant",
            "request",
            json!({"description": "The PUT of the whole file; while pending, and not of a file in parts."}),
        ),
        ("Checksum", "sha256", json!({"pattern": SHA256})),
        ("Checksum", "crc64nvme", json!({"pattern": CRC64NVME})),
        ("Multipart", "partSize", part_size.clone()),
        ("Multipart", "partCount", json!({"minimum": 2, "maximum": MAX_PARTS})),
        ("Multipart", "parts", json!({"description": "The first parts, of a grant."})),
        ("Multipart", "stored", json!({"description": "What S3 holds, where asked for."})),
        (
            "Multipart",
            "next",
            json!({"minimum": 1, "maximum": MAX_PARTS, "description": "The `after` of the next page of `stored`."}),
        ),
        ("SignedPart", "partNumber", part_number.clone()),
        ("SignedPart", "size", json!({"minimum": 1, "maximum": MAX_PART_BYTES})),
        ("SignedPart", "method", json!({"const": "PUT"})),
        ("SignedPart", "url", uri.clone()),
        ("StoredPart", "partNumber", part_number),
        ("StoredPart", "etag", json!({"description": "With its quotes."})),
        ("SignedParts", "id", json!({"format": "uuid"})),
        ("SignedParts", "parts", json!({"minItems": 1, "maxItems": MAX_SIGNED_PARTS})),
        ("Request", "method", json!({"const": "PUT"})),
        ("Request", "url", uri.clone()),
        ("Request", "headers", json!({"description": "Send exactly these."})),
        ("Link", "method", json!({"const": "POST"})),
        ("UploadUrl", "uploadUrl", uri.clone()),
        ("UploadUrl", "id", json!({"format": "uuid"})),
        ("FileUrl", "id", json!({"format": "uuid"})),
        ("FileUrl", "url", uri.clone()),
        ("Placeholder", "thumbhash", json!({"contentEncoding": "base64"})),
        ("Placeholder", "color", json!({"pattern": "^#[0-9a-f]{6}$"})),
        ("Thumbnails", "status", json!({"enum": ["none", "pending", "ready", "failed"]})),
        ("Thumbnails", "reason", json!({"description": "Why there are none; docs/API.md lists them."})),
        (
            "Thumbnail",
            "name",
            json!({"pattern": "^[a-z0-9][a-z0-9-]*$", "maxLength": ThumbnailName::MAX_LENGTH}),
        ),
        ("Thumbnail", "contentType", json!({"enum": formats})),
        ("Thumbnail", "url", uri),
        ("Type", "contentType", json!({"enum": content_types()})),
        ("Type", "extension", json!({"enum": extensions})),
        (
            "Batch",
            "items",
            json!({"minItems": 1, "maxItems": MAX_BATCH, "description": "In the order asked."}),
        ),
        ("BatchItem", "status", json!({"minimum": 200, "maximum": 599})),
        ("Problem", "type", json!({"pattern": "^urn:valet:problem:[a-z_]+$"})),
        ("Problem", "retryable", json!({"description": "Whether the same request may succeed later."})),
        (
            "Problem",
            "retryAfter",
            json!({"minimum": 1, "description": "Seconds after which it may, as in the header Retry-After; there if retryable."}),
        ),
        ("Usage", "files", json!({"description": "Files, pending uploads included."})),
        (
            "Usage",
            "bytes",
            json!({"description": "Their bytes. A pending upload counts with the most that its grant admits."}),
        ),
        (
            "Usage",
            "pending",
            json!({"description": "Uploads that are granted and neither arrived nor ended."}),
        ),
        ("Usage", "grantsPerMinute", json!({"description": "Grants in this minute of the clock."})),
        ("Count", "limit", json!({"description": "The most there may be; without one there is no limit."})),
        (
            "FieldError",
            "pointer",
            json!({"description": "A JSON pointer into the body, or the name of a header or parameter."}),
        ),
    ] {
        refine(schemas, name, member, &says);
    }
}

/// Adds to a member. That it is there is part of the point: a view that changes says so here.
fn refine(schemas: &mut Map<String, Value>, name: &str, member: &str, says: &Value) {
    let schema = schemas
        .get_mut(name)
        .and_then(|schema| schema.get_mut("properties"))
        .and_then(|properties| properties.get_mut(member))
        .and_then(Value::as_object_mut)
        .unwrap_or_else(|| panic!("no view has {name}.{member}"));
    schema.extend(says.as_object().expect("what is said is an object").clone());
}

fn content_types() -> Vec<&'static str> {
    MediaType::ALL.map(MediaType::content_type).to_vec()
}

fn requests() -> Vec<(&'static str, Value)> {
    let checksum = |algorithm: &str, pattern: &str| json!({"type": ["object", "null"], "properties": {algorithm: {"type": ["string", "null"], "pattern": pattern}}});
    let size = |maximum: u64| json!({"type": "integer", "format": "int64", "minimum": 1, "maximum": maximum, "description": "The exact size in bytes."});
    let filename = json!({
        "type": "string", "minLength": 1, "maxLength": Filename::MAX_BYTES,
        "description": "Any text of 1 to 1024 bytes in UTF-8. It is given back and used for nothing else.",
    });
    let content_type = json!({
        "type": "string", "enum": content_types(),
        "description": "GET /v1/limits lists those that this stack accepts.",
    });
    let part_number = json!({"type": "integer", "minimum": 1, "maximum": MAX_PARTS});
    vec![
        (
            "NewUpload",
            json!({
                "type": "object",
                "required": ["filename", "contentType", "size"],
                "properties": {
                    "filename": filename,
                    "contentType": content_type,
                    "size": size(MAX_FILE_BYTES),
                    "partSize": {
                        "type": ["integer", "null"], "format": "int64", "minimum": MIN_PART_BYTES, "maximum": MAX_PART_BYTES,
                        "description": "Large enough for at most 10,000 parts. A file that is not larger is one PUT.",
                    },
                    "checksum": checksum("sha256", SHA256),
                },
                "description": "checksum.sha256 is for a file of one PUT. Other members are overlooked.",
            }),
        ),
        (
            "NewBatch",
            json!({
                "type": "object",
                "required": ["items"],
                "properties": {"items": {
                    "type": "array", "minItems": 1, "maxItems": MAX_BATCH, "items": {"$ref": "#/components/schemas/NewUpload"},
                    "description": "An item that is not valid is a problem of its own in the answer.",
                }},
            }),
        ),
        (
            "AskedParts",
            json!({
                "type": "object",
                "required": ["parts"],
                "properties": {"parts": {
                    "type": "array", "minItems": 1, "maxItems": MAX_SIGNED_PARTS, "description": "No part twice.",
                    "items": {
                        "type": "object", "required": ["partNumber"],
                        "properties": {"partNumber": part_number, "checksum": checksum("crc64nvme", CRC64NVME)},
                    },
                }},
            }),
        ),
        (
            "Said",
            json!({
                "type": "object",
                "description": "What the client says of a file in parts; of a file of one PUT there is nothing to say.",
                "properties": {
                    "checksum": checksum("crc64nvme", CRC64NVME),
                    "parts": {
                        "type": ["array", "null"], "maxItems": MAX_PARTS,
                        "items": {
                            "type": "object", "required": ["partNumber", "etag"],
                            "properties": {"partNumber": part_number, "etag": {"type": "string"}},
                        },
                    },
                },
            }),
        ),
        (
            "WantedUrl",
            json!({
                "type": "object",
                "required": ["filename", "contentType", "size"],
                "properties": {"filename": filename, "contentType": content_type, "size": size(MAX_PART_BYTES), "checksum": checksum("sha256", SHA256)},
            }),
        ),
        (
            "Arrived",
            json!({
                "type": "object",
                "required": ["key"],
                "properties": {"key": {"type": "string", "description": "The key that the upload URL came with."}},
            }),
        ),
    ]
}
