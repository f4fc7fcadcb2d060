//! A block's pixels at a reduced scale from its lowest coefficients.
//!
//! The inverse transform of ITU-T T.81 section A.3.3 over N instead of 8 points: the coefficients of frequencies
//! below N, times N/8 for the smaller sum, are those of the shrunk block.
#![expect(clippy::inline_always, reason = "called once a block")]
#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to eight bits before")]

/// Dequantized coefficients of frequencies 0 to 3, four a row, and one place for what is not wanted.
pub(crate) type Low = [i32; 17];

/// Where in [`Low`] the coefficients in zigzag order belong, as far as `side` pixels a side need them; the last
/// place otherwise.
pub(crate) const fn places(side: usize) -> [u8; 64] {
    let mut places = [UNWANTED; 64];
    let mut at = 0;
    while at < 25 {
        let (row, column) = (ZIGZAG[at] as usize / 8, ZIGZAG[at] as usize % 8);
        if row < side && column < side {
            places[at] = (4 * row + column) as u8;
        }
        at += 1;
    }
    places
}

/// The place of what is not wanted.
pub(crate) const UNWANTED: u8 = 16;

/// The last coefficient in zigzag order that `side` pixels a side need.
pub(crate) const fn last_wanted(side: usize) -> usize {
    match side {
        1 => 0,
        2 => 4,
        _ => 24,
    }
}

/// Figure A.6 as far as frequencies below four reach: where the coefficients of a block lie.
const ZIGZAG: [u8; 25] =
    [0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27];

/// A coefficient times its quantization step, within what eight-bit pictures have.
#[inline(always)]
pub(crate) fn dequantized(value: i32, step: u16) -> i32 {
    // Quantization may carry a coefficient somewhat beyond ±1024; twice that leaves 32-bit sums room.
    (value.clamp(-0x7FFF, 0x7FFF) * i32::from(step)).clamp(-2047, 2047)
}

/// Writes a block of `SIDE` by `SIDE` pixels; `flat` says that all coefficients but the first are zero.
#[inline(always)]
pub(crate) fn write<const SIDE: usize>(low: &Low, flat: bool, pixels: &mut [u8], stride: usize) {
    if SIDE == 1 {
        if let Some(pixel) = pixels.first_mut() {
            *pixel = level(low[0]);
        }
    } else if flat {
        let level = level(low[0]);
        for row in pixels.chunks_mut(stride).take(SIDE) {
            if let Some(row) = row.first_chunk_mut::<SIDE>() {
                *row = [level; SIDE];
            }
        }
    } else if SIDE == 2 {
        let [a, b, c, d] = [low[0] + low[4], low[0] - low[4], low[1] + low[5], low[1] - low[5]];
        let block = [[level(a + c), level(a - c)], [level(b + d), level(b - d)]];
        for (row, written) in pixels.chunks_mut(stride).zip(block) {
            if let Some(row) = row.first_chunk_mut() {
                *row = written;
            }
        }
    } else {
        let block = four_by_four(low);
        for (row, written) in pixels.chunks_mut(stride).zip(block) {
            if let Some(row) = row.first_chunk_mut() {
                *row = written;
            }
        }
    }
}

/// A pixel from an eighth of this sum.
#[inline(always)]
fn level(sum: i32) -> u8 {
    (((sum + 4) >> 3) + 128).clamp(0, 255) as u8
}

#[inline(always)]
fn four_by_four(low: &Low) -> [[u8; 4]; 4] {
    // Columns keep three more bits; a quarter of 2^31 is never reached.
    let mut columns = [[0; 4]; 4];
    for (column, lines) in columns.iter_mut().enumerate() {
        let sums = four_points([low[column], low[4 + column], low[8 + column], low[12 + column]]);
        *lines = sums.map(|sum| (sum + (1 << 9)) >> 10);
    }
    let mut block = [[0; 4]; 4];
    for (line, row) in block.iter_mut().enumerate() {
        let sums = four_points([columns[0][line], columns[1][line], columns[2][line], columns[3][line]]);
        *row = sums.map(|sum| (((sum + (1 << 18)) >> 19) + 128).clamp(0, 255) as u8);
    }
    block
}

/// Four points of the transform, times 2^13.
#[inline(always)]
fn four_points([zero, one, two, three]: [i32; 4]) -> [i32; 4] {
    /// √2·cos(π/8)·2^13 and √2·cos(3π/8)·2^13; √2·cos(π/4) is 1.
    const FIRST: i32 = 10_703;
    const THIRD: i32 = 4_433;
    let (outer, inner) = ((zero + two) << 13, (zero - two) << 13);
    let (steep, shallow) = (one * FIRST + three * THIRD, one * THIRD - three * FIRST);
    [outer + steep, inner + shallow, inner - shallow, outer - steep]
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::{Low, last_wanted, places, write};

    fn pixels<const SIDE: usize>(low: &Low) -> Vec<u8> {
        let mut pixels = vec![0; SIDE * SIDE];
        write::<SIDE>(low, low[1..].iter().all(|&value| value == 0), &mut pixels, SIDE);
        pixels
    }

    /// The formula, in floating point.
    #[expect(clippy::cast_precision_loss, reason = "numbers below 16")]
    fn exact(low: &Low, side: usize) -> Vec<f64> {
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
                        sum += f64::from(low[4 * row + column]) * cosine(y, row) * cosine(x, column);
                    }
                }
                pixels.push((sum / 8.0 + 128.0).clamp(0.0, 255.0));
            }
        }
        pixels
    }

    fn assert_exact<const SIDE: usize>(low: &Low) {
        for (made, exact) in pixels::<SIDE>(low).into_iter().zip(exact(low, SIDE)) {
            assert!((f64::from(made) - exact).abs() <= 0.6, "{made} for {exact} of {low:?}");
        }
    }

    #[test]
    fn pixels_are_those_of_the_formula_but_for_rounding() {
        let mut seed = 1_u32;
        for round in 0..3000 {
            let mut low = [0; 17];
            for value in &mut low[..16] {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let reach = if round % 3 == 0 { 2047 } else { 150 };
                *value = i32::try_from(seed >> 16).unwrap() % (2 * reach + 1) - reach;
            }
            assert_exact::<1>(&low);
            assert_exact::<2>(&low);
            assert_exact::<4>(&low);
            low[1..].fill(0);
            assert_exact::<2>(&low);
            assert_exact::<4>(&low);
        }
    }

    #[test]
    fn places_are_those_of_the_low_frequencies() {
        for side in [1, 2, 4] {
            let wanted = places(side).iter().filter(|&&place| place != super::UNWANTED).count();
            assert_eq!(wanted, side * side);
            assert_eq!(usize::from(places(side)[last_wanted(side)]), 5 * (side - 1));
        }
        assert_eq!(places(4)[2], 4);
    }
}
