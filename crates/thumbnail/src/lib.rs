//! Makes a small JPEG out of an untrusted JPEG, PNG, WebP or GIF file.
//!
//! One door: [`thumbnail`] takes a whole file and says what to make of it; [`probe`] only looks. The steps
//! between the two ends are one module each, in the order they run: the file's format is read from its first
//! bytes, its header is held against the [`Limits`] before anything is decoded, the first frame is decoded
//! (a JPEG at a half, a quarter or an eighth of its size where that leaves enough, by `scaled-jpeg`), flattened on
//! white, resized, turned upright and encoded. No step lets metadata through: the result is made
//! of pixels alone.
//!
//! Nothing here touches a network, a disk or a clock, and no input may make it panic: whatever is wrong with
//! a file comes back as an [`Error`], and every one of them is permanent. The same bytes fail the same way
//! tomorrow, so there is nothing to retry.
//!
//! Not done yet: colour profiles are ignored (pixels are taken for sRGB), and AVIF, HEIC and video are
//! [`Error::UnsupportedFormat`].

mod variant;
pub use variant::{Fit, OutputFormat, Variant, VariantError, Variants, VariantsError};

mod dimensions;
pub use dimensions::Dimensions;

mod error;
pub use error::{Cause, Error};

mod format;
pub use format::Format;

mod limits;
pub use limits::Limits;

mod orientation;
mod picture;
mod placement;

mod source;
pub use source::{Source, probe};

mod jpeg;
mod webp;

mod decode;
mod flatten;
mod render;
mod resize;

mod encode;

mod placeholder;
pub use placeholder::Placeholder;

mod make;
pub use make::{Made, Thumbnail, make};

mod job;
pub use job::{Job, Progress};

mod thumbnail;
pub use thumbnail::{Single, Spec, thumbnail};
