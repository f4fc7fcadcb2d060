//! What a stack accepts and for how long. Read once from its configuration, then constant.

use crate::MediaType;
use crate::parts::MAX_FILE_BYTES;
use crate::usage::Quota;
use std::time::Duration;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;

/// The limits one stack enforces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What may be uploaded.
    pub accepted: AcceptedTypes,
    /// How long one signed URL may start a request. S3 checks it when the request starts, not when it ends.
    pub url_lifetime: Duration,
    /// How long an upload stays open after it was granted; its URL can be signed again until then.
    pub grant_lifetime: Duration,
    /// The same for an upload of many parts, which may take days over a bad line.
    pub multipart_lifetime: Duration,
    /// How much one owner may have.
    pub quota: Quota,
}

/// The accepted types, each with its own maximum size in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedTypes(Vec<(MediaType, u64)>);

impl AcceptedTypes {
    /// Reads a list such as `image/jpeg=50MiB,video/mp4=5GiB`: a type, `=`, a size in bytes or with the suffix
    /// `KiB`, `MiB`, `GiB` or `TiB`. Sizes are 1 byte to 5 TiB. The error is a sentence for whoever deploys.
    pub fn parse(list: &str) -> Result<Self, String> {
        let mut accepted: Vec<(MediaType, u64)> = Vec::new();
        for entry in list.split(',').map(str::trim) {
            let (name, size) = entry.split_once('=').ok_or_else(|| format!("`{entry}` is not type=size"))?;
            let media_type =
                MediaType::parse(name).ok_or_else(|| format!("`{name}` is not a type Valet knows"))?;
            let size_bytes = parse_size(size)
                .filter(|bytes| (1..=MAX_FILE_BYTES).contains(bytes))
                .ok_or_else(|| format!("`{size}` is not a size of 1 byte to 5TiB"))?;
            if accepted.iter().any(|(seen, _)| *seen == media_type) {
                return Err(format!("`{name}` is listed twice"));
            }
            accepted.push((media_type, size_bytes));
        }
        accepted.sort_unstable();
        Ok(Self(accepted))
    }

    /// The most bytes a file of this type may have; `None` when the type is not accepted.
    pub fn max_bytes(&self, media_type: MediaType) -> Option<u64> {
        self.0.iter().find(|(accepted, _)| *accepted == media_type).map(|(_, bytes)| *bytes)
    }

    /// The accepted types and their maximum sizes, in the order of [`MediaType::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (MediaType, u64)> + '_ {
        self.0.iter().copied()
    }
}

fn parse_size(text: &str) -> Option<u64> {
    let (digits, unit) = match text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())) {
        (digits, "") => (digits, 1),
        (digits, "KiB") => (digits, KIB),
        (digits, "MiB") => (digits, MIB),
        (digits, "GiB") => (digits, GIB),
        (digits, "TiB") => (digits, TIB),
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_types_and_sizes_is_read() {
        let accepted = AcceptedTypes::parse("video/mp4=5GiB, image/jpeg=50MiB,image/png=1024").unwrap();
        assert_eq!(
            accepted.iter().collect::<Vec<_>>(),
            [(MediaType::Jpeg, 50 * MIB), (MediaType::Png, 1024), (MediaType::Mp4, 5 * GIB)]
        );
        assert_eq!(accepted.max_bytes(MediaType::Png), Some(1024));
        assert_eq!(accepted.max_bytes(MediaType::Pdf), None);
    }

    #[test]
    fn a_bad_list_says_which_entry() {
        for (list, sentence) in [
            ("", "`` is not type=size"),
            ("image/jpeg", "`image/jpeg` is not type=size"),
            ("image/svg+xml=1MiB", "`image/svg+xml` is not a type Valet knows"),
            ("image/jpeg=0", "`0` is not a size of 1 byte to 5TiB"),
            ("image/jpeg=6TiB", "`6TiB` is not a size of 1 byte to 5TiB"),
            ("image/jpeg=5GB", "`5GB` is not a size of 1 byte to 5TiB"),
            ("image/jpeg=99999999999999999999", "`99999999999999999999` is not a size of 1 byte to 5TiB"),
            (
                "image/jpeg=18446744073709551615GiB",
                "`18446744073709551615GiB` is not a size of 1 byte to 5TiB",
            ),
            ("image/jpeg=1,image/jpeg=2", "`image/jpeg` is listed twice"),
        ] {
            assert_eq!(AcceptedTypes::parse(list).unwrap_err(), sentence, "{list}");
        }
    }
}
