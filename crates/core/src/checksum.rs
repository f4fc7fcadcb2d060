//! The SHA-256 a client may bind its grant to. Never computed here over a file's bytes: S3 does that.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;

/// A SHA-256 digest, written as S3 writes it: 44 characters of padded standard base64.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// Takes a digest.
    pub fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// Reads padded standard base64 of exactly 32 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        STANDARD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest;
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        let digest = Sha256::of(b"cat");
        assert_eq!(digest.to_string(), "d693i1Gr1KPFHF3dlyBKnDrmFOvMt1pgbDtoZa7WdE4=");
        assert_eq!(Sha256::parse(&digest.to_string()), Some(digest));
    }

    #[test]
    fn refuses_every_other_spelling_and_length() {
        for text in [
            "",
            "d693i1Gr1KPFHF3dlyBKnDrmFOvMt1pgbDtoZa7WdE4",
            "d693i1Gr1KPFHF3dlyBKnDrmFOvMt1pgbDtoZa7WdE4-",
            "77af778b51abd4a3c51c5ddd97204a9c3ae614ebccb75a606c3b6865aed6744e",
            "AAAA",
            "d693i1Gr1KPFHF3dlyBKnDrmFOvMt1pgbDtoZa7WdE4=\r\n",
        ] {
            assert_eq!(Sha256::parse(text), None, "{text:?}");
        }
    }
}
