//! A block's pixels at a reduced scale from its lowest coefficients.
//!
//! The inverse transform of ITU-T T.81 section A.3.3 over N instead of 8 points: the coefficients of frequencies
//! below N, times N/8 for the smaller sum, are those of the shrunk block. In floating point, because every
//! processor has instructions for four such numbers at once, and then nothing overflows either.
//!
//! Coefficients lie column after column, so that the rows, which come first, are combined without reordering.
#![expect(clippy::inline_always, reason = "called once a block")]
#![expect(clippy::cast_possible_truncation, reason = "numbers of eight bits, cut out of wider ones")]

use std::array::from_fn;

use crate::tables::Quantization;

/// Where among the `side * side` coefficients kept of a block those in zigzag order belong, by their place in it.
/// What is not wanted has the place of the first one, which is put there last; the table goes beyond the 64th because
/// look-ups of two coefficients may.
pub(crate) const fn places(side: usize) -> [u8; 256] {
    let mut places = [0; 256];
    let mut at = 0;
    while at < ZIGZAG.len() {
        let (row, column) = (ZIGZAG[at] as usize / 8, ZIGZAG[at] as usize % 8);
        if row < side && column < side {
            places[at] = (side * column + row) as u8;
        }
        at += 1;
    }
    places
}

/// A bit for each coefficient, by its place in the zigzag order, that `side` pixels a side need.
pub(crate) const fn wanted(side: usize) -> u64 {
    let places = places(side);
    let (mut bits, mut at) = (1, 1);
    while at < 64 {
        if places[at] != 0 {
            bits |= 1 << at;
        }
        at += 1;
    }
    bits
}

/// Figure A.6 as far as frequencies below four reach: where the coefficients of a block lie.
const ZIGZAG: [u8; 25] =
    [0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27];

/// The level that coefficients go out from (section A.3.1).
const GREY: f32 = 128.0;

/// Makes pixels of a component's coefficients.
pub(crate) struct Transform {
    /// Pixels a side of a block.
    side: usize,
    /// Eighths of quantization steps in the order of the coefficients.
    steps: [f32; 16],
}

impl Transform {
    /// With the quantization of a component.
    pub(crate) fn new(side: usize, quantization: &Quantization) -> Self {
        let places = places(side);
        let mut steps = [0.0; 16];
        // Backwards, so that the first place is the first coefficient's.
        for (&step, &place) in quantization.iter().zip(&places).rev() {
            steps[usize::from(place)] = f32::from(step) / 8.0;
        }
        Self { side, steps }
    }

    /// For coefficients in halves of a step.
    pub(crate) fn of_halves(self) -> Self {
        Self { steps: self.steps.map(|step| step / 2.0), ..self }
    }

    /// Writes a row of blocks, `stride` pixels from line to line.
    pub(crate) fn write(&self, blocks: &[i16], pixels: &mut [u8], stride: usize) {
        match self.side {
            1 => {
                for (pixel, &first) in pixels.iter_mut().zip(blocks) {
                    *pixel = eight_bits(f32::from(first) * self.steps[0] + GREY);
                }
            }
            2 => {
                let (upper, lower) = pixels.split_at_mut(stride);
                let (upper, lower) = (upper.as_chunks_mut().0, lower.as_chunks_mut().0);
                for ((block, upper), lower) in blocks.as_chunks().0.iter().zip(upper).zip(lower) {
                    [*upper, *lower] = self.two_by_two(*block);
                }
            }
            _ => {
                let (first, rest) = pixels.split_at_mut(stride);
                let (second, rest) = rest.split_at_mut(stride);
                let (third, fourth) = rest.split_at_mut(stride);
                let upper = first.as_chunks_mut().0.iter_mut().zip(second.as_chunks_mut().0);
                let lower = third.as_chunks_mut().0.iter_mut().zip(fourth.as_chunks_mut().0);
                for ((block, upper), lower) in blocks.as_chunks().0.iter().zip(upper).zip(lower) {
                    [*upper.0, *upper.1, *lower.0, *lower.1] = self.four_by_four(block);
                }
            }
        }
    }

    #[inline(always)]
    fn two_by_two(&self, block: [i16; 4]) -> [[u8; 2]; 2] {
        let [mean, down, across, both]: [f32; 4] = from_fn(|at| f32::from(block[at]) * self.steps[at]);
        let mean = mean + GREY;
        let (left, right) = (mean + across, mean - across);
        let (left_down, right_down) = (down + both, down - both);
        [[left + left_down, right + right_down], [left - left_down, right - right_down]]
            .map(|line| line.map(eight_bits))
    }

