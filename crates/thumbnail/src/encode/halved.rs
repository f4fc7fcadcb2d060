//! A picture's rows as brightness and halved chroma; never any other sampling.
//!
//! The encoder can average chroma itself, but sample by sample: that is a good part of its time.

use jpeg_encoder::{ImageBuffer, JpegColorType, rgb_to_ycbcr};

/// A picture whose chroma is averaged over squares of four pixels before the encoder takes one sample of each: at
/// even columns of even rows, as its 4:2:0 does by default.
pub(super) struct Halved<'a> {
    pixels: &'a [[u8; 3]],
    width: u16,
    height: u16,
}

impl<'a> Halved<'a> {
    /// A picture of red, green and blue, row by row. It has pixels.
    pub(super) fn new(bytes: &'a [u8], width: u16, height: u16) -> Self {
        Self { pixels: bytes.as_chunks().0, width, height }
    }

    fn row(&self, y: u16) -> &'a [[u8; 3]] {
        let width = usize::from(self.width);
        &self.pixels[usize::from(y) * width..][..width]
    }
}

impl ImageBuffer for Halved<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let [brightness, blue, red, _] = buffers;
        brightness.extend(self.row(y).iter().map(|&[r, g, b]| rgb_to_ycbcr(r, g, b).0));

        // The last row is asked for again and again where the picture ends before a block does.
        let is_last = y == self.height - 1;
        if y % 2 == 1 && !is_last {
            let ignored = |samples: &mut Vec<u8>| samples.resize(samples.len() + usize::from(self.width), 0);
            ignored(blue);
            ignored(red);
            return;
        }
        let (above, below) = (y & !1, if is_last { y } else { y + 1 });
        for (above, below) in self.row(above).chunks(2).zip(self.row(below).chunks(2)) {
            let four = [above[0], above[above.len() - 1], below[0], below[below.len() - 1]];
            let [r, g, b] = [0, 1, 2].map(|channel| mean(four.map(|pixel| pixel[channel])));
            let (_, cb, cr) = rgb_to_ycbcr(r, g, b);
            blue.extend_from_slice(&[cb; 2][..above.len()]);
            red.extend_from_slice(&[cr; 2][..above.len()]);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a mean is no larger than what it is of")]
fn mean(four: [u8; 4]) -> u8 {
    ((four.into_iter().map(u16::from).sum::<u16>() + 2) / 4) as u8
}

#[cfg(test)]
mod tests {
    use image::ImageFormat;
    use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, ImageBuffer, SamplingFactor};

    use super::{Halved, mean};

    fn dithered(width: u16, height: u16) -> Vec<u8> {
        let of = |x: u16, y: u16| {
            let noise = x.wrapping_mul(2_551).wrapping_add(y.wrapping_mul(9_973)).wrapping_mul(40_503);
            let bright = if (x ^ y) & 1 == 0 { 90_u8 } else { 170 };
            [bright, bright.wrapping_add((noise >> 11) as u8), 250 - bright]
        };
        (0..height).flat_map(|y| (0..width).flat_map(move |x| of(x, y))).collect()
    }

    fn decoded(encode: impl FnOnce(Encoder<&mut Vec<u8>>)) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, 95);
        encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
        encode(encoder);
        image::load_from_memory_with_format(&file, ImageFormat::Jpeg).unwrap().into_rgb8().into_raw()
    }

    #[test]
    fn it_is_what_the_encoder_makes_of_its_own_averages() {
        for (width, height) in [(64, 48), (33, 17), (17, 33), (31, 32), (1, 1)] {
            let pixels = dithered(width, height);
            let ours = decoded(|encoder| encoder.encode_image(Halved::new(&pixels, width, height)).unwrap());
            let theirs = decoded(|mut encoder| {
                encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
                encoder.encode(&pixels, width, height, ColorType::Rgb).unwrap();
            });
            let differences = ours.iter().zip(&theirs).map(|(&a, &b)| u32::from(a.abs_diff(b)));
            let sum = differences.sum::<u32>();
            assert!(sum <= u32::try_from(ours.len()).unwrap(), "{width}x{height}: {sum} of {}", ours.len());
        }
    }

    #[test]
    fn chroma_at_even_places_is_that_of_four_pixels() {
        // Red and blue in turn: every square of four is half of each.
        let pixels = [[255, 0, 0], [0, 0, 255], [0, 0, 255], [255, 0, 0]].concat();
        let mut buffers: [Vec<u8>; 4] = Default::default();
        Halved::new(&pixels, 2, 2).fill_buffers(0, &mut buffers);
        assert_eq!(buffers[0], [76, 29]);
        assert_eq!((buffers[1][0], buffers[2][0]), (170, 182));
    }

    #[test]
    fn a_mean_is_rounded_to_the_nearest() {
        assert_eq!(mean([255; 4]), 255);
        assert_eq!(mean([0, 0, 0, 1]), 0);
        assert_eq!(mean([0, 0, 1, 1]), 1);
        assert_eq!(mean([0, 1, 1, 1]), 1);
    }
}
