//! Who an upload belongs to, and which one it is. Neither ever contains text a client chose.

use sha2::{Digest, Sha256};
use std::fmt;
use uuid::Uuid;

/// The owner of an upload: the first 128 bits of SHA-256 over the token's `sub`.
///
/// Subjects can be long, can hold any character and can be an e-mail address; keys, partition keys and
/// public addresses must not. Displayed as 32 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner([u8; 16]);

impl Owner {
    /// The owner a verified token's `sub` stands for.
    pub fn of_subject(subject: &str) -> Self {
        let digest = Sha256::digest(subject.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(bytes)
    }

    /// Bits of a hash, for whoever spreads owners.
    pub(crate) fn last_byte(self) -> u8 {
        self.0[15]
    }

    /// Reads what [`fmt::Display`] writes, and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let canonical = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let value = canonical.then(|| u128::from_str_radix(text, 16).ok())??;
        Some(Self(value.to_be_bytes()))
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owner({self})")
    }
}

/// The id of one upload and of the file it becomes: a UUID version 7, so that ids sort by time.
///
/// Displayed in the lower-case hyphenated form of RFC 9562.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UploadId(Uuid);

impl UploadId {
    /// Takes an id the handler just made.
    pub fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Reads the lower-case hyphenated form of a version 7 UUID; every other spelling is `None`, so that an
    /// upload has exactly one key.
    pub fn parse(text: &str) -> Option<Self> {
        let uuid = Uuid::try_parse(text).ok().filter(|uuid| uuid.get_version_num() == 7)?;
        let id = Self(uuid);
        (id.to_string() == text).then_some(id)
    }
}

impl UploadId {
    /// Random bits, for whoever spreads uploads.
    pub(crate) fn last_byte(self) -> u8 {
        self.0.as_bytes()[15]
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owner_is_the_start_of_the_sha_256_of_the_subject() {
        // printf alice | sha256sum
        assert_eq!(Owner::of_subject("alice").to_string(), "2bd806c97f0e00af1a1fc3328fa763a9");
    }

    #[test]
    fn owner_reads_back_only_what_it_writes() {
        let owner = Owner::of_subject("a\r\nb/../c");
        assert_eq!(Owner::parse(&owner.to_string()), Some(owner));
        for other in ["", "2BD806C97F0E00AF1A1FC3328FA763A9", "+bd806c97f0e00af1a1fc3328fa763a9", "2bd8"] {
            assert_eq!(Owner::parse(other), None, "{other}");
        }
    }

    #[test]
    fn upload_id_has_one_spelling() {
        let text = "01936f2e-8b5a-7c3d-9e4f-0123456789ab";
        assert_eq!(UploadId::parse(text).unwrap().to_string(), text);
        for other in [
            "01936F2E-8B5A-7C3D-9E4F-0123456789AB",
            "01936f2e8b5a7c3d9e4f0123456789ab",
            "{01936f2e-8b5a-7c3d-9e4f-0123456789ab}",
            "01936f2e-8b5a-4c3d-9e4f-0123456789ab",
            "../01936f2e-8b5a-7c3d-9e4f-0123456789ab",
            "",
        ] {
            assert_eq!(UploadId::parse(other), None, "{other}");
        }
    }
}
