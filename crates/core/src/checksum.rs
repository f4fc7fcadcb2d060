//! The checksums a client may bind its upload to. Never computed here over a file's bytes: S3 does that.

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

/// A CRC-64/NVME, written as S3 writes it: 12 characters of padded standard base64, most significant byte first. S3 computes it over
/// each part and over the whole of a multipart upload.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Crc64Nvme(u64);

impl Crc64Nvme {
    /// Takes a checksum.
    pub fn new(crc: u64) -> Self {
        Self(crc)
    }

    /// Reads padded standard base64 of exactly 8 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        STANDARD.decode(text).ok()?.try_into().ok().map(u64::from_be_bytes).map(Self)
    }
}

impl fmt::Display for Crc64Nvme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0.to_be_bytes()))
    }
}

impl fmt::Debug for Crc64Nvme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crc64Nvme({self})")
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
        // The check value of CRC-64/NVME, over "123456789".
        let crc = Crc64Nvme::new(0xae8b_1486_0a79_9888);
        assert_eq!(crc.to_string(), "rosUhgp5mIg=");
        assert_eq!(Crc64Nvme::parse(&crc.to_string()), Some(crc));
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
            assert_eq!(Crc64Nvme::parse(text), None, "{text:?}");
        }
        assert_eq!(Crc64Nvme::parse("rosUhgp5mIg"), None);
    }
}
