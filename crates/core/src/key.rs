//! Where objects lie in the bucket. Keys are made here and nowhere else, from ids and literals, never from client
//! text: a URL parser would rewrite `/../` and `/%2e%2e/` to another path.

use crate::{MediaType, Owner, UploadId};
use percent_encoding::percent_decode;
use std::fmt;

/// The `Cache-Control` every object is stored and served with: keys are written once, so a copy never goes stale.
pub const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// Where in the bucket an upload lies, which decides what the bucket's policy asks of whoever writes there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Area {
    /// `uploads/{owner}/`: written once. The policy refuses a write without `If-None-Match`.
    WriteOnce,
    /// `uploads/open/{owner}/`: for forms, which can carry no precondition. A form that is sent again makes another version; only the one
    /// that was verified is served, and the others are removed.
    Open,
}

impl Area {
    const fn prefix(self) -> &'static str {
        match self {
            Self::WriteOnce => "uploads/",
            Self::Open => "uploads/open/",
        }
    }
}

/// The key of an uploaded object: `uploads/{owner}/{id}.{extension}`, or `uploads/open/{owner}/{id}.{extension}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UploadKey {
    /// Who may write and own it.
    pub owner: Owner,
    /// Which upload it is.
    pub id: UploadId,
    /// Decides the extension, and with it what the object is served as.
    pub media_type: MediaType,
    /// Where it lies.
    pub area: Area,
}

impl UploadKey {
    /// Reads back what [`fmt::Display`] writes; `None` for every other key.
    pub fn parse(key: &str) -> Option<Self> {
        // No owner is called "open": theirs are hex digits.
        let (area, rest) = [Area::Open, Area::WriteOnce]
            .into_iter()
            .find_map(|area| Some((area, key.strip_prefix(area.prefix())?)))?;
        let (owner, name) = rest.split_once('/')?;
        let (id, extension) = name.split_once('.')?;
        Some(Self {
            owner: Owner::parse(owner)?,
            id: UploadId::parse(id)?,
            media_type: MediaType::from_extension(extension)?,
            area,
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
        let (prefix, extension) = (self.area.prefix(), self.media_type.extension());
        write!(f, "{prefix}{}/{}.{extension}", self.owner, self.id)
    }
}

/// The name of a thumbnail: 1 to 32 lower-case letters, digits and hyphens, not a hyphen first. The operator chooses it; no
/// client does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ThumbnailName(String);

impl ThumbnailName {
    /// The most characters a name may have.
    pub const MAX_LENGTH: usize = 32;

    /// Takes a good name; `None` for any other.
    pub fn parse(name: &str) -> Option<Self> {
        let is_good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_name = name.len() <= Self::MAX_LENGTH
            && name.bytes().next().is_some_and(is_good)
            && name.bytes().all(|byte| is_good(byte) || byte == b'-');
        is_name.then(|| Self(name.to_owned()))
    }

    /// The name in keys, rows and answers.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a thumbnail is stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ThumbnailFormat {
    /// JPEG
    Jpeg,
    /// WebP
    Webp,
}

impl ThumbnailFormat {
    const ALL: [Self; 2] = [Self::Jpeg, Self::Webp];

    /// What a thumbnail is stored and served as.
    pub const fn content_type(self) -> &'static str {
        self.media_type().content_type()
    }

    /// How its key ends.
    pub const fn extension(self) -> &'static str {
        self.media_type().extension()
    }

    /// Reads back [`Self::content_type`].
    pub fn from_content_type(content_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.content_type() == content_type)
    }

    const fn media_type(self) -> MediaType {
        match self {
            Self::Jpeg => MediaType::Jpeg,
            Self::Webp => MediaType::Webp,
        }
    }
}

/// The key of a thumbnail: `thumbnails/{owner}/{id}/{name}.{extension}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ThumbnailKey {
    /// The owner of the upload it was made from.
    pub owner: Owner,
    /// The upload it was made from.
    pub id: UploadId,
    /// Which of its thumbnails.
    pub name: ThumbnailName,
    /// Decides the extension and what it is served as.
    pub format: ThumbnailFormat,
}

