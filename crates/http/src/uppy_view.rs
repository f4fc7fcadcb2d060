//! What Uppy reads. Field names here are its contract and S3's, not ours.

use crate::view::rfc3339;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use valet_core::Upload;
use valet_core::ports::{SignedCall, SignedForm, SignedPut, StoredPart};
use valet_core::sessions::{Secret, Session};

/// The answer to `GET …/params`: a form for the whole file.
#[derive(Serialize)]
pub struct PolicyView<'a> {
    method: &'static str,
    url: &'a str,
    fields: BTreeMap<&'a str, &'a str>,
    expires: i64,
}

impl<'a> PolicyView<'a> {
    /// The form, and for how many seconds from now it lives.
    pub fn new(form: &'a SignedForm, now: OffsetDateTime) -> Self {
        let SignedForm { url, fields, expires_at } = form;
        Self { method: "POST", url, fields: map(fields), expires: (*expires_at - now).whole_seconds() }
    }
}

/// The answer to `POST …/multipart`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StartedView {
    key: String,
    upload_id: String,
}

impl StartedView {
    /// What names the upload in later calls: our own id, as S3's is nobody's business.
    pub fn new(upload: &Upload) -> Self {
        Self { key: upload.key().to_string(), upload_id: upload.id.to_string() }
    }
}

/// The answer to `GET …/multipart/{uploadId}/{partNumber}`.
#[derive(Serialize)]
pub struct PartView<'a> {
    url: &'a str,
    expires: i64,
}

impl<'a> PartView<'a> {
    /// The PUT, and for how many seconds from now it lives: Uppy before 6 breaks the request off then.
    pub fn new(put: &'a SignedPut, now: OffsetDateTime) -> Self {
        Self { url: &put.url, expires: (put.expires_at - now).whole_seconds() }
    }
}

/// The answer to `GET …/multipart/{uploadId}`.
#[derive(Serialize)]
#[serde(transparent)]
pub struct PartsView<'a>(Vec<StoredPartView<'a>>);

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StoredPartView<'a> {
    part_number: u16,
    #[serde(rename = "ETag")]
    etag: &'a str,
    size: u64,
}

impl<'a> PartsView<'a> {
    /// The parts that S3 holds.
    pub fn new(parts: &'a [StoredPart]) -> Self {
        let view = |part: &'a StoredPart| StoredPartView {
            part_number: part.number.get(),
            etag: &part.etag,
            size: part.size_bytes,
        };
        Self(parts.iter().map(view).collect())
    }
}

/// The answer to `POST …/complete`.
#[derive(Serialize)]
pub struct CompletedView<'a> {
    location: String,
    key: String,
    bucket: &'a str,
}

impl<'a> CompletedView<'a> {
    /// Where the file is public. `cdn_url` has no trailing slash.
    pub fn new(upload: &Upload, cdn_url: &str, bucket: &'a str) -> Self {
        let key = upload.key().to_string();
        Self { location: format!("{cdn_url}/{key}"), key, bucket }
    }
}

/// The answer to `POST …/sign`.
#[derive(Serialize)]
pub struct SignView<'a> {
    url: &'a str,
    key: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: BTreeMap<&'a str, &'a str>,
}

impl<'a> SignView<'a> {
    /// A form for the whole file.
    pub fn form(upload: &Upload, form: &'a SignedForm) -> Self {
        let key = upload.key().to_string();
        Self { url: &form.url, key, headers: BTreeMap::new(), fields: map(&form.fields) }
    }

    /// A call around parts.
    pub fn call(upload: &Upload, call: &'a SignedCall) -> Self {
        let key = upload.key().to_string();
        Self { url: &call.url, key, headers: map(&call.headers), fields: BTreeMap::new() }
    }
}

/// The answer to `POST /v1/uppy-sessions`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    endpoint: String,
    #[serde(serialize_with = "rfc3339")]
    expires_at: OffsetDateTime,
}

impl SessionView {
    /// The session's own address. `api_url` has no trailing slash.
    pub fn new(session: &Session, secret: &Secret, api_url: &str) -> Self {
        Self { endpoint: format!("{api_url}/uppy/{}", secret.reveal()), expires_at: session.expires_at }
    }
}

/// The answer where there is nothing to say: Uppy reads JSON wherever it asks.
pub fn nothing() -> Value {
    json!({})
}

fn map(pairs: &[(String, String)]) -> BTreeMap<&str, &str> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}
