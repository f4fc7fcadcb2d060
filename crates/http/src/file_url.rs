//! `GET /v1/files/{id}/url`: where the file, or one of its thumbnails, is public.

use crate::view::{file_url, thumbnail_url};
use crate::{Call, Problem};
use serde::Serialize;
use valet_core::Error;
use valet_core::Upload;
use valet_core::upload::{State, Thumbnails};

/// The thumbnail whose address is asked for, if not the file's.
pub fn wanted_thumbnail(call: &Call) -> Result<Option<String>, Problem> {
    Ok(call.query(&["thumbnail"])?.remove("thumbnail"))
}

/// The address of a file or of a thumbnail.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileUrlView {
    id: String,
    url: String,
}

impl FileUrlView {
    /// The address at the CDN. `cdn_url` has no trailing slash.
    pub fn new(upload: &Upload, thumbnail: Option<&str>, cdn_url: &str) -> Result<Self, Error> {
        let State::Ready(verified) = &upload.state else { return Err(Error::NotFound) };
        let url = match (thumbnail, &verified.thumbnails) {
            (None, _) => file_url(upload, cdn_url),
            (Some(name), Thumbnails::Ready(items)) => {
                let named = items.iter().find(|item| item.name.as_str() == name);
                thumbnail_url(upload, named.ok_or(Error::NoThumbnail)?, cdn_url)
            }
            (Some(_), Thumbnails::None | Thumbnails::Pending | Thumbnails::Failed(_)) => {
                return Err(Error::NoThumbnail);
            }
        };
        Ok(Self { id: upload.id.to_string(), url })
    }
}