impl ThumbnailKey {
    /// Reads back what [`fmt::Display`] writes; `None` for every other key.
    pub fn parse(key: &str) -> Option<Self> {
        let (owner, rest) = key.strip_prefix("thumbnails/")?.split_once('/')?;
        let (id, file) = rest.split_once('/')?;
        let (name, extension) = file.split_once('.')?;
        Some(Self {
            owner: Owner::parse(owner)?,
            id: UploadId::parse(id)?,
            name: ThumbnailName::parse(name)?,
            format: ThumbnailFormat::ALL.into_iter().find(|format| format.extension() == extension)?,
        })
    }
}

impl fmt::Display for ThumbnailKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, id, name, format } = self;
        write!(f, "thumbnails/{owner}/{id}/{}.{}", name.as_str(), format.extension())
    }
}

/// Where all thumbnails of an upload lie: `thumbnails/{owner}/{id}/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ThumbnailPrefix {
    /// The owner of the upload they were made from.
    pub owner: Owner,
    /// The upload they were made from.
    pub id: UploadId,
}

impl fmt::Display for ThumbnailPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "thumbnails/{}/{}/", self.owner, self.id)
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
            area: Area::WriteOnce,
        }
    }

    #[test]
    fn upload_key_reads_back_what_it_writes() {
        let text = format!("uploads/2bd806c97f0e00af1a1fc3328fa763a9/{ID}.mov");
        assert_eq!(key().to_string(), text);
        assert_eq!(UploadKey::parse(&text), Some(key()));
        let open = UploadKey { area: Area::Open, ..key() };
        let text = format!("uploads/open/2bd806c97f0e00af1a1fc3328fa763a9/{ID}.mov");
        assert_eq!(open.to_string(), text);
        assert_eq!(UploadKey::parse(&text), Some(open));
        assert_eq!(UploadKey::parse(&text.replace("open/", "open/open/")), None);
    }

    #[test]
    fn thumbnail_key_names_owner_upload_name_and_format() {
        let name = ThumbnailName::parse("wide-2x").unwrap();
        for (format, extension) in [(ThumbnailFormat::Jpeg, "jpg"), (ThumbnailFormat::Webp, "webp")] {
            let thumbnail = ThumbnailKey { owner: key().owner, id: key().id, name: name.clone(), format };
            let text = format!("thumbnails/2bd806c97f0e00af1a1fc3328fa763a9/{ID}/wide-2x.{extension}");
            assert_eq!(thumbnail.to_string(), text);
            assert_eq!(ThumbnailKey::parse(&text), Some(thumbnail));
            let prefix = ThumbnailPrefix { owner: key().owner, id: key().id };
            assert_eq!(text, format!("{prefix}wide-2x.{extension}"));
            assert_eq!(UploadKey::parse(&text), None);
        }
    }

    #[test]
    fn what_is_no_thumbnails_key_reads_as_none() {
        let owner = "2bd806c97f0e00af1a1fc3328fa763a9";
        for other in [
            format!("uploads/{owner}/{ID}.jpg"),
            format!("thumbnails/{owner}/{ID}/small.png"),
            format!("thumbnails/{owner}/{ID}/small.jpg.exe"),
            format!("thumbnails/{owner}/{ID}/x/small.jpg"),
            format!("thumbnails/{owner}/{ID}"),
            format!("thumbnails/{ID}/small.jpg"),
            format!("thumbnails/{owner}/{ID}/Small.jpg"),
        ] {
            assert_eq!(ThumbnailKey::parse(&other), None, "{other}");
        }
    }

    #[test]
    fn a_thumbnails_name_can_be_nothing_but_a_name() {
        for name in ["small", "0", "w-1600", "a-", &"x".repeat(32)] {
            assert_eq!(ThumbnailName::parse(name).unwrap().as_str(), name);
        }
        for name in ["", "-a", "Small", "a b", "a/b", "../a", "a.b", "ü", "a\n", &"x".repeat(33)] {
            assert_eq!(ThumbnailName::parse(name), None, "{name:?}");
        }
    }

    #[test]
    fn a_thumbnails_format_reads_back_its_content_type() {
        for (format, content_type) in
            [(ThumbnailFormat::Jpeg, "image/jpeg"), (ThumbnailFormat::Webp, "image/webp")]
        {
            assert_eq!(format.content_type(), content_type);
            assert_eq!(ThumbnailFormat::from_content_type(content_type), Some(format));
        }
        assert_eq!(ThumbnailFormat::from_content_type("image/png"), None);
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
            format!("thumbnails/2bd806c97f0e00af1a1fc3328fa763a9/{ID}.mov"),
            format!("2bd806c97f0e00af1a1fc3328fa763a9/{ID}.mov"),
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