    #[inline(always)]
    fn four_by_four(&self, block: &[i16; 16]) -> [[u8; 4]; 4] {
        let mut columns: [[f32; 4]; 4] = from_fn(|column| {
            from_fn(|row| f32::from(block[4 * column + row]) * self.steps[4 * column + row])
        });
        columns[0][0] += GREY;
        let columns = four_points(columns);
        let rows = four_points(from_fn(|row| from_fn(|column| columns[column][row])));
        rows.map(|row| row.map(eight_bits))
    }
}

/// Four points of the transform, of four sums at once.
#[inline(always)]
fn four_points([zero, one, two, three]: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    /// √2·cos(π/8) and √2·cos(3π/8); √2·cos(π/4) is 1.
    const FIRST: f32 = 1.306_563;
    const THIRD: f32 = 0.541_196_1;
    let outer: [f32; 4] = from_fn(|at| zero[at] + two[at]);
    let inner: [f32; 4] = from_fn(|at| zero[at] - two[at]);
    let steep: [f32; 4] = from_fn(|at| one[at] * FIRST + three[at] * THIRD);
    let shallow: [f32; 4] = from_fn(|at| one[at] * THIRD - three[at] * FIRST);
    [
        from_fn(|at| outer[at] + steep[at]),
        from_fn(|at| inner[at] + shallow[at]),
        from_fn(|at| inner[at] - shallow[at]),
        from_fn(|at| outer[at] - steep[at]),
    ]
}

/// The nearest of 0 to 255.
#[inline(always)]
fn eight_bits(level: f32) -> u8 {
    /// From here on to its double the bits of a float count in ones.
    const ONES: f32 = 8_388_608.0;
    let level = if level > 0.0 { level } else { 0.0 };
    let level = if level < 255.0 { level } else { 255.0 };
    (level + ONES).to_bits() as u8
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::{Transform, places, wanted};

    /// The formula, in doubles, for coefficients column after column.
    #[expect(clippy::cast_precision_loss, reason = "numbers below 16")]
    fn exact(block: &[i16], side: usize) -> Vec<f64> {
        let cosine = |at: usize, frequency: usize| {
            let angle = (2 * at + 1) as f64 * frequency as f64 * PI / (2 * side) as f64;
            if frequency == 0 { 1.0 } else { 2_f64.sqrt() * angle.cos() }
        };
        let mut pixels = Vec::new();
        for y in 0..side {
            for x in 0..side {
                let mut sum = 0.0;
                for row in 0..side {
                    for column in 0..side {
                        sum += f64::from(block[side * column + row]) * cosine(y, row) * cosine(x, column);
                    }
                }
                pixels.push((sum / 8.0 + 128.0).clamp(0.0, 255.0));
            }
        }
        pixels
    }

    fn assert_exact(side: usize, block: &[i16]) {
        let mut pixels = vec![0; side * side];
        Transform::new(side, &[1; 64]).write(block, &mut pixels, side);
        for (made, exact) in pixels.into_iter().zip(exact(block, side)) {
            assert!((f64::from(made) - exact).abs() <= 0.51, "{made} for {exact} of {block:?}");
        }
    }

    #[test]
    fn pixels_are_those_of_the_formula_but_for_rounding() {
        let mut seed = 1_u32;
        for round in 0..3000 {
            let mut block = [0; 16];
            for value in &mut block {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let reach = if round % 3 == 0 { 2047 } else { 150 };
                *value = i16::try_from(i32::try_from(seed >> 16).unwrap() % (2 * reach + 1) - reach).unwrap();
            }
            assert_exact(1, &block[..1]);
            assert_exact(2, &block[..4]);
            assert_exact(4, &block);
        }
    }

    #[test]
    fn the_largest_coefficients_are_the_largest_pixels() {
        for (value, pixel) in [(i16::MAX, 255), (i16::MIN, 0)] {
            let mut pixels = [7];
            Transform::new(1, &[u16::MAX; 64]).write(&[value], &mut pixels, 1);
            assert_eq!(pixels, [pixel]);
        }
    }

    #[test]
    fn places_are_those_of_the_low_frequencies() {
        for side in [1, 2, 4] {
            let mut kept = places(side).into_iter().filter(|&place| place != 0).collect::<Vec<_>>();
            kept.sort_unstable();
            assert!(kept.into_iter().map(usize::from).eq(1..side * side));
        }
        // The second coefficient is that of the first frequency across: the second column's first.
        assert_eq!(places(4)[1], 4);
        assert_eq!([1, 2].map(wanted), [1, 0b1_0111]);
        assert_eq!(wanted(4).count_ones(), 16);
    }
}
