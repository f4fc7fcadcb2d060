//! A lossy WebP; never with an alpha channel that says nothing.

use crate::Error;
use crate::picture::{Channels, Picture};

/// Encodes a picture with its transparency.
pub(super) fn encode(picture: &Picture, quality: u8) -> Result<Vec<u8>, Error> {
    let grey;
    let (channels, pixels) = match picture.channels() {
        Channels::Grey => {
            grey = picture.pixels().flat_map(|pixel| [pixel[0]; 3]).collect::<Vec<_>>();
            (3, grey.as_slice())
        }
        Channels::GreyAlpha => {
            grey = picture.pixels().flat_map(|pixel| [pixel[0], pixel[0], pixel[0], pixel[1]]).collect();
            (4, grey.as_slice())
        }
        Channels::Rgb => (3, picture.bytes()),
        Channels::Rgba => (4, picture.bytes()),
        Channels::Cmyk => unreachable!("CMYK is converted before"),
    };
    let (width, height) = (picture.dimensions().width, picture.dimensions().height);
    valet_webp::encode(pixels, width, height, channels, quality).map_err(Error::from_webp)
}
