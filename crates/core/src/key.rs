//! Where objects lie in the bucket. Keys are made here and nowhere else, from ids and literals, never from client
//! text: a URL parser would rewrite `/../` and `/%2e%2e/` to another path.

use crate::{MediaType, Owner, UploadId};
use percent_encoding::percent_decode;
use std::fmt;

/// The `Cache-Control` every object is stored and served with: keys are written once, so a copy never goes stale.
pub const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// The key of an uploaded object: `uploads/{owner}/{id}.{extension}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UploadKey {
    /// Who may write and own it.
    pub owner: Owner,
    /// Which upload it is.
    pub id: UploadId,
    /// Decides the extension, and with it what the object is served as.
    pub media_type: MediaType,
}

impl UploadKey {
    /// Reads back what [`fmt::Display`] writes; `None` for every other key.
    pub fn parse(key: &str) -> Option<Self> {
        let (owner, name) = key.strip_prefix("uploads/")?.split_once('/')?;
        let (id, extension) = name.split_once('.')?;
        Some(Self {
            owner: Owner::parse(owner)?,
            id: UploadId::parse(id)?,
            media_type: MediaType::from_extension(extension)?,
        })
    }

    /// Reads the key of an S3 event notification, which is form-encoded: `+` is a space, the rest is
    /// percent-encoded. `None` for a key that is not an upload's, `thumbnails/…` among them.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>
    pub fn from_event(encoded: &str) -> Option<Self> {
        let spaces = encoded.replace('+', " ");
        Self::parse(&percent_decode(spaces.as_bytes()).decode_utf8().ok()?)
    }
}

impl fmt::Display for UploadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "uploads/{}/{}.{}", self.owner, self.id, self.media_type.extension())
    }
}

/// The name of a thumbnail size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ThumbnailName {
    /// At most 200 × 200.
    Small,
}

impl ThumbnailName {
    /// The name in keys, rows and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Small => "small",
        }
    }

    /// Reads back [`Self::as_str`].
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Small].into_iter().find(|candidate| candidate.as_str() == name)
    }
}

/// The key of a thumbnail: `thumbnails/{owner}/{id}/{name}.jpg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ThumbnailKey {
    /// The owner of the upload it was made from.
    pub owner: Owner,
    /// The upload it was made from.
    pub id: UploadId,
    /// Which size.
    pub name: ThumbnailName,
}

impl ThumbnailKey {
    /// What thumbnails are stored and served as.
    pub const CONTENT_TYPE: &str = MediaType::Jpeg.content_type();
}

impl fmt::Display for ThumbnailKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "thumbnails/{}/{}/{}.jpg", self.owner, self.id, self.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01936f2e-8b5a-7c3d-9e4f-0123456789ab";

    fn key() -> UploadKey {
        UploadKey {
            owner: Owner::of_subject("alice"),
            id: UploadId::parse(ID).unwrap(),
            media_type: MediaType::Quicktime,
        }
    }

    #[test]
    fn upload_key_reads_back_what_it_writes() {
        let text = format!("uploads/2bd806c97f0e00af1a1fc3328fa763a9/{ID}.mov");
        assert_eq!(key().to_string(), text);
        assert_eq!(UploadKey::parse(&text), Some(key()));
    }

    #[test]
    fn thumbnail_key_names_owner_upload_and_size() {
        let thumbnail = ThumbnailKey { owner: key().owner, id: key().id, name: ThumbnailName::Small };
        assert_eq!(
            thumbnail.to_string(),
            format!("thumbnails/2bd806c97f0e00af1a1fc3328fa763a9/{ID}/small.jpg")
        );
        assert_eq!(UploadKey::parse(&thumbnail.to_string()), None);
    }

    #[test]
    fn event_keys_are_form_decoded_once() {
        let text = key().to_string();
        assert_eq!(UploadKey::from_event(&text), Some(key()));
        assert_eq!(UploadKey::from_event(&text.replace('/', "%2F").replace('-', "%2D")), Some(key()));
        assert_eq!(UploadKey::from_event(&text.replace('-', "%252D")), None, "decoded twice");
    }

    #[test]
    fn foreign_keys_are_nobodys_upload() {
        for foreign in [
            "thumbnails/2bd806c97f0e00af1a1fc3328fa763a9/x/small.jpg".to_owned(),
            format!("uploads/2bd806c97f0e00af1a1fc3328fa763a9/{ID}.mov.exe"),
            format!("uploads/2bd806c97f0e00af1a1fc3328fa763a9/{ID}.svg"),
            format!("uploads/2bd806c97f0e00af1a1fc3328fa763a9/../x/{ID}.mov"),
            format!("uploads//{ID}.mov"),
            format!("/uploads/2bd806c97f0e00af1a1fc3328fa763a9/{ID}.mov"),
            "uploads/my+holiday+%C3%BC.jpg".to_owned(),
            "uploads/%ff%fe".to_owned(),
            String::new(),
        ] {
            assert_eq!(UploadKey::from_event(&foreign), None, "{foreign}");
        }
    }
}
