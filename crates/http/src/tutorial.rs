//! The tutorial's two routes, `POST /get-upload-url` and `POST /confirm-upload`: other words for a grant of one PUT and its confirm. They
//! know no rule of their own.

use crate::fields::Fields;
use crate::view::{FileView, RequestView, rfc3339};
use crate::{Call, Problem};
use serde::Serialize;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use valet_core::issue_upload::Grant;
use valet_core::{Error, Upload, UploadKey};

/// The key a call says has arrived, if it is one that its caller can have been given.
pub fn confirmed_key(call: &Call) -> Result<UploadKey, Problem> {
    let body = call.json_object()?;
    let mut fields = Fields::default();
    let key = fields.text(&body, "key", "/key");
    let key = fields.finish(key)?;
    Ok(UploadKey::parse(&key).filter(|key| key.owner == call.owner).ok_or(Error::NotFound)?)
}

/// Where to send a file.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UploadUrlView<'a> {
    upload_url: &'a str,
    key: String,
    headers: BTreeMap<&'a str, &'a str>,
    id: String,
    #[serde(serialize_with = "rfc3339")]
    expires_at: OffsetDateTime,
}

impl<'a> UploadUrlView<'a> {
    /// Of a grant of one PUT; `None` of any other.
    pub fn new(grant: &'a Grant) -> Option<Self> {
        let RequestView { url, headers, expires_at, .. } = RequestView::new(grant.put()?);
        let (id, key) = (grant.upload.id.to_string(), grant.upload.key().to_string());
        Some(Self { upload_url: url, key, headers, id, expires_at })
    }
}

/// A file that has arrived.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConfirmedView<'a> {
    success: bool,
    #[serde(flatten)]
    file: FileView<'a>,
}

impl<'a> ConfirmedView<'a> {
    /// The file a ready upload has become; `None` for any other. `cdn_url` has no trailing slash.
    pub fn new(upload: &'a Upload, cdn_url: &str) -> Option<Self> {
        FileView::new(upload, cdn_url).map(|file| Self { success: true, file })
    }
}
