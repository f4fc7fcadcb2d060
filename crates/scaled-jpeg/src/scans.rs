//! Which scans of a file a scale needs, and when a file that is still arriving has them all; decodes nothing.
//!
//! The forward pass over a file and the end of it are the same for a whole file and for the beginning of one, so
//! that what is decoded of both is the same.

use std::sync::Arc;

use crate::frame::Frame;
use crate::idct::{self, Transform};
use crate::scan::Scan;
use crate::segments::{SOS, Segments};
use crate::tables::{Quantization, Tables};
use crate::{Error, Limits, Scale};

/// A file's scans, read through as far as the file is there.
#[derive(Debug, Clone)]
pub(crate) struct Scans {
    frame: Frame,
    limits: Limits,
    /// Pixels a side that are made of each component's block.
    sides: Vec<usize>,
    /// How far the file was read.
    at: usize,
    ended: bool,
    /// The scan whose data is being passed over, and whether it is needed.
    begun: Option<(Scan, bool)>,
    tables: Tables,
    kept: Vec<Scan>,
    known: Vec<Known>,
    scan_count: u32,
    segment_count: u32,
}

/// What the scans so far tell of a component.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// The place of the lowest bit told of each coefficient in zigzag order, or [`NOTHING`].
    lowest: [u8; 64],
    /// The quantization in force at its first scan.
    pub(crate) quantization: Option<Arc<Quantization>>,
}

/// Not even the first bit.
const NOTHING: u8 = 16;

impl Scans {
    pub(crate) fn new(frame: &Frame, limits: &Limits, scale: Scale) -> Self {
        let known = Known { lowest: [NOTHING; 64], quantization: None };
        Self {
            known: vec![known; frame.components.len()],
            sides: frame.components.iter().map(|component| frame.side(component, scale)).collect(),
            frame: frame.clone(),
            limits: *limits,
            at: 0,
            ended: false,
            begun: None,
            tables: Tables::default(),
            kept: Vec::new(),
            scan_count: 0,
            segment_count: 0,
        }
    }

    /// Reads on until all that is needed is there, or until the end of the image if that comes earlier.
    /// [`Error::Truncated`] asks for more of the same file.
    pub(crate) fn read_needed(&mut self, file: &[u8]) -> Result<(), Error> {
        while !self.ended && !self.complete() {
            self.step(file)?;
        }
        Ok(())
    }

    /// Reads on until the end of the image.
    pub(crate) fn read_all(&mut self, file: &[u8]) -> Result<(), Error> {
        while !self.ended {
            self.step(file)?;
        }
        Ok(())
    }

    /// Whether every component is known as well as the scale needs, by scans that are wholly there.
    fn complete(&self) -> bool {
        self.begun.is_none() && self.known.iter().zip(&self.sides).all(|(known, &side)| known.suffices(side))
    }

    /// Reads a segment, or the rest of a scan's data.
    fn step(&mut self, file: &[u8]) -> Result<(), Error> {
        let mut segments = if self.at == 0 { Segments::of(file)? } else { Segments::resume(file, self.at) };
        let read = self.read_one(&mut segments);
        self.at = segments.position();
        read
    }

    fn read_one(&mut self, segments: &mut Segments<'_>) -> Result<(), Error> {
        if let Some((scan, needed)) = &mut self.begun {
            let passed = segments.pass_data();
            scan.restarts += segments.restarts();
            passed?;
            scan.data.end = segments.position();
            if *needed {
                for part in &scan.parts {
                    self.known[part.component].add(scan);
                }
                self.kept.extend(self.begun.take().map(|(scan, _)| scan));
            }
            self.begun = None;
            return Ok(());
        }
        let Some(segment) = segments.next()? else {
            self.ended = true;
            return Ok(());
        };
        if segment.marker != SOS {
            self.segment_count += 1;
            if self.segment_count > self.limits.max_segments {
                return Err(Error::Limit("segments"));
            }
            return self.tables.add(segment);
        }
        self.scan_count += 1;
        if self.scan_count > self.limits.max_scans {
            return Err(Error::Limit("scans"));
        }
        let scan = Scan::read(segment, &self.frame, &self.tables, segments.position())?;
        let mut needed = false;
        for part in &scan.parts {
            let known = &mut self.known[part.component];
            needed |= !known.suffices(self.sides[part.component]);
            if known.quantization.is_none() {
                let number = self.frame.components[part.component].quantization;
                known.quantization = Some(self.tables.quantization(number)?);
            }
        }
        self.begun = Some((scan, needed));
        Ok(())
    }

