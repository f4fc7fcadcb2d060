//! What a client says of a file that it cannot or need not describe exactly: no size, perhaps no type. It becomes an upload that is bound to
//! what was said, and for the rest to what the stack takes.

use crate::error::{Error, FieldError};
use crate::issue_upload::accepted;
use crate::parts::{MAX_PART_BYTES, MAX_PARTS, MIN_PART_BYTES, Parts};
use crate::policy::Policy;
use crate::upload::{Filename, Size, State, Transfer, to_milliseconds};
use crate::{MediaType, Owner, Upload, UploadId};
use std::fmt;
use time::OffsetDateTime;

/// What a file is called that has no name: a pasted picture, a recording.
const NAMELESS: &str = "upload";

/// Types that say nothing. A browser that does not know a file's type gives the first.
const GENERIC_TYPES: [&str; 3] = ["", "application/octet-stream", "binary/octet-stream"];

/// What a client wants to upload, as far as it says.
#[derive(Clone, Default)]
pub struct Announced {
    /// What it calls the file, if anything.
    pub filename: Option<String>,
    /// Its type, if it knows. Where it does not, the name's extension decides.
    pub content_type: Option<String>,
    /// Its exact size in bytes, if it says.
    pub size_bytes: Option<u64>,
    /// Into parts of how many bytes it cuts the file, if it says.
    pub part_bytes: Option<u64>,
}

impl Announced {
    /// The upload to record, all of it but how it goes up; open for `lifetime`.
    pub(crate) fn upload(
        &self,
        policy: &Policy,
        now: OffsetDateTime,
        lifetime: std::time::Duration,
        owner: Owner,
        id: UploadId,
        transfer: Transfer,
    ) -> Result<Upload, Error> {
        let mut errors = Vec::new();
        let name = self.filename.as_deref().filter(|name| !name.is_empty()).unwrap_or(NAMELESS);
        let filename = Filename::new(name.to_owned());
        if filename.is_none() {
            let detail = format!("must have at most {} bytes", Filename::MAX_BYTES);
            errors.push(FieldError::new("/filename", detail));
        }
        if self.size_bytes == Some(0) {
            errors.push(FieldError::new("/metadata/size", "must be at least 1"));
        }
        if self.part_bytes.is_some_and(|bytes| !(MIN_PART_BYTES..=MAX_PART_BYTES).contains(&bytes)) {
            let detail = format!("must be {MIN_PART_BYTES} to {MAX_PART_BYTES}");
            errors.push(FieldError::new("/metadata/partSize", detail));
        }
        let (Some(filename), true) = (filename, errors.is_empty()) else {
            return Err(Error::InvalidRequest(errors));
        };
        let (media_type, max_bytes) = accepted(policy, self.media_type())?;
        let size = match self.size_bytes {
            Some(bytes) if bytes > max_bytes => return Err(Error::FileTooLarge { max_bytes }),
            Some(bytes) => Size::Exact(bytes),
            None => Size::AtMost(max_bytes),
        };
        let created_at = to_milliseconds(now);
        let expires_at = created_at + lifetime;
        Ok(Upload {
            owner,
            id,
            filename,
            media_type,
            size,
            sha256: None,
            created_at,
            expires_at,
            transfer,
            state: State::Pending,
            due_at: Some(expires_at),
        })
    }

    /// How the client cuts the file, if it says both how large it is and how large a part. `None` also where that is a single part.
    pub(crate) fn cut(&self) -> Result<Option<Parts>, Error> {
        let (Some(file_bytes), Some(part_bytes)) = (self.size_bytes, self.part_bytes) else {
            return Ok(None);
        };
        if file_bytes <= part_bytes {
            return Ok(None);
        }
        Parts::new(file_bytes, part_bytes).map(Some).ok_or_else(|| {
            let detail = format!("must be large enough for at most {MAX_PARTS} parts");
            Error::InvalidRequest(vec![FieldError::new("/metadata/partSize", detail)])
        })
    }

    /// The type that was said, without parameters, which recorders add; the extension's where none was. What is stored is our own literal.
    fn media_type(&self) -> Option<MediaType> {
        let said = self.content_type.as_deref().unwrap_or_default();
        let said = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if GENERIC_TYPES.contains(&said.as_str()) {
            MediaType::of_filename(self.filename.as_deref().unwrap_or_default())
        } else {
            MediaType::parse(&said)
        }
    }
}

impl fmt::Debug for Announced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Announced").field("size_bytes", &self.size_bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sample;

    fn announced(filename: &str, content_type: &str) -> Result<MediaType, Error> {
        let announced = Announced {
            filename: Some(filename.to_owned()),
            content_type: Some(content_type.to_owned()),
            ..Announced::default()
        };
        announced.pending(None).map(|upload| upload.media_type)
    }

    impl Announced {
        fn pending(&self, size_bytes: Option<u64>) -> Result<Upload, Error> {
            let announced = Self { size_bytes: size_bytes.or(self.size_bytes), ..self.clone() };
            let lifetime = sample::policy().grant_lifetime;
            let owner = Owner::of_subject("alice");
            announced.upload(&sample::policy(), sample::NOW, lifetime, owner, sample::id(), Transfer::Form)
        }
    }

    #[test]
    fn the_extension_decides_only_where_the_type_says_nothing() {
        for (name, said, expected) in [
            ("cat.jpg", "image/png", MediaType::Png),
            ("cat.JPEG", "", MediaType::Jpeg),
            ("a.b.png", "application/octet-stream", MediaType::Png),
            ("clip", "Video/MP4; codecs=\"avc1\"", MediaType::Mp4),
        ] {
            assert_eq!(announced(name, said).unwrap(), expected, "{name} {said}");
        }
        for (name, said) in
            [("cat.png", "text/html"), ("cat.exe", ""), ("png", ""), ("cat.png", "image/webp")]
        {
            assert!(matches!(announced(name, said), Err(Error::TypeNotAllowed { .. })), "{name} {said}");
        }
    }

    #[test]
    fn a_file_without_a_name_gets_one_and_one_without_a_size_the_types_bound() {
        let nameless = Announced { content_type: Some("image/png".to_owned()), ..Announced::default() };
        let upload = nameless.pending(None).unwrap();
        assert_eq!((upload.filename.as_str(), upload.size), ("upload", Size::AtMost(1 << 20)));
        assert_eq!(nameless.pending(Some(7)).unwrap().size, Size::Exact(7));
        assert!(matches!(
            nameless.pending(Some((1 << 20) + 1)),
            Err(Error::FileTooLarge { max_bytes: 0x10_0000 })
        ));
    }

    #[test]
    fn what_is_wrong_is_named_at_once() {
        let wrong = Announced {
            filename: Some("x".repeat(1025)),
            content_type: Some("image/png".to_owned()),
            size_bytes: Some(0),
            part_bytes: Some(1),
        };
        let Err(Error::InvalidRequest(errors)) = wrong.pending(None) else { panic!("it is taken") };
        let pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_ref()).collect();
        assert_eq!(pointers, ["/filename", "/metadata/size", "/metadata/partSize"]);
    }
}
