//! Why a file is not decoded; never a reason that could go away by itself.

use image::ImageFormat;
use image::error::{
    DecodingError, ImageError, LimitError, LimitErrorKind, UnsupportedError, UnsupportedErrorKind,
};

/// Why a file is not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file ends before its end-of-image marker.
    #[error("the jpeg ends before its end-of-image marker")]
    Truncated,
    /// A segment contradicts ITU-T T.81.
    #[error("the jpeg is damaged: {0}")]
    Corrupt(&'static str),
    /// A JPEG of a kind that another decoder may know.
    #[error("the jpeg is of a kind that is not decoded at a reduced scale: {0}")]
    Unsupported(&'static str),
    /// Decoding would go beyond [`Limits`](crate::Limits).
    #[error("the jpeg has more {0} than is decoded")]
    Limit(&'static str),
    /// A scale other than 1/2, 1/4 and 1/8. The full size, 1/1, is left to full decoders.
    #[error("a jpeg is decoded at 1/2, 1/4 or 1/8 of its size, not at 1/{0}")]
    Scale(u32),
}

impl From<Error> for ImageError {
    fn from(error: Error) -> Self {
        let format = ImageFormat::Jpeg.into();
        match error {
            Error::Truncated | Error::Corrupt(_) => Self::Decoding(DecodingError::new(format, error)),
            Error::Limit("pixels") => Self::Limits(LimitError::from_kind(LimitErrorKind::DimensionError)),
            Error::Limit(_) => Self::Limits(LimitError::from_kind(LimitErrorKind::InsufficientMemory)),
            Error::Unsupported(_) | Error::Scale(_) => {
                Self::Unsupported(UnsupportedError::from_format_and_kind(
                    format,
                    UnsupportedErrorKind::GenericFeature(error.to_string()),
                ))
            }
        }
    }
}
