//! Why a file is not decoded or written; never a text of libwebp's.

/// Why a file is not decoded, or pixels not encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is shorter than it says, or its compressed data ends before its picture does.
    #[error("the webp ends early")]
    Truncated,
    /// The file contradicts RFC 9649 or the VP8 data format (RFC 6386).
    #[error("the webp is damaged: {0}")]
    Corrupt(&'static str),
    /// A WebP of a kind that libwebp does not decode.
    #[error("the webp is of a kind that is not decoded")]
    Unsupported,
    /// More pixels than the format or this machine's memory holds.
    #[error("the webp is too large: {0}")]
    TooLarge(&'static str),
}
