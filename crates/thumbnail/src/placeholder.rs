//! What a page shows until the thumbnail has come: a hash of thirty bytes and a colour; never a file.

use crate::Dimensions;
use crate::picture::{Channels, Picture};
use crate::resize::resize;

/// What stands in for a picture while it is loaded. The same for the same pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholder {
    /// `ThumbHash` of the picture: aspect ratio, average colour, coarse shapes and transparency in at most 25
    /// bytes. Source: <https://evanw.github.io/thumbhash/>.
    pub thumbhash: Vec<u8>,
    /// Its dominant colour in sRGB: the mean of what falls into the fullest of 4096 equal bins. Of a picture that is
    /// transparent throughout, white.
    pub color: [u8; 3],
}

impl Placeholder {
    /// Of an upright picture in sRGB, its transparent pixels left out.
    pub(crate) fn of(picture: &Picture) -> Self {
        let target = picture.dimensions().fit_within(Dimensions { width: SIDE, height: SIDE });
        let small = resize(picture, target);
        let rgba = rgba(&small);
        let [width, height] = [target.width, target.height].map(|side| side as usize);
        let thumbhash = thumbhash::rgba_to_thumb_hash(width, height, rgba.as_flattened());
        Self { thumbhash, color: dominant(&rgba) }
    }
}

/// The most pixels a side. The hash takes no more than 100, and keeps seven waves a side at most.
const SIDE: u32 = 64;

fn rgba(picture: &Picture) -> Vec<[u8; 4]> {
    let channels = picture.channels();
    let of_pixel = |pixel: &[u8]| match (channels, pixel) {
        (Channels::Grey, &[grey]) => [grey, grey, grey, u8::MAX],
        (Channels::GreyAlpha, &[grey, alpha]) => [grey, grey, grey, alpha],
        (Channels::Rgb, &[red, green, blue]) => [red, green, blue, u8::MAX],
        (Channels::Rgba, &[red, green, blue, alpha]) => [red, green, blue, alpha],
        _ => unreachable!("a pixel has as many bytes as there are channels, and CMYK is converted"),
    };
    picture.pixels().map(of_pixel).collect()
}

/// The mean colour of the fullest bin, of 16 levels a channel. Of equally full ones the darkest counts.
fn dominant(pixels: &[[u8; 4]]) -> [u8; 3] {
    let mut bins = vec![Bin::default(); 16 * 16 * 16];
    for &[red, green, blue, alpha] in pixels {
        if alpha >= 128 {
            let at =
                [red, green, blue].into_iter().fold(0, |at, channel| at * 16 + usize::from(channel / 16));
            bins[at].add([red, green, blue]);
        }
    }
    let fullest = bins.into_iter().rev().max_by_key(|bin| bin.count).unwrap_or_default();
    fullest.mean().unwrap_or([u8::MAX; 3])
}

#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    count: u32,
    sums: [u32; 3],
}

impl Bin {
    fn add(&mut self, color: [u8; 3]) {
        self.count += 1;
        for (sum, channel) in self.sums.iter_mut().zip(color) {
            *sum += u32::from(channel);
        }
    }

    fn mean(self) -> Option<[u8; 3]> {
        let Self { count, sums } = self;
        (count > 0).then(|| sums.map(|sum| u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Placeholder, dominant};
    use crate::Dimensions;
    use crate::picture::{Channels, Picture};

    const OPAQUE_RED: [u8; 4] = [250, 10, 10, 255];
    const OPAQUE_BLUE: [u8; 4] = [10, 10, 250, 255];
    const CLEAR: [u8; 4] = [0, 0, 0, 0];

    #[test]
    fn the_colour_most_pixels_have_is_dominant() {
        assert_eq!(dominant(&[OPAQUE_RED, OPAQUE_BLUE, OPAQUE_RED]), [250, 10, 10]);
    }

    #[test]
    fn what_is_transparent_has_no_colour() {
        assert_eq!(dominant(&[CLEAR, CLEAR, OPAQUE_BLUE]), [10, 10, 250]);
        assert_eq!(dominant(&[CLEAR, CLEAR]), [255, 255, 255]);
    }

    #[test]
    fn shades_of_one_bin_are_averaged() {
        assert_eq!(dominant(&[[32, 32, 32, 255], [40, 32, 33, 255]]), [36, 32, 33]);
    }

    #[test]
    fn the_hash_tells_landscape_from_portrait_and_the_average_colour() {
        let of = |width, height| {
            let pixels = [200, 100, 50].repeat(width as usize * height as usize);
            Placeholder::of(&Picture::new(Dimensions { width, height }, Channels::Rgb, pixels)).thumbhash
        };
        let wide = thumbhash::thumb_hash_to_approximate_aspect_ratio(&of(300, 200)).unwrap();
        let high = thumbhash::thumb_hash_to_approximate_aspect_ratio(&of(200, 300)).unwrap();
        assert!(wide > 1.3 && high < 0.8, "{wide} {high}");
        let (red, green, blue, alpha) = thumbhash::thumb_hash_to_average_rgba(&of(300, 200)).unwrap();
        let error = [red - 200.0 / 255.0, green - 100.0 / 255.0, blue - 50.0 / 255.0, alpha - 1.0];
        assert!(error.iter().all(|error| error.abs() < 0.03), "{error:?}");
    }

    #[test]
    fn a_picture_of_one_pixel_has_one() {
        for (channels, pixel) in [
            (Channels::Grey, vec![7]),
            (Channels::GreyAlpha, vec![7, 0]),
            (Channels::Rgb, vec![1, 2, 3]),
            (Channels::Rgba, vec![1, 2, 3, 4]),
        ] {
            let one = Picture::new(Dimensions { width: 1, height: 1 }, channels, pixel);
            assert!(Placeholder::of(&one).thumbhash.len() >= 5);
        }
    }
}
