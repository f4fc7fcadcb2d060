//! A picture averaged in squares while its rows come in; never more of it than one row of squares.

use super::Decoded;
use crate::Dimensions;
use crate::picture::{Channels, Picture};

/// The largest side of squares that leaves at least these sides.
pub(super) fn side_for(full: Dimensions, least: Dimensions) -> u32 {
    (full.width / least.width.max(1)).min(full.height / least.height.max(1)).clamp(1, MAX_SIDE)
}

/// The most a square's side may be for the sums to fit 32 bits: 255² · 128² < 2³².
const MAX_SIDE: u32 = 128;

/// Averages squares of pixels. Colours count by their alpha.
pub(super) struct Boxes {
    full: Dimensions,
    channels: Channels,
    side: usize,
    /// Of the rows so far, for each column and channel.
    sums: Vec<u32>,
    rows: usize,
    pixels: Vec<u8>,
    target: Dimensions,
}

impl Boxes {
    pub(super) fn new(full: Dimensions, channels: Channels, side: u32) -> Self {
        let target = Self::target(full, side);
        let sums = if side > 1 { full.width as usize * channels.count() } else { 0 };
        let pixels = Vec::with_capacity((target.width as usize * target.height as usize) * channels.count());
        Self { full, channels, side: side as usize, sums: vec![0; sums], rows: 0, pixels, target }
    }

    /// What it holds.
    pub(super) fn bytes(full: Dimensions, channels: Channels, side: u32) -> u64 {
        channels.count() as u64 * (Self::target(full, side).pixels() + 4 * u64::from(full.width))
    }

    fn target(full: Dimensions, side: u32) -> Dimensions {
        Dimensions { width: full.width.div_ceil(side), height: full.height.div_ceil(side) }
    }

    /// Takes in the next row.
    pub(super) fn push(&mut self, row: &[u8]) {
        if self.side == 1 {
            self.pixels.extend_from_slice(row);
            return;
        }
        match self.channels {
            Channels::Grey | Channels::Rgb | Channels::Cmyk => {
                for (sum, &sample) in self.sums.iter_mut().zip(row) {
                    *sum += u32::from(sample);
                }
            }
            Channels::GreyAlpha => add_by_alpha::<2>(&mut self.sums, row),
            Channels::Rgba => add_by_alpha::<4>(&mut self.sums, row),
        }
        self.rows += 1;
        if self.rows == self.side {
            self.finish_row();
        }
    }

    /// The picture of all rows.
    pub(super) fn finish(mut self) -> Decoded {
        if self.rows > 0 {
            self.finish_row();
        }
        let covered = |side: u32| f64::from(side) / f64::from(count(self.side));
        let covered = (covered(self.full.width), covered(self.full.height));
        Decoded { picture: Picture::new(self.target, self.channels, self.pixels), covered }
    }

    fn finish_row(&mut self) {
        match self.channels {
            Channels::Grey => self.average::<1>(),
            Channels::Rgb => self.average::<3>(),
            Channels::Cmyk => self.average::<4>(),
            Channels::GreyAlpha => self.average_by_alpha::<2>(),
            Channels::Rgba => self.average_by_alpha::<4>(),
        }
        self.sums.fill(0);
        self.rows = 0;
    }

    fn average<const COUNT: usize>(&mut self) {
        let (columns, _) = self.sums.as_chunks::<COUNT>();
        for square in columns.chunks(self.side) {
            let pixels = count(square.len() * self.rows);
            let sums = total(square);
            self.pixels.extend(sums.map(|sum| rounded(sum, pixels)));
        }
    }

    fn average_by_alpha<const COUNT: usize>(&mut self) {
        let (columns, _) = self.sums.as_chunks::<COUNT>();
        for square in columns.chunks(self.side) {
            let pixels = count(square.len() * self.rows);
            let sums = total(square);
            let alpha = sums[COUNT - 1];
            let mut pixel = sums.map(|sum| if alpha == 0 { 0 } else { rounded(sum, alpha) });
            pixel[COUNT - 1] = rounded(alpha, pixels);
            self.pixels.extend(pixel);
        }
    }
}

