//! What a caller keeps to resume an upload after its process has ended. Nothing in it is secret.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Names an upload and the file it is of.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    /// The upload.
    pub id: String,
    /// The API that granted it, without a slash at the end.
    pub base_url: String,
    /// The file, as it was named.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last changed, in nanoseconds since 1970. A string in JSON, as numbers there are smaller.
    #[serde(with = "nanoseconds")]
    pub modified_ns: i128,
    /// The size of its parts in bytes; none where it goes in one piece.
    pub part_size: Option<u64>,
}

mod nanoseconds {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &i128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i128, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_reads_back_as_it_was_written() {
        let ticket = Ticket {
            id: "01936f2e".into(),
            base_url: "https://api.example".into(),
            path: "/films/long.mp4".into(),
            size: 5 << 40,
            modified_ns: 1_763_800_000_123_456_789,
            part_size: Some(16 << 20),
        };
        let text = serde_json::to_string(&ticket).unwrap();
        assert!(text.contains(r#""modifiedNs":"1763800000123456789""#), "{text}");
        assert_eq!(serde_json::from_str::<Ticket>(&text).unwrap(), ticket);
    }
}
