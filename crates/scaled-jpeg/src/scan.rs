//! Scan headers, by ITU-T T.81 section B.2.3, and which scans of a file a scale needs.

use crate::frame::Frame;
use crate::segments::{SOS, Segment, Segments};
use crate::tables::{Quantization, Tables};
use crate::{Error, Limits};

/// A scan that is to be decoded, with the tables that were in force at it.
pub(crate) struct Scan<'a> {
    pub(crate) parts: Vec<Part>,
    /// First and last coefficient, in zigzag order.
    pub(crate) band: (usize, usize),
    /// Whether the coefficients were begun by an earlier scan, and get one bit more.
    pub(crate) refines: bool,
    /// The place of the lowest bit that is told.
    pub(crate) shift: u32,
    pub(crate) tables: Tables<'a>,
    pub(crate) entropy_coded: &'a [u8],
}

/// A component's part in a scan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    /// Its place in the frame.
    pub(crate) component: usize,
    pub(crate) dc_table: usize,
    pub(crate) ac_table: usize,
}

/// A file read through to its end.
pub(crate) struct Scans<'a> {
    /// The scans that are needed, in order.
    pub(crate) needed: Vec<Scan<'a>>,
    /// For each component the quantization in force at its first scan, if it has one.
    pub(crate) quantization: Vec<Option<Quantization>>,
}

impl<'a> Scans<'a> {
    /// Finds the scans that coefficients up to `last`, in zigzag order, need; decodes nothing yet.
    pub(crate) fn of(file: &'a [u8], frame: &Frame, limits: &Limits, last: usize) -> Result<Self, Error> {
        let mut segments = Segments::of(file)?;
        let mut tables = Tables::default();
        let mut quantization = vec![None; frame.components.len()];
        let mut scans = Vec::new();
        let (mut scan_count, mut segment_count) = (0, 0);
        while let Some(segment) = segments.next()? {
            if segment.marker != SOS {
                segment_count += 1;
                if segment_count > limits.max_segments {
                    return Err(Error::Limit("segments"));
                }
                tables.add(segment)?;
                continue;
            }
            scan_count += 1;
            if scan_count > limits.max_scans {
                return Err(Error::Limit("scans"));
            }
            let scan = Scan::read(segment, frame, &tables, segments.entropy_coded())?;
            let mut told_before = false;
            for part in &scan.parts {
                let slot = &mut quantization[part.component];
                told_before |= slot.is_some();
                if slot.is_none() {
                    *slot = Some(tables.quantization(frame.components[part.component].quantization)?);
                }
            }
            // A sequential file tells each component once.
            if frame.progressive || !told_before {
                scans.push(scan);
            }
        }
        if scans.is_empty() {
            return Err(Error::Corrupt("no scan"));
        }
        if frame.progressive {
            drop_what_is_not_needed(&mut scans, frame.components.len(), last);
        }
        Ok(Self { needed: scans, quantization })
    }
}

/// Keeps the scans that tell wanted coefficients, and those without which a later one cannot be read: a
/// refinement has a bit for every coefficient of its band that is not zero yet.
fn drop_what_is_not_needed(scans: &mut Vec<Scan<'_>>, components: usize, last: usize) {
    let mut wanted = vec![band_bits(0, last); components];
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
fn band_bits(first: usize, last: usize) -> u64 {
    u64::MAX >> (63 - last) & u64::MAX << first
}

impl<'a> Scan<'a> {
    fn read(
        segment: Segment<'a>,
        frame: &Frame,
        tables: &Tables<'a>,
        entropy_coded: &'a [u8],
    ) -> Result<Self, Error> {
        const EARLY: Error = Error::Corrupt("a scan header that ends early");
        let (&count, rest) = segment.payload.split_first().ok_or(EARLY)?;
        let (parts, rest) = rest.split_at_checked(2 * usize::from(count)).ok_or(EARLY)?;
        let &[first, last, bits] = rest.first_chunk::<3>().ok_or(EARLY)?;
        if !(1..=4).contains(&count) {
            return Err(Error::Corrupt("a scan of no component or too many"));
        }
        let parts = parts.as_chunks::<2>().0.iter().map(|&[id, numbers]| {
            let component = frame.components.iter().position(|component| component.id == id);
            Ok(Part {
                component: component.ok_or(Error::Corrupt("a scan of an unknown component"))?,
                dc_table: usize::from(numbers >> 4),
                ac_table: usize::from(numbers & 15),
            })
        });
        let parts = parts.collect::<Result<Vec<_>, Error>>()?;
        if parts
            .iter()
            .enumerate()
            .any(|(at, part)| parts[..at].iter().any(|other| other.component == part.component))
        {
            return Err(Error::Corrupt("a scan that names a component twice"));
        }
        let blocks = parts.iter().map(|part| frame.components[part.component].sampling).map(|(h, v)| h * v);
        if parts.len() > 1 && blocks.sum::<usize>() > 10 {
            return Err(Error::Corrupt("more than ten blocks in an MCU"));
        }
        let (band, refines, shift) = if frame.progressive {
            progression(first, last, bits, parts.len())?
        } else {
            ((0, 63), false, 0)
        };
        Ok(Self { parts, band, refines, shift, tables: tables.clone(), entropy_coded })
    }
}

/// The band and bits of a progressive scan, by section G.1.1.1.
fn progression(first: u8, last: u8, bits: u8, parts: usize) -> Result<((usize, usize), bool, u32), Error> {
    let (first, last) = (usize::from(first), usize::from(last));
    let valid = if first == 0 { last == 0 } else { first <= last && last <= 63 && parts == 1 };
    if !valid {
        return Err(Error::Corrupt("a scan of an impossible band"));
    }
    let (high, shift) = (bits >> 4, bits & 15);
    if shift > 13 || (high > 0 && high != shift + 1) {
        return Err(Error::Corrupt("a scan of impossible bits"));
    }
    Ok(((first, last), high > 0, u32::from(shift)))
}

#[cfg(test)]
mod tests {
    use super::{band_bits, progression};

    #[test]
    fn a_band_has_a_bit_for_each_coefficient() {
        assert_eq!(band_bits(0, 0), 1);
        assert_eq!(band_bits(1, 5), 0b11_1110);
        assert_eq!(band_bits(0, 63), u64::MAX);
    }

    #[test]
    fn bands_and_bits_that_no_encoder_may_write_are_refused() {
        assert_eq!(progression(0, 0, 0x01, 3).unwrap(), ((0, 0), false, 1));
        assert_eq!(progression(1, 63, 0x21, 1).unwrap(), ((1, 63), true, 1));
        for (first, last, bits, parts) in
            [(0, 5, 0, 1), (1, 64, 0, 1), (6, 5, 0, 1), (1, 5, 0, 2), (1, 5, 0x31, 1), (1, 5, 0x0E, 1)]
        {
            assert!(progression(first, last, bits, parts).is_err());
        }
    }
}
