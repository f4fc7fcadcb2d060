//! Decodes a JPEG file at a half, a quarter or an eighth of its size, and does no more work than that takes.
//!
//! A picture at 1/8 needs one of the 64 coefficients of each block, at 1/4 four and at 1/2 sixteen. What follows is
//! where the time goes in other decoders:
//!
//! * Wanted coefficients are taken two a look-up, with their values. Those behind them are stepped over by a table
//!   that says, for the next bits of a file, how many bits several codes and their values take together.
//! * Scans of a progressive file that carry nothing needed are not entropy-decoded at all. At 1/8 that leaves the DC
//!   scans.
//! * Nor are those that would refine what is seen by less than can be seen: at 1/8 a last bit that moves no sample
//!   by more than a level, at 1/4 the last bit of coefficients where their steps are small.
//! * Chroma of half the samples has larger blocks at 1/4, instead of being interpolated.
//!
//! ```
//! use image::{DynamicImage, ImageDecoder};
//! use scaled_jpeg::{Jpeg, Scale};
//!
//! # fn shrunk(file: &[u8]) -> Result<DynamicImage, Box<dyn std::error::Error>> {
//! let jpeg = Jpeg::read(file)?;
//! let scale = Scale::sufficient_for(jpeg.dimensions(), (400, 400)).ok_or("decode it in full")?;
//! let mut decoder = jpeg.decoder(scale);
//! let orientation = decoder.orientation()?;
//! let mut image = DynamicImage::from_decoder(decoder)?;
//! image.apply_orientation(orientation);
//! # Ok(image)
//! # }
//! ```
//!
//! # What is decoded
//!
//! Baseline, extended sequential and progressive files with Huffman codes and 8 bits a sample (ITU-T T.81,
//! processes SOF0 to SOF2), with one, three or four components, any sampling factors, one scan or several, and
//! restart intervals. Everything else is [`Error::Unsupported`]; the full size is left to full decoders.
//!
//! Grey comes out as [`L8`](image::ColorType::L8), everything else as [`Rgb8`](image::ColorType::Rgb8): YCbCr by
//! JFIF's equations, RGB as it is. CMYK and YCCK are taken for inverted, as Adobe's applications write them and
//! other decoders assume, and are converted by the plain product of ink and black. For colours that are right the
//! profile is needed, which applies to the ink that [`Decoder::read_cmyk`] gives.
//!
//! # Files that are still arriving
//!
//! [`Jpeg::needs`] tells while a file grows when it has all that a scale needs. A sequential file is needed to its
//! end; of a progressive one at 1/8 the DC coefficients suffice, which come first, and at 1/4 mostly all but its last
//! and longest scan. [`Decoder::of_prefix`] then decodes it, to what the whole file would be decoded to.
//!
//! # Damage
//!
//! A file that ends before its end-of-image marker is [`Error::Truncated`], whatever could be shown of it, unless
//! [`Decoder::of_prefix`] asks for no more than is needed. Damage within compressed data is not reported: the rest
//! of the restart interval, or of the scan, stays grey or as coarse as it was. Restart markers are followed by their
//! numbers, so that one that is lost does not shift what is behind it. No input makes it panic, and what it
//! allocates is known beforehand: [`Decoder::working_bytes`].

mod error;
pub use error::Error;

mod scale;
pub use scale::Scale;

mod limits;
pub use limits::Limits;

mod segments;

mod frame;
mod metadata;

mod scan;
mod scans;

mod needs;
pub use needs::Needs;

mod jpeg;
pub use jpeg::Jpeg;

mod bits;
mod huffman;
mod intervals;
mod tables;

mod progressive;
mod sequential;

mod idct;

mod colour;
pub use colour::Color;

mod upsample;

mod decoder;
pub use decoder::Decoder;
