//! Scan headers, by ITU-T T.81 section B.2.3; never the data that follows them.

use std::ops::Range;

use crate::Error;
use crate::frame::Frame;
use crate::segments::Segment;
use crate::tables::Tables;

/// A scan that is to be decoded, with the tables that were in force at it.
#[derive(Debug, Clone)]
pub(crate) struct Scan {
    pub(crate) parts: Vec<Part>,
    /// First and last coefficient, in zigzag order.
    pub(crate) band: (usize, usize),
    /// Whether the coefficients were begun by an earlier scan, and get one bit more.
    pub(crate) refines: bool,
    /// The place of the lowest bit that is told.
    pub(crate) shift: u32,
    pub(crate) tables: Tables,
    /// Where its data lies in the file.
    pub(crate) data: Range<usize>,
    /// Restart markers in it.
    pub(crate) restarts: usize,
}

/// A component's part in a scan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    /// Its place in the frame.
    pub(crate) component: usize,
    pub(crate) dc_table: usize,
    pub(crate) ac_table: usize,
}

impl Scan {
    /// Reads the parameters of a scan header, behind which the data begins.
    pub(crate) fn read(
        segment: Segment<'_>,
        frame: &Frame,
        tables: &Tables,
        begin: usize,
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
        Ok(Self { parts, band, refines, shift, tables: tables.clone(), data: begin..begin, restarts: 0 })
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
    use super::progression;

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
