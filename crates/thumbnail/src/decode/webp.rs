//! WebP files through libwebp, which shrinks rows as it decodes them; never larger than what is needed.

use valet_webp::Header;

use super::room_for;
use crate::picture::{Channels, Picture};
use crate::{Dimensions, Error, Limits};

/// Decodes the first frame.
pub(super) fn decode(header: &Header<'_>, wanted: Dimensions, limits: &Limits) -> Result<Picture, Error> {
    let least = room_for(wanted);
    let scaled_to = (header.width.min(least.width), header.height.min(least.height));
    limits.reserve(header.working_bytes(scaled_to).map_err(Error::from_webp)?)?;
    let image = header.decode(scaled_to).map_err(Error::from_webp)?;
    let channels = if image.channels == 4 { Channels::Rgba } else { Channels::Rgb };
    Ok(Picture::new(Dimensions { width: image.width, height: image.height }, channels, image.pixels))
}