    /// The scans to decode, in order, and what they tell of each component.
    pub(crate) fn into_needed(self) -> Result<(Vec<Scan>, Vec<Known>), Error> {
        if self.scan_count == 0 {
            return Err(Error::Corrupt("no scan"));
        }
        let mut scans = self.kept;
        if self.frame.progressive {
            drop_what_is_not_needed(&mut scans, self.sides.into_iter().map(idct::wanted).collect());
        }
        Ok((scans, self.known))
    }
}

impl Known {
    fn add(&mut self, scan: &Scan) {
        let shift = u8::try_from(scan.shift).unwrap_or(NOTHING);
        for lowest in &mut self.lowest[scan.band.0..=scan.band.1] {
            // Damaged files may tell less than before.
            *lowest = shift.min(*lowest);
        }
    }

    /// Whether the bits not told are too few to be seen, each coefficient being taken in the middle of what they
    /// leave open.
    ///
    /// At 1/8 they move no sample by more than a level. At 1/4 those of four coefficients together move it by two
    /// and a half at the very most, if all of them fall the same way, and by less than one on average. That
    /// is the last bit of each coefficient at the qualities that photos have, and in a progressive file the longest
    /// scan of all. At 1/2, where sixteen add up, every bit is needed.
    fn suffices(&self, side: usize) -> bool {
        /// Sixteenths of a level.
        const ALLOWED: [u32; 2] = [16, 40];
        let Some(steps) = &self.quantization else { return false };
        let mut open = 0_u32;
        for at in (0..64).filter(|at| idct::wanted(side) >> at & 1 == 1) {
            if self.lowest[at] == NOTHING {
                return false;
            }
            // Half a step each way. Of other coefficients than the first, whose sign is told with their first bit,
            // those that are still zero have no middle to be taken.
            let halves = if at == 0 { 1 } else { 2 };
            open = open.saturating_add(halves * u32::from(steps[at]) * ((1 << self.lowest[at]) - 1));
        }
        open <= ALLOWED.get(side - 1).copied().unwrap_or(0)
    }

    /// Halves of a step from what is told of each coefficient to the middle of what is left open, in the order in
    /// which they are kept.
    pub(crate) fn open(&self, side: usize) -> [i16; 16] {
        let mut open = [0; 16];
        for (&lowest, &place) in self.lowest.iter().zip(&idct::places(side)).rev() {
            open[usize::from(place)] = if lowest < NOTHING { (1 << lowest) - 1 } else { 0 };
        }
        open
    }

    /// What makes pixels of the component's coefficients.
    pub(crate) fn transform(&self, side: usize) -> Transform {
        // Without a scan there are no coefficients either.
        Transform::new(side, self.quantization.as_deref().unwrap_or(&[0; 64]))
    }
}

/// Keeps the scans that tell wanted coefficients, and those without which a later one cannot be read: a
/// refinement has a bit for every coefficient of its band that is not zero yet.
fn drop_what_is_not_needed(scans: &mut Vec<Scan>, mut wanted: Vec<u64>) {
    let mut later = Vec::new();
    while let Some(scan) = scans.pop() {
        let band = band_bits(scan.band.0, scan.band.1);
        if scan.parts.iter().all(|part| wanted[part.component] & band == 0) {
            continue;
        }
        if scan.refines && scan.band.0 > 0 {
            for part in &scan.parts {
                wanted[part.component] |= band;
            }
        }
        later.push(scan);
    }
    later.reverse();
    *scans = later;
}

/// A bit for each coefficient of a band.
pub(crate) fn band_bits(first: usize, last: usize) -> u64 {
    u64::MAX >> (63 - last) & u64::MAX << first
}

#[cfg(test)]
mod tests {
    use super::band_bits;

    #[test]
    fn a_band_has_a_bit_for_each_coefficient() {
        assert_eq!(band_bits(0, 0), 1);
        assert_eq!(band_bits(1, 5), 0b11_1110);
        assert_eq!(band_bits(0, 63), u64::MAX);
    }
}
