//! Why a file gets no thumbnail; never a reason that could go away by itself.

use image::ImageError;

use crate::Dimensions;

/// Why no thumbnail could be made. Every variant is permanent: the same bytes will always fail, so nobody
/// should try again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The first bytes are of no format that is decoded.
    #[error("the file is not a jpeg, png, webp or gif image")]
    UnsupportedFormat,
    /// A known format in a flavour that is not decoded, such as an arithmetic-coded JPEG.
    #[error("the image is encoded in a way that is not supported")]
    UnsupportedEncoding(#[source] Cause),
    /// A side or the area goes beyond [`Limits`](crate::Limits). Known from the header alone; nothing was
    /// decoded.
    #[error("an image of {0} pixels is larger than what is decoded")]
    TooManyPixels(Dimensions),
    /// Decoding would take more memory or more passes than [`Limits`](crate::Limits) allows, through pixels,
    /// metadata or scans.
    #[error("decoding the image would take more than is allowed")]
    TooLargeToDecode,
    /// The file is broken or ends too early.
    #[error("the image is damaged or incomplete")]
    Corrupt(#[source] Cause),
}

/// What the codec said, for the log.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

impl Error {
    /// The reason as a stable word, to be stored and shown to clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnsupportedFormat => "unsupported_format",
            Self::UnsupportedEncoding(_) => "unsupported_encoding",
            Self::TooManyPixels(_) => "too_many_pixels",
            Self::TooLargeToDecode => "too_large_to_decode",
            Self::Corrupt(_) => "corrupt",
        }
    }

    /// Sorts what a decoder reported: its limits, its gaps, and otherwise the file's fault.
    pub(crate) fn from_decoder(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::TooLargeToDecode,
            ImageError::Unsupported(_) => Self::UnsupportedEncoding(error.into()),
            ImageError::Decoding(_)
            | ImageError::Encoding(_)
            | ImageError::Parameter(_)
            | ImageError::IoError(_) => Self::Corrupt(error.into()),
        }
    }

    pub(crate) fn from_gif(error: gif::DecodingError) -> Self {
        match error {
            gif::DecodingError::OutOfMemory | gif::DecodingError::MemoryLimit => Self::TooLargeToDecode,
            _ => Self::Corrupt(error.into()),
        }
    }

    pub(crate) fn from_png(error: png::DecodingError) -> Self {
        match error {
            png::DecodingError::LimitsExceeded => Self::TooLargeToDecode,
            png::DecodingError::IoError(_)
            | png::DecodingError::Format(_)
            | png::DecodingError::Parameter(_) => Self::Corrupt(error.into()),
        }
    }

    pub(crate) fn from_webp(error: valet_webp::Error) -> Self {
        match error {
            valet_webp::Error::TooLarge(_) => Self::TooLargeToDecode,
            valet_webp::Error::Unsupported => Self::UnsupportedEncoding(error.into()),
            _ => Self::Corrupt(error.into()),
        }
    }
}
