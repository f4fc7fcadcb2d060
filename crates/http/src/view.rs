//! The JSON of answers. Field names here are API; nothing here decides anything.

use lambda_http::http::StatusCode;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use valet_core::checksum::Crc64Nvme;
use valet_core::issue_upload::{Grant, Signed};
use valet_core::list_files::FilesPage;
use valet_core::parts::{
    DEFAULT_PART_BYTES, MAX_PART_BYTES, MAX_PARTS, MAX_SIGNED_PARTS, MIN_PART_BYTES, PartNumber,
};
use valet_core::policy::Policy;
use valet_core::ports::{PartsPage, SignedPut, StoredPart};
use valet_core::sign_parts::SignedPart;
use valet_core::upload::{Multipart, State, Thumbnail, Thumbnails, Transfer, Verified};
use valet_core::{Placeholder, Upload, UploadId};

/// An upload.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UploadView<'a> {
    id: String,
    status: &'static str,
    filename: &'a str,
    content_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<ChecksumView>,
    #[serde(serialize_with = "rfc3339")]
    created_at: OffsetDateTime,
    #[serde(serialize_with = "rfc3339")]
    expires_at: OffsetDateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multipart: Option<MultipartView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<FileView<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct ChecksumView {
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crc64nvme: Option<String>,
}

/// How a file goes up in parts: those to send, of a grant; those S3 holds, where asked for.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
struct MultipartView<'a> {
    part_size: u64,
    part_count: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<Vec<SignedPartView<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<Vec<StoredPartView<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u16>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
struct SignedPartView<'a> {
    part_number: u16,
    size: u64,
    #[serde(flatten)]
    request: RequestView<'a>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
struct StoredPartView<'a> {
    part_number: u16,
    size: u64,
    etag: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<ChecksumView>,
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
            size: upload.size.exact(),
            // Of a file whose client has not said its size.
            max_size: upload.size.exact().is_none().then(|| upload.size.most()),
            checksum: checksum(upload),
            created_at: upload.created_at,
            expires_at: upload.expires_at,
            reason,
            multipart: MultipartView::new(upload),
            file: FileView::new(upload, cdn_url),
        }
    }

    /// The same with the parts that S3 holds.
    #[must_use]
    pub fn with_stored(mut self, page: &'a PartsPage) -> Self {
        if let Some(multipart) = &mut self.multipart {
            multipart.stored = Some(page.parts.iter().map(StoredPartView::new).collect());
            multipart.next = page.next.map(PartNumber::get);
        }
        self
    }
}

impl MultipartView<'_> {
    /// Of a pending upload in parts; what is over has none left to send.
    fn new(upload: &Upload) -> Option<Self> {
        let Transfer::Parts(Multipart { parts, .. }) = &upload.transfer else { return None };
        (upload.state == State::Pending).then(|| Self {
            part_size: parts.part_bytes(),
            part_count: parts.count(),
            parts: None,
            stored: None,
            next: None,
        })
    }
}

impl<'a> SignedPartView<'a> {
    fn new(part: &'a SignedPart) -> Self {
        Self { part_number: part.number.get(), size: part.size_bytes, request: RequestView::new(&part.put) }
    }
}

impl<'a> StoredPartView<'a> {
    fn new(part: &'a StoredPart) -> Self {
        let checksum =
            |crc64nvme: Crc64Nvme| ChecksumView { sha256: None, crc64nvme: Some(crc64nvme.to_string()) };
        Self {
            part_number: part.number.get(),
            size: part.size_bytes,
            etag: &part.etag,
            checksum: part.crc64nvme.map(checksum),
        }
    }
}

/// Parts that were signed on demand.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignedPartsView<'a> {
    id: String,
    parts: Vec<SignedPartView<'a>>,
}

impl<'a> SignedPartsView<'a> {
    /// The parts of this upload, in the order they were asked for.
    pub fn new(id: UploadId, parts: &'a [SignedPart]) -> Self {
        Self { id: id.to_string(), parts: parts.iter().map(SignedPartView::new).collect() }
    }
}

/// An upload and what to send to fulfil it.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GrantView<'a> {
    #[serde(flatten)]
    upload: UploadView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<RequestView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<LinkView>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestView<'a> {
    method: &'static str,
    pub(crate) url: &'a str,
    pub(crate) headers: BTreeMap<&'a str, &'a str>,
    #[serde(serialize_with = "rfc3339")]
    pub(crate) expires_at: OffsetDateTime,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct LinkView {
    method: &'static str,
    href: String,
}

