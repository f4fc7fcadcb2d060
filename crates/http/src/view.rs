//! The JSON of answers. Field names here are API; nothing here decides anything.

use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use valet_core::issue_upload::Grant;
use valet_core::policy::Policy;
use valet_core::ports::SignedPut;
use valet_core::upload::{State, Thumbnail, Thumbnails, Verified};
use valet_core::{Placeholder, Upload};

/// An upload.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UploadView<'a> {
    id: String,
    status: &'static str,
    filename: &'a str,
    content_type: &'static str,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<ChecksumView>,
    #[serde(serialize_with = "rfc3339")]
    created_at: OffsetDateTime,
    #[serde(serialize_with = "rfc3339")]
    expires_at: OffsetDateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<FileView<'a>>,
}

#[derive(Serialize)]
struct ChecksumView {
    sha256: String,
}

impl<'a> UploadView<'a> {
    /// The upload, with its file once there is one. `cdn_url` has no trailing slash.
    pub fn new(upload: &'a Upload, cdn_url: &str) -> Self {
        let reason = match &upload.state {
            State::Rejected(reason) => Some(reason.code()),
            State::Pending | State::Ready(_) | State::Expired | State::Cancelled | State::Deleted => None,
        };
        Self {
            id: upload.id.to_string(),
            status: upload.state.as_str(),
            filename: upload.filename.as_str(),
            content_type: upload.media_type.content_type(),
            size: upload.size_bytes,
            checksum: checksum(upload),
            created_at: upload.created_at,
            expires_at: upload.expires_at,
            reason,
            file: FileView::new(upload, cdn_url),
        }
    }
}

/// An upload and what to send to fulfil it.
#[derive(Serialize)]
pub struct GrantView<'a> {
    #[serde(flatten)]
    upload: UploadView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<RequestView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<LinkView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestView<'a> {
    method: &'static str,
    url: &'a str,
    headers: BTreeMap<&'a str, &'a str>,
    #[serde(serialize_with = "rfc3339")]
    expires_at: OffsetDateTime,
}

#[derive(Serialize)]
struct LinkView {
    method: &'static str,
    href: String,
}

impl<'a> GrantView<'a> {
    /// The grant.
    pub fn new(grant: &'a Grant, cdn_url: &str) -> Self {
        let Grant { upload, request } = grant;
        Self {
            upload: UploadView::new(upload, cdn_url),
            request: request.as_ref().map(RequestView::new),
            confirm: request
                .as_ref()
                .map(|_| LinkView { method: "POST", href: format!("/v1/uploads/{}/confirm", upload.id) }),
        }
    }
}

impl<'a> RequestView<'a> {
    fn new(signed: &'a SignedPut) -> Self {
        Self {
            method: "PUT",
            url: &signed.url,
            headers: signed.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            expires_at: signed.expires_at,
        }
    }
}

/// A verified file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileView<'a> {
    id: String,
    status: &'static str,
    filename: &'a str,
    content_type: &'static str,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<ChecksumView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    file_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    placeholder: Option<PlaceholderView>,
    thumbnails: ThumbnailsView<'a>,
    #[serde(serialize_with = "rfc3339")]
    created_at: OffsetDateTime,
    #[serde(serialize_with = "rfc3339")]
    confirmed_at: OffsetDateTime,
}

impl<'a> FileView<'a> {
    /// The file a ready upload has become; `None` for any other. `cdn_url` has no trailing slash.
    pub fn new(upload: &'a Upload, cdn_url: &str) -> Option<Self> {
        let State::Ready(Verified { confirmed_at, dimensions, placeholder, thumbnails, .. }) = &upload.state
        else {
            return None;
        };
        Some(Self {
            id: upload.id.to_string(),
            status: upload.state.as_str(),
            filename: upload.filename.as_str(),
            content_type: upload.media_type.content_type(),
            size: upload.size_bytes,
            checksum: checksum(upload),
            width: dimensions.map(|dimensions| dimensions.width),
            height: dimensions.map(|dimensions| dimensions.height),
            file_url: format!("{cdn_url}/{}", upload.key()),
            placeholder: placeholder.as_ref().map(PlaceholderView::new),
            thumbnails: ThumbnailsView::new(upload, thumbnails, cdn_url),
            created_at: upload.created_at,
            confirmed_at: *confirmed_at,
        })
    }
}

#[derive(Serialize)]
struct PlaceholderView {
    thumbhash: String,
    color: String,
}

impl PlaceholderView {
    fn new(placeholder: &Placeholder) -> Self {
        Self { thumbhash: placeholder.thumbhash_base64(), color: placeholder.color_hex() }
    }
}

#[derive(Serialize)]
struct ThumbnailsView<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    items: Vec<ThumbnailView<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ThumbnailView<'a> {
    name: &'a str,
    url: String,
    content_type: &'static str,
    width: u32,
    height: u32,
    size: u64,
}

impl<'a> ThumbnailsView<'a> {
    fn new(upload: &Upload, thumbnails: &'a Thumbnails, cdn_url: &str) -> Self {
        let view = |thumbnail: &'a Thumbnail| ThumbnailView {
            name: thumbnail.name.as_str(),
            url: format!("{cdn_url}/{}", upload.thumbnail_key(thumbnail.name.clone(), thumbnail.format)),
            content_type: thumbnail.format.content_type(),
            width: thumbnail.dimensions.width,
            height: thumbnail.dimensions.height,
            size: thumbnail.size_bytes,
        };
        let (reason, items) = match thumbnails {
            Thumbnails::None | Thumbnails::Pending => (None, Vec::new()),
            Thumbnails::Ready(items) => (None, items.iter().map(view).collect()),
            Thumbnails::Failed(reason) => (Some(reason.as_str()), Vec::new()),
        };
        Self { status: thumbnails.as_str(), reason, items }
    }
}

/// What a stack accepts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitsView {
    types: Vec<TypeView>,
    url_lifetime_seconds: u64,
    grant_lifetime_seconds: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TypeView {
    content_type: &'static str,
    extension: &'static str,
    max_size: u64,
    thumbnails: bool,
}

impl LimitsView {
    /// The limits of a policy.
    pub fn new(policy: &Policy) -> Self {
        let types = policy.accepted.iter().map(|(media_type, max_size)| TypeView {
            content_type: media_type.content_type(),
            extension: media_type.extension(),
            max_size,
            thumbnails: media_type.has_thumbnail(),
        });
        Self {
            types: types.collect(),
            url_lifetime_seconds: policy.url_lifetime.as_secs(),
            grant_lifetime_seconds: policy.grant_lifetime.as_secs(),
        }
    }
}

fn checksum(upload: &Upload) -> Option<ChecksumView> {
    upload.sha256.map(|sha256| ChecksumView { sha256: sha256.to_string() })
}

fn rfc3339<S: Serializer>(time: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.format(&Rfc3339).map_err(serde::ser::Error::custom)?)
}
