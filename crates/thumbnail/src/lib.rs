//! Makes small pictures out of an untrusted JPEG, PNG, WebP or GIF file: one for each of the [`Variants`] that
//! configuration asks for, and a [`Placeholder`].
//!
//! Three doors: [`make()`] takes a whole file, a [`Job`] takes one in parts and says when it has enough, [`probe`]
//! only looks. The steps between the two ends are one module each, in the order they run:
//!
//! 1. The header says what the file is and is held against the [`Limits`] before anything is decoded.
//! 2. The first frame is decoded at the smallest scale that suffices for the largest variant: a JPEG from a part of
//!    its coefficients by `scaled-jpeg`, a WebP by libwebp's rescaler, a PNG or GIF by averaging its rows.
//! 3. It is resized to the largest variant by Lanczos' window, colours weighed by their alpha.
//! 4. Its colours are converted to sRGB by the profile it carries.
//! 5. It is turned upright.
//! 6. The smaller variants are made of the larger.
//! 7. Each is cut, laid on white if its format has no transparency, and encoded.
//!
//! Colours and turns come after the first resize, where there is least to convert. No step lets metadata through: the
//! result is made of pixels alone.
//!
//! Nothing here touches a network, a disk or a clock, and no input may make it panic: whatever is wrong with a file
//! comes back as an [`Error`], and every one of them is permanent. The same bytes fail the same way tomorrow, so
//! there is nothing to retry.
//!
//! AVIF, HEIC and video are [`Error::UnsupportedFormat`].

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

mod header;
mod source;
pub use source::{Source, probe};

mod decode;

mod colour;
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
