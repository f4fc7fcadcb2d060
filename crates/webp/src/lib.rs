//! Decodes WebP files at the size that is wanted, and writes lossy ones, with libwebp.
//!
//! A lossy picture of 12 megapixels becomes one of 400 pixels row by row, without the former ever being held; no decoder in Rust
//! does that. What a file says of itself ([`read`]: its size, profile, EXIF and first frame) is found here, in safe Rust, and so is
//! what decoding will take ([`Header::working_bytes`]). libwebp sees nothing but a single picture's chunks.
//!
//! ```
//! # fn main() -> Result<(), valet_webp::Error> {
//! let file = valet_webp::encode(&[200; 64 * 48 * 3], 64, 48, 3, 80)?;
//! let header = valet_webp::read(&file)?;
//! assert_eq!((header.width, header.height, header.has_alpha), (64, 48, false));
//! let image = header.decode((16, 12))?;
//! assert_eq!(image.pixels.len(), 16 * 12 * 3);
//! # Ok(())
//! # }
//! ```
//!
//! # libwebp
//!
//! Version 1.6.0 is built from the sources that `libwebp-sys` carries, with a C compiler; no thread is
//! started. CVE-2023-4863, a
//! lossless file that wrote beyond its Huffman tables, was fixed in 1.3.2; a test holds the linked version against that. libwebp
//! is under the 3-clause BSD licence, with a patent grant.
//!
//! # Damage
//!
//! A file shorter than it says is [`Error::Truncated`], whatever could be shown of it. Damage that libwebp notices is
//! [`Error::Corrupt`]; lossy data has no checksum, so other damage makes another picture. Memory that the system refuses is
//! [`Error::TooLarge`] and never ends the process: neither libwebp's allocations nor those here abort. All tests, files changed at
//! random among them, also pass under valgrind, which finds no access out of place and no leak.

mod error;
pub use error::Error;

mod riff;

mod bitstream;

mod header;
pub use header::{Header, read};

mod lossless;
mod memory;

mod decode;
pub use decode::{Image, decode};

mod encode;
pub use encode::encode;

mod libwebp;
