//! Rows of the output's width from planes that have fewer samples.
//!
//! Samples lie in the middle of what they stand for, as JFIF places them; between them is interpolated.
#![expect(clippy::cast_possible_truncation, reason = "means of eight-bit samples")]

use crate::Scale;
use crate::frame::{Component, Frame};

/// A component's samples at the reduced scale.
pub(crate) struct Plane {
    pub(crate) pixels: Vec<u8>,
    /// Samples from one row to the next.
    pub(crate) stride: usize,
    /// Pixels a side of its blocks.
    pub(crate) side: usize,
}

impl Plane {
    /// Grey, as large as whole MCUs are.
    pub(crate) fn grey(component: &Component, side: usize) -> Self {
        let stride = component.stored.0 * side;
        Self { pixels: vec![128; stride * component.stored.1 * side], stride, side }
    }
}

/// Makes a component's rows one after the other.
pub(crate) struct Rows<'a> {
    plane: &'a Plane,
    /// Samples that mean something, across and down.
    samples: (usize, usize),
    across: Ratio,
    down: Ratio,
    /// A row between two of the plane, times [`WHOLE`], and one of the output.
    between: Vec<u16>,
    row: Vec<u8>,
}

/// What shares are parts of: the most with which sums of four samples have 16 bits.
const WHOLE: u16 = 64;

/// Samples for pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ratio {
    samples: usize,
    pixels: usize,
}

impl Ratio {
    const ONE: Self = Self { samples: 1, pixels: 1 };
    const HALF: Self = Self { samples: 1, pixels: 2 };

    fn of(samples: usize, pixels: usize) -> Self {
        match (samples, pixels) {
            (samples, pixels) if samples == pixels => Self::ONE,
            (samples, pixels) if 2 * samples == pixels => Self::HALF,
            _ => Self { samples, pixels },
        }
    }

    /// The samples before and after a pixel's middle, of so many, and the second one's share in [`WHOLE`].
    fn neighbours(self, pixel: usize, count: usize) -> (usize, usize, u16) {
        let unit = 2 * self.pixels;
        let middle = ((2 * pixel + 1) * self.samples).saturating_sub(self.pixels);
        let (before, share) = (middle / unit, middle % unit * usize::from(WHOLE) / unit);
        let last = count.saturating_sub(1);
        (before.min(last), (before + 1).min(last), u16::try_from(share).unwrap_or_default())
    }
}

impl<'a> Rows<'a> {
    pub(crate) fn of(plane: &'a Plane, component: &Component, frame: &Frame, scale: Scale) -> Self {
        Self {
            plane,
            samples: component.scaled(plane.side),
            across: Ratio::of(component.sampling.0 * plane.side, frame.most.0 * scale.side()),
            down: Ratio::of(component.sampling.1 * plane.side, frame.most.1 * scale.side()),
            between: Vec::new(),
            row: Vec::new(),
        }
    }

    /// Row `y` of the output, `width` pixels of it.
    pub(crate) fn row(&mut self, y: usize, width: usize) -> &[u8] {
        let line = |y: usize| {
            let start = y * self.plane.stride;
            &self.plane.pixels[start..start + self.samples.0]
        };
        let (above, below, share) = self.down.neighbours(y, self.samples.1);
        if self.across == Ratio::ONE && share == 0 {
            return &line(above)[..width];
        }
        self.between.clear();
        self.between
            .extend(line(above).iter().zip(line(below)).map(|(&above, &below)| mixed(above, below, share)));
        self.row.clear();
        self.row.resize(width, 0);
        match self.across {
            Ratio::ONE => {
                for (pixel, &sample) in self.row.iter_mut().zip(&self.between) {
                    *pixel = eight_bits(u32::from(sample) * u32::from(WHOLE));
                }
            }
            Ratio::HALF => doubled(&self.between, &mut self.row),
            ratio => {
                for (x, pixel) in self.row.iter_mut().enumerate() {
                    let (left, right, share) = ratio.neighbours(x, self.between.len());
                    let [left, right] = [left, right].map(|at| u32::from(self.between[at]));
                    *pixel = eight_bits(left * u32::from(WHOLE - share) + right * u32::from(share));
                }
            }
        }
        &self.row
    }
}

/// Two pixels from every sample: three quarters of it and one of its neighbour. At the ends it is its own neighbour.
fn doubled(samples: &[u16], row: &mut [u8]) {
    // Three samples and one are no more than 16 bits.
    let quarter = |near: u16, far: u16| ((3 * near + far + 128) >> 8) as u8;
    let [Some(&left), Some(&right)] = [samples.first(), samples.last()] else { return };
    if let Some(pixel) = row.first_mut() {
        *pixel = quarter(left, left);
    }
    if let Some(pixel) = row.last_mut() {
        *pixel = quarter(right, right);
    }
    let between = row.get_mut(1..).unwrap_or_default().as_chunks_mut::<2>().0;
    for (pair, (&left, &right)) in between.iter_mut().zip(samples.iter().zip(&samples[1..])) {
        *pair = [quarter(left, right), quarter(right, left)];
    }
}

/// A sample times [`WHOLE`].
fn mixed(above: u8, below: u8, share: u16) -> u16 {
    u16::from(above) * (WHOLE - share) + u16::from(below) * share
}

/// A sample times [`WHOLE`] twice to the nearest step.
fn eight_bits(sum: u32) -> u8 {
    ((sum + (1 << 11)) >> 12) as u8
}

#[cfg(test)]
mod tests {
    use super::{Ratio, WHOLE, doubled};

    #[test]
    fn a_sample_lies_in_the_middle_of_its_pixels() {
        assert_eq!(Ratio::HALF.neighbours(0, 3), (0, 1, 0));
        assert_eq!(Ratio::HALF.neighbours(1, 3), (0, 1, 16));
        assert_eq!(Ratio::HALF.neighbours(2, 3), (0, 1, 48));
        assert_eq!(Ratio::HALF.neighbours(5, 3), (2, 2, 16));
        assert_eq!(Ratio::of(2, 3).neighbours(1, 9), (0, 1, 32));
        assert_eq!(Ratio::of(3, 3).neighbours(7, 9), (7, 8, 0));
    }

    #[test]
    fn doubling_is_what_the_ratio_says() {
        let samples = [0, WHOLE * 100, WHOLE * 60];
        let mut row = [0; 5];
        doubled(&samples, &mut row);
        assert_eq!(row, [0, 25, 75, 90, 70]);
        let mut row = [0; 6];
        doubled(&samples, &mut row);
        assert_eq!(row, [0, 25, 75, 90, 70, 60]);
        let mut row = [0];
        doubled(&[WHOLE * 255], &mut row);
        assert_eq!(row, [255]);
    }
}