/// Adds a row's colours times their alpha, and its alpha.
fn add_by_alpha<const COUNT: usize>(sums: &mut [u32], row: &[u8]) {
    let (columns, _) = sums.as_chunks_mut::<COUNT>();
    for (sums, pixel) in columns.iter_mut().zip(row.as_chunks::<COUNT>().0) {
        let alpha = u32::from(pixel[COUNT - 1]);
        for (sum, &colour) in sums.iter_mut().zip(&pixel[..COUNT - 1]) {
            *sum += u32::from(colour) * alpha;
        }
        sums[COUNT - 1] += alpha;
    }
}

fn total<const COUNT: usize>(columns: &[[u32; COUNT]]) -> [u32; COUNT] {
    let mut total = [0; COUNT];
    for column in columns {
        for (total, sum) in total.iter_mut().zip(column) {
            *total += sum;
        }
    }
    total
}

fn rounded(sum: u32, count: u32) -> u8 {
    u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX)
}

fn count(pixels: usize) -> u32 {
    u32::try_from(pixels).expect("a square has at most 128 pixels a side")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Boxes, side_for};
    use crate::Dimensions;
    use crate::picture::Channels;

    fn averaged(width: u32, channels: Channels, side: u32, pixels: &[u8]) -> Vec<u8> {
        let line = width as usize * channels.count();
        let height = u32::try_from(pixels.len() / line).unwrap();
        let mut boxes = Boxes::new(Dimensions { width, height }, channels, side);
        pixels.chunks(line).for_each(|row| boxes.push(row));
        boxes.finish().picture.into_bytes()
    }

    #[test]
    fn what_is_left_at_the_edges_is_averaged_by_itself() {
        let pixels = [10, 20, 30, 50, 60, 70, 1, 3, 9];
        assert_eq!(averaged(3, Channels::Grey, 2, &pixels), [35, 50, 2, 9]);
    }

    #[test]
    fn a_transparent_colour_has_no_part_in_the_average() {
        let pixels = [0, 0, 0, 0, 200, 100, 50, 255];
        assert_eq!(averaged(2, Channels::Rgba, 2, &pixels), [200, 100, 50, 128]);
        assert_eq!(averaged(2, Channels::GreyAlpha, 2, &[7, 0, 9, 0]), [0, 0]);
    }

    #[test]
    fn the_largest_squares_of_the_brightest_pixels_do_not_overflow() {
        let white = vec![255; 128 * 128 * 4];
        assert_eq!(averaged(128, Channels::Rgba, 128, &white), [255; 4]);
    }

    #[test]
    fn the_squares_leave_the_least_sides() {
        let of =
            |side| side_for(Dimensions { width: 4000, height: 3000 }, Dimensions { width: side, height: 1 });
        assert_eq!(of(400), 10);
        assert_eq!(of(401), 9);
        assert_eq!(of(4001), 1);
    }

    proptest! {
        #[test]
        fn an_average_lies_between_the_least_and_the_most(
            width in 1_u32..20, side in 1_u32..6, pixels in prop::collection::vec(any::<u8>(), 60..600),
        ) {
            let line = width as usize * 3;
            let pixels = &pixels[..pixels.len() / line * line];
            prop_assume!(!pixels.is_empty());
            let averages = averaged(width, Channels::Rgb, side, pixels);
            for channel in 0..3 {
                let of = |bytes: &[u8]| bytes.iter().skip(channel).step_by(3).copied().collect::<Vec<_>>();
                let (all, averages) = (of(pixels), of(&averages));
                prop_assert!(averages.iter().min() >= all.iter().min());
                prop_assert!(averages.iter().max() <= all.iter().max());
            }
        }
    }
}