impl<'a> GrantView<'a> {
    /// The grant.
    pub fn new(grant: &'a Grant, cdn_url: &str) -> Self {
        let Grant { upload, request } = grant;
        let mut view = UploadView::new(upload, cdn_url);
        if let (Some(multipart), Some(Signed::Parts(parts))) = (&mut view.multipart, request) {
            multipart.parts = Some(parts.iter().map(SignedPartView::new).collect());
        }
        Self {
            upload: view,
            request: grant.put().map(RequestView::new),
            confirm: request
                .as_ref()
                .map(|_| LinkView { method: "POST", href: format!("/v1/uploads/{}/confirm", upload.id) }),
        }
    }
}

impl<'a> RequestView<'a> {
    pub(crate) fn new(signed: &'a SignedPut) -> Self {
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
            size: upload.size.most(),
            checksum: checksum(upload),
            width: dimensions.map(|dimensions| dimensions.width),
            height: dimensions.map(|dimensions| dimensions.height),
            file_url: file_url(upload, cdn_url),
            placeholder: placeholder.as_ref().map(PlaceholderView::new),
            thumbnails: ThumbnailsView::new(upload, thumbnails, cdn_url),
            created_at: upload.created_at,
            confirmed_at: *confirmed_at,
        })
    }
}

/// A page of files.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FilesView<'a> {
    items: Vec<FileView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl<'a> FilesView<'a> {
    /// The page. `cdn_url` has no trailing slash.
    pub fn new(page: &'a FilesPage, cdn_url: &str) -> Self {
        Self {
            items: page.files.iter().filter_map(|upload| FileView::new(upload, cdn_url)).collect(),
            next_cursor: page.next.map(|cursor| cursor.to_string()),
        }
    }
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct ThumbnailsView<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    items: Vec<ThumbnailView<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
            url: thumbnail_url(upload, thumbnail, cdn_url),
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LimitsView {
    types: Vec<TypeView>,
    parts: PartLimitsView,
    url_lifetime_seconds: u64,
    grant_lifetime_seconds: u64,
    multipart_lifetime_seconds: u64,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
struct PartLimitsView {
    default_size: u64,
    min_size: u64,
    max_size: u64,
    max_count: u16,
    max_signed: usize,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
            parts: PartLimitsView {
                default_size: DEFAULT_PART_BYTES,
                min_size: MIN_PART_BYTES,
                max_size: MAX_PART_BYTES,
                max_count: MAX_PARTS,
                max_signed: MAX_SIGNED_PARTS,
            },
            url_lifetime_seconds: policy.url_lifetime.as_secs(),
            grant_lifetime_seconds: policy.grant_lifetime.as_secs(),
            multipart_lifetime_seconds: policy.multipart_lifetime.as_secs(),
        }
    }
}

/// Where a ready upload's file is public.
pub(crate) fn file_url(upload: &Upload, cdn_url: &str) -> String {
    format!("{cdn_url}/{}", upload.key())
}

/// Where one of its thumbnails is.
pub(crate) fn thumbnail_url(upload: &Upload, thumbnail: &Thumbnail, cdn_url: &str) -> String {
    format!("{cdn_url}/{}", upload.thumbnail_key(thumbnail.name.clone(), thumbnail.format))
}

/// 201 with something to send; 200 of a repeated request whose upload is past its grant, which made nothing.
pub fn grant_status(grant: &Grant) -> StatusCode {
    if grant.request.is_some() { StatusCode::CREATED } else { StatusCode::OK }
}

/// What the grant is bound to, and what S3 computed over a file in parts.
fn checksum(upload: &Upload) -> Option<ChecksumView> {
    let crc64nvme = match &upload.state {
        State::Ready(verified) => verified.crc64nvme,
        State::Pending | State::Rejected(_) | State::Expired | State::Cancelled | State::Deleted => None,
    };
    (upload.sha256.is_some() || crc64nvme.is_some()).then(|| ChecksumView {
        sha256: upload.sha256.map(|sha256| sha256.to_string()),
        crc64nvme: crc64nvme.map(|crc64nvme| crc64nvme.to_string()),
    })
}

pub(crate) fn rfc3339<S: Serializer>(time: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.format(&Rfc3339).map_err(serde::ser::Error::custom)?)
}
